//! The order in which locks of all kinds are taken, and the waitable locks that a thread holds.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use super::lock;
use crate::cpu;
use crate::verifier::{self, violation};

/// A lock at which threads wait, held by the current thread.
#[derive(Clone, Copy, Debug)]
struct Held {
    address: usize,
    kind: &'static str,
    caller: usize,
}

thread_local! {
    static HELD: RefCell<Vec<Held>> = const { RefCell::new(Vec::new()) };
}

/// The locks that were taken while another was held: lock to later locks.
static ORDER: Mutex<Option<HashMap<usize, HashSet<usize>>>> = Mutex::new(None);

/// Records that the current thread holds a waitable lock.
pub(crate) fn acquired(address: usize, kind: &'static str) {
    let caller = cpu::current_call().map_or(0, |call| call.caller);
    HELD.with_borrow_mut(|held| held.push(Held { address, kind, caller }));
}

/// Records that the current thread has given up a waitable lock once.
pub(crate) fn released(address: usize) {
    HELD.with_borrow_mut(|held| {
        if let Some(place) = held.iter().rposition(|held| held.address == address) {
            held.remove(place);
        }
    });
}

/// Whether the current thread holds the waitable lock at `address`.
pub(crate) fn holds(address: usize) -> bool {
    HELD.with_borrow(|held| held.iter().any(|held| held.address == address))
}

/// Breaks rule G-12 if the current thread, which is about to end, holds a lock.
pub(crate) fn check_exit() {
    let waitable = HELD.with_borrow(|held| held.last().copied());
    if let Some(Held { address, kind, caller }) = waitable {
        violation(
            "G-12",
            &format!("a thread ends with the {kind} {address:#x}, taken by {}", verifier::locate(caller)),
        );
    }
}

/// Breaks rule G-12 if the current thread frees the memory of a lock that it holds.
pub(crate) fn check_free(address: usize, size: usize) {
    let memory = address..address + size;
    let spin = lock::held().iter().map(|held| held.address).find(|held| memory.contains(held));
    let waitable =
        || HELD.with_borrow(|held| held.iter().map(|held| held.address).find(|at| memory.contains(at)));
    if let Some(lock) = spin.or_else(waitable) {
        violation("G-12", &format!("free of memory with the lock {lock:#x} in it, which this thread holds"));
    }
}

/// Forgets a lock that is initialised anew: other memory may have had its address before.
pub(crate) fn forget(lock: usize) {
    if let Some(order) = ORDER.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        order.remove(&lock);
        for later in order.values_mut() {
            later.remove(&lock);
        }
    }
}

/// Records that `lock` is about to be taken after the ones held, and checks that nobody takes them the other
/// way round.
pub(crate) fn before_acquire(lock: usize) {
    if !verifier::enabled() {
        return;
    }
    let spin = lock::held().last().map(|held| held.address);
    let waitable = HELD.with_borrow(|held| held.last().map(|held| held.address));
    for last in spin.into_iter().chain(waitable) {
        record(last, lock);
    }
}

fn record(last: usize, lock: usize) {
    if last == lock {
        return;
    }
    let mut order = ORDER.lock().unwrap_or_else(PoisonError::into_inner);
    let order = order.get_or_insert_default();
    if !order.entry(last).or_default().insert(lock) {
        return;
    }
    let (mut reached, mut todo) = (HashSet::new(), vec![lock]);
    while let Some(next) = todo.pop() {
        if next == last {
            violation("G-13", &format!("the locks {last:#x} and {lock:#x} are taken in both orders"));
        }
        if reached.insert(next) {
            todo.extend(order.get(&next).into_iter().flatten());
        }
    }
}
