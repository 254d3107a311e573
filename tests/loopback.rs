//! Promise: packets between two addresses of this machine reach the tap beside those that pass an adapter, in one order
//! of time, each once, with the flow of both ends; and the layers that show them have no filter of Weir's otherwise.

mod support;

use ddk::fwp::{FWPS_LAYER_OUTBOUND_IPPACKET_V4, FWPS_LAYER_OUTBOUND_IPPACKET_V6};
use lab::edge::{Edge, Interface, ProcessMap, Verdict};
use lab::fwp;
use lab::ndis::{Adapter, Call};
use lab::wdf::File;
use support::packet::{self, LOCAL, Ports, Way, flag, lists};
use support::{boot_with_adapter, list, open, set_policy, status, tap};
use weir_ioctl::{
    Control, CounterId, FlowEntry, FlowFlags, Origin, TapDirection, TapFlags, TapMedium, TapOpen,
};

const HERE: [u8; 4] = [127, 0, 0, 1];
/// The service that listens on the loopback address, and the client of it and of a server elsewhere.
const PROCESSES: &str = r#"
[[process]]
path = 'C:\Service\service.exe'
pid = 800
local-port = 8080

[[process]]
path = 'C:\Client\client.exe'
pid = 900
remote-port = 8080

[[process]]
path = 'C:\Client\client.exe'
pid = 900
remote-port = 443
"#;
const TAP: &str = "[[rule]]\nname = 'all'\naction = 'tap'\n";

/// A packet between two ports of the loopback address, without any link header.
fn packet_here(from: u16, to: u16, flags: u8, length: usize) -> Vec<u8> {
    let mut packet = packet::tcp(Way::Out, Ports { local: from, remote: to }, flags, length).split_off(14);
    packet[12..16].copy_from_slice(&HERE);
    packet[16..20].copy_from_slice(&HERE);
    packet
}

fn datagram_here_v6(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let mut here = [0; 16];
    here[15] = 1;
    let length = (8 + payload.len() as u16).to_be_bytes();
    let mut packet = vec![0x60, 0, 0, 0, length[0], length[1], 17, 64];
    packet.extend([here, here].concat());
    packet.extend([from.to_be_bytes(), to.to_be_bytes(), length, [0, 0]].concat());
    packet.extend(payload);
    packet
}

/// A machine with a loopback interface and an adapter.
struct Site<'a> {
    edge: Edge,
    adapter: &'a Adapter,
    now: u64,
    /// What went through, in order.
    all: Vec<Vec<u8>>,
}

impl<'a> Site<'a> {
    fn new(adapter: &'a Adapter) -> Self {
        let processes = ProcessMap::from_toml(PROCESSES).expect("a sound map");
        let edge = Edge::new([LOCAL.into(), HERE.into(), std::net::Ipv6Addr::LOCALHOST.into()], processes);
        Self { edge, adapter, now: 0, all: Vec::new() }
    }

    fn here(&mut self, packet: Vec<u8>) {
        self.now += 1_000_000;
        assert_eq!(self.edge.loopback(&Interface::loopback(), &packet, self.now), Verdict::Pass);
        self.all.push(packet);
    }

    fn through_the_adapter(&mut self, way: Way, frame: Vec<u8>) {
        self.now += 1_000_000;
        let (interface, frames) = (Interface::from(self.adapter), [frame]);
        if way == Way::Out {
            assert_eq!(self.edge.outbound(&interface, &frames[0], self.now), Verdict::Pass);
            self.adapter.send(&lists(&frames, self.now), Call::default());
        } else {
            self.adapter.receive(&lists(&frames, self.now), Call { dispatch: true, flags: 0 });
            assert_eq!(self.edge.inbound(&interface, &frames[0], self.now), Verdict::Pass);
        }
        self.adapter.take_events();
        self.all.extend(frames);
    }

    /// A connection here and one elsewhere, side by side.
    fn talk(&mut self, client: u16) {
        let ports = Ports { local: client, remote: 443 };
        let away = |way, flags, length| packet::tcp(way, ports, flags, length);
        self.here(packet_here(client, 8080, flag::SYN, 0));
        self.through_the_adapter(Way::Out, away(Way::Out, flag::SYN, 0));
        self.here(packet_here(8080, client, flag::SYN | flag::ACK, 0));
        self.through_the_adapter(Way::In, away(Way::In, flag::SYN | flag::ACK, 0));
        self.here(packet_here(client, 8080, flag::ACK, 0));
        self.through_the_adapter(Way::Out, away(Way::Out, flag::ACK, 0));
        for length in 1..5 {
            self.here(packet_here(client, 8080, flag::ACK, length));
            self.through_the_adapter(Way::In, away(Way::In, flag::ACK, 10 * length));
            self.here(packet_here(8080, client, flag::ACK, 100 * length));
        }
    }
}

fn in_child(name: &str, body: impl FnOnce(&mut Site<'_>, &File)) {
    lab::child::test(name, || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        let mut site = Site::new(&adapter);
        body(&mut site, &file);
        site.edge.finish();
        drop(file);
        driver.unload();
        let report = machine.finish();
        assert!(report.is_clean(), "{report:?}");
    });
}

fn flow_of(file: &File, port: u16, remote: u16) -> FlowEntry {
    let flows = list::<FlowEntry>(file, Control::LIST_FLOWS, 5);
    let mut found = flows.into_iter().filter(|flow| (flow.local_port, flow.remote_port) == (port, remote));
    let flow = found.next().expect("the flow");
    assert!(found.next().is_none(), "one flow for both ends");
    flow
}

#[test]
fn loopback_and_adapters_are_one_story() {
    in_child("loopback_and_adapters_are_one_story", |site, file| {
        set_policy(file, TAP);
        tap::open(file, TapOpen::WHOLE, 0);
        site.talk(50_000);
        let (head, copies) = tap::drain(file);
        assert_eq!((head.copied, head.lost), (site.all.len() as u64, 0));
        assert!(copies.is_sorted_by_key(|(record, _)| record.time));
        assert_eq!(copies.iter().map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>(), site.all);

        let (here, away) = (flow_of(file, 50_000, 8080), flow_of(file, 50_000, 443));
        // Both belong to the client, who opened them, though the service accepted one.
        assert_eq!((here.process_id, away.process_id), (900, 900));
        assert_eq!(here.process_created, away.process_created);
        assert_ne!(here.process_created, 0);
        assert_eq!((here.origin, here.flags & FlowFlags::LOOPBACK), (Origin::OUTBOUND, FlowFlags::LOOPBACK));
        assert_eq!(away.flags & FlowFlags::LOOPBACK, 0);
        for (record, bytes) in &copies {
            let loopback = bytes[0] >> 4 == 4 && bytes[12..16] == HERE;
            if loopback {
                assert_eq!((record.flow, record.medium), (here.id, TapMedium::RAW_IP));
                assert_eq!((record.flags, record.direction), (TapFlags::LOOPBACK, TapDirection::SENT));
                assert_eq!(record.interface_luid, Interface::loopback().luid);
            } else {
                assert_eq!((record.flow, record.medium, record.flags), (away.id, TapMedium::ETHERNET, 0));
                assert_eq!(record.interface_luid, site.adapter.luid());
            }
        }
        // The flow has its packets, each once; the filter's own counters have those of the adapter only.
        assert_eq!((here.frames_sent, here.frames_received), (6, 5));
        let now = status(file);
        let frames = now.counter(CounterId::FRAMES_SENT) + now.counter(CounterId::FRAMES_RECEIVED);
        assert_eq!(frames, away.frames_sent + away.frames_received);
    });
}

#[test]
fn datagrams_over_ipv6_are_there_too() {
    in_child("datagrams_over_ipv6_are_there_too", |site, file| {
        set_policy(file, TAP);
        tap::open(file, TapOpen::WHOLE, 0);
        for number in 0..3 {
            site.here(datagram_here_v6(50_001, 8080, &[number; 7]));
        }
        let (_, copies) = tap::drain(file);
        assert_eq!(copies.iter().map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>(), site.all);
        let flow = flow_of(file, 50_001, 8080);
        assert!(copies.iter().all(|(record, _)| record.flow == flow.id));
    });
}

#[test]
fn the_layers_are_used_only_while_the_tap_is_open() {
    lab::child::test("the_layers_are_used_only_while_the_tap_is_open", || {
        let used = || {
            [FWPS_LAYER_OUTBOUND_IPPACKET_V4, FWPS_LAYER_OUTBOUND_IPPACKET_V6]
                .map(|layer| fwp::has_filters(layer as u16))
        };
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        set_policy(&file, TAP);
        assert_eq!(used(), [false; 2]);
        for _ in 0..3 {
            let consumer = open(&machine);
            tap::open(&consumer, TapOpen::WHOLE, 0);
            assert_eq!(used(), [true; 2]);
            let mut site = Site::new(&adapter);
            site.here(packet_here(50_002, 8080, flag::SYN, 0));
            site.edge.finish();
            drop(consumer);
            assert_eq!(used(), [false; 2]);
        }
        // The Base Filtering Engine may come and go meanwhile.
        tap::open(&file, TapOpen::WHOLE, 0);
        fwp::set_service_state(ddk::fwp::FWPM_SERVICE_STOPPED);
        lab::ntoskrnl::work::flush();
        assert_eq!(used(), [false; 2]);
        fwp::set_service_state(ddk::fwp::FWPM_SERVICE_RUNNING);
        lab::ntoskrnl::work::flush();
        assert_eq!(used(), [true; 2]);
        drop(file);
        driver.unload();
        let report = machine.finish();
        assert!(report.is_clean(), "{report:?}");
    });
}
