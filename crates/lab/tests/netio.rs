//! Clients of Winsock Kernel in host Rust, over the host's loopback: what they get, and what they may not do.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod netio_mock;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::ptr::{null, null_mut};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ddk::netio::*;
use ddk::nt::*;
use ddk::wsk::*;
use lab::child;
use lab::netio::Completion;
use lab::{Machine, Options, cpu};
use netio_mock::*;

const MODES: [Completion; 5] = [
    Completion::Inline,
    Completion::Dispatch,
    Completion::Passive,
    Completion::Mixed(1),
    Completion::Mixed(2),
];

/// Runs `body` on a fresh machine in each mode, each in a child of its own that must be clean.
#[track_caller]
fn clean(name: &str, body: impl Fn()) {
    for (i, mode) in MODES.into_iter().enumerate() {
        child::test(&format!("{name}#{i}"), || {
            let machine = Machine::new(Options::default());
            lab::netio::set_completion(mode);
            body();
            finish(machine);
        });
    }
}

/// Waits until `condition` holds.
#[track_caller]
fn until(condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < end, "it does not come");
        sleep(Duration::from_millis(1));
    }
}

fn collector(family: u16) -> UdpSocket {
    let socket = UdpSocket::bind(loopback(family)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket
}

fn receive(socket: &UdpSocket) -> (Vec<u8>, u16) {
    let mut bytes = vec![0; 70_000];
    let (length, from) = socket.recv_from(&mut bytes).unwrap();
    bytes.truncate(length);
    (bytes, from.port())
}

#[test]
fn datagrams_reach_a_collector_and_its_answers_come_back() {
    clean("datagrams_reach_a_collector_and_its_answers_come_back", || {
        for family in [AF_INET, AF_INET6] {
            let (client, host) = (Client::new(), collector(family));
            let to = host.local_addr().unwrap();
            let socket = client.datagram_socket(family, null(), 0);
            let memory = Memory::new(&[b"one", b"-", b"message"]);
            let end = socket.send_to(memory.whole(), to);
            assert_eq!((end.status, end.information), (STATUS_SUCCESS, 11));
            assert_eq!(receive(&host), (b"one-message".to_vec(), socket.port()));
            // An offset inside the first MDL and a length inside the last one.
            assert_eq!(socket.send_to(memory.buffer(2, 4), to).information, 4);
            assert_eq!(receive(&host).0, b"e-me");
            // A receive that waits, over two MDLs, and one that finds the data.
            for early in [true, false] {
                let answer = Memory::new(&[&[0; 4], &[0; 60]]);
                let (mut buffer, mut from) = (answer.whole(), inet(loopback(family)));
                if !early {
                    host.send_to(b"answer", (to.ip(), socket.port())).unwrap();
                    sleep(Duration::from_millis(20));
                }
                let request = socket.receive(&mut buffer, &mut from);
                if early {
                    sleep(Duration::from_millis(20));
                    assert!(!request.is_complete());
                    host.send_to(b"answer", (to.ip(), socket.port())).unwrap();
                }
                let end = request.wait();
                assert_eq!((end.status, end.information), (STATUS_SUCCESS, 6));
                assert_eq!((&answer.bytes()[..7], port(&from)), (b"answer\0".as_slice(), to.port()));
                answer.free();
            }
            memory.free();
            socket.close();
            client.end();
        }
    });
}

#[test]
fn completions_come_at_the_level_that_was_asked_for() {
    for (i, (mode, irql)) in
        [(Completion::Dispatch, cpu::DISPATCH), (Completion::Passive, cpu::PASSIVE)].into_iter().enumerate()
    {
        child::test(&format!("completions_come_at_the_level_that_was_asked_for#{i}"), || {
            let machine = Machine::new(Options::default());
            lab::netio::set_completion(mode);
            let client = Client::new();
            let end = client.try_socket(WSK_FLAG_DATAGRAM_SOCKET, AF_INET, null(), 0);
            assert_eq!((end.status, end.irql), (STATUS_SUCCESS, irql));
            close(end.information as PWSK_SOCKET);
            client.end();
            finish(machine);
        });
    }
}

#[test]
fn datagrams_are_sent_in_order() {
    clean("datagrams_are_sent_in_order", || {
        let (client, host) = (Client::new(), collector(AF_INET));
        let socket = client.datagram_socket(AF_INET, null(), 0);
        let mut to = inet(host.local_addr().unwrap());
        let send = socket.table().WskSendTo.unwrap();
        let mut pending = Vec::new();
        for i in 0..50u8 {
            let memory = Memory::new(&[&[i]]);
            let (mut buffer, request) = (memory.whole(), Request::new());
            // SAFETY: what the request needs lives until it is complete, the buffer's copy excepted.
            unsafe { send(socket.0, &raw mut buffer, 0, (&raw mut to).cast(), 0, null_mut(), request.irp) };
            pending.push((memory, request));
        }
        for i in 0..50u8 {
            assert_eq!(receive(&host).0, [i]);
        }
        for (memory, request) in pending {
            assert_eq!(request.wait().status, STATUS_SUCCESS);
            memory.free();
        }
        socket.close();
        client.end();
    });
}

#[test]
fn one_call_sends_several_datagrams() {
    clean("one_call_sends_several_datagrams", || {
        let (client, host) = (Client::new(), collector(AF_INET));
        let socket = client.datagram_socket(AF_INET, null(), 0);
        let memory = Memory::new(&[b"abcdef"]);
        let mut second = WSK_BUF_LIST { Next: null_mut(), Buffer: memory.buffer(4, 2) };
        let mut first = WSK_BUF_LIST { Next: &raw mut second, Buffer: memory.buffer(0, 4) };
        let mut to = inet(host.local_addr().unwrap());
        let send = socket.table().WskSendMessages.unwrap();
        let end = request(|irp| {
            // SAFETY: the list and the address live until the request is complete.
            unsafe { send(socket.0, &raw mut first, 0, (&raw mut to).cast(), 0, null_mut(), irp) }
        });
        assert_eq!((end.status, end.information), (STATUS_SUCCESS, 6));
        assert_eq!((receive(&host).0, receive(&host).0), (b"abcd".to_vec(), b"ef".to_vec()));
        memory.free();
        socket.close();
        client.end();
    });
}

#[test]
fn a_fixed_destination_needs_no_address() {
    clean("a_fixed_destination_needs_no_address", || {
        let (client, host) = (Client::new(), collector(AF_INET));
        let socket = client.datagram_socket(AF_INET, null(), 0);
        let memory = Memory::new(&[b"x"]);
        let send = |to: PSOCKADDR| {
            let (send, mut buffer) = (socket.table().WskSendTo.unwrap(), memory.whole());
            // SAFETY: as above.
            request(|irp| unsafe { send(socket.0, &raw mut buffer, 0, to, 0, null_mut(), irp) }).status
        };
        assert_eq!(send(null_mut()), STATUS_INVALID_PARAMETER);
        let mut to = inet(host.local_addr().unwrap());
        let control = socket.table().WskControlSocket.unwrap();
        let end = request(|irp| {
            let (input, size) = ((&raw mut to).cast(), size_of::<SOCKADDR_IN>() as u64);
            // SAFETY: as above.
            unsafe {
                control(
                    socket.0,
                    WskIoctl,
                    SIO_WSK_SET_SENDTO_ADDRESS,
                    0,
                    size,
                    input,
                    0,
                    null_mut(),
                    null_mut(),
                    irp,
                )
            }
        });
        assert_eq!(end.status, STATUS_SUCCESS);
        assert_eq!(send(null_mut()), STATUS_SUCCESS);
        assert_eq!(receive(&host).0, b"x");
        memory.free();
        socket.close();
        client.end();
    });
}

#[test]
fn nothing_leaves_the_loopback() {
    clean("nothing_leaves_the_loopback", || {
        let client = Client::new();
        let socket = Datagram(client.socket(WSK_FLAG_DATAGRAM_SOCKET, AF_INET, null(), 0));
        let memory = Memory::new(&[b"x"]);
        let elsewhere = "192.0.2.1:4739".parse().unwrap();
        assert_eq!(socket.send_to(memory.whole(), elsewhere).status, STATUS_INVALID_DEVICE_STATE);
        assert_eq!(socket.bind(elsewhere).status, STATUS_INVALID_ADDRESS_COMPONENT);
        assert_eq!(socket.bind("0.0.0.0:0".parse().unwrap()).status, STATUS_SUCCESS);
        assert_eq!(socket.bind(loopback(AF_INET)).status, STATUS_ADDRESS_ALREADY_ASSOCIATED);
        assert_eq!(socket.send_to(memory.whole(), elsewhere).status, STATUS_NETWORK_UNREACHABLE);
        let host = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        let other = client.datagram_socket(AF_INET, null(), 0);
        assert_eq!(other.bind(host.local_addr().unwrap()).status, STATUS_ADDRESS_ALREADY_ASSOCIATED);
        let third = Datagram(client.socket(WSK_FLAG_DATAGRAM_SOCKET, AF_INET, null(), 0));
        assert_eq!(third.bind(host.local_addr().unwrap()).status, STATUS_ADDRESS_ALREADY_EXISTS);
        for socket in [socket, other, third] {
            socket.close();
        }
        memory.free();
        client.end();
    });
}

#[test]
fn a_close_cancels_what_waits() {
    clean("a_close_cancels_what_waits", || {
        let client = Client::new();
        let socket = client.datagram_socket(AF_INET, null(), 0);
        let memory = Memory::new(&[&[0; 16]]);
        let (mut buffer, mut from) = (memory.whole(), inet(loopback(AF_INET)));
        let waiting = socket.receive(&mut buffer, &mut from);
        socket.close();
        assert!(waiting.is_complete(), "a close completes after the requests of the socket");
        assert_eq!(waiting.wait().status, STATUS_CANCELLED);
        memory.free();
        client.end();
    });
}

#[test]
fn a_request_that_waits_can_be_cancelled() {
    clean("a_request_that_waits_can_be_cancelled", || {
        let client = Client::new();
        let socket = client.datagram_socket(AF_INET, null(), 0);
        let memory = Memory::new(&[&[0; 16]]);
        let (mut buffer, mut from) = (memory.whole(), inet(loopback(AF_INET)));
        let waiting = socket.receive(&mut buffer, &mut from);
        let irp = waiting.irp as usize;
        assert!(lab::netio::cancel(irp));
        assert_eq!(waiting.wait().status, STATUS_CANCELLED);
        assert!(!lab::netio::cancel(irp));
        memory.free();
        socket.close();
        client.end();
    });
}

#[test]
fn a_transport_that_dies_takes_its_sockets() {
    clean("a_transport_that_dies_takes_its_sockets", || {
        let client = Client::new();
        let table = WSK_CLIENT_DATAGRAM_DISPATCH { WskReceiveFromEvent: Some(receive_from_event) };
        let socket = client.datagram_socket(AF_INET, (&raw const table).cast(), 0);
        assert_eq!(socket.events(WSK_EVENT_RECEIVE_FROM, null_mut()), STATUS_SUCCESS);
        let memory = Memory::new(&[&[0; 16]]);
        let (mut buffer, mut from) = (memory.whole(), inet(loopback(AF_INET)));
        let waiting = socket.receive(&mut buffer, &mut from);
        lab::netio::kill_sockets();
        assert_eq!(waiting.wait().status, STATUS_FILE_FORCED_CLOSED);
        until(|| DEAD.load(Ordering::Acquire) == 1);
        assert_eq!(socket.send_to(memory.whole(), loopback(AF_INET)).status, STATUS_FILE_FORCED_CLOSED);
        memory.free();
        socket.close();
        client.end();
    });
}

#[test]
fn the_subsystem_comes_when_it_is_ready() {
    clean("the_subsystem_comes_when_it_is_ready", || {
        lab::netio::set_ready(false);
        let registration = registration();
        assert_eq!(register(registration), STATUS_SUCCESS);
        assert_eq!(capture(registration, WSK_NO_WAIT).err(), Some(STATUS_DEVICE_NOT_READY));
        assert_eq!(capture(registration, 20).err(), Some(STATUS_DEVICE_NOT_READY));
        // SAFETY: integers only.
        let mut versions: WSK_PROVIDER_CHARACTERISTICS = unsafe { std::mem::zeroed() };
        let mut query = || call!(wsk, WskQueryProviderCharacteristics(registration, &raw mut versions));
        assert_eq!(query(), STATUS_DEVICE_NOT_READY);
        std::thread::spawn(|| {
            sleep(Duration::from_millis(50));
            lab::netio::set_ready(true);
        });
        capture(registration, WSK_INFINITE_WAIT).unwrap();
        assert_eq!(query(), STATUS_SUCCESS);
        assert_eq!((versions.LowestVersion, versions.HighestVersion), (0x100, 0x100));
        // Captures nest.
        capture(registration, WSK_NO_WAIT).unwrap();
        call!(wsk, WskReleaseProviderNPI(registration));
        call!(wsk, WskReleaseProviderNPI(registration));
        call!(wsk, WskDeregister(registration));
        assert_eq!(capture(registration, WSK_NO_WAIT).err(), Some(STATUS_DEVICE_NOT_READY));
    });
}

#[test]
fn failures_are_reported_through_the_irp() {
    clean("failures_are_reported_through_the_irp", || {
        let client = Client::new();
        lab::netio::fail_next("WskSocket", STATUS_INSUFFICIENT_RESOURCES);
        let end = client.try_socket(WSK_FLAG_DATAGRAM_SOCKET, AF_INET, null(), 0);
        assert_eq!(end.status, STATUS_INSUFFICIENT_RESOURCES);
        assert_eq!(client.try_socket(16, AF_INET, null(), 0).status, STATUS_NOT_SUPPORTED);
        // A deregistration ends what waits for the list of transports.
        // SAFETY: the captured provider's table.
        let control = unsafe { (*client.npi.Dispatch).WskControlClient }.unwrap();
        let waiting = Request::new();
        let none = (0, null_mut(), 0, null_mut(), null_mut());
        let code = WSK_TRANSPORT_LIST_CHANGE;
        // SAFETY: as above.
        let status =
            unsafe { control(client.npi.Client, code, none.0, none.1, none.2, none.3, none.4, waiting.irp) };
        assert_eq!(status, STATUS_PENDING);
        client.end();
        assert_eq!(waiting.wait().status, STATUS_CANCELLED);
    });
}

// --- Events ------------------------------------------------------------------------------------------------

static DEAD: AtomicU32 = AtomicU32::new(0);
static SEEN: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
static KEPT: AtomicUsize = AtomicUsize::new(0);
static ANSWER: AtomicI32 = AtomicI32::new(STATUS_SUCCESS);

/// The bytes of a buffer that is one MDL.
fn bytes_of(buffer: &WSK_BUF) -> Vec<u8> {
    // SAFETY: an indication's MDL is mapped.
    unsafe {
        let start = (*buffer.Mdl).MappedSystemVa.cast::<u8>().add(buffer.Offset as usize);
        std::slice::from_raw_parts(start, buffer.Length as usize).to_vec()
    }
}

unsafe extern "win64" fn receive_from_event(_: PVOID, flags: u32, list: PWSK_DATAGRAM_INDICATION) -> i32 {
    assert_eq!(flags & WSK_FLAG_AT_DISPATCH_LEVEL != 0, cpu::irql() == cpu::DISPATCH);
    if list.is_null() {
        DEAD.fetch_add(1, Ordering::AcqRel);
        return STATUS_SUCCESS;
    }
    // SAFETY: an indication that lives for the call.
    unsafe {
        assert!((*list).Next.is_null());
        assert_eq!((*(*list).RemoteAddress).sa_family, AF_INET);
        SEEN.lock().unwrap().push(bytes_of(&(*list).Buffer));
    }
    let answer = ANSWER.load(Ordering::Acquire);
    if answer == STATUS_PENDING {
        KEPT.store(list as usize, Ordering::Release);
    }
    answer
}

static DATAGRAM_TABLE: WSK_CLIENT_DATAGRAM_DISPATCH =
    WSK_CLIENT_DATAGRAM_DISPATCH { WskReceiveFromEvent: Some(receive_from_event) };

/// A bound socket with the event enabled, and a host socket that sends to it.
fn listener(client: &Client) -> (Datagram, UdpSocket) {
    let socket = client.datagram_socket(AF_INET, (&raw const DATAGRAM_TABLE).cast(), 0);
    assert_eq!(socket.events(WSK_EVENT_RECEIVE_FROM, null_mut()), STATUS_SUCCESS);
    let host = collector(AF_INET);
    host.connect(("127.0.0.1", socket.port())).unwrap();
    (socket, host)
}

fn seen(count: usize) {
    until(|| SEEN.lock().unwrap().len() == count);
}

#[test]
fn events_tell_of_datagrams() {
    clean("events_tell_of_datagrams", || {
        let client = Client::new();
        let unbound =
            Datagram(client.socket(WSK_FLAG_DATAGRAM_SOCKET, AF_INET, (&raw const DATAGRAM_TABLE).cast(), 0));
        assert_eq!(unbound.events(WSK_EVENT_RECEIVE_FROM, null_mut()), STATUS_INVALID_DEVICE_STATE);
        unbound.close();
        let (socket, host) = listener(&client);
        for i in 0..20 {
            host.send(&[i; 3]).unwrap();
        }
        seen(20);
        assert!(SEEN.lock().unwrap().iter().enumerate().all(|(i, bytes)| *bytes == [i as u8; 3]));
        // Kept, and given back.
        ANSWER.store(STATUS_PENDING, Ordering::Release);
        host.send(b"keep me").unwrap();
        seen(21);
        until(|| KEPT.load(Ordering::Acquire) != 0);
        lab::netio::flush();
        let list = KEPT.load(Ordering::Acquire) as PWSK_DATAGRAM_INDICATION;
        // SAFETY: the list is kept.
        assert_eq!(bytes_of(unsafe { &(*list).Buffer }), b"keep me");
        // SAFETY: as above.
        assert_eq!(unsafe { socket.table().WskRelease.unwrap()(socket.0, list) }, STATUS_SUCCESS);
        // Not accepted: the event is off, and the datagram is there for a receive.
        ANSWER.store(STATUS_DATA_NOT_ACCEPTED, Ordering::Release);
        host.send(b"later").unwrap();
        seen(22);
        lab::netio::flush();
        host.send(b"more").unwrap();
        for expected in [b"later".as_slice(), b"more"] {
            let memory = Memory::new(&[&[0; 16]]);
            let (mut buffer, mut from) = (memory.whole(), inet(loopback(AF_INET)));
            assert_eq!(socket.receive(&mut buffer, &mut from).wait().information, expected.len() as u64);
            assert_eq!(&memory.bytes()[..expected.len()], expected);
            memory.free();
        }
        ANSWER.store(STATUS_SUCCESS, Ordering::Release);
        assert_eq!(socket.events(WSK_EVENT_RECEIVE_FROM, null_mut()), STATUS_SUCCESS);
        host.send(b"again").unwrap();
        seen(23);
        let end = request(|irp| socket.events(WSK_EVENT_RECEIVE_FROM | WSK_EVENT_DISABLE, irp));
        assert_eq!(end.status, STATUS_SUCCESS);
        host.send(b"nobody sees this").unwrap();
        sleep(Duration::from_millis(50));
        seen(23);
        socket.close();
        client.end();
    });
}

#[test]
fn events_can_be_enabled_for_a_whole_client() {
    clean("events_can_be_enabled_for_a_whole_client", || {
        let client = Client::new();
        let id = NPI_WSK_INTERFACE_ID;
        let mut events =
            WSK_EVENT_CALLBACK_CONTROL { NpiId: &raw const id, EventMask: WSK_EVENT_RECEIVE_FROM };
        // SAFETY: the captured provider's table; the input lives for the call.
        let status = unsafe {
            let control = (*client.npi.Dispatch).WskControlClient.unwrap();
            let (size, input) = (size_of_val(&events) as u64, (&raw mut events).cast());
            let code = WSK_SET_STATIC_EVENT_CALLBACKS;
            control(client.npi.Client, code, size, input, 0, null_mut(), null_mut(), null_mut())
        };
        assert_eq!(status, STATUS_SUCCESS);
        let socket = client.datagram_socket(AF_INET, (&raw const DATAGRAM_TABLE).cast(), 0);
        let host = collector(AF_INET);
        host.send_to(b"hello", ("127.0.0.1", socket.port())).unwrap();
        seen(1);
        socket.close();
        client.end();
    });
}

// --- Streams -----------------------------------------------------------------------------------------------

fn connection(socket: PWSK_SOCKET) -> &'static WSK_PROVIDER_CONNECTION_DISPATCH {
    // SAFETY: a connection socket has this table, which stays.
    unsafe { &*(*socket).Dispatch.cast() }
}

fn connect(client: &Client, to: std::net::SocketAddr, table: *const WSK_CLIENT_CONNECTION_DISPATCH) -> End {
    let (mut local, mut to) = (inet(loopback(AF_INET)), inet(to));
    // SAFETY: the captured provider's table; the addresses live until the request is complete.
    request(|irp| unsafe {
        (*client.npi.Dispatch).WskSocketConnect.unwrap()(
            client.npi.Client,
            SOCK_STREAM,
            IPPROTO_TCP as u32,
            (&raw mut local).cast(),
            (&raw mut to).cast(),
            0,
            null_mut(),
            table,
            null_mut(),
            null_mut(),
            null_mut(),
            irp,
        )
    })
}

fn send(socket: PWSK_SOCKET, bytes: &[u8]) {
    let memory = Memory::new(&[bytes]);
    let mut buffer = memory.whole();
    // SAFETY: the buffer lives until the request is complete.
    let end = request(|irp| unsafe { connection(socket).WskSend.unwrap()(socket, &raw mut buffer, 0, irp) });
    assert_eq!((end.status, end.information), (STATUS_SUCCESS, bytes.len() as u64));
    memory.free();
}

fn receive_stream(socket: PWSK_SOCKET, length: usize, flags: u32) -> Vec<u8> {
    let memory = Memory::new(&[&vec![0; length]]);
    let mut buffer = memory.whole();
    // SAFETY: as above.
    let end =
        request(|irp| unsafe { connection(socket).WskReceive.unwrap()(socket, &raw mut buffer, flags, irp) });
    assert_eq!(end.status, STATUS_SUCCESS);
    let mut bytes = memory.bytes();
    bytes.truncate(end.information as usize);
    memory.free();
    bytes
}

fn disconnect(socket: PWSK_SOCKET, flags: u32) {
    // SAFETY: a graceful end without last data.
    let end =
        request(|irp| unsafe { connection(socket).WskDisconnect.unwrap()(socket, null_mut(), flags, irp) });
    assert_eq!(end.status, STATUS_SUCCESS);
}

#[test]
fn a_connection_carries_a_stream_both_ways() {
    clean("a_connection_carries_a_stream_both_ways", || {
        let client = Client::new();
        let host = TcpListener::bind("127.0.0.1:0").unwrap();
        let end = connect(&client, host.local_addr().unwrap(), null());
        assert_eq!(end.status, STATUS_SUCCESS);
        let (socket, mut peer) = (end.information as PWSK_SOCKET, host.accept().unwrap().0);
        let mut remote = inet(loopback(AF_INET));
        let get = connection(socket).WskGetRemoteAddress.unwrap();
        // SAFETY: the output lives until the request is complete.
        let end = request(|irp| unsafe { get(socket, (&raw mut remote).cast(), irp) });
        assert_eq!((end.status, port(&remote)), (STATUS_SUCCESS, host.local_addr().unwrap().port()));
        // More than the host takes at once: the send waits until the peer reads.
        let large: Vec<u8> = (0..8_000_000u32).map(|i| (i % 251) as u8).collect();
        let expected = large.clone();
        let reader = std::thread::spawn(move || {
            let mut read = vec![0; expected.len()];
            peer.read_exact(&mut read).unwrap();
            assert!(read == expected);
            peer
        });
        send(socket, &large);
        let mut peer = reader.join().unwrap();
        peer.write_all(b"hel").unwrap();
        let writer = std::thread::spawn(move || {
            sleep(Duration::from_millis(30));
            peer.write_all(b"lo").unwrap();
            peer
        });
        assert_eq!(receive_stream(socket, 5, WSK_FLAG_WAITALL), b"hello");
        let mut peer = writer.join().unwrap();
        disconnect(socket, 0);
        assert_eq!(peer.read(&mut [0; 8]).unwrap(), 0);
        peer.write_all(b"half open").unwrap();
        assert_eq!(receive_stream(socket, 9, WSK_FLAG_WAITALL), b"half open");
        drop(peer);
        assert_eq!(receive_stream(socket, 9, 0), b"");
        close(socket);
        client.end();
    });
}

#[test]
fn a_refused_connection_leaves_no_socket() {
    clean("a_refused_connection_leaves_no_socket", || {
        let client = Client::new();
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(connect(&client, nobody, null()).status, STATUS_CONNECTION_REFUSED);
        client.end();
    });
}

#[test]
fn a_close_resets_a_connection_that_still_stands() {
    clean("a_close_resets_a_connection_that_still_stands", || {
        let client = Client::new();
        let host = TcpListener::bind("127.0.0.1:0").unwrap();
        for abortive in [false, true] {
            let socket = connect(&client, host.local_addr().unwrap(), null()).information as PWSK_SOCKET;
            let mut peer = host.accept().unwrap().0;
            if abortive {
                disconnect(socket, WSK_FLAG_ABORTIVE);
            }
            close(socket);
            assert_eq!(peer.read(&mut [0; 8]).unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
        }
        client.end();
    });
}

#[test]
fn a_listening_socket_accepts() {
    clean("a_listening_socket_accepts", || {
        let client = Client::new();
        let socket = client.socket(WSK_FLAG_LISTEN_SOCKET, AF_INET, null(), 0);
        // SAFETY: a listening socket has this table, which stays.
        let table: &WSK_PROVIDER_LISTEN_DISPATCH = unsafe { &*(*socket).Dispatch.cast() };
        let mut local = inet(loopback(AF_INET));
        // SAFETY: the addresses live until the requests are complete.
        let end = request(|irp| unsafe { table.WskBind.unwrap()(socket, (&raw mut local).cast(), 0, irp) });
        assert_eq!(end.status, STATUS_SUCCESS);
        // SAFETY: as above.
        request(|irp| unsafe { table.WskGetLocalAddress.unwrap()(socket, (&raw mut local).cast(), irp) });
        let at = ("127.0.0.1", port(&local));
        let peer = std::thread::spawn(move || {
            sleep(Duration::from_millis(30));
            let mut peer = TcpStream::connect(at).unwrap();
            peer.write_all(b"hi").unwrap();
            peer
        });
        let mut remote = inet(loopback(AF_INET));
        let end = request(|irp| {
            let (accept, remote) = (table.WskAccept.unwrap(), (&raw mut remote).cast());
            // SAFETY: as above.
            unsafe { accept(socket, 0, null_mut(), null(), null_mut(), remote, irp) }
        });
        assert_eq!(end.status, STATUS_SUCCESS);
        let (accepted, peer) = (end.information as PWSK_SOCKET, peer.join().unwrap());
        assert_eq!(port(&remote), peer.local_addr().unwrap().port());
        assert_eq!(receive_stream(accepted, 2, WSK_FLAG_WAITALL), b"hi");
        close(accepted);
        close(socket);
        client.end();
    });
}

static STREAM: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static ENDED: AtomicU32 = AtomicU32::new(0);
static ACCEPTED: AtomicUsize = AtomicUsize::new(0);

unsafe extern "win64" fn receive_event(
    _: PVOID,
    _: u32,
    list: PWSK_DATA_INDICATION,
    length: u64,
    accepted: *mut u64,
) -> i32 {
    // SAFETY: an indication that lives for the call.
    unsafe {
        let bytes = bytes_of(&(*list).Buffer);
        assert_eq!(bytes.len() as u64, length);
        // Only the first byte of what starts with a question mark.
        let take = if bytes[0] == b'?' { 1 } else { bytes.len() };
        STREAM.lock().unwrap().extend_from_slice(&bytes[..take]);
        accepted.write(take as u64);
    }
    STATUS_SUCCESS
}

unsafe extern "win64" fn disconnect_event(_: PVOID, flags: u32) -> i32 {
    assert_eq!(flags & WSK_FLAG_ABORTIVE, 0);
    ENDED.fetch_add(1, Ordering::AcqRel);
    STATUS_SUCCESS
}

unsafe extern "win64" fn accept_event(
    _: PVOID,
    _: u32,
    _: PSOCKADDR,
    remote: PSOCKADDR,
    socket: PWSK_SOCKET,
    context: *mut PVOID,
    table: *mut *const WSK_CLIENT_CONNECTION_DISPATCH,
) -> i32 {
    // SAFETY: arguments that live for the call.
    unsafe {
        assert_eq!((*remote).sa_family, AF_INET);
        context.write(null_mut());
        table.write(&raw const CONNECTION_TABLE);
    }
    ACCEPTED.store(socket as usize, Ordering::Release);
    STATUS_SUCCESS
}

static CONNECTION_TABLE: WSK_CLIENT_CONNECTION_DISPATCH = WSK_CLIENT_CONNECTION_DISPATCH {
    WskReceiveEvent: Some(receive_event),
    WskDisconnectEvent: Some(disconnect_event),
    WskSendBacklogEvent: None,
};
static LISTEN_TABLE: WSK_CLIENT_LISTEN_DISPATCH = WSK_CLIENT_LISTEN_DISPATCH {
    WskAcceptEvent: Some(accept_event),
    WskInspectEvent: None,
    WskAbortEvent: None,
};

#[test]
fn events_tell_of_connections_and_data() {
    clean("events_tell_of_connections_and_data", || {
        let client = Client::new();
        let tables = (&raw const LISTEN_TABLE, &raw const CONNECTION_TABLE);
        let tables = WSK_CLIENT_STREAM_DISPATCH { Listen: tables.0, Connect: tables.1 };
        let socket = client.socket(WSK_FLAG_STREAM_SOCKET, AF_INET, (&raw const tables).cast(), 0);
        // SAFETY: a stream socket has this table, which stays.
        let table: &WSK_PROVIDER_STREAM_DISPATCH = unsafe { &*(*socket).Dispatch.cast() };
        let mut local = inet(loopback(AF_INET));
        // SAFETY: the address lives until the requests are complete.
        unsafe {
            let address = (&raw mut local).cast();
            assert_eq!(
                request(|irp| table.WskListen.unwrap()(socket, irp)).status,
                STATUS_INVALID_DEVICE_STATE
            );
            assert_eq!(request(|irp| table.WskBind.unwrap()(socket, address, 0, irp)).status, STATUS_SUCCESS);
            assert_eq!(request(|irp| table.WskListen.unwrap()(socket, irp)).status, STATUS_SUCCESS);
            request(|irp| table.WskGetLocalAddress.unwrap()(socket, address, irp));
        }
        assert_eq!(events(socket, WSK_EVENT_ACCEPT, null_mut()), STATUS_SUCCESS);
        let mut peer = TcpStream::connect(("127.0.0.1", port(&local))).unwrap();
        until(|| ACCEPTED.load(Ordering::Acquire) != 0);
        lab::netio::flush();
        let accepted = ACCEPTED.load(Ordering::Acquire) as PWSK_SOCKET;
        assert_eq!(events(accepted, WSK_EVENT_RECEIVE | WSK_EVENT_DISCONNECT, null_mut()), STATUS_SUCCESS);
        peer.write_all(b"data").unwrap();
        until(|| *STREAM.lock().unwrap() == b"data");
        // Part of the data is left for a receive, after which events come again.
        peer.write_all(b"?rest").unwrap();
        until(|| STREAM.lock().unwrap().len() == 5);
        lab::netio::flush();
        peer.write_all(b"!").unwrap();
        assert_eq!(receive_stream(accepted, 4, WSK_FLAG_WAITALL), b"rest");
        until(|| STREAM.lock().unwrap().ends_with(b"!"));
        drop(peer);
        until(|| ENDED.load(Ordering::Acquire) == 1);
        close(accepted);
        close(socket);
        client.end();
    });
}
