//! Coverage: what runs is told from what does not, through every way in which a process can end.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use lab::child::{self, Exit, Status};
use lab::coverage::{self, Report, SourceFile};
use lab::{Machine, Options};

/// A directory of the test's own, empty.
fn directory(test: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("coverage").join(test);
    if !child::is_child() {
        let _ = fs::remove_dir_all(&directory);
    }
    directory
}

/// Runs the test driver in `mode`, with the instructions that are executed noted in `directory`.
#[track_caller]
fn run(test: &str, directory: &Path, mode: &str) -> Exit {
    let image = common::driver("probe");
    let variable = (coverage::DIRECTORY, directory.to_str().expect("UTF-8"));
    child::run_with(&format!("{test}#{mode}"), &[variable], || {
        let machine = Machine::new(Options::default());
        let mut driver = machine.load_driver_as(&image, mode).unwrap();
        if driver.start().is_ok() {
            driver.unload();
        }
        machine.finish();
    })
}

/// The driver's own source file.
fn source(report: &Report) -> &SourceFile {
    let (_, file) = report
        .files
        .iter()
        .find(|(name, _)| name.ends_with("probe/src/lib.rs") || *name == "src/lib.rs")
        .unwrap();
    file
}

/// Whether the line with this text was executed.
fn line(report: &Report, text: &str) -> Option<bool> {
    let lines = include_str!("drivers/probe/src/lib.rs").lines();
    let number = 1 + lines.take_while(|line| !line.contains(text)).count() as u32;
    source(report).lines.get(&number).copied()
}

/// Whether the function was executed.
fn function(report: &Report, name: &str) -> Option<bool> {
    let functions = &source(report).functions;
    let (_, function) = functions.iter().find(|(found, _)| found.strip_prefix("probe::") == Some(name))?;
    Some(function.executed)
}

#[test]
fn what_runs_is_told_from_what_does_not() {
    let test = "what_runs_is_told_from_what_does_not";
    let directory = directory(test);
    let image = common::driver("probe");
    let clean = run(test, &directory, "clean");
    let before = (!child::is_child()).then(|| coverage::report(&directory, &image).unwrap());
    // A process that is stopped in the middle leaves what it did.
    let stopped = run(test, &directory, "recurse");
    if child::is_child() {
        return;
    }
    clean.assert_clean();
    let before = before.unwrap();
    for name in ["DriverEntry", "run", "unload", "allocate"] {
        assert_eq!(function(&before, name), Some(true), "{name}");
    }
    assert_eq!(function(&before, "recurse"), Some(false));
    assert_eq!(line(&before, "block.write_volatile(1);"), Some(true));
    assert_eq!(line(&before, "KeBugCheckEx(0xdead"), Some(false));
    assert_eq!(line(&before, "ExFreePoolWithTag(allocate(64).cast(), TAG + 1);"), Some(false));
    let (executed, lines) = source(&before).count();
    assert!(10 < executed && executed < lines, "{executed} of {lines}");

    stopped.assert_stopped(Status::BugCheck, "G-26");
    let after = coverage::report(&directory, &image).unwrap();
    assert_eq!(function(&after, "recurse"), Some(true));
    assert_eq!(
        line(&after, "block.write_volatile(1);"),
        Some(true),
        "the first process' lines are still there"
    );
    assert!(after.executed > before.executed && after.instructions == before.instructions);
}

#[test]
fn a_measured_driver_stops_as_ever() {
    let test = "a_measured_driver_stops_as_ever";
    let directory = directory(test);
    let own_breakpoint = run(test, &directory, "int3");
    let illegal = run(test, &directory, "illegal");
    let cr8 = run(test, &directory, "cr8");
    let written = run(test, &directory, "write-code");
    if child::is_child() {
        return;
    }
    own_breakpoint.assert_stopped(Status::BugCheck, "BUGCHECK-0x7E");
    assert!(own_breakpoint.log.contains("0x80000003"), "{}", own_breakpoint.log);
    illegal.assert_stopped(Status::BugCheck, "BUGCHECK-0x7E");
    cr8.assert_clean();
    written.assert_stopped(Status::BugCheck, "BUGCHECK-0xBE");
}

#[test]
fn nothing_is_measured_unasked() {
    let test = "nothing_is_measured_unasked";
    let directory = directory(test);
    let image = common::driver("probe");
    child::test(test, || {
        let machine = Machine::new(Options::default());
        let mut driver = machine.load_driver_as(&image, "clean").unwrap();
        let file = fs::read(&image).unwrap();
        // The code in memory is the file's, relocations apart.
        let text = driver.image().function(driver.image().entry).unwrap().begin;
        let loaded = driver.image().bytes::<16>(text).unwrap();
        assert!(file.windows(16).any(|window| window == loaded));
        driver.start().unwrap();
        driver.unload();
        machine.finish();
    });
    if child::is_child() {
        return;
    }
    let error = coverage::report(&directory, &image).unwrap_err();
    assert!(matches!(error, coverage::Error::NothingMeasured(_)), "{error}");
}
