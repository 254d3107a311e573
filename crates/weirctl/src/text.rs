//! Numbers, times and protocols in words.

use console::measure_text_width;
use weir_core::wire::Malformed;

/// `1 frame`, `2 frames`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// Bytes with three digits and a binary unit.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if number < 1024 {
        return format!("{number} B");
    }
    let mut value = number as f64 / 1024.0;
    let mut units = UNITS.into_iter();
    let mut unit = units.next().unwrap_or_default();
    // 999.95 would print as 1000.0.
    while value >= 999.95 {
        let Some(next) = units.next() else { break };
        value /= 1024.0;
        unit = next;
    }
    if value < 99.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// A span of nanoseconds, as a person would say it.
pub(crate) fn span(nanoseconds: u64) -> String {
    let seconds = nanoseconds as f64 / 1e9;
    match nanoseconds {
        0..1_000_000_000 => format!("{:.0} ms", seconds * 1e3),
        1_000_000_000..120_000_000_000 => format!("{seconds:.1} s"),
        120_000_000_000..7_200_000_000_000 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [head @ .., last] => {
            let head = head.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
            format!("{head} and {}", last.as_ref())
        }
    }
}

/// `text` without anything that steers a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// An IP protocol by its usual name, or its number.
pub(crate) fn protocol(number: u8) -> String {
    let name = match number {
        1 => "ICMP",
        2 => "IGMP",
        4 => "IP-in-IP",
        6 => "TCP",
        17 => "UDP",
        41 => "IPv6-in-IP",
        47 => "GRE",
        50 => "ESP",
        51 => "AH",
        58 => "ICMPv6",
        89 => "OSPF",
        103 => "PIM",
        112 => "VRRP",
        132 => "SCTP",
        136 => "UDP-Lite",
        other => return other.to_string(),
    };
    name.into()
}

/// A user for people: the name of a well-known SID, the number of an account in its domain, or the SID itself.
pub(crate) fn user(sid: &str) -> String {
    let name = match sid {
        "S-1-5-18" => "SYSTEM",
        "S-1-5-19" => "LOCAL SERVICE",
        "S-1-5-20" => "NETWORK SERVICE",
        other => match other.strip_prefix("S-1-5-21-").and_then(|rest| rest.rsplit('-').next()) {
            Some("500") => "Administrator",
            Some(account) => return format!("user {account}"),
            None => other,
        },
    };
    name.to_owned()
}

/// `text` in lines of at most `width` columns, broken at spaces; a longer word stays whole.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if measure_text_width(line) + 1 + measure_text_width(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Why a frame is malformed, by the index of [`Malformed`].
pub(crate) fn malformed(reason: usize) -> String {
    let Some(reason) = Malformed::ALL.get(reason) else { return format!("reason {reason}") };
    let words = match reason {
        Malformed::LinkTruncated => "cut inside the link header",
        Malformed::TooManyVlanTags => "too many VLAN tags",
        Malformed::IpTruncated => "cut inside the IP header",
        Malformed::IpVersion => "wrong IP version",
        Malformed::IpHeaderLength => "IPv4 header too short",
        Malformed::IpLength => "wrong IP length",
        Malformed::ExtensionTruncated => "cut inside an IPv6 extension header",
        Malformed::TooManyExtensions => "too many IPv6 extension headers",
        Malformed::ExtensionOrder => "IPv6 extension headers out of order",
        Malformed::FragmentBounds => "fragment out of bounds",
        Malformed::TransportTruncated => "cut inside the transport header",
        Malformed::TransportLength => "wrong transport length",
        Malformed::TinyFragment => "first fragment too small",
    };
    words.into()
}

/// A FILETIME (100 ns units since 1601) as RFC 3339 with seven decimals; `None` for zero.
pub(crate) fn filetime(units: u64) -> Option<String> {
    /// Days from 0000-03-01 (proleptic Gregorian) to 1601-01-01.
    const EPOCH: u64 = 584_694;
    if units == 0 {
        return None;
    }
    let (seconds, fraction) = (units / 10_000_000, units % 10_000_000);
    let (days, second) = (seconds / 86_400 + EPOCH, seconds % 86_400);
    // Years here begin in March, so that the leap day is the last one; 400 years have 146097 days.
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:07}Z"))
}

/// Nanoseconds since 1970 as a FILETIME.
pub(crate) const fn filetime_of(nanoseconds: u64) -> u64 {
    nanoseconds / 100 + 116_444_736_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_words() {
        assert_eq!(count(0, "rule"), "0 rules");
        assert_eq!(count(1, "rule"), "1 rule");
        for (number, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (150_000, "146 KiB"),
            (1_048_575, "1.0 MiB"),
            (10_000_000_000, "9.3 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(bytes(number), text);
        }
        assert_eq!(span(5_000_000), "5 ms");
        assert_eq!(span(8_250_000_000), "8.2 s");
        assert_eq!(span(600_000_000_000), "10 min");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list::<&str>(&[]), "");
    }

    #[test]
    fn users_and_lines() {
        assert_eq!(user("S-1-5-18"), "SYSTEM");
        assert_eq!(user("S-1-5-21-1-2-3-1001"), "user 1001");
        assert_eq!(user("S-1-5-32-544"), "S-1-5-32-544");
        assert_eq!(wrap("a bc def", 4), ["a bc", "def"]);
        assert_eq!(wrap("long-word x", 4), ["long-word", "x"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn times() {
        assert_eq!(filetime(0), None);
        assert_eq!(filetime(1).as_deref(), Some("1601-01-01T00:00:00.0000001Z"));
        assert_eq!(filetime(filetime_of(0)).as_deref(), Some("1970-01-01T00:00:00.0000000Z"));
        for (seconds, text) in [
            (951_782_400, "2000-02-29T00:00:00"),
            (951_868_800, "2000-03-01T00:00:00"),
            (1_709_251_199, "2024-02-29T23:59:59"),
            (4_107_542_399, "2100-02-28T23:59:59"),
            (4_107_542_400, "2100-03-01T00:00:00"),
            (1_767_225_599, "2025-12-31T23:59:59"),
        ] {
            assert_eq!(filetime(filetime_of(seconds * 1_000_000_000)), Some(format!("{text}.0000000Z")));
        }
    }
}
