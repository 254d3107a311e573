//! The short way of a frame: an IPv4 TCP or UDP frame of a known flow that tells nothing new is decided by the one
//! word that its line holds. Everything else takes the long way, [`Batch::inspect`].
//!
//! Frames come in groups. [`Batch::look_ahead`] reads the headers and asks for the cache line; by the time that the
//! headers of the whole group are read, the first lines are there.

use super::{Batch, InForce, Interface};
use crate::counters::{Counter, Tally};
use crate::flow::{Aim, Found, Lane, MAX_VERDICT, Record, Side, Sight, Table, Verdict};
use crate::policy::Decider;
use crate::wire::quick::{Headers, read};
use crate::wire::{Source, VlanTag};
use crate::{Action, Direction};

/// What a frame is whose headers were read quickly.
#[derive(Clone, Copy, Debug)]
struct About {
    bytes: u32,
    from: Side,
    vlan: bool,
}

/// How far a frame has come on the short way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Short(Step);

#[derive(Clone, Copy, Debug, Default)]
enum Step {
    /// It must take the long way.
    #[default]
    Long,
    /// Its line was asked for.
    Aimed(About, Aim),
    /// Its flow may stand in its second line, which was asked for.
    Second(About, Aim),
    /// Its flow was found.
    Found(About, Found),
}

/// What all frames of a batch share on the short way.
#[derive(Debug)]
pub(super) struct Plain {
    /// The policy's rules allow the short way.
    open: bool,
    /// What [`parts::generation`] of a verdict must be.
    generation: u32,
    /// Frames that took it.
    frames: u32,
}

/// A verdict as lines hold it: blocked, local side, sides whose frames it holds for (2 bits), generation (5 bits),
/// decider (the rest).
mod parts {
    pub(super) const BLOCK: u32 = 1;
    pub(super) const LOCAL_B: u32 = 1 << 1;
    pub(super) const SIDES: u32 = 2;
    pub(super) const GENERATION: u32 = 4;
    pub(super) const GENERATIONS: u32 = 0x1f;
    pub(super) const DECIDER: u32 = 9;
    pub(super) const DEFAULT: u32 = 0;
    pub(super) const FAILURE: u32 = 1;
    pub(super) const NOTHING: u32 = 2;
    /// The first rule.
    pub(super) const RULE: u32 = 3;

    pub(super) fn generation(verdict: u32) -> u32 {
        verdict >> GENERATION & GENERATIONS
    }

    pub(super) fn decider(verdict: u32) -> u32 {
        verdict >> DECIDER
    }

    /// Number of the decider, all rules alike, above a bit that says whether it blocked.
    pub(super) fn class(verdict: u32) -> usize {
        (decider(verdict).min(RULE) << 1 | verdict & BLOCK) as usize
    }
}

/// True when a verdict would be taken for one of `generation`.
pub(super) fn is_of(verdict: u32, generation: u32) -> bool {
    parts::generation(verdict) == generation & parts::GENERATIONS
}

/// Leaves the verdict of a record where the short way finds it, if frames to come can go by it.
#[inline(never)]
pub(super) fn remember(flows: &Table, record: &Record, policy: Option<&InForce<'_>>) {
    let Some(blank) = flows.blank(record) else { return };
    let (stamp, generation) = (record.stamp(), policy.map_or(0, |policy| policy.generation));
    let (action, decider) = match (policy, stamp.verdict) {
        (None, _) => (Action::Permit, Decider::Nothing),
        (Some(_), Verdict::Permit) if stamp.generation == generation => (Action::Permit, stamp.decider),
        (Some(_), Verdict::Block) if stamp.generation == generation => (Action::Block, stamp.decider),
        _ => return,
    };
    let decider = match decider {
        Decider::Default => parts::DEFAULT,
        Decider::Failure => parts::FAILURE,
        Decider::Nothing => parts::NOTHING,
        Decider::Rule(rule) if policy.is_none_or(|policy| policy.is_plain(rule)) => {
            rule.saturating_add(parts::RULE)
        }
        Decider::Rule(_) => return,
    };
    let sides = u32::from(record.quiet_sides());
    if decider > MAX_VERDICT >> parts::DECIDER || sides == 0 {
        return;
    }
    let mut verdict = decider << parts::DECIDER
        | (generation & parts::GENERATIONS) << parts::GENERATION
        | sides << parts::SIDES;
    if action == Action::Block {
        verdict |= parts::BLOCK;
    }
    if record.local() == Side::B {
        verdict |= parts::LOCAL_B;
    }
    flows.remember(blank, verdict);
}

impl Plain {
    pub(super) fn new(policy: Option<&InForce<'_>>) -> Self {
        let image = policy.map(|policy| &policy.image);
        Self {
            open: image.is_none_or(|image| !image.uses_interface() && !image.uses_vlan()),
            generation: policy.map_or(0, |policy| policy.generation) & parts::GENERATIONS,
            frames: 0,
        }
    }

    /// No frame of this batch takes the short way.
    pub(super) fn close(&mut self) {
        self.open = false;
    }

    /// Counts what all of the frames were.
    pub(super) fn add_to(&self, tally: &mut Tally) {
        for counter in [Counter::Ipv4, Counter::FlowHits] {
            tally.add(counter, u64::from(self.frames));
        }
    }
}

/// Terminal classes in the order of [`parts::class`].
const CLASSES: [Counter; 8] = [
    Counter::PermittedByDefault,
    Counter::BlockedByDefault,
    Counter::PermittedByFailure,
    Counter::BlockedByFailure,
    Counter::PermittedNoPolicy,
    // Nobody does not block.
    Counter::PermittedNoPolicy,
    Counter::PermittedByRule,
    Counter::BlockedByRule,
];

impl Batch<'_> {
    /// Reads the headers of a frame and asks for the cache line of its flow.
    #[inline]
    #[must_use]
    pub fn look_ahead<S: Source + ?Sized>(
        &self,
        interface: &Interface<'_>,
        source: &S,
        oob_vlan: Option<VlanTag>,
    ) -> Short {
        Short(
            self.aim(interface, source, oob_vlan).map_or(Step::Long, |(about, aim)| Step::Aimed(about, aim)),
        )
    }

    #[inline]
    fn aim<S: Source + ?Sized>(
        &self,
        interface: &Interface<'_>,
        source: &S,
        oob_vlan: Option<VlanTag>,
    ) -> Option<(About, Aim)> {
        if !self.plain.open || interface.compartment != Lane::COMPARTMENT {
            return None;
        }
        let Headers { protocol, from, to, vlan } = read(interface.medium, source)?;
        if from == to {
            return None;
        }
        let (lane, side) = Lane::new(protocol, from, to);
        let length = u32::try_from(source.len()).ok()?;
        let about = About {
            bytes: length.checked_add(if oob_vlan.is_some() { 4 } else { 0 })?,
            from: side,
            vlan: vlan || oob_vlan.is_some(),
        };
        Some((about, self.engine.flows.aim(lane)))
    }

    /// Looks the flow up, and asks for its counters' cache line where frames are counted by flow. Call it when the
    /// headers of a group of frames are read.
    #[inline]
    pub fn look(&self, short: &mut Short) {
        let Step::Aimed(about, aim) = short.0 else { return };
        short.0 = match self.engine.flows.look(&self.guard, &aim) {
            Sight::Found(found) => {
                if self.engine.config.count_flows
                    && let Some(record) = self.engine.flows.record_of(&found)
                {
                    record.prefetch_counters();
                }
                Step::Found(about, found)
            }
            Sight::Second => Step::Second(about, aim),
            Sight::None => Step::Long,
        };
    }

    /// Decides about a frame by what [`Batch::look`] found, and counts it. `None`: it was not counted, and must take
    /// the long way.
    #[inline]
    #[must_use]
    pub fn decide(&mut self, direction: Direction, short: &Short) -> Option<Action> {
        let (ahead, found) = match &short.0 {
            Step::Found(about, found) => (about, *found),
            Step::Second(about, aim) => (about, self.engine.flows.look_again(&self.guard, aim)?),
            Step::Aimed(..) | Step::Long => return None,
        };
        let found = &found;
        let verdict = found.verdict()?;
        let side = match ahead.from {
            Side::A => 1,
            Side::B => 2,
        };
        if parts::generation(verdict) != self.plain.generation || verdict >> parts::SIDES & side == 0 {
            return None;
        }
        // The policy takes turns through 32 generations, none through the first of them.
        if (parts::decider(verdict) == parts::NOTHING) != (self.policy == 0) {
            return None;
        }
        let (bytes, blocked) = (ahead.bytes, verdict & parts::BLOCK != 0);
        self.plain.frames = self.plain.frames.wrapping_add(1);
        let (frames, total) = match direction {
            Direction::Send => (Counter::FramesSent, Counter::BytesSent),
            Direction::Receive => (Counter::FramesReceived, Counter::BytesReceived),
        };
        let tally = &mut self.tally;
        tally.count(frames);
        tally.add(total, u64::from(bytes));
        if ahead.vlan {
            tally.count(Counter::Vlan);
        }
        if blocked {
            tally.add(Counter::BytesBlocked, u64::from(bytes));
        }
        if let Some(class) = CLASSES.get(parts::class(verdict)) {
            tally.count(*class);
        }
        if let Some(rule) = parts::decider(verdict).checked_sub(parts::RULE)
            && let Some(policy) = self.engine.force.at(&self.guard, self.policy)
        {
            policy.count_frame(self.processor, rule);
        }
        let flows = &self.engine.flows;
        let touched = flows.touch(found);
        if (touched || self.engine.config.count_flows)
            && let Some(record) = flows.record_of(found)
        {
            if touched {
                record.touch(self.now);
            }
            if self.engine.config.count_flows {
                let local = if verdict & parts::LOCAL_B == 0 { Side::A } else { Side::B };
                record.count(ahead.from == local, 1, u64::from(bytes), blocked);
            }
        }
        Some(if blocked { Action::Block } else { Action::Permit })
    }
}
