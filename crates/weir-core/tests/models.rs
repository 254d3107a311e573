//! What several processors share without a lock, under loom: every order in which three of them can meet with at most three
//! preemptions, and every old value that the memory model allows a load to see.
//!
//! The sources of the crate are compiled again with loom's atomics in place of the processor's, so that what is checked is
//! what runs. Beside each model stand the same sources with something weakened, which the model must find: a model that
//! finds nothing there would find nothing anywhere. Loom runs each thread's own operations in their order and lets loads
//! see old values, not future ones; so a store that must not overtake a load before it is not checked (the tail of a ring).
#![allow(
    dead_code,
    unreachable_pub,
    non_upper_case_globals,
    clippy::duplicate_mod,
    reason = "the sources are compiled several times on purpose, each copy is used in part, and weak orderings have the names of strong ones"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use loom::sync::Arc;
use loom::thread;

pub use weir_core::Time;

mod atoms {
    /// In place of the crate's macro of that name: loom's atomics are more than zero bytes.
    macro_rules! zeroed_struct {
        ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$fm:meta])* $fv:vis $field:ident : $ty:ty),+ $(,)? }) => {
            $(#[$meta])* $vis struct $name { $($(#[$fm])* $fv $field: $ty),+ }

            impl $name {
                pub fn zeroed() -> Self {
                    Self { $($field: <$ty>::new(0)),+ }
                }
            }
        };
    }
    pub(crate) use zeroed_struct;
}
use atoms::zeroed_struct;

/// Declares a copy of a source file, with these atomics.
macro_rules! copy {
    ($name:ident: $module:ident at $path:literal, sync { $($sync:item)* }) => {
        // The directory that paths below it start from.
        #[path = "."]
        mod $name {
            mod sync { $($sync)* }
            #[path = $path]
            pub mod $module;
        }
    };
}

/// Orderings of which one is weaker than its name says.
macro_rules! orderings {
    ($($name:ident = $weak:ident),*) => {
        pub(super) struct Ordering;
        impl Ordering {
            $(pub(super) const $name: loom::sync::atomic::Ordering = loom::sync::atomic::Ordering::$weak;)*
        }
    };
}

/// What the model of `body` finds: the message of the check that failed in one of the orders.
fn finds(body: impl Fn() + Sync + Send + 'static) -> Option<String> {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    let found = catch_unwind(AssertUnwindSafe(|| model.check(body))).err()?;
    let literal = found.downcast_ref::<&str>().map(ToString::to_string);
    Some(literal.or_else(|| found.downcast_ref().cloned()).unwrap_or_default())
}

/// That it finds this.
#[track_caller]
fn assert_finds(expected: &str, body: impl Fn() + Sync + Send + 'static) {
    let found = finds(body).expect("something is wrong in this one");
    assert!(found.contains(expected), "{found}");
}

copy!(tap: ring at "../src/tap/ring.rs", sync {
    pub(super) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
});
copy!(tap_published_early: ring at "../src/tap/ring.rs", sync {
    pub(super) use loom::sync::atomic::{AtomicU32, AtomicU64, fence};
    orderings! { Relaxed = Relaxed, Acquire = Acquire, Release = Relaxed, AcqRel = Relaxed, SeqCst = SeqCst }
});
copy!(tap_without_fences: ring at "../src/tap/ring.rs", sync {
    pub(super) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};
    pub(super) fn fence(_: Ordering) {}
});

/// A model of two processors that copy frames and one that reads.
macro_rules! tap_model {
    ($copy:ident) => {
        || {
            use loom::sync::atomic::{AtomicU64, Ordering};
            use $copy::ring::{Read, Ring, Written, earliest, survey};

            struct Rings {
                written: [Written; 2],
                read: [Read; 2],
                words: [Vec<AtomicU64>; 2],
                clock: AtomicU64,
            }
            impl Rings {
                fn ring(&self, processor: usize) -> Ring<'_> {
                    let words = &self.words[processor];
                    Ring { written: &self.written[processor], read: &self.read[processor], words }
                }
                fn now(&self) -> u64 {
                    self.clock.fetch_add(1, Ordering::Relaxed)
                }
                /// A record of three words: its size, its time, and something that depends on it.
                fn write(&self, processor: usize) -> bool {
                    let Some(writer) = self.ring(processor).claim() else { return false };
                    let time = writer.time(self.now());
                    if writer.free() < 3 {
                        return false;
                    }
                    writer.put(2, time ^ 0x55);
                    writer.put(0, 3);
                    writer.put(1, time);
                    writer.publish(3, time);
                    true
                }
                fn all(&self) -> impl Iterator<Item = Ring<'_>> {
                    (0..2).map(|processor| self.ring(processor))
                }
                fn drain(&self, into: &mut Vec<u64>) {
                    let bound = survey(self.all(), || self.now());
                    while let Some(ring) = earliest(self.all(), bound) {
                        assert_eq!(ring.peek(0), 3, "a record that is not written yet");
                        assert_eq!(ring.peek(2), ring.peek(1) ^ 0x55, "a torn record");
                        into.push(ring.peek(1));
                        ring.consume();
                    }
                }
            }
            let words = || (0..4).map(|_| AtomicU64::new(0)).collect();
            let rings = Arc::new(Rings {
                written: [Written::zeroed(), Written::zeroed()],
                read: [Read::zeroed(), Read::zeroed()],
                words: [words(), words()],
                clock: AtomicU64::new(1),
            });
            let writers = [0, 1].map(|processor| {
                let rings = rings.clone();
                thread::spawn(move || rings.write(processor))
            });
            let mut times = Vec::new();
            rings.drain(&mut times);
            let written = writers.into_iter().map(|writer| writer.join().unwrap());
            assert_eq!(written.filter(|wrote| *wrote).count(), 2, "there was room");
            rings.drain(&mut times);
            assert_eq!(times.len(), 2, "a record is missing");
            assert!(times.is_sorted(), "out of order: {times:?}");
        }
    };
}

#[test]
fn a_reader_of_rings_sees_whole_records_in_order() {
    assert_eq!(finds(tap_model!(tap)), None);
}

#[test]
fn the_model_of_the_rings_finds_what_is_weakened() {
    assert_finds("a record that is not written yet", tap_model!(tap_published_early));
    assert_finds("out of order", tap_model!(tap_without_fences));
}

copy!(bucket: limit at "../src/limit.rs", sync {
    pub(super) use loom::sync::atomic::{AtomicU64, Ordering};
});
copy!(bucket_in_two_steps: limit at "../src/limit.rs", sync {
    pub(super) use loom::sync::atomic::Ordering;

    /// A word that is compared, and then exchanged.
    #[derive(Debug)]
    pub(super) struct AtomicU64(loom::sync::atomic::AtomicU64);

    impl AtomicU64 {
        pub(super) fn new(value: u64) -> Self {
            Self(loom::sync::atomic::AtomicU64::new(value))
        }

        pub(super) fn load(&self, ordering: Ordering) -> u64 {
            self.0.load(ordering)
        }

        pub(super) fn store(&self, value: u64, ordering: Ordering) {
            self.0.store(value, ordering);
        }

        pub(super) fn compare_exchange_weak(&self, seen: u64, next: u64, good: Ordering, _: Ordering) -> Result<u64, u64> {
            match self.0.load(good) {
                now if now == seen => {
                    self.0.store(next, good);
                    Ok(seen)
                }
                now => Err(now),
            }
        }
    }
});

/// A model of three processors that send one packet each at the same moment through a limit with a burst of two.
macro_rules! bucket_model {
    ($copy:ident) => {
        || {
            use $copy::limit::{Bucket, Excess, Limit, Passage, Scope, Unit};

            let limit =
                |excess| Limit { unit: Unit::Packets, rate: 10, burst: 2, scope: Scope::Rule, excess };
            for excess in [Excess::Drop, Excess::Delay(Time::SECOND / 10)] {
                let bucket = Arc::new(Bucket::new());
                let ask = move |bucket: &Bucket| bucket.charge(&limit(excess), Time(Time::SECOND), 1);
                let others = [(); 2].map(|()| {
                    let bucket = bucket.clone();
                    thread::spawn(move || ask(&bucket))
                });
                let mut answers = vec![ask(&bucket)];
                answers.extend(others.into_iter().map(|other| other.join().unwrap()));
                let now = answers.iter().filter(|answer| **answer == Passage::Now).count();
                let later = answers.iter().filter(|answer| matches!(answer, Passage::At(_))).count();
                let expected = if excess == Excess::Drop { (2, 0) } else { (2, 1) };
                assert_eq!((now, later), expected, "{excess:?}: {answers:?}");
            }
        }
    };
}

#[test]
fn a_bucket_admits_its_burst_whoever_asks() {
    assert_eq!(finds(bucket_model!(bucket)), None);
}

#[test]
fn the_model_of_the_bucket_finds_what_is_weakened() {
    // Three packets pass on two tokens.
    assert_finds("Drop: [Now, Now, Now]", bucket_model!(bucket_in_two_steps));
}
