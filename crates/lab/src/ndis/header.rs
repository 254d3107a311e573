//! Checks of NDIS_OBJECT_HEADER (N-26, V3).

use std::ops::RangeInclusive;

use ddk::ndis::NDIS_OBJECT_HEADER;

use crate::verifier;

/// Checks that a structure says what it is and is at least as long as its revision asks for.
pub(crate) fn check(
    found: &NDIS_OBJECT_HEADER,
    kind: u8,
    revisions: RangeInclusive<u8>,
    size: u16,
    name: &str,
) {
    if found.Type != kind || !revisions.contains(&found.Revision) || found.Size < size {
        verifier::violation(
            "N-26",
            &format!(
                "{name} has header type {:#x}, revision {}, size {}; expected type {kind:#x}, revision {revisions:?}, \
                 size {size} or more",
                found.Type, found.Revision, found.Size
            ),
        );
    }
}
