//! Faults: emulates the privileged instructions that drivers use, hands exceptions of drivers to their
//! handlers, and turns everything else into a report.

use std::cell::Cell;
use std::sync::Once;

use crate::bugcheck::BugCheck;
use crate::cpu;
use crate::ntoskrnl::memory;
use crate::seh::{self, ContextRecord, Exception, ExceptionRecord, Fault};
use crate::unwind::{self, Context};
use crate::verifier::{self, Finding};
use crate::{bugcheck, handle, pe, pool, symbols};

const ALTERNATE_STACK: usize = 1 << 18;
const GENERAL_PROTECTION: i64 = 13;
const PAGE_FAULT: i64 = 14;
const ERROR_WRITE: i64 = 2;
const ERROR_FETCH: i64 = 16;

/// Registers in the numbering of instructions, as indices of a signal context.
const REGISTERS: [libc::c_int; 16] = [
    libc::REG_RAX,
    libc::REG_RCX,
    libc::REG_RDX,
    libc::REG_RBX,
    libc::REG_RSP,
    libc::REG_RBP,
    libc::REG_RSI,
    libc::REG_RDI,
    libc::REG_R8,
    libc::REG_R9,
    libc::REG_R10,
    libc::REG_R11,
    libc::REG_R12,
    libc::REG_R13,
    libc::REG_R14,
    libc::REG_R15,
];

thread_local! {
    static STACK: Cell<bool> = const { Cell::new(false) };
}

/// Installs the handlers for the process, and the stack that they run on for the current thread.
pub(crate) fn init() {
    static HANDLERS: Once = Once::new();
    HANDLERS.call_once(|| {
        for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGTRAP] {
            // SAFETY: installs a handler with the signature that SA_SIGINFO asks for.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = handler as *const () as usize;
                action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
                libc::sigaction(signal, &action, std::ptr::null_mut());
            }
        }
    });
    if STACK.replace(true) {
        return;
    }
    // SAFETY: a fresh mapping that the thread keeps for its life.
    unsafe {
        let stack = libc::mmap(
            std::ptr::null_mut(),
            ALTERNATE_STACK,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        assert_ne!(stack, libc::MAP_FAILED, "no memory for a signal stack");
        let stack = libc::stack_t { ss_sp: stack, ss_flags: 0, ss_size: ALTERNATE_STACK };
        libc::sigaltstack(&stack, std::ptr::null_mut());
    }
}

unsafe extern "C" fn handler(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a ucontext to handlers with SA_SIGINFO.
    let registers = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    if signal == libc::SIGSEGV
        && registers[libc::REG_TRAPNO as usize] == GENERAL_PROTECTION
        && emulate(registers)
    {
        return;
    }
    if signal == libc::SIGTRAP && measured(registers) {
        return;
    }
    // SAFETY: as above.
    let (registers, address) =
        unsafe { (&mut *context.cast::<libc::ucontext_t>(), (*info).si_addr() as usize) };
    if deliver(signal, address, registers) {
        return;
    }
    report(signal, address, &registers.uc_mcontext.gregs);
}

/// Lets the thread go on at a breakpoint that a measurement put into a driver.
fn measured(registers: &mut [i64; 23]) -> bool {
    let place = registers[libc::REG_RIP as usize] - 1;
    let found = pe::find(place as usize).is_some_and(|image| image.is_measured(place as usize));
    if found {
        registers[libc::REG_RIP as usize] = place;
    }
    found
}

/// Makes the thread, once the signal handler returns, look for the driver's exception handler: if the fault is
/// in driver code and of a kind that Windows hands to handlers.
fn deliver(signal: libc::c_int, address: usize, thread: &mut libc::ucontext_t) -> bool {
    const GAP: usize = 256;
    /// What the search itself needs of the stack.
    const MARGIN: usize = 1 << 16;

    let registers = &mut thread.uc_mcontext.gregs;
    let context = context_of(registers);
    let stack = context.registers[unwind::RSP];
    if cpu::in_fault() || !pe::on_stack(stack) || !pe::on_stack(stack.wrapping_sub(MARGIN)) {
        return false;
    }
    let driver = |rip| pe::find(rip).is_some();
    // SAFETY: the top of the stack is on this thread's stack, as was just checked.
    let caller = || unsafe { (stack as *const usize).read_unaligned() };
    let to_nowhere = context.rip == address && registers[libc::REG_ERR as usize] & ERROR_FETCH != 0;
    if !driver(context.rip) && !((memory::contains(context.rip) || to_nowhere) && driver(caller())) {
        return false;
    }
    let Some(record) = exception(signal, address, registers) else { return false };
    let fault = Fault { signal, address, registers: *registers };
    let mut context = unwind::Context { rip: record.address, ..context };
    // SAFETY: the kernel saves the vector registers with every signal; the pointer is valid in the handler.
    if let Some(saved) = unsafe { thread.uc_mcontext.fpregs.as_ref() } {
        for (to, from) in context.xmm.iter_mut().zip(saved._xmm.iter()) {
            let [a, b, c, d] = from.element.map(u128::from);
            *to = a | b << 32 | c << 64 | d << 96;
        }
    }
    let exception = Exception {
        context: ContextRecord::new(&context, registers[libc::REG_EFL as usize] as u32),
        record,
        fault: Some(fault),
    };
    let place = (stack - GAP - size_of::<Exception>()) & !63;
    // SAFETY: below the stack pointer of the interrupted function, on its stack, where nothing lives in driver
    // code; aligned.
    unsafe { (place as *mut Exception).write(exception) };
    // As if `deliver` was called with the exception, from nowhere.
    registers[libc::REG_RCX as usize] = place as i64;
    registers[libc::REG_RSP as usize] = place as i64 - 40;
    registers[libc::REG_RIP as usize] = seh::deliver as *const () as i64;
    true
}

/// The exception that a fault is, if Windows would look for a handler: a fault on a kernel address, or at
/// DISPATCH_LEVEL, ends the system instead.
fn exception(signal: libc::c_int, address: usize, registers: &[i64; 23]) -> Option<ExceptionRecord> {
    const READ: usize = 0;
    const WRITE: usize = 1;
    const EXECUTE: usize = 8;

    let rip = registers[libc::REG_RIP as usize] as usize;
    let plain = |code, at| Some(ExceptionRecord::new(code, 0, at, &[]));
    match signal {
        libc::SIGTRAP => return plain(seh::BREAKPOINT, rip - 1),
        libc::SIGFPE => return plain(seh::DIVIDE_BY_ZERO, rip),
        libc::SIGILL => return plain(seh::ILLEGAL_INSTRUCTION, rip),
        _ => {}
    }
    let error = registers[libc::REG_ERR as usize];
    if registers[libc::REG_TRAPNO as usize] == GENERAL_PROTECTION {
        let code = pe::find(rip).and_then(|image| image.bytes::<2>((rip - image.base) as u32));
        return match code {
            Some([0xcd, 0x29]) => None,
            Some([0xcd, 0x2c]) => plain(seh::ASSERTION_FAILURE, rip),
            Some([0xfa | 0xfb | 0xf4, _] | [0x0f, 0x01 | 0x09 | 0x20 | 0x22 | 0x30 | 0x32]) => {
                plain(seh::PRIVILEGED_INSTRUCTION, rip)
            }
            // A non-canonical address, which the processor does not tell.
            _ => Some(ExceptionRecord::new(seh::ACCESS_VIOLATION, 0, rip, &[READ, usize::MAX])),
        };
    }
    if cpu::irql() >= cpu::DISPATCH || seh::is_kernel(address) {
        return None;
    }
    let action = match error {
        _ if error & ERROR_FETCH != 0 => EXECUTE,
        _ if error & ERROR_WRITE != 0 => WRITE,
        _ => READ,
    };
    Some(ExceptionRecord::new(seh::ACCESS_VIOLATION, 0, rip, &[action, address]))
}

fn context_of(registers: &[i64; 23]) -> Context {
    let get = |register: libc::c_int| registers[register as usize] as usize;
    Context { rip: get(libc::REG_RIP), registers: REGISTERS.map(get), xmm: [0; 16] }
}

/// Reports a fault that nobody handles, and ends the machine.
pub(crate) fn report(signal: libc::c_int, address: usize, registers: &[i64; 23]) -> ! {
    if cpu::enter_fault() {
        // The report itself faulted.
        // SAFETY: ends the process.
        unsafe { libc::_exit(verifier::EXIT_HARNESS) }
    }
    let mut context = context_of(registers);
    let stack_pointer = context.registers[unwind::RSP];
    let to_nowhere = context.rip == address && registers[libc::REG_ERR as usize] & ERROR_FETCH != 0;
    if (memory::contains(context.rip) || to_nowhere) && pe::on_stack(stack_pointer) {
        // The memory functions have no frame, and a jump to nowhere made none: the caller is on top of the
        // stack.
        // SAFETY: on this thread's stack, just checked.
        let caller = unsafe { (stack_pointer as *const usize).read() };
        if pe::find(caller).is_some() {
            context = Context::new(caller - 1, stack_pointer + 8, context.registers[5]);
        }
    }
    let (rule, code, text) = classify(signal, address, registers);
    let in_driver = pe::find(context.rip).is_some();
    let from_driver = cpu::current_call().is_some_and(|call| pe::find(call.caller).is_some());
    let text = format!("bug check {code:#x} ({}): {text}", bugcheck::name(code));
    let mut finding = Finding::here(&rule, &text);
    finding.bug_check = Some(BugCheck::new(code));
    if in_driver {
        finding.export = None;
        finding.caller = symbols::describe(context.rip);
        let frames = unwind::trace(context, pe::on_stack);
        finding.stack = frames
            .iter()
            .enumerate()
            .filter_map(
                |(i, rip)| if i == 0 { symbols::describe(*rip) } else { symbols::describe_call(*rip) },
            )
            .collect();
    } else if !from_driver && !rule.starts_with("G-") {
        finding.caller.get_or_insert_with(|| format!("host code at {:#x}", context.rip));
        verifier::stop(verifier::EXIT_HARNESS, finding);
    }
    verifier::stop(bugcheck::EXIT, finding)
}

/// Emulates the privileged instruction at which the thread stopped, if it is one that a driver may use.
fn emulate(registers: &mut [i64; 23]) -> bool {
    let rip = registers[libc::REG_RIP as usize] as usize;
    let Some(image) = pe::find(rip) else { return false };
    let Some(code) = image.bytes::<8>((rip - image.base) as u32) else { return false };
    let mut at = 0;
    let mut high = 0;
    if code[at] == 0xf0 {
        // The lock prefix selects cr8 on old processors.
        at += 1;
        high = 8;
    }
    let mut rex = 0;
    if code[at] & 0xf0 == 0x40 {
        rex = code[at];
        at += 1;
    }
    if code[at] != 0x0f || !(code[at + 1] == 0x20 || code[at + 1] == 0x22) {
        return false;
    }
    let modrm = code[at + 2];
    let control = (modrm >> 3 & 7) | high | if rex & 4 != 0 { 8 } else { 0 };
    let general = usize::from(modrm & 7 | if rex & 1 != 0 { 8 } else { 0 });
    if control != 8 {
        return false;
    }
    let slot = REGISTERS[general] as usize;
    if code[at + 1] == 0x20 {
        registers[slot] = i64::from(cpu::irql());
    } else {
        let new = registers[slot] as u8 & 15;
        if new > cpu::irql() {
            cpu::raise(new);
        } else {
            cpu::lower(new);
        }
    }
    registers[libc::REG_RIP as usize] += at as i64 + 3;
    true
}

/// The rule that a fault breaks or the name of its bug check, the bug check's code, and the text.
fn classify(signal: libc::c_int, address: usize, registers: &[i64; 23]) -> (String, u32, String) {
    let rip = registers[libc::REG_RIP as usize] as usize;
    let trap = registers[libc::REG_TRAPNO as usize];
    let error = registers[libc::REG_ERR as usize];
    let irql = cpu::irql();
    let check = |code: u32, text: String| (format!("BUGCHECK-{code:#X}"), code, text);
    let coded = |rule: &str, code: u32, text: String| (rule.to_owned(), code, text);
    match signal {
        libc::SIGTRAP => return check(0x7e, "breakpoint instruction, exception 0x80000003".into()),
        libc::SIGFPE => return check(0x7e, "division error, exception 0xc0000094".into()),
        libc::SIGILL => return check(0x7e, "illegal instruction, exception 0xc000001d".into()),
        _ => {}
    }
    if trap == GENERAL_PROTECTION {
        if let Some(image) = pe::find(rip)
            && let Some([0xcd, 0x29]) = image.bytes::<2>((rip - image.base) as u32)
        {
            let code = registers[libc::REG_RCX as usize] as u32;
            return check(0x139, format!("fast fail with code {code}"));
        }
        return check(0x7e, "privileged instruction or non-canonical address, exception 0xc0000096".into());
    }
    let action = match error {
        _ if trap != PAGE_FAULT => "access to",
        error if error & ERROR_FETCH != 0 => "execution of",
        error if error & ERROR_WRITE != 0 => "write to",
        _ => "read of",
    };
    let place = format!("{action} {address:#x} at IRQL {irql}");
    if handle::contains(address) {
        let what = handle::describe(address as *const _);
        return coded("G-34", 0x50, format!("{place}: inside the handle space ({what}); handles are opaque"));
    }
    if let Some(block) = pool::lookup(address) {
        let code = if block.freed_at.is_some() { 0xcc } else { 0xcd };
        return coded("G-4", code, format!("{place}: {}", pool::describe(address)));
    }
    if let Some(text) = crate::ndis::owner::describe(address) {
        return coded("N-45", 0xd1, format!("{place}: {text}"));
    }
    if let Some(image) = pe::find(address) {
        let section = image.section(address).unwrap_or("headers");
        return match (image.is_unloaded(), error & ERROR_WRITE != 0) {
            (true, _) => coded("G-42", 0xce, format!("{place}: in the unloaded image {}", image.name)),
            (_, true) => check(0xbe, format!("{place}: in {} section {section}", image.name)),
            _ => check(0x50, format!("{place}: in {} section {section}", image.name)),
        };
    }
    let (low, _) = if cpu::ready() { cpu::thread().stack } else { (0, 0) };
    if (low.saturating_sub(1 << 20)..low + 4096).contains(&address) {
        return coded("G-26", 0x7f, format!("{place}: the kernel stack is used up"));
    }
    let code = match address >> 47 {
        _ if irql >= cpu::DISPATCH => 0xd1,
        0 => 0x7e,
        // The kernel's half of the address space.
        _ => 0x50,
    };
    check(code, place)
}
