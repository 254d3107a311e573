//! Bug checks: the end of the simulated machine, with a report.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::verifier::{self, Finding};

/// Exit code of a child that ended in a bug check.
pub const EXIT: i32 = 72;

/// The bug check that a report stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BugCheck {
    /// Its code, such as 0xC4.
    pub code: u32,
    /// The code's symbolic name.
    pub name: String,
}

impl BugCheck {
    /// The bug check with this code.
    pub fn new(code: u32) -> Self {
        Self { code, name: name(code).into() }
    }

    /// The bug check with which Windows stops at a broken rule, by the words of the register: `C4/0x10, C4/0x13; C2`.
    pub fn of_rule(windows: &str) -> Option<Self> {
        let code = windows.split(['/', ',', ';', ':', ' ']).next()?;
        let code = u32::from_str_radix(code.trim_start_matches("0x"), 16).ok()?;
        (name(code) != UNNAMED).then(|| Self::new(code))
    }
}

impl fmt::Display for BugCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#X} {}", self.code, self.name)
    }
}

/// Stops the machine with a bug check, prints the report, and ends the process with [`EXIT`].
pub fn bugcheck(code: u32, parameters: [u64; 4]) -> ! {
    let [a, b, c, d] = parameters;
    let text = format!("bug check {code:#x} ({}) ({a:#x}, {b:#x}, {c:#x}, {d:#x})", name(code));
    let finding = Finding::here(&format!("BUGCHECK-{code:#X}"), &text);
    verifier::stop(EXIT, Finding { bug_check: Some(BugCheck::new(code)), ..finding })
}

const UNNAMED: &str = "driver-defined or unnamed";

/// The symbolic name of a bug check code, as far as the lab uses it.
pub fn name(code: u32) -> &'static str {
    match code {
        0x0a => "IRQL_NOT_LESS_OR_EQUAL",
        0x1e => "KMODE_EXCEPTION_NOT_HANDLED",
        0x3f => "NO_MORE_SYSTEM_PTES",
        0x44 => "MULTIPLE_IRP_COMPLETE_REQUESTS",
        0x50 => "PAGE_FAULT_IN_NONPAGED_AREA",
        0x7e => "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED",
        0x7c => "BUGCODE_NDIS_DRIVER",
        0x7f => "UNEXPECTED_KERNEL_MODE_TRAP",
        0x9f => "DRIVER_POWER_STATE_FAILURE",
        0xbe => "ATTEMPTED_WRITE_TO_READONLY_MEMORY",
        0xc1 => "SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION",
        0xc2 => "BAD_POOL_CALLER",
        0xc4 => "DRIVER_VERIFIER_DETECTED_VIOLATION",
        0xc9 => "DRIVER_VERIFIER_IOMANAGER_VIOLATION",
        0xcc => "PAGE_FAULT_IN_FREED_SPECIAL_POOL",
        0xcd => "PAGE_FAULT_BEYOND_END_OF_ALLOCATION",
        0xce => "DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS",
        0xd1 => "DRIVER_IRQL_NOT_LESS_OR_EQUAL",
        0xfc => "ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY",
        0x10d => "WDF_VIOLATION",
        0x133 => "DPC_WATCHDOG_VIOLATION",
        0x139 => "KERNEL_SECURITY_CHECK_FAILURE",
        _ => UNNAMED,
    }
}

#[cfg(test)]
mod tests {
    use super::BugCheck;

    #[test]
    fn the_register_names_a_bug_check() {
        let shown = |windows| BugCheck::of_rule(windows).map(|check| check.to_string());
        assert_eq!(shown("C4/0x10,0x13; C2; C5").as_deref(), Some("0xC4 DRIVER_VERIFIER_DETECTED_VIOLATION"));
        assert_eq!(shown("7C/0x14").as_deref(), Some("0x7C BUGCODE_NDIS_DRIVER"));
        assert_eq!(
            shown("0xCE, C4/0x15").as_deref(),
            Some("0xCE DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS")
        );
        assert_eq!(shown("D1, 0x0A").as_deref(), Some("0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL"));
        for other in ["", "ApiValidator", "special pool: 0xC1", "UnsafeAllocatePool (KMDF)"] {
            assert_eq!(shown(other), None, "{other}");
        }
    }

    #[test]
    fn every_bug_check_of_the_register_has_a_name() {
        let coded = |windows: &str| {
            windows.starts_with("0x") || windows.split('/').next().is_some_and(|code| code.len() < 5)
        };
        for rule in crate::verifier::rules::ALL.iter() {
            let known = BugCheck::of_rule(rule.windows).is_some();
            assert!(
                known || rule.windows.is_empty() || !coded(rule.windows),
                "{}: {}",
                rule.id,
                rule.windows
            );
        }
    }
}
