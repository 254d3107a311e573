//! The ALE layers: values and metadata of their indications (WFP contract §4).

use std::ffi::c_void;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ddk::fwp::*;

use super::flow::Interface;
use super::layers::address_type;
use crate::fwp::pend::Redirection;
use crate::fwp::{self, Indication, Value, pend};

/// An ALE layer without its address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    BindRedirect,
    Assignment,
    Listen,
    ConnectRedirect,
    Connect,
    Accept,
    Established,
    Release,
    Closure,
}

/// What the callouts of a layer decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Permit,
    Block,
    /// A driver decides later, under this handle.
    Pended(usize),
}

impl Layer {
    pub(crate) fn id(self, v6: bool) -> u16 {
        let id = match (self, v6) {
            (Self::BindRedirect, false) => FWPS_LAYER_ALE_BIND_REDIRECT_V4,
            (Self::BindRedirect, true) => FWPS_LAYER_ALE_BIND_REDIRECT_V6,
            (Self::Assignment, false) => FWPS_LAYER_ALE_RESOURCE_ASSIGNMENT_V4,
            (Self::Assignment, true) => FWPS_LAYER_ALE_RESOURCE_ASSIGNMENT_V6,
            (Self::Listen, false) => FWPS_LAYER_ALE_AUTH_LISTEN_V4,
            (Self::Listen, true) => FWPS_LAYER_ALE_AUTH_LISTEN_V6,
            (Self::ConnectRedirect, false) => FWPS_LAYER_ALE_CONNECT_REDIRECT_V4,
            (Self::ConnectRedirect, true) => FWPS_LAYER_ALE_CONNECT_REDIRECT_V6,
            (Self::Connect, false) => FWPS_LAYER_ALE_AUTH_CONNECT_V4,
            (Self::Connect, true) => FWPS_LAYER_ALE_AUTH_CONNECT_V6,
            (Self::Accept, false) => FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4,
            (Self::Accept, true) => FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6,
            (Self::Established, false) => FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4,
            (Self::Established, true) => FWPS_LAYER_ALE_FLOW_ESTABLISHED_V6,
            (Self::Release, false) => FWPS_LAYER_ALE_RESOURCE_RELEASE_V4,
            (Self::Release, true) => FWPS_LAYER_ALE_RESOURCE_RELEASE_V6,
            (Self::Closure, false) => FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V4,
            (Self::Closure, true) => FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V6,
        };
        id as u16
    }

    /// The name under which reports speak of the layer.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BindRedirect => "ALE_BIND_REDIRECT",
            Self::Assignment => "ALE_RESOURCE_ASSIGNMENT",
            Self::Listen => "ALE_AUTH_LISTEN",
            Self::ConnectRedirect => "ALE_CONNECT_REDIRECT",
            Self::Connect => "ALE_AUTH_CONNECT",
            Self::Accept => "ALE_AUTH_RECV_ACCEPT",
            Self::Established => "ALE_FLOW_ESTABLISHED",
            Self::Release => "ALE_RESOURCE_RELEASE",
            Self::Closure => "ALE_ENDPOINT_CLOSURE",
        }
    }
}

/// A process in the form in which indications carry it.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) app_id: Arc<[u8]>,
    pub(crate) sid: Arc<[u8]>,
    pub(crate) package: Arc<[u8]>,
    pub(crate) pid: u64,
    /// The token's handle: a number that names the user.
    pub(crate) token: u64,
}

/// What an indication says about its flow.
#[derive(Clone, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) interface: &'a Interface,
    pub(crate) protocol: u8,
    pub(crate) local: IpAddr,
    pub(crate) remote: IpAddr,
    /// Ports; ICMP type and code for ICMP.
    pub(crate) ports: (u16, u16),
    pub(crate) flow: u64,
    pub(crate) endpoint: u64,
    pub(crate) compartment: u32,
    pub(crate) flags: u32,
    pub(crate) outbound: bool,
    pub(crate) packet_outbound: bool,
    pub(crate) ip_header: u32,
    pub(crate) transport_header: u32,
    pub(crate) icmp: Option<(u16, u16)>,
    pub(crate) reauthorize: u32,
    /// Who changed the connection's target.
    pub(crate) redirected_by: &'a [Arc<Redirection>],
    /// An endpoint that talks to one other end; otherwise the remote fields are empty.
    pub(crate) connected: bool,
}

/// The indices of the fields that differ between the layers (§4.2).
struct Fields {
    remote: Option<usize>,
    remote_port: Option<usize>,
    destination_type: Option<usize>,
    interface: usize,
    flags: usize,
    direction: Option<usize>,
    interface_type: Option<usize>,
    tunnel_type: Option<usize>,
    index: Option<usize>,
    sub_index: Option<usize>,
    arrival: Option<usize>,
    next_hop: Option<usize>,
    reason: Option<usize>,
    icmp_type: Option<usize>,
    original_app: Option<usize>,
    package: usize,
    compartment: usize,
}

const CONNECT: Fields = Fields {
    remote: Some(6),
    remote_port: Some(7),
    destination_type: Some(10),
    interface: 11,
    flags: 12,
    direction: None,
    interface_type: Some(13),
    tunnel_type: Some(14),
    index: Some(15),
    sub_index: Some(16),
    arrival: None,
    next_hop: Some(22),
    reason: Some(28),
    icmp_type: Some(30),
    original_app: Some(32),
    package: 33,
    compartment: 36,
};

const ACCEPT: Fields = Fields {
    remote: Some(6),
    remote_port: Some(7),
    destination_type: None,
    interface: 10,
    flags: 11,
    direction: None,
    interface_type: Some(14),
    tunnel_type: Some(15),
    index: Some(16),
    sub_index: Some(17),
    arrival: Some(18),
    next_hop: None,
    reason: Some(29),
    icmp_type: Some(30),
    original_app: None,
    package: 32,
    compartment: 34,
};

const ESTABLISHED: Fields = Fields {
    remote: Some(6),
    remote_port: Some(7),
    destination_type: Some(10),
    interface: 11,
    flags: 15,
    direction: Some(12),
    interface_type: Some(13),
    tunnel_type: Some(14),
    index: None,
    sub_index: None,
    arrival: None,
    next_hop: None,
    reason: None,
    icmp_type: None,
    original_app: Some(16),
    package: 17,
    compartment: 19,
};

const RELEASE: Fields = Fields {
    remote: None,
    remote_port: None,
    destination_type: None,
    interface: 6,
    flags: 7,
    direction: None,
    interface_type: None,
    tunnel_type: None,
    index: None,
    sub_index: None,
    arrival: None,
    next_hop: None,
    reason: None,
    icmp_type: None,
    original_app: None,
    package: 8,
    compartment: 10,
};

const CLOSURE: Fields = Fields {
    remote: Some(6),
    remote_port: Some(7),
    interface: 8,
    flags: 9,
    package: 10,
    compartment: 12,
    ..RELEASE
};

/// A field that a layer does not have.
const NONE: usize = usize::MAX;

const BIND_REDIRECT: Fields = Fields { interface: NONE, flags: 6, package: 7, compartment: 9, ..RELEASE };

const ASSIGNMENT: Fields = Fields {
    interface: 7,
    flags: 8,
    interface_type: Some(9),
    tunnel_type: Some(10),
    package: 13,
    compartment: 15,
    ..RELEASE
};

const LISTEN: Fields = Fields {
    interface: 5,
    flags: 6,
    interface_type: Some(7),
    tunnel_type: Some(8),
    package: 11,
    compartment: 13,
    ..RELEASE
};

const CONNECT_REDIRECT: Fields = Fields {
    remote: Some(6),
    destination_type: Some(7),
    remote_port: Some(8),
    interface: NONE,
    flags: 9,
    original_app: Some(10),
    package: 11,
    compartment: 13,
    ..RELEASE
};

/// Common to all layers: application 0, user 1, local address 2 and its type 3, local port 4, and protocol 5
/// except where a socket listens.
fn values(layer: Layer, subject: &Subject<'_>) -> Vec<Value> {
    let v6 = subject.local.is_ipv6();
    let mut values = vec![Value::Empty; fwp::field_count(layer.id(v6))];
    let fields = match layer {
        Layer::BindRedirect => &BIND_REDIRECT,
        Layer::Assignment => &ASSIGNMENT,
        Layer::Listen => &LISTEN,
        Layer::ConnectRedirect => &CONNECT_REDIRECT,
        Layer::Connect => &CONNECT,
        Layer::Accept => &ACCEPT,
        Layer::Established => &ESTABLISHED,
        Layer::Release => &RELEASE,
        Layer::Closure => &CLOSURE,
    };
    let mut set = |field: Option<usize>, value: Value| {
        if let Some(slot) = field.and_then(|field| values.get_mut(field)) {
            *slot = value;
        }
    };
    let interface = subject.interface;
    set(Some(0), Value::Blob(subject.identity.app_id.clone()));
    set(Some(1), Value::Token(subject.identity.sid.clone()));
    set(Some(2), Value::address(subject.local));
    set(Some(3), Value::U8(address_type(subject.local)));
    set(Some(4), Value::U16(subject.ports.0));
    set(Some(5), Value::U8(subject.protocol));
    if subject.connected {
        set(fields.remote, Value::address(subject.remote));
        set(fields.remote_port, Value::U16(subject.ports.1));
    }
    set(fields.destination_type, Value::U8(address_type(subject.remote)));
    set(Some(fields.interface), Value::U64(interface.luid));
    set(Some(fields.flags), Value::U32(subject.flags));
    let direction = if subject.outbound { FWP_DIRECTION_OUTBOUND } else { FWP_DIRECTION_INBOUND };
    set(fields.direction, Value::U32(direction as u32));
    set(fields.interface_type, Value::U32(interface.kind));
    set(fields.tunnel_type, Value::U32(0));
    set(fields.index, Value::U32(interface.index));
    set(fields.sub_index, Value::U32(0));
    // §2.1: in a reauthorisation the arrival interface is empty.
    if subject.reauthorize == 0 {
        set(fields.arrival, Value::U64(interface.luid));
        set(fields.arrival.map(|field| field + 1), Value::U32(interface.kind));
        set(fields.arrival.map(|field| field + 3), Value::U32(interface.index));
    }
    set(fields.next_hop, Value::U64(interface.luid));
    set(fields.next_hop.map(|field| field + 1), Value::U32(interface.kind));
    set(fields.next_hop.map(|field| field + 3), Value::U32(interface.index));
    set(fields.reason, Value::U32(subject.reauthorize));
    if subject.icmp.is_some() {
        set(fields.icmp_type, Value::U16(subject.ports.0));
    }
    // Without a proxy that says otherwise the application is the one that began.
    set(fields.original_app, Value::Blob(subject.identity.app_id.clone()));
    set(Some(fields.package), Value::Sid(subject.identity.package.clone()));
    set(Some(fields.compartment), Value::U32(subject.compartment));
    values
}

fn metadata(layer: Layer, subject: &Subject<'_>, path: &mut FWP_BYTE_BLOB) -> FWPS_INCOMING_METADATA_VALUES0 {
    // SAFETY: a C structure of integers and pointers, for which zero is valid.
    let mut meta: FWPS_INCOMING_METADATA_VALUES0 = unsafe { std::mem::zeroed() };
    let mut present = FWPS_METADATA_FIELD_TOKEN
        | FWPS_METADATA_FIELD_PROCESS_ID
        | FWPS_METADATA_FIELD_TRANSPORT_ENDPOINT_HANDLE;
    meta.token = subject.identity.token;
    meta.processId = subject.identity.pid;
    meta.transportEndpointHandle = subject.endpoint;
    let authorises = matches!(layer, Layer::Connect | Layer::Accept);
    let binds = matches!(layer, Layer::Assignment | Layer::Listen);
    if authorises || binds || layer == Layer::Established {
        present |= FWPS_METADATA_FIELD_PROCESS_PATH;
        meta.processPath = path;
    }
    if authorises || layer == Layer::Established {
        present |= FWPS_METADATA_FIELD_FLOW_HANDLE;
        meta.flowHandle = subject.flow;
    }
    if (authorises || matches!(layer, Layer::Established | Layer::ConnectRedirect))
        && let Some((id, sequence)) = subject.icmp
    {
        present |= FWPS_METADATA_FIELD_ICMP_ID_AND_SEQUENCE;
        // Unverified on Windows: the order of the two halves.
        meta.icmpIdAndSequence = u32::from(id) << 16 | u32::from(sequence);
    }
    if authorises || binds {
        static NEXT: AtomicUsize = AtomicUsize::new(0x1000);
        present |= FWPS_METADATA_FIELD_COMPLETION_HANDLE;
        meta.completionHandle = NEXT.fetch_add(16, Ordering::Relaxed) as *mut c_void;
    }
    if !matches!(layer, Layer::Established | Layer::BindRedirect | Layer::ConnectRedirect) && !binds {
        present |= FWPS_METADATA_FIELD_COMPARTMENT_ID;
        meta.compartmentId = subject.compartment;
    }
    if authorises {
        present |= FWPS_METADATA_FIELD_PACKET_DIRECTION | FWPS_METADATA_FIELD_TRANSPORT_HEADER_SIZE;
        meta.packetDirection =
            if subject.packet_outbound { FWP_DIRECTION_OUTBOUND } else { FWP_DIRECTION_INBOUND };
        meta.transportHeaderSize = subject.transport_header;
    }
    if layer == Layer::Accept {
        present |= FWPS_METADATA_FIELD_IP_HEADER_SIZE;
        meta.ipHeaderSize = subject.ip_header;
    }
    meta.currentMetadataValues = present;
    meta
}

/// Indicates to `layer` and returns what comes out.
pub(crate) fn indicate(layer: Layer, subject: &Subject<'_>, data: *mut c_void) -> Outcome {
    let id = layer.id(subject.local.is_ipv6());
    if !fwp::has_filters(id) {
        return Outcome::Permit;
    }
    let app_id = &subject.identity.app_id;
    let mut path = FWP_BYTE_BLOB { size: app_id.len() as u32, data: app_id.as_ptr().cast_mut() };
    let mut metadata = metadata(layer, subject, &mut path);
    let records = pend::records(subject.redirected_by);
    if layer == Layer::ConnectRedirect && !records.is_null() {
        metadata.currentMetadataValues |=
            FWPS_METADATA_FIELD_REDIRECT_RECORD_HANDLE | FWPS_METADATA_FIELD_LOCAL_REDIRECT_TARGET_PID;
        metadata.redirectRecords = records;
        metadata.localRedirectTargetPID = subject.redirected_by.last().map_or(0, |by| by.target);
    }
    let values = values(layer, subject);
    let flow = match layer {
        Layer::Connect | Layer::Accept | Layer::Established => subject.flow,
        _ => 0,
    };
    // What an outer indication on this thread put off is not this one's.
    let outer = pend::take_pended();
    let indication = Indication { layer: id, values: &values, metadata: &metadata, data, flow };
    let decision = fwp::classify(&indication);
    let pended = pend::replace_pended(outer);
    pend::forget_records(records);
    match (pended, decision.permit) {
        (0, true) => Outcome::Permit,
        (0, false) => Outcome::Block,
        (handle, _) => Outcome::Pended(handle),
    }
}
