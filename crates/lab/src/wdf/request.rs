//! Requests: buffers, cancellation, and exactly one completion.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ddk::nt::{
    _WDF_REQUEST_TYPE as types, IRP, PFN_WDF_IO_QUEUE_IO_CANCELED_ON_QUEUE, PFN_WDF_REQUEST_CANCEL, PIRP,
    PMDL, PVOID, PWDF_DRIVER_GLOBALS, PWDF_REQUEST_PARAMETERS, WDF_REQUEST_PARAMETERS, WDFFILEOBJECT,
    WDFMEMORY, WDFQUEUE, WDFREQUEST,
};

use super::deferred::Memory;
use super::loader::client;
use super::object::{Body, Object, Ref, expect};
use super::queue::{self, Queue};
use super::user::FileObject;
use super::{functions, required, status, success};
use crate::cpu::DISPATCH;
use crate::ntoskrnl::{irp, mdl};
use crate::pool::{self, Fill};
use crate::verifier::{callback, violation};
use crate::{clock, handle, schedule};

/// WdfRequestTypeCreate.
pub(super) const CREATE: i32 = types::WdfRequestTypeCreate;
const METHOD_BUFFERED: u32 = 0;
const METHOD_NEITHER: u32 = 3;
const BUFFER_TAG: u32 = u32::from_le_bytes(*b"Irp ");
/// So many bytes of the fill pattern in a row are memory that nobody wrote.
const UNWRITTEN_RUN: usize = 8;

/// What a request asks for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Create,
    Read { length: usize },
    Write { length: usize },
    Control { code: u32, input: usize, output: usize },
}

impl Kind {
    /// The WDF_REQUEST_TYPE.
    pub(super) fn code(self) -> i32 {
        match self {
            Self::Create => CREATE,
            Self::Read { .. } => types::WdfRequestTypeRead,
            Self::Write { .. } => types::WdfRequestTypeWrite,
            Self::Control { .. } => types::WdfRequestTypeDeviceControl,
        }
    }

    fn input_length(self) -> usize {
        match self {
            Self::Write { length } | Self::Control { input: length, .. } => length,
            _ => 0,
        }
    }

    fn output_length(self) -> usize {
        match self {
            Self::Read { length } | Self::Control { output: length, .. } => length,
            _ => 0,
        }
    }

    fn method(self) -> u32 {
        match self {
            Self::Control { code, .. } => code & 3,
            _ => METHOD_BUFFERED,
        }
    }
}

/// Who has a request.
#[derive(Debug)]
pub(super) enum Owner {
    Framework,
    Queue(Ref<Queue>),
    /// The driver, with the queue that it got the request from.
    Driver(Option<Ref<Queue>>),
    Nobody,
}

/// The end of a request.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) status: i32,
    pub(super) information: usize,
    pub(super) output: Vec<u8>,
    /// The buffer of a direct request, which is the caller's own memory, whatever the status.
    pub(super) direct: Vec<u8>,
}

#[derive(Debug)]
struct Inner {
    owner: Owner,
    cancel: PFN_WDF_REQUEST_CANCEL,
    canceled: bool,
    /// Whether the driver has had it.
    delivered: bool,
    information: usize,
    status: i32,
    /// The buffer that input and buffered output share.
    system: usize,
    /// The buffer of direct output.
    direct: usize,
    mdls: Vec<usize>,
    memory: [usize; 2],
    /// The IRP, if the driver asked for it.
    irp: usize,
    outcome: Option<Outcome>,
}

/// A request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) kind: Kind,
    pub(super) file: Ref<FileObject>,
    inner: Mutex<Inner>,
    done: Condvar,
}

/// Makes a request of user mode, with its input in kernel memory.
///
/// `output` is what the buffer for direct output holds already: with METHOD_IN_DIRECT it is more input.
pub(super) fn create(
    kind: Kind,
    file: &Ref<FileObject>,
    input: &[u8],
    output: &[u8],
) -> Result<Ref<Request>, i32> {
    let (mut system, mut direct) = (0, 0);
    let room = kind.output_length();
    let shared = if kind.method() == METHOD_BUFFERED { input.len().max(room) } else { input.len() };
    if shared != 0 {
        system = pool::lend(shared, BUFFER_TAG, Fill::Pattern) as usize;
        // SAFETY: the block was just made with room for the input.
        unsafe { std::ptr::copy_nonoverlapping(input.as_ptr(), system as *mut u8, input.len()) };
    }
    if kind.method() != METHOD_BUFFERED && kind.method() != METHOD_NEITHER && room != 0 {
        direct = pool::lend(room, BUFFER_TAG, Fill::Zero) as usize;
        let given = output.len().min(room);
        // SAFETY: the block was just made with that much room.
        unsafe { std::ptr::copy_nonoverlapping(output.as_ptr(), direct as *mut u8, given) };
    }
    let device = file.device();
    let body = Body::Request(Request {
        kind,
        file: file.clone(),
        inner: Mutex::new(Inner {
            owner: Owner::Framework,
            cancel: None,
            canceled: false,
            delivered: false,
            information: 0,
            status: 0,
            system,
            direct,
            mdls: Vec::new(),
            memory: [0; 2],
            irp: 0,
            outcome: None,
        }),
        done: Condvar::new(),
    });
    let object = Object::create(body, device.request_attributes(), None).inspect_err(|_| {
        for block in [system, direct].into_iter().filter(|block| *block != 0) {
            pool::take_back(block as *mut u8);
        }
    })?;
    Ok(Ref::<Request>::new(object).expect("a request was made"))
}

impl Request {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands the request over.
    pub(super) fn set_owner(&self, owner: Owner) {
        let mut inner = self.inner();
        inner.delivered |= matches!(owner, Owner::Driver(_));
        inner.owner = owner;
    }

    /// The queue from which the driver got the request; breaks rule K-31 if the driver does not have it.
    pub(super) fn driver_queue(&self, what: &str) -> Option<Ref<Queue>> {
        let inner = self.inner();
        match &inner.owner {
            Owner::Driver(queue) => {
                let (queue, cancelable) = (queue.clone(), inner.cancel.is_some());
                drop(inner);
                if cancelable {
                    violation("K-35", &format!("{what} for a request that is still marked cancelable"));
                }
                queue
            }
            _ => {
                drop(inner);
                violation("K-31", &format!("{what} for a request that the driver does not have"))
            }
        }
    }

    /// Waits for the end of the request; none if it does not come in time.
    pub(super) fn wait(&self, limit: Duration) -> Option<Outcome> {
        let deadline = Some(clock::now() + limit);
        let open = |inner: &mut Inner| inner.outcome.is_none();
        schedule::wait_while(&self.inner, self.inner(), &self.done, deadline, open).0.outcome.clone()
    }

    /// Whether the driver has the request.
    pub(super) fn is_with_driver(&self) -> bool {
        matches!(self.inner().owner, Owner::Driver(_))
    }

    /// The IRP behind the request, as far as drivers look into it: who asked, from which mode, and the buffer.
    pub(super) fn irp(&self) -> PIRP {
        const IO_TYPE_IRP: i16 = 6;
        const USER_MODE: i8 = 1;
        let mut inner = self.inner();
        if inner.irp == 0 {
            let irp = pool::lend(size_of::<IRP>(), BUFFER_TAG, Fill::Zero).cast::<IRP>();
            inner.irp = irp as usize;
            irp::lend(irp);
            // SAFETY: the block was just made, zeroed, with room for it.
            unsafe {
                (*irp).Type = IO_TYPE_IRP;
                (*irp).Size = size_of::<IRP>() as u16;
                (*irp).RequestorMode = USER_MODE;
                (*irp).StackCount = 1;
                (*irp).CurrentLocation = 1;
                (*irp).AssociatedIrp.SystemBuffer = inner.system as PVOID;
            }
        }
        inner.irp as PIRP
    }

    /// Writes what the request asks for.
    pub(super) fn parameters(&self, out: PWDF_REQUEST_PARAMETERS) {
        // SAFETY: the driver passes a structure whose size it states in the first field; the union is all
        // numbers and nullable pointers.
        unsafe {
            if usize::from((*out).Size) != size_of::<WDF_REQUEST_PARAMETERS>() {
                violation("L-2", &format!("request parameters of {} bytes", (*out).Size));
            }
            let mut parameters: WDF_REQUEST_PARAMETERS = std::mem::zeroed();
            parameters.Size = size_of::<WDF_REQUEST_PARAMETERS>() as u16;
            parameters.Type = self.kind.code();
            match self.kind {
                Kind::Create => {}
                Kind::Read { length } => parameters.Parameters.Read.Length = length,
                Kind::Write { length } => parameters.Parameters.Write.Length = length,
                Kind::Control { code, input, output } => {
                    parameters.Parameters.DeviceIoControl.IoControlCode = code;
                    parameters.Parameters.DeviceIoControl.InputBufferLength = input;
                    parameters.Parameters.DeviceIoControl.OutputBufferLength = output;
                }
            }
            out.write(parameters);
        }
    }

    /// The input: address and length.
    fn input(&self) -> Result<(usize, usize), i32> {
        if matches!(self.kind, Kind::Create | Kind::Read { .. }) || self.kind.method() == METHOD_NEITHER {
            return Err(status::INVALID_DEVICE_REQUEST);
        }
        Ok((self.inner().system, self.kind.input_length()))
    }

    /// The output: address and length.
    fn output(&self) -> Result<(usize, usize), i32> {
        if matches!(self.kind, Kind::Create | Kind::Write { .. }) || self.kind.method() == METHOD_NEITHER {
            return Err(status::INVALID_DEVICE_REQUEST);
        }
        let inner = self.inner();
        let address = if self.kind.method() == METHOD_BUFFERED { inner.system } else { inner.direct };
        Ok((address, self.kind.output_length()))
    }
}

/// A request that the driver may still use; breaks rule K-37 after its completion.
fn in_use(request: WDFREQUEST) -> Ref<Request> {
    let request = expect::<Request, _>(request);
    if request.inner().outcome.is_some() {
        violation("K-37", "a request is used after its completion");
    }
    request
}

/// Completes a request for the driver.
fn complete(globals: PWDF_DRIVER_GLOBALS, handle: WDFREQUEST, status: i32, information: Option<usize>) {
    client(globals);
    if handle::get::<Object>(handle.cast()).is_none()
        && handle::describe(handle.cast()) == "a closed WDFREQUEST handle"
    {
        violation("K-31", "a request is completed twice");
    }
    let request = expect::<Request, _>(handle);
    if request.inner().outcome.is_some() {
        violation("K-31", "a request is completed twice");
    }
    if status == 0x103 || status == -1 {
        violation("G-50", &format!("a request is completed with status {status:#x}"));
    }
    request.driver_queue("completion");
    let information = information.unwrap_or_else(|| request.inner().information);
    finish(&request, status, information);
}

/// Completes a request: moves the output to user mode, frees the buffers and wakes whoever waits.
pub(super) fn finish(request: &Ref<Request>, status: i32, information: usize) {
    let room = request.kind.output_length();
    let (output, direct, blocks, queue, memory) = {
        let mut inner = request.inner();
        // An error status still carries its information; only the size of the copy is bounded by the room.
        if success(status) && room != 0 && information > room {
            drop(inner);
            violation("K-38", &format!("completion with {information} bytes where {room} fit"));
        }
        let copied = if success(status) { information.min(room) } else { 0 };
        let buffered = request.kind.method() == METHOD_BUFFERED;
        let source = if buffered { inner.system } else { inner.direct };
        let output = if copied != 0 && source != 0 {
            // SAFETY: the buffer has at least as many bytes as there is room for.
            unsafe { std::slice::from_raw_parts(source as *const u8, copied) }.to_vec()
        } else {
            Vec::new()
        };
        let direct = if inner.direct != 0 {
            // SAFETY: the buffer was made with this much room.
            unsafe { std::slice::from_raw_parts(inner.direct as *const u8, room) }.to_vec()
        } else {
            Vec::new()
        };
        let written_by_user =
            if buffered { request.kind.input_length().min(output.len()) } else { output.len() };
        let tail = output.get(written_by_user..).unwrap_or_default();
        if let Some(at) = tail.windows(UNWRITTEN_RUN).position(|run| run.iter().all(|byte| *byte == 0xcd)) {
            drop(inner);
            violation("K-38", &format!("output byte {} and more were never written", written_by_user + at));
        }
        let queue = match std::mem::replace(&mut inner.owner, Owner::Nobody) {
            Owner::Driver(queue) => queue,
            _ => None,
        };
        irp::take_back(inner.irp);
        let mut blocks = vec![inner.system, inner.direct, inner.irp];
        blocks.append(&mut inner.mdls);
        (inner.system, inner.direct, inner.irp) = (0, 0, 0);
        inner.cancel = None;
        (output, direct, blocks, queue, std::mem::take(&mut inner.memory))
    };
    for memory in memory.into_iter().filter(|memory| *memory != 0) {
        expect::<Memory, _>(memory as *mut u8).object.delete();
    }
    for block in blocks.into_iter().filter(|block| *block != 0) {
        pool::take_back(block as *mut u8);
    }
    if let Some(queue) = &queue {
        queue::give_back(queue);
    }
    request.inner().outcome = Some(Outcome { status, information, output, direct });
    request.object.delete();
    request.done.notify_all();
    if let Some(queue) = queue {
        queue::go_on(&queue);
    }
}

/// Ends a request that was cancelled while it waited in a queue.
pub(super) fn cancel_queued(object: &Arc<Object>, event: PFN_WDF_IO_QUEUE_IO_CANCELED_ON_QUEUE) {
    let request = Ref::<Request>::new(object.clone()).expect("only requests are queued");
    let (queue, delivered) = {
        let mut inner = request.inner();
        inner.canceled = true;
        let delivered = inner.delivered;
        match std::mem::replace(&mut inner.owner, Owner::Framework) {
            Owner::Queue(queue) => (Some(queue), delivered),
            _ => (None, delivered),
        }
    };
    match (event, queue) {
        // A request that the driver had before belongs to it again.
        (Some(event), Some(queue)) if delivered => {
            request.set_owner(Owner::Driver(None));
            // SAFETY: the driver's callback for this queue.
            callback("EvtIoCanceledOnQueue", || unsafe { event(queue.object.handle(), object.handle()) });
        }
        _ => finish(&request, status::CANCELLED, 0),
    }
}

/// Cancels a request from user mode.
pub(super) fn cancel(request: &Ref<Request>) {
    let (event, queue) = {
        let mut inner = request.inner();
        inner.canceled = true;
        let queue = match &inner.owner {
            Owner::Queue(queue) => Some(queue.clone()),
            _ => None,
        };
        (inner.cancel.take(), queue)
    };
    if let Some(queue) = queue {
        if queue.remove(&request.object) {
            cancel_queued(&request.object, queue.canceled_on_queue());
        }
    } else if let Some(event) = event {
        // SAFETY: the driver's callback for this request.
        callback("EvtRequestCancel", || unsafe { event(request.object.handle()) });
    }
}

/// Gives the driver a buffer, by the rules of WdfRequestRetrieve*Buffer.
fn retrieve(
    found: Result<(usize, usize), i32>,
    minimum: usize,
    buffer: *mut PVOID,
    length: *mut usize,
) -> i32 {
    required(buffer, "the place for the buffer");
    let (address, size) = match found {
        Ok(found) => found,
        Err(status) => return status,
    };
    if size == 0 || size < minimum {
        return status::BUFFER_TOO_SMALL;
    }
    if pool::must_fail() {
        return status::INSUFFICIENT_RESOURCES;
    }
    // SAFETY: checked above; the length is optional.
    unsafe {
        buffer.write(address as PVOID);
        if !length.is_null() {
            length.write(size);
        }
    }
    status::SUCCESS
}

fn retrieve_memory(
    request: &Ref<Request>,
    found: Result<(usize, usize), i32>,
    index: usize,
    out: *mut WDFMEMORY,
) -> i32 {
    required(out, "the place for the memory");
    let (address, size) = match found {
        Ok((_, 0)) => return status::BUFFER_TOO_SMALL,
        Ok(found) => found,
        Err(status) => return status,
    };
    let known = request.inner().memory[index];
    let handle = if known != 0 {
        known
    } else {
        match Object::create(Body::Memory(Memory::borrowed(address, size)), None, None) {
            Ok(object) => object.handle::<u8>() as usize,
            Err(status) => return status,
        }
    };
    request.inner().memory[index] = handle;
    // SAFETY: checked above.
    unsafe { out.write(handle as WDFMEMORY) };
    status::SUCCESS
}

fn retrieve_mdl(request: &Ref<Request>, found: Result<(usize, usize), i32>, out: *mut PMDL) -> i32 {
    required(out, "the place for the MDL");
    let (address, size) = match found {
        Ok((_, 0)) => return status::BUFFER_TOO_SMALL,
        Ok(found) => found,
        Err(status) => return status,
    };
    if pool::must_fail() {
        return status::INSUFFICIENT_RESOURCES;
    }
    let block = mdl::lend(address, size);
    request.inner().mdls.push(block as usize);
    // SAFETY: checked above.
    unsafe { out.write(block.cast()) };
    status::SUCCESS
}

functions! {
    /// Functions for requests.
    pub(super) static TABLE;

    /// Completes.
    irql(0..=DISPATCH) fn WdfRequestComplete: PFN_WDFREQUESTCOMPLETE (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST, status: i32
    ) {
        complete(globals, request, status, None);
    }

    /// Completes with a number of bytes.
    irql(0..=DISPATCH) fn WdfRequestCompleteWithInformation: PFN_WDFREQUESTCOMPLETEWITHINFORMATION (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST, status: i32, information: u64
    ) {
        complete(globals, request, status, Some(information as usize));
    }

    /// Completes with a boost of the waiting thread's priority.
    irql(0..=DISPATCH) fn WdfRequestCompleteWithPriorityBoost: PFN_WDFREQUESTCOMPLETEWITHPRIORITYBOOST (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST, status: i32, _boost: i8
    ) {
        complete(globals, request, status, None);
    }

    /// Sets the number of bytes.
    irql(0..=DISPATCH) fn WdfRequestSetInformation: PFN_WDFREQUESTSETINFORMATION (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST, information: u64
    ) {
        client(globals);
        in_use(request).inner().information = information as usize;
    }

    /// The number of bytes.
    irql(0..=DISPATCH) fn WdfRequestGetInformation: PFN_WDFREQUESTGETINFORMATION (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST
    ) -> u64 {
        client(globals);
        in_use(request).inner().information as u64
    }

    /// The status so far.
    irql(0..=DISPATCH) fn WdfRequestGetStatus: PFN_WDFREQUESTGETSTATUS (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST
    ) -> i32 {
        client(globals);
        in_use(request).inner().status
    }

    /// What the request asks for.
    irql(0..=DISPATCH) fn WdfRequestGetParameters: PFN_WDFREQUESTGETPARAMETERS (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST, parameters: PWDF_REQUEST_PARAMETERS
    ) {
        client(globals);
        required(parameters, "the place for the parameters");
        in_use(request).parameters(parameters);
    }

    /// The input buffer.
    irql(0..=DISPATCH) fn WdfRequestRetrieveInputBuffer: PFN_WDFREQUESTRETRIEVEINPUTBUFFER (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST, minimum: usize, buffer: *mut PVOID, length: *mut usize
    ) -> i32 {
        client(globals);
        retrieve(in_use(request).input(), minimum, buffer, length)
    }

    /// The output buffer.
    irql(0..=DISPATCH) fn WdfRequestRetrieveOutputBuffer: PFN_WDFREQUESTRETRIEVEOUTPUTBUFFER (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST, minimum: usize, buffer: *mut PVOID, length: *mut usize
    ) -> i32 {
        client(globals);
        retrieve(in_use(request).output(), minimum, buffer, length)
    }

    /// The input as a memory object.
    irql(0..=DISPATCH) fn WdfRequestRetrieveInputMemory: PFN_WDFREQUESTRETRIEVEINPUTMEMORY (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST, memory: *mut WDFMEMORY
    ) -> i32 {
        client(globals);
        let request = in_use(request);
        retrieve_memory(&request, request.input(), 0, memory)
    }

    /// The output as a memory object.
    irql(0..=DISPATCH) fn WdfRequestRetrieveOutputMemory: PFN_WDFREQUESTRETRIEVEOUTPUTMEMORY (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST, memory: *mut WDFMEMORY
    ) -> i32 {
        client(globals);
        let request = in_use(request);
        retrieve_memory(&request, request.output(), 1, memory)
    }

    /// The input as an MDL.
    irql(0..=DISPATCH) fn WdfRequestRetrieveInputWdmMdl: PFN_WDFREQUESTRETRIEVEINPUTWDMMDL (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST, mdl: *mut PMDL
    ) -> i32 {
        client(globals);
        let request = in_use(request);
        retrieve_mdl(&request, request.input(), mdl)
    }

    /// The output as an MDL.
    irql(0..=DISPATCH) fn WdfRequestRetrieveOutputWdmMdl: PFN_WDFREQUESTRETRIEVEOUTPUTWDMMDL (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST, mdl: *mut PMDL
    ) -> i32 {
        client(globals);
        let request = in_use(request);
        retrieve_mdl(&request, request.output(), mdl)
    }

    /// The file.
    irql(0..=DISPATCH) fn WdfRequestGetFileObject: PFN_WDFREQUESTGETFILEOBJECT (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST
    ) -> WDFFILEOBJECT {
        client(globals);
        in_use(request).file.object.handle()
    }

    /// The queue that the request came from; null if it came from none.
    irql(0..=DISPATCH) fn WdfRequestGetIoQueue: PFN_WDFREQUESTGETIOQUEUE (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST
    ) -> WDFQUEUE {
        client(globals);
        let request = in_use(request);
        let inner = request.inner();
        match &inner.owner {
            Owner::Queue(queue) | Owner::Driver(Some(queue)) => queue.object.handle(),
            _ => std::ptr::null_mut(),
        }
    }

    /// The mode of the requestor: user.
    irql(0..=DISPATCH) fn WdfRequestGetRequestorMode: PFN_WDFREQUESTGETREQUESTORMODE (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST
    ) -> i8 {
        client(globals);
        in_use(request);
        1
    }

    /// The process of the requestor.
    irql(0..=DISPATCH) fn WdfRequestGetRequestorProcessId: PFN_WDFREQUESTGETREQUESTORPROCESSID (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST
    ) -> u32 {
        client(globals);
        in_use(request);
        super::user::PROCESS
    }

    /// Lets the request be cancelled; refuses if it was cancelled already.
    irql(0..=DISPATCH) fn WdfRequestMarkCancelableEx: PFN_WDFREQUESTMARKCANCELABLEEX (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST, event: PFN_WDF_REQUEST_CANCEL
    ) -> i32 {
        client(globals);
        let request = in_use(request);
        request.driver_queue("WdfRequestMarkCancelableEx");
        let mut inner = request.inner();
        if inner.canceled {
            return status::CANCELLED;
        }
        inner.cancel = event;
        status::SUCCESS
    }

    /// Lets the request be cancelled; calls the callback at once if it was cancelled already.
    irql(0..=DISPATCH) fn WdfRequestMarkCancelable: PFN_WDFREQUESTMARKCANCELABLE (
        globals: PWDF_DRIVER_GLOBALS, handle: WDFREQUEST, event: PFN_WDF_REQUEST_CANCEL
    ) {
        client(globals);
        let request = in_use(handle);
        request.driver_queue("WdfRequestMarkCancelable");
        let mut inner = request.inner();
        if !inner.canceled {
            inner.cancel = event;
            return;
        }
        drop(inner);
        if let Some(event) = event {
            // SAFETY: the driver's callback for this request.
            callback("EvtRequestCancel", || unsafe { event(handle) });
        }
    }

    /// Takes the permission to cancel back; tells if it was used.
    irql(0..=DISPATCH) fn WdfRequestUnmarkCancelable: PFN_WDFREQUESTUNMARKCANCELABLE (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST
    ) -> i32 {
        client(globals);
        let request = in_use(request);
        let mut inner = request.inner();
        match (inner.cancel.take(), inner.canceled) {
            (Some(_), _) => status::SUCCESS,
            (None, true) => status::CANCELLED,
            (None, false) => status::INVALID_PARAMETER,
        }
    }

    /// Whether the request was cancelled.
    irql(0..=DISPATCH) fn WdfRequestIsCanceled: PFN_WDFREQUESTISCANCELED (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST
    ) -> u8 {
        client(globals);
        let request = in_use(request);
        let canceled = request.inner().canceled;
        u8::from(canceled)
    }
}
