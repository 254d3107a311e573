//! Promise: OID requests, cancels, status indications and PnP events pass as if the filter was not there.

mod support;

use ddk::ndis::{
    NDIS_STATUS_BUFFER_TOO_SHORT, NDIS_STATUS_FAILURE, NDIS_STATUS_LINK_STATE, NDIS_STATUS_NOT_SUPPORTED,
    NDIS_STATUS_REQUEST_ABORTED, NDIS_STATUS_SUCCESS, OID_GEN_CURRENT_PACKET_FILTER,
    OID_GEN_MAXIMUM_FRAME_SIZE,
};
use lab::cpu::{DISPATCH, PASSIVE, at_irql};
use lab::ndis::{Adapter, Attributes, Completion, Config, OidResult};
use lab::{Machine, Options};
use support::observer::Observer;
use support::{boot_with_adapter, start};

/// When the miniport completes.
const COMPLETIONS: [Completion; 3] = [Completion::Inline, Completion::BeforeReturn, Completion::AfterReturn];
/// An OID that only this test knows.
const PRIVATE: u32 = 0xff01_0042;
/// The number that the lab gives to its first request; each further one counts up.
const FIRST_REQUEST: usize = 0x1000;

/// Runs `body` on an adapter without the filter, with the filter running, and with the filter paused: all three must
/// come to the same.
fn same_with_and_without<T: PartialEq + std::fmt::Debug>(body: impl Fn(&Adapter) -> T) {
    let (machine, mut driver, adapter) = boot_with_adapter();
    // Adapters that come later are not attached to.
    let late = Adapter::new(Config::default());
    assert_eq!(late.module_count(), 0);
    let bare = body(&late);
    assert_eq!(adapter.module_count(), 1);
    assert_eq!(body(&adapter), bare, "running");
    adapter.pause();
    assert_eq!(body(&adapter), bare, "paused");
    driver.unload();
    machine.finish();
}

#[test]
fn queries_and_sets_come_back_as_from_the_miniport() {
    lab::child::test("queries_and_sets_come_back_as_from_the_miniport", || {
        same_with_and_without(|adapter| {
            let value: Vec<u8> = (0..=255).collect();
            let mut results: Vec<OidResult> = Vec::new();
            for completion in COMPLETIONS {
                for level in [PASSIVE, DISPATCH] {
                    // A request that pends on a thread of its own is waited for, which only PASSIVE_LEVEL may.
                    let level = if completion == Completion::AfterReturn { PASSIVE } else { level };
                    adapter.complete_oids(completion, None);
                    at_irql(level, || {
                        results.push(adapter.set(PRIVATE, &value));
                        for length in [0, 1, 255, 256, 300] {
                            results.push(adapter.query(PRIVATE, length));
                            results.push(adapter.query_direct(PRIVATE, length));
                        }
                        results.push(adapter.query_synchronous(PRIVATE, 256));
                        results.push(adapter.set(OID_GEN_CURRENT_PACKET_FILTER, &[0x2d, 0, 0, 0]));
                        results.push(adapter.query(0xff01_0043, 4));
                        results.push(adapter.query_direct(0xff01_0043, 4));
                    });
                    adapter.complete_oids(completion, Some(NDIS_STATUS_FAILURE));
                    results.push(adapter.set(PRIVATE, &[0; 4]));
                    results.push(adapter.query(PRIVATE, 256));
                    results.push(adapter.query_direct(PRIVATE, 256));
                }
            }
            assert_eq!(adapter.oid_value(PRIVATE).as_ref(), Some(&value), "what was set arrived below");
            for wanted in [
                NDIS_STATUS_SUCCESS,
                NDIS_STATUS_BUFFER_TOO_SHORT,
                NDIS_STATUS_NOT_SUPPORTED,
                NDIS_STATUS_FAILURE,
            ] {
                assert!(results.iter().any(|result| result.status == wanted), "{wanted:#x} does not occur");
            }
            results
        });
    });
}

#[test]
fn a_cancel_finds_its_request_below() {
    lab::child::test("a_cancel_finds_its_request_below", || {
        let machine = Machine::new(Options::default());
        let adapter = Adapter::new(Config::default());
        let mut driver = start(&machine);
        let above = Observer::register(1);
        adapter.restart(Attributes::General).expect("the filters restart");
        adapter.complete_oids(Completion::AfterReturn, None);
        // The miniport of the lab keeps cancels in mind, so they can come first; what it cancels is named by the id,
        // which must be the same below the filter as above it.
        adapter.cancel_oid((FIRST_REQUEST + 1) as *mut _);
        above.cancel_direct_oid(FIRST_REQUEST + 3);
        let query = |direct| {
            let query = if direct { Adapter::query_direct } else { Adapter::query };
            query(&adapter, OID_GEN_MAXIMUM_FRAME_SIZE, 4).status
        };
        assert_eq!(query(false), NDIS_STATUS_SUCCESS);
        assert_eq!(query(false), NDIS_STATUS_REQUEST_ABORTED);
        assert_eq!(query(true), NDIS_STATUS_SUCCESS);
        assert_eq!(query(true), NDIS_STATUS_REQUEST_ABORTED);
        assert_eq!(query(true), NDIS_STATUS_SUCCESS);
        above.deregister();
        driver.unload();
        machine.finish();
    });
}

#[test]
fn status_and_events_pass_unchanged() {
    lab::child::test("status_and_events_pass_unchanged", || {
        let machine = Machine::new(Options::default());
        let adapter = Adapter::new(Config::default());
        let below = Observer::register(1);
        let mut driver = start(&machine);
        let above = Observer::register(2);
        assert_eq!(adapter.module_count(), 3);
        let indicate = || {
            for level in [PASSIVE, DISPATCH] {
                at_irql(level, || {
                    adapter.indicate_link(false);
                    adapter.indicate_link(true);
                    adapter.indicate_status(0x4001_0017, &[]);
                    adapter.indicate_status(0x4001_0099, &(0..200).collect::<Vec<u8>>());
                });
            }
            let (low, high) = (below.take(), above.take());
            assert_eq!(low.len(), 8, "four indications at two levels");
            assert_eq!(low, high);
            for event in [0, 5, 15] {
                assert_eq!(adapter.net_event(event), NDIS_STATUS_SUCCESS);
                adapter.device_event(event);
            }
            let (low, high) = (below.take(), above.take());
            assert_eq!(low.len(), 6, "three events of each kind");
            assert_eq!(low, high);
            let events = adapter.take_events();
            assert_eq!(events.statuses.len(), 8);
            assert_eq!(events.statuses[..3], [NDIS_STATUS_LINK_STATE, NDIS_STATUS_LINK_STATE, 0x4001_0017]);
            assert_eq!(events.net_events, [0, 5, 15]);
            assert_eq!(events.device_events, [0, 5, 15]);
        };
        // Modules begin paused; status and events do not wait for a restart.
        indicate();
        adapter.restart(Attributes::General).expect("the filters restart");
        indicate();
        adapter.pause();
        indicate();
        above.deregister();
        driver.unload();
        below.deregister();
        machine.finish();
    });
}
