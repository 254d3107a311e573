//! Promise: what changes about an adapter while the filter is on it is known at once and loses no frame: address, MTU,
//! link, power, resets, surprise removal; and an adapter that comes again is another one.

mod support;

use std::time::Duration;

use ddk::ndis::*;
use lab::ndis::{AttachTime, Attributes, Behaviour, Call, Completion, Config, Giving};
use lab::schedule::{self, Mode};
use lab::wdf::File;
use support::packet::{self, Ports, Way, lists};
use support::{boot_with_adapter, list, open, set_policy, status};
use weir_ioctl::{AdapterEntry, AdapterState, Control, CounterId, MediaState};

const CALL: Call = Call { dispatch: false, flags: 0 };
/// What waits, and what is marked.
const HOLD: &str = "[[rule]]\nname = 'slow'\naction = 'rate-limit'\nrate = '10 packets/s'\nburst = '1 packets'\nover = 'delay'\nmax-delay = '0.8 s'\n\
                    remote-port = 53\n\
                    [[rule]]\nname = 'voice'\naction = 'mark'\nremote-port = 5004\ndscp = 'ef'\n";

fn entry(file: &File) -> AdapterEntry {
    let entries = list::<AdapterEntry>(file, Control::ADAPTERS, 8);
    assert_eq!(entries.len(), 1);
    entries[0]
}

fn frames(remote: u16, count: usize) -> Vec<Vec<u8>> {
    vec![packet::udp(Way::Out, Ports { local: 40_000, remote }, 20); count]
}

/// Statuses of completed sends, sorted and counted.
fn statuses(completed: &[(u64, NDIS_STATUS)]) -> Vec<(NDIS_STATUS, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for (_, status) in completed {
        *counts.entry(*status).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

#[test]
fn e34_address_mtu_and_link_are_those_of_now() {
    lab::child::test("e34_address_mtu_and_link_are_those_of_now", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        let mac = |file: &File| entry(file).mac[..entry(file).mac_length as usize].to_vec();
        assert_eq!((entry(&file).mtu, entry(&file).media), (1500, MediaState::CONNECTED));
        assert_eq!(mac(&file), adapter.config().mac);
        // By restart attributes; without them what was known stays.
        for (attributes, mtu, known) in [
            (Attributes::General, 9000, 9000),
            (Attributes::None, 576, 9000),
            (Attributes::General, 1400, 1400),
        ] {
            adapter.pause();
            adapter.update(|config| config.mtu = mtu);
            adapter.restart(attributes).expect("the filter restarts");
            assert_eq!(entry(&file).mtu, known);
        }
        // By status indications, of which each reaches the protocols, also one that is too short or lies.
        let address = |length: u16, bytes: &[u8]| [&length.to_le_bytes()[..], bytes, &[0; 26]].concat();
        let told = [
            (NDIS_STATUS_L2_MTU_SIZE_CHANGE, 4000_u32.to_le_bytes().to_vec()),
            (NDIS_STATUS_L2_MTU_SIZE_CHANGE, vec![1, 2, 3]),
            (NDIS_STATUS_L2_MTU_SIZE_CHANGE, vec![]),
            (NDIS_STATUS_CURRENT_MAC_ADDRESS_CHANGE, address(6, &[2, 1, 1, 1, 1, 1])),
            (NDIS_STATUS_CURRENT_MAC_ADDRESS_CHANGE, address(60_000, &[9; 6])),
            (NDIS_STATUS_CURRENT_MAC_ADDRESS_CHANGE, vec![6]),
            (NDIS_STATUS_LINK_STATE, vec![0; 5]),
            (NDIS_STATUS_MEDIA_DISCONNECT, vec![]),
        ];
        for (code, buffer) in &told {
            adapter.indicate_status(*code, buffer);
        }
        assert!(adapter.take_events().statuses.iter().eq(told.iter().map(|(code, _)| code)));
        assert_eq!((entry(&file).mtu, mac(&file)), (4000, vec![2, 1, 1, 1, 1, 1]));
        assert_eq!(entry(&file).media, MediaState::DISCONNECTED);
        adapter.indicate_status(NDIS_STATUS_MEDIA_CONNECT, &[]);
        assert_eq!(entry(&file).media, MediaState::CONNECTED);
        for connected in [false, true] {
            adapter.indicate_link(connected);
            let expected = if connected { MediaState::CONNECTED } else { MediaState::DISCONNECTED };
            assert_eq!(entry(&file).media, expected);
        }
        // By answers to queries on their way up, at once or later; not by ones that fail.
        for (round, completion) in
            (0..).zip([Completion::Inline, Completion::BeforeReturn, Completion::AfterReturn])
        {
            adapter.complete_oids(completion, None);
            adapter.update(|config| (config.mtu, config.mac) = (5000 + round, [2, 0, 0, 0, 1, round as u8]));
            adapter.query(OID_GEN_MAXIMUM_FRAME_SIZE, 4);
            adapter.query(OID_802_3_CURRENT_ADDRESS, 6);
            assert_eq!((entry(&file).mtu, mac(&file)), (5000 + round, vec![2, 0, 0, 0, 1, round as u8]));
        }
        adapter.update(|config| (config.mtu, config.mac) = (1, [1; 6]));
        adapter.query(OID_802_3_CURRENT_ADDRESS, 3);
        adapter.complete_oids(Completion::Inline, Some(NDIS_STATUS_FAILURE));
        adapter.query(OID_GEN_MAXIMUM_FRAME_SIZE, 4);
        assert_eq!((entry(&file).mtu, mac(&file)), (5002, vec![2, 0, 0, 0, 1, 2]));
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn e49_an_adapter_that_comes_again_has_another_generation() {
    lab::child::test("e49_an_adapter_that_comes_again_has_another_generation", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        let filter = lab::ndis::driver::all().pop().expect("the driver registered a filter");
        let mut last = entry(&file);
        for _ in 0..5 {
            // A restart is no new attachment.
            adapter.pause();
            adapter.restart(Attributes::None).expect("the filter restarts");
            assert_eq!(entry(&file).generation, last.generation);
            adapter.pause();
            adapter.detach();
            adapter.attach(&filter).expect("the filter attaches");
            let now = entry(&file);
            assert_eq!((now.luid, now.index), (last.luid, last.index));
            assert!(now.generation > last.generation);
            last = now;
            adapter.restart(Attributes::General).expect("the filter restarts");
        }
        // Another adapter under the index of one that is gone.
        adapter.pause();
        adapter.detach();
        let config = Config { index: last.index, attach: AttachTime::OnRequest, ..Config::default() };
        let next = lab::ndis::Adapter::new(config);
        next.attach(&filter).expect("the filter attaches");
        let now = entry(&file);
        assert!(now.index == last.index && now.luid != last.luid && now.generation > last.generation);
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn e49_sleep_gives_back_what_is_held_whether_the_adapter_is_paused_for_it_or_not() {
    for pausing in [true, false] {
        let name = "e49_sleep_gives_back_what_is_held_whether_the_adapter_is_paused_for_it_or_not";
        lab::child::test(&format!("{name}#{pausing}"), || {
            schedule::start(Mode::Deterministic, 0);
            let (machine, mut driver, adapter) = boot_with_adapter();
            let file = open(&machine);
            set_policy(&file, HOLD);
            adapter.behave(Behaviour { sends: Giving::OnRequest, receives: Giving::AtOnce });
            for round in 0..3 {
                adapter.send(&lists(&frames(53, 8), 0), CALL);
                adapter.send(&lists(&frames(5004, 4), 100), CALL);
                let events = adapter.take_events();
                assert_eq!((events.wire.len(), events.completed.len()), (5, 0), "round {round}");
                let before = lab::clock::now();
                adapter.sleep(pausing);
                assert!(lab::clock::now() - before < Duration::from_millis(100));
                let events = adapter.take_events();
                assert_eq!(
                    statuses(&events.completed),
                    [(NDIS_STATUS_LOW_POWER_STATE, 7), (NDIS_STATUS_SUCCESS, 5)]
                );
                let state = if pausing { AdapterState::PAUSED } else { AdapterState::RUNNING };
                assert_eq!(entry(&file).state, state);
                schedule::sleep(Duration::from_secs(5));
                assert!(adapter.take_events().wire.is_empty(), "nothing is sent to a device that sleeps");
                adapter.wake().expect("the filter restarts");
                schedule::sleep(Duration::from_secs(5));
                // Sends wait again as before.
                adapter.send(&lists(&frames(53, 3), 0), CALL);
                schedule::sleep(Duration::from_secs(1));
                adapter.complete_sends(CALL, |_| {});
                assert_eq!(adapter.take_events().completed.len(), 3);
                schedule::sleep(Duration::from_secs(5));
            }
            assert_eq!(status(&file).counter(CounterId::DELAYED_DROPPED), 21);
            adapter.pause();
            drop(file);
            driver.unload();
            machine.finish();
        });
    }
}

#[test]
fn e49_surprise_removal_with_frames_held_and_copies_out() {
    lab::child::test("e49_surprise_removal_with_frames_held_and_copies_out", || {
        lab::ndis::set_poison(true);
        schedule::start(Mode::Deterministic, 0);
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        set_policy(&file, HOLD);
        adapter.behave(Behaviour { sends: Giving::OnRequest, receives: Giving::OnRequest });
        adapter.send(&lists(&frames(53, 8), 0), CALL);
        adapter.send(&lists(&frames(5004, 4), 100), CALL);
        adapter.receive(&lists(&[packet::udp(Way::In, Ports { local: 40_000, remote: 443 }, 20)], 0), CALL);
        adapter.device_event(NdisDevicePnPEventSurpriseRemoved);
        let events = adapter.take_events();
        assert_eq!(events.device_events, [NdisDevicePnPEventSurpriseRemoved]);
        assert_eq!(statuses(&events.completed), [(NDIS_STATUS_FAILURE, 7)], "what was held");
        // The miniport fails what it has: the originals of marked copies come back with that status.
        adapter.fail_sends(NDIS_STATUS_FAILURE);
        assert_eq!(statuses(&adapter.take_events().completed), [(NDIS_STATUS_FAILURE, 5)]);
        let before = lab::clock::now();
        adapter.pause();
        assert!(lab::clock::now() - before < Duration::from_millis(200), "nothing was waited for");
        adapter.detach();
        assert!(list::<AdapterEntry>(&file, Control::ADAPTERS, 8).is_empty());
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn e49_a_lost_link_and_a_reset_while_frames_are_held() {
    lab::child::test("e49_a_lost_link_and_a_reset_while_frames_are_held", || {
        schedule::start(Mode::Deterministic, 0);
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        set_policy(&file, HOLD);
        adapter.send(&lists(&frames(53, 4), 0), CALL);
        assert_eq!(adapter.take_events().completed.len(), 1);
        // The miniport decides what becomes of sends without a link: what is held goes there in its time.
        adapter.indicate_link(false);
        schedule::sleep(Duration::from_secs(1));
        assert_eq!(statuses(&adapter.take_events().completed), [(NDIS_STATUS_SUCCESS, 3)]);
        adapter.indicate_link(true);
        // A reset: sends that the miniport has fail, and so do those that come before its end.
        schedule::sleep(Duration::from_secs(5));
        adapter.behave(Behaviour { sends: Giving::OnRequest, receives: Giving::AtOnce });
        adapter.send(&lists(&frames(53, 4), 0), CALL);
        adapter.send(&lists(&frames(5004, 2), 100), CALL);
        adapter.indicate_status(NDIS_STATUS_RESET_START, &[]);
        adapter.fail_sends(NDIS_STATUS_RESET_IN_PROGRESS);
        let events = adapter.take_events();
        assert_eq!(statuses(&events.completed), [(NDIS_STATUS_RESET_IN_PROGRESS, 3)]);
        assert_eq!(events.statuses, [NDIS_STATUS_LINK_STATE, NDIS_STATUS_RESET_START]);
        schedule::sleep(Duration::from_secs(1));
        adapter.fail_sends(NDIS_STATUS_RESET_IN_PROGRESS);
        adapter.indicate_status(NDIS_STATUS_RESET_END, &[]);
        let events = adapter.take_events();
        assert_eq!(statuses(&events.completed), [(NDIS_STATUS_RESET_IN_PROGRESS, 3)]);
        assert_eq!(events.statuses, [NDIS_STATUS_RESET_END]);
        adapter.behave(Behaviour::default());
        adapter.send(&lists(&frames(443, 2), 0), CALL);
        assert_eq!(statuses(&adapter.take_events().completed), [(NDIS_STATUS_SUCCESS, 2)]);
        adapter.pause();
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn e38_pre_detach_gives_back_what_is_held() {
    lab::child::test("e38_pre_detach_gives_back_what_is_held", || {
        schedule::start(Mode::Deterministic, 0);
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        set_policy(&file, HOLD);
        let filter = lab::ndis::driver::all().pop().expect("the driver registered a filter");
        for _ in 0..3 {
            adapter.send(&lists(&frames(53, 4), 0), CALL);
            assert_eq!(adapter.take_events().completed.len(), 1);
            assert_eq!(adapter.net_event(NetEventFilterPreDetach), NDIS_STATUS_SUCCESS);
            let events = adapter.take_events();
            assert_eq!(events.net_events, [NetEventFilterPreDetach]);
            assert_eq!(statuses(&events.completed), [(NDIS_STATUS_PAUSED, 3)]);
            // Until the pause nothing waits any more.
            schedule::sleep(Duration::from_secs(2));
            adapter.send(&lists(&frames(53, 4), 0), CALL);
            assert_eq!(
                statuses(&adapter.take_events().completed),
                [(NDIS_STATUS_FAILURE, 3), (NDIS_STATUS_SUCCESS, 1)]
            );
            let before = lab::clock::now();
            adapter.pause();
            assert!(lab::clock::now() - before < Duration::from_millis(50));
            adapter.detach();
            adapter.attach(&filter).expect("the filter attaches");
            adapter.restart(Attributes::General).expect("the filter restarts");
            schedule::sleep(Duration::from_secs(2));
        }
        adapter.pause();
        drop(file);
        driver.unload();
        machine.finish();
    });
}
