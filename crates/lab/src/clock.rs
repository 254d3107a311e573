//! The machine's clocks, in the units of the kernel.

use std::time::{SystemTime, UNIX_EPOCH};

/// Clock ticks are this many units of 100 ns apart.
pub const TIME_INCREMENT: u32 = 156_250;
/// Counts per second of the performance counter.
pub const COUNTER_FREQUENCY: u64 = 10_000_000;
/// 1970-01-01 in units of 100 ns since 1601-01-01.
const UNIX_EPOCH_IN_SYSTEM_TIME: u64 = 116_444_736_000_000_000;

/// Time since the machine started, in units of 100 ns.
pub fn interrupt_time() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: fills the structure on this stack.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 10_000_000 + time.tv_nsec as u64 / 100
}

/// Time of day, in units of 100 ns since 1601.
pub fn system_time() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH_IN_SYSTEM_TIME + (since.as_nanos() / 100) as u64
}
