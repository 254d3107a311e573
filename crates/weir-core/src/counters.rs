//! Counters per processor: every frame lands in exactly one terminal class, so that the classes add up to the frames.

/// What is counted. The terminal classes come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Counter {
    /// Terminal: no policy was in force.
    PermittedNoPolicy,
    /// Terminal: a rule permitted.
    PermittedByRule,
    /// Terminal: the default permitted.
    PermittedByDefault,
    /// Terminal: passed because only ALE can decide.
    PermittedUndecided,
    /// Terminal: undecidable, passed by `failure = "open"`.
    PermittedByFailure,
    /// Terminal: a rule blocked.
    BlockedByRule,
    /// Terminal: the default blocked.
    BlockedByDefault,
    /// Terminal: undecidable, blocked by `failure = "closed"`.
    BlockedByFailure,
    /// Frames sent.
    FramesSent,
    /// Bytes of those.
    BytesSent,
    /// Frames received.
    FramesReceived,
    /// Bytes of those.
    BytesReceived,
    /// Bytes of blocked frames.
    BytesBlocked,
    /// Frames that are not IP.
    NonIp,
    /// IPv4 frames.
    Ipv4,
    /// IPv6 frames.
    Ipv6,
    /// Frames with at least one VLAN tag.
    Vlan,
    /// Recognised tunnels.
    Tunnels,
    /// Malformed frames, all reasons.
    Malformed,
    /// IP fragments.
    Fragments,
    /// Later fragments whose first fragment was not seen.
    FragmentsUnmatched,
    /// Frames whose flow was found.
    FlowHits,
    /// Flows created.
    FlowsCreated,
    /// Flows removed.
    FlowsRemoved,
    /// Frames or authorisations for which the flow table had no room.
    TableFull,
    /// Identities for which the identity table had no room.
    IdentitiesFull,
    /// Policy evaluations.
    Evaluations,
    /// ALE authorisations.
    Authorizations,
    /// ALE authorisations that were refused.
    AuthorizationsBlocked,
}
