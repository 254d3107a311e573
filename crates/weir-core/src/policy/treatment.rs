//! What a rule does beyond permitting and blocking, and the bytes that say so in an image.

use crate::limit::{Excess, Limit, MAX_DELAY_MS, MILLISECOND, Scope, Unit};

/// Bytes of a treatment in a rule record: flags, priority, DSCP, unit, scope, excess (1 each), zeros (2), longest
/// delay in milliseconds (4), rate (8), burst (8), time to answer in milliseconds (4), zeros (4).
pub(super) const TREATMENT: usize = 36;

/// Bits of the flags.
mod flag {
    pub(super) const REJECT: u8 = 1;
    pub(super) const TAP: u8 = 1 << 1;
    pub(super) const PRIORITY: u8 = 1 << 2;
    pub(super) const DSCP: u8 = 1 << 3;
    pub(super) const LIMIT: u8 = 1 << 4;
    pub(super) const ASK: u8 = 1 << 5;
}

/// What is written into the headers of frames that this machine sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// 802.1p priority code point, 0 to 7.
    pub priority: Option<u8>,
    /// Differentiated services code point, 0 to 63.
    pub dscp: Option<u8>,
}

impl Mark {
    /// True when it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.priority.is_none() && self.dscp.is_none()
    }
}

/// A question to the agent before a flow may exist. What becomes of the flow without an answer is the rule's action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// How long the agent has, in milliseconds.
    pub timeout_ms: u32,
}

impl Ask {
    /// Shortest and longest time for an answer, in milliseconds.
    pub const TIMEOUTS: core::ops::RangeInclusive<u32> = 1_000..=600_000;
}

/// What a rule does beyond permitting and blocking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Treatment {
    /// The sender of a blocked frame is told: TCP reset, else ICMP "administratively prohibited".
    pub reject: bool,
    /// A copy goes to the consumer inside the driver.
    pub tap: bool,
    /// Headers are marked.
    pub mark: Mark,
    /// The rate is limited.
    pub limit: Option<Limit>,
    /// The agent is asked before a flow may exist.
    pub ask: Option<Ask>,
}

impl Treatment {
    /// True when a rule only permits or blocks.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// The bytes of a record. A treatment that is not valid is not read back.
    pub(super) fn to_bytes(self) -> [u8; TREATMENT] {
        let mut flags = 0;
        let mut set = |flag, on| flags |= if on { flag } else { 0 };
        set(flag::REJECT, self.reject);
        set(flag::TAP, self.tap);
        set(flag::PRIORITY, self.mark.priority.is_some());
        set(flag::DSCP, self.mark.dscp.is_some());
        set(flag::LIMIT, self.limit.is_some());
        set(flag::ASK, self.ask.is_some());
        let timeout = self.ask.map_or(0, |ask| ask.timeout_ms);
        let (mut unit, mut scope, mut excess, mut delay, mut rate, mut burst) = (0, 0, 0, 0, 0, 0);
        if let Some(limit) = self.limit {
            unit = u8::from(limit.unit == Unit::Packets);
            scope = u8::from(limit.scope == Scope::Flow);
            if let Excess::Delay(most) = limit.excess {
                excess = 1;
                delay = (most / MILLISECOND) as u32;
            }
            (rate, burst) = (limit.rate, limit.burst);
        }
        let head =
            [flags, self.mark.priority.unwrap_or(0), self.mark.dscp.unwrap_or(0), unit, scope, excess, 0, 0];
        let mut bytes = [0; TREATMENT];
        let parts = head
            .into_iter()
            .chain(delay.to_le_bytes())
            .chain(rate.to_le_bytes())
            .chain(burst.to_le_bytes())
            .chain(timeout.to_le_bytes());
        for (to, from) in bytes.iter_mut().zip(parts) {
            *to = from;
        }
        bytes
    }

    /// Reads a record; `None` when it says anything that no treatment says.
    pub(super) fn from_bytes(bytes: &[u8; TREATMENT]) -> Option<Self> {
        let [flags, priority, dscp, unit, scope, excess, _, _, d0, d1, d2, d3, rest @ ..] = bytes;
        let (rate, rest) = rest.split_first_chunk::<8>()?;
        let (burst, rest) = rest.split_first_chunk::<8>()?;
        let timeout_ms = u32::from_le_bytes(*rest.first_chunk::<4>()?);
        let delay = u32::from_le_bytes([*d0, *d1, *d2, *d3]);
        let has = |flag| flags & flag != 0;
        let limit = Limit {
            unit: if *unit == 0 { Unit::Bits } else { Unit::Packets },
            rate: u64::from_le_bytes(*rate),
            burst: u64::from_le_bytes(*burst),
            scope: if *scope == 0 { Scope::Rule } else { Scope::Flow },
            excess: match *excess {
                0 => Excess::Drop,
                _ => Excess::Delay(
                    u64::from(delay.min(MAX_DELAY_MS.saturating_add(1))).saturating_mul(MILLISECOND),
                ),
            },
        };
        let treatment = Self {
            reject: has(flag::REJECT),
            tap: has(flag::TAP),
            mark: Mark {
                priority: has(flag::PRIORITY).then_some(*priority),
                dscp: has(flag::DSCP).then_some(*dscp),
            },
            limit: has(flag::LIMIT).then_some(limit),
            ask: has(flag::ASK).then_some(Ask { timeout_ms }),
        };
        let valid = treatment.mark.priority.is_none_or(|priority| priority <= 7)
            && treatment.mark.dscp.is_none_or(|dscp| dscp <= 63)
            && treatment.limit.is_none_or(|limit| limit.is_valid())
            && treatment.ask.is_none_or(|ask| Ask::TIMEOUTS.contains(&ask.timeout_ms));
        // Each treatment has one form: stray bytes and flags are refused, so that they can get a meaning later.
        (valid && treatment.to_bytes() == *bytes).then_some(treatment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Treatment {
        Treatment {
            reject: false,
            tap: true,
            mark: Mark { priority: Some(7), dscp: Some(46) },
            limit: Some(Limit {
                unit: Unit::Packets,
                rate: 1_000,
                burst: 50,
                scope: Scope::Flow,
                excess: Excess::Delay(20 * MILLISECOND),
            }),
            ask: Some(Ask { timeout_ms: 30_000 }),
        }
    }

    #[test]
    fn bytes_are_read_back() {
        let reject = Treatment { reject: true, ..Treatment::default() };
        for treatment in [Treatment::default(), reject, full()] {
            assert_eq!(Treatment::from_bytes(&treatment.to_bytes()), Some(treatment));
        }
        assert!(Treatment::default().is_plain() && Treatment::default().to_bytes() == [0; TREATMENT]);
    }

    #[test]
    fn no_other_bytes_are() {
        for treatment in [Treatment::default(), full()] {
            for position in 0..TREATMENT {
                for value in 0..=u8::MAX {
                    let mut bytes = treatment.to_bytes();
                    bytes[position] = value;
                    if let Some(read) = Treatment::from_bytes(&bytes) {
                        assert_eq!(read.to_bytes(), bytes, "byte {position} = {value}");
                        assert!(position < 6 || (8..32).contains(&position) || value == 0);
                    }
                }
            }
        }
    }
}
