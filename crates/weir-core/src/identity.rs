//! Application images and users, each known by a small number that flow records hold.

use core::sync::atomic::{AtomicU16, Ordering};

/// Longest image path in UTF-16 units.
pub const MAX_IMAGE: usize = 512;

/// UTF-16 text that lies either in plain memory or in an intern table.
#[derive(Clone, Copy, Debug)]
pub enum Units<'a> {
    /// Plain memory.
    Plain(&'a [u16]),
    /// An intern table.
    Shared(&'a [AtomicU16]),
}

/// An identity as listed.
#[derive(Clone, Copy, Debug)]
pub enum IdentityView<'a> {
    /// An application image: number and lower-case NT path.
    Image(u32, Units<'a>),
    /// A user: number and SID.
    User(u32, Sid),
}

impl<'a> Units<'a> {
    /// The units in order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + Clone + use<'a> {
        let (plain, shared): (&[u16], &[AtomicU16]) = match *self {
            Units::Plain(plain) => (plain, &[]),
            Units::Shared(shared) => (&[], shared),
        };
        plain.iter().copied().chain(shared.iter().map(|unit| unit.load(Ordering::Relaxed)))
    }

    /// Number of units.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Units::Plain(plain) => plain.len(),
            Units::Shared(shared) => shared.len(),
        }
    }

    /// True when there is no unit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A security identifier in binary form.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sid {
    bytes: [u8; Sid::MAX],
    length: u8,
}

impl Sid {
    /// Longest SID.
    pub const MAX: usize = 68;

    /// Checks revision, sub-authority count and length.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let [1, count @ 0..=15, ..] = bytes else { return None };
        let length = 8 + 4 * usize::from(*count);
        let mut sid = Self { bytes: [0; Self::MAX], length: length as u8 };
        sid.bytes.get_mut(..length)?.copy_from_slice(bytes.get(..length)?);
        (bytes.len() == length).then_some(sid)
    }

    /// The binary SID.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or(&[])
    }
}

impl core::fmt::Debug for Sid {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Sid({:02x?})", self.as_bytes())
    }
}
