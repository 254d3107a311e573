//! One flow record as user mode sees it.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::open_enum;

open_enum! {
    /// What the filter does with the frames of a flow.
    Verdict: u8 {
        /// No rule has decided yet: packet rules alone could not, and ALE has not seen the flow.
        UNDECIDED = 0 => "undecided",
        /// Frames pass.
        PERMIT = 1 => "permit",
        /// Frames are dropped.
        BLOCK = 2 => "block",
    }
}

open_enum! {
    /// Who opened the flow.
    Origin: u8 {
        /// Not known.
        UNKNOWN = 0 => "unknown",
        /// This machine.
        OUTBOUND = 1 => "out",
        /// The remote end.
        INBOUND = 2 => "in",
    }
}

open_enum! {
    /// Life of a flow. Protocols without a handshake know only `ACTIVE`.
    FlowState: u8 {
        /// Authorised, but no frame seen.
        NEW = 0 => "new",
        /// TCP: handshake under way.
        OPENING = 1 => "opening",
        /// Frames in both directions, or in one for protocols without a handshake.
        ACTIVE = 2 => "active",
        /// TCP: FIN seen in one direction.
        CLOSING = 3 => "closing",
        /// TCP: FIN seen in both directions; others: ALE closed it.
        CLOSED = 4 => "closed",
        /// TCP: ended by RST.
        RESET = 5 => "reset",
    }
}

/// Bits of [`FlowEntry::flags`].
pub struct FlowFlags;

impl FlowFlags {
    /// An ALE layer authorised this flow, so that identity is known.
    pub const ALE: u8 = 1;
    /// ALE_FLOW_ESTABLISHED was indicated.
    pub const ESTABLISHED: u8 = 2;
    /// The lightweight filter saw frames of it.
    pub const FRAMES: u8 = 4;
    /// At least one frame was an IP fragment.
    pub const FRAGMENTS: u8 = 8;
    /// Both ends are this machine.
    pub const LOOPBACK: u8 = 0x10;
}

/// Special values of [`FlowEntry::rule`] beside the index of a rule.
pub mod rule {
    /// The default of the flow's direction decided.
    pub const DEFAULT: u32 = 0xFFFF_FFFE;
    /// The policy's `failure` setting decided.
    pub const FAILURE: u32 = 0xFFFF_FFFD;
    /// Nothing decided.
    pub const NONE: u32 = 0xFFFF_FFFF;
}

/// A flow: protocol, compartment and both endpoints, with identity, verdict and counters.
///
/// Counters include only frames that the lightweight filter saw; bytes count whole frames, the link-layer header and
/// a VLAN tag (also one carried out of band) included.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FlowEntry {
    /// Stable while the flow lives; never reused by another flow of the same driver start.
    pub id: u64,
    /// LUID of the interface of its first frame or authorisation, 0 when unknown.
    pub interface_luid: u64,
    /// Process id, 0 when unknown. Another process may have it later.
    pub process_id: u64,
    /// When that process was created, 100 ns units since 1601 (UTC), 0 when unknown. With the id it names one process.
    pub process_created: u64,
    /// First seen, 100 ns units since 1601 (UTC).
    pub first_seen: u64,
    /// Last seen, 100 ns units since 1601 (UTC).
    pub last_seen: u64,
    /// Frames sent by this machine that passed.
    pub frames_sent: u64,
    /// Bytes of those frames.
    pub bytes_sent: u64,
    /// Frames received that passed.
    pub frames_received: u64,
    /// Bytes of those frames.
    pub bytes_received: u64,
    /// Frames sent by this machine that were blocked.
    pub frames_sent_blocked: u64,
    /// Bytes of those frames.
    pub bytes_sent_blocked: u64,
    /// Frames received that were blocked.
    pub frames_received_blocked: u64,
    /// Bytes of those frames.
    pub bytes_received_blocked: u64,
    /// Local address; IPv4 as IPv4-mapped IPv6.
    pub local_address: [u8; 16],
    /// Remote address; IPv4 as IPv4-mapped IPv6.
    pub remote_address: [u8; 16],
    /// Routing compartment.
    pub compartment: u32,
    /// Rule that decided: an index into the policy of `policy_generation`, or a value of [`rule`].
    pub rule: u32,
    /// Generation of the policy that decided.
    pub policy_generation: u32,
    /// Identity of the application image, 0 when unknown (see [`crate::IdentityEntry`]).
    pub image: u32,
    /// Identity of the user, 0 when unknown.
    pub user: u32,
    /// Identity of the package (AppContainer), 0 when unknown or outside of any.
    pub package: u32,
    /// Name of the other end: number and generation of an [`crate::IdentityEntry`], 0 when there is none. One with another
    /// generation is another name: this one was forgotten between the two lists.
    pub name: u32,
    /// See `name`.
    pub name_generation: u32,
    /// Local port; the identifier for ICMP echo; 0 for protocols without ports.
    pub local_port: u16,
    /// Remote port, likewise.
    pub remote_port: u16,
    /// IP protocol number.
    pub protocol: u8,
    /// IP version, 4 or 6.
    pub ip_version: u8,
    /// What happens to its frames.
    pub verdict: Verdict,
    /// Who opened it.
    pub origin: Origin,
    /// Where it is in its life.
    pub state: FlowState,
    /// See [`FlowFlags`].
    pub flags: u8,
    /// Zero.
    pub reserved: [u8; 6],
}

const _: () = assert!(size_of::<FlowEntry>() == 192);
