//! Flows: their key, their record, and the table in which every processor finds them without a lock.

mod key;
mod record;
mod table;
mod waiting;

pub use key::{Endpoint, FlowKey, Side};
pub use record::{Flags, FlowView, Owner, Record, Stamp, State, Traffic, Verdict};
pub use table::{Full, Opening, Table};
