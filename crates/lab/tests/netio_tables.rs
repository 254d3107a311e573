//! IP Helper: tables, rows, conversions and notifications of the adapters that the machine has.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod netio_mock;

use std::net::IpAddr;
use std::ptr::{null, null_mut};
use std::sync::Mutex;

use ddk::netio::*;
use ddk::nt::*;
use lab::Machine;
use lab::ndis::{Adapter, Config};
use lab::netio::{Change, Completion};
use netio_mock::{call, finish, inet};

const UNKNOWN: u64 = 0x0006_00ff_0000_0000;

/// A machine with two adapters: one with an address of each family, one with IPv4 alone.
fn start() -> (Machine, [std::sync::Arc<Adapter>; 2]) {
    let machine = Machine::new(lab::Options::default());
    lab::netio::set_completion(Completion::Inline);
    let adapter = |name: &str, mac: u8, index: u32, addresses: &[&str]| {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        let name = name.to_owned();
        Adapter::new(Config { name, mac: [2, 0, 0, 0, 0, mac], index, addresses, ..Config::default() })
    };
    let adapters =
        [adapter("Lan", 1, 11, &["192.0.2.1", "2001:db8::1"]), adapter("Spare", 2, 12, &["198.51.100.7"])];
    (machine, adapters)
}

fn luid(adapter: &Adapter) -> NET_LUID {
    NET_LUID { Value: adapter.luid() }
}

fn text(units: &[u16]) -> String {
    String::from_utf16(units.split(|unit| *unit == 0).next().unwrap()).unwrap()
}

#[test]
fn tables_and_rows_show_the_adapters() {
    lab::child::test("tables_and_rows_show_the_adapters", || {
        let (machine, [lan, spare]) = start();
        let mut table: PMIB_IF_TABLE2 = null_mut();
        assert_eq!(call!(netio, GetIfTable2(&raw mut table)), STATUS_SUCCESS);
        // SAFETY: the table has as many rows as it says.
        let rows = unsafe {
            std::slice::from_raw_parts(
                (&raw const (*table).Table).cast::<MIB_IF_ROW2>(),
                (*table).NumEntries as usize,
            )
        };
        let seen: Vec<_> = rows.iter().map(|row| (row.InterfaceIndex, text(&row.Alias), row.Mtu)).collect();
        assert_eq!(seen, [(11, "Lan".into(), 1500), (12, "Spare".into(), 1500)]);
        assert_eq!(rows[1].PhysicalAddress[..6], [2, 0, 0, 0, 0, 2]);
        call!(netio, FreeMibTable(table.cast()));

        // SAFETY: integers only.
        let mut row: MIB_IF_ROW2 = unsafe { std::mem::zeroed() };
        let level = MibIfEntryNormalWithoutStatistics;
        assert_eq!(call!(netio, GetIfEntry2Ex(level, &raw mut row)), STATUS_INVALID_PARAMETER, "no key");
        row.InterfaceLuid = luid(&spare);
        assert_eq!(call!(netio, GetIfEntry2Ex(level, &raw mut row)), STATUS_SUCCESS);
        assert_eq!((row.InterfaceIndex, text(&row.Alias)), (12, "Spare".into()));
        row.InterfaceLuid = NET_LUID { Value: UNKNOWN };
        assert_eq!(call!(netio, GetIfEntry2(&raw mut row)), STATUS_NOT_FOUND);
        assert_eq!(call!(netio, GetIfEntry2Ex(99, &raw mut row)), STATUS_INVALID_PARAMETER);

        for (family, expected) in [(AF_UNSPEC, 3), (AF_INET, 2), (AF_INET6, 1)] {
            let mut table: PMIB_UNICASTIPADDRESS_TABLE = null_mut();
            assert_eq!(call!(netio, GetUnicastIpAddressTable(family, &raw mut table)), STATUS_SUCCESS);
            // SAFETY: the table was just made.
            assert_eq!(unsafe { (*table).NumEntries }, expected, "family {family}");
            call!(netio, FreeMibTable(table.cast()));
            let mut table: PMIB_IPINTERFACE_TABLE = null_mut();
            assert_eq!(call!(netio, GetIpInterfaceTable(family, &raw mut table)), STATUS_SUCCESS);
            // SAFETY: as above.
            assert!(unsafe { (*table).NumEntries } >= expected.min(2), "family {family}");
            call!(netio, FreeMibTable(table.cast()));
        }
        let mut table: PMIB_UNICASTIPADDRESS_TABLE = null_mut();
        assert_eq!(call!(netio, GetUnicastIpAddressTable(77, &raw mut table)), STATUS_INVALID_PARAMETER);

        // SAFETY: integers only.
        let mut row: MIB_UNICASTIPADDRESS_ROW = unsafe { std::mem::zeroed() };
        row.InterfaceLuid = luid(&lan);
        row.Address = inet("[2001:db8::1]:0".parse().unwrap());
        assert_eq!(call!(netio, GetUnicastIpAddressEntry(&raw mut row)), STATUS_SUCCESS);
        assert_eq!(row.InterfaceIndex, 11);
        row.Address = inet("198.51.100.7:0".parse().unwrap());
        assert_eq!(
            call!(netio, GetUnicastIpAddressEntry(&raw mut row)),
            STATUS_NOT_FOUND,
            "the other adapter's"
        );
        finish(machine);
    });
}

#[test]
fn identifiers_convert_both_ways() {
    lab::child::test("identifiers_convert_both_ways", || {
        let (machine, adapters) = start();
        for adapter in &adapters {
            let own = luid(adapter);
            let (mut index, mut back, mut guid) = (0, NET_LUID { Value: 1 }, ddk::guid(0));
            assert_eq!(
                call!(netio, ConvertInterfaceLuidToIndex(&raw const own, &raw mut index)),
                STATUS_SUCCESS
            );
            assert_eq!(index, adapter.config().index);
            assert_eq!(call!(netio, ConvertInterfaceIndexToLuid(index, &raw mut back)), STATUS_SUCCESS);
            // SAFETY: the union is one integer in two views.
            assert_eq!(unsafe { back.Value }, adapter.luid());
            assert_eq!(
                call!(netio, ConvertInterfaceLuidToGuid(&raw const own, &raw mut guid)),
                STATUS_SUCCESS
            );
            back.Value = 1;
            assert_eq!(
                call!(netio, ConvertInterfaceGuidToLuid(&raw const guid, &raw mut back)),
                STATUS_SUCCESS
            );
            // SAFETY: as above.
            assert_eq!(unsafe { back.Value }, adapter.luid());
            let mut name = [0xffffu16; 257];
            let wide = adapter.config().name.len() as u64 + 1;
            let alias = name.as_mut_ptr();
            assert_eq!(
                call!(netio, ConvertInterfaceLuidToAlias(&raw const own, alias, wide - 1)),
                STATUS_NO_MEMORY
            );
            assert_eq!(
                call!(netio, ConvertInterfaceLuidToAlias(&raw const own, alias, wide)),
                STATUS_SUCCESS
            );
            assert_eq!(text(&name), adapter.config().name);
            assert_eq!(call!(netio, ConvertInterfaceAliasToLuid(alias, &raw mut back)), STATUS_SUCCESS);
            assert_eq!(call!(netio, ConvertInterfaceLuidToNameW(&raw const own, alias, 257)), STATUS_SUCCESS);
            assert!(text(&name).starts_with("ethernet_"), "{}", text(&name));
            back.Value = 1;
            assert_eq!(call!(netio, ConvertInterfaceNameToLuidW(alias, &raw mut back)), STATUS_SUCCESS);
            // SAFETY: as above.
            assert_eq!(unsafe { back.Value }, adapter.luid());
        }
        let (unknown, mut index, mut back) = (NET_LUID { Value: UNKNOWN }, 5, NET_LUID { Value: 1 });
        assert_ne!(
            call!(netio, ConvertInterfaceLuidToIndex(&raw const unknown, &raw mut index)),
            STATUS_SUCCESS
        );
        assert_ne!(call!(netio, ConvertInterfaceIndexToLuid(99, &raw mut back)), STATUS_SUCCESS);
        let nobody = ddk::guid(0x1234);
        assert_ne!(
            call!(netio, ConvertInterfaceGuidToLuid(&raw const nobody, &raw mut back)),
            STATUS_SUCCESS
        );
        assert_ne!(
            call!(netio, ConvertInterfaceAliasToLuid([65u16, 0].as_ptr(), &raw mut back)),
            STATUS_SUCCESS
        );
        assert_ne!(call!(netio, ConvertInterfaceLuidToIndex(null(), &raw mut index)), STATUS_SUCCESS);
        finish(machine);
    });
}

/// What a callback was told: kind, and the index of the interface if there was a row.
static TOLD: Mutex<Vec<(i32, Option<u32>)>> = Mutex::new(Vec::new());

unsafe extern "win64" fn address_told(
    context: PVOID,
    row: PMIB_UNICASTIPADDRESS_ROW,
    kind: MIB_NOTIFICATION_TYPE,
) {
    assert_eq!(context as usize, 0x55);
    // SAFETY: a row of the lab, or null.
    TOLD.lock().unwrap().push((kind, unsafe { row.as_ref() }.map(|row| row.InterfaceIndex)));
}

unsafe extern "win64" fn interface_told(_: PVOID, row: PMIB_IPINTERFACE_ROW, kind: MIB_NOTIFICATION_TYPE) {
    // SAFETY: as above.
    TOLD.lock().unwrap().push((kind, unsafe { row.as_ref() }.map(|row| row.InterfaceIndex)));
}

fn told() -> Vec<(i32, Option<u32>)> {
    lab::netio::flush();
    std::mem::take(&mut *TOLD.lock().unwrap())
}

#[test]
fn changes_are_told_until_the_notification_is_cancelled() {
    lab::child::test("changes_are_told_until_the_notification_is_cancelled", || {
        let (machine, [lan, spare]) = start();
        let (v4, v6): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap());
        let mut handle = null_mut();
        let context = 0x55 as PVOID;
        let status = call!(
            netio,
            NotifyUnicastIpAddressChange(AF_INET, Some(address_told), context, 1, &raw mut handle)
        );
        assert_eq!(status, STATUS_SUCCESS);
        assert_eq!(told(), [(MibInitialNotification, None)]);
        lab::netio::address_changed(&lan, v4, Change::Added);
        lab::netio::address_changed(&lan, v6, Change::Added);
        assert_eq!(told(), [(MibAddInstance, Some(11))], "IPv4 alone was asked for");
        assert_eq!(call!(netio, CancelMibChangeNotify2(handle)), STATUS_SUCCESS);
        lab::netio::address_changed(&lan, v4, Change::Added);
        assert_eq!(told(), []);

        let status = call!(
            netio,
            NotifyIpInterfaceChange(AF_UNSPEC, Some(interface_told), null_mut(), 0, &raw mut handle)
        );
        assert_eq!(status, STATUS_SUCCESS);
        assert_eq!(told(), [], "no initial notification was asked for");
        lab::netio::interface_changed(&spare, Change::Added);
        assert_eq!(told(), [(MibAddInstance, Some(12)); 2], "one for each family");
        assert_eq!(call!(netio, CancelMibChangeNotify2(handle)), STATUS_SUCCESS);
        let status =
            call!(netio, NotifyIpInterfaceChange(77, Some(interface_told), null_mut(), 0, &raw mut handle));
        assert_eq!(status, STATUS_INVALID_PARAMETER);
        finish(machine);
    });
}

#[test]
fn the_stack_table_shows_what_lies_on_what() {
    lab::child::test("the_stack_table_shows_what_lies_on_what", || {
        let (machine, members) = start();
        let config = lab::ndis::Config { index: 20, ..lab::ndis::Config::default() };
        let _team = Adapter::on_top(config, &members, lab::ndis::Crossing::Same);
        let mut table: PMIB_IFSTACK_TABLE = null_mut();
        assert_eq!(call!(netio, GetIfStackTable(&raw mut table)), STATUS_SUCCESS);
        // SAFETY: the table has as many rows as it says.
        let rows = unsafe {
            std::slice::from_raw_parts(
                (&raw const (*table).Table).cast::<MIB_IFSTACK_ROW>(),
                (*table).NumEntries as usize,
            )
        };
        let rows: Vec<_> =
            rows.iter().map(|row| (row.HigherLayerInterfaceIndex, row.LowerLayerInterfaceIndex)).collect();
        assert_eq!(rows, [(11, 0), (12, 0), (20, 11), (20, 12), (0, 20)]);
        call!(netio, FreeMibTable(table.cast()));
        finish(machine);
    });
}
