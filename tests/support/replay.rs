//! Replays frames through the linked driver and collects what driver and lab say afterwards. To be called in a child.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;

use lab::capture::{Capture, Interface, LinkType};
use lab::ndis::Attributes;
use lab::replay::{self, Frame, Report};
use lab::wdf::File;
use lab::{Machine, Options};
use weir_ioctl::{
    Control, CounterId, FlowEntry, IdentityEntry, IdentityKind, RuleHits, SetPolicyReply, StatusReply,
};

use super::captures::Recorded;
use super::tshark::{Conversation, Count};
use super::{ask, list, load, open, policy, status};

/// What to replay, and how.
pub struct Scene {
    pub interfaces: Vec<Interface>,
    pub frames: Vec<Frame>,
    pub options: replay::Options,
    /// Text of the policy; none is set without.
    pub policy: Option<String>,
}

/// What came of it.
pub struct Outcome {
    pub report: Report,
    pub frames: Vec<Frame>,
    pub flows: Vec<FlowEntry>,
    pub status: StatusReply,
    pub hits: Vec<RuleHits>,
    /// Names of hosts by number and generation.
    pub names: BTreeMap<(u32, u32), String>,
}

impl Scene {
    /// A scene from a recorded capture.
    pub fn of(path: &Path) -> Self {
        let Recorded { notes, capture, .. } = Recorded::load(path);
        let Capture { interfaces, frames, .. } = capture;
        let options =
            replay::Options { local: notes.local.into_iter().collect(), ..replay::Options::default() };
        Self { interfaces, frames: frames.iter().map(Frame::from).collect(), options, policy: None }
    }

    /// A scene from bare Ethernet frames, all received by the machine that owns `local`.
    pub fn received(frames: impl IntoIterator<Item = Vec<u8>>, local: IpAddr) -> Self {
        let frame =
            |(index, data)| Frame { adapter: 0, timestamp: index as u64 * 1000, data, outbound: Some(false) };
        Self {
            interfaces: vec![Interface::new(LinkType::ETHERNET)],
            frames: frames.into_iter().enumerate().map(frame).collect(),
            options: replay::Options { local: vec![local], ..replay::Options::default() },
            policy: None,
        }
    }

    /// With this policy.
    #[must_use]
    pub fn with_policy(mut self, text: &str) -> Self {
        self.policy = Some(text.to_owned());
        self
    }

    /// Replays it from a driver that was just started to one that is unloaded.
    pub fn play(self) -> Outcome {
        let machine = Machine::new(Options::default());
        let adapters = replay::adapters(&self.interfaces);
        let mut driver = load(&machine);
        driver.start().expect("the driver starts");
        for adapter in &adapters {
            if !adapter.is_running() {
                adapter.restart(Attributes::General).expect("the filter restarts");
            }
        }
        let file = open(&machine);
        if let Some(text) = &self.policy {
            ask(&file, Control::SET_POLICY, &policy(text), size_of::<SetPolicyReply>());
        }
        let report = replay::run(&adapters, &self.frames, &self.options, |_| {});
        let outcome = Outcome {
            flows: list(&file, Control::LIST_FLOWS, 7),
            status: status(&file),
            hits: list(&file, Control::RULE_HITS, 7),
            names: names(&file),
            report,
            frames: self.frames,
        };
        drop(file);
        for adapter in &adapters {
            adapter.pause();
        }
        driver.unload();
        machine.finish();
        outcome
    }
}

/// The address that 16 bytes of the control contract stand for.
pub fn address(bytes: [u8; 16]) -> IpAddr {
    Ipv6Addr::from(bytes).to_canonical()
}

/// The conversation of a flow.
pub fn conversation(flow: &FlowEntry) -> Conversation {
    Conversation::new(
        flow.protocol,
        (address(flow.local_address), flow.local_port),
        (address(flow.remote_address), flow.remote_port),
    )
}

/// The names that the driver knows.
pub fn names(file: &File) -> BTreeMap<(u32, u32), String> {
    let entries = list::<IdentityEntry>(file, Control::LIST_IDENTITIES, 3);
    let names = entries.iter().filter(|entry| entry.kind == IdentityKind::NAME);
    let text =
        |entry: &IdentityEntry| String::from_utf8_lossy(&entry.data[..entry.length as usize]).into_owned();
    names.map(|entry| ((entry.id, entry.generation), text(entry))).collect()
}

impl Outcome {
    /// The name of a flow's other end.
    pub fn name(&self, flow: &FlowEntry) -> Option<&str> {
        self.names.get(&(flow.name, flow.name_generation)).map(String::as_str)
    }

    /// Frames and bytes, passed or blocked, by conversation; records that no frame belongs to are left out.
    pub fn conversations(&self) -> BTreeMap<Conversation, Count> {
        let mut all: BTreeMap<Conversation, Count> = BTreeMap::new();
        for flow in &self.flows {
            let frames = flow.frames_sent
                + flow.frames_received
                + flow.frames_sent_blocked
                + flow.frames_received_blocked;
            if frames != 0 {
                let count = all.entry(conversation(flow)).or_default();
                count.frames += frames;
                count.bytes += flow.bytes_sent
                    + flow.bytes_received
                    + flow.bytes_sent_blocked
                    + flow.bytes_received_blocked;
            }
        }
        all
    }

    /// The input frames that got through, by index and in the order in which they did; each must be unchanged.
    pub fn passed(&self) -> Vec<usize> {
        let unchanged = |passed: &replay::Passed| {
            assert!(passed.changed.is_none(), "frame {:?} was changed on its way", passed.index);
            passed.index.expect("the driver makes no frames of its own")
        };
        self.report.passed.iter().map(unchanged).collect()
    }

    /// Panics unless the counters account for every frame that entered the filter.
    #[track_caller]
    pub fn assert_accounted(&self) {
        let refused = |fate: &&replay::Fate| matches!(fate, replay::Fate::BlockedByAle { .. });
        let counted =
            self.status.counter(CounterId::FRAMES_SENT) + self.status.counter(CounterId::FRAMES_RECEIVED);
        assert_eq!(self.status.permitted() + self.status.blocked(), counted, "{:?}", self.status);
        // What ALE refused of outbound flows never reached the filter.
        let kept_back =
            self.report.fates.iter().zip(&self.frames).filter(|(fate, _)| refused(fate)).count() as u64;
        let all = self.frames.len() as u64;
        assert!(
            counted <= all && counted >= all - kept_back,
            "{counted} of {all}, {kept_back} refused by ALE"
        );
        assert!(!self.report.fates.contains(&replay::Fate::Held), "a frame is still held");
    }
}
