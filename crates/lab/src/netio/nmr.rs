//! The Network Module Registrar: pairs clients and providers of the same interface and takes them apart.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once};

use ddk::nmr::*;
use ddk::nt::{self, HANDLE, PHANDLE, PVOID};

use super::active::{self, Kind};
use super::{client, lock};
use crate::cpu::{APC, DISPATCH, PASSIVE};
use crate::handle;
use crate::verifier::{self, Leak, violation};
use crate::{clock, pool, schedule};

/// Which side of a binding a module is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Provider,
}

/// What a module registered: the driver's structure and a copy of it.
#[derive(Clone, Copy)]
enum Characteristics {
    Client(NPI_CLIENT_CHARACTERISTICS),
    Provider(NPI_PROVIDER_CHARACTERISTICS),
}

/// A registered client or provider.
struct Module {
    number: u64,
    at: usize,
    copy: Characteristics,
    context: usize,
    /// NmrDeregister was called.
    deregistered: AtomicBool,
    creator: usize,
}

// SAFETY: the pointers of the copy name the driver's own structures, which stay as they are while the module
// is registered (M1); they are only read.
unsafe impl Send for Module {}
// SAFETY: as above.
unsafe impl Sync for Module {}

impl handle::Object for Module {
    const KIND: &'static str = "network module";
}

/// How far one side of a binding has been detached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detach {
    No,
    /// The callback runs.
    Running,
    /// The callback returned STATUS_PENDING.
    Pending,
    /// The completion came while the callback ran, which then returns STATUS_PENDING.
    Early,
    Done,
}

/// A client and a provider that were offered to each other.
struct Binding {
    client: Arc<Module>,
    provider: Arc<Module>,
    state: Mutex<State>,
}

struct State {
    /// What NmrClientAttachProvider returned, once it was called.
    result: Option<i32>,
    offering: bool,
    handle: usize,
    contexts: [usize; 2],
    detach: [Detach; 2],
    /// Both sides were cleaned up.
    gone: bool,
}

impl handle::Object for Binding {
    const KIND: &'static str = "NMR binding";
}

struct Registry {
    modules: Vec<(usize, Arc<Module>)>,
    bindings: Vec<Arc<Binding>>,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry { modules: Vec::new(), bindings: Vec::new() });

impl Module {
    fn side(&self) -> Side {
        match self.copy {
            Characteristics::Client(_) => Side::Client,
            Characteristics::Provider(_) => Side::Provider,
        }
    }

    fn instance(&self) -> &NPI_REGISTRATION_INSTANCE {
        match &self.copy {
            Characteristics::Client(client) => &client.ClientRegistrationInstance,
            Characteristics::Provider(provider) => &provider.ProviderRegistrationInstance,
        }
    }

    /// The instance in the driver's own structure, which the other side is shown.
    fn instance_at(&self) -> PNPI_REGISTRATION_INSTANCE {
        let offset = std::mem::offset_of!(NPI_CLIENT_CHARACTERISTICS, ClientRegistrationInstance);
        const { assert!(std::mem::offset_of!(NPI_PROVIDER_CHARACTERISTICS, ProviderRegistrationInstance) == 32) };
        (self.at + offset) as PNPI_REGISTRATION_INSTANCE
    }

    fn interface(&self) -> [u8; 16] {
        // SAFETY: checked at registration; the driver keeps it in place (M1).
        let id = unsafe { self.instance().NpiId.read() };
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&id.Data1.to_le_bytes());
        bytes[4..6].copy_from_slice(&id.Data2.to_le_bytes());
        bytes[6..8].copy_from_slice(&id.Data3.to_le_bytes());
        bytes[8..].copy_from_slice(&id.Data4);
        bytes
    }

    fn describe(&self) -> String {
        let side = if self.side() == Side::Client { "client" } else { "provider" };
        format!("the NMR {side} registered by {}", verifier::locate(self.creator))
    }

    /// The structures must stay as they were registered (M1).
    fn check(&self) {
        let gone = pool::lookup(self.at).is_some_and(|block| block.freed_at.is_some());
        let size = size_of::<NPI_CLIENT_CHARACTERISTICS>();
        const { assert!(size_of::<NPI_CLIENT_CHARACTERISTICS>() == size_of::<NPI_PROVIDER_CHARACTERISTICS>()) };
        // SAFETY: the driver's structure, unless it is gone, and the copy of it, both of this size.
        let same = !gone
            && unsafe {
                let copy = match &self.copy {
                    Characteristics::Client(client) => (&raw const *client).cast::<u8>(),
                    Characteristics::Provider(provider) => (&raw const *provider).cast(),
                };
                // Bytes 4 to 7 are padding.
                let equal = |from: usize, to: usize| {
                    std::slice::from_raw_parts((self.at + from) as *const u8, to - from)
                        == std::slice::from_raw_parts(copy.add(from), to - from)
                };
                equal(0, 4) && equal(8, 36) && equal(40, size)
            };
        if !same {
            violation(
                "MV-1",
                &format!("the characteristics of {} were changed or freed (M1)", self.describe()),
            );
        }
    }
}

fn leaks(leaks: &mut Vec<Leak>) {
    for (_, module) in &lock(&REGISTRY).modules {
        let deregistered = module.deregistered.load(Ordering::Acquire);
        let missing = if deregistered { "was not waited for (M7)" } else { "was not deregistered" };
        leaks.push(Leak {
            rule: "MV-1".into(),
            what: format!("{}, which {missing}", module.describe()),
            creator: verifier::locate(module.creator),
        });
    }
}

/// Registers a module and offers it to every module of the other side.
fn register(at: usize, copy: Characteristics, context: PVOID, out: PHANDLE) -> i32 {
    static CHECK: Once = Once::new();
    CHECK.call_once(|| verifier::on_leak_check(leaks));
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    if pool::must_fail() {
        return nt::STATUS_INSUFFICIENT_RESOURCES;
    }
    let module = Arc::new(Module {
        number: NUMBER.fetch_add(1, Ordering::Relaxed),
        at,
        copy,
        context: context as usize,
        deregistered: AtomicBool::new(false),
        creator: crate::cpu::current_call().map_or(0, |call| call.caller),
    });
    let handle = handle::create(module.clone());
    // SAFETY: the driver's output. Callbacks may need the handle, and they may come before this returns (M2).
    unsafe { out.write(handle) };
    let others: Vec<Arc<Module>> = {
        let mut registry = lock(&REGISTRY);
        registry.modules.push((handle as usize, module.clone()));
        let other = |(_, other): &&(usize, Arc<Module>)| {
            other.side() != module.side()
                && !other.deregistered.load(Ordering::Acquire)
                && other.interface() == module.interface()
        };
        registry.modules.iter().filter(other).map(|(_, other)| other.clone()).collect()
    };
    for other in others {
        match module.side() {
            Side::Client => offer(module.clone(), other),
            Side::Provider => offer(other, module.clone()),
        }
    }
    nt::STATUS_SUCCESS
}

/// Whether an instance and its module can be registered.
fn valid(version: u16, length: u16, instance: &NPI_REGISTRATION_INSTANCE) -> bool {
    version == 0
        && usize::from(length) == size_of::<NPI_CLIENT_CHARACTERISTICS>()
        && instance.Version == 0
        && usize::from(instance.Size) == size_of::<NPI_REGISTRATION_INSTANCE>()
        && !instance.NpiId.is_null()
        && !instance.ModuleId.is_null()
}

/// Offers a provider to a client (M3).
fn offer(client: Arc<Module>, provider: Arc<Module>) {
    client.check();
    provider.check();
    let binding = Arc::new(Binding {
        client,
        provider,
        state: Mutex::new(State {
            result: None,
            offering: true,
            handle: 0,
            contexts: [0; 2],
            detach: [Detach::No; 2],
            gone: false,
        }),
    });
    let handle = handle::create(binding.clone());
    lock(&binding.state).handle = handle as usize;
    let Characteristics::Client(table) = &binding.client.copy else { return };
    let Some(attach) = table.ClientAttachProvider else { return };
    let (context, instance) = (binding.client.context as PVOID, binding.provider.instance_at());
    let returned = active::run(Kind::Attach(handle as usize), "ClientAttachProvider", || {
        // SAFETY: the driver's callback with its context and the other side's instance.
        unsafe { attach(handle, context, instance) }
    });
    let attached = {
        let mut state = lock(&binding.state);
        state.offering = false;
        state.result
    };
    match attached {
        None if returned != nt::STATUS_NOINTERFACE => violation(
            "MV-1",
            &format!(
                "ClientAttachProvider returned {returned:#x} without NmrClientAttachProvider; only \
                 STATUS_NOINTERFACE refuses a provider (M3)"
            ),
        ),
        Some(result) if result != returned => violation(
            "MV-1",
            &format!(
                "ClientAttachProvider returned {returned:#x}, but NmrClientAttachProvider had returned {result:#x} (M3)"
            ),
        ),
        _ => {}
    }
    if attached != Some(nt::STATUS_SUCCESS) {
        handle::close::<Binding>(handle);
        return;
    }
    // A side that was deregistered meanwhile does not stay attached.
    if binding.client.deregistered.load(Ordering::Acquire)
        || binding.provider.deregistered.load(Ordering::Acquire)
    {
        detach(&binding);
    }
}

/// Starts to take a binding apart: each side is told once (M5).
fn detach(binding: &Arc<Binding>) {
    for side in [Side::Client, Side::Provider] {
        {
            let mut state = lock(&binding.state);
            if state.detach[side as usize] != Detach::No {
                continue;
            }
            state.detach[side as usize] = Detach::Running;
        }
        let module = if side == Side::Client { &binding.client } else { &binding.provider };
        module.check();
        let context = lock(&binding.state).contexts[side as usize] as PVOID;
        let (name, status) = match &module.copy {
            Characteristics::Client(table) => {
                ("ClientDetachProvider", call(table.ClientDetachProvider, context))
            }
            Characteristics::Provider(table) => {
                ("ProviderDetachClient", call(table.ProviderDetachClient, context))
            }
        };
        let mut state = lock(&binding.state);
        let now = &mut state.detach[side as usize];
        *now = match (status, *now) {
            (nt::STATUS_PENDING, Detach::Early) => Detach::Done,
            (nt::STATUS_PENDING, _) => Detach::Pending,
            (nt::STATUS_SUCCESS, Detach::Early) => violation(
                "MV-1",
                &format!("{name} returned STATUS_SUCCESS after its completion was called (M5)"),
            ),
            (nt::STATUS_SUCCESS, _) => Detach::Done,
            (other, _) => violation(
                "MV-1",
                &format!("{name} returned {other:#x}; it may return STATUS_SUCCESS or STATUS_PENDING (M5)"),
            ),
        };
    }
    clean_up(binding);
}

/// Calls a detach callback.
fn call(function: PNPI_CLIENT_DETACH_PROVIDER_FN, context: PVOID) -> i32 {
    let Some(function) = function else { return nt::STATUS_SUCCESS };
    // SAFETY: the driver's callback with its binding context.
    verifier::callback("the detach callback", || unsafe { function(context) })
}

/// Cleans up once both sides are detached (M6).
fn clean_up(binding: &Arc<Binding>) {
    let (handle, contexts) = {
        let mut state = lock(&binding.state);
        if state.detach != [Detach::Done; 2] || state.gone {
            return;
        }
        state.gone = true;
        (state.handle, state.contexts)
    };
    for (module, context) in [(&binding.client, contexts[0]), (&binding.provider, contexts[1])] {
        let function = match &module.copy {
            Characteristics::Client(table) => table.ClientCleanupBindingContext,
            Characteristics::Provider(table) => table.ProviderCleanupBindingContext,
        };
        if let Some(function) = function {
            // SAFETY: as above.
            verifier::callback("the cleanup callback", || unsafe { function(context as PVOID) });
        }
    }
    handle::close::<Binding>(handle as HANDLE);
    lock(&REGISTRY).bindings.retain(|other| !Arc::ptr_eq(other, binding));
}

/// Completes a detach that a callback left pending.
fn complete(name: &str, binding: HANDLE, side: Side) {
    let Some(binding) = handle::get::<Binding>(binding) else {
        violation("MV-1", &format!("{name} for {binding:p}, which is {} (M5)", handle::describe(binding)));
    };
    {
        let mut state = lock(&binding.state);
        let now = &mut state.detach[side as usize];
        *now = match *now {
            Detach::Pending => Detach::Done,
            Detach::Running => Detach::Early,
            Detach::No | Detach::Early | Detach::Done => {
                violation("MV-1", &format!("{name} for a detach that is not pending (M5)"))
            }
        };
    }
    clean_up(&binding);
}

fn module(name: &str, handle: HANDLE, side: Side) -> Arc<Module> {
    let found = handle::get::<Module>(handle).filter(|module| module.side() == side);
    found.unwrap_or_else(|| {
        violation(
            "MV-1",
            &format!("{name} for {handle:p}, which is {} of another kind", handle::describe(handle)),
        )
    })
}

fn deregister(name: &str, handle: HANDLE, side: Side) -> i32 {
    let module = module(name, handle, side);
    if module.deregistered.swap(true, Ordering::AcqRel) {
        violation("MV-1", &format!("{name} twice for one registration"));
    }
    for binding in bindings(&module) {
        detach(&binding);
    }
    nt::STATUS_PENDING
}

fn bindings(module: &Arc<Module>) -> Vec<Arc<Binding>> {
    let registry = lock(&REGISTRY);
    let of = |binding: &&Arc<Binding>| {
        [&binding.client, &binding.provider].iter().any(|side| side.number == module.number)
    };
    registry.bindings.iter().filter(of).cloned().collect()
}

fn wait(name: &str, handle: HANDLE, side: Side) -> i32 {
    let module = module(name, handle, side);
    if !module.deregistered.load(Ordering::Acquire) {
        return nt::STATUS_INVALID_PARAMETER;
    }
    if active::inside(|kind| matches!(kind, Kind::Attach(_))) {
        violation("MV-1", &format!("{name} in an attach callback waits for that very call"));
    }
    if !schedule::wait(Some(clock::now() + client::hang_limit()), || bindings(&module).is_empty()) {
        violation("MV-1", &format!("{name} never returns: a detach was left pending and not completed (M5)"));
    }
    module.check();
    lock(&REGISTRY).modules.retain(|(_, other)| other.number != module.number);
    handle::close::<Module>(handle);
    nt::STATUS_SUCCESS
}

crate::exports! {
    /// The registrar.
    pub(super) static EXPORTS: "NETIO.SYS", sig ddk::nmr::sig;

    /// Registers a client.
    irql(PASSIVE..=PASSIVE, "MV-1") fn NmrRegisterClient(
        characteristics: PNPI_CLIENT_CHARACTERISTICS, context: PVOID, handle: PHANDLE
    ) -> i32 {
        // SAFETY: the driver's structure; a bad pointer faults and is reported.
        let copy = unsafe { characteristics.read() };
        let complete = copy.ClientAttachProvider.is_some() && copy.ClientDetachProvider.is_some();
        if !complete || !valid(copy.Version, copy.Length, &copy.ClientRegistrationInstance) {
            return nt::STATUS_INVALID_PARAMETER;
        }
        register(characteristics as usize, Characteristics::Client(copy), context, handle)
    }

    /// Registers a provider.
    irql(PASSIVE..=PASSIVE, "MV-1") fn NmrRegisterProvider(
        characteristics: PNPI_PROVIDER_CHARACTERISTICS, context: PVOID, handle: PHANDLE
    ) -> i32 {
        // SAFETY: as above.
        let copy = unsafe { characteristics.read() };
        let complete = copy.ProviderAttachClient.is_some() && copy.ProviderDetachClient.is_some();
        if !complete || !valid(copy.Version, copy.Length, &copy.ProviderRegistrationInstance) {
            return nt::STATUS_INVALID_PARAMETER;
        }
        register(characteristics as usize, Characteristics::Provider(copy), context, handle)
    }

    /// Attaches a client to the provider that it is offered.
    irql(PASSIVE..=PASSIVE, "MV-1") fn NmrClientAttachProvider(
        handle: HANDLE, client_context: PVOID, client_dispatch: *const std::ffi::c_void,
        provider_context: *mut PVOID, provider_dispatch: *mut *const std::ffi::c_void
    ) -> i32 {
        let offered = active::inside(|kind| kind == Kind::Attach(handle as usize));
        let Some(binding) = handle::get::<Binding>(handle).filter(|_| offered) else {
            violation("MV-1", "NmrClientAttachProvider outside the attach callback of this binding (M3)");
        };
        if lock(&binding.state).result.is_some() {
            violation("MV-1", "NmrClientAttachProvider twice in one attach callback (M3)");
        }
        let Characteristics::Provider(table) = &binding.provider.copy else { return nt::STATUS_NOINTERFACE };
        let Some(attach) = table.ProviderAttachClient else { return nt::STATUS_NOINTERFACE };
        let (mut context, mut dispatch) = (std::ptr::null_mut(), std::ptr::null());
        let (outer, instance) = (binding.provider.context as PVOID, binding.client.instance_at());
        let status = verifier::callback("ProviderAttachClient", || {
            let (context, dispatch) = (&raw mut context, &raw mut dispatch);
            // SAFETY: the driver's callback with its context, the other side's instance and outputs.
            unsafe { attach(handle, outer, instance, client_context, client_dispatch, context, dispatch) }
        });
        if status != nt::STATUS_SUCCESS && status != nt::STATUS_NOINTERFACE {
            violation(
                "MV-1",
                &format!("ProviderAttachClient returned {status:#x}, neither STATUS_SUCCESS nor STATUS_NOINTERFACE"),
            );
        }
        let mut state = lock(&binding.state);
        state.result = Some(status);
        if status == nt::STATUS_SUCCESS {
            state.contexts = [client_context as usize, context as usize];
            drop(state);
            lock(&REGISTRY).bindings.push(binding.clone());
            // SAFETY: the driver's outputs. What the provider says is the provider's binding context.
            unsafe {
                provider_context.write(context);
                provider_dispatch.write(dispatch);
            }
        }
        status
    }

    /// Completes a client's detach.
    irql(PASSIVE..=DISPATCH, "MV-1") fn NmrClientDetachProviderComplete(binding: HANDLE) {
        complete("NmrClientDetachProviderComplete", binding, Side::Client);
    }

    /// Completes a provider's detach.
    irql(PASSIVE..=DISPATCH, "MV-1") fn NmrProviderDetachClientComplete(binding: HANDLE) {
        complete("NmrProviderDetachClientComplete", binding, Side::Provider);
    }

    /// Starts to deregister a client.
    irql(PASSIVE..=DISPATCH, "MV-1") fn NmrDeregisterClient(handle: HANDLE) -> i32 {
        deregister("NmrDeregisterClient", handle, Side::Client)
    }

    /// Starts to deregister a provider.
    irql(PASSIVE..=DISPATCH, "MV-1") fn NmrDeregisterProvider(handle: HANDLE) -> i32 {
        deregister("NmrDeregisterProvider", handle, Side::Provider)
    }

    /// Waits until a client has no binding left.
    irql(PASSIVE..=APC, "MV-1") fn NmrWaitForClientDeregisterComplete(handle: HANDLE) -> i32 {
        wait("NmrWaitForClientDeregisterComplete", handle, Side::Client)
    }

    /// Waits until a provider has no binding left.
    irql(PASSIVE..=APC, "MV-1") fn NmrWaitForProviderDeregisterComplete(handle: HANDLE) -> i32 {
        wait("NmrWaitForProviderDeregisterComplete", handle, Side::Provider)
    }
}
