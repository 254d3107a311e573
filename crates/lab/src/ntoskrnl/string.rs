//! Counted strings of 16-bit characters.

use ddk::nt;

use crate::cpu::{APC, DISPATCH, HIGH, PASSIVE};
use crate::pool::{self, Fill, Kind};
use crate::verifier::violation;

const SUCCESS: i32 = 0;
const BUFFER_TOO_SMALL: i32 = 0xc000_0023_u32 as i32;
const BUFFER_OVERFLOW: i32 = 0x8000_0005_u32 as i32;
const INVALID_PARAMETER: i32 = 0xc000_000d_u32 as i32;
const INSUFFICIENT_RESOURCES: i32 = 0xc000_009a_u32 as i32;
const NAME_TAG: u32 = u32::from_le_bytes(*b"Strg");

/// UNICODE_STRING; lengths in bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct UnicodeString {
    /// Bytes in use.
    pub length: u16,
    /// Bytes of room.
    pub maximum_length: u16,
    /// The characters, not necessarily terminated.
    pub buffer: *mut u16,
}

/// The characters of `string`, checked for a form that the kernel accepts.
pub(crate) fn units<'a>(string: *const UnicodeString) -> &'a [u16] {
    // SAFETY: a driver passes a string; a bad pointer faults and is reported.
    let string = unsafe { string.read_unaligned() };
    if string.length > string.maximum_length || !string.length.is_multiple_of(2) {
        violation(
            "L-2",
            &format!("a string of {} bytes in {} bytes of room", string.length, string.maximum_length),
        );
    }
    if string.length == 0 {
        return &[];
    }
    // SAFETY: the driver's string has as many bytes as it says.
    unsafe { std::slice::from_raw_parts(string.buffer, usize::from(string.length) / 2) }
}

/// The characters of `string` as text.
pub(crate) fn text(string: *const UnicodeString) -> String {
    String::from_utf16_lossy(units(string))
}

/// Puts characters into `target`, or into fresh memory with a terminator that the caller frees.
///
/// # Safety
/// `target` is a string; without `allocate` it has the room that it names.
pub(crate) unsafe fn assign(target: *mut UnicodeString, units: &[u16], allocate: bool) -> i32 {
    // SAFETY: the caller guarantees it.
    unsafe {
        if allocate {
            let buffer = pool::allocate(Kind::Paged, (units.len() + 1) * 2, NAME_TAG, Fill::Zero);
            if buffer.is_null() {
                return INSUFFICIENT_RESOURCES;
            }
            (*target).buffer = buffer.cast();
            (*target).maximum_length = (units.len() + 1) as u16 * 2;
        } else if usize::from((*target).maximum_length) < units.len() * 2 {
            return BUFFER_OVERFLOW;
        }
        for (at, unit) in units.iter().enumerate() {
            (*target).buffer.add(at).write(*unit);
        }
        (*target).length = units.len() as u16 * 2;
    }
    SUCCESS
}

/// The bytes of a counted string of the ANSI code page.
///
/// # Safety
/// The string has as many bytes as it says.
unsafe fn ansi<'a>(string: nt::PCANSI_STRING) -> &'a [u8] {
    // SAFETY: the caller guarantees it.
    unsafe {
        let string = &*string;
        if string.Length == 0 {
            return &[];
        }
        std::slice::from_raw_parts(string.Buffer.cast(), usize::from(string.Length))
    }
}

fn upper(unit: u16) -> u16 {
    let mut upper = char::from_u32(u32::from(unit)).into_iter().flat_map(char::to_uppercase);
    match (upper.next(), upper.next()) {
        (Some(char), None) => u16::try_from(u32::from(char)).unwrap_or(unit),
        _ => unit,
    }
}

fn compare(a: *const UnicodeString, b: *const UnicodeString, insensitive: bool) -> std::cmp::Ordering {
    let fold = |unit: &u16| if insensitive { upper(*unit) } else { *unit };
    units(a).iter().map(fold).cmp(units(b).iter().map(fold))
}

crate::exports! {
    /// String functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Makes a counted string over zero-terminated characters.
    irql(0..=HIGH) fn RtlInitUnicodeString(target: nt::PUNICODE_STRING, source: nt::PCWSTR) {
        let target: *mut UnicodeString = target.cast();
        let source: *const u16 = source.cast();
        let mut count = 0usize;
        if !source.is_null() {
            // SAFETY: the driver's characters end in a zero.
            while unsafe { source.add(count).read() } != 0 {
                count += 1;
            }
        }
        let Ok(length) = u16::try_from(count * 2) else {
            violation("L-2", "RtlInitUnicodeString with more than 32767 characters")
        };
        let maximum_length = if source.is_null() { 0 } else { length.saturating_add(2) };
        // SAFETY: the driver passes room for a string.
        unsafe { target.write_unaligned(UnicodeString { length, maximum_length, buffer: source.cast_mut() }) };
    }

    /// Copies as much as there is room for.
    irql(0..=DISPATCH) fn RtlCopyUnicodeString(target: nt::PUNICODE_STRING, source: nt::PCUNICODE_STRING) {
        let target: *mut UnicodeString = target.cast();
        let source: *const UnicodeString = source.cast();
        let source = if source.is_null() { &[] } else { units(source) };
        // SAFETY: the driver's target is a string with the room that it names.
        unsafe {
            let count = source.len().min(usize::from((*target).maximum_length) / 2);
            std::ptr::copy(source.as_ptr(), (*target).buffer, count);
            (*target).length = count as u16 * 2;
        }
    }

    /// Whether two strings are equal.
    irql(PASSIVE..=APC, "G-16") fn RtlEqualUnicodeString(
        a: nt::PCUNICODE_STRING, b: nt::PCUNICODE_STRING, insensitive: u8
    ) -> u8 {
        let a: *const UnicodeString = a.cast();
        let b: *const UnicodeString = b.cast();
        u8::from(compare(a, b, insensitive != 0).is_eq())
    }

    /// Order of two strings.
    irql(PASSIVE..=APC, "G-16") fn RtlCompareUnicodeString(
        a: nt::PCUNICODE_STRING, b: nt::PCUNICODE_STRING, insensitive: u8
    ) -> i32 {
        let a: *const UnicodeString = a.cast();
        let b: *const UnicodeString = b.cast();
        compare(a, b, insensitive != 0) as i32
    }

    /// Whether `a` starts `b`.
    irql(PASSIVE..=APC, "G-16") fn RtlPrefixUnicodeString(
        a: nt::PCUNICODE_STRING, b: nt::PCUNICODE_STRING, insensitive: u8
    ) -> u8 {
        let a: *const UnicodeString = a.cast();
        let b: *const UnicodeString = b.cast();
        let fold = |unit: &u16| if insensitive != 0 { upper(*unit) } else { *unit };
        let (a, b) = (units(a), units(b));
        u8::from(a.len() <= b.len() && a.iter().map(fold).eq(b[..a.len()].iter().map(fold)))
    }

    /// Appends a string if there is room for all of it.
    irql(0..=DISPATCH) fn RtlAppendUnicodeStringToString(
        target: nt::PUNICODE_STRING, source: nt::PCUNICODE_STRING
    ) -> i32 {
        let target: *mut UnicodeString = target.cast();
        let source: *const UnicodeString = source.cast();
        let source = units(source);
        // SAFETY: the driver's target is a string with the room that it names.
        unsafe {
            let old = usize::from((*target).length) / 2;
            if old + source.len() > usize::from((*target).maximum_length) / 2 {
                return BUFFER_TOO_SMALL;
            }
            std::ptr::copy(source.as_ptr(), (*target).buffer.add(old), source.len());
            (*target).length = (old + source.len()) as u16 * 2;
        }
        SUCCESS
    }

    /// Upper case of one character.
    irql(PASSIVE..=PASSIVE, "G-16") fn RtlUpcaseUnicodeChar(unit: u16) -> u16 {
        upper(unit)
    }

    /// Lower case of one character.
    irql(PASSIVE..=PASSIVE, "G-16") fn RtlDowncaseUnicodeChar(unit: u16) -> u16 {
        let mut lower = char::from_u32(u32::from(unit)).into_iter().flat_map(char::to_lowercase);
        match (lower.next(), lower.next()) {
            (Some(char), None) => u16::try_from(u32::from(char)).unwrap_or(unit),
            _ => unit,
        }
    }

    /// Upper case of a string, into the target or into fresh memory.
    irql(PASSIVE..=PASSIVE, "G-16") fn RtlUpcaseUnicodeString(
        target: nt::PUNICODE_STRING, source: nt::PCUNICODE_STRING, allocate: u8
    ) -> i32 {
        let source: Vec<u16> = units(source.cast()).iter().map(|unit| upper(*unit)).collect();
        // SAFETY: the driver's target is a string; without `allocate` it has the room that it names.
        unsafe { assign(target.cast(), &source, allocate != 0) }
    }

    /// A string of the ANSI code page as Unicode, in the target or in fresh memory.
    irql(PASSIVE..=PASSIVE, "G-16") fn RtlAnsiStringToUnicodeString(
        target: nt::PUNICODE_STRING, source: nt::PCANSI_STRING, allocate: u8
    ) -> i32 {
        // SAFETY: the driver passes a string with as many bytes as it says.
        let source: Vec<u16> = unsafe { ansi(source) }.iter().map(|byte| u16::from(*byte)).collect();
        // SAFETY: as for RtlUpcaseUnicodeString.
        unsafe { assign(target.cast(), &source, allocate != 0) }
    }

    /// A Unicode string in the ANSI code page, in the target or in fresh memory; what the page lacks becomes
    /// a question mark.
    irql(PASSIVE..=PASSIVE, "G-16") fn RtlUnicodeStringToAnsiString(
        target: nt::PANSI_STRING, source: nt::PCUNICODE_STRING, allocate: u8
    ) -> i32 {
        let bytes: Vec<u8> =
            units(source.cast()).iter().map(|unit| u8::try_from(*unit).unwrap_or(b'?')).collect();
        // SAFETY: the driver's target is a string; without `allocate` it has the room that it names.
        unsafe {
            let target = &mut *target;
            if allocate != 0 {
                let buffer = pool::allocate(Kind::Paged, bytes.len() + 1, NAME_TAG, Fill::Zero);
                if buffer.is_null() {
                    return INSUFFICIENT_RESOURCES;
                }
                target.Buffer = buffer.cast();
                target.MaximumLength = bytes.len() as u16 + 1;
            } else if usize::from(target.MaximumLength) <= bytes.len() {
                return BUFFER_OVERFLOW;
            }
            target.Buffer.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            target.Buffer.cast::<u8>().add(bytes.len()).write(0);
            target.Length = bytes.len() as u16;
        }
        SUCCESS
    }

    /// Counts the bytes of a terminated string.
    irql(0..=DISPATCH) fn RtlInitAnsiString(string: nt::PANSI_STRING, text: nt::PCSZ) {
        // SAFETY: the driver passes room for the string, and a terminated text or null.
        unsafe {
            let length = if text.is_null() { 0 } else { std::ffi::CStr::from_ptr(text.cast()).count_bytes() };
            let length = length.min(usize::from(u16::MAX) - 1) as u16;
            (*string).Length = length;
            (*string).MaximumLength = if text.is_null() { 0 } else { length + 1 };
            (*string).Buffer = text.cast_mut().cast();
        }
    }

    /// Appends terminated characters to a string with room for them.
    irql(0..=APC) fn RtlAppendUnicodeToString(target: nt::PUNICODE_STRING, text: nt::PCWSTR) -> i32 {
        if text.is_null() {
            return SUCCESS;
        }
        // SAFETY: the driver passes a string with the room that it names, and a terminated text.
        unsafe {
            let target: &mut UnicodeString = &mut *target.cast();
            let text: *const u16 = text.cast();
            let length = (0..).take_while(|at| *text.add(*at) != 0).count();
            let end = usize::from(target.length) / 2;
            let room = usize::from(target.maximum_length) / 2;
            if end + length > room {
                return BUFFER_TOO_SMALL;
            }
            target.buffer.add(end).copy_from(text, length);
            if end + length < room {
                target.buffer.add(end + length).write(0);
            }
            target.length += length as u16 * 2;
        }
        SUCCESS
    }

    /// A hash of a string: algorithm 0 and 1 are the one that the documentation calls X65599.
    irql(0..=DISPATCH) fn RtlHashUnicodeString(
        string: nt::PCUNICODE_STRING, insensitive: u8, algorithm: u32, hash: nt::PULONG
    ) -> i32 {
        const FACTOR: u32 = 65599;
        if string.is_null() || hash.is_null() || algorithm > 1 {
            return INVALID_PARAMETER;
        }
        let fold = |unit: &u16| if insensitive != 0 { upper(*unit) } else { *unit };
        let sum = units(string.cast()).iter().map(fold);
        let sum = sum.fold(0u32, |sum, unit| sum.wrapping_mul(FACTOR).wrapping_add(unit.into()));
        // SAFETY: the driver passes room for the hash.
        unsafe { hash.write(sum) };
        SUCCESS
    }

    /// Frees the memory of a string that the kernel allocated.
    irql(PASSIVE..=APC, "G-16") fn RtlFreeUnicodeString(string: nt::PUNICODE_STRING) {
        let string: *mut UnicodeString = string.cast();
        // SAFETY: the driver passes a string.
        unsafe {
            if !(*string).buffer.is_null() {
                pool::free((*string).buffer.cast(), Some(NAME_TAG));
            }
            string.write_unaligned(UnicodeString { length: 0, maximum_length: 0, buffer: std::ptr::null_mut() });
        }
    }

    /// Writes an integer in the given base; the terminator is written where there is room for it.
    irql(PASSIVE..=PASSIVE, "G-16") fn RtlIntegerToUnicodeString(
        value: u32, base: u32, string: nt::PUNICODE_STRING
    ) -> i32 {
        let digits = match base {
            0 | 10 => format!("{value}"),
            2 => format!("{value:b}"),
            8 => format!("{value:o}"),
            16 => format!("{value:X}"),
            _ => return INVALID_PARAMETER,
        };
        let string: *mut UnicodeString = string.cast();
        // SAFETY: the driver's string has the room that it names.
        unsafe {
            let room = usize::from((*string).maximum_length) / 2;
            if digits.len() > room {
                return BUFFER_OVERFLOW;
            }
            for (i, unit) in digits.encode_utf16().chain([0]).take(room).enumerate() {
                (*string).buffer.add(i).write(unit);
            }
            (*string).length = digits.len() as u16 * 2;
        }
        SUCCESS
    }

    /// Parses an integer in the given base.
    irql(PASSIVE..=PASSIVE, "G-16") fn RtlUnicodeStringToInteger(
        string: nt::PCUNICODE_STRING, base: u32, value: nt::PULONG
    ) -> i32 {
        let string: *const UnicodeString = string.cast();
        let value: *mut u32 = value.cast();
        let text = text(string);
        let digits = text.trim();
        let (negative, digits) = match digits.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, digits.strip_prefix('+').unwrap_or(digits)),
        };
        let (base, digits) = match (base, digits.get(..2)) {
            (0, Some("0x")) => (16, &digits[2..]),
            (0, Some("0o")) => (8, &digits[2..]),
            (0, Some("0b")) => (2, &digits[2..]),
            (0, _) => (10, digits),
            (2 | 8 | 10 | 16, _) => (base, digits),
            _ => return INVALID_PARAMETER,
        };
        let parsed = digits.chars().map_while(|digit| digit.to_digit(base));
        let number = parsed.fold(0u32, |sum, digit| sum.wrapping_mul(base).wrapping_add(digit));
        // SAFETY: the driver passes room for the value.
        unsafe { value.write(if negative { number.wrapping_neg() } else { number }) };
        SUCCESS
    }
}
