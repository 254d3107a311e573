//! Builds NET_BUFFER_LISTs from frames as adapters and protocols do: any MDL split, unused data space, tags
//! beside.

use std::sync::atomic::{AtomicBool, Ordering};

use ddk::ndis::{NET_BUFFER, NET_BUFFER_LIST};
use ddk::nt::MDL;
use serde::{Deserialize, Serialize};

use super::parcel::Parcel;
use super::raw::SLOT_8021Q;

/// MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL.
const MDL_FLAGS: i16 = 0x1 | 0x4;
/// MDL_PAGES_LOCKED.
const MDL_UNMAPPED_FLAGS: i16 = 0x2;
const PAGE: usize = 4096;

/// Whether frames are built without a mapping.
static UNMAPPED: AtomicBool = AtomicBool::new(false);

/// Builds frames from now on of pages that are locked, but not mapped, until somebody maps them.
pub fn set_unmapped(on: bool) {
    UNMAPPED.store(on, Ordering::Relaxed);
}

/// How the bytes of a frame are spread over MDLs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Split {
    /// One MDL.
    #[default]
    Whole,
    /// A new MDL after this many bytes of the frame, at each position.
    At(Vec<usize>),
    /// A new MDL after every so many bytes.
    Every(usize),
    /// Pseudo-random pieces, among them empty MDLs.
    Random {
        /// Where the sequence starts; the frame's number is added.
        seed: u64,
    },
}

/// The shape of a NET_BUFFER.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Unused bytes before the frame (`DataOffset`), for headers that lower drivers add.
    pub lead: usize,
    /// Where MDLs end.
    pub split: Split,
    /// Puts an MDL of no bytes before the first, and one behind every piece.
    pub empty_mdls: bool,
}

/// A frame to be put into a NET_BUFFER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The caller's number for it.
    pub tag: u64,
}

/// Lengths of the MDLs for `length` bytes of frame number `number` behind `lead` unused bytes.
pub(crate) fn lengths(shape: &Shape, length: usize, number: u64) -> Vec<usize> {
    let total = shape.lead + length;
    let mut ends: Vec<usize> = match &shape.split {
        Split::Whole => Vec::new(),
        Split::At(positions) => positions.iter().map(|at| shape.lead + at).collect(),
        Split::Every(step) => (1..).map(|n| n * (*step).max(1)).take_while(|end| *end < total).collect(),
        Split::Random { seed } => {
            let mut random = SplitMix(seed.wrapping_add(number));
            let mut ends = Vec::new();
            let mut at = 0;
            while at < total {
                // Short pieces first, where the headers are.
                let limit = if at < shape.lead + 80 { 24 } else { 1500 };
                at += (random.next() % limit) as usize;
                ends.push(at);
                if random.next().is_multiple_of(8) {
                    ends.push(at);
                }
            }
            ends
        }
    };
    ends.retain(|end| *end <= total);
    ends.sort_unstable();
    ends.push(total);
    let mut lengths = Vec::with_capacity(ends.len() * 2);
    let mut start = 0;
    if shape.empty_mdls {
        lengths.push(0);
    }
    for end in ends {
        // A frame of no bytes keeps its one empty MDL; other empty pieces come from the pattern on purpose.
        lengths.push(end - start);
        if shape.empty_mdls {
            lengths.push(0);
        }
        start = end;
    }
    lengths
}

/// A NET_BUFFER_LIST with one NET_BUFFER for each piece; returns its memory and the list in it.
pub(crate) fn list(pieces: &[Piece<'_>], shape: &Shape, vlan: Option<u16>) -> (Parcel, *mut NET_BUFFER_LIST) {
    let plans: Vec<Vec<usize>> =
        pieces.iter().map(|piece| lengths(shape, piece.bytes.len(), piece.tag)).collect();
    let data: usize = plans.iter().flatten().sum();
    let segments: usize = plans.iter().map(Vec::len).sum();
    let mdls: usize = plans.iter().flatten().map(|length| mdl_size(*length)).sum();
    let fixed = size_of::<NET_BUFFER_LIST>() + pieces.len() * size_of::<NET_BUFFER>() + 64;
    let mut parcel = Parcel::new(fixed + mdls + data, segments);
    let list =
        parcel.take(size_of::<NET_BUFFER_LIST>(), align_of::<NET_BUFFER_LIST>()).cast::<NET_BUFFER_LIST>();
    let mut link: *mut *mut NET_BUFFER = std::ptr::null_mut();
    for (piece, plan) in pieces.iter().zip(&plans) {
        let nb = parcel.take(size_of::<NET_BUFFER>(), align_of::<NET_BUFFER>()).cast::<NET_BUFFER>();
        let chain = mdl_chain(&mut parcel, plan, shape.lead, piece.bytes);
        // SAFETY: list and NET_BUFFER are zeroed memory of this parcel, valid for their types; `link`
        // points into it.
        unsafe {
            (*nb).MdlChain = chain;
            (*nb).DataOffset = shape.lead as u32;
            (*nb).DataLength = piece.bytes.len() as u32;
            set_current_mdl(nb);
            if link.is_null() {
                (*list).FirstNetBuffer = nb;
            } else {
                *link = nb;
            }
            link = &raw mut (*nb).Next;
        }
    }
    if let Some(tci) = vlan {
        // SAFETY: as above.
        unsafe { (*list).NetBufferListInfo[SLOT_8021Q] = slot_from_tci(tci) };
    }
    (parcel, list)
}

/// Size of an MDL with its page frame array.
pub(crate) fn mdl_size(bytes: usize) -> usize {
    size_of::<MDL>() + 8 * (bytes.div_ceil(PAGE) + 1)
}

/// Describes `count` bytes at `address`.
///
/// # Safety
/// `mdl` points to [`mdl_size`] bytes of zeroed memory; the described bytes outlive it.
pub(crate) unsafe fn init_mdl(mdl: *mut MDL, address: *mut u8, count: usize) {
    // SAFETY: the caller guarantees the memory.
    unsafe {
        (*mdl).Size = mdl_size(count) as _;
        let unmapped = UNMAPPED.load(Ordering::Relaxed);
        (*mdl).MdlFlags = if unmapped { MDL_UNMAPPED_FLAGS } else { MDL_FLAGS } as _;
        (*mdl).MappedSystemVa = if unmapped { std::ptr::null_mut() } else { address.cast() };
        (*mdl).StartVa = (address as usize & !(PAGE - 1)) as *mut _;
        (*mdl).ByteOffset = (address as usize & (PAGE - 1)) as u32;
        (*mdl).ByteCount = count as u32;
    }
}

fn mdl_chain(parcel: &mut Parcel, plan: &[usize], lead: usize, bytes: &[u8]) -> *mut MDL {
    let mut first: *mut MDL = std::ptr::null_mut();
    let mut link: *mut *mut MDL = &raw mut first;
    // Positions in lead + bytes.
    let mut at = 0;
    for &length in plan {
        let mdl = parcel.take(mdl_size(length), 16).cast::<MDL>();
        let data = parcel.take_data(length);
        let from = at.max(lead);
        let end = at + length;
        // SAFETY: the segment has `length` bytes, of which those from `from` on belong to the frame; `link`
        // points to `first` or into the parcel.
        unsafe {
            if end > from {
                let part = &bytes[from - lead..end - lead];
                data.add(from - at).copy_from_nonoverlapping(part.as_ptr(), part.len());
            }
            init_mdl(mdl, data, length);
            *link = mdl;
            link = &raw mut (*mdl).Next;
        }
        at = end;
    }
    first
}

/// Sets CurrentMdl and CurrentMdlOffset from DataOffset, as `NdisAdjustNetBufferCurrentMdl` does.
///
/// # Safety
/// `nb` and its MDL chain are accessible.
pub(crate) unsafe fn set_current_mdl(nb: *mut NET_BUFFER) {
    // SAFETY: the caller guarantees access.
    unsafe {
        let mut offset = (*nb).DataOffset;
        let mut mdl = (*nb).MdlChain;
        // Empty MDLs and those before the data are passed; the last MDL stays current if nothing is left.
        while !mdl.is_null() && offset >= (*mdl).ByteCount && !(*mdl).Next.is_null() {
            offset -= (*mdl).ByteCount;
            mdl = (*mdl).Next;
        }
        (*nb).CurrentMdl = mdl;
        (*nb).CurrentMdlOffset = offset;
    }
}

/// NDIS_NET_BUFFER_LIST_8021Q_INFO: UserPriority (3 bits), CanonicalFormatId (1), VlanId (12), from the low
/// bit on.
pub(crate) fn slot_from_tci(tci: u16) -> *mut core::ffi::c_void {
    let tci = usize::from(tci);
    let (priority, format, id) = (tci >> 13, (tci >> 12) & 1, tci & 0xfff);
    std::ptr::without_provenance_mut(priority | format << 3 | id << 4)
}

/// The TCI in the slot, or none if the frame carries neither VLAN nor priority.
pub(crate) fn tci_from_slot(slot: *mut core::ffi::c_void) -> Option<u16> {
    let value = slot as usize;
    let (priority, format, id) = (value & 7, (value >> 3) & 1, (value >> 4) & 0xfff);
    (value & 0xffff != 0).then_some((priority << 13 | format << 12 | id) as u16)
}

/// The SplitMix64 sequence: small, seedable, the same everywhere.
#[derive(Clone, Debug)]
pub(crate) struct SplitMix(pub(crate) u64);

impl SplitMix {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::super::raw;
    use super::*;

    fn check(shape: &Shape, frames: &[Vec<u8>]) {
        let pieces: Vec<Piece<'_>> =
            frames.iter().enumerate().map(|(tag, bytes)| Piece { bytes, tag: tag as u64 }).collect();
        let (parcel, nbl) = list(&pieces, shape, Some(0x6005));
        // SAFETY: the list lies in `parcel`, which lives to the end.
        unsafe {
            let built: Vec<Vec<u8>> = raw::net_buffers(nbl)
                .map(|nb| {
                    raw::check_offsets(nb).expect("valid offsets");
                    raw::bytes(nb)
                })
                .collect();
            assert_eq!(built, frames, "{shape:?}");
            assert_eq!(tci_from_slot((*nbl).NetBufferListInfo[SLOT_8021Q]), Some(0x6005));
        }
        assert_eq!(parcel.broken_canary(), None);
    }

    #[test]
    fn every_split_and_every_lead_keeps_the_bytes() {
        let frame: Vec<u8> = (0..90u8).collect();
        for lead in [0, 1, 16, 100] {
            for empty_mdls in [false, true] {
                for at in 0..=frame.len() {
                    check(
                        &Shape { lead, split: Split::At(vec![at]), empty_mdls },
                        std::slice::from_ref(&frame),
                    );
                }
                for step in 1..20 {
                    check(
                        &Shape { lead, split: Split::Every(step), empty_mdls },
                        &[frame.clone(), vec![1, 2, 3]],
                    );
                }
                for seed in 0..50 {
                    check(
                        &Shape { lead, split: Split::Random { seed }, empty_mdls },
                        std::slice::from_ref(&frame),
                    );
                }
            }
        }
        check(&Shape::default(), &[Vec::new()]);
        check(&Shape { lead: 8, ..Shape::default() }, &[Vec::new(), frame]);
    }

    #[test]
    fn the_tag_slot_is_laid_out_as_the_bit_field() {
        assert_eq!(slot_from_tci(0xe000) as usize, 0x7);
        assert_eq!(slot_from_tci(0x1000) as usize, 0x8);
        assert_eq!(slot_from_tci(0x0fff) as usize, 0xfff0);
        for tci in [1, 0x6005, 0xffff] {
            assert_eq!(tci_from_slot(slot_from_tci(tci)), Some(tci));
        }
        assert_eq!(tci_from_slot(std::ptr::null_mut()), None);
    }
}
