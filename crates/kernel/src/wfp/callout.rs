//! Callouts: registration of classify functions.

use core::ffi::c_void;

use ddk::fwp::{
    FWP_CALLOUT_FLAG_ALLOW_OFFLOAD, FWP_CALLOUT_FLAG_ALLOW_RSC, FWP_CALLOUT_FLAG_ALLOW_URO,
    FWP_CALLOUT_FLAG_ALLOW_USO, FWPS_CALLOUT_CLASSIFY_FN2, FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0,
    FWPS_CALLOUT_NOTIFY_TYPE, FWPS_CALLOUT2, FWPS_CLASSIFY_OUT0, FWPS_FILTER2,
    FWPS_INCOMING_METADATA_VALUES0, FWPS_INCOMING_VALUES0, FwpsCalloutRegister2, FwpsCalloutUnregisterById0,
};
use ddk::nt::{GUID, NTSTATUS, PDEVICE_OBJECT};

use super::classify::{Classify, Decision};
use crate::bug::{Invariant, bug};
use crate::irql::Passive;
use crate::status::Status;
use crate::thread::nap;

/// A classify function. Called on all processors at once, at DISPATCH_LEVEL or below.
pub trait Classifier: 'static {
    /// Looks at a connection and answers.
    #[doc(alias = "classifyFn")]
    fn classify(classify: &Classify<'_>, decision: Decision<'_>);
}

/// Hears when flows with a context of its callout end.
pub trait FlowWatcher: 'static {
    /// A flow has ended, or its context was removed. IRQL: <= DISPATCH_LEVEL.
    ///
    /// # Safety
    /// `context` must be one that was attached to a flow for this callout, and given back by the platform.
    #[doc(alias = "flowDeleteFn")]
    unsafe fn ended(context: u64);
}

/// A callout to register: its key and its classify function.
#[derive(Clone, Copy)]
pub struct CalloutDefinition {
    key: GUID,
    classify: FWPS_CALLOUT_CLASSIFY_FN2,
    flow_delete: FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0,
}

impl CalloutDefinition {
    /// A callout with the classify function of `C`.
    #[must_use]
    pub const fn new<C: Classifier>(key: GUID) -> Self {
        Self { key, classify: Some(classify::<C>), flow_delete: None }
    }

    /// The same, which attaches contexts to flows that `W` hears of.
    #[must_use]
    pub const fn watched<W: FlowWatcher>(self) -> Self {
        Self { flow_delete: Some(flow_delete::<W>), ..self }
    }
}

/// The flags that keep offloads on for traffic the callouts see, as far as the running system knows them.
///
/// All of them are legal for callouts that do not look into packets: RSC and URO merge received segments, USO and
/// other offloads split or complete sent ones, and none of it changes who talks to whom.
#[must_use]
pub fn offload_flags(ndis_version: u32) -> u32 {
    let mut flags = FWP_CALLOUT_FLAG_ALLOW_OFFLOAD | FWP_CALLOUT_FLAG_ALLOW_RSC;
    // The filtering platform has no version of its own; NDIS 6.83 is Windows 10 1903, 6.84 is 2004.
    if ndis_version >= 0x0006_0053 {
        flags |= FWP_CALLOUT_FLAG_ALLOW_USO;
    }
    if ndis_version >= 0x0006_0054 {
        flags |= FWP_CALLOUT_FLAG_ALLOW_URO;
    }
    flags
}

/// A registered callout; unregisters on drop.
#[derive(Debug)]
pub struct Callout {
    id: u32,
}

impl Callout {
    /// Registers a callout. Its classify function may be called as soon as a filter refers to it.
    ///
    /// # Safety
    /// `device` must be a device object of this driver that outlives the registration.
    #[doc(alias = "FwpsCalloutRegister2")]
    pub unsafe fn register(
        device: PDEVICE_OBJECT,
        definition: &CalloutDefinition,
        flags: u32,
        _at: Passive<'_>,
    ) -> Result<Self, Status> {
        let callout = FWPS_CALLOUT2 {
            calloutKey: definition.key,
            flags,
            classifyFn: definition.classify,
            notifyFn: Some(notify),
            flowDeleteFn: definition.flow_delete,
        };
        let mut id = 0;
        // SAFETY: the device outlives the callout (contract of this function); the structure is copied.
        Status(unsafe { FwpsCalloutRegister2(device.cast(), &raw const callout, &raw mut id) }).ok()?;
        Ok(Self { id })
    }
}

impl Drop for Callout {
    /// IRQL: PASSIVE_LEVEL. When this returns no classify runs.
    #[doc(alias = "FwpsCalloutUnregisterById0")]
    fn drop(&mut self) {
        loop {
            // SAFETY: the id came from a successful registration and is used only here.
            match Status(unsafe { FwpsCalloutUnregisterById0(self.id) }) {
                status if status.is_success() => return,
                // The last of its flow contexts is being given back.
                Status::DEVICE_BUSY => {
                    // SAFETY: callouts are dropped at PASSIVE_LEVEL.
                    nap(unsafe { Passive::assume() });
                }
                // Going on would leave a callout whose code is about to be unloaded.
                _ => bug(Invariant::CalloutBusy),
            }
        }
    }
}

ddk::abi_fn! {
    unsafe fn notify(
        _notification: FWPS_CALLOUT_NOTIFY_TYPE,
        _filter_key: *const GUID,
        _filter: *mut FWPS_FILTER2,
    ) -> NTSTATUS {
        Status::SUCCESS.0
    }
}

thunk! {
    unsafe fn classify<C: Classifier>(
        values: *const FWPS_INCOMING_VALUES0,
        metadata: *const FWPS_INCOMING_METADATA_VALUES0,
        layer_data: *mut c_void,
        _classify_context: *const c_void,
        filter: *const FWPS_FILTER2,
        _flow_context: u64,
        out: *mut FWPS_CLASSIFY_OUT0,
    ) {
        // SAFETY: the filter engine passes valid values and metadata for the time of the call.
        let (values, metadata) = unsafe { (&*values, &*metadata) };
        // SAFETY: the filter is NULL or valid for the time of the call.
        let filter = unsafe { filter.as_ref() };
        // SAFETY: the filter engine passes a structure that this call alone may write to.
        let decision = Decision::new(unsafe { &mut *out }, filter);
        let callout = filter.map(|filter| filter.action.calloutId);
        C::classify(&Classify { values, metadata, data: layer_data, callout }, decision);
    }
}

thunk! {
    unsafe fn flow_delete<W: FlowWatcher>(_layer: u16, _callout: u32, context: u64) {
        // SAFETY: the platform gives back a context that was attached, once.
        unsafe { W::ended(context) };
    }
}
