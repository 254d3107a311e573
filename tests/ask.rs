//! Promise: a flow that a rule asks about waits for the agent's answer, and every question ends, in one way, whatever
//! becomes of the agent, the filtering platform and the driver.

mod support;

use std::time::{Duration, Instant};

use ddk::fwp::{FWPM_SERVICE_RUNNING, FWPM_SERVICE_STOP_PENDING, FWPM_SERVICE_STOPPED};
use lab::schedule::{self, Mode};
use support::agent::{Agent, PAGE, Site, page, room};
use support::packet::{self, LOCAL, Ports, REMOTE, Way, flag};
use support::set_policy;
use weir_ioctl::zerocopy::IntoBytes;
use weir_ioctl::{AnswerEntry, AnswerReply, AskCounterId as Count, Control, CounterId, Origin, Verdict};

const ASK: &str = "[[rule]]\nname='q'\naction='ask'\nprotocol=['tcp', 'udp']\ntimeout='30 s'\n";
const ASK_ELSE_PERMIT: &str = "[[rule]]\nname='q'\naction='ask'\nfallback='permit'\ntimeout='5 s'\n";

const OUT: Ports = Ports { local: 50_000, remote: 443 };
const IN: Ports = Ports { local: 5432, remote: 40_000 };

/// Runs `body` at a site in virtual time.
fn at_site(test: &str, policy: &str, body: impl FnOnce(Site)) {
    at_site_with(test, &[], policy, body);
}

fn at_site_with(test: &str, parameters: &[(&str, u32)], policy: &str, body: impl FnOnce(Site)) {
    lab::child::test(test, || {
        schedule::start(Mode::Deterministic, 0);
        body(Site::new(parameters, policy));
    });
}

#[test]
fn a_connect_goes_on_when_it_is_permitted() {
    at_site("a_connect_goes_on_when_it_is_permitted", ASK, |mut site| {
        let agent = Agent::start(&site.machine);
        assert!(!site.syn(Way::Out, OUT), "it waits");
        assert!(!site.syn(Way::Out, OUT), "a retry waits too");
        assert_eq!(site.status().open, 1);
        let question = agent.settle(Verdict::PERMIT);
        assert_eq!((question.local_port, question.remote_port, question.protocol), (50_000, 443, 6));
        assert_eq!(question.local_address[12..], LOCAL);
        assert_eq!(question.remote_address[12..], REMOTE);
        assert_eq!((question.origin, question.fallback), (Origin::OUTBOUND, Verdict::BLOCK));
        assert_eq!((question.process_id, question.rule, question.ip_version), (4, 0, 4));
        assert!((29_000..=30_000).contains(&question.time_left), "{}", question.time_left);
        let (sent, _) = site.went_on();
        assert_eq!(sent.len(), 1, "the SYN goes out through the filter");
        // The connection lives, and nobody is asked about it again.
        assert!(site.tcp(Way::In, OUT, flag::SYN | flag::ACK));
        assert!(site.give(Way::Out, packet::tcp(Way::Out, OUT, flag::ACK, 100)));
        assert_eq!(site.count(Count::ASKED), 1);
        assert_eq!(agent.answer(&[question.id], Verdict::BLOCK), AnswerReply { accepted: 0, late: 1 });
        assert!(site.give(Way::Out, packet::tcp(Way::Out, OUT, flag::ACK, 100)), "a late answer is none");
        site.assert_settled();
        drop(agent);
        site.end();
    });
}

#[test]
fn a_connect_that_is_blocked_is_refused() {
    at_site("a_connect_that_is_blocked_is_refused", ASK, |mut site| {
        let agent = Agent::start(&site.machine);
        assert!(!site.syn(Way::Out, OUT));
        agent.settle(Verdict::BLOCK);
        assert_eq!(site.went_on(), (vec![], vec![]));
        assert_eq!(site.edge.stats().connects_blocked, 1);
        // Nor can anybody send for it past TCP/IP.
        assert_eq!(site.wire(&[packet::tcp(Way::Out, OUT, flag::SYN, 0)]), 0);
        assert_eq!(support::status(&site.file).counter(CounterId::AUTHORIZATIONS_BLOCKED), 2);
        // The next try is a question of its own.
        assert!(!site.syn(Way::Out, OUT));
        agent.settle(Verdict::PERMIT);
        assert_eq!(site.went_on().0.len(), 1);
        site.assert_settled();
        drop(agent);
        site.end();
    });
}

/// Datagrams of a connect are dropped by TCP/IP while it waits; the driver sends its copies.
#[test]
fn the_first_datagram_is_sent_after_the_answer() {
    at_site("the_first_datagram_is_sent_after_the_answer", ASK, |mut site| {
        let agent = Agent::start(&site.machine);
        for (verdict, local) in [(Verdict::PERMIT, 50_000), (Verdict::BLOCK, 50_001)] {
            let ports = Ports { local, remote: 53 };
            assert!(!site.udp(Way::Out, ports, 20));
            agent.settle(verdict);
            let (sent, _) = site.went_on();
            if verdict == Verdict::PERMIT {
                let [datagram] = &sent[..] else { panic!("{sent:?}") };
                assert_eq!(
                    datagram[20..],
                    packet::udp(Way::Out, ports, 20)[34..],
                    "ports, length and payload"
                );
            } else {
                assert!(sent.is_empty());
            }
            assert_eq!(site.udp(Way::Out, ports, 30), verdict == Verdict::PERMIT);
            if verdict == Verdict::BLOCK {
                // ALE asked again, as for every datagram of a blocked flow.
                agent.settle(verdict);
            }
        }
        assert_eq!((site.count(Count::HELD), site.count(Count::RESENT)), (3, 1));
        site.went_on();
        assert_eq!(site.count(Count::HELD_DROPPED), 2);
        site.assert_settled();
        drop(agent);
        site.end();
    });
}

#[test]
fn an_accept_is_injected_again_or_dropped() {
    at_site("an_accept_is_injected_again_or_dropped", ASK, |mut site| {
        let agent = Agent::start(&site.machine);
        for (tcp, verdict, remote) in [
            (true, Verdict::PERMIT, 40_000),
            (true, Verdict::BLOCK, 40_001),
            (false, Verdict::PERMIT, 40_002),
            (false, Verdict::BLOCK, 40_003),
        ] {
            let ports = Ports { local: 5432, remote };
            let frame = |length| match tcp {
                true => packet::tcp(Way::In, ports, if length == 0 { flag::SYN } else { flag::ACK }, length),
                false => packet::udp(Way::In, ports, length),
            };
            let first = frame(0);
            assert!(!site.give(Way::In, first.clone()), "it waits");
            assert_eq!(agent.settle(verdict).origin, Origin::INBOUND);
            let (sent, delivered) = site.went_on();
            assert!(sent.is_empty());
            if verdict == Verdict::BLOCK {
                assert!(delivered.is_empty());
                assert!(!site.give(Way::In, frame(10)), "the filter drops what follows");
                continue;
            }
            let [packet] = &delivered[..] else { panic!("{delivered:?}") };
            assert_eq!(packet[20..], first[34..], "the same behind a header whose sum is right");
            assert_eq!((&packet[2..4], &packet[12..20]), (&first[16..18], &first[26..34]));
            assert!(site.give(Way::In, frame(10)), "the flow lives");
        }
        assert_eq!(site.count(Count::ASKED), 4);
        assert_eq!((site.count(Count::RESENT), site.count(Count::HELD_DROPPED)), (2, 2));
        site.assert_settled();
        drop(agent);
        site.end();
    });
}

#[test]
fn without_an_answer_the_fallback_decides_in_time() {
    for (policy, passes, seconds) in [(ASK, false, 30), (ASK_ELSE_PERMIT, true, 5)] {
        let child = format!("without_an_answer_the_fallback_decides_in_time#{passes}");
        at_site(&child, policy, |mut site| {
            let agent = Agent::start(&site.machine);
            assert!(!site.syn(Way::Out, OUT));
            let ports = Ports { local: 5432, remote: 40_000 };
            assert!(!site.udp(Way::In, ports, 20));
            assert_eq!(agent.questions().len(), 2);
            schedule::sleep(Duration::from_secs(seconds - 1));
            assert_eq!((site.status().open, site.went_on()), (2, (vec![], vec![])), "not yet");
            schedule::sleep(Duration::from_secs(2));
            let (sent, delivered) = site.went_on();
            assert_eq!((sent.len(), delivered.len()), if passes { (1, 1) } else { (0, 0) });
            assert_eq!(site.count(Count::TIMED_OUT), 2);
            site.assert_settled();
            drop(agent);
            site.end();
        });
    }
}

#[test]
fn without_an_agent_nobody_waits() {
    for (policy, passes) in [(ASK, false), (ASK_ELSE_PERMIT, true)] {
        let child = format!("without_an_agent_nobody_waits#{passes}");
        at_site(&child, policy, |mut site| {
            assert_eq!(site.syn(Way::Out, OUT), passes);
            assert_eq!(site.udp(Way::In, IN, 5), passes);
            assert_eq!((site.count(Count::NO_AGENT), site.count(Count::ASKED)), (2, 0));
            assert_eq!(site.status().capacity, 0, "and no memory is spent");
            site.end();
        });
    }
}

#[test]
fn questions_end_with_their_agent() {
    for (policy, passes) in [(ASK, false), (ASK_ELSE_PERMIT, true)] {
        let child = format!("questions_end_with_their_agent#{passes}");
        at_site(&child, policy, |mut site| {
            let agent = Agent::start(&site.machine);
            assert!(!site.syn(Way::Out, OUT));
            assert_eq!(agent.questions().len(), 1);
            assert!(!site.udp(Way::In, IN, 20));
            // One was told and one was not; a request waits as well.
            drop(agent);
            assert_eq!((site.count(Count::AGENT_GONE), site.status().agent), (2, 0));
            let (sent, delivered) = site.went_on();
            assert_eq!((sent.len(), delivered.len()), if passes { (1, 1) } else { (0, 0) });
            assert_eq!(site.syn(Way::Out, Ports { local: 50_009, remote: 443 }), passes, "nobody is asked");
            // Another one takes over.
            let agent = Agent::start(&site.machine);
            assert!(!site.syn(Way::Out, Ports { local: 50_010, remote: 443 }));
            agent.settle(Verdict::PERMIT);
            assert_eq!(site.went_on().0.len(), 1);
            site.assert_settled();
            drop(agent);
            site.end();
        });
    }
}

/// The I/O manager unloads a driver when its last handle is closed: that ends the questions; what goes on from them
/// is under way when the driver is told to stop.
#[test]
fn an_unload_ends_everything() {
    at_site("an_unload_ends_everything", ASK_ELSE_PERMIT, |mut site| {
        let agent = Agent::start(&site.machine);
        for local in 50_000..50_020 {
            assert!(!site.syn(Way::Out, Ports { local, remote: 443 }));
            assert!(!site.udp(Way::Out, Ports { local, remote: 53 }, 20));
            assert!(!site.udp(Way::In, Ports { local: 5432, remote: local }, 20));
        }
        let questions = agent.questions();
        let ids: Vec<u64> = questions.iter().map(|question| question.id).collect();
        assert_eq!(ids.len(), 60);
        assert_eq!(agent.answer(&ids[..30], Verdict::PERMIT).accepted, 30);
        assert_eq!(agent.answer(&ids[30..40], Verdict::BLOCK).accepted, 10);
        drop(agent);
        let status = site.status();
        assert_eq!((status.open, status.counter(Count::AGENT_GONE)), (0, 20));
        // Neither completions nor injected packets were taken by TCP/IP yet.
        let Site { machine, mut driver, edge, file, .. } = site;
        drop(file);
        driver.unload();
        drop(edge);
        let report = machine.finish();
        assert!(report.is_clean(), "{report:?}");
    });
}

#[test]
fn questions_end_with_the_filtering_platform() {
    at_site("questions_end_with_the_filtering_platform", ASK, |mut site| {
        let agent = Agent::start(&site.machine);
        for local in 50_000..50_010 {
            assert!(!site.syn(Way::Out, Ports { local, remote: 443 }));
        }
        lab::fwp::set_service_state(FWPM_SERVICE_STOP_PENDING);
        lab::ntoskrnl::work::flush();
        lab::fwp::set_service_state(FWPM_SERVICE_STOPPED);
        lab::ntoskrnl::work::flush();
        assert_eq!((site.count(Count::WITHDRAWN), site.status().open), (10, 0));
        site.went_on();
        lab::fwp::set_service_state(FWPM_SERVICE_RUNNING);
        lab::ntoskrnl::work::flush();
        // The agent is still there.
        assert!(!site.syn(Way::Out, Ports { local: 50_020, remote: 443 }));
        let last = agent.questions().into_iter().next_back().expect("a question");
        assert_eq!((last.local_port, agent.answer(&[last.id], Verdict::PERMIT).accepted), (50_020, 1));
        assert_eq!(site.went_on().0.len(), 1);
        site.assert_settled();
        drop(agent);
        site.end();
    });
}

/// A pause of the adapter waits for nobody's answer: copies are kept, not packets of others.
#[test]
fn a_pause_does_not_wait_for_answers() {
    at_site("a_pause_does_not_wait_for_answers", ASK, |mut site| {
        let agent = Agent::start(&site.machine);
        assert!(!site.udp(Way::In, IN, 20));
        site.adapter.pause();
        site.adapter.restart(lab::ndis::Attributes::General).expect("it runs again");
        agent.settle(Verdict::PERMIT);
        assert_eq!(site.went_on().1.len(), 1);
        drop(agent);
        site.end();
    });
}

#[test]
fn too_many_questions_fall_back() {
    at_site_with("too_many_questions_fall_back", &[("QuestionTableSize", 16)], ASK, |mut site| {
        let agent = Agent::start(&site.machine);
        for local in 0..20 {
            assert!(!site.syn(Way::Out, Ports { local: 50_000 + local, remote: 443 }));
        }
        let status = site.status();
        assert_eq!((status.open, status.capacity, status.counter(Count::FULL)), (16, 16, 4));
        let ids: Vec<u64> = agent.questions().iter().map(|question| question.id).collect();
        assert_eq!(agent.answer(&ids, Verdict::PERMIT).accepted, 16);
        assert_eq!(site.went_on().0.len(), 16);
        assert_eq!(site.edge.stats().connects_blocked, 4);
        site.assert_settled();
        drop(agent);
        site.end();
    });
}

/// The answer counts as long as the policy in force asks too.
#[test]
fn a_policy_that_changes_while_a_flow_waits_decides() {
    at_site("a_policy_that_changes_while_a_flow_waits_decides", ASK, |mut site| {
        let agent = Agent::start(&site.machine);
        let block = "[[rule]]\nname='b'\naction='block'\n";
        for (text, verdict, passes) in [
            (block, Verdict::PERMIT, false),
            ("", Verdict::BLOCK, true),
            (ASK, Verdict::PERMIT, true),
            (ASK, Verdict::BLOCK, false),
        ] {
            set_policy(&site.file, ASK);
            site.now += 1;
            let ports = Ports { local: 51_000 + (site.now % 1_000) as u16, remote: 443 };
            assert!(!site.syn(Way::Out, ports) && !site.udp(Way::In, ports, 20));
            let ids: Vec<u64> = agent.questions().iter().map(|question| question.id).collect();
            set_policy(&site.file, text);
            assert_eq!(agent.answer(&ids, verdict).accepted, 2);
            let (sent, delivered) = site.went_on();
            // A connect is asked about again; an accept is not, so its sender has to try again.
            assert_eq!((sent.len(), delivered.len()), (usize::from(passes), 0), "{text} {verdict:?}");
        }
        site.assert_settled();
        drop(agent);
        site.end();
    });
}

#[test]
fn mistakes_of_an_agent_get_their_status() {
    const BUSY: i32 = 0x8000_0011_u32 as i32;
    const STATE: i32 = 0xC000_0184_u32 as i32;
    const PARAMETER: i32 = 0xC000_000D_u32 as i32;
    const SIZE: i32 = 0xC000_0206_u32 as i32;
    const SMALL: i32 = 0xC000_0023_u32 as i32;
    at_site("mistakes_of_an_agent_get_their_status", ASK, |mut site| {
        let answer = |file: &lab::wdf::File, id, verdict, reserved| {
            let entry = AnswerEntry { id, verdict, reserved };
            file.ioctl(Control::ANSWER.0, entry.as_bytes(), size_of::<AnswerReply>()).0
        };
        assert_eq!(answer(&site.file, 1, Verdict::PERMIT, [0; 7]), STATE);
        let agent = Agent::start(&site.machine);
        assert_eq!(site.file.ioctl(Control::QUESTIONS.0, &[], room(1)).0, BUSY);
        assert_eq!(agent.0.ioctl(Control::QUESTIONS.0, &[1], room(1)).0, SIZE);
        assert_eq!(agent.0.ioctl(Control::QUESTIONS.0, &[], room(1) - 1).0, SMALL);
        assert!(!site.syn(Way::Out, OUT));
        // Not told yet, so it cannot be answered.
        assert_eq!(
            agent.answer(&[1 << 32, 0, u64::MAX], Verdict::PERMIT),
            AnswerReply { accepted: 0, late: 3 }
        );
        let id = agent.question().id;
        assert_eq!(answer(&site.file, id, Verdict::PERMIT, [0; 7]), STATE);
        assert_eq!(answer(&agent.0, id, Verdict(2 + 7), [0; 7]), PARAMETER);
        assert_eq!(answer(&agent.0, id, Verdict::UNDECIDED, [0; 7]), PARAMETER);
        assert_eq!(answer(&agent.0, id, Verdict::PERMIT, [0, 0, 0, 1, 0, 0, 0]), PARAMETER);
        assert_eq!(agent.0.ioctl(Control::ANSWER.0, &[0; 15], 8).0, SIZE);
        assert_eq!(agent.0.ioctl(Control::ANSWER.0, &[], 8).0, SIZE);
        assert_eq!(agent.0.ioctl(Control::ANSWER.0, &[0; 16], 7).0, SMALL);
        assert_eq!(site.status().open, 1, "none of this was an answer");
        assert_eq!(agent.answer(&[id, id], Verdict::PERMIT), AnswerReply { accepted: 1, late: 1 });
        drop(agent);
        site.end();
    });
}

/// A request that waits is completed by the question, however they meet.
#[test]
fn a_waiting_request_gets_the_question() {
    at_site("a_waiting_request_gets_the_question", ASK, |mut site| {
        let agent = Agent::start(&site.machine);
        let waiting: Vec<_> = (0..3)
            .map(|_| agent.0.ioctl_pending(Control::QUESTIONS.0, &[], room(PAGE)).expect("a request"))
            .collect();
        for (number, request) in waiting.iter().enumerate() {
            let ports = Ports { local: 50_000 + number as u16, remote: 443 };
            assert_eq!(request.wait(Duration::ZERO), None);
            assert!(!site.syn(Way::Out, ports));
            let (status, output) = request.wait(Duration::from_secs(5)).expect("a question");
            assert_eq!(status, 0);
            let [question] = page(&output)[..] else { panic!("one question") };
            assert_eq!(question.local_port, ports.local);
            assert_eq!(agent.answer(&[question.id], Verdict::PERMIT).accepted, 1);
        }
        assert_eq!(site.went_on().0.len(), 3);
        drop(agent);
        site.end();
    });
}

/// Nanoseconds: the 99th of 100, and the median.
fn percentiles(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    (times[times.len() * 99 / 100], times[times.len() / 2])
}

fn ten_thousand(mut site: Site, clock: &str) {
    const COUNT: usize = 10_000;
    let ports = |number: usize| Ports { local: 20_000 + number as u16, remote: 443 };
    let agent = Agent::start(&site.machine);
    // One at a time: what a question costs beside the time that the agent takes.
    let mut alone = Vec::new();
    for number in 0..500 {
        let begun = lab::clock::now();
        assert!(!site.syn(Way::Out, Ports { local: 10_000 + number, remote: 443 }));
        agent.settle(Verdict::PERMIT);
        assert_eq!(site.went_on().0.len(), 1);
        alone.push(lab::clock::now() - begun);
    }
    let begun: Vec<Instant> = (0..COUNT)
        .map(|number| {
            let begun = lab::clock::now();
            assert!(!site.syn(Way::Out, ports(number)));
            begun
        })
        .collect();
    assert_eq!(site.status().open as usize, COUNT, "all wait at once");
    let (mut answered, mut went_on) = (0, 0);
    let mut together = Vec::new();
    while answered < COUNT {
        let questions = agent.questions();
        // In the order in which they were asked; every fifth one is blocked.
        for (question, number) in questions.iter().zip(answered..) {
            assert_eq!(question.local_port, ports(number).local);
        }
        let (block, permit): (Vec<_>, Vec<_>) =
            questions.iter().map(|question| question.id).enumerate().partition(|(number, _)| number % 5 == 4);
        for (ids, verdict) in [(permit, Verdict::PERMIT), (block, Verdict::BLOCK)] {
            let ids: Vec<u64> = ids.into_iter().map(|(_, id)| id).collect();
            if !ids.is_empty() {
                assert_eq!(agent.answer(&ids, verdict).accepted as usize, ids.len());
            }
        }
        went_on += site.went_on().0.len();
        together.extend(
            begun[answered..answered + questions.len()].iter().map(|begun| lab::clock::now() - *begun),
        );
        answered += questions.len();
    }
    let status = site.status();
    let blocked = status.counter(Count::BLOCKED) as usize;
    assert_eq!((answered, went_on + blocked), (COUNT, COUNT));
    assert_eq!(status.counter(Count::PERMITTED) as usize, went_on + alone.len());
    site.assert_settled();
    let ((alone, usual_alone), (all, usual_all)) = (percentiles(alone), percentiles(together));
    println!(
        "added latency, {clock} time: one at a time p99 {alone:?}, median {usual_alone:?}; \
         {COUNT} at once p99 {all:?}, median {usual_all:?}"
    );
    drop(agent);
    site.end();
}

#[test]
fn ten_thousand_connects_wait_at_once() {
    let name = |clock| format!("ten_thousand_connects_wait_at_once#{clock}");
    let exits = [
        lab::child::run(&name("virtual"), || {
            schedule::start(Mode::Deterministic, 0);
            ten_thousand(Site::new(&[], ASK), "virtual");
        }),
        lab::child::run(&name("real"), || ten_thousand(Site::new(&[], ASK), "real")),
    ];
    for exit in exits {
        exit.assert_clean();
        let figures = exit.log.lines().find(|line| line.contains("added latency")).expect("the figures");
        println!("{figures}");
    }
}
