//! The two passes over a driver's stack: the search for a handler, and the way to it.

use crate::cpu;
use crate::export::Export;
use crate::ntoskrnl::memory;
use crate::unwind::{self, Handler};
use crate::verifier::{self, Finding};
use crate::{bugcheck, pe, symbols, trap};

use super::context::{
    ContextRecord, Exception, ExceptionRecord, NONCONTINUABLE, TARGET_UNWIND, UNWINDING, restore,
};

/// DISPATCHER_CONTEXT.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Dispatcher {
    control: usize,
    image: usize,
    entry: usize,
    establisher: usize,
    target: usize,
    context: *mut ContextRecord,
    handler: usize,
    data: usize,
    history: usize,
    scope: u32,
    fill: u32,
}

/// EXCEPTION_POINTERS.
#[repr(C)]
struct Pointers {
    record: *mut ExceptionRecord,
    context: *mut ContextRecord,
}

/// ExceptionContinueExecution: go on where the exception happened.
const CONTINUE_EXECUTION: i32 = 0;
/// ExceptionContinueSearch: ask the next function.
const CONTINUE_SEARCH: i32 = 1;
/// The lab's own answer of `__C_specific_handler`: a filter wants its block to run. The target is in the
/// dispatcher's context then.
const EXECUTE: i32 = 0x4c41_4258;

type Routine =
    unsafe extern "win64" fn(*mut ExceptionRecord, usize, *mut ContextRecord, *mut Dispatcher) -> i32;
type Filter = unsafe extern "win64" fn(*const Pointers, usize) -> i32;
type Termination = unsafe extern "win64" fn(u8, usize);

/// The function that a driver's unwind data names for C's `__try`.
pub(super) static HANDLER: Export =
    Export::raw("ntoskrnl.exe", "__C_specific_handler", c_specific_handler as *const ());

/// Where the search ends.
enum End {
    Resume,
    Execute { frame: usize, target: usize },
    Unhandled,
}

/// Delivers an exception and goes on where its handler says; a machine without one stops.
///
/// # Safety
/// The exception lies on this thread's stack below the frame that its context describes, and that frame is a
/// driver's.
pub(crate) unsafe extern "win64" fn deliver(exception: *mut Exception) -> ! {
    // SAFETY: the caller's promise; nobody else knows of the exception.
    let exception = unsafe { &mut *exception };
    match search(exception) {
        // SAFETY: the context is the one of the exception, as a filter may have changed it.
        End::Resume if exception.record.flags & NONCONTINUABLE == 0 => unsafe { restore(&exception.context) },
        End::Resume => stop(exception, "its filter continues an exception that cannot be continued"),
        End::Execute { frame, target } => leave(exception, frame, target),
        End::Unhandled => stop(exception, "nobody handles it"),
    }
}

/// The start of a walk: a call to nowhere counts as a leaf function.
fn start(exception: &Exception) -> unwind::Context {
    let mut context = exception.context.unwind();
    if pe::find(context.rip).is_none() && !memory::contains(context.rip) && pe::on_stack(context.registers[4])
    {
        // SAFETY: on this thread's stack, just checked.
        context.rip = unsafe { (context.registers[4] as *const usize).read_unaligned() };
        context.registers[4] += 8;
    }
    context
}

fn search(exception: &mut Exception) -> End {
    let mut context = start(exception);
    while let Some((caller, frame)) = unwind::step_frame(&context, &pe::on_stack) {
        if let Some(frame) = frame
            && let Some(handler) = frame.handler.filter(|handler| handler.exceptions)
        {
            let mut dispatcher = dispatcher(&context, &frame, handler, 0, &raw mut exception.context);
            let answer = call(handler, &mut exception.record, &raw mut exception.context, &mut dispatcher);
            match answer {
                CONTINUE_EXECUTION => return End::Resume,
                CONTINUE_SEARCH => {}
                EXECUTE => return End::Execute { frame: frame.establisher, target: dispatcher.target },
                _ => return End::Unhandled,
            }
        }
        context = caller;
    }
    End::Unhandled
}

/// Leaves every function inside the one with `frame`, and goes on at `target` there.
fn leave(exception: &mut Exception, frame: usize, target: usize) -> ! {
    let eflags = exception.context.eflags;
    let mut context = start(exception);
    exception.record.flags |= UNWINDING;
    while let Some((caller, current)) = unwind::step_frame(&context, &pe::on_stack) {
        if let Some(current) = current {
            let here = current.establisher == frame;
            if here {
                exception.record.flags |= TARGET_UNWIND;
            }
            let mut now = ContextRecord::new(&context, eflags);
            if let Some(handler) = current.handler.filter(|handler| handler.unwinding) {
                let mut dispatcher = dispatcher(&context, &current, handler, target, &raw mut now);
                let answer = call(handler, &mut exception.record, &raw mut now, &mut dispatcher);
                if answer != CONTINUE_SEARCH {
                    stop(exception, "a handler on the way gives an answer that means nothing");
                }
            }
            if here {
                now.rip = target;
                now.registers[0] = exception.record.code as usize;
                // SAFETY: the function's own registers, at a place in it that its scope table names.
                unsafe { restore(&now) };
            }
        }
        context = caller;
    }
    stop(exception, "the function that handles it is not on the stack any more")
}

fn dispatcher(
    context: &unwind::Context,
    frame: &unwind::Frame,
    handler: Handler,
    target: usize,
    record: *mut ContextRecord,
) -> Dispatcher {
    Dispatcher {
        control: context.rip,
        image: pe::find(context.rip).map_or(0, |image| image.base),
        entry: frame.entry,
        establisher: frame.establisher,
        target,
        context: record,
        handler: handler.routine,
        data: handler.data,
        history: 0,
        scope: 0,
        fill: 0,
    }
}

fn call(
    handler: Handler,
    record: &mut ExceptionRecord,
    context: *mut ContextRecord,
    dispatcher: &mut Dispatcher,
) -> i32 {
    // SAFETY: the image's unwind data names a routine of this type.
    let routine: Routine = unsafe { std::mem::transmute(handler.routine) };
    // SAFETY: the arguments are what such a routine gets, and live until it returns.
    unsafe { routine(record, dispatcher.establisher, context, dispatcher) }
}

/// Reports an exception that ends the machine.
fn stop(exception: &Exception, why: &str) -> ! {
    if let Some(fault) = exception.fault {
        trap::report(fault.signal, fault.address, &fault.registers);
    }
    let context = exception.context.unwind();
    let (code, irql) = (exception.record.code, cpu::irql());
    let text =
        format!("bug check 0x7e ({}): exception {code:#x} at IRQL {irql}: {why}", bugcheck::name(0x7e));
    let mut finding = Finding::here("BUGCHECK-0x7E", &text);
    finding.export = None;
    finding.caller = symbols::describe_call(context.rip);
    finding.stack =
        unwind::trace(context, pe::on_stack).into_iter().filter_map(symbols::describe_call).collect();
    verifier::stop(bugcheck::EXIT, finding)
}

/// One entry of a scope table.
#[derive(Clone, Copy)]
#[repr(C)]
struct Scope {
    begin: u32,
    end: u32,
    /// The filter, 1 for "always", or the `__finally` block.
    handler: u32,
    /// The `__except` block; 0 for `__finally`.
    jump: u32,
}

impl Scope {
    fn covers(&self, rva: usize) -> bool {
        (self.begin as usize..self.end as usize).contains(&rva)
    }
}

/// Serves the scope tables that the C compiler writes for `__try`.
unsafe extern "win64" fn c_specific_handler(
    record: *mut ExceptionRecord,
    establisher: usize,
    context: *mut ContextRecord,
    dispatcher: *mut Dispatcher,
) -> i32 {
    // SAFETY: `call` passes valid pointers, also through a handler of the driver's own.
    let (record_flags, dispatcher) = unsafe { ((*record).flags, &mut *dispatcher) };
    let rva = dispatcher.control.wrapping_sub(dispatcher.image);
    let target = dispatcher.target.wrapping_sub(dispatcher.image);
    // SAFETY: the data of this handler is a scope table: a count, and as many entries.
    let (data, count) = (dispatcher.data, unsafe { (dispatcher.data as *const u32).read_unaligned() });
    // SAFETY: as above.
    let entry = move |i| unsafe { ((data + 4) as *const Scope).add(i as usize).read_unaligned() };
    let scopes = (0..count).map(entry);
    for scope in scopes.clone().filter(|scope| scope.covers(rva)) {
        if record_flags & UNWINDING == 0 {
            if scope.jump == 0 {
                continue;
            }
            let pointers = Pointers { record, context };
            let answer = if scope.handler == 1 {
                1
            } else {
                // SAFETY: the scope table names a filter of this type in the driver.
                let filter: Filter =
                    unsafe { std::mem::transmute(dispatcher.image + scope.handler as usize) };
                // SAFETY: the arguments are what a filter gets.
                unsafe { filter(&raw const pointers, establisher) }
            };
            if answer < 0 {
                return CONTINUE_EXECUTION;
            }
            if answer > 0 {
                dispatcher.target = dispatcher.image + scope.jump as usize;
                return EXECUTE;
            }
            continue;
        }
        if record_flags & TARGET_UNWIND != 0 {
            let same = |other: &Scope| other.handler == scope.handler && other.jump == scope.jump;
            // What begins at the target, or still contains it, is not left.
            if scopes.clone().any(|other| same(&other) && other.covers(target))
                || scope.jump as usize == target
            {
                break;
            }
        }
        if scope.jump == 0 {
            // SAFETY: the scope table names a termination handler of this type in the driver.
            let finally: Termination =
                unsafe { std::mem::transmute(dispatcher.image + scope.handler as usize) };
            // SAFETY: the arguments are what such a handler gets: an abnormal end, in this frame.
            unsafe { finally(1, establisher) };
        }
    }
    CONTINUE_SEARCH
}
