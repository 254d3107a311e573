//! Questions to the agent end exactly once, whatever happens in whichever order.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use proptest::prelude::*;
use weir_core::ask::{Due, Event, Id, Outcome, Place, Question, Refusal, Settled, Table};
use weir_core::flow::{Endpoint, FlowKey, Owner};
use weir_core::{Action, Direction, Time};

type Places = Vec<Place<Token>>;

/// What belongs to a question: the number under which the test knows it.
#[derive(Debug, PartialEq, Eq)]
struct Token(u64);

fn table(capacity: usize) -> Table<Token, Places> {
    Table::new(std::iter::repeat_with(Place::default).take(capacity).collect())
}

fn question(flow: u64, timeout: u64) -> Question {
    let end = |port| Endpoint { address: [7; 16], port };
    let (key, local) = FlowKey::new(6, 1, end(flow as u16), end(443));
    let fallback = if flow.is_multiple_of(3) { Action::Permit } else { Action::Block };
    let (owner, origin) =
        (Owner { image: 1, user: 2, process_id: flow, ..Owner::default() }, Direction::Send);
    Question { flow, key, local, origin, owner, interface_luid: 0, rule: 0, generation: 1, fallback, timeout }
}

#[derive(Clone, Debug)]
enum Step {
    Join,
    Leave,
    Drain(usize),
    Withdraw,
    Reserve { timeout: u64 },
    Arm(prop::sample::Index),
    Cancel(prop::sample::Index),
    Tell(usize),
    Answer(prop::sample::Index, bool),
    Forget(prop::sample::Index),
    Pass(u64),
    Expire,
    Park { timeout: u64 },
    Claim(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    use prop::sample::Index;
    let step = prop_oneof![
        2 => Just(Step::Join),
        1 => Just(Step::Leave),
        2 => (0_usize..4).prop_map(Step::Drain),
        1 => Just(Step::Withdraw),
        8 => (0_u64..50).prop_map(|timeout| Step::Reserve { timeout }),
        8 => any::<Index>().prop_map(Step::Arm),
        1 => any::<Index>().prop_map(Step::Cancel),
        4 => (0_usize..4).prop_map(Step::Tell),
        4 => (any::<Index>(), any::<bool>()).prop_map(|(index, permit)| Step::Answer(index, permit)),
        1 => any::<Index>().prop_map(Step::Forget),
        3 => (0_u64..20).prop_map(Step::Pass),
        3 => Just(Step::Expire),
        2 => (0_u64..50).prop_map(|timeout| Step::Park { timeout }),
        2 => any::<Index>().prop_map(Step::Claim),
    ];
    prop::collection::vec(step, 1..200)
}

/// What the test knows of an open question.
#[derive(Clone, Copy, Debug)]
struct Open {
    flow: u64,
    id: Id,
    deadline: u64,
    told: bool,
    stale: bool,
}

/// A table told in the simplest way.
#[derive(Default)]
struct Model {
    now: u64,
    present: bool,
    leaving: bool,
    reason: Option<Outcome>,
    reserved: Vec<(u64, Id, u64, bool)>,
    open: Vec<Open>,
    parked: Vec<(u64, u64)>,
    ended: HashMap<Event, u64>,
    next: u64,
}

impl Model {
    fn taken(&self) -> usize {
        self.reserved.len() + self.open.len() + self.parked.len()
    }

    fn count(&mut self, event: Event) {
        *self.ended.entry(event).or_default() += 1;
    }

    fn end(&mut self, settled: &Settled<Token>, at: usize, outcome: Outcome, answer: Option<Action>) {
        let open = self.open.remove(at);
        assert_eq!((settled.question.flow, settled.payload.0), (open.flow, open.flow));
        assert_eq!(settled.outcome, outcome);
        assert_eq!(settled.action, answer.unwrap_or(settled.question.fallback));
        self.count(match (outcome, settled.action) {
            (Outcome::Answered, Action::Permit) => Event::Permitted,
            (Outcome::Answered, Action::Block) => Event::Blocked,
            (Outcome::TimedOut, _) => Event::TimedOut,
            (Outcome::AgentGone, _) => Event::AgentGone,
            (Outcome::Withdrawn, _) => Event::Withdrawn,
        });
    }

    fn outdate(&mut self, reason: Outcome) {
        self.reason = Some(reason);
        self.open.iter_mut().for_each(|open| open.stale = true);
        self.reserved.iter_mut().for_each(|(.., stale)| *stale = true);
    }
}

fn play(capacity: usize, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut table = table(capacity);
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Join => {
                let free = !model.present && !model.leaving;
                prop_assert_eq!(table.join(), free);
                model.present |= free;
            }
            Step::Leave => {
                table.leave();
                if model.present {
                    (model.present, model.leaving) = (false, true);
                    model.outdate(Outcome::AgentGone);
                }
            }
            Step::Withdraw => {
                table.withdraw(Outcome::Withdrawn);
                model.outdate(Outcome::Withdrawn);
            }
            Step::Drain(times) => {
                let reason = model.reason.unwrap_or(Outcome::AgentGone);
                for _ in 0..times {
                    match table.drain() {
                        Some(settled) => model.end(&settled, 0, reason, None),
                        None => {
                            prop_assert!(model.open.is_empty());
                            model.leaving = false;
                        }
                    }
                }
            }
            Step::Reserve { timeout } => {
                model.next += 1;
                let flow = model.next;
                match table.reserve(question(flow, timeout)) {
                    Ok(id) => {
                        prop_assert!(model.present && model.taken() < capacity && id.0 != 0);
                        model.reserved.push((flow, id, timeout, false));
                    }
                    Err(Refusal::NoAgent) => {
                        prop_assert!(!model.present);
                        model.count(Event::NoAgent);
                    }
                    Err(Refusal::Full) => {
                        prop_assert_eq!(model.taken(), capacity);
                        model.count(Event::Full);
                    }
                }
            }
            Step::Arm(index) if !model.reserved.is_empty() => {
                let at = index.index(model.reserved.len());
                let (flow, id, timeout, stale) = model.reserved.remove(at);
                prop_assert_eq!(table.arm(id, Token(flow), Time(model.now)), Ok(()));
                let deadline = if stale { model.now } else { model.now + timeout };
                model.open.push(Open { flow, id, deadline, told: false, stale });
                model.count(Event::Asked);
            }
            Step::Cancel(index) if !model.reserved.is_empty() => {
                let (_, id, ..) = model.reserved.remove(index.index(model.reserved.len()));
                table.cancel(id);
                prop_assert_eq!(table.arm(id, Token(0), Time(0)), Err(Token(0)));
                model.count(Event::Unaskable);
            }
            Step::Tell(times) => {
                let mut left = times;
                let mut told = Vec::new();
                table.tell(Time(model.now), |id, question, time| {
                    let room = left > 0;
                    left = left.saturating_sub(1);
                    if room {
                        told.push((id, question.flow, time));
                    }
                    room
                });
                let now = model.now;
                let fresh = model.open.iter_mut().filter(|open| !open.told).take(times);
                let expected: Vec<_> = fresh
                    .map(|open| {
                        open.told = true;
                        (open.id, open.flow, open.deadline.saturating_sub(now))
                    })
                    .collect();
                prop_assert_eq!(told, expected, "in order, each once");
                prop_assert_eq!(table.has_untold(), model.open.iter().any(|open| !open.told));
            }
            Step::Answer(index, permit) if !model.open.is_empty() => {
                let at = index.index(model.open.len());
                let open = model.open[at];
                let action = if permit { Action::Permit } else { Action::Block };
                match table.answer(open.id, action) {
                    Some(settled) => {
                        prop_assert!(open.told);
                        model.end(&settled, at, Outcome::Answered, Some(action));
                        prop_assert_eq!(table.answer(open.id, action), None, "once");
                        model.count(Event::Late);
                    }
                    None => {
                        prop_assert!(!open.told);
                        model.count(Event::Late);
                    }
                }
            }
            Step::Forget(index) => {
                let id = Id((index.index(usize::MAX) as u64) << 33);
                prop_assert_eq!(table.answer(id, Action::Permit), None);
                model.count(Event::Late);
            }
            Step::Pass(time) => model.now += time,
            Step::Expire => {
                while let Some(due) = table.expire(Time(model.now)) {
                    match due {
                        Due::Settled(settled) => {
                            let at = model.open.iter().position(|open| open.flow == settled.question.flow);
                            let at = at.expect("an open question");
                            prop_assert!(model.open[at].deadline <= model.now);
                            let gone = model.reason.filter(|_| model.open[at].stale);
                            model.end(&settled, at, gone.unwrap_or(Outcome::TimedOut), None);
                        }
                        Due::Unclaimed(Token(flow)) => {
                            let at = model.parked.iter().position(|(parked, _)| *parked == flow);
                            let (_, deadline) = model.parked.remove(at.expect("something parked"));
                            prop_assert!(deadline <= model.now);
                        }
                    }
                }
                let all = model.open.iter().map(|open| open.deadline);
                let first = all.chain(model.parked.iter().map(|(_, deadline)| *deadline)).min();
                prop_assert!(first.is_none_or(|first| first > model.now), "everything due has ended");
                prop_assert_eq!(table.next_due(), first.map(Time));
            }
            Step::Park { timeout } => {
                model.next += 1;
                let (flow, deadline) = (model.next, model.now + timeout);
                let parked = table.park(question(flow, 0), Token(flow), Time(deadline)).is_ok();
                prop_assert_eq!(parked, model.taken() < capacity);
                if parked {
                    model.parked.push((flow, deadline));
                }
            }
            Step::Claim(index) if !model.parked.is_empty() => {
                let (flow, _) = model.parked.remove(index.index(model.parked.len()));
                prop_assert_eq!(table.claim(flow), Some(Token(flow)));
                prop_assert_eq!(table.claim(flow), None);
            }
            Step::Arm(_) | Step::Cancel(_) | Step::Answer(..) | Step::Claim(_) => {}
        }
        prop_assert_eq!(table.open() as usize, model.open.len());
        prop_assert_eq!(table.taken() as usize, model.taken());
        for open in &model.open {
            prop_assert_eq!(table.about(open.flow), Some(open.id));
            prop_assert_eq!(table.payload_mut(open.id), Some(&mut Token(open.flow)));
        }
    }
    for event in Event::ALL {
        let counted = model.ended.get(event).copied().unwrap_or(0);
        prop_assert_eq!(table.counts()[*event as usize], counted, "{:?}", event);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn questions_behave_as_the_model_says(capacity in 0_usize..9, steps in steps()) {
        play(capacity, steps)?;
    }
}

/// Ten thousand at once: the heap, the index and the order of questions hold.
#[test]
fn ten_thousand_questions_are_open_at_once() {
    const COUNT: u64 = 10_000;
    let mut table = table(COUNT as usize);
    assert!(table.join());
    // Deadlines in no order.
    let timeout = |flow: u64| flow.wrapping_mul(7_919) % COUNT;
    for flow in 1..=COUNT {
        let id = table.reserve(question(flow, timeout(flow))).expect("room");
        assert_eq!(table.arm(id, Token(flow), Time(0)), Ok(()));
    }
    assert_eq!(table.reserve(question(COUNT + 1, 0)), Err(Refusal::Full));
    let mut told = 0;
    table.tell(Time(0), |_, question, _| {
        told += 1;
        question.flow == told
    });
    assert_eq!((told, table.has_untold()), (COUNT, false));
    let mut last = 0;
    for now in 0..COUNT {
        while let Some(due) = table.expire(Time(now)) {
            let Due::Settled(settled) = due else { panic!("nothing is parked") };
            assert_eq!(timeout(settled.payload.0), now);
            last = now;
        }
    }
    assert_eq!((table.open(), last), (0, COUNT - 1));
    assert_eq!(table.counts()[Event::TimedOut as usize], COUNT);
}

/// Classifies, the agent, the timer and the end of the agent's handle at once: every question that began ends once,
/// and everybody who reserved knows what became of it.
#[test]
fn races_end_every_question_once() {
    const QUESTIONS: u64 = 4_000;
    let table = Mutex::new(table(64));
    let ends: Vec<AtomicU32> = (0..=2 * QUESTIONS).map(|_| AtomicU32::new(0)).collect();
    let (clock, running, refused) = (AtomicU64::new(0), AtomicU32::new(2), AtomicU64::new(0));
    let lock = || -> MutexGuard<'_, Table<Token, Places>> { table.lock().expect("nobody panics") };
    let end = |settled: Settled<Token>| {
        ends[settled.payload.0 as usize].fetch_add(1, Ordering::Relaxed);
    };
    let time = || Time(clock.fetch_add(1, Ordering::Relaxed));
    std::thread::scope(|scope| {
        for asker in 0..2 {
            let (running, refused) = (&running, &refused);
            scope.spawn(move || {
                for number in 0..QUESTIONS {
                    let flow = asker * QUESTIONS + number + 1;
                    let mut reserved = lock().reserve(question(flow, 4_000));
                    for _ in 0..100 {
                        if reserved != Err(Refusal::NoAgent) {
                            break;
                        }
                        std::thread::yield_now();
                        reserved = lock().reserve(question(flow, 4_000));
                    }
                    match reserved {
                        // Between the two the lock is free, as while the platform puts the authorisation off.
                        Ok(id) if number % 17 == 0 => {
                            refused.fetch_add(1, Ordering::Relaxed);
                            lock().cancel(id);
                        }
                        Ok(id) => assert_eq!(lock().arm(id, Token(flow), time()), Ok(())),
                        Err(_) => {
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    if number % 8 == 0 {
                        std::thread::yield_now();
                    }
                }
                running.fetch_sub(1, Ordering::Release);
            });
        }
        scope.spawn(|| {
            while running.load(Ordering::Acquire) > 0 || lock().taken() > 0 {
                let _joined = lock().join();
                let mut ids = Vec::new();
                lock().tell(time(), |id, _, _| {
                    ids.push(id);
                    ids.len() < 8
                });
                for (number, id) in ids.into_iter().enumerate() {
                    let action = if number % 2 == 0 { Action::Permit } else { Action::Block };
                    let settled = lock().answer(id, action);
                    if let Some(settled) = settled {
                        end(settled);
                    }
                }
            }
        });
        scope.spawn(|| {
            while running.load(Ordering::Acquire) > 0 || lock().taken() > 0 {
                let due = lock().expire(time());
                if let Some(Due::Settled(settled)) = due {
                    end(settled);
                }
            }
        });
        scope.spawn(|| {
            while running.load(Ordering::Acquire) > 0 {
                std::thread::sleep(std::time::Duration::from_millis(1));
                lock().leave();
                loop {
                    let drained = lock().drain();
                    let Some(settled) = drained else { break };
                    end(settled);
                }
            }
        });
    });
    let table = lock();
    let ended: u64 = ends.iter().map(|ends| u64::from(ends.load(Ordering::Relaxed))).sum();
    assert!(ends.iter().all(|ends| ends.load(Ordering::Relaxed) <= 1), "none ends twice");
    assert_eq!(ended + refused.load(Ordering::Relaxed), 2 * QUESTIONS, "none is lost");
    let count = |event: Event| table.counts()[event as usize];
    assert_eq!(count(Event::Asked), ended);
    let kinds = [Event::Permitted, Event::Blocked, Event::TimedOut, Event::AgentGone, Event::Withdrawn];
    assert_eq!(kinds.map(count).iter().sum::<u64>(), ended);
    println!("{:?}", Event::ALL.iter().map(|event| (event.name(), count(*event))).collect::<Vec<_>>());
}
