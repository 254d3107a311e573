//! Management functions (fwpmk.h).
use super::*;
use core::ffi::c_void;

imports! {
    dll "fwpkclnt.sys";
    /// Opens a session with the filter engine. In the kernel `serverName` and `authIdentity` are null.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmEngineOpen0(
        serverName: *const u16,
        authnService: u32,
        authIdentity: *mut SEC_WINNT_AUTH_IDENTITY_W,
        session: *const FWPM_SESSION0,
        engineHandle: *mut HANDLE,
    ) -> NTSTATUS;
    /// Closes a session; a dynamic one loses its objects.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmEngineClose0(engineHandle: HANDLE) -> NTSTATUS;
    /// Begins the session's transaction.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmTransactionBegin0(engineHandle: HANDLE, flags: u32) -> NTSTATUS;
    /// Commits the transaction.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmTransactionCommit0(engineHandle: HANDLE) -> NTSTATUS;
    /// Aborts the transaction.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmTransactionAbort0(engineHandle: HANDLE) -> NTSTATUS;
    /// Adds a provider.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmProviderAdd0(
        engineHandle: HANDLE,
        provider: *const FWPM_PROVIDER0,
        sd: PSECURITY_DESCRIPTOR,
    ) -> NTSTATUS;
    /// Deletes a provider.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmProviderDeleteByKey0(engineHandle: HANDLE, key: *const GUID) -> NTSTATUS;
    /// Adds a sublayer.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmSubLayerAdd0(
        engineHandle: HANDLE,
        subLayer: *const FWPM_SUBLAYER0,
        sd: PSECURITY_DESCRIPTOR,
    ) -> NTSTATUS;
    /// Deletes a sublayer.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmSubLayerDeleteByKey0(engineHandle: HANDLE, key: *const GUID) -> NTSTATUS;
    /// Adds a callout to the engine.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmCalloutAdd0(
        engineHandle: HANDLE,
        callout: *const FWPM_CALLOUT0,
        sd: PSECURITY_DESCRIPTOR,
        id: *mut u32,
    ) -> NTSTATUS;
    /// Deletes a callout.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmCalloutDeleteById0(engineHandle: HANDLE, id: u32) -> NTSTATUS;
    /// Deletes a callout.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmCalloutDeleteByKey0(engineHandle: HANDLE, key: *const GUID) -> NTSTATUS;
    /// Adds a filter.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmFilterAdd0(
        engineHandle: HANDLE,
        filter: *const FWPM_FILTER0,
        sd: PSECURITY_DESCRIPTOR,
        id: *mut u64,
    ) -> NTSTATUS;
    /// Deletes a filter.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmFilterDeleteById0(engineHandle: HANDLE, id: u64) -> NTSTATUS;
    /// Deletes a filter.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmFilterDeleteByKey0(engineHandle: HANDLE, key: *const GUID) -> NTSTATUS;
    /// Reads a filter; free it with [`FwpmFreeMemory0`].
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmFilterGetByKey0(
        engineHandle: HANDLE,
        key: *const GUID,
        filter: *mut *mut FWPM_FILTER0,
    ) -> NTSTATUS;
    /// Frees what an `Fwpm` function returned.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub fn FwpmFreeMemory0(p: *mut *mut c_void);
    /// State of the filter engine's service.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn FwpmBfeStateGet0() -> FWPM_SERVICE_STATE;
    /// Subscribes to state changes of the service; subscribe before the first query.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmBfeStateSubscribeChanges0(
        deviceObject: *mut c_void,
        callback: FWPM_SERVICE_STATE_CHANGE_CALLBACK0,
        context: *mut c_void,
        changeHandle: *mut HANDLE,
    ) -> NTSTATUS;
    /// Ends the subscription.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmBfeStateUnsubscribeChanges0(changeHandle: HANDLE) -> NTSTATUS;
    /// Begins to tell the providers. `FwpmFreeMemory0` frees what [`FwpmProviderEnum0`] gives.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmProviderCreateEnumHandle0(
        engineHandle: HANDLE,
        enumTemplate: *const FWPM_PROVIDER_ENUM_TEMPLATE0,
        enumHandle: *mut HANDLE,
    ) -> NTSTATUS;
    /// The next providers.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmProviderEnum0(
        engineHandle: HANDLE,
        enumHandle: HANDLE,
        numEntriesRequested: u32,
        entries: *mut *mut *mut FWPM_PROVIDER0,
        numEntriesReturned: *mut u32,
    ) -> NTSTATUS;
    /// Ends an enumeration of providers.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmProviderDestroyEnumHandle0(engineHandle: HANDLE, enumHandle: HANDLE) -> NTSTATUS;
    /// Begins to tell the sublayers. `FwpmFreeMemory0` frees what [`FwpmSubLayerEnum0`] gives.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmSubLayerCreateEnumHandle0(
        engineHandle: HANDLE,
        enumTemplate: *const FWPM_SUBLAYER_ENUM_TEMPLATE0,
        enumHandle: *mut HANDLE,
    ) -> NTSTATUS;
    /// The next sublayers.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmSubLayerEnum0(
        engineHandle: HANDLE,
        enumHandle: HANDLE,
        numEntriesRequested: u32,
        entries: *mut *mut *mut FWPM_SUBLAYER0,
        numEntriesReturned: *mut u32,
    ) -> NTSTATUS;
    /// Ends an enumeration of sublayers.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmSubLayerDestroyEnumHandle0(engineHandle: HANDLE, enumHandle: HANDLE) -> NTSTATUS;
    /// `FwpmFilterCreateEnumHandle0`.
    #[must_use]
    pub fn FwpmFilterCreateEnumHandle0(
        engineHandle: HANDLE,
        enumTemplate: *const FWPM_FILTER_ENUM_TEMPLATE0,
        enumHandle: *mut HANDLE,
    ) -> NTSTATUS;
    /// `FwpmFilterEnum0`.
    #[must_use]
    pub fn FwpmFilterEnum0(
        engineHandle: HANDLE,
        enumHandle: HANDLE,
        numEntriesRequested: u32,
        entries: *mut *mut *mut FWPM_FILTER0,
        numEntriesReturned: *mut u32,
    ) -> NTSTATUS;
    /// `FwpmFilterDestroyEnumHandle0`.
    #[must_use]
    pub fn FwpmFilterDestroyEnumHandle0(engineHandle: HANDLE, enumHandle: HANDLE) -> NTSTATUS;
    /// Reads a callout; free it with [`FwpmFreeMemory0`].
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpmCalloutGetByKey0(
        engineHandle: HANDLE,
        key: *const GUID,
        callout: *mut *mut FWPM_CALLOUT0,
    ) -> NTSTATUS;
    /// `FwpmCalloutCreateEnumHandle0`.
    #[must_use]
    pub fn FwpmCalloutCreateEnumHandle0(
        engineHandle: HANDLE,
        enumTemplate: *const FWPM_CALLOUT_ENUM_TEMPLATE0,
        enumHandle: *mut HANDLE,
    ) -> NTSTATUS;
    /// `FwpmCalloutEnum0`.
    #[must_use]
    pub fn FwpmCalloutEnum0(
        engineHandle: HANDLE,
        enumHandle: HANDLE,
        numEntriesRequested: u32,
        entries: *mut *mut *mut FWPM_CALLOUT0,
        numEntriesReturned: *mut u32,
    ) -> NTSTATUS;
    /// `FwpmCalloutDestroyEnumHandle0`.
    #[must_use]
    pub fn FwpmCalloutDestroyEnumHandle0(engineHandle: HANDLE, enumHandle: HANDLE) -> NTSTATUS;
}
