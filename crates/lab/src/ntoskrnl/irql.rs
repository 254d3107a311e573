//! IRQL functions.

use crate::cpu::{self, DISPATCH, HIGH};
use crate::verifier::violation;

crate::exports! {
    /// IRQL functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// The current IRQL.
    irql(0..=HIGH) fn KeGetCurrentIrql() -> u8 {
        cpu::irql()
    }

    /// Raises the IRQL and returns the old one.
    irql(0..=HIGH) fn KfRaiseIrql(new: u8) -> u8 {
        if new < cpu::irql() || new > HIGH {
            violation("G-10", &format!("KfRaiseIrql from {} to {new}", cpu::irql()));
        }
        cpu::raise(new)
    }

    /// Raises to DISPATCH_LEVEL and returns the old IRQL.
    irql(0..=DISPATCH, "G-10") fn KeRaiseIrqlToDpcLevel() -> u8 {
        cpu::raise(DISPATCH)
    }

    /// Lowers the IRQL.
    irql(0..=HIGH) fn KeLowerIrql(new: u8) {
        if new > cpu::irql() {
            violation("G-10", &format!("KeLowerIrql from {} up to {new}", cpu::irql()));
        }
        if new < DISPATCH && cpu::thread().lock_count() != 0 {
            violation("G-11", &format!("KeLowerIrql to {new} with a spin lock held"));
        }
        cpu::lower(new);
    }
}
