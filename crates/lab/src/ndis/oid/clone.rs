//! Clones of OID requests, which filters send down in place of the originals (OID3).

use ddk::ndis::*;

use super::super::adapter::lock;
use super::super::module::Module;
use super::{Issuer, REQUESTS, Record, with};
use crate::{cpu, pool, verifier};

/// NdisAllocateCloneOidRequest.
///
/// # Safety
/// `request` is a valid request and `clone` writable.
pub(crate) unsafe fn clone(
    module: &Module,
    request: *mut NDIS_OID_REQUEST,
    tag: u32,
    clone: *mut *mut NDIS_OID_REQUEST,
) -> NDIS_STATUS {
    let size = size_of::<NDIS_OID_REQUEST>();
    let copy = pool::allocate(pool::Kind::NonPaged, size, tag, pool::Fill::Zero).cast::<NDIS_OID_REQUEST>();
    if copy.is_null() {
        return NDIS_STATUS_RESOURCES;
    }
    // SAFETY: the block is of this size, and the caller guarantees the source.
    unsafe {
        copy.write(*request);
        (*copy).SourceReserved = [0; 16];
        (*copy).NdisReserved = [0; 128];
        *clone = copy;
    }
    let direct = with(request, |record| {
        record.live_clones += 1;
        record.direct
    });
    lock(&REQUESTS).insert(
        copy as usize,
        Record {
            issuer: Issuer::Module(module.number),
            handler: None,
            original: Some(request as usize),
            adapter: module.adapter().number,
            direct: direct.unwrap_or(false),
            clone_outcome: None,
            live_clones: 0,
            created_at: cpu::current_call().map_or(0, |call| call.caller),
            done: None,
        },
    );
    NDIS_STATUS_SUCCESS
}

/// NdisFreeCloneOidRequest.
pub(crate) fn free_clone(request: *mut NDIS_OID_REQUEST) {
    let removed = {
        let mut requests = lock(&REQUESTS);
        let clone = requests.get(&(request as usize)).is_some_and(|record| record.original.is_some());
        if clone { requests.remove(&(request as usize)) } else { None }
    };
    let Some(record) = removed else {
        verifier::violation("N-59", &format!("NdisFreeCloneOidRequest of {request:p}, which is no clone"));
    };
    if let Some(original) = record.original {
        with(original as *const _, |record| record.live_clones = record.live_clones.saturating_sub(1));
    }
    pool::free(request.cast(), None);
}
