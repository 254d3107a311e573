//! The parent's side: one child for each place, until no new place appears.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use super::{CodeSite, Plan, Record, Site};
use crate::child::{Exit, Status};

/// What came of refusing one place.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The place.
    pub site: Site,
    /// Whether only a run with another refusal came by it.
    pub on_error_path: bool,
    /// How the child ended.
    pub exit: Exit,
}

impl Outcome {
    fn record(&self) -> Record {
        self.exit.report.faults.clone().unwrap_or_default()
    }

    /// How much was left behind. A DriverEntry that fails and leaves something ends the machine at the first of it (G-41).
    fn leaks(&self) -> usize {
        let report = &self.exit.report;
        report.leaks.len() + report.findings.iter().filter(|finding| finding.rule == "G-41").count()
    }

    /// Whether the refusal happened, and the driver took it well: no rule broken, nothing left behind.
    pub fn is_clean(&self) -> bool {
        self.exit.status == Status::Ok && self.exit.report.is_clean() && self.record().refused
    }
}

/// Calls of imported functions and of the framework in the driver's code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// All that the image has.
    pub all: usize,
    /// Those that the run without a refusal came by.
    pub plain: usize,
    /// Those that only runs with a refusal came by.
    pub error_paths: usize,
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { all, plain, error_paths } = self;
        let reached = plain + error_paths;
        let percent = (100 * reached).checked_div(*all).unwrap_or(0);
        write!(
            f,
            "{reached} of {all} calls of the kernel made ({percent} %): {plain} without a refusal, {error_paths} only on \
             error paths"
        )
    }
}

/// A whole sweep.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The run without a refusal.
    pub plain: Exit,
    /// One for each place, in the order of their discovery.
    pub outcomes: Vec<Outcome>,
}

/// Runs the scenario `run` once for each place. A place that only an error path comes by is refused together with those
/// whose refusals led there.
pub fn sweep(mut run: impl FnMut(Plan) -> Exit) -> Sweep {
    let plain = run(Plan::Watch);
    let mut known = BTreeSet::new();
    let mut waiting: VecDeque<(Site, Vec<u64>)> = VecDeque::new();
    let mut discover = |exit: &Exit, refused: &[u64], waiting: &mut VecDeque<_>| {
        for site in exit.report.faults.iter().flat_map(|record| &record.sites) {
            if known.insert(site.place) {
                waiting.push_back((site.clone(), [refused, &[site.place]].concat()));
            }
        }
    };
    discover(&plain, &[], &mut waiting);
    let mut outcomes = Vec::new();
    while let Some((site, places)) = waiting.pop_front() {
        let exit = run(Plan::Refuse(places.clone()));
        discover(&exit, &places, &mut waiting);
        outcomes.push(Outcome { site, on_error_path: places.len() > 1, exit });
    }
    Sweep { plain, outcomes }
}

impl Sweep {
    /// Whether the run without a refusal and all others were clean.
    pub fn is_clean(&self) -> bool {
        self.plain.status == Status::Ok
            && self.plain.report.is_clean()
            && self.outcomes.iter().all(Outcome::is_clean)
    }

    /// Which calls of the lab in the driver's code were made.
    pub fn coverage(&self) -> Coverage {
        let count = |calls: &Calls| self.code().iter().filter(|site| calls.has(site)).count();
        let plain = count(&Calls::of(self.code(), [&self.plain]));
        Coverage { all: self.code().len(), plain, error_paths: count(&self.calls()) - plain }
    }

    /// The calls of the lab in the driver's code that no run made.
    pub fn never_made(&self) -> Vec<String> {
        let made = self.calls();
        let never = self.code().iter().filter(|site| !made.has(site));
        never.map(|site| format!("{}: {}", site.export, site.text)).collect()
    }

    /// The functions that the driver called and was never refused: those that cannot fail, or that the lab does not
    /// make fail.
    pub fn never_refused(&self) -> BTreeSet<String> {
        let refused: BTreeSet<&str> =
            self.outcomes.iter().map(|outcome| outcome.site.export.as_str()).collect();
        self.calls().made.into_keys().filter(|export| !refused.contains(export.as_str())).collect()
    }

    fn code(&self) -> &[CodeSite] {
        self.plain.report.faults.as_ref().map_or(&[], |record| &record.code)
    }

    fn calls(&self) -> Calls {
        Calls::of(self.code(), self.outcomes.iter().map(|outcome| &outcome.exit).chain([&self.plain]))
    }
}

/// The calls that some runs made.
struct Calls {
    /// The offsets of the return addresses, by export.
    made: BTreeMap<String, BTreeSet<Option<u32>>>,
    /// The exports that were called from elsewhere than the calls in the code: by jumps.
    jumped: BTreeSet<String>,
}

impl Calls {
    fn of<'a>(code: &[CodeSite], exits: impl IntoIterator<Item = &'a Exit>) -> Self {
        let known: BTreeSet<u32> = code.iter().filter(|site| !site.jump).map(|site| site.offset).collect();
        let mut calls = Self { made: BTreeMap::new(), jumped: BTreeSet::new() };
        let records = exits.into_iter().filter_map(|exit| exit.report.faults.as_ref());
        for call in records.flat_map(|record| &record.calls) {
            calls.made.entry(call.export.clone()).or_default().insert(call.offset);
            if call.offset.is_none_or(|offset| !known.contains(&offset)) {
                calls.jumped.insert(call.export.clone());
            }
        }
        calls
    }

    /// Whether the call at `site` was made. Jumps to the same export are not told apart.
    fn has(&self, site: &CodeSite) -> bool {
        let made = || self.made.get(&site.export).is_some_and(|offsets| offsets.contains(&Some(site.offset)));
        if site.jump { self.jumped.contains(&site.export) } else { made() }
    }
}

impl fmt::Display for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.plain.status != Status::Ok || !self.plain.report.is_clean() {
            let Exit { status, report, log, .. } = &self.plain;
            writeln!(f, "FAILED without a refusal: {status:?}, leaks {:#?}\n{log}", report.leaks)?;
        }
        let mut by_outcome: BTreeMap<String, usize> = BTreeMap::new();
        for (number, outcome) in (1..).zip(&self.outcomes) {
            let record = outcome.record();
            let mark = match (outcome.is_clean(), outcome.on_error_path) {
                (false, _) => "FAILED",
                (true, true) => "clean*",
                (true, false) => "clean ",
            };
            let told = if record.outcome.is_empty() { "the run did not end".into() } else { record.outcome };
            let innermost = outcome.site.stack.first().map_or("", String::as_str);
            writeln!(f, "{number:>4} {mark} {}: {told}", outcome.site.export)?;
            writeln!(f, "            {innermost}")?;
            if !outcome.is_clean() {
                writeln!(f, "            {:?}, leaks {:#?}", outcome.exit.status, outcome.exit.report.leaks)?;
                writeln!(f, "{}", outcome.exit.log)?;
            }
            *by_outcome.entry(told).or_default() += 1;
        }
        writeln!(f)?;
        for (told, count) in by_outcome {
            writeln!(f, "{count:>4} x {told}")?;
        }
        let never = self.never_made();
        if !never.is_empty() {
            writeln!(f, "\ncalls of the kernel that no run made:")?;
        }
        for call in never {
            writeln!(f, "     {call}")?;
        }
        let never: Vec<String> = self.never_refused().into_iter().collect();
        writeln!(f, "\ncalled and never refused: {}", never.join(", "))?;
        writeln!(f, "\n{}", self.coverage())?;
        let clean = self.outcomes.iter().filter(|outcome| outcome.is_clean()).count();
        let late = self.outcomes.iter().filter(|outcome| outcome.on_error_path).count();
        let leaks: usize = self.outcomes.iter().map(Outcome::leaks).sum();
        write!(
            f,
            "{} places ({late} of them, marked *, found only on error paths), {clean} failed cleanly, {leaks} leaks",
            self.outcomes.len()
        )
    }
}
