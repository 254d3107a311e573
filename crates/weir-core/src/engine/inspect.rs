//! The packet path: one frame in, one verdict out, every frame in exactly one class of the counters.

use super::ale::ip_ethertype;
use super::names::naming;
use super::quick::{self, Plain};
use super::{Engine, InForce, Interface, Toll, Verdict, Watched, asks, failure};
use crate::counters::{Counter, Tally};
use crate::crossing::Seat;
use crate::epoch::Guard;
use crate::flow::{self, Endpoint, FlowKey, Opening, Record, Side, Stamp};
use crate::fragment::Datagram;
use crate::limit::{Excess, Limit, Passage, Scope, Unit};
use crate::names::Handle;
use crate::policy::{Decider, Decision, Failure, Identity, Mark, Naming, Query};
use crate::reject;
use crate::wire::{self, Frame, Ip, Source, TcpFlags, Transport, VlanTag, protocol};
use crate::{Action, Direction, Time};

/// Frames inspected together: one read-side section, one look at the policy, one update of the counters.
#[derive(Debug)]
pub struct Batch<'e> {
    pub(super) engine: &'e Engine,
    pub(super) processor: u32,
    pub(super) now: Time,
    /// The policy that the batch began with.
    pub(super) policy: u32,
    seat: Option<&'e Seat>,
    pub(super) tally: Tally,
    pub(super) plain: Plain,
    pub(super) guard: Guard<'e>,
}

/// Where a frame belongs.
#[derive(Clone, Copy)]
struct Keyed {
    key: FlowKey,
    /// The side of `key` that sent the frame.
    from: Side,
    /// False for a later fragment whose ports nobody knows.
    certain: bool,
}

impl<'e> Batch<'e> {
    pub(super) fn new(engine: &'e Engine, processor: u32, now: Time) -> Self {
        let guard = engine.domain.enter(processor);
        let policy = engine.force.number(&guard);
        let plain = Plain::new(engine.force.at(&guard, policy).as_ref());
        Self { engine, processor, now, policy, seat: None, tally: Tally::new(), plain, guard }
    }

    /// The batch of one of several adapters that a frame may cross: what it permits is counted and charged once.
    #[must_use]
    pub fn at(mut self, seat: &'e Seat) -> Self {
        self.seat = Some(seat);
        if !seat.is_alone() {
            self.plain.close();
        }
        self
    }

    /// Parses one frame, finds or makes its flow, decides, counts.
    ///
    /// Not inlined: kernel stacks are small, and callers hold a batch on theirs.
    #[inline(never)]
    pub fn inspect<S: Source + ?Sized>(
        &mut self,
        interface: &Interface<'_>,
        direction: Direction,
        source: &S,
        oob_vlan: Option<VlanTag>,
    ) -> Verdict {
        let frame = wire::parse(interface.medium, source, oob_vlan);
        let engine = self.engine;
        let policy = engine.force.at(&self.guard, self.policy);
        let mut path = Path {
            engine,
            now: self.now,
            guard: &self.guard,
            tally: &mut self.tally,
            policy,
            interface,
            direction,
            frame: &frame,
            source,
            names: engine.watched() || policy.is_some_and(|policy| policy.image.uses_domain()),
        };
        let Outcome { action, decider, flow } = path.decide();
        let counted = action == Action::Permit
            && self.seat.zip(flow).is_some_and(|(seat, (record, _))| !record.counts_at(seat, direction));
        if !counted {
            path.describe();
        }
        let mut verdict = Verdict {
            action,
            decider,
            generation: policy.map_or(0, |policy| policy.generation),
            frame,
            flow: flow.map(|(record, _)| record.id()),
            reject: false,
            tap: false,
            mark: Mark::default(),
            toll: None,
        };
        if let (Decider::Rule(rule), Some(policy)) = (decider, policy) {
            if !counted {
                policy.count_frame(self.processor, rule);
            }
            if policy.image.uses_treatment() {
                let flow = flow.and_then(|(record, from)| Some((engine.flows.number(record)?, from)));
                treat(&policy, rule, direction, flow, &mut verdict);
            }
        }
        if counted {
            self.tally.count(Counter::SeenBefore);
            (verdict.tap, verdict.toll) = (false, None);
        } else if verdict.toll.is_none() {
            let class = class(policy.is_some(), action, decider);
            let blocked = action == Action::Block;
            account(&mut self.tally, class, flow, 1, u64::from(frame.bytes), blocked);
        }
        verdict
    }

    /// As [`Batch::inspect`] for a frame that nobody can stop any more, such as a loopback packet that ALE has let
    /// through: it counts for its flow, and nothing else is counted or asked for.
    #[inline(never)]
    pub fn watch<S: Source + ?Sized>(
        &mut self,
        interface: &Interface<'_>,
        direction: Direction,
        source: &S,
    ) -> Watched {
        let frame = wire::parse(interface.medium, source, None);
        let engine = self.engine;
        let policy = engine.force.at(&self.guard, self.policy);
        let mut path = Path {
            engine,
            now: self.now,
            guard: &self.guard,
            tally: &mut self.tally,
            policy,
            interface,
            direction,
            frame: &frame,
            source,
            names: engine.watched() || policy.is_some_and(|policy| policy.image.uses_domain()),
        };
        let Outcome { decider, flow, .. } = path.decide();
        if let Some((record, from)) = flow {
            record.count(from == record.local(), 1, u64::from(frame.bytes), false);
        }
        let taps = match (decider, policy) {
            (Decider::Rule(rule), Some(policy)) => policy.image.treatment(rule).tap,
            _ => false,
        };
        Watched {
            decider,
            generation: policy.map_or(0, |policy| policy.generation),
            flow: flow.map(|(record, _)| record.id()),
            tap: taps,
        }
    }

    /// Asks the limit of a rule to let frames pass that [`Batch::inspect`] permitted on this condition; counts
    /// them as what becomes of them. Call this or [`Batch::forgo`] once for every [`Toll`].
    #[inline(never)]
    #[must_use]
    pub fn charge(&mut self, toll: &Toll) -> Passage {
        let engine = self.engine;
        let flow = toll.flow.and_then(|flow| engine.flow(&self.guard, flow));
        let buckets = match (toll.limit.scope, flow) {
            (Scope::Flow, Some((record, _))) => Some(record.buckets()),
            _ => engine.force.buckets(toll.place, toll.rule),
        };
        let bucket = buckets.map(|[sent, received]| match toll.direction {
            Direction::Send => sent,
            Direction::Receive => received,
        });
        let amount = match toll.limit.unit {
            Unit::Bits => toll.bits,
            Unit::Packets => toll.packets,
        };
        let passage = bucket.map_or(Passage::Over, |bucket| bucket.charge(&toll.limit, self.now, amount));
        match passage {
            Passage::Over => self.account_toll(toll, Counter::BlockedByLimit, true),
            Passage::Now => self.account_toll(toll, Counter::PermittedByRule, false),
            Passage::At(_) => {
                self.account_toll(toll, Counter::PermittedByRule, false);
                self.tally.add(Counter::Delayed, u64::from(toll.frames));
            }
        }
        passage
    }

    /// Counts frames as blocked by their rule, whose limit is not asked because they are dropped for another
    /// reason.
    #[inline(never)]
    pub fn forgo(&mut self, toll: &Toll) {
        self.account_toll(toll, Counter::BlockedByRule, true);
    }

    /// True when a rejected frame may be answered and one more answer may be sent now. The caller counts what comes of it.
    #[inline(never)]
    #[must_use]
    pub fn may_reject(&mut self, frame: &Frame) -> bool {
        reject::check(frame).is_ok() && self.engine.rejects.charge(&REJECTS, self.now, 1) == Passage::Now
    }

    /// Counts something that happened to frames of the batch.
    pub fn count(&mut self, counter: Counter, value: u64) {
        self.tally.add(counter, value);
    }

    /// When the batch began.
    #[must_use]
    pub fn now(&self) -> Time {
        self.now
    }

    fn account_toll(&mut self, toll: &Toll, class: Counter, blocked: bool) {
        let flow = toll.flow.and_then(|flow| self.engine.flow(&self.guard, flow));
        account(&mut self.tally, class, flow, toll.frames, toll.bits / 8, blocked);
    }
}

impl Engine {
    /// A flow by the number of its record.
    fn flow<'g>(&'g self, guard: &'g Guard<'_>, (number, from): (u32, Side)) -> Option<(&'g Record, Side)> {
        Some((self.flows.at(guard, number)?, from))
    }
}

/// Adds to a verdict what its rule does beyond permitting and blocking.
#[inline(never)]
fn treat(
    policy: &InForce<'_>,
    rule: u32,
    direction: Direction,
    flow: Option<(u32, Side)>,
    verdict: &mut Verdict,
) {
    let treatment = policy.image.treatment(rule);
    verdict.reject = treatment.reject;
    verdict.tap = treatment.tap;
    verdict.mark = treatment.mark;
    verdict.toll = treatment.limit.map(|limit| Toll {
        limit,
        bits: u64::from(verdict.frame.bytes).saturating_mul(8),
        packets: 1,
        frames: 1,
        direction,
        place: policy.place,
        rule,
        flow,
    });
}

/// Counts frames in their terminal class and on their flow.
fn account(
    tally: &mut Tally,
    class: Counter,
    flow: Option<(&Record, Side)>,
    frames: u32,
    bytes: u64,
    blocked: bool,
) {
    tally.add(class, u64::from(frames));
    if blocked {
        tally.add(Counter::BytesBlocked, bytes);
    }
    if let Some((record, from)) = flow {
        record.count(from == record.local(), frames, bytes, blocked);
    }
}

/// Removed records that a batch with new flows makes usable again, at most.
const RECLAIM: usize = 256;

/// How many answers to rejected frames this machine sends (RFC 1812, 4.3.2.8; RFC 4443, 2.4 f).
const REJECTS: Limit =
    Limit { unit: Unit::Packets, rate: 1_000, burst: 50, scope: Scope::Rule, excess: Excess::Drop };

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.plain.add_to(&mut self.tally);
        if self.tally.get(Counter::FlowsCreated) != 0 {
            // Under a flood of new flows the timer would come too late.
            self.engine.reclaim(RECLAIM);
        }
        self.engine.counters.flush(self.processor, &self.tally);
    }
}

fn class(policy: bool, action: Action, decider: Decider) -> Counter {
    match (decider, action) {
        (Decider::Rule(_), Action::Permit) => Counter::PermittedByRule,
        (Decider::Rule(_), Action::Block) => Counter::BlockedByRule,
        (Decider::Default, Action::Permit) => Counter::PermittedByDefault,
        (Decider::Default, Action::Block) => Counter::BlockedByDefault,
        (Decider::Failure, Action::Permit) => Counter::PermittedByFailure,
        (Decider::Failure, Action::Block) => Counter::BlockedByFailure,
        (Decider::Nothing, _) if policy => Counter::PermittedUndecided,
        (Decider::Nothing, _) => Counter::PermittedNoPolicy,
    }
}

/// What was decided about a frame, and its flow with the side that sent it.
struct Outcome<'p> {
    action: Action,
    decider: Decider,
    flow: Option<(&'p Record, Side)>,
}

impl Outcome<'_> {
    fn without_flow((action, decider): (Action, Decider)) -> Self {
        Self { action, decider, flow: None }
    }
}

/// One frame on its way through the engine.
pub(super) struct Path<'p, 't, S: ?Sized> {
    pub(super) engine: &'p Engine,
    pub(super) now: Time,
    guard: &'p Guard<'p>,
    pub(super) tally: &'t mut Tally,
    policy: Option<InForce<'p>>,
    pub(super) interface: &'p Interface<'p>,
    direction: Direction,
    pub(super) frame: &'p Frame,
    pub(super) source: &'p S,
    /// Names are looked for.
    names: bool,
}

impl<'p, S: Source + ?Sized> Path<'p, '_, S> {
    /// Counts what the frame is, whatever happens to it.
    fn describe(&mut self) {
        let bytes = u64::from(self.frame.bytes);
        let (frames, total) = match self.direction {
            Direction::Send => (Counter::FramesSent, Counter::BytesSent),
            Direction::Receive => (Counter::FramesReceived, Counter::BytesReceived),
        };
        self.tally.count(frames);
        self.tally.add(total, bytes);
        match self.frame.ip {
            Some(Ip { version: 4, .. }) => self.tally.count(Counter::Ipv4),
            Some(_) => self.tally.count(Counter::Ipv6),
            None => self.tally.count(Counter::NonIp),
        }
        if self.frame.ip.is_some_and(|ip| ip.fragment.is_some()) {
            self.tally.count(Counter::Fragments);
        }
        if self.frame.link.vlan_tags != 0 {
            self.tally.count(Counter::Vlan);
        }
        if self.frame.tunnel.is_some() {
            self.tally.count(Counter::Tunnels);
        }
        if let Some(reason) = self.frame.malformed {
            self.tally.malformed(reason);
        }
    }

    fn decide(&mut self) -> Outcome<'p> {
        let Some(ip) = self.frame.ip else { return self.decide_alone() };
        let fragment = ip.fragment.filter(|_| self.frame.malformed.is_none());
        let keyed = match (self.frame.ports(), fragment) {
            (Some((from, to)), _) => self.keyed(&ip, from, to, true),
            (None, Some(piece)) if !piece.is_first() => match self.recall(&ip) {
                Some((record, from)) => {
                    self.tally.count(Counter::FlowHits);
                    return self.decide_flow(record, from, true);
                }
                None => {
                    self.tally.count(Counter::FragmentsUnmatched);
                    self.keyed(&ip, 0, 0, false)
                }
            },
            _ => return self.decide_alone(),
        };
        let opening = self.opening(&keyed);
        match self.engine.flows.get_or_insert(self.guard, &keyed.key, &opening) {
            Ok((record, created)) => {
                self.tally.count(if created { Counter::FlowsCreated } else { Counter::FlowHits });
                if created {
                    let evicted = self.engine.flows.admit(self.guard, record);
                    self.tally.add(Counter::FlowsRemoved, u64::from(evicted));
                    if self.names && opening.origin == Direction::Send {
                        let remote = keyed.key.endpoint(opening.local.other());
                        self.engine.name_by_address(self.now, record, self.interface.compartment, remote);
                    }
                } else {
                    self.reopen(record, &keyed);
                }
                self.inherit(record, &keyed);
                if let (Some(datagram), Some(number)) = (self.datagram(&ip), self.engine.flows.number(record))
                    && keyed.certain
                {
                    self.engine.fragments.remember(self.now, &datagram, number);
                }
                self.decide_flow(record, keyed.from, keyed.certain)
            }
            Err(flow::Full) => {
                self.tally.count(Counter::TableFull);
                self.decide_without_room(&keyed, &opening)
            }
        }
    }

    /// A frame that belongs to no flow: not IP, or too malformed for a key.
    fn decide_alone(&mut self) -> Outcome<'p> {
        let Some(policy) = self.policy else { return Outcome::without_flow(NO_POLICY) };
        let ip = self.frame.ip;
        let (local, remote) = match (ip, self.direction) {
            (Some(ip), Direction::Send) => (Some(ip.source), Some(ip.destination)),
            (Some(ip), Direction::Receive) => (Some(ip.destination), Some(ip.source)),
            (None, _) => (None, None),
        };
        let query = Query {
            direction: self.direction,
            ethertype: self.frame.link.ethertype,
            protocol: ip.map(|ip| ip.protocol),
            local,
            remote,
            local_port: None,
            remote_port: None,
            interface_luid: self.interface.luid,
            interface_index: self.interface.index,
            interface_name: self.interface.name,
            vlan: Some(self.vlan()),
            identity: None,
            name: Naming::None,
        };
        self.tally.count(Counter::Evaluations);
        let certain = self.frame.malformed.is_none();
        Outcome::without_flow(settle(&policy, policy.image.evaluate(&query), certain))
    }

    /// The table is full: the policy decides about each frame by itself.
    fn decide_without_room(&mut self, keyed: &Keyed, opening: &Opening) -> Outcome<'p> {
        let Some(policy) = self.policy else { return Outcome::without_flow(NO_POLICY) };
        self.tally.count(Counter::Evaluations);
        let query = self.query(&keyed.key, opening.origin, opening.local, Identity::default(), Naming::None);
        Outcome::without_flow(settle(&policy, policy.image.evaluate(&query), keyed.certain))
    }

    fn decide_flow(&mut self, record: &'p Record, from: Side, certain: bool) -> Outcome<'p> {
        let tcp = match self.frame.transport {
            Transport::Tcp { flags, .. } => Some(flags),
            _ => None,
        };
        let fragment = self.frame.ip.is_some_and(|ip| ip.fragment.is_some());
        if record.interface_luid() == 0 {
            record.set_interface_luid(self.interface.luid);
        }
        if record.vlan().is_none() {
            record.set_vlan(self.vlan());
        }
        if self.names && !record.is_name_settled() {
            self.look_for_names(record, from);
        }
        let (action, decider) = match self.policy {
            None => NO_POLICY,
            Some(policy) => self.verdict(&policy, record, certain),
        };
        record.observe(self.now, from, tcp, fragment);
        // The short way does not look for names.
        if !self.names || record.is_name_settled() {
            quick::remember(&self.engine.flows, record, self.policy.as_ref());
        }
        Outcome { action, decider, flow: Some((record, from)) }
    }

    /// The verdict of the record when it is of this policy, else a new one.
    fn verdict(&mut self, policy: &InForce<'p>, record: &Record, certain: bool) -> (Action, Decider) {
        // A flow may cross several interfaces and VLANs; what a rule said about one holds for that one only.
        let cached = (!policy.image.uses_interface() || record.interface_luid() == self.interface.luid)
            && (!policy.image.uses_vlan() || record.vlan() == Some(self.vlan()));
        let seen = record.stamp();
        if cached && seen.generation == policy.generation {
            match seen.verdict {
                flow::Verdict::Permit => return (Action::Permit, seen.decider),
                flow::Verdict::Block => return (Action::Block, seen.decider),
                flow::Verdict::Undecided => {}
            }
        }
        let identity = self.engine.identity(record);
        self.tally.count(Counter::Evaluations);
        let held = self.engine.hold_name(record);
        let name = naming(record, held.as_ref());
        let query = self.query(&record.key(), record.origin(), record.local(), identity, name);
        let decision = policy.image.evaluate(&query);
        let waits = match decision {
            Decision::NeedsIdentity => !record.flags().ale,
            Decision::NeedsName => true,
            _ => false,
        };
        if waits {
            return (Action::Permit, Decider::Nothing);
        }
        let (mut action, decider) = settle(policy, decision, certain);
        if asks(policy, decider).is_some() {
            match record.answer() {
                Some(answer) => action = answer,
                // The first frames of an inbound flow come before ALE asks; those of an outbound one do not.
                None if record.is_asked()
                    || (record.origin() == Direction::Receive && !record.flags().ale) =>
                {
                    return (Action::Permit, Decider::Nothing);
                }
                None => {}
            }
        }
        if cached {
            let stamp = Stamp { verdict: action.into(), decider, generation: policy.generation };
            record.replace_stamp(&self.engine.flows, seen, stamp);
        }
        (action, decider)
    }

    fn query<'q>(
        &'q self,
        key: &FlowKey,
        origin: Direction,
        local: Side,
        identity: Identity<'q>,
        name: Naming<'q>,
    ) -> Query<'q> {
        let (near, far) = (key.endpoint(local), key.endpoint(local.other()));
        // A key without ports stands for fragments whose ports are unknown.
        let ports = protocol::has_ports(key.protocol()) && (near.port | far.port) != 0;
        Query {
            direction: origin,
            ethertype: Some(ip_ethertype(key)),
            protocol: Some(key.protocol()),
            local: Some(near.address),
            remote: Some(far.address),
            local_port: ports.then_some(near.port),
            remote_port: ports.then_some(far.port),
            interface_luid: self.interface.luid,
            interface_index: self.interface.index,
            interface_name: self.interface.name,
            vlan: Some(self.vlan()),
            identity: Some(identity),
            name,
        }
    }

    /// Identifier of the outermost VLAN, 0 without one.
    fn vlan(&self) -> u16 {
        self.frame.link.vlan.map_or(0, VlanTag::id)
    }

    fn keyed(&self, ip: &Ip, from_port: u16, to_port: u16, certain: bool) -> Keyed {
        let from = Endpoint { address: ip.source, port: from_port };
        let to = Endpoint { address: ip.destination, port: to_port };
        let (key, mut side) = FlowKey::new(ip.protocol, self.interface.compartment, from, to);
        if from == to && self.direction == Direction::Receive {
            side = side.other();
        }
        Keyed { key, from: side, certain }
    }

    fn opening(&self, keyed: &Keyed) -> Opening {
        let local = match self.direction {
            Direction::Send => keyed.from,
            Direction::Receive => keyed.from.other(),
        };
        // The first frame seen may already be the answer.
        let answer = match self.frame.transport {
            Transport::Tcp { flags, .. } => flags.has(TcpFlags::SYN | TcpFlags::ACK),
            Transport::Icmp { echo: Some(echo), .. } => !echo.request,
            _ => false,
        };
        let origin = if answer { self.direction.reversed() } else { self.direction };
        Opening { now: self.now, origin, local }
    }

    /// ALE authorises ICMP per pair of addresses; each echo dialogue of the pair has the same owner.
    fn inherit(&self, record: &Record, keyed: &Keyed) {
        if !matches!(self.frame.transport, Transport::Icmp { echo: Some(_), .. }) || record.flags().ale {
            return;
        }
        let pair = |side| Endpoint { port: 0, ..keyed.key.endpoint(side) };
        let (key, _) =
            FlowKey::new(keyed.key.protocol(), keyed.key.compartment(), pair(Side::A), pair(Side::B));
        if let Some(parent) = self.engine.flows.find(self.guard, &key)
            && parent.flags().ale
            && !parent.is_asked()
        {
            record.attribute(&self.engine.flows, parent.owner(), record.origin(), record.local());
            if let Some(answer) = parent.answer() {
                record.set_answer(answer);
            }
        }
    }

    /// A SYN under the key of a connection that has ended begins another one.
    fn reopen(&self, record: &Record, keyed: &Keyed) {
        let Transport::Tcp { flags, .. } = self.frame.transport else { return };
        if !flags.has(TcpFlags::SYN) || flags.has(TcpFlags::ACK) || !record.is_over() {
            return;
        }
        if self.direction == Direction::Send && record.flags().ale {
            // ALE was asked before this SYN was sent; a SYN without a question is a retry after a reset.
            record.reopen(&self.engine.flows);
        } else {
            let opening = self.opening(keyed);
            record.restart(&self.engine.flows, opening.origin, opening.local);
            let _changed = self.engine.set_name(record, Handle::NONE);
        }
    }

    /// The flow of a later fragment, and the side that sent it.
    fn recall(&self, ip: &Ip) -> Option<(&'p Record, Side)> {
        let number = self.engine.fragments.recall(self.now, &self.datagram(ip)?)?;
        let record = self.engine.flows.at(self.guard, number)?;
        let key = record.key();
        if key.compartment() != self.interface.compartment & FlowKey::COMPARTMENT_MASK
            || (ip.version == 4 && key.protocol() != ip.protocol)
        {
            return None;
        }
        let (a, b) = (key.endpoint(Side::A).address, key.endpoint(Side::B).address);
        if (a, b) == (ip.source, ip.destination) {
            Some((record, Side::A))
        } else if (b, a) == (ip.source, ip.destination) {
            Some((record, Side::B))
        } else {
            None
        }
    }

    fn datagram(&self, ip: &Ip) -> Option<Datagram> {
        Some(Datagram {
            source: ip.source,
            destination: ip.destination,
            identification: ip.fragment?.identification,
            protocol: if ip.version == 4 { ip.protocol } else { 0 },
            compartment: self.interface.compartment,
        })
    }
}

/// Without a policy everything passes.
const NO_POLICY: (Action, Decider) = (Action::Permit, Decider::Nothing);

/// Turns a decision into an action; `certain` is false when the frame hid something that a rule may have
/// asked for.
fn settle(policy: &InForce<'_>, decision: Decision, certain: bool) -> (Action, Decider) {
    match decision {
        Decision::Decided(_, Decider::Default)
            if !certain && policy.image.defaults().failure == Failure::Closed =>
        {
            (Action::Block, Decider::Failure)
        }
        Decision::Decided(action, decider) => (action, decider),
        Decision::NeedsIdentity | Decision::NeedsInterface | Decision::NeedsName => {
            (failure(&policy.image), Decider::Failure)
        }
    }
}
