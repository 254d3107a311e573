//! Asks the driver through its control device, and puts the answers into words.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::net::Ipv6Addr;

use weir_core::Action;
use weir_core::policy::Failure as OnFailure;
use weir_core::policy::Image;
use weir_ioctl::AdapterEntry;
use weir_ioctl::Control;
use weir_ioctl::CounterId;
use weir_ioctl::FlowEntry;
use weir_ioctl::FlowFlags;
use weir_ioctl::GetPolicyReply;
use weir_ioctl::GetPolicyRequest;
use weir_ioctl::IdentityEntry;
use weir_ioctl::IdentityKind;
use weir_ioctl::ListRequest;
use weir_ioctl::PageHeader;
use weir_ioctl::RuleHits;
use weir_ioctl::SetPolicyReply;
use weir_ioctl::StatusReply;
use weir_ioctl::VersionReply;
use weir_ioctl::rule;
use weir_ioctl::zerocopy::FromBytes;
use weir_ioctl::zerocopy::Immutable;
use weir_ioctl::zerocopy::IntoBytes;
use weir_ioctl::zerocopy::KnownLayout;

use crate::report::Adapter;
use crate::report::Counter;
use crate::report::DecidedBy;
use crate::report::Driver;
use crate::report::Flow;
use crate::report::Policy;
use crate::report::Process;
use crate::report::Rule;
use crate::report::Traffic;
use crate::text;
use crate::volume::dos_path;

/// Room for a reply; a page of a list fills it.
const REPLY: usize = 64 << 10;
/// A list longer than this is a driver that does not advance its cursor.
const MOST_PAGES: usize = 1 << 20;
const STATUS_RETRY: i32 = 0xc000_022d_u32 as i32;

/// An open handle to `\\.\Weir`.
pub(crate) trait Device {
    /// One request; the reply has at most `room` bytes. An error is the NTSTATUS.
    fn ioctl(&mut self, control: Control, input: &[u8], room: usize) -> Result<Vec<u8>, i32>;
}

/// A request that failed.
#[derive(Debug)]
pub(crate) enum Error {
    /// The driver refused.
    Status(Control, i32),
    /// The reply has not the shape of the contract.
    Shape(Control),
    /// Driver and program have different contracts.
    Version(u32),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |control: &Control| {
            Control::ALL.iter().find(|(known, _)| known == control).map_or("?", |(_, name)| *name)
        };
        match self {
            Self::Status(control, status) => {
                write!(f, "the driver refused {}: {}", name(control), status_name(*status))
            }
            Self::Shape(control) => {
                write!(f, "the driver's answer to {} has not the agreed shape", name(control))
            }
            Self::Version(theirs) => write!(
                f,
                "the driver speaks version {theirs} of the control contract, this program version {}",
                weir_ioctl::API_VERSION
            ),
        }
    }
}

/// An NTSTATUS of the contract by name.
fn status_name(status: i32) -> String {
    let name = match status as u32 {
        0xc000_0010 => "STATUS_INVALID_DEVICE_REQUEST",
        0xc000_0206 => "STATUS_INVALID_BUFFER_SIZE",
        0xc000_0023 => "STATUS_BUFFER_TOO_SMALL",
        0xc000_000d => "STATUS_INVALID_PARAMETER",
        0xc000_0022 => "STATUS_ACCESS_DENIED",
        0xc000_007b => "STATUS_INVALID_IMAGE_FORMAT",
        0xc000_009a => "STATUS_INSUFFICIENT_RESOURCES",
        0xc000_022d => "STATUS_RETRY",
        other => return format!("status {other:#010x}"),
    };
    name.into()
}

/// Puts a compiled policy in force.
pub(crate) fn set_policy(device: &mut dyn Device, image: &[u8]) -> Result<SetPolicyReply, Error> {
    let reply = request(device, Control::SET_POLICY, image, size_of::<SetPolicyReply>())?;
    fixed(Control::SET_POLICY, &reply).map(|(reply, _)| reply)
}

/// Everything that the driver tells about itself; drive letters stand for the devices in `volumes`.
pub(crate) fn read(device: &mut dyn Device, volumes: &BTreeMap<char, String>) -> Result<Driver, Error> {
    let reply = request(device, Control::VERSION, &[], size_of::<VersionReply>())?;
    let (version, _) = fixed::<VersionReply>(Control::VERSION, &reply)?;
    if version.api_version != weir_ioctl::API_VERSION {
        return Err(Error::Version(version.api_version));
    }
    let reply = request(device, Control::STATUS, &[], size_of::<StatusReply>())?;
    let (status, _) = fixed::<StatusReply>(Control::STATUS, &reply)?;
    let adapters = list::<AdapterEntry>(device, Control::ADAPTERS)?;
    let policy = match status.policy_generation {
        0 => None,
        _ => Some(read_policy(device)?),
    };
    let flows = list::<FlowEntry>(device, Control::LIST_FLOWS)?;
    let names = identities(&list::<IdentityEntry>(device, Control::LIST_IDENTITIES)?);
    let [major, minor, patch, _] = version.driver;
    Ok(Driver {
        version: format!("{major}.{minor}.{patch}"),
        api_version: version.api_version,
        ndis: format!("{}.{}", version.ndis >> 16, version.ndis & 0xffff),
        wfp_active: status.wfp_active != 0,
        flow_capacity: status.flow_capacity,
        frames_permitted: status.permitted(),
        frames_blocked: status.blocked(),
        flows: flows.iter().map(|entry| flow(entry, &names, &adapters, policy.as_ref(), volumes)).collect(),
        adapters: adapters.iter().map(adapter).collect(),
        counters: counters(&status),
        malformed: malformed(&status),
        policy,
    })
}

fn request(device: &mut dyn Device, control: Control, input: &[u8], room: usize) -> Result<Vec<u8>, Error> {
    device.ioctl(control, input, room).map_err(|status| Error::Status(control, status))
}

/// The fixed part of a reply, and what follows it.
fn fixed<T: FromBytes + KnownLayout + Immutable>(
    control: Control,
    reply: &[u8],
) -> Result<(T, &[u8]), Error> {
    T::read_from_prefix(reply).map_err(|_| Error::Shape(control))
}

/// All pages of a list.
fn list<T: FromBytes + KnownLayout + Immutable>(
    device: &mut dyn Device,
    control: Control,
) -> Result<Vec<T>, Error> {
    let mut entries = Vec::new();
    let mut cursor = 0;
    for _ in 0..MOST_PAGES {
        let reply = request(device, control, ListRequest { cursor }.as_bytes(), REPLY)?;
        let (page, mut rest) = fixed::<PageHeader>(control, &reply)?;
        let known = usize::try_from(page.entry_size).is_ok_and(|size| size == size_of::<T>());
        if page.count != 0 && !known {
            return Err(Error::Shape(control));
        }
        for _ in 0..page.count {
            let (entry, after) = fixed(control, rest)?;
            entries.push(entry);
            rest = after;
        }
        cursor = page.next;
        if cursor == 0 {
            return Ok(entries);
        }
    }
    Err(Error::Shape(control))
}

/// The policy in force, read in pieces, with the hits of its rules.
fn read_policy(device: &mut dyn Device) -> Result<Policy, Error> {
    let control = Control::GET_POLICY;
    let (image, generation) = loop {
        match policy_image(device) {
            // The policy changed between two pieces.
            Err(Error::Status(_, STATUS_RETRY)) => {}
            result => break result?,
        }
    };
    let hits = list::<RuleHits>(device, Control::RULE_HITS)?;
    let image = Image::verify(&image).map_err(|_| Error::Shape(control))?;
    let rules = (0..image.rule_count()).zip(hits.iter().map(Some).chain(std::iter::repeat(None)));
    let rule = |(index, hits): (u32, Option<&RuleHits>)| {
        let view = image.rule(index)?;
        Some(Rule {
            index,
            name: view.name.to_owned(),
            action: view.verdict().into(),
            extras: view.extras(),
            frames: hits.map_or(0, |hits| hits.frames),
            flows: hits.map_or(0, |hits| hits.flows),
        })
    };
    let defaults = image.defaults();
    Ok(Policy {
        generation,
        outbound: action(defaults.outbound).into(),
        inbound: action(defaults.inbound).into(),
        failure: match defaults.failure {
            OnFailure::Open => "open".into(),
            OnFailure::Closed => "closed".into(),
        },
        rules: rules.filter_map(rule).collect(),
    })
}

fn policy_image(device: &mut dyn Device) -> Result<(Vec<u8>, u32), Error> {
    let control = Control::GET_POLICY;
    let (mut image, mut generation) = (Vec::new(), 0);
    loop {
        let offset = u32::try_from(image.len()).map_err(|_| Error::Shape(control))?;
        let reply = request(device, control, GetPolicyRequest { offset, generation }.as_bytes(), REPLY)?;
        let (head, piece) = fixed::<GetPolicyReply>(control, &reply)?;
        generation = head.generation;
        image.extend_from_slice(piece);
        match image.len().cmp(&(head.total as usize)) {
            std::cmp::Ordering::Equal => return Ok((image, generation)),
            std::cmp::Ordering::Less if !piece.is_empty() => {}
            _ => return Err(Error::Shape(control)),
        }
    }
}

const fn action(action: Action) -> &'static str {
    match action {
        Action::Permit => "permit",
        Action::Block => "block",
    }
}

/// Kind, number and generation of an identity.
type Identity = (u32, u32, u32);

/// Identities in text.
fn identities(entries: &[IdentityEntry]) -> HashMap<Identity, String> {
    let text = |entry: &IdentityEntry| {
        let data = entry.data.get(..entry.length as usize)?;
        match entry.kind {
            IdentityKind::IMAGE => {
                let units = data.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
                Some(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
            }
            IdentityKind::USER => sid(data),
            IdentityKind::NAME => Some(data.iter().copied().map(char::from).collect()),
            _ => None,
        }
    };
    entries
        .iter()
        .filter_map(|entry| Some(((entry.kind.0, entry.id, entry.generation), text(entry)?)))
        .collect()
}

/// A binary SID in its usual text form.
fn sid(data: &[u8]) -> Option<String> {
    let ([revision, count, a, b, c, d, e, f], rest) = data.split_first_chunk()?;
    let authority = u64::from_be_bytes([0, 0, *a, *b, *c, *d, *e, *f]);
    if rest.len() != usize::from(*count) * 4 {
        return None;
    }
    let parts = rest.chunks_exact(4).map(|part| u32::from_le_bytes([part[0], part[1], part[2], part[3]]));
    Some(parts.fold(format!("S-{revision}-{authority}"), |sid, part| format!("{sid}-{part}")))
}

fn adapter(entry: &AdapterEntry) -> Adapter {
    let mac = entry.mac.get(..entry.mac_length as usize).unwrap_or_default();
    Adapter {
        name: utf16(&entry.name),
        luid: entry.luid,
        generation: entry.generation,
        index: entry.index,
        medium: match entry.medium {
            0 => "Ethernet".into(),
            19 => "IP".into(),
            other => format!("medium {other}"),
        },
        state: entry.state.to_string(),
        media: entry.media.to_string(),
        mtu: entry.mtu,
        mac: mac.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"),
        frames_sent: entry.frames_sent,
        frames_received: entry.frames_received,
        frames_blocked: entry.frames_blocked,
        segments_sent: entry.segments_sent,
        segments_received: entry.segments_received,
    }
}

fn utf16(units: &[u16]) -> String {
    let end = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
    String::from_utf16_lossy(units.get(..end).unwrap_or_default())
}

fn flow(
    entry: &FlowEntry,
    names: &HashMap<Identity, String>,
    adapters: &[AdapterEntry],
    policy: Option<&Policy>,
    volumes: &BTreeMap<char, String>,
) -> Flow {
    let image = names.get(&(IdentityKind::IMAGE.0, entry.image, 0)).cloned();
    let has_ports = matches!(entry.protocol, 6 | 17 | 132 | 136);
    let has_id = matches!(entry.protocol, 1 | 58);
    let rule = policy
        .filter(|policy| policy.generation == entry.policy_generation)
        .and_then(|policy| policy.rules.iter().find(|rule| rule.index == entry.rule));
    Flow {
        id: entry.id,
        process: (image.is_some() || entry.process_id != 0).then(|| Process {
            id: entry.process_id,
            created: text::filetime(entry.process_created),
            name: image.as_deref().map(base_name).unwrap_or_default().to_owned(),
            path: image.as_deref().map(|image| dos_path(image, volumes)),
            image,
        }),
        user: names.get(&(IdentityKind::USER.0, entry.user, 0)).cloned(),
        package: names.get(&(IdentityKind::USER.0, entry.package, 0)).cloned(),
        name: names.get(&(IdentityKind::NAME.0, entry.name, entry.name_generation)).cloned(),
        protocol: entry.protocol,
        protocol_name: text::protocol(entry.protocol),
        local_address: address(entry.local_address),
        local_port: has_ports.then_some(entry.local_port),
        remote_address: address(entry.remote_address),
        remote_port: has_ports.then_some(entry.remote_port),
        icmp_id: (has_id && entry.local_port != 0).then_some(entry.local_port),
        compartment: entry.compartment,
        adapter: adapters.iter().find(|adapter| adapter.luid == entry.interface_luid).map(|a| utf16(&a.name)),
        origin: entry.origin.to_string(),
        verdict: entry.verdict.to_string(),
        decided_by: match entry.rule {
            rule::DEFAULT => DecidedBy::Default,
            rule::NONE => DecidedBy::Nothing,
            index => DecidedBy::Rule { index, name: rule.map(|rule| rule.name.clone()) },
        },
        policy_generation: entry.policy_generation,
        state: entry.state.to_string(),
        authorized_by_ale: entry.flags & FlowFlags::ALE != 0,
        established: entry.flags & FlowFlags::ESTABLISHED != 0,
        fragmented: entry.flags & FlowFlags::FRAGMENTS != 0,
        loopback: entry.flags & FlowFlags::LOOPBACK != 0,
        sent: Traffic { frames: entry.frames_sent, bytes: entry.bytes_sent },
        received: Traffic { frames: entry.frames_received, bytes: entry.bytes_received },
        sent_blocked: Traffic { frames: entry.frames_sent_blocked, bytes: entry.bytes_sent_blocked },
        received_blocked: Traffic {
            frames: entry.frames_received_blocked,
            bytes: entry.bytes_received_blocked,
        },
        first_seen: text::filetime(entry.first_seen),
        last_seen: text::filetime(entry.last_seen),
    }
}

/// The last part of an NT path.
fn base_name(path: &str) -> &str {
    path.rsplit('\\').next().unwrap_or(path)
}

fn address(bytes: [u8; 16]) -> IpAddr {
    let v6 = Ipv6Addr::from(bytes);
    v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4)
}

fn counters(status: &StatusReply) -> Vec<Counter> {
    let known = (0u32..).zip(&status.counters).filter_map(|(id, value)| {
        CounterId(id).name().map(|name| Counter { name: name.to_owned(), value: *value })
    });
    known.collect()
}

fn malformed(status: &StatusReply) -> Vec<Counter> {
    let reasons = status.malformed.iter().enumerate().filter(|(_, value)| **value != 0);
    reasons.map(|(reason, value)| Counter { name: text::malformed(reason), value: *value }).collect()
}

#[cfg(test)]
mod tests;
