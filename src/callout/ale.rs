//! Authorisation: may this connection exist?

use ddk::fwp::FWP_CONDITION_FLAG_IS_IPSEC_SECURED;
use kernel::wfp::{Classifier, Classify, Decision, Family, Ip, Path};
use weir_core::engine::{AleFlow, Authorization};
use weir_core::wire::protocol;
use weir_core::{Action, Direction};

use super::fields::{Fields, field};
use crate::ask::Onward;
use crate::shared::{SHARED, Shared, now, processor};

/// ALE_AUTH_CONNECT: this machine opens a connection.
#[rustfmt::skip]
const CONNECT: Fields = Fields {
    application: field!(FWPS_FIELD_ALE_AUTH_CONNECT_V4_ALE_APP_ID, FWPS_FIELD_ALE_AUTH_CONNECT_V6_ALE_APP_ID),
    user: field!(FWPS_FIELD_ALE_AUTH_CONNECT_V4_ALE_USER_ID, FWPS_FIELD_ALE_AUTH_CONNECT_V6_ALE_USER_ID),
    package: field!(FWPS_FIELD_ALE_AUTH_CONNECT_V4_ALE_PACKAGE_ID, FWPS_FIELD_ALE_AUTH_CONNECT_V6_ALE_PACKAGE_ID),
    local_address: field!(FWPS_FIELD_ALE_AUTH_CONNECT_V4_IP_LOCAL_ADDRESS, FWPS_FIELD_ALE_AUTH_CONNECT_V6_IP_LOCAL_ADDRESS),
    local_port: field!(FWPS_FIELD_ALE_AUTH_CONNECT_V4_IP_LOCAL_PORT, FWPS_FIELD_ALE_AUTH_CONNECT_V6_IP_LOCAL_PORT),
    protocol: field!(FWPS_FIELD_ALE_AUTH_CONNECT_V4_IP_PROTOCOL, FWPS_FIELD_ALE_AUTH_CONNECT_V6_IP_PROTOCOL),
    remote_address: Some(field!(FWPS_FIELD_ALE_AUTH_CONNECT_V4_IP_REMOTE_ADDRESS, FWPS_FIELD_ALE_AUTH_CONNECT_V6_IP_REMOTE_ADDRESS)),
    remote_port: Some(field!(FWPS_FIELD_ALE_AUTH_CONNECT_V4_IP_REMOTE_PORT, FWPS_FIELD_ALE_AUTH_CONNECT_V6_IP_REMOTE_PORT)),
    interface: field!(FWPS_FIELD_ALE_AUTH_CONNECT_V4_IP_LOCAL_INTERFACE, FWPS_FIELD_ALE_AUTH_CONNECT_V6_IP_LOCAL_INTERFACE),
    interface_index: Some(field!(FWPS_FIELD_ALE_AUTH_CONNECT_V4_INTERFACE_INDEX, FWPS_FIELD_ALE_AUTH_CONNECT_V6_INTERFACE_INDEX)),
    sub_interface_index: Some(field!(FWPS_FIELD_ALE_AUTH_CONNECT_V4_SUB_INTERFACE_INDEX, FWPS_FIELD_ALE_AUTH_CONNECT_V6_SUB_INTERFACE_INDEX)),
    flags: field!(FWPS_FIELD_ALE_AUTH_CONNECT_V4_FLAGS, FWPS_FIELD_ALE_AUTH_CONNECT_V6_FLAGS),
    compartment: field!(FWPS_FIELD_ALE_AUTH_CONNECT_V4_COMPARTMENT_ID, FWPS_FIELD_ALE_AUTH_CONNECT_V6_COMPARTMENT_ID),
};

/// ALE_AUTH_RECV_ACCEPT: somebody else does.
#[rustfmt::skip]
const ACCEPT: Fields = Fields {
    application: field!(FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_ALE_APP_ID, FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V6_ALE_APP_ID),
    user: field!(FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_ALE_USER_ID, FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V6_ALE_USER_ID),
    package: field!(FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_ALE_PACKAGE_ID, FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V6_ALE_PACKAGE_ID),
    local_address: field!(FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_IP_LOCAL_ADDRESS, FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V6_IP_LOCAL_ADDRESS),
    local_port: field!(FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_IP_LOCAL_PORT, FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V6_IP_LOCAL_PORT),
    protocol: field!(FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_IP_PROTOCOL, FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V6_IP_PROTOCOL),
    remote_address: Some(field!(FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_IP_REMOTE_ADDRESS, FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V6_IP_REMOTE_ADDRESS)),
    remote_port: Some(field!(FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_IP_REMOTE_PORT, FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V6_IP_REMOTE_PORT)),
    interface: field!(FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_IP_LOCAL_INTERFACE, FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V6_IP_LOCAL_INTERFACE),
    interface_index: Some(field!(FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_INTERFACE_INDEX, FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V6_INTERFACE_INDEX)),
    sub_interface_index: Some(field!(FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_SUB_INTERFACE_INDEX, FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V6_SUB_INTERFACE_INDEX)),
    flags: field!(FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_FLAGS, FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V6_FLAGS),
    compartment: field!(FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V4_COMPARTMENT_ID, FWPS_FIELD_ALE_AUTH_RECV_ACCEPT_V6_COMPARTMENT_ID),
};

/// Classifies at ALE_AUTH_CONNECT_V4 and V6. IRQL: <= DISPATCH_LEVEL.
pub(super) enum AuthConnect {}

impl Classifier for AuthConnect {
    fn classify(classify: &Classify<'_>, decision: Decision<'_>) {
        authorize(&CONNECT, Direction::Send, classify, decision);
    }
}

/// Classifies at ALE_AUTH_RECV_ACCEPT_V4 and V6. IRQL: <= DISPATCH_LEVEL.
pub(super) enum AuthRecvAccept {}

impl Classifier for AuthRecvAccept {
    fn classify(classify: &Classify<'_>, decision: Decision<'_>) {
        authorize(&ACCEPT, Direction::Receive, classify, decision);
    }
}

fn authorize(fields: &Fields, direction: Direction, classify: &Classify<'_>, decision: Decision<'_>) {
    let (Some(shared), Some(family)) = (SHARED.get(), fields.family(classify)) else {
        return decision.pass();
    };
    let reauthorize = fields.repeats(classify);
    // A packet that waited was permitted before it was injected; blocked again, it would never come home.
    let own = shared.asks.is_own(classify.packet(), family);
    let Some(answer) = fields.flow(classify, direction, reauthorize || own, ask) else {
        return decision.pass();
    };
    if own {
        return decision.permit();
    }
    if let Some(question) = answer.question {
        let onward = onward(fields, direction, family, classify);
        return shared.asks.begin(shared, question, classify, decision, &onward);
    }
    if reauthorize {
        shared.asks.repeated(&answer);
    }
    match answer.action {
        Action::Permit => decision.permit(),
        Action::Block => decision.block(),
    }
}

#[inline(never)]
fn ask(shared: &Shared, flow: &AleFlow<'_>) -> Authorization {
    let answer = shared.engine.authorize(processor(), now(), flow);
    if answer.resolve {
        shared.owners.resolve();
    }
    answer
}

/// How the packet of a first authorisation goes on after an answer: an accept shows it behind its headers, a connect from
/// its transport header on.
#[inline(never)]
fn onward(fields: &Fields, direction: Direction, family: Family, classify: &Classify<'_>) -> Onward {
    let metadata = classify.metadata();
    let index = |field: Option<u32>| field.and_then(|field| classify.u32(field)).unwrap_or(0);
    let compartment = metadata.compartment().unwrap_or(0);
    match direction {
        Direction::Receive => {
            // For ICMP the data begin with the header that other protocols have read already.
            let icmp = classify.u8(fields.protocol).is_some_and(is_icmp);
            let transport = if icmp { Some(0) } else { metadata.transport_header() };
            let headers =
                metadata.ip_header().zip(transport).map(|(ip, transport)| ip.saturating_add(transport));
            let (interface, sub_interface) =
                (index(fields.interface_index), index(fields.sub_interface_index));
            // A decrypted packet would be taken for one that came in the clear.
            let secured = classify
                .u32(fields.flags)
                .is_some_and(|flags| flags & FWP_CONDITION_FLAG_IS_IPSEC_SECURED != 0);
            Onward {
                family,
                compartment,
                path: Path::Receive { interface, sub_interface },
                headers: headers.unwrap_or(0),
                possible: headers.is_some() && !secured && classify.packet().is_some(),
            }
        }
        Direction::Send => {
            let mut remote = [0; 16];
            match fields.remote_address.and_then(|field| classify.ip(field)) {
                Some(Ip::V4(address)) => {
                    for (to, from) in remote.iter_mut().zip(address) {
                        *to = from;
                    }
                }
                Some(Ip::V6(address)) => remote = address,
                None => {}
            }
            let endpoint = metadata.endpoint();
            let scope = metadata.remote_scope().unwrap_or(0);
            Onward {
                family,
                compartment,
                path: Path::Send { endpoint: endpoint.unwrap_or(0), remote, scope },
                headers: 0,
                // A header that the sender built would be lost.
                possible: endpoint.is_some() && !metadata.includes_header(),
            }
        }
    }
}

fn is_icmp(number: u8) -> bool {
    matches!(number, protocol::ICMP | protocol::ICMPV6)
}
