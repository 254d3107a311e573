//! Devices of the driver model without a framework: objects, names, links, stacks, and user mode's calls.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use ddk::nt;

use super::{dispatcher, irp, mdl, string};
use crate::cpu::{self, APC, DISPATCH, PASSIVE};
use crate::pool::{self, Fill};
use crate::verifier::{self, Leak, violation};

const DEVICE_TAG: u32 = u32::from_le_bytes(*b"Devi");
const FILE_TAG: u32 = u32::from_le_bytes(*b"File");
const BUFFER_TAG: u32 = u32::from_le_bytes(*b"Iobf");
const TYPE_DEVICE: i16 = 3;
const TYPE_FILE: i16 = 5;
const DO_EXCLUSIVE: u32 = 0x8;
const DO_BUFFERED_IO: u32 = 0x4;
const DO_DIRECT_IO: u32 = 0x10;
const DO_DEVICE_INITIALIZING: u32 = 0x80;
const FILE_READ_DATA: u32 = 1;
const FILE_WRITE_DATA: u32 = 2;
/// The dispatch routines of a device by function code.
pub(crate) type Routines = [nt::PDRIVER_DISPATCH; 28];
/// Devices that another component of the kernel made for a driver, with that driver's routines for them.
static ROUTINES: Mutex<BTreeMap<usize, Routines>> = Mutex::new(BTreeMap::new());

fn routines() -> MutexGuard<'static, BTreeMap<usize, Routines>> {
    ROUTINES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives a device routines of its own instead of its driver object's.
pub(crate) fn set_routines(device: nt::PDEVICE_OBJECT, own: Routines) {
    routines().insert(device as usize, own);
}

/// A device's own routine for a function; none if its driver object's serve it.
pub(crate) fn routine(device: nt::PDEVICE_OBJECT, major: u8) -> Option<nt::PDRIVER_DISPATCH> {
    routines().get(&(device as usize)).map(|own| own.get(usize::from(major)).copied().flatten())
}

/// How long a synchronous call waits before the driver counts as one that never completes.
const LIMIT: Duration = Duration::from_secs(10);
/// How long a cancelled request may take to complete.
const CANCEL_LIMIT: Duration = Duration::from_secs(1);

/// Function codes of packets.
mod major {
    pub(super) const CREATE: u8 = 0;
    pub(super) const CLOSE: u8 = 2;
    pub(super) const READ: u8 = 3;
    pub(super) const WRITE: u8 = 4;
    pub(super) const DEVICE_CONTROL: u8 = 14;
    pub(super) const CLEANUP: u8 = 18;
}

#[derive(Clone, Debug)]
struct Device {
    name: Option<String>,
    open: u32,
    deleted: bool,
    creator: usize,
}

#[derive(Debug, Default)]
struct Space {
    /// Devices by the address of their object.
    devices: BTreeMap<usize, Device>,
    /// Symbolic links: name, target and creator.
    links: BTreeMap<String, (String, usize)>,
}

static SPACE: Mutex<Space> = Mutex::new(Space { devices: BTreeMap::new(), links: BTreeMap::new() });

fn space() -> MutexGuard<'static, Space> {
    static CHECK: Once = Once::new();
    CHECK.call_once(|| verifier::on_leak_check(leaks));
    SPACE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn leaks(leaks: &mut Vec<Leak>) {
    let space = SPACE.lock().unwrap_or_else(PoisonError::into_inner);
    let leak =
        |what: String, creator: usize| Leak { rule: "G-6".into(), what, creator: verifier::locate(creator) };
    leaks.extend(space.devices.values().map(|device| {
        leak(format!("device object {}", device.name.as_deref().unwrap_or("without a name")), device.creator)
    }));
    leaks.extend(
        space.links.iter().map(|(link, (_, creator))| leak(format!("symbolic link {link}"), *creator)),
    );
}

/// Whether a device object is at `address`.
pub(crate) fn exists(address: nt::PDEVICE_OBJECT) -> bool {
    space().devices.contains_key(&(address as usize))
}

fn fold(name: &str) -> String {
    name.to_lowercase()
}

/// A link's name without its directory, which has several spellings.
fn link_key(name: &str) -> String {
    let name = fold(name);
    [r"\dosdevices\global\", r"\dosdevices\", r"\??\", r"\global??\", r"\\.\"]
        .iter()
        .find_map(|directory| name.strip_prefix(directory))
        .unwrap_or(&name)
        .to_owned()
}

fn find(path: &str) -> Option<usize> {
    let space = space();
    let target = space.links.get(&link_key(path)).map_or_else(|| fold(path), |(target, _)| target.clone());
    let named = |device: &Device| !device.deleted && device.name.as_deref() == Some(&target);
    space.devices.iter().find(|(_, device)| named(device)).map(|(address, _)| *address)
}

/// The device on top of the stack of `device`.
fn top_of(device: nt::PDEVICE_OBJECT) -> nt::PDEVICE_OBJECT {
    let mut top = device;
    // SAFETY: devices in a stack exist until they are detached.
    while let Some(above) = unsafe { (*top).AttachedDevice.as_mut() } {
        top = above;
    }
    top
}

fn destroy(device: nt::PDEVICE_OBJECT) {
    routines().remove(&(device as usize));
    space().devices.remove(&(device as usize));
    pool::take_back(device.cast());
}

/// A file that user mode has opened on a device. Closes when dropped.
#[derive(Debug)]
pub struct File {
    device: usize,
    object: usize,
    access: u32,
    /// A file whose creation failed gets neither cleanup nor close.
    created: bool,
    pending: Mutex<Vec<usize>>,
}

/// Opens a device for reading and writing.
///
/// # Errors
/// The status with which the I/O manager or the driver refuses.
pub fn open(path: &str) -> Result<File, i32> {
    cpu::init();
    let address = find(path).ok_or(nt::STATUS_OBJECT_NAME_NOT_FOUND)?;
    let device = address as nt::PDEVICE_OBJECT;
    // SAFETY: the device was just found.
    let flags = unsafe { (*device).Flags };
    if flags & DO_DEVICE_INITIALIZING != 0 {
        return Err(nt::STATUS_NO_SUCH_DEVICE);
    }
    {
        let mut space = space();
        let entry = space.devices.get_mut(&address).ok_or(nt::STATUS_OBJECT_NAME_NOT_FOUND)?;
        if flags & DO_EXCLUSIVE != 0 && entry.open != 0 {
            return Err(nt::STATUS_ACCESS_DENIED);
        }
        entry.open += 1;
    }
    let object: nt::PFILE_OBJECT = pool::lend(size_of::<nt::FILE_OBJECT>(), FILE_TAG, Fill::Zero).cast();
    // SAFETY: the block was just made for it.
    unsafe {
        (*object).Type = TYPE_FILE;
        (*object).Size = size_of::<nt::FILE_OBJECT>() as i16;
        (*object).DeviceObject = device;
    }
    let access = FILE_READ_DATA | FILE_WRITE_DATA;
    let mut file =
        File { device: address, object: object as usize, access, created: true, pending: Mutex::default() };
    let (status, _) = file.simple(major::CREATE);
    if status < 0 {
        file.created = false;
        return Err(status);
    }
    Ok(file)
}

/// A request under way: its packet and the memory that belongs to it.
#[derive(Debug)]
pub struct Pending {
    irp: usize,
    /// Where the output comes from, or 0.
    buffer: usize,
    /// Memory lent for the request.
    blocks: Vec<usize>,
    room: usize,
}

impl File {
    fn top(&self) -> nt::PDEVICE_OBJECT {
        top_of(self.device as nt::PDEVICE_OBJECT)
    }

    /// Sends a packet that `fill` completes.
    fn send(
        &self,
        major: u8,
        buffered_output: Option<usize>,
        fill: impl FnOnce(&mut nt::IRP, &mut nt::IO_STACK_LOCATION),
    ) -> usize {
        assert_eq!(cpu::irql(), PASSIVE, "user mode runs at PASSIVE_LEVEL");
        let top = self.top();
        // SAFETY: the device exists as long as its file.
        let packet = irp::for_user(unsafe { (*top).StackSize }, buffered_output);
        let location = irp::next_location(packet);
        location.MajorFunction = major;
        location.FileObject = self.object as nt::PFILE_OBJECT;
        // SAFETY: the packet was just made.
        let request = unsafe { &mut *packet };
        request.RequestorMode = 1;
        request.Tail.Overlay.OriginalFileObject = self.object as nt::PFILE_OBJECT;
        fill(request, location);
        irp::call_driver(top, packet);
        packet as usize
    }

    fn simple(&self, major: u8) -> (i32, u64) {
        let packet = self.send(major, None, |_, _| {});
        let request = Pending { irp: packet, buffer: 0, blocks: Vec::new(), room: 0 };
        match request.outcome(LIMIT) {
            Some(outcome) => outcome,
            None => violation("G-56", &format!("a request with function {major} is never completed")),
        }
    }

    fn start(&self, major: u8, code: u32, input: &[u8], room: usize) -> Pending {
        cpu::init();
        // SAFETY: as above.
        let flags = unsafe { (*self.top()).Flags };
        let method = match major {
            major::DEVICE_CONTROL => code & 3,
            _ if flags & DO_BUFFERED_IO != 0 => 0,
            _ if flags & DO_DIRECT_IO != 0 => 2,
            _ => 3,
        };
        let is_write = major == major::WRITE;
        let size = if method == 0 { input.len().max(room) } else { input.len() };
        let lend = |size: usize, content: &[u8]| {
            if size == 0 {
                return 0;
            }
            let block = pool::lend(size, BUFFER_TAG, Fill::Pattern);
            // SAFETY: the block has room for the content.
            unsafe { std::ptr::copy_nonoverlapping(content.as_ptr(), block, content.len()) };
            block as usize
        };
        let system = lend(if method == 3 || (is_write && method == 2) { 0 } else { size }, input);
        // Direct and neither: a buffer of user mode's, which the first has locked in a list.
        let (user, length) = match (method, is_write) {
            (0, _) => (0, 0),
            (_, true) => (lend(input.len(), input), input.len()),
            _ => (lend(room, &[]), room),
        };
        let list = ((1..=2).contains(&method) && user != 0).then(|| (mdl::lend(user, length) as usize, user));
        let third = if method == 3 && !is_write { lend(input.len(), input) } else { 0 };
        let fill = |request: &mut nt::IRP, location: &mut nt::IO_STACK_LOCATION| {
            request.AssociatedIrp.SystemBuffer = system as nt::PVOID;
            request.MdlAddress = list.map_or(0, |(list, _)| list) as nt::PMDL;
            request.UserBuffer = user as nt::PVOID;
            match major {
                major::DEVICE_CONTROL => {
                    location.Parameters.DeviceIoControl.IoControlCode = code;
                    location.Parameters.DeviceIoControl.InputBufferLength = input.len() as u32;
                    location.Parameters.DeviceIoControl.OutputBufferLength = room as u32;
                    location.Parameters.DeviceIoControl.Type3InputBuffer = third as nt::PVOID;
                }
                major::READ => location.Parameters.Read.Length = room as u32,
                _ => location.Parameters.Write.Length = input.len() as u32,
            }
        };
        let packet = self.send(major, (method == 0 && !is_write).then_some(room), fill);
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).push(packet);
        let lent = [system, user, third, list.map_or(0, |(list, _)| list)];
        let blocks = lent.into_iter().filter(|block| *block != 0).collect();
        Pending { irp: packet, buffer: if method == 0 { system } else { user }, blocks, room }
    }

    fn finish(&self, request: Pending, what: &str) -> (i32, Vec<u8>, usize) {
        let Some((status, information)) = request.outcome(LIMIT) else {
            violation("G-56", &format!("{what} is never completed"));
        };
        let packet = request.irp;
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).retain(|pending| *pending != packet);
        let output = request.output(status, information);
        (status, output, information as usize)
    }

    /// DeviceIoControl: sends `input`, and returns the status with what came back.
    pub fn ioctl(&self, code: u32, input: &[u8], room: usize) -> (i32, Vec<u8>) {
        if code >> 14 & 3 & !self.access != 0 {
            return (nt::STATUS_ACCESS_DENIED, Vec::new());
        }
        let (status, output, _) =
            self.finish(self.start(major::DEVICE_CONTROL, code, input, room), "a control request");
        (status, output)
    }

    /// DeviceIoControl without waiting.
    pub fn ioctl_pending(&self, code: u32, input: &[u8], room: usize) -> Pending {
        self.start(major::DEVICE_CONTROL, code, input, room)
    }

    /// ReadFile.
    pub fn read(&self, room: usize) -> (i32, Vec<u8>) {
        let (status, output, _) = self.finish(self.start(major::READ, 0, &[], room), "a read");
        (status, output)
    }

    /// WriteFile: the status and the number of bytes taken.
    pub fn write(&self, bytes: &[u8]) -> (i32, usize) {
        let (status, _, taken) = self.finish(self.start(major::WRITE, 0, bytes, 0), "a write");
        (status, taken)
    }

    /// CloseHandle.
    pub fn close(self) {}

    fn release(&self) {
        pool::take_back(self.object as *mut u8);
        let device = self.device;
        let gone = space().devices.get_mut(&device).is_some_and(|entry| {
            entry.open -= 1;
            entry.open == 0 && entry.deleted
        });
        if gone {
            destroy(device as nt::PDEVICE_OBJECT);
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        cpu::init();
        if !self.created {
            self.release();
            return;
        }
        self.simple(major::CLEANUP);
        let pending = std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        for packet in pending.into_iter().map(|packet| packet as nt::PIRP) {
            let back = || irp::outcome_of(packet).map(|_| ());
            if back().is_none() {
                irp::cancel(packet);
            }
            if dispatcher::wait_until(Some(Instant::now() + CANCEL_LIMIT), back).is_none() {
                violation("G-56", "a cancelled request does not complete");
            }
        }
        self.simple(major::CLOSE);
        self.release();
    }
}

impl Pending {
    fn outcome(&self, limit: Duration) -> Option<(i32, u64)> {
        dispatcher::wait_until(Some(Instant::now() + limit), || irp::outcome_of(self.irp as nt::PIRP))
    }

    /// What came back, and gives the request's memory back.
    fn output(&self, status: i32, information: u64) -> Vec<u8> {
        let is_error = status as u32 >> 30 == 3;
        let count = if is_error || self.buffer == 0 { 0 } else { self.room.min(information as usize) };
        let output = if count == 0 {
            Vec::new()
        } else {
            // SAFETY: the buffer is as long as the output, and is given back only below.
            unsafe { std::slice::from_raw_parts(self.buffer as *const u8, count) }.to_vec()
        };
        for block in &self.blocks {
            pool::take_back(*block as *mut u8);
        }
        irp::forget(self.irp as nt::PIRP);
        output
    }

    /// CancelIoEx.
    pub fn cancel(&self) {
        cpu::init();
        irp::cancel(self.irp as nt::PIRP);
    }

    /// Waits for the end; none if it does not come in time.
    pub fn wait(&self, limit: Duration) -> Option<i32> {
        self.outcome(limit).map(|(status, _)| status)
    }
}

crate::exports! {
    /// Device functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Makes a device.
    irql(PASSIVE..=APC) fn IoCreateDevice(
        driver: nt::PDRIVER_OBJECT, extension: u32, name: nt::PUNICODE_STRING, kind: u32, characteristics: u32,
        exclusive: u8, out: *mut nt::PDEVICE_OBJECT
    ) -> i32 {
        let name = (!name.is_null()).then(|| fold(&string::text(name.cast())));
        if let Some(name) = &name {
            if !name.starts_with('\\') {
                return nt::STATUS_OBJECT_NAME_INVALID;
            }
            if find(name).is_some() {
                return nt::STATUS_OBJECT_NAME_COLLISION;
            }
        }
        if pool::must_fail() {
            return nt::STATUS_INSUFFICIENT_RESOURCES;
        }
        let size = size_of::<nt::DEVICE_OBJECT>();
        let device: nt::PDEVICE_OBJECT = pool::lend(size + extension as usize, DEVICE_TAG, Fill::Zero).cast();
        // SAFETY: the block was just made for it; the driver passes its object and room for the pointer.
        unsafe {
            let object = &mut *device;
            object.Type = TYPE_DEVICE;
            object.Size = (size + extension as usize).min(usize::from(u16::MAX)) as u16;
            object.DriverObject = driver;
            object.NextDevice = (*driver).DeviceObject;
            object.DeviceType = kind;
            object.Characteristics = characteristics;
            object.Flags = DO_DEVICE_INITIALIZING | if exclusive != 0 { DO_EXCLUSIVE } else { 0 };
            object.StackSize = 1;
            object.DeviceExtension =
                if extension == 0 { std::ptr::null_mut() } else { device.cast::<u8>().add(size).cast() };
            (*driver).DeviceObject = device;
            out.write(device);
        }
        let creator = cpu::current_call().map_or(0, |call| call.caller);
        space().devices.insert(device as usize, Device { name, open: 0, deleted: false, creator });
        nt::STATUS_SUCCESS
    }

    /// Deletes a device.
    irql(PASSIVE..=APC) fn IoDeleteDevice(device: nt::PDEVICE_OBJECT) {
        if !exists(device) {
            violation("G-52", &format!("IoDeleteDevice of {device:p}, which is no device"));
        }
        // SAFETY: the device exists; its driver's list is linked through its devices.
        unsafe {
            if !(*device).AttachedDevice.is_null() {
                violation("G-52", "IoDeleteDevice of a device to which another one is attached");
            }
            let mut link = &raw mut (*(*device).DriverObject).DeviceObject;
            while !(*link).is_null() && !std::ptr::eq(*link, device) {
                link = &raw mut (**link).NextDevice;
            }
            if !(*link).is_null() {
                *link = (*device).NextDevice;
            }
        }
        let open = space().devices.get_mut(&(device as usize)).map_or(0, |entry| {
            entry.deleted = true;
            entry.open
        });
        if open == 0 {
            destroy(device);
        }
    }

    /// Makes a symbolic link to a device's name.
    irql(PASSIVE..=PASSIVE) fn IoCreateSymbolicLink(
        link: nt::PUNICODE_STRING, target: nt::PUNICODE_STRING
    ) -> i32 {
        let (key, target) = (link_key(&string::text(link.cast())), fold(&string::text(target.cast())));
        if pool::must_fail() {
            return nt::STATUS_INSUFFICIENT_RESOURCES;
        }
        let creator = cpu::current_call().map_or(0, |call| call.caller);
        let mut space = space();
        if space.links.contains_key(&key) {
            return nt::STATUS_OBJECT_NAME_COLLISION;
        }
        space.links.insert(key, (target, creator));
        nt::STATUS_SUCCESS
    }

    /// Removes a symbolic link.
    irql(PASSIVE..=PASSIVE) fn IoDeleteSymbolicLink(link: nt::PUNICODE_STRING) -> i32 {
        let removed = space().links.remove(&link_key(&string::text(link.cast()))).is_some();
        if removed { nt::STATUS_SUCCESS } else { nt::STATUS_OBJECT_NAME_NOT_FOUND }
    }

    /// Puts a device on top of another one's stack; the device that was on top.
    irql(PASSIVE..=DISPATCH) fn IoAttachDeviceToDeviceStack(
        source: nt::PDEVICE_OBJECT, target: nt::PDEVICE_OBJECT
    ) -> nt::PDEVICE_OBJECT {
        if !exists(source) || !exists(target) {
            violation("G-52", "IoAttachDeviceToDeviceStack for what is no device");
        }
        let top = top_of(target);
        // SAFETY: both devices exist.
        unsafe {
            (*top).AttachedDevice = source;
            (*source).StackSize = (*top).StackSize + 1;
            (*source).AlignmentRequirement = (*top).AlignmentRequirement;
        }
        top
    }

    /// Takes the device above a device away from it.
    irql(PASSIVE..=DISPATCH) fn IoDetachDevice(target: nt::PDEVICE_OBJECT) {
        if !exists(target) {
            violation("G-52", "IoDetachDevice for what is no device");
        }
        // SAFETY: the device exists.
        unsafe { (*target).AttachedDevice = std::ptr::null_mut() };
    }

    /// The device on top of a stack.
    irql(PASSIVE..=DISPATCH) fn IoGetAttachedDevice(device: nt::PDEVICE_OBJECT) -> nt::PDEVICE_OBJECT {
        top_of(device)
    }

    /// The device on top of a stack, referenced.
    irql(PASSIVE..=DISPATCH) fn IoGetAttachedDeviceReference(device: nt::PDEVICE_OBJECT) -> nt::PDEVICE_OBJECT {
        let top = top_of(device);
        super::object::reference(top as usize);
        top
    }

    /// The device to which a file's requests go.
    irql(PASSIVE..=DISPATCH) fn IoGetRelatedDeviceObject(file: nt::PFILE_OBJECT) -> nt::PDEVICE_OBJECT {
        // SAFETY: the driver passes a file object.
        top_of(unsafe { (*file).DeviceObject })
    }
}
