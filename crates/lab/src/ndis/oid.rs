//! OID requests: from the protocols through every module to the miniport and back, with the rules OID1 to
//! OID14.

#![allow(non_upper_case_globals, reason = "constants in patterns carry the names of the C headers")]

mod clone;

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::time::Duration;

use ddk::ndis::*;

pub(crate) use clone::{clone, free_clone};

use super::adapter::{Adapter, Ptr, lock};
use super::legality::{Legality, Operation, legality};
use super::module::Module;
use crate::{clock, cpu, schedule, verifier};

/// N-4: how long an OID request may take.
const LIMIT: Duration = Duration::from_secs(12);

/// How the miniport completes the requests that reach it (§17, point 10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Completion {
    /// By its return value.
    #[default]
    Inline,
    /// With PENDING; the completion runs before the call returns.
    BeforeReturn,
    /// With PENDING; the completion comes a little later on another thread.
    AfterReturn,
    /// With PENDING; the completion comes with [`Adapter::complete_kept_oid`].
    OnRequest,
}

/// What a protocol gets from its request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OidResult {
    /// Final status.
    pub status: NDIS_STATUS,
    /// The buffer after the request.
    pub buffer: Vec<u8>,
    /// `BytesWritten` of a query, `BytesRead` of a set.
    pub transferred: u32,
    /// `BytesNeeded`.
    pub needed: u32,
}

/// The miniport's side: stored values and how it completes.
#[derive(Debug, Default)]
pub(crate) struct Miniport {
    state: Mutex<MiniportState>,
}

#[derive(Debug, Default)]
struct MiniportState {
    values: HashMap<u32, Vec<u8>>,
    completion: Completion,
    failure: Option<NDIS_STATUS>,
    cancelled: Vec<usize>,
    /// What [`Completion::OnRequest`] kept, oldest first.
    kept: Vec<Ptr<NDIS_OID_REQUEST>>,
    responder: Option<Responder>,
}

/// Answers requests instead of the stored values.
#[derive(Clone)]
struct Responder(Arc<dyn Fn(&mut NDIS_OID_REQUEST) -> NDIS_STATUS + Send + Sync>);

impl std::fmt::Debug for Responder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Responder")
    }
}

/// A module's own share of the bookkeeping.
#[derive(Debug, Default)]
pub(crate) struct ModuleOids {
    own: AtomicUsize,
}

impl ModuleOids {
    /// Requests that the module originated and that are not complete.
    pub(crate) fn own_outstanding(&self) -> usize {
        self.own.load(Ordering::Relaxed)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Issuer {
    Protocol,
    Module(u64),
}

/// The fields that a clone's result carries back to the original (OID3).
type Outcome = (u32, u32, u32, u8);

#[derive(Debug)]
struct Record {
    issuer: Issuer,
    /// The module in whose handler the request is, or which pended it.
    handler: Option<u64>,
    /// The request of which this one is a clone.
    original: Option<usize>,
    adapter: u64,
    direct: bool,
    /// What came back for the last clone of this request.
    clone_outcome: Option<(NDIS_STATUS, Outcome)>,
    live_clones: u32,
    created_at: usize,
    done: Option<Arc<Done>>,
}

/// Where the end of a protocol's request is told.
#[derive(Debug, Default)]
pub(super) struct Done {
    status: Mutex<Option<NDIS_STATUS>>,
    changed: Condvar,
}

impl Done {
    pub(super) fn is_told(&self) -> bool {
        lock(&self.status).is_some()
    }
}

static REQUESTS: LazyLock<Mutex<HashMap<usize, Record>>> = LazyLock::new(|| {
    verifier::on_leak_check(leaks);
    Mutex::default()
});

fn leaks(leaks: &mut Vec<verifier::Leak>) {
    for (address, record) in lock(&REQUESTS).iter() {
        if record.original.is_some() {
            leaks.push(verifier::Leak {
                rule: "N-59".into(),
                what: format!("OID request clone {address:#x}"),
                creator: verifier::locate(record.created_at),
            });
        }
    }
}

fn with<R>(request: *const NDIS_OID_REQUEST, body: impl FnOnce(&mut Record) -> R) -> Option<R> {
    lock(&REQUESTS).get_mut(&(request as usize)).map(body)
}

/// # Safety
/// `request` is a valid request.
unsafe fn outcome(request: *const NDIS_OID_REQUEST) -> Outcome {
    // SAFETY: the caller guarantees it; every member of the union is made of integers.
    unsafe {
        let revision = (*request).SupportedRevision;
        match (*request).RequestType {
            NdisRequestMethod => {
                let method = &(*request).DATA.METHOD_INFORMATION;
                (method.BytesWritten, method.BytesRead, method.BytesNeeded, revision)
            }
            _ => {
                let query = &(*request).DATA.QUERY_INFORMATION;
                (query.BytesWritten, 0, query.BytesNeeded, revision)
            }
        }
    }
}

/// OID8: never more than the buffer holds (N-22).
///
/// # Safety
/// `request` is a valid request.
unsafe fn check_lengths(request: *const NDIS_OID_REQUEST, status: NDIS_STATUS) {
    if status != NDIS_STATUS_SUCCESS {
        return;
    }
    // SAFETY: as in `outcome`.
    let (transferred, limit) = unsafe {
        match (*request).RequestType {
            NdisRequestMethod => {
                let method = &(*request).DATA.METHOD_INFORMATION;
                (method.BytesWritten, method.OutputBufferLength)
            }
            _ => {
                let query = &(*request).DATA.QUERY_INFORMATION;
                (query.BytesWritten, query.InformationBufferLength)
            }
        }
    };
    if transferred > limit {
        verifier::violation(
            "N-22",
            &format!("an OID transferred {transferred} bytes in a buffer of {limit}"),
        );
    }
}

impl Adapter {
    /// Sets how the miniport completes OIDs, and the status with which it fails them, if it does.
    pub fn complete_oids(&self, completion: Completion, failure: Option<NDIS_STATUS>) {
        let mut state = lock(&self.oids.state);
        state.completion = completion;
        state.failure = failure;
    }

    /// The value that the miniport keeps for an OID.
    pub fn oid_value(&self, oid: u32) -> Option<Vec<u8>> {
        lock(&self.oids.state).values.get(&oid).cloned()
    }

    /// Gives the miniport a value for an OID.
    pub fn set_oid_value(&self, oid: u32, value: Vec<u8>) {
        lock(&self.oids.state).values.insert(oid, value);
    }

    /// A protocol queries an OID with a buffer of `length` bytes.
    pub fn query(&self, oid: u32, length: usize) -> OidResult {
        self.request(NdisRequestQueryInformation, oid, vec![0; length], false)
    }

    /// A protocol sets an OID.
    pub fn set(&self, oid: u32, value: &[u8]) -> OidResult {
        self.request(NdisRequestSetInformation, oid, value.to_vec(), false)
    }

    /// A protocol issues a request of this kind whose buffer is NULL, whatever its length says. Only for miniports that do not
    /// look at it: see [`Adapter::answer_oids`].
    pub fn request_without_buffer(&self, kind: NDIS_REQUEST_TYPE, oid: u32, length: u32) -> OidResult {
        self.request_with(kind, oid, Vec::new(), Some(length), false)
    }

    /// A protocol sends a direct request to query an OID.
    pub fn query_direct(&self, oid: u32, length: usize) -> OidResult {
        self.request(NdisRequestQueryInformation, oid, vec![0; length], true)
    }

    fn request(&self, kind: NDIS_REQUEST_TYPE, oid: u32, buffer: Vec<u8>, direct: bool) -> OidResult {
        self.request_with(kind, oid, buffer, None, direct)
    }

    /// `lie` is the length of a buffer that is not there.
    fn request_with(
        &self,
        kind: NDIS_REQUEST_TYPE,
        oid: u32,
        mut buffer: Vec<u8>,
        lie: Option<u32>,
        direct: bool,
    ) -> OidResult {
        static NEXT: AtomicU64 = AtomicU64::new(0x1000);
        // SAFETY: a C structure of integers and pointers, for which zero is valid.
        let mut request: Box<NDIS_OID_REQUEST> = Box::new(unsafe { std::mem::zeroed() });
        request.Header = header();
        request.RequestType = kind;
        request.RequestId = NEXT.fetch_add(1, Ordering::Relaxed) as *mut c_void;
        request.DATA.QUERY_INFORMATION = _QUERY {
            Oid: oid,
            InformationBuffer: match lie {
                Some(_) => std::ptr::null_mut(),
                None => buffer.as_mut_ptr().cast(),
            },
            InformationBufferLength: lie.unwrap_or(buffer.len() as u32),
            BytesWritten: 0,
            BytesNeeded: 0,
        };
        let pointer = &raw mut *request;
        let (status, done) = issue(self, pointer, direct);
        let status = settle(pointer, status, &done);
        // SAFETY: a query and a set have the same layout; written above.
        let data = unsafe { request.DATA.QUERY_INFORMATION };
        OidResult { status, buffer, transferred: data.BytesWritten, needed: data.BytesNeeded }
    }

    /// The protocol cancels a request with this id.
    pub fn cancel_oid(&self, id: *mut c_void) {
        cancel(self, usize::MAX, id, false);
    }

    /// The protocol cancels a direct request with this id.
    pub fn cancel_direct_oid(&self, id: *mut c_void) {
        cancel(self, usize::MAX, id, true);
    }

    /// Lets `answer` give the miniport's answers from now on: it fills the request and returns the final status.
    pub fn answer_oids(&self, answer: impl Fn(&mut NDIS_OID_REQUEST) -> NDIS_STATUS + Send + Sync + 'static) {
        lock(&self.oids.state).responder = Some(Responder(Arc::new(answer)));
    }

    /// Numbers (`RequestId`) of the requests that the miniport keeps ([`Completion::OnRequest`]), oldest first.
    pub fn kept_oids(&self) -> Vec<usize> {
        let state = lock(&self.oids.state);
        // SAFETY: a kept request is live until it is completed.
        state.kept.iter().map(|request| unsafe { (*request.0).RequestId } as usize).collect()
    }

    /// The miniport completes the kept request with this number, with NDIS_STATUS_REQUEST_ABORTED if it was cancelled.
    ///
    /// # Panics
    /// If it keeps none of that number.
    pub fn complete_kept_oid(&self, id: usize) {
        let position = self.kept_oids().iter().position(|kept| *kept == id).expect("the miniport keeps it");
        let request = lock(&self.oids.state).kept.remove(position).0;
        complete_late(self, request);
    }
}

/// Hands a protocol's request to the stack; the end of one that pends is told in what comes back.
pub(super) fn issue(
    adapter: &Adapter,
    request: *mut NDIS_OID_REQUEST,
    direct: bool,
) -> (NDIS_STATUS, Arc<Done>) {
    let done = Arc::new(Done::default());
    lock(&REQUESTS).insert(
        request as usize,
        Record {
            issuer: Issuer::Protocol,
            handler: None,
            original: None,
            adapter: adapter.number,
            direct,
            clone_outcome: None,
            live_clones: 0,
            created_at: 0,
            done: Some(done.clone()),
        },
    );
    (pass_down(adapter, usize::MAX, request), done)
}

/// Waits for the end of a request that [`issue`] handed over, and forgets it; returns its final status.
pub(super) fn settle(request: *mut NDIS_OID_REQUEST, mut status: NDIS_STATUS, done: &Done) -> NDIS_STATUS {
    // SAFETY: the request is live; the OID is the first member of every kind.
    let oid = unsafe { (*request).DATA.QUERY_INFORMATION.Oid };
    if status == NDIS_STATUS_PENDING {
        let slot = lock(&done.status);
        let deadline = Some(clock::now() + LIMIT);
        let (slot, _) =
            schedule::wait_while(&done.status, slot, &done.changed, deadline, |status| status.is_none());
        status = match *slot {
            Some(status) => status,
            None => verifier::violation("N-4", &format!("OID {oid:#x} was not completed within 12 s")),
        };
    }
    // SAFETY: the request is live and no longer shared.
    unsafe { check_lengths(request, status) };
    let record = lock(&REQUESTS).remove(&(request as usize));
    if record.is_some_and(|record| record.live_clones > 0) {
        verifier::violation(
            "N-59",
            &format!("OID3: OID {oid:#x} is complete, but a clone of it was not freed"),
        );
    }
    status
}

/// The miniport completes a request that it kept.
fn complete_late(adapter: &Adapter, request: *mut NDIS_OID_REQUEST) {
    // SAFETY: the request is live until it is completed, which happens below.
    let id = unsafe { (*request).RequestId } as usize;
    let cancelled = lock(&adapter.oids.state).cancelled.contains(&id);
    let status = if cancelled { NDIS_STATUS_REQUEST_ABORTED } else { answer(adapter, request) };
    cpu::at_irql(cpu::DISPATCH, || finish(request, status));
}

pub(super) fn header() -> NDIS_OBJECT_HEADER {
    NDIS_OBJECT_HEADER {
        Type: NDIS_OBJECT_TYPE_OID_REQUEST,
        Revision: 2,
        Size: size_of::<NDIS_OID_REQUEST>() as u16,
    }
}

/// Hands a request to the next module below position `at` with a handler, or to the miniport.
fn pass_down(adapter: &Adapter, at: usize, request: *mut NDIS_OID_REQUEST) -> NDIS_STATUS {
    let direct = with(request, |record| record.direct).unwrap_or(false);
    let modules = adapter.modules();
    let next = modules.iter().take(at).rev().find_map(|module| {
        let all = module.driver.characteristics();
        let handler = if direct { all.DirectOidRequestHandler } else { all.OidRequestHandler };
        handler.map(|handler| (module, handler))
    });
    let Some((module, handler)) = next else { return miniport(adapter, request) };
    with(request, |record| record.handler = Some(module.number));
    let context = module.context();
    let status = verifier::callback("FilterOidRequest", || {
        // SAFETY: the driver registered this handler; the request lives until it is complete.
        unsafe { handler(context, request) }
    });
    if status != NDIS_STATUS_PENDING {
        // OID4: a final status means that no completion came and none will come.
        let handled = with(request, |record| {
            let mine = record.handler == Some(module.number);
            record.handler = None;
            (mine, record.live_clones)
        });
        match handled {
            Some((false, _)) => verifier::violation(
                "N-59",
                &format!("OID4: FilterOidRequest returned {status:#x} for a request that it also completed"),
            ),
            Some((true, 1..)) => {
                verifier::violation("N-59", "OID3: FilterOidRequest is done, but its clone was not freed");
            }
            _ => {}
        }
    }
    status
}

/// What the miniport answers.
fn answer(adapter: &Adapter, request: *mut NDIS_OID_REQUEST) -> NDIS_STATUS {
    let config = adapter.config();
    let mut state = lock(&adapter.oids.state);
    if let Some(status) = state.failure {
        return status;
    }
    if let Some(Responder(responder)) = state.responder.clone() {
        drop(state);
        // SAFETY: the request is live, and nobody else touches it while the miniport has it.
        return responder(unsafe { &mut *request });
    }
    // SAFETY: the request is live; a query and a set have the same layout.
    let (kind, data) = unsafe { ((*request).RequestType, &mut (*request).DATA.QUERY_INFORMATION) };
    let buffer = data.InformationBuffer.cast::<u8>();
    let length = data.InformationBufferLength as usize;
    match kind {
        NdisRequestSetInformation => {
            // SAFETY: the requester's buffer has this length.
            let value = unsafe { std::slice::from_raw_parts(buffer, length) }.to_vec();
            state.values.insert(data.Oid, value);
            data.BytesWritten = length as u32;
            NDIS_STATUS_SUCCESS
        }
        NdisRequestQueryInformation | NdisRequestQueryStatistics => {
            let value = state.values.get(&data.Oid).cloned().or_else(|| match data.Oid {
                OID_GEN_MAXIMUM_FRAME_SIZE => Some(config.mtu.to_le_bytes().to_vec()),
                OID_802_3_CURRENT_ADDRESS => Some(config.mac.to_vec()),
                _ => None,
            });
            let Some(value) = value else { return NDIS_STATUS_NOT_SUPPORTED };
            // OID9.
            data.BytesNeeded = value.len() as u32;
            if value.len() > length {
                return NDIS_STATUS_BUFFER_TOO_SHORT;
            }
            // SAFETY: the value fits in the requester's buffer.
            unsafe { buffer.copy_from_nonoverlapping(value.as_ptr(), value.len()) };
            data.BytesWritten = value.len() as u32;
            NDIS_STATUS_SUCCESS
        }
        _ => NDIS_STATUS_NOT_SUPPORTED,
    }
}

fn miniport(adapter: &Adapter, request: *mut NDIS_OID_REQUEST) -> NDIS_STATUS {
    let completion = lock(&adapter.oids.state).completion;
    match completion {
        Completion::Inline => answer(adapter, request),
        Completion::BeforeReturn => {
            let status = answer(adapter, request);
            finish(request, status);
            NDIS_STATUS_PENDING
        }
        Completion::AfterReturn => {
            let (number, request) = (adapter.number, Ptr(request));
            schedule::spawn("miniport", move || {
                let request = request;
                cpu::init();
                schedule::sleep(Duration::from_millis(5));
                let adapter = super::adapter::all().into_iter().find(|adapter| adapter.number == number);
                let Some(adapter) = adapter else { return };
                complete_late(&adapter, request.0);
            });
            NDIS_STATUS_PENDING
        }
        Completion::OnRequest => {
            lock(&adapter.oids.state).kept.push(Ptr(request));
            NDIS_STATUS_PENDING
        }
    }
}

/// Tells whoever issued the request that it is complete.
fn finish(request: *mut NDIS_OID_REQUEST, status: NDIS_STATUS) {
    if status == NDIS_STATUS_PENDING {
        verifier::violation("N-1", "an OID request was completed with NDIS_STATUS_PENDING");
    }
    let Some((issuer, adapter, direct, done)) =
        with(request, |record| (record.issuer, record.adapter, record.direct, record.done.clone()))
    else {
        verifier::violation("N-2", &format!("OID request {request:p} was completed, but is not under way"));
    };
    // SAFETY: the request is live: its issuer still waits for it.
    unsafe { check_lengths(request, status) };
    note_clone(request, status);
    match issuer {
        Issuer::Protocol => {
            if let Some(done) = done {
                let mut slot = lock(&done.status);
                if slot.replace(status).is_some() {
                    drop(slot);
                    verifier::violation("N-2", "an OID request was completed twice");
                }
                done.changed.notify_all();
            }
        }
        Issuer::Module(number) => {
            let module = super::adapter::all()
                .into_iter()
                .filter(|other| other.number == adapter)
                .flat_map(|adapter| adapter.modules())
                .find(|module| module.number == number);
            let Some(module) = module else {
                verifier::violation("N-44", "an own OID request completed after its module was detached");
            };
            settle_own(&module, request);
            let all = module.driver.characteristics();
            let handler =
                if direct { all.DirectOidRequestCompleteHandler } else { all.OidRequestCompleteHandler };
            let Some(handler) = handler else {
                verifier::violation("N-65", "R2: an OID request pended, but there is no completion handler");
            };
            let context = module.context();
            verifier::callback("FilterOidRequestComplete", || {
                // SAFETY: the driver registered this handler; the request is its own or its clone.
                unsafe { handler(context, request, status) }
            });
        }
    }
}

/// Remembers, for the comparison of OID3, what came back for a clone.
fn note_clone(request: *mut NDIS_OID_REQUEST, status: NDIS_STATUS) {
    // SAFETY: the request is live.
    let outcome = unsafe { outcome(request) };
    let mut requests = lock(&REQUESTS);
    if let Some(original) = requests.get(&(request as usize)).and_then(|record| record.original)
        && let Some(record) = requests.get_mut(&original)
    {
        record.clone_outcome = Some((status, outcome));
    }
}

/// An own request (no clone) is done: forget it.
fn settle_own(module: &Module, request: *mut NDIS_OID_REQUEST) {
    let mut requests = lock(&REQUESTS);
    if requests.get(&(request as usize)).is_some_and(|record| record.original.is_none()) {
        requests.remove(&(request as usize));
        module.oids.own.fetch_sub(1, Ordering::Relaxed);
    }
}

fn check_legal(module: &Module, operation: Operation) {
    if let Legality::Illegal(rule) = legality(module.state(), operation) {
        verifier::violation(
            rule,
            &format!("{operation:?} by module {} in state {:?}", module.number, module.state()),
        );
    }
}

/// NdisFOidRequest and NdisFDirectOidRequest.
///
/// # Safety
/// `request` is a valid request.
pub(crate) unsafe fn filter_request(
    module: &Module,
    request: *mut NDIS_OID_REQUEST,
    direct: bool,
) -> NDIS_STATUS {
    check_legal(module, Operation::SendOid);
    // SAFETY: the caller guarantees a valid request.
    let found = unsafe { (*request).Header };
    // OID14.
    if found.Type != NDIS_OBJECT_TYPE_OID_REQUEST || usize::from(found.Size) < 236 {
        return NDIS_STATUS_INVALID_PARAMETER;
    }
    let adapter = module.adapter();
    let known = with(request, |record| (record.issuer, record.original.is_some()));
    match known {
        Some((issuer, _)) if issuer != Issuer::Module(module.number) => {
            verifier::violation("N-59", "OID1: a filter forwarded the original request instead of a clone");
        }
        Some((_, true)) => {
            with(request, |record| record.direct = direct);
        }
        Some((_, false)) => verifier::violation("N-3", "an own OID request was sent twice"),
        None => {
            module.oids.own.fetch_add(1, Ordering::Relaxed);
            lock(&REQUESTS).insert(
                request as usize,
                Record {
                    issuer: Issuer::Module(module.number),
                    handler: None,
                    original: None,
                    adapter: adapter.number,
                    direct,
                    clone_outcome: None,
                    live_clones: 0,
                    created_at: cpu::current_call().map_or(0, |call| call.caller),
                    done: None,
                },
            );
        }
    }
    let modules = adapter.modules();
    let at = modules.iter().position(|other| other.number == module.number).unwrap_or(0);
    let refused = crate::fault::refuses();
    let status = if refused { NDIS_STATUS_RESOURCES } else { pass_down(&adapter, at, request) };
    if status != NDIS_STATUS_PENDING {
        note_clone(request, status);
        settle_own(module, request);
    }
    status
}

/// NdisFOidRequestComplete and NdisFDirectOidRequestComplete.
pub(crate) fn filter_complete(module: &Module, request: *mut NDIS_OID_REQUEST, status: NDIS_STATUS) {
    check_legal(module, Operation::CompleteOid);
    let Some((handler, clones, issuer, clone)) = with(request, |record| {
        (record.handler, record.live_clones, record.issuer, record.clone_outcome.take())
    }) else {
        verifier::violation(
            "N-59",
            &format!("NdisFOidRequestComplete of {request:p}, which is not under way"),
        );
    };
    if issuer == Issuer::Module(module.number) {
        verifier::violation("N-59", "OID6: a filter completed upwards a request that it issued itself");
    }
    if handler != Some(module.number) {
        verifier::violation("N-2", "an OID request was completed by a module which does not have it");
    }
    if clones > 0 {
        verifier::violation("N-59", "OID3: an OID request was completed before its clone was freed");
    }
    // SAFETY: the request is live until `finish` below.
    let now = unsafe { outcome(request) };
    if let Some((clone_status, clone_outcome)) = clone
        && clone_status == status
        && clone_outcome != now
    {
        verifier::violation(
            "N-59",
            &format!(
                "OID3: the clone came back with (written, read, needed, revision) {clone_outcome:?}, the original is \
                 completed with {now:?}"
            ),
        );
    }
    with(request, |record| record.handler = None);
    finish(request, status);
}

/// NdisFCancelOidRequest and NdisFCancelDirectOidRequest.
pub(crate) fn filter_cancel(module: &Module, id: *mut c_void, direct: bool) {
    let adapter = module.adapter();
    let at = adapter.modules().iter().position(|other| other.number == module.number).unwrap_or(0);
    cancel(&adapter, at, id, direct);
}

fn cancel(adapter: &Adapter, at: usize, id: *mut c_void, direct: bool) {
    let modules = adapter.modules();
    let next = modules.iter().take(at).rev().find_map(|module| {
        let all = module.driver.characteristics();
        let handler = if direct { all.CancelDirectOidRequestHandler } else { all.CancelOidRequestHandler };
        handler.map(|handler| (module, handler))
    });
    match next {
        Some((module, handler)) => {
            let context = module.context();
            verifier::callback("FilterCancelOidRequest", || {
                // SAFETY: the driver registered this handler.
                unsafe { handler(context, id) }
            });
        }
        None => lock(&adapter.oids.state).cancelled.push(id as usize),
    }
}

/// NdisFSynchronousOidRequest: the Issue handlers on the way down, the Complete handlers on the way up.
///
/// # Safety
/// `request` is a valid request.
pub(crate) unsafe fn synchronous(module: &Module, request: *mut NDIS_OID_REQUEST) -> NDIS_STATUS {
    check_legal(module, Operation::SendOid);
    let adapter = module.adapter();
    let at = adapter.modules().iter().position(|other| other.number == module.number).unwrap_or(0);
    // SAFETY: the caller guarantees a valid request.
    unsafe { synchronous_below(&adapter, at, request) }
}

impl Adapter {
    /// The protocol issues a synchronous OID request that queries `oid`.
    pub fn query_synchronous(&self, oid: u32, length: usize) -> OidResult {
        let mut buffer = vec![0; length];
        // SAFETY: a C structure of integers and pointers, for which zero is valid.
        let mut request: NDIS_OID_REQUEST = unsafe { std::mem::zeroed() };
        request.Header = header();
        request.RequestType = NdisRequestQueryInformation;
        request.DATA.QUERY_INFORMATION = _QUERY {
            Oid: oid,
            InformationBuffer: buffer.as_mut_ptr().cast(),
            InformationBufferLength: buffer.len() as u32,
            BytesWritten: 0,
            BytesNeeded: 0,
        };
        // SAFETY: the request lives on this stack through the call.
        let status = unsafe { synchronous_below(self, usize::MAX, &raw mut request) };
        // SAFETY: written above.
        let data = unsafe { request.DATA.QUERY_INFORMATION };
        OidResult { status, buffer, transferred: data.BytesWritten, needed: data.BytesNeeded }
    }
}

/// # Safety
/// `request` is a valid request.
pub(super) unsafe fn synchronous_below(
    adapter: &Adapter,
    at: usize,
    request: *mut NDIS_OID_REQUEST,
) -> NDIS_STATUS {
    let modules = adapter.modules();
    let mut asked: Vec<(&Arc<Module>, *mut c_void)> = Vec::new();
    let mut early = None;
    for module in modules.iter().take(at).rev() {
        let all = module.driver.characteristics();
        let mut slot: *mut c_void = std::ptr::null_mut();
        if let Some(issue) = all.SynchronousOidRequestHandler {
            let context = module.context();
            let status = verifier::callback("FilterSynchronousOidRequest", || {
                // SAFETY: the driver registered this handler; request and slot live through the call.
                unsafe { issue(context, request, &raw mut slot) }
            });
            match status {
                NDIS_STATUS_SUCCESS => {}
                NDIS_STATUS_PENDING => {
                    verifier::violation("N-60", "FilterSynchronousOidRequest returned PENDING")
                }
                // STATUS_ALREADY_COMPLETE: the caller sees success.
                0xff => early = Some(NDIS_STATUS_SUCCESS),
                status => early = Some(status),
            }
        }
        if early.is_some() {
            break;
        }
        asked.push((module, slot));
    }
    let mut status = early.unwrap_or_else(|| answer(adapter, request));
    for (module, slot) in asked.into_iter().rev() {
        if let Some(complete) = module.driver.characteristics().SynchronousOidRequestCompleteHandler {
            let context = module.context();
            verifier::callback("FilterSynchronousOidRequestComplete", || {
                // SAFETY: as above.
                unsafe { complete(context, request, &raw mut status, slot) }
            });
            if matches!(status, NDIS_STATUS_PENDING | 0xff) {
                verifier::violation(
                    "N-60",
                    "FilterSynchronousOidRequestComplete set PENDING or ALREADY_COMPLETE",
                );
            }
        }
    }
    status
}
