//! Filter modules: one attached instance of a filter driver, its state, and how NDIS drives it from state
//! to state.

use std::cell::Cell;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::Duration;

use ddk::ndis::*;
use ddk::nt::UNICODE_STRING;

use super::adapter::{Adapter, lock};
use super::data::Call;
use super::driver::FilterDriver;
use super::legality::{Event, Legality, Operation, State, legality};
use super::owner::{self, Layer};
use super::restart;
use super::{header, oid};
use crate::edge::packet::Medium;
use crate::{clock, cpu, handle, schedule, verifier};

/// N-10: how long a pause may take.
const PAUSE_LIMIT: Duration = Duration::from_secs(10);
/// A data handler that takes longer hangs.
const CALL_LIMIT: Duration = Duration::from_secs(5);
/// `NDIS_PAUSE_NDIS_INTERNAL`: the only reason since NDIS 6.40.
const PAUSE_REASON: u32 = 1;

/// How many calls of NdisFRestartFilter are still to be refused.
static REFUSED_RESTARTS: AtomicU32 = AtomicU32::new(0);

/// Makes the next `count` calls of NdisFRestartFilter fail.
pub fn refuse_restarts(count: u32) {
    REFUSED_RESTARTS.store(count, Ordering::Relaxed);
}

/// An operation that a driver may pend.
#[derive(Debug, Default)]
struct Pending {
    state: Mutex<Progress>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Progress {
    #[default]
    Idle,
    /// The handler was called; the completion may come from now on.
    Called,
    Completed(NDIS_STATUS),
}

impl Pending {
    fn start(&self) {
        *lock(&self.state) = Progress::Called;
    }

    /// The driver's completion call; false if there is nothing to complete.
    fn complete(&self, status: NDIS_STATUS) -> bool {
        let mut state = lock(&self.state);
        let valid = *state == Progress::Called;
        if valid {
            *state = Progress::Completed(status);
            self.changed.notify_all();
        }
        valid
    }

    /// Waits for the completion after the handler returned PENDING.
    fn wait(&self, limit: Duration) -> Option<NDIS_STATUS> {
        let (state, deadline) = (lock(&self.state), Some(clock::now() + limit));
        let called = |state: &mut Progress| *state == Progress::Called;
        let (mut state, _) = schedule::wait_while(&self.state, state, &self.changed, deadline, called);
        match std::mem::take(&mut *state) {
            Progress::Completed(status) => Some(status),
            _ => None,
        }
    }

    /// The handler returned a final status; true if it completed the operation as well.
    fn finish(&self) -> bool {
        matches!(std::mem::take(&mut *lock(&self.state)), Progress::Completed(_))
    }
}

/// A filter module.
#[derive(Debug)]
pub struct Module {
    pub(crate) number: u64,
    pub(crate) driver: Arc<FilterDriver>,
    adapter: Weak<Adapter>,
    handle: AtomicUsize,
    context: AtomicUsize,
    attributes_set: AtomicBool,
    state: Mutex<State>,
    handlers: Mutex<Handlers>,
    /// Thread that is in FilterSetModuleOptions, or 0.
    in_set_options: AtomicU64,
    restart: Pending,
    pause: Pending,
    /// When FilterPause first waited or returned, at which the driver has stopped originating (§1.4); `u64::MAX` before.
    stopped: AtomicU64,
    pub(crate) oids: oid::ModuleOids,
    /// Restarts that the driver asked for and that were not yet done.
    pub(crate) restart_requests: AtomicU32,
    /// Data handlers of the module that are on some processor's stack.
    calls: AtomicU32,
    /// Such calls so far.
    begun: AtomicU64,
}

/// A call of a data handler; see [`Module::begin_call`].
#[derive(Debug)]
pub(crate) struct Inside<'a>(&'a AtomicU32);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Which data handlers a module has (§14).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DataHandlers {
    /// FilterSendNetBufferLists.
    pub send: bool,
    /// FilterSendNetBufferListsComplete.
    pub send_complete: bool,
    /// FilterCancelSendNetBufferLists.
    pub cancel_send: bool,
    /// FilterReceiveNetBufferLists.
    pub receive: bool,
    /// FilterReturnNetBufferLists.
    pub give_back: bool,
}

impl DataHandlers {
    /// All five.
    pub const ALL: Self =
        Self { send: true, send_complete: true, cancel_send: true, receive: true, give_back: true };
    /// None: NDIS passes frames by the module.
    pub const NONE: Self =
        Self { send: false, send_complete: false, cancel_send: false, receive: false, give_back: false };
}

/// The effective data handlers.
#[derive(Clone, Copy)]
struct Handlers(NDIS_FILTER_PARTIAL_CHARACTERISTICS);

impl std::fmt::Debug for Handlers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handlers")
            .field("send", &self.0.SendNetBufferListsHandler.is_some())
            .field("receive", &self.0.ReceiveNetBufferListsHandler.is_some())
            .finish_non_exhaustive()
    }
}

impl handle::Object for Module {
    const KIND: &'static str = "filter module";
}

thread_local! {
    /// The module whose FilterPause runs on the current thread, or null.
    static PAUSING: Cell<*const Module> = const { Cell::new(std::ptr::null()) };
}

/// To be called when a thread begins to wait, after whatever it waits for is told to end.
pub(crate) fn before_wait() {
    // SAFETY: `Module::pause` sets this on its own stack for as long as it has the module.
    if let Some(module) = unsafe { PAUSING.get().as_ref() } {
        module.stopped.fetch_min(verifier::moment(), Ordering::SeqCst);
    }
}

impl Module {
    fn new(driver: &Arc<FilterDriver>, adapter: &Arc<Adapter>) -> Arc<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let module = Arc::new(Self {
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            driver: driver.clone(),
            adapter: Arc::downgrade(adapter),
            handle: AtomicUsize::new(0),
            context: AtomicUsize::new(0),
            attributes_set: AtomicBool::new(false),
            state: Mutex::new(State::Detached),
            handlers: Mutex::new(Handlers(driver.data_handlers())),
            in_set_options: AtomicU64::new(0),
            restart: Pending::default(),
            pause: Pending::default(),
            stopped: AtomicU64::new(u64::MAX),
            oids: oid::ModuleOids::default(),
            restart_requests: AtomicU32::new(0),
            calls: AtomicU32::new(0),
            begun: AtomicU64::new(0),
        });
        module.handle.store(handle::create(module.clone()) as usize, Ordering::Relaxed);
        module
    }

    /// To be held from before NBLs are handed to a data handler until it returns: what such a call has is on its
    /// way, not held back.
    pub(crate) fn begin_call(&self) -> Inside<'_> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.calls.fetch_add(1, Ordering::SeqCst);
        Inside(&self.calls)
    }

    /// The module's NdisFilterHandle.
    pub(crate) fn handle(&self) -> usize {
        self.handle.load(Ordering::Relaxed)
    }

    /// Index of the module's own interface.
    pub(crate) fn index(&self) -> u32 {
        0x1000 + self.number as u32
    }

    /// The driver's FilterModuleContext.
    pub(crate) fn context(&self) -> NDIS_HANDLE {
        self.context.load(Ordering::Relaxed) as NDIS_HANDLE
    }

    /// The module's state.
    pub fn state(&self) -> State {
        *lock(&self.state)
    }

    /// The adapter on whose stack the module is.
    pub(crate) fn adapter(&self) -> Arc<Adapter> {
        self.adapter.upgrade().expect("adapters outlive their modules")
    }

    pub(crate) fn handlers(&self) -> NDIS_FILTER_PARTIAL_CHARACTERISTICS {
        lock(&self.handlers).0
    }

    fn step(&self, event: Event) {
        let mut state = lock(&self.state);
        match state.after(event) {
            Some(next) => *state = next,
            None => {
                let now = *state;
                drop(state);
                verifier::violation(
                    "N-40",
                    &format!("filter module {} in state {now:?}: {event:?}", self.number),
                );
            }
        }
    }

    /// Whether the call of the driver from which it originates NBLs began before the driver stopped originating for a
    /// pause. NDIS pauses modules whose handlers, timers and DPCs run on other processors; no driver knows of the pause
    /// before FilterPause tells it, and what runs by then it waits for.
    pub(super) fn cannot_know_of_pause(&self) -> bool {
        self.state() == State::Pausing
            && verifier::entered("FilterPause")
                .is_some_and(|began| began < self.stopped.load(Ordering::SeqCst))
    }

    /// NdisFSetAttributes (N-41).
    pub(crate) fn set_attributes(
        &self,
        context: NDIS_HANDLE,
        attributes: *const NDIS_FILTER_ATTRIBUTES,
    ) -> NDIS_STATUS {
        if self.state() != State::Attaching {
            verifier::violation("N-41", "NdisFSetAttributes outside FilterAttach");
        }
        if crate::pool::must_fail() {
            return NDIS_STATUS_RESOURCES;
        }
        // SAFETY: the driver passes its attributes; a bad pointer is its fault and is reported as one.
        let (found, flags) = unsafe { ((*attributes).Header, (*attributes).Flags) };
        header::check(
            &found,
            NDIS_OBJECT_TYPE_FILTER_ATTRIBUTES,
            1..=1,
            NDIS_SIZEOF_FILTER_ATTRIBUTES_REVISION_1,
            "NDIS_FILTER_ATTRIBUTES",
        );
        if flags != 0 {
            verifier::violation("N-41", &format!("NDIS_FILTER_ATTRIBUTES.Flags is {flags:#x}, must be 0"));
        }
        if self.attributes_set.swap(true, Ordering::Relaxed) {
            verifier::violation("N-41", "NdisFSetAttributes called twice in one FilterAttach");
        }
        self.context.store(context as usize, Ordering::Relaxed);
        NDIS_STATUS_SUCCESS
    }

    /// NdisFPauseComplete (N-43).
    pub(crate) fn pause_complete(&self) {
        self.check_drained();
        if !self.pause.complete(NDIS_STATUS_SUCCESS) {
            verifier::violation("N-43", "NdisFPauseComplete without a pause that is under way");
        }
    }

    /// NdisFRestartComplete (N-43).
    pub(crate) fn restart_complete(&self, status: NDIS_STATUS) {
        if status == NDIS_STATUS_PENDING {
            verifier::violation("N-43", "NdisFRestartComplete with NDIS_STATUS_PENDING");
        }
        if !self.restart.complete(status) {
            verifier::violation("N-43", "NdisFRestartComplete without a restart that is under way");
        }
    }

    /// NdisSetOptionalHandlers with partial characteristics (§14).
    pub(crate) fn set_handlers(&self, partial: &NDIS_FILTER_PARTIAL_CHARACTERISTICS) -> NDIS_STATUS {
        if self.in_set_options.load(Ordering::Relaxed) != cpu::thread_id() {
            verifier::violation("N-40", "NdisSetOptionalHandlers outside FilterSetModuleOptions");
        }
        if let Some(text) = super::driver::data_handler_rule(partial, self.driver.has_status()) {
            verifier::violation("N-65", &text);
        }
        if crate::fault::refuses() {
            return NDIS_STATUS_RESOURCES;
        }
        *lock(&self.handlers) = Handlers(*partial);
        NDIS_STATUS_SUCCESS
    }

    /// NdisFRestartFilter (§1.2): NDIS notes it, and restarts the stack some time later.
    pub(crate) fn request_restart(&self) -> NDIS_STATUS {
        if let Legality::Illegal(rule) = legality(self.state(), Operation::RestartFilter) {
            verifier::violation(
                rule,
                &format!("NdisFRestartFilter by filter module {} in state {:?}", self.number, self.state()),
            );
        }
        let refused = REFUSED_RESTARTS
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_ok();
        if refused || crate::fault::refuses() {
            return NDIS_STATUS_RESOURCES;
        }
        self.restart_requests.fetch_add(1, Ordering::Relaxed);
        NDIS_STATUS_SUCCESS
    }

    /// The data handlers that NDIS calls for this module; where one is missing, it goes on with the next module.
    pub fn data_handlers(&self) -> DataHandlers {
        let all = self.handlers();
        DataHandlers {
            send: all.SendNetBufferListsHandler.is_some(),
            send_complete: all.SendNetBufferListsCompleteHandler.is_some(),
            cancel_send: all.CancelSendNetBufferListsHandler.is_some(),
            receive: all.ReceiveNetBufferListsHandler.is_some(),
            give_back: all.ReturnNetBufferListsHandler.is_some(),
        }
    }

    fn attach(self: &Arc<Self>, adapter: &Arc<Adapter>) -> Result<(), NDIS_STATUS> {
        let config = adapter.config();
        let ethernet = config.medium == Medium::Ethernet;
        let module_guid =
            Text::new(&format!("{}-{}-{:04}", adapter.guid(), self.driver.unique_name(), self.number));
        // What the device manager shows, which is not the alias.
        let instance = Text::new(&format!("Lab Network Adapter #{}", adapter.number));
        let device = Text::new(&format!(r"\DEVICE\{}", adapter.guid()));
        // SAFETY: a C structure of integers and pointers, for which zero is valid.
        let mut parameters: NDIS_FILTER_ATTACH_PARAMETERS = unsafe { std::mem::zeroed() };
        parameters.Header = NDIS_OBJECT_HEADER {
            Type: NDIS_OBJECT_TYPE_FILTER_ATTACH_PARAMETERS,
            Revision: NDIS_FILTER_ATTACH_PARAMETERS_REVISION_4,
            Size: NDIS_SIZEOF_FILTER_ATTACH_PARAMETERS_REVISION_4,
        };
        // Every module is an interface of its own; what lies below it is the next lower module or the
        // miniport.
        let own = 0x4000 + self.number;
        let below = adapter.modules().last().map(|module| 0x4000 + module.number);
        let kind = adapter.luid() >> 48 << 48;
        parameters.IfIndex = self.index();
        parameters.NetLuid = NET_LUID_VALUE(kind | own << 24);
        parameters.FilterModuleGuidName = module_guid.pointer();
        parameters.BaseMiniportIfIndex = config.index;
        parameters.BaseMiniportInstanceName = instance.pointer();
        parameters.BaseMiniportName = device.pointer();
        parameters.MediaConnectState = if config.connected { 1 } else { 2 };
        parameters.MediaDuplexState = 2;
        parameters.XmitLinkSpeed = config.speed;
        parameters.RcvLinkSpeed = config.speed;
        parameters.MiniportMediaType =
            config.ndis_medium.unwrap_or(if ethernet { NdisMedium802_3 } else { NdisMediumWirelessWan });
        parameters.MiniportPhysicalMediaType = config.physical_medium.unwrap_or(if ethernet {
            NdisPhysicalMedium802_3
        } else {
            NdisPhysicalMediumWirelessWan
        });
        if ethernet {
            parameters.MacAddressLength = 6;
            parameters.CurrentMacAddress[..6].copy_from_slice(&config.mac);
        }
        parameters.BaseMiniportNetLuid = NET_LUID_VALUE(adapter.luid());
        parameters.LowerIfIndex = below.map_or(config.index, |number| number as u32 - 0x4000 + 0x1000);
        parameters.LowerIfNetLuid =
            NET_LUID_VALUE(below.map_or(adapter.luid(), |number| kind | number << 24));
        parameters.BaseMiniportIfConnectorPresent = 1;

        self.step(Event::Attach);
        let attach = self.driver.characteristics().AttachHandler.expect("checked at registration");
        let (handle, context) = (self.handle() as *mut c_void, self.driver.context());
        let status = verifier::callback("FilterAttach", || {
            // SAFETY: the driver registered this handler; the parameters live through the call.
            unsafe { attach(handle, context, &raw mut parameters) }
        });
        if status == NDIS_STATUS_PENDING {
            verifier::violation("N-40", "T2: FilterAttach returned NDIS_STATUS_PENDING");
        }
        if status == NDIS_STATUS_SUCCESS {
            if !self.attributes_set.load(Ordering::Relaxed) {
                verifier::violation("N-41", "FilterAttach succeeded without NdisFSetAttributes");
            }
            self.step(Event::Attached(true));
            adapter.push_module(self.clone());
            return Ok(());
        }
        self.step(Event::Attached(false));
        self.close();
        Err(status)
    }

    fn close(&self) {
        handle::close::<Self>(self.handle() as *const c_void);
        let left = owner::held_by(Layer::Module(self.number), self.adapter().number);
        if let Some(first) = left.first() {
            verifier::violation(
                "N-31",
                &format!("module {} is gone and still has {} NBLs: {first}", self.number, left.len()),
            );
        }
    }

    fn set_module_options(&self) -> NDIS_STATUS {
        let Some(set_options) = self.driver.characteristics().SetFilterModuleOptionsHandler else {
            return NDIS_STATUS_SUCCESS;
        };
        self.in_set_options.store(cpu::thread_id(), Ordering::Relaxed);
        let context = self.context();
        let status = verifier::callback("FilterSetModuleOptions", || {
            // SAFETY: the driver registered this handler for its context.
            unsafe { set_options(context) }
        });
        self.in_set_options.store(0, Ordering::Relaxed);
        status
    }

    fn restart(&self, parameters: &mut NDIS_FILTER_RESTART_PARAMETERS) -> Result<(), NDIS_STATUS> {
        self.step(Event::Restart);
        self.restart.start();
        let restart = self.driver.characteristics().RestartHandler.expect("checked at registration");
        let context = self.context();
        let returned = verifier::callback("FilterRestart", || {
            // SAFETY: as in `attach`.
            unsafe { restart(context, parameters) }
        });
        let status = if returned == NDIS_STATUS_PENDING {
            match self.restart.wait(PAUSE_LIMIT) {
                Some(status) => status,
                None => verifier::violation("N-29", "FilterRestart pended and did not complete within 10 s"),
            }
        } else {
            if self.restart.finish() {
                verifier::violation(
                    "N-43",
                    "NdisFRestartComplete was called, but FilterRestart did not pend",
                );
            }
            returned
        };
        let success = status == NDIS_STATUS_SUCCESS;
        self.step(Event::Restarted(success));
        if success { Ok(()) } else { Err(status) }
    }

    /// Points 2 to 5 of §1.4: what must be true when a pause completes.
    fn check_drained(&self) {
        let outstanding = owner::outstanding_of(self.number);
        if outstanding != 0 {
            verifier::violation(
                "N-43",
                &format!(
                    "module {} completes its pause while {outstanding} of its own NBLs are outstanding",
                    self.number
                ),
            );
        }
        let held = self.held_back();
        if let Some(first) = held.first() {
            verifier::violation(
                "N-49",
                &format!(
                    "module {} completes its pause and still holds {} NBLs: {first}",
                    self.number,
                    held.len()
                ),
            );
        }
    }

    /// NBLs that the module has and that no running call is about to give away.
    fn held_back(&self) -> Vec<String> {
        let now = || owner::held_by(Layer::Module(self.number), self.adapter().number);
        let mut held = now();
        let deadline = clock::now() + CALL_LIMIT;
        loop {
            // A sample counts if no call ran while it was taken; during one, another NBL may lie where one was before.
            let begun = self.begun.load(Ordering::SeqCst);
            let quiet = self.calls.load(Ordering::SeqCst) == 0;
            let still = now();
            held.retain(|nbl| still.contains(nbl));
            let undisturbed = quiet && self.begun.load(Ordering::SeqCst) == begun;
            if held.is_empty() || undisturbed || clock::now() >= deadline {
                return held;
            }
            schedule::sleep(Duration::from_millis(1));
        }
    }

    fn pause(&self) {
        // SAFETY: a C structure of integers, for which zero is valid.
        let mut parameters: NDIS_FILTER_PAUSE_PARAMETERS = unsafe { std::mem::zeroed() };
        parameters.Header = NDIS_OBJECT_HEADER {
            Type: NDIS_OBJECT_TYPE_FILTER_PAUSE_PARAMETERS,
            Revision: 1,
            Size: NDIS_SIZEOF_FILTER_PAUSE_PARAMETERS_REVISION_1,
        };
        parameters.PauseReason = PAUSE_REASON;
        self.stopped.store(u64::MAX, Ordering::SeqCst);
        PAUSING.set(self);
        self.step(Event::Pause);
        self.pause.start();
        let pause = self.driver.characteristics().PauseHandler.expect("checked at registration");
        let context = self.context();
        let returned = verifier::callback("FilterPause", || {
            // SAFETY: as in `attach`.
            unsafe { pause(context, &raw mut parameters) }
        });
        before_wait();
        PAUSING.set(std::ptr::null());
        match returned {
            NDIS_STATUS_SUCCESS => {
                if self.pause.finish() {
                    verifier::violation(
                        "N-43",
                        "NdisFPauseComplete was called, but FilterPause did not pend",
                    );
                }
                self.check_drained();
            }
            NDIS_STATUS_PENDING => {
                if self.pause.wait(PAUSE_LIMIT).is_none() {
                    verifier::violation("N-10", "FilterPause pended and did not complete within 10 s");
                }
            }
            status => verifier::violation(
                "N-10",
                &format!("T8: FilterPause returned {status:#x}; a pause cannot fail"),
            ),
        }
        self.step(Event::Paused);
    }

    fn detach(&self, adapter: &Adapter) {
        self.step(Event::Detach);
        // NDIS lets no call be inside a module that it detaches.
        let deadline = clock::now() + CALL_LIMIT;
        while self.calls.load(Ordering::SeqCst) != 0 && clock::now() < deadline {
            schedule::sleep(Duration::from_millis(1));
        }
        let detach = self.driver.characteristics().DetachHandler.expect("checked at registration");
        let context = self.context();
        verifier::callback("FilterDetach", || {
            // SAFETY: as in `attach`.
            unsafe { detach(context) }
        });
        if self.oids.own_outstanding() != 0 {
            verifier::violation("N-44", "FilterDetach returned while own OID requests are outstanding");
        }
        adapter.remove_module(self.number);
        self.driver.forget(self.number);
        self.close();
    }
}

#[allow(non_snake_case, reason = "builds the union under its own name")]
fn NET_LUID_VALUE(value: u64) -> ddk::netio::NET_LUID {
    ddk::netio::NET_LUID { Value: value }
}

/// A UNICODE_STRING with its memory.
pub(crate) struct Text {
    _units: Vec<u16>,
    string: Box<UNICODE_STRING>,
}

impl Text {
    pub(crate) fn new(text: &str) -> Self {
        let mut units: Vec<u16> = text.encode_utf16().chain([0]).collect();
        let bytes = (units.len() * 2) as u16;
        let string =
            Box::new(UNICODE_STRING { Length: bytes - 2, MaximumLength: bytes, Buffer: units.as_mut_ptr() });
        Self { _units: units, string }
    }

    pub(crate) fn pointer(&self) -> *mut UNICODE_STRING {
        (&raw const *self.string).cast_mut()
    }
}

/// Which restart attributes a restart carries (§1.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Attributes {
    /// `RestartAttributes` is NULL.
    None,
    /// The general attributes and one entry that no driver knows.
    #[default]
    General,
}

impl Adapter {
    /// Attaches a filter driver on top of the stack; the stack is paused around it if it runs. On failure the
    /// driver's status comes back and the stack goes on without it.
    pub fn attach(self: &Arc<Self>, driver: &Arc<FilterDriver>) -> Result<Arc<Module>, NDIS_STATUS> {
        cpu::init();
        let running = self.is_running();
        if running {
            self.pause();
        }
        let module = Module::new(driver, self);
        let result = module.attach(self);
        if result.is_ok() {
            driver.remember(&module);
        }
        if running {
            let _ = self.restart(Attributes::default());
        }
        result.map(|()| module)
    }

    /// Whether every module of the stack runs.
    pub fn is_running(&self) -> bool {
        let modules = self.modules();
        !modules.is_empty() && modules.iter().all(|module| module.state() == State::Running)
    }

    /// Restarts the paused modules: options of all first, then FilterRestart from the bottom to the top
    /// (§2). A module that fails is detached (T6), and the first such status comes back.
    pub fn restart(self: &Arc<Self>, attributes: Attributes) -> Result<(), NDIS_STATUS> {
        let mut failure = None;
        let mut list = restart::List::new(&self.config(), attributes);
        let paused: Vec<_> =
            self.modules().into_iter().filter(|module| module.state() == State::Paused).collect();
        let options: Vec<NDIS_STATUS> = paused.iter().map(|module| module.set_module_options()).collect();
        for (module, options) in paused.iter().zip(options) {
            let config = self.config();
            // SAFETY: a C structure of integers and pointers, for which zero is valid.
            let mut parameters: NDIS_FILTER_RESTART_PARAMETERS = unsafe { std::mem::zeroed() };
            parameters.Header = NDIS_OBJECT_HEADER {
                Type: NDIS_OBJECT_TYPE_FILTER_RESTART_PARAMETERS,
                Revision: 1,
                Size: 44,
            };
            let ethernet = config.medium == Medium::Ethernet;
            parameters.MiniportMediaType =
                config.ndis_medium.unwrap_or(if ethernet { NdisMedium802_3 } else { NdisMediumWirelessWan });
            parameters.MiniportPhysicalMediaType = config.physical_medium.unwrap_or(if ethernet {
                NdisPhysicalMedium802_3
            } else {
                NdisPhysicalMediumWirelessWan
            });
            parameters.LowerIfIndex = config.index;
            parameters.LowerIfNetLuid = NET_LUID_VALUE(self.luid());
            parameters.RestartAttributes = list.first();
            let result =
                if options == NDIS_STATUS_SUCCESS { module.restart(&mut parameters) } else { Err(options) };
            list.adopt(parameters.RestartAttributes);
            list.check(result.is_err());
            if let Err(status) = result {
                failure.get_or_insert(status);
                module.detach(self);
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// Pauses the running modules from the top to the bottom. The protocol drains its sends first; NBLs
    /// that drivers originated, and receives that the protocol keeps, come back while FilterPause is under
    /// way.
    pub fn pause(self: &Arc<Self>) {
        let running: Vec<_> =
            self.modules().into_iter().filter(|module| module.state() == State::Running).collect();
        self.drain_protocol();
        let helper = (!self.kept().sends.is_empty() || !self.kept().receives.is_empty()).then(|| {
            let adapter = self.clone();
            schedule::spawn("draining", move || {
                cpu::init();
                schedule::sleep(Duration::from_millis(20));
                adapter.complete_sends(Call::default(), |order| order.reverse());
                adapter.return_receives(Call::default(), |order| order.reverse());
            })
        });
        for module in running.iter().rev() {
            module.pause();
        }
        if let Some(helper) = helper
            && !helper.join()
        {
            verifier::violation("L-2", "the lab's draining thread failed");
        }
    }

    /// Whether frames of the edges are not back yet.
    pub(crate) fn has_frames_under_way(&self) -> bool {
        [Layer::Protocol, Layer::Miniport].iter().any(|edge| owner::originated_by(*edge, self.number) != 0)
    }

    /// Waits until all sends of the protocol are back, as it does when it is paused or told to sleep (N-11). The miniport completes what it keeps of them, and of copies that
    /// stand for them (O12), also when it gets them only now; what drivers originated stays with it.
    pub(super) fn drain_protocol(self: &Arc<Self>) {
        // SAFETY: the wire owns the NBLs that it keeps.
        let is_copy = |nbl: *mut NET_BUFFER_LIST| unsafe { !(*nbl).ParentNetBufferList.is_null() };
        let is_foreign = |nbl| !matches!(owner::origin(nbl), Some(Layer::Module(_))) || is_copy(nbl);
        let deadline = clock::now() + PAUSE_LIMIT;
        loop {
            self.complete_kept(is_foreign);
            if owner::originated_by(Layer::Protocol, self.number) == 0 {
                return;
            }
            if clock::now() > deadline {
                verifier::violation("N-11", "a filter did not complete or forward a send within 10 s");
            }
            schedule::sleep(Duration::from_millis(1));
        }
    }

    /// Detaches the paused modules from the top to the bottom.
    pub fn detach(self: &Arc<Self>) {
        for module in self.modules().iter().rev() {
            module.detach(self);
        }
    }

    /// Pauses, if running, and detaches the modules of one driver; the others run again afterwards.
    pub(crate) fn remove_driver(self: &Arc<Self>, driver: &FilterDriver) {
        let running = self.is_running();
        self.pause();
        for module in
            self.modules().iter().rev().filter(|module| std::ptr::eq(Arc::as_ptr(&module.driver), driver))
        {
            module.detach(self);
        }
        if running && self.module_count() > 0 {
            let _ = self.restart(Attributes::default());
        }
    }

    /// Whether a driver asked with NdisFRestartFilter for a restart that has not been done.
    pub fn wants_restart(&self) -> bool {
        self.modules().iter().any(|module| module.restart_requests.load(Ordering::Relaxed) > 0)
    }

    /// Does the restart that drivers asked for with NdisFRestartFilter, one for all requests so far; returns how many
    /// those were. A stack that is paused stays so: its next restart serves the requests too.
    ///
    /// # Errors
    /// The status with which a module failed its restart.
    pub fn do_requested_restarts(self: &Arc<Self>) -> Result<u32, NDIS_STATUS> {
        let asked: u32 =
            self.modules().iter().map(|module| module.restart_requests.swap(0, Ordering::Relaxed)).sum();
        if asked > 0 && self.is_running() {
            self.pause();
            self.restart(Attributes::default())?;
        }
        Ok(asked)
    }
}
