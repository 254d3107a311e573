//! One function per I/O control. Requests, replies and errors are those of the crate `weir_ioctl`.

use core::sync::atomic::Ordering;

use kernel::irql::Passive;
use kernel::status::Status;
use kernel::wdf::{DeviceControl, Request};
use weir_core::counters::Counter;
use weir_core::wire::Malformed;
use weir_ioctl::zerocopy::{FromBytes, Immutable, IntoBytes};
use weir_ioctl::{
    API_VERSION, Control, CounterId, GetPolicyReply, GetPolicyRequest, SetPolicyReply, StatusReply,
    VersionReply,
};

use super::{ask, pages, tap};
use crate::shared::{SHARED, Shared, processor};

/// Handler of the control device.
pub(super) enum Controls {}

impl DeviceControl for Controls {
    fn device_control(mut request: Request, code: u32, at: Passive<'_>) {
        // The device takes requests only while the driver is up.
        let result = match SHARED.get() {
            Some(shared) if Control(code) == Control::QUESTIONS => return ask::listen(shared, request, at),
            Some(shared) => dispatch(shared, &mut request, Control(code), at),
            None => Err(Status::INVALID_DEVICE_REQUEST),
        };
        request.complete(result);
    }
}

/// Answers with the number of bytes written to the output.
fn dispatch(
    shared: &Shared,
    request: &mut Request,
    control: Control,
    at: Passive<'_>,
) -> Result<usize, Status> {
    match control {
        Control::VERSION => version(shared, request),
        Control::STATUS => status(shared, request),
        Control::ADAPTERS => pages::adapters(shared, request),
        Control::SET_POLICY => set_policy(shared, request, at),
        Control::GET_POLICY => get_policy(shared, request),
        Control::LIST_FLOWS => pages::flows(shared, request),
        Control::LIST_IDENTITIES => pages::identities(shared, request),
        Control::RULE_HITS => pages::rule_hits(shared, request),
        Control::TAP_OPEN => tap::open(shared, request, at),
        Control::TAP_READ => tap::read(shared, request),
        Control::ANSWER => ask::answer(shared, request),
        Control::ASK_STATUS => ask::status(shared, request),
        _ => Err(Status::INVALID_DEVICE_REQUEST),
    }
}

/// The input as a request structure: it must have exactly its size.
pub(super) fn input<T: FromBytes>(request: &Request) -> Result<T, Status> {
    T::read_from_bytes(request.input()?).map_err(|_| Status::INVALID_BUFFER_SIZE)
}

/// Checks that there is no input.
pub(super) fn no_input(request: &Request) -> Result<(), Status> {
    if request.input()?.is_empty() { Ok(()) } else { Err(Status::INVALID_BUFFER_SIZE) }
}

/// Writes `reply` as the whole output.
pub(super) fn reply<T: IntoBytes + Immutable>(request: &mut Request, reply: &T) -> Result<usize, Status> {
    let output = request.output(size_of::<T>())?;
    reply.write_to_prefix(output).map_err(|_| Status::BUFFER_TOO_SMALL)?;
    Ok(size_of::<T>())
}

fn version(shared: &Shared, request: &mut Request) -> Result<usize, Status> {
    no_input(request)?;
    reply(
        request,
        &VersionReply { api_version: API_VERSION, driver: DRIVER_VERSION, ndis: shared.ndis_version },
    )
}

/// The package version as four numbers.
const DRIVER_VERSION: [u16; 4] = [
    number(env!("CARGO_PKG_VERSION_MAJOR")),
    number(env!("CARGO_PKG_VERSION_MINOR")),
    number(env!("CARGO_PKG_VERSION_PATCH")),
    0,
];

/// A decimal number in a constant.
#[expect(clippy::panic, reason = "evaluated by the compiler only")]
const fn number(text: &str) -> u16 {
    match u16::from_str_radix(text, 10) {
        Ok(number) => number,
        Err(_) => panic!("version numbers are below 65536"),
    }
}

/// Proves that the control contract numbers the engine's counters as the engine does.
macro_rules! same_numbers {
    ($($counter:ident = $id:ident,)*) => {
        const _: () = {
            $(assert!(Counter::$counter as u32 == CounterId::$id.0, stringify!($counter));)*
            assert!(Counter::ALL.len() == [$(CounterId::$id),*].len());
        };
    };
}

same_numbers! {
    PermittedNoPolicy = PERMITTED_NO_POLICY,
    PermittedByRule = PERMITTED_BY_RULE,
    PermittedByDefault = PERMITTED_BY_DEFAULT,
    PermittedUndecided = PERMITTED_UNDECIDED,
    PermittedByFailure = PERMITTED_BY_FAILURE,
    BlockedByRule = BLOCKED_BY_RULE,
    BlockedByDefault = BLOCKED_BY_DEFAULT,
    BlockedByFailure = BLOCKED_BY_FAILURE,
    BlockedByLimit = BLOCKED_BY_LIMIT,
    FramesSent = FRAMES_SENT,
    BytesSent = BYTES_SENT,
    FramesReceived = FRAMES_RECEIVED,
    BytesReceived = BYTES_RECEIVED,
    BytesBlocked = BYTES_BLOCKED,
    NonIp = NON_IP,
    Ipv4 = IPV4,
    Ipv6 = IPV6,
    Vlan = VLAN,
    Tunnels = TUNNELS,
    Malformed = MALFORMED,
    Fragments = FRAGMENTS,
    FragmentsUnmatched = FRAGMENTS_UNMATCHED,
    FlowHits = FLOW_HITS,
    FlowsCreated = FLOWS_CREATED,
    FlowsRemoved = FLOWS_REMOVED,
    TableFull = TABLE_FULL,
    IdentitiesFull = IDENTITIES_FULL,
    Evaluations = EVALUATIONS,
    Authorizations = AUTHORIZATIONS,
    AuthorizationsBlocked = AUTHORIZATIONS_BLOCKED,
    Delayed = DELAYED,
    DelayedDropped = DELAYED_DROPPED,
    RejectsSent = REJECTS_SENT,
    RejectsSuppressed = REJECTS_SUPPRESSED,
    Marked = MARKED,
    MarksFailed = MARKS_FAILED,
    Tapped = TAPPED,
    TapLost = TAP_LOST,
    SeenBefore = SEEN_BEFORE,
    AddressesNamed = ADDRESSES_NAMED,
    ServersNamed = SERVERS_NAMED,
}

#[inline(never)]
fn status(shared: &Shared, request: &mut Request) -> Result<usize, Status> {
    no_input(request)?;
    let output = request.output(size_of::<StatusReply>())?;
    let (status, _) = StatusReply::mut_from_prefix(output).map_err(|_| Status::BUFFER_TOO_SMALL)?;
    let engine = shared.engine.status();
    status.started = shared.started.0;
    status.policy_generation = engine.generation;
    status.rules = engine.rules;
    status.flows = engine.flows;
    status.flow_capacity = engine.flow_capacity;
    status.identities = engine.identities;
    status.adapters = shared.adapters.lock().count();
    status.processors = shared.processors;
    status.wfp_active = u32::from(shared.platform.is_active());
    let contexts = &shared.flows;
    status.contexts_attached = contexts.attached.load(Ordering::Relaxed);
    status.contexts_refused = contexts.refused.load(Ordering::Relaxed);
    status.contexts_early = contexts.early.load(Ordering::Relaxed);
    status.contexts = contexts.count();
    for (value, counter) in status.counters.iter_mut().zip(Counter::ALL) {
        *value = shared.engine.counter(*counter);
    }
    for (value, reason) in status.malformed.iter_mut().zip(Malformed::ALL) {
        *value = shared.engine.malformed(reason);
    }
    Ok(size_of::<StatusReply>())
}

fn set_policy(shared: &Shared, request: &mut Request, at: Passive<'_>) -> Result<usize, Status> {
    let image = Shared::copy_policy(request.input()?)?;
    // Asked for first: a policy must not come into force and then fail to be answered.
    let output = request.output(size_of::<SetPolicyReply>())?;
    let (reply, _) = SetPolicyReply::mut_from_prefix(output).map_err(|_| Status::BUFFER_TOO_SMALL)?;
    reply.generation = shared.set_policy(image, at)?;
    reply.rules = shared.engine.status().rules;
    Ok(size_of::<SetPolicyReply>())
}

fn get_policy(shared: &Shared, request: &mut Request) -> Result<usize, Status> {
    let wanted: GetPolicyRequest = input(request)?;
    let output = request.output(size_of::<GetPolicyReply>())?;
    let (head, body) = GetPolicyReply::mut_from_prefix(output).map_err(|_| Status::BUFFER_TOO_SMALL)?;
    shared.engine.with_policy(processor(), |policy| {
        let (generation, image) = policy.unwrap_or((0, &[]));
        if wanted.generation != 0 && wanted.generation != generation {
            return Err(Status::RETRY);
        }
        let rest = image.get(wanted.offset as usize..).ok_or(Status::INVALID_PARAMETER)?;
        head.total = u32::try_from(image.len()).map_err(|_| Status::INVALID_PARAMETER)?;
        head.generation = generation;
        let mut written = 0;
        for (to, from) in body.iter_mut().zip(rest) {
            *to = *from;
            written += 1;
        }
        Ok(size_of::<GetPolicyReply>() + written)
    })
}
