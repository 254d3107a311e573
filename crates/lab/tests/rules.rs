//! Rules of the kernel's exports: each fires on the call that breaks it, and a run that keeps them is silent.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::ffi::c_void;
use std::ptr::null_mut;

use ddk::nt::ntddk::sig;
use ddk::nt::{DEVICE_OBJECT, EX_RUNDOWN_REF, GUID, KEVENT, LARGE_INTEGER, MDL, UNICODE_STRING};
use lab::child::{self, Status};
use lab::{Machine, Options, cpu};

const TAG: u32 = u32::from_le_bytes(*b"Test");
const NON_PAGED: u64 = 0x40;
const PAGED: u64 = 0x100;

/// The checked entry of an export, as a driver is bound to it.
fn export(name: &str) -> usize {
    let exports = lab::ntoskrnl::exports();
    let found = exports.into_iter().flatten().find(|export| export.name == name);
    found.unwrap_or_else(|| panic!("no export {name}")).checked.get()
}

/// Calls an export by name, with the type that the driver's bindings declare.
macro_rules! call {
    ($name:ident($($arg:expr),* $(,)?)) => {
        // SAFETY: the export has this type, which its declaration asserts; the tests break contracts on
        // purpose.
        unsafe { std::mem::transmute::<usize, sig::$name>(export(stringify!($name)))($($arg),*) }
    };
}

macro_rules! breaks {
    ($($name:ident: $rule:literal $status:ident $body:block)*) => { $(
        #[test]
        fn $name() {
            child::expect(stringify!($name), Status::$status, $rule, || {
                let _machine = Machine::new(Options::default());
                $body
            });
        }
    )* };
}

fn allocate(flags: u64, size: u64) -> *mut u8 {
    call!(ExAllocatePool2(flags, size, TAG)).cast()
}

fn event() -> KEVENT {
    // SAFETY: an event accepts zeroes until it is initialised.
    unsafe { std::mem::zeroed() }
}

fn text(units: &mut [u16]) -> UNICODE_STRING {
    let length = units.len() as u16 * 2;
    UNICODE_STRING { Length: length, MaximumLength: length, Buffer: units.as_mut_ptr() }
}

breaks! {
    g_1_no_bytes: "G-1" Verifier { allocate(NON_PAGED, 0); }
    g_2_paged_pool_at_dispatch: "G-2" Verifier {
        call!(KfRaiseIrql(2));
        allocate(PAGED, 8);
    }
    g_2_pool_above_dispatch: "G-2" Verifier {
        call!(KfRaiseIrql(3));
        allocate(NON_PAGED, 8);
    }
    g_2_paged_free_at_dispatch: "G-2" Verifier {
        let block = allocate(PAGED, 8);
        call!(KfRaiseIrql(2));
        call!(ExFreePoolWithTag(block.cast(), TAG));
    }
    g_3_free_inside_a_block: "G-3" Verifier {
        let block = allocate(NON_PAGED, 64);
        call!(ExFreePoolWithTag(block.wrapping_add(8).cast(), TAG));
    }
    g_3_free_of_other_memory: "G-3" Verifier {
        let mut local = 0u64;
        call!(ExFreePool((&raw mut local).cast()));
    }
    g_4_underrun: "G-4" Verifier {
        let block = allocate(NON_PAGED, 64);
        // SAFETY: in front of the block, on purpose; the page is mapped.
        unsafe { block.sub(1).write(0) };
        call!(ExFreePoolWithTag(block.cast(), TAG));
    }
    g_4_overrun_in_memset: "G-4" BugCheck {
        let block = allocate(NON_PAGED, 64);
        call!(memset(block.cast(), 0, 65));
    }
    g_7_executable_pool: "G-7" Verifier { allocate(0x80, 64); }
    g_8_no_tag: "G-8" Verifier { call!(ExAllocatePool2(NON_PAGED, 8, 0)); }
    l_2_no_pool_named: "L-2" Verifier { allocate(0, 8); }
    l_2_unknown_pool_flag: "L-2" Verifier { allocate(NON_PAGED | 0x8000, 8); }
    g_10_raise_downwards: "G-10" Verifier {
        call!(KfRaiseIrql(2));
        call!(KfRaiseIrql(1));
    }
    g_10_lower_upwards: "G-10" Verifier { call!(KeLowerIrql(2)); }
    g_11_lower_with_a_lock: "G-11" Verifier {
        let mut lock = 0;
        let old = call!(KeAcquireSpinLockRaiseToDpc(&mut lock));
        call!(KeLowerIrql(old));
    }
    g_11_at_dpc_below_dispatch: "G-11" Verifier {
        let mut lock = 0;
        call!(KeAcquireSpinLockAtDpcLevel(&mut lock));
    }
    g_11_acquire_above_dispatch: "G-11" Verifier {
        call!(KfRaiseIrql(5));
        let mut lock = 0;
        call!(KeAcquireSpinLockRaiseToDpc(&mut lock));
    }
    g_11_release_to_another_irql: "G-11" Verifier {
        let mut lock = 0;
        call!(KfRaiseIrql(1));
        call!(KeAcquireSpinLockRaiseToDpc(&mut lock));
        call!(KeReleaseSpinLock(&mut lock, 0));
    }
    g_12_release_of_a_free_lock: "G-12" Verifier {
        let mut lock = 0;
        call!(KfRaiseIrql(2));
        call!(KeReleaseSpinLock(&mut lock, 0));
    }
    g_12_release_by_another_thread: "G-12" Verifier {
        let mut lock = 0;
        call!(KeAcquireSpinLockRaiseToDpc(&mut lock));
        let address = &raw mut lock as usize;
        std::thread::spawn(move || {
            cpu::init();
            call!(KfRaiseIrql(2));
            call!(KeReleaseSpinLock(address as *mut u64, 0));
        })
        .join()
        .unwrap();
    }
    g_12_release_with_the_wrong_function: "G-12" Verifier {
        let mut lock = 0;
        call!(KeAcquireSpinLockRaiseToDpc(&mut lock));
        call!(KeReleaseSpinLockFromDpcLevel(&mut lock));
    }
    g_12_release_out_of_order: "G-12" Verifier {
        let (mut first, mut second) = (0, 0);
        let old = call!(KeAcquireSpinLockRaiseToDpc(&mut first));
        call!(KeAcquireSpinLockAtDpcLevel(&mut second));
        call!(KeReleaseSpinLock(&mut first, old));
    }
    g_12_initialised_while_held: "G-12" Verifier {
        let mut lock = 0;
        call!(KeAcquireSpinLockRaiseToDpc(&mut lock));
        call!(KeInitializeSpinLock(&mut lock));
    }
    g_12_recursive_shared_lock: "G-12" Verifier {
        let mut lock = 0;
        call!(ExAcquireSpinLockShared(&mut lock));
        call!(ExAcquireSpinLockExclusive(&mut lock));
    }
    g_13_both_orders: "G-13" Verifier {
        let (mut a, mut b) = (0, 0);
        for (first, second) in [(&raw mut a, &raw mut b), (&raw mut b, &raw mut a)] {
            let old = call!(KeAcquireSpinLockRaiseToDpc(first));
            call!(KeAcquireSpinLockAtDpcLevel(second));
            call!(KeReleaseSpinLockFromDpcLevel(second));
            call!(KeReleaseSpinLock(first, old));
        }
    }
    g_14_a_work_item_returns_raised: "G-14" Verifier {
        lab::ntoskrnl::work::queue(|| {
            call!(KfRaiseIrql(2));
        });
        lab::ntoskrnl::work::flush();
    }
    g_15_wait_at_dispatch: "G-15" Verifier {
        let mut event = event();
        call!(KeInitializeEvent(&mut event, 0, 1));
        call!(KfRaiseIrql(2));
        let _ = call!(KeWaitForSingleObject((&raw mut event).cast(), 0, 0, 0, null_mut()));
    }
    g_16_string_table_at_dispatch: "G-16" Verifier {
        let mut units = [65];
        let text = text(&mut units);
        call!(KfRaiseIrql(2));
        call!(RtlEqualUnicodeString(&text, &text, 1));
    }
    g_17_event_in_paged_pool: "G-17" Verifier {
        call!(KeInitializeEvent(allocate(PAGED, 24).cast(), 0, 0));
    }
    g_19_leave_without_enter: "G-19" Verifier { call!(KeLeaveCriticalRegion()); }
    g_20_wait_flag_at_dispatch: "G-20" Verifier {
        let mut event = event();
        call!(KfRaiseIrql(2));
        call!(KeSetEvent(&mut event, 0, 1));
    }
    g_24_a_work_item_is_queued_twice: "G-24" Verifier {
        unsafe extern "win64" fn never(_device: *mut DEVICE_OBJECT, _context: *mut c_void) {}
        // All workers are busy, so that the item waits in the queue.
        for _ in 0..2 {
            lab::ntoskrnl::work::queue(|| std::thread::sleep(std::time::Duration::from_secs(5)));
        }
        let item = call!(IoAllocateWorkItem(null_mut()));
        call!(IoQueueWorkItem(item, Some(never), 1, null_mut()));
        call!(IoQueueWorkItem(item, Some(never), 1, null_mut()));
    }
    g_34_a_freed_work_item_is_queued: "G-34" Verifier {
        unsafe extern "win64" fn never(_device: *mut DEVICE_OBJECT, _context: *mut c_void) {}
        let item = call!(IoAllocateWorkItem(null_mut()));
        call!(IoFreeWorkItem(item));
        call!(IoQueueWorkItem(item, Some(never), 1, null_mut()));
    }
    g_30_map_an_unbuilt_mdl: "G-30" Verifier {
        let mdl = call!(IoAllocateMdl(allocate(NON_PAGED, 64).cast(), 64, 0, 0, null_mut()));
        call!(MmMapLockedPagesSpecifyCache(mdl, 0, 1, null_mut(), 0, 16));
    }
    g_30_build_twice: "G-30" Verifier {
        let mdl = call!(IoAllocateMdl(allocate(NON_PAGED, 64).cast(), 64, 0, 0, null_mut()));
        call!(MmBuildMdlForNonPagedPool(mdl));
        call!(MmBuildMdlForNonPagedPool(mdl));
    }
    g_30_build_over_paged_pool: "G-30" Verifier {
        let mdl = call!(IoAllocateMdl(allocate(PAGED, 64).cast(), 64, 0, 0, null_mut()));
        call!(MmBuildMdlForNonPagedPool(mdl));
    }
    g_30_free_while_locked: "G-30" Verifier {
        let mdl = call!(IoAllocateMdl(allocate(NON_PAGED, 64).cast(), 64, 0, 0, null_mut()));
        call!(MmProbeAndLockPages(mdl, 0, 0));
        call!(IoFreeMdl(mdl));
    }
    g_30_unlock_what_is_not_locked: "G-30" Verifier {
        let mdl = call!(IoAllocateMdl(allocate(NON_PAGED, 64).cast(), 64, 0, 0, null_mut()));
        call!(MmUnlockPages(mdl));
    }
    g_35_rundown_released_too_often: "G-35" Verifier {
        // SAFETY: a rundown reference accepts zeroes.
        let mut protection: EX_RUNDOWN_REF = unsafe { std::mem::zeroed() };
        call!(ExInitializeRundownProtection(&mut protection));
        call!(ExReleaseRundownProtection(&mut protection));
    }
    l_1_delay_at_high_irql: "G-15" Verifier {
        call!(KfRaiseIrql(2));
        let mut interval = LARGE_INTEGER { QuadPart: -1 };
        let _ = call!(KeDelayExecutionThread(0, 0, &mut interval));
    }
    l_1_rundown_init_above_dispatch: "L-1" Verifier {
        // SAFETY: as above.
        let mut protection: EX_RUNDOWN_REF = unsafe { std::mem::zeroed() };
        call!(KfRaiseIrql(3));
        call!(ExInitializeRundownProtection(&mut protection));
    }
    l_2_string_longer_than_its_room: "L-2" Verifier {
        let mut units = [65];
        let mut text = text(&mut units);
        text.Length = 8;
        call!(RtlEqualUnicodeString(&text, &text, 0));
    }
    g_34_a_handle_is_dereferenced: "G-34" BugCheck {
        struct Thing;
        impl lab::handle::Object for Thing {
            const KIND: &'static str = "thing";
        }
        let handle = lab::handle::create(std::sync::Arc::new(Thing));
        call!(memset(handle, 0, 1));
    }
}

#[test]
fn leaks_name_every_kind() {
    let exit = child::run("leaks_name_every_kind", || {
        let machine = Machine::new(Options::default());
        allocate(NON_PAGED, 100);
        call!(IoAllocateMdl(null_mut(), 100, 0, 0, null_mut()));
        call!(ExAllocateCacheAwareRundownProtection(0x200, TAG));
        call!(IoAllocateWorkItem(null_mut()));
        let mut provider = 0;
        let _ = call!(EtwRegister(&GUID::default(), None, null_mut(), &mut provider));
        machine.finish();
    });
    if !child::is_child() {
        let found = |rule: &str, what: &str| {
            exit.report.leaks.iter().any(|leak| leak.rule == rule && leak.what.starts_with(what))
        };
        assert!(found("G-6", "100 bytes of pool 'Test'"), "{}", exit.log);
        assert!(found("G-6", "56 bytes of pool 'Mdl.'"), "{}", exit.log);
        assert!(found("G-6", "64 bytes of pool 'Test'"), "{}", exit.log);
        assert!(found("G-6", "I/O work item handle"), "{}", exit.log);
        assert!(found("G-40", "event provider handle"), "{}", exit.log);
        assert_eq!(exit.report.leaks.len(), 5, "{}", exit.log);
    }
}

#[test]
fn rules_kept_are_silent() {
    child::test("rules_kept_are_silent", || {
        let machine = Machine::new(Options::default());
        pool_and_mdl();
        locks();
        waits();
        rundown();
        strings();
        system();
        machine.finish();
    });
}

fn pool_and_mdl() {
    for size in [1, 16, 17, 4095, 4096, 4097, 100_000] {
        let block = allocate(NON_PAGED, size);
        // SAFETY: inside the block.
        unsafe {
            assert!((0..size as usize).all(|i| block.add(i).read() == 0));
            std::ptr::write_bytes(block, 1, size as usize);
        }
        assert_eq!(block as usize % 16, 0);
        call!(ExFreePoolWithTag(block.cast(), TAG));
    }
    let old = call!(KfRaiseIrql(2));
    call!(ExFreePool(allocate(NON_PAGED, 5).cast()));
    call!(KeLowerIrql(old));
    call!(ExFreePoolWithTag(allocate(PAGED, 5).cast(), 0));

    let block = allocate(NON_PAGED, 5000);
    let mdl = call!(IoAllocateMdl(block.cast(), 5000, 0, 0, null_mut()));
    call!(MmBuildMdlForNonPagedPool(mdl));
    // SAFETY: the MDL was just made.
    let MDL { MappedSystemVa, ByteCount, .. } = unsafe { *mdl };
    assert_eq!((MappedSystemVa, ByteCount), (block.cast::<c_void>(), 5000));
    call!(IoFreeMdl(mdl));
    let mdl = call!(IoAllocateMdl(block.cast(), 5000, 0, 0, null_mut()));
    call!(MmProbeAndLockPages(mdl, 0, 0));
    let mapped = call!(MmMapLockedPagesSpecifyCache(mdl, 0, 1, null_mut(), 0, 16));
    assert_eq!(mapped, block.cast::<c_void>());
    call!(MmUnmapLockedPages(mapped, mdl));
    call!(MmUnlockPages(mdl));
    lab::pool::fail_after(0);
    call!(MmProbeAndLockPages(mdl, 0, 0));
    assert!(call!(MmMapLockedPagesSpecifyCache(mdl, 0, 1, null_mut(), 0, 16)).is_null());
    call!(MmUnlockPages(mdl));
    call!(IoFreeMdl(mdl));
    call!(ExFreePoolWithTag(block.cast(), TAG));
}

fn locks() {
    let (mut a, mut b, mut c) = (0u64, 0u64, 0i32);
    for _ in 0..2 {
        let old = call!(KeAcquireSpinLockRaiseToDpc(&mut a));
        call!(KeAcquireSpinLockAtDpcLevel(&mut b));
        let shared = call!(ExAcquireSpinLockShared(&mut c));
        assert_eq!(cpu::irql(), 2);
        call!(ExReleaseSpinLockShared(&mut c, shared));
        call!(KeReleaseSpinLockFromDpcLevel(&mut b));
        call!(KeReleaseSpinLock(&mut a, old));
        assert_eq!(cpu::irql(), 0);
    }
    let old = call!(ExAcquireSpinLockExclusive(&mut c));
    call!(ExReleaseSpinLockExclusive(&mut c, old));
    // Counting under a lock from several threads: exclusion holds.
    let shared = Box::leak(Box::new((0u64, 0u32)));
    let (lock, count) = (&raw mut shared.0 as usize, &raw mut shared.1 as usize);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(move || {
                cpu::init();
                for _ in 0..20_000 {
                    let old = call!(KeAcquireSpinLockRaiseToDpc(lock as *mut u64));
                    // SAFETY: under the lock.
                    unsafe { *(count as *mut u32) += 1 };
                    call!(KeReleaseSpinLock(lock as *mut u64, old));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(shared.1, 80_000);
}

fn waits() {
    const TIMEOUT: i32 = 0x102;
    let mut done = event();
    call!(KeInitializeEvent(&mut done, 1, 0));
    let address = &raw mut done as usize;
    let mut zero = LARGE_INTEGER { QuadPart: 0 };
    let mut short = LARGE_INTEGER { QuadPart: -20_000 };
    let wait = |timeout| call!(KeWaitForSingleObject(address as *mut c_void, 0, 0, 0, timeout));
    assert_eq!(wait(&raw mut zero), TIMEOUT);
    assert_eq!(wait(&raw mut short), TIMEOUT);
    std::thread::spawn(move || {
        cpu::init();
        call!(KeSetEvent(address as *mut KEVENT, 0, 0));
    });
    assert_eq!(wait(null_mut()), 0);
    // A synchronization event lets one waiter pass.
    assert_eq!(wait(&raw mut zero), TIMEOUT);
    assert_eq!(call!(KeSetEvent(&mut done, 0, 0)), 0);
    assert_eq!(call!(KeSetEvent(&mut done, 0, 0)), 1);
    let old = call!(KfRaiseIrql(2));
    assert_eq!(wait(&raw mut zero), 0);
    call!(KeLowerIrql(old));
    call!(KeEnterCriticalRegion());
    call!(KeLeaveCriticalRegion());
}

fn rundown() {
    let protection = call!(ExAllocateCacheAwareRundownProtection(0x200, TAG));
    assert_eq!(call!(ExAcquireRundownProtectionCacheAware(protection)), 1);
    let address = protection as usize;
    let releaser = std::thread::spawn(move || {
        cpu::init();
        std::thread::sleep(std::time::Duration::from_millis(20));
        call!(ExReleaseRundownProtectionCacheAware(address as _));
    });
    let start = std::time::Instant::now();
    call!(ExWaitForRundownProtectionReleaseCacheAware(protection));
    assert!(start.elapsed() >= std::time::Duration::from_millis(15));
    assert_eq!(call!(ExAcquireRundownProtectionCacheAware(protection)), 0);
    call!(ExReInitializeRundownProtectionCacheAware(protection));
    assert_eq!(call!(ExAcquireRundownProtectionCacheAware(protection)), 1);
    call!(ExReleaseRundownProtectionCacheAware(protection));
    releaser.join().unwrap();
    call!(ExFreeCacheAwareRundownProtection(protection));
}

fn strings() {
    let (mut abc, mut upper) = ([97, 98, 99, 0], [65, 66, 67]);
    let mut first = UNICODE_STRING { Length: 0, MaximumLength: 0, Buffer: null_mut() };
    call!(RtlInitUnicodeString(&mut first, abc.as_mut_ptr()));
    assert_eq!((first.Length, first.MaximumLength), (6, 8));
    let second = text(&mut upper);
    assert_eq!(call!(RtlEqualUnicodeString(&first, &second, 0)), 0);
    assert_eq!(call!(RtlEqualUnicodeString(&first, &second, 1)), 1);
    let mut room = [0; 4];
    let mut target = UNICODE_STRING { Length: 0, MaximumLength: 8, Buffer: room.as_mut_ptr() };
    call!(RtlCopyUnicodeString(&mut target, &first));
    assert_eq!(call!(RtlAppendUnicodeStringToString(&mut target, &second)), 0xc000_0023_u32 as i32);
    assert_eq!((target.Length, room[..3].to_vec()), (6, vec![97, 98, 99]));
}

fn system() {
    unsafe extern "win64" fn set(_device: *mut DEVICE_OBJECT, context: *mut c_void) {
        assert_eq!(cpu::irql(), 0);
        call!(KeSetEvent(context.cast(), 0, 0));
    }
    let mut done = event();
    call!(KeInitializeEvent(&mut done, 0, 0));
    let item = call!(IoAllocateWorkItem(null_mut()));
    call!(IoQueueWorkItem(item, Some(set), 1, (&raw mut done).cast()));
    assert_eq!(call!(KeWaitForSingleObject((&raw mut done).cast(), 0, 0, 0, null_mut())), 0);
    lab::ntoskrnl::work::flush();
    call!(IoFreeWorkItem(item));

    let mut provider = 0;
    assert_eq!(call!(EtwRegister(&GUID::default(), None, null_mut(), &mut provider)), 0);
    assert_eq!(call!(EtwUnregister(provider)), 0);

    let mut name: Vec<u16> = "ExAllocatePool2".encode_utf16().collect();
    assert_eq!(call!(MmGetSystemRoutineAddress(&mut text(&mut name))) as usize, export("ExAllocatePool2"));
    let mut name: Vec<u16> = "NoSuchFunction".encode_utf16().collect();
    assert!(call!(MmGetSystemRoutineAddress(&mut text(&mut name))).is_null());

    let mut number = 0u64;
    assert_eq!(call!(MmIsAddressValid((&raw mut number).cast())), 1);
    assert_eq!(call!(MmIsAddressValid(0x10 as *mut c_void)), 0);
    let mut frequency = LARGE_INTEGER { QuadPart: 0 };
    call!(KeQueryPerformanceCounter(&mut frequency));
    // SAFETY: all members of the union are the same bytes.
    assert_eq!(unsafe { frequency.QuadPart }, 10_000_000);
    assert_eq!(call!(KeQueryActiveProcessorCountEx(0xffff)), 4);
    assert!(call!(KeGetCurrentProcessorNumberEx(null_mut())) < 4);
}
