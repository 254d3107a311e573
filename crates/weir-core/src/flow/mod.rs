//! Flows: their key, their record, and the table in which every processor finds them without a lock.

mod key;
mod line;
mod prefetch;
mod record;
mod stack;
mod table;
mod waiting;

pub use key::{Endpoint, FlowKey, Side};
pub(crate) use line::MAX_VERDICT;
pub use line::{Aim, Blank, Found, Lane, Sight};
pub use record::{Flags, FlowView, Owner, Record, Stamp, State, Traffic, Verdict};
pub use table::{Full, Opening, Table};
