//! Promise: the driver shares a machine with other callout drivers: what either blocks is blocked, what both permit
//! passes, a veto counts, and neither decides about what the other has injected for ever.
//!
//! The other driver is WinDivert in a shipped release, which comes from PyPI with pip and is not kept.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod support;
#[path = "../crates/lab/tests/windivert_release/mod.rs"]
mod windivert_release;

use std::sync::Arc;

use ddk::fwp::*;
use lab::edge::{Edge, Interface, ProcessMap, Verdict};
use lab::ndis::{Adapter, Attributes, Call, Config};
use lab::wdf::{File, Who};
use lab::{Machine, Options, child, fwp};
use support::packet::{self, LOCAL, Ports, Way, lists};
use support::{open, set_policy, status};
use weir_ioctl::CounterId;
use windivert_release::{One, Protocol, Release, Two, V1, V2, driver};

const NOTHING: &str = "";
const BLOCK_DNS: &str = "[[rule]]\nname = \"dns\"\naction = \"block\"\nremote-port = 53\n";
const CONNECT: Verdict = Verdict::Blocked("ALE_AUTH_CONNECT");
const DIVERTED: Verdict = Verdict::Blocked("OUTBOUND_IPPACKET");

/// A machine with both drivers, TCP/IP above and an adapter below.
struct Site<'a> {
    machine: &'a Machine,
    weir: &'a File,
    edge: Edge,
    adapter: Arc<Adapter>,
    port: u16,
}

impl Site<'_> {
    fn frame(&mut self, way: Way, remote: u16) -> Vec<u8> {
        self.port += 1;
        let mut frame = packet::udp(way, Ports { local: self.port, remote }, 20);
        // Whatever is injected has a right checksum.
        frame[24..26].fill(0);
        let words = frame[14..34].chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])));
        let sum: u32 = words.sum();
        let folded = (sum & 0xffff) + (sum >> 16);
        frame[24..26].copy_from_slice(&(!(folded as u16)).to_be_bytes());
        frame
    }

    fn sends(&mut self, frame: &[u8]) -> Verdict {
        let verdict = self.edge.outbound(&Interface::from(&*self.adapter), frame, 1);
        if verdict == Verdict::Pass {
            self.adapter.send(&lists(&[frame.to_vec()], 1), Call::default());
        }
        verdict
    }

    /// What the adapter received and the filter let through goes up.
    fn receives(&mut self, frame: &[u8]) -> Option<Verdict> {
        self.adapter.receive(&lists(&[frame.to_vec()], 1), Call { dispatch: true, flags: 0 });
        let delivered = self.adapter.take_events().delivered.len() == 1;
        delivered.then(|| self.edge.inbound(&Interface::from(&*self.adapter), frame, 1))
    }

    /// Sends what drivers have injected, if any; how many frames that were.
    fn send_injected(&mut self) -> usize {
        self.edge.pump();
        let emitted = self.edge.take_emitted();
        for emitted in emitted.iter().filter(|emitted| emitted.outbound) {
            self.adapter.send(&lists(std::slice::from_ref(&emitted.frame), 1), Call::default());
        }
        emitted.len()
    }

    fn on_the_wire(&self) -> usize {
        self.adapter.take_events().wire.len()
    }

    fn divert<P: Protocol>(&self) -> File {
        let file = self.machine.open(P::DEVICE, Who::System).expect("the device opens");
        P::start(&file);
        file
    }
}

fn both(test: &str, release: &Release, body: impl FnOnce(&mut Site<'_>)) {
    if !child::is_child() {
        driver(release);
    }
    let exit = child::run(test, || {
        let options = Options { integrity: false, excused: release.breaks, ..Options::default() };
        let machine = Machine::new(options);
        let adapter = Adapter::new(Config::default());
        let mut other = machine.load_driver_as(driver(release), "WinDivert").expect("the image loads");
        other.start().expect("WinDivert starts");
        let mut weir = support::start(&machine);
        adapter.restart(Attributes::General).expect("the filter restarts");
        let file = open(&machine);
        let edge = Edge::new([LOCAL.into()], ProcessMap::default());
        let mut site = Site { machine: &machine, weir: &file, edge, adapter, port: 20_000 };
        body(&mut site);
        site.edge.finish();
        drop(site);
        lab::ntoskrnl::work::flush();
        drop(file);
        // Whoever came first goes first, so that each was alone once.
        other.unload();
        weir.unload();
        let report = machine.finish();
        assert!(report.leaks.is_empty(), "{:?}", report.leaks);
        println!("both have lived");
    });
    if !child::is_child() {
        exit.assert_clean();
        assert!(exit.log.contains("both have lived"), "{}", exit.log);
    }
}

/// A packet that both permit goes through both, once.
fn permitted_by_both<P: Protocol>(site: &mut Site<'_>) {
    set_policy(site.weir, BLOCK_DNS);
    let file = site.divert::<P>();
    let frame = site.frame(Way::Out, 80);
    assert_eq!(site.sends(&frame), DIVERTED);
    let mut address = vec![0u8; 4096];
    let packet = P::receive(&file, &mut address);
    assert_eq!(packet, frame[14..]);
    assert_eq!(P::send(&file, &address, &packet), 0);
    assert_eq!((site.send_injected(), site.on_the_wire()), (1, 1));
    // A received one, on its way up.
    let frame = site.frame(Way::In, 9);
    assert_eq!(site.receives(&frame), Some(Verdict::Blocked("INBOUND_IPPACKET")));
    let packet = P::receive(&file, &mut address);
    assert_eq!(packet, frame[14..]);
    assert_eq!(P::send(&file, &address, &packet), 0);
    assert_eq!(site.send_injected(), 1, "it is delivered");
    assert_eq!(site.on_the_wire(), 0);
    let now = status(site.weir);
    assert_eq!((now.permitted(), now.blocked()), (2, 0));
    P::stop(&file);
}

#[test]
fn permitted_by_both_passes_with_1_3() {
    both("permitted_by_both_passes_with_1_3", &V1, permitted_by_both::<One>);
}

#[test]
fn permitted_by_both_passes_with_2_2() {
    both("permitted_by_both_passes_with_2_2", &V2, permitted_by_both::<Two>);
}

#[test]
fn what_weir_blocks_the_other_does_not_see() {
    both("what_weir_blocks_the_other_does_not_see", &V2, |site| {
        set_policy(site.weir, BLOCK_DNS);
        let file = site.divert::<Two>();
        let frame = site.frame(Way::Out, 53);
        assert_eq!(site.sends(&frame), CONNECT);
        // Received frames are blocked below TCP/IP.
        let frame = site.frame(Way::In, 53);
        assert_eq!(site.receives(&frame), None);
        assert_eq!(site.on_the_wire(), 0);
        // A flow that was permitted, whose packet the other has: the policy changes, and the filter takes it.
        let frame = site.frame(Way::Out, 80);
        assert_eq!(site.sends(&frame), DIVERTED);
        let mut address = vec![0u8; 4096];
        let packet = Two::receive(&file, &mut address);
        set_policy(site.weir, "[[rule]]\nname = \"web\"\naction = \"block\"\nremote-port = 80\n");
        assert_eq!(Two::send(&file, &address, &packet), 0);
        assert_eq!((site.send_injected(), site.on_the_wire()), (1, 0));
        // Its queue is empty: it saw this one packet only.
        Two::stop(&file);
    });
}

#[test]
fn what_the_other_blocks_is_blocked() {
    both("what_the_other_blocks_is_blocked", &V2, |site| {
        set_policy(site.weir, NOTHING);
        let file = site.divert::<Two>();
        for _ in 0..3 {
            let frame = site.frame(Way::Out, 80);
            assert_eq!(site.sends(&frame), DIVERTED);
        }
        // Nobody sends them again.
        assert_eq!((site.send_injected(), site.on_the_wire()), (0, 0));
        assert_eq!(status(site.weir).counter(CounterId::AUTHORIZATIONS), 3);
        Two::shut_down(&file);
        drop(file);
        // At its end it lets go what nobody has taken.
        lab::ntoskrnl::work::flush();
        assert_eq!((site.send_injected(), site.on_the_wire()), (3, 3));
        // As a firewall of sockets, where both have a callout at the same layer: it blocks connects and binds.
        let file = site.machine.open(Two::DEVICE, Who::System).expect("the device opens");
        const RECEIVE_ONLY: u64 = 4;
        Two::start_layer(&file, Two::SOCKET, RECEIVE_ONLY);
        let frame = site.frame(Way::Out, 80);
        assert!(matches!(site.sends(&frame), Verdict::Blocked(_)));
        assert_eq!((site.send_injected(), site.on_the_wire()), (0, 0));
        Two::shut_down(&file);
        drop(file);
        let frame = site.frame(Way::Out, 80);
        assert_eq!((site.sends(&frame), site.on_the_wire()), (Verdict::Pass, 1), "alone again");
    });
}

#[test]
fn a_veto_counts_whoever_permits_hard() {
    both("a_veto_counts_whoever_permits_hard", &V2, |site| {
        set_policy(site.weir, BLOCK_DNS);
        // The other looks on at the same layer.
        let file = site.machine.open(Two::DEVICE, Who::System).expect("the device opens");
        Two::start_layer(&file, Two::SOCKET, Two::LOOK_ON);
        // A third party permits everything, for good, above both.
        let name = [u16::from(b't'), 0];
        let display =
            FWPM_DISPLAY_DATA0 { name: name.as_ptr().cast_mut(), description: std::ptr::null_mut() };
        let mut engine = std::ptr::null_mut();
        // SAFETY: the functions called are the lab's exports, whose contracts the test keeps.
        unsafe {
            let mut session: FWPM_SESSION0 = std::mem::zeroed();
            session.flags = FWPM_SESSION_FLAG_DYNAMIC;
            let (server, identity) = (std::ptr::null(), std::ptr::null_mut());
            let status =
                fwp::exports::FwpmEngineOpen0(server, 10, identity, &raw const session, &raw mut engine);
            assert_eq!(status, 0);
            let mut sublayer: FWPM_SUBLAYER0 = std::mem::zeroed();
            sublayer.subLayerKey = ddk::guid(0x7701);
            sublayer.displayData = display;
            sublayer.weight = u16::MAX;
            let null = std::ptr::null_mut();
            assert_eq!(fwp::exports::FwpmSubLayerAdd0(engine, &raw const sublayer, null), 0);
            let mut filter: FWPM_FILTER0 = std::mem::zeroed();
            filter.displayData = display;
            filter.layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4;
            filter.subLayerKey = sublayer.subLayerKey;
            filter.action.r#type = FWP_ACTION_PERMIT;
            filter.flags = FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT;
            let added = fwp::exports::FwpmFilterAdd0(engine, &raw const filter, null, std::ptr::null_mut());
            assert_eq!(added, 0);
        }
        let frame = site.frame(Way::Out, 53);
        assert_eq!(site.sends(&frame), CONNECT, "Weir's veto");
        let frame = site.frame(Way::Out, 80);
        assert_eq!((site.sends(&frame), site.on_the_wire()), (Verdict::Pass, 1));
        // SAFETY: as above.
        assert_eq!(unsafe { fwp::exports::FwpmEngineClose0(engine) }, 0);
        Two::shut_down(&file);
        let told = std::iter::from_fn(|| Two::next_event(&file)).count();
        assert!(told >= 2, "the other was told of both: {told}");
    });
}

#[test]
fn both_inject_and_nothing_goes_round() {
    both("both_inject_and_nothing_goes_round", &V2, |site| {
        // Weir sends marked copies and answers what it rejects; the other takes every packet aside and sends it again.
        set_policy(
            site.weir,
            "[[rule]]\nname = \"no\"\naction = \"reject\"\nremote-port = 53\n\
             [[rule]]\nname = \"marked\"\naction = \"mark\"\ndscp = 10\nprotocol = \"udp\"\n",
        );
        let file = site.divert::<Two>();
        let mut address = vec![0u8; 4096];
        for number in 1..=20 {
            let frame = site.frame(Way::Out, 80);
            assert_eq!(site.sends(&frame), DIVERTED);
            let packet = Two::receive(&file, &mut address);
            assert_eq!(Two::send(&file, &address, &packet), 0);
            assert_eq!((site.send_injected(), site.on_the_wire()), (1, 1), "packet {number}");
            // Rejected on receipt: one answer, which goes past TCP/IP and the other.
            let frame = site.frame(Way::In, 53);
            site.adapter.receive(&lists(&[frame], 1), Call { dispatch: true, flags: 0 });
            let events = site.adapter.take_events();
            assert!(events.wire.len() <= 1 && events.delivered.is_empty(), "packet {number}");
        }
        Two::stop(&file);
    });
}
