//! Every mistake of the test driver is found, named and located; its clean mode passes.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod common;

use lab::child::{self, Exit, Status};
use lab::fault::{self, Plan, Sweep};
use lab::{Machine, Options};

/// Runs the driver in `mode` in a child; the child's end is the test's result.
#[track_caller]
fn run(test: &str, mode: &str) -> Exit {
    let image = common::driver("probe");
    child::run(test, || {
        let machine = Machine::new(Options::default());
        let mut driver = machine.load_driver_as(&image, mode).unwrap();
        match driver.start() {
            Ok(()) => driver.unload(),
            Err(status) => println!("refused: {status:#x}"),
        }
        machine.finish();
    })
}

/// The file and line at which `mode` is handled in the driver's source, as a report names it.
fn line_of(text: &str) -> String {
    let source = include_str!("drivers/probe/src/lib.rs");
    let line = 1 + source.lines().position(|line| line.contains(text)).expect("the driver has such a line");
    format!("lib.rs:{line}")
}

#[track_caller]
fn stops(test: &str, status: Status, rule: &str, line: &str) {
    let exit = run(test, test.trim_start_matches("finds_").replace('_', "-").as_str());
    if child::is_child() {
        return;
    }
    exit.assert_stopped(status, rule);
    let finding = exit.report.findings.last().unwrap();
    let caller = finding.caller.as_deref().unwrap_or_default();
    assert!(caller.contains(&line_of(line)), "not {}:\n{}", line_of(line), exit.log);
    assert!(finding.stack.iter().any(|frame| frame.contains("DriverEntry")), "{}", exit.log);
}

#[test]
fn clean_mode_is_clean() {
    let exit = run("clean_mode_is_clean", "clean");
    if !child::is_child() {
        exit.assert_clean();
        assert!(exit.log.contains("driver: probe: 7 seven\n"), "{}", exit.log);
    }
}

#[test]
fn finds_overrun() {
    stops("finds_overrun", Status::BugCheck, "G-4", "block.add(32).write_volatile(1)");
}

#[test]
fn finds_small_overrun() {
    let exit = run("finds_small_overrun", "small-overrun");
    if !child::is_child() {
        exit.assert_stopped(Status::Verifier, "G-4");
        assert!(exit.log.contains("byte 20 was written"), "{}", exit.log);
    }
}

#[test]
fn finds_use_after_free() {
    stops("finds_use_after_free", Status::BugCheck, "G-4", "return i32::from(block.read_volatile());");
}

#[test]
fn finds_double_free() {
    let exit = run("finds_double_free", "double-free");
    if !child::is_child() {
        exit.assert_stopped(Status::Verifier, "G-3");
        assert!(exit.log.contains("double free") && exit.log.contains("freed by"), "{}", exit.log);
    }
}

#[test]
fn finds_wrong_tag() {
    stops("finds_wrong_tag", Status::Verifier, "G-3", "ExFreePoolWithTag(allocate(64).cast(), TAG + 1);");
}

#[test]
fn finds_copy_overrun() {
    stops("finds_copy_overrun", Status::BugCheck, "G-4", "memcpy(to.cast()");
}

#[test]
fn finds_wait_at_dispatch() {
    stops("finds_wait_at_dispatch", Status::Verifier, "G-15", "KeDelayExecutionThread(0");
}

#[test]
fn finds_recursive_lock() {
    let exit = run("finds_recursive_lock", "recursive-lock");
    if !child::is_child() {
        exit.assert_stopped(Status::Verifier, "G-12");
    }
}

#[test]
fn finds_leave_dispatch() {
    let exit = run("finds_leave_dispatch", "leave-dispatch");
    if !child::is_child() {
        exit.assert_stopped(Status::Verifier, "G-14");
    }
}

#[test]
fn finds_leak() {
    let exit = run("finds_leak", "leak");
    if !child::is_child() {
        assert_eq!(exit.status, Status::Ok);
        let [leak] = exit.report.leaks.as_slice() else { panic!("{:?}", exit.report) };
        assert_eq!((leak.rule.as_str(), leak.what.as_str()), ("G-6", "40 bytes of pool 'Prob'"));
        assert!(leak.creator.contains("lib.rs:"), "{leak:?}");
    }
}

#[test]
fn finds_null() {
    stops("finds_null", Status::BugCheck, "BUGCHECK-0x7E", "black_box(16)");
}

#[test]
fn finds_write_code() {
    stops("finds_write_code", Status::BugCheck, "BUGCHECK-0xBE", "(DriverEntry as *mut u8)");
}

#[test]
fn finds_int3() {
    stops("finds_int3", Status::BugCheck, "BUGCHECK-0x7E", "int3\");");
}

#[test]
fn finds_fast_fail() {
    stops("finds_fast_fail", Status::BugCheck, "BUGCHECK-0x139", "int 0x29");
}

#[test]
fn finds_illegal() {
    stops("finds_illegal", Status::BugCheck, "BUGCHECK-0x7E", "ud2");
}

#[test]
fn finds_bugcheck() {
    stops("finds_bugcheck", Status::BugCheck, "BUGCHECK-0xDEAD", "KeBugCheckEx(0xdead");
}

#[test]
fn finds_unresolved() {
    stops("finds_unresolved", Status::Unresolved, "UNRESOLVED", "NoKernelExportsThis(7);");
    let exit = run("finds_unresolved", "unresolved");
    if !child::is_child() {
        let text = &exit.report.findings.last().unwrap().text;
        assert!(text.contains("called ntoskrnl.exe!NoKernelExportsThis"), "{text}");
    }
}

#[test]
fn finds_fail_and_leak() {
    let exit = run("finds_fail_and_leak", "fail-and-leak");
    if !child::is_child() {
        exit.assert_stopped(Status::Verifier, "G-41");
    }
}

#[test]
fn a_refusing_driver_is_gone() {
    let exit = run("a_refusing_driver_is_gone", "fail");
    if !child::is_child() {
        exit.assert_clean();
        assert!(exit.log.contains("refused: 0xc0000001"), "{}", exit.log);
    }
}

/// Runs a mode whose entry refuses to start when it finds what it looks for missing.
#[track_caller]
fn finds_all_well(test: &str, mode: &str) {
    let exit = run(test, mode);
    if !child::is_child() {
        exit.assert_clean();
        assert!(!exit.log.contains("refused"), "{}", exit.log);
    }
}

#[test]
fn emulates_cr8() {
    finds_all_well("emulates_cr8", "cr8");
}

#[test]
fn fills_the_stack_cookie_and_the_guards_of_calls() {
    finds_all_well("fills_the_stack_cookie_and_the_guards_of_calls", "guarded");
}

#[test]
fn probes_the_stack_of_large_frames() {
    finds_all_well("probes_the_stack_of_large_frames", "chkstk");
}

#[test]
fn shares_the_time_at_its_fixed_address() {
    finds_all_well("shares_the_time_at_its_fixed_address", "shared-data");
}

#[test]
fn finds_recurse() {
    let exit = run("finds_recurse", "recurse");
    if !child::is_child() {
        exit.assert_stopped(Status::BugCheck, "G-26");
        let finding = exit.report.findings.last().unwrap();
        assert!(finding.caller.iter().any(|caller| caller.contains("recurse")), "{}", exit.log);
    }
}

#[test]
fn finds_a_call_after_unload() {
    let image = common::driver("probe");
    child::expect("finds_a_call_after_unload", Status::BugCheck, "G-42", || {
        let machine = Machine::new(Options::default());
        let mut driver = machine.load_driver_as(&image, "clean").unwrap();
        driver.start().unwrap();
        driver.unload();
        // SAFETY: a call into an unloaded image, on purpose.
        unsafe { std::mem::transmute::<usize, unsafe extern "win64" fn()>(driver.image().entry)() };
    });
}

#[test]
fn finds_an_unload_that_hangs() {
    let image = common::driver("probe");
    child::expect("finds_an_unload_that_hangs", Status::Verifier, "L-5", || {
        let unload_limit = std::time::Duration::from_millis(200);
        let machine = Machine::new(Options { unload_limit, ..Options::default() });
        let mut driver = machine.load_driver_as(&image, "hang-in-unload").unwrap();
        driver.start().unwrap();
        driver.unload();
    });
}

/// Loads a copy of the driver that `change` has altered: (bytes, offset of the PE header).
#[track_caller]
fn load_changed(test: &str, change: impl FnOnce(&mut Vec<u8>, usize)) -> Exit {
    let image = common::driver("probe");
    child::run(test, || {
        let mut bytes = std::fs::read(&image).unwrap();
        let header = u32::from_le_bytes(bytes[0x3c..0x40].try_into().unwrap()) as usize;
        change(&mut bytes, header);
        let path = std::env::temp_dir().join(format!("lab-{test}-{}.sys", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        let machine = Machine::new(Options::default());
        let loaded = machine.load_driver(&path);
        std::fs::remove_file(&path).unwrap();
        println!(
            "{}",
            loaded.map_or_else(|error| error.to_string(), |driver| format!("loaded {}", driver.service()))
        );
    })
}

#[track_caller]
fn refuses(test: &str, text: &str, change: impl FnOnce(&mut Vec<u8>, usize)) {
    let exit = load_changed(test, change);
    if !child::is_child() {
        assert_eq!(exit.status, Status::Ok, "{}", exit.log);
        assert!(exit.log.contains(text), "{}", exit.log);
    }
}

#[test]
fn an_unchanged_copy_loads() {
    refuses("an_unchanged_copy_loads", "loaded lab-", |_, _| {});
}

#[test]
fn other_machines_are_refused() {
    refuses("other_machines_are_refused", "machine 0xaa64 is not x64", |bytes, header| {
        bytes[header + 4..header + 6].copy_from_slice(&[0x64, 0xaa]);
    });
}

#[test]
fn programs_are_refused() {
    refuses("programs_are_refused", "the subsystem is not native", |bytes, header| bytes[header + 0x5c] = 3);
}

#[test]
fn what_is_no_image_is_refused() {
    refuses("what_is_no_image_is_refused", "not a PE image", |bytes, _| bytes.truncate(0x60));
}

#[test]
fn g_90_writable_code_is_found() {
    let exit = load_changed("g_90_writable_code_is_found", |bytes, header| {
        // The first section is the code; the highest bit of its characteristics is IMAGE_SCN_MEM_WRITE.
        let sections = header + 24 + usize::from(bytes[header + 20]);
        bytes[sections + 39] |= 0x80;
    });
    if !child::is_child() {
        exit.assert_stopped(Status::Verifier, "G-90");
    }
}

#[test]
fn l_4_an_image_without_unwind_data_is_found() {
    let exit = load_changed("l_4_an_image_without_unwind_data_is_found", |bytes, header| {
        let directory = header + 24 + 112 + 3 * 8;
        bytes[directory..directory + 8].fill(0);
    });
    if !child::is_child() {
        exit.assert_stopped(Status::Verifier, "L-4");
    }
}

/// A sweep over the driver in `mode`.
fn sweep(test: &str, mode: &str) -> Option<Sweep> {
    let image = common::driver("probe");
    let life = || {
        let machine = Machine::new(Options::default());
        let mut driver = machine.load_driver_as(&image, mode).unwrap();
        fault::cover(driver.image());
        fault::start();
        match driver.start() {
            Ok(()) => driver.unload(),
            Err(status) => fault::outcome(format!("DriverEntry fails with {status:#x}")),
        }
        machine.finish();
    };
    let run = |plan: Plan| {
        child::run_with(&format!("{test}#life"), &[(fault::PLAN, plan.to_variable().as_str())], life)
    };
    if child::is_child() {
        run(Plan::Watch);
        return None;
    }
    Some(fault::sweep(run))
}

#[test]
fn a_sweep_finds_places_on_error_paths() {
    let Some(sweep) = sweep("a_sweep_finds_places_on_error_paths", "unwinds") else { return };
    assert!(sweep.is_clean(), "{sweep}");
    let late: Vec<bool> = sweep.outcomes.iter().map(|outcome| outcome.on_error_path).collect();
    assert_eq!(late, [false, false, true], "{sweep}");
    let coverage = sweep.coverage();
    assert!(coverage.plain >= 4 && coverage.error_paths >= 2, "{sweep}");
    assert!(coverage.all > coverage.plain + coverage.error_paths, "the other modes were not run");
    assert!(
        sweep.to_string().ends_with(
            "3 places (1 of them, marked *, found only on error paths), 3 failed cleanly, 0 leaks"
        )
    );
}

#[test]
fn a_sweep_finds_a_block_that_an_error_path_forgets() {
    let Some(sweep) = sweep("a_sweep_finds_a_block_that_an_error_path_forgets", "forgets") else { return };
    assert!(!sweep.is_clean(), "{sweep}");
    // The third block is refused together with the second one, whose error path asks for it.
    let clean: Vec<bool> = sweep.outcomes.iter().map(|outcome| outcome.is_clean()).collect();
    assert_eq!(clean, [true, false, false], "{sweep}");
    let exit = &sweep.outcomes[1].exit;
    exit.assert_stopped(Status::Verifier, "G-41");
    let text = &exit.report.findings[0].text;
    assert!(text.contains("left 32 bytes") && text.contains("two_blocks"), "{text}");
    let text = sweep.to_string();
    assert!(text.contains("   2 FAILED ntoskrnl.exe!ExAllocatePool2: the run did not end"), "{text}");
    assert!(text.ends_with("1 failed cleanly, 2 leaks"), "{text}");
}

#[test]
fn a_sweep_tells_of_a_driver_that_fails_by_itself() {
    let Some(sweep) = sweep("a_sweep_tells_of_a_driver_that_fails_by_itself", "double-free") else { return };
    assert!(!sweep.is_clean(), "{sweep}");
    let text = sweep.to_string();
    assert!(text.starts_with("FAILED without a refusal: Verifier") && text.contains("G-3"), "{text}");
}
