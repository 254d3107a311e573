//! Injection: handles, the queue of packets that callout drivers send or receive on their own, and their
//! completion (contract §7).

use std::cell::Cell;
use std::collections::VecDeque;
use std::ffi::c_void;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ddk::fwp::*;
use ddk::ndis::NET_BUFFER_LIST;
use ddk::nt::*;

use super::packet::{self, History, Injected};
use super::{callout, classify};
use crate::ndis::stack;
use crate::ntoskrnl::work;
use crate::{cpu, handle, pool, verifier};

/// Address families of Windows.
const AF_UNSPEC: u16 = 0;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 23;
/// All types that a handle may be made for: the five of `ddk` and that of the virtual switch.
const TYPES: u32 = 0x3f;
/// A packet that was injected so often goes in a circle.
const CIRCLE: usize = 64;

/// What an injection handle stands for.
pub(crate) struct Injector {
    family: u16,
    types: u32,
    closing: AtomicBool,
    pending: AtomicU32,
}

impl handle::Object for Injector {
    const KIND: &'static str = "injection";
    const LEAK_RULE: Option<&'static str> = Some("F-9");
}

/// Where an injected packet enters the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    NetworkSend,
    NetworkReceive { interface: u32 },
    Forward { interface: u32 },
    TransportSend { endpoint: u64, remote: Option<IpAddr> },
    TransportReceive { interface: u32 },
    Stream { flow: u64, flags: u32 },
    MacSend { interface: u32 },
    MacReceive { interface: u32 },
}

impl Path {
    fn injection_type(self) -> u32 {
        match self {
            Self::NetworkSend | Self::NetworkReceive { .. } => FWPS_INJECTION_TYPE_NETWORK,
            Self::Forward { .. } => FWPS_INJECTION_TYPE_FORWARD,
            Self::TransportSend { .. } | Self::TransportReceive { .. } => FWPS_INJECTION_TYPE_TRANSPORT,
            Self::Stream { .. } => FWPS_INJECTION_TYPE_STREAM,
            Self::MacSend { .. } | Self::MacReceive { .. } => FWPS_INJECTION_TYPE_L2,
        }
    }

    fn is_send(self) -> bool {
        match self {
            Self::NetworkSend | Self::TransportSend { .. } | Self::MacSend { .. } => true,
            Self::Stream { flags, .. } => flags & FWPS_STREAM_FLAG_SEND != 0,
            Self::NetworkReceive { .. }
            | Self::Forward { .. }
            | Self::TransportReceive { .. }
            | Self::MacReceive { .. } => false,
        }
    }

    /// Whether the data begin with an IP header.
    fn begins_with_ip(self) -> bool {
        matches!(
            self,
            Self::NetworkSend
                | Self::NetworkReceive { .. }
                | Self::Forward { .. }
                | Self::TransportReceive { .. }
        )
    }
}

/// The driver's end of an injection.
pub(crate) struct Request {
    pub(crate) handle: HANDLE,
    pub(crate) context: HANDLE,
    pub(crate) flags: u32,
    /// The family that the call names; `None` if it names none.
    pub(crate) family: Option<u16>,
    pub(crate) list: *mut NET_BUFFER_LIST,
    pub(crate) complete: FWPS_INJECT_COMPLETE0,
    pub(crate) complete_context: HANDLE,
}

/// An injected packet on its way.
pub(crate) struct Injection {
    pub(crate) path: Path,
    /// One packet for each NET_BUFFER.
    pub(crate) frames: Vec<Vec<u8>>,
    pub(crate) history: History,
    injector: Arc<Injector>,
    list: usize,
    complete: FWPS_INJECT_COMPLETE0,
    complete_context: usize,
}

static QUEUE: Mutex<VecDeque<Injection>> = Mutex::new(VecDeque::new());
/// Edges that take injected packets out of the queue.
static EDGES: AtomicUsize = AtomicUsize::new(0);

fn queue() -> MutexGuard<'static, VecDeque<Injection>> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    static COMPLETING: Cell<bool> = const { Cell::new(false) };
}

/// FwpsInjectionHandleCreate0.
pub(crate) fn create(family: u16, types: u32) -> Result<HANDLE, NTSTATUS> {
    let l2_only = types & FWPS_INJECTION_TYPE_L2 != 0 && family != AF_UNSPEC;
    if types & !TYPES != 0 || !matches!(family, AF_UNSPEC | AF_INET | AF_INET6) || l2_only {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if pool::must_fail() {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    }
    // Without a type the handle serves all but the frame layers.
    let types = if types == 0 { 0xf } else { types };
    Ok(handle::create(Arc::new(Injector {
        family,
        types,
        closing: AtomicBool::new(false),
        pending: AtomicU32::new(0),
    })))
}

/// FwpsInjectionHandleDestroy0 (I5): returns when all injections are complete.
pub(crate) fn destroy(value: HANDLE) -> NTSTATUS {
    if COMPLETING.get() || callout::in_callback() {
        verifier::violation(
            "F-6",
            "I5: FwpsInjectionHandleDestroy0 in a callback, for which it may have to wait",
        );
    }
    let injector = handle::expect::<Injector>(value);
    injector.closing.store(true, Ordering::Release);
    while injector.pending.load(Ordering::Acquire) > 0 {
        if !run_one() {
            crate::schedule::spin();
        }
    }
    handle::close::<Injector>(value);
    STATUS_SUCCESS
}

/// FwpsQueryPacketInjectionState0 (I3).
pub(crate) fn state(
    value: HANDLE,
    list: *const NET_BUFFER_LIST,
) -> (FWPS_PACKET_INJECTION_STATE, Option<usize>) {
    handle::expect::<Injector>(value);
    let (state, context) = packet::state(value as usize, list);
    if matches!(state, FWPS_PACKET_INJECTED_BY_SELF | FWPS_PACKET_PREVIOUSLY_INJECTED_BY_SELF) {
        classify::own_packet_seen();
    }
    (state, context)
}

/// All Fwps*Inject*Async functions: checks, and queues the packet (I1, I4, I6).
///
/// # Safety
/// The driver owns the list.
pub(crate) unsafe fn submit(path: Path, request: &Request) -> NTSTATUS {
    let injector = handle::expect::<Injector>(request.handle);
    if injector.closing.load(Ordering::Acquire) {
        return STATUS_FWP_INJECT_HANDLE_CLOSING;
    }
    if injector.types & path.injection_type() == 0 {
        return STATUS_FWP_INJECT_HANDLE_STALE;
    }
    let family_differs = |family| injector.family != AF_UNSPEC && injector.family != family;
    let bad_family =
        request.family.is_some_and(|family| !matches!(family, AF_INET | AF_INET6) || family_differs(family));
    if request.flags != 0 && path != Path::NetworkSend
        || request.list.is_null()
        || request.complete.is_none()
        || bad_family
    {
        return STATUS_INVALID_PARAMETER;
    }
    let inline = matches!(path, Path::TransportSend { .. } | Path::TransportReceive { .. });
    if inline && classify::is_tcp_transport() {
        verifier::violation("F-5", "I6: a TCP packet is injected inside the classify of a transport layer");
    }
    if pool::must_fail() {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if !packet::is_made(request.list as usize) {
        verifier::violation(
            "F-4",
            &format!("I1: the injected NBL {:p} is neither a clone nor a list of this DLL", request.list),
        );
    }
    let mut history = packet::history(request.list);
    if history.len() >= CIRCLE {
        verifier::violation(
            "F-3",
            &format!("I3: a packet is injected for the {CIRCLE}th time: its injector does not recognise it"),
        );
    }
    history.push(Injected { handle: request.handle as usize, context: request.context as usize });
    // SAFETY: the caller guarantees it.
    let frames = unsafe { stack::take(request.list, path.is_send()) };
    if path.begins_with_ip() {
        check_version(&frames, &injector);
    }
    injector.pending.fetch_add(1, Ordering::AcqRel);
    queue().push_back(Injection {
        path,
        frames,
        history,
        injector,
        list: request.list as usize,
        complete: request.complete,
        complete_context: request.complete_context as usize,
    });
    if EDGES.load(Ordering::Acquire) == 0 {
        work::queue(|| {
            run_one();
        });
    }
    STATUS_SUCCESS
}

/// The data of a network injection begin with an IP header of the handle's family.
fn check_version(frames: &[Vec<u8>], injector: &Injector) {
    for frame in frames {
        let version = frame.first().map_or(0, |byte| byte >> 4);
        let fits = match injector.family {
            AF_INET => version == 4,
            AF_INET6 => version == 6,
            _ => matches!(version, 4 | 6),
        };
        if !fits {
            verifier::violation(
                "L-2",
                &format!("an injected packet starts with {version:#x}, not with the IP header of its family"),
            );
        }
    }
}

/// The next injected packet.
pub(crate) fn next() -> Option<Injection> {
    queue().pop_front()
}

/// An edge exists from now on and takes injected packets with [`next`].
pub(crate) fn attach_edge() {
    EDGES.fetch_add(1, Ordering::AcqRel);
}

/// An edge is gone; what it has not taken is completed without it.
pub(crate) fn detach_edge() {
    EDGES.fetch_sub(1, Ordering::AcqRel);
    while run_one() {}
}

/// Shows the next packet to the layers on its way, as if the stack had no connections, and completes it.
fn run_one() -> bool {
    let Some(injection) = next() else { return false };
    crate::edge::reenter(&injection);
    injection.complete(STATUS_SUCCESS);
    true
}

impl Injection {
    /// Gives the list back to its driver (I1: once, at DISPATCH_LEVEL).
    pub(crate) fn complete(self, status: NTSTATUS) {
        let list = self.list as *mut NET_BUFFER_LIST;
        stack::give_back(list, status);
        let Some(complete) = self.complete else { return };
        let context = self.complete_context as *mut c_void;
        let outer = COMPLETING.replace(true);
        cpu::at_irql(cpu::DISPATCH, || {
            // SAFETY: the driver handed this routine over for exactly this call.
            verifier::callback("injection completion", || unsafe { complete(context, list, 1) });
        });
        COMPLETING.set(outer);
        self.injector.pending.fetch_sub(1, Ordering::AcqRel);
    }
}
