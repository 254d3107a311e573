//! Promise: what has gone wrong between other filter drivers and NDIS does not go wrong in this one.
//!
//! A test per pitfall that no other test covers; [README](README.md) has the whole list.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ddk::ndis::*;
use lab::ndis::{
    Adapter, Attributes, Behaviour, Beside, Call, Completion, Edge, Giving, List, Piece, RESOURCES, Shape,
    Split,
};
use lab::schedule::{self, Mode};
use support::packet::{self, Ports, Way, flag, lists, shaped};
use support::{boot_with_adapter, list, open, set_policy, status};
use weir_ioctl::{Control, CounterId, FlowEntry};

const LEVELS: [Call; 2] = [Call { dispatch: false, flags: 0 }, Call { dispatch: true, flags: 0 }];
/// One rule for each thing that can become of a frame, by its remote port.
const EVERYTHING: &str = "
[[rule]]
name = 'no'
action = 'block'
remote-port = 1
[[rule]]
name = 'go away'
action = 'reject'
remote-port = 2
[[rule]]
name = 'voice'
action = 'mark'
remote-port = 3
dscp = 'ef'
priority = 5
[[rule]]
name = 'slow'
action = 'rate-limit'
remote-port = 4
rate = '20 packets/s'
burst = '1 packets'
over = 'delay'
max-delay = '0.5 s'
[[rule]]
name = 'both'
action = ['rate-limit', 'mark']
remote-port = 5
rate = '20 packets/s'
burst = '1 packets'
over = 'delay'
max-delay = '0.5 s'
dscp = 10
[[rule]]
name = 'seldom'
action = 'rate-limit'
remote-port = 6
rate = '1 packets/s'
burst = '1 packets'
";

fn ports(remote: u16) -> Ports {
    Ports { local: 40_000, remote }
}

/// One NBL with all of these frames.
fn together<'a>(frames: &'a [Vec<u8>], shape: &Shape) -> List<'a> {
    let pieces = (0..).zip(frames).map(|(tag, bytes)| Piece { bytes, tag }).collect();
    List { pieces, vlan: None, shape: shape.clone() }
}

/// Headers are read by copying bytes, wherever they lie and however they are aligned.
#[test]
fn e09_headers_are_read_at_every_alignment_and_over_every_boundary() {
    lab::child::test("e09_headers_are_read_at_every_alignment_and_over_every_boundary", || {
        lab::ndis::set_poison(true);
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        set_policy(&file, EVERYTHING);
        let (blocked, passed) =
            (packet::tcp(Way::Out, ports(1), flag::ACK, 30), packet::tcp(Way::Out, ports(80), flag::ACK, 30));
        let mut rounds = 0;
        for lead in 0..17 {
            for at in 0..=60 {
                for empty_mdls in [false, true] {
                    let shape = Shape { lead, split: Split::At(vec![at, at + 1]), empty_mdls };
                    let frames = [blocked.clone(), passed.clone()];
                    adapter.send(&shaped(&frames, 0, &shape), LEVELS[at % 2]);
                    let events = adapter.take_events();
                    let wire: Vec<&Vec<u8>> = events.wire.iter().map(|frame| &frame.bytes).collect();
                    assert_eq!(wire, [&passed], "lead {lead}, split at {at}");
                    rounds += 1;
                }
            }
        }
        assert_eq!(status(&file).counter(CounterId::BLOCKED_BY_RULE), rounds);
        assert_eq!(status(&file).counter(CounterId::MALFORMED), 0);
        drop(file);
        driver.unload();
        machine.finish();
    });
}

/// The lab compares offsets, lengths and MDLs of each NBL with what they were when it comes back (N-47), whatever became
/// of it.
#[test]
fn e10_descriptors_come_back_as_they_were_on_every_path() {
    lab::child::test("e10_descriptors_come_back_as_they_were_on_every_path", || {
        lab::ndis::set_poison(true);
        schedule::start(Mode::Deterministic, 0);
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        set_policy(&file, EVERYTHING);
        let shapes = [
            Shape { lead: 16, split: Split::Every(11), empty_mdls: true },
            Shape { lead: 3, split: Split::At(vec![14, 34]), empty_mdls: false },
        ];
        let frames = |way| (0..14).map(|n| packet::tcp(way, ports(n % 7), flag::SYN, 30)).collect::<Vec<_>>();
        let mut sent = 0;
        for (round, shape) in shapes.iter().cycle().take(6).enumerate() {
            let call = LEVELS[round % 2];
            adapter.send(&shaped(&frames(Way::Out), 0, shape), call);
            // Frames with different verdicts in one NBL.
            adapter.send(&[together(&frames(Way::Out)[..4], shape)], call);
            for flags in [0, RESOURCES] {
                adapter.receive(&shaped(&frames(Way::In), 0, shape), Call { flags, ..call });
            }
            sent += 18;
            match round {
                0 | 3 => schedule::sleep(Duration::from_secs(1)),
                1 => adapter.pause(),
                2 => {
                    lab::pool::fail_after(0);
                    adapter.send(&shaped(&frames(Way::Out), 0, shape), call);
                    lab::pool::fail_after(u32::MAX);
                    sent += 14;
                }
                4 => adapter.sleep(false),
                _ => adapter.pause(),
            }
            match round {
                1 | 5 => adapter.restart(Attributes::General).expect("the filter restarts"),
                4 => adapter.wake().expect("the filter restarts"),
                _ => {}
            }
            schedule::sleep(Duration::from_secs(1));
            assert_eq!(adapter.take_events().returned.len(), 28, "round {round}");
        }
        let now = status(&file);
        assert_eq!(now.counter(CounterId::FRAMES_SENT), sent);
        for id in
            [CounterId::REJECTS_SENT, CounterId::MARKED, CounterId::DELAYED, CounterId::BLOCKED_BY_LIMIT]
        {
            assert_ne!(now.counter(id), 0, "{id}");
        }
        adapter.pause();
        drop(file);
        driver.unload();
        machine.finish();
    });
}

/// With LSOv1 the miniport says on completion how many bytes of payload it sent; TCP goes by that.
#[test]
fn e18_what_a_large_send_of_lso_v1_became_is_told() {
    lab::child::test("e18_what_a_large_send_of_lso_v1_became_is_told", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        set_policy(&file, EVERYTHING);
        // The maximum segment, the offset of the TCP header, LSOv1.
        let asked = 1000 | 34 << 20;
        adapter.say_beside(Beside { info: vec![(2, asked)], flags: 0 });
        for remote in [80, 3] {
            // As it is, and as marked copies.
            let frames = [4000, 2500].map(|length| packet::tcp(Way::Out, ports(remote), flag::ACK, length));
            adapter.send(&[together(&frames, &Shape::default())], Call::default());
            adapter.send(&lists(&frames[..1], 7), Call { dispatch: true, flags: 0 });
            let events = adapter.take_events();
            assert!(
                events.wire.len() == 3 && events.wire.iter().all(|frame| frame.beside.info == [(2, asked)])
            );
            assert_eq!(events.large, [(0, 6500), (7, 4000)], "port {remote}");
        }
        // A failed one says nothing that could be taken for an answer.
        adapter.behave(Behaviour { sends: Giving::OnRequest, receives: Giving::AtOnce });
        adapter.send(&lists(&[packet::tcp(Way::Out, ports(3), flag::ACK, 4000)], 0), Call::default());
        adapter.fail_sends(NDIS_STATUS_FAILURE);
        let events = adapter.take_events();
        assert_eq!((events.large.len(), &events.completed[..]), (0, &[(0, NDIS_STATUS_FAILURE)][..]));
        // LSOv2 has no answer: the request comes back as it was, with the copies' original too.
        adapter.behave(Behaviour::default());
        adapter.say_beside(Beside { info: vec![(2, asked | 1 << 30)], flags: 0 });
        for remote in [80, 3] {
            adapter
                .send(&lists(&[packet::tcp(Way::Out, ports(remote), flag::ACK, 4000)], 0), Call::default());
            assert_eq!(adapter.take_events().large, [(0, asked | 1 << 30)]);
        }
        drop(file);
        driver.unload();
        machine.finish();
    });
}

/// Times of flows come from the system's clock and never go back, whatever the adapter does in between.
#[test]
fn e22_times_are_those_of_one_clock() {
    lab::child::test("e22_times_are_those_of_one_clock", || {
        schedule::start(Mode::Deterministic, 0);
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        let started = status(&file).started;
        let frames = [packet::udp(Way::Out, ports(80), 20)];
        let (mut last, mut first) = (started, None);
        for round in 0..6 {
            // A timestamp of the network card says nothing about Weir's clock.
            adapter.say_beside(Beside { info: vec![(26, usize::MAX - round)], flags: 0 });
            adapter.send(&lists(&frames, 0), Call::default());
            let flow = list::<FlowEntry>(&file, Control::LIST_FLOWS, 8)[0];
            assert!(flow.last_seen > last, "a second later");
            assert!(
                flow.last_seen - started < 60 * 10_000_000,
                "in units of 100 ns, and not those of the card"
            );
            assert_eq!(flow.first_seen, *first.get_or_insert(flow.first_seen));
            last = flow.last_seen;
            schedule::sleep(Duration::from_secs(1));
            match round % 3 {
                0 => {
                    adapter.pause();
                    adapter.restart(Attributes::None).expect("the filter restarts");
                }
                1 => {
                    adapter.sleep(true);
                    adapter.wake().expect("the filter restarts");
                }
                _ => {}
            }
        }
        drop(file);
        driver.unload();
        machine.finish();
    });
}

/// Protocols send from inside an indication and from inside a completion; the lab reports a lock that is held across a
/// call of NDIS (G-13, G-12) and a stack that is used up.
#[test]
fn e29_the_stack_above_may_call_back_on_the_same_stack() {
    lab::child::test("e29_the_stack_above_may_call_back_on_the_same_stack", || {
        lab::ndis::set_poison(true);
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        set_policy(&file, EVERYTHING);
        let depth = Arc::new(AtomicUsize::new(0));
        let calls = Arc::new(AtomicUsize::new(0));
        let (inside, made) = (depth.clone(), calls.clone());
        adapter.when(move |adapter: &Adapter, edge| {
            // Eight calls deep: a frame comes, its answer goes out, its completion sends the next one, and so on.
            if inside.fetch_add(1, Ordering::Relaxed) < 8 {
                let n = made.fetch_add(1, Ordering::Relaxed);
                let frames: Vec<_> = (0..7).map(|n| packet::tcp(Way::Out, ports(n), flag::SYN, 20)).collect();
                let call = Call { dispatch: lab::cpu::irql() == lab::cpu::DISPATCH, flags: 0 };
                match edge {
                    Edge::Received => adapter.send(&lists(&frames[n % 7..][..1], 0), call),
                    Edge::Completed => {
                        adapter.receive(&lists(&[packet::tcp(Way::In, ports(80), flag::ACK, 20)], 0), call)
                    }
                }
            }
            inside.fetch_sub(1, Ordering::Relaxed);
        });
        for call in LEVELS {
            for n in 0..7 {
                adapter.send(&lists(&[packet::tcp(Way::Out, ports(n), flag::SYN, 20)], 0), call);
                for flags in [0, RESOURCES] {
                    adapter.receive(
                        &lists(&[packet::tcp(Way::In, ports(n), flag::SYN, 20)], 0),
                        Call { flags, ..call },
                    );
                }
            }
        }
        assert!(calls.load(Ordering::Relaxed) > 100, "{} calls", calls.load(Ordering::Relaxed));
        adapter.when(|_, _| {});
        adapter.pause();
        drop(file);
        driver.unload();
        machine.finish();
    });
}

/// What the driver asks of Windows for a chain grows no faster than the chain, with each thing that can become of a frame.
#[test]
fn e30_work_grows_with_the_chain_and_not_faster() {
    lab::child::test("e30_work_grows_with_the_chain_and_not_faster", || {
        schedule::start(Mode::Deterministic, 0);
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        set_policy(&file, EVERYTHING);
        for (remote, way) in (0..7).flat_map(|remote| [(remote, Way::Out), (remote, Way::In)]) {
            let calls = |count: usize| {
                let frames = vec![packet::udp(way, ports(remote), 20); count];
                let before = lab::trace::calls();
                match way {
                    Way::Out => adapter.send(&lists(&frames, 0), Call { dispatch: true, flags: 0 }),
                    Way::In => adapter.receive(&lists(&frames, 0), Call { dispatch: true, flags: 0 }),
                }
                let calls = lab::trace::calls() - before;
                schedule::sleep(Duration::from_secs(3));
                adapter.take_events();
                calls
            };
            let (few, many) = (calls(100), calls(1_000));
            assert!(many <= 10 * few + 100, "port {remote}, {way:?}: {few} calls for 100, {many} for 1000");
        }
        adapter.pause();
        drop(file);
        driver.unload();
        machine.finish();
    });
}

/// Which entry points there are: see "Entry points" in docs/architecture.md.
#[test]
fn e43_entry_points_are_those_that_have_something_to_do() {
    lab::child::test("e43_entry_points_are_those_that_have_something_to_do", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let filter = lab::ndis::driver::all().pop().expect("the driver registered a filter");
        // The data handlers come with FilterSetModuleOptions.
        assert_eq!(
            filter.entry_points(),
            [
                "FilterSetModuleOptions",
                "FilterAttach",
                "FilterDetach",
                "FilterRestart",
                "FilterPause",
                "FilterOidRequest",
                "FilterOidRequestComplete",
                "FilterCancelOidRequest",
                "FilterDirectOidRequest",
                "FilterDirectOidRequestComplete",
                "FilterCancelDirectOidRequest",
                "FilterStatus",
                "FilterDevicePnPEventNotify",
                "FilterNetPnPEvent",
            ]
        );
        assert_eq!(filter.modules()[0].data_handlers(), lab::ndis::DataHandlers::ALL);
        // A synchronous request goes by, in every state of the module, without a call of the driver.
        adapter.set_oid_value(OID_GEN_RSS_SET_INDIRECTION_TABLE_ENTRIES, vec![1, 2, 3, 4]);
        for running in [true, false] {
            let before = lab::trace::calls();
            let answer = adapter.query_synchronous(OID_GEN_RSS_SET_INDIRECTION_TABLE_ENTRIES, 4);
            assert_eq!((answer.status, answer.buffer), (NDIS_STATUS_SUCCESS, vec![1, 2, 3, 4]));
            assert_eq!(lab::trace::calls(), before);
            if running {
                adapter.pause();
            }
        }
        driver.unload();
        machine.finish();
    });
}

/// In a whole life, with everything that it does, the driver asks an adapter for nothing.
#[test]
fn e45_the_driver_has_no_requests_of_its_own() {
    lab::child::test("e45_the_driver_has_no_requests_of_its_own", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = requests.clone();
        adapter.answer_oids(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            NDIS_STATUS_NOT_SUPPORTED
        });
        let filter = lab::ndis::driver::all().pop().expect("the driver registered a filter");
        let file = open(&machine);
        for policy in [EVERYTHING, "", EVERYTHING] {
            set_policy(&file, policy);
            for way in [Way::Out, Way::In] {
                let frames: Vec<_> = (0..10).map(|n| packet::udp(way, ports(n), 20)).collect();
                adapter.send(&lists(&frames, 0), Call::default());
                adapter.receive(&lists(&frames, 0), Call::default());
            }
            adapter.indicate_link(false);
            adapter.indicate_status(NDIS_STATUS_TASK_OFFLOAD_CURRENT_CONFIG, &[0; 40]);
            adapter.net_event(NetEventFilterPreDetach);
            adapter.pause();
            adapter.detach();
            adapter.attach(&filter).expect("the filter attaches");
            adapter.restart(Attributes::General).expect("the filter restarts");
        }
        assert_eq!(requests.load(Ordering::Relaxed), 0);
        adapter.query(OID_GEN_MAXIMUM_FRAME_SIZE, 4);
        assert_eq!(requests.load(Ordering::Relaxed), 1, "others' are counted");
        drop(file);
        driver.unload();
        machine.finish();
    });
}

/// Requests without a buffer, with buffers that are too short, and with lengths that lie, also for the OIDs whose contents
/// the driver looks at.
#[test]
fn e46_malformed_requests_pass_and_harm_nobody() {
    lab::child::test("e46_malformed_requests_pass_and_harm_nobody", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        let oids = [OID_802_3_CURRENT_ADDRESS, OID_GEN_MAXIMUM_FRAME_SIZE, OID_PNP_SET_POWER, 0, 0xFFFF_FFFF];
        let kinds = [NdisRequestQueryInformation, NdisRequestSetInformation, NdisRequestQueryStatistics];
        let seen = Arc::new(AtomicUsize::new(0));
        let counted = seen.clone();
        adapter.answer_oids(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            NDIS_STATUS_SUCCESS
        });
        let mut issued = 0;
        for completion in [Completion::Inline, Completion::BeforeReturn, Completion::AfterReturn] {
            adapter.complete_oids(completion, None);
            for oid in oids {
                for kind in kinds {
                    for length in [0, 1, 3, 4, 6, 4096] {
                        let answer = adapter.request_without_buffer(kind, oid, length);
                        assert_eq!(answer.status, NDIS_STATUS_SUCCESS);
                        issued += 1;
                    }
                }
                for length in 0..5 {
                    assert_eq!(adapter.set(oid, &vec![0xFF; length]).status, NDIS_STATUS_SUCCESS);
                    assert_eq!(adapter.query(oid, length).status, NDIS_STATUS_SUCCESS);
                    issued += 2;
                }
            }
        }
        assert_eq!(seen.load(Ordering::Relaxed), issued, "each came to the miniport");
        // What was short or missing was not taken for an address, a size or a state.
        let entry = list::<weir_ioctl::AdapterEntry>(&file, Control::ADAPTERS, 8)[0];
        assert_eq!((entry.mtu, &entry.mac[..6]), (1500, &adapter.config().mac[..]));
        drop(file);
        driver.unload();
        machine.finish();
    });
}
