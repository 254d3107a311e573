//! A Windows kernel simulator that loads linked x64 driver images into a Linux process and runs them.
//!
//! The lab is a test bed: it lends a driver the exports it imports, watches every call against the documented
//! rules, and reports a broken rule with the driver's own file and line. It models Windows from its
//! documentation and proves nothing about Windows itself.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

pub mod bench;
pub mod bugcheck;
pub mod capture;
pub mod child;
pub mod clock;
pub mod coverage;
pub mod cpu;
pub mod drive;
mod driver_object;
pub mod edge;
pub mod export;
pub mod fault;
pub mod fwp;
pub mod handle;
pub mod machine;
pub mod ndis;
pub mod netio;
pub mod ntoskrnl;
pub mod pe;
pub mod pool;
pub mod registry;
pub mod replay;
pub mod schedule;
pub mod seh;
mod shared_data;
mod slab;
mod stub;
pub mod symbols;
pub mod trace;
mod trap;
pub mod unwind;
pub mod verifier;
pub mod wdf;

pub use bugcheck::bugcheck;
pub use machine::{Driver, Machine, Options};
