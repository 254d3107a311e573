//! The first pass over a capture: everything that must be known, or refused, before the driver is loaded.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use lab::capture::Error;
use lab::capture::Format;
use lab::capture::Reader;

use super::local::Watcher;
use super::progress::Progress;
use crate::failure::Failure;
use crate::report::Capture;
use crate::report::Interface;
use crate::report::Local;
use crate::text;

/// What the first pass found.
#[derive(Debug)]
pub(crate) struct Scan {
    /// The capture in numbers.
    pub(crate) capture: Capture,
    /// Our side, as far as it can be guessed.
    pub(crate) guess: Local,
}

/// Reads a capture to its end, or as far as it is good.
pub(crate) fn scan(path: &Path, show_progress: bool) -> Result<Scan, Failure> {
    let size = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            return Err(Failure::file("read", path, &ErrorKind::IsADirectory.into()));
        }
        Ok(metadata) if !metadata.is_file() => {
            return Err(Failure::input(format!("`{}` is not a regular file", path.display()))
                .hint("the lab reads a capture twice: save it to a file first"));
        }
        Ok(metadata) => metadata.len(),
        Err(error) => return Err(Failure::file("read", path, &error)),
    };
    let mut reader = Reader::open(path).map_err(|error| unreadable(path, &error))?;
    let progress = Progress::new("reading", size, show_progress);
    let mut watcher = Watcher::default();
    let (mut frames, mut bytes, mut cut) = (0, 0, 0);
    let mut per_interface = Vec::new();
    let mut times: Option<(u64, u64, u64)> = None;
    let damage = loop {
        match reader.next_frame() {
            Ok(Some(frame)) => {
                frames += 1;
                bytes += frame.data.len() as u64;
                cut += u64::from(frame.is_cut());
                let index = frame.interface as usize;
                if per_interface.len() <= index {
                    per_interface.resize(index + 1, 0);
                }
                if let Some(count) = per_interface.get_mut(index) {
                    *count += 1;
                }
                let time = frame.timestamp;
                let (first, least, most) = times.unwrap_or((time, time, time));
                times = Some((first, least.min(time), most.max(time)));
                watcher.see(&frame);
                progress.at(reader.position());
            }
            Ok(None) => break None,
            Err(error) if error.keeps_frames() && frames > 0 => break Some(error.to_string()),
            Err(error) => return Err(unreadable(path, &error)),
        }
    };
    progress.finish();
    let guess = watcher.conclude(reader.interfaces());
    let counts = per_interface.into_iter().chain(std::iter::repeat(0));
    let interfaces = reader.interfaces().iter().zip(counts).map(|(interface, frames)| Interface {
        name: interface.name.clone(),
        link_type: interface.link_type.0,
        link_type_name: interface.link_type.name().unwrap_or("unknown").to_owned(),
        frames,
    });
    let capture = Capture {
        file: path.display().to_string(),
        format: match reader.format() {
            Format::Pcap => "pcap",
            Format::PcapNg => "pcapng",
        },
        frames,
        bytes,
        cut,
        first: times.and_then(|(first, ..)| text::filetime(text::filetime_of(first))),
        duration_ns: times.map_or(0, |(_, least, most)| most - least),
        interfaces: interfaces.collect(),
        damage,
    };
    Ok(Scan { capture, guess })
}

fn unreadable(path: &Path, error: &Error) -> Failure {
    let failure = match error {
        Error::Io(error) => return Failure::file("read", path, error),
        error => Failure::input(format!("`{}`: {error}", path.display())),
    };
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
