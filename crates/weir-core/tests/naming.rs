//! Flows get names from DNS answers and from their first data, and rules follow them.

mod support;

use support::messages::{QUESTION, hello, record, records, response};
use support::{ACK, LOCAL, Owned, REMOTE, SYN, SYN_ACK, V4, ethernet_interface, mapped, tcp, udp};
use weir_core::counters::Counter;
use weir_core::engine::{AleFlow, Engine};
use weir_core::flow::{Endpoint, FlowView};
use weir_core::policy::Decider;
use weir_core::{Action, Direction, Time};

const NOW: Time = Time(1_000 * Time::SECOND);
const RESOLVER: [u8; 4] = [203, 0, 113, 53];
const NO_ADS: &str = "[[rule]]\nname='no-ads'\naction='block'\ndomain=['*.ads.example', 'tracker.example']\n";
const BLOCK: (Action, Decider) = (Action::Block, Decider::Rule(0));
const PERMIT: (Action, Decider) = (Action::Permit, Decider::Default);
const UNDECIDED: (Action, Decider) = (Action::Permit, Decider::Nothing);

fn inspect_at(engine: &Engine, now: Time, direction: Direction, frame: &[u8]) -> (Action, Decider) {
    let verdict = engine.batch(0, now).inspect(&ethernet_interface(), direction, frame, None);
    (verdict.action, verdict.decider)
}

fn sent_to(remote: [u8; 4], protocol: u8, payload: &[u8]) -> Vec<u8> {
    V4::new(LOCAL, remote, protocol).frame(payload)
}

fn from(remote: [u8; 4], protocol: u8, payload: &[u8]) -> Vec<u8> {
    V4::new(remote, LOCAL, protocol).frame(payload)
}

/// A segment with data, at a sequence number.
fn segment(ports: (u16, u16), sequence: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = tcp(ports.0, ports.1, ACK);
    bytes[4..8].copy_from_slice(&sequence.to_be_bytes());
    bytes.extend(data);
    bytes
}

fn send(engine: &Engine, payload: &[u8]) -> (Action, Decider) {
    inspect_at(engine, NOW, Direction::Send, &sent_to(REMOTE, 6, payload))
}

/// Asks a resolver for `name`, and hears that it is [`REMOTE`] for `seconds`.
fn resolve(engine: &Engine, name: &str, seconds: u32) {
    inspect_at(engine, NOW, Direction::Send, &sent_to(RESOLVER, 17, &udp(40_000, 53, &[0; 20])));
    let answer = response(name, 1, &[record(&QUESTION, 1, seconds, &REMOTE)]);
    inspect_at(engine, NOW, Direction::Receive, &from(RESOLVER, 17, &udp(53, 40_000, &answer)));
}

fn connect(port: u16) -> AleFlow<'static> {
    AleFlow {
        direction: Direction::Send,
        protocol: 6,
        compartment: 1,
        local: Endpoint { address: mapped(LOCAL), port },
        remote: Endpoint { address: mapped(REMOTE), port: 443 },
        interface: ethernet_interface(),
        image: &[],
        process_id: 0,
        process_created: Some(0),
        user: &[],
        package: &[],
        loopback: false,
        reauthorize: false,
    }
}

fn flow(engine: &Engine, port: u16) -> FlowView {
    let mut found = None;
    engine.list_flows(0, 0, &mut |flow| {
        if flow.local.port == port {
            found = Some(*flow);
        }
        true
    });
    found.expect("the flow")
}

fn name(engine: &Engine, port: u16) -> Option<String> {
    let wanted = flow(engine, port).name;
    let mut found = None;
    engine.list_names(0, &mut |handle, held| {
        if handle == wanted {
            found = Some(held.characters().map(char::from).collect());
        }
        true
    });
    found
}

#[test]
fn a_connect_is_decided_by_the_name_that_was_asked_for() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy(NO_ADS);
    resolve(engine, "cdn.Ads.example", 300);
    assert_eq!(engine.counter(Counter::AddressesNamed), 1);
    let answer = engine.authorize(0, NOW, &connect(50_000));
    assert_eq!((answer.action, answer.decider), BLOCK);
    assert_eq!(name(engine, 50_000).as_deref(), Some("cdn.ads.example"));
    // Another name for the same address: the last one counts.
    resolve(engine, "www.example.com", 300);
    let answer = engine.authorize(0, NOW, &connect(50_001));
    assert_eq!((answer.action, answer.decider), PERMIT);
    assert_eq!(name(engine, 50_001).as_deref(), Some("www.example.com"));
    // The domain itself is not below itself.
    resolve(engine, "ads.example", 300);
    assert_eq!(engine.authorize(0, NOW, &connect(50_002)).action, Action::Permit);
    resolve(engine, "tracker.example", 300);
    assert_eq!(engine.authorize(0, NOW, &connect(50_003)).action, Action::Block);
    // After its time the address has no name.
    let later = Time(NOW.0 + 301 * Time::SECOND);
    assert_eq!(engine.authorize(0, later, &connect(50_004)).decider, Decider::Nothing);
    // Nor in another compartment.
    let elsewhere = AleFlow { compartment: 2, ..connect(50_005) };
    assert_eq!(engine.authorize(0, NOW, &elsewhere).decider, Decider::Nothing);
}

#[test]
fn answers_that_nobody_asked_for_name_nothing() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy(NO_ADS);
    let answer = response("x.ads.example", 1, &[record(&QUESTION, 1, 300, &REMOTE)]);
    inspect_at(engine, NOW, Direction::Receive, &from(RESOLVER, 17, &udp(53, 40_000, &answer)));
    assert_eq!(engine.counter(Counter::AddressesNamed), 0);
    assert_eq!(engine.authorize(0, NOW, &connect(50_000)).action, Action::Permit);
}

#[test]
fn without_a_rule_or_a_watcher_nothing_is_looked_at() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy("[[rule]]\nname='x'\naction='block'\nremote-port=1\n");
    resolve(engine, "www.example.com", 300);
    assert_eq!(engine.counter(Counter::AddressesNamed), 0);
    engine.watch_names(true);
    resolve(engine, "www.example.com", 300);
    assert_eq!(engine.counter(Counter::AddressesNamed), 1);
    engine.authorize(0, NOW, &connect(50_000));
    assert_eq!(name(engine, 50_000).as_deref(), Some("www.example.com"));
    engine.watch_names(false);
    resolve(engine, "other.example.com", 300);
    assert_eq!(engine.counter(Counter::AddressesNamed), 1);
}

#[test]
fn first_data_decide_what_the_handshake_could_not() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy(&format!("{NO_ADS}[[rule]]\nname='rest'\naction='permit'\nprotocol='tcp'"));
    for (port, server, expected) in
        [(50_000, "www.ads.example", BLOCK), (50_001, "www.example.com", (Action::Permit, Decider::Rule(1)))]
    {
        // The handshake passes: who is wanted is not known yet.
        assert_eq!(engine.authorize(0, NOW, &connect(port)).decider, Decider::Nothing);
        assert_eq!(send(engine, &tcp(port, 443, SYN)), UNDECIDED);
        let answer = from(REMOTE, 6, &tcp(443, port, SYN_ACK));
        assert_eq!(inspect_at(engine, NOW, Direction::Receive, &answer), UNDECIDED);
        assert_eq!(send(engine, &segment((port, 443), 1, &[])), UNDECIDED);
        let client = records(&hello(Some(server), 10), 16_384);
        assert_eq!(send(engine, &segment((port, 443), 1, &client)), expected);
        assert_eq!(name(engine, port).as_deref(), Some(server));
        let data = from(REMOTE, 6, &segment((443, port), 1, b"data"));
        assert_eq!(inspect_at(engine, NOW, Direction::Receive, &data), expected);
    }
    assert_eq!(engine.counter(Counter::ServersNamed), 2);
    // What is no TLS has no name, and the rules go on without.
    assert_eq!(send(engine, &tcp(50_002, 443, SYN)), UNDECIDED);
    assert_eq!(
        send(engine, &segment((50_002, 443), 1, b"GET / HTTP/1.1")),
        (Action::Permit, Decider::Rule(1))
    );
    // Datagrams tell no name of their own.
    let datagram = sent_to(REMOTE, 17, &udp(50_003, 9, b"x"));
    assert_eq!(inspect_at(engine, NOW, Direction::Send, &datagram), PERMIT);
}

#[test]
fn a_hello_in_pieces_is_put_together() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy(NO_ADS);
    let client = records(&hello(Some("a.b.ads.example"), 2_500), 16_384);
    assert_eq!(send(engine, &tcp(50_000, 443, SYN)), UNDECIDED);
    let (first, rest) = client.split_at(1_400);
    // Out of order, and the first piece twice. The sequence number of the SYN is zero.
    assert_eq!(send(engine, &segment((50_000, 443), 1_401, rest)), UNDECIDED);
    assert_eq!(send(engine, &segment((50_000, 443), 1, &first[..100])), UNDECIDED);
    assert_eq!(send(engine, &segment((50_000, 443), 1, first)), BLOCK);
    assert_eq!(name(engine, 50_000).as_deref(), Some("a.b.ads.example"));
}

#[test]
fn the_name_that_is_asked_for_on_the_connection_overrides_that_of_the_address() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy(NO_ADS);
    resolve(engine, "www.example.com", 300);
    assert_eq!(engine.authorize(0, NOW, &connect(50_000)).decider, Decider::Default);
    assert_eq!(send(engine, &tcp(50_000, 443, SYN)), PERMIT);
    let client = records(&hello(Some("x.ads.example"), 0), 16_384);
    assert_eq!(send(engine, &segment((50_000, 443), 1, &client)), BLOCK);
    // The next connection under the same ports begins without that name.
    engine.closed(0, NOW, &connect(50_000));
    assert_eq!(engine.authorize(0, NOW, &connect(50_000)).decider, Decider::Default);
    assert_eq!(name(engine, 50_000).as_deref(), Some("www.example.com"));
}

#[test]
fn answers_over_tcp_count_too() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy(NO_ADS);
    let answer = response("a.ads.example", 1, &[record(&QUESTION, 1, 300, &REMOTE)]);
    let message = [&(answer.len() as u16).to_be_bytes()[..], &answer].concat();
    inspect_at(engine, NOW, Direction::Send, &sent_to(RESOLVER, 6, &tcp(40_000, 53, SYN)));
    inspect_at(engine, NOW, Direction::Receive, &from(RESOLVER, 6, &tcp(53, 40_000, SYN_ACK)));
    let (first, rest) = message.split_at(20);
    inspect_at(engine, NOW, Direction::Receive, &from(RESOLVER, 6, &segment((53, 40_000), 1, first)));
    assert_eq!(engine.counter(Counter::AddressesNamed), 0);
    inspect_at(engine, NOW, Direction::Receive, &from(RESOLVER, 6, &segment((53, 40_000), 21, rest)));
    assert_eq!(engine.counter(Counter::AddressesNamed), 1);
    assert_eq!(engine.authorize(0, NOW, &connect(50_000)).action, Action::Block);
}

#[test]
fn names_go_when_nobody_counts_on_them() {
    let owned = Owned::small();
    let engine = owned.get();
    engine.watch_names(true);
    resolve(engine, "www.example.com", 60);
    engine.authorize(0, NOW, &connect(50_000));
    let count = |engine: &Engine| {
        let mut count = 0;
        engine.list_names(0, &mut |_, _| {
            count += 1;
            true
        });
        count
    };
    assert_eq!(count(engine), 1);
    // The address's time is over, and the flow is removed and its record free again.
    let later = Time(NOW.0 + 10_000 * Time::SECOND);
    for _ in 0..20 {
        engine.age(0, later);
    }
    assert_eq!(engine.status().flows, 0);
    assert_eq!(count(engine), 0);
}
