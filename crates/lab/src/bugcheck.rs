//! Bug checks: the end of the simulated machine, with a report.

use crate::verifier::{self, Finding};

/// Exit code of a child that ended in a bug check.
pub const EXIT: i32 = 72;

/// Stops the machine with a bug check, prints the report, and ends the process with [`EXIT`].
pub fn bugcheck(code: u32, parameters: [u64; 4]) -> ! {
    let [a, b, c, d] = parameters;
    let text = format!("bug check {code:#x} ({}) ({a:#x}, {b:#x}, {c:#x}, {d:#x})", name(code));
    verifier::stop(EXIT, Finding::here(&format!("BUGCHECK-{code:#X}"), &text))
}

/// The symbolic name of a bug check code, as far as the lab uses it.
pub fn name(code: u32) -> &'static str {
    match code {
        0x0a => "IRQL_NOT_LESS_OR_EQUAL",
        0x1e => "KMODE_EXCEPTION_NOT_HANDLED",
        0x44 => "MULTIPLE_IRP_COMPLETE_REQUESTS",
        0x50 => "PAGE_FAULT_IN_NONPAGED_AREA",
        0x7e => "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED",
        0x7f => "UNEXPECTED_KERNEL_MODE_TRAP",
        0xbe => "ATTEMPTED_WRITE_TO_READONLY_MEMORY",
        0xc1 => "SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION",
        0xc2 => "BAD_POOL_CALLER",
        0xc4 => "DRIVER_VERIFIER_DETECTED_VIOLATION",
        0xcc => "PAGE_FAULT_IN_FREED_SPECIAL_POOL",
        0xcd => "PAGE_FAULT_BEYOND_END_OF_ALLOCATION",
        0xce => "DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS",
        0xd1 => "DRIVER_IRQL_NOT_LESS_OR_EQUAL",
        0xfc => "ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY",
        0x10d => "WDF_VIOLATION",
        0x139 => "KERNEL_SECURITY_CHECK_FAILURE",
        _ => "driver-defined or unnamed",
    }
}
