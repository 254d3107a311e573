//! Flows that wait for somebody at PASSIVE_LEVEL, linked through their records, so that there is room for all of them.

use core::sync::atomic::{AtomicU32, Ordering};

use super::record::Record;

/// Values of [`Record::waiting`] and of the head: a number of a record is one above [`LAST`] and up.
const NOT_LISTED: u32 = 0;
const LAST: u32 = 1;

/// A list to which any processor adds, and which one caller takes as a whole.
#[derive(Debug)]
pub(super) struct Waiting {
    head: AtomicU32,
}

impl Waiting {
    pub(super) const fn new() -> Self {
        Self { head: AtomicU32::new(LAST) }
    }

    /// Adds a record unless it is in the list already. True when the list was empty before.
    pub(super) fn add(&self, records: &[Record], number: u32) -> bool {
        let Some(record) = records.get(number as usize) else { return false };
        let listed =
            record.waiting.compare_exchange(NOT_LISTED, LAST, Ordering::AcqRel, Ordering::Relaxed).is_err();
        if listed {
            return false;
        }
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            record.waiting.store(head, Ordering::Relaxed);
            let new = number.wrapping_add(LAST + 1);
            match self.head.compare_exchange_weak(head, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return head == LAST,
                Err(seen) => head = seen,
            }
        }
    }

    /// Empties the list and shows its records.
    pub(super) fn take(&self, records: &[Record], mut each: impl FnMut(&Record)) {
        let mut next = self.head.swap(LAST, Ordering::AcqRel);
        while let Some(record) = next.checked_sub(LAST + 1).and_then(|number| records.get(number as usize)) {
            // Before it is shown: what happens to it from here on lists it again.
            next = record.waiting.swap(NOT_LISTED, Ordering::AcqRel);
            each(record);
        }
    }
}
