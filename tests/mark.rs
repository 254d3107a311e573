//! Promise: frames that a rule marks reach the wire with the marks and otherwise unchanged, in order; what was sent stays
//! as it was, and comes back with the status of the copy.

mod support;

use ddk::ndis::NDIS_STATUS_SUCCESS;
use lab::ndis::{Behaviour, Beside, Call, Giving, List, RESOURCES, Shape, Split};
use support::packet::{self, Ports, Way, shaped};
use support::{boot_with_adapter, open, set_policy, status};
use weir_core::wire::checksum::Sum;
use weir_ioctl::CounterId;

const MARK: &str =
    "[[rule]]\nname = 'voice'\naction = 'mark'\nremote-port = 5004\ndscp = 'ef'\npriority = 5\n";

/// Frames to a marked and to another port by turns, with valid IPv4 checksums.
fn frames(way: Way) -> Vec<Vec<u8>> {
    let frame = |number: u16| {
        let remote = if number.is_multiple_of(2) { 5004 } else { 53 };
        let mut frame = packet::udp(way, Ports { local: 40_000 + number, remote }, usize::from(number) * 9);
        let sum = Sum::default().with(&frame[14..34]).finish();
        frame[24..26].copy_from_slice(&sum.to_be_bytes());
        frame
    };
    (0..10).map(frame).collect()
}

/// As the wire shall see a marked one of [`frames`].
fn marked(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[15] = 46 << 2;
    frame[24..26].fill(0);
    let sum = Sum::default().with(&frame[14..34]).finish();
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame
}

#[test]
fn marked_frames_are_copies_and_the_rest_is_untouched() {
    lab::child::test("marked_frames_are_copies_and_the_rest_is_untouched", || {
        lab::ndis::set_poison(true);
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        set_policy(&file, MARK);
        let frames = frames(Way::Out);
        let shapes = [Shape::default(), Shape { lead: 14, split: Split::Every(7), empty_mdls: true }];
        for (shape, (vlan, expected)) in
            shapes.iter().flat_map(|shape| [(None, 0xa000), (Some(0x0064), 0xa064)].map(|tag| (shape, tag)))
        {
            for dispatch in [false, true] {
                let lists: Vec<List<'_>> =
                    shaped(&frames, 1, shape).into_iter().map(|list| List { vlan, ..list }).collect();
                adapter.send(&lists, Call { dispatch, flags: 0 });
                let events = adapter.take_events();
                let (ours, others): (Vec<_>, Vec<_>) =
                    events.wire.into_iter().partition(|frame| frame.vlan == Some(expected));
                let bytes = |frames: Vec<lab::ndis::OnWire>| {
                    frames.into_iter().map(|frame| frame.bytes).collect::<Vec<_>>()
                };
                assert!(others.iter().all(|frame| frame.vlan == vlan));
                assert_eq!(bytes(others), frames.iter().skip(1).step_by(2).cloned().collect::<Vec<_>>());
                assert_eq!(
                    bytes(ours),
                    frames.iter().step_by(2).map(|frame| marked(frame)).collect::<Vec<_>>()
                );
                assert_eq!(events.completed.len(), frames.len());
                assert!(events.completed.iter().all(|(_, status)| *status == NDIS_STATUS_SUCCESS));
            }
        }
        assert_eq!(status(&file).counter(CounterId::MARKED), 4 * 2 * 5);
        // What has its mark already goes as it is.
        let own: Vec<Vec<u8>> = frames.iter().step_by(2).map(|frame| marked(frame)).collect();
        let lists: Vec<List<'_>> = shaped(&own, 1, &Shape::default())
            .into_iter()
            .map(|list| List { vlan: Some(0xa000), ..list })
            .collect();
        adapter.send(&lists, Call::default());
        let events = adapter.take_events();
        assert!(events.wire.iter().all(|frame| frame.tag.is_some()), "originals");
        assert_eq!(status(&file).counter(CounterId::MARKED), 4 * 2 * 5);
        drop(file);
        adapter.pause();
        driver.unload();
        machine.finish();
    });
}

#[test]
fn received_frames_are_marked_in_copies_and_the_originals_go_back_at_once() {
    lab::child::test("received_frames_are_marked_in_copies_and_the_originals_go_back_at_once", || {
        lab::ndis::set_poison(true);
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        set_policy(&file, MARK);
        // What a card says beside a frame: checksums that it verified, type, hash, what it coalesced.
        let beside =
            Beside { info: vec![(0, 0x30), (7, 8), (8, 0x1234), (9, 0x11), (22, 3)], flags: 0x200 | 0x1000 };
        adapter.say_beside(beside.clone());
        adapter.behave(Behaviour { sends: Giving::AtOnce, receives: Giving::OnRequest });
        let frames = frames(Way::In);
        for (round, flags) in [0, RESOURCES, 0x100 | 0x400].into_iter().enumerate() {
            adapter.receive(&shaped(&frames, 1, &Shape::default()), Call { dispatch: round == 1, flags });
            let events = adapter.take_events();
            let (ours, others): (Vec<_>, Vec<_>) =
                events.delivered.into_iter().partition(|frame| frame.tag.is_none());
            let bytes = |frames: &[lab::ndis::Delivered]| {
                frames.iter().map(|frame| frame.bytes.clone()).collect::<Vec<_>>()
            };
            assert_eq!(bytes(&others), frames.iter().skip(1).step_by(2).cloned().collect::<Vec<_>>());
            assert_eq!(bytes(&ours), frames.iter().step_by(2).map(|frame| marked(frame)).collect::<Vec<_>>());
            assert!(ours.iter().all(|frame| frame.vlan == Some(0xa000) && frame.beside == beside));
            // The assertions about a whole chain are not made for copies.
            assert!(ours.iter().all(|frame| frame.flags == u32::from(round == 1)));
            let held = if flags & RESOURCES == 0 { 5 } else { 0 };
            assert_eq!(
                events.returned.len(),
                10 - held,
                "the protocol keeps its receives, but only copies are marked"
            );
            adapter.return_receives(Call::default(), |order| order.reverse());
            assert_eq!(adapter.take_events().returned.len(), held);
        }
        assert_eq!(status(&file).counter(CounterId::MARKED), 15);
        // Without memory a frame passes as it is.
        lab::pool::fail_after(0);
        adapter.receive(&shaped(&frames[..1], 1, &Shape::default()), Call::default());
        lab::pool::fail_after(u32::MAX);
        assert_eq!(adapter.take_events().delivered[0].bytes, frames[0]);
        assert_eq!(status(&file).counter(CounterId::MARKS_FAILED), 1);
        // A pause waits for copies that protocols still have.
        adapter.receive(&shaped(&frames, 1, &Shape::default()), Call::default());
        adapter.pause();
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn a_pause_waits_for_copies_and_originals() {
    lab::child::test("a_pause_waits_for_copies_and_originals", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        set_policy(&file, MARK);
        adapter.behave(Behaviour { sends: Giving::OnRequest, receives: Giving::OnRequest });
        let frames = frames(Way::Out);
        adapter.send(&shaped(&frames, 1, &Shape::default()), Call::default());
        let events = adapter.take_events();
        assert_eq!((events.wire.len(), events.completed.len()), (10, 0));
        adapter.pause();
        let mut completed = adapter.take_events().completed;
        completed.sort_unstable();
        assert_eq!(completed, (1..11).map(|tag| (tag, NDIS_STATUS_SUCCESS)).collect::<Vec<_>>());
        drop(file);
        driver.unload();
        machine.finish();
    });
}
