//! NDIS as a filter driver sees it: adapters, filter modules and their states, NBLs and their owners, OIDs
//! and events.
//!
//! Rules are named by the numbers of the verifier's rule list; texts add the contract's own names (T:
//! transitions, R: registration, V: versions, O: ownership, FL: flags). Handles are opaque, callbacks run
//! under the checks of [`verifier::callback`](crate::verifier::callback), and no lock of the simulator is
//! held while a driver runs.

pub mod adapter;
mod build;
mod data;
pub mod device;
pub mod driver;
pub mod exports;
mod fragment;
mod header;
pub mod lane;
pub mod legality;
mod memory;
pub mod module;
pub mod more;
pub mod mux;
mod notify;
mod offload;
mod oid;
pub mod owner;
mod parcel;
mod pools;
mod power;
mod raw;
mod request;
mod restart;
pub(crate) mod stack;
pub mod sync;

pub use adapter::{Adapter, AttachTime, Behaviour, Beside, Config, Delivered, Edge, Events, Giving, OnWire};
pub use build::{Piece, Shape, Split, set_unmapped};
pub use data::{Call, DISPATCH_LEVEL, List, RESOURCES};
pub use driver::{FilterDriver, all as filter_drivers};
pub use lane::{Lane, Way};
pub use legality::State;
pub use memory::{Value, set_configuration};
pub(crate) use module::before_wait;
pub use module::{Attributes, DataHandlers, Module};
pub use mux::Crossing;
pub use offload::set_offloads;
pub use oid::{Completion, OidResult};
pub use parcel::set_poison;
pub use request::{Issued, OidAnswer, OidRequest, Path};

pub(crate) use build::SplitMix;

/// The export tables of NDIS.SYS.
pub fn exports() -> [&'static [crate::export::Export]; 5] {
    [
        device::DEVICE_EXPORTS,
        exports::FILTER_EXPORTS,
        exports::LIBRARY_EXPORTS,
        more::MORE_EXPORTS,
        sync::SYNC_EXPORTS,
    ]
}

/// `NDIS_STATUS_SEND_ABORTED`.
pub(crate) const STATUS_SEND_ABORTED: i32 = ddk::ndis::NDIS_STATUS_SEND_ABORTED;
