//! Promise: what has gone wrong in other filter drivers does not go wrong in this one.
//!
//! A test per pitfall that no other test covers; [README](README.md) has the whole list.

mod support;

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::Duration;

use ddk::ndis::{NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS, NdisMediumIP, NdisMediumTunnel, NdisMediumWan};
use lab::edge::packet::Medium;
use lab::ndis::{Adapter, AttachTime, Attributes, Beside, Call, Config, List, Piece, RESOURCES, Shape};
use lab::schedule::{self, Mode};
use lab::{Machine, Options};
use support::packet::{self, Ports, Way, flag, lists};
use support::{boot_with_adapter, driver_image, list, load, open, set_policy, start, status};
use weir_core::wire::{self, Source};
use weir_ioctl::{AdapterEntry, AdapterState, Control, CounterId, FlowEntry};

const LEVELS: [Call; 2] = [Call { dispatch: false, flags: 0 }, Call { dispatch: true, flags: 0 }];
/// Blocks odd remote ports below ten.
const ODD: &str = "[[rule]]\nname = \"odd\"\naction = \"block\"\nremote-port = [1, 3, 5, 7, 9]\n";

fn ports(remote: u16) -> Ports {
    Ports { local: 40_000, remote }
}

/// Datagrams of the remote ports 0 to 9.
fn ten(way: Way) -> Vec<Vec<u8>> {
    (0..10).map(|remote| packet::udp(way, ports(remote), 20)).collect()
}

fn entries(file: &lab::wdf::File) -> Vec<AdapterEntry> {
    list::<AdapterEntry>(file, Control::ADAPTERS, 8)
}

/// One NBL with all of these frames.
fn together(frames: &[Vec<u8>]) -> List<'_> {
    let pieces = (0..).zip(frames).map(|(tag, bytes)| Piece { bytes, tag }).collect();
    List { pieces, vlan: None, shape: Shape::default() }
}

#[test]
fn e01_e02_e14_a_borrowed_chain_goes_back_whole_whatever_is_blocked_of_it() {
    lab::child::test("e01_e02_e14_a_borrowed_chain_goes_back_whole_whatever_is_blocked_of_it", || {
        lab::ndis::set_poison(true);
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        set_policy(&file, ODD);
        // The lab checks links, order and contents of what was lent when the handler returns.
        for blocked in
            [&[][..], &[0], &[9], &[0, 9], &[4, 5], &[0, 2, 4, 6, 8], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]
        {
            let remote = |index: u16| if blocked.contains(&index) { 1 } else { 100 + index };
            let frames: Vec<_> =
                (0..10).map(|index| packet::udp(Way::In, ports(remote(index)), 20)).collect();
            for call in LEVELS {
                adapter.receive(&lists(&frames, 0), Call { flags: RESOURCES, ..call });
                let events = adapter.take_events();
                let passed: Vec<u16> =
                    events.delivered.iter().filter_map(|frame| Some(frame.tag? as u16)).collect();
                assert!(passed.iter().copied().eq((0..10).filter(|index| !blocked.contains(index))));
                assert!(events.delivered.iter().all(|frame| frame.flags & RESOURCES != 0));
                assert!(events.returned.iter().copied().eq(0..10));
            }
        }
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn e03_what_is_dropped_is_completed_or_returned() {
    lab::child::test("e03_what_is_dropped_is_completed_or_returned", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        set_policy(&file, ODD);
        for call in LEVELS {
            adapter.send(&lists(&ten(Way::Out), 0), call);
            adapter.receive(&lists(&ten(Way::In), 0), call);
            let mut events = adapter.take_events();
            assert_eq!((events.wire.len(), events.delivered.len()), (5, 5));
            events.completed.sort_unstable();
            events.returned.sort_unstable();
            for (tag, status) in &events.completed {
                let expected = if tag % 2 == 1 { NDIS_STATUS_FAILURE } else { NDIS_STATUS_SUCCESS };
                assert_eq!(*status, expected, "frame {tag}");
            }
            assert_eq!(events.completed.len(), 10);
            assert!(events.returned.iter().copied().eq(0..10));
        }
        // Nothing is left for a pause to wait for.
        adapter.pause();
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn e04_every_nb_of_every_nbl_is_seen() {
    lab::child::test("e04_every_nb_of_every_nbl_is_seen", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        set_policy(&file, ODD);
        let even: Vec<_> =
            (0..10).step_by(2).map(|remote| packet::udp(Way::Out, ports(remote), 20)).collect();
        adapter.send(&[together(&even), together(&even[..3])], Call::default());
        assert_eq!(adapter.take_events().wire.len(), 8);
        assert_eq!(status(&file).counter(CounterId::FRAMES_SENT), 8);
        // Whichever of its frames is to be blocked, the others go on, in copies, and the NBL is complete when these are.
        for place in 0..=even.len() {
            let mut frames = even.clone();
            frames.insert(place, packet::udp(Way::Out, ports(7), 20));
            adapter.send(&[together(&frames), together(&even)], Call { dispatch: true, flags: 0 });
            let events = adapter.take_events();
            assert_eq!((events.wire.len(), events.completed.len()), (10, 11), "place {place}");
            let copies: Vec<&Vec<u8>> =
                events.wire.iter().filter(|frame| frame.tag.is_none()).map(|frame| &frame.bytes).collect();
            assert!(copies.into_iter().eq(&even), "place {place}");
        }
        let now = status(&file);
        assert_eq!(now.counter(CounterId::FRAMES_SENT), 8 + 6 * 11);
        assert_eq!((now.counter(CounterId::BLOCKED_BY_RULE), now.permitted()), (6, 8 + 6 * 10));
        assert_eq!(entries(&file)[0].frames_blocked, 6);
        // Without memory for copies, and with more frames than can be told apart, it is dropped as a whole.
        let mut frames = even.clone();
        frames.push(packet::udp(Way::Out, ports(7), 20));
        lab::pool::fail_after(0);
        adapter.send(&[together(&frames)], Call::default());
        lab::pool::fail_after(u32::MAX);
        frames.extend(vec![even[0].clone(); 60]);
        adapter.send(&[together(&frames)], Call::default());
        let events = adapter.take_events();
        assert_eq!((events.wire.len(), events.completed.len()), (0, 6 + 66));
        assert!(events.completed.iter().all(|(_, status)| *status == NDIS_STATUS_FAILURE));
        // All of many pass as they are.
        let many = vec![even[0].clone(); 200];
        adapter.send(&[together(&many)], Call::default());
        assert!(adapter.take_events().wire.iter().map(|frame| frame.tag).eq((0..200).map(Some)));
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn e06_what_cannot_be_mapped_is_decided_by_the_failure_setting() {
    lab::child::test("e06_what_cannot_be_mapped_is_decided_by_the_failure_setting", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        lab::ndis::set_unmapped(true);
        let frame = [packet::udp(Way::Out, ports(2), 20)];
        for (failure, passed) in [("open", 1), ("closed", 0)] {
            set_policy(&file, &format!("[defaults]\nfailure = \"{failure}\"\n"));
            let before = status(&file).counter(CounterId::MALFORMED);
            lab::pool::fail_after(0);
            adapter.send(&lists(&frame, 0), Call::default());
            lab::pool::fail_after(u32::MAX);
            let events = adapter.take_events();
            assert_eq!((events.wire.len(), events.completed.len()), (passed, 1), "failure = {failure}");
            assert_eq!(status(&file).counter(CounterId::MALFORMED), before + 1);
            adapter.send(&lists(&frame, 0), Call::default());
            assert_eq!(adapter.take_events().wire.len(), 1, "a frame that can be mapped");
        }
        lab::ndis::set_unmapped(false);
        drop(file);
        driver.unload();
        machine.finish();
    });
}

/// Counts how often each byte is read.
struct Watched<'a>(&'a [u8], RefCell<Vec<u32>>);

impl Source for Watched<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn read<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        let bytes = self.0.get(offset..offset.checked_add(N)?)?;
        self.1.borrow_mut()[offset..offset + N].iter_mut().for_each(|count| *count += 1);
        bytes.try_into().ok()
    }
}

#[test]
fn e08_no_byte_of_a_frame_is_read_twice() {
    let mut frames: Vec<Vec<u8>> = ten(Way::Out);
    frames.push(packet::tcp(Way::In, ports(80), flag::SYN | flag::ACK, 40));
    for path in support::captures::paths() {
        let capture = support::captures::Recorded::load(&path).capture;
        let ethernet = capture.interfaces.iter().all(|one| !one.link_type.is_raw_ip());
        frames.extend(capture.frames.into_iter().filter(|_| ethernet).take(300).map(|frame| frame.data));
    }
    assert!(frames.len() > 500, "{} frames", frames.len());
    for frame in &frames {
        let source = Watched(frame, RefCell::new(vec![0; frame.len()]));
        let _parsed = wire::parse(wire::Medium::Ethernet, &source, None);
        let counts = source.1.into_inner();
        let twice = counts.iter().position(|count| *count > 1);
        assert_eq!(twice, None, "byte read again of {frame:02x?}");
    }
}

#[test]
fn e09_e10_e45_functions_with_duties_that_the_driver_does_not_take_on() {
    let image = std::fs::read(driver_image()).expect("the image is readable");
    let has = |name: &str| image.windows(name.len()).any(|window| window == name.as_bytes());
    assert!(has("NdisFSendNetBufferLists"), "import names are found like this");
    // No alignment or storage rules, nothing to balance, no request of its own that could outlive the module.
    for name in [
        "NdisGetDataBuffer",
        "NdisAdvanceNetBuffer",
        "NdisRetreatNetBuffer",
        "NdisFSynchronousOidRequest",
        "NdisWaitEvent",
    ] {
        assert!(!has(name), "{name} is imported: the list in README.md says that it is not");
    }
}

#[test]
fn e15_e18_e21_e22_e23_what_is_said_beside_a_frame_passes_untouched() {
    lab::child::test("e15_e18_e21_e22_e23_what_is_said_beside_a_frame_passes_untouched", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        // Every slot but those of the tag, of cancellation and of WFP; on the way back the lab checks them too.
        let slots = (0..27).filter(|slot| ![4, 5, 10].contains(slot));
        let info: Vec<(usize, usize)> = slots.map(|slot| (slot, 0x1_0000_0001 * (slot + 1))).collect();
        for flags in [0x200 | 0x800, 0x400 | 0x1000, 0x8000 | 0x200, 0x1 | 0x2 | 0x100, 0x2000, 0x4000] {
            let beside = Beside { info: info.clone(), flags };
            adapter.say_beside(beside.clone());
            for call in LEVELS {
                adapter.send(&lists(&ten(Way::Out), 0), call);
                adapter.receive(&lists(&ten(Way::In), 0), call);
                adapter.receive(&lists(&ten(Way::In), 0), Call { flags: RESOURCES, ..call });
                let events = adapter.take_events();
                assert_eq!((events.wire.len(), events.delivered.len()), (10, 20));
                assert!(
                    events.wire.iter().all(|frame| frame.beside == beside),
                    "{:x?}",
                    events.wire[0].beside
                );
                assert!(events.delivered.iter().all(|frame| frame.beside == beside));
            }
        }
        driver.unload();
        machine.finish();
    });
}

#[test]
fn e16_the_tag_beside_the_frame_is_seen_and_stays_there() {
    lab::child::test("e16_the_tag_beside_the_frame_is_seen_and_stays_there", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        let frame = packet::udp(Way::Out, ports(2), 1472);
        assert_eq!(frame.len(), 1514, "the longest frame, which has no room for a tag");
        // VLAN and priority, priority alone, VLAN alone.
        for (tci, round) in [0xA064, 0xE000, 0x0FFE].into_iter().zip(1..) {
            let list = List {
                pieces: vec![Piece { bytes: &frame, tag: 0 }],
                vlan: Some(tci),
                shape: Shape::default(),
            };
            adapter.send(&[list], Call::default());
            let sent = adapter.take_events().wire;
            assert_eq!((sent[0].vlan, &sent[0].bytes), (Some(tci), &frame));
            let now = status(&file);
            assert_eq!(now.counter(CounterId::VLAN), round);
            assert_eq!(now.counter(CounterId::BYTES_SENT), round * 1518, "with the four bytes of the tag");
        }
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn e17_e19_packets_on_the_wire_are_counted_beside_frames() {
    lab::child::test("e17_e19_packets_on_the_wire_are_counted_beside_frames", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        let tcp = packet::tcp(Way::Out, ports(80), flag::ACK, 4000);
        let mut zero_length = tcp.clone();
        zero_length[16..18].fill(0);
        let (udp, short) = (packet::udp(Way::Out, ports(443), 2400), vec![0xFF; 40]);
        let large = |mss: usize, offset: usize| mss | offset << 20;
        // Slot, value, frame, packets. TCP headers begin after 34 bytes, and are 20 bytes long.
        let sends: [(usize, usize, &[u8], u64); 8] = [
            (2, large(1460, 34) | 1 << 30, &tcp, 3),
            (2, large(4000, 34), &tcp, 1),
            (2, large(3999, 34), &tcp, 2),
            (2, large(1, 34), &tcp, 4000),
            (2, large(1460, 34) | 1 << 30, &zero_length, 3),
            (22, large(1200, 34), &udp, 2),
            // The headers lie beyond the frame.
            (2, large(100, 1000), &short, 1),
            (22, large(100, 1000), &short, 1),
        ];
        let mut expected = (0, 0);
        for (slot, value, frame, packets) in sends {
            adapter.say_beside(Beside { info: vec![(slot, value)], flags: 0 });
            adapter.send(&lists(&[frame.to_vec()], 0), Call::default());
            let sent = adapter.take_events().wire;
            assert_eq!(sent[0].beside.info, [(slot, value)]);
            expected = (expected.0 + 1, expected.1 + packets);
            let now = entries(&file)[0];
            assert_eq!((now.frames_sent, now.segments_sent), expected, "slot {slot}, {value:#x}");
        }
        // Coalesced TCP segments with duplicate acknowledgements, coalesced datagrams with their size, and none.
        let into = packet::tcp(Way::In, ports(80), flag::ACK, 4000);
        let mut expected = (0, 0);
        for (info, packets) in [(vec![(22, 0x0002_0003)], 3), (vec![(17, 0x04B0_0002)], 2), (vec![], 1)] {
            adapter.say_beside(Beside { info, flags: 0 });
            for flags in [0, RESOURCES] {
                adapter.receive(&lists(std::slice::from_ref(&into), 0), Call { dispatch: false, flags });
                expected = (expected.0 + 1, expected.1 + packets);
                let now = entries(&file)[0];
                assert_eq!((now.frames_received, now.segments_received), expected);
            }
        }
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn e24_the_newest_version_that_both_know_is_registered() {
    for (minor, registered) in
        [(30, 30), (40, 40), (50, 50), (80, 80), (85, 85), (87, 87), (89, 89), (90, 89)]
    {
        lab::child::test(&format!("e24_the_newest_version_that_both_know_is_registered#{minor}"), || {
            lab::ndis::driver::set_version(6, minor);
            let (machine, mut driver, adapter) = boot_with_adapter();
            let filter = lab::ndis::driver::all().pop().expect("the driver registered a filter");
            assert_eq!(filter.ndis_version(), (6, registered));
            adapter.send(&lists(&ten(Way::Out), 0), Call::default());
            assert_eq!(adapter.take_events().wire.len(), 10);
            driver.unload();
            machine.finish();
        });
    }
}

#[test]
fn e25_e26_flags_pass_on_and_only_the_level_comes_back() {
    lab::child::test("e25_e26_flags_pass_on_and_only_the_level_comes_back", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        set_policy(&file, ODD);
        // That a DISPATCH_LEVEL flag is true where it is set, the lab checks at every call.
        for flags in [0x100, 0x200, 0x400, 0x800, 0x1000, 0x4000, 0x8000, 0xF00, 0x80_0000] {
            for call in LEVELS {
                for resources in [0, RESOURCES] {
                    let flags = flags | resources;
                    adapter.receive(&lists(&ten(Way::In), 0), Call { flags, ..call });
                    let events = adapter.take_events();
                    assert_eq!(events.delivered.len(), 5);
                    let expected = flags | u32::from(call.dispatch);
                    assert!(events.delivered.iter().all(|frame| frame.flags == expected));
                }
                adapter.send(&lists(&ten(Way::Out), 0), Call { flags: flags & 0x34, ..call });
                assert_eq!(adapter.take_events().completed.len(), 10);
            }
        }
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn e30_long_chains_pass_in_order_and_in_one_piece_of_stack() {
    lab::child::test("e30_long_chains_pass_in_order_and_in_one_piece_of_stack", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        set_policy(&file, ODD);
        let frames: Vec<_> = (0..3_000_u16).map(|n| packet::udp(Way::In, ports(n % 1500), 20)).collect();
        for flags in [0, RESOURCES] {
            adapter.receive(&lists(&frames, 0), Call { dispatch: true, flags });
            let events = adapter.take_events();
            let tags: Vec<u64> = events.delivered.iter().filter_map(|frame| frame.tag).collect();
            assert_eq!((tags.len(), events.returned.len()), (2_990, 3_000));
            assert!(tags.is_sorted());
        }
        drop(file);
        driver.unload();
        machine.finish();
    });
}

/// Pauses `count` times while two processors send and receive; returns the longest, in microseconds.
fn pause_under_load(count: usize) -> u128 {
    let (machine, mut driver, adapter) = boot_with_adapter();
    let file = open(&machine);
    set_policy(&file, ODD);
    let done = Arc::new(AtomicBool::new(false));
    // NDIS pauses protocols before filters: then they do not send, while receives go on.
    let protocol = Arc::new(RwLock::new(()));
    let load = |way: Way| {
        let (adapter, done, protocol) = (adapter.clone(), done.clone(), protocol.clone());
        schedule::spawn("load", move || {
            lab::cpu::init();
            let (frames, mut calls) = (ten(way), 0_u64);
            while !done.load(Ordering::Relaxed) {
                let call = LEVELS[calls as usize % 2];
                if way == Way::In {
                    adapter.receive(&lists(&frames, 0), call);
                } else if let Ok(_running) = protocol.try_read() {
                    adapter.send(&lists(&frames, 0), call);
                }
                calls += 1;
                if schedule::mode() == Mode::Deterministic || calls % 64 == 0 {
                    schedule::sleep(Duration::from_micros(10));
                }
            }
        })
    };
    let loads = [load(Way::In), load(Way::Out)];
    let mut longest = Duration::ZERO;
    for _ in 0..count {
        schedule::sleep(Duration::from_millis(1));
        let paused = loop {
            if let Ok(paused) = protocol.try_write() {
                break paused;
            }
            schedule::sleep(Duration::from_micros(5));
        };
        let before = lab::clock::now();
        adapter.pause();
        longest = longest.max(lab::clock::now() - before);
        adapter.restart(Attributes::None).expect("the filter restarts");
        drop(paused);
        adapter.take_events();
    }
    done.store(true, Ordering::Relaxed);
    assert!(loads.into_iter().all(schedule::Task::join), "a loading thread failed");
    drop(file);
    driver.unload();
    machine.finish();
    longest.as_micros()
}

#[test]
fn e33_a_pause_under_load_ends_soon() {
    for (mode, count) in [(Mode::Free, 200), (Mode::Deterministic, 100)] {
        let name = format!("e33_a_pause_under_load_ends_soon#{mode:?}");
        let exit = lab::child::run(&name, || {
            schedule::start(mode, 1);
            lab::verifier::count("longest pause", pause_under_load(count) as u64);
        });
        if lab::child::is_child() {
            continue;
        }
        exit.assert_clean();
        let longest = exit.report.counters["longest pause"];
        println!("{mode:?}: the longest of {count} pauses took {longest} us");
        // A second is what the driver promises; how fast this machine is does not matter for it.
        assert!(longest < 1_000_000, "{mode:?}: a pause took {longest} us");
    }
}

#[test]
fn e34_e49_restarts_bring_what_is_true_now() {
    lab::child::test("e34_e49_restarts_bring_what_is_true_now", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        for (round, mtu) in (1..).zip([1500, 9000, 576, 1500]) {
            // Media disconnect, a restart with other attributes, connect; frames of any length pass in between.
            adapter.indicate_link(false);
            adapter.pause();
            adapter.update(|config| config.mtu = mtu);
            let attributes = if round % 2 == 0 { Attributes::None } else { Attributes::General };
            adapter.restart(attributes).expect("the filter restarts");
            adapter.indicate_link(true);
            let frames = [packet::udp(Way::Out, ports(2), mtu as usize - 28)];
            adapter.send(&lists(&frames, 0), Call::default());
            assert_eq!(adapter.take_events().wire[0].bytes, frames[0]);
            // Sleep: the power OID and the event pass by, the stack is paused in between.
            assert_eq!(adapter.net_event(ddk::ndis::NetEventSetPower), NDIS_STATUS_SUCCESS);
            adapter.pause();
            assert_eq!(adapter.set(ddk::ndis::OID_PNP_SET_POWER, &[4, 0, 0, 0]).status, NDIS_STATUS_SUCCESS);
            assert_eq!(adapter.set(ddk::ndis::OID_PNP_SET_POWER, &[1, 0, 0, 0]).status, NDIS_STATUS_SUCCESS);
            adapter.restart(Attributes::General).expect("the filter restarts");
            assert_eq!(entries(&file)[0].state, AdapterState::RUNNING);
            assert_eq!(entries(&file)[0].frames_sent, round);
        }
        // Surprise removal: the event passes, then NDIS pauses and detaches; a new adapter may have the old index.
        let luid = entries(&file)[0].luid;
        adapter.device_event(ddk::ndis::NdisDevicePnPEventSurpriseRemoved);
        adapter.pause();
        adapter.detach();
        assert!(entries(&file).is_empty());
        let index = adapter.config().index;
        let next = Adapter::new(Config { index, attach: AttachTime::OnRequest, ..Config::default() });
        next.attach(&lab::ndis::driver::all().pop().expect("a filter")).expect("the filter attaches");
        next.restart(Attributes::General).expect("the filter restarts");
        let now = entries(&file)[0];
        assert_eq!((now.index, now.frames_sent), (index, 0));
        assert_ne!(now.luid, luid);
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn e37_flows_outlive_a_detach_and_the_adapter_is_known_again() {
    lab::child::test("e37_flows_outlive_a_detach_and_the_adapter_is_known_again", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        set_policy(&file, ODD);
        let filter = lab::ndis::driver::all().pop().expect("the driver registered a filter");
        let before = entries(&file)[0];
        for round in 1..5 {
            adapter.send(&lists(&ten(Way::Out), 0), Call::default());
            assert_eq!(adapter.take_events().wire.len(), 5);
            let flows = list::<FlowEntry>(&file, Control::LIST_FLOWS, 16);
            assert_eq!(flows.len(), 10);
            assert!(flows.iter().all(|flow| flow.frames_sent + flow.frames_sent_blocked >= round));
            adapter.pause();
            adapter.detach();
            assert!(entries(&file).is_empty());
            adapter.attach(&filter).expect("the filter attaches");
            adapter.restart(Attributes::General).expect("the filter restarts");
            assert_eq!((entries(&file)[0].luid, entries(&file)[0].name), (before.luid, before.name));
        }
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn e39_requests_race_adapters_that_come_and_go() {
    lab::child::test("e39_requests_race_adapters_that_come_and_go", || {
        let machine = Machine::new(Options::default());
        let adapter = Adapter::new(Config { attach: AttachTime::OnRequest, ..Config::default() });
        let mut driver = load(&machine);
        driver.start().expect("the driver starts");
        let file = Arc::new(open(&machine));
        let filter = lab::ndis::driver::all().pop().expect("the driver registered a filter");
        let done = Arc::new(AtomicBool::new(false));
        let reader = {
            let (file, done) = (file.clone(), done.clone());
            thread::spawn(move || {
                lab::cpu::init();
                let mut seen = 0;
                while !done.load(Ordering::Relaxed) {
                    seen += entries(&file).len();
                    // Needs that come and go call into modules, too.
                    set_policy(&file, if seen % 2 == 0 { ODD } else { "" });
                    assert!(status(&file).adapters <= 1);
                }
                seen
            })
        };
        for round in 0..300 {
            adapter.attach(&filter).expect("the filter attaches");
            if round % 2 == 0 {
                adapter.restart(Attributes::None).expect("the filter restarts");
                adapter.pause();
            }
            adapter.detach();
        }
        done.store(true, Ordering::Relaxed);
        let seen = reader.join().expect("the reader ends");
        println!("{seen} adapters were seen");
        drop(file);
        driver.unload();
        machine.finish();
    });
}

/// Frames of every medium: what is understood is measured and ruled, what is not passes and is counted.
#[test]
fn media_that_are_not_ethernet() {
    lab::child::test("media_that_are_not_ethernet", || {
        schedule::start(Mode::Deterministic, 0);
        let machine = Machine::new(Options::default());
        let media = [None, Some(NdisMediumIP), Some(NdisMediumTunnel), Some(NdisMediumWan)];
        let adapters = media.map(|ndis_medium| {
            Adapter::new(Config { medium: Medium::RawIp, ndis_medium, ..Config::default() })
        });
        let mut driver = start(&machine);
        let file = open(&machine);
        set_policy(&file, ODD);
        // Without the Ethernet header.
        let frames = |way| ten(way).into_iter().map(|frame| frame[14..].to_vec()).collect::<Vec<_>>();
        for (number, adapter) in adapters.iter().enumerate() {
            adapter.restart(Attributes::General).expect("the filter restarts");
            let known = number < 3;
            adapter.send(&lists(&frames(Way::Out), 0), Call::default());
            adapter.receive(&lists(&frames(Way::In), 0), Call { dispatch: true, flags: 0 });
            let events = adapter.take_events();
            let passed = if known { 5 } else { 10 };
            assert_eq!(
                (events.wire.len(), events.delivered.len()),
                (passed, passed),
                "medium {:?}",
                media[number]
            );
            let entry = entries(&file)[number];
            assert_eq!((entry.frames_sent, entry.frames_received), (10, 10));
            assert_eq!(entry.frames_blocked, if known { 10 } else { 0 });
        }
        assert_eq!(list::<FlowEntry>(&file, Control::LIST_FLOWS, 16).len(), 10);
        drop(file);
        driver.unload();
        machine.finish();
    });
}
