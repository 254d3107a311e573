//! The key under which both directions of a flow meet.

/// One end of a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// IPv6 address, or IPv4-mapped IPv6 address.
    pub address: [u8; 16],
    /// Port; ICMP echo identifier; zero where the protocol has neither.
    pub port: u16,
}

/// Which end of a [`FlowKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The lower endpoint.
    A,
    /// The higher endpoint.
    B,
}

impl Side {
    /// The other end.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Side::A => Side::B,
            Side::B => Side::A,
        }
    }
}

/// Protocol, compartment and both endpoints, the lower one first.
///
/// # Invariants
/// `a <= b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowKey {
    protocol: u8,
    compartment: u32,
    a: Endpoint,
    b: Endpoint,
}

impl FlowKey {
    /// Words that hold a key.
    pub(crate) const WORDS: usize = 5;
    /// Compartments are small numbers that the stack hands out from 1; 24 bits of them make the key fit its
    /// words.
    pub(crate) const COMPARTMENT_MASK: u32 = 0x00ff_ffff;

    /// The key of a flow between `from` and `to`, and which side `from` became.
    #[must_use]
    pub fn new(protocol: u8, compartment: u32, from: Endpoint, to: Endpoint) -> (Self, Side) {
        let compartment = compartment & Self::COMPARTMENT_MASK;
        // INVARIANT: ordered here, and the fields are private.
        if from <= to {
            (Self { protocol, compartment, a: from, b: to }, Side::A)
        } else {
            (Self { protocol, compartment, a: to, b: from }, Side::B)
        }
    }

    /// IP protocol.
    #[must_use]
    pub fn protocol(&self) -> u8 {
        self.protocol
    }

    /// Routing compartment.
    #[must_use]
    pub fn compartment(&self) -> u32 {
        self.compartment
    }

    /// The endpoint on `side`.
    #[must_use]
    pub fn endpoint(&self, side: Side) -> Endpoint {
        match side {
            Side::A => self.a,
            Side::B => self.b,
        }
    }

    /// True when the endpoints are IPv4.
    #[must_use]
    pub fn is_v4(&self) -> bool {
        is_v4(&self.a.address)
    }

    /// The key as words, for hashing and for records made of atomics.
    pub(crate) fn words(&self) -> [u64; Self::WORDS] {
        let [a0, a1] = halves(&self.a.address);
        let [b0, b1] = halves(&self.b.address);
        let rest = u64::from(self.protocol)
            | u64::from(self.a.port) << 8
            | u64::from(self.b.port) << 24
            | u64::from(self.compartment) << 40;
        [a0, a1, b0, b1, rest]
    }

    /// The inverse of [`FlowKey::words`].
    pub(crate) fn from_words(words: [u64; Self::WORDS]) -> Self {
        let [a0, a1, b0, b1, rest] = words;
        let address = |high: u64, low: u64| (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
        Self {
            protocol: rest as u8,
            compartment: (rest >> 40) as u32,
            a: Endpoint { address: address(a0, a1), port: (rest >> 8) as u16 },
            b: Endpoint { address: address(b0, b1), port: (rest >> 24) as u16 },
        }
    }
}

/// True for an IPv4-mapped IPv6 address.
#[must_use]
pub(crate) fn is_v4(address: &[u8; 16]) -> bool {
    u128::from_be_bytes(*address) >> 32 == 0xffff
}

fn halves(address: &[u8; 16]) -> [u64; 2] {
    let value = u128::from_be_bytes(*address);
    [(value >> 64) as u64, value as u64]
}
