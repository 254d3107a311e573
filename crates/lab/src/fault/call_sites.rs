//! The places in an image that call imported functions, and those among them that a run came by.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::pe::{self, Image};

/// Offsets of the return addresses of calls that were made.
static REACHED: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Notes a driver's call.
pub(crate) fn reach(caller: usize) {
    if let Some(image) = pe::find(caller) {
        let offset = (caller - image.base) as u32;
        REACHED.lock().unwrap_or_else(PoisonError::into_inner).insert(offset);
    }
}

/// Offsets of the return addresses of the calls that drivers made so far.
pub(super) fn reached() -> Vec<u32> {
    REACHED.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
}

/// Offsets of the return addresses of all calls through the import table.
pub(super) fn of_image(image: &Image) -> Vec<u32> {
    let Some((table, code)) = layout(image) else { return Vec::new() };
    let mut found = Vec::new();
    for (start, size) in code {
        for at in start..(start + size).saturating_sub(5) {
            // call [rip + displacement]
            let Some([0xff, 0x15, a, b, c, d]) = image.bytes::<6>(at) else { continue };
            let target = at.wrapping_add(6).wrapping_add_signed(i32::from_le_bytes([a, b, c, d]));
            if table.contains(&target) && target.is_multiple_of(8) {
                found.push(at + 6);
            }
        }
    }
    found
}

type Layout = (std::ops::Range<u32>, Vec<(u32, u32)>);

/// The import address table, and start and size of every section with code.
fn layout(image: &Image) -> Option<Layout> {
    const OPTIONAL_HEADER: u32 = 24;
    const DIRECTORIES: u32 = 112;
    const IMPORT_ADDRESS_TABLE: u32 = 12;
    const SECTION: u32 = 40;
    const EXECUTE: u32 = 0x2000_0000;
    let long = |at: u32| image.bytes::<4>(at).map(u32::from_le_bytes);
    let short = |at: u32| image.bytes::<2>(at).map(u16::from_le_bytes);
    let header = long(0x3c)?;
    let directory = header + OPTIONAL_HEADER + DIRECTORIES + IMPORT_ADDRESS_TABLE * 8;
    let (table, size) = (long(directory)?, long(directory + 4)?);
    let first = header + OPTIONAL_HEADER + u32::from(short(header + 20)?);
    let mut code = Vec::new();
    for index in 0..u32::from(short(header + 6)?) {
        let section = first + index * SECTION;
        if long(section + 36)? & EXECUTE != 0 {
            code.push((long(section + 12)?, long(section + 8)?));
        }
    }
    Some((table..table + size, code))
}
