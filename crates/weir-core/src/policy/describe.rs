//! A compiled rule in the words of the language.

use std::fmt::Write;

use super::RuleView;
use crate::Action;
use crate::limit::{Excess, Limit, MILLISECOND, Scope, Unit};

impl RuleView<'_> {
    /// What stands in `action` for whether frames pass: `permit`, `block`, `reject` or `ask`.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        if self.treatment.ask.is_some() {
            return "ask";
        }
        match (self.action, self.treatment.reject) {
            (Action::Permit, _) => "permit",
            (Action::Block, false) => "block",
            (Action::Block, true) => "reject",
        }
    }

    /// What the rule does beyond that: `rate-limit 20 Mbit/s per flow, mark dscp 46, tap`; empty for nothing.
    #[must_use]
    pub fn extras(&self) -> String {
        let mut parts = Vec::new();
        if let Some(ask) = self.treatment.ask {
            let time = match ask.timeout_ms {
                seconds if seconds.is_multiple_of(1_000) => format!("{} s", seconds / 1_000),
                milliseconds => format!("{milliseconds} ms"),
            };
            let fallback = if self.action == Action::Block { "block" } else { "permit" };
            parts.push(format!("within {time}, else {fallback}"));
        }
        if let Some(limit) = &self.treatment.limit {
            parts.push(limit_in_words(limit));
        }
        let mark = self.treatment.mark;
        if !mark.is_empty() {
            let mut words = "mark".to_owned();
            // Writing to a string cannot fail.
            let _ = mark.dscp.map_or(Ok(()), |dscp| write!(words, " dscp {dscp}"));
            let _ = mark.priority.map_or(Ok(()), |priority| write!(words, " priority {priority}"));
            parts.push(words);
        }
        if self.treatment.tap {
            parts.push("tap".to_owned());
        }
        parts.join(", ")
    }
}

fn limit_in_words(limit: &Limit) -> String {
    let scope = match limit.scope {
        Scope::Rule => "rule",
        Scope::Flow => "flow",
    };
    let excess = match limit.excess {
        Excess::Drop => "drop".to_owned(),
        Excess::Delay(most) => format!("delay up to {} ms", most / MILLISECOND),
    };
    let (rate, burst) = (amount(limit.unit, limit.rate), amount(limit.unit, limit.burst));
    format!("rate-limit {rate}/s per {scope} (burst {burst}, over: {excess})")
}

/// An amount in the largest unit that leaves it a whole number.
fn amount(unit: Unit, value: u64) -> String {
    if unit == Unit::Packets {
        return format!("{value} packets");
    }
    let units = [("Gbit", 1_000_000_000), ("Mbit", 1_000_000), ("KiB", 8_192), ("kbit", 1_000), ("bit", 1)];
    let (name, size) = units.into_iter().find(|(_, size)| value.is_multiple_of(*size)).unwrap_or(("bit", 1));
    format!("{} {name}", value / size)
}

#[cfg(test)]
mod tests {
    use super::super::{CompileOptions, Image, compile};

    #[test]
    fn rules_are_told_in_words() {
        let text = "[[rule]]\nname = 'a'\naction = ['mark', 'rate-limit', 'tap']\ndscp = 'ef'\npriority = 2\n\
                    rate = '1.5 Mbit/s'\nburst = '64 KiB'\nper = 'flow'\nover = 'delay'\n\
                    protocol = 'tcp'\n\
                    [[rule]]\nname = 'b'\naction = ['reject', 'tap']\nprotocol = 'udp'\n\
                    [[rule]]\nname = 'c'\naction = 'rate-limit'\nrate = '5 packets/s'\nprotocol = 'igmp'\n\
                    [[rule]]\nname = 'd'\naction = ['ask', 'tap']\ntimeout = '2.5 s'\n";
        let compiled = compile(text, &CompileOptions::default()).unwrap();
        let image = Image::verify(&compiled.image).unwrap();
        let words = |index| {
            let rule = image.rule(index).unwrap();
            (rule.verdict(), rule.extras())
        };
        let limit = "rate-limit 1500 kbit/s per flow (burst 64 KiB, over: delay up to 100 ms)";
        assert_eq!(words(0), ("permit", format!("{limit}, mark dscp 46 priority 2, tap")));
        assert_eq!(words(1), ("reject", "tap".to_owned()));
        assert_eq!(
            words(2),
            ("permit", "rate-limit 5 packets/s per rule (burst 4 packets, over: drop)".to_owned())
        );
        assert_eq!(words(3), ("ask", "within 2500 ms, else block, tap".to_owned()));
    }
}
