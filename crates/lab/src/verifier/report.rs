//! What a machine reports about its run.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::bugcheck::BugCheck;
use crate::ndis::owner;
use crate::trace::{self, TracedCall};
use crate::{cpu, fault};

/// A broken rule, a bug check or a failure of the lab.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's number, or the kind of end (`BUGCHECK-0xD1`, `UNRESOLVED`).
    pub rule: String,
    /// What the rule asks for.
    pub rule_text: String,
    /// Where the rule comes from.
    pub source: String,
    /// The bug check with which Windows ends, if it has one for this.
    #[serde(default)]
    pub bug_check: Option<BugCheck>,
    /// What happened.
    pub text: String,
    /// The processor on which it happened.
    #[serde(default)]
    pub processor: u32,
    /// The IRQL at which it happened.
    #[serde(default)]
    pub irql: u8,
    /// The driver's routine that NDIS, the framework or another part of the system had called, if any.
    #[serde(default)]
    pub routine: Option<String>,
    /// The export that the driver had called, if any.
    pub export: Option<String>,
    /// The driver's call, as `image!function (file:line)`.
    pub caller: Option<String>,
    /// The driver's stack, innermost first.
    pub stack: Vec<String>,
    /// The NBLs of which the text speaks: who made, owns and gave each.
    #[serde(default)]
    pub nbls: Vec<String>,
    /// The last calls of all drivers, the oldest first.
    #[serde(default)]
    pub calls: Vec<TracedCall>,
}

impl Finding {
    /// A finding in the call that the current thread's driver has open.
    pub fn here(rule: &str, text: &str) -> Self {
        let known = super::rule(rule);
        let call = cpu::current_call();
        let mut stack: Vec<String> =
            call.map(super::trace).unwrap_or_default().into_iter().map(super::locate).collect();
        stack.truncate(64);
        Self {
            rule: rule.into(),
            rule_text: known.map(|rule| rule.text.into()).unwrap_or_default(),
            source: known.map(|rule| rule.source.into()).unwrap_or_default(),
            bug_check: known.and_then(|rule| BugCheck::of_rule(rule.windows)),
            text: text.into(),
            processor: if cpu::ready() { cpu::number() } else { 0 },
            irql: if cpu::ready() { cpu::irql() } else { cpu::PASSIVE },
            routine: Some(super::innermost_callback()).filter(|routine| !routine.is_empty()),
            export: call.and_then(|call| call.meta).map(|meta| format!("{}!{}", meta.dll, meta.name)),
            caller: call.map(|call| super::locate(call.caller)),
            stack,
            nbls: owner::named_in(text),
            calls: trace::for_report(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "lab: {}: {}", self.rule, self.text)?;
        if !self.rule_text.is_empty() {
            writeln!(f, "  rule:   {} [{}]", self.rule_text, self.source)?;
        }
        if let Some(check) = &self.bug_check {
            writeln!(f, "  stop:   {check}")?;
        }
        writeln!(f, "  on:     processor {} at IRQL {}", self.processor, self.irql)?;
        if let Some(routine) = &self.routine {
            writeln!(f, "  during: {routine}")?;
        }
        if let Some(export) = &self.export {
            writeln!(f, "  in:     {export}")?;
        }
        if let Some(caller) = &self.caller {
            writeln!(f, "  caller: {caller}")?;
        }
        for frame in &self.stack {
            writeln!(f, "  stack:  {frame}")?;
        }
        for nbl in &self.nbls {
            writeln!(f, "  owner:  {nbl}")?;
        }
        if !self.calls.is_empty() {
            writeln!(f, "  the last {} calls:", self.calls.len())?;
        }
        for call in &self.calls {
            writeln!(f, "    {call}")?;
        }
        Ok(())
    }
}

/// Something that a driver has left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leak {
    /// The rule that it breaks.
    pub rule: String,
    /// What it is.
    pub what: String,
    /// The driver's call that created it.
    pub creator: String,
}

/// Everything that a run has to say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Broken rules and bug checks; the machine stops at the first.
    pub findings: Vec<Finding>,
    /// Broken rules that the test said this driver breaks (see [`crate::Options::excused`]).
    #[serde(default)]
    pub excused: Vec<Finding>,
    /// What was left behind after the last unload.
    pub leaks: Vec<Leak>,
    /// Counters by name.
    pub counters: BTreeMap<String, u64>,
    /// What a run of a fault sweep came by.
    #[serde(default)]
    pub faults: Option<fault::Record>,
}

impl Report {
    /// A report of nothing.
    pub const fn new() -> Self {
        Self {
            findings: Vec::new(),
            excused: Vec::new(),
            leaks: Vec::new(),
            counters: BTreeMap::new(),
            faults: None,
        }
    }

    /// Whether no rule was broken and nothing left behind.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.leaks.is_empty()
    }
}
