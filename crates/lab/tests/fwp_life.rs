//! How long things live in the filter engine: persistent objects and their providers' services, boot-time filters,
//! transactions of others, and a service whose subscribers hear late.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod fwp_mock;

use std::ffi::c_void;
use std::sync::Mutex;
use std::time::Duration;

use ddk::fwp::*;
use ddk::nt::*;
use fwp_mock::{display, finish, fwpk, machine};
use lab::child;
use lab::fwp::read::{FwpmFreeMemory0, FwpmProviderGetByKey0};
use lab::fwp::{Indication, Value};
use lab::registry;

// SAFETY of every `unsafe` block below: the lab calls the callbacks with valid arguments, and the functions called are
// the lab's exports, whose contracts the tests keep.

static PROVIDER: GUID = ddk::guid(0x1);
static OTHER: GUID = ddk::guid(0x2);
static SUBLAYER: GUID = ddk::guid(0x3);
const SERVICE: &str = r"\Registry\Machine\System\CurrentControlSet\Services\guard";

fn open(flags: u32, wait: u32) -> HANDLE {
    let mut engine = std::ptr::null_mut();
    // SAFETY: see above.
    unsafe {
        let mut session: FWPM_SESSION0 = std::mem::zeroed();
        session.flags = flags;
        session.txnWaitTimeoutInMSec = wait;
        let (server, identity) = (std::ptr::null(), std::ptr::null_mut());
        let status = fwpk::FwpmEngineOpen0(server, 10, identity, &raw const session, &raw mut engine);
        assert_eq!(status, STATUS_SUCCESS);
    }
    engine
}

fn close(engine: HANDLE) {
    // SAFETY: see above.
    assert_eq!(unsafe { fwpk::FwpmEngineClose0(engine) }, STATUS_SUCCESS);
}

fn add_provider(engine: HANDLE, key: &GUID, flags: u32, service: Option<&str>) -> NTSTATUS {
    let mut service: Option<Vec<u16>> = service.map(|name| name.encode_utf16().chain([0]).collect());
    // SAFETY: see above.
    unsafe {
        let mut provider: FWPM_PROVIDER0 = std::mem::zeroed();
        provider.providerKey = *key;
        provider.displayData = display();
        provider.flags = flags;
        provider.serviceName = service.as_mut().map_or(std::ptr::null_mut(), |name| name.as_mut_ptr());
        fwpk::FwpmProviderAdd0(engine, &raw const provider, std::ptr::null_mut())
    }
}

fn add_sublayer(engine: HANDLE, provider: &GUID, flags: u32) -> NTSTATUS {
    // SAFETY: see above.
    unsafe {
        let mut sublayer: FWPM_SUBLAYER0 = std::mem::zeroed();
        sublayer.subLayerKey = SUBLAYER;
        sublayer.displayData = display();
        sublayer.flags = flags;
        sublayer.providerKey = std::ptr::from_ref(provider).cast_mut();
        fwpk::FwpmSubLayerAdd0(engine, &raw const sublayer, std::ptr::null_mut())
    }
}

/// A filter that blocks every connection.
fn add_block(engine: HANDLE, provider: &GUID, flags: u32) -> NTSTATUS {
    // SAFETY: see above.
    unsafe {
        let mut filter: FWPM_FILTER0 = std::mem::zeroed();
        filter.displayData = display();
        filter.layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4;
        filter.subLayerKey = SUBLAYER;
        filter.providerKey = std::ptr::from_ref(provider).cast_mut();
        filter.action.r#type = FWP_ACTION_BLOCK;
        filter.flags = flags;
        fwpk::FwpmFilterAdd0(engine, &raw const filter, std::ptr::null_mut(), std::ptr::null_mut())
    }
}

fn connects() -> bool {
    let layer = FWPS_LAYER_ALE_AUTH_CONNECT_V4 as u16;
    let values = vec![Value::Empty; lab::fwp::field_count(layer)];
    // SAFETY: integers and nullable pointers.
    let metadata = unsafe { std::mem::zeroed() };
    let data = std::ptr::null_mut();
    lab::fwp::classify(&Indication { layer, values: &values, metadata: &metadata, data, flow: 0 }).permit
}

fn restart_service() {
    lab::fwp::set_service_state(FWPM_SERVICE_STOPPED);
    lab::fwp::set_service_state(FWPM_SERVICE_RUNNING);
}

fn set_start(start: u32) {
    registry::Registry::get().set(SERVICE, "Start", registry::Value::Dword(start));
}

fn provider_flags() -> u32 {
    let engine = open(0, 0);
    let mut provider: *mut FWPM_PROVIDER0 = std::ptr::null_mut();
    // SAFETY: see above.
    unsafe {
        let status = FwpmProviderGetByKey0(engine, &raw const PROVIDER, &raw mut provider);
        assert_eq!(status, STATUS_SUCCESS);
        let flags = (*provider).flags;
        assert_eq!(*(*provider).serviceName, u16::from(b'g'));
        FwpmFreeMemory0((&raw mut provider).cast());
        close(engine);
        flags
    }
}

#[test]
fn persistent_objects_come_back_unless_their_service_is_disabled() {
    child::test("persistent_objects_come_back_unless_their_service_is_disabled", || {
        let machine = machine();
        set_start(1);
        let engine = open(0, 0);
        assert_eq!(
            add_provider(engine, &PROVIDER, FWPM_PROVIDER_FLAG_PERSISTENT, Some("guard")),
            STATUS_SUCCESS
        );
        assert_eq!(add_sublayer(engine, &PROVIDER, FWPM_SUBLAYER_FLAG_PERSISTENT), STATUS_SUCCESS);
        assert_eq!(add_block(engine, &PROVIDER, FWPM_FILTER_FLAG_PERSISTENT), STATUS_SUCCESS);
        close(engine);
        for start in [0, 1, 2] {
            set_start(start);
            restart_service();
            assert!(!connects(), "start type {start}");
            assert_eq!(provider_flags(), FWPM_PROVIDER_FLAG_PERSISTENT);
        }
        for start in [3, 4] {
            set_start(start);
            assert!(!connects(), "a running service does not look again");
            restart_service();
            assert!(connects(), "start type {start}");
            assert_eq!(provider_flags(), FWPM_PROVIDER_FLAG_PERSISTENT | FWPM_PROVIDER_FLAG_DISABLED);
            set_start(1);
            restart_service();
        }
        // The service was removed, and with it the meaning of its provider.
        assert!(machine.registry().remove(SERVICE));
        restart_service();
        assert!(connects());
        assert_eq!(lab::fwp::object_counts(), [1, 1, 0, 1]);
        finish(machine);
    });
}

#[test]
fn only_boot_time_filters_are_in_force_until_the_service_runs() {
    child::test("only_boot_time_filters_are_in_force_until_the_service_runs", || {
        let machine = machine();
        let (engine, dynamic) = (open(0, 0), open(FWPM_SESSION_FLAG_DYNAMIC, 0));
        assert_eq!(add_provider(engine, &PROVIDER, FWPM_PROVIDER_FLAG_PERSISTENT, None), STATUS_SUCCESS);
        assert_eq!(add_sublayer(engine, &PROVIDER, FWPM_SUBLAYER_FLAG_PERSISTENT), STATUS_SUCCESS);
        let both = FWPM_FILTER_FLAG_BOOTTIME | FWPM_FILTER_FLAG_PERSISTENT;
        assert_eq!(add_block(engine, &PROVIDER, both), STATUS_FWP_INVALID_FLAGS);
        let boot = FWPM_FILTER_FLAG_BOOTTIME;
        assert_eq!(add_block(dynamic, &PROVIDER, boot), STATUS_FWP_DYNAMIC_SESSION_IN_PROGRESS);
        assert_eq!(add_block(engine, &PROVIDER, boot), STATUS_SUCCESS);
        close(dynamic);
        close(engine);
        assert!(connects(), "the service runs");
        lab::fwp::set_service_state(FWPM_SERVICE_STOPPED);
        assert!(connects(), "it has run");
        lab::fwp::reboot();
        assert!(!connects());
        lab::fwp::set_service_state(FWPM_SERVICE_START_PENDING);
        assert!(!connects());
        lab::fwp::set_service_state(FWPM_SERVICE_RUNNING);
        assert!(connects());
        finish(machine);
    });
}

#[test]
fn what_lasts_does_not_rest_on_what_does_not() {
    child::test("what_lasts_does_not_rest_on_what_does_not", || {
        let machine = machine();
        let engine = open(0, 0);
        let (persistent, filter) = (FWPM_PROVIDER_FLAG_PERSISTENT, FWPM_FILTER_FLAG_PERSISTENT);
        assert_eq!(
            add_provider(engine, &PROVIDER, FWPM_PROVIDER_FLAG_DISABLED, None),
            STATUS_FWP_INVALID_FLAGS
        );
        assert_eq!(add_provider(engine, &PROVIDER, 0, None), STATUS_SUCCESS);
        assert_eq!(add_provider(engine, &OTHER, persistent, None), STATUS_SUCCESS);
        let lasting = FWPM_SUBLAYER_FLAG_PERSISTENT;
        assert_eq!(
            add_sublayer(engine, &PROVIDER, lasting),
            STATUS_FWP_LIFETIME_MISMATCH,
            "its provider is static"
        );
        assert_eq!(add_sublayer(engine, &OTHER, 0), STATUS_SUCCESS);
        assert_eq!(add_block(engine, &OTHER, filter), STATUS_FWP_LIFETIME_MISMATCH, "its sublayer is static");
        assert_eq!(add_block(engine, &OTHER, FWPM_FILTER_FLAG_BOOTTIME), STATUS_FWP_LIFETIME_MISMATCH);
        assert_eq!(add_block(engine, &PROVIDER, 0), STATUS_SUCCESS);
        lab::fwp::set_service_state(FWPM_SERVICE_STOPPED);
        assert_eq!(lab::fwp::object_counts(), [1, 0, 0, 0], "the persistent provider");
        close(engine);
        finish(machine);
    });
}

#[test]
fn a_writer_waits_for_another_as_long_as_its_session_says() {
    child::test("a_writer_waits_for_another_as_long_as_its_session_says", || {
        let machine = machine();
        let (patient, hasty) = (open(0, 0), open(0, 100));
        // SAFETY: see above.
        unsafe {
            // Another program has the lock for less than the wait.
            lab::fwp::hold_transaction(Duration::from_millis(10));
            assert_eq!(fwpk::FwpmTransactionBegin0(hasty, 0), STATUS_SUCCESS);
            // The thread that waits has the lock itself, in another session.
            assert_eq!(fwpk::FwpmTransactionBegin0(patient, 0), STATUS_FWP_TIMEOUT);
            assert_eq!(
                add_provider(patient, &PROVIDER, 0, None),
                STATUS_FWP_TIMEOUT,
                "a transaction of its own"
            );
            assert_eq!(fwpk::FwpmTransactionBegin0(hasty, 0), STATUS_FWP_TXN_IN_PROGRESS);
            assert_eq!(fwpk::FwpmTransactionAbort0(hasty), STATUS_SUCCESS);
            // For longer than one waits, and shorter than the other does.
            lab::fwp::hold_transaction(Duration::from_secs(10));
            assert_eq!(fwpk::FwpmTransactionBegin0(hasty, 0), STATUS_FWP_TIMEOUT);
            assert_eq!(fwpk::FwpmTransactionBegin0(patient, 0), STATUS_SUCCESS);
            assert_eq!(fwpk::FwpmTransactionCommit0(patient), STATUS_SUCCESS);
            // Reading only.
            assert_eq!(fwpk::FwpmTransactionBegin0(patient, FWPM_TXN_READ_ONLY), STATUS_SUCCESS);
            assert_eq!(add_provider(patient, &PROVIDER, 0, None), STATUS_FWP_INCOMPATIBLE_TXN);
            assert_eq!(fwpk::FwpmTransactionCommit0(patient), STATUS_SUCCESS);
            assert_eq!(fwpk::FwpmTransactionBegin0(patient, 2), STATUS_FWP_INVALID_FLAGS);
        }
        close(patient);
        close(hasty);
        finish(machine);
    });
}

static STATES: Mutex<Vec<(i32, i32)>> = Mutex::new(Vec::new());

unsafe extern "win64" fn changed(_: *mut c_void, state: i32) {
    STATES.lock().unwrap().push((state, lab::fwp::service_state()));
}

#[test]
fn subscribers_may_hear_late() {
    child::test("subscribers_may_hear_late", || {
        let machine = machine();
        let mut handle: HANDLE = std::ptr::null_mut();
        let device = (&raw mut handle).cast();
        // SAFETY: see above.
        let status = unsafe {
            fwpk::FwpmBfeStateSubscribeChanges0(device, Some(changed), std::ptr::null_mut(), &raw mut handle)
        };
        assert_eq!(status, STATUS_SUCCESS);
        let (stopped, running) = (FWPM_SERVICE_STOPPED, FWPM_SERVICE_RUNNING);
        lab::fwp::set_service_state_untold(stopped);
        lab::fwp::set_service_state_untold(running);
        assert!(STATES.lock().unwrap().is_empty());
        lab::fwp::tell_service_state();
        assert_eq!(*STATES.lock().unwrap(), [(stopped, running), (running, running)]);
        // SAFETY: see above.
        assert_eq!(unsafe { fwpk::FwpmBfeStateUnsubscribeChanges0(handle) }, STATUS_SUCCESS);
        finish(machine);
    });
}
