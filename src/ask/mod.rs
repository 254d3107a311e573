//! Flows that wait until the agent has said whether they may exist.
//!
//! A classify puts the authorisation off and the question into the table; a request of the agent that waits in a queue
//! is completed with it. The question ends by an answer, by the timer, when the agent's handle is closed, when the
//! filtering platform stops or when the driver does; whoever ends it completes the authorisation, outside of the lock.
//!
//! * A **connect** is then asked about again by the platform and finds the answer in the flow's record. Packets of
//!   protocols without connections were dropped by the platform meanwhile; copies of them wait for that second
//!   authorisation and are sent from a work item after it.
//! * An **accept** is not: copies of its packets are injected into the receive path, where they are authorised anew and
//!   recognised; or they are freed.
//!
//! Packets are copied as a whole, so that nothing of another driver's waits for a user.
//!
//! Nothing of this exists before the first agent: without one the fallback decides at once.

mod packets;
mod work;

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};

use kernel::alarm::{Alarm, Sleeper};
use kernel::cpu;
use kernel::irql::Passive;
use kernel::pool::{PoolBox, PoolSlice};
use kernel::published::Published;
use kernel::spin::SpinLock;
use kernel::status::Status;
use kernel::thread::nap;
use kernel::wdf::{FileId, ManualQueue, Request};
use kernel::wfp::{Classify, Decision, Family, Packet, Path, PendedOperation, Shown};
use weir_core::ask::{Agent, Due, Event, Id, Outcome, Place, Question, Settled, Table, restore};
use weir_core::engine::Authorization;
use weir_core::{Action, Direction, Time};

use crate::shared::{SHARED, Shared, processor};
use crate::tags;
use packets::{Kit, MOST, Packets, Room};
pub(crate) use work::Resend;

/// How long packets of a connect wait for the authorisation to be repeated.
const PARKED: u64 = 10 * Time::SECOND;
/// Questions that one call of the timer ends.
const AT_ONCE: usize = 64;

/// What belongs to a question.
#[derive(Debug)]
struct Waiting {
    /// `None` when only packets are left.
    operation: Option<PendedOperation>,
    packets: Packets,
    family: Family,
}

type Questions = Table<Waiting, PoolSlice<Place<Waiting>>>;

#[derive(Debug)]
struct State {
    table: Questions,
    agent: Option<FileId>,
}

/// Everything about questions.
#[derive(Debug)]
pub(crate) struct Asks {
    /// Rings when a question is due. First, so that it is silent before the rest goes.
    alarm: Alarm,
    state: SpinLock<State>,
    /// Requests of the agent that wait for questions.
    requests: SpinLock<Option<ManualQueue>>,
    kit: Published<Kit>,
    room: Room,
    /// Entries of the table that hold packets of connects: spares others the lock.
    parked: AtomicU32,
    resend: work::Queue,
    capacity: u32,
}

/// How a packet of a classify goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Onward {
    pub(crate) family: Family,
    pub(crate) compartment: u32,
    pub(crate) path: Path,
    /// Bytes in front of the data that belong to the packet.
    pub(crate) headers: u32,
    /// The packet can be injected again.
    pub(crate) possible: bool,
}

/// What the agent can be told of the state.
pub(crate) struct Summary {
    pub(crate) agent: bool,
    pub(crate) open: u32,
    pub(crate) capacity: usize,
    pub(crate) counts: [u64; weir_core::ask::EVENTS],
}

impl Asks {
    /// In memory of its own, so that it does not pass over the stack as a part of something else.
    #[inline(never)]
    pub(crate) fn new(capacity: u32) -> Option<PoolBox<Self>> {
        let asks = Self {
            alarm: Alarm::new(),
            state: SpinLock::new(State { table: Table::new(PoolSlice::empty(tags::ASK)), agent: None }),
            requests: SpinLock::new(None),
            kit: Published::none(),
            room: Room::new(),
            parked: AtomicU32::new(0),
            resend: work::Queue::new(),
            capacity,
        };
        PoolBox::new(tags::ASK, asks)
    }

    /// Says where requests of the agent wait, and connects the timer. To be called once, before the device answers.
    ///
    /// # Safety
    /// `self` must not move any more, and live until it is dropped in place.
    pub(crate) unsafe fn connect(&'static self, requests: ManualQueue) {
        *self.requests.lock() = Some(requests);
        // SAFETY: by the contract of this function.
        unsafe { self.alarm.connect(NonNull::from(self)) };
    }

    /// Whether a packet is one that waited and comes again.
    pub(crate) fn is_own(&self, packet: Option<Shown<'_>>, family: Family) -> bool {
        match (packet, self.kit.get()) {
            (Some(packet), Some(kit)) => packet.is_own(kit.injector(family)),
            _ => false,
        }
    }

    /// Begins a question about the running classify, or lets the fallback decide. IRQL: <= DISPATCH_LEVEL.
    #[inline(never)]
    pub(crate) fn begin(
        &self,
        shared: &Shared,
        question: Question,
        classify: &Classify<'_>,
        decision: Decision<'_>,
        onward: &Onward,
    ) {
        let known = self.state.lock().table.about(question.flow);
        if let Some(id) = known {
            self.hold(id, classify, onward);
            return decision.absorb();
        }
        let accept = question.origin == Direction::Receive;
        if !decision.is_open() || (accept && !onward.possible) {
            self.count(Event::Unaskable, 1);
            return fall_back(shared, &question, decision);
        }
        let reserved = self.state.lock().table.reserve(question);
        let Ok(id) = reserved else { return fall_back(shared, &question, decision) };
        let packet = self.copy(classify, onward);
        if accept && packet.is_none() {
            self.state.lock().table.cancel(id);
            return fall_back(shared, &question, decision);
        }
        match decision.pend(classify) {
            Ok(operation) => self.arm(shared, id, operation, packet, onward.family),
            Err((decision, _)) => {
                self.state.lock().table.cancel(id);
                self.room.leave(u32::from(packet.is_some()));
                drop(packet);
                fall_back(shared, &question, decision);
            }
        }
    }

    #[inline(never)]
    fn arm(
        &self,
        shared: &Shared,
        id: Id,
        operation: PendedOperation,
        packet: Option<Packet>,
        family: Family,
    ) {
        let packets = packet.map_or(Packets::new(), Packets::from);
        let held = u64::from(packets.count());
        let waiting = Waiting { operation: Some(operation), packets, family };
        let refused = {
            let mut state = self.state.lock();
            state.table.count(Event::Held, held);
            state.table.arm(id, waiting, clock())
        };
        // The id was reserved by this call and by nobody else.
        drop(refused);
        self.wake();
        self.serve(shared);
    }

    /// Keeps another packet of a flow that waits already.
    #[inline(never)]
    fn hold(&self, id: Id, classify: &Classify<'_>, onward: &Onward) {
        if classify.packet().is_none() {
            return;
        }
        let mut packet = self.copy(classify, onward);
        let mut state = self.state.lock();
        if let Some(waiting) = state.table.payload_mut(id).filter(|waiting| waiting.packets.count() < MOST)
            && let Some(packet) = packet.take()
        {
            waiting.packets.append(packet.into());
            state.table.count(Event::Held, 1);
            return;
        }
        state.table.count(Event::HeldDropped, 1);
        drop(state);
        self.room.leave(u32::from(packet.is_some()));
    }

    /// Copies the packet of a classify, if there is one and room for it.
    #[inline(never)]
    fn copy(&self, classify: &Classify<'_>, onward: &Onward) -> Option<Packet> {
        let shown = classify.packet().filter(|shown| onward.possible && !shown.is_coalesced())?;
        if !self.room.enter() {
            return None;
        }
        let metadata = classify.metadata();
        let control = metadata.control_data();
        let Onward { family, compartment, path, headers, .. } = *onward;
        let mut packet = shown.copy(headers, family, compartment, path, control, tags::ASK);
        if let (Some(packet), Path::Receive { .. }) = (&mut packet, path) {
            // What is no IP packet after all is left to the stack.
            let _restored = restore(packet.bytes_mut());
        }
        if packet.is_none() {
            self.room.leave(1);
        }
        packet
    }

    /// Packets of a connect may go on, now that its authorisation was repeated, or have come to their end.
    #[inline(never)]
    pub(crate) fn repeated(&self, answer: &Authorization) {
        if self.parked.load(Ordering::Acquire) == 0 {
            return;
        }
        let claimed = answer.flow.and_then(|flow| self.state.lock().table.claim(flow));
        let Some(waiting) = claimed else { return };
        self.parked.fetch_sub(1, Ordering::AcqRel);
        match answer.action {
            // Not from within the classify: the flow exists only once it has returned.
            Action::Permit => self.resend.push(waiting.family, waiting.packets),
            Action::Block => self.drop_packets(waiting.packets),
        }
    }

    /// What follows from the end of a question. IRQL: <= DISPATCH_LEVEL, not within the classify that began it.
    #[inline(never)]
    fn finish(&self, shared: &Shared, settled: Settled<Waiting>) {
        let Settled { question, payload, action, .. } = settled;
        // Dropping the operation lets the authorisation go on.
        let Waiting { operation, packets, family } = payload;
        // Before the authorisation goes on: its repetition asks for the answer.
        let in_force = shared.engine.answer(processor(), &question, action);
        match (question.origin, action) {
            (Direction::Send, Action::Permit) => {
                if packets.count() != 0 {
                    self.park(question, Waiting { operation: None, packets, family });
                }
                drop(operation);
            }
            // Under another policy the sender tries again: an injected packet must be let through.
            (Direction::Receive, Action::Permit) if in_force => {
                drop(operation);
                self.send_on(family, packets);
            }
            _ => {
                drop(operation);
                self.drop_packets(packets);
            }
        }
    }

    fn park(&self, question: Question, waiting: Waiting) {
        let deadline = Time(clock().0.saturating_add(PARKED));
        self.parked.fetch_add(1, Ordering::AcqRel);
        let refused = self.state.lock().table.park(question, waiting, deadline).err();
        match refused {
            Some(waiting) => {
                self.parked.fetch_sub(1, Ordering::AcqRel);
                self.drop_packets(waiting.packets);
            }
            None => self.wake(),
        }
    }

    /// Injects packets. IRQL: <= DISPATCH_LEVEL, not within a classify.
    fn send_on(&self, family: Family, packets: Packets) {
        let count = packets.count();
        let sent = self.kit.get().map_or(0, |kit| kit.inject(family, packets));
        self.room.leave(count);
        let mut state = self.state.lock();
        state.table.count(Event::Resent, u64::from(sent));
        state.table.count(Event::HeldDropped, u64::from(count.saturating_sub(sent)));
    }

    fn drop_packets(&self, packets: Packets) {
        let count = packets.count();
        drop(packets);
        self.room.leave(count);
        self.count(Event::HeldDropped, u64::from(count));
    }

    fn count(&self, event: Event, value: u64) {
        if value != 0 {
            self.state.lock().table.count(event, value);
        }
    }

    /// Sets the timer to what is due next.
    fn wake(&self) {
        let due = self.state.lock().table.next_due();
        if let Some(due) = due {
            self.alarm.set(due.since(clock()));
        }
    }

    /// A request for questions: it waits, and its handle is the agent's from now on.
    pub(crate) fn listen(&self, shared: &Shared, request: Request, at: Passive<'_>) {
        let joined = self.join(request.file(), at);
        let queue = *self.requests.lock();
        let queue = joined.and_then(|()| queue.ok_or(Status::INVALID_DEVICE_REQUEST));
        let refused = match queue {
            Ok(queue) => queue.push(request),
            Err(status) => Err((request, status)),
        };
        match refused {
            // A question may have come before the request was there to be completed with it.
            Ok(()) => self.serve(shared),
            Err((request, status)) => request.complete(Err(status)),
        }
    }

    #[inline(never)]
    fn join(&self, file: FileId, at: Passive<'_>) -> Result<(), Status> {
        if self.state.lock().agent == Some(file) {
            return Ok(());
        }
        self.equip(at)?;
        let mut state = self.state.lock();
        if !state.table.join() {
            return Err(Status::DEVICE_BUSY);
        }
        state.agent = Some(file);
        Ok(())
    }

    /// Makes room for questions, and what it takes to inject packets, when the first agent comes. Requests come one at a
    /// time.
    #[inline(never)]
    fn equip(&self, at: Passive<'_>) -> Result<(), Status> {
        if self.kit.get().is_some() {
            return Ok(());
        }
        let places = PoolSlice::new(tags::ASK, self.capacity as usize, Place::default);
        let mut table = Table::new(places.ok_or(Status::INSUFFICIENT_RESOURCES)?);
        let kit = Kit::new(at)?;
        let mut state = self.state.lock();
        table.succeed(&state.table);
        core::mem::swap(&mut state.table, &mut table);
        drop(state);
        // SAFETY: the kit is freed in `end`, after every callout is unregistered and no request comes any more.
        unsafe { self.kit.publish(kit.into_raw()) };
        Ok(())
    }

    /// Completes waiting requests of the agent with questions, as long as there are both. IRQL: <= DISPATCH_LEVEL.
    fn serve(&self, _shared: &Shared) {
        let Some(queue) = *self.requests.lock() else { return };
        loop {
            let agent = {
                let state = self.state.lock();
                state.agent.filter(|_| state.table.has_untold())
            };
            let Some(request) = agent.and_then(|agent| queue.pop(agent)) else { return };
            crate::control::questions(request, |tell| self.state.lock().table.tell(clock(), tell));
        }
    }

    /// An answer of the agent; false when it came too late, an error when the handle is not the agent's.
    pub(crate) fn answer(
        &self,
        shared: &Shared,
        file: FileId,
        id: Id,
        action: Action,
    ) -> Result<bool, Status> {
        let settled = {
            let mut state = self.state.lock();
            if state.agent != Some(file) {
                return Err(Status::INVALID_DEVICE_STATE);
            }
            state.table.answer(id, action)
        };
        let accepted = settled.is_some();
        if let Some(settled) = settled {
            self.finish(shared, settled);
        }
        Ok(accepted)
    }

    /// Whether the handle is the agent's.
    pub(crate) fn is_agent(&self, file: FileId) -> bool {
        self.state.lock().agent == Some(file)
    }

    /// A handle is closed: if it was the agent's, its questions end.
    pub(crate) fn closed(&self, shared: &Shared, file: FileId) {
        {
            let mut state = self.state.lock();
            if state.agent != Some(file) {
                return;
            }
            state.agent = None;
            state.table.leave();
        }
        self.drain(shared);
    }

    /// The filtering platform stops: all questions end.
    pub(crate) fn withdraw(&self, shared: &Shared) {
        self.state.lock().table.withdraw(Outcome::Withdrawn);
        self.drain(shared);
    }

    fn drain(&self, shared: &Shared) {
        loop {
            let settled = self.state.lock().table.drain();
            let Some(settled) = settled else { return };
            self.finish(shared, settled);
        }
    }

    /// The driver stops: ends everything, and returns when nothing is left. To be called when no classify begins any more.
    pub(crate) fn stop(&self, shared: &Shared, at: Passive<'_>) {
        loop {
            self.withdraw(shared);
            let (parked, left) = {
                let mut state = self.state.lock();
                (state.table.evict(), state.table.taken())
            };
            match parked {
                Some(waiting) => {
                    self.parked.fetch_sub(1, Ordering::AcqRel);
                    self.drop_packets(waiting.packets);
                }
                None if left == 0 => return,
                // A classify that has reserved its place and not armed it yet.
                None => nap(at),
            }
        }
    }

    /// Waits for injected packets and frees what injecting took. To be called when nobody uses it any more.
    pub(crate) fn end(&self, _at: Passive<'_>) {
        if let Some(kit) = self.kit.withdraw() {
            // SAFETY: `equip` released this box, and it is withdrawn only once.
            drop(unsafe { PoolBox::from_raw(kit, tags::ASK) });
        }
    }

    /// The state and the counts.
    pub(crate) fn summary(&self) -> Summary {
        let state = self.state.lock();
        let table = &state.table;
        Summary {
            agent: table.agent() == Agent::Present,
            open: table.open(),
            capacity: table.capacity(),
            counts: *table.counts(),
        }
    }
}

impl Sleeper for Asks {
    fn ring(&self) {
        let Some(shared) = SHARED.get() else { return };
        for _ in 0..AT_ONCE {
            let due = self.state.lock().table.expire(clock());
            match due {
                Some(Due::Settled(settled)) => self.finish(shared, settled),
                Some(Due::Unclaimed(waiting)) => {
                    self.parked.fetch_sub(1, Ordering::AcqRel);
                    self.drop_packets(waiting.packets);
                }
                None => break,
            }
        }
        self.wake();
    }
}

/// Nobody is asked: the fallback decides, now and when the platform asks again.
fn fall_back(shared: &Shared, question: &Question, decision: Decision<'_>) {
    let _in_force = shared.engine.answer(processor(), question, question.fallback);
    match question.fallback {
        Action::Permit => decision.permit(),
        Action::Block => decision.block(),
    }
}

/// The clock of deadlines, which nobody can set.
fn clock() -> Time {
    Time(cpu::interrupt_time())
}
