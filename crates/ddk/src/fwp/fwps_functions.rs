//! Data plane functions (fwpsk.h).
use super::*;
use core::ffi::c_void;

imports! {
    dll "fwpkclnt.sys";
    /// Registers a callout's functions, form of Windows 7.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpsCalloutRegister1(
        deviceObject: *mut c_void,
        callout: *const FWPS_CALLOUT1,
        calloutId: *mut u32,
    ) -> NTSTATUS;
    /// Registers a callout's functions, form of Windows 8.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpsCalloutRegister2(
        deviceObject: *mut c_void,
        callout: *const FWPS_CALLOUT2,
        calloutId: *mut u32,
    ) -> NTSTATUS;
    /// Registers a callout's functions, form of Windows 10 1709.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpsCalloutRegister3(
        deviceObject: *mut c_void,
        callout: *const FWPS_CALLOUT3,
        calloutId: *mut u32,
    ) -> NTSTATUS;
    /// Unregisters a callout. `STATUS_DEVICE_BUSY`: flow contexts are left, deletion continues when they
    /// are gone.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpsCalloutUnregisterById0(calloutId: u32) -> NTSTATUS;
    /// [`FwpsCalloutUnregisterById0`], by key.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpsCalloutUnregisterByKey0(calloutKey: *const GUID) -> NTSTATUS;
    /// Hangs a context on a flow for one layer and callout.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn FwpsFlowAssociateContext0(
        flowId: u64,
        layerId: u16,
        calloutId: u32,
        flowContext: u64,
    ) -> NTSTATUS;
    /// Takes a context off a flow; the callout's delete function runs.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn FwpsFlowRemoveContext0(flowId: u64, layerId: u16, calloutId: u32) -> NTSTATUS;
    /// Aborts a flow.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn FwpsFlowAbort0(flowId: u64) -> NTSTATUS;
    /// Defers an ALE decision until [`FwpsCompleteOperation0`].
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn FwpsPendOperation0(completionHandle: HANDLE, completionContext: *mut HANDLE) -> NTSTATUS;
    /// Ends a deferral; the authorization is repeated.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn FwpsCompleteOperation0(completionContext: HANDLE, netBufferList: PNET_BUFFER_LIST);
    /// Handle that keeps a classification alive after the callout returned.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn FwpsAcquireClassifyHandle0(
        classifyContext: *mut c_void,
        flags: u32,
        classifyHandle: *mut u64,
    ) -> NTSTATUS;
    /// Releases a classify handle.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn FwpsReleaseClassifyHandle0(classifyHandle: u64);
    /// Defers a classification.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn FwpsPendClassify0(
        classifyHandle: u64,
        filterId: u64,
        flags: u32,
        classifyOut: *mut FWPS_CLASSIFY_OUT0,
    ) -> NTSTATUS;
    /// Ends a deferral with a result.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn FwpsCompleteClassify0(classifyHandle: u64, flags: u32, classifyOut: *const FWPS_CLASSIFY_OUT0);
    /// Gives layer data that may be changed.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn FwpsAcquireWritableLayerDataPointer0(
        classifyHandle: u64,
        filterId: u64,
        flags: u32,
        writableLayerData: *mut PVOID,
        classifyOut: *mut FWPS_CLASSIFY_OUT0,
    ) -> NTSTATUS;
    /// Puts changed layer data into effect.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn FwpsApplyModifiedLayerData0(classifyHandle: u64, modifiedLayerData: PVOID, flags: u32);
    /// Creates an injection handle.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpsInjectionHandleCreate0(
        addressFamily: ADDRESS_FAMILY,
        flags: u32,
        injectionHandle: *mut HANDLE,
    ) -> NTSTATUS;
    /// Destroys an injection handle; waits for its injections.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpsInjectionHandleDestroy0(injectionHandle: HANDLE) -> NTSTATUS;
    /// Injects a transport packet into the send path.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn FwpsInjectTransportSendAsync0(
        injectionHandle: HANDLE,
        injectionContext: HANDLE,
        endpointHandle: u64,
        flags: u32,
        sendArgs: *mut FWPS_TRANSPORT_SEND_PARAMS0,
        addressFamily: ADDRESS_FAMILY,
        compartmentId: COMPARTMENT_ID,
        netBufferList: *mut NET_BUFFER_LIST,
        completionFn: FWPS_INJECT_COMPLETE0,
        completionContext: HANDLE,
    ) -> NTSTATUS;
    /// Injects a transport packet into the send path.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn FwpsInjectTransportSendAsync1(
        injectionHandle: HANDLE,
        injectionContext: HANDLE,
        endpointHandle: u64,
        flags: u32,
        sendArgs: *mut FWPS_TRANSPORT_SEND_PARAMS1,
        addressFamily: ADDRESS_FAMILY,
        compartmentId: COMPARTMENT_ID,
        netBufferList: *mut NET_BUFFER_LIST,
        completionFn: FWPS_INJECT_COMPLETE0,
        completionContext: HANDLE,
    ) -> NTSTATUS;
    /// Injects a transport packet into the receive path.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn FwpsInjectTransportReceiveAsync0(
        injectionHandle: HANDLE,
        injectionContext: HANDLE,
        reserved: PVOID,
        flags: u32,
        addressFamily: ADDRESS_FAMILY,
        compartmentId: COMPARTMENT_ID,
        interfaceIndex: IF_INDEX,
        subInterfaceIndex: IF_INDEX,
        netBufferList: *mut NET_BUFFER_LIST,
        completionFn: FWPS_INJECT_COMPLETE0,
        completionContext: HANDLE,
    ) -> NTSTATUS;
    /// Injects an IP packet into the send path.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn FwpsInjectNetworkSendAsync0(
        injectionHandle: HANDLE,
        injectionContext: HANDLE,
        flags: u32,
        compartmentId: COMPARTMENT_ID,
        netBufferList: *mut NET_BUFFER_LIST,
        completionFn: FWPS_INJECT_COMPLETE0,
        completionContext: HANDLE,
    ) -> NTSTATUS;
    /// Injects an IP packet into the receive path.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn FwpsInjectNetworkReceiveAsync0(
        injectionHandle: HANDLE,
        injectionContext: HANDLE,
        flags: u32,
        compartmentId: COMPARTMENT_ID,
        interfaceIndex: IF_INDEX,
        subInterfaceIndex: IF_INDEX,
        netBufferList: *mut NET_BUFFER_LIST,
        completionFn: FWPS_INJECT_COMPLETE0,
        completionContext: HANDLE,
    ) -> NTSTATUS;
    /// Injects an IP packet into the forwarding path.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn FwpsInjectForwardAsync0(
        injectionHandle: HANDLE,
        injectionContext: HANDLE,
        flags: u32,
        addressFamily: ADDRESS_FAMILY,
        compartmentId: COMPARTMENT_ID,
        interfaceIndex: IF_INDEX,
        netBufferList: *mut NET_BUFFER_LIST,
        completionFn: FWPS_INJECT_COMPLETE0,
        completionContext: HANDLE,
    ) -> NTSTATUS;
    /// Tells whether a packet was injected, and by whom.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn FwpsQueryPacketInjectionState0(
        injectionHandle: HANDLE,
        netBufferList: *const NET_BUFFER_LIST,
        injectionContext: *mut HANDLE,
    ) -> FWPS_PACKET_INJECTION_STATE;
    /// `FwpsAllocateNetBufferAndNetBufferList0`.
    #[must_use]
    pub fn FwpsAllocateNetBufferAndNetBufferList0(
        poolHandle: NDIS_HANDLE,
        contextSize: USHORT,
        contextBackFill: USHORT,
        mdlChain: *mut MDL,
        dataOffset: ULONG,
        dataLength: SIZE_T,
        netBufferList: *mut *mut NET_BUFFER_LIST,
    ) -> NTSTATUS;
    /// `FwpsFreeNetBufferList0`.
    pub fn FwpsFreeNetBufferList0(netBufferList: *mut NET_BUFFER_LIST);
    /// `FwpsAllocateCloneNetBufferList0`.
    #[must_use]
    pub fn FwpsAllocateCloneNetBufferList0(
        originalNetBufferList: *mut NET_BUFFER_LIST,
        netBufferListPoolHandle: NDIS_HANDLE,
        netBufferPoolHandle: NDIS_HANDLE,
        allocateCloneFlags: ULONG,
        netBufferList: *mut *mut NET_BUFFER_LIST,
    ) -> NTSTATUS;
    /// `FwpsFreeCloneNetBufferList0`.
    pub fn FwpsFreeCloneNetBufferList0(netBufferList: *mut NET_BUFFER_LIST, freeCloneFlags: ULONG);
    /// `FwpsReferenceNetBufferList0`.
    pub fn FwpsReferenceNetBufferList0(netBufferList: *mut NET_BUFFER_LIST, intendToModify: BOOLEAN);
    /// `FwpsDereferenceNetBufferList0`.
    pub fn FwpsDereferenceNetBufferList0(netBufferList: *mut NET_BUFFER_LIST, dispatchLevel: BOOLEAN);
    /// `FwpsConstructIpHeaderForTransportPacket0`.
    #[must_use]
    pub fn FwpsConstructIpHeaderForTransportPacket0(
        netBufferList: *mut NET_BUFFER_LIST,
        headerIncludeHeaderLength: ULONG,
        addressFamily: ADDRESS_FAMILY,
        sourceAddress: *const UCHAR,
        remoteAddress: *const UCHAR,
        nextProtocol: IPPROTO,
        endpointHandle: u64,
        controlData: *const WSACMSGHDR,
        controlDataLength: ULONG,
        flags: u32,
        reserved: PVOID,
        interfaceIndex: IF_INDEX,
        subInterfaceIndex: IF_INDEX,
    ) -> NTSTATUS;
    /// `FwpsRedirectHandleCreate0`.
    #[must_use]
    pub fn FwpsRedirectHandleCreate0(
        providerGuid: *const GUID,
        flags: u32,
        redirectHandle: *mut HANDLE,
    ) -> NTSTATUS;
    /// `FwpsRedirectHandleDestroy0`.
    pub fn FwpsRedirectHandleDestroy0(redirectHandle: HANDLE);
    /// `FwpsQueryConnectionRedirectState0`.
    pub fn FwpsQueryConnectionRedirectState0(
        redirectRecords: HANDLE,
        redirectHandle: HANDLE,
        redirectContext: *mut *mut c_void,
    ) -> FWPS_CONNECTION_REDIRECT_STATE;
    /// Copies stream data to contiguous memory.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn FwpsCopyStreamDataToBuffer0(
        calloutStreamData: *const FWPS_STREAM_DATA0,
        buffer: PVOID,
        bytesToCopy: SIZE_T,
        bytesCopied: *mut SIZE_T,
    );
    /// `FwpsStreamInjectAsync0`.
    #[must_use]
    pub fn FwpsStreamInjectAsync0(
        injectionHandle: HANDLE,
        injectionContext: HANDLE,
        flags: u32,
        flowId: u64,
        calloutId: u32,
        layerId: u16,
        streamFlags: u32,
        netBufferList: *mut NET_BUFFER_LIST,
        dataLength: SIZE_T,
        completionFn: FWPS_INJECT_COMPLETE0,
        completionContext: HANDLE,
    ) -> NTSTATUS;
    /// Lets a stream go on that a callout deferred.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn FwpsStreamContinue0(flowId: u64, calloutId: u32, layerId: u16, streamFlags: u32) -> NTSTATUS;
    /// `FwpsCloneStreamData0`.
    #[must_use]
    pub fn FwpsCloneStreamData0(
        calloutStreamData: *mut FWPS_STREAM_DATA0,
        netBufferListPoolHandle: NDIS_HANDLE,
        netBufferPoolHandle: NDIS_HANDLE,
        allocateCloneFlags: ULONG,
        netBufferListChain: *mut *mut NET_BUFFER_LIST,
    ) -> NTSTATUS;
    /// `FwpsDiscardClonedStreamData0`.
    pub fn FwpsDiscardClonedStreamData0(
        netBufferListChain: *mut NET_BUFFER_LIST,
        allocateCloneFlags: u32,
        dispatchLevel: BOOLEAN,
    );
    /// `FwpsGetPacketListSecurityInformation0`.
    #[must_use]
    pub fn FwpsGetPacketListSecurityInformation0(
        packetList: *mut NET_BUFFER_LIST,
        queryFlags: u32,
        packetInformation: *mut FWPS_PACKET_LIST_INFORMATION0,
    ) -> NTSTATUS;
    /// Registers a callout's functions, form of Windows Vista.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn FwpsCalloutRegister0(
        deviceObject: *mut c_void,
        callout: *const FWPS_CALLOUT0,
        calloutId: *mut u32,
    ) -> NTSTATUS;
    /// Injects a frame into the MAC receive path.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn FwpsInjectMacReceiveAsync0(
        injectionHandle: HANDLE,
        injectionContext: HANDLE,
        flags: u32,
        layerId: u16,
        interfaceIndex: IF_INDEX,
        NdisPortNumber: NDIS_PORT_NUMBER,
        netBufferLists: *mut NET_BUFFER_LIST,
        completionFn: FWPS_INJECT_COMPLETE0,
        completionContext: HANDLE,
    ) -> NTSTATUS;
    /// Injects a frame into the MAC send path.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn FwpsInjectMacSendAsync0(
        injectionHandle: HANDLE,
        injectionContext: HANDLE,
        flags: u32,
        layerId: u16,
        interfaceIndex: IF_INDEX,
        NdisPortNumber: NDIS_PORT_NUMBER,
        netBufferLists: *mut NET_BUFFER_LIST,
        completionFn: FWPS_INJECT_COMPLETE0,
        completionContext: HANDLE,
    ) -> NTSTATUS;
}
