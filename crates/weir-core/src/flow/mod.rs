//! Flows: their key, their record, and the table in which every processor finds them without a lock.

mod key;
mod record;
mod table;

pub use key::{Endpoint, FlowKey, Side};
pub use record::{Flags, FlowView, Owner, Stamp, State, Traffic, Verdict};
