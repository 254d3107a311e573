//! Promise: what passes a rate limit is its rate within 2 %, per rule and per flow, on two processors at once, and every
//! frame is accounted for.

mod support;

use std::sync::Arc;
use std::time::Duration;

use lab::ndis::{Adapter, Attributes, Call, Config};
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
