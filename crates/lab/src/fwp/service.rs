//! The base filtering engine's service: its state, who hears of it, and what a start of the machine leaves.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ffi::c_void;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ddk::fwp::*;
use ddk::nt::*;

use super::{callout, engine, session};
use crate::{handle, verifier};

static SERVICE: AtomicI32 = AtomicI32::new(FWPM_SERVICE_RUNNING);

/// The state of the base filtering engine.
pub fn service_state() -> FWPM_SERVICE_STATE {
    SERVICE.load(Ordering::Relaxed)
}

/// A subscription to changes of the service's state.
struct Subscription {
    callback: FWPM_SERVICE_STATE_CHANGE_CALLBACK0,
    context: usize,
}

impl handle::Object for Subscription {
    const KIND: &'static str = "subscription to the service's state";
    const LEAK_RULE: Option<&'static str> = Some("F-9");
}

type Subscriptions = Vec<(usize, Arc<Subscription>)>;

static SUBSCRIPTIONS: Mutex<Subscriptions> = Mutex::new(Vec::new());
/// States of which the subscribers have not heard yet.
static UNHEARD: Mutex<VecDeque<FWPM_SERVICE_STATE>> = Mutex::new(VecDeque::new());

fn subscriptions() -> MutexGuard<'static, Subscriptions> {
    SUBSCRIPTIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    static IN_STATE_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// FwpmBfeStateSubscribeChanges0.
///
/// # Safety
/// `out` is writable.
pub(crate) unsafe fn subscribe(
    callback: FWPM_SERVICE_STATE_CHANGE_CALLBACK0,
    context: *mut c_void,
    out: *mut HANDLE,
) -> NTSTATUS {
    if callback.is_none() {
        return STATUS_INVALID_PARAMETER;
    }
    if crate::pool::must_fail() {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    let subscription = Arc::new(Subscription { callback, context: context as usize });
    let value = handle::create(subscription.clone());
    subscriptions().push((value as usize, subscription));
    // SAFETY: the caller guarantees it.
    unsafe { *out = value };
    STATUS_SUCCESS
}

/// FwpmBfeStateUnsubscribeChanges0.
pub(crate) fn unsubscribe(value: HANDLE) -> NTSTATUS {
    if IN_STATE_CALLBACK.get() {
        verifier::violation("F-9", "FwpmBfeStateUnsubscribeChanges0 inside the state callback never ends");
    }
    handle::close::<Subscription>(value);
    subscriptions().retain(|(other, _)| *other != value as usize);
    STATUS_SUCCESS
}

/// Changes the service's state and tells the subscribers. When it stops, sessions end and all but
/// persistent objects are gone.
pub fn set_service_state(state: FWPM_SERVICE_STATE) {
    let before = enter(state);
    tell(state);
    leave(before, state);
}

/// Changes the service's state as [`set_service_state`] does, but the subscribers hear of it late: when
/// [`tell_service_state`] is called.
pub fn set_service_state_untold(state: FWPM_SERVICE_STATE) {
    let before = enter(state);
    UNHEARD.lock().unwrap_or_else(PoisonError::into_inner).push_back(state);
    leave(before, state);
}

/// Tells the subscribers of the changes that they have not heard of, in order.
pub fn tell_service_state() {
    while let Some(state) = { UNHEARD.lock().unwrap_or_else(PoisonError::into_inner).pop_front() } {
        tell(state);
    }
}

fn enter(state: FWPM_SERVICE_STATE) -> FWPM_SERVICE_STATE {
    let before = SERVICE.swap(state, Ordering::Relaxed);
    if state == FWPM_SERVICE_RUNNING && before != state {
        engine::started();
    }
    before
}

fn leave(before: FWPM_SERVICE_STATE, state: FWPM_SERVICE_STATE) {
    if state == FWPM_SERVICE_STOPPED && before != state {
        session::abort_all();
        engine::remove_of(|object| object.lifetime < engine::Lifetime::Persistent);
    }
}

fn tell(state: FWPM_SERVICE_STATE) {
    let subscriptions = subscriptions().clone();
    for (_, subscription) in subscriptions {
        if let Some(callback) = subscription.callback {
            IN_STATE_CALLBACK.set(true);
            let context = subscription.context as *mut c_void;
            verifier::callback("the service state callback", || {
                // SAFETY: the driver subscribed with this callback and context.
                unsafe { callback(context, state) }
            });
            IN_STATE_CALLBACK.set(false);
        }
    }
}

/// Starts the machine again, as far as filtering goes: of all objects the persistent ones and the boot-time
/// filters are left; until the service runs, only the latter are in force (win32 object management).
///
/// # Panics
/// If drivers have left callouts or subscriptions: they are to be unloaded before.
pub fn reboot() {
    assert_eq!(callout::registered(), 0, "callouts are registered");
    assert!(subscriptions().is_empty(), "somebody subscribes to the service's state");
    set_service_state(FWPM_SERVICE_STOPPED);
    engine::booting();
}
