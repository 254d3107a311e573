//! Packets between two addresses of this machine, which pass no adapter: for the tap.
//!
//! Each is shown to OUTBOUND_IPPACKET and then to INBOUND_IPPACKET. Weir looks at the first only, where it begins with its
//! IP header, and so sees each packet once, on its way from whoever sent it. What happens to it was decided by ALE, at
//! both ends; the callout only watches. There are filters at these layers only while the tap is open.

use kernel::ndis::FrameBytes;
use kernel::wfp::{Classifier, Classify, Decision};
use weir_core::engine::Interface;
use weir_core::tap::{About, flag};
use weir_core::wire::Medium;
use weir_core::{Action, Direction};

use super::fields::field;
use crate::filter::{Bytes, COMPARTMENT};
use crate::shared::{SHARED, Shared, now, processor};

/// Classifies at OUTBOUND_IPPACKET_V4 and V6, loopback packets only. IRQL: <= DISPATCH_LEVEL.
pub(super) enum Loopback {}

impl Classifier for Loopback {
    fn classify(classify: &Classify<'_>, decision: Decision<'_>) {
        if let Some(shared) = SHARED.get() {
            let interface = interface(classify);
            // A list has one packet but for large sends that are still to be cut.
            for frame in classify.ip_packets() {
                watch(shared, &interface, frame);
            }
        }
        decision.pass();
    }
}

fn interface(classify: &Classify<'_>) -> Interface<'static> {
    let luid = field!(
        FWPS_FIELD_OUTBOUND_IPPACKET_V4_IP_LOCAL_INTERFACE,
        FWPS_FIELD_OUTBOUND_IPPACKET_V6_IP_LOCAL_INTERFACE
    );
    let index = field!(
        FWPS_FIELD_OUTBOUND_IPPACKET_V4_INTERFACE_INDEX,
        FWPS_FIELD_OUTBOUND_IPPACKET_V6_INTERFACE_INDEX
    );
    let compartment = field!(
        FWPS_FIELD_OUTBOUND_IPPACKET_V4_COMPARTMENT_ID,
        FWPS_FIELD_OUTBOUND_IPPACKET_V6_COMPARTMENT_ID
    );
    let known = classify.u32(compartment).or(classify.metadata().compartment());
    Interface {
        luid: classify.u64(luid).unwrap_or(0),
        index: classify.u32(index).unwrap_or(0),
        medium: Medium::RawIp,
        compartment: known.filter(|&compartment| compartment != 0).unwrap_or(COMPARTMENT),
        name: &[],
    }
}

#[inline(never)]
fn watch(shared: &Shared, interface: &Interface<'_>, frame: FrameBytes<'_>) {
    let frame = Bytes(frame);
    let watched = shared.engine.batch(processor(), now()).watch(interface, Direction::Send, &frame);
    if !watched.tap {
        return;
    }
    let about = About {
        direction: Direction::Send,
        medium: Medium::RawIp,
        luid: interface.luid,
        compartment: interface.compartment,
        flow: watched.flow,
        action: Action::Permit,
        decider: watched.decider,
        generation: watched.generation,
        vlan: None,
        packets: 1,
        flags: flag::LOOPBACK,
    };
    shared.tap(&about, &frame);
}
