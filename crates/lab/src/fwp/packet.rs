//! Packets that callouts keep beyond their classify: references, clones, lists of their own, and who injected
//! a packet before (contract §7, I1 to I3).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use ddk::fwp::*;
use ddk::ndis::{NDIS_HANDLE, NET_BUFFER_LIST};
use ddk::nt::*;

use super::callout;
use crate::ndis::stack::{self, Buffer};
use crate::{cpu, verifier};

/// One injection in the past of a packet: the handle and the driver's context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Injected {
    pub(crate) handle: usize,
    pub(crate) context: usize,
}

/// The injections of a packet, the last one at the end.
pub(crate) type History = Vec<Injected>;

/// A packet of TCP/IP that somebody holds on to, or that was injected.
#[derive(Default)]
struct Shown {
    references: u32,
    clones: u32,
    /// Its classify is over: the last holder frees it.
    ended: bool,
    history: History,
    holder: usize,
}

/// A list that a driver made with this DLL's functions.
struct Made {
    parent: Option<usize>,
    history: History,
    creator: usize,
    /// Bytes of header that this DLL put before the data of each NET_BUFFER.
    header: u32,
}

#[derive(Default)]
struct Packets {
    shown: HashMap<usize, Shown>,
    made: HashMap<usize, Made>,
}

static PACKETS: LazyLock<Mutex<Packets>> = LazyLock::new(|| {
    verifier::on_leak_check(leaks);
    Mutex::default()
});
/// Entries of [`Packets::shown`], to spare packets that nobody holds the lock.
static HELD: AtomicU64 = AtomicU64::new(0);

fn packets() -> MutexGuard<'static, Packets> {
    PACKETS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn caller() -> usize {
    cpu::current_call().map_or(0, |call| call.caller)
}

fn leaks(leaks: &mut Vec<verifier::Leak>) {
    let packets = packets();
    for (nbl, shown) in packets.shown.iter().filter(|(_, shown)| shown.references > 0) {
        leaks.push(verifier::Leak {
            rule: "F-4".into(),
            what: format!("{} references to NBL {nbl:#x}", shown.references),
            creator: verifier::locate(shown.holder),
        });
    }
    for (nbl, made) in &packets.made {
        leaks.push(verifier::Leak {
            rule: "F-4".into(),
            what: format!("{} {nbl:#x}", if made.parent.is_some() { "clone" } else { "list" }),
            creator: verifier::locate(made.creator),
        });
    }
}

impl Packets {
    fn hold(&mut self, nbl: usize) -> &mut Shown {
        self.shown.entry(nbl).or_insert_with(|| {
            HELD.fetch_add(1, Ordering::Relaxed);
            Shown { holder: caller(), ..Shown::default() }
        })
    }

    /// Forgets the packet if nobody holds it; whether TCP/IP has to free it now.
    fn settle(&mut self, nbl: usize) -> bool {
        let Some(shown) = self.shown.get(&nbl) else { return true };
        if shown.references > 0 || shown.clones > 0 {
            return false;
        }
        let ended = shown.ended;
        if ended || shown.history.is_empty() {
            self.shown.remove(&nbl);
            HELD.fetch_sub(1, Ordering::Relaxed);
        }
        ended
    }
}

/// A packet that was injected before is about to be shown.
pub(crate) fn begin(nbl: *mut NET_BUFFER_LIST, history: &History) {
    if !history.is_empty() {
        packets().hold(nbl as usize).history = history.clone();
    }
}

/// The classifies of a packet are over; whether TCP/IP has to free it now.
pub(crate) fn end(nbl: *mut NET_BUFFER_LIST) -> bool {
    if HELD.load(Ordering::Relaxed) == 0 {
        return true;
    }
    let mut packets = packets();
    if let Some(shown) = packets.shown.get_mut(&(nbl as usize)) {
        shown.ended = true;
    }
    packets.settle(nbl as usize)
}

/// Whether this DLL made the list.
pub(crate) fn is_made(nbl: usize) -> bool {
    packets().made.contains_key(&nbl)
}

/// FwpsReferenceNetBufferList0.
pub(crate) fn reference(nbl: *mut NET_BUFFER_LIST) {
    packets().hold(nbl as usize).references += 1;
}

/// FwpsDereferenceNetBufferList0.
pub(crate) fn dereference(nbl: *mut NET_BUFFER_LIST) {
    let mut packets = packets();
    let known = packets.shown.get_mut(&(nbl as usize)).filter(|shown| shown.references > 0);
    let Some(shown) = known else {
        drop(packets);
        verifier::violation(
            "F-4",
            &format!("FwpsDereferenceNetBufferList0 of {nbl:p}, which is not referenced"),
        );
    };
    shown.references -= 1;
    if packets.settle(nbl as usize) {
        drop(packets);
        stack::free_shown(nbl);
    }
}

/// FwpsAllocateNetBufferAndNetBufferList0.
///
/// # Safety
/// The chain describes valid memory.
pub(crate) unsafe fn allocate(
    pool: NDIS_HANDLE,
    context: u16,
    backfill: u16,
    buffer: Buffer,
) -> Result<*mut NET_BUFFER_LIST, NTSTATUS> {
    // SAFETY: the caller guarantees it.
    let nbl = unsafe { stack::allocate(pool, context, backfill, buffer) };
    if nbl.is_null() {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    }
    packets()
        .made
        .insert(nbl as usize, Made { parent: None, history: History::new(), creator: caller(), header: 0 });
    Ok(nbl)
}

/// FwpsFreeNetBufferList0.
///
/// # Safety
/// The driver owns the list.
pub(crate) unsafe fn free(nbl: *mut NET_BUFFER_LIST) {
    take(nbl, false);
    // SAFETY: the caller guarantees it.
    unsafe { stack::free(nbl) };
}

/// FwpsAllocateCloneNetBufferList0: the parent stays alive as long as its clones do.
///
/// # Safety
/// The driver may read the original.
pub(crate) unsafe fn clone(
    original: *mut NET_BUFFER_LIST,
    pool: NDIS_HANDLE,
    flags: u32,
) -> Result<*mut NET_BUFFER_LIST, NTSTATUS> {
    // §2.4: a callout that takes batches at the MAC layers gets chains, which have no clones.
    let batches = callout::running_flags() & FWP_CALLOUT_FLAG_ALLOW_L2_BATCH_CLASSIFY != 0;
    if original.is_null() || flags != 0 || batches {
        return Err(STATUS_INVALID_PARAMETER);
    }
    // SAFETY: the caller guarantees access to the original.
    let nbl = unsafe { stack::clone(original, pool) };
    if nbl.is_null() {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    }
    // SAFETY: as above; the clone was just made.
    unsafe {
        (*nbl).ParentNetBufferList = original;
        (*original).ChildRefCount += 1;
    }
    let history = history(original);
    let mut packets = packets();
    if !packets.made.contains_key(&(original as usize)) {
        packets.hold(original as usize).clones += 1;
    }
    packets.made.insert(
        nbl as usize,
        Made { parent: Some(original as usize), history, creator: caller(), header: 0 },
    );
    Ok(nbl)
}

/// FwpsFreeCloneNetBufferList0.
pub(crate) fn free_clone(nbl: *mut NET_BUFFER_LIST, flags: u32) {
    let parent = take(nbl, true).unwrap_or_default();
    stack::free_clone(nbl, flags);
    let parent_nbl = parent as *mut NET_BUFFER_LIST;
    let mut packets = packets();
    if let Some(shown) = packets.shown.get_mut(&parent) {
        shown.clones -= 1;
        // SAFETY: a packet lives as long as it has clones.
        unsafe { (*parent_nbl).ChildRefCount -= 1 };
        if packets.settle(parent) {
            drop(packets);
            stack::free_shown(parent_nbl);
        }
    } else if packets.made.contains_key(&parent) {
        // SAFETY: the driver's own list, which it has not freed.
        unsafe { (*parent_nbl).ChildRefCount -= 1 };
    }
}

/// `function` takes only lists of this DLL (I1).
pub(crate) fn check_made(nbl: *mut NET_BUFFER_LIST, function: &str) {
    if !is_made(nbl as usize) || !stack::is_drivers(nbl) {
        verifier::violation(
            "F-4",
            &format!(
                "I1: {function} of NBL {nbl:p}, which is no clone or list of this DLL in the driver's hands"
            ),
        );
    }
}

/// FwpsConstructIpHeaderForTransportPacket0 (I7): replaces the old header of `old` bytes by a new one.
///
/// # Safety
/// The driver owns the list.
pub(crate) unsafe fn construct(
    nbl: *mut NET_BUFFER_LIST,
    old: u32,
    ends: (IpAddr, IpAddr),
    protocol: u8,
) -> NTSTATUS {
    // SAFETY: the caller guarantees it.
    match unsafe { stack::prepend_ip(nbl, old, ends, protocol) } {
        Some(length) => {
            if let Some(made) = packets().made.get_mut(&(nbl as usize)) {
                made.header = (made.header + length).saturating_sub(old);
            }
            STATUS_SUCCESS
        }
        None => STATUS_INSUFFICIENT_RESOURCES,
    }
}

/// Strikes a list off; returns the parent of a clone.
fn take(nbl: *mut NET_BUFFER_LIST, clone: bool) -> Option<usize> {
    if !stack::is_drivers(nbl) {
        verifier::violation("F-4", &format!("NBL {nbl:p} is freed while it is injected, or a second time"));
    }
    let mut packets = packets();
    match packets.made.remove(&(nbl as usize)) {
        Some(made) if made.parent.is_some() == clone => {
            drop(packets);
            if made.header > 0 {
                // SAFETY: the driver's list, whose header this DLL built.
                unsafe { stack::advance(nbl, made.header) };
            }
            made.parent
        }
        _ => {
            drop(packets);
            verifier::violation(
                "F-4",
                &format!("NBL {nbl:p} is freed by a function that does not belong to its allocation (I2)"),
            );
        }
    }
}

/// The past of a packet, of whatever origin.
pub(crate) fn history(nbl: *const NET_BUFFER_LIST) -> History {
    let packets = packets();
    let shown = packets.shown.get(&(nbl as usize)).map(|shown| &shown.history);
    shown.or_else(|| packets.made.get(&(nbl as usize)).map(|made| &made.history)).cloned().unwrap_or_default()
}

/// FwpsQueryPacketInjectionState0 (I3): the state, and the driver's context if it is its own.
pub(crate) fn state(
    handle: usize,
    nbl: *const NET_BUFFER_LIST,
) -> (FWPS_PACKET_INJECTION_STATE, Option<usize>) {
    let history = history(nbl);
    let Some(last) = history.last() else { return (FWPS_PACKET_NOT_INJECTED, None) };
    if last.handle == handle {
        return (FWPS_PACKET_INJECTED_BY_SELF, Some(last.context));
    }
    match history.iter().rev().find(|injected| injected.handle == handle) {
        Some(own) => (FWPS_PACKET_PREVIOUSLY_INJECTED_BY_SELF, Some(own.context)),
        None => (FWPS_PACKET_INJECTED_BY_OTHER, None),
    }
}
