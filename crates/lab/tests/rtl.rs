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

/// A string with these characters and no more room.
fn unicode(text: &str) -> UNICODE_STRING {
    let units: &'static mut [u16] = Box::leak(text.encode_utf16().collect());
    let length = units.len() as u16 * 2;
    UNICODE_STRING { Length: length, MaximumLength: length, Buffer: units.as_mut_ptr() }
}

/// S-1-5-21-7 and S-1-5-18, which fit in these bytes.
fn sids() -> [nt::PSID; 2] {
    let make = |parts: &[u32]| -> nt::PSID {
        let sid: nt::PSID = (zeroed::<[u64; 4]>() as *mut [u64; 4]).cast();
        let mut authority: nt::SID_IDENTIFIER_AUTHORITY =
            nt::SID_IDENTIFIER_AUTHORITY { Value: [0, 0, 0, 0, 0, 5] };
        assert_eq!(call!(RtlInitializeSid(sid, &mut authority, parts.len() as u8)), 0);
        for (index, part) in parts.iter().enumerate() {
            let place = call!(RtlSubAuthoritySid(sid, index as u32));
            // SAFETY: a subauthority of the identifier.
            unsafe { place.write(*part) };
        }
        sid
    };
    [make(&[21, 7]), make(&[18])]
}

breaks! {
    l_2_a_subauthority_that_is_not_there: "L-2" Verifier {
        call!(RtlSubAuthoritySid(sids()[1], 1));
    }
    l_2_no_sid: "L-2" Verifier {
        call!(RtlLengthSid((zeroed::<[u64; 4]>() as *mut [u64; 4]).cast()));
    }
}

clean! {
    sids_are_made_compared_copied_and_shown {
        let [long, short] = sids();
        assert_eq!((call!(RtlLengthSid(long)), call!(RtlLengthSid(short)), call!(RtlLengthRequiredSid(2))), (16, 12, 16));
        assert_eq!((call!(RtlValidSid(long)), call!(RtlEqualSid(long, short))), (1, 0));
        assert_eq!(call!(RtlCopySid(12, short, long)), nt::STATUS_BUFFER_TOO_SMALL);
        assert_eq!(call!(RtlCopySid(16, short, long)), 0);
        assert_eq!(call!(RtlEqualSid(long, short)), 1);
        let count = call!(RtlSubAuthorityCountSid(long));
        // SAFETY: the number of an identifier's subauthorities.
        assert_eq!(unsafe { *count }, 2);
        let mut shown = room(10);
        assert_eq!(call!(RtlConvertSidToUnicodeString(&mut shown, long, 0)), 0);
        assert_eq!(text(&shown), "S-1-5-21-7");
        assert_eq!(call!(RtlConvertSidToUnicodeString(&mut room(9), long, 0)), BUFFER_OVERFLOW);
        assert_eq!(call!(RtlConvertSidToUnicodeString(&mut shown, long, 1)), 0);
        assert_eq!(text(&shown), "S-1-5-21-7");
        call!(RtlFreeUnicodeString(&mut shown));
    }
    guids_and_their_text {
        let guid = ddk::guid(0x01234567_89ab_cdef_0011_223344556677);
        let mut shown = room(0);
        assert_eq!(call!(RtlStringFromGUID(&guid, &mut shown)), 0);
        assert_eq!(text(&shown), "{01234567-89AB-CDEF-0011-223344556677}");
        let mut back = ddk::guid(0);
        assert_eq!(call!(RtlGUIDFromString(&shown, &mut back)), 0);
        assert_eq!((back.Data1, back.Data2, back.Data3, back.Data4), (guid.Data1, guid.Data2, guid.Data3, guid.Data4));
        call!(RtlFreeUnicodeString(&mut shown));
        for wrong in ["", "{01234567-89AB-CDEF-0011-22334455667}", "{0123456g-89AB-CDEF-0011-223344556677}"] {
            assert_eq!(call!(RtlGUIDFromString(&unicode(wrong), &mut back)), nt::STATUS_INVALID_PARAMETER);
        }
    }
    strings_are_converted_appended_and_hashed {
        let mut ansi: nt::STRING = *zeroed();
        call!(RtlInitAnsiString(&mut ansi, c"weir".as_ptr()));
        assert_eq!((ansi.Length, ansi.MaximumLength), (4, 5));
        let mut wide = room(6);
        assert_eq!(call!(RtlAnsiStringToUnicodeString(&mut wide, &mut ansi, 0)), 0);
        assert_eq!(text(&wide), "weir");
        assert_eq!(call!(RtlAnsiStringToUnicodeString(&mut room(3), &mut ansi, 0)), BUFFER_OVERFLOW);
        let more: [u16; 3] = [u16::from(b'.'), u16::from(b's'), 0];
        assert_eq!(call!(RtlAppendUnicodeToString(&mut wide, more.as_ptr())), 0);
        assert_eq!(text(&wide), "weir.s");
        assert_eq!(call!(RtlAppendUnicodeToString(&mut wide, more.as_ptr())), nt::STATUS_BUFFER_TOO_SMALL);
        assert_eq!(call!(RtlUnicodeStringToAnsiString(&mut ansi, &unicode("caf\u{e9} \u{20ac}"), 1)), 0);
        // SAFETY: the string has six characters and a terminator.
        unsafe {
            assert_eq!(std::slice::from_raw_parts(ansi.Buffer.cast::<u8>(), 7), b"caf\xe9 ?\0");
        }
        let mut owned = UNICODE_STRING { Length: 0, MaximumLength: 0, Buffer: ansi.Buffer.cast() };
        call!(RtlFreeUnicodeString(&mut owned));
        let hash = |string: &str, insensitive: u8| {
            let mut hash = 0;
            assert_eq!(call!(RtlHashUnicodeString(&unicode(string), insensitive, 0, &mut hash)), 0);
            hash
        };
        assert_eq!(hash("ab", 0), 97 * 65599 + 98);
        assert_eq!(hash("ab", 1), hash("AB", 1));
        assert_ne!(hash("ab", 0), hash("AB", 0));
    }
    random_numbers_follow_their_seed {
        let row = |mut seed: u32| [(); 4].map(|()| call!(RtlRandomEx(&mut seed)));
        assert_eq!(row(1), row(1));
        assert_ne!(row(1), row(2));
        assert!(row(0).iter().all(|number| *number < 0x7fff_ffff));
        assert_eq!(call!(RtlNumberOfSetBitsUlongPtr(0xf0f0)), 8);
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
