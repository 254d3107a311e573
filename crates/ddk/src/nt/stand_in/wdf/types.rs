//! KMDF structures and enumerations.
use super::super::*;

pub type WDFDRIVER = *mut WDFDRIVER__;
pub type WDFOBJECT = HANDLE;
pub type PCWDF_OBJECT_CONTEXT_TYPE_INFO = *const _WDF_OBJECT_CONTEXT_TYPE_INFO;
pub type PWDF_DRIVER_GLOBALS = *mut _WDF_DRIVER_GLOBALS;
pub type PWDF_OBJECT_ATTRIBUTES = *mut _WDF_OBJECT_ATTRIBUTES;
pub type PWDF_DRIVER_CONFIG = *mut _WDF_DRIVER_CONFIG;
pub type PWDFDEVICE_INIT = *mut WDFDEVICE_INIT;
pub type WDFDEVICE = *mut WDFDEVICE__;
pub type PWDF_FILEOBJECT_CONFIG = *mut _WDF_FILEOBJECT_CONFIG;
pub type PWDF_IO_QUEUE_CONFIG = *mut _WDF_IO_QUEUE_CONFIG;
pub type WDFQUEUE = *mut WDFQUEUE__;
pub type WDFREQUEST = *mut WDFREQUEST__;
pub type WDFMEMORY = *mut WDFMEMORY__;
pub type PWDF_REQUEST_PARAMETERS = *mut _WDF_REQUEST_PARAMETERS;
pub type WDFFILEOBJECT = *mut WDFFILEOBJECT__;
pub type PWDF_TIMER_CONFIG = *mut _WDF_TIMER_CONFIG;
pub type WDFTIMER = *mut WDFTIMER__;
pub type PWDF_WORKITEM_CONFIG = *mut _WDF_WORKITEM_CONFIG;
pub type WDFWORKITEM = *mut WDFWORKITEM__;
pub type WDFSPINLOCK = *mut WDFSPINLOCK__;
pub type WDFCONTEXT = PVOID;
pub type WDFKEY = *mut WDFKEY__;
pub type PWDF_DRIVER_VERSION_AVAILABLE_PARAMS = *mut _WDF_DRIVER_VERSION_AVAILABLE_PARAMS;
pub type WDFSTRING = *mut WDFSTRING__;
pub type WDFWAITLOCK = *mut WDFWAITLOCK__;
pub type WDF_DRIVER_VERSION_AVAILABLE_PARAMS = _WDF_DRIVER_VERSION_AVAILABLE_PARAMS;
/// `_WDF_DRIVER_CONFIG` (KMDF).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _WDF_DRIVER_CONFIG {
    pub Size: ULONG,
    pub EvtDriverDeviceAdd: PFN_WDF_DRIVER_DEVICE_ADD,
    pub EvtDriverUnload: PFN_WDF_DRIVER_UNLOAD,
    pub DriverInitFlags: ULONG,
    pub DriverPoolTag: ULONG,
}
pub type WDF_DRIVER_CONFIG = _WDF_DRIVER_CONFIG;

/// `_WDF_DRIVER_GLOBALS` (KMDF).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _WDF_DRIVER_GLOBALS {
    pub Driver: WDFDRIVER,
    pub DriverFlags: ULONG,
    pub DriverTag: ULONG,
    pub DriverName: [CHAR; 32],
    pub DisplaceDriverUnload: BOOLEAN,
}
pub type WDF_DRIVER_GLOBALS = _WDF_DRIVER_GLOBALS;

/// `_WDF_FILEOBJECT_CONFIG` (KMDF).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _WDF_FILEOBJECT_CONFIG {
    pub Size: ULONG,
    pub EvtDeviceFileCreate: PFN_WDF_DEVICE_FILE_CREATE,
    pub EvtFileClose: PFN_WDF_FILE_CLOSE,
    pub EvtFileCleanup: PFN_WDF_FILE_CLEANUP,
    pub AutoForwardCleanupClose: WDF_TRI_STATE,
    pub FileObjectClass: WDF_FILEOBJECT_CLASS,
}
pub type WDF_FILEOBJECT_CONFIG = _WDF_FILEOBJECT_CONFIG;

/// `_WDF_IO_QUEUE_CONFIG` (KMDF).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _WDF_IO_QUEUE_CONFIG {
    pub Size: ULONG,
    pub DispatchType: WDF_IO_QUEUE_DISPATCH_TYPE,
    pub PowerManaged: WDF_TRI_STATE,
    pub AllowZeroLengthRequests: BOOLEAN,
    pub DefaultQueue: BOOLEAN,
    pub EvtIoDefault: PFN_WDF_IO_QUEUE_IO_DEFAULT,
    pub EvtIoRead: PFN_WDF_IO_QUEUE_IO_READ,
    pub EvtIoWrite: PFN_WDF_IO_QUEUE_IO_WRITE,
    pub EvtIoDeviceControl: PFN_WDF_IO_QUEUE_IO_DEVICE_CONTROL,
    pub EvtIoInternalDeviceControl: PFN_WDF_IO_QUEUE_IO_INTERNAL_DEVICE_CONTROL,
    pub EvtIoStop: PFN_WDF_IO_QUEUE_IO_STOP,
    pub EvtIoResume: PFN_WDF_IO_QUEUE_IO_RESUME,
    pub EvtIoCanceledOnQueue: PFN_WDF_IO_QUEUE_IO_CANCELED_ON_QUEUE,
    pub Settings: _WDF_IO_QUEUE_CONFIG__bindgen_ty_1,
    pub Driver: WDFDRIVER,
}
/// Part of [`_WDF_IO_QUEUE_CONFIG`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _WDF_IO_QUEUE_CONFIG__bindgen_ty_1 {
    pub Parallel: _WDF_IO_QUEUE_CONFIG__bindgen_ty_2,
}
/// Part of [`_WDF_IO_QUEUE_CONFIG`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _WDF_IO_QUEUE_CONFIG__bindgen_ty_2 {
    pub NumberOfPresentedRequests: ULONG,
}
pub type WDF_IO_QUEUE_CONFIG = _WDF_IO_QUEUE_CONFIG;

/// `_WDF_OBJECT_ATTRIBUTES` (KMDF).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _WDF_OBJECT_ATTRIBUTES {
    pub Size: ULONG,
    pub EvtCleanupCallback: PFN_WDF_OBJECT_CONTEXT_CLEANUP,
    pub EvtDestroyCallback: PFN_WDF_OBJECT_CONTEXT_DESTROY,
    pub ExecutionLevel: WDF_EXECUTION_LEVEL,
    pub SynchronizationScope: WDF_SYNCHRONIZATION_SCOPE,
    pub ParentObject: WDFOBJECT,
    pub ContextSizeOverride: usize,
    pub ContextTypeInfo: PCWDF_OBJECT_CONTEXT_TYPE_INFO,
}
pub type WDF_OBJECT_ATTRIBUTES = _WDF_OBJECT_ATTRIBUTES;

/// `_WDF_OBJECT_CONTEXT_TYPE_INFO` (KMDF).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _WDF_OBJECT_CONTEXT_TYPE_INFO {
    pub Size: ULONG,
    pub ContextName: LPCSTR,
    pub ContextSize: usize,
    pub UniqueType: PCWDF_OBJECT_CONTEXT_TYPE_INFO,
    pub EvtDriverGetUniqueContextType: PFN_GET_UNIQUE_CONTEXT_TYPE,
}
pub type WDF_OBJECT_CONTEXT_TYPE_INFO = _WDF_OBJECT_CONTEXT_TYPE_INFO;
pub type PWDF_OBJECT_CONTEXT_TYPE_INFO = *mut _WDF_OBJECT_CONTEXT_TYPE_INFO;

/// `_WDF_REQUEST_PARAMETERS` (KMDF).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _WDF_REQUEST_PARAMETERS {
    pub Size: USHORT,
    pub MinorFunction: UCHAR,
    pub Type: WDF_REQUEST_TYPE,
    pub Parameters: _WDF_REQUEST_PARAMETERS__bindgen_ty_1,
}
/// Part of [`_WDF_REQUEST_PARAMETERS`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _WDF_REQUEST_PARAMETERS__bindgen_ty_1 {
    pub Create: _WDF_REQUEST_PARAMETERS__bindgen_ty_2,
    pub Read: _WDF_REQUEST_PARAMETERS__bindgen_ty_3,
    pub Write: _WDF_REQUEST_PARAMETERS__bindgen_ty_4,
    pub DeviceIoControl: _WDF_REQUEST_PARAMETERS__bindgen_ty_5,
    pub Others: _WDF_REQUEST_PARAMETERS__bindgen_ty_6,
}
/// Part of [`_WDF_REQUEST_PARAMETERS`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _WDF_REQUEST_PARAMETERS__bindgen_ty_2 {
    pub SecurityContext: PIO_SECURITY_CONTEXT,
    pub Options: ULONG,
    pub __bindgen_padding_0: [u8; 4],
    pub FileAttributes: USHORT,
    pub ShareAccess: USHORT,
    pub __bindgen_padding_1: [u8; 4],
    pub EaLength: ULONG,
}
/// Part of [`_WDF_REQUEST_PARAMETERS`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _WDF_REQUEST_PARAMETERS__bindgen_ty_3 {
    pub Length: usize,
    pub Key: ULONG,
    pub DeviceOffset: LONGLONG,
}
/// Part of [`_WDF_REQUEST_PARAMETERS`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _WDF_REQUEST_PARAMETERS__bindgen_ty_4 {
    pub Length: usize,
    pub Key: ULONG,
    pub DeviceOffset: LONGLONG,
}
/// Part of [`_WDF_REQUEST_PARAMETERS`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _WDF_REQUEST_PARAMETERS__bindgen_ty_5 {
    pub OutputBufferLength: usize,
    pub InputBufferLength: usize,
    pub IoControlCode: ULONG,
    pub Type3InputBuffer: PVOID,
}
/// Part of [`_WDF_REQUEST_PARAMETERS`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _WDF_REQUEST_PARAMETERS__bindgen_ty_6 {
    pub Arg1: PVOID,
    pub Arg2: PVOID,
    pub IoControlCode: ULONG,
    pub Arg4: PVOID,
}
pub type WDF_REQUEST_PARAMETERS = _WDF_REQUEST_PARAMETERS;

/// `_WDF_TIMER_CONFIG` (KMDF).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _WDF_TIMER_CONFIG {
    pub Size: ULONG,
    pub EvtTimerFunc: PFN_WDF_TIMER,
    pub Period: ULONG,
    pub AutomaticSerialization: BOOLEAN,
    pub TolerableDelay: ULONG,
    pub __bindgen_padding_0: [u8; 4],
    pub UseHighResolutionTimer: BOOLEAN,
}
pub type WDF_TIMER_CONFIG = _WDF_TIMER_CONFIG;

/// `_WDF_WORKITEM_CONFIG` (KMDF).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _WDF_WORKITEM_CONFIG {
    pub Size: ULONG,
    pub EvtWorkItemFunc: PFN_WDF_WORKITEM,
    pub AutomaticSerialization: BOOLEAN,
}
pub type WDF_WORKITEM_CONFIG = _WDF_WORKITEM_CONFIG;

/// `_WDF_DRIVER_INIT_FLAGS` (KMDF).
pub mod _WDF_DRIVER_INIT_FLAGS {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const WdfDriverInitNonPnpDriver: Type = 1;
    pub const WdfDriverInitNoDispatchOverride: Type = 2;
    pub const WdfVerifyOn: Type = 4;
    pub const WdfVerifierOn: Type = 8;
    pub const WdfDriverInitCompanion: Type = 0x10;
}
pub use self::_WDF_DRIVER_INIT_FLAGS::Type as WDF_DRIVER_INIT_FLAGS;

/// `_WDF_IO_QUEUE_DISPATCH_TYPE` (KMDF).
pub mod _WDF_IO_QUEUE_DISPATCH_TYPE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const WdfIoQueueDispatchInvalid: Type = 0;
    pub const WdfIoQueueDispatchSequential: Type = 1;
    pub const WdfIoQueueDispatchParallel: Type = 2;
    pub const WdfIoQueueDispatchManual: Type = 3;
    pub const WdfIoQueueDispatchMax: Type = 4;
}
pub use self::_WDF_IO_QUEUE_DISPATCH_TYPE::Type as WDF_IO_QUEUE_DISPATCH_TYPE;

/// `_WDF_TRI_STATE` (KMDF).
pub mod _WDF_TRI_STATE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const WdfFalse: Type = 0;
    pub const WdfTrue: Type = 1;
    pub const WdfUseDefault: Type = 2;
}
pub use self::_WDF_TRI_STATE::Type as WDF_TRI_STATE;

/// `_WDF_DEVICE_IO_TYPE` (KMDF).
pub mod _WDF_DEVICE_IO_TYPE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const WdfDeviceIoUndefined: Type = 0;
    pub const WdfDeviceIoNeither: Type = 1;
    pub const WdfDeviceIoBuffered: Type = 2;
    pub const WdfDeviceIoDirect: Type = 3;
    pub const WdfDeviceIoBufferedOrDirect: Type = 4;
    pub const WdfDeviceIoMaximum: Type = 5;
}
pub use self::_WDF_DEVICE_IO_TYPE::Type as WDF_DEVICE_IO_TYPE;

/// `_WDF_EXECUTION_LEVEL` (KMDF).
pub mod _WDF_EXECUTION_LEVEL {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const WdfExecutionLevelInvalid: Type = 0;
    pub const WdfExecutionLevelInheritFromParent: Type = 1;
    pub const WdfExecutionLevelPassive: Type = 2;
    pub const WdfExecutionLevelDispatch: Type = 3;
}
pub use self::_WDF_EXECUTION_LEVEL::Type as WDF_EXECUTION_LEVEL;

/// `_WDF_SYNCHRONIZATION_SCOPE` (KMDF).
pub mod _WDF_SYNCHRONIZATION_SCOPE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const WdfSynchronizationScopeInvalid: Type = 0;
    pub const WdfSynchronizationScopeInheritFromParent: Type = 1;
    pub const WdfSynchronizationScopeDevice: Type = 2;
    pub const WdfSynchronizationScopeQueue: Type = 3;
    pub const WdfSynchronizationScopeNone: Type = 4;
}
pub use self::_WDF_SYNCHRONIZATION_SCOPE::Type as WDF_SYNCHRONIZATION_SCOPE;

/// `_WDF_FILEOBJECT_CLASS` (KMDF).
pub mod _WDF_FILEOBJECT_CLASS {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const WdfFileObjectInvalid: Type = 0;
    pub const WdfFileObjectNotRequired: Type = 1;
    pub const WdfFileObjectWdfCanUseFsContext: Type = 2;
    pub const WdfFileObjectWdfCanUseFsContext2: Type = 3;
    pub const WdfFileObjectWdfCannotUseFsContexts: Type = 4;
    pub const WdfFileObjectCanBeOptional: Type = -2147483648;
}
pub use self::_WDF_FILEOBJECT_CLASS::Type as WDF_FILEOBJECT_CLASS;

/// `_WDF_REQUEST_TYPE` (KMDF).
pub mod _WDF_REQUEST_TYPE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const WdfRequestTypeCreate: Type = 0;
    pub const WdfRequestTypeCreateNamedPipe: Type = 1;
    pub const WdfRequestTypeClose: Type = 2;
    pub const WdfRequestTypeRead: Type = 3;
    pub const WdfRequestTypeWrite: Type = 4;
    pub const WdfRequestTypeQueryInformation: Type = 5;
    pub const WdfRequestTypeSetInformation: Type = 6;
    pub const WdfRequestTypeQueryEA: Type = 7;
    pub const WdfRequestTypeSetEA: Type = 8;
    pub const WdfRequestTypeFlushBuffers: Type = 9;
    pub const WdfRequestTypeQueryVolumeInformation: Type = 10;
    pub const WdfRequestTypeSetVolumeInformation: Type = 11;
    pub const WdfRequestTypeDirectoryControl: Type = 12;
    pub const WdfRequestTypeFileSystemControl: Type = 13;
    pub const WdfRequestTypeDeviceControl: Type = 14;
    pub const WdfRequestTypeDeviceControlInternal: Type = 15;
    pub const WdfRequestTypeShutdown: Type = 0x10;
    pub const WdfRequestTypeLockControl: Type = 17;
    pub const WdfRequestTypeCleanup: Type = 18;
    pub const WdfRequestTypeCreateMailSlot: Type = 19;
    pub const WdfRequestTypeQuerySecurity: Type = 20;
    pub const WdfRequestTypeSetSecurity: Type = 21;
    pub const WdfRequestTypePower: Type = 22;
    pub const WdfRequestTypeSystemControl: Type = 23;
    pub const WdfRequestTypeDeviceChange: Type = 24;
    pub const WdfRequestTypeQueryQuota: Type = 25;
    pub const WdfRequestTypeSetQuota: Type = 26;
    pub const WdfRequestTypePnp: Type = 27;
    pub const WdfRequestTypeOther: Type = 28;
    pub const WdfRequestTypeUsb: Type = 0x40;
    pub const WdfRequestTypeNoFormat: Type = 255;
    pub const WdfRequestTypeMax: Type = 0x100;
}
pub use self::_WDF_REQUEST_TYPE::Type as WDF_REQUEST_TYPE;

/// `_WDF_REQUEST_STOP_ACTION_FLAGS` (KMDF).
pub mod _WDF_REQUEST_STOP_ACTION_FLAGS {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const WdfRequestStopActionInvalid: Type = 0;
    pub const WdfRequestStopActionSuspend: Type = 1;
    pub const WdfRequestStopActionPurge: Type = 2;
    pub const WdfRequestStopRequestCancelable: Type = 0x10000000;
}
pub use self::_WDF_REQUEST_STOP_ACTION_FLAGS::Type as WDF_REQUEST_STOP_ACTION_FLAGS;

/// `_WDF_IO_QUEUE_STATE` (KMDF).
pub mod _WDF_IO_QUEUE_STATE {
    /// The enumeration as passed.
    pub type Type = i32;
    pub const WdfIoQueueAcceptRequests: Type = 1;
    pub const WdfIoQueueDispatchRequests: Type = 2;
    pub const WdfIoQueueNoRequests: Type = 4;
    pub const WdfIoQueueDriverNoRequests: Type = 8;
    pub const WdfIoQueuePnpHeld: Type = 0x10;
}
pub use self::_WDF_IO_QUEUE_STATE::Type as WDF_IO_QUEUE_STATE;

pub const WDF_ALWAYS_AVAILABLE_FUNCTION_COUNT: u32 = 0x1C5;
pub const WDF_DRIVER_GLOBALS_NAME_LEN: u32 = 0x20;
pub const WDF_FIRST_VERSION_SUPPORTING_CLIENT_VERSION_HIGHER_THAN_FRAMEWORK: u32 = 25;
pub const WDF_INSERT_AT_END: u32 = 0xFFFFFFFF;
pub const WDF_NULL_POINTER: u32 = 0;
pub const WDF_REGKEY_DEVICE_SUBKEY: u32 = 0;
pub const WDF_REGKEY_DRIVER_SUBKEY: u32 = 0;
pub const WDF_TIMEOUT_TO_MS: u32 = 0x2710;
pub const WDF_TIMEOUT_TO_SEC: u32 = 0x989680;
pub const WDF_TIMEOUT_TO_US: u32 = 10;
pub const WDF_TRACE_ID: u32 = 0x54524143;
opaque! {
    WDFDRIVER__, WDFDEVICE__, WDFQUEUE__, WDFREQUEST__, WDFMEMORY__, WDFFILEOBJECT__, WDFTIMER__,
    WDFWORKITEM__, WDFSPINLOCK__, WDFKEY__, _WDF_DRIVER_VERSION_AVAILABLE_PARAMS, WDFSTRING__,
    WDFWAITLOCK__,
}

layout! {
    _WDF_DRIVER_CONFIG: 32, 8 {
        Size: 0, 4; EvtDriverDeviceAdd: 8, 8; EvtDriverUnload: 16, 8; DriverInitFlags: 24, 4;
        DriverPoolTag: 28, 4;
    }
    _WDF_DRIVER_GLOBALS: 56, 8 {
        Driver: 0, 8; DriverFlags: 8, 4; DriverTag: 12, 4; DriverName: 16, 32; DisplaceDriverUnload: 48, 1;
    }
    _WDF_FILEOBJECT_CONFIG: 40, 8 {
        Size: 0, 4; EvtDeviceFileCreate: 8, 8; EvtFileClose: 16, 8; EvtFileCleanup: 24, 8;
        AutoForwardCleanupClose: 32, 4; FileObjectClass: 36, 4;
    }
    _WDF_IO_QUEUE_CONFIG: 96, 8 {
        Size: 0, 4; DispatchType: 4, 4; PowerManaged: 8, 4; AllowZeroLengthRequests: 12, 1;
        DefaultQueue: 13, 1; EvtIoDefault: 16, 8; EvtIoRead: 24, 8; EvtIoWrite: 32, 8;
        EvtIoDeviceControl: 40, 8; EvtIoInternalDeviceControl: 48, 8; EvtIoStop: 56, 8; EvtIoResume: 64, 8;
        EvtIoCanceledOnQueue: 72, 8; Settings: 80, 4; Settings.Parallel: 80, 4;
        Settings.Parallel.NumberOfPresentedRequests: 80, 4; Driver: 88, 8;
    }
    _WDF_OBJECT_ATTRIBUTES: 56, 8 {
        Size: 0, 4; EvtCleanupCallback: 8, 8; EvtDestroyCallback: 16, 8; ExecutionLevel: 24, 4;
        SynchronizationScope: 28, 4; ParentObject: 32, 8; ContextSizeOverride: 40, 8;
        ContextTypeInfo: 48, 8;
    }
    _WDF_OBJECT_CONTEXT_TYPE_INFO: 40, 8 {
        Size: 0, 4; ContextName: 8, 8; ContextSize: 16, 8; UniqueType: 24, 8;
        EvtDriverGetUniqueContextType: 32, 8;
    }
    _WDF_REQUEST_PARAMETERS: 40, 8 {
        Size: 0, 2; MinorFunction: 2, 1; Type: 4, 4; Parameters: 8, 32; Parameters.Create: 8, 32;
        Parameters.Create.SecurityContext: 8, 8; Parameters.Create.Options: 16, 4;
        Parameters.Create.FileAttributes: 24, 2; Parameters.Create.ShareAccess: 26, 2;
        Parameters.Create.EaLength: 32, 4; Parameters.Read: 8, 24; Parameters.Read.Length: 8, 8;
        Parameters.Read.Key: 16, 4; Parameters.Read.DeviceOffset: 24, 8; Parameters.Write: 8, 24;
        Parameters.Write.Length: 8, 8; Parameters.Write.Key: 16, 4; Parameters.Write.DeviceOffset: 24, 8;
        Parameters.DeviceIoControl: 8, 32; Parameters.DeviceIoControl.OutputBufferLength: 8, 8;
        Parameters.DeviceIoControl.InputBufferLength: 16, 8;
        Parameters.DeviceIoControl.IoControlCode: 24, 4;
        Parameters.DeviceIoControl.Type3InputBuffer: 32, 8; Parameters.Others: 8, 32;
        Parameters.Others.Arg1: 8, 8; Parameters.Others.Arg2: 16, 8;
        Parameters.Others.IoControlCode: 24, 4; Parameters.Others.Arg4: 32, 8;
    }
    _WDF_TIMER_CONFIG: 40, 8 {
        Size: 0, 4; EvtTimerFunc: 8, 8; Period: 16, 4; AutomaticSerialization: 20, 1;
        TolerableDelay: 24, 4; UseHighResolutionTimer: 32, 1;
    }
    _WDF_WORKITEM_CONFIG: 24, 8 { Size: 0, 4; EvtWorkItemFunc: 8, 8; AutomaticSerialization: 16, 1; }
}

zeroed_default! {
    _WDF_DRIVER_CONFIG, _WDF_DRIVER_GLOBALS, _WDF_FILEOBJECT_CONFIG, _WDF_IO_QUEUE_CONFIG,
    _WDF_IO_QUEUE_CONFIG__bindgen_ty_1, _WDF_IO_QUEUE_CONFIG__bindgen_ty_2, _WDF_OBJECT_ATTRIBUTES,
    _WDF_OBJECT_CONTEXT_TYPE_INFO, _WDF_REQUEST_PARAMETERS, _WDF_REQUEST_PARAMETERS__bindgen_ty_1,
    _WDF_REQUEST_PARAMETERS__bindgen_ty_2, _WDF_REQUEST_PARAMETERS__bindgen_ty_3,
    _WDF_REQUEST_PARAMETERS__bindgen_ty_4, _WDF_REQUEST_PARAMETERS__bindgen_ty_5,
    _WDF_REQUEST_PARAMETERS__bindgen_ty_6, _WDF_TIMER_CONFIG, _WDF_WORKITEM_CONFIG,
}
