//! A stand-in for the page of data that the kernel shares with everyone at a fixed address.

use std::sync::OnceLock;
use std::time::Duration;

use crate::clock;

const SHARED: u64 = 0xffff_f780_0000_0000;
const PAGE: usize = 4096;
const TICK_MULTIPLIER: usize = 0x4;
const INTERRUPT_TIME: usize = 0x8;
const SYSTEM_TIME: usize = 0x14;
const TICK_COUNT: usize = 0x320;

/// Rewrites constants in code that name the shared page, so that they name the stand-in. User space cannot
/// have a page at the real address.
pub(crate) fn redirect(start: usize, size: usize) {
    // SAFETY: the caller passes a section of an image that is being loaded, still writable.
    let code = unsafe { std::slice::from_raw_parts_mut(start as *mut u8, size) };
    for at in 0..size.saturating_sub(7) {
        let Some(bytes) = code.get_mut(at..at + 8) else { break };
        let value = u64::from_le_bytes([
            bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
        ]);
        if value & !0xfff == SHARED {
            let replacement = page() as u64 + (value & 0xfff);
            bytes.copy_from_slice(&replacement.to_le_bytes());
        }
    }
}

/// The stand-in page; a thread keeps its clocks going from the first use on.
fn page() -> usize {
    static PAGE_ADDRESS: OnceLock<usize> = OnceLock::new();
    *PAGE_ADDRESS.get_or_init(|| {
        // SAFETY: a fresh private mapping.
        let page = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                PAGE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        assert_ne!(page, libc::MAP_FAILED, "no memory for the shared data page");
        let page = page as usize;
        update(page);
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_millis(1));
                update(page);
            }
        });
        page
    })
}

fn update(page: usize) {
    let put = |offset: usize, value: u64| {
        // SAFETY: inside the page, which stays mapped; readers accept any recent value.
        unsafe { ((page + offset) as *mut u64).write_unaligned(value) };
    };
    put(INTERRUPT_TIME, clock::interrupt_time());
    put(SYSTEM_TIME, clock::system_time());
    put(TICK_COUNT, clock::interrupt_time() / u64::from(clock::TIME_INCREMENT));
    // SAFETY: as above. 15.625 ms per tick, in units of 2^-24 ms.
    unsafe { ((page + TICK_MULTIPLIER) as *mut u32).write_unaligned(0x0fa0_0000) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_that_name_the_page_are_redirected_and_the_clock_goes() {
        let mut code = vec![0x90u8; 64];
        // mov rax, 0xfffff78000000008
        code[3..5].copy_from_slice(&[0x48, 0xb8]);
        code[5..13].copy_from_slice(&(SHARED + INTERRUPT_TIME as u64).to_le_bytes());
        let before = code.clone();
        redirect(code.as_mut_ptr() as usize, code.len());
        let address = u64::from_le_bytes(code[5..13].try_into().unwrap());
        assert_eq!(address, page() as u64 + INTERRUPT_TIME as u64);
        assert!(code[..5] == before[..5] && code[13..] == before[13..]);
        // SAFETY: the stand-in page stays mapped.
        let read = || unsafe { (address as *const u64).read_volatile() };
        let start = read();
        std::thread::sleep(Duration::from_millis(30));
        assert!(read() > start);
    }
}
