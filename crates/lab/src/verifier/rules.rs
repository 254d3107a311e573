//! The rules: what the lab checks or may be asked to check, with the documentation each comes from.

use std::sync::LazyLock;

/// One rule that drivers have to keep.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its number in reports and tests.
    pub id: &'static str,
    /// What it asks for.
    pub text: &'static str,
    /// The documentation pages it comes from.
    pub source: &'static str,
    /// How Windows names the violation (bug check / code), if it has a name for it.
    pub windows: &'static str,
    /// Whether the lab checks it, and what shows that.
    pub check: Check,
}

/// Whether the lab checks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// It does. Tests are named `binary::test`, several are separated by spaces.
    Enforced {
        /// Tests of drivers that break exactly this rule.
        faulty: &'static str,
        /// Tests of drivers that do the same thing rightly.
        clean: &'static str,
    },
    /// It does not, for this reason.
    Unchecked(&'static str),
    /// Nobody has said yet, which a test does not let pass.
    Unknown,
}

impl Rule {
    /// Whether the lab checks the rule.
    pub fn is_enforced(&self) -> bool {
        matches!(self.check, Check::Enforced { .. })
    }

    /// The group of rules that it belongs to, by the letters of its number.
    pub fn group(&self) -> &'static str {
        match self.id.split('-').next() {
            Some("G") => "Kernel",
            Some("N") => "NDIS",
            Some("F" | "WV" | "MV" | "HV") => "Filtering platform, WSK, NMR and IP Helper",
            Some("K" | "KV") => "Driver framework",
            _ => "The lab's own",
        }
    }
}

fn lines(table: &'static str) -> impl Iterator<Item = [&'static str; 4]> {
    table.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut columns = line.split('\t');
        std::array::from_fn(|_| columns.next().unwrap_or_default())
    })
}

/// What `cases.tsv` says about the rule called `id`.
fn check(id: &str) -> Check {
    match lines(include_str!("cases.tsv")).find(|[rule, ..]| *rule == id) {
        Some([_, "", "", reason]) => Check::Unchecked(reason),
        Some([_, faulty, clean, _]) => Check::Enforced { faulty, clean },
        None => Check::Unknown,
    }
}

/// All rules, in the order of the table `rules.tsv`.
pub static ALL: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    lines(include_str!("rules.tsv"))
        .map(|[id, text, source, windows]| Rule { id, text, source, windows, check: check(id) })
        .collect()
});

/// The table of all rules for `docs/lab.md`: rule, contract, and the drivers that show that it is checked.
pub fn markdown() -> String {
    let mut text = String::new();
    let mut group = "";
    for rule in ALL.iter() {
        if rule.group() != group {
            group = rule.group();
            text += &format!(
                "\n### {group}\n\n| Rule | Contract | Windows | Faulty driver | Clean twin |\n|---|---|---|---|---|\n"
            );
        }
        let cell = |text: &str| text.replace('|', "\\|").replace('<', "&lt;");
        let names =
            |names: &str| names.split(' ').map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let proof = match rule.check {
            Check::Enforced { faulty, clean } => format!("{} | {}", names(faulty), names(clean)),
            Check::Unchecked(reason) => format!("not checked: {} |", cell(reason)),
            Check::Unknown => "unknown |".into(),
        };
        let (id, asks) = (rule.id, cell(rule.text));
        text += &format!("| **{id}** {asks} | {} | {} | {proof} |\n", cell(rule.source), cell(rule.windows));
    }
    text
}

/// The rule called `id`.
pub fn find(id: &str) -> Option<&'static Rule> {
    ALL.iter().find(|rule| rule.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_own_number_a_text_and_a_source() {
        for (i, rule) in ALL.iter().enumerate() {
            assert!(!rule.id.is_empty() && !rule.text.is_empty() && !rule.source.is_empty(), "{rule:?}");
            assert!(ALL[..i].iter().all(|other| other.id != rule.id), "{} twice", rule.id);
        }
        assert_eq!(find("G-3").unwrap().windows.split(';').next_back(), Some(" C5"));
        assert!(find("G-999").is_none());
    }
}
