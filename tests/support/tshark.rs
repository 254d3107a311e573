//! What tshark says about a capture: the yardstick for Weir's own accounting.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

/// A conversation: protocol and both ends, smaller end first. Ports are 0 where the protocol has none, and the
/// identifier for ICMP echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conversation {
    pub protocol: u8,
    pub ends: [(IpAddr, u16); 2],
}

impl Conversation {
    pub fn new(protocol: u8, one: (IpAddr, u16), other: (IpAddr, u16)) -> Self {
        Self { protocol, ends: if one <= other { [one, other] } else { [other, one] } }
    }
}

/// Frames and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub frames: u64,
    pub bytes: u64,
}

/// One frame of a capture.
pub struct Frame {
    pub bytes: u64,
    /// `None` for frames that are not IP.
    pub conversation: Option<Conversation>,
    /// A fragment that is not the first of its datagram.
    pub later_fragment: bool,
}

/// Reassembly off, so that each fragment is seen as the frame it is; tunnels off, so that the outer flow counts.
const OPTIONS: [&str; 18] = [
    "-o",
    "ip.defragment:FALSE",
    "-o",
    "ipv6.defragment:FALSE",
    "-o",
    "tcp.desegment_tcp_streams:FALSE",
    "--disable-protocol",
    "vxlan",
    "--disable-protocol",
    "geneve",
    "--disable-protocol",
    "gre",
    "--disable-protocol",
    "teredo",
    "--disable-protocol",
    "esp",
    "-n",
    "-q",
];

const FIELDS: [&str; 21] = [
    "frame.protocols",
    "ip.src",
    "ip.dst",
    "ip.proto",
    "ip.frag_offset",
    "ip.id",
    "ipv6.src",
    "ipv6.dst",
    "ipv6.fraghdr.offset",
    "ipv6.fraghdr.ident",
    "ipv6.fraghdr.nxt",
    "tcp.srcport",
    "tcp.dstport",
    "udp.srcport",
    "udp.dstport",
    "sctp.srcport",
    "sctp.dstport",
    "icmp.type",
    "icmp.ident",
    "icmpv6.type",
    "icmpv6.echo.identifier",
];

fn run(capture: &Path, arguments: &[&str]) -> String {
    let output = Command::new("tshark")
        .arg("-r")
        .arg(capture)
        .args(OPTIONS)
        .args(arguments)
        .output()
        .expect("tshark is missing: `cargo xtask test` installs it, or install the package tshark");
    assert!(output.status.success(), "tshark failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("tshark prints UTF-8")
}

fn number(text: &str) -> u64 {
    let text = text.trim();
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).unwrap_or_default(),
        None => text.parse().unwrap_or_default(),
    }
}

/// All frames of `capture`, in order; `length` is the field that gives their bytes.
pub fn frames(capture: &Path, length: &str) -> Vec<Frame> {
    let mut arguments = vec!["-T", "fields", "-E", "occurrence=f", "-E", "separator=|", "-e", length];
    for field in FIELDS {
        arguments.extend(["-e", field]);
    }
    let mut fragments: HashMap<(IpAddr, IpAddr, u8, u64), Conversation> = HashMap::new();
    run(capture, &arguments).lines().map(|line| frame(line, &mut fragments)).collect()
}

fn frame(line: &str, fragments: &mut HashMap<(IpAddr, IpAddr, u8, u64), Conversation>) -> Frame {
    let (length, fields) = line.split_once('|').expect("a length and fields");
    let values: Vec<&str> = fields.split('|').collect();
    let field = |name: &str| {
        let index = FIELDS.iter().position(|field| *field == name).expect("a known field");
        values.get(index).copied().unwrap_or_default()
    };
    let bytes = number(length);
    let protocols: Vec<&str> = field("frame.protocols").split(':').collect();
    let Some(ip) = protocols.iter().position(|layer| *layer == "ip" || *layer == "ipv6") else {
        return Frame { bytes, conversation: None, later_fragment: false };
    };
    let four = protocols[ip] == "ip";
    let (source, target) = if four { ("ip.src", "ip.dst") } else { ("ipv6.src", "ipv6.dst") };
    let (Ok(source), Ok(target)) = (field(source).parse::<IpAddr>(), field(target).parse::<IpAddr>()) else {
        return Frame { bytes, conversation: None, later_fragment: false };
    };
    let transport = protocols[ip + 1..].iter().find(|layer| !layer.starts_with("ipv6."));
    let ports = |name: &str| {
        let port = |end: &str| u16::try_from(number(field(&format!("{name}.{end}port")))).unwrap_or_default();
        (port("src"), port("dst"))
    };
    // An error quotes the packet that caused it, identifier included.
    let echo = |kind: &str, of: [u64; 2], name: &str| {
        let own = of.contains(&number(field(kind)));
        let identifier = if own { u16::try_from(number(field(name))).unwrap_or_default() } else { 0 };
        (identifier, identifier)
    };
    let (protocol, (from, to)) = match transport.copied() {
        Some("tcp") => (6, ports("tcp")),
        Some("udp") => (17, ports("udp")),
        Some("sctp") => (132, ports("sctp")),
        Some("icmp") => (1, echo("icmp.type", [0, 8], "icmp.ident")),
        Some("icmpv6") => (58, echo("icmpv6.type", [128, 129], "icmpv6.echo.identifier")),
        _ if four => (u8::try_from(number(field("ip.proto"))).unwrap_or_default(), (0, 0)),
        Some("ip") => (4, (0, 0)),
        Some("ipv6") => (41, (0, 0)),
        Some("gre") => (47, (0, 0)),
        _ => (u8::try_from(number(field("ipv6.fraghdr.nxt"))).unwrap_or_default(), (0, 0)),
    };
    let (offset, identification) = if four {
        (field("ip.frag_offset"), field("ip.id"))
    } else {
        (field("ipv6.fraghdr.offset"), field("ipv6.fraghdr.ident"))
    };
    let datagram = (source, target, protocol, number(identification));
    let later_fragment = number(offset) != 0;
    let own = Conversation::new(protocol, (source, from), (target, to));
    let conversation = if later_fragment {
        fragments.get(&datagram).copied().unwrap_or(own)
    } else {
        fragments.insert(datagram, own);
        own
    };
    Frame { bytes, conversation: Some(conversation), later_fragment }
}

/// Frames and bytes of each conversation of `capture`; `length` is the field that gives a frame's bytes.
///
/// The frames of TCP, UDP and SCTP are checked against tshark's own conversation tables (`-z conv`), which print exact
/// frames but rounded bytes and do not know to which conversation a later fragment belongs.
pub fn conversations(capture: &Path, length: &str) -> BTreeMap<Conversation, Count> {
    let mut all: BTreeMap<Conversation, Count> = BTreeMap::new();
    let mut whole: BTreeMap<Conversation, u64> = BTreeMap::new();
    for frame in frames(capture, length) {
        let Some(conversation) = frame.conversation else { continue };
        let count = all.entry(conversation).or_default();
        count.frames += 1;
        count.bytes += frame.bytes;
        if !frame.later_fragment && [6, 17, 132].contains(&conversation.protocol) {
            *whole.entry(conversation).or_default() += 1;
        }
    }
    assert_eq!(tables(capture), whole, "{}: fields and conversation tables differ", capture.display());
    all
}

/// IP in IP has no protocol of its own to switch off: its inner flows are left out of the tables by a filter.
const NOT_IP_IN_IP: &str = "not (ip.proto in {4,41} or ipv6.nxt in {4,41})";

fn tables(capture: &Path) -> BTreeMap<Conversation, u64> {
    let mut frames = BTreeMap::new();
    for (name, protocol) in [("tcp", 6), ("udp", 17), ("sctp", 132)] {
        for line in run(capture, &["-z", &format!("conv,{name},{NOT_IP_IN_IP}")]).lines() {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let [one, "<->", other, numbers @ ..] = columns.as_slice() else { continue };
            let end = |text: &str| {
                let (address, port) = text.rsplit_once(':').expect("address:port");
                (address.parse::<IpAddr>().expect("an address"), port.parse::<u16>().expect("a port"))
            };
            // Columns: frames bytes unit, for each direction and for both.
            let total = numbers.get(6).expect("a total column");
            // Two conversations of the same ends one after the other are two lines.
            *frames.entry(Conversation::new(protocol, end(one), end(other))).or_default() += number(total);
        }
    }
    frames
}

/// Remote end and name of every TLS server that a client named.
pub fn server_names(capture: &Path) -> BTreeSet<(IpAddr, String)> {
    let name = "tls.handshake.extensions_server_name";
    let lines = fields(capture, name, &["ip.dst", "ipv6.dst", name]);
    let server = |line: &Vec<String>| {
        let [v4, v6, name] = line.as_slice() else { return None };
        Some((v4.parse().or(v6.parse()).ok()?, name.to_lowercase()))
    };
    lines.iter().filter_map(server).collect()
}

/// Names for which an answer gave addresses.
pub fn answered_names(capture: &Path) -> BTreeSet<String> {
    let lines = fields(capture, "dns.flags.response==1 && (dns.a || dns.aaaa)", &["dns.qry.name"]);
    lines.into_iter().flatten().map(|name| name.to_lowercase()).collect()
}

/// The first value of each field in the frames that a filter lets through, streams put together.
fn fields(capture: &Path, filter: &str, names: &[&str]) -> Vec<Vec<String>> {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(capture).args([
        "-n",
        "-Y",
        filter,
        "-T",
        "fields",
        "-E",
        "occurrence=f",
        "-E",
        "separator=|",
    ]);
    for name in names {
        command.args(["-e", name]);
    }
    let output = command.output().expect("tshark runs");
    assert!(output.status.success(), "tshark failed: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("tshark prints UTF-8");
    text.lines().map(|line| line.split('|').map(str::to_owned).collect()).collect()
}
