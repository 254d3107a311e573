//! The list of restart attributes that NDIS offers to filters (§1.5, N-64).

use ddk::ndis::*;

use super::adapter::Config;
use super::module::Attributes;
use crate::{pool, verifier};

/// `OID_GEN_MINIPORT_RESTART_ATTRIBUTES`.
const OID_GENERAL: u32 = 0x0001_021d;
/// An entry that no driver knows.
const OID_UNKNOWN: u32 = 0xff01_0203;
const UNKNOWN_DATA: [u8; 12] = *b"do not touch";
const TAG: u32 = u32::from_le_bytes(*b"NDra");

/// A list of attributes, in memory as NdisAllocateMemoryWithTagPriority gives it.
#[derive(Debug)]
pub(crate) struct List {
    first: *mut NDIS_RESTART_ATTRIBUTES,
    before: Vec<(usize, u32, Vec<u8>)>,
}

impl List {
    pub(crate) fn new(config: &Config, attributes: Attributes) -> Self {
        let mut list = Self { first: std::ptr::null_mut(), before: Vec::new() };
        if attributes == Attributes::None {
            return list;
        }
        list.push(OID_UNKNOWN, &UNKNOWN_DATA);
        // SAFETY: a C structure of integers and pointers, for which zero is valid.
        let mut general: NDIS_RESTART_GENERAL_ATTRIBUTES = unsafe { std::mem::zeroed() };
        general.Header = NDIS_OBJECT_HEADER {
            Type: NDIS_OBJECT_TYPE_RESTART_GENERAL_ATTRIBUTES,
            Revision: 2,
            Size: size_of::<NDIS_RESTART_GENERAL_ATTRIBUTES>() as u16,
        };
        general.MtuSize = config.mtu;
        general.MaxXmitLinkSpeed = config.speed;
        general.MaxRcvLinkSpeed = config.speed;
        general.LookaheadSize = config.mtu;
        general.DataBackFillSize = 16;
        general.ContextBackFillSize = 0;
        // SAFETY: reads the bytes of a fully initialised structure of this stack.
        let bytes = unsafe {
            std::slice::from_raw_parts(
                (&raw const general).cast::<u8>(),
                size_of::<NDIS_RESTART_GENERAL_ATTRIBUTES>(),
            )
        };
        list.push(OID_GENERAL, bytes);
        list.before = list.snapshot();
        list
    }

    pub(crate) fn first(&self) -> *mut NDIS_RESTART_ATTRIBUTES {
        self.first
    }

    /// Takes over the list as the driver left it.
    pub(crate) fn adopt(&mut self, first: *mut NDIS_RESTART_ATTRIBUTES) {
        self.first = first;
    }

    /// N-64: unknown entries are untouched, and nothing is if the restart failed.
    pub(crate) fn check(&mut self, failed: bool) {
        let now = self.snapshot();
        if failed && now != self.before {
            verifier::violation("N-64", "a filter changed the restart attributes and failed its restart");
        }
        let unknown = |list: &[(usize, u32, Vec<u8>)]| {
            list.iter()
                .filter(|entry| entry.1 == OID_UNKNOWN)
                .map(|entry| entry.2.clone())
                .collect::<Vec<_>>()
        };
        if unknown(&now) != unknown(&self.before) {
            verifier::violation("N-64", "a filter changed a restart attribute that it cannot know");
        }
        self.before = now;
    }

    fn push(&mut self, oid: u32, data: &[u8]) {
        let size = std::mem::offset_of!(NDIS_RESTART_ATTRIBUTES, Data) + data.len();
        let size = size.max(size_of::<NDIS_RESTART_ATTRIBUTES>());
        let entry = pool::allocate(pool::Kind::NonPaged, size, TAG, pool::Fill::Zero);
        if entry.is_null() {
            return;
        }
        let entry = entry.cast::<NDIS_RESTART_ATTRIBUTES>();
        // SAFETY: a fresh block with room for header and data.
        unsafe {
            (*entry).Next = self.first;
            (*entry).Oid = oid;
            (*entry).DataLength = data.len() as u32;
            (&raw mut (*entry).Data).cast::<u8>().copy_from_nonoverlapping(data.as_ptr(), data.len());
        }
        self.first = entry;
    }

    fn snapshot(&self) -> Vec<(usize, u32, Vec<u8>)> {
        let mut entries = Vec::new();
        let mut entry = self.first;
        while !entry.is_null() {
            // SAFETY: entries come from `push` or from a driver which must allocate them in the same way; a
            // bad one faults and is reported with its address.
            unsafe {
                let data = std::slice::from_raw_parts(
                    (&raw const (*entry).Data).cast::<u8>(),
                    (*entry).DataLength as usize,
                );
                entries.push((entry as usize, (*entry).Oid, data.to_vec()));
                entry = (*entry).Next;
            }
        }
        entries
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // NDIS frees the list once it went all the way up; an entry that no pool knows is reported there.
        while !self.first.is_null() {
            let entry = self.first;
            // SAFETY: as in `snapshot`.
            self.first = unsafe { (*entry).Next };
            pool::free(entry.cast(), None);
        }
    }
}
