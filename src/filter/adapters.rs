//! The adapters that the filter is attached to, as the control device lists them.

use core::cell::Cell;
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::Ordering;

use kernel::rundown::Entered;
use weir_core::crossing::Reach;
use weir_ioctl::AdapterEntry;

use super::Module;

/// Longest adapter name that is kept.
pub(crate) const NAME_LENGTH: usize = 128;

/// A module's place in [`Adapters`]; touched only under the lock around the list.
#[derive(Debug)]
pub(super) struct Link {
    next: Cell<Option<NonNull<Module>>>,
    /// Number of the attachment: rises, so that a list in pages has an order.
    number: Cell<u64>,
    /// Which look at the interface stack the module's neighbours come from.
    look: Cell<u64>,
}

// SAFETY: the cells are touched only through `Adapters`, which lives inside a lock.
unsafe impl Sync for Link {}
// SAFETY: a module is not moved between threads while it is linked.
unsafe impl Send for Link {}

impl Link {
    pub(super) const fn new() -> Self {
        Self { next: Cell::new(None), number: Cell::new(0), look: Cell::new(0) }
    }
}

/// All attached modules, the newest first. For control paths: packets never look here.
///
/// # Invariants
/// Every module in the list is valid: it removes itself before it goes away.
#[derive(Debug)]
pub(crate) struct Adapters {
    newest: Option<NonNull<Module>>,
    attachments: u64,
}

// SAFETY: modules are `Sync`, and the list is inside a lock.
unsafe impl Send for Adapters {}

impl Adapters {
    pub(crate) const fn new() -> Self {
        Self { newest: None, attachments: 0 }
    }

    /// Enters a module that will stay where it is until it removes itself.
    pub(super) fn insert(&mut self, module: &Module) {
        self.attachments = self.attachments.wrapping_add(1);
        module.link.number.set(self.attachments);
        // The last digits of the attachment, unless a module that has been there for very long has them.
        let mut seat = self.attachments as u16;
        while seat == 0 || self.iter().any(|other| other.seat.number() == seat) {
            seat = seat.wrapping_add(1);
        }
        module.seat.set_number(seat);
        module.link.next.set(self.newest);
        // INVARIANT: modules live in the pool and call `remove` when they are dropped.
        self.newest = Some(NonNull::from(module));
    }

    /// Takes a module out; one that was never entered is ignored.
    pub(super) fn remove(&mut self, module: &Module) {
        let gone = Some(NonNull::from(module));
        if self.newest == gone {
            self.newest = module.link.next.get();
            return;
        }
        if let Some(before) = self.iter().find(|before| before.link.next.get() == gone) {
            before.link.next.set(module.link.next.get());
        }
    }

    /// Tells `module` which others lie above and below it, as look number `look` at the interface stack found, unless a
    /// later one was there already. Only modules that see frames count.
    pub(super) fn seat(&self, module: &Module, look: u64, above: &Reach, below: &Reach) {
        if module.link.look.replace(look.max(module.link.look.get())) > look {
            return;
        }
        module.seat.set_neighbours(self.others(module, above), self.others(module, below));
    }

    /// Numbers of the other modules among what was reached.
    fn others(&self, module: &Module, reach: &Reach) -> impl Iterator<Item = u16> {
        let others = self.iter().filter(move |other| !core::ptr::eq(*other, module) && other.sees_frames());
        others.filter(|other| reach.contains(other.facts.index)).map(|other| other.seat.number())
    }

    /// From now on frames that pass `module` are not seen there.
    pub(super) fn unseat(&self, module: &Module) {
        self.iter().for_each(|other| other.seat.forget(module.seat.number()));
    }

    fn iter(&self) -> impl Iterator<Item = &Module> {
        let mut next = self.newest;
        core::iter::from_fn(move || {
            // SAFETY: by the type's invariant.
            let module = unsafe { next?.as_ref() };
            next = module.link.next.get();
            Some(module)
        })
    }

    /// Number of adapters.
    pub(crate) fn count(&self) -> u32 {
        self.iter().count() as u32
    }

    /// The adapter attached next after attachment `cursor`, with the number of its own attachment.
    pub(crate) fn after(&self, cursor: u64) -> Option<(u64, AdapterEntry)> {
        // The list falls in number: the last one above the cursor is the next one.
        let module = self.iter().take_while(|module| module.link.number.get() > cursor).last()?;
        Some((module.link.number.get(), module.entry()))
    }

    /// As [`Adapters::after`], with the module itself, which stays attached until the result is dropped.
    pub(super) fn pin_after(&self, cursor: u64) -> Option<(u64, Pinned)> {
        let module = self.iter().take_while(|module| module.link.number.get() > cursor).last()?;
        // SAFETY: a module in the list is valid, and one that somebody is inside of waits before it goes away.
        let module: &'static Module = unsafe { &*core::ptr::from_ref(module) };
        Some((module.link.number.get(), Pinned { module, _inside: module.users.enter()? }))
    }

    /// Learns in which compartment the adapter with this LUID is, which NDIS does not say. Copies its name and returns
    /// the length, 0 when there is no such adapter.
    pub(crate) fn learn(&self, luid: u64, compartment: u32, name: &mut [u16; NAME_LENGTH]) -> usize {
        let Some(module) = self.iter().find(|module| module.facts.luid == luid) else { return 0 };
        // Every frame reads it: do not take the cache line away for nothing.
        if module.compartment.load(Ordering::Relaxed) != compartment {
            module.compartment.store(compartment, Ordering::Relaxed);
        }
        *name = module.facts.name;
        usize::from(module.facts.name_length)
    }
}

/// A module that cannot be detached for the time being. Not to be held while waiting for anything.
#[derive(Debug)]
pub(super) struct Pinned {
    module: &'static Module,
    _inside: Entered<'static>,
}

impl Deref for Pinned {
    type Target = Module;

    fn deref(&self) -> &Module {
        self.module
    }
}

impl Module {
    fn entry(&self) -> AdapterEntry {
        let totals = self.counts.totals();
        let facts = &self.facts;
        let (mac, mac_length) = self.current.mac();
        AdapterEntry {
            luid: facts.luid,
            generation: self.link.number.get(),
            frames_sent: totals.sent,
            frames_received: totals.received,
            frames_blocked: totals.blocked,
            segments_sent: totals.segments_sent,
            segments_received: totals.segments_received,
            index: facts.index,
            medium: facts.medium,
            state: self.state(),
            media: self.current.media(),
            mtu: self.current.mtu(),
            mac_length,
            mac,
            name: facts.name,
        }
    }
}
