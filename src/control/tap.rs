//! Opening and reading the tap.

use kernel::irql::Passive;
use kernel::status::Status;
use kernel::wdf::Request;
use weir_core::tap::{About, Record, Settings, flag};
use weir_core::wire::Medium;
use weir_core::{Action, Direction};
use weir_ioctl::zerocopy::FromBytes;
use weir_ioctl::{TapDirection, TapFlags, TapHead, TapMedium, TapOpen, TapRecord, Verdict};

use super::ioctl::{input, no_input};
use super::pages;
use crate::shared::{Shared, now};

const _: () = {
    assert!(TapOpen::LEAST_SNAP == *Settings::SNAP.start() && TapOpen::WHOLE == *Settings::SNAP.end());
    assert!(TapFlags::CHECKSUM == flag::CHECKSUM && TapFlags::LARGE == flag::LARGE);
    assert!(TapFlags::COALESCED == flag::COALESCED && TapFlags::LOOPBACK == flag::LOOPBACK);
    assert!(TapFlags::DELAYED == flag::DELAYED);
};

/// `Control::TAP_OPEN`.
pub(super) fn open(shared: &Shared, request: &Request, at: Passive<'_>) -> Result<usize, Status> {
    let TapOpen { snap, ring } = input(request)?;
    let ring = if ring == 0 { TapOpen::RING } else { ring };
    shared.open_tap(request.file(), &Settings { snap, ring }, at)?;
    Ok(0)
}

/// `Control::TAP_READ`.
pub(super) fn read(shared: &Shared, request: &mut Request) -> Result<usize, Status> {
    no_input(request)?;
    let file = request.file();
    shared.with_tap(file, |tap| {
        let least = TapRecord::size_of(tap.snap as usize).saturating_add(size_of::<TapHead>());
        let output = request.output(least)?;
        let (head, mut room) = TapHead::mut_from_prefix(output).map_err(|_| Status::BUFFER_TOO_SMALL)?;
        let mut length = size_of::<TapHead>();
        tap.consumer.read(now, |record| {
            let size = TapRecord::size_of(record.captured as usize);
            let all = core::mem::take(&mut room);
            let Some((place, rest)) = all.split_at_mut_checked(size) else { return false };
            let Ok((entry, bytes)) = TapRecord::mut_from_prefix(place) else { return false };
            *entry = describe(record, size as u32);
            record.copy_to(bytes);
            room = rest;
            length = length.wrapping_add(size);
            head.count = head.count.wrapping_add(1);
            true
        });
        (head.copied, head.lost) = tap.consumer.counts();
        Ok(length)
    })?
}

fn describe(record: &Record<'_>, size: u32) -> TapRecord {
    let About {
        direction,
        medium,
        luid,
        compartment,
        flow,
        action,
        decider,
        generation,
        vlan,
        packets,
        flags,
    } = record.about;
    TapRecord {
        size,
        captured: record.captured,
        length: record.length,
        rule: pages::rule(decider),
        time: record.time.0,
        interface_luid: luid,
        flow: flow.unwrap_or(0),
        policy_generation: generation,
        compartment,
        packets,
        flags: flags | if vlan.is_some() { TapFlags::VLAN } else { 0 },
        vlan: vlan.map_or(0, |tag| tag.0),
        direction: match direction {
            Direction::Send => TapDirection::SENT,
            Direction::Receive => TapDirection::RECEIVED,
        },
        verdict: match action {
            Action::Permit => Verdict::PERMIT,
            Action::Block => Verdict::BLOCK,
        },
        medium: match medium {
            Medium::Ethernet => TapMedium::ETHERNET,
            Medium::RawIp => TapMedium::RAW_IP,
            Medium::Other => TapMedium::OTHER,
        },
        reserved: [0; 7],
    }
}
