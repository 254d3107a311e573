//! Actions of the policy language, and the keys that belong to them.

use std::ops::Range;

use super::amount;
use super::diagnostic::Problem;
use super::treatment::{Ask, Mark, Treatment};
use crate::limit::{Excess, Limit, MILLISECOND, Scope, Unit};

/// A word of `action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Permit,
    Block,
    Reject,
    RateLimit,
    Mark,
    Tap,
    Ask,
}

pub(super) const ACTIONS: &[(&str, Word)] = &[
    ("permit", Word::Permit),
    ("block", Word::Block),
    ("reject", Word::Reject),
    ("rate-limit", Word::RateLimit),
    ("mark", Word::Mark),
    ("tap", Word::Tap),
    ("ask", Word::Ask),
];

/// What shares a limit.
pub(super) const SCOPES: &[(&str, Scope)] = &[("rule", Scope::Rule), ("flow", Scope::Flow)];
/// What happens over a limit: whether frames wait.
pub(super) const EXCESSES: &[(&str, bool)] = &[("drop", false), ("delay", true)];

/// What becomes of a flow without an answer: whether it is blocked.
pub(super) const FALLBACKS: &[(&str, bool)] = &[("permit", false), ("block", true)];

/// How long the agent has, when the rule does not say, in milliseconds.
const USUAL_TIMEOUT: u32 = 30_000;
/// How long a delayed frame waits at most, when the rule does not say, in milliseconds.
const USUAL_DELAY: u32 = 100;
/// Keys that mean something with one action only.
const BELONGS: &[(&str, Word)] = &[
    ("rate", Word::RateLimit),
    ("burst", Word::RateLimit),
    ("per", Word::RateLimit),
    ("over", Word::RateLimit),
    ("max-delay", Word::RateLimit),
    ("dscp", Word::Mark),
    ("priority", Word::Mark),
    ("fallback", Word::Ask),
    ("timeout", Word::Ask),
];

/// Where a problem is.
#[derive(Debug)]
pub(super) enum Place {
    /// At a key of the rule; at the rule when it has no such key.
    Key(&'static str),
    Span(Range<usize>),
}

impl Place {
    pub(super) fn span(self, at: &impl Fn(&str) -> Range<usize>) -> Range<usize> {
        match self {
            Place::Key(key) => at(key),
            Place::Span(span) => span,
        }
    }
}

/// What a rule says about its action, as far as it could be read.
#[derive(Debug, Default)]
pub(super) struct Settings {
    words: Vec<Word>,
    at: Range<usize>,
    pub(super) rate: Option<(Unit, u64)>,
    pub(super) burst: Option<(Unit, u64)>,
    pub(super) per: Option<Scope>,
    pub(super) over: Option<bool>,
    pub(super) max_delay: Option<u32>,
    pub(super) dscp: Option<u8>,
    pub(super) priority: Option<u8>,
    pub(super) fallback: Option<bool>,
    pub(super) timeout: Option<u32>,
}

impl Settings {
    /// The words of `action`, and where they stand.
    pub(super) fn action(&mut self, words: &[Word], at: Range<usize>) {
        words.clone_into(&mut self.words);
        self.at = at;
    }

    /// Whether the rule blocks, and its treatment; else what does not fit together. `present` tells whether the
    /// rule has a key, readable or not.
    pub(super) fn resolve(
        &self,
        present: &impl Fn(&str) -> bool,
    ) -> Result<(bool, Treatment), Vec<(Place, Problem)>> {
        let mut wrong = Vec::new();
        if self.words.is_empty() {
            // Said already, or without an action there is nothing to compare with.
            return Ok((false, Treatment::default()));
        }
        self.check_words(&mut wrong);
        for (key, word) in BELONGS {
            if present(key) && !self.has(*word) {
                let problem = Problem::new(
                    format!("`{key}` means nothing here"),
                    format!("it belongs to action = \"{}\"", name(*word)),
                );
                wrong.push((Place::Key(key), problem));
            }
        }
        if self.has(Word::RateLimit) && !present("rate") {
            let problem = Problem::new("this rule does not say which rate", "add rate = \"10 Mbit/s\"");
            wrong.push((Place::Key("action"), problem));
        }
        if self.has(Word::Mark) && !present("dscp") && !present("priority") {
            let problem = Problem::new(
                "this rule does not say which mark",
                "add dscp = \"af21\" or priority = 5, or both",
            );
            wrong.push((Place::Key("action"), problem));
        }
        if present("max-delay") && self.has(Word::RateLimit) && self.over != Some(true) {
            let problem = Problem::new("`max-delay` means nothing here", "it belongs to over = \"delay\"");
            wrong.push((Place::Key("max-delay"), problem));
        }
        let limit = self.limit(&mut wrong);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let treatment = Treatment {
            reject: self.has(Word::Reject),
            tap: self.has(Word::Tap),
            mark: Mark { priority: self.priority, dscp: self.dscp },
            limit,
            ask: self.has(Word::Ask).then(|| Ask { timeout_ms: self.timeout.unwrap_or(USUAL_TIMEOUT) }),
        };
        let blocks = self.has(Word::Block) || self.has(Word::Reject);
        Ok((if self.has(Word::Ask) { self.fallback.unwrap_or(true) } else { blocks }, treatment))
    }

    fn limit(&self, wrong: &mut Vec<(Place, Problem)>) -> Option<Limit> {
        let (unit, rate) = self.rate?;
        let burst = self.burst.unwrap_or((unit, amount::usual_burst(unit, rate)));
        if let Err(problem) = amount::check_burst((unit, rate), burst) {
            wrong.push((Place::Key("burst"), problem));
        }
        let excess = if self.over == Some(true) {
            Excess::Delay(u64::from(self.max_delay.unwrap_or(USUAL_DELAY)) * MILLISECOND)
        } else {
            Excess::Drop
        };
        Some(Limit { unit, rate, burst: burst.1, scope: self.per.unwrap_or(Scope::Rule), excess })
    }

    /// Of permit, block and reject a rule has one at most, and only a tap goes with the latter two.
    fn check_words(&self, wrong: &mut Vec<(Place, Problem)>) {
        let mut problem = |message: String, hint| {
            wrong.push((Place::Span(self.at.clone()), Problem::new(message, hint)));
        };
        for (index, word) in self.words.iter().enumerate() {
            if self.words.iter().take(index).any(|earlier| earlier == word) {
                problem(format!("action `{}` stands twice", name(*word)), "once is enough");
            }
        }
        let others = |word: &Word| !matches!(word, Word::Ask | Word::Tap);
        if let (true, Some(other)) = (self.has(Word::Ask), self.words.iter().copied().find(others)) {
            problem(
                format!("actions `ask` and `{}` contradict each other", name(other)),
                "the answer says what happens; only tap goes with ask, and what happens without an answer is \
                 the key `fallback`",
            );
            return;
        }
        let one_of = |words: &[Word]| self.words.iter().copied().find(|word| words.contains(word));
        let contradiction = match (one_of(&[Word::Block]), one_of(&[Word::Reject])) {
            (Some(one), Some(other)) => Some((one, other)),
            (stops, None) | (None, stops) => stops.zip(one_of(&[Word::Permit, Word::RateLimit, Word::Mark])),
        };
        if let Some((one, other)) = contradiction {
            problem(
                format!("actions `{}` and `{}` contradict each other", name(one), name(other)),
                "a frame passes (permit, rate-limit, mark) or is stopped (block or reject); tap goes with both",
            );
        }
    }

    fn has(&self, word: Word) -> bool {
        self.words.contains(&word)
    }
}

/// The word in the policy language.
fn name(word: Word) -> &'static str {
    ACTIONS.iter().find(|(_, known)| *known == word).map_or("", |(name, _)| name)
}
