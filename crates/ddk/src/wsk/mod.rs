//! Winsock Kernel: sockets of kernel drivers (wsk.h).
//!
//! The functions of a registered client and of its sockets are not imported: they stand in the tables that
//! [`WskCaptureProviderNPI`] and each [`WSK_SOCKET`] point to.
#![allow(
    missing_docs,
    reason = "constants, fields and pointer types carry the names under which the SDK documents them"
)]

use core::ffi::c_void;

use crate::guid;
use crate::netio::{ADDRESS_FAMILY, PADDRINFOEXW, PCMSGHDR, PSOCKADDR};
use crate::nmr::PNPIID;
use crate::nt::{
    GUID, KSPIN_LOCK, NTSTATUS, PEPROCESS, PETHREAD, PIRP, PMDL, PSECURITY_DESCRIPTOR, PULONG,
    PUNICODE_STRING, PVOID, SIZE_T, ULONG, ULONG_PTR, ULONGLONG, USHORT,
};

mod callbacks;
mod constants;
mod dispatch;
mod functions;
mod inline;
mod types;

pub use callbacks::*;
pub use constants::*;
pub use dispatch::*;
pub use functions::*;
pub use inline::*;
pub use types::*;
