//! Unique identifiers.

use std::sync::atomic::{AtomicU64, Ordering};

use ddk::nt;

use super::string;
use crate::clock;
use crate::cpu::{APC, PASSIVE};
use crate::pool;

/// Parses `{8-4-4-4-12}` hexadecimal digits.
fn parse(text: &str) -> Option<nt::GUID> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    let parts: Vec<&str> = inner.split('-').collect();
    let lengths = [8, 4, 4, 4, 12];
    let digits = |part: &&str| part.bytes().all(|digit| digit.is_ascii_hexdigit());
    let fits = parts.len() == 5 && parts.iter().zip(lengths).all(|(part, length)| part.len() == length);
    if !fits || !parts.iter().all(digits) {
        return None;
    }
    u128::from_str_radix(&parts.concat(), 16).ok().map(ddk::guid)
}

crate::exports! {
    /// The kernel's source of unique identifiers.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Makes an identifier of the kind that time and place make unique (version 1).
    irql(PASSIVE..=PASSIVE) fn ExUuidCreate(out: *mut nt::UUID) -> i32 {
        const STATUS_RETRY: i32 = 0xc000_022d_u32 as i32;
        /// 100 ns intervals from the start of the Gregorian calendar to that of Windows' time.
        const GREGORIAN: u64 = 0x0146_bf33_e42c_0000;
        static SEQUENCE: AtomicU64 = AtomicU64::new(0);

        if pool::must_fail() {
            return STATUS_RETRY;
        }
        // The sequence number keeps identifiers apart that are made at one time.
        let sequence = SEQUENCE.fetch_add(1, Ordering::Relaxed) & 0x3fff;
        let time = clock::system_time().wrapping_add(GREGORIAN);
        let clock = 0x8000 | sequence as u16;
        let mut node = [0, 0, 0x02, b'l', b'a', b'b', 0, 1];
        node[..2].copy_from_slice(&clock.to_be_bytes());
        let uuid = nt::UUID {
            Data1: time as u32,
            Data2: (time >> 32) as u16,
            Data3: (time >> 48) as u16 & 0x0fff | 0x1000,
            Data4: node,
        };
        // SAFETY: the driver passes room for the identifier.
        unsafe { out.write(uuid) };
        nt::STATUS_SUCCESS
    }

    /// An identifier as text in braces, in fresh memory.
    irql(PASSIVE..=PASSIVE, "G-16") fn RtlStringFromGUID(
        guid: *const nt::GUID, target: nt::PUNICODE_STRING
    ) -> i32 {
        // SAFETY: the driver passes an identifier.
        let nt::GUID { Data1, Data2, Data3, Data4: [a, b, rest @ ..] } = unsafe { *guid };
        let rest = rest.iter().fold(String::new(), |text, byte| format!("{text}{byte:02X}"));
        let text = format!("{{{Data1:08X}-{Data2:04X}-{Data3:04X}-{a:02X}{b:02X}-{rest}}}");
        let units: Vec<u16> = text.encode_utf16().collect();
        // SAFETY: the driver passes a string to fill.
        unsafe { string::assign(target.cast(), &units, true) }
    }

    /// An identifier from its text in braces.
    irql(PASSIVE..=APC, "G-16") fn RtlGUIDFromString(
        text: nt::PCUNICODE_STRING, guid: *mut nt::GUID
    ) -> i32 {
        let text = string::text(text.cast());
        let Some(parsed) = parse(&text) else { return nt::STATUS_INVALID_PARAMETER };
        // SAFETY: the driver passes room for the identifier.
        unsafe { guid.write(parsed) };
        nt::STATUS_SUCCESS
    }
}
