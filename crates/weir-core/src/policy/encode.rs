//! Writes the image that [`super::Image::verify`] reads.

use super::compile::Rule;
use super::image::{
    CHECKSUM, Defaults, Failure, Field, HEADER, MAGIC, RULE, TREATMENT_AT, USES_ASK, USES_DOMAIN,
    USES_INTERFACE, USES_TREATMENT, USES_VLAN, VERSION, checksum, code,
};
use super::value::{Application, Domain, Interface, Prefix};
use crate::{Action, Direction};

/// The image of a policy; `None` when it does not fit 32-bit offsets.
pub(super) fn image(defaults: &Defaults, rules: &[Rule]) -> Option<Vec<u8>> {
    let mut writer = Writer { bytes: vec![0; HEADER.checked_add(RULE.checked_mul(rules.len())?)?] };
    for (index, rule) in rules.iter().enumerate() {
        let record = writer.rule(rule)?;
        let start = HEADER + index * RULE;
        writer.put(start, &record);
    }
    let action = |action| if action == Action::Block { code::BLOCK } else { code::PERMIT };
    let failure = if defaults.failure == Failure::Closed { code::CLOSED } else { code::OPEN };
    let flag = |flag, uses: fn(&Rule) -> bool| if rules.iter().any(uses) { flag } else { 0 };
    let flags = flag(USES_INTERFACE, |rule| !rule.interface.is_empty())
        | flag(USES_VLAN, |rule| !rule.vlan.is_empty())
        | flag(USES_TREATMENT, |rule| !rule.treatment.is_plain())
        | flag(USES_DOMAIN, |rule| !rule.domain.is_empty())
        | flag(USES_ASK, |rule| rule.treatment.ask.is_some());
    let length = u32::try_from(writer.bytes.len()).ok()?;
    writer.put(0, &MAGIC);
    writer.put(8, &VERSION.to_le_bytes());
    writer.put(12, &length.to_le_bytes());
    writer.put(24, &u32::try_from(rules.len()).ok()?.to_le_bytes());
    writer.put(28, &flags.to_le_bytes());
    writer.put(32, &[action(defaults.outbound), action(defaults.inbound), failure]);
    let sum = checksum(&writer.bytes);
    writer.put(CHECKSUM, &sum.to_le_bytes());
    Some(writer.bytes)
}

struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    fn put(&mut self, offset: usize, value: &[u8]) {
        for (to, from) in self.bytes.iter_mut().skip(offset).zip(value) {
            *to = *from;
        }
    }

    /// Appends bytes; returns where they are.
    fn append(&mut self, value: &[u8]) -> Option<u32> {
        let offset = u32::try_from(self.bytes.len()).ok()?;
        self.bytes.extend_from_slice(value);
        Some(offset)
    }

    fn units(&mut self, text: &str) -> Option<(u32, u32)> {
        let units: Vec<u16> = text.encode_utf16().collect();
        let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        Some((self.append(&bytes)?, u32::try_from(units.len()).ok()?))
    }

    fn rule(&mut self, rule: &Rule) -> Option<[u8; RULE]> {
        let mut interfaces = Vec::new();
        for interface in &rule.interface {
            let (kind, units, value) = match interface {
                Interface::Name(name) => {
                    let (offset, units) = self.units(name)?;
                    (code::NAME, units, u64::from(offset))
                }
                Interface::Luid(luid) => (code::LUID, 0, *luid),
                Interface::Index(index) => (code::INDEX, 0, u64::from(*index)),
            };
            interfaces.extend([kind, units].iter().flat_map(|word| word.to_le_bytes()));
            interfaces.extend(value.to_le_bytes());
        }
        let mut applications = Vec::new();
        for application in &rule.application {
            let kind = match application {
                Application::Path(_) => code::PATH,
                Application::File(_) => code::FILE,
                Application::BelowVolume(_) => code::BELOW_VOLUME,
            };
            let (offset, units) = self.units(application.text())?;
            applications.extend([kind, offset, units].iter().flat_map(|word| word.to_le_bytes()));
        }
        let mut domains = Vec::new();
        for domain in &rule.domain {
            let kind = match domain {
                Domain::Itself(_) => code::NAME_ITSELF,
                Domain::Below(_) => code::NAMES_BELOW,
            };
            let offset = self.append(domain.text().as_bytes())?;
            let length = u32::try_from(domain.text().len()).ok()?;
            domains.extend([kind, offset, length].iter().flat_map(|word| word.to_le_bytes()));
        }
        let mut users = Vec::new();
        for user in &rule.user {
            let words = [self.append(user)?, u32::try_from(user.len()).ok()?];
            users.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        }

        let mut record = [0; RULE];
        let direction = match rule.direction {
            None => code::BOTH,
            Some(Direction::Send) => code::OUT,
            Some(Direction::Receive) => code::IN,
        };
        let action = if rule.block { code::BLOCK } else { code::PERMIT };
        fill(&mut record, 0, &[action, direction]);
        for field in Field::ALL {
            let items = match field {
                Field::Name => rule.name.clone().into_bytes(),
                Field::Protocol => rule.protocol.clone(),
                Field::Ethertype => rule.ethertype.iter().flat_map(|number| number.to_le_bytes()).collect(),
                Field::Local => prefixes(&rule.local),
                Field::Remote => prefixes(&rule.remote),
                Field::LocalPort => ranges(&rule.local_port),
                Field::RemotePort => ranges(&rule.remote_port),
                Field::Vlan => ranges(&rule.vlan),
                Field::Interface => core::mem::take(&mut interfaces),
                Field::Application => core::mem::take(&mut applications),
                Field::User => core::mem::take(&mut users),
                Field::Domain => core::mem::take(&mut domains),
            };
            let count = u32::try_from(items.len().checked_div(field.item())?).ok()?;
            let offset = if count == 0 { 0 } else { self.append(&items)? };
            fill(&mut record, field.position(), &offset.to_le_bytes());
            fill(&mut record, field.position() + 4, &count.to_le_bytes());
        }
        fill(&mut record, TREATMENT_AT, &rule.treatment.to_bytes());
        Some(record)
    }
}

fn fill(record: &mut [u8; RULE], offset: usize, value: &[u8]) {
    for (to, from) in record.iter_mut().skip(offset).zip(value) {
        *to = *from;
    }
}

fn prefixes(prefixes: &[Prefix]) -> Vec<u8> {
    let item = |prefix: &Prefix| prefix.address.to_be_bytes().into_iter().chain([prefix.length]);
    prefixes.iter().flat_map(item).collect()
}

fn ranges(ranges: &[(u16, u16)]) -> Vec<u8> {
    let item = |(first, last): &(u16, u16)| first.to_le_bytes().into_iter().chain(last.to_le_bytes());
    ranges.iter().flat_map(item).collect()
}
