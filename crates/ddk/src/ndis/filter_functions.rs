//! The `NdisF*` functions a filter driver calls.
use super::*;

imports! {
    dll "NDIS.SYS";
    /// `NdisFRegisterFilterDriver`.
    #[must_use]
    pub fn NdisFRegisterFilterDriver(
        DriverObject: PDRIVER_OBJECT,
        FilterDriverContext: NDIS_HANDLE,
        FilterDriverCharacteristics: PNDIS_FILTER_DRIVER_CHARACTERISTICS,
        NdisFilterDriverHandle: PNDIS_HANDLE,
    ) -> NDIS_STATUS;
    /// `NdisFDeregisterFilterDriver`.
    pub fn NdisFDeregisterFilterDriver(NdisFilterDriverHandle: NDIS_HANDLE);
    /// `NdisFSetAttributes`.
    #[must_use]
    pub fn NdisFSetAttributes(
        NdisFilterHandle: NDIS_HANDLE,
        FilterModuleContext: NDIS_HANDLE,
        FilterAttributes: PNDIS_FILTER_ATTRIBUTES,
    ) -> NDIS_STATUS;
    /// `NdisFRestartComplete`.
    pub fn NdisFRestartComplete(NdisFilterHandle: NDIS_HANDLE, Status: NDIS_STATUS);
    /// `NdisFPauseComplete`.
    pub fn NdisFPauseComplete(NdisFilterHandle: NDIS_HANDLE);
    /// `NdisFRestartFilter`.
    #[must_use]
    pub fn NdisFRestartFilter(NdisFilterHandle: NDIS_HANDLE) -> NDIS_STATUS;
    /// `NdisFSendNetBufferLists`.
    pub fn NdisFSendNetBufferLists(
        NdisFilterHandle: NDIS_HANDLE,
        NetBufferList: PNET_BUFFER_LIST,
        PortNumber: NDIS_PORT_NUMBER,
        SendFlags: ULONG,
    );
    /// `NdisFSendNetBufferListsComplete`.
    pub fn NdisFSendNetBufferListsComplete(
        NdisFilterHandle: NDIS_HANDLE,
        NetBufferList: PNET_BUFFER_LIST,
        SendCompleteFlags: ULONG,
    );
    /// `NdisFCancelSendNetBufferLists`.
    pub fn NdisFCancelSendNetBufferLists(NdisFilterHandle: NDIS_HANDLE, CancelId: PVOID);
    /// `NdisFIndicateReceiveNetBufferLists`.
    pub fn NdisFIndicateReceiveNetBufferLists(
        NdisFilterHandle: NDIS_HANDLE,
        NetBufferLists: PNET_BUFFER_LIST,
        PortNumber: NDIS_PORT_NUMBER,
        NumberOfNetBufferLists: ULONG,
        ReceiveFlags: ULONG,
    );
    /// `NdisFReturnNetBufferLists`.
    pub fn NdisFReturnNetBufferLists(
        NdisFilterHandle: NDIS_HANDLE,
        NetBufferLists: PNET_BUFFER_LIST,
        ReturnFlags: ULONG,
    );
    /// `NdisFOidRequest`.
    #[must_use]
    pub fn NdisFOidRequest(NdisFilterHandle: NDIS_HANDLE, OidRequest: PNDIS_OID_REQUEST) -> NDIS_STATUS;
    /// `NdisFOidRequestComplete`.
    pub fn NdisFOidRequestComplete(
        NdisFilterHandle: NDIS_HANDLE,
        OidRequest: PNDIS_OID_REQUEST,
        Status: NDIS_STATUS,
    );
    /// `NdisFCancelOidRequest`.
    pub fn NdisFCancelOidRequest(NdisFilterHandle: NDIS_HANDLE, RequestId: PVOID);
    /// `NdisFDirectOidRequest`.
    #[must_use]
    pub fn NdisFDirectOidRequest(
        NdisFilterHandle: NDIS_HANDLE,
        OidRequest: PNDIS_OID_REQUEST,
    ) -> NDIS_STATUS;
    /// `NdisFDirectOidRequestComplete`.
    pub fn NdisFDirectOidRequestComplete(
        NdisFilterHandle: NDIS_HANDLE,
        OidRequest: PNDIS_OID_REQUEST,
        Status: NDIS_STATUS,
    );
    /// `NdisFCancelDirectOidRequest`.
    pub fn NdisFCancelDirectOidRequest(NdisFilterHandle: NDIS_HANDLE, RequestId: PVOID);
    /// `NdisFSynchronousOidRequest`.
    #[must_use]
    pub fn NdisFSynchronousOidRequest(
        NdisFilterModuleHandle: NDIS_HANDLE,
        OidRequest: *mut NDIS_OID_REQUEST,
    ) -> NDIS_STATUS;
    /// `NdisFIndicateStatus`.
    pub fn NdisFIndicateStatus(NdisFilterHandle: NDIS_HANDLE, StatusIndication: PNDIS_STATUS_INDICATION);
    /// `NdisFDevicePnPEventNotify`.
    pub fn NdisFDevicePnPEventNotify(
        NdisFilterHandle: NDIS_HANDLE,
        NetDevicePnPEvent: PNET_DEVICE_PNP_EVENT,
    );
    /// `NdisFNetPnPEvent`.
    #[must_use]
    pub fn NdisFNetPnPEvent(
        NdisFilterHandle: NDIS_HANDLE,
        NetPnPEventNotification: PNET_PNP_EVENT_NOTIFICATION,
    ) -> NDIS_STATUS;
}
