//! NDIS library functions: locks, timers, work items, configuration, devices.
use super::*;

imports! {
    dll "NDIS.SYS";
    /// Replaces the data handlers of one module. Only inside `FilterSetModuleOptions`, on its thread.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn NdisSetOptionalHandlers(
        NdisHandle: NDIS_HANDLE,
        OptionalHandlers: PNDIS_DRIVER_OPTIONAL_HANDLERS,
    ) -> NDIS_STATUS;
    /// Address of the first `BytesNeeded` contiguous bytes of a net buffer, copied to `Storage` if split;
    /// null if impossible.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisGetDataBuffer(
        NetBuffer: *mut NET_BUFFER,
        BytesNeeded: ULONG,
        Storage: PVOID,
        AlignMultiple: ULONG,
        AlignOffset: ULONG,
    ) -> PVOID;
    /// Allocates nonpaged memory. The tag must not be zero.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisAllocateMemoryWithTagPriority(
        NdisHandle: NDIS_HANDLE,
        Length: u32,
        Tag: ULONG,
        Priority: EX_POOL_PRIORITY,
    ) -> PVOID;
    /// Frees memory from [`NdisAllocateMemoryWithTagPriority`].
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFreeMemory(VirtualAddress: PVOID, Length: u32, MemoryFlags: u32);
    /// Clones an OID request so that it can be passed down.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn NdisAllocateCloneOidRequest(
        SourceHandle: NDIS_HANDLE,
        OidRequest: PNDIS_OID_REQUEST,
        PoolTag: u32,
        ClonedOidRequest: *mut PNDIS_OID_REQUEST,
    ) -> NDIS_STATUS;
    /// Frees a request from [`NdisAllocateCloneOidRequest`].
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFreeCloneOidRequest(SourceHandle: NDIS_HANDLE, Request: PNDIS_OID_REQUEST);
    /// Creates a named device object next to the filter.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn NdisRegisterDeviceEx(
        NdisHandle: NDIS_HANDLE,
        DeviceObjectAttributes: PNDIS_DEVICE_OBJECT_ATTRIBUTES,
        pDeviceObject: *mut PDEVICE_OBJECT,
        NdisDeviceHandle: PNDIS_HANDLE,
    ) -> NDIS_STATUS;
    /// Removes a device from [`NdisRegisterDeviceEx`].
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub fn NdisDeregisterDeviceEx(NdisDeviceHandle: NDIS_HANDLE);
    /// The driver's part of the extension of an NDIS device.
    pub fn NdisGetDeviceReservedExtension(DeviceObject: PDEVICE_OBJECT) -> PVOID;
    /// NDIS version of the running system: major in the high word, minor in the low word.
    pub fn NdisGetVersion() -> u32;
    /// Milliseconds since the system started.
    pub fn NdisGetSystemUpTimeEx(pSystemUpTime: PLARGE_INTEGER);
    /// Initializes an event, not signalled.
    pub fn NdisInitializeEvent(Event: PNDIS_EVENT);
    /// Signals an event.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisSetEvent(Event: PNDIS_EVENT);
    /// Resets an event.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisResetEvent(Event: PNDIS_EVENT);
    /// Waits for an event, at most so many milliseconds (0: for ever).
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub fn NdisWaitEvent(Event: PNDIS_EVENT, MsToWait: u32) -> BOOLEAN;
    /// Sleeps for so many microseconds.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub fn NdisMSleep(MicrosecondsToSleep: ULONG);
    /// Allocates a read-write lock.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisAllocateRWLock(NdisHandle: NDIS_HANDLE) -> PNDIS_RW_LOCK_EX;
    /// Frees a read-write lock that nobody holds.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFreeRWLock(Lock: PNDIS_RW_LOCK_EX);
    /// Acquires the lock for reading and raises to DISPATCH_LEVEL.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisAcquireRWLockRead(Lock: PNDIS_RW_LOCK_EX, LockState: PLOCK_STATE_EX, Flags: UCHAR);
    /// Acquires the lock for writing and raises to DISPATCH_LEVEL.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisAcquireRWLockWrite(Lock: PNDIS_RW_LOCK_EX, LockState: PLOCK_STATE_EX, Flags: UCHAR);
    /// Releases the lock and restores the IRQL.
    ///
    /// IRQL: DISPATCH_LEVEL.
    pub fn NdisReleaseRWLock(Lock: PNDIS_RW_LOCK_EX, LockState: PLOCK_STATE_EX);
    /// Allocates a timer; its function runs at DISPATCH_LEVEL.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn NdisAllocateTimerObject(
        NdisHandle: NDIS_HANDLE,
        TimerCharacteristics: PNDIS_TIMER_CHARACTERISTICS,
        pTimerObject: PNDIS_HANDLE,
    ) -> NDIS_STATUS;
    /// Starts a timer, once or periodically.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisSetTimerObject(
        TimerObject: NDIS_HANDLE,
        DueTime: LARGE_INTEGER,
        MillisecondsPeriod: LONG,
        FunctionContext: PVOID,
    ) -> BOOLEAN;
    /// Stops a timer; PASSIVE_LEVEL for periodic ones.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisCancelTimerObject(TimerObject: NDIS_HANDLE) -> BOOLEAN;
    /// Frees a stopped timer.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFreeTimerObject(TimerObject: NDIS_HANDLE);
    /// Allocates a work item.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisAllocateIoWorkItem(NdisObjectHandle: NDIS_HANDLE) -> NDIS_HANDLE;
    /// Queues a work item; its function runs at PASSIVE_LEVEL.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisQueueIoWorkItem(
        NdisIoWorkItemHandle: NDIS_HANDLE,
        Routine: NDIS_IO_WORKITEM_ROUTINE,
        WorkItemContext: PVOID,
    );
    /// Frees a work item that is not queued.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFreeIoWorkItem(NdisIoWorkItemHandle: NDIS_HANDLE);
    /// `NdisGeneratePartialCancelId`.
    pub fn NdisGeneratePartialCancelId() -> UCHAR;
    /// Opens the registry parameters of a driver or module.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn NdisOpenConfigurationEx(
        ConfigObject: PNDIS_CONFIGURATION_OBJECT,
        ConfigurationHandle: PNDIS_HANDLE,
    ) -> NDIS_STATUS;
    /// Closes a handle from [`NdisOpenConfigurationEx`].
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub fn NdisCloseConfiguration(ConfigurationHandle: NDIS_HANDLE);
    /// Reads one parameter; the result lives until the handle is closed.
    ///
    /// IRQL: PASSIVE_LEVEL.
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
    /// Writes one parameter.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub fn NdisWriteConfiguration(
        Status: PNDIS_STATUS,
        ConfigurationHandle: NDIS_HANDLE,
        Keyword: PNDIS_STRING,
        ParameterValue: PNDIS_CONFIGURATION_PARAMETER,
    );
    /// Number of processors.
    pub fn NdisSystemProcessorCount() -> CCHAR;
    /// Number of processor groups.
    pub fn NdisActiveGroupCount() -> USHORT;
    /// Number of processors in a group, or in all.
    pub fn NdisGroupActiveProcessorCount(Group: USHORT) -> ULONG;
    /// Alignment of data that processors share.
    pub fn NdisGetSharedDataAlignment() -> ULONG;
    /// Allocates nonpaged memory; new drivers use `NdisAllocateMemoryWithTagPriority`.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn NdisAllocateMemoryWithTag(VirtualAddress: *mut PVOID, Length: u32, Tag: ULONG) -> NDIS_STATUS;
    /// Frees memory from [`NdisAllocateMemoryWithTag`].
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFreeMemoryWithTag(VirtualAddress: PVOID, Tag: ULONG);
    /// Frees memory from `NdisAllocateMemoryWithTagPriority`.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFreeMemoryWithTagPriority(NdisHandle: NDIS_HANDLE, VirtualAddress: PVOID, Tag: ULONG);
}
