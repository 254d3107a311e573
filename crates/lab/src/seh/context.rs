//! Exception records and processor contexts in the layout that filters see, and their way from and to the
//! processor's registers.

use std::mem::offset_of;

use crate::unwind::{self, RSP};

/// CONTEXT of x64 processors.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(crate) struct ContextRecord {
    home: [u64; 6],
    flags: u32,
    mxcsr: u32,
    segments: [u16; 6],
    pub(super) eflags: u32,
    debug: [u64; 6],
    /// In the numbering of unwind codes.
    pub(super) registers: [usize; 16],
    pub(super) rip: usize,
    legacy: [u128; 10],
    pub(super) xmm: [u128; 16],
    rest: [u8; 0x4d0 - 0x2a0],
}

const _: () = assert!(
    offset_of!(ContextRecord, registers) == 0x78
        && offset_of!(ContextRecord, rip) == 0xf8
        && offset_of!(ContextRecord, xmm) == 0x1a0
        && size_of::<ContextRecord>() == 0x4d0
);

impl ContextRecord {
    /// CONTEXT_AMD64 with control, integer and floating point registers.
    const FULL: u32 = 0x10_000b;

    pub(crate) fn new(context: &unwind::Context, eflags: u32) -> Self {
        Self {
            home: [0; 6],
            flags: Self::FULL,
            mxcsr: 0x1f80,
            segments: [0x10, 0x2b, 0x2b, 0x53, 0x2b, 0x18],
            eflags,
            debug: [0; 6],
            registers: context.registers,
            rip: context.rip,
            legacy: [0; 10],
            xmm: context.xmm,
            rest: [0; _],
        }
    }

    pub(super) fn unwind(&self) -> unwind::Context {
        unwind::Context { rip: self.rip, registers: self.registers, xmm: self.xmm }
    }
}

/// EXCEPTION_RECORD.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct ExceptionRecord {
    pub(crate) code: u32,
    pub(crate) flags: u32,
    nested: *mut ExceptionRecord,
    pub(crate) address: usize,
    count: u32,
    information: [usize; 15],
}

const _: () = assert!(size_of::<ExceptionRecord>() == 0x98);

/// The exception cannot be continued.
pub(super) const NONCONTINUABLE: u32 = 1;
/// The second pass is running.
pub(super) const UNWINDING: u32 = 2;
/// The second pass has reached the frame whose handler takes over.
pub(super) const TARGET_UNWIND: u32 = 0x20;

impl ExceptionRecord {
    pub(crate) fn new(code: u32, flags: u32, address: usize, information: &[usize]) -> Self {
        let mut all = [0; 15];
        for (to, from) in all.iter_mut().zip(information) {
            *to = *from;
        }
        let count = information.len().min(15) as u32;
        Self { code, flags, nested: std::ptr::null_mut(), address, count, information: all }
    }

    /// The same exception, raised at `address`.
    pub(super) fn at(self, address: usize) -> Self {
        Self { address, ..self }
    }
}

/// The signal behind an exception, for the report if nobody handles it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) signal: libc::c_int,
    pub(crate) address: usize,
    pub(crate) registers: [i64; 23],
}

/// An exception on its way.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Exception {
    pub(crate) context: ContextRecord,
    pub(crate) record: ExceptionRecord,
    pub(crate) fault: Option<Fault>,
}

const REGISTERS: usize = offset_of!(Exception, context) + offset_of!(ContextRecord, registers);
const RIP: usize = offset_of!(Exception, context) + offset_of!(ContextRecord, rip);
const EFLAGS: usize = offset_of!(Exception, context) + offset_of!(ContextRecord, eflags);
const XMM: usize = offset_of!(Exception, context) + offset_of!(ContextRecord, xmm);
/// Room for an exception on the stack, behind 32 bytes of shadow space.
const ROOM: usize = size_of::<Exception>().next_multiple_of(16) + 32;

/// Starts an exception in the caller of whoever jumps here: its registers at the return of the call become
/// the context. The body gets the exception, of which only the registers are filled in, and the first two
/// arguments of the call.
macro_rules! raising {
    ($(#[$meta:meta])* $vis:vis fn $name:ident -> $body:path) => {
        $(#[$meta])*
        #[unsafe(naked)]
        $vis unsafe extern "win64" fn $name() {
            core::arch::naked_asm!(
                "pushfq",
                "sub rsp, {room}",
                "mov [rsp + 32 + {registers}], rax",
                "mov [rsp + 32 + {registers} + 8], rcx",
                "mov [rsp + 32 + {registers} + 16], rdx",
                "mov [rsp + 32 + {registers} + 24], rbx",
                "lea rax, [rsp + {room} + 16]",
                "mov [rsp + 32 + {registers} + 32], rax",
                "mov [rsp + 32 + {registers} + 40], rbp",
                "mov [rsp + 32 + {registers} + 48], rsi",
                "mov [rsp + 32 + {registers} + 56], rdi",
                "mov [rsp + 32 + {registers} + 64], r8",
                "mov [rsp + 32 + {registers} + 72], r9",
                "mov [rsp + 32 + {registers} + 80], r10",
                "mov [rsp + 32 + {registers} + 88], r11",
                "mov [rsp + 32 + {registers} + 96], r12",
                "mov [rsp + 32 + {registers} + 104], r13",
                "mov [rsp + 32 + {registers} + 112], r14",
                "mov [rsp + 32 + {registers} + 120], r15",
                "mov rax, [rsp + {room}]",
                "mov [rsp + 32 + {eflags}], eax",
                "mov rax, [rsp + {room} + 8]",
                "mov [rsp + 32 + {rip}], rax",
                "movaps [rsp + 32 + {xmm}], xmm0",
                "movaps [rsp + 32 + {xmm} + 16], xmm1",
                "movaps [rsp + 32 + {xmm} + 32], xmm2",
                "movaps [rsp + 32 + {xmm} + 48], xmm3",
                "movaps [rsp + 32 + {xmm} + 64], xmm4",
                "movaps [rsp + 32 + {xmm} + 80], xmm5",
                "movaps [rsp + 32 + {xmm} + 96], xmm6",
                "movaps [rsp + 32 + {xmm} + 112], xmm7",
                "movaps [rsp + 32 + {xmm} + 128], xmm8",
                "movaps [rsp + 32 + {xmm} + 144], xmm9",
                "movaps [rsp + 32 + {xmm} + 160], xmm10",
                "movaps [rsp + 32 + {xmm} + 176], xmm11",
                "movaps [rsp + 32 + {xmm} + 192], xmm12",
                "movaps [rsp + 32 + {xmm} + 208], xmm13",
                "movaps [rsp + 32 + {xmm} + 224], xmm14",
                "movaps [rsp + 32 + {xmm} + 240], xmm15",
                "mov r8, rdx",
                "mov rdx, rcx",
                "lea rcx, [rsp + 32]",
                "call {body}",
                "ud2",
                room = const $crate::seh::context::raising_layout().0,
                registers = const $crate::seh::context::raising_layout().1,
                rip = const $crate::seh::context::raising_layout().2,
                eflags = const $crate::seh::context::raising_layout().3,
                xmm = const $crate::seh::context::raising_layout().4,
                body = sym $body,
            )
        }
    };
}
pub(super) use raising;

/// What [`raising!`] needs to know: the room, and where registers, rip, flags and vector registers go.
pub(super) const fn raising_layout() -> (usize, usize, usize, usize, usize) {
    (ROOM, REGISTERS, RIP, EFLAGS, XMM)
}

/// Goes on with the thread as `context` says.
///
/// # Safety
/// The context describes a point in driver code on this thread's stack, above `context` itself, and nothing
/// between here and there needs to be cleaned up.
#[unsafe(naked)]
pub(super) unsafe extern "win64" fn restore(context: *const ContextRecord) -> ! {
    core::arch::naked_asm!(
        // The last three values are popped from just below the new stack pointer.
        "mov rdx, [rcx + {registers} + 32]",
        "sub rdx, 24",
        "mov rax, [rcx + {registers} + 8]",
        "mov [rdx], rax",
        "mov eax, [rcx + {eflags}]",
        "mov [rdx + 8], rax",
        "mov rax, [rcx + {rip}]",
        "mov [rdx + 16], rax",
        "movaps xmm0, [rcx + {xmm}]",
        "movaps xmm1, [rcx + {xmm} + 16]",
        "movaps xmm2, [rcx + {xmm} + 32]",
        "movaps xmm3, [rcx + {xmm} + 48]",
        "movaps xmm4, [rcx + {xmm} + 64]",
        "movaps xmm5, [rcx + {xmm} + 80]",
        "movaps xmm6, [rcx + {xmm} + 96]",
        "movaps xmm7, [rcx + {xmm} + 112]",
        "movaps xmm8, [rcx + {xmm} + 128]",
        "movaps xmm9, [rcx + {xmm} + 144]",
        "movaps xmm10, [rcx + {xmm} + 160]",
        "movaps xmm11, [rcx + {xmm} + 176]",
        "movaps xmm12, [rcx + {xmm} + 192]",
        "movaps xmm13, [rcx + {xmm} + 208]",
        "movaps xmm14, [rcx + {xmm} + 224]",
        "movaps xmm15, [rcx + {xmm} + 240]",
        "mov rax, [rcx + {registers}]",
        "mov rbx, [rcx + {registers} + 24]",
        "mov rbp, [rcx + {registers} + 40]",
        "mov rsi, [rcx + {registers} + 48]",
        "mov rdi, [rcx + {registers} + 56]",
        "mov r8, [rcx + {registers} + 64]",
        "mov r9, [rcx + {registers} + 72]",
        "mov r10, [rcx + {registers} + 80]",
        "mov r11, [rcx + {registers} + 88]",
        "mov r12, [rcx + {registers} + 96]",
        "mov r13, [rcx + {registers} + 104]",
        "mov r14, [rcx + {registers} + 112]",
        "mov r15, [rcx + {registers} + 120]",
        "xchg rsp, rdx",
        "mov rdx, [rcx + {registers} + 16]",
        "pop rcx",
        "popfq",
        "ret",
        registers = const offset_of!(ContextRecord, registers),
        rip = const offset_of!(ContextRecord, rip),
        eflags = const offset_of!(ContextRecord, eflags),
        xmm = const offset_of!(ContextRecord, xmm),
    )
}

/// Where the stack pointer stands in `context`.
pub(super) fn stack_pointer(context: &ContextRecord) -> usize {
    context.registers[RSP]
}
