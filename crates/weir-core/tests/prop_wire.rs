//! The parser takes any bytes, over any split, and never reads or promises more than there is.

mod support;

use proptest::prelude::*;
use support::{V4, echo, ethernet, ipv6, tagged, tcp, udp};
use weir_core::wire::{self, Medium, Source, VlanTag};

/// Bytes in pieces, as a chain of MDLs holds them.
struct Pieces(Vec<Vec<u8>>);

impl Source for Pieces {
    fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    fn read<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        let bytes: Vec<u8> = self.0.iter().flatten().copied().skip(offset).take(N).collect();
        bytes.try_into().ok()
    }
}

fn frame() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        (any::<u16>(), any::<u16>(), any::<u8>()).prop_map(|(a, b, flags)| (6, tcp(a, b, flags))),
        (
            any::<u16>(),
            prop_oneof![any::<u16>(), Just(4789), Just(6081)],
            prop::collection::vec(any::<u8>(), 0..40)
        )
            .prop_map(|(a, b, data)| (17, udp(a, b, &data))),
        any::<u16>().prop_map(|id| (1, echo(8, id))),
        any::<u16>().prop_map(|id| (58, echo(128, id))),
        (any::<u8>(), prop::collection::vec(any::<u8>(), 0..40)),
    ];
    let extensions = prop::collection::vec(
        (prop::sample::select(vec![0_u8, 43, 44, 51, 60, 135, 139, 140, 59]), 0_u8..4, any::<[u8; 6]>()),
        0..20,
    );
    (
        payload,
        any::<bool>(),
        extensions,
        any::<u16>(),
        prop::collection::vec(any::<u16>(), 0..10),
        0_usize..10,
    )
        .prop_map(|((protocol, payload), v4, extensions, fragment, tags, options)| {
            let mut bytes = if v4 {
                let mut header = V4::new([10, 0, 0, 1], [10, 0, 0, 2], protocol);
                header.fragment = fragment;
                header.options = options * 4;
                header.frame(&payload)
            } else {
                let mut next = protocol;
                let mut chain = payload;
                for (kind, length, data) in extensions {
                    let mut header = vec![next, length];
                    header.extend(data);
                    header.resize(if kind == 44 { 8 } else { 8 * (usize::from(length) + 1) }, 0);
                    chain = [header, chain].concat();
                    next = kind;
                }
                ethernet(0x86dd, &ipv6([1; 16], [2; 16], next, &chain))
            };
            for tag in tags {
                bytes = tagged(&bytes, 0x8100, tag);
            }
            bytes
        })
}

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..200),
        4 => frame(),
        4 => (frame(), prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)).prop_map(
            |(mut bytes, changes)| {
                for (index, value) in changes {
                    let position = index.index(bytes.len());
                    bytes[position] = value;
                }
                bytes
            }
        ),
    ]
}

fn medium() -> impl Strategy<Value = Medium> {
    prop::sample::select(vec![Medium::Ethernet, Medium::RawIp, Medium::Other])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_500) })]

    #[test]
    fn any_bytes_at_every_length(medium in medium(), bytes in hostile()) {
        for length in 0..=bytes.len() {
            let frame = wire::parse(medium, &bytes[..length], None);
            prop_assert!(frame.payload as usize <= length);
            prop_assert_eq!(frame.bytes as usize, length);
            if frame.malformed.is_none() && frame.ip.is_some_and(|ip| ip.fragment.is_none()) {
                prop_assert!(frame.ports().is_some(), "a whole datagram has a transport: {frame:?}");
            }
        }
    }

    #[test]
    fn a_split_changes_nothing(
        medium in medium(),
        bytes in hostile(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        tag in prop::option::of(any::<u16>().prop_map(VlanTag)),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut start = 0;
        for cut in cuts {
            pieces.push(bytes[start..cut].to_vec());
            start = cut;
        }
        pieces.push(bytes[start..].to_vec());
        prop_assert_eq!(wire::parse(medium, bytes.as_slice(), tag), wire::parse(medium, &Pieces(pieces), tag));
    }

    #[test]
    fn parse_inverts_build(a in any::<u16>(), b in any::<u16>(), flags in any::<u8>(), tags in prop::collection::vec(any::<u16>(), 0..8)) {
        let mut bytes = support::sent(6, &tcp(a, b, flags));
        for tag in &tags {
            bytes = tagged(&bytes, 0x88a8, *tag);
        }
        let frame = wire::parse(Medium::Ethernet, bytes.as_slice(), None);
        prop_assert_eq!(frame.malformed, None);
        prop_assert_eq!(frame.ports(), Some((a, b)));
        prop_assert_eq!(usize::from(frame.link.vlan_tags), tags.len());
        prop_assert_eq!(frame.payload as usize, bytes.len());
    }
}
