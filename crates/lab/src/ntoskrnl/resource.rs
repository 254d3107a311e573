//! ERESOURCE: reader-writer locks that threads may take again, in both ways.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ddk::nt;

use super::{dispatcher, live, order};
use crate::cpu::{self, APC, DISPATCH, PASSIVE};
use crate::pool;
use crate::verifier::violation;

/// Who holds a resource and who waits for it.
#[derive(Debug, Default)]
struct State {
    /// Thread and how often it has the resource exclusively.
    exclusive: Option<(u64, u32)>,
    /// How often each thread shares it.
    shared: HashMap<u64, u32>,
    exclusive_waiters: u32,
    shared_waiters: u32,
}

static RESOURCES: Mutex<Option<HashMap<usize, State>>> = Mutex::new(None);

/// Runs `body` on a resource that is initialised.
fn with<R>(resource: nt::PERESOURCE, body: impl FnOnce(&mut State) -> R) -> R {
    let mut all = RESOURCES.lock().unwrap_or_else(PoisonError::into_inner);
    match all.get_or_insert_default().get_mut(&(resource as usize)) {
        Some(state) => body(state),
        None => {
            drop(all);
            violation("G-12", &format!("a resource at {resource:p} is used that was not initialised"))
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Exclusive,
    /// Shared; waits behind those who want it exclusively.
    Shared,
    /// Shared, in front of those who want it exclusively.
    SharedStarve,
    /// Shared; waits behind those who want it exclusively even if this thread shares it.
    SharedWait,
}

fn try_take(resource: nt::PERESOURCE, mode: Mode) -> bool {
    let me = cpu::thread_id();
    with(resource, |state| {
        if let Some((owner, count)) = &mut state.exclusive {
            let mine = *owner == me;
            *count += u32::from(mine);
            return mine;
        }
        let mine = state.shared.contains_key(&me);
        let free = match mode {
            Mode::Exclusive => state.shared.is_empty(),
            Mode::Shared => state.exclusive_waiters == 0 || mine,
            Mode::SharedStarve => true,
            Mode::SharedWait => state.exclusive_waiters == 0,
        };
        match mode {
            _ if !free => {}
            Mode::Exclusive => state.exclusive = Some((me, 1)),
            _ => *state.shared.entry(me).or_default() += 1,
        }
        free
    })
}

fn acquire(resource: nt::PERESOURCE, mode: Mode, wait: bool) -> bool {
    if cpu::irql() == PASSIVE && cpu::thread().critical.get() == 0 {
        violation("G-19", "a resource is acquired with normal kernel APCs enabled");
    }
    if !order::holds(resource as usize) {
        order::before_acquire(resource as usize);
    }
    let mut taken = try_take(resource, mode);
    if !taken && wait {
        let me = cpu::thread_id();
        let exclusive = mode == Mode::Exclusive;
        if exclusive && with(resource, |state| state.shared.contains_key(&me)) {
            violation(
                "G-19",
                "a resource is wanted exclusively by a thread that shares it: it waits for itself",
            );
        }
        let waiters = |change: i32| {
            with(resource, |state| {
                let count = if exclusive { &mut state.exclusive_waiters } else { &mut state.shared_waiters };
                *count = count.wrapping_add_signed(change);
            });
        };
        waiters(1);
        dispatcher::wait_until(None, || try_take(resource, mode).then_some(()));
        waiters(-1);
        taken = true;
    }
    if taken {
        order::acquired(resource as usize, "resource");
    }
    taken
}

fn release(resource: nt::PERESOURCE, thread: u64) {
    let released = dispatcher::change(|| {
        with(resource, |state| match &mut state.exclusive {
            Some((owner, count)) if *owner == thread => {
                *count -= 1;
                if *count == 0 {
                    state.exclusive = None;
                }
                true
            }
            Some(_) => false,
            None => match state.shared.get_mut(&thread) {
                Some(count) => {
                    *count -= 1;
                    if *count == 0 {
                        state.shared.remove(&thread);
                    }
                    true
                }
                None => false,
            },
        })
    });
    if !released {
        violation("G-12", &format!("release of the resource {resource:p}, which the thread does not hold"));
    }
    order::released(resource as usize);
}

fn enter_region() {
    let critical = &cpu::thread().critical;
    critical.set(critical.get() + 1);
}

fn leave_region() {
    let critical = &cpu::thread().critical;
    match critical.get().checked_sub(1) {
        Some(left) => critical.set(left),
        None => violation("G-19", "a critical region is left that was not entered"),
    }
}

crate::exports! {
    /// Resource functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Initialises a resource.
    irql(0..=APC) fn ExInitializeResourceLite(resource: nt::PERESOURCE) -> i32 {
        if live::contains(resource as usize) {
            violation("G-12", "a resource is initialised that is initialised already");
        }
        if pool::lookup(resource as usize).is_some_and(|block| block.kind == pool::Kind::Paged) {
            violation("G-17", &format!("resource in paged pool: {}", pool::describe(resource as usize)));
        }
        order::forget(resource as usize);
        // SAFETY: the driver passes room for a resource, all of whose fields accept zeroes.
        unsafe { resource.write(std::mem::zeroed()) };
        live::enter(resource as usize, size_of::<nt::ERESOURCE>(), "resource", "G-5", 0);
        let mut all = RESOURCES.lock().unwrap_or_else(PoisonError::into_inner);
        all.get_or_insert_default().insert(resource as usize, State::default());
        nt::STATUS_SUCCESS
    }

    /// Makes a resource as if it were new.
    irql(0..=APC) fn ExReinitializeResourceLite(resource: nt::PERESOURCE) -> i32 {
        with(resource, |state| *state = State::default());
        nt::STATUS_SUCCESS
    }

    /// Deletes a resource.
    irql(0..=APC) fn ExDeleteResourceLite(resource: nt::PERESOURCE) -> i32 {
        let held = with(resource, |state| state.exclusive.is_some() || !state.shared.is_empty());
        if held {
            violation("G-12", "a resource is deleted while it is held");
        }
        live::leave(resource as usize);
        let mut all = RESOURCES.lock().unwrap_or_else(PoisonError::into_inner);
        all.get_or_insert_default().remove(&(resource as usize));
        nt::STATUS_SUCCESS
    }

    /// Acquires exclusively.
    irql(0..=APC, "G-19") fn ExAcquireResourceExclusiveLite(resource: nt::PERESOURCE, wait: u8) -> u8 {
        u8::from(acquire(resource, Mode::Exclusive, wait != 0))
    }

    /// Acquires shared.
    irql(0..=APC, "G-19") fn ExAcquireResourceSharedLite(resource: nt::PERESOURCE, wait: u8) -> u8 {
        u8::from(acquire(resource, Mode::Shared, wait != 0))
    }

    /// Acquires shared, in front of those who wait for it exclusively.
    irql(0..=APC, "G-19") fn ExAcquireSharedStarveExclusive(resource: nt::PERESOURCE, wait: u8) -> u8 {
        u8::from(acquire(resource, Mode::SharedStarve, wait != 0))
    }

    /// Acquires shared, behind those who wait for it exclusively.
    irql(0..=APC, "G-19") fn ExAcquireSharedWaitForExclusive(resource: nt::PERESOURCE, wait: u8) -> u8 {
        u8::from(acquire(resource, Mode::SharedWait, wait != 0))
    }

    /// Releases.
    irql(0..=DISPATCH, "G-19") fn ExReleaseResourceLite(resource: nt::PERESOURCE) {
        release(resource, cpu::thread_id());
    }

    /// Releases for the thread that acquired.
    irql(0..=DISPATCH, "G-19") fn ExReleaseResourceForThreadLite(resource: nt::PERESOURCE, thread: u64) {
        if thread != super::thread::current_object() as u64 {
            violation("L-2", "ExReleaseResourceForThreadLite for another thread than the current one");
        }
        release(resource, cpu::thread_id());
    }

    /// Turns exclusive into shared.
    irql(0..=DISPATCH, "G-19") fn ExConvertExclusiveToSharedLite(resource: nt::PERESOURCE) {
        let me = cpu::thread_id();
        let converted = dispatcher::change(|| {
            with(resource, |state| match state.exclusive.take_if(|(owner, _)| *owner == me) {
                Some((owner, count)) => state.shared.insert(owner, count).is_none(),
                None => false,
            })
        });
        if !converted {
            violation("G-12", "conversion of a resource that this thread does not hold exclusively");
        }
    }

    /// Whether the current thread holds a resource exclusively.
    irql(0..=DISPATCH) fn ExIsResourceAcquiredExclusiveLite(resource: nt::PERESOURCE) -> u8 {
        let me = cpu::thread_id();
        u8::from(with(resource, |state| state.exclusive.is_some_and(|(owner, _)| owner == me)))
    }

    /// How often the current thread holds a resource.
    irql(0..=DISPATCH) fn ExIsResourceAcquiredSharedLite(resource: nt::PERESOURCE) -> u32 {
        let me = cpu::thread_id();
        with(resource, |state| match state.exclusive {
            Some((owner, count)) => if owner == me { count } else { 0 },
            None => state.shared.get(&me).copied().unwrap_or_default(),
        })
    }

    /// How many threads wait for a resource exclusively.
    irql(0..=DISPATCH) fn ExGetExclusiveWaiterCount(resource: nt::PERESOURCE) -> u32 {
        with(resource, |state| state.exclusive_waiters)
    }

    /// How many threads wait to share a resource.
    irql(0..=DISPATCH) fn ExGetSharedWaiterCount(resource: nt::PERESOURCE) -> u32 {
        with(resource, |state| state.shared_waiters)
    }

    /// Enters a critical region and acquires exclusively.
    irql(0..=APC, "G-19") fn ExEnterCriticalRegionAndAcquireResourceExclusive(
        resource: nt::PERESOURCE
    ) -> nt::PVOID {
        enter_region();
        acquire(resource, Mode::Exclusive, true);
        std::ptr::null_mut()
    }

    /// Enters a critical region and acquires shared.
    irql(0..=APC, "G-19") fn ExEnterCriticalRegionAndAcquireResourceShared(
        resource: nt::PERESOURCE
    ) -> nt::PVOID {
        enter_region();
        acquire(resource, Mode::Shared, true);
        std::ptr::null_mut()
    }

    /// Releases and leaves the critical region.
    irql(0..=APC, "G-19") fn ExReleaseResourceAndLeaveCriticalRegion(resource: nt::PERESOURCE) {
        release(resource, cpu::thread_id());
        leave_region();
    }
}
