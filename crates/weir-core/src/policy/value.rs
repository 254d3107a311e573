//! Values of the policy language: addresses, ports, protocols, applications, users, interfaces.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::CompileOptions;
use super::diagnostic::Problem;
use super::image::MAX_VLAN;
use crate::identity::MAX_IMAGE;
use crate::names::Name;
use crate::wire::{ethertype, protocol};

pub(super) const PROTOCOLS: &[(&str, u8)] = &[
    ("tcp", protocol::TCP),
    ("udp", protocol::UDP),
    ("icmp", protocol::ICMP),
    ("icmpv6", protocol::ICMPV6),
    ("igmp", protocol::IGMP),
    ("ipip", protocol::IPV4),
    ("dccp", protocol::DCCP),
    ("ipv6-in-ip", protocol::IPV6),
    ("gre", protocol::GRE),
    ("esp", protocol::ESP),
    ("ah", protocol::AH),
    ("ospf", protocol::OSPF),
    ("pim", protocol::PIM),
    ("vrrp", protocol::VRRP),
    ("l2tp", protocol::L2TP),
    ("sctp", protocol::SCTP),
    ("udp-lite", protocol::UDP_LITE),
];

pub(super) const ETHERTYPES: &[(&str, u16)] = &[
    ("ipv4", ethertype::IPV4),
    ("arp", ethertype::ARP),
    ("wake-on-lan", ethertype::WOL),
    ("rarp", ethertype::RARP),
    ("ipv6", ethertype::IPV6),
    ("mac-control", ethertype::MAC_CONTROL),
    ("mpls", ethertype::MPLS),
    ("pppoe-discovery", ethertype::PPPOE_DISCOVERY),
    ("pppoe", ethertype::PPPOE),
    ("eapol", ethertype::EAPOL),
    ("profinet", ethertype::PROFINET),
    ("ethercat", ethertype::ETHERCAT),
    ("lldp", ethertype::LLDP),
    ("macsec", ethertype::MACSEC),
    ("ptp", ethertype::PTP),
];

/// An address range by prefix; IPv4 as IPv4-mapped IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) address: u128,
    pub(super) length: u8,
}

/// Length of the prefix of all IPv4-mapped addresses.
const MAPPED: u8 = 96;

impl Prefix {
    pub(super) fn is_v4(self) -> bool {
        self.length >= MAPPED && self.address >> 32 == 0xffff
    }

    pub(super) fn covers(self, other: Self) -> bool {
        self.length <= other.length && (self.address ^ other.address) & mask(self.length) == 0
    }
}

fn mask(length: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0)
}

pub(super) fn prefix(text: &str) -> Result<Prefix, Problem> {
    let bad = || {
        Problem::new(
            format!("`{text}` is not an address or a prefix"),
            "write 192.0.2.7, 192.0.2.0/24, 2001:db8::1 or 2001:db8::/32; names are not resolved",
        )
    };
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let (bits, width, offset) = if let Ok(v4) = address.parse::<Ipv4Addr>() {
        (u128::from(v4.to_ipv6_mapped()), 32, MAPPED)
    } else if let Ok(v6) = address.parse::<Ipv6Addr>() {
        (u128::from(v6), 128, 0)
    } else {
        return Err(bad());
    };
    let length = match length {
        None => width,
        Some(length) => length.parse::<u8>().ok().filter(|length| *length <= width).ok_or_else(|| {
            Problem::new(
                format!("`/{length}` is not a prefix length"),
                format!("for this address it is a number from 0 to {width}"),
            )
        })?,
    };
    let prefix = Prefix { address: bits & mask(length + offset), length: length + offset };
    if prefix.address != bits {
        let network = if offset == MAPPED {
            Ipv4Addr::from(prefix.address as u32).to_string()
        } else {
            Ipv6Addr::from(prefix.address).to_string()
        };
        return Err(Problem::new(
            format!("`{text}` has bits set behind its prefix"),
            format!("the network is {network}/{length}, the single address is {address}/{width}"),
        ));
    }
    Ok(prefix)
}

/// First and last port.
pub(super) type Ports = (u16, u16);

pub(super) fn port_number(number: i64) -> Result<Ports, Problem> {
    let port = u16::try_from(number)
        .map_err(|_| Problem::new(format!("{number} is not a port"), "ports go from 0 to 65535"))?;
    Ok((port, port))
}

pub(super) fn ports(text: &str) -> Result<Ports, Problem> {
    let one = |part: &str| {
        part.trim().parse::<u16>().map_err(|_| {
            Problem::new(
                format!("`{text}` is not a port or a range of ports"),
                "write 443, \"443\" or \"8000-8999\"; ports go from 0 to 65535",
            )
        })
    };
    let Some((first, last)) = text.split_once('-') else {
        let port = one(text)?;
        return Ok((port, port));
    };
    let (first, last) = (one(first)?, one(last)?);
    if first > last {
        return Err(Problem::new(
            format!("the range {first}-{last} is empty"),
            format!("did you mean {last}-{first}?"),
        ));
    }
    Ok((first, last))
}

pub(super) fn protocol_number(number: i64) -> Result<u8, Problem> {
    u8::try_from(number)
        .map_err(|_| Problem::new(format!("{number} is not an IP protocol"), "they go from 0 to 255"))
}

pub(super) fn protocol_name(text: &str) -> Result<u8, Problem> {
    if let Ok(number) = text.parse::<i64>() {
        return protocol_number(number);
    }
    named("protocol", text, PROTOCOLS)
}

pub(super) fn ethertype_number(number: i64) -> Result<u16, Problem> {
    u16::try_from(number).ok().filter(|number| *number >= 0x0600).ok_or_else(|| {
        Problem::new(format!("{number:#x} is not an ethertype"), "ethertypes go from 0x0600 to 0xffff")
    })
}

pub(super) fn ethertype_name(text: &str) -> Result<u16, Problem> {
    if let Some(number) = text.strip_prefix("0x").and_then(|hex| i64::from_str_radix(hex, 16).ok()) {
        return ethertype_number(number);
    }
    named("ethertype", text, ETHERTYPES)
}

pub(super) fn named<T: Copy>(what: &str, text: &str, table: &[(&str, T)]) -> Result<T, Problem> {
    let lower = text.to_lowercase();
    table.iter().find(|(name, _)| *name == lower).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
        Problem::unknown(what, text, &names)
    })
}

/// What stands for frames without a VLAN; a priority tag names none either.
const UNTAGGED: &str = "untagged";

pub(super) fn vlan_number(number: i64) -> Result<(u16, u16), Problem> {
    u16::try_from(number).ok().filter(|id| (1..=MAX_VLAN).contains(id)).map(|id| (id, id)).ok_or_else(|| {
        Problem::new(
            format!("{number} is not a VLAN identifier"),
            format!("they go from 1 to {MAX_VLAN}; \"{UNTAGGED}\" stands for frames without"),
        )
    })
}

/// First and last VLAN identifier.
pub(super) fn vlans(text: &str) -> Result<(u16, u16), Problem> {
    if text == UNTAGGED {
        return Ok((0, 0));
    }
    let bad = || {
        Problem::new(
            format!("`{text}` is not a VLAN identifier or a range of them"),
            format!("write 10, \"10\", \"10-19\" or \"{UNTAGGED}\""),
        )
    };
    let one = |part: &str| part.trim().parse::<i64>().map_err(|_| bad()).and_then(vlan_number);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let ((first, _), (last, _)) = (one(first)?, one(last)?);
    if first > last { Err(bad()) } else { Ok((first, last)) }
}

/// How a rule names an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Interface {
    /// ASCII letters in lower case.
    Name(String),
    Luid(u64),
    Index(u32),
}

pub(super) fn interface_index(number: i64) -> Result<Interface, Problem> {
    u32::try_from(number).ok().filter(|index| *index != 0).map(Interface::Index).ok_or_else(|| {
        Problem::new(format!("{number} is not an interface index"), "`Get-NetAdapter` shows it as ifIndex")
    })
}

pub(super) fn interface(text: &str) -> Result<Interface, Problem> {
    if let Some(index) = text.strip_prefix("index:") {
        return interface_index(index.trim().parse().unwrap_or(-1));
    }
    if let Some(luid) = text.strip_prefix("luid:") {
        let luid = luid.trim();
        let value = match luid.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16),
            None => luid.parse(),
        };
        return value.ok().filter(|luid| *luid != 0).map(Interface::Luid).ok_or_else(|| {
            Problem::new(format!("`{luid}` is not a LUID"), "`Get-NetAdapter | fl NetLuid` shows it")
        });
    }
    let units = text.encode_utf16().count();
    if units == 0 || units > super::image::MAX_NAME as usize {
        return Err(Problem::new(
            "an interface name has 1 to 256 characters",
            "`Get-NetAdapter` shows the names; luid:N and index:N also work",
        ));
    }
    Ok(Interface::Name(text.to_ascii_lowercase()))
}

/// How a rule names an application; the text is in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Application {
    /// Whole NT path.
    Path(String),
    /// Path below any volume, with its leading backslash.
    BelowVolume(String),
    /// Last component of the path.
    File(String),
}

impl Application {
    pub(super) fn text(&self) -> &str {
        let (Application::Path(text) | Application::BelowVolume(text) | Application::File(text)) = self;
        text
    }
}

pub(super) fn application(text: &str, options: &CompileOptions) -> Result<Application, Problem> {
    let shape = || {
        Problem::new(
            format!("`{text}` is not a path of an application"),
            r"write 'C:\Program Files\App\app.exe', '\device\harddiskvolume3\app.exe' or 'app.exe', in single quotes",
        )
    };
    let lower = text.to_lowercase();
    if text.is_empty() || text.contains('/') || text.ends_with('\\') || text.contains(char::is_control) {
        return Err(shape());
    }
    let mut characters = lower.chars();
    let application = match (characters.next(), characters.next()) {
        (Some(letter), Some(':')) => {
            let rest = characters.as_str();
            if !letter.is_ascii_lowercase() || !rest.starts_with('\\') {
                return Err(shape());
            }
            match options.volumes.get(&letter.to_ascii_uppercase()) {
                Some(device) => {
                    Application::Path(format!("{}{rest}", device.trim_end_matches('\\').to_lowercase()))
                }
                None => Application::BelowVolume(rest.to_owned()),
            }
        }
        (Some('\\'), Some('\\')) => {
            Application::Path(format!("\\device\\mup{}", lower.get(1..).unwrap_or("")))
        }
        (Some('\\'), _) => Application::Path(lower),
        _ if lower.contains('\\') => return Err(shape()),
        _ => Application::File(lower),
    };
    if application.text().encode_utf16().count() > MAX_IMAGE {
        return Err(Problem::new(
            format!("this path is longer than {MAX_IMAGE} characters"),
            "name the application by its file name",
        ));
    }
    Ok(application)
}

/// How a rule names hosts; the text is in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Domain {
    /// This name.
    Itself(String),
    /// Every name below it, at any depth, but not the name itself.
    Below(String),
}

impl Domain {
    pub(super) fn text(&self) -> &str {
        let (Domain::Itself(text) | Domain::Below(text)) = self;
        text
    }

    /// True when this matches every name that `other` matches.
    pub(super) fn covers(&self, other: &Domain) -> bool {
        match (self, other) {
            (Domain::Below(mine), theirs) => {
                let below = theirs.text().strip_suffix(mine.as_str()).is_some_and(|rest| rest.ends_with('.'));
                below || self == theirs
            }
            (mine, theirs) => mine == theirs,
        }
    }
}

pub(super) fn domain(text: &str) -> Result<Domain, Problem> {
    let name = text.strip_suffix('.').unwrap_or(text);
    let (below, name) = name.strip_prefix("*.").map_or((false, name), |name| (true, name));
    if !name.is_ascii() {
        return Err(Problem::new(
            format!("`{text}` is not ASCII"),
            "write the name as it is on the network, with `xn--` labels",
        ));
    }
    if name.contains('*') {
        return Err(Problem::new(
            format!("`{text}` has a star where none can stand"),
            "`*.` at the beginning stands for everything below a name; nothing else can be left open",
        ));
    }
    if Name::new(name.bytes()).is_none() {
        return Err(Problem::new(
            format!("`{text}` is not the name of a host"),
            "write `www.example.com` or `*.example.com`; addresses belong in `remote`",
        ));
    }
    let name = name.to_ascii_lowercase();
    Ok(if below { Domain::Below(name) } else { Domain::Itself(name) })
}

/// The binary SID of its text form.
pub(super) fn user(text: &str) -> Result<Vec<u8>, Problem> {
    parse_sid(text).ok_or_else(|| {
        Problem::new(
            format!("`{text}` is not a SID"),
            "write a SID such as S-1-5-18; `whoami /user` shows yours",
        )
    })
}

fn parse_sid(text: &str) -> Option<Vec<u8>> {
    let upper = text.to_ascii_uppercase();
    let mut parts = upper.strip_prefix("S-1-")?.split('-');
    let authority = parts.next()?;
    let authority = match authority.strip_prefix("0X") {
        Some(hex) => u64::from_str_radix(hex, 16).ok()?,
        None => authority.parse().ok()?,
    };
    let [0, 0, authority @ ..] = authority.to_be_bytes() else { return None };
    let subs: Vec<u32> = parts.map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let mut sid = vec![1, u8::try_from(subs.len()).ok().filter(|count| (1..=15).contains(count))?];
    sid.extend(authority);
    sid.extend(subs.iter().flat_map(|sub| sub.to_le_bytes()));
    Some(sid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        let v4 = prefix("10.0.0.0/8").unwrap();
        assert_eq!((v4.address, v4.length), (0xffff_0a00_0000, 104));
        assert!(v4.is_v4() && v4.covers(prefix("10.1.2.3").unwrap()));
        assert!(!v4.covers(prefix("11.0.0.0/8").unwrap()));
        assert!(prefix("0.0.0.0/0").unwrap().is_v4());
        let all = prefix("::/0").unwrap();
        assert!(all.covers(v4) && !all.is_v4());
        for bad in [
            "",
            "10.0.0",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "2001:db8::1/64",
            "::/129",
            "example.com",
            "10.0.0.0/-1",
        ] {
            assert!(prefix(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn port_ranges() {
        assert_eq!(ports("80").unwrap(), (80, 80));
        assert_eq!(ports("8000 - 8999").unwrap(), (8000, 8999));
        for bad in ["", "65536", "9-8", "1-2-3", "http", "-1"] {
            assert!(ports(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn vlan_ranges() {
        assert_eq!(vlans("10").unwrap(), (10, 10));
        assert_eq!(vlans("1 - 4094").unwrap(), (1, 4_094));
        assert_eq!(vlans("untagged").unwrap(), (0, 0));
        for bad in ["", "0", "4095", "9-8", "1-2-3", "none", "-1", "0-5"] {
            assert!(vlans(bad).is_err(), "{bad}");
        }
        assert!(vlan_number(0).is_err() && vlan_number(4_095).is_err() && vlan_number(1).is_ok());
    }

    #[test]
    fn applications() {
        let mut options = CompileOptions::default();
        options.volumes.insert('C', r"\Device\HarddiskVolume3".to_owned());
        let compile = |text: &str| application(text, &options);
        assert_eq!(
            compile(r"c:\Windows\Curl.exe").unwrap(),
            Application::Path(r"\device\harddiskvolume3\windows\curl.exe".into())
        );
        assert_eq!(compile(r"D:\x.exe").unwrap(), Application::BelowVolume(r"\x.exe".into()));
        assert_eq!(compile("Curl.EXE").unwrap(), Application::File("curl.exe".into()));
        assert_eq!(compile(r"\\srv\s\x.exe").unwrap(), Application::Path(r"\device\mup\srv\s\x.exe".into()));
        for bad in ["", "C:", r"C:x.exe", r"bin\x.exe", "C:/x.exe", r"C:\", r"1:\x.exe"] {
            assert!(compile(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sids() {
        assert_eq!(user("S-1-5-18").unwrap(), [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]);
        assert_eq!(user("s-1-0x5-32-544").unwrap().len(), 16);
        for bad in ["", "S-1-5", "S-2-5-18", "S-1-5-x", "S-1-5-4294967296", "SYSTEM"] {
            assert!(user(bad).is_err(), "{bad}");
        }
    }
}
