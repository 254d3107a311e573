//! NBLs on the border to TCP/IP: packets shown to callouts, and lists that callout drivers make and inject.

use std::net::IpAddr;

use ddk::ndis::{NDIS_HANDLE, NET_BUFFER, NET_BUFFER_LIST};
use ddk::nt::MDL;

use super::build::{self, Piece, Shape};
use super::owner::{self, Birth, Direction, Layer};
use super::pools;
use super::raw::{self, Snapshot};
use crate::fwp::packet::{self, History};
use crate::verifier;

/// The data of a new list: MDL chain, offset and length.
pub(crate) type Buffer = (*mut MDL, u32, u64);

/// Builds an NBL whose data start `offset` bytes into `frame`, lets `body` have it, and checks that it comes
/// back as it was. `history` says who injected the packet before.
pub(crate) fn with<R>(
    frame: &[u8],
    offset: u32,
    history: &History,
    body: impl FnOnce(*mut NET_BUFFER_LIST) -> R,
) -> R {
    let (parcel, nbl) = build::list(&[Piece { bytes: frame, tag: 0 }], &Shape::default(), None);
    owner::insert(nbl, parcel, Birth { origin: Layer::Stack, adapter: 0, pool: 0 }, Vec::new());
    // SAFETY: the list was just built and is accessible; the offset lies inside the frame.
    let before = unsafe {
        let nb = (*nbl).FirstNetBuffer;
        let offset = offset.min((*nb).DataLength);
        (*nb).DataOffset += offset;
        (*nb).DataLength -= offset;
        build::set_current_mdl(nb);
        Snapshot::of(nbl)
    };
    packet::begin(nbl, history);
    let result = body(nbl);
    // SAFETY: as above.
    let mut after = unsafe { Snapshot::of(nbl) };
    // Clones count their children here.
    after.ignore_children();
    if let Some(difference) = before.difference(&after) {
        verifier::violation(
            "N-47",
            &format!("a classify left the NBL that it was shown modified: {difference}"),
        );
    }
    // A referenced or cloned NBL lives on; a reference that is never given back is reported.
    if packet::end(nbl) {
        free_shown(nbl);
    }
    result
}

/// Frees a packet that was shown to callouts.
pub(crate) fn free_shown(nbl: *mut NET_BUFFER_LIST) {
    owner::remove(nbl, Layer::Stack);
}

/// A list with one NET_BUFFER from the driver's pool; null if memory is short.
///
/// # Safety
/// The chain describes valid memory.
pub(crate) unsafe fn allocate(
    pool: NDIS_HANDLE,
    context: u16,
    backfill: u16,
    buffer: Buffer,
) -> *mut NET_BUFFER_LIST {
    // SAFETY: the caller guarantees it.
    unsafe { pools::allocate(pool, context, backfill, Some(buffer)) }
}

/// Frees a list of [`allocate`].
///
/// # Safety
/// The driver owns it.
pub(crate) unsafe fn free(nbl: *mut NET_BUFFER_LIST) {
    // SAFETY: the caller guarantees it.
    unsafe { pools::free(nbl) };
}

/// A clone with descriptors of its own; null if memory is short.
///
/// # Safety
/// The driver may read the original.
pub(crate) unsafe fn clone(original: *mut NET_BUFFER_LIST, pool: NDIS_HANDLE) -> *mut NET_BUFFER_LIST {
    // SAFETY: the caller guarantees it.
    unsafe { pools::clone(original, pool, 0) }
}

/// Frees a clone of [`clone`].
pub(crate) fn free_clone(nbl: *mut NET_BUFFER_LIST, flags: u32) {
    pools::free_clone(nbl, flags);
}

/// Whether a driver has the NBL in its hands.
pub(crate) fn is_drivers(nbl: *mut NET_BUFFER_LIST) -> bool {
    owner::owner(nbl) == Some(Layer::Driver)
}

/// Takes a list that a driver injects, and the bytes of its NET_BUFFERs.
///
/// # Safety
/// The driver owns the list.
pub(crate) unsafe fn take(nbl: *mut NET_BUFFER_LIST, send: bool) -> Vec<Vec<u8>> {
    if !is_drivers(nbl) {
        verifier::violation("F-4", &format!("NBL {nbl:p} is injected, which the driver does not own"));
    }
    // SAFETY: the driver owns the list, so it is accessible.
    let frames = unsafe { raw::net_buffers(nbl) }
        .map(|nb| {
            // SAFETY: as above.
            if let Err(text) = unsafe { raw::check_offsets(nb) } {
                verifier::violation("N-54", &format!("the injected NBL {nbl:p}: {text}"));
            }
            // SAFETY: as above; the offsets are valid.
            unsafe { raw::bytes(nb) }
        })
        .collect();
    let direction = if send { Direction::Send } else { Direction::Receive };
    owner::forward(&[nbl], Layer::Driver, Layer::Stack, direction, false);
    frames
}

/// Gives an injected list back to its driver, with the outcome.
pub(crate) fn give_back(nbl: *mut NET_BUFFER_LIST, status: i32) {
    owner::back(&[nbl], Layer::Driver);
    // SAFETY: owned by the driver and thereby accessible; nobody knows of it before its completion.
    unsafe { (*nbl).Status = status };
}

/// The bytes of all NET_BUFFERs of a list.
///
/// # Safety
/// The list is valid.
pub(crate) unsafe fn bytes(nbl: *mut NET_BUFFER_LIST) -> Vec<u8> {
    // SAFETY: the caller guarantees it.
    let buffers = unsafe { raw::net_buffers(nbl) };
    // SAFETY: as above.
    buffers.flat_map(|nb| unsafe { raw::bytes(nb) }).collect()
}

/// Takes `length` bytes away from the front of every NET_BUFFER, with the memory that was put there.
///
/// # Safety
/// The driver owns the list.
pub(crate) unsafe fn advance(nbl: *mut NET_BUFFER_LIST, length: u32) {
    // SAFETY: the caller guarantees it.
    unsafe { raw::net_buffers(nbl).for_each(|nb| pools::advance(nb, length, 1)) };
}

/// Puts an IP header before the data of every NET_BUFFER, in place of `old` bytes; its length, or `None` if
/// memory is short.
///
/// # Safety
/// The driver owns the list.
pub(crate) unsafe fn prepend_ip(
    nbl: *mut NET_BUFFER_LIST,
    old: u32,
    ends: (IpAddr, IpAddr),
    protocol: u8,
) -> Option<u32> {
    let mut length = 0;
    // SAFETY: the caller guarantees it.
    for nb in unsafe { raw::net_buffers(nbl) } {
        // SAFETY: as above.
        unsafe {
            let data = (*nb).DataLength.checked_sub(old)?;
            let header = crate::edge::ip_header(ends, protocol, data)?;
            length = header.len() as u32;
            pools::advance(nb, old, 0);
            if pools::retreat(nb, length, 0) != ddk::ndis::NDIS_STATUS_SUCCESS {
                return None;
            }
            write_front(nb, &header);
        }
    }
    Some(length)
}

/// Writes over the first bytes of the data, across MDLs.
///
/// # Safety
/// `nb` is accessible and has at least as many bytes.
unsafe fn write_front(nb: *mut NET_BUFFER, bytes: &[u8]) {
    // SAFETY: the caller guarantees access; MDLs describe mapped memory.
    unsafe {
        let (mut left, mut skip) = (bytes, (*nb).CurrentMdlOffset as usize);
        for mdl in raw::mdls((*nb).CurrentMdl) {
            let room = ((*mdl).ByteCount as usize - skip).min(left.len());
            let (now, rest) = left.split_at(room);
            (*mdl).MappedSystemVa.cast::<u8>().add(skip).copy_from_nonoverlapping(now.as_ptr(), room);
            (left, skip) = (rest, 0);
        }
    }
}
