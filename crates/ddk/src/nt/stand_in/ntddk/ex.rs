//! Executive support: pool, locks, lists, timers.
use super::super::*;
use core::ffi::c_void;

imports! {
    dll "ntoskrnl.exe";
    /// Frees pool memory; a tag that is not zero must match.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn ExFreePoolWithTag(P: PVOID, Tag: ULONG);
    /// `ExAcquireFastMutex`.
    pub fn ExAcquireFastMutex(FastMutex: PFAST_MUTEX);
    /// `ExReleaseFastMutex`.
    pub fn ExReleaseFastMutex(FastMutex: PFAST_MUTEX);
    /// `ExTryToAcquireFastMutex`.
    pub fn ExTryToAcquireFastMutex(FastMutex: PFAST_MUTEX) -> BOOLEAN;
    /// `ExAcquireRundownProtection`.
    pub fn ExAcquireRundownProtection(RunRef: PEX_RUNDOWN_REF) -> BOOLEAN;
    /// `ExReleaseRundownProtection`.
    pub fn ExReleaseRundownProtection(RunRef: PEX_RUNDOWN_REF);
    /// `ExInitializeRundownProtection`.
    pub fn ExInitializeRundownProtection(RunRef: PEX_RUNDOWN_REF);
    /// `ExWaitForRundownProtectionRelease`.
    pub fn ExWaitForRundownProtectionRelease(RunRef: PEX_RUNDOWN_REF);
    /// `ExInitializeResourceLite`.
    #[must_use]
    pub fn ExInitializeResourceLite(Resource: PERESOURCE) -> NTSTATUS;
    /// `ExDeleteResourceLite`.
    #[must_use]
    pub fn ExDeleteResourceLite(Resource: PERESOURCE) -> NTSTATUS;
    /// `ExAcquireResourceExclusiveLite`.
    pub fn ExAcquireResourceExclusiveLite(Resource: PERESOURCE, Wait: BOOLEAN) -> BOOLEAN;
    /// `ExAcquireResourceSharedLite`.
    pub fn ExAcquireResourceSharedLite(Resource: PERESOURCE, Wait: BOOLEAN) -> BOOLEAN;
    /// `ExReleaseResourceLite`.
    pub fn ExReleaseResourceLite(Resource: PERESOURCE);
    /// `ExAcquireSpinLockExclusive`.
    pub fn ExAcquireSpinLockExclusive(SpinLock: PEX_SPIN_LOCK) -> KIRQL;
    /// `ExReleaseSpinLockExclusive`.
    pub fn ExReleaseSpinLockExclusive(SpinLock: PEX_SPIN_LOCK, OldIrql: KIRQL);
    /// `ExAcquireSpinLockShared`.
    pub fn ExAcquireSpinLockShared(SpinLock: PEX_SPIN_LOCK) -> KIRQL;
    /// `ExReleaseSpinLockShared`.
    pub fn ExReleaseSpinLockShared(SpinLock: PEX_SPIN_LOCK, OldIrql: KIRQL);
    /// `ExInitializeLookasideListEx`.
    #[must_use]
    pub fn ExInitializeLookasideListEx(
        Lookaside: PLOOKASIDE_LIST_EX,
        Allocate: PALLOCATE_FUNCTION_EX,
        Free: PFREE_FUNCTION_EX,
        PoolType: POOL_TYPE,
        Flags: ULONG,
        Size: SIZE_T,
        Tag: ULONG,
        Depth: USHORT,
    ) -> NTSTATUS;
    /// `ExDeleteLookasideListEx`.
    pub fn ExDeleteLookasideListEx(Lookaside: PLOOKASIDE_LIST_EX);
    /// `ExUuidCreate`.
    #[must_use]
    pub fn ExUuidCreate(Uuid: *mut UUID) -> NTSTATUS;
    /// `ExGetPreviousMode`.
    pub fn ExGetPreviousMode() -> KPROCESSOR_MODE;
    /// `ExAllocateTimer`.
    pub fn ExAllocateTimer(Callback: PEXT_CALLBACK, CallbackContext: PVOID, Attributes: ULONG) -> PEX_TIMER;
    /// `ExSetTimer`.
    pub fn ExSetTimer(
        Timer: PEX_TIMER,
        DueTime: LONGLONG,
        Period: LONGLONG,
        Parameters: PEXT_SET_PARAMETERS,
    ) -> BOOLEAN;
    /// `ExCancelTimer`.
    pub fn ExCancelTimer(Timer: PEX_TIMER, Parameters: PEXT_CANCEL_PARAMETERS) -> BOOLEAN;
    /// `ExDeleteTimer`.
    pub fn ExDeleteTimer(
        Timer: PEX_TIMER,
        Cancel: BOOLEAN,
        Wait: BOOLEAN,
        Parameters: PEXT_DELETE_PARAMETERS,
    ) -> BOOLEAN;
    /// `ExSystemTimeToLocalTime`.
    pub fn ExSystemTimeToLocalTime(SystemTime: PLARGE_INTEGER, LocalTime: PLARGE_INTEGER);
    /// `ExpInterlockedPopEntrySList`.
    pub fn ExpInterlockedPopEntrySList(ListHead: PSLIST_HEADER) -> PSLIST_ENTRY;
    /// `ExpInterlockedPushEntrySList`.
    pub fn ExpInterlockedPushEntrySList(ListHead: PSLIST_HEADER, ListEntry: PSLIST_ENTRY) -> PSLIST_ENTRY;
    /// `ExpInterlockedFlushSList`.
    pub fn ExpInterlockedFlushSList(ListHead: PSLIST_HEADER) -> PSLIST_ENTRY;
    /// `ExQueryDepthSList`.
    pub fn ExQueryDepthSList(SListHead: PSLIST_HEADER) -> USHORT;
    /// `InitializeSListHead`.
    pub fn InitializeSListHead(SListHead: PSLIST_HEADER);
    /// Allocates zeroed pool memory (unless told otherwise); null on failure.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn ExAllocatePool2(Flags: POOL_FLAGS, NumberOfBytes: SIZE_T, Tag: ULONG) -> PVOID;
    /// Frees pool memory.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn ExFreePool(P: PVOID);
    /// `ExReInitializeRundownProtection`.
    pub fn ExReInitializeRundownProtection(RunRef: PEX_RUNDOWN_REF);
    /// `ExRundownCompleted`.
    pub fn ExRundownCompleted(RunRef: PEX_RUNDOWN_REF);
    /// `ExAllocateCacheAwareRundownProtection`.
    pub fn ExAllocateCacheAwareRundownProtection(
        PoolType: POOL_TYPE,
        PoolTag: ULONG,
    ) -> PEX_RUNDOWN_REF_CACHE_AWARE;
    /// `ExFreeCacheAwareRundownProtection`.
    pub fn ExFreeCacheAwareRundownProtection(RunRefCacheAware: PEX_RUNDOWN_REF_CACHE_AWARE);
    /// `ExAcquireRundownProtectionCacheAware`.
    pub fn ExAcquireRundownProtectionCacheAware(RunRefCacheAware: PEX_RUNDOWN_REF_CACHE_AWARE) -> BOOLEAN;
    /// `ExReleaseRundownProtectionCacheAware`.
    pub fn ExReleaseRundownProtectionCacheAware(RunRefCacheAware: PEX_RUNDOWN_REF_CACHE_AWARE);
    /// `ExWaitForRundownProtectionReleaseCacheAware`.
    pub fn ExWaitForRundownProtectionReleaseCacheAware(RunRef: PEX_RUNDOWN_REF_CACHE_AWARE);
    /// `ExReInitializeRundownProtectionCacheAware`.
    pub fn ExReInitializeRundownProtectionCacheAware(RunRefCacheAware: PEX_RUNDOWN_REF_CACHE_AWARE);
    /// `ExRundownCompletedCacheAware`.
    pub fn ExRundownCompletedCacheAware(RunRefCacheAware: PEX_RUNDOWN_REF_CACHE_AWARE);
    /// `ExAcquireRundownProtectionEx`.
    pub fn ExAcquireRundownProtectionEx(RunRef: PEX_RUNDOWN_REF, Count: ULONG) -> BOOLEAN;
    /// `ExReleaseRundownProtectionEx`.
    pub fn ExReleaseRundownProtectionEx(RunRef: PEX_RUNDOWN_REF, Count: ULONG);
    /// `ExAcquireSpinLockExclusiveAtDpcLevel`.
    pub fn ExAcquireSpinLockExclusiveAtDpcLevel(SpinLock: PEX_SPIN_LOCK);
    /// `ExReleaseSpinLockExclusiveFromDpcLevel`.
    pub fn ExReleaseSpinLockExclusiveFromDpcLevel(SpinLock: PEX_SPIN_LOCK);
    /// `ExAcquireSpinLockSharedAtDpcLevel`.
    pub fn ExAcquireSpinLockSharedAtDpcLevel(SpinLock: PEX_SPIN_LOCK);
    /// `ExReleaseSpinLockSharedFromDpcLevel`.
    pub fn ExReleaseSpinLockSharedFromDpcLevel(SpinLock: PEX_SPIN_LOCK);
    /// `ExTryConvertSharedSpinLockExclusive`.
    pub fn ExTryConvertSharedSpinLockExclusive(SpinLock: PEX_SPIN_LOCK) -> LOGICAL;
    /// `ExQueueWorkItem`.
    pub fn ExQueueWorkItem(WorkItem: PWORK_QUEUE_ITEM, QueueType: WORK_QUEUE_TYPE);
    /// `ExAcquireFastMutexUnsafe`.
    pub fn ExAcquireFastMutexUnsafe(FastMutex: PFAST_MUTEX);
    /// `ExReleaseFastMutexUnsafe`.
    pub fn ExReleaseFastMutexUnsafe(FastMutex: PFAST_MUTEX);
    /// `ExInterlockedInsertTailList`.
    pub fn ExInterlockedInsertTailList(
        ListHead: PLIST_ENTRY,
        ListEntry: PLIST_ENTRY,
        Lock: PKSPIN_LOCK,
    ) -> PLIST_ENTRY;
    /// `ExInterlockedRemoveHeadList`.
    pub fn ExInterlockedRemoveHeadList(ListHead: PLIST_ENTRY, Lock: PKSPIN_LOCK) -> PLIST_ENTRY;
    /// `ExRaiseStatus`.
    pub fn ExRaiseStatus(Status: NTSTATUS) -> !;
    /// `ExRaiseAccessViolation`.
    pub fn ExRaiseAccessViolation() -> !;
    /// `ExLocalTimeToSystemTime`.
    pub fn ExLocalTimeToSystemTime(LocalTime: PLARGE_INTEGER, SystemTime: PLARGE_INTEGER);
    /// `ExQueryTimerResolution`.
    pub fn ExQueryTimerResolution(MaximumTime: PULONG, MinimumTime: PULONG, CurrentTime: PULONG);
    /// `ProbeForRead`.
    pub fn ProbeForRead(Address: *mut c_void, Length: SIZE_T, Alignment: ULONG);
    /// `ProbeForWrite`.
    pub fn ProbeForWrite(Address: *mut c_void, Length: SIZE_T, Alignment: ULONG);
    /// `ExTryAcquireSpinLockExclusiveAtDpcLevel`.
    pub fn ExTryAcquireSpinLockExclusiveAtDpcLevel(SpinLock: PEX_SPIN_LOCK) -> LOGICAL;
    /// `ExTryAcquireSpinLockSharedAtDpcLevel`.
    pub fn ExTryAcquireSpinLockSharedAtDpcLevel(SpinLock: PEX_SPIN_LOCK) -> LOGICAL;
    /// `ExInterlockedInsertHeadList`.
    pub fn ExInterlockedInsertHeadList(ListHead: PLIST_ENTRY, ListEntry: PLIST_ENTRY, Lock: PKSPIN_LOCK) -> PLIST_ENTRY;
    /// `ExInterlockedPushEntryList`.
    pub fn ExInterlockedPushEntryList(ListHead: PSINGLE_LIST_ENTRY, ListEntry: PSINGLE_LIST_ENTRY, Lock: PKSPIN_LOCK) -> PSINGLE_LIST_ENTRY;
    /// `ExInterlockedPopEntryList`.
    pub fn ExInterlockedPopEntryList(ListHead: PSINGLE_LIST_ENTRY, Lock: PKSPIN_LOCK) -> PSINGLE_LIST_ENTRY;
    /// `ExInterlockedAddUlong`.
    pub fn ExInterlockedAddUlong(Addend: PULONG, Increment: ULONG, Lock: PKSPIN_LOCK) -> ULONG;
    /// `ExInterlockedAddLargeInteger`.
    pub fn ExInterlockedAddLargeInteger(Addend: PLARGE_INTEGER, Increment: LARGE_INTEGER, Lock: PKSPIN_LOCK) -> LARGE_INTEGER;
    /// `ExFlushLookasideListEx`.
    pub fn ExFlushLookasideListEx(Lookaside: PLOOKASIDE_LIST_EX);
    /// `ExInitializeNPagedLookasideList`.
    pub fn ExInitializeNPagedLookasideList(Lookaside: PNPAGED_LOOKASIDE_LIST, Allocate: PALLOCATE_FUNCTION, Free: PFREE_FUNCTION, Flags: ULONG, Size: SIZE_T, Tag: ULONG, Depth: USHORT);
    /// `ExDeleteNPagedLookasideList`.
    pub fn ExDeleteNPagedLookasideList(Lookaside: PNPAGED_LOOKASIDE_LIST);
    /// `ExInitializePagedLookasideList`.
    pub fn ExInitializePagedLookasideList(Lookaside: PPAGED_LOOKASIDE_LIST, Allocate: PALLOCATE_FUNCTION, Free: PFREE_FUNCTION, Flags: ULONG, Size: SIZE_T, Tag: ULONG, Depth: USHORT);
    /// `ExDeletePagedLookasideList`.
    pub fn ExDeletePagedLookasideList(Lookaside: PPAGED_LOOKASIDE_LIST);
    /// `ExReinitializeResourceLite`.
    #[must_use]
    pub fn ExReinitializeResourceLite(Resource: PERESOURCE) -> NTSTATUS;
    /// `ExAcquireSharedStarveExclusive`.
    pub fn ExAcquireSharedStarveExclusive(Resource: PERESOURCE, Wait: BOOLEAN) -> BOOLEAN;
    /// `ExAcquireSharedWaitForExclusive`.
    pub fn ExAcquireSharedWaitForExclusive(Resource: PERESOURCE, Wait: BOOLEAN) -> BOOLEAN;
    /// `ExReleaseResourceForThreadLite`.
    pub fn ExReleaseResourceForThreadLite(Resource: PERESOURCE, ResourceThreadId: ERESOURCE_THREAD);
    /// `ExConvertExclusiveToSharedLite`.
    pub fn ExConvertExclusiveToSharedLite(Resource: PERESOURCE);
    /// `ExIsResourceAcquiredExclusiveLite`.
    pub fn ExIsResourceAcquiredExclusiveLite(Resource: PERESOURCE) -> BOOLEAN;
    /// `ExIsResourceAcquiredSharedLite`.
    pub fn ExIsResourceAcquiredSharedLite(Resource: PERESOURCE) -> ULONG;
    /// `ExGetExclusiveWaiterCount`.
    pub fn ExGetExclusiveWaiterCount(Resource: PERESOURCE) -> ULONG;
    /// `ExGetSharedWaiterCount`.
    pub fn ExGetSharedWaiterCount(Resource: PERESOURCE) -> ULONG;
    /// `ExEnterCriticalRegionAndAcquireResourceExclusive`.
    pub fn ExEnterCriticalRegionAndAcquireResourceExclusive(Resource: PERESOURCE) -> PVOID;
    /// `ExEnterCriticalRegionAndAcquireResourceShared`.
    pub fn ExEnterCriticalRegionAndAcquireResourceShared(Resource: PERESOURCE) -> PVOID;
    /// `ExReleaseResourceAndLeaveCriticalRegion`.
    pub fn ExReleaseResourceAndLeaveCriticalRegion(Resource: PERESOURCE);
    /// `ExInitializePushLock`.
    pub fn ExInitializePushLock(PushLock: PULONG_PTR);
    /// `ExAcquirePushLockExclusiveEx`.
    pub fn ExAcquirePushLockExclusiveEx(PushLock: PULONG_PTR, Flags: ULONG);
    /// `ExAcquirePushLockSharedEx`.
    pub fn ExAcquirePushLockSharedEx(PushLock: PULONG_PTR, Flags: ULONG);
    /// `ExReleasePushLockExclusiveEx`.
    pub fn ExReleasePushLockExclusiveEx(PushLock: PULONG_PTR, Flags: ULONG);
    /// `ExReleasePushLockSharedEx`.
    pub fn ExReleasePushLockSharedEx(PushLock: PULONG_PTR, Flags: ULONG);
}
