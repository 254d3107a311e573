//! Filter driver registration, attach, restart, pause and handlers.
use super::*;

/// `NDIS_FILTER_ATTACH_PARAMETERS` (NDIS).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NDIS_FILTER_ATTACH_PARAMETERS {
    pub Header: NDIS_OBJECT_HEADER,
    pub IfIndex: NET_IFINDEX,
    pub NetLuid: NET_LUID,
    pub FilterModuleGuidName: PNDIS_STRING,
    pub BaseMiniportIfIndex: NET_IFINDEX,
    pub BaseMiniportInstanceName: PNDIS_STRING,
    pub BaseMiniportName: PNDIS_STRING,
    pub MediaConnectState: NDIS_MEDIA_CONNECT_STATE,
    pub MediaDuplexState: NET_IF_MEDIA_DUPLEX_STATE,
    pub XmitLinkSpeed: ULONG64,
    pub RcvLinkSpeed: ULONG64,
    pub MiniportMediaType: NDIS_MEDIUM,
    pub MiniportPhysicalMediaType: NDIS_PHYSICAL_MEDIUM,
    pub MiniportMediaSpecificAttributes: NDIS_HANDLE,
    pub DefaultOffloadConfiguration: PNDIS_OFFLOAD,
    pub MacAddressLength: USHORT,
    pub CurrentMacAddress: [UCHAR; 32],
    pub BaseMiniportNetLuid: NET_LUID,
    pub LowerIfIndex: NET_IFINDEX,
    pub LowerIfNetLuid: NET_LUID,
    pub Flags: ULONG,
    pub HDSplitCurrentConfig: PNDIS_HD_SPLIT_CURRENT_CONFIG,
    pub ReceiveFilterCapabilities: PNDIS_RECEIVE_FILTER_CAPABILITIES,
    pub MiniportPhysicalDeviceObject: PDEVICE_OBJECT,
    pub NicSwitchCapabilities: PNDIS_NIC_SWITCH_CAPABILITIES,
    pub BaseMiniportIfConnectorPresent: BOOLEAN,
    pub SriovCapabilities: PNDIS_SRIOV_CAPABILITIES,
    pub NicSwitchArray: PNDIS_NIC_SWITCH_INFO_ARRAY,
}

/// `NDIS_FILTER_ATTRIBUTES` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_FILTER_ATTRIBUTES {
    pub Header: NDIS_OBJECT_HEADER,
    pub Flags: ULONG,
}

/// What a filter driver registers. `Header` states revision and size of the NDIS version asked for, not
/// the size of this type.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_FILTER_DRIVER_CHARACTERISTICS {
    pub Header: NDIS_OBJECT_HEADER,
    pub MajorNdisVersion: UCHAR,
    pub MinorNdisVersion: UCHAR,
    pub MajorDriverVersion: UCHAR,
    pub MinorDriverVersion: UCHAR,
    pub Flags: ULONG,
    pub FriendlyName: NDIS_STRING,
    pub UniqueName: NDIS_STRING,
    pub ServiceName: NDIS_STRING,
    pub SetOptionsHandler: SET_OPTIONS_HANDLER,
    pub SetFilterModuleOptionsHandler: FILTER_SET_FILTER_MODULE_OPTIONS_HANDLER,
    pub AttachHandler: FILTER_ATTACH_HANDLER,
    pub DetachHandler: FILTER_DETACH_HANDLER,
    pub RestartHandler: FILTER_RESTART_HANDLER,
    pub PauseHandler: FILTER_PAUSE_HANDLER,
    pub SendNetBufferListsHandler: FILTER_SEND_NET_BUFFER_LISTS_HANDLER,
    pub SendNetBufferListsCompleteHandler: FILTER_SEND_NET_BUFFER_LISTS_COMPLETE_HANDLER,
    pub CancelSendNetBufferListsHandler: FILTER_CANCEL_SEND_HANDLER,
    pub ReceiveNetBufferListsHandler: FILTER_RECEIVE_NET_BUFFER_LISTS_HANDLER,
    pub ReturnNetBufferListsHandler: FILTER_RETURN_NET_BUFFER_LISTS_HANDLER,
    pub OidRequestHandler: FILTER_OID_REQUEST_HANDLER,
    pub OidRequestCompleteHandler: FILTER_OID_REQUEST_COMPLETE_HANDLER,
    pub CancelOidRequestHandler: FILTER_CANCEL_OID_REQUEST_HANDLER,
    pub DevicePnPEventNotifyHandler: FILTER_DEVICE_PNP_EVENT_NOTIFY_HANDLER,
    pub NetPnPEventHandler: FILTER_NET_PNP_EVENT_HANDLER,
    pub StatusHandler: FILTER_STATUS_HANDLER,
    pub DirectOidRequestHandler: FILTER_DIRECT_OID_REQUEST_HANDLER,
    pub DirectOidRequestCompleteHandler: FILTER_DIRECT_OID_REQUEST_COMPLETE_HANDLER,
    pub CancelDirectOidRequestHandler: FILTER_CANCEL_DIRECT_OID_REQUEST_HANDLER,
    pub SynchronousOidRequestHandler: FILTER_SYNCHRONOUS_OID_REQUEST_HANDLER,
    pub SynchronousOidRequestCompleteHandler: FILTER_SYNCHRONOUS_OID_REQUEST_COMPLETE_HANDLER,
}

/// `NDIS_FILTER_PARTIAL_CHARACTERISTICS` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_FILTER_PARTIAL_CHARACTERISTICS {
    pub Header: NDIS_OBJECT_HEADER,
    pub Flags: ULONG,
    pub SendNetBufferListsHandler: FILTER_SEND_NET_BUFFER_LISTS_HANDLER,
    pub SendNetBufferListsCompleteHandler: FILTER_SEND_NET_BUFFER_LISTS_COMPLETE_HANDLER,
    pub CancelSendNetBufferListsHandler: FILTER_CANCEL_SEND_HANDLER,
    pub ReceiveNetBufferListsHandler: FILTER_RECEIVE_NET_BUFFER_LISTS_HANDLER,
    pub ReturnNetBufferListsHandler: FILTER_RETURN_NET_BUFFER_LISTS_HANDLER,
}
pub type PNDIS_FILTER_PARTIAL_CHARACTERISTICS = *mut NDIS_FILTER_PARTIAL_CHARACTERISTICS;

/// `NDIS_FILTER_PAUSE_PARAMETERS` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_FILTER_PAUSE_PARAMETERS {
    pub Header: NDIS_OBJECT_HEADER,
    pub Flags: ULONG,
    pub PauseReason: ULONG,
}

/// `NDIS_FILTER_RESTART_PARAMETERS` (NDIS).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NDIS_FILTER_RESTART_PARAMETERS {
    pub Header: NDIS_OBJECT_HEADER,
    pub MiniportMediaType: NDIS_MEDIUM,
    pub MiniportPhysicalMediaType: NDIS_PHYSICAL_MEDIUM,
    pub RestartAttributes: PNDIS_RESTART_ATTRIBUTES,
    pub LowerIfIndex: NET_IFINDEX,
    pub LowerIfNetLuid: NET_LUID,
    pub Flags: ULONG,
}

/// `NDIS_RESTART_ATTRIBUTES` (NDIS).
#[repr(C, align(16))]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_RESTART_ATTRIBUTES {
    pub Next: PNDIS_RESTART_ATTRIBUTES,
    pub Oid: NDIS_OID,
    pub DataLength: ULONG,
    pub Data: [UCHAR; 1],
}

/// `NDIS_RESTART_GENERAL_ATTRIBUTES` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NDIS_RESTART_GENERAL_ATTRIBUTES {
    pub Header: NDIS_OBJECT_HEADER,
    pub MtuSize: ULONG,
    pub MaxXmitLinkSpeed: ULONG64,
    pub MaxRcvLinkSpeed: ULONG64,
    pub LookaheadSize: ULONG,
    pub MacOptions: ULONG,
    pub SupportedPacketFilters: ULONG,
    pub MaxMulticastListSize: ULONG,
    pub RecvScaleCapabilities: PNDIS_RECEIVE_SCALE_CAPABILITIES,
    pub AccessType: NET_IF_ACCESS_TYPE,
    pub Flags: ULONG,
    pub ConnectionType: NET_IF_CONNECTION_TYPE,
    pub SupportedStatistics: ULONG,
    pub DataBackFillSize: ULONG,
    pub ContextBackFillSize: ULONG,
    pub SupportedOidList: PNDIS_OID,
    pub SupportedOidListLength: ULONG,
    pub MaxLookaheadSizeAccessed: ULONG,
}
pub type PNDIS_RESTART_GENERAL_ATTRIBUTES = *mut NDIS_RESTART_GENERAL_ATTRIBUTES;

callback! {
    /// Called inside `NdisFRegisterFilterDriver`.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub type SET_OPTIONS_HANDLER = fn(
        NdisDriverHandle: NDIS_HANDLE,
        DriverContext: NDIS_HANDLE,
    ) -> NDIS_STATUS;
    /// Attaches the driver to an adapter: allocate, `NdisFSetAttributes`, stay paused.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub type FILTER_ATTACH_HANDLER = fn(
        NdisFilterHandle: NDIS_HANDLE,
        FilterDriverContext: NDIS_HANDLE,
        AttachParameters: PNDIS_FILTER_ATTACH_PARAMETERS,
    ) -> NDIS_STATUS;
    /// Frees what attach allocated; the module is paused and nothing is outstanding.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub type FILTER_DETACH_HANDLER = fn(FilterModuleContext: NDIS_HANDLE);
    /// Cancels direct requests with a request id.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type FILTER_CANCEL_DIRECT_OID_REQUEST_HANDLER = fn(
        FilterModuleContext: NDIS_HANDLE,
        RequestId: PVOID,
    );
    /// Cancels requests with a request id.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type FILTER_CANCEL_OID_REQUEST_HANDLER = fn(FilterModuleContext: NDIS_HANDLE, RequestId: PVOID);
    /// Cancels queued sends with a cancel id.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type FILTER_CANCEL_SEND_HANDLER = fn(FilterModuleContext: NDIS_HANDLE, CancelId: PVOID);
    /// A device PnP event from above.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub type FILTER_DEVICE_PNP_EVENT_NOTIFY_HANDLER = fn(
        FilterModuleContext: NDIS_HANDLE,
        NetDevicePnPEvent: PNET_DEVICE_PNP_EVENT,
    );
    /// Completion of a direct request.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type FILTER_DIRECT_OID_REQUEST_COMPLETE_HANDLER = fn(
        FilterModuleContext: NDIS_HANDLE,
        OidRequest: PNDIS_OID_REQUEST,
        Status: NDIS_STATUS,
    );
    /// A direct OID request; not serialized.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type FILTER_DIRECT_OID_REQUEST_HANDLER = fn(
        FilterModuleContext: NDIS_HANDLE,
        OidRequest: PNDIS_OID_REQUEST,
    ) -> NDIS_STATUS;
    /// A network PnP event from below.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub type FILTER_NET_PNP_EVENT_HANDLER = fn(
        FilterModuleContext: NDIS_HANDLE,
        NetPnPEventNotification: PNET_PNP_EVENT_NOTIFICATION,
    ) -> NDIS_STATUS;
    /// Completion of a request the driver passed down or issued.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type FILTER_OID_REQUEST_COMPLETE_HANDLER = fn(
        FilterModuleContext: NDIS_HANDLE,
        OidRequest: PNDIS_OID_REQUEST,
        Status: NDIS_STATUS,
    );
    /// An OID request from above; one at a time per module.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type FILTER_OID_REQUEST_HANDLER = fn(
        FilterModuleContext: NDIS_HANDLE,
        OidRequest: PNDIS_OID_REQUEST,
    ) -> NDIS_STATUS;
    /// Stops the data path; completes when everything the driver originated is back.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub type FILTER_PAUSE_HANDLER = fn(
        FilterModuleContext: NDIS_HANDLE,
        PauseParameters: PNDIS_FILTER_PAUSE_PARAMETERS,
    ) -> NDIS_STATUS;
    /// Receives from below; runs on many processors at once.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type FILTER_RECEIVE_NET_BUFFER_LISTS_HANDLER = fn(
        FilterModuleContext: NDIS_HANDLE,
        NetBufferLists: PNET_BUFFER_LIST,
        PortNumber: NDIS_PORT_NUMBER,
        NumberOfNetBufferLists: ULONG,
        ReceiveFlags: ULONG,
    );
    /// Starts the data path of a paused module.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub type FILTER_RESTART_HANDLER = fn(
        FilterModuleContext: NDIS_HANDLE,
        RestartParameters: PNDIS_FILTER_RESTART_PARAMETERS,
    ) -> NDIS_STATUS;
    /// Returned receives from above; can run before the indication call returns.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type FILTER_RETURN_NET_BUFFER_LISTS_HANDLER = fn(
        FilterModuleContext: NDIS_HANDLE,
        NetBufferLists: PNET_BUFFER_LIST,
        ReturnFlags: ULONG,
    );
    /// Completed sends from below; can run before the send call returns.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type FILTER_SEND_NET_BUFFER_LISTS_COMPLETE_HANDLER = fn(
        FilterModuleContext: NDIS_HANDLE,
        NetBufferList: PNET_BUFFER_LIST,
        SendCompleteFlags: ULONG,
    );
    /// Sends from above; runs on many processors at once.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type FILTER_SEND_NET_BUFFER_LISTS_HANDLER = fn(
        FilterModuleContext: NDIS_HANDLE,
        NetBufferList: PNET_BUFFER_LIST,
        PortNumber: NDIS_PORT_NUMBER,
        SendFlags: ULONG,
    );
    /// Called before each restart; may change the module's data handlers.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub type FILTER_SET_FILTER_MODULE_OPTIONS_HANDLER = fn(FilterModuleContext: NDIS_HANDLE) -> NDIS_STATUS;
    /// A status indication from below.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type FILTER_STATUS_HANDLER = fn(
        FilterModuleContext: NDIS_HANDLE,
        StatusIndication: PNDIS_STATUS_INDICATION,
    );
    /// A synchronous OID request on its way up.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type FILTER_SYNCHRONOUS_OID_REQUEST_COMPLETE_HANDLER = fn(
        FilterModuleContext: NDIS_HANDLE,
        OidRequest: *mut NDIS_OID_REQUEST,
        Status: *mut NDIS_STATUS,
        CallContext: PVOID,
    );
    /// A synchronous OID request on its way down; not serialized, must not pend.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type FILTER_SYNCHRONOUS_OID_REQUEST_HANDLER = fn(
        FilterModuleContext: NDIS_HANDLE,
        OidRequest: *mut NDIS_OID_REQUEST,
        CallContext: *mut PVOID,
    ) -> NDIS_STATUS;
}

layout! {
    NDIS_FILTER_ATTACH_PARAMETERS: 224, 8 {
        Header: 0, 4; IfIndex: 4, 4; NetLuid: 8, 8; FilterModuleGuidName: 16, 8;
        BaseMiniportIfIndex: 24, 4; BaseMiniportInstanceName: 32, 8; BaseMiniportName: 40, 8;
        MediaConnectState: 48, 4; MediaDuplexState: 52, 4; XmitLinkSpeed: 56, 8; RcvLinkSpeed: 64, 8;
        MiniportMediaType: 72, 4; MiniportPhysicalMediaType: 76, 4; MiniportMediaSpecificAttributes: 80, 8;
        DefaultOffloadConfiguration: 88, 8; MacAddressLength: 96, 2; CurrentMacAddress: 98, 32;
        BaseMiniportNetLuid: 136, 8; LowerIfIndex: 144, 4; LowerIfNetLuid: 152, 8; Flags: 160, 4;
        HDSplitCurrentConfig: 168, 8; ReceiveFilterCapabilities: 176, 8;
        MiniportPhysicalDeviceObject: 184, 8; NicSwitchCapabilities: 192, 8;
        BaseMiniportIfConnectorPresent: 200, 1; SriovCapabilities: 208, 8; NicSwitchArray: 216, 8;
    }
    NDIS_FILTER_ATTRIBUTES: 8, 4 { Header: 0, 4; Flags: 4, 4; }
    NDIS_FILTER_DRIVER_CHARACTERISTICS: 240, 8 {
        Header: 0, 4; MajorNdisVersion: 4, 1; MinorNdisVersion: 5, 1; MajorDriverVersion: 6, 1;
        MinorDriverVersion: 7, 1; Flags: 8, 4; FriendlyName: 16, 16; UniqueName: 32, 16;
        ServiceName: 48, 16; SetOptionsHandler: 64, 8; SetFilterModuleOptionsHandler: 72, 8;
        AttachHandler: 80, 8; DetachHandler: 88, 8; RestartHandler: 96, 8; PauseHandler: 104, 8;
        SendNetBufferListsHandler: 112, 8; SendNetBufferListsCompleteHandler: 120, 8;
        CancelSendNetBufferListsHandler: 128, 8; ReceiveNetBufferListsHandler: 136, 8;
        ReturnNetBufferListsHandler: 144, 8; OidRequestHandler: 152, 8; OidRequestCompleteHandler: 160, 8;
        CancelOidRequestHandler: 168, 8; DevicePnPEventNotifyHandler: 176, 8; NetPnPEventHandler: 184, 8;
        StatusHandler: 192, 8; DirectOidRequestHandler: 200, 8; DirectOidRequestCompleteHandler: 208, 8;
        CancelDirectOidRequestHandler: 216, 8; SynchronousOidRequestHandler: 224, 8;
        SynchronousOidRequestCompleteHandler: 232, 8;
    }
    NDIS_FILTER_PARTIAL_CHARACTERISTICS: 48, 8 {
        Header: 0, 4; Flags: 4, 4; SendNetBufferListsHandler: 8, 8;
        SendNetBufferListsCompleteHandler: 16, 8; CancelSendNetBufferListsHandler: 24, 8;
        ReceiveNetBufferListsHandler: 32, 8; ReturnNetBufferListsHandler: 40, 8;
    }
    NDIS_FILTER_PAUSE_PARAMETERS: 12, 4 { Header: 0, 4; Flags: 4, 4; PauseReason: 8, 4; }
    NDIS_FILTER_RESTART_PARAMETERS: 48, 8 {
        Header: 0, 4; MiniportMediaType: 4, 4; MiniportPhysicalMediaType: 8, 4; RestartAttributes: 16, 8;
        LowerIfIndex: 24, 4; LowerIfNetLuid: 32, 8; Flags: 40, 4;
    }
    NDIS_RESTART_ATTRIBUTES: 32, 16 { Next: 0, 8; Oid: 8, 4; DataLength: 12, 4; Data: 16, 1; }
    NDIS_RESTART_GENERAL_ATTRIBUTES: 88, 8 {
        Header: 0, 4; MtuSize: 4, 4; MaxXmitLinkSpeed: 8, 8; MaxRcvLinkSpeed: 16, 8; LookaheadSize: 24, 4;
        MacOptions: 28, 4; SupportedPacketFilters: 32, 4; MaxMulticastListSize: 36, 4;
        RecvScaleCapabilities: 40, 8; AccessType: 48, 4; Flags: 52, 4; ConnectionType: 56, 4;
        SupportedStatistics: 60, 4; DataBackFillSize: 64, 4; ContextBackFillSize: 68, 4;
        SupportedOidList: 72, 8; SupportedOidListLength: 80, 4; MaxLookaheadSizeAccessed: 84, 4;
    }
}
