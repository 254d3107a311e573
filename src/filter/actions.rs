//! What rules do beyond letting frames pass and dropping them: answers to senders, marks, waiting.

use core::sync::atomic::Ordering;

use kernel::ndis::{Chain, Incoming, Nbl, Originator, Outgoing, OwnChain, PortNumber, SendFlags};
use weir_core::Time;
use weir_core::counters::Counter;
use weir_core::engine::{Batch, Verdict};
use weir_core::mark::edits;
use weir_core::policy::Mark;
use weir_core::reject;
use weir_core::tap::{About, flag};
use weir_core::wire::{self, Medium, Source, Transport, VlanTag, protocol};
use weir_core::{Action, Direction};

use super::{BLOCKED, Bytes, Module};
use crate::shared::{now, processor};

/// Answers to the rejected frames of one chain. They are handed on when the chain has been judged: what a neighbour does
/// with them takes its time, and frames of the engine's batch do not.
pub(super) struct Answers<'a> {
    pub(super) frames: OwnChain<'a>,
    /// What is indicated in place of received frames.
    pub(super) copies: OwnChain<'a>,
    from: &'a Originator,
}

impl<'a> Answers<'a> {
    pub(super) const fn new(from: &'a Originator) -> Self {
        Self { frames: OwnChain::new(from), copies: OwnChain::new(from), from }
    }

    /// Answers a frame that its rule rejects, if the frame may be answered and not too many were. The answer goes back on
    /// the VLAN that the frame came on.
    #[inline(never)]
    pub(super) fn answer<S: Source>(
        &mut self,
        batch: &mut Batch<'_>,
        direction: Direction,
        medium: Medium,
        verdict: &Verdict,
        frame: &S,
        tag: Option<VlanTag>,
    ) {
        let up = direction == Direction::Send;
        let answered =
            batch.may_reject(&verdict.frame) && self.write(up, medium, verdict, frame, tag).is_some();
        batch.count(if answered { Counter::RejectsSent } else { Counter::RejectsSuppressed }, 1);
    }

    fn write<S: Source>(
        &mut self,
        up: bool,
        medium: Medium,
        verdict: &Verdict,
        frame: &S,
        tag: Option<VlanTag>,
    ) -> Option<()> {
        let mut answer = self.from.room(reject::MAX_REPLY)?;
        let length = reject::reply(medium, &verdict.frame, frame, answer.bytes_mut()).ok()?;
        answer.cut(length);
        let ip = verdict.frame.ip?;
        // Whoever is answered sent a frame of the same version: TCP is reset, everything else gets ICMP.
        let tcp = matches!(verdict.frame.transport, Transport::Tcp { .. });
        answer.set_kind(ip.version == 6, if tcp { protocol::TCP } else { 0 }, up);
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
    /// Of its frames those pass whose bit is set, by their number; there are at most [`Note::FRAMES`].
    Part(u64),
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
    const PART: u64 = 1 << 62;
    const GIVEN: u64 = 1 << 8;
    const WAIT: u32 = 32;
    /// Frames of an NBL that can be told apart.
    pub(super) const FRAMES: u32 = 62;

    pub(super) fn write(self, list: &mut Nbl<'_>) {
        let part = |value: Option<u8>| value.map_or(0, |value| u64::from(value) | Self::GIVEN);
        list.set_note(match self {
            Self::Drop => 0,
            Self::Part(frames) => Self::PART | frames & !Self::PASS,
            Self::Pass { mark, wait } => {
                Self::PASS
                    | (wait << Self::WAIT) & !(Self::PASS | Self::PART)
                    | part(mark.priority) << 16
                    | part(mark.dscp)
            }
        });
    }

    pub(super) fn read(list: &Nbl<'_>) -> Self {
        let note = list.note();
        let part = |value: u64| (value & Self::GIVEN != 0).then_some(value as u8);
        if note & Self::PASS == 0 {
            let frames = note & !Self::PART;
            return if note & Self::PART == 0 { Self::Drop } else { Self::Part(frames) };
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
            compartment: self.compartment.load(Ordering::Relaxed),
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
            match note {
                Note::Pass { mark, wait } => {
                    if !mark.is_empty() {
                        one = self.marked(one, &mark);
                    }
                    if wait == 0 {
                        one.send_down(self.handle, port, flags);
                    } else {
                        self.hold(one, Time(now.0.saturating_add(wait)), flags);
                    }
                }
                Note::Part(frames) => {
                    match self.own.replace(one, |number| frames >> number & 1 != 0, |_, _| {}) {
                        Ok(copies) => copies.send_down(self.handle, port, flags),
                        Err(original) => original.complete(self.handle, BLOCKED, flags.completion()),
                    }
                }
                // Sorted out before.
                Note::Drop => one.complete(self.handle, BLOCKED, flags.completion()),
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
                self.own.replace(one, |_| true, |bytes, tag| write_marks(mark, medium, bytes, tag, offloaded))
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

impl Module {
    /// Puts copies in place of the frames of a received NBL: marked, and held back for a while. False if the NBL passes as it
    /// is, because there was no memory for a mark.
    #[inline(never)]
    pub(super) fn divert(
        &self,
        list: &Nbl<'_>,
        mark: &Mark,
        due: Option<Time>,
        answers: &mut Answers<'_>,
        count: impl FnOnce(Counter),
    ) -> bool {
        let Some(medium) = self.facts.frames else { return false };
        // A receive has one frame.
        let copy = list.frames().next().and_then(|frame| answers.from.copy_of::<Incoming>(list, &frame));
        match (copy, due) {
            (Some(mut copy), _) => {
                if !mark.is_empty() {
                    let mut tag = list.vlan_tci();
                    write_marks(mark, medium, copy.bytes_mut(), &mut tag, false);
                    copy.set_vlan_tci(tag);
                    count(Counter::Marked);
                }
                match due {
                    // What finds no room is dropped, and was counted.
                    Some(due) => {
                        let _held = self.hold_receive(copy, due);
                    }
                    None => answers.copies.push(copy),
                }
                true
            }
            (None, Some(_)) => {
                count(Counter::DelayedDropped);
                true
            }
            (None, None) => {
                count(Counter::MarksFailed);
                false
            }
        }
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
