//! Adapters on top of others: what a multiplexing driver (a team, a virtual switch's host port) does with NBLs between
//! its miniport edge above and its protocol edges below.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, Weak};

use ddk::ndis::{NET_BUFFER, NET_BUFFER_LIST};

use super::adapter::{Adapter, Config, lock};
use super::data::{self, RESOURCES};
use super::owner::{self, Birth, Layer};
use super::parcel::Parcel;
use super::raw;

/// What the driver hands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// The NBLs that it was given.
    Same,
    /// NBLs of its own that describe the same memory; the originals wait for them.
    Clones,
}

/// The lower side of a virtual adapter.
#[derive(Debug)]
pub(super) struct Mux {
    members: Vec<Arc<Adapter>>,
    crossing: Crossing,
    /// The member that sends go by.
    member: AtomicUsize,
}

/// Original of each clone on its way, by address.
static CLONES: LazyLock<Mutex<HashMap<usize, usize>>> = LazyLock::new(Mutex::default);

impl Adapter {
    /// Plugs in a virtual adapter on top of `members`; see [`Adapter::put_on`].
    pub fn on_top(config: Config, members: &[Arc<Self>], crossing: Crossing) -> Arc<Self> {
        let adapter = Self::new(config);
        adapter.put_on(members, crossing);
        adapter
    }

    /// Makes this a virtual adapter whose frames go by `members`: sends by one of them, receives from all. What those
    /// receive goes to it from now on, and not to their protocols.
    pub fn put_on(self: &Arc<Self>, members: &[Arc<Self>], crossing: Crossing) {
        for member in members {
            *lock(&member.above) = Arc::downgrade(self);
        }
        *lock(&self.below) =
            Some(Arc::new(Mux { members: members.to_vec(), crossing, member: AtomicUsize::new(0) }));
    }

    /// Chooses the member of a virtual adapter that its sends go by.
    pub fn send_by(&self, member: usize) {
        if let Some(mux) = self.below() {
            mux.member.store(member, Ordering::Relaxed);
        }
    }

    /// The adapters right below this one.
    pub fn members(&self) -> Vec<Arc<Self>> {
        self.below().map_or_else(Vec::new, |mux| mux.members.clone())
    }

    pub(super) fn below(&self) -> Option<Arc<Mux>> {
        lock(&self.below).clone()
    }

    fn upper(&self) -> Option<Arc<Self>> {
        Weak::upgrade(&lock(&self.above))
    }
}

/// The miniport edge of `upper` sends what it was given by one of its members.
pub(super) fn send(upper: &Adapter, mux: &Mux, nbls: &[*mut NET_BUFFER_LIST], flags: u32) {
    let Some(lower) = mux.members.get(mux.member.load(Ordering::Relaxed)) else { return };
    match mux.crossing {
        Crossing::Same => {
            owner::cross(nbls, Layer::Mux(upper.number), upper.number, lower.number);
            data::down(lower, usize::MAX, Layer::Mux(upper.number), nbls, 0, flags);
        }
        Crossing::Clones => {
            let clones = clone(nbls, Layer::Protocol, lower);
            data::down(lower, usize::MAX, Layer::Protocol, &clones, 0, flags);
        }
    }
}

/// Takes what came from an upper adapter out of sends that are complete at `lower`, and completes it there.
pub(super) fn sent(lower: &Adapter, nbls: &[*mut NET_BUFFER_LIST], flags: u32) -> Vec<*mut NET_BUFFER_LIST> {
    let Some(upper) = lower.upper() else { return nbls.to_vec() };
    let (own, home) = sort(&upper, nbls, Layer::Protocol);
    if !home.is_empty() {
        data::carry(&upper, 0, &home, flags);
    }
    own
}

/// Hands what `lower` received to the adapter above it; false if there is none.
pub(super) fn receive(lower: &Adapter, nbls: &[*mut NET_BUFFER_LIST], flags: u32) -> bool {
    let Some((upper, mux)) = lower.upper().and_then(|upper| Some((upper.clone(), upper.below()?))) else {
        return false;
    };
    match mux.crossing {
        Crossing::Same => {
            let from = Layer::Mux(upper.number);
            owner::cross(nbls, from, lower.number, upper.number);
            data::up(&upper, 0, from, nbls, 0, flags);
            if flags & RESOURCES != 0 {
                owner::uncross(nbls, Layer::Miniport);
            }
        }
        Crossing::Clones => {
            let clones = clone(nbls, Layer::Miniport, &upper);
            data::up(&upper, 0, Layer::Miniport, &clones, 0, flags);
            if flags & RESOURCES != 0 {
                let _originals = forget(&clones, Layer::Miniport);
            }
        }
    }
    true
}

/// Takes what came from a lower adapter out of receives that are back at the miniport edge of `upper`, and returns it
/// there.
pub(super) fn returned(
    upper: &Adapter,
    nbls: &[*mut NET_BUFFER_LIST],
    flags: u32,
) -> Vec<*mut NET_BUFFER_LIST> {
    let (own, home) = sort(upper, nbls, Layer::Miniport);
    for member in upper.members() {
        let of_member: Vec<_> =
            home.iter().copied().filter(|nbl| owner::adapter(*nbl) == Some(member.number)).collect();
        if !of_member.is_empty() {
            data::give_back(&member, usize::MAX, &of_member, flags);
        }
    }
    own
}

/// NBLs that stay at this edge, and originals of those that crossed.
fn sort(
    upper: &Adapter,
    nbls: &[*mut NET_BUFFER_LIST],
    edge: Layer,
) -> (Vec<*mut NET_BUFFER_LIST>, Vec<*mut NET_BUFFER_LIST>) {
    let (mut own, mut crossed, mut clones) = (Vec::new(), Vec::new(), Vec::new());
    for &nbl in nbls {
        if lock(&CLONES).contains_key(&(nbl as usize)) {
            clones.push(nbl);
        } else if owner::has_crossed(nbl) {
            crossed.push(nbl);
        } else {
            own.push(nbl);
        }
    }
    owner::back(&crossed, Layer::Mux(upper.number));
    owner::uncross(&crossed, edge);
    owner::back(&clones, edge);
    crossed.extend(forget(&clones, edge));
    (own, crossed)
}

/// NBLs with descriptors of their own for the memory of `originals`, made by `origin` of `adapter`.
fn clone(originals: &[*mut NET_BUFFER_LIST], origin: Layer, adapter: &Adapter) -> Vec<*mut NET_BUFFER_LIST> {
    let clones: Vec<_> = originals.iter().map(|original| clone_one(*original, origin, adapter)).collect();
    data::link(&clones);
    clones
}

fn clone_one(original: *mut NET_BUFFER_LIST, origin: Layer, adapter: &Adapter) -> *mut NET_BUFFER_LIST {
    // Drivers read the original's memory through the clone.
    owner::open(original);
    // SAFETY: the multiplexing driver owns the original, and access was just granted.
    let buffers: Vec<*mut NET_BUFFER> = unsafe { raw::net_buffers(original) }.collect();
    let size = size_of::<NET_BUFFER_LIST>() + buffers.len() * size_of::<NET_BUFFER>() + 64;
    let mut parcel = Parcel::new(size, 0);
    let list =
        parcel.take(size_of::<NET_BUFFER_LIST>(), align_of::<NET_BUFFER_LIST>()).cast::<NET_BUFFER_LIST>();
    // SAFETY: list and buffers lie in the fresh parcel, or are accessible as above. What is said beside the frames is
    // copied, as NdisCopySendNetBufferListInfo and NdisCopyReceiveNetBufferListInfo do.
    unsafe {
        let mut link = &raw mut (*list).FirstNetBuffer;
        for from in buffers {
            let to: *mut NET_BUFFER = parcel.take(size_of::<NET_BUFFER>(), align_of::<NET_BUFFER>()).cast();
            to.copy_from_nonoverlapping(from, 1);
            (*to).Next = std::ptr::null_mut();
            *link = to;
            link = &raw mut (*to).Next;
        }
        (*list).NetBufferListInfo = (*original).NetBufferListInfo;
        (*list).NblFlags = (*original).NblFlags;
        (*list).ParentNetBufferList = original;
        (*original).ChildRefCount += 1;
    }
    owner::insert(list, parcel, Birth { origin, adapter: adapter.number, pool: 0 }, owner::tags(original));
    lock(&CLONES).insert(list as usize, original as usize);
    list
}

/// Frees clones that `edge` has back; returns their originals, with the status of the clones.
fn forget(clones: &[*mut NET_BUFFER_LIST], edge: Layer) -> Vec<*mut NET_BUFFER_LIST> {
    let free = |clone: *mut NET_BUFFER_LIST| {
        let original = lock(&CLONES).remove(&(clone as usize))? as *mut NET_BUFFER_LIST;
        owner::open(clone);
        owner::open(original);
        // SAFETY: the multiplexing driver owns both, and access was just granted.
        unsafe {
            (*original).ChildRefCount -= 1;
            (*original).Status = (*clone).Status;
        }
        owner::remove(clone, edge);
        Some(original)
    };
    clones.iter().filter_map(|clone| free(*clone)).collect()
}
