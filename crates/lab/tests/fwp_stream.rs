//! The stream layer and the packets that callouts build: order, held data, deferral, headers, and the rules.

mod fwp_mock;

use std::ffi::c_void;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use ddk::fwp::*;
use ddk::ndis::NET_BUFFER_LIST;
use ddk::nt::*;
use fwp_mock::*;
use lab::child::{self, Status};
use lab::edge::{Edge, Interface, Verdict};

// SAFETY of every `unsafe` block below: the lab calls the callbacks with valid arguments, and the functions
// called are the lab's exports, whose contracts the tests keep except where they break one on purpose.

static SHOWN: Mutex<Vec<(bool, Vec<u8>)>> = Mutex::new(Vec::new());
static FLOW: AtomicU64 = AtomicU64::new(0);
static CLONE: AtomicUsize = AtomicUsize::new(0);

const SYN: u8 = 2;
const ACK: u8 = 16;
const FIN: u8 = 1;

fn packet<'a>(seen: &Seen<'_>) -> &'a mut FWPS_STREAM_CALLOUT_IO_PACKET0 {
    // SAFETY: see above.
    unsafe { &mut *seen.data.cast() }
}

/// The data shown, copied as a driver copies them.
fn copy(seen: &Seen<'_>) -> Vec<u8> {
    let packet = packet(seen);
    // SAFETY: see above.
    unsafe {
        let length = (*packet.streamData).dataLength;
        let (mut buffer, mut copied) = (vec![0; length as usize], 0);
        let data = packet.streamData;
        fwpk::FwpsCopyStreamDataToBuffer0(data, buffer.as_mut_ptr().cast(), length, &raw mut copied);
        assert_eq!(copied, length);
        buffer
    }
}

fn record(seen: &Seen<'_>) -> Vec<u8> {
    // SAFETY: see above.
    let flags = unsafe { (*packet(seen).streamData).flags };
    let outbound = flags & FWPS_STREAM_FLAG_SEND != 0;
    assert_eq!(outbound, flags & FWPS_STREAM_FLAG_RECEIVE == 0);
    FLOW.store(seen.meta.flowHandle, Ordering::Relaxed);
    let bytes = copy(seen);
    SHOWN.lock().unwrap().push((outbound, bytes.clone()));
    bytes
}

/// A connection whose handshake is done.
fn connected() -> (Edge, Interface) {
    let (mut edge, interface) = edge();
    assert_eq!(edge.outbound(&interface, &tcp(true, SYN, 99, b""), 1), Verdict::Pass);
    assert_eq!(edge.inbound(&interface, &tcp(false, SYN | ACK, 499, b""), 2), Verdict::Pass);
    assert_eq!(edge.outbound(&interface, &tcp(true, ACK, 100, b""), 3), Verdict::Pass);
    (edge, interface)
}

fn stop(mut edge: Edge, driver: Driver, machine: lab::Machine) {
    edge.finish();
    drop(edge);
    driver.stop();
    finish(machine);
}

#[test]
fn data_are_shown_once_and_in_both_directions() {
    child::test("data_are_shown_once_and_in_both_directions", || {
        let machine = machine();
        let driver = Driver::start(&[FWPM_LAYER_STREAM_V4], |seen| {
            record(seen);
            seen.permit();
        });
        let (mut edge, interface) = connected();
        let get = tcp(true, ACK, 100, b"GET /");
        assert_eq!(edge.outbound(&interface, &get, 4), Verdict::Pass);
        assert_eq!(edge.outbound(&interface, &get, 5), Verdict::Pass, "sent again");
        assert_eq!(edge.outbound(&interface, &tcp(true, ACK, 103, b" /index"), 6), Verdict::Pass);
        assert_eq!(edge.inbound(&interface, &tcp(false, ACK, 500, b"200"), 7), Verdict::Pass);
        let expected = [(true, b"GET /".to_vec()), (true, b"index".to_vec()), (false, b"200".to_vec())];
        assert_eq!(*SHOWN.lock().unwrap(), expected);
        stop(edge, driver, machine);
    });
}

#[test]
fn more_data_are_waited_for() {
    child::test("more_data_are_waited_for", || {
        let machine = machine();
        let driver = Driver::start(&[FWPM_LAYER_STREAM_V4], |seen| {
            let bytes = record(seen);
            if bytes.len() < 6 {
                let packet = packet(seen);
                packet.streamAction = FWPS_STREAM_ACTION_NEED_MORE_DATA;
                packet.countBytesRequired = 6 - bytes.len() as u32;
                seen.out.actionType = FWP_ACTION_NONE;
                return;
            }
            seen.permit();
        });
        let (mut edge, interface) = connected();
        let parts = [tcp(true, ACK, 100, b"ab"), tcp(true, ACK, 102, b"cd"), tcp(true, ACK, 104, b"ef")];
        assert_eq!(edge.outbound(&interface, &parts[0], 4), Verdict::Blocked("STREAM"));
        assert_eq!(edge.outbound(&interface, &parts[1], 5), Verdict::Blocked("STREAM"), "not asked");
        assert_eq!(edge.outbound(&interface, &parts[2], 6), Verdict::Pass);
        assert_eq!(*SHOWN.lock().unwrap(), [(true, b"ab".to_vec()), (true, b"abcdef".to_vec())]);
        let emitted: Vec<Vec<u8>> = edge.take_emitted().into_iter().map(|emitted| emitted.frame).collect();
        assert_eq!(emitted, parts[..2], "what was held goes first");
        stop(edge, driver, machine);
    });
}

#[test]
fn a_part_is_decided_and_the_rest_is_shown_again() {
    child::test("a_part_is_decided_and_the_rest_is_shown_again", || {
        let machine = machine();
        let driver = Driver::start(&[FWPM_LAYER_STREAM_V4], |seen| {
            let bytes = record(seen);
            if bytes.starts_with(b"bad") {
                return seen.block(false);
            }
            packet(seen).countBytesEnforced = 4;
            seen.permit();
        });
        let (mut edge, interface) = connected();
        let frame = tcp(true, ACK, 100, b"goodbad");
        assert_eq!(edge.outbound(&interface, &frame, 4), Verdict::Blocked("STREAM"));
        assert_eq!(*SHOWN.lock().unwrap(), [(true, b"goodbad".to_vec()), (true, b"bad".to_vec())]);
        assert!(edge.take_emitted().is_empty());
        stop(edge, driver, machine);
    });
}

#[test]
fn deferred_data_go_on_and_a_connection_is_dropped() {
    child::test("deferred_data_go_on_and_a_connection_is_dropped", || {
        let machine = machine();
        let driver = Driver::start(&[FWPM_LAYER_STREAM_V4], |seen| {
            let first = SHOWN.lock().unwrap().is_empty();
            let bytes = record(seen);
            seen.out.actionType = FWP_ACTION_NONE;
            if first {
                packet(seen).streamAction = FWPS_STREAM_ACTION_DEFER;
            } else if bytes == b"kill" {
                packet(seen).streamAction = FWPS_STREAM_ACTION_DROP_CONNECTION;
            } else {
                seen.permit();
            }
        });
        let (mut edge, interface) = connected();
        let parts = [tcp(false, ACK, 500, b"ab"), tcp(false, ACK, 502, b"cd")];
        for part in &parts {
            assert_eq!(edge.inbound(&interface, part, 4), Verdict::Blocked("STREAM"));
        }
        // SAFETY: see above.
        unsafe {
            let (flow, layer) = (FLOW.load(Ordering::Relaxed), FWPS_LAYER_STREAM_V4 as u16);
            let wrong = fwpk::FwpsStreamContinue0(flow, driver.callouts[0], layer, FWPS_STREAM_FLAG_SEND);
            assert_eq!(wrong, STATUS_INVALID_PARAMETER);
            let id = driver.callouts[0];
            let status = fwpk::FwpsStreamContinue0(flow, id, layer, FWPS_STREAM_FLAG_RECEIVE);
            assert_eq!(status, STATUS_SUCCESS);
        }
        edge.pump();
        assert_eq!(*SHOWN.lock().unwrap(), [(false, b"ab".to_vec()), (false, b"abcd".to_vec())]);
        let emitted: Vec<Vec<u8>> = edge.take_emitted().into_iter().map(|emitted| emitted.frame).collect();
        assert_eq!(emitted, parts);
        let kill = tcp(false, ACK, 504, b"kill");
        assert_eq!(edge.inbound(&interface, &kill, 5), Verdict::Blocked("STREAM"));
        assert_eq!(edge.stats().closures, 1);
        stop(edge, driver, machine);
    });
}

unsafe extern "win64" fn free_list(_: *mut c_void, list: *mut NET_BUFFER_LIST, _: u8) {
    free_made(list);
}

#[test]
fn data_are_cloned_and_injected() {
    child::test("data_are_cloned_and_injected", || {
        let machine = machine();
        let driver = Driver::start(&[FWPM_LAYER_STREAM_V4], |seen| {
            record(seen);
            let mut chain = std::ptr::null_mut();
            let null = std::ptr::null_mut();
            let data = packet(seen).streamData;
            // SAFETY: see above.
            let status = unsafe { fwpk::FwpsCloneStreamData0(data, null, null, 0, &raw mut chain) };
            assert_eq!(status, STATUS_SUCCESS);
            CLONE.store(chain as usize, Ordering::Relaxed);
            seen.permit();
        });
        let (mut edge, interface) = connected();
        assert_eq!(edge.outbound(&interface, &tcp(true, ACK, 100, b"kept"), 4), Verdict::Pass);
        let clone = CLONE.load(Ordering::Relaxed) as *mut NET_BUFFER_LIST;
        // SAFETY: see above.
        unsafe {
            assert_eq!(bytes_of(clone), b"kept");
            fwpk::FwpsDiscardClonedStreamData0(clone, 0, 0);
        }
        let injector = injector(0, FWPS_INJECTION_TYPE_STREAM);
        let list = made(driver.pool, b"own data");
        let (flow, null) = (FLOW.load(Ordering::Relaxed), std::ptr::null_mut());
        let (id, layer, flags) = (driver.callouts[0], FWPS_LAYER_STREAM_V4 as u16, FWPS_STREAM_FLAG_SEND);
        let complete: FWPS_INJECT_COMPLETE0 = Some(free_list);
        // SAFETY: see above.
        let status = unsafe {
            fwpk::FwpsStreamInjectAsync0(injector, null, 0, flow, id, layer, flags, list, 8, complete, null)
        };
        assert_eq!(status, STATUS_SUCCESS);
        edge.pump();
        let data = edge.take_stream_data();
        assert_eq!((data.len(), data[0].flow, &data[0].bytes[..]), (1, flow, &b"own data"[..]));
        assert_eq!(SHOWN.lock().unwrap().len(), 1, "the injector is not asked about its data");
        destroy(injector);
        stop(edge, driver, machine);
    });
}

#[test]
fn a_header_is_built_anew_and_goes_with_its_clone() {
    child::test("a_header_is_built_anew_and_goes_with_its_clone", || {
        let machine = machine();
        let driver = Driver::start(&[FWPM_LAYER_DATAGRAM_DATA_V4], |seen| {
            // Outbound datagrams start at their transport header.
            let clone = clone(seen.list());
            let (source, remote) = ([192, 0, 2, 9], REMOTE);
            let null = std::ptr::null_mut();
            // SAFETY: see above.
            unsafe {
                let mut information: FWPS_PACKET_LIST_INFORMATION0 = std::mem::zeroed();
                let out = &raw mut information;
                assert_eq!(fwpk::FwpsGetPacketListSecurityInformation0(clone, 0, out), STATUS_SUCCESS);
                assert_eq!(information.fwpInformation.isReinjected(), 0);
                let (from, to) = (source.as_ptr(), remote.as_ptr());
                let none = std::ptr::null();
                for old in [0, 20] {
                    let status = fwpk::FwpsConstructIpHeaderForTransportPacket0(
                        clone, old, 2, from, to, 17, 0, none, 0, 0, null, 7, 0,
                    );
                    assert_eq!(status, STATUS_SUCCESS);
                    let all = lab_bytes(clone);
                    assert_eq!((all[0], all[9]), (0x45, 17));
                    assert_eq!((&all[12..16], &all[16..20]), (&source[..], &remote[..]));
                    assert_eq!(usize::from(u16::from_be_bytes([all[2], all[3]])), all.len());
                    assert_eq!(all[20..], seen.bytes());
                    let sum: u32 = all[..20].chunks(2).map(|b| u32::from(b[0]) << 8 | u32::from(b[1])).sum();
                    assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff, "the checksum fits");
                }
                fwpk::FwpsFreeCloneNetBufferList0(clone, 0);
            }
            seen.permit();
        });
        let (mut edge, interface) = edge();
        assert_eq!(edge.outbound(&interface, &udp(true, b"x"), 1), Verdict::Pass);
        stop(edge, driver, machine);
    });
}

/// All bytes of a list, over its MDLs.
fn lab_bytes(list: *mut NET_BUFFER_LIST) -> Vec<u8> {
    // SAFETY: see above.
    unsafe {
        let nb = (*list).FirstNetBuffer;
        let length = (*nb).DataLength;
        let mut storage = vec![0_u8; length as usize];
        let room = storage.as_mut_ptr().cast();
        let start = lab::ndis::exports::NdisGetDataBuffer(nb, length, room, 1, 0).cast::<u8>();
        std::slice::from_raw_parts(start, length as usize).to_vec()
    }
}

macro_rules! broken_rules {
    ($($name:ident: $rule:literal, $classify:expr;)*) => { $(
        #[test]
        fn $name() {
            child::expect(stringify!($name), Status::Verifier, $rule, || {
                let _machine = machine();
                let _driver = Driver::start(&[FWPM_LAYER_STREAM_V4], $classify);
                let (mut edge, interface) = connected();
                edge.outbound(&interface, &tcp(true, ACK | FIN, 100, b"data"), 4);
            });
        }
    )* };
}

broken_rules! {
    more_is_decided_than_was_shown: "F-15", |seen| {
        packet(seen).countBytesEnforced = 5;
        seen.permit();
    };
    more_data_after_the_end: "F-15", |seen| {
        packet(seen).streamAction = FWPS_STREAM_ACTION_NEED_MORE_DATA;
        packet(seen).countBytesRequired = 5;
        seen.out.actionType = FWP_ACTION_NONE;
    };
    sent_data_are_deferred: "F-15", |seen| {
        packet(seen).streamAction = FWPS_STREAM_ACTION_DEFER;
        seen.out.actionType = FWP_ACTION_NONE;
    };
    waiting_data_are_permitted: "F-15", |seen| {
        packet(seen).streamAction = FWPS_STREAM_ACTION_NEED_MORE_DATA;
        packet(seen).countBytesRequired = 5;
        seen.permit();
    };
}
