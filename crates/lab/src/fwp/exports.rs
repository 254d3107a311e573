//! The exports of fwpkclnt.sys: thin entries over the rooms of this module.

use std::ffi::c_void;

use ddk::fwp::*;
use ddk::ndis::NET_BUFFER_LIST;
use ddk::nt::*;

use super::callout::{self, Functions};
use super::engine::{self, Kind};
use super::layer::key;
use super::packet;
use super::{service, session};
use crate::verifier;

fn status(result: Result<(), NTSTATUS>) -> NTSTATUS {
    result.err().unwrap_or(STATUS_SUCCESS)
}

/// Stores an id, if the caller wants it, and makes a status of the result.
///
/// # Safety
/// `out` is null or writable.
unsafe fn give<T>(result: Result<T, NTSTATUS>, out: *mut T) -> NTSTATUS {
    match result {
        Ok(value) => {
            if !out.is_null() {
                // SAFETY: the caller guarantees it.
                unsafe { *out = value };
            }
            STATUS_SUCCESS
        }
        Err(status) => status,
    }
}

macro_rules! register {
    ($device:ident, $callout:ident, $id:ident, $version:ident) => {{
        if $callout.is_null() {
            return STATUS_INVALID_PARAMETER;
        }
        // SAFETY: the driver's structure.
        let given = unsafe { &*$callout };
        let functions = Functions::$version(given.classifyFn, given.notifyFn);
        let result =
            callout::register($device, &given.calloutKey, given.flags, functions, given.flowDeleteFn);
        // SAFETY: the driver's variable, or null.
        unsafe { give(result, $id) }
    }};
}

crate::exports! {
    /// The data side: callouts and flows.
    pub static CALLOUT_EXPORTS: "fwpkclnt.sys", sig ddk::fwp::sig;

    /// Registers a callout of Windows Vista.
    irql(0..=0) fn FwpsCalloutRegister0(
        device: *mut c_void, callout: *const FWPS_CALLOUT0, id: *mut u32,
    ) -> NTSTATUS {
        register!(device, callout, id, V0)
    }
    /// Registers a callout of Windows 7.
    irql(0..=0) fn FwpsCalloutRegister1(
        device: *mut c_void, callout: *const FWPS_CALLOUT1, id: *mut u32,
    ) -> NTSTATUS {
        register!(device, callout, id, V1)
    }
    /// Registers a callout of Windows 8.
    irql(0..=0) fn FwpsCalloutRegister2(
        device: *mut c_void, callout: *const FWPS_CALLOUT2, id: *mut u32,
    ) -> NTSTATUS {
        register!(device, callout, id, V2)
    }
    /// Registers a callout of Windows 10 1709.
    irql(0..=0) fn FwpsCalloutRegister3(
        device: *mut c_void, callout: *const FWPS_CALLOUT3, id: *mut u32,
    ) -> NTSTATUS {
        register!(device, callout, id, V3)
    }
    /// Unregisters a callout.
    irql(0..=0, "F-9") fn FwpsCalloutUnregisterById0(id: u32) -> NTSTATUS { callout::unregister_by_id(id) }
    /// Unregisters a callout.
    irql(0..=0, "F-9") fn FwpsCalloutUnregisterByKey0(guid: *const GUID) -> NTSTATUS {
        // SAFETY: the driver's key.
        callout::unregister(key(unsafe { &*guid }))
    }
    /// Puts a context on a flow.
    irql(0..=2) fn FwpsFlowAssociateContext0(flow: u64, layer: u16, callout: u32, context: u64) -> NTSTATUS {
        callout::associate(flow, layer, callout, context)
    }
    /// Takes a context from a flow.
    irql(0..=2) fn FwpsFlowRemoveContext0(
        flow: u64, layer: u16, callout: u32,
    ) -> NTSTATUS {
        callout::remove(flow, layer, callout)
    }
    /// Ends a flow.
    irql(0..=2) fn FwpsFlowAbort0(flow: u64) -> NTSTATUS { callout::abort(flow) }
    /// Keeps a packet beyond its classify.
    irql(0..=2) fn FwpsReferenceNetBufferList0(list: *mut NET_BUFFER_LIST, modify: BOOLEAN) {
        let _ = modify;
        packet::reference(list)
    }
    /// Lets a packet go.
    irql(0..=2) fn FwpsDereferenceNetBufferList0(list: *mut NET_BUFFER_LIST, dispatch: BOOLEAN) {
        if dispatch != 0 && crate::cpu::irql() != crate::cpu::DISPATCH {
            verifier::violation("F-4", "FwpsDereferenceNetBufferList0 says DISPATCH_LEVEL at another IRQL");
        }
        packet::dereference(list)
    }
}

crate::exports! {
    /// The management side, at PASSIVE_LEVEL.
    pub static MANAGEMENT_EXPORTS: "fwpkclnt.sys", sig ddk::fwp::sig;

    /// Opens a session.
    irql(0..=0, "F-1") fn FwpmEngineOpen0(
        server: *const u16, service: u32, identity: *mut SEC_WINNT_AUTH_IDENTITY_W,
        session: *const FWPM_SESSION0, out: *mut HANDLE,
    ) -> NTSTATUS {
        let _ = service;
        // SAFETY: the driver's pointers.
        unsafe { session::open(server, identity.cast(), session, out) }
    }
    /// Closes a session.
    irql(0..=0, "F-1") fn FwpmEngineClose0(handle: HANDLE) -> NTSTATUS { session::close(handle) }
    /// Begins a transaction.
    irql(0..=0, "F-1") fn FwpmTransactionBegin0(
        handle: HANDLE, flags: u32,
    ) -> NTSTATUS {
        status(session::begin(handle, flags))
    }
    /// Commits a transaction.
    irql(0..=0, "F-1") fn FwpmTransactionCommit0(
        handle: HANDLE,
    ) -> NTSTATUS {
        status(session::commit(handle))
    }
    /// Aborts a transaction.
    irql(0..=0, "F-1") fn FwpmTransactionAbort0(handle: HANDLE) -> NTSTATUS { status(session::abort(handle)) }
    /// Adds a provider.
    irql(0..=0, "F-1") fn FwpmProviderAdd0(
        handle: HANDLE, provider: *const FWPM_PROVIDER0, sd: PSECURITY_DESCRIPTOR,
    ) -> NTSTATUS {
        let _ = sd;
        // SAFETY: the driver's structure.
        status(unsafe { engine::add_provider(handle, &*provider) })
    }
    /// Deletes a provider.
    irql(0..=0, "F-1") fn FwpmProviderDeleteByKey0(handle: HANDLE, guid: *const GUID) -> NTSTATUS {
        // SAFETY: the driver's key.
        status(engine::delete(handle, Kind::Provider, key(unsafe { &*guid })))
    }
    /// Adds a sublayer.
    irql(0..=0, "F-1") fn FwpmSubLayerAdd0(
        handle: HANDLE, sublayer: *const FWPM_SUBLAYER0, sd: PSECURITY_DESCRIPTOR,
    ) -> NTSTATUS {
        let _ = sd;
        // SAFETY: the driver's structure.
        status(unsafe { engine::add_sublayer(handle, &*sublayer) })
    }
    /// Deletes a sublayer.
    irql(0..=0, "F-1") fn FwpmSubLayerDeleteByKey0(handle: HANDLE, guid: *const GUID) -> NTSTATUS {
        // SAFETY: the driver's key.
        status(engine::delete(handle, Kind::SubLayer, key(unsafe { &*guid })))
    }
    /// Adds a callout object.
    irql(0..=0, "F-1") fn FwpmCalloutAdd0(
        handle: HANDLE, callout: *const FWPM_CALLOUT0, sd: PSECURITY_DESCRIPTOR, id: *mut u32,
    ) -> NTSTATUS {
        let _ = sd;
        // SAFETY: the driver's structure and variable.
        unsafe { give(engine::add_callout(handle, &*callout), id) }
    }
    /// Deletes a callout object.
    irql(0..=0, "F-1") fn FwpmCalloutDeleteById0(handle: HANDLE, id: u32) -> NTSTATUS {
        match callout::key_of(id) {
            Some(key) => status(engine::delete(handle, Kind::Callout, key)),
            None => STATUS_FWP_CALLOUT_NOT_FOUND,
        }
    }
    /// Deletes a callout object.
    irql(0..=0, "F-1") fn FwpmCalloutDeleteByKey0(handle: HANDLE, guid: *const GUID) -> NTSTATUS {
        // SAFETY: the driver's key.
        status(engine::delete(handle, Kind::Callout, key(unsafe { &*guid })))
    }
    /// Adds a filter.
    irql(0..=0, "F-1") fn FwpmFilterAdd0(
        handle: HANDLE, filter: *const FWPM_FILTER0, sd: PSECURITY_DESCRIPTOR, id: *mut u64,
    ) -> NTSTATUS {
        let _ = sd;
        // SAFETY: the driver's structure and variable.
        unsafe { give(engine::add_filter(handle, &*filter), id) }
    }
    /// Deletes a filter.
    irql(0..=0, "F-1") fn FwpmFilterDeleteById0(handle: HANDLE, id: u64) -> NTSTATUS {
        status(engine::filter_key(handle, id).and_then(|key| engine::delete(handle, Kind::Filter, key)))
    }
    /// Deletes a filter.
    irql(0..=0, "F-1") fn FwpmFilterDeleteByKey0(handle: HANDLE, guid: *const GUID) -> NTSTATUS {
        // SAFETY: the driver's key.
        status(engine::delete(handle, Kind::Filter, key(unsafe { &*guid })))
    }
    /// The state of the service.
    irql(0..=2) fn FwpmBfeStateGet0() -> FWPM_SERVICE_STATE { service::service_state() }
    /// Subscribes to changes of the service's state.
    irql(0..=0) fn FwpmBfeStateSubscribeChanges0(
        device: *mut c_void, callback: FWPM_SERVICE_STATE_CHANGE_CALLBACK0, context: *mut c_void,
        out: *mut HANDLE,
    ) -> NTSTATUS {
        if device.is_null() {
            return STATUS_INVALID_PARAMETER;
        }
        // SAFETY: the driver's variable.
        unsafe { service::subscribe(callback, context, out) }
    }
    /// Ends a subscription.
    irql(0..=0) fn FwpmBfeStateUnsubscribeChanges0(handle: HANDLE) -> NTSTATUS { service::unsubscribe(handle) }
}
