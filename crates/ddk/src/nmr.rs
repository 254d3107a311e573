//! Network Module Registrar: clients and providers of network programming interfaces (netioddk.h).
#![allow(
    missing_docs,
    reason = "constants, fields and pointer types carry the names under which the SDK documents them"
)]

use core::ffi::c_void;

use crate::nt::{GUID, HANDLE, LUID, NTSTATUS, PHANDLE, PVOID, ULONG, USHORT};

/// Identity of a network programming interface.
pub type NPIID = GUID;
pub type PNPIID = *const NPIID;
pub type PNPI_MODULEID = *const NPI_MODULEID;
pub type PNPI_REGISTRATION_INSTANCE = *const NPI_REGISTRATION_INSTANCE;
pub type PNPI_CLIENT_CHARACTERISTICS = *const NPI_CLIENT_CHARACTERISTICS;
pub type PNPI_PROVIDER_CHARACTERISTICS = *const NPI_PROVIDER_CHARACTERISTICS;

/// What a client registers. `Length` is the size of this structure.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NPI_CLIENT_CHARACTERISTICS {
    pub Version: USHORT,
    pub Length: USHORT,
    pub ClientAttachProvider: PNPI_CLIENT_ATTACH_PROVIDER_FN,
    pub ClientDetachProvider: PNPI_CLIENT_DETACH_PROVIDER_FN,
    pub ClientCleanupBindingContext: PNPI_CLIENT_CLEANUP_BINDING_CONTEXT_FN,
    pub ClientRegistrationInstance: NPI_REGISTRATION_INSTANCE,
}

/// What a provider registers. `Length` is the size of this structure.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NPI_PROVIDER_CHARACTERISTICS {
    pub Version: USHORT,
    pub Length: USHORT,
    pub ProviderAttachClient: PNPI_PROVIDER_ATTACH_CLIENT_FN,
    pub ProviderDetachClient: PNPI_PROVIDER_DETACH_CLIENT_FN,
    pub ProviderCleanupBindingContext: PNPI_PROVIDER_CLEANUP_BINDING_CONTEXT_FN,
    pub ProviderRegistrationInstance: NPI_REGISTRATION_INSTANCE,
}

/// What one network module says of itself to the other side of a binding.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NPI_REGISTRATION_INSTANCE {
    pub Version: USHORT,
    pub Size: USHORT,
    pub NpiId: PNPIID,
    pub ModuleId: PNPI_MODULEID,
    pub Number: ULONG,
    pub NpiSpecificCharacteristics: *const c_void,
}

/// `NPI_MODULEID` (IP helper).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NPI_MODULEID {
    pub Length: USHORT,
    pub Type: NPI_MODULEID_TYPE,
    pub u: NPI_MODULEID_u,
}
/// Part of [`NPI_MODULEID`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union NPI_MODULEID_u {
    pub Guid: GUID,
    pub IfLuid: LUID,
}

/// `NPI_MODULEID_TYPE` (IP helper).
pub type NPI_MODULEID_TYPE = i32;
pub const MIT_GUID: NPI_MODULEID_TYPE = 1;
pub const MIT_IF_LUID: NPI_MODULEID_TYPE = 2;

callback! {
    /// Offers a provider: the client calls [`NmrClientAttachProvider`] and returns its result, or
    /// `STATUS_NOINTERFACE`.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub type NPI_CLIENT_ATTACH_PROVIDER_FN = fn(
        NmrBindingHandle: HANDLE,
        ClientContext: PVOID,
        ProviderRegistrationInstance: PNPI_REGISTRATION_INSTANCE,
    ) -> NTSTATUS;
    /// Both sides have detached: the binding context may go.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type NPI_CLIENT_CLEANUP_BINDING_CONTEXT_FN = fn(ClientBindingContext: PVOID);
    /// From now on the client makes no new calls; `STATUS_PENDING` while some still run.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type NPI_CLIENT_DETACH_PROVIDER_FN = fn(ClientBindingContext: PVOID) -> NTSTATUS;
    /// A client wants to attach.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub type NPI_PROVIDER_ATTACH_CLIENT_FN = fn(
        NmrBindingHandle: HANDLE,
        ProviderContext: PVOID,
        ClientRegistrationInstance: PNPI_REGISTRATION_INSTANCE,
        ClientBindingContext: PVOID,
        ClientDispatch: *const c_void,
        ProviderBindingContext: *mut PVOID,
        ProviderDispatch: *mut *const c_void,
    ) -> NTSTATUS;
    /// Both sides have detached: the binding context may go.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type NPI_PROVIDER_CLEANUP_BINDING_CONTEXT_FN = fn(ProviderBindingContext: PVOID);
    /// From now on the provider makes no new calls; `STATUS_PENDING` while some still run.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type NPI_PROVIDER_DETACH_CLIENT_FN = fn(ProviderBindingContext: PVOID) -> NTSTATUS;
    /// Offers a provider: the client calls [`NmrClientAttachProvider`] and returns its result, or
    /// `STATUS_NOINTERFACE`.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub type PNPI_CLIENT_ATTACH_PROVIDER_FN = fn(
        arg1: HANDLE,
        arg2: PVOID,
        arg3: PNPI_REGISTRATION_INSTANCE,
    ) -> NTSTATUS;
    /// Both sides have detached: the binding context may go.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PNPI_CLIENT_CLEANUP_BINDING_CONTEXT_FN = fn(arg1: PVOID);
    /// From now on the client makes no new calls; `STATUS_PENDING` while some still run.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PNPI_CLIENT_DETACH_PROVIDER_FN = fn(arg1: PVOID) -> NTSTATUS;
    /// A client wants to attach.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub type PNPI_PROVIDER_ATTACH_CLIENT_FN = fn(
        arg1: HANDLE,
        arg2: PVOID,
        arg3: PNPI_REGISTRATION_INSTANCE,
        arg4: PVOID,
        arg5: *const c_void,
        arg6: *mut PVOID,
        arg7: *mut *const c_void,
    ) -> NTSTATUS;
    /// Both sides have detached: the binding context may go.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PNPI_PROVIDER_CLEANUP_BINDING_CONTEXT_FN = fn(arg1: PVOID);
    /// From now on the provider makes no new calls; `STATUS_PENDING` while some still run.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PNPI_PROVIDER_DETACH_CLIENT_FN = fn(arg1: PVOID) -> NTSTATUS;
}

layout! {
    NPI_CLIENT_CHARACTERISTICS: 72, 8 {
        Version: 0, 2; Length: 2, 2; ClientAttachProvider: 8, 8; ClientDetachProvider: 16, 8;
        ClientCleanupBindingContext: 24, 8; ClientRegistrationInstance: 32, 40;
    }
    NPI_PROVIDER_CHARACTERISTICS: 72, 8 {
        Version: 0, 2; Length: 2, 2; ProviderAttachClient: 8, 8; ProviderDetachClient: 16, 8;
        ProviderCleanupBindingContext: 24, 8; ProviderRegistrationInstance: 32, 40;
    }
    NPI_REGISTRATION_INSTANCE: 40, 8 {
        Version: 0, 2; Size: 2, 2; NpiId: 8, 8; ModuleId: 16, 8; Number: 24, 4;
        NpiSpecificCharacteristics: 32, 8;
    }
    NPI_MODULEID: 24, 4 { Length: 0, 2; Type: 4, 4; u.Guid: 8, 16; u.IfLuid: 8, 8; }
}

imports! {
    dll "NETIO.SYS";
    /// Registers a client; it may be asked to attach to providers before this returns.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn NmrRegisterClient(
        ClientCharacteristics: PNPI_CLIENT_CHARACTERISTICS,
        ClientContext: PVOID,
        NmrClientHandle: PHANDLE,
    ) -> NTSTATUS;
    /// Starts to deregister a client: its bindings are detached. `STATUS_PENDING` is the usual result.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn NmrDeregisterClient(NmrClientHandle: HANDLE) -> NTSTATUS;
    /// Waits until a deregistered client has no binding left; only then may its code go away.
    ///
    /// IRQL: < DISPATCH_LEVEL.
    #[must_use]
    pub fn NmrWaitForClientDeregisterComplete(NmrClientHandle: HANDLE) -> NTSTATUS;
    /// Attaches a client to the provider of a binding. Only inside the client's attach callback, which
    /// returns this very result.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn NmrClientAttachProvider(
        NmrBindingHandle: HANDLE,
        ClientBindingContext: PVOID,
        ClientDispatch: *const c_void,
        ProviderBindingContext: *mut PVOID,
        ProviderDispatch: *mut *const c_void,
    ) -> NTSTATUS;
    /// Completes a detach that the client's callback left pending.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NmrClientDetachProviderComplete(NmrBindingHandle: HANDLE);
    /// Registers a provider; clients may attach before this returns.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn NmrRegisterProvider(
        ProviderCharacteristics: PNPI_PROVIDER_CHARACTERISTICS,
        ProviderContext: PVOID,
        NmrProviderHandle: PHANDLE,
    ) -> NTSTATUS;
    /// Starts to deregister a provider: its bindings are detached. `STATUS_PENDING` is the usual
    /// result.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn NmrDeregisterProvider(NmrProviderHandle: HANDLE) -> NTSTATUS;
    /// Waits until a deregistered provider has no binding left; only then may its code go away.
    ///
    /// IRQL: < DISPATCH_LEVEL.
    #[must_use]
    pub fn NmrWaitForProviderDeregisterComplete(NmrProviderHandle: HANDLE) -> NTSTATUS;
    /// Completes a detach that the provider's callback left pending.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NmrProviderDetachClientComplete(NmrBindingHandle: HANDLE);
}
