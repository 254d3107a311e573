//! Processes: which one an id stands for.

use ddk::nt::ntddk::{
    KeGetCurrentIrql, ObfDereferenceObject, PsGetProcessCreateTimeQuadPart, PsLookupProcessByProcessId,
};
use ddk::nt::{APC_LEVEL, HANDLE};

use crate::irql::Passive;
use crate::status::Status;

/// When the process that has this id now was created, in 100 ns units since 1601; 0 when there is none, `None` when the
/// IRQL is too high to look (above APC_LEVEL). IRQL: any.
#[doc(alias = "KeGetCurrentIrql")]
#[must_use]
pub fn created(id: u64) -> Option<u64> {
    // SAFETY: no arguments, no preconditions.
    if u32::from(unsafe { KeGetCurrentIrql() }) > APC_LEVEL {
        return None;
    }
    // SAFETY: the IRQL is APC_LEVEL or below, as just checked.
    Some(unsafe { look(id) })
}

/// As [`created`], where the IRQL is known.
#[must_use]
pub fn created_passive(id: u64, _at: Passive<'_>) -> u64 {
    // SAFETY: PASSIVE_LEVEL is below APC_LEVEL.
    unsafe { look(id) }
}

/// # Safety
/// The IRQL must be APC_LEVEL or below.
#[doc(alias = "PsLookupProcessByProcessId")]
unsafe fn look(id: u64) -> u64 {
    if id == 0 {
        return 0;
    }
    let mut process = core::ptr::null_mut();
    let handle: HANDLE = core::ptr::without_provenance_mut(id as usize);
    // SAFETY: the caller's promise; on success the variable holds a referenced process.
    let status = Status(unsafe { PsLookupProcessByProcessId(handle, &raw mut process) });
    if !status.is_success() {
        return 0;
    }
    // SAFETY: the process is referenced.
    let created = unsafe { PsGetProcessCreateTimeQuadPart(process) };
    // SAFETY: the reference that the lookup took is given back, once.
    let _count = unsafe { ObfDereferenceObject(process.cast()) };
    u64::try_from(created).unwrap_or(0)
}
