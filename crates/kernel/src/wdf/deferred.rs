//! Work items and timers.

use ddk::nt::{FALSE, TRUE, WDF_TIMER_CONFIG, WDF_WORKITEM_CONFIG, WDFTIMER, WDFWORKITEM};
use ddk::wdf_call as wdf;

use super::device::{ControlDevice, attributes};
use crate::irql::Passive;
use crate::status::Status;

/// What a work item does.
pub trait Work: 'static {
    /// IRQL: PASSIVE_LEVEL.
    #[doc(alias = "EvtWorkItem")]
    fn work(at: Passive<'_>);
}

/// A work item of a device; waits for its work on drop. The framework deletes it with the device.
#[derive(Debug)]
pub struct WorkItem(WorkItemHandle);

/// A handle with which work can be queued.
#[derive(Clone, Copy, Debug)]
pub struct WorkItemHandle(WDFWORKITEM);

// SAFETY: framework handles may be used on any thread.
unsafe impl Send for WorkItem {}
// SAFETY: as above.
unsafe impl Send for WorkItemHandle {}
// SAFETY: as above.
unsafe impl Sync for WorkItemHandle {}

impl WorkItem {
    /// Creates a work item that does `W`.
    #[doc(alias = "WdfWorkItemCreate")]
    pub fn create<W: Work>(device: &ControlDevice, _at: Passive<'_>) -> Result<Self, Status> {
        let mut config = WDF_WORKITEM_CONFIG {
            Size: size_of::<WDF_WORKITEM_CONFIG>() as u32,
            EvtWorkItemFunc: Some(work::<W>),
            AutomaticSerialization: FALSE as u8,
        };
        let mut attributes = attributes();
        attributes.ParentObject = device.device.cast();
        let mut handle = core::ptr::null_mut();
        // SAFETY: the parent is live; configuration and attributes are copied.
        Status(unsafe { wdf!(WdfWorkItemCreate, &raw mut config, &raw mut attributes, &raw mut handle) })
            .ok()?;
        Ok(Self(WorkItemHandle(handle)))
    }

    /// A handle for others to queue work with, valid until the work item is dropped.
    #[must_use]
    pub fn handle(&self) -> WorkItemHandle {
        self.0
    }
}

impl WorkItemHandle {
    /// Queues the work unless it is queued already. IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "WdfWorkItemEnqueue")]
    pub fn enqueue(self) {
        // SAFETY: the work item lives until its owner has stopped all users of the handle.
        unsafe { wdf!(WdfWorkItemEnqueue, self.0) };
    }
}

impl Drop for WorkItem {
    /// IRQL: PASSIVE_LEVEL.
    #[doc(alias = "WdfWorkItemFlush")]
    fn drop(&mut self) {
        // SAFETY: the work item is live: its device is deleted later.
        unsafe { wdf!(WdfWorkItemFlush, self.0.0) };
    }
}

thunk! {
    unsafe fn work<W: Work>(_item: WDFWORKITEM) {
        // SAFETY: the framework runs work items at PASSIVE_LEVEL.
        W::work(unsafe { Passive::assume() });
    }
}

/// What a timer does.
pub trait Tick: 'static {
    /// IRQL: DISPATCH_LEVEL.
    #[doc(alias = "EvtTimer")]
    fn tick();
}

/// A periodic timer of a device; stops, and waits for a running tick, on drop. The framework deletes it with the device.
#[derive(Debug)]
pub struct Timer(WDFTIMER);

// SAFETY: framework handles may be used on any thread.
unsafe impl Send for Timer {}
// SAFETY: a shared timer offers nothing to call.
unsafe impl Sync for Timer {}

impl Timer {
    /// Starts a timer that does `T` every `period` milliseconds.
    #[doc(alias = "WdfTimerCreate")]
    #[inline(never)]
    pub fn start<T: Tick>(device: &ControlDevice, period: u32, _at: Passive<'_>) -> Result<Self, Status> {
        let mut config = WDF_TIMER_CONFIG {
            Size: size_of::<WDF_TIMER_CONFIG>() as u32,
            EvtTimerFunc: Some(tick::<T>),
            Period: period,
            AutomaticSerialization: FALSE as u8,
            // Some other wake-up in the second will do: an idle machine stays idle.
            TolerableDelay: period,
            ..Default::default()
        };
        let mut attributes = attributes();
        attributes.ParentObject = device.device.cast();
        let mut handle = core::ptr::null_mut();
        // SAFETY: the parent is live; configuration and attributes are copied.
        Status(unsafe { wdf!(WdfTimerCreate, &raw mut config, &raw mut attributes, &raw mut handle) })
            .ok()?;
        // A negative due time is relative, in 100 ns units.
        let due = i64::from(period).wrapping_mul(-10_000);
        // SAFETY: the timer is live. The result says whether it was running before, which it was not.
        let _running = unsafe { wdf!(WdfTimerStart, handle, due) };
        Ok(Self(handle))
    }
}

impl Drop for Timer {
    /// IRQL: PASSIVE_LEVEL.
    #[doc(alias = "WdfTimerStop")]
    fn drop(&mut self) {
        // SAFETY: the timer is live: its device is deleted later.
        let _queued = unsafe { wdf!(WdfTimerStop, self.0, TRUE as u8) };
    }
}

thunk! {
    unsafe fn tick<T: Tick>(_timer: WDFTIMER) {
        T::tick();
    }
}
