//! Marks frames: DSCP in the IP header, priority in the VLAN tag.
//!
//! What is sent belongs to whoever sends it, so nothing is changed here: [`edits`] says which bytes of a copy to
//! write.

use crate::policy::Mark;
use crate::wire::{Frame, Ip, Medium, Source, VlanTag, checksum};

/// Bytes to write over those at an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Where, from the start of the frame.
    pub offset: u32,
    /// What.
    pub bytes: [u8; 2],
}

/// How to mark one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    /// Bytes to write; all lie within the headers that were parsed.
    pub bytes: [Option<Edit>; 3],
    /// The tag to carry out of band, when it changes or is new.
    pub tag: Option<VlanTag>,
}

impl Edits {
    /// True when the frame has the marks already, or no place for them.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tag.is_none() && self.bytes.iter().all(Option::is_none)
    }

    /// Bytes from the start of the frame that must be writable.
    #[must_use]
    pub fn reach(&self) -> u32 {
        self.bytes.iter().flatten().map(|edit| edit.offset.saturating_add(2)).max().unwrap_or(0)
    }

    /// Writes the bytes to a copy of the frame's start of at least [`Edits::reach`] bytes.
    pub fn apply(&self, frame: &mut [u8]) {
        for edit in self.bytes.iter().flatten() {
            let place = frame.get_mut(edit.offset as usize..).and_then(|rest| rest.first_chunk_mut::<2>());
            if let Some(place) = place {
                *place = edit.bytes;
            }
        }
    }
}

/// How to mark `frame`, which was parsed from `source`.
///
/// `oob` is the tag that it carries out of band; without one, a tag in the frame is changed, and a frame without
/// any gets a priority tag out of band, which the miniport inserts. `offloaded` says that the miniport will
/// compute the checksum of the IPv4 header, so that the one in the frame means nothing and stays.
pub fn edits<S: Source + ?Sized>(
    mark: &Mark,
    medium: Medium,
    frame: &Frame,
    source: &S,
    oob: Option<VlanTag>,
    offloaded: bool,
) -> Edits {
    let mut edits = Edits::default();
    let [dscp, sum, tag] = &mut edits.bytes;
    if let (Some(code), Some(ip)) = (mark.dscp, frame.ip) {
        differentiate(code, &ip, frame.network, source, offloaded, dscp, sum);
    }
    if let (Some(priority), Medium::Ethernet) = (mark.priority, medium) {
        let with = |tci: u16| (tci & 0x1fff) | u16::from(priority & 7) << 13;
        if let (None, true) = (oob, frame.link.vlan_tags != 0) {
            // The outermost tag stands behind both addresses and its ethertype.
            *tag = word(source, 14).and_then(|tci| changed(14, tci, with(tci)));
        } else {
            let tci = oob.map_or(0, |tag| tag.0);
            edits.tag = (with(tci) != tci).then_some(VlanTag(with(tci)));
        }
    }
    edits
}

/// Sets the six bits of the code point; the two of congestion notification stay (RFC 3168).
fn differentiate<S: Source + ?Sized>(
    code: u8,
    ip: &Ip,
    at: u32,
    source: &S,
    offloaded: bool,
    field: &mut Option<Edit>,
    sum: &mut Option<Edit>,
) {
    let Some(old) = word(source, at) else { return };
    // IPv4: version, length, DSCP (6), ECN (2). IPv6: version (4), DSCP (6), ECN (2), flow label.
    let shift = if ip.version == 4 { 2 } else { 6 };
    let new = (old & !(0x3f << shift)) | u16::from(code & 0x3f) << shift;
    *field = changed(at, old, new);
    if ip.version == 4 && field.is_some() && !offloaded {
        let place = at.saturating_add(10);
        *sum = word(source, place)
            .map(|sum| Edit { offset: place, bytes: checksum::update(sum, old, new).to_be_bytes() });
    }
}

fn changed(offset: u32, old: u16, new: u16) -> Option<Edit> {
    (old != new).then_some(Edit { offset, bytes: new.to_be_bytes() })
}

fn word<S: Source + ?Sized>(source: &S, offset: u32) -> Option<u16> {
    source.read::<2>(offset as usize).map(u16::from_be_bytes)
}
