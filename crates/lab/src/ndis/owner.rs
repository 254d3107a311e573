//! Who owns each NET_BUFFER_LIST, and the rules O1 to O20 that every hand-over is checked against.

use std::collections::{HashMap, VecDeque};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use ddk::ndis::NET_BUFFER_LIST;

use super::parcel::Parcel;
use super::raw::{self, Snapshot};
use crate::{cpu, verifier};

/// A layer of an adapter's stack. Modules are named by their number, which is never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layer {
    /// The protocol edge on top.
    Protocol,
    /// A filter module.
    Module(u64),
    /// The miniport at the bottom.
    Miniport,
    /// The multiplexing driver below this virtual adapter, between two stacks.
    Mux(u64),
    /// A driver, for an NBL of its own pool that is not on its way.
    Driver,
    /// WFP: the NBL is shown to callouts and comes back when classify returns.
    Stack,
    /// Nobody: the NBL was freed.
    Freed,
}

/// Which way an NBL travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Down, to be sent.
    Send,
    /// Up, received.
    Receive,
}

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Protocol => f.write_str("the protocol"),
            Self::Module(number) => write!(f, "filter module {number}"),
            Self::Miniport => f.write_str("the miniport"),
            Self::Mux(number) => write!(f, "the multiplexing driver below adapter {number}"),
            Self::Driver => f.write_str("the driver that allocated it"),
            Self::Stack => f.write_str("TCP/IP"),
            Self::Freed => f.write_str("nobody: it was freed"),
        }
    }
}

/// A hand-over that has not been undone yet.
#[derive(Debug)]
struct Hop {
    from: Layer,
    state: Snapshot,
    /// Whether `from` itself had the NBL under RESOURCES.
    resources: bool,
}

#[derive(Debug)]
struct Record {
    parcel: Parcel,
    /// Who made it: an edge, or the module that sent or indicated it first.
    origin: Layer,
    owner: Layer,
    adapter: u64,
    /// Adapters on whose stacks it waits, while a multiplexing driver has it on that of another.
    crossed: Vec<u64>,
    direction: Option<Direction>,
    /// The owner must give it back before its handler returns (O4).
    resources: bool,
    trail: Vec<Hop>,
    tags: Vec<u64>,
    /// Address of the driver's call by which it changed hands last.
    handed_at: usize,
    walk: u64,
    pool: usize,
}

#[derive(Debug, Default)]
struct Table {
    records: HashMap<usize, Record>,
    /// Freed records stay for a while, so that a late use is recognised instead of meeting a new NBL.
    graveyard: VecDeque<usize>,
    walks: u64,
}

const GRAVES: usize = 4096;

static TABLE: LazyLock<Mutex<Table>> = LazyLock::new(|| {
    verifier::on_leak_check(leaks);
    Mutex::new(Table::default())
});

fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn caller() -> usize {
    cpu::current_call().map_or(0, |call| call.caller)
}

impl Record {
    fn story(&self) -> String {
        match self.handed_at {
            0 => String::new(),
            at => format!(", handed over last by {}", verifier::locate(at)),
        }
    }
}

/// Which side of the simulation made an NBL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Birth {
    pub(crate) origin: Layer,
    pub(crate) adapter: u64,
    pub(crate) pool: usize,
}

/// Enters a new NBL; its maker owns it.
pub(crate) fn insert(nbl: *mut NET_BUFFER_LIST, parcel: Parcel, birth: Birth, tags: Vec<u64>) {
    let record = Record {
        parcel,
        origin: birth.origin,
        owner: birth.origin,
        adapter: birth.adapter,
        crossed: Vec::new(),
        direction: None,
        resources: false,
        trail: Vec::new(),
        tags,
        handed_at: caller(),
        walk: 0,
        pool: birth.pool,
    };
    table().records.insert(nbl as usize, record);
}

/// Frees an NBL that its owner gives back to its pool; `by` must be its owner.
pub(crate) fn remove(nbl: *mut NET_BUFFER_LIST, by: Layer) -> usize {
    let mut guard = table();
    let table = &mut *guard;
    let Some(record) = table.records.get_mut(&(nbl as usize)) else {
        drop(guard);
        verifier::violation("N-45", &format!("O17: {nbl:p} is no NET_BUFFER_LIST of an NDIS pool"));
    };
    if record.owner != by {
        let text = format!("NBL {nbl:p} is freed, but its owner is {}{}", record.owner, record.story());
        let rule = if record.owner == Layer::Freed { "N-49" } else { "N-45" };
        drop(guard);
        verifier::violation(rule, &text);
    }
    record.parcel.set_accessible(true);
    if record.parcel.broken_canary().is_some() {
        drop(guard);
        verifier::violation("N-45", &format!("NBL {nbl:p}: bytes behind an MDL were overwritten"));
    }
    record.owner = Layer::Freed;
    record.trail.clear();
    record.handed_at = caller();
    record.parcel.set_accessible(false);
    let pool = record.pool;
    table.graveyard.push_back(nbl as usize);
    if table.graveyard.len() > GRAVES
        && let Some(oldest) = table.graveyard.pop_front()
    {
        table.records.remove(&oldest);
    }
    pool
}

/// What a driver does with a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// NdisFSendNetBufferLists.
    Send,
    /// NdisFSendNetBufferListsComplete.
    Complete,
    /// NdisFIndicateReceiveNetBufferLists; whether with RESOURCES.
    Indicate { resources: bool },
    /// NdisFReturnNetBufferLists.
    Return,
}

impl Move {
    fn direction(self) -> Direction {
        match self {
            Self::Send | Self::Complete => Direction::Send,
            Self::Indicate { .. } | Self::Return => Direction::Receive,
        }
    }

    /// Whether the NBL goes on, away from where it came from.
    fn is_forward(self) -> bool {
        matches!(self, Self::Send | Self::Indicate { .. })
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Send => "sent",
            Self::Complete => "completed",
            Self::Indicate { .. } => "indicated",
            Self::Return => "returned",
        }
    }
}

/// A chain that a module hands over, taken apart and checked.
#[derive(Debug)]
pub(crate) struct Walked {
    /// The NBLs in chain order.
    pub(crate) nbls: Vec<*mut NET_BUFFER_LIST>,
    /// Whether any was made by the module itself.
    pub(crate) originated: bool,
    /// Whether any came from another layer.
    pub(crate) foreign: bool,
}

/// Walks the chain that `module` (with handle `handle`) hands over and checks each NBL before looking into
/// it.
pub(crate) fn walk(
    first: *mut NET_BUFFER_LIST,
    module: u64,
    handle: usize,
    adapter: u64,
    step: Move,
) -> Walked {
    let mut walked = Walked { nbls: Vec::new(), originated: false, foreign: false };
    let me = Layer::Module(module);
    let mut guard = table();
    guard.walks += 1;
    let number = guard.walks;
    let mut nbl = first;
    while !nbl.is_null() {
        let problem = match guard.records.get_mut(&(nbl as usize)) {
            None => {
                Some(("N-45", format!("O17: {nbl:p} in the chain is no NET_BUFFER_LIST of an NDIS pool")))
            }
            Some(record) if record.walk == number => {
                Some(("N-49", format!("the chain {} by {me} contains NBL {nbl:p} twice", step.verb())))
            }
            Some(record) => {
                record.walk = number;
                // An NBL of the driver's own pool becomes this module's when it sets out.
                if record.owner == Layer::Driver && step.is_forward() {
                    record.origin = me;
                    record.owner = me;
                    record.adapter = adapter;
                    record.direction = None;
                }
                check_step(nbl, record, me, handle, adapter, step)
            }
        };
        if let Some((rule, text)) = problem {
            drop(guard);
            verifier::violation(rule, &text);
        }
        let origin = guard.records[&(nbl as usize)].origin;
        walked.originated |= origin == me;
        walked.foreign |= origin != me;
        walked.nbls.push(nbl);
        // SAFETY: the module owns the NBL, so it is accessible.
        nbl = unsafe { (*nbl).Next };
    }
    walked
}

fn check_step(
    nbl: *mut NET_BUFFER_LIST,
    record: &mut Record,
    me: Layer,
    handle: usize,
    adapter: u64,
    step: Move,
) -> Option<(&'static str, String)> {
    let verb = step.verb();
    if record.owner != me {
        // O10: what a module originated stays with it when it comes back; it never completes or returns it.
        if record.origin == me || record.owner == Layer::Driver {
            return Some(("N-48", format!("O10: {me} {verb} NBL {nbl:p}, which it originated itself")));
        }
        let rule = if step.is_forward() { "N-45" } else { "N-49" };
        let told = if step.is_forward() { "O1/O2" } else { "O5/O6" };
        return Some((
            rule,
            format!("{told}: {me} {verb} NBL {nbl:p}, but its owner is {}{}", record.owner, record.story()),
        ));
    }
    if record.adapter != adapter {
        return Some(("N-49", format!("{me} {verb} NBL {nbl:p}, which belongs to another adapter's stack")));
    }
    // SAFETY: the module owns the NBL, so it is accessible.
    let list = unsafe { &*nbl };
    if record.origin == me {
        if !step.is_forward() {
            return Some(("N-48", format!("O10: {me} {verb} NBL {nbl:p}, which it originated itself")));
        }
        if list.SourceHandle as usize != handle {
            return Some((
                "N-48",
                format!(
                    "O9: SourceHandle of the originated NBL {nbl:p} is {:p}, not the module's handle",
                    list.SourceHandle
                ),
            ));
        }
    } else if record.direction.is_some_and(|direction| direction != step.direction()) {
        return Some((
            "N-49",
            format!(
                "{me} {verb} NBL {nbl:p}, which it got as a {}",
                match record.direction {
                    Some(Direction::Send) => "send from above",
                    _ => "receive from below",
                }
            ),
        ));
    }
    match step {
        Move::Return if record.resources => {
            return Some((
                "N-46",
                format!("O4: {me} returned NBL {nbl:p}, which came with NDIS_RECEIVE_FLAGS_RESOURCES"),
            ));
        }
        Move::Indicate { resources: false } if record.resources => {
            return Some((
                "N-52",
                format!(
                    "O4/FL3: {me} indicated NBL {nbl:p} without NDIS_RECEIVE_FLAGS_RESOURCES, with which it came"
                ),
            ));
        }
        _ => {}
    }
    if list.ChildRefCount != 0 {
        return Some((
            "N-53",
            format!("O12: {me} {verb} NBL {nbl:p}, which has {} children", list.ChildRefCount),
        ));
    }
    if !step.is_forward() {
        return check_restored(nbl, record, me)
            .map(|text| ("N-47", format!("O7/O8: {me} {verb} it modified: {text}")));
    }
    // SAFETY: as above.
    let broken = unsafe { raw::net_buffers(nbl) }
        .enumerate()
        // SAFETY: as above.
        .find_map(|(index, nb)| unsafe { raw::check_offsets(nb) }.err().map(|text| (index, text)));
    broken.map(|(index, text)| ("N-54", format!("{me} {verb} NBL {nbl:p}; NET_BUFFER {index}: {text}")))
}

/// Compares with the state in which the NBL came to `holder`.
fn check_restored(nbl: *mut NET_BUFFER_LIST, record: &Record, holder: Layer) -> Option<String> {
    let hop = record.trail.last()?;
    // SAFETY: the holder owns the NBL, so it is accessible.
    let now = unsafe { Snapshot::of(nbl) };
    let difference = match record.direction {
        Some(Direction::Send) => hop.state.difference_when_sent(&now),
        _ => hop.state.difference(&now),
    };
    difference.map(|text| format!("NBL {nbl:p}, given by {} to {holder}: {text}", hop.from))
}

/// Moves the NBLs from `from` on to `to` and notes the state in which they must come back.
pub(crate) fn forward(
    nbls: &[*mut NET_BUFFER_LIST],
    from: Layer,
    to: Layer,
    direction: Direction,
    resources: bool,
) {
    let mut guard = table();
    let at = caller();
    for &nbl in nbls {
        let Some(record) = guard.records.get_mut(&(nbl as usize)) else { continue };
        record.parcel.set_accessible(true);
        // SAFETY: accessible since the line above, and still owned by `from`.
        let state = unsafe { Snapshot::of(nbl) };
        record.trail.push(Hop { from, state, resources: record.resources });
        record.owner = to;
        record.direction = Some(direction);
        record.resources = resources;
        record.handed_at = at;
        record.parcel.set_accessible(is_driver(to));
    }
}

/// Moves the NBLs back to `to`, after checking that they are as `to` gave them away.
pub(crate) fn back(nbls: &[*mut NET_BUFFER_LIST], to: Layer) {
    let mut guard = table();
    let at = caller();
    let mut problem = None;
    for &nbl in nbls {
        let Some(record) = guard.records.get_mut(&(nbl as usize)) else { continue };
        record.parcel.set_accessible(true);
        // Modules without a completion handler are skipped on the way back, and their hops with them.
        if let Some(position) = record.trail.iter().position(|hop| hop.from == to) {
            // SAFETY: accessible since the line above.
            let now = unsafe { Snapshot::of(nbl) };
            problem = problem.or_else(|| {
                let state = &record.trail[position].state;
                let difference = match record.direction {
                    Some(Direction::Send) => state.difference_when_sent(&now),
                    _ => state.difference(&now),
                };
                difference.map(|text| format!("O7/O8: NBL {nbl:p} comes back to {to} modified: {text}"))
            });
            record.resources = record.trail[position].resources;
            record.trail.truncate(position);
        }
        record.owner = if record.origin == to && matches!(to, Layer::Module(_)) { Layer::Driver } else { to };
        record.handed_at = at;
        record.parcel.set_accessible(is_driver(to));
    }
    drop(guard);
    if let Some(text) = problem {
        verifier::violation("N-47", &text);
    }
}

/// A multiplexing driver takes NBLs from the stack of adapter `from` to that of adapter `to`.
pub(crate) fn cross(nbls: &[*mut NET_BUFFER_LIST], mux: Layer, from: u64, to: u64) {
    let mut guard = table();
    for &nbl in nbls {
        let Some(record) = guard.records.get_mut(&(nbl as usize)) else { continue };
        record.crossed.push(from);
        record.adapter = to;
        record.owner = mux;
    }
}

/// The NBLs are back at `edge` of the stack that they crossed to: they are on the one that they came from again.
pub(crate) fn uncross(nbls: &[*mut NET_BUFFER_LIST], edge: Layer) {
    let mut guard = table();
    for &nbl in nbls {
        let Some(record) = guard.records.get_mut(&(nbl as usize)) else { continue };
        if let Some(from) = record.crossed.pop() {
            record.adapter = from;
            record.owner = if edge == Layer::Protocol { Layer::Miniport } else { Layer::Protocol };
        }
    }
}

/// Whether a multiplexing driver took the NBL to the stack where it is.
pub(crate) fn has_crossed(nbl: *mut NET_BUFFER_LIST) -> bool {
    table().records.get(&(nbl as usize)).is_some_and(|record| !record.crossed.is_empty())
}

/// On whose stack an NBL is.
pub(crate) fn adapter(nbl: *mut NET_BUFFER_LIST) -> Option<u64> {
    table().records.get(&(nbl as usize)).map(|record| record.adapter)
}

fn is_driver(layer: Layer) -> bool {
    matches!(layer, Layer::Module(_) | Layer::Driver)
}

/// Checks what must hold when a receive handler returns from a call with RESOURCES: the module owns every
/// NBL again, and each is as it came (O4). Returns a broken rule.
pub(crate) fn check_after_resources(
    nbls: &[*mut NET_BUFFER_LIST],
    module: u64,
) -> Option<(&'static str, String)> {
    let guard = table();
    let me = Layer::Module(module);
    for (index, &nbl) in nbls.iter().enumerate() {
        let Some(record) = guard.records.get(&(nbl as usize)) else { continue };
        if record.owner != me {
            return Some((
                "N-46",
                format!(
                    "O4: NBL {nbl:p} came with RESOURCES, but after the handler its owner is {}",
                    record.owner
                ),
            ));
        }
        let expected = nbls.get(index + 1).copied().unwrap_or_default();
        // SAFETY: the module owns the NBL, so it is accessible.
        let next = unsafe { (*nbl).Next };
        if next != expected {
            return Some((
                "N-46",
                format!(
                    "O4: NBL {nbl:p} was linked to {expected:p} and is linked to {next:p} after the handler"
                ),
            ));
        }
        if let Some(text) = check_restored(nbl, record, me) {
            return Some(("N-47", format!("O4/O8: {text}")));
        }
    }
    None
}

/// Lets an edge look into NBLs that it owns, whatever access drivers have.
pub(crate) fn open(nbl: *mut NET_BUFFER_LIST) {
    if let Some(record) = table().records.get_mut(&(nbl as usize)) {
        record.parcel.set_accessible(true);
    }
}

/// Takes away the access that [`open`] gave, unless a driver owns the NBL.
pub(crate) fn close(nbl: *mut NET_BUFFER_LIST) {
    if let Some(record) = table().records.get_mut(&(nbl as usize)) {
        let driver = is_driver(record.owner);
        record.parcel.set_accessible(driver);
    }
}

/// Who made an NBL.
pub(crate) fn origin(nbl: *mut NET_BUFFER_LIST) -> Option<Layer> {
    table().records.get(&(nbl as usize)).map(|record| record.origin)
}

/// Who owns an NBL.
pub(crate) fn owner(nbl: *mut NET_BUFFER_LIST) -> Option<Layer> {
    table().records.get(&(nbl as usize)).map(|record| record.owner)
}

/// The caller's numbers of the frames in an NBL; empty for one that a driver made.
pub(crate) fn tags(nbl: *mut NET_BUFFER_LIST) -> Vec<u64> {
    table().records.get(&(nbl as usize)).map(|record| record.tags.clone()).unwrap_or_default()
}

/// NBLs that `layer` holds on `adapter`: address and, in words, how it came to them.
pub(crate) fn held_by(layer: Layer, adapter: u64) -> Vec<String> {
    let guard = table();
    let held = guard.records.iter().filter(|(_, record)| record.owner == layer && record.adapter == adapter);
    held.map(|(nbl, record)| format!("NBL {nbl:#x}{}", record.story())).collect()
}

/// NBLs that `module` originated and that others still own.
pub(crate) fn outstanding_of(module: u64) -> usize {
    let me = Layer::Module(module);
    let guard = table();
    guard
        .records
        .values()
        .filter(|r| r.origin == me && !matches!(r.owner, Layer::Driver | Layer::Freed))
        .count()
}

/// NBLs that `edge` of `adapter` made and that are not back.
pub(crate) fn originated_by(edge: Layer, adapter: u64) -> usize {
    let guard = table();
    let count = |record: &&Record| {
        record.origin == edge
            && (record.adapter == adapter || record.crossed.contains(&adapter))
            && record.owner != Layer::Freed
    };
    guard.records.values().filter(count).count()
}

/// NBLs of a driver's pool that were not freed.
pub(crate) fn live_in_pool(pool: usize) -> usize {
    table().records.values().filter(|record| record.pool == pool && record.owner != Layer::Freed).count()
}

/// What lies at `address`, in words, if it is part of an NBL; for reports of faults.
pub fn describe(address: usize) -> Option<String> {
    let guard = TABLE.try_lock().ok()?;
    let (nbl, record) = guard.records.iter().find(|(_, record)| record.parcel.contains(address))?;
    Some(format!(
        "part of NBL {nbl:#x}, whose owner is {}{} (rule N-45, O1/O2)",
        record.owner,
        record.story()
    ))
}

/// The NBLs whose addresses `text` names after the word NBL: who made, owns and gave each. For reports.
pub(crate) fn named_in(text: &str) -> Vec<String> {
    // A thread that stops inside this module must not wait for itself.
    let Ok(guard) = TABLE.try_lock() else { return Vec::new() };
    let mut named: Vec<usize> = Vec::new();
    for word in text.split("NBL 0x").skip(1) {
        let digits = word.find(|c: char| !c.is_ascii_hexdigit()).map_or(word, |end| &word[..end]);
        let nbl = usize::from_str_radix(digits, 16).unwrap_or(0);
        if !named.contains(&nbl) {
            named.push(nbl);
        }
    }
    let told = named.into_iter().filter_map(|nbl| Some((nbl, guard.records.get(&nbl)?)));
    told.map(|(nbl, record)| {
        let way = match record.direction {
            Some(Direction::Send) => ", as a send",
            Some(Direction::Receive) => ", as a receive",
            None => "",
        };
        let loan = if record.resources { " with RESOURCES" } else { "" };
        let path: Vec<String> =
            record.trail.iter().map(|hop| format!(", given on by {}", hop.from)).collect();
        let (origin, owner, story) = (record.origin, record.owner, record.story());
        format!("NBL {nbl:#x}: made by {origin}{way}{}, now with {owner}{loan}{story}", path.concat())
    })
    .collect()
}

fn leaks(leaks: &mut Vec<verifier::Leak>) {
    let guard = table();
    for (nbl, record) in &guard.records {
        // What a driver's pool made, or what a module still holds.
        let counted = crate::fwp::packet::is_made(*nbl);
        if matches!(record.owner, Layer::Driver | Layer::Module(_)) && !counted {
            leaks.push(verifier::Leak {
                rule: "N-31".into(),
                what: format!("NBL {nbl:#x}, owned by {}", record.owner),
                creator: verifier::locate(record.handed_at),
            });
        }
    }
}
