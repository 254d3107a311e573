//! Reading NET_BUFFER_LIST, NET_BUFFER and MDL chains: traversal, invariants, bytes, and snapshots to
//! compare.

use ddk::ndis::{NET_BUFFER, NET_BUFFER_LIST};
use ddk::nt::MDL;

use super::adapter::Beside;

/// Longest chain that anybody may build; longer ones are taken for a cycle.
pub(crate) const LIMIT: usize = 1 << 20;

/// Slot of `NetBufferListInfo` that holds the 802.1Q tag.
pub(crate) const SLOT_8021Q: usize = 4;
/// Slot of a large TCP send: what to do on the way down, and for LSOv1 what was done on the way back.
pub(crate) const SLOT_LARGE: usize = 2;
/// The bit of that slot which tells LSOv2.
const LARGE_V2: usize = 1 << 30;
/// Slot that belongs to WFP alone.
const SLOT_WFP: usize = 10;
/// `NBL_FLAGS_SCRATCH`: belongs to the current owner (O16).
const FLAGS_SCRATCH: u32 = 0x000f_0000;

/// Writes what a list says beside its frames.
///
/// # Safety
/// `nbl` is accessible.
pub(crate) unsafe fn say_beside(nbl: *mut NET_BUFFER_LIST, beside: &Beside) {
    // SAFETY: the caller guarantees access.
    let list = unsafe { &mut *nbl };
    for &(slot, value) in &beside.info {
        list.NetBufferListInfo[slot] = std::ptr::without_provenance_mut(value);
    }
    list.NblFlags = beside.flags;
}

/// What a list says beside its frames.
///
/// # Safety
/// `nbl` is accessible.
pub(crate) unsafe fn beside(nbl: *const NET_BUFFER_LIST) -> Beside {
    // SAFETY: the caller guarantees access.
    let list = unsafe { &*nbl };
    let slots = list.NetBufferListInfo.iter().map(|value| value.addr()).enumerate();
    let said = slots.filter(|(slot, value)| *value != 0 && ![SLOT_8021Q, SLOT_WFP].contains(slot));
    Beside { info: said.collect(), flags: list.NblFlags }
}

/// What a miniport writes to the slot of a large send when it completes it: for LSOv1 the bytes of payload that it sent.
///
/// # Safety
/// `nbl`, its NET_BUFFERs and their data are accessible, and the offsets are valid.
pub(crate) unsafe fn large_send_done(nbl: *mut NET_BUFFER_LIST) -> Option<*mut core::ffi::c_void> {
    const SEGMENT: usize = 0xf_ffff;
    // SAFETY: the caller guarantees access.
    let asked = unsafe { (*nbl).NetBufferListInfo[SLOT_LARGE] }.addr();
    if asked & SEGMENT == 0 || asked & LARGE_V2 != 0 {
        return None;
    }
    let tcp = asked >> 20 & 0x3ff;
    // SAFETY: as above.
    let frames = unsafe { net_buffers(nbl) }.map(|nb| unsafe { bytes(nb) });
    let payload = frames.map(|frame| {
        let header = frame.get(tcp + 12).map_or(0, |offset| usize::from(offset >> 4) * 4);
        frame.len().saturating_sub(tcp + header)
    });
    Some(std::ptr::without_provenance_mut(payload.sum::<usize>() & (LARGE_V2 - 1)))
}

/// The NET_BUFFERs of a list.
///
/// # Safety
/// `nbl` and its chain are accessible and stay so while the iterator lives.
pub(crate) unsafe fn net_buffers(nbl: *mut NET_BUFFER_LIST) -> impl Iterator<Item = *mut NET_BUFFER> {
    // SAFETY: the caller guarantees that the list is accessible.
    let mut next = unsafe { (*nbl).FirstNetBuffer };
    let step = move || {
        let nb = std::ptr::NonNull::new(next)?.as_ptr();
        // SAFETY: the caller guarantees the same for the chain.
        next = unsafe { (*nb).Next };
        Some(nb)
    };
    std::iter::from_fn(step).take(LIMIT)
}

/// The MDLs from `first` on.
///
/// # Safety
/// The chain is accessible and stays so while the iterator lives.
pub(crate) unsafe fn mdls(first: *mut MDL) -> impl Iterator<Item = *mut MDL> {
    let mut next = first;
    let step = move || {
        let mdl = std::ptr::NonNull::new(next)?.as_ptr();
        // SAFETY: the caller guarantees that the chain is accessible.
        next = unsafe { (*mdl).Next };
        Some(mdl)
    };
    std::iter::from_fn(step).take(LIMIT)
}

/// Checks §8: offsets, lengths and the current MDL fit together (N-54).
///
/// # Safety
/// `nb` and its MDL chain are accessible.
pub(crate) unsafe fn check_offsets(nb: *const NET_BUFFER) -> Result<(), String> {
    // SAFETY: the caller guarantees access.
    let (chain, current, current_offset, offset, length) = unsafe {
        ((*nb).MdlChain, (*nb).CurrentMdl, (*nb).CurrentMdlOffset, (*nb).DataOffset, data_length(nb))
    };
    let (mut before, mut total, mut found) = (0u64, 0u64, None);
    // SAFETY: as above.
    for mdl in unsafe { mdls(chain) } {
        if mdl == current {
            found = Some(total);
            before = total;
        }
        // SAFETY: as above.
        total += u64::from(unsafe { (*mdl).ByteCount });
    }
    if total < u64::from(offset) + u64::from(length) {
        return Err(format!(
            "DataOffset {offset} + DataLength {length} exceed the {total} bytes of the MDL chain"
        ));
    }
    if length == 0 {
        return Ok(());
    }
    if found.is_none() {
        return Err("CurrentMdl is not in the MDL chain".into());
    }
    if before + u64::from(current_offset) != u64::from(offset) {
        return Err(format!(
            "DataOffset is {offset}, but CurrentMdl begins at {before} and CurrentMdlOffset is {current_offset}"
        ));
    }
    // SAFETY: as above; `current` is in the chain.
    let current_bytes = unsafe { (*current).ByteCount };
    if current_offset >= current_bytes {
        return Err(format!(
            "CurrentMdlOffset {current_offset} is not inside the {current_bytes} bytes of CurrentMdl"
        ));
    }
    Ok(())
}

/// `NET_BUFFER_DATA_LENGTH`.
///
/// # Safety
/// `nb` is accessible.
pub(crate) unsafe fn data_length(nb: *const NET_BUFFER) -> u32 {
    // SAFETY: the caller guarantees access.
    unsafe { (*nb).DataLength }
}

/// Where the bytes of an MDL lie, mapped or not.
///
/// # Safety
/// `mdl` is accessible and describes memory of this process.
pub(crate) unsafe fn start(mdl: *const MDL) -> *mut u8 {
    // SAFETY: the caller guarantees access; the offset leads to the described memory.
    unsafe { (*mdl).StartVa.cast::<u8>().add((*mdl).ByteOffset as usize) }
}

/// The bytes of a frame, collected over its MDLs.
///
/// # Safety
/// `nb`, its MDLs and their memory are accessible, and the offsets are valid.
pub(crate) unsafe fn bytes(nb: *const NET_BUFFER) -> Vec<u8> {
    // SAFETY: the caller guarantees access.
    let (mut left, mut skip) = unsafe { (data_length(nb) as usize, (*nb).DataOffset as usize) };
    let mut frame = Vec::with_capacity(left);
    // SAFETY: as above.
    for mdl in unsafe { mdls((*nb).MdlChain) } {
        // SAFETY: as above; every MDL of a frame describes resident memory.
        let (start, count) = unsafe { (start(mdl), (*mdl).ByteCount as usize) };
        let from = skip.min(count);
        let take = (count - from).min(left);
        if take > 0 {
            // SAFETY: inside the bytes that the MDL describes.
            frame.extend_from_slice(unsafe { std::slice::from_raw_parts(start.add(from), take) });
        }
        skip -= from;
        left -= take;
        if left == 0 {
            break;
        }
    }
    frame
}

/// The fields of an NBL which must come back as they were given away (O7, O8, O9, O12, O15, O16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    fields: Vec<(&'static str, usize)>,
    buffers: Vec<BufferSnapshot>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct BufferSnapshot {
    fields: [(&'static str, usize); 7],
    mdls: Vec<(usize, usize, u32, u32, usize)>,
}

impl Snapshot {
    /// Notes the fields.
    ///
    /// # Safety
    /// The list with everything that hangs on it is accessible.
    pub(crate) unsafe fn of(nbl: *mut NET_BUFFER_LIST) -> Self {
        // SAFETY: the caller guarantees access to the list.
        let list = unsafe { &*nbl };
        let mut fields = vec![
            ("FirstNetBuffer", list.FirstNetBuffer as usize),
            ("Context", list.Context as usize),
            ("ParentNetBufferList", list.ParentNetBufferList as usize),
            ("SourceHandle", list.SourceHandle as usize),
            ("NblFlags", list.NblFlags as usize),
            ("Flags", (list.Flags & !FLAGS_SCRATCH) as usize),
            ("ChildRefCount", list.ChildRefCount as usize),
        ];
        fields.extend(list.ProtocolReserved.iter().map(|value| ("ProtocolReserved", *value as usize)));
        fields.extend(list.MiniportReserved.iter().map(|value| ("MiniportReserved", *value as usize)));
        let slots = list.NetBufferListInfo.iter().enumerate().filter(|(slot, _)| *slot != SLOT_WFP);
        fields
            .extend(slots.map(|(slot, value)| (SLOT_NAMES[slot.min(SLOT_NAMES.len() - 1)], *value as usize)));
        // SAFETY: the caller guarantees access to the chain.
        let buffers = unsafe { net_buffers(nbl) }.map(|nb| unsafe { BufferSnapshot::of(nb) }).collect();
        Self { fields, buffers }
    }

    /// Takes the number of children for granted, which clones change.
    pub(crate) fn ignore_children(&mut self) {
        for (name, value) in &mut self.fields {
            if *name == "ChildRefCount" {
                *value = 0;
            }
        }
    }

    /// As [`Self::difference`], for a send that is complete: the answer to a large send of LSOv1 stands where the request was.
    pub(crate) fn difference_when_sent(&self, now: &Self) -> Option<String> {
        let mut expected = self.clone();
        let answer = |fields: &[(&'static str, usize)]| {
            fields.iter().find(|field| field.0 == SLOT_NAMES[SLOT_LARGE]).map_or(0, |field| field.1)
        };
        let (asked, answered) = (answer(&self.fields), answer(&now.fields));
        if asked != 0 && asked & LARGE_V2 == 0 {
            for field in expected.fields.iter_mut().filter(|field| field.0 == SLOT_NAMES[SLOT_LARGE]) {
                field.1 = answered;
            }
        }
        expected.difference(now)
    }

    /// The first difference to `now`, in words.
    pub(crate) fn difference(&self, now: &Self) -> Option<String> {
        let pairs = self.fields.iter().zip(&now.fields);
        if let Some((before, after)) = pairs.into_iter().find(|(before, after)| before != after) {
            return Some(format!("NET_BUFFER_LIST.{} was {:#x} and is {:#x}", before.0, before.1, after.1));
        }
        if self.buffers.len() != now.buffers.len() {
            return Some(format!("it had {} NET_BUFFERs and has {}", self.buffers.len(), now.buffers.len()));
        }
        self.buffers.iter().zip(&now.buffers).enumerate().find_map(|(index, (before, after))| {
            let pair = before.fields.iter().zip(&after.fields).find(|(before, after)| before != after);
            match pair {
                Some((before, after)) => Some(format!(
                    "NET_BUFFER {index}: {} was {:#x} and is {:#x}",
                    before.0, before.1, after.1
                )),
                None if before.mdls != after.mdls => {
                    Some(format!("NET_BUFFER {index}: its MDL chain changed"))
                }
                None => None,
            }
        })
    }
}

impl BufferSnapshot {
    /// # Safety
    /// As for [`Snapshot::of`].
    unsafe fn of(nb: *mut NET_BUFFER) -> Self {
        // SAFETY: the caller guarantees access.
        let buffer = unsafe { &*nb };
        // SAFETY: as above.
        let chain = unsafe { mdls(buffer.MdlChain) };
        Self {
            fields: [
                ("address", nb as usize),
                ("Next", buffer.Next as usize),
                ("MdlChain", buffer.MdlChain as usize),
                ("CurrentMdl", buffer.CurrentMdl as usize),
                ("CurrentMdlOffset", buffer.CurrentMdlOffset as usize),
                ("DataOffset", buffer.DataOffset as usize),
                // SAFETY: as above.
                ("DataLength", unsafe { data_length(nb) } as usize),
            ],
            mdls: chain
                // SAFETY: as above.
                .map(|mdl| unsafe {
                    (
                        mdl as usize,
                        (*mdl).Next as usize,
                        (*mdl).ByteCount,
                        (*mdl).ByteOffset,
                        (*mdl).StartVa as usize,
                    )
                })
                .collect(),
        }
    }
}

const SLOT_NAMES: [&str; 28] = [
    "NetBufferListInfo[TcpIpChecksum]",
    "NetBufferListInfo[IPsecOffloadV1]",
    "NetBufferListInfo[TcpLargeSend]",
    "NetBufferListInfo[ClassificationHandle]",
    "NetBufferListInfo[Ieee8021Q]",
    "NetBufferListInfo[CancelId]",
    "NetBufferListInfo[MediaSpecificInformation]",
    "NetBufferListInfo[FrameType]",
    "NetBufferListInfo[HashValue]",
    "NetBufferListInfo[HashInfo]",
    "NetBufferListInfo[Wfp]",
    "NetBufferListInfo[IPsecOffloadV2Tunnel]",
    "NetBufferListInfo[IPsecOffloadV2Header]",
    "NetBufferListInfo[CorrelationId]",
    "NetBufferListInfo[FilteringInfo]",
    "NetBufferListInfo[MediaSpecificInformationEx]",
    "NetBufferListInfo[NblOriginalInterfaceIfIndex]",
    "NetBufferListInfo[TcpReceiveBytesTransferred]",
    "NetBufferListInfo[SwitchForwardingReserved]",
    "NetBufferListInfo[SwitchForwardingDetail]",
    "NetBufferListInfo[VirtualSubnetInfo]",
    "NetBufferListInfo[IMReserved]",
    "NetBufferListInfo[TcpRecvSegCoalesceInfo]",
    "NetBufferListInfo[RscTcpTimestampDelta]",
    "NetBufferListInfo[GftOffloadInformation]",
    "NetBufferListInfo[GftFlowEntryId]",
    "NetBufferListInfo[Reserved3]",
    "NetBufferListInfo[other]",
];
