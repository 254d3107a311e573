//! The atomics of what the models in `crates/models` check: the real ones, or those of the model checker.

pub(crate) use core::sync::atomic::Ordering;

#[cfg(not(loom))]
pub(crate) use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, fence};
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, fence};

/// A fence that a model takes away, to show that it notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(loom), expect(unreachable_pub, reason = "the models see this module"))]
pub enum Site {
    /// Two that insert the same key: whoever publishes second sees the first.
    Twin,
    /// A reader says that it is inside before it looks at anything.
    Enter,
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

    /// Takes one fence away, or none.
    pub fn set(site: Option<Site>) {
        if let Ok(mut wrong) = WRONG.lock() {
            *wrong = site;
        }
    }

    pub(super) fn is(site: Site) -> bool {
        WRONG.lock().is_ok_and(|wrong| *wrong == Some(site))
    }
}
