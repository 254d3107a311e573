//! What rules do beyond letting frames pass and dropping them: answers to senders, marks, waiting.

use kernel::ndis::{Chain, Nbl, Originator, Outgoing, OwnChain, PortNumber, SendFlags};
use weir_core::Time;
use weir_core::counters::Counter;
use weir_core::engine::{Batch, Verdict};
use weir_core::mark::edits;
use weir_core::policy::Mark;
use weir_core::reject;
use weir_core::tap::{About, flag};
use weir_core::wire::{self, Medium, Source, VlanTag};
use weir_core::{Action, Direction};

use super::{Bytes, Module};
use crate::shared::{now, processor};

/// Answers to the rejected frames of one chain. They are handed on when the chain has been judged: what a neighbour does
/// with them takes its time, and frames of the engine's batch do not.
pub(super) struct Answers<'a> {
    pub(super) frames: OwnChain<'a>,
    from: &'a Originator,
}

impl<'a> Answers<'a> {
    pub(super) const fn new(from: &'a Originator) -> Self {
        Self { frames: OwnChain::new(from), from }
    }

    /// Answers a frame that its rule rejects, if the frame may be answered and not too many were. The answer goes back on
    /// the VLAN that the frame came on.
    #[inline(never)]
    pub(super) fn answer<S: Source>(
        &mut self,
        batch: &mut Batch<'_>,
        medium: Medium,
        verdict: &Verdict,
        frame: &S,
        tag: Option<VlanTag>,
    ) {
        let answered = batch.may_reject(&verdict.frame) && self.write(medium, verdict, frame, tag).is_some();
        batch.count(if answered { Counter::RejectsSent } else { Counter::RejectsSuppressed }, 1);
    }

    fn write<S: Source>(
        &mut self,
        medium: Medium,
        verdict: &Verdict,
        frame: &S,
        tag: Option<VlanTag>,
    ) -> Option<()> {
        let mut answer = self.from.room(reject::MAX_REPLY)?;
        let length = reject::reply(medium, &verdict.frame, frame, answer.bytes_mut()).ok()?;
        answer.cut(length);
        answer.set_vlan_tci(tag.map(|tag| tag.0));
        self.frames.push(answer);
        Some(())
    }
}

/// What an NBL that does not simply pass is noted down with, while the driver owns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// It is dropped.
    Drop,
    /// It passes with this mark, perhaps none, after this time (in 100 ns units).
    Pass {
        /// The mark.
        mark: Mark,
        /// How long it waits: at most a second.
        wait: u64,
    },
}

impl Note {
    const PASS: u64 = 1 << 63;
    const GIVEN: u64 = 1 << 8;
    const WAIT: u32 = 32;

    pub(super) fn write(self, list: &mut Nbl<'_>) {
        let part = |value: Option<u8>| value.map_or(0, |value| u64::from(value) | Self::GIVEN);
        list.set_note(match self {
            Self::Drop => 0,
            Self::Pass { mark, wait } => {
                Self::PASS | (wait << Self::WAIT) & !Self::PASS | part(mark.priority) << 16 | part(mark.dscp)
            }
        });
    }

    pub(super) fn read(list: &Nbl<'_>) -> Self {
        let note = list.note();
        let part = |value: u64| (value & Self::GIVEN != 0).then_some(value as u8);
        if note & Self::PASS == 0 {
            return Self::Drop;
        }
        let mark = Mark { priority: part(note >> 16), dscp: part(note) };
        Self::Pass { mark, wait: (note & !Self::PASS) >> Self::WAIT }
    }
}

impl Module {
    /// What the tap is told about the frames of an NBL, as far as a verdict says it.
    #[inline(never)]
    pub(super) fn about(&self, direction: Direction, verdict: &Verdict, tag: Option<VlanTag>) -> About {
        About {
            direction,
            medium: self.facts.frames.unwrap_or(Medium::Other),
            luid: self.facts.luid,
            compartment: super::COMPARTMENT,
            flow: verdict.flow,
            action: verdict.action,
            decider: verdict.decider,
            generation: verdict.generation,
            vlan: tag,
            packets: 1,
            flags: 0,
        }
    }

    /// Hands copies of all frames of an NBL to the tap, now that it is known what becomes of them: as with limits, all of
    /// them belong to one flow.
    #[inline(never)]
    pub(super) fn tap(&self, about: About, list: &Nbl<'_>, passes: bool, waits: bool) {
        let sends = about.direction == Direction::Send;
        let offloads = list.offloads(sends);
        let flags = [
            (offloads.checksum, flag::CHECKSUM),
            (offloads.large, flag::LARGE),
            (offloads.coalesced, flag::COALESCED),
            (waits, flag::DELAYED),
        ];
        let flags = flags.iter().fold(0, |sum, (set, bit)| if *set { sum | bit } else { sum });
        let action = if passes { Action::Permit } else { Action::Block };
        for frame in list.frames() {
            let packets = u16::try_from(list.segments(&frame, sends)).unwrap_or(u16::MAX);
            self.shared.tap(&About { action, packets, flags, ..about }, &Bytes(frame));
        }
    }

    /// Sends what the notes say now or later, and marked or not.
    #[inline(never)]
    pub(super) fn send_later_or_marked(
        &self,
        mut chain: Chain<Outgoing>,
        port: PortNumber,
        flags: SendFlags,
    ) {
        let now = now();
        loop {
            let (mut one, rest) = chain.split_first();
            let mut note = Note::Drop;
            one.for_each(|list| note = Note::read(&list));
            // Notes that say otherwise were sorted out before.
            let (mark, wait) = match note {
                Note::Pass { mark, wait } => (mark, wait),
                Note::Drop => (Mark::default(), 0),
            };
            if !mark.is_empty() {
                one = self.marked(one, &mark);
            }
            if wait == 0 {
                one.send_down(self.handle, port, flags);
            } else {
                self.hold(one, Time(now.0.saturating_add(wait)), flags);
            }
            match rest {
                Some(rest) => chain = rest,
                None => return,
            }
        }
    }

    /// Copies of a send with `mark`, since the original belongs to whoever sent it. Without memory for copies the original
    /// goes on as it is.
    #[inline(never)]
    fn marked(&self, mut one: Chain<Outgoing>, mark: &Mark) -> Chain<Outgoing> {
        let (mut offloaded, mut frames) = (false, 0);
        one.for_each(|list| {
            offloaded = list.offloads_ip_checksum();
            frames = list.frames().count() as u64;
        });
        // A frame that the parser does not know has no mark.
        let marked = match self.facts.frames {
            Some(medium) => {
                self.own.replace(one, |bytes, tag| write_marks(mark, medium, bytes, tag, offloaded))
            }
            None => Err(one),
        };
        let (counter, one) = match marked {
            Ok(copies) => (Counter::Marked, copies),
            Err(original) => (Counter::MarksFailed, original),
        };
        self.shared.engine.count(processor(), counter, frames);
        one
    }
}

/// Whether `mark` would change anything about a frame.
#[inline(never)]
pub(super) fn needs_mark<S: Source>(
    mark: &Mark,
    medium: Medium,
    verdict: &Verdict,
    frame: &S,
    tag: Option<VlanTag>,
) -> bool {
    !mark.is_empty() && !edits(mark, medium, &verdict.frame, frame, tag, true).is_empty()
}

#[inline(never)]
fn write_marks(mark: &Mark, medium: Medium, bytes: &mut [u8], tag: &mut Option<u16>, offloaded: bool) {
    let oob = tag.map(VlanTag);
    let edits = edits(mark, medium, &wire::parse(medium, &*bytes, oob), &*bytes, oob, offloaded);
    edits.apply(bytes);
    if let Some(VlanTag(tci)) = edits.tag {
        *tag = Some(tci);
    }
}
