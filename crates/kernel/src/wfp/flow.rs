//! Contexts on flows: what a driver wants to be told when a flow ends.
//!
//! After FwpsFlowAssociateContext0 has succeeded a context belongs to the platform, which gives it back exactly once, by
//! the callout's flow-delete function; before that, and when it fails, it belongs to the driver. The flow may end on
//! another processor before the call has returned. So a context is in the list before the call, marked as being attached,
//! and whoever comes second of the two frees it.

use core::ptr::{NonNull, null_mut};

use ddk::fwp::{FwpsFlowAssociateContext0, FwpsFlowRemoveContext0};

use super::classify::Classify;
use crate::irql::Passive;
use crate::pool::{PoolBox, Tag};
use crate::spin::SpinLock;
use crate::status::Status;
use crate::thread::nap;

/// Where a context is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// The call that attaches it has not returned.
    Attaching,
    /// The platform has it.
    Attached,
    /// It was asked to give it back.
    Removing,
    /// The flow ended before the call that attaches it has returned, which frees it.
    Ended,
}

/// # Invariants
/// In the list from before the call that attaches it until it is freed, but for [`State::Ended`]; everything but `flow`,
/// `layer`, `callout` and `value` changes under the lock of the list.
struct Node<T> {
    flow: u64,
    layer: u16,
    callout: u32,
    state: State,
    next: *mut Node<T>,
    previous: *mut Node<T>,
    value: T,
}

struct List<T> {
    first: *mut Node<T>,
    last: *mut Node<T>,
    count: u32,
    closed: bool,
}

// SAFETY: the list owns its nodes, and hands them out one by one.
unsafe impl<T: Send> Send for List<T> {}

/// What came of attaching a context.
#[derive(Debug)]
#[must_use]
pub enum Attached<T> {
    /// The platform has it, and will give it back.
    Yes,
    /// The flow has ended meanwhile.
    Ended(T),
    /// The flow had ended before, has such a context already, or there is no memory or no room.
    No(T),
}

/// The contexts of a driver.
pub struct FlowContexts<T> {
    list: SpinLock<List<T>>,
    tag: Tag,
    /// Contexts at a time.
    most: u32,
}

impl<T> core::fmt::Debug for FlowContexts<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("FlowContexts").field("most", &self.most).finish_non_exhaustive()
    }
}

impl<T: Send> FlowContexts<T> {
    /// Room for `most` contexts at a time; memory is asked for as they come.
    #[must_use]
    pub const fn new(tag: Tag, most: u32) -> Self {
        let list = List { first: null_mut(), last: null_mut(), count: 0, closed: false };
        Self { list: SpinLock::new(list), tag, most }
    }

    /// Attaches `value` to the flow of a classify, at its layer and for its callout, which must have a flow-delete function
    /// that calls [`FlowContexts::ended`]. IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "FwpsFlowAssociateContext0")]
    pub fn attach(&self, classify: &Classify<'_>, value: T) -> Attached<T> {
        let (Some(flow), Some(callout)) = (classify.metadata().flow(), classify.callout()) else {
            return Attached::No(value);
        };
        let layer = classify.layer();
        let node = match self.link(flow, layer, callout, value) {
            Ok(node) => node,
            Err(value) => return Attached::No(value),
        };
        let context = node.as_ptr().expose_provenance() as u64;
        // SAFETY: flow and callout are those of the running classify; the context is not zero.
        let status = Status(unsafe { FwpsFlowAssociateContext0(flow, layer, callout, context) });
        let mut list = self.list.lock();
        // SAFETY: the node is freed only by who comes second of this and `ended`, and its state says who that is.
        let state = unsafe { &mut (*node.as_ptr()).state };
        match (status.is_success(), *state) {
            (true, State::Attaching) => {
                *state = State::Attached;
                Attached::Yes
            }
            (true, _) => {
                drop(list);
                // SAFETY: the flow has ended, so the platform has given the node back; it is out of the list.
                Attached::Ended(unsafe { self.take(node) })
            }
            (false, _) => {
                // SAFETY: the node is in the list, whose lock is held.
                unsafe { list.unlink(node) };
                drop(list);
                // SAFETY: the platform did not take the node, and nobody else knows it.
                Attached::No(unsafe { self.take(node) })
            }
        }
    }

    /// Puts a new node into the list; gives the value back when there is no room for it.
    fn link(&self, flow: u64, layer: u16, callout: u32, value: T) -> Result<NonNull<Node<T>>, T> {
        let node = Node {
            flow,
            layer,
            callout,
            state: State::Attaching,
            next: null_mut(),
            previous: null_mut(),
            value,
        };
        let node = PoolBox::try_new(self.tag, node).map_err(|node| node.value)?.into_raw();
        let mut list = self.list.lock();
        if list.closed || list.count >= self.most {
            drop(list);
            // SAFETY: the node was released just now, and is in no list.
            return Err(unsafe { self.take(node) });
        }
        // SAFETY: the node is new, and the lock is held.
        unsafe { list.append(node) };
        Ok(node)
    }

    /// The platform gives a context back: the flow has ended, or the context was removed. `None` while the call that
    /// attaches it has not returned, which then tells of the end. IRQL: <= DISPATCH_LEVEL.
    ///
    /// # Safety
    /// `context` must be what the flow-delete function of the callout was called with, once.
    #[must_use]
    pub unsafe fn ended(&self, context: u64) -> Option<T> {
        let node = NonNull::new(core::ptr::with_exposed_provenance_mut::<Node<T>>(context as usize))?;
        let mut list = self.list.lock();
        // SAFETY: the platform gives back what `attach` gave it, which is in the list.
        unsafe { list.unlink(node) };
        // SAFETY: as above; the lock is held.
        let state = unsafe { &mut (*node.as_ptr()).state };
        if *state == State::Attaching {
            *state = State::Ended;
            return None;
        }
        drop(list);
        // SAFETY: the platform does not know the node any more, and it is out of the list.
        Some(unsafe { self.take(node) })
    }

    /// Contexts that exist.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.list.lock().count
    }

    /// Lets no context in any more, takes all of them off their flows, and returns when the last was given back.
    #[doc(alias = "FwpsFlowRemoveContext0")]
    pub fn close(&self, at: Passive<'_>) {
        self.list.lock().closed = true;
        loop {
            let next = self.list.lock().next_to_remove();
            match next {
                Some((flow, layer, callout)) => {
                    // Without the lock, because the flow-delete function may run inside the call. A failure means that it
                    // runs elsewhere, or has.
                    // SAFETY: takes numbers by value, those of a context that was attached.
                    let _removed = unsafe { FwpsFlowRemoveContext0(flow, layer, callout) };
                }
                None if self.count() == 0 => return,
                // Contexts that are being attached, or given back on other processors.
                None => nap(at),
            }
        }
    }

    /// # Safety
    /// The node must come from `link`, be out of the list, and known to nobody else.
    unsafe fn take(&self, node: NonNull<Node<T>>) -> T {
        // SAFETY: by the contract of this function.
        unsafe { PoolBox::from_raw(node, self.tag) }.into_inner().value
    }
}

impl<T> List<T> {
    /// # Safety
    /// The node must be valid and in no list.
    unsafe fn append(&mut self, node: NonNull<Node<T>>) {
        let node = node.as_ptr();
        // SAFETY: by the contract of this function.
        unsafe {
            (*node).next = null_mut();
            (*node).previous = self.last;
        }
        // SAFETY: nodes in the list are valid.
        match unsafe { self.last.as_mut() } {
            Some(last) => last.next = node,
            None => self.first = node,
        }
        self.last = node;
        self.count = self.count.saturating_add(1);
    }

    /// # Safety
    /// The node must be in this list.
    unsafe fn unlink(&mut self, node: NonNull<Node<T>>) {
        // SAFETY: by the contract of this function.
        let (next, previous) = unsafe { ((*node.as_ptr()).next, (*node.as_ptr()).previous) };
        // SAFETY: neighbours in the list are valid.
        match unsafe { previous.as_mut() } {
            Some(previous) => previous.next = next,
            None => self.first = next,
        }
        // SAFETY: as above.
        match unsafe { next.as_mut() } {
            Some(next) => next.previous = previous,
            None => self.last = previous,
        }
        self.count = self.count.saturating_sub(1);
    }

    /// The first context that the platform has and was not asked for, which goes to the end of the list; `None` when there
    /// is none at its beginning.
    fn next_to_remove(&mut self) -> Option<(u64, u16, u32)> {
        let first = NonNull::new(self.first)?;
        // SAFETY: nodes in the list are valid.
        let node = unsafe { &mut *first.as_ptr() };
        if node.state != State::Attached {
            return None;
        }
        node.state = State::Removing;
        let found = (node.flow, node.layer, node.callout);
        // SAFETY: the node is in this list.
        unsafe { self.unlink(first) };
        // SAFETY: and now it is not.
        unsafe { self.append(first) };
        Some(found)
    }
}
