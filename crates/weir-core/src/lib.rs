//! The logic of Weir that knows no Windows type: wire parsing, flow table, policy, counters, and the engine
//! that joins them.
//!
//! Without the feature `std` the crate allocates nothing, takes no lock and cannot panic: it runs on the
//! packet path of the driver. With `std` it also holds the policy compiler.
#![cfg_attr(not(any(feature = "std", test)), no_std)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::float_arithmetic,
        clippy::string_slice
    )
)]
#![deny(unsafe_code)]

pub mod ask;
pub mod counters;
pub mod crossing;
pub mod engine;
pub mod epoch;
pub mod flow;
pub mod fragment;
mod hash;
pub mod identity;
pub mod limit;
pub mod mark;
pub mod memory;
pub mod names;
pub mod pcapng;
pub mod policy;
pub mod reject;
#[cfg(not(loom))]
mod sync;
#[cfg(loom)]
pub mod sync;
pub mod tap;
pub mod wire;

/// A point in time: 100 ns units of any clock that does not go backwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub u64);

impl Time {
    /// Units in one second.
    pub const SECOND: u64 = 10_000_000;

    /// Units since `earlier`; zero when the clock did go backwards.
    #[must_use]
    pub fn since(self, earlier: Time) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Which way a frame or a flow goes, seen from this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the stack to the wire: NDIS sends, outbound connects.
    Send,
    /// From the wire to the stack: NDIS receives, inbound accepts.
    Receive,
}

impl Direction {
    /// The other way.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Direction::Send => Direction::Receive,
            Direction::Receive => Direction::Send,
        }
    }
}

/// What happens to a frame or a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// It goes on.
    Permit,
    /// It is dropped, or refused.
    Block,
}
