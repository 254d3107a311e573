//! Promise: contexts on flows come back once each, whoever ends the flow first, and no number of them keeps the driver
//! from being unloaded.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lab::edge::{Edge, Interface, ProcessMap};
use lab::ndis::{Adapter, Config};
use lab::schedule::{self, Mode, Random};
use lab::{Driver, Machine, Options, child};
use support::agent::Site;
use support::packet::{self, LOCAL, Ports, Way, flag};
use support::{list, load, open, status};
use weir_ioctl::{Control, FlowEntry, FlowState};

fn state(site: &Site, ports: Ports) -> FlowState {
    let flows = list::<FlowEntry>(&site.file, Control::LIST_FLOWS, 8);
    let mut found =
        flows.iter().filter(|flow| (flow.local_port, flow.remote_port) == (ports.local, ports.remote));
    found.next().expect("the flow is listed").state
}

/// A flow without connections ends when TCP/IP deletes it, long before its socket is closed.
#[test]
fn the_end_of_a_flow_closes_its_record() {
    child::test("the_end_of_a_flow_closes_its_record", || {
        let mut site = Site::new(&[], "");
        let ports = Ports { local: 50_000, remote: 53 };
        assert!(site.udp(Way::Out, ports, 10));
        assert_eq!((lab::fwp::contexts(), state(&site, ports)), (1, FlowState::ACTIVE));
        // The edge numbers flows from 0x100001 on.
        lab::fwp::end_flow(0x10_0001);
        assert_eq!((lab::fwp::contexts(), state(&site, ports)), (0, FlowState::CLOSED));
        site.end();
    });
}

/// What is told late about a connection is not taken for the next one under the same ports.
#[test]
fn a_late_end_is_not_that_of_the_next_connection() {
    child::test("a_late_end_is_not_that_of_the_next_connection", || {
        let mut site = Site::new(&[], "");
        let ports = Ports { local: 50_000, remote: 443 };
        let connect = |site: &mut Site| {
            assert!(site.syn(Way::Out, ports) && site.tcp(Way::In, ports, flag::SYN | flag::ACK));
            assert!(site.tcp(Way::Out, ports, flag::ACK));
        };
        connect(&mut site);
        // The filter sees the end, TCP/IP does not tell of it yet.
        let fin = |way| vec![packet::tcp(way, ports, flag::FIN | flag::ACK, 0)];
        assert_eq!(site.wire(&fin(Way::Out)), 1);
        let call = lab::ndis::Call { dispatch: true, flags: 0 };
        site.adapter.receive(&packet::lists(&fin(Way::In), 1), call);
        assert_eq!(state(&site, ports), FlowState::CLOSED);
        let edge = std::mem::replace(&mut site.edge, Edge::new([LOCAL.into()], ProcessMap::default()));
        site.edge = Edge::new([LOCAL.into()], ProcessMap::default()).with_flows_from(0x20_0000);
        connect(&mut site);
        assert_eq!((lab::fwp::contexts(), state(&site, ports)), (2, FlowState::ACTIVE));
        lab::fwp::end_flow(0x10_0001);
        assert_eq!((lab::fwp::contexts(), state(&site, ports)), (1, FlowState::ACTIVE), "it was the other's");
        lab::fwp::end_flow(0x20_0001);
        assert_eq!((lab::fwp::contexts(), state(&site, ports)), (0, FlowState::CLOSED));
        drop(edge);
        site.end();
    });
}

/// A machine with the driver, and nothing but TCP/IP above it.
fn machine(flows: u32, verify: bool) -> (Machine, Driver, Interface) {
    let machine = Machine::new(Options { verify, ..Options::default() });
    let adapter = Adapter::new(Config::default());
    let mut driver = load(&machine);
    driver.set_parameter("FlowTableSize", flows);
    driver.start().expect("the driver starts");
    (machine, driver, Interface::from(&*adapter))
}

/// Opens that many flows and unloads the driver; every rule is checked if `verify` says so.
fn unload_with(count: usize, verify: bool) {
    let (machine, mut driver, interface) = machine(131_072, verify);
    let mut edge = Edge::new([LOCAL.into()], ProcessMap::default());
    for number in 0..count {
        let ports = Ports { local: (number % 50_000) as u16 + 1_000, remote: (number / 50_000) as u16 + 1 };
        edge.outbound(&interface, &packet::udp(Way::Out, ports, 1), 1);
    }
    assert_eq!(lab::fwp::contexts(), count);
    let file = open(&machine);
    let now = status(&file);
    assert_eq!((now.contexts_attached, now.contexts), (count as u32, count as u32));
    drop(file);
    let begun = std::time::Instant::now();
    driver.unload();
    println!("unloaded with {count} flow contexts in {:?}", begun.elapsed());
    assert_eq!((lab::fwp::contexts(), lab::fwp::registered()), (0, 0));
    drop(edge);
    let report = machine.finish();
    assert!(report.is_clean(), "{report:?}");
}

/// Guard pages around each block of pool leave room for 10,000 on the host; 100,000 go without them.
#[test]
fn an_unload_takes_a_hundred_thousand_contexts_back() {
    for (count, verify) in [(10_000, true), (100_000, false)] {
        let name = format!("an_unload_takes_a_hundred_thousand_contexts_back#{count}");
        let exit = child::run(&name, || unload_with(count, verify));
        if !child::is_child() {
            exit.assert_clean();
            let figure = exit.log.lines().find(|line| line.contains("unloaded with"));
            println!("{}", figure.expect("the figure"));
        }
    }
}

/// Flows begin on one task and end on another, while a third one unloads the driver in every second seed.
fn race(seed: u64) {
    const FLOWS: u64 = 24;
    schedule::start(Mode::Deterministic, seed);
    let (machine, mut driver, interface) = machine(2_048, true);
    let mut random = Random::new(seed);
    let ended = Arc::new(AtomicBool::new(false));
    let first = |task: u64| (task + 1) << 32;
    let openers: Vec<_> = (0..2)
        .map(|task| {
            let interface = interface.clone();
            schedule::spawn("opener", move || {
                let edge = Edge::new([LOCAL.into()], ProcessMap::default());
                let mut edge = edge.with_flows_from(first(task));
                for number in 0..FLOWS {
                    let ports = Ports { local: (1_000 * (task + 1) + number) as u16, remote: 53 };
                    edge.outbound(&interface, &packet::udp(Way::Out, ports, 1), number);
                }
                edge.finish();
            })
        })
        .collect();
    let enders: Vec<_> = (0..2)
        .map(|task| {
            let (ended, mut random) = (ended.clone(), Random::part(seed, task));
            schedule::spawn("ender", move || {
                // A flow and its endpoint take a number each.
                lab::cpu::init();
                while !ended.load(Ordering::Acquire) {
                    lab::fwp::end_flow(first(task) + 1 + 2 * random.below(FLOWS));
                    schedule::sleep(Duration::from_nanos(random.below(400)));
                }
            })
        })
        .collect();
    let unloads = seed % 2 == 1;
    if unloads {
        schedule::sleep(Duration::from_nanos(random.below(20_000)));
        driver.unload();
    }
    for opener in openers {
        assert!(opener.join());
    }
    ended.store(true, Ordering::Release);
    for ender in enders {
        assert!(ender.join());
    }
    if !unloads {
        let file = open(&machine);
        let now = status(&file);
        println!("contexts {} {} {}", now.contexts_attached, now.contexts_refused, now.contexts_early);
        drop(file);
        driver.unload();
    }
    assert_eq!(lab::fwp::contexts(), 0);
    let report = machine.finish();
    assert!(report.is_clean(), "{report:?}");
}

#[test]
fn flows_end_while_they_begin_and_while_the_driver_goes() {
    const SEEDS: u64 = 500;
    let test = "flows_end_while_they_begin_and_while_the_driver_goes";
    let mut sums = [0_u64; 3];
    for seed in 0..SEEDS {
        let exit = child::run(&format!("{test}#{seed}"), || race(seed));
        exit.assert_clean();
        let counts = exit.log.lines().find_map(|line| line.split_once("contexts "));
        for (sum, count) in sums.iter_mut().zip(counts.iter().flat_map(|(_, counts)| counts.split(' '))) {
            *sum += count.parse::<u64>().expect("a number");
        }
    }
    let [attached, refused, early] = sums;
    println!("{SEEDS} seeds: {attached} contexts attached, {refused} refused, {early} flows ended meanwhile");
    assert!(attached > 1_000 && refused > 100 && early > 100, "the races came about");
}
