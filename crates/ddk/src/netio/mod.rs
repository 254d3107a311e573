//! Types of the network headers that NDIS and WFP refer to.
#![allow(
    missing_docs,
    reason = "constants, fields and pointer types carry the names under which the SDK documents them"
)]

use crate::nt::{BOOLEAN, CHAR, UCHAR, ULONG, ULONG64, USHORT};

mod types;

pub use types::*;
