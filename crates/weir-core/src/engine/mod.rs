//! Joins parser, flow table, fragment cache, identities, policy and counters, so that the driver stays a thin
//! shell.
//!
//! A driver reserves one block of memory ([`Engine::layout`]), builds the engine in it ([`Engine::init`]) and
//! calls:
//!
//! * [`Engine::batch`] once per NET_BUFFER_LIST chain, then [`Batch::inspect`] per frame and, where that gives a
//!   [`Toll`], [`Batch::charge`] per list (IRQL <= DISPATCH_LEVEL);
//! * [`Engine::authorize`], [`Engine::established`], [`Engine::closed`] from the ALE callouts;
//! * [`Engine::set_policy`], [`Engine::list_flows`], [`Engine::status`] from the control device (PASSIVE_LEVEL);
//! * [`Engine::tap`] for each frame whose verdict says so, once it is known what becomes of it (DISPATCH_LEVEL);
//! * [`Engine::age`] from a timer (PASSIVE_LEVEL or DISPATCH_LEVEL).

mod ale;
mod force;
mod inspect;
mod names;
mod quick;

use core::alloc::Layout;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::ask::Question;
use crate::counters::{Counter, Counters, Tally};
use crate::epoch::Domain;
use crate::flow::{self, Endpoint, FlowKey, FlowView, Record, Side, State};
use crate::fragment;
use crate::identity::{self, IdentityView};
use crate::limit::{Bucket, Limit};
use crate::memory::Carver;
use crate::names::{Handle, Held, Names};
use crate::policy::{Ask, Decider, Failure, Identity, Image, Mark, PolicyError};
use crate::tap::{self, Tap};
use crate::wire::{Frame, Malformed, Medium, Source, protocol};
use crate::{Action, Direction, Time};

use force::{Force, InForce};
pub use inspect::Batch;
pub use quick::Short;

/// Sizes of the tables, fixed for the life of the engine.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Processors that will call.
    pub processors: u32,
    /// Flows that can be known at once.
    pub flows: u32,
    /// Fragmented datagrams that can be known at once.
    pub fragments: u32,
    /// Application images and users, together, that can be known.
    pub identities: u32,
    /// Names of hosts that can be known at once, and addresses whose names are remembered.
    pub names: u32,
    /// Connections whose first data come in pieces, at once, as far as their names are read.
    pub beginnings: u32,
    /// Rules whose hits are counted one by one; a policy with more is refused.
    pub rules: u32,
    /// How long flows stay without frames.
    pub timeouts: Timeouts,
    /// Below this number of flows none is removed, so that a quiet machine keeps its history.
    pub keep: u32,
    /// Frames and bytes are counted for each flow. Without, only for flows under a rule that limits, taps or marks:
    /// the packet path then needs one cache line less per frame.
    pub count_flows: bool,
    /// Secret of the hash functions; must not be guessable from the network.
    pub seed: [u64; 2],
}

impl Config {
    /// Sizes for a server.
    #[must_use]
    pub fn new(processors: u32, seed: [u64; 2]) -> Self {
        Self {
            processors,
            flows: 65_536,
            fragments: 1_024,
            identities: 2_048,
            names: 4_096,
            beginnings: 64,
            rules: 4_096,
            timeouts: Timeouts::default(),
            keep: 32_768,
            count_flows: true,
            seed,
        }
    }
}

/// How long a flow stays without frames, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP connections in use.
    pub tcp: u32,
    /// TCP connections whose handshake did not finish, and flows that were authorised but never seen.
    pub opening: u32,
    /// Everything without connections.
    pub other: u32,
    /// Flows that ended.
    pub ended: u32,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { tcp: 7_200, opening: 60, other: 180, ended: 30 }
    }
}

/// The adapter that carries a frame.
#[derive(Clone, Copy, Debug)]
pub struct Interface<'a> {
    /// LUID, 0 when not known.
    pub luid: u64,
    /// Index, 0 when not known.
    pub index: u32,
    /// What its frames begin with.
    pub medium: Medium,
    /// Routing compartment.
    pub compartment: u32,
    /// Name that `interface = "..."` rules are compared with (the alias that users see), UTF-16, any case;
    /// empty when not known.
    pub name: &'a [u16],
}

/// What to do with a frame, and why.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// Pass or drop.
    pub action: Action,
    /// Who decided.
    pub decider: Decider,
    /// Generation of the policy that decided, 0 without one.
    pub generation: u32,
    /// What the frame is.
    pub frame: Frame,
    /// Id of its flow, when it has one.
    pub flow: Option<u64>,
    /// The sender is to be told that it was blocked (see [`crate::reject`] and [`Batch::may_reject`]).
    pub reject: bool,
    /// A copy is to be handed to the tap.
    pub tap: bool,
    /// What to write into its headers when it is sent (see [`crate::mark`]).
    pub mark: Mark,
    /// Present when it passes only if [`Batch::charge`] says so.
    pub toll: Option<Toll>,
}

/// What is known about a frame that passes whatever the policy says.
#[derive(Clone, Copy, Debug)]
pub struct Watched {
    /// Who decided about its flow.
    pub decider: Decider,
    /// Generation of the policy that decided, 0 without one.
    pub generation: u32,
    /// Id of its flow, when it has one.
    pub flow: Option<u64>,
    /// A copy is to be handed to the tap.
    pub tap: bool,
}

/// What the limit of a rule is to be asked for.
///
/// A NET_BUFFER_LIST is asked for as a whole, since it passes as a whole: put the tolls of its frames together
/// with [`Toll::join`].
#[derive(Clone, Copy, Debug)]
pub struct Toll {
    /// The limit.
    pub limit: Limit,
    /// Bits of the frames.
    pub bits: u64,
    /// Packets: one for each frame, unless the caller knows better.
    pub packets: u64,
    /// Frames.
    frames: u32,
    direction: Direction,
    /// Where the rule's buckets are.
    place: u32,
    rule: u32,
    /// Number of the flow record, and the side that sent.
    flow: Option<(u32, Side)>,
}

impl Toll {
    /// Adds another frame of the same list, which NDIS promises to belong to the same flow.
    pub fn join(&mut self, other: &Toll) {
        self.bits = self.bits.saturating_add(other.bits);
        self.packets = self.packets.saturating_add(other.packets);
        self.frames = self.frames.saturating_add(other.frames);
    }
}

/// An ALE authorisation (AUTH_CONNECT or AUTH_RECV_ACCEPT).
#[derive(Clone, Copy, Debug)]
pub struct AleFlow<'a> {
    /// `Send` for AUTH_CONNECT, `Receive` for AUTH_RECV_ACCEPT.
    pub direction: Direction,
    /// IP protocol.
    pub protocol: u8,
    /// Routing compartment.
    pub compartment: u32,
    /// Local end. The ports do not count for ICMP, where ALE gives type and code.
    pub local: Endpoint,
    /// Remote end.
    pub remote: Endpoint,
    /// Interface; `luid` 0 when ALE does not know it (yet).
    pub interface: Interface<'a>,
    /// Application path as ALE gives it (NT path, UTF-16, any case, no terminator); empty when unknown.
    pub image: &'a [u16],
    /// Process id, 0 when unknown.
    pub process_id: u64,
    /// When that process was created, 100 ns units since 1601 by the clock of `now`, 0 when it is gone; `None` when it
    /// could not be looked up in the callout, which may run at DISPATCH_LEVEL: see [`Engine::resolve`].
    pub process_created: Option<u64>,
    /// Binary SID of the user; empty when unknown.
    pub user: &'a [u8],
    /// Binary SID of the package (AppContainer); empty when unknown or outside of any.
    pub package: &'a [u8],
    /// `FWP_CONDITION_FLAG_IS_LOOPBACK` was set.
    pub loopback: bool,
    /// `FWP_CONDITION_FLAG_IS_REAUTHORIZE` was set, or the packet is one that waited for an answer and was injected
    /// again: nobody is asked, what was answered counts.
    pub reauthorize: bool,
}

/// Answer to an ALE authorisation.
#[derive(Clone, Copy, Debug)]
pub struct Authorization {
    /// What to tell ALE.
    pub action: Action,
    /// Who decided.
    pub decider: Decider,
    /// Id of the flow record, when there was room for one.
    pub flow: Option<u64>,
    /// Present when the agent is to be asked; `action` is what happens without an answer. Whatever comes of it, say
    /// so with [`Engine::answer`].
    pub question: Option<Question>,
    /// [`Engine::resolve`] is to be called at PASSIVE_LEVEL: this is the first flow in its list.
    pub resolve: bool,
}

/// One connection, or conversation, among those that come one after the other under the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    key: FlowKey,
    flow: u64,
    number: u8,
}

/// What follows from ALE_FLOW_ESTABLISHED.
#[derive(Clone, Copy, Debug)]
pub struct Established {
    /// As [`Authorization::resolve`].
    pub resolve: bool,
    /// For [`Engine::deleted`]; `None` when there was no room for a record.
    pub connection: Option<Connection>,
}

/// State of the engine.
#[derive(Clone, Copy, Debug)]
pub struct Status {
    /// Generation of the policy in force, 0 when none is.
    pub generation: u32,
    /// Rules of the policy in force.
    pub rules: u32,
    /// Flows in the table.
    pub flows: u32,
    /// Flows it has room for.
    pub flow_capacity: u32,
    /// Identities known.
    pub identities: u32,
}

/// Outcome of [`Engine::set_policy`]: the generation of the new policy, and the image that was in force
/// before.
pub type Exchanged = (u32, Option<NonNull<[u8]>>);

/// How often a rule decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleHits {
    /// Frames.
    pub frames: u64,
    /// ALE authorisations.
    pub flows: u64,
}

/// The engine.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    domain: Domain,
    force: Force,
    flows: flow::Table,
    fragments: fragment::Cache,
    identities: identity::Table,
    names: Names,
    /// Somebody wants to see names, whatever the policy asks for.
    names_watched: AtomicBool,
    counters: Counters,
    /// Answers to rejected frames.
    rejects: Bucket,
    tap: Tap,
    age_cursor: AtomicU64,
}

impl Engine {
    /// Places looked at by one call of [`Engine::age`], at least.
    const AGE_PLACES: usize = 8_192;
    /// Calls of [`Engine::age`] that see the whole table, at most.
    const AGE_CALLS: usize = 16;

    /// The memory that [`Engine::init`] needs; `None` when the sizes make no sense.
    #[must_use]
    pub fn layout(config: &Config) -> Option<Layout> {
        let mut carver = Carver::measuring();
        let _ = carver.room::<Engine>()?;
        Self::carve(&mut carver, config, None)?;
        carver.layout()
    }

    /// Builds the engine in `memory`.
    ///
    /// # Safety
    /// `memory` must be as large and as aligned as [`Engine::layout`] says for the same `config`, all zero
    /// bytes, used by nobody else, and live until the last use of the returned reference.
    #[expect(unsafe_code, reason = "in-place construction")]
    #[inline(never)]
    pub unsafe fn init(memory: NonNull<u8>, config: &Config) -> Option<&'static Engine> {
        // SAFETY: the caller promises what `carving` asks for; `layout` measured the same sequence of calls.
        let mut carver = unsafe { Carver::carving(memory) };
        let room = carver.room::<Engine>()??;
        Self::carve(&mut carver, config, Some(room))?;
        // SAFETY: written just now, and the caller keeps the memory alive and to the engine alone.
        Some(unsafe { room.as_ref() })
    }

    /// Builds the engine in `room`, or only measures. Not inlined into [`Engine::init`], and the one place that holds an
    /// engine on its stack: kernel stacks are small.
    #[expect(unsafe_code, reason = "in-place construction")]
    #[inline(never)]
    fn carve(carver: &mut Carver, config: &Config, room: Option<NonNull<Self>>) -> Option<()> {
        let [first, second] = config.seed;
        // Different secrets per table, so that what is learnt about one tells nothing about another.
        let seed = |salt: u64| [first ^ salt, second.rotate_left(17) ^ salt];
        let engine = Self {
            config: *config,
            domain: Domain::carve(carver, config.processors)?,
            force: Force::carve(carver, config.processors, config.rules)?,
            flows: flow::Table::carve(carver, config.flows, config.seed)?,
            fragments: fragment::Cache::carve(carver, config.fragments, seed(0x6a09_e667_f3bc_c908))?,
            identities: identity::Table::carve(carver, config.identities, seed(0xbb67_ae85_84ca_a73b))?,
            names: Names::carve(carver, config.names, config.beginnings, seed(0x3c6e_f372_fe94_f82b))?,
            names_watched: AtomicBool::new(false),
            counters: Counters::carve(carver, config.processors)?,
            rejects: Bucket::new(),
            tap: Tap::new(),
            age_cursor: AtomicU64::new(0),
        };
        if let Some(room) = room {
            // SAFETY: `init` passes room that is inside its block, aligned for an engine, and handed out once.
            unsafe { room.write(engine) };
        }
        Some(())
    }

    /// Begins a batch of frames on `processor`. Policy and flow records that the batch sees stay valid until
    /// it is dropped, so do not wait for anything while holding one.
    #[must_use]
    pub fn batch(&self, processor: u32, now: Time) -> Batch<'_> {
        Batch::new(self, processor, now)
    }

    /// Verifies `image` and puts it in force; returns its generation and the image that was in force before,
    /// which nobody uses any more.
    ///
    /// `pause` is called while waiting for the packet path to leave the old image: sleep or yield there.
    /// IRQL: PASSIVE_LEVEL. On error the old policy stays in force and `image` is not kept.
    ///
    /// # Safety
    /// `image` must stay valid and unchanged until this engine gives it back, or is no longer used.
    #[expect(unsafe_code, reason = "the image is shared with the packet path")]
    pub unsafe fn set_policy(
        &self,
        image: NonNull<[u8]>,
        pause: impl FnMut(),
    ) -> Result<Exchanged, PolicyError> {
        // SAFETY: passed on unchanged.
        unsafe { self.force.set(&self.domain, image, |generation| self.forget(generation), pause) }
    }

    /// Takes the policy out of force: everything passes. Gives the image back.
    pub fn clear_policy(&self, pause: impl FnMut()) -> Result<Option<NonNull<[u8]>>, PolicyError> {
        self.force.clear(&self.domain, || self.forget(0), pause)
    }

    /// Forgets verdicts that would be taken for those of `generation`.
    fn forget(&self, generation: u32) {
        self.flows.forget_verdicts(|verdict| quick::is_of(verdict, generation));
    }

    /// Shows the image in force and its generation to `read`, which must not wait.
    pub fn with_policy<R>(&self, processor: u32, read: impl FnOnce(Option<(u32, &[u8])>) -> R) -> R {
        let guard = self.domain.enter(processor);
        read(self.force.get(&guard).map(|policy| (policy.generation, policy.image.bytes())))
    }

    /// Shows flows to `each` from `cursor` (0 = first) until it says `false` for one, which is not counted as
    /// shown; returns the cursor to go on from, or 0 at the end.
    pub fn list_flows(&self, processor: u32, cursor: u64, each: &mut impl FnMut(&FlowView) -> bool) -> u64 {
        let guard = self.domain.enter(processor);
        self.flows.for_each_from(&guard, cursor, usize::MAX, &mut |record| each(&record.view()))
    }

    /// Shows identities to `each` from `cursor` (0 = first) until it says `false` for one, which is not
    /// counted as shown; returns the cursor to go on from, or 0 at the end.
    pub fn list_identities(&self, cursor: u64, each: &mut impl FnMut(&IdentityView<'_>) -> bool) -> u64 {
        self.identities.list(cursor, each)
    }

    /// Looks for names in DNS answers and first data also when no rule asks for them, or stops that. Without either nothing
    /// is looked at.
    pub fn watch_names(&self, watch: bool) {
        self.names_watched.store(watch, Ordering::Relaxed);
    }

    fn watched(&self) -> bool {
        self.names_watched.load(Ordering::Relaxed)
    }

    /// Shows names to `each` from `cursor` (0 = first) until it says `false`; returns the cursor to go on from, or 0 at the
    /// end.
    pub fn list_names(&self, cursor: u64, each: &mut impl FnMut(Handle, &Held<'_>) -> bool) -> u64 {
        self.names.list(cursor, each)
    }

    /// Numbers about the engine.
    #[must_use]
    pub fn status(&self) -> Status {
        let guard = self.domain.enter(0);
        let policy = self.force.get(&guard);
        Status {
            generation: policy.map_or(0, |policy| policy.generation),
            rules: policy.map_or(0, |policy| policy.image.rule_count()),
            flows: self.flows.len(),
            flow_capacity: self.flows.capacity(),
            identities: self.identities.len(),
        }
    }

    /// Lets a consumer have copies of frames; `None` for settings that are not valid, and while there is one already.
    /// IRQL: PASSIVE_LEVEL.
    ///
    /// # Safety
    /// `memory` must be as large and as aligned as [`tap::Settings::layout`] says for `settings` and the engine's
    /// processors, all zero bytes, used by nobody else, and live until [`Engine::close_tap`] has returned.
    #[expect(unsafe_code, reason = "in-place construction")]
    pub unsafe fn open_tap(&self, memory: NonNull<u8>, settings: &tap::Settings) -> Option<tap::Consumer> {
        // SAFETY: passed on unchanged.
        unsafe { self.tap.open(memory, settings, self.config.processors) }
    }

    /// Ends what [`Engine::open_tap`] of this engine began; nobody uses its memory any more. `pause` is called while waiting
    /// for frames that are being copied. IRQL: PASSIVE_LEVEL.
    pub fn close_tap(&self, consumer: tap::Consumer, pause: impl FnMut()) {
        self.tap.close(&self.domain, consumer, pause);
    }

    /// Copies a frame for the consumer, and counts it as tapped or, when there is no room or no consumer, as lost. To be
    /// called for what a rule taps, at DISPATCH_LEVEL on `processor`. `clock` is asked when the place of the copy is taken.
    pub fn tap<S: Source + ?Sized>(
        &self,
        processor: u32,
        clock: impl FnOnce() -> Time,
        about: &tap::About,
        frame: &S,
    ) {
        let guard = self.domain.enter(processor);
        let copied = self.tap.record(&guard, processor, clock, about, frame);
        self.counters.add(processor, if copied { Counter::Tapped } else { Counter::TapLost }, 1);
    }

    /// Counts something that happened outside of a batch.
    pub fn count(&self, processor: u32, counter: Counter, value: u64) {
        self.counters.add(processor, counter, value);
    }

    /// Sum of a counter over all processors.
    #[must_use]
    pub fn counter(&self, counter: Counter) -> u64 {
        self.counters.get(counter)
    }

    /// Frames that were malformed for `reason`.
    #[must_use]
    pub fn malformed(&self, reason: Malformed) -> u64 {
        self.counters.malformed(reason)
    }

    /// How often the rule with this index of the policy in force decided since that policy came into force.
    #[must_use]
    pub fn rule_hits(&self, index: u32) -> RuleHits {
        self.force.hits(index)
    }

    /// Removes flows that ended or idle too long, and makes the memory of removed ones usable again. Looks at
    /// a part of the table each time: call it every second or so, never from inside a [`Batch`].
    pub fn age(&self, processor: u32, now: Time) {
        let guard = self.domain.enter(processor);
        let mut removed = 0;
        let cursor = self.age_cursor.load(Ordering::Relaxed);
        let places = (self.flows.capacity() as usize / Self::AGE_CALLS).max(Self::AGE_PLACES);
        let next = self.flows.for_each_from(&guard, cursor, places, &mut |record| {
            if self.flows.take_touch(record) {
                // Its last frame came since the last look, nobody knows when.
                record.touch(now);
            } else if self.flows.len() > self.config.keep
                && self.is_stale(record, now)
                && self.flows.remove(&guard, record)
            {
                removed += 1;
            }
            true
        });
        self.age_cursor.store(next, Ordering::Relaxed);
        drop(guard);
        let mut tally = Tally::new();
        tally.add(Counter::FlowsRemoved, removed);
        self.counters.flush(processor, &tally);
        self.names.sweep(now);
        self.reclaim(usize::MAX);
    }

    /// Makes the memory of `most` removed flows usable again, and gives their names back.
    fn reclaim(&self, most: usize) {
        self.flows.reclaim(&self.domain, most, |record| {
            self.names.release(record.replace_name(Handle::NONE));
        });
    }

    fn is_stale(&self, record: &Record, now: Time) -> bool {
        if record.is_asked() {
            return false;
        }
        let timeouts = &self.config.timeouts;
        let seconds = match record.state() {
            State::Closed | State::Reset => timeouts.ended,
            State::New | State::Opening => timeouts.opening,
            _ if record.key().protocol() == protocol::TCP => timeouts.tcp,
            State::Active | State::Closing => timeouts.other,
        };
        now.since(record.last_seen()) > u64::from(seconds).saturating_mul(Time::SECOND)
    }

    /// The owner of a flow as policy sees it.
    fn identity(&self, record: &Record) -> Identity<'_> {
        let owner = record.owner();
        Identity { image: self.identities.image(owner.image), user: self.identities.user(owner.user) }
    }
}

/// What a policy says when it cannot decide.
fn failure(image: &Image<'_>) -> Action {
    match image.defaults().failure {
        Failure::Open => Action::Permit,
        Failure::Closed => Action::Block,
    }
}

/// The rule that decided, if it wants the agent asked.
fn asks(policy: &InForce<'_>, decider: Decider) -> Option<(u32, Ask)> {
    match decider {
        Decider::Rule(rule) if policy.image.uses_ask() => Some((rule, policy.image.treatment(rule).ask?)),
        _ => None,
    }
}
