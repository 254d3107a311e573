//! Reading the filter engine's objects back, as a management client does.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod fwp_mock;

use std::ptr::{null, null_mut};

use ddk::fwp::*;
use ddk::nt::*;
use fwp_mock::{Driver, SUBLAYER, display, fwpk};
use lab::child::{self, Status};
use lab::fwp::read::{
    FwpmCalloutCreateEnumHandle0, FwpmCalloutDestroyEnumHandle0, FwpmCalloutEnum0, FwpmCalloutGetById0,
    FwpmCalloutGetByKey0, FwpmEngineGetOption0, FwpmEngineSetOption0, FwpmFilterCreateEnumHandle0,
    FwpmFilterDestroyEnumHandle0, FwpmFilterEnum0, FwpmFilterGetById0, FwpmFilterGetByKey0, FwpmFreeMemory0,
    FwpmLayerGetById0, FwpmLayerGetByKey0, FwpmProviderCreateEnumHandle0, FwpmProviderDestroyEnumHandle0,
    FwpmProviderEnum0, FwpmProviderGetByKey0, FwpmSubLayerCreateEnumHandle0, FwpmSubLayerDestroyEnumHandle0,
    FwpmSubLayerEnum0, FwpmSubLayerGetByKey0,
};

// SAFETY of every `unsafe` block below: the functions called are the lab's exports, whose contracts the tests
// keep except where they break one on purpose; what they read was written by the lab.

static PROVIDER: GUID = ddk::guid(0x7000);
static FILTER: GUID = ddk::guid(0x7001);

fn start() -> (lab::Machine, Driver) {
    let machine = lab::Machine::new(lab::Options::default());
    (machine, Driver::start(&[FWPM_LAYER_ALE_AUTH_CONNECT_V4], |seen| seen.permit()))
}

fn finish(machine: lab::Machine, driver: Driver) {
    driver.stop();
    let report = machine.finish();
    assert!(report.is_clean(), "{report:?}");
}

/// Adds a provider, and a filter with every form of condition.
fn add(engine: HANDLE) -> u64 {
    let mut mask = FWP_V4_ADDR_AND_MASK { addr: 0x0a00_0000, mask: 0xff00_0000 };
    // SAFETY: see above.
    unsafe {
        let mut provider: FWPM_PROVIDER0 = std::mem::zeroed();
        provider.providerKey = PROVIDER;
        provider.displayData = display();
        assert_eq!(fwpk::FwpmProviderAdd0(engine, &raw const provider, null_mut()), STATUS_SUCCESS);
        let mut conditions: [FWPM_FILTER_CONDITION0; 3] = std::mem::zeroed();
        conditions[0].fieldKey = FWPM_CONDITION_IP_REMOTE_PORT;
        conditions[0].conditionValue.r#type = FWP_UINT16;
        conditions[0].conditionValue.u.uint16 = 443;
        conditions[1].fieldKey = FWPM_CONDITION_IP_REMOTE_ADDRESS;
        conditions[1].conditionValue.r#type = FWP_V4_ADDR_MASK;
        conditions[1].conditionValue.u.v4AddrMask = &raw mut mask;
        let mut range: FWP_RANGE0 = std::mem::zeroed();
        range.valueLow.r#type = FWP_UINT8;
        range.valueLow.u.uint8 = 6;
        range.valueHigh.r#type = FWP_UINT8;
        range.valueHigh.u.uint8 = 17;
        conditions[2].fieldKey = FWPM_CONDITION_IP_PROTOCOL;
        conditions[2].matchType = FWP_MATCH_RANGE;
        conditions[2].conditionValue.r#type = FWP_RANGE_TYPE;
        conditions[2].conditionValue.u.rangeValue = &raw mut range;
        let mut weight = 0x4000_0000_0000_0000u64;
        let mut filter: FWPM_FILTER0 = std::mem::zeroed();
        filter.filterKey = FILTER;
        filter.displayData = display();
        filter.providerKey = (&raw const PROVIDER).cast_mut();
        filter.layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4;
        filter.subLayerKey = SUBLAYER;
        filter.weight.r#type = FWP_UINT64;
        filter.weight.u.uint64 = &raw mut weight;
        filter.action.r#type = FWP_ACTION_BLOCK;
        filter.numFilterConditions = 3;
        filter.filterCondition = conditions.as_mut_ptr();
        filter.u.rawContext = 0x55;
        let mut id = 0;
        assert_eq!(fwpk::FwpmFilterAdd0(engine, &raw const filter, null_mut(), &raw mut id), STATUS_SUCCESS);
        id
    }
}

unsafe fn text(mut at: *const u16) -> String {
    let mut units = Vec::new();
    // SAFETY: a terminated string of the lab.
    unsafe {
        while *at != 0 {
            units.push(*at);
            at = at.add(1);
        }
    }
    String::from_utf16(&units).unwrap()
}

fn same(a: GUID, b: GUID) -> bool {
    (a.Data1, a.Data2, a.Data3, a.Data4) == (b.Data1, b.Data2, b.Data3, b.Data4)
}

/// Checks that a filter is the one that [`add`] adds.
unsafe fn check(filter: &FWPM_FILTER0, id: u64) {
    // SAFETY: see above.
    unsafe {
        assert!(same(filter.filterKey, FILTER) && same(*filter.providerKey, PROVIDER));
        assert!(same(filter.layerKey, FWPM_LAYER_ALE_AUTH_CONNECT_V4) && same(filter.subLayerKey, SUBLAYER));
        assert_eq!((text(filter.displayData.name), filter.filterId), ("test".into(), id));
        assert_eq!((filter.action.r#type, filter.u.rawContext), (FWP_ACTION_BLOCK, 0x55));
        assert_eq!((filter.weight.r#type, *filter.weight.u.uint64), (FWP_UINT64, 1 << 62));
        assert_eq!((filter.effectiveWeight.r#type, *filter.effectiveWeight.u.uint64), (FWP_UINT64, 1 << 62));
        let conditions =
            std::slice::from_raw_parts(filter.filterCondition, filter.numFilterConditions as usize);
        let [port, address, protocol] = conditions else { panic!("{} conditions", conditions.len()) };
        assert!(same(port.fieldKey, FWPM_CONDITION_IP_REMOTE_PORT));
        assert_eq!((port.conditionValue.r#type, port.conditionValue.u.uint16), (FWP_UINT16, 443));
        assert!(same(address.fieldKey, FWPM_CONDITION_IP_REMOTE_ADDRESS));
        let mask = &*address.conditionValue.u.v4AddrMask;
        assert_eq!((mask.addr, mask.mask), (0x0a00_0000, 0xff00_0000));
        assert!(same(protocol.fieldKey, FWPM_CONDITION_IP_PROTOCOL));
        assert_eq!(protocol.matchType, FWP_MATCH_RANGE);
        let range = &*protocol.conditionValue.u.rangeValue;
        assert_eq!((range.valueLow.u.uint8, range.valueHigh.u.uint8), (6, 17));
    }
}

#[test]
fn objects_are_read_as_they_were_added() {
    child::test("objects_are_read_as_they_were_added", || {
        let (machine, driver) = start();
        let engine = driver.engine;
        let id = add(engine);
        // SAFETY: see above.
        unsafe {
            let mut filter = null_mut();
            assert_eq!(FwpmFilterGetByKey0(engine, &FILTER, &raw mut filter), STATUS_SUCCESS);
            check(&*filter, id);
            FwpmFreeMemory0((&raw mut filter).cast());
            assert!(filter.is_null(), "freeing clears the pointer");
            assert_eq!(FwpmFilterGetById0(engine, id, &raw mut filter), STATUS_SUCCESS);
            check(&*filter, id);
            FwpmFreeMemory0((&raw mut filter).cast());
            assert_eq!(FwpmFilterGetByKey0(engine, &PROVIDER, &raw mut filter), STATUS_FWP_FILTER_NOT_FOUND);

            let mut callout = null_mut();
            let key = ddk::guid(0x6000);
            assert_eq!(FwpmCalloutGetByKey0(engine, &key, &raw mut callout), STATUS_SUCCESS);
            assert!(same((*callout).applicableLayer, FWPM_LAYER_ALE_AUTH_CONNECT_V4));
            assert_eq!((*callout).flags, FWPM_CALLOUT_FLAG_REGISTERED);
            assert_eq!((*callout).calloutId, driver.callouts[0]);
            FwpmFreeMemory0((&raw mut callout).cast());
            assert_eq!(FwpmCalloutGetById0(engine, driver.callouts[0], &raw mut callout), STATUS_SUCCESS);
            assert!(same((*callout).calloutKey, key));
            FwpmFreeMemory0((&raw mut callout).cast());
            assert_eq!(FwpmCalloutGetById0(engine, 1, &raw mut callout), STATUS_FWP_CALLOUT_NOT_FOUND);

            let (mut sublayer, mut provider) = (null_mut(), null_mut());
            assert_eq!(FwpmSubLayerGetByKey0(engine, &SUBLAYER, &raw mut sublayer), STATUS_SUCCESS);
            assert!(same((*sublayer).subLayerKey, SUBLAYER) && (*sublayer).providerKey.is_null());
            FwpmFreeMemory0((&raw mut sublayer).cast());
            assert_eq!(FwpmProviderGetByKey0(engine, &PROVIDER, &raw mut provider), STATUS_SUCCESS);
            assert_eq!(text((*provider).displayData.name), "test");
            FwpmFreeMemory0((&raw mut provider).cast());
        }
        finish(machine, driver);
    });
}

#[test]
fn enumerations_tell_what_was_there_when_they_began() {
    child::test("enumerations_tell_what_was_there_when_they_began", || {
        let (machine, driver) = start();
        let engine = driver.engine;
        let id = add(engine);
        // SAFETY: see above.
        unsafe {
            let (mut all, mut entries, mut count) = (null_mut(), null_mut(), 9);
            assert_eq!(FwpmFilterCreateEnumHandle0(engine, null(), &raw mut all), STATUS_SUCCESS);
            assert_eq!(fwpk::FwpmFilterDeleteById0(engine, id), STATUS_SUCCESS);
            assert_eq!(FwpmFilterEnum0(engine, all, 1, &raw mut entries, &raw mut count), STATUS_SUCCESS);
            assert_eq!(count, 1);
            check(&**entries, id);
            FwpmFreeMemory0((&raw mut entries).cast());
            // The driver's own filter, of automatic weight, comes after it.
            assert_eq!(FwpmFilterEnum0(engine, all, 5, &raw mut entries, &raw mut count), STATUS_SUCCESS);
            assert_eq!((count, (**entries).action.r#type), (1, FWP_ACTION_CALLOUT_UNKNOWN));
            FwpmFreeMemory0((&raw mut entries).cast());
            assert_eq!(FwpmFilterEnum0(engine, all, 5, &raw mut entries, &raw mut count), STATUS_SUCCESS);
            assert_eq!(count, 0);
            FwpmFreeMemory0((&raw mut entries).cast());
            let mut callouts = null_mut();
            let other = FwpmCalloutEnum0(engine, all, 5, &raw mut callouts, &raw mut count);
            assert_eq!(other, STATUS_INVALID_HANDLE, "an enumeration of filters");
            assert_eq!(FwpmFilterDestroyEnumHandle0(engine, all), STATUS_SUCCESS);

            let mut template: FWPM_CALLOUT_ENUM_TEMPLATE0 = std::mem::zeroed();
            for (layer, expected) in [(FWPM_LAYER_ALE_AUTH_CONNECT_V4, 1), (FWPM_LAYER_STREAM_V4, 0)] {
                template.layerKey = layer;
                let mut some = null_mut();
                assert_eq!(
                    FwpmCalloutCreateEnumHandle0(engine, &raw const template, &raw mut some),
                    STATUS_SUCCESS
                );
                assert_eq!(
                    FwpmCalloutEnum0(engine, some, 5, &raw mut callouts, &raw mut count),
                    STATUS_SUCCESS
                );
                assert_eq!(count, expected);
                FwpmFreeMemory0((&raw mut callouts).cast());
                assert_eq!(FwpmCalloutDestroyEnumHandle0(engine, some), STATUS_SUCCESS);
            }
        }
        finish(machine, driver);
    });
}

#[test]
fn providers_and_sublayers_are_told_the_heaviest_first() {
    child::test("providers_and_sublayers_are_told_the_heaviest_first", || {
        let (machine, driver) = start();
        let engine = driver.engine;
        add(engine);
        // SAFETY: see above.
        unsafe {
            let heavy = ddk::guid(0x5001);
            let mut sublayer: FWPM_SUBLAYER0 = std::mem::zeroed();
            sublayer.subLayerKey = heavy;
            sublayer.displayData = display();
            sublayer.providerKey = (&raw const PROVIDER).cast_mut();
            sublayer.weight = 0x9000;
            assert_eq!(fwpk::FwpmSubLayerAdd0(engine, &raw const sublayer, null_mut()), STATUS_SUCCESS);
            let mut template = FWPM_SUBLAYER_ENUM_TEMPLATE0 { providerKey: null_mut() };
            let (mut entries, mut count) = (null_mut(), 0);
            for (provider, expected) in [(false, vec![0x9000, 0x8000, 0]), (true, vec![0x9000])] {
                template.providerKey = if provider { sublayer.providerKey } else { null_mut() };
                let mut all = null_mut();
                assert_eq!(
                    FwpmSubLayerCreateEnumHandle0(engine, &raw const template, &raw mut all),
                    STATUS_SUCCESS
                );
                let mut weights = Vec::new();
                loop {
                    let told = FwpmSubLayerEnum0(engine, all, 2, &raw mut entries, &raw mut count);
                    assert_eq!(told, STATUS_SUCCESS);
                    weights.extend((0..count as usize).map(|at| (**entries.add(at)).weight));
                    FwpmFreeMemory0((&raw mut entries).cast());
                    if count == 0 {
                        break;
                    }
                }
                assert_eq!(weights, expected);
                assert_eq!(FwpmSubLayerDestroyEnumHandle0(engine, all), STATUS_SUCCESS);
            }
            let (mut all, mut providers) = (null_mut(), null_mut());
            assert_eq!(FwpmProviderCreateEnumHandle0(engine, null(), &raw mut all), STATUS_SUCCESS);
            assert_eq!(FwpmProviderEnum0(engine, all, 5, &raw mut providers, &raw mut count), STATUS_SUCCESS);
            assert_eq!(count, 1);
            assert!(same((**providers).providerKey, PROVIDER) && (**providers).serviceName.is_null());
            FwpmFreeMemory0((&raw mut providers).cast());
            let wrong = FwpmSubLayerEnum0(engine, all, 5, &raw mut entries, &raw mut count);
            assert_eq!(wrong, STATUS_INVALID_HANDLE, "an enumeration of providers");
            assert_eq!(FwpmProviderDestroyEnumHandle0(engine, all), STATUS_SUCCESS);
        }
        finish(machine, driver);
    });
}

#[test]
fn layers_tell_their_fields_and_options_are_kept() {
    child::test("layers_tell_their_fields_and_options_are_kept", || {
        let (machine, driver) = start();
        let engine = driver.engine;
        // SAFETY: see above.
        unsafe {
            let mut layer: *mut FWPM_LAYER0 = null_mut();
            let id = FWPS_LAYER_ALE_AUTH_CONNECT_V6 as u16;
            assert_eq!(FwpmLayerGetById0(engine, id, &raw mut layer), STATUS_SUCCESS);
            assert!(same((*layer).layerKey, FWPM_LAYER_ALE_AUTH_CONNECT_V6) && (*layer).layerId == id);
            assert_eq!(text((*layer).displayData.name), "FWPM_LAYER_ALE_AUTH_CONNECT_V6");
            assert!(same((*layer).defaultSubLayerKey, FWPM_SUBLAYER_UNIVERSAL));
            let fields = std::slice::from_raw_parts((*layer).field, (*layer).numFields as usize);
            let of = |key: GUID| {
                let found = fields.iter().find(|field| same(*field.fieldKey, key)).expect("the field");
                (found.r#type, found.dataType)
            };
            let remote = of(FWPM_CONDITION_IP_REMOTE_ADDRESS);
            assert_eq!(remote, (FWPM_FIELD_IP_ADDRESS, FWP_BYTE_ARRAY16_TYPE));
            assert_eq!(of(FWPM_CONDITION_IP_PROTOCOL), (FWPM_FIELD_RAW_DATA, FWP_UINT8));
            assert_eq!(of(FWPM_CONDITION_FLAGS), (FWPM_FIELD_FLAGS, FWP_UINT32));
            FwpmFreeMemory0((&raw mut layer).cast());
            let key = FWPM_LAYER_STREAM_V4;
            assert_eq!(FwpmLayerGetByKey0(engine, &key, &raw mut layer), STATUS_SUCCESS);
            assert_eq!((*layer).layerId, FWPS_LAYER_STREAM_V4 as u16);
            FwpmFreeMemory0((&raw mut layer).cast());
            assert_eq!(FwpmLayerGetById0(engine, 999, &raw mut layer), STATUS_FWP_LAYER_NOT_FOUND);

            const PACKET_QUEUING: i32 = 4;
            let mut value: *mut FWP_VALUE0 = null_mut();
            let mut on = FWP_VALUE0 { r#type: FWP_UINT32, u: FWP_VALUE0_u { uint32: 1 } };
            assert_eq!(FwpmEngineSetOption0(engine, PACKET_QUEUING, &raw const on), STATUS_SUCCESS);
            assert_eq!(FwpmEngineGetOption0(engine, PACKET_QUEUING, &raw mut value), STATUS_SUCCESS);
            assert_eq!(((*value).r#type, (*value).u.uint32), (FWP_UINT32, 1));
            FwpmFreeMemory0((&raw mut value).cast());
            on.r#type = FWP_UINT8;
            assert_eq!(FwpmEngineSetOption0(engine, PACKET_QUEUING, &raw const on), STATUS_FWP_TYPE_MISMATCH);
            assert_eq!(FwpmEngineSetOption0(engine, 6, &raw const on), STATUS_FWP_INVALID_PARAMETER);
            assert_eq!(FwpmEngineSetOption0(engine, 0, null()), STATUS_FWP_NULL_POINTER);
        }
        finish(machine, driver);
    });
}

#[test]
fn f_11_an_enumeration_is_left_open() {
    let exit = child::run("f_11_an_enumeration_is_left_open", || {
        let (machine, driver) = start();
        let mut handle = null_mut();
        // SAFETY: see above.
        unsafe {
            assert_eq!(FwpmFilterCreateEnumHandle0(driver.engine, null(), &raw mut handle), STATUS_SUCCESS);
        }
        driver.stop();
        machine.finish();
    });
    if !child::is_child() {
        assert!(
            exit.report.leaks.iter().any(|leak| leak.rule == "F-11" && leak.what.contains("enumeration"))
        );
    }
}

#[test]
fn g_3_what_was_read_goes_to_the_pool() {
    child::expect("g_3_what_was_read_goes_to_the_pool", Status::Verifier, "G-3", || {
        let (_machine, driver) = start();
        let mut sublayer = null_mut();
        // SAFETY: see above.
        unsafe {
            assert_eq!(FwpmSubLayerGetByKey0(driver.engine, &SUBLAYER, &raw mut sublayer), STATUS_SUCCESS);
            lab::ntoskrnl::pool::ExFreePoolWithTag(sublayer.cast(), u32::from_le_bytes(*b"mine"));
        }
    });
}
