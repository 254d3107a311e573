//! A lane: the data path of one adapter without bookkeeping, for measurements.
//!
//! Four table entries for each filter module name whom its four calls reach. Both edges answer at once from
//! inside the call, and frames lie in a dense slab that is used again and again, so that what is left to measure
//! is the drivers and one call for each step between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use ddk::ndis::{NDIS_HANDLE, NET_BUFFER, NET_BUFFER_LIST};
use ddk::nt::MDL;

use super::adapter::Adapter;
use super::build;
use super::data::DISPATCH_LEVEL;
use crate::{cpu, handle, verifier};

type Send = unsafe extern "win64" fn(NDIS_HANDLE, *mut NET_BUFFER_LIST, u32, u32);
type Receive = unsafe extern "win64" fn(NDIS_HANDLE, *mut NET_BUFFER_LIST, u32, u32, u32);
type Back = unsafe extern "win64" fn(NDIS_HANDLE, *mut NET_BUFFER_LIST, u32);

/// A handler and the context that it gets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct To<F> {
    handler: F,
    context: NDIS_HANDLE,
}

impl To<Send> {
    #[inline]
    pub(crate) unsafe fn send(self, list: *mut NET_BUFFER_LIST, port: u32, flags: u32) {
        // SAFETY: a driver registered the handler with its context, or it is an edge's; the caller owns the list.
        unsafe { (self.handler)(self.context, list, port, flags) }
    }
}

impl To<Receive> {
    #[inline]
    pub(crate) unsafe fn receive(self, list: *mut NET_BUFFER_LIST, port: u32, count: u32, flags: u32) {
        // SAFETY: as for `send`.
        unsafe { (self.handler)(self.context, list, port, count, flags) }
    }
}

impl To<Back> {
    #[inline]
    pub(crate) unsafe fn give_back(self, list: *mut NET_BUFFER_LIST, flags: u32) {
        // SAFETY: as for `send`.
        unsafe { (self.handler)(self.context, list, flags) }
    }
}

/// Whom the calls of one filter module reach.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) send: To<Send>,
    pub(crate) complete: To<Back>,
    pub(crate) indicate: To<Receive>,
    pub(crate) give_back: To<Back>,
}

/// Handles up to this number can belong to a module on a lane.
const LINKS: usize = 4096;
static TABLE: [AtomicPtr<Link>; LINKS] = [const { AtomicPtr::new(std::ptr::null_mut()) }; LINKS];
/// Value of handle number 0; no handle has it before there is a lane, so that nothing is looked up.
static BASE: AtomicUsize = AtomicUsize::new(usize::MAX);

/// The lane's entry of the module with this handle; none in a machine without a lane.
#[inline]
pub(crate) fn link(handle: NDIS_HANDLE) -> Option<&'static Link> {
    let number = (handle as usize).wrapping_sub(BASE.load(Ordering::Relaxed)) / handle::STEP;
    // SAFETY: an entry is leaked, so it stays valid.
    unsafe { TABLE.get(number)?.load(Ordering::Relaxed).as_ref() }
}

/// What the edges count, and how they reach the drivers.
#[derive(Debug)]
struct Edges {
    send: To<Send>,
    complete: To<Back>,
    indicate: To<Receive>,
    give_back: To<Back>,
    /// The chain that is under way.
    first: *mut NET_BUFFER_LIST,
    length: usize,
    /// NBLs that came back, over all.
    home: u64,
    /// NBLs that reached the far edge.
    far: u64,
    /// A chain came back in another form than it left.
    changed: bool,
}

impl Edges {
    /// Counts a chain. One that is as it left is recognised without following it from NBL to NBL.
    ///
    /// # Safety
    /// The chain is the edge's, and its NBLs are of the slab.
    #[inline]
    unsafe fn count(&mut self, first: *mut NET_BUFFER_LIST) -> u64 {
        // SAFETY: the slab has `length` NBLs from `self.first` on, and the caller's chain consists of such.
        unsafe {
            let whole = first == self.first
                && (1..self.length).all(|i| (*first.add(i - 1)).Next == first.add(i))
                && (*first.add(self.length - 1)).Next.is_null();
            if whole {
                return self.length as u64;
            }
            self.changed = true;
            let (mut count, mut list) = (0, first);
            while !list.is_null() {
                count += 1;
                list = (*list).Next;
            }
            count
        }
    }
}

// SAFETY of the edges: their context is the lane's `Edges`, which lives as long as the lane, and only the thread
// that drives the lane calls in. No reference to it is held while a driver runs.

unsafe extern "win64" fn wire(edges: NDIS_HANDLE, list: *mut NET_BUFFER_LIST, _port: u32, flags: u32) {
    let edges: *mut Edges = edges.cast();
    // SAFETY: see above.
    unsafe {
        (*edges).far += 1;
        (*edges).complete.give_back(list, flags & DISPATCH_LEVEL);
    }
}

unsafe extern "win64" fn protocol(
    edges: NDIS_HANDLE,
    list: *mut NET_BUFFER_LIST,
    _port: u32,
    _count: u32,
    flags: u32,
) {
    let edges: *mut Edges = edges.cast();
    // SAFETY: see above.
    unsafe {
        (*edges).far += 1;
        (*edges).give_back.give_back(list, flags & DISPATCH_LEVEL);
    }
}

unsafe extern "win64" fn home(edges: NDIS_HANDLE, list: *mut NET_BUFFER_LIST, _flags: u32) {
    let edges: *mut Edges = edges.cast();
    // SAFETY: see above.
    unsafe {
        let count = (*edges).count(list);
        (*edges).home += count;
    }
}

/// Which way packets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Down: sent by the protocol, completed by the miniport.
    Send,
    /// Up: indicated by the miniport, returned by the protocol.
    Receive,
}

/// Dense memory, on huge pages where the system gives them.
#[derive(Debug)]
struct Slab {
    base: *mut u8,
    size: usize,
    used: usize,
}

const HUGE: usize = 2 << 20;

impl Slab {
    fn new(size: usize) -> Self {
        let size = size.next_multiple_of(HUGE);
        let map = |flags| {
            // SAFETY: a fresh private mapping.
            unsafe {
                libc::mmap(
                    std::ptr::null_mut(),
                    size,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | flags,
                    -1,
                    0,
                )
            }
        };
        let mut base = map(libc::MAP_HUGETLB);
        if base == libc::MAP_FAILED {
            // None are reserved: transparent ones, if the system makes them.
            base = map(0);
            assert_ne!(base, libc::MAP_FAILED, "no memory for a slab");
            // SAFETY: advice about the mapping just made.
            unsafe { libc::madvise(base, size, libc::MADV_HUGEPAGE) };
        }
        Self { base: base.cast(), size, used: 0 }
    }

    /// `count` zeroed elements, one after the other.
    fn array<T>(&mut self, count: usize) -> *mut T {
        let start = self.used.next_multiple_of(align_of::<T>().max(64));
        self.used = start + count * size_of::<T>();
        assert!(self.used <= self.size, "slab was laid out too small");
        // SAFETY: inside the mapping by the assertion.
        unsafe { self.base.add(start).cast() }
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        // SAFETY: mapped in `new`; nobody keeps a pointer into a slab that is gone.
        unsafe { libc::munmap(self.base.cast(), self.size) };
    }
}

/// An MDL with room for the frame numbers of two pages.
#[repr(C, align(16))]
struct MdlRoom(MDL, [u64; 2]);

/// The data path of one adapter, with a slab of packets.
#[derive(Debug)]
pub struct Lane {
    edges: Box<Edges>,
    lists: *mut NET_BUFFER_LIST,
    count: usize,
    _slab: Slab,
}

impl Lane {
    /// A lane over the modules that are attached to `adapter` now, which must stay. The slab has `count` packets
    /// that take their bytes from `frames` in turn.
    ///
    /// # Panics
    /// In a machine that checks rules, or if there is no frame.
    pub fn new(adapter: &Arc<Adapter>, frames: &[Vec<u8>], count: usize) -> Self {
        assert!(!verifier::enabled(), "a lane needs a machine with `verify: false`");
        assert!(!frames.is_empty() && count > 0, "a lane needs packets");
        let mut edges = Box::new(Edges {
            send: To { handler: wire, context: std::ptr::null_mut() },
            complete: To { handler: home, context: std::ptr::null_mut() },
            indicate: To { handler: protocol, context: std::ptr::null_mut() },
            give_back: To { handler: home, context: std::ptr::null_mut() },
            first: std::ptr::null_mut(),
            length: 0,
            home: 0,
            far: 0,
            changed: false,
        });
        let edge: NDIS_HANDLE = (&raw mut *edges).cast();
        connect(adapter, edge, &mut edges);
        let frame_size = frames.iter().map(Vec::len).max().unwrap_or(0).next_multiple_of(64);
        let each = size_of::<NET_BUFFER_LIST>() + size_of::<NET_BUFFER>() + size_of::<MdlRoom>() + frame_size;
        let mut slab = Slab::new(count * each + 4 * 4096);
        let lists = slab.array::<NET_BUFFER_LIST>(count);
        let buffers = slab.array::<NET_BUFFER>(count);
        let mdls = slab.array::<MdlRoom>(count);
        let data = slab.array::<u8>(count * frame_size);
        for (i, frame) in (0..count).zip(frames.iter().cycle()) {
            // SAFETY: the arrays have `count` elements, zeroed, and each frame fits in its place.
            unsafe {
                let (list, buffer, bytes) = (lists.add(i), buffers.add(i), data.add(i * frame_size));
                let mdl: *mut MDL = mdls.add(i).cast();
                bytes.copy_from_nonoverlapping(frame.as_ptr(), frame.len());
                build::init_mdl(mdl, bytes, frame.len());
                (*buffer).MdlChain = mdl;
                (*buffer).CurrentMdl = mdl;
                (*buffer).DataLength = frame.len() as u32;
                (*list).FirstNetBuffer = buffer;
            }
        }
        Self { edges, lists, count, _slab: slab }
    }

    /// Sends every packet of the slab once in the direction of `way`, in chains of `batch`, at DISPATCH_LEVEL as
    /// network stacks do. Returns how many packets that were.
    ///
    /// # Panics
    /// If a driver keeps a packet beyond its call.
    pub fn run(&mut self, way: Way, batch: usize) -> u64 {
        let batch = batch.clamp(1, self.count);
        let chains = self.count / batch;
        let before = self.edges.home;
        cpu::at_irql(cpu::DISPATCH, || {
            let edges: *mut Edges = &raw mut *self.edges;
            // SAFETY: the slab has `count` NBLs, of which the edges own all between calls; the edges' own handlers
            // are entered through drivers only, with no reference to `Edges` alive here.
            unsafe {
                if (*edges).length != batch {
                    (*edges).length = batch;
                    (0..chains).for_each(|chain| link_up(self.lists.add(chain * batch), batch));
                }
                for chain in 0..chains {
                    let first = self.lists.add(chain * batch);
                    (*edges).first = first;
                    match way {
                        Way::Send => (*edges).send.send(first, 0, DISPATCH_LEVEL),
                        Way::Receive => (*edges).indicate.receive(first, 0, batch as u32, DISPATCH_LEVEL),
                    }
                    if (*edges).changed {
                        (*edges).changed = false;
                        link_up(first, batch);
                    }
                }
            }
        });
        let sent = (chains * batch) as u64;
        assert_eq!(self.edges.home - before, sent, "a driver kept packets beyond its call");
        sent
    }

    /// Chains that reached the edge on the other side so far.
    pub fn passed(&self) -> u64 {
        self.edges.far
    }
}

/// Makes a chain of `length` NBLs that lie one after the other.
///
/// # Safety
/// They are the caller's.
unsafe fn link_up(first: *mut NET_BUFFER_LIST, length: usize) {
    for i in 0..length {
        // SAFETY: inside the array by the caller's promise.
        unsafe {
            (*first.add(i)).Next = if i + 1 < length { first.add(i + 1) } else { std::ptr::null_mut() };
        }
    }
}

/// Fills the table for the modules of `adapter`, and tells the edges whom they reach.
fn connect(adapter: &Arc<Adapter>, edge: NDIS_HANDLE, edges: &mut Edges) {
    let modules = adapter.modules();
    let send: Vec<Option<To<Send>>> = modules
        .iter()
        .map(|m| m.handlers().SendNetBufferListsHandler.map(|handler| To { handler, context: m.context() }))
        .collect();
    let complete: Vec<Option<To<Back>>> = modules
        .iter()
        .map(|m| {
            m.handlers().SendNetBufferListsCompleteHandler.map(|handler| To { handler, context: m.context() })
        })
        .collect();
    let indicate: Vec<Option<To<Receive>>> = modules
        .iter()
        .map(|m| {
            m.handlers().ReceiveNetBufferListsHandler.map(|handler| To { handler, context: m.context() })
        })
        .collect();
    let give_back: Vec<Option<To<Back>>> = modules
        .iter()
        .map(|m| m.handlers().ReturnNetBufferListsHandler.map(|handler| To { handler, context: m.context() }))
        .collect();
    let bottom = (To { handler: wire as Send, context: edge }, To { handler: home as Back, context: edge });
    let top =
        (To { handler: protocol as Receive, context: edge }, To { handler: home as Back, context: edge });
    // Modules stand from the bottom to the top: `at` modules are below.
    let below_send = |at: usize| send[..at].iter().rev().find_map(|to| *to).unwrap_or(bottom.0);
    let below_back = |at: usize| give_back[..at].iter().rev().find_map(|to| *to).unwrap_or(bottom.1);
    let above_receive = |at: usize| indicate[at..].iter().find_map(|to| *to).unwrap_or(top.0);
    let above_back = |at: usize| complete[at..].iter().find_map(|to| *to).unwrap_or(top.1);
    for (at, module) in modules.iter().enumerate() {
        let (base, number) = handle::number(module.handle() as *const _).expect("a module has a handle");
        BASE.store(base, Ordering::Relaxed);
        let link = Box::leak(Box::new(Link {
            send: below_send(at),
            complete: above_back(at + 1),
            indicate: above_receive(at + 1),
            give_back: below_back(at),
        }));
        TABLE.get(number).expect("too many handles for a lane").store(link, Ordering::Relaxed);
    }
    edges.send = below_send(modules.len());
    edges.give_back = below_back(modules.len());
    edges.indicate = above_receive(0);
    edges.complete = above_back(0);
}
