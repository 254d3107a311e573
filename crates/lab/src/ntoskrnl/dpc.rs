//! Deferred procedure calls: one queue for each processor, drained when its IRQL falls below DISPATCH_LEVEL.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use ddk::nt;

use super::live;
use crate::cpu::{self, DISPATCH, HIGH, MAX_PROCESSORS, PASSIVE};
use crate::schedule;
use crate::verifier::{self, violation};

/// DpcObject and ThreadedDpcObject: the kinds of a KDPC.
const NORMAL: u8 = 19;
const THREADED: u8 = 26;
/// A target number at or above this means the processor that follows.
const TARGETED: u16 = 0x800;
const MEDIUM_IMPORTANCE: u8 = 1;
const HIGH_IMPORTANCE: u8 = 2;
/// Processor time of one routine from which on the watchdog counts it as one that does not end.
const LIMIT: Duration = Duration::from_millis(500);

/// A queued call, with the arguments that the driver gave when it queued it.
#[derive(Clone, Copy, Debug)]
struct Queued {
    dpc: usize,
    arguments: [usize; 2],
}

#[derive(Debug)]
struct Queue {
    normal: VecDeque<Queued>,
    threaded: VecDeque<Queued>,
    /// Routines that run now.
    running: Vec<usize>,
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.normal.is_empty() && self.threaded.is_empty()
    }
}

struct Processor {
    queue: Mutex<Queue>,
    changed: Condvar,
    started: Once,
}

static PROCESSORS: [Processor; MAX_PROCESSORS as usize] = [const {
    Processor {
        queue: Mutex::new(Queue { normal: VecDeque::new(), threaded: VecDeque::new(), running: Vec::new() }),
        changed: Condvar::new(),
        started: Once::new(),
    }
}; MAX_PROCESSORS as usize];

impl Processor {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn processor(number: u32) -> &'static Processor {
    &PROCESSORS[number as usize % MAX_PROCESSORS as usize]
}

fn target(dpc: &nt::KDPC) -> u32 {
    // SAFETY: both members of the union are plain integers.
    let number = unsafe { dpc.__bindgen_anon_1.__bindgen_anon_1.Number };
    match number.checked_sub(TARGETED) {
        Some(number) => u32::from(number) % cpu::processor_count(),
        None => cpu::number(),
    }
}

fn initialize(dpc: nt::PRKDPC, kind: u8, routine: nt::PKDEFERRED_ROUTINE, context: nt::PVOID) {
    if live::contains(dpc as usize) {
        violation("G-23", "a DPC is initialised while it is queued");
    }
    // SAFETY: the driver passes room for a DPC, all of whose fields accept zeroes.
    unsafe {
        dpc.write(std::mem::zeroed());
        (*dpc).__bindgen_anon_1.__bindgen_anon_1 =
            nt::_KDPC__bindgen_ty_2 { Type: kind, Importance: MEDIUM_IMPORTANCE, Number: 0 };
        (*dpc).DeferredRoutine = routine;
        (*dpc).DeferredContext = context;
    }
}

/// Queues `dpc`; false if it is queued already. Runs it at once where the kernel would interrupt for it.
pub(crate) fn insert(dpc: nt::PRKDPC, arguments: [usize; 2]) -> bool {
    static DRAIN: Once = Once::new();
    DRAIN.call_once(|| cpu::on_lower_below_dispatch(drain));
    // SAFETY: a driver passes a DPC that it has initialised; a bad pointer faults and is reported.
    let (object, target) = unsafe { (&mut *dpc, target(&*dpc)) };
    // SAFETY: both members of the union are plain integers.
    let kind = unsafe { object.__bindgen_anon_1.__bindgen_anon_1 };
    if !matches!(kind.Type, NORMAL | THREADED) || object.DeferredRoutine.is_none() {
        violation("G-23", &format!("a DPC at {dpc:p} is queued that was not initialised"));
    }
    let processor = processor(target);
    {
        let mut queue = processor.queue();
        if !object.DpcData.is_null() {
            return false;
        }
        object.DpcData = std::ptr::from_ref(processor) as nt::PVOID;
        object.SystemArgument1 = arguments[0] as nt::PVOID;
        object.SystemArgument2 = arguments[1] as nt::PVOID;
        let routine = object.DeferredRoutine.map_or(0, |routine| routine as usize);
        live::enter(dpc as usize, size_of::<nt::KDPC>(), "queued DPC", "G-23", routine);
        let queued = Queued { dpc: dpc as usize, arguments };
        let list = if kind.Type == THREADED { &mut queue.threaded } else { &mut queue.normal };
        if kind.Importance == HIGH_IMPORTANCE {
            list.push_front(queued);
        } else {
            list.push_back(queued);
        }
    }
    if kind.Type == NORMAL && target == cpu::number() {
        if cpu::irql() < DISPATCH {
            cpu::at_irql(DISPATCH, || {});
        }
    } else {
        processor.started.call_once(|| {
            let name = format!("processor {target}");
            schedule::spawn(&name, move || idle(target));
        });
        processor.changed.notify_all();
    }
    true
}

/// Takes `dpc` from its queue; whether it was in one.
pub(crate) fn remove(dpc: nt::PRKDPC) -> bool {
    PROCESSORS.iter().any(|processor| {
        let mut queue = processor.queue();
        let before = queue.normal.len() + queue.threaded.len();
        queue.normal.retain(|queued| queued.dpc != dpc as usize);
        queue.threaded.retain(|queued| queued.dpc != dpc as usize);
        let found = queue.normal.len() + queue.threaded.len() != before;
        if found {
            live::leave(dpc as usize);
            // SAFETY: a queued DPC is valid.
            unsafe { (*dpc).DpcData = std::ptr::null_mut() };
        }
        found
    })
}

/// Waits until everything that is queued or running now has ended.
pub(crate) fn flush() {
    for processor in PROCESSORS.iter().take(cpu::processor_count() as usize) {
        let busy = |queue: &mut Queue| !(queue.is_empty() && queue.running.is_empty());
        drop(schedule::wait_while(&processor.queue, processor.queue(), &processor.changed, None, busy));
    }
}

/// Runs the current processor's queue; the caller is at DISPATCH_LEVEL on it.
fn drain() {
    let processor = processor(cpu::number());
    loop {
        let mut queue = processor.queue();
        let Some(next) = queue.normal.pop_front() else { return };
        run(processor, queue, next, "DPC");
    }
}

/// A processor's own thread: runs what other processors have queued for it, and threaded DPCs.
fn idle(number: u32) {
    cpu::init_on(number);
    let processor = processor(number);
    loop {
        let mut queue = processor.queue();
        if !queue.normal.is_empty() {
            drop(queue);
            cpu::at_irql(DISPATCH, || {});
        } else if let Some(next) = queue.threaded.pop_front() {
            run(processor, queue, next, "threaded DPC");
        } else {
            let idle = |queue: &mut Queue| queue.is_empty();
            drop(schedule::wait_while(&processor.queue, queue, &processor.changed, None, idle));
        }
    }
}

fn run(processor: &Processor, mut queue: MutexGuard<'_, Queue>, next: Queued, what: &'static str) {
    let dpc = next.dpc as nt::PRKDPC;
    queue.running.push(next.dpc);
    live::leave(next.dpc);
    // SAFETY: the DPC was in the queue, so its memory is valid; from here on the driver may queue or free it.
    let (routine, context) = unsafe {
        (*dpc).DpcData = std::ptr::null_mut();
        ((*dpc).DeferredRoutine, (*dpc).DeferredContext)
    };
    drop(queue);
    let [a, b] = next.arguments;
    if let Some(routine) = routine {
        let before = processor_time();
        // SAFETY: the driver's routine with the arguments that it gave.
        verifier::callback(what, || unsafe { routine(dpc, context, a as nt::PVOID, b as nt::PVOID) });
        let used = processor_time().saturating_sub(before);
        if verifier::enabled() && what == "DPC" && used > LIMIT {
            violation(
                "G-21",
                &format!(
                    "bug check 0x133 (DPC_WATCHDOG_VIOLATION): the DPC routine {} ran for {} ms",
                    verifier::locate(routine as usize),
                    used.as_millis()
                ),
            );
        }
    }
    let mut queue = processor.queue();
    if let Some(place) = queue.running.iter().position(|running| *running == next.dpc) {
        queue.running.remove(place);
    }
    drop(queue);
    processor.changed.notify_all();
}

/// Processor time that the current thread has used: unlike elapsed time it does not grow while the host runs
/// something else.
fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: fills the structure on this stack.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// # Safety
/// `dpc` is a DPC that the driver has initialised.
unsafe fn change(dpc: nt::PRKDPC, change: impl FnOnce(&mut nt::_KDPC__bindgen_ty_2)) {
    // SAFETY: the caller's promise; both members of the union are plain integers.
    unsafe { change(&mut (*dpc).__bindgen_anon_1.__bindgen_anon_1) };
}

crate::exports! {
    /// DPC functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Initialises a DPC.
    irql(0..=HIGH) fn KeInitializeDpc(
        dpc: nt::PRKDPC, routine: nt::PKDEFERRED_ROUTINE, context: nt::PVOID
    ) {
        initialize(dpc, NORMAL, routine, context);
    }

    /// Initialises a DPC whose routine runs in a thread.
    irql(0..=HIGH) fn KeInitializeThreadedDpc(
        dpc: nt::PRKDPC, routine: nt::PKDEFERRED_ROUTINE, context: nt::PVOID
    ) {
        initialize(dpc, THREADED, routine, context);
    }

    /// Queues a DPC; false if it is queued.
    irql(0..=HIGH) fn KeInsertQueueDpc(dpc: nt::PRKDPC, first: nt::PVOID, second: nt::PVOID) -> u8 {
        u8::from(insert(dpc, [first as usize, second as usize]))
    }

    /// Takes a DPC from its queue; whether it was in one.
    irql(0..=HIGH) fn KeRemoveQueueDpc(dpc: nt::PRKDPC) -> u8 {
        u8::from(remove(dpc))
    }

    /// Waits for all DPCs that are queued.
    irql(PASSIVE..=PASSIVE) fn KeFlushQueuedDpcs() {
        flush();
    }

    /// Sets where in its queue a DPC goes.
    irql(0..=HIGH) fn KeSetImportanceDpc(dpc: nt::PRKDPC, importance: nt::KDPC_IMPORTANCE) {
        // SAFETY: the driver passes a DPC.
        unsafe { change(dpc, |target| target.Importance = importance as u8) };
    }

    /// Sets the processor of a DPC.
    irql(0..=HIGH) fn KeSetTargetProcessorDpc(dpc: nt::PRKDPC, number: nt::CCHAR) {
        // SAFETY: the driver passes a DPC.
        unsafe { change(dpc, |target| target.Number = TARGETED + u16::from(number as u8)) };
    }

    /// Sets the processor of a DPC, by group and number.
    irql(0..=HIGH) fn KeSetTargetProcessorDpcEx(dpc: nt::PKDPC, number: nt::PPROCESSOR_NUMBER) -> i32 {
        // SAFETY: the driver passes a processor number.
        let number = unsafe { *number };
        if number.Group != 0 || u32::from(number.Number) >= cpu::processor_count() || number.Reserved != 0 {
            return nt::STATUS_INVALID_PARAMETER;
        }
        // SAFETY: the driver passes a DPC.
        unsafe { change(dpc, |target| target.Number = TARGETED + u16::from(number.Number)) };
        nt::STATUS_SUCCESS
    }
}
