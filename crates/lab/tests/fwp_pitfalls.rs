//! What has gone wrong in callout drivers, as far as it is the filter engine's to show: the names begin with the number
//! in the checklist of `tests/README.md`.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod fwp_mock;

use std::ffi::c_void;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use ddk::fwp::*;
use ddk::ndis::NET_BUFFER_LIST;
use ddk::nt::*;
use fwp_mock::*;
use lab::child::{self, Status};
use lab::edge::{Edge, Verdict};
use lab::fwp::{Indication, Value};

// SAFETY of every `unsafe` block below: the lab calls the callbacks with valid arguments, and the functions called are
// the lab's exports, whose contracts the tests keep except where they break one on purpose.

static INJECTOR: AtomicUsize = AtomicUsize::new(0);
static SEEN: Mutex<Vec<u64>> = Mutex::new(Vec::new());
const SYN: u8 = 2;
const ACK: u8 = 16;
const FIN: u8 = 1;

fn stop(mut edge: Edge, driver: Driver, machine: lab::Machine) {
    edge.finish();
    drop(edge);
    driver.stop();
    finish(machine);
}

unsafe extern "win64" fn classify_batch(
    _: *const FWPS_INCOMING_VALUES0,
    _: *const FWPS_INCOMING_METADATA_VALUES0,
    data: *mut c_void,
    _: *const c_void,
    _: *const FWPS_FILTER2,
    _: u64,
    out: *mut FWPS_CLASSIFY_OUT0,
) {
    let (mut clone, null) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: see above.
    unsafe {
        let status = fwpk::FwpsAllocateCloneNetBufferList0(data.cast(), null, null, 0, &raw mut clone);
        SEEN.lock().unwrap().push(status as u32 as u64);
        (*out).actionType = FWP_ACTION_PERMIT;
    }
}

unsafe extern "win64" fn notify(_: i32, _: *const GUID, _: *mut FWPS_FILTER2) -> i32 {
    STATUS_SUCCESS
}

#[test]
fn e51_a_callout_that_takes_batches_cannot_clone() {
    child::test("e51_a_callout_that_takes_batches_cannot_clone", || {
        let machine = machine();
        // The mock's own callout, registered again with other flags.
        let driver = Driver::start(&[FWPM_LAYER_OUTBOUND_MAC_FRAME_ETHERNET], |_| {});
        // SAFETY: see above.
        unsafe {
            assert_eq!(fwpk::FwpsCalloutUnregisterById0(driver.callouts[0]), STATUS_SUCCESS);
            let callout = FWPS_CALLOUT2 {
                calloutKey: ddk::guid(0x6000),
                flags: FWP_CALLOUT_FLAG_ALLOW_L2_BATCH_CLASSIFY,
                classifyFn: Some(classify_batch),
                notifyFn: Some(notify),
                flowDeleteFn: None,
            };
            let mut id = 0;
            let device = (&raw mut id).cast();
            assert_eq!(fwpk::FwpsCalloutRegister2(device, &raw const callout, &raw mut id), STATUS_SUCCESS);
        }
        let (mut edge, interface) = edge();
        assert_eq!(edge.outbound(&interface, &udp(true, b"x"), 1), Verdict::Pass);
        assert_eq!(*SEEN.lock().unwrap(), [u64::from(STATUS_INVALID_PARAMETER as u32)]);
        stop(edge, driver, machine);
    });
}

#[test]
fn e60_a_packet_that_waits_for_its_authorisation_says_so() {
    child::test("e60_a_packet_that_waits_for_its_authorisation_says_so", || {
        let machine = machine();
        let layers = [FWPM_LAYER_INBOUND_TRANSPORT_V4, FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4];
        let driver = Driver::start(&layers, |seen| {
            let required = seen.has(FWPS_METADATA_FIELD_ALE_CLASSIFY_REQUIRED);
            SEEN.lock().unwrap().push((seen.layer as u64) << 8 | u64::from(required));
            seen.permit();
        });
        let (mut edge, interface) = edge();
        let frame = udp(false, b"first");
        assert_eq!(edge.inbound(&interface, &frame, 1), Verdict::Pass);
        assert_eq!(edge.inbound(&interface, &frame, 2), Verdict::Pass);
        let (transport, accept) =
            (FWPS_LAYER_INBOUND_TRANSPORT_V4 as u64, FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4 as u64);
        assert_eq!(*SEEN.lock().unwrap(), [transport << 8 | 1, accept << 8, transport << 8]);
        stop(edge, driver, machine);
    });
}

unsafe extern "win64" fn free_clone(_: *mut c_void, list: *mut NET_BUFFER_LIST, _: u8) {
    // SAFETY: see above.
    unsafe { fwpk::FwpsFreeCloneNetBufferList0(list, 0) };
}

#[test]
fn e61_tcp_is_injected_from_a_classify_of_its_transport_layer() {
    child::expect(
        "e61_tcp_is_injected_from_a_classify_of_its_transport_layer",
        Status::Verifier,
        "F-5",
        || {
            let _machine = machine();
            let _driver = Driver::start(&[FWPM_LAYER_OUTBOUND_TRANSPORT_V4], |seen| {
                let injector = INJECTOR.load(Ordering::Relaxed) as HANDLE;
                let (clone, null) = (clone(seen.list()), std::ptr::null_mut());
                let endpoint = seen.meta.transportEndpointHandle;
                // SAFETY: see above.
                unsafe {
                    let mut arguments: FWPS_TRANSPORT_SEND_PARAMS1 = std::mem::zeroed();
                    arguments.remoteAddress = REMOTE.as_ptr().cast_mut();
                    let (arguments, done) = (&raw mut arguments, Some(free_clone as _));
                    let _ = fwpk::FwpsInjectTransportSendAsync1(
                        injector, null, endpoint, 0, arguments, 2, 1, clone, done, null,
                    );
                }
                seen.block(true);
            });
            INJECTOR.store(injector(2, FWPS_INJECTION_TYPE_TRANSPORT) as usize, Ordering::Relaxed);
            let (mut edge, interface) = edge();
            edge.outbound(&interface, &tcp(true, SYN, 1, b""), 1);
        },
    );
}

/// Injects a received packet whose IP header has this checksum more than the right one; whether it is delivered.
fn delivered(wrong_by: u16) -> bool {
    let driver = Driver::start(&[FWPM_LAYER_INBOUND_IPPACKET_V4], |seen| seen.permit());
    let injector = injector(2, FWPS_INJECTION_TYPE_NETWORK);
    let (mut edge, interface) = edge();
    assert_eq!(edge.outbound(&interface, &udp(true, b"question"), 1), Verdict::Pass);
    let mut packet = udp(false, b"answer").split_off(14);
    let checksum = u16::from_be_bytes([packet[10], packet[11]]).wrapping_add(wrong_by);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    let list = made(driver.pool, &packet);
    unsafe extern "win64" fn completed(_: *mut c_void, list: *mut NET_BUFFER_LIST, _: u8) {
        free_made(list);
    }
    let null = std::ptr::null_mut();
    // SAFETY: see above.
    let status = unsafe {
        fwpk::FwpsInjectNetworkReceiveAsync0(injector, null, 0, 1, 7, 0, list, Some(completed), null)
    };
    assert_eq!(status, STATUS_SUCCESS);
    edge.pump();
    let emitted = edge.take_emitted().len();
    destroy(injector);
    edge.finish();
    drop(edge);
    driver.stop();
    emitted == 1
}

#[test]
fn e63_a_received_packet_is_injected_with_a_right_checksum_or_lost() {
    child::test("e63_a_received_packet_is_injected_with_a_right_checksum_or_lost", || {
        let machine = machine();
        assert!(delivered(0));
        assert!(!delivered(1));
        finish(machine);
    });
}

#[test]
fn e64_the_ip_layers_see_fragments_and_the_datagram_layer_sees_flows() {
    child::test("e64_the_ip_layers_see_fragments_and_the_datagram_layer_sees_flows", || {
        const IS_FRAGMENT: u64 = 0x20;
        let machine = machine();
        let driver = Driver::start(&[FWPM_LAYER_INBOUND_IPPACKET_V4, FWPM_LAYER_DATAGRAM_DATA_V4], |seen| {
            let at_ip = seen.layer == FWPS_LAYER_INBOUND_IPPACKET_V4;
            let field =
                if at_ip { FWPS_FIELD_INBOUND_IPPACKET_V4_FLAGS } else { FWPS_FIELD_DATAGRAM_DATA_V4_FLAGS };
            // SAFETY: see above.
            let flags = u64::from(unsafe { seen.values[field as usize].value.u.uint32 });
            let fragment = seen.has(FWPS_METADATA_FIELD_FRAGMENT_DATA);
            assert_eq!(fragment, at_ip && flags & IS_FRAGMENT != 0);
            let flow = seen.has(FWPS_METADATA_FIELD_FLOW_HANDLE);
            SEEN.lock().unwrap().push((seen.layer as u64) << 16 | u64::from(flow) << 8 | flags);
            seen.permit();
        });
        let (mut edge, interface) = edge();
        // A whole datagram, then the first and the second half of another one.
        let whole = udp(false, &[7; 16]);
        let mut first = udp(false, &[8; 16]);
        first[18..22].copy_from_slice(&[0x12, 0x34, 0x20, 0x00]);
        let mut second = first.clone();
        second[20..22].copy_from_slice(&[0x00, 0x03]);
        for frame in [&whole, &first, &second] {
            assert_eq!(edge.inbound(&interface, frame, 1), Verdict::Pass);
        }
        let (ip, datagram) = (FWPS_LAYER_INBOUND_IPPACKET_V4 as u64, FWPS_LAYER_DATAGRAM_DATA_V4 as u64);
        let seen = std::mem::take(&mut *SEEN.lock().unwrap());
        let at_ip: Vec<u64> = seen.iter().copied().filter(|fact| fact >> 16 == ip).collect();
        assert_eq!(
            at_ip,
            [ip << 16, ip << 16 | IS_FRAGMENT, ip << 16 | IS_FRAGMENT],
            "no flows, but fragments"
        );
        assert_eq!(seen[1] & !0xff, datagram << 16 | 1 << 8, "a flow");
        stop(edge, driver, machine);
    });
}

/// Flags and bytes of every indication of a stream.
fn note_stream(seen: &mut Seen<'_>) {
    // SAFETY: see above.
    let data = unsafe { &*(*seen.data.cast::<FWPS_STREAM_CALLOUT_IO_PACKET0>()).streamData };
    assert_eq!(data.netBufferListChain.is_null(), data.dataLength == 0);
    SEEN.lock().unwrap().push(u64::from(data.flags) << 16 | data.dataLength);
    seen.permit();
}

#[test]
fn e65_the_end_of_a_stream_is_shown_with_data_and_without() {
    child::test("e65_the_end_of_a_stream_is_shown_with_data_and_without", || {
        let machine = machine();
        let driver = Driver::start(&[FWPM_LAYER_STREAM_V4], note_stream);
        let (mut edge, interface) = edge();
        assert_eq!(edge.outbound(&interface, &tcp(true, SYN, 99, b""), 1), Verdict::Pass);
        assert_eq!(edge.inbound(&interface, &tcp(false, SYN | ACK, 499, b""), 2), Verdict::Pass);
        assert_eq!(edge.outbound(&interface, &tcp(true, ACK | FIN, 100, b"bye"), 3), Verdict::Pass);
        assert_eq!(edge.inbound(&interface, &tcp(false, ACK, 500, b"more"), 4), Verdict::Pass);
        assert_eq!(edge.inbound(&interface, &tcp(false, ACK | FIN, 504, b""), 5), Verdict::Pass);
        let (send, receive) = (FWPS_STREAM_FLAG_SEND, FWPS_STREAM_FLAG_RECEIVE);
        let expected = [
            (send | FWPS_STREAM_FLAG_SEND_DISCONNECT, 3),
            (receive, 4),
            (receive | FWPS_STREAM_FLAG_RECEIVE_DISCONNECT, 0),
        ];
        assert_eq!(*SEEN.lock().unwrap(), expected.map(|(flags, length)| u64::from(flags) << 16 | length));
        stop(edge, driver, machine);
    });
}

static FLOW: AtomicU64 = AtomicU64::new(0);

fn associate(driver: &Driver, flow: u64, context: u64) -> NTSTATUS {
    let layer = FWPS_LAYER_ALE_AUTH_CONNECT_V4 as u16;
    // SAFETY: see above.
    unsafe { fwpk::FwpsFlowAssociateContext0(flow, layer, driver.callouts[0], context) }
}

fn remove(callout: u32, flow: u64) -> NTSTATUS {
    // SAFETY: see above.
    unsafe { fwpk::FwpsFlowRemoveContext0(flow, FWPS_LAYER_ALE_AUTH_CONNECT_V4 as u16, callout) }
}

#[test]
fn e70_a_context_is_handed_back_at_once_or_when_no_classify_runs() {
    child::test("e70_a_context_is_handed_back_at_once_or_when_no_classify_runs", || {
        let machine = machine();
        let driver = Driver::start(&[FWPM_LAYER_ALE_AUTH_CONNECT_V4], |seen| {
            let callout = seen.filter.action.calloutId;
            assert_eq!(seen.context, 5, "the context of the flow");
            assert_eq!(remove(callout, FLOW.load(Ordering::Relaxed)), STATUS_PENDING);
            // SAFETY: see above.
            let busy = unsafe { fwpk::FwpsCalloutUnregisterById0(callout) };
            assert_eq!(busy, STATUS_DEVICE_BUSY, "the context is not handed back yet");
            assert!(DELETED.lock().unwrap().is_empty());
            assert_eq!(remove(callout, FLOW.load(Ordering::Relaxed)), STATUS_UNSUCCESSFUL, "it is gone");
            seen.permit();
        });
        for flow in [7, 8] {
            lab::fwp::begin_flow(flow);
        }
        assert_eq!(associate(&driver, 8, 3), STATUS_SUCCESS);
        assert_eq!(remove(driver.callouts[0], 8), STATUS_SUCCESS);
        assert_eq!(std::mem::take(&mut *DELETED.lock().unwrap()), [3], "inside the call");
        assert_eq!(remove(driver.callouts[0], 8), STATUS_UNSUCCESSFUL);

        assert_eq!(associate(&driver, 7, 5), STATUS_SUCCESS);
        FLOW.store(7, Ordering::Relaxed);
        let layer = FWPS_LAYER_ALE_AUTH_CONNECT_V4 as u16;
        let values = vec![Value::Empty; lab::fwp::field_count(layer)];
        // SAFETY: integers and nullable pointers.
        let metadata = unsafe { std::mem::zeroed() };
        let data = std::ptr::null_mut();
        lab::fwp::classify(&Indication { layer, values: &values, metadata: &metadata, data, flow: 7 });
        assert_eq!(*DELETED.lock().unwrap(), [5], "when the classify had returned");
        for flow in [7, 8] {
            lab::fwp::end_flow(flow);
        }
        assert_eq!(DELETED.lock().unwrap().len(), 1, "once");
        driver.stop();
        finish(machine);
    });
}
