//! Promise: what may pass passes untouched and in order; what a policy blocks is gone, exactly that, in both directions.

mod support;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use lab::edge::ProcessMap;
use lab::replay::Fate;
use support::captures::{data, paths};
use support::replay::{Outcome, Scene};
use support::tshark::{self, Conversation};
use weir_ioctl::Verdict;

/// One child for each capture, named after it.
fn for_each_capture(test: &str, body: impl Fn(&Path)) {
    for path in paths() {
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        lab::child::test(&format!("{test}#{name}"), || body(&path));
    }
}

fn all(outcome: &Outcome) -> Vec<usize> {
    (0..outcome.frames.len()).collect()
}

#[test]
fn without_a_policy_every_frame_passes_in_order() {
    for_each_capture("without_a_policy_every_frame_passes_in_order", |path| {
        let outcome = Scene::of(path).play();
        outcome.assert_accounted();
        assert_eq!(outcome.passed(), all(&outcome));
    });
}

#[test]
fn with_an_all_permit_policy_every_frame_passes_in_order() {
    let policy = "[defaults]\noutbound = \"permit\"\ninbound = \"permit\"\n[[rule]]\nname = \"all\"\naction = \"permit\"\n";
    for_each_capture("with_an_all_permit_policy_every_frame_passes_in_order", |path| {
        let outcome = Scene::of(path).with_policy(policy).play();
        outcome.assert_accounted();
        assert_eq!(outcome.passed(), all(&outcome));
        assert!(outcome.hits[0].frames > 0, "the rule decided nothing");
    });
}

/// A rule that names both ends of `conversation`, and nothing else.
fn rule_against(conversation: &Conversation, local: &[IpAddr]) -> Option<String> {
    let [one, other] = conversation.ends;
    let (mine, theirs) = if local.contains(&one.0) { (one, other) } else { (other, one) };
    let name = match conversation.protocol {
        6 => "tcp",
        17 => "udp",
        _ => return None,
    };
    local.contains(&mine.0).then(|| {
        format!(
            "[[rule]]\nname = \"it\"\naction = \"block\"\nprotocol = \"{name}\"\n\
             local = \"{}\"\nlocal-port = {}\nremote = \"{}\"\nremote-port = {}\n",
            mine.0, mine.1, theirs.0, theirs.1
        )
    })
}

#[test]
fn a_blocked_conversation_is_gone_and_nothing_else() {
    let mut with_fragments = 0;
    for path in paths() {
        let frames = tshark::frames(&path, "frame.len");
        let local = Scene::of(&path).options.local;
        // The busiest TCP and the busiest UDP conversation, and those with fragments.
        let mut candidates: Vec<(Conversation, usize, bool)> = Vec::new();
        for conversation in frames.iter().filter_map(|frame| frame.conversation).collect::<BTreeSet<_>>() {
            let own = || frames.iter().filter(|frame| frame.conversation == Some(conversation));
            candidates.push((conversation, own().count(), own().any(|frame| frame.later_fragment)));
        }
        candidates.sort_by_key(|(_, count, fragments)| (!fragments, std::cmp::Reverse(*count)));
        let mut done = BTreeSet::new();
        for (conversation, count, fragments) in candidates {
            let Some(rule) = rule_against(&conversation, &local) else { continue };
            if !done.insert((conversation.protocol, fragments)) {
                continue;
            }
            with_fragments += usize::from(fragments);
            let file = path.file_name().expect("a file").to_string_lossy().into_owned();
            let test = format!("a_blocked_conversation_is_gone_and_nothing_else#{file}#{conversation:?}");
            lab::child::test(&test, || {
                let outcome = Scene::of(&path).with_policy(&rule).play();
                outcome.assert_accounted();
                let expected: Vec<usize> = (0..frames.len())
                    .filter(|&index| frames[index].conversation != Some(conversation))
                    .collect();
                assert_eq!(outcome.passed(), expected, "{rule}");
                assert_eq!(frames.len() - expected.len(), count);
            });
        }
    }
    assert!(with_fragments > 0, "no capture has fragments of UDP");
}

fn demo(policy: &str) -> Scene {
    let directory = data().join("demo");
    let mut scene = Scene::of(&directory.join("demo.pcapng")).with_policy(policy);
    let processes = std::fs::read_to_string(directory.join("processes.toml")).expect("the demo's processes");
    scene.options.processes = ProcessMap::from_toml(&processes).expect("a sound map");
    scene
}

/// Indices of the frames whose conversation has an end that `test` picks.
fn frames_with(test: impl Fn(&Conversation) -> bool) -> BTreeSet<usize> {
    let frames = tshark::frames(&data().join("demo/demo.pcapng"), "frame.len");
    let found: BTreeSet<usize> =
        (0..frames.len()).filter(|&index| frames[index].conversation.as_ref().is_some_and(&test)).collect();
    assert!(!found.is_empty(), "the demo has no such frames");
    found
}

#[test]
fn a_blocked_application_sends_nothing() {
    lab::child::test("a_blocked_application_sends_nothing", || {
        let updater = "[[rule]]\nname = \"updater\"\naction = \"block\"\ndirection = \"out\"\n\
                       application = 'C:\\Program Files\\Updater\\updater.exe'\n";
        let outcome = demo(updater).play();
        outcome.assert_accounted();
        let server: IpAddr = "198.51.100.30".parse().expect("an address");
        let theirs = frames_with(|conversation| conversation.ends.iter().any(|end| end.0 == server));
        for &index in &theirs {
            let fate = &outcome.report.fates[index];
            assert!(
                matches!(fate, Fate::BlockedByAle { .. } | Fate::DroppedByFilter { .. }),
                "frame {index} of the updater: {fate:?}"
            );
        }
        assert_eq!(
            outcome.passed(),
            all(&outcome).into_iter().filter(|i| !theirs.contains(i)).collect::<Vec<_>>()
        );
        assert!(outcome.hits[0].flows > 0, "the rule decided no flow");
    });
}

#[test]
fn a_blocked_service_hears_nothing() {
    lab::child::test("a_blocked_service_hears_nothing", || {
        let database = "[[rule]]\nname = \"database\"\naction = \"block\"\ndirection = \"in\"\n\
                        application = \"database.exe\"\n";
        let outcome = demo(database).play();
        outcome.assert_accounted();
        let theirs = frames_with(|conversation| conversation.ends.iter().any(|end| end.1 == 5432));
        for &index in &theirs {
            let fate = &outcome.report.fates[index];
            assert!(!fate.passed(), "frame {index} of the database: {fate:?}");
        }
        assert_eq!(
            outcome.passed(),
            all(&outcome).into_iter().filter(|i| !theirs.contains(i)).collect::<Vec<_>>()
        );
        assert!(outcome.hits[0].flows > 0, "the rule decided no flow");
        let blocked: Vec<_> = outcome.flows.iter().filter(|flow| flow.local_port == 5432).collect();
        assert!(!blocked.is_empty() && blocked.iter().all(|flow| flow.verdict == Verdict::BLOCK));
    });
}

#[test]
fn the_default_blocks_what_no_rule_names() {
    lab::child::test("the_default_blocks_what_no_rule_names", || {
        let outcome = demo("[defaults]\noutbound = \"block\"\ninbound = \"block\"\n").play();
        outcome.assert_accounted();
        assert_eq!(outcome.passed(), Vec::<usize>::new());
    });
}

#[test]
fn a_rule_by_the_name_of_an_interface_holds_on_that_interface_alone() {
    lab::child::test("a_rule_by_the_name_of_an_interface_holds_on_that_interface_alone", || {
        let mut scene = Scene::of(&data().join("two-interfaces.pcapng"));
        // Names are compared without case.
        let name = scene.interfaces[1].name.as_ref().expect("a name").to_uppercase();
        scene.policy =
            Some(format!("[[rule]]\nname = \"there\"\naction = \"block\"\ninterface = '{name}'\n"));
        let outcome = scene.play();
        outcome.assert_accounted();
        let elsewhere: Vec<usize> =
            all(&outcome).into_iter().filter(|&index| outcome.frames[index].adapter == 0).collect();
        assert!(!elsewhere.is_empty() && elsewhere.len() < outcome.frames.len());
        assert_eq!(outcome.passed(), elsewhere);
    });
}
