//! Lists, read page by page.

use kernel::status::Status;
use kernel::wdf::Request;
use weir_core::Direction;
use weir_core::flow::{FlowView, State};
use weir_core::identity::IdentityView;
use weir_core::names::{Handle, Held};
use weir_core::policy::Decider;
use weir_ioctl::zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
use weir_ioctl::{
    AdapterEntry, FlowEntry, FlowFlags, FlowState, IdentityEntry, IdentityKind, ListRequest, Origin,
    PageHeader, RuleHits, Verdict, rule,
};

use super::ioctl::input;
use crate::shared::{Shared, processor};

/// A page being filled.
pub(super) struct Page<'a> {
    header: &'a mut PageHeader,
    room: &'a mut [u8],
    size: usize,
}

impl<'a> Page<'a> {
    /// A page for entries of type `T`: it must hold at least one.
    pub(super) fn begin<T>(request: &'a mut Request) -> Result<Self, Status> {
        let output = request.output(size_of::<PageHeader>() + size_of::<T>())?;
        let (header, room) = PageHeader::mut_from_prefix(output).map_err(|_| Status::BUFFER_TOO_SMALL)?;
        header.entry_size = size_of::<T>() as u32;
        Ok(Self { header, room, size: size_of::<PageHeader>() })
    }

    /// Room for one more entry, zeroed; `None` when the page is full.
    pub(super) fn next<T: FromBytes + IntoBytes + KnownLayout + Immutable + 'a>(&mut self) -> Option<&mut T> {
        let room = core::mem::take(&mut self.room);
        let (entry, room) = match T::mut_from_prefix(room) {
            Ok(split) => split,
            // What is left is too small for any further entry, so that it need not be put back.
            Err(_) => return None,
        };
        self.room = room;
        self.size += size_of::<T>();
        self.header.count = self.header.count.wrapping_add(1);
        Some(entry)
    }

    /// Ends the page; the next one begins at `next`, 0 when there is none.
    pub(super) fn end(self, next: u64) -> usize {
        self.header.next = next;
        self.size
    }
}

/// `Control::ADAPTERS`. The cursor is the number of the last attachment shown.
pub(super) fn adapters(shared: &Shared, request: &mut Request) -> Result<usize, Status> {
    let ListRequest { mut cursor } = input(request)?;
    let mut page = Page::begin::<AdapterEntry>(request)?;
    loop {
        // The lock is held for one entry at a time.
        let found = shared.adapters.lock().after(cursor);
        let Some((number, adapter)) = found else { return Ok(page.end(0)) };
        let Some(entry) = page.next::<AdapterEntry>() else { return Ok(page.end(cursor)) };
        *entry = adapter;
        cursor = number;
    }
}

/// `Control::LIST_FLOWS`. The cursor is the engine's.
pub(super) fn flows(shared: &Shared, request: &mut Request) -> Result<usize, Status> {
    let ListRequest { cursor } = input(request)?;
    let mut page = Page::begin::<FlowEntry>(request)?;
    shared.demand_for_reader();
    let next = shared.engine.list_flows(processor(), cursor, &mut |flow| match page.next() {
        Some(entry) => {
            describe(flow, entry);
            true
        }
        None => false,
    });
    Ok(page.end(next))
}

/// Set in a cursor of [`identities`] that goes on with names.
const NAMES: u64 = 1 << 63;

/// `Control::LIST_IDENTITIES`: identities, then names. The cursor is the engine's, with [`NAMES`] for names.
pub(super) fn identities(shared: &Shared, request: &mut Request) -> Result<usize, Status> {
    let ListRequest { cursor } = input(request)?;
    let mut page = Page::begin::<IdentityEntry>(request)?;
    let mut next = NAMES;
    if cursor < NAMES {
        let listed = shared.engine.list_identities(cursor, &mut |identity| match page.next() {
            Some(entry) => {
                identify(identity, entry);
                true
            }
            None => false,
        });
        if listed != 0 {
            return Ok(page.end(listed));
        }
    } else {
        next = cursor;
    }
    let listed = shared.engine.list_names(next & !NAMES, &mut |handle, name| match page.next() {
        Some(entry) => {
            tell_name(handle, name, entry);
            true
        }
        None => false,
    });
    Ok(page.end(if listed == 0 { 0 } else { listed | NAMES }))
}

/// `Control::RULE_HITS`. The cursor is the index of the next rule.
pub(super) fn rule_hits(shared: &Shared, request: &mut Request) -> Result<usize, Status> {
    let ListRequest { cursor } = input(request)?;
    let rules = u64::from(shared.engine.status().rules);
    let mut index = u32::try_from(cursor).map_err(|_| Status::INVALID_PARAMETER)?;
    let mut page = Page::begin::<RuleHits>(request)?;
    while u64::from(index) < rules {
        let Some(entry) = page.next::<RuleHits>() else { return Ok(page.end(u64::from(index))) };
        let hits = shared.engine.rule_hits(index);
        *entry = RuleHits { frames: hits.frames, flows: hits.flows };
        index = index.wrapping_add(1);
    }
    Ok(page.end(0))
}

/// A flow as user mode sees it.
fn describe(flow: &FlowView, entry: &mut FlowEntry) {
    let (local, remote) = (flow.local.address, flow.remote.address);
    *entry = FlowEntry {
        id: flow.id,
        interface_luid: flow.interface_luid,
        process_id: flow.owner.process_id,
        process_created: flow.owner.process_created,
        first_seen: flow.first_seen.0,
        last_seen: flow.last_seen.0,
        frames_sent: flow.sent.frames,
        bytes_sent: flow.sent.bytes,
        frames_received: flow.received.frames,
        bytes_received: flow.received.bytes,
        frames_sent_blocked: flow.sent_blocked.frames,
        bytes_sent_blocked: flow.sent_blocked.bytes,
        frames_received_blocked: flow.received_blocked.frames,
        bytes_received_blocked: flow.received_blocked.bytes,
        local_address: local,
        remote_address: remote,
        compartment: flow.compartment,
        rule: rule(flow.stamp.decider),
        policy_generation: flow.stamp.generation,
        image: flow.owner.image,
        user: flow.owner.user,
        package: flow.owner.package,
        name: flow.name.0 as u32,
        name_generation: (flow.name.0 >> 32) as u32,
        local_port: flow.local.port,
        remote_port: flow.remote.port,
        protocol: flow.protocol,
        ip_version: if matches!(local, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, ..]) { 4 } else { 6 },
        verdict: match flow.stamp.verdict {
            weir_core::flow::Verdict::Undecided => Verdict::UNDECIDED,
            weir_core::flow::Verdict::Permit => Verdict::PERMIT,
            weir_core::flow::Verdict::Block => Verdict::BLOCK,
        },
        origin: match flow.origin {
            Direction::Send => Origin::OUTBOUND,
            Direction::Receive => Origin::INBOUND,
        },
        state: match flow.state {
            State::New => FlowState::NEW,
            State::Opening => FlowState::OPENING,
            State::Active => FlowState::ACTIVE,
            State::Closing => FlowState::CLOSING,
            State::Closed => FlowState::CLOSED,
            State::Reset => FlowState::RESET,
        },
        flags: flags(&flow.flags),
        reserved: [0; 6],
    };
}

/// Who decided, as the control contract numbers it.
pub(super) fn rule(decider: Decider) -> u32 {
    match decider {
        Decider::Rule(index) => index,
        Decider::Default => rule::DEFAULT,
        Decider::Failure => rule::FAILURE,
        Decider::Nothing => rule::NONE,
    }
}

fn flags(flags: &weir_core::flow::Flags) -> u8 {
    [
        (flags.ale, FlowFlags::ALE),
        (flags.established, FlowFlags::ESTABLISHED),
        (flags.frames, FlowFlags::FRAMES),
        (flags.fragments, FlowFlags::FRAGMENTS),
        (flags.loopback, FlowFlags::LOOPBACK),
    ]
    .iter()
    .fold(0, |bits, &(set, bit)| if set { bits | bit } else { bits })
}

/// Fills in an entry, which comes zeroed.
fn tell_name(handle: Handle, name: &Held<'_>, entry: &mut IdentityEntry) {
    entry.kind = IdentityKind::NAME;
    (entry.id, entry.generation) = (handle.0 as u32, (handle.0 >> 32) as u32);
    for (to, from) in entry.data.iter_mut().zip(name.characters()) {
        *to = from;
        entry.length = entry.length.wrapping_add(1);
    }
}

/// Fills in an entry, which comes zeroed.
fn identify(identity: &IdentityView<'_>, entry: &mut IdentityEntry) {
    let (kind, id) = match *identity {
        IdentityView::Image(id, _) => (IdentityKind::IMAGE, id),
        IdentityView::User(id, _) => (IdentityKind::USER, id),
    };
    entry.kind = kind;
    entry.id = id;
    let mut length = 0_u32;
    match identity {
        IdentityView::Image(_, path) => {
            for (to, unit) in entry.data.chunks_exact_mut(2).zip(path.iter()) {
                for (to, from) in to.iter_mut().zip(unit.to_le_bytes()) {
                    *to = from;
                }
                length = length.wrapping_add(2);
            }
        }
        IdentityView::User(_, sid) => {
            for (to, from) in entry.data.iter_mut().zip(sid.as_bytes()) {
                *to = *from;
                length = length.wrapping_add(1);
            }
        }
    }
    entry.length = length;
}
