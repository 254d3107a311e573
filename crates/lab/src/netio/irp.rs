//! The IRPs that WSK takes: what it asks of them, and their completion.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use ddk::inline::{IoGetCurrentIrpStackLocation, IoGetNextIrpStackLocation, IoMarkIrpPending};
use ddk::nt;

use super::active::{self, Kind};
use super::lock;
use crate::pool;
use crate::verifier::violation;

/// An IRP that WSK holds. It is completed exactly once, whatever the call returns (W23).
#[derive(Debug)]
pub(crate) struct Request {
    irp: usize,
    number: u64,
    name: &'static str,
    /// The driver made the IRP for this one request, so its completion routine takes it back.
    own: bool,
}

/// Requests that are not complete: by number, the IRP and the function's name.
static OPEN: Mutex<BTreeMap<u64, (usize, &'static str)>> = Mutex::new(BTreeMap::new());

/// Whether the request `number` is not complete.
pub(crate) fn is_open(number: u64) -> bool {
    lock(&OPEN).contains_key(&number)
}

const INVOKE: u32 = nt::SL_INVOKE_ON_SUCCESS | nt::SL_INVOKE_ON_ERROR | nt::SL_INVOKE_ON_CANCEL;

impl Request {
    /// Takes `irp` for a call of `name` and moves to WSK's own stack location.
    pub(crate) fn take(name: &'static str, irp: nt::PIRP) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        if irp.is_null() {
            violation("WV-2", &format!("{name} without an IRP (W20)"));
        }
        alive(name, irp as usize);
        if let Some((_, other)) = lock(&OPEN).values().find(|(open, _)| *open == irp as usize) {
            violation("WV-2", &format!("{name} with an IRP that {other} has not completed (W23)"));
        }
        // SAFETY: the driver's IRP; a bad pointer faults and is reported.
        let own = unsafe {
            if (*irp).CurrentLocation <= 1 {
                violation("WV-2", &format!("{name} with an IRP that has no free stack location (W20)"));
            }
            let own = (*irp).CurrentLocation > (*irp).StackCount;
            let next = IoGetNextIrpStackLocation(irp);
            let invoked = u32::from((*next).Control) & INVOKE == INVOKE;
            if own && ((*next).CompletionRoutine.is_none() || !invoked) {
                violation(
                    "WV-2",
                    &format!(
                        "{name} with an IRP whose completion routine is not set for success, error and cancel (W21)"
                    ),
                );
            }
            (*irp).CurrentLocation -= 1;
            (*irp).Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation = next;
            own
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        lock(&OPEN).insert(number, (irp as usize, name));
        active::started(number);
        Self { irp: irp as usize, number, name, own }
    }

    /// The IRP's address.
    pub(crate) fn irp(&self) -> usize {
        self.irp
    }

    /// Notes that the call returns STATUS_PENDING.
    pub(crate) fn pend(&self) {
        // SAFETY: WSK holds the IRP, and its location is the current one.
        unsafe { IoMarkIrpPending(self.irp as nt::PIRP) }
    }

    /// Completes the request; the driver's completion routine runs now.
    pub(crate) fn complete(self, status: i32, information: u64) {
        alive(self.name, self.irp);
        let irp = self.irp as nt::PIRP;
        // SAFETY: WSK holds the IRP until it is completed here.
        unsafe {
            (*irp).IoStatus.__bindgen_anon_1.Status = status;
            (*irp).IoStatus.Information = information;
        }
        lock(&OPEN).remove(&self.number);
        let taken = active::run(Kind::Wsk, "the completion routine", || {
            // SAFETY: as above.
            unsafe { walk(irp, status) }
        });
        if self.own && !taken {
            violation(
                "WV-2",
                &format!(
                    "the completion routine of {} did not return STATUS_MORE_PROCESSING_REQUIRED for an IRP of the \
                     driver's own (W21)",
                    self.name
                ),
            );
        }
    }
}

/// An IRP that was freed while WSK holds it.
fn alive(name: &str, irp: usize) {
    if pool::lookup(irp).is_some_and(|block| block.freed_at.is_some()) {
        violation("WV-2", &format!("the IRP of {name} was freed before it was complete (W23)"));
    }
}

/// Walks up the stack locations as IofCompleteRequest does; true when a routine took the IRP back.
///
/// # Safety
/// The caller holds the IRP, and its location is the current one.
unsafe fn walk(irp: nt::PIRP, status: i32) -> bool {
    // SAFETY: the locations from the current one to the last belong to the IRP, which nobody else uses.
    unsafe {
        while (*irp).CurrentLocation <= (*irp).StackCount {
            let location = IoGetCurrentIrpStackLocation(irp);
            let (control, routine) = (u32::from((*location).Control), (*location).CompletionRoutine);
            (*irp).CurrentLocation += 1;
            (*irp).Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation = location.add(1);
            (*irp).PendingReturned = u8::from(control & nt::SL_PENDING_RETURNED != 0);
            let above = (*irp).CurrentLocation <= (*irp).StackCount;
            let invoked = (status >= 0 && control & nt::SL_INVOKE_ON_SUCCESS != 0)
                || (status < 0 && control & nt::SL_INVOKE_ON_ERROR != 0)
                || ((*irp).Cancel != 0 && control & nt::SL_INVOKE_ON_CANCEL != 0);
            match routine.filter(|_| invoked) {
                Some(routine) => {
                    let device = if above { (*location.add(1)).DeviceObject } else { std::ptr::null_mut() };
                    if routine(device, irp, (*location).Context) == nt::STATUS_MORE_PROCESSING_REQUIRED {
                        return true;
                    }
                }
                None if above && (*irp).PendingReturned != 0 => IoMarkIrpPending(irp),
                None => {}
            }
        }
        false
    }
}
