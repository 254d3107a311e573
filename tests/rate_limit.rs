//! Promise: what passes a rate limit is its rate within 2 %, per rule and per flow, on two processors at once, and every
//! frame is accounted for.

mod support;

use std::sync::Arc;
use std::time::Duration;

use ddk::ndis::{NDIS_STATUS_SEND_ABORTED, NDIS_STATUS_SUCCESS};
use lab::ndis::{Adapter, Attributes, Behaviour, Beside, Call, Config, Giving, RESOURCES};
use lab::schedule::{self, Mode};
use lab::wdf::File;
use lab::{Driver, Machine};
use support::packet::{self, Ports, Way, lists};
use support::{list, open, set_policy, start, status};
use weir_ioctl::{Control, CounterId, FlowEntry};

/// A machine whose clock only moves when everybody sleeps, with the driver running on one adapter.
fn scheduled(seed: u64) -> (Machine, Driver, Arc<Adapter>, File) {
    schedule::start(Mode::Deterministic, seed);
    let machine = Machine::new(lab::Options::default());
    let adapter = Adapter::new(Config::default());
    let driver = start(&machine);
    adapter.restart(Attributes::General).expect("the filter restarts");
    let file = open(&machine);
    (machine, driver, adapter, file)
}

fn finish(machine: Machine, mut driver: Driver, adapter: &Arc<Adapter>, file: File) {
    drop(file);
    adapter.pause();
    driver.unload();
    machine.finish();
}

/// Bytes per port that got through when two processors send for ten seconds on `ports`, each frame of 1,000 bytes, far
/// more than may pass.
fn ten_seconds(adapter: &Arc<Adapter>, ports: &'static [u16], way: Way) -> Vec<(u16, u64)> {
    const STEP: Duration = Duration::from_millis(2);
    let senders: Vec<_> = (0..2)
        .map(|processor| {
            let adapter = adapter.clone();
            schedule::spawn("sender", move || {
                lab::cpu::init_on(processor);
                for _ in 0..10_000 / STEP.as_millis() {
                    let frames: Vec<Vec<u8>> = ports
                        .iter()
                        .map(|port| packet::udp(way, Ports { local: *port, remote: 53 }, 958))
                        .collect();
                    match way {
                        Way::Out => adapter.send(&lists(&frames, 1), Call::default()),
                        Way::In => adapter.receive(&lists(&frames, 1), Call::default()),
                    }
                    schedule::sleep(STEP);
                }
            })
        })
        .collect();
    assert!(senders.into_iter().all(schedule::Task::join));
    let events = adapter.take_events();
    let passed: Vec<Vec<u8>> = match way {
        Way::Out => events.wire.into_iter().map(|frame| frame.bytes).collect(),
        Way::In => events.delivered.into_iter().map(|frame| frame.bytes).collect(),
    };
    let place = if way == Way::Out { 34 } else { 36 };
    let port = |bytes: &[u8]| u16::from_be_bytes([bytes[place], bytes[place + 1]]);
    let of = |wanted: u16| passed.iter().filter(move |bytes| port(bytes) == wanted);
    ports.iter().map(|port| (*port, of(*port).map(|bytes| bytes.len() as u64).sum())).collect()
}

/// Within 2 % of `rate` bytes per second over the ten seconds, which are a little longer by the machine's clock: each call
/// takes its time.
#[track_caller]
fn assert_rate(what: &str, file: &File, bytes: u64, rate: u64) {
    let flows = list::<FlowEntry>(file, Control::LIST_FLOWS, 8);
    let first = flows.iter().map(|flow| flow.first_seen).min().expect("a flow");
    let time = flows.iter().map(|flow| flow.last_seen).max().expect("a flow") - first;
    assert!((99_000_000..130_000_000).contains(&time), "{time} instead of ten seconds");
    let measured = bytes * 10_000_000 / time;
    println!("{what}: {measured} of {rate} bytes/s in {} ms", time / 10_000);
    assert!(measured.abs_diff(rate) * 50 <= rate, "{what}: {measured} instead of {rate} bytes/s");
}

#[test]
fn a_rule_shares_its_rate_among_flows_and_processors() {
    for (name, way) in [("out", Way::Out), ("in", Way::In)] {
        lab::child::test(&format!("a_rule_shares_its_rate_among_flows_and_processors#{name}"), || {
            let (machine, driver, adapter, file) = scheduled(7);
            set_policy(
                &file,
                "[[rule]]\nname = 'r'\naction = 'rate-limit'\nrate = '8 Mbit/s'\nburst = '10 kB'\n",
            );
            let passed = ten_seconds(&adapter, &[5_001, 5_002, 5_003], way);
            assert_rate("three flows", &file, passed.iter().map(|(_, bytes)| bytes).sum(), 1_000_000);
            let now = status(&file);
            let frames = 2 * 5_000 * 3;
            let blocked = now.counter(CounterId::BLOCKED_BY_LIMIT);
            assert_eq!(now.counter(CounterId::PERMITTED_BY_RULE) + blocked, frames);
            assert_eq!(now.counter(CounterId::BYTES_BLOCKED), blocked * 1_000);
            finish(machine, driver, &adapter, file);
        });
    }
}

#[test]
fn each_flow_has_the_rate_when_the_rule_says_so() {
    lab::child::test("each_flow_has_the_rate_when_the_rule_says_so", || {
        let (machine, driver, adapter, file) = scheduled(8);
        set_policy(
            &file,
            "[[rule]]\nname = 'r'\naction = 'rate-limit'\nrate = '200 packets/s'\nburst = '10 packets'\nper = 'flow'\n",
        );
        for (port, bytes) in ten_seconds(&adapter, &[5_001, 5_002, 5_003], Way::Out) {
            assert_rate(&format!("port {port}"), &file, bytes, 200_000);
        }
        finish(machine, driver, &adapter, file);
    });
}

const DELAY: &str = "[[rule]]\nname = 'r'\naction = ['rate-limit', 'mark']\nrate = '100 packets/s'\nburst = '5 packets'\n\
                     over = 'delay'\nmax-delay = '100 ms'\ndscp = 'ef'\nlocal-port = 5001\n\
                     [[rule]]\nname = 's'\naction = 'rate-limit'\nrate = '100 packets/s'\nburst = '5 packets'\n\
                     over = 'delay'\nmax-delay = '100 ms'\n";

/// Twenty frames of one flow that differ, from this port.
fn twenty(local: u16) -> Vec<Vec<u8>> {
    (0..20).map(|length| packet::udp(Way::Out, Ports { local, remote: 53 }, 20 + length)).collect()
}

/// Copies are marked, held as they are or not: what is held is one or the other.
const KINDS: [(&str, u16); 2] = [("copies", 5_001), ("originals", 5_002)];

#[test]
fn what_is_over_the_rate_waits_its_turn_in_order() {
    for (name, port) in KINDS {
        lab::child::test(&format!("what_is_over_the_rate_waits_its_turn_in_order#{name}"), || {
            lab::ndis::set_poison(true);
            let (machine, driver, adapter, file) = scheduled(9);
            set_policy(&file, DELAY);
            let frames = twenty(port);
            adapter.send(&lists(&frames, 1), Call::default());
            let at_once = adapter.take_events().wire;
            assert!((5..8).contains(&at_once.len()), "{} at once", at_once.len());
            let mut wire = at_once;
            for _ in 0..3 {
                schedule::sleep(Duration::from_millis(50));
                wire.extend(adapter.take_events().wire);
            }
            let lengths: Vec<usize> = wire.iter().map(|frame| frame.bytes.len()).collect();
            let first: Vec<usize> = frames.iter().map(Vec::len).take(lengths.len()).collect();
            assert_eq!(lengths, first, "in order, and the last ones are dropped");
            assert!((15..18).contains(&lengths.len()), "{} in the end", lengths.len());
            let now = status(&file);
            assert_eq!(now.counter(CounterId::BLOCKED_BY_LIMIT), 20 - lengths.len() as u64);
            assert!(now.counter(CounterId::DELAYED) >= 8);
            assert_eq!(now.counter(CounterId::DELAYED_DROPPED), 0);
            finish(machine, driver, &adapter, file);
        });
    }
}

#[test]
fn a_rate_is_met_when_frames_wait() {
    lab::child::test("a_rate_is_met_when_frames_wait", || {
        let (machine, driver, adapter, file) = scheduled(10);
        set_policy(
            &file,
            "[[rule]]\nname = 'r'\naction = 'rate-limit'\nrate = '8 Mbit/s'\nburst = '10 kB'\nover = 'delay'\nmax-delay = '50 ms'\n",
        );
        let passed = ten_seconds(&adapter, &[5_001, 5_002], Way::Out);
        assert_rate("two flows", &file, passed.iter().map(|(_, bytes)| bytes).sum(), 1_000_000);
        finish(machine, driver, &adapter, file);
    });
}

#[test]
fn a_pause_does_not_wait_longer_than_what_waits() {
    for (name, port) in KINDS {
        lab::child::test(&format!("a_pause_does_not_wait_longer_than_what_waits#{name}"), || {
            let (machine, driver, adapter, file) = scheduled(11);
            set_policy(&file, DELAY);
            for _ in 0..5 {
                adapter.send(&lists(&twenty(port), 1), Call::default());
                let before = adapter.take_events();
                assert!(before.completed.len() < 20, "something waits");
                let began = std::time::Instant::now();
                adapter.pause();
                println!("{name}: the pause took {:?}", began.elapsed());
                assert_eq!(before.completed.len() + adapter.take_events().completed.len(), 20);
                adapter.restart(Attributes::None).expect("the filter restarts");
                schedule::sleep(Duration::from_secs(1));
            }
            finish(machine, driver, &adapter, file);
        });
    }
}

/// What is received waits as a copy: the network card has its buffers back at once.
#[test]
fn what_is_received_waits_as_a_copy_and_in_order() {
    for flags in [0, RESOURCES] {
        lab::child::test(&format!("what_is_received_waits_as_a_copy_and_in_order#{flags}"), || {
            lab::ndis::set_poison(true);
            let (machine, driver, adapter, file) = scheduled(12);
            set_policy(&file, DELAY);
            adapter.behave(Behaviour { sends: Giving::AtOnce, receives: Giving::OnRequest });
            let frames: Vec<Vec<u8>> = (0..20)
                .map(|length| packet::udp(Way::In, Ports { local: 5_002, remote: 53 }, 20 + length))
                .collect();
            for round in 0..3 {
                adapter.receive(&lists(&frames, 1), Call { dispatch: round == 1, flags });
                let events = adapter.take_events();
                let mut delivered = events.delivered;
                let kept = if flags == 0 { delivered.len() } else { 0 };
                assert!((5..8).contains(&delivered.len()), "{} at once", delivered.len());
                assert_eq!(events.returned.len(), 20 - kept, "what waits is a copy");
                for _ in 0..3 {
                    schedule::sleep(Duration::from_millis(50));
                    let later = adapter.take_events().delivered;
                    assert!(later.iter().all(|frame| frame.tag.is_none() && frame.flags & !1 == 0));
                    delivered.extend(later);
                }
                let got: Vec<&Vec<u8>> = delivered.iter().map(|frame| &frame.bytes).collect();
                assert!((15..18).contains(&got.len()), "{} in the end", got.len());
                assert!(
                    got.iter().copied().eq(frames.iter().take(got.len())),
                    "in order, and the last ones are dropped"
                );
                adapter.return_receives(Call::default(), |_| {});
                adapter.take_events();
                schedule::sleep(Duration::from_secs(1));
            }
            assert_eq!(status(&file).counter(CounterId::DELAYED_DROPPED), 0);
            // A pause, and an adapter that falls asleep, let go of what waits.
            for sleeps in [false, true] {
                adapter.receive(&lists(&frames, 1), Call { dispatch: false, flags });
                let at_once = adapter.take_events().delivered.len();
                let before = lab::clock::now();
                if sleeps {
                    adapter.sleep(false)
                } else {
                    adapter.pause()
                }
                assert!(lab::clock::now() - before < Duration::from_millis(50));
                assert!(at_once < 10 && status(&file).counter(CounterId::DELAYED_DROPPED) >= 5);
                if sleeps {
                    adapter.return_receives(Call::default(), |_| {});
                    adapter.wake().expect("the filter restarts");
                } else {
                    adapter.restart(Attributes::General).expect("the filter restarts");
                }
                adapter.take_events();
                schedule::sleep(Duration::from_secs(1));
            }
            adapter.receive(&lists(&frames, 1), Call { dispatch: false, flags });
            schedule::sleep(Duration::from_secs(1));
            assert!(adapter.take_events().delivered.len() >= 15, "and frames wait again");
            finish(machine, driver, &adapter, file);
        });
    }
}

/// A large send is as many packets as the network card makes of it, a coalesced receive as many as it was made of.
#[test]
fn packets_are_those_on_the_wire() {
    lab::child::test("packets_are_those_on_the_wire", || {
        let (machine, driver, adapter, file) = scheduled(13);
        set_policy(
            &file,
            "[[rule]]\nname = 'r'\naction = 'rate-limit'\nrate = '1 packets/s'\nburst = '10 packets'\n",
        );
        let ports = Ports { local: 5_001, remote: 443 };
        let passed = |way: Way, info: Vec<(usize, usize)>, length: usize| {
            adapter.say_beside(Beside { info, flags: 0 });
            let frames = vec![packet::tcp(way, ports, packet::flag::ACK, length); 20];
            match way {
                Way::Out => adapter.send(&lists(&frames, 1), Call::default()),
                Way::In => adapter.receive(&lists(&frames, 1), Call::default()),
            }
            schedule::sleep(Duration::from_secs(20));
            let events = adapter.take_events();
            events.wire.len() + events.delivered.len()
        };
        assert_eq!(passed(Way::Out, vec![], 100), 10);
        // Four segments of 1000 bytes; TCP's header begins after 34.
        assert_eq!(passed(Way::Out, vec![(2, 1000 | 34 << 20 | 1 << 30)], 4000), 2);
        // Five segments.
        assert_eq!(passed(Way::In, vec![(22, 5)], 5000), 2);
        assert_eq!(passed(Way::In, vec![], 100), 10);
        finish(machine, driver, &adapter, file);
    });
}

/// Sends are cancelled by the id that their sender gave them, wherever they are and whatever stands in their place.
#[test]
fn cancelled_sends_come_back_from_wherever_they_are() {
    lab::child::test("cancelled_sends_come_back_from_wherever_they_are", || {
        const MINE: usize = 0x7700_0001;
        let (machine, driver, adapter, file) = scheduled(14);
        set_policy(&file, DELAY);
        adapter.behave(Behaviour { sends: Giving::OnRequest, receives: Giving::AtOnce });
        for (_, port) in KINDS {
            for (id, first) in [(MINE, 100), (MINE + 1, 200), (0, 300)] {
                let info = if id == 0 { vec![] } else { vec![(5, id)] };
                adapter.say_beside(Beside { info, flags: 0 });
                adapter.send(&lists(&twenty(port)[..4], first), Call::default());
            }
            let events = adapter.take_events();
            assert!((5..8).contains(&events.wire.len()), "{} at the miniport", events.wire.len());
            assert!(events.completed.is_empty());
            let ids = |frames: &[lab::ndis::OnWire]| -> Vec<usize> {
                frames.iter().filter_map(|frame| frame.beside.info.first().map(|slot| slot.1)).collect()
            };
            assert_eq!(ids(&events.wire)[..5], [MINE, MINE, MINE, MINE, MINE + 1], "copies keep the id");
            adapter.cancel_sends((MINE + 2) as *mut _);
            assert!(adapter.take_events().completed.is_empty(), "nobody sent under this id");
            // Four that the miniport has, and then one that it has with three or fewer that wait.
            for (id, first) in [(MINE, 100), (MINE + 1, 200)] {
                adapter.cancel_sends(id as *mut _);
                let mut completed = adapter.take_events().completed;
                completed.sort_unstable();
                let expected: Vec<_> =
                    (first..first + 4).map(|tag| (tag, NDIS_STATUS_SEND_ABORTED)).collect();
                assert_eq!(completed, expected, "id {id:#x}, port {port}");
            }
            schedule::sleep(Duration::from_secs(1));
            adapter.complete_sends(Call::default(), |_| {});
            let mut completed = adapter.take_events().completed;
            completed.sort_unstable();
            assert_eq!(completed, (300..304).map(|tag| (tag, NDIS_STATUS_SUCCESS)).collect::<Vec<_>>());
        }
        adapter.say_beside(Beside::default());
        finish(machine, driver, &adapter, file);
    });
}
