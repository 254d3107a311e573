//! A machine whose policy asks, and the agent that answers.

use std::sync::Arc;
use std::time::Duration;

use lab::edge::{Edge, Interface, ProcessMap, Verdict};
use lab::ndis::{Adapter, Attributes, Call, Config};
use lab::wdf::File;
use lab::{Driver, Machine, Options};
use weir_ioctl::zerocopy::{FromBytes, IntoBytes};
use weir_ioctl::{
    AnswerEntry, AnswerReply, AskCounterId, AskStatusReply, Control, PageHeader, QuestionEntry,
};

use super::packet::{self, LOCAL, Ports, Way, flag, lists};
use super::{ask, load, open, set_policy};

/// Questions in a page of these tests.
pub const PAGE: usize = 64;

/// A machine with one adapter, the driver on it, and TCP/IP above.
pub struct Site {
    pub machine: Machine,
    pub driver: Driver,
    pub adapter: Arc<Adapter>,
    pub interface: Interface,
    pub edge: Edge,
    /// The handle of the administrator, who is not the agent.
    pub file: File,
    pub now: u64,
}

impl Site {
    /// With these parameters of the service, and a policy in force.
    pub fn new(parameters: &[(&str, u32)], policy: &str) -> Self {
        let machine = Machine::new(Options::default());
        let adapter = Adapter::new(Config::default());
        let mut driver = load(&machine);
        for (name, value) in parameters {
            driver.set_parameter(name, *value);
        }
        driver.start().expect("the driver starts");
        adapter.restart(Attributes::General).expect("the filter restarts");
        let file = open(&machine);
        set_policy(&file, policy);
        let edge = Edge::new([LOCAL.into()], ProcessMap::default());
        let interface = Interface::from(&*adapter);
        Self { machine, driver, adapter, interface, edge, file, now: 0 }
    }

    /// Gives a frame to TCP/IP or to the adapter; whether it came through at once.
    pub fn give(&mut self, way: Way, frame: Vec<u8>) -> bool {
        self.now += 1_000_000;
        let frames = [frame];
        match way {
            Way::Out => {
                self.edge.outbound(&self.interface, &frames[0], self.now) == Verdict::Pass
                    && self.wire(&frames) == 1
            }
            Way::In => {
                self.adapter.receive(&lists(&frames, self.now), Call { dispatch: true, flags: 0 });
                let delivered = self.adapter.take_events().delivered.len() == 1;
                delivered && self.edge.inbound(&self.interface, &frames[0], self.now) == Verdict::Pass
            }
        }
    }

    /// Sends frames through the filter; how many it let out.
    pub fn wire(&self, frames: &[Vec<u8>]) -> usize {
        self.adapter.send(&lists(frames, self.now), Call::default());
        self.adapter.take_events().wire.len()
    }

    pub fn tcp(&mut self, way: Way, ports: Ports, flags: u8) -> bool {
        self.give(way, packet::tcp(way, ports, flags, 0))
    }

    pub fn syn(&mut self, way: Way, ports: Ports) -> bool {
        self.tcp(way, ports, flag::SYN)
    }

    pub fn udp(&mut self, way: Way, ports: Ports, length: usize) -> bool {
        self.give(way, packet::udp(way, ports, length))
    }

    /// What went on since the last call, from the IP header on: sent out through the filter, and delivered.
    pub fn went_on(&mut self) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        // Work that the driver has queued, the completions, then what was injected by them.
        for _ in 0..2 {
            lab::ntoskrnl::work::flush();
            self.edge.pump();
        }
        let (mut sent, mut delivered) = (Vec::new(), Vec::new());
        for emitted in self.edge.take_emitted() {
            if !emitted.outbound {
                delivered.push(emitted.frame);
            } else if self.wire(std::slice::from_ref(&emitted.frame)) == 1 {
                sent.push(emitted.frame[14..].to_vec());
            }
        }
        (sent, delivered)
    }

    pub fn status(&self) -> AskStatusReply {
        let output = ask(&self.file, Control::ASK_STATUS, &[], size_of::<AskStatusReply>());
        AskStatusReply::read_from_bytes(&output).expect("a whole status")
    }

    pub fn count(&self, counter: AskCounterId) -> u64 {
        self.status().counter(counter)
    }

    /// Every question ended in one way, and no packet waits.
    #[track_caller]
    pub fn assert_settled(&self) {
        let status = self.status();
        let count = |counter| status.counter(counter);
        let ends = [
            AskCounterId::PERMITTED,
            AskCounterId::BLOCKED,
            AskCounterId::TIMED_OUT,
            AskCounterId::AGENT_GONE,
            AskCounterId::WITHDRAWN,
        ];
        assert_eq!(ends.map(count).iter().sum::<u64>(), count(AskCounterId::ASKED), "{status:?}");
        assert_eq!(status.open, 0);
    }

    /// Unloads the driver after all handles are closed; nothing is left.
    pub fn end(self) {
        let Self { machine, mut driver, mut edge, file, .. } = self;
        drop(file);
        edge.finish();
        driver.unload();
        drop(edge);
        let report = machine.finish();
        assert!(report.is_clean(), "{report:?}");
    }
}

/// The agent's handle.
pub struct Agent(pub File);

impl Agent {
    /// Opens a handle and makes it the agent's: its first request waits.
    pub fn start(machine: &Machine) -> Self {
        let file = open(machine);
        let pending = file.ioctl_pending(Control::QUESTIONS.0, &[], room(1)).expect("a request");
        assert_eq!(pending.wait(Duration::ZERO), None, "nothing is asked yet");
        pending.cancel();
        assert!(pending.wait(Duration::from_secs(5)).is_some_and(|(status, _)| status < 0));
        Self(file)
    }

    /// The next page of questions; waits for one.
    pub fn questions(&self) -> Vec<QuestionEntry> {
        page(&ask(&self.0, Control::QUESTIONS, &[], room(PAGE)))
    }

    /// The one question that is asked.
    #[track_caller]
    pub fn question(&self) -> QuestionEntry {
        let questions = self.questions();
        assert_eq!(questions.len(), 1, "{questions:?}");
        questions[0]
    }

    pub fn answer(&self, ids: &[u64], verdict: weir_ioctl::Verdict) -> AnswerReply {
        let answers: Vec<AnswerEntry> =
            ids.iter().map(|id| AnswerEntry { id: *id, verdict, reserved: [0; 7] }).collect();
        let output = ask(&self.0, Control::ANSWER, answers.as_bytes(), size_of::<AnswerReply>());
        AnswerReply::read_from_bytes(&output).expect("a whole reply")
    }

    /// Answers the one question that is asked.
    #[track_caller]
    pub fn settle(&self, verdict: weir_ioctl::Verdict) -> QuestionEntry {
        let question = self.question();
        assert_eq!(self.answer(&[question.id], verdict), AnswerReply { accepted: 1, late: 0 });
        question
    }
}

/// Bytes of a page with room for `entries`.
pub fn room(entries: usize) -> usize {
    size_of::<PageHeader>() + entries * size_of::<QuestionEntry>()
}

/// The questions of a page.
pub fn page(output: &[u8]) -> Vec<QuestionEntry> {
    let (header, body) = PageHeader::read_from_prefix(output).expect("a page header");
    assert_eq!(header.entry_size as usize, size_of::<QuestionEntry>());
    let entries = body.chunks_exact(size_of::<QuestionEntry>());
    assert_eq!(entries.len(), header.count as usize);
    entries.map(|entry| QuestionEntry::read_from_bytes(entry).expect("an entry")).collect()
}
