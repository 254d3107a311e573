//! Promise: packets and bytes that Weir counts per 5-tuple are those of tshark's conversation statistics.
//!
//! Weir books every fragment on the flow of its datagram and sees the outer packet of a tunnel; tshark is asked
//! accordingly (see [`support::tshark`]). ALE opens records without frames, which are no conversations.

mod support;

use support::captures::{Recorded, paths};
use support::replay::Scene;
use support::tshark;

#[test]
fn every_capture_has_the_conversations_that_tshark_sees() {
    for path in paths() {
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        lab::child::test(&format!("every_capture_has_the_conversations_that_tshark_sees#{name}"), || {
            let outcome = Scene::of(&path).play();
            outcome.assert_accounted();
            let cut = Recorded::load(&path).is("snapped");
            let expected = tshark::conversations(&path, if cut { "frame.cap_len" } else { "frame.len" });
            assert!(!expected.is_empty());
            assert_eq!(outcome.conversations(), expected, "{name}");
            println!("{name}: {} conversations", expected.len());
        });
    }
}

#[test]
fn counts_do_not_depend_on_batches_splits_or_places_of_the_tag() {
    use lab::ndis::{Shape, Split};
    use lab::replay::{Level, Options, Vlan};
    let pick = ["fragments.pcapng", "vlan.pcapng", "qinq.pcap", "http-v6.pcapng", "raw-ip.pcap"];
    for path in paths().into_iter().filter(|path| pick.iter().any(|name| path.ends_with(name))) {
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        for vlan in [Vlan::InBand, Vlan::OutOfBand] {
            let test = "counts_do_not_depend_on_batches_splits_or_places_of_the_tag";
            lab::child::test(&format!("{test}#{name}#{vlan:?}"), || {
                let mut scene = Scene::of(&path);
                scene.options = Options {
                    batch: 32,
                    buffers: 4,
                    shape: Shape { lead: 14, split: Split::Every(7), empty_mdls: true },
                    vlan,
                    resources_every: Some(2),
                    level: Level::Mixed,
                    seed: 7,
                    ..scene.options
                };
                let outcome = scene.play();
                outcome.assert_accounted();
                assert_eq!(outcome.conversations(), tshark::conversations(&path, "frame.len"), "{name}");
                assert_eq!(outcome.passed(), (0..outcome.frames.len()).collect::<Vec<_>>(), "{name}");
            });
        }
    }
}
