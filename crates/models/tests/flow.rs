//! The flow table, its lines and its read-side sections, run through by loom in every order that matters: several
//! processors look up, insert, forget, remove and reuse. Where the model stands on a fence, it is run once more without,
//! and must notice.
//!
//! Run with `RUSTFLAGS="--cfg loom"`; without, there is nothing here.
#![cfg(loom)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::Arc;

use loom::thread;
use weir_core::epoch::Domain;
use weir_core::flow::{Endpoint, FlowKey, Lane, Opening, Side, Sight, Table};
use weir_core::memory::Carver;
use weir_core::sync::{Site, wrong};
use weir_core::{Direction, Time};

/// A table and its domain; what loom needs to see is made anew for each run.
struct Parts {
    table: Table,
    domain: Domain,
}

fn parts(capacity: u32) -> Arc<Parts> {
    let mut memory = [0_u64; 8];
    // SAFETY: under loom the carver makes its values one by one and does not touch the block.
    let mut carver = unsafe { Carver::carving(NonNull::from(&mut memory).cast()) };
    let table = Table::carve(&mut carver, capacity, [3, 5]).unwrap();
    Arc::new(Parts { table, domain: Domain::carve(&mut carver, 2).unwrap() })
}

const OPENING: Opening = Opening { now: Time(1), origin: Direction::Send, local: Side::A };

fn key(port: u16) -> FlowKey {
    let end = |last: u8, port| Endpoint {
        address: std::net::Ipv4Addr::new(10, 0, 0, last).to_ipv6_mapped().octets(),
        port,
    };
    FlowKey::new(6, Lane::COMPARTMENT, end(1, port), end(2, 443)).0
}

fn lane(port: u16) -> Lane {
    Lane::new(6, (0x0a00_0001, port), (0x0a00_0002, 443)).0
}

/// The number of the record that a line names for a key.
fn look(parts: &Parts, processor: u32, port: u16) -> Option<FlowKey> {
    let guard = parts.domain.enter(processor);
    let aim = parts.table.aim(lane(port));
    let found = match parts.table.look(&guard, &aim) {
        Sight::Found(found) => Some(found),
        Sight::Second => parts.table.look_again(&guard, &aim),
        Sight::None => None,
    };
    found.and_then(|found| parts.table.record_of(&found)).map(|record| record.key())
}

fn check(model: fn()) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(model);
}

/// Runs a model as it is, and without the fence at each of `sites`.
fn holds_and_notices(model: fn(), sites: &[Site]) {
    wrong::set(None);
    check(model);
    for site in sites {
        wrong::set(Some(*site));
        let noticed = catch_unwind(AssertUnwindSafe(|| check(model))).is_err();
        wrong::set(None);
        assert!(noticed, "the fence at {site:?} can go unnoticed");
    }
}

/// Whoever finds a flow in a line sees its record whole.
fn lookup_and_insert() {
    let parts = parts(2);
    let writer = parts.clone();
    let handle = thread::spawn(move || {
        let guard = writer.domain.enter(1);
        writer.table.get_or_insert(&guard, &key(1), &OPENING).unwrap();
    });
    let seen = look(&parts, 0, 1);
    assert!(seen.is_none_or(|seen| seen == key(1)), "a flow was seen before its key");
    handle.join().unwrap();
    assert_eq!(look(&parts, 0, 1), Some(key(1)));
}

#[test]
fn lookups_while_a_flow_comes() {
    holds_and_notices(lookup_and_insert, &[]);
}

/// A place in a line is used again: nobody takes the new flow for the old one.
fn remove_and_reuse() {
    let parts = parts(1);
    {
        let guard = parts.domain.enter(0);
        parts.table.get_or_insert(&guard, &key(1), &OPENING).unwrap();
    }
    let writer = parts.clone();
    let handle = thread::spawn(move || {
        {
            let guard = writer.domain.enter(1);
            let record = writer.table.find(&guard, &key(1)).unwrap();
            assert!(writer.table.remove(&guard, record));
        }
        for _ in 0..4 {
            writer.table.reclaim(&writer.domain, usize::MAX, |_| {});
        }
        let guard = writer.domain.enter(1);
        let _ = writer.table.get_or_insert(&guard, &key(2), &OPENING);
    });
    let seen = look(&parts, 0, 1);
    assert!(seen.is_none_or(|seen| seen == key(1)), "a record became another flow under a reader");
    handle.join().unwrap();
}

#[test]
fn lookups_while_a_flow_goes_and_another_comes() {
    holds_and_notices(remove_and_reuse, &[Site::Enter]);
}

/// Two processors insert one key: there is one flow.
fn two_inserters() {
    let parts = parts(4);
    let other = parts.clone();
    let insert = |parts: &Parts, processor| {
        let guard = parts.domain.enter(processor);
        parts.table.get_or_insert(&guard, &key(1), &OPENING).ok().map(|(record, new)| (record.id(), new))
    };
    let handle = thread::spawn(move || insert(&other, 1));
    let one = insert(&parts, 0);
    let two = handle.join().unwrap();
    if let (Some((one, new)), Some((two, also_new))) = (one, two) {
        assert_eq!(one, two, "one key, two flows");
        assert!(new != also_new, "one flow, two makers");
    }
}

#[test]
fn insertions_of_one_key() {
    holds_and_notices(two_inserters, &[Site::Twin]);
}

/// After a change nobody goes by the verdict from before.
fn verdicts() {
    let parts = parts(1);
    {
        let guard = parts.domain.enter(0);
        parts.table.get_or_insert(&guard, &key(1), &OPENING).unwrap();
    }
    let fact = Arc::new(loom::sync::atomic::AtomicU32::new(1));
    let (changer, changed) = (parts.clone(), fact.clone());
    let handle = thread::spawn(move || {
        let guard = changer.domain.enter(1);
        let record = changer.table.find(&guard, &key(1)).unwrap();
        changed.store(2, loom::sync::atomic::Ordering::Relaxed);
        changer.table.forget(record);
    });
    {
        let guard = parts.domain.enter(0);
        let record = parts.table.find(&guard, &key(1)).unwrap();
        if let Some(blank) = parts.table.blank(record) {
            let fact = fact.load(loom::sync::atomic::Ordering::Relaxed);
            parts.table.remember(blank, fact);
        }
    }
    handle.join().unwrap();
    let guard = parts.domain.enter(0);
    if let Sight::Found(found) = parts.table.look(&guard, &parts.table.aim(lane(1))) {
        assert!(found.verdict().is_none_or(|verdict| verdict == 2), "an old verdict outlives its change");
    }
}

#[test]
fn verdicts_while_the_record_changes() {
    holds_and_notices(verdicts, &[]);
}

/// Nobody is inside when a grace period has passed.
fn grace() {
    let parts = parts(1);
    let (live, freed) = (
        Arc::new(loom::sync::atomic::AtomicBool::new(true)),
        Arc::new(loom::sync::atomic::AtomicBool::new(false)),
    );
    let (writer, unlinked, gone) = (parts.clone(), live.clone(), freed.clone());
    let handle = thread::spawn(move || {
        unlinked.store(false, loom::sync::atomic::Ordering::Relaxed);
        let ticket = writer.domain.now();
        for _ in 0..3 {
            writer.domain.try_advance();
        }
        if writer.domain.elapsed(ticket) {
            gone.store(true, loom::sync::atomic::Ordering::Relaxed);
        }
    });
    {
        let _guard = parts.domain.enter(0);
        if live.load(loom::sync::atomic::Ordering::Relaxed) {
            assert!(!freed.load(loom::sync::atomic::Ordering::Relaxed), "freed under a reader");
        }
    }
    handle.join().unwrap();
}

#[test]
fn grace_periods() {
    holds_and_notices(grace, &[Site::Enter]);
}
