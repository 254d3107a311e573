//! The flow table equals a map, also while several processors insert, remove and read at once.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::collections::HashMap;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use proptest::prelude::*;
use weir_core::epoch::Domain;
use weir_core::flow::{Endpoint, FlowKey, Full, Opening, Side, Table};
use weir_core::memory::Carver;
use weir_core::{Direction, Time};

/// A table and a domain in memory of their own.
struct Fixture {
    parts: Option<(Table, Domain)>,
    memory: NonNull<u8>,
    layout: Layout,
}

// SAFETY: the memory is only reached through the parts, which are `Sync`.
unsafe impl Sync for Fixture {}

impl Fixture {
    fn new(capacity: u32) -> Self {
        let carve =
            |carver: &mut Carver| Some((Table::carve(carver, capacity, [3, 5])?, Domain::carve(carver, 4)?));
        let mut carver = Carver::measuring();
        carve(&mut carver).unwrap();
        let layout = carver.layout().unwrap();
        // SAFETY: a table is never empty.
        let memory = NonNull::new(unsafe { alloc_zeroed(layout) }).unwrap();
        // SAFETY: zeroed memory of the measured layout, freed after the parts are gone.
        let parts = carve(&mut unsafe { Carver::carving(memory) });
        Self { parts, memory, layout }
    }

    fn table(&self) -> &Table {
        &self.parts.as_ref().unwrap().0
    }

    fn domain(&self) -> &Domain {
        &self.parts.as_ref().unwrap().1
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.parts = None;
        // SAFETY: allocated in `new` with this layout; the parts are gone.
        unsafe { dealloc(self.memory.as_ptr(), self.layout) };
    }
}

const OPENING: Opening = Opening { now: Time(1), origin: Direction::Send, local: Side::A };

fn key(number: u16) -> FlowKey {
    let end = |last: u8, port| Endpoint { address: [last; 16], port };
    FlowKey::new(17, 1, end(1, number), end(2, 53)).0
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u16),
    Find(u16),
    Remove(u16),
    Reclaim,
    List(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let number = 0_u16..40;
    prop::collection::vec(
        prop_oneof![
            4 => number.clone().prop_map(Step::Insert),
            2 => number.clone().prop_map(Step::Find),
            3 => number.prop_map(Step::Remove),
            2 => Just(Step::Reclaim),
            1 => (1_usize..20).prop_map(Step::List),
        ],
        0..300,
    )
}

fn address() -> impl Strategy<Value = [u8; 16]> {
    prop_oneof![
        any::<[u8; 16]>(),
        any::<[u8; 4]>().prop_map(|v4| std::net::Ipv4Addr::from(v4).to_ipv6_mapped().octets())
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn equals_a_map(steps in steps(), capacity in 1_u32..48) {
        let fixture = Fixture::new(capacity);
        let (table, domain) = (fixture.table(), fixture.domain());
        let mut model: HashMap<u16, u64> = HashMap::new();
        for step in steps {
            let guard = domain.enter(0);
            match step {
                Step::Insert(number) => match table.get_or_insert(&guard, &key(number), &OPENING) {
                    Ok((record, created)) => {
                        prop_assert_eq!(record.key(), key(number));
                        prop_assert_eq!(created, !model.contains_key(&number));
                        prop_assert_eq!(*model.entry(number).or_insert(record.id()), record.id());
                    }
                    // Records wait for reclaiming, so it may be full before the model is.
                    Err(Full) => prop_assert!(!model.contains_key(&number)),
                },
                Step::Find(number) => {
                    prop_assert_eq!(table.find(&guard, &key(number)).map(|record| record.id()), model.get(&number).copied());
                }
                Step::Remove(number) => {
                    let record = table.find(&guard, &key(number));
                    prop_assert_eq!(record.is_some_and(|record| table.remove(&guard, record)), model.remove(&number).is_some());
                    prop_assert!(record.is_none_or(|record| !table.remove(&guard, record)));
                }
                Step::Reclaim => {
                    drop(guard);
                    for _ in 0..8 {
                        table.reclaim(domain, usize::MAX, |_| {});
                    }
                    let guard = domain.enter(0);
                    if (model.len() as u32) < capacity {
                        // Everything removed is usable again.
                        let (record, created) = table.get_or_insert(&guard, &key(999), &OPENING).unwrap();
                        prop_assert!(created);
                        table.remove(&guard, record);
                    }
                    continue;
                }
                Step::List(limit) => {
                    let mut seen = Vec::new();
                    let mut cursor = 0;
                    loop {
                        cursor = table.for_each_from(&guard, cursor, limit, &mut |record| {
                            seen.push(record.id());
                            true
                        });
                        if cursor == 0 {
                            break;
                        }
                    }
                    let mut expected: Vec<u64> = model.values().copied().collect();
                    expected.sort_unstable();
                    seen.sort_unstable();
                    prop_assert_eq!(seen, expected);
                }
            }
            prop_assert_eq!(table.len() as usize, model.len());
        }
    }

    #[test]
    fn both_directions_have_one_key(
        protocol in any::<u8>(), compartment in 0_u32..1 << 24,
        a in address(), b in address(), p in any::<u16>(), q in any::<u16>(),
    ) {
        let (one, two) = (Endpoint { address: a, port: p }, Endpoint { address: b, port: q });
        let (there, from) = FlowKey::new(protocol, compartment, one, two);
        let (back, answer) = FlowKey::new(protocol, compartment, two, one);
        prop_assert_eq!(there, back);
        prop_assert_eq!(there.endpoint(from), one);
        prop_assert_eq!(back.endpoint(answer), two);
        prop_assert!(one == two || from != answer);
        let fixture = Fixture::new(2);
        let guard = fixture.domain().enter(0);
        let (record, _) = fixture.table().get_or_insert(&guard, &there, &OPENING).unwrap();
        prop_assert_eq!(record.key(), there);
        let other = FlowKey::new(protocol, compartment ^ 1, one, two).0;
        prop_assert!(fixture.table().find(&guard, &other).is_none());
    }
}

/// Few keys, many processors: each key has one live record at most, whatever races.
#[test]
fn racing_insertions_agree() {
    const ROUNDS: u16 = 400;
    const THREADS: usize = 4;
    // Twice: whoever gives up leaves a record behind until the next grace period.
    let fixture = Fixture::new(u32::from(ROUNDS) * THREADS as u32 * 2);
    let (table, domain) = (fixture.table(), fixture.domain());
    let ids: Vec<[AtomicU64; THREADS]> = (0..ROUNDS).map(|_| Default::default()).collect();
    let created: Vec<AtomicU32> = (0..ROUNDS).map(|_| AtomicU32::new(0)).collect();
    let barrier = std::sync::Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (ids, created, barrier) = (&ids, &created, &barrier);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    if round % 20 == 0 {
                        barrier.wait();
                    }
                    let guard = domain.enter(thread as u32);
                    // Threads that keep knocking each other down give up; one of them asks again alone.
                    let (record, new) = std::iter::repeat_with(|| {
                        let result = table.get_or_insert(&guard, &key(round), &OPENING);
                        if result.is_err() {
                            std::thread::yield_now();
                        }
                        result
                    })
                    .take(1000)
                    .find_map(Result::ok)
                    .unwrap_or_else(|| {
                        // A panic would leave the others at the barrier for ever.
                        eprintln!("round {round} of thread {thread} finds no room");
                        std::process::abort()
                    });
                    assert_eq!(record.key(), key(round));
                    ids[usize::from(round)][thread].store(record.id(), Ordering::Relaxed);
                    created[usize::from(round)].fetch_add(u32::from(new), Ordering::Relaxed);
                }
            });
        }
    });
    for (ids, created) in ids.iter().zip(&created) {
        assert_eq!(created.load(Ordering::Relaxed), 1);
        let first = ids[0].load(Ordering::Relaxed);
        assert!(ids.iter().all(|id| id.load(Ordering::Relaxed) == first));
    }
    assert_eq!(table.len(), u32::from(ROUNDS));
}

/// Readers never see a record change its key under their hands while others remove, reclaim and insert.
#[test]
fn readers_never_see_a_torn_record() {
    const KEYS: u16 = 24;
    let fixture = Fixture::new(16);
    let (table, domain) = (fixture.table(), fixture.domain());
    let done = AtomicBool::new(false);
    let hits = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..2_u32 {
            let (done, hits) = (&done, &hits);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    for number in 0..KEYS {
                        let guard = domain.enter(thread);
                        if let Some(record) = table.find(&guard, &key(number)) {
                            let id = record.id();
                            for _ in 0..10 {
                                assert_eq!((record.key(), record.id()), (key(number), id));
                            }
                            hits.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
        let writers: Vec<_> = (2..4_u32)
            .map(|thread| {
                let (table, domain) = (table, domain);
                scope.spawn(move || {
                    let mut full = 0_u32;
                    for round in 0..20_000_u32 {
                        let number =
                            (round.wrapping_mul(2_654_435_761).wrapping_add(thread) >> 7) as u16 % KEYS;
                        let guard = domain.enter(thread);
                        match table.get_or_insert(&guard, &key(number), &OPENING) {
                            Ok((record, false)) => {
                                table.remove(&guard, record);
                            }
                            Ok((_, true)) => {}
                            Err(Full) => full += 1,
                        }
                        drop(guard);
                        table.reclaim(domain, usize::MAX, |_| {});
                        if round % 64 == 0 {
                            std::thread::yield_now();
                        }
                    }
                    full
                })
            })
            .collect();
        let full: u32 = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
        assert!(full < 40_000, "some insertions succeed");
        // Under one processor the readers may not have had a turn yet.
        while hits.load(Ordering::Relaxed) == 0 {
            let guard = domain.enter(3);
            let _ = table.get_or_insert(&guard, &key(1), &OPENING);
            drop(guard);
            table.reclaim(domain, usize::MAX, |_| {});
            std::thread::yield_now();
        }
        done.store(true, Ordering::Relaxed);
    });
    let guard = domain.enter(0);
    let live = (0..KEYS).filter(|number| table.find(&guard, &key(*number)).is_some()).count();
    assert_eq!(live, table.len() as usize);
}
