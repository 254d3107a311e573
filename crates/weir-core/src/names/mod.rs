//! Names of hosts: read from DNS answers and from the first data of connections, kept, and found again by address.
//!
//! Best effort by nature: a program may know an address without asking, ask in ways that cannot be read (DNS over HTTPS),
//! or not say whom it wants; several names may share an address, of which the last one asked for counts.

mod addresses;
mod assembly;
pub mod dns;
mod store;
mod text;
pub mod tls;

use core::sync::atomic::{AtomicU32, Ordering};

use crate::Time;
use crate::memory::Carver;
use crate::wire::Source;

use addresses::{Addresses, Place};
pub use assembly::Segment;
use assembly::{Added, Assemblies};
pub use store::{Handle, Held};
pub use text::Name;
use tls::Hello;

/// Addresses of one answer that are noted.
const MOST_ADDRESSES: u32 = 32;
/// Entries of the address cache looked at by one [`Names::sweep`].
const SWEEP: u32 = 1_024;

/// Everything that is known about names.
#[derive(Debug)]
pub struct Names {
    store: store::Store,
    addresses: Addresses,
    assemblies: Assemblies,
    cursor: AtomicU32,
}

/// What the first data of a connection say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// Its name. The caller counts on it and must release it.
    Name(Handle),
    /// That there is no name to come.
    None,
    /// Nothing yet.
    More,
}

impl Names {
    /// Takes the memory for `names` names, as many addresses and `beginnings` beginnings of streams from `carver`.
    #[must_use]
    pub fn carve(carver: &mut Carver, names: u32, beginnings: u32, seed: [u64; 2]) -> Option<Self> {
        let [first, second] = seed;
        Some(Self {
            store: store::Store::carve(carver, names, seed)?,
            addresses: Addresses::carve(carver, names, [second, first])?,
            assemblies: Assemblies::carve(carver, beginnings)?,
            cursor: AtomicU32::new(0),
        })
    }

    /// Notes what the DNS message `source[start..end]` says about addresses in `compartment`; returns how many it noted.
    #[inline(never)]
    pub fn learn<S: Source + ?Sized>(
        &self,
        now: Time,
        compartment: u32,
        source: &S,
        start: usize,
        end: usize,
    ) -> u32 {
        let Some(answer) = dns::Answer::parse(source, start, end) else { return 0 };
        let Some(name) = self.intern_question(&answer) else { return 0 };
        let mut noted = 0;
        answer.addresses(|address, seconds| {
            if noted < MOST_ADDRESSES && self.store.share(name) {
                noted += 1;
                self.store.release(self.addresses.note(now, &Place { compartment, address }, name, seconds));
            }
        });
        self.store.release(name);
        noted
    }

    /// Not inlined: a name is large, and kernel stacks are small.
    #[inline(never)]
    fn intern_question<S: Source + ?Sized>(&self, answer: &dns::Answer<'_, S>) -> Option<Handle> {
        let mut name = Name::EMPTY;
        answer.name(&mut name)?;
        Some(self.store.intern(&name)).filter(|handle| handle.is_some())
    }

    /// The name of an address in `compartment`. The caller counts on it and must release it; none when it is not known.
    #[must_use]
    pub fn find(&self, now: Time, compartment: u32, address: [u8; 16]) -> Handle {
        let handle = self.addresses.find(now, &Place { compartment, address });
        if handle.is_some() && self.store.share(handle) { handle } else { Handle::NONE }
    }

    /// Looks for the server's name in a segment that a TCP client sent first; `base` is the sequence number of the stream's
    /// first byte, when its SYN was seen.
    #[inline(never)]
    pub fn first_data<S: Source + ?Sized>(
        &self,
        now: Time,
        flow: u64,
        base: Option<u32>,
        segment: &Segment,
        source: &S,
        assembling: bool,
    ) -> First {
        let start_of_stream = base.unwrap_or(segment.sequence);
        if !assembling && start_of_stream == segment.sequence {
            let whole = self.hello(source, segment.start, segment.end);
            if whole != First::More {
                return whole;
            }
        }
        let added = self.assemblies.add(now, flow, start_of_stream, segment, source, |beginning| {
            let first = self.hello(beginning, 0, beginning.len());
            (first, first == First::More)
        });
        match added {
            Added::Looked(First::More) | Added::Missed => First::More,
            Added::Looked(first) => first,
            Added::Hopeless => First::None,
        }
    }

    /// As [`Names::first_data`], for the answer of a DNS server over TCP (RFC 7766): a length, and a message.
    #[inline(never)]
    pub fn first_answer<S: Source + ?Sized>(
        &self,
        now: Time,
        compartment: u32,
        flow: u64,
        base: Option<u32>,
        segment: &Segment,
        source: &S,
    ) -> Option<u32> {
        let start_of_stream = base.unwrap_or(segment.sequence);
        let added = self.assemblies.add(now, flow, start_of_stream, segment, source, |beginning| {
            let length = beginning.read::<2>(0).map(|bytes| 2 + usize::from(u16::from_be_bytes(bytes)));
            match length {
                Some(end) if end <= beginning.len() => {
                    (Some(self.learn(now, compartment, beginning, 2, end)), false)
                }
                _ => (None, true),
            }
        });
        match added {
            Added::Looked(noted) => noted,
            Added::Missed => None,
            Added::Hopeless => Some(0),
        }
    }

    #[inline(never)]
    fn hello<S: Source + ?Sized>(&self, source: &S, start: usize, end: usize) -> First {
        let mut name = Name::EMPTY;
        match tls::client_hello(source, start, end, &mut name) {
            Hello::Named => match self.store.intern(&name) {
                Handle::NONE => First::None,
                handle => First::Name(handle),
            },
            Hello::Cut => First::More,
            Hello::Nameless | Hello::Other => First::None,
        }
    }

    /// The name of a handle, unless it has gone.
    #[must_use]
    pub fn hold(&self, handle: Handle) -> Option<Held<'_>> {
        if handle.is_some() { self.store.hold(handle) } else { None }
    }

    /// Nobody counts on this handle any more who did before. No handle is no mistake.
    pub fn release(&self, handle: Handle) {
        self.store.release(handle);
    }

    /// Shows names from `cursor` (0 = first) until `each` says `false`; returns the cursor to go on from, 0 at the end.
    pub fn list(&self, cursor: u64, each: &mut impl FnMut(Handle, &Held<'_>) -> bool) -> u64 {
        self.store.list(cursor, each)
    }

    /// Forgets addresses whose time is over, a part of them each time: to be called every second or so.
    pub fn sweep(&self, now: Time) {
        let from = self.cursor.load(Ordering::Relaxed);
        let next = self.addresses.sweep(now, from, SWEEP, |handle| self.store.release(handle));
        self.cursor.store(next, Ordering::Relaxed);
    }
}
