//! Who owns a flow: one process by its id and creation time, also where only the id is known at first.

mod support;

use support::{LOCAL, Owned, REMOTE, ethernet_interface, mapped};
use weir_core::engine::{AleFlow, Engine};
use weir_core::flow::{Endpoint, FlowView};
use weir_core::{Direction, Time};

const NOW: Time = Time(1_000 * Time::SECOND);
const NULL_SID: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const PACKAGE: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 15, 2, 0, 0, 0];

fn ale(port: u16, created: Option<u64>) -> AleFlow<'static> {
    AleFlow {
        direction: Direction::Receive,
        protocol: 6,
        compartment: 1,
        local: Endpoint { address: mapped(LOCAL), port },
        remote: Endpoint { address: mapped(REMOTE), port: 50_000 },
        interface: ethernet_interface(),
        image: &[],
        process_id: 77,
        process_created: created,
        user: &[],
        package: &NULL_SID,
        loopback: false,
        reauthorize: false,
    }
}

fn flow(engine: &Engine, port: u16) -> FlowView {
    let mut found = None;
    engine.list_flows(0, 0, &mut |flow| {
        if flow.local.port == port {
            found = Some(*flow);
        }
        true
    });
    found.expect("the flow")
}

fn created(engine: &Engine, port: u16) -> u64 {
    flow(engine, port).owner.process_created
}

#[test]
fn processes_with_one_id_are_told_apart() {
    let owned = Owned::small();
    let engine = owned.get();
    assert!(!engine.authorize(0, NOW, &ale(80, Some(100))).resolve);
    assert!(!engine.authorize(0, NOW, &ale(81, Some(200))).resolve);
    assert_eq!((created(engine, 80), created(engine, 81)), (100, 200));
    assert_eq!(flow(engine, 80).owner.process_id, flow(engine, 81).owner.process_id);
}

#[test]
fn a_creation_time_may_come_later() {
    let owned = Owned::small();
    let engine = owned.get();
    assert!(engine.authorize(0, NOW, &ale(80, None)).resolve);
    assert!(!engine.authorize(0, NOW, &ale(81, None)).resolve, "one call serves all");
    assert_eq!(created(engine, 80), 0);
    engine.resolve(|id| if id == 77 { 500 } else { 0 });
    assert_eq!((created(engine, 80), created(engine, 81)), (500, 500));
    engine.resolve(|_| panic!("nothing is left to resolve"));
    // ALE asks again where the time cannot be looked up: it is known already.
    let again = AleFlow { reauthorize: true, ..ale(80, None) };
    assert!(!engine.authorize(0, NOW, &again).resolve);
    assert_eq!(created(engine, 80), 500);
    // The list is empty, so that the next flow rings again.
    assert!(engine.authorize(0, NOW, &ale(82, None)).resolve);
}

#[test]
fn an_id_that_was_given_to_another_process_since_names_nobody() {
    let owned = Owned::small();
    let engine = owned.get();
    assert!(engine.authorize(0, NOW, &ale(80, None)).resolve);
    engine.resolve(|_| NOW.0 + 1);
    assert_eq!(created(engine, 80), 0);
    // The answer for an earlier owner does not reach the next one, who was named while it was looked up.
    assert!(engine.authorize(0, NOW, &ale(81, None)).resolve);
    let later = Time(NOW.0 + Time::SECOND);
    engine.resolve(|_| {
        engine.closed(0, NOW, &ale(81, None));
        assert!(engine.authorize(0, later, &ale(81, None)).resolve);
        10
    });
    assert_eq!(created(engine, 81), 0);
    engine.resolve(|_| NOW.0 + 5);
    assert_eq!(created(engine, 81), NOW.0 + 5);
}

#[test]
fn packages_and_loopback_are_noted() {
    let owned = Owned::small();
    let engine = owned.get();
    engine.authorize(0, NOW, &ale(80, Some(1)));
    let packaged = AleFlow { package: &PACKAGE, loopback: true, ..ale(81, Some(1)) };
    engine.authorize(0, NOW, &packaged);
    assert_eq!((flow(engine, 80).owner.package, flow(engine, 80).flags.loopback), (0, false));
    assert_ne!(flow(engine, 81).owner.package, 0);
    assert!(flow(engine, 81).flags.loopback);
}

#[test]
fn equal_ends_in_two_compartments_are_two_flows() {
    let owned = Owned::small();
    let engine = owned.get();
    let first = engine.authorize(0, NOW, &ale(80, Some(1))).flow;
    let second = engine.authorize(0, NOW, &AleFlow { compartment: 2, ..ale(80, Some(1)) }).flow;
    assert_ne!(first, second);
    assert_eq!(engine.status().flows, 2);
}
