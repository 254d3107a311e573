//! What a person sees.

use super::*;
use crate::report::Adapter;
use crate::report::DecidedBy;
use crate::report::Frames;
use crate::report::Interface;
use crate::report::Local;
use crate::report::Policy;
use crate::report::Process;
use crate::report::Rule;
use crate::report::Verifier;

fn flow(id: u64, process: &str, remote: &str, verdict: &str, decided_by: DecidedBy, bytes: u64) -> Flow {
    let traffic = Traffic { frames: bytes / 100, bytes };
    let blocked = verdict == "block";
    Flow {
        id,
        process: Some(Process { id: 4, created: None, name: process.into(), image: None, path: None }),
        user: Some("S-1-5-18".into()),
        package: None,
        protocol: 6,
        protocol_name: "TCP".into(),
        local_address: "10.0.0.5".parse().unwrap(),
        local_port: Some(50_000),
        remote_address: remote.parse().unwrap(),
        remote_port: Some(443),
        icmp_id: None,
        name: None,
        compartment: 1,
        adapter: None,
        origin: "out".into(),
        verdict: verdict.into(),
        decided_by,
        policy_generation: 1,
        state: "active".into(),
        authorized_by_ale: true,
        established: true,
        fragmented: false,
        loopback: false,
        sent: if blocked { Traffic::default() } else { traffic },
        received: Traffic::default(),
        sent_blocked: if blocked { traffic } else { Traffic::default() },
        received_blocked: Traffic::default(),
        first_seen: None,
        last_seen: None,
    }
}

fn report(flows: Vec<Flow>) -> Report {
    let rule = Rule {
        index: 0,
        name: "no-telemetry".into(),
        action: "block".into(),
        extras: String::new(),
        frames: 42,
        flows: 1,
    };
    let driver = Driver {
        version: "0.1.0".into(),
        api_version: 1,
        ndis: "6.85".into(),
        wfp_active: true,
        flow_capacity: 1024,
        frames_permitted: 270,
        frames_blocked: 42,
        policy: Some(Policy {
            generation: 1,
            outbound: "permit".into(),
            inbound: "block".into(),
            failure: "open".into(),
            rules: vec![rule],
        }),
        adapters: vec![Adapter {
            name: "Ethernet".into(),
            luid: 1,
            generation: 1,
            index: 2,
            medium: "Ethernet".into(),
            state: "running".into(),
            media: "connected".into(),
            mtu: 1500,
            mac: "02:00:00:00:00:01".into(),
            frames_sent: 200,
            frames_received: 112,
            frames_blocked: 42,
            segments_sent: 200,
            segments_received: 112,
        }],
        flows,
        counters: ["frames sent", "blocked by default", "IPv4", "IPv6"]
            .map(|name| Counter { name: name.into(), value: 3 })
            .to_vec(),
        malformed: Vec::new(),
    };
    Report {
        schema: 1,
        command: "lab run",
        capture: Capture {
            file: "x.pcap".into(),
            format: "pcap",
            frames: 312,
            bytes: 100_000,
            cut: 0,
            first: None,
            duration_ns: 5_000_000_000,
            interfaces: vec![Interface {
                name: None,
                link_type: 1,
                link_type_name: "Ethernet".into(),
                frames: 312,
            }],
            damage: None,
        },
        local: Local { addresses: vec!["10.0.0.5".parse().unwrap()], assumed: true, because: "why".into() },
        image: "weir.sys".into(),
        policy_file: Some("p.toml".into()),
        driver: Some(driver),
        frames: Some(Frames::default()),
        verifier: Verifier::default(),
        summary: "All is well.".into(),
    }
}

fn three() -> Vec<Flow> {
    let rule = DecidedBy::Rule { index: 0, name: Some("no-telemetry".into()) };
    vec![
        flow(1, "curl.exe", "198.51.100.20", "permit", DecidedBy::Default, 1200),
        flow(2, "telemetry.exe", "203.0.113.99", "block", rule, 4200),
        flow(3, "a-very-long-program-name.exe", "2001:db8:1:2:3:4:5:6", "undecided", DecidedBy::Nothing, 100),
    ]
}

#[test]
fn flows_stand_by_size_with_verdict_and_rule() {
    let text = render(&report(three()), Style::plain(), 140);
    let lines = text.lines().collect::<Vec<_>>();
    let at = |word: &str| {
        lines.iter().position(|line| line.contains(word)).unwrap_or_else(|| panic!("{word}: {text}"))
    };
    assert!(at("telemetry.exe") < at("curl.exe"));
    assert!(lines[at("telemetry.exe")].ends_with("BLOCKED by rule 'no-telemetry'"), "{text}");
    assert!(lines[at("telemetry.exe")].contains("10.0.0.5:50000  →  203.0.113.99:443"), "{text}");
    assert!(lines[at("curl.exe")].ends_with("permitted by default"), "{text}");
    assert!(text.ends_with("\nAll is well.\n"));
}

#[test]
fn names_of_hosts_stand_beside_addresses() {
    let mut named = report(three());
    let driver = named.driver.as_mut().unwrap();
    driver.flows[0].name = Some("www.example.com".into());
    for width in [80, 140] {
        let text = render(&named, Style::plain(), width);
        assert!(text.contains("www.example.com"), "{text}");
    }
    let text = render(&named, Style::plain(), 160);
    assert!(text.contains("  www.example.com  "), "{text}");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in [80, 100, 120, 200] {
        let text = render(&report(three()), Style::plain(), width);
        for line in text.lines().filter(|line| !line.contains("assumed")) {
            assert!(console::measure_text_width(line) <= width, "{width}: {line}");
        }
        // Whatever the width, both ends can be read whole.
        assert!(text.contains("[2001:db8:1:2:3:4:5:6]:443"), "{text}");
    }
}

#[test]
fn long_lists_end_with_a_count() {
    let flows = (0..60).map(|id| flow(id, "x", "10.0.0.1", "permit", DecidedBy::Default, 100)).collect();
    assert!(
        render(&report(flows), Style::plain(), 120).contains("… and 10 smaller flows; --json lists them all")
    );
}

#[test]
fn names_from_the_driver_cannot_steer_the_terminal() {
    let mut report = report(three());
    if let Some(driver) = &mut report.driver {
        driver.flows[0].process =
            Some(Process { id: 1, created: None, name: "\u{1b}[2Jx".into(), image: None, path: None });
        driver.adapters[0].name = "a\nb".into();
    }
    let text = render(&report, Style::plain(), 120);
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(text.contains("a\u{fffd}b"), "{text}");
}
