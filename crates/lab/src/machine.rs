//! A machine: the simulated kernel with the drivers loaded into it.

use std::ffi::c_void;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::export::Export;
use crate::ntoskrnl::{self, work};
use crate::pe::{self, Image, Inspection, LoadError, LoadOptions, Resolver};
use crate::registry::{Registry, Value};
use crate::verifier::{self, Leak, Report, violation};
use crate::{cpu, driver_object, wdf};

/// How a machine is built.
#[derive(Clone, Debug)]
pub struct Options {
    /// Number of processors.
    pub processors: u32,
    /// Check rules. Off, drivers are bound to the bare exports, for measurements.
    pub verify: bool,
    /// Refuse images and pool that memory integrity would refuse.
    pub integrity: bool,
    /// Rules that a driver is known to break, each with the export in whose calls it does: such a breach is
    /// reported in [`Report::excused`](verifier::Report::excused) and the driver runs on. Only a breach that
    /// the kernel survives can be excused; every other one ends the machine.
    pub excused: &'static [(&'static str, &'static str)],
    /// Version of the driver framework: 1.x.
    pub framework_minor: u32,
    /// After this long an unload counts as one that never ends.
    pub unload_limit: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            processors: 4,
            verify: true,
            integrity: true,
            excused: &[],
            framework_minor: 33,
            unload_limit: Duration::from_secs(30),
        }
    }
}

/// The simulated machine. There is one in a process, and it lives in a child (see [`crate::child`]).
#[derive(Debug)]
pub struct Machine {
    options: Options,
    resolver: Resolver,
}

impl Machine {
    /// Boots a machine; the current thread becomes one of its threads, at PASSIVE_LEVEL.
    pub fn new(options: Options) -> Self {
        cpu::set_processor_count(options.processors);
        cpu::init();
        verifier::set_enabled(options.verify);
        verifier::set_excused(options.excused);
        crate::pool::set_executable_allowed(!options.integrity);
        wdf::set_version(options.framework_minor);
        let resolver = Resolver::new(exports());
        Self { options, resolver }
    }

    /// The in-memory registry.
    pub fn registry(&self) -> &'static Registry {
        Registry::get()
    }

    /// The export called `name` of `dll`, as a driver would be bound to it.
    pub fn export(&self, dll: &str, name: &str) -> Option<usize> {
        let export = self.resolver.find(dll, name)?;
        Some(if self.options.verify { export.checked.get() } else { export.bare.get() })
    }

    /// Maps the driver at `path`; it does not run yet.
    ///
    /// # Errors
    /// If the file is missing or not a driver for x64.
    pub fn load_driver(&self, path: impl AsRef<Path>) -> Result<Driver, LoadError> {
        let path = path.as_ref();
        let service = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        self.load_driver_as(path, &service)
    }

    /// Like [`Machine::load_driver`], as the service `name`.
    ///
    /// # Errors
    /// As there.
    pub fn load_driver_as(&self, path: impl AsRef<Path>, name: &str) -> Result<Driver, LoadError> {
        let options = LoadOptions { checked: self.options.verify, integrity: self.options.integrity };
        let image = pe::load(path.as_ref(), &self.resolver, options)?;
        let object = driver_object::create(image, name);
        // What the service manager loads has a key, whose start type is that of the service.
        let key = driver_object::service_key(name);
        if Registry::get().value(&key, "Start").is_none() {
            const SYSTEM_START: u32 = 1;
            Registry::get().set(&key, "Start", Value::Dword(SYSTEM_START));
        }
        Ok(Driver {
            image,
            object,
            service: name.to_owned(),
            unload_limit: self.options.unload_limit,
            state: State::Loaded,
        })
    }

    /// Opens a device from user mode for reading and writing, as CreateFile does: `\\.\Name`.
    ///
    /// # Errors
    /// The status with which the I/O manager or the driver refuses.
    pub fn open(&self, path: &str, who: wdf::Who) -> Result<wdf::File, i32> {
        wdf::open(path, who)
    }

    /// Ends the machine: waits for work that is queued, and lists what the drivers have left behind. The
    /// report also becomes the one that a child hands to its parent.
    pub fn finish(self) -> Report {
        work::flush();
        let leaks = verifier::leaks();
        for leak in &leaks {
            eprintln!("lab: {}: left behind: {}, created by {}", leak.rule, leak.what, leak.creator);
        }
        verifier::add_leaks(leaks)
    }
}

/// Looks at the driver at `path` without running it: what it imports, and what memory integrity would object to.
///
/// # Errors
/// If the file is missing or not a driver for x64.
pub fn inspect(path: impl AsRef<Path>) -> Result<Inspection, LoadError> {
    pe::inspect(path.as_ref(), &Resolver::new(exports()))
}

/// All exports that the lab has.
fn exports() -> Vec<&'static [Export]> {
    let mut all = ntoskrnl::exports();
    all.extend(crate::ndis::exports());
    all.extend(crate::fwp::exports());
    all.extend(crate::netio::exports());
    all.extend(wdf::exports());
    all.extend(crate::seh::exports());
    all
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Loaded,
    Started,
    Unloaded,
}

/// A driver in a machine.
#[derive(Debug)]
pub struct Driver {
    image: &'static Image,
    object: *mut c_void,
    service: String,
    unload_limit: Duration,
    state: State,
}

// SAFETY: the DRIVER_OBJECT is memory that belongs to no thread.
unsafe impl Send for Driver {}

impl Driver {
    /// The image.
    pub fn image(&self) -> &'static Image {
        self.image
    }

    /// The DRIVER_OBJECT.
    pub fn object(&self) -> *mut c_void {
        self.object
    }

    /// The service's name.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Sets a number in the `Parameters` key of the service, for the driver to read when it starts.
    pub fn set_parameter(&self, name: &str, value: u32) {
        let key = format!(r"{}\Parameters", driver_object::service_key(&self.service));
        Registry::get().set(&key, name, Value::Dword(value));
    }

    /// Calls the entry point, as the I/O manager does when the service starts.
    ///
    /// # Errors
    /// The status that DriverEntry returns; whatever it left behind is a violation of rule G-41.
    pub fn start(&mut self) -> Result<(), i32> {
        assert_eq!(self.state, State::Loaded, "a driver starts once");
        let before = leak_count();
        // SAFETY: the entry point of a driver image has this type.
        let entry: unsafe extern "win64" fn(*mut c_void, *const c_void) -> i32 =
            unsafe { std::mem::transmute(self.image.entry) };
        let path = driver_object::registry_path(self.object);
        // SAFETY: object and path are valid for the life of the driver.
        let status = verifier::callback("DriverEntry", || unsafe { entry(self.object, path) });
        if status < 0 {
            self.state = State::Unloaded;
            let left = verifier::leaks();
            if let Some(Leak { what, creator, .. }) = left.get(before) {
                violation(
                    "G-41",
                    &format!("DriverEntry failed with {status:#x} and left {what}, created by {creator}"),
                );
            }
            self.image.unload();
            return Err(status);
        }
        self.image.discard_init();
        self.state = State::Started;
        Ok(())
    }

    /// Whether the driver can be unloaded.
    pub fn has_unload(&self) -> bool {
        driver_object::unload_routine(self.object).is_some()
    }

    /// Unloads the driver: runs its unload routine and takes its image away.
    ///
    /// # Panics
    /// If the driver did not start, has no unload routine, or has open files: the I/O manager would wait for
    /// them.
    pub fn unload(&mut self) {
        assert_eq!(self.state, State::Started, "only a started driver is unloaded");
        let unload = driver_object::unload_routine(self.object).expect("the driver has no unload routine");
        let files = wdf::open_files(self.object);
        assert_eq!(files, 0, "{files} files of the driver are open: its unload would stay pending");
        self.state = State::Unloaded;
        static RUNNING: AtomicU32 = AtomicU32::new(0);
        let run = RUNNING.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let (service, limit) = (self.service.clone(), self.unload_limit);
        std::thread::spawn(move || {
            while started.elapsed() < limit {
                std::thread::sleep(Duration::from_millis(50));
                if RUNNING.load(Ordering::Relaxed) != run + 1 {
                    return;
                }
            }
            violation("L-5", &format!("the unload of {service} does not end"));
        });
        // SAFETY: the driver set this routine for exactly this call.
        verifier::callback("DriverUnload", || unsafe { unload(self.object.cast()) });
        RUNNING.fetch_add(1, Ordering::Relaxed);
        ntoskrnl::check_unload(self.image.base, self.image.size);
        work::flush();
        self.image.unload();
    }
}

fn leak_count() -> usize {
    verifier::leaks().len()
}
