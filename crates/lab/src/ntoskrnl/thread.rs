//! System threads.

use std::sync::atomic::{AtomicI32, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ddk::nt;

use super::object::{self, Kind, Object};
use super::{dispatcher, live, order};
use crate::cpu::{self, APC, DISPATCH, HIGH, PASSIVE};
use crate::pool;
use crate::verifier::{self, violation};

/// ThreadObject: the kind of a thread's dispatcher object.
const THREAD: u8 = 6;
const DEFAULT_PRIORITY: i32 = 8;

/// What the lab knows of a system thread.
#[derive(Debug)]
struct Body {
    /// The thread's number in the lab, 0 until it runs.
    number: AtomicI64,
    priority: AtomicI32,
    status: AtomicI32,
}

thread_local! {
    static CURRENT: std::cell::RefCell<Option<Arc<Object>>> = const { std::cell::RefCell::new(None) };
}

/// Objects of threads that run, so that they can be looked up by number.
static RUNNING: Mutex<Vec<Arc<Object>>> = Mutex::new(Vec::new());

fn running() -> std::sync::MutexGuard<'static, Vec<Arc<Object>>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn body(object: &Object) -> &Body {
    object.body.downcast_ref().expect("a thread object has a thread's body")
}

fn new_object() -> Arc<Object> {
    let body = Body {
        number: AtomicI64::new(0),
        priority: AtomicI32::new(DEFAULT_PRIORITY),
        status: AtomicI32::new(nt::STATUS_PENDING),
    };
    object::create(Kind::Thread, THREAD, 0, body)
}

/// The object of the current thread, made when it is first asked for.
pub(crate) fn current() -> Option<Arc<Object>> {
    CURRENT.with_borrow_mut(|current| {
        let object = current.get_or_insert_with(|| {
            let object = new_object();
            body(&object).number.store(cpu::thread_id() as i64, Ordering::Relaxed);
            running().push(object.clone());
            object
        });
        Some(object.clone())
    })
}

/// The address of the current thread's object, which drivers also read from the processor's page.
pub(crate) fn current_object() -> usize {
    let address = current().map_or(0, |object| object.address);
    cpu::set_thread_object(address);
    address
}

fn start(routine: nt::PKSTART_ROUTINE, context: usize) -> Arc<Object> {
    let object = new_object();
    let address = object.address;
    let code = routine.map_or(0, |routine| routine as usize);
    live::enter(address, 64, "running system thread", "G-25", code);
    let own = object.clone();
    let run = move || {
        cpu::init();
        body(&own).number.store(cpu::thread_id() as i64, Ordering::Relaxed);
        CURRENT.set(Some(own.clone()));
        running().push(own);
        cpu::set_thread_object(address);
        if let Some(routine) = routine {
            // SAFETY: the driver's routine with the context that it gave.
            verifier::callback("system thread", || unsafe { routine(context as nt::PVOID) });
        }
        end(nt::STATUS_SUCCESS);
    };
    crate::schedule::spawn("system thread", run);
    object
}

/// Ends the current thread as far as drivers can tell: its object is signalled.
fn end(status: i32) {
    order::check_exit();
    let Some(object) = CURRENT.take() else { return };
    body(&object).status.store(status, Ordering::Relaxed);
    running().retain(|running| running.address != object.address);
    live::leave(object.address);
    dispatcher::signal(object.address as *mut u8, 1);
}

crate::exports! {
    /// Thread functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Starts a thread and opens a handle to it.
    irql(PASSIVE..=PASSIVE, "G-25") fn PsCreateSystemThread(
        handle: nt::PHANDLE, _access: u32, _attributes: nt::POBJECT_ATTRIBUTES, _process: nt::HANDLE,
        client: nt::PCLIENT_ID, routine: nt::PKSTART_ROUTINE, context: nt::PVOID
    ) -> i32 {
        if routine.is_none() {
            violation("L-2", "PsCreateSystemThread without a routine");
        }
        if pool::must_fail() {
            return nt::STATUS_INSUFFICIENT_RESOURCES;
        }
        let object = start(routine, context as usize);
        // SAFETY: the driver passes room for the handle, and null or room for the numbers.
        unsafe {
            if !client.is_null() {
                (*client).UniqueProcess = 4usize as nt::HANDLE;
                (*client).UniqueThread = object.address as nt::HANDLE;
            }
            handle.write(object::open(object));
        }
        nt::STATUS_SUCCESS
    }

    /// Ends the current thread, which has to be a system thread of the driver's.
    irql(PASSIVE..=PASSIVE, "G-25") fn PsTerminateSystemThread(status: i32) -> i32 {
        let own = CURRENT.with_borrow(|current| current.as_ref().is_some_and(|own| live::contains(own.address)));
        if !own {
            return nt::STATUS_INVALID_PARAMETER;
        }
        order::check_exit();
        if cpu::thread().critical.get() != 0 {
            violation("G-14", "a thread ends in a critical region");
        }
        end(status);
        crate::schedule::leave();
        // SAFETY: ends this thread alone. Its frames are the driver's, which nothing can unwind; the objects
        // of the lab that they refer to were released above.
        unsafe { libc::syscall(libc::SYS_exit, 0) };
        unreachable!("the thread has ended")
    }

    /// The current thread's object.
    irql(0..=HIGH) untyped fn KeGetCurrentThread() -> *const u8 {
        current_object() as *const u8
    }

    /// The current thread's object.
    irql(0..=HIGH) untyped fn PsGetCurrentThread() -> *const u8 {
        current_object() as *const u8
    }

    /// The number of a thread.
    irql(0..=HIGH) fn PsGetThreadId(thread: nt::PETHREAD) -> nt::HANDLE {
        let object = object::expect(thread, Kind::Thread);
        (body(&object).number.load(Ordering::Relaxed) * 4) as nt::HANDLE
    }

    /// The process of a thread: System.
    irql(0..=HIGH) fn PsGetThreadProcessId(thread: nt::PETHREAD) -> nt::HANDLE {
        object::expect(thread, Kind::Thread);
        4usize as nt::HANDLE
    }

    /// Whether a thread is one of the system's: all are.
    irql(0..=HIGH) fn PsIsSystemThread(thread: nt::PETHREAD) -> u8 {
        object::expect(thread, Kind::Thread);
        1
    }

    /// The status with which a thread has ended.
    irql(0..=APC) fn PsGetThreadExitStatus(thread: nt::PETHREAD) -> i32 {
        body(&object::expect(thread, Kind::Thread)).status.load(Ordering::Relaxed)
    }

    /// The thread with a number, referenced.
    irql(PASSIVE..=APC) fn PsLookupThreadByThreadId(id: nt::HANDLE, out: *mut nt::PETHREAD) -> i32 {
        let found = running().iter().find(|object| {
            (body(object).number.load(Ordering::Relaxed) * 4) as usize == id as usize
        }).map(|object| object.address);
        let Some(address) = found else { return nt::STATUS_INVALID_CID };
        object::reference(address);
        // SAFETY: the driver passes room for the pointer.
        unsafe { out.write(address as nt::PETHREAD) };
        nt::STATUS_SUCCESS
    }

    /// Sets a thread's priority; the old one.
    irql(0..=DISPATCH) fn KeSetPriorityThread(thread: nt::PKTHREAD, priority: i32) -> i32 {
        if !(1..=31).contains(&priority) {
            violation("L-2", &format!("KeSetPriorityThread with priority {priority}"));
        }
        body(&object::expect(thread, Kind::Thread)).priority.swap(priority, Ordering::Relaxed)
    }

    /// Sets a thread's priority relative to its process's; the old difference.
    irql(0..=APC) fn KeSetBasePriorityThread(thread: nt::PKTHREAD, increment: i32) -> i32 {
        let object = object::expect(thread, Kind::Thread);
        let new = (DEFAULT_PRIORITY + increment).clamp(1, 31);
        body(&object).priority.swap(new, Ordering::Relaxed) - DEFAULT_PRIORITY
    }

    /// A thread's priority.
    irql(0..=DISPATCH) fn KeQueryPriorityThread(thread: nt::PKTHREAD) -> i32 {
        body(&object::expect(thread, Kind::Thread)).priority.load(Ordering::Relaxed)
    }

    /// The process of a thread.
    irql(0..=DISPATCH) fn IoThreadToProcess(thread: nt::PETHREAD) -> nt::PEPROCESS {
        object::expect(thread, Kind::Thread);
        super::process::system().address as nt::PEPROCESS
    }

    /// Whether a thread is one of the system's: all are.
    irql(0..=DISPATCH) fn IoIsSystemThread(thread: nt::PETHREAD) -> u8 {
        object::expect(thread, Kind::Thread);
        1
    }
}
