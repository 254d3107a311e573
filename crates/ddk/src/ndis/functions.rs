//! NDIS library functions: locks, timers, work items, configuration, devices.
use super::*;

imports! {
    dll "NDIS.SYS";
    /// `NdisSetOptionalHandlers`.
    #[must_use]
    pub fn NdisSetOptionalHandlers(
        NdisHandle: NDIS_HANDLE,
        OptionalHandlers: PNDIS_DRIVER_OPTIONAL_HANDLERS,
    ) -> NDIS_STATUS;
    /// `NdisGetDataBuffer`.
    pub fn NdisGetDataBuffer(
        NetBuffer: *mut NET_BUFFER,
        BytesNeeded: ULONG,
        Storage: PVOID,
        AlignMultiple: ULONG,
        AlignOffset: ULONG,
    ) -> PVOID;
    /// `NdisAllocateMemoryWithTagPriority`.
    pub fn NdisAllocateMemoryWithTagPriority(
        NdisHandle: NDIS_HANDLE,
        Length: u32,
        Tag: ULONG,
        Priority: EX_POOL_PRIORITY,
    ) -> PVOID;
    /// `NdisFreeMemory`.
    pub fn NdisFreeMemory(VirtualAddress: PVOID, Length: u32, MemoryFlags: u32);
    /// `NdisAllocateCloneOidRequest`.
    #[must_use]
    pub fn NdisAllocateCloneOidRequest(
        SourceHandle: NDIS_HANDLE,
        OidRequest: PNDIS_OID_REQUEST,
        PoolTag: u32,
        ClonedOidRequest: *mut PNDIS_OID_REQUEST,
    ) -> NDIS_STATUS;
    /// `NdisFreeCloneOidRequest`.
    pub fn NdisFreeCloneOidRequest(SourceHandle: NDIS_HANDLE, Request: PNDIS_OID_REQUEST);
    /// `NdisRegisterDeviceEx`.
    #[must_use]
    pub fn NdisRegisterDeviceEx(
        NdisHandle: NDIS_HANDLE,
        DeviceObjectAttributes: PNDIS_DEVICE_OBJECT_ATTRIBUTES,
        pDeviceObject: *mut PDEVICE_OBJECT,
        NdisDeviceHandle: PNDIS_HANDLE,
    ) -> NDIS_STATUS;
    /// `NdisDeregisterDeviceEx`.
    pub fn NdisDeregisterDeviceEx(NdisDeviceHandle: NDIS_HANDLE);
    /// `NdisGetDeviceReservedExtension`.
    pub fn NdisGetDeviceReservedExtension(DeviceObject: PDEVICE_OBJECT) -> PVOID;
    /// `NdisGetVersion`.
    pub fn NdisGetVersion() -> u32;
    /// `NdisGetSystemUpTimeEx`.
    pub fn NdisGetSystemUpTimeEx(pSystemUpTime: PLARGE_INTEGER);
    /// `NdisInitializeEvent`.
    pub fn NdisInitializeEvent(Event: PNDIS_EVENT);
    /// `NdisSetEvent`.
    pub fn NdisSetEvent(Event: PNDIS_EVENT);
    /// `NdisResetEvent`.
    pub fn NdisResetEvent(Event: PNDIS_EVENT);
    /// `NdisWaitEvent`.
    pub fn NdisWaitEvent(Event: PNDIS_EVENT, MsToWait: u32) -> BOOLEAN;
    /// `NdisMSleep`.
    pub fn NdisMSleep(MicrosecondsToSleep: ULONG);
    /// `NdisAllocateRWLock`.
    pub fn NdisAllocateRWLock(NdisHandle: NDIS_HANDLE) -> PNDIS_RW_LOCK_EX;
    /// `NdisFreeRWLock`.
    pub fn NdisFreeRWLock(Lock: PNDIS_RW_LOCK_EX);
    /// `NdisAcquireRWLockRead`.
    pub fn NdisAcquireRWLockRead(Lock: PNDIS_RW_LOCK_EX, LockState: PLOCK_STATE_EX, Flags: UCHAR);
    /// `NdisAcquireRWLockWrite`.
    pub fn NdisAcquireRWLockWrite(Lock: PNDIS_RW_LOCK_EX, LockState: PLOCK_STATE_EX, Flags: UCHAR);
    /// `NdisReleaseRWLock`.
    pub fn NdisReleaseRWLock(Lock: PNDIS_RW_LOCK_EX, LockState: PLOCK_STATE_EX);
    /// `NdisAllocateTimerObject`.
    #[must_use]
    pub fn NdisAllocateTimerObject(
        NdisHandle: NDIS_HANDLE,
        TimerCharacteristics: PNDIS_TIMER_CHARACTERISTICS,
        pTimerObject: PNDIS_HANDLE,
    ) -> NDIS_STATUS;
    /// `NdisSetTimerObject`.
    pub fn NdisSetTimerObject(
        TimerObject: NDIS_HANDLE,
        DueTime: LARGE_INTEGER,
        MillisecondsPeriod: LONG,
        FunctionContext: PVOID,
    ) -> BOOLEAN;
    /// `NdisCancelTimerObject`.
    pub fn NdisCancelTimerObject(TimerObject: NDIS_HANDLE) -> BOOLEAN;
    /// `NdisFreeTimerObject`.
    pub fn NdisFreeTimerObject(TimerObject: NDIS_HANDLE);
    /// `NdisAllocateIoWorkItem`.
    pub fn NdisAllocateIoWorkItem(NdisObjectHandle: NDIS_HANDLE) -> NDIS_HANDLE;
    /// `NdisQueueIoWorkItem`.
    pub fn NdisQueueIoWorkItem(
        NdisIoWorkItemHandle: NDIS_HANDLE,
        Routine: NDIS_IO_WORKITEM_ROUTINE,
        WorkItemContext: PVOID,
    );
    /// `NdisFreeIoWorkItem`.
    pub fn NdisFreeIoWorkItem(NdisIoWorkItemHandle: NDIS_HANDLE);
    /// `NdisGeneratePartialCancelId`.
    pub fn NdisGeneratePartialCancelId() -> UCHAR;
    /// `NdisOpenConfigurationEx`.
    #[must_use]
    pub fn NdisOpenConfigurationEx(
        ConfigObject: PNDIS_CONFIGURATION_OBJECT,
        ConfigurationHandle: PNDIS_HANDLE,
    ) -> NDIS_STATUS;
    /// `NdisCloseConfiguration`.
    pub fn NdisCloseConfiguration(ConfigurationHandle: NDIS_HANDLE);
    /// `NdisReadConfiguration`.
    pub fn NdisReadConfiguration(
        Status: PNDIS_STATUS,
        ParameterValue: *mut PNDIS_CONFIGURATION_PARAMETER,
        ConfigurationHandle: NDIS_HANDLE,
        Keyword: PNDIS_STRING,
        ParameterType: NDIS_PARAMETER_TYPE,
    );
    /// `NdisIfGetInterfaceIndexFromNetLuid`.
    #[must_use]
    pub fn NdisIfGetInterfaceIndexFromNetLuid(NetLuid: NET_LUID, pIfIndex: PNET_IFINDEX) -> NDIS_STATUS;
    /// `NdisIfGetNetLuidFromInterfaceIndex`.
    #[must_use]
    pub fn NdisIfGetNetLuidFromInterfaceIndex(ifIndex: NET_IFINDEX, pNetLuid: PNET_LUID) -> NDIS_STATUS;
    /// `NdisGetRoutineAddress`.
    pub fn NdisGetRoutineAddress(NdisRoutineName: PNDIS_STRING) -> PVOID;
    /// `NdisWriteConfiguration`.
    pub fn NdisWriteConfiguration(
        Status: PNDIS_STATUS,
        ConfigurationHandle: NDIS_HANDLE,
        Keyword: PNDIS_STRING,
        ParameterValue: PNDIS_CONFIGURATION_PARAMETER,
    );
}
