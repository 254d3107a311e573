//! Receives that are only lent for the time of the indication.

use core::marker::PhantomData;
use core::ptr::NonNull;

use ddk::ndis::{NET_BUFFER_LIST, NdisFIndicateReceiveNetBufferLists};

use super::filter::FilterHandle;
use super::flags::{PortNumber, ReceiveFlags};
use super::net_buffer::Nbl;

/// A chain indicated with `NDIS_RECEIVE_FLAGS_RESOURCES`: it stays the property of the driver below, which wants it back
/// with the same links when the entry point returns.
///
/// # Invariants
/// `head` starts a NULL-terminated chain of valid NBLs that nobody else touches for `'a`.
#[derive(Debug)]
pub struct Loan<'a> {
    head: NonNull<NET_BUFFER_LIST>,
    lent: PhantomData<&'a mut NET_BUFFER_LIST>,
}

impl Loan<'_> {
    /// Borrows the chain that NDIS lends to an entry point.
    ///
    /// # Safety
    /// `head` must start a NULL-terminated chain of valid NBLs that are lent for `'a`.
    #[must_use]
    pub unsafe fn from_raw(head: *mut NET_BUFFER_LIST) -> Option<Self> {
        // INVARIANT: by the contract of this function.
        NonNull::new(head).map(|head| Self { head, lent: PhantomData })
    }

    /// Indicates, in order, the runs of NBLs for which `keep` returns true; the links are restored after each call.
    /// IRQL: <= DISPATCH_LEVEL.
    ///
    /// A run ends before an NBL that is not kept. A chain that is kept whole is indicated as it is.
    #[doc(alias = "NdisFIndicateReceiveNetBufferLists")]
    pub fn indicate_runs(
        self,
        filter: FilterHandle,
        port: PortNumber,
        flags: ReceiveFlags,
        keep: impl FnMut(&mut Nbl<'_>) -> bool,
    ) {
        debug_assert!(flags.resources());
        self.runs(keep, |run, count| {
            // SAFETY: the handle is live while its module is attached; RESOURCES makes NDIS give the run back with the
            // return of the call.
            unsafe { NdisFIndicateReceiveNetBufferLists(filter.raw(), run.as_ptr(), port, count, flags.0) }
        });
    }

    pub(super) fn runs(
        self,
        mut keep: impl FnMut(&mut Nbl<'_>) -> bool,
        mut indicate: impl FnMut(NonNull<NET_BUFFER_LIST>, u32),
    ) {
        let mut run: Option<Run> = None;
        let mut next = Some(self.head);
        while let Some(list) = next {
            // SAFETY: the chain is valid by the type's invariant; links that were cut are restored before going on.
            next = NonNull::new(unsafe { (*list.as_ptr()).Next });
            // SAFETY: the chain is lent to this driver alone, and this is the only view of the NBL.
            let mut view = unsafe { Nbl::new(list) };
            if keep(&mut view) {
                run = Some(match run {
                    None => Run { head: list, tail: list, count: 1 },
                    Some(run) => Run { tail: list, count: run.count.wrapping_add(1), ..run },
                });
            } else if let Some(run) = run.take() {
                // SAFETY: the tail is an NBL of the lent chain.
                unsafe { (*run.tail.as_ptr()).Next = core::ptr::null_mut() };
                indicate(run.head, run.count);
                // SAFETY: as above; the indication is over, so the run is back.
                unsafe { (*run.tail.as_ptr()).Next = list.as_ptr() };
            }
        }
        if let Some(run) = run {
            indicate(run.head, run.count);
        }
    }
}

/// Neighbours in the lent chain.
#[derive(Clone, Copy)]
struct Run {
    head: NonNull<NET_BUFFER_LIST>,
    tail: NonNull<NET_BUFFER_LIST>,
    count: u32,
}
