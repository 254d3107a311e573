//! NT functions by component; imported from ntoskrnl.exe unless a file says otherwise.
#![allow(
    missing_docs,
    reason = "constants, fields and pointer types carry the names under which the SDK documents them"
)]

mod etw;
mod ex;
mod io;
mod ke;
mod mm;
mod ob;
mod ps;
mod rtl;
mod zw;

pub use etw::*;
pub use ex::*;
pub use io::*;
pub use ke::*;
pub use mm::*;
pub use ob::*;
pub use ps::*;
pub use rtl::*;
pub use zw::*;

/// The type of each imported function, under the function's name.
pub mod sig {
    pub use super::etw::sig::*;
    pub use super::ex::sig::*;
    pub use super::io::sig::*;
    pub use super::ke::sig::*;
    pub use super::mm::sig::*;
    pub use super::ob::sig::*;
    pub use super::ps::sig::*;
    pub use super::rtl::sig::*;
    pub use super::zw::sig::*;
}

/// (DLL, function) of every function declared here, one table per file.
pub const IMPORTS: &[&[(&str, &str)]] = &[
    etw::IMPORTS,
    ex::IMPORTS,
    io::IMPORTS,
    ke::IMPORTS,
    mm::IMPORTS,
    ob::IMPORTS,
    ps::IMPORTS,
    rtl::IMPORTS,
    zw::IMPORTS,
];
