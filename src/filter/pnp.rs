//! Plug and Play and power events: device events go down, network events go up.

use ddk::ndis::{
    NET_DEVICE_PNP_EVENT, NET_PNP_EVENT_NOTIFICATION, NdisDevicePnPEventSurpriseRemoved,
    NetEventFilterPreDetach,
};
use kernel::irql::Passive;
use kernel::ndis::power_event;
use kernel::status::Status;

use super::Module;

impl Module {
    /// IRQL: PASSIVE_LEVEL.
    #[doc(alias = "FilterDevicePnPEventNotify")]
    pub(super) fn filter_device_event(&self, event: &mut NET_DEVICE_PNP_EVENT, at: Passive<'_>) {
        if event.DevicePnPEvent == NdisDevicePnPEventSurpriseRemoved {
            // Nobody is left who could send it.
            self.refuse_held(Status::UNSUCCESSFUL);
        }
        self.handle.notify_device_event(event, at);
    }

    /// IRQL: PASSIVE_LEVEL.
    #[doc(alias = "FilterNetPnPEvent")]
    pub(super) fn filter_net_event(&self, event: &mut NET_PNP_EVENT_NOTIFICATION, at: Passive<'_>) -> Status {
        if let Some(state) = power_event(event) {
            self.power(state);
        }
        if event.NetPnPEvent.NetEvent == NetEventFilterPreDetach {
            // The pause that follows would wait for what waits here.
            self.refuse_held(Status::PAUSED);
        }
        self.handle.pass_net_event(event, at)
    }
}
