//! OID requests of protocols with every field that a protocol may set, any number of them under way at once.

#![allow(non_upper_case_globals, reason = "constants in patterns carry the names of the C headers")]

use std::ffi::c_void;
use std::sync::Arc;

use ddk::ndis::*;

use super::adapter::Adapter;
use super::oid::{self, Done};

/// How a request travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Path {
    /// Through FilterOidRequest. A protocol has one under way at a time.
    #[default]
    Regular,
    /// Through FilterDirectOidRequest.
    Direct,
    /// Through FilterSynchronousOidRequest.
    Synchronous,
}

/// A request as a protocol makes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OidRequest {
    /// How it travels.
    pub path: Path,
    /// `NdisRequestQueryInformation`, `NdisRequestQueryStatistics`, `NdisRequestSetInformation` or `NdisRequestMethod`.
    pub kind: NDIS_REQUEST_TYPE,
    /// The OID.
    pub oid: u32,
    /// What a set or a method hands down.
    pub input: Vec<u8>,
    /// Bytes that a query or a method has room for.
    pub room: usize,
    /// Method identifier of a method.
    pub method: u32,
    /// Port.
    pub port: u32,
    /// Seconds; 0 without limit.
    pub timeout: u32,
    /// `RequestId`: what a cancel names.
    pub id: usize,
    /// `SupportedRevision`.
    pub revision: u8,
    /// Switch, virtual port and flags of revision 2.
    pub switch: (u32, u32, u32),
}

/// What a protocol gets from a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OidAnswer {
    /// Final status.
    pub status: NDIS_STATUS,
    /// `BytesWritten`.
    pub written: u32,
    /// `BytesRead`; for queries and sets the same field as `BytesWritten`.
    pub read: u32,
    /// `BytesNeeded`.
    pub needed: u32,
    /// `SupportedRevision`.
    pub revision: u8,
    /// The buffer after the request.
    pub buffer: Vec<u8>,
}

/// A request that was made. Its memory lives until it is asked for the answer.
#[must_use = "a request has an answer"]
#[derive(Debug)]
pub struct Issued {
    request: *mut NDIS_OID_REQUEST,
    buffer: *mut Vec<u8>,
    status: NDIS_STATUS,
    done: Option<Arc<Done>>,
}

impl OidRequest {
    /// The request in memory that [`Issued::answer`] frees.
    fn build(&self) -> (*mut NDIS_OID_REQUEST, *mut Vec<u8>) {
        let mut buffer = self.input.clone();
        buffer.resize(self.input.len().max(self.room), 0xaa);
        // SAFETY: a C structure of integers and pointers, for which zero is valid.
        let mut request: Box<NDIS_OID_REQUEST> = Box::new(unsafe { std::mem::zeroed() });
        request.Header = oid::header();
        request.RequestType = self.kind;
        request.PortNumber = self.port;
        request.Timeout = self.timeout;
        request.RequestId = std::ptr::without_provenance_mut(self.id);
        request.SupportedRevision = self.revision;
        (request.SwitchId, request.VPortId, request.Flags) = self.switch;
        let pointer: *mut c_void = buffer.as_mut_ptr().cast();
        match self.kind {
            NdisRequestMethod => {
                request.DATA.METHOD_INFORMATION = _METHOD {
                    Oid: self.oid,
                    InformationBuffer: pointer,
                    InputBufferLength: self.input.len() as u32,
                    OutputBufferLength: self.room as u32,
                    MethodId: self.method,
                    BytesWritten: 0,
                    BytesRead: 0,
                    BytesNeeded: 0,
                };
            }
            _ => {
                request.DATA.QUERY_INFORMATION = _QUERY {
                    Oid: self.oid,
                    InformationBuffer: pointer,
                    InformationBufferLength: buffer.len() as u32,
                    BytesWritten: 0,
                    BytesNeeded: 0,
                };
            }
        }
        (Box::into_raw(request), Box::into_raw(Box::new(buffer)))
    }

    /// Reads a request as it arrived somewhere.
    ///
    /// # Safety
    /// The request and its buffer are readable.
    pub unsafe fn read(request: &NDIS_OID_REQUEST, path: Path) -> Self {
        let kind = request.RequestType;
        // SAFETY: every member of the union is made of integers and pointers.
        let (oid, buffer, input, room, method) = unsafe {
            match kind {
                NdisRequestMethod => {
                    let data = &request.DATA.METHOD_INFORMATION;
                    let lengths = (data.InputBufferLength as usize, data.OutputBufferLength as usize);
                    (data.Oid, data.InformationBuffer, lengths.0, lengths.1, data.MethodId)
                }
                _ => {
                    let data = &request.DATA.QUERY_INFORMATION;
                    let length = data.InformationBufferLength as usize;
                    let is_set = kind == NdisRequestSetInformation;
                    let (input, room) = if is_set { (length, 0) } else { (0, length) };
                    (data.Oid, data.InformationBuffer, input, room, 0)
                }
            }
        };
        let input = match input {
            0 => Vec::new(),
            // SAFETY: by the contract of this function.
            length => unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), length) }.to_vec(),
        };
        Self {
            path,
            kind,
            oid,
            input,
            room,
            method,
            port: request.PortNumber,
            timeout: request.Timeout,
            id: request.RequestId as usize,
            revision: request.SupportedRevision,
            switch: (request.SwitchId, request.VPortId, request.Flags),
        }
    }
}

impl Adapter {
    /// A protocol makes a request and does not wait for its end.
    pub fn issue(&self, request: &OidRequest) -> Issued {
        let (pointer, buffer) = request.build();
        if request.path == Path::Synchronous {
            // SAFETY: the request lives until its answer is taken.
            let status = unsafe { oid::synchronous_below(self, usize::MAX, pointer) };
            return Issued { request: pointer, buffer, status, done: None };
        }
        let (status, done) = oid::issue(self, pointer, request.path == Path::Direct);
        Issued { request: pointer, buffer, status, done: Some(done) }
    }
}

impl Issued {
    /// Whether the request is complete.
    pub fn is_complete(&self) -> bool {
        self.status != NDIS_STATUS_PENDING || self.done.as_ref().is_some_and(|done| done.is_told())
    }

    /// Waits for the end, as long as NDIS would, and takes the answer.
    pub fn answer(self) -> OidAnswer {
        let status = match &self.done {
            Some(done) => oid::settle(self.request, self.status, done),
            None => self.status,
        };
        // SAFETY: both come from `build`, and nobody has the request any more.
        let (request, buffer) = unsafe { (Box::from_raw(self.request), *Box::from_raw(self.buffer)) };
        // SAFETY: every member of the union is made of integers and pointers.
        let (written, read, needed) = unsafe {
            match request.RequestType {
                NdisRequestMethod => {
                    let data = &request.DATA.METHOD_INFORMATION;
                    (data.BytesWritten, data.BytesRead, data.BytesNeeded)
                }
                _ => {
                    let data = &request.DATA.QUERY_INFORMATION;
                    (data.BytesWritten, data.BytesWritten, data.BytesNeeded)
                }
            }
        };
        OidAnswer { status, written, read, needed, revision: request.SupportedRevision, buffer }
    }
}
