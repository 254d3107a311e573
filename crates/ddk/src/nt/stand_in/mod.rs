//! The shape of `wdk-sys`, without a kit.
#![allow(
    missing_docs,
    reason = "constants, fields and pointer types carry the names under which the SDK documents them"
)]

mod base;
mod callbacks;
mod classes;
mod constants;
mod enums;
mod information_enums;
mod io;
mod io_constants;
mod irp;
mod rtl;
mod security;
mod security_constants;
mod statics;
mod status;
mod status_net;
mod sync;
mod wdf;

pub use base::*;
pub use callbacks::*;
pub use classes::*;
pub use constants::*;
pub use enums::*;
pub use information_enums::*;
pub use io::*;
pub use io_constants::*;
pub use irp::*;
pub use rtl::*;
pub use security::*;
pub use security_constants::*;
pub use statics::*;
pub use status::*;
pub use status_net::*;
pub use sync::*;
pub use wdf::*;

pub mod ntddk;
