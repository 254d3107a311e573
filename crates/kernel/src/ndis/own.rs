//! NBLs of the driver's own: frames that it makes, or sends on in place of somebody else's.

use core::alloc::Layout;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering};

use ddk::ndis::{
    NDIS_HANDLE, NDIS_NBL_FLAGS_IS_IPV4, NDIS_NBL_FLAGS_IS_IPV6, NDIS_NBL_FLAGS_IS_TCP,
    NDIS_NBL_FLAGS_IS_UDP, NDIS_OBJECT_HEADER, NDIS_OBJECT_TYPE_DEFAULT,
    NDIS_SIZEOF_NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1, NET_BUFFER_LIST,
    NET_BUFFER_LIST_CONTEXT_DATA_START, NET_BUFFER_LIST_POOL_PARAMETERS,
    NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1, NdisAllocateMdl, NdisAllocateNetBufferAndNetBufferList,
    NdisAllocateNetBufferListPool, NdisCopyReceiveNetBufferListInfo, NdisCopySendNetBufferListInfo,
    NdisFreeMdl, NdisFreeNetBufferList, NdisFreeNetBufferListPool,
};
use ddk::nt::SIZE_T;

use super::chain::{Chain, Completed, Incoming, Links, Outgoing, Returned};
use super::filter::FilterHandle;
use super::flags::{PortNumber, ReceiveFlags, SendFlags};
use super::net_buffer::{FrameBytes, Nbl};
use crate::irql::Passive;
use crate::pool::{Block, Tag};
use crate::rundown::Rundown;
use crate::status::Status;
use crate::zero::zeroed;

/// Largest frame that is made or copied: an IP packet of the largest size with its Ethernet header and two VLAN tags.
const LONGEST: usize = 65_535 + 22;
/// Slots of the out-of-band data that stay together with an unchanged frame, but that NDIS's copy functions leave out:
/// coalesced segments of a receive or segmentation of a UDP send (17, 22) and what belongs to them (23).
const BESIDES: [usize; 3] = [17, 22, 23];
/// The slot that belongs to WFP.
const WFP: usize = 10;
/// Slots that NBLs have in every version of NDIS since 6.30.
const SLOTS: usize = 24;
/// Bits of `NblFlags` that say what the frame is, rather than how it lies in memory: IPv4, IPv6, TCP, UDP, loopback.
const KIND_OF_FRAME: u32 = 0x9E00;
/// The slot of a large TCP send, and the bit of it which tells LSOv2. With LSOv1 the miniport puts the bytes of payload that
/// it sent in place of the request.
const LARGE_SEND: usize = 2;
const LARGE_V2: usize = 1 << 30;
/// The slot with the type of a received frame; sends have something else there.
const FRAME_TYPE: usize = 7;

/// What an NBL of the driver's own carries in its context area.
#[repr(C, align(16))]
struct Record {
    data: NonNull<u8>,
    length: usize,
}

/// What comes back from the other side.
pub trait Homecoming: 'static {
    /// Whether it carries a status.
    const COMPLETES: bool;
}

impl Homecoming for Completed {
    const COMPLETES: bool = true;
}

impl Homecoming for Returned {
    const COMPLETES: bool = false;
}

/// Which copy function NDIS has for a direction, and where its NBLs end up.
pub trait Travel: 'static {
    /// As what the NBLs come back.
    type Back: Homecoming;
    /// Copies out-of-band data.
    ///
    /// # Safety
    /// The driver owns both NBLs.
    unsafe fn copy_info(to: *mut NET_BUFFER_LIST, from: *mut NET_BUFFER_LIST);
}

impl Travel for Outgoing {
    type Back = Completed;

    unsafe fn copy_info(to: *mut NET_BUFFER_LIST, from: *mut NET_BUFFER_LIST) {
        // SAFETY: by the contract of the trait.
        unsafe { NdisCopySendNetBufferListInfo(to, from) }
    }
}

impl Travel for Incoming {
    type Back = Returned;

    unsafe fn copy_info(to: *mut NET_BUFFER_LIST, from: *mut NET_BUFFER_LIST) {
        // SAFETY: by the contract of the trait.
        unsafe { NdisCopyReceiveNetBufferListInfo(to, from) }
    }
}

/// Where a module's own NBLs come from and come home to.
///
/// Open while the module runs. Closing it waits until all are home, which takes as long as other drivers keep them and
/// never longer: nothing here waits for user mode.
#[derive(Debug)]
pub struct Originator {
    pool: NDIS_HANDLE,
    filter: FilterHandle,
    tag: Tag,
    /// Entered by each NBL.
    gate: Rundown,
    out: AtomicU32,
    most: u32,
}

// SAFETY: the handle is an opaque number that NDIS accepts on any thread.
unsafe impl Send for Originator {}
// SAFETY: as above; everything else is atomic.
unsafe impl Sync for Originator {}

impl Originator {
    /// A closed one, which will have at most `most` NBLs at a time.
    #[doc(alias = "NdisAllocateNetBufferListPool")]
    #[inline(never)]
    pub fn new(filter: FilterHandle, tag: Tag, most: u32, at: Passive<'_>) -> Result<Self, Status> {
        let gate = Rundown::new(tag, at).ok_or(Status::INSUFFICIENT_RESOURCES)?;
        gate.close(at);
        let mut parameters = NET_BUFFER_LIST_POOL_PARAMETERS {
            Header: NDIS_OBJECT_HEADER {
                Type: NDIS_OBJECT_TYPE_DEFAULT,
                Revision: NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1,
                Size: NDIS_SIZEOF_NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1,
            },
            fAllocateNetBuffer: 1,
            ContextSize: size_of::<Record>() as u16,
            PoolTag: tag.get(),
            ..zeroed()
        };
        // SAFETY: the parameters live through the call, and the handle is that of a module that is being attached.
        let pool = unsafe { NdisAllocateNetBufferListPool(filter.raw(), &raw mut parameters) };
        if pool.is_null() {
            return Err(Status::INSUFFICIENT_RESOURCES);
        }
        Ok(Self { pool, filter, tag, gate, out: AtomicU32::new(0), most })
    }

    /// From now on NBLs can be made. To be called for a closed one, when the module begins to run.
    pub fn open(&self, at: Passive<'_>) {
        self.gate.reopen(at);
    }

    /// From now on none can be made; returns when all are home.
    pub fn close(&self, at: Passive<'_>) {
        self.gate.close(at);
    }

    /// NBLs that are not home.
    pub fn outstanding(&self) -> u32 {
        self.out.load(Ordering::Relaxed)
    }

    /// A frame of these bytes, one piece after the other. `None` while closed, when too many NBLs are out, and when memory
    /// is short. IRQL: <= DISPATCH_LEVEL.
    pub fn frame(&self, pieces: &[&[u8]]) -> Option<OwnNbl<'_>> {
        let length = pieces.iter().try_fold(0_usize, |sum, piece| sum.checked_add(piece.len()))?;
        let mut nbl = self.make(length)?;
        let mut rest = nbl.bytes_mut().iter_mut();
        for (to, from) in rest.by_ref().zip(pieces.iter().copied().flatten()) {
            *to = *from;
        }
        Some(nbl)
    }

    /// A frame of `length` zeroes, to be filled and cut. `None` as for [`Originator::frame`]. IRQL: <= DISPATCH_LEVEL.
    pub fn room(&self, length: usize) -> Option<OwnNbl<'_>> {
        self.make(length)
    }

    /// A copy of `original`'s bytes. IRQL: <= DISPATCH_LEVEL.
    pub fn copy(&self, original: &FrameBytes<'_>) -> Option<OwnNbl<'_>> {
        let mut nbl = self.make(original.len())?;
        original.copy_to(nbl.bytes_mut()).then_some(nbl)
    }

    /// A copy of one of the frames of `original`, with its out-of-band data. `None` as for [`Originator::frame`].
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn copy_of<Way: Travel>(&self, original: &Nbl<'_>, frame: &FrameBytes<'_>) -> Option<OwnNbl<'_>> {
        let mut copy = self.copy(frame)?;
        copy.resemble::<Way>(original);
        copy.set_vlan_tci(original.vlan_tci());
        Some(copy)
    }

    /// Makes copies that stand for `original`, a single NBL: one NBL for each of its frames whose number `wanted` wants, with
    /// its out-of-band data. `edit` gets the bytes of each, and its 802.1Q tag control information if it has any beside them.
    ///
    /// The original stays here until the last copy is home and then goes on among what [`Originator::take_back`] returns.
    /// It comes back at once when there are several, and when copies cannot be made. IRQL: <= DISPATCH_LEVEL.
    pub fn replace<Way: Travel>(
        &self,
        original: Chain<Way>,
        wanted: impl Fn(usize) -> bool,
        mut edit: impl FnMut(&mut [u8], &mut Option<u16>),
    ) -> Result<Chain<Way>, Chain<Way>> {
        let Some(parent) = original.single() else { return Err(original) };
        // SAFETY: the chain is owned, and this is the only view of the NBL.
        let view = unsafe { Nbl::new(parent) };
        let (mut copies, mut whole) = (Links::new(), true);
        for (_, frame) in view.frames().enumerate().filter(|(number, _)| wanted(*number)) {
            let Some(mut copy) = self.copy_of::<Way>(&view, &frame) else {
                whole = false;
                break;
            };
            let mut tag = view.vlan_tci();
            edit(copy.bytes_mut(), &mut tag);
            copy.set_vlan_tci(tag);
            // SAFETY: the copy is owned here.
            unsafe { (*copy.list.as_ptr()).ParentNetBufferList = parent.as_ptr() };
            copies.push(copy.keep());
        }
        let count = copies.count();
        let Some(copies) = copies.finish::<Way>() else { return Err(original) };
        if !whole {
            let mut copies = copies.into_raw();
            while let Some(list) = NonNull::new(copies) {
                // SAFETY: the copies were made above and are linked to each other only.
                copies = unsafe { (*list.as_ptr()).Next };
                // SAFETY: as above.
                unsafe { self.free(list) };
            }
            return Err(original);
        }
        let parent = original.into_raw();
        // SAFETY: the original is owned and stays so until its last copy is home, so that nobody else looks at it.
        unsafe {
            (*parent).ChildRefCount = count.cast_signed();
            // The answer to a large send takes the place of the request.
            if Way::Back::COMPLETES
                && let Some(slot) = (*parent).NetBufferListInfo.get_mut(LARGE_SEND)
                && slot.addr() & LARGE_V2 == 0
            {
                *slot = core::ptr::null_mut();
            }
            if Way::Back::COMPLETES {
                (*parent).Status = Status::SUCCESS.0;
            }
        }
        Ok(copies)
    }

    /// Takes this module's own NBLs out of a chain that comes back, and frees them. What is left goes on: NBLs of others, and
    /// originals whose last copy is home, with the status of one that failed if any did. IRQL: <= DISPATCH_LEVEL.
    pub fn take_back<Back: Homecoming>(&self, chain: Chain<Back>) -> Option<Chain<Back>> {
        // With none out the chain need not be looked at.
        if self.outstanding() == 0 {
            return Some(chain);
        }
        let mut others = Links::new();
        let mut next = NonNull::new(chain.into_raw());
        while let Some(list) = next {
            // SAFETY: the chain was owned, and nothing behind `list` has been relinked yet.
            let (following, source) = unsafe { ((*list.as_ptr()).Next, (*list.as_ptr()).SourceHandle) };
            next = NonNull::new(following);
            if source != self.filter.raw() {
                others.push(list);
            // SAFETY: NBLs with this handle come from here, and this one is home.
            } else if let Some(parent) = unsafe { self.welcome::<Back>(list) } {
                others.push(parent);
            }
        }
        others.finish()
    }

    /// Frees an NBL that is home; the original if it was its last copy.
    ///
    /// # Safety
    /// The NBL comes from this originator, and is owned.
    unsafe fn welcome<Back: Homecoming>(
        &self,
        list: NonNull<NET_BUFFER_LIST>,
    ) -> Option<NonNull<NET_BUFFER_LIST>> {
        // SAFETY: by the contract of this function.
        let (parent, status) = unsafe { ((*list.as_ptr()).ParentNetBufferList, (*list.as_ptr()).Status) };
        // SAFETY: as above.
        let sent =
            unsafe { (*list.as_ptr()).NetBufferListInfo.get(LARGE_SEND) }.map_or(0, |slot| slot.addr());
        // SAFETY: by the contract of this function.
        unsafe { self.free(list) };
        let parent = NonNull::new(parent)?;
        if Back::COMPLETES && !Status(status).is_success() {
            // SAFETY: the original is valid while it has children; copies may come home on several processors.
            unsafe { AtomicI32::from_ptr(&raw mut (*parent.as_ptr()).Status) }
                .store(status, Ordering::Relaxed);
        }
        if Back::COMPLETES && Status(status).is_success() && sent & LARGE_V2 == 0 && sent != 0 {
            // SAFETY: as above.
            let slot = unsafe { (*parent.as_ptr()).NetBufferListInfo.get_mut(LARGE_SEND) };
            if let Some(slot) = slot {
                // SAFETY: the slot is a word that only copies which come home change.
                unsafe { AtomicUsize::from_ptr((&raw mut *slot).cast()) }.fetch_add(sent, Ordering::Relaxed);
            }
        }
        // SAFETY: as above.
        let children = unsafe { AtomicI32::from_ptr(&raw mut (*parent.as_ptr()).ChildRefCount) };
        (children.fetch_sub(1, Ordering::AcqRel) == 1).then_some(parent)
    }

    /// An NBL with `length` bytes of zeroes.
    fn make(&self, length: usize) -> Option<OwnNbl<'_>> {
        if length == 0 || length > LONGEST {
            return None;
        }
        let inside = self.gate.enter()?;
        if self.out.fetch_add(1, Ordering::Relaxed) >= self.most {
            self.out.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let made = self.allocate(length);
        match made {
            Some(_) => inside.keep(),
            None => {
                self.out.fetch_sub(1, Ordering::Relaxed);
            }
        }
        made.map(|list| OwnNbl { list, home: self })
    }

    #[doc(alias = "NdisAllocateNetBufferAndNetBufferList")]
    fn allocate(&self, length: usize) -> Option<NonNull<NET_BUFFER_LIST>> {
        let layout = Layout::from_size_align(length, 16).ok()?;
        let data = Block::zeroed(self.tag, layout)?;
        let (start, size) = (data.as_ptr(), u32::try_from(length).ok()?);
        // SAFETY: the block is non-paged memory of that length.
        let mdl = unsafe { NdisAllocateMdl(self.filter.raw(), start.as_ptr().cast(), size) };
        if mdl.is_null() {
            return None;
        }
        // SAFETY: the pool has NET_BUFFERs and the MDL describes the block.
        let list =
            unsafe { NdisAllocateNetBufferAndNetBufferList(self.pool, 0, 0, mdl, 0, length as SIZE_T) };
        let Some(list) = NonNull::new(list) else {
            // SAFETY: the MDL was made above, and nobody else knows it.
            unsafe { NdisFreeMdl(mdl) };
            return None;
        };
        let block = data.leak();
        let record = Record { data: start, length: block.len() };
        // SAFETY: the NBL is new. Pools recycle, and what an earlier life said about another frame must not stay.
        let slots = unsafe { &mut (*list.as_ptr()).NetBufferListInfo };
        for (number, slot) in slots.iter_mut().enumerate().take(SLOTS) {
            if number != WFP {
                *slot = core::ptr::null_mut();
            }
        }
        // SAFETY: as above, and its pool gives each a context of that size.
        unsafe {
            (*list.as_ptr()).SourceHandle = self.filter.raw();
            NET_BUFFER_LIST_CONTEXT_DATA_START(list.as_ptr()).cast::<Record>().write(record);
        }
        Some(list)
    }

    /// # Safety
    /// The NBL comes from this originator, and is owned.
    unsafe fn free(&self, list: NonNull<NET_BUFFER_LIST>) {
        // SAFETY: by the contract of this function; `allocate` wrote the record.
        let record = unsafe { NET_BUFFER_LIST_CONTEXT_DATA_START(list.as_ptr()).cast::<Record>().read() };
        // SAFETY: by the contract of this function; `allocate` gave it this MDL.
        let mdl = unsafe { (*(*list.as_ptr()).FirstNetBuffer).MdlChain };
        // SAFETY: as above.
        unsafe { NdisFreeNetBufferList(list.as_ptr()) };
        // SAFETY: as above.
        unsafe { NdisFreeMdl(mdl) };
        let data = NonNull::slice_from_raw_parts(record.data, record.length);
        // SAFETY: `allocate` leaked the block with this tag.
        unsafe { Block::free_bytes(data, self.tag) };
        self.out.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: `make` entered for this NBL.
        unsafe { self.gate.leave() };
    }
}

impl Drop for Originator {
    /// All NBLs are home: each borrows this, or has entered the gate of a module that was paused since.
    #[doc(alias = "NdisFreeNetBufferListPool")]
    fn drop(&mut self) {
        // SAFETY: the pool was allocated by the constructor, and all its NBLs are freed.
        unsafe { NdisFreeNetBufferListPool(self.pool) };
    }
}

/// An NBL of the driver's own, with one frame in one piece of memory; freed on drop.
#[derive(Debug)]
pub struct OwnNbl<'a> {
    list: NonNull<NET_BUFFER_LIST>,
    home: &'a Originator,
}

impl OwnNbl<'_> {
    /// The frame.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: the NBL is owned, and `allocate` wrote the record.
        let record = unsafe { &*NET_BUFFER_LIST_CONTEXT_DATA_START(self.list.as_ptr()).cast::<Record>() };
        // SAFETY: the block is initialised, and borrowed as the NBL is.
        unsafe { core::slice::from_raw_parts_mut(record.data.as_ptr(), record.length) }
    }

    /// Makes the frame end after its first `length` bytes, if it is longer.
    pub fn cut(&mut self, length: usize) {
        // SAFETY: the NBL is owned and has one NET_BUFFER.
        let buffer = unsafe { &mut *(*self.list.as_ptr()).FirstNetBuffer };
        buffer.DataLength = buffer.DataLength.min(u32::try_from(length).unwrap_or(u32::MAX));
    }

    /// Sets or clears the 802.1Q tag beside the frame.
    pub fn set_vlan_tci(&mut self, tci: Option<u16>) {
        // SAFETY: the NBL is owned.
        unsafe { Nbl::new(self.list) }.set_vlan_tci(tci);
    }

    /// Takes over what is said beside `original` about its frame, which this one repeats: the id of a send too, under which
    /// its sender may cancel it, so that a cancellation finds what is on the way in its place.
    #[doc(alias = "NdisCopySendNetBufferListInfo")]
    #[doc(alias = "NdisCopyReceiveNetBufferListInfo")]
    pub fn resemble<Way: Travel>(&mut self, original: &Nbl<'_>) {
        let (to, from) = (self.list.as_ptr(), original.as_ptr());
        // SAFETY: both NBLs are owned.
        unsafe { Way::copy_info(to, from) };
        // SAFETY: as above.
        let (to, from) = unsafe { (&mut *to, &*from) };
        for slot in BESIDES {
            if let (Some(to), Some(from)) =
                (to.NetBufferListInfo.get_mut(slot), from.NetBufferListInfo.get(slot))
            {
                *to = *from;
            }
        }
        to.NblFlags = from.NblFlags & KIND_OF_FRAME;
    }

    /// Says that the frame is an IP packet with this protocol: drivers of media without Ethernet headers have nothing else to
    /// know it by. For a frame that is indicated the type is said, too.
    #[doc(alias = "NDIS_NBL_FLAGS_IS_IPV4")]
    #[doc(alias = "NetBufferListFrameType")]
    pub fn set_kind(&mut self, v6: bool, protocol: u8, indicated: bool) {
        const TCP: u8 = 6;
        const UDP: u8 = 17;
        // SAFETY: the NBL is owned.
        let list = unsafe { self.list.as_mut() };
        let (version, ethertype) =
            if v6 { (NDIS_NBL_FLAGS_IS_IPV6, 0x86DD_u16) } else { (NDIS_NBL_FLAGS_IS_IPV4, 0x0800) };
        let transport = match protocol {
            TCP => NDIS_NBL_FLAGS_IS_TCP,
            UDP => NDIS_NBL_FLAGS_IS_UDP,
            _ => 0,
        };
        list.NblFlags = version | transport;
        if let Some(slot) = list.NetBufferListInfo.get_mut(FRAME_TYPE).filter(|_| indicated) {
            *slot = core::ptr::without_provenance_mut(usize::from(ethertype.to_be()));
        }
    }

    /// Sends the frame to the driver below. IRQL: <= DISPATCH_LEVEL, and DISPATCH_LEVEL if `flags` say so.
    pub fn send_down(self, port: PortNumber, flags: SendFlags) {
        let filter = self.home.filter;
        self.into_chain::<Outgoing>().send_down(filter, port, flags);
    }

    /// Indicates the frame to the drivers above. IRQL: <= DISPATCH_LEVEL, and DISPATCH_LEVEL if `flags` say so; they must not
    /// say RESOURCES.
    pub fn indicate(self, port: PortNumber, flags: ReceiveFlags) {
        let filter = self.home.filter;
        self.into_chain::<Incoming>().indicate(filter, port, 1, flags);
    }

    /// The NBL as a chain of its own: it comes home to [`Originator::take_back`].
    pub fn into_chain<Way>(self) -> Chain<Way> {
        // SAFETY: a single NBL that is owned.
        unsafe { Chain::single_from(self.keep()) }
    }

    /// Gives up ownership, not the place inside the originator's gate.
    fn keep(self) -> NonNull<NET_BUFFER_LIST> {
        ManuallyDrop::new(self).list
    }
}

/// Own NBLs that wait for being handed on together; freed on drop.
pub struct OwnChain<'a> {
    lists: Links,
    home: &'a Originator,
}

impl<'a> OwnChain<'a> {
    /// An empty one for NBLs of `home`.
    #[must_use]
    pub const fn new(home: &'a Originator) -> Self {
        Self { lists: Links::new(), home }
    }

    /// Adds an NBL of the same originator.
    pub fn push(&mut self, nbl: OwnNbl<'a>) {
        debug_assert!(core::ptr::eq(nbl.home, self.home));
        self.lists.push(nbl.keep());
    }

    /// Sends the frames, if there are any, to the driver below; as [`OwnNbl::send_down`].
    pub fn send_down(mut self, port: PortNumber, flags: SendFlags) {
        if let Some(chain) = self.take::<Outgoing>() {
            chain.send_down(self.home.filter, port, flags);
        }
    }

    /// Indicates the frames, if there are any, to the drivers above; as [`OwnNbl::indicate`].
    pub fn indicate(mut self, port: PortNumber, flags: ReceiveFlags) {
        let count = self.lists.count();
        if let Some(chain) = self.take::<Incoming>() {
            chain.indicate(self.home.filter, port, count, flags);
        }
    }

    fn take<Way>(&mut self) -> Option<Chain<Way>> {
        core::mem::replace(&mut self.lists, Links::new()).finish()
    }
}

impl Drop for OwnChain<'_> {
    fn drop(&mut self) {
        let mut chain = self.take::<Outgoing>();
        while let Some(whole) = chain {
            let (first, rest) = whole.split_first();
            if let Some(list) = NonNull::new(first.into_raw()) {
                // SAFETY: the NBL comes from there, and is owned.
                unsafe { self.home.free(list) };
            }
            chain = rest;
        }
    }
}

impl Drop for OwnNbl<'_> {
    fn drop(&mut self) {
        // SAFETY: the NBL comes from there, and is owned.
        unsafe { self.home.free(self.list) };
    }
}
