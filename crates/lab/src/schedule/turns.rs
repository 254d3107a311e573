//! The deterministic mode: tasks of which one has its turn.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::Random;
use crate::{clock, trace, verifier};

/// Nobody's turn: only at the very end.
const NOBODY: usize = usize::MAX;
/// One in so many boundaries passes the turn on.
const SWITCH: u64 = 4;
/// Longest time between two boundaries.
const STEP: u64 = 3_000;
/// So many rounds in which every task only asked for something that did not come.
const STUCK: u32 = 1_000;

/// What a task is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    /// Nothing: it can go on.
    No,
    /// Something that another task does, or this moment.
    Until(Option<Instant>),
}

#[derive(Debug)]
struct Member {
    /// Known once the thread was started, and none again when it has ended.
    thread: Option<Thread>,
    waiting: Waiting,
    gone: bool,
}

#[derive(Debug)]
struct Turns {
    random: Random,
    members: Vec<Member>,
    stuck: u32,
}

static TURNS: Mutex<Turns> = Mutex::new(Turns { random: Random::new(0), members: Vec::new(), stuck: 0 });
static TURN: AtomicUsize = AtomicUsize::new(NOBODY);

thread_local! {
    static ME: Cell<usize> = const { Cell::new(NOBODY) };
}

fn turns() -> MutexGuard<'static, Turns> {
    TURNS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the current thread is a task.
#[inline]
pub(super) fn is_task() -> bool {
    ME.get() != NOBODY
}

/// Makes the current thread the first task.
pub(super) fn start(seed: u64) {
    let mut turns = turns();
    turns.random = Random::part(seed, u64::MAX);
    turns.members.push(Member { thread: Some(std::thread::current()), waiting: Waiting::No, gone: false });
    ME.set(0);
    TURN.store(0, Ordering::SeqCst);
}

/// A number for a task that is about to be started.
pub(super) fn register() -> usize {
    let mut turns = turns();
    // It waits for its thread, which is told by `begin`.
    turns.members.push(Member { thread: None, waiting: Waiting::No, gone: false });
    turns.members.len() - 1
}

/// Tells that the thread of task `number` was started.
pub(super) fn begin(number: usize, thread: Thread) {
    turns().members[number].thread = Some(thread);
}

/// Makes the current thread the task `number`; returns at its first turn.
pub(super) fn enter(number: usize) {
    ME.set(number);
    await_turn(number);
}

/// Ends the current task.
pub(super) fn leave() {
    let me = ME.replace(NOBODY);
    let mut turns = turns();
    turns.members[me].gone = true;
    turns.release();
    hand_over(turns, me);
}

/// The time between two boundaries.
pub(super) fn step() -> Duration {
    Duration::from_nanos(turns().random.below(STEP))
}

/// Whether something happens that happens once in `times`.
pub(super) fn once_in(times: u64) -> bool {
    turns().random.once_in(times)
}

/// A boundary: the turn may go to any task.
pub(super) fn point() {
    let me = ME.get();
    let mut turns = turns();
    turns.release();
    if turns.random.once_in(SWITCH) {
        hand_over(turns, me);
        await_turn(me);
    }
}

/// Passes the turn on because the current task spins.
pub(super) fn pass() {
    block(None);
}

/// Waits for `ready` or for `deadline`.
pub(super) fn wait(deadline: Option<Instant>, mut ready: impl FnMut() -> bool) -> bool {
    // What the task did since its turn began may be what others wait for.
    turns().release();
    loop {
        if ready() {
            turns().release();
            return true;
        }
        if deadline.is_some_and(|deadline| clock::now() >= deadline) {
            turns().release();
            return false;
        }
        block(deadline);
    }
}

fn block(deadline: Option<Instant>) {
    let me = ME.get();
    let mut turns = turns();
    turns.members[me].waiting = Waiting::Until(deadline);
    if turns.live().all(|member| turns.members[member].waiting != Waiting::No) {
        turns.let_time_pass();
    }
    hand_over(turns, me);
    await_turn(me);
}

impl Turns {
    fn live(&self) -> impl Iterator<Item = usize> {
        (0..self.members.len()).filter(|member| !self.members[*member].gone)
    }

    /// Something happened: whoever waits has to look again.
    fn release(&mut self) {
        self.stuck = 0;
        self.members.iter_mut().for_each(|member| member.waiting = Waiting::No);
    }

    /// Nobody can go on: the next thing that happens is the first deadline.
    fn let_time_pass(&mut self) {
        let deadlines = self.live().filter_map(|member| match self.members[member].waiting {
            Waiting::Until(deadline) => deadline,
            Waiting::No => None,
        });
        match deadlines.min() {
            Some(first) => clock::advance_to(first),
            None => self.stuck += 1,
        }
        if self.stuck > STUCK {
            verifier::violation("L-5", "all processors wait for each other");
        }
        self.members.iter_mut().for_each(|member| member.waiting = Waiting::No);
    }
}

/// Chooses the next task among those that can go on.
fn hand_over(mut turns: MutexGuard<'_, Turns>, me: usize) {
    let ready: Vec<usize> =
        turns.live().filter(|member| turns.members[*member].waiting == Waiting::No).collect();
    if ready.is_empty() {
        // The last task ends.
        TURN.store(NOBODY, Ordering::SeqCst);
        return;
    }
    let next = *turns.random.pick(&ready);
    trace::note("turn", next as u64);
    TURN.store(next, Ordering::SeqCst);
    let thread = turns.members[next].thread.clone();
    drop(turns);
    if next != me
        && let Some(thread) = thread
    {
        thread.unpark();
    }
}

fn await_turn(me: usize) {
    while TURN.load(Ordering::SeqCst) != me {
        // A thread whose handle is not known yet is not unparked; it looks for itself.
        std::thread::park_timeout(Duration::from_millis(2));
    }
}
