//! The TCP/IP edge above the filters: it knows the local addresses, authorises flows through ALE, and
//! delivers.

mod ale;
mod flow;
mod layers;
mod open;
pub mod packet;
pub mod process;
mod stack;
mod stream;

pub use flow::{Edge, Interface, Stats, Verdict};
pub use packet::Medium;
pub use process::{Process, ProcessMap, Volumes};
pub use stack::Emitted;
pub use stream::StreamData;

pub(crate) use stack::{ip_header, reenter};
