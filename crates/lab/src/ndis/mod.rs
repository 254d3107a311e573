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
pub mod driver;
pub mod exports;
mod header;
pub mod legality;
mod memory;
pub mod module;
mod notify;
mod oid;
pub mod owner;
mod parcel;
mod pools;
mod raw;
mod restart;
pub mod sync;

pub use adapter::{Adapter, AttachTime, Behaviour, Config, Delivered, Events, Giving, OnWire};
pub use build::{Piece, Shape, Split};
pub use data::{Call, DISPATCH_LEVEL, List, RESOURCES};
pub use driver::FilterDriver;
pub use legality::State;
pub use memory::{Value, set_configuration};
pub use module::{Attributes, Module};
pub use oid::{Completion, OidResult};
pub use parcel::set_poison;

pub(crate) use build::SplitMix;

/// The export tables of NDIS.SYS.
pub fn exports() -> [&'static [crate::export::Export]; 3] {
    [exports::FILTER_EXPORTS, exports::LIBRARY_EXPORTS, sync::SYNC_EXPORTS]
}

/// `NDIS_STATUS_SEND_ABORTED`.
pub(crate) const STATUS_SEND_ABORTED: i32 = ddk::ndis::NDIS_STATUS_SEND_ABORTED;

/// A frame as TCP/IP shows it to callouts: an NBL whose data start `offset` bytes into the frame.
pub(crate) mod shown {
    use ddk::ndis::NET_BUFFER_LIST;

    use super::build::{self, Piece, Shape};
    use super::owner::{self, Birth, Layer};
    use super::raw::Snapshot;
    use crate::verifier;

    /// Builds the NBL, lets `body` have it, and checks that it comes back as it was.
    pub(crate) fn with<R>(frame: &[u8], offset: u32, body: impl FnOnce(*mut NET_BUFFER_LIST) -> R) -> R {
        let (parcel, nbl) = build::list(&[Piece { bytes: frame, tag: 0 }], &Shape::default(), None);
        owner::insert(nbl, parcel, Birth { origin: Layer::Stack, adapter: 0, pool: 0 }, Vec::new());
        // SAFETY: the list was just built and is accessible; the offset lies inside the frame.
        let before = unsafe {
            let nb = (*nbl).FirstNetBuffer;
            let offset = offset.min((*nb).DataLength);
            (*nb).DataOffset += offset;
            (*nb).DataLength -= offset;
            build::set_current_mdl(nb);
            Snapshot::of(nbl)
        };
        let result = body(nbl);
        // SAFETY: as above.
        let after = unsafe { Snapshot::of(nbl) };
        if let Some(difference) = before.difference(&after) {
            verifier::violation(
                "N-47",
                &format!("a classify left the NBL that it was shown modified: {difference}"),
            );
        }
        // A referenced NBL lives on; the reference is reported if it is never given back.
        if !crate::fwp::is_referenced(nbl) {
            owner::remove(nbl, Layer::Stack);
        }
        result
    }
}
