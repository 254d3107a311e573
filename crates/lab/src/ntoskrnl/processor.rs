//! Processors, affinity, and what the kernel does on all of them.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ddk::nt;

use super::live;
use crate::cpu::{self, APC, DISPATCH, HIGH};
use crate::verifier::{self, violation};

/// Longest stall that the documentation allows, in microseconds.
const LONGEST_STALL: u32 = 50;

thread_local! {
    /// Processors on which the current thread may run.
    static AFFINITY: Cell<u64> = const { Cell::new(0) };
}

fn all() -> u64 {
    u64::MAX >> (64 - cpu::processor_count().clamp(1, 64))
}

/// Sets the current thread's affinity and moves it; the old affinity, 0 if it had none.
fn set_affinity(mask: u64) -> u64 {
    let allowed = mask & all();
    if allowed == 0 {
        violation("L-2", &format!("affinity {mask:#x} names no processor that is there"));
    }
    if allowed >> cpu::number() & 1 == 0 {
        cpu::init_on(allowed.trailing_zeros());
    }
    AFFINITY.replace(allowed)
}

fn revert(mask: u64) {
    AFFINITY.set(mask & all());
}

/// Records of bug check callbacks that are registered.
static BUG_CHECK: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());

fn bug_check_records() -> std::sync::MutexGuard<'static, BTreeSet<usize>> {
    BUG_CHECK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// KBUGCHECK_CALLBACK_RECORD and KBUGCHECK_REASON_CALLBACK_RECORD share their first fields: list entry,
/// routine.
const ROUTINE_OFFSET: usize = 16;

fn register_record(record: usize, routine: usize, what: &'static str) -> u8 {
    if !bug_check_records().insert(record) {
        return 0;
    }
    // SAFETY: the driver passes a record, which has room for the routine.
    unsafe { ((record + ROUTINE_OFFSET) as *mut usize).write(routine) };
    live::enter(record, 32, what, "G-40", routine);
    1
}

fn remove_record(record: usize) -> u8 {
    let known = bug_check_records().remove(&record);
    live::leave(record);
    u8::from(known)
}

crate::exports! {
    /// Processor functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Mask of the active processors of the first group.
    irql(0..=HIGH) fn KeQueryActiveProcessors() -> u64 {
        all()
    }

    /// How many processor groups there are.
    irql(0..=HIGH) fn KeQueryActiveGroupCount() -> u16 {
        1
    }

    /// How many processor groups there can be.
    irql(0..=HIGH) fn KeQueryMaximumGroupCount() -> u16 {
        1
    }

    /// How many processors the first group can have.
    irql(0..=HIGH) fn KeQueryMaximumProcessorCount() -> u32 {
        cpu::processor_count()
    }

    /// Mask of the active processors of a group.
    irql(0..=HIGH) fn KeQueryGroupAffinity(group: u16) -> u64 {
        if group == 0 { all() } else { 0 }
    }

    /// Group and number of a processor.
    irql(0..=HIGH) fn KeGetProcessorNumberFromIndex(index: u32, number: nt::PPROCESSOR_NUMBER) -> i32 {
        if index >= cpu::processor_count() {
            return nt::STATUS_INVALID_PARAMETER;
        }
        // SAFETY: the driver passes room for the number.
        unsafe { number.write(nt::PROCESSOR_NUMBER { Group: 0, Number: index as u8, Reserved: 0 }) };
        nt::STATUS_SUCCESS
    }

    /// Binds the current thread to processors; the old affinity.
    irql(0..=DISPATCH) fn KeSetSystemAffinityThreadEx(mask: u64) -> u64 {
        set_affinity(mask)
    }

    /// Undoes the last binding.
    irql(0..=DISPATCH) fn KeRevertToUserAffinityThreadEx(mask: u64) {
        revert(mask);
    }

    /// Binds the current thread to processors.
    irql(0..=DISPATCH) fn KeSetSystemAffinityThread(mask: u64) {
        set_affinity(mask);
    }

    /// Undoes the last binding.
    irql(0..=DISPATCH) fn KeRevertToUserAffinityThread() {
        revert(0);
    }

    /// Binds the current thread to processors of a group.
    irql(0..=APC) fn KeSetSystemGroupAffinityThread(
        affinity: nt::PGROUP_AFFINITY, previous: nt::PGROUP_AFFINITY
    ) {
        // SAFETY: the driver passes an affinity.
        let wanted = unsafe { *affinity };
        let reserved = wanted.Reserved.iter().any(|reserved| *reserved != 0);
        let valid = wanted.Group == 0 && wanted.Mask & all() != 0 && !reserved;
        let old = if valid { set_affinity(wanted.Mask) } else { 0 };
        if !previous.is_null() {
            // SAFETY: the driver passes null or room for an affinity.
            unsafe { previous.write(nt::GROUP_AFFINITY { Mask: old, Group: 0, Reserved: [0; 3] }) };
        }
    }

    /// Undoes the last binding.
    irql(0..=APC) fn KeRevertToUserGroupAffinityThread(previous: nt::PGROUP_AFFINITY) {
        // SAFETY: the driver passes what the binding returned.
        revert(unsafe { (*previous).Mask });
    }

    /// Runs a routine on all processors at IPI_LEVEL, one after another; what it returned here.
    irql(0..=HIGH - 1) fn KeIpiGenericCall(routine: nt::PKIPI_BROADCAST_WORKER, context: u64) -> u64 {
        const IPI_LEVEL: u8 = 14;
        let Some(routine) = routine else { violation("L-2", "KeIpiGenericCall without a routine") };
        let own = cpu::number();
        // SAFETY: the driver's routine with the context that it gave.
        let call = move || cpu::at_irql(IPI_LEVEL, || unsafe { routine(context) });
        let others: Vec<_> = (0..cpu::processor_count())
            .filter(|number| *number != own)
            .map(|number| crate::schedule::spawn("processor", move || {
                cpu::init_on(number);
                verifier::callback("KeIpiGenericCall routine", call);
            }))
            .collect();
        let result = verifier::callback("KeIpiGenericCall routine", call);
        for other in others {
            let _ = other.join();
        }
        result
    }

    /// Runs a routine with enough stack. The stacks of the lab are larger than any driver may ask for.
    irql(0..=DISPATCH) fn KeExpandKernelStackAndCalloutEx(
        routine: nt::PEXPAND_STACK_CALLOUT, parameter: nt::PVOID, size: u64, wait: u8, context: nt::PVOID
    ) -> i32 {
        const MAXIMUM_EXPANSION_SIZE: u64 = 0x6000 - 0x1000;
        if size > MAXIMUM_EXPANSION_SIZE || !context.is_null() || (wait != 0 && cpu::irql() > APC) {
            return nt::STATUS_INVALID_PARAMETER;
        }
        let Some(routine) = routine else {
            violation("L-2", "KeExpandKernelStackAndCalloutEx without a routine")
        };
        // SAFETY: the driver's routine with its parameter.
        verifier::callback("KeExpandKernelStackAndCallout routine", || unsafe { routine(parameter) });
        nt::STATUS_SUCCESS
    }

    /// Registers a callback for bug checks.
    irql(0..=HIGH) fn KeRegisterBugCheckCallback(
        record: nt::PKBUGCHECK_CALLBACK_RECORD, routine: nt::PKBUGCHECK_CALLBACK_ROUTINE, _buffer: nt::PVOID,
        _length: u32, _component: nt::PUCHAR
    ) -> u8 {
        let routine = routine.map_or(0, |routine| routine as usize);
        register_record(record as usize, routine, "bug check callback")
    }

    /// Removes a callback for bug checks.
    irql(0..=HIGH) fn KeDeregisterBugCheckCallback(record: nt::PKBUGCHECK_CALLBACK_RECORD) -> u8 {
        remove_record(record as usize)
    }
}

/// Exports of the hardware abstraction layer.
pub mod hal {
    use super::*;

    crate::exports! {
        /// Functions of the hardware abstraction layer.
        pub static EXPORTS: "HAL.dll", sig ddk::nt::ntddk::sig;

        /// Keeps the processor busy for a while.
        irql(0..=HIGH) fn KeStallExecutionProcessor(microseconds: u32) {
            if microseconds > LONGEST_STALL {
                violation(
                    "G-22",
                    &format!("KeStallExecutionProcessor for {microseconds} microseconds"),
                );
            }
            let start = std::time::Instant::now();
            while start.elapsed() < Duration::from_micros(u64::from(microseconds)) {
                std::hint::spin_loop();
            }
        }

        /// The performance counter and its frequency.
        irql(0..=HIGH) fn KeQueryPerformanceCounter(frequency: nt::PLARGE_INTEGER) -> nt::LARGE_INTEGER {
            // SAFETY: passes the driver's pointer on.
            unsafe { super::super::time::KeQueryPerformanceCounter(frequency) }
        }

        /// The current IRQL.
        irql(0..=HIGH) fn KeGetCurrentIrql() -> u8 {
            cpu::irql()
        }

        /// Raises the IRQL and returns the old one.
        irql(0..=HIGH) fn KfRaiseIrql(new: u8) -> u8 {
            // SAFETY: passes the driver's value on.
            unsafe { super::super::irql::KfRaiseIrql(new) }
        }
    }
}
