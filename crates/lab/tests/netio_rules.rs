//! Faulty clients of Winsock Kernel, the registrar and IP Helper: each breaks one rule.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod netio_mock;

use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use ddk::inline::IoSetCompletionRoutine;
use ddk::netio::*;
use ddk::nmr::*;
use ddk::nt::*;
use ddk::wsk::*;
use lab::child::{self, Status};
use lab::netio::Completion;
use lab::{Machine, Options, verifier};
use netio_mock::*;

/// Runs each body on a fresh machine in a child that must end because of the rule.
macro_rules! breaks {
    ($($name:ident: $rule:literal $body:block)*) => { $(
        #[test]
        fn $name() {
            child::expect(stringify!($name), Status::Verifier, $rule, || {
                let _machine = start(Completion::Inline);
                $body
                // A violation on another thread gets its time.
                sleep(Duration::from_secs(1));
            });
        }
    )* };
}

/// Runs each body on a fresh machine, which must find something left behind under the rule.
macro_rules! leaves {
    ($($name:ident: $rule:literal $body:block)*) => { $(
        #[test]
        fn $name() {
            let exit = child::run(stringify!($name), || {
                let machine = start(Completion::Inline);
                $body
                machine.finish();
            });
            let found = exit.report.leaks.iter().any(|leak| leak.rule == $rule);
            assert!(child::is_child() || found, "{:?} {}", exit.report.leaks, exit.log);
        }
    )* };
}

fn start(completion: Completion) -> Machine {
    let machine = Machine::new(Options::default());
    lab::netio::set_completion(completion);
    lab::netio::set_hang_limit(Duration::from_millis(200));
    machine
}

fn datagram(client: &Client) -> Datagram {
    client.datagram_socket(AF_INET, null(), 0)
}

/// Starts to receive on a socket with an IRP; nothing will come.
fn wait_with(socket: Datagram, memory: &Memory, irp: PIRP) -> i32 {
    let mut buffer = memory.whole();
    let receive = socket.table().WskReceiveFrom.unwrap();
    // SAFETY: faults of the test are on purpose.
    unsafe { receive(socket.0, &raw mut buffer, 0, null_mut(), null_mut(), null_mut(), null_mut(), irp) }
}

fn send_with(socket: Datagram, mut buffer: WSK_BUF, irp: PIRP) -> i32 {
    let mut to = inet("127.0.0.1:9".parse().unwrap());
    let send = socket.table().WskSendTo.unwrap();
    // SAFETY: as above.
    unsafe { send(socket.0, &raw mut buffer, 0, (&raw mut to).cast(), 0, null_mut(), irp) }
}

unsafe extern "win64" fn takes_nothing_back(_: PDEVICE_OBJECT, _: PIRP, _: PVOID) -> i32 {
    STATUS_SUCCESS
}

unsafe extern "win64" fn deregisters(_: PDEVICE_OBJECT, _: PIRP, context: PVOID) -> i32 {
    call!(wsk, WskDeregister(context.cast()));
    STATUS_MORE_PROCESSING_REQUIRED
}

unsafe extern "win64" fn closes(_: PDEVICE_OBJECT, _: PIRP, context: PVOID) -> i32 {
    close_with(context.cast(), Request::new().irp);
    STATUS_MORE_PROCESSING_REQUIRED
}

// --- Winsock Kernel ----------------------------------------------------------------------------------------

breaks! {
    wv_1_a_release_without_a_capture: "WV-1" {
        let client = Client::new();
        call!(wsk, WskReleaseProviderNPI(client.registration));
        call!(wsk, WskReleaseProviderNPI(client.registration));
    }
    wv_1_a_deregistration_that_a_socket_holds: "WV-1" {
        let client = Client::new();
        datagram(&client);
        client.end();
    }
    wv_1_a_deregistration_that_a_capture_holds: "WV-1" {
        call!(wsk, WskDeregister(Client::new().registration));
    }
    wv_1_a_call_after_the_release: "WV-1" {
        let client = Client::new();
        call!(wsk, WskReleaseProviderNPI(client.registration));
        client.try_socket(WSK_FLAG_DATAGRAM_SOCKET, AF_INET, null(), 0);
    }
    wv_1_a_second_registration_in_one_place: "WV-1" { let _ = register(Client::new().registration); }
    wv_1_a_deregistration_of_nothing: "WV-1" { call!(wsk, WskDeregister(registration())); }
    wv_1_an_endless_wait_in_driver_entry: "WV-1" {
        let registration = registration();
        assert_eq!(register(registration), STATUS_SUCCESS);
        let _ = verifier::callback("DriverEntry", || capture(registration, WSK_INFINITE_WAIT));
    }

    wv_2_no_irp: "WV-2" { close_with(datagram(&Client::new()).0, null_mut()); }
    wv_2_no_completion_routine: "WV-2" { close_with(datagram(&Client::new()).0, irp()); }
    wv_2_a_completion_routine_for_success_alone: "WV-2" {
        let irp = irp();
        // SAFETY: the IRP has a next location.
        unsafe { IoSetCompletionRoutine(irp, Some(takes_nothing_back), null_mut(), true, false, false) };
        close_with(datagram(&Client::new()).0, irp);
    }
    wv_2_a_completion_routine_that_does_not_take_the_irp_back: "WV-2" {
        let irp = irp();
        complete_with(irp, Some(takes_nothing_back), null_mut());
        close_with(datagram(&Client::new()).0, irp);
    }
    wv_2_no_free_stack_location: "WV-2" {
        let request = Request::new();
        // SAFETY: the test's IRP.
        unsafe { (*request.irp).CurrentLocation = 1 };
        close_with(datagram(&Client::new()).0, request.irp);
    }
    wv_2_an_irp_twice_at_once: "WV-2" {
        let (socket, memory, request) = (datagram(&Client::new()), Memory::new(&[&[0; 8]]), Request::new());
        wait_with(socket, &memory, request.irp);
        wait_with(socket, &memory, request.irp);
    }
    wv_2_an_irp_freed_because_the_call_did_not_succeed: "WV-2" {
        let (socket, memory, request) = (datagram(&Client::new()), Memory::new(&[&[0; 8]]), Request::new());
        assert_ne!(wait_with(socket, &memory, request.irp), STATUS_SUCCESS);
        call!(nt::ntddk, ExFreePoolWithTag(request.irp.cast(), TAG));
        lab::netio::kill_sockets();
    }
    wv_2_an_offset_behind_the_first_mdl: "WV-2" {
        let memory = Memory::new(&[&[0; 8], &[0; 8]]);
        send_with(datagram(&Client::new()), memory.buffer(8, 4), Request::new().irp);
    }
    wv_2_a_chain_shorter_than_the_length: "WV-2" {
        let memory = Memory::new(&[&[0; 8], &[0; 8]]);
        send_with(datagram(&Client::new()), memory.buffer(4, 16), Request::new().irp);
    }
    wv_2_an_mdl_that_is_not_built: "WV-2" {
        let memory = Memory::new(&[&[0; 8]]);
        // SAFETY: the test's MDL.
        unsafe { (*memory.mdl).MdlFlags = 0 };
        send_with(datagram(&Client::new()), memory.whole(), Request::new().irp);
    }
    wv_2_a_buffer_freed_before_the_completion: "WV-2" {
        let (socket, memory, request) = (datagram(&Client::new()), Memory::new(&[&[0; 8]]), Request::new());
        wait_with(socket, &memory, request.irp);
        memory.free();
        let host = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        host.send_to(b"late", ("127.0.0.1", socket.port())).unwrap();
    }

    wv_3_an_event_without_a_callback: "WV-3" {
        datagram(&Client::new()).events(WSK_EVENT_RECEIVE_FROM, null_mut());
    }
    wv_3_events_enabled_with_an_irp: "WV-3" {
        listening(ACCEPTS, Completion::Inline).events(WSK_EVENT_RECEIVE_FROM, Request::new().irp);
    }
    wv_3_two_events_disabled_at_once: "WV-3" {
        let events = WSK_EVENT_RECEIVE_FROM | WSK_EVENT_ACCEPT | WSK_EVENT_DISABLE;
        listening(ACCEPTS, Completion::Inline).events(events, null_mut());
    }
    wv_3_an_event_that_returns_what_it_may_not: "WV-3" { feed(listening(FAILS, Completion::Dispatch)); }
    wv_3_a_release_of_what_is_not_kept: "WV-3" {
        let socket = listening(KEEPS, Completion::Dispatch);
        feed(socket);
        release(socket);
        release(socket);
    }

    wv_4_a_socket_closed_twice: "WV-4" {
        let socket = datagram(&Client::new());
        let table = socket.table();
        socket.close();
        // SAFETY: a closed socket, on purpose.
        unsafe { table.WskCloseSocket.unwrap()(socket.0, Request::new().irp) };
    }
    wv_4_a_send_on_a_closed_socket: "WV-4" {
        let (socket, memory) = (datagram(&Client::new()), Memory::new(&[&[0; 8]]));
        let (table, mut buffer) = (socket.table(), memory.whole());
        socket.close();
        let irp = Request::new().irp;
        // SAFETY: as above.
        unsafe { table.WskSendTo.unwrap()(socket.0, &raw mut buffer, 0, null_mut(), 0, null_mut(), irp) };
    }
    wv_4_a_close_while_a_list_is_kept: "WV-4" {
        let socket = listening(KEEPS, Completion::Dispatch);
        feed(socket);
        socket.close();
    }
    wv_4_a_close_while_another_call_runs: "WV-4" {
        let (socket, memory, irp) = (datagram(&Client::new()), Memory::new(&[&[0; 8]]), irp());
        complete_with(irp, Some(closes), socket.0.cast());
        send_with(socket, memory.whole(), irp);
    }

    wv_5_a_deregistration_in_a_completion_routine: "WV-5" {
        let (client, irp) = (Client::new(), irp());
        let socket = datagram(&client);
        complete_with(irp, Some(deregisters), client.registration.cast());
        close_with(socket.0, irp);
    }
    wv_5_a_callback_that_waits_for_its_own_request: "WV-5" { feed(listening(WAITS, Completion::Passive)); }
}

leaves! {
    wv_1_a_registration_left_behind: "WV-1" { Client::new(); }
}

// --- Events of faulty clients ------------------------------------------------------------------------------

const ACCEPTS: usize = 0;
const FAILS: usize = 1;
const KEEPS: usize = 2;
const WAITS: usize = 3;

static KEPT: AtomicPtr<WSK_DATAGRAM_INDICATION> = AtomicPtr::new(null_mut());
static SOCKET: AtomicPtr<WSK_SOCKET> = AtomicPtr::new(null_mut());

unsafe extern "win64" fn event(what: PVOID, _: u32, list: PWSK_DATAGRAM_INDICATION) -> i32 {
    match what as usize {
        FAILS => STATUS_UNSUCCESSFUL,
        KEEPS => {
            KEPT.store(list, Ordering::Release);
            STATUS_PENDING
        }
        WAITS => {
            let (socket, memory) = (Datagram(SOCKET.load(Ordering::Acquire)), Memory::new(&[&[0; 8]]));
            wait_with(socket, &memory, Request::new().irp);
            // SAFETY: an event accepts zeroes until it is initialised.
            let mut event: KEVENT = unsafe { std::mem::zeroed() };
            call!(nt::ntddk, KeInitializeEvent(&raw mut event, _EVENT_TYPE::NotificationEvent, 0));
            call!(nt::ntddk, KeWaitForSingleObject((&raw mut event).cast(), 0, 0, 0, null_mut()))
        }
        _ => STATUS_SUCCESS,
    }
}

static TABLE: WSK_CLIENT_DATAGRAM_DISPATCH =
    WSK_CLIENT_DATAGRAM_DISPATCH { WskReceiveFromEvent: Some(event) };

/// A bound socket whose event does `what`, enabled.
fn listening(what: usize, completion: Completion) -> Datagram {
    lab::netio::set_completion(completion);
    let client = Client::new();
    let socket = client.datagram_socket(AF_INET, (&raw const TABLE).cast(), what);
    SOCKET.store(socket.0, Ordering::Release);
    assert_eq!(socket.events(WSK_EVENT_RECEIVE_FROM, null_mut()), STATUS_SUCCESS);
    socket
}

/// Sends a datagram to a socket and waits until it was told.
fn feed(socket: Datagram) {
    let host = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    host.send_to(b"data", ("127.0.0.1", socket.port())).unwrap();
    for _ in 0..200 {
        sleep(Duration::from_millis(5));
        if !KEPT.load(Ordering::Acquire).is_null() {
            break;
        }
    }
    lab::netio::flush();
}

fn release(socket: Datagram) {
    // SAFETY: the kept list, or one that is not kept any more, on purpose.
    unsafe { socket.table().WskRelease.unwrap()(socket.0, KEPT.load(Ordering::Acquire)) };
}

// --- The registrar -----------------------------------------------------------------------------------------

static ID: NPIID = ddk::guid(0x7777);
static MODULE: NPI_MODULEID = NPI_MODULEID {
    Length: size_of::<NPI_MODULEID>() as u16,
    Type: MIT_GUID,
    u: NPI_MODULEID_u { Guid: ddk::guid(0x8888) },
};

/// How the client's callbacks err, and the binding that it was given last.
static CLIENT: AtomicUsize = AtomicUsize::new(0);
static BINDING: AtomicPtr<std::ffi::c_void> = AtomicPtr::new(null_mut());
static PROVIDER: AtomicPtr<std::ffi::c_void> = AtomicPtr::new(null_mut());

const ATTACHES: usize = 0;
const REFUSES_WRONGLY: usize = 1;
const LIES: usize = 2;
const ATTACHES_TWICE: usize = 3;
const PENDS_FOR_EVER: usize = 4;
const DETACHES_WRONGLY: usize = 5;

unsafe extern "win64" fn client_attach(binding: HANDLE, _: PVOID, _: PNPI_REGISTRATION_INSTANCE) -> i32 {
    BINDING.store(binding, Ordering::Release);
    let attach = || {
        let (mut context, mut dispatch) = (null_mut(), null());
        call!(nmr, NmrClientAttachProvider(binding, null_mut(), null(), &raw mut context, &raw mut dispatch))
    };
    match CLIENT.load(Ordering::Acquire) {
        REFUSES_WRONGLY => STATUS_UNSUCCESSFUL,
        LIES => {
            attach();
            STATUS_NOINTERFACE
        }
        ATTACHES_TWICE => {
            attach();
            attach()
        }
        _ => attach(),
    }
}

unsafe extern "win64" fn client_detach(_: PVOID) -> i32 {
    match CLIENT.load(Ordering::Acquire) {
        PENDS_FOR_EVER => STATUS_PENDING,
        DETACHES_WRONGLY => STATUS_UNSUCCESSFUL,
        _ => STATUS_SUCCESS,
    }
}

unsafe extern "win64" fn provider_attach(
    _: HANDLE,
    _: PVOID,
    _: PNPI_REGISTRATION_INSTANCE,
    _: PVOID,
    _: *const std::ffi::c_void,
    _: *mut PVOID,
    _: *mut *const std::ffi::c_void,
) -> i32 {
    STATUS_SUCCESS
}

unsafe extern "win64" fn provider_detach(_: PVOID) -> i32 {
    STATUS_SUCCESS
}

fn instance() -> NPI_REGISTRATION_INSTANCE {
    NPI_REGISTRATION_INSTANCE {
        Version: 0,
        Size: size_of::<NPI_REGISTRATION_INSTANCE>() as u16,
        NpiId: &raw const ID,
        ModuleId: &raw const MODULE,
        Number: 0,
        NpiSpecificCharacteristics: null(),
    }
}

/// Registers a provider and then a client that errs in the way of `what`; the client's structure and handle.
fn pair(what: usize) -> (*mut NPI_CLIENT_CHARACTERISTICS, HANDLE) {
    CLIENT.store(what, Ordering::Release);
    let length = size_of::<NPI_CLIENT_CHARACTERISTICS>() as u16;
    let provider = Box::leak(Box::new(NPI_PROVIDER_CHARACTERISTICS {
        Version: 0,
        Length: length,
        ProviderAttachClient: Some(provider_attach),
        ProviderDetachClient: Some(provider_detach),
        ProviderCleanupBindingContext: None,
        ProviderRegistrationInstance: instance(),
    }));
    let client = Box::leak(Box::new(NPI_CLIENT_CHARACTERISTICS {
        Version: 0,
        Length: length,
        ClientAttachProvider: Some(client_attach),
        ClientDetachProvider: Some(client_detach),
        ClientCleanupBindingContext: None,
        ClientRegistrationInstance: instance(),
    }));
    let (mut handle, mut other) = (null_mut(), null_mut());
    assert_eq!(call!(nmr, NmrRegisterProvider(provider, null_mut(), &raw mut other)), STATUS_SUCCESS);
    PROVIDER.store(other, Ordering::Release);
    assert_eq!(call!(nmr, NmrRegisterClient(client, null_mut(), &raw mut handle)), STATUS_SUCCESS);
    (client, handle)
}

fn end(client: HANDLE) {
    assert_eq!(call!(nmr, NmrDeregisterClient(client)), STATUS_PENDING);
    assert_eq!(call!(nmr, NmrWaitForClientDeregisterComplete(client)), STATUS_SUCCESS);
}

breaks! {
    mv_1_an_attach_refused_with_another_status: "MV-1" { pair(REFUSES_WRONGLY); }
    mv_1_an_attach_that_hides_its_result: "MV-1" { pair(LIES); }
    mv_1_an_attach_in_one_callback_twice: "MV-1" { pair(ATTACHES_TWICE); }
    mv_1_an_attach_outside_the_callback: "MV-1" {
        pair(ATTACHES);
        let (binding, mut context, mut dispatch) = (BINDING.load(Ordering::Acquire), null_mut(), null());
        let _ = call!(nmr, NmrClientAttachProvider(binding, null_mut(), null(), &raw mut context, &raw mut dispatch));
    }
    mv_1_a_completion_of_a_detach_that_is_not_pending: "MV-1" {
        pair(ATTACHES);
        call!(nmr, NmrClientDetachProviderComplete(BINDING.load(Ordering::Acquire)));
    }
    mv_1_a_completion_after_the_end: "MV-1" {
        end(pair(ATTACHES).1);
        call!(nmr, NmrClientDetachProviderComplete(BINDING.load(Ordering::Acquire)));
    }
    mv_1_a_detach_with_another_status: "MV-1" { end(pair(DETACHES_WRONGLY).1); }
    mv_1_a_detach_that_never_completes: "MV-1" { end(pair(PENDS_FOR_EVER).1); }
    mv_1_a_registration_changed: "MV-1" {
        let (characteristics, client) = pair(ATTACHES);
        // SAFETY: the structure that the test registered.
        unsafe { (*characteristics).ClientRegistrationInstance.Number = 1 };
        end(client);
    }
    mv_1_a_deregistration_twice: "MV-1" {
        let (_, client) = pair(ATTACHES);
        let _ = call!(nmr, NmrDeregisterClient(client));
        let _ = call!(nmr, NmrDeregisterClient(client));
    }
    mv_1_a_registration_at_dispatch: "MV-1" {
        call!(nt::ntddk, KfRaiseIrql(2));
        pair(ATTACHES);
    }
}

leaves! {
    mv_1_a_client_that_does_not_wait: "MV-1" {
        let (_, client) = pair(ATTACHES);
        let _ = call!(nmr, NmrDeregisterClient(client));
    }
}

// --- IP Helper ---------------------------------------------------------------------------------------------

static HANDLE_OF: AtomicPtr<std::ffi::c_void> = AtomicPtr::new(null_mut());

unsafe extern "win64" fn cancels(_: PVOID, _: PMIB_IPINTERFACE_ROW, _: i32) {
    let _ = call!(netio, CancelMibChangeNotify2(HANDLE_OF.load(Ordering::Acquire)));
}

unsafe extern "win64" fn sleeps(_: PVOID, _: PMIB_IPINTERFACE_ROW, _: i32) {
    sleep(Duration::from_secs(60));
}

unsafe extern "win64" fn ignores(_: PVOID, _: PMIB_IPINTERFACE_ROW, _: i32) {}

fn notify(callback: PIPINTERFACE_CHANGE_CALLBACK) -> HANDLE {
    let mut handle = null_mut();
    let status = call!(netio, NotifyIpInterfaceChange(AF_UNSPEC, callback, null_mut(), 0, &raw mut handle));
    assert_eq!(status, STATUS_SUCCESS);
    HANDLE_OF.store(handle, Ordering::Release);
    handle
}

fn change() {
    let adapter = lab::ndis::Adapter::new(lab::ndis::Config::default());
    lab::netio::interface_changed(&adapter, lab::netio::Change::Added);
}

fn table() -> PMIB_IF_TABLE2 {
    let mut table = null_mut();
    assert_eq!(call!(netio, GetIfTable2(&raw mut table)), STATUS_SUCCESS);
    table
}

breaks! {
    hv_1_a_cancel_in_the_callback: "HV-1" {
        notify(Some(cancels));
        change();
    }
    hv_1_a_cancel_twice: "HV-1" {
        let handle = notify(Some(ignores));
        let _ = call!(netio, CancelMibChangeNotify2(handle));
        let _ = call!(netio, CancelMibChangeNotify2(handle));
    }
    hv_1_a_cancel_for_which_the_callback_waits: "HV-1" {
        let handle = notify(Some(sleeps));
        change();
        sleep(Duration::from_millis(100));
        let _ = call!(netio, CancelMibChangeNotify2(handle));
    }
    hv_2_statistics_in_an_oid_callback: "HV-2" { verifier::callback("FilterOidRequest", table); }
    hv_2_statistics_of_one_interface_in_a_pause: "HV-2" {
        // SAFETY: integers only.
        let mut row: MIB_IF_ROW2 = unsafe { std::mem::zeroed() };
        row.InterfaceIndex = 1;
        let _ = verifier::callback("FilterPause", || call!(netio, GetIfEntry2(&raw mut row)));
    }
    hv_3_a_table_at_dispatch: "HV-3" {
        call!(nt::ntddk, KfRaiseIrql(2));
        table();
    }
    hv_3_a_conversion_at_dispatch: "HV-3" {
        let mut luid = NET_LUID { Value: 0 };
        call!(nt::ntddk, KfRaiseIrql(2));
        let _ = call!(netio, ConvertInterfaceIndexToLuid(5, &raw mut luid));
    }
    hv_4_a_table_freed_twice: "HV-4" {
        let table = table();
        call!(netio, FreeMibTable(table.cast()));
        call!(netio, FreeMibTable(table.cast()));
    }
    hv_4_other_memory_freed_as_a_table: "HV-4" {
        let block = call!(nt::ntddk, ExAllocatePool2(0x40, 64, TAG));
        call!(netio, FreeMibTable(block));
    }
    // A table belongs to IP Helper, so this is one of the pool's own rules.
    g_3_a_table_freed_to_the_pool: "G-3" {
        let table = table();
        call!(nt::ntddk, ExFreePool(table.cast()));
    }
}

leaves! {
    hv_1_a_notification_left_behind: "HV-1" { notify(Some(ignores)); }
    hv_4_a_table_left_behind: "HV-4" { table(); }
}

// --- All of them ---------------------------------------------------------------------------------------------

#[test]
fn rules_kept_are_silent() {
    child::test("rules_kept_are_silent", || {
        let machine = start(Completion::Inline);
        end(pair(ATTACHES).1);
        let provider = PROVIDER.load(Ordering::Acquire);
        assert_eq!(call!(nmr, NmrDeregisterProvider(provider)), STATUS_PENDING);
        assert_eq!(call!(nmr, NmrWaitForProviderDeregisterComplete(provider)), STATUS_SUCCESS);
        let handle = notify(Some(ignores));
        change();
        assert_eq!(call!(netio, CancelMibChangeNotify2(handle)), STATUS_SUCCESS);
        call!(netio, FreeMibTable(table().cast()));
        machine.finish();
    });
}
