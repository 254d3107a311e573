//! Promise: what has gone wrong in other callout drivers with whose flow it is does not in this one. The tests are named by
//! the numbers of the checklist in README.md.

mod support;

use std::time::Duration;

use ddk::fwp::*;
use lab::edge::{Edge, Interface, ProcessMap, Verdict};
use lab::fwp;
use lab::ndis::{Adapter, Call};
use lab::ntoskrnl::process;
use lab::wdf::File;
use lab::{Machine, Options};
use support::packet::{self, LOCAL, Ports, Way, lists};
use support::{boot_with_adapter, list, open, set_policy, status};
use weir_ioctl::{Control, CounterId, FlowEntry, FlowFlags, FlowState, IdentityEntry, IdentityKind};

const BLOCK_DNS: &str = "[[rule]]\nname = \"dns\"\naction = \"block\"\nremote-port = 53\n";

/// Runs `body` beside the driver, with nothing left in the end.
fn beside(test: &str, body: impl FnOnce(&Adapter, &File)) {
    lab::child::test(test, || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        body(&adapter, &file);
        drop(file);
        driver.unload();
        let report = machine.finish();
        assert!(report.is_clean(), "{report:?}");
    });
}

/// The flows between two ports of this machine and the other one.
fn flows(file: &File, local: u16, remote: u16) -> Vec<FlowEntry> {
    let all = list::<FlowEntry>(file, Control::LIST_FLOWS, 7);
    all.into_iter().filter(|flow| (flow.local_port, flow.remote_port) == (local, remote)).collect()
}

/// The one flow between two ports.
#[track_caller]
fn flow(file: &File, local: u16, remote: u16) -> FlowEntry {
    let found = flows(file, local, remote);
    assert_eq!(found.len(), 1, "one flow between {local} and {remote}");
    found[0]
}

/// Sockets with this remote port belong to `path`, process `pid`.
fn owner(path: &str, pid: u32) -> ProcessMap {
    let text = format!("[[process]]\npath = '{path}'\npid = {pid}\nuser = 'S-1-5-21-1-2-3-1001'\n");
    ProcessMap::from_toml(&text).expect("a sound map")
}

/// A packet over UDP between two ports of the loopback address.
fn packet_here(from: u16, to: u16) -> Vec<u8> {
    let mut packet = packet::udp(Way::Out, Ports { local: from, remote: to }, 10).split_off(14);
    packet[12..20].copy_from_slice(&[127, 0, 0, 1, 127, 0, 0, 1]);
    packet
}

#[test]
fn e62_what_is_used_after_a_classify_was_copied() {
    beside("e62_what_is_used_after_a_classify_was_copied", |adapter, file| {
        // Fields and metadata are freed when a classify has returned, and packets are then inaccessible.
        lab::ndis::set_poison(true);
        let mut edge = Edge::new([LOCAL.into()], owner(r"C:\Service\service.exe", 1234));
        for port in 1..=40 {
            let frame = packet::udp(Way::In, Ports { local: 5000, remote: port }, 10);
            let interface = Interface::from(adapter);
            assert_eq!(edge.inbound(&interface, &frame, u64::from(port)), Verdict::Pass);
        }
        // The accepts came at DISPATCH_LEVEL, where no process can be looked up: that was done later, by what was kept.
        lab::ntoskrnl::work::flush();
        let identities = list::<IdentityEntry>(file, Control::LIST_IDENTITIES, 3);
        for port in 1..=40 {
            let flow = flow(file, 5000, port);
            assert_eq!(flow.process_id, 1234);
            assert_ne!(flow.process_created, 0);
            let data = |kind, id| {
                let found = identities.iter().find(|entry| (entry.kind, entry.id) == (kind, id));
                found.map(|entry| entry.data[..entry.length as usize].to_vec()).unwrap_or_default()
            };
            let image: Vec<u8> = r"\device\harddiskvolume3\service\service.exe"
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect();
            assert_eq!(data(IdentityKind::IMAGE, flow.image), image);
            let user = lab::edge::process::sid_bytes("S-1-5-21-1-2-3-1001").expect("a SID");
            assert_eq!(data(IdentityKind::USER, flow.user), user);
        }
        edge.finish();
    });
}

#[test]
fn e66_loopback_is_asked_about_twice_and_is_one_flow() {
    beside("e66_loopback_is_asked_about_twice_and_is_one_flow", |_, file| {
        set_policy(file, "");
        let map = "[[process]]\npath = 'C:\\s.exe'\npid = 800\nlocal-port = 53\n\
                   [[process]]\npath = 'C:\\c.exe'\npid = 900\n";
        let processes = ProcessMap::from_toml(map).expect("a sound map");
        let mut edge = Edge::new([std::net::Ipv4Addr::LOCALHOST.into()], processes);
        for (from, to) in [(40_000, 53), (53, 40_000), (40_000, 53)] {
            assert_eq!(edge.loopback(&Interface::loopback(), &packet_here(from, to), 1), Verdict::Pass);
        }
        let asked = edge.stats();
        assert_eq!((asked.connects, asked.accepts), (1, 1));
        assert_eq!(status(file).counter(CounterId::AUTHORIZATIONS), 2);
        let flow = flow(file, 40_000, 53);
        assert_eq!((flow.process_id, flow.flags & FlowFlags::LOOPBACK), (900, FlowFlags::LOOPBACK));
        // Contexts and records of other drivers are not in danger from callouts that are not there.
        for layer in [
            FWPS_LAYER_ALE_CONNECT_REDIRECT_V4,
            FWPS_LAYER_ALE_CONNECT_REDIRECT_V6,
            FWPS_LAYER_ALE_BIND_REDIRECT_V4,
            FWPS_LAYER_ALE_BIND_REDIRECT_V6,
            FWPS_LAYER_STREAM_V4,
            FWPS_LAYER_STREAM_V6,
        ] {
            assert!(!fwp::has_filters(layer as u16));
        }
        edge.finish();
    });
}

#[test]
fn e67_each_remote_end_of_a_datagram_socket_is_a_flow_of_its_own() {
    beside("e67_each_remote_end_of_a_datagram_socket_is_a_flow_of_its_own", |adapter, file| {
        set_policy(file, BLOCK_DNS);
        let interface = Interface::from(adapter);
        let mut edge = Edge::new([LOCAL.into()], ProcessMap::default());
        let mut send = |remote| {
            let frame = packet::udp(Way::Out, Ports { local: 33_333, remote }, 10);
            edge.outbound(&interface, &frame, 1)
        };
        // A socket that is not connected, with many peers, some of whom are blocked again and again.
        for round in 0..3 {
            for remote in 50..60 {
                assert_eq!(send(remote) == Verdict::Pass, remote != 53, "round {round}, port {remote}");
            }
        }
        for remote in 50..60 {
            let expected =
                if remote == 53 { weir_ioctl::Verdict::BLOCK } else { weir_ioctl::Verdict::PERMIT };
            assert_eq!(flow(file, 33_333, remote).verdict, expected);
        }
        assert_eq!(status(file).flows, 10);
        edge.finish();
    });
}

#[test]
fn e76_endpoints_that_close_unseen_and_unpaired_do_no_harm() {
    lab::child::test("e76_endpoints_that_close_unseen_and_unpaired_do_no_harm", || {
        let machine = Machine::new(Options::default());
        let adapter = Adapter::new(lab::ndis::Config::default());
        // Sockets that are older than the driver...
        let mut edge = Edge::new([LOCAL.into()], ProcessMap::default());
        let interface = Interface::from(&*adapter);
        let send = |edge: &mut Edge, local, way| {
            let frame = packet::udp(way, Ports { local, remote: 99 }, 10);
            match way {
                Way::Out => edge.outbound(&interface, &frame, 1),
                Way::In => edge.inbound(&interface, &frame, 1),
            }
        };
        assert_eq!(send(&mut edge, 1000, Way::Out), Verdict::Pass);
        assert_eq!(send(&mut edge, 1001, Way::In), Verdict::Pass);
        let mut driver = support::start(&machine);
        adapter.restart(lab::ndis::Attributes::General).expect("the filter restarts");
        let file = open(&machine);
        // ...and sockets that it has seen come, on this side and on the other.
        assert_eq!(send(&mut edge, 2000, Way::Out), Verdict::Pass);
        assert_eq!(send(&mut edge, 2001, Way::In), Verdict::Pass);
        let before = edge.stats();
        edge.finish();
        let after = edge.stats();
        assert_eq!((after.closures - before.closures, after.releases - before.releases), (4, 4));
        // Those that were seen are closed; of the others nothing is known that could be wrong.
        for local in [2000, 2001] {
            assert_eq!(flow(&file, local, 99).state, FlowState::CLOSED);
        }
        assert!(flows(&file, 1000, 99).is_empty() && flows(&file, 1001, 99).is_empty());
        drop(file);
        driver.unload();
        assert!(machine.finish().is_clean());
    });
}

#[test]
fn e77_a_process_is_its_id_and_its_beginning() {
    beside("e77_a_process_is_its_id_and_its_beginning", |adapter, file| {
        let interface = Interface::from(adapter);
        let id = 4242;
        let mut seen = Vec::new();
        for (round, image) in (0_u16..).zip(["first", "second", "third"]) {
            let path = format!(r"C:\{image}.exe");
            if round > 0 {
                // The id is free, and the next process gets it.
                process::exit(id, 0);
                std::thread::sleep(Duration::from_millis(2));
                let start = process::Start { id, parent: 4, image: path.clone(), admin: false };
                process::start(start).expect("nobody forbids it");
            }
            let mut edge = Edge::new([LOCAL.into()], owner(&path, id));
            let out = packet::udp(Way::Out, Ports { local: 3000 + round, remote: 99 }, 10);
            assert_eq!(edge.outbound(&interface, &out, 1), Verdict::Pass);
            let accepted = packet::udp(Way::In, Ports { local: 4000 + round, remote: 99 }, 10);
            assert_eq!(edge.inbound(&interface, &accepted, 1), Verdict::Pass);
            lab::ntoskrnl::work::flush();
            let (one, other) = (flow(file, 3000 + round, 99), flow(file, 4000 + round, 99));
            assert_eq!((one.process_id, other.process_id), (4242, 4242));
            // The same process at both levels at which ALE asks.
            assert_eq!(one.process_created, other.process_created);
            assert_ne!(one.process_created, 0);
            seen.push((one.process_created, one.image));
            edge.finish();
        }
        // Later processes do not become earlier ones, nor do earlier flows become theirs.
        assert!(seen.is_sorted() && seen[0].0 < seen[1].0 && seen[1].0 < seen[2].0, "{seen:?}");
        for (round, (created, image)) in (0..).zip(seen) {
            let flow = flow(file, 3000 + round, 99);
            assert_eq!((flow.process_created, flow.image), (created, image));
        }
    });
}

#[test]
fn e78_equal_ends_in_two_compartments_are_two_flows() {
    lab::child::test("e78_equal_ends_in_two_compartments_are_two_flows", || {
        let machine = Machine::new(Options::default());
        let adapters =
            [Adapter::new(lab::ndis::Config::default()), Adapter::new(lab::ndis::Config::default())];
        let mut driver = support::start(&machine);
        for adapter in &adapters {
            adapter.restart(lab::ndis::Attributes::General).expect("the filter restarts");
        }
        let file = open(&machine);
        set_policy(&file, "");
        let frame = [packet::udp(Way::Out, Ports { local: 7000, remote: 99 }, 10)];
        for (compartment, adapter) in (1..).zip(&adapters) {
            let first = u64::from(compartment) << 32;
            let edge = Edge::new([LOCAL.into()], ProcessMap::default()).with_flows_from(first);
            let mut edge = edge.in_compartment(compartment);
            assert_eq!(edge.outbound(&Interface::from(&**adapter), &frame[0], 1), Verdict::Pass);
            for number in 0..compartment {
                adapter.send(&lists(&frame, u64::from(number)), Call::default());
            }
            adapter.take_events();
            edge.finish();
        }
        // Each compartment has its own flow, which its own adapter's frames belong to.
        let mut found = flows(&file, 7000, 99);
        found.sort_by_key(|flow| flow.compartment);
        let told: Vec<_> = found.iter().map(|flow| (flow.compartment, flow.frames_sent)).collect();
        assert_eq!(told, [(1, 1), (2, 2)]);
        assert_ne!(found[0].id, found[1].id);
        drop(file);
        driver.unload();
        assert!(machine.finish().is_clean());
    });
}
