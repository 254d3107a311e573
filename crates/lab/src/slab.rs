//! Pool for measurements: free lists by size, one set for each thread, without guard pages or records.

use std::alloc::{self, Layout};
use std::cell::Cell;

/// In front of every block: its size class. A block keeps the alignment of the pool.
const HEADER: usize = 16;
/// Blocks of a page and more begin at a page.
const PAGE: usize = 4096;
/// Smallest and largest block on a free list, header included: 32 bytes to a page.
const FIRST: u32 = 5;
const CLASSES: usize = 8;
/// Memory that is cut into blocks at a time.
const CHUNK: usize = 1 << 18;
const LARGE: usize = usize::MAX;

thread_local! {
    static FREE: [Cell<*mut u8>; CLASSES] = const { [const { Cell::new(std::ptr::null_mut()) }; CLASSES] };
    static CHUNK_LEFT: Cell<(*mut u8, usize)> = const { Cell::new((std::ptr::null_mut(), 0)) };
}

fn large(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_add(PAGE)?, PAGE).ok()
}

/// A block of `size` bytes, zeroed if asked for; null if there is no memory.
pub(crate) fn allocate(size: usize, zero: bool) -> *mut u8 {
    let whole = size + HEADER;
    let class = (whole.next_power_of_two().trailing_zeros().max(FIRST) - FIRST) as usize;
    if size >= PAGE || class >= CLASSES {
        return large(size).map_or(std::ptr::null_mut(), |layout| {
            // SAFETY: the layout is not empty; the header and the size lie in the page before the block.
            unsafe {
                let base = alloc::alloc_zeroed(layout);
                if base.is_null() {
                    return base;
                }
                let block = base.add(PAGE);
                block.sub(HEADER).cast::<[usize; 2]>().write([LARGE, size]);
                block
            }
        });
    }
    let block = FREE.with(|free| {
        let block = free[class].get();
        if block.is_null() {
            return carve(class);
        }
        // SAFETY: a free block keeps the next one in its first bytes.
        free[class].set(unsafe { block.cast::<*mut u8>().read() });
        block
    });
    if zero && !block.is_null() {
        // SAFETY: the class has room for `size` bytes behind the header.
        unsafe { block.write_bytes(0, size) };
    }
    block
}

/// A new block of the class from the thread's chunk.
fn carve(class: usize) -> *mut u8 {
    let whole = 1usize << (class as u32 + FIRST);
    CHUNK_LEFT.with(|chunk| {
        let (mut at, mut left) = chunk.get();
        if left < whole {
            // SAFETY: a fixed layout, not empty. What is left of the old chunk stays unused.
            at = unsafe { alloc::alloc(Layout::from_size_align_unchecked(CHUNK, PAGE)) };
            if at.is_null() {
                return at;
            }
            left = CHUNK;
        }
        // SAFETY: the chunk has `left` bytes from `at` on.
        unsafe {
            chunk.set((at.add(whole), left - whole));
            let block = at.add(HEADER);
            at.cast::<[usize; 2]>().write([class, 0]);
            block
        }
    })
}

/// Frees the block at `address`.
///
/// # Safety
/// The block is live and from [`allocate`]. Any thread may free it.
pub(crate) unsafe fn free(address: usize) {
    let block = address as *mut u8;
    // SAFETY: the header lies in front of every block; the caller guarantees a live one.
    unsafe {
        let [class, size] = block.sub(HEADER).cast::<[usize; 2]>().read();
        if class == LARGE {
            if let Some(layout) = large(size) {
                alloc::dealloc(block.sub(PAGE), layout);
            }
            return;
        }
        FREE.with(|free| {
            block.cast::<*mut u8>().write(free[class].get());
            free[class].set(block);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_apart_aligned_zeroed_and_used_again() {
        let sizes = [1, 8, 16, 17, 100, 1000, 4000, 4080, 4096, 5000, 1 << 20];
        let blocks: Vec<(*mut u8, usize)> =
            sizes.iter().cycle().take(220).map(|&size| (allocate(size, true), size)).collect();
        for (i, &(block, size)) in blocks.iter().enumerate() {
            assert!((block as usize).is_multiple_of(if size >= PAGE { PAGE } else { 16 }), "{size}");
            // SAFETY: inside the block.
            unsafe {
                assert!((0..size).all(|at| block.add(at).read() == 0));
                block.write_bytes(i as u8, size);
            }
        }
        for (i, &(block, size)) in blocks.iter().enumerate() {
            // SAFETY: inside the block, which is freed once.
            unsafe {
                assert!((0..size).all(|at| block.add(at).read() == i as u8), "{size}");
                free(block as usize);
            }
        }
        let again = allocate(100, true);
        assert!(blocks.iter().any(|(block, _)| *block == again));
        // SAFETY: as above.
        unsafe { free(again as usize) };
    }
}
