//! What a run of the lab gives: one document, printed as JSON or as tables. `docs/weirctl.md` describes it.

use std::net::IpAddr;

use serde::Deserialize;
use serde::Serialize;

use crate::text;

/// Version of the document; a field that goes or changes its meaning raises it, a new field does not.
pub(crate) const SCHEMA: u32 = 1;

/// The whole document.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// Always `lab run`.
    pub(crate) command: &'static str,
    /// The input.
    pub(crate) capture: Capture,
    /// Which side is ours.
    pub(crate) local: Local,
    /// The driver image.
    pub(crate) image: String,
    /// The policy file.
    pub(crate) policy_file: Option<String>,
    /// What the driver tells about itself; absent if it did not live to be asked.
    pub(crate) driver: Option<Driver>,
    /// What became of the frames, as the lab saw it; absent if the run did not end.
    pub(crate) frames: Option<Frames>,
    /// What the checks found.
    pub(crate) verifier: Verifier,
    /// One sentence.
    pub(crate) summary: String,
}

/// A capture file.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Capture {
    /// Its path.
    pub(crate) file: String,
    /// `pcap` or `pcapng`.
    pub(crate) format: &'static str,
    /// Frames in it.
    pub(crate) frames: u64,
    /// Captured bytes of them.
    pub(crate) bytes: u64,
    /// Frames of which only the beginning was captured.
    pub(crate) cut: u64,
    /// Time of the first frame.
    pub(crate) first: Option<String>,
    /// From the earliest to the latest frame, in nanoseconds.
    pub(crate) duration_ns: u64,
    /// Its interfaces.
    pub(crate) interfaces: Vec<Interface>,
    /// Why it could not be read to its end.
    pub(crate) damage: Option<String>,
}

/// An interface of a capture file.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Interface {
    /// Its name, if the file has it.
    pub(crate) name: Option<String>,
    /// Its link type, as a number...
    pub(crate) link_type: u16,
    /// ... and in words.
    pub(crate) link_type_name: String,
    /// Frames of it.
    pub(crate) frames: u64,
}

/// Which addresses are ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Local {
    /// The addresses.
    pub(crate) addresses: Vec<IpAddr>,
    /// True if nobody said so.
    pub(crate) assumed: bool,
    /// Where they come from.
    pub(crate) because: String,
}

/// What the driver tells about itself through its control device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Driver {
    /// Its version.
    pub(crate) version: String,
    /// Version of the control contract.
    pub(crate) api_version: u32,
    /// NDIS version that it registered with.
    pub(crate) ndis: String,
    /// Whether its callouts are in place.
    pub(crate) wfp_active: bool,
    /// Flows that its table has room for.
    pub(crate) flow_capacity: u32,
    /// Frames that it let through.
    pub(crate) frames_permitted: u64,
    /// Frames that it dropped.
    pub(crate) frames_blocked: u64,
    /// The policy in force.
    pub(crate) policy: Option<Policy>,
    /// Adapters that it is attached to.
    pub(crate) adapters: Vec<Adapter>,
    /// Its flow table.
    pub(crate) flows: Vec<Flow>,
    /// Its counters.
    pub(crate) counters: Vec<Counter>,
    /// Malformed frames by reason.
    pub(crate) malformed: Vec<Counter>,
}

/// The policy in force.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Policy {
    /// Rises with every change.
    pub(crate) generation: u32,
    /// Default of flows that this machine opens: `permit` or `block`.
    pub(crate) outbound: String,
    /// Default of flows that others open.
    pub(crate) inbound: String,
    /// What happens to the undecidable: `open` or `closed`.
    pub(crate) failure: String,
    /// Its rules, in order.
    pub(crate) rules: Vec<Rule>,
}

/// A rule and how often it decided.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rule {
    /// Its place in the policy, from 0.
    pub(crate) index: u32,
    /// Its name.
    pub(crate) name: String,
    /// `permit`, `block` or `reject`.
    pub(crate) action: String,
    /// What it does beyond that, in words; empty for nothing.
    pub(crate) extras: String,
    /// Frames that it decided.
    pub(crate) frames: u64,
    /// Connections that it decided at ALE.
    pub(crate) flows: u64,
}

/// An adapter that the driver is attached to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Adapter {
    /// Friendly name.
    pub(crate) name: String,
    /// Locally unique number.
    pub(crate) luid: u64,
    /// Number of the attachment since the driver started.
    pub(crate) generation: u64,
    /// Interface index.
    pub(crate) index: u32,
    /// `Ethernet` or `IP`.
    pub(crate) medium: String,
    /// State of the filter module.
    pub(crate) state: String,
    /// Whether there is a link.
    pub(crate) media: String,
    /// Bytes of a packet that fit into a frame, 0 when not known.
    pub(crate) mtu: u32,
    /// Hardware address.
    pub(crate) mac: String,
    /// Frames sent that the filter saw.
    pub(crate) frames_sent: u64,
    /// Frames received that the filter saw.
    pub(crate) frames_received: u64,
    /// Frames blocked.
    pub(crate) frames_blocked: u64,
    /// Packets on the wire that the frames sent stand for.
    pub(crate) segments_sent: u64,
    /// Packets on the wire that the frames received stand for.
    pub(crate) segments_received: u64,
}

/// An entry of the flow table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Flow {
    /// Its number.
    pub(crate) id: u64,
    /// Whose it is.
    pub(crate) process: Option<Process>,
    /// SID of the user.
    pub(crate) user: Option<String>,
    /// SID of the package (AppContainer).
    pub(crate) package: Option<String>,
    /// IP protocol number.
    pub(crate) protocol: u8,
    /// Its name.
    pub(crate) protocol_name: String,
    /// Our address.
    pub(crate) local_address: IpAddr,
    /// Our port, for protocols that have ports.
    pub(crate) local_port: Option<u16>,
    /// The other address.
    pub(crate) remote_address: IpAddr,
    /// The other port.
    pub(crate) remote_port: Option<u16>,
    /// Identifier of an ICMP echo.
    pub(crate) icmp_id: Option<u16>,
    /// Name of the other end, as far as it is known.
    pub(crate) name: Option<String>,
    /// Routing compartment.
    pub(crate) compartment: u32,
    /// Name of the adapter that carried its first frame.
    pub(crate) adapter: Option<String>,
    /// Who opened it: `out`, `in` or `unknown`.
    pub(crate) origin: String,
    /// `permit`, `block` or `undecided`.
    pub(crate) verdict: String,
    /// Who decided that.
    pub(crate) decided_by: DecidedBy,
    /// Generation of the policy that decided.
    pub(crate) policy_generation: u32,
    /// Where it is in its life.
    pub(crate) state: String,
    /// ALE was asked about it.
    pub(crate) authorized_by_ale: bool,
    /// ALE reported it as established.
    pub(crate) established: bool,
    /// Fragments were seen.
    pub(crate) fragmented: bool,
    /// Both ends are this machine.
    pub(crate) loopback: bool,
    /// Sent and let through.
    pub(crate) sent: Traffic,
    /// Received and let through.
    pub(crate) received: Traffic,
    /// Sent and dropped.
    pub(crate) sent_blocked: Traffic,
    /// Received and dropped.
    pub(crate) received_blocked: Traffic,
    /// When it was first seen.
    pub(crate) first_seen: Option<String>,
    /// When it was last seen.
    pub(crate) last_seen: Option<String>,
}

/// A process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Process {
    /// Process id.
    pub(crate) id: u64,
    /// When the process was created; with the id it names one process.
    pub(crate) created: Option<String>,
    /// Last part of `image`.
    pub(crate) name: String,
    /// Path of its program in NT form, lower case.
    pub(crate) image: Option<String>,
    /// That path with a drive letter.
    pub(crate) path: Option<String>,
}

/// Who decided about a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum DecidedBy {
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

impl Report {
    /// Who dropped how many frames: at the filter, as the driver counts, and at ALE.
    pub(crate) fn drops(&self) -> Vec<Drops> {
        let mut drops = Vec::new();
        if let Some(driver) = &self.driver {
            let rules = driver.policy.iter().flat_map(|policy| &policy.rules);
            for rule in rules.filter(|rule| rule.action != "permit") {
                let by = DecidedBy::Rule { index: rule.index, name: Some(rule.name.clone()) };
                drops.push(Drops { by: by.words(), filter: rule.frames, ale: self.stopped_at_ale(&by) });
            }
            let of = |name: &str| {
                driver.counters.iter().find(|counter| counter.name == name).map_or(0, |counter| counter.value)
            };
            let by = DecidedBy::Default;
            let filter = of("blocked by default");
            drops.push(Drops { by: by.words(), filter, ale: self.stopped_at_ale(&by) });
            let filter = of("over a rate limit");
            drops.push(Drops { by: "rate limits".into(), filter, ale: 0 });
            let filter = of("undecidable, blocked");
            drops.push(Drops { by: "failure = \"closed\"".into(), filter, ale: 0 });
        }
        drops.retain(|drops| drops.by.starts_with("rule") || drops.filter + drops.ale > 0);
        drops
    }

    fn stopped_at_ale(&self, by: &DecidedBy) -> u64 {
        let counts = self.frames.iter().flat_map(|frames| &frames.blocked_by_ale_per_decider);
        counts.filter(|count| count.decided_by == *by).map(|count| count.frames).sum()
    }
}

impl DecidedBy {
    /// Who, in words; nothing for nobody.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Rule { name: Some(name), .. } => format!("rule '{}'", text::printable(name)),
            Self::Rule { index, name: None } => format!("rule {index} of an earlier policy"),
            Self::Default => "default".into(),
            Self::Nothing => String::new(),
        }
    }
}

/// Frames that one decider dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Drops {
    /// Who, in words.
    pub(crate) by: String,
    /// At the filter.
    pub(crate) filter: u64,
    /// At ALE: never sent, or not delivered.
    pub(crate) ale: u64,
}

/// Frames and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Traffic {
    /// Frames.
    pub(crate) frames: u64,
    /// Bytes, link-layer headers included.
    pub(crate) bytes: u64,
}

/// A named number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Counter {
    /// What is counted.
    pub(crate) name: String,
    /// How much.
    pub(crate) value: u64,
}

/// What became of the frames of the capture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frames {
    /// Frames of the capture that entered the machine, at its wire or at its sockets.
    pub(crate) total: u64,
    /// Sent, and out on the wire.
    pub(crate) to_wire: u64,
    /// Received, and up in the TCP/IP stack.
    pub(crate) to_stack: u64,
    /// Dropped by the filter.
    pub(crate) blocked_by_filter: u64,
    /// Never sent, or not delivered to the application, because ALE refused the connection.
    pub(crate) blocked_by_ale: u64,
    /// Those by who refused: the verdict that the driver's flow table has for the frame's flow.
    pub(crate) blocked_by_ale_per_decider: Vec<PerDecider>,
    /// Received and let through, and dropped by the stack because their headers are damaged.
    pub(crate) to_stack_malformed: u64,
    /// Still with the driver when the capture was at its end.
    pub(crate) held: u64,
}

/// Frames that somebody decided about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PerDecider {
    /// Who.
    pub(crate) decided_by: DecidedBy,
    /// How many.
    pub(crate) frames: u64,
}

/// What the checks found.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Verifier {
    /// `no finding`, `finding`, `bug check`, `leak` or `unfinished`.
    pub(crate) verdict: &'static str,
    /// Broken rules and bug checks.
    pub(crate) findings: Vec<Finding>,
    /// What the driver left behind.
    pub(crate) leaks: Vec<Leak>,
}

/// A broken rule or a bug check.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    /// The rule.
    pub(crate) rule: String,
    /// What the rule asks for.
    pub(crate) rule_text: String,
    /// Where the rule comes from.
    pub(crate) source: String,
    /// The bug check with which Windows ends, if it has one for this.
    pub(crate) bug_check: Option<BugCheck>,
    /// What happened.
    pub(crate) text: String,
    /// The processor on which it happened.
    pub(crate) processor: u32,
    /// The IRQL at which it happened.
    pub(crate) irql: u8,
    /// The driver's routine that the system had called.
    pub(crate) routine: Option<String>,
    /// The system function that the driver had called.
    pub(crate) export: Option<String>,
    /// The driver's call, as `image!function (file:line)`.
    pub(crate) caller: Option<String>,
    /// The driver's stack, innermost first.
    pub(crate) stack: Vec<String>,
    /// The NBLs of which the text speaks: who made, owns and gave each.
    pub(crate) nbls: Vec<String>,
    /// The last calls of drivers, the oldest first.
    pub(crate) calls: Vec<String>,
}

/// A bug check.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct BugCheck {
    /// Its code.
    pub(crate) code: u32,
    /// The code's symbolic name.
    pub(crate) name: String,
}

/// Something the driver left behind.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Leak {
    /// The rule that this breaks.
    pub(crate) rule: String,
    /// What it is.
    pub(crate) what: String,
    /// The call that created it.
    pub(crate) creator: String,
}
