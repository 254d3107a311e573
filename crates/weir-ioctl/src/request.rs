//! Requests and replies, flows and status aside.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::open_enum;

/// Reply to [`crate::Control::VERSION`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct VersionReply {
    /// [`crate::API_VERSION`] of the driver.
    pub api_version: u32,
    /// Driver version: major, minor, patch, build.
    pub driver: [u16; 4],
    /// NDIS version the driver registered with, major in the high half.
    pub ndis: u32,
}

/// Request for one page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ListRequest {
    /// 0 for the first page, then [`PageHeader::next`] of the page before.
    pub cursor: u64,
}

/// Head of each page; as many entries follow as [`PageHeader::count`] says.
///
/// A list is no snapshot: entries that come or go between two pages may be missed, none is reported twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct PageHeader {
    /// Cursor of the next page, 0 after the last one.
    pub next: u64,
    /// Entries in this page.
    pub count: u32,
    /// Size of an entry in bytes.
    pub entry_size: u32,
}

open_enum! {
    /// State of a filter module (`network/module-states-of-a-filter-driver`).
    AdapterState: u32 {
        /// Attached, not running.
        PAUSED = 1 => "paused",
        /// FilterRestart is under way.
        RESTARTING = 2 => "restarting",
        /// Frames flow.
        RUNNING = 3 => "running",
        /// FilterPause is under way.
        PAUSING = 4 => "pausing",
        /// Frames flow past the module, because nobody needs to see them.
        IDLE = 5 => "idle",
    }
}

open_enum! {
    /// `NDIS_MEDIA_CONNECT_STATE`.
    MediaState: u32 {
        /// The miniport does not say.
        UNKNOWN = 0 => "unknown",
        /// There is a link.
        CONNECTED = 1 => "connected",
        /// There is none.
        DISCONNECTED = 2 => "disconnected",
    }
}

/// One adapter that the filter is attached to. It is the same as in another list if LUID and generation are.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct AdapterEntry {
    /// LUID of the base miniport's interface.
    pub luid: u64,
    /// Number of the attachment since the driver started: an adapter that was detached and attached again has another.
    pub generation: u64,
    /// Frames sent that the filter saw.
    pub frames_sent: u64,
    /// Frames received that the filter saw.
    pub frames_received: u64,
    /// Frames blocked, both directions.
    pub frames_blocked: u64,
    /// Packets on the wire that the frames sent stand for: more where the network card cuts large sends (LSO, USO).
    pub segments_sent: u64,
    /// Packets on the wire that the frames received stand for: more where it has coalesced some (RSC, URO).
    pub segments_received: u64,
    /// Interface index of the base miniport.
    pub index: u32,
    /// `NDIS_MEDIUM`.
    pub medium: u32,
    /// Module state.
    pub state: AdapterState,
    /// Whether there is a link.
    pub media: MediaState,
    /// Bytes of a packet that fit into a frame, 0 when the miniport did not say.
    pub mtu: u32,
    /// Length of `mac` in use.
    pub mac_length: u32,
    /// Current MAC address.
    pub mac: [u8; 8],
    /// Friendly name, UTF-16, NUL-terminated unless full.
    pub name: [u16; 128],
}

const _: () = assert!(size_of::<AdapterEntry>() == 344);

/// Reply to [`crate::Control::SET_POLICY`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SetPolicyReply {
    /// Generation that the driver gave the policy; rises with every change.
    pub generation: u32,
    /// Rules in it.
    pub rules: u32,
}

/// Request for a piece of the policy image in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct GetPolicyRequest {
    /// First byte wanted.
    pub offset: u32,
    /// 0 with the first piece, then the generation of that reply; another policy since gives `STATUS_RETRY`.
    pub generation: u32,
}

/// Head of a piece of the policy image; the bytes follow, as many as fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct GetPolicyReply {
    /// Size of the whole image.
    pub total: u32,
    /// Generation of the policy.
    pub generation: u32,
}

open_enum! {
    /// What an identity names.
    IdentityKind: u32 {
        /// Path of an application image: NT path, UTF-16, lower case, as ALE reports it.
        IMAGE = 1 => "image",
        /// A user or a package: binary SID.
        USER = 2 => "user",
        /// Name of a host: ASCII, lower case.
        NAME = 3 => "name",
    }
}

/// An application, a user, a package or a name that flows refer to by number.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct IdentityEntry {
    /// What it is.
    pub kind: IdentityKind,
    /// Number in [`crate::FlowEntry::image`], [`crate::FlowEntry::user`], [`crate::FlowEntry::package`] or
    /// [`crate::FlowEntry::name`].
    pub id: u32,
    /// Bytes of `data` in use.
    pub length: u32,
    /// Rises when the number stands for another one; only for names, zero for the others, which stay.
    pub generation: u32,
    /// The identity itself.
    pub data: [u8; 1024],
}

/// How often a rule decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RuleHits {
    /// Frames decided by the rule.
    pub frames: u64,
    /// ALE authorisations decided by the rule. A refused application that tries again is counted again.
    pub flows: u64,
}
