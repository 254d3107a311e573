//! Notifications of changes.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use ddk::netio::*;
use ddk::nt::{self, BOOLEAN, HANDLE, PVOID};

use super::super::active::{self, Kind};
use super::super::{client, later, lock};
use super::{IRQL, rows};
use crate::cpu::PASSIVE;
use crate::handle;
use crate::ndis::adapter::Adapter;
use crate::verifier::violation;
use crate::{clock, pool, schedule};

/// What happened to an interface or an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is there now.
    Added,
    /// A parameter of it has changed.
    Changed,
    /// It is gone.
    Deleted,
}

impl Change {
    fn kind(self) -> MIB_NOTIFICATION_TYPE {
        match self {
            Self::Added => MibAddInstance,
            Self::Changed => MibParameterNotification,
            Self::Deleted => MibDeleteInstance,
        }
    }
}

/// What a driver is called back for, and where.
#[derive(Clone, Copy)]
enum Callback {
    Interface(PIPINTERFACE_CHANGE_CALLBACK),
    Address(PUNICAST_IPADDRESS_CHANGE_CALLBACK),
    Route(PIPFORWARD_CHANGE_CALLBACK),
}

/// One notification: its key fields, or none for the first one.
#[derive(Clone, Copy)]
enum Row {
    None,
    Interface(MIB_IPINTERFACE_ROW),
    Address(MIB_UNICASTIPADDRESS_ROW),
}

// SAFETY: rows hold integers only.
unsafe impl Send for Row {}

/// A registered callback.
struct Registration {
    number: u64,
    family: u16,
    callback: Callback,
    context: usize,
    cancelled: AtomicBool,
    waiting: Mutex<VecDeque<(Row, MIB_NOTIFICATION_TYPE)>>,
    /// Set while the callback runs: calls of one registration come one after the other (H13).
    running: AtomicBool,
}

impl handle::Object for Registration {
    const KIND: &'static str = "change notification";
    const LEAK_RULE: Option<&'static str> = Some("HV-1");
}

static REGISTRATIONS: Mutex<Vec<Arc<Registration>>> = Mutex::new(Vec::new());

impl Registration {
    /// Waits for its turn.
    fn begin(&self) {
        schedule::wait(None, || !self.running.swap(true, Ordering::AcqRel));
    }

    fn call(&self, mut row: Row, kind: MIB_NOTIFICATION_TYPE) {
        let context = self.context as PVOID;
        let address = match &mut row {
            Row::None => std::ptr::null_mut(),
            Row::Interface(row) => (&raw mut *row).cast::<u8>(),
            Row::Address(row) => (&raw mut *row).cast(),
        };
        active::run(Kind::Notification(self.number), "the change notification", || {
            // SAFETY: the driver's callback with its context and a row that dies when it returns (H12).
            unsafe {
                match self.callback {
                    Callback::Interface(function) => function.map(|f| f(context, address.cast(), kind)),
                    Callback::Address(function) => function.map(|f| f(context, address.cast(), kind)),
                    Callback::Route(function) => function.map(|f| f(context, address.cast(), kind)),
                }
            }
        });
    }

    /// Queues a notification for another thread.
    fn queue(self: &Arc<Self>, row: Row, kind: MIB_NOTIFICATION_TYPE) {
        lock(&self.waiting).push_back((row, kind));
        let registration = self.clone();
        later::run(PASSIVE, move || {
            registration.begin();
            let next = lock(&registration.waiting).pop_front();
            if let Some((row, kind)) = next.filter(|_| !registration.cancelled.load(Ordering::Acquire)) {
                registration.call(row, kind);
            }
            registration.running.store(false, Ordering::Release);
        });
    }
}

/// Tells drivers that the adapter's IP interfaces have changed. Only the key fields of the row are filled.
pub fn interface_changed(adapter: &Adapter, change: Change) {
    for registration in lock(&REGISTRATIONS).iter() {
        if !matches!(registration.callback, Callback::Interface(_)) {
            continue;
        }
        for family in [AF_INET, AF_INET6] {
            if registration.family == AF_UNSPEC || registration.family == family {
                let full = rows::ip_interface(adapter, family);
                // SAFETY: integers only; zero is valid.
                let mut row: MIB_IPINTERFACE_ROW = unsafe { std::mem::zeroed() };
                row.Family = family;
                row.InterfaceLuid = full.InterfaceLuid;
                row.InterfaceIndex = full.InterfaceIndex;
                registration.queue(Row::Interface(row), change.kind());
            }
        }
    }
}

/// Tells drivers that an address of the adapter has changed. Only the key fields of the row are filled.
pub fn address_changed(adapter: &Adapter, ip: IpAddr, change: Change) {
    let family = if ip.is_ipv4() { AF_INET } else { AF_INET6 };
    for registration in lock(&REGISTRATIONS).iter() {
        let wanted = registration.family == AF_UNSPEC || registration.family == family;
        if wanted && matches!(registration.callback, Callback::Address(_)) {
            let full = rows::unicast(adapter, ip);
            // SAFETY: integers only; zero is valid.
            let mut row: MIB_UNICASTIPADDRESS_ROW = unsafe { std::mem::zeroed() };
            row.Address = full.Address;
            row.InterfaceLuid = full.InterfaceLuid;
            row.InterfaceIndex = full.InterfaceIndex;
            registration.queue(Row::Address(row), change.kind());
        }
    }
}

/// Registers a callback.
///
/// # Safety
/// `out` is null or the driver's output.
unsafe fn register(
    family: u16,
    callback: Callback,
    context: PVOID,
    initial: BOOLEAN,
    out: *mut HANDLE,
) -> i32 {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let set = match callback {
        Callback::Interface(function) => function.is_some(),
        Callback::Address(function) => function.is_some(),
        Callback::Route(function) => function.is_some(),
    };
    if out.is_null() || !set || ![AF_UNSPEC, AF_INET, AF_INET6].contains(&family) {
        return nt::STATUS_INVALID_PARAMETER;
    }
    // SAFETY: the caller's promise.
    unsafe { out.write(std::ptr::null_mut()) };
    if pool::must_fail() {
        return nt::STATUS_INSUFFICIENT_RESOURCES;
    }
    let registration = Arc::new(Registration {
        number: NUMBER.fetch_add(1, Ordering::Relaxed),
        family,
        callback,
        context: context as usize,
        cancelled: AtomicBool::new(false),
        waiting: Mutex::default(),
        running: AtomicBool::new(false),
    });
    lock(&REGISTRATIONS).push(registration.clone());
    // The first call comes before the driver has its handle (H11).
    if initial != 0 {
        registration.begin();
        registration.call(Row::None, MibInitialNotification);
        registration.running.store(false, Ordering::Release);
    }
    // SAFETY: the caller's promise.
    unsafe { out.write(handle::create(registration)) };
    nt::STATUS_SUCCESS
}

crate::exports! {
    /// Notifications.
    pub(super) static EXPORTS: "NETIO.SYS", sig ddk::netio::sig;

    /// Asks for changes of IP interfaces.
    irql(IRQL, "HV-3") fn NotifyIpInterfaceChange(
        family: ADDRESS_FAMILY, callback: PIPINTERFACE_CHANGE_CALLBACK, context: PVOID, initial: BOOLEAN,
        out: *mut HANDLE
    ) -> i32 {
        // SAFETY: the driver's output.
        unsafe { register(family, Callback::Interface(callback), context, initial, out) }
    }

    /// Asks for changes of unicast addresses.
    irql(IRQL, "HV-3") fn NotifyUnicastIpAddressChange(
        family: ADDRESS_FAMILY, callback: PUNICAST_IPADDRESS_CHANGE_CALLBACK, context: PVOID, initial: BOOLEAN,
        out: *mut HANDLE
    ) -> i32 {
        // SAFETY: the driver's output.
        unsafe { register(family, Callback::Address(callback), context, initial, out) }
    }

    /// Asks for changes of routes; there are none to change.
    irql(IRQL, "HV-3") fn NotifyRouteChange2(
        family: ADDRESS_FAMILY, callback: PIPFORWARD_CHANGE_CALLBACK, context: PVOID, initial: BOOLEAN,
        out: *mut HANDLE
    ) -> i32 {
        // SAFETY: the driver's output.
        unsafe { register(family, Callback::Route(callback), context, initial, out) }
    }

    /// Ends a notification and waits for its callback.
    irql(IRQL, "HV-3") fn CancelMibChangeNotify2(notification: HANDLE) -> i32 {
        if notification.is_null() {
            return nt::STATUS_INVALID_PARAMETER;
        }
        let Some(registration) = handle::get::<Registration>(notification) else {
            let what = handle::describe(notification);
            violation("HV-1", &format!("CancelMibChangeNotify2 for {notification:p}, which is {what} (H14)"));
        };
        if active::inside(|kind| kind == Kind::Notification(registration.number)) {
            violation("HV-1", "CancelMibChangeNotify2 in the callback that it would wait for (H14)");
        }
        handle::close::<Registration>(notification);
        registration.cancelled.store(true, Ordering::Release);
        lock(&REGISTRATIONS).retain(|other| !Arc::ptr_eq(other, &registration));
        let idle = || !registration.running.load(Ordering::Acquire);
        if !schedule::wait(Some(clock::now() + client::hang_limit()), idle) {
            violation("HV-1", "CancelMibChangeNotify2 never returns: the callback waits for its caller (H14)");
        }
        nt::STATUS_SUCCESS
    }
}
