//! Chains, loans and frame bytes over hand-made NBLs.
#![expect(
    clippy::vec_box,
    reason = "NBLs and MDLs point at each other: they must not move when the vector grows"
)]

use core::ptr::{NonNull, null_mut};
use std::boxed::Box;
use std::vec;
use std::vec::Vec;

use ddk::ndis::{Ieee8021QNetBufferListInfo, NET_BUFFER, NET_BUFFER_LIST};
use ddk::nt::{MDL, MDL_MAPPED_TO_SYSTEM_VA};

use super::chain::{Chain, Outgoing};
use super::loan::Loan;
use super::net_buffer::Nbl;

/// NBLs in one block, linked in order; freed when the test ends.
struct Lists(Vec<Box<NET_BUFFER_LIST>>);

impl Lists {
    fn new(count: usize) -> Self {
        // SAFETY: an NBL of zero bytes is a valid value of the type.
        let mut lists: Vec<Box<NET_BUFFER_LIST>> =
            (0..count).map(|_| Box::new(unsafe { core::mem::zeroed() })).collect();
        for index in 1..count {
            let next: *mut NET_BUFFER_LIST = &raw mut *lists[index];
            lists[index - 1].Next = next;
        }
        Self(lists)
    }

    fn head(&mut self) -> *mut NET_BUFFER_LIST {
        self.0.first_mut().map_or(null_mut(), |list| &raw mut **list)
    }

    /// Indexes of the NBLs of a chain.
    fn walk(&self, mut next: *mut NET_BUFFER_LIST) -> Vec<usize> {
        let mut indexes = vec![];
        while !next.is_null() {
            indexes.push(
                self.0
                    .iter()
                    .position(|list| core::ptr::eq(&raw const **list, next))
                    .expect("a list of ours"),
            );
            assert!(indexes.len() <= self.0.len(), "the chain has a loop");
            // SAFETY: the pointer is one of the boxes'.
            next = unsafe { (*next).Next };
        }
        indexes
    }
}

/// Every pattern of verdicts for chains of up to seven NBLs.
fn patterns() -> impl Iterator<Item = Vec<bool>> {
    (1..=7_usize).flat_map(|count| {
        (0..1_usize << count).map(move |bits| (0..count).map(|at| bits >> at & 1 == 1).collect())
    })
}

#[test]
fn split_keeps_the_order_of_both_halves() {
    for keep in patterns() {
        let mut lists = Lists::new(keep.len());
        // SAFETY: the lists are linked, and the chain is consumed below.
        let chain = unsafe { Chain::<Outgoing>::from_raw(lists.head()) }.expect("not empty");
        assert_eq!(chain.count() as usize, keep.len());
        let mut at = 0;
        let split = chain.split(|_| {
            at += 1;
            keep[at - 1]
        });
        let wanted =
            |which: bool| -> Vec<usize> { (0..keep.len()).filter(|&at| keep[at] == which).collect() };
        assert_eq!(
            (split.kept_count as usize, split.rest_count as usize),
            (wanted(true).len(), wanted(false).len())
        );
        let kept = split.kept.map_or(null_mut(), Chain::into_raw);
        let rest = split.rest.map_or(null_mut(), Chain::into_raw);
        assert_eq!(lists.walk(kept), wanted(true), "{keep:?}");
        assert_eq!(lists.walk(rest), wanted(false), "{keep:?}");
    }
}

#[test]
fn a_loan_is_indicated_in_runs_and_comes_back_whole() {
    for keep in patterns() {
        let mut lists = Lists::new(keep.len());
        let head = lists.head();
        // SAFETY: the lists are linked and lent for the test.
        let loan = unsafe { Loan::from_raw(head) }.expect("not empty");
        let mut at = 0;
        let mut runs: Vec<Vec<usize>> = vec![];
        loan.runs(
            |_| {
                at += 1;
                keep[at - 1]
            },
            |run, count| {
                let run = lists.walk(run.as_ptr());
                assert_eq!(run.len(), count as usize);
                runs.push(run);
            },
        );
        let wanted: Vec<Vec<usize>> = (0..keep.len())
            .collect::<Vec<_>>()
            .chunk_by(|&a, &b| keep[a] == keep[b])
            .filter(|run| keep[run[0]])
            .map(<[usize]>::to_vec)
            .collect();
        assert_eq!(runs, wanted, "{keep:?}");
        assert_eq!(lists.walk(head), (0..keep.len()).collect::<Vec<_>>(), "the links are as they were");
    }
}

#[test]
fn dropping_a_chain_stops_the_machine() {
    let mut lists = Lists::new(1);
    // SAFETY: the list is valid.
    let chain = unsafe { Chain::<Outgoing>::from_raw(lists.head()) };
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(chain)));
    assert!(dropped.is_err());
}

#[test]
fn the_tag_out_of_band_is_read_as_on_the_wire() {
    let mut lists = Lists::new(1);
    let tag = |lists: &mut Lists, value: usize| {
        lists.0[0].NetBufferListInfo[Ieee8021QNetBufferListInfo as usize] =
            core::ptr::without_provenance_mut(value);
        // SAFETY: the list is valid and nobody else views it.
        unsafe { Nbl::new(NonNull::new(lists.head()).expect("one list")) }.vlan_tci()
    };
    // UserPriority:3, CanonicalFormatId:1, VlanId:12, from bit 0.
    assert_eq!(tag(&mut lists, 0), None);
    assert_eq!(tag(&mut lists, 100 << 4), Some(100));
    assert_eq!(tag(&mut lists, 5 | 1 << 3 | 0xFFF << 4), Some(5 << 13 | 1 << 12 | 0xFFF));
}

/// A frame over MDLs of the given lengths, of which the first `skip` bytes are unused.
struct Frame {
    _data: Vec<u8>,
    mdls: Vec<Box<MDL>>,
    buffer: Box<NET_BUFFER>,
}

impl Frame {
    fn new(bytes: &[u8], lengths: &[usize], skip: usize) -> Self {
        let mut data = vec![0xEE; skip];
        data.extend_from_slice(bytes);
        assert_eq!(lengths.iter().sum::<usize>(), data.len());
        let (mut mdls, mut at): (Vec<Box<MDL>>, usize) = (vec![], 0);
        for &length in lengths {
            // SAFETY: an MDL of zero bytes is a valid value of the type.
            let mut mdl: Box<MDL> = Box::new(unsafe { core::mem::zeroed() });
            mdl.ByteCount = length as u32;
            mdl.MdlFlags = MDL_MAPPED_TO_SYSTEM_VA as i16;
            mdl.MappedSystemVa = data[at..].as_mut_ptr().cast();
            at += length;
            mdls.push(mdl);
        }
        for index in 1..mdls.len() {
            let next: *mut MDL = &raw mut *mdls[index];
            mdls[index - 1].Next = next;
        }
        // The current MDL is the first with a used byte (or the last one).
        let (mut current, mut offset) = (0, skip);
        while offset >= mdls[current].ByteCount as usize && current + 1 < mdls.len() {
            offset -= mdls[current].ByteCount as usize;
            current += 1;
        }
        // SAFETY: an NB of zero bytes is a valid value of the type.
        let mut buffer: Box<NET_BUFFER> = Box::new(unsafe { core::mem::zeroed() });
        buffer.DataLength = bytes.len() as u32;
        buffer.CurrentMdl = &raw mut *mdls[current];
        buffer.CurrentMdlOffset = offset as u32;
        Self { _data: data, mdls, buffer }
    }

    fn with<R>(&mut self, look: impl FnOnce(super::FrameBytes<'_>) -> R) -> R {
        let mut lists = Lists::new(1);
        lists.0[0].FirstNetBuffer = &raw mut *self.buffer;
        // SAFETY: the list is valid and nobody else views it.
        let list = unsafe { Nbl::new(NonNull::new(lists.head()).expect("one list")) };
        let mut frames = list.frames();
        let frame = frames.next().expect("one frame");
        assert!(frames.next().is_none());
        look(frame)
    }
}

#[test]
fn bytes_are_read_over_every_split() {
    const BYTES: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
    for skip in 0..3 {
        let total = BYTES.len() + skip;
        for first in 0..=total {
            for second in 0..=total - first {
                // With an empty MDL at the end.
                let mut frame = Frame::new(&BYTES, &[first, second, total - first - second, 0], skip);
                frame.with(|frame| {
                    assert_eq!(frame.len(), BYTES.len());
                    for offset in 0..=BYTES.len() + 1 {
                        let four = BYTES.get(offset..).and_then(|rest| rest.first_chunk::<4>()).copied();
                        assert_eq!(
                            frame.read::<4>(offset),
                            four,
                            "{first}+{second}, skip {skip}, offset {offset}"
                        );
                    }
                    assert_eq!(frame.read::<12>(0), Some(BYTES));
                    assert_eq!(frame.read::<13>(0), None);
                    assert_eq!(frame.read::<1>(usize::MAX), None);
                });
            }
        }
    }
}

#[test]
fn a_frame_that_claims_more_than_its_memory_ends_early() {
    let mut frame = Frame::new(&[1, 2, 3, 4], &[2, 2], 0);
    frame.buffer.DataLength = 100;
    frame.with(|frame| {
        assert_eq!(frame.read::<4>(0), Some([1, 2, 3, 4]));
        assert_eq!(frame.read::<2>(3), None);
        assert_eq!(frame.read::<1>(50), None);
    });
    frame.buffer.CurrentMdlOffset = 2;
    frame.with(|frame| assert_eq!(frame.read::<1>(0), Some([3]), "an MDL that is used up is skipped"));
    frame.buffer.CurrentMdlOffset = 3;
    frame.with(|frame| assert_eq!(frame.read::<1>(0), None, "an offset beyond the MDL is no place"));
}

#[test]
fn an_mdl_that_cannot_be_mapped_ends_the_frame() {
    let mut frame = Frame::new(&[1, 2, 3, 4], &[1, 2, 1], 0);
    frame.mdls[1].MdlFlags = 0;
    frame.with(|frame| {
        assert_eq!(frame.read::<1>(0), Some([1]));
        assert_eq!(frame.read::<1>(1), None);
        assert_eq!(frame.read::<1>(3), None, "nothing moves up");
    });
    frame.mdls[0].MdlFlags = 0;
    frame.with(|frame| assert_eq!(frame.read::<1>(0), None));
}

ddk::abi_fn! {
    /// The memory manager of these tests: no MDL can be mapped.
    #[unsafe(no_mangle)]
    unsafe fn MmMapLockedPagesSpecifyCache(
        _mdl: *mut MDL,
        _mode: i8,
        _cache: i32,
        _address: *mut core::ffi::c_void,
        _bug_check: u32,
        _priority: u32,
    ) -> *mut core::ffi::c_void {
        null_mut()
    }
}
