//! Promise: the Base Filtering Engine may stop and start at every single step of the driver's life: nothing is left
//! behind, the driver joins again, and meanwhile connections are as free or as blocked as the policy's `failure` says.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ddk::fwp::{FWPM_SERVICE_RUNNING, FWPM_SERVICE_STOP_PENDING, FWPM_SERVICE_STOPPED};
use lab::edge::{Edge, Interface, ProcessMap, Verdict};
use lab::ndis::{Adapter, Attributes, Call, Config};
use lab::wdf::File;
use lab::{Machine, Options, export, fwp};
use support::packet::{self, LOCAL, Ports, Way, lists};
use support::{load, open, policy, status};
use weir_ioctl::{Control, SetPolicyReply};

const OPEN: &str = "[[rule]]\nname = \"dns\"\naction = \"block\"\nremote-port = 53\n";
const CLOSED: &str =
    "[defaults]\nfailure = \"closed\"\n[[rule]]\nname = \"dns\"\naction = \"block\"\nremote-port = 53\n";

/// What happens to the service at the chosen call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// It stops, and is started when the next step is done.
    Stop,
    /// It stops and starts at once.
    Restart,
    /// As before, but the driver hears of it late.
    RestartUnheard,
    /// It was not started before.
    Start,
}

impl Event {
    fn happen(self) {
        match self {
            Self::Stop => {
                fwp::set_service_state(FWPM_SERVICE_STOP_PENDING);
                fwp::set_service_state(FWPM_SERVICE_STOPPED);
            }
            Self::Restart => {
                fwp::set_service_state(FWPM_SERVICE_STOPPED);
                fwp::set_service_state(FWPM_SERVICE_RUNNING);
            }
            Self::RestartUnheard => {
                fwp::set_service_state_untold(FWPM_SERVICE_STOPPED);
                fwp::set_service_state_untold(FWPM_SERVICE_RUNNING);
            }
            Self::Start => fwp::set_service_state(FWPM_SERVICE_RUNNING),
        }
    }
}

/// Which call of the driver's life is the chosen one, and how many there were.
#[derive(Clone, Default)]
struct Calls {
    made: Arc<AtomicU64>,
    reached: Arc<AtomicBool>,
}

impl Calls {
    /// Counts calls of the filtering platform at PASSIVE_LEVEL; before the one numbered `chosen`, `event` happens.
    fn hook(chosen: u64, event: Event) -> Self {
        let calls = Self::default();
        let seen = calls.clone();
        export::hook_calls(move |meta| {
            if meta.dll == "fwpkclnt.sys" && lab::cpu::irql() == 0 {
                let number = seen.made.fetch_add(1, Ordering::Relaxed);
                if number == chosen {
                    seen.reached.store(true, Ordering::Relaxed);
                    event.happen();
                }
            }
        });
        calls
    }
}

/// TCP/IP above an adapter with the filter.
struct Site {
    edge: Edge,
    adapter: Arc<Adapter>,
    port: u16,
}

impl Site {
    fn new() -> Self {
        let adapter = Adapter::new(Config::default());
        Self { edge: Edge::new([LOCAL.into()], ProcessMap::default()), adapter, port: 20_000 }
    }

    /// Whether the first frame of a new flow reaches the wire.
    fn connects(&mut self, remote: u16) -> bool {
        self.port = if self.port == 60_000 { 20_000 } else { self.port + 1 };
        let frame = [packet::udp(Way::Out, Ports { local: self.port, remote }, 10)];
        if self.edge.outbound(&Interface::from(&*self.adapter), &frame[0], 1) != Verdict::Pass {
            return false;
        }
        self.adapter.send(&lists(&frame, 1), Call::default());
        self.adapter.take_events().wire.len() == 1
    }
}

/// The service runs (again), and the driver has joined it, at the latest with its next attempt.
fn resume(file: &File, what: &str) {
    fwp::tell_service_state();
    if fwp::service_state() != FWPM_SERVICE_RUNNING {
        fwp::set_service_state(FWPM_SERVICE_RUNNING);
    }
    lab::ntoskrnl::work::flush();
    let deadline = Instant::now() + Duration::from_secs(10);
    while status(file).wfp_active == 0 {
        assert!(Instant::now() < deadline, "{what}: the driver has not joined");
        std::thread::sleep(Duration::from_millis(20));
        lab::ntoskrnl::work::flush();
    }
}

/// Puts a policy in force; a service that goes away meanwhile may make that fail, but not a second time.
fn set_policy(site: &mut Site, file: &File, text: &str, what: &str) {
    let image = policy(text);
    let set = || file.ioctl(Control::SET_POLICY.0, &image, size_of::<SetPolicyReply>()).0;
    let before = status(file);
    let first = set();
    if first < 0 {
        let now = status(file);
        assert_eq!(now.policy_generation, before.policy_generation, "{what}: refused, but in force");
    } else {
        // Whether the service runs or not: what the policy blocks does not get out.
        assert!(!site.connects(53), "{what}");
    }
    resume(file, what);
    if first < 0 {
        assert_eq!(set(), 0, "{what}");
    }
    assert_eq!((site.connects(80), site.connects(53)), (true, false), "{what}: {text}");
}

/// One life: start, policies, stop. Returns how many calls it made and whether `chosen` was among them.
fn life(machine: &Machine, site: &mut Site, chosen: u64, event: Event, policies: &[&str]) -> (u64, bool) {
    let what = format!("{event:?} at call {chosen}");
    let first = if event == Event::Start { FWPM_SERVICE_STOPPED } else { FWPM_SERVICE_RUNNING };
    let guarded = fwp::object_counts() != [0; 4];
    fwp::set_service_state(first);
    let calls = Calls::hook(chosen, event);
    let mut driver = load(machine);
    driver.start().unwrap_or_else(|error| panic!("{what}: {error:?}"));
    if !site.adapter.is_running() {
        site.adapter.restart(Attributes::General).expect("the filter restarts");
    }
    let file = open(machine);
    // A guard decides until a policy says otherwise.
    if event != Event::Start && !guarded {
        resume(&file, &what);
    }
    for text in policies {
        set_policy(site, &file, text, &what);
    }
    drop(file);
    driver.unload();
    export::unhook_calls();
    fwp::tell_service_state();
    let closed = policies.last() == Some(&CLOSED);
    // Closed without the driver, whether the service runs, has stopped, or runs again.
    assert_eq!(site.connects(80), !closed, "{what}");
    fwp::set_service_state(FWPM_SERVICE_RUNNING);
    assert_eq!(site.connects(80), !closed, "{what}");
    let left = if closed { [1, 1, 0, 8] } else { [0; 4] };
    assert_eq!(fwp::object_counts(), left, "{what}");
    let leaks = lab::verifier::leaks();
    assert!(leaks.is_empty(), "{what}: {leaks:?}");
    (calls.made.load(Ordering::Relaxed), calls.reached.load(Ordering::Relaxed))
}

/// All lives in which the event comes at the first, the second, ... call: through all changes of the fail mode, and
/// lives that end closed.
fn at_every_call(test: &str, event: Event) {
    for (name, policies) in [("changes", &[OPEN, CLOSED, OPEN][..]), ("closed", &[CLOSED])] {
        lab::child::test(&format!("{test}#{name}"), || {
            let machine = Machine::new(Options::default());
            let mut site = Site::new();
            let mut chosen = 0;
            loop {
                let (made, reached) = life(&machine, &mut site, chosen, event, policies);
                if name == "closed" {
                    // Opened again, undisturbed.
                    life(&machine, &mut site, u64::MAX, Event::Stop, &[OPEN]);
                }
                if !reached {
                    println!("{event:?}, {name}: {chosen} places in a life of {made} calls");
                    assert!(chosen > 60, "{chosen} places");
                    break;
                }
                chosen += 1;
            }
            site.edge.finish();
            machine.finish();
        });
    }
}

#[test]
fn it_stops_at_every_call() {
    at_every_call("it_stops_at_every_call", Event::Stop);
}

#[test]
fn it_restarts_at_every_call() {
    at_every_call("it_restarts_at_every_call", Event::Restart);
}

#[test]
fn it_restarts_at_every_call_and_nobody_says_so() {
    at_every_call("it_restarts_at_every_call_and_nobody_says_so", Event::RestartUnheard);
}

#[test]
fn it_starts_at_every_call() {
    at_every_call("it_starts_at_every_call", Event::Start);
}
