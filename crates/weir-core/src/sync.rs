//! The atomics of what the models in `crates/models` check: the real ones, or those of the model checker.

pub(crate) use core::sync::atomic::Ordering;

#[cfg(not(loom))]
pub(crate) use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, fence};
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, fence};

/// A place in the code whose ordering a model weakens, to show that it notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(loom), expect(unreachable_pub, reason = "the models see this module"))]
pub enum Site {
    /// A line's word becomes live: the key was written before.
    Publish,
    /// A reader compares keys after it read the words.
    Look,
    /// A verdict is forgotten: the facts changed before.
    Forget,
    /// A slot of the table becomes visible: the record was written before.
    Slot,
    /// A reader says that it is inside before it looks at anything.
    Enter,
    /// A place is given back: its readers are gone.
    Free,
}

/// `right`, unless a model weakened this place.
#[inline(always)]
pub(crate) fn order(site: Site, right: Ordering) -> Ordering {
    #[cfg(loom)]
    if wrong::is(site) {
        return Ordering::Relaxed;
    }
    let _ = site;
    right
}

/// A fence, unless a model took it away.
#[inline(always)]
pub(crate) fn fence_at(site: Site, right: Ordering) {
    #[cfg(loom)]
    if wrong::is(site) {
        return;
    }
    let _ = site;
    fence(right);
}

/// What the models switch.
#[cfg(loom)]
pub mod wrong {
    use super::Site;
    use std::sync::Mutex;

    static WRONG: Mutex<Option<Site>> = Mutex::new(None);

    /// Weakens one place, or none.
    pub fn set(site: Option<Site>) {
        if let Ok(mut wrong) = WRONG.lock() {
            *wrong = site;
        }
    }

    pub(super) fn is(site: Site) -> bool {
        WRONG.lock().is_ok_and(|wrong| *wrong == Some(site))
    }
}
