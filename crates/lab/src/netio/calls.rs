//! The functions of sockets, behind the dispatch tables.

use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use ddk::netio::{AF_INET, IPPROTO_TCP, PADDRINFOEXW, PCMSGHDR, PSOCKADDR, TCP_NODELAY};
use ddk::nt;
use ddk::wsk::*;

use super::buffer::Buffer;
use super::client;
use super::engine::{self, Op};
use super::irp::Request;
use super::socket::{Socket, Ticket, Using, abort, settle};
use super::{address, event, lock};
use crate::cpu::{DISPATCH, PASSIVE};
use crate::verifier::{self, Finding, violation};

/// A call with an IRP: the socket, the request and its ticket.
fn begin(name: &'static str, socket: PWSK_SOCKET, irp: nt::PIRP) -> (Using, Request, Ticket) {
    let socket = Socket::enter(name, socket);
    let request = Request::take(name, irp);
    let ticket = Ticket::new(&socket.client, Some(&socket));
    (socket, request, ticket)
}

/// What stands against an operation: a dead socket, a planned failure.
fn refuse(name: &str, socket: &Arc<Socket>) -> Option<i32> {
    let dead = lock(&socket.state).dead.then_some(nt::STATUS_FILE_FORCED_CLOSED);
    dead.or_else(|| client::planned_failure(name))
}

/// Starts `op` unless `refused` says why not.
fn start((socket, request, ticket): (Using, Request, Ticket), name: &str, op: Result<Op, i32>) -> i32 {
    match refuse(name, &socket).map_or(op, Err) {
        Ok(op) => engine::submit(&socket, request, ticket, op),
        Err(status) => settle(request, ticket, status, 0),
    }
}

/// The driver's address for `name`, which must be of the socket's family (W14).
fn read_address(name: &str, socket: &Socket, address: PSOCKADDR) -> SocketAddr {
    // SAFETY: the driver's address; a bad pointer faults and is reported.
    let read = if address.is_null() { None } else { unsafe { address::read(address, socket.family) } };
    let expected = if socket.family == AF_INET { "SOCKADDR_IN" } else { "SOCKADDR_IN6" };
    read.unwrap_or_else(|| violation("L-2", &format!("{name} with an address that is no {expected} (W14)")))
}

fn only(flags: u32, allowed: u32) -> Result<(), i32> {
    if flags & !allowed == 0 { Ok(()) } else { Err(nt::STATUS_NOT_SUPPORTED) }
}

fn require(condition: bool, status: i32) -> Result<(), i32> {
    if condition { Ok(()) } else { Err(status) }
}

/// Datagrams to the given or the fixed address.
fn send_to(
    name: &str,
    socket: &Arc<Socket>,
    datagrams: Vec<Buffer>,
    flags: u32,
    to: PSOCKADDR,
) -> Result<Op, i32> {
    only(flags, 0)?;
    let (bound, fixed) = {
        let state = lock(&socket.state);
        (state.bound, state.remote.or(state.send_to))
    };
    require(bound, nt::STATUS_INVALID_DEVICE_STATE)?;
    let to = if to.is_null() {
        fixed.ok_or(nt::STATUS_INVALID_PARAMETER)?
    } else {
        read_address(name, socket, to)
    };
    require(address::reachable(to), nt::STATUS_NETWORK_UNREACHABLE)?;
    Ok(Op::SendTo { datagrams, sent: 0, to })
}

/// A function of the tables that the lab does not model ends the run, as an import that it does not have.
fn absent(name: &str) -> ! {
    let text = format!("{name} is called, which the lab's WSK does not have");
    verifier::stop(verifier::EXIT_UNRESOLVED, Finding::here("UNRESOLVED", &text))
}

crate::exports! {
    /// The functions behind the tables; no driver imports them.
    pub(super) static FUNCTIONS: "WSK";

    irql(PASSIVE..=DISPATCH) untyped fn WskCloseSocket(socket: PWSK_SOCKET, irp: nt::PIRP) -> i32 {
        let socket = Socket::enter("WskCloseSocket", socket);
        let request = Request::take("WskCloseSocket", irp);
        let ticket = Ticket::new(&socket.client, None);
        socket.close(request, ticket)
    }

    irql(PASSIVE..=DISPATCH) untyped fn WskControlSocket(
        socket: PWSK_SOCKET, kind: WSK_CONTROL_SOCKET_TYPE, code: u32, level: u32, input_size: nt::SIZE_T,
        input: nt::PVOID, output_size: nt::SIZE_T, output: nt::PVOID, returned: *mut nt::SIZE_T, irp: nt::PIRP
    ) -> i32 {
        let socket = Socket::enter("WskControlSocket", socket);
        let control = super::control::Control {
            kind, code, level, input_size, input: input as usize, output_size, output: output as usize,
        };
        super::control::socket(&socket, &control, returned, irp)
    }

    irql(PASSIVE..=DISPATCH) untyped fn WskBind(
        socket: PWSK_SOCKET, local: PSOCKADDR, flags: u32, irp: nt::PIRP
    ) -> i32 {
        let (socket, request, ticket) = begin("WskBind", socket, irp);
        let local = read_address("WskBind", &socket, local);
        let status = match refuse("WskBind", &socket) {
            Some(status) => status,
            None if flags != 0 => nt::STATUS_NOT_SUPPORTED,
            None => socket.bind(local),
        };
        engine::wake();
        settle(request, ticket, status, 0)
    }

    irql(PASSIVE..=DISPATCH) untyped fn WskListen(socket: PWSK_SOCKET, irp: nt::PIRP) -> i32 {
        let (socket, request, ticket) = begin("WskListen", socket, irp);
        let status = refuse("WskListen", &socket).unwrap_or_else(|| {
            let mut state = lock(&socket.state);
            let Some(fd) = state.fd.as_ref().map(AsRawFd::as_raw_fd) else { return nt::STATUS_FILE_FORCED_CLOSED };
            if !state.bound || state.connected {
                return nt::STATUS_INVALID_DEVICE_STATE;
            }
            // SAFETY: the descriptor is the socket's.
            if unsafe { libc::listen(fd, 16) } != 0 {
                return address::last_error();
            }
            state.listening = true;
            nt::STATUS_SUCCESS
        });
        engine::wake();
        settle(request, ticket, status, 0)
    }

    irql(PASSIVE..=DISPATCH) untyped fn WskConnect(
        socket: PWSK_SOCKET, remote: PSOCKADDR, flags: u32, irp: nt::PIRP
    ) -> i32 {
        let call = begin("WskConnect", socket, irp);
        let op = connect("WskConnect", &call.0, remote, Buffer::default(), flags);
        start(call, "WskConnect", op)
    }

    irql(PASSIVE..=DISPATCH) untyped fn WskConnectEx(
        socket: PWSK_SOCKET, remote: PSOCKADDR, buffer: PWSK_BUF, flags: u32, irp: nt::PIRP
    ) -> i32 {
        let call = begin("WskConnectEx", socket, irp);
        let op = connect("WskConnectEx", &call.0, remote, Buffer::read("WskConnectEx", buffer), flags);
        start(call, "WskConnectEx", op)
    }

    irql(PASSIVE..=DISPATCH) untyped fn WskGetLocalAddress(
        socket: PWSK_SOCKET, local: PSOCKADDR, irp: nt::PIRP
    ) -> i32 {
        let (socket, request, ticket) = begin("WskGetLocalAddress", socket, irp);
        let result = refuse("WskGetLocalAddress", &socket).map_or_else(|| socket.local_address(), Err);
        give_address(request, ticket, local, result)
    }

    irql(PASSIVE..=DISPATCH) untyped fn WskGetRemoteAddress(
        socket: PWSK_SOCKET, remote: PSOCKADDR, irp: nt::PIRP
    ) -> i32 {
        let (socket, request, ticket) = begin("WskGetRemoteAddress", socket, irp);
        let result = refuse("WskGetRemoteAddress", &socket).map_or_else(|| socket.remote_address(), Err);
        give_address(request, ticket, remote, result)
    }

    irql(PASSIVE..=DISPATCH) untyped fn WskSend(
        socket: PWSK_SOCKET, buffer: PWSK_BUF, flags: u32, irp: nt::PIRP
    ) -> i32 {
        let call = begin("WskSend", socket, irp);
        let buffer = Buffer::read("WskSend", buffer);
        let connected = lock(&call.0.state).connected;
        let op = only(flags, WSK_FLAG_NODELAY)
            .and_then(|()| require(connected, nt::STATUS_INVALID_CONNECTION))
            .map(|()| Op::Send { buffer, sent: 0, finish: false });
        if let (Some(fd), true) = (call.0.fd(), flags & WSK_FLAG_NODELAY != 0) {
            super::control::set_host_option(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, 1);
        }
        start(call, "WskSend", op)
    }

    irql(PASSIVE..=DISPATCH) untyped fn WskReceive(
        socket: PWSK_SOCKET, buffer: PWSK_BUF, flags: u32, irp: nt::PIRP
    ) -> i32 {
        let call = begin("WskReceive", socket, irp);
        let buffer = Buffer::read("WskReceive", buffer);
        let (all, drain) = (flags & WSK_FLAG_WAITALL != 0, flags & WSK_FLAG_DRAIN != 0);
        let connected = lock(&call.0.state).connected;
        let op = only(flags, WSK_FLAG_WAITALL | WSK_FLAG_DRAIN)
            .and_then(|()| require(!drain || !all && buffer.len() == 0, nt::STATUS_INVALID_PARAMETER))
            .and_then(|()| require(connected, nt::STATUS_INVALID_CONNECTION))
            .map(|()| Op::Receive { buffer, received: 0, all, drain });
        start(call, "WskReceive", op)
    }

    irql(PASSIVE..=DISPATCH) untyped fn WskDisconnect(
        socket: PWSK_SOCKET, buffer: PWSK_BUF, flags: u32, irp: nt::PIRP
    ) -> i32 {
        let call = begin("WskDisconnect", socket, irp);
        let buffer = Buffer::read("WskDisconnect", buffer);
        let abortive = flags & WSK_FLAG_ABORTIVE != 0;
        let connected = lock(&call.0.state).connected;
        let checked = only(flags, WSK_FLAG_ABORTIVE)
            .and_then(|()| require(!abortive || buffer.len() == 0, nt::STATUS_INVALID_PARAMETER))
            .and_then(|()| require(connected, nt::STATUS_INVALID_CONNECTION));
        if abortive && checked.is_ok() {
            let (socket, request, ticket) = call;
            engine::cancel_all(&socket, nt::STATUS_CONNECTION_ABORTED);
            let mut state = lock(&socket.state);
            if let Some(fd) = &state.fd {
                abort(fd);
            }
            (state.connected, state.ended) = (false, true);
            drop(state);
            return settle(request, ticket, nt::STATUS_SUCCESS, 0);
        }
        start(call, "WskDisconnect", checked.map(|()| Op::Send { buffer, sent: 0, finish: true }))
    }

    irql(PASSIVE..=DISPATCH) untyped fn WskRelease(socket: PWSK_SOCKET, list: nt::PVOID) -> i32 {
        event::release(&Socket::enter("WskRelease", socket), list as usize)
    }

    irql(PASSIVE..=DISPATCH) untyped fn WskSendTo(
        socket: PWSK_SOCKET, buffer: PWSK_BUF, flags: u32, remote: PSOCKADDR, control_length: u32,
        _control: PCMSGHDR, irp: nt::PIRP
    ) -> i32 {
        let call = begin("WskSendTo", socket, irp);
        let op = require(control_length == 0, nt::STATUS_NOT_SUPPORTED).and_then(|()| {
            send_to("WskSendTo", &call.0, vec![Buffer::read("WskSendTo", buffer)], flags, remote)
        });
        start(call, "WskSendTo", op)
    }

    irql(PASSIVE..=DISPATCH) untyped fn WskSendMessages(
        socket: PWSK_SOCKET, list: PWSK_BUF_LIST, flags: u32, remote: PSOCKADDR, control_length: u32,
        _control: PCMSGHDR, irp: nt::PIRP
    ) -> i32 {
        let call = begin("WskSendMessages", socket, irp);
        let (mut datagrams, mut next) = (Vec::new(), list);
        while !next.is_null() {
            // SAFETY: the driver's list; a bad pointer faults and is reported.
            let element = unsafe { next.read() };
            datagrams.push(Buffer::of("WskSendMessages", element.Buffer));
            next = element.Next;
        }
        let op = require(control_length == 0, nt::STATUS_NOT_SUPPORTED)
            .and_then(|()| send_to("WskSendMessages", &call.0, datagrams, flags, remote));
        start(call, "WskSendMessages", op)
    }

    irql(PASSIVE..=DISPATCH) untyped fn WskReceiveFrom(
        socket: PWSK_SOCKET, buffer: PWSK_BUF, flags: u32, remote: PSOCKADDR, control_length: nt::PULONG,
        _control: PCMSGHDR, control_flags: nt::PULONG, irp: nt::PIRP
    ) -> i32 {
        let call = begin("WskReceiveFrom", socket, irp);
        let buffer = Buffer::read("WskReceiveFrom", buffer);
        let bound = lock(&call.0.state).bound;
        let op = only(flags, 0)
            .and_then(|()| require(bound, nt::STATUS_INVALID_DEVICE_STATE))
            .map(|()| Op::ReceiveFrom {
                buffer,
                from: remote as usize,
                control_length: control_length as usize,
                flags: control_flags as usize,
            });
        start(call, "WskReceiveFrom", op)
    }

    irql(PASSIVE..=DISPATCH) untyped fn WskAccept(
        socket: PWSK_SOCKET, flags: u32, context: nt::PVOID, dispatch: *const WSK_CLIENT_CONNECTION_DISPATCH,
        local: PSOCKADDR, remote: PSOCKADDR, irp: nt::PIRP
    ) -> i32 {
        let call = begin("WskAccept", socket, irp);
        let listening = lock(&call.0.state).listening;
        let op = only(flags, 0)
            .and_then(|()| require(listening, nt::STATUS_INVALID_DEVICE_STATE))
            .map(|()| Op::Accept {
                context: context as usize,
                dispatch: dispatch as usize,
                local: local as usize,
                remote: remote as usize,
            });
        start(call, "WskAccept", op)
    }

    irql(PASSIVE..=DISPATCH) untyped fn WskInspectComplete(
        socket: PWSK_SOCKET, id: PWSK_INSPECT_ID, _action: WSK_INSPECT_ACTION, _irp: nt::PIRP
    ) -> i32 {
        // SO_CONDITIONAL_ACCEPT is refused, so no inspection is ever pending.
        let _socket = Socket::enter("WskInspectComplete", socket);
        violation("WV-3", &format!("WskInspectComplete for {id:p}, which no WskInspectEvent has left pending (W42)"))
    }

    irql(PASSIVE..=DISPATCH) untyped fn WskSendEx(
        _socket: PWSK_SOCKET, _buffer: PWSK_BUF, _flags: u32, _control_length: u32, _control: PCMSGHDR,
        _irp: nt::PIRP
    ) -> i32 {
        absent("WskSendEx")
    }

    irql(PASSIVE..=DISPATCH) untyped fn WskReceiveEx(
        _socket: PWSK_SOCKET, _buffer: PWSK_BUF, _flags: u32, _control_length: nt::PULONG, _control: PCMSGHDR,
        _control_flags: nt::PULONG, _irp: nt::PIRP
    ) -> i32 {
        absent("WskReceiveEx")
    }

    irql(PASSIVE..=PASSIVE) untyped fn WskGetAddressInfo(
        _client: PWSK_CLIENT, _node: nt::PUNICODE_STRING, _service: nt::PUNICODE_STRING, _space: u32,
        _provider: *mut nt::GUID, _hints: PADDRINFOEXW, _result: *mut PADDRINFOEXW, _process: nt::PEPROCESS,
        _thread: nt::PETHREAD, _irp: nt::PIRP
    ) -> i32 {
        absent("WskGetAddressInfo")
    }

    irql(PASSIVE..=PASSIVE) untyped fn WskFreeAddressInfo(_client: PWSK_CLIENT, _list: PADDRINFOEXW) {
        absent("WskFreeAddressInfo")
    }

    irql(PASSIVE..=PASSIVE) untyped fn WskGetNameInfo(
        _client: PWSK_CLIENT, _address: PSOCKADDR, _length: u32, _node: nt::PUNICODE_STRING,
        _service: nt::PUNICODE_STRING, _flags: u32, _process: nt::PEPROCESS, _thread: nt::PETHREAD,
        _irp: nt::PIRP
    ) -> i32 {
        absent("WskGetNameInfo")
    }
}

fn connect(
    name: &str,
    socket: &Arc<Socket>,
    remote: PSOCKADDR,
    first: Buffer,
    flags: u32,
) -> Result<Op, i32> {
    let to = read_address(name, socket, remote);
    only(flags, 0)?;
    let state = lock(&socket.state);
    require(state.bound && !state.listening, nt::STATUS_INVALID_DEVICE_STATE)?;
    require(!state.connected, nt::STATUS_CONNECTION_ACTIVE)?;
    require(address::reachable(to), nt::STATUS_NETWORK_UNREACHABLE)?;
    Ok(Op::Connect { to, started: false, first, sent: 0, whole: false })
}

fn give_address(request: Request, ticket: Ticket, to: PSOCKADDR, result: Result<SocketAddr, i32>) -> i32 {
    let status = match result {
        Ok(address) => {
            // SAFETY: the driver's output, valid until the request is complete.
            unsafe { address::write(to, address) };
            nt::STATUS_SUCCESS
        }
        Err(status) => status,
    };
    settle(request, ticket, status, 0)
}

const _: () = assert!(TCP_NODELAY as i32 == libc::TCP_NODELAY && IPPROTO_TCP == libc::IPPROTO_TCP);
