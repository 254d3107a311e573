//! The current thread.

use ddk::nt::ntddk::KeDelayExecutionThread;
use ddk::nt::{_MODE, FALSE, KPROCESSOR_MODE, LARGE_INTEGER};

use crate::irql::Passive;

/// Sleeps for about a millisecond.
#[doc(alias = "KeDelayExecutionThread")]
pub fn nap(_at: Passive<'_>) {
    let mut interval = LARGE_INTEGER { QuadPart: -10_000 };
    // SAFETY: waiting is allowed at PASSIVE_LEVEL; the interval is relative. The result only says why the wait ended.
    let _ended = unsafe {
        KeDelayExecutionThread(_MODE::KernelMode as KPROCESSOR_MODE, FALSE as u8, &raw mut interval)
    };
}
