//! Answers to rejected frames: right for every kind of frame, silent where the standards say so, and without a
//! complaint of tshark, which checks every checksum.

mod support;

use proptest::prelude::*;
use support::answers::{HERE, THERE, answered, assert_clean, segment};
use support::{ACK, LOCAL, REMOTE, RST, SYN, V4, echo, ethernet, ipv6, tagged, udp};
use weir_core::reject::{MAX_REPLY, Silence, reply};
use weir_core::wire::{self, Medium, TcpFlags, Transport};

fn answer(medium: Medium, frame: &[u8]) -> Result<Vec<u8>, Silence> {
    let mut out = [0xee; MAX_REPLY];
    let length = reply(medium, &wire::parse(medium, frame, None), frame, &mut out)?;
    Ok(out[..length].to_vec())
}

fn silence(frame: &[u8]) -> Silence {
    answer(Medium::Ethernet, frame).expect_err("no answer")
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

#[test]
fn tshark_has_nothing_to_complain_about() {
    for (medium, name) in [(Medium::Ethernet, "ethernet"), (Medium::RawIp, "raw")] {
        let frames = answered(medium);
        let replies: Vec<Vec<u8>> = frames.iter().map(|frame| answer(medium, frame).unwrap()).collect();
        let [resets, v4, v6] = assert_clean(name, medium, &frames, &replies);
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
