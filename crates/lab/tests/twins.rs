//! Twins: for each rule a filter driver that breaks it and one that does the same thing rightly.
//!
//! `verifier/cases.tsv` names the tests here and in the other files; `faulty.rs` checks that list.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod ndis_mock;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ddk::ndis::*;
use ddk::nt::PVOID;
use lab::child::{self, Status};
use lab::ndis::exports::{
    NdisAdvanceNetBufferDataStart, NdisAllocateCloneNetBufferList, NdisAllocateNetBufferListContext,
    NdisCloseConfiguration, NdisFDeregisterFilterDriver, NdisFIndicateReceiveNetBufferLists,
    NdisFIndicateStatus, NdisFOidRequest, NdisFOidRequestComplete, NdisFRestartComplete,
    NdisFSendNetBufferLists, NdisFreeCloneNetBufferList, NdisFreeNetBufferList, NdisFreeNetBufferListContext,
    NdisOpenConfigurationEx, NdisRetreatNetBufferDataStart,
};
use lab::ndis::sync::{
    NdisAllocateTimerObject, NdisCancelTimerObject, NdisFreeTimerObject, NdisInitializeEvent,
    NdisSetTimerObject,
};
use lab::ndis::{Adapter, AttachTime, Attributes, Config};
use lab::{Machine, Options};
use ndis_mock::{Fault, handle, own_list, register_with, start, stop};

// SAFETY of every `unsafe` block below: the lab calls the handlers as NDIS does, with valid arguments, and the
// functions called are the lab's exports, whose contracts are kept except for the one rule that is broken.

/// What a driver of this file does: break the rule, or not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Twin {
    Faulty,
    Clean,
}
use Twin::{Clean, Faulty};

/// Which twin runs, for handlers.
static TWIN: AtomicUsize = AtomicUsize::new(0);

fn twin() -> Twin {
    if TWIN.load(Ordering::Relaxed) == 1 { Faulty } else { Clean }
}

/// The two tests of a rule that stops the machine, or, with `leaks`, of one that the list of what is left
/// behind names.
macro_rules! twins {
    ($($name:ident: $rule:literal $kind:ident $body:expr;)*) => { $(
        mod $name {
            use super::*;

            const BODY: fn(Twin) = $body;

            #[test]
            fn faulty() {
                let test = concat!(stringify!($name), "::faulty");
                let exit = child::run(test, || {
                    TWIN.store(1, Ordering::Relaxed);
                    BODY(Faulty);
                });
                if !child::is_child() {
                    check::$kind(&exit, $rule);
                }
            }

            #[test]
            fn clean() {
                child::test(concat!(stringify!($name), "::clean"), || BODY(Clean));
            }
        }
    )* };
}

mod check {
    use super::*;

    #[track_caller]
    pub(crate) fn stops(exit: &child::Exit, rule: &str) {
        exit.assert_stopped(Status::Verifier, rule);
    }

    #[track_caller]
    pub(crate) fn leaks(exit: &child::Exit, rule: &str) {
        assert_eq!(exit.status, Status::Ok, "{}", exit.log);
        assert!(exit.report.leaks.iter().any(|leak| leak.rule == rule), "{}", exit.log);
    }
}

/// Boots a machine with one adapter and a filter driver whose characteristics `change` has altered.
fn boot(change: impl FnOnce(&mut NDIS_FILTER_DRIVER_CHARACTERISTICS)) -> (Machine, Arc<Adapter>) {
    let machine = Machine::new(Options::default());
    let adapter = Adapter::new(Config { attach: AttachTime::DuringRegistration, ..Config::default() });
    let mut all = ndis_mock::characteristics();
    change(&mut all);
    assert_eq!(register_with(all), NDIS_STATUS_SUCCESS);
    adapter.restart(Attributes::General).expect("restart");
    (machine, adapter)
}

/// An export as a driver is bound to it: with the check of its IRQL.
fn bound<F: Copy>(machine: &Machine, dll: &str, name: &str) -> F {
    let address = machine.export(dll, name).expect("the lab has the export");
    assert_eq!(size_of::<F>(), size_of::<usize>());
    // SAFETY: callers ask for the export's own type.
    unsafe { std::mem::transmute_copy(&address) }
}

fn zeroed<T>() -> T {
    // SAFETY: used for C structures of integers and nullable pointers only.
    unsafe { std::mem::zeroed() }
}

fn own_request() -> PNDIS_OID_REQUEST {
    let mut request: Box<NDIS_OID_REQUEST> = Box::new(zeroed());
    request.Header = NDIS_OBJECT_HEADER { Type: NDIS_OBJECT_TYPE_OID_REQUEST, Revision: 2, Size: 244 };
    let buffer = Box::leak(Box::new([0u8; 4]));
    request.DATA.QUERY_INFORMATION.Oid = OID_GEN_MAXIMUM_FRAME_SIZE;
    request.DATA.QUERY_INFORMATION.InformationBuffer = buffer.as_mut_ptr().cast();
    request.DATA.QUERY_INFORMATION.InformationBufferLength = 4;
    Box::leak(request)
}

static OWN_DONE: AtomicUsize = AtomicUsize::new(0);

unsafe extern "win64" fn own_request_done(_: NDIS_HANDLE, _: PNDIS_OID_REQUEST, _: NDIS_STATUS) {
    OWN_DONE.fetch_add(1, Ordering::Release);
}

fn wait_for_own_requests(count: usize) {
    while OWN_DONE.load(Ordering::Acquire) < count {
        std::thread::yield_now();
    }
}

/// Requests that the filter below keeps: its module, and the request.
static KEPT: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());

unsafe extern "win64" fn keeper_restart(_: NDIS_HANDLE, _: PNDIS_FILTER_RESTART_PARAMETERS) -> NDIS_STATUS {
    NDIS_STATUS_SUCCESS
}

unsafe extern "win64" fn keeper_pause(_: NDIS_HANDLE, _: PNDIS_FILTER_PAUSE_PARAMETERS) -> NDIS_STATUS {
    NDIS_STATUS_SUCCESS
}

unsafe extern "win64" fn keeper_request(module: NDIS_HANDLE, request: PNDIS_OID_REQUEST) -> NDIS_STATUS {
    KEPT.lock().unwrap().push((module as usize, request as usize));
    NDIS_STATUS_PENDING
}

/// Completes what the filter below keeps.
fn complete_kept() {
    for (module, request) in std::mem::take(&mut *KEPT.lock().unwrap()) {
        // SAFETY: see above.
        unsafe { NdisFOidRequestComplete(module as _, request as _, NDIS_STATUS_SUCCESS) };
    }
}

/// As [`boot`], above a filter that keeps OID requests until [`complete_kept`]; returns that driver's handle.
fn boot_above_a_keeper(
    change: impl FnOnce(&mut NDIS_FILTER_DRIVER_CHARACTERISTICS),
) -> (Machine, Arc<Adapter>, NDIS_HANDLE) {
    let machine = Machine::new(Options::default());
    let adapter = Adapter::new(Config { attach: AttachTime::DuringRegistration, ..Config::default() });
    let mut keeper = ndis_mock::characteristics();
    keeper.RestartHandler = Some(keeper_restart);
    keeper.PauseHandler = Some(keeper_pause);
    keeper.OidRequestHandler = Some(keeper_request);
    assert_eq!(register_with(keeper), NDIS_STATUS_SUCCESS);
    let keeper = ndis_mock::driver_handle();
    let mut all = ndis_mock::characteristics();
    change(&mut all);
    assert_eq!(register_with(all), NDIS_STATUS_SUCCESS);
    adapter.restart(Attributes::General).expect("restart");
    (machine, adapter, keeper)
}

unsafe extern "win64" fn completes_with_a_status(
    module: NDIS_HANDLE,
    request: PNDIS_OID_REQUEST,
) -> NDIS_STATUS {
    let status = if twin() == Faulty { NDIS_STATUS_PENDING } else { NDIS_STATUS_SUCCESS };
    // SAFETY: see above.
    unsafe { NdisFOidRequestComplete(module, request, status) };
    NDIS_STATUS_PENDING
}

unsafe extern "win64" fn keeps_the_request(module: NDIS_HANDLE, request: PNDIS_OID_REQUEST) -> NDIS_STATUS {
    if twin() == Clean {
        // SAFETY: see above.
        unsafe { NdisFOidRequestComplete(module, request, NDIS_STATUS_SUCCESS) };
    }
    NDIS_STATUS_PENDING
}

unsafe extern "win64" fn answers_itself(_: NDIS_HANDLE, request: PNDIS_OID_REQUEST) -> NDIS_STATUS {
    // SAFETY: see above.
    unsafe { (*request).DATA.QUERY_INFORMATION.BytesWritten = if twin() == Faulty { 5 } else { 4 } };
    NDIS_STATUS_SUCCESS
}

unsafe extern "win64" fn synchronous(_: NDIS_HANDLE, _: PNDIS_OID_REQUEST, _: *mut PVOID) -> NDIS_STATUS {
    if twin() == Faulty { NDIS_STATUS_PENDING } else { NDIS_STATUS_SUCCESS }
}

unsafe extern "win64" fn restarts_later(
    module: NDIS_HANDLE,
    _: PNDIS_FILTER_RESTART_PARAMETERS,
) -> NDIS_STATUS {
    if twin() == Clean {
        // SAFETY: see above.
        unsafe { NdisFRestartComplete(module, NDIS_STATUS_SUCCESS) };
    }
    NDIS_STATUS_PENDING
}

unsafe extern "win64" fn asks_while_it_pauses(
    module: NDIS_HANDLE,
    _: PNDIS_FILTER_PAUSE_PARAMETERS,
) -> NDIS_STATUS {
    // SAFETY: see above.
    let status = unsafe { NdisFOidRequest(module, own_request()) };
    assert_eq!(status, NDIS_STATUS_PENDING);
    if twin() == Clean {
        complete_kept();
        wait_for_own_requests(1);
    }
    NDIS_STATUS_SUCCESS
}

unsafe extern "win64" fn nothing(_: PVOID, _: PVOID, _: PVOID, _: PVOID) {}

fn indication(header: NDIS_OBJECT_HEADER) -> NDIS_STATUS_INDICATION {
    let mut status: NDIS_STATUS_INDICATION = zeroed();
    status.Header = header;
    status.SourceHandle = handle();
    status.StatusCode = NDIS_STATUS_LINK_STATE;
    status
}

const STATUS_HEADER: NDIS_OBJECT_HEADER = NDIS_OBJECT_HEADER {
    Type: NDIS_OBJECT_TYPE_STATUS_INDICATION,
    Revision: 1,
    Size: size_of::<NDIS_STATUS_INDICATION>() as u16,
};

/// Indicates a status that `change` has altered.
fn indicate(change: impl FnOnce(&mut NDIS_STATUS_INDICATION)) {
    let (machine, _, _) = start(Fault::None);
    let mut status = indication(STATUS_HEADER);
    change(&mut status);
    // SAFETY: see above.
    unsafe { NdisFIndicateStatus(handle(), &raw mut status) };
    stop(machine);
}

const FLOW: u64 = 7;
const LAYER: u16 = ddk::fwp::FWPS_LAYER_ALE_AUTH_CONNECT_V4 as u16;

unsafe extern "win64" fn classify(
    _: *const ddk::fwp::FWPS_INCOMING_VALUES0,
    _: *const ddk::fwp::FWPS_INCOMING_METADATA_VALUES0,
    _: PVOID,
    _: *const std::ffi::c_void,
    _: *const ddk::fwp::FWPS_FILTER2,
    _: u64,
    _: *mut ddk::fwp::FWPS_CLASSIFY_OUT0,
) {
}

unsafe extern "win64" fn notified(_: i32, _: *const ddk::nt::GUID, _: *mut ddk::fwp::FWPS_FILTER2) -> i32 {
    0
}

unsafe extern "win64" fn context_deleted(_: u16, _: u32, _: u64) {}

/// Registers a callout and gives it a context on a flow; the callout's number.
fn flow_with_context() -> u32 {
    let callout = ddk::fwp::FWPS_CALLOUT2 {
        calloutKey: ddk::guid(0x1111),
        flags: 0,
        classifyFn: Some(classify),
        notifyFn: Some(notified),
        flowDeleteFn: Some(context_deleted),
    };
    let mut id = 0;
    lab::fwp::begin_flow(FLOW);
    // SAFETY: see above; nobody looks into the device object.
    unsafe {
        let device = Box::leak(Box::new(0u64));
        let device = (&raw mut *device).cast();
        assert_eq!(lab::fwp::exports::FwpsCalloutRegister2(device, &raw const callout, &raw mut id), 0);
        assert_eq!(lab::fwp::exports::FwpsFlowAssociateContext0(FLOW, LAYER, id, 5), 0);
    }
    id
}

twins! {
    n_1_completes_with_pending: "N-1" stops |_| {
        let (machine, adapter) = boot(|all| all.OidRequestHandler = Some(completes_with_a_status));
        assert_eq!(adapter.query(OID_GEN_MAXIMUM_FRAME_SIZE, 4).status, NDIS_STATUS_SUCCESS);
        stop(machine);
    };
    n_3_sends_a_request_that_is_under_way: "N-3" stops |twin| {
        let (machine, _, keeper) =
            boot_above_a_keeper(|all| all.OidRequestCompleteHandler = Some(own_request_done));
        let (first, other) = (own_request(), own_request());
        // SAFETY: see above.
        unsafe {
            assert_eq!(NdisFOidRequest(handle(), first), NDIS_STATUS_PENDING);
            let second = if twin == Faulty { first } else { other };
            assert_eq!(NdisFOidRequest(handle(), second), NDIS_STATUS_PENDING);
        }
        complete_kept();
        wait_for_own_requests(2);
        ndis_mock::deregister();
        // SAFETY: see above.
        unsafe { NdisFDeregisterFilterDriver(keeper) };
        machine.finish();
    };
    n_4_keeps_a_request: "N-4" stops |_| {
        let (machine, adapter) = boot(|all| all.OidRequestHandler = Some(keeps_the_request));
        assert_eq!(adapter.query(OID_GEN_MAXIMUM_FRAME_SIZE, 4).status, NDIS_STATUS_SUCCESS);
        stop(machine);
    };
    n_20_waits_at_dispatch: "N-20" stops |twin| {
        let machine = Machine::new(Options::default());
        let wait: ddk::ndis::sig::NdisWaitEvent = bound(&machine, "NDIS.SYS", "NdisWaitEvent");
        let mut event: NDIS_EVENT = zeroed();
        let level = if twin == Faulty { lab::cpu::DISPATCH } else { lab::cpu::PASSIVE };
        // SAFETY: see above.
        unsafe {
            NdisInitializeEvent(&raw mut event);
            lab::cpu::at_irql(level, || assert_eq!(wait(&raw mut event, 1), 0));
        }
        machine.finish();
    };
    n_22_claims_more_than_the_buffer: "N-22" stops |_| {
        let (machine, adapter) = boot(|all| all.OidRequestHandler = Some(answers_itself));
        assert_eq!(adapter.query(OID_GEN_MAXIMUM_FRAME_SIZE, 4).transferred, 4);
        stop(machine);
    };
    n_25_names_a_buffer_that_is_not_there: "N-25" stops |twin| {
        static STATE: [u8; 40] = [0; 40];
        indicate(|status| {
            status.StatusBufferSize = 40;
            if twin == Clean {
                status.StatusBuffer = STATE.as_ptr().cast_mut().cast();
            }
        });
    };
    n_26_gives_a_wrong_header: "N-26" stops |twin| {
        indicate(|status| {
            if twin == Faulty {
                status.Header.Size = 4;
            }
        });
    };
    n_29_never_restarts: "N-29" stops |_| {
        let (machine, _) = boot(|all| all.RestartHandler = Some(restarts_later));
        stop(machine);
    };
    n_31_keeps_its_lists: "N-31" leaks |twin| {
        let (machine, _, _) = start(Fault::None);
        let list = own_list(60);
        if twin == Clean {
            // SAFETY: see above.
            unsafe { ndis_mock::free_own(list) };
            ndis_mock::free_pool();
        }
        ndis_mock::deregister();
        machine.finish();
    };
    n_44_is_detached_with_a_request_under_way: "N-44" stops |_| {
        let (machine, _, keeper) = boot_above_a_keeper(|all| {
            all.PauseHandler = Some(asks_while_it_pauses);
            all.OidRequestCompleteHandler = Some(own_request_done);
        });
        ndis_mock::deregister();
        // SAFETY: see above.
        unsafe { NdisFDeregisterFilterDriver(keeper) };
        machine.finish();
    };
    n_53_frees_a_clone_as_a_list: "N-53" stops |twin| {
        let (machine, _, _) = start(Fault::None);
        let list = own_list(60);
        // SAFETY: see above.
        unsafe {
            let pool = (*list).NdisPoolHandle;
            let clone = NdisAllocateCloneNetBufferList(list, pool, pool, 0);
            match twin {
                Faulty => NdisFreeNetBufferList(clone),
                Clean => NdisFreeCloneNetBufferList(clone, 0),
            }
            ndis_mock::free_own(list);
        }
        stop(machine);
    };
    n_55_advances_beyond_the_data: "N-55" stops |twin| {
        let (machine, _, _) = start(Fault::None);
        let list = own_list(60);
        let delta = if twin == Faulty { 61 } else { 60 };
        // SAFETY: see above.
        unsafe {
            let buffer = (*list).FirstNetBuffer;
            NdisAdvanceNetBufferDataStart(buffer, delta, 0, None);
            assert_eq!(NdisRetreatNetBufferDataStart(buffer, delta, 0, None), NDIS_STATUS_SUCCESS);
            ndis_mock::free_own(list);
        }
        stop(machine);
    };
    n_56_asks_for_an_odd_context: "N-56" stops |twin| {
        let (machine, _, _) = start(Fault::None);
        let list = own_list(60);
        let size = if twin == Faulty { 20 } else { 32 };
        // SAFETY: see above.
        unsafe {
            assert_eq!(NdisAllocateNetBufferListContext(list, size, 0, 1), NDIS_STATUS_SUCCESS);
            NdisFreeNetBufferListContext(list, size);
            ndis_mock::free_own(list);
        }
        stop(machine);
    };
    n_58_indicates_two_frames_in_one_list: "N-58" stops |twin| {
        let (machine, _, _) = start(Fault::None);
        let list = own_list(60);
        // SAFETY: see above.
        unsafe {
            if twin == Faulty {
                let second = Box::leak(Box::new(*(*list).FirstNetBuffer));
                (*(*list).FirstNetBuffer).Next = second;
            }
            NdisFIndicateReceiveNetBufferLists(handle(), list, 0, 1, 0);
        }
        stop(machine);
    };
    n_60_pends_a_synchronous_request: "N-60" stops |_| {
        let (machine, adapter) = boot(|all| {
            all.Header.Revision = NDIS_FILTER_CHARACTERISTICS_REVISION_3;
            all.Header.Size = NDIS_SIZEOF_FILTER_DRIVER_CHARACTERISTICS_REVISION_3;
            all.MinorNdisVersion = 80;
            all.SynchronousOidRequestHandler = Some(synchronous);
        });
        assert_eq!(adapter.query_synchronous(OID_GEN_MAXIMUM_FRAME_SIZE, 4).status, NDIS_STATUS_SUCCESS);
        stop(machine);
    };
    n_61_addresses_a_status_without_a_request: "N-61" stops |twin| {
        indicate(|status| {
            status.DestinationHandle = handle();
            if twin == Clean {
                status.RequestId = 1 as _;
            }
        });
    };
    n_65_sends_without_a_completion_handler: "N-65" stops |twin| {
        let (machine, _) = boot(|all| {
            if twin == Faulty {
                all.SendNetBufferListsHandler = None;
                all.SendNetBufferListsCompleteHandler = None;
            }
        });
        // SAFETY: see above.
        unsafe { NdisFSendNetBufferLists(handle(), own_list(60), 0, 0) };
        stop(machine);
    };
    n_67_deregisters_twice: "N-67" stops |twin| {
        let (machine, _, _) = start(Fault::None);
        if twin == Faulty {
            ndis_mock::deregister();
        }
        stop(machine);
    };
    n_68_leaves_a_configuration_open: "N-68" leaks |twin| {
        let (machine, _, _) = start(Fault::None);
        let mut object = NDIS_CONFIGURATION_OBJECT {
            Header: NDIS_OBJECT_HEADER { Type: NDIS_OBJECT_TYPE_CONFIGURATION_OBJECT, Revision: 1, Size: 24 },
            NdisHandle: handle(),
            Flags: 0,
        };
        let mut configuration = std::ptr::null_mut();
        // SAFETY: see above.
        unsafe {
            assert_eq!(NdisOpenConfigurationEx(&raw mut object, &raw mut configuration), NDIS_STATUS_SUCCESS);
            if twin == Clean {
                NdisCloseConfiguration(configuration);
            }
        }
        ndis_mock::deregister();
        machine.finish();
    };
    g_23_frees_a_timer_that_is_set: "G-23" stops |twin| {
        let machine = Machine::new(Options::default());
        let mut given: NDIS_TIMER_CHARACTERISTICS = zeroed();
        given.Header = NDIS_OBJECT_HEADER { Type: NDIS_OBJECT_TYPE_TIMER_CHARACTERISTICS, Revision: 1, Size: 24 };
        given.TimerFunction = Some(nothing);
        let mut timer = std::ptr::null_mut();
        // SAFETY: see above.
        unsafe {
            assert_eq!(NdisAllocateTimerObject(std::ptr::null_mut(), &raw mut given, &raw mut timer), 0);
            let due = ddk::nt::LARGE_INTEGER { QuadPart: -600_000_000 };
            assert_eq!(NdisSetTimerObject(timer, due, 0, std::ptr::null_mut()), 0);
            if twin == Clean {
                assert_eq!(NdisCancelTimerObject(timer), 1);
            }
            NdisFreeTimerObject(timer);
        }
        machine.finish();
    };
    f_1_manages_at_dispatch: "F-1" stops |twin| {
        let machine = Machine::new(Options::default());
        let mut engine = std::ptr::null_mut();
        let open: ddk::fwp::sig::FwpmEngineOpen0 = bound(&machine, "fwpkclnt.sys", "FwpmEngineOpen0");
        let close: ddk::fwp::sig::FwpmEngineClose0 = bound(&machine, "fwpkclnt.sys", "FwpmEngineClose0");
        let level = if twin == Faulty { lab::cpu::DISPATCH } else { lab::cpu::PASSIVE };
        // SAFETY: see above.
        unsafe {
            assert_eq!(open(std::ptr::null(), 10, std::ptr::null_mut(), std::ptr::null(), &raw mut engine), 0);
            lab::cpu::at_irql(level, || assert_eq!(close(engine), 0));
        }
        machine.finish();
    };
    f_4_keeps_a_reference: "F-4" leaks |twin| {
        let (machine, _, _) = start(Fault::None);
        let list = own_list(60);
        // SAFETY: see above.
        unsafe {
            lab::fwp::exports::FwpsReferenceNetBufferList0(list, 1);
            if twin == Clean {
                lab::fwp::exports::FwpsDereferenceNetBufferList0(list, 0);
            }
            ndis_mock::free_own(list);
        }
        ndis_mock::free_pool();
        ndis_mock::deregister();
        machine.finish();
    };
    f_6_removes_a_context_under_a_lock: "F-6" stops |twin| {
        let machine = Machine::new(Options::default());
        let id = flow_with_context();
        let mut lock = 0;
        // SAFETY: see above.
        unsafe {
            if twin == Faulty {
                lab::ntoskrnl::lock::KeAcquireSpinLockRaiseToDpc(&raw mut lock);
            }
            assert_eq!(lab::fwp::exports::FwpsFlowRemoveContext0(FLOW, LAYER, id), 0);
            assert_eq!(lab::fwp::exports::FwpsCalloutUnregisterById0(id), 0);
        }
        lab::fwp::end_flow(FLOW);
        machine.finish();
    };
    f_8_leaves_a_context: "F-8" leaks |twin| {
        let machine = Machine::new(Options::default());
        let id = flow_with_context();
        // SAFETY: see above.
        unsafe {
            if twin == Clean {
                assert_eq!(lab::fwp::exports::FwpsFlowRemoveContext0(FLOW, LAYER, id), 0);
            }
            let busy = lab::fwp::exports::FwpsCalloutUnregisterById0(id);
            assert_eq!(busy == ddk::nt::STATUS_DEVICE_BUSY, twin == Faulty);
        }
        machine.finish();
    };
}
