//! The version of the system.

use ddk::nt;

use crate::cpu::{APC, DISPATCH, HIGH, PASSIVE};
use crate::verifier::breach;

/// Major and minor version and build: Windows 11 22H2.
pub(crate) const VERSION: (u32, u32, u32) = (10, 0, 22621);
/// The NTDDI version of that build.
const NTDDI: u32 = 0x0a00_000c;
const VER_NT_WORKSTATION: u8 = 1;
/// STATUS_REVISION_MISMATCH: what the comparison of versions answers with.
const MISMATCH: i32 = nt::STATUS_REVISION_MISMATCH;

/// Compares `ours` with `theirs` as `condition` (VER_EQUAL to VER_LESS_EQUAL) asks.
fn holds(condition: u64, ours: u32, theirs: u32) -> bool {
    match condition {
        1 => ours == theirs,
        2 => ours > theirs,
        3 => ours >= theirs,
        4 => ours < theirs,
        5 => ours <= theirs,
        _ => false,
    }
}

crate::exports! {
    /// Version functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// The version of the system.
    irql(PASSIVE..=APC) fn RtlGetVersion(out: nt::PRTL_OSVERSIONINFOW) -> i32 {
        // SAFETY: the driver passes a structure that names its size.
        let size = unsafe { (*out).dwOSVersionInfoSize } as usize;
        let extended = size == size_of::<nt::OSVERSIONINFOEXW>();
        if size != size_of::<nt::OSVERSIONINFOW>() && !extended {
            breach("L-2", &format!("RtlGetVersion into a structure of {size} bytes"));
        }
        let (major, minor, build) = VERSION;
        // SAFETY: as above.
        unsafe {
            (*out).dwMajorVersion = major;
            (*out).dwMinorVersion = minor;
            (*out).dwBuildNumber = build;
            (*out).dwPlatformId = 2;
            (*out).szCSDVersion[0] = 0;
            if extended {
                let out: *mut nt::OSVERSIONINFOEXW = out.cast();
                (*out).wServicePackMajor = 0;
                (*out).wServicePackMinor = 0;
                (*out).wSuiteMask = 0x100;
                (*out).wProductType = VER_NT_WORKSTATION;
            }
        }
        nt::STATUS_SUCCESS
    }

    /// Whether the version of the system is as the driver wants it.
    irql(PASSIVE..=APC) fn RtlVerifyVersionInfo(
        wanted: nt::PRTL_OSVERSIONINFOEXW, fields: u32, conditions: u64
    ) -> i32 {
        if fields == 0 {
            return nt::STATUS_INVALID_PARAMETER;
        }
        // SAFETY: the driver passes a structure.
        let wanted = unsafe { &*wanted };
        let (major, minor, build) = VERSION;
        // Bit of each field, our value and the driver's, in the order of significance.
        let ordered = [
            (0x2, major, wanted.dwMajorVersion),
            (0x1, minor, wanted.dwMinorVersion),
            (0x20, 0, u32::from(wanted.wServicePackMajor)),
            (0x10, 0, u32::from(wanted.wServicePackMinor)),
        ];
        let condition = |bit: u32| conditions >> (bit.trailing_zeros() * 3) & 7;
        if fields & 0x4 != 0 && !holds(condition(0x4), build, wanted.dwBuildNumber) {
            return MISMATCH;
        }
        // A field counts only if the ones before it are equal.
        for (bit, ours, theirs) in ordered.into_iter().filter(|(bit, ..)| fields & bit != 0) {
            let condition = condition(bit);
            if ours == theirs && condition != 2 && condition != 4 {
                continue;
            }
            if ours == theirs && fields & (bit - 1) != 0 {
                continue;
            }
            return if holds(condition, ours, theirs) { nt::STATUS_SUCCESS } else { MISMATCH };
        }
        nt::STATUS_SUCCESS
    }

    /// Whether the system is at least of this NTDDI version.
    irql(PASSIVE..=APC) fn RtlIsNtDdiVersionAvailable(version: u32) -> u8 {
        u8::from(version & 0xffff_0000 != 0 && version & 0xffff < 0x100 && version <= NTDDI)
    }

    /// Whether the driver model is at least of this version: 6.0 is the last.
    irql(0..=DISPATCH) fn IoIsWdmVersionAvailable(major: u8, minor: u8) -> u8 {
        u8::from((major, minor) <= (6, 0))
    }

    /// Whether the driver verifier watches the driver: the lab does.
    irql(0..=HIGH) fn MmIsDriverVerifying(_driver: nt::PDRIVER_OBJECT) -> u32 {
        1
    }
}
