//! NET_BUFFER_LIST pools of drivers, clones, contexts, and the arithmetic of data offsets (§8).

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use ddk::ndis::*;
use ddk::nt::{BOOLEAN, MDL, PVOID};

use super::adapter::lock;
use super::owner::{self, Birth, Layer};
use super::parcel::Parcel;
use super::{build, memory, raw};
use crate::{handle, pool, verifier};

const TAG_NET_BUFFER: u32 = u32::from_le_bytes(*b"NDnb");
const TAG_CONTEXT: u32 = u32::from_le_bytes(*b"NDct");
const TAG_RETREAT: u32 = u32::from_le_bytes(*b"NDrt");
/// `MEMORY_ALLOCATION_ALIGNMENT`.
const ALIGNMENT: u16 = 16;

/// A pool made with NdisAllocateNetBufferListPool or NdisAllocateNetBufferPool.
#[derive(Debug)]
struct Pool {
    with_buffer: bool,
    context: u16,
    data: u32,
}

impl handle::Object for Pool {
    const KIND: &'static str = "net buffer pool";
    const LEAK_RULE: Option<&'static str> = Some("N-72");
}

/// NdisAllocateNetBufferListPool.
///
/// # Safety
/// `parameters` is valid.
pub(crate) unsafe fn create(parameters: *const NET_BUFFER_LIST_POOL_PARAMETERS) -> NDIS_HANDLE {
    // SAFETY: the caller guarantees it.
    let given = unsafe { *parameters };
    super::header::check(
        &given.Header,
        NDIS_OBJECT_TYPE_DEFAULT,
        1..=1,
        16,
        "NET_BUFFER_LIST_POOL_PARAMETERS",
    );
    if given.ContextSize % ALIGNMENT != 0 {
        verifier::violation(
            "N-56",
            &format!("O15: ContextSize {} is no multiple of {ALIGNMENT}", given.ContextSize),
        );
    }
    if given.PoolTag == 0 {
        verifier::violation("G-8", "a NET_BUFFER_LIST pool without a tag");
    }
    if given.DataSize != 0 && given.fAllocateNetBuffer == 0 || pool::must_fail() {
        return std::ptr::null_mut();
    }
    handle::create(Arc::new(Pool {
        with_buffer: given.fAllocateNetBuffer != 0,
        context: given.ContextSize,
        data: given.DataSize,
    }))
}

/// NdisAllocateNetBufferPool.
///
/// # Safety
/// `parameters` is valid.
pub(crate) unsafe fn create_buffer_pool(parameters: *const NET_BUFFER_POOL_PARAMETERS) -> NDIS_HANDLE {
    // SAFETY: the caller guarantees it.
    let given = unsafe { *parameters };
    super::header::check(&given.Header, NDIS_OBJECT_TYPE_DEFAULT, 1..=1, 12, "NET_BUFFER_POOL_PARAMETERS");
    if pool::must_fail() {
        return std::ptr::null_mut();
    }
    handle::create(Arc::new(Pool { with_buffer: true, context: 0, data: given.DataSize }))
}

/// NdisFreeNetBufferListPool and NdisFreeNetBufferPool (O17, N-72).
pub(crate) fn destroy(value: NDIS_HANDLE) {
    handle::close::<Pool>(value);
    let left = owner::live_in_pool(value as usize);
    if left > 0 {
        verifier::violation(
            "N-72",
            &format!("a NET_BUFFER_LIST pool is freed with {left} lists of it outstanding"),
        );
    }
}

/// NdisAllocateNetBufferList, and with `chain` NdisAllocateNetBufferAndNetBufferList.
///
/// # Safety
/// `chain` is null or a valid MDL chain.
pub(crate) unsafe fn allocate(
    pool_handle: NDIS_HANDLE,
    context: u16,
    backfill: u16,
    buffer: Option<(*mut MDL, u32, u64)>,
) -> *mut NET_BUFFER_LIST {
    let from = handle::expect::<Pool>(pool_handle);
    if buffer.is_some() && (!from.with_buffer || from.data != 0) {
        verifier::violation(
            "N-53",
            "NdisAllocateNetBufferAndNetBufferList needs a pool with fAllocateNetBuffer and without DataSize",
        );
    }
    if pool::must_fail() {
        return std::ptr::null_mut();
    }
    let (parcel, nbl, nb) = bare(buffer.is_some());
    // SAFETY: both lie zeroed in the fresh parcel; the caller guarantees the chain.
    unsafe {
        (*nbl).NdisPoolHandle = pool_handle;
        if let Some((chain, offset, length)) = buffer {
            (*nb).NdisPoolHandle = pool_handle;
            (*nb).MdlChain = chain;
            (*nb).DataOffset = offset;
            (*nb).DataLength = length as u32;
            build::set_current_mdl(nb);
            (*nbl).FirstNetBuffer = nb;
        }
    }
    insert(nbl, parcel, pool_handle);
    if context > 0 || from.context > 0 {
        // SAFETY: the list was just made.
        let status = unsafe { push_context(nbl, context.max(from.context), backfill) };
        if status != NDIS_STATUS_SUCCESS {
            owner::remove(nbl, Layer::Driver);
            return std::ptr::null_mut();
        }
    }
    nbl
}

fn bare(buffer: bool) -> (Parcel, *mut NET_BUFFER_LIST, *mut NET_BUFFER) {
    let size = size_of::<NET_BUFFER_LIST>() + size_of::<NET_BUFFER>() + 64;
    let mut parcel = Parcel::new(size, 0);
    let nbl = parcel.take(size_of::<NET_BUFFER_LIST>(), align_of::<NET_BUFFER_LIST>()).cast();
    let nb = if buffer {
        parcel.take(size_of::<NET_BUFFER>(), align_of::<NET_BUFFER>()).cast()
    } else {
        std::ptr::null_mut()
    };
    (parcel, nbl, nb)
}

/// Enters a list of a driver's pool.
pub(super) fn insert(nbl: *mut NET_BUFFER_LIST, parcel: Parcel, pool_handle: NDIS_HANDLE) {
    owner::insert(
        nbl,
        parcel,
        Birth { origin: Layer::Driver, adapter: 0, pool: pool_handle as usize },
        Vec::new(),
    );
}

/// Frees a list that has been taken apart.
pub(super) fn remove(nbl: *mut NET_BUFFER_LIST) {
    owner::remove(nbl, Layer::Driver);
}

/// NdisFreeNetBufferList.
///
/// # Safety
/// The driver owns `nbl`.
pub(crate) unsafe fn free(nbl: *mut NET_BUFFER_LIST) {
    if CLONES.lock().unwrap_or_else(std::sync::PoisonError::into_inner).contains_key(&(nbl as usize)) {
        verifier::violation("N-53", "NdisFreeNetBufferList of a clone; NdisFreeCloneNetBufferList frees it");
    }
    if super::fragment::is_made(nbl) {
        verifier::violation("N-53", "NdisFreeNetBufferList of fragments or of a reassembled list");
    }
    if owner::owner(nbl) == Some(Layer::Driver) {
        // SAFETY: the driver owns the list, so it is accessible.
        unsafe {
            if (*nbl).ChildRefCount != 0 {
                verifier::violation("N-53", "O12: an NBL is freed that has children");
            }
            // A context that came with the list goes with it.
            while !(*nbl).Context.is_null() {
                let context = (*nbl).Context;
                (*nbl).Context = (*context).Next;
                pool::free(context.cast(), Some(TAG_CONTEXT));
            }
        }
    }
    owner::remove(nbl, Layer::Driver);
}

/// NdisAllocateNetBuffer.
///
/// # Safety
/// `chain` is null or a valid MDL chain.
pub(crate) unsafe fn allocate_buffer(
    pool_handle: NDIS_HANDLE,
    chain: *mut MDL,
    offset: u32,
    length: u64,
) -> *mut NET_BUFFER {
    handle::expect::<Pool>(pool_handle);
    let size = size_of::<NET_BUFFER>();
    let nb =
        pool::allocate(pool::Kind::NonPaged, size, TAG_NET_BUFFER, pool::Fill::Zero).cast::<NET_BUFFER>();
    if !nb.is_null() {
        // SAFETY: a fresh zeroed block; the caller guarantees the chain.
        unsafe {
            (*nb).NdisPoolHandle = pool_handle;
            (*nb).MdlChain = chain;
            (*nb).DataOffset = offset;
            (*nb).DataLength = length as u32;
            build::set_current_mdl(nb);
        }
    }
    nb
}

/// MDL and data of buffers that came with them.
static DATA: LazyLock<Mutex<HashMap<usize, (usize, usize)>>> = LazyLock::new(Mutex::default);

/// NdisAllocateNetBufferMdlAndData.
pub(crate) fn allocate_with_data(pool_handle: NDIS_HANDLE) -> *mut NET_BUFFER {
    let size = handle::expect::<Pool>(pool_handle).data;
    if size == 0 {
        verifier::violation("N-53", "NdisAllocateNetBufferMdlAndData needs a pool with DataSize");
    }
    let data = pool::allocate(pool::Kind::NonPaged, size as usize, TAG_NET_BUFFER, pool::Fill::Pattern);
    if data.is_null() {
        return std::ptr::null_mut();
    }
    let mdl = memory::allocate_mdl(data.cast(), size);
    if mdl.is_null() {
        pool::free(data, Some(TAG_NET_BUFFER));
        return std::ptr::null_mut();
    }
    // SAFETY: the chain was just made.
    let nb = unsafe { allocate_buffer(pool_handle, mdl, 0, u64::from(size)) };
    if nb.is_null() {
        pool::free(mdl.cast(), None);
        pool::free(data, Some(TAG_NET_BUFFER));
        return nb;
    }
    lock(&DATA).insert(nb as usize, (mdl as usize, data as usize));
    nb
}

/// NdisFreeNetBuffer.
pub(crate) fn free_buffer(nb: *mut NET_BUFFER) {
    let owned = lock(&DATA).remove(&(nb as usize));
    if let Some((mdl, data)) = owned {
        pool::free(mdl as *mut u8, None);
        pool::free(data as *mut u8, Some(TAG_NET_BUFFER));
    }
    pool::free(nb.cast(), Some(TAG_NET_BUFFER));
}

/// NdisAllocateNetBufferListContext (O15).
///
/// # Safety
/// `nbl` is accessible.
pub(crate) unsafe fn push_context(nbl: *mut NET_BUFFER_LIST, size: u16, backfill: u16) -> NDIS_STATUS {
    if !size.is_multiple_of(ALIGNMENT) || !backfill.is_multiple_of(ALIGNMENT) {
        verifier::violation(
            "N-56",
            &format!("O15: context size {size} or backfill {backfill} is no multiple of {ALIGNMENT}"),
        );
    }
    // SAFETY: the caller guarantees access; contexts come from here.
    unsafe {
        let top = (*nbl).Context;
        if !top.is_null() && (*top).Offset >= size {
            (*top).Offset -= size;
            return NDIS_STATUS_SUCCESS;
        }
        let total = usize::from(size) + usize::from(backfill);
        let bytes = size_of::<NET_BUFFER_LIST_CONTEXT>() + total;
        let context = pool::allocate(pool::Kind::NonPaged, bytes, TAG_CONTEXT, pool::Fill::Zero);
        let context = context.cast::<NET_BUFFER_LIST_CONTEXT>();
        if context.is_null() {
            return NDIS_STATUS_RESOURCES;
        }
        (*context).Next = top;
        (*context).Size = total as u16;
        (*context).Offset = backfill;
        (*nbl).Context = context;
    }
    NDIS_STATUS_SUCCESS
}

/// NdisFreeNetBufferListContext (O15: last in, first out).
///
/// # Safety
/// `nbl` is accessible.
pub(crate) unsafe fn pop_context(nbl: *mut NET_BUFFER_LIST, size: u16) {
    // SAFETY: the caller guarantees access; contexts come from `push_context`.
    unsafe {
        let top = (*nbl).Context;
        if top.is_null() || (*top).Size - (*top).Offset < size {
            verifier::violation(
                "N-56",
                &format!("O15: {size} bytes of context are freed that were not allocated last"),
            );
        }
        (*top).Offset += size;
        if (*top).Offset == (*top).Size {
            (*nbl).Context = (*top).Next;
            pool::free(top.cast(), Some(TAG_CONTEXT));
        }
    }
}

struct CloneRecord {
    parent: usize,
    flags: u32,
    mdls: Vec<usize>,
}

static CLONES: LazyLock<Mutex<HashMap<usize, CloneRecord>>> = LazyLock::new(Mutex::default);
const CLONE_FLAGS_USE_ORIGINAL_MDLS: u32 = 0x2;

/// NdisAllocateCloneNetBufferList: descriptors of its own for the used data of the original, no copy.
///
/// # Safety
/// The driver may read `original`.
pub(crate) unsafe fn clone(
    original: *mut NET_BUFFER_LIST,
    list_pool: NDIS_HANDLE,
    flags: u32,
) -> *mut NET_BUFFER_LIST {
    if pool::must_fail() {
        return std::ptr::null_mut();
    }
    let share = flags & CLONE_FLAGS_USE_ORIGINAL_MDLS != 0;
    // SAFETY: the caller guarantees access.
    let buffers: Vec<*mut NET_BUFFER> = unsafe { raw::net_buffers(original) }.collect();
    let size = size_of::<NET_BUFFER_LIST>() + buffers.len() * size_of::<NET_BUFFER>() + 64;
    let mut parcel = Parcel::new(size, 0);
    let nbl: *mut NET_BUFFER_LIST =
        parcel.take(size_of::<NET_BUFFER_LIST>(), align_of::<NET_BUFFER_LIST>()).cast();
    let mut mdls = Vec::new();
    // SAFETY: lists and buffers lie in the fresh parcel or are accessible by the caller's guarantee.
    unsafe {
        let mut link = &raw mut (*nbl).FirstNetBuffer;
        for from in buffers {
            let nb: *mut NET_BUFFER = parcel.take(size_of::<NET_BUFFER>(), align_of::<NET_BUFFER>()).cast();
            (*nb).DataLength = (*from).DataLength;
            if share {
                (*nb).MdlChain = (*from).CurrentMdl;
                (*nb).DataOffset = (*from).CurrentMdlOffset;
            } else {
                let mut skip = (*from).CurrentMdlOffset;
                let mut left = (*from).DataLength;
                let mut next = &raw mut (*nb).MdlChain;
                for mdl in raw::mdls((*from).CurrentMdl) {
                    let start = raw::start(mdl).add(skip as usize);
                    let length = ((*mdl).ByteCount - skip).min(left);
                    let copy = memory::allocate_mdl(start.cast(), length);
                    if copy.is_null() {
                        mdls.iter().for_each(|mdl: &usize| pool::free(*mdl as *mut u8, None));
                        return std::ptr::null_mut();
                    }
                    mdls.push(copy as usize);
                    *next = copy;
                    next = &raw mut (*copy).Next;
                    left -= length;
                    skip = 0;
                    if left == 0 {
                        break;
                    }
                }
            }
            build::set_current_mdl(nb);
            *link = nb;
            link = &raw mut (*nb).Next;
        }
        (*nbl).NdisPoolHandle = list_pool;
        (*nbl).NblFlags = (*original).NblFlags;
    }
    insert(nbl, parcel, list_pool);
    lock(&CLONES).insert(nbl as usize, CloneRecord { parent: original as usize, flags, mdls });
    nbl
}

/// NdisFreeCloneNetBufferList (N-53: with the same flags).
pub(crate) fn free_clone(nbl: *mut NET_BUFFER_LIST, flags: u32) {
    let Some(record) = lock(&CLONES).remove(&(nbl as usize)) else {
        verifier::violation("N-53", &format!("NdisFreeCloneNetBufferList of {nbl:p}, which is no clone"));
    };
    if record.flags != flags {
        verifier::violation(
            "N-53",
            &format!(
                "a clone of NBL {:#x} made with flags {:#x} is freed with {flags:#x}",
                record.parent, record.flags
            ),
        );
    }
    for mdl in record.mdls {
        pool::free(mdl as *mut u8, None);
    }
    owner::remove(nbl, Layer::Driver);
}

/// NdisGetDataBuffer: the first bytes of the data, in place if they are contiguous and aligned.
///
/// # Safety
/// `nb` is accessible; `storage` is null or has room for `needed` bytes.
pub(crate) unsafe fn data_buffer(
    nb: *mut NET_BUFFER,
    needed: u32,
    storage: PVOID,
    multiple: u32,
    offset: u32,
) -> PVOID {
    // SAFETY: the caller guarantees access.
    unsafe {
        if (*nb).DataLength < needed || needed == 0 {
            return std::ptr::null_mut();
        }
        let (mut mdl, mut skip) = ((*nb).CurrentMdl, (*nb).CurrentMdlOffset);
        while !mdl.is_null() && skip >= (*mdl).ByteCount {
            skip -= (*mdl).ByteCount;
            mdl = (*mdl).Next;
        }
        if mdl.is_null() {
            return std::ptr::null_mut();
        }
        let start = raw::start(mdl).add(skip as usize);
        let aligned =
            multiple <= 1 || (start as usize).wrapping_sub(offset as usize).is_multiple_of(multiple as usize);
        if (*mdl).ByteCount - skip >= needed && aligned {
            return start.cast();
        }
        if storage.is_null() {
            return std::ptr::null_mut();
        }
        let (mut to, mut left) = (storage.cast::<u8>(), needed);
        while left > 0 && !mdl.is_null() {
            let part = ((*mdl).ByteCount - skip).min(left);
            to.copy_from_nonoverlapping(raw::start(mdl).add(skip as usize), part as usize);
            to = to.add(part as usize);
            left -= part;
            skip = 0;
            mdl = (*mdl).Next;
        }
        if left == 0 { storage } else { std::ptr::null_mut() }
    }
}

/// MDLs that retreats put in front, with the memory behind them: freed when advanced over with FreeMdl.
static RETREATS: LazyLock<Mutex<HashMap<usize, usize>>> = LazyLock::new(Mutex::default);

/// NdisRetreatNetBufferDataStart.
///
/// # Safety
/// `nb` is accessible.
pub(crate) unsafe fn retreat(nb: *mut NET_BUFFER, delta: u32, backfill: u32) -> NDIS_STATUS {
    // SAFETY: the caller guarantees access.
    unsafe {
        if delta <= (*nb).DataOffset {
            (*nb).DataOffset -= delta;
            (*nb).DataLength += delta;
            build::set_current_mdl(nb);
            return NDIS_STATUS_SUCCESS;
        }
        let short = delta - (*nb).DataOffset;
        let size = short + backfill;
        let data = pool::allocate(pool::Kind::NonPaged, size as usize, TAG_RETREAT, pool::Fill::Pattern);
        if data.is_null() {
            return NDIS_STATUS_RESOURCES;
        }
        let mdl = memory::allocate_mdl(data.cast(), size);
        if mdl.is_null() {
            pool::free(data, Some(TAG_RETREAT));
            return NDIS_STATUS_RESOURCES;
        }
        lock(&RETREATS).insert(mdl as usize, data as usize);
        (*mdl).Next = (*nb).MdlChain;
        (*nb).MdlChain = mdl;
        (*nb).DataOffset = backfill;
        (*nb).DataLength += delta;
        build::set_current_mdl(nb);
    }
    NDIS_STATUS_SUCCESS
}

/// NdisAdvanceNetBufferDataStart.
///
/// # Safety
/// `nb` is accessible.
pub(crate) unsafe fn advance(nb: *mut NET_BUFFER, delta: u32, free_mdl: BOOLEAN) {
    // SAFETY: the caller guarantees access.
    unsafe {
        if delta > (*nb).DataLength {
            verifier::violation(
                "N-55",
                &format!("advance by {delta} over {} bytes of data", (*nb).DataLength),
            );
        }
        (*nb).DataOffset += delta;
        (*nb).DataLength -= delta;
        loop {
            if free_mdl == 0 {
                break;
            }
            let first = (*nb).MdlChain;
            if first.is_null() || (*nb).DataOffset < (*first).ByteCount {
                break;
            }
            let Some(data) = lock(&RETREATS).remove(&(first as usize)) else { break };
            (*nb).DataOffset -= (*first).ByteCount;
            (*nb).MdlChain = (*first).Next;
            pool::free(first.cast(), None);
            pool::free(data as *mut u8, Some(TAG_RETREAT));
        }
        build::set_current_mdl(nb);
    }
}

/// NdisCopyFromNetBufferToNetBuffer.
///
/// # Safety
/// Both buffers are accessible, `copied` is writable.
pub(crate) unsafe fn copy(
    to: *mut NET_BUFFER,
    to_offset: u32,
    count: u32,
    from: *mut NET_BUFFER,
    from_offset: u32,
    copied: *mut u32,
) -> NDIS_STATUS {
    // SAFETY: the caller guarantees access.
    unsafe {
        let bytes = raw::bytes(from);
        let source = bytes.get(from_offset as usize..).unwrap_or_default();
        let source = &source[..source.len().min(count as usize)];
        let mut skip = (*to).DataOffset as usize + to_offset as usize;
        let (mut done, mut mdl) = (0, (*to).MdlChain);
        while done < source.len() && !mdl.is_null() {
            let length = (*mdl).ByteCount as usize;
            if skip < length {
                let part = (length - skip).min(source.len() - done);
                let target = raw::start(mdl).add(skip);
                target.copy_from_nonoverlapping(source[done..].as_ptr(), part);
                done += part;
                skip = 0;
            } else {
                skip -= length;
            }
            mdl = (*mdl).Next;
        }
        *copied = done as u32;
    }
    NDIS_STATUS_SUCCESS
}

/// Slots that NdisCopySendNetBufferListInfo copies (§9).
const SEND_SLOTS: &[usize] = &[0, 1, 2, 4, 5, 6, 7, 11, 12, 14, 20];
/// Slots that NdisCopyReceiveNetBufferListInfo copies (§9).
const RECEIVE_SLOTS: &[usize] = &[0, 1, 2, 4, 6, 7, 8, 9, 11, 12, 14, 20];

/// NdisCopySendNetBufferListInfo and NdisCopyReceiveNetBufferListInfo.
///
/// # Safety
/// Both lists are accessible.
pub(crate) unsafe fn copy_info(to: *mut NET_BUFFER_LIST, from: *const NET_BUFFER_LIST, send: bool) {
    for &slot in if send { SEND_SLOTS } else { RECEIVE_SLOTS } {
        // SAFETY: the caller guarantees access; the slots exist in every version.
        unsafe { (*to).NetBufferListInfo[slot] = (*from).NetBufferListInfo[slot] };
    }
}
