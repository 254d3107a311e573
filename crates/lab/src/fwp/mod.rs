//! The Windows Filtering Platform as a callout driver sees it: the engine's objects, callouts, flows and
//! classifies.
//!
//! Contract paragraphs are cited as in the rest of the lab: A (callout duties), C (flow contexts), and the
//! verifier's rules F-1 to F-12. Injection follows I1 to I13,
//! pending P1 to P7.

pub mod arbitrate;
mod callout;
mod classify;
mod engine;
pub mod exports;
pub(crate) mod inject;
pub mod inject_exports;
mod layer;
pub(crate) mod packet;
pub(crate) mod pend;
pub mod pend_exports;
pub mod read;
mod record;
mod service;
mod session;
pub mod stream;
mod value;

pub use callout::{begin_flow, contexts, end_flow, registered, registered_flags};
pub use classify::{Indication, classify, generation, has_filters};
pub use engine::object_counts;
pub use service::{reboot, service_state, set_service_state, set_service_state_untold, tell_service_state};
pub use session::{hold_transaction, release_transaction};
pub use value::Value;

pub(crate) use callout::is_aborted;

/// The export tables of fwpkclnt.sys.
pub fn exports() -> [&'static [crate::export::Export]; 6] {
    [
        exports::CALLOUT_EXPORTS,
        exports::MANAGEMENT_EXPORTS,
        inject_exports::INJECTION_EXPORTS,
        pend_exports::PEND_EXPORTS,
        read::READ_EXPORTS,
        stream::STREAM_EXPORTS,
    ]
}

/// How many fields a layer indicates.
pub fn field_count(layer: u16) -> usize {
    layer::by_id(layer).map_or(0, |layer| layer.fields)
}
