//! A driver that raises and handles exceptions: the service's name selects the function of `seh.c` to run,
//! whose compiled form is linked in.
#![no_std]
#![allow(non_snake_case, reason = "the entry point's name is fixed")]

use core::arch::global_asm;
use core::ffi::c_void;
use core::panic::PanicInfo;

use ddk::nt::ntddk::*;
use ddk::nt::*;

global_asm!(include_str!("seh.s"), options(att_syntax));

#[link(name = "ntoskrnl.exe", kind = "raw-dylib", modifiers = "+verbatim")]
unsafe extern "C" {
    fn __C_specific_handler();
    fn ExRaiseDatatypeMisalignment() -> !;
}

unsafe extern "C" {
    fn seh_filter() -> u32;
    fn seh_finally() -> u32;
    fn seh_nested() -> u32;
    fn seh_registers() -> u32;
    fn seh_codes(pool: *mut c_void, user: *mut c_void, constant: *const c_void) -> u32;
    fn seh_copy(user: *mut c_void) -> u32;
    fn seh_continue() -> u32;
    fn seh_not_continuable() -> u32;
    fn seh_unhandled() -> u32;
    fn seh_read(address: *mut c_void) -> u32;
}

/// What the compiled C refers to, so that the imports are there.
#[used]
static REFERENCES: [unsafe extern "C" fn(); 1] = [__C_specific_handler];
#[used]
static RAISES: (
    unsafe extern "C" fn() -> !,
    unsafe extern "C" fn() -> !,
    unsafe extern "C" fn(NTSTATUS) -> !,
) = (ExRaiseDatatypeMisalignment, ExRaiseAccessViolation, ExRaiseStatus);
#[used]
static PROBES: [unsafe extern "C" fn(*mut c_void, SIZE_T, ULONG); 2] = [ProbeForRead, ProbeForWrite];

const TAG: u32 = u32::from_le_bytes(*b"Prob");
const NONPAGED: u64 = 0x40;

/// Entry point: returns the number that the selected function returns.
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
        let surprise = core::hint::black_box(run(&units[start..]));
        // The number shows in the status.
        if surprise == 0 { STATUS_SUCCESS } else { (0xe000_0000 | surprise) as NTSTATUS }
    }
}

unsafe extern "C" fn unload(_driver: *mut DRIVER_OBJECT) {}

fn is(mode: &[u16], name: &str) -> bool {
    mode.len() == name.len() && mode.iter().zip(name.bytes()).all(|(unit, byte)| *unit == u16::from(byte))
}

unsafe fn run(mode: &[u16]) -> u32 {
    // SAFETY: the functions take nothing, or the memory that they are named for. The driver's test puts a
    // buffer of user mode, and memory that cannot be written, where the two constants say.
    unsafe {
        let block = ExAllocatePool2(NONPAGED, 64, TAG);
        let user = 0x10_0000_0000 as *mut c_void;
        let constant = 0x10_0000_1000 as *const c_void;
        let mut lock: KSPIN_LOCK = 0;
        let surprise = if is(mode, "filter") {
            seh_filter()
        } else if is(mode, "finally") {
            seh_finally()
        } else if is(mode, "nested") {
            seh_nested()
        } else if is(mode, "registers") {
            seh_registers()
        } else if is(mode, "codes") {
            seh_codes(block, user, constant)
        } else if is(mode, "copy") {
            seh_copy(user)
        } else if is(mode, "continue") {
            seh_continue()
        } else if is(mode, "not-continuable") {
            seh_not_continuable()
        } else if is(mode, "unhandled") {
            seh_unhandled()
        } else if is(mode, "user-read") {
            seh_read(0x18 as *mut c_void)
        } else if is(mode, "overrun") {
            seh_read(block.cast::<u8>().add(64).cast())
        } else if is(mode, "high-read") {
            seh_read(0xffff_8000_0000_1000_u64 as *mut c_void)
        } else if is(mode, "dispatch-read") {
            let irql = KeAcquireSpinLockRaiseToDpc(&mut lock);
            let surprise = seh_read(0x18 as *mut c_void);
            KeReleaseSpinLock(&mut lock, irql);
            surprise
        } else if is(mode, "dispatch-raise") {
            KeAcquireSpinLockRaiseToDpc(&mut lock);
            seh_unhandled()
        } else {
            99
        };
        ExFreePoolWithTag(block, TAG);
        surprise
    }
}

/// The compiler refers to this symbol when code names floating point types.
#[unsafe(no_mangle)]
pub static _fltused: i32 = 0;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: stops the machine.
    unsafe { KeBugCheckEx(0x5052_4f42, 0, 0, 0, 0) }
}
