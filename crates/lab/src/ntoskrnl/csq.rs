//! Queues of packets that a driver keeps and from which cancellation takes them safely.

use ddk::nt;

use super::irp;
use crate::cpu::DISPATCH;
use crate::verifier::violation;

const TYPE_CSQ_IRP_CONTEXT: u32 = 1;
const TYPE_CSQ: u32 = 2;
const TYPE_CSQ_EX: u32 = 3;
const SL_PENDING_RETURNED: u8 = 0x1;

/// The word in a packet where its queue or context is noted.
fn note<'a>(irp: nt::PIRP) -> &'a mut nt::PVOID {
    // SAFETY: a queued packet is alive, and this part of it belongs to its queue.
    unsafe { &mut (*irp).Tail.Overlay.__bindgen_anon_1.__bindgen_anon_1.DriverContext[3] }
}

fn with_lock<R>(csq: nt::PIO_CSQ, body: impl FnOnce(&nt::IO_CSQ) -> R) -> R {
    // SAFETY: the driver passes an initialised queue, with its own routines.
    unsafe {
        let queue = &*csq;
        if !matches!(queue.Type, TYPE_CSQ | TYPE_CSQ_EX) {
            violation("L-2", &format!("a queue at {csq:p} is used that was not initialised"));
        }
        let mut irql = 0;
        if let Some(acquire) = queue.CsqAcquireLock {
            acquire(csq, &mut irql);
        }
        let result = body(queue);
        if let Some(release) = queue.CsqReleaseLock {
            release(csq, irql);
        }
        result
    }
}

ddk::abi_fn! {
    /// The cancel routine of every packet in such a queue.
    unsafe fn cancel(_device: *mut nt::DEVICE_OBJECT, packet: *mut nt::IRP) {
        // SAFETY: cancellation holds its lock and passes a packet that is alive.
        let irql = unsafe { (*packet).CancelIrql };
        // SAFETY: as above.
        unsafe { irp::IoReleaseCancelSpinLock(irql) };
        let noted = *note(packet);
        // SAFETY: the word notes a context or a queue, both of which start with their type.
        let csq = unsafe {
            let context = noted.cast::<nt::IO_CSQ_IRP_CONTEXT>();
            if (*context).Type == TYPE_CSQ_IRP_CONTEXT { (*context).Csq } else { noted.cast() }
        };
        with_lock(csq, |queue| {
            // SAFETY: the driver's own routine.
            unsafe {
                if let Some(remove) = queue.CsqRemoveIrp {
                    remove(csq, packet);
                }
            }
            forget_context(packet);
        });
        // SAFETY: as above.
        unsafe {
            if let Some(complete) = (*csq).CsqCompleteCanceledIrp {
                complete(csq, packet);
            }
        }
    }
}

/// Clears what a packet and its context note of each other.
fn forget_context(packet: nt::PIRP) {
    let noted = std::mem::replace(note(packet), std::ptr::null_mut());
    // SAFETY: as above.
    unsafe {
        let context = noted.cast::<nt::IO_CSQ_IRP_CONTEXT>();
        if !noted.is_null() && (*context).Type == TYPE_CSQ_IRP_CONTEXT {
            (*context).Irp = std::ptr::null_mut();
        }
    }
}

fn insert(
    csq: nt::PIO_CSQ,
    packet: nt::PIRP,
    context: nt::PIO_CSQ_IRP_CONTEXT,
    insert_context: nt::PVOID,
) -> i32 {
    // SAFETY: the driver passes a packet in its hands, and null or room for a context.
    unsafe {
        if context.is_null() {
            *note(packet) = csq.cast();
        } else {
            *note(packet) = context.cast();
            context.write(nt::IO_CSQ_IRP_CONTEXT { Type: TYPE_CSQ_IRP_CONTEXT, Irp: packet, Csq: csq });
        }
    }
    let (status, cancelled) = with_lock(csq, |queue| {
        // SAFETY: the driver's own routines; the first of another type if the queue is the extended kind.
        let status = unsafe {
            if queue.Type == TYPE_CSQ_EX {
                let insert: nt::PIO_CSQ_INSERT_IRP_EX = std::mem::transmute(queue.CsqInsertIrp);
                insert.map_or(nt::STATUS_INVALID_PARAMETER, |insert| insert(csq, packet, insert_context))
            } else {
                if let Some(insert) = queue.CsqInsertIrp {
                    insert(csq, packet);
                }
                nt::STATUS_SUCCESS
            }
        };
        if status < 0 {
            return (status, false);
        }
        // SAFETY: a packet in a driver's hands has a current location.
        unsafe {
            let tail = &(*packet).Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1;
            (*tail.CurrentStackLocation).Control |= SL_PENDING_RETURNED;
        }
        irp::exchange_cancel(packet, Some(cancel));
        // SAFETY: the packet is alive.
        let wanted = unsafe { (*packet).Cancel } != 0;
        let cancelled = wanted && irp::exchange_cancel(packet, None).is_some();
        if cancelled {
            // SAFETY: as above.
            unsafe {
                if let Some(remove) = queue.CsqRemoveIrp {
                    remove(csq, packet);
                }
            }
            forget_context(packet);
        }
        (status, cancelled)
    });
    if cancelled {
        // SAFETY: as above.
        unsafe {
            if let Some(complete) = (*csq).CsqCompleteCanceledIrp {
                complete(csq, packet);
            }
        }
    }
    status
}

crate::exports! {
    /// Functions of cancel-safe queues.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Initialises a queue.
    irql(0..=DISPATCH) fn IoCsqInitialize(
        csq: nt::PIO_CSQ, insert: nt::PIO_CSQ_INSERT_IRP, remove: nt::PIO_CSQ_REMOVE_IRP,
        peek: nt::PIO_CSQ_PEEK_NEXT_IRP, acquire: nt::PIO_CSQ_ACQUIRE_LOCK, release: nt::PIO_CSQ_RELEASE_LOCK,
        complete: nt::PIO_CSQ_COMPLETE_CANCELED_IRP
    ) -> i32 {
        // SAFETY: the driver passes room for a queue.
        unsafe {
            csq.write(nt::IO_CSQ {
                Type: TYPE_CSQ,
                CsqInsertIrp: insert,
                CsqRemoveIrp: remove,
                CsqPeekNextIrp: peek,
                CsqAcquireLock: acquire,
                CsqReleaseLock: release,
                CsqCompleteCanceledIrp: complete,
                ReservePointer: std::ptr::null_mut(),
            });
        }
        nt::STATUS_SUCCESS
    }

    /// Initialises a queue whose insertion may fail.
    irql(0..=DISPATCH) fn IoCsqInitializeEx(
        csq: nt::PIO_CSQ, insert: nt::PIO_CSQ_INSERT_IRP_EX, remove: nt::PIO_CSQ_REMOVE_IRP,
        peek: nt::PIO_CSQ_PEEK_NEXT_IRP, acquire: nt::PIO_CSQ_ACQUIRE_LOCK, release: nt::PIO_CSQ_RELEASE_LOCK,
        complete: nt::PIO_CSQ_COMPLETE_CANCELED_IRP
    ) -> i32 {
        // SAFETY: the queue's type says that its first routine is of the extended type; both are nullable.
        unsafe {
            let insert: nt::PIO_CSQ_INSERT_IRP = std::mem::transmute(insert);
            IoCsqInitialize(csq, insert, remove, peek, acquire, release, complete);
            (*csq).Type = TYPE_CSQ_EX;
        }
        nt::STATUS_SUCCESS
    }

    /// Marks a packet pending and puts it into a queue.
    irql(0..=DISPATCH) fn IoCsqInsertIrp(
        csq: nt::PIO_CSQ, packet: nt::PIRP, context: nt::PIO_CSQ_IRP_CONTEXT
    ) {
        insert(csq, packet, context, std::ptr::null_mut());
    }

    /// Marks a packet pending and puts it into a queue, if the queue takes it.
    irql(0..=DISPATCH) fn IoCsqInsertIrpEx(
        csq: nt::PIO_CSQ, packet: nt::PIRP, context: nt::PIO_CSQ_IRP_CONTEXT, insert_context: nt::PVOID
    ) -> i32 {
        insert(csq, packet, context, insert_context)
    }

    /// Takes a packet out of its queue; null if it was cancelled.
    irql(0..=DISPATCH) fn IoCsqRemoveIrp(csq: nt::PIO_CSQ, context: nt::PIO_CSQ_IRP_CONTEXT) -> nt::PIRP {
        with_lock(csq, |queue| {
            // SAFETY: the driver passes the context of an insertion.
            let packet = unsafe { (*context).Irp };
            if packet.is_null() || irp::exchange_cancel(packet, None).is_none() {
                return std::ptr::null_mut();
            }
            // SAFETY: the driver's own routine.
            unsafe {
                if let Some(remove) = queue.CsqRemoveIrp {
                    remove(csq, packet);
                }
            }
            forget_context(packet);
            packet
        })
    }

    /// Takes the next packet that fits out of a queue; null if there is none.
    irql(0..=DISPATCH) fn IoCsqRemoveNextIrp(csq: nt::PIO_CSQ, wanted: nt::PVOID) -> nt::PIRP {
        with_lock(csq, |queue| {
            let mut packet = std::ptr::null_mut();
            loop {
                let Some(peek) = queue.CsqPeekNextIrp else { return std::ptr::null_mut() };
                // SAFETY: the driver's own routine.
                packet = unsafe { peek(csq, packet, wanted) };
                if packet.is_null() {
                    return packet;
                }
                if irp::exchange_cancel(packet, None).is_some() {
                    break;
                }
            }
            // SAFETY: as above.
            unsafe {
                if let Some(remove) = queue.CsqRemoveIrp {
                    remove(csq, packet);
                }
            }
            forget_context(packet);
            packet
        })
    }
}
