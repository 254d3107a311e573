//! The lightweight filter: one [`Module`] per adapter sees every frame in both directions.

mod actions;
mod adapters;
mod attach;
mod counts;
mod demand;
mod held;
mod link;
mod oid;
mod pnp;
mod receive;
mod send;
mod state;
mod status;
mod topology;

use core::sync::atomic::{AtomicU32, Ordering};

use ddk::ndis::{NDIS_STATUS_INDICATION, NET_DEVICE_PNP_EVENT, NET_PNP_EVENT_NOTIFICATION};
use kernel::irql::Passive;
use kernel::ndis::{
    CancelId, Chain, Completed, Direct, FilterHandle, FilterModule, Incoming, Loan, ModuleOptions, Names,
    Nbl, OidClone, OidRequest, Originator, Outgoing, PortNumber, ReceiveFlags, Regular, RestartParameters,
    ReturnFlags, Returned, SendCompleteFlags, SendFlags, Sorter, Split,
};
use kernel::pool::{PoolBox, Tag};
use kernel::rundown::Rundown;
use kernel::status::Status;
use kernel::unicode::UnicodeStr;
use kernel::wide;
use weir_core::counters::Counter;
use weir_core::crossing::Seat;
use weir_core::engine::{Batch, Interface, Short, Toll};
use weir_core::limit::Passage;
use weir_core::policy::Mark;
use weir_core::tap::About;
use weir_core::wire::{Medium, Source, VlanTag};
use weir_core::{Action, Direction, Time};

use actions::{Answers, Note, needs_mark};
pub(crate) use adapters::{Adapters, NAME_LENGTH};
use counts::{Counts, Tally};
pub(crate) use demand::Demand;
use demand::Installed;
use held::Held;
use link::Current;
pub(crate) use topology::{Restack, Topology};

use crate::guids;
use crate::shared::{Shared, now, processor};
use crate::tags;

/// The highest NDIS version whose contract this driver knows (6.89, Windows 11 24H2). While a filter with a lower one is
/// bound, NDIS turns coalescing of UDP receives (URO) off.
const NEWEST_NDIS: u32 = 0x0006_0059;

/// The status of a blocked send.
///
/// NDIS has no code for "dropped by a filter". TCP/IP treats every failure alike: as a frame lost on the wire, which is
/// what a drop shall look like.
const BLOCKED: Status = Status::UNSUCCESSFUL;

/// The version to register with: the newest that both NDIS and this driver know.
pub(crate) fn ndis_version(running: u32) -> u32 {
    running.min(NEWEST_NDIS)
}

/// How the filter driver is called; the INF says the same.
pub(crate) fn names() -> Names {
    Names {
        friendly: UnicodeStr::from_wide(wide!("Weir Lightweight Filter")),
        unique: guids::netcfg_instance(),
        service: UnicodeStr::from_wide(wide!("weir")),
    }
}

/// The filter on one adapter.
#[derive(Debug)]
pub(crate) struct Module {
    handle: FilterHandle,
    shared: &'static Shared,
    /// Open while the module runs; everything on the data path is inside.
    gate: Rundown,
    /// Open while the module is in the list of adapters; control paths that found it there are inside.
    users: Rundown,
    state: AtomicU32,
    /// Routing compartment of the adapter.
    compartment: AtomicU32,
    installed: Installed,
    /// Which of the other modules a frame passes before it comes here.
    seat: Seat,
    /// Frames that the module sends and indicates itself.
    own: Originator,
    held: PoolBox<Held>,
    /// Place in the list of adapters.
    link: adapters::Link,
    facts: PoolBox<Facts>,
    current: Current,
    counts: Counts,
}

/// What does not change while the module is attached.
#[derive(Debug)]
struct Facts {
    luid: u64,
    index: u32,
    medium: u32,
    /// What frames begin with, if the parser knows it.
    frames: Option<Medium>,
    name_length: u8,
    name: [u16; NAME_LENGTH],
}

/// Compartment of a system without virtual networks (DEFAULT_COMPARTMENT_ID), and of frames on an adapter as long as no
/// callout has said in which one it is.
pub(crate) const COMPARTMENT: u32 = 1;

impl Facts {
    fn name(&self) -> &[u16] {
        self.name.get(..usize::from(self.name_length)).unwrap_or(&[])
    }

    fn interface(&self, compartment: u32) -> Option<Interface<'_>> {
        Some(Interface {
            luid: self.luid,
            index: self.index,
            medium: self.frames?,
            compartment,
            name: self.name(),
        })
    }
}

impl Module {
    /// Splits a chain into what passes as it is and what does not; see [`Module::passes`].
    ///
    /// Not inlined: kernel stacks are small, and the batch is off this one's when the chain is handed on.
    #[inline(never)]
    fn judge<Way>(
        &self,
        direction: Direction,
        chain: Chain<Way>,
        tally: &mut Tally,
        answers: &mut Answers<'_>,
        may_wait: bool,
    ) -> Split<Way> {
        let mut batch = self.shared.engine.batch(processor(), now()).at(&self.seat);
        let interface = self.facts.interface(self.compartment.load(Ordering::Relaxed));
        chain.sort(&mut Judge {
            module: self,
            batch: &mut batch,
            interface: interface.as_ref(),
            direction,
            tally,
            answers,
            may_wait,
        })
    }

    /// As [`Module::judge`], for one NBL.
    #[inline(never)]
    fn judge_one(
        &self,
        direction: Direction,
        list: &mut Nbl<'_>,
        tally: &mut Tally,
        answers: &mut Answers<'_>,
        may_wait: bool,
    ) -> bool {
        let mut batch = self.shared.engine.batch(processor(), now()).at(&self.seat);
        self.passes(&mut batch, direction, list, tally, answers, may_wait)
    }

    /// Whether an NBL passes as it is: all its frames must, and the limit of their rule must allow it. What happens to one
    /// that does not is noted down on it.
    ///
    /// NDIS puts only frames of one flow into one NBL. They have different verdicts all the same when one is malformed, or its
    /// flow was decided in between: then copies of those that may pass go on, and the NBL is complete when these are.
    #[inline(never)]
    fn passes(
        &self,
        batch: &mut Batch<'_>,
        direction: Direction,
        list: &mut Nbl<'_>,
        tally: &mut Tally,
        answers: &mut Answers<'_>,
        may_wait: bool,
    ) -> bool {
        // Frames of a medium that the parser does not know pass; they are counted.
        let Some(interface) = self.facts.interface(self.compartment.load(Ordering::Relaxed)) else {
            for frame in list.frames() {
                tally.add(1, list.segments(&frame, direction == Direction::Send), 0);
            }
            return true;
        };
        let tag = list.vlan_tci().map(VlanTag);
        let (mut frames, mut segments, mut blocked, mut permitted) = (0_u32, 0_u32, 0_u32, 0_u64);
        let (mut toll, mut tapped): (Option<Toll>, Option<About>) = (None, None);
        let (mut mark, mut wait) = (Mark::default(), 0);
        for frame in list.frames() {
            let packets = list.segments(&frame, direction == Direction::Send);
            segments = segments.wrapping_add(packets);
            let frame = Bytes(frame);
            let mut verdict = batch.inspect(&interface, direction, &frame, tag);
            if verdict.action == Action::Permit {
                permitted |= 1_u64.checked_shl(frames).unwrap_or(0);
            } else {
                blocked = blocked.wrapping_add(1);
            }
            frames = frames.wrapping_add(1);
            if let Some(toll) = &mut verdict.toll {
                toll.packets = u64::from(packets);
            }
            if verdict.tap && tapped.is_none() {
                tapped = Some(self.about(direction, &verdict, tag));
            }
            if verdict.reject {
                answers.answer(batch, direction, interface.medium, &verdict, &frame, tag);
            }
            if needs_mark(&verdict.mark, interface.medium, &verdict, &frame, tag) {
                mark = verdict.mark;
            }
            match (&mut toll, &verdict.toll) {
                (Some(sum), Some(more)) => sum.join(more),
                (sum, more) => *sum = sum.or(*more),
            }
        }
        let all = blocked == 0;
        let mut passes = all || blocked < frames && frames <= Note::FRAMES;
        match toll {
            Some(toll) if passes => {
                passes = match batch.charge(&toll) {
                    Passage::Now => true,
                    Passage::At(then) if may_wait && all => {
                        wait = then.since(batch.now());
                        true
                    }
                    Passage::At(_) => {
                        batch.count(Counter::DelayedDropped, u64::from(frames.wrapping_sub(blocked)));
                        false
                    }
                    Passage::Over => false,
                };
            }
            Some(toll) => batch.forgo(&toll),
            None => {}
        }
        tally.add(frames, segments, if passes { blocked } else { frames });
        if let Some(about) = tapped {
            self.tap(about, list, passes, wait != 0);
        }
        let note = match (passes, all) {
            (true, true) if mark.is_empty() && wait == 0 => return true,
            (true, true) if direction == Direction::Receive => {
                let due = (wait != 0).then(|| Time(batch.now().0.saturating_add(wait)));
                return !self.divert(list, &mark, due, answers, |counter| batch.count(counter, 1));
            }
            (true, true) => Note::Pass { mark, wait },
            (true, false) => Note::Part(permitted),
            (false, _) => Note::Drop,
        };
        note.write(list);
        false
    }
}

/// Who sorts the NBLs of a chain: those of known flows by the short way, the others by [`Module::passes`].
struct Judge<'j, 'e, 'a> {
    module: &'j Module,
    batch: &'j mut Batch<'e>,
    interface: Option<&'j Interface<'j>>,
    direction: Direction,
    tally: &'j mut Tally,
    answers: &'j mut Answers<'a>,
    may_wait: bool,
}

impl Sorter for Judge<'_, '_, '_> {
    type Note = Short;

    #[inline]
    fn look(&mut self, list: &Nbl<'_>) -> Short {
        let Some(interface) = self.interface else { return Short::default() };
        match list.only_frame(self.direction == Direction::Send) {
            Some(frame) => self.batch.look_ahead(interface, &Bytes(frame), list.vlan_tci().map(VlanTag)),
            None => Short::default(),
        }
    }

    #[inline]
    fn look_again(&mut self, short: &mut Short) {
        self.batch.look(short);
    }

    #[inline]
    fn keep(&mut self, list: &mut Nbl<'_>, short: &Short) -> bool {
        let Some(action) = self.batch.decide(self.direction, short) else {
            let (batch, direction) = (&mut *self.batch, self.direction);
            return self.module.passes(batch, direction, list, self.tally, self.answers, self.may_wait);
        };
        let segments = list.plain_segments(self.direction == Direction::Send).unwrap_or(1);
        let passes = action == Action::Permit;
        self.tally.add(1, segments, u32::from(!passes));
        if !passes {
            Note::Drop.write(list);
        }
        passes
    }
}

/// The bytes of a frame, for the parser.
pub(crate) struct Bytes<'a>(pub(crate) kernel::ndis::FrameBytes<'a>);

impl Source for Bytes<'_> {
    #[inline]
    fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    fn read<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        self.0.read(offset)
    }
}

impl FilterModule for Module {
    const TAG: Tag = tags::MODULE;

    fn set_options(&self, options: ModuleOptions<Self>) -> Result<(), Status> {
        self.install_handlers(options)
    }

    fn restart(&self, parameters: &RestartParameters<'_>, at: Passive<'_>) -> Result<(), Status> {
        self.current.restart(parameters);
        self.to_running(at);
        self.shared.review_topology(at);
        Ok(())
    }

    fn pause(&self, at: Passive<'_>) {
        self.to_paused(at);
    }

    fn send(&self, chain: Chain<Outgoing>, port: PortNumber, flags: SendFlags) {
        self.filter_send(chain, port, flags);
    }

    fn send_complete(&self, chain: Chain<Completed>, flags: SendCompleteFlags) {
        if let Some(chain) = self.own.take_back(chain) {
            chain.complete(self.handle, flags);
        }
    }

    fn cancel_send(&self, id: CancelId) {
        self.filter_cancel_send(id);
    }

    fn receive(&self, chain: Chain<Incoming>, port: PortNumber, count: u32, flags: ReceiveFlags) {
        self.filter_receive(chain, port, count, flags);
    }

    fn receive_loan(&self, loan: Loan<'_>, port: PortNumber, flags: ReceiveFlags) {
        self.filter_receive_loan(loan, port, flags);
    }

    fn receive_return(&self, chain: Chain<Returned>, flags: ReturnFlags) {
        if let Some(chain) = self.own.take_back(chain) {
            chain.return_down(self.handle, flags);
        }
    }

    fn oid_request(&self, request: OidRequest<Regular>) -> Status {
        if let Some((oid, value)) = request.setting() {
            self.learn_setting(oid, value);
        }
        self.filter_oid_request(request)
    }

    fn oid_complete(&self, clone: OidClone<Regular>, status: Status) {
        if let Some((oid, value)) = clone.answer(status) {
            self.current.answer(oid, value);
        }
        clone.complete(self.handle, status);
    }

    fn oid_cancel(&self, id: CancelId) {
        self.filter_oid_cancel::<Regular>(id);
    }

    fn direct_oid_request(&self, request: OidRequest<Direct>) -> Status {
        self.filter_oid_request(request)
    }

    fn direct_oid_complete(&self, clone: OidClone<Direct>, status: Status) {
        clone.complete(self.handle, status);
    }

    fn direct_oid_cancel(&self, id: CancelId) {
        self.filter_oid_cancel::<Direct>(id);
    }

    fn status(&self, status: &mut NDIS_STATUS_INDICATION) {
        self.filter_status(status);
    }

    fn device_event(&self, event: &mut NET_DEVICE_PNP_EVENT, at: Passive<'_>) {
        self.filter_device_event(event, at);
    }

    fn net_event(&self, event: &mut NET_PNP_EVENT_NOTIFICATION, at: Passive<'_>) -> Status {
        self.filter_net_event(event, at)
    }
}
