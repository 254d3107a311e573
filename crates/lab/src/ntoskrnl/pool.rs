//! Pool functions.

use ddk::nt;

use crate::cpu::DISPATCH;
use crate::pool::{self, Fill, Kind};
use crate::verifier::violation;

const POOL_FLAG_UNINITIALIZED: u64 = 0x2;
const POOL_FLAG_RAISE_ON_FAILURE: u64 = 0x20;
const POOL_FLAG_NON_PAGED: u64 = 0x40;
const POOL_FLAG_NON_PAGED_EXECUTE: u64 = 0x80;
const POOL_FLAG_PAGED: u64 = 0x100;
/// The flags below this bit are required to be known, the ones above are optional.
const POOL_FLAG_OPTIONAL_START: u64 = 0x1_0000_0000;

/// The pool that `flags` of the newer functions name.
fn kind_of_flags(flags: u64) -> Kind {
    match flags & (POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED) {
        POOL_FLAG_NON_PAGED => Kind::NonPaged,
        POOL_FLAG_PAGED => Kind::Paged,
        POOL_FLAG_NON_PAGED_EXECUTE => Kind::NonPagedExecute,
        _ => violation("L-2", &format!("pool flags {flags:#x} do not name one pool")),
    }
}

/// The pool that a POOL_TYPE of the older functions names.
fn kind_of_type(pool_type: i32) -> Kind {
    match pool_type & 0x201 {
        0x200 => Kind::NonPaged,
        0 => Kind::NonPagedExecute,
        _ => Kind::Paged,
    }
}

crate::exports! {
    /// Pool functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Allocates pool, zeroed unless the driver says otherwise.
    irql(0..=DISPATCH, "G-2") fn ExAllocatePool2(flags: u64, size: u64, tag: u32) -> nt::PVOID {
        let known = 0x1 | POOL_FLAG_UNINITIALIZED | 0x4 | 0x8 | 0x10 | POOL_FLAG_RAISE_ON_FAILURE
            | POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED;
        if flags & (POOL_FLAG_OPTIONAL_START - 1) & !known != 0 {
            violation("L-2", &format!("pool flags {flags:#x} are not all known"));
        }
        let fill = if flags & POOL_FLAG_UNINITIALIZED != 0 { Fill::Pattern } else { Fill::Zero };
        pool::allocate(kind_of_flags(flags), size as usize, tag, fill).cast()
    }

    /// Allocates pool with arbitrary content.
    irql(0..=DISPATCH, "G-2") untyped fn ExAllocatePoolWithTag(
        pool_type: i32, size: u64, tag: u32
    ) -> *mut u8 {
        pool::allocate(kind_of_type(pool_type), size as usize, tag, Fill::Pattern)
    }

    /// Allocates zeroed pool.
    irql(0..=DISPATCH, "G-2") untyped fn ExAllocatePoolZero(pool_type: i32, size: u64, tag: u32) -> *mut u8 {
        pool::allocate(kind_of_type(pool_type), size as usize, tag, Fill::Zero)
    }

    /// Frees pool.
    irql(0..=DISPATCH, "G-2") fn ExFreePool(block: nt::PVOID) {
        let block: *mut u8 = block.cast();
        pool::free(block, None);
    }

    /// Frees pool; a tag other than zero has to be the one it was allocated with.
    irql(0..=DISPATCH, "G-2") fn ExFreePoolWithTag(block: nt::PVOID, tag: u32) {
        let block: *mut u8 = block.cast();
        pool::free(block, (tag != 0).then_some(tag));
    }

    /// Frees pool; the count of parameters is zero or one with the tag.
    irql(0..=DISPATCH, "G-2") untyped fn ExFreePool2(
        block: *mut u8, tag: u32, _parameters: *const u8, _count: u32
    ) {
        pool::free(block, (tag != 0).then_some(tag));
    }
}
