//! OID requests that a filter passes through: clone, forward, complete.

use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use ddk::ndis::{
    NDIS_HANDLE, NDIS_OID_REQUEST, NDIS_STATUS, NdisAllocateCloneOidRequest, NdisFCancelDirectOidRequest,
    NdisFCancelOidRequest, NdisFDirectOidRequest, NdisFDirectOidRequestComplete, NdisFOidRequest,
    NdisFOidRequestComplete, NdisFreeCloneOidRequest, NdisRequestMethod, NdisRequestQueryInformation,
    NdisRequestSetInformation,
};
use ddk::nt::PVOID;

use super::filter::{CancelId, FilterHandle};
use crate::pool::Tag;
use crate::status::Status;

/// The two kinds of requests that may pend. They differ only in the functions to call.
pub trait OidPath: 'static {
    /// Sends a request down.
    ///
    /// # Safety
    /// As for `NdisFOidRequest`.
    unsafe fn send(filter: NDIS_HANDLE, request: *mut NDIS_OID_REQUEST) -> NDIS_STATUS;
    /// Completes a request to the driver above.
    ///
    /// # Safety
    /// As for `NdisFOidRequestComplete`.
    unsafe fn complete(filter: NDIS_HANDLE, request: *mut NDIS_OID_REQUEST, status: NDIS_STATUS);
    /// Cancels requests below.
    ///
    /// # Safety
    /// As for `NdisFCancelOidRequest`.
    unsafe fn cancel(filter: NDIS_HANDLE, id: PVOID);
}

/// OID requests that NDIS serialises per module.
#[derive(Debug)]
pub enum Regular {}
/// Direct OID requests, not serialised.
#[derive(Debug)]
pub enum Direct {}

macro_rules! path {
    ($path:ident, $send:ident, $complete:ident, $cancel:ident) => {
        impl OidPath for $path {
            unsafe fn send(filter: NDIS_HANDLE, request: *mut NDIS_OID_REQUEST) -> NDIS_STATUS {
                // SAFETY: by the contract of the trait.
                unsafe { $send(filter, request) }
            }

            unsafe fn complete(filter: NDIS_HANDLE, request: *mut NDIS_OID_REQUEST, status: NDIS_STATUS) {
                // SAFETY: by the contract of the trait.
                unsafe { $complete(filter, request, status) }
            }

            unsafe fn cancel(filter: NDIS_HANDLE, id: PVOID) {
                // SAFETY: by the contract of the trait.
                unsafe { $cancel(filter, id) }
            }
        }
    };
}
path!(Regular, NdisFOidRequest, NdisFOidRequestComplete, NdisFCancelOidRequest);
path!(Direct, NdisFDirectOidRequest, NdisFDirectOidRequestComplete, NdisFCancelDirectOidRequest);

/// A request from above, to be answered with the status that the entry point returns.
///
/// # Invariants
/// `request` is valid until it is completed.
#[derive(Debug)]
#[must_use]
pub struct OidRequest<Path> {
    request: NonNull<NDIS_OID_REQUEST>,
    path: PhantomData<*mut Path>,
}

impl<Path: OidPath> OidRequest<Path> {
    /// Takes the request that NDIS hands to an entry point.
    ///
    /// # Safety
    /// `request` must be the argument of the entry point of this path; whatever the result becomes must be what the entry
    /// point returns.
    pub(super) unsafe fn from_raw(request: *mut NDIS_OID_REQUEST) -> Option<Self> {
        // INVARIANT: by the contract of this function.
        NonNull::new(request).map(|request| Self { request, path: PhantomData })
    }

    /// What a set request is about: its OID, and the value.
    #[must_use]
    pub fn setting(&self) -> Option<(u32, &[u8])> {
        // SAFETY: the request is valid by the type's invariant.
        let request = unsafe { self.request.as_ref() };
        if request.RequestType != NdisRequestSetInformation {
            return None;
        }
        // SAFETY: a set request uses this view of the union.
        let set = unsafe { &request.DATA.SET_INFORMATION };
        // SAFETY: the buffer of a request is valid until it is completed.
        Some((set.Oid, unsafe { bytes(set.InformationBuffer, set.InformationBufferLength) }))
    }

    /// Passes a clone of the request to the driver below and answers with its status: `PENDING` means that
    /// [`OidClone::complete`] will follow, or already has. `learn` is shown what [`OidClone::answer`] says, if the answer
    /// comes at once. IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "NdisAllocateCloneOidRequest")]
    pub fn forward(self, filter: FilterHandle, tag: Tag, learn: impl FnOnce(u32, &[u8])) -> Status {
        let mut clone = core::ptr::null_mut();
        // SAFETY: the handle is that of an attached module and the request is valid by the type's invariant.
        let status = unsafe {
            NdisAllocateCloneOidRequest(filter.raw(), self.request.as_ptr(), tag.get(), &raw mut clone)
        };
        let Some(clone) = NonNull::new(clone).filter(|_| Status(status).is_success()) else {
            return if Status(status).is_success() { Status::INSUFFICIENT_RESOURCES } else { Status(status) };
        };
        // SAFETY: the clone is fresh and ours; SourceReserved is the area of whoever issues a request.
        unsafe { source_slot(clone).write_unaligned(self.request.as_ptr()) };
        // SAFETY: both requests are valid; the id is what a cancel from above will name.
        unsafe { (*clone.as_ptr()).RequestId = (*self.request.as_ptr()).RequestId };
        // SAFETY: the clone is valid and not in use below yet.
        let status = Status(unsafe { Path::send(filter.raw(), clone.as_ptr()) });
        if status != Status::PENDING {
            // SAFETY: the request below is over and its completion entry point will not be called.
            let clone = unsafe { OidClone::<Path>::from_raw(clone.as_ptr()) };
            if let Some(clone) = clone {
                if let Some((oid, value)) = clone.answer(status) {
                    learn(oid, value);
                }
                let _original = clone.finish(filter);
            }
        }
        status
    }
}

/// A clone that came back from the driver below.
///
/// # Invariants
/// `clone` was made by [`OidRequest::forward`] and is not in use below.
#[derive(Debug)]
#[must_use]
pub struct OidClone<Path> {
    clone: NonNull<NDIS_OID_REQUEST>,
    path: PhantomData<*mut Path>,
}

impl<Path: OidPath> OidClone<Path> {
    /// Takes the request that NDIS hands to a completion entry point.
    ///
    /// # Safety
    /// `clone` must come from [`OidRequest::forward`] of the same path, and the request below must be over.
    pub(super) unsafe fn from_raw(clone: *mut NDIS_OID_REQUEST) -> Option<Self> {
        // INVARIANT: by the contract of this function.
        NonNull::new(clone).map(|clone| Self { clone, path: PhantomData })
    }

    /// What a query answered: its OID, and the value; `None` if it did not, or the request is no query. No longer than its
    /// buffer, whatever the driver below said that it wrote.
    #[must_use]
    pub fn answer(&self, status: Status) -> Option<(u32, &[u8])> {
        // SAFETY: the clone is valid by the type's invariant.
        let request = unsafe { self.clone.as_ref() };
        if !status.is_success() || request.RequestType != NdisRequestQueryInformation {
            return None;
        }
        // SAFETY: a query uses this view of the union.
        let query = unsafe { &request.DATA.QUERY_INFORMATION };
        let length = query.BytesWritten.min(query.InformationBufferLength);
        // SAFETY: the buffer of a request is valid until it is completed.
        Some((query.Oid, unsafe { bytes(query.InformationBuffer, length) }))
    }

    /// Completes the request above with the results and the status of its clone. IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "NdisFOidRequestComplete")]
    pub fn complete(self, filter: FilterHandle, status: Status) {
        let original = self.finish(filter);
        // SAFETY: the original was answered with PENDING and is completed only here.
        unsafe { Path::complete(filter.raw(), original.as_ptr(), status.0) }
    }

    /// Copies the results to the original request and frees the clone.
    fn finish(self, filter: FilterHandle) -> NonNull<NDIS_OID_REQUEST> {
        let clone = ManuallyDrop::new(self).clone;
        // SAFETY: `forward` stored the original, which was not NULL, in the clone.
        let original = unsafe { NonNull::new_unchecked(source_slot(clone).read_unaligned()) };
        // SAFETY: the original is valid until it is completed, and this driver owns it.
        let to = unsafe { &mut *original.as_ptr() };
        // SAFETY: the clone is valid by the type's invariant.
        let from = unsafe { &*clone.as_ptr() };
        copy_results(from, to);
        // SAFETY: the clone was allocated for this handle and is over.
        unsafe { NdisFreeCloneOidRequest(filter.raw(), clone.as_ptr()) };
        original
    }
}

/// Cancels requests below that carry `id`. IRQL: <= DISPATCH_LEVEL.
///
/// Requests are never held here, so a cancel always goes to the driver below, which ignores an id it does not know.
pub fn cancel<Path: OidPath>(filter: FilterHandle, id: CancelId) {
    // SAFETY: the handle is that of an attached module.
    unsafe { Path::cancel(filter.raw(), id.0) }
}

/// The buffer of a request.
///
/// # Safety
/// It is NULL or valid for `'a`.
unsafe fn bytes<'a>(buffer: PVOID, length: u32) -> &'a [u8] {
    match NonNull::new(buffer.cast::<u8>()) {
        // SAFETY: by the contract of this function.
        Some(start) => unsafe { core::slice::from_raw_parts(start.as_ptr(), length as usize) },
        None => &[],
    }
}

/// Where the issuer of a request keeps a pointer.
fn source_slot(request: NonNull<NDIS_OID_REQUEST>) -> *mut *mut NDIS_OID_REQUEST {
    // SAFETY: only the address of a field of a valid request is taken.
    unsafe { (&raw mut (*request.as_ptr()).SourceReserved).cast() }
}

fn copy_results(from: &NDIS_OID_REQUEST, to: &mut NDIS_OID_REQUEST) {
    to.SupportedRevision = from.SupportedRevision;
    if from.RequestType == NdisRequestSetInformation {
        // SAFETY: a set request uses this view of the union, in the original as in its clone.
        let (from, to) = unsafe { (&from.DATA.SET_INFORMATION, &mut to.DATA.SET_INFORMATION) };
        to.BytesRead = from.BytesRead;
        to.BytesNeeded = from.BytesNeeded;
    } else if from.RequestType == NdisRequestMethod {
        // SAFETY: a method request uses this view of the union, in the original as in its clone.
        let (from, to) = unsafe { (&from.DATA.METHOD_INFORMATION, &mut to.DATA.METHOD_INFORMATION) };
        to.BytesWritten = from.BytesWritten;
        to.BytesRead = from.BytesRead;
        to.BytesNeeded = from.BytesNeeded;
    } else {
        // SAFETY: all other types use the query view.
        let (from, to) = unsafe { (&from.DATA.QUERY_INFORMATION, &mut to.DATA.QUERY_INFORMATION) };
        to.BytesWritten = from.BytesWritten;
        to.BytesNeeded = from.BytesNeeded;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_no_longer_than_its_buffer() {
        // SAFETY: a request of zero bytes is a valid value of the type.
        let mut request: NDIS_OID_REQUEST = unsafe { core::mem::zeroed() };
        let mut value = [1_u8, 2, 3, 4];
        request.RequestType = NdisRequestQueryInformation;
        request.DATA.QUERY_INFORMATION.Oid = 7;
        request.DATA.QUERY_INFORMATION.InformationBuffer = value.as_mut_ptr().cast();
        request.DATA.QUERY_INFORMATION.InformationBufferLength = 4;
        for (written, seen) in [(0, 0), (3, 3), (4, 4), (5, 4), (u32::MAX, 4)] {
            request.DATA.QUERY_INFORMATION.BytesWritten = written;
            let clone = OidClone::<Regular> { clone: NonNull::from(&mut request), path: PhantomData };
            assert_eq!(clone.answer(Status::SUCCESS).map(|(oid, value)| (oid, value.len())), Some((7, seen)));
            assert_eq!(clone.answer(Status::UNSUCCESSFUL), None);
        }
        request.DATA.QUERY_INFORMATION.InformationBuffer = core::ptr::null_mut();
        let clone = OidClone::<Regular> { clone: NonNull::from(&mut request), path: PhantomData };
        assert_eq!(clone.answer(Status::SUCCESS), Some((7, &[][..])));
    }

    #[test]
    fn results_travel_by_request_type() {
        // SAFETY: a request of zero bytes is a valid value of the type.
        let mut from: NDIS_OID_REQUEST = unsafe { core::mem::zeroed() };
        let mut to = from;
        from.RequestType = NdisRequestQueryInformation;
        from.SupportedRevision = 3;
        from.DATA.QUERY_INFORMATION.BytesWritten = 7;
        from.DATA.QUERY_INFORMATION.BytesNeeded = 9;
        copy_results(&from, &mut to);
        assert_eq!(to.SupportedRevision, 3);
        // SAFETY: the query view was written.
        let query = unsafe { to.DATA.QUERY_INFORMATION };
        assert_eq!((query.BytesWritten, query.BytesNeeded), (7, 9));

        from.RequestType = NdisRequestMethod;
        from.DATA.METHOD_INFORMATION.BytesWritten = 1;
        from.DATA.METHOD_INFORMATION.BytesRead = 2;
        from.DATA.METHOD_INFORMATION.BytesNeeded = 3;
        to.DATA.METHOD_INFORMATION.OutputBufferLength = 77;
        copy_results(&from, &mut to);
        // SAFETY: the method view was written.
        let method = unsafe { to.DATA.METHOD_INFORMATION };
        assert_eq!((method.BytesWritten, method.BytesRead, method.BytesNeeded), (1, 2, 3));
        assert_eq!(method.OutputBufferLength, 77);
    }
}
