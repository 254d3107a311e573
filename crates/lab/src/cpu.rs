//! Simulated processors: the GS page of each thread, the IRQL, and the record of calls that a driver has
//! open.

use std::arch::asm;
use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::export::Meta;

/// PASSIVE_LEVEL.
pub const PASSIVE: u8 = 0;
/// APC_LEVEL.
pub const APC: u8 = 1;
/// DISPATCH_LEVEL.
pub const DISPATCH: u8 = 2;
/// HIGH_LEVEL.
pub const HIGH: u8 = 15;

/// Most processors that a machine can have.
pub const MAX_PROCESSORS: u32 = 64;

const GS_SELF: usize = 0x18;
const GS_PRCB: usize = 0x20;
const GS_IRQL: usize = 0x50;
const GS_NUMBER_LEGACY: usize = 0x184;
const GS_THREAD: usize = 0x188;
const GS_NUMBER: usize = 0x1a4;
/// Where a checked export stores its caller's return address.
pub const GS_CALLER: usize = 0x2000;
/// Where a checked export stores the stack pointer at its entry.
pub const GS_CALLER_STACK: usize = 0x2008;
/// Where a checked export stores the caller's frame pointer.
pub const GS_CALLER_FRAME: usize = 0x2010;
const GS_STATE: usize = 0x2018;
const GS_SIZE: usize = 0x3000;
const CALL_DEPTH: usize = 128;

/// One call from a driver into the lab that has not returned yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Frame {
    /// The export, or none for a stub.
    pub meta: Option<&'static Meta>,
    /// Address in the driver to which the call returns.
    pub caller: usize,
    /// Stack pointer at the export's entry (points at the return address).
    pub stack: usize,
    /// The caller's rbp.
    pub frame: usize,
}

/// A spin lock that a thread holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeldLock {
    pub(crate) address: usize,
    /// IRQL to which the matching release returns; none for the forms that leave the IRQL alone.
    pub(crate) old_irql: Option<u8>,
    /// The functions that belong together.
    pub(crate) family: &'static str,
    pub(crate) caller: usize,
}

/// What the lab keeps for one thread that may run driver code.
#[derive(Debug)]
pub struct Thread {
    id: u64,
    calls: UnsafeCell<[Frame; CALL_DEPTH]>,
    depth: Cell<usize>,
    /// Spin locks held, in order of acquisition.
    pub(crate) locks: UnsafeCell<Vec<HeldLock>>,
    /// Depth of critical regions (normal kernel APCs disabled).
    pub(crate) critical: Cell<u32>,
    /// Lowest and highest stack address.
    pub(crate) stack: (usize, usize),
}

struct Processor {
    /// Thread id of the thread that runs at DISPATCH_LEVEL or above on it, or 0.
    owner: AtomicU64,
}

static PROCESSORS: [Processor; MAX_PROCESSORS as usize] =
    [const { Processor { owner: AtomicU64::new(0) } }; MAX_PROCESSORS as usize];
static PROCESSOR_COUNT: AtomicU32 = AtomicU32::new(4);
static NEXT_PROCESSOR: AtomicU32 = AtomicU32::new(0);
static NEXT_THREAD: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static IN_FAULT: Cell<bool> = const { Cell::new(false) };
    static READY: Cell<bool> = const { Cell::new(false) };
}

impl Thread {
    /// How many spin locks the thread holds.
    pub(crate) fn lock_count(&self) -> usize {
        // SAFETY: only the thread itself touches its list.
        unsafe { (&*self.locks.get()).len() }
    }
}

/// Sets how many processors the machine has. Call before the first [`init`].
pub fn set_processor_count(count: u32) {
    PROCESSOR_COUNT.store(count.clamp(1, MAX_PROCESSORS), Ordering::Relaxed);
}

/// How many processors the machine has.
pub fn processor_count() -> u32 {
    PROCESSOR_COUNT.load(Ordering::Relaxed)
}

/// Makes the current thread one that may run driver code, on the next processor in turn. Does nothing the
/// second time.
pub fn init() {
    if !ready() {
        init_on(NEXT_PROCESSOR.fetch_add(1, Ordering::Relaxed) % processor_count());
    }
}

/// Makes the current thread one that may run driver code, on processor `number`; moves it there if it already
/// is one.
pub fn init_on(number: u32) {
    let number = number % processor_count();
    if !ready() {
        create();
    }
    // SAFETY: `create` mapped the GS page of this thread.
    unsafe {
        let page = gs_page();
        page.add(GS_NUMBER_LEGACY).write(number as u8);
        page.add(GS_NUMBER).cast::<u32>().write_unaligned(number);
    }
}

/// Whether the current thread may run driver code.
pub fn ready() -> bool {
    READY.get()
}

/// Whether the current thread is handling a fault.
pub(crate) fn in_fault() -> bool {
    IN_FAULT.get()
}

/// Marks the current thread as handling a fault; returns whether it was already.
pub(crate) fn enter_fault() -> bool {
    IN_FAULT.replace(true)
}

fn create() {
    // SAFETY: a fresh private mapping; arch_prctl sets this thread's GS base, which Linux x86-64 user code
    // leaves unused.
    unsafe {
        let page = libc::mmap(
            std::ptr::null_mut(),
            GS_SIZE,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        assert_ne!(page, libc::MAP_FAILED, "no memory for a processor page");
        let page = page.cast::<u8>();
        let thread = Box::leak(Box::new(Thread {
            id: NEXT_THREAD.fetch_add(1, Ordering::Relaxed),
            calls: UnsafeCell::new([Frame::default(); CALL_DEPTH]),
            depth: Cell::new(0),
            locks: UnsafeCell::new(Vec::with_capacity(16)),
            critical: Cell::new(0),
            stack: stack_bounds(),
        }));
        page.add(GS_SELF).cast::<usize>().write(page as usize);
        page.add(GS_PRCB).cast::<usize>().write(page as usize + 0x180);
        page.add(GS_THREAD).cast::<usize>().write(&raw const *thread as usize);
        page.add(GS_STATE).cast::<usize>().write(&raw const *thread as usize);
        const ARCH_SET_GS: libc::c_int = 0x1001;
        let set = libc::syscall(libc::SYS_arch_prctl, ARCH_SET_GS, page);
        assert_eq!(set, 0, "arch_prctl(ARCH_SET_GS) failed");
    }
    crate::trap::init();
    READY.set(true);
}

fn stack_bounds() -> (usize, usize) {
    // SAFETY: plain pthread queries about the calling thread, with outputs on this stack.
    unsafe {
        let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
        if libc::pthread_getattr_np(libc::pthread_self(), &mut attributes) != 0 {
            return (0, usize::MAX);
        }
        let (mut low, mut size) = (std::ptr::null_mut(), 0);
        libc::pthread_attr_getstack(&attributes, &mut low, &mut size);
        libc::pthread_attr_destroy(&mut attributes);
        (low as usize, low as usize + size)
    }
}

fn gs_page() -> *mut u8 {
    let page: *mut u8;
    // SAFETY: reads this thread's GS page, which exists once the thread is ready.
    unsafe {
        asm!("mov {}, gs:[{}]", out(reg) page, const GS_SELF, options(nostack, readonly, preserves_flags))
    };
    page
}

/// The lab's record of the current thread.
pub fn thread() -> &'static Thread {
    debug_assert!(ready(), "cpu::init() was not called on this thread");
    let thread: *const Thread;
    // SAFETY: reads this thread's GS page; `create` stored a leaked box there, which only this thread uses.
    unsafe {
        asm!("mov {}, gs:[{}]", out(reg) thread, const GS_STATE, options(nostack, readonly, preserves_flags));
        &*thread
    }
}

/// Sets what drivers find as the current thread's object.
pub(crate) fn set_thread_object(address: usize) {
    // SAFETY: writes one word of this thread's GS page.
    unsafe { asm!("mov gs:[{}], {}", const GS_THREAD, in(reg) address, options(nostack, preserves_flags)) };
}

/// A number that names the current thread, never 0.
pub fn thread_id() -> u64 {
    thread().id
}

/// The number of the processor on which the current thread runs.
pub fn number() -> u32 {
    let number: u32;
    // SAFETY: reads this thread's GS page.
    unsafe {
        asm!("mov {:e}, gs:[{}]", out(reg) number, const GS_NUMBER, options(nostack, readonly, preserves_flags))
    };
    number
}

/// The current IRQL.
#[inline]
pub fn irql() -> u8 {
    let irql: u8;
    // SAFETY: reads this thread's GS page.
    unsafe {
        asm!("mov {}, gs:[{}]", out(reg_byte) irql, const GS_IRQL, options(nostack, readonly, preserves_flags))
    };
    irql
}

#[inline]
fn set_irql(irql: u8) {
    // SAFETY: writes the IRQL byte of this thread's GS page.
    unsafe { asm!("mov gs:[{}], {}", const GS_IRQL, in(reg_byte) irql, options(nostack, preserves_flags)) };
}

/// Raises the IRQL and returns the old one. From DISPATCH_LEVEL on, the thread owns its processor.
#[inline]
pub fn raise(new: u8) -> u8 {
    let old = irql();
    if new >= DISPATCH && old < DISPATCH {
        claim_processor();
    }
    set_irql(new);
    old
}

/// Raises the IRQL to DISPATCH_LEVEL, unless another thread has the processor; returns the old one.
pub(crate) fn try_raise_to_dispatch() -> Option<u8> {
    let old = irql();
    if old < DISPATCH {
        let (owner, me) = (&processor().owner, thread_id());
        owner.compare_exchange(0, me, Ordering::Acquire, Ordering::Relaxed).ok()?;
    }
    set_irql(DISPATCH);
    Some(old)
}

/// Sets the IRQL to `new`, which is not above the current one.
#[inline]
pub fn lower(new: u8) {
    let old = irql();
    if new < DISPATCH && old >= DISPATCH {
        drain_deferred();
        set_irql(new);
        release_processor();
    } else {
        set_irql(new);
    }
}

/// Runs `body` at `level`, which must not be below the current IRQL.
pub fn at_irql<R>(level: u8, body: impl FnOnce() -> R) -> R {
    let old = raise(level.max(irql()));
    let result = body();
    lower(old);
    result
}

#[inline]
fn processor() -> &'static Processor {
    &PROCESSORS[number() as usize % MAX_PROCESSORS as usize]
}

fn claim_processor() {
    let (owner, me) = (&processor().owner, thread_id());
    let mut spins = 0u32;
    while owner.compare_exchange_weak(0, me, Ordering::Acquire, Ordering::Relaxed).is_err() {
        spins += 1;
        if spins.is_multiple_of(64) || crate::clock::is_virtual() {
            crate::schedule::spin();
        } else {
            std::hint::spin_loop();
        }
    }
}

fn release_processor() {
    processor().owner.store(0, Ordering::Release);
}

static DEFERRED: std::sync::OnceLock<fn()> = std::sync::OnceLock::new();

/// Registers the routine that runs the current processor's queued DPCs; it is called at DISPATCH_LEVEL just
/// before the IRQL falls below it.
pub fn on_lower_below_dispatch(drain: fn()) {
    let _ = DEFERRED.set(drain);
}

fn drain_deferred() {
    if let Some(drain) = DEFERRED.get() {
        drain();
    }
}

/// Who entered the last checked export on this thread, as its assembly entry stored it.
pub(crate) fn last_entry() -> Frame {
    let (caller, stack, frame);
    // SAFETY: reads this thread's GS page.
    unsafe {
        asm!("mov {}, gs:[{}]", out(reg) caller, const GS_CALLER, options(nostack, readonly, preserves_flags));
        asm!("mov {}, gs:[{}]", out(reg) stack, const GS_CALLER_STACK, options(nostack, readonly, preserves_flags));
        asm!("mov {}, gs:[{}]", out(reg) frame, const GS_CALLER_FRAME, options(nostack, readonly, preserves_flags));
    }
    Frame { meta: None, caller, stack, frame }
}

/// Records a call from a driver that starts now.
pub(crate) fn push_call(frame: Frame) {
    let thread = thread();
    let depth = thread.depth.get();
    if depth < CALL_DEPTH {
        // SAFETY: only this thread touches its own record, and no reference outlives the statement.
        unsafe { (&mut *thread.calls.get())[depth] = frame };
    }
    thread.depth.set(depth + 1);
}

/// Ends the newest recorded call.
pub(crate) fn pop_call() {
    let thread = thread();
    thread.depth.set(thread.depth.get().saturating_sub(1));
}

/// The newest call from a driver into the lab that is still open on this thread.
pub fn current_call() -> Option<Frame> {
    if !ready() {
        return None;
    }
    let thread = thread();
    let depth = thread.depth.get().min(CALL_DEPTH);
    // SAFETY: only this thread touches its own record, and the copy ends the borrow.
    unsafe { (&*thread.calls.get()).get(depth.checked_sub(1)?).copied() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn irql_rises_and_falls_and_owns_the_processor() {
        std::thread::spawn(|| {
            init_on(3);
            assert_eq!((irql(), number()), (PASSIVE, 3));
            let old = raise(DISPATCH);
            assert_eq!((old, irql()), (PASSIVE, DISPATCH));
            assert_eq!(processor().owner.load(Ordering::Relaxed), thread_id());
            lower(old);
            assert_eq!(irql(), PASSIVE);
            assert_eq!(processor().owner.load(Ordering::Relaxed), 0);
        })
        .join()
        .unwrap();
    }
}
