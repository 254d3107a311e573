//! Raw bindings to the Windows kernel interfaces Weir stands on: NT, NDIS, WFP and KMDF.
//!
//! Names, case and types are C's. One seam exists: [`nt`] is Microsoft's `wdk-sys` when the feature `wdk` is on and
//! the target is Windows, and a stand-in of the same shape otherwise. Everything else is common to both.
//!
//! On Windows the calls are imported by name (`raw-dylib`, so no kit library is needed to link); elsewhere the
//! declarations only carry types, which a simulator of these interfaces uses for its exports.
//!
//! # The ABI
//! Kernel code uses the one calling convention of its machine: `extern "C"` on Windows targets. On other x86-64 hosts
//! the same convention is called `"win64"`. An ABI string cannot come out of a macro, so the item macros
//! [`callback!`], [`imports!`] and [`abi_fn!`] write each item with the right one.
#![no_std]
#![allow(
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    reason = "names are those of the C headers"
)]

#[macro_use]
mod macros;

pub mod fwp;
pub mod inline;
pub mod ndis;
pub mod netio;
pub mod nt;
pub mod wdf;

/// A GUID from its 128 bits, in the order in which it is written.
pub const fn guid(bits: u128) -> nt::GUID {
    nt::GUID {
        Data1: (bits >> 96) as u32,
        Data2: (bits >> 80) as u16,
        Data3: (bits >> 64) as u16,
        Data4: (bits as u64).to_be_bytes(),
    }
}
