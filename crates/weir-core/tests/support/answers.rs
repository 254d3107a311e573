//! Frames that are answered when they are rejected, and what tshark thinks of the answers.

use std::process::Command;

use weir_core::wire::Medium;

use super::{ACK, LOCAL, REMOTE, SYN, V4, echo, ethernet, ipv6, tagged, tcp, udp};

pub const HERE: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
pub const THERE: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

/// A TCP segment with sequence number 1000 and acknowledgement number 2000.
pub fn segment(flags: u8, data: usize) -> Vec<u8> {
    let mut segment = tcp(40_000, 443, flags);
    segment[4..12].copy_from_slice(&[0, 0, 0x03, 0xe8, 0, 0, 0x07, 0xd0]);
    segment.extend(vec![0x55; data]);
    segment
}

/// Frames of every kind that is answered, by medium.
pub fn answered(medium: Medium) -> Vec<Vec<u8>> {
    let v4 = |protocol, payload: &[u8]| {
        let frame = V4::new(LOCAL, REMOTE, protocol).packet(payload);
        (0x0800_u16, frame)
    };
    let v6 = |next, payload: &[u8]| (0x86dd_u16, ipv6(HERE, THERE, next, payload));
    let destination_options = |payload: &[u8]| [&[6, 0, 1, 4, 0, 0, 0, 0][..], payload].concat();
    let packets = vec![
        v4(6, &segment(SYN, 0)),
        v4(6, &segment(ACK, 700)),
        v4(17, &udp(5_000, 53, &[9; 33])),
        v4(17, &udp(5_000, 53, &[9; 1_400])),
        v4(1, &echo(8, 77)),
        v4(253, &[9; 16]),
        (0x0800, V4 { options: 8, ..V4::new(LOCAL, REMOTE, 6) }.packet(&segment(SYN, 0))),
        (
            0x0800,
            V4 { fragment: 0x2000, identification: 9, ..V4::new(LOCAL, REMOTE, 17) }
                .packet(&udp(1, 2, &[0; 56])),
        ),
        v6(6, &segment(SYN, 0)),
        v6(6, &segment(ACK, 700)),
        v6(60, &destination_options(&segment(SYN, 0))),
        v6(17, &udp(5_000, 53, &[9; 33])),
        v6(17, &udp(5_000, 53, &[9; 1_401])),
        v6(58, &echo(128, 77)),
    ];
    if medium == Medium::RawIp {
        return packets.into_iter().map(|(_, packet)| packet).collect();
    }
    let mut frames = Vec::new();
    for (kind, packet) in packets {
        let frame = ethernet(kind, &packet);
        frames.push(tagged(&frame, 0x8100, 0xa064));
        frames.push(tagged(&tagged(&frame, 0x8100, 7), 0x88a8, 0x2008));
        if packet.len() < 1_400 {
            // The same behind LLC and SNAP.
            let snap = [&[0xaa, 0xaa, 3, 0, 0, 0][..], &kind.to_be_bytes(), &packet].concat();
            frames.push(ethernet(snap.len() as u16, &snap));
        }
        frames.push(frame);
    }
    frames
}

/// A capture of `frames` with this link type.
fn pcap(link: u32, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(0xa1b2_c3d4_u32.to_le_bytes());
    out.extend([2, 0, 4, 0]);
    out.extend([0; 8]);
    out.extend(65_535_u32.to_le_bytes());
    out.extend(link.to_le_bytes());
    for frame in frames {
        out.extend([0; 8]);
        out.extend((frame.len() as u32).to_le_bytes());
        out.extend((frame.len() as u32).to_le_bytes());
        out.extend(frame);
    }
    out
}

/// What tshark says about each frame: protocols, TCP flags, ICMP and ICMPv6 type and code, and complaints.
fn dissect(name: &str, link: u32, frames: &[Vec<u8>]) -> Vec<Vec<String>> {
    let path = std::env::temp_dir().join(format!("weir-reject-{}-{name}.pcap", std::process::id()));
    std::fs::write(&path, pcap(link, frames)).unwrap();
    let mut command = Command::new("tshark");
    command.arg("-r").arg(&path).args(["-n", "-T", "fields", "-E", "separator=|", "-E", "aggregator=;"]);
    for option in ["ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE"] {
        command.args(["-o", option]);
    }
    let fields = [
        "frame.protocols",
        "tcp.flags",
        "icmp.type",
        "icmp.code",
        "icmpv6.type",
        "icmpv6.code",
        "ip.checksum.status",
        "tcp.checksum.status",
        "icmp.checksum.status",
        "icmpv6.checksum.status",
        "_ws.malformed",
        "_ws.expert.severity",
        "_ws.expert.message",
    ];
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command
        .output()
        .expect("tshark is missing: `cargo xtask test` installs it, or install the package tshark");
    std::fs::remove_file(&path).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.split('|').map(str::to_owned).collect()).collect()
}

/// tshark's severity "warning" (PI_WARN).
const WARNING: u64 = 0x0060_0000;
/// That a reset is a reset is a warning, too.
const INHERENT: &str = "Connection reset (RST)";

/// Checks that `replies` are answers to `frames` that tshark dissects without a warning, checksums included, and counts
/// resets, ICMP and ICMPv6 errors.
pub fn assert_clean(name: &str, medium: Medium, frames: &[Vec<u8>], replies: &[Vec<u8>]) -> [usize; 3] {
    let link = if medium == Medium::RawIp { 101 } else { 1 };
    let seen = dissect(name, link, replies);
    assert_eq!((seen.len(), frames.len()), (replies.len(), replies.len()));
    let (mut resets, mut v4, mut v6) = (0, 0, 0);
    for (line, frame) in seen.iter().zip(frames) {
        let [protocols, flags, kind, code, kind6, code6, ip, tcp, icmp, icmp6, malformed, severity, message] =
            &line[..]
        else {
            panic!("{line:?}")
        };
        let about = || format!("{line:?} in answer to {frame:02x?}");
        assert!(malformed.is_empty(), "{}", about());
        for (severity, message) in severity.split(';').zip(message.split(';')) {
            let severity: u64 = severity.parse().unwrap_or(0);
            assert!(severity < WARNING || message == INHERENT, "{}", about());
        }
        // 1 is "good", also for what is quoted.
        if !protocols.contains("ipv6") {
            assert!(ip.split(';').all(|status| status == "1"), "{}", about());
        }
        match (flags.as_str(), kind.as_str(), kind6.as_str()) {
            (flags, "", "") => {
                assert!(["0x0004", "0x0014"].contains(&flags), "{}", about());
                assert_eq!(tcp, "1", "{}", about());
                resets += 1;
            }
            // Behind the answer's own fields come those of the quoted frame.
            (_, kind, "") => {
                let own = [kind, code, icmp].map(|field| field.split(';').next().unwrap());
                assert_eq!(own, ["3", "13", "1"], "{}", about());
                v4 += 1;
            }
            (_, "", kind) => {
                let own = [kind, code6, icmp6].map(|field| field.split(';').next().unwrap());
                assert_eq!(own, ["1", "1", "1"], "{}", about());
                v6 += 1;
            }
            _ => panic!("{}", about()),
        }
    }
    println!("{name}: {resets} resets, {v4} ICMP, {v6} ICMPv6, no warning");
    [resets, v4, v6]
}
