//! The `NdisF*` functions a filter driver calls.
use super::*;

imports! {
    dll "NDIS.SYS";
    /// Registers the driver's filter entry points. `FilterAttach` can run before this returns.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn NdisFRegisterFilterDriver(
        DriverObject: PDRIVER_OBJECT,
        FilterDriverContext: NDIS_HANDLE,
        FilterDriverCharacteristics: PNDIS_FILTER_DRIVER_CHARACTERISTICS,
        NdisFilterDriverHandle: PNDIS_HANDLE,
    ) -> NDIS_STATUS;
    /// Undoes [`NdisFRegisterFilterDriver`]; returns after every module is detached.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub fn NdisFDeregisterFilterDriver(NdisFilterDriverHandle: NDIS_HANDLE);
    /// Gives NDIS the module context. Only inside `FilterAttach`; there is no inverse.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn NdisFSetAttributes(
        NdisFilterHandle: NDIS_HANDLE,
        FilterModuleContext: NDIS_HANDLE,
        FilterAttributes: PNDIS_FILTER_ATTRIBUTES,
    ) -> NDIS_STATUS;
    /// Completes a restart that `FilterRestart` left pending.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub fn NdisFRestartComplete(NdisFilterHandle: NDIS_HANDLE, Status: NDIS_STATUS);
    /// Completes a pause that `FilterPause` left pending.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFPauseComplete(NdisFilterHandle: NDIS_HANDLE);
    /// Schedules a pause and restart of the module's stack.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn NdisFRestartFilter(NdisFilterHandle: NDIS_HANDLE) -> NDIS_STATUS;
    /// Passes lists down. Ownership goes to NDIS until `FilterSendNetBufferListsComplete`.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFSendNetBufferLists(
        NdisFilterHandle: NDIS_HANDLE,
        NetBufferList: PNET_BUFFER_LIST,
        PortNumber: NDIS_PORT_NUMBER,
        SendFlags: ULONG,
    );
    /// Gives sent lists back to the overlying driver.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFSendNetBufferListsComplete(
        NdisFilterHandle: NDIS_HANDLE,
        NetBufferList: PNET_BUFFER_LIST,
        SendCompleteFlags: ULONG,
    );
    /// Passes a cancellation of sends down.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFCancelSendNetBufferLists(NdisFilterHandle: NDIS_HANDLE, CancelId: PVOID);
    /// Passes received lists up. Without `NDIS_RECEIVE_FLAGS_RESOURCES` they come back through
    /// `FilterReturnNetBufferLists`.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFIndicateReceiveNetBufferLists(
        NdisFilterHandle: NDIS_HANDLE,
        NetBufferLists: PNET_BUFFER_LIST,
        PortNumber: NDIS_PORT_NUMBER,
        NumberOfNetBufferLists: ULONG,
        ReceiveFlags: ULONG,
    );
    /// Gives received lists back to the underlying driver.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFReturnNetBufferLists(
        NdisFilterHandle: NDIS_HANDLE,
        NetBufferLists: PNET_BUFFER_LIST,
        ReturnFlags: ULONG,
    );
    /// Passes an OID request down, a clone or one of the driver's own.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn NdisFOidRequest(NdisFilterHandle: NDIS_HANDLE, OidRequest: PNDIS_OID_REQUEST) -> NDIS_STATUS;
    /// Completes an OID request that `FilterOidRequest` left pending.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFOidRequestComplete(
        NdisFilterHandle: NDIS_HANDLE,
        OidRequest: PNDIS_OID_REQUEST,
        Status: NDIS_STATUS,
    );
    /// Passes a cancellation of an OID request down.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFCancelOidRequest(NdisFilterHandle: NDIS_HANDLE, RequestId: PVOID);
    /// As [`NdisFOidRequest`], not serialized.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn NdisFDirectOidRequest(
        NdisFilterHandle: NDIS_HANDLE,
        OidRequest: PNDIS_OID_REQUEST,
    ) -> NDIS_STATUS;
    /// As [`NdisFOidRequestComplete`], for direct requests.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFDirectOidRequestComplete(
        NdisFilterHandle: NDIS_HANDLE,
        OidRequest: PNDIS_OID_REQUEST,
        Status: NDIS_STATUS,
    );
    /// As [`NdisFCancelOidRequest`], for direct requests.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFCancelDirectOidRequest(NdisFilterHandle: NDIS_HANDLE, RequestId: PVOID);
    /// Issues a synchronous OID request; never pends.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn NdisFSynchronousOidRequest(
        NdisFilterModuleHandle: NDIS_HANDLE,
        OidRequest: *mut NDIS_OID_REQUEST,
    ) -> NDIS_STATUS;
    /// Passes a status indication up.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFIndicateStatus(NdisFilterHandle: NDIS_HANDLE, StatusIndication: PNDIS_STATUS_INDICATION);
    /// Passes a device PnP event down.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub fn NdisFDevicePnPEventNotify(
        NdisFilterHandle: NDIS_HANDLE,
        NetDevicePnPEvent: PNET_DEVICE_PNP_EVENT,
    );
    /// Passes a network PnP event up.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn NdisFNetPnPEvent(
        NdisFilterHandle: NDIS_HANDLE,
        NetPnPEventNotification: PNET_PNP_EVENT_NOTIFICATION,
    ) -> NDIS_STATUS;
}
