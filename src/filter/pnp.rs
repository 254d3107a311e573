//! Plug and Play and power events: device events go down, network events go up.

use ddk::ndis::{NET_DEVICE_PNP_EVENT, NET_PNP_EVENT_NOTIFICATION};
use kernel::irql::Passive;
use kernel::status::Status;

use super::Module;

impl Module {
    /// IRQL: PASSIVE_LEVEL.
    #[doc(alias = "FilterDevicePnPEventNotify")]
    pub(super) fn filter_device_event(&self, event: &mut NET_DEVICE_PNP_EVENT, at: Passive<'_>) {
        self.handle.notify_device_event(event, at);
    }

    /// IRQL: PASSIVE_LEVEL.
    #[doc(alias = "FilterNetPnPEvent")]
    pub(super) fn filter_net_event(&self, event: &mut NET_PNP_EVENT_NOTIFICATION, at: Passive<'_>) -> Status {
        self.handle.pass_net_event(event, at)
    }
}
