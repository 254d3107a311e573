//! What IP Helper knows about network interfaces.

use ddk::netio::{ConvertInterfaceLuidToAlias, NET_LUID};
use ddk::nt::SIZE_T;

use crate::irql::Passive;
use crate::status::Status;

/// Writes the alias of the interface `luid`, which is its name in the connections folder, to `name`, and returns its
/// length in UTF-16 units.
///
/// IRQL: PASSIVE_LEVEL.
///
/// # Errors
/// What `ConvertInterfaceLuidToAlias` returns: `STATUS_INVALID_PARAMETER` for an interface that IP Helper does not
/// know (yet), `STATUS_BUFFER_TOO_SMALL` for an alias that does not fit with its NUL.
#[doc(alias = "ConvertInterfaceLuidToAlias")]
pub fn alias(luid: u64, name: &mut [u16], _at: Passive<'_>) -> Result<usize, Status> {
    let luid = NET_LUID { Value: luid };
    // SAFETY: the buffer has room for that many characters; the function keeps neither pointer.
    let status =
        unsafe { ConvertInterfaceLuidToAlias(&raw const luid, name.as_mut_ptr(), name.len() as SIZE_T) };
    Status(status).ok()?;
    Ok(name.iter().position(|unit| *unit == 0).unwrap_or(name.len()))
}
