//! The entries that drivers write to the system's event log.

use std::collections::BTreeSet;
use std::ffi::c_void;
use std::sync::{Mutex, PoisonError};

use ddk::nt;

use crate::cpu::DISPATCH;
use crate::pool::{self, Fill, Kind};
use crate::verifier::violation;

const LOG_TAG: u32 = u32::from_le_bytes(*b"IoEr");

/// An entry that a driver wrote.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The message's code in the driver's message file.
    pub code: i32,
    /// The strings put into the message.
    pub strings: Vec<String>,
    /// The data shown with the message.
    pub data: Vec<u8>,
}

static ALLOCATED: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());
static WRITTEN: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

fn allocated() -> std::sync::MutexGuard<'static, BTreeSet<usize>> {
    ALLOCATED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The entries written since this was last asked.
pub fn take() -> Vec<Entry> {
    std::mem::take(&mut *WRITTEN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Ends the driver's hold of an entry; its size.
fn surrender(entry: *mut c_void, what: &str) -> usize {
    let block = pool::lookup(entry as usize);
    match block {
        Some(block) if allocated().remove(&(entry as usize)) => block.size,
        _ => violation("L-2", &format!("{what} for {entry:p}, which IoAllocateErrorLogEntry did not give")),
    }
}

fn parse(bytes: &[u8]) -> Entry {
    const DATA: usize = std::mem::offset_of!(nt::IO_ERROR_LOG_PACKET, DumpData);
    let wrong = |what: &str| -> ! { violation("L-2", &format!("an entry of the event log with {what}")) };
    // SAFETY: the entry has room for a packet, which is made of integers.
    let packet = unsafe { bytes.as_ptr().cast::<nt::IO_ERROR_LOG_PACKET>().read_unaligned() };
    let dumped = usize::from(packet.DumpDataSize);
    let Some(data) = bytes.get(DATA..DATA + dumped) else { wrong("more data than it has room for") };
    let mut strings = Vec::new();
    let mut rest = &bytes[bytes.len()..];
    if packet.NumberOfStrings > 0 {
        let offset = usize::from(packet.StringOffset);
        if !offset.is_multiple_of(2) || offset < DATA + dumped {
            wrong("strings over its data or at an odd place");
        }
        rest = bytes.get(offset..).unwrap_or(rest);
    }
    for _ in 0..packet.NumberOfStrings {
        let units: Vec<u16> =
            rest.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        let Some(length) = units.iter().position(|unit| *unit == 0) else {
            wrong("a string without its terminator")
        };
        strings.push(String::from_utf16_lossy(&units[..length]));
        rest = &rest[(length + 1) * 2..];
    }
    Entry { code: packet.ErrorCode, strings, data: data.to_vec() }
}

crate::exports! {
    /// Functions of the event log.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Allocates an entry for a device or a driver.
    irql(0..=DISPATCH) fn IoAllocateErrorLogEntry(object: nt::PVOID, size: u8) -> nt::PVOID {
        if object.is_null() {
            violation("L-2", "IoAllocateErrorLogEntry without a device or a driver");
        }
        let size = usize::from(size);
        if size < size_of::<nt::IO_ERROR_LOG_PACKET>() || size > nt::ERROR_LOG_MAXIMUM_SIZE as usize {
            return std::ptr::null_mut();
        }
        let entry = pool::allocate(Kind::NonPaged, size, LOG_TAG, Fill::Zero);
        if !entry.is_null() {
            allocated().insert(entry as usize);
        }
        entry.cast()
    }

    /// Writes an entry and frees it.
    irql(0..=DISPATCH) fn IoWriteErrorLogEntry(entry: nt::PVOID) {
        let size = surrender(entry, "IoWriteErrorLogEntry");
        // SAFETY: a live entry of this size.
        let parsed = parse(unsafe { std::slice::from_raw_parts(entry.cast(), size) });
        WRITTEN.lock().unwrap_or_else(PoisonError::into_inner).push(parsed);
        pool::free(entry.cast(), Some(LOG_TAG));
    }

    /// Frees an entry that nobody wants to write.
    irql(0..=DISPATCH) fn IoFreeErrorLogEntry(entry: nt::PVOID) {
        surrender(entry, "IoFreeErrorLogEntry");
        pool::free(entry.cast(), Some(LOG_TAG));
    }
}
