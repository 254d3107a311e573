//! The whole path of a frame: 64 bytes in memory, headers, flow, verdict, counters.
#![expect(unsafe_code, reason = "the engine lives in memory of its own")]

use std::ptr::NonNull;

use anyhow::{Context as _, Result, bail};
use weir_core::counters::Counter;
use weir_core::engine::{Batch, Config, Engine, Interface, Short};
use weir_core::policy;
use weir_core::wire::Medium;
use weir_core::{Action, Direction, Time};

use crate::memory::{self, Block};
use crate::rounds::{self, Contender, Random};
use crate::tables::{Flow, flows, sequence};

/// Frames under way at once; a driver's stack has room for as many.
const GROUP: usize = 16;
/// Frames of a batch.
const BATCH: usize = 32;
const RULES: u32 = 1_000;

/// A frame of a flow, sent by this machine.
pub(crate) fn frame(flow: &Flow) -> [u8; 64] {
    let mut frame = [0; 64];
    let mut put = |at: usize, bytes: &[u8]| frame[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]);
    put(14, &[0x45, 0, 0, 50, 0, 0, 0x40, 0, 64, flow.protocol, 0, 0]);
    put(26, &flow.local.0.to_be_bytes());
    put(30, &flow.remote.0.to_be_bytes());
    put(34, &flow.local.1.to_be_bytes());
    put(36, &flow.remote.1.to_be_bytes());
    if flow.protocol == 6 {
        put(46, &[0x50, 0x10]);
    } else {
        put(38, &30_u16.to_be_bytes());
    }
    frame
}

/// An engine with a policy of a thousand rules, each flow decided by one of them.
struct Owned {
    engine: &'static Engine,
    _image: Box<[u8]>,
    _memory: Block,
}

/// Rules by remote port: each covers an equal part of all ports.
pub(crate) fn rules(count: u32) -> String {
    let width = 65_536 / count;
    (0..count)
        .map(|rule| {
            let last = if rule + 1 == count { 65_535 } else { (rule + 1) * width - 1 };
            format!("[[rule]]\nname='r{rule}'\naction='permit'\nremote-port='{}-{last}'\n", rule * width)
        })
        .collect()
}

fn engine(all: &[Flow], count_flows: bool) -> Result<Owned> {
    let config =
        Config { flows: all.len() as u32, count_flows, ..Config::new(2, [0x1234_5678, 0x9abc_def0]) };
    let memory = Block::zeroed(Engine::layout(&config).context("an engine of this size")?);
    // SAFETY: zeroed memory of the engine's layout, kept beside it.
    let engine = unsafe { Engine::init(memory.start(), &config) }.context("an engine")?;
    let compiled = policy::compile(&rules(RULES), &Default::default());
    let image = compiled.map_err(|problems| anyhow::anyhow!("{problems:?}"))?.image.into_boxed_slice();
    // SAFETY: the image is kept beside the engine.
    unsafe { engine.set_policy(NonNull::from(&*image), std::thread::yield_now) }
        .map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let interface = interface();
    for chunk in all.chunks(BATCH) {
        let mut batch = engine.batch(0, Time(1));
        for flow in chunk {
            let back = Flow { local: flow.remote, remote: flow.local, ..*flow };
            for (way, bytes) in [(Direction::Send, frame(flow)), (Direction::Receive, frame(&back))] {
                let verdict = batch.inspect(&interface, way, bytes.as_slice(), None);
                if verdict.action != Action::Permit {
                    bail!("a frame does not pass");
                }
            }
        }
    }
    Ok(Owned { engine, _image: image, _memory: memory })
}

fn interface() -> Interface<'static> {
    Interface { luid: 1, index: 1, medium: Medium::Ethernet, compartment: 1, name: &[] }
}

/// Takes frames through the engine; returns how many passed.
fn pass(engine: &Engine, frames: &[[u8; 64]]) -> u64 {
    let interface = interface();
    let mut passed = 0;
    for chunk in frames.chunks(BATCH) {
        let mut batch = engine.batch(0, Time(2));
        for group in chunk.chunks(GROUP) {
            passed += group_of(&mut batch, &interface, group);
        }
    }
    passed
}

#[inline(never)]
fn group_of(batch: &mut Batch<'_>, interface: &Interface<'_>, group: &[[u8; 64]]) -> u64 {
    let mut shorts = [Short::default(); GROUP];
    for (short, frame) in shorts.iter_mut().zip(group) {
        *short = batch.look_ahead(interface, frame.as_slice(), None);
    }
    for short in &mut shorts {
        batch.look(short);
    }
    let mut passed = 0;
    for (frame, short) in group.iter().zip(&shorts) {
        let quick = batch.decide(Direction::Send, short);
        let action =
            quick.unwrap_or_else(|| batch.inspect(interface, Direction::Send, frame.as_slice(), None).action);
        passed += u64::from(action == Action::Permit);
    }
    passed
}

/// Measures the path among `count` flows.
pub(crate) fn measure(count: u32, packets: u32, rounds: u32) -> Result<rounds::Table> {
    let all = flows(count);
    let order = sequence(count, packets);
    let frames: Vec<[u8; 64]> = order.iter().map(|number| frame(&all[*number as usize])).collect();
    let expected = frames.len() as u64;
    let (fast, exact) = (engine(&all, false)?, engine(&all, true)?);
    let lines = vec![[1_u64; 8]; (count as usize * 5).div_ceil(6)];
    let place: Vec<u32> = {
        let mut random = Random::new(3);
        (0..count).map(|_| random.below(lines.len() as u32)).collect()
    };
    let places: Vec<u32> = order.iter().map(|number| place[*number as usize]).collect();
    let contenders = vec![
        Contender::new("weir", expected, || pass(fast.engine, &frames)),
        Contender::new("weir, counting each flow", expected, || pass(exact.engine, &frames)),
        Contender::new("weir, the long way only", expected, || {
            let interface = interface();
            let mut passed = 0;
            for chunk in frames.chunks(BATCH) {
                let mut batch = exact.engine.batch(0, Time(2));
                for frame in chunk {
                    let verdict = batch.inspect(&interface, Direction::Send, frame.as_slice(), None);
                    passed += u64::from(verdict.action == Action::Permit);
                }
            }
            passed
        }),
        Contender::floor(|| {
            let frames = frames.iter().map(|frame| u64::from(frame[26]));
            frames.zip(&places).map(|(word, place)| word + lines[*place as usize][0]).sum()
        }),
    ];
    let note = format!(
        "frames of 64 bytes streamed from memory, batch 32, {RULES} rules, a full table, {} pages, uniform, all hits",
        memory::kind()
    );
    let table = rounds::run(format!("whole path, {count} flows"), &note, expected, rounds, contenders)?;
    let seen = [Counter::FramesSent, Counter::FramesReceived].map(|counter| fast.engine.counter(counter));
    if fast.engine.counter(Counter::PermittedByRule) != seen.iter().sum::<u64>() {
        bail!("a frame was not decided by a rule");
    }
    Ok(table)
}
