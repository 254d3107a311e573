//! The writing side.

use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;

use weir_core::pcapng as ng;

use super::Direction;
use super::Frame;
use super::Interface;

/// Writes frames as one pcapng section with nanosecond timestamps.
#[derive(Debug)]
pub struct Writer<W: Write> {
    stream: ng::Stream<W>,
    interfaces: usize,
}

impl Writer<BufWriter<File>> {
    /// Creates (or empties) the file and writes the section header.
    pub fn create(path: &Path, application: &str) -> io::Result<Self> {
        Self::new(BufWriter::with_capacity(256 << 10, File::create(path)?), application)
    }
}

impl<W: Write> Writer<W> {
    /// Writes the section header.
    pub fn new(output: W, application: &str) -> io::Result<Self> {
        let mut stream = ng::Stream(output);
        ng::Section { application: Some(application), ..ng::Section::default() }.write(&mut stream)?;
        Ok(Self { stream, interfaces: 0 })
    }

    /// Writes those of `all` that were not written before: frames keep their interface numbers.
    pub fn interfaces(&mut self, all: &[Interface]) -> io::Result<()> {
        for interface in all.get(self.interfaces..).unwrap_or_default() {
            let block = ng::Interface {
                link_type: interface.link_type.0,
                snap_len: interface.snap_len,
                name: interface.name.as_deref(),
                description: interface.description.as_deref(),
                mac: interface.mac,
            };
            block.write(&mut self.stream)?;
            self.interfaces += 1;
        }
        Ok(())
    }

    /// Writes a frame of an interface that was written before.
    pub fn frame(&mut self, frame: &Frame) -> io::Result<()> {
        let packet = ng::Packet {
            interface: frame.interface,
            timestamp: frame.timestamp,
            original_len: frame.original_len,
            data: &frame.data,
            flags: frame.direction.map_or(0, Direction::flags),
            process: None,
            comment: frame.comment.as_deref(),
        };
        packet.write(&mut self.stream)
    }

    /// Flushes, and gives the output back.
    pub fn finish(self) -> io::Result<W> {
        let mut output = self.stream.0;
        output.flush()?;
        Ok(output)
    }
}
