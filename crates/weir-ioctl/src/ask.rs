//! Questions about flows that wait, and their answers.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::flow::{Origin, Verdict};
use crate::open_enum;

/// A flow that waits for an answer, as a page of [`crate::Control::QUESTIONS`] has it.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct QuestionEntry {
    /// Number of the question, for [`AnswerEntry::id`]; never used twice while the driver runs.
    pub id: u64,
    /// [`crate::FlowEntry::id`] of the flow.
    pub flow: u64,
    /// Process id, 0 when unknown.
    pub process_id: u64,
    /// LUID of the interface, 0 when unknown.
    pub interface_luid: u64,
    /// Local address; IPv4 as IPv4-mapped IPv6.
    pub local_address: [u8; 16],
    /// Remote address; IPv4 as IPv4-mapped IPv6.
    pub remote_address: [u8; 16],
    /// Routing compartment.
    pub compartment: u32,
    /// Rule that asks: an index into the policy of `policy_generation`.
    pub rule: u32,
    /// Generation of the policy that asks.
    pub policy_generation: u32,
    /// Identity of the application image, 0 when unknown (see [`crate::IdentityEntry`]).
    pub image: u32,
    /// Identity of the user, 0 when unknown.
    pub user: u32,
    /// Milliseconds left for an answer.
    pub time_left: u32,
    /// Local port; 0 for protocols without ports.
    pub local_port: u16,
    /// Remote port, likewise.
    pub remote_port: u16,
    /// IP protocol number.
    pub protocol: u8,
    /// IP version, 4 or 6.
    pub ip_version: u8,
    /// Who opens the flow.
    pub origin: Origin,
    /// What happens without an answer.
    pub fallback: Verdict,
}

const _: () = assert!(size_of::<QuestionEntry>() == 96);

/// An answer; the input of [`crate::Control::ANSWER`] is one or more of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct AnswerEntry {
    /// [`QuestionEntry::id`].
    pub id: u64,
    /// [`Verdict::PERMIT`] or [`Verdict::BLOCK`].
    pub verdict: Verdict,
    /// Zero.
    pub reserved: [u8; 7],
}

/// Reply to [`crate::Control::ANSWER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct AnswerReply {
    /// Answers that decided.
    pub accepted: u32,
    /// Answers to questions that had ended already, or that this handle was not asked.
    pub late: u32,
}

open_enum! {
    /// Index into [`AskStatusReply::counters`].
    AskCounterId: u32 {
        /// Questions that began. Each ends in one of the next five, or is still open.
        ASKED = 0 => "asked",
        /// The agent permitted.
        PERMITTED = 1 => "permitted",
        /// The agent blocked.
        BLOCKED = 2 => "blocked",
        /// No answer came in time.
        TIMED_OUT = 3 => "timed out",
        /// The agent closed its handle.
        AGENT_GONE = 4 => "agent gone",
        /// The driver or the filtering platform stopped.
        WITHDRAWN = 5 => "withdrawn",
        /// Not asked: there was no agent.
        NO_AGENT = 6 => "no agent",
        /// Not asked: too many questions were open.
        FULL = 7 => "too many open",
        /// Not asked: the authorisation could not be put off.
        UNASKABLE = 8 => "not to be put off",
        /// Answers that came too late.
        LATE = 9 => "late answers",
        /// Packets kept until an answer came.
        HELD = 10 => "packets held",
        /// Packets that went on after a permit.
        RESENT = 11 => "packets sent on",
        /// Packets that were dropped instead.
        HELD_DROPPED = 12 => "packets dropped",
    }
}

/// Reply to [`crate::Control::ASK_STATUS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct AskStatusReply {
    /// 1 while an agent is there to answer.
    pub agent: u32,
    /// Questions that are open.
    pub open: u32,
    /// Questions there is room for; 0 before the first agent came.
    pub capacity: u32,
    /// Zero.
    pub reserved: u32,
    /// Counters, indexed by [`AskCounterId`]; unused ones are zero.
    pub counters: [u64; 16],
}

impl AskStatusReply {
    /// A counter's value, 0 for one that the driver does not know.
    #[must_use]
    pub fn counter(&self, id: AskCounterId) -> u64 {
        usize::try_from(id.0).ok().and_then(|index| self.counters.get(index)).copied().unwrap_or(0)
    }
}
