//! Windows Filtering Platform: callouts (fwpsk.h) and management (fwpmk.h).
#![allow(
    missing_docs,
    reason = "constants, fields and pointer types carry the names under which the SDK documents them"
)]

use crate::guid;
use crate::ndis::{
    NDIS_HANDLE, NDIS_PORT_NUMBER, NDIS_SWITCH_NIC_INDEX, NDIS_SWITCH_PORT_ID, NET_BUFFER, NET_BUFFER_LIST,
    PNET_BUFFER_LIST,
};
use crate::netio::{
    ADDRESS_FAMILY, COMPARTMENT_ID, IF_INDEX, IP_ADDRESS_PREFIX, IPPROTO, SCOPE_ID, SOCKADDR,
    SOCKADDR_STORAGE, WSACMSGHDR,
};
use crate::nt::{
    BOOLEAN, GUID, HANDLE, MDL, NTSTATUS, PSECURITY_DESCRIPTOR, PSID_AND_ATTRIBUTES, PVOID, SID, SIZE_T,
    UCHAR, ULONG, USHORT,
};

mod callbacks;
mod conditions;
mod constants;
mod enums;
mod fields;
mod fields_ale;
mod fwpm;
mod fwpm_functions;
mod fwps;
mod fwps_functions;
mod inline;
mod keys;
mod layer_keys;
mod types;

pub use callbacks::*;
pub use conditions::*;
pub use constants::*;
pub use enums::*;
pub use fields::*;
pub use fields_ale::*;
pub use fwpm::*;
pub use fwpm_functions::*;
pub use fwps::*;
pub use fwps_functions::*;
pub use inline::*;
pub use keys::*;
pub use layer_keys::*;
pub use types::*;

/// The type of each imported function, under the function's name.
pub mod sig {
    pub use super::fwpm_functions::sig::*;
    pub use super::fwps_functions::sig::*;
}

/// (DLL, function) of every function declared here, one table per file.
pub const IMPORTS: &[&[(&str, &str)]] = &[fwpm_functions::IMPORTS, fwps_functions::IMPORTS];
