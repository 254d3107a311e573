//! The kernel's functions that raise exceptions.

use std::ffi::c_void;

use super::context::{Exception, ExceptionRecord, NONCONTINUABLE, raising, stack_pointer};
use super::{ACCESS_VIOLATION, DATATYPE_MISALIGNMENT, dispatch};
use crate::cpu::{self, APC, Frame};
use crate::export::{Call, Export, Meta};
use crate::{handle, pe, pool, verifier};

/// Functions that always raise, and the handler of C.
pub(super) static EXPORTS: &[Export] = &[
    dispatch::HANDLER,
    Export::raw("ntoskrnl.exe", "ExRaiseStatus", ex_raise_status as *const ()),
    Export::raw("ntoskrnl.exe", "ExRaiseAccessViolation", ex_raise_access_violation as *const ()),
    Export::raw("ntoskrnl.exe", "ExRaiseDatatypeMisalignment", ex_raise_datatype_misalignment as *const ()),
    Export::raw("ntoskrnl.exe", "RtlRaiseStatus", ex_raise_status as *const ()),
    Export::raw("ntoskrnl.exe", "RtlRaiseException", rtl_raise_exception as *const ()),
];

raising! {
    /// Raises the status in the first argument.
    fn ex_raise_status -> raise_status
}
raising! {
    fn ex_raise_access_violation -> raise_access_violation
}
raising! {
    fn ex_raise_datatype_misalignment -> raise_datatype_misalignment
}
raising! {
    /// Raises the exception whose record is the first argument.
    fn rtl_raise_exception -> raise_record
}

unsafe extern "win64" fn raise_status(exception: *mut Exception, status: u32, _: u64) -> ! {
    // SAFETY: `raising!` passes the exception that it has made on the stack.
    unsafe { raise(exception, "ExRaiseStatus", status, None) }
}

unsafe extern "win64" fn raise_access_violation(exception: *mut Exception, _: u64, _: u64) -> ! {
    // SAFETY: as above.
    unsafe { raise(exception, "ExRaiseAccessViolation", ACCESS_VIOLATION, None) }
}

unsafe extern "win64" fn raise_datatype_misalignment(exception: *mut Exception, _: u64, _: u64) -> ! {
    // SAFETY: as above.
    unsafe { raise(exception, "ExRaiseDatatypeMisalignment", DATATYPE_MISALIGNMENT, None) }
}

unsafe extern "win64" fn raise_record(
    exception: *mut Exception,
    record: *const ExceptionRecord,
    _: u64,
) -> ! {
    // SAFETY: as above; the driver passes a record.
    unsafe { raise(exception, "RtlRaiseException", (*record).code, Some(*record)) }
}

/// # Safety
/// `exception` lies on this thread's stack, with the registers of the driver's function that raises.
unsafe fn raise(exception: *mut Exception, name: &str, code: u32, record: Option<ExceptionRecord>) -> ! {
    // SAFETY: the caller's promise; the parts that assembly does not write are written before they are read.
    unsafe {
        let raised = &raw mut *exception;
        let address = (*raised).context.unwind().rip;
        (*raised).record = match record {
            Some(given) => given.at(address),
            None => ExceptionRecord::new(code, NONCONTINUABLE, address, &[]),
        };
        (&raw mut (*raised).fault).write(None);
        if verifier::enabled() && cpu::irql() > APC {
            let context = (*raised).context.unwind();
            let frame = Frame {
                meta: None,
                caller: address,
                stack: stack_pointer(&(*raised).context) - 8,
                frame: context.registers[5],
            };
            cpu::push_call(frame);
            verifier::violation("L-1", &format!("{name} called at IRQL {}, allowed are 0 to 1", cpu::irql()));
        }
        dispatch::deliver(exception)
    }
}

/// Declares functions of at most four arguments that raise the status that their body returns.
///
/// The body runs in an ordinary call; when it has returned, the assembly entry jumps into the raise with the
/// stack as the driver left it, so that no function of the lab lies between the driver and its handler.
macro_rules! raising_exports {
    ($(#[$table_meta:meta])* static $table:ident; $(
        $(#[$meta:meta])*
        irql($irql:expr) fn $name:ident($($arg:ident: $ty:ty),*) -> Result<(), u32> $body:block
    )*) => {
        $(#[$table_meta])*
        pub(super) static $table: &[Export] = &[$({
            static META: Meta =
                Meta { dll: "ntoskrnl.exe", name: stringify!($name), irql: $irql, rule: "L-1" };
            fn body($($arg: $ty),*) -> Result<(), u32> $body
            unsafe extern "win64" fn checked($($arg: $ty),*) -> u32 {
                let _call = Call::enter(&META);
                body($($arg),*).err().unwrap_or(0)
            }
            unsafe extern "win64" fn bare($($arg: $ty),*) -> u32 {
                body($($arg),*).err().unwrap_or(0)
            }
            raising_exports!(@entry entry_checked checked);
            raising_exports!(@entry entry_bare bare);
            const _: ddk::nt::ntddk::sig::$name = {
                // The types have to be the declared ones; the entry itself returns nothing.
                unsafe extern "win64" fn typed($(_: $ty),*) {}
                typed
            };
            Export {
                dll: META.dll,
                name: META.name,
                checked: crate::export::Address::new(entry_checked as *const ()),
                bare: crate::export::Address::new(entry_bare as *const ()),
            }
        }),*];
    };
    (@entry $entry:ident $body:ident) => {
        #[unsafe(naked)]
        unsafe extern "win64" fn $entry() {
            core::arch::naked_asm!(
                "mov rax, [rsp]",
                "mov gs:[{caller}], rax",
                "mov gs:[{stack}], rsp",
                "mov gs:[{frame}], rbp",
                "sub rsp, 40",
                "call {body}",
                "add rsp, 40",
                "test eax, eax",
                "jnz 2f",
                "ret",
                "2: mov ecx, eax",
                "jmp {raise}",
                caller = const cpu::GS_CALLER,
                stack = const cpu::GS_CALLER_STACK,
                frame = const cpu::GS_CALLER_FRAME,
                body = sym $body,
                raise = sym ex_raise_status,
            )
        }
    };
}

raising_exports! {
    /// Functions that raise when their check fails.
    static CHECKED;

    /// Raises unless a buffer of user mode can be read as far as its address tells.
    irql(0..=APC) fn ProbeForRead(address: *mut c_void, length: u64, alignment: u32) -> Result<(), u32> {
        if length == 0 {
            return Ok(());
        }
        aligned(address as usize, alignment)?;
        // The range is checked, not the memory: the driver's reads may still fault.
        user_range(address as usize, length).map(|_| ())
    }

    /// Raises unless a buffer of user mode can be written.
    irql(0..=APC) fn ProbeForWrite(address: *mut c_void, length: u64, alignment: u32) -> Result<(), u32> {
        if length == 0 {
            return Ok(());
        }
        aligned(address as usize, alignment)?;
        probe(address as usize, length as usize, Access::Write)
    }
}

/// What a buffer of user mode is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// The driver reads it.
    Read,
    /// The driver writes it.
    Write,
}

/// Checks that a buffer is user mode's and that every page of it can be accessed; the error is the exception's
/// code.
pub(crate) fn probe(address: usize, length: usize, access: Access) -> Result<(), u32> {
    let last = user_range(address, length as u64)?;
    let mut pages = (address & !4095..=last).step_by(4096);
    let good = pages.all(|page| accessible(page.max(address), access));
    if good { Ok(()) } else { Err(ACCESS_VIOLATION) }
}

fn aligned(address: usize, alignment: u32) -> Result<(), u32> {
    if !alignment.is_power_of_two() || alignment > 16 {
        verifier::violation("L-2", &format!("an alignment of {alignment} is none of 1, 2, 4, 8 and 16"));
    }
    if address.is_multiple_of(alignment as usize) { Ok(()) } else { Err(DATATYPE_MISALIGNMENT) }
}

/// The last address of a range, if all of it can belong to user mode.
fn user_range(address: usize, length: u64) -> Result<usize, u32> {
    const PROBE_LIMIT: usize = 0x7fff_ffff_0000;
    let last = address.checked_add(length as usize - 1).ok_or(ACCESS_VIOLATION)?;
    if last >= PROBE_LIMIT || is_kernel(address) || is_kernel(last) {
        return Err(ACCESS_VIOLATION);
    }
    Ok(last)
}

/// Whether an address belongs to what is kernel memory in Windows. The lab's kernel shares its address space
/// with user mode, so it goes by what the lab has placed there.
pub(crate) fn is_kernel(address: usize) -> bool {
    address >> 47 != 0
        || handle::contains(address)
        || pe::find(address).is_some()
        || pe::on_stack(address)
        || pool::lookup(address).is_some()
        || crate::ndis::owner::describe(address).is_some()
}

/// Whether the byte at an address can be accessed, without a fault if not.
fn accessible(address: usize, access: Access) -> bool {
    let mut byte = 0u8;
    let local = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let remote = libc::iovec { iov_base: address as *mut c_void, iov_len: 1 };
    // SAFETY: asks the kernel to copy one byte there and back; what cannot be accessed is an error.
    unsafe {
        let me = libc::getpid();
        libc::process_vm_readv(me, &local, 1, &remote, 1, 0) == 1
            && (access == Access::Read || libc::process_vm_writev(me, &local, 1, &remote, 1, 0) == 1)
    }
}
