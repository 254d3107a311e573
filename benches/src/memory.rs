//! Memory for tables: every contender gets the same kind of pages.
#![expect(unsafe_code, reason = "an allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};

static HUGE: AtomicBool = AtomicBool::new(true);
/// Size of a huge page; smaller allocations are the system's.
const PAGE: usize = 2 << 20;

/// Says what pages large allocations get from now on.
pub(crate) fn use_huge_pages(huge: bool) {
    HUGE.store(huge, Ordering::Relaxed);
}

/// The system's allocator, and whole pages for what is large.
pub(crate) struct Pages;

// SAFETY: small blocks are the system's; large ones are mappings of their own, found by their size alone.
unsafe impl GlobalAlloc for Pages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() < PAGE {
            // SAFETY: passed on.
            return unsafe { System.alloc(layout) };
        }
        map(layout.size())
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if layout.size() < PAGE {
            // SAFETY: passed on.
            return unsafe { System.dealloc(block, layout) };
        }
        // SAFETY: mapped by `map` with this size.
        unsafe { libc::munmap(block.cast(), layout.size().next_multiple_of(PAGE)) };
    }
}

/// A mapping of whole huge pages, aligned to one.
fn map(size: usize) -> *mut u8 {
    let size = size.next_multiple_of(PAGE);
    // SAFETY: a fresh mapping; the parts in front and behind are given back.
    unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let base =
            libc::mmap(std::ptr::null_mut(), size + PAGE, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
        if base == libc::MAP_FAILED {
            return std::ptr::null_mut();
        }
        let front = (base as usize).next_multiple_of(PAGE) - base as usize;
        if front != 0 {
            libc::munmap(base, front);
        }
        let base = base.add(front);
        if front != PAGE {
            libc::munmap(base.add(size), PAGE - front);
        }
        advise(base.cast(), size);
        base.cast()
    }
}

/// Asks for the kind of pages that was chosen.
///
/// # Safety
/// The range must be mapped.
unsafe fn advise(base: *mut u8, size: usize) {
    let advice = if HUGE.load(Ordering::Relaxed) { libc::MADV_HUGEPAGE } else { libc::MADV_NOHUGEPAGE };
    // SAFETY: by the contract of this function.
    unsafe { libc::madvise(base.cast(), size, advice) };
}

/// Asks for the chosen kind of pages for all large mappings without a file that were made since, by libraries that
/// have allocators of their own.
pub(crate) fn advise_foreign() {
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else { return };
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let Some((start, end)) = words.next().and_then(|range| range.split_once('-')) else { continue };
        let number = |text| usize::from_str_radix(text, 16).unwrap_or(0);
        let (start, end, named) = (number(start), number(end), words.nth(4).is_some());
        if !named && end.saturating_sub(start) >= 32 << 20 {
            // SAFETY: the range is mapped: nothing else in this process runs now.
            unsafe { advise(start as *mut u8, end - start) };
        }
    }
}

/// A zeroed block, freed when dropped.
pub(crate) struct Block {
    memory: NonNull<u8>,
    layout: Layout,
}

impl Block {
    /// A block of this layout.
    pub(crate) fn zeroed(layout: Layout) -> Self {
        // SAFETY: the size is not zero.
        let memory = unsafe { std::alloc::alloc_zeroed(layout) };
        Self { memory: NonNull::new(memory).expect("memory"), layout }
    }

    /// Its first byte.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.memory
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated in `zeroed` with this layout.
        unsafe { std::alloc::dealloc(self.memory.as_ptr(), self.layout) };
    }
}

/// Name of the chosen kind of pages.
pub(crate) fn kind() -> &'static str {
    if HUGE.load(Ordering::Relaxed) { "transparent huge" } else { "4 KiB" }
}
