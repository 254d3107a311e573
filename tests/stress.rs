//! Promise: with everything going on at once no frame is lost or counted twice, and nothing stays behind.

mod support;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::{Duration, Instant};

use lab::edge::{Edge, Interface, ProcessMap, Stats, Verdict};
use lab::ndis::{Adapter, Attributes, Call, RESOURCES, Shape, Split};
use lab::wdf::File;
use support::packet::{self, LOCAL, Ports, Way, shaped};
use support::{ask, boot_with_adapter, list, open, policy, status};
use weir_ioctl::{
    AdapterEntry, Control, CounterId, FlowEntry, IdentityEntry, RuleHits, SetPolicyReply, StatusReply,
};

/// How long the traffic lasts at least...
const DURATION: Duration = Duration::from_secs(2);
/// ...on a slow machine until each thread came to this many calls...
const CALLS: u64 = 100;
/// ...and the administrator to this many policies.
const CHANGES: u32 = 12;
/// Frames of one call.
const CHAIN: u16 = 16;
/// Bytes of payload of a frame.
const PAYLOAD: usize = 60;
/// Bytes of a frame: Ethernet, IPv4 and UDP headers first.
const FRAME: u64 = 14 + 20 + 8 + PAYLOAD as u64;
/// Flows, told apart by their remote port and common to all threads: fewer than the table holds.
const PORTS: u16 = 700;
/// The flow of every other frame.
const BUSY: u16 = 50;
/// The local port of all flows.
const LOCAL_PORT: u16 = 40_000;

/// Policies that block nothing, half of the ports, and one owner.
const POLICIES: [&str; 3] = [
    "",
    "[[rule]]\nname = \"odd\"\naction = \"block\"\nprotocol = \"udp\"\nremote-port = [\"1-99\", \"200-299\"]\n\
     [[rule]]\nname = \"rest\"\naction = \"permit\"\n",
    "[[rule]]\nname = \"owner\"\naction = \"block\"\napplication = \"System\"\n",
];

/// What a thread of traffic does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Traffic {
    Send,
    Receive,
    Loan,
}

/// What the threads share.
struct Scene<'a> {
    adapter: &'a Adapter,
    stop: AtomicBool,
    /// Held for reading while the protocol sends: NDIS pauses protocols before the filters below them.
    sending: RwLock<()>,
    /// Calls of each thread.
    calls: [AtomicU64; 3],
    sent: AtomicU64,
    received: AtomicU64,
    events: Mutex<Tally>,
}

/// Ends the traffic when it goes, also when that is because a check failed.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What the edges of the adapter saw.
#[derive(Debug, Default)]
struct Tally {
    wire: u64,
    delivered: u64,
    completed: u64,
    failed: u64,
    returned: u64,
}

impl Scene<'_> {
    fn collect(&self) {
        let mut tally = self.events.lock().expect("nobody panics here");
        let events = self.adapter.take_events();
        tally.wire += events.wire.len() as u64;
        tally.delivered += events.delivered.len() as u64;
        tally.completed += events.completed.len() as u64;
        tally.failed += events.completed.iter().filter(|(_, status)| *status != 0).count() as u64;
        tally.returned += events.returned.len() as u64;
    }

    /// One thread of traffic.
    fn traffic(&self, kind: Traffic) -> Stats {
        lab::cpu::init_on(kind as u32 + 1);
        let mut edge = Edge::new([LOCAL.into()], ProcessMap::default());
        let interface = Interface::from(self.adapter);
        let way = if kind == Traffic::Send { Way::Out } else { Way::In };
        let mut round = 0_u64;
        while !self.stop.load(Ordering::Relaxed) {
            let remote = |index: u16| match index % 2 {
                0 => BUSY,
                _ => (round % u64::from(PORTS)) as u16 + index,
            };
            let local = LOCAL_PORT;
            let mut frames: Vec<_> =
                (0..CHAIN).map(|i| packet::udp(way, Ports { local, remote: remote(i) }, PAYLOAD)).collect();
            if kind == Traffic::Send {
                // The stack sends only what ALE permits.
                frames.retain(|frame| edge.outbound(&interface, frame, round) == Verdict::Pass);
            }
            let shape =
                Shape { lead: 2, split: Split::Random { seed: round }, empty_mdls: round.is_multiple_of(2) };
            let lists = shaped(&frames, round * 100, &shape);
            let dispatch = round.is_multiple_of(3);
            let (count, call) = match kind {
                Traffic::Send => (&self.sent, Call { dispatch, flags: 0 }),
                Traffic::Receive => (&self.received, Call { dispatch, flags: 0 }),
                Traffic::Loan => (&self.received, Call { dispatch, flags: RESOURCES }),
            };
            count.fetch_add(lists.len() as u64, Ordering::Relaxed);
            match kind {
                Traffic::Send => {
                    let _running = self.sending.read().expect("nobody panics here");
                    self.adapter.send(&lists, call);
                }
                Traffic::Receive | Traffic::Loan => self.adapter.receive(&lists, call),
            }
            round += 1;
            self.calls[kind as usize].store(round, Ordering::Relaxed);
            if round.is_multiple_of(64) {
                self.collect();
            }
        }
        edge.stats()
    }
}

/// What an administrator does meanwhile.
fn look_around(file: &File) {
    let now = status(file);
    assert!(now.flows <= now.flow_capacity);
    let flows = list::<FlowEntry>(file, Control::LIST_FLOWS, 50);
    let mut ids: Vec<u64> = flows.iter().map(|flow| flow.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), flows.len(), "a flow was listed twice");
    for flow in &flows {
        assert_eq!((flow.protocol, flow.ip_version), (17, 4), "a torn record: {flow:?}");
        assert_eq!(flow.local_port, LOCAL_PORT, "a torn record: {flow:?}");
        assert!(flow.remote_port < PORTS + CHAIN, "a torn record: {flow:?}");
    }
    let _images = list::<IdentityEntry>(file, Control::LIST_IDENTITIES, 4);
    let _hits = list::<RuleHits>(file, Control::RULE_HITS, 4);
}

/// Traffic, policies and lists, and pauses every so many rounds; then everything must add up.
fn everything_at_once(test: &str, pause_every: Option<u32>) {
    lab::child::test(test, || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        let images = POLICIES.map(policy);
        let scene = Scene {
            adapter: &adapter,
            stop: AtomicBool::new(false),
            sending: RwLock::new(()),
            calls: [const { AtomicU64::new(0) }; 3],
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            events: Mutex::default(),
        };
        let mut rounds = 0_u32;
        let stats: Vec<Stats> = std::thread::scope(|scope| {
            let scene = &scene;
            let threads = [Traffic::Send, Traffic::Receive, Traffic::Loan]
                .map(|kind| scope.spawn(move || scene.traffic(kind)));
            let stop = Stop(&scene.stop);
            let start = Instant::now();
            let enough = |rounds| {
                let calls = || scene.calls.iter().all(|calls| calls.load(Ordering::Relaxed) >= CALLS);
                start.elapsed() >= DURATION && rounds >= CHANGES && calls()
            };
            while !enough(rounds) && !threads.iter().any(|thread| thread.is_finished()) {
                let image = &images[rounds as usize % images.len()];
                ask(&file, Control::SET_POLICY, image, size_of::<SetPolicyReply>());
                look_around(&file);
                if pause_every.is_some_and(|every| rounds.is_multiple_of(every)) {
                    let _paused = scene.sending.write().expect("nobody panics here");
                    adapter.pause();
                    adapter.restart(Attributes::General).expect("the filter restarts");
                }
                rounds += 1;
            }
            drop(stop);
            threads.into_iter().map(|thread| thread.join().expect("the thread ends well")).collect()
        });
        scene.collect();
        assert_adds_up(&scene, &file, &stats, pause_every.is_some());
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn traffic_policies_and_lists_add_up() {
    everything_at_once("traffic_policies_and_lists_add_up", None);
}

#[test]
fn traffic_policies_lists_and_pauses_add_up() {
    everything_at_once("traffic_policies_lists_and_pauses_add_up", Some(3));
}

fn assert_adds_up(scene: &Scene<'_>, file: &File, stats: &[Stats], pauses: bool) {
    let now: StatusReply = status(file);
    let tally = scene.events.lock().expect("nobody panics here");
    let (sent, indicated) = (scene.sent.load(Ordering::Relaxed), scene.received.load(Ordering::Relaxed));
    assert_eq!((tally.completed, tally.returned), (sent, indicated), "frames that came home");
    // Every frame is counted, but for receives that a paused module hands back.
    let received = now.counter(CounterId::FRAMES_RECEIVED);
    assert_eq!(now.counter(CounterId::FRAMES_SENT), sent);
    assert!(if pauses { received <= indicated } else { received == indicated }, "{received} of {indicated}");
    // Each comes to exactly one end, at the edges as in the counters.
    assert_eq!(now.permitted() + now.blocked(), sent + received);
    assert_eq!(now.permitted(), tally.wire + tally.delivered);
    assert_eq!(tally.failed, sent - tally.wire);
    assert!(now.blocked() > 0 && tally.failed > 0, "nothing was blocked");
    // So say the adapter...
    let adapter = list::<AdapterEntry>(file, Control::ADAPTERS, 1)[0];
    assert_eq!(
        (adapter.frames_sent, adapter.frames_received, adapter.frames_blocked),
        (sent, received, now.blocked())
    );
    // ...and the flows, which never got too many.
    assert_eq!(now.counter(CounterId::TABLE_FULL), 0);
    let flows = list::<FlowEntry>(file, Control::LIST_FLOWS, 99);
    let sum = |value: fn(&FlowEntry) -> u64| flows.iter().map(value).sum::<u64>();
    assert_eq!(flows.len() as u32, now.flows);
    // Counts of a flow are no snapshot while frames pass; at rest they fit.
    assert!(flows.iter().all(|flow| flow.bytes_sent == flow.frames_sent * FRAME));
    assert!(flows.iter().all(|flow| flow.bytes_received == flow.frames_received * FRAME));
    assert_eq!(sum(|flow| flow.frames_sent), tally.wire);
    assert_eq!(sum(|flow| flow.frames_received), tally.delivered);
    assert_eq!(sum(|flow| flow.frames_sent_blocked), sent - tally.wire);
    assert_eq!(sum(|flow| flow.frames_received_blocked), received - tally.delivered);
    let asked: u64 = stats.iter().map(|stats| stats.connects + stats.accepts).sum();
    let refused: u64 = stats.iter().map(|stats| stats.connects_blocked + stats.accepts_blocked).sum();
    assert_eq!(now.counter(CounterId::AUTHORIZATIONS), asked);
    assert_eq!(now.counter(CounterId::AUTHORIZATIONS_BLOCKED), refused);
}
