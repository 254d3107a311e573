//! What the compiler has to say about a policy text, and where.

use std::fmt;
use std::ops::Range;

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The policy compiles, but probably does not do what its author wants.
    Warning,
    /// The policy does not compile.
    Error,
}

/// Something to say about a place in the policy text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{}:{}: {severity}: {}", self.line, self.column, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Collects diagnostics about one text.
pub(super) struct Sink<'t> {
    text: &'t str,
    found: Vec<(usize, Diagnostic)>,
}

impl<'t> Sink<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, found: Vec::new() }
    }

    pub(super) fn error(&mut self, span: Range<usize>, problem: impl Into<Problem>) {
        self.push(Severity::Error, &span, problem.into());
    }

    pub(super) fn warning(&mut self, span: Range<usize>, problem: impl Into<Problem>) {
        self.push(Severity::Warning, &span, problem.into());
    }

    /// Line and column of a byte offset, both from 1.
    pub(super) fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset.min(self.text.len())).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).unwrap_or("").chars().count() + 1;
        (before.matches('\n').count() + 1, column)
    }

    pub(super) fn has_errors(&self) -> bool {
        self.found.iter().any(|(_, diagnostic)| diagnostic.severity == Severity::Error)
    }

    /// All diagnostics in the order of the text.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|(offset, _)| *offset);
        self.found.into_iter().map(|(_, diagnostic)| diagnostic).collect()
    }

    fn push(&mut self, severity: Severity, span: &Range<usize>, problem: Problem) {
        let (line, column) = self.position(span.start);
        let Problem { message, hint } = problem;
        self.found.push((span.start, Diagnostic { severity, line, column, message, hint }));
    }
}

/// What is wrong, and perhaps a way out.
#[derive(Debug)]
pub(super) struct Problem {
    message: String,
    hint: Option<String>,
}

impl Problem {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()) }
    }

    /// `word` is none of `known`: suggests the nearest, or lists them all.
    pub(super) fn unknown(what: &str, word: &str, known: &[&str]) -> Self {
        let hint = match nearest(word, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known: {}", known.join(", ")),
        };
        Self::new(format!("unknown {what} `{word}`"), hint)
    }
}

impl From<String> for Problem {
    fn from(message: String) -> Self {
        Self { message, hint: None }
    }
}

/// The word of `known` that `word` is probably meant to be.
fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let word = word.to_lowercase().replace('_', "-");
    let limit = (word.chars().count() / 3).max(1);
    known
        .iter()
        .map(|candidate| (distance(&word, candidate), *candidate))
        .filter(|(distance, candidate)| {
            *distance <= limit
                || (word.len() >= 3 && (candidate.starts_with(&word) || word.starts_with(candidate)))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits between two words, a swap of neighbours counting as one (optimal string alignment).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    let mut previous = None;
    for (row, l) in left.chars().enumerate() {
        let mut line = vec![row + 1];
        for (column, r) in right.iter().enumerate() {
            let at = |cells: &[usize], index: usize| cells.get(index).copied().unwrap_or(usize::MAX - 1);
            let change = at(&above, column) + usize::from(l != *r);
            let mut cost = change.min(at(&above, column + 1) + 1).min(at(&line, column) + 1);
            let swapped = column > 0 && previous == Some(*r) && right.get(column - 1) == Some(&l);
            if swapped {
                cost = cost.min(at(&before, column - 1) + 1);
            }
            line.push(cost);
        }
        before = above;
        above = line;
        previous = Some(l);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_distances() {
        assert_eq!(distance("port", "port"), 0);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("prot", "port"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn the_nearest_word_is_near() {
        let known = ["remote", "remote-port", "local", "protocol"];
        assert_eq!(nearest("remote_port", &known), Some("remote-port"));
        assert_eq!(nearest("protocoll", &known), Some("protocol"));
        assert_eq!(nearest("Lcoal", &known), Some("local"));
        assert_eq!(nearest("proto", &known), Some("protocol"));
        assert_eq!(nearest("colour", &known), None);
    }

    #[test]
    fn positions_count_characters() {
        let sink = Sink::new("a = 1\nü = \"x\"\n");
        assert_eq!(sink.position(0), (1, 1));
        assert_eq!(sink.position(6), (2, 1));
        assert_eq!(sink.position(8), (2, 2));
        assert_eq!(sink.position(1000), (3, 1));
    }
}
