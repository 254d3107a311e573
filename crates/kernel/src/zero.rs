//! C structures that begin their life as zero bytes.

use ddk::fwp::{
    FWP_VALUE0, FWPM_ACTION0, FWPM_CALLOUT0, FWPM_FILTER0, FWPM_PROVIDER0, FWPM_SESSION0, FWPM_SUBLAYER0,
};
use ddk::ndis::{
    NDIS_FILTER_DRIVER_CHARACTERISTICS, NDIS_FILTER_PARTIAL_CHARACTERISTICS, NET_BUFFER_LIST_POOL_PARAMETERS,
};

/// Structures whose documentation says that unused members are zero.
///
/// # Safety
/// The all-zero bit pattern must be a valid value.
pub(crate) unsafe trait Zero: Copy {}

macro_rules! zero {
    ($($name:path),* $(,)?) => { $(
        // SAFETY: integers, nullable pointers, `Option`s of functions, and structs and unions of those.
        unsafe impl Zero for $name {}
    )* };
}

zero!(
    FWP_VALUE0,
    FWPM_ACTION0,
    FWPM_CALLOUT0,
    FWPM_FILTER0,
    FWPM_PROVIDER0,
    FWPM_SESSION0,
    FWPM_SUBLAYER0,
    NDIS_FILTER_DRIVER_CHARACTERISTICS,
    NDIS_FILTER_PARTIAL_CHARACTERISTICS,
    NET_BUFFER_LIST_POOL_PARAMETERS,
    ddk::fwp::FWPS_TRANSPORT_SEND_PARAMS1,
    ddk::nt::KDPC,
    ddk::nt::KTIMER,
);

#[cfg(test)]
zero!(ddk::fwp::FWPS_CLASSIFY_OUT0, ddk::fwp::FWPS_FILTER2);

/// A structure of zero bytes.
pub(crate) fn zeroed<T: Zero>() -> T {
    // SAFETY: by the contract of `Zero`.
    unsafe { core::mem::zeroed() }
}
