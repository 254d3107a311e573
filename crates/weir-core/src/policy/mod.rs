//! Policy: an ordered list of rules, first match wins, compiled in user mode to an image that the driver
//! verifies.

#[cfg(feature = "std")]
mod action;
#[cfg(feature = "std")]
mod amount;
#[cfg(feature = "std")]
mod compile;
#[cfg(feature = "std")]
mod describe;
#[cfg(feature = "std")]
mod diagnostic;
#[cfg(feature = "std")]
mod encode;
mod evaluate;
mod image;
mod treatment;
#[cfg(feature = "std")]
mod value;

#[cfg(feature = "std")]
pub use compile::{CompileOptions, Compiled, compile};
#[cfg(feature = "std")]
pub use diagnostic::{Diagnostic, Severity};
pub use evaluate::{Decision, Identity, Naming, Query};
pub use image::{Defaults, Failure, Image, PolicyError, RuleView};
pub use treatment::{Ask, Mark, Treatment};

/// Who decided: a rule of the policy by its index, or something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decider {
    /// The rule with this index (its position in the policy file, from 0).
    Rule(u32),
    /// The default of the direction.
    Default,
    /// The filter could not decide; the policy's `failure` setting did.
    Failure,
    /// Nothing: no policy is in force, or the frame passed so that ALE can decide.
    Nothing,
}
