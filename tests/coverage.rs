//! Promise: a measurement tells which functions of the linked driver ran, on whichever processor, and changes nothing
//! that the driver does.

mod support;

use std::path::{Path, PathBuf};

use lab::coverage::{self, Report};
use lab::ndis::{Adapter, Attributes, Call, Config, RESOURCES};
use lab::schedule::Mode;
use lab::{Machine, child, drive};
use support::packet::{self, Ports, Way, lists};
use support::{boot_with_adapter, driver_image, start};

/// A directory of the test's own, empty.
fn directory(test: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("coverage").join(test);
    if !child::is_child() {
        // It need not be there.
        let _ = std::fs::remove_dir_all(&directory);
    }
    directory
}

/// Whether anything of the function ran; none if the image has no such function.
fn ran(report: &Report, name: &str) -> Option<bool> {
    let functions = report.files.values().flat_map(|file| &file.functions);
    let found: Vec<_> = functions.filter(|(found, _)| *found == name).collect();
    (!found.is_empty()).then(|| found.iter().any(|(_, function)| function.executed))
}

const ENTRY: &str = "weir::filter::Module::filter_receive";
const LOAN: &str = "weir::filter::Module::filter_receive_loan";

#[test]
fn what_ran_is_told_from_what_did_not() {
    let test = "what_ran_is_told_from_what_did_not";
    let directory = directory(test);
    let variables = [(coverage::DIRECTORY, directory.to_str().expect("UTF-8"))];
    let life = |name: &str, flags: Option<u32>| {
        let exit = child::run_with(&format!("{test}#{name}"), &variables, || {
            let (machine, mut driver, adapter) = boot_with_adapter();
            // Both processors come by the same instructions at once.
            std::thread::scope(|scope| {
                for processor in 0..flags.map_or(0, |_| 2) {
                    let (adapter, call) =
                        (&adapter, Call { dispatch: true, flags: flags.unwrap_or_default() });
                    scope.spawn(move || {
                        lab::cpu::init_on(processor);
                        let ports = Ports { local: 9, remote: 7 };
                        let frame = [packet::udp(Way::In, ports, 5)];
                        (0..50).for_each(|number| adapter.receive(&lists(&frame, number), call));
                    });
                }
            });
            let expected = if flags.is_some() { 100 } else { 0 };
            assert_eq!(adapter.take_events().returned.len(), expected);
            driver.unload();
            machine.finish();
        });
        (!child::is_child()).then(|| {
            exit.assert_clean();
            coverage::report(&directory, &driver_image()).expect("something was measured")
        })
    };
    let reports = [life("idle", None), life("receive", Some(0)), life("loan", Some(RESOURCES))];
    let [Some(idle), Some(receive), Some(loan)] = reports else { return };
    let told =
        |report| [ran(report, "weir::driver::Driver::bring_up"), ran(report, ENTRY), ran(report, LOAN)];
    assert_eq!(told(&idle), [Some(true), Some(false), Some(false)]);
    assert_eq!(told(&receive), [Some(true), Some(true), Some(false)]);
    assert_eq!(told(&loan), [Some(true); 3]);
    let source = &loan.files["src/filter/receive.rs"];
    let (executed, lines) = source.count();
    assert!(0 < executed && executed <= lines && executed > receive.files["src/filter/receive.rs"].count().0);
}

#[test]
fn a_measured_run_is_the_same_run() {
    let test = "a_measured_run_is_the_same_run";
    let directory = directory(test);
    let variables = [(coverage::DIRECTORY, directory.to_str().expect("UTF-8"))];
    let life = |name: &str, variables: &[(&str, &str)]| {
        child::run_with(&format!("{test}#{name}"), variables, || {
            let options =
                drive::Options { mode: Mode::Deterministic, seed: 7, rounds: 60, ..Default::default() };
            drive::begin(&options);
            let machine = Machine::new(lab::Options::default());
            let adapters = [Adapter::new(Config::default())];
            let mut driver = start(&machine);
            adapters[0].restart(Attributes::General).expect("the filter restarts");
            let report = drive::run(&adapters, &options, |_| {});
            assert_eq!(report.missing(), 0);
            adapters[0].pause();
            driver.unload();
            machine.finish();
            let digest = lab::trace::digest();
            lab::verifier::count("events", digest.events);
            lab::verifier::count("hash", digest.hash);
        })
    };
    let (plain, measured, again) =
        (life("plain", &[]), life("measured", &variables), life("again", &variables));
    if child::is_child() {
        return;
    }
    plain.assert_clean();
    assert!(plain.report.counters["events"] > 1000, "{:?}", plain.report.counters);
    for other in [measured, again] {
        other.assert_clean();
        assert_eq!(other.report.counters, plain.report.counters);
    }
}
