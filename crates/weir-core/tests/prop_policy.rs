//! A compiled policy answers as a naive reading of its text does, and no damage to an image does harm.

mod support;

use proptest::prelude::*;
use weir_core::identity::{Sid, Units};
use weir_core::limit::{Excess, Limit, Scope, Unit};
use weir_core::policy::{
    self, CompileOptions, Decider, Decision, Identity, Image, Mark, Naming, Query, Treatment,
};
use weir_core::{Action, Direction, Time};

/// A rule in the words of the language, and as data for the naive evaluator.
#[derive(Clone, Debug)]
struct Rule {
    block: bool,
    direction: Option<Direction>,
    protocol: Option<u8>,
    ethertype: Option<u16>,
    local: Vec<(u8, u8)>,
    remote: Vec<(u8, u8)>,
    local_port: Vec<(u16, u16)>,
    remote_port: Vec<(u16, u16)>,
    interface: Option<Interface>,
    application: Option<usize>,
    user: Option<u32>,
    vlan: Option<(u16, u16)>,
    extra: usize,
}

/// Actions that pass, the keys that belong to them, and what they come to.
fn extras() -> [(&'static str, Treatment); 5] {
    let limit = Limit {
        unit: Unit::Bits,
        rate: 2_000_000,
        burst: 50_000,
        scope: Scope::Flow,
        excess: Excess::Delay(5 * Time::SECOND / 100),
    };
    let mark = Mark { priority: Some(3), dscp: Some(46) };
    let plain = Treatment::default();
    [
        ("action = 'permit'", plain),
        ("action = 'tap'", Treatment { tap: true, ..plain }),
        ("action = 'mark'\npriority = 3\ndscp = 'ef'", Treatment { mark, ..plain }),
        (
            "action = ['rate-limit', 'tap']\nrate = '2 Mbit/s'\nper = 'flow'\nover = 'delay'\nmax-delay = '50 ms'",
            Treatment { tap: true, limit: Some(limit), ..plain },
        ),
        (
            "action = 'ask'\nfallback = 'permit'\ntimeout = '2 min'",
            Treatment { ask: Some(policy::Ask { timeout_ms: 120_000 }), ..plain },
        ),
    ]
}

#[derive(Clone, Copy, Debug)]
enum Interface {
    Name(usize),
    Luid(u64),
    Index(u32),
}

const NAMES: [&str; 3] = ["Ethernet", "Ethernet 2", "Wi-Fi"];
/// As written in a rule; the path that matches it; one that does not.
const APPLICATIONS: [(&str, &str); 4] = [
    (r"C:\Apps\Curl.exe", r"\device\harddiskvolume3\apps\curl.exe"),
    (r"D:\tools\nc.exe", r"\device\harddiskvolume9\tools\nc.exe"),
    ("ping.EXE", r"\device\harddiskvolume3\windows\ping.exe"),
    (r"\Device\Mup\srv\share\x.exe", r"\device\mup\srv\share\x.exe"),
];

/// 10.<second octet>.0.0 with a length of 8 to 16 bits, host bits cleared.
fn prefix() -> impl Strategy<Value = (u8, u8)> {
    (0_u8..8, 8_u8..=16).prop_map(|(octet, length)| (octet & !(((1_u16 << (16 - length)) - 1) as u8), length))
}

fn ports() -> impl Strategy<Value = (u16, u16)> {
    (0_u16..12, 0_u16..4).prop_map(|(first, more)| (first, first + more))
}

fn direction() -> impl Strategy<Value = Direction> {
    prop::sample::select(vec![Direction::Send, Direction::Receive])
}

fn interface() -> impl Strategy<Value = Interface> {
    prop_oneof![
        (0..NAMES.len()).prop_map(Interface::Name),
        (1_u64..4).prop_map(Interface::Luid),
        (1_u32..4).prop_map(Interface::Index),
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    use prop::collection::vec;
    use prop::option::weighted;
    (
        any::<bool>(),
        weighted(0.3, direction()),
        weighted(0.4, prop::sample::select(vec![6_u8, 17])),
        weighted(0.1, prop::sample::select(vec![0x0800_u16, 0x86dd])),
        vec(prefix(), 0..3),
        vec(prefix(), 0..2),
        vec(ports(), 0..2),
        vec(ports(), 0..3),
        weighted(0.2, interface()),
        weighted(0.2, 0..APPLICATIONS.len()),
        weighted(0.15, 18_u32..21),
        (weighted(0.2, (0_u16..4, 0_u16..3)), 0..extras().len()),
    )
        .prop_map(
            |(
                block,
                direction,
                protocol,
                ethertype,
                local,
                remote,
                local_port,
                remote_port,
                interface,
                application,
                user,
                (vlan, extra),
            )| Rule {
                block,
                direction,
                protocol,
                ethertype,
                local,
                remote,
                local_port,
                remote_port,
                interface,
                application,
                user,
                // Frames without a VLAN have a word of their own, which is no part of a range.
                vlan: vlan.map(|(first, more)| (first, if first == 0 { 0 } else { first + more })),
                extra,
            },
        )
}

fn list<T>(key: &str, items: &[T], show: impl Fn(&T) -> String) -> String {
    if items.is_empty() {
        return String::new();
    }
    let items: Vec<String> = items.iter().map(|item| format!("'{}'", show(item))).collect();
    format!("{key} = [{}]\n", items.join(", "))
}

impl Rule {
    /// What a rule that passes does; the agent is not asked about what it cannot know yet.
    fn extra(&self) -> (&'static str, Treatment) {
        let known = self.vlan.is_none();
        extras()[if known { self.extra } else { self.extra % 4 }]
    }

    fn text(&self, index: usize) -> String {
        let action = if self.block { "action = ['tap', 'reject']" } else { self.extra().0 };
        let mut text = format!("[[rule]]\nname = 'r{index}'\n{action}\n");
        if let Some(direction) = self.direction {
            text += if direction == Direction::Send { "direction = 'out'\n" } else { "direction = 'in'\n" };
        }
        if let Some(protocol) = self.protocol {
            text += &format!("protocol = {protocol}\n");
        }
        if let Some(ethertype) = self.ethertype {
            text += &format!("ethertype = {ethertype:#x}\n");
        }
        let network = |(octet, length): &(u8, u8)| format!("10.{octet}.0.0/{length}");
        let range = |(first, last): &(u16, u16)| format!("{first}-{last}");
        text += &list("local", &self.local, network);
        text += &list("remote", &self.remote, network);
        text += &list("local-port", &self.local_port, range);
        text += &list("remote-port", &self.remote_port, range);
        if let Some(interface) = self.interface {
            text += &match interface {
                Interface::Name(name) => format!("interface = '{}'\n", NAMES[name]),
                Interface::Luid(luid) => format!("interface = 'luid:{luid}'\n"),
                Interface::Index(index) => format!("interface = {index}\n"),
            };
        }
        if let Some(application) = self.application {
            text += &format!("application = '{}'\n", APPLICATIONS[application].0);
        }
        if let Some((first, last)) = self.vlan {
            text += &if last == 0 {
                "vlan = 'untagged'\n".to_owned()
            } else {
                format!("vlan = '{first}-{last}'\n")
            };
        }
        if let Some(user) = self.user {
            text += &format!("user = 'S-1-5-{user}'\n");
        }
        text
    }

    /// `Ok` when it is certain whether the rule matches.
    fn matches(&self, ask: &Ask) -> Result<bool, Decision> {
        let within = |networks: &[(u8, u8)], octet: u8| {
            networks.is_empty()
                || networks.iter().any(|(network, length)| {
                    u16::from(*network) >> (16 - length) == u16::from(octet) >> (16 - length)
                })
        };
        let in_range = |ranges: &[(u16, u16)], port: Option<u16>| {
            ranges.is_empty()
                || port.is_some_and(|port| ranges.iter().any(|(first, last)| *first <= port && port <= *last))
        };
        let certain = self.direction.is_none_or(|direction| direction == ask.direction)
            && self.protocol.is_none_or(|protocol| protocol == ask.protocol)
            && self.ethertype.is_none_or(|ethertype| ethertype == 0x0800)
            && within(&self.local, ask.local)
            && within(&self.remote, ask.remote)
            && in_range(&self.local_port, ask.ports.map(|ports| ports.0))
            && in_range(&self.remote_port, ask.ports.map(|ports| ports.1));
        let interface = self.interface.map(|interface| match interface {
            Interface::Name(name) => ask.name.map(|known| known == name),
            Interface::Luid(luid) => (ask.luid != 0).then_some(ask.luid == luid),
            Interface::Index(index) => (ask.index != 0).then_some(ask.index == index),
        });
        let application = self.application.map(|wanted| match (ask.owned, ask.application) {
            (false, _) => Some(false),
            (true, known) => known.map(|known| known == wanted),
        });
        let user = self.user.map(|wanted| match (ask.owned, ask.user) {
            (false, _) => Some(false),
            (true, known) => known.map(|known| known == wanted),
        });
        let vlan = self.vlan.map(|(first, last)| ask.vlan.map(|id| first <= id && id <= last));
        let all = [interface, vlan, application, user];
        if !certain || all.contains(&Some(Some(false))) {
            Ok(false)
        } else if interface == Some(None) || vlan == Some(None) {
            Err(Decision::NeedsInterface)
        } else if all.contains(&Some(None)) {
            Err(Decision::NeedsIdentity)
        } else {
            Ok(true)
        }
    }
}

/// A question about a frame between 10.x.0.1 and 10.y.0.1.
#[derive(Clone, Debug)]
struct Ask {
    direction: Direction,
    protocol: u8,
    local: u8,
    remote: u8,
    ports: Option<(u16, u16)>,
    name: Option<usize>,
    luid: u64,
    index: u32,
    owned: bool,
    application: Option<usize>,
    user: Option<u32>,
    vlan: Option<u16>,
}

fn ask() -> impl Strategy<Value = Ask> {
    (
        direction(),
        prop::sample::select(vec![6_u8, 17, 1]),
        0_u8..8,
        0_u8..8,
        prop::option::weighted(0.9, (0_u16..14, 0_u16..14)),
        prop::option::of(0..NAMES.len()),
        0_u64..4,
        0_u32..4,
        prop::bool::weighted(0.8),
        prop::option::of(0..APPLICATIONS.len()),
        prop::option::of(18_u32..21),
        prop::option::of(0_u16..7),
    )
        .prop_map(
            |(
                direction,
                protocol,
                local,
                remote,
                ports,
                name,
                luid,
                index,
                owned,
                application,
                user,
                vlan,
            )| Ask {
                direction,
                protocol,
                local,
                remote,
                ports,
                name,
                luid,
                index,
                owned,
                application,
                user,
                vlan,
            },
        )
}

fn sid(user: u32) -> Sid {
    Sid::new(&[&[1, 1, 0, 0, 0, 0, 0, 5][..], &user.to_le_bytes()].concat()).unwrap()
}

fn evaluate(image: &Image<'_>, ask: &Ask) -> Decision {
    let utf16 = |text: &str| text.encode_utf16().collect::<Vec<u16>>();
    let name = ask.name.map_or(Vec::new(), |name| utf16(&NAMES[name].to_uppercase()));
    let path = ask.application.map(|application| utf16(APPLICATIONS[application].1));
    image.evaluate(&Query {
        direction: ask.direction,
        ethertype: Some(0x0800),
        protocol: Some(ask.protocol),
        local: Some(support::mapped([10, ask.local, 0, 1])),
        remote: Some(support::mapped([10, ask.remote, 0, 1])),
        local_port: ask.ports.map(|ports| ports.0),
        remote_port: ask.ports.map(|ports| ports.1),
        interface_luid: ask.luid,
        interface_index: ask.index,
        interface_name: &name,
        vlan: ask.vlan,
        identity: ask
            .owned
            .then(|| Identity { image: path.as_deref().map(Units::Plain), user: ask.user.map(sid) }),
        name: Naming::None,
    })
}

fn naive(rules: &[Rule], outbound: bool, inbound: bool, ask: &Ask) -> Decision {
    let action = |block| if block { Action::Block } else { Action::Permit };
    for (index, rule) in rules.iter().enumerate() {
        match rule.matches(ask) {
            Ok(false) => {}
            Ok(true) => return Decision::Decided(action(rule.block), Decider::Rule(index as u32)),
            Err(unknown) => return unknown,
        }
    }
    let block = if ask.direction == Direction::Send { outbound } else { inbound };
    Decision::Decided(action(block), Decider::Default)
}

fn compile(rules: &[Rule], outbound: bool, inbound: bool) -> Vec<u8> {
    let action = |block| if block { "block" } else { "permit" };
    let mut text =
        format!("[defaults]\noutbound = '{}'\ninbound = '{}'\n", action(outbound), action(inbound));
    for (index, rule) in rules.iter().enumerate() {
        text += &rule.text(index);
    }
    let mut options = CompileOptions::default();
    options.volumes.insert('C', r"\Device\HarddiskVolume3".to_owned());
    policy::compile(&text, &options).unwrap_or_else(|errors| panic!("{text}\n{errors:#?}")).image
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn evaluation_equals_the_naive_reading(
        rules in prop::collection::vec(rule(), 0..8),
        outbound in any::<bool>(),
        inbound in any::<bool>(),
        asks in prop::collection::vec(ask(), 40),
    ) {
        let bytes = compile(&rules, outbound, inbound);
        let image = Image::verify(&bytes).unwrap();
        prop_assert_eq!(image.rule_count() as usize, rules.len());
        let asks_somebody = rules.iter().any(|rule| !rule.block && rule.extra().1.ask.is_some());
        prop_assert_eq!(image.uses_ask(), asks_somebody);
        for (index, rule) in rules.iter().enumerate() {
            let view = image.rule(index as u32).unwrap();
            prop_assert_eq!(view.name, format!("r{index}"));
            prop_assert_eq!(view.action == Action::Block, rule.block);
            let blocked = Treatment { tap: true, reject: true, ..Treatment::default() };
            let treatment = if rule.block { blocked } else { rule.extra().1 };
            prop_assert_eq!(view.treatment, treatment);
            prop_assert_eq!(image.treatment(index as u32), treatment);
        }
        for ask in &asks {
            prop_assert_eq!(evaluate(&image, ask), naive(&rules, outbound, inbound, ask), "{:?}", ask);
        }
    }

    #[test]
    fn damage_is_found_or_harmless(
        rules in prop::collection::vec(rule(), 1..6),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
        repair in any::<bool>(),
        asks in prop::collection::vec(ask(), 4),
    ) {
        let good = compile(&rules, false, false);
        let mut bytes = good.clone();
        for (index, value) in changes {
            let position = index.index(bytes.len());
            bytes[position] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        if repair && bytes.len() >= 24 {
            // As a hostile author would: length and checksum fit.
            let length = (bytes.len() as u32).to_le_bytes();
            bytes[12..16].copy_from_slice(&length);
            bytes[16..24].fill(0);
            let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
            });
            bytes[16..24].copy_from_slice(&sum.to_le_bytes());
        }
        match Image::verify(&bytes) {
            Ok(image) => {
                for ask in &asks {
                    evaluate(&image, ask);
                }
                for index in 0..image.rule_count() {
                    let rule = image.rule(index).unwrap();
                    prop_assert!(rule.treatment.limit.is_none_or(|limit| limit.is_valid()));
                    prop_assert!(!rule.treatment.reject || rule.action == Action::Block);
                    prop_assert!(rule.treatment.ask.is_none_or(|ask| policy::Ask::TIMEOUTS.contains(&ask.timeout_ms)));
                }
                if !repair {
                    prop_assert_eq!(bytes, good, "damage without a new checksum is found");
                }
            }
            Err(_) => prop_assert_ne!(bytes, good),
        }
    }

    #[test]
    fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Image::verify(&bytes).is_err());
    }

    #[test]
    fn any_text_is_judged(text in "[\\[\\]a-z=\"'0-9,. \n-]{0,200}") {
        let outcome = policy::compile(&text, &CompileOptions::default());
        if let Err(diagnostics) = outcome {
            prop_assert!(!diagnostics.is_empty());
            let lines = text.lines().count().max(1) + 1;
            prop_assert!(diagnostics.iter().all(|found| found.line >= 1 && found.line <= lines && found.column >= 1));
        }
    }
}
