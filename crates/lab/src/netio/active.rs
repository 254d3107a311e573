//! Which driver callbacks of this room run on the current thread, and what they have started.

use std::cell::RefCell;

use crate::verifier::{self, violation};

/// A callback that runs.
struct Active {
    kind: Kind,
    /// Requests that were given to WSK inside it and are not complete.
    started: Vec<u64>,
}

/// What kind of callback it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An event callback of a socket, or the completion routine of a request.
    Wsk,
    /// A notification of IP Helper with this number.
    Notification(u64),
    /// An attach callback for this binding of the registrar.
    Attach(usize),
}

thread_local! {
    static ACTIVE: RefCell<Vec<Active>> = const { RefCell::new(Vec::new()) };
}

/// Runs a driver's callback, remembering that it runs.
pub(crate) fn run<R>(kind: Kind, name: &str, body: impl FnOnce() -> R) -> R {
    ACTIVE.with_borrow_mut(|active| active.push(Active { kind, started: Vec::new() }));
    let result = verifier::callback(name, body);
    ACTIVE.with_borrow_mut(Vec::pop);
    result
}

/// Whether a callback for which `test` holds runs on this thread.
pub(crate) fn inside(test: impl Fn(Kind) -> bool) -> bool {
    ACTIVE.with_borrow(|active| active.iter().any(|active| test(active.kind)))
}

/// Notes that a WSK callback of this thread, if one runs, has started the request `number`.
pub(crate) fn started(number: u64) {
    ACTIVE.with_borrow_mut(|active| {
        if let Some(active) = active.iter_mut().rev().find(|active| active.kind == Kind::Wsk) {
            active.started.push(number);
        }
    });
}

/// Called where a driver is about to wait: a WSK callback must not wait for what it has started (W36).
pub(crate) fn before_wait() {
    let waits = ACTIVE.with_borrow(|active| {
        active.iter().flat_map(|active| &active.started).any(|n| super::irp::is_open(*n))
    });
    if waits {
        violation("WV-5", "a WSK callback waits while a request that it started is not complete (W36)");
    }
}
