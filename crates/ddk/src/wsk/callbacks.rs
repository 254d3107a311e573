//! Types of the functions in the WSK dispatch tables, the provider's and the client's.
use super::*;

callback! {
    /// A connection whose inspection is pending is gone.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_ABORT_EVENT = fn(SocketContext: PVOID, InspectID: PWSK_INSPECT_ID) -> NTSTATUS;
    /// Accepts a connection: the IRP's information is the [`WSK_SOCKET`].
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_ACCEPT = fn(
        ListenSocket: PWSK_SOCKET,
        Flags: ULONG,
        AcceptSocketContext: PVOID,
        AcceptSocketDispatch: *const WSK_CLIENT_CONNECTION_DISPATCH,
        LocalAddress: PSOCKADDR,
        RemoteAddress: PSOCKADDR,
        Irp: PIRP,
    ) -> NTSTATUS;
    /// A connection has come; null for a dead socket.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_ACCEPT_EVENT = fn(
        SocketContext: PVOID,
        Flags: ULONG,
        LocalAddress: PSOCKADDR,
        RemoteAddress: PSOCKADDR,
        AcceptSocket: PWSK_SOCKET,
        AcceptSocketContext: *mut PVOID,
        AcceptSocketDispatch: *mut *const WSK_CLIENT_CONNECTION_DISPATCH,
    ) -> NTSTATUS;
    /// Binds a socket to a local address.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_BIND = fn(
        Socket: PWSK_SOCKET,
        LocalAddress: PSOCKADDR,
        Flags: ULONG,
        Irp: PIRP,
    ) -> NTSTATUS;
    /// A client's event callback; no event exists, so it returns `STATUS_NOT_IMPLEMENTED`.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_CLIENT_EVENT = fn(
        ClientContext: PVOID,
        EventType: ULONG,
        Information: PVOID,
        InformationLength: SIZE_T,
    ) -> NTSTATUS;
    /// Closes a socket; nothing else may be called for it from here on.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_CLOSE_SOCKET = fn(Socket: PWSK_SOCKET, Irp: PIRP) -> NTSTATUS;
    /// Connects a socket.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_CONNECT = fn(
        Socket: PWSK_SOCKET,
        RemoteAddress: PSOCKADDR,
        Flags: ULONG,
        Irp: PIRP,
    ) -> NTSTATUS;
    /// Connects a socket and sends the first data.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_CONNECT_EX = fn(
        Socket: PWSK_SOCKET,
        RemoteAddress: PSOCKADDR,
        Buffer: PWSK_BUF,
        Flags: ULONG,
        Irp: PIRP,
    ) -> NTSTATUS;
    /// Controls a client; whether there is an IRP depends on the code.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_CONTROL_CLIENT = fn(
        Client: PWSK_CLIENT,
        ControlCode: ULONG,
        InputSize: SIZE_T,
        InputBuffer: PVOID,
        OutputSize: SIZE_T,
        OutputBuffer: PVOID,
        OutputSizeReturned: *mut SIZE_T,
        Irp: PIRP,
    ) -> NTSTATUS;
    /// Sets or gets an option of a socket, or passes an I/O control to it.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_CONTROL_SOCKET = fn(
        Socket: PWSK_SOCKET,
        RequestType: WSK_CONTROL_SOCKET_TYPE,
        ControlCode: ULONG,
        Level: ULONG,
        InputSize: SIZE_T,
        InputBuffer: PVOID,
        OutputSize: SIZE_T,
        OutputBuffer: PVOID,
        OutputSizeReturned: *mut SIZE_T,
        Irp: PIRP,
    ) -> NTSTATUS;
    /// Disconnects, gracefully or not, with last data or not.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_DISCONNECT = fn(
        Socket: PWSK_SOCKET,
        Buffer: PWSK_BUF,
        Flags: ULONG,
        Irp: PIRP,
    ) -> NTSTATUS;
    /// The peer has disconnected.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_DISCONNECT_EVENT = fn(SocketContext: PVOID, Flags: ULONG) -> NTSTATUS;
    /// Frees what [`PFN_WSK_GET_ADDRESS_INFO`] gave.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub type PFN_WSK_FREE_ADDRESS_INFO = fn(Client: PWSK_CLIENT, AddrInfo: PADDRINFOEXW);
    /// Resolves a name.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub type PFN_WSK_GET_ADDRESS_INFO = fn(
        Client: PWSK_CLIENT,
        NodeName: PUNICODE_STRING,
        ServiceName: PUNICODE_STRING,
        NameSpace: ULONG,
        Provider: *mut GUID,
        Hints: PADDRINFOEXW,
        Result: *mut PADDRINFOEXW,
        OwningProcess: PEPROCESS,
        OwningThread: PETHREAD,
        Irp: PIRP,
    ) -> NTSTATUS;
    /// The local address of a socket.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_GET_LOCAL_ADDRESS = fn(
        Socket: PWSK_SOCKET,
        LocalAddress: PSOCKADDR,
        Irp: PIRP,
    ) -> NTSTATUS;
    /// Resolves an address.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub type PFN_WSK_GET_NAME_INFO = fn(
        Client: PWSK_CLIENT,
        SockAddr: PSOCKADDR,
        SockAddrLength: ULONG,
        NodeName: PUNICODE_STRING,
        ServiceName: PUNICODE_STRING,
        Flags: ULONG,
        OwningProcess: PEPROCESS,
        OwningThread: PETHREAD,
        Irp: PIRP,
    ) -> NTSTATUS;
    /// The remote address of a socket.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_GET_REMOTE_ADDRESS = fn(
        Socket: PWSK_SOCKET,
        RemoteAddress: PSOCKADDR,
        Irp: PIRP,
    ) -> NTSTATUS;
    /// Answers an inspection that was left pending.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_INSPECT_COMPLETE = fn(
        ListenSocket: PWSK_SOCKET,
        InspectID: PWSK_INSPECT_ID,
        Action: WSK_INSPECT_ACTION,
        Irp: PIRP,
    ) -> NTSTATUS;
    /// A connection asks to come in.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_INSPECT_EVENT = fn(
        SocketContext: PVOID,
        LocalAddress: PSOCKADDR,
        RemoteAddress: PSOCKADDR,
        InspectID: PWSK_INSPECT_ID,
    ) -> WSK_INSPECT_ACTION;
    /// Makes a stream socket listen.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_LISTEN = fn(Socket: PWSK_SOCKET, Irp: PIRP) -> NTSTATUS;
    /// Receives from a connection.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_RECEIVE = fn(
        Socket: PWSK_SOCKET,
        Buffer: PWSK_BUF,
        Flags: ULONG,
        Irp: PIRP,
    ) -> NTSTATUS;
    /// Data has come; null for a dead socket.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_RECEIVE_EVENT = fn(
        SocketContext: PVOID,
        Flags: ULONG,
        DataIndication: PWSK_DATA_INDICATION,
        BytesIndicated: SIZE_T,
        BytesAccepted: *mut SIZE_T,
    ) -> NTSTATUS;
    /// Receives a datagram.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_RECEIVE_FROM = fn(
        Socket: PWSK_SOCKET,
        Buffer: PWSK_BUF,
        Flags: ULONG,
        RemoteAddress: PSOCKADDR,
        ControlLength: PULONG,
        ControlInfo: PCMSGHDR,
        ControlFlags: PULONG,
        Irp: PIRP,
    ) -> NTSTATUS;
    /// Datagrams have come; null for a dead socket.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_RECEIVE_FROM_EVENT = fn(
        SocketContext: PVOID,
        Flags: ULONG,
        DataIndication: PWSK_DATAGRAM_INDICATION,
    ) -> NTSTATUS;
    /// Gives a kept list of indications back, exactly as it was indicated.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_RELEASE_DATAGRAM_INDICATION_LIST = fn(
        Socket: PWSK_SOCKET,
        DatagramIndication: PWSK_DATAGRAM_INDICATION,
    ) -> NTSTATUS;
    /// Gives a kept list of indications back, exactly as it was indicated.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_RELEASE_DATA_INDICATION_LIST = fn(
        Socket: PWSK_SOCKET,
        DataIndication: PWSK_DATA_INDICATION,
    ) -> NTSTATUS;
    /// Sends on a connection.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_SEND = fn(Socket: PWSK_SOCKET, Buffer: PWSK_BUF, Flags: ULONG, Irp: PIRP) -> NTSTATUS;
    /// The ideal amount of data to keep in flight has changed.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_SEND_BACKLOG_EVENT = fn(SocketContext: PVOID, IdealBacklogSize: SIZE_T) -> NTSTATUS;
    /// Sends one datagram for each element of a list.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_SEND_MESSAGES = fn(
        Socket: PWSK_SOCKET,
        BufferList: PWSK_BUF_LIST,
        Flags: ULONG,
        RemoteAddress: PSOCKADDR,
        ControlInfoLength: ULONG,
        ControlInfo: PCMSGHDR,
        Irp: PIRP,
    ) -> NTSTATUS;
    /// Sends a datagram.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_SEND_TO = fn(
        Socket: PWSK_SOCKET,
        Buffer: PWSK_BUF,
        Flags: ULONG,
        RemoteAddress: PSOCKADDR,
        ControlInfoLength: ULONG,
        ControlInfo: PCMSGHDR,
        Irp: PIRP,
    ) -> NTSTATUS;
    /// Creates a socket: the IRP's information is the [`WSK_SOCKET`].
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_SOCKET = fn(
        Client: PWSK_CLIENT,
        AddressFamily: ADDRESS_FAMILY,
        SocketType: USHORT,
        Protocol: ULONG,
        Flags: ULONG,
        SocketContext: PVOID,
        Dispatch: *const c_void,
        OwningProcess: PEPROCESS,
        OwningThread: PETHREAD,
        SecurityDescriptor: PSECURITY_DESCRIPTOR,
        Irp: PIRP,
    ) -> NTSTATUS;
    /// Creates, binds and connects a connection socket.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_SOCKET_CONNECT = fn(
        Client: PWSK_CLIENT,
        SocketType: USHORT,
        Protocol: ULONG,
        LocalAddress: PSOCKADDR,
        RemoteAddress: PSOCKADDR,
        Flags: ULONG,
        SocketContext: PVOID,
        Dispatch: *const WSK_CLIENT_CONNECTION_DISPATCH,
        OwningProcess: PEPROCESS,
        OwningThread: PETHREAD,
        SecurityDescriptor: PSECURITY_DESCRIPTOR,
        Irp: PIRP,
    ) -> NTSTATUS;
    /// Receives from a connection, with control data.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_RECEIVE_EX = fn(
        Socket: PWSK_SOCKET,
        Buffer: PWSK_BUF,
        Flags: ULONG,
        ControlInfoLength: PULONG,
        ControlInfo: PCMSGHDR,
        ControlFlags: PULONG,
        Irp: PIRP,
    ) -> NTSTATUS;
    /// Data has come, with control data.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_RECEIVE_EX_EVENT = fn(
        SocketContext: PVOID,
        Flags: ULONG,
        DataIndication: PWSK_DATA_INDICATION,
        ControlInfo: PCMSGHDR,
        ControlInfoLength: ULONG,
        BytesIndicated: SIZE_T,
        BytesAccepted: *mut SIZE_T,
    ) -> NTSTATUS;
    /// Sends on a connection, with control data.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type PFN_WSK_SEND_EX = fn(
        Socket: PWSK_SOCKET,
        Buffer: PWSK_BUF,
        Flags: ULONG,
        ControlInfoLength: ULONG,
        ControlInfo: PCMSGHDR,
        Irp: PIRP,
    ) -> NTSTATUS;
}
