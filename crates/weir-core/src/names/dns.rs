//! DNS responses (RFC 1035): which addresses a name was said to have.
//!
//! Any bytes, also hostile ones, over any split; every loop has a fixed bound.

use super::text::Name;
use crate::wire::Source;

/// Records of an answer that are looked at.
const MOST_RECORDS: u16 = 128;
/// Links of a chain of aliases that are followed.
const MOST_ALIASES: usize = 16;
/// Compression pointers that one name may hold.
const MOST_JUMPS: usize = 16;
/// Labels that one name may hold.
const MOST_LABELS: usize = 128;

const CLASS_IN: u16 = 1;
const TYPE_A: u16 = 1;
const TYPE_CNAME: u16 = 5;
const TYPE_AAAA: u16 = 28;

/// A response to one question that found something.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'s, S: ?Sized> {
    message: Message<'s, S>,
    /// Where the question's name stands.
    question: usize,
    /// Where the answers begin, and how many there are.
    answers: usize,
    count: u16,
}

/// The bytes of one message: offsets count from its beginning, as compression pointers do.
#[derive(Debug)]
struct Message<'s, S: ?Sized> {
    source: &'s S,
    start: usize,
    length: usize,
}

impl<S: ?Sized> Clone for Message<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: ?Sized> Copy for Message<'_, S> {}

/// A resource record.
#[derive(Clone, Copy)]
struct Resource {
    name: usize,
    kind: u16,
    class: u16,
    ttl: u32,
    data: usize,
    length: usize,
    next: usize,
}

impl<'s, S: Source + ?Sized> Answer<'s, S> {
    /// Reads the head of the message that is `source[start..end]`; `None` unless it is a response to one question about
    /// a name's addresses, without an error.
    pub fn parse(source: &'s S, start: usize, end: usize) -> Option<Self> {
        let message = Message { source, start, length: end.checked_sub(start)? };
        let [_, _, flags, code, q0, q1, a0, a1, ..] = message.read::<12>(0)?;
        // A response (QR) to a standard query (OPCODE 0), not cut (TC), without an error (RCODE 0).
        let found = flags & 0b1111_1010 == 0b1000_0000 && code & 0x0f == 0;
        if !found || u16::from_be_bytes([q0, q1]) != 1 {
            return None;
        }
        let after = message.skip_name(12)?;
        let [t0, t1, c0, c1] = message.read(after)?;
        let asked = matches!(u16::from_be_bytes([t0, t1]), TYPE_A | TYPE_AAAA);
        if !asked || u16::from_be_bytes([c0, c1]) != CLASS_IN {
            return None;
        }
        let count = u16::from_be_bytes([a0, a1]).min(MOST_RECORDS);
        Some(Self { message, question: 12, answers: after.checked_add(4)?, count })
    }

    /// Reads the name that was asked for.
    pub fn name(&self, name: &mut Name) -> Option<()> {
        let mut characters = Characters::new(&self.message, self.question);
        name.read(&mut characters)?;
        (!characters.failed).then_some(())
    }

    /// Shows the addresses that the name has, itself or by its aliases (IPv4 as IPv4-mapped IPv6), and for how many
    /// seconds: the least along the way.
    pub fn addresses(&self, mut each: impl FnMut([u8; 16], u32)) {
        let (mut owner, mut most) = (self.question, u32::MAX);
        // Aliases first, in whatever order they stand.
        for _ in 0..MOST_ALIASES {
            let alias = self.records().find(|record| record.is(TYPE_CNAME) && self.same(record.name, owner));
            let Some(alias) = alias else { break };
            owner = alias.data;
            most = most.min(alias.ttl);
        }
        for record in self.records().filter(|record| self.same(record.name, owner)) {
            let address = match record.length {
                4 if record.is(TYPE_A) => self.message.read::<4>(record.data).map(mapped),
                16 if record.is(TYPE_AAAA) => self.message.read::<16>(record.data),
                _ => None,
            };
            if let Some(address) = address {
                each(address, record.ttl.min(most));
            }
        }
    }

    fn records(&self) -> impl Iterator<Item = Resource> {
        let mut at = Some(self.answers);
        (0..self.count).map_while(move |_| {
            let record = self.message.record(at?)?;
            at = Some(record.next);
            Some(record)
        })
    }

    fn same(&self, one: usize, other: usize) -> bool {
        let (mut one, mut other) =
            (Characters::new(&self.message, one), Characters::new(&self.message, other));
        one.by_ref().eq(other.by_ref()) && !one.failed && !other.failed
    }
}

impl Resource {
    fn is(&self, kind: u16) -> bool {
        self.kind == kind && self.class == CLASS_IN
    }
}

impl<S: Source + ?Sized> Message<'_, S> {
    fn read<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        if at.checked_add(N)? > self.length {
            return None;
        }
        self.source.read(self.start.checked_add(at)?)
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.read::<1>(at).map(|[byte]| byte)
    }

    /// Where what follows the name at `at` stands.
    fn skip_name(&self, mut at: usize) -> Option<usize> {
        for _ in 0..MOST_LABELS {
            match self.byte(at)? {
                0 => return Some(at + 1),
                length @ 1..=63 => at = at.checked_add(1 + usize::from(length))?,
                192.. => return at.checked_add(2),
                _ => return None,
            }
        }
        None
    }

    fn record(&self, name: usize) -> Option<Resource> {
        let fixed = self.skip_name(name)?;
        let [k0, k1, c0, c1, t0, t1, t2, t3, l0, l1] = self.read(fixed)?;
        let data = fixed.checked_add(10)?;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let next = data.checked_add(length)?;
        (next <= self.length).then_some(Resource {
            name,
            kind: u16::from_be_bytes([k0, k1]),
            class: u16::from_be_bytes([c0, c1]),
            // A set highest bit is read as zero (RFC 2181, 8).
            ttl: u32::try_from(i32::from_be_bytes([t0, t1, t2, t3])).unwrap_or(0),
            data,
            length,
            next,
        })
    }
}

/// The characters of a name, in lower case and with dots between labels.
struct Characters<'m, 's, S: ?Sized> {
    message: &'m Message<'s, S>,
    at: usize,
    /// Characters left of the current label.
    label: u8,
    /// Characters shown.
    shown: usize,
    jumps: usize,
    /// The bytes were no name.
    failed: bool,
    ended: bool,
}

impl<'m, 's, S: Source + ?Sized> Characters<'m, 's, S> {
    fn new(message: &'m Message<'s, S>, at: usize) -> Self {
        Self { message, at, label: 0, shown: 0, jumps: 0, failed: false, ended: false }
    }

    /// Goes to the next label that is not reached through a pointer any more; `None` at the end of the name.
    fn enter_label(&mut self) -> Option<u8> {
        for _ in 0..=MOST_JUMPS {
            let length = self.message.byte(self.at)?;
            match length {
                0 => {
                    self.ended = true;
                    return None;
                }
                1..=63 => {
                    self.at = self.at.checked_add(1)?;
                    return Some(length);
                }
                192.. if self.jumps < MOST_JUMPS => {
                    let low = self.message.byte(self.at.checked_add(1)?)?;
                    self.at = usize::from(length & 0x3f) << 8 | usize::from(low);
                    self.jumps += 1;
                }
                _ => return None,
            }
        }
        None
    }
}

impl<S: Source + ?Sized> Iterator for Characters<'_, '_, S> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if self.ended || self.failed || self.shown > Name::MAX {
            self.failed |= !self.ended;
            return None;
        }
        if self.label == 0 {
            let first = self.shown == 0;
            let Some(length) = self.enter_label() else {
                self.failed = !self.ended;
                return None;
            };
            self.label = length;
            if !first {
                self.shown += 1;
                return Some(b'.');
            }
        }
        let Some(character) = self.message.byte(self.at) else {
            self.failed = true;
            return None;
        };
        self.at = self.at.saturating_add(1);
        self.label = self.label.saturating_sub(1);
        self.shown += 1;
        Some(character.to_ascii_lowercase())
    }
}

fn mapped(address: [u8; 4]) -> [u8; 16] {
    (0xffff_0000_0000_u128 | u128::from(u32::from_be_bytes(address))).to_be_bytes()
}
