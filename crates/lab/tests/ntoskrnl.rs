//! The kernel's dispatcher, locks, lists, threads, objects and registry: what they do, and which rules they
//! check.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod calls;

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use calls::{breaks, call, clean, zeroed};
use ddk::nt::{self, HANDLE, KDPC, KEVENT, KMUTANT, KTIMER, LARGE_INTEGER, PVOID};
use lab::{cpu, pool};

const TAG: u32 = u32::from_le_bytes(*b"Test");
const NON_PAGED: u64 = 0x40;
const TIMEOUT: i32 = 0x102;

static RUNS: AtomicU32 = AtomicU32::new(0);
static PLACE: AtomicUsize = AtomicUsize::new(0);

fn allocate(size: usize) -> *mut u8 {
    call!(ExAllocatePool2(NON_PAGED, size as u64, TAG)).cast()
}

fn free(block: *mut u8) {
    call!(ExFreePoolWithTag(block.cast(), TAG));
}

fn relative(milliseconds: i64) -> LARGE_INTEGER {
    LARGE_INTEGER { QuadPart: -milliseconds * 10_000 }
}

fn wait<T>(object: *mut T, milliseconds: i64) -> i32 {
    call!(KeWaitForSingleObject(object.cast(), 0, 0, 0, &mut relative(milliseconds)))
}

unsafe extern "win64" fn count(dpc: *mut KDPC, context: PVOID, first: PVOID, second: PVOID) {
    assert_eq!(cpu::irql(), 2, "a DPC runs at DISPATCH_LEVEL");
    assert!(!dpc.is_null());
    RUNS.fetch_add(1 + context as u32 + first as u32 + second as u32, Ordering::SeqCst);
    PLACE.store(cpu::number() as usize, Ordering::SeqCst);
}

unsafe extern "win64" fn spin(_dpc: *mut KDPC, _context: PVOID, _first: PVOID, _second: PVOID) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) {
        std::hint::spin_loop();
    }
}

fn dpc(routine: unsafe extern "win64" fn(*mut KDPC, PVOID, PVOID, PVOID)) -> &'static mut KDPC {
    let dpc: &mut KDPC = zeroed();
    call!(KeInitializeDpc(dpc, Some(routine), null_mut()));
    dpc
}

fn until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(10), "it never happens");
        std::thread::sleep(Duration::from_millis(1));
    }
}

breaks! {
    g_23_dpc_memory_is_freed_while_queued: "G-23" Verifier {
        let block = allocate(size_of::<KDPC>());
        call!(KeInitializeDpc(block.cast(), Some(count), null_mut()));
        call!(KfRaiseIrql(2));
        call!(KeInsertQueueDpc(block.cast(), null_mut(), null_mut()));
        free(block);
    }
    g_23_timer_memory_is_freed_while_set: "G-23" Verifier {
        let block = allocate(size_of::<KTIMER>());
        call!(KeInitializeTimer(block.cast()));
        call!(KeSetTimer(block.cast(), relative(60_000), null_mut()));
        free(block);
    }
    g_23_a_dpc_that_was_not_initialised: "G-23" Verifier {
        call!(KeInsertQueueDpc(zeroed::<KDPC>(), null_mut(), null_mut()));
    }
    g_23_a_timer_that_was_not_initialised: "G-23" Verifier {
        // A notification event looks like a zeroed timer.
        call!(KeCancelTimer(zeroed::<KTIMER>()));
    }
    g_21_a_dpc_that_does_not_end: "G-21" Verifier {
        call!(KeInsertQueueDpc(dpc(spin), null_mut(), null_mut()));
    }
    g_14_a_dpc_returns_raised: "G-14" Verifier {
        unsafe extern "win64" fn raise(_dpc: *mut KDPC, _context: PVOID, _first: PVOID, _second: PVOID) {
            call!(KfRaiseIrql(5));
        }
        call!(KeInsertQueueDpc(dpc(raise), null_mut(), null_mut()));
    }
    g_22_a_long_stall: "G-22" Verifier { call!(KeStallExecutionProcessor(51)); }
    g_12_a_mutex_is_released_by_nobody: "G-12" Verifier {
        let mutex: &mut KMUTANT = zeroed();
        call!(KeInitializeMutex(mutex, 0));
        call!(KeReleaseMutex(mutex, 0));
    }
    g_13_a_mutex_and_a_resource_in_both_orders: "G-13" Verifier {
        let (mutex, resource): (&mut KMUTANT, &mut nt::ERESOURCE) = (zeroed(), zeroed());
        call!(KeInitializeMutex(mutex, 0));
        let _ = call!(ExInitializeResourceLite(resource));
        call!(KeEnterCriticalRegion());
        assert_eq!(wait(mutex, 0), 0);
        call!(ExAcquireResourceExclusiveLite(resource, 1));
        call!(ExReleaseResourceLite(resource));
        call!(KeReleaseMutex(mutex, 0));
        call!(ExAcquireResourceSharedLite(resource, 1));
        wait(mutex, 0);
    }
    g_12_lock_memory_is_freed_while_held: "G-12" Verifier {
        let block = allocate(8);
        call!(KeInitializeSpinLock(block.cast()));
        call!(KeAcquireSpinLockRaiseToDpc(block.cast()));
        free(block);
    }
    g_12_a_fast_mutex_that_was_not_initialised: "G-12" Verifier {
        call!(ExAcquireFastMutex(zeroed()));
    }
    g_19_a_fast_mutex_is_acquired_again: "G-19" Verifier {
        let mutex = fast_mutex();
        call!(ExAcquireFastMutex(mutex));
        call!(ExAcquireFastMutex(mutex));
    }
    g_19_a_fast_mutex_at_dispatch: "G-19" Verifier {
        let mutex = fast_mutex();
        call!(KfRaiseIrql(2));
        call!(ExAcquireFastMutex(mutex));
    }
    g_19_a_resource_with_apcs_enabled: "G-19" Verifier {
        let resource: &mut nt::ERESOURCE = zeroed();
        let _ = call!(ExInitializeResourceLite(resource));
        call!(ExAcquireResourceSharedLite(resource, 1));
    }
    g_19_a_push_lock_with_apcs_enabled: "G-19" Verifier {
        let lock = zeroed();
        call!(ExInitializePushLock(lock));
        call!(ExAcquirePushLockExclusiveEx(lock, 0));
    }
    g_19_guarded_region_left_without_entry: "G-19" Verifier { call!(KeLeaveGuardedRegion()); }
    g_5_a_resource_is_freed_undeleted: "G-5" Verifier {
        let block = allocate(size_of::<nt::ERESOURCE>());
        let _ = call!(ExInitializeResourceLite(block.cast()));
        free(block);
    }
    g_5_a_lookaside_list_is_freed_undeleted: "G-5" Verifier {
        let block = allocate(256);
        let _ = call!(ExInitializeLookasideListEx(block.cast(), None, None, 512, 0, 64, TAG, 0));
        free(block);
    }
    l_2_an_unaligned_list_entry: "L-2" Verifier {
        let head = zeroed();
        call!(InitializeSListHead(head));
        call!(ExpInterlockedPushEntrySList(head, 8 as _));
    }
    g_15_a_semaphore_wait_at_dispatch: "G-15" Verifier {
        let semaphore: &mut nt::KSEMAPHORE = zeroed();
        call!(KeInitializeSemaphore(semaphore, 0, 1));
        call!(KfRaiseIrql(2));
        wait(semaphore, 5);
    }
    g_35_dereferenced_too_often: "G-35" Verifier {
        let mut process = null_mut();
        let _ = call!(PsLookupProcessByProcessId(4 as HANDLE, &mut process));
        call!(ObfDereferenceObject(process.cast()));
        call!(ObfDereferenceObject(process.cast()));
    }
    g_34_a_handle_is_closed_twice: "G-34" Verifier {
        let mut event = null_mut();
        let _ = call!(ZwCreateEvent(&mut event, 0, null_mut(), 0, 0));
        let _ = call!(ZwClose(event));
        let _ = call!(ZwClose(event));
    }
    g_18_a_key_at_apc_level: "G-18" Verifier {
        call!(KfRaiseIrql(1));
        let _ = call!(ZwClose(null_mut()));
    }
    g_25_a_thread_ends_above_passive_level: "G-25" Verifier {
        unsafe extern "win64" fn raised(_context: PVOID) {
            call!(KfRaiseIrql(1));
            let _ = call!(PsTerminateSystemThread(0));
        }
        start_and_wait(raised, null_mut());
    }
    g_12_a_thread_ends_with_a_mutex: "G-12" Verifier {
        unsafe extern "win64" fn keep(context: PVOID) {
            wait(context, 0);
            let _ = call!(PsTerminateSystemThread(0));
        }
        let mutex: &mut KMUTANT = zeroed();
        call!(KeInitializeMutex(mutex, 0));
        start_and_wait(keep, std::ptr::from_mut(mutex).cast());
    }
}

fn fast_mutex() -> &'static mut nt::FAST_MUTEX {
    let mutex: &mut nt::FAST_MUTEX = zeroed();
    mutex.Count = 1;
    call!(KeInitializeEvent(&mut mutex.Event, 1, 0));
    mutex
}

/// Starts a system thread, and waits for it as a driver has to before it unloads.
fn start_and_wait(routine: unsafe extern "win64" fn(PVOID), context: PVOID) {
    let (mut handle, mut thread): (HANDLE, PVOID) = (null_mut(), null_mut());
    let status = call!(PsCreateSystemThread(
        &mut handle,
        0,
        null_mut(),
        null_mut(),
        null_mut(),
        Some(routine),
        context
    ));
    assert_eq!(status, 0);
    assert_eq!(call!(ObReferenceObjectByHandle(handle, 0, null_mut(), 0, &mut thread, null_mut())), 0);
    assert_eq!(call!(ZwClose(handle)), 0);
    assert_eq!(wait(thread, 10_000), 0);
    call!(ObfDereferenceObject(thread));
}

clean! {
    dpcs_run_where_and_when_they_should {
        let counted = dpc(count);
        // At PASSIVE_LEVEL the processor is interrupted at once.
        assert_eq!(call!(KeInsertQueueDpc(counted, 2 as PVOID, 4 as PVOID)), 1);
        assert_eq!(RUNS.load(Ordering::SeqCst), 7);
        // At DISPATCH_LEVEL it waits until the IRQL falls.
        let old = call!(KfRaiseIrql(2));
        assert_eq!(call!(KeInsertQueueDpc(counted, null_mut(), null_mut())), 1);
        assert_eq!(call!(KeInsertQueueDpc(counted, null_mut(), null_mut())), 0);
        assert_eq!(call!(KeRemoveQueueDpc(counted)), 1);
        assert_eq!(call!(KeRemoveQueueDpc(counted)), 0);
        assert_eq!(call!(KeInsertQueueDpc(counted, null_mut(), null_mut())), 1);
        assert_eq!(RUNS.load(Ordering::SeqCst), 7);
        call!(KeLowerIrql(old));
        assert_eq!(RUNS.load(Ordering::SeqCst), 8);
        // On another processor.
        for target in 0..4 {
            call!(KeSetTargetProcessorDpc(counted, target));
            call!(KeSetImportanceDpc(counted, 2));
            call!(KeInsertQueueDpc(counted, null_mut(), null_mut()));
            call!(KeFlushQueuedDpcs());
            assert_eq!(PLACE.load(Ordering::SeqCst), target as usize);
        }
        assert_eq!(RUNS.load(Ordering::SeqCst), 12);
        let beyond = &mut nt::PROCESSOR_NUMBER { Group: 0, Number: 9, Reserved: 0 };
        assert_eq!(call!(KeSetTargetProcessorDpcEx(counted, beyond)), nt::STATUS_INVALID_PARAMETER);
    }
    a_short_stall {
        let start = Instant::now();
        call!(KeStallExecutionProcessor(50));
        assert!(start.elapsed() >= Duration::from_micros(50));
    }
    threaded_dpcs_run_at_passive_level {
        unsafe extern "win64" fn threaded(_dpc: *mut KDPC, context: PVOID, _first: PVOID, _second: PVOID) {
            assert_eq!(cpu::irql(), 0);
            let old = call!(KeAcquireSpinLockForDpc(context.cast()));
            call!(KeReleaseSpinLockForDpc(context.cast(), old));
            RUNS.fetch_add(1, Ordering::SeqCst);
        }
        let (dpc, lock): (&mut KDPC, &mut u64) = (zeroed(), zeroed());
        call!(KeInitializeThreadedDpc(dpc, Some(threaded), std::ptr::from_mut(lock).cast()));
        call!(KeInsertQueueDpc(dpc, null_mut(), null_mut()));
        call!(KeFlushQueuedDpcs());
        assert_eq!(RUNS.load(Ordering::SeqCst), 1);
    }
    timers_signal_and_queue_their_dpcs {
        let (timer, counted): (&mut KTIMER, _) = (zeroed(), dpc(count));
        call!(KeInitializeTimer(timer));
        assert_eq!(call!(KeSetTimer(timer, relative(10), counted)), 0);
        assert_eq!(wait(timer, 5_000), 0);
        call!(KeFlushQueuedDpcs());
        assert_eq!((RUNS.load(Ordering::SeqCst), call!(KeReadStateTimer(timer))), (1, 1));
        // Set again it is not signalled; cancelled it never will be.
        assert_eq!(call!(KeSetTimer(timer, relative(60_000), counted)), 0);
        assert_eq!(call!(KeReadStateTimer(timer)), 0);
        assert_eq!(call!(KeSetTimer(timer, relative(60_000), counted)), 1);
        assert_eq!((call!(KeCancelTimer(timer)), call!(KeCancelTimer(timer))), (1, 0));
        // A repeating one expires again and again; a synchronization timer lets one waiter pass each time.
        call!(KeInitializeTimerEx(timer, 1));
        call!(KeSetTimerEx(timer, relative(1), 2, counted));
        for _ in 0..3 {
            assert_eq!(wait(timer, 5_000), 0);
        }
        call!(KeCancelTimer(timer));
        call!(KeFlushQueuedDpcs());
        assert!(RUNS.load(Ordering::SeqCst) >= 4);
    }
    allocated_timers_call_back_and_go_away {
        unsafe extern "win64" fn tick(timer: *mut nt::_EX_TIMER, context: PVOID) {
            assert_eq!((timer.is_null(), context as usize, cpu::irql()), (false, 7, 2));
            RUNS.fetch_add(1, Ordering::SeqCst);
        }
        let timer = call!(ExAllocateTimer(Some(tick), 7 as PVOID, 0x8));
        assert_eq!(call!(ExSetTimer(timer, -10_000, 10_000, null_mut())), 0);
        until(|| RUNS.load(Ordering::SeqCst) >= 3);
        assert_eq!(call!(ExCancelTimer(timer, null_mut())), 1);
        call!(ExSetTimer(timer, -10_000, 0, null_mut()));
        assert_eq!(wait(timer, 5_000), 0);
        call!(ExDeleteTimer(timer, 1, 1, null_mut()));
    }
    mutexes_are_recursive_and_exclude_others {
        let mutex: &mut KMUTANT = zeroed();
        call!(KeInitializeMutex(mutex, 0));
        let address = std::ptr::from_mut(mutex) as usize;
        assert_eq!((wait(mutex, 0), wait(mutex, 0)), (0, 0));
        let other = || std::thread::spawn(move || {
            cpu::init();
            let waited = wait(address as *mut c_void, 1);
            if waited == 0 {
                call!(KeReleaseMutex(address as _, 0));
            }
            waited
        }).join().unwrap();
        assert_eq!((call!(KeReadStateMutex(mutex)), other()), (-1, TIMEOUT));
        assert_eq!(call!(KeAreApcsDisabled()), 1);
        assert_eq!((call!(KeReleaseMutex(mutex, 0)), other()), (-1, TIMEOUT));
        assert_eq!((call!(KeReleaseMutex(mutex, 0)), other()), (0, 0));
        assert_eq!((call!(KeReadStateMutex(mutex)), call!(KeAreApcsDisabled())), (1, 0));
    }
    semaphores_count {
        let semaphore: &mut nt::KSEMAPHORE = zeroed();
        call!(KeInitializeSemaphore(semaphore, 1, 3));
        assert_eq!((wait(semaphore, 0), wait(semaphore, 0)), (0, TIMEOUT));
        assert_eq!(call!(KeReleaseSemaphore(semaphore, 0, 2, 0)), 0);
        assert_eq!((wait(semaphore, 0), call!(KeReadStateSemaphore(semaphore))), (0, 1));
    }
    fast_and_guarded_mutexes_and_push_locks_exclude {
        let (fast, guarded): (_, &mut nt::FAST_MUTEX) = (fast_mutex(), zeroed());
        call!(KeInitializeGuardedMutex(guarded));
        let (push, sum) = (zeroed::<u64>() as *mut u64 as usize, zeroed::<[u32; 3]>() as *mut [u32; 3] as usize);
        call!(ExInitializePushLock(push as _));
        let (fast, guarded) = (std::ptr::from_mut(fast) as usize, std::ptr::from_mut(guarded) as usize);
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(move || {
            cpu::init();
            // SAFETY: each number is changed under its lock.
            let add = |i: usize| unsafe { (*(sum as *mut [u32; 3]))[i] += 1 };
            for _ in 0..500 {
                call!(ExAcquireFastMutex(fast as _));
                assert_eq!(cpu::irql(), 1);
                add(0);
                call!(ExReleaseFastMutex(fast as _));
                call!(KeAcquireGuardedMutex(guarded as _));
                add(1);
                call!(KeReleaseGuardedMutex(guarded as _));
                call!(KeEnterCriticalRegion());
                call!(ExAcquirePushLockExclusiveEx(push as _, 0));
                add(2);
                call!(ExReleasePushLockExclusiveEx(push as _, 0));
                call!(ExAcquirePushLockSharedEx(push as _, 0));
                call!(ExReleasePushLockSharedEx(push as _, 0));
                call!(KeLeaveCriticalRegion());
            }
            assert_eq!(cpu::irql(), 0);
        })).collect();
        for thread in threads {
            thread.join().unwrap();
        }
        // SAFETY: the threads have ended.
        assert_eq!(unsafe { *(sum as *const [u32; 3]) }, [2000; 3]);
        assert_eq!(call!(ExTryToAcquireFastMutex(fast as _)), 1);
        call!(ExReleaseFastMutex(fast as _));
    }
    resources_are_shared_or_exclusive {
        let resource: &mut nt::ERESOURCE = zeroed();
        let _ = call!(ExInitializeResourceLite(resource));
        call!(ExEnterCriticalRegionAndAcquireResourceExclusive(resource));
        assert_eq!(call!(ExAcquireResourceExclusiveLite(resource, 0)), 1);
        assert_eq!(call!(ExIsResourceAcquiredSharedLite(resource)), 2);
        let address = std::ptr::from_mut(resource) as usize;
        let other = move |exclusive: bool| std::thread::spawn(move || {
            cpu::init();
            call!(KeEnterCriticalRegion());
            let taken = match exclusive {
                true => call!(ExAcquireResourceExclusiveLite(address as _, 0)),
                false => call!(ExAcquireResourceSharedLite(address as _, 0)),
            };
            if taken != 0 {
                call!(ExReleaseResourceLite(address as _));
            }
            call!(KeLeaveCriticalRegion());
            taken
        }).join().unwrap();
        assert_eq!((other(false), other(true)), (0, 0));
        call!(ExReleaseResourceLite(resource));
        call!(ExConvertExclusiveToSharedLite(resource));
        assert_eq!((other(false), other(true)), (1, 0));
        call!(ExReleaseResourceAndLeaveCriticalRegion(resource));
        assert_eq!((other(false), other(true)), (1, 1));
        let _ = call!(ExDeleteResourceLite(resource));
    }
    lists_keep_their_order_and_count {
        let head: &mut nt::SLIST_HEADER = zeroed();
        call!(InitializeSListHead(head));
        let entries: &mut [nt::SLIST_ENTRY; 3] = zeroed();
        let places: Vec<*mut nt::SLIST_ENTRY> = entries.iter_mut().map(std::ptr::from_mut).collect();
        assert!(call!(ExpInterlockedPopEntrySList(head)).is_null());
        for place in &places {
            call!(ExpInterlockedPushEntrySList(head, *place));
        }
        assert_eq!(call!(ExQueryDepthSList(head)), 3);
        assert_eq!(call!(ExpInterlockedPopEntrySList(head)), places[2]);
        assert_eq!(call!(ExpInterlockedFlushSList(head)), places[1]);
        assert_eq!(call!(ExQueryDepthSList(head)), 0);

        let (list, lock): (&mut nt::LIST_ENTRY, &mut u64) = (zeroed(), zeroed());
        let address = std::ptr::from_mut(list);
        (list.Flink, list.Blink) = (address, address);
        let (first, second): (&mut nt::LIST_ENTRY, &mut nt::LIST_ENTRY) = (zeroed(), zeroed());
        let (first, second) = (std::ptr::from_mut(first), std::ptr::from_mut(second));
        assert!(call!(ExInterlockedInsertTailList(address, second, lock)).is_null());
        assert_eq!(call!(ExInterlockedInsertHeadList(address, first, lock)), second);
        assert_eq!(call!(ExInterlockedRemoveHeadList(address, lock)), first);
        assert_eq!(call!(ExInterlockedRemoveHeadList(address, lock)), second);
        assert!(call!(ExInterlockedRemoveHeadList(address, lock)).is_null());
    }
    lookaside_lists_allocate_as_the_inline_functions_expect {
        let list: *mut nt::LOOKASIDE_LIST_EX = allocate(256).cast();
        assert_eq!(call!(ExInitializeLookasideListEx(list, None, None, 512, 0, 64, TAG, 0)), 0);
        // What ExAllocateFromLookasideListEx and ExFreeToLookasideListEx do inline.
        // SAFETY: the list was just initialised.
        let general = unsafe { &mut (*list).L };
        // SAFETY: the members that an initialised list uses.
        let (head, allocate, free_block) = unsafe {
            let head = &raw mut general.__bindgen_anon_1.ListHead;
            (head, general.__bindgen_anon_4.AllocateEx.unwrap(), general.__bindgen_anon_5.FreeEx.unwrap())
        };
        assert!(call!(ExpInterlockedPopEntrySList(head)).is_null());
        // SAFETY: the list's own routine.
        let block = unsafe { allocate(general.Type, u64::from(general.Size), general.Tag, list) };
        assert_eq!(pool::lookup(block as usize).map(|block| block.size), Some(64));
        assert!(call!(ExQueryDepthSList(head)) >= general.Depth);
        // SAFETY: as above.
        unsafe { free_block(block, list) };
        call!(ExDeleteLookasideListEx(list));
        free(list.cast());
    }
    system_threads_run_and_are_waited_for {
        unsafe extern "win64" fn body(context: PVOID) {
            assert_eq!(cpu::irql(), 0);
            let mut thread = null_mut();
            let id = call!(PsGetCurrentThreadId());
            assert_eq!(call!(PsLookupThreadByThreadId(id, &mut thread)), 0);
            assert_eq!(call!(KeSetPriorityThread(thread.cast(), 16)), 8);
            assert_eq!(call!(KeQueryPriorityThread(thread.cast())), 16);
            call!(ObfDereferenceObject(thread.cast()));
            RUNS.store(context as u32, Ordering::SeqCst);
            let _ = call!(PsTerminateSystemThread(0));
            unreachable!("PsTerminateSystemThread returned");
        }
        start_and_wait(body, 5 as PVOID);
        assert_eq!(RUNS.load(Ordering::SeqCst), 5);
        assert_eq!(call!(PsTerminateSystemThread(0)), nt::STATUS_INVALID_PARAMETER);
    }
    events_have_handles {
        let (mut handle, mut event): (HANDLE, PVOID) = (null_mut(), null_mut());
        assert_eq!(call!(ZwCreateEvent(&mut handle, 0, null_mut(), 1, 0)), 0);
        assert_eq!(call!(ZwWaitForSingleObject(handle, 0, &mut relative(1))), TIMEOUT);
        assert_eq!(call!(ObReferenceObjectByHandle(handle, 0, null_mut(), 0, &mut event, null_mut())), 0);
        call!(KeSetEvent(event.cast::<KEVENT>(), 0, 0));
        assert_eq!(call!(ZwWaitForSingleObject(handle, 0, null_mut())), 0);
        let mut old = 9;
        assert_eq!((call!(ZwSetEvent(handle, &mut old)), old), (0, 0));
        assert_eq!(call!(ZwClose(handle)), 0);
        call!(ObfDereferenceObject(event));
    }
    processes_are_found_and_announced {
        unsafe extern "win64" fn forbid(
            _process: nt::PEPROCESS, id: HANDLE, information: *mut nt::PS_CREATE_NOTIFY_INFO
        ) {
            RUNS.fetch_add(id as u32, Ordering::SeqCst);
            if id as usize == 666 && !information.is_null() {
                // SAFETY: the information lives through the call.
                unsafe { (*information).CreationStatus = nt::STATUS_ACCESS_DENIED };
            }
        }
        use lab::ntoskrnl::process;
        let start = |id| {
            process::start(process::Start { id, parent: 4, image: r"\Device\X\a.exe".into(), admin: false })
        };
        assert_eq!(call!(PsSetCreateProcessNotifyRoutineEx(Some(forbid), 0)), 0);
        assert_eq!(start(1000), Ok(()));
        assert_eq!(start(666), Err(nt::STATUS_ACCESS_DENIED));
        let (mut found, mut name): (nt::PEPROCESS, nt::PUNICODE_STRING) = (null_mut(), null_mut());
        assert_eq!(call!(PsLookupProcessByProcessId(666 as HANDLE, &mut found)), nt::STATUS_INVALID_CID);
        assert_eq!(call!(PsLookupProcessByProcessId(1000 as HANDLE, &mut found)), 0);
        assert_eq!(call!(PsGetProcessId(found)) as usize, 1000);
        assert_eq!(call!(SeLocateProcessImageName(found, &mut name)), 0);
        // SAFETY: the name was just made.
        unsafe {
            let text = std::slice::from_raw_parts((*name).Buffer, usize::from((*name).Length) / 2);
            assert_eq!(String::from_utf16_lossy(text), r"\Device\X\a.exe");
        }
        call!(ExFreePool(name.cast()));
        let token = call!(PsReferencePrimaryToken(found));
        let mut user = null_mut();
        assert_eq!(call!(SeQueryInformationToken(token, 1, &mut user)), 0);
        // SAFETY: a TOKEN_USER starts with a pointer to the SID.
        unsafe { assert_eq!(*(*user.cast::<*const u8>()), 1) };
        call!(ExFreePool(user));
        assert_eq!(call!(SeTokenIsAdmin(token)), 0);
        call!(PsDereferencePrimaryToken(token));
        call!(ObfDereferenceObject(found.cast()));
        process::exit(1000, 0);
        assert_eq!(RUNS.load(Ordering::SeqCst), 2 * 1000 + 2 * 666);
        assert_eq!(call!(PsSetCreateProcessNotifyRoutineEx(Some(forbid), 1)), 0);
    }
    the_registry_is_read_written_and_listed {
        let root = r"\Registry\Machine\System\CurrentControlSet\Services\Test";
        lab::registry::Registry::get().create(root);
        let text = |text: &str| {
            let units: &'static mut [u16] = Box::leak(text.encode_utf16().collect());
            let length = units.len() as u16 * 2;
            zeroed_with(nt::UNICODE_STRING { Length: length, MaximumLength: length, Buffer: units.as_mut_ptr() })
        };
        let attributes: &mut nt::OBJECT_ATTRIBUTES = zeroed();
        attributes.Length = size_of::<nt::OBJECT_ATTRIBUTES>() as u32;
        attributes.Attributes = 0x240;
        attributes.ObjectName = text(root);
        let (mut key, mut child, mut disposition): (HANDLE, HANDLE, u32) = (null_mut(), null_mut(), 0);
        assert_eq!(call!(ZwOpenKey(&mut key, 0, attributes)), 0);
        attributes.RootDirectory = key;
        attributes.ObjectName = text("Parameters");
        assert_eq!(call!(ZwOpenKey(&mut child, 0, attributes)), nt::STATUS_OBJECT_NAME_NOT_FOUND);
        let created = call!(ZwCreateKey(&mut child, 0, attributes, 0, null_mut(), 0, &mut disposition));
        assert_eq!((created, disposition), (0, 1));
        let mut value = 0x1234_5678u32;
        let data = (&raw mut value).cast();
        assert_eq!(call!(ZwSetValueKey(child, text("Size"), 0, 4, data, 4)), 0);
        let (mut buffer, mut needed) = ([0u32; 8], 0);
        let mut query = |length| {
            call!(ZwQueryValueKey(child, text("SIZE"), 2, buffer.as_mut_ptr().cast(), length, &mut needed))
        };
        assert_eq!((query(8), query(15), query(32)), (nt::STATUS_BUFFER_TOO_SMALL, nt::STATUS_BUFFER_OVERFLOW, 0));
        assert_eq!((needed, buffer[1], buffer[2], buffer[3]), (16, 4, 4, value));
        let mut names = [0u16; 64];
        let room = names.as_mut_ptr().cast();
        assert_eq!(call!(ZwEnumerateKey(key, 0, 0, room, 128, &mut needed)), 0);
        assert_eq!(String::from_utf16_lossy(&names[8..18]), "parameters");
        assert_eq!(call!(ZwEnumerateKey(key, 1, 0, names.as_mut_ptr().cast(), 128, &mut needed)), nt::STATUS_NO_MORE_ENTRIES);
        assert_eq!(call!(ZwDeleteValueKey(child, text("size"))), 0);
        assert_eq!(call!(ZwDeleteKey(child)), 0);
        assert_eq!((call!(ZwClose(child)), call!(ZwClose(key))), (0, 0));
    }
}

/// `value` at an address that stays.
fn zeroed_with<T>(value: T) -> &'static mut T {
    Box::leak(Box::new(value))
}

/// What is left behind is named by its rule.
#[test]
fn leaks_have_rules() {
    let exit = lab::child::run("leaks_have_rules", || {
        let machine = lab::Machine::new(lab::Options::default());
        call!(ExAllocateTimer(None, null_mut(), 0));
        let mut event = null_mut();
        let _ = call!(ZwCreateEvent(&mut event, 0, null_mut(), 0, 0));
        let mut process = null_mut();
        let _ = call!(PsLookupProcessByProcessId(4 as HANDLE, &mut process));
        unsafe extern "win64" fn notify(_parent: HANDLE, _id: HANDLE, _create: u8) {}
        let _ = call!(PsSetCreateProcessNotifyRoutine(Some(notify), 0));
        machine.finish();
    });
    if !lab::child::is_child() {
        let mut rules: Vec<_> = exit.report.leaks.iter().map(|leak| leak.rule.as_str()).collect();
        rules.sort_unstable();
        assert_eq!(rules, ["G-35", "G-40", "G-5", "G-6"], "{}", exit.log);
    }
}
