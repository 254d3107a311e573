//! Every GUID that names something of Weir.

use ddk::guid;
use ddk::nt::GUID;
use kernel::unicode::UnicodeStr;
use kernel::wide;

/// UniqueName of the filter driver: equal to NetCfgInstanceId in the INF.
pub(crate) fn netcfg_instance() -> UnicodeStr<'static> {
    UnicodeStr::from_wide(wide!("{6C7A9D3E-52B4-4F0B-9E61-1D7A3C5B8F20}"))
}

/// Filtering provider.
pub(crate) const PROVIDER: GUID = guid(0x9b1f3c52_77a4_4d0e_8c35_0f6e2a9d4b11);
/// Sublayer of all filters.
pub(crate) const SUBLAYER: GUID = guid(0x9b1f3c52_77a4_4d0e_8c35_0f6e2a9d4b12);

/// Provider of the filters that keep a machine closed while the driver is not there.
pub(crate) const GUARD_PROVIDER: GUID = guid(0x9b1f3c52_77a4_4d0e_8c35_0f6e2a9d4b13);
/// Their sublayer.
pub(crate) const GUARD_SUBLAYER: GUID = guid(0x9b1f3c52_77a4_4d0e_8c35_0f6e2a9d4b14);

/// Key of the callout with this number in the table of callouts.
pub(crate) const fn callout(number: u8) -> GUID {
    guid(0x9b1f3c52_77a4_4d0e_8c35_0f6e2a9d5c00 | number as u128)
}

/// Key of the filter with this number: that of a callout brings it into play, those from 0x80 on are the guard's.
pub(crate) const fn filter(number: u8) -> GUID {
    guid(0x9b1f3c52_77a4_4d0e_8c35_0f6e2a9d6d00 | number as u128)
}
