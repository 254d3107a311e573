//! What is remembered about one flow.

use core::sync::atomic::{AtomicU16, Ordering};

use super::key::{Endpoint, FlowKey, Side};
use super::line::Spot;
use super::prefetch::prefetch;
use super::table::Table;
use crate::crossing::Seat;
use crate::limit::Bucket;
use crate::names::Handle;
use crate::policy::Decider;
use crate::sync::{AtomicU32, AtomicU64};
use crate::wire::{TcpFlags, protocol};
use crate::{Action, Direction, Time, zeroed_struct};

/// What the filter does with the frames of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing has decided yet.
    Undecided,
    /// Frames pass.
    Permit,
    /// Frames are dropped.
    Block,
}

impl From<Action> for Verdict {
    fn from(action: Action) -> Self {
        match action {
            Action::Permit => Self::Permit,
            Action::Block => Self::Block,
        }
    }
}

/// A verdict, who gave it, and under which policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The verdict.
    pub verdict: Verdict,
    /// Who decided.
    pub decider: Decider,
    /// Generation of the policy.
    pub generation: u32,
}

/// Frames and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Frames.
    pub frames: u64,
    /// Bytes, as [`crate::wire::Frame::bytes`] counts them.
    pub bytes: u64,
}

/// Where a flow is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Authorised, but no frame seen.
    New,
    /// TCP: handshake under way.
    Opening,
    /// In use.
    Active,
    /// TCP: FIN seen in one direction.
    Closing,
    /// TCP: FIN seen in both directions; others: ALE closed it.
    Closed,
    /// TCP: ended by RST.
    Reset,
}

/// Owner of a flow: numbers of the identity table, 0 = unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// Application image.
    pub image: u32,
    /// User.
    pub user: u32,
    /// Package (AppContainer).
    pub package: u32,
    /// Process id, which another process may have later.
    pub process_id: u64,
    /// When the process was created, 100 ns units since 1601; 0 = unknown. With the id it names one process.
    pub process_created: u64,
}

/// Facts about a flow that only ever become true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// ALE authorised or refused it.
    pub ale: bool,
    /// ALE reported it established.
    pub established: bool,
    /// ALE reported its end.
    pub closed: bool,
    /// The packet path saw frames of it.
    pub frames: bool,
    /// Some of them were fragments.
    pub fragments: bool,
    /// Both ends are this machine.
    pub loopback: bool,
}

/// A copy of a flow record for listing. Connections one after the other under the same key share a record and
/// its traffic.
#[derive(Clone, Copy, Debug)]
pub struct FlowView {
    /// Stable while the flow lives, never reused.
    pub id: u64,
    /// IP protocol.
    pub protocol: u8,
    /// Routing compartment.
    pub compartment: u32,
    /// The local end.
    pub local: Endpoint,
    /// The remote end.
    pub remote: Endpoint,
    /// Who opened it.
    pub origin: Direction,
    /// Who owns it.
    pub owner: Owner,
    /// Name of the other end.
    pub name: Handle,
    /// The verdict in force.
    pub stamp: Stamp,
    /// LUID of the interface of the first frame or authorisation, 0 = unknown.
    pub interface_luid: u64,
    /// First seen.
    pub first_seen: Time,
    /// Last seen: what the latest look of [`Table::take_touch`] found may have been later, up to that look.
    pub last_seen: Time,
    /// Frames from the local end that passed.
    pub sent: Traffic,
    /// Frames from the remote end that passed.
    pub received: Traffic,
    /// Frames from the local end that were blocked.
    pub sent_blocked: Traffic,
    /// Frames from the remote end that were blocked.
    pub received_blocked: Traffic,
    /// Where it is in its life.
    pub state: State,
    /// What happened to it.
    pub flags: Flags,
}

zeroed_struct! {
    /// A flow record: what every frame reads stands in the first cache line, counters in the next ones, and in the last
    /// one what only ALE writes.
    ///
    /// # Invariants
    /// The key changes only while no slot of the table refers to the record and no reader can still hold it.
    #[derive(Debug)]
    #[repr(C, align(64))]
    pub struct Record {
        key: [AtomicU64; FlowKey::WORDS],
        /// Packed [`Stamp`].
        stamp: AtomicU64,
        /// Bits of [`bit`].
        bits: AtomicU32,
        /// Place in the lines, plus one.
        spot: AtomicU32,
        last_seen: AtomicU64,
        counters: [[AtomicU64; 2]; 4],
        /// Next record of the free or retired list, plus one.
        pub(super) next: AtomicU32,
        /// One of [`life`].
        life: AtomicU16,
        /// VLAN of the first frame plus one, 0 = no frame yet.
        vlan: AtomicU16,
        /// Image in the low half, user in the high half.
        owner: AtomicU64,
        process_id: AtomicU64,
        id: AtomicU64,
        first_seen: AtomicU64,
        interface_luid: AtomicU64,
        /// What a limit per flow let pass, sent and received.
        buckets: [Bucket; 2],
        /// When the process was created; or, with [`TO_RESOLVE`], when it was named.
        process_created: AtomicU64,
        /// Number of the package.
        package: AtomicU32,
        /// Sequence number of the first byte of the stream that may tell a name; counts with [`bit::STREAM_BASE`].
        stream_base: AtomicU32,
        /// [`Handle`] of the name, which the flow counts on. Not for [`Record::reset`]: it is taken away before.
        name: AtomicU64,
        /// Place in a list of [`super::waiting`]; stays as it is when the record becomes another flow.
        pub(super) waiting: AtomicU32,
        /// Numbers of the [`Seat`]s that counted its latest frames, sent and received.
        seats: [AtomicU16; 2],
    }
}

#[cfg(not(loom))]
const _: () = {
    assert!(core::mem::offset_of!(Record, counters) == 64);
    assert!(core::mem::offset_of!(Record, process_created) == 192);
    assert!(size_of::<Record>() == 256);
};

/// Where a record is between two uses. Only ever goes forward, until the next use.
mod life {
    /// Not in the table yet.
    pub(super) const NEW: u16 = 0;
    pub(super) const IN_TABLE: u16 = 1;
    /// Taken out of it, perhaps before whoever put it in came to say so.
    pub(super) const REMOVED: u16 = 2;
}

/// Bits of a record.
mod bit {
    /// The local end is [`super::Side::B`].
    pub(super) const LOCAL_B: u32 = 1;
    /// The remote end opened the flow.
    pub(super) const INBOUND: u32 = 1 << 1;
    pub(super) const ALE: u32 = 1 << 2;
    pub(super) const ESTABLISHED: u32 = 1 << 3;
    pub(super) const CLOSED: u32 = 1 << 4;
    pub(super) const FRAMES: u32 = 1 << 5;
    pub(super) const FRAGMENTS: u32 = 1 << 6;
    /// TCP: a segment without SYN was seen, so the handshake is over.
    pub(super) const SPOKEN: u32 = 1 << 7;
    pub(super) const FIN_LOCAL: u32 = 1 << 8;
    pub(super) const FIN_REMOTE: u32 = 1 << 9;
    pub(super) const RESET: u32 = 1 << 10;
    /// The agent is being asked.
    pub(super) const ASKED: u32 = 1 << 11;
    /// A question about it ended with a permit, with a block.
    pub(super) const ANSWER_PERMIT: u32 = 1 << 12;
    pub(super) const ANSWER_BLOCK: u32 = 1 << 13;
    pub(super) const QUESTION: u32 = ASKED | ANSWER_PERMIT | ANSWER_BLOCK;
    pub(super) const LOOPBACK: u32 = 1 << 14;
    /// Frames of side A were seen.
    pub(super) const FROM_A: u32 = 1 << 15;
    /// Frames of side B were seen.
    pub(super) const FROM_B: u32 = 1 << 16;
    /// There is nothing more to learn about its name.
    pub(super) const NAME_SETTLED: u32 = 1 << 18;
    /// A part of what may tell its name was seen.
    pub(super) const NAME_BEGUN: u32 = 1 << 19;
    pub(super) const STREAM_BASE: u32 = 1 << 17;
    pub(super) const NAME: u32 = NAME_SETTLED | NAME_BEGUN | STREAM_BASE;
    /// The number of the connection under this key, which goes round, stands in the highest bits.
    pub(super) const NUMBER: u32 = 24;
    /// What a new connection under the same key starts without.
    pub(super) const CONNECTION: u32 =
        ALE | ESTABLISHED | CLOSED | SPOKEN | FIN_LOCAL | FIN_REMOTE | RESET | QUESTION | NAME;
    /// A connection with one of these has ended.
    pub(super) const OVER: u32 = CLOSED | RESET;
}

impl Stamp {
    /// Nobody decided.
    pub const NONE: Stamp = Stamp { verdict: Verdict::Undecided, decider: Decider::Nothing, generation: 0 };

    fn pack(self) -> u64 {
        let verdict = match self.verdict {
            Verdict::Undecided => 0,
            Verdict::Permit => 1,
            Verdict::Block => 2,
        };
        let (kind, rule) = match self.decider {
            Decider::Nothing => (0, 0),
            Decider::Default => (1, 0),
            Decider::Failure => (2, 0),
            Decider::Rule(rule) => (3, rule & RULE_MASK),
        };
        u64::from(self.generation) << 32 | u64::from(rule) << 4 | kind << 2 | verdict
    }

    fn unpack(word: u64) -> Self {
        Self {
            verdict: match word & 3 {
                1 => Verdict::Permit,
                2 => Verdict::Block,
                _ => Verdict::Undecided,
            },
            decider: match word >> 2 & 3 {
                0 => Decider::Nothing,
                1 => Decider::Default,
                2 => Decider::Failure,
                _ => Decider::Rule((word >> 4) as u32 & RULE_MASK),
            },
            generation: (word >> 32) as u32,
        }
    }
}

/// The creation time of a process is to be looked up.
const TO_RESOLVE: u64 = 1 << 63;

/// Rules are numbered below this.
const RULE_MASK: u32 = (1 << 28) - 1;

impl Record {
    /// Makes the record a new flow. Only for a record that nobody else can reach.
    pub(super) fn reset(&self, id: u64, key: &FlowKey, now: Time, origin: Direction, local: Side) {
        for (to, from) in self.key.iter().zip(key.words()) {
            to.store(from, Ordering::Relaxed);
        }
        for cell in self.counters.iter().flatten() {
            cell.store(0, Ordering::Relaxed);
        }
        self.life.store(life::NEW, Ordering::Relaxed);
        self.spot.store(0, Ordering::Relaxed);
        self.stamp.store(Stamp::NONE.pack(), Ordering::Relaxed);
        self.bits.store(orientation(origin, local), Ordering::Relaxed);
        self.interface_luid.store(0, Ordering::Relaxed);
        self.vlan.store(0, Ordering::Relaxed);
        self.seats.iter().for_each(|seat| seat.store(0, Ordering::Relaxed));
        self.buckets.iter().for_each(Bucket::reset);
        self.owner.store(0, Ordering::Relaxed);
        self.process_id.store(0, Ordering::Relaxed);
        self.process_created.store(0, Ordering::Relaxed);
        self.package.store(0, Ordering::Relaxed);
        self.first_seen.store(now.0, Ordering::Relaxed);
        self.last_seen.store(now.0, Ordering::Relaxed);
        self.id.store(id, Ordering::Relaxed);
    }

    pub(super) fn enter_table(&self) {
        let _ = self.life.compare_exchange(life::NEW, life::IN_TABLE, Ordering::AcqRel, Ordering::Relaxed);
    }

    pub(super) fn leave_table(&self) {
        self.life.store(life::REMOVED, Ordering::Release);
    }

    pub(super) fn is_in_table(&self) -> bool {
        self.life.load(Ordering::Acquire) == life::IN_TABLE
    }

    pub(super) fn has_key(&self, words: &[u64; FlowKey::WORDS]) -> bool {
        self.key.iter().zip(words).all(|(mine, other)| mine.load(Ordering::Relaxed) == *other)
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> FlowKey {
        let mut words = [0; FlowKey::WORDS];
        for (to, from) in words.iter_mut().zip(&self.key) {
            *to = from.load(Ordering::Relaxed);
        }
        FlowKey::from_words(words)
    }

    /// Number of the flow, never reused.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id.load(Ordering::Relaxed)
    }

    /// The verdict in force.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        Stamp::unpack(self.stamp.load(Ordering::Acquire))
    }

    /// Puts a verdict in force. `table` is the record's.
    pub fn set_stamp(&self, table: &Table, stamp: Stamp) {
        self.stamp.store(stamp.pack(), Ordering::Release);
        table.forget(self);
    }

    /// Puts a verdict in force unless another one came after `seen` was read: ALE knows more than the packet
    /// path. True when it is in force. `table` is the record's.
    pub fn replace_stamp(&self, table: &Table, seen: Stamp, stamp: Stamp) -> bool {
        let (old, new) = (seen.pack(), stamp.pack());
        let replaced = self.stamp.compare_exchange(old, new, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if replaced && old != new {
            table.forget(self);
        }
        replaced
    }

    /// Place in the lines of its table.
    pub(super) fn spot(&self) -> Option<Spot> {
        Spot::from_raw(self.spot.load(Ordering::Relaxed))
    }

    /// Notes the place in the lines; to be called before the record is published.
    pub(super) fn set_spot(&self, spot: Option<Spot>) {
        self.spot.store(Spot::into_raw(spot), Ordering::Relaxed);
    }

    /// Which side of the key is this machine.
    #[must_use]
    pub fn local(&self) -> Side {
        if self.bits() & bit::LOCAL_B == 0 { Side::A } else { Side::B }
    }

    /// Who opened the flow: `Send` for this machine.
    #[must_use]
    pub fn origin(&self) -> Direction {
        if self.bits() & bit::INBOUND == 0 { Direction::Send } else { Direction::Receive }
    }

    /// Its owner.
    #[must_use]
    pub fn owner(&self) -> Owner {
        let packed = self.owner.load(Ordering::Acquire);
        Owner {
            image: packed as u32,
            user: (packed >> 32) as u32,
            package: self.package.load(Ordering::Relaxed),
            process_id: self.process_id.load(Ordering::Relaxed),
            process_created: Some(self.process_created.load(Ordering::Relaxed))
                .filter(|time| time & TO_RESOLVE == 0)
                .unwrap_or(0),
        }
    }

    /// ALE said who owns the flow, who opened it and which end is local. `table` is the record's.
    pub fn attribute(&self, table: &Table, owner: Owner, origin: Direction, local: Side) {
        self.process_id.store(owner.process_id, Ordering::Relaxed);
        self.process_created.store(owner.process_created, Ordering::Release);
        self.package.store(owner.package, Ordering::Relaxed);
        self.owner.store(u64::from(owner.user) << 32 | u64::from(owner.image), Ordering::Release);
        let set = orientation(origin, local) | bit::ALE;
        self.update_bits(bit::LOCAL_B | bit::INBOUND, set);
        table.forget(self);
    }

    /// Says that the creation time of the process, which was named at `now`, is to be looked up.
    pub(crate) fn leave_unresolved(&self, now: Time) {
        self.process_created.store(now.0 | TO_RESOLVE, Ordering::Relaxed);
    }

    /// Looks up the creation time of the process by its id, if that is to be done: 0 when the process is gone. A process
    /// that is younger than the flow's owner can be is not the owner but has got its id.
    pub(crate) fn resolve(&self, created: impl FnOnce(u64) -> u64) {
        let open = self.process_created.load(Ordering::Acquire);
        if open & TO_RESOLVE == 0 {
            return;
        }
        let time = created(self.process_id.load(Ordering::Relaxed));
        let time = if time <= open & !TO_RESOLVE { time } else { 0 };
        // Unless another owner was named meanwhile.
        let _ = self.process_created.compare_exchange(open, time, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> Handle {
        Handle(self.name.load(Ordering::Acquire))
    }

    /// Gives it a name that the caller counts on, and returns the one that nobody counts on for it any more.
    #[must_use]
    pub(crate) fn replace_name(&self, name: Handle) -> Handle {
        Handle(self.name.swap(name.0, Ordering::AcqRel))
    }

    /// True when there is nothing more to learn about its name.
    #[must_use]
    pub(crate) fn is_name_settled(&self) -> bool {
        self.bits() & bit::NAME_SETTLED != 0
    }

    pub(crate) fn settle_name(&self) {
        self.update_bits(0, bit::NAME_SETTLED);
    }

    /// True when a part of what may tell its name was seen.
    #[must_use]
    pub(crate) fn is_name_begun(&self) -> bool {
        self.bits() & bit::NAME_BEGUN != 0
    }

    pub(crate) fn begin_name(&self) {
        self.update_bits(0, bit::NAME_BEGUN);
    }

    /// Sequence number of the first byte of the stream that may tell its name, when the SYN was seen.
    #[must_use]
    pub(crate) fn stream_base(&self) -> Option<u32> {
        (self.bits() & bit::STREAM_BASE != 0).then(|| self.stream_base.load(Ordering::Relaxed))
    }

    pub(crate) fn set_stream_base(&self, sequence: u32) {
        self.stream_base.store(sequence, Ordering::Relaxed);
        self.update_bits(0, bit::STREAM_BASE);
    }

    /// What was decided is void: something was learnt that a rule may ask for.
    pub(crate) fn forget_verdict(&self, table: &Table) {
        self.set_stamp(table, Stamp::NONE);
    }

    /// Both ends are this machine.
    pub fn set_loopback(&self) {
        self.update_bits(0, bit::LOOPBACK);
    }

    /// LUID of the interface of its first frame or authorisation, 0 when not known.
    #[must_use]
    pub fn interface_luid(&self) -> u64 {
        self.interface_luid.load(Ordering::Relaxed)
    }

    /// Notes the interface.
    pub fn set_interface_luid(&self, luid: u64) {
        self.interface_luid.store(luid, Ordering::Relaxed);
    }

    /// Identifier of the VLAN of its first frame, 0 for none; `None` when no frame was seen.
    #[must_use]
    pub fn vlan(&self) -> Option<u16> {
        self.vlan.load(Ordering::Relaxed).checked_sub(1)
    }

    /// Notes the VLAN.
    pub fn set_vlan(&self, id: u16) {
        self.vlan.store(id.wrapping_add(1), Ordering::Relaxed);
    }

    /// Whether a frame of the flow is counted at `seat`: it is not when a seat that it passed before has counted it.
    pub fn counts_at(&self, seat: &Seat, direction: Direction) -> bool {
        let number = seat.number();
        let [sent, received] = &self.seats;
        let counted = match direction {
            Direction::Send => sent,
            Direction::Receive => received,
        };
        let before = counted.load(Ordering::Relaxed);
        if number == before || number == 0 {
            return true;
        }
        if seat.comes_after(before, direction) {
            return false;
        }
        counted.store(number, Ordering::Relaxed);
        true
    }

    /// What limits per flow go by: sent, received.
    #[must_use]
    pub fn buckets(&self) -> &[Bucket; 2] {
        &self.buckets
    }

    /// Facts about it.
    #[must_use]
    pub fn flags(&self) -> Flags {
        let bits = self.bits();
        Flags {
            ale: bits & bit::ALE != 0,
            established: bits & bit::ESTABLISHED != 0,
            closed: bits & bit::CLOSED != 0,
            frames: bits & bit::FRAMES != 0,
            fragments: bits & bit::FRAGMENTS != 0,
            loopback: bits & bit::LOOPBACK != 0,
        }
    }

    /// ALE reported it established.
    pub fn set_established(&self) {
        self.update_bits(0, bit::ESTABLISHED);
    }

    /// ALE reported its end.
    pub fn set_closed(&self) {
        self.update_bits(0, bit::CLOSED);
    }

    /// Tells connections apart that came one after the other under the same key, the last 256 of them.
    #[must_use]
    pub fn connection(&self) -> u8 {
        (self.bits() >> bit::NUMBER) as u8
    }

    fn count_connection(&self) {
        self.bits.fetch_add(1 << bit::NUMBER, Ordering::AcqRel);
    }

    /// The agent is being asked about it: what was decided or answered before is void. `table` is the record's.
    pub fn set_asked(&self, table: &Table) {
        self.update_bits(bit::QUESTION, bit::ASKED);
        self.set_stamp(table, Stamp::NONE);
    }

    /// Whether the agent is being asked.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.bits() & bit::ASKED != 0
    }

    /// The question about it ended.
    pub fn set_answer(&self, action: Action) {
        let answer = match action {
            Action::Permit => bit::ANSWER_PERMIT,
            Action::Block => bit::ANSWER_BLOCK,
        };
        self.update_bits(bit::QUESTION, answer);
    }

    /// How the question about this connection ended, if it has.
    #[must_use]
    pub fn answer(&self) -> Option<Action> {
        match self.bits() & bit::QUESTION {
            bit::ANSWER_PERMIT => Some(Action::Permit),
            bit::ANSWER_BLOCK => Some(Action::Block),
            _ => None,
        }
    }

    /// A new connection begins under the same key: what was known about the old one's owner and verdict is
    /// void. `table` is the record's.
    pub fn restart(&self, table: &Table, origin: Direction, local: Side) {
        self.update_bits(bit::CONNECTION | bit::LOCAL_B | bit::INBOUND, orientation(origin, local));
        self.count_connection();
        self.owner.store(0, Ordering::Release);
        self.process_id.store(0, Ordering::Relaxed);
        self.process_created.store(0, Ordering::Relaxed);
        self.package.store(0, Ordering::Relaxed);
        self.set_stamp(table, Stamp::NONE);
    }

    /// The same opener tries again after an end: owner and verdict stay. `table` is the record's.
    pub fn reopen(&self, table: &Table) {
        self.update_bits(bit::CONNECTION & !(bit::ALE | bit::ESTABLISHED | bit::QUESTION), 0);
        self.count_connection();
        table.forget(self);
    }

    /// True when the connection has ended, so that a SYN begins a new one.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let bits = self.bits();
        let fins = bit::FIN_LOCAL | bit::FIN_REMOTE;
        bits & bit::OVER != 0 || bits & fins == fins
    }

    /// True when both ends or ALE spoke for the flow: not just anybody's frame brought it into the table.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let (bits, both) = (self.bits(), bit::FROM_A | bit::FROM_B);
        bits & (bit::ALE | bit::ESTABLISHED) != 0 || bits & both == both
    }

    /// Sides (bit 0 for A, bit 1 for B) whose further frames without SYN, FIN and RST tell nothing new about the
    /// flow, given that its verdict stays.
    #[must_use]
    pub fn quiet_sides(&self) -> u8 {
        let bits = self.bits();
        if self.key().protocol() == protocol::TCP && bits & bit::SPOKEN == 0 {
            return 0;
        }
        u8::from(bits & bit::FROM_A != 0) | u8::from(bits & bit::FROM_B != 0) << 1
    }

    /// Notes a frame from `from`; `tcp` holds its flags when it has any.
    pub fn observe(&self, now: Time, from: Side, tcp: Option<TcpFlags>, fragment: bool) {
        self.touch(now);
        let mut set = bit::FRAMES
            | match from {
                Side::A => bit::FROM_A,
                Side::B => bit::FROM_B,
            };
        if fragment {
            set |= bit::FRAGMENTS;
        }
        if let Some(flags) = tcp {
            if flags.has(TcpFlags::FIN) {
                set |= if from == self.local() { bit::FIN_LOCAL } else { bit::FIN_REMOTE };
            }
            if flags.has(TcpFlags::RST) {
                set |= bit::RESET;
            } else if !flags.has(TcpFlags::SYN) {
                set |= bit::SPOKEN;
            }
        }
        self.update_bits(0, set);
    }

    /// Notes that it was seen. Frames that come within a sixteenth of a second leave the record's line to the other
    /// processors.
    pub fn touch(&self, now: Time) {
        if now.since(self.last_seen()) >= Time::SECOND / 16 {
            self.last_seen.store(now.0, Ordering::Relaxed);
        }
    }

    /// Asks for the line of the counters.
    #[inline]
    pub(crate) fn prefetch_counters(&self) {
        prefetch(&self.counters);
    }

    /// Counts frames, `sent` by the local end or by the other.
    #[inline]
    pub fn count(&self, sent: bool, frames: u32, bytes: u64, blocked: bool) {
        let line = usize::from(!sent) | usize::from(blocked) << 1;
        if let Some([count, total]) = self.counters.get(line) {
            count.fetch_add(u64::from(frames), Ordering::Relaxed);
            total.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    /// Where it is in its life.
    #[must_use]
    pub fn state(&self) -> State {
        let bits = self.bits();
        let tcp = self.key().protocol() == protocol::TCP;
        let fins = bits & (bit::FIN_LOCAL | bit::FIN_REMOTE);
        if bits & bit::RESET != 0 {
            State::Reset
        } else if fins == bit::FIN_LOCAL | bit::FIN_REMOTE || bits & bit::CLOSED != 0 {
            State::Closed
        } else if fins != 0 {
            State::Closing
        } else if bits & bit::FRAMES == 0 {
            State::New
        } else if tcp && bits & (bit::SPOKEN | bit::ESTABLISHED) == 0 {
            State::Opening
        } else {
            State::Active
        }
    }

    /// When the latest frame or authorisation was.
    #[must_use]
    pub fn last_seen(&self) -> Time {
        Time(self.last_seen.load(Ordering::Relaxed))
    }

    /// A copy for listing.
    #[must_use]
    pub fn view(&self) -> FlowView {
        let key = self.key();
        let local = self.local();
        let [sent, received, sent_blocked, received_blocked] = &self.counters;
        FlowView {
            id: self.id(),
            protocol: key.protocol(),
            compartment: key.compartment(),
            local: key.endpoint(local),
            remote: key.endpoint(local.other()),
            origin: self.origin(),
            owner: self.owner(),
            name: self.name(),
            stamp: self.stamp(),
            interface_luid: self.interface_luid(),
            first_seen: Time(self.first_seen.load(Ordering::Relaxed)),
            last_seen: self.last_seen(),
            sent: Traffic::load(sent),
            received: Traffic::load(received),
            sent_blocked: Traffic::load(sent_blocked),
            received_blocked: Traffic::load(received_blocked),
            state: self.state(),
            flags: self.flags(),
        }
    }

    fn bits(&self) -> u32 {
        self.bits.load(Ordering::Acquire)
    }

    fn update_bits(&self, clear: u32, set: u32) {
        // Most frames change nothing: do not take the cache line away from other processors for them.
        let bits = self.bits();
        if bits & !clear | set != bits {
            if clear != 0 {
                self.bits.fetch_and(!clear | set, Ordering::AcqRel);
            }
            self.bits.fetch_or(set, Ordering::AcqRel);
        }
    }
}

impl Traffic {
    fn load([frames, bytes]: &[AtomicU64; 2]) -> Self {
        Self { frames: frames.load(Ordering::Relaxed), bytes: bytes.load(Ordering::Relaxed) }
    }
}

fn orientation(origin: Direction, local: Side) -> u32 {
    let mut bits = 0;
    if local == Side::B {
        bits |= bit::LOCAL_B;
    }
    if origin == Direction::Receive {
        bits |= bit::INBOUND;
    }
    bits
}
