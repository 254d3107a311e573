//! Decisions that callouts put off: pended operations, classify handles, redirection, and their rules.

mod fwp_mock;

use std::ffi::c_void;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use ddk::fwp::*;
use ddk::ndis::NET_BUFFER_LIST;
use ddk::nt::*;
use fwp_mock::*;
use lab::child::{self, Status};
use lab::edge::Verdict;

// SAFETY of every `unsafe` block below: the lab calls the callbacks with valid arguments, and the functions
// called are the lab's exports, whose contracts the tests keep except where they break one on purpose.

static PENDED: AtomicUsize = AtomicUsize::new(0);
static HANDLE_64: AtomicU64 = AtomicU64::new(0);
static INJECTOR: AtomicUsize = AtomicUsize::new(0);
static CLONE: AtomicUsize = AtomicUsize::new(0);
/// Layer and FLAGS of every classify.
static ASKED: Mutex<Vec<(i32, u32)>> = Mutex::new(Vec::new());

const CONNECT: i32 = FWPS_LAYER_ALE_AUTH_CONNECT_V4;
const ACCEPT: i32 = FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4;
const SYN: u8 = 2;
const ACK: u8 = 16;
const FIN: u8 = 1;
const IS_REAUTHORIZE: u32 = 4;

fn pended() -> HANDLE {
    PENDED.load(Ordering::Relaxed) as HANDLE
}

fn complete() {
    // SAFETY: see above.
    unsafe { fwpk::FwpsCompleteOperation0(pended(), std::ptr::null_mut()) };
}

fn uint32(seen: &Seen<'_>, field: i32) -> u32 {
    let value = &seen.values[field as usize].value;
    assert_eq!(value.r#type, FWP_UINT32);
    // SAFETY: see above.
    unsafe { value.u.uint32 }
}

fn pend(seen: &mut Seen<'_>) -> i32 {
    assert!(seen.has(FWPS_METADATA_FIELD_COMPLETION_HANDLE));
    let mut context = std::ptr::null_mut();
    // SAFETY: see above.
    let status = unsafe { fwpk::FwpsPendOperation0(seen.meta.completionHandle, &raw mut context) };
    if status == STATUS_SUCCESS {
        PENDED.store(context as usize, Ordering::Relaxed);
    }
    status
}

fn acquire(seen: &Seen<'_>) -> u64 {
    let mut handle = 0;
    // SAFETY: see above.
    let status = unsafe { fwpk::FwpsAcquireClassifyHandle0(seen.token.cast_mut(), 0, &raw mut handle) };
    assert_eq!(status, STATUS_SUCCESS);
    HANDLE_64.store(handle, Ordering::Relaxed);
    handle
}

/// Puts every first authorisation of a connect off; the second one is permitted.
fn pend_connect(seen: &mut Seen<'_>) {
    let flags = uint32(seen, FWPS_FIELD_ALE_AUTH_CONNECT_V4_FLAGS);
    ASKED.lock().unwrap().push((seen.layer, flags));
    if flags & IS_REAUTHORIZE != 0 {
        assert_eq!(pend(seen), STATUS_FWP_CANNOT_PEND, "P1");
        let reason = uint32(seen, FWPS_FIELD_ALE_AUTH_CONNECT_V4_REAUTHORIZE_REASON);
        assert_eq!(reason, 0x10, "CLASSIFY_COMPLETION");
        return seen.permit();
    }
    assert_eq!(pend(seen), STATUS_SUCCESS);
    seen.block(true);
}

#[test]
fn a_pended_connect_goes_on_when_it_is_completed() {
    child::test("a_pended_connect_goes_on_when_it_is_completed", || {
        let machine = machine();
        let driver = Driver::start(&[FWPM_LAYER_ALE_AUTH_CONNECT_V4], pend_connect);
        let (mut edge, interface) = edge();
        let syn = tcp(true, SYN, 1, b"");
        assert_eq!(edge.outbound(&interface, &syn, 1), Verdict::Blocked("ALE_AUTH_CONNECT"));
        assert_eq!(edge.outbound(&interface, &syn, 2), Verdict::Blocked("ALE_AUTH_CONNECT"), "a retry waits");
        assert_eq!(ASKED.lock().unwrap().len(), 1);
        complete();
        edge.pump();
        assert_eq!(*ASKED.lock().unwrap(), [(CONNECT, 0), (CONNECT, IS_REAUTHORIZE)]);
        let emitted = edge.take_emitted();
        assert_eq!(emitted.len(), 1, "the SYN goes out");
        assert_eq!(emitted[0].frame, syn);
        assert_eq!(edge.inbound(&interface, &tcp(false, SYN | ACK, 1, b""), 3), Verdict::Pass);
        assert_eq!(edge.outbound(&interface, &tcp(true, ACK, 2, b"x"), 4), Verdict::Pass);
        assert_eq!(ASKED.lock().unwrap().len(), 2);
        assert_eq!(edge.stats().established, 1);
        edge.finish();
        drop(edge);
        driver.stop();
        finish(machine);
    });
}

unsafe extern "win64" fn free_clone(header: *mut c_void, list: *mut NET_BUFFER_LIST, _: u8) {
    // SAFETY: see above.
    unsafe {
        let nb = (*list).FirstNetBuffer;
        lab::ndis::exports::NdisAdvanceNetBufferDataStart(nb, header as usize as u32, 1, None);
        fwpk::FwpsFreeCloneNetBufferList0(list, 0);
    }
}

/// Takes the packet of every accept aside, and permits it when it comes back.
fn pend_accept(seen: &mut Seen<'_>) {
    let injector = INJECTOR.load(Ordering::Relaxed) as HANDLE;
    // SAFETY: see above.
    let state = unsafe { fwpk::FwpsQueryPacketInjectionState0(injector, seen.list(), std::ptr::null_mut()) };
    ASKED.lock().unwrap().push((seen.layer, state as u32));
    if state != FWPS_PACKET_NOT_INJECTED {
        return seen.permit();
    }
    assert_eq!(pend(seen), STATUS_SUCCESS);
    CLONE.store(clone(seen.list()) as usize, Ordering::Relaxed);
    seen.block(true);
}

#[test]
fn a_pended_accept_is_asked_again_for_the_injected_clone() {
    child::test("a_pended_accept_is_asked_again_for_the_injected_clone", || {
        let machine = machine();
        let driver = Driver::start(&[FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4], pend_accept);
        let injector = injector(2, FWPS_INJECTION_TYPE_TRANSPORT);
        INJECTOR.store(injector as usize, Ordering::Relaxed);
        let (mut edge, interface) = edge();
        let frame = udp(false, b"query");
        assert_eq!(edge.inbound(&interface, &frame, 1), Verdict::Blocked("ALE_AUTH_RECV_ACCEPT"));
        complete();
        let headers = 28;
        let null = std::ptr::null_mut();
        let clone = CLONE.load(Ordering::Relaxed) as *mut NET_BUFFER_LIST;
        // SAFETY: see above.
        unsafe {
            let nb = (*clone).FirstNetBuffer;
            assert_eq!(bytes_of(clone), b"query", "§4.1: at the payload");
            let status = lab::ndis::exports::NdisRetreatNetBufferDataStart(nb, headers, 0, None);
            assert_eq!(status, STATUS_SUCCESS);
            let start = (*(*nb).CurrentMdl).MappedSystemVa.cast::<u8>();
            start.copy_from_nonoverlapping(frame[14..].as_ptr(), headers as usize);
            let context = headers as usize as HANDLE;
            let complete: FWPS_INJECT_COMPLETE0 = Some(free_clone);
            let status = fwpk::FwpsInjectTransportReceiveAsync0(
                injector, null, null, 0, 2, 1, 7, 0, clone, complete, context,
            );
            assert_eq!(status, STATUS_SUCCESS);
        }
        edge.pump();
        assert_eq!(*ASKED.lock().unwrap(), [(ACCEPT, 0), (ACCEPT, 1)]);
        let emitted = edge.take_emitted();
        assert_eq!(emitted.len(), 1, "it is delivered");
        assert_eq!(emitted[0].frame, frame[14..]);
        assert_eq!(edge.inbound(&interface, &frame, 2), Verdict::Pass, "the flow is authorised");
        destroy(injector);
        edge.finish();
        drop(edge);
        driver.stop();
        finish(machine);
    });
}

/// Puts every endpoint closure off.
fn pend_closure(seen: &mut Seen<'_>) {
    if seen.layer == CONNECT {
        assert_eq!(
            // SAFETY: see above.
            unsafe { fwpk::FwpsPendClassify0(acquire(seen), seen.filter.filterId, 0, seen.out) },
            STATUS_FWP_CANNOT_PEND
        );
        // SAFETY: see above.
        unsafe { fwpk::FwpsReleaseClassifyHandle0(HANDLE_64.load(Ordering::Relaxed)) };
        return seen.permit();
    }
    let handle = acquire(seen);
    // SAFETY: see above.
    let status = unsafe { fwpk::FwpsPendClassify0(handle, seen.filter.filterId, 0, seen.out) };
    assert_eq!(status, STATUS_SUCCESS);
    assert_eq!(seen.out.actionType, FWP_ACTION_BLOCK);
}

#[test]
fn a_pended_closure_keeps_the_flow() {
    child::test("a_pended_closure_keeps_the_flow", || {
        let machine = machine();
        let layers = [FWPM_LAYER_ALE_ENDPOINT_CLOSURE_V4, FWPM_LAYER_ALE_AUTH_CONNECT_V4];
        let driver = Driver::start(&layers, pend_closure);
        let (mut edge, interface) = edge();
        edge.outbound(&interface, &tcp(true, SYN, 1, b""), 1);
        edge.inbound(&interface, &tcp(false, SYN | ACK, 1, b""), 2);
        edge.outbound(&interface, &tcp(true, FIN | ACK, 2, b""), 3);
        edge.inbound(&interface, &tcp(false, FIN | ACK, 2, b""), 4);
        edge.outbound(&interface, &tcp(true, ACK, 3, b""), 5);
        let stats = edge.stats();
        assert_eq!((stats.closures, stats.releases), (1, 0), "{stats:?}");
        // SAFETY: see above.
        unsafe {
            fwpk::FwpsCompleteClassify0(HANDLE_64.load(Ordering::Relaxed), 0, std::ptr::null());
            fwpk::FwpsReleaseClassifyHandle0(HANDLE_64.load(Ordering::Relaxed));
        }
        edge.pump();
        assert_eq!(edge.stats().releases, 1);
        edge.finish();
        drop(edge);
        driver.stop();
        finish(machine);
    });
}

static REDIRECTOR: AtomicUsize = AtomicUsize::new(0);

/// Sends every connection to 203.0.113.9:3128.
fn redirect(seen: &mut Seen<'_>) {
    ASKED.lock().unwrap().push((seen.layer, 0));
    seen.permit();
    if seen.layer == CONNECT {
        let remote = uint32(seen, FWPS_FIELD_ALE_AUTH_CONNECT_V4_IP_REMOTE_ADDRESS);
        assert_eq!(remote.to_be_bytes(), [203, 0, 113, 9]);
        return;
    }
    if seen.layer != FWPS_LAYER_ALE_CONNECT_REDIRECT_V4 {
        return;
    }
    let redirector = REDIRECTOR.load(Ordering::Relaxed) as HANDLE;
    // SAFETY: see above.
    unsafe {
        let records = if seen.has(FWPS_METADATA_FIELD_REDIRECT_RECORD_HANDLE) {
            seen.meta.redirectRecords
        } else {
            std::ptr::null_mut()
        };
        let state = fwpk::FwpsQueryConnectionRedirectState0(records, redirector, std::ptr::null_mut());
        assert_eq!(state, FWPS_CONNECTION_NOT_REDIRECTED);
        let handle = acquire(seen);
        let mut data = std::ptr::null_mut();
        let filter = seen.filter.filterId;
        let status = fwpk::FwpsAcquireWritableLayerDataPointer0(handle, filter, 0, &raw mut data, seen.out);
        assert_eq!((status, seen.out.actionType), (STATUS_SUCCESS, FWP_ACTION_BLOCK));
        let request = data.cast::<FWPS_CONNECT_REQUEST0>();
        assert_eq!((*request).modifierFilterId, filter);
        let address = (&raw mut (*request).remoteAddressAndPort).cast::<[u8; 8]>();
        assert_eq!(*address, [2, 0, 0, 80, 198, 51, 100, 7]);
        *address = [2, 0, 0x0c, 0x38, 203, 0, 113, 9];
        (*request).localRedirectHandle = redirector;
        fwpk::FwpsApplyModifiedLayerData0(handle, data, 0);
        fwpk::FwpsReleaseClassifyHandle0(handle);
    }
    seen.out.actionType = FWP_ACTION_PERMIT;
    seen.out.rights |= FWPS_RIGHT_ACTION_WRITE;
}

#[test]
fn a_connection_is_redirected_before_it_is_authorised() {
    child::test("a_connection_is_redirected_before_it_is_authorised", || {
        let machine = machine();
        let layers = [
            FWPM_LAYER_ALE_CONNECT_REDIRECT_V4,
            FWPM_LAYER_ALE_AUTH_CONNECT_V4,
            FWPM_LAYER_ALE_BIND_REDIRECT_V4,
            FWPM_LAYER_ALE_RESOURCE_ASSIGNMENT_V4,
        ];
        let driver = Driver::start(&layers, redirect);
        let mut redirector = std::ptr::null_mut();
        // SAFETY: see above.
        let status = unsafe { fwpk::FwpsRedirectHandleCreate0(&raw const SUBLAYER, 0, &raw mut redirector) };
        assert_eq!(status, STATUS_SUCCESS);
        REDIRECTOR.store(redirector as usize, Ordering::Relaxed);
        let (mut edge, interface) = edge();
        assert_eq!(edge.outbound(&interface, &tcp(true, SYN, 1, b""), 1), Verdict::Pass);
        let order: Vec<i32> = ASKED.lock().unwrap().iter().map(|(layer, _)| *layer).collect();
        let expected = [
            FWPS_LAYER_ALE_BIND_REDIRECT_V4,
            FWPS_LAYER_ALE_RESOURCE_ASSIGNMENT_V4,
            FWPS_LAYER_ALE_CONNECT_REDIRECT_V4,
            CONNECT,
        ];
        assert_eq!(order, expected);
        let target = (IpAddr::from([203, 0, 113, 9]), 3128);
        assert_eq!(edge.redirected(), [((IpAddr::from(REMOTE), 80), target)]);
        // SAFETY: see above.
        unsafe { fwpk::FwpsRedirectHandleDestroy0(redirector) };
        edge.finish();
        drop(edge);
        driver.stop();
        finish(machine);
    });
}

#[test]
fn a_socket_is_bound_and_listens_before_it_accepts() {
    child::test("a_socket_is_bound_and_listens_before_it_accepts", || {
        let machine = machine();
        let layers = [
            FWPM_LAYER_ALE_AUTH_LISTEN_V4,
            FWPM_LAYER_ALE_RESOURCE_ASSIGNMENT_V4,
            FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4,
        ];
        let driver = Driver::start(&layers, |seen| {
            ASKED.lock().unwrap().push((seen.layer, 0));
            seen.permit();
            if seen.layer == FWPS_LAYER_ALE_AUTH_LISTEN_V4 {
                // SAFETY: see above.
                let port = unsafe {
                    seen.values[FWPS_FIELD_ALE_AUTH_LISTEN_V4_IP_LOCAL_PORT as usize].value.u.uint16
                };
                assert_eq!(port, 5000);
                seen.block(false);
            }
        });
        let (mut edge, interface) = edge();
        let syn = tcp(false, SYN, 1, b"");
        assert_eq!(edge.inbound(&interface, &syn, 1), Verdict::Blocked("ALE_AUTH_LISTEN"));
        let order: Vec<i32> = ASKED.lock().unwrap().iter().map(|(layer, _)| *layer).collect();
        assert_eq!(order, [FWPS_LAYER_ALE_RESOURCE_ASSIGNMENT_V4, FWPS_LAYER_ALE_AUTH_LISTEN_V4]);
        edge.finish();
        drop(edge);
        driver.stop();
        finish(machine);
    });
}

#[test]
fn what_is_pended_for_ever_is_listed() {
    let exit = child::run("what_is_pended_for_ever_is_listed", || {
        let machine = machine();
        let driver = Driver::start(&[FWPM_LAYER_ALE_AUTH_CONNECT_V4], |seen| {
            pend(seen);
            acquire(seen);
            seen.block(true);
        });
        connect();
        driver.stop();
        machine.finish();
    });
    if !child::is_child() {
        let rules: Vec<&str> = exit.report.leaks.iter().map(|leak| leak.rule.as_str()).collect();
        assert_eq!(rules, ["F-7", "F-7"], "{:?}\n{}", exit.report.leaks, exit.log);
    }
}

fn connect() {
    let (mut edge, interface) = edge();
    edge.outbound(&interface, &tcp(true, SYN, 1, b""), 1);
    edge.finish();
}

macro_rules! broken_rules {
    ($($name:ident: $rule:literal, $layer:ident, $classify:expr, $afterwards:expr;)*) => { $(
        #[test]
        fn $name() {
            child::expect(stringify!($name), Status::Verifier, $rule, || {
                let _machine = machine();
                let _driver = Driver::start(&[$layer], $classify);
                connect();
                let afterwards: fn() = $afterwards;
                afterwards();
            });
        }
    )* };
}

fn write_request(seen: &mut Seen<'_>) -> (u64, *mut c_void) {
    let handle = acquire(seen);
    let mut data = std::ptr::null_mut();
    // SAFETY: see above.
    let status = unsafe {
        fwpk::FwpsAcquireWritableLayerDataPointer0(handle, seen.filter.filterId, 0, &raw mut data, seen.out)
    };
    assert_eq!(status, STATUS_SUCCESS);
    (handle, data)
}

broken_rules! {
    a_pended_connect_is_permitted: "F-7", FWPM_LAYER_ALE_AUTH_CONNECT_V4, |seen| {
        pend(seen);
        seen.permit();
    }, || ();
    an_operation_is_completed_twice: "F-7", FWPM_LAYER_ALE_AUTH_CONNECT_V4, |seen| {
        pend(seen);
        seen.block(true);
    }, || {
        complete();
        complete();
    };
    an_operation_is_completed_at_once: "F-7", FWPM_LAYER_ALE_AUTH_CONNECT_V4, |seen| {
        pend(seen);
        complete();
        seen.block(true);
    }, || ();
    an_operation_is_pended_twice: "F-7", FWPM_LAYER_ALE_AUTH_CONNECT_V4, |seen| {
        pend(seen);
        pend(seen);
    }, || ();
    a_completion_handle_is_kept: "F-7", FWPM_LAYER_ALE_AUTH_CONNECT_V4, |seen| {
        PENDED.store(seen.meta.completionHandle as usize, Ordering::Relaxed);
        seen.permit();
    }, || {
        let mut context = std::ptr::null_mut();
        // SAFETY: see above.
        let _ = unsafe { fwpk::FwpsPendOperation0(pended(), &raw mut context) };
    };
    a_classify_is_completed_unpended: "F-7", FWPM_LAYER_ALE_CONNECT_REDIRECT_V4, |seen| {
        acquire(seen);
        seen.permit();
    }, || {
        // SAFETY: see above.
        unsafe { fwpk::FwpsCompleteClassify0(HANDLE_64.load(Ordering::Relaxed), 0, std::ptr::null()) };
    };
    a_pended_classify_is_released: "F-7", FWPM_LAYER_ALE_CONNECT_REDIRECT_V4, |seen| {
        let handle = acquire(seen);
        // SAFETY: see above.
        unsafe {
            assert_eq!(fwpk::FwpsPendClassify0(handle, 0, 0, seen.out), STATUS_SUCCESS);
            fwpk::FwpsReleaseClassifyHandle0(handle);
        }
    }, || ();
    a_handle_is_released_twice: "F-7", FWPM_LAYER_ALE_CONNECT_REDIRECT_V4, |seen| {
        let handle = acquire(seen);
        // SAFETY: see above.
        unsafe {
            fwpk::FwpsReleaseClassifyHandle0(handle);
            fwpk::FwpsReleaseClassifyHandle0(handle);
        }
    }, || ();
    layer_data_are_not_applied: "F-13", FWPM_LAYER_ALE_CONNECT_REDIRECT_V4, |seen| {
        let (handle, _) = write_request(seen);
        // SAFETY: see above.
        unsafe { fwpk::FwpsReleaseClassifyHandle0(handle) };
    }, || ();
    layer_data_are_applied_twice: "F-13", FWPM_LAYER_ALE_CONNECT_REDIRECT_V4, |seen| {
        let (handle, data) = write_request(seen);
        // SAFETY: see above.
        unsafe {
            fwpk::FwpsApplyModifiedLayerData0(handle, data, 0);
            fwpk::FwpsApplyModifiedLayerData0(handle, data, 0);
        }
    }, || ();
    a_classify_context_is_kept: "F-13", FWPM_LAYER_ALE_CONNECT_REDIRECT_V4, |seen| {
        PENDED.store(seen.token as usize, Ordering::Relaxed);
        seen.permit();
    }, || {
        let mut handle = 0;
        // SAFETY: see above.
        let _ = unsafe { fwpk::FwpsAcquireClassifyHandle0(pended(), 0, &raw mut handle) };
    };
}
