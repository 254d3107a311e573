//! Who needs to see frames, and when the handlers for them come and go.
//!
//! The handlers of a module are installed only while somebody needs them; without, NDIS passes frames by the module. To
//! change them NDIS pauses the adapter, and frames may be lost on the way. So they come as soon as a need arises and go
//! only when there was none for [`LINGER`]: a reader or a policy that comes and goes costs one pause, not many.

use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use kernel::ndis::{DataHandlers, ModuleOptions};
use kernel::status::Status;
use weir_core::Action;
use weir_core::policy::{Failure, Image};

use super::Module;
use crate::shared::Shared;

/// Seconds without a need after which handlers go.
const LINGER: u32 = 5;
/// Seconds for which one look at the list of flows is a need.
const READER: u32 = 30;

/// Directions of travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Ways(u8);

impl Ways {
    const NONE: Self = Self(0);
    const SEND: Self = Self(1);
    const RECEIVE: Self = Self(2);
    const BOTH: Self = Self(3);
    /// Of a module that NDIS has not asked yet.
    const UNKNOWN: Self = Self(4);

    fn handlers(self) -> DataHandlers {
        DataHandlers { send: self.0 & Self::SEND.0 != 0, receive: self.0 & Self::RECEIVE.0 != 0 }
    }
}

/// Reasons to see frames.
#[derive(Clone, Copy, Debug)]
enum Need {
    /// The value `Observe` in the service's parameters: flows are measured whether anybody looks or not.
    Setting,
    /// The policy in force may block, or counts hits.
    Policy,
    /// Somebody looked at the flows.
    Reader,
}

/// What is needed, and what modules shall have for it.
#[derive(Debug)]
pub(crate) struct Demand {
    /// Directions by [`Need`].
    needs: [AtomicU8; 3],
    /// Seconds for which [`Need::Reader`] still holds.
    reader: AtomicU32,
    /// Directions for which handlers shall be installed.
    target: AtomicU8,
    /// Seconds for which `target` was more than what is needed.
    surplus: AtomicU32,
}

impl Demand {
    pub(crate) fn new(observe: bool) -> Self {
        let demand = Self {
            needs: [const { AtomicU8::new(0) }; 3],
            reader: AtomicU32::new(0),
            target: AtomicU8::new(0),
            surplus: AtomicU32::new(0),
        };
        if observe {
            let _grown = demand.set(Need::Setting, Ways::BOTH);
        }
        demand
    }

    fn needed(&self) -> Ways {
        Ways(self.needs.iter().fold(0, |all, need| all | need.load(Ordering::SeqCst)))
    }

    /// Whether somebody wants to know all that can be known about flows.
    fn watches(&self) -> bool {
        [Need::Setting, Need::Reader]
            .iter()
            .any(|need| self.needs.get(*need as usize).is_some_and(|ways| ways.load(Ordering::Relaxed) != 0))
    }

    fn target(&self) -> Ways {
        Ways(self.target.load(Ordering::SeqCst))
    }

    /// Notes a need; says whether it asks for handlers that were not wanted before.
    fn set(&self, need: Need, ways: Ways) -> bool {
        if let Some(place) = self.needs.get(need as usize) {
            place.store(ways.0, Ordering::SeqCst);
        }
        self.raise()
    }

    /// After a need was noted: with the other order, or without the barriers, [`Demand::pass_second`] could miss it.
    fn raise(&self) -> bool {
        let needed = self.needed().0;
        self.target.fetch_or(needed, Ordering::SeqCst) & needed != needed
    }

    /// A second has passed.
    fn pass_second(&self) {
        let left = self.reader.load(Ordering::Relaxed);
        // A look at the flows right now starts anew, and its exchange wins.
        let exchanged =
            self.reader.compare_exchange(left, left.saturating_sub(1), Ordering::SeqCst, Ordering::Relaxed);
        if left == 1 && exchanged.is_ok() {
            let _grown = self.set(Need::Reader, Ways::NONE);
            if self.reader.load(Ordering::SeqCst) != 0 {
                let _grown = self.set(Need::Reader, Ways::BOTH);
            }
        }
        let (target, needed) = (self.target(), self.needed());
        if target.0 & !needed.0 == 0 {
            self.surplus.store(0, Ordering::Relaxed);
        } else if self.surplus.fetch_add(1, Ordering::Relaxed) >= LINGER {
            self.surplus.store(0, Ordering::Relaxed);
            let _raised =
                self.target.compare_exchange(target.0, needed.0, Ordering::SeqCst, Ordering::SeqCst);
            let _grown = self.raise();
        }
    }
}

/// What `image` needs. Rules count their hits, so one that only permits needs frames like any other. Both directions, since a
/// rule is about conversations, and who began one is seen only by who sees both sides of it.
fn needed_by(image: &Image<'_>) -> Ways {
    let defaults = image.defaults();
    let blocks =
        [defaults.outbound, defaults.inbound].contains(&Action::Block) || defaults.failure == Failure::Closed;
    if image.rule_count() != 0 || blocks { Ways::BOTH } else { Ways::NONE }
}

impl Shared {
    /// A policy has come into force. IRQL: <= DISPATCH_LEVEL.
    pub(crate) fn demand_for_policy(&self, image: &Image<'_>) {
        if self.demand.set(Need::Policy, needed_by(image)) {
            self.follow_demand();
        }
    }

    /// Somebody looks at the flows. IRQL: <= DISPATCH_LEVEL.
    pub(crate) fn demand_for_reader(&self) {
        self.demand.reader.store(READER, Ordering::SeqCst);
        self.engine.watch_names(true);
        if self.demand.set(Need::Reader, Ways::BOTH) {
            self.follow_demand();
        }
    }

    /// To be called every second. IRQL: <= DISPATCH_LEVEL.
    pub(crate) fn review_demand(&self) {
        self.demand.pass_second();
        self.engine.watch_names(self.demand.watches());
        // Each time, not only after a change: what could not be asked for then is asked for now.
        self.follow_demand();
    }

    /// Asks NDIS for a restart of every module whose handlers are not the ones it shall have.
    fn follow_demand(&self) {
        let mut cursor = 0;
        loop {
            // NDIS is called without the lock.
            let next = self.adapters.lock().pin_after(cursor);
            let Some((number, module)) = next else { return };
            module.follow(self.demand.target());
            cursor = number;
        }
    }
}

/// The data handlers that a module has.
#[derive(Debug)]
pub(super) struct Installed {
    ways: AtomicU8,
    /// NDIS was asked for a restart and has not begun it.
    asked: AtomicU8,
}

impl Installed {
    pub(super) const fn new() -> Self {
        Self { ways: AtomicU8::new(Ways::UNKNOWN.0), asked: AtomicU8::new(0) }
    }

    /// Whether frames come to the module in both directions.
    pub(super) fn is_both(&self) -> bool {
        self.ways.load(Ordering::Relaxed) == Ways::BOTH.0
    }

    /// Whether NDIS passes all frames by.
    pub(super) fn is_none(&self) -> bool {
        self.ways.load(Ordering::Relaxed) == Ways::NONE.0
    }
}

impl Module {
    /// Installs what is needed now. NDIS calls this before every restart, whoever asked for it.
    #[doc(alias = "FilterSetModuleOptions")]
    pub(super) fn install_handlers(&self, options: ModuleOptions<Self>) -> Result<(), Status> {
        self.installed.asked.store(0, Ordering::SeqCst);
        let target = self.shared.demand.target();
        options.install(self.handle, target.handlers())?;
        self.installed.ways.store(target.0, Ordering::SeqCst);
        // A need that arose in between found the old handlers, or these.
        self.follow(self.shared.demand.target());
        Ok(())
    }

    /// Asks NDIS for a restart if the module's handlers are not those for `target`.
    fn follow(&self, target: Ways) {
        let ways = Ways(self.installed.ways.load(Ordering::SeqCst));
        // One that NDIS has not asked yet will be asked before it runs.
        if ways == target || ways == Ways::UNKNOWN || self.installed.asked.swap(1, Ordering::SeqCst) != 0 {
            return;
        }
        if self.handle.ask_restart().is_err() {
            self.installed.asked.store(0, Ordering::SeqCst);
        }
    }
}
