//! Event callbacks of sockets.

use std::sync::Arc;

use ddk::netio::PSOCKADDR;
use ddk::nt;
use ddk::wsk::*;

use super::active::{self, Kind};
use super::buffer::Lent;
use super::engine::{self, Received};
use super::socket::{Socket, State};
use super::{address, later, lock};
use crate::cpu;
use crate::verifier::violation;

/// Calls the driver for a socket, with the flags of the call.
type Job = Box<dyn FnOnce(&Arc<Socket>, u32) + Send>;

/// The largest datagram.
const LARGEST: usize = 65536;

/// Whether an event of the socket is enabled, and no callback of it runs.
pub(crate) fn wanted(socket: &Socket) -> bool {
    wanted_in(socket, &lock(&socket.state))
}

fn wanted_in(socket: &Socket, state: &State) -> bool {
    if state.indicating || state.closing() || state.fd.is_none() || state.dead {
        return false;
    }
    let events = enabled(socket, state);
    match socket.category {
        WSK_FLAG_DATAGRAM_SOCKET => state.bound && events & WSK_EVENT_RECEIVE_FROM != 0,
        _ if state.listening => events & WSK_EVENT_ACCEPT != 0,
        _ => {
            state.connected
                && !state.ended
                && (events & WSK_EVENT_RECEIVE != 0 && !state.held || events & WSK_EVENT_DISCONNECT != 0)
        }
    }
}

/// The events enabled one by one, and those enabled for the whole client that this socket has a callback for.
fn enabled(socket: &Socket, state: &State) -> u32 {
    state.events | state.fixed_events & callbacks(socket.category, state.dispatch)
}

/// The tables of a client behind the pointer that it gave: listening, connection, datagram.
fn tables(
    category: u32,
    dispatch: usize,
) -> (
    *const WSK_CLIENT_LISTEN_DISPATCH,
    *const WSK_CLIENT_CONNECTION_DISPATCH,
    *const WSK_CLIENT_DATAGRAM_DISPATCH,
) {
    let none = (std::ptr::null(), std::ptr::null(), std::ptr::null());
    if dispatch == 0 {
        return none;
    }
    match category {
        WSK_FLAG_LISTEN_SOCKET => (dispatch as *const _, none.1, none.2),
        WSK_FLAG_CONNECTION_SOCKET => (none.0, dispatch as *const _, none.2),
        WSK_FLAG_DATAGRAM_SOCKET => (none.0, none.1, dispatch as *const _),
        WSK_FLAG_STREAM_SOCKET => {
            // SAFETY: the driver's table, which stays as long as the socket.
            let stream = unsafe { (dispatch as *const WSK_CLIENT_STREAM_DISPATCH).read() };
            (stream.Listen, stream.Connect, none.2)
        }
        _ => none,
    }
}

/// The events for which a client's table has a callback.
pub(crate) fn callbacks(category: u32, dispatch: usize) -> u32 {
    let (listen, connection, datagram) = tables(category, dispatch);
    let mut events = 0;
    // SAFETY: the driver's tables, which stay as long as the socket; absent ones are null.
    unsafe {
        if let Some(table) = listen.as_ref()
            && table.WskAcceptEvent.is_some()
        {
            events |= WSK_EVENT_ACCEPT;
        }
        if let Some(table) = connection.as_ref() {
            for (set, event) in [
                (table.WskReceiveEvent.is_some(), WSK_EVENT_RECEIVE),
                (table.WskDisconnectEvent.is_some(), WSK_EVENT_DISCONNECT),
                (table.WskSendBacklogEvent.is_some(), WSK_EVENT_SEND_BACKLOG),
            ] {
                events |= if set { event } else { 0 };
            }
        }
        if let Some(table) = datagram.as_ref()
            && table.WskReceiveFromEvent.is_some()
        {
            events |= WSK_EVENT_RECEIVE_FROM;
        }
    }
    events
}

/// Takes what has come and calls the driver on another thread, one at a time for a socket (W37). What was
/// disabled meanwhile is not told.
pub(crate) fn indicate(socket: &Arc<Socket>) {
    {
        let mut state = lock(&socket.state);
        if !wanted_in(socket, &state) {
            return;
        }
        state.indicating = true;
    }
    let job = read_one(socket);
    let socket = socket.clone();
    match job {
        Some(job) => {
            let level = later::level();
            later::run(level, move || {
                let flags = if level == cpu::DISPATCH { WSK_FLAG_AT_DISPATCH_LEVEL } else { 0 };
                job(&socket, flags);
                indicated(&socket);
            });
        }
        None => later::run(cpu::PASSIVE, move || indicated(&socket)),
    }
}

/// The callback has returned: what waited for that goes on.
fn indicated(socket: &Arc<Socket>) {
    let disabling = {
        let mut state = lock(&socket.state);
        state.indicating = false;
        std::mem::take(&mut state.disabling)
    };
    for (request, ticket) in disabling {
        request.complete(nt::STATUS_SUCCESS, 0);
        drop(ticket);
    }
    socket.finish_close();
    engine::wake();
}

/// Takes what has come; none if it is nothing to tell.
fn read_one(socket: &Arc<Socket>) -> Option<Job> {
    let fd = socket.fd()?;
    if socket.category == WSK_FLAG_DATAGRAM_SOCKET {
        let (bytes, got) = read(fd)?;
        let got = got.ok()?;
        let fixed = lock(&socket.state).remote;
        if fixed.is_some() && fixed != got.from {
            return None;
        }
        return Some(Box::new(move |socket, flags| datagram(socket, flags, bytes, &got)));
    }
    if lock(&socket.state).listening {
        let new = engine::accept(socket, fd, (0, 0))?.ok()?;
        return Some(Box::new(move |socket, flags| accepted(socket, flags, &new)));
    }
    let (bytes, got) = read(fd)?;
    match got {
        Ok(got) if got.count > 0 => Some(Box::new(move |socket, flags| data(socket, flags, bytes))),
        end => Some(Box::new(move |socket, _| ended(socket, end.is_err()))),
    }
}

fn read(fd: i32) -> Option<(Vec<u8>, Result<Received, i32>)> {
    let mut bytes = vec![0u8; LARGEST];
    let mut pieces = [libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() }];
    let got = engine::receive(fd, &mut pieces)?;
    bytes.truncate(got.as_ref().map_or(0, |got| got.count));
    Some((bytes, got))
}

fn datagram(socket: &Arc<Socket>, flags: u32, bytes: Vec<u8>, got: &Received) {
    let (dispatch, context) = table_and_context(socket);
    let (_, _, table) = tables(socket.category, dispatch);
    // SAFETY: the driver's table, which stays as long as the socket.
    let function = unsafe { table.as_ref() }.and_then(|table| table.WskReceiveFromEvent);
    let Some(function) = function else { return };
    let length = address::length(socket.family);
    let (lent, list, beside, buffer) = Lent::new::<WSK_DATAGRAM_INDICATION>(length, &bytes);
    // SAFETY: the block has room for the structure and the address beside it.
    unsafe {
        if let Some(from) = got.from {
            address::write(beside.cast(), from);
        }
        list.write(WSK_DATAGRAM_INDICATION {
            Next: std::ptr::null_mut(),
            Buffer: buffer,
            ControlInfo: std::ptr::null_mut(),
            ControlInfoLength: 0,
            RemoteAddress: beside.cast(),
        });
    }
    keep(socket, list as usize, lent);
    // SAFETY: the driver's callback with its context and an indication that lives until it is done with.
    let status = active::run(Kind::Wsk, "WskReceiveFromEvent", || unsafe {
        function(context as nt::PVOID, flags, list)
    });
    match status {
        nt::STATUS_PENDING => {}
        nt::STATUS_SUCCESS => forget(socket, list as usize),
        nt::STATUS_DATA_NOT_ACCEPTED => {
            forget(socket, list as usize);
            let mut state = lock(&socket.state);
            state.backlog.push_back((bytes, got.from));
            // Only an event that was enabled for this socket is disabled by that (W39).
            state.events &= !WSK_EVENT_RECEIVE_FROM;
        }
        other => wrong("WskReceiveFromEvent", other, "W39"),
    }
}

fn data(socket: &Arc<Socket>, flags: u32, bytes: Vec<u8>) {
    let (dispatch, context) = table_and_context(socket);
    let (_, table, _) = tables(socket.category, dispatch);
    // SAFETY: as above.
    let function = unsafe { table.as_ref() }.and_then(|table| table.WskReceiveEvent);
    let on = enabled(socket, &lock(&socket.state)) & WSK_EVENT_RECEIVE != 0;
    let Some(function) = function.filter(|_| on) else {
        // Only the end of the stream was asked for.
        let mut state = lock(&socket.state);
        state.backlog.push_back((bytes, None));
        return;
    };
    let (lent, list, _, buffer) = Lent::new::<WSK_DATA_INDICATION>(0, &bytes);
    // SAFETY: the block has room for the structure.
    unsafe { list.write(WSK_DATA_INDICATION { Next: std::ptr::null_mut(), Buffer: buffer }) };
    keep(socket, list as usize, lent);
    let length = bytes.len() as u64;
    let mut accepted = length;
    let status = active::run(Kind::Wsk, "WskReceiveEvent", || {
        // SAFETY: as above.
        unsafe { function(context as nt::PVOID, flags, list, length, &raw mut accepted) }
    });
    match status {
        nt::STATUS_PENDING => return,
        nt::STATUS_SUCCESS if accepted > length => violation(
            "WV-3",
            &format!("WskReceiveEvent accepted {accepted} of {length} bytes that were indicated (W38)"),
        ),
        nt::STATUS_SUCCESS => {}
        nt::STATUS_DATA_NOT_ACCEPTED => accepted = 0,
        other => wrong("WskReceiveEvent", other, "W38"),
    }
    forget(socket, list as usize);
    if accepted < length {
        let mut state = lock(&socket.state);
        state.held = true;
        state.backlog.push_back((bytes[accepted as usize..].to_vec(), None));
    }
}

fn ended(socket: &Arc<Socket>, abortive: bool) {
    lock(&socket.state).ended = true;
    let (dispatch, context) = table_and_context(socket);
    let (_, table, _) = tables(socket.category, dispatch);
    let on = enabled(socket, &lock(&socket.state)) & WSK_EVENT_DISCONNECT != 0;
    // SAFETY: as above.
    let function = unsafe { table.as_ref() }.and_then(|table| table.WskDisconnectEvent);
    let Some(function) = function.filter(|_| on) else { return };
    let flags = if abortive { WSK_FLAG_ABORTIVE } else { 0 };
    let status = active::run(Kind::Wsk, "WskDisconnectEvent", || {
        // SAFETY: as above.
        unsafe { function(context as nt::PVOID, flags) }
    });
    if status != nt::STATUS_SUCCESS {
        wrong("WskDisconnectEvent", status, "W42");
    }
}

fn accepted(socket: &Arc<Socket>, flags: u32, new: &Arc<Socket>) {
    let (dispatch, context) = table_and_context(socket);
    let (table, _, _) = tables(socket.category, dispatch);
    // SAFETY: as above.
    let function = unsafe { table.as_ref() }.and_then(|table| table.WskAcceptEvent);
    let Some(function) = function else { return new.remove() };
    let none = std::net::SocketAddr::from(([0, 0, 0, 0], 0));
    let mut local = address::inet(new.local_address().unwrap_or(none));
    let mut remote = address::inet(new.remote_address().unwrap_or(none));
    let (mut new_context, mut new_dispatch) = (std::ptr::null_mut(), std::ptr::null());
    let status = active::run(Kind::Wsk, "WskAcceptEvent", || {
        let (local, remote): (PSOCKADDR, PSOCKADDR) = ((&raw mut local).cast(), (&raw mut remote).cast());
        let outputs = (&raw mut new_context, &raw mut new_dispatch);
        // SAFETY: as above; the addresses and outputs live for the call.
        unsafe {
            function(
                context as nt::PVOID,
                flags,
                local,
                remote,
                new.address as PWSK_SOCKET,
                outputs.0,
                outputs.1,
            )
        }
    });
    match status {
        nt::STATUS_SUCCESS => {
            let inherited = enabled(socket, &lock(&socket.state)) & !WSK_EVENT_ACCEPT;
            let mut state = lock(&new.state);
            state.context = new_context as usize;
            state.dispatch = new_dispatch as usize;
            // Inherited ones cannot be disabled on the new socket (W33).
            state.fixed_events |= inherited;
        }
        nt::STATUS_REQUEST_NOT_ACCEPTED => {
            if let Some(fd) = lock(&new.state).fd.take() {
                super::socket::abort(&fd);
            }
            new.remove();
        }
        other => wrong("WskAcceptEvent", other, "W41"),
    }
}

/// Tells the driver that the transport has taken a socket away (W28).
pub(crate) fn dead(socket: &Arc<Socket>) {
    let (dispatch, context) = table_and_context(socket);
    let events = enabled(socket, &lock(&socket.state));
    lock(&socket.state).indicating = true;
    let (socket, level) = (socket.clone(), later::level());
    later::run(level, move || {
        let flags = if level == cpu::DISPATCH { WSK_FLAG_AT_DISPATCH_LEVEL } else { 0 };
        let (_, connection, datagram) = tables(socket.category, dispatch);
        // SAFETY: as above; a null indication says that the socket is dead.
        unsafe {
            let datagram = datagram.as_ref().and_then(|table| table.WskReceiveFromEvent);
            if let Some(function) = datagram.filter(|_| events & WSK_EVENT_RECEIVE_FROM != 0) {
                active::run(Kind::Wsk, "WskReceiveFromEvent", || {
                    function(context as nt::PVOID, flags, std::ptr::null_mut())
                });
            }
            let connection = connection.as_ref().and_then(|table| table.WskReceiveEvent);
            if let Some(function) = connection.filter(|_| events & WSK_EVENT_RECEIVE != 0) {
                let mut accepted = 0;
                active::run(Kind::Wsk, "WskReceiveEvent", || {
                    function(context as nt::PVOID, flags, std::ptr::null_mut(), 0, &raw mut accepted)
                });
            }
        }
        indicated(&socket);
    });
}

fn wrong(name: &str, status: i32, rule: &str) -> ! {
    violation("WV-3", &format!("{name} returned {status:#x}, which it may not ({rule})"))
}

fn table_and_context(socket: &Socket) -> (usize, usize) {
    let state = lock(&socket.state);
    (state.dispatch, state.context)
}

fn keep(socket: &Socket, list: usize, lent: Lent) {
    lock(&socket.state).kept.insert(list, lent);
}

fn forget(socket: &Socket, list: usize) {
    lock(&socket.state).kept.remove(&list);
}

/// Gives back a list that the driver has kept; breaks rule WV-3 if it is none.
pub(crate) fn release(socket: &Socket, list: usize) -> i32 {
    if lock(&socket.state).kept.remove(&list).is_none() {
        violation("WV-3", &format!("WskRelease of {list:#x}, which is no list that the driver keeps (W40)"));
    }
    nt::STATUS_SUCCESS
}
