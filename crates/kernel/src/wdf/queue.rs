//! Queues in which requests wait until the driver wants them.

use ddk::nt::{
    _WDF_IO_QUEUE_DISPATCH_TYPE, _WDF_TRI_STATE, WDF_IO_QUEUE_CONFIG, WDF_NO_OBJECT_ATTRIBUTES,
    WDFFILEOBJECT, WDFQUEUE, WDFREQUEST,
};
use ddk::wdf_call as wdf;

use super::device::ControlDevice;
use super::request::{FileId, Request};
use crate::irql::Passive;
use crate::status::Status;

/// A queue of METHOD_BUFFERED I/O controls. The framework cancels what waits in it when its sender wants that or closes
/// its handle, and deletes it with the device.
#[derive(Clone, Copy, Debug)]
pub struct ManualQueue(WDFQUEUE);

// SAFETY: framework handles may be used on any thread.
unsafe impl Send for ManualQueue {}
// SAFETY: as above.
unsafe impl Sync for ManualQueue {}

impl ManualQueue {
    /// A queue of `device`.
    #[doc(alias = "WdfIoQueueCreate")]
    pub fn create(device: &ControlDevice, _at: Passive<'_>) -> Result<Self, Status> {
        let mut config = WDF_IO_QUEUE_CONFIG {
            Size: size_of::<WDF_IO_QUEUE_CONFIG>() as u32,
            DispatchType: _WDF_IO_QUEUE_DISPATCH_TYPE::WdfIoQueueDispatchManual,
            PowerManaged: _WDF_TRI_STATE::WdfFalse,
            ..Default::default()
        };
        let mut queue: WDFQUEUE = core::ptr::null_mut();
        // SAFETY: the device handle is live; the configuration is copied.
        let status = unsafe {
            wdf!(WdfIoQueueCreate, device.device, &raw mut config, WDF_NO_OBJECT_ATTRIBUTES, &raw mut queue)
        };
        Status(status).ok()?;
        Ok(Self(queue))
    }

    /// Lets a request wait; gives it back when the queue does not take it. IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "WdfRequestForwardToIoQueue")]
    pub fn push(&self, request: Request) -> Result<(), (Request, Status)> {
        let (handle, input, output) = request.into_raw();
        // SAFETY: the request is live and owned, and the queue belongs to its device.
        let status = Status(unsafe { wdf!(WdfRequestForwardToIoQueue, handle, self.0) });
        if status.is_success() {
            return Ok(());
        }
        // SAFETY: the queue did not take the request, so it is still owned.
        Err((unsafe { Request::from_raw(handle, input, output) }, status))
    }

    /// Takes a request that came through `file`; `None` when none waits. IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "WdfIoQueueRetrieveRequestByFileObject")]
    #[must_use]
    pub fn pop(&self, file: FileId) -> Option<Request> {
        let file: WDFFILEOBJECT = core::ptr::without_provenance_mut(file.0);
        let mut handle: WDFREQUEST = core::ptr::null_mut();
        // SAFETY: the queue lives as long as its device; the framework only compares the file object.
        let found = unsafe { wdf!(WdfIoQueueRetrieveRequestByFileObject, self.0, file, &raw mut handle) };
        Status(found).ok().ok()?;
        let mut parameters = ddk::wdf::WDF_REQUEST_PARAMETERS_INIT();
        // SAFETY: the request is live and owned.
        unsafe { wdf!(WdfRequestGetParameters, handle, &raw mut parameters) };
        // SAFETY: the device has I/O controls only, so this view of the union is valid.
        let control = unsafe { parameters.Parameters.DeviceIoControl };
        // SAFETY: the framework hands over the request with its retrieval.
        Some(unsafe { Request::from_raw(handle, control.InputBufferLength, control.OutputBufferLength) })
    }
}
