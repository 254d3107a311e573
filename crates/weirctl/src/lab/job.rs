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
pub struct Job {
    /// The capture file.
    pub capture: PathBuf,
    /// The driver image.
    pub driver: PathBuf,
    /// Our addresses.
    pub local: Vec<IpAddr>,
    /// The compiled policy.
    pub policy: Option<Vec<u8>>,
    /// Who owns which connection.
    pub processes: ProcessMap,
    /// Where to store what got through.
    pub write: Option<PathBuf>,
    /// Frames in a chain.
    pub batch: u32,
    /// Lengths of the pieces that a frame's bytes lie in.
    pub split: Vec<u32>,
    /// Where to tell how many frames are done.
    pub progress: Option<PathBuf>,
}

/// What a run gave, if it came to its end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// What the driver told about itself before it was unloaded.
    pub driver: Driver,
    /// What became of the frames.
    pub frames: Frames,
}

/// The child: input and output are JSON.
pub fn run(input: &[u8]) -> Vec<u8> {
    let result =
        serde_json::from_slice(input).map_err(|error| error.to_string()).and_then(|job| execute(&job));
    serde_json::to_vec(&result).unwrap_or_default()
}

fn execute(_job: &Job) -> Result<Outcome, String> {
    Err("replay".into())
}
