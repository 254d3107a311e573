//! The exports of fwpkclnt.sys for decisions that are put off and for redirection.

use std::ffi::c_void;

use ddk::fwp::*;
use ddk::ndis::NET_BUFFER_LIST;
use ddk::nt::*;

use super::pend;

/// Stores a value and makes a status of the result.
///
/// # Safety
/// `out` is writable.
unsafe fn give<T>(result: Result<T, NTSTATUS>, out: *mut T) -> NTSTATUS {
    match result {
        Ok(value) => {
            // SAFETY: the caller guarantees it.
            unsafe { *out = value };
            STATUS_SUCCESS
        }
        Err(status) => status,
    }
}

crate::exports! {
    /// Pended operations, classify handles, redirection.
    pub static PEND_EXPORTS: "fwpkclnt.sys", sig ddk::fwp::sig;

    /// Puts an authorisation off.
    irql(0..=2) fn FwpsPendOperation0(completion: HANDLE, context: *mut HANDLE) -> NTSTATUS {
        // SAFETY: the driver's variable.
        unsafe { give(pend::pend_operation(completion), context) }
    }
    /// Lets a pended authorisation go on.
    irql(0..=2) fn FwpsCompleteOperation0(context: HANDLE, list: *mut NET_BUFFER_LIST) {
        // A list given along is the driver's own, to be injected by the driver.
        let _ = list;
        pend::complete_operation(context)
    }
    /// A handle for the running classify.
    irql(0..=2) fn FwpsAcquireClassifyHandle0(
        context: *mut c_void, flags: u32, handle: *mut u64,
    ) -> NTSTATUS {
        // SAFETY: the driver's variable.
        unsafe { give(pend::acquire(context, flags), handle) }
    }
    /// Gives a classify handle back.
    irql(0..=2) fn FwpsReleaseClassifyHandle0(handle: u64) { pend::release(handle) }
    /// Puts a classify off.
    irql(0..=2) fn FwpsPendClassify0(
        handle: u64, filter: u64, flags: u32, out: *mut FWPS_CLASSIFY_OUT0,
    ) -> NTSTATUS {
        let _ = filter;
        // SAFETY: the driver passes its classifyOut, or null.
        match unsafe { out.as_mut() } {
            Some(out) if flags == 0 => pend::pend_classify(handle, out),
            _ => STATUS_INVALID_PARAMETER,
        }
    }
    /// Decides a pended classify.
    irql(0..=2) fn FwpsCompleteClassify0(handle: u64, flags: u32, out: *const FWPS_CLASSIFY_OUT0) {
        let _ = flags;
        // SAFETY: the driver's copy, or null.
        pend::complete_classify(handle, unsafe { out.as_ref() })
    }
    /// Layer data to be changed.
    irql(0..=2) fn FwpsAcquireWritableLayerDataPointer0(
        handle: u64, filter: u64, flags: u32, data: *mut PVOID, out: *mut FWPS_CLASSIFY_OUT0,
    ) -> NTSTATUS {
        // SAFETY: the driver's variables; classifyOut may be left out.
        unsafe { give(pend::writable(handle, filter, flags, out.as_mut()), data) }
    }
    /// Puts changed layer data into effect.
    irql(0..=2) fn FwpsApplyModifiedLayerData0(handle: u64, data: PVOID, flags: u32) {
        // What others changed meanwhile is seen in any case: layers are asked one after the other.
        let _ = flags;
        pend::apply(handle, data)
    }
    /// Makes a redirect handle.
    irql(0..=0) fn FwpsRedirectHandleCreate0(
        provider: *const GUID, flags: u32, out: *mut HANDLE,
    ) -> NTSTATUS {
        // SAFETY: the driver's variable.
        unsafe { give(pend::create_redirector(provider, flags), out) }
    }
    /// Destroys a redirect handle.
    irql(0..=0) fn FwpsRedirectHandleDestroy0(handle: HANDLE) { pend::destroy_redirector(handle) }
    /// Who redirected a connection.
    irql(0..=2) fn FwpsQueryConnectionRedirectState0(
        records: HANDLE, handle: HANDLE, context: *mut *mut c_void,
    ) -> FWPS_CONNECTION_REDIRECT_STATE {
        let (state, own) = pend::redirect_state(records, handle);
        if !context.is_null() {
            // SAFETY: the driver's variable.
            unsafe { *context = own as *mut c_void };
        }
        state
    }
}
