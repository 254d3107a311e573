//! NBLs that are held back for a while.

use core::marker::PhantomData;
use core::ptr::NonNull;

use ddk::ndis::NET_BUFFER_LIST;

use super::chain::{Chain, Links, Outgoing};
use super::filter::CancelId;
use crate::spin::SpinLock;

/// The slot with the id under which a send is cancelled.
const CANCEL_ID: usize = 5;

/// A bounded queue of NBLs, each with the time at which it goes on.
///
/// It holds NBLs that the driver owns: sends, and receives that did not come with RESOURCES. The time stands in the NBL's
/// `Scratch` member, which is the owner's. Times should be near: NDIS pauses protocols before filters, and a protocol is
/// paused when its sends are back, so that a held send holds up the pause until its time. Closed at first, and while the module does not run: then nothing is held.
#[derive(Debug)]
pub struct DelayQueue<Way> {
    held: SpinLock<Held>,
    most: u32,
    way: PhantomData<fn(Way) -> Way>,
}

/// # Invariants
/// `first` starts a NULL-terminated chain of valid NBLs that the queue owns, `count` of them, by rising time.
#[derive(Debug)]
struct Held {
    first: *mut NET_BUFFER_LIST,
    count: u32,
    open: bool,
}

// SAFETY: the NBLs are owned, and NBLs may be handed on from any thread.
unsafe impl Send for Held {}

/// When the NBL goes on.
///
/// # Safety
/// The queue owns it.
unsafe fn due(list: NonNull<NET_BUFFER_LIST>) -> u64 {
    // SAFETY: by the contract of this function.
    unsafe { (*list.as_ptr()).Scratch }.addr() as u64
}

impl<Way> DelayQueue<Way> {
    /// A closed queue for at most `most` NBLs.
    #[must_use]
    pub const fn new(most: u32) -> Self {
        let held = Held { first: core::ptr::null_mut(), count: 0, open: false };
        Self { held: SpinLock::new(held), most, way: PhantomData }
    }

    /// From now on NBLs can be held. IRQL: <= DISPATCH_LEVEL.
    pub fn open(&self) {
        self.held.lock().open = true;
    }

    /// From now on none can be held; gives back those that are. IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn close(&self) -> Option<Chain<Way>> {
        let mut held = self.held.lock();
        held.open = false;
        held.take(|_| true)
    }

    /// Holds the single NBL of `chain` until `time`; the chain comes back when it has several, and while the queue is closed
    /// or full. NBLs with the same time keep their order. IRQL: <= DISPATCH_LEVEL.
    pub fn push(&self, chain: Chain<Way>, time: u64) -> Result<(), Chain<Way>> {
        let Some(list) = chain.single() else { return Err(chain) };
        let mut held = self.held.lock();
        if !held.open || held.count >= self.most {
            return Err(chain);
        }
        let _owned = chain.into_raw();
        // SAFETY: the NBL is owned; the queue takes it.
        unsafe { (*list.as_ptr()).Scratch = core::ptr::without_provenance_mut(time as usize) };
        held.insert(list, time);
        Ok(())
    }

    /// Takes what is to go on at `now`, in order of time. IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn take_due(&self, now: u64) -> Option<Chain<Way>> {
        // SAFETY: the queue owns the NBLs that it shows.
        self.held.lock().take(|list| unsafe { due(list) } <= now)
    }

    /// When the first NBL goes on. IRQL: <= DISPATCH_LEVEL.
    pub fn next_due(&self) -> Option<u64> {
        let held = self.held.lock();
        // SAFETY: the queue owns its NBLs.
        NonNull::new(held.first).map(|first| unsafe { due(first) })
    }

    /// NBLs held. IRQL: <= DISPATCH_LEVEL.
    pub fn count(&self) -> u32 {
        self.held.lock().count
    }
}

impl DelayQueue<Outgoing> {
    /// Takes the sends that are cancelled under `id`. IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn take_cancelled(&self, id: CancelId) -> Option<Chain<Outgoing>> {
        self.held.lock().take(|list| {
            // SAFETY: the queue owns the NBLs that it shows.
            let slots = unsafe { &(*list.as_ptr()).NetBufferListInfo };
            slots.get(CANCEL_ID).is_some_and(|slot| *slot == id.0)
        })
    }
}

impl<Way> Drop for DelayQueue<Way> {
    /// A queue that is not empty would leak NBLs: its owner closes it first.
    fn drop(&mut self) {
        if let Some(chain) = self.close() {
            // Stops the machine.
            drop(chain);
        }
    }
}

impl Held {
    /// Links `list` behind everything that goes on no later.
    fn insert(&mut self, list: NonNull<NET_BUFFER_LIST>, time: u64) {
        let mut link = &raw mut self.first;
        // SAFETY: links are those of owned NBLs, or `first`.
        while let Some(next) = NonNull::new(unsafe { *link }) {
            // SAFETY: an owned NBL.
            if unsafe { due(next) } > time {
                break;
            }
            // SAFETY: as above.
            link = unsafe { &raw mut (*next.as_ptr()).Next };
        }
        // SAFETY: as above, and the new NBL is owned.
        unsafe {
            (*list.as_ptr()).Next = *link;
            *link = list.as_ptr();
        }
        self.count = self.count.wrapping_add(1);
    }

    /// Takes out what `wanted` says, in order.
    fn take<Way>(&mut self, wanted: impl Fn(NonNull<NET_BUFFER_LIST>) -> bool) -> Option<Chain<Way>> {
        let (mut taken, mut rest) = (Links::new(), Links::new());
        let mut next = NonNull::new(self.first);
        while let Some(list) = next {
            // SAFETY: owned NBLs; nothing behind `list` has been relinked yet.
            next = NonNull::new(unsafe { (*list.as_ptr()).Next });
            if wanted(list) { taken.push(list) } else { rest.push(list) }
        }
        self.count = rest.count();
        self.first = rest.finish::<Way>().map_or(core::ptr::null_mut(), Chain::into_raw);
        taken.finish()
    }
}
