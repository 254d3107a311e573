//! Packets that a classify showed, copied to be injected later, and the injection.

use core::alloc::Layout;
use core::ffi::c_void;
use core::marker::PhantomData;
use core::ptr::NonNull;

use ddk::fwp::{
    FWPS_INJECTION_TYPE_TRANSPORT, FWPS_PACKET_INJECTED_BY_SELF, FWPS_PACKET_PREVIOUSLY_INJECTED_BY_SELF,
    FWPS_TRANSPORT_SEND_PARAMS1, FwpsAllocateNetBufferAndNetBufferList0, FwpsFreeNetBufferList0,
    FwpsInjectTransportReceiveAsync0, FwpsInjectTransportSendAsync1, FwpsInjectionHandleCreate0,
    FwpsInjectionHandleDestroy0, FwpsQueryPacketInjectionState0,
};
use ddk::ndis::{
    NDIS_HANDLE, NDIS_OBJECT_HEADER, NDIS_OBJECT_TYPE_DEFAULT,
    NDIS_SIZEOF_NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1, NET_BUFFER_LIST, NET_BUFFER_LIST_POOL_PARAMETERS,
    NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1, NdisAllocateNetBufferListPool, NdisFreeNetBufferListPool,
    TcpIpChecksumNetBufferListInfo, UdpRecvSegCoalesceOffloadInfo,
};
use ddk::nt::ntddk::{IoAllocateMdl, IoFreeMdl, MmBuildMdlForNonPagedPool};
use ddk::nt::{BOOLEAN, FALSE, HANDLE, MDL, PVOID, SIZE_T};

use crate::irql::Passive;
use crate::ndis::FrameBytes;
use crate::pool::{Block, PoolBox, Tag};
use crate::status::Status;
use crate::zero::zeroed;

/// Longest packet that is kept: an IP packet of the largest size.
const LONGEST: usize = 65_535;

/// An address family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
pub enum Family {
    /// `AF_INET`.
    V4 = 2,
    /// `AF_INET6`.
    V6 = 23,
}

/// Where a packet goes on.
#[derive(Clone, Copy, Debug)]
pub enum Path {
    /// Up, from its IP header on.
    Receive {
        /// Index of the interface.
        interface: u32,
        /// Index of the sub-interface.
        sub_interface: u32,
    },
    /// Down, from its transport header on.
    Send {
        /// The endpoint in the metadata of the classify.
        endpoint: u64,
        /// Remote address in network order; IPv4 in the first four bytes.
        remote: [u8; 16],
        /// Scope of the remote address.
        scope: u32,
    },
}

/// A packet that a classify shows. Valid only during the call.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    list: NonNull<NET_BUFFER_LIST>,
    shown: PhantomData<&'a NET_BUFFER_LIST>,
}

impl<'a> Shown<'a> {
    /// # Safety
    /// The list must be valid and unchanged for `'a`.
    pub(super) unsafe fn new(list: NonNull<NET_BUFFER_LIST>) -> Self {
        Self { list, shown: PhantomData }
    }

    /// Whether `injector` injected it, now or earlier: then it must be let through.
    #[doc(alias = "FwpsQueryPacketInjectionState0")]
    #[must_use]
    pub fn is_own(&self, injector: &Injector) -> bool {
        // SAFETY: the handle is live and the list valid; the context is not wanted.
        let state = unsafe {
            FwpsQueryPacketInjectionState0(injector.handle, self.list.as_ptr(), core::ptr::null_mut())
        };
        matches!(state, FWPS_PACKET_INJECTED_BY_SELF | FWPS_PACKET_PREVIOUSLY_INJECTED_BY_SELF)
    }

    /// Whether the network card has put several datagrams together (URO): such a packet cannot be injected as one.
    #[must_use]
    pub fn is_coalesced(&self) -> bool {
        self.info(UdpRecvSegCoalesceOffloadInfo) != 0
    }

    /// Copies the packet with the `headers` bytes in front of it, for `path`; `control` is the control data of a send.
    /// `None` when there is no memory, or when it is not one packet of a usable length. IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn copy(
        &self,
        headers: u32,
        family: Family,
        compartment: u32,
        path: Path,
        control: &[u8],
        tag: Tag,
    ) -> Option<Packet> {
        // SAFETY: the list is valid.
        let buffer = unsafe { (*self.list.as_ptr()).FirstNetBuffer.as_ref() }?;
        if !buffer.Next.is_null() {
            return None;
        }
        let frame = FrameBytes::with_headers(buffer, headers)?;
        if frame.is_empty() || frame.len() > LONGEST {
            return None;
        }
        let mut data = Block::zeroed(tag, Layout::from_size_align(frame.len(), 16).ok()?)?;
        if !frame.copy_to(data.bytes_mut()) {
            return None;
        }
        let control = if control.is_empty() { None } else { Some(Block::copy(tag, control)?) };
        let checksum = match path {
            // What the card still has to compute; without it the sum in the header is not one.
            Path::Send { .. } => self.info(TcpIpChecksumNetBufferListInfo),
            Path::Receive { .. } => 0,
        };
        let parameters = zeroed();
        let mdl = core::ptr::null_mut();
        let content =
            Content { data, control, checksum, family, compartment, path, tag, parameters, mdl, next: None };
        PoolBox::new(tag, content).map(Packet)
    }

    fn info(&self, id: i32) -> usize {
        // SAFETY: the list is valid.
        let info = unsafe { &(*self.list.as_ptr()).NetBufferListInfo };
        info.get(id as usize).map_or(0, |value| value.addr())
    }
}

/// A packet in memory of its own.
#[derive(Debug)]
pub struct Packet(PoolBox<Content>);

struct Content {
    data: Block,
    control: Option<Block>,
    checksum: usize,
    family: Family,
    compartment: u32,
    path: Path,
    tag: Tag,
    /// Lives as long as the injection, which reads it until it completes.
    parameters: FWPS_TRANSPORT_SEND_PARAMS1,
    mdl: *mut MDL,
    /// For lists of packets.
    next: Option<Packet>,
}

impl core::fmt::Debug for Content {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Packet").field("path", &self.path).finish_non_exhaustive()
    }
}

// SAFETY: the packet owns its memory; the pointers are used while it is injected only, by one owner at a time.
unsafe impl Send for Content {}

impl Packet {
    /// Its bytes.
    #[must_use]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.0.data.bytes_mut()
    }

    /// The packet behind it in a list.
    pub fn following(&mut self) -> &mut Option<Packet> {
        &mut self.0.next
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        // One after the other: a long list must not be dropped by recursion.
        let mut next = self.0.next.take();
        while let Some(mut packet) = next {
            next = packet.0.next.take();
        }
    }
}

/// The pool from which the NBLs of injected packets come.
#[derive(Debug)]
pub struct PacketPool(NDIS_HANDLE);

// SAFETY: the handle is an opaque number that NDIS accepts on any thread.
unsafe impl Send for PacketPool {}
// SAFETY: as above.
unsafe impl Sync for PacketPool {}

impl PacketPool {
    /// A pool of NBLs with one NET_BUFFER each.
    #[doc(alias = "NdisAllocateNetBufferListPool")]
    pub fn new(tag: Tag, _at: Passive<'_>) -> Result<Self, Status> {
        let mut parameters = NET_BUFFER_LIST_POOL_PARAMETERS {
            Header: NDIS_OBJECT_HEADER {
                Type: NDIS_OBJECT_TYPE_DEFAULT,
                Revision: NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1,
                Size: NDIS_SIZEOF_NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1,
            },
            fAllocateNetBuffer: 1,
            PoolTag: tag.get(),
            ..zeroed()
        };
        // SAFETY: the parameters live through the call; a callout has no handle of NDIS's.
        let pool = unsafe { NdisAllocateNetBufferListPool(core::ptr::null_mut(), &raw mut parameters) };
        if pool.is_null() { Err(Status::INSUFFICIENT_RESOURCES) } else { Ok(Self(pool)) }
    }
}

impl Drop for PacketPool {
    /// To be dropped after every [`Injector`] that it was used with.
    #[doc(alias = "NdisFreeNetBufferListPool")]
    fn drop(&mut self) {
        // SAFETY: the pool was allocated once, and no NBL of it is out any more.
        unsafe { NdisFreeNetBufferListPool(self.0) };
    }
}

/// A handle for injection at the transport layer.
#[derive(Debug)]
pub struct Injector {
    handle: HANDLE,
}

// SAFETY: the handle may be used on any thread.
unsafe impl Send for Injector {}
// SAFETY: as above.
unsafe impl Sync for Injector {}

impl Injector {
    /// A handle for one family. Fails with `STATUS_FWP_TCPIP_NOT_READY` early during boot.
    #[doc(alias = "FwpsInjectionHandleCreate0")]
    pub fn new(family: Family, _at: Passive<'_>) -> Result<Self, Status> {
        let mut handle = core::ptr::null_mut();
        // SAFETY: the handle is written on success.
        let status = unsafe {
            FwpsInjectionHandleCreate0(family as u16, FWPS_INJECTION_TYPE_TRANSPORT, &raw mut handle)
        };
        Status(status).ok()?;
        Ok(Self { handle })
    }

    /// Sends a packet on its way, which takes it; on failure it is gone. IRQL: <= DISPATCH_LEVEL; not within a classify
    /// of TCP at a transport layer.
    #[doc(alias = "FwpsInjectTransportSendAsync1")]
    #[doc(alias = "FwpsInjectTransportReceiveAsync0")]
    pub fn inject(&self, pool: &PacketPool, packet: Packet) -> Result<(), Status> {
        let mut packet = packet;
        packet.0.next = None;
        let list = list(&mut packet, pool)?;
        let tag = packet.0.tag;
        let content = into_content(packet);
        // SAFETY: the content was just released, and nobody else knows it before the injection.
        let status = Status(unsafe { self.submit(content, list) });
        if status.is_success() {
            return Ok(());
        }
        // SAFETY: the injection was refused, so its completion is not called.
        unsafe { end(content, tag, list) };
        Err(status)
    }

    /// # Safety
    /// `content` must be that of the packet that `list` was made for, and nobody else's.
    unsafe fn submit(&self, content: NonNull<Content>, list: NonNull<NET_BUFFER_LIST>) -> i32 {
        // SAFETY: by the contract of this function.
        let packet = unsafe { &mut *content.as_ptr() };
        let (family, compartment) = (packet.family as u16, packet.compartment.cast_signed());
        let context: HANDLE = content.as_ptr().cast();
        match &mut packet.path {
            Path::Receive { interface, sub_interface } => {
                // SAFETY: the handle is live; the list is this driver's own and stays with the injection.
                unsafe {
                    FwpsInjectTransportReceiveAsync0(
                        self.handle,
                        core::ptr::null_mut(),
                        core::ptr::null_mut(),
                        0,
                        family,
                        compartment,
                        *interface,
                        *sub_interface,
                        list.as_ptr(),
                        Some(complete),
                        context,
                    )
                }
            }
            Path::Send { endpoint, remote, scope } => {
                let control = packet.control.as_ref();
                packet.parameters.remoteAddress = remote.as_mut_ptr();
                packet.parameters.remoteScopeId.u.Value = *scope;
                packet.parameters.controlData =
                    control.map_or(core::ptr::null_mut(), |control| control.as_ptr().as_ptr().cast());
                packet.parameters.controlDataLength =
                    control.map_or(0, |control| control.bytes().len() as u32);
                // SAFETY: as above; the parameters lie in the packet, which lives until the completion.
                unsafe {
                    FwpsInjectTransportSendAsync1(
                        self.handle,
                        core::ptr::null_mut(),
                        *endpoint,
                        0,
                        &raw mut packet.parameters,
                        family,
                        compartment,
                        list.as_ptr(),
                        Some(complete),
                        context,
                    )
                }
            }
        }
    }
}

impl Drop for Injector {
    /// IRQL: PASSIVE_LEVEL. Waits until every injection is complete.
    #[doc(alias = "FwpsInjectionHandleDestroy0")]
    fn drop(&mut self) {
        // SAFETY: the handle was created once and is used only here.
        let _destroyed = unsafe { FwpsInjectionHandleDestroy0(self.handle) };
    }
}

/// Makes the NBL of a packet.
#[doc(alias = "FwpsAllocateNetBufferAndNetBufferList0")]
fn list(packet: &mut Packet, pool: &PacketPool) -> Result<NonNull<NET_BUFFER_LIST>, Status> {
    let start: PVOID = packet.0.data.as_ptr().as_ptr().cast();
    let length = packet.0.data.bytes().len();
    // SAFETY: the block is non-paged memory of that length.
    let mdl = unsafe { IoAllocateMdl(start, length as u32, FALSE as u8, FALSE as u8, core::ptr::null_mut()) };
    if mdl.is_null() {
        return Err(Status::INSUFFICIENT_RESOURCES);
    }
    // SAFETY: the MDL is new and describes non-paged pool.
    unsafe { MmBuildMdlForNonPagedPool(mdl) };
    let mut list = core::ptr::null_mut();
    // SAFETY: the pool is live and the MDL describes the data.
    let status = unsafe {
        FwpsAllocateNetBufferAndNetBufferList0(pool.0, 0, 0, mdl.cast(), 0, length as SIZE_T, &raw mut list)
    };
    match (Status(status).ok(), NonNull::new(list)) {
        (Ok(()), Some(list)) => {
            packet.0.mdl = mdl.cast();
            if packet.0.checksum != 0 {
                // SAFETY: the list is new.
                let info = unsafe { &mut (*list.as_ptr()).NetBufferListInfo };
                if let Some(slot) = info.get_mut(TcpIpChecksumNetBufferListInfo as usize) {
                    *slot = core::ptr::without_provenance_mut(packet.0.checksum);
                }
            }
            Ok(list)
        }
        (result, _) => {
            // SAFETY: the MDL was allocated above, and nobody else knows it.
            unsafe { IoFreeMdl(mdl) };
            Err(result.err().unwrap_or(Status::INSUFFICIENT_RESOURCES))
        }
    }
}

/// Gives up ownership until [`end`].
fn into_content(packet: Packet) -> NonNull<Content> {
    let packet = core::mem::ManuallyDrop::new(packet);
    packet.0.as_ptr()
}

/// Frees a packet and its list.
///
/// # Safety
/// `content` must come from [`into_content`] of a packet with this tag, once, and `list` must be its list, owned by this
/// driver.
unsafe fn end(content: NonNull<Content>, tag: Tag, list: NonNull<NET_BUFFER_LIST>) {
    // SAFETY: by the contract of this function.
    unsafe { FwpsFreeNetBufferList0(list.as_ptr()) };
    // SAFETY: by the contract of this function.
    let content = unsafe { PoolBox::from_raw(content, tag) };
    // SAFETY: the MDL was allocated for the list, which is gone.
    unsafe { IoFreeMdl(content.mdl.cast()) };
    drop(Packet(content));
}

ddk::abi_fn! {
    unsafe fn complete(context: *mut c_void, list: *mut NET_BUFFER_LIST, _dispatch_level: BOOLEAN) {
        if let (Some(content), Some(list)) = (NonNull::new(context.cast::<Content>()), NonNull::new(list)) {
            // SAFETY: the context is the packet that the injection was given.
            let tag = unsafe { (*content.as_ptr()).tag };
            // SAFETY: as above; the completion comes once.
            unsafe { end(content, tag, list) };
        }
    }
}
