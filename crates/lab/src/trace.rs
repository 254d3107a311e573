//! The last calls of all drivers into the lab, for reports, and a hash over all of them, for comparing runs.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::export::Meta;
use crate::{cpu, fault, pe, verifier};

/// Calls that the ring holds.
const RING: usize = 4096;
/// Calls of which a report tells.
const REPORTED: usize = 50;
/// Arguments of each call that are kept.
const ARGUMENTS: usize = 6;
/// What the hash takes for an address: addresses differ from run to run. Every mapping of a process lies above.
const ADDRESSES: u64 = 1 << 32;

/// A place in the ring. Written without a lock, because the writer may have interrupted another one.
struct Slot {
    /// Number of the call that it holds, plus one; 0 while it is being written.
    number: AtomicU64,
    meta: AtomicPtr<Meta>,
    caller: AtomicUsize,
    /// Processor, IRQL and number of arguments.
    place: AtomicU64,
    arguments: [AtomicU64; ARGUMENTS],
}

static SLOTS: [Slot; RING] = [const {
    Slot {
        number: AtomicU64::new(0),
        meta: AtomicPtr::new(std::ptr::null_mut()),
        caller: AtomicUsize::new(0),
        place: AtomicU64::new(0),
        arguments: [const { AtomicU64::new(0) }; ARGUMENTS],
    }
}; RING];
static NEXT: AtomicU64 = AtomicU64::new(0);
static HASHING: AtomicBool = AtomicBool::new(false);
static HASH: AtomicU64 = AtomicU64::new(0);
static HASHED: AtomicU64 = AtomicU64::new(0);
static KEEPING: AtomicBool = AtomicBool::new(false);
static KEPT: Mutex<String> = Mutex::new(String::new());

/// A call of a driver into the lab, as reports show it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedCall {
    /// Running number, over all processors.
    pub number: u64,
    /// `DLL!Function`.
    pub export: String,
    /// The driver's call, as `image!function (file:line)`.
    pub caller: String,
    /// The processor.
    pub processor: u32,
    /// The IRQL at the call.
    pub irql: u8,
    /// The first arguments, as they were passed.
    pub arguments: Vec<u64>,
}

impl fmt::Display for TracedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6} cpu{} irql{} {}(", self.number, self.processor, self.irql, self.export)?;
        for (index, argument) in self.arguments.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{argument:#x}")?;
        }
        write!(f, ") from {}", self.caller)
    }
}

/// The whole trace in two numbers: equal for equal traces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// Events.
    pub events: u64,
    /// Hash over them and their order.
    pub hash: u64,
}

/// The first bytes of an argument as a number.
pub fn word<T>(argument: &T) -> u64 {
    let mut word = [0; 8];
    let length = size_of::<T>().min(8);
    // SAFETY: as many bytes of the argument as it has; arguments of exports are integers, pointers and unions of them,
    // without padding in the first eight bytes.
    unsafe { std::ptr::copy_nonoverlapping(std::ptr::from_ref(argument).cast(), word.as_mut_ptr(), length) };
    u64::from_le_bytes(word)
}

/// Notes a call that starts now. Takes no lock and allocates nothing.
pub(crate) fn record(meta: &'static Meta, caller: usize, arguments: &[u64]) {
    if fault::is_active() {
        fault::reach(meta, caller);
    }
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let (processor, irql) = (cpu::number(), cpu::irql());
    let count = arguments.len().min(ARGUMENTS);
    let place = u64::from(processor) << 16 | u64::from(irql) << 8 | count as u64;
    let slot = &SLOTS[number as usize % RING];
    slot.number.store(0, Ordering::Release);
    slot.meta.store(std::ptr::from_ref(meta).cast_mut(), Ordering::Relaxed);
    slot.caller.store(caller, Ordering::Relaxed);
    slot.place.store(place, Ordering::Relaxed);
    for (kept, argument) in slot.arguments.iter().zip(arguments) {
        kept.store(*argument, Ordering::Relaxed);
    }
    slot.number.store(number + 1, Ordering::Release);
    if HASHING.load(Ordering::Relaxed) {
        let rva = pe::find(caller).map_or(0, |image| caller - image.base);
        mix(meta.name.as_bytes());
        mix_word(place);
        mix_word(rva as u64);
        arguments.iter().for_each(|argument| mix_word((*argument).min(ADDRESSES)));
        HASHED.fetch_add(1, Ordering::Relaxed);
        if KEEPING.load(Ordering::Relaxed) {
            let known = arguments.iter().map(|argument| (*argument).min(ADDRESSES)).collect::<Vec<_>>();
            keep_line(&format!("{} cpu{processor} irql{irql} {rva:#x} {known:x?}", meta.name));
        }
    }
}

/// Adds something that is no call to the hash, such as a callback or a turn of the schedule.
pub(crate) fn note(what: &str, value: u64) {
    if HASHING.load(Ordering::Relaxed) {
        mix(what.as_bytes());
        mix_word(value);
        HASHED.fetch_add(1, Ordering::Relaxed);
        if KEEPING.load(Ordering::Relaxed) {
            keep_line(&format!("{what} {value:#x}"));
        }
    }
}

/// Keeps every event that goes into the hash as a line of text, for [`kept`]. Costs memory; meaningful, as the hash is,
/// while one thread runs at a time.
pub fn keep() {
    KEEPING.store(true, Ordering::Relaxed);
}

/// The events since [`keep`], one on each line. Addresses of memory, which differ from run to run, are all alike.
pub fn kept() -> String {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn keep_line(line: &str) {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.push_str(line);
    kept.push('\n');
}

fn mix(bytes: &[u8]) {
    bytes.chunks(8).for_each(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        mix_word(u64::from_le_bytes(word));
    });
}

/// One step of the hash. Only one thread hashes at a time: the one whose turn it is.
fn mix_word(word: u64) {
    let mut hash = (HASH.load(Ordering::Relaxed) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^= hash >> 29;
    HASH.store(hash, Ordering::Relaxed);
}

/// Starts to hash; meaningful while one thread runs at a time.
pub(crate) fn start_hashing() {
    HASHING.store(true, Ordering::Relaxed);
}

/// The hash so far.
pub fn digest() -> Digest {
    Digest { events: HASHED.load(Ordering::Relaxed), hash: HASH.load(Ordering::Relaxed) }
}

/// How many calls were made so far.
pub fn calls() -> u64 {
    NEXT.load(Ordering::Relaxed)
}

/// The last `count` calls, the oldest first; at most as many as the ring holds.
pub fn last(count: usize) -> Vec<TracedCall> {
    let end = NEXT.load(Ordering::Acquire);
    let start = end.saturating_sub(count.min(RING) as u64);
    (start..end).filter_map(read).collect()
}

/// The calls that go into a report.
pub(crate) fn for_report() -> Vec<TracedCall> {
    last(REPORTED)
}

fn read(number: u64) -> Option<TracedCall> {
    let slot = &SLOTS[number as usize % RING];
    let current = || slot.number.load(Ordering::Acquire) == number + 1;
    if !current() {
        return None;
    }
    let (meta, place) = (slot.meta.load(Ordering::Relaxed), slot.place.load(Ordering::Relaxed));
    let caller = slot.caller.load(Ordering::Relaxed);
    let count = (place as usize & 0xff).min(ARGUMENTS);
    let arguments = slot.arguments[..count].iter().map(|kept| kept.load(Ordering::Relaxed)).collect();
    // SAFETY: only `record` stores these pointers, and they are to statics.
    let meta = unsafe { meta.as_ref() }?;
    current().then(|| TracedCall {
        number,
        export: format!("{}!{}", meta.dll, meta.name),
        caller: verifier::locate(caller),
        processor: (place >> 16) as u32,
        irql: (place >> 8) as u8,
        arguments,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_become_numbers() {
        assert_eq!(word(&0x1234_u16), 0x1234);
        assert_eq!(word(&-1_i32), 0xffff_ffff);
        assert_eq!(word(&std::ptr::without_provenance::<u8>(0x77)), 0x77);
        assert_eq!(word(&[1_u64, 2]), 1);
    }

    #[test]
    fn the_ring_keeps_the_newest_calls_in_order() {
        static META: Meta = Meta { dll: "A.SYS", name: "Call", irql: 0..=2, rule: "L-1" };
        std::thread::spawn(|| {
            cpu::init_on(1);
            for argument in 0..RING as u64 + 10 {
                record(&META, 0, &[argument, 7]);
            }
            let calls = last(50);
            assert_eq!(calls.len(), 50);
            assert!(calls.windows(2).all(|pair| pair[0].number + 1 == pair[1].number));
            let newest = &calls[49];
            assert_eq!((newest.arguments[0], newest.export.as_str()), (RING as u64 + 9, "A.SYS!Call"));
            assert!(newest.to_string().contains("cpu1 irql0 A.SYS!Call(0x1009, 0x7) from 0x0"), "{newest}");
        })
        .join()
        .unwrap();
    }
}
