//! Frames over the rate of their rule, held back until their turn.
//!
//! Sends are held themselves. Of receives only copies are held, and the originals go back at once: a network card has a
//! fixed number of buffers, and without them it drops whatever comes, for every flow.
//!
//! **Locks:** that of the queue, for a few steps each; a send that finds the queue empty takes none.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};

use kernel::alarm::{Alarm, Sleeper};
use kernel::ndis::{
    CancelId, Chain, DelayQueue, Incoming, Outgoing, OwnNbl, ReceiveFlags, ReturnFlags, SendCompleteFlags,
    SendFlags,
};
use kernel::pool::PoolBox;
use kernel::status::Status;
use weir_core::Time;
use weir_core::counters::Counter;

use super::Module;
use crate::shared::{now, processor};
use crate::tags;

/// Most NBLs that a module holds back in each direction: at one packet each, a tenth of a second of 50 Mbit/s in full frames.
const MOST: u32 = 512;
/// `NDIS_STATUS_SEND_ABORTED`.
const ABORTED: Status = Status(0xC023_000C_u32 as i32);
/// `NDIS_SEND_FLAGS_CHECK_FOR_LOOPBACK`, the one flag that a held send keeps.
const LOOPBACK: u32 = 2;

/// What is held, and who wakes it.
#[derive(Debug)]
pub(super) struct Held {
    /// By twice the time at which they go on, plus one if their sender asked for loopback.
    sends: DelayQueue<Outgoing>,
    /// Copies of receives, by the time at which they go on.
    receives: DelayQueue<Incoming>,
    /// NBLs in the queues, or about to be.
    count: AtomicU32,
    alarm: Alarm,
}

impl Held {
    #[inline(never)]
    pub(super) fn new() -> Option<PoolBox<Self>> {
        let held = Self {
            sends: DelayQueue::new(MOST),
            receives: DelayQueue::new(MOST),
            count: AtomicU32::new(0),
            alarm: Alarm::new(),
        };
        PoolBox::new(tags::MODULE, held)
    }

    /// Connects the alarm to its module.
    ///
    /// # Safety
    /// `module` must own this, and not move any more.
    pub(super) unsafe fn connect(&self, module: NonNull<Module>) {
        // SAFETY: the alarm lies in the pool, and the module drops it with itself.
        unsafe { self.alarm.connect(module) };
    }

    pub(super) fn open(&self) {
        self.sends.open();
        self.receives.open();
    }

    /// Takes the count down by what has left a queue.
    fn gone<Way>(&self, chain: Option<Chain<Way>>) -> Option<Chain<Way>> {
        if let Some(chain) = &chain {
            self.count.fetch_sub(chain.count(), Ordering::SeqCst);
        }
        chain
    }
}

impl Sleeper for Module {
    /// Sends what is due, and sets the alarm for what is not.
    fn ring(&self) {
        // A module that is pausing gives back what it holds.
        if let Some(_inside) = self.gate.enter() {
            self.release_sends();
            self.release_receives();
        }
    }
}

impl Module {
    /// Holds `chain` until `due`. What finds no room is dropped.
    pub(super) fn hold(&self, mut chain: Chain<Outgoing>, due: Time, flags: SendFlags) {
        let time = due.0 << 1 | u64::from(flags.0 & LOOPBACK != 0);
        loop {
            let (one, rest) = chain.split_first();
            self.held.count.fetch_add(1, Ordering::SeqCst);
            if let Err(one) = self.held.sends.push(one, time) {
                self.held.count.fetch_sub(1, Ordering::SeqCst);
                self.refuse(one, super::BLOCKED, flags.completion());
            }
            match rest {
                Some(rest) => chain = rest,
                None => break,
            }
        }
        self.set_alarm();
    }

    /// Holds a copy of a received frame until `due`; false if it found no room and is dropped.
    pub(super) fn hold_receive(&self, copy: OwnNbl<'_>, due: Time) -> bool {
        self.held.count.fetch_add(1, Ordering::SeqCst);
        if let Err(copy) = self.held.receives.push(copy.into_chain(), due.0) {
            self.held.count.fetch_sub(1, Ordering::SeqCst);
            self.drop_copies(copy);
            return false;
        }
        self.set_alarm();
        true
    }

    /// Sends what is due before anything that is sent now, which keeps flows in order.
    #[inline]
    pub(super) fn send_due(&self) {
        if self.held.count.load(Ordering::Relaxed) != 0 {
            self.release_sends();
        }
    }

    /// Indicates what is due before anything that is indicated now.
    #[inline]
    pub(super) fn indicate_due(&self) {
        if self.held.count.load(Ordering::Relaxed) != 0 {
            self.release_receives();
        }
    }

    #[inline(never)]
    fn release_sends(&self) {
        if let Some(chain) = self.held.gone(self.held.sends.take_due(now().0 << 1 | 1)) {
            let split = chain.split(|list| list.note() & 1 == 0);
            for (chain, flags) in [(split.kept, 0), (split.rest, LOOPBACK)] {
                if let Some(chain) = chain {
                    // The default port: sends on others are not held.
                    chain.send_down(self.handle, 0, SendFlags(flags));
                }
            }
        }
        self.set_alarm();
    }

    #[inline(never)]
    fn release_receives(&self) {
        if let Some(chain) = self.held.gone(self.held.receives.take_due(now().0)) {
            let count = chain.count();
            // The default port again, and nothing is known of the chain as a whole.
            chain.indicate(self.handle, 0, count, ReceiveFlags(0));
        }
        self.set_alarm();
    }

    fn set_alarm(&self) {
        let (sends, receives) = (self.held.sends.next_due(), self.held.receives.next_due());
        if let Some(due) = sends.map(|due| due >> 1).into_iter().chain(receives).min() {
            self.held.alarm.set(due.saturating_sub(now().0));
        }
    }

    /// Frees copies of receives that do not go on.
    fn drop_copies(&self, chain: Chain<Incoming>) {
        self.shared.engine.count(processor(), Counter::DelayedDropped, u64::from(chain.count()));
        if let Some(others) = self.own.take_back(chain.returned()) {
            // There are none: what is held is the module's own.
            others.return_down(self.handle, ReturnFlags(0));
        }
    }

    /// Gives back what is held, and holds nothing more until [`Held::open`]. IRQL: <= DISPATCH_LEVEL.
    pub(super) fn refuse_held(&self, status: Status) {
        if let Some(chain) = self.held.gone(self.held.sends.close()) {
            self.refuse(chain, status, SendCompleteFlags(0));
        }
        if let Some(chain) = self.held.gone(self.held.receives.close()) {
            self.drop_copies(chain);
        }
    }

    /// Gives back held sends that their sender cancels, and passes the cancellation on.
    #[doc(alias = "FilterCancelSendNetBufferLists")]
    pub(super) fn filter_cancel_send(&self, id: CancelId) {
        if self.held.count.load(Ordering::Relaxed) != 0
            && let Some(chain) = self.held.gone(self.held.sends.take_cancelled(id))
        {
            self.refuse(chain, ABORTED, SendCompleteFlags(0));
        }
        self.handle.cancel_sends(id);
    }

    /// Completes sends that had to wait and do not go on; copies among them go home to their originals.
    fn refuse(&self, chain: Chain<Outgoing>, status: Status, flags: SendCompleteFlags) {
        self.shared.engine.count(processor(), Counter::DelayedDropped, u64::from(chain.count()));
        if let Some(chain) = self.own.take_back(chain.completed(status)) {
            chain.complete(self.handle, flags);
        }
    }
}
