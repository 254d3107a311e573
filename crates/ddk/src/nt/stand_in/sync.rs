//! Dispatcher objects, locks, DPCs, timers and lookaside lists.
use super::*;

/// `_ERESOURCE` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _ERESOURCE {
    pub SystemResourcesList: LIST_ENTRY,
    pub OwnerTable: POWNER_ENTRY,
    pub ActiveCount: SHORT,
    pub __bindgen_anon_1: _ERESOURCE__bindgen_ty_1,
    pub SharedWaiters: PVOID,
    pub ExclusiveWaiters: PVOID,
    pub OwnerEntry: OWNER_ENTRY,
    pub ActiveEntries: ULONG,
    pub ContentionCount: ULONG,
    pub NumberOfSharedWaiters: ULONG,
    pub NumberOfExclusiveWaiters: ULONG,
    pub Reserved2: PVOID,
    pub __bindgen_anon_2: _ERESOURCE__bindgen_ty_3,
    pub SpinLock: KSPIN_LOCK,
}
/// Part of [`_ERESOURCE`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _ERESOURCE__bindgen_ty_1 {
    pub Flag: USHORT,
    pub __bindgen_anon_1: _ERESOURCE__bindgen_ty_2,
}
/// Part of [`_ERESOURCE`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _ERESOURCE__bindgen_ty_2 {
    pub ReservedLowFlags: UCHAR,
    pub WaiterPriority: UCHAR,
}
/// Part of [`_ERESOURCE`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _ERESOURCE__bindgen_ty_3 {
    pub Address: PVOID,
    pub CreatorBackTraceIndex: ULONG_PTR,
}
pub type ERESOURCE = _ERESOURCE;

/// `_EXT_DELETE_PARAMETERS` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _EXT_DELETE_PARAMETERS {
    pub Version: ULONG,
    pub Reserved: ULONG,
    pub DeleteCallback: PEXT_DELETE_CALLBACK,
    pub DeleteContext: PVOID,
}
pub type EXT_DELETE_PARAMETERS = _EXT_DELETE_PARAMETERS;

/// `_EX_RUNDOWN_REF` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _EX_RUNDOWN_REF {
    pub __bindgen_anon_1: _EX_RUNDOWN_REF__bindgen_ty_1,
}
/// Part of [`_EX_RUNDOWN_REF`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _EX_RUNDOWN_REF__bindgen_ty_1 {
    pub Count: ULONG_PTR,
    pub Ptr: PVOID,
}
pub type EX_RUNDOWN_REF = _EX_RUNDOWN_REF;

/// `_FAST_MUTEX` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _FAST_MUTEX {
    pub Count: LONG,
    pub Owner: PVOID,
    pub Contention: ULONG,
    pub Event: KEVENT,
    pub OldIrql: ULONG,
}
pub type FAST_MUTEX = _FAST_MUTEX;

/// `_GROUP_AFFINITY` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _GROUP_AFFINITY {
    pub Mask: KAFFINITY,
    pub Group: USHORT,
    pub Reserved: [USHORT; 3],
}
pub type GROUP_AFFINITY = _GROUP_AFFINITY;

/// `_KAPC_STATE` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _KAPC_STATE {
    pub ApcListHead: [LIST_ENTRY; 2],
    pub Process: *mut _KPROCESS,
    pub __bindgen_anon_1: _KAPC_STATE__bindgen_ty_1,
    pub KernelApcPending: BOOLEAN,
    pub __bindgen_anon_2: _KAPC_STATE__bindgen_ty_3,
}
/// Part of [`_KAPC_STATE`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _KAPC_STATE__bindgen_ty_1 {
    pub InProgressFlags: UCHAR,
    pub __bindgen_anon_1: _KAPC_STATE__bindgen_ty_2,
}
/// Part of [`_KAPC_STATE`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _KAPC_STATE__bindgen_ty_2 {
    pub _bitfield_1: BOOLEAN,
}
/// Part of [`_KAPC_STATE`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _KAPC_STATE__bindgen_ty_3 {
    pub UserApcPendingAll: BOOLEAN,
    pub __bindgen_anon_1: _KAPC_STATE__bindgen_ty_4,
}
/// Part of [`_KAPC_STATE`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _KAPC_STATE__bindgen_ty_4 {
    pub _bitfield_1: BOOLEAN,
}
pub type KAPC_STATE = _KAPC_STATE;
pub type PKAPC_STATE = *mut _KAPC_STATE;

/// `_KDPC` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _KDPC {
    pub __bindgen_anon_1: _KDPC__bindgen_ty_1,
    pub DpcListEntry: SINGLE_LIST_ENTRY,
    pub ProcessorHistory: KAFFINITY,
    pub DeferredRoutine: PKDEFERRED_ROUTINE,
    pub DeferredContext: PVOID,
    pub SystemArgument1: PVOID,
    pub SystemArgument2: PVOID,
    pub DpcData: PVOID,
}
/// Part of [`_KDPC`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _KDPC__bindgen_ty_1 {
    pub TargetInfoAsUlong: ULONG,
    pub __bindgen_anon_1: _KDPC__bindgen_ty_2,
}
/// Part of [`_KDPC`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _KDPC__bindgen_ty_2 {
    pub Type: UCHAR,
    pub Importance: UCHAR,
    pub Number: USHORT,
}
pub type KDPC = _KDPC;

/// `_KEVENT` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _KEVENT {
    pub Header: DISPATCHER_HEADER,
}
pub type KEVENT = _KEVENT;

/// `_KLOCK_QUEUE_HANDLE` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _KLOCK_QUEUE_HANDLE {
    pub LockQueue: KSPIN_LOCK_QUEUE,
    pub OldIrql: KIRQL,
}
pub type KLOCK_QUEUE_HANDLE = _KLOCK_QUEUE_HANDLE;

/// `_KMUTANT` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _KMUTANT {
    pub Header: DISPATCHER_HEADER,
    pub MutantListEntry: LIST_ENTRY,
    pub OwnerThread: *mut _KTHREAD,
    pub __bindgen_anon_1: _KMUTANT__bindgen_ty_1,
    pub ApcDisable: UCHAR,
}
/// Part of [`_KMUTANT`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _KMUTANT__bindgen_ty_1 {
    pub MutantFlags: UCHAR,
    pub __bindgen_anon_1: _KMUTANT__bindgen_ty_2,
}
/// Part of [`_KMUTANT`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _KMUTANT__bindgen_ty_2 {
    pub _bitfield_1: UCHAR,
}
pub type KMUTANT = _KMUTANT;
pub type PKMUTANT = *mut _KMUTANT;

/// `_KSEMAPHORE` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _KSEMAPHORE {
    pub Header: DISPATCHER_HEADER,
    pub Limit: LONG,
}
pub type KSEMAPHORE = _KSEMAPHORE;
pub type PKSEMAPHORE = *mut _KSEMAPHORE;

/// `_KSPIN_LOCK_QUEUE` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _KSPIN_LOCK_QUEUE {
    pub Next: *mut _KSPIN_LOCK_QUEUE,
    pub Lock: PKSPIN_LOCK,
}
pub type KSPIN_LOCK_QUEUE = _KSPIN_LOCK_QUEUE;
pub type PKSPIN_LOCK_QUEUE = *mut _KSPIN_LOCK_QUEUE;

/// `_KSYSTEM_TIME` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _KSYSTEM_TIME {
    pub LowPart: ULONG,
    pub High1Time: LONG,
    pub High2Time: LONG,
}
pub type KSYSTEM_TIME = _KSYSTEM_TIME;
pub type PKSYSTEM_TIME = *mut _KSYSTEM_TIME;

/// `_KTIMER` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _KTIMER {
    pub Header: DISPATCHER_HEADER,
    pub DueTime: ULARGE_INTEGER,
    pub TimerListEntry: LIST_ENTRY,
    pub Dpc: *mut _KDPC,
    pub Processor: USHORT,
    pub TimerType: USHORT,
    pub Period: ULONG,
}
pub type KTIMER = _KTIMER;

/// `_KWAIT_BLOCK` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _KWAIT_BLOCK {
    pub WaitListEntry: LIST_ENTRY,
    pub WaitType: UCHAR,
    pub BlockState: UCHAR,
    pub WaitKey: USHORT,
    pub SpareLong: LONG,
    pub __bindgen_anon_1: _KWAIT_BLOCK__bindgen_ty_1,
    pub Object: PVOID,
    pub SparePtr: PVOID,
}
/// Part of [`_KWAIT_BLOCK`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _KWAIT_BLOCK__bindgen_ty_1 {
    pub Thread: *mut _KTHREAD,
    pub NotificationQueue: *mut _KQUEUE,
    pub Dpc: *mut _KDPC,
}
pub type KWAIT_BLOCK = _KWAIT_BLOCK;

/// `_LOOKASIDE_LIST_EX` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _LOOKASIDE_LIST_EX {
    pub L: GENERAL_LOOKASIDE_POOL,
}
pub type LOOKASIDE_LIST_EX = _LOOKASIDE_LIST_EX;

/// `_PROCESSOR_NUMBER` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _PROCESSOR_NUMBER {
    pub Group: USHORT,
    pub Number: UCHAR,
    pub Reserved: UCHAR,
}
pub type PROCESSOR_NUMBER = _PROCESSOR_NUMBER;

/// `_SLIST_ENTRY` (NT).
#[repr(C, align(16))]
#[derive(Clone, Copy, Debug)]
pub struct _SLIST_ENTRY {
    pub Next: *mut _SLIST_ENTRY,
}
pub type SLIST_ENTRY = _SLIST_ENTRY;

/// `_SLIST_HEADER` (NT).
#[repr(C, align(16))]
#[derive(Clone, Copy)]
pub union _SLIST_HEADER {
    pub __bindgen_anon_1: _SLIST_HEADER__bindgen_ty_1,
    pub HeaderX64: _SLIST_HEADER__bindgen_ty_2,
}
/// Part of [`_SLIST_HEADER`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _SLIST_HEADER__bindgen_ty_1 {
    pub Alignment: ULONGLONG,
    pub Region: ULONGLONG,
}
/// Part of [`_SLIST_HEADER`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _SLIST_HEADER__bindgen_ty_2 {
    pub _bitfield_1: ULONGLONG,
    pub _bitfield_2: ULONGLONG,
}
pub type SLIST_HEADER = _SLIST_HEADER;

/// `_WORK_QUEUE_ITEM` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _WORK_QUEUE_ITEM {
    pub List: LIST_ENTRY,
    pub WorkerRoutine: PWORKER_THREAD_ROUTINE,
    pub Parameter: PVOID,
}
pub type WORK_QUEUE_ITEM = _WORK_QUEUE_ITEM;

/// `_OWNER_ENTRY` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _OWNER_ENTRY {
    pub OwnerThread: ERESOURCE_THREAD,
    pub __bindgen_anon_1: _OWNER_ENTRY__bindgen_ty_1,
}
/// Part of [`_OWNER_ENTRY`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _OWNER_ENTRY__bindgen_ty_1 {
    pub __bindgen_anon_1: _OWNER_ENTRY__bindgen_ty_2,
    pub TableSize: ULONG,
}
/// Part of [`_OWNER_ENTRY`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _OWNER_ENTRY__bindgen_ty_2 {
    pub _bitfield_1: ULONG,
}
pub type OWNER_ENTRY = _OWNER_ENTRY;

/// `_KAPC` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _KAPC {
    pub Type: UCHAR,
    pub AllFlags: UCHAR,
    pub Size: UCHAR,
    pub SpareByte1: UCHAR,
    pub SpareLong0: ULONG,
    pub Thread: *mut _KTHREAD,
    pub ApcListEntry: LIST_ENTRY,
    pub Reserved: [PVOID; 3],
    pub NormalContext: PVOID,
    pub SystemArgument1: PVOID,
    pub SystemArgument2: PVOID,
    pub ApcStateIndex: CCHAR,
    pub ApcMode: KPROCESSOR_MODE,
    pub Inserted: BOOLEAN,
}
pub type KAPC = _KAPC;
pub type PKAPC = *mut _KAPC;

/// `_DISPATCHER_HEADER` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _DISPATCHER_HEADER {
    pub __bindgen_anon_1: _DISPATCHER_HEADER__bindgen_ty_1,
    pub SignalState: LONG,
    pub WaitListHead: LIST_ENTRY,
}
/// Part of [`_DISPATCHER_HEADER`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _DISPATCHER_HEADER__bindgen_ty_1 {
    pub __bindgen_anon_1: _DISPATCHER_HEADER__bindgen_ty_2,
    pub LockNV: LONG,
    pub __bindgen_anon_2: _DISPATCHER_HEADER__bindgen_ty_3,
}
/// Part of [`_DISPATCHER_HEADER`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _DISPATCHER_HEADER__bindgen_ty_2 {
    pub Lock: LONG,
}
/// Part of [`_DISPATCHER_HEADER`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _DISPATCHER_HEADER__bindgen_ty_3 {
    pub Type: UCHAR,
    pub Signalling: UCHAR,
    pub Size: UCHAR,
    pub Reserved1: UCHAR,
}
pub type DISPATCHER_HEADER = _DISPATCHER_HEADER;
pub type PDISPATCHER_HEADER = *mut _DISPATCHER_HEADER;

/// `_GENERAL_LOOKASIDE_POOL` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _GENERAL_LOOKASIDE_POOL {
    pub __bindgen_anon_1: _GENERAL_LOOKASIDE_POOL__bindgen_ty_1,
    pub Depth: USHORT,
    pub MaximumDepth: USHORT,
    pub TotalAllocates: ULONG,
    pub __bindgen_anon_2: _GENERAL_LOOKASIDE_POOL__bindgen_ty_2,
    pub TotalFrees: ULONG,
    pub __bindgen_anon_3: _GENERAL_LOOKASIDE_POOL__bindgen_ty_3,
    pub Type: POOL_TYPE,
    pub Tag: ULONG,
    pub Size: ULONG,
    pub __bindgen_anon_4: _GENERAL_LOOKASIDE_POOL__bindgen_ty_4,
    pub __bindgen_anon_5: _GENERAL_LOOKASIDE_POOL__bindgen_ty_5,
    pub ListEntry: LIST_ENTRY,
    pub LastTotalAllocates: ULONG,
    pub __bindgen_anon_6: _GENERAL_LOOKASIDE_POOL__bindgen_ty_6,
    pub Future: [ULONG; 2],
}
/// Part of [`_GENERAL_LOOKASIDE_POOL`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _GENERAL_LOOKASIDE_POOL__bindgen_ty_1 {
    pub ListHead: SLIST_HEADER,
    pub SingleListHead: SINGLE_LIST_ENTRY,
}
/// Part of [`_GENERAL_LOOKASIDE_POOL`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _GENERAL_LOOKASIDE_POOL__bindgen_ty_2 {
    pub AllocateMisses: ULONG,
    pub AllocateHits: ULONG,
}
/// Part of [`_GENERAL_LOOKASIDE_POOL`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _GENERAL_LOOKASIDE_POOL__bindgen_ty_3 {
    pub FreeMisses: ULONG,
    pub FreeHits: ULONG,
}
/// Part of [`_GENERAL_LOOKASIDE_POOL`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _GENERAL_LOOKASIDE_POOL__bindgen_ty_4 {
    pub AllocateEx: PALLOCATE_FUNCTION_EX,
    pub Allocate: PALLOCATE_FUNCTION,
}
/// Part of [`_GENERAL_LOOKASIDE_POOL`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _GENERAL_LOOKASIDE_POOL__bindgen_ty_5 {
    pub FreeEx: PFREE_FUNCTION_EX,
    pub Free: PFREE_FUNCTION,
}
/// Part of [`_GENERAL_LOOKASIDE_POOL`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _GENERAL_LOOKASIDE_POOL__bindgen_ty_6 {
    pub LastAllocateMisses: ULONG,
    pub LastAllocateHits: ULONG,
}
pub type GENERAL_LOOKASIDE_POOL = _GENERAL_LOOKASIDE_POOL;
pub type PGENERAL_LOOKASIDE_POOL = *mut _GENERAL_LOOKASIDE_POOL;

layout! {
    _ERESOURCE: 104, 8 {
        SystemResourcesList: 0, 16; OwnerTable: 16, 8; ActiveCount: 24, 2; __bindgen_anon_1.Flag: 26, 2;
        __bindgen_anon_1.__bindgen_anon_1.ReservedLowFlags: 26, 1;
        __bindgen_anon_1.__bindgen_anon_1.WaiterPriority: 27, 1; SharedWaiters: 32, 8;
        ExclusiveWaiters: 40, 8; OwnerEntry: 48, 16; ActiveEntries: 64, 4; ContentionCount: 68, 4;
        NumberOfSharedWaiters: 72, 4; NumberOfExclusiveWaiters: 76, 4; Reserved2: 80, 8;
        __bindgen_anon_2.Address: 88, 8; __bindgen_anon_2.CreatorBackTraceIndex: 88, 8; SpinLock: 96, 8;
    }
    _EXT_DELETE_PARAMETERS: 24, 8 {
        Version: 0, 4; Reserved: 4, 4; DeleteCallback: 8, 8; DeleteContext: 16, 8;
    }
    _EX_RUNDOWN_REF: 8, 8 { __bindgen_anon_1.Count: 0, 8; __bindgen_anon_1.Ptr: 0, 8; }
    _FAST_MUTEX: 56, 8 { Count: 0, 4; Owner: 8, 8; Contention: 16, 4; Event: 24, 24; OldIrql: 48, 4; }
    _GROUP_AFFINITY: 16, 8 { Mask: 0, 8; Group: 8, 2; Reserved: 10, 6; }
    _KAPC_STATE: 48, 8 {
        ApcListHead: 0, 32; Process: 32, 8; __bindgen_anon_1.InProgressFlags: 40, 1;
        __bindgen_anon_1.__bindgen_anon_1._bitfield_1: 40, 1; KernelApcPending: 41, 1;
        __bindgen_anon_2.UserApcPendingAll: 42, 1; __bindgen_anon_2.__bindgen_anon_1._bitfield_1: 42, 1;
    }
    _KDPC: 64, 8 {
        __bindgen_anon_1.TargetInfoAsUlong: 0, 4; __bindgen_anon_1.__bindgen_anon_1.Type: 0, 1;
        __bindgen_anon_1.__bindgen_anon_1.Importance: 1, 1; __bindgen_anon_1.__bindgen_anon_1.Number: 2, 2;
        DpcListEntry: 8, 8; ProcessorHistory: 16, 8; DeferredRoutine: 24, 8; DeferredContext: 32, 8;
        SystemArgument1: 40, 8; SystemArgument2: 48, 8; DpcData: 56, 8;
    }
    _KEVENT: 24, 8 { Header: 0, 24; }
    _KLOCK_QUEUE_HANDLE: 24, 8 { LockQueue: 0, 16; OldIrql: 16, 1; }
    _KMUTANT: 56, 8 {
        Header: 0, 24; MutantListEntry: 24, 16; OwnerThread: 40, 8; __bindgen_anon_1.MutantFlags: 48, 1;
        __bindgen_anon_1.__bindgen_anon_1._bitfield_1: 48, 1; ApcDisable: 49, 1;
    }
    _KSEMAPHORE: 32, 8 { Header: 0, 24; Limit: 24, 4; }
    _KSPIN_LOCK_QUEUE: 16, 8 { Next: 0, 8; Lock: 8, 8; }
    _KSYSTEM_TIME: 12, 4 { LowPart: 0, 4; High1Time: 4, 4; High2Time: 8, 4; }
    _KTIMER: 64, 8 {
        Header: 0, 24; DueTime: 24, 8; TimerListEntry: 32, 16; Dpc: 48, 8; Processor: 56, 2;
        TimerType: 58, 2; Period: 60, 4;
    }
    _KWAIT_BLOCK: 48, 8 {
        WaitListEntry: 0, 16; WaitType: 16, 1; BlockState: 17, 1; WaitKey: 18, 2; SpareLong: 20, 4;
        __bindgen_anon_1.Thread: 24, 8; __bindgen_anon_1.NotificationQueue: 24, 8;
        __bindgen_anon_1.Dpc: 24, 8; Object: 32, 8; SparePtr: 40, 8;
    }
    _LOOKASIDE_LIST_EX: 96, 16 { L: 0, 96; }
    _PROCESSOR_NUMBER: 4, 2 { Group: 0, 2; Number: 2, 1; Reserved: 3, 1; }
    _SLIST_ENTRY: 16, 16 { Next: 0, 8; }
    _SLIST_HEADER: 16, 16 {
        __bindgen_anon_1.Alignment: 0, 8; __bindgen_anon_1.Region: 8, 8; HeaderX64: 0, 16;
        HeaderX64._bitfield_1: 0, 8; HeaderX64._bitfield_2: 8, 8;
    }
    _WORK_QUEUE_ITEM: 32, 8 { List: 0, 16; WorkerRoutine: 16, 8; Parameter: 24, 8; }
    _OWNER_ENTRY: 16, 8 {
        OwnerThread: 0, 8; __bindgen_anon_1.__bindgen_anon_1._bitfield_1: 8, 4;
        __bindgen_anon_1.TableSize: 8, 4;
    }
    _KAPC: 88, 8 {
        Type: 0, 1; AllFlags: 1, 1; Size: 2, 1; SpareByte1: 3, 1; SpareLong0: 4, 4; Thread: 8, 8;
        ApcListEntry: 16, 16; Reserved: 32, 24; NormalContext: 56, 8; SystemArgument1: 64, 8;
        SystemArgument2: 72, 8; ApcStateIndex: 80, 1; ApcMode: 81, 1; Inserted: 82, 1;
    }
    _DISPATCHER_HEADER: 24, 8 {
        __bindgen_anon_1.__bindgen_anon_1.Lock: 0, 4; __bindgen_anon_1.LockNV: 0, 4;
        __bindgen_anon_1.__bindgen_anon_2.Type: 0, 1; __bindgen_anon_1.__bindgen_anon_2.Signalling: 1, 1;
        __bindgen_anon_1.__bindgen_anon_2.Size: 2, 1; __bindgen_anon_1.__bindgen_anon_2.Reserved1: 3, 1;
        SignalState: 4, 4; WaitListHead: 8, 16;
    }
    _GENERAL_LOOKASIDE_POOL: 96, 16 {
        __bindgen_anon_1.ListHead: 0, 16; __bindgen_anon_1.SingleListHead: 0, 8; Depth: 16, 2;
        MaximumDepth: 18, 2; TotalAllocates: 20, 4; __bindgen_anon_2.AllocateMisses: 24, 4;
        __bindgen_anon_2.AllocateHits: 24, 4; TotalFrees: 28, 4; __bindgen_anon_3.FreeMisses: 32, 4;
        __bindgen_anon_3.FreeHits: 32, 4; Type: 36, 4; Tag: 40, 4; Size: 44, 4;
        __bindgen_anon_4.AllocateEx: 48, 8; __bindgen_anon_4.Allocate: 48, 8;
        __bindgen_anon_5.FreeEx: 56, 8; __bindgen_anon_5.Free: 56, 8; ListEntry: 64, 16;
        LastTotalAllocates: 80, 4; __bindgen_anon_6.LastAllocateMisses: 84, 4;
        __bindgen_anon_6.LastAllocateHits: 84, 4; Future: 88, 8;
    }
}

zeroed_default! {
    _ERESOURCE, _ERESOURCE__bindgen_ty_1, _ERESOURCE__bindgen_ty_2, _ERESOURCE__bindgen_ty_3,
    _EXT_DELETE_PARAMETERS, _EX_RUNDOWN_REF, _EX_RUNDOWN_REF__bindgen_ty_1, _FAST_MUTEX, _GROUP_AFFINITY,
    _KAPC_STATE, _KAPC_STATE__bindgen_ty_1, _KAPC_STATE__bindgen_ty_2, _KAPC_STATE__bindgen_ty_3,
    _KAPC_STATE__bindgen_ty_4, _KDPC, _KDPC__bindgen_ty_1, _KDPC__bindgen_ty_2, _KEVENT,
    _KLOCK_QUEUE_HANDLE, _KMUTANT, _KMUTANT__bindgen_ty_1, _KMUTANT__bindgen_ty_2, _KSEMAPHORE,
    _KSPIN_LOCK_QUEUE, _KSYSTEM_TIME, _KTIMER, _KWAIT_BLOCK, _KWAIT_BLOCK__bindgen_ty_1,
    _LOOKASIDE_LIST_EX, _PROCESSOR_NUMBER, _SLIST_ENTRY, _SLIST_HEADER, _SLIST_HEADER__bindgen_ty_1,
    _SLIST_HEADER__bindgen_ty_2, _WORK_QUEUE_ITEM, _OWNER_ENTRY, _OWNER_ENTRY__bindgen_ty_1,
    _OWNER_ENTRY__bindgen_ty_2, _KAPC, _DISPATCHER_HEADER, _DISPATCHER_HEADER__bindgen_ty_1,
    _DISPATCHER_HEADER__bindgen_ty_2, _DISPATCHER_HEADER__bindgen_ty_3, _GENERAL_LOOKASIDE_POOL,
    _GENERAL_LOOKASIDE_POOL__bindgen_ty_1, _GENERAL_LOOKASIDE_POOL__bindgen_ty_2,
    _GENERAL_LOOKASIDE_POOL__bindgen_ty_3, _GENERAL_LOOKASIDE_POOL__bindgen_ty_4,
    _GENERAL_LOOKASIDE_POOL__bindgen_ty_5, _GENERAL_LOOKASIDE_POOL__bindgen_ty_6,
}
