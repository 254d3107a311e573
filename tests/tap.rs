//! Promise: a consumer reads what was tapped as it was, in order, with what became of it; what it does not read in time is
//! counted, frame for frame, and no frame waits for it.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ddk::ndis::{
    NDIS_STATUS_SUCCESS, TcpIpChecksumNetBufferListInfo, TcpLargeSendNetBufferListInfo,
    TcpRecvSegCoalesceInfo, UdpSegmentationOffloadInfo,
};
use lab::ndis::{Adapter, Beside, Call, List, Piece, RESOURCES, Shape, Split};
use lab::wdf::File;
use support::packet::{self, Ports, Way, lists, shaped};
use support::tap::{self, Copied, SMALLEST, drain};
use support::{boot_with_adapter, list, open, set_policy, status};
use weir_ioctl::zerocopy::IntoBytes;
use weir_ioctl::{
    Control, CounterId, FlowEntry, TapDirection, TapFlags, TapHead, TapMedium, TapOpen, TapRecord, Verdict,
};

const STATUS_INVALID_PARAMETER: i32 = 0xC000_000D_u32.cast_signed();
const STATUS_BUFFER_TOO_SMALL: i32 = 0xC000_0023_u32.cast_signed();
const STATUS_INSUFFICIENT_RESOURCES: i32 = 0xC000_009A_u32.cast_signed();
const STATUS_INVALID_DEVICE_STATE: i32 = 0xC000_0184_u32.cast_signed();
const STATUS_INVALID_BUFFER_SIZE: i32 = 0xC000_0206_u32.cast_signed();
const STATUS_DEVICE_BUSY: i32 = 0x8000_0011_u32.cast_signed();

/// Of what goes to or comes from port 53 everything is tapped.
const TAP: &str = "[[rule]]\nname = 'other'\naction = 'permit'\nremote-port = 80\n\
                   [[rule]]\nname = 'tapped'\naction = 'tap'\nremote-port = 53\n";

fn in_child(name: &str, body: impl FnOnce(&lab::Machine, &Arc<Adapter>, &File)) {
    lab::child::test(name, || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        body(&machine, &adapter, &file);
        drop(file);
        driver.unload();
        machine.finish();
    });
}

/// Frames of which every other one is tapped; all differ.
fn frames(way: Way) -> Vec<Vec<u8>> {
    let frame = |number: u16| {
        let remote = if number.is_multiple_of(2) { 53 } else { 80 };
        packet::udp(way, Ports { local: 40_000 + number % 6, remote }, 3 * usize::from(number))
    };
    (0..24).map(frame).collect()
}

fn tapped(frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
    frames.iter().step_by(2).cloned().collect()
}

fn bytes(copies: Vec<Copied>) -> Vec<Vec<u8>> {
    copies.into_iter().map(|(_, bytes)| bytes).collect()
}

fn counts(file: &File) -> (u64, u64) {
    let now = status(file);
    (now.counter(CounterId::TAPPED), now.counter(CounterId::TAP_LOST))
}

#[test]
fn copies_are_what_was_sent_and_received() {
    in_child("copies_are_what_was_sent_and_received", |_, adapter, file| {
        lab::ndis::set_poison(true);
        let generation = set_policy(file, TAP).generation;
        tap::open(file, TapOpen::WHOLE, 0);
        let shapes = [
            Shape::default(),
            Shape { lead: 14, split: Split::Every(7), empty_mdls: true },
            Shape { lead: 3, split: Split::Random { seed: 5 }, empty_mdls: false },
        ];
        let mut all = 0;
        for shape in &shapes {
            for vlan in [None, Some(0xa064_u16)] {
                for (dispatch, flags, way) in [
                    (false, 0, Way::Out),
                    (true, 0, Way::Out),
                    (false, 0, Way::In),
                    (true, 0, Way::In),
                    (true, RESOURCES, Way::In),
                ] {
                    let frames = frames(way);
                    let lists: Vec<_> =
                        shaped(&frames, 1, shape).into_iter().map(|list| List { vlan, ..list }).collect();
                    let call = Call { dispatch, flags };
                    if way == Way::Out {
                        adapter.send(&lists, call)
                    } else {
                        adapter.receive(&lists, call)
                    }
                    let (head, copies) = drain(file);
                    all += copies.len() as u64;
                    assert_eq!((head.copied, head.lost), (all, 0));
                    assert!(copies.is_sorted_by_key(|(record, _)| record.time));
                    let flows = list::<FlowEntry>(file, Control::LIST_FLOWS, 99);
                    for (record, bytes) in &copies {
                        let flow = flows.iter().find(|flow| flow.id == record.flow).expect("its flow");
                        assert_eq!(flow.remote_port, 53);
                        let received = way == Way::In;
                        let expected = TapRecord {
                            size: record.size,
                            captured: bytes.len() as u32,
                            length: bytes.len() as u32,
                            rule: 1,
                            time: record.time,
                            interface_luid: adapter.luid(),
                            flow: flow.id,
                            policy_generation: generation,
                            compartment: flow.compartment,
                            packets: 1,
                            flags: if vlan.is_some() { TapFlags::VLAN } else { 0 },
                            vlan: vlan.unwrap_or(0),
                            direction: if received { TapDirection::RECEIVED } else { TapDirection::SENT },
                            verdict: Verdict::PERMIT,
                            medium: TapMedium::ETHERNET,
                            reserved: [0; 7],
                        };
                        assert_eq!(*record, expected);
                    }
                    assert_eq!(bytes(copies), tapped(&frames));
                    // Nothing is missing where it went, either.
                    let events = adapter.take_events();
                    assert_eq!(events.wire.len() + events.delivered.len(), frames.len());
                }
            }
        }
        assert_eq!(counts(file), (all, 0));
    });
}

#[test]
fn every_frame_of_a_list_is_copied_up_to_the_snap_length() {
    in_child("every_frame_of_a_list_is_copied_up_to_the_snap_length", |_, adapter, file| {
        set_policy(file, "[[rule]]\nname = 'all'\naction = 'tap'\n");
        tap::open(file, 60, SMALLEST);
        let ports = Ports { local: 40_000, remote: 53 };
        let frames: Vec<_> = [0, 17, 18, 19, 1_400].map(|length| packet::udp(Way::Out, ports, length)).into();
        let pieces = frames.iter().zip(1..).map(|(bytes, tag)| Piece { bytes, tag }).collect();
        let shape = Shape { split: Split::Every(9), ..Shape::default() };
        adapter.send(&[List { pieces, vlan: None, shape }], Call::default());
        let (_, copies) = drain(file);
        let lengths: Vec<_> = copies.iter().map(|(record, _)| record.length as usize).collect();
        assert_eq!(lengths, [42, 59, 60, 61, 1_442]);
        let expected: Vec<_> = frames.iter().map(|frame| frame[..frame.len().min(60)].to_vec()).collect();
        assert_eq!(bytes(copies), expected);
    });
}

#[test]
fn a_copy_says_what_became_of_its_frame() {
    in_child("a_copy_says_what_became_of_its_frame", |_, adapter, file| {
        set_policy(
            file,
            "[[rule]]\nname = 'blocked'\naction = ['block', 'tap']\nremote-port = 1\n\
             [[rule]]\nname = 'rejected'\naction = ['reject', 'tap']\nremote-port = 2\n\
             [[rule]]\nname = 'limited'\naction = ['rate-limit', 'tap']\nrate = '1 packets/s'\n\
             burst = '2 packets'\nremote-port = 3\n\
             [[rule]]\nname = 'marked'\naction = ['mark', 'tap']\ndscp = 'ef'\nremote-port = 4\n\
             [[rule]]\nname = 'delayed'\naction = ['rate-limit', 'tap']\nrate = '10 packets/s'\n\
             burst = '1 packets'\nover = 'delay'\nmax-delay = '200 ms'\nremote-port = 5\n",
        );
        tap::open(file, TapOpen::WHOLE, SMALLEST);
        let ports = [1, 2, 3, 3, 3, 4, 5, 5];
        let frames: Vec<_> = ports
            .iter()
            .map(|remote| packet::udp(Way::Out, Ports { local: 7, remote: *remote }, 20))
            .collect();
        adapter.send(&lists(&frames, 1), Call::default());
        let (_, copies) = drain(file);
        let seen: Vec<_> =
            copies.iter().map(|(record, _)| (record.rule, record.verdict, record.flags)).collect();
        let (permit, block) = (Verdict::PERMIT, Verdict::BLOCK);
        let expected = [
            (0, block, 0),
            (1, block, 0),
            (2, permit, 0),
            (2, permit, 0),
            (2, block, 0),
            (3, permit, 0),
            (4, permit, 0),
            (4, permit, TapFlags::DELAYED),
        ];
        assert_eq!(seen, expected);
        // Copies of what was sent, not of what was made of it.
        assert_eq!(bytes(copies), frames);
        adapter.pause();
    });
}

#[test]
fn what_the_adapter_does_beside_is_said() {
    in_child("what_the_adapter_does_beside_is_said", |_, adapter, file| {
        set_policy(file, TAP);
        tap::open(file, TapOpen::WHOLE, SMALLEST);
        let ports = Ports { local: 40_000, remote: 53 };
        let frame = |way| vec![packet::udp(way, ports, 1_000)];
        // A maximum segment size of 100 behind a UDP header at 34.
        let segments = 34 << 20 | 100;
        for (way, slot, value, flags, packets) in [
            (Way::Out, TcpIpChecksumNetBufferListInfo, 1 << 3, TapFlags::CHECKSUM, 1),
            (Way::Out, TcpIpChecksumNetBufferListInfo, 1, 0, 1),
            (Way::Out, UdpSegmentationOffloadInfo, segments, TapFlags::CHECKSUM | TapFlags::LARGE, 10),
            (Way::Out, TcpLargeSendNetBufferListInfo, 0, 0, 1),
            (Way::In, TcpIpChecksumNetBufferListInfo, 1 << 4, 0, 1),
            (Way::In, TcpRecvSegCoalesceInfo, 5, TapFlags::COALESCED, 5),
        ] {
            let info = if value == 0 { vec![] } else { vec![(slot as usize, value)] };
            adapter.say_beside(Beside { info, flags: 0 });
            let frames = frame(way);
            let lists = lists(&frames, 1);
            if way == Way::Out {
                adapter.send(&lists, Call::default())
            } else {
                adapter.receive(&lists, Call::default())
            }
            let (_, copies) = drain(file);
            let [(record, _)] = &copies[..] else { panic!("one copy") };
            assert_eq!((record.flags, record.packets), (flags, packets), "slot {slot}");
        }
    });
}

/// What a third thread does at least so often while two processors send and receive.
const TURNS: u64 = 8;

/// Two processors send and receive `frames` or more; `meanwhile` is told how many there were.
fn under_load(adapter: &Adapter, frames: u64, mut meanwhile: impl FnMut(u64)) -> u64 {
    let (sent, turns, ended) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let traffic = |way| {
        lab::cpu::init_on(u32::from(way == Way::In));
        let mut round = 0;
        while round < frames / 16 || turns.load(Ordering::Relaxed) < TURNS {
            let frame = |local| packet::udp(way, Ports { local, remote: 53 }, (round % 900) as usize);
            let frames: Vec<_> = (40_000..40_008).map(frame).collect();
            let (lists, call) =
                (lists(&frames, round * 8), Call { dispatch: round.is_multiple_of(2), flags: 0 });
            match way {
                Way::Out => adapter.send(&lists, call),
                Way::In => adapter.receive(&lists, call),
            }
            sent.fetch_add(8, Ordering::Relaxed);
            round += 1;
            if round.is_multiple_of(64) {
                drop(adapter.take_events());
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = [Way::Out, Way::In].map(|way| scope.spawn(move || traffic(way)));
        scope.spawn(|| {
            for thread in threads {
                thread.join().expect("the thread ends well");
            }
            ended.store(true, Ordering::SeqCst);
        });
        while !ended.load(Ordering::SeqCst) {
            meanwhile(sent.load(Ordering::Relaxed));
            turns.fetch_add(1, Ordering::Relaxed);
        }
    });
    sent.into_inner()
}

#[test]
fn a_reader_gets_the_copies_of_two_processors_in_order() {
    in_child("a_reader_gets_the_copies_of_two_processors_in_order", |_, adapter, file| {
        set_policy(file, TAP);
        tap::open(file, TapOpen::WHOLE, 0x100_0000);
        let mut all: Vec<Copied> = Vec::new();
        let sent = under_load(adapter, 16_000, |_| all.extend(tap::read(file, tap::ROOM).1));
        let (head, rest) = drain(file);
        all.extend(rest);
        assert_eq!((head.copied + head.lost, all.len() as u64), (sent, head.copied));
        assert_eq!(counts(file), (head.copied, head.lost));
        assert!(all.is_sorted_by_key(|(record, _)| record.time), "out of order");
        for direction in [TapDirection::SENT, TapDirection::RECEIVED] {
            let lengths: Vec<u32> = all
                .iter()
                .filter(|(record, _)| record.direction == direction)
                .map(|(record, _)| record.length)
                .collect();
            // Each thread's frames grow round by round.
            assert!(lengths.is_sorted_by(|one, next| one <= next || *next < 60));
            assert!(!lengths.is_empty());
        }
        assert!(all.iter().all(|(record, bytes)| record.length as usize == bytes.len()));
    });
}

#[test]
fn what_a_slow_or_stuck_reader_misses_is_counted() {
    for (name, every) in [("slow", Some(2_000)), ("stuck", None)] {
        in_child(&format!("what_a_slow_or_stuck_reader_misses_is_counted#{name}"), |_, adapter, file| {
            set_policy(file, TAP);
            tap::open(file, TapOpen::WHOLE, SMALLEST);
            let (mut read, mut next) = (0, 0);
            let sent = under_load(adapter, 16_000, |sent| {
                if let Some(every) = every
                    && sent >= next
                {
                    next = sent + every;
                    // The least room that there may be, for a few records.
                    let room = size_of::<TapHead>() + TapRecord::size_of(TapOpen::WHOLE as usize);
                    read += u64::from(tap::read(file, room).0.count);
                }
                std::thread::yield_now();
            });
            let (head, rest) = drain(file);
            read += rest.len() as u64;
            println!("{name}: of {sent} frames {read} were read, {} lost", head.lost);
            assert_eq!((read + head.lost, head.copied), (sent, read));
            assert_eq!(counts(file), (read, head.lost));
            assert!(head.lost > 0, "the ring never was full");
            // Every frame went its way.
            let now = status(file);
            assert_eq!(now.counter(CounterId::PERMITTED_BY_RULE), sent);
        });
    }
}

#[test]
fn a_handle_may_go_under_load() {
    in_child("a_handle_may_go_under_load", |machine, adapter, file| {
        set_policy(file, TAP);
        let mut lives = 0;
        let sent = under_load(adapter, 12_000, |_| {
            let consumer = open(machine);
            tap::open(&consumer, 200, SMALLEST);
            let (head, _) = tap::read(&consumer, tap::ROOM);
            assert!(u64::from(head.count) <= head.copied);
            lives += 1;
        });
        let (tapped, lost) = counts(file);
        println!("{lives} consumers; of {sent} frames {tapped} were copied, {lost} lost");
        assert_eq!(tapped + lost, sent);
        assert!(lives >= TURNS);
        // The next one begins anew.
        tap::open(file, 200, 0);
        assert_eq!(drain(file).0, TapHead { copied: 0, lost: 0, count: 0, reserved: 0 });
    });
}

#[test]
fn a_consumer_dies_with_its_process() {
    in_child("a_consumer_dies_with_its_process", |machine, adapter, file| {
        set_policy(file, TAP);
        let frames = frames(Way::Out);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                lab::cpu::init();
                let consumer = open(machine);
                tap::open(&consumer, TapOpen::WHOLE, 0);
                adapter.send(&lists(&frames, 1), Call::default());
                // It ends without having read, and the system closes what it had open.
            });
        });
        let copied = tapped(&frames).len() as u64;
        assert_eq!(counts(file), (copied, 0));
        let (refused, _) = file.ioctl(Control::TAP_READ.0, &[], tap::ROOM);
        assert_eq!(refused, STATUS_INVALID_DEVICE_STATE);
        // Nobody reads: what is tapped is lost, and counted.
        adapter.send(&lists(&frames, 1), Call::default());
        assert_eq!(counts(file), (copied, copied));
        tap::open(file, TapOpen::WHOLE, 0);
        assert!(drain(file).1.is_empty(), "copies of somebody else's time");
    });
}

#[test]
fn a_policy_swap_begins_and_ends_tapping() {
    in_child("a_policy_swap_begins_and_ends_tapping", |_, adapter, file| {
        tap::open(file, 60, 0);
        let ports = Ports { local: 40_000, remote: 53 };
        let frame = vec![packet::udp(Way::Out, ports, 10)];
        let send = || adapter.send(&lists(&frame, 1), Call::default());
        send();
        assert!(drain(file).1.is_empty(), "without a policy nothing is tapped");
        for _ in 0..3 {
            let generation = set_policy(file, TAP).generation;
            send();
            let (_, copies) = drain(file);
            let [(record, _)] = &copies[..] else { panic!("one copy") };
            assert_eq!((record.policy_generation, record.rule), (generation, 1));
            set_policy(file, "[[rule]]\nname = 'r'\naction = 'permit'\n");
            send();
            assert!(drain(file).1.is_empty());
        }
        // And under load: what is copied was tapped by a policy that taps.
        let (mut taps, mut all, mut turns) = (Vec::new(), Vec::new(), 0_u32);
        let before = status(file).counter(CounterId::TAPPED);
        under_load(adapter, 6_000, |_| {
            turns += 1;
            let text = if turns.is_multiple_of(2) { "" } else { TAP };
            let generation = set_policy(file, text).generation;
            if !text.is_empty() {
                taps.push(generation);
            }
            all.extend(drain(file).1);
        });
        all.extend(drain(file).1);
        assert!(all.iter().all(|(record, _)| taps.contains(&record.policy_generation)));
        assert_eq!(status(file).counter(CounterId::TAPPED) - before, all.len() as u64);
        assert!(!taps.is_empty());
    });
}

#[test]
fn each_mistake_gets_its_status() {
    in_child("each_mistake_gets_its_status", |machine, _, file| {
        let ask = |file: &File, control: Control, input: &[u8], room| file.ioctl(control.0, input, room).0;
        assert_eq!(ask(file, Control::TAP_READ, &[], tap::ROOM), STATUS_INVALID_DEVICE_STATE);
        for (snap, ring) in
            [(13, 0), (65_601, 0), (100, 1), (100, SMALLEST - 1), (100, 3 * SMALLEST), (100, 1 << 25)]
        {
            let request = TapOpen { snap, ring };
            assert_eq!(
                ask(file, Control::TAP_OPEN, request.as_bytes(), 0),
                STATUS_INVALID_PARAMETER,
                "{request:?}"
            );
        }
        for length in [0, 4, 7, 9, 16] {
            assert_eq!(ask(file, Control::TAP_OPEN, &vec![0; length], 0), STATUS_INVALID_BUFFER_SIZE);
        }
        tap::open(file, 100, SMALLEST);
        let again = TapOpen { snap: 100, ring: SMALLEST };
        let other = open(machine);
        for handle in [file, &other] {
            assert_eq!(ask(handle, Control::TAP_OPEN, again.as_bytes(), 0), STATUS_DEVICE_BUSY);
        }
        assert_eq!(ask(&other, Control::TAP_READ, &[], tap::ROOM), STATUS_INVALID_DEVICE_STATE);
        assert_eq!(ask(file, Control::TAP_READ, &[0], tap::ROOM), STATUS_INVALID_BUFFER_SIZE);
        let least = size_of::<TapHead>() + TapRecord::size_of(100);
        for (room, status) in [(0, STATUS_BUFFER_TOO_SMALL), (least - 1, STATUS_BUFFER_TOO_SMALL), (least, 0)]
        {
            assert_eq!(ask(file, Control::TAP_READ, &[], room), status, "{room} bytes");
        }
        // A handle that is not the consumer may go without a word.
        drop(other);
        assert_eq!(ask(file, Control::TAP_READ, &[], least), 0);
    });
}

#[test]
fn memory_is_needed_by_the_consumer_and_not_by_frames() {
    in_child("memory_is_needed_by_the_consumer_and_not_by_frames", |_, adapter, file| {
        set_policy(file, TAP);
        let request = TapOpen { snap: TapOpen::WHOLE, ring: 0 };
        lab::pool::fail_after(0);
        let (refused, _) = file.ioctl(Control::TAP_OPEN.0, request.as_bytes(), 0);
        assert_eq!(refused, STATUS_INSUFFICIENT_RESOURCES);
        let (frames, received) = (frames(Way::Out), frames(Way::In));
        let traffic = || {
            for dispatch in [false, true] {
                adapter.send(&lists(&frames, 1), Call { dispatch, flags: 0 });
                adapter.receive(&lists(&received, 1), Call { dispatch, flags: 0 });
                adapter.receive(&lists(&received, 1), Call { dispatch, flags: RESOURCES });
            }
            let events = adapter.take_events();
            assert!(events.completed.iter().all(|(_, status)| *status == NDIS_STATUS_SUCCESS));
            assert_eq!((events.wire.len(), events.delivered.len()), (48, 96));
        };
        traffic();
        assert_eq!(counts(file), (0, 72));
        tap::open(file, TapOpen::WHOLE, 0);
        lab::pool::fail_after(0);
        traffic();
        assert!(lab::pool::must_fail(), "a frame needed memory");
        assert_eq!((counts(file), drain(file).1.len()), ((72, 72), 72));
    });
}
