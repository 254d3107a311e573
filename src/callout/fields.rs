//! Where each ALE layer keeps what the engine wants to know.

use ddk::fwp::{FWP_CONDITION_FLAG_IS_LOOPBACK, FWP_CONDITION_FLAG_IS_REAUTHORIZE};
use kernel::process;
use kernel::wfp::{Classify, Family, Ip};
use weir_core::Direction;
use weir_core::engine::{AleFlow, Interface};
use weir_core::flow::Endpoint;
use weir_core::wire::Medium;

use crate::filter::{COMPARTMENT, NAME_LENGTH};
use crate::shared::{SHARED, Shared};

/// Field indexes of a layer; the same for IPv4 and IPv6. `None` for what the layer does not have.
#[derive(Clone, Copy)]
pub(super) struct Fields {
    pub(super) application: u32,
    pub(super) user: u32,
    pub(super) package: u32,
    pub(super) local_address: u32,
    pub(super) local_port: u32,
    pub(super) protocol: u32,
    pub(super) remote_address: Option<u32>,
    pub(super) remote_port: Option<u32>,
    pub(super) interface: u32,
    pub(super) interface_index: Option<u32>,
    pub(super) sub_interface_index: Option<u32>,
    pub(super) flags: u32,
    pub(super) compartment: u32,
}

/// The index of a field, after proof that IPv4 and IPv6 have it at the same place.
macro_rules! field {
    ($v4:ident, $v6:ident) => {{
        const { assert!(ddk::fwp::$v4 == ddk::fwp::$v6) };
        ddk::fwp::$v4 as u32
    }};
}
pub(super) use field;

impl Fields {
    /// The family of the flow, by its local address.
    pub(super) fn family(&self, classify: &Classify<'_>) -> Option<Family> {
        Some(match classify.ip(self.local_address)? {
            Ip::V4(_) => Family::V4,
            Ip::V6(_) => Family::V6,
        })
    }

    /// Whether the platform asks again about a flow that it has asked about.
    pub(super) fn repeats(&self, classify: &Classify<'_>) -> bool {
        classify.u32(self.flags).is_some_and(|flags| flags & FWP_CONDITION_FLAG_IS_REAUTHORIZE != 0)
    }

    /// Shows the flow that a classify is about to `ask` and returns the answer; `None` when the layer does not say who
    /// talks to whom, or while the driver is not up. In that case the decision is left to other filters.
    ///
    /// `repeated` says that nobody is to be asked (see [`AleFlow::reauthorize`]).
    ///
    /// Not inlined, so that the flow and the room for an adapter's name stand on the stack once.
    #[inline(never)]
    pub(super) fn flow<R>(
        &self,
        classify: &Classify<'_>,
        direction: Direction,
        repeated: bool,
        ask: fn(&Shared, &AleFlow<'_>) -> R,
    ) -> Option<R> {
        let shared = SHARED.get()?;
        let metadata = classify.metadata();
        let luid = classify.u64(self.interface).unwrap_or(0);
        // Compartment 0 means "not said". Systems before Windows 10 1703 have no such field.
        let compartment = classify
            .u32(self.compartment)
            .or(metadata.compartment())
            .filter(|&compartment| compartment != 0)
            .unwrap_or(COMPARTMENT);
        let mut name = [0; NAME_LENGTH];
        let length = if luid == 0 { 0 } else { shared.adapters.lock().learn(luid, compartment, &mut name) };
        let process_id = metadata.process_id().unwrap_or(0);
        let flags = classify.u32(self.flags).unwrap_or(0);
        let flow = AleFlow {
            direction,
            protocol: classify.u8(self.protocol)?,
            compartment,
            local: endpoint(classify, Some(self.local_address), Some(self.local_port))?,
            remote: endpoint(classify, self.remote_address, self.remote_port)?,
            interface: Interface {
                luid,
                index: self.interface_index.and_then(|field| classify.u32(field)).unwrap_or(0),
                medium: Medium::Other,
                compartment,
                name: name.get(..length).unwrap_or(&[]),
            },
            image: classify.text(self.application).unwrap_or(&[]),
            process_id,
            process_created: process::created(process_id),
            user: classify.sid(self.user).unwrap_or(&[]),
            package: classify.sid(self.package).unwrap_or(&[]),
            loopback: flags & FWP_CONDITION_FLAG_IS_LOOPBACK != 0,
            reauthorize: repeated,
        };
        Some(ask(shared, &flow))
    }
}

/// An end of a flow. A field that the layer does not have leaves the unspecified address and port 0; a field that it
/// has but that holds no address is an error.
fn endpoint(classify: &Classify<'_>, address: Option<u32>, port: Option<u32>) -> Option<Endpoint> {
    let address = match address.map(|field| classify.ip(field)) {
        None => [0; 16],
        Some(None) => return None,
        Some(Some(Ip::V6(address))) => address,
        Some(Some(Ip::V4(address))) => mapped(address),
    };
    Some(Endpoint { address, port: port.and_then(|field| classify.u16(field)).unwrap_or(0) })
}

/// An IPv4 address as IPv4-mapped IPv6 address.
fn mapped([a, b, c, d]: [u8; 4]) -> [u8; 16] {
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, a, b, c, d]
}
