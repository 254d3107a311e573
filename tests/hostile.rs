//! Promise: hostile frames crash nothing, break no rule, and are counted one by one.

#[path = "support/hostile.rs"]
#[allow(unreachable_pub, reason = "a test binary is a crate of its own")]
mod frames;
mod support;

use lab::ndis::{Call, RESOURCES, Shape, Split};
use lab::replay::{Level, Options};
use support::packet::{self, Ports, Way, shaped};
use support::replay::Scene;
use weir_ioctl::CounterId;

const POLICY: &str = r#"
[defaults]
inbound = "block"
outbound = "block"
failure = "closed"

[[rule]]
name = "web"
action = "permit"
protocol = "tcp"
remote-port = 443

[[rule]]
name = "one application"
action = "block"
application = "curl.exe"
"#;

fn scene() -> Scene {
    let frames = frames::frames();
    Scene::received(frames.into_iter().map(|hostile| hostile.frame), frames::LOCAL4.into())
}

fn play(scene: Scene) {
    let all = scene.frames.len() as u64;
    let outcome = scene.play();
    outcome.assert_accounted();
    assert_eq!(outcome.report.fates.len() as u64, all);
    assert!(outcome.status.counter(CounterId::MALFORMED) > 100, "hardly anything was malformed");
    let by_reason: u64 = outcome.status.malformed.iter().sum();
    assert_eq!(by_reason, outcome.status.counter(CounterId::MALFORMED));
}

#[test]
fn received_without_a_policy_they_pass() {
    lab::child::test("received_without_a_policy_they_pass", || {
        let scene = scene();
        let all = scene.frames.len();
        let outcome = scene.play();
        outcome.assert_accounted();
        assert_eq!(outcome.status.counter(CounterId::FRAMES_RECEIVED), all as u64);
        // What the stack itself would drop counts as passed: the filter let it by.
        assert_eq!(outcome.report.fates.iter().filter(|fate| fate.passed()).count(), all);
    });
}

#[test]
fn received_under_a_strict_policy() {
    lab::child::test("received_under_a_strict_policy", || play(scene().with_policy(POLICY)));
}

#[test]
fn sent_under_a_strict_policy() {
    lab::child::test("sent_under_a_strict_policy", || {
        let mut scene = scene().with_policy(POLICY);
        for frame in &mut scene.frames {
            frame.outbound = Some(true);
        }
        play(scene);
    });
}

#[test]
fn split_at_every_few_bytes_and_on_loan() {
    for step in [1, 2, 5, 13] {
        lab::child::test(&format!("split_at_every_few_bytes_and_on_loan#{step}"), || {
            let mut scene = scene().with_policy(POLICY);
            scene.options = Options {
                batch: 16,
                shape: Shape { lead: 3, split: Split::Every(step), empty_mdls: true },
                resources_every: Some(2),
                level: Level::Mixed,
                seed: step as u64,
                ..scene.options
            };
            play(scene);
        });
    }
}

#[test]
fn a_frame_is_judged_alike_wherever_it_is_split() {
    lab::child::test("a_frame_is_judged_alike_wherever_it_is_split", || {
        let (machine, mut driver, adapter) = support::boot_with_adapter();
        let file = support::open(&machine);
        support::set_policy(&file, "[[rule]]\nname = \"odd\"\naction = \"block\"\nremote-port = 7\n");
        let frames = |way| {
            [7, 8]
                .map(|remote| packet::udp(way, Ports { local: 999, remote }, 10))
                .into_iter()
                .chain([7, 8].map(|remote| packet::tcp(way, Ports { local: 999, remote }, 2, 4)))
                .collect::<Vec<_>>()
        };
        let length = frames(Way::Out).iter().map(Vec::len).max().expect("frames");
        let (mut splits, mut first) = (0, 0);
        for at in 0..=length {
            let shape = Shape { lead: at % 3, split: Split::At(vec![at]), empty_mdls: at.is_multiple_of(2) };
            lab::ndis::set_unmapped(at.is_multiple_of(2));
            for flags in [0, RESOURCES] {
                let call = Call { dispatch: at.is_multiple_of(2), flags };
                adapter.receive(&shaped(&frames(Way::In), first, &shape), call);
            }
            adapter.send(&shaped(&frames(Way::Out), first, &shape), Call::default());
            let events = adapter.take_events();
            assert_eq!((events.delivered.len(), events.wire.len()), (4, 2), "split at {at}");
            let passed = events.delivered.iter().map(|frame| &frame.bytes);
            for bytes in passed.chain(events.wire.iter().map(|frame| &frame.bytes)) {
                let whole = [frames(Way::In), frames(Way::Out)].concat();
                assert!(whole.contains(bytes), "a frame was changed, split at {at}");
            }
            (splits, first) = (splits + 1, first + 100);
        }
        lab::ndis::set_unmapped(false);
        assert!(splits > 14 + 20 + 20, "only {splits} offsets");
        let now = support::status(&file);
        assert_eq!(now.counter(CounterId::MALFORMED), 0);
        assert_eq!(now.permitted(), now.blocked(), "half of the frames are blocked");
        drop(file);
        driver.unload();
        machine.finish();
    });
}
