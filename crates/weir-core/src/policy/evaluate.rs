//! Matches a frame or a flow against the rules of an image.

use super::Decider;
use super::image::{Field, Image, Rule, code, interfaces, prefixes, ranges, texts, users};
use crate::identity::{Sid, Units, fold_case};
use crate::names::Held;
use crate::{Action, Direction};

/// Who owns a flow, as far as known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity<'a> {
    /// Lower-case UTF-16 NT path of the application image.
    pub image: Option<Units<'a>>,
    /// The user.
    pub user: Option<Sid>,
}

/// The name of a flow's other end.
#[derive(Clone, Copy, Debug, Default)]
pub enum Naming<'a> {
    /// It is known.
    Known(&'a Held<'a>),
    /// It may become known with the first data.
    Pending,
    /// There is none, or nobody will ever know.
    #[default]
    None,
}

/// What is asked about a frame or a flow. A field that is `None` is unknown or does not exist for this frame.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// Direction in which the flow was opened; for frames without a flow, the frame's.
    pub direction: Direction,
    /// Ethertype; 0x0800 and 0x86dd for flows.
    pub ethertype: Option<u16>,
    /// IP protocol.
    pub protocol: Option<u8>,
    /// Local address, IPv4 as IPv4-mapped.
    pub local: Option<[u8; 16]>,
    /// Remote address, likewise.
    pub remote: Option<[u8; 16]>,
    /// Local port.
    pub local_port: Option<u16>,
    /// Remote port.
    pub remote_port: Option<u16>,
    /// LUID of the interface, 0 when not known.
    pub interface_luid: u64,
    /// Index of the interface, 0 when not known.
    pub interface_index: u32,
    /// Name of the interface as the driver was told it; empty when not known.
    pub interface_name: &'a [u16],
    /// VLAN identifier of the frame, 0 for one without a tag or with a priority tag; `None` when not known (yet).
    pub vlan: Option<u16>,
    /// Owner of the flow: `None` for frames that have none and never will. Each unknown part of a present
    /// owner makes a rule that asks for it undecidable.
    pub identity: Option<Identity<'a>>,
    /// Name of the other end.
    pub name: Naming<'a>,
}

/// Outcome of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A rule or a default decided.
    Decided(Action, Decider),
    /// A rule would match, but it asks for an identity that is not known (yet).
    NeedsIdentity,
    /// A rule would match, but it asks for the name, which may become known.
    NeedsName,
    /// A rule would match, but it asks for the interface or the VLAN, which is not known (yet).
    NeedsInterface,
}

/// Whether a rule, or one field of it, matches. The order is that of "and": the least one counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Match {
    No,
    NeedsInterface,
    NeedsIdentity,
    NeedsName,
    Yes,
}

impl From<bool> for Match {
    fn from(matches: bool) -> Self {
        if matches { Match::Yes } else { Match::No }
    }
}

impl Image<'_> {
    /// The first rule that matches decides; without one, the default of the direction.
    #[must_use]
    pub fn evaluate(&self, query: &Query<'_>) -> Decision {
        for (index, rule) in (0_u32..).zip(self.rules()) {
            match rule.matches(query) {
                Match::No => {}
                Match::NeedsInterface => return Decision::NeedsInterface,
                Match::NeedsIdentity => return Decision::NeedsIdentity,
                Match::NeedsName => return Decision::NeedsName,
                Match::Yes => return Decision::Decided(rule.action(), Decider::Rule(index)),
            }
        }
        Decision::Decided(self.defaults().for_direction(query.direction), Decider::Default)
    }
}

impl Rule<'_> {
    fn matches(&self, query: &Query<'_>) -> Match {
        let known = self.direction().is_none_or(|direction| direction == query.direction)
            && self.asks(Field::Protocol, query.protocol, |items, protocol| items.contains(&protocol))
            && self.asks(Field::Ethertype, query.ethertype, |items, ethertype| {
                items.as_chunks::<2>().0.contains(&ethertype.to_le_bytes())
            })
            && self.asks(Field::Remote, query.remote, inside)
            && self.asks(Field::Local, query.local, inside)
            && self.asks(Field::RemotePort, query.remote_port, in_range)
            && self.asks(Field::LocalPort, query.local_port, in_range);
        if !known {
            return Match::No;
        }
        self.interface(query)
            .min(self.vlan(query))
            .min(self.application(query))
            .min(self.user(query))
            .min(self.domain(query))
    }

    /// A field that asks for nothing matches; one that asks for what the frame does not have does not.
    fn asks<T>(&self, field: Field, value: Option<T>, matches: impl FnOnce(&[u8], T) -> bool) -> bool {
        let items = self.items(field);
        items.is_empty() || value.is_some_and(|value| matches(items, value))
    }

    fn interface(&self, query: &Query<'_>) -> Match {
        let items = self.items(Field::Interface);
        if items.is_empty() {
            return Match::Yes;
        }
        let one = |known: bool, matches: bool| if known { matches.into() } else { Match::NeedsInterface };
        let matches = interfaces(items).map(|(kind, units, value)| match kind {
            code::LUID => one(query.interface_luid != 0, value == query.interface_luid),
            code::INDEX => one(query.interface_index != 0, value == u64::from(query.interface_index)),
            _ => {
                let name = query.interface_name.iter().map(|unit| fold_case(*unit));
                one(!query.interface_name.is_empty(), self.units(value as u32, units).eq(name))
            }
        });
        matches.max().unwrap_or(Match::No)
    }

    fn vlan(&self, query: &Query<'_>) -> Match {
        let items = self.items(Field::Vlan);
        match query.vlan {
            _ if items.is_empty() => Match::Yes,
            Some(id) => in_range(items, id).into(),
            None => Match::NeedsInterface,
        }
    }

    fn application(&self, query: &Query<'_>) -> Match {
        let items = self.items(Field::Application);
        if items.is_empty() {
            return Match::Yes;
        }
        let Some(identity) = query.identity else { return Match::No };
        let Some(image) = identity.image else { return Match::NeedsIdentity };
        let path = image.iter().map(fold_case);
        texts(items)
            .any(|(kind, offset, count)| {
                let wanted = self.units(offset, count);
                match kind {
                    code::PATH => wanted.eq(path.clone()),
                    code::FILE => {
                        let length = image.len() - since_last_backslash(path.clone());
                        wanted.eq(path.clone().skip(length))
                    }
                    _ => below_volume(path.clone()).is_some_and(|rest| wanted.eq(rest)),
                }
            })
            .into()
    }

    fn domain(&self, query: &Query<'_>) -> Match {
        let items = self.items(Field::Domain);
        let name = match query.name {
            _ if items.is_empty() => return Match::Yes,
            Naming::Known(name) => name,
            Naming::Pending => return Match::NeedsName,
            Naming::None => return Match::No,
        };
        let matches = |(kind, offset, length): (u32, u32, u32)| {
            let wanted = self.bytes(offset, length).iter().copied();
            match (kind, name.len().checked_sub(length as usize)) {
                (code::NAME_ITSELF, Some(0)) => wanted.eq(name.characters()),
                // Something stands before it, and a dot between.
                (code::NAMES_BELOW, Some(before @ 2..)) => {
                    name.characters().skip(before - 1).eq([b'.'].into_iter().chain(wanted))
                }
                _ => false,
            }
        };
        texts(items).any(matches).into()
    }

    fn user(&self, query: &Query<'_>) -> Match {
        let items = self.items(Field::User);
        if items.is_empty() {
            return Match::Yes;
        }
        let Some(identity) = query.identity else { return Match::No };
        let Some(user) = identity.user else { return Match::NeedsIdentity };
        users(items).any(|(offset, length)| self.bytes(offset, length) == user.as_bytes()).into()
    }
}

const BACKSLASH: u16 = b'\\' as u16;

fn inside(items: &[u8], address: [u8; 16]) -> bool {
    let address = u128::from_be_bytes(address);
    prefixes(items).any(|(prefix, length)| {
        // A shift by all 128 bits (the prefix of length 0) gives 0, which matches everything.
        (prefix ^ address).checked_shr(128 - u32::from(length.min(128))).unwrap_or(0) == 0
    })
}

fn in_range(items: &[u8], number: u16) -> bool {
    ranges(items).any(|(first, last)| (first..=last).contains(&number))
}

/// Units after the last backslash.
fn since_last_backslash(path: impl Iterator<Item = u16>) -> usize {
    path.fold(0, |since, unit| if unit == BACKSLASH { 0 } else { since + 1 })
}

/// The path behind `\device\volume`, its backslash included.
fn below_volume(mut path: impl Iterator<Item = u16> + Clone) -> Option<impl Iterator<Item = u16>> {
    let mut backslashes = 0;
    loop {
        let rest = path.clone();
        if path.next()? == BACKSLASH {
            backslashes += 1;
            if backslashes == 3 {
                return Some(rest);
            }
        }
    }
}
