//! Kernel core: IRQL, spin locks, events, DPCs, timers, processors.
use super::super::*;

imports! {
    dll "ntoskrnl.exe";
    /// Initializes an event.
    pub fn KeInitializeEvent(Event: PRKEVENT, Type: EVENT_TYPE, State: BOOLEAN);
    /// Signals an event; PASSIVE_LEVEL if `Wait` is true.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn KeSetEvent(Event: PRKEVENT, Increment: KPRIORITY, Wait: BOOLEAN) -> LONG;
    /// Resets an event.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn KeClearEvent(Event: PRKEVENT);
    /// `KeResetEvent`.
    pub fn KeResetEvent(Event: PRKEVENT) -> LONG;
    /// Waits for a dispatcher object; above APC_LEVEL only with a zero timeout.
    ///
    /// IRQL: <= APC_LEVEL.
    #[must_use]
    pub fn KeWaitForSingleObject(
        Object: PVOID,
        WaitReason: KWAIT_REASON,
        WaitMode: KPROCESSOR_MODE,
        Alertable: BOOLEAN,
        Timeout: PLARGE_INTEGER,
    ) -> NTSTATUS;
    /// `KeWaitForMultipleObjects`.
    #[must_use]
    pub fn KeWaitForMultipleObjects(
        Count: ULONG,
        Object: *mut PVOID,
        WaitType: WAIT_TYPE,
        WaitReason: KWAIT_REASON,
        WaitMode: KPROCESSOR_MODE,
        Alertable: BOOLEAN,
        Timeout: PLARGE_INTEGER,
        WaitBlockArray: PKWAIT_BLOCK,
    ) -> NTSTATUS;
    /// `KeInitializeSpinLock`.
    pub fn KeInitializeSpinLock(SpinLock: PKSPIN_LOCK);
    /// Acquires a spin lock and raises to DISPATCH_LEVEL; gives the old IRQL.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn KeAcquireSpinLockRaiseToDpc(SpinLock: PKSPIN_LOCK) -> KIRQL;
    /// Releases a spin lock and restores the IRQL.
    ///
    /// IRQL: DISPATCH_LEVEL.
    pub fn KeReleaseSpinLock(SpinLock: PKSPIN_LOCK, NewIrql: KIRQL);
    /// Acquires a spin lock at DISPATCH_LEVEL.
    ///
    /// IRQL: DISPATCH_LEVEL.
    pub fn KeAcquireSpinLockAtDpcLevel(SpinLock: PKSPIN_LOCK);
    /// Releases a spin lock, staying at DISPATCH_LEVEL.
    ///
    /// IRQL: DISPATCH_LEVEL.
    pub fn KeReleaseSpinLockFromDpcLevel(SpinLock: PKSPIN_LOCK);
    /// Acquires a queued spin lock and raises to DISPATCH_LEVEL.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn KeAcquireInStackQueuedSpinLock(SpinLock: PKSPIN_LOCK, LockHandle: PKLOCK_QUEUE_HANDLE);
    /// Releases a queued spin lock and restores the IRQL.
    ///
    /// IRQL: DISPATCH_LEVEL.
    pub fn KeReleaseInStackQueuedSpinLock(LockHandle: PKLOCK_QUEUE_HANDLE);
    /// `KeAcquireInStackQueuedSpinLockAtDpcLevel`.
    pub fn KeAcquireInStackQueuedSpinLockAtDpcLevel(SpinLock: PKSPIN_LOCK, LockHandle: PKLOCK_QUEUE_HANDLE);
    /// `KeReleaseInStackQueuedSpinLockFromDpcLevel`.
    pub fn KeReleaseInStackQueuedSpinLockFromDpcLevel(LockHandle: PKLOCK_QUEUE_HANDLE);
    /// Initializes a DPC.
    pub fn KeInitializeDpc(Dpc: PRKDPC, DeferredRoutine: PKDEFERRED_ROUTINE, DeferredContext: PVOID);
    /// Queues a DPC; false if it is queued already.
    pub fn KeInsertQueueDpc(Dpc: PRKDPC, SystemArgument1: PVOID, SystemArgument2: PVOID) -> BOOLEAN;
    /// Takes a queued DPC out.
    pub fn KeRemoveQueueDpc(Dpc: PRKDPC) -> BOOLEAN;
    /// Waits until every queued DPC ran.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub fn KeFlushQueuedDpcs();
    /// `KeInitializeTimerEx`.
    pub fn KeInitializeTimerEx(Timer: PKTIMER, Type: TIMER_TYPE);
    /// `KeSetTimerEx`.
    pub fn KeSetTimerEx(Timer: PKTIMER, DueTime: LARGE_INTEGER, Period: LONG, Dpc: PKDPC) -> BOOLEAN;
    /// `KeCancelTimer`.
    pub fn KeCancelTimer(arg1: PKTIMER) -> BOOLEAN;
    /// Sleeps.
    ///
    /// IRQL: <= APC_LEVEL.
    #[must_use]
    pub fn KeDelayExecutionThread(
        WaitMode: KPROCESSOR_MODE,
        Alertable: BOOLEAN,
        Interval: PLARGE_INTEGER,
    ) -> NTSTATUS;
    /// Raises the IRQL.
    pub fn KfRaiseIrql(NewIrql: KIRQL) -> KIRQL;
    /// Restores the IRQL.
    pub fn KeLowerIrql(NewIrql: KIRQL);
    /// System time in 100 ns units since 1601, precise.
    pub fn KeQuerySystemTimePrecise(CurrentTime: PLARGE_INTEGER);
    /// Time since boot in 100 ns units, precise.
    pub fn KeQueryInterruptTimePrecise(QpcTimeStamp: PULONG64) -> ULONG64;
    /// Time since boot without sleep, in 100 ns units.
    pub fn KeQueryUnbiasedInterruptTime() -> ULONGLONG;
    /// `KeQueryTimeIncrement`.
    pub fn KeQueryTimeIncrement() -> ULONG;
    /// Number of active processors of a group or of all.
    pub fn KeQueryActiveProcessorCountEx(GroupNumber: USHORT) -> ULONG;
    /// Number of the current processor among all groups.
    pub fn KeGetCurrentProcessorNumberEx(ProcNumber: PPROCESSOR_NUMBER) -> ULONG;
    /// Stops the system.
    pub fn KeBugCheckEx(
        BugCheckCode: ULONG,
        BugCheckParameter1: ULONG_PTR,
        BugCheckParameter2: ULONG_PTR,
        BugCheckParameter3: ULONG_PTR,
        BugCheckParameter4: ULONG_PTR,
    ) -> !;
    /// `KeEnterCriticalRegion`.
    pub fn KeEnterCriticalRegion();
    /// `KeLeaveCriticalRegion`.
    pub fn KeLeaveCriticalRegion();
    /// `KeExpandKernelStackAndCalloutEx`.
    #[must_use]
    pub fn KeExpandKernelStackAndCalloutEx(
        Callout: PEXPAND_STACK_CALLOUT,
        Parameter: PVOID,
        Size: SIZE_T,
        Wait: BOOLEAN,
        Context: PVOID,
    ) -> NTSTATUS;
    /// `KeStackAttachProcess`.
    pub fn KeStackAttachProcess(PROCESS: PRKPROCESS, ApcState: PRKAPC_STATE);
    /// `KeUnstackDetachProcess`.
    pub fn KeUnstackDetachProcess(ApcState: PRKAPC_STATE);
    /// `KeSetPriorityThread`.
    pub fn KeSetPriorityThread(Thread: PKTHREAD, Priority: KPRIORITY) -> KPRIORITY;
    /// `KeAcquireGuardedMutex`.
    pub fn KeAcquireGuardedMutex(Mutex: PKGUARDED_MUTEX);
    /// `KeReleaseGuardedMutex`.
    pub fn KeReleaseGuardedMutex(Mutex: PKGUARDED_MUTEX);
    /// `KeInitializeGuardedMutex`.
    pub fn KeInitializeGuardedMutex(Mutex: PKGUARDED_MUTEX);
    /// `KeIpiGenericCall`.
    pub fn KeIpiGenericCall(BroadcastFunction: PKIPI_BROADCAST_WORKER, Context: ULONG_PTR) -> ULONG_PTR;
    /// `KeReadStateEvent`.
    pub fn KeReadStateEvent(Event: PRKEVENT) -> LONG;
    /// `KeInitializeTimer`.
    pub fn KeInitializeTimer(Timer: PKTIMER);
    /// `KeSetTimer`.
    pub fn KeSetTimer(Timer: PKTIMER, DueTime: LARGE_INTEGER, Dpc: PKDPC) -> BOOLEAN;
    /// `KeInitializeMutex`.
    pub fn KeInitializeMutex(Mutex: PRKMUTEX, Level: ULONG);
    /// `KeReleaseMutex`.
    pub fn KeReleaseMutex(Mutex: PRKMUTEX, Wait: BOOLEAN) -> LONG;
    /// `KeInitializeSemaphore`.
    pub fn KeInitializeSemaphore(Semaphore: PRKSEMAPHORE, Count: LONG, Limit: LONG);
    /// `KeReleaseSemaphore`.
    pub fn KeReleaseSemaphore(
        Semaphore: PRKSEMAPHORE,
        Increment: KPRIORITY,
        Adjustment: LONG,
        Wait: BOOLEAN,
    ) -> LONG;
    /// The current IRQL.
    pub fn KeGetCurrentIrql() -> KIRQL;
    /// `KeRaiseIrqlToDpcLevel`.
    pub fn KeRaiseIrqlToDpcLevel() -> KIRQL;
    /// `KeQueryActiveGroupCount`.
    pub fn KeQueryActiveGroupCount() -> USHORT;
    /// Largest number of processors of a group or of all, hot-plug included.
    pub fn KeQueryMaximumProcessorCountEx(GroupNumber: USHORT) -> ULONG;
    /// `KeGetProcessorIndexFromNumber`.
    pub fn KeGetProcessorIndexFromNumber(ProcNumber: PPROCESSOR_NUMBER) -> ULONG;
    /// `KeGetProcessorNumberFromIndex`.
    #[must_use]
    pub fn KeGetProcessorNumberFromIndex(ProcIndex: ULONG, ProcNumber: PPROCESSOR_NUMBER) -> NTSTATUS;
    /// `KeSetSystemAffinityThreadEx`.
    pub fn KeSetSystemAffinityThreadEx(Affinity: KAFFINITY) -> KAFFINITY;
    /// `KeRevertToUserAffinityThreadEx`.
    pub fn KeRevertToUserAffinityThreadEx(Affinity: KAFFINITY);
    /// `KeSetSystemGroupAffinityThread`.
    pub fn KeSetSystemGroupAffinityThread(Affinity: PGROUP_AFFINITY, PreviousAffinity: PGROUP_AFFINITY);
    /// `KeRevertToUserGroupAffinityThread`.
    pub fn KeRevertToUserGroupAffinityThread(PreviousAffinity: PGROUP_AFFINITY);
    /// `KeSetTargetProcessorDpcEx`.
    #[must_use]
    pub fn KeSetTargetProcessorDpcEx(Dpc: PKDPC, ProcNumber: PPROCESSOR_NUMBER) -> NTSTATUS;
    /// `KeSetImportanceDpc`.
    pub fn KeSetImportanceDpc(Dpc: PRKDPC, Importance: KDPC_IMPORTANCE);
    /// `KeAreAllApcsDisabled`.
    pub fn KeAreAllApcsDisabled() -> BOOLEAN;
    /// `KeAreApcsDisabled`.
    pub fn KeAreApcsDisabled() -> BOOLEAN;
    /// `KeTryToAcquireSpinLockAtDpcLevel`.
    pub fn KeTryToAcquireSpinLockAtDpcLevel(SpinLock: PKSPIN_LOCK) -> BOOLEAN;
    /// `KeTestSpinLock`.
    pub fn KeTestSpinLock(SpinLock: PKSPIN_LOCK) -> BOOLEAN;
    /// `KeQueryActiveProcessors`.
    pub fn KeQueryActiveProcessors() -> KAFFINITY;
    /// `KeBugCheck`.
    pub fn KeBugCheck(BugCheckCode: ULONG) -> !;
    /// `KeAcquireSpinLockForDpc`.
    pub fn KeAcquireSpinLockForDpc(SpinLock: PKSPIN_LOCK) -> KIRQL;
    /// `KeReleaseSpinLockForDpc`.
    pub fn KeReleaseSpinLockForDpc(SpinLock: PKSPIN_LOCK, OldIrql: KIRQL);
    /// `KeInitializeThreadedDpc`.
    pub fn KeInitializeThreadedDpc(
        Dpc: PRKDPC,
        DeferredRoutine: PKDEFERRED_ROUTINE,
        DeferredContext: PVOID,
    );
    /// `KeSetBasePriorityThread`.
    pub fn KeSetBasePriorityThread(Thread: PKTHREAD, Increment: LONG) -> LONG;
    /// `KeQueryPriorityThread`.
    pub fn KeQueryPriorityThread(Thread: PKTHREAD) -> KPRIORITY;
    /// `KeSetCoalescableTimer`.
    pub fn KeSetCoalescableTimer(Timer: PKTIMER, DueTime: LARGE_INTEGER, Period: ULONG, TolerableDelay: ULONG, Dpc: PKDPC) -> BOOLEAN;
    /// `KeReadStateTimer`.
    pub fn KeReadStateTimer(Timer: PKTIMER) -> BOOLEAN;
    /// `KeQueryMaximumGroupCount`.
    pub fn KeQueryMaximumGroupCount() -> USHORT;
    /// `KeQueryMaximumProcessorCount`.
    pub fn KeQueryMaximumProcessorCount() -> ULONG;
    /// `KeQueryGroupAffinity`.
    pub fn KeQueryGroupAffinity(GroupNumber: USHORT) -> KAFFINITY;
    /// `KeSetSystemAffinityThread`.
    pub fn KeSetSystemAffinityThread(Affinity: KAFFINITY);
    /// `KeRevertToUserAffinityThread`.
    pub fn KeRevertToUserAffinityThread();
    /// `KeRegisterBugCheckCallback`.
    pub fn KeRegisterBugCheckCallback(CallbackRecord: PKBUGCHECK_CALLBACK_RECORD, CallbackRoutine: PKBUGCHECK_CALLBACK_ROUTINE, Buffer: PVOID, Length: ULONG, Component: PUCHAR) -> BOOLEAN;
    /// `KeDeregisterBugCheckCallback`.
    pub fn KeDeregisterBugCheckCallback(CallbackRecord: PKBUGCHECK_CALLBACK_RECORD) -> BOOLEAN;
    /// `KeSetTargetProcessorDpc`.
    pub fn KeSetTargetProcessorDpc(Dpc: PRKDPC, Number: CCHAR);
    /// `KeReadStateMutex`.
    pub fn KeReadStateMutex(Mutex: PRKMUTEX) -> LONG;
    /// `KeReadStateSemaphore`.
    pub fn KeReadStateSemaphore(Semaphore: PRKSEMAPHORE) -> LONG;
    /// `KeTryToAcquireGuardedMutex`.
    pub fn KeTryToAcquireGuardedMutex(Mutex: PKGUARDED_MUTEX) -> BOOLEAN;
    /// `KeAcquireGuardedMutexUnsafe`.
    pub fn KeAcquireGuardedMutexUnsafe(FastMutex: PKGUARDED_MUTEX);
    /// `KeReleaseGuardedMutexUnsafe`.
    pub fn KeReleaseGuardedMutexUnsafe(FastMutex: PKGUARDED_MUTEX);
    /// `KeEnterGuardedRegion`.
    pub fn KeEnterGuardedRegion();
    /// `KeLeaveGuardedRegion`.
    pub fn KeLeaveGuardedRegion();
    dll "HAL.dll";
    /// Value and frequency of the performance counter.
    pub fn KeQueryPerformanceCounter(PerformanceFrequency: PLARGE_INTEGER) -> LARGE_INTEGER;
    /// `KeStallExecutionProcessor`.
    pub fn KeStallExecutionProcessor(MicroSeconds: ULONG);
}
