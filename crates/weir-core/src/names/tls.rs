//! The server name that a TLS client asks for (RFC 8446, 4.1.2; RFC 6066, 3).
//!
//! Any bytes, also hostile ones, over any split. What the client hides (Encrypted Client Hello) stays hidden: then the name
//! is the public one of the server's operator.

use super::text::Name;
use crate::wire::Source;

/// What the beginning of a client's data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hello {
    /// A ClientHello that asks for a server, whose name was read.
    Named,
    /// A ClientHello that names no server.
    Nameless,
    /// The beginning of a ClientHello: more bytes are needed.
    Cut,
    /// Something else.
    Other,
}

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: u16 = 0;
const HOST_NAME: u8 = 0;
/// Longest record (RFC 8446, 5.1).
const MAX_RECORD: u16 = 1 << 14;
/// Extensions that are looked at.
const MOST_EXTENSIONS: usize = 128;

/// Reads the beginning of what a client sends over TCP, `source[start..end]`, and the server's name into `name`.
pub fn client_hello<S: Source + ?Sized>(source: &S, start: usize, end: usize, name: &mut Name) -> Hello {
    let mut reader = Reader { source, at: start, end, record: Some(0), left: usize::MAX };
    reader.hello(name).unwrap_or_else(Hello::from)
}

/// Reads the beginning of a ClientHello that does not stand in records, as in QUIC.
pub fn bare_client_hello<S: Source + ?Sized>(source: &S, start: usize, end: usize, name: &mut Name) -> Hello {
    let mut reader = Reader { source, at: start, end, record: None, left: usize::MAX };
    reader.hello(name).unwrap_or_else(Hello::from)
}

/// Why no name comes of it.
#[derive(Clone, Copy, Debug)]
enum Stop {
    Cut,
    Other,
}

impl From<Stop> for Hello {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Cut => Hello::Cut,
            Stop::Other => Hello::Other,
        }
    }
}

/// Reads the bytes of a handshake message, wherever the borders of records lie.
struct Reader<'s, S: ?Sized> {
    source: &'s S,
    at: usize,
    end: usize,
    /// Bytes left of the current record; `None` without records.
    record: Option<usize>,
    /// Bytes left of the structure that is being read.
    left: usize,
}

impl<S: Source + ?Sized> Reader<'_, S> {
    fn hello(&mut self, name: &mut Name) -> Result<Hello, Stop> {
        if self.u8()? != CLIENT_HELLO {
            return Err(Stop::Other);
        }
        let [high, rest @ ..] = [self.u8()?, self.u8()?, self.u8()?];
        // No hello is 64 KiB long.
        self.left = if high == 0 { usize::from(u16::from_be_bytes(rest)) } else { return Err(Stop::Other) };
        if self.u8()? != 3 {
            return Err(Stop::Other);
        }
        // Minor version and random.
        self.skip(1 + 32)?;
        let session = self.u8()?;
        self.skip(usize::from(session))?;
        let ciphers = self.u16()?;
        self.skip(usize::from(ciphers))?;
        let compressions = self.u8()?;
        self.skip(usize::from(compressions))?;
        if self.left == 0 {
            return Ok(Hello::Nameless);
        }
        let extensions = usize::from(self.u16()?);
        if extensions > self.left {
            return Err(Stop::Other);
        }
        self.left = extensions;
        for _ in 0..MOST_EXTENSIONS {
            if self.left == 0 {
                return Ok(Hello::Nameless);
            }
            let (kind, length) = (self.u16()?, usize::from(self.u16()?));
            if length > self.left {
                return Err(Stop::Other);
            }
            if kind == SERVER_NAME {
                return self.server_name(name);
            }
            self.skip(length)?;
        }
        Ok(Hello::Nameless)
    }

    /// The list may hold other kinds of names, which nobody has ever defined: only the first entry is read.
    fn server_name(&mut self, name: &mut Name) -> Result<Hello, Stop> {
        let _list = self.u16()?;
        if self.u8()? != HOST_NAME {
            return Ok(Hello::Nameless);
        }
        let length = self.u16()?;
        if usize::from(length) > self.left.min(Name::MAX) {
            return Err(Stop::Other);
        }
        let mut stopped = None;
        let characters = (0..length).map_while(|_| self.u8().map_err(|stop| stopped = Some(stop)).ok());
        let read = name.read(characters);
        match (stopped, read) {
            (Some(stop), _) => Err(stop),
            (None, Some(())) => Ok(Hello::Named),
            (None, None) => Ok(Hello::Nameless),
        }
    }

    fn u8(&mut self) -> Result<u8, Stop> {
        self.left = self.left.checked_sub(1).ok_or(Stop::Other)?;
        self.enter_record()?;
        let [byte] = self.raw::<1>()?;
        self.record = self.record.map(|left| left.saturating_sub(1));
        Ok(byte)
    }

    fn u16(&mut self) -> Result<u16, Stop> {
        Ok(u16::from_be_bytes([self.u8()?, self.u8()?]))
    }

    fn skip(&mut self, mut bytes: usize) -> Result<(), Stop> {
        self.left = self.left.checked_sub(bytes).ok_or(Stop::Other)?;
        // Each turn but the last one eats a record, whose head alone has five bytes: the loop ends with the source.
        while bytes != 0 {
            self.enter_record()?;
            let step = self.record.map_or(bytes, |left| left.min(bytes));
            self.at = self.at.checked_add(step).ok_or(Stop::Other)?;
            self.record = self.record.map(|left| left - step);
            bytes -= step;
        }
        Ok(())
    }

    /// Reads the head of the next record, once the current one is used up.
    fn enter_record(&mut self) -> Result<(), Stop> {
        if self.record != Some(0) {
            return Ok(());
        }
        // Whatever is no record shows so as early as possible.
        let [kind] = self.peek::<1>(0)?;
        if kind != HANDSHAKE || self.peek::<1>(1)? != [3] {
            return Err(Stop::Other);
        }
        let [_, _, _, high, low] = self.raw::<5>()?;
        match u16::from_be_bytes([high, low]) {
            length @ 1..=MAX_RECORD => self.record = Some(usize::from(length)),
            _ => return Err(Stop::Other),
        }
        Ok(())
    }

    fn peek<const N: usize>(&self, offset: usize) -> Result<[u8; N], Stop> {
        let at = self.at.checked_add(offset).ok_or(Stop::Other)?;
        match at.checked_add(N) {
            Some(after) if after <= self.end => self.source.read(at).ok_or(Stop::Other),
            Some(_) => Err(Stop::Cut),
            None => Err(Stop::Other),
        }
    }

    fn raw<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        let bytes = self.peek::<N>(0)?;
        self.at = self.at.saturating_add(N);
        Ok(bytes)
    }
}
