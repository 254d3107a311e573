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
use support::{open, set_policy, start, status};
use weir_ioctl::CounterId;

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

/// Within 2 % of `rate` bytes per second over ten seconds.
#[track_caller]
fn assert_rate(what: &str, bytes: u64, rate: u64) {
    let measured = bytes / 10;
    println!("{what}: {measured} of {rate} bytes/s");
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
            assert_rate("three flows", passed.iter().map(|(_, bytes)| bytes).sum(), 1_000_000);
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
            assert_rate(&format!("port {port}"), bytes, 200_000);
        }
        finish(machine, driver, &adapter, file);
    });
}
