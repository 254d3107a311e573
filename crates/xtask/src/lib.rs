//! The contributor's front door: build, check, test and show Weir.
//!
//! `cargo xtask --help` is the manual. Each subcommand is one module; the image checks are a library so that
//! tests can feed them doctored images.

#![forbid(unsafe_code)]

pub mod arch;
pub mod bench;
pub mod build;
pub mod check_image;
pub mod coverage;
pub mod demo;
pub mod fault_sweep;
mod lab_test;
pub mod lint;
pub mod models;
pub mod process;
pub mod stress;
pub mod test;
pub mod toolchain;
pub mod workspace;
