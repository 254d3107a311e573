//! The stream layer: the data of TCP connections in order, undecided data, and what drivers put in
//! (WFP contract §4.1, §7 I11).

use std::collections::HashMap;

use ddk::fwp::*;
use ddk::ndis::NET_BUFFER_LIST;

use super::flow::{Edge, Interface, Key, Verdict};
use super::layers::address_type;
use super::packet::{Ip, Transport, tcp};
use crate::fwp::packet::History;
use crate::fwp::{self, Indication, Value, stream};
use crate::{cpu, ndis, verifier};

/// As much as the engine buffers for a callout that needs more data.
const BUFFER: usize = 8 << 20;
const NAME: &str = "STREAM";

/// One direction of a connection.
#[derive(Debug, Default)]
struct Stream {
    /// The sequence number that comes next.
    next: Option<u32>,
    /// Data that no callout has decided about.
    bytes: Vec<u8>,
    /// The frames that carry them, and through which interface they go.
    frames: Vec<(u32, Vec<u8>)>,
    /// Bytes that have to be there before the callouts are asked again.
    required: usize,
    deferred: bool,
    /// A part of the undecided frames was blocked.
    dropped: bool,
}

/// The streams of an edge.
#[derive(Debug, Default)]
pub(super) struct Streams {
    streams: HashMap<(Key, bool), Stream>,
    pub(super) injected: Vec<StreamData>,
}

/// Data that a driver put into a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamData {
    /// The flow.
    pub flow: u64,
    /// `FWPS_STREAM_FLAG_*`.
    pub flags: u32,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What a segment says about the end of its direction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Nothing: more may come.
    Open,
    /// FIN.
    Disconnect,
    /// RST.
    Abort,
}

/// What the callouts answered about the undecided data.
enum Answer {
    Decided { permit: bool, count: usize },
    NeedMore(usize),
    Defer,
    Drop,
}

impl Edge {
    /// Data that drivers put into streams since the last call.
    pub fn take_stream_data(&mut self) -> Vec<StreamData> {
        std::mem::take(&mut self.streams.injected)
    }

    /// Shows the data of a TCP segment to the stream layer. Data that are not decided yet hold their frame
    /// back; it is emitted when they are permitted.
    pub(super) fn stream(
        &mut self,
        interface: &Interface,
        frame: &[u8],
        ip: &Ip,
        key: &Key,
        outbound: bool,
    ) -> Verdict {
        let Transport::Tcp { flags, .. } = ip.transport else { return Verdict::Pass };
        let v6 = ip.source.is_ipv6();
        if !fwp::has_filters(layer(v6)) || flags & tcp::SYN != 0 {
            return Verdict::Pass;
        }
        let Some((sequence, payload)) = segment(frame, ip) else { return Verdict::Pass };
        if payload.is_empty() {
            // The end of a direction is shown too, without data.
            if flags & (tcp::FIN | tcp::RST) != 0 {
                let end = if flags & tcp::RST != 0 { End::Abort } else { End::Disconnect };
                self.indicate_stream(key, outbound, &[], end);
            }
            return Verdict::Pass;
        }
        let held = self.streams.streams.entry((*key, outbound)).or_default();
        let next = held.next.unwrap_or(sequence);
        // What was sent before is not shown again; of an overlap only the new part is.
        let old = next.wrapping_sub(sequence) as i32;
        let old = if old > 0 { old as usize } else { 0 };
        if old >= payload.len() {
            return Verdict::Pass;
        }
        held.next = Some(sequence.wrapping_add(payload.len() as u32));
        held.bytes.extend_from_slice(&payload[old..]);
        held.frames.push((interface.index, frame.to_vec()));
        let last = flags & tcp::FIN != 0;
        if held.deferred || held.bytes.len() < held.required && !last {
            return Verdict::Blocked(NAME);
        }
        self.decide(key, outbound, last)
    }

    /// Asks about the undecided data until they are decided or the callouts want more.
    fn decide(&mut self, key: &Key, outbound: bool, last: bool) -> Verdict {
        let id = (*key, outbound);
        while let Some(held) = self.streams.streams.get_mut(&id).filter(|held| !held.bytes.is_empty()) {
            let bytes = std::mem::take(&mut held.bytes);
            let end = if last { End::Disconnect } else { End::Open };
            let answer = self.indicate_stream(key, outbound, &bytes, end);
            let Some(held) = self.streams.streams.get_mut(&id) else { return Verdict::Pass };
            held.required = 0;
            match answer {
                Answer::Decided { permit, count } => {
                    held.dropped |= !permit;
                    held.bytes = bytes[count..].to_vec();
                }
                Answer::NeedMore(more) => {
                    held.required = bytes.len() + more;
                    held.bytes = bytes;
                    return Verdict::Blocked(NAME);
                }
                Answer::Defer => {
                    held.deferred = true;
                    held.bytes = bytes;
                    return Verdict::Blocked(NAME);
                }
                Answer::Drop => {
                    self.streams.streams.remove(&id);
                    self.end_flow(key);
                    return Verdict::Blocked(NAME);
                }
            }
        }
        let Some(held) = self.streams.streams.get_mut(&id) else { return Verdict::Pass };
        let mut frames = std::mem::take(&mut held.frames);
        if std::mem::take(&mut held.dropped) {
            return Verdict::Blocked(NAME);
        }
        // The last frame is the one that is being asked about.
        frames.pop();
        for (interface, frame) in frames {
            self.emit(interface, outbound, frame);
        }
        Verdict::Pass
    }

    fn indicate_stream(&self, key: &Key, outbound: bool, bytes: &[u8], end: End) -> Answer {
        let id = layer(key.local.is_ipv6());
        let direction = if outbound { FWP_DIRECTION_OUTBOUND } else { FWP_DIRECTION_INBOUND } as u32;
        let values = [
            Value::address(key.local),
            Value::U8(address_type(key.local)),
            Value::address(key.remote),
            Value::U16(key.ports.0),
            Value::U16(key.ports.1),
            Value::U32(direction),
            Value::U32(0),
            Value::U32(self.compartment),
        ];
        let flow = self.flows.get(key).map_or(0, |flow| flow.id);
        // SAFETY: a C structure of integers and pointers, for which zero is valid.
        let mut metadata: FWPS_INCOMING_METADATA_VALUES0 = unsafe { std::mem::zeroed() };
        metadata.currentMetadataValues = FWPS_METADATA_FIELD_FLOW_HANDLE;
        metadata.flowHandle = flow;
        let mut flags = if outbound { FWPS_STREAM_FLAG_SEND } else { FWPS_STREAM_FLAG_RECEIVE };
        flags |= match (end, outbound) {
            (End::Open, _) => 0,
            (End::Disconnect, true) => FWPS_STREAM_FLAG_SEND_DISCONNECT,
            (End::Disconnect, false) => FWPS_STREAM_FLAG_RECEIVE_DISCONNECT,
            (End::Abort, true) => FWPS_STREAM_FLAG_SEND_ABORT,
            (End::Abort, false) => FWPS_STREAM_FLAG_RECEIVE_ABORT,
        };
        let last = end != End::Open;
        let level = if outbound { cpu::PASSIVE } else { cpu::DISPATCH };
        cpu::at_irql(level, || {
            ndis::stack::with(bytes, 0, &History::new(), |list| {
                let list = if bytes.is_empty() { std::ptr::null_mut() } else { list };
                let mut data = stream_data(list, bytes.len(), flags);
                let mut packet = FWPS_STREAM_CALLOUT_IO_PACKET0 {
                    streamData: &raw mut data,
                    missedBytes: 0,
                    countBytesRequired: 0,
                    countBytesEnforced: 0,
                    streamAction: FWPS_STREAM_ACTION_NONE,
                };
                let data = (&raw mut packet).cast();
                let indication = Indication { layer: id, values: &values, metadata: &metadata, data, flow };
                let decision = fwp::classify(&indication);
                answer(&packet, decision.permit, decision.filter.is_some(), bytes.len(), outbound, last)
            })
        })
    }

    /// Goes on with streams that drivers had deferred.
    pub(super) fn continue_streams(&mut self) {
        while let Some(flow) = stream::next_continued() {
            let Some(key) = self.flows.iter().find(|(_, other)| other.id == flow).map(|(key, _)| *key) else {
                continue;
            };
            let Some(held) = self.streams.streams.get_mut(&(key, false)) else { continue };
            if !std::mem::take(&mut held.deferred) {
                continue;
            }
            let last = held.frames.last().cloned();
            if self.decide(&key, false, false) == Verdict::Pass
                && let Some((interface, frame)) = last
            {
                self.emit(interface, false, frame);
            }
        }
    }

    /// Forgets the streams of a flow that has ended.
    pub(super) fn end_streams(&mut self, key: &Key) {
        self.streams.streams.remove(&(*key, true));
        self.streams.streams.remove(&(*key, false));
    }
}

/// Reads what the callouts left in the packet, and checks I11 (F-15).
fn answer(
    packet: &FWPS_STREAM_CALLOUT_IO_PACKET0,
    permit: bool,
    decided: bool,
    length: usize,
    outbound: bool,
    last: bool,
) -> Answer {
    let broken = |text: &str| verifier::violation("F-15", &format!("I11: {text}"));
    let enforced = packet.countBytesEnforced as usize;
    if enforced > length {
        broken(&format!("countBytesEnforced is {enforced}, but {length} bytes were indicated"));
    }
    let waits = matches!(packet.streamAction, FWPS_STREAM_ACTION_NEED_MORE_DATA | FWPS_STREAM_ACTION_DEFER);
    if waits && decided {
        broken("NEED_MORE_DATA and DEFER go with FWP_ACTION_NONE");
    }
    match packet.streamAction {
        FWPS_STREAM_ACTION_NEED_MORE_DATA => {
            let more = packet.countBytesRequired as usize;
            if last {
                broken("NEED_MORE_DATA, but the connection has ended");
            }
            if more == 0 || length + more > BUFFER {
                broken(&format!("NEED_MORE_DATA asks for {more} bytes behind {length}"));
            }
            Answer::NeedMore(more)
        }
        FWPS_STREAM_ACTION_DEFER if outbound => broken("DEFER is for received data only"),
        FWPS_STREAM_ACTION_DEFER => Answer::Defer,
        FWPS_STREAM_ACTION_DROP_CONNECTION => Answer::Drop,
        _ => Answer::Decided { permit, count: if enforced == 0 { length } else { enforced } },
    }
}

fn stream_data(list: *mut NET_BUFFER_LIST, length: usize, flags: u32) -> FWPS_STREAM_DATA0 {
    // SAFETY: the list was built for this indication, with one NET_BUFFER; without data there is none.
    let (buffer, mdl, offset) = unsafe {
        match list.as_ref() {
            Some(list) => {
                let buffer = list.FirstNetBuffer;
                (buffer, (*buffer).CurrentMdl, (*buffer).CurrentMdlOffset)
            }
            None => (std::ptr::null_mut(), std::ptr::null_mut(), 0),
        }
    };
    FWPS_STREAM_DATA0 {
        flags,
        dataOffset: FWPS_STREAM_DATA_OFFSET0 {
            netBufferList: list,
            netBuffer: buffer,
            mdl,
            mdlOffset: offset,
            netBufferOffset: 0,
            streamDataOffset: 0,
        },
        dataLength: length as u64,
        netBufferListChain: list,
    }
}

fn layer(v6: bool) -> u16 {
    (if v6 { FWPS_LAYER_STREAM_V6 } else { FWPS_LAYER_STREAM_V4 }) as u16
}

/// Sequence number and data of a TCP segment, without the padding of its frame.
fn segment<'a>(frame: &'a [u8], ip: &Ip) -> Option<(u32, &'a [u8])> {
    let Transport::Tcp { header_len, .. } = ip.transport else { return None };
    let packet = frame.get(ip.offset as usize..)?;
    let length = |at: usize| Some(usize::from(u16::from_be_bytes(*packet.get(at..)?.first_chunk::<2>()?)));
    let total = if ip.source.is_ipv6() { 40 + length(4)? } else { length(2)? };
    let packet = packet.get(..total.min(packet.len()))?;
    let header = packet.get(ip.header_len as usize..)?;
    let sequence = u32::from_be_bytes(*header.get(4..)?.first_chunk::<4>()?);
    Some((sequence, header.get(header_len as usize..)?))
}
