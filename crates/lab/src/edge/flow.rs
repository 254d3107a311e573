//! Flows and endpoints of the TCP/IP edge: when ALE is asked, when a connection is established, when it ends.

use std::collections::{HashSet, hash_map};
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ale::{self, Identity, Layer, Outcome, Subject};
use super::open::{Closing, Held, stages};
use super::packet::{self, Fragment, Ip, Medium, Packet, Transport, tcp};
use super::process::{LOCAL_SYSTEM, NO_PACKAGE, Process, ProcessMap, Socket, sid_bytes};
use super::stack::{Entry, Routes};
use super::stream::Streams;
use crate::fwp::inject;
use crate::fwp::packet::History;
use crate::fwp::pend::Redirection;
use crate::ntoskrnl::process;
use crate::{cpu, fwp, ndis};

/// A map whose order does not change from run to run: it decides in which order flows end.
type HashMap<K, V> = hash_map::HashMap<K, V, BuildHasherDefault<DefaultHasher>>;

/// ALE's idle time of flows without connections (win32 ALE stateful filtering).
const IDLE: u64 = 60_000_000_000;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;
/// `FWP_CONDITION_FLAG_IS_LOOPBACK`, `_IS_REAUTHORIZE`, `_IS_CONNECTION_REDIRECTED`, `_IS_PROXY_CONNECTION`, and
/// `FWP_CONDITION_REAUTHORIZE_REASON_POLICY_CHANGE`.
const IS_LOOPBACK: u32 = 0x1;
const IS_REAUTHORIZE: u32 = 0x4;
const IS_CONNECTION_REDIRECTED: u32 = 0x10_0000;
const IS_PROXY_CONNECTION: u32 = 0x20_0000;
const POLICY_CHANGE: u32 = 0x1;
/// `FWP_CONDITION_REAUTHORIZE_REASON_NEW_ARRIVAL_INTERFACE`.
const NEW_ARRIVAL_INTERFACE: u32 = 0x2;

/// The interface of an adapter, as TCP/IP has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// `NET_LUID`.
    pub luid: u64,
    /// Interface index.
    pub index: u32,
    /// IANA interface type.
    pub kind: u32,
    /// What frames start with.
    pub medium: Medium,
    /// Bytes of an IP packet that fit.
    pub mtu: u32,
}

impl From<&ndis::Adapter> for Interface {
    fn from(adapter: &ndis::Adapter) -> Self {
        let config = adapter.config();
        Self {
            luid: adapter.luid(),
            index: config.index,
            kind: adapter.if_type(),
            medium: config.medium,
            mtu: config.mtu,
        }
    }
}

impl Interface {
    /// The software loopback interface: packets begin with the IP header and reach no adapter.
    pub fn loopback() -> Self {
        const SOFTWARE_LOOPBACK: u32 = 24;
        Self {
            luid: u64::from(SOFTWARE_LOOPBACK) << 48,
            index: 1,
            kind: SOFTWARE_LOOPBACK,
            medium: Medium::RawIp,
            mtu: u32::MAX,
        }
    }
}

/// What the edge does with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It goes to the filters (outbound) or to its application or protocol (inbound).
    Pass,
    /// ALE blocked its flow.
    Blocked(&'static str),
    /// A stack drops it: its headers are damaged.
    Malformed,
}

/// How often ALE was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Stats {
    pub connects: u64,
    pub connects_blocked: u64,
    pub accepts: u64,
    pub accepts_blocked: u64,
    pub established: u64,
    pub closures: u64,
    pub releases: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) protocol: u8,
    pub(super) local: IpAddr,
    pub(super) remote: IpAddr,
    /// Ports; twice the id for ICMP echo; type and code for other ICMP.
    pub(super) ports: (u16, u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// A driver has put the authorisation off.
    Pending(Layer),
    /// Authorised, no connection yet (TCP).
    Opening,
    /// Data may flow.
    Open,
    /// Ended; late packets belong to nobody.
    Closed,
    /// ALE said no.
    Blocked(Layer),
}

#[derive(Debug)]
pub(super) struct Flow {
    pub(super) id: u64,
    pub(super) outbound: bool,
    pub(super) state: State,
    /// FIN seen from us, from the other side.
    fins: (bool, bool),
    last: u64,
    generation: u64,
    /// LUID of the interface on which its packets arrive.
    arrival: u64,
    identity: Identity,
    interface: Interface,
    /// What the port fields of indications say.
    shown_ports: (u16, u16),
    icmp: Option<(u16, u16)>,
    /// Where a driver redirected the connection to.
    pub(super) target: Option<(IpAddr, u16)>,
    pub(super) redirected_by: Vec<Arc<Redirection>>,
    /// The connection of a proxy, which carries the records of the one that it serves.
    proxy: bool,
}

#[derive(Debug)]
pub(super) struct Endpoint {
    handle: u64,
    flows: u32,
    /// It accepted: it stays open until the machine ends.
    listens: bool,
    /// The other ends that it has talked to: none, one, or more.
    peer: Option<Option<(IpAddr, u16)>>,
    /// The address that a driver gave it instead of its own.
    bound: Option<(IpAddr, u16)>,
    identity: Identity,
    interface: Interface,
}

/// The TCP/IP edge.
#[derive(Debug)]
pub struct Edge {
    local: HashSet<IpAddr>,
    processes: ProcessMap,
    pub(super) flows: HashMap<Key, Flow>,
    fragments: HashMap<(IpAddr, IpAddr, u8, u32), Key>,
    endpoints: HashMap<(u8, IpAddr, u16), Endpoint>,
    next: u64,
    now: u64,
    swept: u64,
    pub(super) compartment: u32,
    pub(super) stats: Stats,
    pub(super) routes: Routes,
    pub(super) held: Held,
    pub(super) streams: Streams,
    /// Who injected the packet that is on its way up.
    pub(super) history: History,
    /// The records of other connections that sockets carry on.
    records: HashMap<(IpAddr, u16), Vec<Arc<Redirection>>>,
}

impl Edge {
    /// An edge with these local addresses; sockets belong to processes by the map, which run from now on if they do not
    /// yet.
    pub fn new(local: impl IntoIterator<Item = IpAddr>, processes: ProcessMap) -> Self {
        inject::attach_edge();
        for (pid, image) in processes.processes() {
            process::ensure(pid, &processes.volumes.nt_path(image));
        }
        Self {
            local: local.into_iter().collect(),
            processes,
            flows: HashMap::default(),
            fragments: HashMap::default(),
            endpoints: HashMap::default(),
            next: 0x10_0000,
            now: 0,
            swept: 0,
            compartment: 1,
            stats: Stats::default(),
            routes: Routes::default(),
            held: Held::default(),
            streams: Streams::default(),
            history: History::new(),
            records: HashMap::default(),
        }
    }

    /// In a routing compartment other than the default one.
    #[must_use]
    pub fn in_compartment(mut self, compartment: u32) -> Self {
        self.compartment = compartment;
        self
    }

    /// With flow handles from `first` on, so that those of several edges differ.
    #[must_use]
    pub fn with_flows_from(mut self, first: u64) -> Self {
        self.next = first;
        self
    }

    /// How often ALE was asked so far.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Whether `address` is one of ours.
    pub fn is_local(&self, address: IpAddr) -> bool {
        self.local.contains(&address)
    }

    /// Decides about a frame that the stack is about to send at time `now` (ns).
    pub fn outbound(&mut self, interface: &Interface, frame: &[u8], now: u64) -> Verdict {
        self.tick(now);
        let verdict = match packet::parse(interface.medium, frame) {
            Packet::Ip(ip) if self.is_local(ip.source) => {
                self.routes.learn(interface, frame, &ip, true);
                let verdict = match (self.frame(interface, frame, &ip, true), self.connected(&ip, true)) {
                    (Verdict::Pass, Some(key)) => self.stream(interface, frame, &ip, &key, true),
                    (verdict, _) => verdict,
                };
                match verdict {
                    Verdict::Pass => self.descend(interface, frame, &ip, &History::new()),
                    stopped => stopped,
                }
            }
            // Malformed frames and what is not IP are sent by somebody who needs no socket.
            _ => Verdict::Pass,
        };
        let verdict = self.mac(verdict, interface, frame, true);
        self.pump();
        verdict
    }

    /// Decides about a frame that came through the filters at time `now` (ns).
    pub fn inbound(&mut self, interface: &Interface, frame: &[u8], now: u64) -> Verdict {
        self.tick(now);
        let verdict = match self.mac(Verdict::Pass, interface, frame, false) {
            Verdict::Pass => self.received(interface, frame, &History::new(), Entry::Ip),
            stopped => stopped,
        };
        self.pump();
        verdict
    }

    /// A packet between two of our own addresses: sent and received at once, past every adapter and its frames
    /// (`interface` is usually [`Interface::loopback`]). ALE is asked for both ends.
    pub fn loopback(&mut self, interface: &Interface, packet: &[u8], now: u64) -> Verdict {
        match self.outbound(interface, packet, now) {
            Verdict::Pass => self.inbound(interface, packet, now),
            stopped => stopped,
        }
    }

    /// The proxy that was given the connection of the socket at `redirected` opens its own from `from`, with that
    /// one's redirect records (SIO_SET_WFP_CONNECTION_REDIRECT_RECORDS).
    pub fn carry_redirect_records(&mut self, redirected: (IpAddr, u16), from: (IpAddr, u16)) {
        let flow = self
            .flows
            .iter()
            .find(|(key, flow)| (key.local, key.ports.0) == redirected && !flow.redirected_by.is_empty());
        if let Some((_, flow)) = flow {
            self.records.insert(from, flow.redirected_by.clone());
        }
    }

    /// A packet that came from the link, or that a driver injected at `entry`.
    pub(super) fn received(
        &mut self,
        interface: &Interface,
        frame: &[u8],
        history: &History,
        entry: Entry,
    ) -> Verdict {
        match packet::parse(interface.medium, frame) {
            Packet::Ip(ip) if self.is_local(ip.destination) || is_group(ip.destination) => {
                self.routes.learn(interface, frame, &ip, false);
                self.ascend(interface, frame, &ip, history, entry)
            }
            Packet::Malformed => Verdict::Malformed,
            // Not for us: forwarded, bridged, or seen in promiscuous mode; ALE is not concerned.
            _ => Verdict::Pass,
        }
    }

    /// Flow and endpoint of a packet, or 0 as long as ALE has not authorised it.
    pub(super) fn known(&self, ip: &Ip, outbound: bool) -> (u64, u64) {
        let Some(key) = key_of(ip, outbound) else { return (0, 0) };
        let open = |flow: &&Flow| matches!(flow.state, State::Opening | State::Open);
        match self.flows.get(&key).filter(open) {
            Some(flow) => {
                let endpoint = self.endpoints.get(&endpoint_key(&key));
                (flow.id, endpoint.map_or(0, |endpoint| endpoint.handle))
            }
            None => (0, 0),
        }
    }

    /// The connection to which a TCP packet belongs, if it is established.
    pub(super) fn connected(&self, ip: &Ip, outbound: bool) -> Option<Key> {
        let key = key_of(ip, outbound)?;
        let open = self.flows.get(&key).is_some_and(|flow| flow.state == State::Open);
        (key.protocol == TCP && open).then_some(key)
    }

    /// A driver has bound a socket elsewhere.
    pub(super) fn rebind(&mut self, key: &Key, bound: (IpAddr, u16)) {
        if let Some(endpoint) = self.endpoints.get_mut(&endpoint_key(key)) {
            endpoint.bound = (bound != (key.local, key.ports.0)).then_some(bound);
        }
    }

    /// Where drivers bound the sockets that exist: own and new address.
    pub fn rebound(&self) -> Vec<((IpAddr, u16), (IpAddr, u16))> {
        let endpoints = self.endpoints.iter();
        endpoints.filter_map(|((_, local, port), end)| Some(((*local, *port), end.bound?))).collect()
    }

    /// Protocol, address and port of an endpoint.
    pub(super) fn endpoint(&self, handle: u64) -> Option<(u8, IpAddr, u16)> {
        self.endpoints.iter().find(|(_, endpoint)| endpoint.handle == handle).map(|(key, _)| *key)
    }

    /// Ends every flow and endpoint, as when all processes exit.
    pub fn finish(&mut self) {
        self.pump();
        let keys: Vec<Key> = self.flows.keys().copied().collect();
        for key in keys {
            self.end_flow(&key);
        }
        self.flows.clear();
        self.fragments.clear();
        let endpoints: Vec<_> = self.endpoints.drain().collect();
        for ((protocol, local, port), endpoint) in endpoints {
            self.close_socket(protocol, local, port, endpoint);
        }
    }

    fn tick(&mut self, now: u64) {
        self.now = self.now.max(now);
        if self.now < self.swept + IDLE / 6 {
            return;
        }
        self.swept = self.now;
        let idle: Vec<Key> = self
            .flows
            .iter()
            .filter(|(key, flow)| {
                let ended = matches!(flow.state, State::Closed | State::Blocked(_));
                (key.protocol != TCP || ended) && flow.last + IDLE < self.now
            })
            .map(|(key, _)| *key)
            .collect();
        for key in idle {
            self.end_flow(&key);
            self.flows.remove(&key);
        }
        self.fragments.retain(|_, key| self.flows.contains_key(key));
    }

    /// Asks ALE about a packet, if it has to be asked.
    pub(super) fn frame(&mut self, interface: &Interface, frame: &[u8], ip: &Ip, outbound: bool) -> Verdict {
        let fragment_key = |fragment: Fragment| (ip.source, ip.destination, ip.protocol, fragment.id);
        match ip.transport {
            // An error about another flow is not authorised by ALE; it belongs to the ICMP error layers.
            Transport::Icmp { kind, .. } if is_icmp_error(ip.protocol, kind) => return Verdict::Pass,
            Transport::LaterFragment => {
                let known = ip.fragment.and_then(|fragment| self.fragments.get(&fragment_key(fragment)));
                return match known.and_then(|key| self.flows.get(key)).map(|flow| flow.state) {
                    Some(State::Blocked(layer) | State::Pending(layer)) => Verdict::Blocked(layer.name()),
                    _ => Verdict::Pass,
                };
            }
            Transport::Truncated => return if outbound { Verdict::Pass } else { Verdict::Malformed },
            _ => {}
        }
        let Some(key) = key_of(ip, outbound) else { return Verdict::Pass };
        if let Some(fragment) = ip.fragment {
            self.fragments.insert(fragment_key(fragment), key);
        }
        let verdict = self.packet(interface, frame, ip, &key, outbound);
        if let Some(flow) = self.flows.get(&key)
            && fwp::is_aborted(flow.id)
        {
            self.end_flow(&key);
        }
        verdict
    }

    fn packet(&mut self, interface: &Interface, frame: &[u8], ip: &Ip, key: &Key, outbound: bool) -> Verdict {
        let flags = match ip.transport {
            Transport::Tcp { flags, .. } => flags,
            _ => 0,
        };
        let opens = flags & (tcp::SYN | tcp::ACK) == tcp::SYN;
        let now = self.now;
        let known = self.flows.get_mut(key).map(|flow| {
            flow.last = now;
            (flow.state, flow.outbound, flow.generation)
        });
        match known {
            None => self.authorise(interface, frame, ip, key, outbound, key.protocol == TCP && !opens),
            // Every try of a blocked flow asks again: a packet without connection, or another SYN.
            Some((State::Blocked(layer), origin, _)) => {
                if origin == outbound && (key.protocol != TCP || opens) {
                    self.authorise(interface, frame, ip, key, outbound, false)
                } else {
                    Verdict::Blocked(layer.name())
                }
            }
            Some((State::Pending(layer), ..)) => Verdict::Blocked(layer.name()),
            Some((State::Closed, ..)) if opens => self.authorise(interface, frame, ip, key, outbound, false),
            Some((State::Closed, ..)) => Verdict::Pass,
            // The port was used again and the end of the old connection is not in the capture.
            Some((State::Open, ..)) if opens => {
                self.end_flow(key);
                self.authorise(interface, frame, ip, key, outbound, false)
            }
            Some((_, origin, generation)) => {
                let layer = if origin { Layer::Connect } else { Layer::Accept };
                let reason = self.reasons(key, interface, outbound, layer, generation);
                if reason != 0 && !self.reauthorise(frame, ip, key, outbound, reason) {
                    return Verdict::Blocked(layer.name());
                }
                if key.protocol == TCP {
                    self.advance(frame, ip, key, flags, outbound);
                }
                Verdict::Pass
            }
        }
    }

    /// Follows the state of a TCP connection.
    fn advance(&mut self, frame: &[u8], ip: &Ip, key: &Key, flags: u8, outbound: bool) {
        let Some(flow) = self.flows.get_mut(key) else { return };
        if flags & tcp::RST != 0 {
            self.end_flow(key);
            return;
        }
        // The handshake is done for a client with SYN+ACK, for a server with the ACK that follows.
        let done = !outbound && flags & tcp::ACK != 0 && (flow.outbound || flags & tcp::SYN == 0);
        if flow.state == State::Opening && done {
            flow.state = State::Open;
            self.establish(frame, ip, key);
        }
        let Some(flow) = self.flows.get_mut(key) else { return };
        if flags & tcp::FIN != 0 {
            if outbound {
                flow.fins.0 = true;
            } else {
                flow.fins.1 = true;
            }
        } else if flow.fins == (true, true) && flags & tcp::ACK != 0 {
            // The last FIN is acknowledged.
            self.end_flow(key);
        }
    }

    fn identity(&mut self, key: &Key) -> Identity {
        let ports = if matches!(key.protocol, ICMP | ICMPV6) { (0, 0) } else { key.ports };
        let socket =
            Socket { protocol: key.protocol, local: (key.local, ports.0), remote: (key.remote, ports.1) };
        let Process { path, pid, user, package } = self.processes.owner(&socket);
        let sid = sid_bytes(&user).or_else(|| sid_bytes(LOCAL_SYSTEM)).unwrap_or_default();
        let token =
            sid.iter().fold(0x8000_u64, |hash, byte| hash.wrapping_mul(31) + u64::from(*byte)) & 0xffff_fff0;
        let package = sid_bytes(package.as_deref().unwrap_or(NO_PACKAGE)).unwrap_or_default().into();
        Identity { package, app_id: self.processes.volumes.app_id(&path).into(), sid: sid.into(), pid, token }
    }

    /// Asks ALE about a new flow, or again about a blocked one.
    fn authorise(
        &mut self,
        interface: &Interface,
        frame: &[u8],
        ip: &Ip,
        key: &Key,
        packet_outbound: bool,
        midstream: bool,
    ) -> Verdict {
        // A connection that was there before the capture began: who opened it is guessed from the ports,
        // and ALE sees it as it sees connections that are older than a filter, in a reauthorisation.
        let outbound = if midstream { key.ports.0 >= key.ports.1 } else { packet_outbound };
        let identity = self.identity(key);
        self.next += 1;
        let id = self.next;
        let (shown_ports, icmp) = match ip.transport {
            Transport::Icmp { kind, code, id, sequence } => {
                ((kind.into(), code.into()), Some((id, sequence)))
            }
            _ => (key.ports, None),
        };
        let flow = Flow {
            id,
            outbound,
            state: State::Opening,
            fins: (false, false),
            last: self.now,
            generation: fwp::generation(
                (if outbound { Layer::Connect } else { Layer::Accept }).id(key.local.is_ipv6()),
            ),
            arrival: interface.luid,
            identity: identity.clone(),
            interface: interface.clone(),
            shown_ports,
            icmp,
            target: None,
            proxy: self.records.contains_key(&(key.local, key.ports.0)),
            redirected_by: self.records.get(&(key.local, key.ports.0)).cloned().unwrap_or_default(),
        };
        fwp::begin_flow(id);
        self.flows.insert(*key, flow);
        let fresh = self.open_endpoint(key, &identity, interface, !outbound);
        let packet = Held::packet(*key, interface, frame, *ip, packet_outbound);
        self.open(&packet, stages(key.protocol, outbound, fresh, midstream), midstream)
    }

    /// ALE has permitted a new flow.
    pub(super) fn opened(&mut self, frame: &[u8], ip: &Ip, key: &Key, midstream: bool) {
        let state = if key.protocol == TCP && !midstream { State::Opening } else { State::Open };
        if let Some(flow) = self.flows.get_mut(key) {
            flow.state = state;
        }
        // Without a handshake the flow is established at once; an older connection was established long ago.
        if key.protocol != TCP {
            self.establish(frame, ip, key);
        }
    }

    /// Why a flow is to be authorised anew with this packet (P6); 0 if it is not.
    fn reasons(
        &mut self,
        key: &Key,
        interface: &Interface,
        outbound: bool,
        layer: Layer,
        generation: u64,
    ) -> u32 {
        let current = fwp::generation(layer.id(key.local.is_ipv6()));
        let mut reason = if generation == current { 0 } else { POLICY_CHANGE };
        if let Some(flow) = self.flows.get_mut(key) {
            flow.generation = current;
            // Weak host: what began on one interface may go on on another.
            if !outbound && flow.arrival != interface.luid {
                flow.arrival = interface.luid;
                reason |= NEW_ARRIVAL_INTERFACE;
            }
        }
        reason
    }

    fn reauthorise(&mut self, frame: &[u8], ip: &Ip, key: &Key, packet_outbound: bool, reason: u32) -> bool {
        self.ask(frame, ip, key, packet_outbound, reason) == Outcome::Permit
    }

    /// Raises AUTH_CONNECT or AUTH_RECV_ACCEPT for a flow; a flow that is not permitted ends as blocked.
    pub(super) fn ask(
        &mut self,
        frame: &[u8],
        ip: &Ip,
        key: &Key,
        packet_outbound: bool,
        reason: u32,
    ) -> Outcome {
        let Some(flow) = self.flows.get(key) else { return Outcome::Permit };
        let outbound = flow.outbound;
        let layer = if outbound { Layer::Connect } else { Layer::Accept };
        let mut subject = self.subject(key, flow, ip, packet_outbound);
        if reason != 0 {
            subject.flags |= IS_REAUTHORIZE;
            subject.reauthorize = reason;
        }
        // §4.1: no packet at AUTH_CONNECT of TCP; outbound packets start at the transport header, inbound
        // ones at the payload, but at the header for ICMP.
        let transport = ip.offset + ip.header_len;
        let is_icmp = subject.icmp.is_some();
        let data_at =
            if packet_outbound || is_icmp { transport } else { transport + subject.transport_header };
        let level = if packet_outbound { cpu::PASSIVE } else { cpu::DISPATCH };
        let outcome = if outbound && key.protocol == TCP {
            // In the context of the thread that connects; anew, in that of the packet.
            cpu::at_irql(level, || ale::indicate(layer, &subject, std::ptr::null_mut()))
        } else {
            cpu::at_irql(level, || {
                ndis::stack::with(frame, data_at, &self.history, |nbl| {
                    ale::indicate(layer, &subject, nbl.cast())
                })
            })
        };
        let stats = &mut self.stats;
        let (asked, blocked) = if outbound {
            (&mut stats.connects, &mut stats.connects_blocked)
        } else {
            (&mut stats.accepts, &mut stats.accepts_blocked)
        };
        *asked += 1;
        if outcome == Outcome::Block {
            *blocked += 1;
            self.refuse(key, layer);
        }
        outcome
    }

    /// A flow is blocked: its endpoint loses it, and its contexts go.
    pub(super) fn refuse(&mut self, key: &Key, layer: Layer) {
        self.close_endpoint(key);
        if let Some(flow) = self.flows.get_mut(key) {
            flow.state = State::Blocked(layer);
            fwp::end_flow(flow.id);
        }
    }

    fn establish(&mut self, frame: &[u8], ip: &Ip, key: &Key) {
        let Some(flow) = self.flows.get(key) else { return };
        let subject = self.subject(key, flow, ip, flow.outbound);
        let transport = ip.offset + ip.header_len;
        // Established flows are indicated from the receive path, and without blocking.
        let outcome = cpu::at_irql(cpu::DISPATCH, || {
            ndis::stack::with(frame, transport, &self.history, |nbl| {
                let data = if key.protocol == TCP { std::ptr::null_mut() } else { nbl.cast() };
                ale::indicate(Layer::Established, &subject, data)
            })
        });
        self.stats.established += 1;
        if outcome == Outcome::Block {
            self.end_flow(key);
        }
    }

    pub(super) fn subject<'a>(
        &'a self,
        key: &Key,
        flow: &'a Flow,
        ip: &Ip,
        packet_outbound: bool,
    ) -> Subject<'a> {
        let endpoint = self.endpoints.get(&endpoint_key(key));
        let (local, local_port) =
            endpoint.and_then(|endpoint| endpoint.bound).unwrap_or((key.local, flow.shown_ports.0));
        let mut flags = if self.is_local(key.remote) { IS_LOOPBACK } else { 0 };
        if flow.target.is_some() {
            flags |= IS_CONNECTION_REDIRECTED;
        }
        if flow.proxy {
            flags |= IS_PROXY_CONNECTION;
        }
        Subject {
            identity: &flow.identity,
            interface: &flow.interface,
            protocol: key.protocol,
            local,
            remote: flow.target.map_or(key.remote, |(address, _)| address),
            ports: (local_port, flow.target.map_or(flow.shown_ports.1, |(_, port)| port)),
            flow: flow.id,
            endpoint: endpoint.map_or(0, |endpoint| endpoint.handle),
            compartment: self.compartment,
            flags,
            outbound: flow.outbound,
            packet_outbound,
            ip_header: ip.header_len,
            transport_header: match ip.transport {
                Transport::Tcp { header_len, .. } => header_len,
                Transport::Udp { .. } => 8,
                _ => 0,
            },
            icmp: flow.icmp,
            reauthorize: 0,
            redirected_by: &flow.redirected_by,
            connected: true,
        }
    }

    /// One flow more on an endpoint; whether the endpoint is new.
    fn open_endpoint(
        &mut self,
        key: &Key,
        identity: &Identity,
        interface: &Interface,
        listens: bool,
    ) -> bool {
        self.next += 1;
        let handle = self.next;
        let fresh = !self.endpoints.contains_key(&endpoint_key(key));
        let endpoint = self.endpoints.entry(endpoint_key(key)).or_insert_with(|| Endpoint {
            handle,
            flows: 0,
            listens: false,
            peer: None,
            bound: None,
            identity: identity.clone(),
            interface: interface.clone(),
        });
        let peer = (key.remote, key.ports.1);
        endpoint.peer = match endpoint.peer {
            None => Some(Some(peer)),
            Some(known) => Some(known.filter(|known| *known == peer)),
        };
        endpoint.flows += 1;
        endpoint.listens |= listens;
        fresh
    }

    /// One flow less on an endpoint; a socket that only connected is closed with its last flow.
    pub(super) fn close_endpoint(&mut self, key: &Key) {
        let id = endpoint_key(key);
        let Some(endpoint) = self.endpoints.get_mut(&id) else { return };
        endpoint.flows = endpoint.flows.saturating_sub(1);
        if endpoint.flows == 0
            && !endpoint.listens
            && let Some(endpoint) = self.endpoints.remove(&id)
        {
            self.close_socket(id.0, id.1, id.2, endpoint);
        }
    }

    /// Closes a socket: a listening one and one for datagrams close once, and then give their port back; the
    /// closures of connections were told one by one.
    fn close_socket(&mut self, protocol: u8, local: IpAddr, port: u16, endpoint: Endpoint) {
        let closes = protocol == UDP || protocol == TCP && endpoint.listens;
        if closes && let Some(handle) = self.indicate_socket(Layer::Closure, protocol, local, port, &endpoint)
        {
            self.held.closures.insert(handle, Closing::Socket(protocol, local, port, endpoint));
            return;
        }
        self.release(protocol, local, port, &endpoint);
    }

    pub(super) fn release(&mut self, protocol: u8, local: IpAddr, port: u16, endpoint: &Endpoint) {
        // A release cannot be put off.
        let _ = self.indicate_socket(Layer::Release, protocol, local, port, endpoint);
    }

    /// Tells of a socket's end; the handle under which a driver has put it off.
    fn indicate_socket(
        &mut self,
        layer: Layer,
        protocol: u8,
        local: IpAddr,
        port: u16,
        endpoint: &Endpoint,
    ) -> Option<usize> {
        let peer = endpoint.peer.flatten().filter(|_| !endpoint.listens);
        let subject = Subject {
            identity: &endpoint.identity,
            interface: &endpoint.interface,
            protocol,
            local,
            remote: peer.map_or(local, |(address, _)| address),
            ports: (port, peer.map_or(0, |(_, port)| port)),
            flow: 0,
            endpoint: endpoint.handle,
            compartment: self.compartment,
            flags: 0,
            outbound: true,
            packet_outbound: true,
            ip_header: 0,
            transport_header: 0,
            icmp: None,
            reauthorize: 0,
            redirected_by: &[],
            connected: peer.is_some(),
        };
        let outcome = ale::indicate(layer, &subject, std::ptr::null_mut());
        if layer == Layer::Closure {
            self.stats.closures += 1;
        } else {
            self.stats.releases += 1;
        }
        match outcome {
            Outcome::Pended(handle) => Some(handle),
            _ => None,
        }
    }

    /// Ends a flow that ALE permitted: closure of a connection, flow deletion, and perhaps the end of its socket.
    pub(super) fn end_flow(&mut self, key: &Key) {
        self.end_streams(key);
        let Some(flow) = self.flows.get(key) else { return };
        if matches!(flow.state, State::Closed | State::Blocked(_)) {
            return;
        }
        let id = flow.id;
        let opened = !matches!(flow.state, State::Pending(_));
        let ip = Ip {
            source: key.local,
            destination: key.remote,
            protocol: key.protocol,
            offset: 0,
            header_len: 0,
            fragment: None,
            transport: Transport::Other,
        };
        let subject = self.subject(key, flow, &ip, flow.outbound);
        if key.protocol == TCP && opened {
            let outcome = ale::indicate(Layer::Closure, &subject, std::ptr::null_mut());
            self.stats.closures += 1;
            if let Outcome::Pended(handle) = outcome {
                self.held.closures.insert(handle, Closing::Flow(*key, id));
                if let Some(flow) = self.flows.get_mut(key) {
                    flow.state = State::Closed;
                }
                return;
            }
        }
        if let Some(flow) = self.flows.get_mut(key) {
            flow.state = State::Closed;
        }
        fwp::end_flow(id);
        self.close_endpoint(key);
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        inject::detach_edge();
    }
}

/// The flow to which a packet belongs, if its headers tell.
fn key_of(ip: &Ip, outbound: bool) -> Option<Key> {
    let (local, remote) = if outbound { (ip.source, ip.destination) } else { (ip.destination, ip.source) };
    let ports =
        match ip.transport {
            Transport::Tcp { source, destination, .. } | Transport::Udp { source, destination } => {
                if outbound { (source, destination) } else { (destination, source) }
            }
            Transport::Icmp { kind, .. } if is_icmp_error(ip.protocol, kind) => return None,
            Transport::Icmp { kind, code, id, .. } => match echo(ip.protocol, kind) {
                Some(_) => (id, id),
                None => (u16::from(kind), u16::from(code)),
            },
            Transport::Other => (0, 0),
            Transport::LaterFragment | Transport::Truncated => return None,
        };
    Some(Key { protocol: ip.protocol, local, remote, ports })
}

fn endpoint_key(key: &Key) -> (u8, IpAddr, u16) {
    let port = if matches!(key.protocol, ICMP | ICMPV6) { 0 } else { key.ports.0 };
    (key.protocol, key.local, port)
}

fn is_group(address: IpAddr) -> bool {
    address.is_multicast() || matches!(address, IpAddr::V4(v4) if v4.is_broadcast())
}

/// Messages about another packet: they go to the ICMP error layers.
fn is_icmp_error(protocol: u8, kind: u8) -> bool {
    match protocol {
        ICMP => matches!(kind, 3 | 4 | 5 | 11 | 12),
        ICMPV6 => kind < 128,
        _ => false,
    }
}

/// Whether the message is an echo request (true) or reply (false).
fn echo(protocol: u8, kind: u8) -> Option<bool> {
    match (protocol, kind) {
        (ICMP, 8) | (ICMPV6, 128) => Some(true),
        (ICMP, 0) | (ICMPV6, 129) => Some(false),
        _ => None,
    }
}
