//! Devices, drivers, files, MDLs and I/O helpers.
use super::*;

/// `_DEVICE_OBJECT` (NT).
#[repr(C, align(16))]
#[derive(Clone, Copy)]
pub struct _DEVICE_OBJECT {
    pub Type: CSHORT,
    pub Size: USHORT,
    pub ReferenceCount: LONG,
    pub DriverObject: *mut _DRIVER_OBJECT,
    pub NextDevice: *mut _DEVICE_OBJECT,
    pub AttachedDevice: *mut _DEVICE_OBJECT,
    pub CurrentIrp: *mut _IRP,
    pub Timer: PIO_TIMER,
    pub Flags: ULONG,
    pub Characteristics: ULONG,
    pub Vpb: PVPB,
    pub DeviceExtension: PVOID,
    pub DeviceType: ULONG,
    pub StackSize: CCHAR,
    pub Queue: _DEVICE_OBJECT__bindgen_ty_1,
    pub AlignmentRequirement: ULONG,
    pub DeviceQueue: KDEVICE_QUEUE,
    pub Dpc: KDPC,
    pub ActiveThreadCount: ULONG,
    pub SecurityDescriptor: PSECURITY_DESCRIPTOR,
    pub DeviceLock: KEVENT,
    pub SectorSize: USHORT,
    pub Spare1: USHORT,
    pub DeviceObjectExtension: *mut _DEVOBJ_EXTENSION,
    pub Reserved: PVOID,
}
/// Part of [`_DEVICE_OBJECT`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _DEVICE_OBJECT__bindgen_ty_1 {
    pub ListEntry: LIST_ENTRY,
    pub Wcb: WAIT_CONTEXT_BLOCK,
}
pub type DEVICE_OBJECT = _DEVICE_OBJECT;

/// `_DRIVER_EXTENSION` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _DRIVER_EXTENSION {
    pub DriverObject: *mut _DRIVER_OBJECT,
    pub AddDevice: PDRIVER_ADD_DEVICE,
    pub Count: ULONG,
    pub ServiceKeyName: UNICODE_STRING,
}
pub type DRIVER_EXTENSION = _DRIVER_EXTENSION;

/// `_DRIVER_OBJECT` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _DRIVER_OBJECT {
    pub Type: CSHORT,
    pub Size: CSHORT,
    pub DeviceObject: PDEVICE_OBJECT,
    pub Flags: ULONG,
    pub DriverStart: PVOID,
    pub DriverSize: ULONG,
    pub DriverSection: PVOID,
    pub DriverExtension: PDRIVER_EXTENSION,
    pub DriverName: UNICODE_STRING,
    pub HardwareDatabase: PUNICODE_STRING,
    pub FastIoDispatch: PFAST_IO_DISPATCH,
    pub DriverInit: PDRIVER_INITIALIZE,
    pub DriverStartIo: PDRIVER_STARTIO,
    pub DriverUnload: PDRIVER_UNLOAD,
    pub MajorFunction: [PDRIVER_DISPATCH; 28],
}
pub type DRIVER_OBJECT = _DRIVER_OBJECT;

/// `_FILE_NAME_INFORMATION` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _FILE_NAME_INFORMATION {
    pub FileNameLength: ULONG,
    pub FileName: [WCHAR; 1],
}
pub type FILE_NAME_INFORMATION = _FILE_NAME_INFORMATION;
pub type PFILE_NAME_INFORMATION = *mut _FILE_NAME_INFORMATION;

/// `_FILE_OBJECT` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _FILE_OBJECT {
    pub Type: CSHORT,
    pub Size: CSHORT,
    pub DeviceObject: PDEVICE_OBJECT,
    pub Vpb: PVPB,
    pub FsContext: PVOID,
    pub FsContext2: PVOID,
    pub SectionObjectPointer: PSECTION_OBJECT_POINTERS,
    pub PrivateCacheMap: PVOID,
    pub FinalStatus: NTSTATUS,
    pub RelatedFileObject: *mut _FILE_OBJECT,
    pub LockOperation: BOOLEAN,
    pub DeletePending: BOOLEAN,
    pub ReadAccess: BOOLEAN,
    pub WriteAccess: BOOLEAN,
    pub DeleteAccess: BOOLEAN,
    pub SharedRead: BOOLEAN,
    pub SharedWrite: BOOLEAN,
    pub SharedDelete: BOOLEAN,
    pub Flags: ULONG,
    pub FileName: UNICODE_STRING,
    pub CurrentByteOffset: LARGE_INTEGER,
    pub Waiters: ULONG,
    pub Busy: ULONG,
    pub LastLock: PVOID,
    pub Lock: KEVENT,
    pub Event: KEVENT,
    pub CompletionContext: PIO_COMPLETION_CONTEXT,
    pub IrpListLock: KSPIN_LOCK,
    pub IrpList: LIST_ENTRY,
    pub FileObjectExtension: PVOID,
}
pub type FILE_OBJECT = _FILE_OBJECT;

/// `_FILE_STANDARD_INFORMATION` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _FILE_STANDARD_INFORMATION {
    pub AllocationSize: LARGE_INTEGER,
    pub EndOfFile: LARGE_INTEGER,
    pub NumberOfLinks: ULONG,
    pub DeletePending: BOOLEAN,
    pub Directory: BOOLEAN,
}
pub type FILE_STANDARD_INFORMATION = _FILE_STANDARD_INFORMATION;
pub type PFILE_STANDARD_INFORMATION = *mut _FILE_STANDARD_INFORMATION;

/// `_IO_CSQ` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_CSQ {
    pub Type: ULONG,
    pub CsqInsertIrp: PIO_CSQ_INSERT_IRP,
    pub CsqRemoveIrp: PIO_CSQ_REMOVE_IRP,
    pub CsqPeekNextIrp: PIO_CSQ_PEEK_NEXT_IRP,
    pub CsqAcquireLock: PIO_CSQ_ACQUIRE_LOCK,
    pub CsqReleaseLock: PIO_CSQ_RELEASE_LOCK,
    pub CsqCompleteCanceledIrp: PIO_CSQ_COMPLETE_CANCELED_IRP,
    pub ReservePointer: PVOID,
}
pub type IO_CSQ = _IO_CSQ;

/// `_IO_CSQ_IRP_CONTEXT` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_CSQ_IRP_CONTEXT {
    pub Type: ULONG,
    pub Irp: PIRP,
    pub Csq: PIO_CSQ,
}
pub type IO_CSQ_IRP_CONTEXT = _IO_CSQ_IRP_CONTEXT;

/// `_IO_SECURITY_CONTEXT` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_SECURITY_CONTEXT {
    pub SecurityQos: PSECURITY_QUALITY_OF_SERVICE,
    pub AccessState: PACCESS_STATE,
    pub DesiredAccess: ACCESS_MASK,
    pub FullCreateOptions: ULONG,
}
pub type IO_SECURITY_CONTEXT = _IO_SECURITY_CONTEXT;

/// `_IO_STATUS_BLOCK` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _IO_STATUS_BLOCK {
    pub __bindgen_anon_1: _IO_STATUS_BLOCK__bindgen_ty_1,
    pub Information: ULONG_PTR,
}
/// Part of [`_IO_STATUS_BLOCK`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _IO_STATUS_BLOCK__bindgen_ty_1 {
    pub Status: NTSTATUS,
    pub Pointer: PVOID,
}
pub type IO_STATUS_BLOCK = _IO_STATUS_BLOCK;

/// `_KDEVICE_QUEUE` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _KDEVICE_QUEUE {
    pub Type: CSHORT,
    pub Size: CSHORT,
    pub DeviceListHead: LIST_ENTRY,
    pub Lock: KSPIN_LOCK,
    pub __bindgen_anon_1: _KDEVICE_QUEUE__bindgen_ty_1,
}
/// Part of [`_KDEVICE_QUEUE`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _KDEVICE_QUEUE__bindgen_ty_1 {
    pub Busy: BOOLEAN,
    pub __bindgen_anon_1: _KDEVICE_QUEUE__bindgen_ty_2,
}
/// Part of [`_KDEVICE_QUEUE`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _KDEVICE_QUEUE__bindgen_ty_2 {
    pub _bitfield_1: LONG64,
}
pub type KDEVICE_QUEUE = _KDEVICE_QUEUE;
pub type PKDEVICE_QUEUE = *mut _KDEVICE_QUEUE;

/// `_KDEVICE_QUEUE_ENTRY` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _KDEVICE_QUEUE_ENTRY {
    pub DeviceListEntry: LIST_ENTRY,
    pub SortKey: ULONG,
    pub Inserted: BOOLEAN,
}
pub type KDEVICE_QUEUE_ENTRY = _KDEVICE_QUEUE_ENTRY;
pub type PKDEVICE_QUEUE_ENTRY = *mut _KDEVICE_QUEUE_ENTRY;

/// `_MDL` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _MDL {
    pub Next: *mut _MDL,
    pub Size: CSHORT,
    pub MdlFlags: CSHORT,
    pub Process: *mut _EPROCESS,
    pub MappedSystemVa: PVOID,
    pub StartVa: PVOID,
    pub ByteCount: ULONG,
    pub ByteOffset: ULONG,
}
pub type MDL = _MDL;

/// `_SCATTER_GATHER_ELEMENT` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _SCATTER_GATHER_ELEMENT {
    pub Address: PHYSICAL_ADDRESS,
    pub Length: ULONG,
    pub Reserved: ULONG_PTR,
}
pub type SCATTER_GATHER_ELEMENT = _SCATTER_GATHER_ELEMENT;
pub type PSCATTER_GATHER_ELEMENT = *mut _SCATTER_GATHER_ELEMENT;

/// `_SCATTER_GATHER_LIST` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _SCATTER_GATHER_LIST {
    pub NumberOfElements: ULONG,
    pub Reserved: ULONG_PTR,
    pub Elements: [SCATTER_GATHER_ELEMENT; 0],
}
pub type SCATTER_GATHER_LIST = _SCATTER_GATHER_LIST;

/// `_VPB` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _VPB {
    pub Type: CSHORT,
    pub Size: CSHORT,
    pub Flags: USHORT,
    pub VolumeLabelLength: USHORT,
    pub DeviceObject: *mut _DEVICE_OBJECT,
    pub RealDevice: *mut _DEVICE_OBJECT,
    pub SerialNumber: ULONG,
    pub ReferenceCount: ULONG,
    pub VolumeLabel: [WCHAR; 32],
}
pub type VPB = _VPB;

/// `_WAIT_CONTEXT_BLOCK` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _WAIT_CONTEXT_BLOCK {
    pub __bindgen_anon_1: _WAIT_CONTEXT_BLOCK__bindgen_ty_1,
    pub DeviceRoutine: PDRIVER_CONTROL,
    pub DeviceContext: PVOID,
    pub NumberOfMapRegisters: ULONG,
    pub DeviceObject: PVOID,
    pub CurrentIrp: PVOID,
    pub BufferChainingDpc: PKDPC,
}
/// Part of [`_WAIT_CONTEXT_BLOCK`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _WAIT_CONTEXT_BLOCK__bindgen_ty_1 {
    pub WaitQueueEntry: KDEVICE_QUEUE_ENTRY,
    pub __bindgen_anon_1: _WAIT_CONTEXT_BLOCK__bindgen_ty_2,
}
/// Part of [`_WAIT_CONTEXT_BLOCK`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _WAIT_CONTEXT_BLOCK__bindgen_ty_2 {
    pub DmaWaitEntry: LIST_ENTRY,
    pub NumberOfChannels: ULONG,
    pub _bitfield_1: ULONG,
}
pub type WAIT_CONTEXT_BLOCK = _WAIT_CONTEXT_BLOCK;
pub type PWAIT_CONTEXT_BLOCK = *mut _WAIT_CONTEXT_BLOCK;

/// `_IO_ERROR_LOG_PACKET` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _IO_ERROR_LOG_PACKET {
    pub MajorFunctionCode: UCHAR,
    pub RetryCount: UCHAR,
    pub DumpDataSize: USHORT,
    pub NumberOfStrings: USHORT,
    pub StringOffset: USHORT,
    pub EventCategory: USHORT,
    pub ErrorCode: NTSTATUS,
    pub UniqueErrorValue: ULONG,
    pub FinalStatus: NTSTATUS,
    pub SequenceNumber: ULONG,
    pub IoControlCode: ULONG,
    pub DeviceOffset: LARGE_INTEGER,
    pub DumpData: [ULONG; 1],
}
pub type IO_ERROR_LOG_PACKET = _IO_ERROR_LOG_PACKET;
pub type PIO_ERROR_LOG_PACKET = *mut _IO_ERROR_LOG_PACKET;

/// `_SYSTEM_POWER_STATE_CONTEXT` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _SYSTEM_POWER_STATE_CONTEXT {
    pub __bindgen_anon_1: _SYSTEM_POWER_STATE_CONTEXT__bindgen_ty_1,
}
/// Part of [`_SYSTEM_POWER_STATE_CONTEXT`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _SYSTEM_POWER_STATE_CONTEXT__bindgen_ty_1 {
    pub __bindgen_anon_1: _SYSTEM_POWER_STATE_CONTEXT__bindgen_ty_2,
    pub ContextAsUlong: ULONG,
}
/// Part of [`_SYSTEM_POWER_STATE_CONTEXT`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _SYSTEM_POWER_STATE_CONTEXT__bindgen_ty_2 {
    pub _bitfield_1: ULONG,
}
pub type SYSTEM_POWER_STATE_CONTEXT = _SYSTEM_POWER_STATE_CONTEXT;
pub type PSYSTEM_POWER_STATE_CONTEXT = *mut _SYSTEM_POWER_STATE_CONTEXT;

/// `_POWER_STATE` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub union _POWER_STATE {
    pub SystemState: SYSTEM_POWER_STATE,
    pub DeviceState: DEVICE_POWER_STATE,
}
pub type POWER_STATE = _POWER_STATE;
pub type PPOWER_STATE = *mut _POWER_STATE;

layout! {
    _DEVICE_OBJECT: 336, 16 {
        Type: 0, 2; Size: 2, 2; ReferenceCount: 4, 4; DriverObject: 8, 8; NextDevice: 16, 8;
        AttachedDevice: 24, 8; CurrentIrp: 32, 8; Timer: 40, 8; Flags: 48, 4; Characteristics: 52, 4;
        Vpb: 56, 8; DeviceExtension: 64, 8; DeviceType: 72, 4; StackSize: 76, 1; Queue: 80, 72;
        Queue.ListEntry: 80, 16; Queue.Wcb: 80, 72; AlignmentRequirement: 152, 4; DeviceQueue: 160, 40;
        Dpc: 200, 64; ActiveThreadCount: 264, 4; SecurityDescriptor: 272, 8; DeviceLock: 280, 24;
        SectorSize: 304, 2; Spare1: 306, 2; DeviceObjectExtension: 312, 8; Reserved: 320, 8;
    }
    _DRIVER_EXTENSION: 40, 8 { DriverObject: 0, 8; AddDevice: 8, 8; Count: 16, 4; ServiceKeyName: 24, 16; }
    _DRIVER_OBJECT: 336, 8 {
        Type: 0, 2; Size: 2, 2; DeviceObject: 8, 8; Flags: 16, 4; DriverStart: 24, 8; DriverSize: 32, 4;
        DriverSection: 40, 8; DriverExtension: 48, 8; DriverName: 56, 16; HardwareDatabase: 72, 8;
        FastIoDispatch: 80, 8; DriverInit: 88, 8; DriverStartIo: 96, 8; DriverUnload: 104, 8;
        MajorFunction: 112, 224;
    }
    _FILE_NAME_INFORMATION: 8, 4 { FileNameLength: 0, 4; FileName: 4, 2; }
    _FILE_OBJECT: 216, 8 {
        Type: 0, 2; Size: 2, 2; DeviceObject: 8, 8; Vpb: 16, 8; FsContext: 24, 8; FsContext2: 32, 8;
        SectionObjectPointer: 40, 8; PrivateCacheMap: 48, 8; FinalStatus: 56, 4; RelatedFileObject: 64, 8;
        LockOperation: 72, 1; DeletePending: 73, 1; ReadAccess: 74, 1; WriteAccess: 75, 1;
        DeleteAccess: 76, 1; SharedRead: 77, 1; SharedWrite: 78, 1; SharedDelete: 79, 1; Flags: 80, 4;
        FileName: 88, 16; CurrentByteOffset: 104, 8; Waiters: 112, 4; Busy: 116, 4; LastLock: 120, 8;
        Lock: 128, 24; Event: 152, 24; CompletionContext: 176, 8; IrpListLock: 184, 8; IrpList: 192, 16;
        FileObjectExtension: 208, 8;
    }
    _FILE_STANDARD_INFORMATION: 24, 8 {
        AllocationSize: 0, 8; EndOfFile: 8, 8; NumberOfLinks: 16, 4; DeletePending: 20, 1;
        Directory: 21, 1;
    }
    _IO_CSQ: 64, 8 {
        Type: 0, 4; CsqInsertIrp: 8, 8; CsqRemoveIrp: 16, 8; CsqPeekNextIrp: 24, 8; CsqAcquireLock: 32, 8;
        CsqReleaseLock: 40, 8; CsqCompleteCanceledIrp: 48, 8; ReservePointer: 56, 8;
    }
    _IO_CSQ_IRP_CONTEXT: 24, 8 { Type: 0, 4; Irp: 8, 8; Csq: 16, 8; }
    _IO_SECURITY_CONTEXT: 24, 8 {
        SecurityQos: 0, 8; AccessState: 8, 8; DesiredAccess: 16, 4; FullCreateOptions: 20, 4;
    }
    _IO_STATUS_BLOCK: 16, 8 {
        __bindgen_anon_1.Status: 0, 4; __bindgen_anon_1.Pointer: 0, 8; Information: 8, 8;
    }
    _KDEVICE_QUEUE: 40, 8 {
        Type: 0, 2; Size: 2, 2; DeviceListHead: 8, 16; Lock: 24, 8; __bindgen_anon_1.Busy: 32, 1;
        __bindgen_anon_1.__bindgen_anon_1._bitfield_1: 32, 8;
    }
    _KDEVICE_QUEUE_ENTRY: 24, 8 { DeviceListEntry: 0, 16; SortKey: 16, 4; Inserted: 20, 1; }
    _MDL: 48, 8 {
        Next: 0, 8; Size: 8, 2; MdlFlags: 10, 2; Process: 16, 8; MappedSystemVa: 24, 8; StartVa: 32, 8;
        ByteCount: 40, 4; ByteOffset: 44, 4;
    }
    _IO_ERROR_LOG_PACKET: 48, 8 {
        MajorFunctionCode: 0, 1; RetryCount: 1, 1; DumpDataSize: 2, 2; NumberOfStrings: 4, 2;
        StringOffset: 6, 2; EventCategory: 8, 2; ErrorCode: 12, 4; UniqueErrorValue: 16, 4;
        FinalStatus: 20, 4; SequenceNumber: 24, 4; IoControlCode: 28, 4; DeviceOffset: 32, 8;
        DumpData: 40, 4;
    }
    _SCATTER_GATHER_ELEMENT: 24, 8 { Address: 0, 8; Length: 8, 4; Reserved: 16, 8; }
    _SCATTER_GATHER_LIST: 16, 8 { NumberOfElements: 0, 4; Reserved: 8, 8; Elements: 16, 0; }
    _VPB: 96, 8 {
        Type: 0, 2; Size: 2, 2; Flags: 4, 2; VolumeLabelLength: 6, 2; DeviceObject: 8, 8;
        RealDevice: 16, 8; SerialNumber: 24, 4; ReferenceCount: 28, 4; VolumeLabel: 32, 64;
    }
    _WAIT_CONTEXT_BLOCK: 72, 8 {
        __bindgen_anon_1.WaitQueueEntry: 0, 24; __bindgen_anon_1.__bindgen_anon_1.DmaWaitEntry: 0, 16;
        __bindgen_anon_1.__bindgen_anon_1.NumberOfChannels: 16, 4;
        __bindgen_anon_1.__bindgen_anon_1._bitfield_1: 20, 4; DeviceRoutine: 24, 8; DeviceContext: 32, 8;
        NumberOfMapRegisters: 40, 4; DeviceObject: 48, 8; CurrentIrp: 56, 8; BufferChainingDpc: 64, 8;
    }
    _SYSTEM_POWER_STATE_CONTEXT: 4, 4 {
        __bindgen_anon_1.__bindgen_anon_1._bitfield_1: 0, 4; __bindgen_anon_1.ContextAsUlong: 0, 4;
    }
    _POWER_STATE: 4, 4 { SystemState: 0, 4; DeviceState: 0, 4; }
}

zeroed_default! {
    _DEVICE_OBJECT, _DEVICE_OBJECT__bindgen_ty_1, _DRIVER_EXTENSION, _DRIVER_OBJECT,
    _FILE_NAME_INFORMATION, _FILE_OBJECT, _FILE_STANDARD_INFORMATION, _IO_CSQ, _IO_CSQ_IRP_CONTEXT,
    _IO_ERROR_LOG_PACKET, _IO_SECURITY_CONTEXT, _IO_STATUS_BLOCK, _IO_STATUS_BLOCK__bindgen_ty_1, _KDEVICE_QUEUE,
    _KDEVICE_QUEUE__bindgen_ty_1, _KDEVICE_QUEUE__bindgen_ty_2, _KDEVICE_QUEUE_ENTRY, _MDL,
    _SCATTER_GATHER_ELEMENT, _SCATTER_GATHER_LIST, _VPB, _WAIT_CONTEXT_BLOCK,
    _WAIT_CONTEXT_BLOCK__bindgen_ty_1, _WAIT_CONTEXT_BLOCK__bindgen_ty_2, _SYSTEM_POWER_STATE_CONTEXT,
    _SYSTEM_POWER_STATE_CONTEXT__bindgen_ty_1, _SYSTEM_POWER_STATE_CONTEXT__bindgen_ty_2, _POWER_STATE,
}
