//! What drivers can be expected to import, and that the lab has it, with the type that `ddk` declares.
//!
//! `data/exports.tsv` names, DLL by DLL, every function that an NDIS filter, a WFP callout driver, a KMDF
//! driver without hardware, or a WSK or NMR module can be expected to import. A third column says why the
//! lab does not model a function.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::collections::{BTreeMap, BTreeSet};

/// DLL and function, with the reason why the lab does not have it.
fn expected() -> BTreeMap<(&'static str, &'static str), Option<&'static str>> {
    let mut all = BTreeMap::new();
    for line in include_str!("data/exports.tsv").lines().filter(|line| !line.starts_with('#')) {
        let mut columns = line.split('\t');
        let (Some(dll), Some(name), reason) = (columns.next(), columns.next(), columns.next()) else {
            panic!("not a line of the table: {line}")
        };
        let before = all.insert((dll, name), reason.filter(|reason| !reason.is_empty()));
        assert!(before.is_none(), "{dll}!{name} stands in the table twice");
    }
    all
}

fn exported() -> BTreeSet<(&'static str, &'static str)> {
    let mut tables = lab::ntoskrnl::exports();
    tables.extend(lab::ndis::exports());
    tables.extend(lab::fwp::exports());
    tables.extend(lab::netio::exports());
    tables.extend(lab::wdf::exports());
    tables.extend(lab::seh::exports());
    tables.into_iter().flatten().map(|export| (export.dll, export.name)).collect()
}

fn declared() -> BTreeSet<(&'static str, &'static str)> {
    ddk::IMPORTS.iter().flat_map(|tables| tables.iter()).flat_map(|table| table.iter()).copied().collect()
}

#[test]
fn every_expected_function_is_exported_or_says_why_not() {
    let (expected, exported) = (expected(), exported());
    let missing: Vec<_> =
        expected.iter().filter(|(name, reason)| reason.is_none() && !exported.contains(*name)).collect();
    assert!(missing.is_empty(), "neither exported nor excused: {missing:?}");
    let stale: Vec<_> =
        expected.iter().filter(|(name, reason)| reason.is_some() && exported.contains(*name)).collect();
    assert!(stale.is_empty(), "exported although the table says why not: {stale:?}");
    for dll in ["ntoskrnl.exe", "NDIS.SYS", "fwpkclnt.sys", "NETIO.SYS"] {
        let of = |(other, _): &&(&str, &str)| *other == dll;
        let modelled = expected.iter().filter(|(name, reason)| of(name) && reason.is_none()).count();
        let excused = expected.iter().filter(|(name, reason)| of(name) && reason.is_some()).count();
        println!(
            "{dll}: {modelled} modelled, {excused} not, {} exported",
            exported.iter().filter(of).count()
        );
    }
}

#[test]
fn every_declared_function_is_expected() {
    let expected = expected();
    let forgotten: Vec<_> = declared().into_iter().filter(|name| !expected.contains_key(name)).collect();
    assert!(forgotten.is_empty(), "ddk declares what the table does not name: {forgotten:?}");
}

/// An export's type is that of its declaration, which the macro asserts; an export without one is either code
/// that the compiler calls, an exported variable, or stands in the second table.
#[test]
fn every_export_is_typed_by_its_declaration() {
    let declared = declared();
    let untyped: BTreeSet<_> =
        include_str!("data/untyped.txt").lines().filter(|line| !line.starts_with('#')).collect();
    let found: BTreeSet<_> = exported()
        .into_iter()
        .filter(|name| !declared.contains(name))
        .map(|(dll, name)| format!("{dll}!{name}"))
        .collect();
    let found: BTreeSet<_> = found.iter().map(String::as_str).collect();
    let new: Vec<_> = found.difference(&untyped).collect();
    assert!(new.is_empty(), "exports that ddk does not declare: {new:?}");
    let gone: Vec<_> = untyped.difference(&found).collect();
    assert!(gone.is_empty(), "declared by ddk or exported no more: {gone:?}");
}
