//! The Windows Filtering Platform: callouts and the objects that bring them into play.

mod callout;
mod classify;
mod engine;
mod flow;
mod inject;
mod pend;
mod service;

pub use callout::{Callout, CalloutDefinition, Classifier, FlowWatcher, offload_flags};
pub use classify::{Classify, Decision, Ip, Metadata};
pub use engine::{
    CalloutObject, FilterAction, FilterObject, Lifetime, ProviderObject, Session, SubLayerObject,
    Transaction, is_gone, is_transient, settled,
};
pub use flow::{Attached, FlowContexts};
pub use inject::{Family, Injector, Packet, PacketPool, Path, Shown};
pub use pend::PendedOperation;
pub use service::{Changed, ServiceState, Subscription};
