//! What the child process does: boots the machine, loads the driver, replays the capture, asks the driver.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::path::PathBuf;

use lab::capture;
use lab::capture::Capture;
use lab::capture::Direction;
use lab::edge::packet;
use lab::edge::packet::Medium;
use lab::edge::packet::Packet;
use lab::edge::packet::Transport;
use lab::edge::process::ProcessMap;
use lab::machine;
use lab::machine::Machine;
use lab::ndis;
use lab::ndis::Attributes;
use lab::replay;
use lab::replay::Fate;
use lab::replay::Passed;
use lab::wdf::Who;
use serde::Deserialize;
use serde::Serialize;

use super::progress::tell;
use super::writer::Writer;
use crate::cli::Split;
use crate::device;
use crate::device::Device;
use crate::failure::reason;
use crate::report::DecidedBy;
use crate::report::Driver;
use crate::report::Flow;
use crate::report::Frames;
use crate::report::PerDecider;

/// A run, as the parent process orders it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    /// The capture file.
    pub(crate) capture: PathBuf,
    /// The driver image.
    pub(crate) driver: PathBuf,
    /// Our addresses.
    pub(crate) local: Vec<IpAddr>,
    /// The compiled policy.
    pub(crate) policy: Option<Vec<u8>>,
    /// Who owns which connection.
    pub(crate) processes: ProcessMap,
    /// Where to store what got through.
    pub(crate) write: Option<PathBuf>,
    /// Frames in a chain.
    pub(crate) batch: u32,
    /// How a frame's bytes lie in memory.
    pub(crate) split: Split,
    /// Where to tell how many frames are done.
    pub(crate) progress: Option<PathBuf>,
}

/// What a run gave, if it came to its end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// What the driver told about itself before it was unloaded.
    pub(crate) driver: Driver,
    /// What became of the frames.
    pub(crate) frames: Frames,
}

/// Why a run did not come to its end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Stopped {
    /// An input file is at fault.
    pub(crate) input: bool,
    /// What happened.
    pub(crate) message: String,
}

impl Stopped {
    fn input(message: impl ToString) -> Self {
        Self { input: true, message: message.to_string() }
    }

    fn internal(message: impl ToString) -> Self {
        Self { input: false, message: message.to_string() }
    }
}

/// The driver's control device, opened in the simulated machine by an administrator.
struct Control(lab::wdf::File);

impl Device for Control {
    fn ioctl(&mut self, control: weir_ioctl::Control, input: &[u8], room: usize) -> Result<Vec<u8>, i32> {
        let (status, reply) = self.0.ioctl(control.0, input, room);
        if status < 0 { Err(status) } else { Ok(reply) }
    }
}

/// The child: input and output are JSON.
pub(crate) fn run(input: &[u8]) -> Vec<u8> {
    let result = serde_json::from_slice(input).map_err(Stopped::internal).and_then(|job| execute(&job));
    serde_json::to_vec(&result).unwrap_or_default()
}

fn execute(job: &Job) -> Result<Outcome, Stopped> {
    let mut capture = Capture::load(&job.capture)
        .map_err(|error| Stopped::input(format!("`{}`: {error}", job.capture.display())))?;
    let frames = take_frames(&mut capture);
    let machine = Machine::new(machine::Options::default());
    let adapters = replay::adapters(&capture.interfaces);
    let mut driver = machine
        .load_driver(&job.driver)
        .map_err(|error| Stopped::input(format!("`{}`: {error}", job.driver.display())))?;
    // A replay measures flows also without a policy.
    driver.set_parameter("Observe", 1);
    driver.start().map_err(|status| Stopped::internal(format!("DriverEntry returned {status:#010x}")))?;
    for adapter in &adapters {
        if !adapter.is_running() {
            let restarted = adapter.restart(Attributes::General);
            restarted
                .map_err(|status| Stopped::internal(format!("FilterRestart returned {status:#010x}")))?;
        }
    }
    let file = machine.open(weir_ioctl::WIN32_DEVICE_PATH, Who::Administrator);
    let file =
        file.map_err(|status| Stopped::internal(format!("the control device refused: {status:#010x}")))?;
    let mut control = Control(file);
    if let Some(policy) = &job.policy {
        device::set_policy(&mut control, policy).map_err(Stopped::internal)?;
    }
    let mailbox = job.progress.as_ref().and_then(|path| OpenOptions::new().write(true).open(path).ok());
    let replayed = replay::run(&adapters, &frames, &options(job), |done| {
        if let Some(mailbox) = &mailbox {
            tell(mailbox, done as u64);
        }
    });
    let told = device::read(&mut control, &job.processes.volumes.0).map_err(Stopped::internal)?;
    drop(control);
    driver.unload();
    machine.finish();
    if let Some(path) = &job.write {
        write(path, &capture, &frames, &replayed.passed).map_err(|error| {
            Stopped::input(format!("cannot write `{}`: {}", path.display(), reason(&error)))
        })?;
    }
    let mut counts = count(&replayed.fates);
    counts.blocked_by_ale_per_decider = refusals(&told.flows, &capture, &frames, &replayed.fates);
    Ok(Outcome { driver: told, frames: counts })
}

/// The frames as the replay wants them. Their bytes are moved out of the capture: there is room for them once.
fn take_frames(capture: &mut Capture) -> Vec<replay::Frame> {
    let take = |frame: &mut capture::Frame| replay::Frame {
        adapter: frame.interface as usize,
        timestamp: frame.timestamp,
        data: std::mem::take(&mut frame.data),
        outbound: frame.direction.map(|direction| direction == Direction::Outbound),
    };
    capture.frames.iter_mut().map(take).collect()
}

fn options(job: &Job) -> replay::Options {
    let split = match &job.split {
        Split::Whole => ndis::Split::Whole,
        Split::Every(length) => ndis::Split::Every(*length as usize),
        Split::Random(seed) => ndis::Split::Random { seed: *seed },
        Split::Pieces(lengths) => {
            let ends = lengths.iter().scan(0, |end, length| {
                *end += *length as usize;
                Some(*end)
            });
            ndis::Split::At(ends.collect())
        }
    };
    replay::Options {
        local: job.local.clone(),
        processes: job.processes.clone(),
        batch: job.batch as usize,
        shape: ndis::Shape { split, ..ndis::Shape::default() },
        ..replay::Options::default()
    }
}

fn count(fates: &[Fate]) -> Frames {
    let mut frames = Frames { total: fates.len() as u64, ..Frames::default() };
    for fate in fates {
        let counter = match fate {
            Fate::Wire => &mut frames.to_wire,
            Fate::Delivered => &mut frames.to_stack,
            Fate::Malformed => &mut frames.to_stack_malformed,
            Fate::BlockedByAle { .. } => &mut frames.blocked_by_ale,
            Fate::DroppedByFilter { .. } => &mut frames.blocked_by_filter,
            Fate::Held => &mut frames.held,
        };
        *counter += 1;
    }
    frames
}

/// Who stopped the frames that were stopped at ALE: the driver never saw most of them, but it knows their flows.
fn refusals(flows: &[Flow], capture: &Capture, frames: &[replay::Frame], fates: &[Fate]) -> Vec<PerDecider> {
    type Ends = (u8, IpAddr, IpAddr);
    let mut by_ports = HashMap::<(Ends, Option<u16>, Option<u16>), &DecidedBy>::new();
    let mut by_ends = HashMap::<Ends, &DecidedBy>::new();
    for flow in flows.iter().filter(|flow| flow.verdict == "block") {
        let ends = (flow.protocol, flow.local_address, flow.remote_address);
        by_ports.insert((ends, flow.local_port, flow.remote_port), &flow.decided_by);
        // Later fragments have no ports, and ALE has its own idea of ICMP's.
        by_ends.insert(ends, &flow.decided_by);
    }
    let mut counts = Vec::<PerDecider>::new();
    for ((captured, frame), fate) in capture.frames.iter().zip(frames).zip(fates) {
        let Fate::BlockedByAle { .. } = fate else { continue };
        let medium = if captured.link_type.is_raw_ip() { Medium::RawIp } else { Medium::Ethernet };
        let decided_by = match packet::parse(medium, &frame.data) {
            Packet::Ip(ip) => {
                let ports = match ip.transport {
                    Transport::Tcp { source, destination, .. } | Transport::Udp { source, destination } => {
                        (Some(source), Some(destination))
                    }
                    _ => (None, None),
                };
                let sent = ((ip.protocol, ip.source, ip.destination), ports.0, ports.1);
                let received = ((ip.protocol, ip.destination, ip.source), ports.1, ports.0);
                by_ports
                    .get(&sent)
                    .or_else(|| by_ports.get(&received))
                    .or_else(|| by_ends.get(&sent.0))
                    .or_else(|| by_ends.get(&received.0))
                    .map_or(DecidedBy::Nothing, |decided_by| (*decided_by).clone())
            }
            _ => DecidedBy::Nothing,
        };
        match counts.iter_mut().find(|count| count.decided_by == decided_by) {
            Some(count) => count.frames += 1,
            None => counts.push(PerDecider { decided_by, frames: 1 }),
        }
    }
    counts
}

/// Stores what got through, in the order in which it did.
fn write(path: &Path, capture: &Capture, frames: &[replay::Frame], passed: &[Passed]) -> io::Result<()> {
    let mut writer = Writer::create(path, concat!("weirctl ", env!("CARGO_PKG_VERSION")))?;
    writer.interfaces(&capture.interfaces)?;
    let mut timestamp = 0;
    for passed in passed {
        let original = passed.index.and_then(|index| capture.frames.get(index).zip(frames.get(index)));
        let frame = match (original, &passed.changed) {
            (Some((frame, replayed)), None) => {
                capture::Frame { data: replayed.data.clone(), ..frame.clone() }
            }
            (Some((frame, _)), Some(changed)) => {
                capture::Frame { original_len: changed.len() as u32, data: changed.clone(), ..frame.clone() }
            }
            // A frame that the driver made: it has the time of what was going on.
            (None, changed) => capture::Frame {
                interface: passed.adapter as u32,
                link_type: capture::LinkType::ETHERNET,
                timestamp,
                original_len: changed.as_ref().map_or(0, Vec::len) as u32,
                data: changed.clone().unwrap_or_default(),
                direction: Some(if passed.outbound { Direction::Outbound } else { Direction::Inbound }),
                comment: None,
            },
        };
        timestamp = frame.timestamp;
        writer.frame(&frame)?;
    }
    writer.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?.sync_data()
}
