//! Structured exception handling, with a driver whose handlers a C compiler wrote.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod common;

use lab::child::{self, Exit, Status};
use lab::{Machine, Options};

/// Runs the function of the driver that `mode` selects.
#[track_caller]
fn run(test: &str, mode: &str) -> Exit {
    let image = common::driver("probe-seh");
    child::run(test, || {
        // What the driver takes for a buffer of user mode, and a page behind it that cannot be written.
        for (address, protection) in
            [(0x10_0000_0000usize, libc::PROT_READ | libc::PROT_WRITE), (0x10_0000_1000, libc::PROT_READ)]
        {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
            // SAFETY: a fresh mapping at a place where nothing is.
            let page = unsafe { libc::mmap(address as *mut _, 4096, protection, flags, -1, 0) };
            assert_eq!(page as usize, address);
        }
        let machine = Machine::new(Options::default());
        let mut driver = machine.load_driver_as(&image, mode).unwrap();
        match driver.start() {
            Ok(()) => driver.unload(),
            Err(status) => panic!("{mode} was surprised by {}", status & 0xfff_ffff),
        }
        assert!(machine.finish().leaks.is_empty());
        println!("{mode} ended well");
    })
}

#[track_caller]
fn passes(test: &str, mode: &str) {
    let exit = run(test, mode);
    if !child::is_child() {
        exit.assert_clean();
        assert!(exit.log.contains(&format!("{mode} ended well")), "{}", exit.log);
    }
}

#[track_caller]
fn stops(test: &str, mode: &str, rule: &str, text: &str) {
    let exit = run(test, mode);
    if !child::is_child() {
        let status = if rule == "L-1" { Status::Verifier } else { Status::BugCheck };
        exit.assert_stopped(status, rule);
        assert!(exit.log.contains(text), "{}", exit.log);
    }
}

#[test]
fn a_filter_sees_the_exception_and_its_block_runs() {
    passes("a_filter_sees_the_exception_and_its_block_runs", "filter");
}

#[test]
fn finally_blocks_run_in_both_ways() {
    passes("finally_blocks_run_in_both_ways", "finally");
}

#[test]
fn exceptions_pass_functions_and_blocks_in_order() {
    passes("exceptions_pass_functions_and_blocks_in_order", "nested");
}

#[test]
fn registers_of_the_handling_function_come_back() {
    passes("registers_of_the_handling_function_come_back", "registers");
}

#[test]
fn every_cause_has_its_code() {
    passes("every_cause_has_its_code", "codes");
}

#[test]
fn a_fault_in_memcpy_belongs_to_its_caller() {
    passes("a_fault_in_memcpy_belongs_to_its_caller", "copy");
}

#[test]
fn a_filter_can_repair_and_continue() {
    passes("a_filter_can_repair_and_continue", "continue");
}

#[test]
fn an_unmapped_user_address_is_an_exception() {
    passes("an_unmapped_user_address_is_an_exception", "user-read");
}

#[test]
fn what_cannot_be_continued_ends() {
    stops("what_cannot_be_continued_ends", "not-continuable", "BUGCHECK-0x7E", "0xc0000001");
}

#[test]
fn what_nobody_handles_ends() {
    let name = "what_nobody_handles_ends";
    stops(name, "unhandled", "BUGCHECK-0x7E", "exception 0xc0000022 at IRQL 0: nobody handles it");
}

#[test]
fn g_4_no_handler_hides_an_overrun() {
    stops("g_4_no_handler_hides_an_overrun", "overrun", "G-4", "read of");
}

#[test]
fn no_handler_hides_a_bad_kernel_address() {
    stops("no_handler_hides_a_bad_kernel_address", "high-read", "BUGCHECK-0x50", "0xffff800000001000");
}

#[test]
fn at_dispatch_level_a_page_fault_ends() {
    stops("at_dispatch_level_a_page_fault_ends", "dispatch-read", "BUGCHECK-0xD1", "IRQL 2");
}

#[test]
fn l_1_at_dispatch_level_nothing_is_raised() {
    stops(
        "l_1_at_dispatch_level_nothing_is_raised",
        "dispatch-raise",
        "L-1",
        "ExRaiseStatus called at IRQL 2",
    );
}
