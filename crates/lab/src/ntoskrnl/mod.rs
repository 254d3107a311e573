//! The kernel's exports.

pub mod debug;
pub mod dispatcher;
pub mod io;
pub mod irql;
pub mod lock;
pub mod mdl;
pub mod memory;
pub mod pool;
pub mod rundown;
pub mod string;
pub mod uuid;
pub mod time;
pub mod work;

use crate::export::Export;

/// All export tables of the kernel.
pub fn exports() -> Vec<&'static [Export]> {
    vec![
        debug::EXPORTS,
        debug::VARIADIC,
        dispatcher::EXPORTS,
        io::EXPORTS,
        irql::EXPORTS,
        lock::EXPORTS,
        mdl::EXPORTS,
        memory::EXPORTS,
        pool::EXPORTS,
        rundown::EXPORTS,
        string::EXPORTS,
        uuid::EXPORTS,
        time::EXPORTS,
    ]
}
