//! A driver that nobody here wrote: shipped builds of WinDivert go through their whole life, as the proof
//! that the lab is not tuned to one driver.
//!
//! The images come from PyPI with pip and are not kept.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::fs;
use std::io::{Cursor, Read};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use etherparse::PacketBuilder;
use lab::child::{self, Exit};
use lab::edge::{Edge, Interface, Medium, ProcessMap, Verdict};
use lab::wdf::{File, Who};
use lab::{Machine, Options};

/// A release of WinDivert, and the package that carries it.
struct Release {
    name: &'static str,
    package: &'static [&'static str],
}

const V1: Release = Release { name: "WinDivert-1.3", package: &["pydivert==2.1.0"] };

/// The driver of a release, fetched once.
fn driver(release: &Release) -> PathBuf {
    static FETCHING: Mutex<()> = Mutex::new(());
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(release.name);
    let image = directory.join("WinDivert64.sys");
    let _one_at_a_time = FETCHING.lock();
    if !image.exists() {
        fs::create_dir_all(&directory).unwrap();
        let fetched = fetch(release, &directory);
        assert!(fetched.is_ok(), "cannot fetch {} with pip: {}", release.package[0], fetched.unwrap_err());
    }
    image
}

fn fetch(release: &Release, directory: &Path) -> Result<(), String> {
    let output = Command::new("pip")
        .args(["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest"])
        .arg(directory)
        .args(release.package)
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(text.lines().next_back().unwrap_or("no message").to_owned());
    }
    let wheel = fs::read_dir(directory)
        .map_err(|error| error.to_string())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or("no wheel came")?;
    let bytes = fs::read(wheel).map_err(|error| error.to_string())?;
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let mut image = Vec::new();
    archive
        .by_name("pydivert/windivert_dll/WinDivert64.sys")
        .map_err(|error| error.to_string())?
        .read_to_end(&mut image)
        .map_err(|error| error.to_string())?;
    // Another process may do the same: the file appears whole or not at all.
    let part = directory.join(format!("part-{}", std::process::id()));
    fs::write(&part, image).map_err(|error| error.to_string())?;
    fs::rename(part, directory.join("WinDivert64.sys")).map_err(|error| error.to_string())
}

/// CTL_CODE of FILE_DEVICE_NETWORK with the given access, function and method.
const fn code(access: u32, function: u32, method: u32) -> u32 {
    0x12 << 16 | access << 14 | function << 2 | method
}
const IN_DIRECT: u32 = 1;
const OUT_DIRECT: u32 = 2;

const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const REMOTE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);
const INTERFACE: Interface =
    Interface { luid: 0x6_0000_0000_0000, index: 7, kind: 6, medium: Medium::RawIp, mtu: 1500 };

fn packet() -> Vec<u8> {
    let builder = PacketBuilder::ipv4(LOCAL.octets(), REMOTE.octets(), 64).udp(4000, 53);
    let payload: Vec<u8> = (0..200u8).collect();
    let mut packet = Vec::new();
    builder.write(&mut packet, &payload).unwrap();
    packet
}

/// A release's requests.
trait Protocol {
    /// The name of the device.
    const DEVICE: &'static str;
    /// Starts a filter that takes every packet.
    fn start(file: &File);
    /// Receives a packet: its bytes, the interface's index, and whether it was outbound.
    fn receive(file: &File, address: &mut [u8]) -> Vec<u8>;
    /// Sends a packet with the address that it came with.
    fn send(file: &File, address: &[u8], packet: &[u8]) -> i32;
    /// Index of the interface, and whether the packet was outbound.
    fn read_address(address: &[u8]) -> (u32, bool);
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Version 1.3: a header of twelve bytes with every request.
struct One;

impl One {
    const MAGIC: u16 = 0x1e06;
    const VERSION: u8 = 5;
    const RECEIVE: u32 = code(0, 0x908, OUT_DIRECT);
    const SEND: u32 = code(0, 0x909, IN_DIRECT);
    const START: u32 = code(0, 0x90a, IN_DIRECT);

    fn header(argument: u64) -> Vec<u8> {
        let mut header = Self::MAGIC.to_le_bytes().to_vec();
        header.extend([Self::VERSION, 0]);
        header.extend(argument.to_le_bytes());
        header
    }
}

impl Protocol for One {
    const DEVICE: &'static str = r"\\.\WinDivert1.3";

    fn start(file: &File) {
        const ACCEPT: u16 = 129;
        const REJECT: u16 = 130;
        // One step: zero equals zero.
        let mut filter = vec![0, 0];
        filter.extend(ACCEPT.to_le_bytes());
        filter.extend(REJECT.to_le_bytes());
        filter.extend([0; 16]);
        let (status, _) = file.ioctl_direct(Self::START, &Self::header(0), &filter);
        assert_eq!(status, 0, "START_FILTER: {status:#x}");
    }

    fn receive(file: &File, address: &mut [u8]) -> Vec<u8> {
        let header = Self::header(address.as_mut_ptr() as u64);
        let (status, packet) = file.ioctl_direct(Self::RECEIVE, &header, &[0; 1500]);
        assert_eq!(status, 0, "RECV: {status:#x}");
        packet
    }

    fn send(file: &File, address: &[u8], packet: &[u8]) -> i32 {
        file.ioctl_direct(Self::SEND, &Self::header(address.as_ptr() as u64), packet).0
    }

    fn read_address(address: &[u8]) -> (u32, bool) {
        (u32_at(address, 0), address[8] == 0)
    }
}

fn run<P: Protocol>(test: &str, release: &Release) -> Exit {
    let image = if child::is_child() { PathBuf::new() } else { driver(release) };
    let _ = image;
    child::run(test, || {
        let image = driver(release);
        let machine = Machine::new(Options { integrity: false, ..Options::default() });
        let mut driver = machine.load_driver_as(&image, "WinDivert").unwrap();
        driver.start().unwrap();
        let mut edge = Edge::new([IpAddr::V4(LOCAL)], ProcessMap::default());
        let packet = packet();
        assert_eq!(edge.outbound(&INTERFACE, &packet, 1), Verdict::Pass, "nobody filters yet");

        let file = machine.open(P::DEVICE, Who::System).unwrap();
        P::start(&file);
        assert_eq!(edge.outbound(&INTERFACE, &packet, 2), Verdict::Blocked("OUTBOUND_IPPACKET"));
        let mut address = vec![0u8; 4096];
        assert_eq!(P::receive(&file, &mut address), packet);
        assert_eq!(P::read_address(&address), (INTERFACE.index, true));
        assert!(edge.take_emitted().is_empty());

        // Sent again, the driver lets its own packet pass.
        assert_eq!(P::send(&file, &address, &packet), 0);
        edge.pump();
        let emitted = edge.take_emitted();
        assert_eq!(emitted.iter().map(|emitted| &emitted.frame).collect::<Vec<_>>(), [&packet]);

        drop(file);
        assert_eq!(edge.outbound(&INTERFACE, &packet, 3), Verdict::Pass, "the filter went with its file");
        edge.finish();
        driver.unload();
        let report = machine.finish();
        assert!(report.leaks.is_empty(), "{:?}", report.leaks);
        println!("{} has lived", release.name);
    })
}

#[track_caller]
fn lives<P: Protocol>(test: &str, release: &Release) {
    let exit = run::<P>(test, release);
    if !child::is_child() {
        exit.assert_clean();
        assert!(exit.log.contains(&format!("{} has lived", release.name)), "{}", exit.log);
    }
}

#[test]
fn windivert_1_3_diverts_a_packet_and_sends_it_again() {
    lives::<One>("windivert_1_3_diverts_a_packet_and_sends_it_again", &V1);
}
