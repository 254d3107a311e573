//! `weirctl lab rules`: the rules that the lab knows, whether it checks them, and what shows that it does.

use lab::verifier::rules::ALL;
use lab::verifier::rules::Check;
use serde::Serialize;

use crate::cli::LabRules;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::output;
use crate::output::Style;
use crate::report::SCHEMA;
use crate::text;

/// Columns before a rule's text.
const INDENT: usize = 8;

/// The whole document.
#[derive(Serialize)]
struct Document {
    schema: u32,
    command: &'static str,
    rules: Vec<Rule>,
}

/// One rule.
#[derive(Serialize)]
struct Rule {
    id: &'static str,
    group: &'static str,
    text: &'static str,
    /// Documentation pages.
    source: &'static str,
    /// Bug check and code, if Windows has a name for the violation.
    windows: Option<&'static str>,
    checked: bool,
    /// Tests of drivers that break it.
    faulty: Vec<&'static str>,
    /// Tests of drivers that do the same thing rightly.
    clean: Vec<&'static str>,
    /// Why it is not checked.
    reason: Option<&'static str>,
}

impl Rule {
    fn of(rule: &lab::verifier::Rule) -> Self {
        let (faulty, clean, reason) = match rule.check {
            Check::Enforced { faulty, clean } => {
                (faulty.split(' ').collect(), clean.split(' ').collect(), None)
            }
            Check::Unchecked(reason) => (Vec::new(), Vec::new(), Some(reason)),
            Check::Unknown => (Vec::new(), Vec::new(), Some("nobody has said yet")),
        };
        Self {
            id: rule.id,
            group: rule.group(),
            text: rule.text,
            source: rule.source,
            windows: (!rule.windows.is_empty()).then_some(rule.windows),
            checked: rule.is_enforced(),
            faulty,
            clean,
            reason,
        }
    }
}

/// `weirctl lab rules`.
pub(crate) fn run(args: &LabRules) -> Result<Exit, Failure> {
    let known = |id: &&String| ALL.iter().any(|rule| rule.id.eq_ignore_ascii_case(id));
    if let Some(unknown) = args.rules.iter().find(|id| !known(id)) {
        let hint = "`weirctl lab rules` without arguments lists them";
        return Err(Failure::input(format!("there is no rule `{}`", text::printable(unknown))).hint(hint));
    }
    let wanted =
        |id: &str| args.rules.is_empty() || args.rules.iter().any(|one| one.eq_ignore_ascii_case(id));
    let rules: Vec<Rule> = ALL.iter().filter(|rule| wanted(rule.id)).map(Rule::of).collect();
    if args.json {
        let document = Document { schema: SCHEMA, command: "lab rules", rules };
        output::print_json(&document)?;
    } else {
        let (style, width) = output::terminal();
        output::print(&render(&rules, !args.rules.is_empty(), style, width))?;
    }
    Ok(Exit::Success)
}

/// The list for people: a rule and whether it is checked; with `details` where it comes from and its tests.
fn render(rules: &[Rule], details: bool, style: Style, width: usize) -> String {
    let mut out = String::new();
    let mut group = "";
    for rule in rules {
        if rule.group != group {
            group = rule.group;
            out += &format!("{}\n", style.strong(group));
        }
        let paragraph = |out: &mut String, text: &str| {
            for line in text::wrap(text, width - INDENT) {
                *out += &format!("{:INDENT$}{line}\n", "");
            }
        };
        let mut lines = String::new();
        paragraph(&mut lines, rule.text);
        // The number stands in front of the first line.
        out += &format!("  {:<width$}{}", rule.id, lines.trim_start(), width = INDENT - 2);
        if let Some(reason) = rule.reason {
            for line in text::wrap(&format!("not checked: {reason}"), width - INDENT) {
                out += &format!("{:INDENT$}{}\n", "", style.weak(&line));
            }
        }
        if details {
            paragraph(&mut out, &format!("documentation: {}", rule.source));
            if let Some(windows) = rule.windows {
                paragraph(&mut out, &format!("on Windows: {windows}"));
            }
            for (title, tests) in [("faulty drivers", &rule.faulty), ("clean twins", &rule.clean)] {
                if !tests.is_empty() {
                    paragraph(&mut out, &format!("{title}: {}", tests.join(" ")));
                }
            }
        }
    }
    let checked = rules.iter().filter(|rule| rule.checked).count();
    out + &format!("{}, {checked} of them checked\n", text::count(rules.len() as u64, "rule"))
}
