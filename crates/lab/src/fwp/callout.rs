//! The run-time side of callouts: registration, notifications, flow contexts and the rules of unregistering.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use ddk::fwp::*;
use ddk::nt::*;

use super::engine::Filter;
use super::layer::key;
use crate::{cpu, verifier};

/// How the classify and notify functions of a callout are to be called.
#[derive(Clone, Copy)]
pub(crate) enum Functions {
    V0(FWPS_CALLOUT_CLASSIFY_FN0, FWPS_CALLOUT_NOTIFY_FN0),
    V1(FWPS_CALLOUT_CLASSIFY_FN1, FWPS_CALLOUT_NOTIFY_FN1),
    V2(FWPS_CALLOUT_CLASSIFY_FN2, FWPS_CALLOUT_NOTIFY_FN2),
    V3(FWPS_CALLOUT_CLASSIFY_FN3, FWPS_CALLOUT_NOTIFY_FN3),
}

/// A registered callout.
pub(crate) struct Callout {
    pub(crate) id: u32,
    key: u128,
    pub(crate) flags: u32,
    pub(crate) functions: Functions,
    flow_delete: FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0,
    /// Classifies and notifications that are under way; grows under the lock of the registry.
    running: AtomicU32,
    /// Contexts that were taken from their flows while a classify ran, to be handed back when none does (§2.3).
    waiting: Mutex<Vec<(u16, u64)>>,
    creator: usize,
}

/// A callout in which callbacks may run: unregistering it waits for this to end.
pub(crate) struct Running(Arc<Callout>);

impl Deref for Running {
    type Target = Callout;

    fn deref(&self) -> &Callout {
        &self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Those that waited for this to end, if it is the last one.
        while self.0.running.load(Ordering::Acquire) == 1 {
            let Some((layer, context)) = self.waiting().pop() else { break };
            self.flow_deleted(layer, context);
        }
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

#[derive(Default)]
struct Registry {
    callouts: BTreeMap<u128, Arc<Callout>>,
    ids: BTreeMap<u128, u32>,
    /// Flows that exist, and their contexts by (layer, callout).
    flows: BTreeMap<u64, BTreeMap<(u16, u32), u64>>,
    aborted: BTreeSet<u64>,
}

impl Registry {
    fn enter(&self, wanted: impl Fn(&Callout) -> bool) -> Option<Running> {
        let callout = self.callouts.values().find(|callout| wanted(callout))?;
        callout.running.fetch_add(1, Ordering::AcqRel);
        Some(Running(Arc::clone(callout)))
    }
}

static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(|| {
    verifier::on_leak_check(leaks);
    Mutex::default()
});

fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

fn leaks(leaks: &mut Vec<verifier::Leak>) {
    let registry = registry();
    for (flow, contexts) in &registry.flows {
        leaks.extend(contexts.iter().map(|((layer, id), context)| verifier::Leak {
            rule: "F-8".into(),
            what: format!("context {context:#x} of callout {id} on flow {flow} at layer {layer}"),
            creator: String::new(),
        }));
    }
    for callout in registry.callouts.values() {
        leaks.push(verifier::Leak {
            rule: "F-9".into(),
            what: format!("registered callout {}", callout.id),
            creator: verifier::locate(callout.creator),
        });
    }
}

/// How many callouts are registered.
pub fn registered() -> usize {
    registry().callouts.len()
}

/// `FWP_CALLOUT_FLAG_*` of every registered callout.
pub fn registered_flags() -> Vec<u32> {
    registry().callouts.values().map(|callout| callout.flags).collect()
}

/// Flags of the callout whose callback runs on this thread, or 0.
pub(crate) fn running_flags() -> u32 {
    let id = CLASSIFYING.get();
    registry().callouts.values().find(|callout| callout.id == id).map_or(0, |callout| callout.flags)
}

/// How many flow contexts exist.
pub fn contexts() -> usize {
    registry().flows.values().map(BTreeMap::len).sum()
}

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static CLASSIFYING: Cell<u32> = const { Cell::new(0) };
}

/// Whether the current thread is inside a callback of a callout.
pub(crate) fn in_callback() -> bool {
    DEPTH.get() > 0
}

/// The id of the callout with this key: the same for management object and registration.
pub(crate) fn id_of(key: u128) -> u32 {
    let mut registry = registry();
    let next = registry.ids.len() as u32 + 0x101;
    *registry.ids.entry(key).or_insert(next)
}

/// The key of the callout with this id.
pub(crate) fn key_of(id: u32) -> Option<u128> {
    registry().ids.iter().find(|(_, other)| **other == id).map(|(key, _)| *key)
}

/// The registered callout with this key.
pub(crate) fn by_key(key: u128) -> Option<Arc<Callout>> {
    registry().callouts.get(&key).cloned()
}

/// FwpsCalloutRegister0 to 3.
pub(crate) fn register(
    device: *const core::ffi::c_void,
    guid: &GUID,
    flags: u32,
    functions: Functions,
    flow_delete: FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0,
) -> Result<u32, NTSTATUS> {
    let complete = match functions {
        Functions::V0(classify, notify) => classify.is_some() && notify.is_some(),
        Functions::V1(classify, notify) => classify.is_some() && notify.is_some(),
        Functions::V2(classify, notify) => classify.is_some() && notify.is_some(),
        Functions::V3(classify, notify) => classify.is_some() && notify.is_some(),
    };
    if device.is_null() || !complete {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if crate::pool::must_fail() {
        return Err(STATUS_INSUFFICIENT_RESOURCES);
    }
    let key = key(guid);
    let id = id_of(key);
    let mut registry = registry();
    if registry.callouts.contains_key(&key) {
        return Err(STATUS_FWP_ALREADY_EXISTS);
    }
    let callout = Callout {
        id,
        key,
        flags,
        functions,
        flow_delete,
        running: AtomicU32::new(0),
        waiting: Mutex::default(),
        creator: cpu::current_call().map_or(0, |call| call.caller),
    };
    registry.callouts.insert(key, Arc::new(callout));
    Ok(id)
}

/// FwpsCalloutUnregisterByKey0 (C5: busy while contexts are left).
pub(crate) fn unregister(key: u128) -> NTSTATUS {
    let mut registry = registry();
    let Some(callout) = registry.callouts.get(&key).cloned() else { return STATUS_FWP_CALLOUT_NOT_FOUND };
    let associated = registry.flows.values().flatten().any(|((_, owner), _)| *owner == callout.id);
    if associated || !callout.waiting().is_empty() {
        return STATUS_DEVICE_BUSY;
    }
    if CLASSIFYING.get() == callout.id {
        drop(registry);
        verifier::violation("F-9", "a callout unregisters itself from its own callback");
    }
    registry.callouts.remove(&key);
    drop(registry);
    // After success no callback of it runs.
    while callout.running.load(Ordering::Acquire) > 0 {
        crate::schedule::spin();
    }
    STATUS_SUCCESS
}

/// FwpsCalloutUnregisterById0.
pub(crate) fn unregister_by_id(id: u32) -> NTSTATUS {
    let found = registry().callouts.values().find(|callout| callout.id == id).map(|callout| callout.key);
    found.map_or(STATUS_FWP_CALLOUT_NOT_FOUND, unregister)
}

impl Callout {
    fn waiting(&self) -> MutexGuard<'_, Vec<(u16, u64)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps it registered for a callback; none if it is not any more.
    pub(crate) fn enter(&self) -> Option<Running> {
        registry().enter(|callout| std::ptr::eq(callout, self))
    }
}

impl Running {
    /// Hands a context back.
    fn flow_deleted(&self, layer: u16, context: u64) {
        if let Some(flow_delete) = self.flow_delete {
            self.run("flowDeleteFn", || {
                // SAFETY: the driver registered this function and associated this context.
                unsafe { flow_delete(layer, self.id, context) }
            });
        }
    }

    /// The callout that a filter asks, if it is registered.
    fn of(filter: &Filter) -> Option<Self> {
        let key = filter.callout?;
        registry().enter(|callout| callout.key == key)
    }

    /// Runs a callback of this callout under the usual checks.
    pub(crate) fn run<R>(&self, name: &str, body: impl FnOnce() -> R) -> R {
        DEPTH.set(DEPTH.get() + 1);
        let outer = CLASSIFYING.replace(self.id);
        let result = verifier::callback(name, body);
        CLASSIFYING.set(outer);
        DEPTH.set(DEPTH.get() - 1);
        result
    }

    fn notify(&self, kind: FWPS_CALLOUT_NOTIFY_TYPE, filter: &Filter, with_key: Option<u128>) -> NTSTATUS {
        let guid = with_key.map(|key| GUID {
            Data1: (key >> 96) as u32,
            Data2: (key >> 80) as u16,
            Data3: (key >> 64) as u16,
            Data4: (key as u64).to_be_bytes(),
        });
        let pointer = guid.as_ref().map_or(std::ptr::null(), |guid| &raw const *guid);
        let mut view = filter_view(filter, self.id);
        let view_pointer = &raw mut view;
        let status = self.run("notifyFn", || {
            // SAFETY: the driver registered these functions; FWPS_FILTER0 to 3 share one layout, and key
            // and filter live through the call.
            unsafe {
                match self.functions {
                    Functions::V0(_, notify) => {
                        notify.map(|notify| notify(kind, pointer, view_pointer.cast()))
                    }
                    Functions::V1(_, notify) => {
                        notify.map(|notify| notify(kind, pointer, view_pointer.cast()))
                    }
                    Functions::V2(_, notify) => notify.map(|notify| notify(kind, pointer, view_pointer)),
                    Functions::V3(_, notify) => {
                        notify.map(|notify| notify(kind, pointer, view_pointer.cast()))
                    }
                }
            }
        });
        filter.context.store(view.context, Ordering::Relaxed);
        status.unwrap_or(STATUS_SUCCESS)
    }
}

/// The filter as a callout sees it.
pub(crate) fn filter_view(filter: &Filter, callout: u32) -> FWPS_FILTER2 {
    // SAFETY: a C structure of integers and nullable pointers, for which zero is valid.
    let mut view: FWPS_FILTER2 = unsafe { std::mem::zeroed() };
    view.filterId = filter.id;
    view.flags = (if filter.flags & FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT != 0 {
        FWPS_FILTER_FLAG_CLEAR_ACTION_RIGHT
    } else {
        0
    }) as u16;
    view.action = FWPS_ACTION0 { r#type: filter.action, calloutId: callout };
    view.context = filter.context.load(Ordering::Relaxed);
    view
}

/// Tells a filter's callout that the filter is to be added; false if it refuses.
pub(crate) fn notify_added(filter: &Filter) -> bool {
    let Some(callout) = Running::of(filter) else { return true };
    if callout.flags & FWP_CALLOUT_FLAG_ENABLE_COMMIT_ADD_NOTIFY != 0 {
        return true;
    }
    callout.notify(FWPS_CALLOUT_NOTIFY_ADD_FILTER, filter, Some(filter.key)) >= 0
}

/// After a commit: for callouts which asked to hear of additions then.
pub(crate) fn notify_committed(filter: &Filter, key: u128) {
    if let Some(callout) = Running::of(filter)
        && callout.flags & FWP_CALLOUT_FLAG_ENABLE_COMMIT_ADD_NOTIFY != 0
    {
        callout.notify(FWPS_CALLOUT_NOTIFY_ADD_FILTER, filter, Some(key));
    }
}

/// Tells a filter's callout that the filter is gone; the key is NULL and the answer is ignored.
pub(crate) fn notify_deleted(filter: &Filter) {
    if let Some(callout) = Running::of(filter) {
        callout.notify(FWPS_CALLOUT_NOTIFY_DELETE_FILTER, filter, None);
    }
}

/// A flow begins to exist.
pub fn begin_flow(flow: u64) {
    registry().flows.entry(flow).or_default();
}

/// A flow ends: every context on it is handed to its callout's flowDeleteFn.
pub fn end_flow(flow: u64) {
    let contexts: Vec<Deletion> = {
        let mut registry = registry();
        registry.aborted.remove(&flow);
        let contexts = registry.flows.remove(&flow).unwrap_or_default();
        contexts.into_iter().map(|(place, context)| Deletion::new(&registry, place, context)).collect()
    };
    contexts.into_iter().for_each(Deletion::run);
}

/// Whether a driver aborted the flow.
pub(crate) fn is_aborted(flow: u64) -> bool {
    registry().aborted.contains(&flow)
}

/// A context that was taken from its flow, and whose callout is to be told.
struct Deletion {
    layer: u16,
    id: u32,
    context: u64,
    callout: Option<Running>,
}

impl Deletion {
    /// Under the lock under which the context was taken: without it the callout is no longer busy.
    fn new(registry: &Registry, (layer, id): (u16, u32), context: u64) -> Self {
        Self { layer, id, context, callout: registry.enter(|callout| callout.id == id) }
    }

    fn run(self) {
        let Self { layer, id, context, callout } = self;
        let Some(callout) = callout else {
            verifier::violation("F-8", &format!("callout {id} is gone, and a flow context of it is not"));
        };
        callout.flow_deleted(layer, context);
    }
}

/// The context that a callout has on a flow at a layer, or 0.
pub(crate) fn context_of(flow: u64, layer: u16, callout: u32) -> u64 {
    registry().flows.get(&flow).and_then(|contexts| contexts.get(&(layer, callout))).copied().unwrap_or(0)
}

/// FwpsFlowAssociateContext0 (C1, C2, C3).
pub(crate) fn associate(flow: u64, layer: u16, id: u32, context: u64) -> NTSTATUS {
    if crate::fault::refuses() {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    let mut registry = registry();
    let Some(callout) = registry.callouts.values().find(|callout| callout.id == id) else {
        return STATUS_FWP_CALLOUT_NOT_FOUND;
    };
    if context == 0 || callout.flow_delete.is_none() {
        return STATUS_INVALID_PARAMETER;
    }
    // C3: the flow may have ended since the classify.
    let Some(contexts) = registry.flows.get_mut(&flow) else { return STATUS_INVALID_PARAMETER };
    if contexts.contains_key(&(layer, id)) {
        return STATUS_OBJECT_NAME_EXISTS;
    }
    contexts.insert((layer, id), context);
    STATUS_SUCCESS
}

/// FwpsFlowRemoveContext0 (§2.3, C4).
pub(crate) fn remove(flow: u64, layer: u16, id: u32) -> NTSTATUS {
    if cpu::thread().lock_count() > 0 {
        verifier::violation("F-6", "FwpsFlowRemoveContext0 with a spin lock held: flowDeleteFn may need it");
    }
    let deletion = {
        let mut registry = registry();
        let context = registry.flows.get_mut(&flow).and_then(|contexts| contexts.remove(&(layer, id)));
        context.map(|context| Deletion::new(&registry, (layer, id), context))
    };
    let Some(deletion) = deletion else { return STATUS_UNSUCCESSFUL };
    // Besides the one that keeps it here, callbacks of the callout are under way, such as a classify that may have
    // the context: the last of them hands it back.
    if let Some(callout) =
        deletion.callout.as_ref().filter(|callout| callout.running.load(Ordering::Acquire) > 1)
    {
        callout.waiting().push((layer, deletion.context));
        return STATUS_PENDING;
    }
    deletion.run();
    STATUS_SUCCESS
}

/// FwpsFlowAbort0 (C7).
pub(crate) fn abort(flow: u64) -> NTSTATUS {
    let mut registry = registry();
    if !registry.flows.contains_key(&flow) {
        return STATUS_NOT_FOUND;
    }
    registry.aborted.insert(flow);
    STATUS_SUCCESS
}
