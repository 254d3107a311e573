//! Promise: whoever sent a rejected frame gets a TCP reset or an ICMP error that tshark finds nothing wrong with, on the
//! VLAN and the medium of the frame, up into the stack or out on the wire; and nobody gets too many.

#[path = "../crates/weir-core/tests/support/mod.rs"]
mod frames;
mod support;

use std::sync::Arc;

use ddk::ndis::NDIS_STATUS_SUCCESS;
use frames::answers::{answered, assert_clean};
use lab::ndis::{Adapter, Attributes, Beside, Call, Config, List, RESOURCES};
use lab::wdf::File;
use lab::{Driver, Machine, edge};
use support::packet::lists;
use support::{open, set_policy, start, status};
use weir_core::wire::Medium;
use weir_ioctl::CounterId;

const REJECT: &str = "[[rule]]\nname = 'no'\naction = 'reject'\n";
const LEVELS: [Call; 2] = [Call { dispatch: false, flags: 0 }, Call { dispatch: true, flags: 0 }];

fn boot(medium: Medium) -> (Machine, Driver, Arc<Adapter>, File) {
    let machine = Machine::new(lab::Options::default());
    let medium = if medium == Medium::RawIp { edge::Medium::RawIp } else { edge::Medium::Ethernet };
    let adapter = Adapter::new(Config { medium, ..Config::default() });
    let driver = start(&machine);
    adapter.restart(Attributes::General).expect("the filter restarts");
    let file = open(&machine);
    set_policy(&file, REJECT);
    (machine, driver, adapter, file)
}

fn finish(machine: Machine, mut driver: Driver, adapter: &Arc<Adapter>, file: File) {
    drop(file);
    adapter.pause();
    driver.unload();
    machine.finish();
}

#[test]
fn senders_of_rejected_frames_get_clean_answers() {
    for (medium, name) in [(Medium::Ethernet, "ethernet"), (Medium::RawIp, "raw")] {
        lab::child::test(&format!("senders_of_rejected_frames_get_clean_answers#{name}"), || {
            lab::ndis::set_poison(true);
            let (machine, driver, adapter, file) = boot(medium);
            // No more than are answered at once.
            let all: Vec<Vec<u8>> = answered(medium).into_iter().take(12).collect();
            for call in LEVELS {
                adapter.send(&lists(&all, 1), call);
                let events = adapter.take_events();
                assert!(events.wire.is_empty(), "a rejected frame is not sent");
                assert_eq!(events.completed.len(), all.len());
                assert!(events.completed.iter().all(|(_, status)| *status != NDIS_STATUS_SUCCESS));
                let replies: Vec<Vec<u8>> = events.delivered.into_iter().map(|frame| frame.bytes).collect();
                assert_clean(&format!("{name}, sent, {call:?}"), medium, &all, &replies);
            }
            assert_eq!(status(&file).counter(CounterId::REJECTS_SENT), 24);
            for flags in [0, RESOURCES] {
                adapter.receive(&lists(&all, 1), Call { flags, ..LEVELS[1] });
                let events = adapter.take_events();
                assert!(events.delivered.is_empty(), "a rejected frame is not received");
                assert_eq!(events.returned.len(), all.len());
                let replies: Vec<Vec<u8>> = events.wire.into_iter().map(|frame| frame.bytes).collect();
                assert_clean(&format!("{name}, received, flags {flags}"), medium, &all, &replies);
            }
            let now = status(&file);
            assert_eq!(now.counter(CounterId::REJECTS_SENT), 48);
            assert_eq!(now.counter(CounterId::BLOCKED_BY_RULE), 48);
            finish(machine, driver, &adapter, file);
        });
    }
}

#[test]
fn an_answer_carries_the_tag_that_travels_beside_the_frame() {
    lab::child::test("an_answer_carries_the_tag_that_travels_beside_the_frame", || {
        let (machine, driver, adapter, file) = boot(Medium::Ethernet);
        let frame = vec![frames::sent(6, &frames::tcp(40_000, 443, frames::SYN))];
        for vlan in [None, Some(0xa064)] {
            let list: Vec<List<'_>> =
                lists(&frame, 1).into_iter().map(|list| List { vlan, ..list }).collect();
            adapter.send(&list, Call::default());
            let events = adapter.take_events();
            assert_eq!(events.delivered.iter().map(|answer| answer.vlan).collect::<Vec<_>>(), [vlan]);
            // Type (in network byte order), IPv4 and TCP: drivers of some media have nothing else to know it by.
            assert_eq!(events.delivered[0].beside, Beside { info: vec![(7, 8)], flags: 0x200 | 0x800 });
            adapter.receive(&list, Call::default());
            let events = adapter.take_events();
            assert_eq!(events.wire.iter().map(|answer| answer.vlan).collect::<Vec<_>>(), [vlan]);
            assert_eq!(events.wire[0].beside, Beside { info: vec![], flags: 0x200 | 0x800 });
        }
        finish(machine, driver, &adapter, file);
    });
}

#[test]
fn nobody_is_flooded_with_answers() {
    lab::child::test("nobody_is_flooded_with_answers", || {
        lab::schedule::start(lab::schedule::Mode::Deterministic, 3);
        let (machine, driver, adapter, file) = boot(Medium::Ethernet);
        let syn = vec![frames::sent(6, &frames::tcp(40_000, 443, frames::SYN)); 200];
        adapter.send(&lists(&syn, 1), Call::default());
        // An echo reply is not answered at all, and does not use up answers for others.
        let quiet = vec![frames::sent(1, &frames::echo(0, 7)); 20];
        adapter.send(&lists(&quiet, 1), Call::default());
        let answers = adapter.take_events().delivered.len() as u64;
        assert!((50..80).contains(&answers), "{answers} answers at once");
        let now = status(&file);
        assert_eq!(now.counter(CounterId::REJECTS_SENT), answers);
        assert_eq!(now.counter(CounterId::REJECTS_SUPPRESSED), 220 - answers);
        // A second later there are answers again.
        lab::schedule::sleep(std::time::Duration::from_secs(1));
        adapter.send(&lists(&syn[..40], 1), Call::default());
        assert_eq!(adapter.take_events().delivered.len(), 40);
        finish(machine, driver, &adapter, file);
    });
}
