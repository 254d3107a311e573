//! Operations on the host's sockets: tried at once or when the host says that it is time, in order.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::{Arc, Mutex, Once, OnceLock};

use ddk::netio::{MSG_TRUNC, PSOCKADDR};
use ddk::nt;
use ddk::wsk::*;

use super::buffer::Buffer;
use super::irp::Request;
use super::socket::{self, Socket, Ticket};
use super::{address, event, later, lock};
use crate::cpu;

/// What a request asks of a socket.
#[derive(Debug)]
pub(crate) enum Op {
    /// Datagrams to one address.
    SendTo { datagrams: Vec<Buffer>, sent: usize, to: SocketAddr },
    /// One datagram; addresses of the driver's outputs, or 0.
    ReceiveFrom { buffer: Buffer, from: usize, control_length: usize, flags: usize },
    /// Data of a stream, and then the end of it.
    Send { buffer: Buffer, sent: usize, finish: bool },
    /// Data of a stream.
    Receive { buffer: Buffer, received: usize, all: bool, drain: bool },
    /// A connection, and the first data; `whole` if the socket itself is wanted, or nothing of it.
    Connect { to: SocketAddr, started: bool, first: Buffer, sent: usize, whole: bool },
    /// An incoming connection, with the driver's context, table and outputs.
    Accept { context: usize, dispatch: usize, local: usize, remote: usize },
}

impl Op {
    fn is_input(&self) -> bool {
        matches!(self, Self::ReceiveFrom { .. } | Self::Receive { .. } | Self::Accept { .. })
    }
}

struct Pending {
    socket: Arc<Socket>,
    request: Request,
    ticket: Ticket,
    op: Op,
    level: u8,
}

impl Pending {
    /// Completes it on another thread.
    fn complete(self, status: i32, information: u64) {
        let Self { socket, request, ticket, op, level } = self;
        discard_if_failed(&socket, &op, status);
        later::run(level, move || {
            request.complete(status, information);
            drop(ticket);
        });
    }
}

/// A socket that was to come connected or not at all is not there if it does not.
fn discard_if_failed(socket: &Socket, op: &Op, status: i32) {
    if status < 0 && matches!(op, Op::Connect { whole: true, .. }) {
        lock(&socket.state).fd = None;
        socket.remove();
    }
}

static PENDING: Mutex<Vec<Pending>> = Mutex::new(Vec::new());

/// Starts an operation; what the call returns.
pub(crate) fn submit(socket: &Arc<Socket>, request: Request, ticket: Ticket, mut op: Op) -> i32 {
    start();
    let when = later::when();
    let mut pending = lock(&PENDING);
    let first = !pending
        .iter()
        .any(|other| Arc::ptr_eq(&other.socket, socket) && other.op.is_input() == op.is_input());
    if when == later::When::Now
        && first
        && let Some((status, information)) = attempt(socket, &mut op)
    {
        drop(pending);
        discard_if_failed(socket, &op, status);
        request.complete(status, information);
        drop(ticket);
        return status;
    }
    request.pend();
    let level = match when {
        later::When::Now => later::level(),
        later::When::Dispatch => cpu::DISPATCH,
        later::When::Passive => cpu::PASSIVE,
    };
    pending.push(Pending { socket: socket.clone(), request, ticket, op, level });
    drop(pending);
    wake();
    nt::STATUS_PENDING
}

/// Completes everything that waits for `socket` with `status`.
pub(crate) fn cancel_all(socket: &Arc<Socket>, status: i32) {
    cancel_if(status, |pending| Arc::ptr_eq(&pending.socket, socket));
}

/// Cancels the request that has this IRP; false if it does not wait for anything. The IRP's address is not
/// used as a pointer.
pub fn cancel(irp: usize) -> bool {
    cancel_if(nt::STATUS_CANCELLED, |pending| pending.request.irp() == irp) > 0
}

fn cancel_if(status: i32, test: impl Fn(&Pending) -> bool) -> usize {
    let cancelled: Vec<Pending> = lock(&PENDING).extract_if(.., |pending| test(pending)).collect();
    let count = cancelled.len();
    for pending in cancelled {
        pending.complete(status, 0);
    }
    count
}

/// Whether something waits to receive on `socket`: then no event tells of the data (W35).
fn receives(socket: &Arc<Socket>) -> bool {
    lock(&PENDING).iter().any(|pending| Arc::ptr_eq(&pending.socket, socket) && pending.op.is_input())
}

fn start() {
    static START: Once = Once::new();
    START.call_once(|| {
        std::thread::Builder::new().name("netio poll".into()).spawn(thread).expect("a thread for sockets");
    });
}

fn alarm() -> &'static OwnedFd {
    static ALARM: OnceLock<OwnedFd> = OnceLock::new();
    ALARM.get_or_init(|| {
        // SAFETY: a plain system call; the descriptor is new and nobody else's.
        unsafe {
            let fd = libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC);
            assert!(fd >= 0, "no eventfd");
            OwnedFd::from_raw_fd(fd)
        }
    })
}

/// Makes the thread look at requests and events anew.
pub(crate) fn wake() {
    start();
    let one = 1u64;
    // SAFETY: writes eight bytes of this stack to the descriptor.
    unsafe { libc::write(alarm().as_raw_fd(), (&raw const one).cast(), 8) };
}

fn thread() {
    cpu::init();
    loop {
        // New requests may be possible at once, so each round tries before it waits.
        let mut finished = Vec::new();
        {
            let mut pending = lock(&PENDING);
            let mut blocked = BTreeSet::new();
            let mut i = 0;
            while let Some(one) = pending.get_mut(i) {
                let way = (one.socket.address, one.op.is_input());
                let result = if blocked.contains(&way) { None } else { attempt(&one.socket, &mut one.op) };
                match result {
                    Some(result) => finished.push((pending.remove(i), result)),
                    None => {
                        blocked.insert(way);
                        i += 1;
                    }
                }
            }
        }
        for (pending, (status, information)) in finished {
            pending.complete(status, information);
        }
        let mut polled = vec![libc::pollfd { fd: alarm().as_raw_fd(), events: libc::POLLIN, revents: 0 }];
        for one in lock(&PENDING).iter() {
            if let Some(fd) = one.socket.fd() {
                let events = if one.op.is_input() { libc::POLLIN } else { libc::POLLOUT };
                polled.push(libc::pollfd { fd, events, revents: 0 });
            }
        }
        let watched: Vec<(usize, Arc<Socket>)> = socket::all()
            .into_iter()
            .filter(|socket| event::wanted(socket) && !receives(socket))
            .filter_map(|socket| {
                polled.push(libc::pollfd { fd: socket.fd()?, events: libc::POLLIN, revents: 0 });
                Some((polled.len() - 1, socket))
            })
            .collect();
        // SAFETY: the list is as long as stated. A descriptor that is closed meanwhile is reported as invalid.
        unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, -1) };
        let mut count = 0u64;
        // SAFETY: reads eight bytes to this stack; the descriptor does not block.
        unsafe { libc::read(alarm().as_raw_fd(), (&raw mut count).cast(), 8) };
        for (index, socket) in watched {
            if polled[index].revents != 0 && !receives(&socket) {
                event::indicate(&socket);
            }
        }
    }
}

/// What the host's answer `count` means; none if it says "not now".
fn answer(count: isize) -> Option<Result<usize, i32>> {
    if count >= 0 {
        return Some(Ok(count as usize));
    }
    match std::io::Error::last_os_error().raw_os_error() {
        Some(libc::EAGAIN | libc::EINPROGRESS | libc::EALREADY | libc::EINTR) => None,
        Some(libc::EFAULT) => crate::verifier::violation(
            "WV-2",
            "a buffer of a request that is not complete is no accessible memory (W26)",
        ),
        _ => Some(Err(address::last_error())),
    }
}

fn message(pieces: &mut [libc::iovec], name: Option<&mut libc::sockaddr_storage>) -> libc::msghdr {
    // SAFETY: integers and pointers that may be null.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = pieces.as_mut_ptr();
    message.msg_iovlen = pieces.len();
    if let Some(name) = name {
        message.msg_name = (&raw mut *name).cast();
        message.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    }
    message
}

/// Sends what is left of `buffer`; none if the host has no room.
fn send(fd: i32, buffer: &Buffer, sent: usize, to: Option<SocketAddr>) -> Option<Result<usize, i32>> {
    let mut pieces = buffer.rest(sent);
    let mut host = to.map(address::to_host);
    let mut message = message(&mut pieces, host.as_mut().map(|(host, _)| host));
    if let Some((_, length)) = host {
        message.msg_namelen = length;
    }
    // SAFETY: the pieces are memory that the driver has lent until the request is complete; the host reports
    // pieces that it cannot read.
    answer(unsafe { libc::sendmsg(fd, &raw const message, libc::MSG_NOSIGNAL) })
}

/// What one receive has given.
pub(crate) struct Received {
    pub(crate) count: usize,
    pub(crate) from: Option<SocketAddr>,
    pub(crate) truncated: bool,
}

/// Receives into `pieces`; none if nothing is there.
pub(crate) fn receive(fd: i32, pieces: &mut [libc::iovec]) -> Option<Result<Received, i32>> {
    // SAFETY: integers only; zero is valid.
    let mut host: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    let mut message = message(pieces, Some(&mut host));
    // SAFETY: as in `send`, for writing.
    let count = answer(unsafe { libc::recvmsg(fd, &raw mut message, 0) })?;
    let truncated = message.msg_flags & libc::MSG_TRUNC != 0;
    Some(count.map(|count| Received { count, from: address::from_host(&host), truncated }))
}

/// Tries an operation: its status and information, or none if it has to wait.
fn attempt(socket: &Arc<Socket>, op: &mut Op) -> Option<(i32, u64)> {
    let Some(fd) = socket.fd().filter(|_| !lock(&socket.state).dead) else {
        return Some((nt::STATUS_FILE_FORCED_CLOSED, 0));
    };
    match op {
        Op::SendTo { datagrams, sent, to } => {
            while let Some(datagram) = datagrams.get(*sent) {
                if let Err(status) = send(fd, datagram, 0, Some(*to))? {
                    return Some((status, 0));
                }
                *sent += 1;
            }
            Some((nt::STATUS_SUCCESS, datagrams.iter().map(|datagram| datagram.len() as u64).sum()))
        }
        Op::ReceiveFrom { buffer, from, control_length, flags } => {
            let kept = lock(&socket.state).backlog.pop_front();
            let fixed = lock(&socket.state).remote;
            let got = match kept {
                Some((bytes, from)) => {
                    let count = buffer.fill(0, &bytes);
                    Received { count, from, truncated: count < bytes.len() }
                }
                None => loop {
                    let got = match receive(fd, &mut buffer.rest(0))? {
                        Ok(got) => got,
                        Err(status) => return Some((status, 0)),
                    };
                    if fixed.is_none() || got.from == fixed {
                        break got;
                    }
                },
            };
            // SAFETY: the driver's outputs, null or valid until the request is complete.
            unsafe {
                if let Some(address) = got.from {
                    address::write(*from as PSOCKADDR, address);
                }
                if *control_length != 0 {
                    (*control_length as *mut u32).write(0);
                }
                if *flags != 0 {
                    (*flags as *mut u32).write(if got.truncated { MSG_TRUNC } else { 0 });
                }
            }
            let status = if got.truncated { nt::STATUS_BUFFER_OVERFLOW } else { nt::STATUS_SUCCESS };
            Some((status, got.count as u64))
        }
        Op::Send { buffer, sent, finish } => {
            while *sent < buffer.len() {
                match send(fd, buffer, *sent, None)? {
                    Ok(count) => *sent += count,
                    Err(status) => return Some((status, *sent as u64)),
                }
            }
            // SAFETY: the descriptor is the socket's.
            if *finish && unsafe { libc::shutdown(fd, libc::SHUT_WR) } != 0 {
                return Some((address::last_error(), *sent as u64));
            }
            Some((nt::STATUS_SUCCESS, *sent as u64))
        }
        Op::Receive { buffer, received, all, drain } => {
            receive_stream(socket, fd, (buffer, received), *all, *drain)
        }
        Op::Connect { to, started, first, sent, whole } => {
            let (status, sent) = connect(socket, fd, *to, started, (first, sent))?;
            Some((status, if *whole && status >= 0 { socket.address as u64 } else { sent }))
        }
        Op::Accept { context, dispatch, local, remote } => {
            let accepted = match accept(socket, fd, (*context, *dispatch))? {
                Ok(accepted) => accepted,
                Err(status) => return Some((status, 0)),
            };
            // SAFETY: the driver's outputs, null or valid until the request is complete.
            unsafe {
                if let Ok(address) = accepted.local_address() {
                    address::write(*local as PSOCKADDR, address);
                }
                if let Ok(address) = accepted.remote_address() {
                    address::write(*remote as PSOCKADDR, address);
                }
            }
            Some((nt::STATUS_SUCCESS, accepted.address as u64))
        }
    }
}

fn receive_stream(
    socket: &Arc<Socket>,
    fd: i32,
    (buffer, received): (&Buffer, &mut usize),
    all: bool,
    drain: bool,
) -> Option<(i32, u64)> {
    // A receive lets events tell of data again (W38).
    let backlog = {
        let mut state = lock(&socket.state);
        state.held = false;
        std::mem::take(&mut state.backlog)
    };
    if drain {
        let mut waste = [0u8; 4096];
        loop {
            let mut pieces = [libc::iovec { iov_base: waste.as_mut_ptr().cast(), iov_len: waste.len() }];
            match receive(fd, &mut pieces)? {
                Ok(got) if got.count == 0 => return Some((nt::STATUS_SUCCESS, 0)),
                Ok(_) => {}
                Err(status) => return Some((status, 0)),
            }
        }
    }
    for (bytes, from) in backlog {
        let count = buffer.fill(*received, &bytes);
        *received += count;
        if count < bytes.len() {
            lock(&socket.state).backlog.push_back((bytes[count..].to_vec(), from));
        }
    }
    while *received < buffer.len() && (all || *received == 0) {
        match receive(fd, &mut buffer.rest(*received)) {
            Some(Ok(got)) if got.count == 0 => break,
            Some(Ok(got)) => *received += got.count,
            Some(Err(status)) => return Some((status, *received as u64)),
            None => return None,
        }
    }
    Some((nt::STATUS_SUCCESS, *received as u64))
}

fn connect(
    socket: &Arc<Socket>,
    fd: i32,
    to: SocketAddr,
    started: &mut bool,
    (first, sent): (&Buffer, &mut usize),
) -> Option<(i32, u64)> {
    if !lock(&socket.state).connected {
        let (host, length) = address::to_host(to);
        // SAFETY: the address is on this stack. A second call tells how the first one has ended.
        let result = unsafe { libc::connect(fd, (&raw const host).cast(), length) };
        let done = std::mem::replace(started, true)
            && result != 0
            && std::io::Error::last_os_error().raw_os_error() == Some(libc::EISCONN);
        if !done && let Err(status) = answer(result as isize)? {
            return Some((status, 0));
        }
        lock(&socket.state).connected = true;
        wake();
    }
    while *sent < first.len() {
        match send(fd, first, *sent, None)? {
            Ok(count) => *sent += count,
            Err(status) => return Some((status, *sent as u64)),
        }
    }
    Some((nt::STATUS_SUCCESS, *sent as u64))
}

/// Accepts a connection: a connection socket with this context and table; none if none has come.
pub(crate) fn accept(
    socket: &Arc<Socket>,
    fd: i32,
    (context, dispatch): (usize, usize),
) -> Option<Result<Arc<Socket>, i32>> {
    let none = std::ptr::null_mut();
    // SAFETY: a plain system call without outputs.
    let new =
        unsafe { libc::accept4(fd, none, none.cast(), libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC) as isize };
    let new = match answer(new)? {
        // SAFETY: the descriptor is new and nobody else's.
        Ok(new) => unsafe { OwnedFd::from_raw_fd(new as i32) },
        Err(status) => return Some(Err(status)),
    };
    let kind = (socket.family, socket.kind);
    let made =
        Socket::create(&socket.client, WSK_FLAG_CONNECTION_SOCKET, kind, (context, dispatch), Some(new));
    Some(made.inspect(|accepted| {
        let mut state = lock(&accepted.state);
        (state.bound, state.connected) = (true, true);
    }))
}
