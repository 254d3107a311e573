//! What a run of the lab gives: one document, printed as JSON or as tables. `docs/weirctl.md` describes it.

use std::net::IpAddr;

use serde::Deserialize;
use serde::Serialize;

/// Version of the document; a field that goes or changes its meaning raises it, a new field does not.
pub const SCHEMA: u32 = 1;

/// The whole document.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Always `lab run`.
    pub command: &'static str,
    /// The input.
    pub capture: Capture,
    /// Which side is ours.
    pub local: Local,
    /// The driver image.
    pub image: String,
    /// The policy file.
    pub policy_file: Option<String>,
    /// What the driver tells about itself; absent if it did not live to be asked.
    pub driver: Option<Driver>,
    /// What became of the frames, as the lab saw it; absent if the run did not end.
    pub frames: Option<Frames>,
    /// What the checks found.
    pub verifier: Verifier,
    /// One sentence.
    pub summary: String,
}

/// A capture file.
#[derive(Clone, Debug, Serialize)]
pub struct Capture {
    /// Its path.
    pub file: String,
    /// `pcap` or `pcapng`.
    pub format: &'static str,
    /// Frames in it.
    pub frames: u64,
    /// Captured bytes of them.
    pub bytes: u64,
    /// Frames of which only the beginning was captured.
    pub cut: u64,
    /// Time of the first frame.
    pub first: Option<String>,
    /// From the earliest to the latest frame, in nanoseconds.
    pub duration_ns: u64,
    /// Its interfaces.
    pub interfaces: Vec<Interface>,
    /// Why it could not be read to its end.
    pub damage: Option<String>,
}

/// An interface of a capture file.
#[derive(Clone, Debug, Serialize)]
pub struct Interface {
    /// Its name, if the file has it.
    pub name: Option<String>,
    /// Its link type, as a number...
    pub link_type: u16,
    /// ... and in words.
    pub link_type_name: String,
    /// Frames of it.
    pub frames: u64,
}

/// Which addresses are ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Local {
    /// The addresses.
    pub addresses: Vec<IpAddr>,
    /// True if nobody said so.
    pub assumed: bool,
    /// Where they come from.
    pub because: String,
}

/// What the driver tells about itself through its control device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Driver {
    /// Its version.
    pub version: String,
    /// Version of the control contract.
    pub api_version: u32,
    /// NDIS version that it registered with.
    pub ndis: String,
    /// Whether its callouts are in place.
    pub wfp_active: bool,
    /// Flows that its table has room for.
    pub flow_capacity: u32,
    /// Frames that it let through.
    pub frames_permitted: u64,
    /// Frames that it dropped.
    pub frames_blocked: u64,
    /// The policy in force.
    pub policy: Option<Policy>,
    /// Adapters that it is attached to.
    pub adapters: Vec<Adapter>,
    /// Its flow table.
    pub flows: Vec<Flow>,
    /// Its counters.
    pub counters: Vec<Counter>,
    /// Malformed frames by reason.
    pub malformed: Vec<Counter>,
}

/// The policy in force.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Policy {
    /// Rises with every change.
    pub generation: u32,
    /// Default of flows that this machine opens: `permit` or `block`.
    pub outbound: String,
    /// Default of flows that others open.
    pub inbound: String,
    /// What happens to the undecidable: `open` or `closed`.
    pub failure: String,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
}

/// A rule and how often it decided.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rule {
    /// Its place in the policy, from 0.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// `permit` or `block`.
    pub action: String,
    /// Frames that it decided.
    pub frames: u64,
    /// Connections that it decided at ALE.
    pub flows: u64,
}

/// An adapter that the driver is attached to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Adapter {
    /// Friendly name.
    pub name: String,
    /// Locally unique number.
    pub luid: u64,
    /// Interface index.
    pub index: u32,
    /// `Ethernet` or `IP`.
    pub medium: String,
    /// State of the filter module.
    pub state: String,
    /// Hardware address.
    pub mac: String,
    /// Frames sent that the filter saw.
    pub frames_sent: u64,
    /// Frames received that the filter saw.
    pub frames_received: u64,
    /// Frames blocked.
    pub frames_blocked: u64,
}

/// An entry of the flow table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Flow {
    /// Its number.
    pub id: u64,
    /// Whose it is.
    pub process: Option<Process>,
    /// SID of the user.
    pub user: Option<String>,
    /// IP protocol number.
    pub protocol: u8,
    /// Its name.
    pub protocol_name: String,
    /// Our address.
    pub local_address: IpAddr,
    /// Our port, for protocols that have ports.
    pub local_port: Option<u16>,
    /// The other address.
    pub remote_address: IpAddr,
    /// The other port.
    pub remote_port: Option<u16>,
    /// Identifier of an ICMP echo.
    pub icmp_id: Option<u16>,
    /// Routing compartment.
    pub compartment: u32,
    /// Name of the adapter that carried the latest frame.
    pub adapter: Option<String>,
    /// Who opened it: `out`, `in` or `unknown`.
    pub origin: String,
    /// `permit`, `block` or `undecided`.
    pub verdict: String,
    /// Who decided that.
    pub decided_by: DecidedBy,
    /// Generation of the policy that decided.
    pub policy_generation: u32,
    /// Where it is in its life.
    pub state: String,
    /// ALE was asked about it.
    pub authorized_by_ale: bool,
    /// ALE reported it as established.
    pub established: bool,
    /// Fragments were seen.
    pub fragmented: bool,
    /// Sent and let through.
    pub sent: Traffic,
    /// Received and let through.
    pub received: Traffic,
    /// Sent and dropped.
    pub sent_blocked: Traffic,
    /// Received and dropped.
    pub received_blocked: Traffic,
    /// When it was first seen.
    pub first_seen: Option<String>,
    /// When it was last seen.
    pub last_seen: Option<String>,
}

/// A process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Process {
    /// Process id.
    pub id: u64,
    /// Last part of `image`.
    pub name: String,
    /// Path of its program in NT form, lower case.
    pub image: Option<String>,
}

/// Who decided about a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum DecidedBy {
    /// A rule.
    Rule {
        /// Its place in the policy.
        index: u32,
        /// Its name, if its policy is still in force.
        name: Option<String>,
    },
    /// The default of the direction.
    Default,
    /// Nobody.
    Nothing,
}

/// Frames and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Frames.
    pub frames: u64,
    /// Bytes, link-layer headers included.
    pub bytes: u64,
}

/// A named number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Counter {
    /// What is counted.
    pub name: String,
    /// How much.
    pub value: u64,
}

/// What became of the frames of the capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frames {
    /// Frames of the capture that entered the machine, at its wire or at its sockets.
    pub total: u64,
    /// Sent, and out on the wire.
    pub to_wire: u64,
    /// Received, and up in the TCP/IP stack.
    pub to_stack: u64,
    /// Dropped by the filter.
    pub blocked_by_filter: u64,
    /// Never sent, or not delivered to the application, because ALE refused the connection.
    pub blocked_by_ale: u64,
    /// Neither: dropped by the simulated stack itself (malformed, not for us).
    pub not_deliverable: u64,
}

/// What the checks found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Verifier {
    /// `no finding`, `finding`, `bug check`, `leak` or `unfinished`.
    pub verdict: &'static str,
    /// Broken rules and bug checks.
    pub findings: Vec<Finding>,
    /// What the driver left behind.
    pub leaks: Vec<Leak>,
}

/// A broken rule or a bug check.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The rule.
    pub rule: String,
    /// What the rule asks for.
    pub rule_text: String,
    /// Where the rule comes from.
    pub source: String,
    /// What happened.
    pub text: String,
    /// The system function that the driver had called.
    pub export: Option<String>,
    /// The driver's call, as `image!function (file:line)`.
    pub caller: Option<String>,
    /// The driver's stack, innermost first.
    pub stack: Vec<String>,
}

/// Something the driver left behind.
#[derive(Clone, Debug, Serialize)]
pub struct Leak {
    /// The rule that this breaks.
    pub rule: String,
    /// What it is.
    pub what: String,
    /// The call that created it.
    pub creator: String,
}
