//! The state machine of questions: each begins once and ends once.

use core::ops::DerefMut;

use super::places::{NONE, Place, Places, State};
use super::{EVENTS, Event, Id, Outcome, Question};
use crate::{Action, Time};

/// Whether somebody answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    /// Nobody does.
    None,
    /// Somebody does.
    Present,
    /// Somebody did; its questions are being ended.
    Leaving,
}

/// Why a flow is not asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody is there to answer.
    NoAgent,
    /// Too many questions are open.
    Full,
}

/// A question that ended. Whoever gets it lets the flow go on.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Settled<T> {
    /// What was asked.
    pub question: Question,
    /// What [`Table::arm`] was given.
    pub payload: T,
    /// Whether the flow may exist.
    pub action: Action,
    /// Why it ended.
    pub outcome: Outcome,
}

/// Something whose time is over.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Due<T> {
    /// A question.
    Settled(Settled<T>),
    /// What [`Table::park`] was given: nobody came for it.
    Unclaimed(T),
}

/// Questions that are open. `T` belongs to the caller: what it needs to let the flow go on.
#[derive(Debug)]
pub struct Table<T, S> {
    places: Places<T, S>,
    agent: Agent,
    /// Changes when all open questions end; those that were being put off at that moment end too.
    epoch: u32,
    /// Why they ended.
    reason: Outcome,
    /// First question that was not shown to the agent.
    untold: u32,
    open: u32,
    /// Reserved, open or parked.
    taken: u32,
    counts: [u64; EVENTS],
}

impl<T, S: DerefMut<Target = [Place<T>]>> Table<T, S> {
    /// A table with nobody to answer.
    pub fn new(places: S) -> Self {
        Self {
            places: Places::new(places),
            agent: Agent::None,
            epoch: 0,
            reason: Outcome::AgentGone,
            untold: NONE,
            open: 0,
            taken: 0,
            counts: [0; EVENTS],
        }
    }

    /// Goes on with the counts of another table that nothing is in.
    pub fn succeed(&mut self, other: &Self) {
        self.counts = other.counts;
    }

    /// Questions there is room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.places.len()
    }

    /// Questions that are open.
    #[must_use]
    pub fn open(&self) -> u32 {
        self.open
    }

    /// Places that are not free: also questions about to begin, and packets that wait for a repeated authorisation.
    #[must_use]
    pub fn taken(&self) -> u32 {
        self.taken
    }

    /// Whether somebody answers.
    #[must_use]
    pub fn agent(&self) -> Agent {
        self.agent
    }

    /// Somebody will answer from now on; false while somebody else does, or has not left altogether.
    #[must_use]
    pub fn join(&mut self) -> bool {
        let joins = self.agent == Agent::None;
        if joins {
            self.agent = Agent::Present;
        }
        joins
    }

    /// The agent leaves: no question begins any more. Then [`Table::drain`] ends those that are open.
    pub fn leave(&mut self) {
        if self.agent == Agent::Present {
            self.agent = Agent::Leaving;
            self.withdraw(Outcome::AgentGone);
        }
    }

    /// All questions are to end: those that are open by [`Table::drain`], those that are being put off when they are
    /// armed.
    pub fn withdraw(&mut self, reason: Outcome) {
        self.epoch = self.epoch.wrapping_add(1);
        self.reason = reason;
    }

    /// Ends the question that was asked first; `None` when none is open, which also ends the leaving of an agent.
    pub fn drain(&mut self) -> Option<Settled<T>> {
        let Some(number) = self.places.first() else {
            if self.agent == Agent::Leaving {
                self.agent = Agent::None;
            }
            return None;
        };
        self.settle(number, None, self.reason)
    }

    /// Takes a place for a question whose authorisation is about to be put off. To be followed by [`Table::arm`] or
    /// [`Table::cancel`].
    pub fn reserve(&mut self, question: Question) -> Result<Id, Refusal> {
        if self.agent != Agent::Present {
            self.count(Event::NoAgent, 1);
            return Err(Refusal::NoAgent);
        }
        let epoch = self.epoch;
        let place =
            self.places.take(question).and_then(|number| Some((number, self.places.get_mut(number)?)));
        let Some((number, place)) = place else {
            self.count(Event::Full, 1);
            return Err(Refusal::Full);
        };
        place.state = State::Reserved;
        place.epoch = epoch;
        let id = Id::new(number, place.generation);
        self.taken = self.taken.saturating_add(1);
        Ok(id)
    }

    /// The authorisation could not be put off.
    pub fn cancel(&mut self, id: Id) {
        if let Some(number) = self.find(id, |state| state == State::Reserved) {
            let _ended = self.release(number);
            self.count(Event::Unaskable, 1);
        }
    }

    /// The authorisation is put off, and the question begins. If all questions ended meanwhile, this one is due at
    /// once; it does not end here, because the authorisation is still under way. Gives the payload back for an id that
    /// is not reserved.
    pub fn arm(&mut self, id: Id, payload: T, now: Time) -> Result<(), T> {
        let epoch = self.epoch;
        let Some(number) = self.find(id, |state| state == State::Reserved) else { return Err(payload) };
        let Some(place) = self.places.get_mut(number) else { return Err(payload) };
        place.state = State::Untold;
        place.payload = Some(payload);
        let due = place.question.map_or(now, |question| question.deadline(now));
        place.deadline = if place.epoch == epoch { due } else { now };
        self.places.schedule(number);
        self.places.append(number);
        if self.untold == NONE {
            self.untold = number;
        }
        self.open = self.open.saturating_add(1);
        self.count(Event::Asked, 1);
        Ok(())
    }

    /// The open question about a flow, or the one that is about to begin.
    #[must_use]
    pub fn about(&self, flow: u64) -> Option<Id> {
        let wanted = |state| !matches!(state, State::Free | State::Parked);
        let number = self.places.of_flow(flow, wanted)?;
        self.places.get(number).map(|place| Id::new(number, place.generation))
    }

    /// What [`Table::arm`] was given for a question that is open.
    pub fn payload_mut(&mut self, id: Id) -> Option<&mut T> {
        let number = self.find(id, is_open)?;
        self.places.get_mut(number)?.payload.as_mut()
    }

    /// Whether there are questions that the agent has not seen.
    #[must_use]
    pub fn has_untold(&self) -> bool {
        self.untold != NONE
    }

    /// Shows the next questions to the agent, in the order in which they were asked, until `tell` says `false` for one,
    /// which then counts as not shown. It gets the time left.
    pub fn tell(&mut self, now: Time, mut tell: impl FnMut(Id, &Question, u64) -> bool) {
        while let Some(place) = self.places.get_mut(self.untold) {
            let id = Id::new(self.untold, place.generation);
            let Some(question) = &place.question else { return };
            if !tell(id, question, place.deadline.since(now)) {
                return;
            }
            place.state = State::Told;
            self.untold = self.places.after(self.untold);
        }
    }

    /// The agent answers; `None` for a question that ended, or that it was not told.
    pub fn answer(&mut self, id: Id, action: Action) -> Option<Settled<T>> {
        let settled = self
            .find(id, |state| state == State::Told)
            .and_then(|number| self.settle(number, Some(action), Outcome::Answered));
        if settled.is_none() {
            self.count(Event::Late, 1);
        }
        settled
    }

    /// Keeps what waits for the authorisation of a flow to be repeated until `deadline`. Gives it back when there is no
    /// room.
    pub fn park(&mut self, question: Question, payload: T, deadline: Time) -> Result<(), T> {
        let Some(number) = self.places.take(question) else { return Err(payload) };
        if let Some(place) = self.places.get_mut(number) {
            place.state = State::Parked;
            place.payload = Some(payload);
            place.deadline = deadline;
        }
        self.places.schedule(number);
        self.taken = self.taken.saturating_add(1);
        Ok(())
    }

    /// What was parked for a flow.
    pub fn claim(&mut self, flow: u64) -> Option<T> {
        let number = self.places.of_flow(flow, |state| state == State::Parked)?;
        self.places.unschedule(number);
        self.release(number).1
    }

    /// When something is due next.
    #[must_use]
    pub fn next_due(&self) -> Option<Time> {
        self.places.get(self.places.earliest()?).map(|place| place.deadline)
    }

    /// Ends one of those that are due.
    pub fn expire(&mut self, now: Time) -> Option<Due<T>> {
        let number = self.places.earliest()?;
        let place = self.places.get(number).filter(|place| place.deadline <= now)?;
        if is_open(place.state) {
            let ended = place.epoch != self.epoch;
            let outcome = if ended { self.reason } else { Outcome::TimedOut };
            return self.settle(number, None, outcome).map(Due::Settled);
        }
        self.unpark(number).map(Due::Unclaimed)
    }

    /// Takes out something that was parked, whether it is due or not.
    pub fn evict(&mut self) -> Option<T> {
        let number = self.places.earliest()?;
        let parked = self.places.get(number).is_some_and(|place| place.state == State::Parked);
        if parked { self.unpark(number) } else { None }
    }

    /// Counts something.
    pub fn count(&mut self, event: Event, value: u64) {
        if let Some(count) = self.counts.get_mut(event as usize) {
            *count = count.saturating_add(value);
        }
    }

    /// The counts, by the number of their event.
    #[must_use]
    pub fn counts(&self) -> &[u64; EVENTS] {
        &self.counts
    }

    fn find(&self, id: Id, wanted: impl Fn(State) -> bool) -> Option<u32> {
        let place = self.places.get(id.place())?;
        (place.generation == id.generation() && wanted(place.state)).then_some(id.place())
    }

    fn unpark(&mut self, number: u32) -> Option<T> {
        self.places.unschedule(number);
        self.release(number).1
    }

    /// The one way in which an open question ends.
    fn settle(&mut self, number: u32, answer: Option<Action>, outcome: Outcome) -> Option<Settled<T>> {
        if self.untold == number {
            self.untold = self.places.after(number);
        }
        self.places.unschedule(number);
        self.places.unlink(number);
        self.open = self.open.saturating_sub(1);
        let (question, payload) = self.release(number);
        let (question, payload) = (question?, payload?);
        let action = question.settle(answer);
        self.count(
            match (outcome, action) {
                (Outcome::Answered, Action::Permit) => Event::Permitted,
                (Outcome::Answered, Action::Block) => Event::Blocked,
                (Outcome::TimedOut, _) => Event::TimedOut,
                (Outcome::AgentGone, _) => Event::AgentGone,
                (Outcome::Withdrawn, _) => Event::Withdrawn,
            },
            1,
        );
        Some(Settled { question, payload, action, outcome })
    }

    fn release(&mut self, number: u32) -> (Option<Question>, Option<T>) {
        self.taken = self.taken.saturating_sub(1);
        self.places.release(number)
    }
}

fn is_open(state: State) -> bool {
    matches!(state, State::Untold | State::Told)
}
