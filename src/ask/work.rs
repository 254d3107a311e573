//! Packets of connects that were authorised: sent from a work item, because the classify that let them go had not
//! returned yet.

use kernel::irql::Passive;
use kernel::spin::SpinLock;
use kernel::wdf::{Work, WorkItemHandle};
use kernel::wfp::Family;

use super::packets::Packets;
use crate::shared::SHARED;

/// What is to be sent, and who does it.
#[derive(Debug)]
pub(super) struct Queue {
    v4: SpinLock<Packets>,
    v6: SpinLock<Packets>,
    work: SpinLock<Option<WorkItemHandle>>,
}

impl Queue {
    pub(super) const fn new() -> Self {
        Self {
            v4: SpinLock::new(Packets::new()),
            v6: SpinLock::new(Packets::new()),
            work: SpinLock::new(None),
        }
    }

    fn of(&self, family: Family) -> &SpinLock<Packets> {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }

    /// Sends packets soon. IRQL: <= DISPATCH_LEVEL.
    pub(super) fn push(&self, family: Family, packets: Packets) {
        self.of(family).lock().append(packets);
        let work = *self.work.lock();
        if let Some(work) = work {
            work.enqueue();
        }
    }
}

/// Sends the packets.
pub(crate) enum Resend {}

impl Work for Resend {
    fn work(_at: Passive<'_>) {
        let Some(shared) = SHARED.get() else { return };
        for family in [Family::V4, Family::V6] {
            let packets = core::mem::take(&mut *shared.asks.resend.of(family).lock());
            shared.asks.send_on(family, packets);
        }
    }
}

impl super::Asks {
    /// Says which work item does [`Resend`]; `None` before it goes.
    pub(crate) fn work_with(&self, work: Option<WorkItemHandle>) {
        *self.resend.work.lock() = work;
    }
}
