//! Which process owns a socket in the simulated machine: a small TOML map, and the NT form of its paths.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// `S-1-5-18`, the user of every process that names none.
pub const LOCAL_SYSTEM: &str = "S-1-5-18";
/// `S-1-0-0`, the package of every process that is in none.
pub const NO_PACKAGE: &str = "S-1-0-0";

/// A process as ALE reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Path of the image in Win32 or NT form, or a bare name such as `System`.
    pub path: String,
    /// Process id.
    pub pid: u64,
    /// Security identifier of the user, in text form.
    #[serde(default = "local_system")]
    pub user: String,
    /// Security identifier of the package (AppContainer), in text form.
    #[serde(default)]
    pub package: Option<String>,
}

fn local_system() -> String {
    LOCAL_SYSTEM.to_owned()
}

impl Default for Process {
    fn default() -> Self {
        Self { path: "System".to_owned(), pid: 4, user: local_system(), package: None }
    }
}

/// Which sockets belong to a process. A field that is not given matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// Path of the image.
    pub path: String,
    /// Process id.
    pub pid: u64,
    /// Security identifier of the user (default: Local System).
    #[serde(default)]
    pub user: Option<String>,
    /// Security identifier of the package (default: none).
    #[serde(default)]
    pub package: Option<String>,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, or a number.
    #[serde(default)]
    pub protocol: Option<Protocol>,
    /// Port at our side.
    #[serde(default)]
    pub local_port: Option<u16>,
    /// Port at the other side.
    #[serde(default)]
    pub remote_port: Option<u16>,
    /// Address at our side.
    #[serde(default)]
    pub local_address: Option<IpAddr>,
    /// Address at the other side.
    #[serde(default)]
    pub remote_address: Option<IpAddr>,
}

/// An IP protocol by name or number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Protocol {
    /// By number.
    Number(u8),
    /// By name.
    Name(ProtocolName),
}

/// The names that a map may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum ProtocolName {
    Tcp,
    Udp,
    Icmp,
    Icmpv6,
}

impl Protocol {
    /// The number in the IP header.
    pub fn number(&self) -> u8 {
        match self {
            Self::Number(number) => *number,
            Self::Name(ProtocolName::Tcp) => 6,
            Self::Name(ProtocolName::Udp) => 17,
            Self::Name(ProtocolName::Icmp) => 1,
            Self::Name(ProtocolName::Icmpv6) => 58,
        }
    }
}

/// A socket's two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields say it")]
pub struct Socket {
    pub protocol: u8,
    pub local: (IpAddr, u16),
    pub remote: (IpAddr, u16),
}

impl Rule {
    fn matches(&self, socket: &Socket) -> bool {
        fn given<T: PartialEq>(rule: Option<&T>, value: T) -> bool {
            rule.is_none_or(|wanted| *wanted == value)
        }
        self.protocol.as_ref().is_none_or(|p| p.number() == socket.protocol)
            && given(self.local_port.as_ref(), socket.local.1)
            && given(self.remote_port.as_ref(), socket.remote.1)
            && given(self.local_address.as_ref(), socket.local.0)
            && given(self.remote_address.as_ref(), socket.remote.0)
    }
}

/// The whole map: the first matching rule owns a socket, else the default process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessMap {
    /// Owner of what no rule names.
    #[serde(default)]
    pub default: Process,
    /// Rules in order.
    #[serde(default, rename = "process")]
    pub rules: Vec<Rule>,
    /// Drive letters and the devices behind them.
    #[serde(default)]
    pub volumes: Volumes,
}

impl ProcessMap {
    /// Reads a map:
    ///
    /// ```toml
    /// [[process]]
    /// path = 'C:\Windows\System32\curl.exe'
    /// pid = 4242
    /// user = "S-1-5-21-1-2-3-1001"
    /// protocol = "tcp"
    /// remote-port = 80
    /// ```
    pub fn from_toml(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The process which owns `socket`.
    pub fn owner(&self, socket: &Socket) -> Process {
        self.rules.iter().find(|rule| rule.matches(socket)).map_or_else(
            || self.default.clone(),
            |rule| Process {
                path: rule.path.clone(),
                pid: rule.pid,
                user: rule.user.clone().unwrap_or_else(local_system),
                package: rule.package.clone(),
            },
        )
    }

    /// Every process of the map: number and image.
    pub(crate) fn processes(&self) -> impl Iterator<Item = (u64, &str)> {
        let rules = self.rules.iter().map(|rule| (rule.pid, rule.path.as_str()));
        rules.chain([(self.default.pid, self.default.path.as_str())])
    }
}

/// Drive letter (upper case) to NT device, as the mount manager of the simulated machine has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Volumes(pub BTreeMap<char, String>);

impl Default for Volumes {
    fn default() -> Self {
        // A usual installation: system and recovery partitions come before C:.
        Self(BTreeMap::from([
            ('C', r"\Device\HarddiskVolume3".to_owned()),
            ('D', r"\Device\HarddiskVolume4".to_owned()),
        ]))
    }
}

impl Volumes {
    /// The path as ALE reports it: NT form, lower case. A path on an unknown drive, an NT path and a bare
    /// name stay as they are but for the case.
    pub fn nt_path(&self, path: &str) -> String {
        let mut characters = path.chars();
        let nt = match (characters.next(), characters.next()) {
            (Some(letter), Some(':')) => self
                .0
                .get(&letter.to_ascii_uppercase())
                .map(|device| format!("{device}{}", characters.as_str().replace('/', "\\"))),
            _ => None,
        };
        nt.unwrap_or_else(|| path.to_owned()).to_lowercase()
    }

    /// The path as `FWPS_METADATA_FIELD_PROCESS_PATH` carries it: UTF-16 with a terminating NUL, as bytes.
    pub fn app_id(&self, path: &str) -> Vec<u8> {
        self.nt_path(path).encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
    }
}

/// The binary form of a SID in text form (`S-1-5-21-...`).
pub fn sid_bytes(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.strip_prefix("S-1-")?.split('-');
    let authority: u64 = parts.next()?.parse().ok().filter(|&a| a < 1 << 48)?;
    let sub: Vec<u32> = parts.map(str::parse).collect::<Result<_, _>>().ok()?;
    if sub.is_empty() || sub.len() > 15 {
        return None;
    }
    let mut sid = vec![1, sub.len() as u8];
    sid.extend_from_slice(&authority.to_be_bytes()[2..]);
    sid.extend(sub.into_iter().flat_map(u32::to_le_bytes));
    Some(sid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_matching_rule_owns_the_socket() {
        let map = ProcessMap::from_toml(
            r#"
            [[process]]
            path = 'C:\Windows\System32\curl.exe'
            pid = 10
            user = "S-1-5-21-1-2-3-1001"
            protocol = "tcp"
            remote-port = 80

            [[process]]
            path = 'C:\Windows\System32\svchost.exe'
            pid = 11
            protocol = 17
            local-address = "10.0.0.1"
            "#,
        )
        .expect("valid map");
        let socket = |protocol, remote_port| Socket {
            protocol,
            local: ("10.0.0.1".parse().unwrap(), 5000),
            remote: ("10.0.0.2".parse().unwrap(), remote_port),
        };
        assert_eq!(map.owner(&socket(6, 80)).pid, 10);
        assert_eq!(
            map.owner(&socket(17, 53)),
            Process {
                path: r"C:\Windows\System32\svchost.exe".to_owned(),
                pid: 11,
                user: LOCAL_SYSTEM.to_owned(),
                package: None,
            }
        );
        assert_eq!(map.owner(&socket(6, 443)), Process::default());
        assert!(ProcessMap::from_toml("[[process]]\npath='a'\npid=1\nport=3").is_err());
    }

    #[test]
    fn paths_take_their_nt_form() {
        let volumes = Volumes::default();
        assert_eq!(
            volumes.nt_path(r"C:\Windows\System32\curl.exe"),
            r"\device\harddiskvolume3\windows\system32\curl.exe"
        );
        assert_eq!(volumes.nt_path("System"), "system");
        assert_eq!(volumes.app_id("Ab"), [b'a', 0, b'b', 0, 0, 0]);
    }

    #[test]
    fn sids_have_their_binary_form() {
        assert_eq!(sid_bytes("S-1-5-18"), Some(vec![1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]));
        assert_eq!(sid_bytes("S-1-5-21-1-2-3-1001").map(|s| s.len()), Some(28));
        assert_eq!(sid_bytes("S-1-5"), None);
        assert_eq!(sid_bytes("nobody"), None);
    }
}
