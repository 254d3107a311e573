//! IP Helper: interfaces and addresses of the lab's adapters, and notifications of their changes.
//!
//! There are no routes and no neighbours, and counters stay zero. Filter modules have no rows of their own but in the table
//! of stacks.

mod convert;
mod notify;
mod rows;

use crate::cpu::{APC, PASSIVE};
use crate::export::Export;
use crate::verifier::violation;

pub use notify::{Change, address_changed, interface_changed};

/// The export tables of IP Helper.
pub(super) fn exports() -> [&'static [Export]; 3] {
    [rows::EXPORTS, convert::EXPORTS, notify::EXPORTS]
}

/// PASSIVE_LEVEL is asked for; APC_LEVEL is said to work by some pages (H1).
const IRQL: std::ops::RangeInclusive<u8> = PASSIVE..=APC;

/// Callbacks of a filter in which statistics are not asked for: they are gathered by requests down the same
/// stack (H5).
fn no_statistics(name: &str) {
    let on_the_stack = crate::verifier::inside(|callback| {
        ["FilterOid", "FilterSynchronousOid", "FilterStatus", "FilterPause", "FilterRestart"]
            .iter()
            .any(|prefix| callback.starts_with(prefix))
    });
    if on_the_stack {
        violation(
            "HV-2",
            &format!(
                "{name} gathers statistics by OID requests inside an OID, status, pause or restart \
                                    callback of a filter (H5)"
            ),
        );
    }
}
