//! Processors and clocks.

use ddk::nt::LARGE_INTEGER;
use ddk::nt::ntddk::{
    KeGetCurrentProcessorNumberEx, KeQueryActiveProcessorCountEx, KeQueryInterruptTimePrecise,
    KeQuerySystemTimePrecise,
};

/// `ALL_PROCESSOR_GROUPS`.
const ALL_GROUPS: u16 = 0xFFFF;

/// Index of the current processor over all groups. Below DISPATCH_LEVEL it is a hint: the thread may move.
#[doc(alias = "KeGetCurrentProcessorNumberEx")]
#[must_use]
pub fn current() -> usize {
    // SAFETY: a null pointer says that the group-relative number is not wanted.
    unsafe { KeGetCurrentProcessorNumberEx(core::ptr::null_mut()) as usize }
}

/// Number of active processors over all groups.
#[doc(alias = "KeQueryActiveProcessorCountEx")]
#[must_use]
pub fn count() -> usize {
    // SAFETY: takes a group number by value.
    unsafe { KeQueryActiveProcessorCountEx(ALL_GROUPS) as usize }
}

/// Time since 1601 (UTC) in 100 ns units. IRQL: any.
#[doc(alias = "KeQuerySystemTimePrecise")]
#[must_use]
pub fn system_time() -> u64 {
    let mut time = LARGE_INTEGER::default();
    // SAFETY: writes one LARGE_INTEGER.
    unsafe { KeQuerySystemTimePrecise(&raw mut time) };
    // SAFETY: every view of the union is plain integers, and the call wrote all of it.
    unsafe { time.QuadPart }.cast_unsigned()
}

/// Time since the machine started in 100 ns units: nobody can set this clock. IRQL: any.
#[doc(alias = "KeQueryInterruptTimePrecise")]
#[must_use]
pub fn interrupt_time() -> u64 {
    let mut counter = 0;
    // SAFETY: writes one counter value.
    unsafe { KeQueryInterruptTimePrecise(&raw mut counter) }
}

/// Bits that nobody on the network can guess: clocks below their visible precision, mixed with the random placement of
/// kernel memory. Good enough to seed a hash function, not to make a key.
#[doc(alias = "KeQueryInterruptTimePrecise")]
#[must_use]
pub fn entropy() -> [u64; 2] {
    let mut counter = 0;
    // SAFETY: writes one counter value.
    let interrupt_time = unsafe { KeQueryInterruptTimePrecise(&raw mut counter) };
    let place = (&raw const counter).addr() as u64;
    let code = (entropy as fn() -> [u64; 2] as *const ()).addr() as u64;
    [mix(counter ^ code.rotate_left(32)), mix(system_time() ^ place.rotate_left(32) ^ interrupt_time)]
}

/// The finaliser of SplitMix64: every input bit changes half of the output bits.
const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}
