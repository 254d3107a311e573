//! The network module registrar: who is attached to whom, and how bindings end.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod netio_mock;

use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use ddk::nmr::*;
use ddk::nt::*;
use lab::Machine;
use lab::netio::Completion;
use netio_mock::{call, finish};

static ID: NPIID = ddk::guid(0x7777);
static OTHER: NPIID = ddk::guid(0x7778);
static MODULE: NPI_MODULEID = NPI_MODULEID {
    Length: size_of::<NPI_MODULEID>() as u16,
    Type: MIT_GUID,
    u: NPI_MODULEID_u { Guid: ddk::guid(0x8888) },
};
/// What the modules did, in order, with the number of the client.
static LOG: Mutex<Vec<(&str, usize)>> = Mutex::new(Vec::new());
static BINDINGS: Mutex<Vec<usize>> = Mutex::new(Vec::new());
static PENDS: AtomicBool = AtomicBool::new(false);
static REFUSES: AtomicBool = AtomicBool::new(false);
/// The provider's dispatch table, of which only the address matters.
static DISPATCH: u64 = 7;

fn log(what: &'static str, client: usize) {
    LOG.lock().unwrap().push((what, client));
}

fn logged() -> Vec<(&'static str, usize)> {
    lab::netio::flush();
    std::mem::take(&mut *LOG.lock().unwrap())
}

unsafe extern "win64" fn client_attach(
    binding: HANDLE,
    client: PVOID,
    provider: PNPI_REGISTRATION_INSTANCE,
) -> i32 {
    // SAFETY: the registrar passes the provider's registration.
    unsafe { assert_eq!((*(*provider).NpiId).Data4, ID.Data4) };
    if REFUSES.load(Ordering::Acquire) {
        log("refused", client as usize);
        return STATUS_NOINTERFACE;
    }
    let (mut context, mut dispatch) = (null_mut(), null());
    let status =
        call!(nmr, NmrClientAttachProvider(binding, client, null(), &raw mut context, &raw mut dispatch));
    if status == STATUS_SUCCESS {
        assert!(std::ptr::eq(dispatch, (&raw const DISPATCH).cast()));
        BINDINGS.lock().unwrap().push(binding as usize);
        log("client attached", client as usize);
    }
    status
}

unsafe extern "win64" fn client_detach(client: PVOID) -> i32 {
    log("client detaches", client as usize);
    if PENDS.load(Ordering::Acquire) { STATUS_PENDING } else { STATUS_SUCCESS }
}

unsafe extern "win64" fn client_cleanup(client: PVOID) {
    log("client cleaned up", client as usize);
}

unsafe extern "win64" fn provider_attach(
    _: HANDLE,
    _: PVOID,
    _: PNPI_REGISTRATION_INSTANCE,
    client: PVOID,
    _: *const c_void,
    context: *mut PVOID,
    dispatch: *mut *const c_void,
) -> i32 {
    log("provider attached", client as usize);
    // SAFETY: the registrar's variables.
    unsafe {
        *context = client;
        *dispatch = (&raw const DISPATCH).cast();
    }
    STATUS_SUCCESS
}

unsafe extern "win64" fn provider_detach(client: PVOID) -> i32 {
    log("provider detaches", client as usize);
    STATUS_SUCCESS
}

fn instance(id: &'static NPIID) -> NPI_REGISTRATION_INSTANCE {
    NPI_REGISTRATION_INSTANCE {
        Version: 0,
        Size: size_of::<NPI_REGISTRATION_INSTANCE>() as u16,
        NpiId: id,
        ModuleId: &raw const MODULE,
        Number: 0,
        NpiSpecificCharacteristics: null(),
    }
}

fn provider(id: &'static NPIID) -> HANDLE {
    let provider = Box::leak(Box::new(NPI_PROVIDER_CHARACTERISTICS {
        Version: 0,
        Length: size_of::<NPI_PROVIDER_CHARACTERISTICS>() as u16,
        ProviderAttachClient: Some(provider_attach),
        ProviderDetachClient: Some(provider_detach),
        ProviderCleanupBindingContext: None,
        ProviderRegistrationInstance: instance(id),
    }));
    let mut handle = null_mut();
    assert_eq!(call!(nmr, NmrRegisterProvider(provider, null_mut(), &raw mut handle)), STATUS_SUCCESS);
    handle
}

fn client(number: usize) -> HANDLE {
    let client = Box::leak(Box::new(NPI_CLIENT_CHARACTERISTICS {
        Version: 0,
        Length: size_of::<NPI_CLIENT_CHARACTERISTICS>() as u16,
        ClientAttachProvider: Some(client_attach),
        ClientDetachProvider: Some(client_detach),
        ClientCleanupBindingContext: Some(client_cleanup),
        ClientRegistrationInstance: instance(&ID),
    }));
    let mut handle = null_mut();
    assert_eq!(call!(nmr, NmrRegisterClient(client, number as PVOID, &raw mut handle)), STATUS_SUCCESS);
    handle
}

fn start() -> Machine {
    let machine = Machine::new(lab::Options::default());
    lab::netio::set_completion(Completion::Inline);
    machine
}

fn end_client(client: HANDLE) {
    assert_eq!(call!(nmr, NmrDeregisterClient(client)), STATUS_PENDING);
    assert_eq!(call!(nmr, NmrWaitForClientDeregisterComplete(client)), STATUS_SUCCESS);
}

fn end_provider(provider: HANDLE) {
    assert_eq!(call!(nmr, NmrDeregisterProvider(provider)), STATUS_PENDING);
    assert_eq!(call!(nmr, NmrWaitForProviderDeregisterComplete(provider)), STATUS_SUCCESS);
}

#[test]
fn a_late_provider_is_attached_to_every_client() {
    lab::child::test("a_late_provider_is_attached_to_every_client", || {
        let machine = start();
        let other = provider(&OTHER);
        let clients = [client(1), client(2)];
        assert_eq!(logged(), [], "no provider of their interface yet");
        let late = provider(&ID);
        let attached = logged();
        for number in [1, 2] {
            let own: Vec<_> =
                attached.iter().filter(|(_, client)| *client == number).map(|(what, _)| *what).collect();
            assert_eq!(own, ["provider attached", "client attached"], "client {number}");
        }
        end_client(clients[0]);
        let mut detached = logged();
        assert_eq!(detached.pop(), Some(("client cleaned up", 1)), "the clean-up comes last");
        detached.sort_unstable();
        assert_eq!(detached, [("client detaches", 1), ("provider detaches", 1)]);
        end_provider(late);
        let detached = logged();
        assert!(detached.iter().all(|(_, client)| *client == 2) && detached.len() == 3, "{detached:?}");
        let again = provider(&ID);
        assert_eq!(
            logged(),
            [("provider attached", 2), ("client attached", 2)],
            "a provider that comes back"
        );
        end_client(clients[1]);
        end_provider(again);
        end_provider(other);
        finish(machine);
    });
}

#[test]
fn a_detach_that_pends_ends_when_it_is_completed() {
    lab::child::test("a_detach_that_pends_ends_when_it_is_completed", || {
        let machine = start();
        let (provider, client) = (provider(&ID), client(3));
        PENDS.store(true, Ordering::Release);
        logged();
        assert_eq!(call!(nmr, NmrDeregisterClient(client)), STATUS_PENDING);
        let before = logged();
        assert!(before.contains(&("client detaches", 3)), "{before:?}");
        assert!(!before.contains(&("client cleaned up", 3)), "the binding is still in use");
        let binding = BINDINGS.lock().unwrap().pop().expect("was attached");
        call!(nmr, NmrClientDetachProviderComplete(binding as HANDLE));
        assert_eq!(call!(nmr, NmrWaitForClientDeregisterComplete(client)), STATUS_SUCCESS);
        assert_eq!(logged().last(), Some(&("client cleaned up", 3)));
        end_provider(provider);
        finish(machine);
    });
}

#[test]
fn a_client_may_refuse_a_provider() {
    lab::child::test("a_client_may_refuse_a_provider", || {
        let machine = start();
        REFUSES.store(true, Ordering::Release);
        let (client, provider) = (client(4), provider(&ID));
        assert_eq!(logged(), [("refused", 4)]);
        end_client(client);
        end_provider(provider);
        assert_eq!(logged(), [], "there was no binding to end");
        finish(machine);
    });
}
