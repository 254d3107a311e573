//! One identifier of an interface for another.

use std::sync::Arc;

use ddk::netio::*;
use ddk::nt::{self, GUID, PWSTR, SIZE_T};

use super::IRQL;
use super::rows::{find, guid, luid};
use crate::ndis::adapter::{self, Adapter};
use crate::pool;

/// The name that is made of type and number.
fn name(adapter: &Adapter) -> String {
    let number = adapter.luid() >> 24 & 0xff_ffff;
    match adapter.if_type() {
        IF_TYPE_ETHERNET_CSMACD => format!("ethernet_{number}"),
        other => format!("iftype{other}_{number}"),
    }
}

/// The adapter with the driver's LUID; none as well if the lab makes the call fail.
///
/// # Safety
/// `luid` is null or the driver's LUID.
unsafe fn by_luid(luid: *const NET_LUID) -> Option<Arc<Adapter>> {
    // SAFETY: the caller's promise; the union is one integer in two views.
    let value = unsafe { luid.as_ref()?.Value };
    if value == 0 || pool::must_fail() { None } else { find(value, 0) }
}

/// Writes `text` with its end to the driver's buffer of `length` characters.
///
/// # Safety
/// `to` has room for `length` characters.
unsafe fn give(text: &str, to: PWSTR, length: u64) -> i32 {
    if to.is_null() {
        return nt::STATUS_INVALID_PARAMETER;
    }
    let units: Vec<u16> = text.encode_utf16().chain([0]).collect();
    if units.len() as u64 > length {
        return nt::STATUS_NO_MEMORY;
    }
    // SAFETY: the caller's promise.
    unsafe { std::ptr::copy_nonoverlapping(units.as_ptr(), to, units.len()) };
    nt::STATUS_SUCCESS
}

/// Gives the LUID of `adapter`.
///
/// # Safety
/// `out` is null or the driver's output.
unsafe fn give_luid(adapter: Option<Arc<Adapter>>, out: PNET_LUID) -> i32 {
    // SAFETY: the caller's promise.
    let Some(out) = (unsafe { out.as_mut() }) else { return nt::STATUS_INVALID_PARAMETER };
    let adapter = adapter.filter(|_| !pool::must_fail());
    *out = luid(adapter.as_ref().map_or(0, |adapter| adapter.luid()));
    if adapter.is_some() { nt::STATUS_SUCCESS } else { nt::STATUS_INVALID_PARAMETER }
}

/// The adapter of which `of` is the driver's text.
///
/// # Safety
/// `text` is null or ends with a zero.
unsafe fn by_text(text: *const u16, of: fn(&Adapter) -> String) -> Option<Arc<Adapter>> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let units: Vec<u16> = (0..257).map(|i| unsafe { *text.add(i) }).take_while(|unit| *unit != 0).collect();
    let text = String::from_utf16_lossy(&units);
    adapter::all().into_iter().find(|adapter| of(adapter).eq_ignore_ascii_case(&text))
}

crate::exports! {
    /// Conversions.
    pub(super) static EXPORTS: "NETIO.SYS", sig ddk::netio::sig;

    /// LUID by index.
    irql(IRQL, "HV-3") fn ConvertInterfaceIndexToLuid(index: NET_IFINDEX, out: PNET_LUID) -> i32 {
        // SAFETY: the driver's output.
        unsafe { give_luid(find(0, index), out) }
    }

    /// Index by LUID.
    irql(IRQL, "HV-3") fn ConvertInterfaceLuidToIndex(luid: *const NET_LUID, out: PNET_IFINDEX) -> i32 {
        // SAFETY: the driver's LUID and output.
        let (adapter, Some(out)) = (unsafe { (by_luid(luid), out.as_mut()) }) else {
            return nt::STATUS_INVALID_PARAMETER;
        };
        *out = adapter.as_ref().map_or(NET_IFINDEX_UNSPECIFIED, |adapter| adapter.config().index);
        if adapter.is_some() { nt::STATUS_SUCCESS } else { nt::STATUS_INVALID_PARAMETER }
    }

    /// GUID by LUID.
    irql(IRQL, "HV-3") fn ConvertInterfaceLuidToGuid(luid: *const NET_LUID, out: *mut GUID) -> i32 {
        // SAFETY: the driver's LUID and output.
        let (Some(adapter), Some(out)) = (unsafe { (by_luid(luid), out.as_mut()) }) else {
            return nt::STATUS_INVALID_PARAMETER;
        };
        *out = guid(&adapter);
        nt::STATUS_SUCCESS
    }

    /// LUID by GUID.
    irql(IRQL, "HV-3") fn ConvertInterfaceGuidToLuid(wanted: *const GUID, out: PNET_LUID) -> i32 {
        // SAFETY: the driver's GUID and output.
        unsafe {
            let Some(wanted) = wanted.as_ref() else { return nt::STATUS_INVALID_PARAMETER };
            let same = |adapter: &Arc<Adapter>| {
                let guid = guid(adapter);
                (guid.Data1, guid.Data2, guid.Data3, guid.Data4)
                    == (wanted.Data1, wanted.Data2, wanted.Data3, wanted.Data4)
            };
            give_luid(adapter::all().into_iter().find(same), out)
        }
    }

    /// Name in the connections folder by LUID.
    irql(IRQL, "HV-3") fn ConvertInterfaceLuidToAlias(luid: *const NET_LUID, alias: PWSTR, length: SIZE_T) -> i32 {
        // SAFETY: the driver's LUID and buffer.
        unsafe {
            by_luid(luid).map_or(nt::STATUS_INVALID_PARAMETER, |adapter| give(&adapter.config().name, alias, length))
        }
    }

    /// LUID by name in the connections folder.
    irql(IRQL, "HV-3") fn ConvertInterfaceAliasToLuid(alias: *const u16, out: PNET_LUID) -> i32 {
        // SAFETY: the driver's text and output.
        unsafe { give_luid(by_text(alias, |adapter| adapter.config().name), out) }
    }

    /// Name of type and number by LUID.
    irql(IRQL, "HV-3") fn ConvertInterfaceLuidToNameW(luid: *const NET_LUID, to: PWSTR, length: SIZE_T) -> i32 {
        // SAFETY: the driver's LUID and buffer.
        unsafe { by_luid(luid).map_or(nt::STATUS_INVALID_PARAMETER, |adapter| give(&name(&adapter), to, length)) }
    }

    /// LUID by name of type and number.
    irql(IRQL, "HV-3") fn ConvertInterfaceNameToLuidW(text: *const u16, out: PNET_LUID) -> i32 {
        // SAFETY: the driver's text and output.
        unsafe { give_luid(by_text(text, name), out) }
    }
}
