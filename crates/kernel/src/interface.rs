//! What IP Helper knows about network interfaces.

use core::ptr::NonNull;

use ddk::netio::{
    ConvertInterfaceLuidToAlias, FreeMibTable, GetIfStackTable, MIB_IFSTACK_ROW, MIB_IFSTACK_TABLE, NET_LUID,
};
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

/// Which interfaces lie on which. Multiplexing drivers enter themselves there; NDIS enters filters and what it binds.
#[derive(Debug)]
pub struct StackTable(NonNull<MIB_IFSTACK_TABLE>);

impl StackTable {
    /// The table as it is now.
    ///
    /// # Errors
    /// What `GetIfStackTable` returns: `STATUS_INSUFFICIENT_RESOURCES`, or `STATUS_NOT_FOUND` when it is empty.
    #[doc(alias = "GetIfStackTable")]
    pub fn now(_at: Passive<'_>) -> Result<Self, Status> {
        let mut table = core::ptr::null_mut();
        // SAFETY: the function writes a pointer, which is ours from then on.
        Status(unsafe { GetIfStackTable(&raw mut table) }).ok()?;
        NonNull::new(table).map(Self).ok_or(Status::UNSUCCESSFUL)
    }

    /// Its rows.
    #[must_use]
    pub fn rows(&self) -> &[MIB_IFSTACK_ROW] {
        let table = self.0.as_ptr();
        // SAFETY: the table is valid until it is freed, and has as many rows as it says.
        unsafe {
            core::slice::from_raw_parts(
                (&raw const (*table).Table).cast::<MIB_IFSTACK_ROW>(),
                (*table).NumEntries as usize,
            )
        }
    }
}

impl Drop for StackTable {
    /// IRQL: PASSIVE_LEVEL, where it was made.
    #[doc(alias = "FreeMibTable")]
    fn drop(&mut self) {
        // SAFETY: the table came from GetIfStackTable, and is freed once.
        unsafe { FreeMibTable(self.0.as_ptr().cast()) };
    }
}
