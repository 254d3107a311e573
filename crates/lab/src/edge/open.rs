//! How a flow opens: the layers that are asked one after the other, and what happens when a driver puts its
//! answer off or redirects the connection (WFP contract §4.1, §5, §8).

use std::collections::HashMap;
use std::ffi::c_void;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ddk::fwp::{FWPS_BIND_REQUEST0, FWPS_CONNECT_REQUEST0};

use super::ale::{self, Layer, Outcome};
use super::flow::{Edge, Endpoint, Interface, Key, State, Verdict};
use super::packet::Ip;
use crate::fwp;
use crate::fwp::packet::History;
use crate::fwp::pend::{self, Completion, Redirection};

const TCP: u8 = 6;
const UDP: u8 = 17;
/// Address families of Windows.
const AF_INET: u16 = 2;
const AF_INET6: u16 = 23;
/// `FWP_CONDITION_REAUTHORIZE_REASON_POLICY_CHANGE` and `_CLASSIFY_COMPLETION`.
const POLICY_CHANGE: u32 = 0x1;
const CLASSIFY_COMPLETION: u32 = 0x10;
const IS_REAUTHORIZE: u32 = 0x4;

/// The packet that opens a flow.
#[derive(Debug)]
pub(super) struct Opener {
    key: Key,
    interface: Interface,
    frame: Vec<u8>,
    ip: Ip,
    outbound: bool,
}

/// The layer data of a redirect layer: one block of the size of the larger request.
type Request = Box<[u64; size_of::<FWPS_CONNECT_REQUEST0>() / 8]>;

/// An opening that a driver has put off.
#[derive(Debug)]
struct Pending {
    opener: Opener,
    /// The layer that waits, and those after it.
    stages: Vec<Layer>,
    request: Option<Request>,
}

/// Everything that waits for a driver, by handle.
#[derive(Debug, Default)]
pub(super) struct Held {
    openings: HashMap<usize, Pending>,
    /// Endpoint closures that wait.
    pub(super) closures: HashMap<usize, Closing>,
}

/// What closes when a driver has completed its endpoint closure.
#[derive(Debug)]
pub(super) enum Closing {
    /// A connection: its key and its flow.
    Flow(Key, u64),
    /// A socket with its protocol and address.
    Socket(u8, IpAddr, u16, Endpoint),
}

impl Held {
    pub(super) fn packet(key: Key, interface: &Interface, frame: &[u8], ip: Ip, outbound: bool) -> Opener {
        Opener { key, interface: interface.clone(), frame: frame.to_vec(), ip, outbound }
    }
}

/// The layers that a new flow is shown to, in order.
pub(super) fn stages(protocol: u8, outbound: bool, fresh: bool, midstream: bool) -> Vec<Layer> {
    let mut stages = Vec::new();
    let sockets = matches!(protocol, TCP | UDP) && !midstream;
    if sockets && fresh {
        stages.extend([Layer::BindRedirect, Layer::Assignment]);
        if protocol == TCP && !outbound {
            stages.push(Layer::Listen);
        }
    }
    if outbound {
        if sockets {
            stages.push(Layer::ConnectRedirect);
        }
        stages.push(Layer::Connect);
    } else {
        stages.push(Layer::Accept);
    }
    stages
}

impl Edge {
    /// Asks the layers of a new flow; a flow that is blocked or put off ends or waits there.
    pub(super) fn open(&mut self, opener: &Opener, stages: Vec<Layer>, midstream: bool) -> Verdict {
        let reason = if midstream { POLICY_CHANGE } else { 0 };
        self.run_stages(opener, &stages, reason, midstream)
    }

    fn run_stages(&mut self, opener: &Opener, stages: &[Layer], mut reason: u32, midstream: bool) -> Verdict {
        let key = &opener.key;
        for (done, layer) in stages.iter().enumerate() {
            let (outcome, request) = self.stage(opener, *layer, reason);
            match outcome {
                Outcome::Permit => self.redirect(key, *layer, request.as_deref()),
                Outcome::Block => {
                    drop(redirection(*layer, request.as_deref()));
                    if !matches!(layer, Layer::Connect | Layer::Accept) {
                        self.refuse(key, *layer);
                    }
                    return Verdict::Blocked(layer.name());
                }
                Outcome::Pended(handle) => {
                    if let Some(flow) = self.flows.get_mut(key) {
                        flow.state = State::Pending(*layer);
                    }
                    let stages = stages[done..].to_vec();
                    let copy =
                        Held::packet(*key, &opener.interface, &opener.frame, opener.ip, opener.outbound);
                    self.held.openings.insert(handle, Pending { opener: copy, stages, request });
                    return Verdict::Blocked(layer.name());
                }
            }
            reason = if midstream { reason } else { 0 };
        }
        self.opened(&opener.frame, &opener.ip, key, midstream);
        Verdict::Pass
    }

    /// Raises one layer; redirect layers show a request, which lives on while they are put off.
    fn stage(&mut self, opener: &Opener, layer: Layer, reason: u32) -> (Outcome, Option<Request>) {
        let Opener { key, frame, ip, outbound, .. } = opener;
        if matches!(layer, Layer::Connect | Layer::Accept) {
            return (self.ask(frame, ip, key, *outbound, reason), None);
        }
        let mut request = match layer {
            Layer::ConnectRedirect => {
                // What was redirected already and is asked again is shown with its new target.
                let target = self.flows.get(key).and_then(|flow| flow.target);
                Some(connect_request(key, target.unwrap_or((key.remote, key.ports.1))))
            }
            Layer::BindRedirect => Some(bind_request(key)),
            _ => None,
        };
        let Some(flow) = self.flows.get(key) else { return (Outcome::Permit, None) };
        let mut subject = self.subject(key, flow, ip, *outbound);
        if reason != 0 {
            subject.flags |= IS_REAUTHORIZE;
            subject.reauthorize = reason;
        }
        let data: *mut c_void =
            request.as_mut().map_or(std::ptr::null_mut(), |request| request.as_mut_ptr().cast());
        (ale::indicate(layer, &subject, data), request)
    }

    /// Takes over where a driver redirected a connection to.
    fn redirect(
        &mut self,
        key: &Key,
        layer: Layer,
        request: Option<&[u64; size_of::<FWPS_CONNECT_REQUEST0>() / 8]>,
    ) {
        let by = redirection(layer, request);
        let Some(block) = request.map(|request| request.as_ptr()) else { return };
        if layer == Layer::BindRedirect {
            let request = block.cast::<FWPS_BIND_REQUEST0>();
            // SAFETY: the block holds a request, which the driver has filled in by the contract of its layer.
            let bound =
                unsafe { read_address(&*(&raw const (*request).localAddressAndPort).cast::<[u8; 28]>()) };
            if let Some(bound) = bound {
                self.rebind(key, bound);
            }
        }
        if layer == Layer::ConnectRedirect {
            let request = block.cast::<FWPS_CONNECT_REQUEST0>();
            // SAFETY: as above.
            let target =
                unsafe { read_address(&*(&raw const (*request).remoteAddressAndPort).cast::<[u8; 28]>()) };
            if let Some(flow) = self.flows.get_mut(key) {
                flow.target = target.filter(|target| *target != (key.remote, key.ports.1));
                flow.redirected_by.extend(by.map(Arc::new));
            }
        }
    }

    /// Where drivers redirected the connections that exist: original and new target.
    pub fn redirected(&self) -> Vec<((IpAddr, u16), (IpAddr, u16))> {
        let flows = self.flows.iter();
        flows.filter_map(|(key, flow)| Some(((key.remote, key.ports.1), flow.target?))).collect()
    }

    /// Goes on with what drivers have completed.
    pub(super) fn resume(&mut self) {
        self.continue_streams();
        while let Some(completion) = pend::next() {
            if let Some(closing) = self.held.closures.remove(&completion.handle) {
                match closing {
                    Closing::Flow(key, flow) => {
                        fwp::end_flow(flow);
                        self.close_endpoint(&key);
                    }
                    Closing::Socket(protocol, local, port, endpoint) => {
                        self.release(protocol, local, port, &endpoint);
                    }
                }
            } else if let Some(pending) = self.held.openings.remove(&completion.handle) {
                self.go_on(pending, completion);
            }
        }
    }

    fn go_on(&mut self, pending: Pending, completion: Completion) {
        let Pending { opener, stages, request } = pending;
        let (Some(layer), key) = (stages.first().copied(), opener.key) else { return };
        let verdict = match (layer, completion.permit) {
            // No reauthorisation: the driver injects its clone, which opens the flow anew, or drops it.
            (Layer::Accept, _) => {
                self.close_endpoint(&key);
                if let Some(flow) = self.flows.remove(&key) {
                    fwp::end_flow(flow.id);
                }
                return;
            }
            (_, Some(false)) => {
                drop(redirection(layer, request.as_deref()));
                self.refuse(&key, layer);
                return;
            }
            (_, Some(true)) => {
                self.redirect(&key, layer, request.as_deref());
                self.run_stages(&opener, &stages[1..], 0, false)
            }
            (_, None) => {
                self.redirect(&key, layer, request.as_deref());
                self.run_stages(&opener, &stages, CLASSIFY_COMPLETION, false)
            }
        };
        // The connect goes on with its SYN; packets of other protocols were flushed (P4).
        if verdict == Verdict::Pass && opener.outbound && key.protocol == TCP {
            let Opener { interface, frame, ip, .. } = &opener;
            if self.descend(interface, frame, ip, &History::new()) == Verdict::Pass
                && self.mac(Verdict::Pass, interface, frame, true) == Verdict::Pass
            {
                self.emit(interface.index, true, frame.clone());
            }
        }
    }
}

/// The redirection that a driver wrote into a request; dropping it frees the driver's context.
fn redirection(
    layer: Layer,
    request: Option<&[u64; size_of::<FWPS_CONNECT_REQUEST0>() / 8]>,
) -> Option<Redirection> {
    let request =
        request.filter(|_| layer == Layer::ConnectRedirect)?.as_ptr().cast::<FWPS_CONNECT_REQUEST0>();
    // SAFETY: the block holds a request, which the driver has filled in by the contract of its layer.
    let (handle, target, context) = unsafe {
        let request = &*request;
        (request.localRedirectHandle, request.localRedirectTargetPID, request.localRedirectContext)
    };
    let found = Redirection { handle: handle as usize, target, context: context as usize };
    (found.handle != 0 || found.context != 0).then_some(found)
}

fn connect_request(key: &Key, target: (IpAddr, u16)) -> Request {
    let mut block: Request = Box::new([0; size_of::<FWPS_CONNECT_REQUEST0>() / 8]);
    let request = block.as_mut_ptr().cast::<FWPS_CONNECT_REQUEST0>();
    // SAFETY: the block is zeroed, aligned and as large as a request.
    unsafe {
        let local = (&raw mut (*request).localAddressAndPort).cast::<[u8; 28]>();
        *local = write_address(key.local, key.ports.0);
        let remote = (&raw mut (*request).remoteAddressAndPort).cast::<[u8; 28]>();
        *remote = write_address(target.0, target.1);
    }
    block
}

fn bind_request(key: &Key) -> Request {
    let mut block: Request = Box::new([0; size_of::<FWPS_CONNECT_REQUEST0>() / 8]);
    let request = block.as_mut_ptr().cast::<FWPS_BIND_REQUEST0>();
    // SAFETY: as above; a bind request is smaller.
    unsafe {
        let local = (&raw mut (*request).localAddressAndPort).cast::<[u8; 28]>();
        *local = write_address(key.local, key.ports.0);
    }
    block
}

/// SOCKADDR_IN or SOCKADDR_IN6.
fn write_address(address: IpAddr, port: u16) -> [u8; 28] {
    let mut bytes = [0; 28];
    let family = if address.is_ipv4() { AF_INET } else { AF_INET6 };
    bytes[..2].copy_from_slice(&family.to_le_bytes());
    bytes[2..4].copy_from_slice(&port.to_be_bytes());
    match address {
        IpAddr::V4(v4) => bytes[4..8].copy_from_slice(&v4.octets()),
        IpAddr::V6(v6) => bytes[8..24].copy_from_slice(&v6.octets()),
    }
    bytes
}

fn read_address(bytes: &[u8; 28]) -> Option<(IpAddr, u16)> {
    let port = u16::from_be_bytes([bytes[2], bytes[3]]);
    match u16::from_le_bytes([bytes[0], bytes[1]]) {
        AF_INET => {
            let octets: [u8; 4] = bytes[4..8].try_into().ok()?;
            Some((Ipv4Addr::from(octets).into(), port))
        }
        AF_INET6 => {
            let octets: [u8; 16] = bytes[8..24].try_into().ok()?;
            Some((Ipv6Addr::from(octets).into(), port))
        }
        _ => None,
    }
}
