//! Chains of NBLs as owned values that must be handed on.

use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use ddk::ndis::{
    NET_BUFFER_LIST, NdisFIndicateReceiveNetBufferLists, NdisFReturnNetBufferLists, NdisFSendNetBufferLists,
    NdisFSendNetBufferListsComplete,
};

use super::filter::FilterHandle;
use super::flags::{PortNumber, ReceiveFlags, ReturnFlags, SendCompleteFlags, SendFlags};
use super::net_buffer::Nbl;
use crate::bug::{Invariant, bug};
use crate::status::Status;

/// NBLs on their way down: to be sent on or completed.
#[derive(Debug)]
pub enum Outgoing {}
/// NBLs whose send is done: to be completed.
#[derive(Debug)]
pub enum Completed {}
/// NBLs on their way up: to be indicated or returned.
#[derive(Debug)]
pub enum Incoming {}
/// NBLs that the drivers above are done with: to be returned.
#[derive(Debug)]
pub enum Returned {}

/// A non-empty chain of NBLs that the driver owns.
///
/// It must be consumed by one of the calls that hand it on; dropping one would leak packets and stops the machine.
///
/// # Invariants
/// `head` starts a NULL-terminated chain of valid NBLs that nobody else touches.
#[derive(Debug)]
#[must_use]
pub struct Chain<Way> {
    head: NonNull<NET_BUFFER_LIST>,
    way: PhantomData<*mut Way>,
}

impl<Way> Chain<Way> {
    /// Takes over the chain that NDIS hands to an entry point.
    ///
    /// # Safety
    /// `head` must start a NULL-terminated chain of valid NBLs whose ownership passes to the caller with this call.
    pub unsafe fn from_raw(head: *mut NET_BUFFER_LIST) -> Option<Self> {
        // INVARIANT: by the contract of this function.
        NonNull::new(head).map(|head| Self { head, way: PhantomData })
    }

    /// Gives up ownership.
    #[must_use]
    pub fn into_raw(self) -> *mut NET_BUFFER_LIST {
        ManuallyDrop::new(self).head.as_ptr()
    }

    /// A chain of this NBL alone.
    ///
    /// # Safety
    /// Ownership of the NBL, which is valid, passes to the caller.
    pub(super) unsafe fn single_from(list: NonNull<NET_BUFFER_LIST>) -> Self {
        // SAFETY: owned by the contract of this function.
        unsafe { (*list.as_ptr()).Next = core::ptr::null_mut() };
        // INVARIANT: one NBL, terminated.
        Self { head: list, way: PhantomData }
    }

    /// The NBL of a chain that has but one.
    pub(super) fn single(&self) -> Option<NonNull<NET_BUFFER_LIST>> {
        // SAFETY: the chain is valid by the type's invariant.
        unsafe { (*self.head.as_ptr()).Next.is_null() }.then_some(self.head)
    }

    /// Number of NBLs.
    #[must_use]
    pub fn count(&self) -> u32 {
        let mut count = 0_u32;
        let mut next = self.head.as_ptr();
        // SAFETY: the chain is valid by the type's invariant.
        while let Some(list) = unsafe { next.as_ref() } {
            count = count.wrapping_add(1);
            next = list.Next;
        }
        count
    }

    /// Visits each NBL, in order.
    pub fn for_each(&mut self, mut visit: impl FnMut(Nbl<'_>)) {
        let mut next = Some(self.head);
        while let Some(list) = next {
            // SAFETY: the chain is valid by the type's invariant.
            next = NonNull::new(unsafe { (*list.as_ptr()).Next });
            // SAFETY: the chain is owned, and this is the only view of the NBL.
            visit(unsafe { Nbl::new(list) });
        }
    }

    /// The first NBL, as a chain of its own, and the others.
    pub fn split_first(self) -> (Self, Option<Self>) {
        let head = ManuallyDrop::new(self).head;
        // SAFETY: the chain is valid and owned by the type's invariant.
        let rest = unsafe { (*head.as_ptr()).Next };
        // SAFETY: as above; nobody else has the others.
        (unsafe { Self::single_from(head) }, unsafe { Self::from_raw(rest) })
    }

    /// Splits the chain by `keep`, in order: first what it returned true for, then the rest.
    ///
    /// Links are written only where they change: a chain that is kept whole is only read.
    #[inline]
    pub fn split(self, mut keep: impl FnMut(&mut Nbl<'_>) -> bool) -> Split<Way> {
        let (mut kept, mut rest) = (Links::new(), Links::new());
        let mut next = NonNull::new(self.into_raw());
        while let Some(list) = next {
            // SAFETY: the chain was valid and nothing behind `list` has been relinked yet.
            next = NonNull::new(unsafe { (*list.as_ptr()).Next });
            // SAFETY: the chain is owned, and this is the only view of the NBL.
            let mut view = unsafe { Nbl::new(list) };
            if keep(&mut view) { kept.push(list) } else { rest.push(list) }
        }
        Split { kept_count: kept.count, rest_count: rest.count, kept: kept.finish(), rest: rest.finish() }
    }
}

/// Somebody who decides about the NBLs of a chain in groups, so that what he needs from memory for one is on its way
/// while he is busy with the others.
pub trait Sorter {
    /// What he notes down about an NBL between the steps.
    type Note: Copy + Default;

    /// First, for each NBL of a group.
    fn look(&mut self, list: &Nbl<'_>) -> Self::Note;

    /// Then, for each of them again.
    fn look_again(&mut self, note: &mut Self::Note);

    /// At last: whether the NBL is kept.
    fn keep(&mut self, list: &mut Nbl<'_>, note: &Self::Note) -> bool;
}

impl<Way> Chain<Way> {
    /// As [`Chain::split`], by a [`Sorter`]. The notes of one group are on the stack.
    #[inline(never)]
    pub fn sort<S: Sorter>(self, sorter: &mut S) -> Split<Way> {
        /// NBLs of a group: about as many cache misses as a processor has under way at once.
        const GROUP: usize = 16;
        let (mut kept, mut rest) = (Links::new(), Links::new());
        let mut next = NonNull::new(self.into_raw());
        while next.is_some() {
            let mut notes = [S::Note::default(); GROUP];
            let (mut ahead, mut group) = (next, 0_usize);
            for note in &mut notes {
                let Some(list) = ahead else { break };
                // SAFETY: the chain was valid and nothing from `next` on has been relinked yet.
                ahead = NonNull::new(unsafe { (*list.as_ptr()).Next });
                // SAFETY: the chain is owned, and this is the only view of the NBL.
                *note = sorter.look(&unsafe { Nbl::new(list) });
                group += 1;
            }
            for note in notes.iter_mut().take(group) {
                sorter.look_again(note);
            }
            for note in notes.iter().take(group) {
                let Some(list) = next else { break };
                // SAFETY: the chain was valid and nothing behind `list` has been relinked yet.
                next = NonNull::new(unsafe { (*list.as_ptr()).Next });
                // SAFETY: the chain is owned, and this is the only view of the NBL.
                let mut view = unsafe { Nbl::new(list) };
                if sorter.keep(&mut view, note) { kept.push(list) } else { rest.push(list) }
            }
        }
        Split { kept_count: kept.count, rest_count: rest.count, kept: kept.finish(), rest: rest.finish() }
    }
}

impl<Way> Drop for Chain<Way> {
    fn drop(&mut self) {
        bug(Invariant::ChainDropped)
    }
}

/// Result of [`Chain::split`].
#[derive(Debug)]
#[must_use]
pub struct Split<Way> {
    /// NBLs in `kept`.
    pub kept_count: u32,
    /// NBLs in `rest`.
    pub rest_count: u32,
    /// What the predicate chose.
    pub kept: Option<Chain<Way>>,
    /// Everything else.
    pub rest: Option<Chain<Way>>,
}

/// A chain being relinked.
pub(super) struct Links {
    head: *mut NET_BUFFER_LIST,
    tail: *mut NET_BUFFER_LIST,
    count: u32,
}

impl Links {
    pub(super) const fn new() -> Self {
        Self { head: core::ptr::null_mut(), tail: core::ptr::null_mut(), count: 0 }
    }

    #[inline]
    pub(super) fn push(&mut self, list: NonNull<NET_BUFFER_LIST>) {
        // SAFETY: the tail is null or an NBL that the caller owns.
        match unsafe { self.tail.as_mut() } {
            None => self.head = list.as_ptr(),
            Some(tail) if tail.Next != list.as_ptr() => tail.Next = list.as_ptr(),
            Some(_) => {}
        }
        self.tail = list.as_ptr();
        self.count = self.count.wrapping_add(1);
    }

    /// NBLs so far.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn finish<Way>(self) -> Option<Chain<Way>> {
        // SAFETY: the tail is null or an NBL that the caller owns.
        if let Some(tail) = unsafe { self.tail.as_mut() }
            && !tail.Next.is_null()
        {
            tail.Next = core::ptr::null_mut();
        }
        // SAFETY: the pushed NBLs are linked in order, the last one is terminated, and the caller owned them.
        unsafe { Chain::from_raw(self.head) }
    }
}

impl Chain<Outgoing> {
    /// Passes the chain to the next lower driver. IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "NdisFSendNetBufferLists")]
    #[inline]
    pub fn send_down(self, filter: FilterHandle, port: PortNumber, flags: SendFlags) {
        // SAFETY: the handle is live while its module runs, and ownership of the chain passes on.
        unsafe { NdisFSendNetBufferLists(filter.raw(), self.into_raw(), port, flags.0) }
    }

    /// The chain as one whose sends are done, with `status`.
    pub fn completed(mut self, status: Status) -> Chain<Completed> {
        self.for_each(|mut list| list.set_status(status));
        Chain { head: ManuallyDrop::new(self).head, way: PhantomData }
    }

    /// Completes the chain back to the drivers above with `status`. IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "NdisFSendNetBufferListsComplete")]
    pub fn complete(mut self, filter: FilterHandle, status: Status, flags: SendCompleteFlags) {
        self.for_each(|mut list| list.set_status(status));
        // SAFETY: the handle is live while its module is attached, and ownership of the chain passes on.
        unsafe { NdisFSendNetBufferListsComplete(filter.raw(), self.into_raw(), flags.0) }
    }
}

impl Chain<Completed> {
    /// Passes completed sends to the drivers above. IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "NdisFSendNetBufferListsComplete")]
    pub fn complete(self, filter: FilterHandle, flags: SendCompleteFlags) {
        // SAFETY: the handle is live while its module is attached, and ownership of the chain passes on.
        unsafe { NdisFSendNetBufferListsComplete(filter.raw(), self.into_raw(), flags.0) }
    }
}

impl Chain<Incoming> {
    /// Passes `count` received NBLs, the whole chain, to the drivers above. IRQL: <= DISPATCH_LEVEL.
    ///
    /// `flags` must not say RESOURCES: the chain would come back with the return of the call.
    #[doc(alias = "NdisFIndicateReceiveNetBufferLists")]
    #[inline]
    pub fn indicate(self, filter: FilterHandle, port: PortNumber, count: u32, flags: ReceiveFlags) {
        debug_assert!(!flags.resources());
        // SAFETY: the handle is live while its module is attached, and ownership of the chain passes on.
        unsafe { NdisFIndicateReceiveNetBufferLists(filter.raw(), self.into_raw(), port, count, flags.0) }
    }

    /// The chain as one that the drivers above are done with.
    pub fn returned(self) -> Chain<Returned> {
        Chain { head: ManuallyDrop::new(self).head, way: PhantomData }
    }

    /// Returns the chain to the drivers below, unseen by those above. IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "NdisFReturnNetBufferLists")]
    pub fn return_down(self, filter: FilterHandle, flags: ReturnFlags) {
        // SAFETY: the handle is live while its module is attached, and ownership of the chain passes on.
        unsafe { NdisFReturnNetBufferLists(filter.raw(), self.into_raw(), flags.0) }
    }
}

impl Chain<Returned> {
    /// Passes returned NBLs to the drivers below. IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "NdisFReturnNetBufferLists")]
    pub fn return_down(self, filter: FilterHandle, flags: ReturnFlags) {
        // SAFETY: the handle is live while its module is attached, and ownership of the chain passes on.
        unsafe { NdisFReturnNetBufferLists(filter.raw(), self.into_raw(), flags.0) }
    }
}
