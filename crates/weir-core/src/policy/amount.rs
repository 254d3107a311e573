//! Amounts of the policy language: rates, bursts, delays, and marks.

use super::diagnostic::Problem;
use super::treatment::Ask;
use super::value;
use crate::limit::{Limit, MAX_BURST_SECONDS, MAX_DELAY_MS, Unit};

/// Units of an amount, how many bits or packets they are, and which of both.
const SIZES: &[(&str, u64, Unit)] = &[
    ("bit", 1, Unit::Bits),
    ("kbit", 1_000, Unit::Bits),
    ("Mbit", 1_000_000, Unit::Bits),
    ("Gbit", 1_000_000_000, Unit::Bits),
    ("B", 8, Unit::Bits),
    ("kB", 8_000, Unit::Bits),
    ("MB", 8_000_000, Unit::Bits),
    ("GB", 8_000_000_000, Unit::Bits),
    ("KiB", 8 << 10, Unit::Bits),
    ("MiB", 8 << 20, Unit::Bits),
    ("GiB", 8 << 30, Unit::Bits),
    ("packets", 1, Unit::Packets),
];

/// Code points by name (RFC 2474, 2597, 3246, 5865, 8622).
const DSCPS: &[(&str, u8)] = &[
    ("default", 0),
    ("le", 1),
    ("cs1", 8),
    ("af11", 10),
    ("af12", 12),
    ("af13", 14),
    ("cs2", 16),
    ("af21", 18),
    ("af22", 20),
    ("af23", 22),
    ("cs3", 24),
    ("af31", 26),
    ("af32", 28),
    ("af33", 30),
    ("cs4", 32),
    ("af41", 34),
    ("af42", 36),
    ("af43", 38),
    ("cs5", 40),
    ("voice-admit", 44),
    ("ef", 46),
    ("cs6", 48),
    ("cs7", 56),
];

/// Units per second.
pub(super) fn rate(text: &str) -> Result<(Unit, u64), Problem> {
    let bad = || {
        Problem::new(
            format!("`{text}` is not a rate"),
            "write \"10 Mbit/s\", \"1.5 MB/s\" or \"200 packets/s\"; bits: bit/s, kbit/s, Mbit/s, Gbit/s; \
             bytes: B/s, kB/s, MB/s, GB/s, KiB/s, MiB/s, GiB/s",
        )
    };
    let (number, unit) = parts(text).ok_or_else(bad)?;
    let size = unit.strip_suffix("/s").ok_or_else(bad)?;
    let (rate, unit) = scaled(number, size).ok_or_else(bad)?;
    let (least, greatest) = Limit::rates(unit);
    if !(least..=greatest).contains(&rate) {
        let bounds = match unit {
            Unit::Bits => "8 kbit/s to 1000 Gbit/s".to_owned(),
            Unit::Packets => format!("{least} to {greatest} packets/s"),
        };
        return Err(Problem::new(format!("`{text}` is out of bounds"), format!("a rate is {bounds}")));
    }
    Ok((unit, rate))
}

/// Units that may pass at once.
pub(super) fn burst(text: &str) -> Result<(Unit, u64), Problem> {
    parts(text)
        .and_then(|(number, unit)| scaled(number, unit))
        .filter(|(burst, _)| *burst != 0)
        .map(|(burst, unit)| (unit, burst))
        .ok_or_else(|| {
            Problem::new(
                format!("`{text}` is not an amount"),
                "write \"64 KiB\", \"500 kbit\" or \"20 packets\"; it must not be zero",
            )
        })
}

/// The burst of a rule that names none: what passes in 25 ms, but a few packets at least.
pub(super) fn usual_burst(unit: Unit, rate: u64) -> u64 {
    let least = match unit {
        Unit::Bits => 8 * 4_096,
        Unit::Packets => 4,
    };
    (rate / 40).max(least)
}

/// What is wrong with a burst at this rate.
pub(super) fn check_burst(rate: (Unit, u64), burst: (Unit, u64)) -> Result<(), Problem> {
    if rate.0 != burst.0 {
        return Err(Problem::new(
            "`rate` and `burst` count different things",
            "give both in bits or bytes, or both in packets",
        ));
    }
    if burst.1 > rate.1.saturating_mul(MAX_BURST_SECONDS) {
        return Err(Problem::new(
            format!("at this rate the burst lasts longer than {MAX_BURST_SECONDS} seconds"),
            "a burst is what may pass at once after a pause; usual are 10 to 100 milliseconds of the rate",
        ));
    }
    Ok(())
}

/// Milliseconds.
fn duration(text: &str) -> Option<u32> {
    let (number, unit) = parts(text)?;
    let factor = match unit {
        "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        _ => return None,
    };
    u32::try_from(decimal(number, factor)?).ok()
}

/// How long the agent has for an answer, in milliseconds.
pub(super) fn timeout(text: &str) -> Result<u32, Problem> {
    duration(text).filter(|milliseconds| Ask::TIMEOUTS.contains(milliseconds)).ok_or_else(|| {
        let (least, most) = (Ask::TIMEOUTS.start() / 1_000, Ask::TIMEOUTS.end() / 60_000);
        Problem::new(
            format!("`{text}` is not a time for an answer"),
            format!("write \"30 s\" or \"2 min\"; from {least} s to {most} min"),
        )
    })
}

/// Milliseconds.
pub(super) fn delay(text: &str) -> Result<u32, Problem> {
    duration(text).filter(|milliseconds| (1..=MAX_DELAY_MS).contains(milliseconds)).ok_or_else(|| {
        Problem::new(
            format!("`{text}` is not a delay"),
            format!("write \"100 ms\" or \"0.5 s\"; from 1 ms to {MAX_DELAY_MS} ms"),
        )
    })
}

pub(super) fn priority(number: i64) -> Result<u8, Problem> {
    u8::try_from(number).ok().filter(|priority| *priority <= 7).ok_or_else(|| {
        Problem::new(format!("{number} is not an 802.1p priority"), "they go from 0 (or 1, the lowest) to 7")
    })
}

pub(super) fn dscp_name(text: &str) -> Result<u8, Problem> {
    match text.parse::<i64>() {
        Ok(number) => dscp_number(number),
        Err(_) => value::named("DSCP", text, DSCPS),
    }
}

pub(super) fn dscp_number(number: i64) -> Result<u8, Problem> {
    u8::try_from(number).ok().filter(|dscp| *dscp <= 63).ok_or_else(|| {
        Problem::new(
            format!("{number} is not a DSCP"),
            "they go from 0 to 63; of a whole traffic class byte take the upper six bits",
        )
    })
}

/// The number and the unit behind it.
fn parts(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at_checked(end)?;
    Some((number, unit.trim_start()))
}

fn scaled(number: &str, unit: &str) -> Option<(u64, Unit)> {
    let (_, factor, unit) = SIZES.iter().find(|(name, ..)| *name == unit || *name == format!("{unit}s"))?;
    Some((decimal(number, *factor)?, *unit))
}

/// A decimal number times `factor`, when that is a whole number.
fn decimal(number: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let digits = whole.parse::<u64>().map(u128::from).ok()?.checked_mul(scale)?;
    let product =
        digits.checked_add(u128::from(fraction.parse::<u64>().ok()?))?.checked_mul(factor.into())?;
    (product % scale == 0).then(|| u64::try_from(product / scale).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        for (text, expected) in [
            ("10 Mbit/s", (Unit::Bits, 10_000_000)),
            ("10Mbit/s", (Unit::Bits, 10_000_000)),
            ("1.5 MB/s", (Unit::Bits, 12_000_000)),
            ("64 KiB/s", (Unit::Bits, 524_288)),
            ("1000 Gbit/s", (Unit::Bits, 1_000_000_000_000)),
            ("200 packets/s", (Unit::Packets, 200)),
            ("1 packet/s", (Unit::Packets, 1)),
        ] {
            assert_eq!(rate(text).unwrap(), expected, "{text}");
        }
        let bad = "10|Mbit/s|10 Mbit|10 mbit/s|10 Mb/s|7 kbit/s|1001 Gbit/s|0 packets/s|0.5 packets/s|1..2 MB/s|-1 MB/s|1. B/s|";
        for bad in bad.split('|') {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn bursts_and_delays() {
        assert_eq!(burst("64 KiB").unwrap(), (Unit::Bits, 64 * 8_192));
        assert_eq!(burst("20 packets").unwrap(), (Unit::Packets, 20));
        assert!(burst("0 B").is_err() && burst("5").is_err());
        assert!(check_burst((Unit::Bits, 8_000), (Unit::Packets, 1)).is_err());
        assert!(check_burst((Unit::Bits, 8_000), (Unit::Bits, 480_001)).is_err());
        assert!(check_burst((Unit::Bits, 8_000), (Unit::Bits, 480_000)).is_ok());
        assert_eq!((delay("100 ms").unwrap(), delay("0.5 s").unwrap()), (100, 500));
        for bad in ["0 ms", "10.001 s", "11 s", "1 min", "100"] {
            assert!(delay(bad).is_err(), "{bad}");
        }
        assert_eq!((timeout("1 s").unwrap(), timeout("1.5 min").unwrap()), (1_000, 90_000));
        for bad in ["999 ms", "10.01 min", "30", "s", "1 h"] {
            assert!(timeout(bad).is_err(), "{bad}");
        }
        for (unit, least) in [(Unit::Bits, 8_000), (Unit::Packets, 1)] {
            assert!(check_burst((unit, least), (unit, usual_burst(unit, least))).is_ok());
        }
    }

    #[test]
    fn marks() {
        assert!(DSCPS.iter().all(|(_, code)| dscp_number(i64::from(*code)).is_ok()));
        assert!(dscp_number(64).is_err() && dscp_number(-1).is_err());
        assert!(priority(7).is_ok() && priority(8).is_err());
    }
}
