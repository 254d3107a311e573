//! Joins parser, flow table, fragment cache, identities, policy and counters, so that the driver stays a thin shell.
//!
//! A driver reserves one block of memory ([`Engine::layout`]), builds the engine in it ([`Engine::init`]) and calls:
//!
//! * [`Engine::batch`] once per NET_BUFFER_LIST chain, then [`Batch::inspect`] per frame (IRQL <= DISPATCH_LEVEL);
//! * [`Engine::authorize`], [`Engine::established`], [`Engine::closed`] from the ALE callouts;
//! * [`Engine::set_policy`], [`Engine::list_flows`], [`Engine::status`] from the control device (PASSIVE_LEVEL);
//! * [`Engine::age`] from a timer (PASSIVE_LEVEL or DISPATCH_LEVEL).

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::counters::Counter;
use crate::flow::{Endpoint, FlowView};
use crate::identity::IdentityView;
use crate::policy::{Decider, PolicyError};
use crate::wire::{Frame, Malformed, Medium, Source, VlanTag};
use crate::{Action, Direction, Time};

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
    /// Rules whose hits are counted one by one; a policy with more is refused.
    pub rules: u32,
    /// Secret of the hash functions; must not be guessable from the network.
    pub seed: [u64; 2],
}

impl Config {
    /// Sizes for a server.
    #[must_use]
    pub fn new(processors: u32, seed: [u64; 2]) -> Self {
        Self { processors, flows: 65_536, fragments: 1_024, identities: 4_096, rules: 4_096, seed }
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
    /// Name that `interface = "..."` rules are compared with (the alias that users see), UTF-16, any case; empty when
    /// not known.
    pub name: &'a [u16],
}

/// What to do with a frame, and why.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// Pass or drop.
    pub action: Action,
    /// Who decided.
    pub decider: Decider,
    /// What the frame is.
    pub frame: Frame,
    /// Id of its flow, when it has one.
    pub flow: Option<u64>,
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
    /// Local end. For ICMP the "ports" of ALE are type and code: leave them as they are.
    pub local: Endpoint,
    /// Remote end.
    pub remote: Endpoint,
    /// Interface; `luid` 0 when ALE does not know it (yet).
    pub interface: Interface<'a>,
    /// Application path as ALE gives it (NT path, UTF-16, any case, no terminator); empty when unknown.
    pub image: &'a [u16],
    /// Process id, 0 when unknown.
    pub process_id: u64,
    /// Binary SID of the user; empty when unknown.
    pub user: &'a [u8],
    /// `FWP_CONDITION_FLAG_IS_REAUTHORIZE` was set.
    pub reauthorize: bool,
}

/// Answer to an ALE authorisation.
#[derive(Clone, Copy, Debug)]
pub struct Authorization {
    /// What to tell ALE.
    pub action: Action,
    /// Who decided.
    pub decider: Decider,
    /// Id of the flow record; give it to [`Engine::established`] and [`Engine::closed`] when the key is not at hand.
    pub flow: Option<u64>,
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
}

impl Engine {
    /// The memory that [`Engine::init`] needs; `None` when the sizes make no sense.
    #[must_use]
    pub fn layout(_config: &Config) -> Option<Layout> {
        Layout::from_size_align(64, 64).ok()
    }

    /// Builds the engine in `memory`.
    ///
    /// # Safety
    /// `memory` must be as large and as aligned as [`Engine::layout`] says for the same `config`, all zero bytes, used by
    /// nobody else, and live until the last use of the returned reference.
    #[expect(unsafe_code, reason = "in-place construction")]
    pub unsafe fn init(memory: NonNull<u8>, config: &Config) -> Option<&'static Engine> {
        let _ = (memory, config);
        None
    }

    /// Begins a batch of frames on `processor`. Policy and flow records that the batch sees stay valid until it is dropped.
    #[must_use]
    pub fn batch(&self, processor: u32, now: Time) -> Batch<'_> {
        Batch { engine: self, processor, now }
    }

    /// ALE asks whether a flow may exist.
    pub fn authorize(&self, _processor: u32, _now: Time, _flow: &AleFlow<'_>) -> Authorization {
        Authorization { action: Action::Permit, decider: Decider::Nothing, flow: None }
    }

    /// ALE_FLOW_ESTABLISHED: the handshake is done. Only the key parts, the direction and the owner of `flow` count.
    pub fn established(&self, _processor: u32, _now: Time, _flow: &AleFlow<'_>) {}

    /// ALE resource release, endpoint closure or flow deletion.
    pub fn closed(&self, _processor: u32, _now: Time, _flow: &AleFlow<'_>) {}

    /// Verifies `image` and puts it in force; returns its generation and the image that was in force before, which nobody uses any more.
    ///
    /// `pause` is called while waiting for the packet path to leave the old image: sleep or yield there. IRQL:
    /// PASSIVE_LEVEL. On error the old policy stays in force and `image` is not kept.
    ///
    /// # Safety
    /// `image` must stay valid and unchanged until this engine gives it back, or is no longer used.
    #[expect(unsafe_code, reason = "the image is shared with the packet path")]
    pub unsafe fn set_policy(
        &self,
        _image: NonNull<[u8]>,
        _pause: impl FnMut(),
    ) -> Result<(u32, Option<NonNull<[u8]>>), PolicyError> {
        Err(PolicyError::Busy)
    }

    /// Takes the policy out of force: everything passes. Gives the image back.
    pub fn clear_policy(&self, _pause: impl FnMut()) -> Result<Option<NonNull<[u8]>>, PolicyError> {
        Ok(None)
    }

    /// Shows the image in force and its generation to `read`, which must not block.
    pub fn with_policy<R>(&self, _processor: u32, read: impl FnOnce(Option<(u32, &[u8])>) -> R) -> R {
        read(None)
    }

    /// Shows flows to `each` from `cursor` (0 = first) until it says `false` for one, which is not counted as shown;
    /// returns the cursor to go on from, or 0 at the end.
    pub fn list_flows(
        &self,
        _processor: u32,
        _cursor: u64,
        _each: &mut impl FnMut(&FlowView) -> bool,
    ) -> u64 {
        0
    }

    /// Numbers about the engine.
    #[must_use]
    pub fn status(&self) -> Status {
        Status { generation: 0, rules: 0, flows: 0, flow_capacity: self.config.flows, identities: 0 }
    }

    /// Sum of a counter over all processors.
    #[must_use]
    pub fn counter(&self, counter: Counter) -> u64 {
        let _ = counter;
        0
    }

    /// Frames that were malformed for `reason`.
    #[must_use]
    pub fn malformed(&self, reason: Malformed) -> u64 {
        let _ = reason;
        0
    }

    /// How often the rule with this index of the policy in force decided.
    #[must_use]
    pub fn rule_hits(&self, index: u32) -> RuleHits {
        let _ = index;
        RuleHits::default()
    }

    /// Shows identities to `each` from `cursor` (0 = first) until it says `false` for one, which is not counted as shown;
    /// returns the cursor to go on from, or 0 at the end.
    pub fn list_identities(&self, _cursor: u64, _each: &mut impl FnMut(&IdentityView<'_>) -> bool) -> u64 {
        0
    }

    /// Removes flows that ended or idle too long, and takes memory of removed ones back. Call it every second or so.
    pub fn age(&self, _processor: u32, _now: Time) {}
}

/// Frames inspected together.
#[derive(Debug)]
pub struct Batch<'e> {
    engine: &'e Engine,
    processor: u32,
    now: Time,
}

impl Batch<'_> {
    /// Parses one frame, finds or makes its flow, decides, counts.
    pub fn inspect<S: Source + ?Sized>(
        &mut self,
        interface: &Interface<'_>,
        direction: Direction,
        source: &S,
        oob_vlan: Option<VlanTag>,
    ) -> Verdict {
        let _ = (self.engine, self.processor, self.now, direction);
        let frame = crate::wire::parse(interface.medium, source, oob_vlan);
        Verdict { action: Action::Permit, decider: Decider::Nothing, frame, flow: None }
    }
}
