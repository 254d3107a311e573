//! Objects that live in a driver's own memory and must be idle or deleted before that memory goes.

use std::collections::BTreeMap;
use std::sync::{Mutex, Once, PoisonError};

use crate::verifier::{self, Leak, violation};
use crate::{cpu, pool};

/// One object that is in use.
#[derive(Clone, Copy, Debug)]
struct Entry {
    size: usize,
    kind: &'static str,
    rule: &'static str,
    /// The driver's routine that the object will call, or 0.
    routine: usize,
    creator: usize,
}

static LIVE: Mutex<BTreeMap<usize, Entry>> = Mutex::new(BTreeMap::new());

fn with<R>(body: impl FnOnce(&mut BTreeMap<usize, Entry>) -> R) -> R {
    body(&mut LIVE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Records that the object at `address` is in use; `rule` names what its loss would break.
pub(crate) fn enter(address: usize, size: usize, kind: &'static str, rule: &'static str, routine: usize) {
    if !verifier::enabled() {
        return;
    }
    static CHECK: Once = Once::new();
    CHECK.call_once(|| verifier::on_leak_check(leaks));
    let creator = cpu::current_call().map_or(0, |call| call.caller);
    with(|live| live.insert(address, Entry { size, kind, rule, routine, creator }));
}

/// Records that the object at `address` is idle or deleted; whether it was in use.
pub(crate) fn leave(address: usize) -> bool {
    with(|live| live.remove(&address)).is_some()
}

/// Whether the object at `address` is in use.
pub(crate) fn contains(address: usize) -> bool {
    with(|live| live.contains_key(&address))
}

/// Breaks the rule of an object that lies in the `size` bytes at `address`, which a driver is freeing.
pub(crate) fn check_free(address: usize, size: usize) {
    if let Some((at, entry)) = find(|at, entry| at < address + size && at + entry.size > address) {
        violation(
            entry.rule,
            &format!(
                "free of memory with a live {} in it, put there by {}: {}",
                entry.kind,
                verifier::locate(entry.creator),
                pool::describe(at)
            ),
        );
    }
}

/// Breaks the rule of an object that lies in an image which is about to go, or calls a routine in it.
pub(crate) fn check_unload(base: usize, size: usize) {
    let image = base..base + size;
    if let Some((at, entry)) = find(|at, entry| image.contains(&at) || image.contains(&entry.routine)) {
        violation(
            entry.rule,
            &format!(
                "the image goes and leaves a live {} at {at:#x}, put there by {}",
                entry.kind,
                verifier::locate(entry.creator)
            ),
        );
    }
}

fn find(wanted: impl Fn(usize, &Entry) -> bool) -> Option<(usize, Entry)> {
    with(|live| live.iter().map(|(at, entry)| (*at, *entry)).find(|(at, entry)| wanted(*at, entry)))
}

fn leaks(leaks: &mut Vec<Leak>) {
    let leak = |(at, entry): (&usize, &Entry)| Leak {
        rule: entry.rule.into(),
        what: format!("{} at {at:#x}", entry.kind),
        creator: verifier::locate(entry.creator),
    };
    with(|live| leaks.extend(live.iter().map(leak)));
}
