//! Every declaration of `ddk` against what the C headers say.
//!
//! `layout!` makes the compiler prove the stated sizes and offsets of the Rust types; this test reads the
//! statements and all other declarations back from the source and compares them with the oracle in
//! `tests/data`. A declaration that the oracle does not know fails.
#![allow(missing_docs, unreachable_pub, reason = "modules of one test")]

#[path = "abi/check.rs"]
mod check;
#[path = "abi/oracle.rs"]
mod oracle;
#[path = "abi/source.rs"]
mod source;

use check::Checker;
use oracle::Oracle;
use source::Source;

#[test]
fn every_declaration_agrees_with_the_c_headers() {
    let (source, oracle) = (Source::load(), Oracle::load());
    let checker = Checker::run(&source, &oracle);
    let counts = &checker.counts;
    println!(
        "{} structs, {} fields, {} bit fields, {} constants, {} enumeration values, {} GUIDs, {} functions, {} callbacks, \
         {} framework slots, {} types, {} inlines and own items checked",
        counts.structs,
        counts.fields,
        counts.bit_fields,
        counts.constants,
        counts.enum_values,
        counts.guids,
        counts.functions,
        counts.callbacks,
        counts.slots,
        counts.types,
        counts.inlines,
    );
    assert!(
        checker.errors.is_empty(),
        "{} differences:\n{}",
        checker.errors.len(),
        checker.errors.join("\n")
    );
    // A checker that finds nothing to check must not pass.
    assert!(counts.structs > 200 && counts.fields > 1000 && counts.functions > 400 && counts.guids > 200);
    assert!(counts.slots > 50 && counts.bit_fields > 30 && counts.enum_values > 1000);
}

/// Runs the checker against a falsified oracle and expects exactly one kind of complaint: about `item`.
fn falsified(item: &str, falsify: impl FnOnce(&mut Oracle)) {
    let source = Source::load();
    let mut oracle = Oracle::load();
    falsify(&mut oracle);
    let checker = Checker::run(&source, &oracle);
    assert!(!checker.errors.is_empty(), "{item}: the falsified entry went unnoticed");
    for error in &checker.errors {
        assert!(error.contains(item), "{item}: unexpected complaint {error}");
    }
}

#[test]
fn a_wrong_layout_is_noticed() {
    let field = |oracle: &mut Oracle, ty: &str, index: usize, change: fn(&mut oracle::Field)| {
        change(&mut oracle.structs.get_mut(ty).expect("structure").fields[index]);
    };
    falsified("NET_BUFFER_LIST.Context", |oracle| {
        let fields = &oracle.structs["NET_BUFFER_LIST"].fields;
        let context = fields.iter().position(|field| field.name == "Context").expect("field");
        field(oracle, "NET_BUFFER_LIST", context, |field| field.offset = 24);
    });
    falsified("FWPS_CLASSIFY_OUT0.actionType", |oracle| {
        field(oracle, "FWPS_CLASSIFY_OUT0", 0, |field| field.size = 8);
    });
    falsified("WDF_VERSION.Major", |oracle| {
        field(oracle, "WDF_VERSION", 0, |field| field.ty = "USHORT".to_owned());
    });
    falsified("_MDL", |oracle| oracle.structs.get_mut("MDL").expect("structure").size += 8);
    falsified("_KEVENT", |oracle| oracle.structs.get_mut("KEVENT").expect("structure").align = 16);
    falsified("NET_LUID_LH", |oracle| {
        let fields = &mut oracle.structs.get_mut("NET_LUID_LH").expect("structure").fields;
        let bits = fields.iter_mut().find(|field| field.name == "Info.IfType").expect("bit field");
        bits.bits = Some((40, 16));
    });
}

#[test]
fn a_wrong_value_is_noticed() {
    falsified("STATUS_PENDING", |oracle| {
        oracle.constants.insert("STATUS_PENDING".to_owned(), 0x104);
    });
    falsified("FWPM_LAYER_ALE_AUTH_CONNECT_V4", |oracle| {
        let wrong = "c38d57d1-05a7-4c33-904f-7fbceee60e83".to_owned();
        oracle.guids.insert("FWPM_LAYER_ALE_AUTH_CONNECT_V4".to_owned(), wrong);
    });
    falsified("FWPS_LAYER_ALE_AUTH_CONNECT_V4", |oracle| {
        let layers = oracle.enums.get_mut("FWPS_BUILTIN_LAYERS").expect("layers");
        layers.values.insert("FWPS_LAYER_ALE_AUTH_CONNECT_V4".to_owned(), 49);
    });
    falsified("NdisNewMedium", |oracle| {
        let media = oracle.enums.get_mut("NDIS_MEDIUM").expect("media");
        media.values.insert("NdisNewMedium".to_owned(), 99);
    });
    falsified("NewPoolType", |oracle| {
        oracle.enums.get_mut("POOL_TYPE").expect("pools").values.insert("NewPoolType".to_owned(), 99);
    });
}

#[test]
fn a_wrong_function_is_noticed() {
    let function = |oracle: &mut Oracle, name: &str, change: fn(&mut oracle::Function)| {
        change(oracle.functions.get_mut(name).expect("function"));
    };
    falsified("NdisFSetAttributes", |oracle| {
        function(oracle, "NdisFSetAttributes", |function| function.params.truncate(2));
    });
    falsified("NdisFRestartFilter", |oracle| {
        function(oracle, "NdisFRestartFilter", |function| function.ret = "void".to_owned());
    });
    falsified("FwpmEngineClose0", |oracle| {
        function(oracle, "FwpmEngineClose0", |function| function.dll = Some("NDIS.SYS".to_owned()));
    });
    falsified("ExAllocatePool2", |oracle| {
        function(oracle, "ExAllocatePool2", |function| function.params[1].0 = "ULONG".to_owned());
    });
    falsified("KeSetEvent", |oracle| {
        function(oracle, "KeSetEvent", |function| function.exported = false.into());
    });
    falsified("DbgPrint", |oracle| function(oracle, "DbgPrint", |function| function.variadic = false));
    falsified("WdfDeviceCreate", |oracle| {
        function(oracle, "WdfDeviceCreate", |function| function.table_index = Some(76));
    });
    falsified("FILTER_ATTACH_HANDLER", |oracle| {
        oracle.callbacks.get_mut("FILTER_ATTACH_HANDLER").expect("callback").params.truncate(1);
    });
}

#[test]
fn a_declaration_unknown_to_the_oracle_is_noticed() {
    falsified("FWPM_SESSION0", |oracle| {
        oracle.structs.remove("FWPM_SESSION0");
    });
    falsified("OID_GEN_STATISTICS", |oracle| {
        oracle.constants.remove("OID_GEN_STATISTICS");
    });
    falsified("KeInsertQueueDpc", |oracle| {
        oracle.functions.remove("KeInsertQueueDpc");
    });
    falsified("CTL_CODE", |oracle| {
        oracle.macros.remove("CTL_CODE");
    });
}
