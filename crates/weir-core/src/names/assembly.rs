//! Beginnings of TCP streams, put together from segments until a name can be read from them.
//!
//! A fixed number of buffers serves all flows. One is taken for a beginning that does not stand in one segment whole, and
//! given back when its name is known, when it cannot be known, or when nobody has added to it for a while and another
//! flow needs it. A buffer has one user at a time; a segment that comes meanwhile is not taken in.

use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use crate::memory::Carver;
use crate::wire::Source;
use crate::{Time, zeroed_struct};

/// Bytes of a stream that are kept: a ClientHello with post-quantum keys has less than 2000.
pub(super) const SIZE: usize = 4_096;
/// Seconds after which a buffer may be taken away.
const PATIENCE: u64 = 10;

zeroed_struct! {
    #[derive(Debug)]
    #[repr(C, align(64))]
    struct Buffer {
        /// Id of the flow, plus one; 0 = free.
        flow: AtomicU64,
        /// Somebody is inside.
        busy: AtomicU32,
        /// Sequence number of the stream's first byte.
        base: AtomicU32,
        /// When it was used last.
        used: AtomicU64,
        /// Bytes that have come without a gap.
        complete: AtomicU32,
        /// A bit for each byte that has come.
        present: [AtomicU64; SIZE / 64],
        bytes: [AtomicU8; SIZE],
    }
}

/// The buffers.
#[derive(Debug)]
pub(super) struct Assemblies {
    buffers: &'static [Buffer],
}

/// A segment's payload: bytes `start..end` of a frame, at `sequence` of its stream.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// Sequence number of the first byte.
    pub sequence: u32,
    /// Where it begins in the frame.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

/// The bytes that have come without a gap, from the beginning of the stream.
pub(super) struct Beginning<'b> {
    bytes: &'b [AtomicU8],
}

impl Source for Beginning<'_> {
    fn len(&self) -> usize {
        self.bytes.len()
    }

    fn read<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        let bytes = self.bytes.get(offset..)?.first_chunk::<N>()?;
        let mut copy = [0; N];
        for (to, from) in copy.iter_mut().zip(bytes) {
            *to = from.load(Ordering::Relaxed);
        }
        Some(copy)
    }
}

/// What became of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Added<R> {
    /// It was taken in, and this is what `look` said.
    Looked(R),
    /// It could not be taken in now.
    Missed,
    /// The stream's beginning cannot be put together.
    Hopeless,
}

impl Assemblies {
    pub(super) fn carve(carver: &mut Carver, count: u32) -> Option<Self> {
        Some(Self { buffers: carver.slice(count.clamp(1, 1 << 12) as usize)? })
    }

    /// Adds a segment to the stream of a flow, whose first byte has the sequence number `base`, and shows what has come so
    /// far to `look`, which says besides whether the buffer is needed any longer.
    pub(super) fn add<S: Source + ?Sized, R>(
        &self,
        now: Time,
        flow: u64,
        base: u32,
        segment: &Segment,
        source: &S,
        look: impl FnOnce(&Beginning<'_>) -> (R, bool),
    ) -> Added<R> {
        let Some(buffer) = self.buffer(now, flow, base) else { return Added::Missed };
        if buffer.busy.swap(1, Ordering::Acquire) != 0 {
            return Added::Missed;
        }
        let mut added = Added::Missed;
        // Taken away just before it was entered.
        if buffer.flow.load(Ordering::Relaxed) == flow.wrapping_add(1) {
            buffer.used.store(now.0, Ordering::Relaxed);
            added = match buffer.copy(segment, source) {
                false => Added::Hopeless,
                true => {
                    let (result, again) = look(&buffer.beginning());
                    if again && !buffer.is_full() {
                        Added::Looked(result)
                    } else {
                        buffer.end(Added::Looked(result))
                    }
                }
            };
            if matches!(added, Added::Hopeless) {
                added = buffer.end(added);
            }
        }
        buffer.busy.store(0, Ordering::Release);
        added
    }

    /// The buffer of a flow, or one for it.
    fn buffer(&self, now: Time, flow: u64, base: u32) -> Option<&'static Buffer> {
        let owner = flow.wrapping_add(1);
        if let Some(mine) = self.buffers.iter().find(|buffer| buffer.flow.load(Ordering::Acquire) == owner) {
            return Some(mine);
        }
        self.buffers.iter().find(|buffer| {
            let seen = buffer.flow.load(Ordering::Relaxed);
            let used = Time(buffer.used.load(Ordering::Relaxed));
            if seen != 0 && now.since(used) < PATIENCE * Time::SECOND {
                return false;
            }
            if buffer.busy.swap(1, Ordering::Acquire) != 0 {
                return false;
            }
            let mine = buffer.flow.load(Ordering::Relaxed) == seen;
            if mine {
                buffer.present.iter().for_each(|word| word.store(0, Ordering::Relaxed));
                buffer.complete.store(0, Ordering::Relaxed);
                buffer.base.store(base, Ordering::Relaxed);
                buffer.used.store(now.0, Ordering::Relaxed);
                buffer.flow.store(owner, Ordering::Release);
            }
            buffer.busy.store(0, Ordering::Release);
            mine
        })
    }
}

impl Buffer {
    /// Takes in a segment; false when it lies outside of the buffer. Bytes that have come already stay as they are.
    fn copy<S: Source + ?Sized>(&self, segment: &Segment, source: &S) -> bool {
        let distance = segment.sequence.wrapping_sub(self.base.load(Ordering::Relaxed));
        let length = segment.end.saturating_sub(segment.start);
        // Before the beginning: a keep-alive, or what was sent again from an earlier connection.
        if distance as usize >= SIZE {
            return (distance as i32) < 0;
        }
        for index in 0..length.min(SIZE - distance as usize) {
            let at = distance as usize + index;
            let (Some(byte), Some(word)) = (self.bytes.get(at), self.present.get(at / 64)) else {
                return false;
            };
            let bit = 1_u64 << (at % 64);
            if word.load(Ordering::Relaxed) & bit != 0 {
                continue;
            }
            let Some([from]) = source.read::<1>(segment.start.saturating_add(index)) else { return false };
            byte.store(from, Ordering::Relaxed);
            word.fetch_or(bit, Ordering::Relaxed);
        }
        true
    }

    /// Only whoever is inside calls it.
    fn beginning(&self) -> Beginning<'_> {
        let mut complete = self.complete.load(Ordering::Relaxed) as usize;
        let has_come = |at: usize| {
            self.present.get(at / 64).is_some_and(|word| word.load(Ordering::Relaxed) >> (at % 64) & 1 != 0)
        };
        while has_come(complete) {
            complete += 1;
        }
        self.complete.store(complete as u32, Ordering::Relaxed);
        Beginning { bytes: self.bytes.get(..complete).unwrap_or(&[]) }
    }

    fn is_full(&self) -> bool {
        self.complete.load(Ordering::Relaxed) as usize == SIZE
    }

    /// Gives the buffer back.
    fn end<R>(&self, added: Added<R>) -> Added<R> {
        self.flow.store(0, Ordering::Release);
        added
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::testing::Block;

    const NOW: Time = Time(1_000 * Time::SECOND);

    fn add(assemblies: &Assemblies, now: Time, flow: u64, sequence: u32, bytes: &[u8]) -> Added<Vec<u8>> {
        let segment = Segment { sequence, start: 0, end: bytes.len() };
        assemblies.add(now, flow, 100, &segment, bytes, |beginning| {
            let all: Vec<u8> = (0..beginning.len()).map(|at| beginning.read::<1>(at).unwrap()[0]).collect();
            let again = all != b"abcdef";
            (all, again)
        })
    }

    #[test]
    fn segments_are_put_in_order() {
        let block = Block::carve(|carver| Assemblies::carve(carver, 2));
        let assemblies = block.value();
        assert_eq!(add(assemblies, NOW, 5, 104, b"ef"), Added::Looked(vec![]));
        assert_eq!(add(assemblies, NOW, 5, 100, b"ab"), Added::Looked(b"ab".to_vec()));
        assert_eq!(
            add(assemblies, NOW, 5, 100, b"xxc"),
            Added::Looked(b"abc".to_vec()),
            "the first bytes stay"
        );
        assert_eq!(add(assemblies, NOW, 5, 99, b"?"), Added::Looked(b"abc".to_vec()), "a keep-alive");
        assert_eq!(add(assemblies, NOW, 5, 103, b"de"), Added::Looked(b"abcdef".to_vec()));
        assert!(
            assemblies.buffers.iter().all(|buffer| buffer.flow.load(Ordering::Relaxed) == 0),
            "given back"
        );
    }

    #[test]
    fn what_does_not_fit_ends_it() {
        let block = Block::carve(|carver| Assemblies::carve(carver, 1));
        let assemblies = block.value();
        assert_eq!(add(assemblies, NOW, 5, 100, b"ab"), Added::Looked(b"ab".to_vec()));
        assert_eq!(add(assemblies, NOW, 5, 100 + SIZE as u32, b"a"), Added::Hopeless);
        assert_eq!(add(assemblies, NOW, 6, 100, b"b"), Added::Looked(b"b".to_vec()));
        // All buffers are taken, until nobody has used them for a while.
        assert_eq!(add(assemblies, NOW, 7, 100, b"c"), Added::Missed);
        let later = Time(NOW.0 + PATIENCE * Time::SECOND);
        assert_eq!(add(assemblies, later, 7, 100, b"c"), Added::Looked(b"c".to_vec()));
        let whole = vec![b'x'; SIZE + 10];
        assert!(matches!(add(assemblies, later, 7, 101, &whole), Added::Looked(all) if all.len() == SIZE));
        assert_eq!(
            add(assemblies, later, 8, 100, b"c"),
            Added::Looked(b"c".to_vec()),
            "a full one is given back"
        );
    }
}
