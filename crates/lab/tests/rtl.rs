//! The kernel's library functions: strings, identifiers, security data, the event log.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod calls;

use std::mem::offset_of;

use calls::{breaks, call, clean, zeroed};
use ddk::nt::{self, IO_ERROR_LOG_PACKET, PVOID, UNICODE_STRING};
use lab::ntoskrnl::log;

const BUFFER_OVERFLOW: i32 = 0x8000_0005_u32 as i32;
const PACKET: usize = size_of::<IO_ERROR_LOG_PACKET>();

/// A string with room for `units` characters.
fn room(units: usize) -> UNICODE_STRING {
    let buffer = Box::leak(vec![0xffffu16; units].into_boxed_slice());
    UNICODE_STRING { Length: 0, MaximumLength: units as u16 * 2, Buffer: buffer.as_mut_ptr() }
}

fn text(string: &UNICODE_STRING) -> String {
    // SAFETY: the tests' strings have the characters that they count.
    let units = unsafe { std::slice::from_raw_parts(string.Buffer, usize::from(string.Length) / 2) };
    String::from_utf16(units).unwrap()
}

/// An entry of the event log with one string, which begins at `offset`.
fn entry(offset: usize, string: &str) -> PVOID {
    let units: Vec<u16> = string.encode_utf16().collect();
    let size = PACKET + units.len() * 2;
    let entry = call!(IoAllocateErrorLogEntry(zeroed::<u64>() as *mut u64 as PVOID, size as u8));
    assert!(!entry.is_null());
    // SAFETY: the entry has room for the packet, its two bytes of data and the string.
    unsafe {
        let packet: *mut IO_ERROR_LOG_PACKET = entry.cast();
        (*packet).ErrorCode = 7;
        (*packet).DumpDataSize = 2;
        (*packet).NumberOfStrings = 1;
        (*packet).StringOffset = offset as u16;
        let data = entry.cast::<u8>().add(offset_of!(IO_ERROR_LOG_PACKET, DumpData));
        data.copy_from_nonoverlapping([1, 2].as_ptr(), 2);
        entry.cast::<u8>().add(PACKET).cast::<u16>().copy_from_nonoverlapping(units.as_ptr(), units.len());
    }
    entry
}

breaks! {
    l_2_a_log_string_without_its_end: "L-2" Verifier {
        call!(IoWriteErrorLogEntry(entry(PACKET, "end")));
    }
    l_2_a_log_string_over_the_data: "L-2" Verifier {
        call!(IoWriteErrorLogEntry(entry(PACKET - 8, "end\0")));
    }
    l_2_a_log_entry_is_written_twice: "L-2" Verifier {
        let entry = entry(PACKET, "end\0");
        call!(IoWriteErrorLogEntry(entry));
        call!(IoWriteErrorLogEntry(entry));
    }
    l_2_the_version_without_a_size: "L-2" Verifier {
        call!(RtlGetVersion(zeroed()));
    }
}

clean! {
    a_log_entry_is_written_or_freed {
        call!(IoWriteErrorLogEntry(entry(PACKET, "who\0")));
        let expected = log::Entry { code: 7, strings: vec!["who".into()], data: vec![1, 2] };
        assert_eq!(log::take(), [expected]);
        call!(IoFreeErrorLogEntry(entry(PACKET, "nobody\0")));
        assert_eq!(log::take(), []);
        let driver: PVOID = zeroed::<u64>() as *mut u64 as PVOID;
        assert!(call!(IoAllocateErrorLogEntry(driver, 241)).is_null());
        assert!(call!(IoAllocateErrorLogEntry(driver, PACKET as u8 - 1)).is_null());
    }
    integers_become_strings {
        for (value, base, expected) in [(0, 0, "0"), (4711, 10, "4711"), (0xbeef, 16, "BEEF"), (8, 8, "10"), (5, 2, "101")] {
            let mut string = room(8);
            assert_eq!(call!(RtlIntegerToUnicodeString(value, base, &mut string)), 0);
            assert_eq!(text(&string), expected);
            let mut back = 0;
            assert_eq!(call!(RtlUnicodeStringToInteger(&string, base, &mut back)), 0);
            assert_eq!(back, value);
        }
        assert_eq!(call!(RtlIntegerToUnicodeString(1000, 10, &mut room(3))), BUFFER_OVERFLOW);
        assert_eq!(call!(RtlIntegerToUnicodeString(1, 7, &mut room(3))), nt::STATUS_INVALID_PARAMETER);
    }
}

#[test]
fn an_excused_breach_is_reported_and_the_driver_runs_on() {
    let exit = lab::child::run("an_excused_breach_is_reported_and_the_driver_runs_on", || {
        let machine = lab::Machine::new(lab::Options {
            excused: &[("L-2", "RtlGetVersion")],
            ..lab::Options::default()
        });
        let version: &mut nt::RTL_OSVERSIONINFOW = zeroed();
        assert_eq!(call!(RtlGetVersion(version)), 0);
        assert!(version.dwMajorVersion >= 10);
        machine.finish();
    });
    if lab::child::is_child() {
        return;
    }
    exit.assert_clean();
    let [excused] = &exit.report.excused[..] else { panic!("{:?}", exit.report.excused) };
    assert_eq!(excused.rule, "L-2");
    assert_eq!(excused.export.as_deref(), Some("ntoskrnl.exe!RtlGetVersion"));
}
