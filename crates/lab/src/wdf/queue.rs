//! Queues: how requests wait, and when a driver gets to see them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ddk::nt::{
    _WDF_IO_QUEUE_DISPATCH_TYPE as dispatch, _WDF_IO_QUEUE_STATE as queue_state, PFN_WDF_IO_QUEUE_STATE,
    PULONG, PWDF_DRIVER_GLOBALS, PWDF_IO_QUEUE_CONFIG, PWDF_OBJECT_ATTRIBUTES, PWDF_REQUEST_PARAMETERS,
    WDF_IO_QUEUE_CONFIG, WDF_OBJECT_ATTRIBUTES, WDFCONTEXT, WDFDEVICE, WDFFILEOBJECT, WDFQUEUE, WDFREQUEST,
};

use super::device::Device;
use super::loader::client;
use super::object::{Body, Object, Ref, attributes, expect};
use super::request::{self, Kind, Owner, Request};
use super::user::FileObject;
use super::{functions, required, sized, status, success};
use crate::cpu::{self, DISPATCH, PASSIVE};
use crate::ntoskrnl::work;
use crate::verifier::{callback, violation};
use crate::{clock, schedule};

/// How long a synchronous queue function waits before it counts as one that never ends.
const LIMIT: Duration = Duration::from_secs(30);

/// Sizes of the configuration: since version 1.11, and before.
const CONFIG_SIZES: [usize; 2] = [size_of::<WDF_IO_QUEUE_CONFIG>(), 88];

/// The IRQL at which callbacks run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// PASSIVE_LEVEL.
    Passive,
    /// Up to DISPATCH_LEVEL.
    Any,
}

impl Level {
    pub(super) fn of(attributes: Option<&WDF_OBJECT_ATTRIBUTES>, inherited: Self) -> Self {
        match attributes.map(|attributes| attributes.ExecutionLevel) {
            Some(2) => Self::Passive,
            Some(3) => Self::Any,
            _ => inherited,
        }
    }
}

/// Which callbacks exclude each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    None,
    Queue,
    Device,
}

impl Scope {
    pub(super) fn of(attributes: Option<&WDF_OBJECT_ATTRIBUTES>, inherited: Self) -> Self {
        match attributes.map(|attributes| attributes.SynchronizationScope) {
            Some(2) => Self::Device,
            Some(3) => Self::Queue,
            Some(4) => Self::None,
            _ => inherited,
        }
    }
}

/// A callback that waits for a queue to become idle or empty.
type Notification = (PFN_WDF_IO_QUEUE_STATE, usize);

struct Inner {
    waiting: VecDeque<Arc<Object>>,
    /// Requests that the driver got from this queue and still has.
    owned: u32,
    accepts: bool,
    dispatches: bool,
    /// Threads that are presenting requests now.
    presenting: Vec<u64>,
    stopped: Vec<Notification>,
    purged: Vec<Notification>,
}

/// A queue.
pub(super) struct Queue {
    device: Ref<Device>,
    config: WDF_IO_QUEUE_CONFIG,
    level: Level,
    scope: Scope,
    serial: Arc<AtomicBool>,
    inner: Mutex<Inner>,
    changed: Condvar,
}

// SAFETY: the raw pointers in the configuration are functions of the driver.
unsafe impl Send for Queue {}
// SAFETY: as above; everything that changes is behind locks.
unsafe impl Sync for Queue {}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("dispatch", &self.config.DispatchType).finish_non_exhaustive()
    }
}

impl Queue {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The IRQL at which callbacks run.
    pub(super) fn level(&self) -> Level {
        self.level
    }

    /// Whether this is its device's default queue.
    pub(super) fn is_default(&self) -> bool {
        self.config.DefaultQueue != 0
    }

    /// Refuses new requests and cancels the waiting ones; part of the queue's deletion.
    pub(super) fn close(&self) {
        self.purge();
        if self.inner().owned != 0 {
            violation("K-31", "a queue is deleted while the driver has requests from it");
        }
    }

    fn purge(&self) {
        let waiting = {
            let mut inner = self.inner();
            inner.accepts = false;
            std::mem::take(&mut inner.waiting)
        };
        for request in waiting {
            request::cancel_queued(&request, self.config.EvtIoCanceledOnQueue);
        }
    }

    /// Takes a waiting request out of the queue; false if it is not there.
    pub(super) fn remove(&self, request: &Arc<Object>) -> bool {
        let mut inner = self.inner();
        let before = inner.waiting.len();
        inner.waiting.retain(|waiting| !Arc::ptr_eq(waiting, request));
        inner.waiting.len() != before
    }

    /// The driver's callback for requests that are cancelled in the queue.
    pub(super) fn canceled_on_queue(&self) -> ddk::nt::PFN_WDF_IO_QUEUE_IO_CANCELED_ON_QUEUE {
        self.config.EvtIoCanceledOnQueue
    }

    fn state(&self) -> i32 {
        let inner = self.inner();
        let bit = |condition: bool, bit: i32| if condition { bit } else { 0 };
        bit(inner.accepts, queue_state::WdfIoQueueAcceptRequests)
            | bit(inner.dispatches, queue_state::WdfIoQueueDispatchRequests)
            | bit(inner.waiting.is_empty(), queue_state::WdfIoQueueNoRequests)
            | bit(inner.owned == 0, queue_state::WdfIoQueueDriverNoRequests)
    }
}

/// Puts a request into a queue and presents what can be presented.
pub(super) fn add(queue: &Ref<Queue>, request: Arc<Object>) -> Result<(), i32> {
    let part = Ref::<Request>::new(request.clone()).expect("only requests are queued");
    {
        let mut inner = queue.inner();
        if !inner.accepts {
            return Err(status::WDF_BUSY);
        }
        part.set_owner(Owner::Queue(queue.clone()));
        inner.waiting.push_back(request);
    }
    queue.changed.notify_all();
    pump(queue);
    Ok(())
}

/// Presents waiting requests as far as the queue's dispatching allows.
pub(super) fn pump(queue: &Ref<Queue>) {
    let me = cpu::thread_id();
    if queue.level == Level::Passive && cpu::irql() > PASSIVE {
        let queue = queue.clone();
        work::queue(move || pump(&queue));
        return;
    }
    let serial = queue.scope != Scope::None;
    loop {
        if serial && queue.serial.swap(true, Ordering::AcqRel) {
            return;
        }
        let next = {
            let mut inner = queue.inner();
            let limit = match queue.config.DispatchType {
                dispatch::WdfIoQueueDispatchSequential => 1,
                // SAFETY: this union has one member.
                dispatch::WdfIoQueueDispatchParallel => unsafe {
                    queue.config.Settings.Parallel.NumberOfPresentedRequests
                },
                _ => 0,
            };
            // A driver that completes in its callback comes back here: the outer loop goes on.
            let may = inner.dispatches && inner.owned < limit && !inner.presenting.contains(&me);
            let next = if may { inner.waiting.pop_front() } else { None };
            if next.is_some() {
                inner.owned += 1;
                inner.presenting.push(me);
            }
            next
        };
        let Some(request) = next else {
            if serial {
                queue.serial.store(false, Ordering::Release);
            }
            return;
        };
        if serial && queue.level == Level::Any {
            cpu::at_irql(DISPATCH, || present(queue, &request));
        } else {
            present(queue, &request);
        }
        queue.inner().presenting.retain(|thread| *thread != me);
        if serial {
            queue.serial.store(false, Ordering::Release);
        }
    }
}

fn present(queue: &Ref<Queue>, object: &Arc<Object>) {
    let request = Ref::<Request>::new(object.clone()).expect("only requests are queued");
    request.set_owner(Owner::Driver(Some(queue.clone())));
    let (q, r): (WDFQUEUE, WDFREQUEST) = (queue.object.handle(), object.handle());
    let config = &queue.config;
    // SAFETY: the driver's callbacks for this queue, with a request that is presented to it.
    let handled = unsafe {
        match (request.kind, config) {
            (
                Kind::Control { code, input, output },
                WDF_IO_QUEUE_CONFIG { EvtIoDeviceControl: Some(event), .. },
            ) => {
                callback("EvtIoDeviceControl", || event(q, r, output, input, code));
                true
            }
            (Kind::Read { length }, WDF_IO_QUEUE_CONFIG { EvtIoRead: Some(event), .. }) => {
                callback("EvtIoRead", || event(q, r, length));
                true
            }
            (Kind::Write { length }, WDF_IO_QUEUE_CONFIG { EvtIoWrite: Some(event), .. }) => {
                callback("EvtIoWrite", || event(q, r, length));
                true
            }
            (_, WDF_IO_QUEUE_CONFIG { EvtIoDefault: Some(event), .. }) => {
                callback("EvtIoDefault", || event(q, r));
                true
            }
            _ => false,
        }
    };
    if !handled {
        request::finish(&request, status::INVALID_DEVICE_REQUEST, 0);
    }
}

/// Notes that the driver no longer has a request of this queue.
pub(super) fn released(queue: &Ref<Queue>) {
    give_back(queue);
    go_on(queue);
}

/// The part of [`released`] that comes before whoever waits for the request learns of its end: the queue may
/// be deleted at once then.
pub(super) fn give_back(queue: &Ref<Queue>) {
    let mut inner = queue.inner();
    inner.owned = inner.owned.saturating_sub(1);
}

/// The part of [`released`] that may call the driver.
pub(super) fn go_on(queue: &Ref<Queue>) {
    let (stopped, purged) = {
        let mut inner = queue.inner();
        let idle = inner.owned == 0;
        let stopped = if idle { std::mem::take(&mut inner.stopped) } else { Vec::new() };
        let done = idle && inner.waiting.is_empty();
        (stopped, if done { std::mem::take(&mut inner.purged) } else { Vec::new() })
    };
    queue.changed.notify_all();
    for (event, context) in stopped.into_iter().chain(purged) {
        notify(queue, event, context);
    }
    if !queue.object.is_deleted() {
        pump(queue);
    }
}

fn notify(queue: &Ref<Queue>, event: PFN_WDF_IO_QUEUE_STATE, context: usize) {
    if let Some(event) = event {
        // SAFETY: the driver's callback for this queue.
        callback("EvtIoQueueState", || unsafe { event(queue.object.handle(), context as WDFCONTEXT) });
    }
}

/// Gives the driver the first waiting request that `wanted` accepts.
fn retrieve(queue: &Ref<Queue>, wanted: impl Fn(&Request) -> bool, out: *mut WDFREQUEST) -> i32 {
    required(out, "the place for the request");
    let found = {
        let mut inner = queue.inner();
        if !inner.dispatches {
            return status::WDF_PAUSED;
        }
        let matches = |object: &Arc<Object>| {
            Ref::<Request>::new(object.clone()).is_some_and(|request| wanted(&request))
        };
        let place = inner.waiting.iter().position(matches);
        let found = place.and_then(|place| inner.waiting.remove(place));
        inner.owned += u32::from(found.is_some());
        found
    };
    let Some(object) = found else {
        // SAFETY: checked above.
        unsafe { out.write(std::ptr::null_mut()) };
        return status::NO_MORE_ENTRIES;
    };
    let request = Ref::<Request>::new(object.clone()).expect("only requests are queued");
    request.set_owner(Owner::Driver(Some(queue.clone())));
    // SAFETY: checked above.
    unsafe { out.write(object.handle()) };
    status::SUCCESS
}

/// Waits until `done` holds for the queue.
fn wait(queue: &Ref<Queue>, what: &str, done: impl Fn(&Inner) -> bool) {
    let me = cpu::thread_id();
    let inner = queue.inner();
    if inner.presenting.contains(&me) {
        drop(inner);
        violation("K-39", &format!("{what} in a callback of the same queue"));
    }
    let deadline = Some(clock::now() + LIMIT);
    let (inner, in_time) =
        schedule::wait_while(&queue.inner, inner, &queue.changed, deadline, |inner| !done(inner));
    let owned = inner.owned;
    drop(inner);
    if !in_time {
        violation("K-31", &format!("{what} waits for {owned} requests that the driver does not complete"));
    }
}

functions! {
    /// Functions for queues.
    pub(super) static TABLE;

    /// Makes a queue.
    irql(PASSIVE..=DISPATCH) fn WdfIoQueueCreate: PFN_WDFIOQUEUECREATE (
        globals: PWDF_DRIVER_GLOBALS, device: WDFDEVICE, config: PWDF_IO_QUEUE_CONFIG,
        queue_attributes: PWDF_OBJECT_ATTRIBUTES, queue: *mut WDFQUEUE
    ) -> i32 {
        client(globals);
        required(config, "the queue's configuration");
        let device = expect::<Device, _>(device);
        // SAFETY: checked above.
        let Some(config) = (unsafe { sized(config, &CONFIG_SIZES) }) else { return status::INFO_LENGTH_MISMATCH };
        if !(1..=3).contains(&config.DispatchType)
            || !(0..=2).contains(&config.PowerManaged)
        {
            return status::INVALID_PARAMETER;
        }
        let takes = config.EvtIoDefault.is_some()
            || config.EvtIoRead.is_some()
            || config.EvtIoWrite.is_some()
            || config.EvtIoDeviceControl.is_some()
            || config.EvtIoInternalDeviceControl.is_some();
        let manual = config.DispatchType == dispatch::WdfIoQueueDispatchManual;
        if takes == manual {
            return if manual { status::INVALID_PARAMETER } else { status::WDF_NO_CALLBACK };
        }
        if config.DefaultQueue != 0
            && device.queues.lock().unwrap_or_else(PoisonError::into_inner).default.is_some()
        {
            return status::INVALID_DEVICE_STATE;
        }
        let attributes = attributes(queue_attributes);
        let scope = Scope::of(attributes.as_ref(), device.scope);
        let body = Body::Queue(Queue {
            level: Level::of(attributes.as_ref(), device.level),
            scope,
            serial: if scope == Scope::Device { device.serial.clone() } else { Arc::default() },
            device: device.clone(),
            config,
            inner: Mutex::new(Inner {
                waiting: VecDeque::new(),
                owned: 0,
                accepts: true,
                dispatches: true,
                presenting: Vec::new(),
                stopped: Vec::new(),
                purged: Vec::new(),
            }),
            changed: Condvar::new(),
        });
        let object = match Object::create(body, attributes.as_ref(), Some(&device.object)) {
            Ok(object) => object,
            Err(status) => return status,
        };
        if config.DefaultQueue != 0 {
            let mut queues = device.queues.lock().unwrap_or_else(PoisonError::into_inner);
            queues.default = Some(Arc::downgrade(&object));
        }
        if !queue.is_null() {
            // SAFETY: the driver passes room for the handle.
            unsafe { queue.write(object.handle()) };
        }
        status::SUCCESS
    }

    /// The device.
    irql(0..=DISPATCH) fn WdfIoQueueGetDevice: PFN_WDFIOQUEUEGETDEVICE (
        globals: PWDF_DRIVER_GLOBALS, queue: WDFQUEUE
    ) -> WDFDEVICE {
        client(globals);
        expect::<Queue, _>(queue).device.object.handle()
    }

    /// State and numbers of requests.
    irql(0..=DISPATCH) fn WdfIoQueueGetState: PFN_WDFIOQUEUEGETSTATE (
        globals: PWDF_DRIVER_GLOBALS, queue: WDFQUEUE, waiting: PULONG, owned: PULONG
    ) -> i32 {
        client(globals);
        let queue = expect::<Queue, _>(queue);
        let numbers = {
            let inner = queue.inner();
            [(waiting, inner.waiting.len() as u32), (owned, inner.owned)]
        };
        for (place, number) in numbers {
            if !place.is_null() {
                // SAFETY: the driver passes room for the number.
                unsafe { place.write(number) };
            }
        }
        queue.state()
    }

    /// Takes the next waiting request.
    irql(0..=DISPATCH) fn WdfIoQueueRetrieveNextRequest: PFN_WDFIOQUEUERETRIEVENEXTREQUEST (
        globals: PWDF_DRIVER_GLOBALS, queue: WDFQUEUE, out: *mut WDFREQUEST
    ) -> i32 {
        client(globals);
        retrieve(&expect(queue), |_| true, out)
    }

    /// Takes the next waiting request of a file.
    irql(0..=DISPATCH) fn WdfIoQueueRetrieveRequestByFileObject: PFN_WDFIOQUEUERETRIEVEREQUESTBYFILEOBJECT (
        globals: PWDF_DRIVER_GLOBALS, queue: WDFQUEUE, file: WDFFILEOBJECT, out: *mut WDFREQUEST
    ) -> i32 {
        client(globals);
        let file = expect::<FileObject, _>(file);
        retrieve(&expect(queue), |request| Arc::ptr_eq(&request.file.object, &file.object), out)
    }

    /// Finds a waiting request and references it.
    irql(0..=DISPATCH) fn WdfIoQueueFindRequest: PFN_WDFIOQUEUEFINDREQUEST (
        globals: PWDF_DRIVER_GLOBALS, queue: WDFQUEUE, found: WDFREQUEST, file: WDFFILEOBJECT,
        parameters: PWDF_REQUEST_PARAMETERS, out: *mut WDFREQUEST
    ) -> i32 {
        client(globals);
        required(out, "the place for the request");
        let queue = expect::<Queue, _>(queue);
        let file = (!file.is_null()).then(|| expect::<FileObject, _>(file));
        let inner = queue.inner();
        let waiting: Vec<_> = inner.waiting.iter().cloned().collect();
        drop(inner);
        let start = match found.is_null() {
            true => 0,
            false => match waiting.iter().position(|object| std::ptr::eq(object.handle::<u8>(), found.cast())) {
                Some(place) => place + 1,
                None => return status::OBJECT_NAME_NOT_FOUND,
            },
        };
        let ours = |object: &&Arc<Object>| {
            let request = Ref::<Request>::new((*object).clone());
            request.is_some_and(|request| {
                file.as_ref().is_none_or(|file| Arc::ptr_eq(&request.file.object, &file.object))
            })
        };
        let Some(object) = waiting.iter().skip(start).find(ours) else { return status::NO_MORE_ENTRIES };
        object.reference();
        if !parameters.is_null() {
            Ref::<Request>::new(object.clone()).expect("only requests are queued").parameters(parameters);
        }
        // SAFETY: checked above.
        unsafe { out.write(object.handle()) };
        status::SUCCESS
    }

    /// Starts delivery again.
    irql(0..=DISPATCH) fn WdfIoQueueStart: PFN_WDFIOQUEUESTART (globals: PWDF_DRIVER_GLOBALS, queue: WDFQUEUE) {
        client(globals);
        let queue = expect::<Queue, _>(queue);
        {
            let mut inner = queue.inner();
            (inner.accepts, inner.dispatches) = (true, true);
        }
        pump(&queue);
    }

    /// Stops delivery; the callback follows when the driver has no request of the queue.
    irql(0..=DISPATCH) fn WdfIoQueueStop: PFN_WDFIOQUEUESTOP (
        globals: PWDF_DRIVER_GLOBALS, queue: WDFQUEUE, event: PFN_WDF_IO_QUEUE_STATE, context: WDFCONTEXT
    ) {
        client(globals);
        let queue = expect::<Queue, _>(queue);
        let now = {
            let mut inner = queue.inner();
            inner.dispatches = false;
            if inner.owned != 0 {
                inner.stopped.push((event, context as usize));
            }
            inner.owned == 0
        };
        if now {
            notify(&queue, event, context as usize);
        }
    }

    /// Stops delivery and waits until the driver has no request of the queue.
    irql(PASSIVE..=PASSIVE) fn WdfIoQueueStopSynchronously: PFN_WDFIOQUEUESTOPSYNCHRONOUSLY (
        globals: PWDF_DRIVER_GLOBALS, queue: WDFQUEUE
    ) {
        client(globals);
        let queue = expect::<Queue, _>(queue);
        queue.inner().dispatches = false;
        wait(&queue, "WdfIoQueueStopSynchronously", |inner| inner.owned == 0);
    }

    /// Refuses new requests; the callback follows when all earlier ones are done.
    irql(0..=DISPATCH) fn WdfIoQueueDrain: PFN_WDFIOQUEUEDRAIN (
        globals: PWDF_DRIVER_GLOBALS, queue: WDFQUEUE, event: PFN_WDF_IO_QUEUE_STATE, context: WDFCONTEXT
    ) {
        client(globals);
        let queue = expect::<Queue, _>(queue);
        let now = {
            let mut inner = queue.inner();
            inner.accepts = false;
            let now = inner.owned == 0 && inner.waiting.is_empty();
            if !now {
                inner.purged.push((event, context as usize));
            }
            now
        };
        if now {
            notify(&queue, event, context as usize);
        }
    }

    /// Refuses new requests and waits until all earlier ones are done.
    irql(PASSIVE..=PASSIVE) fn WdfIoQueueDrainSynchronously: PFN_WDFIOQUEUEDRAINSYNCHRONOUSLY (
        globals: PWDF_DRIVER_GLOBALS, queue: WDFQUEUE
    ) {
        client(globals);
        let queue = expect::<Queue, _>(queue);
        queue.inner().accepts = false;
        wait(&queue, "WdfIoQueueDrainSynchronously", |inner| inner.owned == 0 && inner.waiting.is_empty());
    }

    /// Refuses new requests and cancels the waiting ones; the callback follows when the driver has none.
    irql(0..=DISPATCH) fn WdfIoQueuePurge: PFN_WDFIOQUEUEPURGE (
        globals: PWDF_DRIVER_GLOBALS, queue: WDFQUEUE, event: PFN_WDF_IO_QUEUE_STATE, context: WDFCONTEXT
    ) {
        client(globals);
        let queue = expect::<Queue, _>(queue);
        queue.purge();
        let now = {
            let mut inner = queue.inner();
            if inner.owned != 0 {
                inner.purged.push((event, context as usize));
            }
            inner.owned == 0
        };
        if now {
            notify(&queue, event, context as usize);
        }
    }

    /// Refuses new requests, cancels the waiting ones and waits until the driver has none.
    irql(PASSIVE..=PASSIVE) fn WdfIoQueuePurgeSynchronously: PFN_WDFIOQUEUEPURGESYNCHRONOUSLY (
        globals: PWDF_DRIVER_GLOBALS, queue: WDFQUEUE
    ) {
        client(globals);
        let queue = expect::<Queue, _>(queue);
        queue.purge();
        wait(&queue, "WdfIoQueuePurgeSynchronously", |inner| inner.owned == 0);
    }

    /// Moves a request that the driver has to another queue of the device.
    irql(0..=DISPATCH) fn WdfRequestForwardToIoQueue: PFN_WDFREQUESTFORWARDTOIOQUEUE (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST, destination: WDFQUEUE
    ) -> i32 {
        client(globals);
        let request = expect::<Request, _>(request);
        let destination = expect::<Queue, _>(destination);
        let source = request.driver_queue("WdfRequestForwardToIoQueue");
        if source.as_ref().is_some_and(|source| Arc::ptr_eq(&source.object, &destination.object)) {
            return status::INVALID_DEVICE_REQUEST;
        }
        if let Err(status) = add(&destination, request.object.clone()) {
            request.set_owner(Owner::Driver(source));
            return status;
        }
        if let Some(source) = source {
            released(&source);
        }
        status::SUCCESS
    }

    /// Puts a request back to the head of the manual queue that it came from.
    irql(0..=DISPATCH) fn WdfRequestRequeue: PFN_WDFREQUESTREQUEUE (
        globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST
    ) -> i32 {
        client(globals);
        let request = expect::<Request, _>(request);
        let Some(queue) = request.driver_queue("WdfRequestRequeue") else { return status::INVALID_DEVICE_REQUEST };
        if queue.config.DispatchType != dispatch::WdfIoQueueDispatchManual {
            return status::INVALID_DEVICE_REQUEST;
        }
        request.set_owner(Owner::Queue(queue.clone()));
        queue.inner().waiting.push_front(request.object.clone());
        released(&queue);
        status::SUCCESS
    }
}

/// Sends a request from user mode to the queue that takes its type; completes it if there is none.
pub(super) fn deliver(device: &Ref<Device>, request: &Ref<Request>) {
    let result = match device.queue(request.kind.code()) {
        Some(queue) => add(&queue, request.object.clone()).map_err(|_| status::INVALID_DEVICE_STATE),
        None => Err(status::INVALID_DEVICE_REQUEST),
    };
    if let Err(code) = result {
        debug_assert!(!success(code));
        request::finish(request, code, 0);
    }
}
