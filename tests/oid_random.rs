//! Promise: every OID and every status that the headers know, and ten thousand requests made up at random, pass the driver
//! byte for byte, in whichever order the miniport completes them, cancelled or not.
#![allow(non_upper_case_globals, reason = "constants in patterns carry the names of the C headers")]

mod support;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use ddk::ndis::*;
use lab::child::{self, Status};
use lab::cpu::{DISPATCH, PASSIVE, at_irql};
use lab::ndis::{Adapter, Attributes, Completion, Config, Issued, OidAnswer, OidRequest, Path};
use lab::schedule::Random;
use lab::{Machine, Options, verifier};
use support::observer::Observer;
use support::{boot_with_adapter, start};

const REQUESTS: usize = 10_000;
/// Direct requests under way at once at most.
const DIRECT: usize = 12;
/// One in so many requests pends on a thread of its own, which takes a while.
const ON_A_THREAD: u64 = 200;
/// What is counted of them.
const COUNTED: [&str; 5] =
    ["regular requests", "direct ones", "synchronous ones", "completed out of order", "cancelled"];
/// The final statuses of the miniport.
const STATUSES: [NDIS_STATUS; 7] = [
    NDIS_STATUS_SUCCESS,
    NDIS_STATUS_SUCCESS,
    NDIS_STATUS_SUCCESS,
    NDIS_STATUS_NOT_SUPPORTED,
    NDIS_STATUS_BUFFER_TOO_SHORT,
    NDIS_STATUS_INVALID_LENGTH,
    NDIS_STATUS_FAILURE,
];

/// The constants of a header in the bindings whose names begin with `prefix`, with their values.
fn constants(source: &str, prefix: &str) -> Vec<(String, u32)> {
    let constant = |line: &str| {
        let (name, rest) = line.strip_prefix("pub const ")?.split_once(": ")?;
        let value = rest.split_once("= ")?.1.trim_end_matches(';');
        let value = value.strip_prefix("0x").map(|hex| u32::from_str_radix(hex, 16));
        name.starts_with(prefix).then_some((name.to_owned(), value?.ok()?))
    };
    source.lines().filter_map(constant).collect()
}

/// Every OID that the bindings name.
fn oids() -> Vec<u32> {
    let all = constants(include_str!("../crates/ddk/src/ndis/oid_constants.rs"), "OID_");
    assert!(all.len() > 100, "only {} OIDs", all.len());
    all.into_iter().map(|(_, value)| value).collect()
}

/// Every status that can be indicated: an informational one of NDIS.
fn statuses() -> Vec<NDIS_STATUS> {
    let all = constants(include_str!("../crates/ddk/src/ndis/status.rs"), "NDIS_STATUS_");
    let informational = |value: &u32| matches!(value >> 16, 0x4001..=0x4003 | 0x4023);
    let mut all: Vec<_> = all.into_iter().map(|(_, value)| value).filter(informational).collect();
    // Codes of the documentation that the bindings do not name.
    all.extend([0x4001_0022, 0x4003_0053]);
    all.sort_unstable();
    all.dedup();
    assert!(all.len() > 30, "only {} status codes", all.len());
    all.into_iter().map(u32::cast_signed).collect()
}

/// What the miniport got and what it answered, by the requests' numbers.
type Seen = Arc<Mutex<HashMap<usize, (OidRequest, OidAnswer)>>>;

/// Lets the miniport answer something else for each request, and write down both.
fn respond(adapter: &Adapter, seed: u64) -> Seen {
    let seen = Seen::default();
    let log = seen.clone();
    adapter.answer_oids(move |request| {
        // SAFETY: the miniport has the request, whose buffer is the requester's. It does not know how it came.
        let got = unsafe { OidRequest::read(request, Path::Regular) };
        let mut random = Random::part(seed, got.id as u64);
        let status = *random.pick(&STATUSES);
        let length = got.input.len().max(got.room);
        let mut buffer = got.input.clone();
        buffer.resize(length, 0xaa);
        let limit = if got.kind == NdisRequestSetInformation { got.input.len() } else { got.room };
        let written = random.below(limit as u64 + 1) as u32;
        if got.kind != NdisRequestSetInformation && status == NDIS_STATUS_SUCCESS {
            buffer[..written as usize].iter_mut().for_each(|byte| *byte = random.number() as u8);
        }
        let (needed, revision) = (random.below(1_000) as u32, random.below(9) as u8);
        let read = if got.kind == NdisRequestMethod {
            random.below(got.input.len() as u64 + 1) as u32
        } else {
            written
        };
        request.SupportedRevision = revision;
        // SAFETY: the buffer has this length; the members of the union are made of integers and pointers.
        unsafe {
            let target = if got.kind == NdisRequestMethod {
                let data = &mut request.DATA.METHOD_INFORMATION;
                (data.BytesWritten, data.BytesRead, data.BytesNeeded) = (written, read, needed);
                data.InformationBuffer
            } else {
                let data = &mut request.DATA.QUERY_INFORMATION;
                (data.BytesWritten, data.BytesNeeded) = (written, needed);
                data.InformationBuffer
            };
            target.cast::<u8>().copy_from_nonoverlapping(buffer.as_ptr(), length);
        }
        let answer = OidAnswer { status, written, read, needed, revision, buffer };
        let mut log = log.lock().expect("nobody panics here");
        assert!(log.insert(got.id, (got, answer)).is_none(), "a request came twice");
        status
    });
    seen
}

/// A request with every field set.
fn request(random: &mut Random, path: Path, id: usize, oids: &[u32]) -> OidRequest {
    let kinds = [
        NdisRequestQueryInformation,
        NdisRequestSetInformation,
        NdisRequestMethod,
        NdisRequestQueryStatistics,
    ];
    let kind = *random.pick(&kinds);
    let oid = if random.once_in(2) { *random.pick(oids) } else { random.number() as u32 };
    let mut length = || *random.pick(&[0, 1, 4, 8, 100, 5_000]) as usize;
    let (mut input, mut room) = (length(), length());
    match kind {
        NdisRequestSetInformation => room = 0,
        NdisRequestMethod => {}
        _ => input = 0,
    }
    OidRequest {
        path,
        kind,
        oid,
        input: (0..input).map(|_| random.number() as u8).collect(),
        room,
        method: if kind == NdisRequestMethod { random.number() as u32 } else { 0 },
        port: random.below(4) as u32,
        timeout: random.below(30) as u32,
        id,
        revision: random.below(9) as u8,
        switch: (random.number() as u32, random.number() as u32, random.number() as u32),
    }
}

/// A request under way.
struct UnderWay {
    request: OidRequest,
    issued: Issued,
    cancelled: bool,
}

impl UnderWay {
    /// Takes the answer and compares both ways with what the miniport saw.
    fn check(self, seen: &Seen, aborted: &mut usize) {
        let id = self.request.id;
        let answer = self.issued.answer();
        let seen = seen.lock().expect("nobody panics here").remove(&id);
        let Some((got, given)) = seen else {
            assert!(self.cancelled, "request {id:#x} did not arrive: {answer:?}");
            assert_eq!(answer.status, NDIS_STATUS_REQUEST_ABORTED);
            *aborted += 1;
            return;
        };
        assert_eq!(OidRequest { path: self.request.path, ..got }, self.request, "on the way down");
        assert_eq!(answer, given, "on the way up");
    }
}

#[test]
fn ten_thousand_random_requests_pass_unchanged() {
    let seed = lab::schedule::seed_from_environment(0x5eed);
    let exit = child::run("ten_thousand_random_requests_pass_unchanged", || {
        let mut random = Random::part(seed, 0);
        let (machine, mut driver, adapter) = boot_with_adapter();
        let (oids, seen) = (oids(), respond(&adapter, seed));
        let mut under_way: Vec<UnderWay> = Vec::new();
        let (mut counts, mut aborted, mut reordered) = ([0_usize; 3], 0, 0);
        let mut id = 0x10_0000;
        while counts.iter().sum::<usize>() < REQUESTS || !under_way.is_empty() {
            let kept = adapter.kept_oids();
            let more = counts.iter().sum::<usize>() < REQUESTS;
            match random.below(8) {
                0..5 if more => {
                    let path = *random.pick(&[Path::Regular, Path::Direct, Path::Direct, Path::Synchronous]);
                    let of_path = under_way.iter().filter(|one| one.request.path == path).count();
                    let limit = if path == Path::Regular { 1 } else { DIRECT };
                    if of_path >= limit {
                        continue;
                    }
                    id += 1;
                    let request = request(&mut random, path, id, &oids);
                    let pending = [Completion::Inline, Completion::BeforeReturn, Completion::OnRequest];
                    let thread = random.once_in(ON_A_THREAD);
                    let completion = if thread { Completion::AfterReturn } else { *random.pick(&pending) };
                    adapter.complete_oids(completion, None);
                    let level = if random.once_in(2) { DISPATCH } else { PASSIVE };
                    let mut issued = None;
                    at_irql(level, || issued = Some(adapter.issue(&request)));
                    let issued = issued.expect("it was issued");
                    counts[path as usize] += 1;
                    under_way.push(UnderWay { request, issued, cancelled: false });
                }
                // Whichever the miniport likes.
                5 | 6 if !kept.is_empty() => {
                    let chosen = *random.pick(&kept);
                    reordered += usize::from(chosen != kept[0]);
                    adapter.complete_kept_oid(chosen);
                }
                7 if !under_way.is_empty() && random.once_in(2) => {
                    let index = random.below(under_way.len() as u64) as usize;
                    let one = &mut under_way[index];
                    let id = std::ptr::without_provenance_mut(one.request.id);
                    match one.request.path {
                        Path::Regular => adapter.cancel_oid(id),
                        Path::Direct => adapter.cancel_direct_oid(id),
                        Path::Synchronous => continue,
                    }
                    one.cancelled = true;
                }
                _ => {}
            }
            // Also what a thread completed meanwhile.
            let mut index = 0;
            while index < under_way.len() {
                if under_way[index].issued.is_complete() {
                    under_way.swap_remove(index).check(&seen, &mut aborted);
                } else {
                    index += 1;
                }
            }
        }
        for (name, count) in COUNTED.into_iter().zip([counts[0], counts[1], counts[2], reordered, aborted]) {
            verifier::count(name, count as u64);
        }
        assert!(counts.iter().all(|count| *count > REQUESTS / 20), "{counts:?}");
        assert!(reordered > 100 && aborted > 50, "{reordered} out of order, {aborted} cancelled");
        assert!(seen.lock().expect("nobody panics here").is_empty(), "more came than was asked");
        driver.unload();
        machine.finish();
    });
    if child::is_child() {
        return;
    }
    assert!(
        exit.report.is_clean() && exit.status == Status::Ok,
        "seed {seed}: {:?}\n{}",
        exit.status,
        exit.log
    );
    let count = |name: &str| format!("{} {name}", exit.report.counters[name]);
    println!("seed {seed}: {}", COUNTED.map(count).join(", "));
}

#[test]
fn every_oid_passes_on_every_path() {
    lab::child::test("every_oid_passes_on_every_path", || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let seen = respond(&adapter, 1);
        let mut random = Random::part(1, 1);
        let mut id = 0x10_0000;
        for (oid, path) in oids()
            .iter()
            .flat_map(|oid| [Path::Regular, Path::Direct, Path::Synchronous].map(|path| (*oid, path)))
        {
            for kind in [NdisRequestQueryInformation, NdisRequestSetInformation, NdisRequestMethod] {
                id += 1;
                let mut request = request(&mut random, path, id, &[oid]);
                (request.oid, request.kind, request.method) = (oid, kind, 0);
                (request.input, request.room) = match kind {
                    NdisRequestSetInformation => (vec![7; 60], 0),
                    NdisRequestMethod => (vec![8; 30], 50),
                    _ => (Vec::new(), 40),
                };
                let issued = adapter.issue(&request);
                UnderWay { request, issued, cancelled: false }.check(&seen, &mut 0);
            }
        }
        driver.unload();
        machine.finish();
    });
}

#[test]
fn every_status_and_event_passes_with_every_field() {
    lab::child::test("every_status_and_event_passes_with_every_field", || {
        let machine = Machine::new(Options::default());
        let adapter = Adapter::new(Config::default());
        let below = Observer::register(1);
        let mut driver = start(&machine);
        let above = Observer::register(2);
        let mut random = Random::part(3, 0);
        let indicate = |random: &mut Random| {
            let codes = statuses();
            for code in &codes {
                let buffer: Vec<u8> = (0..random.below(300)).map(|_| random.number() as u8).collect();
                let word = |random: &mut Random| random.number() as usize;
                let level = if random.once_in(2) { DISPATCH } else { PASSIVE };
                at_irql(level, || {
                    adapter.indicate(*code, &buffer, |status| {
                        status.SourceHandle = std::ptr::without_provenance_mut(word(random));
                        status.PortNumber = random.below(5) as u32;
                        status.Flags = random.number() as u32;
                        if random.once_in(2) {
                            status.DestinationHandle = std::ptr::without_provenance_mut(word(random) | 1);
                            status.RequestId = std::ptr::without_provenance_mut(word(random) | 1);
                        }
                        status.Guid.Data1 = random.number() as u32;
                        status.Guid.Data4 = random.number().to_le_bytes();
                        status.NdisReserved =
                            std::array::from_fn(|_| std::ptr::without_provenance_mut(word(random)));
                    });
                });
            }
            let (low, high) = (below.take(), above.take());
            assert_eq!(low.len(), codes.len());
            assert_eq!(low, high);
            assert_eq!(adapter.take_events().statuses, codes);
            // Pause, restart and those from 18 on are no events for filters.
            let events: Vec<i32> = (0..18).filter(|event| !matches!(event, 8 | 9)).collect();
            for event in &events {
                assert_eq!(adapter.net_event(*event), NDIS_STATUS_SUCCESS);
            }
            (0..=6).for_each(|event| adapter.device_event(event));
            let (low, high) = (below.take(), above.take());
            // Network events go up, device events go down; each module sees them in the order in which they came.
            assert_eq!(low.len(), events.len() + 7);
            assert_eq!(low, high);
            let seen = adapter.take_events();
            assert_eq!((seen.net_events, seen.device_events), (events, (0..=6).collect()));
        };
        indicate(&mut random);
        adapter.restart(Attributes::General).expect("the filters restart");
        indicate(&mut random);
        adapter.pause();
        indicate(&mut random);
        above.deregister();
        driver.unload();
        below.deregister();
        machine.finish();
    });
}
