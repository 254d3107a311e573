//! WFP macros of the C headers.
use super::*;

/// True if every metadata field in `MetadataField` is present.
#[inline]
#[must_use]
pub const fn FWPS_IS_METADATA_FIELD_PRESENT(
    MetadataValues: &FWPS_INCOMING_METADATA_VALUES0,
    MetadataField: u32,
) -> bool {
    MetadataValues.currentMetadataValues & MetadataField == MetadataField
}

/// True if every layer 2 metadata field in `MetadataField` is present.
#[inline]
#[must_use]
pub const fn FWPS_IS_L2_METADATA_FIELD_PRESENT(
    MetadataValues: &FWPS_INCOMING_METADATA_VALUES0,
    MetadataField: u32,
) -> bool {
    MetadataValues.currentL2MetadataValues & MetadataField == MetadataField
}
