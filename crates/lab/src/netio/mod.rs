//! NETIO: Winsock Kernel over the host's loopback, the Network Module Registrar, and IP Helper over the
//! lab's adapters.
//!
//! Sockets are real: a datagram that a driver sends reaches a program on 127.0.0.1 or ::1, and no other
//! address is let through. Frames of these sockets do not pass the lab's adapters.
//!
//! Each request completes inside the call, later at DISPATCH_LEVEL or later at PASSIVE_LEVEL, on threads of
//! the subsystem's own (see [`Completion`]). Rules are WV (Winsock Kernel), MV (registrar) and HV (IP Helper)
//! of the verifier's list; texts add the contract's own names (W, M, H).

mod active;
mod address;
mod buffer;
mod calls;
mod client;
mod control;
mod engine;
mod event;
pub mod interfaces;
mod irp;
mod later;
pub mod nmr;
mod socket;
mod tables;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use active::before_wait;
pub use client::{fail_next, kill_sockets, set_hang_limit, set_ready};
pub use engine::cancel;
pub use interfaces::{Change, address_changed, interface_changed};
pub use later::{Completion, flush, set_completion};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The export tables of NETIO.SYS.
pub fn exports() -> Vec<&'static [crate::export::Export]> {
    let mut all = vec![client::EXPORTS, nmr::EXPORTS];
    all.extend(interfaces::exports());
    all
}
