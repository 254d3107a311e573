//! Callout callbacks (fwpsk.h).
use super::*;
use core::ffi::c_void;

callback! {
    /// Callback `FWPS_CALLOUT_BOOTTIME_CALLOUT_DELETE_NOTIFY_FN0`.
    pub type FWPS_CALLOUT_BOOTTIME_CALLOUT_DELETE_NOTIFY_FN0 = fn(calloutId: u32);
    /// Decides about one indication, Windows Vista form.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type FWPS_CALLOUT_CLASSIFY_FN0 = fn(
        inFixedValues: *const FWPS_INCOMING_VALUES0,
        inMetaValues: *const FWPS_INCOMING_METADATA_VALUES0,
        layerData: *mut c_void,
        filter: *const FWPS_FILTER0,
        flowContext: u64,
        classifyOut: *mut FWPS_CLASSIFY_OUT0,
    );
    /// Decides about one indication, Windows 7 form.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type FWPS_CALLOUT_CLASSIFY_FN1 = fn(
        inFixedValues: *const FWPS_INCOMING_VALUES0,
        inMetaValues: *const FWPS_INCOMING_METADATA_VALUES0,
        layerData: *mut c_void,
        classifyContext: *const c_void,
        filter: *const FWPS_FILTER1,
        flowContext: u64,
        classifyOut: *mut FWPS_CLASSIFY_OUT0,
    );
    /// Decides about one indication, Windows 8 form.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type FWPS_CALLOUT_CLASSIFY_FN2 = fn(
        inFixedValues: *const FWPS_INCOMING_VALUES0,
        inMetaValues: *const FWPS_INCOMING_METADATA_VALUES0,
        layerData: *mut c_void,
        classifyContext: *const c_void,
        filter: *const FWPS_FILTER2,
        flowContext: u64,
        classifyOut: *mut FWPS_CLASSIFY_OUT0,
    );
    /// Decides about one indication, Windows 10 1709 form.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type FWPS_CALLOUT_CLASSIFY_FN3 = fn(
        inFixedValues: *const FWPS_INCOMING_VALUES0,
        inMetaValues: *const FWPS_INCOMING_METADATA_VALUES0,
        layerData: *mut c_void,
        classifyContext: *const c_void,
        filter: *const FWPS_FILTER3,
        flowContext: u64,
        classifyOut: *mut FWPS_CLASSIFY_OUT0,
    );
    /// Runs when a flow with the callout's context ends.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub type FWPS_CALLOUT_FLOW_DELETE_NOTIFY_FN0 = fn(layerId: u16, calloutId: u32, flowContext: u64);
    /// Callback `FWPS_CALLOUT_NOTIFY_FN0`.
    pub type FWPS_CALLOUT_NOTIFY_FN0 = fn(
        notifyType: FWPS_CALLOUT_NOTIFY_TYPE,
        filterKey: *const GUID,
        filter: *mut FWPS_FILTER0,
    ) -> NTSTATUS;
    /// Callback `FWPS_CALLOUT_NOTIFY_FN1`.
    pub type FWPS_CALLOUT_NOTIFY_FN1 = fn(
        notifyType: FWPS_CALLOUT_NOTIFY_TYPE,
        filterKey: *const GUID,
        filter: *mut FWPS_FILTER1,
    ) -> NTSTATUS;
    /// Callback `FWPS_CALLOUT_NOTIFY_FN2`.
    pub type FWPS_CALLOUT_NOTIFY_FN2 = fn(
        notifyType: FWPS_CALLOUT_NOTIFY_TYPE,
        filterKey: *const GUID,
        filter: *mut FWPS_FILTER2,
    ) -> NTSTATUS;
    /// Callback `FWPS_CALLOUT_NOTIFY_FN3`.
    pub type FWPS_CALLOUT_NOTIFY_FN3 = fn(
        notifyType: FWPS_CALLOUT_NOTIFY_TYPE,
        filterKey: *const GUID,
        filter: *mut FWPS_FILTER3,
    ) -> NTSTATUS;
    /// Callback `FWPS_INJECT_COMPLETE0`.
    pub type FWPS_INJECT_COMPLETE0 = fn(
        context: *mut c_void,
        netBufferList: *mut NET_BUFFER_LIST,
        dispatchLevel: BOOLEAN,
    );
    /// A state change of the filter engine's service.
    pub type FWPM_SERVICE_STATE_CHANGE_CALLBACK0 = fn(context: *mut c_void, newState: FWPM_SERVICE_STATE);
}
