//! Views of one NBL, of its frames, and of the bytes of a frame over any split into MDLs.

use core::marker::PhantomData;
use core::num::NonZeroU32;
use core::ptr::NonNull;

use ddk::ndis::{
    Ieee8021QNetBufferListInfo, NET_BUFFER, NET_BUFFER_LIST, TcpIpChecksumNetBufferListInfo,
    TcpLargeSendNetBufferListInfo, UdpRecvSegCoalesceOffloadInfo, UdpSegmentationOffloadInfo,
};
use ddk::nt::MDL;

use crate::mdl;
use crate::status::Status;

/// One NET_BUFFER_LIST of a chain that the driver currently owns.
#[derive(Debug)]
pub struct Nbl<'a> {
    list: NonNull<NET_BUFFER_LIST>,
    owned: PhantomData<&'a mut NET_BUFFER_LIST>,
}

impl<'a> Nbl<'a> {
    /// A view of `list`.
    ///
    /// # Safety
    /// The driver must own the NBL for `'a`, and no other view of it may be in use.
    pub(crate) unsafe fn new(list: NonNull<NET_BUFFER_LIST>) -> Self {
        Self { list, owned: PhantomData }
    }

    /// The frames of the list. Sends may have several, receives have one.
    #[must_use]
    pub fn frames(&self) -> NetBuffers<'_> {
        // SAFETY: the view's owner guarantees a valid NBL.
        NetBuffers { next: unsafe { (*self.list.as_ptr()).FirstNetBuffer }, owned: PhantomData }
    }

    /// The 802.1Q tag control information carried out of band; `None` when there is neither priority nor VLAN.
    #[doc(alias = "NDIS_NET_BUFFER_LIST_8021Q_INFO")]
    #[must_use]
    pub fn vlan_tci(&self) -> Option<u16> {
        // SAFETY: the view's owner guarantees a valid NBL.
        let info = unsafe { &(*self.list.as_ptr()).NetBufferListInfo };
        let value = info.get(Ieee8021QNetBufferListInfo as usize)?.addr() as u32;
        // Bits 0..3 priority, 3 canonical format, 4..16 VLAN id: the tag has them the other way round.
        let tci = ((value & 0x7) << 13) | ((value & 0x8) << 9) | ((value >> 4) & 0xFFF);
        if tci == 0 { None } else { Some(tci as u16) }
    }

    /// Packets on the wire that `frame`, one of this list's, stands for.
    ///
    /// Network cards cut a large send into segments (LSO, USO) and coalesce receives (RSC, URO); the list says so out of
    /// band. A large send whose headers cannot be read counts as if it had none.
    #[doc(alias = "NDIS_TCP_LARGE_SEND_OFFLOAD_NET_BUFFER_LIST_INFO")]
    #[doc(alias = "NDIS_RSC_NBL_INFO")]
    #[inline]
    #[must_use]
    pub fn segments(&self, frame: &FrameBytes<'_>, send: bool) -> u32 {
        self.plain_segments(send).unwrap_or_else(|| {
            // SAFETY: the view's owner guarantees a valid NBL.
            let info = unsafe { &(*self.list.as_ptr()).NetBufferListInfo };
            let slot = |id: i32| info.get(id as usize).map_or(0, |value| value.addr() as u32);
            let (tcp, udp) = (slot(TcpLargeSendNetBufferListInfo), slot(UdpSegmentationOffloadInfo));
            cut(frame, tcp, udp).unwrap_or(1)
        })
    }

    /// The frame of a list that has one, and that no network card cuts into segments.
    #[inline]
    #[must_use]
    pub fn only_frame(&self, send: bool) -> Option<FrameBytes<'_>> {
        let mut frames = self.frames();
        let frame = frames.next()?;
        (frames.next.is_null() && self.plain_segments(send).is_some()).then_some(frame)
    }

    /// As [`Nbl::segments`] where that can be told without looking at a frame.
    #[inline]
    #[must_use]
    pub fn plain_segments(&self, send: bool) -> Option<u32> {
        // SAFETY: the view's owner guarantees a valid NBL.
        let info = unsafe { &(*self.list.as_ptr()).NetBufferListInfo };
        let slot = |id: i32| info.get(id as usize).map_or(0, |value| value.addr() as u32);
        // The slot has a meaning for UDP sends, and another for TCP receives.
        let shared = slot(UdpSegmentationOffloadInfo);
        if send {
            return ((slot(TcpLargeSendNetBufferListInfo) | shared) & MAXIMUM_SEGMENT == 0).then_some(1);
        }
        Some(((shared | slot(UdpRecvSegCoalesceOffloadInfo)) & 0xFFFF).max(1))
    }

    /// Sets or clears the 802.1Q tag control information that is carried out of band.
    pub fn set_vlan_tci(&mut self, tci: Option<u16>) {
        // SAFETY: the view's owner guarantees a valid NBL that the driver owns.
        let info = unsafe { &mut (*self.list.as_ptr()).NetBufferListInfo };
        let Some(slot) = info.get_mut(Ieee8021QNetBufferListInfo as usize) else { return };
        let tci = usize::from(tci.unwrap_or(0));
        let value = (tci >> 13) | ((tci >> 9) & 0x8) | ((tci & 0xFFF) << 4);
        *slot = core::ptr::without_provenance_mut(value);
    }

    pub(super) fn as_ptr(&self) -> *mut NET_BUFFER_LIST {
        self.list.as_ptr()
    }

    /// Whether the miniport computes the checksum of the IPv4 headers of this send: because it is asked to, or because it
    /// cuts the frame into segments.
    #[doc(alias = "NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO")]
    #[must_use]
    pub fn offloads_ip_checksum(&self) -> bool {
        /// `Transmit.IpHeaderChecksum`.
        const IP_HEADER: usize = 1 << 4;
        // SAFETY: the view's owner guarantees a valid NBL.
        let info = unsafe { &(*self.list.as_ptr()).NetBufferListInfo };
        let slot = |id: i32| info.get(id as usize).map_or(0, |value| value.addr());
        slot(TcpIpChecksumNetBufferListInfo) & IP_HEADER != 0
            || slot(TcpLargeSendNetBufferListInfo) != 0
            || slot(UdpSegmentationOffloadInfo) != 0
    }

    /// What the network card is to do to the frames of this send, or has done to those of this receive.
    #[doc(alias = "NDIS_TCP_IP_CHECKSUM_NET_BUFFER_LIST_INFO")]
    #[must_use]
    pub fn offloads(&self, send: bool) -> Offloads {
        /// `Transmit.TcpChecksum`, `UdpChecksum` and `IpHeaderChecksum`.
        const CHECKSUMS: usize = 7 << 2;
        // SAFETY: the view's owner guarantees a valid NBL.
        let info = unsafe { &(*self.list.as_ptr()).NetBufferListInfo };
        let slot = |id: i32| info.get(id as usize).map_or(0, |value| value.addr());
        let udp = slot(UdpSegmentationOffloadInfo);
        if send {
            let large = slot(TcpLargeSendNetBufferListInfo) != 0 || udp != 0;
            let checksum = large || slot(TcpIpChecksumNetBufferListInfo) & CHECKSUMS != 0;
            return Offloads { checksum, large, coalesced: false };
        }
        let coalesced = udp != 0 || slot(UdpRecvSegCoalesceOffloadInfo) != 0;
        Offloads { checksum: false, large: false, coalesced }
    }

    /// What [`Nbl::set_note`] left here.
    #[must_use]
    pub fn note(&self) -> u64 {
        // SAFETY: the view's owner guarantees a valid NBL.
        unsafe { (*self.list.as_ptr()).Scratch }.addr() as u64
    }

    /// Leaves a note in `Scratch`, which belongs to whoever owns the NBL and is lost when it is handed on.
    pub fn set_note(&mut self, note: u64) {
        // SAFETY: the view's owner guarantees a valid NBL that the driver owns.
        unsafe { (*self.list.as_ptr()).Scratch = core::ptr::without_provenance_mut(note as usize) };
    }

    /// Sets the status that a send completes with.
    pub fn set_status(&mut self, status: Status) {
        // SAFETY: the view's owner guarantees a valid NBL that the driver owns.
        unsafe { (*self.list.as_ptr()).Status = status.0 };
    }
}

/// What a network card does to a frame beside sending and receiving it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offloads {
    /// It computes a checksum of a send, whose own is not valid.
    pub checksum: bool,
    /// It cuts a send into segments (LSO, USO).
    pub large: bool,
    /// It has put a receive together (RSC, URO).
    pub coalesced: bool,
}

/// The maximum segment size in the information about a large send; behind it is the offset of the transport header.
const MAXIMUM_SEGMENT: u32 = 0xF_FFFF;

/// Segments of a large send.
#[cold]
fn cut(frame: &FrameBytes<'_>, tcp: u32, udp: u32) -> Option<u32> {
    const UDP_HEADER: u32 = 8;
    let transport = |info: u32| (info >> 20) & 0x3FF;
    let (segment, headers) = if tcp & MAXIMUM_SEGMENT != 0 {
        let [offset] = frame.read(transport(tcp).wrapping_add(12) as usize)?;
        (tcp & MAXIMUM_SEGMENT, transport(tcp).wrapping_add(u32::from(offset >> 4) << 2))
    } else {
        (udp & MAXIMUM_SEGMENT, transport(udp).wrapping_add(UDP_HEADER))
    };
    let segment = NonZeroU32::new(segment)?;
    let payload = u32::try_from(frame.len()).ok()?.checked_sub(headers)?;
    Some(payload.div_ceil(segment.get()).max(1))
}

/// Iterator over the frames of an NBL.
#[derive(Debug)]
pub struct NetBuffers<'a> {
    next: *mut NET_BUFFER,
    owned: PhantomData<&'a NET_BUFFER>,
}

impl<'a> NetBuffers<'a> {
    /// Those of `list`, if there is one.
    ///
    /// # Safety
    /// The list must be valid and unchanged for `'a`.
    pub(crate) unsafe fn of(list: Option<NonNull<NET_BUFFER_LIST>>) -> Self {
        // SAFETY: the caller promises a valid list.
        let first = list.map_or(core::ptr::null_mut(), |list| unsafe { (*list.as_ptr()).FirstNetBuffer });
        Self { next: first, owned: PhantomData }
    }
}

impl<'a> Iterator for NetBuffers<'a> {
    type Item = FrameBytes<'a>;

    fn next(&mut self) -> Option<FrameBytes<'a>> {
        // SAFETY: the chain of NBs belongs to an NBL that is owned for `'a`.
        let buffer = unsafe { self.next.as_ref() }?;
        self.next = buffer.Next;
        Some(FrameBytes::new(buffer))
    }
}

/// The bytes of a frame: the used data of a NET_BUFFER.
///
/// Frames are read in place and may change while they are read (the owner of a send may still write): each read copies,
/// and nothing is read twice for one decision.
#[derive(Clone, Copy, Debug)]
pub struct FrameBytes<'a> {
    first: Span,
    /// What follows the first MDL.
    rest: *const MDL,
    len: usize,
    owned: PhantomData<&'a NET_BUFFER>,
}

/// Readable bytes of one MDL.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: *const u8,
    len: usize,
}

impl Span {
    const EMPTY: Self = Self { start: core::ptr::null(), len: 0 };

    /// The bytes of `mdl` from `offset` on; `None` when it is shorter or cannot be mapped.
    #[inline]
    fn of(mdl: &MDL, offset: usize) -> Option<Self> {
        let len = (mdl.ByteCount as usize).checked_sub(offset)?;
        if len == 0 {
            return Some(Self::EMPTY);
        }
        let start = mdl::system_address(mdl)?;
        // SAFETY: the mapping is `ByteCount` bytes long and `offset` is less than that.
        Some(Self { start: unsafe { start.as_ptr().add(offset) }, len })
    }
}

impl<'a> FrameBytes<'a> {
    fn new(buffer: &'a NET_BUFFER) -> Self {
        // SAFETY: MDLs of an owned NB are valid.
        let current = unsafe { buffer.CurrentMdl.as_ref() };
        let first = current.and_then(|mdl| Span::of(mdl, buffer.CurrentMdlOffset as usize));
        // An MDL that cannot be read ends the frame: skipping it would shift everything behind it.
        let (first, rest) = match (first, current) {
            (Some(first), Some(mdl)) => (first, mdl.Next.cast_const()),
            _ => (Span::EMPTY, core::ptr::null()),
        };
        Self { first, rest, len: buffer.DataLength as usize, owned: PhantomData }
    }

    /// The data of `buffer` with the `before` bytes that stand in front of them: headers that the stack has read already.
    /// `None` when there are not so many.
    pub(crate) fn with_headers(buffer: &'a NET_BUFFER, before: u32) -> Option<Self> {
        let mut offset = buffer.DataOffset.checked_sub(before)? as usize;
        // SAFETY: MDLs of a valid NB are valid.
        let mut mdl = unsafe { buffer.MdlChain.as_ref() }?;
        while offset >= mdl.ByteCount as usize {
            offset -= mdl.ByteCount as usize;
            // SAFETY: as above.
            mdl = unsafe { mdl.Next.as_ref() }?;
        }
        let len = (buffer.DataLength as usize).checked_add(before as usize)?;
        Some(Self { first: Span::of(mdl, offset)?, rest: mdl.Next.cast_const(), len, owned: PhantomData })
    }

    /// Length of the frame.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the frame has no byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies `N` bytes at `offset`; `None` when the frame or its memory ends before.
    #[inline]
    #[must_use]
    pub fn read<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        let end = offset.checked_add(N)?;
        if end > self.len {
            return None;
        }
        if end <= self.first.len {
            // SAFETY: `offset + N` bytes lie inside the first span.
            return Some(unsafe { self.first.start.add(offset).cast::<[u8; N]>().read_unaligned() });
        }
        let mut bytes = [0; N];
        self.gather(offset, &mut bytes).then_some(bytes)
    }

    /// Copies the first bytes of the frame; says whether all of `out` could be filled.
    #[must_use]
    pub fn copy_to(&self, out: &mut [u8]) -> bool {
        out.len() <= self.len && self.gather(0, out)
    }

    /// Copies over MDL boundaries; says whether all of `out` could be filled.
    #[inline(never)]
    fn gather(&self, offset: usize, out: &mut [u8]) -> bool {
        let mut skip = offset;
        let mut out = out.iter_mut();
        let mut span = self.first;
        let mut next = self.rest;
        loop {
            while skip < span.len {
                let Some(byte) = out.next() else { return true };
                // SAFETY: `skip` is inside the span.
                *byte = unsafe { span.start.add(skip).read() };
                skip += 1;
            }
            skip -= span.len;
            if out.len() == 0 {
                return true;
            }
            // SAFETY: MDLs of an owned NB are valid.
            let Some(mdl) = (unsafe { next.as_ref() }) else { return false };
            let Some(bytes) = Span::of(mdl, 0) else { return false };
            span = bytes;
            next = mdl.Next;
        }
    }
}
