//! The kernel's exports.

pub mod irql;
pub mod memory;
