//! One lookup in a flow table: 16-byte keys from memory, all of them there, in uniform order.
#![expect(unsafe_code, reason = "tables live in memory of their own")]

use anyhow::{Context as _, Result};
use hashbrown::HashMap;
use weir_core::epoch::Domain;
use weir_core::flow::{Endpoint, FlowKey, Lane, Opening, Side, Table};
use weir_core::memory::Carver;
use weir_core::{Direction, Time};

use crate::memory::Block;
use crate::peers::dpdk;
use crate::rounds::{self, Contender, Random};

/// Lookups that are under way at once.
const BATCH: usize = 32;

/// A flow's ends.
#[derive(Clone, Copy)]
pub(crate) struct Flow {
    /// The local address and port.
    pub(crate) local: (u32, u16),
    /// The remote address and port.
    pub(crate) remote: (u32, u16),
    /// TCP or UDP.
    pub(crate) protocol: u8,
}

impl Flow {
    /// Its key as Weir's lines have it: 16 bytes, as the others use it, too.
    pub(crate) fn lane(&self) -> Lane {
        Lane::new(self.protocol, self.local, self.remote).0
    }

    fn key(&self) -> FlowKey {
        let end = |(address, port): (u32, u16)| Endpoint {
            address: std::net::Ipv4Addr::from(address).to_ipv6_mapped().octets(),
            port,
        };
        FlowKey::new(self.protocol, Lane::COMPARTMENT, end(self.local), end(self.remote)).0
    }

    fn bytes(&self) -> [u64; 2] {
        let end = |(address, port): (u32, u16)| u64::from(address) << 16 | u64::from(port);
        [end(self.local), end(self.remote) | u64::from(self.protocol) << 48]
    }
}

/// Distinct flows.
pub(crate) fn flows(count: u32) -> Vec<Flow> {
    let mut random = Random::new(1);
    (0..count)
        .map(|number| {
            let bits = random.next();
            Flow {
                local: (0x0a00_0000 | number >> 12, 1_024 + (number & 0xfff) as u16),
                remote: (bits as u32, (bits >> 32) as u16 | 1),
                protocol: if bits >> 63 == 0 { 6 } else { 17 },
            }
        })
        .collect()
}

/// Which flow each packet belongs to.
pub(crate) fn sequence(flows: u32, packets: u32) -> Vec<u32> {
    let mut random = Random::new(2);
    (0..packets / BATCH as u32 * BATCH as u32).map(|_| random.below(flows)).collect()
}

struct Ours {
    table: Table,
    domain: Domain,
    _memory: Block,
}

fn ours(all: &[Flow]) -> Result<Ours> {
    let carve = |carver: &mut Carver| {
        Some((Table::carve(carver, all.len() as u32, [0x1234_5678, 0x9abc_def0])?, Domain::carve(carver, 2)?))
    };
    let mut measure = Carver::measuring();
    carve(&mut measure).context("a table of this size")?;
    let memory = Block::zeroed(measure.layout().context("a table of this size")?);
    // SAFETY: zeroed memory of the measured layout, which outlives the table.
    let (table, domain) = carve(&mut unsafe { Carver::carving(memory.start()) }).context("a table")?;
    let opening = Opening { now: Time(1), origin: Direction::Send, local: Side::A };
    for flow in all {
        let guard = domain.enter(0);
        table.get_or_insert(&guard, &flow.key(), &opening).ok().context("room for every flow")?;
    }
    Ok(Ours { table, domain, _memory: memory })
}

/// Measures lookups among `count` flows.
pub(crate) fn measure(count: u32, packets: u32, rounds: u32) -> Result<rounds::Table> {
    let all = flows(count);
    let order = sequence(count, packets);
    let expected = order.iter().map(|number| u64::from(*number) + 1).sum::<u64>();
    let lanes: Vec<Lane> = order.iter().map(|number| all[*number as usize].lane()).collect();
    let keys: Vec<[u64; 2]> = order.iter().map(|number| all[*number as usize].bytes()).collect();

    let ours = ours(&all)?;
    let look = |batch: usize| {
        let mut sum = 0;
        for chunk in lanes.chunks(batch) {
            let guard = ours.domain.enter(0);
            let mut rest: Vec<usize> = Vec::new();
            ours.table.look_batch(&guard, chunk, |position, found| match found {
                Some(found) => sum += u64::from(found.number()) + 1,
                // One in a thousand flows has no place in its two lines.
                None => rest.push(position),
            });
            for position in rest {
                let record = ours.table.find(&guard, &chunk[position].key());
                let number = record.and_then(|record| ours.table.number(record));
                sum += number.map_or(0, |number| u64::from(number) + 1);
            }
        }
        sum
    };

    let mut brown: HashMap<[u64; 2], u32, foldhash::fast::RandomState> = HashMap::default();
    brown.extend(all.iter().zip(0..).map(|(flow, number)| (flow.bytes(), number)));
    let look_brown =
        || keys.iter().map(|key| brown.get(key).map_or(0, |number| u64::from(*number) + 1)).sum();

    let papaya: papaya::HashMap<[u64; 2], u32, foldhash::fast::RandomState> = papaya::HashMap::default();
    {
        let pinned = papaya.pin();
        for (flow, number) in all.iter().zip(0..) {
            pinned.insert(flow.bytes(), number);
        }
    }
    let look_papaya = || {
        let mut sum = 0;
        for chunk in keys.as_chunks::<BATCH>().0 {
            let pinned = papaya.pin();
            let number = |key| pinned.get(key).map_or(0, |number| u64::from(*number) + 1);
            sum += chunk.iter().map(number).sum::<u64>();
        }
        sum
    };

    let dpdk = dpdk::Hash::new(all.iter().map(Flow::bytes), count)?;
    // A line for each flow, as many as Weir has, at an address that is known beforehand.
    let lines = vec![[1_u64; 8]; (count as usize * 5).div_ceil(6)];
    let places: Vec<[u32; 4]> = {
        let mut random = Random::new(3);
        let place: Vec<u32> = (0..count).map(|_| random.below(lines.len() as u32)).collect();
        order.iter().map(|number| [place[*number as usize]; 4]).collect()
    };
    let mut contenders = vec![
        Contender::new("weir, batch 32", expected, || look(BATCH)),
        Contender::new("weir, batch 256", expected, || look(256)),
        Contender::new("hashbrown + foldhash", expected, look_brown),
        Contender::new("papaya, guard per 32", expected, look_papaya),
    ];
    if let Some(dpdk) = &dpdk {
        contenders.push(Contender::new("DPDK rte_hash LF, bulk 32", expected, || dpdk.sum(&keys)));
    }
    contenders.push(Contender::floor(|| places.iter().map(|[place, ..]| lines[*place as usize][0]).sum()));

    let note = format!(
        "{} pages, uniform, all hits, keys streamed from memory; ratio: time over Weir's",
        crate::memory::kind()
    );
    rounds::run(format!("lookup, {count} flows"), &note, order.len() as u64, rounds, contenders)
}
