//! The ends of flows, as the platform tells them: a context on each flow comes back when the flow is deleted.

use core::sync::atomic::{AtomicU32, Ordering};

use kernel::irql::Passive;
use kernel::wfp::{Attached, Classify, FlowContexts};
use weir_core::engine::Connection;

use crate::shared::{Shared, processor};
use crate::tags;

/// Contexts of flows that are established.
#[derive(Debug)]
pub(crate) struct Flows {
    contexts: FlowContexts<Connection>,
    pub(crate) attached: AtomicU32,
    pub(crate) refused: AtomicU32,
    /// Flows that ended while they got a context.
    pub(crate) early: AtomicU32,
}

impl Flows {
    /// At most as many as there are records.
    pub(crate) const fn new(most: u32) -> Self {
        Self {
            contexts: FlowContexts::new(tags::CONTEXT, most),
            attached: AtomicU32::new(0),
            refused: AtomicU32::new(0),
            early: AtomicU32::new(0),
        }
    }

    /// Attaches a context to the flow of a classify, if that is possible. IRQL: <= DISPATCH_LEVEL.
    #[inline(never)]
    pub(super) fn attach(&self, shared: &Shared, classify: &Classify<'_>, connection: Connection) {
        let counter = match self.contexts.attach(classify, connection) {
            Attached::Yes => &self.attached,
            Attached::No(_) => &self.refused,
            Attached::Ended(connection) => {
                shared.engine.deleted(processor(), &connection);
                &self.early
            }
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Contexts that exist.
    pub(crate) fn count(&self) -> u32 {
        self.contexts.count()
    }

    /// A context comes back. IRQL: <= DISPATCH_LEVEL.
    ///
    /// # Safety
    /// As for [`FlowContexts::ended`].
    pub(super) unsafe fn ended(&self, shared: &Shared, context: u64) {
        // SAFETY: by the contract of this function.
        if let Some(connection) = unsafe { self.contexts.ended(context) } {
            shared.engine.deleted(processor(), &connection);
        }
    }

    /// Takes all contexts off their flows, and returns when the last is back.
    pub(super) fn close(&self, at: Passive<'_>) {
        self.contexts.close(at);
    }
}
