//! NT callback types.
use super::*;

callback! {
    /// Callback `DRIVER_INITIALIZE`.
    pub type DRIVER_INITIALIZE = fn(
        DriverObject: *mut _DRIVER_OBJECT,
        RegistryPath: PUNICODE_STRING,
    ) -> NTSTATUS;
    /// Callback `PCREATE_PROCESS_NOTIFY_ROUTINE_EX`.
    pub type PCREATE_PROCESS_NOTIFY_ROUTINE_EX = fn(
        Process: PEPROCESS,
        ProcessId: HANDLE,
        CreateInfo: PPS_CREATE_NOTIFY_INFO,
    );
    /// Callback `PETWENABLECALLBACK`.
    pub type PETWENABLECALLBACK = fn(
        arg1: LPCGUID,
        arg2: ULONG,
        arg3: UCHAR,
        arg4: ULONGLONG,
        arg5: ULONGLONG,
        arg6: PEVENT_FILTER_DESCRIPTOR,
        arg7: PVOID,
    );
    /// Callback `PEXPAND_STACK_CALLOUT`.
    pub type PEXPAND_STACK_CALLOUT = fn(arg1: PVOID);
    /// Callback `PLOAD_IMAGE_NOTIFY_ROUTINE`.
    pub type PLOAD_IMAGE_NOTIFY_ROUTINE = fn(
        FullImageName: PUNICODE_STRING,
        ProcessId: HANDLE,
        ImageInfo: PIMAGE_INFO,
    );
    /// Callback `PIO_APC_ROUTINE`.
    pub type PIO_APC_ROUTINE = fn(ApcContext: PVOID, IoStatusBlock: PIO_STATUS_BLOCK, Reserved: ULONG);
    /// Callback `POB_PRE_OPERATION_CALLBACK`.
    pub type POB_PRE_OPERATION_CALLBACK = fn(
        RegistrationContext: PVOID,
        OperationInformation: POB_PRE_OPERATION_INFORMATION,
    ) -> OB_PREOP_CALLBACK_STATUS;
    /// Callback `POB_POST_OPERATION_CALLBACK`.
    pub type POB_POST_OPERATION_CALLBACK = fn(
        RegistrationContext: PVOID,
        OperationInformation: POB_POST_OPERATION_INFORMATION,
    );
    /// Callback `PRTL_QUERY_REGISTRY_ROUTINE`.
    pub type PRTL_QUERY_REGISTRY_ROUTINE = fn(
        arg1: PWSTR,
        arg2: ULONG,
        arg3: PVOID,
        arg4: ULONG,
        arg5: PVOID,
        arg6: PVOID,
    ) -> NTSTATUS;
    /// Callback `PCREATE_PROCESS_NOTIFY_ROUTINE`.
    pub type PCREATE_PROCESS_NOTIFY_ROUTINE = fn(ParentId: HANDLE, ProcessId: HANDLE, Create: BOOLEAN);
    /// Callback `DRIVER_UNLOAD`.
    pub type DRIVER_UNLOAD = fn(DriverObject: *mut _DRIVER_OBJECT);
    /// Callback `DRIVER_DISPATCH`.
    pub type DRIVER_DISPATCH = fn(DeviceObject: *mut _DEVICE_OBJECT, Irp: *mut _IRP) -> NTSTATUS;
    /// Callback `DRIVER_CANCEL`.
    pub type DRIVER_CANCEL = fn(DeviceObject: *mut _DEVICE_OBJECT, Irp: *mut _IRP);
    /// Callback `IO_COMPLETION_ROUTINE`.
    pub type IO_COMPLETION_ROUTINE = fn(
        DeviceObject: PDEVICE_OBJECT,
        Irp: PIRP,
        Context: PVOID,
    ) -> NTSTATUS;
    /// Callback `IO_WORKITEM_ROUTINE`.
    pub type IO_WORKITEM_ROUTINE = fn(DeviceObject: PDEVICE_OBJECT, Context: PVOID);
    /// Callback `IO_WORKITEM_ROUTINE_EX`.
    pub type IO_WORKITEM_ROUTINE_EX = fn(IoObject: PVOID, Context: PVOID, IoWorkItem: PIO_WORKITEM);
    /// Callback `KSTART_ROUTINE`.
    pub type KSTART_ROUTINE = fn(StartContext: PVOID);
    /// Callback `KDEFERRED_ROUTINE`.
    pub type KDEFERRED_ROUTINE = fn(
        Dpc: *mut _KDPC,
        DeferredContext: PVOID,
        SystemArgument1: PVOID,
        SystemArgument2: PVOID,
    );
    /// Callback `EXT_CALLBACK`.
    pub type EXT_CALLBACK = fn(Timer: PEX_TIMER, Context: PVOID);
    /// Callback `DRIVER_ADD_DEVICE`.
    pub type DRIVER_ADD_DEVICE = fn(
        DriverObject: *mut _DRIVER_OBJECT,
        PhysicalDeviceObject: *mut _DEVICE_OBJECT,
    ) -> NTSTATUS;
    /// Callback `KIPI_BROADCAST_WORKER`.
    pub type KIPI_BROADCAST_WORKER = fn(Argument: ULONG_PTR) -> ULONG_PTR;
    /// Callback `WORKER_THREAD_ROUTINE`.
    pub type WORKER_THREAD_ROUTINE = fn(Parameter: PVOID);
    /// Callback `DRIVER_STARTIO`.
    pub type DRIVER_STARTIO = fn(DeviceObject: *mut _DEVICE_OBJECT, Irp: *mut _IRP);
    /// Callback `EXT_DELETE_CALLBACK`.
    pub type EXT_DELETE_CALLBACK = fn(Context: PVOID);
    /// Callback `IO_CSQ_INSERT_IRP`.
    pub type IO_CSQ_INSERT_IRP = fn(Csq: *mut _IO_CSQ, Irp: PIRP);
    /// Callback `IO_CSQ_REMOVE_IRP`.
    pub type IO_CSQ_REMOVE_IRP = fn(Csq: PIO_CSQ, Irp: PIRP);
    /// Callback `IO_CSQ_PEEK_NEXT_IRP`.
    pub type IO_CSQ_PEEK_NEXT_IRP = fn(Csq: PIO_CSQ, Irp: PIRP, PeekContext: PVOID) -> PIRP;
    /// Callback `IO_CSQ_ACQUIRE_LOCK`.
    pub type IO_CSQ_ACQUIRE_LOCK = fn(Csq: PIO_CSQ, Irql: PKIRQL);
    /// Callback `IO_CSQ_RELEASE_LOCK`.
    pub type IO_CSQ_RELEASE_LOCK = fn(Csq: PIO_CSQ, Irql: KIRQL);
    /// Callback `IO_CSQ_COMPLETE_CANCELED_IRP`.
    pub type IO_CSQ_COMPLETE_CANCELED_IRP = fn(Csq: PIO_CSQ, Irp: PIRP);
    /// Callback `ALLOCATE_FUNCTION_EX`.
    pub type ALLOCATE_FUNCTION_EX = fn(
        PoolType: POOL_TYPE,
        NumberOfBytes: SIZE_T,
        Tag: ULONG,
        Lookaside: PLOOKASIDE_LIST_EX,
    ) -> PVOID;
    /// Callback `FREE_FUNCTION_EX`.
    pub type FREE_FUNCTION_EX = fn(Buffer: PVOID, Lookaside: PLOOKASIDE_LIST_EX);
    /// Callback `IO_CSQ_INSERT_IRP_EX`.
    pub type IO_CSQ_INSERT_IRP_EX = fn(Csq: *mut _IO_CSQ, Irp: PIRP, InsertContext: PVOID) -> NTSTATUS;
    /// Callback `DRIVER_CONTROL`.
    pub type DRIVER_CONTROL = fn(
        DeviceObject: *mut _DEVICE_OBJECT,
        Irp: *mut _IRP,
        MapRegisterBase: PVOID,
        Context: PVOID,
    ) -> IO_ALLOCATION_ACTION;
    /// Callback `ALLOCATE_FUNCTION`.
    pub type ALLOCATE_FUNCTION = fn(PoolType: POOL_TYPE, NumberOfBytes: SIZE_T, Tag: ULONG) -> PVOID;
    /// Callback `FREE_FUNCTION`.
    pub type FREE_FUNCTION = fn(Buffer: PVOID);
    /// `KBUGCHECK_CALLBACK_ROUTINE`.
    pub type KBUGCHECK_CALLBACK_ROUTINE = fn(Buffer: PVOID, Length: ULONG);
    /// `RTL_AVL_COMPARE_ROUTINE`.
    pub type RTL_AVL_COMPARE_ROUTINE = fn(Table: *mut _RTL_AVL_TABLE, FirstStruct: PVOID, SecondStruct: PVOID) -> RTL_GENERIC_COMPARE_RESULTS;
    /// `RTL_AVL_ALLOCATE_ROUTINE`.
    pub type RTL_AVL_ALLOCATE_ROUTINE = fn(Table: *mut _RTL_AVL_TABLE, ByteSize: CLONG) -> PVOID;
    /// `RTL_AVL_FREE_ROUTINE`.
    pub type RTL_AVL_FREE_ROUTINE = fn(Table: *mut _RTL_AVL_TABLE, Buffer: PVOID);
    /// `CALLBACK_FUNCTION`.
    pub type CALLBACK_FUNCTION = fn(CallbackContext: PVOID, Argument1: PVOID, Argument2: PVOID);
    /// `IO_TIMER_ROUTINE`.
    pub type IO_TIMER_ROUTINE = fn(DeviceObject: *mut _DEVICE_OBJECT, Context: PVOID);
    /// `EX_CALLBACK_FUNCTION`.
    pub type EX_CALLBACK_FUNCTION = fn(CallbackContext: PVOID, Argument1: PVOID, Argument2: PVOID) -> NTSTATUS;
    /// `PCREATE_THREAD_NOTIFY_ROUTINE`.
    pub type PCREATE_THREAD_NOTIFY_ROUTINE = fn(ProcessId: HANDLE, ThreadId: HANDLE, Create: BOOLEAN);
}

pub type PDRIVER_INITIALIZE = DRIVER_INITIALIZE;
pub type PDRIVER_UNLOAD = DRIVER_UNLOAD;
pub type PDRIVER_DISPATCH = DRIVER_DISPATCH;
pub type PDRIVER_CANCEL = DRIVER_CANCEL;
pub type PIO_COMPLETION_ROUTINE = IO_COMPLETION_ROUTINE;
pub type PIO_WORKITEM_ROUTINE = IO_WORKITEM_ROUTINE;
pub type PIO_WORKITEM_ROUTINE_EX = IO_WORKITEM_ROUTINE_EX;
pub type PKSTART_ROUTINE = KSTART_ROUTINE;
pub type PKDEFERRED_ROUTINE = KDEFERRED_ROUTINE;
pub type PEXT_CALLBACK = EXT_CALLBACK;
pub type PDRIVER_ADD_DEVICE = DRIVER_ADD_DEVICE;
pub type PKIPI_BROADCAST_WORKER = KIPI_BROADCAST_WORKER;
pub type PWORKER_THREAD_ROUTINE = WORKER_THREAD_ROUTINE;
pub type PDRIVER_STARTIO = DRIVER_STARTIO;
pub type PEXT_DELETE_CALLBACK = EXT_DELETE_CALLBACK;
pub type PIO_CSQ_INSERT_IRP = IO_CSQ_INSERT_IRP;
pub type PIO_CSQ_REMOVE_IRP = IO_CSQ_REMOVE_IRP;
pub type PIO_CSQ_PEEK_NEXT_IRP = IO_CSQ_PEEK_NEXT_IRP;
pub type PIO_CSQ_ACQUIRE_LOCK = IO_CSQ_ACQUIRE_LOCK;
pub type PIO_CSQ_RELEASE_LOCK = IO_CSQ_RELEASE_LOCK;
pub type PIO_CSQ_COMPLETE_CANCELED_IRP = IO_CSQ_COMPLETE_CANCELED_IRP;
pub type PALLOCATE_FUNCTION_EX = ALLOCATE_FUNCTION_EX;
pub type PFREE_FUNCTION_EX = FREE_FUNCTION_EX;
pub type PIO_CSQ_INSERT_IRP_EX = IO_CSQ_INSERT_IRP_EX;
pub type PDRIVER_CONTROL = DRIVER_CONTROL;
pub type PALLOCATE_FUNCTION = ALLOCATE_FUNCTION;
pub type PFREE_FUNCTION = FREE_FUNCTION;
pub type PKBUGCHECK_CALLBACK_ROUTINE = KBUGCHECK_CALLBACK_ROUTINE;
pub type PRTL_AVL_COMPARE_ROUTINE = RTL_AVL_COMPARE_ROUTINE;
pub type PRTL_AVL_ALLOCATE_ROUTINE = RTL_AVL_ALLOCATE_ROUTINE;
pub type PRTL_AVL_FREE_ROUTINE = RTL_AVL_FREE_ROUTINE;
pub type PCALLBACK_FUNCTION = CALLBACK_FUNCTION;
pub type PIO_TIMER_ROUTINE = IO_TIMER_ROUTINE;
pub type PEX_CALLBACK_FUNCTION = EX_CALLBACK_FUNCTION;
