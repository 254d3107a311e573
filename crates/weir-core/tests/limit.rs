//! A bucket lets a burst pass, and then the rate.

use weir_core::Time;
use weir_core::limit::{Bucket, Excess, Limit, MAX_BURST_SECONDS, MAX_DELAY_MS, Passage, Scope, Unit};

/// 100 ns units.
const MILLISECOND: u64 = Time::SECOND / 1_000;

fn limit(unit: Unit, rate: u64, burst: u64) -> Limit {
    Limit { unit, rate, burst, scope: Scope::Rule, excess: Excess::Drop }
}

#[test]
fn a_burst_then_the_rate() {
    let limit = limit(Unit::Packets, 10, 3);
    let bucket = Bucket::new();
    let start = Time(133_000_000_000_000_000);
    let at = |tenths: u64| Time(start.0 + tenths * Time::SECOND / 10);
    let ask = |tenths| bucket.charge(&limit, at(tenths), 1);
    assert_eq!([ask(0), ask(0), ask(0), ask(0)], [Passage::Now, Passage::Now, Passage::Now, Passage::Over]);
    assert_eq!([ask(1), ask(1)], [Passage::Now, Passage::Over]);
    assert_eq!([ask(3), ask(3), ask(3)], [Passage::Now, Passage::Now, Passage::Over]);
    assert_eq!([ask(1_000), ask(1_000), ask(1_000)], [Passage::Now; 3]);
    assert_eq!(ask(1_000), Passage::Over);
}

#[test]
fn delays_follow_each_other_at_the_rate_and_end_at_the_bound() {
    let limit = Limit { excess: Excess::Delay(250 * MILLISECOND), ..limit(Unit::Packets, 10, 1) };
    let bucket = Bucket::new();
    let now = Time(Time::SECOND);
    assert_eq!(bucket.charge(&limit, now, 1), Passage::Now);
    assert_eq!(bucket.charge(&limit, now, 1), Passage::At(Time(now.0 + 100 * MILLISECOND)));
    assert_eq!(bucket.charge(&limit, now, 1), Passage::At(Time(now.0 + 200 * MILLISECOND)));
    assert_eq!(bucket.charge(&limit, now, 1), Passage::Over);
}

#[test]
fn what_exceeds_the_burst_passes_full_buckets_and_is_paid_for() {
    let limit = limit(Unit::Bits, 8_000_000, 8_000);
    let bucket = Bucket::new();
    let start = Time(Time::SECOND);
    assert_eq!(bucket.charge(&limit, start, 800_000), Passage::Now);
    // 800,000 bits take 100 ms; the bucket of 1 ms is full again then.
    assert_eq!(bucket.charge(&limit, Time(start.0 + 99 * MILLISECOND), 8_000), Passage::Over);
    assert_eq!(bucket.charge(&limit, Time(start.0 + 100 * MILLISECOND), 8_000), Passage::Now);
}

#[test]
fn an_old_word_is_an_empty_lead() {
    let fast = limit(Unit::Bits, 1_000_000_000_000, 1_000_000);
    let bucket = Bucket::new();
    for days in 0..4_000_u64 {
        let now = Time(days * 86_400 * Time::SECOND);
        assert_eq!(bucket.charge(&fast, now, 1_000_000), Passage::Now, "day {days}");
    }
    // Another limit takes the word over.
    let slow = limit(Unit::Packets, 1, 1);
    let now = Time(5_000 * 86_400 * Time::SECOND);
    assert_eq!(bucket.charge(&slow, now, 1), Passage::Now);
}

#[test]
fn bounds() {
    assert!(limit(Unit::Bits, 8_000, 1).is_valid());
    assert!(!limit(Unit::Bits, 7_999, 1).is_valid());
    assert!(!limit(Unit::Bits, 8_000, 0).is_valid());
    assert!(!limit(Unit::Bits, 8_000, 8_000 * MAX_BURST_SECONDS + 1).is_valid());
    assert!(!limit(Unit::Packets, 1_000_000_001, 1).is_valid());
    let delayed = |delay| Limit { excess: Excess::Delay(delay), ..limit(Unit::Packets, 1, 1) };
    assert!(!delayed(0).is_valid());
    assert!(delayed(u64::from(MAX_DELAY_MS) * MILLISECOND).is_valid());
    assert!(!delayed(u64::from(MAX_DELAY_MS) * MILLISECOND + 1).is_valid());
}
