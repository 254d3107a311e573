//! The captures under tests/data with their notes.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use lab::capture::Capture;

/// What the TOML file beside a capture says.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notes {
    /// File name.
    pub capture: String,
    /// What it shows.
    pub title: String,
    /// Addresses of the machine under test.
    pub local: BTreeSet<IpAddr>,
    /// What is special about it.
    pub special: BTreeSet<String>,
    /// Frames.
    pub frames: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
}

/// A capture as the tests use it.
#[derive(Debug)]
pub struct Recorded {
    pub notes: Notes,
    pub capture: Capture,
    pub path: PathBuf,
}

impl Recorded {
    /// Reads a capture and its notes.
    pub fn load(path: &Path) -> Self {
        let notes =
            fs::read_to_string(path.with_extension("toml")).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        let notes: Notes = toml::from_str(&notes).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        let capture = Capture::load(path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        assert!(capture.damage.is_none(), "{path:?}: {:?}", capture.damage);
        Self { notes, capture, path: path.to_owned() }
    }

    /// Whether its notes say `what`.
    pub fn is(&self, what: &str) -> bool {
        self.notes.special.contains(what)
    }
}

/// The directory.
pub fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// All files in it.
pub fn files() -> Vec<PathBuf> {
    let list =
        |directory: PathBuf| fs::read_dir(directory).expect("tests/data").map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        list(data()).chain(list(data().join("demo"))).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// All capture files.
pub fn paths() -> Vec<PathBuf> {
    let is_capture = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "pcap" || extension == "pcapng")
    };
    let paths: Vec<_> = files().into_iter().filter(is_capture).collect();
    assert!(paths.len() >= 20, "only {} captures found", paths.len());
    paths
}
