//! WSK dispatch tables, the provider's and the client's.
use super::*;

/// A client's events of a connection socket.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_CLIENT_CONNECTION_DISPATCH {
    pub WskReceiveEvent: PFN_WSK_RECEIVE_EVENT,
    pub WskDisconnectEvent: PFN_WSK_DISCONNECT_EVENT,
    pub WskSendBacklogEvent: PFN_WSK_SEND_BACKLOG_EVENT,
}
pub type PWSK_CLIENT_CONNECTION_DISPATCH = *mut WSK_CLIENT_CONNECTION_DISPATCH;

/// A client's event of a datagram socket.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_CLIENT_DATAGRAM_DISPATCH {
    pub WskReceiveFromEvent: PFN_WSK_RECEIVE_FROM_EVENT,
}
pub type PWSK_CLIENT_DATAGRAM_DISPATCH = *mut WSK_CLIENT_DATAGRAM_DISPATCH;

/// A client's own table; `Version` is `(major << 8) | minor`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_CLIENT_DISPATCH {
    pub Version: USHORT,
    pub Reserved: USHORT,
    pub WskClientEvent: PFN_WSK_CLIENT_EVENT,
}
pub type PWSK_CLIENT_DISPATCH = *mut WSK_CLIENT_DISPATCH;

/// A client's events of a listening socket.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_CLIENT_LISTEN_DISPATCH {
    pub WskAcceptEvent: PFN_WSK_ACCEPT_EVENT,
    pub WskInspectEvent: PFN_WSK_INSPECT_EVENT,
    pub WskAbortEvent: PFN_WSK_ABORT_EVENT,
}
pub type PWSK_CLIENT_LISTEN_DISPATCH = *mut WSK_CLIENT_LISTEN_DISPATCH;

/// A client's events of a stream socket, in both its roles.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_CLIENT_STREAM_DISPATCH {
    pub Listen: *const WSK_CLIENT_LISTEN_DISPATCH,
    pub Connect: *const WSK_CLIENT_CONNECTION_DISPATCH,
}
pub type PWSK_CLIENT_STREAM_DISPATCH = *mut WSK_CLIENT_STREAM_DISPATCH;

/// Functions of a basic socket, with which every other table starts.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_PROVIDER_BASIC_DISPATCH {
    pub WskControlSocket: PFN_WSK_CONTROL_SOCKET,
    pub WskCloseSocket: PFN_WSK_CLOSE_SOCKET,
}
pub type PWSK_PROVIDER_BASIC_DISPATCH = *mut WSK_PROVIDER_BASIC_DISPATCH;

/// Functions of a connection socket. The table has grown (88 bytes in 1703, this size from 1803): a
/// field beyond the size of the running system's table is not read.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_PROVIDER_CONNECTION_DISPATCH {
    pub WskControlSocket: PFN_WSK_CONTROL_SOCKET,
    pub WskCloseSocket: PFN_WSK_CLOSE_SOCKET,
    pub WskBind: PFN_WSK_BIND,
    pub WskConnect: PFN_WSK_CONNECT,
    pub WskGetLocalAddress: PFN_WSK_GET_LOCAL_ADDRESS,
    pub WskGetRemoteAddress: PFN_WSK_GET_REMOTE_ADDRESS,
    pub WskSend: PFN_WSK_SEND,
    pub WskReceive: PFN_WSK_RECEIVE,
    pub WskDisconnect: PFN_WSK_DISCONNECT,
    pub WskRelease: PFN_WSK_RELEASE_DATA_INDICATION_LIST,
    pub WskConnectEx: PFN_WSK_CONNECT_EX,
    pub WskSendEx: PFN_WSK_SEND_EX,
    pub WskReceiveEx: PFN_WSK_RECEIVE_EX,
}
pub type PWSK_PROVIDER_CONNECTION_DISPATCH = *mut WSK_PROVIDER_CONNECTION_DISPATCH;

/// Functions of a datagram socket.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_PROVIDER_DATAGRAM_DISPATCH {
    pub WskControlSocket: PFN_WSK_CONTROL_SOCKET,
    pub WskCloseSocket: PFN_WSK_CLOSE_SOCKET,
    pub WskBind: PFN_WSK_BIND,
    pub WskSendTo: PFN_WSK_SEND_TO,
    pub WskReceiveFrom: PFN_WSK_RECEIVE_FROM,
    pub WskRelease: PFN_WSK_RELEASE_DATAGRAM_INDICATION_LIST,
    pub WskGetLocalAddress: PFN_WSK_GET_LOCAL_ADDRESS,
    pub WskSendMessages: PFN_WSK_SEND_MESSAGES,
}
pub type PWSK_PROVIDER_DATAGRAM_DISPATCH = *mut WSK_PROVIDER_DATAGRAM_DISPATCH;

/// Functions of a registered client.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_PROVIDER_DISPATCH {
    pub Version: USHORT,
    pub Reserved: USHORT,
    pub WskSocket: PFN_WSK_SOCKET,
    pub WskSocketConnect: PFN_WSK_SOCKET_CONNECT,
    pub WskControlClient: PFN_WSK_CONTROL_CLIENT,
    pub WskGetAddressInfo: PFN_WSK_GET_ADDRESS_INFO,
    pub WskFreeAddressInfo: PFN_WSK_FREE_ADDRESS_INFO,
    pub WskGetNameInfo: PFN_WSK_GET_NAME_INFO,
}
pub type PWSK_PROVIDER_DISPATCH = *mut WSK_PROVIDER_DISPATCH;

/// Functions of a listening socket.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_PROVIDER_LISTEN_DISPATCH {
    pub WskControlSocket: PFN_WSK_CONTROL_SOCKET,
    pub WskCloseSocket: PFN_WSK_CLOSE_SOCKET,
    pub WskBind: PFN_WSK_BIND,
    pub WskAccept: PFN_WSK_ACCEPT,
    pub WskInspectComplete: PFN_WSK_INSPECT_COMPLETE,
    pub WskGetLocalAddress: PFN_WSK_GET_LOCAL_ADDRESS,
}
pub type PWSK_PROVIDER_LISTEN_DISPATCH = *mut WSK_PROVIDER_LISTEN_DISPATCH;

/// Functions of a stream socket (1703 and later; the last two fields from 1803).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct WSK_PROVIDER_STREAM_DISPATCH {
    pub WskControlSocket: PFN_WSK_CONTROL_SOCKET,
    pub WskCloseSocket: PFN_WSK_CLOSE_SOCKET,
    pub WskBind: PFN_WSK_BIND,
    pub WskAccept: PFN_WSK_ACCEPT,
    pub WskConnect: PFN_WSK_CONNECT,
    pub WskListen: PFN_WSK_LISTEN,
    pub WskSend: PFN_WSK_SEND,
    pub WskReceive: PFN_WSK_RECEIVE,
    pub WskDisconnect: PFN_WSK_DISCONNECT,
    pub WskRelease: PFN_WSK_RELEASE_DATA_INDICATION_LIST,
    pub WskGetLocalAddress: PFN_WSK_GET_LOCAL_ADDRESS,
    pub WskGetRemoteAddress: PFN_WSK_GET_REMOTE_ADDRESS,
    pub WskConnectEx: PFN_WSK_CONNECT_EX,
    pub WskSendEx: PFN_WSK_SEND_EX,
    pub WskReceiveEx: PFN_WSK_RECEIVE_EX,
}
pub type PWSK_PROVIDER_STREAM_DISPATCH = *mut WSK_PROVIDER_STREAM_DISPATCH;

layout! {
    WSK_CLIENT_CONNECTION_DISPATCH: 24, 8 {
        WskReceiveEvent: 0, 8; WskDisconnectEvent: 8, 8; WskSendBacklogEvent: 16, 8;
    }
    WSK_CLIENT_DATAGRAM_DISPATCH: 8, 8 { WskReceiveFromEvent: 0, 8; }
    WSK_CLIENT_DISPATCH: 16, 8 { Version: 0, 2; Reserved: 2, 2; WskClientEvent: 8, 8; }
    WSK_CLIENT_LISTEN_DISPATCH: 24, 8 { WskAcceptEvent: 0, 8; WskInspectEvent: 8, 8; WskAbortEvent: 16, 8; }
    WSK_CLIENT_STREAM_DISPATCH: 16, 8 { Listen: 0, 8; Connect: 8, 8; }
    WSK_PROVIDER_BASIC_DISPATCH: 16, 8 { WskControlSocket: 0, 8; WskCloseSocket: 8, 8; }
    WSK_PROVIDER_CONNECTION_DISPATCH: 104, 8 {
        WskControlSocket: 0, 8; WskCloseSocket: 8, 8; WskBind: 16, 8; WskConnect: 24, 8;
        WskGetLocalAddress: 32, 8; WskGetRemoteAddress: 40, 8; WskSend: 48, 8; WskReceive: 56, 8;
        WskDisconnect: 64, 8; WskRelease: 72, 8; WskConnectEx: 80, 8; WskSendEx: 88, 8;
        WskReceiveEx: 96, 8;
    }
    WSK_PROVIDER_DATAGRAM_DISPATCH: 64, 8 {
        WskControlSocket: 0, 8; WskCloseSocket: 8, 8; WskBind: 16, 8; WskSendTo: 24, 8;
        WskReceiveFrom: 32, 8; WskRelease: 40, 8; WskGetLocalAddress: 48, 8; WskSendMessages: 56, 8;
    }
    WSK_PROVIDER_DISPATCH: 56, 8 {
        Version: 0, 2; Reserved: 2, 2; WskSocket: 8, 8; WskSocketConnect: 16, 8; WskControlClient: 24, 8;
        WskGetAddressInfo: 32, 8; WskFreeAddressInfo: 40, 8; WskGetNameInfo: 48, 8;
    }
    WSK_PROVIDER_LISTEN_DISPATCH: 48, 8 {
        WskControlSocket: 0, 8; WskCloseSocket: 8, 8; WskBind: 16, 8; WskAccept: 24, 8;
        WskInspectComplete: 32, 8; WskGetLocalAddress: 40, 8;
    }
    WSK_PROVIDER_STREAM_DISPATCH: 120, 8 {
        WskControlSocket: 0, 8; WskCloseSocket: 8, 8; WskBind: 16, 8; WskAccept: 24, 8; WskConnect: 32, 8;
        WskListen: 40, 8; WskSend: 48, 8; WskReceive: 56, 8; WskDisconnect: 64, 8; WskRelease: 72, 8;
        WskGetLocalAddress: 80, 8; WskGetRemoteAddress: 88, 8; WskConnectEx: 96, 8; WskSendEx: 104, 8;
        WskReceiveEx: 112, 8;
    }
}
