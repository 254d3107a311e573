//! Memory of one NET_BUFFER_LIST with its NET_BUFFERs, MDLs and data: one block, so that access can be
//! taken away.

use std::alloc::{self, Layout};
use std::sync::atomic::{AtomicBool, Ordering};

const PAGE: usize = 4096;
const ALIGN: usize = 64;
/// Bytes behind every data segment that must stay as they are.
const CANARY: usize = 16;
const CANARY_BYTE: u8 = 0xc7;

static POISON: AtomicBool = AtomicBool::new(false);

/// Makes every NET_BUFFER_LIST inaccessible while no driver owns it (rule O1), from the next allocation on.
pub fn set_poison(on: bool) {
    POISON.store(on, Ordering::Relaxed);
}

/// One block of memory, handed out front to back.
#[derive(Debug)]
pub(crate) struct Parcel {
    base: *mut u8,
    layout: Layout,
    used: usize,
    canaries: Vec<usize>,
    protectable: bool,
    accessible: bool,
}

// SAFETY: the block is plain memory; who may touch it when is decided by the ownership table, under its lock.
unsafe impl Send for Parcel {}

impl Parcel {
    /// A zeroed block that holds at least `bytes` plus `segments` data segments.
    pub(crate) fn new(bytes: usize, segments: usize) -> Self {
        let protectable = POISON.load(Ordering::Relaxed);
        let size = bytes + segments * (CANARY + ALIGN) + ALIGN;
        let layout = if protectable {
            Layout::from_size_align(size.next_multiple_of(PAGE), PAGE)
        } else {
            Layout::from_size_align(size.next_multiple_of(ALIGN), ALIGN)
        }
        .expect("a parcel is far smaller than the address space");
        // SAFETY: the layout is not empty.
        let base = unsafe { alloc::alloc_zeroed(layout) };
        if base.is_null() {
            alloc::handle_alloc_error(layout);
        }
        Self { base, layout, used: 0, canaries: Vec::new(), protectable, accessible: true }
    }

    /// Takes `size` zeroed bytes with alignment `align`.
    pub(crate) fn take(&mut self, size: usize, align: usize) -> *mut u8 {
        let start = self.used.next_multiple_of(align);
        assert!(start + size <= self.layout.size(), "parcel was laid out too small");
        self.used = start + size;
        // SAFETY: inside the block by the assertion.
        unsafe { self.base.add(start) }
    }

    /// Takes a data segment, followed by bytes which [`broken_canary`](Self::broken_canary) checks.
    pub(crate) fn take_data(&mut self, size: usize) -> *mut u8 {
        let data = self.take(size, 1);
        let canary = self.take(CANARY, 1);
        // SAFETY: `take` returned that many bytes of this block.
        unsafe { canary.write_bytes(CANARY_BYTE, CANARY) };
        self.canaries.push(canary as usize - self.base as usize);
        data
    }

    /// Whether somebody wrote behind a data segment; the distance from the parcel's start if so.
    pub(crate) fn broken_canary(&self) -> Option<usize> {
        self.canaries.iter().copied().find(|&at| {
            // SAFETY: `at` is the position of a canary inside the block, which is accessible to its checker.
            let bytes = unsafe { std::slice::from_raw_parts(self.base.add(at), CANARY) };
            bytes.iter().any(|&byte| byte != CANARY_BYTE)
        })
    }

    /// Grants or takes away access, if poisoning was on when the block was made.
    pub(crate) fn set_accessible(&mut self, accessible: bool) {
        if !self.protectable || self.accessible == accessible {
            return;
        }
        let protection = if accessible { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_NONE };
        // SAFETY: the block starts at a page and fills whole pages, so no other object is affected.
        let result = unsafe { libc::mprotect(self.base.cast(), self.layout.size(), protection) };
        assert_eq!(result, 0, "mprotect of a parcel");
        self.accessible = accessible;
    }

    /// Whether `address` lies in the block.
    pub(crate) fn contains(&self, address: usize) -> bool {
        (self.base as usize..self.base as usize + self.layout.size()).contains(&address)
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        self.set_accessible(true);
        // SAFETY: allocated with this layout in `new` and freed once.
        unsafe { alloc::dealloc(self.base, self.layout) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_behind_a_segment_is_noticed() {
        let mut parcel = Parcel::new(64, 2);
        let first = parcel.take_data(5);
        let _second = parcel.take_data(0);
        assert_eq!(parcel.broken_canary(), None);
        // SAFETY: the canary lies behind the five bytes, inside the parcel.
        unsafe { first.add(5).write(0) };
        assert!(parcel.broken_canary().is_some());
    }
}
