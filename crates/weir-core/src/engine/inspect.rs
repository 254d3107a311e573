//! The packet path: one frame in, one verdict out, every frame in exactly one class of the counters.

use super::ale::ip_ethertype;
use super::{Engine, InForce, Interface, Verdict, failure};
use crate::counters::{Counter, Tally};
use crate::epoch::Guard;
use crate::flow::{self, Endpoint, FlowKey, Opening, Record, Side, Stamp};
use crate::fragment::Datagram;
use crate::policy::{Decider, Decision, Failure, Identity, Query};
use crate::wire::{self, Frame, Ip, Source, TcpFlags, Transport, VlanTag, protocol};
use crate::{Action, Direction, Time};

/// Frames inspected together: one read-side section, one look at the policy, one update of the counters.
#[derive(Debug)]
pub struct Batch<'e> {
    engine: &'e Engine,
    processor: u32,
    now: Time,
    tally: Tally,
    guard: Guard<'e>,
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
        Self { engine, processor, now, tally: Tally::new(), guard: engine.domain.enter(processor) }
    }

    /// Parses one frame, finds or makes its flow, decides, counts.
    pub fn inspect<S: Source + ?Sized>(
        &mut self,
        interface: &Interface<'_>,
        direction: Direction,
        source: &S,
        oob_vlan: Option<VlanTag>,
    ) -> Verdict {
        let frame = wire::parse(interface.medium, source, oob_vlan);
        let engine = self.engine;
        let policy = engine.force.get(&self.guard);
        let mut path = Path {
            engine,
            now: self.now,
            guard: &self.guard,
            tally: &mut self.tally,
            policy,
            interface,
            direction,
            frame: &frame,
        };
        path.describe();
        let (action, decider, flow) = path.decide();
        let class = class(policy.is_some(), action, decider);
        if action == Action::Block {
            self.tally.add(Counter::BytesBlocked, u64::from(frame.bytes));
        }
        if let (Decider::Rule(rule), Some(policy)) = (decider, policy) {
            policy.count_frame(self.processor, rule);
        }
        self.tally.count(class);
        Verdict { action, decider, frame, flow }
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
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

/// One frame on its way through the engine.
struct Path<'p> {
    engine: &'p Engine,
    now: Time,
    guard: &'p Guard<'p>,
    tally: &'p mut Tally,
    policy: Option<InForce<'p>>,
    interface: &'p Interface<'p>,
    direction: Direction,
    frame: &'p Frame,
}

impl<'p> Path<'p> {
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

    fn decide(&mut self) -> (Action, Decider, Option<u64>) {
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
                if !created {
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
    fn decide_alone(&mut self) -> (Action, Decider, Option<u64>) {
        let Some(policy) = self.policy else { return (Action::Permit, Decider::Nothing, None) };
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
            identity: None,
        };
        self.tally.count(Counter::Evaluations);
        let certain = self.frame.malformed.is_none();
        let (action, decider) = settle(&policy, policy.image.evaluate(&query), certain);
        (action, decider, None)
    }

    /// The table is full: the policy decides about each frame by itself.
    fn decide_without_room(&mut self, keyed: &Keyed, opening: &Opening) -> (Action, Decider, Option<u64>) {
        let Some(policy) = self.policy else { return (Action::Permit, Decider::Nothing, None) };
        self.tally.count(Counter::Evaluations);
        let query = self.query(&keyed.key, opening.origin, opening.local, Identity::default());
        let (action, decider) = settle(&policy, policy.image.evaluate(&query), keyed.certain);
        (action, decider, None)
    }

    fn decide_flow(&mut self, record: &Record, from: Side, certain: bool) -> (Action, Decider, Option<u64>) {
        let tcp = match self.frame.transport {
            Transport::Tcp { flags, .. } => Some(flags),
            _ => None,
        };
        let fragment = self.frame.ip.is_some_and(|ip| ip.fragment.is_some());
        if record.interface_luid() == 0 {
            record.set_interface_luid(self.interface.luid);
        }
        let (action, decider) = match self.policy {
            None => (Action::Permit, Decider::Nothing),
            Some(policy) => self.verdict(&policy, record, certain),
        };
        record.observe(self.now, from, tcp, fragment);
        record.count(from, self.frame.bytes, action == Action::Block);
        (action, decider, Some(record.id()))
    }

    /// The verdict of the record when it is of this policy, else a new one.
    fn verdict(&mut self, policy: &InForce<'p>, record: &Record, certain: bool) -> (Action, Decider) {
        // A flow may cross several interfaces; what a rule said about one holds for that one only.
        let cached = !policy.image.uses_interface() || record.interface_luid() == self.interface.luid;
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
        let query = self.query(&record.key(), record.origin(), record.local(), identity);
        let decision = policy.image.evaluate(&query);
        if decision == Decision::NeedsIdentity && !record.flags().ale {
            return (Action::Permit, Decider::Nothing);
        }
        let (action, decider) = settle(policy, decision, certain);
        if cached {
            let verdict = match action {
                Action::Permit => flow::Verdict::Permit,
                Action::Block => flow::Verdict::Block,
            };
            record.replace_stamp(seen, Stamp { verdict, decider, generation: policy.generation });
        }
        (action, decider)
    }

    fn query<'q>(
        &'q self,
        key: &FlowKey,
        origin: Direction,
        local: Side,
        identity: Identity<'q>,
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
            identity: Some(identity),
        }
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
        {
            record.attribute(parent.owner(), record.origin(), record.local());
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
            record.reopen();
        } else {
            let opening = self.opening(keyed);
            record.restart(opening.origin, opening.local);
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
        Decision::NeedsIdentity | Decision::NeedsInterface => (failure(&policy.image), Decider::Failure),
    }
}
