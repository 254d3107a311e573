//! KMDF 1.33 as `wdk-sys` gives it.
#![allow(
    missing_docs,
    reason = "constants, fields and pointer types carry the names under which the SDK documents them"
)]
use core::ptr::null_mut;

use super::*;

mod callbacks;
mod functions;
mod table;
mod types;

pub use callbacks::*;
pub use functions::*;
pub use table::*;
pub use types::*;

pub const WDF_NO_OBJECT_ATTRIBUTES: PWDF_OBJECT_ATTRIBUTES = null_mut();
pub const WDF_NO_HANDLE: PVOID = null_mut();
pub const WDF_NO_CONTEXT: PVOID = null_mut();
pub const WDF_NO_EVENT_CALLBACK: PVOID = null_mut();
pub const WDF_NO_SEND_OPTIONS: PVOID = null_mut();

/// The framework's function table; set once by the driver's entry stub, before any framework call.
pub static mut WdfFunctions: *const WDFFUNC = core::ptr::null();
/// The driver's globals, first argument of every framework call; set together with [`WdfFunctions`].
pub static mut WdfDriverGlobals: PWDF_DRIVER_GLOBALS = null_mut();
/// Number of entries behind [`WdfFunctions`].
pub static mut WdfFunctionCount: ULONG = 0;
