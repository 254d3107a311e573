//! Builds frames and engines for the tests of this crate.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

pub mod answers;
pub mod messages;

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

use weir_core::engine::{Config, Engine, Interface};
use weir_core::wire::Medium;

/// An engine in memory of its own.
pub struct Owned {
    engine: Option<&'static Engine>,
    memory: NonNull<u8>,
    layout: Layout,
    images: std::cell::RefCell<Vec<Box<[u8]>>>,
}

impl Owned {
    pub fn new(config: &Config) -> Self {
        let layout = Engine::layout(config).expect("sizes make sense");
        // SAFETY: an engine is never empty.
        let memory = NonNull::new(unsafe { alloc_zeroed(layout) }).expect("memory");
        // SAFETY: zeroed memory of the engine's layout, freed in `drop` after the last use.
        let engine = unsafe { Engine::init(memory, config) };
        assert!(engine.is_some());
        Self { engine, memory, layout, images: Default::default() }
    }

    pub fn small() -> Self {
        Self::new(&Config { flows: 1_024, fragments: 64, keep: 0, ..Config::new(2, [11, 13]) })
    }

    pub fn get(&self) -> &Engine {
        self.engine.expect("alive")
    }

    /// Puts an image in force; the test keeps it until the engine is gone.
    pub fn set_image(&self, image: Vec<u8>) -> Result<u32, weir_core::policy::PolicyError> {
        let image = image.into_boxed_slice();
        // SAFETY: a boxed slice does not move, and `images` keeps it until the engine is gone.
        let outcome = unsafe { self.get().set_policy(NonNull::from(&*image), std::thread::yield_now) };
        self.images.borrow_mut().push(image);
        outcome.map(|(generation, _)| generation)
    }

    pub fn set_policy(&self, text: &str) -> u32 {
        self.set_image(compile(text)).expect("a valid image")
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.engine = None;
        // SAFETY: allocated in `new` with this layout; the only reference is gone.
        unsafe { dealloc(self.memory.as_ptr(), self.layout) };
    }
}

pub fn compile(text: &str) -> Vec<u8> {
    match weir_core::policy::compile(text, &Default::default()) {
        Ok(compiled) => compiled.image,
        Err(diagnostics) => panic!("{diagnostics:#?}"),
    }
}

pub fn ethernet_interface() -> Interface<'static> {
    Interface { luid: 0x1_0000_0000, index: 7, medium: Medium::Ethernet, compartment: 1, name: &[] }
}

pub const LOCAL: [u8; 4] = [10, 0, 0, 1];
pub const REMOTE: [u8; 4] = [203, 0, 113, 5];

/// IPv4-mapped.
pub fn mapped(address: [u8; 4]) -> [u8; 16] {
    std::net::Ipv4Addr::from(address).to_ipv6_mapped().octets()
}

pub fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    frame.extend(kind.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Puts a tag of `kind` behind the addresses.
pub fn tagged(frame: &[u8], kind: u16, tci: u16) -> Vec<u8> {
    let (addresses, rest) = frame.split_at(12);
    let mut out = addresses.to_vec();
    out.extend(kind.to_be_bytes());
    out.extend(tci.to_be_bytes());
    out.extend(rest);
    out
}

pub struct V4 {
    pub source: [u8; 4],
    pub destination: [u8; 4],
    pub protocol: u8,
    pub identification: u16,
    /// More-fragments flag and offset in units of 8.
    pub fragment: u16,
    pub options: usize,
}

impl V4 {
    pub fn new(source: [u8; 4], destination: [u8; 4], protocol: u8) -> Self {
        Self { source, destination, protocol, identification: 0, fragment: 0, options: 0 }
    }

    pub fn packet(&self, payload: &[u8]) -> Vec<u8> {
        let header = 20 + self.options;
        let mut packet = vec![0x40 | (header / 4) as u8, 0];
        packet.extend(((header + payload.len()) as u16).to_be_bytes());
        packet.extend(self.identification.to_be_bytes());
        packet.extend(self.fragment.to_be_bytes());
        packet.extend([64, self.protocol, 0, 0]);
        packet.extend(self.source);
        packet.extend(self.destination);
        packet.extend(std::iter::repeat_n(1, self.options));
        packet.extend(payload);
        packet
    }

    pub fn frame(&self, payload: &[u8]) -> Vec<u8> {
        ethernet(0x0800, &self.packet(payload))
    }
}

pub fn ipv6(source: [u8; 16], destination: [u8; 16], next: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((payload.len() as u16).to_be_bytes());
    packet.extend([next, 64]);
    packet.extend(source);
    packet.extend(destination);
    packet.extend(payload);
    packet
}

pub const SYN: u8 = 2;
pub const SYN_ACK: u8 = 0x12;
pub const ACK: u8 = 0x10;
pub const FIN_ACK: u8 = 0x11;
pub const RST: u8 = 4;

pub fn tcp(source: u16, destination: u16, flags: u8) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(source.to_be_bytes());
    header.extend(destination.to_be_bytes());
    header.extend([0; 8]);
    header.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    header
}

pub fn udp(source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(source.to_be_bytes());
    header.extend(destination.to_be_bytes());
    header.extend((8 + payload.len() as u16).to_be_bytes());
    header.extend([0, 0]);
    header.extend(payload);
    header
}

pub fn echo(kind: u8, identifier: u16) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0];
    message.extend(identifier.to_be_bytes());
    message.extend([0, 1]);
    message.extend([0x61; 32]);
    message
}

/// From the local to the remote machine.
pub fn sent(protocol: u8, payload: &[u8]) -> Vec<u8> {
    V4::new(LOCAL, REMOTE, protocol).frame(payload)
}

/// From the remote to the local machine.
pub fn received(protocol: u8, payload: &[u8]) -> Vec<u8> {
    V4::new(REMOTE, LOCAL, protocol).frame(payload)
}
