//! Promise: every capture under tests/data is what its TOML file and the README beside it say, and nothing else lies there.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[path = "support/captures.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with other test binaries")]
mod recorded;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::{env, fs};

use lab::capture::{Capture, Frame};
use lab::edge::packet::{self, Ip, Medium, Packet, Transport};
use lab::edge::process::{ProcessMap, Socket};
use recorded::{Notes, Recorded, data, files, paths};

const MOST_BYTES: u64 = 3 << 20;
/// What `special` may say.
const SPECIAL: [&str; 17] = [
    "big-endian",
    "direction",
    "fragments",
    "icmp-error",
    "interfaces",
    "llc",
    "multicast",
    "nanoseconds",
    "non-ip",
    "port-reuse",
    "qinq",
    "raw-ip",
    "sctp",
    "snapped",
    "tcp-refused",
    "tunnel",
    "vlan",
];

/// Every capture with its notes.
fn captures() -> Vec<(Notes, Capture, PathBuf)> {
    paths()
        .iter()
        .map(|path| {
            let Recorded { notes, capture, path } = Recorded::load(path);
            (notes, capture, path)
        })
        .collect()
}

fn ip(frame: &Frame) -> Option<Ip> {
    let medium = if frame.link_type.is_raw_ip() { Medium::RawIp } else { Medium::Ethernet };
    match packet::parse(medium, &frame.data) {
        Packet::Ip(ip) => Some(ip),
        _ => None,
    }
}

fn word(frame: &Frame, offset: usize) -> Option<u16> {
    Some(u16::from_be_bytes(frame.data.get(offset..offset + 2)?.try_into().ok()?))
}

/// What a look at the frames says about `special`; things that a look cannot tell are left out.
fn seen(capture: &Capture, bytes: &[u8]) -> BTreeSet<&'static str> {
    let any = |test: fn(&Frame) -> bool| capture.frames.iter().any(test);
    let ethernet = |test: fn(u16) -> bool| {
        let frames = capture.frames.iter().filter(|frame| !frame.link_type.is_raw_ip());
        frames.filter_map(|frame| word(frame, 12)).any(test)
    };
    let endian = bytes.starts_with(&[0xA1, 0xB2]) || bytes.get(8..12) == Some(&[0x1A, 0x2B, 0x3C, 0x4D]);
    let tunnel = |ip: Ip| {
        matches!(ip.protocol, 4 | 41 | 47) || matches!(ip.transport, Transport::Udp { destination: 4789, .. })
    };
    let found = [
        ("big-endian", endian),
        ("direction", any(|frame| frame.direction.is_some())),
        ("fragments", any(|frame| ip(frame).is_some_and(|ip| ip.fragment.is_some()))),
        ("interfaces", capture.interfaces.len() > 1),
        ("llc", ethernet(|kind| kind <= 1500)),
        ("nanoseconds", any(|frame| !frame.timestamp.is_multiple_of(1000))),
        ("qinq", ethernet(|kind| kind == 0x88A8)),
        ("raw-ip", any(|frame| frame.link_type.is_raw_ip())),
        ("sctp", any(|frame| ip(frame).is_some_and(|ip| ip.protocol == 132))),
        ("snapped", any(Frame::is_cut)),
        ("tunnel", capture.frames.iter().filter_map(ip).any(tunnel)),
        ("vlan", ethernet(|kind| matches!(kind, 0x8100 | 0x88A8))),
    ];
    found.into_iter().filter_map(|(name, seen)| seen.then_some(name)).collect()
}

#[test]
fn notes_say_what_is_in_the_captures() {
    for (notes, capture, path) in captures() {
        assert_eq!(path.file_name().unwrap(), notes.capture.as_str());
        assert!(!notes.title.is_empty() && !notes.local.is_empty(), "{path:?}");
        assert_eq!(capture.frames.len() as u64, notes.frames, "{path:?}");
        let bytes: u64 = capture.frames.iter().map(|frame| u64::from(frame.original_len)).sum();
        assert_eq!(bytes, notes.bytes, "{path:?}");
        let longest = capture.frames.iter().map(|frame| frame.original_len).max().unwrap();
        assert!(longest <= 1514 + 8, "{path:?}: a frame of {longest} bytes was never on a wire");

        let unknown: Vec<_> = notes.special.iter().filter(|name| !SPECIAL.contains(&name.as_str())).collect();
        assert!(unknown.is_empty(), "{path:?}: {unknown:?}");
        let seen = seen(&capture, &fs::read(&path).unwrap());
        let told = ["icmp-error", "multicast", "non-ip", "port-reuse", "tcp-refused"];
        let noted: BTreeSet<_> =
            notes.special.iter().map(String::as_str).filter(|name| !told.contains(name)).collect();
        assert_eq!(seen, noted, "{path:?}");
    }
}

#[test]
fn nothing_lies_there_unmentioned() {
    let readme = fs::read_to_string(data().join("README.md")).unwrap();
    let mut bytes = 0;
    for path in files() {
        bytes += path.metadata().unwrap().len();
        let name = path.strip_prefix(data()).unwrap().to_str().unwrap().to_owned();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("pcap" | "pcapng") => {
                assert!(readme.contains(&format!("| {name} |")), "{name} is not in the table")
            }
            Some("toml") if name.starts_with("demo/p") => {}
            Some("toml") => {
                let capture = [path.with_extension("pcap"), path.with_extension("pcapng")];
                assert!(capture.iter().any(|capture| capture.exists()), "{name} describes nothing");
            }
            _ => assert!(
                matches!(name.as_str(), "README.md" | "record.sh" | "traffic.py" | "pack.py"),
                "{name}"
            ),
        }
    }
    assert!(bytes <= MOST_BYTES, "{bytes} bytes of test data");
}

/// Addresses that nobody has: RFC 5737, RFC 3849, link-local, multicast, unspecified, broadcast.
fn is_nobodys(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_documentation()
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4.is_unspecified()
                || v4.is_link_local()
        }
        IpAddr::V6(v6) => {
            v6.segments()[..2] == [0x2001, 0xDB8]
                || v6.is_unicast_link_local()
                || v6.is_multicast()
                || v6.is_unspecified()
        }
    }
}

#[test]
fn no_real_host_appears() {
    for (notes, capture, path) in captures() {
        for ip in capture.frames.iter().filter_map(ip) {
            assert!(is_nobodys(ip.source) && is_nobodys(ip.destination), "{path:?}: {ip:?}");
        }
        assert!(notes.local.iter().copied().all(is_nobodys), "{path:?}");
        let bytes = fs::read(&path).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        let home = env::var("HOME").unwrap_or_default();
        for private in ["/tmp/", "Linux ", "/home/"]
            .into_iter()
            .chain([home.as_str()].into_iter().filter(|h| h.len() > 4))
        {
            assert!(!holds(private), "{path:?} holds {private:?}");
        }
    }
}

#[test]
fn every_process_of_the_demo_talks_in_it() {
    let text = fs::read_to_string(data().join("demo/processes.toml")).unwrap();
    let map = ProcessMap::from_toml(&text).unwrap();
    let (notes, capture, _) = captures()
        .into_iter()
        .find(|(_, _, path)| path.ends_with("demo/demo.pcapng"))
        .expect("the demo's capture");
    let mut owners = BTreeSet::new();
    for ip in capture.frames.iter().filter_map(ip) {
        let (source, destination) = match ip.transport {
            Transport::Tcp { source, destination, .. } | Transport::Udp { source, destination } => {
                (source, destination)
            }
            Transport::Icmp { id, .. } => (id, id),
            _ => continue,
        };
        let (from, to) = ((ip.source, source), (ip.destination, destination));
        let (local, remote) = if notes.local.contains(&ip.source) { (from, to) } else { (to, from) };
        owners.insert(map.owner(&Socket { protocol: ip.protocol, local, remote }).pid);
    }
    for rule in &map.rules {
        assert!(owners.contains(&rule.pid), "process {} ({}) owns nothing in the demo", rule.pid, rule.path);
    }
}
