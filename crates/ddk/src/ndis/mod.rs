//! NDIS 6.x: filter drivers, net buffers, OIDs, status and PnP (ndis.h, ntddndis.h).
#![allow(
    missing_docs,
    reason = "constants, fields and pointer types carry the names under which the SDK documents them"
)]

use crate::netio::{
    NDIS_MEDIA_CONNECT_STATE, NDIS_MEDIA_DUPLEX_STATE, NET_IF_ACCESS_TYPE, NET_IF_CONNECTION_TYPE,
    NET_IF_DIRECTION_TYPE, NET_IF_MEDIA_DUPLEX_STATE, NET_IF_OPER_STATUS, NET_IFINDEX, NET_LUID,
    PNET_IFINDEX, PNET_LUID,
};
use crate::nt::{
    BOOLEAN, CCHAR, EX_POOL_PRIORITY, GUID, KEVENT, KIRQL, KSPIN_LOCK, LARGE_INTEGER, LONG, LPCGUID, MDL,
    PCUNICODE_STRING, PDEVICE_OBJECT, PDRIVER_DISPATCH, PDRIVER_OBJECT, PLARGE_INTEGER, PMDL,
    PSCATTER_GATHER_LIST, PULONG, PVOID, SIZE_T, SLIST_HEADER, UCHAR, ULONG, ULONG_PTR, ULONG64,
    UNICODE_STRING, USHORT,
};

mod constants;
mod enums;
mod events;
mod filter;
mod filter_functions;
mod functions;
mod inline;
mod nbl;
mod nbl_functions;
mod nbl_info;
mod objects;
mod oid_constants;
mod status;
mod types;

pub use constants::*;
pub use enums::*;
pub use events::*;
pub use filter::*;
pub use filter_functions::*;
pub use functions::*;
pub use inline::*;
pub use nbl::*;
pub use nbl_functions::*;
pub use nbl_info::*;
pub use objects::*;
pub use oid_constants::*;
pub use status::*;
pub use types::*;

/// The type of each imported function, under the function's name.
pub mod sig {
    pub use super::filter_functions::sig::*;
    pub use super::functions::sig::*;
    pub use super::nbl_functions::sig::*;
}

/// (DLL, function) of every function declared here, one table per file.
pub const IMPORTS: &[&[(&str, &str)]] =
    &[filter_functions::IMPORTS, functions::IMPORTS, nbl_functions::IMPORTS];
