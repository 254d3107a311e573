//! `IRP` and `IO_STACK_LOCATION`.
use super::*;

/// `_IO_STACK_LOCATION` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _IO_STACK_LOCATION {
    pub MajorFunction: UCHAR,
    pub MinorFunction: UCHAR,
    pub Flags: UCHAR,
    pub Control: UCHAR,
    pub Parameters: _IO_STACK_LOCATION__bindgen_ty_1,
    pub DeviceObject: PDEVICE_OBJECT,
    pub FileObject: PFILE_OBJECT,
    pub CompletionRoutine: PIO_COMPLETION_ROUTINE,
    pub Context: PVOID,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _IO_STACK_LOCATION__bindgen_ty_1 {
    pub Create: _IO_STACK_LOCATION__bindgen_ty_2,
    pub CreatePipe: _IO_STACK_LOCATION__bindgen_ty_3,
    pub CreateMailslot: _IO_STACK_LOCATION__bindgen_ty_4,
    pub Read: _IO_STACK_LOCATION__bindgen_ty_5,
    pub Write: _IO_STACK_LOCATION__bindgen_ty_6,
    pub QueryDirectory: _IO_STACK_LOCATION__bindgen_ty_7,
    pub NotifyDirectory: _IO_STACK_LOCATION__bindgen_ty_8,
    pub NotifyDirectoryEx: _IO_STACK_LOCATION__bindgen_ty_9,
    pub QueryFile: _IO_STACK_LOCATION__bindgen_ty_10,
    pub SetFile: _IO_STACK_LOCATION__bindgen_ty_11,
    pub QueryEa: _IO_STACK_LOCATION__bindgen_ty_14,
    pub SetEa: _IO_STACK_LOCATION__bindgen_ty_15,
    pub QueryVolume: _IO_STACK_LOCATION__bindgen_ty_16,
    pub SetVolume: _IO_STACK_LOCATION__bindgen_ty_17,
    pub FileSystemControl: _IO_STACK_LOCATION__bindgen_ty_18,
    pub LockControl: _IO_STACK_LOCATION__bindgen_ty_19,
    pub DeviceIoControl: _IO_STACK_LOCATION__bindgen_ty_20,
    pub QuerySecurity: _IO_STACK_LOCATION__bindgen_ty_21,
    pub SetSecurity: _IO_STACK_LOCATION__bindgen_ty_22,
    pub MountVolume: _IO_STACK_LOCATION__bindgen_ty_23,
    pub VerifyVolume: _IO_STACK_LOCATION__bindgen_ty_24,
    pub Scsi: _IO_STACK_LOCATION__bindgen_ty_25,
    pub QueryQuota: _IO_STACK_LOCATION__bindgen_ty_26,
    pub SetQuota: _IO_STACK_LOCATION__bindgen_ty_27,
    pub QueryDeviceRelations: _IO_STACK_LOCATION__bindgen_ty_28,
    pub QueryInterface: _IO_STACK_LOCATION__bindgen_ty_29,
    pub DeviceCapabilities: _IO_STACK_LOCATION__bindgen_ty_30,
    pub FilterResourceRequirements: _IO_STACK_LOCATION__bindgen_ty_31,
    pub ReadWriteConfig: _IO_STACK_LOCATION__bindgen_ty_32,
    pub SetLock: _IO_STACK_LOCATION__bindgen_ty_33,
    pub QueryId: _IO_STACK_LOCATION__bindgen_ty_34,
    pub QueryDeviceText: _IO_STACK_LOCATION__bindgen_ty_35,
    pub UsageNotification: _IO_STACK_LOCATION__bindgen_ty_36,
    pub WaitWake: _IO_STACK_LOCATION__bindgen_ty_37,
    pub PowerSequence: _IO_STACK_LOCATION__bindgen_ty_38,
    pub Power: _IO_STACK_LOCATION__bindgen_ty_39,
    pub StartDevice: _IO_STACK_LOCATION__bindgen_ty_41,
    pub WMI: _IO_STACK_LOCATION__bindgen_ty_42,
    pub Others: _IO_STACK_LOCATION__bindgen_ty_43,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_2 {
    pub SecurityContext: PIO_SECURITY_CONTEXT,
    pub Options: ULONG,
    pub __bindgen_padding_0: [u8; 4],
    pub FileAttributes: USHORT,
    pub ShareAccess: USHORT,
    pub __bindgen_padding_1: [u8; 4],
    pub EaLength: ULONG,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_3 {
    pub SecurityContext: PIO_SECURITY_CONTEXT,
    pub Options: ULONG,
    pub __bindgen_padding_0: [u8; 4],
    pub Reserved: USHORT,
    pub ShareAccess: USHORT,
    pub Parameters: PNAMED_PIPE_CREATE_PARAMETERS,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_4 {
    pub SecurityContext: PIO_SECURITY_CONTEXT,
    pub Options: ULONG,
    pub __bindgen_padding_0: [u8; 4],
    pub Reserved: USHORT,
    pub ShareAccess: USHORT,
    pub Parameters: PMAILSLOT_CREATE_PARAMETERS,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _IO_STACK_LOCATION__bindgen_ty_5 {
    pub Length: ULONG,
    pub __bindgen_padding_0: [u8; 4],
    pub Key: ULONG,
    pub Flags: ULONG,
    pub ByteOffset: LARGE_INTEGER,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _IO_STACK_LOCATION__bindgen_ty_6 {
    pub Length: ULONG,
    pub __bindgen_padding_0: [u8; 4],
    pub Key: ULONG,
    pub Flags: ULONG,
    pub ByteOffset: LARGE_INTEGER,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_7 {
    pub Length: ULONG,
    pub FileName: PUNICODE_STRING,
    pub FileInformationClass: FILE_INFORMATION_CLASS,
    pub __bindgen_padding_0: [u8; 4],
    pub FileIndex: ULONG,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_8 {
    pub Length: ULONG,
    pub __bindgen_padding_0: [u8; 4],
    pub CompletionFilter: ULONG,
    pub __bindgen_padding_1: [u8; 4],
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_9 {
    pub Length: ULONG,
    pub __bindgen_padding_0: [u8; 4],
    pub CompletionFilter: ULONG,
    pub __bindgen_padding_1: [u8; 4],
    pub DirectoryNotifyInformationClass: DIRECTORY_NOTIFY_INFORMATION_CLASS,
    pub __bindgen_padding_2: [u8; 4],
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_10 {
    pub Length: ULONG,
    pub __bindgen_padding_0: [u8; 4],
    pub FileInformationClass: FILE_INFORMATION_CLASS,
    pub __bindgen_padding_1: [u8; 4],
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _IO_STACK_LOCATION__bindgen_ty_11 {
    pub Length: ULONG,
    pub __bindgen_padding_0: [u8; 4],
    pub FileInformationClass: FILE_INFORMATION_CLASS,
    pub FileObject: PFILE_OBJECT,
    pub __bindgen_anon_1: _IO_STACK_LOCATION__bindgen_ty_12,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _IO_STACK_LOCATION__bindgen_ty_12 {
    pub __bindgen_anon_1: _IO_STACK_LOCATION__bindgen_ty_13,
    pub ClusterCount: ULONG,
    pub DeleteHandle: HANDLE,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_13 {
    pub ReplaceIfExists: BOOLEAN,
    pub AdvanceOnly: BOOLEAN,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_14 {
    pub Length: ULONG,
    pub EaList: PVOID,
    pub EaListLength: ULONG,
    pub __bindgen_padding_0: [u8; 4],
    pub EaIndex: ULONG,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_15 {
    pub Length: ULONG,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_16 {
    pub Length: ULONG,
    pub __bindgen_padding_0: [u8; 4],
    pub FsInformationClass: FS_INFORMATION_CLASS,
    pub __bindgen_padding_1: [u8; 4],
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_17 {
    pub Length: ULONG,
    pub __bindgen_padding_0: [u8; 4],
    pub FsInformationClass: FS_INFORMATION_CLASS,
    pub __bindgen_padding_1: [u8; 4],
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_18 {
    pub OutputBufferLength: ULONG,
    pub __bindgen_padding_0: [u8; 4],
    pub InputBufferLength: ULONG,
    pub __bindgen_padding_1: [u8; 4],
    pub FsControlCode: ULONG,
    pub Type3InputBuffer: PVOID,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _IO_STACK_LOCATION__bindgen_ty_19 {
    pub Length: PLARGE_INTEGER,
    pub Key: ULONG,
    pub ByteOffset: LARGE_INTEGER,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_20 {
    pub OutputBufferLength: ULONG,
    pub __bindgen_padding_0: [u8; 4],
    pub InputBufferLength: ULONG,
    pub __bindgen_padding_1: [u8; 4],
    pub IoControlCode: ULONG,
    pub Type3InputBuffer: PVOID,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_21 {
    pub SecurityInformation: SECURITY_INFORMATION,
    pub __bindgen_padding_0: [u8; 4],
    pub Length: ULONG,
    pub __bindgen_padding_1: [u8; 4],
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_22 {
    pub SecurityInformation: SECURITY_INFORMATION,
    pub SecurityDescriptor: PSECURITY_DESCRIPTOR,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_23 {
    pub Vpb: PVPB,
    pub DeviceObject: PDEVICE_OBJECT,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_24 {
    pub Vpb: PVPB,
    pub DeviceObject: PDEVICE_OBJECT,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_25 {
    pub Srb: *mut _SCSI_REQUEST_BLOCK,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_26 {
    pub Length: ULONG,
    pub StartSid: PSID,
    pub SidList: PFILE_GET_QUOTA_INFORMATION,
    pub SidListLength: ULONG,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_27 {
    pub Length: ULONG,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_28 {
    pub Type: DEVICE_RELATION_TYPE,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_29 {
    pub InterfaceType: *const GUID,
    pub Size: USHORT,
    pub Version: USHORT,
    pub Interface: PINTERFACE,
    pub InterfaceSpecificData: PVOID,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_30 {
    pub Capabilities: PDEVICE_CAPABILITIES,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_31 {
    pub IoResourceRequirementList: PIO_RESOURCE_REQUIREMENTS_LIST,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_32 {
    pub WhichSpace: ULONG,
    pub Buffer: PVOID,
    pub Offset: ULONG,
    pub __bindgen_padding_0: [u8; 4],
    pub Length: ULONG,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_33 {
    pub Lock: BOOLEAN,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_34 {
    pub IdType: BUS_QUERY_ID_TYPE::Type,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_35 {
    pub DeviceTextType: DEVICE_TEXT_TYPE::Type,
    pub __bindgen_padding_0: [u8; 4],
    pub LocaleId: LCID,
    pub __bindgen_padding_1: [u8; 4],
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_36 {
    pub InPath: BOOLEAN,
    pub Reserved: [BOOLEAN; 3],
    pub __bindgen_padding_0: [u8; 4],
    pub Type: DEVICE_USAGE_NOTIFICATION_TYPE,
    pub __bindgen_padding_1: [u8; 4],
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_37 {
    pub PowerState: SYSTEM_POWER_STATE,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_38 {
    pub PowerSequence: PPOWER_SEQUENCE,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _IO_STACK_LOCATION__bindgen_ty_39 {
    pub __bindgen_anon_1: _IO_STACK_LOCATION__bindgen_ty_40,
    pub __bindgen_padding_0: [u8; 4],
    pub Type: POWER_STATE_TYPE,
    pub __bindgen_padding_1: [u8; 4],
    pub State: POWER_STATE,
    pub __bindgen_padding_2: [u8; 4],
    pub ShutdownType: POWER_ACTION::Type,
    pub __bindgen_padding_3: [u8; 4],
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _IO_STACK_LOCATION__bindgen_ty_40 {
    pub SystemContext: ULONG,
    pub SystemPowerStateContext: SYSTEM_POWER_STATE_CONTEXT,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_41 {
    pub AllocatedResources: PCM_RESOURCE_LIST,
    pub AllocatedResourcesTranslated: PCM_RESOURCE_LIST,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_42 {
    pub ProviderId: ULONG_PTR,
    pub DataPath: PVOID,
    pub BufferSize: ULONG,
    pub Buffer: PVOID,
}
/// Part of [`_IO_STACK_LOCATION`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IO_STACK_LOCATION__bindgen_ty_43 {
    pub Argument1: PVOID,
    pub Argument2: PVOID,
    pub Argument3: PVOID,
    pub Argument4: PVOID,
}
pub type IO_STACK_LOCATION = _IO_STACK_LOCATION;

/// `_IRP` (NT).
#[repr(C, align(16))]
#[derive(Clone, Copy)]
pub struct _IRP {
    pub Type: CSHORT,
    pub Size: USHORT,
    pub MdlAddress: PMDL,
    pub Flags: ULONG,
    pub AssociatedIrp: _IRP__bindgen_ty_1,
    pub ThreadListEntry: LIST_ENTRY,
    pub IoStatus: IO_STATUS_BLOCK,
    pub RequestorMode: KPROCESSOR_MODE,
    pub PendingReturned: BOOLEAN,
    pub StackCount: CHAR,
    pub CurrentLocation: CHAR,
    pub Cancel: BOOLEAN,
    pub CancelIrql: KIRQL,
    pub ApcEnvironment: CCHAR,
    pub AllocationFlags: UCHAR,
    pub __bindgen_anon_1: _IRP__bindgen_ty_2,
    pub UserEvent: PKEVENT,
    pub Overlay: _IRP__bindgen_ty_3,
    pub CancelRoutine: PDRIVER_CANCEL,
    pub UserBuffer: PVOID,
    pub Tail: _IRP__bindgen_ty_7,
}
/// Part of [`_IRP`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _IRP__bindgen_ty_1 {
    pub MasterIrp: *mut _IRP,
    pub IrpCount: LONG,
    pub SystemBuffer: PVOID,
}
/// Part of [`_IRP`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _IRP__bindgen_ty_2 {
    pub UserIosb: PIO_STATUS_BLOCK,
    pub IoRingContext: PVOID,
}
/// Part of [`_IRP`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _IRP__bindgen_ty_3 {
    pub AsynchronousParameters: _IRP__bindgen_ty_4,
    pub AllocationSize: LARGE_INTEGER,
}
/// Part of [`_IRP`].
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _IRP__bindgen_ty_4 {
    pub __bindgen_anon_1: _IRP__bindgen_ty_5,
    pub __bindgen_anon_2: _IRP__bindgen_ty_6,
}
/// Part of [`_IRP`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _IRP__bindgen_ty_5 {
    pub UserApcRoutine: PIO_APC_ROUTINE,
    pub IssuingProcess: PVOID,
}
/// Part of [`_IRP`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _IRP__bindgen_ty_6 {
    pub UserApcContext: PVOID,
    pub IoRing: *mut _IORING_OBJECT,
}
/// Part of [`_IRP`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _IRP__bindgen_ty_7 {
    pub Overlay: _IRP__bindgen_ty_8,
    pub Apc: KAPC,
    pub CompletionKey: PVOID,
}
/// Part of [`_IRP`].
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _IRP__bindgen_ty_8 {
    pub __bindgen_anon_1: _IRP__bindgen_ty_9,
    pub Thread: PETHREAD,
    pub AuxiliaryBuffer: PCHAR,
    pub __bindgen_anon_2: _IRP__bindgen_ty_11,
    pub OriginalFileObject: PFILE_OBJECT,
}
/// Part of [`_IRP`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _IRP__bindgen_ty_9 {
    pub DeviceQueueEntry: KDEVICE_QUEUE_ENTRY,
    pub __bindgen_anon_1: _IRP__bindgen_ty_10,
}
/// Part of [`_IRP`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _IRP__bindgen_ty_10 {
    pub DriverContext: [PVOID; 4],
}
/// Part of [`_IRP`].
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _IRP__bindgen_ty_11 {
    pub ListEntry: LIST_ENTRY,
    pub __bindgen_anon_1: _IRP__bindgen_ty_12,
}
/// Part of [`_IRP`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _IRP__bindgen_ty_12 {
    pub CurrentStackLocation: *mut _IO_STACK_LOCATION,
    pub PacketType: ULONG,
}
pub type IRP = _IRP;

layout! {
    _IO_STACK_LOCATION: 72, 8 {
        MajorFunction: 0, 1; MinorFunction: 1, 1; Flags: 2, 1; Control: 3, 1; Parameters: 8, 32;
        Parameters.Create: 8, 32; Parameters.Create.SecurityContext: 8, 8;
        Parameters.Create.Options: 16, 4; Parameters.Create.FileAttributes: 24, 2;
        Parameters.Create.ShareAccess: 26, 2; Parameters.Create.EaLength: 32, 4;
        Parameters.CreatePipe: 8, 32; Parameters.CreatePipe.SecurityContext: 8, 8;
        Parameters.CreatePipe.Options: 16, 4; Parameters.CreatePipe.Reserved: 24, 2;
        Parameters.CreatePipe.ShareAccess: 26, 2; Parameters.CreatePipe.Parameters: 32, 8;
        Parameters.CreateMailslot: 8, 32; Parameters.CreateMailslot.SecurityContext: 8, 8;
        Parameters.CreateMailslot.Options: 16, 4; Parameters.CreateMailslot.Reserved: 24, 2;
        Parameters.CreateMailslot.ShareAccess: 26, 2; Parameters.CreateMailslot.Parameters: 32, 8;
        Parameters.Read: 8, 24; Parameters.Read.Length: 8, 4; Parameters.Read.Key: 16, 4;
        Parameters.Read.Flags: 20, 4; Parameters.Read.ByteOffset: 24, 8; Parameters.Write: 8, 24;
        Parameters.Write.Length: 8, 4; Parameters.Write.Key: 16, 4; Parameters.Write.Flags: 20, 4;
        Parameters.Write.ByteOffset: 24, 8; Parameters.QueryDirectory: 8, 32;
        Parameters.QueryDirectory.Length: 8, 4; Parameters.QueryDirectory.FileName: 16, 8;
        Parameters.QueryDirectory.FileInformationClass: 24, 4; Parameters.QueryDirectory.FileIndex: 32, 4;
        Parameters.NotifyDirectory: 8, 16; Parameters.NotifyDirectory.Length: 8, 4;
        Parameters.NotifyDirectory.CompletionFilter: 16, 4; Parameters.NotifyDirectoryEx: 8, 24;
        Parameters.NotifyDirectoryEx.Length: 8, 4; Parameters.NotifyDirectoryEx.CompletionFilter: 16, 4;
        Parameters.NotifyDirectoryEx.DirectoryNotifyInformationClass: 24, 4; Parameters.QueryFile: 8, 16;
        Parameters.QueryFile.Length: 8, 4; Parameters.QueryFile.FileInformationClass: 16, 4;
        Parameters.SetFile: 8, 32; Parameters.SetFile.Length: 8, 4;
        Parameters.SetFile.FileInformationClass: 16, 4; Parameters.SetFile.FileObject: 24, 8;
        Parameters.SetFile.__bindgen_anon_1.__bindgen_anon_1.ReplaceIfExists: 32, 1;
        Parameters.SetFile.__bindgen_anon_1.__bindgen_anon_1.AdvanceOnly: 33, 1;
        Parameters.SetFile.__bindgen_anon_1.ClusterCount: 32, 4;
        Parameters.SetFile.__bindgen_anon_1.DeleteHandle: 32, 8; Parameters.QueryEa: 8, 32;
        Parameters.QueryEa.Length: 8, 4; Parameters.QueryEa.EaList: 16, 8;
        Parameters.QueryEa.EaListLength: 24, 4; Parameters.QueryEa.EaIndex: 32, 4; Parameters.SetEa: 8, 4;
        Parameters.SetEa.Length: 8, 4; Parameters.QueryVolume: 8, 16; Parameters.QueryVolume.Length: 8, 4;
        Parameters.QueryVolume.FsInformationClass: 16, 4; Parameters.SetVolume: 8, 16;
        Parameters.SetVolume.Length: 8, 4; Parameters.SetVolume.FsInformationClass: 16, 4;
        Parameters.FileSystemControl: 8, 32; Parameters.FileSystemControl.OutputBufferLength: 8, 4;
        Parameters.FileSystemControl.InputBufferLength: 16, 4;
        Parameters.FileSystemControl.FsControlCode: 24, 4;
        Parameters.FileSystemControl.Type3InputBuffer: 32, 8; Parameters.LockControl: 8, 24;
        Parameters.LockControl.Length: 8, 8; Parameters.LockControl.Key: 16, 4;
        Parameters.LockControl.ByteOffset: 24, 8; Parameters.DeviceIoControl: 8, 32;
        Parameters.DeviceIoControl.OutputBufferLength: 8, 4;
        Parameters.DeviceIoControl.InputBufferLength: 16, 4;
        Parameters.DeviceIoControl.IoControlCode: 24, 4;
        Parameters.DeviceIoControl.Type3InputBuffer: 32, 8; Parameters.QuerySecurity: 8, 16;
        Parameters.QuerySecurity.SecurityInformation: 8, 4; Parameters.QuerySecurity.Length: 16, 4;
        Parameters.SetSecurity: 8, 16; Parameters.SetSecurity.SecurityInformation: 8, 4;
        Parameters.SetSecurity.SecurityDescriptor: 16, 8; Parameters.MountVolume: 8, 16;
        Parameters.MountVolume.Vpb: 8, 8; Parameters.MountVolume.DeviceObject: 16, 8;
        Parameters.VerifyVolume: 8, 16; Parameters.VerifyVolume.Vpb: 8, 8;
        Parameters.VerifyVolume.DeviceObject: 16, 8; Parameters.Scsi: 8, 8; Parameters.Scsi.Srb: 8, 8;
        Parameters.QueryQuota: 8, 32; Parameters.QueryQuota.Length: 8, 4;
        Parameters.QueryQuota.StartSid: 16, 8; Parameters.QueryQuota.SidList: 24, 8;
        Parameters.QueryQuota.SidListLength: 32, 4; Parameters.SetQuota: 8, 4;
        Parameters.SetQuota.Length: 8, 4; Parameters.QueryDeviceRelations: 8, 4;
        Parameters.QueryDeviceRelations.Type: 8, 4; Parameters.QueryInterface: 8, 32;
        Parameters.QueryInterface.InterfaceType: 8, 8; Parameters.QueryInterface.Size: 16, 2;
        Parameters.QueryInterface.Version: 18, 2; Parameters.QueryInterface.Interface: 24, 8;
        Parameters.QueryInterface.InterfaceSpecificData: 32, 8; Parameters.DeviceCapabilities: 8, 8;
        Parameters.DeviceCapabilities.Capabilities: 8, 8; Parameters.FilterResourceRequirements: 8, 8;
        Parameters.FilterResourceRequirements.IoResourceRequirementList: 8, 8;
        Parameters.ReadWriteConfig: 8, 32; Parameters.ReadWriteConfig.WhichSpace: 8, 4;
        Parameters.ReadWriteConfig.Buffer: 16, 8; Parameters.ReadWriteConfig.Offset: 24, 4;
        Parameters.ReadWriteConfig.Length: 32, 4; Parameters.SetLock: 8, 1; Parameters.SetLock.Lock: 8, 1;
        Parameters.QueryId: 8, 4; Parameters.QueryId.IdType: 8, 4; Parameters.QueryDeviceText: 8, 16;
        Parameters.QueryDeviceText.DeviceTextType: 8, 4; Parameters.QueryDeviceText.LocaleId: 16, 4;
        Parameters.UsageNotification: 8, 16; Parameters.UsageNotification.InPath: 8, 1;
        Parameters.UsageNotification.Reserved: 9, 3; Parameters.UsageNotification.Type: 16, 4;
        Parameters.WaitWake: 8, 4; Parameters.WaitWake.PowerState: 8, 4; Parameters.PowerSequence: 8, 8;
        Parameters.PowerSequence.PowerSequence: 8, 8; Parameters.Power: 8, 32;
        Parameters.Power.__bindgen_anon_1.SystemContext: 8, 4;
        Parameters.Power.__bindgen_anon_1.SystemPowerStateContext: 8, 4; Parameters.Power.Type: 16, 4;
        Parameters.Power.State: 24, 4; Parameters.Power.ShutdownType: 32, 4; Parameters.StartDevice: 8, 16;
        Parameters.StartDevice.AllocatedResources: 8, 8;
        Parameters.StartDevice.AllocatedResourcesTranslated: 16, 8; Parameters.WMI: 8, 32;
        Parameters.WMI.ProviderId: 8, 8; Parameters.WMI.DataPath: 16, 8; Parameters.WMI.BufferSize: 24, 4;
        Parameters.WMI.Buffer: 32, 8; Parameters.Others: 8, 32; Parameters.Others.Argument1: 8, 8;
        Parameters.Others.Argument2: 16, 8; Parameters.Others.Argument3: 24, 8;
        Parameters.Others.Argument4: 32, 8; DeviceObject: 40, 8; FileObject: 48, 8;
        CompletionRoutine: 56, 8; Context: 64, 8;
    }
    _IRP: 208, 16 {
        Type: 0, 2; Size: 2, 2; MdlAddress: 8, 8; Flags: 16, 4; AssociatedIrp: 24, 8;
        AssociatedIrp.MasterIrp: 24, 8; AssociatedIrp.IrpCount: 24, 4; AssociatedIrp.SystemBuffer: 24, 8;
        ThreadListEntry: 32, 16; IoStatus: 48, 16; RequestorMode: 64, 1; PendingReturned: 65, 1;
        StackCount: 66, 1; CurrentLocation: 67, 1; Cancel: 68, 1; CancelIrql: 69, 1; ApcEnvironment: 70, 1;
        AllocationFlags: 71, 1; __bindgen_anon_1.UserIosb: 72, 8; __bindgen_anon_1.IoRingContext: 72, 8;
        UserEvent: 80, 8; Overlay: 88, 16; Overlay.AsynchronousParameters: 88, 16;
        Overlay.AsynchronousParameters.__bindgen_anon_1.UserApcRoutine: 88, 8;
        Overlay.AsynchronousParameters.__bindgen_anon_1.IssuingProcess: 88, 8;
        Overlay.AsynchronousParameters.__bindgen_anon_2.UserApcContext: 96, 8;
        Overlay.AsynchronousParameters.__bindgen_anon_2.IoRing: 96, 8; Overlay.AllocationSize: 88, 8;
        CancelRoutine: 104, 8; UserBuffer: 112, 8; Tail: 120, 88; Tail.Overlay: 120, 80;
        Tail.Overlay.__bindgen_anon_1.DeviceQueueEntry: 120, 24;
        Tail.Overlay.__bindgen_anon_1.__bindgen_anon_1.DriverContext: 120, 32; Tail.Overlay.Thread: 152, 8;
        Tail.Overlay.AuxiliaryBuffer: 160, 8; Tail.Overlay.__bindgen_anon_2.ListEntry: 168, 16;
        Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation: 184, 8;
        Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.PacketType: 184, 4;
        Tail.Overlay.OriginalFileObject: 192, 8; Tail.Apc: 120, 88; Tail.CompletionKey: 120, 8;
    }
}

zeroed_default! {
    _IO_STACK_LOCATION, _IO_STACK_LOCATION__bindgen_ty_1, _IO_STACK_LOCATION__bindgen_ty_2,
    _IO_STACK_LOCATION__bindgen_ty_3, _IO_STACK_LOCATION__bindgen_ty_4, _IO_STACK_LOCATION__bindgen_ty_5,
    _IO_STACK_LOCATION__bindgen_ty_6, _IO_STACK_LOCATION__bindgen_ty_7, _IO_STACK_LOCATION__bindgen_ty_8,
    _IO_STACK_LOCATION__bindgen_ty_9, _IO_STACK_LOCATION__bindgen_ty_10, _IO_STACK_LOCATION__bindgen_ty_11,
    _IO_STACK_LOCATION__bindgen_ty_12, _IO_STACK_LOCATION__bindgen_ty_13,
    _IO_STACK_LOCATION__bindgen_ty_14, _IO_STACK_LOCATION__bindgen_ty_15,
    _IO_STACK_LOCATION__bindgen_ty_16, _IO_STACK_LOCATION__bindgen_ty_17,
    _IO_STACK_LOCATION__bindgen_ty_18, _IO_STACK_LOCATION__bindgen_ty_19,
    _IO_STACK_LOCATION__bindgen_ty_20, _IO_STACK_LOCATION__bindgen_ty_21,
    _IO_STACK_LOCATION__bindgen_ty_22, _IO_STACK_LOCATION__bindgen_ty_23,
    _IO_STACK_LOCATION__bindgen_ty_24, _IO_STACK_LOCATION__bindgen_ty_25,
    _IO_STACK_LOCATION__bindgen_ty_26, _IO_STACK_LOCATION__bindgen_ty_27,
    _IO_STACK_LOCATION__bindgen_ty_28, _IO_STACK_LOCATION__bindgen_ty_29,
    _IO_STACK_LOCATION__bindgen_ty_30, _IO_STACK_LOCATION__bindgen_ty_31,
    _IO_STACK_LOCATION__bindgen_ty_32, _IO_STACK_LOCATION__bindgen_ty_33,
    _IO_STACK_LOCATION__bindgen_ty_34, _IO_STACK_LOCATION__bindgen_ty_35,
    _IO_STACK_LOCATION__bindgen_ty_36, _IO_STACK_LOCATION__bindgen_ty_37,
    _IO_STACK_LOCATION__bindgen_ty_38, _IO_STACK_LOCATION__bindgen_ty_39,
    _IO_STACK_LOCATION__bindgen_ty_40, _IO_STACK_LOCATION__bindgen_ty_41,
    _IO_STACK_LOCATION__bindgen_ty_42, _IO_STACK_LOCATION__bindgen_ty_43, _IRP, _IRP__bindgen_ty_1,
    _IRP__bindgen_ty_2, _IRP__bindgen_ty_3, _IRP__bindgen_ty_4, _IRP__bindgen_ty_5, _IRP__bindgen_ty_6,
    _IRP__bindgen_ty_7, _IRP__bindgen_ty_8, _IRP__bindgen_ty_9, _IRP__bindgen_ty_10, _IRP__bindgen_ty_11,
    _IRP__bindgen_ty_12,
}
