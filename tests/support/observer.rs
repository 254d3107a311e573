//! A filter driver in host code that writes down, byte by byte, what passes it and passes it on. One below the driver
//! under test and one above it tell whether something changed in between.

use std::ffi::c_void;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ddk::ndis::*;
use ddk::nt::{DRIVER_OBJECT, UNICODE_STRING};
use lab::ndis::exports::{
    NdisFCancelDirectOidRequest, NdisFDeregisterFilterDriver, NdisFDevicePnPEventNotify, NdisFIndicateStatus,
    NdisFNetPnPEvent, NdisFRegisterFilterDriver, NdisFSetAttributes,
};

/// The observer; registered until it is told to go.
pub struct Observer {
    driver: AtomicUsize,
    module: AtomicUsize,
    seen: Mutex<Vec<Vec<u8>>>,
}

impl Observer {
    /// Registers an observer, which NDIS puts on top of every stack; `number` keeps several apart.
    pub fn register(number: u8) -> &'static Self {
        let observer: &'static Self = Box::leak(Box::new(Self {
            driver: AtomicUsize::new(0),
            module: AtomicUsize::new(0),
            seen: Mutex::default(),
        }));
        // SAFETY: a structure of integers and nullable code addresses, for which zero is valid.
        let mut all: NDIS_FILTER_DRIVER_CHARACTERISTICS = unsafe { std::mem::zeroed() };
        all.Header = NDIS_OBJECT_HEADER {
            Type: NDIS_OBJECT_TYPE_FILTER_DRIVER_CHARACTERISTICS,
            Revision: NDIS_FILTER_CHARACTERISTICS_REVISION_2,
            Size: NDIS_SIZEOF_FILTER_DRIVER_CHARACTERISTICS_REVISION_2,
        };
        (all.MajorNdisVersion, all.MinorNdisVersion) = (6, 30);
        all.FriendlyName = string("Observer");
        all.UniqueName = string(&format!("{{5CBF81BD-5055-47CD-9055-A76B2B4E36{number:02X}}}"));
        all.ServiceName = string("observer");
        all.AttachHandler = Some(attach);
        all.DetachHandler = Some(detach);
        all.RestartHandler = Some(restart);
        all.PauseHandler = Some(pause);
        all.StatusHandler = Some(status);
        all.NetPnPEventHandler = Some(net_event);
        all.DevicePnPEventNotifyHandler = Some(device_event);
        // SAFETY: a structure that nobody looks into.
        let object: &'static mut DRIVER_OBJECT = Box::leak(Box::new(unsafe { std::mem::zeroed() }));
        let context = std::ptr::from_ref(observer).cast_mut().cast();
        let mut handle = std::ptr::null_mut();
        // SAFETY: all pointers are valid through the call, and the observer lives as long as the process.
        let status = unsafe { NdisFRegisterFilterDriver(object, context, &raw mut all, &raw mut handle) };
        assert_eq!(status, NDIS_STATUS_SUCCESS);
        observer.driver.store(handle as usize, Ordering::Relaxed);
        observer
    }

    /// Takes what was seen since the last call: each time the structure, then the bytes it points to.
    pub fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.seen.lock().expect("no test panics while it looks"))
    }

    /// Cancels direct OID requests below.
    pub fn cancel_direct_oid(&self, id: usize) {
        let module = self.module.load(Ordering::Relaxed) as NDIS_HANDLE;
        // SAFETY: the handle is that of the attached module.
        unsafe { NdisFCancelDirectOidRequest(module, id as *mut c_void) }
    }

    /// Leaves every stack.
    pub fn deregister(&self) {
        let handle = self.driver.load(Ordering::Relaxed) as NDIS_HANDLE;
        // SAFETY: the handle comes from the registration and is given up here.
        unsafe { NdisFDeregisterFilterDriver(handle) }
    }

    fn handle(&self) -> NDIS_HANDLE {
        self.module.load(Ordering::Relaxed) as NDIS_HANDLE
    }

    /// # Safety
    /// `value` must be initialised, and `length` bytes readable at `buffer`.
    unsafe fn see<T>(&self, value: *const T, buffer: *const c_void, length: u32) {
        let copy = |from: *const u8, length: usize| {
            if length == 0 {
                return Vec::new();
            }
            // SAFETY: by the contract of this function; padding was zeroed by the lab with the rest.
            unsafe { std::slice::from_raw_parts(from, length) }.to_vec()
        };
        let mut bytes = copy(value.cast(), size_of::<T>());
        bytes.extend(copy(buffer.cast(), length as usize));
        self.seen.lock().expect("no test panics while it looks").push(bytes);
    }
}

fn string(text: &str) -> UNICODE_STRING {
    let units: &'static mut [u16] = Box::leak(text.encode_utf16().collect());
    let bytes = (units.len() * 2) as u16;
    UNICODE_STRING { Length: bytes, MaximumLength: bytes, Buffer: units.as_mut_ptr() }
}

/// # Safety
/// `context` must be an observer's: that of its registration or of its module.
unsafe fn observer(context: NDIS_HANDLE) -> &'static Observer {
    // SAFETY: by the contract of this function; observers are never freed.
    unsafe { &*context.cast::<Observer>() }
}

unsafe extern "win64" fn attach(
    filter: NDIS_HANDLE,
    context: NDIS_HANDLE,
    _: PNDIS_FILTER_ATTACH_PARAMETERS,
) -> NDIS_STATUS {
    // SAFETY: NDIS passes the context of the registration.
    unsafe { observer(context) }.module.store(filter as usize, Ordering::Relaxed);
    let mut attributes = NDIS_FILTER_ATTRIBUTES {
        Header: NDIS_OBJECT_HEADER { Type: NDIS_OBJECT_TYPE_FILTER_ATTRIBUTES, Revision: 1, Size: 8 },
        Flags: 0,
    };
    // SAFETY: called inside FilterAttach with its handle.
    unsafe { NdisFSetAttributes(filter, context, &raw mut attributes) }
}

unsafe extern "win64" fn detach(_: NDIS_HANDLE) {}

unsafe extern "win64" fn restart(_: NDIS_HANDLE, _: PNDIS_FILTER_RESTART_PARAMETERS) -> NDIS_STATUS {
    NDIS_STATUS_SUCCESS
}

unsafe extern "win64" fn pause(_: NDIS_HANDLE, _: PNDIS_FILTER_PAUSE_PARAMETERS) -> NDIS_STATUS {
    NDIS_STATUS_SUCCESS
}

unsafe extern "win64" fn status(context: NDIS_HANDLE, indication: PNDIS_STATUS_INDICATION) {
    // SAFETY: the context is that of the module, and the indication is valid through the call.
    unsafe {
        let observer = observer(context);
        observer.see(indication, (*indication).StatusBuffer, (*indication).StatusBufferSize);
        NdisFIndicateStatus(observer.handle(), indication);
    }
}

unsafe extern "win64" fn net_event(context: NDIS_HANDLE, event: PNET_PNP_EVENT_NOTIFICATION) -> NDIS_STATUS {
    // SAFETY: as in `status`.
    unsafe {
        let observer = observer(context);
        observer.see(event, (*event).NetPnPEvent.Buffer, (*event).NetPnPEvent.BufferLength);
        NdisFNetPnPEvent(observer.handle(), event)
    }
}

unsafe extern "win64" fn device_event(context: NDIS_HANDLE, event: PNET_DEVICE_PNP_EVENT) {
    // SAFETY: as in `status`.
    unsafe {
        let observer = observer(context);
        observer.see(event, (*event).InformationBuffer, (*event).InformationBufferLength);
        NdisFDevicePnPEventNotify(observer.handle(), event);
    }
}
