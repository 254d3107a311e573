//! What a lightweight filter driver is: a driver that attaches, modules that see packets.

use core::mem::offset_of;
use core::ptr::NonNull;

use ddk::ndis::{
    NDIS_FILTER_ATTACH_PARAMETERS, NDIS_FILTER_RESTART_PARAMETERS, NDIS_HANDLE,
    NDIS_RESTART_GENERAL_ATTRIBUTES, NDIS_STATUS_INDICATION, NET_DEVICE_PNP_EVENT,
    NET_PNP_EVENT_NOTIFICATION, NdisFCancelSendNetBufferLists, NdisFDevicePnPEventNotify,
    NdisFIndicateStatus, NdisFNetPnPEvent, NdisFRestartFilter, NetEventSetPower,
    OID_GEN_MINIPORT_RESTART_ATTRIBUTES,
};
use ddk::nt::PVOID;

use super::chain::{Chain, Completed, Incoming, Outgoing, Returned};
use super::flags::{PortNumber, ReceiveFlags, ReturnFlags, SendCompleteFlags, SendFlags};
use super::loan::Loan;
use super::oid::{Direct, OidClone, OidRequest, Regular};
use super::registration::ModuleOptions;
use crate::irql::Passive;
use crate::pool::{PoolBox, Tag};
use crate::status::Status;
use crate::unicode;

/// NDIS's handle of a filter module: names the module in every call about it.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct FilterHandle(NDIS_HANDLE);

// SAFETY: the handle is an opaque number that NDIS accepts on any thread.
unsafe impl Send for FilterHandle {}
// SAFETY: as above.
unsafe impl Sync for FilterHandle {}

/// Names what is to be cancelled; opaque.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct CancelId(pub(super) PVOID);

impl FilterHandle {
    pub(super) fn new(handle: NDIS_HANDLE) -> Self {
        Self(handle)
    }

    /// The handle as NDIS takes it.
    #[must_use]
    pub fn raw(self) -> NDIS_HANDLE {
        self.0
    }

    /// Passes a status indication to the drivers above. IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "NdisFIndicateStatus")]
    pub fn indicate_status(self, status: &mut NDIS_STATUS_INDICATION) {
        // SAFETY: the indication is valid for the call, and the module is attached.
        unsafe { NdisFIndicateStatus(self.0, status) }
    }

    /// Passes a device event to the drivers below.
    #[doc(alias = "NdisFDevicePnPEventNotify")]
    pub fn notify_device_event(self, event: &mut NET_DEVICE_PNP_EVENT, _at: Passive<'_>) {
        // SAFETY: the event is valid for the call, and the module is attached.
        unsafe { NdisFDevicePnPEventNotify(self.0, event) }
    }

    /// Passes a network event to the drivers above and returns their answer.
    #[doc(alias = "NdisFNetPnPEvent")]
    pub fn pass_net_event(self, event: &mut NET_PNP_EVENT_NOTIFICATION, _at: Passive<'_>) -> Status {
        // SAFETY: the event is valid for the call, and the module is attached.
        Status(unsafe { NdisFNetPnPEvent(self.0, event) })
    }

    /// Asks NDIS to pause and restart the stack, with a call of [`FilterModule::set_options`] in between; that comes later.
    /// IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "NdisFRestartFilter")]
    pub fn ask_restart(self) -> Result<(), Status> {
        // SAFETY: the module is attached.
        Status(unsafe { NdisFRestartFilter(self.0) }).ok()
    }

    /// Passes a send cancellation to the drivers below. IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "NdisFCancelSendNetBufferLists")]
    pub fn cancel_sends(self, id: CancelId) {
        // SAFETY: the module is attached; the id is an opaque value.
        unsafe { NdisFCancelSendNetBufferLists(self.0, id.0) }
    }
}

/// What NDIS tells about the adapter below; valid during FilterAttach only.
pub struct AttachParameters<'a>(&'a NDIS_FILTER_ATTACH_PARAMETERS);

impl<'a> AttachParameters<'a> {
    pub(super) fn new(parameters: &'a NDIS_FILTER_ATTACH_PARAMETERS) -> Self {
        Self(parameters)
    }

    /// `NDIS_MEDIUM` of the adapter.
    #[must_use]
    pub fn medium(&self) -> u32 {
        self.0.MiniportMediaType as u32
    }

    /// Interface LUID of the base miniport.
    #[must_use]
    pub fn base_luid(&self) -> u64 {
        // SAFETY: every view of the union is plain integers.
        unsafe { self.0.BaseMiniportNetLuid.Value }
    }

    /// Interface index of the base miniport.
    #[must_use]
    pub fn base_index(&self) -> u32 {
        self.0.BaseMiniportIfIndex
    }

    /// Friendly name of the base miniport.
    #[must_use]
    pub fn base_name(&self) -> &'a [u16] {
        // SAFETY: NDIS passes NULL or a valid string for the time of the call.
        unsafe { unicode::units(self.0.BaseMiniportInstanceName) }
    }

    /// `NDIS_MEDIA_CONNECT_STATE` of the adapter.
    #[must_use]
    pub fn media(&self) -> u32 {
        self.0.MediaConnectState.cast_unsigned()
    }

    /// Current MAC address.
    #[must_use]
    pub fn mac(&self) -> &'a [u8] {
        let length = usize::from(self.0.MacAddressLength);
        self.0.CurrentMacAddress.get(..length).unwrap_or(&[])
    }
}

/// What NDIS tells about the adapter below when a module restarts; valid during FilterRestart only.
pub struct RestartParameters<'a>(&'a NDIS_FILTER_RESTART_PARAMETERS);

impl<'a> RestartParameters<'a> {
    pub(super) fn new(parameters: &'a NDIS_FILTER_RESTART_PARAMETERS) -> Self {
        Self(parameters)
    }

    /// Bytes of a packet that fit into a frame; `None` when the miniport's attributes are not told this time.
    #[doc(alias = "NDIS_RESTART_GENERAL_ATTRIBUTES")]
    #[must_use]
    pub fn mtu(&self) -> Option<u32> {
        /// More attributes than any driver adds.
        const MOST: usize = 256;
        const END: usize = offset_of!(NDIS_RESTART_GENERAL_ATTRIBUTES, MtuSize) + size_of::<u32>();
        let mut next = self.0.RestartAttributes;
        for _ in 0..MOST {
            // SAFETY: NDIS passes NULL or a NULL-terminated list for the time of the call.
            let entry = unsafe { next.as_ref() }?;
            if entry.Oid == OID_GEN_MINIPORT_RESTART_ATTRIBUTES && entry.DataLength as usize >= END {
                let general = (&raw const entry.Data).cast::<NDIS_RESTART_GENERAL_ATTRIBUTES>();
                // SAFETY: the entry is as long as it says, which is up to this member at least. `Data` is aligned for it,
                // but lies in a list that other filters may have changed.
                return Some(unsafe { (&raw const (*general).MtuSize).read_unaligned() });
            }
            next = entry.Next;
        }
        None
    }
}

/// The buffer of a status indication, of whatever length it came with.
#[doc(alias = "NDIS_STATUS_INDICATION")]
#[must_use]
pub fn status_buffer(status: &NDIS_STATUS_INDICATION) -> &[u8] {
    let Some(start) = NonNull::new(status.StatusBuffer.cast::<u8>()) else { return &[] };
    // SAFETY: NDIS checks that a status has a buffer as long as it says, valid for the time of the call.
    unsafe { core::slice::from_raw_parts(start.as_ptr(), status.StatusBufferSize as usize) }
}

/// The device power state that a network event tells of, if it is one of those (`NetEventSetPower`).
#[doc(alias = "NET_PNP_EVENT")]
#[must_use]
pub fn power_event(event: &NET_PNP_EVENT_NOTIFICATION) -> Option<u32> {
    let event = &event.NetPnPEvent;
    if event.NetEvent != NetEventSetPower || (event.BufferLength as usize) < size_of::<u32>() {
        return None;
    }
    let state = NonNull::new(event.Buffer.cast::<u32>())?;
    // SAFETY: the event has a buffer of that length, valid for the time of the call.
    Some(unsafe { state.as_ptr().read_unaligned() })
}

/// A lightweight filter driver.
pub trait FilterDriver: Sync + Sized + 'static {
    /// State of one attached instance.
    type Module: FilterModule;

    /// Makes the state of a module. NDIS may call this before [`Registration::new`](super::Registration::new) returns. IRQL: PASSIVE_LEVEL.
    #[doc(alias = "FilterAttach")]
    fn attach(
        &'static self,
        filter: FilterHandle,
        parameters: &AttachParameters<'_>,
        at: Passive<'_>,
    ) -> Result<PoolBox<Self::Module>, Status>;
}

/// One instance of the filter on one adapter. Dropping it is FilterDetach.
///
/// The data path and status may be called on all processors at once and at DISPATCH_LEVEL.
pub trait FilterModule: Sync + Sized + 'static {
    /// Tag of the module's allocation.
    const TAG: Tag;

    /// Before each restart of the stack: says which data handlers the module has from now on. An error keeps the module
    /// from running, and NDIS detaches it. IRQL: PASSIVE_LEVEL.
    #[doc(alias = "FilterSetModuleOptions")]
    fn set_options(&self, options: ModuleOptions<Self>) -> Result<(), Status>;
    /// Paused to running. IRQL: PASSIVE_LEVEL.
    #[doc(alias = "FilterRestart")]
    fn restart(&self, parameters: &RestartParameters<'_>, at: Passive<'_>) -> Result<(), Status>;
    /// Running to paused; returns when nothing of the module is under way. IRQL: PASSIVE_LEVEL.
    #[doc(alias = "FilterPause")]
    fn pause(&self, at: Passive<'_>);
    /// Sends from above.
    #[doc(alias = "FilterSendNetBufferLists")]
    fn send(&self, chain: Chain<Outgoing>, port: PortNumber, flags: SendFlags);
    /// Sends that the drivers below completed.
    #[doc(alias = "FilterSendNetBufferListsComplete")]
    fn send_complete(&self, chain: Chain<Completed>, flags: SendCompleteFlags);
    /// Cancellation of sends.
    #[doc(alias = "FilterCancelSendNetBufferLists")]
    fn cancel_send(&self, id: CancelId);
    /// Receives from below; `count` is the length of the chain.
    #[doc(alias = "FilterReceiveNetBufferLists")]
    fn receive(&self, chain: Chain<Incoming>, port: PortNumber, count: u32, flags: ReceiveFlags);
    /// Receives that are lent for the time of the call (`NDIS_RECEIVE_FLAGS_RESOURCES`).
    #[doc(alias = "FilterReceiveNetBufferLists")]
    fn receive_loan(&self, loan: Loan<'_>, port: PortNumber, flags: ReceiveFlags);
    /// Receives that the drivers above return.
    #[doc(alias = "FilterReturnNetBufferLists")]
    fn receive_return(&self, chain: Chain<Returned>, flags: ReturnFlags);
    /// A request from above.
    #[doc(alias = "FilterOidRequest")]
    fn oid_request(&self, request: OidRequest<Regular>) -> Status;
    /// A forwarded request is done.
    #[doc(alias = "FilterOidRequestComplete")]
    fn oid_complete(&self, clone: OidClone<Regular>, status: Status);
    /// Cancellation of requests.
    #[doc(alias = "FilterCancelOidRequest")]
    fn oid_cancel(&self, id: CancelId);
    /// A direct request from above.
    #[doc(alias = "FilterDirectOidRequest")]
    fn direct_oid_request(&self, request: OidRequest<Direct>) -> Status;
    /// A forwarded direct request is done.
    #[doc(alias = "FilterDirectOidRequestComplete")]
    fn direct_oid_complete(&self, clone: OidClone<Direct>, status: Status);
    /// Cancellation of direct requests.
    #[doc(alias = "FilterCancelDirectOidRequest")]
    fn direct_oid_cancel(&self, id: CancelId);
    /// A status indication from below.
    #[doc(alias = "FilterStatus")]
    fn status(&self, status: &mut NDIS_STATUS_INDICATION);
    /// A device event from above. IRQL: PASSIVE_LEVEL.
    #[doc(alias = "FilterDevicePnPEventNotify")]
    fn device_event(&self, event: &mut NET_DEVICE_PNP_EVENT, at: Passive<'_>);
    /// A network event from below. IRQL: PASSIVE_LEVEL.
    #[doc(alias = "FilterNetPnPEvent")]
    fn net_event(&self, event: &mut NET_PNP_EVENT_NOTIFICATION, at: Passive<'_>) -> Status;
}
