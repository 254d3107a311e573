//! Answers to rejected frames: right for every kind of frame, silent where the standards say so, and without a
//! complaint of tshark, which checks every checksum.

mod support;

use std::process::Command;

use proptest::prelude::*;
use support::{ACK, LOCAL, REMOTE, RST, SYN, V4, echo, ethernet, ipv6, tagged, tcp, udp};
use weir_core::reject::{MAX_REPLY, Silence, reply};
use weir_core::wire::{self, Medium, TcpFlags, Transport};

const HERE: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const THERE: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

fn answer(medium: Medium, frame: &[u8]) -> Result<Vec<u8>, Silence> {
    let mut out = [0xee; MAX_REPLY];
    let length = reply(medium, &wire::parse(medium, frame, None), frame, &mut out)?;
    Ok(out[..length].to_vec())
}

fn silence(frame: &[u8]) -> Silence {
    answer(Medium::Ethernet, frame).expect_err("no answer")
}

/// A TCP segment with sequence number 1000 and acknowledgement number 2000.
fn segment(flags: u8, data: usize) -> Vec<u8> {
    let mut segment = tcp(40_000, 443, flags);
    segment[4..12].copy_from_slice(&[0, 0, 0x03, 0xe8, 0, 0, 0x07, 0xd0]);
    segment.extend(vec![0x55; data]);
    segment
}

/// Sequence number, acknowledgement number and flags of a reset over IPv4 and Ethernet.
fn numbers(reply: &[u8]) -> (u32, u32, u8) {
    let word = |at: usize| u32::from_be_bytes(reply[at..at + 4].try_into().unwrap());
    (word(38), word(42), reply[47])
}

#[test]
fn resets_have_the_numbers_of_rfc_9293() {
    let reset =
        |flags, data| numbers(&answer(Medium::Ethernet, &support::sent(6, &segment(flags, data))).unwrap());
    let acknowledging = TcpFlags::RST | TcpFlags::ACK;
    assert_eq!(reset(SYN, 0), (0, 1_001, acknowledging));
    assert_eq!(reset(SYN, 10), (0, 1_011, acknowledging));
    assert_eq!(reset(0, 10), (0, 1_010, acknowledging));
    assert_eq!(reset(TcpFlags::FIN, 10), (0, 1_011, acknowledging));
    assert_eq!(reset(ACK, 10), (2_000, 0, TcpFlags::RST));
    assert_eq!(reset(SYN | ACK, 0), (2_000, 0, TcpFlags::RST));
    assert_eq!(silence(&support::sent(6, &segment(RST, 0))), Silence::Reset);
    assert_eq!(silence(&support::sent(6, &segment(RST | ACK, 0))), Silence::Reset);
}

#[test]
fn padding_is_not_data() {
    let mut frame = support::sent(6, &segment(SYN, 0));
    frame.resize(60, 0);
    assert_eq!(numbers(&answer(Medium::Ethernet, &frame).unwrap()).1, 1_001);
}

#[test]
fn a_segment_that_will_be_cut_counts_whole() {
    let mut frame = support::sent(6, &segment(0, 9_000));
    frame[16..18].fill(0);
    assert_eq!(numbers(&answer(Medium::Ethernet, &frame).unwrap()).1, 10_000);
}

#[test]
fn an_answer_goes_back_where_the_frame_came_from() {
    let frame = tagged(&support::sent(6, &segment(SYN, 0)), 0x8100, 0x6064);
    let reply = answer(Medium::Ethernet, &frame).unwrap();
    assert_eq!((&reply[..6], &reply[6..12]), (&frame[6..12], &frame[..6]));
    assert_eq!(reply[12..18], [0x81, 0, 0x60, 0x64, 8, 0], "the tag stays");
    let parsed = wire::parse(Medium::Ethernet, &reply[..], None);
    let ip = parsed.ip.unwrap();
    assert_eq!((ip.source, ip.destination), (support::mapped(REMOTE), support::mapped(LOCAL)));
    assert!(matches!(parsed.transport, Transport::Tcp { source: 443, destination: 40_000, .. }));
}

#[test]
fn quotes_are_bounded() {
    let v4 = answer(Medium::Ethernet, &support::sent(17, &udp(1, 2, &[7; 1_400]))).unwrap();
    assert_eq!(v4.len(), 14 + 576);
    let frame = ethernet(0x86dd, &ipv6(HERE, THERE, 17, &udp(1, 2, &[7; 1_400])));
    assert_eq!(answer(Medium::Ethernet, &frame).unwrap().len(), 14 + 1_280);
    let short = answer(Medium::Ethernet, &support::sent(17, &udp(1, 2, b"abc"))).unwrap();
    assert_eq!(short.len(), 14 + 20 + 8 + 20 + 8 + 3);
    let mut out = [0; 60];
    let frame = support::sent(17, &udp(1, 2, b"abc"));
    let parsed = wire::parse(Medium::Ethernet, &frame[..], None);
    assert_eq!(reply(Medium::Ethernet, &parsed, &frame[..], &mut out), Err(Silence::Room));
}

#[test]
fn nobody_is_answered_who_must_not_be() {
    let to = |source, destination| V4::new(source, destination, 17).frame(&udp(1, 2, &[]));
    for other in [[224, 0, 0, 251], [255; 4], [0; 4], [127, 0, 0, 1], [240, 0, 0, 1]] {
        assert_eq!(silence(&to(LOCAL, other)), Silence::NotUnicast, "{other:?}");
        assert_eq!(silence(&to(other, LOCAL)), Silence::NotUnicast, "{other:?}");
    }
    let mut broadcast = to(LOCAL, REMOTE);
    broadcast[..6].fill(0xff);
    assert_eq!(silence(&broadcast), Silence::NotUnicast, "a broadcast of the link");
    let v6 = |source, destination| ethernet(0x86dd, &ipv6(source, destination, 17, &udp(1, 2, &[])));
    let multicast = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb];
    assert_eq!(silence(&v6(HERE, multicast)), Silence::NotUnicast);
    assert_eq!(silence(&v6([0; 16], THERE)), Silence::NotUnicast);

    let later = V4 { fragment: 185, ..V4::new(LOCAL, REMOTE, 17) };
    assert_eq!(silence(&later.frame(&[0; 64])), Silence::LaterFragment);
    let first = V4 { fragment: 0x2000, ..V4::new(LOCAL, REMOTE, 17) };
    let reply = answer(Medium::Ethernet, &first.frame(&udp(1, 2, &[0; 56]))).unwrap();
    assert_eq!(reply[34..36], [3, 13], "the first fragment is");

    for kind in [0, 3, 4, 5, 11, 12, 14, 40] {
        assert_eq!(silence(&support::sent(1, &echo(kind, 1))), Silence::Icmp, "type {kind}");
    }
    assert!(answer(Medium::Ethernet, &support::sent(1, &echo(8, 1))).is_ok(), "a request is answered");
    for kind in [1, 2, 3, 4, 129, 133, 135, 136, 137] {
        let frame = ethernet(0x86dd, &ipv6(HERE, THERE, 58, &echo(kind, 1)));
        assert_eq!(silence(&frame), Silence::Icmp, "ICMPv6 type {kind}");
    }
    assert_eq!(silence(&ethernet(0x0806, &[0; 28])), Silence::NotIp);
    assert_eq!(silence(&support::sent(17, &[0; 4])), Silence::Malformed);
}

/// Frames of every kind that is answered, by medium.
fn answered(medium: Medium) -> Vec<Vec<u8>> {
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

#[test]
fn tshark_has_nothing_to_complain_about() {
    for (medium, link, name) in [(Medium::Ethernet, 1, "ethernet"), (Medium::RawIp, 101, "raw")] {
        let frames = answered(medium);
        let replies: Vec<Vec<u8>> = frames.iter().map(|frame| answer(medium, frame).unwrap()).collect();
        let seen = dissect(name, link, &replies);
        assert_eq!(seen.len(), replies.len());
        let (mut resets, mut v4, mut v6) = (0, 0, 0);
        for (line, frame) in seen.iter().zip(&frames) {
            let [
                protocols,
                flags,
                kind,
                code,
                kind6,
                code6,
                ip,
                tcp,
                icmp,
                icmp6,
                malformed,
                severity,
                message,
            ] = &line[..]
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
        assert!(resets >= 6 && v4 >= 4 && v6 >= 3);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

    /// Any bytes, also damaged frames of known kinds: no panic, no answer beyond the bound, and what is answered
    /// is well-formed and never answered again.
    #[test]
    fn any_frame_is_answered_well_or_not_at_all(
        raw in any::<bool>(),
        pick in any::<prop::sample::Index>(),
        random in prop::collection::vec(any::<u8>(), 0..100),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in prop::option::weighted(0.3, any::<prop::sample::Index>()),
        room in prop::option::weighted(0.2, 0_usize..MAX_REPLY),
    ) {
        let medium = if raw { Medium::RawIp } else { Medium::Ethernet };
        let known = answered(medium);
        let mut frame = pick.get(&[known, vec![random]].concat()).clone();
        for (index, value) in changes {
            if !frame.is_empty() {
                let at = index.index(frame.len().min(80));
                frame[at] = value;
            }
        }
        if let Some(cut) = cut {
            frame.truncate(cut.index(frame.len() + 1));
        }
        let mut out = vec![0; room.unwrap_or(MAX_REPLY)];
        let parsed = wire::parse(medium, &frame[..], None);
        if let Ok(length) = reply(medium, &parsed, &frame[..], &mut out) {
            prop_assert!(length <= out.len() && length <= MAX_REPLY);
            let again = wire::parse(medium, &out[..length], None);
            prop_assert_eq!(again.malformed, None);
            prop_assert_eq!(again.link.vlan, parsed.link.vlan);
            let (ip, back) = (parsed.ip.unwrap(), again.ip.unwrap());
            prop_assert_eq!((ip.source, ip.destination), (back.destination, back.source));
            prop_assert!(answer(medium, &out[..length]).is_err(), "no answer to an answer");
            let most = if ip.version == 4 { 576 } else { 1_280 };
            prop_assert!(length - again.network as usize <= most);
        }
    }
}
