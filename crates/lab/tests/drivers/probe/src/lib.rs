//! A driver for the lab's own tests: the service's name selects what it does right or wrong.
#![no_std]
#![allow(non_snake_case, reason = "the entry point's name is fixed")]

use core::ffi::c_void;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ddk::nt::ntddk::*;
use ddk::nt::*;

#[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
unsafe extern "C" {
    fn NoKernelExportsThis(argument: u32);
    fn __chkstk();
}

/// What a compiler puts into an image that guards its stack and its calls, for the loader to fill.
#[repr(C)]
pub struct LoadConfiguration {
    size: u32,
    _first: [u32; 21],
    cookie: *const AtomicUsize,
    _handlers: [usize; 2],
    check: *const AtomicUsize,
    dispatch: *const AtomicUsize,
    _table: [usize; 2],
    flags: u32,
    _last: u32,
}

// SAFETY: the loader alone reads it, before the driver runs.
unsafe impl Sync for LoadConfiguration {}

const DEFAULT_COOKIE: usize = 0x2b99_2ddf_a232;
static COOKIE: AtomicUsize = AtomicUsize::new(DEFAULT_COOKIE);
static GUARD_CHECK: AtomicUsize = AtomicUsize::new(0);
static GUARD_DISPATCH: AtomicUsize = AtomicUsize::new(0);

/// The name under which the linker looks for it.
#[unsafe(no_mangle)]
pub static _load_config_used: LoadConfiguration = LoadConfiguration {
    size: size_of::<LoadConfiguration>() as u32,
    _first: [0; 21],
    cookie: &COOKIE,
    _handlers: [0; 2],
    check: &GUARD_CHECK,
    dispatch: &GUARD_DISPATCH,
    _table: [0; 2],
    // IMAGE_GUARD_CF_INSTRUMENTED
    flags: 0x100,
    _last: 0,
};

extern "C" fn square(number: u64) -> u64 {
    number * number
}

/// Calls [`square`] as code with the control flow guard does, both ways, and looks at the stack cookie.
unsafe fn guarded() -> bool {
    let cookie = COOKIE.load(Ordering::Relaxed);
    let (checked, dispatched): (u64, u64);
    // SAFETY: the loader has filled both pointers; check keeps all argument registers and dispatch jumps to rax.
    unsafe {
        core::arch::asm!("sub rsp, 32", "mov r12, rcx", "mov rcx, {target}", "call r13", "mov rcx, r12",
            "call {target}", "add rsp, 32", target = in(reg) square as usize, in("rcx") 7u64, in("r13") GUARD_CHECK.load(Ordering::Relaxed),
            out("r12") _, lateout("rax") checked, clobber_abi("C"));
        core::arch::asm!("sub rsp, 32", "call r13", "add rsp, 32", in("rcx") 9u64, in("r13") GUARD_DISPATCH.load(Ordering::Relaxed),
            inlateout("rax") square as usize => dispatched, clobber_abi("C"));
    }
    cookie != DEFAULT_COOKIE && cookie != 0 && cookie >> 48 == 0 && (checked, dispatched) == (49, 81)
}

/// Probes the stack as a function with a large frame does: size and stack pointer come back unchanged.
unsafe fn probe_stack() -> bool {
    let (size, moved): (u64, u64);
    // SAFETY: __chkstk touches the stack below and keeps all registers but r10 and r11.
    unsafe {
        core::arch::asm!("mov r12, rsp", "mov eax, 8192", "call {probe}", "sub r12, rsp", probe = sym __chkstk,
            out("rax") size, out("r12") moved, out("r10") _, out("r11") _);
    }
    (size, moved) == (8192, 0)
}

/// Whether the system time of the page that the kernel shares is that of the function.
unsafe fn reads_shared_time() -> bool {
    const SECOND: i64 = 10_000_000;
    let shared: i64;
    let mut now = LARGE_INTEGER { QuadPart: 0 };
    // SAFETY: the constant address of KUSER_SHARED_DATA.SystemTime, as the headers have it.
    unsafe {
        core::arch::asm!("mov {0}, 0xfffff78000000014", "mov {0}, [{0}]", out(reg) shared);
        KeQuerySystemTimePrecise(&mut now);
        (now.QuadPart - shared).abs() < 60 * SECOND
    }
}

const TAG: u32 = u32::from_le_bytes(*b"Prob");
const POOL_FLAG_NON_PAGED: u64 = 0x40;

/// Entry point.
///
/// # Safety
/// Called by the I/O manager alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn DriverEntry(driver: *mut DRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    // SAFETY: the I/O manager passes its driver object and a valid path.
    unsafe {
        (*driver).DriverUnload = Some(unload);
        let length = usize::from((*path).Length) / 2;
        let units = core::slice::from_raw_parts((*path).Buffer, length);
        let start = units.iter().rposition(|unit| *unit == u16::from(b'\\')).map_or(0, |at| at + 1);
        // Not a tail call, so that this function stays on the stack.
        core::hint::black_box(run(&units[start..]))
    }
}

static HANG: AtomicBool = AtomicBool::new(false);

unsafe extern "C" fn unload(_driver: *mut DRIVER_OBJECT) {
    while HANG.load(Ordering::Relaxed) {
        core::hint::spin_loop();
    }
}

#[inline(never)]
fn recurse(depth: u64) -> u64 {
    let frame = core::hint::black_box([depth; 64]);
    if depth == 0 { 0 } else { recurse(depth - 1).wrapping_add(frame[7]) }
}

fn is(mode: &[u16], name: &str) -> bool {
    mode.len() == name.len() && mode.iter().zip(name.bytes()).all(|(unit, byte)| *unit == u16::from(byte))
}

fn allocate(size: u64) -> *mut u8 {
    // SAFETY: at PASSIVE_LEVEL, with a size and a tag.
    unsafe { ExAllocatePool2(POOL_FLAG_NON_PAGED, size, TAG).cast() }
}

/// Wants two blocks; without the second it asks for a third to say so, and gives the first back if it `unwinds`.
#[inline(never)]
unsafe fn two_blocks(unwinds: bool) -> NTSTATUS {
    // SAFETY: blocks are freed once, with their tag.
    unsafe {
        let first = allocate(32);
        if first.is_null() {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        let second = allocate(48);
        if second.is_null() {
            let note = allocate(16);
            if !note.is_null() {
                ExFreePoolWithTag(note.cast(), TAG);
            }
            if unwinds {
                ExFreePoolWithTag(first.cast(), TAG);
            }
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        ExFreePoolWithTag(second.cast(), TAG);
        ExFreePoolWithTag(first.cast(), TAG);
    }
    STATUS_SUCCESS
}

#[inline(never)]
unsafe fn run(mode: &[u16]) -> NTSTATUS {
    let mut lock: KSPIN_LOCK = 0;
    // SAFETY: every branch keeps the contracts of what it calls, or breaks exactly the one that it is named
    // for.
    unsafe {
        if is(mode, "clean") {
            let block = allocate(100);
            block.write_volatile(1);
            ExFreePoolWithTag(block.cast(), TAG);
            let irql = KeAcquireSpinLockRaiseToDpc(&mut lock);
            KeReleaseSpinLock(&mut lock, irql);
            DbgPrint(c"probe: %d %s\n".as_ptr(), 7i32, c"seven".as_ptr());
        } else if is(mode, "leak") {
            allocate(40);
        } else if is(mode, "unwinds") || is(mode, "forgets") {
            return two_blocks(is(mode, "unwinds"));
        } else if is(mode, "overrun") {
            let block = allocate(32);
            block.add(32).write_volatile(1);
        } else if is(mode, "small-overrun") {
            let block = allocate(20);
            block.add(20).write_volatile(1);
            ExFreePoolWithTag(block.cast(), TAG);
        } else if is(mode, "use-after-free") {
            let block = allocate(64);
            ExFreePoolWithTag(block.cast(), TAG);
            return i32::from(block.read_volatile());
        } else if is(mode, "double-free") {
            let block = allocate(64);
            ExFreePoolWithTag(block.cast(), TAG);
            ExFreePoolWithTag(block.cast(), TAG);
        } else if is(mode, "wrong-tag") {
            ExFreePoolWithTag(allocate(64).cast(), TAG + 1);
            // A result of its own, so that the call is not merged with another branch's.
            return STATUS_BUFFER_TOO_SMALL;
        } else if is(mode, "copy-overrun") {
            let (from, to) = (allocate(64), allocate(32));
            memcpy(to.cast(), from.cast::<c_void>(), core::hint::black_box(64));
        } else if is(mode, "wait-at-dispatch") {
            let irql = KeAcquireSpinLockRaiseToDpc(&mut lock);
            let mut interval = LARGE_INTEGER { QuadPart: -10 };
            let status = KeDelayExecutionThread(0, 0, &mut interval);
            KeReleaseSpinLock(&mut lock, irql);
            return status;
        } else if is(mode, "recursive-lock") {
            KeAcquireSpinLockRaiseToDpc(&mut lock);
            KeAcquireSpinLockRaiseToDpc(&mut lock);
        } else if is(mode, "leave-dispatch") {
            KfRaiseIrql(2);
        } else if is(mode, "null") {
            return i32::from(
                core::ptr::null_mut::<u8>().wrapping_add(core::hint::black_box(16)).read_volatile(),
            );
        } else if is(mode, "write-code") {
            (DriverEntry as *mut u8).write_volatile(0xcc);
        } else if is(mode, "int3") {
            core::arch::asm!("int3");
        } else if is(mode, "fast-fail") {
            core::arch::asm!("int 0x29", in("ecx") 5);
        } else if is(mode, "illegal") {
            core::arch::asm!("ud2");
        } else if is(mode, "cr8") {
            let level: u64;
            core::arch::asm!("mov {0}, cr8", "mov {1}, 2", "mov cr8, {1}", "mov {1}, cr8", "mov cr8, {0}",
                out(reg) _, out(reg) level);
            return if level == 2 { 0 } else { STATUS_UNSUCCESSFUL };
        } else if is(mode, "guarded") {
            return if guarded() { 0 } else { STATUS_UNSUCCESSFUL };
        } else if is(mode, "chkstk") {
            return if probe_stack() { 0 } else { STATUS_UNSUCCESSFUL };
        } else if is(mode, "shared-data") {
            return if reads_shared_time() { 0 } else { STATUS_UNSUCCESSFUL };
        } else if is(mode, "unresolved") {
            NoKernelExportsThis(7);
        } else if is(mode, "fail-and-leak") {
            allocate(10);
            return STATUS_UNSUCCESSFUL;
        } else if is(mode, "fail") {
            return STATUS_UNSUCCESSFUL;
        } else if is(mode, "bugcheck") {
            KeBugCheckEx(0xdead, 1, 2, 3, 4);
        } else if is(mode, "recurse") {
            return recurse(core::hint::black_box(1 << 30)) as i32;
        } else if is(mode, "hang-in-unload") {
            HANG.store(true, Ordering::Relaxed);
        } else {
            return STATUS_INVALID_PARAMETER;
        }
    }
    STATUS_SUCCESS
}

/// The compiler refers to this symbol when code names floating point types.
#[unsafe(no_mangle)]
pub static _fltused: i32 = 0;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: stops the machine.
    unsafe { KeBugCheckEx(0x5052_4f42, 0, 0, 0, 0) }
}
