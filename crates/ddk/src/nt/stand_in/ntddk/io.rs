//! I/O manager.
use super::super::*;

imports! {
    dll "ntoskrnl.exe";
    /// Creates a device object.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn IoCreateDevice(
        DriverObject: PDRIVER_OBJECT,
        DeviceExtensionSize: ULONG,
        DeviceName: PUNICODE_STRING,
        DeviceType: ULONG,
        DeviceCharacteristics: ULONG,
        Exclusive: BOOLEAN,
        DeviceObject: *mut PDEVICE_OBJECT,
    ) -> NTSTATUS;
    /// Deletes a device object; it goes away when its last reference does.
    ///
    /// IRQL: <= APC_LEVEL.
    pub fn IoDeleteDevice(DeviceObject: PDEVICE_OBJECT);
    /// Creates a symbolic link to a device.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn IoCreateSymbolicLink(SymbolicLinkName: PUNICODE_STRING, DeviceName: PUNICODE_STRING) -> NTSTATUS;
    /// Deletes a symbolic link.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn IoDeleteSymbolicLink(SymbolicLinkName: PUNICODE_STRING) -> NTSTATUS;
    /// Completes an IRP.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn IofCompleteRequest(Irp: PIRP, PriorityBoost: CCHAR);
    /// Passes an IRP to a device's driver.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn IofCallDriver(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS;
    /// `IoAllocateIrp`.
    pub fn IoAllocateIrp(StackSize: CCHAR, ChargeQuota: BOOLEAN) -> PIRP;
    /// `IoFreeIrp`.
    pub fn IoFreeIrp(Irp: PIRP);
    /// `IoReuseIrp`.
    pub fn IoReuseIrp(Irp: PIRP, Iostatus: NTSTATUS);
    /// `IoCancelIrp`.
    pub fn IoCancelIrp(Irp: PIRP) -> BOOLEAN;
    /// Allocates an MDL; pages are neither locked nor mapped.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn IoAllocateMdl(
        VirtualAddress: PVOID,
        Length: ULONG,
        SecondaryBuffer: BOOLEAN,
        ChargeQuota: BOOLEAN,
        Irp: PIRP,
    ) -> PMDL;
    /// Frees an MDL.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn IoFreeMdl(Mdl: PMDL);
    /// Allocates a work item that keeps the device alive while queued.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn IoAllocateWorkItem(DeviceObject: PDEVICE_OBJECT) -> PIO_WORKITEM;
    /// Queues a work item; its routine runs at PASSIVE_LEVEL.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn IoQueueWorkItem(
        IoWorkItem: PIO_WORKITEM,
        WorkerRoutine: PIO_WORKITEM_ROUTINE,
        QueueType: WORK_QUEUE_TYPE,
        Context: PVOID,
    );
    /// `IoQueueWorkItemEx`.
    pub fn IoQueueWorkItemEx(
        IoWorkItem: PIO_WORKITEM,
        WorkerRoutine: PIO_WORKITEM_ROUTINE_EX,
        QueueType: WORK_QUEUE_TYPE,
        Context: PVOID,
    );
    /// Frees a work item that is not queued.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn IoFreeWorkItem(IoWorkItem: PIO_WORKITEM);
    /// `IoGetRequestorProcessId`.
    pub fn IoGetRequestorProcessId(Irp: PIRP) -> ULONG;
    /// Allocates an entry of the system's event log; null without memory or above `ERROR_LOG_MAXIMUM_SIZE`.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn IoAllocateErrorLogEntry(IoObject: PVOID, EntrySize: UCHAR) -> PVOID;
    /// Writes an entry, which belongs to the system from then on.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn IoWriteErrorLogEntry(ElEntry: PVOID);
    /// Frees an entry that was not written.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn IoFreeErrorLogEntry(ElEntry: PVOID);
    /// `IoCsqInitialize`.
    #[must_use]
    pub fn IoCsqInitialize(
        Csq: PIO_CSQ,
        CsqInsertIrp: PIO_CSQ_INSERT_IRP,
        CsqRemoveIrp: PIO_CSQ_REMOVE_IRP,
        CsqPeekNextIrp: PIO_CSQ_PEEK_NEXT_IRP,
        CsqAcquireLock: PIO_CSQ_ACQUIRE_LOCK,
        CsqReleaseLock: PIO_CSQ_RELEASE_LOCK,
        CsqCompleteCanceledIrp: PIO_CSQ_COMPLETE_CANCELED_IRP,
    ) -> NTSTATUS;
    /// `IoInitializeWorkItem`.
    pub fn IoInitializeWorkItem(IoObject: PVOID, IoWorkItem: PIO_WORKITEM);
    /// `IoSizeofWorkItem`.
    pub fn IoSizeofWorkItem() -> ULONG;
    /// `IoGetCurrentProcess`.
    pub fn IoGetCurrentProcess() -> PEPROCESS;
    /// `IoGetDeviceObjectPointer`.
    #[must_use]
    pub fn IoGetDeviceObjectPointer(
        ObjectName: PUNICODE_STRING,
        DesiredAccess: ACCESS_MASK,
        FileObject: *mut PFILE_OBJECT,
        DeviceObject: *mut PDEVICE_OBJECT,
    ) -> NTSTATUS;
    /// `IoBuildPartialMdl`.
    pub fn IoBuildPartialMdl(SourceMdl: PMDL, TargetMdl: PMDL, VirtualAddress: PVOID, Length: ULONG);
    /// `IoBuildDeviceIoControlRequest`.
    pub fn IoBuildDeviceIoControlRequest(
        IoControlCode: ULONG,
        DeviceObject: PDEVICE_OBJECT,
        InputBuffer: PVOID,
        InputBufferLength: ULONG,
        OutputBuffer: PVOID,
        OutputBufferLength: ULONG,
        InternalDeviceIoControl: BOOLEAN,
        Event: PKEVENT,
        IoStatusBlock: PIO_STATUS_BLOCK,
    ) -> PIRP;
    /// `IoRegisterShutdownNotification`.
    #[must_use]
    pub fn IoRegisterShutdownNotification(DeviceObject: PDEVICE_OBJECT) -> NTSTATUS;
    /// `IoUnregisterShutdownNotification`.
    pub fn IoUnregisterShutdownNotification(DeviceObject: PDEVICE_OBJECT);
    /// `IoThreadToProcess`.
    pub fn IoThreadToProcess(Thread: PETHREAD) -> PEPROCESS;
    /// `IoUninitializeWorkItem`.
    pub fn IoUninitializeWorkItem(IoWorkItem: PIO_WORKITEM);
    /// `IoGetStackLimits`.
    pub fn IoGetStackLimits(LowLimit: PULONG_PTR, HighLimit: PULONG_PTR);
    /// `IoCsqInitializeEx`.
    #[must_use]
    pub fn IoCsqInitializeEx(
        Csq: PIO_CSQ,
        CsqInsertIrp: PIO_CSQ_INSERT_IRP_EX,
        CsqRemoveIrp: PIO_CSQ_REMOVE_IRP,
        CsqPeekNextIrp: PIO_CSQ_PEEK_NEXT_IRP,
        CsqAcquireLock: PIO_CSQ_ACQUIRE_LOCK,
        CsqReleaseLock: PIO_CSQ_RELEASE_LOCK,
        CsqCompleteCanceledIrp: PIO_CSQ_COMPLETE_CANCELED_IRP,
    ) -> NTSTATUS;
    /// `IoCsqInsertIrp`.
    pub fn IoCsqInsertIrp(Csq: PIO_CSQ, Irp: PIRP, Context: PIO_CSQ_IRP_CONTEXT);
    /// `IoCsqInsertIrpEx`.
    #[must_use]
    pub fn IoCsqInsertIrpEx(
        Csq: PIO_CSQ,
        Irp: PIRP,
        Context: PIO_CSQ_IRP_CONTEXT,
        InsertContext: PVOID,
    ) -> NTSTATUS;
    /// `IoCsqRemoveIrp`.
    pub fn IoCsqRemoveIrp(Csq: PIO_CSQ, Context: PIO_CSQ_IRP_CONTEXT) -> PIRP;
    /// `IoCsqRemoveNextIrp`.
    pub fn IoCsqRemoveNextIrp(Csq: PIO_CSQ, PeekContext: PVOID) -> PIRP;
    /// `IoIs32bitProcess`.
    pub fn IoIs32bitProcess(Irp: PIRP) -> BOOLEAN;
    /// `IoGetRequestorProcess`.
    pub fn IoGetRequestorProcess(Irp: PIRP) -> PEPROCESS;
    /// `IoIsWdmVersionAvailable`.
    pub fn IoIsWdmVersionAvailable(MajorVersion: UCHAR, MinorVersion: UCHAR) -> BOOLEAN;
    /// `IoIsSystemThread`.
    pub fn IoIsSystemThread(Thread: PETHREAD) -> BOOLEAN;
    /// `IoInitializeIrp`.
    pub fn IoInitializeIrp(Irp: PIRP, PacketSize: USHORT, StackSize: CCHAR);
    /// `IoAcquireCancelSpinLock`.
    pub fn IoAcquireCancelSpinLock(Irql: PKIRQL);
    /// `IoReleaseCancelSpinLock`.
    pub fn IoReleaseCancelSpinLock(Irql: KIRQL);
    /// `IoSetCompletionRoutineEx`.
    #[must_use]
    pub fn IoSetCompletionRoutineEx(DeviceObject: PDEVICE_OBJECT, Irp: PIRP, CompletionRoutine: PIO_COMPLETION_ROUTINE, Context: PVOID, InvokeOnSuccess: BOOLEAN, InvokeOnError: BOOLEAN, InvokeOnCancel: BOOLEAN) -> NTSTATUS;
    /// `IoAttachDeviceToDeviceStack`.
    pub fn IoAttachDeviceToDeviceStack(SourceDevice: PDEVICE_OBJECT, TargetDevice: PDEVICE_OBJECT) -> PDEVICE_OBJECT;
    /// `IoDetachDevice`.
    pub fn IoDetachDevice(TargetDevice: PDEVICE_OBJECT);
    /// `IoGetAttachedDevice`.
    pub fn IoGetAttachedDevice(DeviceObject: PDEVICE_OBJECT) -> PDEVICE_OBJECT;
    /// `IoGetAttachedDeviceReference`.
    pub fn IoGetAttachedDeviceReference(DeviceObject: PDEVICE_OBJECT) -> PDEVICE_OBJECT;
    /// `IoGetRelatedDeviceObject`.
    pub fn IoGetRelatedDeviceObject(FileObject: PFILE_OBJECT) -> PDEVICE_OBJECT;
}
