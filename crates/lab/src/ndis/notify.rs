//! Status indications, which travel up, and PnP events: network events up, device events down.

use ddk::ndis::*;

use super::adapter::Adapter;
use super::legality::{Legality, Operation, legality};
use super::module::Module;
use super::{header, module};
use crate::verifier;

fn check(module: &Module, operation: Operation) {
    match legality(module.state(), operation) {
        Legality::Legal => {}
        Legality::Doubtful => {
            verifier::count(&format!("doubtful: {operation:?} while {:?}", module.state()), 1)
        }
        Legality::Illegal(rule) => {
            verifier::violation(
                rule,
                &format!("{operation:?} by module {} in state {:?}", module.number, module.state()),
            );
        }
    }
}

fn position(adapter: &Adapter, module: &Module) -> usize {
    adapter.modules().iter().position(|other| other.number == module.number).unwrap_or(0)
}

impl Adapter {
    /// The miniport indicates a status with this buffer.
    pub fn indicate_status(&self, code: NDIS_STATUS, buffer: &[u8]) {
        self.indicate(code, buffer, |_| {});
    }

    /// The miniport indicates a status with this buffer; `fill` sets further fields.
    pub fn indicate(&self, code: NDIS_STATUS, buffer: &[u8], fill: impl FnOnce(&mut NDIS_STATUS_INDICATION)) {
        let mut buffer = buffer.to_vec();
        // SAFETY: a C structure of integers and pointers, for which zero is valid.
        let mut status: NDIS_STATUS_INDICATION = unsafe { std::mem::zeroed() };
        status.Header = NDIS_OBJECT_HEADER {
            Type: NDIS_OBJECT_TYPE_STATUS_INDICATION,
            Revision: 1,
            Size: size_of::<NDIS_STATUS_INDICATION>() as u16,
        };
        status.StatusCode = code;
        status.StatusBuffer = buffer.as_mut_ptr().cast();
        status.StatusBufferSize = buffer.len() as u32;
        fill(&mut status);
        status_up(self, 0, &raw mut status);
    }

    /// The miniport indicates its link state (`NDIS_STATUS_LINK_STATE`).
    pub fn indicate_link(&self, connected: bool) {
        self.update(|config| config.connected = connected);
        let speed = self.config().speed;
        // SAFETY: as above.
        let mut link: NDIS_LINK_STATE = unsafe { std::mem::zeroed() };
        link.Header = NDIS_OBJECT_HEADER {
            Type: NDIS_OBJECT_TYPE_DEFAULT,
            Revision: 1,
            Size: size_of::<NDIS_LINK_STATE>() as u16,
        };
        link.MediaConnectState = if connected { 1 } else { 2 };
        link.MediaDuplexState = 2;
        link.XmitLinkSpeed = speed;
        link.RcvLinkSpeed = speed;
        // SAFETY: reads the bytes of an initialised structure of this stack.
        let bytes = unsafe {
            std::slice::from_raw_parts((&raw const link).cast::<u8>(), size_of::<NDIS_LINK_STATE>())
        };
        self.indicate_status(NDIS_STATUS_LINK_STATE, bytes);
    }

    /// NDIS sends a network PnP event up the stack.
    pub fn net_event(&self, code: i32) -> NDIS_STATUS {
        self.net_event_with(code, |_| {})
    }

    /// As [`Adapter::net_event`]; `fill` sets further members.
    pub(super) fn net_event_with(&self, code: i32, fill: impl FnOnce(&mut NET_PNP_EVENT)) -> NDIS_STATUS {
        // SAFETY: as above.
        let mut event: NET_PNP_EVENT_NOTIFICATION = unsafe { std::mem::zeroed() };
        event.Header = NDIS_OBJECT_HEADER {
            Type: NDIS_OBJECT_TYPE_DEFAULT,
            Revision: 2,
            Size: size_of::<NET_PNP_EVENT_NOTIFICATION>() as u16,
        };
        event.NetPnPEvent.NetEvent = code;
        fill(&mut event.NetPnPEvent);
        net_up(self, 0, &raw mut event)
    }

    /// NDIS sends a device PnP event down the stack.
    pub fn device_event(&self, code: i32) {
        // SAFETY: as above.
        let mut event: NET_DEVICE_PNP_EVENT = unsafe { std::mem::zeroed() };
        event.Header = NDIS_OBJECT_HEADER {
            Type: NDIS_OBJECT_TYPE_DEFAULT,
            Revision: 1,
            Size: size_of::<NET_DEVICE_PNP_EVENT>() as u16,
        };
        event.DevicePnPEvent = code;
        device_down(self, usize::MAX, &raw mut event);
    }
}

fn status_up(adapter: &Adapter, at: usize, status: *mut NDIS_STATUS_INDICATION) {
    let modules = adapter.modules();
    let next = modules
        .iter()
        .skip(at)
        .find_map(|module| module.driver.characteristics().StatusHandler.map(|handler| (module, handler)));
    match next {
        Some((module, handler)) => {
            let context = module.context();
            verifier::callback("FilterStatus", || {
                // SAFETY: the driver registered this handler; the indication lives through the call.
                unsafe { handler(context, status) }
            });
        }
        None => {
            // SAFETY: as above.
            let code = unsafe { (*status).StatusCode };
            adapter.with_events(|events| events.statuses.push(code));
        }
    }
}

/// NdisFIndicateStatus.
///
/// # Safety
/// `status` is a valid indication.
pub(crate) unsafe fn filter_status(module: &Module, status: *mut NDIS_STATUS_INDICATION) {
    check(module, Operation::IndicateStatus);
    // SAFETY: the caller guarantees a valid indication.
    let (found, destination, request, size, buffer) = unsafe {
        (
            (*status).Header,
            (*status).DestinationHandle,
            (*status).RequestId,
            (*status).StatusBufferSize,
            (*status).StatusBuffer,
        )
    };
    header::check(&found, NDIS_OBJECT_TYPE_STATUS_INDICATION, 1..=1, 84, "NDIS_STATUS_INDICATION");
    if !destination.is_null() && request.is_null() {
        verifier::violation("N-61", "ST3: a status with a DestinationHandle needs a RequestId");
    }
    if size > 0 && buffer.is_null() {
        verifier::violation("N-25", &format!("a status indication of {size} bytes has no buffer"));
    }
    let adapter = module.adapter();
    status_up(&adapter, position(&adapter, module) + 1, status);
}

fn net_up(adapter: &Adapter, at: usize, event: *mut NET_PNP_EVENT_NOTIFICATION) -> NDIS_STATUS {
    let modules = adapter.modules();
    let next = modules.iter().skip(at).find_map(|module| {
        module.driver.characteristics().NetPnPEventHandler.map(|handler| (module, handler))
    });
    match next {
        Some((module, handler)) => {
            let context = module.context();
            verifier::callback("FilterNetPnPEvent", || {
                // SAFETY: as in `status_up`.
                unsafe { handler(context, event) }
            })
        }
        None => {
            // SAFETY: as in `status_up`.
            adapter.with_events(|events| events.net_events.push(unsafe { (*event).NetPnPEvent.NetEvent }));
            NDIS_STATUS_SUCCESS
        }
    }
}

/// NdisFNetPnPEvent.
///
/// # Safety
/// `event` is a valid notification.
pub(crate) unsafe fn filter_net_event(
    module: &Module,
    event: *mut NET_PNP_EVENT_NOTIFICATION,
) -> NDIS_STATUS {
    check(module, Operation::ForwardPnp);
    if crate::fault::refuses() {
        return NDIS_STATUS_FAILURE;
    }
    let adapter = module.adapter();
    net_up(&adapter, position(&adapter, module) + 1, event)
}

fn device_down(adapter: &Adapter, at: usize, event: *mut NET_DEVICE_PNP_EVENT) {
    let modules = adapter.modules();
    let next = modules.iter().take(at).rev().find_map(|module| {
        module.driver.characteristics().DevicePnPEventNotifyHandler.map(|handler| (module, handler))
    });
    match next {
        Some((module, handler)) => {
            let context = module.context();
            verifier::callback("FilterDevicePnPEventNotify", || {
                // SAFETY: as in `status_up`.
                unsafe { handler(context, event) }
            });
        }
        None => {
            // SAFETY: as in `status_up`.
            let code = unsafe { (*event).DevicePnPEvent };
            adapter.with_events(|events| events.device_events.push(code));
        }
    }
}

/// NdisFDevicePnPEventNotify.
///
/// # Safety
/// `event` is a valid notification.
pub(crate) unsafe fn filter_device_event(module: &module::Module, event: *mut NET_DEVICE_PNP_EVENT) {
    check(module, Operation::ForwardPnp);
    let adapter = module.adapter();
    device_down(&adapter, position(&adapter, module), event);
}
