//! The driver framework: version binding, the function table, objects, control devices, queues and requests.

mod caller;
mod deferred;
mod device;
mod driver;
mod loader;
mod object;
mod queue;
mod request;
mod sddl;
mod user;

use ddk::nt::NTSTATUS;

use crate::export::Export;
use crate::verifier::violation;

pub(crate) use device::open_files;
pub use device::reachable;
pub use loader::{TABLE_NAMES, set_version};
pub use sddl::Who;
pub use user::{File, Pending, open, open_with};

/// The exports of the framework's loader, which bind a driver to the function table.
pub fn exports() -> Vec<&'static [Export]> {
    vec![loader::EXPORTS]
}

/// Declares functions of the table: like [`exports!`](crate::exports), with the pointer type of each slot.
macro_rules! functions {
    (
        $(#[$table_meta:meta])*
        pub(super) static $table:ident;
        $(
            $(#[$meta:meta])*
            irql($irql:expr) fn $name:ident: $slot:ident ($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block
        )*
    ) => {
        crate::exports! {
            $(#[$table_meta])*
            pub(super) static $table: "WDF";
            $(
                $(#[$meta])*
                irql($irql, "K-40") untyped fn $name($($arg: $ty),*) $(-> $ret)? $body
            )*
        }
        $( const _: ddk::nt::$slot = Some($name); )*
    };
}
use functions;

/// Statuses of the framework.
mod status {
    pub(super) const SUCCESS: i32 = 0;
    pub(super) const INFO_LENGTH_MISMATCH: i32 = 0xc000_0004_u32 as i32;
    pub(super) const INVALID_PARAMETER: i32 = 0xc000_000d_u32 as i32;
    pub(super) const NO_SUCH_DEVICE: i32 = 0xc000_000e_u32 as i32;
    pub(super) const INVALID_DEVICE_REQUEST: i32 = 0xc000_0010_u32 as i32;
    pub(super) const ACCESS_DENIED: i32 = 0xc000_0022_u32 as i32;
    pub(super) const BUFFER_TOO_SMALL: i32 = 0xc000_0023_u32 as i32;
    pub(super) const OBJECT_NAME_NOT_FOUND: i32 = 0xc000_0034_u32 as i32;
    pub(super) const OBJECT_NAME_COLLISION: i32 = 0xc000_0035_u32 as i32;
    pub(super) const OBJECT_TYPE_MISMATCH: i32 = 0xc000_0024_u32 as i32;
    pub(super) const BUFFER_OVERFLOW: i32 = 0x8000_0005_u32 as i32;
    pub(super) const INSUFFICIENT_RESOURCES: i32 = 0xc000_009a_u32 as i32;
    pub(super) const CANCELLED: i32 = 0xc000_0120_u32 as i32;
    pub(super) const DRIVER_INTERNAL_ERROR: i32 = 0xc000_0183_u32 as i32;
    pub(super) const INVALID_DEVICE_STATE: i32 = 0xc000_0184_u32 as i32;
    pub(super) const NO_MORE_ENTRIES: i32 = 0x8000_001a_u32 as i32;
    pub(super) const TIMEOUT: i32 = 0x102;
    pub(super) const WDF_PAUSED: i32 = 0xc020_0203_u32 as i32;
    pub(super) const WDF_BUSY: i32 = 0xc020_0204_u32 as i32;
    pub(super) const WDF_NO_CALLBACK: i32 = 0xc020_0206_u32 as i32;
}

/// Breaks rule KV-4 if `pointer` is null.
fn required<T>(pointer: *const T, what: &str) {
    if pointer.is_null() {
        violation("KV-4", &format!("{what} is null"));
    }
}

/// Copies a structure that begins with its own size, from a client of this version of the framework or of an
/// older one, whose structure was shorter; what that lacks is zero. None if the size is none of `sizes`.
///
/// # Safety
/// `from` points to as many bytes as its first field says, and `T` begins with that field, a `u32`; zeroes are
/// a good value for the rest of it.
unsafe fn sized<T>(from: *const T, sizes: &[usize]) -> Option<T> {
    // SAFETY: the caller's promise.
    let size = unsafe { from.cast::<u32>().read_unaligned() } as usize;
    if !sizes.contains(&size) || size > size_of::<T>() {
        return None;
    }
    let mut copy = std::mem::MaybeUninit::<T>::zeroed();
    // SAFETY: the source has `size` bytes by the caller's promise, the target was just checked to have them.
    unsafe {
        std::ptr::copy_nonoverlapping(from.cast::<u8>(), copy.as_mut_ptr().cast(), size);
        Some(copy.assume_init())
    }
}

/// Whether a status means success.
fn success(status: NTSTATUS) -> bool {
    status >= 0
}
