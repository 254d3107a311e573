//! NT and KMDF: `wdk-sys` with the feature `wdk` on Windows, a stand-in of the same shape otherwise.
//!
//! The rest of the workspace names NT items only through this module: types, constants and KMDF at its root,
//! functions in [`ntddk`]. What `wdk-sys` does not have (inline functions, macros) is in [`crate::inline`] and
//! [`crate::wdf`] and works with both.

#[cfg(all(windows, feature = "wdk"))]
pub use wdk_sys::*;

#[cfg(all(windows, feature = "wdk"))]
pub use wdk_sys::ntddk;

#[cfg(not(all(windows, feature = "wdk")))]
mod stand_in;

#[cfg(not(all(windows, feature = "wdk")))]
pub use stand_in::*;
