//! The parent's side: one child for each place, until no new place appears.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use super::{Plan, Record, Site};
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

    /// Whether the refusal happened, and the driver took it well: no rule broken, nothing left behind.
    pub fn is_clean(&self) -> bool {
        self.exit.status == Status::Ok && self.exit.report.is_clean() && self.record().refused
    }
}

/// Calls of imported functions in the driver's code.
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
            "{reached} of {all} calls of imports made ({percent} %): {plain} without a refusal, {error_paths} only on \
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

/// Runs the scenario `run` once for each place.
pub fn sweep(mut run: impl FnMut(Plan) -> Exit) -> Sweep {
    let plain = run(Plan::Watch);
    let mut known = BTreeSet::new();
    let mut waiting: VecDeque<(Site, bool)> = VecDeque::new();
    let mut discover = |exit: &Exit, on_error_path: bool, waiting: &mut VecDeque<_>| {
        for site in exit.report.faults.iter().flat_map(|record| &record.sites) {
            if known.insert(site.place) {
                waiting.push_back((site.clone(), on_error_path));
            }
        }
    };
    discover(&plain, false, &mut waiting);
    let mut outcomes = Vec::new();
    while let Some((site, on_error_path)) = waiting.pop_front() {
        let exit = run(Plan::Refuse(site.place));
        discover(&exit, true, &mut waiting);
        outcomes.push(Outcome { site, on_error_path, exit });
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

    /// Which calls of imports in the driver's code were made.
    pub fn coverage(&self) -> Coverage {
        self.covered().0
    }

    /// The calls of imports that no run made.
    pub fn never_made(&self) -> Vec<String> {
        let (_, made) = self.covered();
        let code = self.plain.report.faults.iter().flat_map(|record| &record.code);
        code.filter(|(offset, _)| !made.contains(offset)).map(|(_, text)| text.clone()).collect()
    }

    fn covered(&self) -> (Coverage, BTreeSet<u32>) {
        let code = self.plain.report.faults.iter().flat_map(|record| &record.code);
        let all: BTreeSet<u32> = code.map(|(offset, _)| *offset).collect();
        let calls = |exit: &Exit| -> BTreeSet<u32> {
            let calls = exit.report.faults.iter().flat_map(|record| record.calls.iter().copied());
            calls.filter(|call| all.contains(call)).collect()
        };
        let plain = calls(&self.plain);
        let refused: BTreeSet<u32> = self.outcomes.iter().flat_map(|outcome| calls(&outcome.exit)).collect();
        let error_paths = refused.difference(&plain).count();
        let coverage = Coverage { all: all.len(), plain: plain.len(), error_paths };
        (coverage, plain.union(&refused).copied().collect())
    }
}

impl fmt::Display for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
            writeln!(f, "\ncalls of imports that no run made:")?;
        }
        for call in never {
            writeln!(f, "     {call}")?;
        }
        writeln!(f, "\n{}", self.coverage())?;
        let clean = self.outcomes.iter().filter(|outcome| outcome.is_clean()).count();
        let late = self.outcomes.iter().filter(|outcome| outcome.on_error_path).count();
        let leaks: usize = self.outcomes.iter().map(|outcome| outcome.exit.report.leaks.len()).sum();
        write!(
            f,
            "{} places ({late} of them, marked *, found only on error paths), {clean} failed cleanly, {leaks} leaks",
            self.outcomes.len()
        )
    }
}
