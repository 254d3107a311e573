//! Token buckets: how much of what a rule permits may pass now.
//!
//! A bucket is one word that all processors share without a lock. It holds no tokens but a time: the moment at
//! which everything admitted so far would have passed at exactly the configured rate (the "theoretical arrival
//! time" of the generic cell rate algorithm, ITU-T I.371). What is admitted moves it on by amount / rate; it may
//! lead the clock by burst / rate. So nothing has to be refilled, and nothing is lost by rounding: the time has
//! a binary fraction as long as the rate needs, and each step errs by less than one unit of it, to the safe side.

use super::sync::{AtomicU64, Ordering};
use crate::{Time, zeroed_struct};

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bits of frames, link-layer header included.
    Bits,
    /// Packets: what the caller takes for one.
    Packets,
}

/// Who shares the bucket of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything that the rule decides.
    Rule,
    /// One flow. Frames without a flow share the rule's bucket.
    Flow,
}

/// What happens to frames over a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// They are dropped.
    Drop,
    /// They wait for their turn, but not longer than this (in 100 ns units); those that would are dropped.
    Delay(u64),
}

/// A rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What it counts.
    pub unit: Unit,
    /// Units per second, within [`Limit::rates`].
    pub rate: u64,
    /// Units that may pass at once after a pause.
    pub burst: u64,
    /// Who shares it.
    pub scope: Scope,
    /// What happens to the rest.
    pub excess: Excess,
}

/// What a bucket says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// Pass now.
    Now,
    /// Pass then, and not before. The bucket has counted it already.
    At(Time),
    /// Do not pass. Nothing was counted.
    Over,
}

/// Longest time that a burst may last, in seconds.
pub const MAX_BURST_SECONDS: u64 = 60;
/// Longest time that a frame may wait, in milliseconds: a pause of the adapter waits for sends that wait, and shall end
/// within a second.
pub const MAX_DELAY_MS: u32 = 900;
/// 100 ns units in a millisecond.
pub(crate) const MILLISECOND: u64 = Time::SECOND / 1_000;
/// By how much the clocks of two callers may differ, in 100 ns units: a processor of a virtual machine may stand
/// still between looking at the clock and asking.
const SKEW: u64 = 10 * Time::SECOND;
/// Attempts to change a bucket that other processors change at the same moment.
const ATTEMPTS: usize = 64;
/// Amounts are turned to time in pieces of this many bits, so that products fit 64 bits.
const PIECE_BITS: u32 = 24;

impl Limit {
    /// Least and greatest rate in this unit.
    #[must_use]
    pub fn rates(unit: Unit) -> (u64, u64) {
        match unit {
            Unit::Bits => (8_000, 1_000_000_000_000),
            Unit::Packets => (1, 1_000_000_000),
        }
    }

    /// True when every field is within its bounds.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let (least, greatest) = Self::rates(self.unit);
        let delay = match self.excess {
            Excess::Drop => true,
            Excess::Delay(most) => (1..=u64::from(MAX_DELAY_MS).saturating_mul(MILLISECOND)).contains(&most),
        };
        (least..=greatest).contains(&self.rate)
            && self.burst >= 1
            && self.burst <= self.rate.saturating_mul(MAX_BURST_SECONDS)
            && delay
    }

    /// Bits of the binary fraction of a bucket's time: as many as leave the smallest packet's share of the rate
    /// about a million units, so that slow buckets can count years and fast ones picoseconds.
    fn fraction(&self) -> u32 {
        let magnitude = self.rate.max(1).ilog2();
        let least = match self.unit {
            Unit::Bits => 13,
            Unit::Packets => 3,
        };
        magnitude.saturating_sub(least).clamp(8, 24)
    }

    /// Time that `amount` takes at the rate, rounded up, in 100 ns units with `fraction` bits behind the point.
    fn duration(&self, amount: u64, fraction: u32) -> u64 {
        let rate = self.rate.max(1);
        let second = Time::SECOND << fraction;
        let (quotient, remainder) = (second / rate, second % rate);
        // `amount` is below 2^24 and `remainder` below `rate`, which is below 2^40.
        let exact = |amount: u64| {
            amount.saturating_mul(quotient).saturating_add(amount.saturating_mul(remainder).div_ceil(rate))
        };
        let (pieces, rest) = (amount >> PIECE_BITS, amount & ((1 << PIECE_BITS) - 1));
        let whole = if pieces == 0 { 0 } else { pieces.saturating_mul(exact(1 << PIECE_BITS)) };
        whole.saturating_add(exact(rest))
    }
}

zeroed_struct! {
    /// The state of one limit: see the module. All zero means that nothing has passed.
    #[derive(Debug)]
    #[repr(transparent)]
    pub struct Bucket {
        time: AtomicU64,
    }
}

impl Bucket {
    /// A bucket through which nothing has passed.
    #[must_use]
    pub fn new() -> Self {
        Self { time: AtomicU64::new(0) }
    }

    /// Forgets what has passed.
    pub fn reset(&self) {
        self.time.store(0, Ordering::Relaxed);
    }

    /// Asks to let `amount` units pass at `now`; `now` may lag behind that of other callers.
    ///
    /// An amount beyond the whole burst (a 64 KB frame under a small limit) passes when the bucket is full, and
    /// what comes next waits for it: so large frames are slowed down, not locked out.
    #[must_use]
    pub fn charge(&self, limit: &Limit, now: Time, amount: u64) -> Passage {
        let fraction = limit.fraction();
        let clock = now.0 << fraction;
        let burst = limit.duration(limit.burst, fraction);
        let cost = limit.duration(amount, fraction);
        let patience = match limit.excess {
            Excess::Drop => 0,
            Excess::Delay(most) => most << fraction,
        };
        // Nobody can have led the clock by more: what seems to is a word that was not touched for so long that
        // the clock came round, or was written under another limit.
        let largest = limit.duration(LARGEST, fraction).max(cost);
        let horizon = burst
            .saturating_add(patience)
            .saturating_add(largest)
            .saturating_add(SKEW << fraction)
            .min(u64::MAX / 2);
        let mut seen = self.time.load(Ordering::Relaxed);
        for _ in 0..ATTEMPTS {
            let lead = seen.wrapping_sub(clock);
            let lead = if lead <= horizon { lead } else { 0 };
            let wait = lead.saturating_add(cost.min(burst)).saturating_sub(burst);
            if wait > patience {
                return Passage::Over;
            }
            let next = clock.wrapping_add(lead).wrapping_add(cost);
            match self.time.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) if wait == 0 => return Passage::Now,
                Ok(_) => return Passage::At(Time(now.0.saturating_add(wait.div_ceil(1 << fraction)))),
                Err(other) => seen = other,
            }
        }
        Passage::Over
    }
}

impl Default for Bucket {
    fn default() -> Self {
        Self::new()
    }
}

/// More units than any single frame has: 256 KB in bits.
const LARGEST: u64 = 1 << 21;
