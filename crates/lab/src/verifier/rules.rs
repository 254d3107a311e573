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
}

/// All rules, in the order of the table `rules.tsv`.
pub static ALL: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    include_str!("rules.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut columns = line.split('\t');
            let mut next = || columns.next().unwrap_or_default();
            Rule { id: next(), text: next(), source: next(), windows: next() }
        })
        .collect()
});

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
