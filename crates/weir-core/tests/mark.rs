//! Marks change the bits that they name and nothing else.

mod support;

use proptest::prelude::*;
use support::{LOCAL, REMOTE, V4, ethernet, ipv6, tagged, udp};
use weir_core::mark::{Edits, edits};
use weir_core::policy::Mark;
use weir_core::wire::checksum::Sum;
use weir_core::wire::{self, Medium, VlanTag};

fn plan(mark: Mark, medium: Medium, frame: &[u8], oob: Option<u16>, offloaded: bool) -> Edits {
    let oob = oob.map(VlanTag);
    edits(&mark, medium, &wire::parse(medium, frame, oob), frame, oob, offloaded)
}

fn dscp(code: u8) -> Mark {
    Mark { dscp: Some(code), priority: None }
}

fn priority(priority: u8) -> Mark {
    Mark { dscp: None, priority: Some(priority) }
}

fn applied(edits: &Edits, frame: &[u8]) -> Vec<u8> {
    let mut copy = frame.to_vec();
    let reach = edits.reach() as usize;
    edits.apply(&mut copy[..reach]);
    copy
}

/// A frame whose IPv4 header has a valid checksum and these congestion bits.
fn frame(ecn: u8) -> Vec<u8> {
    let mut frame = V4::new(LOCAL, REMOTE, 17).frame(&udp(1, 2, b"x"));
    frame[15] = 0x28 | ecn;
    let sum = Sum::default().with(&frame[14..34]).finish();
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame
}

#[test]
fn dscp_of_ipv4_keeps_ecn_and_a_valid_checksum() {
    for ecn in 0..4 {
        let before = frame(ecn);
        let after = applied(&plan(dscp(46), Medium::Ethernet, &before, None, false), &before);
        assert_eq!(after[15], 46 << 2 | ecn);
        assert_eq!(Sum::default().with(&after[14..34]).finish(), 0, "valid");
        let changed: Vec<usize> = (0..before.len()).filter(|at| before[*at] != after[*at]).collect();
        assert!(changed.iter().all(|at| [15, 24, 25].contains(at)), "{changed:?}");
    }
}

#[test]
fn a_checksum_that_the_miniport_computes_stays() {
    let before = frame(0);
    let after = applied(&plan(dscp(0), Medium::Ethernet, &before, None, true), &before);
    assert_eq!((after[15], &after[24..26]), (0, &before[24..26]));
}

#[test]
fn dscp_of_ipv6_keeps_ecn_and_flow_label() {
    let mut packet = ipv6([1; 16], [2; 16], 17, &udp(1, 2, b"x"));
    packet[..4].copy_from_slice(&[0x6f, 0xf1, 0x23, 0x45]);
    let tagged = tagged(&ethernet(0x86dd, &packet), 0x8100, 0x2007);
    for (medium, frame, at) in [(Medium::RawIp, &packet, 0), (Medium::Ethernet, &tagged, 18)] {
        let after = applied(&plan(dscp(10), medium, frame, None, false), frame);
        assert_eq!(after[at..at + 4], [0x62, 0xb1, 0x23, 0x45]);
        assert_eq!(after[at + 4..], frame[at + 4..]);
    }
}

#[test]
fn priority_goes_where_the_tag_is() {
    let plain = frame(0);
    let edits = plan(priority(5), Medium::Ethernet, &plain, None, false);
    assert_eq!((edits.tag, edits.reach()), (Some(VlanTag(0xa000)), 0), "a priority tag beside the frame");
    let edits = plan(priority(5), Medium::Ethernet, &plain, Some(0x1064), false);
    assert_eq!((edits.tag, edits.reach()), (Some(VlanTag(0xb064)), 0), "DEI and VLAN stay");
    let inner = tagged(&tagged(&plain, 0x8100, 0x2007), 0x88a8, 0x4008);
    let edits = plan(priority(1), Medium::Ethernet, &inner, None, false);
    assert_eq!(edits.tag, None);
    assert_eq!(
        applied(&edits, &inner)[12..20],
        [0x88, 0xa8, 0x20, 0x08, 0x81, 0x00, 0x20, 0x07],
        "the outer one"
    );
    let edits = plan(priority(1), Medium::Ethernet, &inner, Some(0xe001), false);
    assert_eq!(
        (edits.tag, edits.reach()),
        (Some(VlanTag(0x2001)), 0),
        "the one beside the frame is outermost"
    );
    assert!(plan(priority(1), Medium::RawIp, &plain[14..], None, false).is_empty());
}

#[test]
fn what_is_marked_already_or_has_no_place_stays() {
    let plain = frame(1);
    assert!(plan(dscp(10), Medium::Ethernet, &plain, None, false).is_empty());
    assert!(plan(priority(0), Medium::Ethernet, &plain, None, false).is_empty());
    assert!(plan(dscp(10), Medium::Ethernet, &ethernet(0x0806, &[0; 28]), None, false).is_empty());
    let both = plan(Mark { dscp: Some(1), priority: Some(1) }, Medium::Ethernet, &plain, None, false);
    assert!(both.tag.is_some() && both.reach() == 26);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn any_frame_is_marked_within_its_bytes(
        bytes in prop::collection::vec(any::<u8>(), 0..80),
        kind in prop::sample::select(vec![0x0800_u16, 0x86dd, 0x8100, 0x88a8, 0x0806]),
        raw in any::<bool>(),
        code in 0_u8..64,
        level in 0_u8..8,
        oob in prop::option::of(any::<u16>()),
    ) {
        let mut bytes = bytes;
        if bytes.len() >= 14 {
            bytes[12..14].copy_from_slice(&kind.to_be_bytes());
        }
        let medium = if raw { Medium::RawIp } else { Medium::Ethernet };
        let mark = Mark { dscp: Some(code), priority: Some(level) };
        let first = plan(mark, medium, &bytes, oob, false);
        prop_assert!(first.reach() as usize <= bytes.len());
        let after = applied(&first, &bytes);
        let tag = first.tag.map(|tag| tag.0).or(oob);
        let second = plan(mark, medium, &after, tag, false);
        prop_assert!(second.is_empty(), "marking twice changes nothing: {second:?}");
    }
}
