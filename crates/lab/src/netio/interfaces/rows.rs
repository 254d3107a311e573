//! Rows and tables of interfaces and addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, Once};

use ddk::ndis::{
    NdisMedium802_3, NdisMediumWirelessWan, NdisPhysicalMedium802_3, NdisPhysicalMediumWirelessWan,
};
use ddk::netio::*;
use ddk::nt::{self, GUID, PVOID};

use super::super::{address, lock};
use super::{IRQL, no_statistics};
use crate::edge::packet::Medium;
use crate::ndis::adapter::{self, Adapter};
use crate::pool::{self, Fill};
use crate::verifier::{self, Leak, violation};

const TAG: u32 = u32::from_le_bytes(*b"IpHl");

/// Tables that drivers have: address, function that made them, caller.
static TABLES: Mutex<BTreeMap<usize, (&'static str, usize)>> = Mutex::new(BTreeMap::new());

fn leaks(leaks: &mut Vec<Leak>) {
    for (function, creator) in lock(&TABLES).values() {
        leaks.push(Leak {
            rule: "HV-4".into(),
            what: format!("a table of {function}"),
            creator: verifier::locate(*creator),
        });
    }
}

/// Lends a table to the driver: the number of rows, and the rows behind it at their alignment.
///
/// # Safety
/// `out` is the driver's output.
unsafe fn lend<R>(function: &'static str, rows: &[R], out: *mut *mut u8) -> i32 {
    static CHECK: Once = Once::new();
    CHECK.call_once(|| verifier::on_leak_check(leaks));
    if out.is_null() {
        return nt::STATUS_INVALID_PARAMETER;
    }
    // SAFETY: the caller's promise; null is what the driver finds after a failure (H4).
    unsafe { out.write(std::ptr::null_mut()) };
    if pool::must_fail() {
        return nt::STATUS_INSUFFICIENT_RESOURCES;
    }
    let first = align_of::<R>().max(size_of::<u32>());
    let table = pool::lend(first + size_of_val(rows), TAG, Fill::Zero);
    // SAFETY: the block was just made with room for the number and the rows.
    unsafe {
        table.cast::<u32>().write(rows.len() as u32);
        std::ptr::copy_nonoverlapping(rows.as_ptr(), table.add(first).cast(), rows.len());
        out.write(table);
    }
    let creator = crate::cpu::current_call().map_or(0, |call| call.caller);
    lock(&TABLES).insert(table as usize, (function, creator));
    nt::STATUS_SUCCESS
}

/// The adapter with this LUID, or this index if the LUID is zero (H3).
pub(super) fn find(luid: u64, index: u32) -> Option<Arc<Adapter>> {
    adapter::all().into_iter().find(|adapter| {
        if luid != 0 { adapter.luid() == luid } else { index != 0 && adapter.config().index == index }
    })
}

/// The GUID of an adapter.
pub(super) fn guid(adapter: &Adapter) -> GUID {
    let digits: String = adapter.guid().chars().filter(char::is_ascii_hexdigit).collect();
    ddk::guid(u128::from_str_radix(&digits, 16).unwrap_or_default())
}

pub(super) fn luid(value: u64) -> NET_LUID {
    NET_LUID { Value: value }
}

fn text(to: &mut [u16], text: &str) {
    let room = to.len() - 1;
    for (to, unit) in to.iter_mut().zip(text.encode_utf16().take(room)) {
        *to = unit;
    }
}

fn interface(adapter: &Adapter) -> MIB_IF_ROW2 {
    let config = adapter.config();
    let ethernet = config.medium == Medium::Ethernet;
    // SAFETY: integers and arrays of them; zero is valid.
    let mut row: MIB_IF_ROW2 = unsafe { std::mem::zeroed() };
    row.InterfaceLuid = luid(adapter.luid());
    row.InterfaceIndex = config.index;
    row.InterfaceGuid = guid(adapter);
    text(&mut row.Alias, &config.name);
    text(&mut row.Description, &format!("Lab adapter {}", config.name));
    if ethernet {
        row.PhysicalAddressLength = config.mac.len() as u32;
        row.PhysicalAddress[..6].copy_from_slice(&config.mac);
        row.PermanentPhysicalAddress = row.PhysicalAddress;
    }
    row.Mtu = config.mtu;
    row.Type = adapter.if_type();
    row.MediaType = if ethernet { NdisMedium802_3 } else { NdisMediumWirelessWan };
    row.PhysicalMediumType = if ethernet { NdisPhysicalMedium802_3 } else { NdisPhysicalMediumWirelessWan };
    row.AccessType = if ethernet { NET_IF_ACCESS_BROADCAST } else { NET_IF_ACCESS_POINT_TO_POINT };
    row.DirectionType = NET_IF_DIRECTION_SENDRECEIVE;
    row.InterfaceAndOperStatusFlags.set_HardwareInterface(1);
    row.InterfaceAndOperStatusFlags.set_ConnectorPresent(1);
    row.InterfaceAndOperStatusFlags.set_NotMediaConnected(u8::from(!config.connected));
    row.OperStatus = if config.connected { IfOperStatusUp } else { IfOperStatusDown };
    row.AdminStatus = NET_IF_ADMIN_STATUS_UP;
    row.MediaConnectState =
        if config.connected { MediaConnectStateConnected } else { MediaConnectStateDisconnected };
    row.ConnectionType = NET_IF_CONNECTION_DEDICATED;
    row.TransmitLinkSpeed = config.speed;
    row.ReceiveLinkSpeed = config.speed;
    row
}

/// The families of which an adapter has addresses; both if it has none yet.
fn families(adapter: &Adapter) -> Vec<u16> {
    let addresses = adapter.config().addresses;
    let mut families = Vec::new();
    for (family, v4) in [(AF_INET, true), (AF_INET6, false)] {
        if addresses.is_empty() || addresses.iter().any(|address| address.is_ipv4() == v4) {
            families.push(family);
        }
    }
    families
}

/// The row of an adapter's interface as a family sees it.
pub(super) fn ip_interface(adapter: &Adapter, family: u16) -> MIB_IPINTERFACE_ROW {
    let config = adapter.config();
    // SAFETY: as above.
    let mut row: MIB_IPINTERFACE_ROW = unsafe { std::mem::zeroed() };
    row.Family = family;
    row.InterfaceLuid = luid(adapter.luid());
    row.InterfaceIndex = config.index;
    row.MaxReassemblySize = 0xffff;
    row.UseAutomaticMetric = 1;
    row.UseNeighborUnreachabilityDetection = 1;
    row.RouterDiscoveryBehavior =
        if family == AF_INET { RouterDiscoveryDhcp } else { RouterDiscoveryEnabled };
    row.DadTransmits = if family == AF_INET { 3 } else { 1 };
    row.BaseReachableTime = 30_000;
    row.RetransmitTime = 1000;
    row.ReachableTime = 30_000;
    row.LinkLocalAddressBehavior = if family == AF_INET { LinkLocalDelayed } else { LinkLocalAlwaysOn };
    row.Metric = 25;
    row.NlMtu = config.mtu;
    row.Connected = u8::from(config.connected);
    row.SupportsNeighborDiscovery = 1;
    row.SupportsRouterDiscovery = 1;
    row
}

/// The row of one of an adapter's addresses.
pub(super) fn unicast(adapter: &Adapter, ip: IpAddr) -> MIB_UNICASTIPADDRESS_ROW {
    // SAFETY: as above.
    let mut row: MIB_UNICASTIPADDRESS_ROW = unsafe { std::mem::zeroed() };
    row.Address = address::inet((ip, 0).into());
    row.InterfaceLuid = luid(adapter.luid());
    row.InterfaceIndex = adapter.config().index;
    row.PrefixOrigin = IpPrefixOriginManual;
    row.SuffixOrigin = IpSuffixOriginManual;
    row.ValidLifetime = u32::MAX;
    row.PreferredLifetime = u32::MAX;
    row.OnLinkPrefixLength = if ip.is_ipv4() { 24 } else { 64 };
    row.DadState = IpDadStatePreferred;
    row
}

fn wanted(family: u16, other: u16) -> bool {
    family == AF_UNSPEC || family == other
}

fn known(family: u16) -> bool {
    [AF_UNSPEC, AF_INET, AF_INET6].contains(&family)
}

/// Fills the row of the interface that it names.
///
/// # Safety
/// `row` is null or the driver's row.
unsafe fn fill_interface(row: PMIB_IF_ROW2) -> i32 {
    // SAFETY: the caller's promise.
    let Some(row) = (unsafe { row.as_mut() }) else { return nt::STATUS_INVALID_PARAMETER };
    // SAFETY: the union is one integer in two views.
    let value = unsafe { row.InterfaceLuid.Value };
    if value == 0 && row.InterfaceIndex == 0 {
        return nt::STATUS_INVALID_PARAMETER;
    }
    let Some(adapter) = find(value, row.InterfaceIndex) else { return nt::STATUS_NOT_FOUND };
    *row = interface(&adapter);
    nt::STATUS_SUCCESS
}

fn all_interfaces() -> Vec<MIB_IF_ROW2> {
    adapter::all().iter().map(|adapter| interface(adapter)).collect()
}

/// Which interfaces lie on which: filter modules on miniports, and virtual adapters on those that carry their frames.
fn stacks() -> Vec<MIB_IFSTACK_ROW> {
    let row = |higher, lower| MIB_IFSTACK_ROW {
        HigherLayerInterfaceIndex: higher,
        LowerLayerInterfaceIndex: lower,
    };
    let towers: Vec<(Arc<Adapter>, Vec<u32>)> = adapter::all()
        .into_iter()
        .map(|adapter| {
            let modules = adapter.modules().into_iter().map(|module| module.index());
            let tower = std::iter::once(adapter.config().index).chain(modules).collect();
            (adapter, tower)
        })
        .collect();
    let mut rows = Vec::new();
    for (adapter, tower) in &towers {
        rows.extend(tower.windows(2).map(|pair| row(pair[1], pair[0])));
        let members = adapter.members();
        let below =
            towers.iter().filter(|(other, _)| members.iter().any(|member| Arc::ptr_eq(member, other)));
        let tops: Vec<u32> = below.filter_map(|(_, tower)| tower.last().copied()).collect();
        rows.extend(tops.iter().map(|top| row(tower[0], *top)));
        if tops.is_empty() {
            rows.push(row(tower[0], 0));
        }
        if !towers.iter().any(|(other, _)| other.members().iter().any(|member| Arc::ptr_eq(member, adapter)))
        {
            rows.extend(tower.last().map(|top| row(0, *top)));
        }
    }
    rows
}

crate::exports! {
    /// Rows and tables.
    pub(super) static EXPORTS: "NETIO.SYS", sig ddk::netio::sig;

    /// Fills the row of an interface, with statistics.
    irql(IRQL, "HV-3") fn GetIfEntry2(row: PMIB_IF_ROW2) -> i32 {
        no_statistics("GetIfEntry2");
        // SAFETY: the driver's row.
        unsafe { fill_interface(row) }
    }

    /// Fills the row of an interface.
    irql(IRQL, "HV-3") fn GetIfEntry2Ex(level: MIB_IF_ENTRY_LEVEL, row: PMIB_IF_ROW2) -> i32 {
        if level == MibIfEntryNormal {
            no_statistics("GetIfEntry2Ex");
        } else if level != MibIfEntryNormalWithoutStatistics {
            return nt::STATUS_INVALID_PARAMETER;
        }
        // SAFETY: the driver's row.
        unsafe { fill_interface(row) }
    }

    /// All interfaces, with statistics.
    irql(IRQL, "HV-3") fn GetIfTable2(table: *mut PMIB_IF_TABLE2) -> i32 {
        no_statistics("GetIfTable2");
        // SAFETY: the driver's output.
        unsafe { lend("GetIfTable2", &all_interfaces(), table.cast()) }
    }

    /// All interfaces.
    irql(IRQL, "HV-3") fn GetIfTable2Ex(level: MIB_IF_TABLE_LEVEL, table: *mut PMIB_IF_TABLE2) -> i32 {
        if level == MibIfTableNormal || level == MibIfTableRaw {
            no_statistics("GetIfTable2Ex");
        } else if level != MibIfTableNormalWithoutStatistics {
            return nt::STATUS_INVALID_PARAMETER;
        }
        // SAFETY: the driver's output.
        unsafe { lend("GetIfTable2Ex", &all_interfaces(), table.cast()) }
    }

    /// Which interfaces lie on which.
    irql(IRQL, "HV-3") fn GetIfStackTable(table: *mut PMIB_IFSTACK_TABLE) -> i32 {
        // SAFETY: the driver's output.
        unsafe { lend("GetIfStackTable", &stacks(), table.cast()) }
    }

    /// Fills the row of an IP interface.
    irql(IRQL, "HV-3") fn GetIpInterfaceEntry(row: PMIB_IPINTERFACE_ROW) -> i32 {
        // SAFETY: the driver's row.
        let Some(row) = (unsafe { row.as_mut() }) else { return nt::STATUS_INVALID_PARAMETER };
        // SAFETY: the union is one integer in two views.
        let value = unsafe { row.InterfaceLuid.Value };
        if row.Family == AF_UNSPEC || !known(row.Family) || (value == 0 && row.InterfaceIndex == 0) {
            return nt::STATUS_INVALID_PARAMETER;
        }
        match find(value, row.InterfaceIndex).filter(|adapter| families(adapter).contains(&row.Family)) {
            Some(adapter) => {
                *row = ip_interface(&adapter, row.Family);
                nt::STATUS_SUCCESS
            }
            None => nt::STATUS_NOT_FOUND,
        }
    }

    /// All IP interfaces of a family, or of both.
    irql(IRQL, "HV-3") fn GetIpInterfaceTable(family: ADDRESS_FAMILY, table: *mut PMIB_IPINTERFACE_TABLE) -> i32 {
        if !known(family) {
            return nt::STATUS_INVALID_PARAMETER;
        }
        let mut rows = Vec::new();
        for adapter in adapter::all() {
            for other in families(&adapter).into_iter().filter(|other| wanted(family, *other)) {
                rows.push(ip_interface(&adapter, other));
            }
        }
        // SAFETY: the driver's output.
        unsafe { lend("GetIpInterfaceTable", &rows, table.cast()) }
    }

    /// Sets a row to "leave as it is".
    irql(IRQL, "HV-3") fn InitializeIpInterfaceEntry(row: PMIB_IPINTERFACE_ROW) {
        // SAFETY: the driver's row; the fields that a set reads are marked as unchanged.
        unsafe {
            row.write_bytes(0xff, 1);
            (*row).Family = AF_UNSPEC;
            (*row).InterfaceLuid = luid(0);
            (*row).InterfaceIndex = 0;
            (*row).RouterDiscoveryBehavior = RouterDiscoveryUnchanged;
            (*row).LinkLocalAddressBehavior = LinkLocalUnchanged;
        }
    }

    /// Fills the row of an address.
    irql(IRQL, "HV-3") fn GetUnicastIpAddressEntry(row: PMIB_UNICASTIPADDRESS_ROW) -> i32 {
        // SAFETY: the driver's row.
        let Some(row) = (unsafe { row.as_mut() }) else { return nt::STATUS_INVALID_PARAMETER };
        // SAFETY: the unions are integers in several views.
        let (value, family) = unsafe { (row.InterfaceLuid.Value, row.Address.si_family) };
        if family == AF_UNSPEC || (value == 0 && row.InterfaceIndex == 0) {
            return nt::STATUS_INVALID_PARAMETER;
        }
        // SAFETY: the row holds the address type of its family.
        let address = unsafe { address::read((&raw mut row.Address).cast(), family) };
        let Some(ip) = address.map(|address| address.ip()) else { return nt::STATUS_INVALID_PARAMETER };
        match find(value, row.InterfaceIndex).filter(|adapter| adapter.config().addresses.contains(&ip)) {
            Some(adapter) => {
                *row = unicast(&adapter, ip);
                nt::STATUS_SUCCESS
            }
            None => nt::STATUS_NOT_FOUND,
        }
    }

    /// All addresses of a family, or of both.
    irql(IRQL, "HV-3") fn GetUnicastIpAddressTable(
        family: ADDRESS_FAMILY, table: *mut PMIB_UNICASTIPADDRESS_TABLE
    ) -> i32 {
        if !known(family) {
            return nt::STATUS_INVALID_PARAMETER;
        }
        let mut rows = Vec::new();
        for adapter in adapter::all() {
            for ip in adapter.config().addresses {
                if wanted(family, if ip.is_ipv4() { AF_INET } else { AF_INET6 }) {
                    rows.push(unicast(&adapter, ip));
                }
            }
        }
        // SAFETY: the driver's output.
        unsafe { lend("GetUnicastIpAddressTable", &rows, table.cast()) }
    }

    /// Sets a row to the defaults of a new address.
    irql(IRQL, "HV-3") fn InitializeUnicastIpAddressEntry(row: PMIB_UNICASTIPADDRESS_ROW) {
        // SAFETY: the driver's row; integers, for which zero is valid.
        unsafe {
            row.write_bytes(0, 1);
            (*row).PrefixOrigin = IpPrefixOriginUnchanged;
            (*row).SuffixOrigin = IpSuffixOriginUnchanged;
            (*row).ValidLifetime = u32::MAX;
            (*row).PreferredLifetime = u32::MAX;
            (*row).OnLinkPrefixLength = 255;
        }
    }

    /// Frees a table.
    irql(IRQL, "HV-3") fn FreeMibTable(table: PVOID) {
        if table.is_null() {
            return;
        }
        if lock(&TABLES).remove(&(table as usize)).is_none() {
            let what = pool::describe(table as usize);
            violation("HV-4", &format!("FreeMibTable of {table:p}, which is no table of IP Helper: {what} (H4)"));
        }
        pool::take_back(table.cast());
    }
}
