//! Promise: the driver comes and goes without a trace, however often.

mod support;

use lab::ndis::{Adapter, AttachTime, Attributes, Call, Config, List, Piece, Shape};
use support::{boot, list, load, open, policy, status};
use weir_ioctl::{AdapterEntry, AdapterState, Control};

/// An ARP request, which every policy of these tests permits.
const FRAME: [u8; 42] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0x5e, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0x5e, 0, 0,
    1, 192, 0, 2, 10, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1,
];

fn frames(tag: u64) -> [List<'static>; 1] {
    [List { pieces: vec![Piece { bytes: &FRAME, tag }], vlan: None, shape: Shape::default() }]
}

#[test]
fn a_hundred_lives_in_one_process_leave_nothing_behind() {
    lab::child::test("a_hundred_lives_in_one_process_leave_nothing_behind", || {
        let machine = lab::Machine::new(lab::Options::default());
        let adapters = [AttachTime::DuringRegistration, AttachTime::OnRequest]
            .map(|attach| Adapter::new(Config { name: format!("{attach:?}"), attach, ..Config::default() }));
        for life in 0..100_u64 {
            let mut driver = load(&machine);
            driver.start().expect("the driver starts");
            let registered = lab::ndis::driver::all();
            let filter = registered.last().expect("the driver registered a filter");
            adapters[1].attach(filter).expect("the filter attaches");
            for adapter in &adapters {
                assert_eq!(adapter.module_count(), 1, "life {life}");
                if !adapter.is_running() {
                    adapter.restart(Attributes::General).expect("the filter restarts");
                }
            }
            let file = open(&machine);
            let image = policy("[[rule]]\nname = \"udp\"\naction = \"block\"\nprotocol = \"udp\"\n");
            let (set, _) = file.ioctl(Control::SET_POLICY.0, &image, 8);
            assert_eq!(set, 0);
            for adapter in &adapters {
                adapter.send(&frames(1), Call { dispatch: life % 2 == 0, flags: 0 });
                adapter.receive(&frames(2), Call { dispatch: life % 3 == 0, flags: 0 });
                let events = adapter.take_events();
                assert_eq!((events.wire.len(), events.delivered.len()), (1, 1), "life {life}");
            }
            assert_eq!(status(&file).adapters, 2);
            adapters[0].pause();
            let states: Vec<AdapterState> = list::<AdapterEntry>(&file, Control::ADAPTERS, 1)
                .iter()
                .map(|adapter| adapter.state)
                .collect();
            assert!(
                states.contains(&AdapterState::PAUSED) && states.contains(&AdapterState::RUNNING),
                "{states:?}"
            );
            adapters[0].restart(Attributes::None).expect("the filter restarts");
            drop(file);
            // Half of the lives end with the modules still attached: deregistration must take them down.
            if life % 2 == 0 {
                for adapter in &adapters {
                    adapter.pause();
                    adapter.detach();
                }
            }
            driver.unload();
            let left = lab::verifier::leaks();
            assert!(left.is_empty(), "life {life} left {left:#?}");
        }
        machine.finish();
    });
}

#[test]
fn it_starts_and_stops_on_a_machine_without_adapters() {
    lab::child::test("it_starts_and_stops_on_a_machine_without_adapters", || {
        let (machine, mut driver) = boot();
        assert_eq!(status(&open(&machine)).adapters, 0);
        driver.unload();
        machine.finish();
    });
}
