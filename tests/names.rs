//! Promise: the names in captured DNS answers and TLS hellos are the names of the flows, as tshark reads them; rules with
//! `domain` decide by them.

mod support;

use std::collections::BTreeSet;
use std::net::IpAddr;

use support::captures::data;
use support::replay::{Outcome, Scene, address};
use support::tshark;
use weir_ioctl::{CounterId, FlowEntry, Verdict};

/// Remote end and name of every flow that has one.
fn named(outcome: &Outcome, port: u16) -> BTreeSet<(IpAddr, String)> {
    let flows = outcome.flows.iter().filter(|flow| flow.remote_port == port);
    flows.filter_map(|flow| Some((address(flow.remote_address), outcome.name(flow)?.to_owned()))).collect()
}

#[test]
fn names_in_hellos_are_those_that_tshark_reads() {
    lab::child::test("names_in_hellos_are_those_that_tshark_reads", || {
        let path = data().join("tls.pcapng");
        let outcome = Scene::of(&path).play();
        outcome.assert_accounted();
        let expected = tshark::server_names(&path);
        assert!(expected.len() >= 2, "{expected:?}");
        assert_eq!(named(&outcome, 443), expected);
        let connections =
            outcome.flows.iter().filter(|flow| flow.remote_port == 443 && flow.frames_sent != 0);
        assert_eq!(outcome.status.counter(CounterId::SERVERS_NAMED), connections.count() as u64);
    });
}

#[test]
fn names_in_answers_are_those_that_tshark_reads() {
    lab::child::test("names_in_answers_are_those_that_tshark_reads", || {
        let path = data().join("dns.pcap");
        let outcome = Scene::of(&path).play();
        outcome.assert_accounted();
        let expected = tshark::answered_names(&path);
        assert!(!expected.is_empty());
        assert_eq!(outcome.names.values().cloned().collect::<BTreeSet<_>>(), expected);
    });
}

/// What a rule about a name stops, whatever the pieces in which the bytes lie.
#[test]
fn a_rule_stops_the_hello_and_what_follows() {
    lab::child::test("a_rule_stops_the_hello_and_what_follows", || {
        let path = data().join("tls.pcapng");
        let mut scene = Scene::of(&path).with_policy(
            "[[rule]]\nname = \"weir\"\naction = \"block\"\ndomain = \"*.weir.example\"\n\
             [[rule]]\nname = \"rest\"\naction = \"permit\"\nprotocol = \"tcp\"\n",
        );
        scene.options.shape.split = lab::ndis::Split::Every(7);
        let outcome = scene.play();
        outcome.assert_accounted();
        let tls: Vec<&FlowEntry> = outcome.flows.iter().filter(|flow| flow.remote_port == 443).collect();
        assert_eq!(tls.len(), 4);
        for flow in tls {
            assert_eq!((flow.verdict, flow.rule), (Verdict::BLOCK, 0));
            // SYN and ACK passed, and the SYN+ACK; nothing with data did.
            assert_eq!((flow.frames_sent, flow.frames_received), (2, 1));
            assert!(flow.frames_sent_blocked > 0 && flow.frames_received_blocked > 0);
        }
    });
}
