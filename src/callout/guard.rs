//! What keeps a machine closed while the driver is not there to decide: for a policy whose `failure` is `closed`.
//!
//! The guard is a provider and a sublayer of its own with filters that block every connection except loopback, at the
//! layers at which Weir authorises: persistent ones, which come back with the Base Filtering Engine, and boot-time ones,
//! which hold from the start of TCP/IP until it runs. While the driver runs, its own filters stand in the same sublayer
//! with a higher weight, so that the guard's are never reached; when they go, whatever the reason, the guard's decide.
//!
//! The provider names the driver's service: once that is removed, the engine does not restore the guard any more.

use ddk::fwp::{FWP_CONDITION_FLAG_IS_LOOPBACK, FWPM_FILTER_FLAG_BOOTTIME, FWPM_FILTER_FLAG_PERSISTENT};
use kernel::status::Status;
use kernel::wfp::{FilterAction, FilterObject, ProviderObject, SubLayerObject, Transaction, settled};
use kernel::wide;

use super::{AUTHORISING, WEIGHT};
use crate::guids;

/// Lives of the guard's filters: flag and first number of their keys.
const LIVES: [(u32, u8); 2] = [(FWPM_FILTER_FLAG_PERSISTENT, 0x80), (FWPM_FILTER_FLAG_BOOTTIME, 0x90)];

/// The filters, each with the number by which its key is made.
fn filters() -> impl Iterator<Item = FilterObject> {
    LIVES.into_iter().flat_map(|(flags, first)| {
        (first..).zip(AUTHORISING).map(move |(number, layer)| FilterObject {
            key: guids::filter(number),
            name: wide!("Weir guard"),
            layer,
            sublayer: guids::GUARD_SUBLAYER,
            weight: 0,
            action: FilterAction::Block,
            flags,
            unless: FWP_CONDITION_FLAG_IS_LOOPBACK,
            only: 0,
        })
    })
}

const PROVIDER: ProviderObject =
    ProviderObject { key: guids::GUARD_PROVIDER, name: wide!("Weir guard"), service: Some(wide!("Weir")) };

/// What there is of a guard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Guard {
    /// Nothing.
    None,
    /// Provider and sublayer, and perhaps other filters in it.
    Ground,
    /// Its filters too.
    Whole,
}

/// What there is of a guard. Adding tells without reading: the transaction is aborted.
pub(super) fn look(mut transaction: Transaction<'_>) -> Result<Guard, Status> {
    match transaction.add_provider(&PROVIDER) {
        Ok(()) => return Ok(Guard::None),
        error => settled(error)?,
    }
    prepare(&mut transaction)?;
    let Some(first) = filters().next() else { return Ok(Guard::Ground) };
    match transaction.add_filter(&guids::GUARD_PROVIDER, &first) {
        Ok(()) => Ok(Guard::Ground),
        error => settled(error).map(|()| Guard::Whole),
    }
}

/// Lays the ground: from then on other filters can stand in the guard's sublayer.
pub(super) fn prepare(transaction: &mut Transaction<'_>) -> Result<(), Status> {
    settled(transaction.add_provider(&PROVIDER))?;
    let sublayer = SubLayerObject {
        key: guids::GUARD_SUBLAYER,
        name: wide!("Weir guard"),
        weight: WEIGHT,
        persistent: true,
    };
    settled(transaction.add_sublayer(&guids::GUARD_PROVIDER, &sublayer))
}

/// Closes the machine for everything that no heavier filter of the sublayer decides.
pub(super) fn close(transaction: &mut Transaction<'_>) -> Result<(), Status> {
    filters().try_for_each(|filter| settled(transaction.add_filter(&guids::GUARD_PROVIDER, &filter)))
}

/// Opens it again.
pub(super) fn open(transaction: &mut Transaction<'_>) -> Result<(), Status> {
    filters().try_for_each(|filter| settled(transaction.delete_filter(&filter.key)))
}

/// Removes the ground, on which nothing stands any more.
pub(super) fn remove(transaction: &mut Transaction<'_>) -> Result<(), Status> {
    settled(transaction.delete_sublayer(&guids::GUARD_SUBLAYER))?;
    settled(transaction.delete_provider(&guids::GUARD_PROVIDER))
}
