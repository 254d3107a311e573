//! Writes frames of the lab as a pcapng file.

use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;

use lab::capture::Direction;
use lab::capture::Frame;
use lab::capture::Interface;
use weir_core::pcapng as ng;

/// Writes frames as one pcapng section with nanosecond timestamps.
#[derive(Debug)]
pub(super) struct Writer<W: Write> {
    stream: ng::Stream<W>,
    interfaces: usize,
}

impl Writer<BufWriter<File>> {
    /// Creates (or empties) the file and writes the section header.
    pub(super) fn create(path: &Path, application: &str) -> io::Result<Self> {
        Self::new(BufWriter::with_capacity(256 << 10, File::create(path)?), application)
    }
}

impl<W: Write> Writer<W> {
    /// Writes the section header.
    pub(super) fn new(output: W, application: &str) -> io::Result<Self> {
        let mut stream = ng::Stream(output);
        ng::Section { application: Some(application), ..ng::Section::default() }.write(&mut stream)?;
        Ok(Self { stream, interfaces: 0 })
    }

    /// Writes those of `all` that were not written before: frames keep their interface numbers.
    pub(super) fn interfaces(&mut self, all: &[Interface]) -> io::Result<()> {
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
    pub(super) fn frame(&mut self, frame: &Frame) -> io::Result<()> {
        let packet = ng::Packet {
            interface: frame.interface,
            timestamp: frame.timestamp,
            original_len: frame.original_len,
            data: &frame.data,
            flags: frame.direction.map_or(0, flags),
            process: None,
            comment: frame.comment.as_deref(),
        };
        packet.write(&mut self.stream)
    }

    /// Flushes, and gives the output back.
    pub(super) fn finish(self) -> io::Result<W> {
        let mut output = self.stream.0;
        output.flush()?;
        Ok(output)
    }
}

/// The direction as `epb_flags` have it.
fn flags(direction: Direction) -> u32 {
    match direction {
        Direction::Inbound => ng::Direction::Inbound.flags(),
        Direction::Outbound => ng::Direction::Outbound.flags(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use lab::capture::Capture;
    use lab::capture::LinkType;
    use lab::capture::Reader;

    use super::*;

    fn read(bytes: &[u8]) -> Capture {
        Capture::collect(Reader::new(Cursor::new(bytes)).expect("a capture"), |_| {}).expect("frames")
    }

    #[test]
    fn what_is_written_reads_back_equal() {
        let interfaces = vec![
            Interface {
                name: Some("Ethernet 2".into()),
                description: Some("Häuschen".into()),
                snap_len: 262_144,
                mac: Some([2, 0, 0, 0, 0, 1]),
                ..Interface::new(LinkType::ETHERNET)
            },
            Interface::new(LinkType(229)),
        ];
        let frame = |interface: u32, len: usize| Frame {
            interface,
            link_type: interfaces[interface as usize].link_type,
            timestamp: 1_700_000_000_123_456_789 + len as u64,
            original_len: len as u32 + interface * 100,
            data: (0..len).map(|byte| byte as u8).collect(),
            direction: [None, Some(Direction::Inbound), Some(Direction::Outbound)][len % 3],
            comment: len.is_multiple_of(2).then(|| format!("frame {len}")),
        };
        let frames = (0..70).map(|len| frame((len % 2) as u32, len)).collect::<Vec<_>>();
        let mut writer = Writer::new(Vec::new(), "weir test").unwrap();
        writer.interfaces(&interfaces[..1]).unwrap();
        writer.interfaces(&interfaces).unwrap();
        writer.interfaces(&interfaces).unwrap();
        for frame in &frames {
            writer.frame(frame).unwrap();
        }
        let capture = read(&writer.finish().unwrap());
        assert_eq!(capture.interfaces, interfaces);
        assert_eq!(capture.frames, frames);
    }

    #[test]
    fn recorded_captures_survive_a_round_trip() {
        let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data");
        let mut seen = 0;
        for entry in std::fs::read_dir(data).unwrap() {
            let path = entry.unwrap().path();
            if !matches!(path.extension().and_then(|extension| extension.to_str()), Some("pcap" | "pcapng")) {
                continue;
            }
            let capture = Capture::load(&path).unwrap();
            let mut writer = Writer::new(Vec::new(), "weir test").unwrap();
            writer.interfaces(&capture.interfaces).unwrap();
            capture.frames.iter().for_each(|frame| writer.frame(frame).unwrap());
            let again = read(&writer.finish().unwrap());
            assert!(again.frames == capture.frames, "{path:?}");
            seen += 1;
        }
        assert!(seen > 10, "only {seen} captures");
    }
}
