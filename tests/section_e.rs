//! Promise: what has gone wrong in other filter drivers does not go wrong in this one.
//!
//! A test per pitfall that no other test covers; [README](README.md) has the whole list.

mod support;

use std::cell::RefCell;

use ddk::ndis::{NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS};
use lab::ndis::{Beside, Call, List, Piece, RESOURCES, Shape};
use support::packet::{self, Ports, Way, flag, lists};
use support::{boot_with_adapter, driver_image, list, open, set_policy, status};
use weir_core::wire::{self, Source};
use weir_ioctl::{AdapterEntry, Control, CounterId};

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
            // However often it is tried.
            lab::pool::fail_all(true);
            adapter.send(&lists(&frame, 0), Call::default());
            lab::pool::fail_all(false);
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
    // No alignment or storage rules, nothing to balance, nothing to wait for; what that leaves is tested beside.
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
