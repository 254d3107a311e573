//! Registration of the callouts, and of the engine objects whenever the Base Filtering Engine runs.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use ddk::nt::PDEVICE_OBJECT;
use kernel::irql::Passive;
use kernel::spin::SpinLock;
use kernel::status::Status;
use kernel::wdf::{ControlDevice, Work, WorkItem, WorkItemHandle};
use kernel::wfp::{Callout, Changed, ServiceState, Session, SubLayerObject, Subscription, offload_flags};
use kernel::wide;

use super::{COUNT, TABLE};
use crate::guids;
use crate::shared::{SHARED, Shared};

/// Weight of the sublayer: in the middle, so that administrators can place others above and below.
const WEIGHT: u16 = 0x8000;

/// What callbacks need of the registrations.
#[derive(Debug)]
pub(crate) struct Platform {
    /// The session whose objects bring the callouts into play.
    session: SpinLock<Option<Session>>,
    active: AtomicBool,
    /// Calls for [`Platform::synchronise`] that were not answered yet; whoever raises it from zero answers all.
    calls: AtomicU32,
    work: SpinLock<Option<WorkItemHandle>>,
}

impl Platform {
    pub(crate) const fn new() -> Self {
        Self {
            session: SpinLock::new(None),
            active: AtomicBool::new(false),
            calls: AtomicU32::new(0),
            work: SpinLock::new(None),
        }
    }

    /// Whether the engine objects are in place.
    pub(crate) fn is_active(&self) -> bool {
        self.active.load(Ordering::Relaxed)
    }

    /// Brings the session into line with the service: open while it runs, closed otherwise.
    ///
    /// One caller at a time works; others leave their call for it and return at once.
    fn synchronise(&self, at: Passive<'_>) -> Result<(), Status> {
        if self.calls.fetch_add(1, Ordering::AcqRel) != 0 {
            return Ok(());
        }
        loop {
            let calls = self.calls.load(Ordering::Acquire);
            let result = self.follow(ServiceState::now(), at);
            if self.calls.fetch_sub(calls, Ordering::AcqRel) == calls {
                return result;
            }
        }
    }

    fn follow(&self, state: ServiceState, at: Passive<'_>) -> Result<(), Status> {
        match state {
            ServiceState::Running if self.is_active() => Ok(()),
            ServiceState::Running => {
                let session = open(at)?;
                *self.session.lock() = Some(session);
                self.active.store(true, Ordering::Relaxed);
                Ok(())
            }
            ServiceState::Down => {
                self.close();
                Ok(())
            }
        }
    }

    /// Closes the session: with it go the filters, and no new classify begins.
    fn close(&self) {
        self.active.store(false, Ordering::Relaxed);
        // Taken out first: closing needs PASSIVE_LEVEL.
        let session = self.session.lock().take();
        drop(session);
    }
}

/// Opens a session and adds all objects, or none.
fn open(at: Passive<'_>) -> Result<Session, Status> {
    let mut session = Session::open(wide!("Weir"), at)?;
    let mut transaction = session.begin(at)?;
    transaction.add_provider(guids::PROVIDER, wide!("Weir"))?;
    let sublayer = SubLayerObject { key: guids::SUBLAYER, name: wide!("Weir"), weight: WEIGHT };
    transaction.add_sublayer(&guids::PROVIDER, &sublayer)?;
    for row in &TABLE {
        transaction.add_callout(&guids::PROVIDER, &row.object)?;
        transaction.add_filter(&guids::PROVIDER, &row.filter())?;
    }
    transaction.commit()?;
    Ok(session)
}

/// Everything registered with the platform. Fields go in the order of teardown.
#[derive(Debug)]
pub(crate) struct Registrations {
    /// No more calls from the service...
    _subscription: Subscription,
    /// ...no work left of earlier calls...
    _work: WorkItem,
    /// ...no objects, so that no classify begins...
    _objects: Objects,
    /// ...no callout...
    _callouts: [Option<Callout>; COUNT],
    /// ...and nobody who asks for owners.
    _owners: WorkItem,
}

/// The engine objects: gone when this is.
#[derive(Debug)]
struct Objects(&'static Shared);

impl Drop for Objects {
    /// IRQL: PASSIVE_LEVEL.
    fn drop(&mut self) {
        *self.0.platform.work.lock() = None;
        self.0.platform.close();
    }
}

impl Registrations {
    /// Registers the callouts, and adds the engine objects now if the service runs, or later when it does.
    ///
    /// # Safety
    /// `shared` must be published and outlive the result.
    #[inline(never)]
    pub(crate) unsafe fn new(
        shared: &'static Shared,
        control: &ControlDevice,
        at: Passive<'_>,
    ) -> Result<Self, Status> {
        let device: PDEVICE_OBJECT = control.device_object();
        let flags = offload_flags(shared.ndis_version);
        let owners = shared.owners.start(control, at)?;
        let mut callouts = [const { None }; COUNT];
        for (row, place) in TABLE.iter().zip(&mut callouts) {
            // SAFETY: the control device is deleted after DriverEntry failed or after unload, and by then this is dropped.
            *place = Some(unsafe { Callout::register(device, &row.definition, flags, at) }?);
        }
        let objects = Objects(shared);
        let work = WorkItem::create::<Resynchronise>(control, at)?;
        *shared.platform.work.lock() = Some(work.handle());
        // Subscribed before the state is read: otherwise a change in between would be missed.
        // SAFETY: as for the callouts.
        let subscription = unsafe { Subscription::new::<Resynchronise>(device, at) }?;
        let registrations = Self {
            _subscription: subscription,
            _work: work,
            _objects: objects,
            _callouts: callouts,
            _owners: owners,
        };
        shared.platform.synchronise(at)?;
        Ok(registrations)
    }
}

/// Follows the service in a work item: its callback may come at an IRQL at which sessions cannot be opened.
enum Resynchronise {}

impl Changed for Resynchronise {
    fn changed() {
        let Some(shared) = SHARED.get() else { return };
        let work = *shared.platform.work.lock();
        if let Some(work) = work {
            work.enqueue();
        }
    }
}

impl Work for Resynchronise {
    fn work(at: Passive<'_>) {
        let Some(shared) = SHARED.get() else { return };
        // A failure leaves the platform inactive, which the status reply tells; the next change tries again.
        let _inactive = shared.platform.synchronise(at);
    }
}
