//! Authorisation: may this connection exist?

use kernel::wfp::{Classifier, Classify, Decision};
use weir_core::engine::AleFlow;
use weir_core::{Action, Direction};

use super::fields::{Fields, field};
use crate::shared::{Shared, now, processor};

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
    match fields.flow(classify, direction, ask) {
        Some(Action::Permit) => decision.permit(),
        Some(Action::Block) => decision.block(),
        None => decision.pass(),
    }
}

#[inline(never)]
fn ask(shared: &Shared, flow: &AleFlow<'_>) -> Action {
    let answer = shared.engine.authorize(processor(), now(), flow);
    if let Some(question) = &answer.question {
        shared.engine.answer(processor(), question, answer.action);
    }
    if answer.resolve {
        shared.owners.resolve();
    }
    answer.action
}
