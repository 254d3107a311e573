//! Reading management objects: by key, by id, and one after the other.

use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ddk::fwp::*;
use ddk::nt::*;

use super::callout;
use super::engine::{Callout, Filter, Provider, Store, SubLayer};
use super::layer::{self, key};
use super::record::{self, Record};
use super::session;
use crate::{handle, pool, verifier};

/// Objects as they were when the enumeration began, in the order in which they are told.
enum Snapshot {
    Filters(Vec<Filter>),
    Callouts(Vec<(u128, Callout)>),
    SubLayers(Vec<(u128, SubLayer)>),
    /// With whether they are disabled.
    Providers(Vec<(u128, Provider, bool)>),
}

/// What is enumerated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Filters,
    Callouts,
    SubLayers,
    Providers,
}

impl Snapshot {
    fn kind(&self) -> Kind {
        match self {
            Self::Filters(_) => Kind::Filters,
            Self::Callouts(_) => Kind::Callouts,
            Self::SubLayers(_) => Kind::SubLayers,
            Self::Providers(_) => Kind::Providers,
        }
    }

    fn left(&self) -> usize {
        match self {
            Self::Filters(all) => all.len(),
            Self::Callouts(all) => all.len(),
            Self::SubLayers(all) => all.len(),
            Self::Providers(all) => all.len(),
        }
    }

    /// Writes the object at `index`; where it begins.
    fn write(&self, record: &mut Record, index: usize) -> usize {
        match self {
            Self::Filters(all) => record.filter(&all[index]),
            Self::Callouts(all) => record.callout(all[index].0, &all[index].1),
            Self::SubLayers(all) => record.sublayer(all[index].0, &all[index].1),
            Self::Providers(all) => record.provider(all[index].0, &all[index].1, all[index].2),
        }
    }

    /// Forgets the first `count` objects, which were told.
    fn told(&mut self, count: usize) {
        match self {
            Self::Filters(all) => drop(all.drain(..count)),
            Self::Callouts(all) => drop(all.drain(..count)),
            Self::SubLayers(all) => drop(all.drain(..count)),
            Self::Providers(all) => drop(all.drain(..count)),
        }
    }
}

/// An enumeration: what it has yet to tell.
struct Enumeration(Mutex<Snapshot>);

impl handle::Object for Enumeration {
    const KIND: &'static str = "filter engine enumeration";
    const LEAK_RULE: Option<&'static str> = Some("F-11");
}

/// Gives a driver the record that `fill` makes.
///
/// # Safety
/// `out` is writable.
unsafe fn give<T>(
    engine: HANDLE,
    out: *mut *mut T,
    missing: NTSTATUS,
    fill: impl FnOnce(&Store, &mut Record) -> Option<usize>,
) -> NTSTATUS {
    let mut record = Record::default();
    match session::read(engine, |store| fill(store, &mut record)) {
        Err(status) => status,
        Ok(None) => missing,
        Ok(Some(at)) => {
            let Some(block) = record.finish() else { return STATUS_INSUFFICIENT_RESOURCES };
            debug_assert_eq!(at, 0, "the structure begins its block");
            // SAFETY: the caller guarantees it.
            unsafe { *out = block.cast() };
            STATUS_SUCCESS
        }
    }
}

/// FwpmXCreateEnumHandle0.
///
/// # Safety
/// `out` is writable.
unsafe fn begin(engine: HANDLE, out: *mut HANDLE, select: impl FnOnce(&Store) -> Snapshot) -> NTSTATUS {
    match session::read(engine, select) {
        Err(status) => status,
        Ok(_) if pool::must_fail() => STATUS_INSUFFICIENT_RESOURCES,
        Ok(snapshot) => {
            // SAFETY: the caller guarantees it.
            unsafe { *out = handle::create(Arc::new(Enumeration(Mutex::new(snapshot)))) };
            STATUS_SUCCESS
        }
    }
}

/// FwpmXEnum0: the next objects, which are of this kind, as an array of pointers in front of what they point to.
///
/// # Safety
/// `entries` and `returned` are writable.
unsafe fn next<T>(
    engine: HANDLE,
    enumeration: HANDLE,
    wanted: u32,
    (entries, returned, kind): (*mut *mut *mut T, *mut u32, Kind),
) -> NTSTATUS {
    let enumeration = handle::expect::<Enumeration>(enumeration);
    if let Err(status) = session::read(engine, |_| ()) {
        return status;
    }
    let mut snapshot = enumeration.0.lock().unwrap_or_else(PoisonError::into_inner);
    if snapshot.kind() != kind {
        return STATUS_INVALID_HANDLE;
    }
    let count = snapshot.left().min(wanted as usize);
    let mut record = Record::default();
    let pointers = record.room::<*mut c_void>(count.max(1));
    for index in 0..count {
        let at = snapshot.write(&mut record, index);
        record.point(pointers + index * size_of::<*mut c_void>(), at);
    }
    let Some(block) = record.finish() else { return STATUS_INSUFFICIENT_RESOURCES };
    snapshot.told(count);
    // SAFETY: the caller guarantees it.
    unsafe {
        *entries = block.cast();
        *returned = count as u32;
    }
    STATUS_SUCCESS
}

fn end(engine: HANDLE, enumeration: HANDLE) -> NTSTATUS {
    handle::close::<Enumeration>(enumeration);
    session::read(engine, |_| ()).err().unwrap_or(STATUS_SUCCESS)
}

/// Whether a template asks for objects of this layer and this provider.
///
/// # Safety
/// `provider` is null or points to a key.
unsafe fn selects(
    provider: *const GUID,
    wanted_layer: &GUID,
    layer: u16,
    object_provider: Option<u128>,
) -> bool {
    // SAFETY: the caller guarantees it.
    let provider = unsafe { provider.as_ref() }.map(key);
    provider.is_none_or(|wanted| object_provider == Some(wanted))
        && layer::by_key(wanted_layer).is_some_and(|wanted| wanted.id == layer)
}

/// `FWPM_ENGINE_OPTION`, all off: what is collected and how packets are queued. Unverified on Windows: the defaults.
static OPTIONS: [AtomicU32; 6] = [const { AtomicU32::new(0) }; 6];

crate::exports! {
    /// Reading, at PASSIVE_LEVEL.
    pub static READ_EXPORTS: "fwpkclnt.sys", sig ddk::fwp::sig;

    /// Reads a filter.
    irql(0..=0, "F-1") fn FwpmFilterGetByKey0(
        handle: HANDLE, guid: *const GUID, out: *mut *mut FWPM_FILTER0,
    ) -> NTSTATUS {
        // SAFETY: the driver's key and variable.
        unsafe {
            let wanted = key(&*guid);
            give(handle, out, STATUS_FWP_FILTER_NOT_FOUND, |store, record| {
                store.filters.get(&wanted).map(|filter| record.filter(filter))
            })
        }
    }
    /// Reads a filter.
    irql(0..=0, "F-1") untyped fn FwpmFilterGetById0(
        handle: HANDLE, id: u64, out: *mut *mut FWPM_FILTER0,
    ) -> NTSTATUS {
        // SAFETY: the driver's variable.
        unsafe {
            give(handle, out, STATUS_FWP_FILTER_NOT_FOUND, |store, record| {
                store.filters.values().find(|filter| filter.id == id).map(|filter| record.filter(filter))
            })
        }
    }
    /// Reads a callout.
    irql(0..=0, "F-1") fn FwpmCalloutGetByKey0(
        handle: HANDLE, guid: *const GUID, out: *mut *mut FWPM_CALLOUT0,
    ) -> NTSTATUS {
        // SAFETY: the driver's key and variable.
        unsafe {
            let wanted = key(&*guid);
            give(handle, out, STATUS_FWP_CALLOUT_NOT_FOUND, |store, record| {
                store.callouts.get(&wanted).map(|callout| record.callout(wanted, callout))
            })
        }
    }
    /// Reads a callout.
    irql(0..=0, "F-1") untyped fn FwpmCalloutGetById0(
        handle: HANDLE, id: u32, out: *mut *mut FWPM_CALLOUT0,
    ) -> NTSTATUS {
        let wanted = callout::key_of(id);
        // SAFETY: the driver's variable.
        unsafe {
            give(handle, out, STATUS_FWP_CALLOUT_NOT_FOUND, |store, record| {
                let wanted = wanted?;
                store.callouts.get(&wanted).map(|callout| record.callout(wanted, callout))
            })
        }
    }
    /// Reads a sublayer.
    irql(0..=0, "F-1") untyped fn FwpmSubLayerGetByKey0(
        handle: HANDLE, guid: *const GUID, out: *mut *mut FWPM_SUBLAYER0,
    ) -> NTSTATUS {
        // SAFETY: the driver's key and variable.
        unsafe {
            let wanted = key(&*guid);
            give(handle, out, STATUS_FWP_SUBLAYER_NOT_FOUND, |store, record| {
                store.sublayers.get(&wanted).map(|sublayer| record.sublayer(wanted, sublayer))
            })
        }
    }
    /// Reads a provider.
    irql(0..=0, "F-1") untyped fn FwpmProviderGetByKey0(
        handle: HANDLE, guid: *const GUID, out: *mut *mut FWPM_PROVIDER0,
    ) -> NTSTATUS {
        // SAFETY: the driver's key and variable.
        unsafe {
            let wanted = key(&*guid);
            give(handle, out, STATUS_FWP_PROVIDER_NOT_FOUND, |store, record| {
                let disabled = store.disabled.contains(&wanted);
                store.providers.get(&wanted).map(|provider| record.provider(wanted, provider, disabled))
            })
        }
    }
    /// Begins to tell the filters of a layer, or all, the heaviest first.
    irql(0..=0, "F-1") fn FwpmFilterCreateEnumHandle0(
        handle: HANDLE, template: *const FWPM_FILTER_ENUM_TEMPLATE0, out: *mut HANDLE,
    ) -> NTSTATUS {
        // SAFETY: the driver's template, or null.
        let template = unsafe { template.as_ref() };
        if template.is_some_and(|template| template.numFilterConditions != 0) {
            // What it would match depends on the indices of the real engine, which the lab does not have.
            return STATUS_NOT_SUPPORTED;
        }
        let wanted = |filter: &Filter| {
            let Some(template) = template else { return true };
            // SAFETY: the keys of the driver's template, or null.
            let (selected, callout) = unsafe {
                (
                    selects(template.providerKey, &template.layerKey, filter.layer, filter.object.provider),
                    template.calloutKey.as_ref().map(key),
                )
            };
            selected
                && (template.actionMask == u32::MAX || filter.action & template.actionMask != 0)
                && (callout.is_none() || filter.callout == callout)
        };
        // SAFETY: the driver's variable.
        unsafe {
            begin(handle, out, |store| {
                let mut filters: Vec<Filter> = store.filters.values().filter(|f| wanted(f)).cloned().collect();
                filters.sort_by_key(|filter| (filter.layer, std::cmp::Reverse(filter.weight)));
                Snapshot::Filters(filters)
            })
        }
    }
    /// The next filters.
    irql(0..=0, "F-1") fn FwpmFilterEnum0(
        handle: HANDLE, enumeration: HANDLE, wanted: u32, entries: *mut *mut *mut FWPM_FILTER0,
        returned: *mut u32,
    ) -> NTSTATUS {
        // SAFETY: the driver's variables.
        unsafe { next(handle, enumeration, wanted, (entries, returned, Kind::Filters)) }
    }
    /// Ends an enumeration of filters.
    irql(0..=0, "F-1") fn FwpmFilterDestroyEnumHandle0(handle: HANDLE, enumeration: HANDLE) -> NTSTATUS {
        end(handle, enumeration)
    }
    /// Begins to tell the callouts of a layer, or all.
    irql(0..=0, "F-1") fn FwpmCalloutCreateEnumHandle0(
        handle: HANDLE, template: *const FWPM_CALLOUT_ENUM_TEMPLATE0, out: *mut HANDLE,
    ) -> NTSTATUS {
        // SAFETY: the driver's template, or null.
        let template = unsafe { template.as_ref() };
        let wanted = |callout: &Callout| {
            let Some(template) = template else { return true };
            // SAFETY: the key of the driver's template, or null.
            unsafe { selects(template.providerKey, &template.layerKey, callout.layer, callout.object.provider) }
        };
        // SAFETY: the driver's variable.
        unsafe {
            begin(handle, out, |store| {
                let callouts = store.callouts.iter().filter(|(_, callout)| wanted(callout));
                Snapshot::Callouts(callouts.map(|(key, callout)| (*key, callout.clone())).collect())
            })
        }
    }
    /// The next callouts.
    irql(0..=0, "F-1") fn FwpmCalloutEnum0(
        handle: HANDLE, enumeration: HANDLE, wanted: u32, entries: *mut *mut *mut FWPM_CALLOUT0,
        returned: *mut u32,
    ) -> NTSTATUS {
        // SAFETY: the driver's variables.
        unsafe { next(handle, enumeration, wanted, (entries, returned, Kind::Callouts)) }
    }
    /// Ends an enumeration of callouts.
    irql(0..=0, "F-1") fn FwpmCalloutDestroyEnumHandle0(handle: HANDLE, enumeration: HANDLE) -> NTSTATUS {
        end(handle, enumeration)
    }
    /// Begins to tell the sublayers of a provider, or all, the heaviest first.
    irql(0..=0, "F-1") fn FwpmSubLayerCreateEnumHandle0(
        handle: HANDLE, template: *const FWPM_SUBLAYER_ENUM_TEMPLATE0, out: *mut HANDLE,
    ) -> NTSTATUS {
        // SAFETY: the driver's template, and the key in it, or null.
        let provider = unsafe { template.as_ref().and_then(|template| template.providerKey.as_ref()) }.map(key);
        // SAFETY: the driver's variable.
        unsafe {
            begin(handle, out, |store| {
                let wanted = |sublayer: &SubLayer| provider.is_none() || sublayer.object.provider == provider;
                let all = store.sublayers.iter().filter(|(_, sublayer)| wanted(sublayer));
                let mut all: Vec<_> = all.map(|(key, sublayer)| (*key, sublayer.clone())).collect();
                all.sort_by_key(|(_, sublayer)| std::cmp::Reverse(sublayer.weight));
                Snapshot::SubLayers(all)
            })
        }
    }
    /// The next sublayers.
    irql(0..=0, "F-1") fn FwpmSubLayerEnum0(
        handle: HANDLE, enumeration: HANDLE, wanted: u32, entries: *mut *mut *mut FWPM_SUBLAYER0,
        returned: *mut u32,
    ) -> NTSTATUS {
        // SAFETY: the driver's variables.
        unsafe { next(handle, enumeration, wanted, (entries, returned, Kind::SubLayers)) }
    }
    /// Ends an enumeration of sublayers.
    irql(0..=0, "F-1") fn FwpmSubLayerDestroyEnumHandle0(handle: HANDLE, enumeration: HANDLE) -> NTSTATUS {
        end(handle, enumeration)
    }
    /// Begins to tell the providers.
    irql(0..=0, "F-1") fn FwpmProviderCreateEnumHandle0(
        handle: HANDLE, template: *const FWPM_PROVIDER_ENUM_TEMPLATE0, out: *mut HANDLE,
    ) -> NTSTATUS {
        // A template has nothing to choose by.
        let _ = template;
        // SAFETY: the driver's variable.
        unsafe {
            begin(handle, out, |store| {
                let disabled = |key: &u128| store.disabled.contains(key);
                let all = store.providers.iter();
                Snapshot::Providers(all.map(|(key, p)| (*key, p.clone(), disabled(key))).collect())
            })
        }
    }
    /// The next providers.
    irql(0..=0, "F-1") fn FwpmProviderEnum0(
        handle: HANDLE, enumeration: HANDLE, wanted: u32, entries: *mut *mut *mut FWPM_PROVIDER0,
        returned: *mut u32,
    ) -> NTSTATUS {
        // SAFETY: the driver's variables.
        unsafe { next(handle, enumeration, wanted, (entries, returned, Kind::Providers)) }
    }
    /// Ends an enumeration of providers.
    irql(0..=0, "F-1") fn FwpmProviderDestroyEnumHandle0(handle: HANDLE, enumeration: HANDLE) -> NTSTATUS {
        end(handle, enumeration)
    }
    /// Reads a layer.
    irql(0..=0, "F-1") untyped fn FwpmLayerGetById0(
        handle: HANDLE, id: u16, out: *mut *mut FWPM_LAYER0,
    ) -> NTSTATUS {
        // SAFETY: the driver's variable.
        unsafe {
            give(handle, out, STATUS_FWP_LAYER_NOT_FOUND, |_, record| {
                layer::by_id(id).map(|layer| record.layer(layer))
            })
        }
    }
    /// Reads a layer.
    irql(0..=0, "F-1") untyped fn FwpmLayerGetByKey0(
        handle: HANDLE, guid: *const GUID, out: *mut *mut FWPM_LAYER0,
    ) -> NTSTATUS {
        // SAFETY: the driver's key and variable.
        unsafe {
            let wanted = &*guid;
            give(handle, out, STATUS_FWP_LAYER_NOT_FOUND, |_, record| {
                layer::by_key(wanted).map(|layer| record.layer(layer))
            })
        }
    }
    /// Reads an option of the engine.
    irql(0..=0, "F-1") untyped fn FwpmEngineGetOption0(
        handle: HANDLE, option: i32, out: *mut *mut FWP_VALUE0,
    ) -> NTSTATUS {
        let value = usize::try_from(option).ok().and_then(|at| OPTIONS.get(at));
        // SAFETY: the driver's variable.
        unsafe {
            give(handle, out, STATUS_FWP_INVALID_PARAMETER, |_, record| {
                value.map(|value| record.option(value.load(Ordering::Relaxed)))
            })
        }
    }
    /// Sets an option of the engine. Nothing in the lab depends on them.
    irql(0..=0, "F-1") untyped fn FwpmEngineSetOption0(
        handle: HANDLE, option: i32, value: *const FWP_VALUE0,
    ) -> NTSTATUS {
        if let Err(status) = session::read(handle, |_| ()) {
            return status;
        }
        let place = usize::try_from(option).ok().and_then(|at| OPTIONS.get(at));
        // SAFETY: the driver's value, or null; its type says which member is valid.
        let given = unsafe { value.as_ref() }.map(|value| (value.r#type, unsafe { value.u.uint32 }));
        match (place, given) {
            (_, None) => STATUS_FWP_NULL_POINTER,
            (None, _) => STATUS_FWP_INVALID_PARAMETER,
            (Some(place), Some((FWP_UINT32, given))) => {
                place.store(given, Ordering::Relaxed);
                STATUS_SUCCESS
            }
            _ => STATUS_FWP_TYPE_MISMATCH,
        }
    }
    /// Frees what was read, and clears the pointer to it.
    irql(0..=0, "F-1") fn FwpmFreeMemory0(block: *mut *mut c_void) {
        if block.is_null() {
            verifier::violation("L-2", "FwpmFreeMemory0 without the address of a pointer");
        }
        // SAFETY: the driver's variable.
        unsafe {
            if !(*block).is_null() {
                record::free((*block).cast());
                *block = std::ptr::null_mut();
            }
        }
    }
}
