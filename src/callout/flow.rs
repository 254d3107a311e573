//! The life of flows: established, closed. These layers only watch.

use ddk::fwp::FWP_DIRECTION_INBOUND;
use kernel::wfp::{Classifier, Classify, Decision, FlowWatcher};
use weir_core::Direction;
use weir_core::engine::{AleFlow, Connection};

use super::fields::{Fields, field};
use crate::shared::{SHARED, Shared, now, processor};

/// ALE_FLOW_ESTABLISHED.
#[rustfmt::skip]
const ESTABLISHED: Fields = Fields {
    application: field!(FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_ALE_APP_ID, FWPS_FIELD_ALE_FLOW_ESTABLISHED_V6_ALE_APP_ID),
    user: field!(FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_ALE_USER_ID, FWPS_FIELD_ALE_FLOW_ESTABLISHED_V6_ALE_USER_ID),
    package: field!(FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_ALE_PACKAGE_ID, FWPS_FIELD_ALE_FLOW_ESTABLISHED_V6_ALE_PACKAGE_ID),
    local_address: field!(FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_IP_LOCAL_ADDRESS, FWPS_FIELD_ALE_FLOW_ESTABLISHED_V6_IP_LOCAL_ADDRESS),
    local_port: field!(FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_IP_LOCAL_PORT, FWPS_FIELD_ALE_FLOW_ESTABLISHED_V6_IP_LOCAL_PORT),
    protocol: field!(FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_IP_PROTOCOL, FWPS_FIELD_ALE_FLOW_ESTABLISHED_V6_IP_PROTOCOL),
    remote_address: Some(field!(FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_IP_REMOTE_ADDRESS, FWPS_FIELD_ALE_FLOW_ESTABLISHED_V6_IP_REMOTE_ADDRESS)),
    remote_port: Some(field!(FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_IP_REMOTE_PORT, FWPS_FIELD_ALE_FLOW_ESTABLISHED_V6_IP_REMOTE_PORT)),
    interface: field!(FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_IP_LOCAL_INTERFACE, FWPS_FIELD_ALE_FLOW_ESTABLISHED_V6_IP_LOCAL_INTERFACE),
    interface_index: None,
    sub_interface_index: None,
    flags: field!(FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_FLAGS, FWPS_FIELD_ALE_FLOW_ESTABLISHED_V6_FLAGS),
    compartment: field!(FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_COMPARTMENT_ID, FWPS_FIELD_ALE_FLOW_ESTABLISHED_V6_COMPARTMENT_ID),
};

/// ALE_RESOURCE_RELEASE: a local port is given back; no remote end.
#[rustfmt::skip]
const RELEASE: Fields = Fields {
    application: field!(FWPS_FIELD_ALE_RESOURCE_RELEASE_V4_ALE_APP_ID, FWPS_FIELD_ALE_RESOURCE_RELEASE_V6_ALE_APP_ID),
    user: field!(FWPS_FIELD_ALE_RESOURCE_RELEASE_V4_ALE_USER_ID, FWPS_FIELD_ALE_RESOURCE_RELEASE_V6_ALE_USER_ID),
    package: field!(FWPS_FIELD_ALE_RESOURCE_RELEASE_V4_ALE_PACKAGE_ID, FWPS_FIELD_ALE_RESOURCE_RELEASE_V6_ALE_PACKAGE_ID),
    local_address: field!(FWPS_FIELD_ALE_RESOURCE_RELEASE_V4_IP_LOCAL_ADDRESS, FWPS_FIELD_ALE_RESOURCE_RELEASE_V6_IP_LOCAL_ADDRESS),
    local_port: field!(FWPS_FIELD_ALE_RESOURCE_RELEASE_V4_IP_LOCAL_PORT, FWPS_FIELD_ALE_RESOURCE_RELEASE_V6_IP_LOCAL_PORT),
    protocol: field!(FWPS_FIELD_ALE_RESOURCE_RELEASE_V4_IP_PROTOCOL, FWPS_FIELD_ALE_RESOURCE_RELEASE_V6_IP_PROTOCOL),
    remote_address: None,
    remote_port: None,
    interface: field!(FWPS_FIELD_ALE_RESOURCE_RELEASE_V4_IP_LOCAL_INTERFACE, FWPS_FIELD_ALE_RESOURCE_RELEASE_V6_IP_LOCAL_INTERFACE),
    interface_index: None,
    sub_interface_index: None,
    flags: field!(FWPS_FIELD_ALE_RESOURCE_RELEASE_V4_FLAGS, FWPS_FIELD_ALE_RESOURCE_RELEASE_V6_FLAGS),
    compartment: field!(FWPS_FIELD_ALE_RESOURCE_RELEASE_V4_COMPARTMENT_ID, FWPS_FIELD_ALE_RESOURCE_RELEASE_V6_COMPARTMENT_ID),
};

/// ALE_ENDPOINT_CLOSURE.
#[rustfmt::skip]
const CLOSURE: Fields = Fields {
    application: field!(FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V4_ALE_APP_ID, FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V6_ALE_APP_ID),
    user: field!(FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V4_ALE_USER_ID, FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V6_ALE_USER_ID),
    package: field!(FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V4_ALE_PACKAGE_ID, FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V6_ALE_PACKAGE_ID),
    local_address: field!(FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V4_IP_LOCAL_ADDRESS, FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V6_IP_LOCAL_ADDRESS),
    local_port: field!(FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V4_IP_LOCAL_PORT, FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V6_IP_LOCAL_PORT),
    protocol: field!(FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V4_IP_PROTOCOL, FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V6_IP_PROTOCOL),
    remote_address: Some(field!(FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V4_IP_REMOTE_ADDRESS, FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V6_IP_REMOTE_ADDRESS)),
    remote_port: Some(field!(FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V4_IP_REMOTE_PORT, FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V6_IP_REMOTE_PORT)),
    interface: field!(FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V4_IP_LOCAL_INTERFACE, FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V6_IP_LOCAL_INTERFACE),
    interface_index: None,
    sub_interface_index: None,
    flags: field!(FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V4_FLAGS, FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V6_FLAGS),
    compartment: field!(FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V4_COMPARTMENT_ID, FWPS_FIELD_ALE_ENDPOINT_CLOSURE_V6_COMPARTMENT_ID),
};

/// Classifies at ALE_FLOW_ESTABLISHED_V4 and V6. IRQL: <= DISPATCH_LEVEL.
pub(super) enum FlowEstablished {}

impl Classifier for FlowEstablished {
    fn classify(classify: &Classify<'_>, decision: Decision<'_>) {
        let direction = field!(
            FWPS_FIELD_ALE_FLOW_ESTABLISHED_V4_DIRECTION,
            FWPS_FIELD_ALE_FLOW_ESTABLISHED_V6_DIRECTION
        );
        let direction = match classify.u32(direction) {
            Some(inbound) if inbound == FWP_DIRECTION_INBOUND as u32 => Direction::Receive,
            _ => Direction::Send,
        };
        // A layer that does not say which flow it means has nothing to tell.
        // A context is a help: without one the flow ends by its closure, its frames or its age.
        if let Some(shared) = SHARED.get()
            && let Some(Some(connection)) = ESTABLISHED.flow(classify, direction, false, established)
        {
            shared.flows.attach(shared, classify, connection);
        }
        decision.pass();
    }
}

/// Classifies at ALE_RESOURCE_RELEASE_V4 and V6. IRQL: <= DISPATCH_LEVEL.
pub(super) enum ResourceRelease {}

impl Classifier for ResourceRelease {
    fn classify(classify: &Classify<'_>, decision: Decision<'_>) {
        let _told = RELEASE.flow(classify, Direction::Send, false, closed);
        decision.pass();
    }
}

/// Classifies at ALE_ENDPOINT_CLOSURE_V4 and V6. IRQL: <= DISPATCH_LEVEL.
pub(super) enum EndpointClosure {}

impl Classifier for EndpointClosure {
    fn classify(classify: &Classify<'_>, decision: Decision<'_>) {
        let _told = CLOSURE.flow(classify, Direction::Send, false, closed);
        decision.pass();
    }
}

/// Hears of the end of flows that were established.
pub(super) enum Established {}

impl FlowWatcher for Established {
    unsafe fn ended(context: u64) {
        if let Some(shared) = SHARED.get() {
            // SAFETY: contexts of the callouts are attached by `Flows::attach`, and given back once.
            unsafe { shared.flows.ended(shared, context) };
        }
    }
}

#[inline(never)]
fn established(shared: &Shared, flow: &AleFlow<'_>) -> Option<Connection> {
    let established = shared.engine.established(processor(), now(), flow);
    if established.resolve {
        shared.owners.resolve();
    }
    established.connection
}

#[inline(never)]
fn closed(shared: &Shared, flow: &AleFlow<'_>) {
    shared.engine.closed(processor(), now(), flow);
}
