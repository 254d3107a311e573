//! Clocks and processors.

use ddk::nt;

use crate::clock;
use crate::cpu::{self, HIGH};

const ALL_PROCESSOR_GROUPS: u16 = 0xffff;

fn in_group(group: u16) -> u32 {
    if group == 0 || group == ALL_PROCESSOR_GROUPS { cpu::processor_count() } else { 0 }
}

/// # Safety
/// `place` is null or points to room for a `T`.
unsafe fn put<T>(place: *mut T, value: T) {
    if !place.is_null() {
        // SAFETY: the caller's promise.
        unsafe { place.write_unaligned(value) };
    }
}

/// PROCESSOR_NUMBER.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ProcessorNumber {
    group: u16,
    number: u8,
    reserved: u8,
}

crate::exports! {
    /// Clock and processor functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// The performance counter and its frequency.
    irql(0..=HIGH) fn KeQueryPerformanceCounter(frequency: nt::PLARGE_INTEGER) -> nt::LARGE_INTEGER {
        let frequency: *mut i64 = frequency.cast();
        // SAFETY: the driver passes null or room for the frequency.
        unsafe { put(frequency, clock::COUNTER_FREQUENCY as i64) };
        nt::LARGE_INTEGER { QuadPart: clock::interrupt_time() as i64 }
    }

    /// The time of day.
    irql(0..=HIGH) fn KeQuerySystemTimePrecise(time: nt::PLARGE_INTEGER) {
        let time: *mut i64 = time.cast();
        // SAFETY: the driver passes room for the time.
        unsafe { put(time, clock::system_time() as i64) };
    }

    /// Time since the start, and the performance counter at that moment.
    irql(0..=HIGH) fn KeQueryInterruptTimePrecise(counter: nt::PULONG64) -> u64 {
        let counter: *mut u64 = counter.cast();
        let now = clock::interrupt_time();
        // SAFETY: the driver passes room for the counter.
        unsafe { put(counter, now) };
        now
    }

    /// Time since the start.
    irql(0..=HIGH) untyped fn KeQueryInterruptTime() -> u64 {
        clock::interrupt_time()
    }

    /// Time since the start without sleep.
    irql(0..=HIGH) fn KeQueryUnbiasedInterruptTime() -> u64 {
        clock::interrupt_time()
    }

    /// Length of a clock tick.
    irql(0..=HIGH) fn KeQueryTimeIncrement() -> u32 {
        clock::TIME_INCREMENT
    }

    /// Number of active processors.
    irql(0..=HIGH) fn KeQueryActiveProcessorCountEx(group: u16) -> u32 {
        in_group(group)
    }

    /// Number of active processors in the first group, and their mask.
    irql(0..=HIGH) untyped fn KeQueryActiveProcessorCount(mask: *mut u64) -> u32 {
        let count = cpu::processor_count();
        // SAFETY: the driver passes null or room for the mask.
        unsafe { put(mask, u64::MAX >> (64 - count)) };
        count
    }

    /// Largest number of processors that can become active.
    irql(0..=HIGH) fn KeQueryMaximumProcessorCountEx(group: u16) -> u32 {
        in_group(group)
    }

    /// Number of the current processor.
    irql(0..=HIGH) fn KeGetCurrentProcessorNumberEx(number: nt::PPROCESSOR_NUMBER) -> u32 {
        let number: *mut ProcessorNumber = number.cast();
        let current = cpu::number();
        // SAFETY: the driver passes null or room for the number.
        unsafe { put(number, ProcessorNumber { group: 0, number: current as u8, reserved: 0 }) };
        current
    }

    /// Index of a processor by group and number.
    irql(0..=HIGH) fn KeGetProcessorIndexFromNumber(number: nt::PPROCESSOR_NUMBER) -> u32 {
        let number: *const ProcessorNumber = number.cast();
        const INVALID: u32 = u32::MAX;
        // SAFETY: the driver passes a processor number.
        let number = unsafe { number.read() };
        let index = u32::from(number.number);
        if number.group == 0 && index < cpu::processor_count() { index } else { INVALID }
    }
}
