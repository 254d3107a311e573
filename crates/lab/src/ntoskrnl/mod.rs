//! The kernel's exports.

pub mod irql;
