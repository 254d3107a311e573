//! The filtering platform's side: who opens a connection, and whether it may exist.
//!
//! # Rights and failure
//! Filters of the authorisation layers are terminating: the callout answers permit or block. What becomes of a machine
//! without the driver is the policy's `failure`: when it is `open`, these filters carry PERMIT_IF_CALLOUT_UNREGISTERED,
//! so that the machine keeps its network should the objects ever outlive the callouts; when it is `closed`, they do not,
//! and stand above a [`guard`]. The other layers only tell about flows; their filters inspect.

mod ale;
mod fields;
mod flow;
mod guard;
mod lifetime;
mod loopback;
mod owners;
mod platform;

use ddk::fwp::{
    FWP_ACTION_CALLOUT_INSPECTION, FWP_ACTION_CALLOUT_TERMINATING, FWP_CONDITION_FLAG_IS_LOOPBACK,
    FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED, FWPM_LAYER_ALE_AUTH_CONNECT_V4,
    FWPM_LAYER_ALE_AUTH_CONNECT_V6, FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4, FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V6,
    FWPM_LAYER_ALE_ENDPOINT_CLOSURE_V4, FWPM_LAYER_ALE_ENDPOINT_CLOSURE_V6,
    FWPM_LAYER_ALE_FLOW_ESTABLISHED_V4, FWPM_LAYER_ALE_FLOW_ESTABLISHED_V6,
    FWPM_LAYER_ALE_RESOURCE_RELEASE_V4, FWPM_LAYER_ALE_RESOURCE_RELEASE_V6, FWPM_LAYER_OUTBOUND_IPPACKET_V4,
    FWPM_LAYER_OUTBOUND_IPPACKET_V6,
};
use ddk::nt::GUID;
use kernel::wfp::{CalloutDefinition, CalloutObject, Classifier, FilterAction, FilterObject, FlowWatcher};
use kernel::wide;
use weir_core::policy::Failure;

use crate::guids;
use ale::{AuthConnect, AuthRecvAccept};
use flow::{EndpointClosure, Established, FlowEstablished, ResourceRelease};
use loopback::Loopback;

pub(crate) use lifetime::Flows;
pub(crate) use owners::Owners;
pub(crate) use platform::{Platform, Registrations};

/// Weight of the sublayers: in the middle, so that administrators can place others above and below, and below that of
/// FWPM_SUBLAYER_UNIVERSAL (0x8000), as inspection beside IPsec needs it.
const WEIGHT: u16 = 0x7000;
/// Weight class of the filters that ask the callouts.
const HEAVIEST: u8 = 15;

/// The layers at which connections are authorised.
const AUTHORISING: [GUID; 4] = [
    FWPM_LAYER_ALE_AUTH_CONNECT_V4,
    FWPM_LAYER_ALE_AUTH_CONNECT_V6,
    FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4,
    FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V6,
];

/// Number of callouts.
const COUNT: usize = 12;

/// What the filter at a layer is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Purpose {
    /// To decide.
    Authorises,
    /// To tell about flows.
    Watches,
    /// To see loopback packets; it stands only while somebody wants them.
    Loopback,
}

/// One row of the table: a layer and who classifies there.
#[derive(Clone, Copy)]
struct Row {
    definition: CalloutDefinition,
    object: CalloutObject,
    filter: GUID,
    purpose: Purpose,
}

impl Row {
    const fn new<C: Classifier>(number: u8, layer: GUID, name: &'static [u16], purpose: Purpose) -> Self {
        let key = guids::callout(number);
        Self {
            definition: CalloutDefinition::new::<C>(key),
            object: CalloutObject { key, name, layer },
            filter: guids::filter(number),
            purpose,
        }
    }

    /// The same, with contexts on flows.
    const fn watched<W: FlowWatcher>(self) -> Self {
        Self { definition: self.definition.watched::<W>(), ..self }
    }

    /// The filter that sends what the callout is for at the layer to it, for a policy that fails like this.
    fn filter(&self, failure: Failure) -> FilterObject {
        let (action, flags, sublayer) = match (self.purpose, failure) {
            (Purpose::Watches | Purpose::Loopback, _) => (FWP_ACTION_CALLOUT_INSPECTION, 0, guids::SUBLAYER),
            (Purpose::Authorises, Failure::Open) => (
                FWP_ACTION_CALLOUT_TERMINATING,
                FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED,
                guids::SUBLAYER,
            ),
            (Purpose::Authorises, Failure::Closed) => {
                (FWP_ACTION_CALLOUT_TERMINATING, 0, guids::GUARD_SUBLAYER)
            }
        };
        FilterObject {
            key: self.filter,
            name: self.object.name,
            layer: self.object.layer,
            sublayer,
            weight: HEAVIEST,
            action: FilterAction::Callout(action, self.object.key),
            flags,
            unless: 0,
            only: if self.purpose == Purpose::Loopback { FWP_CONDITION_FLAG_IS_LOOPBACK } else { 0 },
        }
    }
}

/// Every callout of Weir.
#[rustfmt::skip]
const TABLE: [Row; COUNT] = [
    Row::new::<AuthConnect>(1, FWPM_LAYER_ALE_AUTH_CONNECT_V4, wide!("Weir connect v4"), Purpose::Authorises),
    Row::new::<AuthConnect>(2, FWPM_LAYER_ALE_AUTH_CONNECT_V6, wide!("Weir connect v6"), Purpose::Authorises),
    Row::new::<AuthRecvAccept>(3, FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4, wide!("Weir accept v4"), Purpose::Authorises),
    Row::new::<AuthRecvAccept>(4, FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V6, wide!("Weir accept v6"), Purpose::Authorises),
    Row::new::<FlowEstablished>(5, FWPM_LAYER_ALE_FLOW_ESTABLISHED_V4, wide!("Weir established v4"), Purpose::Watches).watched::<Established>(),
    Row::new::<FlowEstablished>(6, FWPM_LAYER_ALE_FLOW_ESTABLISHED_V6, wide!("Weir established v6"), Purpose::Watches).watched::<Established>(),
    Row::new::<ResourceRelease>(7, FWPM_LAYER_ALE_RESOURCE_RELEASE_V4, wide!("Weir release v4"), Purpose::Watches),
    Row::new::<ResourceRelease>(8, FWPM_LAYER_ALE_RESOURCE_RELEASE_V6, wide!("Weir release v6"), Purpose::Watches),
    Row::new::<EndpointClosure>(9, FWPM_LAYER_ALE_ENDPOINT_CLOSURE_V4, wide!("Weir closure v4"), Purpose::Watches),
    Row::new::<EndpointClosure>(10, FWPM_LAYER_ALE_ENDPOINT_CLOSURE_V6, wide!("Weir closure v6"), Purpose::Watches),
    Row::new::<Loopback>(11, FWPM_LAYER_OUTBOUND_IPPACKET_V4, wide!("Weir loopback v4"), Purpose::Loopback),
    Row::new::<Loopback>(12, FWPM_LAYER_OUTBOUND_IPPACKET_V6, wide!("Weir loopback v6"), Purpose::Loopback),
];
