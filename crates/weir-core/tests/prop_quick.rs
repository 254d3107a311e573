//! The short way of a frame comes to the same as the long one: same verdicts, same counters, same flows.

mod support;

use proptest::prelude::*;
use support::{Owned, V4, ethernet_interface, ipv6, tagged, tcp, udp};
use weir_core::counters::Counter;
use weir_core::engine::{AleFlow, Config, Engine, Interface};
use weir_core::flow::{Endpoint, FlowView};
use weir_core::wire::{Medium, Transport, VlanTag, parse, quick};
use weir_core::{Action, Direction, Time};

const POLICIES: [&str; 6] = [
    "",
    "[[rule]]\nname='b'\naction='block'\nprotocol='udp'\nremote-port='1-3'\n[[rule]]\nname='p'\naction='permit'\nlocal-port='0-2'",
    "[defaults]\ninbound='block'\n[[rule]]\nname='a'\naction='block'\napplication='curl.exe'",
    "[[rule]]\nname='t'\naction='tap'\nprotocol='tcp'\n[[rule]]\nname='l'\naction='rate-limit'\nrate='3 packets/s'\nremote-port=1",
    "[[rule]]\nname='i'\naction='block'\ninterface='index:7'\nremote-port=2",
    "[defaults]\noutbound='block'\n[[rule]]\nname='v'\naction='permit'\nvlan=5\n[[rule]]\nname='q'\naction='reject'\nremote-port=0",
];

#[derive(Clone, Debug)]
enum Step {
    Frame {
        way: Direction,
        local: u8,
        remote: u8,
        kind: Kind,
        tag: Option<u16>,
        in_band: bool,
        damage: Option<(usize, u8)>,
    },
    Policy(usize),
    NoPolicy,
    Authorize {
        way: Direction,
        local: u8,
        remote: u8,
        curl: bool,
    },
    Closed {
        local: u8,
        remote: u8,
    },
    Age(u64),
}

#[derive(Clone, Debug)]
enum Kind {
    Tcp(u8),
    Udp(usize),
    Fragment(u16),
    V6,
    Options,
}

fn way() -> impl Strategy<Value = Direction> {
    prop::sample::select(vec![Direction::Send, Direction::Receive])
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![
        6 => prop::sample::select(vec![0x10_u8, 0x10, 0x18, 0x02, 0x12, 0x11, 0x04]).prop_map(Kind::Tcp),
        4 => (0_usize..30).prop_map(Kind::Udp),
        1 => prop::sample::select(vec![0x2000_u16, 0x2001, 0x0001, 0x4000]).prop_map(Kind::Fragment),
        1 => Just(Kind::V6),
        1 => Just(Kind::Options),
    ];
    let tag = prop::option::weighted(0.2, prop::sample::select(vec![5_u16, 0x6006]));
    let damage = prop::option::weighted(0.1, (12_usize..60, any::<u8>()));
    prop_oneof![
        30 => (way(), 0_u8..4, 0_u8..4, kind, tag, any::<bool>(), damage)
            .prop_map(|(way, local, remote, kind, tag, in_band, damage)| Step::Frame { way, local, remote, kind, tag, in_band, damage }),
        2 => (0..POLICIES.len()).prop_map(Step::Policy),
        1 => Just(Step::NoPolicy),
        2 => (way(), 0_u8..4, 0_u8..4, any::<bool>())
            .prop_map(|(way, local, remote, curl)| Step::Authorize { way, local, remote, curl }),
        1 => (0_u8..4, 0_u8..4).prop_map(|(local, remote)| Step::Closed { local, remote }),
        1 => (0_u64..400).prop_map(Step::Age),
    ]
}

fn frame(way: Direction, local: u8, remote: u8, kind: &Kind) -> Vec<u8> {
    let (near, far) = ([10, 0, 0, 1], [203, 0, 113, remote]);
    let (source, destination, from, to) = match way {
        Direction::Send => (near, far, u16::from(local), u16::from(remote)),
        Direction::Receive => (far, near, u16::from(remote), u16::from(local)),
    };
    match kind {
        Kind::Tcp(flags) => V4::new(source, destination, 6).frame(&tcp(from, to, *flags)),
        Kind::Udp(length) => V4::new(source, destination, 17).frame(&udp(from, to, &vec![0; *length])),
        Kind::Fragment(fragment) => {
            V4 { fragment: *fragment, ..V4::new(source, destination, 17) }.frame(&udp(from, to, &[0; 8]))
        }
        Kind::V6 => {
            let end = |[a, b, c, d]: [u8; 4]| [0x20, 1, a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
            support::ethernet(0x86dd, &ipv6(end(source), end(destination), 17, &udp(from, to, &[])))
        }
        Kind::Options => V4 { options: 4, ..V4::new(source, destination, 6) }.frame(&tcp(from, to, 0x10)),
    }
}

/// What became of one frame.
fn take(
    engine: &Engine,
    now: Time,
    quickly: bool,
    way: Direction,
    bytes: &[u8],
    tag: Option<VlanTag>,
    short: &mut u32,
) -> (Action, bool) {
    let interface = ethernet_interface();
    let mut batch = engine.batch(0, now);
    let mut way_of = if quickly { batch.look_ahead(&interface, bytes, tag) } else { Default::default() };
    batch.look(&mut way_of);
    if let Some(action) = batch.decide(way, &way_of) {
        *short += 1;
        return (action, false);
    }
    let verdict = batch.inspect(&interface, way, bytes, tag);
    if let Some(toll) = verdict.toll {
        let passage = batch.charge(&toll);
        return (
            if passage == weir_core::limit::Passage::Over { Action::Block } else { Action::Permit },
            verdict.tap,
        );
    }
    (verdict.action, verdict.tap)
}

fn flows(engine: &Engine) -> Vec<String> {
    let mut all = Vec::new();
    engine.list_flows(0, 0, &mut |flow: &FlowView| {
        let view = FlowView { last_seen: Time(0), ..*flow };
        all.push(format!("{view:?}"));
        true
    });
    all.sort();
    all
}

fn ale(way: Direction, local: u8, remote: u8, image: &[u16]) -> AleFlow<'_> {
    let end = |address, port| Endpoint { address: support::mapped(address), port };
    AleFlow {
        direction: way,
        protocol: 6,
        compartment: 1,
        local: end([10, 0, 0, 1], u16::from(local)),
        remote: end([203, 0, 113, remote], u16::from(remote)),
        interface: Interface { medium: Medium::Other, ..ethernet_interface() },
        image,
        process_id: 7,
        process_created: Some(3),
        package: &[],
        loopback: false,
        user: &[],
        reauthorize: false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn both_ways_are_one(steps in prop::collection::vec(step(), 0..200)) {
        let config = Config { flows: 64, fragments: 16, keep: 0, ..Config::new(1, [11, 13]) };
        let owned = [Owned::new(&config), Owned::new(&config)];
        let [long, quick] = [owned[0].get(), owned[1].get()];
        let mut now = Time(1_000 * Time::SECOND);
        let (mut short, mut none) = (0, 0);
        let curl: Vec<u16> = r"\device\harddiskvolume3\curl.exe".encode_utf16().collect();
        let other: Vec<u16> = r"\device\harddiskvolume3\nc.exe".encode_utf16().collect();
        for step in steps {
            now.0 += Time::SECOND / 50;
            match step {
                Step::Frame { way, local, remote, kind, tag, in_band, damage } => {
                    let mut bytes = frame(way, local, remote, &kind);
                    if let (Some(tag), true) = (tag, in_band) {
                        bytes = tagged(&bytes, 0x8100, tag);
                    }
                    if let Some((at, value)) = damage
                        && let Some(byte) = bytes.get_mut(at)
                    {
                        *byte = value;
                    }
                    let tag = tag.filter(|_| !in_band).map(VlanTag);
                    let one = take(long, now, false, way, &bytes, tag, &mut none);
                    let two = take(quick, now, true, way, &bytes, tag, &mut short);
                    prop_assert_eq!(one, two);
                }
                Step::Policy(number) => {
                    for owned in &owned {
                        owned.set_policy(POLICIES[number]);
                    }
                }
                Step::NoPolicy => {
                    for engine in [long, quick] {
                        engine.clear_policy(std::thread::yield_now).unwrap();
                    }
                }
                Step::Authorize { way, local, remote, curl: is_curl } => {
                    let flow = ale(way, local, remote, if is_curl { &curl } else { &other });
                    let [one, two] = [long, quick].map(|engine| engine.authorize(0, now, &flow));
                    prop_assert_eq!((one.action, one.decider), (two.action, two.decider));
                }
                Step::Closed { local, remote } => {
                    for engine in [long, quick] {
                        engine.closed(0, now, &ale(Direction::Send, local, remote, &[]));
                    }
                }
                Step::Age(seconds) => {
                    now.0 += seconds * Time::SECOND;
                    // Twice: a flow that only took the short way stays for one look longer. What is idle at the
                    // second is so for both.
                    for seconds in [0, 8_000] {
                        now.0 += seconds * Time::SECOND;
                        for engine in [long, quick] {
                            engine.age(0, now);
                        }
                    }
                }
            }
            prop_assert_eq!(flows(long), flows(quick));
        }
        for counter in Counter::ALL {
            prop_assert_eq!(long.counter(*counter), quick.counter(*counter), "{}", counter.name());
        }
        for rule in 0..3 {
            prop_assert_eq!(long.rule_hits(rule), quick.rule_hits(rule));
        }
    }

    #[test]
    fn what_is_read_quickly_is_read_right(
        kind in prop::sample::select(vec![6_u8, 17]), flags in any::<u8>(), options in 0_usize..2,
        ports in any::<(u16, u16)>(), payload in 0_usize..40, cut in 0_usize..60, tags in 0_usize..3,
        damage in prop::collection::vec((0_usize..70, any::<u8>()), 0..3), raw in any::<bool>(),
    ) {
        let segment = if kind == 6 { tcp(ports.0, ports.1, flags) } else { udp(ports.0, ports.1, &vec![0; payload]) };
        let packet = V4 { options: options * 4, ..V4::new([10, 1, 2, 3], [203, 0, 113, 9], kind) }.packet(&segment);
        let mut bytes = packet;
        if !raw {
            bytes = support::ethernet(0x0800, &bytes);
            for _ in 0..tags {
                bytes = tagged(&bytes, 0x8100, 5);
            }
        }
        for (at, value) in damage {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        bytes.truncate(bytes.len().saturating_sub(cut.saturating_sub(30)));
        let medium = if raw { Medium::RawIp } else { Medium::Ethernet };
        let frame = parse(medium, bytes.as_slice(), None);
        match quick::read(medium, bytes.as_slice()) {
            Some(headers) => {
                let ip = frame.ip.unwrap();
                prop_assert_eq!(frame.malformed, None);
                prop_assert!(ip.version == 4 && ip.fragment.is_none() && !ip.options && frame.tunnel.is_none());
                prop_assert_eq!(ip.protocol, headers.protocol);
                prop_assert_eq!(ip.source, support::mapped(headers.from.0.to_be_bytes()));
                prop_assert_eq!(ip.destination, support::mapped(headers.to.0.to_be_bytes()));
                prop_assert_eq!(frame.ports(), Some((headers.from.1, headers.to.1)));
                prop_assert_eq!(frame.link.vlan_tags, u8::from(headers.vlan));
            }
            // What the bench and the driver live by is not refused.
            None => {
                let plain = frame.malformed.is_none()
                    && frame.ip.is_some_and(|ip| ip.version == 4 && ip.fragment.is_none() && !ip.options)
                    && frame.tunnel.is_none()
                    && frame.link.vlan_tags <= 1
                    && match frame.transport {
                        Transport::Tcp { flags, .. } => flags.0 & 7 == 0,
                        Transport::Udp { destination, .. } => !matches!(destination, 4789 | 6081),
                        _ => false,
                    };
                // Segmentation offload leaves lengths of zero, and other tags have other types.
                let usual = frame.link.ethertype == Some(0x0800) || raw;
                if plain && usual {
                    let start = frame.network as usize;
                    let zero = bytes[start + 2..start + 4] == [0, 0] || bytes[start + 24..start + 26] == [0, 0];
                    let vlan = frame.link.vlan_tags == 0 || bytes[12..14] == [0x81, 0];
                    let snap = frame.link.llc.is_some();
                    prop_assert!(zero || !vlan || snap, "{bytes:02x?}");
                }
            }
        }
    }
}

/// Through more generations than a verdict can tell apart, and back to no policy.
#[test]
fn a_known_flow_takes_the_short_way_under_every_policy() {
    let owned = Owned::small();
    let engine = owned.get();
    let frame = frame(Direction::Send, 1, 1, &Kind::Tcp(0x10));
    let rule = |action| format!("[[rule]]\nname='r'\naction='{action}'");
    let check = |expected| {
        let mut short = 0;
        for round in 0..3 {
            let (action, _) = take(engine, Time(1), true, Direction::Send, &frame, None, &mut short);
            assert_eq!((action, short), (expected, round), "the first frame takes the long way");
        }
    };
    for generation in 0..80 {
        if generation % 3 == 2 {
            assert!(engine.clear_policy(std::thread::yield_now).is_ok());
            check(Action::Permit);
        }
        let (action, expected) =
            if generation % 2 == 0 { ("block", Action::Block) } else { ("permit", Action::Permit) };
        owned.set_policy(&rule(action));
        check(expected);
    }
}
