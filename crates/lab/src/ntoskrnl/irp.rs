//! I/O request packets: who made them, where they are in a stack of drivers, and how they complete.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, Once, PoisonError};

use ddk::nt;

use super::{device, dispatcher, lock, process};
use crate::cpu::{self, APC, DISPATCH, PASSIVE};
use crate::pool::{self, Fill};
use crate::verifier::{self, Leak, violation};

const IRP_TAG: u32 = u32::from_le_bytes(*b"Irp ");
const TYPE_IRP: i16 = 6;
const SL_PENDING_RETURNED: u8 = 0x1;
const SL_INVOKE_ON_CANCEL: u8 = 0x20;
const SL_INVOKE_ON_SUCCESS: u8 = 0x40;
const SL_INVOKE_ON_ERROR: u8 = 0x80;
const DEVICE_CONTROL: u8 = 14;
const INTERNAL_DEVICE_CONTROL: u8 = 15;

/// Who made a packet, and so what happens at its end.
#[derive(Clone, Debug)]
enum Maker {
    /// IoAllocateIrp or IoInitializeIrp: the driver's completion routine keeps it.
    Driver { allocated: bool },
    /// IoBuildDeviceIoControlRequest and its like: belongs to a thread, the I/O manager ends it.
    Thread { output: usize, room: usize, buffer: usize },
    /// The lab's user mode, which awaits it.
    User { buffered_output: Option<usize> },
}

/// What the lab knows of a packet.
#[derive(Clone, Debug)]
struct State {
    maker: Maker,
    creator: usize,
    /// Sent to a driver and not back yet.
    in_flight: bool,
    /// Completed by the driver that has it and not sent again since.
    completed: bool,
    /// Stack locations that completion has passed: status and whether each was marked pending.
    passed: BTreeMap<i8, (i32, bool)>,
    /// Locations to which it was sent.
    sent: BTreeSet<i8>,
    /// Counts how often it was sent anew from the same place.
    generation: u64,
    /// Status and information with which it has come back to user mode.
    outcome: Option<(i32, u64)>,
}

static PACKETS: Mutex<Option<HashMap<usize, State>>> = Mutex::new(None);

fn packets<R>(body: impl FnOnce(&mut HashMap<usize, State>) -> R) -> R {
    body(PACKETS.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

fn with<R>(irp: nt::PIRP, rule: &str, what: &str, body: impl FnOnce(&mut State) -> R) -> R {
    match packets(|all| all.get_mut(&(irp as usize)).map(body)) {
        Some(result) => result,
        None => violation(rule, &format!("{what} for {irp:p}, which is no IRP")),
    }
}

/// Packets behind requests of the framework: user mode made them, the framework completes them.
static LENT: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());

fn lent() -> std::sync::MutexGuard<'static, BTreeSet<usize>> {
    LENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a packet of the framework known, which a driver may ask about.
pub(crate) fn lend(irp: nt::PIRP) {
    lent().insert(irp as usize);
}

/// Forgets a packet of the framework.
pub(crate) fn take_back(irp: usize) {
    lent().remove(&irp);
}

/// Number of the process whose thread made a packet; none if a driver allocated it for itself.
fn requestor(irp: nt::PIRP, what: &str) -> Option<u32> {
    const SYSTEM_PROCESS: u32 = 4;
    if lent().contains(&(irp as usize)) {
        return Some(process::USER_PROCESS);
    }
    with(irp, "G-50", what, |state| match state.maker {
        Maker::Driver { .. } => None,
        Maker::Thread { .. } => Some(SYSTEM_PROCESS),
        Maker::User { .. } => Some(process::USER_PROCESS),
    })
}

/// The status block of a packet: status and information.
fn outcome(irp: &nt::IRP) -> (i32, u64) {
    // SAFETY: the first four bytes of the union are the status.
    (unsafe { irp.IoStatus.__bindgen_anon_1.Status }, irp.IoStatus.Information)
}

/// The place of the current stack location in a packet.
fn current(irp: &mut nt::IRP) -> &mut *mut nt::IO_STACK_LOCATION {
    // SAFETY: an IRP in use by drivers has this view of its tail.
    unsafe { &mut irp.Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation }
}

/// Fills the packet of `size` bytes at `irp`.
///
/// # Safety
/// The memory has room for a packet with `stack` locations.
unsafe fn initialize(irp: nt::PIRP, size: u16, stack: i8) {
    // SAFETY: the caller's promise; all fields accept zeroes.
    unsafe {
        std::ptr::write_bytes(irp.cast::<u8>(), 0, usize::from(size));
        let packet = &mut *irp;
        packet.Type = TYPE_IRP;
        packet.Size = size;
        packet.StackCount = stack;
        packet.CurrentLocation = stack + 1;
        let head = &raw mut packet.ThreadListEntry;
        packet.ThreadListEntry = nt::LIST_ENTRY { Flink: head, Blink: head };
        *current(packet) = irp.add(1).cast::<nt::IO_STACK_LOCATION>().add(stack as usize);
    }
}

fn size_for(stack: i8) -> u16 {
    (size_of::<nt::IRP>() + stack as usize * size_of::<nt::IO_STACK_LOCATION>()) as u16
}

fn register(irp: nt::PIRP, maker: Maker) {
    static CHECK: Once = Once::new();
    CHECK.call_once(|| verifier::on_leak_check(leaks));
    let creator = cpu::current_call().map_or(0, |call| call.caller);
    let state = State {
        maker,
        creator,
        in_flight: false,
        completed: false,
        passed: BTreeMap::new(),
        sent: BTreeSet::new(),
        generation: 0,
        outcome: None,
    };
    packets(|all| all.insert(irp as usize, state));
}

fn allocate(stack: i8, maker: Maker) -> nt::PIRP {
    let size = size_for(stack);
    let irp: nt::PIRP = pool::lend(usize::from(size), IRP_TAG, Fill::Zero).cast();
    // SAFETY: the block has this size.
    unsafe { initialize(irp, size, stack) };
    register(irp, maker);
    irp
}

fn leaks(leaks: &mut Vec<Leak>) {
    packets(|all| {
        let own = all.iter().filter(|(_, state)| {
            matches!(state.maker, Maker::Driver { allocated: true } | Maker::Thread { .. })
        });
        leaks.extend(own.map(|(irp, state)| Leak {
            rule: "G-6".into(),
            what: format!("IRP {irp:#x}"),
            creator: verifier::locate(state.creator),
        }));
    });
}

/// Makes a packet for user mode; `buffered_output` is the length of a buffered request's output.
pub(super) fn for_user(stack: i8, buffered_output: Option<usize>) -> nt::PIRP {
    allocate(stack, Maker::User { buffered_output })
}

/// What became of a packet of user mode, once it is back.
pub(super) fn outcome_of(irp: nt::PIRP) -> Option<(i32, u64)> {
    packets(|all| all.get(&(irp as usize)).and_then(|state| state.outcome))
}

/// Frees a packet of user mode.
pub(super) fn forget(irp: nt::PIRP) {
    packets(|all| all.remove(&(irp as usize)));
    pool::take_back(irp.cast());
}

/// The next stack location, which whoever sends a packet fills.
pub(super) fn next_location<'a>(irp: nt::PIRP) -> &'a mut nt::IO_STACK_LOCATION {
    // SAFETY: a packet that was just made has at least one location below the current one.
    unsafe { &mut *(*current(&mut *irp)).sub(1) }
}

/// Sends a packet to the driver of `device`.
pub(crate) fn call_driver(target: nt::PDEVICE_OBJECT, irp: nt::PIRP) -> i32 {
    if !device::exists(target) {
        violation("G-52", &format!("IoCallDriver to {target:p}, which is no device"));
    }
    // SAFETY: the packet is known, as the next call checks; its memory is alive.
    let packet = unsafe { &mut *irp };
    with(irp, "G-52", "IoCallDriver", |state| {
        state.in_flight = true;
        state.completed = false;
    });
    if packet.CurrentLocation <= 1 {
        violation("G-52", "IoCallDriver for an IRP without a free stack location");
    }
    if packet.CancelRoutine.is_some() {
        violation("G-52", "IoCallDriver for an IRP with a cancel routine");
    }
    packet.CurrentLocation -= 1;
    let place = packet.CurrentLocation;
    // SAFETY: the location is inside the packet, as just checked, and the device exists.
    let (major, routine) = unsafe {
        *current(packet) = (*current(packet)).sub(1);
        let location = &mut **current(packet);
        location.DeviceObject = target;
        let driver = &*(*target).DriverObject;
        (
            location.MajorFunction,
            device::routine(target, location.MajorFunction).unwrap_or_else(|| {
                driver.MajorFunction.get(usize::from(location.MajorFunction)).copied().flatten()
            }),
        )
    };
    let generation = with(irp, "G-52", "IoCallDriver", |state| {
        if state.passed.remove(&place).is_some() || !state.sent.insert(place) {
            state.generation += 1;
        }
        state.sent.retain(|sent| *sent >= place);
        state.generation
    });
    let status = match routine {
        // SAFETY: the driver's dispatch routine for this function.
        Some(routine) => verifier::callback("dispatch routine", || unsafe { routine(target, irp) }),
        None => {
            packet.IoStatus.__bindgen_anon_1.Status = nt::STATUS_INVALID_DEVICE_REQUEST;
            complete(irp);
            nt::STATUS_INVALID_DEVICE_REQUEST
        }
    };
    check_dispatch(irp, (place, generation), status, major);
    status
}

/// Checks rule G-53: what a dispatch routine returns fits what it did with its packet.
fn check_dispatch(irp: nt::PIRP, (place, generation): (i8, u64), status: i32, major: u8) {
    if !verifier::enabled() {
        return;
    }
    let found = packets(|all| {
        // One that was sent anew in the meantime is judged there.
        let state = all.get(&(irp as usize)).filter(|state| state.generation == generation)?;
        let forwarded = state.sent.contains(&(place - 1));
        let (completed, marked) = match state.passed.get(&place) {
            Some(passed) => (Some(passed.0), passed.1),
            // SAFETY: completion has not passed this location: the packet is alive, and whoever completes it
            // has to take this lock first.
            None => unsafe {
                let above = usize::from((place - 1) as u8);
                let location = &*irp.add(1).cast::<nt::IO_STACK_LOCATION>().add(above);
                (None, location.Control & SL_PENDING_RETURNED != 0)
            },
        };
        Some((completed, marked, forwarded))
    });
    // A packet that is gone was completed and freed by its maker.
    let Some((completed, marked, forwarded)) = found else { return };
    let what = format!("the dispatch routine for function {major} returned {status:#x}");
    match completed {
        _ if marked && status != nt::STATUS_PENDING => {
            violation("G-53", &format!("{what} for an IRP that it marked pending"));
        }
        // The driver below answers for it.
        _ if forwarded => {}
        _ if !marked && status == nt::STATUS_PENDING => {
            violation("G-53", &format!("{what} (pending) for an IRP that it did not mark pending"));
        }
        Some(completed) if !marked && completed != status => {
            violation("G-53", &format!("{what} for an IRP that it completed with {completed:#x}"));
        }
        None if !marked => {
            violation("G-53", &format!("{what} for an IRP that it neither completed nor passed on"));
        }
        _ => {}
    }
}

/// Completes a packet: calls the completion routines from the current location upwards.
pub(crate) fn complete(irp: nt::PIRP) {
    let completed = with(irp, "G-50", "IoCompleteRequest", |state| {
        std::mem::replace(&mut state.completed, true) || !state.in_flight
    });
    if completed {
        violation("G-50", "bug check 0x44 (MULTIPLE_IRP_COMPLETE_REQUESTS): the IRP is completed already");
    }
    // SAFETY: the packet is known, so its memory is alive.
    let packet = unsafe { &mut *irp };
    let (status, _) = outcome(packet);
    if status == nt::STATUS_PENDING || status == -1 {
        violation("G-50", &format!("an IRP is completed with status {status:#x}"));
    }
    if packet.CancelRoutine.is_some() {
        violation("G-50", "an IRP is completed with a cancel routine");
    }
    while packet.CurrentLocation <= packet.StackCount {
        let place = packet.CurrentLocation;
        // SAFETY: the location is inside the packet, since its number is.
        let location = unsafe { &mut **current(packet) };
        let (routine, context, control) = (location.CompletionRoutine, location.Context, location.Control);
        let (status, _) = outcome(packet);
        let pending = control & SL_PENDING_RETURNED != 0;
        with(irp, "G-50", "IoCompleteRequest", |state| state.passed.insert(place, (status, pending)));
        packet.PendingReturned = u8::from(pending);
        packet.CurrentLocation += 1;
        let top = packet.CurrentLocation > packet.StackCount;
        // SAFETY: at most one past the last location.
        let above = unsafe {
            *current(packet) = (*current(packet)).add(1);
            if top { std::ptr::null_mut() } else { *current(packet) }
        };
        let wanted = (status >= 0 && control & SL_INVOKE_ON_SUCCESS != 0)
            || (status < 0 && control & SL_INVOKE_ON_ERROR != 0)
            || (packet.Cancel != 0 && control & SL_INVOKE_ON_CANCEL != 0);
        let Some(routine) = routine.filter(|_| wanted) else {
            if pending && !top {
                // SAFETY: not the top, so the location above is inside the packet.
                unsafe { (*above).Control |= SL_PENDING_RETURNED };
            }
            continue;
        };
        // SAFETY: as above.
        let device = if top { std::ptr::null_mut() } else { unsafe { (*above).DeviceObject } };
        if top {
            // From here on the maker may free it.
            with(irp, "G-50", "IoCompleteRequest", |state| state.in_flight = false);
        } else {
            with(irp, "G-50", "IoCompleteRequest", |state| state.completed = false);
        }
        // SAFETY: the routine that the driver above has set.
        let result = verifier::callback("completion routine", || unsafe { routine(device, irp, context) });
        if result == nt::STATUS_MORE_PROCESSING_REQUIRED {
            return;
        }
        with(irp, "G-54", "a completion routine that lets completion go on", |state| state.completed = true);
        // SAFETY: as above; the packet is still alive.
        if pending && !top && unsafe { (*above).Control } & SL_PENDING_RETURNED == 0 {
            violation("G-54", "a completion routine does not pass PendingReturned on with IoMarkIrpPending");
        }
    }
    end(irp);
}

/// The I/O manager's part of completion, once all drivers have seen the packet.
fn end(irp: nt::PIRP) {
    // SAFETY: as above.
    let packet = unsafe { &mut *irp };
    let (status, information) = outcome(packet);
    let maker = with(irp, "G-50", "IoCompleteRequest", |state| {
        state.in_flight = false;
        state.maker.clone()
    });
    match maker {
        Maker::Driver { .. } => violation(
            "G-51",
            "an IRP of IoAllocateIrp comes back to the I/O manager: its maker's completion routine has to keep it",
        ),
        Maker::Thread { output, room, buffer } => {
            // SAFETY: the driver that made the packet keeps its output, status block and event valid until now.
            unsafe {
                if buffer != 0 && output != 0 && status as u32 >> 30 != 3 {
                    let count = (information as usize).min(room);
                    std::ptr::copy_nonoverlapping(buffer as *const u8, output as *mut u8, count);
                }
                let block = packet.__bindgen_anon_1.UserIosb;
                if !block.is_null() {
                    *block = packet.IoStatus;
                }
            }
            let event = packet.UserEvent;
            free_thread_packet(irp, buffer);
            if !event.is_null() {
                dispatcher::signal(event.cast(), 1);
            }
        }
        Maker::User { buffered_output } => {
            if let Some(room) = buffered_output.filter(|room| information as usize > *room) {
                violation(
                    "G-58",
                    &format!("a request with {room} bytes of output is completed with {information} bytes"),
                );
            }
            with(irp, "G-50", "IoCompleteRequest", |state| state.outcome = Some((status, information)));
            dispatcher::wake();
        }
    }
}

fn free_thread_packet(irp: nt::PIRP, buffer: usize) {
    packets(|all| all.remove(&(irp as usize)));
    if buffer != 0 {
        pool::take_back(buffer as *mut u8);
    }
    pool::take_back(irp.cast());
}

static CANCEL_LOCK: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
const CANCEL: &str = "IoAcquireCancelSpinLock/IoReleaseCancelSpinLock";

fn lock_cancel() -> u8 {
    let old = cpu::raise(DISPATCH);
    lock::acquire(CANCEL_LOCK.as_ptr(), CANCEL, Some(old));
    old
}

fn unlock_cancel(irql: u8) {
    lock::release(CANCEL_LOCK.as_ptr(), CANCEL, Some(irql));
    cpu::lower(irql);
}

/// Takes the cancel routine of a packet away, as IoSetCancelRoutine does inline in drivers.
pub(super) fn exchange_cancel(irp: nt::PIRP, routine: nt::PDRIVER_CANCEL) -> nt::PDRIVER_CANCEL {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let new = routine.map_or(0, |routine| routine as usize);
    // SAFETY: drivers and the lab exchange this word atomically; a nullable function has the form of a word.
    unsafe {
        let word = AtomicUsize::from_ptr((&raw mut (*irp).CancelRoutine).cast());
        std::mem::transmute::<usize, nt::PDRIVER_CANCEL>(word.swap(new, Ordering::SeqCst))
    }
}

/// Cancels a packet; whether it had a cancel routine.
pub(crate) fn cancel(irp: nt::PIRP) -> bool {
    let old = lock_cancel();
    if packets(|all| !all.contains_key(&(irp as usize))) {
        violation("G-50", &format!("IoCancelIrp for {irp:p}, which is no IRP"));
    }
    // SAFETY: the packet is known, so its memory is alive.
    unsafe { (*irp).Cancel = 1 };
    let Some(routine) = exchange_cancel(irp, None) else {
        unlock_cancel(old);
        return false;
    };
    // SAFETY: as above; a driver that queues a packet has a stack location in it.
    let device = unsafe {
        (*irp).CancelIrql = old;
        let packet = &mut *irp;
        if packet.CurrentLocation > packet.StackCount {
            violation("G-50", "an IRP with a cancel routine is in no driver's hands");
        }
        (**current(packet)).DeviceObject
    };
    // The routine gives the lock back and so lowers the IRQL.
    // SAFETY: the driver's cancel routine.
    unsafe { routine(device, irp) };
    if cpu::irql() != old || cpu::thread().lock_count() != 0 {
        violation("G-14", "a cancel routine does not release the cancel spin lock to Irp->CancelIrql");
    }
    true
}

fn build(
    code: u32,
    target: nt::PDEVICE_OBJECT,
    (input, input_length): (nt::PVOID, u32),
    (output, output_length): (nt::PVOID, u32),
    major: u8,
) -> nt::PIRP {
    if !device::exists(target) {
        violation("G-52", &format!("a request for {target:p}, which is no device"));
    }
    if pool::must_fail() {
        return std::ptr::null_mut();
    }
    let buffered = code & 3 == 0;
    let size = if buffered { input_length.max(output_length) as usize } else { 0 };
    let buffer = if size == 0 { std::ptr::null_mut() } else { pool::lend(size, IRP_TAG, Fill::Pattern) };
    let maker = Maker::Thread {
        output: if buffered { output as usize } else { 0 },
        room: output_length as usize,
        buffer: buffer as usize,
    };
    // SAFETY: the device exists.
    let irp = allocate(unsafe { (*target).StackSize }, maker);
    let location = next_location(irp);
    location.MajorFunction = major;
    location.Parameters.DeviceIoControl.IoControlCode = code;
    location.Parameters.DeviceIoControl.InputBufferLength = input_length;
    location.Parameters.DeviceIoControl.OutputBufferLength = output_length;
    // SAFETY: the packet was just made; the driver's input has the length that it names.
    unsafe {
        if !buffer.is_null() && input_length != 0 {
            std::ptr::copy_nonoverlapping(input.cast::<u8>(), buffer, input_length as usize);
        }
        (*irp).AssociatedIrp.SystemBuffer = buffer.cast();
        if !buffered {
            location.Parameters.DeviceIoControl.Type3InputBuffer = input;
            (*irp).UserBuffer = output;
        }
    }
    irp
}

crate::exports! {
    /// IRP functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Makes a packet.
    irql(0..=DISPATCH) fn IoAllocateIrp(stack: nt::CCHAR, _charge: u8) -> nt::PIRP {
        if stack < 1 {
            violation("L-2", "IoAllocateIrp without stack locations");
        }
        if pool::must_fail() {
            return std::ptr::null_mut();
        }
        allocate(stack, Maker::Driver { allocated: true })
    }

    /// Frees a packet.
    irql(0..=DISPATCH) fn IoFreeIrp(irp: nt::PIRP) {
        let (maker, in_flight) =
            with(irp, "G-51", "IoFreeIrp", |state| (state.maker.clone(), state.in_flight));
        if in_flight {
            violation("G-51", "IoFreeIrp of an IRP that a driver has");
        }
        match maker {
            Maker::Driver { allocated: true } => {}
            Maker::Driver { allocated: false } => violation("G-51", "IoFreeIrp of an IRP of IoInitializeIrp"),
            Maker::Thread { .. } | Maker::User { .. } => {
                violation("G-51", "IoFreeIrp of an IRP that the I/O manager frees");
            }
        }
        packets(|all| all.remove(&(irp as usize)));
        pool::take_back(irp.cast());
    }

    /// Makes a packet as if it were new.
    irql(0..=DISPATCH) fn IoReuseIrp(irp: nt::PIRP, status: i32) {
        let (driver, in_flight) = with(irp, "G-57", "IoReuseIrp", |state| {
            state.completed = false;
            state.passed.clear();
            state.sent.clear();
            state.generation += 1;
            (matches!(state.maker, Maker::Driver { .. }), state.in_flight)
        });
        if in_flight || !driver {
            violation("G-57", "IoReuseIrp of an IRP that a driver has, or that the I/O manager made");
        }
        // SAFETY: the packet is known, so its memory is alive.
        unsafe {
            let (size, stack) = ((*irp).Size, (*irp).StackCount);
            initialize(irp, size, stack);
            (*irp).IoStatus.__bindgen_anon_1.Status = status;
        }
    }

    /// Makes a packet in the driver's memory.
    irql(0..=DISPATCH) fn IoInitializeIrp(irp: nt::PIRP, size: u16, stack: nt::CCHAR) {
        let allocated = packets(|all| {
            all.get(&(irp as usize)).is_some_and(|state| !matches!(state.maker, Maker::Driver { allocated: false }))
        });
        if allocated {
            violation("G-57", "IoInitializeIrp of an IRP that the I/O manager made");
        }
        if stack < 1 || size < size_for(stack) {
            violation("L-2", &format!("IoInitializeIrp with {stack} locations in {size} bytes"));
        }
        // SAFETY: the driver passes memory of this size.
        unsafe { initialize(irp, size, stack) };
        register(irp, Maker::Driver { allocated: false });
    }

    /// Completes a packet.
    irql(0..=DISPATCH, "G-50") fn IofCompleteRequest(irp: nt::PIRP, _boost: nt::CCHAR) {
        complete(irp);
    }

    /// Sends a packet to a driver.
    irql(0..=DISPATCH, "G-52") fn IofCallDriver(target: nt::PDEVICE_OBJECT, irp: nt::PIRP) -> i32 {
        call_driver(target, irp)
    }

    /// Cancels a packet; whether it had a cancel routine.
    irql(0..=DISPATCH) fn IoCancelIrp(irp: nt::PIRP) -> u8 {
        u8::from(cancel(irp))
    }

    /// Acquires the lock of cancellation.
    irql(0..=DISPATCH, "G-11") fn IoAcquireCancelSpinLock(irql: nt::PKIRQL) {
        let old = lock_cancel();
        // SAFETY: the driver passes room for the IRQL.
        unsafe { irql.write(old) };
    }

    /// Releases the lock of cancellation.
    irql(DISPATCH..=DISPATCH, "G-11") fn IoReleaseCancelSpinLock(irql: nt::KIRQL) {
        unlock_cancel(irql);
    }

    /// Sets a completion routine for the driver below.
    irql(0..=DISPATCH) fn IoSetCompletionRoutineEx(
        _device: nt::PDEVICE_OBJECT, irp: nt::PIRP, routine: nt::PIO_COMPLETION_ROUTINE, context: nt::PVOID,
        success: u8, error: u8, cancel: u8
    ) -> i32 {
        if pool::must_fail() {
            return nt::STATUS_INSUFFICIENT_RESOURCES;
        }
        with(irp, "G-54", "IoSetCompletionRoutineEx", |_| ());
        let location = next_location(irp);
        location.CompletionRoutine = routine;
        location.Context = context;
        location.Control = [(success, SL_INVOKE_ON_SUCCESS), (error, SL_INVOKE_ON_ERROR), (cancel, SL_INVOKE_ON_CANCEL)]
            .iter()
            .filter(|(wanted, _)| *wanted != 0)
            .fold(0, |all, (_, bit)| all | bit);
        nt::STATUS_SUCCESS
    }

    /// Makes a packet for a control request, which the I/O manager frees.
    irql(PASSIVE..=PASSIVE) fn IoBuildDeviceIoControlRequest(
        code: u32, target: nt::PDEVICE_OBJECT, input: nt::PVOID, input_length: u32, output: nt::PVOID,
        output_length: u32, internal: u8, event: nt::PKEVENT, block: nt::PIO_STATUS_BLOCK
    ) -> nt::PIRP {
        let major = if internal != 0 { INTERNAL_DEVICE_CONTROL } else { DEVICE_CONTROL };
        let irp = build(code, target, (input, input_length), (output, output_length), major);
        if !irp.is_null() {
            // SAFETY: the packet was just made.
            unsafe {
                (*irp).UserEvent = event;
                (*irp).__bindgen_anon_1.UserIosb = block;
            }
        }
        irp
    }

    /// Number of the process that made a request; 0 if no thread made it.
    irql(0..=APC) fn IoGetRequestorProcessId(irp: nt::PIRP) -> u32 {
        requestor(irp, "IoGetRequestorProcessId").unwrap_or(0)
    }

    /// The process that made a request; null if no thread made it.
    irql(0..=APC) fn IoGetRequestorProcess(irp: nt::PIRP) -> nt::PEPROCESS {
        let process = requestor(irp, "IoGetRequestorProcess").and_then(|id| process::by_id(id as usize));
        process.map_or(std::ptr::null_mut(), |process| process.address as nt::PEPROCESS)
    }

    /// Whether a request comes from a 32-bit process: no such process is here.
    irql(0..=DISPATCH) fn IoIs32bitProcess(irp: nt::PIRP) -> u8 {
        if !irp.is_null() {
            requestor(irp, "IoIs32bitProcess");
        }
        0
    }
}
