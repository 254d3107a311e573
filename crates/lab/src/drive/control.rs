//! What happens beside the frames: OIDs, status, PnP events, pauses, adapters that come and go.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ddk::ndis::{
    NDIS_STATUS, NDIS_STATUS_MEDIA_SPECIFIC_INDICATION, NDIS_STATUS_NOT_SUPPORTED, NDIS_STATUS_RESOURCES,
    OID_GEN_CURRENT_PACKET_FILTER, OID_GEN_MAXIMUM_FRAME_SIZE,
};

use super::{Scene, add};
use crate::ndis::{Adapter, AttachTime, Attributes, Call, Completion, Config, List, Piece, Shape, driver};
use crate::schedule::{self, Random};
use crate::{clock, cpu};

/// NetEventSetPower, NetEventQueryPower, NetEventPause and their like are NDIS' own; these only pass by.
const NET_EVENTS: [i32; 2] = [ddk::ndis::NetEventReconfigure, ddk::ndis::NetEventBindList];
/// NdisDevicePnPEventPowerProfileChanged.
const DEVICE_EVENT: i32 = ddk::ndis::NdisDevicePnPEventPowerProfileChanged;
/// Longest jump of virtual time.
const JUMP: u64 = 400;

/// One in so many rounds of traffic has a round of events.
const EVENTS: u32 = 2;
const CONTROLS: u32 = 10;

impl Scene {
    fn done(&self) -> bool {
        self.running.load(Ordering::SeqCst) == 0
    }
}

/// OIDs, status and PnP events while frames flow.
pub(super) fn events(scene: &Arc<Scene>) {
    cpu::init_on(scene.options.processors + 1);
    let mut random = Random::part(scene.options.seed, 1 << 32);
    for _ in 0..scene.options.rounds / EVENTS {
        if scene.done() {
            break;
        }
        let port = random.pick(&scene.ports);
        port.attached.pass(|| event(scene, &port.adapter, &mut random));
        add(&scene.tally.events, 1);
        schedule::sleep(Duration::from_micros(random.below(300)));
    }
}

fn event(scene: &Scene, adapter: &Adapter, random: &mut Random) {
    match random.below(9) {
        0..4 => oid(scene, adapter, random),
        4 => adapter.indicate_link(random.once_in(2)),
        5 => adapter.indicate_status(NDIS_STATUS_MEDIA_SPECIFIC_INDICATION, &[1, 2, 3, 4]),
        6 => {
            adapter.net_event(*random.pick(&NET_EVENTS));
        }
        7 => adapter.device_event(DEVICE_EVENT),
        _ => clock::jump(Duration::from_millis(random.below(JUMP))),
    }
}

fn oid(scene: &Scene, adapter: &Adapter, random: &mut Random) {
    let all = [Completion::Inline, Completion::BeforeReturn, Completion::AfterReturn];
    let choice = random.below(all.len() as u64) as usize;
    let completion = all[choice];
    scene.odd(|odd| odd.oids[choice] += 1);
    let failure: Option<NDIS_STATUS> =
        *random.pick(&[None, None, Some(NDIS_STATUS_NOT_SUPPORTED), Some(NDIS_STATUS_RESOURCES)]);
    adapter.complete_oids(completion, failure);
    match random.below(3) {
        0 => adapter.query(OID_GEN_MAXIMUM_FRAME_SIZE, 4),
        1 => adapter.set(OID_GEN_CURRENT_PACKET_FILTER, &[0xb, 0, 0, 0]),
        _ => adapter.query_direct(OID_GEN_MAXIMUM_FRAME_SIZE, 4),
    };
    add(&scene.tally.oids, 1);
}

/// Pauses, adapters that come and go, and the caller's own control.
pub(super) fn control(scene: &Arc<Scene>, mut own: impl FnMut(&mut Random)) {
    cpu::init_on(scene.options.processors + 2);
    let mut random = Random::part(scene.options.seed, 2 << 32);
    for _ in 0..scene.options.rounds / CONTROLS {
        if scene.done() {
            break;
        }
        match random.below(6) {
            0 if scene.options.pauses => pause(scene, &mut random),
            1 if scene.options.pauses => plug(scene, &mut random),
            2 if scene.options.detaches => detach(scene, &mut random),
            _ => own(&mut random),
        }
        requested_restarts(scene);
        schedule::sleep(Duration::from_micros(random.below(1_000)));
    }
}

fn attributes(random: &mut Random) -> Attributes {
    *random.pick(&[Attributes::None, Attributes::General])
}

fn pause(scene: &Scene, random: &mut Random) {
    let port = random.pick(&scene.ports);
    port.gate.close(|| {
        port.adapter.pause();
        schedule::sleep(Duration::from_micros(random.below(200)));
        let restarted = port.adapter.restart(attributes(random));
        assert!(restarted.is_ok(), "FilterRestart failed with {restarted:x?} without a reason");
    });
    add(&scene.tally.pauses, 1);
}

/// What drivers asked for with NdisFRestartFilter.
fn requested_restarts(scene: &Scene) {
    for port in scene.ports.iter().filter(|port| port.adapter.wants_restart()) {
        port.gate.close(|| {
            let restarted = port.adapter.do_requested_restarts();
            assert!(restarted.is_ok(), "FilterRestart failed with {restarted:x?} without a reason");
        });
        add(&scene.tally.pauses, 1);
    }
}

/// Every filter is detached from an adapter and attached again, while frames flow on the others.
fn detach(scene: &Scene, random: &mut Random) {
    let port = random.pick(&scene.ports);
    let change = || {
        port.adapter.pause();
        port.adapter.detach();
        schedule::sleep(Duration::from_micros(random.below(200)));
        for driver in driver::all() {
            let attached = port.adapter.attach(&driver);
            assert!(attached.is_ok(), "FilterAttach failed with {:x?} without a reason", attached.err());
        }
        let restarted = port.adapter.restart(attributes(random));
        assert!(restarted.is_ok(), "FilterRestart failed with {restarted:x?} without a reason");
    };
    port.closed(change);
    add(&scene.tally.detached, 1);
}

/// An adapter comes, every filter driver is attached to it, a frame passes, and it goes.
fn plug(scene: &Scene, random: &mut Random) {
    let adapter = Adapter::new(Config { attach: AttachTime::OnRequest, ..Config::default() });
    for driver in driver::all() {
        let attached = adapter.attach(&driver);
        assert!(attached.is_ok(), "FilterAttach failed with {:x?} without a reason", attached.err());
    }
    let restarted = adapter.restart(attributes(random));
    assert!(restarted.is_ok(), "FilterRestart failed with {restarted:x?} without a reason");
    let frame = [0xff; 60];
    let lists = [List { pieces: vec![Piece { bytes: &frame, tag: 0 }], vlan: None, shape: Shape::default() }];
    adapter.receive(&lists, Call { dispatch: random.once_in(2), flags: 0 });
    adapter.pause();
    adapter.detach();
    add(&scene.tally.plugged, 1);
}
