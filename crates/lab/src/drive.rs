//! Drives loaded filter drivers: traffic on several processors, OIDs, status, pauses and whatever else may happen at
//! any moment, in one of the modes of [`schedule`](crate::schedule), all of it chosen by a seed.
//!
//! Call [`begin`] first, then make the machine, start the drivers, and [`run`].

mod control;
mod processor;
mod traffic;

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::edge::{Interface, ProcessMap};
use crate::ndis::{Adapter, Behaviour, Call};
use crate::replay::Frame;
use crate::schedule::{self, Mode, Random};
use crate::trace::{self, Digest};

/// Where the frames come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Traffic {
    /// Made up by the seed: TCP, UDP, ICMP over both IP versions, fragments, ARP, and damaged frames.
    #[default]
    Random,
    /// Taken from a capture, again and again. What our addresses sent goes down, everything else comes up.
    Frames(Vec<Frame>),
}

/// How to drive.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who runs when.
    pub mode: Mode,
    /// What decides about everything.
    pub seed: u64,
    /// Processors with traffic; others come on top for events and for control.
    pub processors: u32,
    /// What each of them does: so many calls into the stack.
    pub rounds: u32,
    /// Most NBLs of one call.
    pub batch: u64,
    /// The frames.
    pub traffic: Traffic,
    /// Our addresses.
    pub local: Vec<IpAddr>,
    /// Who owns which socket.
    pub processes: ProcessMap,
    /// OIDs, status and PnP events while frames flow.
    pub events: bool,
    /// Pauses and restarts, and adapters that come and go.
    pub pauses: bool,
    /// Filters that are detached from an adapter and attached again.
    pub detaches: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mode: Mode::Free,
            seed: 0,
            processors: 2,
            rounds: 200,
            batch: 8,
            traffic: Traffic::Random,
            local: vec![traffic::LOCAL_V4.into(), traffic::LOCAL_V6.into()],
            processes: ProcessMap::default(),
            events: true,
            pauses: true,
            detaches: false,
        }
    }
}

/// How often something out of the ordinary was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oddities {
    /// Calls at DISPATCH_LEVEL.
    pub raised: u64,
    /// Calls at PASSIVE_LEVEL.
    pub passive: u64,
    /// NBLs that were completed or returned in a later call than the one that gave them.
    pub late: u64,
    /// Completions and returns of more NBLs than one call gives: of those of several calls.
    pub merged: u64,
    /// Completions and returns in which NBLs came back in another order than they were given.
    pub reordered: u64,
    /// Calls with a frame split into MDLs.
    pub split: u64,
    /// Receives in MDLs that nobody has mapped yet.
    pub unmapped: u64,
    /// Receives with NDIS_RECEIVE_FLAGS_RESOURCES.
    pub loans: u64,
    /// Those among them that followed another one on the same processor.
    pub bursts: u64,
    /// OIDs of which the miniport was asked while frames were under way: completed in the call, before its return on
    /// another thread, and after.
    pub oids: [u64; 3],
}

/// What was done, and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Frames that the protocol sent.
    pub sent: u64,
    /// Frames that the miniport indicated.
    pub received: u64,
    /// Frames that left on the wire.
    pub wire: u64,
    /// Frames that reached the protocol.
    pub delivered: u64,
    /// Sends that came back, with whatever status.
    pub completed: u64,
    /// Receives that came back.
    pub returned: u64,
    /// Frames that ALE did not let the stack send.
    pub refused: u64,
    /// OIDs.
    pub oids: u64,
    /// Status indications and PnP events.
    pub events: u64,
    /// Pauses with their restarts.
    pub pauses: u64,
    /// Adapters that came and went, with one received frame each that is not counted above.
    pub plugged: u64,
    /// Filters that were detached and attached again.
    pub detached: u64,
    /// Interrupts that came inside driver code.
    pub interrupts: u64,
    /// Calls of drivers into the lab since the machine started.
    pub calls: u64,
    /// What was out of the ordinary.
    pub odd: Oddities,
    /// The trace of a deterministic run.
    pub trace: Digest,
}

impl Report {
    /// Frames that did not come back to whom they belong.
    pub fn missing(&self) -> u64 {
        self.sent.abs_diff(self.completed) + self.received.abs_diff(self.returned)
    }
}

/// Chooses the mode. Call it first of all, once in a process.
pub fn begin(options: &Options) {
    schedule::start(options.mode, options.seed);
}

/// Lets protocols send only while the stack below is not being paused: NDIS pauses them before the filters.
#[derive(Debug, Default)]
pub struct Gate {
    closed: AtomicBool,
    inside: AtomicU32,
}

impl Gate {
    /// Sends, once nothing is being paused.
    pub fn pass(&self, body: impl FnOnce()) {
        loop {
            self.inside.fetch_add(1, Ordering::SeqCst);
            if !self.closed.load(Ordering::SeqCst) {
                break;
            }
            self.inside.fetch_sub(1, Ordering::SeqCst);
            schedule::wait(None, || !self.closed.load(Ordering::SeqCst));
        }
        body();
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }

    /// Like [`pass`](Self::pass), but does nothing where that would wait: what comes from below cannot be kept waiting.
    pub fn try_pass(&self, body: impl FnOnce()) {
        self.inside.fetch_add(1, Ordering::SeqCst);
        if !self.closed.load(Ordering::SeqCst) {
            body();
        }
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }

    /// Pauses, when nobody is sending any more.
    pub fn close(&self, body: impl FnOnce()) {
        self.closed.store(true, Ordering::SeqCst);
        schedule::wait(None, || self.inside.load(Ordering::SeqCst) == 0);
        body();
        self.closed.store(false, Ordering::SeqCst);
    }
}

/// What one adapter's frames go through.
#[derive(Debug)]
struct Port {
    adapter: Arc<Adapter>,
    interface: Interface,
    gate: Gate,
    /// Closed while filters are detached: by then NDIS has closed the ways for all that is no send.
    attached: Gate,
}

impl Port {
    /// Changes the stack while nothing enters it.
    fn closed(&self, change: impl FnOnce()) {
        self.gate.close(|| self.attached.close(change));
    }
}

/// How long filters may hold back frames after the last one was sent.
const HELD_LIMIT: Duration = Duration::from_secs(2);

/// Counters of the report.
#[derive(Debug, Default)]
struct Tally {
    sent: AtomicU64,
    received: AtomicU64,
    wire: AtomicU64,
    delivered: AtomicU64,
    completed: AtomicU64,
    returned: AtomicU64,
    refused: AtomicU64,
    oids: AtomicU64,
    events: AtomicU64,
    pauses: AtomicU64,
    plugged: AtomicU64,
    detached: AtomicU64,
    odd: Mutex<Oddities>,
}

fn add(counter: &AtomicU64, number: usize) {
    counter.fetch_add(number as u64, Ordering::Relaxed);
}

/// A frame that arrived, for the TCP/IP stack of the processor that it was made for: adapter and bytes.
type Mail = Vec<(usize, Vec<u8>)>;

/// What the threads share.
#[derive(Debug)]
struct Scene {
    options: Options,
    ports: Vec<Port>,
    mail: Vec<Mutex<Mail>>,
    tally: Tally,
    /// Threads with traffic that still run.
    running: AtomicU32,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A frame's number says in its high part for which processor it was made.
const OWNER: u32 = 48;

impl Scene {
    /// Notes something out of the ordinary.
    fn odd(&self, note: impl FnOnce(&mut Oddities)) {
        note(&mut lock(&self.tally.odd));
    }

    /// Shuffles the positions of the NBLs that wait, of which `count` come back now.
    fn shuffle(&self, random: &mut Random, all: &mut [u64], count: usize) {
        random.shuffle(all);
        let back = &all[..count.min(all.len())];
        self.odd(|odd| {
            odd.late += back.len() as u64;
            odd.merged += u64::from(back.len() as u64 > self.options.batch);
            odd.reordered += u64::from(!back.is_sorted());
        });
    }

    /// Counts what happened at the edges, and hands arrived frames to whom they belong.
    fn collect(&self) {
        for (number, port) in self.ports.iter().enumerate() {
            let events = port.adapter.take_events();
            add(&self.tally.wire, events.wire.len());
            add(&self.tally.delivered, events.delivered.len());
            add(&self.tally.completed, events.completed.len());
            add(&self.tally.returned, events.returned.len());
            for frame in events.delivered {
                let owner = frame.tag.map_or(0, |tag| tag >> OWNER) as usize;
                if let Some(mail) = self.mail.get(owner) {
                    lock(mail).push((number, frame.bytes));
                }
            }
        }
    }
}

/// Drives the filters on `adapters`, which run. `control` is called now and then on a thread of its own, for what only
/// the caller knows of, such as requests to the driver's device. Afterwards the filters run and nothing is under way.
///
/// # Panics
/// If [`begin`] was not called with the same mode, or one of the threads panicked.
pub fn run(
    adapters: &[Arc<Adapter>],
    options: &Options,
    control: impl FnMut(&mut Random) + Send + 'static,
) -> Report {
    assert_eq!(schedule::mode(), options.mode, "drive::begin was not called with these options");
    let ports = adapters.iter().map(|adapter| Port {
        adapter: adapter.clone(),
        interface: Interface::from(&**adapter),
        gate: Gate::default(),
        attached: Gate::default(),
    });
    let scene = Arc::new(Scene {
        options: options.clone(),
        ports: ports.collect(),
        mail: (0..options.processors).map(|_| Mutex::default()).collect(),
        tally: Tally::default(),
        running: AtomicU32::new(options.processors),
    });
    for (number, adapter) in adapters.iter().enumerate() {
        let scene = Arc::downgrade(&scene);
        let around = move |change: &mut dyn FnMut()| match scene.upgrade() {
            Some(scene) => scene.ports[number].closed(change),
            None => change(),
        };
        adapter.surround(Some(Arc::new(around)));
    }
    let frames = traffic::deal(&scene);
    let mut tasks = Vec::new();
    for (number, frames) in (0..).zip(frames) {
        let scene = scene.clone();
        tasks.push(schedule::spawn("traffic", move || processor::run(&scene, number, frames)));
    }
    if options.events {
        let scene = scene.clone();
        tasks.push(schedule::spawn("events", move || control::events(&scene)));
    }
    let other = scene.clone();
    tasks.push(schedule::spawn("control", move || control::control(&other, control)));
    for task in tasks {
        assert!(task.join(), "a driving thread panicked");
    }
    schedule::pending_interrupts();
    for port in &scene.ports {
        port.adapter.surround(None);
        port.adapter.behave(Behaviour::default());
        port.adapter.complete_sends(Call::default(), |order| order.reverse());
        port.adapter.return_receives(Call::default(), |order| order.reverse());
    }
    // What filters hold back comes in its time.
    let late = clock::now() + HELD_LIMIT;
    while clock::now() < late && scene.ports.iter().any(|port| port.adapter.has_frames_under_way()) {
        schedule::sleep(Duration::from_millis(1));
    }
    crate::ndis::set_unmapped(false);
    scene.collect();
    scene.report()
}

impl Scene {
    fn report(&self) -> Report {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let tally = &self.tally;
        Report {
            sent: get(&tally.sent),
            received: get(&tally.received),
            wire: get(&tally.wire),
            delivered: get(&tally.delivered),
            completed: get(&tally.completed),
            returned: get(&tally.returned),
            refused: get(&tally.refused),
            oids: get(&tally.oids),
            events: get(&tally.events),
            pauses: get(&tally.pauses),
            plugged: get(&tally.plugged),
            detached: get(&tally.detached),
            interrupts: schedule::injected(),
            calls: trace::calls(),
            odd: *lock(&tally.odd),
            trace: trace::digest(),
        }
    }
}
