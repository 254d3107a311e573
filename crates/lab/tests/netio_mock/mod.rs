//! A WSK client in host Rust: IRPs, buffers and the steps that every client takes.
#![allow(dead_code, reason = "not every test binary uses all of it")]

use std::ffi::c_void;
use std::net::SocketAddr;
use std::ptr::null_mut;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use ddk::inline::IoSetCompletionRoutine;
use ddk::netio::*;
use ddk::nt::*;
use ddk::wsk::*;
use lab::Machine;

pub(crate) const TAG: u32 = u32::from_le_bytes(*b"Test");

/// The checked entry of an export, as a driver is bound to it.
pub(crate) fn export(name: &str) -> usize {
    let mut exports: Vec<_> = lab::ntoskrnl::exports();
    exports.extend(lab::netio::exports());
    let found = exports.into_iter().flatten().find(|export| export.name == name);
    found.unwrap_or_else(|| panic!("no export {name}")).checked.get()
}

/// Calls an export by its path of signatures, with the type that the driver's bindings declare.
macro_rules! call {
    ($($path:ident)::+, $name:ident($($arg:expr),* $(,)?)) => {
        // SAFETY: the export has this type, which its declaration asserts; the tests break contracts on purpose.
        unsafe {
            std::mem::transmute::<usize, ddk::$($path)::+::sig::$name>(
                $crate::netio_mock::export(stringify!($name)),
            )($($arg),*)
        }
    };
}

pub(crate) use call;

/// How a request ended: status, information, and the IRQL of its completion routine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) status: i32,
    pub(crate) information: u64,
    pub(crate) irql: u8,
}

/// An IRP of the driver's own and how it ended.
pub(crate) struct Request {
    pub(crate) irp: PIRP,
    end: Arc<(Mutex<Option<End>>, Condvar)>,
}

unsafe extern "win64" fn completed(_: PDEVICE_OBJECT, irp: PIRP, context: PVOID) -> i32 {
    // SAFETY: the context is the pair of the request, which lives as long as the IRP.
    unsafe {
        let (end, changed) = &*context.cast::<(Mutex<Option<End>>, Condvar)>();
        let status = (*irp).IoStatus.__bindgen_anon_1.Status;
        let information = (*irp).IoStatus.Information;
        *end.lock().unwrap() = Some(End { status, information, irql: lab::cpu::irql() });
        changed.notify_all();
    }
    STATUS_MORE_PROCESSING_REQUIRED
}

/// An IRP with one stack location and no completion routine.
pub(crate) fn irp() -> PIRP {
    let size = size_of::<IRP>() + size_of::<IO_STACK_LOCATION>();
    let irp: PIRP = call!(nt::ntddk, ExAllocatePool2(0x40, size as u64, TAG)).cast();
    // SAFETY: the block has room for the IRP and its location, and is zero.
    unsafe {
        (*irp).StackCount = 1;
        (*irp).CurrentLocation = 2;
        let end = irp.add(1).cast::<IO_STACK_LOCATION>().add(1);
        (*irp).Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation = end;
    }
    irp
}

/// Sets a completion routine for all ends.
pub(crate) fn complete_with(irp: PIRP, routine: PIO_COMPLETION_ROUTINE, context: PVOID) {
    // SAFETY: the IRP has a next location.
    unsafe { IoSetCompletionRoutine(irp, routine, context, true, true, true) }
}

impl Request {
    pub(crate) fn new() -> Self {
        let end = Arc::new((Mutex::new(None), Condvar::new()));
        let irp = irp();
        complete_with(irp, Some(completed), Arc::as_ptr(&end).cast_mut().cast());
        Self { irp, end }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.end.0.lock().unwrap().is_some()
    }

    pub(crate) fn wait(self) -> End {
        let mut end = self.end.0.lock().unwrap();
        while end.is_none() {
            let (next, timeout) = self.end.1.wait_timeout(end, Duration::from_secs(20)).unwrap();
            assert!(!timeout.timed_out(), "a request does not complete");
            end = next;
        }
        let result = end.unwrap();
        drop(end);
        call!(nt::ntddk, ExFreePoolWithTag(self.irp.cast(), TAG));
        result
    }
}

/// Makes a call with an IRP and waits for its end, which the call's result must not contradict.
pub(crate) fn request(body: impl FnOnce(PIRP) -> i32) -> End {
    let request = Request::new();
    let returned = body(request.irp);
    let end = request.wait();
    assert!(returned == STATUS_PENDING || returned == end.status, "{returned:#x} against {end:x?}");
    end
}

/// A client with a captured provider.
pub(crate) struct Client {
    pub(crate) registration: *mut WSK_REGISTRATION,
    pub(crate) npi: WSK_PROVIDER_NPI,
}

static DISPATCH: WSK_CLIENT_DISPATCH =
    WSK_CLIENT_DISPATCH { Version: MAKE_WSK_VERSION(1, 0), Reserved: 0, WskClientEvent: None };

/// Registers a client; its registration.
pub(crate) fn register(registration: *mut WSK_REGISTRATION) -> i32 {
    let mut npi = WSK_CLIENT_NPI { ClientContext: null_mut(), Dispatch: &raw const DISPATCH };
    call!(wsk, WskRegister(&raw mut npi, registration))
}

pub(crate) fn registration() -> *mut WSK_REGISTRATION {
    // SAFETY: integers and a nullable pointer.
    Box::into_raw(Box::new(unsafe { std::mem::zeroed() }))
}

pub(crate) fn capture(registration: *mut WSK_REGISTRATION, timeout: u32) -> Result<WSK_PROVIDER_NPI, i32> {
    // SAFETY: nullable pointers.
    let mut npi: WSK_PROVIDER_NPI = unsafe { std::mem::zeroed() };
    match call!(wsk, WskCaptureProviderNPI(registration, timeout, &raw mut npi)) {
        STATUS_SUCCESS => Ok(npi),
        status => Err(status),
    }
}

impl Client {
    pub(crate) fn new() -> Self {
        let registration = registration();
        assert_eq!(register(registration), STATUS_SUCCESS);
        let npi = capture(registration, WSK_NO_WAIT).unwrap();
        Self { registration, npi }
    }

    pub(crate) fn end(self) {
        call!(wsk, WskReleaseProviderNPI(self.registration));
        call!(wsk, WskDeregister(self.registration));
    }

    /// Creates a socket of a category.
    pub(crate) fn socket(
        &self,
        category: u32,
        family: u16,
        dispatch: *const c_void,
        context: usize,
    ) -> PWSK_SOCKET {
        let end = self.try_socket(category, family, dispatch, context);
        assert_eq!(end.status, STATUS_SUCCESS);
        end.information as PWSK_SOCKET
    }

    pub(crate) fn try_socket(
        &self,
        category: u32,
        family: u16,
        dispatch: *const c_void,
        context: usize,
    ) -> End {
        let datagram = category == WSK_FLAG_DATAGRAM_SOCKET;
        let kind = if datagram { SOCK_DGRAM } else { SOCK_STREAM };
        let protocol = if datagram { IPPROTO_UDP } else { IPPROTO_TCP } as u32;
        // SAFETY: the captured provider's table.
        let create = unsafe { (*self.npi.Dispatch).WskSocket }.unwrap();
        request(|irp| {
            let (none, context) = (null_mut(), context as PVOID);
            // SAFETY: as above.
            unsafe {
                create(
                    self.npi.Client,
                    family,
                    kind,
                    protocol,
                    category,
                    context,
                    dispatch,
                    none,
                    null_mut(),
                    null_mut(),
                    irp,
                )
            }
        })
    }

    /// A datagram socket that is bound to any port of the loopback of `family`.
    pub(crate) fn datagram_socket(&self, family: u16, dispatch: *const c_void, context: usize) -> Datagram {
        let socket = Datagram(self.socket(WSK_FLAG_DATAGRAM_SOCKET, family, dispatch, context));
        assert_eq!(socket.bind(loopback(family)).status, STATUS_SUCCESS);
        socket
    }
}

pub(crate) fn loopback(family: u16) -> SocketAddr {
    if family == AF_INET { "127.0.0.1:0".parse().unwrap() } else { "[::1]:0".parse().unwrap() }
}

/// An address as drivers write it.
pub(crate) fn inet(address: SocketAddr) -> SOCKADDR_INET {
    // SAFETY: integers only.
    let mut inet: SOCKADDR_INET = unsafe { std::mem::zeroed() };
    match address {
        SocketAddr::V4(v4) => {
            inet.Ipv4.sin_family = AF_INET;
            inet.Ipv4.sin_port = v4.port().to_be();
            inet.Ipv4.sin_addr.S_un.S_addr = u32::from_ne_bytes(v4.ip().octets());
        }
        SocketAddr::V6(v6) => {
            inet.Ipv6.sin6_family = AF_INET6;
            inet.Ipv6.sin6_port = v6.port().to_be();
            inet.Ipv6.sin6_addr.u.Byte = v6.ip().octets();
        }
    }
    inet
}

pub(crate) fn port(inet: &SOCKADDR_INET) -> u16 {
    // SAFETY: the port is at one place in both families.
    u16::from_be(unsafe { inet.Ipv4.sin_port })
}

/// Nonpaged memory with the MDLs that describe it, one for each piece.
pub(crate) struct Memory {
    pub(crate) mdl: PMDL,
    blocks: Vec<*mut u8>,
    sizes: Vec<usize>,
}

impl Memory {
    pub(crate) fn new(pieces: &[&[u8]]) -> Self {
        let mut memory = Self { mdl: null_mut(), blocks: Vec::new(), sizes: Vec::new() };
        for piece in pieces.iter().rev() {
            let block: *mut u8 = call!(nt::ntddk, ExAllocatePool2(0x40, piece.len() as u64, TAG)).cast();
            let mdl = call!(nt::ntddk, IoAllocateMdl(block.cast(), piece.len() as u32, 0, 0, null_mut()));
            call!(nt::ntddk, MmBuildMdlForNonPagedPool(mdl));
            // SAFETY: the block has room for the piece, and the MDL was just made.
            unsafe {
                std::ptr::copy_nonoverlapping(piece.as_ptr(), block, piece.len());
                (*mdl).Next = memory.mdl;
            }
            memory.mdl = mdl;
            memory.blocks.insert(0, block);
            memory.sizes.insert(0, piece.len());
        }
        memory
    }

    pub(crate) fn buffer(&self, offset: u32, length: usize) -> WSK_BUF {
        WSK_BUF { Mdl: self.mdl, Offset: offset, Length: length as u64 }
    }

    pub(crate) fn whole(&self) -> WSK_BUF {
        self.buffer(0, self.sizes.iter().sum())
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let pieces = self.blocks.iter().zip(&self.sizes);
        // SAFETY: the blocks live.
        pieces
            .flat_map(|(block, size)| unsafe { std::slice::from_raw_parts(*block, *size) })
            .copied()
            .collect()
    }

    pub(crate) fn free(self) {
        let mut mdl = self.mdl;
        while !mdl.is_null() {
            // SAFETY: the chain is the one that `new` made.
            let next = unsafe { (*mdl).Next };
            call!(nt::ntddk, IoFreeMdl(mdl));
            mdl = next;
        }
        for block in self.blocks {
            call!(nt::ntddk, ExFreePoolWithTag(block.cast(), TAG));
        }
    }
}

/// A datagram socket.
#[derive(Clone, Copy)]
pub(crate) struct Datagram(pub(crate) PWSK_SOCKET);

impl Datagram {
    pub(crate) fn table(self) -> &'static WSK_PROVIDER_DATAGRAM_DISPATCH {
        // SAFETY: a datagram socket has this table, which stays.
        unsafe { &*(*self.0).Dispatch.cast() }
    }

    pub(crate) fn bind(self, address: SocketAddr) -> End {
        let mut address = inet(address);
        let bind = self.table().WskBind.unwrap();
        // SAFETY: the address lives until the request is complete.
        request(|irp| unsafe { bind(self.0, (&raw mut address).cast(), 0, irp) })
    }

    pub(crate) fn port(self) -> u16 {
        let mut address = inet(loopback(AF_INET6));
        let get = self.table().WskGetLocalAddress.unwrap();
        // SAFETY: as above.
        let end = request(|irp| unsafe { get(self.0, (&raw mut address).cast(), irp) });
        assert_eq!(end.status, STATUS_SUCCESS);
        port(&address)
    }

    pub(crate) fn send_to(self, mut buffer: WSK_BUF, to: SocketAddr) -> End {
        let mut to = inet(to);
        let send = self.table().WskSendTo.unwrap();
        request(|irp| {
            // SAFETY: as above.
            unsafe { send(self.0, &raw mut buffer, 0, (&raw mut to).cast(), 0, null_mut(), irp) }
        })
    }

    /// Starts to receive into `buffer`.
    pub(crate) fn receive(self, buffer: &mut WSK_BUF, from: &mut SOCKADDR_INET) -> Request {
        let receive = self.table().WskReceiveFrom.unwrap();
        let request = Request::new();
        let (none, from) = (null_mut(), (&raw mut *from).cast());
        // SAFETY: as above.
        unsafe { receive(self.0, &raw mut *buffer, 0, from, null_mut(), none, null_mut(), request.irp) };
        request
    }

    pub(crate) fn close(self) {
        close(self.0);
    }

    /// Enables or disables events; with an IRP if one is given.
    pub(crate) fn events(self, mask: u32, irp: PIRP) -> i32 {
        events(self.0, mask, irp)
    }
}

/// Closes a socket of any category.
pub(crate) fn close(socket: PWSK_SOCKET) {
    let end = request(|irp| close_with(socket, irp));
    assert_eq!(end.status, STATUS_SUCCESS);
}

pub(crate) fn close_with(socket: PWSK_SOCKET, irp: PIRP) -> i32 {
    // SAFETY: every table starts with the basic one.
    unsafe {
        (*(*socket).Dispatch.cast::<WSK_PROVIDER_BASIC_DISPATCH>()).WskCloseSocket.unwrap()(socket, irp)
    }
}

/// Enables or disables events of a socket of any category.
pub(crate) fn events(socket: PWSK_SOCKET, mask: u32, irp: PIRP) -> i32 {
    let id = NPI_WSK_INTERFACE_ID;
    let mut control = WSK_EVENT_CALLBACK_CONTROL { NpiId: &raw const id, EventMask: mask };
    let size = size_of::<WSK_EVENT_CALLBACK_CONTROL>() as u64;
    // SAFETY: as above.
    unsafe {
        let control_socket =
            (*(*socket).Dispatch.cast::<WSK_PROVIDER_BASIC_DISPATCH>()).WskControlSocket.unwrap();
        control_socket(
            socket,
            WskSetOption,
            SO_WSK_EVENT_CALLBACK,
            SOL_SOCKET,
            size,
            (&raw mut control).cast(),
            0,
            null_mut(),
            null_mut(),
            irp,
        )
    }
}

/// Ends the machine; nothing may be left.
pub(crate) fn finish(machine: Machine) {
    lab::netio::flush();
    machine.finish();
}
