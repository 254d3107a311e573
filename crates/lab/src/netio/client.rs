//! Clients of WSK: registration, capture of the provider, and the functions of a captured provider.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use ddk::netio::*;
use ddk::nt;
use ddk::wsk::*;

use super::active::{self, Kind};
use super::buffer::Buffer;
use super::engine::{self, Op};
use super::irp::Request;
use super::socket::{self, Socket, Ticket, settle};
use super::{address, event, lock, tables};
use crate::cpu::{DISPATCH, PASSIVE};
use crate::handle;
use crate::verifier::{self, Leak, violation};
use crate::{clock, pool, schedule};

/// The version of WSK that the lab has: 1.0.
pub(crate) const VERSION: u16 = MAKE_WSK_VERSION(1, 0);

/// A registered client.
#[derive(Debug)]
pub(crate) struct Client {
    registration: usize,
    version: u16,
    /// Captures that were not released.
    captures: AtomicU32,
    /// Requests that are not complete.
    requests: AtomicU32,
    ending: AtomicBool,
    fixed_events: AtomicU32,
    /// Requests that wait for a change of the list of transports.
    list_changes: Mutex<Vec<(Request, Ticket)>>,
    creator: usize,
}

impl handle::Object for Client {
    const KIND: &'static str = "WSK client";
}

static CLIENTS: Mutex<BTreeMap<usize, (usize, Arc<Client>)>> = Mutex::new(BTreeMap::new());
static READY: AtomicBool = AtomicBool::new(true);
static HANG_LIMIT: AtomicU64 = AtomicU64::new(10_000);
static FAILURES: Mutex<VecDeque<(String, i32)>> = Mutex::new(VecDeque::new());

/// Lets the subsystem come (or not): while it is away, captures fail or wait.
pub fn set_ready(ready: bool) {
    READY.store(ready, Ordering::Release);
}

/// How long a deregistration may wait before it counts as one that never returns.
pub fn set_hang_limit(limit: Duration) {
    HANG_LIMIT.store(limit.as_millis() as u64, Ordering::Relaxed);
}

/// How long something may wait.
pub(crate) fn hang_limit() -> Duration {
    Duration::from_millis(HANG_LIMIT.load(Ordering::Relaxed))
}

/// Makes the next call of the function `name` of a table fail with `status`.
pub fn fail_next(name: &str, status: i32) {
    lock(&FAILURES).push_back((name.to_owned(), status));
}

/// The status with which a call of `name` is to fail.
pub(crate) fn planned_failure(name: &str) -> Option<i32> {
    let mut failures = lock(&FAILURES);
    let index = failures.iter().position(|(planned, _)| planned == name);
    let planned = index.and_then(|index| failures.remove(index)).map(|(_, status)| status);
    planned.or_else(|| pool::must_fail().then_some(nt::STATUS_INSUFFICIENT_RESOURCES))
}

/// Takes the transport away from every socket: what waits ends with STATUS_FILE_FORCED_CLOSED, and enabled
/// data events get a null indication.
pub fn kill_sockets() {
    for socket in socket::all() {
        lock(&socket.state).dead = true;
        engine::cancel_all(&socket, nt::STATUS_FILE_FORCED_CLOSED);
        event::dead(&socket);
    }
}

impl Client {
    pub(crate) fn request_began(&self) {
        self.requests.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn request_ended(&self) {
        self.requests.fetch_sub(1, Ordering::AcqRel);
    }

    /// Events that are enabled for every socket of the client.
    pub(crate) fn fixed_events(&self) -> u32 {
        self.fixed_events.load(Ordering::Acquire)
    }

    fn sockets(self: &Arc<Self>) -> Vec<Arc<Socket>> {
        socket::all().into_iter().filter(|socket| Arc::ptr_eq(&socket.client, self)).collect()
    }

    /// What keeps the client from ending, in words.
    fn holds(self: &Arc<Self>) -> Vec<String> {
        let mut holds: Vec<String> = self.sockets().iter().map(|socket| socket.describe()).collect();
        let captures = self.captures.load(Ordering::Acquire);
        if captures > 0 {
            holds.push(format!("{captures} captures that were not released"));
        }
        let requests = self.requests.load(Ordering::Acquire);
        if requests > 0 {
            holds.push(format!("{requests} requests that are not complete"));
        }
        holds
    }
}

/// The client of a registration; breaks rule WV-1 if it has none.
fn registered(name: &str, registration: PWSK_REGISTRATION) -> (usize, Arc<Client>) {
    let found = lock(&CLIENTS).get(&(registration as usize)).cloned();
    found.unwrap_or_else(|| {
        violation("WV-1", &format!("{name} for {registration:p}, which is not registered (W2)"))
    })
}

/// The client that a driver names in a call of a captured provider's function.
fn captured(name: &str, client: PWSK_CLIENT) -> Arc<Client> {
    let found = handle::get::<Client>(client);
    let client = found
        .unwrap_or_else(|| violation("WV-1", &format!("{name} for {client:p}, which is no client (W4)")));
    if client.captures.load(Ordering::Acquire) == 0 {
        violation("WV-1", &format!("{name} after the provider was released (W4)"));
    }
    client
}

fn leaks(leaks: &mut Vec<Leak>) {
    for (_, client) in lock(&CLIENTS).values() {
        leaks.push(Leak {
            rule: "WV-1".into(),
            what: format!("the WSK registration at {:#x}", client.registration),
            creator: verifier::locate(client.creator),
        });
    }
    for socket in socket::all() {
        leaks.push(Leak {
            rule: "WV-1".into(),
            what: socket.describe(),
            creator: verifier::locate(socket.creator()),
        });
    }
}

crate::exports! {
    /// Registration and capture.
    pub(super) static EXPORTS: "NETIO.SYS", sig ddk::wsk::sig;

    /// Registers a client.
    irql(PASSIVE..=PASSIVE) fn WskRegister(npi: PWSK_CLIENT_NPI, registration: PWSK_REGISTRATION) -> i32 {
        static CHECK: Once = Once::new();
        CHECK.call_once(|| verifier::on_leak_check(leaks));
        // SAFETY: the driver's structures; a bad pointer faults and is reported.
        let version = unsafe {
            if npi.is_null() || (*npi).Dispatch.is_null() || registration.is_null() {
                violation("L-2", "WskRegister without a client, a dispatch table or a registration");
            }
            (*(*npi).Dispatch).Version
        };
        if lock(&CLIENTS).contains_key(&(registration as usize)) {
            violation("WV-1", &format!("WskRegister with {registration:p}, which is registered already (W2)"));
        }
        if let Some(status) = planned_failure("WskRegister") {
            return status;
        }
        let client = Arc::new(Client {
            registration: registration as usize,
            version,
            captures: AtomicU32::new(0),
            requests: AtomicU32::new(0),
            ending: AtomicBool::new(false),
            fixed_events: AtomicU32::new(0),
            list_changes: Mutex::default(),
            creator: crate::cpu::current_call().map_or(0, |call| call.caller),
        });
        let handle = handle::create(client.clone());
        // SAFETY: as above; the content is the subsystem's own.
        unsafe {
            registration.write(WSK_REGISTRATION {
                ReservedRegistrationState: 1,
                ReservedRegistrationContext: handle,
                ReservedRegistrationLock: 0,
            });
        }
        lock(&CLIENTS).insert(registration as usize, (handle as usize, client));
        nt::STATUS_SUCCESS
    }

    /// Ends a registration.
    irql(PASSIVE..=PASSIVE) fn WskDeregister(registration: PWSK_REGISTRATION) {
        let (handle, client) = registered("WskDeregister", registration);
        if active::inside(|kind| kind == Kind::Wsk) {
            violation("WV-5", "WskDeregister in a WSK callback or completion routine waits for that very call (W36)");
        }
        if client.ending.swap(true, Ordering::AcqRel) {
            violation("WV-1", "WskDeregister twice for one registration (W2)");
        }
        for (request, ticket) in std::mem::take(&mut *lock(&client.list_changes)) {
            request.complete(nt::STATUS_CANCELLED, 0);
            drop(ticket);
        }
        if !schedule::wait(Some(clock::now() + hang_limit()), || client.holds().is_empty()) {
            let holds = client.holds().join(", ");
            violation("WV-1", &format!("WskDeregister never returns: {holds} (W6)"));
        }
        lock(&CLIENTS).remove(&(registration as usize));
        handle::close::<Client>(handle as *const std::ffi::c_void);
        // SAFETY: the registration stays until this function returns (W1).
        unsafe { (*registration).ReservedRegistrationState = 0 };
    }

    /// Captures the provider.
    irql(PASSIVE..=DISPATCH) fn WskCaptureProviderNPI(
        registration: PWSK_REGISTRATION, timeout: u32, npi: PWSK_PROVIDER_NPI
    ) -> i32 {
        if timeout != WSK_NO_WAIT && crate::cpu::irql() != PASSIVE {
            violation("WV-1", "WskCaptureProviderNPI waits above PASSIVE_LEVEL");
        }
        if timeout == WSK_INFINITE_WAIT && verifier::inside(|callback| callback == "DriverEntry") {
            violation("WV-1", "WskCaptureProviderNPI waits without end in DriverEntry (W3)");
        }
        // SAFETY: the driver's registration; a bad pointer faults and is reported.
        if unsafe { (*registration).ReservedRegistrationState } == 0
            && !lock(&CLIENTS).contains_key(&(registration as usize))
        {
            return nt::STATUS_DEVICE_NOT_READY;
        }
        let (handle, client) = registered("WskCaptureProviderNPI", registration);
        if client.version >> 8 != VERSION >> 8 {
            return nt::STATUS_NOINTERFACE;
        }
        if let Some(status) = planned_failure("WskCaptureProviderNPI") {
            return status;
        }
        let deadline = (timeout != WSK_INFINITE_WAIT)
            .then(|| clock::now() + Duration::from_millis(u64::from(timeout)));
        let ending = || client.ending.load(Ordering::Acquire);
        schedule::wait(deadline, || READY.load(Ordering::Acquire) || ending());
        if ending() || !READY.load(Ordering::Acquire) {
            return nt::STATUS_DEVICE_NOT_READY;
        }
        client.captures.fetch_add(1, Ordering::AcqRel);
        let captured = WSK_PROVIDER_NPI { Client: handle as PWSK_CLIENT, Dispatch: tables::client_dispatch() };
        // SAFETY: the driver's output.
        unsafe { npi.write(captured) };
        nt::STATUS_SUCCESS
    }

    /// Releases a captured provider.
    irql(PASSIVE..=DISPATCH) fn WskReleaseProviderNPI(registration: PWSK_REGISTRATION) {
        let (_, client) = registered("WskReleaseProviderNPI", registration);
        let captures = &client.captures;
        if captures.fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| count.checked_sub(1)).is_err() {
            violation("WV-1", "WskReleaseProviderNPI without a capture (W4)");
        }
    }

    /// The versions that the subsystem has.
    irql(PASSIVE..=DISPATCH) fn WskQueryProviderCharacteristics(
        registration: PWSK_REGISTRATION, characteristics: PWSK_PROVIDER_CHARACTERISTICS
    ) -> i32 {
        registered("WskQueryProviderCharacteristics", registration);
        if !READY.load(Ordering::Acquire) {
            return nt::STATUS_DEVICE_NOT_READY;
        }
        // SAFETY: the driver's output.
        unsafe {
            characteristics
                .write(WSK_PROVIDER_CHARACTERISTICS { HighestVersion: VERSION, LowestVersion: VERSION });
        }
        nt::STATUS_SUCCESS
    }
}

/// Whether the lab has sockets of this category, family, type and protocol.
fn known(category: u32, family: u16, kind: u16, protocol: u32) -> bool {
    let datagram = kind == SOCK_DGRAM && protocol == IPPROTO_UDP as u32;
    let stream = kind == SOCK_STREAM && protocol == IPPROTO_TCP as u32;
    (family == AF_INET || family == AF_INET6)
        && match category {
            WSK_FLAG_BASIC_SOCKET => datagram || stream,
            WSK_FLAG_DATAGRAM_SOCKET => datagram,
            WSK_FLAG_LISTEN_SOCKET | WSK_FLAG_CONNECTION_SOCKET | WSK_FLAG_STREAM_SOCKET => stream,
            _ => false,
        }
}

crate::exports! {
    /// The functions of a captured provider; no driver imports them.
    pub(super) static FUNCTIONS: "WSK";

    irql(PASSIVE..=DISPATCH) untyped fn WskSocket(
        client: PWSK_CLIENT, family: u16, kind: u16, protocol: u32, category: u32, context: nt::PVOID,
        dispatch: *const std::ffi::c_void, _process: nt::PEPROCESS, _thread: nt::PETHREAD,
        _security: nt::PSECURITY_DESCRIPTOR, irp: nt::PIRP
    ) -> i32 {
        let client = captured("WskSocket", client);
        let request = Request::take("WskSocket", irp);
        let ticket = Ticket::new(&client, None);
        let basic = category == WSK_FLAG_BASIC_SOCKET && !(dispatch.is_null() && context.is_null());
        let made = match planned_failure("WskSocket") {
            Some(status) => Err(status),
            None if client.ending.load(Ordering::Acquire) => Err(nt::STATUS_DEVICE_NOT_READY),
            None if basic => Err(nt::STATUS_INVALID_PARAMETER),
            None if !known(category, family, kind, protocol) => Err(nt::STATUS_NOT_SUPPORTED),
            None => {
                let driver = (context as usize, dispatch as usize);
                Socket::create(&client, category, (family, kind), driver, None)
            }
        };
        match made {
            Ok(socket) => settle(request, ticket, nt::STATUS_SUCCESS, socket.address as u64),
            Err(status) => settle(request, ticket, status, 0),
        }
    }

    irql(PASSIVE..=DISPATCH) untyped fn WskSocketConnect(
        client: PWSK_CLIENT, kind: u16, protocol: u32, local: PSOCKADDR, remote: PSOCKADDR, flags: u32,
        context: nt::PVOID, dispatch: *const WSK_CLIENT_CONNECTION_DISPATCH, _process: nt::PEPROCESS,
        _thread: nt::PETHREAD, _security: nt::PSECURITY_DESCRIPTOR, irp: nt::PIRP
    ) -> i32 {
        let client = captured("WskSocketConnect", client);
        let request = Request::take("WskSocketConnect", irp);
        // SAFETY: the driver's addresses; a bad pointer faults and is reported.
        let (family, local, to) = unsafe {
            let family = (*remote).sa_family;
            (family, address::read(local, family), address::read(remote, family))
        };
        let made = match (planned_failure("WskSocketConnect"), local, to) {
            (Some(status), ..) => Err(status),
            (None, Some(local), Some(to)) if flags == 0 => {
                if !known(WSK_FLAG_CONNECTION_SOCKET, family, kind, protocol) {
                    Err(nt::STATUS_NOT_SUPPORTED)
                } else if !address::reachable(to) {
                    Err(nt::STATUS_NETWORK_UNREACHABLE)
                } else {
                    let driver = (context as usize, dispatch as usize);
                    Socket::create(&client, WSK_FLAG_CONNECTION_SOCKET, (family, kind), driver, None)
                        .and_then(|socket| match socket.bind(local) {
                            nt::STATUS_SUCCESS => Ok((socket, to)),
                            status => {
                                socket.remove();
                                Err(status)
                            }
                        })
                }
            }
            _ => Err(nt::STATUS_INVALID_PARAMETER),
        };
        match made {
            Ok((socket, to)) => {
                let ticket = Ticket::new(&client, Some(&socket));
                let op = Op::Connect { to, started: false, first: Buffer::default(), sent: 0, whole: true };
                engine::submit(&socket, request, ticket, op)
            }
            Err(status) => settle(request, Ticket::new(&client, None), status, 0),
        }
    }

    irql(PASSIVE..=DISPATCH) untyped fn WskControlClient(
        client: PWSK_CLIENT, code: u32, input_size: nt::SIZE_T, input: nt::PVOID, output_size: nt::SIZE_T,
        output: nt::PVOID, returned: *mut nt::SIZE_T, irp: nt::PIRP
    ) -> i32 {
        let client = captured("WskControlClient", client);
        if code == WSK_TRANSPORT_LIST_CHANGE {
            let request = Request::take("WskControlClient", irp);
            let ticket = Ticket::new(&client, None);
            request.pend();
            lock(&client.list_changes).push((request, ticket));
            return nt::STATUS_PENDING;
        }
        let result = match code {
            WSK_TRANSPORT_LIST_QUERY => transports(output, output_size),
            WSK_SET_STATIC_EVENT_CALLBACKS if !irp.is_null() => Err(nt::STATUS_INVALID_PARAMETER),
            WSK_SET_STATIC_EVENT_CALLBACKS => fix_events(&client, input, input_size),
            WSK_TDI_BEHAVIOR if input_size >= 4 => Ok(0),
            WSK_TDI_BEHAVIOR => Err(nt::STATUS_INVALID_PARAMETER),
            _ => Err(nt::STATUS_NOT_SUPPORTED),
        };
        let (status, length) = result.map_or_else(|status| (status, 0), |length| (nt::STATUS_SUCCESS, length));
        if irp.is_null() {
            if !returned.is_null() {
                // SAFETY: the driver's output, given for a call without an IRP.
                unsafe { returned.write(length) };
            }
            return status;
        }
        settle(Request::take("WskControlClient", irp), Ticket::new(&client, None), status, length)
    }
}

fn fix_events(client: &Arc<Client>, input: nt::PVOID, size: u64) -> Result<u64, i32> {
    if input.is_null() || size < size_of::<WSK_EVENT_CALLBACK_CONTROL>() as u64 {
        return Err(nt::STATUS_INVALID_PARAMETER);
    }
    if !client.sockets().is_empty() {
        violation("WV-3", "WSK_SET_STATIC_EVENT_CALLBACKS after a socket was created (W30)");
    }
    // SAFETY: the driver's input of the stated length.
    let control = unsafe { input.cast::<WSK_EVENT_CALLBACK_CONTROL>().read_unaligned() };
    client.fixed_events.fetch_or(control.EventMask & !WSK_EVENT_DISABLE, Ordering::AcqRel);
    Ok(0)
}

/// Writes the list of transports.
fn transports(output: nt::PVOID, size: u64) -> Result<u64, i32> {
    let mut list = Vec::new();
    for family in [AF_INET, AF_INET6] {
        for (kind, protocol) in [(SOCK_STREAM, IPPROTO_TCP), (SOCK_DGRAM, IPPROTO_UDP)] {
            list.push(WSK_TRANSPORT {
                Version: VERSION,
                SocketType: kind,
                Protocol: protocol as u32,
                AddressFamily: family,
                ProviderId: NPI_WSK_INTERFACE_ID,
            });
        }
    }
    let needed = size_of_val(list.as_slice()) as u64;
    if output.is_null() || size < needed {
        return Err(nt::STATUS_BUFFER_TOO_SMALL);
    }
    // SAFETY: the driver's output has room for the list.
    unsafe { std::ptr::copy_nonoverlapping(list.as_ptr(), output.cast(), list.len()) };
    Ok(needed)
}
