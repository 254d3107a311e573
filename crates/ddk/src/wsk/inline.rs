//! What wsk.h defines as macros.
use super::*;

/// A version of WSK as [`WSK_CLIENT_DISPATCH`] states it.
pub const fn MAKE_WSK_VERSION(Mj: USHORT, Mn: USHORT) -> USHORT {
    (Mj << 8) | (Mn & 0xff)
}
