//! Questions to the agent: flows that wait until somebody says whether they may exist.
//!
//! A question begins when ALE asks about a flow that a rule with `ask` decides, and ends exactly once: by an answer,
//! by its deadline, because the agent left, or because the driver withdraws it. [`Table`] holds those that are open,
//! in fixed memory; the caller serialises access with a lock and does what follows from the end of a question after
//! it has released that lock.

mod packet;
mod places;
mod table;

use crate::flow::{FlowKey, Owner, Side};
use crate::{Action, Direction, Time};

pub use packet::restore;
pub use places::Place;
pub use table::{Agent, Due, Refusal, Settled, Table};

/// What is asked about: a flow, and the rule that wants an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Id of the flow record.
    pub flow: u64,
    /// Its key.
    pub key: FlowKey,
    /// The side of the key that is this machine.
    pub local: Side,
    /// Who opens the flow: `Send` for this machine.
    pub origin: Direction,
    /// Who owns it.
    pub owner: Owner,
    /// LUID of the interface, 0 when unknown.
    pub interface_luid: u64,
    /// Index of the rule.
    pub rule: u32,
    /// Generation of the policy that the rule belongs to.
    pub generation: u32,
    /// What happens without an answer.
    pub fallback: Action,
    /// How long the agent has, in units of [`Time`].
    pub timeout: u64,
}

/// Number of a question: never used twice while the driver runs, and never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(pub u64);

impl Id {
    fn new(place: u32, generation: u32) -> Self {
        Self(u64::from(generation) << 32 | u64::from(place))
    }

    fn place(self) -> u32 {
        self.0 as u32
    }

    fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// How a question ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The agent answered.
    Answered,
    /// No answer came in time.
    TimedOut,
    /// The agent closed its handle.
    AgentGone,
    /// The driver stops, or the filtering platform does.
    Withdrawn,
}

macro_rules! events {
    ($($(#[$meta:meta])* $name:ident => $text:literal,)*) => {
        /// What is counted about questions.
        ///
        /// `Asked` = `Permitted` + `Blocked` + `TimedOut` + `AgentGone` + `Withdrawn` + those still open. Flows of
        /// rules with `ask` that were never asked about are in `NoAgent`, `Full` or `Unaskable`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Event {
            $($(#[$meta])* $name,)*
        }

        impl Event {
            /// All events, in the order of their numbers.
            pub const ALL: &'static [Event] = &[$(Event::$name,)*];

            /// Name in status output.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Event::$name => $text,)*
                }
            }
        }
    };
}

events! {
    /// Questions that began.
    Asked => "asked",
    /// The agent permitted.
    Permitted => "permitted",
    /// The agent blocked.
    Blocked => "blocked",
    /// No answer came in time: the fallback.
    TimedOut => "timed-out",
    /// The agent left: the fallback.
    AgentGone => "agent-gone",
    /// The driver or the filtering platform stopped: the fallback.
    Withdrawn => "withdrawn",
    /// Nobody was there to be asked: the fallback.
    NoAgent => "no-agent",
    /// Too many questions were open: the fallback.
    Full => "full",
    /// The authorisation could not be put off (no right to decide, no memory, refused by the platform): the fallback.
    Unaskable => "unaskable",
    /// Answers to questions that had ended already, or that nobody asked.
    Late => "late",
    /// Packets kept until an answer comes.
    Held => "held",
    /// Packets that went on after a permit.
    Resent => "resent",
    /// Packets that were dropped instead: the flow was blocked, there was no room, or no way on.
    HeldDropped => "held-dropped",
}

/// Numbers of [`Event`]s.
pub const EVENTS: usize = Event::ALL.len();

impl Question {
    /// The action for an end without an answer.
    fn settle(&self, answer: Option<Action>) -> Action {
        answer.unwrap_or(self.fallback)
    }

    /// When the time for an answer is over.
    fn deadline(&self, now: Time) -> Time {
        Time(now.0.saturating_add(self.timeout))
    }
}
