//! The machine's clocks, in the units of the kernel: the host's, or virtual ones that only the schedule advances.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Clock ticks are this many units of 100 ns apart.
pub const TIME_INCREMENT: u32 = 156_250;
/// Counts per second of the performance counter.
pub const COUNTER_FREQUENCY: u64 = 10_000_000;
/// 1970-01-01 in units of 100 ns since 1601-01-01.
const UNIX_EPOCH_IN_SYSTEM_TIME: u64 = 116_444_736_000_000_000;
/// Where virtual time begins: a minute after the start of the machine, at 2026-01-01.
const VIRTUAL_START: u64 = 600_000_000;
const VIRTUAL_DAY: u64 = UNIX_EPOCH_IN_SYSTEM_TIME + 1_767_225_600 * 10_000_000;

/// The host's time at which virtual time began.
static BEGUN: OnceLock<Instant> = OnceLock::new();
/// Virtual nanoseconds since then.
static ELAPSED: AtomicU64 = AtomicU64::new(0);

/// Makes time virtual for the rest of the process: it stands still unless it is advanced.
pub(crate) fn make_virtual() {
    BEGUN.get_or_init(Instant::now);
}

/// Whether time is virtual.
pub fn is_virtual() -> bool {
    BEGUN.get().is_some()
}

/// Lets virtual time pass.
pub(crate) fn advance(time: Duration) {
    ELAPSED.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
}

/// Lets virtual time pass at once; real time goes on as it does.
pub fn jump(time: Duration) {
    if is_virtual() {
        advance(time);
    }
}

/// Lets virtual time pass until `moment`, unless it is past already.
pub(crate) fn advance_to(moment: Instant) {
    advance(moment.saturating_duration_since(now()));
}

/// Now, as deadlines in the lab are given.
pub fn now() -> Instant {
    match BEGUN.get() {
        Some(begun) => *begun + Duration::from_nanos(ELAPSED.load(Ordering::Relaxed)),
        None => Instant::now(),
    }
}

/// Time since the machine started, in units of 100 ns.
pub fn interrupt_time() -> u64 {
    if is_virtual() {
        return VIRTUAL_START + ELAPSED.load(Ordering::Relaxed) / 100;
    }
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: fills the structure on this stack.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 10_000_000 + time.tv_nsec as u64 / 100
}

/// Time of day, in units of 100 ns since 1601.
pub fn system_time() -> u64 {
    if is_virtual() {
        return VIRTUAL_DAY + ELAPSED.load(Ordering::Relaxed) / 100;
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH_IN_SYSTEM_TIME + (since.as_nanos() / 100) as u64
}
