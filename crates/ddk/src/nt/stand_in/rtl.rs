//! Strings, lists, registry and event structures.
use super::*;

/// `_CLIENT_ID` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _CLIENT_ID {
    pub UniqueProcess: HANDLE,
    pub UniqueThread: HANDLE,
}
pub type CLIENT_ID = _CLIENT_ID;

/// `_EVENT_DATA_DESCRIPTOR` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _EVENT_DATA_DESCRIPTOR {
    pub Ptr: ULONGLONG,
    pub Size: ULONG,
    pub __bindgen_anon_1: _EVENT_DATA_DESCRIPTOR__bindgen_ty_1,
}
/// Part of [`_EVENT_DATA_DESCRIPTOR`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _EVENT_DATA_DESCRIPTOR__bindgen_ty_1 {
    pub Reserved: ULONG,
    pub __bindgen_anon_1: _EVENT_DATA_DESCRIPTOR__bindgen_ty_2,
}
/// Part of [`_EVENT_DATA_DESCRIPTOR`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _EVENT_DATA_DESCRIPTOR__bindgen_ty_2 {
    pub Type: UCHAR,
    pub Reserved1: UCHAR,
    pub Reserved2: USHORT,
}
pub type EVENT_DATA_DESCRIPTOR = _EVENT_DATA_DESCRIPTOR;

/// `_EVENT_DESCRIPTOR` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _EVENT_DESCRIPTOR {
    pub Id: USHORT,
    pub Version: UCHAR,
    pub Channel: UCHAR,
    pub Level: UCHAR,
    pub Opcode: UCHAR,
    pub Task: USHORT,
    pub Keyword: ULONGLONG,
}
pub type EVENT_DESCRIPTOR = _EVENT_DESCRIPTOR;
pub type PEVENT_DESCRIPTOR = *mut _EVENT_DESCRIPTOR;

/// `_EVENT_FILTER_DESCRIPTOR` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _EVENT_FILTER_DESCRIPTOR {
    pub Ptr: ULONGLONG,
    pub Size: ULONG,
    pub Type: ULONG,
}
pub type EVENT_FILTER_DESCRIPTOR = _EVENT_FILTER_DESCRIPTOR;

/// `_GUID` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _GUID {
    pub Data1: u32,
    pub Data2: u16,
    pub Data3: u16,
    pub Data4: [u8; 8],
}
pub type GUID = _GUID;

/// `_KEY_VALUE_BASIC_INFORMATION` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _KEY_VALUE_BASIC_INFORMATION {
    pub TitleIndex: ULONG,
    pub Type: ULONG,
    pub NameLength: ULONG,
    pub Name: [WCHAR; 1],
}
pub type KEY_VALUE_BASIC_INFORMATION = _KEY_VALUE_BASIC_INFORMATION;
pub type PKEY_VALUE_BASIC_INFORMATION = *mut _KEY_VALUE_BASIC_INFORMATION;

/// `_KEY_VALUE_FULL_INFORMATION` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _KEY_VALUE_FULL_INFORMATION {
    pub TitleIndex: ULONG,
    pub Type: ULONG,
    pub DataOffset: ULONG,
    pub DataLength: ULONG,
    pub NameLength: ULONG,
    pub Name: [WCHAR; 1],
}
pub type KEY_VALUE_FULL_INFORMATION = _KEY_VALUE_FULL_INFORMATION;
pub type PKEY_VALUE_FULL_INFORMATION = *mut _KEY_VALUE_FULL_INFORMATION;

/// `_KEY_VALUE_PARTIAL_INFORMATION` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _KEY_VALUE_PARTIAL_INFORMATION {
    pub TitleIndex: ULONG,
    pub Type: ULONG,
    pub DataLength: ULONG,
    pub Data: [UCHAR; 1],
}
pub type KEY_VALUE_PARTIAL_INFORMATION = _KEY_VALUE_PARTIAL_INFORMATION;
pub type PKEY_VALUE_PARTIAL_INFORMATION = *mut _KEY_VALUE_PARTIAL_INFORMATION;

/// `_LARGE_INTEGER` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub union _LARGE_INTEGER {
    pub __bindgen_anon_1: _LARGE_INTEGER__bindgen_ty_1,
    pub u: _LARGE_INTEGER__bindgen_ty_2,
    pub QuadPart: LONGLONG,
}
/// Part of [`_LARGE_INTEGER`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _LARGE_INTEGER__bindgen_ty_1 {
    pub LowPart: ULONG,
    pub HighPart: LONG,
}
/// Part of [`_LARGE_INTEGER`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _LARGE_INTEGER__bindgen_ty_2 {
    pub LowPart: ULONG,
    pub HighPart: LONG,
}
pub type LARGE_INTEGER = _LARGE_INTEGER;

/// `_LIST_ENTRY` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _LIST_ENTRY {
    pub Flink: *mut _LIST_ENTRY,
    pub Blink: *mut _LIST_ENTRY,
}
pub type LIST_ENTRY = _LIST_ENTRY;

/// `_OBJECT_ATTRIBUTES` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _OBJECT_ATTRIBUTES {
    pub Length: ULONG,
    pub RootDirectory: HANDLE,
    pub ObjectName: PUNICODE_STRING,
    pub Attributes: ULONG,
    pub SecurityDescriptor: PVOID,
    pub SecurityQualityOfService: PVOID,
}
pub type OBJECT_ATTRIBUTES = _OBJECT_ATTRIBUTES;
pub type PCOBJECT_ATTRIBUTES = *const _OBJECT_ATTRIBUTES;

/// `_OBJECT_HANDLE_INFORMATION` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _OBJECT_HANDLE_INFORMATION {
    pub HandleAttributes: ULONG,
    pub GrantedAccess: ACCESS_MASK,
}
pub type OBJECT_HANDLE_INFORMATION = _OBJECT_HANDLE_INFORMATION;

/// `_OB_OPERATION_REGISTRATION` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _OB_OPERATION_REGISTRATION {
    pub ObjectType: *mut POBJECT_TYPE,
    pub Operations: OB_OPERATION,
    pub PreOperation: POB_PRE_OPERATION_CALLBACK,
    pub PostOperation: POB_POST_OPERATION_CALLBACK,
}
pub type OB_OPERATION_REGISTRATION = _OB_OPERATION_REGISTRATION;
pub type POB_OPERATION_REGISTRATION = *mut _OB_OPERATION_REGISTRATION;

/// `_OSVERSIONINFOEXW` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _OSVERSIONINFOEXW {
    pub dwOSVersionInfoSize: ULONG,
    pub dwMajorVersion: ULONG,
    pub dwMinorVersion: ULONG,
    pub dwBuildNumber: ULONG,
    pub dwPlatformId: ULONG,
    pub szCSDVersion: [WCHAR; 128],
    pub wServicePackMajor: USHORT,
    pub wServicePackMinor: USHORT,
    pub wSuiteMask: USHORT,
    pub wProductType: UCHAR,
    pub wReserved: UCHAR,
}
pub type OSVERSIONINFOEXW = _OSVERSIONINFOEXW;
pub type POSVERSIONINFOEXW = *mut _OSVERSIONINFOEXW;

/// `_OSVERSIONINFOW` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _OSVERSIONINFOW {
    pub dwOSVersionInfoSize: ULONG,
    pub dwMajorVersion: ULONG,
    pub dwMinorVersion: ULONG,
    pub dwBuildNumber: ULONG,
    pub dwPlatformId: ULONG,
    pub szCSDVersion: [WCHAR; 128],
}
pub type OSVERSIONINFOW = _OSVERSIONINFOW;
pub type POSVERSIONINFOW = *mut _OSVERSIONINFOW;

/// `_PS_CREATE_NOTIFY_INFO` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct _PS_CREATE_NOTIFY_INFO {
    pub Size: SIZE_T,
    pub __bindgen_anon_1: _PS_CREATE_NOTIFY_INFO__bindgen_ty_1,
    pub ParentProcessId: HANDLE,
    pub CreatingThreadId: CLIENT_ID,
    pub FileObject: *mut _FILE_OBJECT,
    pub ImageFileName: PCUNICODE_STRING,
    pub CommandLine: PCUNICODE_STRING,
    pub CreationStatus: NTSTATUS,
}
/// Part of [`_PS_CREATE_NOTIFY_INFO`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union _PS_CREATE_NOTIFY_INFO__bindgen_ty_1 {
    pub Flags: ULONG,
    pub __bindgen_anon_1: _PS_CREATE_NOTIFY_INFO__bindgen_ty_2,
}
/// Part of [`_PS_CREATE_NOTIFY_INFO`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _PS_CREATE_NOTIFY_INFO__bindgen_ty_2 {
    pub _bitfield_1: ULONG,
}
pub type PS_CREATE_NOTIFY_INFO = _PS_CREATE_NOTIFY_INFO;

/// `_RTL_BITMAP` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _RTL_BITMAP {
    pub SizeOfBitMap: ULONG,
    pub Buffer: PULONG,
}
pub type RTL_BITMAP = _RTL_BITMAP;

/// `_RTL_QUERY_REGISTRY_TABLE` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _RTL_QUERY_REGISTRY_TABLE {
    pub QueryRoutine: PRTL_QUERY_REGISTRY_ROUTINE,
    pub Flags: ULONG,
    pub Name: PWSTR,
    pub EntryContext: PVOID,
    pub DefaultType: ULONG,
    pub DefaultData: PVOID,
    pub DefaultLength: ULONG,
}
pub type RTL_QUERY_REGISTRY_TABLE = _RTL_QUERY_REGISTRY_TABLE;

/// `_SINGLE_LIST_ENTRY` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _SINGLE_LIST_ENTRY {
    pub Next: *mut _SINGLE_LIST_ENTRY,
}
pub type SINGLE_LIST_ENTRY = _SINGLE_LIST_ENTRY;
pub type PSINGLE_LIST_ENTRY = *mut _SINGLE_LIST_ENTRY;

/// `_STRING` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _STRING {
    pub Length: USHORT,
    pub MaximumLength: USHORT,
    pub Buffer: PCHAR,
}
pub type STRING = _STRING;

/// `_TIME_FIELDS` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _TIME_FIELDS {
    pub Year: CSHORT,
    pub Month: CSHORT,
    pub Day: CSHORT,
    pub Hour: CSHORT,
    pub Minute: CSHORT,
    pub Second: CSHORT,
    pub Milliseconds: CSHORT,
    pub Weekday: CSHORT,
}
pub type TIME_FIELDS = _TIME_FIELDS;

/// `_ULARGE_INTEGER` (NT).
#[repr(C)]
#[derive(Clone, Copy)]
pub union _ULARGE_INTEGER {
    pub __bindgen_anon_1: _ULARGE_INTEGER__bindgen_ty_1,
    pub u: _ULARGE_INTEGER__bindgen_ty_2,
    pub QuadPart: ULONGLONG,
}
/// Part of [`_ULARGE_INTEGER`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _ULARGE_INTEGER__bindgen_ty_1 {
    pub LowPart: ULONG,
    pub HighPart: ULONG,
}
/// Part of [`_ULARGE_INTEGER`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _ULARGE_INTEGER__bindgen_ty_2 {
    pub LowPart: ULONG,
    pub HighPart: ULONG,
}
pub type ULARGE_INTEGER = _ULARGE_INTEGER;
pub type PULARGE_INTEGER = *mut _ULARGE_INTEGER;

/// `_UNICODE_STRING` (NT).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct _UNICODE_STRING {
    pub Length: USHORT,
    pub MaximumLength: USHORT,
    pub Buffer: PWCH,
}
pub type UNICODE_STRING = _UNICODE_STRING;

layout! {
    _CLIENT_ID: 16, 8 { UniqueProcess: 0, 8; UniqueThread: 8, 8; }
    _EVENT_DATA_DESCRIPTOR: 16, 8 {
        Ptr: 0, 8; Size: 8, 4; __bindgen_anon_1.Reserved: 12, 4;
        __bindgen_anon_1.__bindgen_anon_1.Type: 12, 1; __bindgen_anon_1.__bindgen_anon_1.Reserved1: 13, 1;
        __bindgen_anon_1.__bindgen_anon_1.Reserved2: 14, 2;
    }
    _EVENT_DESCRIPTOR: 16, 8 {
        Id: 0, 2; Version: 2, 1; Channel: 3, 1; Level: 4, 1; Opcode: 5, 1; Task: 6, 2; Keyword: 8, 8;
    }
    _EVENT_FILTER_DESCRIPTOR: 16, 8 { Ptr: 0, 8; Size: 8, 4; Type: 12, 4; }
    _GUID: 16, 4 { Data1: 0, 4; Data2: 4, 2; Data3: 6, 2; Data4: 8, 8; }
    _KEY_VALUE_BASIC_INFORMATION: 16, 4 { TitleIndex: 0, 4; Type: 4, 4; NameLength: 8, 4; Name: 12, 2; }
    _KEY_VALUE_FULL_INFORMATION: 24, 4 {
        TitleIndex: 0, 4; Type: 4, 4; DataOffset: 8, 4; DataLength: 12, 4; NameLength: 16, 4; Name: 20, 2;
    }
    _KEY_VALUE_PARTIAL_INFORMATION: 16, 4 { TitleIndex: 0, 4; Type: 4, 4; DataLength: 8, 4; Data: 12, 1; }
    _LARGE_INTEGER: 8, 8 {
        __bindgen_anon_1.LowPart: 0, 4; __bindgen_anon_1.HighPart: 4, 4; u: 0, 8; u.LowPart: 0, 4;
        u.HighPart: 4, 4; QuadPart: 0, 8;
    }
    _LIST_ENTRY: 16, 8 { Flink: 0, 8; Blink: 8, 8; }
    _OBJECT_ATTRIBUTES: 48, 8 {
        Length: 0, 4; RootDirectory: 8, 8; ObjectName: 16, 8; Attributes: 24, 4; SecurityDescriptor: 32, 8;
        SecurityQualityOfService: 40, 8;
    }
    _OBJECT_HANDLE_INFORMATION: 8, 4 { HandleAttributes: 0, 4; GrantedAccess: 4, 4; }
    _OB_OPERATION_REGISTRATION: 32, 8 {
        ObjectType: 0, 8; Operations: 8, 4; PreOperation: 16, 8; PostOperation: 24, 8;
    }
    _OSVERSIONINFOEXW: 284, 4 {
        dwOSVersionInfoSize: 0, 4; dwMajorVersion: 4, 4; dwMinorVersion: 8, 4; dwBuildNumber: 12, 4;
        dwPlatformId: 16, 4; szCSDVersion: 20, 256; wServicePackMajor: 276, 2; wServicePackMinor: 278, 2;
        wSuiteMask: 280, 2; wProductType: 282, 1; wReserved: 283, 1;
    }
    _OSVERSIONINFOW: 276, 4 {
        dwOSVersionInfoSize: 0, 4; dwMajorVersion: 4, 4; dwMinorVersion: 8, 4; dwBuildNumber: 12, 4;
        dwPlatformId: 16, 4; szCSDVersion: 20, 256;
    }
    _PS_CREATE_NOTIFY_INFO: 72, 8 {
        Size: 0, 8; __bindgen_anon_1.Flags: 8, 4; __bindgen_anon_1.__bindgen_anon_1._bitfield_1: 8, 4;
        ParentProcessId: 16, 8; CreatingThreadId: 24, 16; FileObject: 40, 8; ImageFileName: 48, 8;
        CommandLine: 56, 8; CreationStatus: 64, 4;
    }
    _RTL_BITMAP: 16, 8 { SizeOfBitMap: 0, 4; Buffer: 8, 8; }
    _RTL_QUERY_REGISTRY_TABLE: 56, 8 {
        QueryRoutine: 0, 8; Flags: 8, 4; Name: 16, 8; EntryContext: 24, 8; DefaultType: 32, 4;
        DefaultData: 40, 8; DefaultLength: 48, 4;
    }
    _SINGLE_LIST_ENTRY: 8, 8 { Next: 0, 8; }
    _STRING: 16, 8 { Length: 0, 2; MaximumLength: 2, 2; Buffer: 8, 8; }
    _TIME_FIELDS: 16, 2 {
        Year: 0, 2; Month: 2, 2; Day: 4, 2; Hour: 6, 2; Minute: 8, 2; Second: 10, 2; Milliseconds: 12, 2;
        Weekday: 14, 2;
    }
    _ULARGE_INTEGER: 8, 8 {
        __bindgen_anon_1.LowPart: 0, 4; __bindgen_anon_1.HighPart: 4, 4; u: 0, 8; u.LowPart: 0, 4;
        u.HighPart: 4, 4; QuadPart: 0, 8;
    }
    _UNICODE_STRING: 16, 8 { Length: 0, 2; MaximumLength: 2, 2; Buffer: 8, 8; }
}

zeroed_default! {
    _CLIENT_ID, _EVENT_DATA_DESCRIPTOR, _EVENT_DATA_DESCRIPTOR__bindgen_ty_1,
    _EVENT_DATA_DESCRIPTOR__bindgen_ty_2, _EVENT_DESCRIPTOR, _EVENT_FILTER_DESCRIPTOR, _GUID,
    _KEY_VALUE_BASIC_INFORMATION, _KEY_VALUE_FULL_INFORMATION, _KEY_VALUE_PARTIAL_INFORMATION,
    _LARGE_INTEGER, _LARGE_INTEGER__bindgen_ty_1, _LARGE_INTEGER__bindgen_ty_2, _LIST_ENTRY,
    _OBJECT_ATTRIBUTES, _OBJECT_HANDLE_INFORMATION, _OB_OPERATION_REGISTRATION, _OSVERSIONINFOEXW,
    _OSVERSIONINFOW, _PS_CREATE_NOTIFY_INFO, _PS_CREATE_NOTIFY_INFO__bindgen_ty_1,
    _PS_CREATE_NOTIFY_INFO__bindgen_ty_2, _RTL_QUERY_REGISTRY_TABLE, _SINGLE_LIST_ENTRY, _STRING,
    _TIME_FIELDS, _ULARGE_INTEGER, _ULARGE_INTEGER__bindgen_ty_1, _ULARGE_INTEGER__bindgen_ty_2,
    _UNICODE_STRING,
}
