//! The engine as the driver uses it: frames and ALE questions in, verdicts and counters out.

mod support;

use support::{
    ACK, FIN_ACK, LOCAL, Owned, REMOTE, RST, SYN, SYN_ACK, V4, echo, ethernet, ethernet_interface, ipv6,
    mapped, received, sent, tagged, tcp, udp,
};
use weir_core::counters::Counter;
use weir_core::crossing::Seat;
use weir_core::engine::{AleFlow, Config, Engine, Interface, RuleHits};
use weir_core::flow::{Endpoint, FlowView, State, Traffic};
use weir_core::limit::Passage;
use weir_core::policy::{Decider, PolicyError};
use weir_core::wire::{Malformed, Medium, VlanTag};
use weir_core::{Action, Direction, Time};

const NOW: Time = Time(1_000 * Time::SECOND);
const SYSTEM: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];

fn inspect_on(
    engine: &Engine,
    interface: &Interface<'_>,
    direction: Direction,
    frame: &[u8],
) -> (Action, Decider) {
    let verdict = engine.batch(0, NOW).inspect(interface, direction, frame, None);
    (verdict.action, verdict.decider)
}

fn send(engine: &Engine, frame: &[u8]) -> (Action, Decider) {
    inspect_on(engine, &ethernet_interface(), Direction::Send, frame)
}

fn receive(engine: &Engine, frame: &[u8]) -> (Action, Decider) {
    inspect_on(engine, &ethernet_interface(), Direction::Receive, frame)
}

fn flows(engine: &Engine) -> Vec<FlowView> {
    let mut all = Vec::new();
    assert_eq!(
        engine.list_flows(0, 0, &mut |flow| {
            all.push(*flow);
            true
        }),
        0
    );
    all
}

/// Every frame is in exactly one terminal class.
fn assert_accounted(engine: &Engine) {
    let classes: u64 = Counter::terminal().iter().map(|counter| engine.counter(*counter)).sum();
    assert_eq!(classes, engine.counter(Counter::FramesSent) + engine.counter(Counter::FramesReceived));
}

fn utf16(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

fn ale<'a>(direction: Direction, protocol: u8, local: u16, remote: u16, image: &'a [u16]) -> AleFlow<'a> {
    AleFlow {
        direction,
        protocol,
        compartment: 1,
        local: Endpoint { address: mapped(LOCAL), port: local },
        remote: Endpoint { address: mapped(REMOTE), port: remote },
        interface: ethernet_interface(),
        image,
        process_id: 4711,
        process_created: Some(9),
        user: &SYSTEM,
        package: &[],
        loopback: false,
        reauthorize: false,
    }
}

const PERMIT: (Action, Decider) = (Action::Permit, Decider::Default);

fn by_rule(action: Action, rule: u32) -> (Action, Decider) {
    (action, Decider::Rule(rule))
}

#[test]
fn without_a_policy_everything_passes_and_is_counted() {
    let owned = Owned::small();
    let engine = owned.get();
    let nothing = (Action::Permit, Decider::Nothing);
    assert_eq!(send(engine, &sent(6, &tcp(50_000, 443, SYN))), nothing);
    assert_eq!(receive(engine, &received(6, &tcp(443, 50_000, SYN_ACK))), nothing);
    assert_eq!(send(engine, &ethernet(0x0806, &[0; 46])), nothing);
    assert_eq!(engine.counter(Counter::PermittedNoPolicy), 3);
    assert_eq!(engine.counter(Counter::NonIp), 1);
    let [flow] = flows(engine)[..] else { panic!("one flow") };
    assert_eq!((flow.local.port, flow.remote.port, flow.origin), (50_000, 443, Direction::Send));
    assert_eq!(
        (flow.sent, flow.received),
        (Traffic { frames: 1, bytes: 54 }, Traffic { frames: 1, bytes: 54 })
    );
    assert_eq!(flow.state, State::Opening);
    assert_accounted(engine);
}

#[test]
fn a_blocked_flow_is_blocked_in_both_directions_and_hits_are_counted() {
    let owned = Owned::small();
    let engine = owned.get();
    owned
        .set_policy("[[rule]]\nname='web'\naction='block'\ndirection='out'\nprotocol='tcp'\nremote-port=443");
    let block = by_rule(Action::Block, 0);
    assert_eq!(send(engine, &sent(6, &tcp(50_000, 443, SYN))), block);
    assert_eq!(receive(engine, &received(6, &tcp(443, 50_000, SYN_ACK))), block);
    // The same ports, opened by the other side: the rule is for flows that this machine opens.
    assert_eq!(receive(engine, &received(6, &tcp(443, 50_001, SYN))), PERMIT);
    assert_eq!(send(engine, &sent(6, &tcp(50_001, 443, SYN_ACK))), PERMIT);
    assert_eq!(engine.rule_hits(0), RuleHits { frames: 2, flows: 0 });
    let blocked = flows(engine).into_iter().find(|flow| flow.local.port == 50_000).unwrap();
    assert_eq!(blocked.sent_blocked.frames + blocked.received_blocked.frames, 2);
    assert_eq!((blocked.sent.frames, blocked.received.frames), (0, 0));
    assert_eq!(engine.counter(Counter::BytesBlocked), 108);
    assert_accounted(engine);
}

#[test]
fn the_first_frame_seen_may_be_the_answer() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy("[[rule]]\nname='in'\naction='block'\ndirection='in'");
    // SYN-ACK and echo reply received: this machine opened the flow.
    assert_eq!(receive(engine, &received(6, &tcp(443, 50_000, SYN_ACK))), PERMIT);
    assert_eq!(receive(engine, &received(1, &echo(0, 9))), PERMIT);
    assert_eq!(receive(engine, &received(1, &echo(8, 10))), by_rule(Action::Block, 0));
}

#[test]
fn a_new_policy_decides_again_about_known_flows() {
    let owned = Owned::small();
    let engine = owned.get();
    let frame = sent(17, &udp(5_000, 53, b"?"));
    let first = owned.set_policy("[[rule]]\nname='dns'\naction='permit'\nremote-port=53\nprotocol='udp'");
    assert_eq!(send(engine, &frame), by_rule(Action::Permit, 0));
    let second = owned.set_policy("[[rule]]\nname='dns'\naction='block'\nremote-port=53\nprotocol='udp'");
    assert!(second > first);
    assert_eq!(engine.rule_hits(0), RuleHits::default(), "hits belong to a policy");
    assert_eq!(send(engine, &frame), by_rule(Action::Block, 0));
    assert_eq!(flows(engine)[0].stamp.generation, second);
    // The third policy takes the place of the first one.
    owned.set_policy("[[rule]]\nname='dns'\naction='block'\nremote-port=53");
    assert_eq!(engine.rule_hits(0), RuleHits::default());
    let second = second + 1;
    assert_eq!(engine.status().generation, second);
    assert!(engine.clear_policy(|| {}).unwrap().is_some());
    assert_eq!(send(engine, &frame), (Action::Permit, Decider::Nothing));
    assert_accounted(engine);
}

#[test]
fn a_bad_image_leaves_the_old_policy_in_force() {
    let owned = Owned::small();
    let engine = owned.get();
    let generation = owned.set_policy("[[rule]]\nname='all'\naction='block'");
    let mut image = support::compile("");
    image[47] ^= 1;
    assert!(owned.set_image(image).is_err());
    assert_eq!(owned.set_image(vec![1, 2, 3]), Err(PolicyError::Length));
    assert_eq!(engine.status().generation, generation);
    assert_eq!(send(engine, &sent(6, &tcp(1, 2, SYN))), by_rule(Action::Block, 0));
    let many: String =
        (0..3).map(|rule| format!("[[rule]]\nname='{rule}'\naction='block'\nlocal-port={rule}\n")).collect();
    let tiny = Owned::new(&Config { rules: 2, ..Config::new(1, [0, 0]) });
    assert_eq!(tiny.set_image(support::compile(&many)), Err(PolicyError::TooManyRules));
}

const NO_CURL: &str = "[[rule]]\nname='no-curl'\naction='block'\napplication='curl.exe'\nuser='S-1-5-18'";

#[test]
fn ale_blocks_an_outbound_application_and_the_packet_path_enforces_it() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy(NO_CURL);
    let curl = utf16(r"\device\harddiskvolume3\windows\curl.exe");
    let answer = engine.authorize(1, NOW, &ale(Direction::Send, 6, 50_000, 443, &curl));
    assert_eq!((answer.action, answer.decider), by_rule(Action::Block, 0));
    // Nothing should come, but what comes is blocked, in both directions.
    assert_eq!(send(engine, &sent(6, &tcp(50_000, 443, SYN))), by_rule(Action::Block, 0));
    assert_eq!(receive(engine, &received(6, &tcp(443, 50_000, SYN_ACK))), by_rule(Action::Block, 0));
    let flow = flows(engine)[0];
    assert_eq!((flow.owner.process_id, flow.flags.ale, Some(flow.id)), (4711, true, answer.flow));

    let ping = utf16(r"\device\harddiskvolume3\windows\other.exe");
    let answer = engine.authorize(1, NOW, &ale(Direction::Send, 6, 50_001, 443, &ping));
    assert_eq!((answer.action, answer.decider), PERMIT);
    assert_eq!(send(engine, &sent(6, &tcp(50_001, 443, SYN))), PERMIT);
    assert_eq!(engine.rule_hits(0), RuleHits { frames: 2, flows: 1 });
    assert_eq!(engine.counter(Counter::Authorizations), 2);
    assert_eq!(engine.counter(Counter::AuthorizationsBlocked), 1);
    assert_accounted(engine);
}

#[test]
fn an_inbound_frame_waits_for_nobody_and_ale_decides_later() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy(&format!(
        "{NO_CURL}\n[[rule]]\nname='rest'\naction='block'\nremote-port=[1000]\nprotocol='tcp'"
    ));
    // The first rule would match but for the identity: the frame passes, and nothing is remembered.
    let undecided = (Action::Permit, Decider::Nothing);
    assert_eq!(receive(engine, &received(6, &tcp(60_000, 8080, SYN))), undecided);
    assert_eq!(receive(engine, &received(6, &tcp(60_000, 8080, SYN))), undecided);
    assert_eq!(engine.counter(Counter::PermittedUndecided), 2);
    let curl = utf16(r"\device\harddiskvolume3\curl.exe");
    let answer = engine.authorize(0, NOW, &ale(Direction::Receive, 6, 8080, 60_000, &curl));
    assert_eq!(answer.action, Action::Block);
    assert_eq!(receive(engine, &received(6, &tcp(60_000, 8080, ACK))), by_rule(Action::Block, 0));
    // A policy change decides again with the identity that the record remembers.
    owned.set_policy(
        "[[rule]]\nname='system'\naction='permit'\nuser='S-1-5-18'\n[[rule]]\nname='all'\naction='block'",
    );
    assert_eq!(receive(engine, &received(6, &tcp(60_000, 8080, ACK))), by_rule(Action::Permit, 0));
    assert_accounted(engine);
}

#[test]
fn a_rule_before_the_identity_rule_decides_without_identity() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy(&format!("[[rule]]\nname='first'\naction='permit'\nlocal-port=22\n{NO_CURL}"));
    assert_eq!(receive(engine, &received(6, &tcp(60_000, 22, SYN))), by_rule(Action::Permit, 0));
}

#[test]
fn fail_closed_blocks_what_cannot_be_decided() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy(&format!("[defaults]\nfailure='closed'\n{NO_CURL}"));
    // ALE knows neither image nor user.
    let unknown = AleFlow { user: &[], ..ale(Direction::Send, 6, 50_000, 443, &[]) };
    let failure = (Action::Block, Decider::Failure);
    let answer = engine.authorize(0, NOW, &unknown);
    assert_eq!((answer.action, answer.decider), failure);
    assert_eq!(send(engine, &sent(6, &tcp(50_000, 443, SYN))), failure);
    // A frame whose ports cannot be read, and a later fragment without its first.
    assert_eq!(send(engine, &sent(17, &[0, 1, 0])), failure);
    let mut piece = V4::new(LOCAL, REMOTE, 47);
    piece.fragment = 5;
    owned.set_policy(
        "[defaults]\nfailure='closed'\n[[rule]]\nname='p'\naction='block'\nprotocol='tcp'\nremote-port=1",
    );
    assert_eq!(send(engine, &piece.frame(&[0; 8])), failure);
    assert_eq!(send(engine, &sent(17, &[0, 1, 0])), failure);
    assert_eq!(send(engine, &ethernet(0x0806, &[0; 28])), PERMIT);
    // A rule that does decide is asked first.
    owned.set_policy("[defaults]\nfailure='closed'\n[[rule]]\nname='all'\naction='permit'");
    assert_eq!(send(engine, &sent(17, &[0, 1, 0])), by_rule(Action::Permit, 0));
    assert_eq!(engine.malformed(Malformed::TransportTruncated), 3);
    assert_accounted(engine);
}

/// ALE was asked and the owner stayed unknown: a rule that needs it will never be decidable.
#[test]
fn an_owner_that_stays_unknown_is_a_failure() {
    let owned = Owned::small();
    let engine = owned.get();
    engine.authorize(0, NOW, &AleFlow { user: &[], ..ale(Direction::Send, 6, 50_000, 443, &[]) });
    let frame = sent(6, &tcp(50_000, 443, SYN));
    owned.set_policy(NO_CURL);
    assert_eq!(send(engine, &frame), (Action::Permit, Decider::Failure));
    owned.set_policy(&format!("[defaults]\nfailure='closed'\n{NO_CURL}"));
    assert_eq!(send(engine, &frame), (Action::Block, Decider::Failure));
    assert_accounted(engine);
}

#[test]
fn an_image_is_given_back_only_after_its_readers() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy("[[rule]]\nname='a'\naction='permit'");
    let next: &'static mut [u8] = support::compile("[[rule]]\nname='b'\naction='permit'").leak();
    let paused = std::sync::atomic::AtomicBool::new(false);
    let relaxed = std::sync::atomic::Ordering::Relaxed;
    let batch = engine.batch(1, NOW);
    std::thread::scope(|scope| {
        let setter = scope.spawn(|| {
            let pause = || {
                paused.store(true, relaxed);
                std::thread::yield_now();
            };
            // SAFETY: leaked, and not touched again.
            unsafe { engine.set_policy(next.into(), pause) }.map(|(generation, _)| generation)
        });
        while !paused.load(relaxed) && !setter.is_finished() {
            std::thread::yield_now();
        }
        assert!(!setter.is_finished(), "a batch still reads the old image");
        // SAFETY: the engine refuses a change during a change, so it does not keep the pointer.
        let second = unsafe { engine.set_policy(std::ptr::NonNull::from(&*support::compile("")), || {}) };
        assert_eq!(second.err(), Some(PolicyError::Busy));
        drop(batch);
        assert!(setter.join().unwrap().is_ok());
    });
}

#[test]
fn later_fragments_follow_their_first() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy("[[rule]]\nname='port'\naction='block'\nprotocol='udp'\nremote-port=9999");
    let datagram = udp(5_000, 9999, &[0; 72]);
    let mut v4 = V4::new(LOCAL, REMOTE, 17);
    v4.identification = 77;
    v4.fragment = 5;
    // Ahead of its first fragment nobody knows the ports.
    assert_eq!(send(engine, &v4.frame(&datagram[40..])), PERMIT);
    assert_eq!(engine.counter(Counter::FragmentsUnmatched), 1);
    v4.fragment = 0x2000;
    assert_eq!(send(engine, &v4.frame(&datagram[..40])), by_rule(Action::Block, 0));
    v4.fragment = 5;
    assert_eq!(send(engine, &v4.frame(&datagram[40..])), by_rule(Action::Block, 0));
    // Another datagram between the same machines is not mixed up with it.
    v4.identification = 78;
    assert_eq!(send(engine, &v4.frame(&datagram[40..])), PERMIT);
    assert_eq!(engine.counter(Counter::FragmentsUnmatched), 2);
    assert_eq!(engine.counter(Counter::Fragments), 4);
    let flow = flows(engine).into_iter().find(|flow| flow.remote.port == 9999).unwrap();
    assert_eq!((flow.sent_blocked.frames, flow.flags.fragments), (2, true));

    let (a, b) = ([0x20; 16], [0x30; 16]);
    let piece = |word: [u8; 2], data: &[u8]| {
        let header = [&[17, 0, word[0], word[1], 1, 2, 3, 4], data].concat();
        ethernet(0x86dd, &ipv6(a, b, 44, &header))
    };
    assert_eq!(send(engine, &piece([0, 1], &datagram[..40])), by_rule(Action::Block, 0));
    assert_eq!(send(engine, &piece([0, 40], &datagram[40..])), by_rule(Action::Block, 0));
    assert_accounted(engine);
}

#[test]
fn rules_about_ethertypes_and_interfaces() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy(
        "[[rule]]\nname='lldp'\naction='block'\nethertype='lldp'\ndirection='out'\n\
         [[rule]]\nname='wifi'\naction='block'\ninterface='Wi-Fi'\n\
         [[rule]]\nname='index'\naction='block'\ninterface='index:9'\n\
         [[rule]]\nname='luid'\naction='block'\ninterface='luid:0x55'",
    );
    let lldp = ethernet(0x88cc, &[0; 46]);
    let named = utf16("WI-FI");
    let ethernet_name = utf16("Ethernet");
    let wired = Interface { name: &ethernet_name, ..ethernet_interface() };
    assert_eq!(inspect_on(engine, &wired, Direction::Send, &lldp), by_rule(Action::Block, 0));
    assert_eq!(inspect_on(engine, &wired, Direction::Receive, &lldp), PERMIT);
    let frame = sent(6, &tcp(1, 2, SYN));
    assert_eq!(inspect_on(engine, &wired, Direction::Send, &frame), PERMIT);
    // The same flow on another interface is decided for that interface, and the first verdict stays.
    let wifi = Interface { name: &named, luid: 2, ..ethernet_interface() };
    assert_eq!(inspect_on(engine, &wifi, Direction::Send, &frame), by_rule(Action::Block, 1));
    assert_eq!(inspect_on(engine, &wired, Direction::Send, &frame), PERMIT);
    let ninth = Interface { name: &ethernet_name, luid: 3, index: 9, ..ethernet_interface() };
    assert_eq!(inspect_on(engine, &ninth, Direction::Send, &frame), by_rule(Action::Block, 2));
    let luid = Interface { name: &ethernet_name, luid: 0x55, ..ethernet_interface() };
    assert_eq!(inspect_on(engine, &luid, Direction::Send, &frame), by_rule(Action::Block, 3));
    // An adapter whose name nobody told leaves a rule about names undecidable.
    assert_eq!(send(engine, &sent(6, &tcp(3, 4, SYN))), (Action::Permit, Decider::Failure));
    // ALE without an interface leaves the decision to the packet path.
    let nowhere = Interface { luid: 0, index: 0, ..ethernet_interface() };
    let image = utf16("x");
    let question = AleFlow { interface: nowhere, ..ale(Direction::Send, 6, 40_000, 1, &image) };
    let answer = engine.authorize(0, NOW, &question);
    assert_eq!((answer.action, answer.decider), (Action::Permit, Decider::Nothing));
    assert_eq!(
        inspect_on(engine, &wifi, Direction::Send, &sent(6, &tcp(40_000, 1, SYN))),
        by_rule(Action::Block, 1)
    );
}

#[test]
fn a_full_table_still_decides_every_frame() {
    let owned = Owned::new(&Config { flows: 4, ..Config::new(1, [5, 6]) });
    let engine = owned.get();
    owned.set_policy("[[rule]]\nname='odd'\naction='block'\nprotocol='udp'\nremote-port=7");
    for port in 1..=20_u16 {
        let expected = if port == 7 { by_rule(Action::Block, 0) } else { PERMIT };
        assert_eq!(send(engine, &sent(17, &udp(1_000, port, b""))), expected, "port {port}");
    }
    assert_eq!(engine.status().flows, 4);
    assert_eq!(engine.counter(Counter::TableFull), 16);
    owned.set_policy(&format!("[defaults]\nfailure='closed'\n{NO_CURL}"));
    assert_eq!(send(engine, &sent(17, &udp(1_000, 20, b""))), (Action::Block, Decider::Failure));
    assert_accounted(engine);
}

#[test]
fn tcp_states_and_a_second_connection_under_the_same_ports() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy(NO_CURL);
    let image = utf16(r"\device\harddiskvolume3\curl.exe");
    let state = || flows(engine)[0].state;
    engine.authorize(0, NOW, &ale(Direction::Receive, 6, 80, 60_000, &utf16("server.exe")));
    assert_eq!(state(), State::New);
    receive(engine, &received(6, &tcp(60_000, 80, SYN)));
    send(engine, &sent(6, &tcp(80, 60_000, SYN_ACK)));
    assert_eq!(state(), State::Opening);
    receive(engine, &received(6, &tcp(60_000, 80, ACK)));
    assert_eq!(state(), State::Active);
    send(engine, &sent(6, &tcp(80, 60_000, FIN_ACK)));
    assert_eq!(state(), State::Closing);
    receive(engine, &received(6, &tcp(60_000, 80, FIN_ACK)));
    assert_eq!(state(), State::Closed);
    // A new connection under the same ports: the old owner says nothing about the new one.
    assert_eq!(receive(engine, &received(6, &tcp(60_000, 80, SYN))), (Action::Permit, Decider::Nothing));
    assert_eq!((state(), flows(engine)[0].owner.image), (State::Opening, 0));
    assert_eq!(
        engine.authorize(0, NOW, &ale(Direction::Receive, 6, 80, 60_000, &image)).action,
        Action::Block
    );
    receive(engine, &received(6, &tcp(60_000, 80, RST)));
    assert_eq!(state(), State::Reset);
    assert_eq!(flows(engine).len(), 1);

    // A retry of a refused outbound connection keeps its owner: ALE is not asked again.
    engine.authorize(0, NOW, &ale(Direction::Send, 6, 50_000, 81, &utf16("client.exe")));
    let outbound = || flows(engine).into_iter().find(|flow| flow.remote.port == 81).unwrap();
    send(engine, &sent(6, &tcp(50_000, 81, SYN)));
    receive(engine, &received(6, &tcp(81, 50_000, RST)));
    let owner = outbound().owner;
    assert_eq!(send(engine, &sent(6, &tcp(50_000, 81, SYN))), PERMIT);
    assert_eq!((outbound().owner, outbound().state), (owner, State::Opening));
    // Another connect after the end is another connection.
    engine.closed(0, NOW, &ale(Direction::Send, 6, 50_000, 81, &[]));
    assert_eq!(outbound().state, State::Closed);
    engine.authorize(0, NOW, &ale(Direction::Send, 6, 50_000, 81, &image));
    assert_eq!((outbound().state, outbound().flags.closed), (State::Opening, false));
    assert_ne!(outbound().owner.image, owner.image);
}

#[test]
fn flows_age() {
    let owned = Owned::small();
    let engine = owned.get();
    send(engine, &sent(17, &udp(1, 53, b"")));
    send(engine, &sent(6, &tcp(1, 80, ACK)));
    let after = |seconds: u64| Time(NOW.0 + seconds * Time::SECOND);
    engine.age(0, after(180));
    assert_eq!(engine.status().flows, 2);
    engine.age(0, after(181));
    assert_eq!(engine.status().flows, 1);
    engine.closed(0, NOW, &ale(Direction::Send, 6, 1, 80, &[]));
    engine.age(0, after(31));
    assert_eq!((engine.status().flows, engine.counter(Counter::FlowsRemoved)), (0, 2));

    let keeping = Owned::new(&Config { keep: 1, ..Config::new(1, [1, 1]) });
    send(keeping.get(), &sent(17, &udp(1, 53, b"")));
    keeping.get().age(0, after(1_000_000));
    assert_eq!(keeping.get().status().flows, 1, "a quiet machine keeps its history");
}

#[test]
fn memory_of_removed_flows_is_used_again() {
    let owned = Owned::new(&Config { flows: 8, keep: 0, ..Config::new(1, [1, 1]) });
    let engine = owned.get();
    for round in 0..50_u64 {
        let now = Time(NOW.0 + round * 1_000 * Time::SECOND);
        for port in 0..8 {
            let frame = sent(17, &udp(round as u16, port, b""));
            engine.batch(0, now).inspect(&ethernet_interface(), Direction::Send, frame.as_slice(), None);
        }
        assert_eq!(engine.status().flows, 8, "round {round}");
        for _ in 0..6 {
            engine.age(0, Time(now.0 + 500 * Time::SECOND));
        }
        assert_eq!(engine.status().flows, 0);
    }
    assert_eq!(engine.counter(Counter::TableFull), 0);
    assert_eq!(engine.counter(Counter::FlowsCreated), 400);
}

#[test]
fn listing_goes_on_where_it_stopped() {
    let owned = Owned::small();
    let engine = owned.get();
    for port in 0..100 {
        send(engine, &sent(17, &udp(1, port + 1, b"")));
    }
    let mut ids = Vec::new();
    let mut cursor = 0;
    let mut pages = 0;
    loop {
        let mut room = 7;
        cursor = engine.list_flows(0, cursor, &mut |flow| {
            if room == 0 {
                return false;
            }
            room -= 1;
            ids.push(flow.id);
            true
        });
        pages += 1;
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(pages, 15);
    let unique: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!((ids.len(), unique.len()), (100, 100));
}

#[test]
fn bytes_include_tags_in_band_and_out_of_band() {
    let owned = Owned::small();
    let engine = owned.get();
    let frame = sent(17, &udp(1, 2, b"abc"));
    let mut batch = engine.batch(0, NOW);
    let interface = ethernet_interface();
    batch.inspect(&interface, Direction::Send, frame.as_slice(), Some(VlanTag(5)));
    batch.inspect(&interface, Direction::Send, tagged(&frame, 0x8100, 5).as_slice(), None);
    drop(batch);
    assert_eq!(flows(engine)[0].sent, Traffic { frames: 2, bytes: 2 * (frame.len() as u64 + 4) });
    assert_eq!(engine.counter(Counter::Vlan), 2);
}

#[test]
fn a_ping_has_the_owner_that_ale_named() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy("[[rule]]\nname='ping'\naction='block'\napplication='ping.exe'");
    let ping = utf16(r"\device\harddiskvolume3\windows\system32\ping.exe");
    // For ICMP, ALE's "ports" are type and code.
    let answer = engine.authorize(0, NOW, &ale(Direction::Send, 1, 8, 0, &ping));
    assert_eq!(answer.action, Action::Block);
    assert_eq!(send(engine, &sent(1, &echo(8, 0x77))), by_rule(Action::Block, 0));
    assert_eq!(receive(engine, &received(1, &echo(0, 0x77))), by_rule(Action::Block, 0));
}

#[test]
fn a_machine_talking_to_itself_has_two_sides() {
    let owned = Owned::small();
    let engine = owned.get();
    let frame = V4::new(LOCAL, LOCAL, 17).frame(&udp(9, 9, b""));
    send(engine, &frame);
    receive(engine, &frame);
    let [flow] = flows(engine)[..] else { panic!("one flow") };
    assert_eq!((flow.sent.frames, flow.received.frames), (1, 1));
}

#[test]
fn hostile_frames_of_every_length_are_accounted() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy("[defaults]\nfailure='closed'\n[[rule]]\nname='x'\naction='block'\nremote-port=1");
    let chain: Vec<u8> = (0..40).flat_map(|_| [0_u8, 0, 0, 0, 0, 0, 0, 0]).collect();
    let samples = [
        sent(6, &tcp(1, 2, SYN)),
        tagged(&sent(17, &udp(1, 4789, &[8; 20])), 0x8100, 1),
        ethernet(0x86dd, &ipv6([1; 16], [2; 16], 0, &chain)),
    ];
    let mut frames = 0;
    for sample in &samples {
        for length in 0..=sample.len() {
            for medium in [Medium::Ethernet, Medium::RawIp, Medium::Other] {
                let interface = Interface { medium, ..ethernet_interface() };
                inspect_on(engine, &interface, Direction::Receive, &sample[..length]);
                frames += 1;
            }
        }
    }
    assert_eq!(engine.counter(Counter::FramesReceived), frames);
    assert_accounted(engine);
    let reasons: u64 = Malformed::ALL.iter().map(|reason| engine.malformed(*reason)).sum();
    assert_eq!(reasons, engine.counter(Counter::Malformed));
}

#[test]
fn policy_changes_while_frames_flow() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy("[[rule]]\nname='a'\naction='block'\nprotocol='udp'");
    let done = std::sync::atomic::AtomicBool::new(false);
    let relaxed = std::sync::atomic::Ordering::Relaxed;
    let images =
        ["[[rule]]\nname='a'\naction='permit'", "[[rule]]\nname='b'\naction='block'\nprotocol='udp'"]
            .map(support::compile);
    std::thread::scope(|scope| {
        for processor in 0..2_u32 {
            let done = &done;
            scope.spawn(move || {
                let interface = ethernet_interface();
                while !done.load(relaxed) {
                    let mut batch = engine.batch(processor, NOW);
                    for port in 1..20 {
                        let frame = sent(17, &udp(7, port, b""));
                        let verdict = batch.inspect(&interface, Direction::Send, frame.as_slice(), None);
                        // Whichever policy is in force, its only rule decides.
                        assert_eq!(verdict.decider, Decider::Rule(0));
                    }
                    drop(batch);
                    std::thread::yield_now();
                }
            });
        }
        for round in 0..200 {
            // A fresh copy each time, overwritten as soon as the engine gives it back.
            let image: &'static mut [u8] = images[round % 2].clone().leak();
            // SAFETY: leaked, and not touched until the engine gives it back.
            let (_, old) = unsafe { engine.set_policy(image.into(), std::thread::yield_now) }.unwrap();
            if round > 0 {
                // SAFETY: the engine gave back the image of the last round, which was leaked above.
                unsafe { old.unwrap().as_mut() }.fill(0);
            }
        }
        done.store(true, relaxed);
    });
    assert_accounted(engine);
}

const ASK: &str = "[[rule]]\nname='q'\naction='ask'\nprotocol=['tcp', 'udp', 'icmp']";
const UNDECIDED: (Action, Decider) = (Action::Permit, Decider::Nothing);

#[test]
fn a_flow_that_is_asked_about_waits_and_follows_the_answer() {
    let owned = Owned::small();
    let engine = owned.get();
    for (port, action) in [(50_000, Action::Permit), (50_001, Action::Block)] {
        let generation = owned.set_policy(ASK);
        let connect = ale(Direction::Send, 6, port, 443, &[]);
        let answer = engine.authorize(0, NOW, &connect);
        let question = answer.question.expect("a question");
        assert_eq!((answer.action, answer.decider), by_rule(Action::Block, 0));
        assert_eq!((question.fallback, question.timeout), (Action::Block, 30 * Time::SECOND));
        assert_eq!((question.rule, question.generation), (0, generation));
        assert_eq!((Some(question.flow), question.owner.process_id), (answer.flow, 4711));
        // Nobody is let past while it waits; asking again does not answer it.
        let again = AleFlow { reauthorize: true, ..connect };
        let early = engine.authorize(0, NOW, &again);
        assert_eq!((early.action, early.question), (Action::Block, None));
        assert!(engine.answer(0, &question, action));
        let repeated = engine.authorize(0, NOW, &again);
        assert_eq!((repeated.action, repeated.decider), by_rule(action, 0));
        assert!(repeated.question.is_none());
        assert_eq!(send(engine, &sent(6, &tcp(port, 443, SYN))), by_rule(action, 0));
        assert_eq!(receive(engine, &received(6, &tcp(443, port, SYN_ACK))), by_rule(action, 0));
        // Another policy that asks too: the answer holds, nobody is asked about what runs.
        owned.set_policy(ASK);
        assert_eq!(send(engine, &sent(6, &tcp(port, 443, ACK))), by_rule(action, 0));
        assert_eq!(engine.authorize(0, NOW, &again).action, action);
        // One that does not: it decides.
        owned.set_policy("");
        assert_eq!(send(engine, &sent(6, &tcp(port, 443, ACK))), PERMIT);
        // A new connection under the same key is asked about anew.
        owned.set_policy(ASK);
        send(engine, &sent(6, &tcp(port, 443, RST)));
        assert!(engine.authorize(0, NOW, &connect).question.is_some());
        let generation = owned.set_policy(ASK);
        assert!(engine.authorize(0, NOW, &connect).question.expect("again").generation == generation);
    }
    assert_accounted(engine);
}

#[test]
fn frames_before_the_question_wait_for_it_and_those_without_one_fall_back() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy(ASK);
    // A flow from outside: its first frames come before ALE asks.
    assert_eq!(receive(engine, &received(17, &udp(53, 50_000, b"x"))), UNDECIDED);
    let accept = ale(Direction::Receive, 17, 50_000, 53, &[]);
    let question = engine.authorize(0, NOW, &accept).question.expect("a question");
    assert_eq!(receive(engine, &received(17, &udp(53, 50_000, b"x"))), UNDECIDED);
    engine.answer(0, &question, Action::Permit);
    assert_eq!(receive(engine, &received(17, &udp(53, 50_000, b"x"))), by_rule(Action::Permit, 0));
    // One that this machine sends without ALE, and a flow that was there before the policy.
    assert_eq!(send(engine, &sent(17, &udp(50_001, 53, b"x"))), by_rule(Action::Block, 0));
    owned.set_policy("");
    engine.authorize(0, NOW, &ale(Direction::Receive, 17, 50_002, 53, &[]));
    owned.set_policy(ASK);
    assert_eq!(receive(engine, &received(17, &udp(53, 50_002, b"x"))), by_rule(Action::Block, 0));
    // ALE asks about the pair of addresses, each echo dialogue follows.
    let ping = ale(Direction::Receive, 1, 8, 0, &[]);
    assert_eq!(receive(engine, &received(1, &echo(8, 9))), UNDECIDED);
    let question = engine.authorize(0, NOW, &ping).question.expect("a question");
    assert_eq!(receive(engine, &received(1, &echo(8, 9))), UNDECIDED);
    engine.answer(0, &question, Action::Permit);
    assert_eq!(receive(engine, &received(1, &echo(8, 9))), by_rule(Action::Permit, 0));
    assert_eq!(receive(engine, &received(1, &echo(8, 10))), by_rule(Action::Permit, 0));
    assert_accounted(engine);
}

#[test]
fn a_flow_that_waits_for_an_answer_does_not_age() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy(ASK);
    let connect = ale(Direction::Send, 6, 50_000, 443, &[]);
    let question = engine.authorize(0, NOW, &connect).question.expect("a question");
    let later = Time(NOW.0 + 10_000 * Time::SECOND);
    let age = || (0..4).for_each(|_| engine.age(0, later));
    age();
    assert_eq!(flows(engine).len(), 1);
    engine.answer(0, &question, Action::Permit);
    age();
    assert_eq!(flows(engine).len(), 0);
    // An answer for a flow that is gone changes nothing.
    engine.answer(0, &question, Action::Permit);
    assert_eq!(flows(engine).len(), 0);
}

#[test]
fn without_room_for_a_flow_nobody_is_asked() {
    let owned = Owned::new(&Config { flows: 1_024, keep: 1 << 20, ..Config::new(1, [1, 2]) });
    let engine = owned.get();
    owned.set_policy(ASK);
    let asked = |port| engine.authorize(0, NOW, &ale(Direction::Send, 6, port, 443, &[]));
    let last = (1..2_000).map(asked).find(|answer| answer.flow.is_none()).expect("a full table");
    assert_eq!((last.action, last.question), (Action::Block, None));
}

/// Seats of a team (number 3) on two members (1, 2), and of an adapter that stands alone (4).
fn team() -> [Seat; 4] {
    let seats = [Seat::new(), Seat::new(), Seat::new(), Seat::new()];
    for (seat, number) in seats.iter().zip(1..) {
        seat.set_number(number);
    }
    seats[0].set_neighbours([3].into_iter(), [].into_iter());
    seats[1].set_neighbours([3].into_iter(), [].into_iter());
    seats[2].set_neighbours([].into_iter(), [1, 2].into_iter());
    seats
}

#[test]
fn a_frame_that_crosses_several_adapters_is_counted_at_the_first_one() {
    let owned = Owned::small();
    let engine = owned.get();
    owned.set_policy("[[rule]]\nname='r'\naction=['rate-limit','tap']\nrate='10 packets/s'\nburst='4 packets'\nper='flow'\nremote-port=443");
    let seats = team();
    let interfaces: Vec<Interface<'_>> =
        (1..5).map(|index| Interface { luid: u64::from(index), index, ..ethernet_interface() }).collect();
    // Whether the frame is new at the seat, or was counted before.
    let see = |seat: usize, direction, frame: &[u8]| {
        let mut batch = engine.batch(0, NOW).at(&seats[seat]);
        let verdict = batch.inspect(&interfaces[seat], direction, frame, None);
        assert_eq!(verdict.action, Action::Permit);
        assert_eq!(verdict.tap, verdict.toll.is_some());
        verdict.toll.map(|toll| batch.charge(&toll))
    };
    let (out, into) = (sent(6, &tcp(50_000, 443, ACK)), received(6, &tcp(443, 50_000, ACK)));
    // Each frame pays one packet, whichever member it goes by.
    for member in [0, 1, 0, 1] {
        assert_eq!(see(2, Direction::Send, &out), Some(Passage::Now));
        assert_eq!(see(member, Direction::Send, &out), None);
        assert_eq!(see(member, Direction::Receive, &into), Some(Passage::Now));
        assert_eq!(see(2, Direction::Receive, &into), None);
    }
    assert_eq!(see(2, Direction::Send, &out), Some(Passage::Over));
    assert_eq!(see(1, Direction::Receive, &into), Some(Passage::Over));
    let [flow] = flows(engine)[..] else { panic!("one flow") };
    assert_eq!((flow.sent.frames, flow.received.frames), (4, 4));
    assert_eq!((flow.sent_blocked.frames, flow.received_blocked.frames), (1, 1));
    assert_eq!(engine.counter(Counter::SeenBefore), 8);
    assert_eq!((engine.counter(Counter::FramesSent), engine.counter(Counter::FramesReceived)), (5, 5));
    assert_eq!(engine.rule_hits(0).frames, 10);
    assert_accounted(engine);
    // The flow moves to another adapter, and to a member that nothing lies on any more.
    assert_eq!(see(3, Direction::Send, &out), Some(Passage::Over));
    seats[0].forget(3);
    assert_eq!(see(2, Direction::Send, &out), Some(Passage::Over));
    assert_eq!(see(0, Direction::Send, &out), Some(Passage::Over));
    // What is blocked is counted where it is, even behind another adapter that let it pass.
    owned.set_policy("[[rule]]\nname='member'\naction='block'\ninterface='index:2'\nremote-port=443");
    let verdict = |seat: usize| {
        engine
            .batch(0, NOW)
            .at(&seats[seat])
            .inspect(&interfaces[seat], Direction::Send, &out[..], None)
            .action
    };
    let blocked = engine.counter(Counter::BlockedByRule);
    assert_eq!((verdict(2), verdict(1)), (Action::Permit, Action::Block));
    assert_eq!(engine.counter(Counter::BlockedByRule), blocked + 1);
    assert_accounted(engine);
}

/// What docs/performance.md says about memory.
#[test]
fn memory_is_what_the_document_says() {
    let document = include_str!("../../../docs/performance.md");
    for flows in [65_536_u32, 1 << 20, 1 << 22] {
        let layout = Engine::layout(&Config { flows, ..Config::new(2, [1, 2]) }).unwrap();
        let words = |number: u32| match number {
            0..1_000 => number.to_string(),
            _ if number < 1_000_000 => format!("{},{:03}", number / 1_000, number % 1_000),
            _ => format!("{},{:03},{:03}", number / 1_000_000, number / 1_000 % 1_000, number % 1_000),
        };
        let row = format!("| {} | {} |", words(flows), words((layout.size() >> 20) as u32));
        assert!(document.contains(&row), "{row}");
    }
}
