//! The tap hands over what it was given, in order of time, and every frame is either handed over or counted as lost.

mod support;

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use proptest::prelude::*;
use support::Owned;
use weir_core::counters::Counter;
use weir_core::policy::Decider;
use weir_core::tap::{About, Consumer, Settings, flag};
use weir_core::wire::{Medium, Source, VlanTag};
use weir_core::{Action, Direction, Time};

const SETTINGS: Settings = Settings { snap: 65_600, ring: 0x2_0000 };
/// Processors of [`Owned::small`].
const PROCESSORS: u32 = 2;

fn about(number: u64) -> About {
    About {
        direction: Direction::Send,
        medium: Medium::Ethernet,
        luid: number,
        compartment: 1,
        flow: Some(number),
        action: Action::Permit,
        decider: Decider::Rule(4),
        generation: 9,
        vlan: None,
        packets: 1,
        flags: 0,
    }
}

/// An engine, and memory for a tap of it.
struct Tapped {
    engine: Owned,
    memory: NonNull<u8>,
    layout: Layout,
}

impl Tapped {
    fn new(settings: &Settings) -> (Self, Consumer) {
        let engine = Owned::small();
        let layout = settings.layout(PROCESSORS).expect("valid");
        // SAFETY: the layout is not empty.
        let memory = NonNull::new(unsafe { alloc_zeroed(layout) }).expect("memory");
        // SAFETY: zeroed memory of the layout, freed in `close` after the consumer is gone.
        let consumer = unsafe { engine.get().open_tap(memory, settings) }.expect("no consumer yet");
        (Self { engine, memory, layout }, consumer)
    }

    fn close(self, consumer: Consumer) {
        self.engine.get().close_tap(consumer, std::thread::yield_now);
        // SAFETY: allocated in `new` with this layout, and out of use.
        unsafe { dealloc(self.memory.as_ptr(), self.layout) };
    }

    fn counters(&self) -> (u64, u64) {
        let engine = self.engine.get();
        (engine.counter(Counter::Tapped), engine.counter(Counter::TapLost))
    }
}

/// Everything that can be read now: times, what is known, and the bytes.
fn read_all(consumer: &mut Consumer) -> Vec<(Time, About, u32, Vec<u8>)> {
    let mut all = Vec::new();
    consumer.read(
        || Time(u64::MAX),
        |record| {
            let mut bytes = vec![0; record.captured as usize];
            record.copy_to(&mut bytes);
            all.push((record.time, record.about, record.length, bytes));
            true
        },
    );
    all
}

fn any_about() -> impl Strategy<Value = About> {
    let numbers =
        (any::<u64>(), any::<u32>(), any::<Option<u64>>(), any::<u32>(), any::<u16>(), any::<u16>());
    let kinds = (any::<bool>(), 0..3_u8, any::<bool>(), 0..4_u8, any::<u32>(), any::<Option<u16>>());
    (numbers, kinds).prop_map(|(numbers, kinds)| {
        let (luid, compartment, flow, generation, packets, flags) = numbers;
        let (received, medium, blocked, decider, rule, vlan) = kinds;
        About {
            direction: if received { Direction::Receive } else { Direction::Send },
            medium: [Medium::Ethernet, Medium::RawIp, Medium::Other][usize::from(medium)],
            luid,
            compartment,
            flow,
            action: if blocked { Action::Block } else { Action::Permit },
            decider: [Decider::Nothing, Decider::Default, Decider::Failure, Decider::Rule(rule)]
                [usize::from(decider)],
            generation,
            vlan: vlan.map(VlanTag),
            packets,
            flags,
        }
    })
}

proptest! {
    #[test]
    fn what_goes_in_comes_out(
        frames in prop::collection::vec((any_about(), prop::collection::vec(any::<u8>(), 0..300)), 1..200),
        snap in 14_u32..400,
    ) {
        let (tapped, mut consumer) = Tapped::new(&Settings { snap, ..SETTINGS });
        // Twice as much as the ring holds, read now and then.
        for (number, (about, bytes)) in frames.iter().enumerate() {
            let time = Time(1_000 + number as u64);
            tapped.engine.get().tap(number as u32 % 3, || time, about, &bytes[..]);
            if number % 7 == 0 || number + 1 == frames.len() {
                let from = number - number % 7;
                let first = if number % 7 == 0 { from.saturating_sub(6) } else { from + 1 };
                let expected: Vec<_> = frames.iter().enumerate().take(number + 1).skip(first).map(|(number, (about, bytes))| {
                    let captured = bytes[..bytes.len().min(snap as usize)].to_vec();
                    (Time(1_000 + number as u64), *about, bytes.len() as u32, captured)
                }).collect();
                prop_assert_eq!(read_all(&mut consumer), expected);
            }
        }
        prop_assert_eq!(tapped.counters(), (frames.len() as u64, 0));
        tapped.close(consumer);
    }
}

/// A frame whose memory ends before it does.
struct Cut<'a>(&'a [u8], usize);

impl Source for Cut<'_> {
    fn len(&self) -> usize {
        self.1
    }

    fn read<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        self.0.read(offset)
    }
}

#[test]
fn what_cannot_be_read_is_not_captured() {
    let (tapped, mut consumer) = Tapped::new(&SETTINGS);
    let bytes: Vec<u8> = (0..=255).collect();
    for readable in [0, 1, 7, 8, 63, 64, 65, 200] {
        tapped.engine.get().tap(0, || Time(1), &about(1), &Cut(&bytes[..readable], 256));
        let [(_, _, length, captured)] = &read_all(&mut consumer)[..] else { panic!("one record") };
        assert_eq!((*length, &captured[..]), (256, &bytes[..readable]));
    }
    tapped.close(consumer);
}

#[test]
fn a_full_ring_loses_what_is_new_and_counts_it() {
    let (tapped, mut consumer) = Tapped::new(&SETTINGS);
    let engine = tapped.engine.get();
    let frame = [0x5a; 1_000];
    for number in 0..300 {
        engine.tap(1, || Time(number), &about(number), &frame[..]);
    }
    let (copied, lost) = tapped.counters();
    // 8 words of head and 125 of bytes each.
    assert_eq!((copied, lost), (0x2_0000 / (133 * 8), 300 - copied));
    assert_eq!(consumer.counts(), (copied, lost));
    let read = read_all(&mut consumer);
    assert_eq!(
        read.iter().map(|(_, about, _, _)| about.luid).collect::<Vec<_>>(),
        (0..copied).collect::<Vec<_>>()
    );
    engine.tap(1, || Time(500), &about(500), &frame[..]);
    assert_eq!(read_all(&mut consumer).len(), 1);
    tapped.close(consumer);
}

#[test]
fn a_record_that_is_not_taken_stays() {
    let (tapped, mut consumer) = Tapped::new(&SETTINGS);
    for number in 0..5 {
        tapped.engine.get().tap(number as u32 % 2, || Time(number), &about(number), &[1, 2, 3][..]);
    }
    let mut taken = Vec::new();
    for _ in 0..5 {
        let mut some = 0;
        consumer.read(
            || Time(9),
            |record| {
                some += 1;
                if some <= 2 {
                    taken.push(record.about.luid);
                }
                some <= 2
            },
        );
    }
    assert_eq!(taken, [0, 1, 2, 3, 4]);
    tapped.close(consumer);
}

#[test]
fn without_a_consumer_frames_are_lost_and_there_is_one_at_a_time() {
    let (tapped, consumer) = Tapped::new(&SETTINGS);
    let engine = tapped.engine.get();
    // SAFETY: the memory is not used, since there is a consumer.
    let second = unsafe { alloc_zeroed(tapped.layout) };
    let second = NonNull::new(second).expect("memory");
    // SAFETY: zeroed memory of the layout.
    assert!(unsafe { engine.open_tap(second, &SETTINGS) }.is_none());
    engine.close_tap(consumer, std::thread::yield_now);
    engine.tap(0, || Time(1), &about(1), &[1][..]);
    assert_eq!(tapped.counters(), (0, 1));
    // SAFETY: the refused call may have written to the memory; what it wrote is of no use to anybody.
    unsafe { second.write_bytes(0, tapped.layout.size()) };
    // SAFETY: zeroed memory of the layout, freed below after the consumer is gone.
    let again = unsafe { engine.open_tap(second, &SETTINGS) }.expect("the first is gone");
    engine.tap(0, || Time(1), &about(1), &[1][..]);
    assert_eq!((tapped.counters(), again.counts()), ((1, 1), (1, 0)));
    let layout = tapped.layout;
    tapped.close(again);
    // SAFETY: allocated above with this layout, and out of use.
    unsafe { dealloc(second.as_ptr(), layout) };
}

#[test]
fn settings_have_bounds() {
    for (snap, ring, valid) in [
        (14, 0x2_0000, true),
        (65_600, 0x100_0000, true),
        (13, 0x2_0000, false),
        (65_601, 0x2_0000, false),
        (14, 0x1_0000, false),
        (14, 0x3_0000, false),
        (14, 0x200_0000, false),
        (14, 0, false),
    ] {
        let settings = Settings { snap, ring };
        assert_eq!(settings.is_valid(), valid, "{settings:?}");
        assert_eq!(settings.layout(4).is_some(), valid, "{settings:?}");
    }
    let record = 8 * 8 + u64::from(*Settings::SNAP.end()).next_multiple_of(8);
    assert!(record <= u64::from(*Settings::RING.start()), "the smallest ring holds the largest record");
}

/// Two processors copy as fast as they can while one reads: whatever is read is whole and in order, and nothing is missing
/// but what was counted as lost.
#[test]
fn two_processors_and_a_reader_add_up() {
    const FRAMES: u64 = 40_000;
    let (tapped, mut consumer) = Tapped::new(&SETTINGS);
    let clock = AtomicU64::new(1);
    let now = || Time(clock.fetch_add(1, Ordering::Relaxed));
    let done = AtomicBool::new(false);
    let engine = tapped.engine.get();
    let mut read = Vec::new();
    std::thread::scope(|scope| {
        let writers = [0_u32, 1].map(|processor| {
            let now = &now;
            scope.spawn(move || {
                for number in 0..FRAMES {
                    let frame = [number as u8; 200];
                    let about = About { flags: flag::LARGE, ..about(number << 8 | u64::from(processor)) };
                    engine.tap(processor, now, &about, &frame[..(number % 200) as usize]);
                    if number % 512 == 0 {
                        std::thread::yield_now();
                    }
                }
            })
        });
        scope.spawn(|| {
            writers.into_iter().for_each(|writer| writer.join().expect("ends well"));
            done.store(true, Ordering::SeqCst);
        });
        loop {
            let last = done.load(Ordering::SeqCst);
            consumer.read(now, |record| {
                let mut bytes = [0xaa; 200];
                record.copy_to(&mut bytes);
                let number = record.about.luid >> 8;
                let length = (number % 200) as usize;
                assert_eq!((record.captured, record.about.flow), (length as u32, Some(record.about.luid)));
                assert!(bytes[..length].iter().all(|byte| *byte == number as u8), "torn");
                read.push((record.time, record.about.luid));
                true
            });
            if last {
                break;
            }
        }
    });
    assert!(read.is_sorted_by_key(|(time, _)| *time), "out of order");
    let (copied, lost) = tapped.counters();
    assert_eq!((read.len() as u64, copied + lost), (copied, 2 * FRAMES));
    assert_eq!(consumer.counts(), (copied, lost));
    for processor in [0, 1] {
        let numbers = read.iter().filter(|(_, luid)| luid & 0xff == processor).map(|(_, luid)| luid >> 8);
        assert!(numbers.is_sorted_by(|one, next| one < next));
    }
    tapped.close(consumer);
}
