//! The data path: NBL chains on their way down and up an adapter's stack, between its modules and its edges.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ddk::ndis::{NDIS_STATUS, NDIS_STATUS_LOW_POWER_STATE, NET_BUFFER_LIST};
use ddk::nt::PVOID;

use super::adapter::{Adapter, Beside, Delivered, Edge, Giving, OnWire, Ptr};
use super::build::{self, Piece, Shape, tci_from_slot};
use super::legality::{Legality, Operation, legality};
use super::module::Module;
use super::mux;
use super::offload;
use super::owner::{self, Birth, Direction, Layer, Move, Walked};
use super::power;
use super::raw::{self, SLOT_8021Q};
use crate::{cpu, verifier};

/// `NDIS_SEND_FLAGS_DISPATCH_LEVEL` and its three siblings: all have the value 1.
pub const DISPATCH_LEVEL: u32 = 0x1;
/// `NDIS_RECEIVE_FLAGS_RESOURCES`.
pub const RESOURCES: u32 = 0x2;

/// An NBL to send or to receive.
#[derive(Clone, Debug)]
pub struct List<'a> {
    /// Its frames: one NET_BUFFER each. A receive has exactly one (O13).
    pub pieces: Vec<Piece<'a>>,
    /// 802.1Q tag control information that travels beside the frames.
    pub vlan: Option<u16>,
    /// How the bytes lie in memory.
    pub shape: Shape,
}

/// How a chain is handed to the stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// At DISPATCH_LEVEL with the flag that says so, or at PASSIVE_LEVEL without.
    pub dispatch: bool,
    /// Further flags of the call.
    pub flags: u32,
}

impl Call {
    fn run(self, body: impl FnOnce(u32)) {
        let flags = self.flags | if self.dispatch { DISPATCH_LEVEL } else { 0 };
        let level = if self.dispatch { cpu::DISPATCH } else { cpu::PASSIVE };
        cpu::at_irql(level, || body(flags));
    }
}

impl Adapter {
    /// The protocol sends a chain of NBLs in one call.
    pub fn send(&self, lists: &[List<'_>], call: Call) {
        let nbls: Vec<_> = lists.iter().map(|list| self.make(list, Layer::Protocol)).collect();
        if !nbls.is_empty() {
            link(&nbls);
            call.run(|flags| down(self, usize::MAX, Layer::Protocol, &nbls, 0, flags));
        }
    }

    /// The miniport indicates a chain of NBLs in one call.
    pub fn receive(&self, lists: &[List<'_>], call: Call) {
        let nbls: Vec<_> = lists.iter().map(|list| self.make(list, Layer::Miniport)).collect();
        if nbls.is_empty() {
            return;
        }
        link(&nbls);
        call.run(|flags| up(self, 0, Layer::Miniport, &nbls, 0, flags));
        if call.flags & RESOURCES != 0 {
            for nbl in nbls {
                let tags = owner::tags(nbl);
                self.with_events(|events| events.returned.extend(tags));
                owner::remove(nbl, Layer::Miniport);
            }
        }
    }

    /// The miniport completes the sends that it keeps; `order` may reorder them.
    pub fn complete_sends(&self, call: Call, order: impl FnOnce(&mut [u64])) {
        let kept = std::mem::take(&mut self.kept().sends);
        let nbls = reorder(kept, order);
        if !nbls.is_empty() {
            call.run(|flags| complete(self, 0, &nbls, flags));
        }
    }

    /// The miniport completes, in order, the sends that it keeps and that `which` says.
    pub(super) fn complete_kept(&self, which: impl Fn(*mut NET_BUFFER_LIST) -> bool) {
        let nbls: Vec<_> = self.kept().sends.extract_if(.., |nbl| which(nbl.0)).map(|nbl| nbl.0).collect();
        if !nbls.is_empty() {
            Call::default().run(|flags| complete(self, 0, &nbls, flags));
        }
    }

    /// The protocol returns the receives that it keeps; `order` may reorder them.
    pub fn return_receives(&self, call: Call, order: impl FnOnce(&mut [u64])) {
        let kept = std::mem::take(&mut self.kept().receives);
        let nbls = reorder(kept, order);
        if !nbls.is_empty() {
            call.run(|flags| give_back(self, usize::MAX, &nbls, flags));
        }
    }

    /// The miniport fails the sends that it keeps.
    pub fn fail_sends(&self, status: NDIS_STATUS) {
        let nbls: Vec<_> = std::mem::take(&mut self.kept().sends).into_iter().map(|nbl| nbl.0).collect();
        if !nbls.is_empty() {
            fail(self, &nbls, status, 0);
        }
    }

    /// The miniport completes at most `count` of the sends that it keeps: the first in `order`.
    pub fn complete_some_sends(&self, call: Call, count: usize, order: impl FnOnce(&mut [u64])) {
        let nbls = some(&mut self.kept().sends, count, order);
        if !nbls.is_empty() {
            call.run(|flags| complete(self, 0, &nbls, flags));
        }
    }

    /// The protocol returns at most `count` of the receives that it keeps: the first in `order`.
    pub fn return_some_receives(&self, call: Call, count: usize, order: impl FnOnce(&mut [u64])) {
        let nbls = some(&mut self.kept().receives, count, order);
        if !nbls.is_empty() {
            call.run(|flags| give_back(self, usize::MAX, &nbls, flags));
        }
    }

    /// The protocol cancels its sends with this id.
    pub fn cancel_sends(&self, id: PVOID) {
        cancel(self, usize::MAX, id);
    }

    fn make(&self, list: &List<'_>, origin: Layer) -> *mut NET_BUFFER_LIST {
        let (parcel, nbl) = build::list(&list.pieces, &list.shape, list.vlan);
        // SAFETY: just built, and known to nobody else.
        unsafe { raw::say_beside(nbl, &self.beside()) };
        let tags: Vec<u64> = list.pieces.iter().map(|piece| piece.tag).collect();
        // SAFETY: a fresh list, which nobody else has yet.
        unsafe { offload::mark(nbl, origin == Layer::Protocol, tags.first().copied().unwrap_or_default()) };
        owner::insert(nbl, parcel, Birth { origin, adapter: self.number, pool: 0 }, tags);
        nbl
    }
}

fn reorder(kept: Vec<Ptr<NET_BUFFER_LIST>>, order: impl FnOnce(&mut [u64])) -> Vec<*mut NET_BUFFER_LIST> {
    let mut positions: Vec<u64> = (0..kept.len() as u64).collect();
    order(&mut positions);
    positions.iter().filter_map(|position| kept.get(*position as usize)).map(|nbl| nbl.0).collect()
}

/// Takes the first `count` in `order` out of `kept`; the others stay in the new order.
fn some(
    kept: &mut Vec<Ptr<NET_BUFFER_LIST>>,
    count: usize,
    order: impl FnOnce(&mut [u64]),
) -> Vec<*mut NET_BUFFER_LIST> {
    let mut nbls = reorder(std::mem::take(kept), order);
    *kept = nbls.split_off(count.min(nbls.len())).into_iter().map(Ptr).collect();
    nbls
}

/// Links NBLs that are accessible into one chain.
pub(super) fn link(nbls: &[*mut NET_BUFFER_LIST]) {
    for (index, &nbl) in nbls.iter().enumerate() {
        // SAFETY: the caller's NBLs are live, and accessible to the layer that gets or makes them.
        unsafe { (*nbl).Next = nbls.get(index + 1).copied().unwrap_or_default() };
    }
}

fn position(modules: &[Arc<Module>], module: &Module) -> usize {
    modules.iter().position(|other| other.number == module.number).unwrap_or(modules.len())
}

/// FL1: a DISPATCH_LEVEL flag below DISPATCH_LEVEL makes the next driver take locks without raising the IRQL.
fn check_flag(function: &str, flags: u32) {
    if flags & DISPATCH_LEVEL != 0 && cpu::irql() != cpu::DISPATCH {
        verifier::violation(
            "N-52",
            &format!("FL1: {function} got its DISPATCH_LEVEL flag at IRQL {}", cpu::irql()),
        );
    }
}

fn check_legal(module: &Module, operation: Operation) {
    match legality(module.state(), operation) {
        Legality::Legal => {}
        Legality::Illegal("N-51") if module.cannot_know_of_pause() => {}
        Legality::Doubtful => {
            verifier::count(&format!("doubtful: {operation:?} while {:?}", module.state()), 1)
        }
        Legality::Illegal(rule) => verifier::violation(
            rule,
            &format!("{operation:?} by filter module {} in state {:?}", module.number, module.state()),
        ),
    }
}

fn require(module: &Module, present: bool, called: &str, handler: &str) {
    if !present {
        verifier::violation(
            "N-65",
            &format!("R4: filter module {} calls {called} without a {handler} handler", module.number),
        );
    }
}

/// NdisFSendNetBufferLists.
pub(crate) fn filter_send(module: &Module, first: *mut NET_BUFFER_LIST, port: u32, flags: u32) {
    check_flag("NdisFSendNetBufferLists", flags);
    require(
        module,
        module.handlers().SendNetBufferListsCompleteHandler.is_some(),
        "NdisFSendNetBufferLists",
        "FilterSendNetBufferListsComplete",
    );
    let adapter = module.adapter();
    let walked = walk(module, &adapter, first, Move::Send);
    if walked.originated {
        check_legal(module, Operation::OriginateSend);
    }
    if walked.foreign {
        check_legal(module, Operation::ForwardSend);
    }
    let at = position(&adapter.modules(), module);
    down(&adapter, at, Layer::Module(module.number), &walked.nbls, port, flags);
}

/// NdisFSendNetBufferListsComplete.
pub(crate) fn filter_complete(module: &Module, first: *mut NET_BUFFER_LIST, flags: u32) {
    check_flag("NdisFSendNetBufferListsComplete", flags);
    let adapter = module.adapter();
    let walked = walk(module, &adapter, first, Move::Complete);
    check_legal(module, Operation::CompleteSend);
    let at = position(&adapter.modules(), module);
    complete(&adapter, at + 1, &walked.nbls, flags);
}

/// NdisFIndicateReceiveNetBufferLists.
pub(crate) fn filter_indicate(
    module: &Module,
    first: *mut NET_BUFFER_LIST,
    port: u32,
    count: u32,
    flags: u32,
) {
    check_flag("NdisFIndicateReceiveNetBufferLists", flags);
    require(
        module,
        module.handlers().ReturnNetBufferListsHandler.is_some(),
        "NdisFIndicateReceiveNetBufferLists",
        "FilterReturnNetBufferLists",
    );
    let adapter = module.adapter();
    let walked = walk(module, &adapter, first, Move::Indicate { resources: flags & RESOURCES != 0 });
    if walked.nbls.len() != count as usize {
        verifier::violation(
            "N-49",
            &format!("O13: NumberOfNetBufferLists is {count}, the chain has {}", walked.nbls.len()),
        );
    }
    if walked.originated {
        check_legal(module, Operation::OriginateReceive);
    }
    if walked.foreign {
        check_legal(module, Operation::ForwardReceive);
    }
    let at = position(&adapter.modules(), module);
    up(&adapter, at + 1, Layer::Module(module.number), &walked.nbls, port, flags);
}

/// NdisFReturnNetBufferLists.
pub(crate) fn filter_return(module: &Module, first: *mut NET_BUFFER_LIST, flags: u32) {
    check_flag("NdisFReturnNetBufferLists", flags);
    let adapter = module.adapter();
    let walked = walk(module, &adapter, first, Move::Return);
    check_legal(module, Operation::ReturnReceive);
    let at = position(&adapter.modules(), module);
    give_back(&adapter, at, &walked.nbls, flags);
}

/// NdisFCancelSendNetBufferLists.
pub(crate) fn filter_cancel(module: &Module, id: PVOID) {
    let adapter = module.adapter();
    cancel(&adapter, position(&adapter.modules(), module), id);
}

fn walk(module: &Module, adapter: &Adapter, first: *mut NET_BUFFER_LIST, step: Move) -> Walked {
    let walked = owner::walk(first, module.number, module.handle(), adapter.number, step);
    if walked.nbls.is_empty() {
        verifier::violation("N-49", "an empty NET_BUFFER_LIST chain was handed over");
    }
    if let Move::Indicate { .. } = step
        && adapter.medium() == crate::edge::packet::Medium::Ethernet
    {
        for &nbl in &walked.nbls {
            // SAFETY: the module owns the NBL, so it is accessible.
            let buffers = unsafe { raw::net_buffers(nbl) }.count();
            if buffers != 1 {
                verifier::violation(
                    "N-58",
                    &format!(
                        "O13: an Ethernet receive has exactly one NET_BUFFER, NBL {nbl:p} has {buffers}"
                    ),
                );
            }
        }
    }
    walked
}

/// Hands a chain to the next module below position `at` that has a send handler, or to the miniport.
pub(super) fn down(
    adapter: &Adapter,
    at: usize,
    from: Layer,
    nbls: &[*mut NET_BUFFER_LIST],
    port: u32,
    flags: u32,
) {
    let modules = adapter.modules();
    let next = modules
        .iter()
        .take(at)
        .rev()
        .find_map(|module| module.handlers().SendNetBufferListsHandler.map(|handler| (module, handler)));
    let Some((module, handler)) = next else { return miniport_send(adapter, from, nbls, flags) };
    let _call = module.begin_call();
    owner::forward(nbls, from, Layer::Module(module.number), Direction::Send, false);
    let (context, first) = (module.context(), nbls[0]);
    verifier::callback("FilterSendNetBufferLists", || {
        // SAFETY: the driver registered this handler; the chain is linked and belongs to the module.
        unsafe { handler(context, first, port, flags) }
    });
}

fn miniport_send(adapter: &Adapter, from: Layer, nbls: &[*mut NET_BUFFER_LIST], flags: u32) {
    owner::forward(nbls, from, Layer::Miniport, Direction::Send, false);
    if crate::fault::refuses() {
        return fail(adapter, nbls, super::STATUS_SEND_ABORTED, flags);
    }
    if adapter.power.load(Ordering::SeqCst) != power::D0 {
        verifier::count("sends to a miniport that sleeps", nbls.len() as u64);
        return fail(adapter, nbls, NDIS_STATUS_LOW_POWER_STATE, flags);
    }
    if let Some(below) = adapter.below() {
        return mux::send(adapter, &below, nbls, flags);
    }
    for &nbl in nbls {
        let tags = owner::tags(nbl);
        for (index, (bytes, vlan, beside)) in read(nbl).into_iter().enumerate() {
            let tag = tags.get(index).copied();
            adapter.with_events(|events| events.wire.push(OnWire { tag, bytes, vlan, beside }));
        }
    }
    match adapter.behaviour().sends {
        Giving::AtOnce => complete(adapter, 0, nbls, flags & DISPATCH_LEVEL),
        Giving::OnRequest => adapter.kept().sends.extend(nbls.iter().map(|nbl| Ptr(*nbl))),
    }
}

/// The miniport completes sends without sending.
fn fail(adapter: &Adapter, nbls: &[*mut NET_BUFFER_LIST], status: NDIS_STATUS, flags: u32) {
    for &nbl in nbls {
        owner::open(nbl);
        // SAFETY: the miniport owns the NBL and access was just granted.
        unsafe { (*nbl).Status = status };
    }
    carry(adapter, 0, nbls, flags & DISPATCH_LEVEL);
}

/// The frames of an NBL that an edge owns, each with the tag and what else is said beside it.
fn read(nbl: *mut NET_BUFFER_LIST) -> Vec<(Vec<u8>, Option<u16>, Beside)> {
    owner::open(nbl);
    // SAFETY: the edge owns the NBL, access was just granted, and its offsets were checked when it was
    // handed over.
    let frames = unsafe {
        let vlan = tci_from_slot((*nbl).NetBufferListInfo[SLOT_8021Q]);
        let beside = raw::beside(nbl);
        raw::net_buffers(nbl).map(|nb| (raw::bytes(nb), vlan, beside.clone())).collect()
    };
    owner::close(nbl);
    frames
}

/// Hands completed sends to the next module at or above `at` that takes completions, or to the protocol.
fn complete(adapter: &Adapter, at: usize, nbls: &[*mut NET_BUFFER_LIST], flags: u32) {
    if at == 0 {
        for &nbl in nbls {
            owner::open(nbl);
            // SAFETY: the miniport owns the NBL and access was just granted. It keeps a status that
            // cancellation set.
            unsafe {
                if (*nbl).Status != super::STATUS_SEND_ABORTED {
                    (*nbl).Status = 0;
                    if let Some(done) = raw::large_send_done(nbl) {
                        (*nbl).NetBufferListInfo[raw::SLOT_LARGE] = done;
                    }
                }
            }
        }
    }
    carry(adapter, at, nbls, flags);
}

/// As [`complete`], with the statuses that the NBLs have.
pub(super) fn carry(adapter: &Adapter, at: usize, nbls: &[*mut NET_BUFFER_LIST], flags: u32) {
    let modules = adapter.modules();
    let next = modules.iter().skip(at).find_map(|module| {
        module.handlers().SendNetBufferListsCompleteHandler.map(|handler| (module, handler))
    });
    if let Some((module, handler)) = next {
        let _call = module.begin_call();
        owner::back(nbls, Layer::Module(module.number));
        link(nbls);
        let (context, first) = (module.context(), nbls[0]);
        verifier::callback("FilterSendNetBufferListsComplete", || {
            // SAFETY: as in `down`.
            unsafe { handler(context, first, flags) }
        });
        return;
    }
    let nbls = mux::sent(adapter, nbls, flags);
    let nbls = nbls.as_slice();
    check_home(nbls, Layer::Protocol, "completed");
    let statuses: Vec<(NDIS_STATUS, usize)> = nbls
        .iter()
        .map(|&nbl| {
            owner::open(nbl);
            // SAFETY: access was just granted.
            unsafe { ((*nbl).Status, (*nbl).NetBufferListInfo[raw::SLOT_LARGE].addr()) }
        })
        .collect();
    owner::back(nbls, Layer::Protocol);
    for (&nbl, (status, large)) in nbls.iter().zip(statuses) {
        let tags = owner::tags(nbl);
        if let Some(tag) = tags.first().filter(|_| large != 0) {
            adapter.with_events(|events| events.large.push((*tag, large)));
        }
        adapter.with_events(|events| events.completed.extend(tags.into_iter().map(|tag| (tag, status))));
        owner::remove(nbl, Layer::Protocol);
    }
    adapter.react(Edge::Completed);
}

/// O10: an NBL that a filter made must not reach an edge on its way back.
fn check_home(nbls: &[*mut NET_BUFFER_LIST], edge: Layer, verb: &str) {
    for &nbl in nbls {
        if let Some(origin) = owner::origin(nbl)
            && origin != edge
        {
            verifier::violation("N-48", &format!("O10: NBL {nbl:p} of {origin} was {verb} to {edge}"));
        }
    }
}

/// Hands a chain to the next module at or above `at` that has a receive handler, or to the protocol.
pub(super) fn up(
    adapter: &Adapter,
    at: usize,
    from: Layer,
    nbls: &[*mut NET_BUFFER_LIST],
    port: u32,
    flags: u32,
) {
    let resources = flags & RESOURCES != 0;
    let modules = adapter.modules();
    let next = modules
        .iter()
        .skip(at)
        .find_map(|module| module.handlers().ReceiveNetBufferListsHandler.map(|handler| (module, handler)));
    let Some((module, handler)) = next else {
        owner::forward(nbls, from, Layer::Protocol, Direction::Receive, resources);
        protocol_receive(adapter, nbls, flags);
        if resources {
            owner::back(nbls, from);
        }
        return;
    };
    let _call = module.begin_call();
    owner::forward(nbls, from, Layer::Module(module.number), Direction::Receive, resources);
    let (context, first, count) = (module.context(), nbls[0], nbls.len() as u32);
    verifier::callback("FilterReceiveNetBufferLists", || {
        // SAFETY: as in `down`.
        unsafe { handler(context, first, port, count, flags) }
    });
    if resources {
        if let Some((rule, text)) = owner::check_after_resources(nbls, module.number) {
            verifier::violation(rule, &text);
        }
        owner::back(nbls, from);
    }
}

fn protocol_receive(adapter: &Adapter, nbls: &[*mut NET_BUFFER_LIST], flags: u32) {
    if mux::receive(adapter, nbls, flags) {
        return;
    }
    for &nbl in nbls {
        let tags = owner::tags(nbl);
        for (index, (bytes, vlan, beside)) in read(nbl).into_iter().enumerate() {
            let tag = tags.get(index).copied();
            adapter
                .with_events(|events| events.delivered.push(Delivered { tag, bytes, vlan, beside, flags }));
        }
    }
    adapter.react(Edge::Received);
    if flags & RESOURCES != 0 {
        return;
    }
    match adapter.behaviour().receives {
        Giving::AtOnce => give_back(adapter, usize::MAX, nbls, flags & DISPATCH_LEVEL),
        Giving::OnRequest => adapter.kept().receives.extend(nbls.iter().map(|nbl| Ptr(*nbl))),
    }
}

/// Hands returned receives to the next module below position `at` that takes returns, or to the miniport.
pub(super) fn give_back(adapter: &Adapter, at: usize, nbls: &[*mut NET_BUFFER_LIST], flags: u32) {
    let modules = adapter.modules();
    let next =
        modules.iter().take(at).rev().find_map(|module| {
            module.handlers().ReturnNetBufferListsHandler.map(|handler| (module, handler))
        });
    if let Some((module, handler)) = next {
        let _call = module.begin_call();
        owner::back(nbls, Layer::Module(module.number));
        link(nbls);
        let (context, first) = (module.context(), nbls[0]);
        verifier::callback("FilterReturnNetBufferLists", || {
            // SAFETY: as in `down`.
            unsafe { handler(context, first, flags) }
        });
        return;
    }
    let nbls = mux::returned(adapter, nbls, flags);
    let nbls = nbls.as_slice();
    check_home(nbls, Layer::Miniport, "returned");
    owner::back(nbls, Layer::Miniport);
    for &nbl in nbls {
        let tags = owner::tags(nbl);
        adapter.with_events(|events| events.returned.extend(tags));
        owner::remove(nbl, Layer::Miniport);
    }
}

/// Tells the modules below position `at` and the miniport to cancel the sends with this id.
fn cancel(adapter: &Adapter, at: usize, id: PVOID) {
    let modules = adapter.modules();
    let next = modules.iter().take(at).rev().find_map(|module| {
        module.handlers().CancelSendNetBufferListsHandler.map(|handler| (module, handler))
    });
    if let Some((module, handler)) = next {
        let context = module.context();
        verifier::callback("FilterCancelSendNetBufferLists", || {
            // SAFETY: as in `down`.
            unsafe { handler(context, id) }
        });
        return;
    }
    let kept = std::mem::take(&mut adapter.kept().sends);
    let (hit, rest): (Vec<_>, Vec<_>) = kept.into_iter().partition(|nbl| {
        owner::open(nbl.0);
        // SAFETY: the miniport owns the NBL and access was just granted. Slot 5 holds the cancel id.
        unsafe {
            let matches = (*nbl.0).NetBufferListInfo[5] == id;
            if matches {
                (*nbl.0).Status = super::STATUS_SEND_ABORTED;
            }
            matches
        }
    });
    adapter.kept().sends.extend(rest);
    if !hit.is_empty() {
        let nbls: Vec<_> = hit.into_iter().map(|nbl| nbl.0).collect();
        complete(adapter, 0, &nbls, 0);
    }
}
