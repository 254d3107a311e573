//! Packet injection: handles, clones, the way back through the layers, and the rules of the driver's duties.

mod fwp_mock;

use std::ffi::c_void;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ddk::fwp::*;
use ddk::ndis::NET_BUFFER_LIST;
use ddk::nt::*;
use fwp_mock::*;
use lab::child::{self, Status};
use lab::edge::Verdict;

// SAFETY of every `unsafe` block below: the lab calls the callbacks with valid arguments, and the functions
// called are the lab's exports, whose contracts the tests keep except where they break one on purpose.

static INJECTOR: AtomicUsize = AtomicUsize::new(0);
static OTHER: AtomicUsize = AtomicUsize::new(0);
/// Layer and injection state of every classify.
static STATES: Mutex<Vec<(i32, i32)>> = Mutex::new(Vec::new());
static COMPLETED: Mutex<Vec<i32>> = Mutex::new(Vec::new());

const AF_INET: u16 = 2;

unsafe extern "win64" fn free_clone(_: *mut c_void, list: *mut NET_BUFFER_LIST, dispatch: u8) {
    assert_eq!((dispatch, lab::cpu::irql()), (1, lab::cpu::DISPATCH));
    // SAFETY: see above.
    unsafe {
        COMPLETED.lock().unwrap().push((*list).Status);
        fwpk::FwpsFreeCloneNetBufferList0(list, 0);
    }
}

unsafe extern "win64" fn free_list(_: *mut c_void, list: *mut NET_BUFFER_LIST, _: u8) {
    // SAFETY: see above.
    COMPLETED.lock().unwrap().push(unsafe { (*list).Status });
    free_made(list);
}

fn handle(of: &AtomicUsize) -> HANDLE {
    of.load(Ordering::Relaxed) as HANDLE
}

fn send(injector: HANDLE, list: *mut NET_BUFFER_LIST, complete: FWPS_INJECT_COMPLETE0) -> i32 {
    // SAFETY: see above.
    unsafe {
        fwpk::FwpsInjectNetworkSendAsync0(
            injector,
            0x55 as HANDLE,
            0,
            1,
            list,
            complete,
            std::ptr::null_mut(),
        )
    }
}

fn state(injector: HANDLE, list: *mut NET_BUFFER_LIST) -> (i32, usize) {
    let mut context = std::ptr::null_mut();
    // SAFETY: see above.
    let state = unsafe { fwpk::FwpsQueryPacketInjectionState0(injector, list, &raw mut context) };
    (state, context as usize)
}

/// Takes every packet of OUTBOUND_IPPACKET aside and sends a clone of it.
fn reinject(seen: &mut Seen<'_>) {
    let (injected, context) = state(handle(&INJECTOR), seen.list());
    STATES.lock().unwrap().push((seen.layer, injected));
    if injected == FWPS_PACKET_INJECTED_BY_SELF {
        assert_eq!(context, 0x55);
    }
    if injected != FWPS_PACKET_NOT_INJECTED || seen.layer != FWPS_LAYER_OUTBOUND_IPPACKET_V4 {
        return seen.permit();
    }
    let clone = clone(seen.list());
    // SAFETY: see above.
    unsafe {
        assert_eq!((*seen.list()).ChildRefCount, 1);
        assert_eq!((*clone).ParentNetBufferList, seen.list());
    }
    assert_eq!(send(handle(&INJECTOR), clone, Some(free_clone)), STATUS_SUCCESS);
    seen.block(true);
}

/// A driver that is gone.
static GONE: AtomicBool = AtomicBool::new(false);

static CLASSIFIED: AtomicUsize = AtomicUsize::new(0);

fn count_while_there(seen: &mut Seen<'_>) {
    seen.permit();
    CLASSIFIED.fetch_add(1, Ordering::AcqRel);
    for _ in 0..100 {
        assert!(!GONE.load(Ordering::Acquire), "a classify runs in a callout that is unregistered");
        std::hint::spin_loop();
    }
}

#[test]
fn no_classify_runs_in_an_unregistered_callout() {
    child::test("no_classify_runs_in_an_unregistered_callout", || {
        let machine = machine();
        let (mut edge, interface) = edge();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                lab::cpu::init();
                let packet = udp(true, b"go");
                while !done.load(Ordering::Acquire) {
                    edge.outbound(&interface, &packet, 1);
                }
                edge.finish();
                drop(edge);
            });
            for _ in 0..2000 {
                GONE.store(false, Ordering::Release);
                let driver = Driver::start(&[FWPM_LAYER_OUTBOUND_IPPACKET_V4], count_while_there);
                let before = CLASSIFIED.load(Ordering::Acquire);
                while CLASSIFIED.load(Ordering::Acquire) == before {
                    std::hint::spin_loop();
                }
                driver.stop();
                GONE.store(true, Ordering::Release);
                std::thread::yield_now();
            }
            done.store(true, Ordering::Release);
        });
        finish(machine);
    });
}

#[test]
fn an_absorbed_packet_comes_back_as_its_injectors_own() {
    child::test("an_absorbed_packet_comes_back_as_its_injectors_own", || {
        let machine = machine();
        let layers = [FWPM_LAYER_OUTBOUND_IPPACKET_V4, FWPM_LAYER_OUTBOUND_TRANSPORT_V4];
        let driver = Driver::start(&layers, reinject);
        INJECTOR.store(injector(AF_INET, FWPS_INJECTION_TYPE_NETWORK) as usize, Ordering::Relaxed);
        let (mut edge, interface) = edge();
        let frame = udp(true, b"question");
        assert_eq!(edge.outbound(&interface, &frame, 1), Verdict::Blocked("OUTBOUND_IPPACKET"));
        let emitted = edge.take_emitted();
        assert_eq!(emitted.len(), 1);
        assert_eq!((emitted[0].interface, emitted[0].outbound), (7, true));
        assert_eq!(emitted[0].frame, frame);
        let (transport, ip) = (FWPS_LAYER_OUTBOUND_TRANSPORT_V4, FWPS_LAYER_OUTBOUND_IPPACKET_V4);
        assert_eq!(*STATES.lock().unwrap(), [(transport, 0), (ip, 0), (transport, 1), (ip, 1)]);
        assert_eq!(*COMPLETED.lock().unwrap(), [STATUS_SUCCESS]);
        destroy(handle(&INJECTOR));
        edge.finish();
        driver.stop();
        drop(edge);
        finish(machine);
    });
}

/// Shows every received packet a second time, then lets it through.
fn receive_again(seen: &mut Seen<'_>) {
    let (injected, _) = state(handle(&INJECTOR), seen.list());
    STATES.lock().unwrap().push((seen.layer, injected));
    let at_ip = seen.layer == FWPS_LAYER_INBOUND_IPPACKET_V4;
    if injected != FWPS_PACKET_NOT_INJECTED || !at_ip {
        return seen.permit();
    }
    assert!(seen.has(FWPS_METADATA_FIELD_IP_HEADER_SIZE));
    // §4.1: inbound data start behind the IP header, and a network injection starts with it.
    let clone = clone(seen.list());
    // SAFETY: see above.
    unsafe {
        let nb = (*clone).FirstNetBuffer;
        let header = seen.meta.ipHeaderSize;
        let status = lab::ndis::exports::NdisRetreatNetBufferDataStart(nb, header, 0, None);
        assert_eq!(status, STATUS_SUCCESS);
        // The header of a clone is not the original's: it is written anew.
        let start = (*(*nb).CurrentMdl).MappedSystemVa.cast::<u8>();
        let ip = udp(false, b"answer")[14..14 + header as usize].to_vec();
        start.copy_from_nonoverlapping(ip.as_ptr(), ip.len());
        let complete: FWPS_INJECT_COMPLETE0 = Some(advance_and_free);
        let context = header as usize as HANDLE;
        let injector = handle(&INJECTOR);
        let status = fwpk::FwpsInjectNetworkReceiveAsync0(
            injector,
            std::ptr::null_mut(),
            0,
            1,
            7,
            0,
            clone,
            complete,
            context,
        );
        assert_eq!(status, STATUS_SUCCESS);
    }
    seen.block(true);
}

unsafe extern "win64" fn advance_and_free(header: *mut c_void, list: *mut NET_BUFFER_LIST, dispatch: u8) {
    // SAFETY: see above.
    unsafe {
        let nb = (*list).FirstNetBuffer;
        lab::ndis::exports::NdisAdvanceNetBufferDataStart(nb, header as usize as u32, 1, None);
        free_clone(header, list, dispatch);
    }
}

#[test]
fn a_received_packet_is_received_again_and_authorised_once() {
    child::test("a_received_packet_is_received_again_and_authorised_once", || {
        let machine = machine();
        let layers =
            [FWPM_LAYER_INBOUND_IPPACKET_V4, FWPM_LAYER_INBOUND_TRANSPORT_V4, FWPM_LAYER_DATAGRAM_DATA_V4];
        let driver = Driver::start(&layers, receive_again);
        INJECTOR.store(injector(AF_INET, FWPS_INJECTION_TYPE_NETWORK) as usize, Ordering::Relaxed);
        let (mut edge, interface) = edge();
        // The first frame tells the edge about its interface.
        edge.outbound(&interface, &udp(true, b"question"), 1);
        STATES.lock().unwrap().clear();
        let frame = udp(false, b"answer");
        assert_eq!(edge.inbound(&interface, &frame, 2), Verdict::Blocked("INBOUND_IPPACKET"));
        let emitted = edge.take_emitted();
        assert_eq!(emitted.len(), 1, "{emitted:?}");
        assert_eq!((emitted[0].outbound, &emitted[0].frame[..]), (false, &frame[14..]));
        let (ip, transport) = (FWPS_LAYER_INBOUND_IPPACKET_V4, FWPS_LAYER_INBOUND_TRANSPORT_V4);
        let datagram = FWPS_LAYER_DATAGRAM_DATA_V4;
        assert_eq!(*STATES.lock().unwrap(), [(ip, 0), (ip, 1), (transport, 1), (datagram, 1)]);
        destroy(handle(&INJECTOR));
        edge.finish();
        driver.stop();
        drop(edge);
        finish(machine);
    });
}

#[test]
fn two_injectors_tell_their_packets_apart() {
    child::test("two_injectors_tell_their_packets_apart", || {
        let machine = machine();
        let driver = Driver::start(&[FWPM_LAYER_OUTBOUND_IPPACKET_V4], |seen| {
            let own = state(handle(&INJECTOR), seen.list()).0;
            let other = state(handle(&OTHER), seen.list()).0;
            STATES.lock().unwrap().push((own, other));
            seen.permit();
            let next = match (own, other) {
                (FWPS_PACKET_NOT_INJECTED, _) => handle(&INJECTOR),
                (FWPS_PACKET_INJECTED_BY_SELF, _) => handle(&OTHER),
                _ => return,
            };
            assert_eq!(send(next, clone(seen.list()), Some(free_clone)), STATUS_SUCCESS);
        });
        INJECTOR.store(injector(0, 0) as usize, Ordering::Relaxed);
        OTHER.store(injector(AF_INET, FWPS_INJECTION_TYPE_NETWORK) as usize, Ordering::Relaxed);
        let (mut edge, interface) = edge();
        assert_eq!(edge.outbound(&interface, &udp(true, b"x"), 1), Verdict::Pass);
        let (none, own, by_other, before) = (
            FWPS_PACKET_NOT_INJECTED,
            FWPS_PACKET_INJECTED_BY_SELF,
            FWPS_PACKET_INJECTED_BY_OTHER,
            FWPS_PACKET_PREVIOUSLY_INJECTED_BY_SELF,
        );
        assert_eq!(*STATES.lock().unwrap(), [(none, none), (own, by_other), (before, own)]);
        assert_eq!(edge.take_emitted().len(), 2);
        edge.finish();
        drop(edge);
        destroy(handle(&INJECTOR));
        destroy(handle(&OTHER));
        driver.stop();
        finish(machine);
    });
}

#[test]
fn without_an_edge_injections_complete_all_the_same() {
    child::test("without_an_edge_injections_complete_all_the_same", || {
        let machine = machine();
        let driver = Driver::start(&[FWPM_LAYER_OUTBOUND_IPPACKET_V4, FWPM_LAYER_IPFORWARD_V4], |seen| {
            STATES.lock().unwrap().push((seen.layer, state(handle(&INJECTOR), seen.list()).0));
            seen.permit();
        });
        let types = FWPS_INJECTION_TYPE_NETWORK | FWPS_INJECTION_TYPE_FORWARD;
        INJECTOR.store(injector(AF_INET, types) as usize, Ordering::Relaxed);
        let list = made(driver.pool, &udp(true, b"own")[14..]);
        assert_eq!(send(handle(&INJECTOR), list, Some(free_list)), STATUS_SUCCESS);
        let list = made(driver.pool, &udp(true, b"own")[14..]);
        let null = std::ptr::null_mut();
        // SAFETY: see above.
        let status = unsafe {
            fwpk::FwpsInjectForwardAsync0(
                handle(&INJECTOR),
                null,
                0,
                AF_INET,
                1,
                7,
                list,
                Some(free_list),
                null,
            )
        };
        assert_eq!(status, STATUS_SUCCESS);
        destroy(handle(&INJECTOR));
        assert_eq!(*COMPLETED.lock().unwrap(), [STATUS_SUCCESS, STATUS_SUCCESS]);
        let mut states = STATES.lock().unwrap().clone();
        states.sort_unstable();
        assert_eq!(states, [(FWPS_LAYER_OUTBOUND_IPPACKET_V4, 1), (FWPS_LAYER_IPFORWARD_V4, 1)]);
        driver.stop();
        finish(machine);
    });
}

#[test]
fn wrong_injections_are_refused_and_stay_with_their_driver() {
    child::test("wrong_injections_are_refused_and_stay_with_their_driver", || {
        let machine = machine();
        let driver = Driver::start(&[], |_| ());
        let transport = injector(AF_INET, FWPS_INJECTION_TYPE_TRANSPORT);
        let network = injector(AF_INET, FWPS_INJECTION_TYPE_NETWORK);
        let list = made(driver.pool, &udp(true, b"own")[14..]);
        assert_eq!(send(transport, list, Some(free_list)), STATUS_FWP_INJECT_HANDLE_STALE);
        assert_eq!(send(network, list, None), STATUS_INVALID_PARAMETER);
        assert_eq!(send(network, std::ptr::null_mut(), Some(free_list)), STATUS_INVALID_PARAMETER);
        let null: HANDLE = std::ptr::null_mut();
        let mut none = null;
        // SAFETY: see above.
        unsafe {
            let inject = |family, flags| {
                fwpk::FwpsInjectTransportReceiveAsync0(
                    transport,
                    null,
                    null,
                    flags,
                    family,
                    1,
                    7,
                    0,
                    list,
                    Some(free_list),
                    null,
                )
            };
            assert_eq!(inject(23, 0), STATUS_INVALID_PARAMETER, "another family");
            assert_eq!(inject(AF_INET, 1), STATUS_INVALID_PARAMETER, "flags");
            for (family, flags) in [(7, 0), (AF_INET, FWPS_INJECTION_TYPE_L2), (0, 0x8000)] {
                let status = fwpk::FwpsInjectionHandleCreate0(family, flags, &raw mut none);
                assert_eq!(status, STATUS_INVALID_PARAMETER);
            }
            let status = fwpk::FwpsAllocateCloneNetBufferList0(list, null, null, 4, (&raw mut none).cast());
            assert_eq!(status, STATUS_INVALID_PARAMETER);
        }
        free_made(list);
        destroy(transport);
        destroy(network);
        driver.stop();
        finish(machine);
    });
}

#[test]
fn a_referenced_packet_lives_until_its_last_reference_and_clone() {
    child::test("a_referenced_packet_lives_until_its_last_reference_and_clone", || {
        static KEPT: AtomicUsize = AtomicUsize::new(0);
        static CLONE: AtomicUsize = AtomicUsize::new(0);
        let machine = machine();
        let driver = Driver::start(&[FWPM_LAYER_OUTBOUND_TRANSPORT_V4], |seen| {
            // SAFETY: see above.
            unsafe { fwpk::FwpsReferenceNetBufferList0(seen.list(), 0) };
            KEPT.store(seen.list() as usize, Ordering::Relaxed);
            CLONE.store(clone(seen.list()) as usize, Ordering::Relaxed);
            seen.permit();
        });
        let (mut edge, interface) = edge();
        let frame = udp(true, b"kept");
        assert_eq!(edge.outbound(&interface, &frame, 1), Verdict::Pass);
        let (kept, clone) = (handle(&KEPT).cast::<NET_BUFFER_LIST>(), handle(&CLONE).cast());
        // SAFETY: see above.
        unsafe {
            assert_eq!(bytes_of(kept), frame[34..], "the transport header on");
            fwpk::FwpsDereferenceNetBufferList0(kept, 0);
            assert_eq!(bytes_of(clone), frame[34..]);
            fwpk::FwpsFreeCloneNetBufferList0(clone, 0);
        }
        edge.finish();
        drop(edge);
        driver.stop();
        finish(machine);
    });
}

#[test]
fn what_an_injector_leaves_behind_is_listed() {
    let exit = child::run("what_an_injector_leaves_behind_is_listed", || {
        let machine = machine();
        let driver = Driver::start(&[FWPM_LAYER_OUTBOUND_TRANSPORT_V4], |seen| {
            // SAFETY: see above.
            unsafe { fwpk::FwpsReferenceNetBufferList0(seen.list(), 0) };
            clone(seen.list());
            seen.permit();
        });
        injector(AF_INET, 0);
        let (mut edge, interface) = edge();
        edge.outbound(&interface, &udp(true, b"x"), 1);
        edge.finish();
        drop(edge);
        driver.stop();
        machine.finish();
    });
    if !child::is_child() {
        let mut rules: Vec<&str> = exit.report.leaks.iter().map(|leak| leak.rule.as_str()).collect();
        rules.sort_unstable();
        // The clone has a descriptor of its own.
        assert_eq!(rules, ["F-4", "F-4", "F-9", "G-6"], "{:?}\n{}", exit.report.leaks, exit.log);
    }
}

/// Runs `scenario` with a driver whose classify function is `$classify`, and expects the rule that it breaks.
macro_rules! broken_rules {
    ($($name:ident: $rule:literal, $classify:expr, $scenario:expr;)*) => { $(
        #[test]
        fn $name() {
            child::expect(stringify!($name), Status::Verifier, $rule, || {
                let _machine = machine();
                let layers = [FWPM_LAYER_OUTBOUND_IPPACKET_V4, FWPM_LAYER_OUTBOUND_TRANSPORT_V4];
                let driver = Driver::start(&layers, $classify);
                INJECTOR.store(injector(0, 0) as usize, Ordering::Relaxed);
                let scenario: fn(Driver) = $scenario;
                scenario(driver);
            });
        }
    )* };
}

fn send_udp(_: Driver) {
    let (mut edge, interface) = edge();
    edge.outbound(&interface, &udp(true, b"x"), 1);
    drop(edge);
}

unsafe extern "win64" fn destroy_in_completion(_: *mut c_void, _: *mut NET_BUFFER_LIST, _: u8) {
    lab::cpu::lower(0);
    destroy(handle(&INJECTOR));
}

broken_rules! {
    a_list_of_nobody_is_injected: "F-4", |_| (), |driver| {
        // SAFETY: see above.
        let list = unsafe {
            lab::ndis::exports::NdisAllocateNetBufferAndNetBufferList(
                driver.pool, 0, 0, std::ptr::null_mut(), 0, 0)
        };
        send(handle(&INJECTOR), list, Some(free_list));
    };
    an_injected_list_is_freed: "F-4", |_| (), |driver| {
        let (edge, _) = edge();
        let list = made(driver.pool, &udp(true, b"own")[14..]);
        assert_eq!(send(handle(&INJECTOR), list, Some(free_list)), STATUS_SUCCESS);
        // SAFETY: see above.
        unsafe { fwpk::FwpsFreeNetBufferList0(list) };
        drop(edge);
    };
    an_injected_list_is_injected_again: "F-4", |_| (), |driver| {
        let (edge, _) = edge();
        let list = made(driver.pool, &udp(true, b"own")[14..]);
        send(handle(&INJECTOR), list, Some(free_list));
        send(handle(&INJECTOR), list, Some(free_list));
        drop(edge);
    };
    a_list_is_freed_as_a_clone: "F-4", |_| (), |driver| {
        let list = made(driver.pool, &udp(true, b"own")[14..]);
        // SAFETY: see above.
        unsafe { fwpk::FwpsFreeCloneNetBufferList0(list, 0) };
    };
    a_packet_starts_with_its_frame: "L-2", |_| (), |driver| {
        let list = made(driver.pool, &udp(true, b"own"));
        send(handle(&INJECTOR), list, Some(free_list));
    };
    an_own_packet_is_blocked: "F-3", |seen| {
        if seen.layer == FWPS_LAYER_OUTBOUND_TRANSPORT_V4 {
            return seen.permit();
        }
        if state(handle(&INJECTOR), seen.list()).0 == FWPS_PACKET_NOT_INJECTED {
            send(handle(&INJECTOR), clone(seen.list()), Some(free_clone));
        }
        seen.block(true);
    }, send_udp;
    an_injector_runs_in_a_circle: "F-3", |seen| {
        if seen.layer == FWPS_LAYER_OUTBOUND_IPPACKET_V4 {
            send(handle(&INJECTOR), clone(seen.list()), Some(free_clone));
            return seen.block(true);
        }
        seen.permit();
    }, send_udp;
    a_handle_is_destroyed_in_a_completion: "F-6", |_| (), |driver| {
        let list = made(driver.pool, &udp(true, b"own")[14..]);
        send(handle(&INJECTOR), list, Some(destroy_in_completion));
        destroy(handle(&INJECTOR));
    };
    a_destroyed_handle_injects: "G-34", |_| (), |driver| {
        destroy(handle(&INJECTOR));
        send(handle(&INJECTOR), made(driver.pool, &udp(true, b"own")[14..]), Some(free_list));
    };
    tcp_is_injected_inline: "F-5", |seen| {
        seen.permit();
        if seen.layer == FWPS_LAYER_OUTBOUND_TRANSPORT_V4 {
            let (null, list) = (std::ptr::null_mut(), clone(seen.list()));
            let endpoint = seen.meta.transportEndpointHandle;
            // SAFETY: see above.
            unsafe {
                let mut arguments: FWPS_TRANSPORT_SEND_PARAMS1 = std::mem::zeroed();
                arguments.remoteAddress = REMOTE.as_ptr().cast_mut();
                let arguments = &raw mut arguments;
                let complete: FWPS_INJECT_COMPLETE0 = Some(free_clone);
                let _ = fwpk::FwpsInjectTransportSendAsync1(
                    handle(&INJECTOR), null, endpoint, 0, arguments, AF_INET, 1, list, complete, null);
            }
        }
    }, |_| {
        let (mut edge, interface) = edge();
        edge.outbound(&interface, &tcp(true, 2, 1, b""), 1);
        drop(edge);
    };
}
