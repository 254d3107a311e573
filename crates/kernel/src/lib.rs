//! The safe layer over [`ddk`]: handles that clean up after themselves, IRQL tokens, NBL chains, pool, locks, devices.
//!
//! Everything that a Windows header would call a rule is a type here where that is possible: a chain of NBLs must be
//! handed on, a registration ends with its value, a transaction that is not committed is aborted.
// UNSAFETY: this crate turns the raw bindings into safe types; nothing above it needs to call the kernel directly.
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::float_arithmetic,
        clippy::integer_division
    )
)]

#[cfg(test)]
extern crate std;

#[macro_use]
mod thunk;

pub mod alarm;
pub mod bug;
pub mod cpu;
pub mod interface;
pub mod irql;
mod mdl;
pub mod ndis;
pub mod pool;
pub mod process;
pub mod published;
pub mod rundown;
pub mod spin;
pub mod status;
pub mod thread;
pub mod unicode;
pub mod wdf;
pub mod wfp;
mod zero;
