//! Promise: a paused module hands back at once what reaches it, and pausing, restarting and detaching go in any order.

mod support;

use std::sync::Arc;

use ddk::ndis::{NDIS_STATUS_PAUSED, NDIS_STATUS_SUCCESS};
use lab::Machine;
use lab::ndis::{Adapter, AttachTime, Attributes, Behaviour, Call, Config, Giving, RESOURCES};
use lab::wdf::File;
use support::packet::{self, Ports, Way, lists};
use support::{boot_with_adapter, list, open, start, status};
use weir_ioctl::{AdapterEntry, AdapterState, Control, CounterId};

const LEVELS: [Call; 2] = [Call { dispatch: false, flags: 0 }, Call { dispatch: true, flags: 0 }];

/// Five frames each way.
fn frames(way: Way) -> Vec<Vec<u8>> {
    (0..5).map(|port| packet::udp(way, Ports { local: 40_000 + port, remote: 53 }, 30)).collect()
}

fn state(file: &File) -> AdapterState {
    list::<AdapterEntry>(file, Control::ADAPTERS, 4).first().expect("one adapter").state
}

/// Traffic at a paused module: nothing gets through, everything comes back, and nothing is counted.
#[track_caller]
fn assert_closed(adapter: &Adapter, file: &File) {
    let (out, into) = (frames(Way::Out), frames(Way::In));
    let before = status(file);
    for call in LEVELS {
        adapter.send(&lists(&out, 10), call);
        let events = adapter.take_events();
        assert!(events.wire.is_empty());
        let expected: Vec<_> = (10..15).map(|tag| (tag, NDIS_STATUS_PAUSED)).collect();
        assert_eq!(events.completed, expected, "{call:?}");
        for flags in [0, RESOURCES] {
            adapter.receive(&lists(&into, 20), Call { flags, ..call });
            let events = adapter.take_events();
            assert!(events.delivered.is_empty(), "{call:?} with flags {flags}");
            assert_eq!(events.returned, [20, 21, 22, 23, 24]);
        }
    }
    let after = status(file);
    assert_eq!(after.counters, before.counters);
}

/// Traffic at a module that never ran, and so has no handlers yet: NDIS passes it by.
#[track_caller]
fn assert_bypassed(adapter: &Adapter, file: &File) {
    let (out, into) = (frames(Way::Out), frames(Way::In));
    let before = status(file);
    adapter.send(&lists(&out, 10), Call::default());
    adapter.receive(&lists(&into, 20), Call::default());
    let events = adapter.take_events();
    assert_eq!((events.wire.len(), events.delivered.len()), (5, 5));
    assert_eq!(status(file).counters, before.counters);
}

/// Traffic at a running module: everything gets through, in order, and all of it is counted.
#[track_caller]
fn assert_open(adapter: &Adapter, file: &File) {
    let (out, into) = (frames(Way::Out), frames(Way::In));
    let before = status(file);
    for call in LEVELS {
        adapter.send(&lists(&out, 10), call);
        let events = adapter.take_events();
        assert!(events.wire.iter().map(|frame| &frame.bytes).eq(&out));
        assert!(events.completed.iter().all(|(_, status)| *status == NDIS_STATUS_SUCCESS));
        for flags in [0, RESOURCES] {
            adapter.receive(&lists(&into, 20), Call { flags, ..call });
            let events = adapter.take_events();
            assert!(events.delivered.iter().map(|frame| &frame.bytes).eq(&into));
            assert_eq!(events.returned, [20, 21, 22, 23, 24]);
        }
    }
    let after = status(file);
    let rise = |id| after.counter(id) - before.counter(id);
    assert_eq!((rise(CounterId::FRAMES_SENT), rise(CounterId::FRAMES_RECEIVED)), (10, 20));
}

#[test]
fn what_reaches_a_paused_module_comes_back_at_once() {
    lab::child::test("what_reaches_a_paused_module_comes_back_at_once", || {
        lab::ndis::set_poison(true);
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        assert_open(&adapter, &file);
        adapter.pause();
        assert_eq!(state(&file), AdapterState::PAUSED);
        assert_closed(&adapter, &file);
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn pauses_and_restarts_go_round() {
    lab::child::test("pauses_and_restarts_go_round", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        for round in 0..30 {
            assert_eq!(state(&file), AdapterState::RUNNING);
            assert_open(&adapter, &file);
            adapter.pause();
            assert_eq!(state(&file), AdapterState::PAUSED);
            assert_closed(&adapter, &file);
            let attributes = if round % 2 == 0 { Attributes::None } else { Attributes::General };
            adapter.restart(attributes).expect("the filter restarts");
        }
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn frames_under_way_come_home_through_a_pause() {
    lab::child::test("frames_under_way_come_home_through_a_pause", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        adapter.behave(Behaviour { sends: Giving::OnRequest, receives: Giving::OnRequest });
        for call in LEVELS {
            adapter.send(&lists(&frames(Way::Out), 10), call);
            adapter.receive(&lists(&frames(Way::In), 20), call);
            let events = adapter.take_events();
            assert_eq!((events.wire.len(), events.delivered.len()), (5, 5));
            assert!(events.completed.is_empty() && events.returned.is_empty());
            // The wire completes its sends before the pause, the protocol returns its receives while it is under way.
            adapter.pause();
            let mut events = adapter.take_events();
            events.returned.sort_unstable();
            let expected: Vec<_> = (10..15).map(|tag| (tag, NDIS_STATUS_SUCCESS)).collect();
            assert_eq!(events.completed, expected);
            assert_eq!(events.returned, [20, 21, 22, 23, 24]);
            adapter.restart(Attributes::None).expect("the filter restarts");
        }
        driver.unload();
        machine.finish();
    });
}

/// A machine with the driver, and an adapter that it is not attached to yet.
fn boot_apart() -> (Machine, lab::Driver, Arc<Adapter>) {
    let machine = Machine::new(lab::Options::default());
    let adapter = Adapter::new(Config { attach: AttachTime::OnRequest, ..Config::default() });
    let driver = start(&machine);
    (machine, driver, adapter)
}

#[test]
fn a_module_may_go_without_ever_having_run() {
    lab::child::test("a_module_may_go_without_ever_having_run", || {
        let (machine, mut driver, adapter) = boot_apart();
        let file = open(&machine);
        let filter = lab::ndis::driver::all().pop().expect("the driver registered a filter");
        for round in 0..20 {
            assert_eq!(status(&file).adapters, 0);
            adapter.attach(&filter).expect("the filter attaches");
            assert_eq!(status(&file).adapters, 1);
            assert_eq!(state(&file), AdapterState::PAUSED);
            assert_bypassed(&adapter, &file);
            if round % 3 == 0 {
                adapter.restart(Attributes::General).expect("the filter restarts");
                assert_open(&adapter, &file);
                adapter.pause();
                assert_closed(&adapter, &file);
            }
            adapter.detach();
            assert_eq!(adapter.module_count(), 0);
        }
        drop(file);
        driver.unload();
        machine.finish();
    });
}
