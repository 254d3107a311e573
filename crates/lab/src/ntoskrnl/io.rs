//! Work items of the I/O manager, event tracing, and what else drivers ask the system for.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use ddk::nt;

use super::{string, work};
use crate::cpu::{APC, DISPATCH, HIGH, PASSIVE};
use crate::handle;
use crate::pe::Resolver;
use crate::pool;
use crate::verifier::violation;

/// A work item of the I/O manager.
struct WorkItem {
    object: usize,
    queued: AtomicBool,
}

impl handle::Object for WorkItem {
    const KIND: &'static str = "I/O work item";
    const LEAK_RULE: Option<&'static str> = Some("G-6");
}

/// An event provider.
struct Provider;

impl handle::Object for Provider {
    const KIND: &'static str = "event provider";
    const LEAK_RULE: Option<&'static str> = Some("G-40");
}

/// Queues `item` and passes it to `run` on a system worker thread.
fn queue(item: nt::PIO_WORKITEM, run: impl FnOnce(usize) + Send + 'static) {
    let found = handle::expect::<WorkItem>(item.cast());
    if found.queued.swap(true, Ordering::AcqRel) {
        violation("G-24", "a work item is queued while it is queued");
    }
    work::queue(move || {
        found.queued.store(false, Ordering::Release);
        run(found.object);
    });
}

crate::exports! {
    /// Work item, event tracing and lookup functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Makes a work item.
    irql(0..=DISPATCH) fn IoAllocateWorkItem(device: nt::PDEVICE_OBJECT) -> nt::PIO_WORKITEM {
        if pool::must_fail() {
            return std::ptr::null_mut();
        }
        handle::create(Arc::new(WorkItem { object: device as usize, queued: AtomicBool::new(false) })).cast()
    }

    /// Frees a work item that is not queued.
    irql(0..=DISPATCH) fn IoFreeWorkItem(item: nt::PIO_WORKITEM) {
        if handle::close::<WorkItem>(item.cast()).queued.load(Ordering::Acquire) {
            violation("G-24", "a work item is freed while it is queued");
        }
    }

    /// Queues a work item.
    irql(0..=DISPATCH) fn IoQueueWorkItem(
        item: nt::PIO_WORKITEM, routine: nt::PIO_WORKITEM_ROUTINE, _queue: nt::WORK_QUEUE_TYPE, context: nt::PVOID
    ) {
        let Some(routine) = routine else { violation("L-2", "IoQueueWorkItem without a routine") };
        let context = context as usize;
        // SAFETY: the driver's routine, with the object and the context that it gave.
        queue(item, move |object| unsafe { routine(object as nt::PDEVICE_OBJECT, context as nt::PVOID) });
    }

    /// Queues a work item whose routine gets the item.
    irql(0..=DISPATCH) fn IoQueueWorkItemEx(
        item: nt::PIO_WORKITEM, routine: nt::PIO_WORKITEM_ROUTINE_EX, _queue: nt::WORK_QUEUE_TYPE,
        context: nt::PVOID
    ) {
        let Some(routine) = routine else { violation("L-2", "IoQueueWorkItemEx without a routine") };
        let (context, address) = (context as usize, item as usize);
        // SAFETY: as above.
        queue(item, move |object| unsafe {
            routine(object as nt::PVOID, context as nt::PVOID, address as nt::PIO_WORKITEM);
        });
    }

    /// Registers an event provider; nobody ever enables it here.
    irql(PASSIVE..=PASSIVE) fn EtwRegister(
        _provider: nt::LPCGUID, _callback: nt::PETWENABLECALLBACK, _context: nt::PVOID, out: nt::PREGHANDLE
    ) -> i32 {
        if pool::must_fail() {
            return nt::STATUS_INSUFFICIENT_RESOURCES;
        }
        // SAFETY: the driver passes room for the handle.
        unsafe { out.write(handle::create(Arc::new(Provider)) as u64) };
        nt::STATUS_SUCCESS
    }

    /// Ends an event provider.
    irql(PASSIVE..=PASSIVE) fn EtwUnregister(provider: nt::REGHANDLE) -> i32 {
        handle::close::<Provider>(provider as *const c_void);
        nt::STATUS_SUCCESS
    }

    /// Writes an event that nobody sees.
    irql(0..=HIGH) fn EtwWrite(
        provider: nt::REGHANDLE, _event: nt::PCEVENT_DESCRIPTOR, _activity: nt::LPCGUID, _count: u32,
        _data: nt::PEVENT_DATA_DESCRIPTOR
    ) -> i32 {
        handle::expect::<Provider>(provider as *const c_void);
        nt::STATUS_SUCCESS
    }

    /// The address of an export of the kernel; null if it has none of that name.
    irql(PASSIVE..=PASSIVE) fn MmGetSystemRoutineAddress(name: nt::PUNICODE_STRING) -> nt::PVOID {
        static KERNEL: OnceLock<Resolver> = OnceLock::new();
        let resolver = KERNEL.get_or_init(|| Resolver::new(super::exports()));
        let name = string::text(name.cast());
        let found = resolver.find("ntoskrnl.exe", &name);
        found.map_or(std::ptr::null_mut(), |export| export.checked.get() as nt::PVOID)
    }

    /// Whether an address can be read without a fault.
    irql(0..=DISPATCH) fn MmIsAddressValid(address: nt::PVOID) -> u8 {
        let mut state = 0u8;
        let page = (address as usize & !4095) as *mut c_void;
        // SAFETY: asks the kernel about one page; an address that is not mapped is an error, not a fault.
        u8::from(unsafe { libc::mincore(page, 1, &mut state) } == 0)
    }

    /// The mode of the thread that called the system: kernel.
    irql(PASSIVE..=APC) fn ExGetPreviousMode() -> nt::KPROCESSOR_MODE {
        0
    }
}
