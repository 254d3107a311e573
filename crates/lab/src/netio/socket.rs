//! Sockets: what one is, who uses it now, and its end.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use ddk::netio::{AF_INET, SOCK_DGRAM};
use ddk::nt;
use ddk::wsk::*;

use super::buffer::Lent;
use super::client::Client;
use super::irp::Request;
use super::{address, engine, later, lock, tables};
use crate::pool::{self, Fill};
use crate::verifier::violation;

/// A socket of a driver.
#[derive(Debug)]
pub(crate) struct Socket {
    /// Where its WSK_SOCKET is.
    pub(crate) address: usize,
    pub(crate) client: Arc<Client>,
    pub(crate) category: u32,
    pub(crate) family: u16,
    pub(crate) kind: u16,
    pub(crate) state: Mutex<State>,
    /// Calls into its functions that have not returned (W50).
    executing: AtomicU32,
    creator: usize,
}

/// What changes about a socket.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) fd: Option<OwnedFd>,
    /// The driver's context and dispatch table.
    pub(crate) context: usize,
    pub(crate) dispatch: usize,
    pub(crate) bound: bool,
    /// Bound to the wildcard address, which the host does not see.
    pub(crate) wildcard: bool,
    pub(crate) listening: bool,
    pub(crate) connected: bool,
    /// The transport has taken the socket away (W28).
    pub(crate) dead: bool,
    /// Fixed destination and source, and fixed destination alone.
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) send_to: Option<SocketAddr>,
    /// Enabled events, and those enabled for all sockets of the client.
    pub(crate) events: u32,
    pub(crate) fixed_events: u32,
    /// An event callback runs or is about to.
    pub(crate) indicating: bool,
    /// Data events wait for the driver's next receive (W38).
    pub(crate) held: bool,
    /// The end of the stream was indicated.
    pub(crate) ended: bool,
    /// What was received and not accepted by a callback.
    pub(crate) backlog: VecDeque<(Vec<u8>, Option<SocketAddr>)>,
    /// Indications that the driver keeps, by the address of the list.
    pub(crate) kept: BTreeMap<usize, Lent>,
    /// Requests that are not complete, except the one that closes.
    pub(crate) requests: u32,
    closing: Option<(Request, Ticket)>,
    closed: bool,
    /// Disablings that wait for a running callback.
    pub(crate) disabling: Vec<(Request, Ticket)>,
}

static SOCKETS: Mutex<BTreeMap<usize, Arc<Socket>>> = Mutex::new(BTreeMap::new());
const TAG: u32 = u32::from_le_bytes(*b"WskS");

/// All sockets that are open.
pub(crate) fn all() -> Vec<Arc<Socket>> {
    lock(&SOCKETS).values().cloned().collect()
}

/// A call into a socket's functions that runs.
#[derive(Debug)]
pub(crate) struct Using(pub(crate) Arc<Socket>);

impl Drop for Using {
    fn drop(&mut self) {
        self.0.executing.fetch_sub(1, Ordering::AcqRel);
    }
}

impl std::ops::Deref for Using {
    type Target = Arc<Socket>;
    fn deref(&self) -> &Arc<Socket> {
        &self.0
    }
}

/// One request counted at its client and, unless it closes the socket, at its socket.
#[derive(Debug)]
pub(crate) struct Ticket {
    client: Arc<Client>,
    socket: Option<Arc<Socket>>,
}

impl Ticket {
    pub(crate) fn new(client: &Arc<Client>, socket: Option<&Arc<Socket>>) -> Self {
        client.request_began();
        if let Some(socket) = socket {
            lock(&socket.state).requests += 1;
        }
        Self { client: client.clone(), socket: socket.cloned() }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(socket) = &self.socket {
            lock(&socket.state).requests -= 1;
            socket.finish_close();
        }
        self.client.request_ended();
    }
}

/// Completes a request whose result is there, now or later; what the call returns.
pub(crate) fn settle(request: Request, ticket: Ticket, status: i32, information: u64) -> i32 {
    match later::when() {
        later::When::Now => {
            request.complete(status, information);
            drop(ticket);
            status
        }
        when => {
            request.pend();
            let level =
                if when == later::When::Dispatch { crate::cpu::DISPATCH } else { crate::cpu::PASSIVE };
            later::run(level, move || {
                request.complete(status, information);
                drop(ticket);
            });
            nt::STATUS_PENDING
        }
    }
}

impl Socket {
    /// Makes a socket around `fd`, or a new one of the host.
    pub(crate) fn create(
        client: &Arc<Client>,
        category: u32,
        (family, kind): (u16, u16),
        (context, dispatch): (usize, usize),
        fd: Option<OwnedFd>,
    ) -> Result<Arc<Self>, i32> {
        let fd = match fd {
            Some(fd) => fd,
            None => {
                let host_family = if family == AF_INET { libc::AF_INET } else { libc::AF_INET6 };
                let host_kind = if kind == SOCK_DGRAM { libc::SOCK_DGRAM } else { libc::SOCK_STREAM };
                // SAFETY: a plain system call.
                let fd = unsafe {
                    libc::socket(host_family, host_kind | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, 0)
                };
                if fd < 0 {
                    return Err(address::last_error());
                }
                // SAFETY: the descriptor is new and nobody else's.
                unsafe { OwnedFd::from_raw_fd(fd) }
            }
        };
        let block = pool::lend(size_of::<WSK_SOCKET>(), TAG, Fill::Zero).cast::<WSK_SOCKET>();
        if block.is_null() {
            return Err(nt::STATUS_INSUFFICIENT_RESOURCES);
        }
        // SAFETY: the block was just made for it.
        unsafe { block.write(WSK_SOCKET { Dispatch: tables::provider(category) }) };
        let fixed_events = client.fixed_events();
        let socket = Arc::new(Self {
            address: block as usize,
            client: client.clone(),
            category,
            family,
            kind,
            state: Mutex::new(State { fd: Some(fd), context, dispatch, fixed_events, ..State::default() }),
            executing: AtomicU32::new(0),
            creator: crate::cpu::current_call().map_or(0, |call| call.caller),
        });
        lock(&SOCKETS).insert(socket.address, socket.clone());
        Ok(socket)
    }

    /// The socket that a driver names in a call of `name`; breaks rule WV-4 if it is closed.
    pub(crate) fn enter(name: &str, address: PWSK_SOCKET) -> Using {
        let found = lock(&SOCKETS).get(&(address as usize)).cloned();
        let Some(socket) = found else {
            violation(
                "WV-4",
                &format!("{name} for {}, which is no open socket (W52)", describe(address as usize)),
            );
        };
        if lock(&socket.state).closing() {
            violation("WV-4", &format!("{name} for a socket whose close has begun (W52)"));
        }
        socket.executing.fetch_add(1, Ordering::AcqRel);
        Using(socket)
    }

    /// What it is, in words.
    pub(crate) fn describe(&self) -> String {
        let kind = match self.category {
            WSK_FLAG_BASIC_SOCKET => "basic",
            WSK_FLAG_LISTEN_SOCKET => "listening",
            WSK_FLAG_CONNECTION_SOCKET => "connection",
            WSK_FLAG_DATAGRAM_SOCKET => "datagram",
            _ => "stream",
        };
        format!("a {kind} socket created by {}", crate::verifier::locate(self.creator))
    }

    /// Where the driver's call stood that created it.
    pub(crate) fn creator(&self) -> usize {
        self.creator
    }

    /// Begins to close: no other call may run, and nothing that was indicated may be kept.
    pub(crate) fn close(self: &Arc<Self>, request: Request, ticket: Ticket) -> i32 {
        // The call that closes is one.
        if self.executing.load(Ordering::Acquire) > 1 {
            violation("WV-4", "WskCloseSocket while another call for the socket runs (W50)");
        }
        {
            let mut state = lock(&self.state);
            if !state.kept.is_empty() {
                violation(
                    "WV-4",
                    &format!("WskCloseSocket while {} indication lists are kept (W40)", state.kept.len()),
                );
            }
            request.pend();
            state.closing = Some((request, ticket));
        }
        engine::cancel_all(self, nt::STATUS_CANCELLED);
        self.finish_close();
        nt::STATUS_PENDING
    }

    /// Ends the socket if its close has begun and nothing of it runs any more.
    pub(crate) fn finish_close(self: &Arc<Self>) {
        let closing = {
            let mut state = lock(&self.state);
            if state.requests > 0 || state.indicating {
                return;
            }
            let Some(closing) = state.closing.take() else { return };
            state.closed = true;
            // An abort unless the stream has ended on both sides (W53).
            if let Some(fd) = state.fd.take().filter(|_| state.connected && !state.ended) {
                abort(&fd);
            }
            closing
        };
        self.remove();
        let (request, ticket) = closing;
        later::run(later::level(), move || {
            request.complete(nt::STATUS_SUCCESS, 0);
            drop(ticket);
        });
    }

    /// Takes the socket off the list; its WSK_SOCKET is no memory any more.
    pub(crate) fn remove(&self) {
        lock(&SOCKETS).remove(&self.address);
        pool::take_back(self.address as *mut u8);
    }

    /// The host's descriptor; none once it is closed.
    pub(crate) fn fd(&self) -> Option<i32> {
        lock(&self.state).fd.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// The local address.
    pub(crate) fn local_address(&self) -> Result<SocketAddr, i32> {
        let state = lock(&self.state);
        if !state.bound {
            return Err(nt::STATUS_INVALID_DEVICE_STATE);
        }
        let fd = state.fd.as_ref().ok_or(nt::STATUS_FILE_FORCED_CLOSED)?;
        let mut address = name_of(fd, libc::getsockname)?;
        if state.wildcard {
            address.set_ip(if address.is_ipv4() {
                std::net::Ipv4Addr::UNSPECIFIED.into()
            } else {
                std::net::Ipv6Addr::UNSPECIFIED.into()
            });
        }
        Ok(address)
    }

    /// The address of the peer.
    pub(crate) fn remote_address(&self) -> Result<SocketAddr, i32> {
        let state = lock(&self.state);
        if !state.connected {
            return Err(nt::STATUS_INVALID_CONNECTION);
        }
        name_of(state.fd.as_ref().ok_or(nt::STATUS_FILE_FORCED_CLOSED)?, libc::getpeername)
    }

    /// Binds it on the host.
    pub(crate) fn bind(&self, address: SocketAddr) -> i32 {
        let mut state = lock(&self.state);
        if state.bound {
            return nt::STATUS_ADDRESS_ALREADY_ASSOCIATED;
        }
        let Some(local) = address::local(address) else { return nt::STATUS_INVALID_ADDRESS_COMPONENT };
        let Some(fd) = state.fd.as_ref().map(AsRawFd::as_raw_fd) else {
            return nt::STATUS_FILE_FORCED_CLOSED;
        };
        let (host, length) = address::to_host(local);
        // SAFETY: the descriptor is the socket's, and the address is on this stack.
        unsafe {
            if libc::bind(fd, (&raw const host).cast(), length) != 0 {
                return address::last_error();
            }
            if self.category == WSK_FLAG_LISTEN_SOCKET && libc::listen(fd, 16) != 0 {
                return address::last_error();
            }
        }
        state.listening = self.category == WSK_FLAG_LISTEN_SOCKET;
        state.wildcard = address.ip().is_unspecified();
        state.bound = true;
        nt::STATUS_SUCCESS
    }
}

impl State {
    /// Whether the close has begun.
    pub(crate) fn closing(&self) -> bool {
        self.closing.is_some() || self.closed
    }
}

/// Resets a connection.
pub(crate) fn abort(fd: &OwnedFd) {
    // SAFETY: integers only; zero is valid.
    let mut nobody: libc::sockaddr = unsafe { std::mem::zeroed() };
    nobody.sa_family = libc::AF_UNSPEC as libc::sa_family_t;
    // SAFETY: connecting to nobody resets the connection; the address is on this stack.
    unsafe { libc::connect(fd.as_raw_fd(), &raw const nobody, size_of::<libc::sockaddr>() as u32) };
}

type NameFunction =
    unsafe extern "C" fn(libc::c_int, *mut libc::sockaddr, *mut libc::socklen_t) -> libc::c_int;

fn name_of(fd: &OwnedFd, function: NameFunction) -> Result<SocketAddr, i32> {
    // SAFETY: integers only; zero is valid.
    let mut host: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    // SAFETY: the output is on this stack and as long as stated.
    if unsafe { function(fd.as_raw_fd(), (&raw mut host).cast(), &raw mut length) } != 0 {
        return Err(address::last_error());
    }
    address::from_host(&host).ok_or(nt::STATUS_INVALID_ADDRESS)
}

/// What stands at the address of a socket that is not open.
fn describe(address: usize) -> String {
    match pool::lookup(address) {
        Some(block) if block.tag == TAG => "a socket that was closed".into(),
        _ => format!("{address:#x}"),
    }
}
