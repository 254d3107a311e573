//! When flows are authorised anew, with what: filters that change at their layer, packets that come in on another
//! interface, in both directions.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod fwp_mock;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use ddk::fwp::*;
use ddk::nt::*;
use fwp_mock::*;
use lab::child;
use lab::edge::{Edge, Interface, Verdict};

// SAFETY of every `unsafe` block below: the lab calls the callbacks with valid arguments, and the functions called are
// the lab's exports, whose contracts the tests keep.

/// One authorisation.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    layer: i32,
    reauthorize: bool,
    reason: u32,
    direction: FWP_DIRECTION,
    irql: u8,
    /// Whether the layer shows the packet.
    packet: bool,
    /// Whether the fields of the arrival interface are filled in.
    arrival: Option<bool>,
}

static ASKED: Mutex<Vec<Asked>> = Mutex::new(Vec::new());
/// The layer at which everything is blocked, or 0.
static BLOCKED: AtomicU64 = AtomicU64::new(0);

const CONNECT: i32 = FWPS_LAYER_ALE_AUTH_CONNECT_V4;
const ACCEPT: i32 = FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4;
const POLICY_CHANGE: u32 = 1;
const NEW_ARRIVAL_INTERFACE: u32 = 2;
const IN: FWP_DIRECTION = FWP_DIRECTION_INBOUND;
const OUT: FWP_DIRECTION = FWP_DIRECTION_OUTBOUND;

fn note(seen: &mut Seen<'_>) {
    let (flags, reason, arrival) = if seen.layer == CONNECT {
        (FWPS_FIELD_ALE_AUTH_CONNECT_V4_FLAGS, FWPS_FIELD_ALE_AUTH_CONNECT_V4_REAUTHORIZE_REASON, None)
    } else {
        (
            FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_FLAGS,
            FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_REAUTHORIZE_REASON,
            Some(FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_IP_ARRIVAL_INTERFACE),
        )
    };
    let value = |field: i32| &seen.values[field as usize].value;
    assert!(seen.has(FWPS_METADATA_FIELD_PACKET_DIRECTION));
    // SAFETY: see above.
    let (flags, reason) = unsafe { (value(flags).u.uint32, value(reason).u.uint32) };
    ASKED.lock().unwrap().push(Asked {
        layer: seen.layer,
        reauthorize: flags & 4 != 0,
        reason,
        direction: seen.meta.packetDirection,
        irql: lab::cpu::irql(),
        packet: !seen.data.is_null(),
        arrival: arrival.map(|field| value(field).r#type != FWP_EMPTY),
    });
    if BLOCKED.load(Ordering::Relaxed) == seen.layer as u64 {
        return seen.block(false);
    }
    seen.permit();
}

fn asked() -> Vec<Asked> {
    std::mem::take(&mut *ASKED.lock().unwrap())
}

/// Adds a filter at a layer that permits what matches nothing here, and so changes only what is in force there.
fn change(driver: &Driver, layer: &GUID) {
    // SAFETY: see above.
    unsafe {
        let mut filter: FWPM_FILTER0 = std::mem::zeroed();
        filter.displayData = display();
        filter.layerKey = *layer;
        filter.subLayerKey = SUBLAYER;
        // Lighter than the driver's own.
        let mut weight = 0;
        filter.weight = FWP_VALUE0 { r#type: FWP_UINT64, u: FWP_VALUE0_u { uint64: &raw mut weight } };
        filter.action.r#type = FWP_ACTION_PERMIT;
        let none = std::ptr::null_mut();
        let status = fwpk::FwpmFilterAdd0(driver.engine, &raw const filter, none, std::ptr::null_mut());
        assert_eq!(status, STATUS_SUCCESS);
    }
}

struct Flows {
    edge: Edge,
    interface: Interface,
}

impl Flows {
    /// A connection that this machine opened, and a datagram flow that somebody else did.
    fn open() -> Self {
        let (mut edge, interface) = edge();
        assert_eq!(edge.outbound(&interface, &tcp(true, 2, 1, b""), 1), Verdict::Pass);
        assert_eq!(edge.inbound(&interface, &tcp(false, 18, 1, b""), 2), Verdict::Pass);
        assert_eq!(edge.inbound(&interface, &udp(false, b"x"), 3), Verdict::Pass);
        Self { edge, interface }
    }

    fn connection(&mut self, outbound: bool) -> Verdict {
        let frame = tcp(outbound, 16, 2, b"");
        if outbound {
            self.edge.outbound(&self.interface, &frame, 4)
        } else {
            self.edge.inbound(&self.interface, &frame, 4)
        }
    }

    fn datagrams(&mut self, outbound: bool) -> Verdict {
        let frame = udp(outbound, b"y");
        if outbound {
            self.edge.outbound(&self.interface, &frame, 5)
        } else {
            self.edge.inbound(&self.interface, &frame, 5)
        }
    }
}

fn with_flows(test: &str, body: impl FnOnce(&Driver, &mut Flows)) {
    child::test(test, || {
        let machine = machine();
        let layers = [FWPM_LAYER_ALE_AUTH_CONNECT_V4, FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4];
        let driver = Driver::start(&layers, note);
        let mut flows = Flows::open();
        let first = asked();
        assert_eq!(first.iter().map(|asked| asked.layer).collect::<Vec<_>>(), [CONNECT, ACCEPT]);
        assert!(first.iter().all(|asked| !asked.reauthorize && asked.reason == 0));
        assert_eq!(first[1].arrival, Some(true));
        body(&driver, &mut flows);
        flows.edge.finish();
        drop(flows);
        driver.stop();
        finish(machine);
    });
}

fn anew(layer: i32, reason: u32, direction: FWP_DIRECTION, packet: bool) -> Asked {
    let irql = if direction == IN { 2 } else { 0 };
    let arrival = (layer == ACCEPT).then_some(false);
    Asked { layer, reauthorize: true, reason, direction, irql, packet, arrival }
}

#[test]
fn a_change_at_a_layer_asks_again_for_its_flows_once() {
    with_flows("a_change_at_a_layer_asks_again_for_its_flows_once", |driver, flows| {
        // With a packet of either direction, whoever began the flow.
        for direction in [true, false] {
            let seen = if direction { OUT } else { IN };
            change(driver, &FWPM_LAYER_ALE_AUTH_CONNECT_V4);
            assert_eq!(flows.connection(direction), Verdict::Pass);
            assert_eq!(flows.connection(!direction), Verdict::Pass);
            assert_eq!(flows.datagrams(direction), Verdict::Pass);
            assert_eq!(asked(), [anew(CONNECT, POLICY_CHANGE, seen, false)], "{direction}");
            change(driver, &FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4);
            assert_eq!(flows.datagrams(direction), Verdict::Pass);
            assert_eq!(flows.datagrams(!direction), Verdict::Pass);
            assert_eq!(flows.connection(direction), Verdict::Pass);
            assert_eq!(asked(), [anew(ACCEPT, POLICY_CHANGE, seen, true)], "{direction}");
        }
        // Layers at which these flows are not authorised.
        for layer in
            [FWPM_LAYER_ALE_AUTH_CONNECT_V6, FWPM_LAYER_DATAGRAM_DATA_V4, FWPM_LAYER_ALE_AUTH_LISTEN_V4]
        {
            change(driver, &layer);
        }
        assert_eq!((flows.connection(true), flows.datagrams(false)), (Verdict::Pass, Verdict::Pass));
        assert_eq!(asked(), []);
    });
}

#[test]
fn a_packet_on_another_interface_asks_again() {
    with_flows("a_packet_on_another_interface_asks_again", |_, flows| {
        let first = flows.interface.clone();
        flows.interface = Interface { luid: first.luid + 1, index: first.index + 1, ..first.clone() };
        assert_eq!(flows.datagrams(true), Verdict::Pass, "sent ones do not arrive");
        assert_eq!(asked(), []);
        assert_eq!(flows.datagrams(false), Verdict::Pass);
        assert_eq!(flows.datagrams(false), Verdict::Pass);
        assert_eq!(asked(), [anew(ACCEPT, NEW_ARRIVAL_INTERFACE, IN, true)]);
        flows.interface = first;
        assert_eq!(flows.datagrams(false), Verdict::Pass);
        assert_eq!(asked().len(), 1, "and back");
    });
}

#[test]
fn a_flow_that_is_blocked_anew_has_ended() {
    with_flows("a_flow_that_is_blocked_anew_has_ended", |driver, flows| {
        BLOCKED.store(CONNECT as u64, Ordering::Relaxed);
        assert_eq!(flows.connection(true), Verdict::Pass, "nothing has changed yet");
        change(driver, &FWPM_LAYER_ALE_AUTH_CONNECT_V4);
        assert_eq!(flows.connection(false), Verdict::Blocked("ALE_AUTH_CONNECT"));
        assert_eq!(flows.connection(true), Verdict::Blocked("ALE_AUTH_CONNECT"));
        assert_eq!(flows.datagrams(false), Verdict::Pass);
        assert_eq!(asked(), [anew(CONNECT, POLICY_CHANGE, IN, false)]);
    });
}
