//! Shipped releases of WinDivert: where their drivers come from, and how a program talks to them.
//!
//! The images come from PyPI with pip and are not kept.

#![allow(dead_code, unreachable_pub, reason = "every test uses its part")]

use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use lab::wdf::File;

/// A release of WinDivert, and the package that carries it.
pub(crate) struct Release {
    pub(crate) name: &'static str,
    pub(crate) package: &'static [&'static str],
    /// Rules that it breaks, with the export: `dwOSVersionInfoSize` of 2.2 is whatever was on the stack.
    pub(crate) breaks: &'static [(&'static str, &'static str)],
}

pub(crate) const V1: Release = Release { name: "WinDivert-1.3", package: &["pydivert==2.1.0"], breaks: &[] };
/// The newest that PyPI has.
pub(crate) const V2: Release = Release {
    name: "WinDivert-2.2",
    package: &["pydivert==4.0.1", "--only-binary=:all:", "--platform=win_amd64"],
    breaks: &[("L-2", "RtlGetVersion")],
};

/// The driver of a release, fetched once.
pub(crate) fn driver(release: &Release) -> PathBuf {
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
pub(crate) const INVALID_PARAMETER: i32 = 0xc000_000d_u32 as i32;
pub(crate) const INVALID_DEVICE_STATE: i32 = 0xc000_0184_u32 as i32;
pub(crate) const PIPE_EMPTY: i32 = 0xc000_00d9_u32 as i32;

/// A release's requests.
pub(crate) trait Protocol {
    /// The name of the device.
    const DEVICE: &'static str;
    /// Starts a filter that takes every packet.
    fn start(file: &File);
    /// Receives a packet: its bytes, the interface's index, and whether it was outbound.
    fn receive(file: &File, address: &mut [u8]) -> Vec<u8>;
    /// Sends a packet with the address that it came with.
    fn send(file: &File, address: &[u8], packet: &[u8]) -> i32;
    /// Ends the filter before its file closes, where the release can.
    fn stop(_file: &File) {}
    /// Index of the interface, and whether the packet was outbound.
    fn read_address(address: &[u8]) -> (u32, bool);
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Version 1.3: a header of twelve bytes with every request.
pub(crate) struct One;

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

/// Version 2.2: a handle has a layer, and every request a message of sixteen bytes.
pub(crate) struct Two;

/// What version 2.2 tells of an event: WINDIVERT_ADDRESS.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Event {
    pub(crate) layer: u8,
    pub(crate) event: u8,
    pub(crate) outbound: bool,
    /// What the layer has to say.
    pub(crate) data: Vec<u8>,
}

impl Two {
    const INITIALIZE: u32 = code(3, 0x921, OUT_DIRECT);
    const STARTUP: u32 = code(3, 0x922, IN_DIRECT);
    const RECEIVE: u32 = code(1, 0x923, OUT_DIRECT);
    const SEND: u32 = code(3, 0x924, IN_DIRECT);
    const SET_PARAMETER: u32 = code(3, 0x925, IN_DIRECT);
    const GET_PARAMETER: u32 = code(1, 0x926, OUT_DIRECT);
    const SHUTDOWN: u32 = code(3, 0x927, IN_DIRECT);

    /// Size of WINDIVERT_ADDRESS.
    const ADDRESS: usize = 80;
    const MAGIC_DLL: u64 = 0x4c4c_4476_6964_5724;
    const MAGIC_SYS: u64 = 0x5359_5376_6964_5723;
    const HIGHEST_PRIORITY: u32 = 30000;

    pub(crate) const NETWORK: u32 = 0;
    pub(crate) const FLOW: u32 = 2;
    pub(crate) const SOCKET: u32 = 3;
    /// SNIFF and RECV_ONLY.
    pub(crate) const LOOK_ON: u64 = 1 | 4;
    /// INBOUND, OUTBOUND, IP and IPV6, and every event of flows and sockets.
    const EVERYTHING: u64 = 0x3ff0;

    fn message(first: u64, second: u64) -> Vec<u8> {
        [first.to_le_bytes(), second.to_le_bytes()].concat()
    }

    pub(crate) fn start_layer(file: &File, layer: u32, flags: u64) {
        let mut version = Self::MAGIC_DLL.to_le_bytes().to_vec();
        version.extend([2u32, 2, 64].iter().flat_map(|word| word.to_le_bytes()));
        version.resize(64, 0);
        let message = Self::message(u64::from(layer) | u64::from(Self::HIGHEST_PRIORITY) << 32, flags);
        let (status, _) = file.ioctl_direct(Self::STARTUP, &Self::message(0, 0), &[0; 24]);
        assert_eq!(status, INVALID_DEVICE_STATE, "STARTUP before INITIALIZE");
        let status = file.ioctl_in_place(Self::INITIALIZE, &message, &mut version);
        assert_eq!(status, 0, "INITIALIZE: {status:#x}");
        assert_eq!(version[..8], Self::MAGIC_SYS.to_le_bytes());
        assert_eq!((u32_at(&version, 8), u32_at(&version, 12), u32_at(&version, 16)), (2, 2, 64));

        // One step: ZERO == 0, whose result is to accept, and to reject otherwise.
        const ACCEPT: u32 = 0x7ffe;
        const REJECT: u32 = 0x7fff;
        let filter: Vec<u8> =
            [ACCEPT << 16, REJECT, 0, 0, 0, 0].iter().flat_map(|word| word.to_le_bytes()).collect();
        let (status, _) = file.ioctl_direct(Self::STARTUP, &Self::message(Self::EVERYTHING, 0), &filter);
        assert_eq!(status, 0, "STARTUP: {status:#x}");
    }

    /// What happened on a layer without packets; none when the handle was shut down and all is told.
    pub(crate) fn next_event(file: &File) -> Option<Event> {
        let mut address = vec![0u8; Self::ADDRESS];
        let message = Self::message(address.as_mut_ptr() as u64, 0);
        let (status, packet) = file.ioctl_direct(Self::RECEIVE, &message, &[]);
        assert!(packet.is_empty());
        if status == PIPE_EMPTY {
            return None;
        }
        assert_eq!(status, 0, "RECV: {status:#x}");
        Some(Event {
            layer: address[8],
            event: address[9],
            outbound: address[10] & 2 != 0,
            data: address[16..].to_vec(),
        })
    }

    pub(crate) fn shut_down(file: &File) {
        const BOTH: u64 = 3;
        assert_eq!(file.ioctl_direct(Self::SHUTDOWN, &Self::message(BOTH, 0), &[]).0, 0);
    }
}

impl Protocol for Two {
    const DEVICE: &'static str = r"\\.\WinDivert";

    fn start(file: &File) {
        Self::start_layer(file, Self::NETWORK, 0);
        const QUEUE_LENGTH: u64 = 0;
        let set = Self::message(1000, QUEUE_LENGTH);
        assert_eq!(file.ioctl_direct(Self::SET_PARAMETER, &set, &[]).0, 0);
        let get = Self::message(QUEUE_LENGTH, 0);
        let mut value = [0; 8];
        let status = file.ioctl_in_place(Self::GET_PARAMETER, &get, &mut value);
        assert_eq!((status, u64::from_le_bytes(value)), (0, 1000));
    }

    fn receive(file: &File, address: &mut [u8]) -> Vec<u8> {
        let message = Self::message(address.as_mut_ptr() as u64, 0);
        let (status, packet) = file.ioctl_direct(Self::RECEIVE, &message, &[0; 1500]);
        assert_eq!(status, 0, "RECV: {status:#x}");
        packet
    }

    fn send(file: &File, address: &[u8], packet: &[u8]) -> i32 {
        let message = Self::message(address.as_ptr() as u64, Self::ADDRESS as u64);
        file.ioctl_direct(Self::SEND, &message, packet).0
    }

    fn read_address(address: &[u8]) -> (u32, bool) {
        (u32_at(address, 16), address[10] & 2 != 0)
    }

    fn stop(file: &File) {
        const INVALID_STATE: u64 = 7;
        let refused = file.ioctl_direct(Self::SHUTDOWN, &Self::message(INVALID_STATE, 0), &[]).0;
        assert_eq!(refused, INVALID_PARAMETER, "SHUTDOWN of what is not there");
        Self::shut_down(file);
        let (status, _) = file.ioctl_direct(Self::RECEIVE, &Self::message(0, 0), &[0; 1500]);
        assert_eq!(status, PIPE_EMPTY, "RECV after SHUTDOWN: {status:#x}");
    }
}
