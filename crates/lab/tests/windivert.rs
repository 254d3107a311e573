//! A driver that nobody here wrote: shipped builds of WinDivert go through their whole life, as the proof
//! that the lab is not tuned to one driver.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod windivert_release;

use std::net::{IpAddr, Ipv4Addr};

use etherparse::PacketBuilder;
use lab::child::{self, Exit};
use lab::edge::{Edge, Interface, Medium, ProcessMap, Verdict};
use lab::wdf::Who;
use lab::{Machine, Options};
use windivert_release::{Event, One, Protocol, Release, Two, V1, V2, driver};

const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const REMOTE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);
const INTERFACE: Interface =
    Interface { luid: 0x6_0000_0000_0000, index: 7, kind: 6, medium: Medium::RawIp, mtu: 1500 };

fn packet() -> Vec<u8> {
    let builder = PacketBuilder::ipv4(LOCAL.octets(), REMOTE.octets(), 64).udp(4000, 53);
    let payload: Vec<u8> = (0..200u8).collect();
    let mut packet = Vec::new();
    builder.write(&mut packet, &payload).unwrap();
    packet
}

/// Runs `body` in a child in which the release's driver is started, and then unloads it.
fn with_driver(test: &str, release: &Release, body: impl FnOnce(&Machine, &mut Edge)) -> Exit {
    if !child::is_child() {
        driver(release);
    }
    child::run(test, || {
        let image = driver(release);
        let options = Options { integrity: false, excused: release.breaks, ..Options::default() };
        let machine = Machine::new(options);
        let mut driver = machine.load_driver_as(&image, "WinDivert").unwrap();
        driver.start().unwrap();
        let mut edge = Edge::new([IpAddr::V4(LOCAL)], ProcessMap::default());
        body(&machine, &mut edge);
        edge.finish();
        // 2.2 keeps a closed handle's objects until a work item has told of the close, and its unload does not
        // wait for that item before it deletes the sublayers: stopped at once, it would leave them behind.
        lab::ntoskrnl::work::flush();
        driver.unload();
        let report = machine.finish();
        assert!(report.leaks.is_empty(), "{:?}", report.leaks);
        println!("{} has lived", release.name);
    })
}

fn run<P: Protocol>(test: &str, release: &Release) -> Exit {
    with_driver(test, release, |machine, edge| {
        let packet = packet();
        assert_eq!(edge.outbound(&INTERFACE, &packet, 1), Verdict::Pass, "nobody filters yet");

        let file = machine.open(P::DEVICE, Who::System).unwrap();
        P::start(&file);
        assert_eq!(edge.outbound(&INTERFACE, &packet, 2), Verdict::Blocked("OUTBOUND_IPPACKET"));
        let mut address = vec![0u8; 4096];
        assert_eq!(P::receive(&file, &mut address), packet);
        assert_eq!(P::read_address(&address), (INTERFACE.index, true));
        assert!(edge.take_emitted().is_empty());

        // Sent again, the driver lets its own packet pass.
        assert_eq!(P::send(&file, &address, &packet), 0);
        edge.pump();
        let emitted = edge.take_emitted();
        assert_eq!(emitted.iter().map(|emitted| &emitted.frame).collect::<Vec<_>>(), [&packet]);

        P::stop(&file);
        drop(file);
        assert_eq!(edge.outbound(&INTERFACE, &packet, 3), Verdict::Pass, "the filter went with its file");
    })
}

#[track_caller]
fn lived(release: &Release, exit: &Exit) {
    if !child::is_child() {
        exit.assert_clean();
        let mut broken = exit.report.excused.iter().map(|finding| {
            let export = finding.export.as_deref().and_then(|export| export.split('!').nth(1));
            (finding.rule.as_str(), export.unwrap_or_default())
        });
        assert!(broken.clone().eq(release.breaks.iter().copied()), "{:?}", broken.next());
        assert!(exit.log.contains(&format!("{} has lived", release.name)), "{}", exit.log);
    }
}

#[test]
fn windivert_1_3_diverts_a_packet_and_sends_it_again() {
    lived(&V1, &run::<One>("windivert_1_3_diverts_a_packet_and_sends_it_again", &V1));
}

#[test]
fn windivert_2_2_diverts_a_packet_and_sends_it_again() {
    lived(&V2, &run::<Two>("windivert_2_2_diverts_a_packet_and_sends_it_again", &V2));
}

/// Opens `layer`, sends a datagram, and returns what the driver tells of it until the flow has ended.
fn watch(machine: &Machine, edge: &mut Edge, layer: u32) -> Vec<Event> {
    let file = machine.open(Two::DEVICE, Who::System).unwrap();
    Two::start_layer(&file, layer, Two::LOOK_ON);
    assert_eq!(edge.outbound(&INTERFACE, &packet(), 1), Verdict::Pass, "it only looks on");
    edge.finish();
    Two::shut_down(&file);
    std::iter::from_fn(|| Two::next_event(&file)).collect()
}

/// Ports and protocol of WINDIVERT_DATA_FLOW and WINDIVERT_DATA_SOCKET.
fn ports(event: &Event) -> (u16, u16, u8) {
    let port = |at: usize| u16::from_le_bytes(event.data[at..at + 2].try_into().unwrap());
    (port(52), port(54), event.data[56])
}

#[test]
fn windivert_2_2_tells_of_flows() {
    const ESTABLISHED: u8 = 1;
    const DELETED: u8 = 2;
    let exit = with_driver("windivert_2_2_tells_of_flows", &V2, |machine, edge| {
        let events = watch(machine, edge, Two::FLOW);
        assert!(events.iter().all(|event| u32::from(event.layer) == Two::FLOW && event.outbound));
        assert_eq!(events.iter().map(|event| event.event).collect::<Vec<_>>(), [ESTABLISHED, DELETED]);
        assert!(events.iter().all(|event| ports(event) == (4000, 53, 17)), "{events:x?}");
        let log: Vec<_> = lab::ntoskrnl::log::take().into_iter().map(|entry| entry.strings).collect();
        assert_eq!(log[0], ["WinDivert2.2", "LOAD", "4711"], "who opened the first handle");
    });
    lived(&V2, &exit);
}

#[test]
fn windivert_2_2_tells_of_sockets() {
    const BIND: u8 = 3;
    const CONNECT: u8 = 4;
    const CLOSE: u8 = 7;
    let exit = with_driver("windivert_2_2_tells_of_sockets", &V2, |machine, edge| {
        let events = watch(machine, edge, Two::SOCKET);
        let kinds: Vec<_> = events.iter().map(|event| event.event).collect();
        assert_eq!(kinds, [BIND, CONNECT, CLOSE, CLOSE]);
        assert_eq!(ports(&events[0]), (4000, 0, 17), "bound, not yet connected");
        assert!(events[1..3].iter().all(|event| ports(event) == (4000, 53, 17)), "{events:x?}");
    });
    lived(&V2, &exit);
}
