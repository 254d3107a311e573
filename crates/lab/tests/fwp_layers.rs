//! What the layers show: their fields, both ends of loopback, packages and compartments, redirected sockets and the
//! connections of proxies, the packets of TCP, and the ends of sockets.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod fwp_mock;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ddk::fwp::*;
use ddk::nt::*;
use etherparse::PacketBuilder;
use fwp_mock::*;
use lab::child;
use lab::edge::{Edge, Interface, ProcessMap, Verdict};

// SAFETY of every `unsafe` block below: the lab calls the callbacks with valid arguments, and the functions
// called are the lab's exports, whose contracts the tests keep.

/// Layer and what the test wants to know of a classify.
static SEEN: Mutex<Vec<(i32, Vec<u64>)>> = Mutex::new(Vec::new());
static REDIRECTOR: AtomicUsize = AtomicUsize::new(0);

fn note(layer: i32, facts: Vec<u64>) {
    SEEN.lock().unwrap().push((layer, facts));
}

fn take() -> Vec<(i32, Vec<u64>)> {
    std::mem::take(&mut *SEEN.lock().unwrap())
}

fn number(seen: &Seen<'_>, field: i32) -> u64 {
    let value = &seen.values[field as usize].value;
    // SAFETY: see above.
    unsafe {
        match value.r#type {
            FWP_UINT8 => value.u.uint8.into(),
            FWP_UINT16 => value.u.uint16.into(),
            FWP_UINT32 => value.u.uint32.into(),
            FWP_EMPTY => u64::MAX,
            other => panic!("field {field} of layer {} has type {other}", seen.layer),
        }
    }
}

fn address(octets: [u8; 4]) -> u64 {
    u32::from_be_bytes(octets).into()
}

#[test]
fn every_layer_has_the_fields_of_the_headers() {
    macro_rules! layers {
        ($($id:ident $max:ident;)*) => { [$(($id, $max)),*] };
    }
    #[rustfmt::skip]
    let layers = layers![
        FWPS_LAYER_ALE_AUTH_CONNECT_V4 FWPS_FIELD_ALE_AUTH_CONNECT_V4_MAX;
        FWPS_LAYER_ALE_AUTH_CONNECT_V6 FWPS_FIELD_ALE_AUTH_CONNECT_V6_MAX;
        FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4 FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_MAX;
        FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6 FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V6_MAX;
        FWPS_LAYER_ALE_AUTH_LISTEN_V4 FWPS_FIELD_ALE_AUTH_LISTEN_V4_MAX;
        FWPS_LAYER_ALE_AUTH_LISTEN_V6 FWPS_FIELD_ALE_AUTH_LISTEN_V6_MAX;
        FWPS_LAYER_ALE_RESOURCE_ASSIGNMENT_V4 FWPS_FIELD_ALE_RESOURCE_ASSIGNMENT_V4_MAX;
        FWPS_LAYER_ALE_RESOURCE_ASSIGNMENT_V6 FWPS_FIELD_ALE_RESOURCE_ASSIGNMENT_V6_MAX;
        FWPS_LAYER_ALE_RESOURCE_RELEASE_V4 FWPS_FIELD_ALE_RESOURCE_RELEASE_V4_MAX;
        FWPS_LAYER_ALE_RESOURCE_RELEASE_V6 FWPS_FIELD_ALE_RESOURCE_RELEASE_V6_MAX;
        FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V4 FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V4_MAX;
        FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V6 FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V6_MAX;
        FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4 FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_MAX;
        FWPS_LAYER_ALE_FLOW_ESTABLISHED_V6 FWPS_FIELD_ALE_FLOW_ESTABLISHED_V6_MAX;
        FWPS_LAYER_ALE_CONNECT_REDIRECT_V4 FWPS_FIELD_ALE_CONNECT_REDIRECT_V4_MAX;
        FWPS_LAYER_ALE_CONNECT_REDIRECT_V6 FWPS_FIELD_ALE_CONNECT_REDIRECT_V6_MAX;
        FWPS_LAYER_ALE_BIND_REDIRECT_V4 FWPS_FIELD_ALE_BIND_REDIRECT_V4_MAX;
        FWPS_LAYER_ALE_BIND_REDIRECT_V6 FWPS_FIELD_ALE_BIND_REDIRECT_V6_MAX;
        FWPS_LAYER_STREAM_V4 FWPS_FIELD_STREAM_V4_MAX;
        FWPS_LAYER_STREAM_V6 FWPS_FIELD_STREAM_V6_MAX;
        FWPS_LAYER_STREAM_PACKET_V4 FWPS_FIELD_STREAM_PACKET_V4_MAX;
        FWPS_LAYER_STREAM_PACKET_V6 FWPS_FIELD_STREAM_PACKET_V6_MAX;
        FWPS_LAYER_DATAGRAM_DATA_V4 FWPS_FIELD_DATAGRAM_DATA_V4_MAX;
        FWPS_LAYER_DATAGRAM_DATA_V6 FWPS_FIELD_DATAGRAM_DATA_V6_MAX;
        FWPS_LAYER_INBOUND_IPPACKET_V4 FWPS_FIELD_INBOUND_IPPACKET_V4_MAX;
        FWPS_LAYER_INBOUND_IPPACKET_V6 FWPS_FIELD_INBOUND_IPPACKET_V6_MAX;
        FWPS_LAYER_OUTBOUND_IPPACKET_V4 FWPS_FIELD_OUTBOUND_IPPACKET_V4_MAX;
        FWPS_LAYER_OUTBOUND_IPPACKET_V6 FWPS_FIELD_OUTBOUND_IPPACKET_V6_MAX;
        FWPS_LAYER_IPFORWARD_V4 FWPS_FIELD_IPFORWARD_V4_MAX;
        FWPS_LAYER_IPFORWARD_V6 FWPS_FIELD_IPFORWARD_V6_MAX;
        FWPS_LAYER_INBOUND_TRANSPORT_V4 FWPS_FIELD_INBOUND_TRANSPORT_V4_MAX;
        FWPS_LAYER_INBOUND_TRANSPORT_V6 FWPS_FIELD_INBOUND_TRANSPORT_V6_MAX;
        FWPS_LAYER_OUTBOUND_TRANSPORT_V4 FWPS_FIELD_OUTBOUND_TRANSPORT_V4_MAX;
        FWPS_LAYER_OUTBOUND_TRANSPORT_V6 FWPS_FIELD_OUTBOUND_TRANSPORT_V6_MAX;
        FWPS_LAYER_INBOUND_MAC_FRAME_ETHERNET FWPS_FIELD_INBOUND_MAC_FRAME_ETHERNET_MAX;
        FWPS_LAYER_OUTBOUND_MAC_FRAME_ETHERNET FWPS_FIELD_OUTBOUND_MAC_FRAME_ETHERNET_MAX;
    ];
    for (id, fields) in layers {
        assert_eq!(lab::fwp::field_count(id as u16), fields as usize, "layer {id}");
    }
}

const SERVER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const CLIENT: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// A loopback packet of TCP from the client's port 5000 to the server's port 80, or back.
fn loopback(from_client: bool, syn: bool, ack: bool) -> Vec<u8> {
    let (from, to, ports) =
        if from_client { (CLIENT, SERVER, (5000, 80)) } else { (SERVER, CLIENT, (80, 5000)) };
    let mut builder = PacketBuilder::ipv4(from.octets(), to.octets(), 64).tcp(ports.0, ports.1, 1, 1000);
    if syn {
        builder = builder.syn();
    }
    if ack {
        builder = builder.ack(1);
    }
    let mut packet = Vec::new();
    builder.write(&mut packet, b"").unwrap();
    packet
}

#[test]
fn loopback_is_asked_about_at_both_ends_and_flagged() {
    child::test("loopback_is_asked_about_at_both_ends_and_flagged", || {
        const IS_LOOPBACK: u64 = 1;
        let machine = machine();
        let layers = [
            FWPM_LAYER_ALE_AUTH_CONNECT_V4,
            FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4,
            FWPM_LAYER_OUTBOUND_IPPACKET_V4,
            FWPM_LAYER_INBOUND_IPPACKET_V4,
            FWPM_LAYER_ALE_FLOW_ESTABLISHED_V4,
        ];
        let driver = Driver::start(&layers, |seen| {
            let (flags, compartment) = match seen.layer {
                FWPS_LAYER_ALE_AUTH_CONNECT_V4 => {
                    (FWPS_FIELD_ALE_AUTH_CONNECT_V4_FLAGS, FWPS_FIELD_ALE_AUTH_CONNECT_V4_COMPARTMENT_ID)
                }
                FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4 => (
                    FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_FLAGS,
                    FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_COMPARTMENT_ID,
                ),
                FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4 => (
                    FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_FLAGS,
                    FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_COMPARTMENT_ID,
                ),
                FWPS_LAYER_OUTBOUND_IPPACKET_V4 => {
                    (FWPS_FIELD_OUTBOUND_IPPACKET_V4_FLAGS, FWPS_FIELD_OUTBOUND_IPPACKET_V4_COMPARTMENT_ID)
                }
                _ => (FWPS_FIELD_INBOUND_IPPACKET_V4_FLAGS, FWPS_FIELD_INBOUND_IPPACKET_V4_COMPARTMENT_ID),
            };
            note(seen.layer, vec![number(seen, flags), number(seen, compartment)]);
            if seen.has(FWPS_METADATA_FIELD_COMPARTMENT_ID) {
                assert_eq!(seen.meta.compartmentId, 3);
            }
            seen.permit();
        });
        let local = [IpAddr::V4(CLIENT), IpAddr::V4(SERVER)];
        let mut edge = Edge::new(local, ProcessMap::default()).in_compartment(3);
        let interface = Interface::loopback();
        assert_eq!(edge.loopback(&interface, &loopback(true, true, false), 1), Verdict::Pass);
        let order: Vec<i32> = SEEN.lock().unwrap().iter().map(|(layer, _)| *layer).collect();
        let first = [
            FWPS_LAYER_ALE_AUTH_CONNECT_V4,
            FWPS_LAYER_OUTBOUND_IPPACKET_V4,
            FWPS_LAYER_INBOUND_IPPACKET_V4,
            FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4,
        ];
        assert_eq!(order, first);
        assert_eq!(edge.loopback(&interface, &loopback(false, true, true), 2), Verdict::Pass);
        assert_eq!(edge.loopback(&interface, &loopback(true, false, true), 3), Verdict::Pass);
        let seen = take();
        assert!(seen.iter().all(|(_, facts)| *facts == [IS_LOOPBACK, 3]), "{seen:?}");
        let established = seen.iter().filter(|(layer, _)| *layer == FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4);
        assert_eq!(established.count(), 2, "each end has its flow");
        edge.finish();
        drop(edge);
        driver.stop();
        finish(machine);
    });
}

#[test]
fn a_process_is_in_its_package_or_in_none() {
    child::test("a_process_is_in_its_package_or_in_none", || {
        let machine = machine();
        let driver = Driver::start(&[FWPM_LAYER_ALE_AUTH_CONNECT_V4], |seen| {
            let value = &seen.values[FWPS_FIELD_ALE_AUTH_CONNECT_V4_ALE_PACKAGE_ID as usize].value;
            assert_eq!(value.r#type, FWP_SID);
            // SAFETY: see above; a SID has 8 bytes and 4 for each sub-authority.
            let sid = unsafe {
                let sid = value.u.sid.cast::<u8>();
                std::slice::from_raw_parts(sid, 8 + 4 * usize::from(*sid.add(1)))
            };
            note(seen.layer, sid.iter().map(|byte| u64::from(*byte)).collect());
            seen.permit();
        });
        let processes =
            "[[process]]\npath = 'C:\\app.exe'\npid = 9\npackage = \"S-1-15-2-7\"\nprotocol = \"udp\"\n";
        let mut edge = Edge::new([LOCAL], ProcessMap::from_toml(processes).unwrap());
        let (_, interface) = fwp_mock::edge();
        assert_eq!(edge.outbound(&interface, &udp(true, b"x"), 1), Verdict::Pass);
        assert_eq!(edge.outbound(&interface, &tcp(true, 2, 1, b""), 2), Verdict::Pass);
        let packages: Vec<Vec<u64>> = take().into_iter().map(|(_, sid)| sid).collect();
        let expected =
            [vec![1, 2, 0, 0, 0, 0, 0, 15, 2, 0, 0, 0, 7, 0, 0, 0], vec![1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]];
        assert_eq!(packages, expected);
        edge.finish();
        drop(edge);
        driver.stop();
        finish(machine);
    });
}

const PROXY: [u8; 4] = [192, 0, 2, 1];
const CONTEXT: &[u8; 8] = b"original";

/// Hands the writable request of the running redirect classify to `change`, and permits.
fn redirect(seen: &mut Seen<'_>, change: impl FnOnce(*mut std::ffi::c_void)) {
    let (mut handle, mut data) = (0, std::ptr::null_mut());
    // SAFETY: see above.
    unsafe {
        let status = fwpk::FwpsAcquireClassifyHandle0(seen.token.cast_mut(), 0, &raw mut handle);
        assert_eq!(status, STATUS_SUCCESS);
        let filter = seen.filter.filterId;
        let status = fwpk::FwpsAcquireWritableLayerDataPointer0(handle, filter, 0, &raw mut data, seen.out);
        assert_eq!(status, STATUS_SUCCESS);
        change(data);
        fwpk::FwpsApplyModifiedLayerData0(handle, data, 0);
        fwpk::FwpsReleaseClassifyHandle0(handle);
    }
    seen.out.actionType = FWP_ACTION_PERMIT;
    seen.out.rights |= FWPS_RIGHT_ACTION_WRITE;
}

/// Binds sockets to port 6000 and sends connections to a proxy of this machine.
fn to_the_proxy(seen: &mut Seen<'_>) {
    let redirector = REDIRECTOR.load(Ordering::Relaxed) as HANDLE;
    match seen.layer {
        FWPS_LAYER_ALE_BIND_REDIRECT_V4 => redirect(seen, |data| {
            let request = data.cast::<FWPS_BIND_REQUEST0>();
            // SAFETY: see above.
            unsafe {
                let port = (&raw mut (*request).localAddressAndPort).cast::<u8>().add(2).cast::<[u8; 2]>();
                if u16::from_be_bytes(*port) == 5000 {
                    *port = 6000_u16.to_be_bytes();
                }
            }
        }),
        FWPS_LAYER_ALE_CONNECT_REDIRECT_V4 => {
            let records = if seen.has(FWPS_METADATA_FIELD_REDIRECT_RECORD_HANDLE) {
                assert!(seen.has(FWPS_METADATA_FIELD_LOCAL_REDIRECT_TARGET_PID));
                assert_eq!(seen.meta.localRedirectTargetPID, 77);
                seen.meta.redirectRecords
            } else {
                std::ptr::null_mut()
            };
            let mut context = std::ptr::null_mut();
            // SAFETY: see above.
            let state =
                unsafe { fwpk::FwpsQueryConnectionRedirectState0(records, redirector, &raw mut context) };
            // SAFETY: see above; the block has these bytes.
            let known = !context.is_null() && unsafe { *context.cast::<[u8; 8]>() } == *CONTEXT;
            note(seen.layer, vec![state as u64, known.into()]);
            if state != FWPS_CONNECTION_NOT_REDIRECTED {
                return seen.permit();
            }
            redirect(seen, |data| {
                let request = data.cast::<FWPS_CONNECT_REQUEST0>();
                // SAFETY: see above.
                unsafe {
                    let address = (&raw mut (*request).remoteAddressAndPort).cast::<[u8; 8]>();
                    *address = [2, 0, 0x0c, 0x38, PROXY[0], PROXY[1], PROXY[2], PROXY[3]];
                    (*request).localRedirectTargetPID = 77;
                    (*request).localRedirectHandle = redirector;
                    let tag = u32::from_le_bytes(*b"test");
                    let block = lab::ntoskrnl::pool::ExAllocatePoolWithTag(512, 8, tag);
                    *block.cast::<[u8; 8]>() = *CONTEXT;
                    (*request).localRedirectContext = block.cast();
                    (*request).localRedirectContextSize = 8;
                }
            });
        }
        FWPS_LAYER_ALE_RESOURCE_ASSIGNMENT_V4 => {
            note(seen.layer, vec![number(seen, FWPS_FIELD_ALE_RESOURCE_ASSIGNMENT_V4_IP_LOCAL_PORT)]);
            seen.permit();
        }
        _ => {
            note(
                seen.layer,
                [
                    FWPS_FIELD_ALE_AUTH_CONNECT_V4_IP_LOCAL_PORT,
                    FWPS_FIELD_ALE_AUTH_CONNECT_V4_IP_REMOTE_ADDRESS,
                    FWPS_FIELD_ALE_AUTH_CONNECT_V4_IP_REMOTE_PORT,
                    FWPS_FIELD_ALE_AUTH_CONNECT_V4_FLAGS,
                ]
                .map(|field| number(seen, field))
                .to_vec(),
            );
            seen.permit();
        }
    }
}

#[test]
fn a_proxy_carries_the_records_of_what_it_was_given() {
    child::test("a_proxy_carries_the_records_of_what_it_was_given", || {
        const REDIRECTED: u64 = 0x10_0000;
        const BY_PROXY: u64 = 0x20_0000;
        let machine = machine();
        let layers = [
            FWPM_LAYER_ALE_BIND_REDIRECT_V4,
            FWPM_LAYER_ALE_RESOURCE_ASSIGNMENT_V4,
            FWPM_LAYER_ALE_CONNECT_REDIRECT_V4,
            FWPM_LAYER_ALE_AUTH_CONNECT_V4,
        ];
        let mut redirector = std::ptr::null_mut();
        // SAFETY: see above.
        let status = unsafe { fwpk::FwpsRedirectHandleCreate0(&raw const SUBLAYER, 0, &raw mut redirector) };
        assert_eq!(status, STATUS_SUCCESS);
        REDIRECTOR.store(redirector as usize, Ordering::Relaxed);
        let driver = Driver::start(&layers, to_the_proxy);
        let (mut edge, interface) = edge();
        assert_eq!(edge.outbound(&interface, &tcp(true, 2, 1, b""), 1), Verdict::Pass);
        let expected = [
            (FWPS_LAYER_ALE_RESOURCE_ASSIGNMENT_V4, vec![6000]),
            (FWPS_LAYER_ALE_CONNECT_REDIRECT_V4, vec![FWPS_CONNECTION_NOT_REDIRECTED as u64, 0]),
            (FWPS_LAYER_ALE_AUTH_CONNECT_V4, vec![6000, address(PROXY), 3128, REDIRECTED]),
        ];
        assert_eq!(take(), expected);
        assert_eq!(edge.rebound(), [((LOCAL, 5000), (LOCAL, 6000))]);

        // The proxy goes on to where the connection was bound for, from a port of its own.
        edge.carry_redirect_records((LOCAL, 5000), (LOCAL, 7000));
        let mut frame = Vec::new();
        let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        builder.ipv4(PROXY, REMOTE, 64).tcp(7000, 80, 1, 9).syn().write(&mut frame, b"").unwrap();
        assert_eq!(edge.outbound(&interface, &frame, 2), Verdict::Pass);
        let expected = [
            (FWPS_LAYER_ALE_RESOURCE_ASSIGNMENT_V4, vec![7000]),
            (FWPS_LAYER_ALE_CONNECT_REDIRECT_V4, vec![FWPS_CONNECTION_REDIRECTED_BY_SELF as u64, 1]),
            (FWPS_LAYER_ALE_AUTH_CONNECT_V4, vec![7000, address(REMOTE), 80, BY_PROXY]),
        ];
        assert_eq!(take(), expected);
        edge.finish();
        drop(edge);
        driver.stop();
        // SAFETY: see above.
        unsafe { fwpk::FwpsRedirectHandleDestroy0(redirector) };
        // The contexts went with the connections: nothing is left in the pool.
        finish(machine);
    });
}

#[test]
fn every_packet_of_a_connection_is_shown() {
    child::test("every_packet_of_a_connection_is_shown", || {
        let machine = machine();
        let driver = Driver::start(&[FWPM_LAYER_STREAM_PACKET_V4], |seen| {
            let fields = [
                FWPS_FIELD_STREAM_PACKET_V4_DIRECTION,
                FWPS_FIELD_STREAM_PACKET_V4_IP_LOCAL_PORT,
                FWPS_FIELD_STREAM_PACKET_V4_IP_REMOTE_PORT,
            ];
            let mut facts = fields.map(|field| number(seen, field)).to_vec();
            facts.push(seen.bytes().len() as u64);
            facts.push(seen.has(FWPS_METADATA_FIELD_FLOW_HANDLE).into());
            note(seen.layer, facts);
            seen.permit();
        });
        let (mut edge, interface) = edge();
        assert_eq!(edge.outbound(&interface, &tcp(true, 2, 1, b""), 1), Verdict::Pass);
        assert_eq!(edge.inbound(&interface, &tcp(false, 18, 1, b""), 2), Verdict::Pass);
        assert_eq!(edge.outbound(&interface, &tcp(true, 16, 2, b"hello"), 3), Verdict::Pass);
        // Out: at the TCP header of 20 bytes; in: at the payload.
        let facts: Vec<Vec<u64>> = take().into_iter().map(|(_, facts)| facts).collect();
        assert_eq!(facts, [vec![0, 5000, 80, 20, 1], vec![1, 5000, 80, 0, 1], vec![0, 5000, 80, 25, 1]]);
        edge.finish();
        drop(edge);
        driver.stop();
        finish(machine);
    });
}

#[test]
fn a_socket_of_datagrams_closes_once_and_a_listening_one_too() {
    child::test("a_socket_of_datagrams_closes_once_and_a_listening_one_too", || {
        let machine = machine();
        let driver = Driver::start(&[FWPM_LAYER_ALE_ENDPOINT_CLOSURE_V4], |seen| {
            let fields = [
                FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V4_IP_PROTOCOL,
                FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V4_IP_LOCAL_PORT,
                FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V4_IP_REMOTE_PORT,
            ];
            note(seen.layer, fields.map(|field| number(seen, field)).to_vec());
            seen.permit();
        });
        let (mut edge, interface) = edge();
        let send = |edge: &mut Edge, from: u16, to: u16| {
            let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
            let mut frame = Vec::new();
            builder.ipv4([192, 0, 2, 1], REMOTE, 64).udp(from, to).write(&mut frame, b"x").unwrap();
            assert_eq!(edge.outbound(&interface, &frame, 1), Verdict::Pass);
        };
        // One socket with one other end, one with two, and a listener with a connection.
        send(&mut edge, 4000, 53);
        send(&mut edge, 4001, 53);
        send(&mut edge, 4001, 54);
        assert_eq!(edge.inbound(&interface, &tcp(false, 2, 1, b""), 2), Verdict::Pass);
        edge.finish();
        let mut closed: Vec<Vec<u64>> = take().into_iter().map(|(_, facts)| facts).collect();
        closed.sort();
        let none = u64::MAX;
        assert_eq!(closed, [[6, 5000, 80], [6, 5000, none], [17, 4000, 53], [17, 4001, none]]);
        drop(edge);
        driver.stop();
        finish(machine);
    });
}
