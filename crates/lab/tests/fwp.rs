//! A callout driver in host Rust under the simulated filter engine: objects, lifetimes, answers, contexts
//! and rules.

use std::ffi::c_void;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use ddk::fwp::*;
use ddk::nt::*;
use lab::child::{self, Status};
use lab::fwp::exports::{
    FwpmBfeStateGet0, FwpmBfeStateSubscribeChanges0, FwpmBfeStateUnsubscribeChanges0, FwpmCalloutAdd0,
    FwpmCalloutDeleteByKey0, FwpmEngineClose0, FwpmEngineOpen0, FwpmFilterAdd0, FwpmFilterDeleteById0,
    FwpmProviderAdd0, FwpmProviderDeleteByKey0, FwpmSubLayerAdd0, FwpmTransactionAbort0,
    FwpmTransactionBegin0, FwpmTransactionCommit0, FwpsCalloutRegister1, FwpsCalloutRegister2,
    FwpsCalloutUnregisterById0, FwpsFlowAssociateContext0, FwpsFlowRemoveContext0,
};
use lab::fwp::{Indication, Value};

/// What the callout answers: action, clear the right, absorb.
static ANSWER: Mutex<(u32, bool, bool)> = Mutex::new((FWP_ACTION_CONTINUE, false, false));
static ASKED: AtomicU32 = AtomicU32::new(0);
static NOTIFIED: Mutex<Vec<(i32, bool)>> = Mutex::new(Vec::new());
static CONTEXT: AtomicU64 = AtomicU64::new(0);
static DELETED: AtomicU64 = AtomicU64::new(0);
static STATES: Mutex<Vec<i32>> = Mutex::new(Vec::new());

// SAFETY of every `unsafe` block below: the lab calls the callbacks with valid arguments, and the functions
// called are the lab's exports, whose contracts the test keeps except where it breaks one on purpose.

unsafe extern "win64" fn classify(
    values: *const FWPS_INCOMING_VALUES0,
    _: *const FWPS_INCOMING_METADATA_VALUES0,
    _: *mut c_void,
    _: *const c_void,
    filter: *const FWPS_FILTER2,
    context: u64,
    out: *mut FWPS_CLASSIFY_OUT0,
) {
    ASKED.fetch_add(1, Ordering::Relaxed);
    CONTEXT.store(context, Ordering::Relaxed);
    // SAFETY: see above.
    unsafe {
        assert_ne!((*filter).filterId, 0);
        assert_eq!((*values).layerId, FWPS_LAYER_ALE_AUTH_CONNECT_V4 as u16);
        let (action, clear, absorb) = *ANSWER.lock().unwrap();
        (*out).actionType = action;
        if clear {
            (*out).rights &= !FWPS_RIGHT_ACTION_WRITE;
        }
        if absorb {
            (*out).flags |= FWPS_CLASSIFY_OUT_FLAG_ABSORB;
        }
    }
}

unsafe extern "win64" fn notify(kind: i32, key: *const GUID, filter: *mut FWPS_FILTER2) -> i32 {
    NOTIFIED.lock().unwrap().push((kind, key.is_null()));
    // SAFETY: see above.
    unsafe {
        if kind == FWPS_CALLOUT_NOTIFY_ADD_FILTER {
            (*filter).context = 0x77;
        } else {
            assert_eq!((*filter).context, 0x77);
        }
    }
    STATUS_SUCCESS
}

unsafe extern "win64" fn flow_deleted(_: u16, _: u32, context: u64) {
    DELETED.fetch_add(context, Ordering::Relaxed);
}

unsafe extern "win64" fn state_changed(_: *mut c_void, state: i32) {
    STATES.lock().unwrap().push(state);
}

static CALLOUT: GUID = ddk::guid(0x1111);
static SUBLAYER: GUID = ddk::guid(0x2222);
static PROVIDER: GUID = ddk::guid(0x3333);
const NAME: [u16; 5] = [b't' as u16, b'e' as u16, b's' as u16, b't' as u16, 0];

fn device() -> *mut c_void {
    static DEVICE: u64 = 0;
    (&raw const DEVICE).cast_mut().cast()
}

fn display() -> FWPM_DISPLAY_DATA0 {
    FWPM_DISPLAY_DATA0 { name: NAME.as_ptr().cast_mut(), description: std::ptr::null_mut() }
}

fn register(flow_delete: bool) -> u32 {
    let callout = FWPS_CALLOUT2 {
        calloutKey: CALLOUT,
        flags: 0,
        classifyFn: Some(classify),
        notifyFn: Some(notify),
        flowDeleteFn: if flow_delete { Some(flow_deleted) } else { None },
    };
    let mut id = 0;
    // SAFETY: see above.
    assert_eq!(unsafe { FwpsCalloutRegister2(device(), &raw const callout, &raw mut id) }, STATUS_SUCCESS);
    id
}

fn open(dynamic: bool) -> HANDLE {
    // SAFETY: see above.
    unsafe {
        let mut session: FWPM_SESSION0 = std::mem::zeroed();
        session.flags = if dynamic { FWPM_SESSION_FLAG_DYNAMIC } else { 0 };
        let mut engine = std::ptr::null_mut();
        let status =
            FwpmEngineOpen0(std::ptr::null(), 10, std::ptr::null_mut(), &raw const session, &raw mut engine);
        assert_eq!(status, STATUS_SUCCESS);
        engine
    }
}

fn add_provider(engine: HANDLE) -> i32 {
    // SAFETY: see above.
    unsafe {
        let mut provider: FWPM_PROVIDER0 = std::mem::zeroed();
        provider.providerKey = PROVIDER;
        provider.displayData = display();
        FwpmProviderAdd0(engine, &raw const provider, std::ptr::null_mut())
    }
}

fn add_sublayer(engine: HANDLE, provider: bool) -> i32 {
    // SAFETY: see above.
    unsafe {
        let mut sublayer: FWPM_SUBLAYER0 = std::mem::zeroed();
        sublayer.subLayerKey = SUBLAYER;
        sublayer.displayData = display();
        sublayer.weight = 0x1000;
        if provider {
            sublayer.providerKey = (&raw const PROVIDER).cast_mut();
        }
        FwpmSubLayerAdd0(engine, &raw const sublayer, std::ptr::null_mut())
    }
}

fn add_callout(engine: HANDLE) -> i32 {
    // SAFETY: see above.
    unsafe {
        let mut callout: FWPM_CALLOUT0 = std::mem::zeroed();
        callout.calloutKey = CALLOUT;
        callout.displayData = display();
        callout.applicableLayer = FWPM_LAYER_ALE_AUTH_CONNECT_V4;
        FwpmCalloutAdd0(engine, &raw const callout, std::ptr::null_mut(), std::ptr::null_mut())
    }
}

fn filter(action: u32) -> FWPM_FILTER0 {
    // SAFETY: integers and nullable pointers.
    let mut filter: FWPM_FILTER0 = unsafe { std::mem::zeroed() };
    filter.displayData = display();
    filter.layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4;
    filter.subLayerKey = SUBLAYER;
    filter.action.r#type = action;
    filter.action.u.calloutKey = CALLOUT;
    filter
}

fn add_filter(engine: HANDLE, filter: &FWPM_FILTER0) -> (i32, u64) {
    let mut id = 0;
    // SAFETY: see above.
    let status = unsafe { FwpmFilterAdd0(engine, filter, std::ptr::null_mut(), &raw mut id) };
    (status, id)
}

/// Everything that a callout driver adds at start.
fn set_up(engine: HANDLE, action: u32) -> u64 {
    assert_eq!(add_sublayer(engine, false), STATUS_SUCCESS);
    assert_eq!(add_callout(engine), STATUS_SUCCESS);
    let (status, id) = add_filter(engine, &filter(action));
    assert_eq!(status, STATUS_SUCCESS);
    id
}

fn close(engine: HANDLE) {
    // SAFETY: see above.
    assert_eq!(unsafe { FwpmEngineClose0(engine) }, STATUS_SUCCESS);
}

fn connect(port: u16) -> bool {
    let layer = FWPS_LAYER_ALE_AUTH_CONNECT_V4 as u16;
    let mut values = vec![Value::Empty; lab::fwp::field_count(layer)];
    values[7] = Value::U16(port);
    // SAFETY: integers and nullable pointers.
    let metadata = unsafe { std::mem::zeroed() };
    let indication =
        Indication { layer, values: &values, metadata: &metadata, data: std::ptr::null_mut(), flow: 0 };
    lab::fwp::classify(&indication).permit
}

fn answer(action: u32, clear: bool, absorb: bool) {
    *ANSWER.lock().unwrap() = (action, clear, absorb);
}

fn machine() -> lab::Machine {
    lab::Machine::new(lab::Options::default())
}

fn finish(machine: lab::Machine) {
    let report = machine.finish();
    assert!(report.is_clean(), "{report:?}");
}

#[test]
fn a_callout_decides_and_its_dynamic_objects_go_with_the_session() {
    child::test("a_callout_decides_and_its_dynamic_objects_go_with_the_session", || {
        let machine = machine();
        let id = register(false);
        let engine = open(true);
        // SAFETY: see above.
        unsafe { assert_eq!(FwpmTransactionBegin0(engine, 0), STATUS_SUCCESS) };
        set_up(engine, FWP_ACTION_CALLOUT_TERMINATING);
        assert!(connect(80), "not before the commit");
        // SAFETY: see above.
        unsafe { assert_eq!(FwpmTransactionCommit0(engine), STATUS_SUCCESS) };
        answer(FWP_ACTION_BLOCK, true, false);
        assert!(!connect(80));
        answer(FWP_ACTION_PERMIT, false, false);
        assert!(connect(80));
        answer(FWP_ACTION_BLOCK, true, true);
        assert!(!connect(80));
        assert_eq!(ASKED.load(Ordering::Relaxed), 3);
        assert_eq!(lab::fwp::object_counts(), [0, 1, 1, 1]);
        close(engine);
        assert_eq!(lab::fwp::object_counts(), [0; 4]);
        let added = (FWPS_CALLOUT_NOTIFY_ADD_FILTER, false);
        assert_eq!(*NOTIFIED.lock().unwrap(), [added, (FWPS_CALLOUT_NOTIFY_DELETE_FILTER, true)]);
        assert!(connect(80));
        // SAFETY: see above.
        assert_eq!(unsafe { FwpsCalloutUnregisterById0(id) }, STATUS_SUCCESS);
        finish(machine);
    });
}

#[test]
fn an_aborted_transaction_leaves_nothing() {
    child::test("an_aborted_transaction_leaves_nothing", || {
        let machine = machine();
        let engine = open(true);
        // SAFETY: see above.
        unsafe {
            assert_eq!(FwpmTransactionAbort0(engine), STATUS_FWP_NO_TXN_IN_PROGRESS);
            assert_eq!(FwpmTransactionBegin0(engine, 0), STATUS_SUCCESS);
            assert_eq!(FwpmTransactionBegin0(engine, 0), STATUS_FWP_TXN_IN_PROGRESS);
            set_up(engine, FWP_ACTION_CALLOUT_TERMINATING);
            assert_eq!(FwpmTransactionAbort0(engine), STATUS_SUCCESS);
            assert_eq!(FwpmTransactionCommit0(engine), STATUS_FWP_NO_TXN_IN_PROGRESS);
        }
        assert_eq!(lab::fwp::object_counts(), [0; 4]);
        close(engine);
        finish(machine);
    });
}

#[test]
fn wrong_requests_get_their_status() {
    child::test("wrong_requests_get_their_status", || {
        let machine = machine();
        let (fixed, engine) = (open(false), open(true));
        assert_eq!(add_sublayer(engine, true), STATUS_FWP_PROVIDER_NOT_FOUND);
        assert_eq!(add_filter(engine, &filter(FWP_ACTION_BLOCK)).0, STATUS_FWP_SUBLAYER_NOT_FOUND);
        assert_eq!(add_provider(engine), STATUS_SUCCESS);
        assert_eq!(add_provider(engine), STATUS_FWP_ALREADY_EXISTS);
        assert_eq!(add_sublayer(fixed, true), STATUS_FWP_WRONG_SESSION, "refers to a dynamic object");
        assert_eq!(add_sublayer(engine, true), STATUS_SUCCESS);
        let terminating = filter(FWP_ACTION_CALLOUT_TERMINATING);
        assert_eq!(add_filter(engine, &terminating).0, STATUS_FWP_CALLOUT_NOT_FOUND);
        assert_eq!(add_callout(engine), STATUS_SUCCESS);
        let mut wrong = filter(FWP_ACTION_CALLOUT_TERMINATING);
        wrong.layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V6;
        assert_eq!(add_filter(engine, &wrong).0, STATUS_FWP_INCOMPATIBLE_LAYER);
        wrong.layerKey = CALLOUT;
        assert_eq!(add_filter(engine, &wrong).0, STATUS_FWP_LAYER_NOT_FOUND);
        let mut nameless = filter(FWP_ACTION_BLOCK);
        nameless.displayData.name = std::ptr::null_mut();
        assert_eq!(add_filter(engine, &nameless).0, STATUS_FWP_NULL_DISPLAY_NAME);
        assert_eq!(add_filter(engine, &filter(0x9999)).0, STATUS_FWP_INVALID_ACTION_TYPE);
        let mut heavy = filter(FWP_ACTION_BLOCK);
        heavy.weight = FWP_VALUE0 { r#type: FWP_UINT8, u: FWP_VALUE0_u { uint8: 16 } };
        assert_eq!(add_filter(engine, &heavy).0, STATUS_FWP_INVALID_WEIGHT);
        let (status, id) = add_filter(engine, &terminating);
        assert_eq!(status, STATUS_SUCCESS);
        // SAFETY: see above.
        unsafe {
            assert_eq!(FwpmCalloutDeleteByKey0(engine, &raw const CALLOUT), STATUS_FWP_IN_USE);
            assert_eq!(FwpmProviderDeleteByKey0(engine, &raw const PROVIDER), STATUS_FWP_IN_USE);
            assert_eq!(FwpmFilterDeleteById0(fixed, id), STATUS_FWP_WRONG_SESSION);
            assert!(!connect(80), "the callout is not registered");
            assert_eq!(FwpmFilterDeleteById0(engine, id), STATUS_SUCCESS);
            assert_eq!(FwpmFilterDeleteById0(engine, id), STATUS_FWP_FILTER_NOT_FOUND);
            assert_eq!(FwpmCalloutDeleteByKey0(engine, &raw const CALLOUT), STATUS_SUCCESS);
            let callout = FWPS_CALLOUT1 {
                calloutKey: CALLOUT,
                flags: 0,
                classifyFn: None,
                notifyFn: None,
                flowDeleteFn: None,
            };
            let status = FwpsCalloutRegister1(device(), &raw const callout, std::ptr::null_mut());
            assert_eq!(status, STATUS_INVALID_PARAMETER);
            assert_eq!(FwpsCalloutUnregisterById0(0x9999), STATUS_FWP_CALLOUT_NOT_FOUND);
        }
        close(engine);
        close(fixed);
        finish(machine);
    });
}

#[test]
fn conditions_choose_the_flows() {
    child::test("conditions_choose_the_flows", || {
        let machine = machine();
        let engine = open(true);
        assert_eq!(add_sublayer(engine, false), STATUS_SUCCESS);
        let mut condition = FWPM_FILTER_CONDITION0 {
            fieldKey: FWPM_CONDITION_IP_REMOTE_PORT,
            matchType: FWP_MATCH_EQUAL,
            conditionValue: FWP_CONDITION_VALUE0 {
                r#type: FWP_UINT16,
                u: FWP_CONDITION_VALUE0_u { uint16: 80 },
            },
        };
        let mut block = filter(FWP_ACTION_BLOCK);
        block.numFilterConditions = 1;
        block.filterCondition = &raw mut condition;
        assert_eq!(add_filter(engine, &block).0, STATUS_SUCCESS);
        assert!(!connect(80));
        assert!(connect(81));
        let mut unknown = FWPM_FILTER_CONDITION0 { fieldKey: CALLOUT, ..condition };
        block.filterCondition = &raw mut unknown;
        assert_eq!(add_filter(engine, &block).0, STATUS_FWP_CONDITION_NOT_FOUND);
        close(engine);
        finish(machine);
    });
}

#[test]
fn the_service_stops_and_comes_back() {
    child::test("the_service_stops_and_comes_back", || {
        let machine = machine();
        // SAFETY: see above.
        unsafe {
            let mut handle = std::ptr::null_mut();
            let context = std::ptr::null_mut();
            let status =
                FwpmBfeStateSubscribeChanges0(device(), Some(state_changed), context, &raw mut handle);
            assert_eq!(status, STATUS_SUCCESS);
            assert_eq!(FwpmBfeStateGet0(), FWPM_SERVICE_RUNNING);
            let engine = open(false);
            set_up(engine, FWP_ACTION_BLOCK);
            lab::fwp::set_service_state(FWPM_SERVICE_STOP_PENDING);
            lab::fwp::set_service_state(FWPM_SERVICE_STOPPED);
            assert_eq!(lab::fwp::object_counts(), [0; 4]);
            assert_eq!(FwpmTransactionBegin0(engine, 0), STATUS_FWP_SESSION_ABORTED);
            close(engine);
            let session: FWPM_SESSION0 = std::mem::zeroed();
            let mut out = std::ptr::null_mut();
            let status =
                FwpmEngineOpen0(std::ptr::null(), 10, std::ptr::null_mut(), &raw const session, &raw mut out);
            assert!(status < 0);
            lab::fwp::set_service_state(FWPM_SERVICE_RUNNING);
            assert_eq!(FwpmBfeStateUnsubscribeChanges0(handle), STATUS_SUCCESS);
        }
        let seen = [FWPM_SERVICE_STOP_PENDING, FWPM_SERVICE_STOPPED, FWPM_SERVICE_RUNNING];
        assert_eq!(*STATES.lock().unwrap(), seen);
        finish(machine);
    });
}

#[test]
fn what_a_driver_leaves_behind_is_listed() {
    let exit = child::run("what_a_driver_leaves_behind_is_listed", || {
        let machine = machine();
        register(false);
        let engine = open(false);
        set_up(engine, FWP_ACTION_CALLOUT_TERMINATING);
        machine.finish();
    });
    if !child::is_child() {
        assert_eq!(exit.status, Status::Ok, "{}", exit.log);
        let rules: Vec<&str> = exit.report.leaks.iter().map(|leak| leak.rule.as_str()).collect();
        for rule in ["F-9", "F-11"] {
            assert!(rules.contains(&rule), "{rules:?}");
        }
        // Session, sublayer, callout object, filter; the registration.
        assert_eq!(rules.len(), 5, "{:?}", exit.report.leaks);
    }
}

/// Registers, sets up, runs `scenario` and expects the rule that it breaks.
macro_rules! broken_rules {
    ($($name:ident: $rule:literal, $action:ident, $scenario:expr;)*) => { $(
        #[test]
        fn $name() {
            child::expect(stringify!($name), Status::Verifier, $rule, || {
                let _machine = machine();
                let id = register(true);
                let engine = open(true);
                set_up(engine, $action);
                let scenario: fn(u32, HANDLE) = $scenario;
                scenario(id, engine);
            });
        }
    )* };
}

broken_rules! {
    an_inspection_that_decides: "F-2", FWP_ACTION_CALLOUT_INSPECTION, |_, _| {
        answer(FWP_ACTION_BLOCK, true, false);
        connect(1);
    };
    absorbing_what_is_permitted: "F-2", FWP_ACTION_CALLOUT_TERMINATING, |_, _| {
        answer(FWP_ACTION_PERMIT, false, true);
        connect(1);
    };
    an_action_that_is_none: "F-2", FWP_ACTION_CALLOUT_TERMINATING, |_, _| {
        answer(0x4242, false, false);
        connect(1);
    };
    permitting_without_the_right: "F-2", FWP_ACTION_CALLOUT_TERMINATING, |_, engine| {
        // A heavier sublayer blocks hard, so that the callout comes second and without the right.
        // SAFETY: see above.
        unsafe {
            let mut above: FWPM_SUBLAYER0 = std::mem::zeroed();
            above.subLayerKey = ddk::guid(0x4444);
            above.displayData = display();
            above.weight = 0xffff;
            assert_eq!(FwpmSubLayerAdd0(engine, &raw const above, std::ptr::null_mut()), STATUS_SUCCESS);
        }
        let mut block = filter(FWP_ACTION_BLOCK);
        block.subLayerKey = ddk::guid(0x4444);
        assert_eq!(add_filter(engine, &block).0, STATUS_SUCCESS);
        answer(FWP_ACTION_PERMIT, false, false);
        connect(1);
    };
    a_server_name_in_the_kernel: "F-11", FWP_ACTION_CALLOUT_TERMINATING, |_, _| {
        let mut out = std::ptr::null_mut();
        // SAFETY: see above.
        unsafe { FwpmEngineOpen0(NAME.as_ptr(), 10, std::ptr::null_mut(), std::ptr::null(), &raw mut out) };
    };
}

#[test]
fn a_context_is_handed_back_once_and_keeps_the_callout_busy() {
    child::test("a_context_is_handed_back_once_and_keeps_the_callout_busy", || {
        let machine = machine();
        let id = register(true);
        let layer = FWPS_LAYER_ALE_AUTH_CONNECT_V4 as u16;
        let mut edge = lab::edge::Edge::new([], lab::edge::ProcessMap::default());
        // SAFETY: see above.
        unsafe {
            assert_eq!(FwpsFlowAssociateContext0(99, layer, id, 5), STATUS_INVALID_PARAMETER, "no such flow");
            lab::fwp::begin_flow(7);
            assert_eq!(FwpsFlowAssociateContext0(7, layer, id, 0), STATUS_INVALID_PARAMETER);
            assert_eq!(FwpsFlowAssociateContext0(7, layer, id, 5), STATUS_SUCCESS);
            assert_eq!(FwpsFlowAssociateContext0(7, layer, id, 6), STATUS_OBJECT_NAME_EXISTS);
            assert_eq!(FwpsCalloutUnregisterById0(id), STATUS_DEVICE_BUSY);
            assert_eq!(FwpsFlowRemoveContext0(7, layer, id), STATUS_SUCCESS);
            assert_eq!(DELETED.load(Ordering::Relaxed), 5);
            assert_eq!(FwpsFlowRemoveContext0(7, layer, id), STATUS_UNSUCCESSFUL);
            assert_eq!(FwpsFlowAssociateContext0(7, layer, id, 10), STATUS_SUCCESS);
            lab::fwp::end_flow(7);
            assert_eq!((DELETED.load(Ordering::Relaxed), lab::fwp::contexts()), (15, 0));
            assert_eq!(FwpsCalloutUnregisterById0(id), STATUS_SUCCESS);
        }
        edge.finish();
        finish(machine);
    });
}
