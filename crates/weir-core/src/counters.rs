//! Counters per processor: every frame lands in exactly one terminal class, so that the classes add up to the
//! frames.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::memory::Carver;
use crate::wire::Malformed;
use crate::zeroed_struct;

macro_rules! counters {
    ($($(#[$meta:meta])* $name:ident => $text:literal,)*) => {
        /// What is counted. The terminal classes come first.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Counter {
            $($(#[$meta])* $name,)*
        }

        impl Counter {
            /// All counters, in the order of their numbers.
            pub const ALL: &'static [Counter] = &[$(Counter::$name,)*];

            /// Name in status output.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Counter::$name => $text,)*
                }
            }
        }
    };
}

counters! {
    /// Terminal: no policy was in force.
    PermittedNoPolicy => "permitted-no-policy",
    /// Terminal: a rule permitted.
    PermittedByRule => "permitted-by-rule",
    /// Terminal: the default permitted.
    PermittedByDefault => "permitted-by-default",
    /// Terminal: passed because only ALE can decide.
    PermittedUndecided => "permitted-undecided",
    /// Terminal: undecidable, passed by `failure = "open"`.
    PermittedByFailure => "permitted-by-failure",
    /// Terminal: a rule blocked.
    BlockedByRule => "blocked-by-rule",
    /// Terminal: the default blocked.
    BlockedByDefault => "blocked-by-default",
    /// Terminal: undecidable, blocked by `failure = "closed"`.
    BlockedByFailure => "blocked-by-failure",
    /// Terminal: a rule permitted, but the frame is over its limit.
    BlockedByLimit => "blocked-by-limit",
    /// Frames sent.
    FramesSent => "frames-sent",
    /// Bytes of frames sent.
    BytesSent => "bytes-sent",
    /// Frames received.
    FramesReceived => "frames-received",
    /// Bytes of frames received.
    BytesReceived => "bytes-received",
    /// Bytes of blocked frames.
    BytesBlocked => "bytes-blocked",
    /// Frames that are not IP.
    NonIp => "non-ip",
    /// IPv4 frames.
    Ipv4 => "ipv4",
    /// IPv6 frames.
    Ipv6 => "ipv6",
    /// Frames with at least one VLAN tag.
    Vlan => "vlan",
    /// Frames of a recognised tunnel.
    Tunnels => "tunnels",
    /// Malformed frames, all reasons.
    Malformed => "malformed",
    /// IP fragments.
    Fragments => "fragments",
    /// Later fragments whose first fragment was not seen.
    FragmentsUnmatched => "fragments-unmatched",
    /// Frames whose flow was known.
    FlowHits => "flow-hits",
    /// Flows created.
    FlowsCreated => "flows-created",
    /// Flows removed.
    FlowsRemoved => "flows-removed",
    /// Frames or authorisations for which the flow table had no room.
    TableFull => "table-full",
    /// Identities for which the identity table had no room.
    IdentitiesFull => "identities-full",
    /// Policy evaluations.
    Evaluations => "evaluations",
    /// ALE authorisations.
    Authorizations => "authorizations",
    /// ALE authorisations that were refused.
    AuthorizationsBlocked => "authorizations-blocked",
    /// Frames that had to wait for their limit.
    Delayed => "delayed",
    /// Frames that waited and were then dropped: by a pause, by their sender, or because too many waited.
    DelayedDropped => "delayed-dropped",
    /// Answers to rejected frames.
    RejectsSent => "rejects-sent",
    /// Rejected frames without an answer, because there were too many or the frame allows none.
    RejectsSuppressed => "rejects-suppressed",
    /// Frames whose headers were marked.
    Marked => "marked",
    /// Frames that passed without their mark, because there was no memory for a copy.
    MarksFailed => "marks-failed",
    /// Frames copied to the tap.
    Tapped => "tapped",
    /// Frames for which the tap had no room.
    TapLost => "tap-lost",
    /// Frames that passed another adapter of the filter before, and were counted there.
    SeenBefore => "seen-before",
    /// Addresses whose names were read in DNS answers.
    AddressesNamed => "addresses-named",
    /// Connections whose first data named the server.
    ServersNamed => "servers-named",
}

/// How many [`Counter`]s are terminal classes; each frame is in exactly one.
const TERMINAL: usize = 9;
const COUNTERS: usize = Counter::ALL.len();
const REASONS: usize = Malformed::ALL.len();

impl Counter {
    /// The terminal classes: their sum is the number of frames.
    #[must_use]
    pub fn terminal() -> &'static [Counter] {
        Self::ALL.get(..TERMINAL).unwrap_or(&[])
    }
}

zeroed_struct! {
    /// Counters of one processor, apart from those of the others.
    #[derive(Debug)]
    #[repr(C, align(128))]
    struct Block {
        counters: [AtomicU64; COUNTERS],
        malformed: [AtomicU64; REASONS],
    }
}

/// Counts of one batch of frames, not yet visible to others.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// Frames and other events of one batch: half the size does, on a small stack.
    counters: [u32; COUNTERS],
    /// Of the three counters of bytes: sent, received, blocked.
    bytes: [u64; 3],
    malformed: [u32; REASONS],
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self { counters: [0; COUNTERS], bytes: [0; 3], malformed: [0; REASONS] }
    }

    pub(crate) fn add(&mut self, counter: Counter, value: u64) {
        let [sent, received, blocked] = &mut self.bytes;
        match counter {
            Counter::BytesSent => *sent = sent.wrapping_add(value),
            Counter::BytesReceived => *received = received.wrapping_add(value),
            Counter::BytesBlocked => *blocked = blocked.wrapping_add(value),
            _ => {
                if let Some(cell) = self.counters.get_mut(counter as usize) {
                    *cell = cell.wrapping_add(value as u32);
                }
            }
        }
    }

    /// How often something happened; not for bytes.
    pub(crate) fn get(&self, counter: Counter) -> u32 {
        self.counters.get(counter as usize).copied().unwrap_or(0)
    }

    pub(crate) fn count(&mut self, counter: Counter) {
        self.add(counter, 1);
    }

    pub(crate) fn malformed(&mut self, reason: Malformed) {
        self.count(Counter::Malformed);
        if let Some(cell) = self.malformed.get_mut(reason as usize) {
            *cell = cell.wrapping_add(1);
        }
    }
}

/// The counters of all processors.
#[derive(Debug)]
pub struct Counters {
    processors: &'static [Block],
}

impl Counters {
    /// Takes the memory of counters for `processors` from `carver`.
    #[must_use]
    pub fn carve(carver: &mut Carver, processors: u32) -> Option<Self> {
        Some(Self { processors: carver.slice(usize::try_from(processors.max(1)).ok()?)? })
    }

    /// Makes the counts of a batch visible: one pass over the processor's own lines.
    pub(crate) fn flush(&self, processor: u32, tally: &Tally) {
        let Some(block) = self.processors.get(processor as usize).or(self.processors.first()) else { return };
        let [sent, received, bytes_blocked] = tally.bytes;
        let bytes = [
            (Counter::BytesSent, sent),
            (Counter::BytesReceived, received),
            (Counter::BytesBlocked, bytes_blocked),
        ];
        let bytes =
            bytes.into_iter().filter_map(|(id, value)| Some((block.counters.get(id as usize)?, value)));
        let counters = block.counters.iter().zip(tally.counters.iter().copied().map(u64::from)).chain(bytes);
        let malformed = block.malformed.iter().zip(tally.malformed.iter().copied().map(u64::from));
        for (cell, value) in counters.chain(malformed) {
            if value != 0 {
                // Read-modify-write, because ALE callouts below DISPATCH_LEVEL may move between processors.
                cell.fetch_add(value, Ordering::Relaxed);
            }
        }
    }

    /// Adds to one counter at once.
    pub(crate) fn add(&self, processor: u32, counter: Counter, value: u64) {
        let block = self.processors.get(processor as usize).or(self.processors.first());
        if let Some(cell) = block.and_then(|block| block.counters.get(counter as usize)) {
            cell.fetch_add(value, Ordering::Relaxed);
        }
    }

    /// Sum over all processors.
    #[must_use]
    pub fn get(&self, counter: Counter) -> u64 {
        self.sum(|block| block.counters.get(counter as usize))
    }

    /// Frames that were malformed for `reason`.
    #[must_use]
    pub fn malformed(&self, reason: Malformed) -> u64 {
        self.sum(|block| block.malformed.get(reason as usize))
    }

    fn sum<'a>(&'a self, cell: impl Fn(&'a Block) -> Option<&'a AtomicU64>) -> u64 {
        self.processors
            .iter()
            .filter_map(cell)
            .fold(0, |sum, cell| sum.wrapping_add(cell.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::testing;

    #[test]
    fn numbers_are_positions() {
        for (position, counter) in Counter::ALL.iter().enumerate() {
            assert_eq!(*counter as usize, position);
        }
        for (position, reason) in Malformed::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, position);
        }
        assert!(Counter::terminal().iter().all(|counter| {
            counter.name().starts_with("permitted-") || counter.name().starts_with("blocked-")
        }));
        assert_eq!(Counter::ALL[TERMINAL], Counter::FramesSent);
    }

    #[test]
    fn processors_add_up() {
        let block = testing::Block::carve(|carver| Counters::carve(carver, 2));
        let counters = block.value();
        let mut tally = Tally::new();
        tally.add(Counter::BytesSent, 100);
        tally.malformed(Malformed::IpLength);
        for processor in [0, 1, 77] {
            counters.flush(processor, &tally);
        }
        assert_eq!(counters.get(Counter::BytesSent), 300);
        assert_eq!(counters.get(Counter::Malformed), 3);
        assert_eq!(counters.malformed(Malformed::IpLength), 3);
        assert_eq!(counters.malformed(Malformed::IpVersion), 0);
    }
}
