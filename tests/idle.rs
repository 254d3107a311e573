//! Promise: the filter is in nobody's way while nobody needs it, and there at once when somebody does.

mod support;

use std::sync::Arc;
use std::time::Duration;

use ddk::ndis::{NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS};
use lab::ndis::{Adapter, Attributes, Call, Config, DataHandlers, RESOURCES};
use lab::schedule::{self, Mode};
use lab::wdf::File;
use lab::{Driver, Machine};
use support::packet::{self, Ports, Way, lists};
use support::{list, load_as_installed, open, set_policy, status};
use weir_ioctl::{AdapterEntry, AdapterState, Control, CounterId, FlowEntry};

const BLOCK_DNS: &str =
    "[[rule]]\nname = \"dns\"\naction = \"block\"\nprotocol = \"udp\"\nremote-port = 53\n";
/// No rule, and nothing blocked.
const NOTHING: &str = "";

/// A machine in virtual time, with one adapter and the driver as it is installed.
fn boot() -> (Machine, Driver, Arc<Adapter>, File) {
    schedule::start(Mode::Deterministic, 0);
    let machine = Machine::new(lab::Options::default());
    let adapter = Adapter::new(Config::default());
    let mut driver = load_as_installed(&machine);
    driver.start().expect("the driver starts");
    adapter.restart(Attributes::General).expect("the filter restarts");
    let file = open(&machine);
    (machine, driver, adapter, file)
}

fn end(machine: Machine, mut driver: Driver, file: File) {
    drop(file);
    driver.unload();
    machine.finish();
}

fn handlers(adapter: &Adapter) -> DataHandlers {
    adapter.modules().first().expect("one module").data_handlers()
}

fn state(file: &File) -> AdapterState {
    list::<AdapterEntry>(file, Control::ADAPTERS, 4).first().expect("one adapter").state
}

/// Lets so many seconds pass, and does the restarts that are asked for; returns how many those were.
fn pass(adapter: &Arc<Adapter>, seconds: u32) -> u32 {
    (0..seconds)
        .map(|_| {
            schedule::sleep(Duration::from_secs(1));
            let restarts = u32::from(adapter.wants_restart());
            adapter.do_requested_restarts().expect("the filter restarts");
            restarts
        })
        .sum()
}

/// One frame out and one in, with and without RESOURCES: what left, what arrived, and how the sends ended.
fn exchange(adapter: &Adapter) -> (usize, usize, Vec<i32>) {
    let ports = Ports { local: 40_000, remote: 53 };
    let (out, into) = ([packet::udp(Way::Out, ports, 30)], [packet::udp(Way::In, ports, 30)]);
    for dispatch in [false, true] {
        adapter.send(&lists(&out, 1), Call { dispatch, flags: 0 });
        for flags in [0, RESOURCES] {
            adapter.receive(&lists(&into, 2), Call { dispatch, flags });
        }
    }
    let events = adapter.take_events();
    assert_eq!(events.returned.len(), 4);
    let statuses = events.completed.iter().map(|(_, status)| *status).collect();
    (events.wire.len(), events.delivered.len(), statuses)
}

#[test]
fn nothing_of_the_filter_is_called_while_nobody_needs_it() {
    lab::child::test("nothing_of_the_filter_is_called_while_nobody_needs_it", || {
        let (machine, driver, adapter, file) = boot();
        assert_eq!(handlers(&adapter), DataHandlers::NONE);
        assert_eq!(exchange(&adapter), (2, 4, vec![NDIS_STATUS_SUCCESS; 2]));
        assert_eq!(state(&file), AdapterState::IDLE);
        let now = status(&file);
        assert_eq!((now.counter(CounterId::FRAMES_SENT), now.counter(CounterId::FRAMES_RECEIVED)), (0, 0));
        // Neither asking for the state, nor a policy that neither blocks nor counts, changes that.
        set_policy(&file, NOTHING);
        assert_eq!(pass(&adapter, 60), 0);
        assert_eq!(handlers(&adapter), DataHandlers::NONE);
        end(machine, driver, file);
    });
}

#[test]
fn a_policy_brings_the_handlers_at_once_and_its_end_takes_them_away_later() {
    lab::child::test("a_policy_brings_the_handlers_at_once_and_its_end_takes_them_away_later", || {
        let (machine, driver, adapter, file) = boot();
        set_policy(&file, BLOCK_DNS);
        assert!(adapter.wants_restart(), "NDIS was not asked for a restart");
        assert_eq!(adapter.do_requested_restarts(), Ok(1));
        assert_eq!(handlers(&adapter), DataHandlers::ALL);
        assert_eq!(state(&file), AdapterState::RUNNING);
        assert_eq!(exchange(&adapter), (0, 0, vec![NDIS_STATUS_FAILURE; 2]));
        // Another policy with rules changes no handler.
        set_policy(&file, "[[rule]]\nname = \"any\"\naction = \"permit\"\n");
        assert!(!adapter.wants_restart());
        set_policy(&file, NOTHING);
        assert!(!adapter.wants_restart());
        assert_eq!(pass(&adapter, 4), 0);
        assert_eq!(handlers(&adapter), DataHandlers::ALL);
        assert_eq!(pass(&adapter, 4), 1);
        assert_eq!(handlers(&adapter), DataHandlers::NONE);
        assert_eq!(exchange(&adapter), (2, 4, vec![NDIS_STATUS_SUCCESS; 2]));
        end(machine, driver, file);
    });
}

#[test]
fn what_blocks_without_a_rule_needs_frames_too() {
    lab::child::test("what_blocks_without_a_rule_needs_frames_too", || {
        let (machine, driver, adapter, file) = boot();
        for default in ["outbound = \"block\"", "inbound = \"block\"", "failure = \"closed\""] {
            set_policy(&file, &format!("[defaults]\n{default}\n"));
            assert_eq!(adapter.do_requested_restarts(), Ok(1), "{default}");
            assert_eq!(handlers(&adapter), DataHandlers::ALL, "{default}");
            set_policy(&file, NOTHING);
            assert_eq!(pass(&adapter, 10), 1, "{default}");
            assert_eq!(handlers(&adapter), DataHandlers::NONE, "{default}");
        }
        end(machine, driver, file);
    });
}

#[test]
fn looking_again_and_again_pauses_the_adapter_once() {
    lab::child::test("looking_again_and_again_pauses_the_adapter_once", || {
        let (machine, driver, adapter, file) = boot();
        let mut restarts = 0;
        for _ in 0..20 {
            list::<FlowEntry>(&file, Control::LIST_FLOWS, 4);
            restarts += u32::from(adapter.wants_restart());
            adapter.do_requested_restarts().expect("the filter restarts");
            exchange(&adapter);
            restarts += pass(&adapter, 20);
        }
        assert_eq!((restarts, handlers(&adapter)), (1, DataHandlers::ALL));
        assert_eq!(list::<FlowEntry>(&file, Control::LIST_FLOWS, 4).len(), 1);
        // Nobody looks any more.
        assert_eq!(pass(&adapter, 25), 0);
        assert_eq!(pass(&adapter, 15), 1);
        assert_eq!(handlers(&adapter), DataHandlers::NONE);
        // A policy that comes and goes every two seconds pauses the adapter once to come, once to go.
        let mut restarts = 0;
        for _ in 0..10 {
            for text in [BLOCK_DNS, NOTHING] {
                set_policy(&file, text);
                restarts += u32::from(adapter.wants_restart());
                adapter.do_requested_restarts().expect("the filter restarts");
                restarts += pass(&adapter, 2);
            }
        }
        assert_eq!(restarts, 1);
        assert_eq!(pass(&adapter, 20), 1);
        end(machine, driver, file);
    });
}

#[test]
fn whoever_restarts_the_adapter_brings_the_handlers() {
    lab::child::test("whoever_restarts_the_adapter_brings_the_handlers", || {
        let (machine, driver, adapter, file) = boot();
        // NDIS restarts the stack for reasons of its own, between the driver's request and its turn, and before one.
        set_policy(&file, BLOCK_DNS);
        adapter.pause();
        adapter.restart(Attributes::None).expect("the filter restarts");
        assert_eq!(handlers(&adapter), DataHandlers::ALL);
        adapter.do_requested_restarts().expect("the filter restarts");
        adapter.pause();
        set_policy(&file, NOTHING);
        schedule::sleep(Duration::from_secs(10));
        // A paused stack is not restarted by a request.
        assert_eq!(adapter.do_requested_restarts(), Ok(1));
        assert!(!adapter.is_running());
        adapter.restart(Attributes::General).expect("the filter restarts");
        assert_eq!(handlers(&adapter), DataHandlers::NONE);
        // Another driver's filter above changes nothing for an adapter that comes later.
        let late = Adapter::new(Config { attach: lab::ndis::AttachTime::OnRequest, ..Config::default() });
        set_policy(&file, BLOCK_DNS);
        let filter = lab::ndis::driver::all().pop().expect("the driver registered a filter");
        late.attach(&filter).expect("the filter attaches");
        assert!(!late.wants_restart(), "a module that NDIS has not asked yet needs no restart");
        late.restart(Attributes::General).expect("the filter restarts");
        assert_eq!(handlers(&late), DataHandlers::ALL);
        end(machine, driver, file);
    });
}

#[test]
fn a_restart_that_ndis_refuses_is_asked_for_again() {
    lab::child::test("a_restart_that_ndis_refuses_is_asked_for_again", || {
        let (machine, driver, adapter, file) = boot();
        lab::ndis::module::refuse_restarts(1);
        set_policy(&file, BLOCK_DNS);
        assert!(!adapter.wants_restart());
        assert_eq!(pass(&adapter, 2), 1);
        assert_eq!(handlers(&adapter), DataHandlers::ALL);
        end(machine, driver, file);
    });
}

#[test]
fn the_setting_makes_the_filter_see_everything() {
    lab::child::test("the_setting_makes_the_filter_see_everything", || {
        let (machine, driver, adapter) = support::boot_with_adapter();
        assert_eq!(handlers(&adapter), DataHandlers::ALL);
        assert_eq!(exchange(&adapter), (2, 4, vec![NDIS_STATUS_SUCCESS; 2]));
        let file = open(&machine);
        assert_eq!(status(&file).counter(CounterId::FRAMES_RECEIVED), 4);
        end(machine, driver, file);
    });
}
