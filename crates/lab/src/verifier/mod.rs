//! The verifier: rules by number, violations that end the machine, and the report that outlives it.

mod report;
pub mod rules;

use std::cell::Cell;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

pub use report::{Finding, Leak, Report};
pub use rules::{Rule, find as rule};

use crate::{cpu, fault};

/// Exit code of a child in which a rule was broken.
pub const EXIT: i32 = 71;
/// Exit code of a child that called an import which the lab does not have.
pub const EXIT_UNRESOLVED: i32 = 77;
/// Exit code of a child in which the lab itself failed.
pub const EXIT_HARNESS: i32 = 70;

static ENABLED: AtomicBool = AtomicBool::new(true);

/// Whether rules are checked; off in measurements.
#[inline]
pub fn enabled() -> bool {
    ENABLED.load(Ordering::Relaxed)
}

/// Turns the checks on or off, for measurements.
pub fn set_enabled(enabled: bool) {
    ENABLED.store(enabled, Ordering::Relaxed);
}

/// Reports that rule `id` is broken, with the driver's file and line, and ends the process with [`EXIT`].
pub fn violation(id: &str, text: &str) -> ! {
    stop(EXIT, Finding::here(id, text))
}

/// Pairs of a rule and an export in whose calls it may be broken.
static EXCUSED: Mutex<&'static [(&'static str, &'static str)]> = Mutex::new(&[]);

/// Sets which rules may be broken in calls of which exports.
pub(crate) fn set_excused(excused: &'static [(&'static str, &'static str)]) {
    *EXCUSED.lock().unwrap_or_else(PoisonError::into_inner) = excused;
}

/// As [`violation`], for what the kernel survives: an excused one goes into the report, and the driver runs on.
pub fn breach(id: &str, text: &str) {
    let excused = *EXCUSED.lock().unwrap_or_else(PoisonError::into_inner);
    let export = cpu::current_call().and_then(|call| call.meta).map(|meta| meta.name);
    if !excused.iter().any(|(rule, name)| *rule == id && Some(*name) == export) {
        violation(id, text);
    }
    let finding = Finding::here(id, text);
    REPORT.lock().unwrap_or_else(PoisonError::into_inner).excused.push(finding);
}

/// Environment variable with the rule that a child does not report: a test that must notice a broken rule
/// must fail without it (see `tests/faulty.rs`). Only children look at it.
pub const DISABLED_RULE: &str = "LAB_DISABLE_RULE";

/// Whether this process is a child that must not report `rule`.
fn disabled(rule: &str) -> bool {
    std::env::var_os(DISABLED_RULE).is_some_and(|disabled| disabled == rule) && crate::child::is_child()
}

/// Reports `finding`, writes the report where the parent process finds it, and ends the process with `code`.
///
/// If the finding's rule is disabled, the process ends as one that ran to its end without any finding: what
/// the driver would do next has no meaning, since the check stands where the kernel would be corrupted.
pub fn stop(code: i32, finding: Finding) -> ! {
    if disabled(&finding.rule) {
        eprintln!("lab: {} is disabled and was broken: {}", finding.rule, finding.text);
        publish(&take_report());
        // SAFETY: as below.
        unsafe { libc::_exit(0) }
    }
    static STOPPING: AtomicBool = AtomicBool::new(false);
    if STOPPING.swap(true, Ordering::SeqCst) {
        // Another thread is writing its report, which ends the process.
        std::thread::sleep(std::time::Duration::from_secs(5));
    }
    let _ = write!(std::io::stderr(), "{finding}");
    let mut report = take_report();
    report.findings.push(finding);
    publish(&report);
    // SAFETY: ends the process without running destructors, as a stopped machine does.
    unsafe { libc::_exit(code) }
}

/// Environment variable that names the file for the report.
pub const REPORT_FILE: &str = "LAB_REPORT";

/// Writes `report` to the file that the parent process named, if it named one.
pub fn publish(report: &Report) {
    let Some(path) = std::env::var_os(REPORT_FILE) else { return };
    match serde_json::to_vec(report) {
        Ok(json) => {
            if let Err(error) = std::fs::write(&path, json) {
                eprintln!("lab: cannot write the report to {}: {error}", path.display());
            }
        }
        Err(error) => eprintln!("lab: cannot encode the report: {error}"),
    }
}

static REPORT: Mutex<Report> = Mutex::new(Report::new());

/// Adds `value` to the counter called `name` in the report.
pub fn count(name: &str, value: u64) {
    let mut report = REPORT.lock().unwrap_or_else(PoisonError::into_inner);
    *report.counters.entry(name.to_owned()).or_default() += value;
}

/// Takes what was reported so far.
pub(crate) fn take_report() -> Report {
    // A thread that stops inside `count` must not wait for itself.
    let mut report = REPORT.try_lock().map(|mut report| std::mem::take(&mut *report)).unwrap_or_default();
    report.faults = fault::take_record();
    report
}

/// Puts `leaks` into the report and returns a copy of the whole.
pub(crate) fn add_leaks(leaks: Vec<Leak>) -> Report {
    let mut report = REPORT.lock().unwrap_or_else(PoisonError::into_inner);
    report.leaks.extend(leaks);
    report.clone()
}

type LeakCheck = fn(&mut Vec<Leak>);
static LEAK_CHECKS: Mutex<Vec<LeakCheck>> = Mutex::new(Vec::new());

/// Registers a routine that lists what a driver has left behind; the machine runs all of them when it
/// finishes.
pub fn on_leak_check(check: LeakCheck) {
    let mut checks = LEAK_CHECKS.lock().unwrap_or_else(PoisonError::into_inner);
    if !checks.iter().any(|known| std::ptr::fn_addr_eq(*known, check)) {
        checks.push(check);
    }
}

/// Everything that drivers have left behind.
pub fn leaks() -> Vec<Leak> {
    let mut leaks = Vec::new();
    for (rule, kind, value, creator) in crate::handle::open_with_rule() {
        leaks.push(Leak {
            rule: rule.into(),
            what: format!("{kind} handle {value:#x}"),
            creator: locate(creator),
        });
    }
    let checks = LEAK_CHECKS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for check in checks {
        check(&mut leaks);
    }
    leaks.retain(|leak| !disabled(&leak.rule));
    leaks
}

/// A callback that runs on the current thread, and the one around it.
struct Active<'a> {
    name: &'a str,
    /// When it was called; see [`moment`].
    began: u64,
    outer: usize,
}

/// Calls of callbacks so far, and [`moment`]s between them.
static MOMENTS: AtomicU64 = AtomicU64::new(0);

/// A number that orders this moment and the beginnings of callbacks on all processors.
pub(crate) fn moment() -> u64 {
    MOMENTS.fetch_add(1, Ordering::SeqCst)
}

/// When the current thread entered the driver, or a call of it that interrupts the callback `base`; `None` outside of
/// callbacks and in `base` itself.
pub(crate) fn entered(base: &str) -> Option<u64> {
    let (mut next, mut began) = (ACTIVE.get(), None);
    while next != 0 {
        // SAFETY: as in `inside`.
        let active = unsafe { &*(next as *const Active<'_>) };
        if active.name == base {
            break;
        }
        (next, began) = (active.outer, Some(active.began));
    }
    began
}

thread_local! {
    /// Address of the innermost callback, or 0.
    static ACTIVE: Cell<usize> = const { Cell::new(0) };
}

/// Whether the current thread runs a callback of a driver for whose name `test` holds.
pub fn inside(test: impl Fn(&str) -> bool) -> bool {
    let mut next = ACTIVE.get();
    while next != 0 {
        // SAFETY: the address of a local of a `callback` on this very stack, which has not returned.
        let active = unsafe { &*(next as *const Active<'_>) };
        if test(active.name) {
            return true;
        }
        next = active.outer;
    }
    false
}

/// The name of the driver's routine that the lab called last on the current thread; empty if none runs.
pub(crate) fn innermost_callback() -> String {
    let active = ACTIVE.get();
    if active == 0 {
        return String::new();
    }
    // SAFETY: as in `inside`.
    unsafe { &*(active as *const Active<'_>) }.name.to_owned()
}

/// Calls a driver's callback and checks rule G-14: it returns at its entry IRQL, holds no lock that it took
/// and is in no critical region that it entered.
pub fn callback<R>(name: &str, body: impl FnOnce() -> R) -> R {
    if !enabled() {
        return body();
    }
    let thread = cpu::thread();
    let before = (cpu::irql(), thread.lock_count(), thread.critical.get());
    let active = Active { name, began: moment(), outer: ACTIVE.get() };
    ACTIVE.set(&raw const active as usize);
    let result = body();
    ACTIVE.set(active.outer);
    let after = (cpu::irql(), thread.lock_count(), thread.critical.get());
    if before != after {
        violation(
            "G-14",
            &format!(
                "{name} was called at IRQL {} with {} locks in {} critical regions and returned at IRQL {} with {} \
                 locks in {} critical regions",
                before.0, before.1, before.2, after.0, after.1, after.2
            ),
        );
    }
    result
}

type Locator = fn(usize) -> Option<String>;
static LOCATOR: OnceLock<Locator> = OnceLock::new();
type Tracer = fn(cpu::Frame) -> Vec<usize>;
static TRACER: OnceLock<Tracer> = OnceLock::new();

/// Registers who turns an address into `image!function (file:line)` and a driver's frame into return
/// addresses.
pub(crate) fn set_locator(locator: Locator, tracer: Tracer) {
    let _ = LOCATOR.set(locator);
    let _ = TRACER.set(tracer);
}

/// Describes a code address: `image!function (file:line)` in a loaded driver, the bare number elsewhere.
pub fn locate(address: usize) -> String {
    LOCATOR.get().and_then(|locate| locate(address)).unwrap_or_else(|| format!("{address:#x}"))
}

/// The return addresses on a driver's stack below `frame`, innermost first.
pub(crate) fn trace(frame: cpu::Frame) -> Vec<usize> {
    TRACER.get().map(|trace| trace(frame)).unwrap_or_default()
}
