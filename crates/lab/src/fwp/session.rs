//! Sessions with the filter engine, and the one transaction that may be open.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use ddk::fwp::*;
use ddk::nt::*;

use super::callout;
use super::engine::{self, Engine, Lifetime, Store, engine, notify_changes, remove_of, replace};
use super::service::service_state;
use crate::{clock, handle, schedule, verifier};

/// How long a caller waits for another session's transaction unless its own session says otherwise
/// (FWPM_SESSION0).
const DEFAULT_WAIT: u32 = 15_000;
/// How often a waiting thread looks again.
const TURN: Duration = Duration::from_millis(1);
/// The session of [`hold_transaction`].
const FOREIGN: u64 = u64::MAX;

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A session: what an engine handle stands for.
#[derive(Debug)]
pub(crate) struct Session {
    pub(super) id: u64,
    pub(super) dynamic: bool,
    wait: Duration,
    aborted: AtomicBool,
}

impl handle::Object for Session {
    const KIND: &'static str = "filter engine session";
    const LEAK_RULE: Option<&'static str> = Some("F-11");
}

static SESSIONS: Mutex<Vec<Arc<Session>>> = Mutex::new(Vec::new());

fn sessions() -> MutexGuard<'static, Vec<Arc<Session>>> {
    SESSIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The open transaction.
pub(super) struct Transaction {
    session: u64,
    read_only: bool,
    /// The objects as the session sees them.
    store: Store,
    thread: ThreadId,
    /// When it ends by itself: that of another program, which the test holds for so long.
    ends: Option<std::time::Instant>,
}

/// FwpmEngineOpen0.
///
/// # Safety
/// The pointers are valid or null as the DDI page allows.
pub(crate) unsafe fn open(
    server: *const u16,
    identity: *const c_void,
    session: *const FWPM_SESSION0,
    out: *mut HANDLE,
) -> NTSTATUS {
    if !server.is_null() || !identity.is_null() {
        verifier::violation(
            "F-11",
            "FwpmEngineOpen0 with a server or an identity: both must be NULL in the kernel",
        );
    }
    if service_state() != FWPM_SERVICE_RUNNING {
        return STATUS_UNSUCCESSFUL;
    }
    if crate::pool::must_fail() {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    // SAFETY: the caller guarantees a valid session, or null.
    let (flags, wait) =
        unsafe { session.as_ref() }.map_or((0, 0), |session| (session.flags, session.txnWaitTimeoutInMSec));
    if flags & !FWPM_SESSION_FLAG_DYNAMIC != 0 {
        return STATUS_FWP_INVALID_FLAGS;
    }
    let session = Arc::new(Session {
        id: NEXT.fetch_add(1, Ordering::Relaxed),
        dynamic: flags & FWPM_SESSION_FLAG_DYNAMIC != 0,
        wait: Duration::from_millis(if wait == 0 { DEFAULT_WAIT } else { wait }.into()),
        aborted: false.into(),
    });
    sessions().push(session.clone());
    // SAFETY: the caller guarantees a writable handle.
    unsafe { *out = handle::create(session) };
    STATUS_SUCCESS
}

/// FwpmEngineClose0: aborts an open transaction; a dynamic session takes its objects with it.
pub(crate) fn close(value: HANDLE) -> NTSTATUS {
    let session = handle::close::<Session>(value);
    sessions().retain(|other| other.id != session.id);
    if let Some(store) = take_of(session.id) {
        forget(&store);
    }
    remove_of(|object| object.session == session.id && object.lifetime == Lifetime::Dynamic);
    STATUS_SUCCESS
}

/// The service has stopped: sessions and their transaction have ended.
pub(super) fn abort_all() {
    for session in sessions().iter() {
        session.aborted.store(true, Ordering::Relaxed);
    }
    let open = engine().transaction.take();
    if let Some(open) = open {
        forget(&open.store);
    }
}

pub(super) fn expect(value: HANDLE) -> Result<Arc<Session>, NTSTATUS> {
    let session = handle::expect::<Session>(value);
    if callout::in_callback() {
        verifier::violation("F-1", "a management function was called from a callout's callback");
    }
    if session.aborted.load(Ordering::Relaxed) {
        return Err(STATUS_FWP_SESSION_ABORTED);
    }
    Ok(session)
}

/// Another program's transaction, which ends after `time`; with it every other writer waits.
pub fn hold_transaction(time: Duration) {
    let mut engine = engine();
    assert!(engine.transaction.is_none(), "a transaction is open already");
    engine.transaction = Some(Transaction {
        session: FOREIGN,
        read_only: true,
        store: Store::default(),
        thread: std::thread::current().id(),
        ends: Some(clock::now() + time),
    });
}

/// Ends [`hold_transaction`] before its time.
pub fn release_transaction() {
    drop(take_of(FOREIGN));
}

/// The engine as soon as no other session has a transaction; the wait for it ends after the session's time.
fn locked(session: &Session) -> Result<MutexGuard<'static, Engine>, NTSTATUS> {
    let mut left = session.wait;
    loop {
        let mut engine = engine();
        let Some(other) = engine.transaction.as_ref().filter(|open| open.session != session.id) else {
            return Ok(engine);
        };
        if let Some(ends) = other.ends {
            // Nobody else works on it: time passes at once.
            let until = ends.saturating_duration_since(clock::now());
            clock::jump(until.min(left));
            if until > left {
                return Err(STATUS_FWP_TIMEOUT);
            }
            engine.transaction = None;
            return Ok(engine);
        }
        // A thread that waits for itself waits in vain.
        if other.thread == std::thread::current().id() || left.is_zero() {
            clock::jump(left);
            return Err(STATUS_FWP_TIMEOUT);
        }
        drop(engine);
        schedule::sleep(TURN);
        left = left.saturating_sub(TURN);
    }
}

/// Reads the objects as the session sees them: with what its transaction has changed.
pub(super) fn read<R>(value: HANDLE, body: impl FnOnce(&Store) -> R) -> Result<R, NTSTATUS> {
    let session = expect(value)?;
    let engine = locked(&session)?;
    Ok(body(engine.transaction.as_ref().map_or(&*engine.live, |open| &open.store)))
}

/// FwpmTransactionBegin0.
pub(crate) fn begin(value: HANDLE, flags: u32) -> Result<(), NTSTATUS> {
    let session = expect(value)?;
    if flags & !FWPM_TXN_READ_ONLY != 0 {
        return Err(STATUS_FWP_INVALID_FLAGS);
    }
    if crate::pool::must_fail() {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    }
    let mut engine = locked(&session)?;
    if engine.transaction.is_some() {
        return Err(STATUS_FWP_TXN_IN_PROGRESS);
    }
    engine.transaction = Some(Transaction {
        session: session.id,
        read_only: flags & FWPM_TXN_READ_ONLY != 0,
        store: (*engine.live).clone(),
        thread: std::thread::current().id(),
        ends: None,
    });
    Ok(())
}

/// The session's transaction, which is then over.
fn take_of(session: u64) -> Option<Store> {
    let mut engine = engine();
    let open = engine.transaction.take_if(|open| open.session == session)?;
    Some(open.store)
}

/// FwpmTransactionCommit0.
pub(crate) fn commit(value: HANDLE) -> Result<(), NTSTATUS> {
    let session = expect(value)?;
    let mut engine = engine();
    let Some(open) = engine.transaction.as_ref().filter(|open| open.session == session.id) else {
        return Err(STATUS_FWP_NO_TXN_IN_PROGRESS);
    };
    if crate::pool::must_fail() {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    }
    let (read_only, store) = (open.read_only, open.store.clone());
    engine.transaction = None;
    if read_only {
        return Ok(());
    }
    let before = replace(&mut engine, store);
    let now = engine.live.clone();
    drop(engine);
    notify_changes(&before, &now);
    Ok(())
}

/// FwpmTransactionAbort0.
pub(crate) fn abort(value: HANDLE) -> Result<(), NTSTATUS> {
    let session = expect(value)?;
    let store = take_of(session.id).ok_or(STATUS_FWP_NO_TXN_IN_PROGRESS)?;
    forget(&store);
    Ok(())
}

/// Tells callouts of filters whose addition was announced and which never come to be.
fn forget(store: &Store) {
    let live = engine::live();
    for (key, filter) in &store.filters {
        if !live.filters.contains_key(key) {
            callout::notify_deleted(filter);
        }
    }
}

/// Runs a change in the session's transaction, or in one of its own.
pub(super) fn change<R>(
    session: &Session,
    body: impl FnOnce(&mut Store) -> Result<R, NTSTATUS>,
) -> Result<R, NTSTATUS> {
    if crate::pool::must_fail() {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    }
    let mut engine = locked(session)?;
    if let Some(open) = &mut engine.transaction {
        return if open.read_only { Err(STATUS_FWP_INCOMPATIBLE_TXN) } else { body(&mut open.store) };
    }
    let mut store = (*engine.live).clone();
    let result = body(&mut store)?;
    let before = replace(&mut engine, store);
    let now = engine.live.clone();
    drop(engine);
    notify_changes(&before, &now);
    Ok(result)
}
