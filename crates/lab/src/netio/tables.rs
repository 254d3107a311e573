//! The dispatch tables that drivers get.

use std::ffi::c_void;
use std::sync::OnceLock;

use ddk::wsk::*;

use super::{calls, client};
use crate::verifier;

/// The entry of the function `name` as the table's field type `T`.
fn entry<T>(name: &str) -> T {
    const { assert!(size_of::<T>() == size_of::<usize>()) };
    let mut functions = calls::FUNCTIONS.iter().chain(client::FUNCTIONS);
    let found = functions.find(|export| export.name == name).expect("a function of the tables");
    let address = if verifier::enabled() { found.checked.get() } else { found.bare.get() };
    // SAFETY: `T` is the function pointer type of this very function, which the assertions below state.
    unsafe { std::mem::transmute_copy(&address) }
}

/// States that the lab's functions have the types of the tables' fields.
const _: () = {
    use calls::*;
    use client::{WskControlClient, WskSocket, WskSocketConnect};
    let _: PFN_WSK_CONTROL_SOCKET = Some(WskControlSocket);
    let _: PFN_WSK_CLOSE_SOCKET = Some(WskCloseSocket);
    let _: PFN_WSK_BIND = Some(WskBind);
    let _: PFN_WSK_LISTEN = Some(WskListen);
    let _: PFN_WSK_CONNECT = Some(WskConnect);
    let _: PFN_WSK_CONNECT_EX = Some(WskConnectEx);
    let _: PFN_WSK_GET_LOCAL_ADDRESS = Some(WskGetLocalAddress);
    let _: PFN_WSK_GET_REMOTE_ADDRESS = Some(WskGetRemoteAddress);
    let _: PFN_WSK_SEND = Some(WskSend);
    let _: PFN_WSK_RECEIVE = Some(WskReceive);
    let _: PFN_WSK_DISCONNECT = Some(WskDisconnect);
    let _: PFN_WSK_SEND_TO = Some(WskSendTo);
    let _: PFN_WSK_SEND_MESSAGES = Some(WskSendMessages);
    let _: PFN_WSK_RECEIVE_FROM = Some(WskReceiveFrom);
    let _: PFN_WSK_ACCEPT = Some(WskAccept);
    let _: PFN_WSK_INSPECT_COMPLETE = Some(WskInspectComplete);
    let _: PFN_WSK_SEND_EX = Some(WskSendEx);
    let _: PFN_WSK_RECEIVE_EX = Some(WskReceiveEx);
    let _: PFN_WSK_GET_ADDRESS_INFO = Some(WskGetAddressInfo);
    let _: PFN_WSK_FREE_ADDRESS_INFO = Some(WskFreeAddressInfo);
    let _: PFN_WSK_GET_NAME_INFO = Some(WskGetNameInfo);
    let _: PFN_WSK_SOCKET = Some(WskSocket);
    let _: PFN_WSK_SOCKET_CONNECT = Some(WskSocketConnect);
    let _: PFN_WSK_CONTROL_CLIENT = Some(WskControlClient);
};

/// The two types of WskRelease differ only in what they call the list.
fn release<T>() -> T {
    entry("WskRelease")
}

struct Tables {
    basic: WSK_PROVIDER_BASIC_DISPATCH,
    listen: WSK_PROVIDER_LISTEN_DISPATCH,
    connection: WSK_PROVIDER_CONNECTION_DISPATCH,
    datagram: WSK_PROVIDER_DATAGRAM_DISPATCH,
    stream: WSK_PROVIDER_STREAM_DISPATCH,
    client: WSK_PROVIDER_DISPATCH,
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| Tables {
        basic: WSK_PROVIDER_BASIC_DISPATCH {
            WskControlSocket: entry("WskControlSocket"),
            WskCloseSocket: entry("WskCloseSocket"),
        },
        listen: WSK_PROVIDER_LISTEN_DISPATCH {
            WskControlSocket: entry("WskControlSocket"),
            WskCloseSocket: entry("WskCloseSocket"),
            WskBind: entry("WskBind"),
            WskAccept: entry("WskAccept"),
            WskInspectComplete: entry("WskInspectComplete"),
            WskGetLocalAddress: entry("WskGetLocalAddress"),
        },
        connection: WSK_PROVIDER_CONNECTION_DISPATCH {
            WskControlSocket: entry("WskControlSocket"),
            WskCloseSocket: entry("WskCloseSocket"),
            WskBind: entry("WskBind"),
            WskConnect: entry("WskConnect"),
            WskGetLocalAddress: entry("WskGetLocalAddress"),
            WskGetRemoteAddress: entry("WskGetRemoteAddress"),
            WskSend: entry("WskSend"),
            WskReceive: entry("WskReceive"),
            WskDisconnect: entry("WskDisconnect"),
            WskRelease: release(),
            WskConnectEx: entry("WskConnectEx"),
            WskSendEx: entry("WskSendEx"),
            WskReceiveEx: entry("WskReceiveEx"),
        },
        datagram: WSK_PROVIDER_DATAGRAM_DISPATCH {
            WskControlSocket: entry("WskControlSocket"),
            WskCloseSocket: entry("WskCloseSocket"),
            WskBind: entry("WskBind"),
            WskSendTo: entry("WskSendTo"),
            WskReceiveFrom: entry("WskReceiveFrom"),
            WskRelease: release(),
            WskGetLocalAddress: entry("WskGetLocalAddress"),
            WskSendMessages: entry("WskSendMessages"),
        },
        stream: WSK_PROVIDER_STREAM_DISPATCH {
            WskControlSocket: entry("WskControlSocket"),
            WskCloseSocket: entry("WskCloseSocket"),
            WskBind: entry("WskBind"),
            WskAccept: entry("WskAccept"),
            WskConnect: entry("WskConnect"),
            WskListen: entry("WskListen"),
            WskSend: entry("WskSend"),
            WskReceive: entry("WskReceive"),
            WskDisconnect: entry("WskDisconnect"),
            WskRelease: release(),
            WskGetLocalAddress: entry("WskGetLocalAddress"),
            WskGetRemoteAddress: entry("WskGetRemoteAddress"),
            WskConnectEx: entry("WskConnectEx"),
            WskSendEx: entry("WskSendEx"),
            WskReceiveEx: entry("WskReceiveEx"),
        },
        client: WSK_PROVIDER_DISPATCH {
            Version: client::VERSION,
            Reserved: 0,
            WskSocket: entry("WskSocket"),
            WskSocketConnect: entry("WskSocketConnect"),
            WskControlClient: entry("WskControlClient"),
            WskGetAddressInfo: entry("WskGetAddressInfo"),
            WskFreeAddressInfo: entry("WskFreeAddressInfo"),
            WskGetNameInfo: entry("WskGetNameInfo"),
        },
    })
}

/// The table of a socket's category.
pub(crate) fn provider(category: u32) -> *const c_void {
    let tables = tables();
    match category {
        WSK_FLAG_LISTEN_SOCKET => (&raw const tables.listen).cast(),
        WSK_FLAG_CONNECTION_SOCKET => (&raw const tables.connection).cast(),
        WSK_FLAG_DATAGRAM_SOCKET => (&raw const tables.datagram).cast(),
        WSK_FLAG_STREAM_SOCKET => (&raw const tables.stream).cast(),
        _ => (&raw const tables.basic).cast(),
    }
}

/// The table of a captured provider.
pub(crate) fn client_dispatch() -> *const WSK_PROVIDER_DISPATCH {
    &raw const tables().client
}
