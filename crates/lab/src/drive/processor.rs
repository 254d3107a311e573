//! A processor with traffic: sends, receives, completions and returns, in any order and shape.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::traffic::{self, Given};
use super::{OWNER, Port, Scene, add, lock};
use crate::edge::{Edge, Verdict};
use crate::ndis::{Adapter, Behaviour, Call, Giving, List, Piece, RESOURCES, Shape, Split};
use crate::schedule::{self, Mode, Random};
use crate::{cpu, ndis};

/// Flow handles of each processor's stack.
const FLOWS: u64 = 0x10_0000;
/// Longest burst of calls with NDIS_RECEIVE_FLAGS_RESOURCES.
const BURST: u64 = 6;
/// NBLs of one call with several NET_BUFFERs have at most so many.
const BUFFERS: u64 = 4;

struct Processor<'a> {
    scene: &'a Arc<Scene>,
    number: u32,
    random: Random,
    edge: Edge,
    given: Vec<Given>,
    next: usize,
    tag: u64,
    /// Time of the TCP/IP stack in nanoseconds.
    now: u64,
    /// Calls left that are to come with RESOURCES.
    burst: u64,
}

/// Drives traffic for as many rounds as the options say.
pub(super) fn run(scene: &Arc<Scene>, number: u32, given: Vec<Given>) {
    cpu::init_on(number + 1);
    let options = &scene.options;
    let edge = Edge::new(options.local.iter().copied(), options.processes.clone());
    let mut processor = Processor {
        scene,
        number,
        random: Random::part(options.seed, u64::from(number) + 1),
        edge: edge.with_flows_from(FLOWS * (u64::from(number) + 1)),
        given,
        next: 0,
        tag: u64::from(number) << OWNER,
        now: 0,
        burst: 0,
    };
    for _ in 0..options.rounds {
        processor.round();
    }
    processor.edge.finish();
    scene.running.fetch_sub(1, Ordering::SeqCst);
}

impl Processor<'_> {
    fn round(&mut self) {
        self.now += self.random.below(40_000_000);
        let scene = self.scene;
        let port = self.random.below(scene.ports.len() as u64) as usize;
        match self.random.below(16) {
            0..7 => self.send(port),
            7..13 => self.receive(port),
            13 => scene.ports[port].adapter.behave(self.behaviour()),
            14 => self.complete(&scene.ports[port].adapter),
            _ => self.give_back(&scene.ports[port].adapter),
        }
        self.scene.collect();
        let mail = std::mem::take(&mut *lock(&scene.mail[self.number as usize]));
        for (port, frame) in mail {
            self.edge.inbound(&scene.ports[port].interface, &frame, self.now);
        }
    }

    fn behaviour(&mut self) -> Behaviour {
        let giving = [Giving::AtOnce, Giving::OnRequest];
        Behaviour { sends: *self.random.pick(&giving), receives: *self.random.pick(&giving) }
    }

    fn call(&mut self) -> Call {
        let dispatch = self.random.once_in(2);
        self.scene.odd(|odd| *(if dispatch { &mut odd.raised } else { &mut odd.passive }) += 1);
        Call { dispatch, flags: 0 }
    }

    fn shape(&mut self) -> Shape {
        let random = &mut self.random;
        let split = match random.below(5) {
            0 => Split::Whole,
            1 => Split::Every(1 + random.below(40) as usize),
            2 => Split::At(vec![random.below(80) as usize]),
            3 => Split::At(vec![14, 34, 42 + random.below(20) as usize]),
            _ => Split::Random { seed: random.number() >> 1 },
        };
        self.scene.odd(|odd| odd.split += u64::from(split != Split::Whole));
        Shape { lead: *random.pick(&[0, 0, 2, 16, 64]), split, empty_mdls: random.once_in(4) }
    }

    /// The next frames of one flow and one direction, or of the capture.
    fn frames(&mut self, port: usize, outbound: bool, odd: bool, count: u64) -> (usize, Vec<Vec<u8>>) {
        if self.given.is_empty() {
            let medium = self.scene.ports[port].interface.medium;
            return (port, traffic::flow(&mut self.random, self.number, medium, outbound, odd, count));
        }
        // The next frame of this direction, and those that follow it in the same one.
        let length = self.given.len();
        let wanted = |given: &Given| given.outbound == outbound;
        let Some(skip) = (0..length).find(|skip| wanted(&self.given[(self.next + skip) % length])) else {
            return (port, Vec::new());
        };
        let start = (self.next + skip) % length;
        let port = self.given[start].adapter;
        let frames: Vec<_> = self.given[start..]
            .iter()
            .take(count as usize)
            .take_while(|given| wanted(given) && given.adapter == port)
            .map(|given| given.data.clone())
            .collect();
        self.next = (start + frames.len()) % length;
        (port, frames)
    }

    fn number(&mut self, frames: Vec<Vec<u8>>) -> Vec<(u64, Vec<u8>)> {
        frames
            .into_iter()
            .map(|frame| {
                self.tag += 1;
                (self.tag, frame)
            })
            .collect()
    }

    fn send(&mut self, port: usize) {
        let count = 1 + self.random.below(self.scene.options.batch);
        let odd = self.random.once_in(2);
        let (port, mut frames) = self.frames(port, true, odd, count);
        let Port { adapter, interface, gate, .. } = &self.scene.ports[port];
        let before = frames.len();
        // The stack sends only what ALE permits.
        frames.retain(|frame| self.edge.outbound(interface, frame, self.now) == Verdict::Pass);
        add(&self.scene.tally.refused, before - frames.len());
        // O13: one NBL has the frames of one flow, which those of a capture need not be.
        let same = !odd && self.given.is_empty();
        let together = if same { 1 + self.random.below(BUFFERS) } else { 1 };
        let frames = self.number(frames);
        let (shape, call) = (self.shape(), self.call());
        let vlan = self.random.once_in(8).then_some(0x6005);
        let lists: Vec<List<'_>> = frames
            .chunks(together as usize)
            .map(|frames| List {
                pieces: frames.iter().map(|(tag, bytes)| Piece { bytes, tag: *tag }).collect(),
                vlan,
                shape: shape.clone(),
            })
            .collect();
        add(&self.scene.tally.sent, frames.len());
        gate.pass(|| adapter.send(&lists, call));
    }

    fn receive(&mut self, port: usize) {
        let count = 1 + self.random.below(self.scene.options.batch);
        let (port, frames) = self.frames(port, false, true, count);
        let frames = self.number(frames);
        let fresh = self.burst == 0 && self.random.once_in(10);
        if fresh {
            self.burst = 1 + self.random.below(BURST);
        }
        let mut call = self.call();
        let lent = self.burst != 0;
        if lent {
            self.burst -= 1;
            call.flags |= RESOURCES;
        }
        let shape = self.shape();
        let unmapped = self.random.once_in(4);
        ndis::set_unmapped(unmapped);
        self.scene.odd(|odd| {
            odd.unmapped += u64::from(unmapped);
            odd.loans += u64::from(lent);
            odd.bursts += u64::from(lent && !fresh);
        });
        let vlan = self.random.once_in(8).then_some(0x2003);
        let scene = self.scene.clone();
        let indicate = move |call| {
            let Port { adapter, attached, .. } = &scene.ports[port];
            let list = |(tag, bytes): &'_ (u64, Vec<u8>)| (*tag, bytes.clone());
            let frames: Vec<_> = frames.iter().map(list).collect();
            let lists: Vec<List<'_>> = frames
                .iter()
                .map(|(tag, bytes)| List {
                    pieces: vec![Piece { bytes, tag: *tag }],
                    vlan,
                    shape: shape.clone(),
                })
                .collect();
            // A card that is being paused drops what comes meanwhile.
            attached.try_pass(|| {
                add(&scene.tally.received, lists.len());
                adapter.receive(&lists, call);
            });
        };
        if self.interrupts() {
            schedule::interrupt(move || indicate(Call { dispatch: true, ..call }));
        } else {
            indicate(call);
        }
    }

    /// Whether the next event comes as an interrupt.
    fn interrupts(&mut self) -> bool {
        self.scene.options.mode != Mode::Free && self.random.once_in(2)
    }

    /// The miniport completes some of the sends that it keeps, in any order.
    fn complete(&mut self, adapter: &Arc<Adapter>) {
        let (count, call, mut order) = (1 + self.random.below(12) as usize, self.call(), self.random.clone());
        let (scene, other) = (self.scene.clone(), adapter.clone());
        let mut complete = move |call| {
            other.complete_some_sends(call, count, |all| scene.shuffle(&mut order, all, count));
        };
        if self.interrupts() {
            schedule::interrupt(move || complete(Call { dispatch: true, ..call }));
        } else {
            complete(call);
        }
    }

    /// The protocol returns some of the receives that it keeps, in any order.
    fn give_back(&mut self, adapter: &Arc<Adapter>) {
        let (count, call, mut order) = (1 + self.random.below(12) as usize, self.call(), self.random.clone());
        adapter.return_some_receives(call, count, |all| self.scene.shuffle(&mut order, all, count));
    }
}
