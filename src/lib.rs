//! weir.sys: an NDIS lightweight filter joined with WFP callouts.
//!
//! The driver is a thin shell around `weir_core::engine`: `filter` feeds it every frame, `callout` every
//! connection, `control` lets user mode set the policy and read the results, `driver` brings all of it up and down.
//!
//! Empty on other targets than Windows, so that the workspace builds everywhere.
#![cfg_attr(windows, no_std)]
#![cfg_attr(
    windows,
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::float_arithmetic,
        clippy::integer_division
    )
)]

#[cfg(windows)]
mod ask;
#[cfg(windows)]
mod callout;
#[cfg(windows)]
mod control;
#[cfg(windows)]
mod driver;
#[cfg(windows)]
mod filter;
#[cfg(windows)]
mod guids;
#[cfg(windows)]
mod runtime;
#[cfg(windows)]
mod shared;
#[cfg(windows)]
mod tags;
#[cfg(windows)]
mod tap;
