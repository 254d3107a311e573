//! DriverEntry and unload: what is brought up, in which order, and how it all comes down.

use core::ptr::NonNull;

use ddk::nt::{NTSTATUS, PCUNICODE_STRING, PDRIVER_OBJECT};
use kernel::irql::Passive;
use kernel::ndis::{self, Registration};
use kernel::pool::PoolBox;
use kernel::published::Published;
use kernel::status::Status;
use kernel::unicode::UnicodeStr;
use kernel::wdf::{self, ControlDevice, Tick, Timer, Unload, WorkItem};
use kernel::wide;

use crate::callout::Registrations;
use crate::filter::Restack;
use crate::shared::{SHARED, Settings, Shared, now, processor};
use crate::{control, filter, tags};

/// Flows that the table holds unless the registry says otherwise.
const DEFAULT_FLOWS: u32 = 65_536;
/// Sizes that the registry may ask for: a typo must neither cripple the filter nor eat the pool.
const FLOWS: core::ops::RangeInclusive<u32> = 1_024..=4_194_304;
/// Questions that can be open at once unless the registry says otherwise.
const DEFAULT_QUESTIONS: u32 = 16_384;
/// Sizes that the registry may ask for.
const QUESTIONS: core::ops::RangeInclusive<u32> = 16..=65_536;
/// How often flows that ended or idle are removed, and needs are reviewed, in milliseconds.
const SECOND: u32 = 1_000;

/// The driver while it is loaded, for unload.
static DRIVER: Published<Driver> = Published::none();

/// Everything that must be undone. Rust drops fields from top to bottom, so this is the order of teardown; a bring-up
/// that fails half-way drops what it has made so far in the same order.
///
/// The control device is not here: the framework deletes it after unload or after a failed DriverEntry, when nothing
/// refers to it any more. While a handle to it is open, the I/O manager does not unload the driver.
#[derive(Debug)]
struct Driver {
    /// Detaches from all adapters: no frame comes in.
    _filter: Registration,
    /// Nothing ages any more.
    _ageing: Timer,
    /// Nobody looks for adapters on top of others.
    _restacking: WorkItem,
    /// No connection is asked about.
    _platform: Registrations,
    /// Nobody is left who could look at this.
    _shared: SharedBox,
}

/// The shared state: reachable for entry points from its beginning to its end.
#[derive(Debug)]
struct SharedBox {
    shared: PoolBox<Shared>,
}

impl SharedBox {
    #[inline(never)]
    fn new(settings: &Settings, version: u32, at: Passive<'_>) -> Result<Self, Status> {
        let shared = Shared::new(settings, version, at)?;
        let shared = PoolBox::new(tags::DRIVER, shared).ok_or(Status::INSUFFICIENT_RESOURCES)?;
        // SAFETY: the box withdraws it before it is freed, and is dropped after everything that calls an entry point.
        unsafe { SHARED.publish(shared.as_ptr()) };
        Ok(Self { shared })
    }

    /// The state, for registrations that are dropped before the box.
    fn get(&self) -> &'static Shared {
        // SAFETY: the box is dropped after every registration (see `Driver`), hence after every user of the reference.
        unsafe { self.shared.as_ptr().as_ref() }
    }
}

impl Drop for SharedBox {
    fn drop(&mut self) {
        let _withdrawn = SHARED.withdraw();
    }
}

impl Driver {
    /// The ladder: each rung stands on those above it. IRQL: PASSIVE_LEVEL.
    ///
    /// # Safety
    /// The arguments must be those of DriverEntry.
    #[inline(never)]
    unsafe fn bring_up(
        object: PDRIVER_OBJECT,
        registry_path: PCUNICODE_STRING,
        at: Passive<'_>,
    ) -> Result<(Self, ControlDevice), Status> {
        // SAFETY: these are DriverEntry's arguments, and the framework was not used before.
        let framework =
            unsafe { wdf::Driver::create::<Unloading>(object, registry_path, tags::FRAMEWORK, at) }?;
        let settings = settings(&framework, at);
        let version = filter::ndis_version(ndis::version());
        let state = SharedBox::new(&settings, version, at)?;
        let shared = state.get();
        let (control, waiting) = control::create(&framework, at)?;
        // SAFETY: the state does not move in its box, and is dropped there.
        unsafe { shared.asks.connect(waiting) };
        // SAFETY: the state is published and outlives the registrations.
        let platform = unsafe { Registrations::new(shared, &control, at) }?;
        let restacking = WorkItem::create::<Restack>(&control, at)?;
        shared.topology.work_with(Some(restacking.handle()));
        let ageing = Timer::start::<Ageing>(&control, SECOND, at)?;
        // Last, because adapters attach before it returns.
        // SAFETY: the object is DriverEntry's, and the state outlives the registration.
        let filter =
            unsafe { Registration::new(object, NonNull::from(shared), &filter::names(), version, at) }?;
        Ok((
            Self {
                _filter: filter,
                _ageing: ageing,
                _restacking: restacking,
                _platform: platform,
                _shared: state,
            },
            control,
        ))
    }
}

/// Reads what the administrator has set.
fn settings(framework: &wdf::Driver, at: Passive<'_>) -> Settings {
    let flows = framework
        .parameter(&UnicodeStr::from_wide(wide!("FlowTableSize")), at)
        .filter(|flows| FLOWS.contains(flows))
        .unwrap_or(DEFAULT_FLOWS);
    let observe = framework.parameter(&UnicodeStr::from_wide(wide!("Observe")), at).unwrap_or(0) != 0;
    let questions = framework
        .parameter(&UnicodeStr::from_wide(wide!("QuestionTableSize")), at)
        .filter(|questions| QUESTIONS.contains(questions))
        .unwrap_or(DEFAULT_QUESTIONS);
    Settings { flows, observe, questions }
}

/// Entry point of the driver. IRQL: PASSIVE_LEVEL.
///
/// # Safety
/// To be called by the framework's entry stub only.
#[unsafe(export_name = "DriverEntry")]
pub(crate) unsafe extern "C" fn driver_entry(
    object: PDRIVER_OBJECT,
    registry_path: PCUNICODE_STRING,
) -> NTSTATUS {
    // SAFETY: the I/O manager calls DriverEntry at PASSIVE_LEVEL.
    let at = unsafe { Passive::assume() };
    // SAFETY: the arguments are passed on.
    let driver = unsafe { Driver::bring_up(object, registry_path, at) };
    Status::of(driver.and_then(|(driver, control)| {
        let driver = PoolBox::new(tags::DRIVER, driver).ok_or(Status::INSUFFICIENT_RESOURCES)?;
        // SAFETY: the box is taken back and dropped in unload, the one user of this reference.
        unsafe { DRIVER.publish(driver.into_raw()) };
        // Everything that a request can touch is there.
        control.finish();
        Ok(())
    }))
}

/// EvtDriverUnload. Not called when DriverEntry failed.
enum Unloading {}

impl Unload for Unloading {
    fn unload(_at: Passive<'_>) {
        if let Some(driver) = DRIVER.withdraw() {
            // SAFETY: DriverEntry released this box, and it is withdrawn only once.
            drop(unsafe { PoolBox::from_raw(driver, tags::DRIVER) });
        }
    }
}

/// Removes flows that ended or idle, and handlers that nobody needs any more.
enum Ageing {}

impl Tick for Ageing {
    fn tick() {
        if let Some(shared) = SHARED.get() {
            shared.engine.age(processor(), now());
            shared.review_demand();
            shared.age_topology();
            shared.platform.tick();
        }
    }
}
