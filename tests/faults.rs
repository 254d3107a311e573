//! Promise: when memory or a registration fails, what was asked for fails as a whole, and everything else goes on.

mod support;

use ddk::fwp::{FWPM_SERVICE_RUNNING, FWPM_SERVICE_STOPPED};
use ddk::ndis::{NDIS_STATUS_RESOURCES, NDIS_STATUS_SUCCESS, OID_GEN_MAXIMUM_FRAME_SIZE};
use lab::Machine;
use lab::ndis::{Adapter, AttachTime, Attributes, Call, Config, RESOURCES};
use lab::wdf::Who;
use support::packet::{self, Ports, Way, lists};
use support::{ask, boot_with_adapter, list, load, open, policy, set_policy, start, status};
use weir_ioctl::zerocopy::IntoBytes;
use weir_ioctl::{AdapterEntry, Control, GetPolicyRequest, SetPolicyReply, WIN32_DEVICE_PATH};

const STATUS_INSUFFICIENT_RESOURCES: i32 = 0xC000_009A_u32.cast_signed();
/// Engine objects while nothing is registered, and while all of it is: providers, sublayers, callouts, filters.
const NO_OBJECTS: [usize; 4] = [0; 4];
const ALL_OBJECTS: [usize; 4] = [1, 1, 10, 10];

/// Runs `body` while allocation or registration number `n` from now on fails; tells whether one did.
fn failing<R>(n: u32, body: impl FnOnce() -> R) -> (R, bool) {
    lab::pool::fail_after(n);
    let result = body();
    // A failure that is still planned is used up here.
    let still_planned = (0..=n).any(|_| lab::pool::must_fail());
    (result, !still_planned)
}

/// Runs `body` with the first, the second, ... failure until one comes too late to hit anything; returns their number.
fn every_failure(mut body: impl FnMut(u32) -> bool) -> u32 {
    (0..).find(|&n| !body(n)).expect("a number of failures that fits")
}

#[test]
fn the_driver_starts_whole_or_not_at_all() {
    lab::child::test("the_driver_starts_whole_or_not_at_all", || {
        let machine = Machine::new(lab::Options::default());
        let adapter = Adapter::new(Config::default());
        let (mut refused, mut degraded) = (0, Vec::new());
        let points = every_failure(|n| {
            let mut driver = load(&machine);
            let (started, failed) = failing(n, || driver.start());
            match started {
                Err(status) => {
                    assert!(failed, "failed with {status:#x} without a reason");
                    assert_eq!(status, STATUS_INSUFFICIENT_RESOURCES, "failure {n}");
                    assert!(machine.open(WIN32_DEVICE_PATH, Who::Administrator).is_err());
                    assert_eq!(adapter.module_count(), 0, "failure {n}");
                    assert!(lab::ndis::driver::all().is_empty(), "failure {n}");
                    refused += 1;
                }
                Ok(()) => {
                    // Only the attachment to the adapter may be missing: the filter is optional.
                    let file = open(&machine);
                    let status = status(&file);
                    assert_eq!(status.wfp_active, 1, "failure {n}");
                    assert_eq!(status.adapters as usize, adapter.module_count(), "failure {n}");
                    assert_eq!(lab::fwp::object_counts(), ALL_OBJECTS, "failure {n}");
                    if adapter.module_count() == 0 {
                        degraded.push(n);
                    }
                    drop(file);
                    driver.unload();
                }
            }
            assert_eq!(lab::fwp::object_counts(), NO_OBJECTS, "failure {n}");
            let left = lab::verifier::leaks();
            assert!(left.is_empty(), "failure {n} left {left:#?}");
            failed
        });
        assert!(refused >= 30, "only {refused} of {points} failures were felt");
        assert!(!degraded.is_empty(), "no failure hit FilterAttach");
        machine.finish();
    });
}

#[test]
fn an_attach_that_fails_leaves_the_adapter_alone() {
    lab::child::test("an_attach_that_fails_leaves_the_adapter_alone", || {
        let machine = Machine::new(lab::Options::default());
        let adapter = Adapter::new(Config { attach: AttachTime::OnRequest, ..Config::default() });
        let mut driver = start(&machine);
        let filter = lab::ndis::driver::all().pop().expect("the driver registered a filter");
        let file = open(&machine);
        let before = lab::verifier::leaks().len();
        let points = every_failure(|n| {
            let (attached, failed) = failing(n, || adapter.attach(&filter));
            match attached {
                Err(status) => {
                    assert_eq!(status, NDIS_STATUS_RESOURCES, "failure {n}");
                    assert_eq!((adapter.module_count(), self::status(&file).adapters), (0, 0));
                    // Frames go their way without the filter.
                    let frame = [packet::udp(Way::Out, Ports { local: 1, remote: 2 }, 0)];
                    adapter.send(&lists(&frame, 0), Call::default());
                    assert_eq!(adapter.take_events().wire.len(), 1);
                }
                Ok(_) => {
                    // Without an alias the module goes by the name that the device manager shows.
                    let name = list::<AdapterEntry>(&file, Control::ADAPTERS, 2)[0].name;
                    let alias: Vec<u16> = adapter.config().name.encode_utf16().chain([0]).collect();
                    assert_eq!(failed, !name.starts_with(&alias), "failure {n} was not felt");
                    adapter.restart(Attributes::None).expect("the filter restarts");
                    adapter.pause();
                    adapter.detach();
                }
            }
            assert_eq!(lab::verifier::leaks().len(), before, "failure {n}");
            failed
        });
        assert!(points >= 4, "FilterAttach has only {points} ways to fail");
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn a_policy_without_memory_leaves_the_old_one_in_force() {
    lab::child::test("a_policy_without_memory_leaves_the_old_one_in_force", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        let old = "[[rule]]\nname = \"dns\"\naction = \"block\"\nprotocol = \"udp\"\nremote-port = 53\n";
        let (old_image, new_image) = (policy(old), policy("[defaults]\noutbound = \"permit\"\n"));
        let before = set_policy(&file, old);
        let frame = [packet::udp(Way::Out, Ports { local: 50_000, remote: 53 }, 10)];
        let points = every_failure(|n| {
            let ((set, _), failed) =
                failing(n, || file.ioctl(Control::SET_POLICY.0, &new_image, size_of::<SetPolicyReply>()));
            adapter.send(&lists(&frame, 0), Call::default());
            let passed = adapter.take_events().wire.len();
            if failed {
                assert_eq!(set, STATUS_INSUFFICIENT_RESOURCES, "failure {n}");
                let now = status(&file);
                assert_eq!((now.policy_generation, now.rules), (before.generation, 1));
                let request = GetPolicyRequest { offset: 0, generation: before.generation };
                let reply = ask(&file, Control::GET_POLICY, request.as_bytes(), 8 + old_image.len());
                assert_eq!(reply[8..], old_image);
                assert_eq!(passed, 0, "failure {n}");
            } else {
                assert_eq!((set, passed), (0, 1));
            }
            failed
        });
        assert!(points > 0, "SET_POLICY needs no memory");
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn the_platform_that_comes_late_is_joined_whole_or_not_at_all() {
    lab::child::test("the_platform_that_comes_late_is_joined_whole_or_not_at_all", || {
        lab::fwp::set_service_state(FWPM_SERVICE_STOPPED);
        let (machine, mut driver, _adapter) = boot_with_adapter();
        let file = open(&machine);
        let points = every_failure(|n| {
            let ((), failed) = failing(n, || {
                lab::fwp::set_service_state(FWPM_SERVICE_RUNNING);
                lab::ntoskrnl::work::flush();
            });
            let found = (status(&file).wfp_active, lab::fwp::object_counts());
            // The driver tries again each second, which may be over by now.
            let none_yet = failed && found == (0, NO_OBJECTS);
            assert!(none_yet || found == (1, ALL_OBJECTS), "failure {n}: {found:?}");
            lab::fwp::set_service_state(FWPM_SERVICE_STOPPED);
            lab::ntoskrnl::work::flush();
            assert_eq!((status(&file).wfp_active, lab::fwp::object_counts()), (0, NO_OBJECTS));
            failed
        });
        assert!(points > 20, "the session and its objects have only {points} ways to fail");
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn an_oid_without_memory_fails_and_the_next_one_does_not() {
    lab::child::test("an_oid_without_memory_fails_and_the_next_one_does_not", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        for query in [Adapter::query, Adapter::query_direct] {
            let query = || query(&adapter, OID_GEN_MAXIMUM_FRAME_SIZE, 4).status;
            assert_eq!(failing(0, query), (NDIS_STATUS_RESOURCES, true));
            assert_eq!(query(), NDIS_STATUS_SUCCESS);
        }
        driver.unload();
        machine.finish();
    });
}

#[test]
fn frames_need_no_memory() {
    lab::child::test("frames_need_no_memory", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        set_policy(&file, "[[rule]]\nname = \"odd\"\naction = \"block\"\nremote-port = [1, 3, 5, 7]\n");
        let frames = |way| -> Vec<_> {
            (0..8).map(|remote| packet::udp(way, Ports { local: 999, remote }, 10)).collect()
        };
        let ((), failed) = failing(0, || {
            for dispatch in [false, true] {
                adapter.send(&lists(&frames(Way::Out), 0), Call { dispatch, flags: 0 });
                adapter.receive(&lists(&frames(Way::In), 0), Call { dispatch, flags: 0 });
                adapter.receive(&lists(&frames(Way::In), 0), Call { dispatch, flags: RESOURCES });
            }
        });
        assert!(!failed, "the packet path allocated");
        let events = adapter.take_events();
        assert_eq!((events.wire.len(), events.delivered.len()), (8, 16));
        drop(file);
        driver.unload();
        machine.finish();
    });
}
