//! Lists of records that are out of the table.

use core::sync::atomic::Ordering;

use super::record::Record;
use crate::sync::AtomicU64;

/// A lock-free stack of record numbers, linked through [`Record::next`].
///
/// The head holds a number plus one in the low half and a count of changes in the high half, so that a head
/// that came back is not taken for one that never left.
#[derive(Debug)]
pub(super) struct Stack {
    head: AtomicU64,
}

impl Stack {
    pub(super) fn new() -> Self {
        Self { head: AtomicU64::new(0) }
    }

    pub(super) fn push(&self, records: &[Record], number: u32) {
        let Some(record) = records.get(number as usize) else { return };
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            record.next.store(head as u32, Ordering::Relaxed);
            let new = changed(head) | u64::from(number.wrapping_add(1));
            match self.head.compare_exchange_weak(head, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(seen) => head = seen,
            }
        }
    }

    pub(super) fn pop(&self, records: &[Record]) -> Option<u32> {
        let mut head = self.head.load(Ordering::Acquire);
        loop {
            let number = (head as u32).checked_sub(1)?;
            let next = records.get(number as usize)?.next.load(Ordering::Relaxed);
            let new = changed(head) | u64::from(next);
            match self.head.compare_exchange_weak(head, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(number),
                Err(seen) => head = seen,
            }
        }
    }

    /// Empties the stack; returns the first number plus one.
    pub(super) fn take_all(&self) -> u32 {
        let mut head = self.head.load(Ordering::Acquire);
        loop {
            match self.head.compare_exchange_weak(head, changed(head), Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return head as u32,
                Err(seen) => head = seen,
            }
        }
    }
}

/// The count of changes of a stack's head, one up.
fn changed(head: u64) -> u64 {
    (head >> 32).wrapping_add(1) << 32
}
