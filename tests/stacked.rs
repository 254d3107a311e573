//! Promise: a frame that crosses several adapters with the filter on each (a team and its members, a virtual switch) is one
//! frame of its flow: counted, charged and answered once, whatever the driver in between hands on.

mod support;

use std::sync::Arc;

use ddk::ndis::{NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS};
use lab::ndis::{Adapter, Attributes, Behaviour, Call, Config, Crossing, Giving, RESOURCES};
use lab::schedule::{self, Mode};
use lab::wdf::File;
use lab::{Driver, Machine, Options};
use support::packet::{self, Ports, Way, flag, lists};
use support::{list, open, set_policy, start, status};
use weir_ioctl::{AdapterEntry, Control, CounterId, FlowEntry};

struct Team {
    machine: Machine,
    driver: Driver,
    members: [Arc<Adapter>; 2],
    team: Arc<Adapter>,
    file: File,
}

impl Team {
    /// Two adapters and a virtual one on top of them, the filter running on all three.
    fn new(crossing: Crossing) -> Self {
        schedule::start(Mode::Deterministic, 0);
        let machine = Machine::new(Options::default());
        let members =
            ["First", "Second"].map(|name| Adapter::new(Config { name: name.into(), ..Config::default() }));
        let team = Adapter::on_top(Config { name: "Team".into(), ..Config::default() }, &members, crossing);
        let driver = start(&machine);
        let file = open(&machine);
        let this = Self { machine, driver, members, team, file };
        for adapter in this.adapters() {
            adapter.restart(Attributes::General).expect("the filter restarts");
        }
        this
    }

    fn adapters(&self) -> [&Arc<Adapter>; 3] {
        [&self.members[0], &self.members[1], &self.team]
    }

    /// Frames sent, received and blocked on each adapter.
    fn seen(&self) -> [[u64; 3]; 3] {
        let entries = list::<AdapterEntry>(&self.file, Control::ADAPTERS, 8);
        self.adapters().map(|adapter| {
            let entry = entries.iter().find(|entry| entry.luid == adapter.luid()).expect("it is attached");
            [entry.frames_sent, entry.frames_received, entry.frames_blocked]
        })
    }

    /// The flows: frames sent and received that passed, and that were blocked.
    fn flows(&self) -> Vec<[u64; 4]> {
        let flow = |flow: FlowEntry| {
            [flow.frames_sent, flow.frames_received, flow.frames_sent_blocked, flow.frames_received_blocked]
        };
        list::<FlowEntry>(&self.file, Control::LIST_FLOWS, 8).into_iter().map(flow).collect()
    }

    fn counters<const N: usize>(&self, ids: [CounterId; N]) -> [u64; N] {
        let status = status(&self.file);
        ids.map(|id| status.counter(id))
    }

    fn finish(mut self) {
        self.team.pause();
        self.members.iter().for_each(Adapter::pause);
        drop(self.file);
        self.driver.unload();
        self.machine.finish();
    }
}

const TOTALS: [CounterId; 3] = [CounterId::FRAMES_SENT, CounterId::FRAMES_RECEIVED, CounterId::SEEN_BEFORE];

fn ports(remote: u16) -> Ports {
    Ports { local: 40_000, remote }
}

/// Runs `body` in a machine of its own for each kind of multiplexing driver.
fn each_kind(name: &str, body: fn(Team)) {
    for crossing in [Crossing::Same, Crossing::Clones] {
        lab::child::test(&format!("{name}#{crossing:?}"), || {
            lab::ndis::set_poison(true);
            body(Team::new(crossing));
        });
    }
}

#[test]
fn e42_a_frame_that_crosses_two_adapters_is_counted_once() {
    each_kind("e42_a_frame_that_crosses_two_adapters_is_counted_once", |team| {
        let (out, into) = (
            packet::tcp(Way::Out, ports(443), flag::ACK, 30),
            packet::tcp(Way::In, ports(443), flag::ACK, 30),
        );
        let (sent, received) = ([out.clone(), out.clone()], [into.clone(), into.clone(), into]);
        let mut calls = 0;
        for policy in ["", "[[rule]]\nname = 'web'\naction = 'permit'\nremote-port = 443\n"] {
            set_policy(&team.file, policy);
            for (member, dispatch) in [(0, false), (1, true), (0, true), (1, false)] {
                team.team.send_by(member);
                team.team.send(&lists(&sent, 0), Call { dispatch, flags: 0 });
                assert_eq!(team.members[member].take_events().wire.len(), 2);
                for flags in [0, RESOURCES] {
                    team.members[member].receive(&lists(&received, 0), Call { dispatch, flags });
                    assert_eq!(team.members[member].take_events().returned.len(), 3);
                }
                let events = team.team.take_events();
                assert_eq!((events.completed.len(), events.delivered.len()), (2, 6));
                assert!(events.completed.iter().all(|(_, status)| *status == NDIS_STATUS_SUCCESS));
                calls += 1;
                assert_eq!(team.flows(), [[2 * calls, 6 * calls, 0, 0]]);
                assert_eq!(team.counters(TOTALS), [2 * calls, 6 * calls, 8 * calls]);
            }
        }
        // Each adapter counts what passes it.
        assert_eq!(team.seen(), [[8, 24, 0], [8, 24, 0], [16, 48, 0]]);
        let hits = list::<weir_ioctl::RuleHits>(&team.file, Control::RULE_HITS, 8);
        assert_eq!(hits[0].frames, 32, "of the second policy, whose rule decided 4 times 8 frames");
        team.finish();
    });
}

#[test]
fn e42_limits_are_charged_and_rejects_answered_once() {
    each_kind("e42_limits_are_charged_and_rejects_answered_once", |team| {
        set_policy(
            &team.file,
            "[[rule]]\nname = 'slow'\naction = 'rate-limit'\nrate = '1 packets/s'\nburst = '6 packets'\nremote-port = 53\n\
             [[rule]]\nname = 'no'\naction = 'reject'\nremote-port = 23\n\
             [[rule]]\nname = 'voice'\naction = 'mark'\nremote-port = 5004\ndscp = 'ef'\npriority = 5\n",
        );
        let datagrams = |way: Way, remote| vec![packet::udp(way, ports(remote), 20); 10];
        team.team.send(&lists(&datagrams(Way::Out, 53), 0), Call::default());
        assert_eq!(team.members[0].take_events().wire.len(), 6, "as many as the burst has");
        let failed =
            |completed: &[(u64, i32)]| completed.iter().filter(|one| one.1 == NDIS_STATUS_FAILURE).count();
        assert_eq!(failed(&team.team.take_events().completed), 4);
        team.members[1].receive(&lists(&datagrams(Way::In, 53), 0), Call::default());
        assert_eq!(team.team.take_events().delivered.len(), 6);
        assert_eq!(team.flows(), [[6, 6, 4, 4]]);

        // The answer to a send goes up where it was sent, that to a receive goes out where it came in.
        let segment = |way| [packet::tcp(way, ports(23), flag::SYN, 0)];
        team.team.send(&lists(&segment(Way::Out), 0), Call::default());
        assert_eq!(team.team.take_events().delivered.len(), 1);
        team.members[1].receive(&lists(&segment(Way::In), 0), Call::default());
        assert_eq!(team.members[1].take_events().wire.len(), 1);
        assert!(team.team.take_events().delivered.is_empty());
        assert!(team.members[0].take_events().wire.is_empty());
        assert_eq!(team.counters([CounterId::REJECTS_SENT, CounterId::REJECTS_SUPPRESSED]), [2, 0]);

        // What is marked above needs no mark below.
        team.team.send(&lists(&datagrams(Way::Out, 5004), 0), Call::default());
        let wire = team.members[0].take_events().wire;
        assert!(
            wire.len() == 10
                && wire.iter().all(|frame| frame.bytes[15] == 46 << 2 && frame.vlan == Some(0xa000))
        );
        assert_eq!(team.counters([CounterId::MARKED, CounterId::MARKS_FAILED]), [10, 0]);
        team.finish();
    });
}

#[test]
fn e42_who_counts_follows_the_flow_and_the_adapters() {
    each_kind("e42_who_counts_follows_the_flow_and_the_adapters", |team| {
        let frames = [packet::udp(Way::Out, ports(443), 20)];
        let send = |adapter: &Arc<Adapter>| adapter.send(&lists(&frames, 0), Call::default());
        send(&team.team);
        assert_eq!((team.flows(), team.counters(TOTALS)), (vec![[1, 0, 0, 0]], [1, 0, 1]));
        // Nothing lies on the member any more that sees frames: it counts what goes by it.
        team.team.pause();
        send(&team.members[0]);
        assert_eq!((team.flows(), team.counters(TOTALS)), (vec![[2, 0, 0, 0]], [2, 0, 1]));
        team.team.restart(Attributes::General).expect("the filter restarts");
        send(&team.team);
        assert_eq!((team.flows(), team.counters(TOTALS)), (vec![[3, 0, 0, 0]], [3, 0, 2]));
        // An adapter that is there for the second time is another one.
        let filter = lab::ndis::driver::all().pop().expect("the driver registered a filter");
        for round in 0..3 {
            team.team.pause();
            team.team.detach();
            send(&team.members[0]);
            team.team.attach(&filter).expect("the filter attaches");
            team.team.restart(Attributes::General).expect("the filter restarts");
            send(&team.team);
            let sent = 5 + 2 * round;
            assert_eq!((team.flows(), team.counters(TOTALS)), (vec![[sent, 0, 0, 0]], [sent, 0, 3 + round]));
        }
        // Sends that are under way in both stacks come home through a pause of both.
        let behaviour = Behaviour { sends: Giving::OnRequest, receives: Giving::AtOnce };
        team.members[0].behave(behaviour);
        send(&team.team);
        assert!(team.team.take_events().completed.len() < 10);
        team.members[0].complete_sends(Call { dispatch: true, flags: 0 }, |_| {});
        assert_eq!(team.team.take_events().completed.len(), 1);
        team.finish();
    });
}

#[test]
fn e42_an_adapter_put_on_another_later_is_found() {
    lab::child::test("e42_an_adapter_put_on_another_later_is_found", || {
        schedule::start(Mode::Deterministic, 0);
        let machine = Machine::new(Options::default());
        let lower = Adapter::new(Config::default());
        let upper = Adapter::new(Config { name: "Switch".into(), ..Config::default() });
        let mut driver = start(&machine);
        let file = open(&machine);
        for adapter in [&lower, &upper] {
            adapter.restart(Attributes::General).expect("the filter restarts");
        }
        let frames = [packet::udp(Way::Out, ports(443), 20)];
        // Two adapters beside each other: a flow that moves from one to the other is counted on both.
        upper.send(&lists(&frames, 0), Call::default());
        lower.send(&lists(&frames, 0), Call::default());
        let frames_sent = |file: &File| list::<FlowEntry>(file, Control::LIST_FLOWS, 8)[0].frames_sent;
        assert_eq!(frames_sent(&file), 2);
        // No pause, no event: the interface stack is looked at again after a while.
        upper.put_on(std::slice::from_ref(&lower), Crossing::Same);
        schedule::sleep(std::time::Duration::from_secs(12));
        upper.send(&lists(&frames, 0), Call::default());
        assert_eq!((lower.take_events().wire.len(), frames_sent(&file)), (2, 3));
        upper.pause();
        lower.pause();
        drop(file);
        driver.unload();
        machine.finish();
    });
}
