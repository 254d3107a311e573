//! What a packet costs: the lab's own share, shown by a filter that only forwards, and that of a driver image.

use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use ddk::ndis::*;
use ddk::nt::{DRIVER_OBJECT, UNICODE_STRING};
use serde::{Deserialize, Serialize};

use crate::ndis::{Adapter, AttachTime, Attributes, Config, Lane, Way};
use crate::{Machine, Options, cpu};

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The driver.
    pub driver: Subject,
    /// Bytes of the packets, which are used in turn.
    pub frames: Vec<Vec<u8>>,
    /// NBLs in a chain.
    pub batch: usize,
    /// Received rather than sent.
    pub receive: bool,
    /// How many measurements are taken.
    pub chunks: usize,
    /// Packets of one measurement, about.
    pub packets: usize,
}

/// The driver that is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subject {
    /// A filter that only forwards.
    Forwarder,
    /// A filter without data handlers, which NDIS passes by.
    Bystander,
    /// An image, with numbers in the `Parameters` key of its service.
    Image(std::path::PathBuf, Vec<(String, u32)>),
}

/// Nanoseconds per packet.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Of the fastest chunk.
    pub least: f64,
    /// Of the chunk in the middle.
    pub median: f64,
    /// Chains that got through the driver in all, of so many.
    pub passed: (u64, u64),
}

/// Packets in the slab: more than the largest batch, few enough for the second-level cache.
const SLAB: usize = 256;

/// Takes the measurements of `job`. The process should run nothing else; see [`crate::child`].
///
/// # Panics
/// If the driver does not load, start or attach.
pub fn measure(job: &Job) -> Cost {
    pin();
    let machine = Machine::new(Options { verify: false, processors: 1, ..Options::default() });
    let adapter = Adapter::new(Config { attach: AttachTime::DuringRegistration, ..Config::default() });
    start(&machine, &job.driver);
    assert_eq!(adapter.module_count(), 1, "the driver did not attach to the adapter");
    adapter.restart(Attributes::General).expect("the filter restarts");
    let way = if job.receive { Way::Receive } else { Way::Send };
    let mut lane = Lane::new(&adapter, &job.frames, SLAB);
    let rounds = job.packets.div_ceil(SLAB).max(1);
    let mut chunk = || {
        let start = Instant::now();
        let packets: u64 = (0..rounds).map(|_| lane.run(way, job.batch)).sum();
        start.elapsed().as_nanos() as f64 / packets as f64
    };
    // The first ones fill caches and the driver's tables.
    for _ in 0..job.chunks.div_ceil(10) {
        chunk();
    }
    let mut costs: Vec<f64> = (0..job.chunks.max(1)).map(|_| chunk()).collect();
    costs.sort_by(f64::total_cmp);
    let chains = (job.chunks.max(1) + job.chunks.div_ceil(10)) * rounds * (SLAB / job.batch.clamp(1, SLAB));
    Cost { least: costs[0], median: costs[costs.len() / 2], passed: (lane.passed(), chains as u64) }
}

/// Starts what is measured.
fn start(machine: &Machine, subject: &Subject) {
    match subject {
        Subject::Image(image, parameters) => {
            let mut driver = machine.load_driver(image).expect("the image loads");
            for (name, value) in parameters {
                driver.set_parameter(name, *value);
            }
            driver.start().expect("the driver starts");
        }
        Subject::Forwarder => register(machine, true),
        Subject::Bystander => register(machine, false),
    }
}

/// Keeps the process on one processor, the last of those it may use: interrupts prefer the first.
fn pin() {
    // SAFETY: plain queries and settings of the calling thread, with a set on this stack.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        if libc::sched_getaffinity(0, size_of_val(&set), &mut set) != 0 {
            return;
        }
        let last = (0..libc::CPU_SETSIZE as usize).rev().find(|cpu| libc::CPU_ISSET(*cpu, &set));
        let Some(last) = last else { return };
        libc::CPU_ZERO(&mut set);
        libc::CPU_SET(last, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &set);
    }
    cpu::init();
}

// The filter that only forwards. It calls through addresses that the machine gave it, as a linked driver calls
// through its import table.

static SET_ATTRIBUTES: AtomicUsize = AtomicUsize::new(0);
static INDICATE_STATUS: AtomicUsize = AtomicUsize::new(0);
static SEND: AtomicUsize = AtomicUsize::new(0);
static COMPLETE: AtomicUsize = AtomicUsize::new(0);
static INDICATE: AtomicUsize = AtomicUsize::new(0);
static RETURN: AtomicUsize = AtomicUsize::new(0);

/// Calls the import whose address `$slot` holds, as the function of that name in the driver's bindings.
macro_rules! import {
    ($slot:ident as $name:ident ($($argument:expr),*)) => {
        // SAFETY: `register` stored the address of the export of this type; arguments are passed on as they came.
        unsafe {
            std::mem::transmute::<usize, ddk::ndis::sig::$name>($slot.load(Ordering::Relaxed))($($argument),*)
        }
    };
}

unsafe extern "win64" fn attach(
    filter: NDIS_HANDLE,
    _: NDIS_HANDLE,
    _: PNDIS_FILTER_ATTACH_PARAMETERS,
) -> NDIS_STATUS {
    let mut attributes = NDIS_FILTER_ATTRIBUTES {
        Header: NDIS_OBJECT_HEADER { Type: NDIS_OBJECT_TYPE_FILTER_ATTRIBUTES, Revision: 1, Size: 8 },
        Flags: 0,
    };
    import!(SET_ATTRIBUTES as NdisFSetAttributes(filter, filter, &raw mut attributes))
}

unsafe extern "win64" fn detach(_: NDIS_HANDLE) {}

unsafe extern "win64" fn restart(_: NDIS_HANDLE, _: PNDIS_FILTER_RESTART_PARAMETERS) -> NDIS_STATUS {
    NDIS_STATUS_SUCCESS
}

unsafe extern "win64" fn pause(_: NDIS_HANDLE, _: PNDIS_FILTER_PAUSE_PARAMETERS) -> NDIS_STATUS {
    NDIS_STATUS_SUCCESS
}

unsafe extern "win64" fn send(filter: NDIS_HANDLE, list: PNET_BUFFER_LIST, port: u32, flags: u32) {
    import!(SEND as NdisFSendNetBufferLists(filter, list, port, flags));
}

unsafe extern "win64" fn send_complete(filter: NDIS_HANDLE, list: PNET_BUFFER_LIST, flags: u32) {
    import!(COMPLETE as NdisFSendNetBufferListsComplete(filter, list, flags));
}

unsafe extern "win64" fn receive(
    filter: NDIS_HANDLE,
    list: PNET_BUFFER_LIST,
    port: u32,
    count: u32,
    flags: u32,
) {
    import!(INDICATE as NdisFIndicateReceiveNetBufferLists(filter, list, port, count, flags));
}

unsafe extern "win64" fn give_back(filter: NDIS_HANDLE, list: PNET_BUFFER_LIST, flags: u32) {
    import!(RETURN as NdisFReturnNetBufferLists(filter, list, flags));
}

unsafe extern "win64" fn status(filter: NDIS_HANDLE, indication: PNDIS_STATUS_INDICATION) {
    import!(INDICATE_STATUS as NdisFIndicateStatus(filter, indication));
}

fn string(text: &str) -> UNICODE_STRING {
    let units: &'static mut [u16] = Box::leak(text.encode_utf16().collect());
    let bytes = (units.len() * 2) as u16;
    UNICODE_STRING { Length: bytes, MaximumLength: bytes, Buffer: units.as_mut_ptr() }
}

/// Registers the filter that only forwards; without `handlers`, it does not even do that.
fn register(machine: &Machine, handlers: bool) {
    let resolve = |name| machine.export("NDIS.SYS", name).expect("the lab has the export");
    for (slot, name) in [
        (&SET_ATTRIBUTES, "NdisFSetAttributes"),
        (&INDICATE_STATUS, "NdisFIndicateStatus"),
        (&SEND, "NdisFSendNetBufferLists"),
        (&COMPLETE, "NdisFSendNetBufferListsComplete"),
        (&INDICATE, "NdisFIndicateReceiveNetBufferLists"),
        (&RETURN, "NdisFReturnNetBufferLists"),
    ] {
        slot.store(resolve(name), Ordering::Relaxed);
    }
    // SAFETY: integers and nullable pointers.
    let mut all: NDIS_FILTER_DRIVER_CHARACTERISTICS = unsafe { std::mem::zeroed() };
    all.Header = NDIS_OBJECT_HEADER {
        Type: NDIS_OBJECT_TYPE_FILTER_DRIVER_CHARACTERISTICS,
        Revision: NDIS_FILTER_CHARACTERISTICS_REVISION_2,
        Size: NDIS_SIZEOF_FILTER_DRIVER_CHARACTERISTICS_REVISION_2,
    };
    all.MajorNdisVersion = 6;
    all.MinorNdisVersion = 30;
    all.FriendlyName = string("Null filter");
    all.UniqueName = string("{8C3B2F6E-5D0A-4B7E-9B8B-0C8D4A8B3F11}");
    all.ServiceName = string("null");
    all.AttachHandler = Some(attach);
    all.DetachHandler = Some(detach);
    all.RestartHandler = Some(restart);
    all.PauseHandler = Some(pause);
    if handlers {
        all.SendNetBufferListsHandler = Some(send);
        all.SendNetBufferListsCompleteHandler = Some(send_complete);
        all.ReceiveNetBufferListsHandler = Some(receive);
        all.ReturnNetBufferListsHandler = Some(give_back);
    }
    all.StatusHandler = Some(status);
    let mut handle = std::ptr::null_mut();
    // SAFETY: a driver object that nobody looks into; the characteristics live through the call.
    let status = unsafe {
        let object: &'static mut DRIVER_OBJECT = Box::leak(Box::new(std::mem::zeroed()));
        let register: ddk::ndis::sig::NdisFRegisterFilterDriver =
            std::mem::transmute::<usize, _>(resolve("NdisFRegisterFilterDriver"));
        let context: *mut c_void = std::ptr::null_mut();
        register(object, context, &raw mut all, &raw mut handle)
    };
    assert_eq!(status, NDIS_STATUS_SUCCESS, "the null filter registers");
}

/// A UDP packet over IPv4 with `payload` bytes, number `n` of a row that has some flows.
pub fn packet(n: usize, payload: usize) -> Vec<u8> {
    let port = 40_000 + (n % 16) as u16;
    let builder = etherparse::PacketBuilder::ethernet2([2, 0, 0x5e, 0, 0, 1], [2, 0, 0x5e, 0, 0, 2])
        .ipv4([192, 0, 2, 1], [198, 51, 100, 7], 64)
        .udp(port, 443);
    let mut frame = Vec::new();
    builder.write(&mut frame, &vec![0x5a; payload]).expect("a packet of this size can be built");
    frame
}
