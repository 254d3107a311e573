//! Promise: what has gone wrong in other filter drivers when adapters change does not go wrong in this one.
//!
//! A test per pitfall that no other test covers; [README](README.md) has the whole list.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::Duration;

use ddk::ndis::{
    NDIS_STATUS_SUCCESS, NdisMedium802_3, NdisMediumIP, NdisMediumNative802_11, NdisMediumTunnel,
    NdisMediumWan, NdisPhysicalMediumNative802_11,
};
use lab::edge::packet::Medium;
use lab::ndis::{Adapter, AttachTime, Attributes, Call, Config};
use lab::schedule::{self, Mode};
use lab::{Machine, Options};
use support::packet::{self, Ports, Way, lists};
use support::{boot_with_adapter, list, load, open, set_policy, start, status};
use weir_ioctl::{AdapterEntry, AdapterState, Control, FlowEntry};

const LEVELS: [Call; 2] = [Call { dispatch: false, flags: 0 }, Call { dispatch: true, flags: 0 }];
/// Blocks odd remote ports below ten.
const ODD: &str = "[[rule]]\nname = \"odd\"\naction = \"block\"\nremote-port = [1, 3, 5, 7, 9]\n";

fn ports(remote: u16) -> Ports {
    Ports { local: 40_000, remote }
}

/// Datagrams of the remote ports 0 to 9.
fn ten(way: Way) -> Vec<Vec<u8>> {
    (0..10).map(|remote| packet::udp(way, ports(remote), 20)).collect()
}

fn entries(file: &lab::wdf::File) -> Vec<AdapterEntry> {
    list::<AdapterEntry>(file, Control::ADAPTERS, 8)
}

/// Pauses `count` times while two processors send and receive; returns the longest, in microseconds.
fn pause_under_load(count: usize) -> u128 {
    let (machine, mut driver, adapter) = boot_with_adapter();
    let file = open(&machine);
    set_policy(&file, ODD);
    let done = Arc::new(AtomicBool::new(false));
    // NDIS pauses protocols before filters: then they do not send, while receives go on.
    let protocol = Arc::new(RwLock::new(()));
    let load = |way: Way| {
        let (adapter, done, protocol) = (adapter.clone(), done.clone(), protocol.clone());
        schedule::spawn("load", move || {
            lab::cpu::init();
            let (frames, mut calls) = (ten(way), 0_u64);
            while !done.load(Ordering::Relaxed) {
                let call = LEVELS[calls as usize % 2];
                if way == Way::In {
                    adapter.receive(&lists(&frames, 0), call);
                } else if let Ok(_running) = protocol.try_read() {
                    adapter.send(&lists(&frames, 0), call);
                }
                calls += 1;
                if schedule::mode() == Mode::Deterministic || calls % 64 == 0 {
                    schedule::sleep(Duration::from_micros(10));
                }
            }
        })
    };
    let loads = [load(Way::In), load(Way::Out)];
    let mut longest = Duration::ZERO;
    for _ in 0..count {
        schedule::sleep(Duration::from_millis(1));
        let paused = loop {
            if let Ok(paused) = protocol.try_write() {
                break paused;
            }
            schedule::sleep(Duration::from_micros(5));
        };
        let before = lab::clock::now();
        adapter.pause();
        longest = longest.max(lab::clock::now() - before);
        adapter.restart(Attributes::None).expect("the filter restarts");
        drop(paused);
        adapter.take_events();
    }
    done.store(true, Ordering::Relaxed);
    assert!(loads.into_iter().all(schedule::Task::join), "a loading thread failed");
    drop(file);
    driver.unload();
    machine.finish();
    longest.as_micros()
}

#[test]
fn e33_a_pause_under_load_ends_soon() {
    for (mode, count) in [(Mode::Free, 200), (Mode::Deterministic, 100)] {
        let name = format!("e33_a_pause_under_load_ends_soon#{mode:?}");
        let exit = lab::child::run(&name, || {
            schedule::start(mode, 1);
            lab::verifier::count("longest pause", pause_under_load(count) as u64);
        });
        if lab::child::is_child() {
            continue;
        }
        exit.assert_clean();
        let longest = exit.report.counters["longest pause"];
        println!("{mode:?}: the longest of {count} pauses took {longest} us");
        // A second is what the driver promises; how fast this machine is does not matter for it.
        assert!(longest < 1_000_000, "{mode:?}: a pause took {longest} us");
    }
}

#[test]
fn e34_e49_restarts_bring_what_is_true_now() {
    lab::child::test("e34_e49_restarts_bring_what_is_true_now", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        for (round, mtu) in (1..).zip([1500, 9000, 576, 1500]) {
            // Media disconnect, a restart with other attributes, connect; frames of any length pass in between.
            adapter.indicate_link(false);
            adapter.pause();
            adapter.update(|config| config.mtu = mtu);
            let attributes = if round % 2 == 0 { Attributes::None } else { Attributes::General };
            adapter.restart(attributes).expect("the filter restarts");
            adapter.indicate_link(true);
            let frames = [packet::udp(Way::Out, ports(2), mtu as usize - 28)];
            adapter.send(&lists(&frames, 0), Call::default());
            assert_eq!(adapter.take_events().wire[0].bytes, frames[0]);
            // Sleep: the power OID and the event pass by, the stack is paused in between.
            assert_eq!(adapter.net_event(ddk::ndis::NetEventSetPower), NDIS_STATUS_SUCCESS);
            adapter.pause();
            assert_eq!(adapter.set(ddk::ndis::OID_PNP_SET_POWER, &[4, 0, 0, 0]).status, NDIS_STATUS_SUCCESS);
            assert_eq!(adapter.set(ddk::ndis::OID_PNP_SET_POWER, &[1, 0, 0, 0]).status, NDIS_STATUS_SUCCESS);
            adapter.restart(Attributes::General).expect("the filter restarts");
            assert_eq!(entries(&file)[0].state, AdapterState::RUNNING);
            assert_eq!(entries(&file)[0].frames_sent, round);
        }
        // Surprise removal: the event passes, then NDIS pauses and detaches; a new adapter may have the old index.
        let luid = entries(&file)[0].luid;
        adapter.device_event(ddk::ndis::NdisDevicePnPEventSurpriseRemoved);
        adapter.pause();
        adapter.detach();
        assert!(entries(&file).is_empty());
        let index = adapter.config().index;
        let next = Adapter::new(Config { index, attach: AttachTime::OnRequest, ..Config::default() });
        next.attach(&lab::ndis::driver::all().pop().expect("a filter")).expect("the filter attaches");
        next.restart(Attributes::General).expect("the filter restarts");
        let now = entries(&file)[0];
        assert_eq!((now.index, now.frames_sent), (index, 0));
        assert_ne!(now.luid, luid);
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn e37_flows_outlive_a_detach_and_the_adapter_is_known_again() {
    lab::child::test("e37_flows_outlive_a_detach_and_the_adapter_is_known_again", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        set_policy(&file, ODD);
        let filter = lab::ndis::driver::all().pop().expect("the driver registered a filter");
        let before = entries(&file)[0];
        for round in 1..5 {
            adapter.send(&lists(&ten(Way::Out), 0), Call::default());
            assert_eq!(adapter.take_events().wire.len(), 5);
            let flows = list::<FlowEntry>(&file, Control::LIST_FLOWS, 16);
            assert_eq!(flows.len(), 10);
            assert!(flows.iter().all(|flow| flow.frames_sent + flow.frames_sent_blocked >= round));
            adapter.pause();
            adapter.detach();
            assert!(entries(&file).is_empty());
            adapter.attach(&filter).expect("the filter attaches");
            adapter.restart(Attributes::General).expect("the filter restarts");
            assert_eq!((entries(&file)[0].luid, entries(&file)[0].name), (before.luid, before.name));
        }
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn e39_requests_race_adapters_that_come_and_go() {
    lab::child::test("e39_requests_race_adapters_that_come_and_go", || {
        let machine = Machine::new(Options::default());
        let adapter = Adapter::new(Config { attach: AttachTime::OnRequest, ..Config::default() });
        let mut driver = load(&machine);
        driver.start().expect("the driver starts");
        let file = Arc::new(open(&machine));
        let filter = lab::ndis::driver::all().pop().expect("the driver registered a filter");
        let done = Arc::new(AtomicBool::new(false));
        let reader = {
            let (file, done) = (file.clone(), done.clone());
            thread::spawn(move || {
                lab::cpu::init();
                let mut seen = 0;
                while !done.load(Ordering::Relaxed) {
                    seen += entries(&file).len();
                    // Needs that come and go call into modules, too.
                    set_policy(&file, if seen % 2 == 0 { ODD } else { "" });
                    assert!(status(&file).adapters <= 1);
                }
                seen
            })
        };
        for round in 0..300 {
            adapter.attach(&filter).expect("the filter attaches");
            if round % 2 == 0 {
                adapter.restart(Attributes::None).expect("the filter restarts");
                adapter.pause();
            }
            adapter.detach();
        }
        done.store(true, Ordering::Relaxed);
        let seen = reader.join().expect("the reader ends");
        println!("{seen} adapters were seen");
        drop(file);
        driver.unload();
        machine.finish();
    });
}

/// Frames of every medium: what is understood is measured and ruled, what is not passes and is counted.
#[test]
fn media_that_are_not_ethernet() {
    lab::child::test("media_that_are_not_ethernet", || {
        schedule::start(Mode::Deterministic, 0);
        let machine = Machine::new(Options::default());
        let media = [None, Some(NdisMediumIP), Some(NdisMediumTunnel), Some(NdisMediumWan)];
        let adapters = media.map(|ndis_medium| {
            Adapter::new(Config { medium: Medium::RawIp, ndis_medium, ..Config::default() })
        });
        let mut driver = start(&machine);
        let file = open(&machine);
        set_policy(&file, ODD);
        // Without the Ethernet header.
        let frames = |way| ten(way).into_iter().map(|frame| frame[14..].to_vec()).collect::<Vec<_>>();
        for (number, adapter) in adapters.iter().enumerate() {
            adapter.restart(Attributes::General).expect("the filter restarts");
            let known = number < 3;
            adapter.send(&lists(&frames(Way::Out), 0), Call::default());
            adapter.receive(&lists(&frames(Way::In), 0), Call { dispatch: true, flags: 0 });
            let events = adapter.take_events();
            let passed = if known { 5 } else { 10 };
            assert_eq!(
                (events.wire.len(), events.delivered.len()),
                (passed, passed),
                "medium {:?}",
                media[number]
            );
            let entry = entries(&file)[number];
            assert_eq!((entry.frames_sent, entry.frames_received), (10, 10));
            assert_eq!(entry.frames_blocked, if known { 10 } else { 0 });
        }
        assert_eq!(list::<FlowEntry>(&file, Control::LIST_FLOWS, 16).len(), 10);
        drop(file);
        driver.unload();
        machine.finish();
    });
}

/// Wi-Fi looks like Ethernet above its own filter, where this one is; below it frames have headers that nobody reads here.
#[test]
fn wireless_adapters() {
    lab::child::test("wireless_adapters", || {
        let machine = Machine::new(Options::default());
        let media = [NdisMedium802_3, NdisMediumNative802_11];
        let adapters = media.map(|medium| {
            let physical_medium = Some(NdisPhysicalMediumNative802_11);
            Adapter::new(Config { ndis_medium: Some(medium), physical_medium, ..Config::default() })
        });
        let mut driver = start(&machine);
        let file = open(&machine);
        set_policy(&file, ODD);
        for (number, (adapter, passed)) in adapters.iter().zip([5, 10]).enumerate() {
            adapter.restart(Attributes::General).expect("the filter restarts");
            adapter.send(&lists(&ten(Way::Out), 0), Call::default());
            adapter.receive(&lists(&ten(Way::In), 0), Call { dispatch: true, flags: 0 });
            let events = adapter.take_events();
            assert_eq!(
                (events.wire.len(), events.delivered.len()),
                (passed, passed),
                "medium {}",
                media[number]
            );
            let entry = entries(&file)[number];
            assert_eq!((entry.frames_sent, entry.frames_received), (10, 10));
            assert_eq!(entry.frames_blocked, 2 * (10 - passed as u64));
        }
        assert_eq!(list::<FlowEntry>(&file, Control::LIST_FLOWS, 16).len(), 10);
        drop(file);
        driver.unload();
        machine.finish();
    });
}
