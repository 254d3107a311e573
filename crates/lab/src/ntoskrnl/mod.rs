//! The kernel's exports.

pub mod csq;
pub mod debug;
pub mod device;
pub mod dispatcher;
pub mod dpc;
pub mod io;
pub mod irp;
pub mod irql;
pub mod list;
pub(crate) mod live;
pub mod lock;
pub mod log;
pub mod mdl;
pub mod memory;
pub mod mutex;
pub mod number;
pub mod object;
pub(crate) mod order;
pub mod pool;
pub mod process;
pub mod processor;
pub mod resource;
pub mod rundown;
pub mod sid;
pub mod string;
pub mod thread;
pub mod time;
pub mod timer;
pub mod uuid;
pub mod version;
pub mod work;
pub mod zw;

use crate::export::Export;

/// All export tables of the kernel.
pub fn exports() -> Vec<&'static [Export]> {
    vec![
        csq::EXPORTS,
        debug::EXPORTS,
        debug::VARIADIC,
        device::EXPORTS,
        dispatcher::EXPORTS,
        dpc::EXPORTS,
        io::EXPORTS,
        irp::EXPORTS,
        irql::EXPORTS,
        list::EXPORTS,
        lock::EXPORTS,
        log::EXPORTS,
        mdl::EXPORTS,
        memory::EXPORTS,
        mutex::EXPORTS,
        number::EXPORTS,
        object::EXPORTS,
        object::TYPES,
        pool::EXPORTS,
        process::EXPORTS,
        processor::EXPORTS,
        processor::hal::EXPORTS,
        resource::EXPORTS,
        rundown::EXPORTS,
        sid::EXPORTS,
        string::EXPORTS,
        thread::EXPORTS,
        time::EXPORTS,
        timer::EXPORTS,
        uuid::EXPORTS,
        version::EXPORTS,
        zw::EXPORTS,
    ]
}

/// Checks that `size` bytes at `address`, which a driver is freeing, hold nothing that the kernel still uses.
pub(crate) fn check_free(address: usize, size: usize) {
    live::check_free(address, size);
    order::check_free(address, size);
}

/// Checks that an image that is about to go holds nothing and serves nothing that the kernel still uses.
pub(crate) fn check_unload(base: usize, size: usize) {
    live::check_unload(base, size);
}
