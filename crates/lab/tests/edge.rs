//! Real captures through the edge and a pass-through filter: nothing is lost or changed, and ALE is asked
//! as on Windows.

mod ndis_mock;

use std::ffi::c_void;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ddk::fwp::*;
use ddk::ndis::NET_BUFFER_LIST;
use ddk::nt::*;
use etherparse::PacketBuilder;
use lab::capture::Capture;
use lab::child;
use lab::edge::{Process, ProcessMap};
use lab::fwp::exports::{
    FwpmCalloutAdd0, FwpmEngineClose0, FwpmEngineOpen0, FwpmFilterAdd0, FwpsCalloutRegister2,
    FwpsCalloutUnregisterById0,
};
use lab::ndis::{Attributes, Behaviour, Giving, Shape, Split};
use lab::replay::{self, Fate, Frame, Level, Options, Report, Vlan};
use ndis_mock::Fault;

/// What the callout saw in one classify.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    layer: u16,
    app: String,
    pid: u64,
    user_len: u8,
    protocol: u8,
    local: IpAddr,
    remote: Option<IpAddr>,
    ports: (u16, u16),
    irql: u8,
    /// First bytes of the packet, if one was shown.
    data: Option<Vec<u8>>,
    flags: u32,
}

static SEEN: Mutex<Vec<Seen>> = Mutex::new(Vec::new());

const LAYERS: [(i32, GUID); 10] = [
    (FWPS_LAYER_ALE_AUTH_CONNECT_V4, FWPM_LAYER_ALE_AUTH_CONNECT_V4),
    (FWPS_LAYER_ALE_AUTH_CONNECT_V6, FWPM_LAYER_ALE_AUTH_CONNECT_V6),
    (FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4, FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4),
    (FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V6, FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V6),
    (FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4, FWPM_LAYER_ALE_FLOW_ESTABLISHED_V4),
    (FWPS_LAYER_ALE_FLOW_ESTABLISHED_V6, FWPM_LAYER_ALE_FLOW_ESTABLISHED_V6),
    (FWPS_LAYER_ALE_RESOURCE_RELEASE_V4, FWPM_LAYER_ALE_RESOURCE_RELEASE_V4),
    (FWPS_LAYER_ALE_RESOURCE_RELEASE_V6, FWPM_LAYER_ALE_RESOURCE_RELEASE_V6),
    (FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V4, FWPM_LAYER_ALE_ENDPOINT_CLOSURE_V4),
    (FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V6, FWPM_LAYER_ALE_ENDPOINT_CLOSURE_V6),
];

const CONNECT_V4: u16 = FWPS_LAYER_ALE_AUTH_CONNECT_V4 as u16;
const ACCEPT_V4: u16 = FWPS_LAYER_ALE_AUTH_RECV_ACCEPT_V4 as u16;
const ESTABLISHED_V4: u16 = FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4 as u16;
const RELEASE_V4: u16 = FWPS_LAYER_ALE_RESOURCE_RELEASE_V4 as u16;
const CLOSURE_V4: u16 = FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V4 as u16;

/// Records what it is shown, and blocks the authorisation of processes whose name begins with "blocked".
unsafe extern "win64" fn classify(
    values: *const FWPS_INCOMING_VALUES0,
    meta: *const FWPS_INCOMING_METADATA_VALUES0,
    data: *mut c_void,
    _: *const c_void,
    _: *const FWPS_FILTER2,
    _: u64,
    out: *mut FWPS_CLASSIFY_OUT0,
) {
    // SAFETY: the lab calls with valid arguments, and the fields are read by the types that the contract
    // gives.
    unsafe {
        let (layer, count) = ((*values).layerId, (*values).valueCount as usize);
        let fields = std::slice::from_raw_parts((*values).incomingValue, count);
        let address = |index: usize| match fields[index].value.r#type {
            FWP_UINT32 => IpAddr::V4(Ipv4Addr::from_bits(fields[index].value.u.uint32)),
            FWP_BYTE_ARRAY16_TYPE => {
                IpAddr::V6(Ipv6Addr::from((*fields[index].value.u.byteArray16).byteArray16))
            }
            other => panic!("type {other} of an address"),
        };
        let blob = &*fields[0].value.u.byteBlob;
        assert_eq!((fields[0].value.r#type, blob.size % 2), (FWP_BYTE_BLOB_TYPE, 0));
        let units = std::slice::from_raw_parts(blob.data.cast::<u16>(), blob.size as usize / 2);
        assert_eq!(units.last(), Some(&0), "NUL-terminated");
        let app = String::from_utf16_lossy(&units[..units.len() - 1]);
        assert_eq!(fields[1].value.r#type, FWP_TOKEN_ACCESS_INFORMATION_TYPE);
        let token = (*fields[1].value.u.tokenAccessInformation).data.cast::<TOKEN_ACCESS_INFORMATION>();
        let sid = (*(*(*token).SidHash).SidAttr).Sid.cast::<u8>();
        let release = layer == RELEASE_V4 || layer == RELEASE_V4 + 1;
        // A socket that closes has no other end if it talked to several.
        let closure = layer == CLOSURE_V4 || layer == CLOSURE_V4 + 1;
        let alone = release || closure && fields[6].value.r#type == FWP_EMPTY;
        let flags_at = match layer {
            CONNECT_V4 | 50 => Some(12),
            ACCEPT_V4 | 46 => Some(11),
            _ => None,
        };
        let flags = flags_at.map_or(0, |at| fields[at].value.u.uint32);
        let data = data.cast::<NET_BUFFER_LIST>().as_ref().map(|list| {
            let nb = &*list.FirstNetBuffer;
            let start = (*nb.CurrentMdl).MappedSystemVa.cast::<u8>().add(nb.CurrentMdlOffset as usize);
            std::slice::from_raw_parts(start, (nb.DataLength as usize).min(8)).to_vec()
        });
        assert!(FWPS_IS_METADATA_FIELD_PRESENT(&*meta, FWPS_METADATA_FIELD_PROCESS_ID));
        let blocked = app.contains(r"\blocked");
        SEEN.lock().unwrap().push(Seen {
            layer,
            app,
            pid: (*meta).processId,
            user_len: *sid.add(1),
            protocol: fields[5].value.u.uint8,
            local: address(2),
            remote: (!alone).then(|| address(6)),
            ports: (fields[4].value.u.uint16, if alone { 0 } else { fields[7].value.u.uint16 }),
            irql: lab::cpu::irql(),
            data,
            flags,
        });
        (*out).actionType = FWP_ACTION_PERMIT;
        if blocked && matches!(layer, CONNECT_V4 | 50 | ACCEPT_V4 | 46) {
            (*out).actionType = FWP_ACTION_BLOCK;
            (*out).rights &= !FWPS_RIGHT_ACTION_WRITE;
        }
    }
}

unsafe extern "win64" fn notify(_: i32, _: *const GUID, _: *mut FWPS_FILTER2) -> i32 {
    0
}

/// Callouts and filters at all ten layers; undone by [`Callouts::close`].
struct Callouts {
    engine: HANDLE,
    ids: Vec<u32>,
}

impl Callouts {
    fn open() -> Self {
        let name: &'static [u16] = &[b'e' as u16, 0];
        let display =
            || FWPM_DISPLAY_DATA0 { name: name.as_ptr().cast_mut(), description: std::ptr::null_mut() };
        let mut engine = std::ptr::null_mut();
        let mut ids = Vec::new();
        // SAFETY: valid structures on this stack.
        unsafe {
            let mut session: FWPM_SESSION0 = std::mem::zeroed();
            session.flags = FWPM_SESSION_FLAG_DYNAMIC;
            let status = FwpmEngineOpen0(
                std::ptr::null(),
                10,
                std::ptr::null_mut(),
                &raw const session,
                &raw mut engine,
            );
            assert_eq!(status, 0);
            for (id, layer) in LAYERS {
                let key = ddk::guid(0xabc0_0000 + id as u128);
                let mut callout: FWPM_CALLOUT0 = std::mem::zeroed();
                callout.calloutKey = key;
                callout.displayData = display();
                callout.applicableLayer = layer;
                let none = std::ptr::null_mut();
                assert_eq!(FwpmCalloutAdd0(engine, &raw const callout, none, std::ptr::null_mut()), 0);
                let mut filter: FWPM_FILTER0 = std::mem::zeroed();
                filter.displayData = display();
                filter.layerKey = layer;
                filter.action.r#type = FWP_ACTION_CALLOUT_TERMINATING;
                filter.action.u.calloutKey = key;
                assert_eq!(FwpmFilterAdd0(engine, &raw const filter, none, std::ptr::null_mut()), 0);
                let registration = FWPS_CALLOUT2 {
                    calloutKey: key,
                    flags: 0,
                    classifyFn: Some(classify),
                    notifyFn: Some(notify),
                    flowDeleteFn: None,
                };
                let mut number = 0;
                let device = (&raw mut number).cast();
                assert_eq!(FwpsCalloutRegister2(device, &raw const registration, &raw mut number), 0);
                ids.push(number);
            }
        }
        Self { engine, ids }
    }

    fn close(self) {
        // SAFETY: the session and the registrations are this object's.
        unsafe {
            assert_eq!(FwpmEngineClose0(self.engine), 0);
            for id in self.ids {
                assert_eq!(FwpsCalloutUnregisterById0(id), 0);
            }
        }
    }
}

/// Boots, replays `frames` through one adapter with the pass-through filter and the callouts, and ends the
/// machine.
fn replay_frames(frames: &[Frame], options: &Options) -> (Report, Vec<Seen>) {
    let (machine, adapter, _) = ndis_mock::start(Fault::None);
    let callouts = Callouts::open();
    let report = replay::run(&[adapter], frames, options, |_| {});
    callouts.close();
    ndis_mock::stop(machine);
    (report, std::mem::take(&mut *SEEN.lock().unwrap()))
}

fn processes(rules: &str) -> ProcessMap {
    ProcessMap::from_toml(rules).expect("a valid map")
}

const US: [u8; 4] = [10, 0, 0, 1];
const THEM: [u8; 4] = [10, 0, 0, 2];

fn ethernet(sent: bool) -> etherparse::PacketBuilderStep<etherparse::Ethernet2Header> {
    let (a, b) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
    if sent { PacketBuilder::ethernet2(a, b) } else { PacketBuilder::ethernet2(b, a) }
}

fn frame(number: u64, data: Vec<u8>) -> Frame {
    Frame { adapter: 0, timestamp: number * 1_000_000, data, outbound: None }
}

fn tcp(number: u64, sent: bool, flags: &str) -> Frame {
    let (from, to, source, destination) = if sent { (US, THEM, 40000, 80) } else { (THEM, US, 80, 40000) };
    let mut builder = ethernet(sent).ipv4(from, to, 64).tcp(source, destination, 1, 1000);
    for flag in flags.chars() {
        builder = match flag {
            'S' => builder.syn(),
            'A' => builder.ack(1),
            'F' => builder.fin(),
            'R' => builder.rst(),
            _ => unreachable!("no such flag"),
        };
    }
    let mut data = Vec::new();
    builder.write(&mut data, &[]).unwrap();
    frame(number, data)
}

fn udp(number: u64, sent: bool, port: u16) -> Frame {
    let (from, to, source, destination) =
        if sent { (US, THEM, 50000, port) } else { (THEM, US, port, 50000) };
    let mut data = Vec::new();
    ethernet(sent).ipv4(from, to, 64).udp(source, destination).write(&mut data, &[9; 20]).unwrap();
    frame(number, data)
}

fn connection() -> Vec<Frame> {
    let script = [
        (true, "S"),
        (false, "SA"),
        (true, "A"),
        (true, "A"),
        (false, "A"),
        (true, "FA"),
        (false, "FA"),
        (true, "A"),
        (false, "A"),
    ];
    script.iter().enumerate().map(|(number, &(sent, flags))| tcp(number as u64, sent, flags)).collect()
}

fn ours() -> Options {
    Options { local: vec![US.into()], ..Options::default() }
}

#[test]
fn a_connection_is_asked_for_established_and_closed_once() {
    child::test("a_connection_is_asked_for_established_and_closed_once", || {
        let map =
            "[[process]]\npath='C:\\Tools\\Curl.EXE'\npid=77\nuser='S-1-5-21-1-2-3-1001'\nremote-port=80";
        let (report, seen) = replay_frames(&connection(), &Options { processes: processes(map), ..ours() });
        let layers: Vec<u16> = seen.iter().map(|seen| seen.layer).collect();
        assert_eq!(layers, [CONNECT_V4, ESTABLISHED_V4, CLOSURE_V4, RELEASE_V4]);
        let first = &seen[0];
        assert_eq!(first.app, r"\device\harddiskvolume3\tools\curl.exe");
        assert_eq!((first.pid, first.user_len, first.protocol, first.ports), (77, 5, 6, (40000, 80)));
        assert_eq!((first.local, first.remote), (US.into(), Some(THEM.into())));
        // In the thread that connects, before there is a packet; the handshake ends in the receive path.
        assert_eq!((first.irql, first.data.as_ref(), first.flags), (0, None, 0));
        assert_eq!(seen[1].irql, 2);
        let fates: Vec<bool> = report.fates.iter().map(|fate| *fate == Fate::Wire).collect();
        assert_eq!(fates, [true, false, true, true, false, true, false, true, false]);
        assert!(report.fates.iter().all(Fate::passed));
    });
}

#[test]
fn a_blocked_connect_sends_nothing_and_delivers_nothing() {
    child::test("a_blocked_connect_sends_nothing_and_delivers_nothing", || {
        let map = "[[process]]\npath='C:\\blocked.exe'\npid=1\nremote-port=80";
        let mut frames = connection();
        frames.push(udp(20, true, 53));
        let (report, seen) = replay_frames(&frames, &Options { processes: processes(map), ..ours() });
        let (udp, connection) = report.fates.split_last().unwrap();
        assert_eq!(*udp, Fate::Wire);
        assert!(
            connection.iter().all(|fate| *fate == Fate::BlockedByAle { layer: "ALE_AUTH_CONNECT".into() })
        );
        assert_eq!(report.passed.len(), 1);
        assert_eq!((report.ale.connects, report.ale.connects_blocked), (2, 1));
        assert_eq!(seen.iter().filter(|seen| seen.layer == ESTABLISHED_V4).count(), 1, "only UDP");
    });
}

#[test]
fn a_blocked_accept_delivers_nothing() {
    child::test("a_blocked_accept_delivers_nothing", || {
        let map = "[[process]]\npath='C:\\blocked.exe'\npid=1\nlocal-port=50000\nprotocol='udp'";
        let frames = [udp(0, false, 53), udp(1, true, 53), udp(2, false, 53)];
        let (report, seen) = replay_frames(&frames, &Options { processes: processes(map), ..ours() });
        assert!(
            report.fates.iter().all(|f| *f == Fate::BlockedByAle { layer: "ALE_AUTH_RECV_ACCEPT".into() })
        );
        // Every datagram of a blocked flow tries again; the answer of the other side is not another try.
        assert_eq!((report.ale.accepts, report.ale.accepts_blocked), (2, 2));
        // The socket itself exists, and is closed in the end.
        let layers: Vec<(u16, u8)> = seen.iter().map(|seen| (seen.layer, seen.irql)).collect();
        assert_eq!(layers, [(ACCEPT_V4, 2), (ACCEPT_V4, 2), (CLOSURE_V4, 0), (RELEASE_V4, 0)]);
        // Inbound packets are shown from their payload on.
        assert_eq!(seen[0].data.as_deref(), Some(&[9; 8][..]));
    });
}

#[test]
fn datagrams_are_shown_and_forwarded_traffic_is_nobodys() {
    child::test("datagrams_are_shown_and_forwarded_traffic_is_nobodys", || {
        let mut foreign = Vec::new();
        ethernet(false).ipv4([1, 1, 1, 1], [2, 2, 2, 2], 9).udp(1, 2).write(&mut foreign, &[1]).unwrap();
        let frames = [udp(0, true, 53), udp(1, false, 53), frame(2, foreign), udp(3, true, 99)];
        let (report, seen) = replay_frames(&frames, &ours());
        let connects: Vec<&Seen> = seen.iter().filter(|seen| seen.layer == CONNECT_V4).collect();
        assert_eq!(connects.len(), 2, "one for each flow");
        // Outbound packets are shown from their transport header on.
        assert_eq!(
            connects[0].data.as_deref(),
            Some(&[0xc3, 0x50, 0, 53, 0, 28][..]).map(|d| {
                assert_eq!(&connects[0].data.as_ref().unwrap()[..6], d);
                connects[0].data.as_deref().unwrap()
            })
        );
        assert_eq!((connects[0].app.as_str(), connects[0].pid), ("system", Process::default().pid));
        assert_eq!(report.ale.accepts, 0);
        assert_eq!(report.fates[2], Fate::Delivered);
    });
}

#[test]
fn icmp_shows_type_and_code_and_an_echo_is_one_flow() {
    child::test("icmp_shows_type_and_code_and_an_echo_is_one_flow", || {
        let (mut request, mut reply) = (Vec::new(), Vec::new());
        ethernet(true).ipv4(US, THEM, 64).icmpv4_echo_request(7, 1).write(&mut request, &[1; 8]).unwrap();
        ethernet(false).ipv4(THEM, US, 64).icmpv4_echo_reply(7, 1).write(&mut reply, &[1; 8]).unwrap();
        let (report, seen) = replay_frames(&[frame(0, request), frame(1, reply)], &ours());
        assert_eq!((report.ale.connects, report.ale.accepts), (1, 0));
        assert_eq!((seen[0].protocol, seen[0].ports), (1, (8, 0)));
        assert_eq!(seen[0].data.as_ref().map(|data| data[0]), Some(8), "the ICMP header");
    });
}

#[test]
fn a_connection_older_than_the_capture_is_reauthorised() {
    child::test("a_connection_older_than_the_capture_is_reauthorised", || {
        let frames = [tcp(0, false, "A"), tcp(1, true, "A"), tcp(2, false, "R")];
        let (report, seen) = replay_frames(&frames, &ours());
        let layers: Vec<u16> = seen.iter().map(|seen| seen.layer).collect();
        assert_eq!(layers, [CONNECT_V4, CLOSURE_V4, RELEASE_V4], "the higher port connected");
        assert_eq!(seen[0].flags & 4, 4, "IS_REAUTHORIZE");
        assert_eq!(report.ale.established, 0);
    });
}

#[test]
fn an_idle_flow_ends_and_the_next_packet_asks_again() {
    child::test("an_idle_flow_ends_and_the_next_packet_asks_again", || {
        let mut late = udp(0, true, 53);
        late.timestamp = 100_000_000_000;
        let (report, _) = replay_frames(&[udp(0, true, 53), udp(1, false, 53), late], &ours());
        assert_eq!((report.ale.connects, report.ale.accepts), (2, 0));
    });
}

#[test]
fn the_first_speaker_of_two_is_taken_for_us() {
    child::test("the_first_speaker_of_two_is_taken_for_us", || {
        let adapters = [lab::ndis::Adapter::new(lab::ndis::Config::default())];
        for _ in 0..20 {
            assert_eq!(replay::local_addresses(&adapters, &connection()), [IpAddr::from(US)]);
        }
        let mut marked = connection();
        marked[1].outbound = Some(true);
        assert_eq!(replay::local_addresses(&adapters, &marked), [IpAddr::from(THEM)]);
    });
}

#[derive(serde::Deserialize)]
struct Recording {
    capture: String,
    local: Vec<IpAddr>,
}

/// Every recorded capture with its local addresses.
fn recordings() -> Vec<(PathBuf, Vec<IpAddr>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(&directory).expect("tests/data").flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "toml") {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            let recording: Recording =
                toml::from_str(&text).unwrap_or_else(|e| panic!("{:?}: {e}", entry.path()));
            all.push((directory.join(recording.capture), recording.local));
        }
    }
    assert!(all.len() > 10, "the captures are missing");
    all.sort();
    all
}

#[test]
fn every_recorded_capture_passes_byte_for_byte_in_every_manner() {
    child::test("every_recorded_capture_passes_byte_for_byte_in_every_manner", || {
        let manners = [
            Options::default(),
            Options { batch: 32, buffers: 4, level: Level::Dispatch, ..Options::default() },
            Options {
                batch: 7,
                shape: Shape { lead: 14, split: Split::Random { seed: 3 }, empty_mdls: true },
                vlan: Vlan::InBand,
                resources_every: Some(2),
                level: Level::Mixed,
                seed: 5,
                ..Options::default()
            },
        ];
        let machine = lab::Machine::new(lab::Options::default());
        let callouts = Callouts::open();
        let captures: Vec<_> = recordings()
            .into_iter()
            .map(|(path, local)| {
                (Capture::load(&path).unwrap_or_else(|e| panic!("{path:?}: {e}")), local, path)
            })
            .collect();
        let machines: Vec<_> =
            captures.iter().map(|(capture, ..)| replay::adapters(&capture.interfaces)).collect();
        assert_eq!(ndis_mock::register_with(ndis_mock::characteristics()), 0);
        for ((capture, local, path), adapters) in captures.iter().zip(&machines) {
            let frames: Vec<Frame> = capture.frames.iter().map(Frame::from).collect();
            for adapter in adapters {
                adapter.restart(Attributes::General).expect("restart");
            }
            for (number, manner) in manners.iter().enumerate() {
                let options = Options { local: local.clone(), ..manner.clone() };
                let report = replay::run(adapters, &frames, &options, |_| {});
                let held = report.fates.iter().position(|fate| !fate.passed());
                assert_eq!(held, None, "{path:?}, manner {number}: {:?}", held.map(|at| &report.fates[at]));
                assert!(
                    report.passed.iter().all(|passed| passed.changed.is_none()),
                    "{path:?}, manner {number}"
                );
                let order: Vec<Option<usize>> = report.passed.iter().map(|passed| passed.index).collect();
                assert_eq!(
                    order,
                    (0..frames.len()).map(Some).collect::<Vec<_>>(),
                    "{path:?}, manner {number}"
                );
                assert!(!report.fates.contains(&Fate::Held));
            }
            for adapter in adapters {
                adapter.pause();
            }
        }
        callouts.close();
        ndis_mock::stop(machine);
    });
}

#[test]
fn delayed_completions_settle_in_the_end() {
    child::test("delayed_completions_settle_in_the_end", || {
        let (machine, adapter, _) = ndis_mock::start(Fault::None);
        adapter.behave(Behaviour { sends: Giving::OnRequest, receives: Giving::OnRequest });
        let report = replay::run(std::slice::from_ref(&adapter), &connection(), &ours(), |_| {});
        assert!(report.fates.iter().all(Fate::passed));
        adapter.pause();
        ndis_mock::stop(machine);
    });
}
