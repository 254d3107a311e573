//! A limit admits its rate and its burst, not more and hardly less, whoever asks and in whatever steps.

mod support;

use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use support::{LOCAL, Owned, REMOTE, V4, ethernet_interface, udp};
use weir_core::counters::Counter;
use weir_core::limit::{Bucket, Excess, Limit, MAX_BURST_SECONDS, Passage, Scope, Unit};
use weir_core::{Direction, Time};

/// Amounts that pass at `rate` in `time`, rounded down.
fn share(rate: u64, time: u64) -> u128 {
    u128::from(rate) * u128::from(time) / u128::from(Time::SECOND)
}

fn limit() -> impl Strategy<Value = Limit> {
    let bits = (13_u32..40, any::<u64>(), any::<u64>()).prop_map(|(magnitude, salt, burst)| {
        let (least, greatest) = Limit::rates(Unit::Bits);
        let rate = ((1 << magnitude) + salt % (1 << magnitude)).clamp(least, greatest);
        (Unit::Bits, rate, 1 + burst % (rate * MAX_BURST_SECONDS).min(1 << 24))
    });
    let packets = (0_u32..30, any::<u64>(), any::<u64>()).prop_map(|(magnitude, salt, burst)| {
        let rate = ((1 << magnitude) + salt % (1 << magnitude)).min(Limit::rates(Unit::Packets).1);
        (Unit::Packets, rate, 1 + burst % (rate * MAX_BURST_SECONDS).min(1_000))
    });
    (prop_oneof![bits, packets], prop::option::of(1_u64..10_000_000)).prop_map(
        |((unit, rate, burst), delay)| Limit {
            unit,
            rate,
            burst,
            scope: Scope::Rule,
            excess: delay.map_or(Excess::Drop, Excess::Delay),
        },
    )
}

/// An amount that this limit could be asked for.
fn amount(limit: &Limit, salt: u64) -> u64 {
    match limit.unit {
        Unit::Bits => 512 + salt % 523_776,
        Unit::Packets => 1 + salt % 44,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// Never more than rate x time + burst + the one amount that may exceed a full bucket.
    #[test]
    fn no_window_has_more_than_its_share(
        limit in limit(),
        start in 0_u64..1 << 58,
        asks in prop::collection::vec((any::<u64>(), 0_u64..2_000_000), 2..400),
    ) {
        let bucket = Bucket::new();
        let mut now = Time(start);
        let mut passed: Vec<(u64, u64)> = Vec::new();
        let mut largest = 0;
        for (salt, step) in asks {
            now.0 += step;
            let amount = amount(&limit, salt);
            largest = largest.max(amount);
            match bucket.charge(&limit, now, amount) {
                Passage::Now => passed.push((now.0, amount)),
                Passage::At(then) => {
                    let Excess::Delay(most) = limit.excess else { panic!("a delay without being asked for") };
                    prop_assert!(then > now && then.since(now) <= most + 1);
                    passed.push((then.0, amount));
                }
                Passage::Over => {}
            }
        }
        prop_assert!(passed.is_sorted_by_key(|(when, _)| *when), "nobody overtakes");
        for first in [0, passed.len() / 3, passed.len() / 2] {
            let Some((from, _)) = passed.get(first) else { continue };
            let mut sum = 0_u128;
            for (when, amount) in &passed[first..] {
                sum += u128::from(*amount);
                let bound = share(limit.rate, when - from) + u128::from(limit.burst.max(largest)) + 1;
                prop_assert!(sum <= bound, "{sum} of {bound} in {}", when - from);
            }
        }
    }

    /// A sender that always has more gets the whole rate, exactly, however long it sends.
    #[test]
    fn whoever_always_asks_gets_the_whole_rate(limit in limit(), salt in any::<u64>(), start in 0_u64..1 << 58) {
        let bucket = Bucket::new();
        let amount = amount(&limit, salt);
        // Steps of a hundredth of what one amount takes, but one tick at least; what a step brings must find room.
        let each = u128::from(amount) * u128::from(Time::SECOND) / u128::from(limit.rate);
        let step = u64::try_from(each / 100).unwrap().max(1);
        let room = amount + u64::try_from(share(limit.rate, 2 * step)).unwrap() + 1;
        let limit = Limit { burst: limit.burst.max(room), ..limit };
        prop_assume!(limit.is_valid());
        let mut passed = 0_u128;
        let mut end = start;
        for tick in 0..4_000_u64 {
            let now = Time(start + tick * step);
            end = now.0;
            while bucket.charge(&limit, now, amount) != Passage::Over {
                passed += u128::from(amount);
            }
        }
        let delay = match limit.excess {
            Excess::Drop => 0,
            Excess::Delay(most) => most,
        };
        let ideal = share(limit.rate, end - start + delay) + u128::from(limit.burst);
        let slack = u128::from(amount) + ideal / 100_000 + share(limit.rate, 2 * step);
        prop_assert!(passed <= ideal + u128::from(amount), "{passed} > {ideal}");
        prop_assert!(passed + slack >= ideal, "{passed} < {ideal} - {slack}");
    }
}

/// Processors that share a bucket share the rate: two threads, ten seconds of a virtual clock, 2 % at most.
#[test]
fn threads_share_one_rate() {
    for (rate, size) in [(10_000_000, 1_514 * 8), (100_000_000, 64 * 8), (10_000_000_000, 65_549 * 8)] {
        let limit =
            Limit { unit: Unit::Bits, rate, burst: rate / 100, scope: Scope::Rule, excess: Excess::Drop };
        let bucket = Bucket::new();
        let clock = AtomicU64::new(Time::SECOND);
        let end = 11 * Time::SECOND;
        let passed = AtomicU64::new(0);
        // Each thread moves the clock on, so that both always see about the same time; together they offer
        // twice the rate.
        let step = (u128::from(size) * u128::from(Time::SECOND) / u128::from(rate) / 2).max(1) as u64;
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut mine = 0;
                    loop {
                        let now = clock.fetch_add(step, Ordering::Relaxed);
                        if now >= end {
                            break;
                        }
                        if bucket.charge(&limit, Time(now), size) == Passage::Now {
                            mine += size;
                        }
                    }
                    passed.fetch_add(mine, Ordering::Relaxed);
                });
            }
        });
        let measured = passed.into_inner() / 10;
        let off = measured.abs_diff(rate) as f64 / rate as f64 * 100.0;
        println!("{rate} bit/s: measured {measured}, off by {off:.2} %");
        assert!(off <= 2.0, "{rate} bit/s: measured {measured}");
    }
}

/// The same through the engine: per rule and per flow, both directions apart, all frames accounted for.
#[test]
fn rules_and_flows_have_buckets_of_their_own() {
    for (per, flows, expected) in [("rule", 4, 1), ("flow", 4, 4)] {
        let owned = Owned::small();
        owned.set_policy(&format!(
            "[[rule]]\nname = 'slow'\naction = 'rate-limit'\nrate = '8 Mbit/s'\nburst = '10 kB'\nper = '{per}'\n"
        ));
        let engine = owned.get();
        let interface = ethernet_interface();
        let frame = |flow: u16, direction| {
            let (from, to, source, target) = match direction {
                Direction::Send => (LOCAL, REMOTE, 5_000 + flow, 53),
                Direction::Receive => (REMOTE, LOCAL, 53, 5_000 + flow),
            };
            V4::new(from, to, 17).frame(&udp(source, target, &[0; 958]))
        };
        let bytes = frame(0, Direction::Send).len() as u64;
        let offered = 40_000_u64;
        std::thread::scope(|scope| {
            for (processor, direction) in [(0, Direction::Send), (1, Direction::Receive)] {
                scope.spawn(move || {
                    let mut passed = 0;
                    for number in 0..offered {
                        // Ten seconds; four times the rate for each flow.
                        let now = Time(Time::SECOND + number * 10 * Time::SECOND / offered);
                        let mut batch = engine.batch(processor, now);
                        let frame = frame((number % flows) as u16, direction);
                        let verdict = batch.inspect(&interface, direction, &frame[..], None);
                        if batch.charge(&verdict.toll.expect("a limit")) == Passage::Now {
                            passed += bytes;
                        }
                    }
                    let rate = 1_000_000 * expected;
                    let measured = passed / 10;
                    println!("per {per}, {direction:?}: {measured} of {rate} bytes/s");
                    assert!(measured.abs_diff(rate) * 50 <= rate, "per {per}: {measured} bytes/s");
                });
            }
        });
        let passed = engine.counter(Counter::PermittedByRule);
        let blocked = engine.counter(Counter::BlockedByLimit);
        assert_eq!(passed + blocked, 2 * offered);
        assert_eq!(engine.counter(Counter::BytesBlocked), blocked * bytes);
        let mut seen = (0, 0);
        engine.list_flows(0, 0, &mut |flow| {
            seen.0 += flow.sent.frames + flow.received.frames;
            seen.1 += flow.sent_blocked.frames + flow.received_blocked.frames;
            true
        });
        assert_eq!(seen, (passed, blocked));
    }
}

#[test]
fn a_dropped_list_is_counted_without_being_charged() {
    let owned = Owned::small();
    owned.set_policy(
        "[[rule]]\nname = 'slow'\naction = 'rate-limit'\nrate = '2 packets/s'\nburst = '2 packets'\nover = 'delay'\nmax-delay = '900 ms'\n",
    );
    let interface = ethernet_interface();
    let frame = V4::new(LOCAL, REMOTE, 17).frame(&udp(1, 2, &[]));
    let mut batch = owned.get().batch(0, Time(Time::SECOND));
    let mut toll = || batch.inspect(&interface, Direction::Send, &frame[..], None).toll.unwrap();
    let (mut first, second, third, fourth) = (toll(), toll(), toll(), toll());
    first.join(&second);
    batch.forgo(&third);
    assert_eq!(batch.charge(&first), Passage::Now, "both at once");
    assert_eq!(batch.charge(&fourth), Passage::At(Time(Time::SECOND * 3 / 2)));
    drop(batch);
    let count = |counter| owned.get().counter(counter);
    assert_eq!(count(Counter::PermittedByRule), 3);
    assert_eq!(count(Counter::BlockedByRule), 1);
    assert_eq!(count(Counter::Delayed), 1);
    assert_eq!(owned.get().rule_hits(0).frames, 4);
}
