//! Interfaces, addresses and sockets: types that NDIS, WFP and WSK refer to, and IP Helper (ifdef.h,
//! ws2def.h, nldef.h, netioapi.h).
#![allow(
    missing_docs,
    reason = "constants, fields and pointer types carry the names under which the SDK documents them"
)]

use crate::ndis::{NDIS_MEDIUM, NDIS_PHYSICAL_MEDIUM};
use crate::nt::{
    BOOLEAN, CHAR, GUID, HANDLE, LARGE_INTEGER, NTSTATUS, PVOID, PWSTR, SIZE_T, UCHAR, ULONG, ULONG64,
    USHORT, WCHAR,
};

mod constants;
mod enums;
mod functions;
mod mib;
mod socket;
mod types;

pub use constants::*;
pub use enums::*;
pub use functions::*;
pub use mib::*;
pub use socket::*;
pub use types::*;
