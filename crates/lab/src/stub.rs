//! Small pieces of machine code that stand where the lab has no Rust function: unresolved imports, CFG
//! pointers.

use std::sync::{Mutex, PoisonError};

use crate::cpu::{self, Frame};
use crate::verifier::{self, Finding};

/// Makes a piece of code that loads `index` into eax and jumps to `target`.
pub(crate) fn make(index: u32, target: usize) -> usize {
    const STUB: usize = 32;
    const PAGE: usize = 4096;
    static FREE: Mutex<(usize, usize)> = Mutex::new((0, 0));

    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    if free.1 - free.0 < STUB {
        // SAFETY: a fresh private mapping.
        let page = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                PAGE,
                libc::PROT_READ | libc::PROT_EXEC,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        assert_ne!(page, libc::MAP_FAILED, "no memory for stubs");
        *free = (page as usize, page as usize + PAGE);
    }
    let at = free.0;
    free.0 += STUB;
    // mov eax, index; jmp [rip]; .quad target
    let mut code = [0xcc; STUB];
    code[0] = 0xb8;
    code[1..5].copy_from_slice(&index.to_le_bytes());
    code[5..11].copy_from_slice(&[0xff, 0x25, 0, 0, 0, 0]);
    code[11..19].copy_from_slice(&target.to_le_bytes());
    let page = (at & !(PAGE - 1)) as *mut libc::c_void;
    // SAFETY: the page belongs to the stubs; it is executable again before anyone learns of the new one.
    // Nothing runs older stubs of the page meanwhile, because images are bound before their code runs.
    unsafe {
        libc::mprotect(page, PAGE, libc::PROT_READ | libc::PROT_WRITE);
        std::ptr::copy_nonoverlapping(code.as_ptr(), at as *mut u8, STUB);
        libc::mprotect(page, PAGE, libc::PROT_READ | libc::PROT_EXEC);
    }
    at
}

/// What a call of each stub means: the rule, and the text.
static UNRESOLVED: Mutex<Vec<(&'static str, String)>> = Mutex::new(Vec::new());

/// Makes a stub for an import that the lab does not have; it ends the machine only when it is called.
pub(crate) fn unresolved(dll: &str, name: &str, image: &str) -> usize {
    ending("UNRESOLVED", format!("{image} called {dll}!{name}, which the lab does not have"))
}

/// Makes a stub for a function that no driver here may call.
pub(crate) fn forbidden(rule: &'static str, name: &str) -> usize {
    ending(rule, format!("{name} is called"))
}

fn ending(rule: &'static str, text: String) -> usize {
    let mut list = UNRESOLVED.lock().unwrap_or_else(PoisonError::into_inner);
    let index = list.len() as u32;
    list.push((rule, text));
    make(index, unresolved_entry as *const () as usize)
}

#[unsafe(naked)]
unsafe extern "win64" fn unresolved_entry() {
    core::arch::naked_asm!(
        "mov rcx, [rsp]",
        "mov gs:[{caller}], rcx",
        "mov gs:[{stack}], rsp",
        "mov gs:[{frame}], rbp",
        "mov ecx, eax",
        "jmp {body}",
        caller = const cpu::GS_CALLER,
        stack = const cpu::GS_CALLER_STACK,
        frame = const cpu::GS_CALLER_FRAME,
        body = sym unresolved_body,
    )
}

unsafe extern "win64" fn unresolved_body(index: u32) {
    cpu::push_call(Frame { meta: None, ..cpu::last_entry() });
    let (rule, text) = UNRESOLVED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(index as usize)
        .cloned()
        .unwrap_or_default();
    let code = if rule == "UNRESOLVED" { verifier::EXIT_UNRESOLVED } else { verifier::EXIT };
    verifier::stop(code, Finding::here(rule, &text));
}

/// Stands in for the control flow guard's check: every target is good.
#[unsafe(naked)]
pub(crate) unsafe extern "win64" fn cfg_check() {
    core::arch::naked_asm!("ret")
}

/// Stands in for the control flow guard's dispatch: jumps to the target.
#[unsafe(naked)]
pub(crate) unsafe extern "win64" fn cfg_dispatch() {
    core::arch::naked_asm!("jmp rax")
}
