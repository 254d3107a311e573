//! Fragments and reassembled lists: NBLs of their own over the data of others (§8).

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use ddk::ndis::*;
use ddk::nt::MDL;

use super::adapter::lock;
use super::parcel::Parcel;
use super::{build, memory, pools, raw};
use crate::{pool, verifier};

/// How a list was made, for the function that frees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Fragment,
    Reassembled,
}

impl Kind {
    fn function(self) -> &'static str {
        match self {
            Self::Fragment => "NdisFreeFragmentNetBufferList",
            Self::Reassembled => "NdisFreeReassembledNetBufferList",
        }
    }
}

struct Record {
    kind: Kind,
    delta: u32,
    mdls: Vec<usize>,
}

static MADE: LazyLock<Mutex<HashMap<usize, Record>>> = LazyLock::new(Mutex::default);

/// A part of a buffer's data: where it is mapped, and how much of it.
type Part = (*mut u8, u32);

/// The mapped parts of `length` bytes of data from `start` on.
///
/// # Safety
/// `nb` is accessible.
unsafe fn parts(nb: *mut NET_BUFFER, start: u32, length: u32) -> Vec<Part> {
    let (mut parts, mut left) = (Vec::new(), length);
    // SAFETY: the caller guarantees access; MDLs describe mapped memory.
    unsafe {
        let mut skip = (*nb).CurrentMdlOffset + start;
        for mdl in raw::mdls((*nb).CurrentMdl) {
            let count = (*mdl).ByteCount;
            if skip >= count {
                skip -= count;
                continue;
            }
            let take = (count - skip).min(left);
            parts.push(((*mdl).MappedSystemVa.cast::<u8>().add(skip as usize), take));
            (left, skip) = (left - take, 0);
            if left == 0 {
                break;
            }
        }
    }
    parts
}

/// Describes parts by MDLs of their own; `None` if memory is short.
fn describe(parts: &[Part], mdls: &mut Vec<usize>) -> Option<*mut MDL> {
    let (mut first, mut link): (*mut MDL, *mut *mut MDL) = (std::ptr::null_mut(), std::ptr::null_mut());
    for (address, length) in parts {
        let mdl = memory::allocate_mdl(address.cast(), *length);
        if mdl.is_null() {
            return None;
        }
        mdls.push(mdl as usize);
        if link.is_null() {
            first = mdl;
        } else {
            // SAFETY: the link of the MDL before.
            unsafe { *link = mdl };
        }
        // SAFETY: a fresh MDL.
        link = unsafe { &raw mut (*mdl).Next };
    }
    Some(first)
}

/// A list with one NET_BUFFER for each group of parts, and `delta` bytes before the data of each.
fn make(
    groups: &[Vec<Part>],
    list_pool: NDIS_HANDLE,
    (delta, backfill): (u32, u32),
    kind: Kind,
) -> *mut NET_BUFFER_LIST {
    let mut mdls = Vec::new();
    let mut chains = Vec::new();
    for group in groups {
        match describe(group, &mut mdls) {
            Some(chain) => chains.push((chain, group.iter().map(|part| part.1).sum::<u32>())),
            None => {
                mdls.iter().for_each(|mdl| pool::free(*mdl as *mut u8, None));
                return std::ptr::null_mut();
            }
        }
    }
    let size = size_of::<NET_BUFFER_LIST>() + chains.len() * size_of::<NET_BUFFER>() + 64;
    let mut parcel = Parcel::new(size, 0);
    let nbl: *mut NET_BUFFER_LIST =
        parcel.take(size_of::<NET_BUFFER_LIST>(), align_of::<NET_BUFFER_LIST>()).cast();
    let mut buffers = Vec::new();
    // SAFETY: list and buffers lie zeroed in the fresh parcel.
    unsafe {
        let mut link = &raw mut (*nbl).FirstNetBuffer;
        for (chain, length) in chains {
            let nb: *mut NET_BUFFER = parcel.take(size_of::<NET_BUFFER>(), align_of::<NET_BUFFER>()).cast();
            (*nb).MdlChain = chain;
            (*nb).DataLength = length;
            build::set_current_mdl(nb);
            *link = nb;
            link = &raw mut (*nb).Next;
            buffers.push(nb);
        }
        (*nbl).NdisPoolHandle = list_pool;
    }
    pools::insert(nbl, parcel, list_pool);
    lock(&MADE).insert(nbl as usize, Record { kind, delta: 0, mdls });
    if delta > 0 {
        for (done, nb) in buffers.iter().enumerate() {
            // SAFETY: buffers of the fresh list.
            if unsafe { pools::retreat(*nb, delta, backfill) } != NDIS_STATUS_SUCCESS {
                // SAFETY: as above; these have been retreated.
                buffers[..done].iter().for_each(|nb| unsafe { pools::advance(*nb, delta, 1) });
                // SAFETY: the fresh list, which nobody else has.
                unsafe { free(nbl, 0, kind) };
                return std::ptr::null_mut();
            }
        }
    }
    if let Some(record) = lock(&MADE).get_mut(&(nbl as usize)) {
        record.delta = delta;
    }
    nbl
}

/// NdisAllocateFragmentNetBufferList: cuts the data of every NET_BUFFER from `start` on into pieces.
///
/// # Safety
/// The driver may read `original`.
pub(crate) unsafe fn fragment(
    original: *mut NET_BUFFER_LIST,
    list_pool: NDIS_HANDLE,
    (start, maximum): (u32, u32),
    room: (u32, u32),
) -> *mut NET_BUFFER_LIST {
    if maximum == 0 || pool::must_fail() {
        return std::ptr::null_mut();
    }
    let mut groups = Vec::new();
    // SAFETY: the caller guarantees access.
    for nb in unsafe { raw::net_buffers(original) } {
        // SAFETY: as above.
        let length = unsafe { (*nb).DataLength };
        let mut at = start;
        while at < length {
            let take = maximum.min(length - at);
            // SAFETY: as above; the part lies in the data.
            groups.push(unsafe { parts(nb, at, take) });
            at += take;
        }
    }
    make(&groups, list_pool, room, Kind::Fragment)
}

/// NdisAllocateReassembledNetBufferList: one NET_BUFFER over the data of all, each from `start` on.
///
/// # Safety
/// The driver may read the chain of fragments.
pub(crate) unsafe fn reassemble(
    fragments: *mut NET_BUFFER_LIST,
    list_pool: NDIS_HANDLE,
    start: u32,
    room: (u32, u32),
) -> *mut NET_BUFFER_LIST {
    if pool::must_fail() {
        return std::ptr::null_mut();
    }
    let (mut group, mut list) = (Vec::new(), fragments);
    while !list.is_null() {
        // SAFETY: the caller guarantees access.
        for nb in unsafe { raw::net_buffers(list) } {
            // SAFETY: as above.
            let length = unsafe { (*nb).DataLength };
            if start < length {
                // SAFETY: as above; the part lies in the data.
                group.extend(unsafe { parts(nb, start, length - start) });
            }
        }
        // SAFETY: as above.
        list = unsafe { (*list).Next };
    }
    make(&[group], list_pool, room, Kind::Reassembled)
}

/// NdisFreeFragmentNetBufferList and NdisFreeReassembledNetBufferList (N-53: with the same delta).
///
/// # Safety
/// The driver owns the list.
pub(crate) unsafe fn free(nbl: *mut NET_BUFFER_LIST, delta: u32, kind: Kind) {
    let record = lock(&MADE).remove(&(nbl as usize));
    let Some(record) = record.filter(|record| record.kind == kind) else {
        verifier::violation(
            "N-53",
            &format!("{} of {nbl:p}, which that function does not free", kind.function()),
        );
    };
    if record.delta != delta {
        verifier::violation(
            "N-53",
            &format!("a list made with DataOffsetDelta {} is freed with {delta}", record.delta),
        );
    }
    if delta > 0 {
        // SAFETY: the caller guarantees it.
        unsafe { raw::net_buffers(nbl).for_each(|nb| pools::advance(nb, delta, 1)) };
    }
    for mdl in record.mdls {
        pool::free(mdl as *mut u8, None);
    }
    pools::remove(nbl);
}

/// Whether this room made the list.
pub(crate) fn is_made(nbl: *mut NET_BUFFER_LIST) -> bool {
    lock(&MADE).contains_key(&(nbl as usize))
}
