//! Peers that are no Rust crates.

pub(crate) mod dpdk;
