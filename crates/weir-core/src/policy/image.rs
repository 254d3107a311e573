//! The compiled form of a policy, and its verification: the bytes may come from anywhere.
//!
//! Little-endian, no alignment. A header of [`HEADER`] bytes, then one record of [`RULE`] bytes per rule,
//! then the items that the rules point to. A rule record begins with action and direction, then has one
//! (offset, count) pair per field; a count of zero means that the rule does not ask; then its treatment (see
//! [`Treatment`]). Offsets count from the start of the image. Unused bytes and unknown codes are refused, so
//! that later versions can give them a meaning. What all rules together point to may not exceed the image, so a
//! small image cannot ask for endless work.

use super::treatment::{TREATMENT, Treatment};
use crate::identity::{MAX_IMAGE, Sid};
use crate::names::Name;
use crate::{Action, Direction};

/// First bytes of an image.
pub(super) const MAGIC: [u8; 8] = *b"WEIRPOL\0";
/// Version of the format.
pub(super) const VERSION: u32 = 3;
/// Size of the header: magic (8), version (4), length (4), checksum (8), rules (4), flags (4), outbound,
/// inbound, failure (1 each), and zeros.
pub(super) const HEADER: usize = 48;
/// Size of a rule record.
pub(super) const RULE: usize = 136;
/// Where the checksum stands.
pub(super) const CHECKSUM: usize = 16;
/// Flag of the header: some rule asks for the interface.
pub(super) const USES_INTERFACE: u32 = 1;
/// Flag of the header: some rule asks for the VLAN.
pub(super) const USES_VLAN: u32 = 1 << 1;
/// Flag of the header: some rule has a treatment.
pub(super) const USES_TREATMENT: u32 = 1 << 2;
/// Flag of the header: some rule asks the agent.
pub(super) const USES_ASK: u32 = 1 << 3;
/// Flag of the header: some rule asks for the name of the other end.
pub(super) const USES_DOMAIN: u32 = 1 << 4;
/// Most items that one field of a rule may list.
pub(super) const MAX_ITEMS: u32 = 4_096;
/// Longest name of a rule or an interface.
pub(super) const MAX_NAME: u32 = 256;
/// Greatest VLAN identifier (4095 is reserved by 802.1Q).
pub(super) const MAX_VLAN: u16 = 4_094;

/// Codes in rule records and items.
#[cfg_attr(
    not(feature = "std"),
    expect(dead_code, reason = "codes of zero are only written, never asked for")
)]
pub(super) mod code {
    pub(crate) const PERMIT: u8 = 0;
    pub(crate) const BLOCK: u8 = 1;
    pub(crate) const BOTH: u8 = 0;
    pub(crate) const OUT: u8 = 1;
    pub(crate) const IN: u8 = 2;
    pub(crate) const OPEN: u8 = 0;
    pub(crate) const CLOSED: u8 = 1;
    /// Interface by name: value = offset of UTF-16 units.
    pub(crate) const NAME: u32 = 0;
    /// Interface by LUID.
    pub(crate) const LUID: u32 = 1;
    /// Interface by index.
    pub(crate) const INDEX: u32 = 2;
    /// Application by whole NT path.
    pub(crate) const PATH: u32 = 0;
    /// Application by the last component of its path.
    pub(crate) const FILE: u32 = 1;
    /// Application by its path below the volume, on any volume.
    pub(crate) const BELOW_VOLUME: u32 = 2;
    /// A name itself.
    pub(crate) const NAME_ITSELF: u32 = 0;
    /// Every name below it.
    pub(crate) const NAMES_BELOW: u32 = 1;
}

/// A field of a rule record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Name,
    Protocol,
    Ethertype,
    Local,
    Remote,
    LocalPort,
    RemotePort,
    Interface,
    Application,
    User,
    Vlan,
    Domain,
}

/// Where the treatment stands in a rule record: behind the fields, up to the end.
pub(super) const TREATMENT_AT: usize = 4 + 8 * Field::ALL.len();
const _: () = assert!(TREATMENT_AT + TREATMENT == RULE);

impl Field {
    pub(super) const ALL: [Field; 12] = [
        Field::Name,
        Field::Protocol,
        Field::Ethertype,
        Field::Local,
        Field::Remote,
        Field::LocalPort,
        Field::RemotePort,
        Field::Interface,
        Field::Application,
        Field::User,
        Field::Vlan,
        Field::Domain,
    ];

    /// Where its (offset, count) pair stands in the record.
    pub(super) fn position(self) -> usize {
        4 + 8 * (self as usize)
    }

    /// Size of one item: a byte of the name, a protocol, an ethertype, a prefix (address and length), a port
    /// or VLAN range (first and last), an interface (kind, units, value), an application (kind, offset, units),
    /// a user (offset, bytes), a domain (kind, offset, bytes).
    pub(super) fn item(self) -> usize {
        match self {
            Field::Name | Field::Protocol => 1,
            Field::Ethertype => 2,
            Field::Local | Field::Remote => 17,
            Field::LocalPort | Field::RemotePort | Field::Vlan => 4,
            Field::Interface => 16,
            Field::Application | Field::Domain => 12,
            Field::User => 8,
        }
    }
}

/// What happens to a frame for which the filter cannot decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It passes.
    Open,
    /// It is blocked.
    Closed,
}

/// `[defaults]` of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// For flows opened by this machine, and frames that it sends.
    pub outbound: Action,
    /// For flows opened by others, and frames that are received.
    pub inbound: Action,
    /// For everything undecidable.
    pub failure: Failure,
}

impl Defaults {
    /// The default for `direction`.
    #[must_use]
    pub fn for_direction(&self, direction: Direction) -> Action {
        match direction {
            Direction::Send => self.outbound,
            Direction::Receive => self.inbound,
        }
    }
}

/// Why an image is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyError {
    /// It is shorter than the header, or not as long as the header says.
    Length,
    /// It does not begin with the magic of a policy image.
    Magic,
    /// It was compiled for another version of the format.
    Version,
    /// The checksum does not fit the content.
    Checksum,
    /// The header holds a value that the format does not allow.
    Header,
    /// The rule with this index is not well-formed.
    Rule(u32),
    /// The rule with this index points outside the image.
    Bounds(u32),
    /// The image has more rules than the engine was configured for.
    TooManyRules,
    /// Another policy change is under way.
    Busy,
}

/// A verified image.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    bytes: &'a [u8],
}

/// One rule as status output shows it.
#[derive(Clone, Copy, Debug)]
pub struct RuleView<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether it lets pass.
    pub action: Action,
    /// What else it does.
    pub treatment: Treatment,
}

/// One rule of an image.
#[derive(Clone, Copy)]
pub(super) struct Rule<'a> {
    image: &'a [u8],
    record: &'a [u8; RULE],
}

impl<'a> Image<'a> {
    /// Checks every byte that evaluation will rely on.
    pub fn verify(bytes: &'a [u8]) -> Result<Self, PolicyError> {
        let header = bytes.first_chunk::<HEADER>().ok_or(PolicyError::Length)?;
        if !header.starts_with(&MAGIC) {
            return Err(PolicyError::Magic);
        }
        if u32_at(bytes, 8) != Some(VERSION) {
            return Err(PolicyError::Version);
        }
        if u32_at(bytes, 12).map(|length| length as usize) != Some(bytes.len()) {
            return Err(PolicyError::Length);
        }
        if u64_at(bytes, CHECKSUM) != Some(checksum(bytes)) {
            return Err(PolicyError::Checksum);
        }
        let image = Self { bytes };
        let [outbound, inbound, failure, rest @ ..] = bytes
            .get(32..)
            .and_then(|tail| tail.first_chunk::<{ HEADER - 32 }>())
            .ok_or(PolicyError::Header)?;
        if [*outbound, *inbound, *failure].iter().any(|value| *value > 1)
            || rest.iter().any(|byte| *byte != 0)
        {
            return Err(PolicyError::Header);
        }
        let count = u32_at(bytes, 24).ok_or(PolicyError::Header)?;
        let (records, _) = bytes.get(HEADER..).unwrap_or(&[]).as_chunks::<RULE>();
        if records.len() < count as usize {
            return Err(PolicyError::Length);
        }
        let mut flags = 0;
        let mut budget = bytes.len();
        for (index, record) in (0..count).zip(records) {
            let rule = Rule { image: bytes, record };
            rule.verify(index, &mut budget)?;
            flags |= rule.flags();
        }
        if u32_at(bytes, 28) != Some(flags) {
            return Err(PolicyError::Header);
        }
        Ok(image)
    }

    /// Bytes that [`Image::verify`] accepted earlier. Other bytes give wrong answers, but nothing worse.
    pub(crate) fn verified_before(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The bytes that were verified.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// True when some rule asks for the interface.
    #[must_use]
    pub fn uses_interface(&self) -> bool {
        self.has(USES_INTERFACE)
    }

    /// True when some rule asks for the VLAN.
    #[must_use]
    pub fn uses_vlan(&self) -> bool {
        self.has(USES_VLAN)
    }

    /// True when some rule asks for the name of the other end.
    #[must_use]
    pub fn uses_domain(&self) -> bool {
        self.has(USES_DOMAIN)
    }

    /// What the rule with this index does beyond permitting and blocking.
    #[must_use]
    pub fn treatment(&self, index: u32) -> Treatment {
        self.nth(index).map_or(Treatment::default(), |rule| rule.treatment())
    }

    /// True when some rule does more than permit or block.
    #[must_use]
    pub fn uses_treatment(&self) -> bool {
        self.has(USES_TREATMENT)
    }

    /// True when some rule asks the agent.
    #[must_use]
    pub fn uses_ask(&self) -> bool {
        self.has(USES_ASK)
    }

    fn has(&self, flag: u32) -> bool {
        u32_at(self.bytes, 28).is_some_and(|flags| flags & flag != 0)
    }

    /// Number of rules.
    #[must_use]
    pub fn rule_count(&self) -> u32 {
        u32_at(self.bytes, 24).unwrap_or(0)
    }

    /// The rule with this index.
    #[must_use]
    pub fn rule(&self, index: u32) -> Option<RuleView<'a>> {
        let rule = self.nth(index)?;
        let name = core::str::from_utf8(rule.items(Field::Name)).ok()?;
        Some(RuleView { name, action: rule.action(), treatment: rule.treatment() })
    }

    /// The defaults.
    #[must_use]
    pub fn defaults(&self) -> Defaults {
        let action = |offset: usize| match self.bytes.get(offset) {
            Some(&code::BLOCK) => Action::Block,
            _ => Action::Permit,
        };
        let failure = match self.bytes.get(34) {
            Some(&code::CLOSED) => Failure::Closed,
            _ => Failure::Open,
        };
        Defaults { outbound: action(32), inbound: action(33), failure }
    }

    pub(super) fn rules(&self) -> impl Iterator<Item = Rule<'a>> + use<'a> {
        let image = self.bytes;
        self.records().iter().map(move |record| Rule { image, record })
    }

    fn nth(&self, index: u32) -> Option<Rule<'a>> {
        Some(Rule { image: self.bytes, record: self.records().get(index as usize)? })
    }

    fn records(&self) -> &'a [[u8; RULE]] {
        let (records, _) = self.bytes.get(HEADER..).unwrap_or(&[]).as_chunks::<RULE>();
        records.get(..self.rule_count() as usize).unwrap_or(&[])
    }
}

impl<'a> Rule<'a> {
    pub(super) fn action(&self) -> Action {
        let [action, ..] = *self.record;
        if action == code::BLOCK { Action::Block } else { Action::Permit }
    }

    pub(super) fn direction(&self) -> Option<Direction> {
        let [_, direction, ..] = *self.record;
        match direction {
            code::OUT => Some(Direction::Send),
            code::IN => Some(Direction::Receive),
            _ => None,
        }
    }

    pub(super) fn treatment(&self) -> Treatment {
        self.record.last_chunk().and_then(Treatment::from_bytes).unwrap_or_default()
    }

    /// What the header must say about the rule.
    fn flags(&self) -> u32 {
        let asks = |field, flag| if self.items(field).is_empty() { 0 } else { flag };
        let treatment = self.treatment();
        let does = |it, flag| if it { flag } else { 0 };
        asks(Field::Interface, USES_INTERFACE)
            | asks(Field::Vlan, USES_VLAN)
            | asks(Field::Domain, USES_DOMAIN)
            | does(!treatment.is_plain(), USES_TREATMENT)
            | does(treatment.ask.is_some(), USES_ASK)
    }

    /// The items of a field, end to end; empty when the rule does not ask.
    pub(super) fn items(&self, field: Field) -> &'a [u8] {
        self.pair(field)
            .and_then(|(offset, count)| slice(self.image, offset, count, field.item()))
            .unwrap_or(&[])
    }

    /// UTF-16 units in the image.
    pub(super) fn units(&self, offset: u32, count: u32) -> impl Iterator<Item = u16> + Clone + use<'a> {
        let bytes = slice(self.image, offset, count, 2).unwrap_or(&[]);
        bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit))
    }

    /// Bytes in the image.
    pub(super) fn bytes(&self, offset: u32, count: u32) -> &'a [u8] {
        slice(self.image, offset, count, 1).unwrap_or(&[])
    }

    fn pair(&self, field: Field) -> Option<(u32, u32)> {
        let position = field.position();
        Some((u32_at(self.record, position)?, u32_at(self.record, position + 4)?))
    }

    fn verify(&self, index: u32, budget: &mut usize) -> Result<(), PolicyError> {
        let [action, direction, pad0, pad1, ..] = self.record;
        if *action > code::BLOCK || *direction > code::IN || [*pad0, *pad1] != [0, 0] {
            return Err(PolicyError::Rule(index));
        }
        let treatment =
            self.record.last_chunk().and_then(Treatment::from_bytes).ok_or(PolicyError::Rule(index))?;
        let passing = !treatment.mark.is_empty() || treatment.limit.is_some();
        let sensible = match (treatment.ask, *action) {
            // The answer, not the rule, says whether frames pass.
            (Some(_), _) => !passing && !treatment.reject,
            (None, code::BLOCK) => !passing,
            (None, _) => !treatment.reject,
        };
        if !sensible {
            return Err(PolicyError::Rule(index));
        }
        for field in Field::ALL {
            let (offset, count) = self.pair(field).ok_or(PolicyError::Rule(index))?;
            let limit = if field == Field::Name { MAX_NAME } else { MAX_ITEMS };
            if count > limit {
                return Err(PolicyError::Rule(index));
            }
            let items = slice(self.image, offset, count, field.item()).ok_or(PolicyError::Bounds(index))?;
            *budget = budget.checked_sub(items.len()).ok_or(PolicyError::Bounds(index))?;
            self.verify_items(field, items, index)?;
            let text: usize = match field {
                Field::Interface => interfaces(items).map(|(_, units, _)| units as usize * 2).sum(),
                Field::Application => texts(items).map(|(_, _, units)| units as usize * 2).sum(),
                Field::User => users(items).map(|(_, length)| length as usize).sum(),
                Field::Domain => texts(items).map(|(_, _, length)| length as usize).sum(),
                _ => 0,
            };
            *budget = budget.checked_sub(text).ok_or(PolicyError::Bounds(index))?;
        }
        Ok(())
    }

    fn verify_items(&self, field: Field, items: &[u8], index: u32) -> Result<(), PolicyError> {
        let well_formed = match field {
            Field::Name => !items.is_empty() && core::str::from_utf8(items).is_ok(),
            Field::Protocol | Field::Ethertype => true,
            Field::Local | Field::Remote => prefixes(items).all(|(_, length)| length <= 128),
            Field::LocalPort | Field::RemotePort => ranges(items).all(|(first, last)| first <= last),
            Field::Vlan => ranges(items).all(|(first, last)| first <= last && last <= MAX_VLAN),
            Field::Interface => interfaces(items).all(|(kind, units, value)| match kind {
                code::NAME => {
                    (1..=MAX_NAME).contains(&units)
                        && u32::try_from(value)
                            .is_ok_and(|offset| slice(self.image, offset, units, 2).is_some())
                }
                code::LUID | code::INDEX => units == 0 && value != 0,
                _ => false,
            }),
            Field::Application => texts(items).all(|(kind, offset, units)| {
                kind <= code::BELOW_VOLUME
                    && (1..=MAX_IMAGE as u32).contains(&units)
                    && slice(self.image, offset, units, 2).is_some()
            }),
            Field::Domain => texts(items).all(|(kind, offset, length)| {
                kind <= code::NAMES_BELOW && slice(self.image, offset, length, 1).is_some_and(is_domain)
            }),
            Field::User => users(items).all(|(offset, length)| {
                slice(self.image, offset, length, 1).is_some_and(|sid| Sid::new(sid).is_some())
            }),
        };
        if well_formed { Ok(()) } else { Err(PolicyError::Rule(index)) }
    }
}

/// Addresses and prefix lengths.
pub(super) fn prefixes(items: &[u8]) -> impl Iterator<Item = (u128, u8)> {
    items.as_chunks::<17>().0.iter().map(|[address @ .., length]| (u128::from_be_bytes(*address), *length))
}

/// First and last ports or VLAN identifiers.
pub(super) fn ranges(items: &[u8]) -> impl Iterator<Item = (u16, u16)> {
    items
        .as_chunks::<4>()
        .0
        .iter()
        .map(|[f0, f1, l0, l1]| (u16::from_le_bytes([*f0, *f1]), u16::from_le_bytes([*l0, *l1])))
}

/// Kinds, units, values.
pub(super) fn interfaces(items: &[u8]) -> impl Iterator<Item = (u32, u32, u64)> {
    items.as_chunks::<16>().0.iter().map(|[k0, k1, k2, k3, u0, u1, u2, u3, value @ ..]| {
        (
            u32::from_le_bytes([*k0, *k1, *k2, *k3]),
            u32::from_le_bytes([*u0, *u1, *u2, *u3]),
            u64::from_le_bytes(*value),
        )
    })
}

/// A domain as rules have it: lower case, and no longer than a name.
fn is_domain(bytes: &[u8]) -> bool {
    (1..=Name::MAX).contains(&bytes.len()) && !bytes.iter().any(u8::is_ascii_uppercase)
}

/// Kinds, offsets, and units of applications or bytes of domains.
pub(super) fn texts(items: &[u8]) -> impl Iterator<Item = (u32, u32, u32)> {
    items.as_chunks::<12>().0.iter().map(|[k0, k1, k2, k3, o0, o1, o2, o3, units @ ..]| {
        (
            u32::from_le_bytes([*k0, *k1, *k2, *k3]),
            u32::from_le_bytes([*o0, *o1, *o2, *o3]),
            u32::from_le_bytes(*units),
        )
    })
}

/// Offsets and lengths of SIDs.
pub(super) fn users(items: &[u8]) -> impl Iterator<Item = (u32, u32)> {
    items.as_chunks::<8>().0.iter().map(|[o0, o1, o2, o3, length @ ..]| {
        (u32::from_le_bytes([*o0, *o1, *o2, *o3]), u32::from_le_bytes(*length))
    })
}

/// FNV-1a over the image, the checksum itself taken as zero. Guards against accidents, not against forgery:
/// whoever may set a policy may set any.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().enumerate().fold(0xcbf2_9ce4_8422_2325, |hash, (offset, byte)| {
        let byte = if (CHECKSUM..CHECKSUM + 8).contains(&offset) { 0 } else { *byte };
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn slice(bytes: &[u8], offset: u32, count: u32, size: usize) -> Option<&[u8]> {
    let start = offset as usize;
    bytes.get(start..start.checked_add((count as usize).checked_mul(size)?)?)
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk::<4>().map(|chunk| u32::from_le_bytes(*chunk))
}

fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    bytes.get(offset..)?.first_chunk::<8>().map(|chunk| u64::from_le_bytes(*chunk))
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    const TEXT: &str = "[[rule]]\nname = 'first'\naction = 'permit'\nremote-port = '5-9'\nremote = '10.0.0.0/8'\n\
                        [[rule]]\nname = 'all'\naction = 'block'\ninterface = ['Ethernet', 'luid:7']\n\
                        application = 'a.exe'\nuser = 'S-1-5-18'\ndomain = '*.a.example'\n\
                        [[rule]]\nname = 'slow'\naction = ['rate-limit', 'mark']\nrate = '1 Mbit/s'\ndscp = 10\n\
                        vlan = '5-9'\n";

    /// Position of a field's (offset, count) pair.
    fn pair(rule: usize, field: Field) -> usize {
        HEADER + rule * RULE + field.position()
    }

    /// Where the items of a field begin.
    fn items(image: &[u8], rule: usize, field: Field) -> usize {
        u32_at(image, pair(rule, field)).unwrap() as usize
    }

    fn image() -> Vec<u8> {
        super::super::compile(TEXT, &super::super::CompileOptions::default()).unwrap().image
    }

    /// The verdict on the image with these bytes put in, and a checksum that fits.
    fn with(changes: &[(usize, &[u8])]) -> Option<PolicyError> {
        let mut image = image();
        for (offset, bytes) in changes {
            image[*offset..offset + bytes.len()].copy_from_slice(bytes);
        }
        let sum = checksum(&image).to_le_bytes();
        image[CHECKSUM..CHECKSUM + 8].copy_from_slice(&sum);
        Image::verify(&image).err()
    }

    #[test]
    fn headers() {
        assert_eq!(with(&[]), None);
        assert_eq!(with(&[(0, b"X")]), Some(PolicyError::Magic));
        assert_eq!(with(&[(8, &[1])]), Some(PolicyError::Version));
        assert_eq!(with(&[(12, &[1])]), Some(PolicyError::Length));
        assert_eq!(with(&[(24, &u32::MAX.to_le_bytes())]), Some(PolicyError::Length));
        assert_eq!(with(&[(28, &[0])]), Some(PolicyError::Header));
        for flags in [1, 3, 6, 7, 31] {
            assert_eq!(with(&[(28, &[flags])]), Some(PolicyError::Header));
        }
        for offset in 32..35 {
            assert_eq!(with(&[(offset, &[1])]), None);
            assert_eq!(with(&[(offset, &[2])]), Some(PolicyError::Header));
        }
        assert_eq!(with(&[(HEADER - 1, &[1])]), Some(PolicyError::Header));
        let mut damaged = image();
        damaged[CHECKSUM] ^= 1;
        assert_eq!(Image::verify(&damaged).err(), Some(PolicyError::Checksum));
    }

    #[test]
    fn records() {
        let second = HEADER + RULE;
        assert_eq!(with(&[(second, &[2])]), Some(PolicyError::Rule(1)));
        assert_eq!(with(&[(second + 1, &[3])]), Some(PolicyError::Rule(1)));
        assert_eq!(with(&[(second + 2, &[1])]), Some(PolicyError::Rule(1)));
        assert_eq!(with(&[(second + RULE - 1, &[1])]), Some(PolicyError::Rule(1)));
        assert_eq!(with(&[(second + RULE, &[1])]), Some(PolicyError::Rule(2)), "a limit on what is blocked");
        let treatment = HEADER + TREATMENT_AT;
        assert_eq!(with(&[(treatment, &[1])]), Some(PolicyError::Rule(0)), "a reject of what passes");
        assert_eq!(with(&[(treatment, &[0x20])]), Some(PolicyError::Rule(0)), "an unknown flag");
        assert_eq!(with(&[(treatment, &[2])]), None, "a tap");
        assert_eq!(with(&[(treatment + RULE, &[1])]), None, "a reject of what is blocked");
        let slow = treatment + 2 * RULE;
        assert_eq!(with(&[(slow + 2, &[64])]), Some(PolicyError::Rule(2)), "DSCP");
        assert_eq!(with(&[(slow + 3, &[2])]), Some(PolicyError::Rule(2)), "unit");
        assert_eq!(with(&[(slow + 12, &[0; 8])]), Some(PolicyError::Rule(2)), "rate zero");
        assert_eq!(with(&[(slow + 20, &[0xff; 8])]), Some(PolicyError::Rule(2)), "endless burst");
        let end = (image().len() as u32).to_le_bytes();
        for field in [Field::Name, Field::Interface, Field::Application, Field::User, Field::Domain] {
            assert_eq!(with(&[(pair(1, field), &end)]), Some(PolicyError::Bounds(1)), "{field:?}");
            assert_eq!(with(&[(pair(1, field), &[0xff; 4])]), Some(PolicyError::Bounds(1)), "{field:?}");
            assert_eq!(with(&[(pair(1, field) + 4, &[0xff; 4])]), Some(PolicyError::Rule(1)), "{field:?}");
        }
        assert_eq!(with(&[(pair(0, Field::Name) + 4, &[0])]), Some(PolicyError::Rule(0)));
    }

    #[test]
    fn values() {
        let image = image();
        let name = items(&image, 0, Field::Name);
        assert_eq!(with(&[(name, &[0xff])]), Some(PolicyError::Rule(0)));
        let prefix = items(&image, 0, Field::Remote);
        assert_eq!(with(&[(prefix + 16, &[129])]), Some(PolicyError::Rule(0)));
        let range = items(&image, 0, Field::RemotePort);
        assert_eq!(with(&[(range, &[10])]), Some(PolicyError::Rule(0)));

        let vlan = items(&image, 2, Field::Vlan);
        assert_eq!(with(&[(vlan, &[10])]), Some(PolicyError::Rule(2)));
        assert_eq!(with(&[(vlan + 2, &4_095_u16.to_le_bytes())]), Some(PolicyError::Rule(2)));

        let far = (image.len() as u32 - 1).to_le_bytes();
        let interface = items(&image, 1, Field::Interface);
        assert_eq!(with(&[(interface, &[3])]), Some(PolicyError::Rule(1)), "kind");
        assert_eq!(with(&[(interface + 4, &[0])]), Some(PolicyError::Rule(1)), "empty name");
        assert_eq!(
            with(&[(interface + 4, &257_u32.to_le_bytes()), (interface + 8, &[0])]),
            Some(PolicyError::Rule(1))
        );
        assert_eq!(with(&[(interface + 8, &far)]), Some(PolicyError::Rule(1)), "name outside");
        assert_eq!(with(&[(interface + 12, &[1])]), Some(PolicyError::Rule(1)), "offset above 32 bits");
        assert_eq!(with(&[(interface + 16 + 4, &[1])]), Some(PolicyError::Rule(1)), "a LUID has no units");
        assert_eq!(with(&[(interface + 16 + 8, &[0])]), Some(PolicyError::Rule(1)), "LUID zero");

        let application = items(&image, 1, Field::Application);
        assert_eq!(with(&[(application, &[3])]), Some(PolicyError::Rule(1)), "kind");
        assert_eq!(with(&[(application + 4, &far)]), Some(PolicyError::Rule(1)), "text outside");
        assert_eq!(with(&[(application + 8, &[0])]), Some(PolicyError::Rule(1)), "empty text");
        let long = (MAX_IMAGE as u32 + 1).to_le_bytes();
        assert_eq!(with(&[(application + 8, &long)]), Some(PolicyError::Rule(1)), "long text");

        let domain = items(&image, 1, Field::Domain);
        assert_eq!(with(&[(domain, &[2])]), Some(PolicyError::Rule(1)), "kind");
        assert_eq!(with(&[(domain + 4, &far)]), Some(PolicyError::Rule(1)), "domain outside");
        assert_eq!(with(&[(domain + 8, &[0])]), Some(PolicyError::Rule(1)), "empty domain");
        let text = u32_at(&image, domain + 4).unwrap() as usize;
        assert_eq!(with(&[(text, b"A")]), Some(PolicyError::Rule(1)), "upper case");

        let user = items(&image, 1, Field::User);
        assert_eq!(with(&[(user, &far)]), Some(PolicyError::Rule(1)), "SID outside");
        assert_eq!(with(&[(user + 4, &[11])]), Some(PolicyError::Rule(1)), "SID of another length");
    }

    #[test]
    fn rules_may_not_share_their_way_to_endless_work() {
        // Both rules name the whole image as protocols: each alone would be allowed.
        let whole = image().len() as u32;
        let pointer = [[0; 4], whole.to_le_bytes()].concat();
        assert_eq!(with(&[(pair(1, Field::Protocol), &pointer)]), Some(PolicyError::Bounds(1)));
        let half = [[0; 4], (whole / 2).to_le_bytes()].concat();
        assert_eq!(with(&[(pair(0, Field::Protocol), &half)]), None);
        assert_eq!(
            with(&[(pair(0, Field::Protocol), &half), (pair(1, Field::Protocol), &half)]),
            Some(PolicyError::Bounds(1))
        );
    }
}
