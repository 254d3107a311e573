//! The Windows Filtering Platform: callouts and the objects that bring them into play.

mod callout;
mod classify;
mod engine;
mod service;

pub use callout::{Callout, CalloutDefinition, Classifier, offload_flags};
pub use classify::{Classify, Decision, Ip, Metadata};
pub use engine::{CalloutObject, FilterObject, Session, SubLayerObject, Transaction};
pub use service::{Changed, ServiceState, Subscription};
