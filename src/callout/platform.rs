//! Registration of the callouts, and of the engine objects whenever the Base Filtering Engine runs.

use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};

use ddk::nt::PDEVICE_OBJECT;
use kernel::irql::Passive;
use kernel::spin::SpinLock;
use kernel::status::Status;
use kernel::thread::nap;
use kernel::wdf::{ControlDevice, Work, WorkItem, WorkItemHandle};
use kernel::wfp::{
    Callout, Changed, Lifetime, ProviderObject, ServiceState, Session, SubLayerObject, Subscription,
    Transaction, is_gone, is_transient, offload_flags,
};
use kernel::wide;
use weir_core::policy::Failure;

use super::guard::Guard;
use super::{COUNT, Purpose, TABLE, WEIGHT, guard};
use crate::ask::Resend;
use crate::guids;
use crate::shared::{SHARED, Shared};

/// Tries of an arrangement that the service interrupts, before it waits for the next second.
const TRIES: u32 = 3;

/// What becomes of connections without the driver, as an [`AtomicU8`] has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Wanted(u8);

impl Wanted {
    /// No policy has said: a guard that is there stays, and decides.
    const UNSAID: Self = Self(0);
    const OPEN: Self = Self(1);
    const CLOSED: Self = Self(2);

    const fn of(failure: Failure) -> Self {
        match failure {
            Failure::Open => Self::OPEN,
            Failure::Closed => Self::CLOSED,
        }
    }
}

/// What callbacks need of the registrations.
#[derive(Debug)]
pub(crate) struct Platform {
    /// What stands in the engine. Empty while somebody works on it.
    live: SpinLock<Option<Live>>,
    active: AtomicBool,
    wanted: AtomicU8,
    /// Somebody wants to see loopback packets.
    loopback: AtomicBool,
    /// The service was away since `live` was made: its objects are gone.
    lost: AtomicBool,
    /// The last arrangement failed, and is to be tried again.
    behind: AtomicBool,
    /// Calls for [`Platform::synchronise`] that were not answered yet; whoever raises it from zero answers all.
    calls: AtomicU32,
    work: SpinLock<Option<WorkItemHandle>>,
}

impl Platform {
    pub(crate) const fn new() -> Self {
        Self {
            live: SpinLock::new(None),
            active: AtomicBool::new(false),
            wanted: AtomicU8::new(Wanted::UNSAID.0),
            loopback: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            behind: AtomicBool::new(false),
            calls: AtomicU32::new(0),
            work: SpinLock::new(None),
        }
    }

    /// Whether the callouts are asked about connections.
    pub(crate) fn is_active(&self) -> bool {
        self.active.load(Ordering::Relaxed)
    }

    /// Arranges for what becomes of connections without the driver; on error everything stays as it was. While the
    /// service is down there is nothing to arrange: it is done when it comes.
    pub(crate) fn fail(&self, failure: Failure, at: Passive<'_>) -> Result<Undo<'_>, Status> {
        let undo = Undo { platform: self, before: Wanted(self.wanted.load(Ordering::Relaxed)) };
        self.wanted.store(Wanted::of(failure).0, Ordering::Relaxed);
        match self.arrange(at) {
            Ok(()) => Ok(undo),
            Err(error) => {
                undo.undo(at);
                Err(error)
            }
        }
    }

    /// Brings the callouts for loopback packets into play, or takes them out. What fails is tried again each second.
    pub(crate) fn show_loopback(&self, show: bool, at: Passive<'_>) {
        self.loopback.store(show, Ordering::Relaxed);
        let _later = self.arrange(at);
    }

    /// The first arrangement. What may be gone at another try does not keep the driver from starting.
    fn join(&self, at: Passive<'_>) -> Result<(), Status> {
        match self.arrange(at) {
            Err(error) if is_transient(error) || ServiceState::now() == ServiceState::Down => Ok(()),
            other => other,
        }
    }

    /// Brings the engine into line, as soon as nobody else does.
    fn arrange(&self, at: Passive<'_>) -> Result<(), Status> {
        loop {
            if let Some(result) = self.synchronise(at) {
                return result;
            }
            nap(at);
        }
    }

    /// To be called each second: tries again what has failed.
    pub(crate) fn tick(&self) {
        if self.behind.load(Ordering::Relaxed) {
            self.enqueue();
        }
    }

    fn enqueue(&self) {
        let work = *self.work.lock();
        if let Some(work) = work {
            work.enqueue();
        }
    }

    /// Brings the engine into line with the service and with what is wanted.
    ///
    /// One caller at a time works; others leave their call for it and get `None` at once.
    fn synchronise(&self, at: Passive<'_>) -> Option<Result<(), Status>> {
        if self.calls.fetch_add(1, Ordering::AcqRel) != 0 {
            return None;
        }
        loop {
            let calls = self.calls.load(Ordering::Acquire);
            let result = self.follow(at);
            self.behind.store(result.is_err(), Ordering::Relaxed);
            if self.calls.fetch_sub(calls, Ordering::AcqRel) == calls {
                return Some(result);
            }
        }
    }

    fn follow(&self, at: Passive<'_>) -> Result<(), Status> {
        let mut tries = 0;
        loop {
            if self.lost.swap(false, Ordering::AcqRel) {
                self.close();
            }
            if ServiceState::now() == ServiceState::Down {
                self.close();
                return Ok(());
            }
            let Err(error) = self.try_once(at) else { return Ok(()) };
            tries += 1;
            // The service went away under the session, and may be there again; what is left of it is of no use.
            let gone = is_gone(error) || ServiceState::now() == ServiceState::Down;
            if !gone || tries == TRIES {
                return Err(error);
            }
            self.close();
        }
    }

    fn try_once(&self, at: Passive<'_>) -> Result<(), Status> {
        let known = self.live.lock().take();
        let fresh = known.is_none();
        let mut live = match known {
            Some(live) => live,
            None => Live::new(at)?,
        };
        let result = live
            .arrange(Wanted(self.wanted.load(Ordering::Relaxed)), at)
            .and_then(|()| live.show_loopback(self.loopback.load(Ordering::Relaxed), at));
        // What was there before stays in force; what is new is there whole or not at all.
        if result.is_err() && fresh {
            return result;
        }
        self.active.store(live.placed.is_some(), Ordering::Relaxed);
        *self.live.lock() = Some(live);
        result
    }

    /// Closes the session: with it go the filters, and no new classify begins.
    fn close(&self) {
        self.active.store(false, Ordering::Relaxed);
        // Taken out first: closing needs PASSIVE_LEVEL.
        let live = self.live.lock().take();
        drop(live);
        // What waits would be asked about by nobody again.
        if let Some(shared) = SHARED.get() {
            shared.asks.withdraw(shared);
        }
    }
}

/// What [`Platform::fail`] has changed.
#[derive(Debug)]
#[must_use]
pub(crate) struct Undo<'a> {
    platform: &'a Platform,
    before: Wanted,
}

impl Undo<'_> {
    /// Goes back to what was wanted before. An error is tried again each second.
    pub(crate) fn undo(self, at: Passive<'_>) {
        self.platform.wanted.store(self.before.0, Ordering::Relaxed);
        let _later = self.platform.arrange(at);
    }
}

/// Weir's objects in the engine.
#[derive(Debug)]
struct Live {
    /// The dynamic session of all of them but the guard's.
    session: Session,
    /// For which failure the authorising filters were placed; none as long as the guard decides.
    placed: Option<Failure>,
    /// The objects for loopback packets are there.
    loopback: bool,
    guard: Guard,
}

impl Live {
    /// A session with everything that only watches, or nothing.
    #[inline(never)]
    fn new(at: Passive<'_>) -> Result<Self, Status> {
        // Persistent objects cannot be added in a dynamic session, not even to see whether they are there.
        let guard = guard::look(lasting_session(at)?.begin(at)?)?;
        let mut session = Session::open(wide!("Weir"), Lifetime::Dynamic, at)?;
        let mut transaction = session.begin(at)?;
        let provider = ProviderObject { key: guids::PROVIDER, name: wide!("Weir"), service: None };
        transaction.add_provider(&provider)?;
        let sublayer =
            SubLayerObject { key: guids::SUBLAYER, name: wide!("Weir"), weight: WEIGHT, persistent: false };
        transaction.add_sublayer(&guids::PROVIDER, &sublayer)?;
        for row in TABLE.iter().filter(|row| row.purpose != Purpose::Loopback) {
            transaction.add_callout(&guids::PROVIDER, &row.object)?;
            if row.purpose == Purpose::Watches {
                transaction.add_filter(&guids::PROVIDER, &row.filter(Failure::Open))?;
            }
        }
        transaction.commit()?;
        Ok(Self { session, placed: None, loopback: false, guard })
    }

    /// Each step leaves connections decided by the callouts or blocked by the guard, never by nobody, and can be taken
    /// again after an error.
    #[inline(never)]
    fn arrange(&mut self, wanted: Wanted, at: Passive<'_>) -> Result<(), Status> {
        match (wanted, self.guard) {
            (Wanted::CLOSED, Guard::Whole) => self.place(Failure::Closed, at),
            (Wanted::CLOSED, _) => {
                lasting(guard::prepare, at)?;
                self.guard = Guard::Ground;
                self.place(Failure::Closed, at)?;
                lasting(guard::close, at)?;
                self.guard = Guard::Whole;
                Ok(())
            }
            (Wanted::UNSAID, Guard::Whole) => Ok(()),
            (_, Guard::None) => self.place(Failure::Open, at),
            _ => {
                lasting(guard::open, at)?;
                self.guard = Guard::Ground;
                self.place(Failure::Open, at)?;
                lasting(guard::remove, at)?;
                self.guard = Guard::None;
                Ok(())
            }
        }
    }

    /// Adds the objects for loopback packets, or deletes them.
    fn show_loopback(&mut self, show: bool, at: Passive<'_>) -> Result<(), Status> {
        if self.loopback == show {
            return Ok(());
        }
        let mut transaction = self.session.begin(at)?;
        for row in TABLE.iter().filter(|row| row.purpose == Purpose::Loopback) {
            if show {
                transaction.add_callout(&guids::PROVIDER, &row.object)?;
                transaction.add_filter(&guids::PROVIDER, &row.filter(Failure::Open))?;
            } else {
                transaction.delete_filter(&row.filter)?;
                transaction.delete_callout(&row.object.key)?;
            }
        }
        transaction.commit()?;
        self.loopback = show;
        Ok(())
    }

    /// Puts the authorising filters where a policy that fails like this needs them.
    fn place(&mut self, failure: Failure, at: Passive<'_>) -> Result<(), Status> {
        if self.placed == Some(failure) {
            return Ok(());
        }
        let mut transaction = self.session.begin(at)?;
        for row in TABLE.iter().filter(|row| row.purpose == Purpose::Authorises) {
            let filter = row.filter(failure);
            if self.placed.is_some() {
                transaction.delete_filter(&filter.key)?;
            }
            transaction.add_filter(&guids::PROVIDER, &filter)?;
        }
        transaction.commit()?;
        self.placed = Some(failure);
        Ok(())
    }
}

/// A session for what outlives the driver.
fn lasting_session(at: Passive<'_>) -> Result<Session, Status> {
    Session::open(wide!("Weir guard"), Lifetime::Lasting, at)
}

/// Changes what outlives the driver, in a transaction.
fn lasting(change: fn(&mut Transaction<'_>) -> Result<(), Status>, at: Passive<'_>) -> Result<(), Status> {
    let mut session = lasting_session(at)?;
    let mut transaction = session.begin(at)?;
    change(&mut transaction)?;
    transaction.commit()
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
    /// ...no question open any more...
    _questions: Questions,
    /// ...no context on a flow...
    _contexts: Contexts,
    /// ...no callout...
    _callouts: [Option<Callout>; COUNT],
    /// ...nobody who asks for owners...
    _owners: WorkItem,
    /// ...no packet to be sent on...
    _resend: WorkItem,
    /// ...and none under way.
    _injections: Injections,
}

/// No question is open when this is gone.
#[derive(Debug)]
struct Questions(&'static Shared);

impl Drop for Questions {
    /// IRQL: PASSIVE_LEVEL.
    fn drop(&mut self) {
        // SAFETY: registrations are dropped at PASSIVE_LEVEL.
        self.0.asks.stop(self.0, unsafe { Passive::assume() });
    }
}

/// No flow has a context when this is gone.
#[derive(Debug)]
struct Contexts(&'static Shared);

impl Drop for Contexts {
    /// IRQL: PASSIVE_LEVEL.
    fn drop(&mut self) {
        // SAFETY: registrations are dropped at PASSIVE_LEVEL.
        self.0.flows.close(unsafe { Passive::assume() });
    }
}

/// No injected packet is under way when this is gone.
#[derive(Debug)]
struct Injections(&'static Shared);

impl Drop for Injections {
    /// IRQL: PASSIVE_LEVEL.
    fn drop(&mut self) {
        self.0.asks.work_with(None);
        // SAFETY: registrations are dropped at PASSIVE_LEVEL.
        self.0.asks.end(unsafe { Passive::assume() });
    }
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
        let resend = WorkItem::create::<Resend>(control, at)?;
        shared.asks.work_with(Some(resend.handle()));
        let (questions, contexts, injections) = (Questions(shared), Contexts(shared), Injections(shared));
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
            _questions: questions,
            _contexts: contexts,
            _callouts: callouts,
            _owners: owners,
            _resend: resend,
            _injections: injections,
        };
        shared.platform.join(at)?;
        Ok(registrations)
    }
}

/// Follows the service in a work item: its callback may come at an IRQL at which sessions cannot be opened.
enum Resynchronise {}

impl Changed for Resynchronise {
    fn changed(state: ServiceState) {
        let Some(shared) = SHARED.get() else { return };
        if state == ServiceState::Down {
            shared.platform.lost.store(true, Ordering::Release);
        }
        shared.platform.enqueue();
    }
}

impl Work for Resynchronise {
    fn work(at: Passive<'_>) {
        let Some(shared) = SHARED.get() else { return };
        // A failure leaves the platform inactive, which the status reply tells; it is tried again each second.
        let _inactive = shared.platform.synchronise(at);
    }
}
