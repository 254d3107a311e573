//! Stops the machine when an invariant of the driver itself is broken.

use core::panic::Location;

/// Bug check code of a broken invariant: "Wir" and the version of the parameter layout.
const CODE: u32 = 0x5769_7201;

/// Stops the machine; parameters are `kind`, the file name's address, its length and the line.
#[track_caller]
#[cold]
pub fn bug(kind: Invariant) -> ! {
    let at = Location::caller();
    #[cfg(windows)]
    // SAFETY: KeBugCheckEx may be called in any state of the machine.
    unsafe {
        ddk::nt::ntddk::KeBugCheckEx(
            CODE,
            kind as u64,
            at.file().as_ptr() as u64,
            at.file().len() as u64,
            u64::from(at.line()),
        )
    }
    #[cfg(not(windows))]
    #[expect(clippy::panic, reason = "what a stopped machine is to a unit test")]
    {
        panic!("{CODE:#x} {kind:?} at {at}")
    }
}

/// The invariants that are checked at run time.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub enum Invariant {
    /// A chain of NBLs was dropped instead of being forwarded, completed or returned.
    ChainDropped = 1,
    /// A WDF request was dropped instead of being completed.
    RequestDropped = 2,
    /// A callout could not be unregistered.
    CalloutBusy = 3,
}
