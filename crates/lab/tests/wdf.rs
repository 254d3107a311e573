//! The driver framework: what works, and that every rule fires on a driver which breaks it.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod common;

use std::time::Duration;

use lab::child::{self, Exit, Status};
use lab::registry::Value;
use lab::wdf::{File, Who};
use lab::{Machine, Options};

const PATH: &str = r"\\.\LabProbe";
const ACCESS_DENIED: i32 = 0xc000_0022_u32 as i32;
const INVALID_DEVICE_REQUEST: i32 = 0xc000_0010_u32 as i32;
const BUFFER_TOO_SMALL: i32 = 0xc000_0023_u32 as i32;
const CANCELLED: i32 = 0xc000_0120_u32 as i32;

const fn code(function: u32, method: u32, access: u32) -> u32 {
    0x22 << 16 | access << 14 | function << 2 | method
}

/// Starts the driver in `mode` in a child, and unloads it after `body`.
#[track_caller]
fn run(test: &str, mode: &str, options: Options, body: impl FnOnce(&Machine)) -> Exit {
    let image = common::driver("probe-wdf");
    child::run(test, || {
        let machine = Machine::new(options);
        let mut driver = machine.load_driver_as(&image, mode).unwrap();
        match driver.start() {
            Ok(()) => {
                body(&machine);
                if driver.has_unload() {
                    driver.unload();
                } else {
                    println!("no unload routine");
                }
            }
            Err(status) => println!("refused: {status:#x}"),
        }
        machine.finish();
    })
}

/// As [`run`] in the mode without mistakes, with an open file.
#[track_caller]
fn with_file(test: &str, body: impl FnOnce(File)) -> Exit {
    run(test, "good", Options::default(), |machine| body(machine.open(PATH, Who::Administrator).unwrap()))
}

/// Sends control code `function`; the child has to end by `rule`.
#[track_caller]
fn stops(test: &str, function: u32, status: Status, rule: &str) {
    let exit = with_file(test, |file| {
        file.ioctl(code(function, 0, 0), &[1, 2, 3, 4], 64);
    });
    if !child::is_child() {
        exit.assert_stopped(status, rule);
        let finding = exit.report.findings.last().unwrap();
        let located = finding.caller.iter().any(|caller| caller.contains("lib.rs:"));
        assert!(located || finding.caller.is_none(), "{}", exit.log);
    }
}

/// Starts the driver in `mode`; the child has to end by `rule`.
#[track_caller]
fn start_stops(test: &str, mode: &str, rule: &str) {
    let exit = run(test, mode, Options::default(), |_| {});
    if !child::is_child() {
        exit.assert_stopped(Status::Verifier, rule);
    }
}

#[test]
fn a_good_driver_is_clean() {
    let exit = with_file("a_good_driver_is_clean", |file| {
        assert_eq!(file.ioctl(code(0x800, 0, 0), &[1, 2, 255], 3), (0, vec![2, 3, 0]));
        assert_eq!(file.ioctl(code(0x800, 0, 0), &[1, 2], 1), (BUFFER_TOO_SMALL, vec![]));
        assert_eq!(file.ioctl(code(0x800, 0, 0), &[], 8), (BUFFER_TOO_SMALL, vec![]));
        assert_eq!(file.ioctl(code(0x8ff, 0, 0), &[], 0), (INVALID_DEVICE_REQUEST, vec![]));
        assert_eq!(file.ioctl(code(0x813, 2, 0), &[], 8), (0, vec![7; 4]));
        assert_eq!(file.ioctl(code(0x814, 3, 0), &[1], 0), (INVALID_DEVICE_REQUEST, vec![]));
        assert_eq!(file.read(10), (INVALID_DEVICE_REQUEST, vec![]));
    });
    if !child::is_child() {
        exit.assert_clean();
        let order: Vec<_> =
            exit.log.split("driver: ").skip(1).filter_map(|rest| rest.lines().next()).collect();
        assert_eq!(order, ["file cleanup", "file close", "EvtDriverUnload", "cleanup", "destroy abc"]);
    }
}

#[test]
fn access_follows_the_descriptor() {
    let test = "access_follows_the_descriptor";
    child::test(test, || {
        let machine = Machine::new(Options::default());
        let mut driver = machine.load_driver_as(common::driver("probe-wdf"), "good").unwrap();
        driver.start().unwrap();
        assert_eq!(machine.open(PATH, Who::User).unwrap_err(), ACCESS_DENIED);
        machine.open(PATH, Who::System).unwrap().close();
        machine.open(PATH, Who::Administrator).unwrap().close();
        assert_eq!(machine.open(r"\\.\Nobody", Who::System).unwrap_err(), 0xc000_0034_u32 as i32);
        let read_only = lab::wdf::open_with(PATH, Who::System, 0x0012_0089).unwrap();
        assert_eq!(read_only.ioctl(code(0x815, 0, 2), &[], 0).0, ACCESS_DENIED);
        let writable = machine.open(PATH, Who::System).unwrap();
        assert_eq!(writable.ioctl(code(0x815, 0, 2), &[], 0).0, 0);
        drop((read_only, writable));
        driver.unload();
        assert!(machine.open(PATH, Who::System).is_err());
        machine.finish();
    });
}

#[test]
fn parked_requests_end_by_event_cancel_or_close() {
    let exit = with_file("parked_requests_end_by_event_cancel_or_close", |file| {
        let park = || file.ioctl_pending(code(0x807, 0, 0), &[], 4).unwrap();
        let (first, second, third) = (park(), park(), park());
        assert_eq!(first.wait(Duration::from_millis(20)), None);
        assert_eq!(file.ioctl(code(0x808, 0, 0), &[], 0).0, 0);
        assert_eq!(first.wait(Duration::from_secs(5)), Some((0, vec![0x78, 0x56, 0x34, 0x12])));
        second.cancel();
        assert_eq!(second.wait(Duration::from_secs(5)), Some((CANCELLED, vec![])));
        file.close();
        assert_eq!(third.wait(Duration::ZERO), Some((CANCELLED, vec![])));
    });
    if !child::is_child() {
        exit.assert_clean();
    }
}

#[test]
fn a_cancelable_request_is_cancelled() {
    let exit = with_file("a_cancelable_request_is_cancelled", |file| {
        let pending = file.ioctl_pending(code(0x80f, 0, 0), &[], 0).unwrap();
        assert!(pending.is_with_driver());
        pending.cancel();
        assert_eq!(pending.wait(Duration::from_secs(5)), Some((CANCELLED, vec![])));
    });
    if !child::is_child() {
        exit.assert_clean();
    }
}

#[test]
fn timers_work_items_and_sequential_queues_run() {
    let exit = with_file("timers_work_items_and_sequential_queues_run", |file| {
        let count = || u32::from_le_bytes(file.ioctl(code(0x81d, 0, 0), &[], 4).1.try_into().unwrap());
        assert_eq!(file.ioctl(code(0x818, 0, 0), &[], 0).0, 0);
        assert_eq!(count(), 1);
        assert_eq!(file.ioctl(code(0x817, 0, 0), &[], 0).0, 0);
        let start = std::time::Instant::now();
        while count() != 11 {
            assert!(start.elapsed() < Duration::from_secs(5), "the timer does not expire");
        }
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_eq!(file.ioctl(code(0x81c, 0, 0), &[], 0).0, 0));
            }
        });
        assert_eq!(count(), 811);
    });
    if !child::is_child() {
        exit.assert_clean();
    }
}

#[test]
fn parameters_come_from_the_registry() {
    let test = "parameters_come_from_the_registry";
    let exit = child::run(test, || {
        let machine = Machine::new(Options::default());
        let key = r"\Registry\Machine\System\CurrentControlSet\Services\good\Parameters";
        machine.registry().set(key, "Number", Value::Dword(42));
        let mut driver = machine.load_driver_as(common::driver("probe-wdf"), "good").unwrap();
        driver.start().unwrap();
        driver.unload();
        machine.finish();
    });
    if !child::is_child() {
        exit.assert_clean();
        assert!(exit.log.contains("driver: Number: 0 42"), "{}", exit.log);
    }
}

#[test]
fn an_older_framework_refuses() {
    let options = Options { framework_minor: 13, ..Options::default() };
    let exit = run("an_older_framework_refuses", "good", options, |_| panic!("it started"));
    if !child::is_child() {
        exit.assert_clean();
        assert!(exit.log.contains("refused: 0xc000000d"), "{}", exit.log);
    }
}

#[test]
fn a_wrong_function_count_is_refused() {
    let exit = run("a_wrong_function_count_is_refused", "wrong-count", Options::default(), |_| {});
    if !child::is_child() {
        exit.assert_clean();
        assert!(exit.log.contains("refused: 0xc000000d"), "{}", exit.log);
    }
}

#[test]
fn a_late_failure_leaves_nothing() {
    let exit = run("a_late_failure_leaves_nothing", "fail-late", Options::default(), |_| {});
    if !child::is_child() {
        exit.assert_clean();
        assert!(exit.log.contains("refused: 0xc0000001"), "{}", exit.log);
        // The framework deletes what it owns, but the driver's unload does not run.
        assert!(exit.log.contains("destroy abc") && !exit.log.contains("EvtDriverUnload"), "{}", exit.log);
    }
}

#[test]
fn every_failing_allocation_is_survived() {
    let mut refused = 0;
    for n in 0..12 {
        let name = format!("every_failing_allocation_is_survived#{n}");
        let image = common::driver("probe-wdf");
        let exit = child::run(&name, || {
            let machine = Machine::new(Options::default());
            let mut driver = machine.load_driver_as(&image, "good").unwrap();
            lab::pool::fail_after(n);
            match driver.start() {
                Ok(()) => driver.unload(),
                Err(status) => println!("refused: {status:#x}"),
            }
            machine.finish();
        });
        if !child::is_child() {
            exit.assert_clean();
            refused += u32::from(exit.log.contains("refused: 0xc000009a"));
        }
    }
    assert!(child::is_child() || refused >= 8, "only {refused} allocations failed");
}

#[test]
fn a_second_driver_object_is_refused() {
    let exit = run("a_second_driver_object_is_refused", "create-twice", Options::default(), |_| {});
    if !child::is_child() {
        exit.assert_clean();
        assert!(exit.log.contains("refused: 0xc0000183"), "{}", exit.log);
    }
}

#[test]
fn without_evt_driver_unload_there_is_no_unload() {
    let exit = run("without_evt_driver_unload_there_is_no_unload", "no-unload", Options::default(), |_| {});
    if !child::is_child() {
        assert_eq!(exit.status, Status::Ok, "{}", exit.log);
        assert!(exit.log.contains("no unload routine"), "{}", exit.log);
    }
}

#[test]
fn a_refused_create_has_no_cleanup() {
    let exit = run("a_refused_create_has_no_cleanup", "fail-creates", Options::default(), |machine| {
        assert_eq!(machine.open(PATH, Who::System).unwrap_err(), 0xc000_009a_u32 as i32);
    });
    if !child::is_child() {
        exit.assert_clean();
        assert!(!exit.log.contains("file cleanup") && !exit.log.contains("file close"), "{}", exit.log);
    }
}

#[test]
fn a_device_is_invisible_before_it_is_finished() {
    let test = "a_device_is_invisible_before_it_is_finished";
    let exit = run(test, "never-finish", Options::default(), |machine| {
        assert_eq!(machine.open(PATH, Who::System).unwrap_err(), 0xc000_000e_u32 as i32);
    });
    if !child::is_child() {
        exit.assert_stopped(Status::Verifier, "K-15");
    }
}

#[test]
fn a_reference_that_stays_is_a_leak() {
    let exit = with_file("a_reference_that_stays_is_a_leak", |file| {
        file.ioctl(code(0x819, 0, 0), &[], 0);
    });
    if !child::is_child() {
        assert_eq!(exit.status, Status::Ok, "{}", exit.log);
        let rules: Vec<_> = exit.report.leaks.iter().map(|leak| leak.rule.as_str()).collect();
        assert_eq!(rules, ["K-46"], "{}", exit.log);
    }
}

#[test]
fn an_initialisation_that_stays_is_a_leak() {
    let exit = run("an_initialisation_that_stays_is_a_leak", "leak-init", Options::default(), |_| {});
    if !child::is_child() {
        assert_eq!(exit.report.leaks.len(), 1, "{}", exit.log);
        assert_eq!(exit.report.leaks[0].rule, "K-16");
    }
}

#[test]
fn k_10_pnp_setters_are_refused() {
    start_stops("k_10_pnp_setters_are_refused", "pnp-setter", "K-10");
}

#[test]
fn k_11_an_unreadable_descriptor_is_found() {
    start_stops("k_11_an_unreadable_descriptor_is_found", "bad-sddl", "K-11");
}

#[test]
fn k_15_finishing_twice_is_found() {
    start_stops("k_15_finishing_twice_is_found", "finish-twice", "K-15");
}

#[test]
fn k_16_freeing_an_initialisation_twice_is_found() {
    start_stops("k_16_freeing_an_initialisation_twice_is_found", "free-init-twice", "K-16");
}

#[test]
fn k_31_completing_twice_is_found() {
    stops("k_31_completing_twice_is_found", 0x801, Status::Verifier, "K-31");
}

#[test]
fn k_31_never_completing_is_found() {
    stops("k_31_never_completing_is_found", 0x802, Status::Verifier, "K-31");
}

#[test]
fn k_37_use_after_completion_is_found() {
    stops("k_37_use_after_completion_is_found", 0x803, Status::Verifier, "K-37");
}

#[test]
fn g_4_a_buffer_after_completion_is_gone() {
    stops("g_4_a_buffer_after_completion_is_gone", 0x804, Status::BugCheck, "G-4");
}

#[test]
fn k_38_too_much_information_is_found() {
    stops("k_38_too_much_information_is_found", 0x805, Status::Verifier, "K-38");
}

#[test]
fn k_38_unwritten_output_is_found() {
    stops("k_38_unwritten_output_is_found", 0x806, Status::Verifier, "K-38");
}

#[test]
fn kv_5_a_handle_of_another_kind_is_found() {
    stops("kv_5_a_handle_of_another_kind_is_found", 0x809, Status::Verifier, "KV-5");
}

#[test]
fn g_14_returning_at_another_irql_is_found() {
    stops("g_14_returning_at_another_irql_is_found", 0x80a, Status::Verifier, "G-14");
}

#[test]
fn g_14_returning_with_a_lock_is_found() {
    stops("g_14_returning_with_a_lock_is_found", 0x80b, Status::Verifier, "G-14");
}

#[test]
fn k_42_deleting_a_request_is_found() {
    stops("k_42_deleting_a_request_is_found", 0x80c, Status::Verifier, "K-42");
}

#[test]
fn k_40_the_wrong_irql_is_found() {
    stops("k_40_the_wrong_irql_is_found", 0x80d, Status::Verifier, "K-40");
}

#[test]
fn k_35_completing_a_cancelable_request_is_found() {
    stops("k_35_completing_a_cancelable_request_is_found", 0x80e, Status::Verifier, "K-35");
}

#[test]
fn g_4_an_output_overrun_is_found() {
    stops("g_4_an_output_overrun_is_found", 0x810, Status::BugCheck, "G-4");
}

#[test]
fn kv_4_a_null_argument_is_found() {
    stops("kv_4_a_null_argument_is_found", 0x811, Status::Verifier, "KV-4");
}

#[test]
fn k_39_a_purge_in_its_own_callback_is_found() {
    stops("k_39_a_purge_in_its_own_callback_is_found", 0x812, Status::Verifier, "K-39");
}

#[test]
fn g_50_completing_with_pending_is_found() {
    stops("g_50_completing_with_pending_is_found", 0x816, Status::Verifier, "G-50");
}

#[test]
fn kv_2_a_recursive_lock_is_found() {
    stops("kv_2_a_recursive_lock_is_found", 0x81a, Status::Verifier, "KV-2");
}

#[test]
fn k_41_uninitialised_attributes_are_found() {
    stops("k_41_uninitialised_attributes_are_found", 0x81b, Status::Verifier, "K-41");
}

#[test]
fn g_56_a_request_that_ignores_cancel_is_found() {
    let exit = with_file("g_56_a_request_that_ignores_cancel_is_found", |file| {
        file.ioctl_pending(code(0x802, 0, 0), &[], 0).unwrap();
    });
    if !child::is_child() {
        exit.assert_stopped(Status::Verifier, "G-56");
    }
}

#[test]
fn k_1_another_driver_object_is_found() {
    start_stops("k_1_another_driver_object_is_found", "wrong-object", "K-1");
}

#[test]
fn k_3_a_call_of_the_dispatch_table_is_found() {
    start_stops("k_3_a_call_of_the_dispatch_table_is_found", "dispatch", "K-3");
}

#[test]
fn kv_7_a_reference_too_few_is_found() {
    stops("kv_7_a_reference_too_few_is_found", 0x81e, Status::Verifier, "KV-7");
}

#[test]
fn kv_9_releasing_a_lock_that_is_not_held_is_found() {
    stops("kv_9_releasing_a_lock_that_is_not_held_is_found", 0x81f, Status::Verifier, "KV-9");
}
