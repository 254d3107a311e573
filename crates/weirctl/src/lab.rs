//! `weirctl lab`: runs the driver image on a capture, in the simulated kernel of the lab, in a child process.

mod coverage;
mod inputs;
mod job;
mod load;
mod local;
mod progress;
mod rules;
mod scan;
mod writer;

use std::time::Duration;

use lab::child;
use lab::child::Status;

use crate::cli::LabCoverage;
use crate::cli::LabLoad;
use crate::cli::LabRules;
use crate::cli::LabRun;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::output;
use crate::report::BugCheck;
use crate::report::Finding;
use crate::report::Frames;
use crate::report::Leak;
use crate::report::Report;
use crate::report::SCHEMA;
use crate::report::Verifier;
use crate::text;
use crate::text::count;
use crate::view;
use inputs::Inputs;
use job::Outcome;
use job::Stopped;
use progress::Mailbox;
use progress::Progress;

/// A run that takes longer than this, and longer for each frame, hangs.
const TIME_LIMIT: Duration = Duration::from_secs(300);
const TIME_PER_FRAME: Duration = Duration::from_millis(1);

/// What the child process runs.
const SCENARIO: child::Scenario = child::Scenario { name: "weirctl-lab-run", run: job::run };

/// In a child process: runs the machine, and does not return. Elsewhere: nothing.
pub(crate) fn run_if_child() {
    child::run_if_child(&[SCENARIO, load::SCENARIO]);
}

/// `weirctl lab load`.
pub(crate) fn load(args: &LabLoad) -> Result<Exit, Failure> {
    load::run(args)
}

/// `weirctl lab rules`.
pub(crate) fn rules(args: &LabRules) -> Result<Exit, Failure> {
    rules::run(args)
}

/// `weirctl lab coverage`.
pub(crate) fn coverage(args: &LabCoverage) -> Result<Exit, Failure> {
    coverage::run(args)
}

/// `weirctl lab run`.
pub(crate) fn run(args: &LabRun) -> Result<Exit, Failure> {
    let Some(mut inputs) = Inputs::check(args)? else { return Ok(Exit::Input) };
    let mailbox = Mailbox::new(!args.no_progress);
    inputs.job.progress = mailbox.as_ref().map(|mailbox| mailbox.path().to_owned());
    let input = serde_json::to_vec(&inputs.job).map_err(|error| Failure::internal(error.to_string()))?;
    let frames = u32::try_from(inputs.capture.frames).unwrap_or(u32::MAX);
    let limit = TIME_LIMIT + TIME_PER_FRAME.saturating_mul(frames);
    let progress = Progress::new("running", inputs.capture.frames, mailbox.is_some());
    let work = || child::spawn(SCENARIO.name, &input, limit);
    let end = match &mailbox {
        Some(mailbox) => mailbox.watch(&progress, work),
        None => work(),
    };
    progress.finish();
    let end = end.map_err(|error| Failure::internal(format!("cannot start the lab's process: {error}")))?;
    let outcome = match (end.status, serde_json::from_slice::<Result<Outcome, Stopped>>(&end.output)) {
        (Status::Ok, Ok(Ok(outcome))) => Some(outcome),
        (Status::Ok, Ok(Err(stopped))) if stopped.input => return Err(Failure::input(stopped.message)),
        (Status::Ok, Ok(Err(stopped))) => {
            return Err(Failure::internal(stopped.message).hint(log_hint(&end.log)));
        }
        (Status::Ok, Err(error)) => {
            let failure = Failure::internal(format!("the lab gave no result: {error}"));
            return Err(failure.hint(log_hint(&end.log)));
        }
        _ => None,
    };
    if let Some(output) = inputs.output.as_mut().filter(|_| outcome.is_some()) {
        output.keep();
    }
    let (exit, verifier) = verdict(&end);
    let (driver, frames) = outcome.map(|outcome| (outcome.driver, outcome.frames)).unzip();
    let mut report = Report {
        schema: SCHEMA,
        command: "lab run",
        capture: inputs.capture,
        local: inputs.local,
        image: inputs.job.driver.display().to_string(),
        policy_file: args.policy.as_ref().map(|path| path.display().to_string()),
        driver,
        frames,
        verifier,
        summary: String::new(),
    };
    report.summary = summary(&report, end.status);
    if args.json {
        output::print_json(&report)?;
    } else {
        let (style, width) = output::terminal();
        output::print(&view::render(&report, style, width))?;
    }
    if exit == Exit::Internal && report.verifier.findings.is_empty() {
        output::complain(&end.log);
    }
    Ok(exit)
}

/// The last line of what the child printed, as a hint.
fn log_hint(log: &str) -> String {
    match log.lines().rev().find(|line| !line.trim().is_empty()) {
        Some(line) => format!("the lab's last words: {}", text::printable(line)),
        None => "the lab said nothing".into(),
    }
}

/// How a run ends for scripts, and what the checks found.
fn verdict(end: &child::Exit) -> (Exit, Verifier) {
    let findings = end.report.findings.iter().cloned().map(|finding| Finding {
        rule: finding.rule,
        rule_text: finding.rule_text,
        source: finding.source,
        bug_check: finding.bug_check.map(|check| BugCheck { code: check.code, name: check.name }),
        text: finding.text,
        processor: finding.processor,
        irql: finding.irql,
        routine: finding.routine,
        export: finding.export,
        caller: finding.caller,
        stack: finding.stack,
        nbls: finding.nbls,
        calls: finding.calls.iter().map(ToString::to_string).collect(),
    });
    let leaks = end.report.leaks.iter().cloned();
    let leaks = leaks.map(|leak| Leak { rule: leak.rule, what: leak.what, creator: leak.creator });
    let (findings, leaks) = (findings.collect::<Vec<_>>(), leaks.collect::<Vec<_>>());
    let (exit, verdict) = match end.status {
        Status::Ok if findings.is_empty() && leaks.is_empty() => (Exit::Success, "no finding"),
        Status::Ok if findings.is_empty() => (Exit::Driver, "leak"),
        Status::Ok | Status::Verifier => (Exit::Driver, "finding"),
        Status::BugCheck => (Exit::Driver, "bug check"),
        _ => (Exit::Internal, "unfinished"),
    };
    (exit, Verifier { verdict, findings, leaks })
}

/// The closing sentence.
fn summary(report: &Report, status: Status) -> String {
    let verifier = &report.verifier;
    let findings = match (verifier.verdict, status) {
        ("no finding", _) => "Driver Verifier rules: no finding.".to_owned(),
        ("leak", _) => format!("The driver left {} behind.", count(verifier.leaks.len() as u64, "object")),
        ("finding", _) => "The driver broke a rule of Driver Verifier.".to_owned(),
        ("bug check", _) => "The driver stopped the machine with a bug check.".to_owned(),
        (_, Status::Timeout) => "The run took too long and was ended.".to_owned(),
        (_, Status::Signal(signal)) => format!("The lab's process was ended by signal {signal}."),
        (_, Status::Unresolved) => {
            "The driver needs a system function that the lab does not have.".to_owned()
        }
        _ => "The lab itself failed.".to_owned(),
    };
    match &report.frames {
        Some(frames) => format!("{} {findings}", traffic(report, frames)),
        None => findings,
    }
}

/// `312 frames in, 270 through, 42 blocked (42 by rule 'no-telemetry').`
fn traffic(report: &Report, frames: &Frames) -> String {
    let through = frames.to_wire + frames.to_stack + frames.to_stack_malformed;
    let blocked = frames.blocked_by_filter + frames.blocked_by_ale;
    let mut by = report.drops();
    by.sort_by_key(|drops| std::cmp::Reverse(drops.filter + drops.ale));
    let by = by.iter().filter(|drops| drops.filter + drops.ale > 0);
    let by = by.map(|drops| format!("{} by {}", drops.filter + drops.ale, drops.by)).collect::<Vec<_>>();
    let mut text = format!("{} in, {through} through, {blocked} blocked", count(frames.total, "frame"));
    if blocked > 0 && !by.is_empty() {
        text += &format!(" ({})", text::list(&by));
    }
    if frames.to_stack_malformed > 0 {
        text += &format!("; {} malformed, let through and dropped by the stack", frames.to_stack_malformed);
    }
    if frames.held > 0 {
        text += &format!("; {} still held by the driver", frames.held);
    }
    text + "."
}
