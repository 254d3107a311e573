//! The side of user mode: opening devices, control requests, closing.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ddk::nt::{
    PFN_WDF_DEVICE_FILE_CREATE, PUNICODE_STRING, PWDF_DRIVER_GLOBALS, UNICODE_STRING, WDFDEVICE,
    WDFFILEOBJECT,
};

use super::device::{self, Device};
use super::loader::client;
use super::object::{Body, Object, Ref, expect};
use super::queue;
use super::request::{self, Kind, Outcome, Owner, Request};
use super::sddl::{READ_DATA, READ_WRITE, WRITE_DATA};
use super::{Who, functions, status, success};
use crate::cpu::{self, DISPATCH, PASSIVE};
use crate::verifier::{callback, violation};

/// The process that makes the requests.
pub(super) const PROCESS: u32 = 4711;
/// How long a synchronous call waits before the driver counts as one that never completes.
const LIMIT: Duration = Duration::from_secs(10);
/// How long a cancelled request may take to complete.
const CANCEL_LIMIT: Duration = Duration::from_secs(1);

/// The framework's file object.
pub(super) struct FileObject {
    device: Ref<Device>,
    name: UNICODE_STRING,
    /// Requests that user mode has made and not seen the end of.
    pending: Mutex<Vec<Ref<Request>>>,
}

// SAFETY: the name points to nothing.
unsafe impl Send for FileObject {}
// SAFETY: as above.
unsafe impl Sync for FileObject {}

impl std::fmt::Debug for FileObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileObject").finish_non_exhaustive()
    }
}

impl FileObject {
    /// The device.
    pub(super) fn device(&self) -> &Ref<Device> {
        &self.device
    }
}

/// An open handle to a device. Closes when dropped.
#[derive(Debug)]
pub struct File {
    file: Ref<FileObject>,
    access: u32,
}

/// A request whose end is not awaited.
#[derive(Debug)]
pub struct Pending {
    request: Ref<Request>,
}

/// Opens a device for reading and writing.
///
/// # Errors
/// The status with which the I/O manager or the driver refuses.
pub fn open(path: &str, who: Who) -> Result<File, i32> {
    open_with(path, who, READ_WRITE)
}

/// Opens a device with the given access rights.
///
/// # Errors
/// The status with which the I/O manager or the driver refuses.
pub fn open_with(path: &str, who: Who, access: u32) -> Result<File, i32> {
    cpu::init();
    let device = device::find(path).ok_or(status::OBJECT_NAME_NOT_FOUND)?;
    if !device.is_finished() {
        return Err(status::NO_SUCH_DEVICE);
    }
    if !device.acl().allows(who, access) {
        return Err(status::ACCESS_DENIED);
    }
    if device.handles.fetch_add(1, Ordering::AcqRel) != 0 && device.is_exclusive() {
        device.handles.fetch_sub(1, Ordering::AcqRel);
        return Err(status::ACCESS_DENIED);
    }
    let opened = create_file(&device).map(|file| File { file, access });
    if opened.is_err() {
        device.handles.fetch_sub(1, Ordering::AcqRel);
    }
    opened
}

fn create_file(device: &Ref<Device>) -> Result<Ref<FileObject>, i32> {
    let body = Body::File(FileObject {
        device: device.clone(),
        name: UNICODE_STRING { Length: 0, MaximumLength: 0, Buffer: std::ptr::null_mut() },
        pending: Mutex::default(),
    });
    let object = Object::create(body, device.file_attributes(), Some(&device.object))?;
    let file = Ref::<FileObject>::new(object).expect("a file was made");
    let event = device.files().and_then(|files| files.EvtDeviceFileCreate);
    let queued = device.queue_for_create();
    if event.is_none() && queued.is_none() {
        return Ok(file);
    }
    let status = request::create(Kind::Create, &file, &[], &[]).map_or_else(
        |status| status,
        |request| {
            match queued {
                Some(queue) => {
                    if let Err(status) = queue::add(&queue, request.object.clone()) {
                        request::finish(&request, status, 0);
                    }
                }
                None => present_create(device, &request, &file, event),
            }
            finished(&request, "EvtDeviceFileCreate").status
        },
    );
    if success(status) {
        return Ok(file);
    }
    file.object.delete();
    Err(status)
}

fn present_create(
    device: &Ref<Device>,
    request: &Ref<Request>,
    file: &Ref<FileObject>,
    event: PFN_WDF_DEVICE_FILE_CREATE,
) {
    let Some(event) = event else { return };
    request.set_owner(Owner::Driver(None));
    let (device, request): (WDFDEVICE, _) = (device.object.handle(), request.object.handle());
    // SAFETY: the driver's callback for this device.
    callback("EvtDeviceFileCreate", || unsafe { event(device, request, file.object.handle()) });
}

/// Waits for a request that is expected to end on its own.
fn finished(request: &Ref<Request>, what: &str) -> Outcome {
    match request.wait(LIMIT) {
        Some(outcome) => outcome,
        None => violation("K-31", &format!("a request given to {what} is never completed")),
    }
}

impl File {
    fn start(&self, kind: Kind, input: &[u8], output: &[u8]) -> Result<Ref<Request>, i32> {
        cpu::init();
        assert_eq!(cpu::irql(), PASSIVE, "user mode runs at PASSIVE_LEVEL");
        let request = request::create(kind, &self.file, input, output)?;
        let mut pending = self.file.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.retain(|request| request.wait(Duration::ZERO).is_none());
        pending.push(request.clone());
        drop(pending);
        let device = &self.file.device;
        match device.in_caller_context() {
            Some(event) => {
                request.set_owner(Owner::Driver(None));
                let (device, request) = (device.object.handle(), request.object.handle());
                // SAFETY: the driver's callback for this device.
                callback("EvtIoInCallerContext", || unsafe { event(device, request) });
            }
            None => queue::deliver(device, &request),
        }
        Ok(request)
    }

    fn start_control(
        &self,
        code: u32,
        input: &[u8],
        output: &[u8],
        room: usize,
    ) -> Result<Ref<Request>, i32> {
        let required = code >> 14 & 3;
        let granted = if self.access & READ_DATA != 0 { 1 } else { 0 }
            | if self.access & WRITE_DATA != 0 { 2 } else { 0 };
        if required & !granted != 0 {
            return Err(status::ACCESS_DENIED);
        }
        self.start(Kind::Control { code, input: input.len(), output: room }, input, output)
    }

    /// DeviceIoControl: sends `input`, and returns the status with what came back.
    pub fn ioctl(&self, code: u32, input: &[u8], room: usize) -> (i32, Vec<u8>) {
        match self.start_control(code, input, &[], room) {
            Ok(request) => {
                let outcome = finished(&request, "EvtIoDeviceControl");
                (outcome.status, outcome.output)
            }
            Err(status) => (status, Vec::new()),
        }
    }

    /// DeviceIoControl of a code that moves its second buffer directly: `buffer` is what it holds before.
    /// Returns the status and what the driver says is in it afterwards.
    pub fn ioctl_direct(&self, code: u32, input: &[u8], buffer: &[u8]) -> (i32, Vec<u8>) {
        match self.start_control(code, input, buffer, buffer.len()) {
            Ok(request) => {
                let outcome = finished(&request, "EvtIoDeviceControl");
                (outcome.status, outcome.output)
            }
            Err(status) => (status, Vec::new()),
        }
    }

    /// As [`ioctl_direct`](Self::ioctl_direct), with `buffer` as the caller's pages: they hold what the driver
    /// wrote to them, however many bytes it says it did. Returns the status.
    pub fn ioctl_in_place(&self, code: u32, input: &[u8], buffer: &mut [u8]) -> i32 {
        match self.start_control(code, input, buffer, buffer.len()) {
            Ok(request) => {
                let outcome = finished(&request, "EvtIoDeviceControl");
                if outcome.direct.len() == buffer.len() {
                    buffer.copy_from_slice(&outcome.direct);
                }
                outcome.status
            }
            Err(status) => status,
        }
    }

    /// DeviceIoControl without waiting.
    ///
    /// # Errors
    /// The status with which the I/O manager refuses.
    pub fn ioctl_pending(&self, code: u32, input: &[u8], room: usize) -> Result<Pending, i32> {
        self.start_control(code, input, &[], room).map(|request| Pending { request })
    }

    /// ReadFile.
    pub fn read(&self, room: usize) -> (i32, Vec<u8>) {
        match self.start(Kind::Read { length: room }, &[], &[]) {
            Ok(request) => {
                let outcome = finished(&request, "EvtIoRead");
                (outcome.status, outcome.output)
            }
            Err(status) => (status, Vec::new()),
        }
    }

    /// WriteFile: the status and the number of bytes taken.
    pub fn write(&self, bytes: &[u8]) -> (i32, usize) {
        match self.start(Kind::Write { length: bytes.len() }, bytes, &[]) {
            Ok(request) => {
                let outcome = finished(&request, "EvtIoWrite");
                (outcome.status, outcome.information)
            }
            Err(status) => (status, 0),
        }
    }

    /// CloseHandle.
    pub fn close(self) {}
}

impl Drop for File {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        cpu::init();
        let device = &self.file.device;
        let handle = || self.file.object.handle();
        if let Some(event) = device.files().and_then(|files| files.EvtFileCleanup) {
            // SAFETY: the driver's callback for this file.
            callback("EvtFileCleanup", || unsafe { event(handle()) });
        }
        let pending = std::mem::take(&mut *self.file.pending.lock().unwrap_or_else(PoisonError::into_inner));
        for request in pending {
            request::cancel(&request);
            if request.wait(CANCEL_LIMIT).is_none() {
                violation("G-56", "a cancelled request does not complete");
            }
        }
        if let Some(event) = device.files().and_then(|files| files.EvtFileClose) {
            // SAFETY: as above.
            callback("EvtFileClose", || unsafe { event(handle()) });
        }
        self.file.object.delete();
        device.handles.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Pending {
    /// CancelIoEx.
    pub fn cancel(&self) {
        cpu::init();
        request::cancel(&self.request);
    }

    /// Waits for the end; none if it does not come in time.
    pub fn wait(&self, limit: Duration) -> Option<(i32, Vec<u8>)> {
        self.request.wait(limit).map(|outcome| (outcome.status, outcome.output))
    }

    /// Whether the driver has the request, rather than a queue or nobody.
    pub fn is_with_driver(&self) -> bool {
        self.request.is_with_driver()
    }
}

functions! {
    /// Functions for files.
    pub(super) static TABLE;

    /// The device.
    irql(0..=DISPATCH) fn WdfFileObjectGetDevice: PFN_WDFFILEOBJECTGETDEVICE (
        globals: PWDF_DRIVER_GLOBALS, file: WDFFILEOBJECT
    ) -> WDFDEVICE {
        client(globals);
        expect::<FileObject, _>(file).device.object.handle()
    }

    /// The name behind the device's, which is empty.
    irql(0..=DISPATCH) fn WdfFileObjectGetFileName: PFN_WDFFILEOBJECTGETFILENAME (
        globals: PWDF_DRIVER_GLOBALS, file: WDFFILEOBJECT
    ) -> PUNICODE_STRING {
        client(globals);
        (&raw const expect::<FileObject, _>(file).name).cast_mut()
    }

    /// The process that opened the file.
    irql(0..=DISPATCH) fn WdfFileObjectGetInitiatorProcessId: PFN_WDFFILEOBJECTGETINITIATORPROCESSID (
        globals: PWDF_DRIVER_GLOBALS, file: WDFFILEOBJECT
    ) -> u32 {
        client(globals);
        expect::<FileObject, _>(file);
        PROCESS
    }
}
