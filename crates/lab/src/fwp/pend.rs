//! Decisions that callouts put off, and layer data that they change: pended operations, classify handles,
//! redirect handles (contract §5 and §8).

use std::cell::Cell;
use std::collections::VecDeque;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ddk::fwp::*;
use ddk::nt::*;

use super::layer;
use crate::{handle, pool, verifier};

/// `FWP_CONDITION_FLAG_IS_REAUTHORIZE`.
const IS_REAUTHORIZE: u32 = 0x4;

/// The classify that runs on this thread.
#[derive(Clone, Copy)]
struct Current {
    layer: u16,
    /// What the callout got as classifyContext.
    token: usize,
    /// What the layer shows.
    data: usize,
    /// The completion handle in the metadata, or 0.
    completion: usize,
    reauthorize: bool,
}

thread_local! {
    static CURRENT: Cell<Option<Current>> = const { Cell::new(None) };
    /// What the callouts of the current indication put off.
    static PENDED: Cell<usize> = const { Cell::new(0) };
}

/// A callout is about to be asked; returns what to restore afterwards.
pub(super) fn enter(indication: &super::Indication<'_>, token: *const c_void) -> Outer {
    let meta = indication.metadata;
    let has_handle = meta.currentMetadataValues & FWPS_METADATA_FIELD_COMPLETION_HANDLE != 0;
    let flags = layer::flags_of(indication.layer).and_then(|field| indication.values.get(field));
    let reauthorize = matches!(flags, Some(super::Value::U32(flags)) if flags & IS_REAUTHORIZE != 0);
    Outer(CURRENT.replace(Some(Current {
        layer: indication.layer,
        token: token as usize,
        data: indication.data as usize,
        completion: if has_handle { meta.completionHandle as usize } else { 0 },
        reauthorize,
    })))
}

/// The classify around the current one.
pub(super) struct Outer(Option<Current>);

impl Drop for Outer {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// What the callouts of the last indication on this thread put off: its handle, or 0.
pub(crate) fn take_pended() -> usize {
    replace_pended(0)
}

/// As [`take_pended`]; goes back to an outer indication.
pub(crate) fn replace_pended(outer: usize) -> usize {
    PENDED.replace(outer)
}

/// Whether a callout of the current indication has put it off.
pub(super) fn is_pended() -> bool {
    PENDED.get() != 0
}

/// A pended authorisation (FwpsPendOperation0).
struct Operation;

impl handle::Object for Operation {
    const KIND: &'static str = "pended operation";
    const LEAK_RULE: Option<&'static str> = Some("F-7");
}

/// What a driver completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Completion {
    /// The pended operation's or classify's handle.
    pub(crate) handle: usize,
    /// The decision; `None` asks again.
    pub(crate) permit: Option<bool>,
}

static COMPLETIONS: Mutex<VecDeque<Completion>> = Mutex::new(VecDeque::new());

fn completions() -> MutexGuard<'static, VecDeque<Completion>> {
    COMPLETIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The next completion, for the edge that waits for it.
pub(crate) fn next() -> Option<Completion> {
    completions().pop_front()
}

/// FwpsPendOperation0 (P1, P7).
pub(crate) fn pend_operation(completion: HANDLE) -> Result<HANDLE, NTSTATUS> {
    let Some(current) = CURRENT.get() else {
        verifier::violation("F-7", "P7: FwpsPendOperation0 outside of a classify");
    };
    if current.completion == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if completion as usize != current.completion {
        verifier::violation("F-7", "P7: the completion handle is not that of the running classify");
    }
    if current.reauthorize {
        return Err(STATUS_FWP_CANNOT_PEND);
    }
    if PENDED.get() != 0 {
        verifier::violation("F-7", "P2: the same authorisation is pended twice");
    }
    if pool::must_fail() {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    }
    let value = handle::create(Arc::new(Operation));
    PENDED.set(value as usize);
    Ok(value)
}

/// FwpsCompleteOperation0 (P2).
pub(crate) fn complete_operation(value: HANDLE) {
    if handle::get::<Operation>(value).is_none() {
        verifier::violation("F-7", &format!("P2: FwpsCompleteOperation0 of {}", handle::describe(value)));
    }
    if PENDED.get() == value as usize {
        verifier::violation("F-7", "P2: an operation is completed inside the classify that pends it");
    }
    handle::close::<Operation>(value);
    completions().push_back(Completion { handle: value as usize, permit: None });
}

/// The layers whose classifies can be pended with a handle.
fn is_pendable(layer: u16) -> bool {
    is_redirect(layer)
        || [FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V4, FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V6]
            .contains(&i32::from(layer))
}

fn is_redirect(layer: u16) -> bool {
    request_size(layer) != 0
}

/// Bytes of the request that a redirect layer shows; 0 at other layers.
fn request_size(layer: u16) -> usize {
    match i32::from(layer) {
        FWPS_LAYER_ALE_CONNECT_REDIRECT_V4 | FWPS_LAYER_ALE_CONNECT_REDIRECT_V6 => {
            size_of::<FWPS_CONNECT_REQUEST0>()
        }
        FWPS_LAYER_ALE_BIND_REDIRECT_V4 | FWPS_LAYER_ALE_BIND_REDIRECT_V6 => size_of::<FWPS_BIND_REQUEST0>(),
        _ => 0,
    }
}

/// What FwpsAcquireClassifyHandle0 gave.
struct Classify {
    layer: u16,
    token: usize,
    data: usize,
    pended: AtomicBool,
    /// The copy that the driver may write, while it may.
    writable: Mutex<Option<Box<[u64]>>>,
}

impl handle::Object for Classify {
    const KIND: &'static str = "classify";
    const LEAK_RULE: Option<&'static str> = Some("F-7");
}

impl Classify {
    fn writable(&self) -> MutexGuard<'_, Option<Box<[u64]>>> {
        self.writable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the classify still runs, on this thread.
    fn runs(&self) -> bool {
        CURRENT.get().is_some_and(|current| current.token == self.token)
    }
}

/// FwpsAcquireClassifyHandle0 (P3).
pub(crate) fn acquire(token: *const c_void, flags: u32) -> Result<u64, NTSTATUS> {
    if flags != 0 || token.is_null() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let Some(current) = CURRENT.get().filter(|current| current.token == token as usize) else {
        verifier::violation("F-13", "FwpsAcquireClassifyHandle0 with a context of another classify");
    };
    if pool::must_fail() {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    }
    let object = Classify {
        layer: current.layer,
        token: current.token,
        data: current.data,
        pended: AtomicBool::new(false),
        writable: Mutex::default(),
    };
    Ok(handle::create(Arc::new(object)) as u64)
}

fn classify(value: u64, function: &str) -> Arc<Classify> {
    let value = value as *const c_void;
    handle::get::<Classify>(value).unwrap_or_else(|| {
        verifier::violation("F-7", &format!("P3: {function} of {}", handle::describe(value)))
    })
}

/// FwpsReleaseClassifyHandle0 (P3).
pub(crate) fn release(value: u64) {
    let object = classify(value, "FwpsReleaseClassifyHandle0");
    if object.pended.load(Ordering::Acquire) {
        verifier::violation("F-7", "P3: a classify handle is released whose classify is pended");
    }
    if object.writable().is_some() {
        verifier::violation(
            "F-13",
            "§8.5: a classify handle is released without FwpsApplyModifiedLayerData0 for its layer data",
        );
    }
    handle::close::<Classify>(value as *const c_void);
}

/// FwpsPendClassify0: the engine answers with BLOCK and ABSORB until the completion.
pub(crate) fn pend_classify(value: u64, out: &mut FWPS_CLASSIFY_OUT0) -> NTSTATUS {
    let object = classify(value, "FwpsPendClassify0");
    if !object.runs() {
        verifier::violation("F-7", "FwpsPendClassify0 after its classify returned");
    }
    if !is_pendable(object.layer) {
        return STATUS_FWP_CANNOT_PEND;
    }
    if object.pended.swap(true, Ordering::AcqRel) {
        verifier::violation("F-7", "P2: a classify is pended twice");
    }
    out.actionType = FWP_ACTION_BLOCK;
    out.rights &= !FWPS_RIGHT_ACTION_WRITE;
    out.flags |= FWPS_CLASSIFY_OUT_FLAG_ABSORB;
    PENDED.set(value as usize);
    STATUS_SUCCESS
}

/// FwpsCompleteClassify0: a final decision, or none to be asked again.
pub(crate) fn complete_classify(value: u64, out: Option<&FWPS_CLASSIFY_OUT0>) {
    let object = classify(value, "FwpsCompleteClassify0");
    if !object.pended.swap(false, Ordering::AcqRel) {
        verifier::violation("F-7", "P2: FwpsCompleteClassify0 of a classify that is not pended");
    }
    if object.runs() {
        verifier::violation("F-7", "P2: a classify is completed while it runs");
    }
    let permit = out.map(|out| out.actionType != FWP_ACTION_BLOCK);
    completions().push_back(Completion { handle: value as usize, permit });
}

/// FwpsAcquireWritableLayerDataPointer0 (§8.3).
pub(crate) fn writable(
    value: u64,
    filter: u64,
    flags: u32,
    out: Option<&mut FWPS_CLASSIFY_OUT0>,
) -> Result<*mut c_void, NTSTATUS> {
    let object = classify(value, "FwpsAcquireWritableLayerDataPointer0");
    let size = request_size(object.layer);
    if flags != 0 || size == 0 || object.data == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if !object.runs() && !object.pended.load(Ordering::Acquire) {
        verifier::violation("F-13", "layer data is asked for after its classify returned");
    }
    let mut slot = object.writable();
    if slot.is_some() {
        drop(slot);
        verifier::violation("F-13", "§8.5: layer data is acquired twice without being applied");
    }
    let mut copy = vec![0_u64; size.div_ceil(8)].into_boxed_slice();
    let pointer = copy.as_mut_ptr();
    // SAFETY: the layer shows a request of this size, which lives as long as its classify is undecided; the
    // copy has room for it.
    unsafe {
        pointer.cast::<u8>().copy_from_nonoverlapping(object.data as *const u8, size);
        if size == size_of::<FWPS_CONNECT_REQUEST0>() {
            let request = pointer.cast::<FWPS_CONNECT_REQUEST0>();
            (*request).previousVersion = object.data as *mut FWPS_CONNECT_REQUEST0;
            (*request).modifierFilterId = filter;
        } else {
            let request = pointer.cast::<FWPS_BIND_REQUEST0>();
            (*request).previousVersion = object.data as *mut FWPS_BIND_REQUEST0;
            (*request).modifierFilterId = filter;
        }
    }
    *slot = Some(copy);
    if let Some(out) = out {
        out.actionType = FWP_ACTION_BLOCK;
        out.rights &= !FWPS_RIGHT_ACTION_WRITE;
    }
    Ok(pointer.cast())
}

/// FwpsApplyModifiedLayerData0 (§8.5: once for each acquisition).
pub(crate) fn apply(value: u64, data: *const c_void) {
    let object = classify(value, "FwpsApplyModifiedLayerData0");
    let copy = object.writable().take();
    let Some(copy) = copy.filter(|copy| copy.as_ptr().cast() == data) else {
        verifier::violation(
            "F-13",
            "§8.5: FwpsApplyModifiedLayerData0 of data that were not acquired, or were applied already",
        );
    };
    if !object.runs() && !object.pended.load(Ordering::Acquire) {
        verifier::violation("F-13", "layer data is applied after its classify returned");
    }
    let size = request_size(object.layer);
    // SAFETY: as in `writable`; the history is the engine's, so the original's own is kept.
    unsafe {
        let original = object.data as *mut u8;
        if size == size_of::<FWPS_CONNECT_REQUEST0>() {
            let history = (*original.cast::<FWPS_CONNECT_REQUEST0>()).previousVersion;
            original.copy_from_nonoverlapping(copy.as_ptr().cast(), size);
            (*original.cast::<FWPS_CONNECT_REQUEST0>()).previousVersion = history;
        } else {
            let history = (*original.cast::<FWPS_BIND_REQUEST0>()).previousVersion;
            original.copy_from_nonoverlapping(copy.as_ptr().cast(), size);
            (*original.cast::<FWPS_BIND_REQUEST0>()).previousVersion = history;
        }
    }
}

/// A redirect handle.
struct Redirector;

impl handle::Object for Redirector {
    const KIND: &'static str = "redirect";
    const LEAK_RULE: Option<&'static str> = Some("F-9");
}

/// One redirection of a connection: by whom, to whom, and what its driver wants to be told again.
///
/// The context is a pool block of the driver's that belongs to the engine from then on (§8.4).
#[derive(Debug)]
pub(crate) struct Redirection {
    pub(crate) handle: usize,
    pub(crate) target: u32,
    pub(crate) context: usize,
}

impl Drop for Redirection {
    fn drop(&mut self) {
        if self.context != 0 {
            pool::free(self.context as *mut u8, None);
        }
    }
}

/// Who redirected a connection, the last one at the end; metadata carry a handle to it.
struct Records(Vec<Arc<Redirection>>);

impl handle::Object for Records {
    const KIND: &'static str = "redirect records";
}

/// FwpsRedirectHandleCreate0 (§8.1).
pub(crate) fn create_redirector(provider: *const GUID, flags: u32) -> Result<HANDLE, NTSTATUS> {
    if provider.is_null() || flags != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if pool::must_fail() {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    }
    Ok(handle::create(Arc::new(Redirector)))
}

/// FwpsRedirectHandleDestroy0.
pub(crate) fn destroy_redirector(value: HANDLE) {
    handle::close::<Redirector>(value);
}

/// Metadata's `redirectRecords` for a connection with this past.
pub(crate) fn records(by: &[Arc<Redirection>]) -> HANDLE {
    if by.is_empty() { std::ptr::null_mut() } else { handle::create(Arc::new(Records(by.to_vec()))) }
}

/// Ends the life of [`records`].
pub(crate) fn forget_records(value: HANDLE) {
    if !value.is_null() {
        handle::close::<Records>(value);
    }
}

/// FwpsQueryConnectionRedirectState0 (§8.2): the state, and the context if the redirection is the caller's own.
pub(crate) fn redirect_state(records: HANDLE, own: HANDLE) -> (FWPS_CONNECTION_REDIRECT_STATE, usize) {
    handle::expect::<Redirector>(own);
    if records.is_null() {
        return (FWPS_CONNECTION_NOT_REDIRECTED, 0);
    }
    let records = handle::expect::<Records>(records);
    let own = records.0.iter().enumerate().rev().find(|(_, by)| by.handle == own as usize);
    match own {
        _ if records.0.is_empty() => (FWPS_CONNECTION_NOT_REDIRECTED, 0),
        None => (FWPS_CONNECTION_REDIRECTED_BY_OTHER, 0),
        Some((at, by)) if at + 1 == records.0.len() => (FWPS_CONNECTION_REDIRECTED_BY_SELF, by.context),
        Some((_, by)) => (FWPS_CONNECTION_PREVIOUSLY_REDIRECTED_BY_SELF, by.context),
    }
}
