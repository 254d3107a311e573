//! Raw bindings to the Windows kernel interfaces Weir stands on: NT, NDIS, WFP, KMDF, WSK and IP Helper.
//!
//! Names, case and types are C's. One seam exists: [`nt`] is Microsoft's `wdk-sys` when the feature `wdk`
//! is on and the target is Windows, and a stand-in of the same shape otherwise. Everything else is common
//! to both.
//!
//! On Windows the calls are imported by name (`raw-dylib`, so no kit library is needed to link); elsewhere
//! the declarations only carry types, which a simulator of these interfaces uses for its exports.
//!
//! | Module | C headers |
//! |---|---|
//! | [`nt`], [`nt::ntddk`] | wdm.h, ntddk.h, ntifs.h, wdf.h: types and constants at the root, functions in `ntddk` |
//! | [`inline`] | what those headers define inline |
//! | [`wdf`] | the KMDF loader, `WDF_*_INIT`, [`wdf_call!`] |
//! | [`ndis`] | ndis.h, ntddndis.h |
//! | [`fwp`] | fwpsk.h, fwpmk.h and the types they use |
//! | [`netio`] | ifdef.h, ws2def.h, nldef.h: types the others refer to; netioapi.h: IP Helper |
//! | [`nmr`], [`wsk`] | netioddk.h, wsk.h |
//!
//! # The ABI
//! Kernel code uses the one calling convention of its machine: `extern "C"` on Windows targets. On other
//! x86-64 hosts the same convention is called `"win64"`. An ABI string cannot come out of a macro, so the
//! item macros [`callback!`], [`imports!`] and [`abi_fn!`] write each item with the right one.
//!
//! # Shapes
//! * Layouts are those of WDK 10.0.22621 (NDIS 6.87, KMDF 1.33), the kit `wdk-sys` is generated from. What
//!   an older system lacks is negotiated by `Revision` and `Size` (`NDIS_SIZEOF_*`), never by `size_of`.
//! * In [`nt`], enumerations are modules of constants and unnamed members are `__bindgen_anon_N`, as in
//!   `wdk-sys`. Elsewhere an enumeration is an alias of `i32` with its values beside it, and an unnamed
//!   union is the field `u` (`filter.u.rawContext`), except that a view which C code uses as if it were the
//!   structure itself, such as `NET_BUFFER::DataLength`, is declared as plain fields and its other views
//!   are left out. An unnamed part of a union is named after its C type name (`NetBufferData`) or its
//!   content (`Parts`).
//! * Bit fields are one integer `Bits` with an accessor and a setter per C field.
//! * A type of which only pointers are exchanged is opaque.
//!
//! # What the compiler itself calls
//! `memcpy`, `memmove`, `memset` and `memcmp` come from ntoskrnl.exe and are declared in [`nt::ntddk`] (by
//! `wdk-sys` or by the stand-in), so no copy of them is linked into the driver. `_fltused` and the panic
//! handler are not here: they belong to the image, and with the feature `wdk` they come from Microsoft's
//! crates.
//!
//! # How this is proven
//! Each structure's size, offsets and field sizes are assertions next to it (`layout!`), so a wrong one
//! does not compile. `tests/abi.rs` compares these statements and every other declaration with data
//! computed from the C headers; `tests/wdk_sys_surface.rs` states the shape shared with `wdk-sys`. Nothing
//! here has run on Windows.
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
pub mod nmr;
pub mod nt;
pub mod wdf;
pub mod wsk;

/// A GUID from its 128 bits, in the order in which it is written.
pub const fn guid(bits: u128) -> nt::GUID {
    nt::GUID {
        Data1: (bits >> 96) as u32,
        Data2: (bits >> 80) as u16,
        Data3: (bits >> 64) as u16,
        Data4: (bits as u64).to_be_bytes(),
    }
}

/// Every table of imports: (DLL, function).
#[cfg(not(all(windows, feature = "wdk")))]
pub const IMPORTS: [&[&[(&str, &str)]]; 5] = [
    nt::ntddk::IMPORTS,
    ndis::IMPORTS,
    fwp::IMPORTS,
    &[netio::IMPORTS, nmr::IMPORTS, wsk::IMPORTS],
    &[wdf::IMPORTS],
];
