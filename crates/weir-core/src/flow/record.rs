//! What is remembered about one flow.

use super::key::{Endpoint, Side};
use crate::policy::Decider;
use crate::{Direction, Time};

/// What the filter does with the frames of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing has decided yet.
    Undecided,
    /// Frames pass.
    Permit,
    /// Frames are dropped.
    Block,
}

/// A verdict, who gave it, and under which policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The verdict.
    pub verdict: Verdict,
    /// Who decided.
    pub decider: Decider,
    /// Generation of the policy.
    pub generation: u32,
}

/// Frames and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Frames.
    pub frames: u64,
    /// Bytes, as [`crate::wire::Frame::bytes`] counts them.
    pub bytes: u64,
}

/// Where a flow is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Authorised, but no frame seen.
    New,
    /// TCP: handshake under way.
    Opening,
    /// In use.
    Active,
    /// TCP: FIN seen in one direction.
    Closing,
    /// TCP: FIN seen in both directions; others: ALE closed it.
    Closed,
    /// TCP: ended by RST.
    Reset,
}

/// Owner of a flow: numbers of the identity table, 0 = unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// Application image.
    pub image: u32,
    /// User.
    pub user: u32,
    /// Process id.
    pub process_id: u64,
}

/// Facts about a flow that only ever become true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// ALE authorised or refused it.
    pub ale: bool,
    /// ALE reported it established.
    pub established: bool,
    /// ALE reported its end.
    pub closed: bool,
    /// The packet path saw frames of it.
    pub frames: bool,
    /// Some of them were fragments.
    pub fragments: bool,
}

/// A copy of a flow record for listing.
#[derive(Clone, Copy, Debug)]
pub struct FlowView {
    /// Stable while the flow lives, never reused.
    pub id: u64,
    /// IP protocol.
    pub protocol: u8,
    /// Routing compartment.
    pub compartment: u32,
    /// The local end.
    pub local: Endpoint,
    /// The remote end.
    pub remote: Endpoint,
    /// Who opened it.
    pub origin: Direction,
    /// Who owns it.
    pub owner: Owner,
    /// The verdict in force.
    pub stamp: Stamp,
    /// LUID of the interface of the latest frame or authorisation, 0 = unknown.
    pub interface_luid: u64,
    /// First seen.
    pub first_seen: Time,
    /// Last seen.
    pub last_seen: Time,
    /// Frames from the local end that passed.
    pub sent: Traffic,
    /// Frames from the remote end that passed.
    pub received: Traffic,
    /// Frames from the local end that were blocked.
    pub sent_blocked: Traffic,
    /// Frames from the remote end that were blocked.
    pub received_blocked: Traffic,
    /// Where it is in its life.
    pub state: State,
    /// What happened to it.
    pub flags: Flags,
}

/// A flow record.
#[derive(Debug)]
pub struct Record {
    pub(crate) local: Option<Side>,
}
