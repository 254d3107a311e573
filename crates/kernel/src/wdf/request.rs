//! Requests with checked buffers.

use core::mem::ManuallyDrop;

use ddk::nt::{PVOID, ULONG_PTR, WDFFILEOBJECT, WDFREQUEST};
use ddk::wdf_call as wdf;

use crate::bug::{Invariant, bug};
use crate::status::Status;

/// Which open handle a request came by. Comparable; nothing else can be done with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileId(pub(super) usize);

impl FileId {
    pub(super) fn of(file: WDFFILEOBJECT) -> Self {
        Self(file.addr())
    }
}

/// A METHOD_BUFFERED I/O control that the driver owns: it must be completed.
///
/// Input and output are the same memory; the borrow checker keeps them apart in time.
#[derive(Debug)]
#[must_use]
pub struct Request {
    handle: WDFREQUEST,
    input_length: usize,
    output_length: usize,
}

impl Request {
    /// Takes the request that the framework hands over.
    ///
    /// # Safety
    /// `handle` must be an uncompleted METHOD_BUFFERED I/O control that the caller owns.
    pub(super) unsafe fn from_raw(handle: WDFREQUEST, input_length: usize, output_length: usize) -> Self {
        Self { handle, input_length, output_length }
    }

    /// The input.
    #[doc(alias = "WdfRequestRetrieveInputBuffer")]
    pub fn input(&self) -> Result<&[u8], Status> {
        if self.input_length == 0 {
            return Ok(&[]);
        }
        let (mut buffer, mut length): (PVOID, usize) = (core::ptr::null_mut(), 0);
        // SAFETY: the request is live; both results are written on success.
        let status = unsafe {
            wdf!(
                WdfRequestRetrieveInputBuffer,
                self.handle,
                self.input_length,
                &raw mut buffer,
                &raw mut length
            )
        };
        Status(status).ok()?;
        // SAFETY: the framework vouches for `length` bytes of system memory that live as long as the request.
        Ok(unsafe { core::slice::from_raw_parts(buffer.cast::<u8>().cast_const(), length) })
    }

    /// The output, all zero, when it has room for at least `minimum` bytes.
    ///
    /// Zeroed because what is completed goes to user mode, and because the input may still be in it.
    #[doc(alias = "WdfRequestRetrieveOutputBuffer")]
    pub fn output(&mut self, minimum: usize) -> Result<&mut [u8], Status> {
        if self.output_length < minimum || self.output_length == 0 {
            return Err(Status::BUFFER_TOO_SMALL);
        }
        let (mut buffer, mut length): (PVOID, usize) = (core::ptr::null_mut(), 0);
        // SAFETY: the request is live; both results are written on success.
        let status = unsafe {
            wdf!(WdfRequestRetrieveOutputBuffer, self.handle, minimum, &raw mut buffer, &raw mut length)
        };
        Status(status).ok()?;
        // SAFETY: the framework vouches for `length` bytes of system memory that live as long as the request.
        unsafe { buffer.cast::<u8>().write_bytes(0, length) };
        // SAFETY: as above, now initialised; `self` is borrowed, so there is no other view.
        Ok(unsafe { core::slice::from_raw_parts_mut(buffer.cast::<u8>(), length) })
    }

    /// The handle that the request came by.
    #[doc(alias = "WdfRequestGetFileObject")]
    #[must_use]
    pub fn file(&self) -> FileId {
        // SAFETY: the request is live.
        FileId::of(unsafe { wdf!(WdfRequestGetFileObject, self.handle) })
    }

    /// Gives up ownership to the framework.
    pub(super) fn into_raw(self) -> (WDFREQUEST, usize, usize) {
        let this = ManuallyDrop::new(self);
        (this.handle, this.input_length, this.output_length)
    }

    /// Room for output, in bytes.
    #[must_use]
    pub fn output_length(&self) -> usize {
        self.output_length
    }

    /// Completes the request; with a success, `information` bytes of output go to user mode.
    #[doc(alias = "WdfRequestCompleteWithInformation")]
    pub fn complete(self, result: Result<usize, Status>) {
        let (status, information) = match result {
            Ok(length) => (Status::SUCCESS, length.min(self.output_length)),
            Err(status) => (status, 0),
        };
        let handle = ManuallyDrop::new(self).handle;
        // SAFETY: the request is live and completed only here.
        unsafe { wdf!(WdfRequestCompleteWithInformation, handle, status.0, information as ULONG_PTR) };
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        bug(Invariant::RequestDropped)
    }
}
