//! Control devices: initialisation, names, links and the DEVICE_OBJECT.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use ddk::nt::{
    DEVICE_OBJECT, DRIVER_OBJECT, PCUNICODE_STRING, PDEVICE_OBJECT, PFN_WDF_DEVICE_SHUTDOWN_NOTIFICATION,
    PFN_WDF_IO_IN_CALLER_CONTEXT, PWDF_DRIVER_GLOBALS, PWDF_FILEOBJECT_CONFIG, PWDF_OBJECT_ATTRIBUTES,
    PWDFDEVICE_INIT, UNICODE_STRING, WDF_FILEOBJECT_CONFIG, WDF_OBJECT_ATTRIBUTES, WDFDEVICE, WDFDRIVER,
    WDFQUEUE,
};

use super::driver::Driver;
use super::loader::client;
use super::object::{Body, Object, Ref, attributes, expect};
use super::queue::{Level, Queue, Scope};
use super::sddl::Acl;
use super::{functions, required, status};
use crate::cpu::{DISPATCH, PASSIVE};
use crate::handle;
use crate::ntoskrnl::string;
use crate::pool::{self, Fill};
use crate::verifier::{self, Leak, violation};

const FILE_DEVICE_UNKNOWN: u32 = 0x22;
const FILE_DEVICE_SECURE_OPEN: u32 = 0x100;
const DO_BUFFERED_IO: u32 = 0x4;
const DO_EXCLUSIVE: u32 = 0x8;
const DO_DIRECT_IO: u32 = 0x10;
const DO_DEVICE_INITIALIZING: u32 = 0x80;
const IO_TYPE_DEVICE: i16 = 3;
const DEVICE_TAG: u32 = u32::from_le_bytes(*b"Devi");

/// What a driver sets before it makes the device.
#[derive(Clone)]
struct Settings {
    name: Option<String>,
    acl: Acl,
    device_type: u32,
    characteristics: u32,
    exclusive: bool,
    io_type: i32,
    files: Option<WDF_FILEOBJECT_CONFIG>,
    file_attributes: Option<WDF_OBJECT_ATTRIBUTES>,
    request_attributes: Option<WDF_OBJECT_ATTRIBUTES>,
    in_caller_context: PFN_WDF_IO_IN_CALLER_CONTEXT,
}

// SAFETY: the pointers inside name immutable type information and functions of the driver.
unsafe impl Send for Settings {}
// SAFETY: as above.
unsafe impl Sync for Settings {}

/// A device that is being initialised; the driver's handle to it is the address of its initialisation
/// structure.
struct Init {
    driver: Arc<Object>,
    settings: Mutex<Settings>,
}

impl handle::Object for Init {
    const KIND: &'static str = "WDFDEVICE_INIT";
    const LEAK_RULE: Option<&'static str> = Some("K-16");
}

/// A control device.
pub(super) struct Device {
    pub(super) driver: Weak<Object>,
    settings: Settings,
    /// The DEVICE_OBJECT.
    wdm: usize,
    finished: AtomicBool,
    /// Open handles.
    pub(super) handles: AtomicU32,
    pub(super) level: Level,
    pub(super) scope: Scope,
    /// Taken while a callback runs, if the scope is the device.
    pub(super) serial: Arc<AtomicBool>,
    pub(super) queues: Mutex<Queues>,
}

/// The queues of a device.
#[derive(Default)]
pub(super) struct Queues {
    pub(super) default: Option<Weak<Object>>,
    pub(super) by_type: HashMap<i32, Weak<Object>>,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").field("name", &self.settings.name).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Names {
    devices: HashMap<String, Weak<Object>>,
    links: HashMap<String, String>,
}

fn names() -> MutexGuard<'static, Names> {
    static NAMES: OnceLock<Mutex<Names>> = OnceLock::new();
    NAMES
        .get_or_init(|| {
            verifier::on_leak_check(leaks);
            Mutex::default()
        })
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

fn leaks(leaks: &mut Vec<Leak>) {
    let names = names();
    let mut leak = |what: String| leaks.push(Leak { rule: "K-46".into(), what, creator: String::new() });
    for name in names.devices.keys() {
        leak(format!("device {name}"));
    }
    for link in names.links.keys() {
        leak(format!("symbolic link {link}"));
    }
}

/// Folds the spellings of the global directory of links into one.
fn link_key(name: &str) -> String {
    let name = name.to_lowercase();
    let directories = [r"\dosdevices\global\", r"\dosdevices\", r"\??\global\", r"\??\", r"\global??\"];
    let rest = directories.iter().find_map(|directory| name.strip_prefix(directory)).unwrap_or(&name);
    format!(r"\??\{rest}")
}

/// The device behind a path of user mode, such as `\\.\Name`.
pub(super) fn find(path: &str) -> Option<Ref<Device>> {
    let name = path.strip_prefix(r"\\.\").or_else(|| path.strip_prefix(r"\\.\Global\"))?;
    let names = names();
    let target = names.links.get(&link_key(&format!(r"\??\{name}")))?;
    Ref::new(names.devices.get(target)?.upgrade()?)
}

/// The devices that user mode can reach: the path that it opens, and the device's name.
pub fn reachable() -> Vec<(String, String)> {
    let names = names();
    let mut all: Vec<_> = names
        .links
        .iter()
        .filter_map(|(link, device)| Some((format!(r"\\.\{}", link.strip_prefix(r"\??\")?), device.clone())))
        .collect();
    all.sort();
    all
}

impl Device {
    /// Who may open the device.
    pub(super) fn acl(&self) -> &Acl {
        &self.settings.acl
    }

    /// Whether only one handle may be open.
    pub(super) fn is_exclusive(&self) -> bool {
        self.settings.exclusive
    }

    /// Whether the device takes requests.
    pub(super) fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }

    /// The callbacks for files.
    pub(super) fn files(&self) -> Option<&WDF_FILEOBJECT_CONFIG> {
        self.settings.files.as_ref()
    }

    /// Attributes of file objects.
    pub(super) fn file_attributes(&self) -> Option<&WDF_OBJECT_ATTRIBUTES> {
        self.settings.file_attributes.as_ref()
    }

    /// Attributes of requests.
    pub(super) fn request_attributes(&self) -> Option<&WDF_OBJECT_ATTRIBUTES> {
        self.settings.request_attributes.as_ref()
    }

    /// The callback that sees requests in the caller's context.
    pub(super) fn in_caller_context(&self) -> PFN_WDF_IO_IN_CALLER_CONTEXT {
        self.settings.in_caller_context
    }

    /// The queue for requests of a type.
    pub(super) fn queue(&self, kind: i32) -> Option<Ref<Queue>> {
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.by_type.get(&kind).or(queues.default.as_ref())?;
        Ref::new(queue.upgrade()?)
    }

    /// The queue that the driver has chosen for creates.
    pub(super) fn queue_for_create(&self) -> Option<Ref<Queue>> {
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        Ref::new(queues.by_type.get(&super::request::CREATE)?.upgrade()?)
    }

    /// Removes names and DEVICE_OBJECT; part of the device's deletion.
    pub(super) fn close(&self) {
        let mut names = names();
        if let Some(name) = &self.settings.name {
            names.links.retain(|_, target| target != name);
            names.devices.remove(name);
        }
        drop(names);
        pool::take_back(self.wdm as *mut u8);
    }
}

/// Breaks rule K-15 if a device of `driver` was never finished.
pub(super) fn check_finished(driver: &Arc<Object>) {
    for device in names().devices.values().filter_map(Weak::upgrade).filter_map(Ref::<Device>::new) {
        let ours = device.driver.upgrade().is_some_and(|owner| Arc::ptr_eq(&owner, driver));
        if ours && !device.is_finished() {
            violation("K-15", "a control device was never finished with WdfControlFinishInitializing");
        }
    }
}

/// How many files are open on devices of the driver with this DRIVER_OBJECT.
pub(crate) fn open_files(driver: *mut std::ffi::c_void) -> u32 {
    let devices: Vec<_> = names().devices.values().filter_map(Weak::upgrade).collect();
    let devices = devices.into_iter().filter_map(Ref::<Device>::new);
    let ours = devices.filter(|device| {
        let owner = device.driver.upgrade().and_then(Ref::<Driver>::new);
        owner.is_some_and(|owner| std::ptr::eq(owner.wdm().cast(), driver))
    });
    ours.map(|device| device.handles.load(Ordering::Acquire)).sum()
}

fn init(init: PWDFDEVICE_INIT) -> Arc<Init> {
    handle::get::<Init>(init.cast()).unwrap_or_else(|| {
        let what = handle::describe(init.cast());
        let rule = if what == "a closed WDFDEVICE_INIT handle" { "K-16" } else { "KV-5" };
        violation(rule, &format!("{init:p} is {what}, wanted was an initialisation structure"))
    })
}

/// Changes the settings of a device that is being initialised.
fn set(structure: PWDFDEVICE_INIT, change: impl FnOnce(&mut Settings)) {
    change(&mut init(structure).settings.lock().unwrap_or_else(PoisonError::into_inner));
}

fn acl(text: PCUNICODE_STRING) -> Acl {
    let text = string::text(text.cast());
    match Acl::parse(&text) {
        Some(acl) => acl,
        None => violation("K-11", &format!("the SDDL string \"{text}\" cannot be read")),
    }
}

functions! {
    /// Functions for devices.
    pub(super) static TABLE;

    /// Begins a control device.
    irql(PASSIVE..=PASSIVE) fn WdfControlDeviceInitAllocate: PFN_WDFCONTROLDEVICEINITALLOCATE (
        globals: PWDF_DRIVER_GLOBALS, driver: WDFDRIVER, sddl: *const UNICODE_STRING
    ) -> PWDFDEVICE_INIT {
        const NO_DISPATCH_OVERRIDE: u32 = 2;
        client(globals);
        required(sddl, "the SDDL string");
        let driver = expect::<Driver, _>(driver);
        if driver.flags & NO_DISPATCH_OVERRIDE != 0 {
            violation("K-1", "a miniport driver has no control devices");
        }
        let acl = acl(sddl);
        if pool::must_fail() {
            return std::ptr::null_mut();
        }
        handle::create(Arc::new(Init {
            driver: driver.object.clone(),
            settings: Mutex::new(Settings {
                name: None,
                acl,
                device_type: FILE_DEVICE_UNKNOWN,
                characteristics: FILE_DEVICE_SECURE_OPEN,
                exclusive: false,
                io_type: 2,
                files: None,
                file_attributes: None,
                request_attributes: None,
                in_caller_context: None,
            }),
        }))
        .cast()
    }

    /// Gives up an initialisation structure.
    irql(PASSIVE..=PASSIVE) fn WdfDeviceInitFree: PFN_WDFDEVICEINITFREE (
        globals: PWDF_DRIVER_GLOBALS, structure: PWDFDEVICE_INIT
    ) {
        client(globals);
        init(structure);
        handle::close::<Init>(structure.cast());
    }

    /// Sets the device's name.
    irql(PASSIVE..=PASSIVE) fn WdfDeviceInitAssignName: PFN_WDFDEVICEINITASSIGNNAME (
        globals: PWDF_DRIVER_GLOBALS, structure: PWDFDEVICE_INIT, name: PCUNICODE_STRING
    ) -> i32 {
        client(globals);
        let name = (!name.is_null()).then(|| string::text(name.cast()).to_lowercase());
        if pool::must_fail() {
            return status::INSUFFICIENT_RESOURCES;
        }
        set(structure, |settings| settings.name = name);
        status::SUCCESS
    }

    /// Sets who may open the device.
    irql(PASSIVE..=PASSIVE) fn WdfDeviceInitAssignSDDLString: PFN_WDFDEVICEINITASSIGNSDDLSTRING (
        globals: PWDF_DRIVER_GLOBALS, structure: PWDFDEVICE_INIT, sddl: PCUNICODE_STRING
    ) -> i32 {
        client(globals);
        required(sddl, "the SDDL string");
        let acl = acl(sddl);
        if pool::must_fail() {
            return status::INSUFFICIENT_RESOURCES;
        }
        set(structure, |settings| settings.acl = acl);
        status::SUCCESS
    }

    /// Sets how reads and writes are buffered.
    irql(PASSIVE..=PASSIVE) fn WdfDeviceInitSetIoType: PFN_WDFDEVICEINITSETIOTYPE (
        globals: PWDF_DRIVER_GLOBALS, structure: PWDFDEVICE_INIT, io_type: i32
    ) {
        client(globals);
        set(structure, |settings| settings.io_type = io_type);
    }

    /// Sets whether only one handle may be open.
    irql(PASSIVE..=PASSIVE) fn WdfDeviceInitSetExclusive: PFN_WDFDEVICEINITSETEXCLUSIVE (
        globals: PWDF_DRIVER_GLOBALS, structure: PWDFDEVICE_INIT, exclusive: u8
    ) {
        client(globals);
        set(structure, |settings| settings.exclusive = exclusive != 0);
    }

    /// Sets the device's type.
    irql(PASSIVE..=PASSIVE) fn WdfDeviceInitSetDeviceType: PFN_WDFDEVICEINITSETDEVICETYPE (
        globals: PWDF_DRIVER_GLOBALS, structure: PWDFDEVICE_INIT, device_type: u32
    ) {
        client(globals);
        set(structure, |settings| settings.device_type = device_type);
    }

    /// Sets or adds characteristics.
    irql(PASSIVE..=PASSIVE) fn WdfDeviceInitSetCharacteristics: PFN_WDFDEVICEINITSETCHARACTERISTICS (
        globals: PWDF_DRIVER_GLOBALS, structure: PWDFDEVICE_INIT, characteristics: u32, add: u8
    ) {
        client(globals);
        set(structure, |settings| {
            let old = if add != 0 { settings.characteristics } else { 0 };
            settings.characteristics = old | characteristics | FILE_DEVICE_SECURE_OPEN;
        });
    }

    /// Sets the callbacks for files.
    irql(PASSIVE..=PASSIVE) fn WdfDeviceInitSetFileObjectConfig: PFN_WDFDEVICEINITSETFILEOBJECTCONFIG (
        globals: PWDF_DRIVER_GLOBALS, structure: PWDFDEVICE_INIT, config: PWDF_FILEOBJECT_CONFIG,
        file_attributes: PWDF_OBJECT_ATTRIBUTES
    ) {
        client(globals);
        required(config, "the file configuration");
        // SAFETY: checked above.
        let config = unsafe { config.read_unaligned() };
        if config.Size as usize != size_of::<WDF_FILEOBJECT_CONFIG>() {
            violation("L-2", &format!("a file configuration of {} bytes", config.Size));
        }
        let attributes = attributes(file_attributes);
        set(structure, |settings| {
            settings.files = Some(config);
            settings.file_attributes = attributes;
        });
    }

    /// Sets the attributes of requests.
    irql(PASSIVE..=PASSIVE) fn WdfDeviceInitSetRequestAttributes: PFN_WDFDEVICEINITSETREQUESTATTRIBUTES (
        globals: PWDF_DRIVER_GLOBALS, structure: PWDFDEVICE_INIT, request_attributes: PWDF_OBJECT_ATTRIBUTES
    ) {
        client(globals);
        let attributes = attributes(request_attributes);
        set(structure, |settings| settings.request_attributes = attributes);
    }

    /// Sets the callback that sees requests in the caller's context.
    irql(PASSIVE..=PASSIVE)
    fn WdfDeviceInitSetIoInCallerContextCallback: PFN_WDFDEVICEINITSETIOINCALLERCONTEXTCALLBACK (
        globals: PWDF_DRIVER_GLOBALS, structure: PWDFDEVICE_INIT, callback: PFN_WDF_IO_IN_CALLER_CONTEXT
    ) {
        client(globals);
        set(structure, |settings| settings.in_caller_context = callback);
    }

    /// Asks for a notification at shutdown; the lab never shuts down.
    irql(PASSIVE..=PASSIVE)
    fn WdfControlDeviceInitSetShutdownNotification: PFN_WDFCONTROLDEVICEINITSETSHUTDOWNNOTIFICATION (
        globals: PWDF_DRIVER_GLOBALS, structure: PWDFDEVICE_INIT, callback: PFN_WDF_DEVICE_SHUTDOWN_NOTIFICATION,
        _flags: u8
    ) {
        client(globals);
        required(callback.map_or(std::ptr::null(), |callback| callback as *const ()), "the shutdown callback");
        init(structure);
    }

    /// Makes the device.
    irql(PASSIVE..=PASSIVE) fn WdfDeviceCreate: PFN_WDFDEVICECREATE (
        globals: PWDF_DRIVER_GLOBALS, structure: *mut PWDFDEVICE_INIT, device_attributes: PWDF_OBJECT_ATTRIBUTES,
        device: *mut WDFDEVICE
    ) -> i32 {
        client(globals);
        required(structure, "the place of the initialisation structure");
        required(device, "the place for the device");
        // SAFETY: checked above.
        let pointer = unsafe { *structure };
        let init = init(pointer);
        let settings = init.settings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let attributes = attributes(device_attributes);
        let driver = Ref::<Driver>::new(init.driver.clone()).expect("checked when it was begun");
        if settings.name.as_ref().is_some_and(|name| names().devices.contains_key(name)) {
            return status::OBJECT_NAME_COLLISION;
        }
        let level = Level::of(attributes.as_ref(), Level::Any);
        let scope = Scope::of(attributes.as_ref(), Scope::None);
        let wdm = create_wdm(&settings, driver.wdm());
        let body = Body::Device(Device {
            driver: Arc::downgrade(&init.driver),
            settings: settings.clone(),
            wdm: wdm as usize,
            finished: AtomicBool::new(false),
            handles: AtomicU32::new(0),
            level,
            scope,
            serial: Arc::default(),
            queues: Mutex::default(),
        });
        let object = match Object::create(body, attributes.as_ref(), Some(&init.driver)) {
            Ok(object) => object,
            Err(status) => {
                pool::take_back(wdm.cast());
                return status;
            }
        };
        if let Some(name) = settings.name {
            names().devices.insert(name, Arc::downgrade(&object));
        }
        handle::close::<Init>(pointer.cast());
        // SAFETY: checked above; the DEVICE_OBJECT was just made.
        unsafe {
            (*wdm).DeviceExtension = object.handle();
            device.write(object.handle());
            structure.write(std::ptr::null_mut());
        }
        status::SUCCESS
    }

    /// Gives the device a name for user mode.
    irql(PASSIVE..=PASSIVE) fn WdfDeviceCreateSymbolicLink: PFN_WDFDEVICECREATESYMBOLICLINK (
        globals: PWDF_DRIVER_GLOBALS, device: WDFDEVICE, link: PCUNICODE_STRING
    ) -> i32 {
        client(globals);
        required(link, "the link's name");
        let device = expect::<Device, _>(device);
        let Some(name) = device.settings.name.clone() else { return status::INVALID_DEVICE_STATE };
        if pool::must_fail() {
            return status::INSUFFICIENT_RESOURCES;
        }
        let key = link_key(&string::text(link.cast()));
        let mut names = names();
        if names.links.contains_key(&key) {
            return status::OBJECT_NAME_COLLISION;
        }
        names.links.insert(key, name);
        status::SUCCESS
    }

    /// Lets requests come in.
    irql(0..=DISPATCH) fn WdfControlFinishInitializing: PFN_WDFCONTROLFINISHINITIALIZING (
        globals: PWDF_DRIVER_GLOBALS, device: WDFDEVICE
    ) {
        client(globals);
        let device = expect::<Device, _>(device);
        if device.finished.swap(true, Ordering::AcqRel) {
            violation("K-15", "WdfControlFinishInitializing is called twice for a device");
        }
        // SAFETY: the DEVICE_OBJECT lives as long as the device.
        unsafe { (*(device.wdm as PDEVICE_OBJECT)).Flags &= !DO_DEVICE_INITIALIZING };
    }

    /// The DEVICE_OBJECT.
    irql(0..=DISPATCH) fn WdfDeviceWdmGetDeviceObject: PFN_WDFDEVICEWDMGETDEVICEOBJECT (
        globals: PWDF_DRIVER_GLOBALS, device: WDFDEVICE
    ) -> PDEVICE_OBJECT {
        client(globals);
        expect::<Device, _>(device).wdm as PDEVICE_OBJECT
    }

    /// The driver.
    irql(0..=DISPATCH) fn WdfDeviceGetDriver: PFN_WDFDEVICEGETDRIVER (
        globals: PWDF_DRIVER_GLOBALS, device: WDFDEVICE
    ) -> WDFDRIVER {
        client(globals);
        let device = expect::<Device, _>(device);
        device.driver.upgrade().map_or(std::ptr::null_mut(), |driver| driver.handle())
    }

    /// The queue for requests without one of their own; null if there is none.
    irql(0..=DISPATCH) fn WdfDeviceGetDefaultQueue: PFN_WDFDEVICEGETDEFAULTQUEUE (
        globals: PWDF_DRIVER_GLOBALS, device: WDFDEVICE
    ) -> WDFQUEUE {
        client(globals);
        let device = expect::<Device, _>(device);
        let queues = device.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let default = queues.default.as_ref().and_then(Weak::upgrade);
        default.map_or(std::ptr::null_mut(), |queue| queue.handle())
    }

    /// Sends requests of a type to a queue.
    irql(0..=DISPATCH) fn WdfDeviceConfigureRequestDispatching: PFN_WDFDEVICECONFIGUREREQUESTDISPATCHING (
        globals: PWDF_DRIVER_GLOBALS, device: WDFDEVICE, queue: WDFQUEUE, kind: i32
    ) -> i32 {
        client(globals);
        let device = expect::<Device, _>(device);
        let queue = expect::<Queue, _>(queue);
        if !has_queue(kind) || (kind == super::request::CREATE && queue.is_default()) {
            return status::INVALID_PARAMETER;
        }
        let mut queues = device.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if queues.by_type.contains_key(&kind) {
            return status::WDF_BUSY;
        }
        queues.by_type.insert(kind, Arc::downgrade(&queue.object));
        status::SUCCESS
    }
}

/// Types of requests that can have a queue: create, read, write, device control and its internal form.
fn has_queue(kind: i32) -> bool {
    use ddk::nt::_WDF_REQUEST_TYPE as types;
    [
        types::WdfRequestTypeCreate,
        types::WdfRequestTypeRead,
        types::WdfRequestTypeWrite,
        types::WdfRequestTypeDeviceControl,
        types::WdfRequestTypeDeviceControlInternal,
    ]
    .contains(&kind)
}

fn create_wdm(settings: &Settings, driver: *mut DRIVER_OBJECT) -> PDEVICE_OBJECT {
    let wdm = pool::lend(size_of::<DEVICE_OBJECT>(), DEVICE_TAG, Fill::Zero).cast::<DEVICE_OBJECT>();
    let io = match settings.io_type {
        2 => DO_BUFFERED_IO,
        3 => DO_DIRECT_IO,
        _ => 0,
    };
    // SAFETY: the block has the size of the structure and is zeroed.
    unsafe {
        (*wdm).Type = IO_TYPE_DEVICE;
        (*wdm).Size = size_of::<DEVICE_OBJECT>() as u16;
        (*wdm).ReferenceCount = 0;
        (*wdm).DriverObject = driver;
        (*wdm).Flags = DO_DEVICE_INITIALIZING | io | if settings.exclusive { DO_EXCLUSIVE } else { 0 };
        (*wdm).Characteristics = settings.characteristics;
        (*wdm).DeviceType = settings.device_type;
        (*wdm).StackSize = 1;
    }
    wdm
}
