//! What the child process does: boots the machine, loads the driver, replays the capture, asks the driver.

use std::net::IpAddr;
use std::path::PathBuf;

use lab::edge::process::ProcessMap;
use serde::Deserialize;
use serde::Serialize;

use crate::report::Driver;
use crate::report::Frames;

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
    /// Lengths of the pieces that a frame's bytes lie in.
    pub(crate) split: Vec<u32>,
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

/// The child: input and output are JSON.
pub(crate) fn run(input: &[u8]) -> Vec<u8> {
    let result =
        serde_json::from_slice(input).map_err(|error| error.to_string()).and_then(|job| execute(&job));
    serde_json::to_vec(&result).unwrap_or_default()
}

fn execute(_job: &Job) -> Result<Outcome, String> {
    Err("replay".into())
}
