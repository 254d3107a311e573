//! Security identifiers.

use ddk::nt;

use super::string::{self, UnicodeString};
use crate::cpu::{APC, HIGH, PASSIVE};
use crate::verifier::violation;

const REVISION: u8 = 1;
const MAXIMUM: u8 = 15;
const HEADER: usize = std::mem::offset_of!(nt::SID, SubAuthority);
const INVALID_SID: i32 = 0xc000_0078_u32 as i32;

fn is_valid(sid: nt::PSID) -> bool {
    if sid.is_null() {
        return false;
    }
    // SAFETY: the driver passes an identifier, whose first two bytes are these.
    let (revision, count) = unsafe { (sid.cast::<u8>().read(), sid.cast::<u8>().add(1).read()) };
    revision == REVISION && count <= MAXIMUM
}

/// The bytes of an identifier that a driver passes to `what`.
fn bytes<'a>(sid: nt::PSID, what: &str) -> &'a [u8] {
    if !is_valid(sid) {
        violation("L-2", &format!("{what} with what is no SID"));
    }
    // SAFETY: a valid identifier has as many subauthorities as it says.
    unsafe {
        let count = usize::from(sid.cast::<u8>().add(1).read());
        std::slice::from_raw_parts(sid.cast(), HEADER + count * size_of::<u32>())
    }
}

/// An identifier as text: `S-1-5-18`.
fn text(bytes: &[u8]) -> String {
    let authority = bytes[2..HEADER].iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    let authority = if authority >> 32 == 0 { authority.to_string() } else { format!("0x{authority:012X}") };
    bytes[HEADER..].chunks_exact(4).fold(format!("S-{}-{authority}", bytes[0]), |text, part| {
        format!("{text}-{}", u32::from_le_bytes([part[0], part[1], part[2], part[3]]))
    })
}

crate::exports! {
    /// Functions for security identifiers.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Whether an identifier has the form of one.
    irql(0..=APC) fn RtlValidSid(sid: nt::PSID) -> u8 { u8::from(is_valid(sid)) }

    /// Bytes of an identifier.
    irql(0..=APC) fn RtlLengthSid(sid: nt::PSID) -> u32 { bytes(sid, "RtlLengthSid").len() as u32 }

    /// Bytes of an identifier with so many subauthorities.
    irql(0..=HIGH) fn RtlLengthRequiredSid(count: u32) -> u32 {
        HEADER as u32 + count * size_of::<u32>() as u32
    }

    /// Writes the part of an identifier before its subauthorities.
    irql(0..=APC) fn RtlInitializeSid(
        sid: nt::PSID, authority: nt::PSID_IDENTIFIER_AUTHORITY, count: u8
    ) -> i32 {
        if count > MAXIMUM {
            return nt::STATUS_INVALID_PARAMETER;
        }
        // SAFETY: the driver passes room for the identifier, and an authority.
        unsafe {
            let sid: *mut nt::SID = sid.cast();
            (*sid).Revision = REVISION;
            (*sid).SubAuthorityCount = count;
            (*sid).IdentifierAuthority = *authority;
        }
        nt::STATUS_SUCCESS
    }

    /// The address of a subauthority.
    irql(0..=APC) fn RtlSubAuthoritySid(sid: nt::PSID, index: u32) -> nt::PULONG {
        if index as usize * size_of::<u32>() >= bytes(sid, "RtlSubAuthoritySid").len() - HEADER {
            violation("L-2", &format!("RtlSubAuthoritySid for subauthority {index}, which the SID does not have"));
        }
        // SAFETY: the subauthority is one of the identifier's, as just checked.
        unsafe { sid.cast::<u8>().add(HEADER).cast::<u32>().add(index as usize).cast() }
    }

    /// The address of the number of subauthorities.
    irql(0..=APC) fn RtlSubAuthorityCountSid(sid: nt::PSID) -> nt::PUCHAR {
        bytes(sid, "RtlSubAuthorityCountSid");
        // SAFETY: the second byte of the identifier.
        unsafe { sid.cast::<u8>().add(1).cast() }
    }

    /// Whether two identifiers are the same.
    irql(0..=APC) fn RtlEqualSid(a: nt::PSID, b: nt::PSID) -> u8 {
        u8::from(bytes(a, "RtlEqualSid") == bytes(b, "RtlEqualSid"))
    }

    /// Copies an identifier into `length` bytes.
    irql(0..=APC) fn RtlCopySid(length: u32, target: nt::PSID, source: nt::PSID) -> i32 {
        let source = bytes(source, "RtlCopySid");
        if source.len() > length as usize {
            return nt::STATUS_BUFFER_TOO_SMALL;
        }
        // SAFETY: the driver's target has the room that it names.
        unsafe { target.cast::<u8>().copy_from(source.as_ptr(), source.len()) };
        nt::STATUS_SUCCESS
    }

    /// An identifier as text, in the target or in fresh memory.
    irql(PASSIVE..=PASSIVE, "G-16") fn RtlConvertSidToUnicodeString(
        target: nt::PUNICODE_STRING, sid: nt::PSID, allocate: u8
    ) -> i32 {
        if !is_valid(sid) {
            return INVALID_SID;
        }
        let units: Vec<u16> = text(bytes(sid, "RtlConvertSidToUnicodeString")).encode_utf16().collect();
        // SAFETY: the driver's target is a string; without `allocate` it has the room that it names.
        unsafe { string::assign(target.cast::<UnicodeString>(), &units, allocate != 0) }
    }
}
