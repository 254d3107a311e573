//! Child processes: driver code runs in a copy of the current executable, so that a stopped machine is an
//! exit code.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, io};

use crate::bugcheck;
use crate::verifier::{self, Report};

const SCENARIO: &str = "LAB_CHILD";
const DIRECTORY: &str = "LAB_CHILD_DIR";
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It ran to the end; the report may still list leaks.
    Ok,
    /// A rule was broken.
    Verifier,
    /// The machine stopped with a bug check or a fault.
    BugCheck,
    /// The driver called an import that the lab does not have.
    Unresolved,
    /// The lab itself failed.
    Harness,
    /// It was killed because it ran too long.
    Timeout,
    /// It ended by a signal that the lab does not handle.
    Signal(i32),
    /// It ended in another way, 101 for a failed assertion in the scenario.
    Other(i32),
}

/// The end of a child and what it said.
#[derive(Clone, Debug)]
pub struct Exit {
    /// How it ended.
    pub status: Status,
    /// Its report; empty if it did not get to write one.
    pub report: Report,
    /// The scenario's result (see [`Scenario`]).
    pub output: Vec<u8>,
    /// What it printed.
    pub log: String,
}

impl Exit {
    /// Panics unless the child ran to its end, broke no rule and left nothing behind.
    #[track_caller]
    pub fn assert_clean(&self) {
        assert!(
            self.status == Status::Ok && self.report.is_clean(),
            "child ended with {:?}; leaks: {:#?}\n{}",
            self.status,
            self.report.leaks,
            self.log
        );
    }

    /// Panics unless the child ended with `status` because of `rule`.
    #[track_caller]
    pub fn assert_stopped(&self, status: Status, rule: &str) {
        let found = self.report.findings.last().map(|finding| finding.rule.as_str());
        assert!(
            self.status == status && found == Some(rule),
            "child ended with {:?} by {found:?}, expected {status:?} by {rule}\n{}",
            self.status,
            self.log
        );
    }
}

/// A scenario of an ordinary binary, run by [`spawn`] in a copy of it.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// Its code: input to result.
    pub run: fn(&[u8]) -> Vec<u8>,
}

/// Runs the scenario that the parent asked for and exits; returns at once in a process that is not a child.
/// Call it at the top of `main`.
pub fn run_if_child(scenarios: &[Scenario]) {
    let Some(name) = env::var_os(SCENARIO) else { return };
    let Some(scenario) = scenarios.iter().find(|scenario| *scenario.name == *name) else {
        eprintln!("lab: no scenario {name:?}");
        std::process::exit(verifier::EXIT_HARNESS);
    };
    let directory = PathBuf::from(env::var_os(DIRECTORY).unwrap_or_default());
    let input = fs::read(directory.join("input")).unwrap_or_default();
    let output = (scenario.run)(&input);
    if let Err(error) = fs::write(directory.join("output"), output) {
        eprintln!("lab: cannot write the scenario's result: {error}");
        std::process::exit(verifier::EXIT_HARNESS);
    }
    end();
}

/// Runs the scenario `name` of this binary in a child (see [`run_if_child`]).
pub fn spawn(name: &str, input: &[u8], limit: Duration) -> io::Result<Exit> {
    launch(&[], &[], name, input, limit)
}

/// In a test called `name` (its full path in the crate): runs `body` in a child and returns how that ended.
///
/// A test that needs several children appends `#something` to the name of each.
#[track_caller]
pub fn run(name: &str, body: impl FnOnce()) -> Exit {
    run_with(name, &[], body)
}

/// Like [`run`], with these variables in the child's environment.
#[track_caller]
pub fn run_with(name: &str, variables: &[(&str, &str)], body: impl FnOnce()) -> Exit {
    if let Some(scenario) = env::var_os(SCENARIO) {
        if *scenario == *name {
            body();
            end();
        }
        // A child of the same test that wants a later body: this one was the parent's business.
        return Exit { status: Status::Ok, report: Report::new(), output: Vec::new(), log: String::new() };
    }
    let test = name.split('#').next().unwrap_or(name);
    let exit = launch(
        &["--exact", test, "--include-ignored", "--nocapture", "--test-threads=1"],
        variables,
        name,
        &[],
        TIME_LIMIT,
    )
    .expect("cannot start a child");
    assert!(
        exit.status != Status::Other(0),
        "the child ended without running \"{name}\": is that the test's full name?\n{}",
        exit.log
    );
    exit
}

/// Like [`run`], and panics unless the child was clean.
#[track_caller]
pub fn test(name: &str, body: impl FnOnce()) {
    let exit = run(name, body);
    if !is_child() {
        exit.assert_clean();
    }
}

/// Like [`run`], and panics unless the child ended because `rule` was broken.
#[track_caller]
pub fn expect(name: &str, status: Status, rule: &str, body: impl FnOnce()) -> Exit {
    let exit = run(name, body);
    if !is_child() {
        exit.assert_stopped(status, rule);
    }
    exit
}

/// Whether this process is a child.
pub fn is_child() -> bool {
    env::var_os(SCENARIO).is_some()
}

fn end() -> ! {
    let report = verifier::take_report();
    verifier::publish(&report);
    // SAFETY: ends the process; threads of the machine may still run and must not see destructors.
    unsafe { libc::_exit(0) }
}

fn launch(
    arguments: &[&str],
    variables: &[(&str, &str)],
    name: &str,
    input: &[u8],
    limit: Duration,
) -> io::Result<Exit> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let directory =
        env::temp_dir().join(format!("lab-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    fs::create_dir_all(&directory)?;
    let result = launch_in(&directory, arguments, variables, name, input, limit);
    let _ = fs::remove_dir_all(&directory);
    result
}

fn launch_in(
    directory: &Path,
    arguments: &[&str],
    variables: &[(&str, &str)],
    name: &str,
    input: &[u8],
    limit: Duration,
) -> io::Result<Exit> {
    fs::write(directory.join("input"), input)?;
    let log = fs::File::create(directory.join("log"))?;
    let report_file = directory.join("report");
    let mut child = Command::new(env::current_exe()?)
        .args(arguments)
        .envs(variables.iter().copied())
        .env(SCENARIO, name)
        .env(DIRECTORY, directory)
        .env(verifier::REPORT_FILE, &report_file)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    let deadline = Instant::now() + limit;
    let mut pause = Duration::from_millis(1);
    let code = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            break None;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    };
    let report = fs::read(&report_file).ok().and_then(|json| serde_json::from_slice::<Report>(&json).ok());
    let status = match code {
        None => Status::Timeout,
        Some(status) => match (status.code(), std::os::unix::process::ExitStatusExt::signal(&status)) {
            (Some(0), _) if report.is_some() => Status::Ok,
            (Some(verifier::EXIT), _) => Status::Verifier,
            (Some(bugcheck::EXIT), _) => Status::BugCheck,
            (Some(verifier::EXIT_UNRESOLVED), _) => Status::Unresolved,
            (Some(verifier::EXIT_HARNESS), _) => Status::Harness,
            (Some(code), _) => Status::Other(code),
            (None, signal) => Status::Signal(signal.unwrap_or_default()),
        },
    };
    Ok(Exit {
        status,
        report: report.unwrap_or_default(),
        output: fs::read(directory.join("output")).unwrap_or_default(),
        log: String::from_utf8_lossy(&fs::read(directory.join("log"))?).into_owned(),
    })
}
