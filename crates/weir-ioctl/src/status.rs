//! Numbers about the driver as a whole.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::open_enum;

open_enum! {
    /// Index into [`StatusReply::counters`].
    ///
    /// The first nine are terminal: every frame is counted in exactly one of them, so that their sum is
    /// `FRAMES_SENT` + `FRAMES_RECEIVED`.
    CounterId: u32 {
        /// No policy was in force.
        PERMITTED_NO_POLICY = 0 => "permitted, no policy",
        /// A rule permitted.
        PERMITTED_BY_RULE = 1 => "permitted by a rule",
        /// The default permitted.
        PERMITTED_BY_DEFAULT = 2 => "permitted by default",
        /// Passed because only ALE can decide.
        PERMITTED_UNDECIDED = 3 => "left to ALE",
        /// Undecidable, passed by `failure = "open"`.
        PERMITTED_BY_FAILURE = 4 => "undecidable, passed",
        /// A rule blocked.
        BLOCKED_BY_RULE = 5 => "blocked by a rule",
        /// The default blocked.
        BLOCKED_BY_DEFAULT = 6 => "blocked by default",
        /// Undecidable, blocked by `failure = "closed"`.
        BLOCKED_BY_FAILURE = 7 => "undecidable, blocked",
        /// A rule permitted, but the frame is over its limit.
        BLOCKED_BY_LIMIT = 8 => "over a rate limit",
        /// Frames sent.
        FRAMES_SENT = 9 => "frames sent",
        /// Bytes of those.
        BYTES_SENT = 10 => "bytes sent",
        /// Frames received.
        FRAMES_RECEIVED = 11 => "frames received",
        /// Bytes of those.
        BYTES_RECEIVED = 12 => "bytes received",
        /// Bytes of blocked frames.
        BYTES_BLOCKED = 13 => "bytes blocked",
        /// Frames that are not IP.
        NON_IP = 14 => "not IP",
        /// IPv4 frames.
        IPV4 = 15 => "IPv4",
        /// IPv6 frames.
        IPV6 = 16 => "IPv6",
        /// Frames with at least one VLAN tag.
        VLAN = 17 => "VLAN-tagged",
        /// Recognised tunnels.
        TUNNELS = 18 => "tunnels",
        /// Malformed frames, all reasons.
        MALFORMED = 19 => "malformed",
        /// IP fragments.
        FRAGMENTS = 20 => "fragments",
        /// Later fragments whose first fragment was not seen.
        FRAGMENTS_UNMATCHED = 21 => "fragments without a first one",
        /// Frames whose flow was found.
        FLOW_HITS = 22 => "frames of known flows",
        /// Flows created.
        FLOWS_CREATED = 23 => "flows created",
        /// Flows removed.
        FLOWS_REMOVED = 24 => "flows removed",
        /// Frames or authorisations for which the flow table had no room.
        TABLE_FULL = 25 => "flow table full",
        /// Identities for which the identity table had no room.
        IDENTITIES_FULL = 26 => "identity table full",
        /// Policy evaluations.
        EVALUATIONS = 27 => "policy evaluations",
        /// ALE authorisations.
        AUTHORIZATIONS = 28 => "ALE authorisations",
        /// ALE authorisations that were refused.
        AUTHORIZATIONS_BLOCKED = 29 => "ALE authorisations refused",
        /// Frames that had to wait for their limit.
        DELAYED = 30 => "delayed by a rate limit",
        /// Frames that waited and were then dropped.
        DELAYED_DROPPED = 31 => "dropped while delayed",
        /// Answers to rejected frames.
        REJECTS_SENT = 32 => "rejects sent",
        /// Rejected frames without an answer.
        REJECTS_SUPPRESSED = 33 => "rejects not sent",
        /// Frames whose headers were marked.
        MARKED = 34 => "marked",
        /// Frames that passed without their mark, for want of memory.
        MARKS_FAILED = 35 => "marks failed",
        /// Frames copied to the tap.
        TAPPED = 36 => "tapped",
        /// Frames for which the tap had no room.
        TAP_LOST = 37 => "lost by the tap",
        /// Frames that passed another adapter of the filter before, and were counted there.
        SEEN_BEFORE = 38 => "counted before",
        /// Addresses whose names were read in DNS answers.
        ADDRESSES_NAMED = 39 => "addresses named",
        /// Connections whose first data named the server.
        SERVERS_NAMED = 40 => "servers named",
    }
}

/// Reply to [`crate::Control::STATUS`].
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct StatusReply {
    /// When the driver started, 100 ns units since 1601 (UTC).
    pub started: u64,
    /// Generation of the policy in force, 0 when none is.
    pub policy_generation: u32,
    /// Rules of the policy in force.
    pub rules: u32,
    /// Flows in the table.
    pub flows: u32,
    /// Flows that the table has room for.
    pub flow_capacity: u32,
    /// Images and users known.
    pub identities: u32,
    /// Adapters attached to.
    pub adapters: u32,
    /// Processors counted on.
    pub processors: u32,
    /// 1 while the engine objects (provider, sublayer, callouts, filters) are in place: ALE decides.
    pub wfp_active: u32,
    /// Flows that got a context since the driver started, so that the platform tells of their end.
    pub contexts_attached: u32,
    /// Flows that could not get one: they had ended, or there was no memory.
    pub contexts_refused: u32,
    /// Flows that ended while they got one.
    pub contexts_early: u32,
    /// Flow contexts that exist.
    pub contexts: u32,
    /// Counters, indexed by [`CounterId`]; unused ones are zero.
    pub counters: [u64; 48],
    /// Malformed frames by reason, indexed as `weir_core::wire::Malformed`; unused ones are zero.
    pub malformed: [u64; 16],
}

impl StatusReply {
    /// A counter's value, 0 for one that the driver does not know.
    #[must_use]
    pub fn counter(&self, id: CounterId) -> u64 {
        usize::try_from(id.0).ok().and_then(|index| self.counters.get(index)).copied().unwrap_or(0)
    }

    /// Frames that passed.
    #[must_use]
    pub fn permitted(&self) -> u64 {
        self.counters.iter().take(5).sum()
    }

    /// Frames that were dropped.
    #[must_use]
    pub fn blocked(&self) -> u64 {
        self.counters.iter().skip(5).take(4).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::FromZeros;

    #[test]
    fn terminal_counters_are_the_first_nine() {
        let mut status = StatusReply::new_zeroed();
        for (index, counter) in status.counters.iter_mut().enumerate() {
            *counter = 1 << index;
        }
        assert_eq!(status.permitted(), 0b1_1111);
        assert_eq!(status.blocked(), 0b1_1110_0000);
        assert_eq!(status.counter(CounterId::FRAMES_SENT), 1 << 9);
        assert_eq!(status.counter(CounterId(400)), 0);
    }
}
