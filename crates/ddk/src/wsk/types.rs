//! WSK registration, sockets, buffers and indications.
use super::*;

pub type PWSK_CLIENT = PVOID;
pub type PWSK_INSPECT_ID = *mut WSK_INSPECT_ID;
pub type PWSK_SOCKET = *mut WSK_SOCKET;
pub type PWSK_BUF = *mut WSK_BUF;
pub type PWSK_DATA_INDICATION = *mut WSK_DATA_INDICATION;
pub type PWSK_DATAGRAM_INDICATION = *mut WSK_DATAGRAM_INDICATION;
pub type PWSK_BUF_LIST = *mut WSK_BUF_LIST;
pub type PWSK_CLIENT_NPI = *mut WSK_CLIENT_NPI;
pub type PWSK_REGISTRATION = *mut WSK_REGISTRATION;
pub type PWSK_PROVIDER_NPI = *mut WSK_PROVIDER_NPI;
pub type PWSK_PROVIDER_CHARACTERISTICS = *mut WSK_PROVIDER_CHARACTERISTICS;

/// A range of an MDL chain; `Offset` lies inside the first MDL.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_BUF {
    pub Mdl: PMDL,
    pub Offset: ULONG,
    pub Length: SIZE_T,
}

/// `WSK_BUF_LIST` (socket).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_BUF_LIST {
    pub Next: *mut WSK_BUF_LIST,
    pub Buffer: WSK_BUF,
}

/// What a client registers; only what it points to must stay.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_CLIENT_NPI {
    pub ClientContext: PVOID,
    pub Dispatch: *const WSK_CLIENT_DISPATCH,
}

/// Received datagrams; kept ones go back through `WskRelease`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_DATAGRAM_INDICATION {
    pub Next: *mut WSK_DATAGRAM_INDICATION,
    pub Buffer: WSK_BUF,
    pub ControlInfo: PCMSGHDR,
    pub ControlInfoLength: ULONG,
    pub RemoteAddress: PSOCKADDR,
}

/// Received stream data; kept ones go back through `WskRelease`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_DATA_INDICATION {
    pub Next: *mut WSK_DATA_INDICATION,
    pub Buffer: WSK_BUF,
}

/// `WSK_EVENT_CALLBACK_CONTROL` (socket).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_EVENT_CALLBACK_CONTROL {
    pub NpiId: PNPIID,
    pub EventMask: ULONG,
}
pub type PWSK_EVENT_CALLBACK_CONTROL = *mut WSK_EVENT_CALLBACK_CONTROL;

/// `WSK_INSPECT_ID` (socket).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_INSPECT_ID {
    pub Key: ULONG_PTR,
    pub SerialNumber: ULONG,
}

/// `WSK_PROVIDER_CHARACTERISTICS` (socket).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_PROVIDER_CHARACTERISTICS {
    pub HighestVersion: USHORT,
    pub LowestVersion: USHORT,
}

/// What a client captures.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_PROVIDER_NPI {
    pub Client: PWSK_CLIENT,
    pub Dispatch: *const WSK_PROVIDER_DISPATCH,
}

/// Storage of a registration; its content belongs to the subsystem.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_REGISTRATION {
    pub ReservedRegistrationState: ULONGLONG,
    pub ReservedRegistrationContext: PVOID,
    pub ReservedRegistrationLock: KSPIN_LOCK,
}

/// A socket; `Dispatch` is the table of the socket's category.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_SOCKET {
    pub Dispatch: *const c_void,
}

/// `WSK_TRANSPORT` (socket).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_TRANSPORT {
    pub Version: USHORT,
    pub SocketType: USHORT,
    pub Protocol: ULONG,
    pub AddressFamily: ADDRESS_FAMILY,
    pub ProviderId: GUID,
}
pub type PWSK_TRANSPORT = *mut WSK_TRANSPORT;

/// `WSK_CONTROL_SOCKET_TYPE` (socket).
pub type WSK_CONTROL_SOCKET_TYPE = i32;
pub const WskSetOption: WSK_CONTROL_SOCKET_TYPE = 0;
pub const WskGetOption: WSK_CONTROL_SOCKET_TYPE = 1;
pub const WskIoctl: WSK_CONTROL_SOCKET_TYPE = 2;
pub const WskControlMax: WSK_CONTROL_SOCKET_TYPE = 3;

/// `WSK_INSPECT_ACTION` (socket).
pub type WSK_INSPECT_ACTION = i32;
pub const WskInspectReject: WSK_INSPECT_ACTION = 0;
pub const WskInspectAccept: WSK_INSPECT_ACTION = 1;
pub const WskInspectPend: WSK_INSPECT_ACTION = 2;
pub const WskInspectMax: WSK_INSPECT_ACTION = 3;

layout! {
    WSK_BUF: 24, 8 { Mdl: 0, 8; Offset: 8, 4; Length: 16, 8; }
    WSK_BUF_LIST: 32, 8 { Next: 0, 8; Buffer: 8, 24; }
    WSK_CLIENT_NPI: 16, 8 { ClientContext: 0, 8; Dispatch: 8, 8; }
    WSK_DATAGRAM_INDICATION: 56, 8 {
        Next: 0, 8; Buffer: 8, 24; ControlInfo: 32, 8; ControlInfoLength: 40, 4; RemoteAddress: 48, 8;
    }
    WSK_DATA_INDICATION: 32, 8 { Next: 0, 8; Buffer: 8, 24; }
    WSK_EVENT_CALLBACK_CONTROL: 16, 8 { NpiId: 0, 8; EventMask: 8, 4; }
    WSK_INSPECT_ID: 16, 8 { Key: 0, 8; SerialNumber: 8, 4; }
    WSK_PROVIDER_CHARACTERISTICS: 4, 2 { HighestVersion: 0, 2; LowestVersion: 2, 2; }
    WSK_PROVIDER_NPI: 16, 8 { Client: 0, 8; Dispatch: 8, 8; }
    WSK_REGISTRATION: 24, 8 {
        ReservedRegistrationState: 0, 8; ReservedRegistrationContext: 8, 8;
        ReservedRegistrationLock: 16, 8;
    }
    WSK_SOCKET: 8, 8 { Dispatch: 0, 8; }
    WSK_TRANSPORT: 28, 4 {
        Version: 0, 2; SocketType: 2, 2; Protocol: 4, 4; AddressFamily: 8, 2; ProviderId: 12, 16;
    }
}
