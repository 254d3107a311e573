//! The management side of the filter engine: objects, their lifetimes, and which of them are in force.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use ddk::fwp::*;
use ddk::nt::*;

use super::callout;
use super::layer::{self, key};
use super::session::{Session, Transaction, change, expect};
use super::value::{self, Condition, Value};
use crate::driver_object::service_key;
use crate::registry::{self, Registry};
use crate::verifier;

/// Which objects an object may refer to (win32 object management).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lifetime {
    /// Goes with its session.
    Dynamic,
    /// Goes with the service.
    Static,
    /// Comes back with the service.
    Persistent,
    BuiltIn,
}

#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) lifetime: Lifetime,
    pub(super) session: u64,
    pub(super) provider: Option<u128>,
    pub(super) name: String,
    creator: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Provider {
    pub(super) object: Object,
    /// The Windows service that it belongs to.
    pub(super) service: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct SubLayer {
    pub(super) object: Object,
    pub(crate) weight: u16,
}

#[derive(Clone, Debug)]
pub(super) struct Callout {
    pub(super) object: Object,
    pub(super) layer: u16,
}

#[derive(Clone, Debug)]
pub(crate) struct Filter {
    pub(super) object: Object,
    pub(crate) key: u128,
    pub(crate) id: u64,
    pub(crate) layer: u16,
    pub(crate) sublayer: u128,
    pub(crate) weight: u64,
    /// The weight as the caller gave it.
    pub(super) given_weight: Value,
    /// The raw context as the caller gave it.
    pub(super) raw_context: u64,
    pub(crate) flags: u32,
    pub(crate) action: u32,
    pub(crate) callout: Option<u128>,
    pub(crate) conditions: Vec<Condition>,
    /// `FWPS_FILTER.context`: raw context, or what the callout's notify set.
    pub(crate) context: Arc<AtomicU64>,
}

/// All management objects at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    pub(super) providers: BTreeMap<u128, Provider>,
    pub(crate) sublayers: BTreeMap<u128, SubLayer>,
    pub(super) callouts: BTreeMap<u128, Callout>,
    pub(crate) filters: BTreeMap<u128, Filter>,
    /// The service has not run since the machine was started.
    booting: bool,
    /// Providers whose service does not start by itself: their persistent objects were not restored.
    pub(super) disabled: BTreeSet<u128>,
}

impl Store {
    /// Whether a filter is in force: boot-time filters until the service runs, all others from then on.
    pub(crate) fn in_force(&self, filter: &Filter) -> bool {
        let boot_time = filter.flags & FWPM_FILTER_FLAG_BOOTTIME != 0;
        boot_time == self.booting && !filter.object.provider.is_some_and(|key| self.disabled.contains(&key))
    }

    /// Layer and id of the filters in force.
    fn filters_in_force(&self) -> BTreeSet<(u16, u64)> {
        let filters = self.filters.values().filter(|filter| self.in_force(filter));
        filters.map(|filter| (filter.layer, filter.id)).collect()
    }
}

#[derive(Default)]
pub(super) struct Engine {
    /// What traffic is classified by.
    pub(super) live: Arc<Store>,
    pub(super) transaction: Option<Transaction>,
    /// Counts changes of what is in force at each layer, so that its flows are authorised anew (P6).
    generations: BTreeMap<u16, u64>,
}

impl Engine {
    /// Puts `store` in place of what is live, which is returned.
    fn put(&mut self, store: Store) -> Arc<Store> {
        let before = std::mem::replace(&mut self.live, Arc::new(store));
        let (old, new) = (before.filters_in_force(), self.live.filters_in_force());
        for (layer, _) in old.symmetric_difference(&new) {
            *self.generations.entry(*layer).or_default() += 1;
        }
        before
    }
}

static ENGINE: LazyLock<Mutex<Engine>> = LazyLock::new(|| {
    verifier::on_leak_check(leaks);
    let mut store = Store::default();
    let object = Object {
        lifetime: Lifetime::BuiltIn,
        session: 0,
        provider: None,
        name: "Universal".into(),
        creator: 0,
    };
    store.sublayers.insert(key(&FWPM_SUBLAYER_UNIVERSAL), SubLayer { object, weight: 0x8000 });
    Mutex::new(Engine { live: Arc::new(store), ..Engine::default() })
});

static NEXT: AtomicU64 = AtomicU64::new(0x1_0001);

pub(super) fn engine() -> MutexGuard<'static, Engine> {
    ENGINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The objects by which traffic is classified.
pub(crate) fn live() -> Arc<Store> {
    engine().live.clone()
}

/// The number of the last change of what is in force at a layer.
pub(crate) fn generation(layer: u16) -> u64 {
    engine().generations.get(&layer).copied().unwrap_or(0)
}

fn leaks(leaks: &mut Vec<verifier::Leak>) {
    let store = live();
    let objects = store
        .providers
        .values()
        .map(|p| &p.object)
        .chain(store.sublayers.values().map(|s| &s.object))
        .chain(store.callouts.values().map(|c| &c.object))
        .chain(store.filters.values().map(|f| &f.object));
    for object in objects.filter(|object| object.lifetime < Lifetime::Persistent) {
        leaks.push(verifier::Leak {
            rule: "F-11".into(),
            what: format!("filter engine object \"{}\"", object.name),
            creator: verifier::locate(object.creator),
        });
    }
}

/// How many objects of each kind exist beyond the built-in ones: providers, sublayers, callouts, filters.
pub fn object_counts() -> [usize; 4] {
    let store = live();
    let sublayers = store.sublayers.values().filter(|s| s.object.lifetime != Lifetime::BuiltIn).count();
    [store.providers.len(), sublayers, store.callouts.len(), store.filters.len()]
}

/// Removes the objects that `gone` names from what is live, and tells callouts about their filters.
pub(super) fn remove_of(gone: impl Fn(&Object) -> bool) {
    let mut engine = engine();
    let mut store = (*engine.live).clone();
    store.filters.retain(|_, filter| !gone(&filter.object));
    store.callouts.retain(|_, callout| !gone(&callout.object));
    store.sublayers.retain(|_, sublayer| !gone(&sublayer.object));
    store.providers.retain(|_, provider| !gone(&provider.object));
    let before = replace(&mut engine, store);
    let now = engine.live.clone();
    drop(engine);
    notify_changes(&before, &now);
}

pub(super) fn replace(engine: &mut Engine, mut store: Store) -> Arc<Store> {
    // A transaction does not decide about the service.
    store.booting = engine.live.booting;
    store.disabled.clone_from(&engine.live.disabled);
    engine.put(store)
}

/// Changes what is in force without a change of objects.
fn shift(change: impl FnOnce(&mut Store)) {
    let mut engine = engine();
    let mut store = (*engine.live).clone();
    change(&mut store);
    engine.put(store);
}

/// The machine starts: until the service runs, boot-time filters are in force.
pub(super) fn booting() {
    shift(|store| store.booting = true);
}

/// The service has started: it restores persistent objects, except those of providers whose service does not start
/// by itself, and ends the time of boot-time filters.
pub(super) fn started() {
    shift(|store| {
        store.booting = false;
        let disabled = |provider: &Provider| {
            provider.object.lifetime == Lifetime::Persistent
                && provider.service.as_ref().is_some_and(|service| !starts_by_itself(service))
        };
        store.disabled =
            store.providers.iter().filter(|(_, provider)| disabled(provider)).map(|(key, _)| *key).collect();
    });
}

/// Whether the system starts a service: at boot, when the system or when the services start. Unverified on Windows:
/// that the start types of drivers count as those of services do.
fn starts_by_itself(service: &str) -> bool {
    const AUTO_START: u32 = 2;
    let start = Registry::get().value(&service_key(service), "Start");
    matches!(start, Some(registry::Value::Dword(start)) if start <= AUTO_START)
}

/// Calls notifyFn for the filters that are gone in `now` (§2.2). Additions were announced when they were
/// made, or are announced here for callouts which asked for that.
pub(super) fn notify_changes(before: &Store, now: &Store) {
    for (key, filter) in &before.filters {
        if !now.filters.contains_key(key) {
            callout::notify_deleted(filter);
        }
    }
    for (key, filter) in &now.filters {
        if !before.filters.contains_key(key) {
            callout::notify_committed(filter, *key);
        }
    }
}

/// Reads a NUL-terminated string.
///
/// # Safety
/// The string is valid.
unsafe fn text(from: *const u16) -> String {
    // SAFETY: the caller guarantees it.
    unsafe {
        let mut length = 0;
        while length < 1024 && *from.add(length) != 0 {
            length += 1;
        }
        String::from_utf16_lossy(std::slice::from_raw_parts(from, length))
    }
}

/// # Safety
/// Both pointers are valid or null.
unsafe fn object(
    session: &Session,
    display: &FWPM_DISPLAY_DATA0,
    provider: *const GUID,
    persistent: bool,
) -> Result<Object, NTSTATUS> {
    if display.name.is_null() {
        return Err(STATUS_FWP_NULL_DISPLAY_NAME);
    }
    if persistent && session.dynamic {
        return Err(STATUS_FWP_DYNAMIC_SESSION_IN_PROGRESS);
    }
    Ok(Object {
        lifetime: match (session.dynamic, persistent) {
            (true, _) => Lifetime::Dynamic,
            (_, true) => Lifetime::Persistent,
            _ => Lifetime::Static,
        },
        session: session.id,
        // SAFETY: valid or null, as the caller guarantees.
        provider: unsafe { provider.as_ref() }.map(key),
        // SAFETY: a NUL-terminated string, as the caller guarantees.
        name: unsafe { text(display.name) },
        creator: crate::cpu::current_call().map_or(0, |call| call.caller),
    })
}

/// An object may not refer to one that lives shorter, nor to another session's dynamic one.
fn check_reference(from: &Object, to: &Object) -> Result<(), NTSTATUS> {
    if to.lifetime == Lifetime::Dynamic && to.session != from.session {
        return Err(STATUS_FWP_WRONG_SESSION);
    }
    if to.lifetime < from.lifetime {
        return Err(STATUS_FWP_LIFETIME_MISMATCH);
    }
    // Unverified on Windows: which status a reference to another provider's persistent object gets.
    let persistent = (from.lifetime, to.lifetime) == (Lifetime::Persistent, Lifetime::Persistent);
    if persistent && from.provider.is_some() && to.provider.is_some() && from.provider != to.provider {
        return Err(STATUS_FWP_LIFETIME_MISMATCH);
    }
    Ok(())
}

fn check_provider(store: &Store, from: &Object) -> Result<(), NTSTATUS> {
    let Some(provider) = from.provider else { return Ok(()) };
    check_reference(from, &store.providers.get(&provider).ok_or(STATUS_FWP_PROVIDER_NOT_FOUND)?.object)
}

fn given_or_new(guid: &GUID) -> u128 {
    match key(guid) {
        0 => 0xfeed_0000_0000_0000_0000_0000_0000_0000 | u128::from(NEXT.fetch_add(1, Ordering::Relaxed)),
        given => given,
    }
}

fn insert<T>(map: &mut BTreeMap<u128, T>, key: u128, value: T) -> Result<(), NTSTATUS> {
    if map.contains_key(&key) {
        return Err(STATUS_FWP_ALREADY_EXISTS);
    }
    map.insert(key, value);
    Ok(())
}

/// FwpmProviderAdd0.
///
/// # Safety
/// The provider is valid.
pub(crate) unsafe fn add_provider(engine: HANDLE, provider: &FWPM_PROVIDER0) -> Result<(), NTSTATUS> {
    let session = expect(engine)?;
    // SAFETY: the caller guarantees a valid provider.
    let (object, service) = unsafe {
        if provider.flags & !FWPM_PROVIDER_FLAG_PERSISTENT != 0 {
            return Err(STATUS_FWP_INVALID_FLAGS);
        }
        let persistent = provider.flags & FWPM_PROVIDER_FLAG_PERSISTENT != 0;
        let service = (!provider.serviceName.is_null()).then(|| text(provider.serviceName));
        (object(&session, &provider.displayData, std::ptr::null(), persistent)?, service)
    };
    let id = given_or_new(&provider.providerKey);
    change(&session, |store| insert(&mut store.providers, id, Provider { object, service }))
}

/// FwpmSubLayerAdd0.
///
/// # Safety
/// The sublayer is valid.
pub(crate) unsafe fn add_sublayer(engine: HANDLE, sublayer: &FWPM_SUBLAYER0) -> Result<(), NTSTATUS> {
    let session = expect(engine)?;
    // SAFETY: the caller guarantees a valid sublayer.
    let object = unsafe {
        let persistent = sublayer.flags & FWPM_SUBLAYER_FLAG_PERSISTENT != 0;
        object(&session, &sublayer.displayData, sublayer.providerKey, persistent)?
    };
    let id = given_or_new(&sublayer.subLayerKey);
    change(&session, |store| {
        check_provider(store, &object)?;
        insert(&mut store.sublayers, id, SubLayer { object, weight: sublayer.weight })
    })
}

/// FwpmCalloutAdd0; returns the callout's id.
///
/// # Safety
/// The callout is valid.
pub(crate) unsafe fn add_callout(engine: HANDLE, callout: &FWPM_CALLOUT0) -> Result<u32, NTSTATUS> {
    let session = expect(engine)?;
    // SAFETY: the caller guarantees a valid callout.
    let object = unsafe {
        let persistent = callout.flags & FWPM_CALLOUT_FLAG_PERSISTENT != 0;
        object(&session, &callout.displayData, callout.providerKey, persistent)?
    };
    let layer = layer::by_key(&callout.applicableLayer).ok_or(STATUS_FWP_LAYER_NOT_FOUND)?.id;
    let id = given_or_new(&callout.calloutKey);
    change(&session, |store| {
        check_provider(store, &object)?;
        insert(&mut store.callouts, id, Callout { object, layer })
    })?;
    Ok(callout::id_of(id))
}

/// FwpmFilterAdd0; returns the filter's id.
///
/// # Safety
/// The filter is valid with everything it points to.
pub(crate) unsafe fn add_filter(engine: HANDLE, filter: &FWPM_FILTER0) -> Result<u64, NTSTATUS> {
    let session = expect(engine)?;
    // SAFETY: the caller guarantees a valid filter; every read below is of its members.
    let filter = unsafe {
        let lasting = filter.flags & (FWPM_FILTER_FLAG_PERSISTENT | FWPM_FILTER_FLAG_BOOTTIME);
        // Set by the engine alone, or meaningless in the kernel's layers; a boot-time filter is no persistent one.
        let foreign = FWPM_FILTER_FLAG_DISABLED | FWPM_FILTER_FLAG_INDEXED;
        if filter.flags & foreign != 0 || lasting.count_ones() > 1 {
            return Err(STATUS_FWP_INVALID_FLAGS);
        }
        let persistent = lasting != 0;
        let object = object(&session, &filter.displayData, filter.providerKey, persistent)?;
        let layer = layer::by_key(&filter.layerKey).ok_or(STATUS_FWP_LAYER_NOT_FOUND)?;
        let is_callout = match filter.action.r#type {
            FWP_ACTION_BLOCK | FWP_ACTION_PERMIT => false,
            FWP_ACTION_CALLOUT_TERMINATING | FWP_ACTION_CALLOUT_INSPECTION | FWP_ACTION_CALLOUT_UNKNOWN => {
                true
            }
            _ => return Err(STATUS_FWP_INVALID_ACTION_TYPE),
        };
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let given_weight = value::lift(&filter.weight).ok_or(STATUS_FWP_INVALID_WEIGHT)?;
        let weight = match given_weight {
            // Automatic: in [0, 2^60).
            Value::Empty => id,
            Value::U64(weight) => weight,
            Value::U8(high @ 0..=15) => u64::from(high) << 60 | id,
            _ => return Err(STATUS_FWP_INVALID_WEIGHT),
        };
        let mut conditions = Vec::new();
        for index in 0..filter.numFilterConditions as usize {
            let given = &*filter.filterCondition.add(index);
            let field = layer.conditions.iter().find(|(condition, _)| key(condition) == key(&given.fieldKey));
            let (_, field) = *field.ok_or(STATUS_FWP_CONDITION_NOT_FOUND)?;
            let operand = value::lift_operand(&given.conditionValue).ok_or(STATUS_FWP_TYPE_MISMATCH)?;
            conditions.push(Condition { field, kind: given.matchType, operand });
        }
        let sublayer = match key(&filter.subLayerKey) {
            0 => key(&FWPM_SUBLAYER_UNIVERSAL),
            given => given,
        };
        Filter {
            object,
            key: given_or_new(&filter.filterKey),
            id,
            layer: layer.id,
            sublayer,
            weight,
            given_weight,
            raw_context: filter.u.rawContext,
            flags: filter.flags,
            action: filter.action.r#type,
            callout: is_callout.then(|| key(&filter.action.u.calloutKey)),
            conditions,
            context: Arc::new(AtomicU64::new(filter.u.rawContext)),
        }
    };
    let check = |store: &Store| {
        check_provider(store, &filter.object)?;
        let sublayer = store.sublayers.get(&filter.sublayer).ok_or(STATUS_FWP_SUBLAYER_NOT_FOUND)?;
        check_reference(&filter.object, &sublayer.object)?;
        if let Some(callout) = filter.callout {
            let callout = store.callouts.get(&callout).ok_or(STATUS_FWP_CALLOUT_NOT_FOUND)?;
            check_reference(&filter.object, &callout.object)?;
            if callout.layer != filter.layer {
                return Err(STATUS_FWP_INCOMPATIBLE_LAYER);
            }
        }
        if store.filters.contains_key(&filter.key) {
            return Err(STATUS_FWP_ALREADY_EXISTS);
        }
        Ok(())
    };
    // The callout is asked first, with no lock of the engine held: it can refuse the filter.
    change(&session, |store| check(store))?;
    if !callout::notify_added(&filter) {
        return Err(STATUS_FWP_CALLOUT_NOTIFICATION_FAILED);
    }
    let (id, key) = (filter.id, filter.key);
    change(&session, |store| insert(&mut store.filters, key, filter)).map(|()| id)
}

/// What can be deleted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Provider,
    SubLayer,
    Callout,
    Filter,
}

/// Deletes an object by key (§1: not while another refers to it).
pub(crate) fn delete(engine: HANDLE, kind: Kind, id: u128) -> Result<(), NTSTATUS> {
    let session = expect(engine)?;
    let check = |object: &Object| match object.lifetime {
        Lifetime::BuiltIn => Err(STATUS_FWP_BUILTIN_OBJECT),
        Lifetime::Dynamic if object.session != session.id => Err(STATUS_FWP_WRONG_SESSION),
        _ => Ok(()),
    };
    change(&session, |store| {
        let objects = || {
            let sublayers = store.sublayers.values().map(|s| &s.object);
            let callouts = store.callouts.values().map(|c| &c.object);
            sublayers.chain(callouts).chain(store.filters.values().map(|f| &f.object))
        };
        let used = match kind {
            Kind::Provider => objects().any(|object| object.provider == Some(id)),
            Kind::SubLayer => store.filters.values().any(|filter| filter.sublayer == id),
            Kind::Callout => store.filters.values().any(|filter| filter.callout == Some(id)),
            Kind::Filter => false,
        };
        let found = match kind {
            Kind::Provider => check(&store.providers.get(&id).ok_or(STATUS_FWP_PROVIDER_NOT_FOUND)?.object),
            Kind::SubLayer => check(&store.sublayers.get(&id).ok_or(STATUS_FWP_SUBLAYER_NOT_FOUND)?.object),
            Kind::Callout => check(&store.callouts.get(&id).ok_or(STATUS_FWP_CALLOUT_NOT_FOUND)?.object),
            Kind::Filter => check(&store.filters.get(&id).ok_or(STATUS_FWP_FILTER_NOT_FOUND)?.object),
        };
        found?;
        if used {
            return Err(STATUS_FWP_IN_USE);
        }
        match kind {
            Kind::Provider => drop(store.providers.remove(&id)),
            Kind::SubLayer => drop(store.sublayers.remove(&id)),
            Kind::Callout => drop(store.callouts.remove(&id)),
            Kind::Filter => drop(store.filters.remove(&id)),
        }
        Ok(())
    })
}

/// The key of the filter with this id, as the session sees it.
pub(crate) fn filter_key(engine: HANDLE, id: u64) -> Result<u128, NTSTATUS> {
    let session = expect(engine)?;
    change(&session, |store| {
        store
            .filters
            .values()
            .find(|filter| filter.id == id)
            .map(|f| f.key)
            .ok_or(STATUS_FWP_FILTER_NOT_FOUND)
    })
}
