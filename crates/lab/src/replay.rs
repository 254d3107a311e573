//! Replays captured frames through the machine: what our addresses sent goes down, everything else comes up.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::capture;
use crate::edge::packet::{self, Packet, Transport};
use crate::edge::{Edge, Interface, Medium, ProcessMap, Stats, Verdict};
use crate::ndis::{self, Adapter, Call, List, Piece, RESOURCES, Shape, SplitMix};

/// Number of frames that are not from the capture: a driver injected them.
const INJECTED: u64 = u64::MAX;

/// A frame to replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Index of the adapter.
    pub adapter: usize,
    /// Nanoseconds since 1970.
    pub timestamp: u64,
    /// Its bytes as they were on the wire.
    pub data: Vec<u8>,
    /// Whether the capture says that we sent it.
    pub outbound: Option<bool>,
}

impl From<&capture::Frame> for Frame {
    fn from(frame: &capture::Frame) -> Self {
        Self {
            adapter: frame.interface as usize,
            timestamp: frame.timestamp,
            data: frame.data.clone(),
            outbound: frame.direction.map(|direction| direction == capture::Direction::Outbound),
        }
    }
}

/// Where an 802.1Q tag travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Vlan {
    /// Beside the frame, as adapters hand it over; put back on the wire.
    #[default]
    OutOfBand,
    /// In the frame.
    InBand,
}

/// The IRQL of the calls into the stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// Sends at PASSIVE_LEVEL, receives at DISPATCH_LEVEL, as most often on Windows.
    #[default]
    Usual,
    /// All at PASSIVE_LEVEL, without the DISPATCH_LEVEL flags.
    Passive,
    /// All at DISPATCH_LEVEL, with the flags.
    Dispatch,
    /// Either, by the seed.
    Mixed,
}

/// How a capture is replayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// Our addresses; [`local_addresses`] guesses them if this is empty.
    pub local: Vec<IpAddr>,
    /// Who owns which socket.
    pub processes: ProcessMap,
    /// Most NBLs in one call.
    pub batch: usize,
    /// Most frames of one flow in one sent NBL.
    pub buffers: usize,
    /// How frames lie in memory.
    pub shape: Shape,
    /// Where 802.1Q tags travel.
    pub vlan: Vlan,
    /// Every how many receive calls one comes with NDIS_RECEIVE_FLAGS_RESOURCES.
    pub resources_every: Option<u32>,
    /// IRQL of the calls.
    pub level: Level,
    /// Start of the pseudo-random choices.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            local: Vec::new(),
            processes: ProcessMap::default(),
            batch: 1,
            buffers: 1,
            shape: Shape::default(),
            vlan: Vlan::default(),
            resources_every: None,
            level: Level::default(),
            seed: 0,
        }
    }
}

/// What became of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// It left on the wire.
    Wire,
    /// It reached its application or protocol.
    Delivered,
    /// ALE blocked its flow; for an outbound frame nothing was sent.
    BlockedByAle {
        /// The layer that blocked.
        layer: String,
    },
    /// A filter completed the send without sending, or returned the receive without delivering.
    DroppedByFilter {
        /// Status of the send; none for a receive.
        status: Option<i32>,
    },
    /// It came through the filters, and the stack dropped it because its headers are damaged.
    Malformed,
    /// A filter still had it when the replay ended.
    Held,
}

impl Fate {
    /// Whether the frame got through the filters, to the wire or to the stack.
    pub fn passed(&self) -> bool {
        matches!(self, Self::Wire | Self::Delivered | Self::Malformed)
    }
}

/// A frame that got through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// Index of the input frame; none for one that a driver made.
    pub index: Option<usize>,
    /// Index of the adapter.
    pub adapter: usize,
    /// Whether it was sent.
    pub outbound: bool,
    /// Its bytes, if they are not those of the input frame.
    pub changed: Option<Vec<u8>>,
}

/// What a replay did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The fate of every input frame.
    pub fates: Vec<Fate>,
    /// Frames that got through, in order.
    pub passed: Vec<Passed>,
    /// The addresses that counted as ours.
    pub local: Vec<IpAddr>,
    /// How often ALE was asked.
    pub ale: Stats,
}

/// Makes an adapter for each interface of a capture. Do this before the driver starts, so that it is
/// attached to them.
pub fn adapters(interfaces: &[capture::Interface]) -> Vec<Arc<Adapter>> {
    let mut adapters = Vec::new();
    for (index, interface) in interfaces.iter().enumerate() {
        let raw = interface.link_type.is_raw_ip();
        let mut config = ndis::Config {
            name: interface.name.clone().unwrap_or_else(|| format!("Ethernet {}", index + 1)),
            medium: if raw { Medium::RawIp } else { Medium::Ethernet },
            addresses: interface.addresses.clone(),
            ..ndis::Config::default()
        };
        config.mac[5] = index as u8 + 1;
        config.mac = interface.mac.unwrap_or(config.mac);
        adapters.push(Adapter::new(config));
    }
    adapters
}

/// Guesses which addresses are ours: those from which frames marked as outbound come, and those of the
/// interfaces; without either, those of the MAC address that takes part in most frames and speaks for the
/// fewest addresses.
pub fn local_addresses(adapters: &[Arc<Adapter>], frames: &[Frame]) -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = adapters.iter().flat_map(|adapter| adapter.config().addresses).collect();
    let media: Vec<Medium> = adapters.iter().map(|adapter| adapter.config().medium).collect();
    let parse = |frame: &Frame| {
        packet::parse(media.get(frame.adapter).copied().unwrap_or(Medium::Ethernet), &frame.data)
    };
    for frame in frames.iter().filter(|frame| frame.outbound == Some(true)) {
        if let Packet::Ip(ip) = parse(frame) {
            found.push(ip.source);
        }
    }
    if found.is_empty() {
        found = guess_by_mac(&media, frames, parse);
    }
    let mut seen = HashSet::new();
    found.retain(|address| !address.is_unspecified() && !address.is_multicast() && seen.insert(*address));
    found
}

fn guess_by_mac(media: &[Medium], frames: &[Frame], parse: impl Fn(&Frame) -> Packet) -> Vec<IpAddr> {
    #[derive(Default)]
    struct Station {
        frames: u64,
        /// The first frame that it sent.
        first: usize,
        addresses: Vec<IpAddr>,
    }
    let mut stations: HashMap<[u8; 6], Station> = HashMap::new();
    let mut first_raw = None;
    for (index, frame) in frames.iter().enumerate() {
        let Packet::Ip(ip) = parse(frame) else { continue };
        if media.get(frame.adapter) == Some(&Medium::RawIp) {
            first_raw.get_or_insert(ip.source);
            continue;
        }
        let Some((from, to)) = packet::macs(&frame.data) else { continue };
        stations.entry(to).or_default().frames += 1;
        let station = stations.entry(from).or_default();
        station.frames += 1;
        if station.addresses.is_empty() {
            station.first = index;
        }
        if !station.addresses.contains(&ip.source) {
            station.addresses.push(ip.source);
        }
    }
    let speaking = stations.into_values().filter(|station| !station.addresses.is_empty());
    // A router speaks for many; of two hosts alone with each other, the one that spoke first is the client.
    let best = speaking.min_by_key(|s| (std::cmp::Reverse(s.frames), s.addresses.len(), s.first));
    best.map(|station| station.addresses).into_iter().flatten().chain(first_raw).collect()
}

/// A replay under way.
struct Run<'a> {
    adapters: &'a [Arc<Adapter>],
    interfaces: Vec<Interface>,
    frames: &'a [Frame],
    options: &'a Options,
    edge: Edge,
    fates: Vec<Option<Fate>>,
    passed: Vec<Passed>,
    random: SplitMix,
    receives: u32,
}

/// A frame as it is handed to the stack.
struct Ready {
    index: usize,
    bytes: Option<Vec<u8>>,
    vlan: Option<u16>,
}

/// Replays the frames through adapters whose filter modules run. `progress` gets the number of frames that
/// are done.
pub fn run(
    adapters: &[Arc<Adapter>],
    frames: &[Frame],
    options: &Options,
    mut progress: impl FnMut(usize),
) -> Report {
    let local =
        if options.local.is_empty() { local_addresses(adapters, frames) } else { options.local.clone() };
    let mut run = Run {
        adapters,
        interfaces: adapters.iter().map(|adapter| Interface::from(&**adapter)).collect(),
        frames,
        options,
        edge: Edge::new(local.iter().copied(), options.processes.clone()),
        fates: vec![None; frames.len()],
        passed: Vec::new(),
        random: SplitMix(options.seed),
        receives: 0,
    };
    let macs = run.local_macs();
    let directions: Vec<bool> = frames.iter().map(|frame| run.is_outbound(frame, &macs)).collect();
    let mut start = 0;
    while start < frames.len() {
        // A batch has one adapter and one direction, so that the order of the capture is kept.
        let same = |index: &usize| {
            directions[*index] == directions[start] && frames[*index].adapter == frames[start].adapter
        };
        let end = start + (start..frames.len()).take(options.batch.max(1)).take_while(same).count();
        if frames[start].adapter < adapters.len() {
            if directions[start] {
                run.send(start..end);
            } else {
                run.receive(start..end);
            }
        }
        progress(end);
        start = end;
    }
    run.absorb();
    run.edge.finish();
    let ale = run.edge.stats();
    let fates = run.fates.into_iter().map(|fate| fate.unwrap_or(Fate::Held)).collect();
    Report { fates, passed: run.passed, local, ale }
}

impl Run<'_> {
    fn medium(&self, frame: &Frame) -> Medium {
        self.interfaces.get(frame.adapter).map_or(Medium::Ethernet, |interface| interface.medium)
    }

    fn parse(&self, frame: &Frame) -> Packet {
        packet::parse(self.medium(frame), &frame.data)
    }

    /// MAC addresses from which our addresses speak.
    fn local_macs(&self) -> HashSet<[u8; 6]> {
        let ours =
            |frame: &&Frame| matches!(self.parse(frame), Packet::Ip(ip) if self.edge.is_local(ip.source));
        let ethernet = self.frames.iter().filter(|frame| self.medium(frame) == Medium::Ethernet);
        ethernet.filter(ours).filter_map(|frame| packet::macs(&frame.data).map(|(from, _)| from)).collect()
    }

    fn is_outbound(&self, frame: &Frame, macs: &HashSet<[u8; 6]>) -> bool {
        if let Some(outbound) = frame.outbound {
            return outbound;
        }
        match self.parse(frame) {
            Packet::Ip(ip) if !ip.source.is_unspecified() => self.edge.is_local(ip.source),
            Packet::Arp(Some(sender)) if !sender.is_unspecified() => self.edge.is_local(sender),
            // Not IP, or an address that is still being looked for: who sent the frame tells.
            _ => {
                self.medium(frame) == Medium::Ethernet
                    && packet::macs(&frame.data).is_some_and(|(from, _)| macs.contains(&from))
            }
        }
    }

    fn call(&mut self, send: bool) -> Call {
        let dispatch = match self.options.level {
            Level::Usual => !send,
            Level::Passive => false,
            Level::Dispatch => true,
            Level::Mixed => self.random.next() & 1 == 1,
        };
        Call { dispatch, flags: 0 }
    }

    fn ready(&self, index: usize) -> Ready {
        let frame = &self.frames[index];
        if self.options.vlan == Vlan::OutOfBand
            && self.medium(frame) == Medium::Ethernet
            && let Some((bytes, tci)) = packet::strip_vlan(&frame.data)
            // A tag of nothing but zeroes is no tag in the slot; it stays in the frame.
            && tci != 0
        {
            return Ready { index, bytes: Some(bytes), vlan: Some(tci) };
        }
        Ready { index, bytes: None, vlan: None }
    }

    fn list<'b>(&'b self, ready: &'b [Ready]) -> List<'b> {
        let pieces = ready
            .iter()
            .map(|ready| Piece {
                bytes: ready.bytes.as_deref().unwrap_or(&self.frames[ready.index].data),
                tag: ready.index as u64,
            })
            .collect();
        List { pieces, vlan: ready.first().and_then(|ready| ready.vlan), shape: self.options.shape.clone() }
    }

    fn send(&mut self, range: std::ops::Range<usize>) {
        let mut groups: Vec<Vec<Ready>> = Vec::new();
        let mut last = None;
        for index in range {
            let frame = &self.frames[index];
            let verdict = self.edge.outbound(&self.interfaces[frame.adapter], &frame.data, frame.timestamp);
            if let Verdict::Blocked(layer) = verdict {
                self.fates[index] = Some(Fate::BlockedByAle { layer: layer.to_owned() });
                continue;
            }
            let ready = self.ready(index);
            // O13: the frames of one NBL belong to one flow.
            let flow = self.flow(frame).map(|flow| (flow, ready.vlan));
            match groups.last_mut() {
                Some(group) if flow.is_some() && flow == last && group.len() < self.options.buffers => {
                    group.push(ready);
                }
                _ => groups.push(vec![ready]),
            }
            last = flow;
        }
        let Some(first) = groups.first().and_then(|group| group.first()) else { return self.absorb() };
        let adapter = self.adapters[self.frames[first.index].adapter].clone();
        let call = self.call(true);
        let lists: Vec<List<'_>> = groups.iter().map(|group| self.list(group)).collect();
        adapter.send(&lists, call);
        drop(lists);
        self.absorb();
    }

    /// Addresses, protocol and ports of an unfragmented TCP or UDP frame.
    fn flow(&self, frame: &Frame) -> Option<(IpAddr, IpAddr, u8, u16, u16)> {
        let Packet::Ip(ip) = self.parse(frame) else { return None };
        match ip.transport {
            Transport::Tcp { source, destination, .. } | Transport::Udp { source, destination }
                if ip.fragment.is_none() =>
            {
                Some((ip.source, ip.destination, ip.protocol, source, destination))
            }
            _ => None,
        }
    }

    fn receive(&mut self, range: std::ops::Range<usize>) {
        let ready: Vec<Ready> = range.map(|index| self.ready(index)).collect();
        let adapter = self.adapters[self.frames[ready[0].index].adapter].clone();
        let mut call = self.call(false);
        self.receives += 1;
        if self.options.resources_every.is_some_and(|every| self.receives.is_multiple_of(every.max(1))) {
            call.flags |= RESOURCES;
        }
        let lists: Vec<List<'_>> = ready.iter().map(|one| self.list(std::slice::from_ref(one))).collect();
        adapter.receive(&lists, call);
        drop(lists);
        self.absorb();
    }

    /// Takes over what happened at the edges of every adapter.
    fn absorb(&mut self) {
        let adapters = self.adapters;
        for emitted in self.edge.take_emitted() {
            let found = adapters.iter().position(|adapter| adapter.config().index == emitted.interface);
            let Some(number) = found else { continue };
            if emitted.outbound {
                let piece = Piece { bytes: &emitted.frame, tag: INJECTED };
                let shape = self.options.shape.clone();
                adapters[number].send(&[List { pieces: vec![piece], vlan: None, shape }], self.call(true));
            } else {
                self.pass(number, false, None, emitted.frame);
            }
        }
        for (number, adapter) in adapters.iter().enumerate() {
            let events = adapter.take_events();
            for frame in events.wire {
                let bytes = frame
                    .vlan
                    .map_or_else(|| frame.bytes.clone(), |tci| packet::insert_vlan(&frame.bytes, tci));
                self.pass(number, true, frame.tag, bytes);
                self.settle(frame.tag, Fate::Wire);
            }
            for frame in events.delivered {
                let bytes = frame
                    .vlan
                    .map_or_else(|| frame.bytes.clone(), |tci| packet::insert_vlan(&frame.bytes, tci));
                let now = frame
                    .tag
                    .and_then(|tag| self.frames.get(tag as usize))
                    .map_or(0, |frame| frame.timestamp);
                let fate = match self.edge.inbound(&self.interfaces[number], &frame.bytes, now) {
                    Verdict::Pass => Fate::Delivered,
                    Verdict::Blocked(layer) => Fate::BlockedByAle { layer: layer.to_owned() },
                    Verdict::Malformed => Fate::Malformed,
                };
                if fate.passed() {
                    self.pass(number, false, frame.tag, bytes);
                }
                self.settle(frame.tag, fate);
            }
            for (tag, status) in events.completed {
                self.settle_if_open(tag, Fate::DroppedByFilter { status: Some(status) });
            }
            for tag in events.returned {
                self.settle_if_open(tag, Fate::DroppedByFilter { status: None });
            }
        }
    }

    fn pass(&mut self, adapter: usize, outbound: bool, tag: Option<u64>, bytes: Vec<u8>) {
        let index = tag.filter(|tag| *tag != INJECTED).map(|tag| tag as usize);
        let same = index.and_then(|index| self.frames.get(index)).is_some_and(|frame| frame.data == bytes);
        self.passed.push(Passed { index, adapter, outbound, changed: (!same).then_some(bytes) });
    }

    fn settle(&mut self, tag: Option<u64>, fate: Fate) {
        if let Some(slot) = tag.and_then(|tag| self.fates.get_mut(tag as usize)) {
            *slot = Some(fate);
        }
    }

    fn settle_if_open(&mut self, tag: u64, fate: Fate) {
        if let Some(slot) = self.fates.get_mut(tag as usize) {
            slot.get_or_insert(fate);
        }
    }
}
