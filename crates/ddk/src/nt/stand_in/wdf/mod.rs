//! KMDF 1.33 as `wdk-sys` gives it.
#![allow(
    missing_docs,
    reason = "constants, fields and pointer types carry the names under which the SDK documents them"
)]

mod callbacks;
mod functions;
mod table;
mod types;

pub use callbacks::*;
pub use functions::*;
pub use table::*;
pub use types::*;
