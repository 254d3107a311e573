//! What a classify function is given, with every index, type and presence bit checked, and what it may answer.

use core::ffi::c_void;
use core::ptr::NonNull;

use ddk::fwp::{
    FWP_ACTION_BLOCK, FWP_ACTION_CONTINUE, FWP_ACTION_PERMIT, FWP_BYTE_ARRAY16_TYPE, FWP_BYTE_BLOB,
    FWP_BYTE_BLOB_TYPE, FWP_SID, FWP_TOKEN_ACCESS_INFORMATION_TYPE, FWP_UINT8, FWP_UINT16, FWP_UINT32,
    FWP_UINT64, FWP_VALUE0, FWPS_CLASSIFY_OUT_FLAG_ABSORB, FWPS_CLASSIFY_OUT0,
    FWPS_FILTER_FLAG_CLEAR_ACTION_RIGHT, FWPS_FILTER2, FWPS_INCOMING_METADATA_VALUES0, FWPS_INCOMING_VALUES0,
    FWPS_LAYER_ALE_AUTH_CONNECT_V4, FWPS_LAYER_ALE_AUTH_CONNECT_V6, FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4,
    FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6, FWPS_LAYER_OUTBOUND_IPPACKET_V4, FWPS_LAYER_OUTBOUND_IPPACKET_V6,
    FWPS_METADATA_FIELD_COMPARTMENT_ID, FWPS_METADATA_FIELD_COMPLETION_HANDLE,
    FWPS_METADATA_FIELD_FLOW_HANDLE, FWPS_METADATA_FIELD_IP_HEADER_SIZE,
    FWPS_METADATA_FIELD_PACKET_DIRECTION, FWPS_METADATA_FIELD_PROCESS_ID,
    FWPS_METADATA_FIELD_REMOTE_SCOPE_ID, FWPS_METADATA_FIELD_TRANSPORT_CONTROL_DATA,
    FWPS_METADATA_FIELD_TRANSPORT_ENDPOINT_HANDLE, FWPS_METADATA_FIELD_TRANSPORT_HEADER_INCLUDE_HEADER,
    FWPS_METADATA_FIELD_TRANSPORT_HEADER_SIZE, FWPS_RIGHT_ACTION_WRITE,
};
use ddk::ndis::NET_BUFFER_LIST;
use ddk::nt::TOKEN_ACCESS_INFORMATION;

use super::inject::Shown;
use super::pend::PendedOperation;
use crate::ndis::NetBuffers;
use crate::status::Status;

/// An address of a classify: IPv6, or IPv4 in network order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ip {
    /// IPv4.
    V4([u8; 4]),
    /// IPv6.
    V6([u8; 16]),
}

/// Layers whose data, where there are any, are an NBL.
const PACKET_LAYERS: [i32; 4] = [
    FWPS_LAYER_ALE_AUTH_CONNECT_V4,
    FWPS_LAYER_ALE_AUTH_CONNECT_V6,
    FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4,
    FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6,
];

/// One classify call. Everything in it is valid only during the call.
pub struct Classify<'a> {
    pub(super) values: &'a FWPS_INCOMING_VALUES0,
    pub(super) metadata: &'a FWPS_INCOMING_METADATA_VALUES0,
    /// What the layer shows.
    pub(super) data: *mut c_void,
    /// Id of the callout that is asked.
    pub(super) callout: Option<u32>,
}

impl<'a> Classify<'a> {
    /// The layer that classifies (`FWPS_LAYER_*`).
    #[must_use]
    pub fn layer(&self) -> u16 {
        self.values.layerId
    }

    /// The run-time id of the callout that is asked.
    #[must_use]
    pub fn callout(&self) -> Option<u32> {
        self.callout
    }

    /// The value of a field; `None` when the running system does not have the field.
    fn value(&self, field: u32) -> Option<&'a FWP_VALUE0> {
        if field >= self.values.valueCount || self.values.incomingValue.is_null() {
            return None;
        }
        // SAFETY: the array has `valueCount` entries and is valid for the call.
        Some(unsafe { &(*self.values.incomingValue.add(field as usize)).value })
    }

    /// An 8-bit field.
    #[must_use]
    pub fn u8(&self, field: u32) -> Option<u8> {
        let value = self.value(field).filter(|value| value.r#type == FWP_UINT8)?;
        // SAFETY: the type says which view of the union is valid.
        Some(unsafe { value.u.uint8 })
    }

    /// A 16-bit field.
    #[must_use]
    pub fn u16(&self, field: u32) -> Option<u16> {
        let value = self.value(field).filter(|value| value.r#type == FWP_UINT16)?;
        // SAFETY: the type says which view of the union is valid.
        Some(unsafe { value.u.uint16 })
    }

    /// A 32-bit field.
    #[must_use]
    pub fn u32(&self, field: u32) -> Option<u32> {
        let value = self.value(field).filter(|value| value.r#type == FWP_UINT32)?;
        // SAFETY: the type says which view of the union is valid.
        Some(unsafe { value.u.uint32 })
    }

    /// A 64-bit field.
    #[must_use]
    pub fn u64(&self, field: u32) -> Option<u64> {
        let value = self.value(field).filter(|value| value.r#type == FWP_UINT64)?;
        // SAFETY: the type says which view of the union is valid; the pointer is valid for the call when not NULL.
        unsafe { value.u.uint64.as_ref() }.copied()
    }

    /// An address field.
    #[must_use]
    pub fn ip(&self, field: u32) -> Option<Ip> {
        let value = self.value(field)?;
        match value.r#type {
            // SAFETY: the type says which view of the union is valid. IPv4 addresses are in host order.
            FWP_UINT32 => Some(Ip::V4(unsafe { value.u.uint32 }.to_be_bytes())),
            FWP_BYTE_ARRAY16_TYPE => {
                // SAFETY: the type says which view of the union is valid; the pointer is valid for the call when not NULL.
                unsafe { value.u.byteArray16.as_ref() }.map(|bytes| Ip::V6(bytes.byteArray16))
            }
            _ => None,
        }
    }

    /// A field that holds UTF-16 text, without its terminator (an application path).
    #[must_use]
    pub fn text(&self, field: u32) -> Option<&'a [u16]> {
        let value = self.value(field).filter(|value| value.r#type == FWP_BYTE_BLOB_TYPE)?;
        // SAFETY: the type says which view of the union is valid; the blob is valid for the call when not NULL.
        let blob: &'a FWP_BYTE_BLOB = unsafe { value.u.byteBlob.as_ref() }?;
        if blob.data.is_null() || !blob.data.addr().is_multiple_of(align_of::<u16>()) {
            return None;
        }
        // SAFETY: the blob holds `size` bytes, is aligned for UTF-16 (checked), and is valid for the call.
        let text = unsafe { core::slice::from_raw_parts(blob.data.cast::<u16>(), (blob.size >> 1) as usize) };
        Some(text.strip_suffix(&[0]).unwrap_or(text))
    }

    /// A field that names a user: its binary SID.
    #[must_use]
    pub fn sid(&self, field: u32) -> Option<&'a [u8]> {
        let value = self.value(field)?;
        let sid: *const u8 = match value.r#type {
            // SAFETY: the type says which view of the union is valid.
            FWP_SID => unsafe { value.u.sid }.cast(),
            FWP_TOKEN_ACCESS_INFORMATION_TYPE => {
                // SAFETY: the type says which view of the union is valid; the blob is valid for the call when not NULL.
                let blob = unsafe { value.u.tokenAccessInformation.as_ref() }?;
                if (blob.size as usize) < size_of::<TOKEN_ACCESS_INFORMATION>() || blob.data.is_null() {
                    return None;
                }
                // SAFETY: the blob holds a TOKEN_ACCESS_INFORMATION (size checked), whose pointers are valid or NULL.
                let hash = unsafe {
                    (&raw const (*blob.data.cast::<TOKEN_ACCESS_INFORMATION>()).SidHash).read_unaligned()
                };
                // SAFETY: as above.
                let hash = unsafe { hash.as_ref() }?;
                // The first SID of a token is its user.
                // SAFETY: as above; the array has `SidCount` entries.
                let user = unsafe { hash.SidAttr.as_ref() }.filter(|_| hash.SidCount != 0)?;
                user.Sid.cast_const().cast()
            }
            _ => return None,
        };
        if sid.is_null() {
            return None;
        }
        // SAFETY: a SID has at least its 8-byte header.
        let count = usize::from(unsafe { sid.add(1).read() });
        // SAFETY: the header is followed by `count` sub-authorities of 4 bytes.
        (count <= 15).then(|| unsafe { core::slice::from_raw_parts(sid, 8 + 4 * count) })
    }

    /// The packet that an ALE layer shows; `None` where there is none, as for a connect of TCP.
    #[must_use]
    pub fn packet(&self) -> Option<Shown<'a>> {
        let layer = i32::from(self.values.layerId);
        if !PACKET_LAYERS.contains(&layer) {
            return None;
        }
        // SAFETY: these layers show NULL or a list, which is valid for the call.
        NonNull::new(self.data.cast()).map(|list| unsafe { Shown::new(list) })
    }

    /// The packets that OUTBOUND_IPPACKET shows, from their IP headers on; none at other layers.
    pub fn ip_packets(&self) -> NetBuffers<'a> {
        let layer = i32::from(self.values.layerId);
        let shows = matches!(layer, FWPS_LAYER_OUTBOUND_IPPACKET_V4 | FWPS_LAYER_OUTBOUND_IPPACKET_V6);
        let list: Option<NonNull<NET_BUFFER_LIST>> = NonNull::new(self.data.cast()).filter(|_| shows);
        // SAFETY: these layers show a list, which is valid and not changed during the call.
        unsafe { NetBuffers::of(list) }
    }

    /// The metadata.
    #[must_use]
    pub fn metadata(&self) -> Metadata<'a> {
        Metadata(self.metadata)
    }
}

/// Metadata of a classify; a field whose presence bit is clear is garbage and reads as `None`.
#[derive(Clone, Copy)]
pub struct Metadata<'a>(&'a FWPS_INCOMING_METADATA_VALUES0);

impl Metadata<'_> {
    fn has(self, field: u32) -> bool {
        self.0.currentMetadataValues & field != 0
    }

    /// Process that owns the endpoint.
    #[must_use]
    pub fn process_id(self) -> Option<u64> {
        self.has(FWPS_METADATA_FIELD_PROCESS_ID).then_some(self.0.processId)
    }

    /// Routing compartment.
    #[must_use]
    pub fn compartment(self) -> Option<u32> {
        self.has(FWPS_METADATA_FIELD_COMPARTMENT_ID).then_some(self.0.compartmentId)
    }

    /// Endpoint of the flow, for injecting.
    #[must_use]
    pub fn endpoint(self) -> Option<u64> {
        self.has(FWPS_METADATA_FIELD_TRANSPORT_ENDPOINT_HANDLE).then_some(self.0.transportEndpointHandle)
    }

    /// Handle of the flow, for contexts.
    #[must_use]
    pub fn flow(self) -> Option<u64> {
        self.has(FWPS_METADATA_FIELD_FLOW_HANDLE).then_some(self.0.flowHandle)
    }

    /// Scope of the remote address.
    #[must_use]
    pub fn remote_scope(self) -> Option<u32> {
        // SAFETY: every view of the union is an integer.
        let scope = unsafe { self.0.remoteScopeId.u.Value };
        self.has(FWPS_METADATA_FIELD_REMOTE_SCOPE_ID).then_some(scope)
    }

    /// Bytes of the IP header, extension headers included.
    #[must_use]
    pub fn ip_header(self) -> Option<u32> {
        self.has(FWPS_METADATA_FIELD_IP_HEADER_SIZE).then_some(self.0.ipHeaderSize)
    }

    /// Bytes of the transport header.
    #[must_use]
    pub fn transport_header(self) -> Option<u32> {
        self.has(FWPS_METADATA_FIELD_TRANSPORT_HEADER_SIZE).then_some(self.0.transportHeaderSize)
    }

    /// Ancillary data of a send; empty when there are none.
    #[must_use]
    pub fn control_data(&self) -> &[u8] {
        let length = self.0.controlDataLength as usize;
        if !self.has(FWPS_METADATA_FIELD_TRANSPORT_CONTROL_DATA) || self.0.controlData.is_null() {
            return &[];
        }
        // SAFETY: the data are valid for the call and have that length.
        unsafe { core::slice::from_raw_parts(self.0.controlData.cast::<u8>().cast_const(), length) }
    }

    /// Whether the sender of a packet built its IP header itself.
    #[must_use]
    pub fn includes_header(self) -> bool {
        self.has(FWPS_METADATA_FIELD_TRANSPORT_HEADER_INCLUDE_HEADER)
    }

    /// Direction of the packet (`FWP_DIRECTION`), which in a reauthorisation may differ from that of the flow.
    #[must_use]
    pub fn packet_direction(self) -> Option<u32> {
        self.has(FWPS_METADATA_FIELD_PACKET_DIRECTION).then_some(self.0.packetDirection as u32)
    }
}

/// The answer of a classify, within the rules of arbitration.
pub struct Decision<'a> {
    out: &'a mut FWPS_CLASSIFY_OUT0,
    /// The filter's own wish to make a permit final.
    clear_right: bool,
}

impl<'a> Decision<'a> {
    pub(super) fn new(out: &'a mut FWPS_CLASSIFY_OUT0, filter: Option<&FWPS_FILTER2>) -> Self {
        let clear_right =
            filter.is_some_and(|filter| u32::from(filter.flags) & FWPS_FILTER_FLAG_CLEAR_ACTION_RIGHT != 0);
        Self { out, clear_right }
    }

    fn may_write(&self) -> bool {
        self.out.rights & FWPS_RIGHT_ACTION_WRITE != 0
    }

    /// Whether this callout may decide; without the right it can only veto a permit.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.may_write()
    }

    /// Puts the authorisation of the running classify off. Gives the decision back when the layer or the platform does not
    /// allow that, or when a higher filter has decided.
    #[doc(alias = "FwpsPendOperation0")]
    pub fn pend(self, classify: &Classify<'_>) -> Result<PendedOperation, (Self, Status)> {
        let metadata = classify.metadata;
        if !self.may_write() || metadata.currentMetadataValues & FWPS_METADATA_FIELD_COMPLETION_HANDLE == 0 {
            return Err((self, Status::NOT_SUPPORTED));
        }
        // SAFETY: the handle is that of this classify, which runs on this thread, and the answer follows.
        match unsafe { PendedOperation::new(metadata.completionHandle) } {
            Ok(operation) => {
                self.absorb();
                Ok(operation)
            }
            Err(status) => Err((self, status)),
        }
    }

    /// Blocks without a trace: the packet is kept, or its flow waits for an answer.
    pub fn absorb(self) {
        if self.may_write() {
            self.out.actionType = FWP_ACTION_BLOCK;
            self.out.rights &= !FWPS_RIGHT_ACTION_WRITE;
            self.out.flags |= FWPS_CLASSIFY_OUT_FLAG_ABSORB;
        } else {
            self.block();
        }
    }

    /// Leaves the decision to the next filter.
    pub fn pass(self) {
        if self.may_write() {
            self.out.actionType = FWP_ACTION_CONTINUE;
        }
    }

    /// Permits, unless a higher filter has taken the right to decide.
    pub fn permit(self) {
        if self.may_write() {
            self.out.actionType = FWP_ACTION_PERMIT;
            if self.clear_right {
                self.out.rights &= !FWPS_RIGHT_ACTION_WRITE;
            }
        }
    }

    /// Blocks, finally. Without the right to decide this vetoes a permit of a higher filter; what that filter said is
    /// not relied on being shown, and next to another block a veto changes nothing.
    pub fn block(self) {
        self.out.actionType = FWP_ACTION_BLOCK;
        self.out.rights &= !FWPS_RIGHT_ACTION_WRITE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zero::zeroed;

    fn decide(rights: u32, action: u32, answer: impl FnOnce(Decision<'_>)) -> (u32, u32) {
        let mut out = FWPS_CLASSIFY_OUT0 { rights, actionType: action, ..zeroed() };
        answer(Decision::new(&mut out, None));
        (out.actionType, out.rights)
    }

    #[test]
    fn with_the_right_every_answer_counts() {
        let right = FWPS_RIGHT_ACTION_WRITE;
        assert_eq!(
            decide(right, FWP_ACTION_CONTINUE, |decision| decision.permit()),
            (FWP_ACTION_PERMIT, right)
        );
        assert_eq!(decide(right, FWP_ACTION_CONTINUE, |decision| decision.block()), (FWP_ACTION_BLOCK, 0));
        assert_eq!(
            decide(right, FWP_ACTION_PERMIT, |decision| decision.pass()),
            (FWP_ACTION_CONTINUE, right)
        );
    }

    #[test]
    fn without_the_right_only_a_veto_counts() {
        assert_eq!(decide(0, FWP_ACTION_BLOCK, |decision| decision.permit()), (FWP_ACTION_BLOCK, 0));
        assert_eq!(decide(0, FWP_ACTION_PERMIT, |decision| decision.block()), (FWP_ACTION_BLOCK, 0));
        assert_eq!(decide(0, FWP_ACTION_BLOCK, |decision| decision.block()), (FWP_ACTION_BLOCK, 0));
        assert_eq!(decide(0, FWP_ACTION_CONTINUE, |decision| decision.block()), (FWP_ACTION_BLOCK, 0));
        assert_eq!(decide(0, FWP_ACTION_PERMIT, |decision| decision.pass()), (FWP_ACTION_PERMIT, 0));
    }

    #[test]
    fn a_filter_can_make_its_permit_final() {
        let filter = FWPS_FILTER2 { flags: FWPS_FILTER_FLAG_CLEAR_ACTION_RIGHT as u16, ..zeroed() };
        let mut out = FWPS_CLASSIFY_OUT0 { rights: FWPS_RIGHT_ACTION_WRITE, ..zeroed() };
        Decision::new(&mut out, Some(&filter)).permit();
        assert_eq!((out.actionType, out.rights), (FWP_ACTION_PERMIT, 0));
    }
}
