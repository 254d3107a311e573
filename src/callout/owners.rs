//! Owners that a callout could name by their process id only: when the process was created is found out later.
//!
//! An id is given to another process soon after its own one has ended; id and creation time together name one process
//! for ever. Processes can be looked up at APC_LEVEL and below, and callouts run at DISPATCH_LEVEL too, mostly for
//! accepts.

use kernel::irql::Passive;
use kernel::process;
use kernel::spin::SpinLock;
use kernel::status::Status;
use kernel::wdf::{ControlDevice, Work, WorkItem, WorkItemHandle};

use crate::shared::SHARED;

/// Looks up owners at PASSIVE_LEVEL.
#[derive(Debug)]
pub(crate) struct Owners {
    work: SpinLock<Option<WorkItemHandle>>,
}

impl Owners {
    pub(crate) const fn new() -> Self {
        Self { work: SpinLock::new(None) }
    }

    /// Makes the work item, for as long as the result lives. Callouts must be gone before it.
    pub(super) fn start(&self, control: &ControlDevice, at: Passive<'_>) -> Result<WorkItem, Status> {
        let work = WorkItem::create::<Resolve>(control, at)?;
        *self.work.lock() = Some(work.handle());
        Ok(work)
    }

    /// The engine has owners to look up. IRQL: <= DISPATCH_LEVEL.
    pub(super) fn resolve(&self) {
        let work = *self.work.lock();
        if let Some(work) = work {
            work.enqueue();
        }
    }
}

enum Resolve {}

impl Work for Resolve {
    fn work(at: Passive<'_>) {
        if let Some(shared) = SHARED.get() {
            shared.engine.resolve(|id| process::created_passive(id, at));
        }
    }
}
