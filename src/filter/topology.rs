//! Which adapters lie on which: a frame of a team or of a virtual switch passes the filter on several.
//!
//! Multiplexing drivers must enter in the interface stack table which adapters carry the frames of theirs
//! (NdisIfAddIfStackEntry); NDIS enters the rest. The table is read whenever a module begins to run, and every few
//! seconds, as nothing tells of its changes.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use kernel::interface::StackTable;
use kernel::irql::Passive;
use kernel::spin::SpinLock;
use kernel::wdf::{Work, WorkItemHandle};
use weir_core::crossing::{Climb, Layer, Reach};
use weir_ioctl::AdapterState;

use super::Module;
use crate::shared::{SHARED, Shared};

/// Seconds between two looks at the table.
const INTERVAL: u32 = 8;

/// What the looks at the table need.
#[derive(Debug)]
pub(crate) struct Topology {
    /// Looks so far.
    looks: AtomicU64,
    /// Seconds since the last one.
    age: AtomicU32,
    work: SpinLock<Option<WorkItemHandle>>,
}

impl Topology {
    pub(crate) const fn new() -> Self {
        Self { looks: AtomicU64::new(0), age: AtomicU32::new(0), work: SpinLock::new(None) }
    }

    /// Says who looks from now on; nobody for `None`.
    pub(crate) fn work_with(&self, work: Option<WorkItemHandle>) {
        *self.work.lock() = work;
    }
}

/// The work item that looks at the table.
pub(crate) enum Restack {}

impl Work for Restack {
    fn work(at: Passive<'_>) {
        if let Some(shared) = SHARED.get() {
            shared.review_topology(at);
        }
    }
}

impl Shared {
    /// A second has passed. IRQL: <= DISPATCH_LEVEL.
    pub(crate) fn age_topology(&self) {
        if self.topology.age.fetch_add(1, Ordering::Relaxed) < INTERVAL || self.adapters.lock().count() < 2 {
            return;
        }
        let work = *self.topology.work.lock();
        if let Some(work) = work {
            work.enqueue();
        }
    }

    /// Finds out which modules lie on which. Without memory for the table they stay as they are.
    pub(crate) fn review_topology(&self, at: Passive<'_>) {
        self.topology.age.store(0, Ordering::Relaxed);
        // Numbered before the table is read: of two looks the one that began later knows more.
        let look = self.topology.looks.fetch_add(1, Ordering::SeqCst).wrapping_add(1);
        if self.adapters.lock().count() < 2 {
            return;
        }
        let Ok(table) = StackTable::now(at) else { return };
        let mut cursor = 0;
        loop {
            // The table is walked without the lock.
            let next = self.adapters.lock().pin_after(cursor);
            let Some((number, module)) = next else { return };
            module.take_seat(look, &table);
            cursor = number;
        }
    }
}

impl Module {
    #[inline(never)]
    fn take_seat(&self, look: u64, table: &StackTable) {
        let rows = table.rows().iter();
        let layers = rows
            .map(|row| Layer { higher: row.HigherLayerInterfaceIndex, lower: row.LowerLayerInterfaceIndex });
        let above = Reach::new(layers.clone(), self.facts.index, Climb::Up);
        let below = Reach::new(layers, self.facts.index, Climb::Down);
        self.shared.adapters.lock().seat(self, look, &above, &below);
    }

    /// Whether every frame on the adapter comes here.
    pub(super) fn sees_frames(&self) -> bool {
        self.installed.is_both() && self.state() == AdapterState::RUNNING
    }

    /// Frames do not come here any more: they are counted where they pass besides. To be called when the state says so.
    pub(super) fn leave_topology(&self) {
        self.shared.adapters.lock().unseat(self);
    }
}
