//! Requests in the context of the process that made them: buffers that the request points to, and the way on
//! to a queue.

use std::ffi::c_void;

use ddk::nt::{PIRP, PVOID, PWDF_DRIVER_GLOBALS, WDFDEVICE, WDFMEMORY, WDFREQUEST};

use super::deferred::Memory;
use super::device::Device;
use super::loader::client;
use super::object::{Body, Object, Ref, expect};
use super::request::{Owner, Request};
use super::{functions, queue, required, status};
use crate::cpu::{APC, DISPATCH, PASSIVE};
use crate::pool;
use crate::seh::{self, Access};
use crate::verifier::violation;

/// The request, which the driver has to have outside any queue: only then does it run in the caller's
/// context.
fn in_context(request: WDFREQUEST, what: &str) -> Ref<Request> {
    let request = expect::<Request, _>(request);
    if request.driver_queue(what).is_some() {
        violation("L-2", &format!("{what} for a request that came from a queue"));
    }
    request
}

fn lock(
    request: WDFREQUEST,
    what: &str,
    (buffer, length): (*mut c_void, usize),
    access: Access,
    out: *mut WDFMEMORY,
) -> i32 {
    required(out, "the place for the memory");
    let request = in_context(request, what);
    if buffer.is_null() || length == 0 {
        return status::INVALID_PARAMETER;
    }
    if pool::must_fail() {
        return status::INSUFFICIENT_RESOURCES;
    }
    if let Err(code) = seh::probe(buffer as usize, length, access) {
        return code as i32;
    }
    // The memory goes with the request.
    let body = Body::Memory(Memory::borrowed(buffer as usize, length));
    match Object::create(body, None, Some(&request.object)) {
        Ok(memory) => {
            // SAFETY: checked above.
            unsafe { out.write(memory.handle()) };
            status::SUCCESS
        }
        Err(code) => code,
    }
}

functions! {
    /// Functions for requests in the caller's context.
    pub(super) static TABLE;

    /// Sends a request on to the queue that it belongs to.
    irql(0..=DISPATCH) fn WdfDeviceEnqueueRequest: PFN_WDFDEVICEENQUEUEREQUEST (
        globals: PWDF_DRIVER_GLOBALS, device: WDFDEVICE, request: WDFREQUEST
    ) -> i32 {
        client(globals);
        let device = expect::<Device, _>(device);
        let request = in_context(request, "WdfDeviceEnqueueRequest");
        let Some(queue) = device.queue(request.kind.code()) else { return status::INVALID_DEVICE_REQUEST };
        let object = request.object.clone();
        request.set_owner(Owner::Framework);
        queue::add(&queue, object).inspect_err(|_| request.set_owner(Owner::Driver(None))).err().unwrap_or(0)
    }

    /// Makes a buffer of user mode readable for as long as the request lives.
    irql(PASSIVE..=APC)
    fn WdfRequestProbeAndLockUserBufferForRead: PFN_WDFREQUESTPROBEANDLOCKUSERBUFFERFORREAD (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST, buffer: PVOID, length: usize, memory: *mut WDFMEMORY
    ) -> i32 {
        client(globals);
        lock(request, "WdfRequestProbeAndLockUserBufferForRead", (buffer, length), Access::Read, memory)
    }

    /// Makes a buffer of user mode writable for as long as the request lives.
    irql(PASSIVE..=APC)
    fn WdfRequestProbeAndLockUserBufferForWrite: PFN_WDFREQUESTPROBEANDLOCKUSERBUFFERFORWRITE (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST, buffer: PVOID, length: usize, memory: *mut WDFMEMORY
    ) -> i32 {
        client(globals);
        lock(request, "WdfRequestProbeAndLockUserBufferForWrite", (buffer, length), Access::Write, memory)
    }

    /// The IRP behind a request.
    irql(0..=DISPATCH) fn WdfRequestWdmGetIrp: PFN_WDFREQUESTWDMGETIRP (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST
    ) -> PIRP {
        client(globals);
        expect::<Request, _>(request).irp()
    }
}
