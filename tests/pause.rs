//! Promise: a paused module hands back at once what reaches it, and pausing, restarting and detaching go in any order.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ddk::ndis::{NDIS_STATUS_PAUSED, NDIS_STATUS_SUCCESS};
use lab::Machine;
use lab::drive::Gate;
use lab::ndis::{Adapter, AttachTime, Attributes, Behaviour, Call, Config, Giving, RESOURCES};
use lab::schedule::{self, Mode, Random};
use lab::wdf::File;
use support::packet::{self, Ports, Way, lists};
use support::{boot_with_adapter, list, open, set_policy, start, status, tap};
use weir_ioctl::{AdapterEntry, AdapterState, Control, CounterId, TapOpen};

const LEVELS: [Call; 2] = [Call { dispatch: false, flags: 0 }, Call { dispatch: true, flags: 0 }];

/// Five frames each way.
fn frames(way: Way) -> Vec<Vec<u8>> {
    (0..5).map(|port| packet::udp(way, Ports { local: 40_000 + port, remote: 53 }, 30)).collect()
}

fn state(file: &File) -> AdapterState {
    list::<AdapterEntry>(file, Control::ADAPTERS, 4).first().expect("one adapter").state
}

/// Traffic at a paused module: nothing gets through, everything comes back, and nothing is counted.
#[track_caller]
fn assert_closed(adapter: &Adapter, file: &File) {
    let (out, into) = (frames(Way::Out), frames(Way::In));
    let before = status(file);
    for call in LEVELS {
        adapter.send(&lists(&out, 10), call);
        let events = adapter.take_events();
        assert!(events.wire.is_empty());
        let expected: Vec<_> = (10..15).map(|tag| (tag, NDIS_STATUS_PAUSED)).collect();
        assert_eq!(events.completed, expected, "{call:?}");
        for flags in [0, RESOURCES] {
            adapter.receive(&lists(&into, 20), Call { flags, ..call });
            let events = adapter.take_events();
            assert!(events.delivered.is_empty(), "{call:?} with flags {flags}");
            assert_eq!(events.returned, [20, 21, 22, 23, 24]);
        }
    }
    let after = status(file);
    assert_eq!(after.counters, before.counters);
}

/// Traffic at a module that never ran, and so has no handlers yet: NDIS passes it by.
#[track_caller]
fn assert_bypassed(adapter: &Adapter, file: &File) {
    let (out, into) = (frames(Way::Out), frames(Way::In));
    let before = status(file);
    adapter.send(&lists(&out, 10), Call::default());
    adapter.receive(&lists(&into, 20), Call::default());
    let events = adapter.take_events();
    assert_eq!((events.wire.len(), events.delivered.len()), (5, 5));
    assert_eq!(status(file).counters, before.counters);
}

/// Traffic at a running module: everything gets through, in order, and all of it is counted.
#[track_caller]
fn assert_open(adapter: &Adapter, file: &File) {
    let (out, into) = (frames(Way::Out), frames(Way::In));
    let before = status(file);
    for call in LEVELS {
        adapter.send(&lists(&out, 10), call);
        let events = adapter.take_events();
        assert!(events.wire.iter().map(|frame| &frame.bytes).eq(&out));
        assert!(events.completed.iter().all(|(_, status)| *status == NDIS_STATUS_SUCCESS));
        for flags in [0, RESOURCES] {
            adapter.receive(&lists(&into, 20), Call { flags, ..call });
            let events = adapter.take_events();
            assert!(events.delivered.iter().map(|frame| &frame.bytes).eq(&into));
            assert_eq!(events.returned, [20, 21, 22, 23, 24]);
        }
    }
    let after = status(file);
    let rise = |id| after.counter(id) - before.counter(id);
    assert_eq!((rise(CounterId::FRAMES_SENT), rise(CounterId::FRAMES_RECEIVED)), (10, 20));
}

#[test]
fn what_reaches_a_paused_module_comes_back_at_once() {
    lab::child::test("what_reaches_a_paused_module_comes_back_at_once", || {
        lab::ndis::set_poison(true);
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        assert_open(&adapter, &file);
        adapter.pause();
        assert_eq!(state(&file), AdapterState::PAUSED);
        assert_closed(&adapter, &file);
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn pauses_and_restarts_go_round() {
    lab::child::test("pauses_and_restarts_go_round", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        for round in 0..30 {
            assert_eq!(state(&file), AdapterState::RUNNING);
            assert_open(&adapter, &file);
            adapter.pause();
            assert_eq!(state(&file), AdapterState::PAUSED);
            assert_closed(&adapter, &file);
            let attributes = if round % 2 == 0 { Attributes::None } else { Attributes::General };
            adapter.restart(attributes).expect("the filter restarts");
        }
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn frames_under_way_come_home_through_a_pause() {
    lab::child::test("frames_under_way_come_home_through_a_pause", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        adapter.behave(Behaviour { sends: Giving::OnRequest, receives: Giving::OnRequest });
        for call in LEVELS {
            adapter.send(&lists(&frames(Way::Out), 10), call);
            adapter.receive(&lists(&frames(Way::In), 20), call);
            let events = adapter.take_events();
            assert_eq!((events.wire.len(), events.delivered.len()), (5, 5));
            assert!(events.completed.is_empty() && events.returned.is_empty());
            // The wire completes its sends before the pause, the protocol returns its receives while it is under way.
            adapter.pause();
            let mut events = adapter.take_events();
            events.returned.sort_unstable();
            let expected: Vec<_> = (10..15).map(|tag| (tag, NDIS_STATUS_SUCCESS)).collect();
            assert_eq!(events.completed, expected);
            assert_eq!(events.returned, [20, 21, 22, 23, 24]);
            adapter.restart(Attributes::None).expect("the filter restarts");
        }
        driver.unload();
        machine.finish();
    });
}

/// A machine with the driver, and an adapter that it is not attached to yet.
fn boot_apart() -> (Machine, lab::Driver, Arc<Adapter>) {
    let machine = Machine::new(lab::Options::default());
    let adapter = Adapter::new(Config { attach: AttachTime::OnRequest, ..Config::default() });
    let driver = start(&machine);
    (machine, driver, adapter)
}

#[test]
fn a_module_may_go_without_ever_having_run() {
    lab::child::test("a_module_may_go_without_ever_having_run", || {
        let (machine, mut driver, adapter) = boot_apart();
        let file = open(&machine);
        let filter = lab::ndis::driver::all().pop().expect("the driver registered a filter");
        for round in 0..20_u32 {
            assert_eq!(status(&file).adapters, 0);
            adapter.attach(&filter).expect("the filter attaches");
            assert_eq!(status(&file).adapters, 1);
            assert_eq!(state(&file), AdapterState::PAUSED);
            assert_bypassed(&adapter, &file);
            if round.is_multiple_of(3) {
                adapter.restart(Attributes::General).expect("the filter restarts");
                assert_open(&adapter, &file);
                adapter.pause();
                assert_closed(&adapter, &file);
            }
            adapter.detach();
            assert_eq!(adapter.module_count(), 0);
        }
        drop(file);
        driver.unload();
        machine.finish();
    });
}

/// What a pause may take.
const LIMIT: Duration = Duration::from_secs(1);
/// Everything that makes the module hold something: sends that wait as long as a rule can say, copies with marks that the
/// card keeps, answers that protocols and the card keep, and copies for a reader that never reads.
const HEAVY: &str = "[[rule]]\nname = 'waits'\naction = ['rate-limit', 'tap']\nrate = '100 packets/s'\n\
                     burst = '1 packets'\nover = 'delay'\nmax-delay = '900 ms'\nremote-port = 1\n\
                     [[rule]]\nname = 'waits-marked'\naction = ['rate-limit', 'mark', 'tap']\ndscp = 'ef'\n\
                     rate = '100 packets/s'\nburst = '1 packets'\nover = 'delay'\nmax-delay = '900 ms'\nremote-port = 2\n\
                     [[rule]]\nname = 'marked'\naction = ['mark', 'tap']\ndscp = 'cs1'\nremote-port = 3\n\
                     [[rule]]\nname = 'rejected'\naction = ['reject', 'tap']\nremote-port = 4\n\
                     [[rule]]\nname = 'rest'\naction = 'tap'\n";

/// What the processors of [`pauses_under_load`] share.
struct Load {
    adapter: Arc<Adapter>,
    sending: Gate,
    stop: AtomicBool,
    sent: AtomicU64,
    received: AtomicU64,
    completed: AtomicU64,
    returned: AtomicU64,
}

impl Load {
    fn collect(&self) {
        let events = self.adapter.take_events();
        self.completed.fetch_add(events.completed.len() as u64, Ordering::SeqCst);
        self.returned.fetch_add(events.returned.len() as u64, Ordering::SeqCst);
    }

    /// One processor: as many frames as it can, both ways.
    fn run(&self, processor: u32) {
        lab::cpu::init_on(processor + 1);
        let mut round = 0_u16;
        while !self.stop.load(Ordering::SeqCst) {
            let of = |way| {
                let frame = |number: u16| {
                    packet::udp(way, Ports { local: 40_000 + processor as u16, remote: 1 + number % 6 }, 200)
                };
                (0..12).map(frame).collect::<Vec<_>>()
            };
            let (out, into) = (of(Way::Out), of(Way::In));
            let call = Call { dispatch: round.is_multiple_of(2), flags: 0 };
            self.sending.pass(|| {
                self.sent.fetch_add(out.len() as u64, Ordering::SeqCst);
                self.adapter.send(&lists(&out, 1), call);
            });
            self.received.fetch_add(into.len() as u64, Ordering::SeqCst);
            let flags = if round.is_multiple_of(3) { RESOURCES } else { 0 };
            self.adapter.receive(&lists(&into, 1), Call { flags, ..call });
            // The neighbours give some back, and keep the rest.
            if round % 8 == u16::try_from(processor).expect("few") {
                self.adapter.complete_some_sends(call, 20, |_| {});
                self.adapter.return_some_receives(call, 20, |order| order.reverse());
            }
            self.collect();
            round = round.wrapping_add(1);
            schedule::sleep(Duration::from_micros(200));
        }
    }
}

/// Pauses and restarts an adapter whose module has its hands full; the longest pause by the machine's clock and by the
/// host's.
fn pauses_under_load(mode: Mode, seed: u64, pauses: u32) -> (Duration, Duration) {
    schedule::start(mode, seed);
    let machine = Machine::new(lab::Options { processors: 2, ..lab::Options::default() });
    let adapter = Adapter::new(Config::default());
    let mut driver = start(&machine);
    adapter.restart(Attributes::General).expect("the filter restarts");
    let file = open(&machine);
    set_policy(&file, HEAVY);
    // Nobody in user mode does anything from here to the end of the last pause.
    tap::open(&file, TapOpen::WHOLE, tap::SMALLEST);
    adapter.behave(Behaviour { sends: Giving::OnRequest, receives: Giving::OnRequest });
    let load = Arc::new(Load {
        adapter: adapter.clone(),
        sending: Gate::default(),
        stop: AtomicBool::new(false),
        sent: AtomicU64::new(0),
        received: AtomicU64::new(0),
        completed: AtomicU64::new(0),
        returned: AtomicU64::new(0),
    });
    let processors = [0, 1].map(|processor| {
        let load = load.clone();
        schedule::spawn("load", move || load.run(processor))
    });
    let mut random = Random::part(seed, 0);
    let (mut by_machine, mut by_us) = (Vec::new(), Vec::new());
    for _ in 0..pauses {
        schedule::sleep(Duration::from_micros(20_000 + random.below(30_000)));
        load.sending.close(|| {
            let (machine, us) = (lab::clock::now(), Instant::now());
            adapter.pause();
            by_machine.push(lab::clock::now() - machine);
            by_us.push(us.elapsed());
            adapter.restart(Attributes::None).expect("the filter restarts");
        });
    }
    load.stop.store(true, Ordering::SeqCst);
    assert!(processors.into_iter().all(schedule::Task::join));
    adapter.pause();
    load.collect();
    let now = status(&file);
    let counter = |id| now.counter(id);
    for id in [
        CounterId::DELAYED,
        CounterId::MARKED,
        CounterId::REJECTS_SENT,
        CounterId::TAPPED,
        CounterId::TAP_LOST,
    ] {
        assert!(counter(id) > 0, "{id} never happened");
    }
    let all = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
    assert_eq!((all(&load.completed), all(&load.returned)), (all(&load.sent), all(&load.received)));
    let (head, copies) = tap::drain(&file);
    assert_eq!((counter(CounterId::TAPPED), counter(CounterId::TAP_LOST)), (head.copied, head.lost));
    assert_eq!(copies.len() as u64, head.copied);
    println!(
        "{} frames, {} waited, {} marked, {} answered, {} copied, {} lost by the reader",
        counter(CounterId::FRAMES_SENT) + counter(CounterId::FRAMES_RECEIVED),
        counter(CounterId::DELAYED),
        counter(CounterId::MARKED),
        counter(CounterId::REJECTS_SENT),
        head.copied,
        head.lost
    );
    drop(file);
    driver.unload();
    machine.finish();
    let longest = |times: Vec<Duration>| times.into_iter().max().expect("there were pauses");
    (longest(by_machine), longest(by_us))
}

#[test]
fn a_pause_under_full_load_takes_less_than_a_second_and_waits_for_no_user_mode() {
    const NAME: &str = "a_pause_under_full_load_takes_less_than_a_second_and_waits_for_no_user_mode";
    // Waiting takes its time where time is not virtual.
    for (mode, seed, pauses) in
        [(Mode::Deterministic, 1, 20), (Mode::Deterministic, 2, 20), (Mode::Free, 3, 4)]
    {
        let exit = lab::child::run(&format!("{NAME}#{mode:?}{seed}"), || {
            let (by_machine, by_us) = pauses_under_load(mode, seed, pauses);
            println!(
                "{mode:?}: of {pauses} pauses p100 was {} ms by the machine's clock, {} ms by the host's",
                by_machine.as_millis(),
                by_us.as_millis()
            );
            // Real time depends on what else this machine does.
            assert!(mode == Mode::Free || by_machine <= LIMIT, "{by_machine:?}");
        });
        if !lab::child::is_child() {
            exit.assert_clean();
            let said = exit.log.lines().filter(|line| line.contains("p100") || line.contains("waited"));
            said.for_each(|line| println!("{line}"));
        }
    }
}
