//! Memory descriptor lists.

use ddk::nt;

use std::ffi::c_void;

use crate::cpu::{APC, DISPATCH};
use crate::pool::{self, Fill, Kind};
use crate::verifier::violation;

const PAGE: usize = 4096;
const TAG: u32 = u32::from_le_bytes(*b"Mdl ");
const MAPPED_TO_SYSTEM_VA: i16 = 0x1;
const PAGES_LOCKED: i16 = 0x2;
const SOURCE_IS_NONPAGED_POOL: i16 = 0x4;
const PARTIAL: i16 = 0x10;

/// MDL.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Mdl {
    /// The next one of a chain.
    pub next: *mut Mdl,
    /// Size of this structure with its page numbers.
    pub size: i16,
    /// What was done to it.
    pub flags: i16,
    process: *mut c_void,
    /// Where it is mapped in the kernel.
    pub mapped_system_va: *mut c_void,
    /// First page.
    pub start_va: *mut c_void,
    /// Bytes described.
    pub byte_count: u32,
    /// Offset of the first byte in its page.
    pub byte_offset: u32,
}

impl Mdl {
    /// Address of the first byte described.
    pub fn address(&self) -> usize {
        self.start_va as usize + self.byte_offset as usize
    }
}

/// Makes an MDL over nonpaged memory that the lab lends to a driver; the lab takes it back with its block.
pub(crate) fn lend(address: usize, size: usize) -> *mut Mdl {
    let offset = address % PAGE;
    let pages = (offset + size).div_ceil(PAGE);
    let length = size_of::<Mdl>() + pages * 8;
    let mdl = pool::lend(length, TAG, Fill::Zero).cast::<Mdl>();
    // SAFETY: the block was just made with room for it.
    unsafe {
        mdl.write(Mdl {
            next: std::ptr::null_mut(),
            size: length.min(i16::MAX as usize) as i16,
            flags: SOURCE_IS_NONPAGED_POOL | MAPPED_TO_SYSTEM_VA,
            process: std::ptr::null_mut(),
            mapped_system_va: address as *mut c_void,
            start_va: (address - offset) as *mut c_void,
            byte_count: size as u32,
            byte_offset: offset as u32,
        });
    }
    mdl
}

crate::exports! {
    /// MDL functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Allocates an MDL for a range.
    irql(0..=DISPATCH) fn IoAllocateMdl(
        address: nt::PVOID, length: u32, secondary: u8, _charge: u8, irp: nt::PIRP
    ) -> nt::PMDL {
        let address: *mut c_void = address.cast();
        let irp: *mut c_void = irp.cast();
        if !irp.is_null() || secondary != 0 {
            violation("L-2", "IoAllocateMdl with an IRP is for drivers of storage and file systems");
        }
        let offset = address as usize % PAGE;
        let pages = (offset + length as usize).div_ceil(PAGE);
        let size = size_of::<Mdl>() + pages * 8;
        let mdl = pool::allocate(Kind::NonPaged, size, TAG, Fill::Zero).cast::<Mdl>();
        if !mdl.is_null() {
            // SAFETY: the block was just allocated with room for it.
            unsafe {
                mdl.write(Mdl {
                    next: std::ptr::null_mut(),
                    size: size.min(i16::MAX as usize) as i16,
                    flags: 0,
                    process: std::ptr::null_mut(),
                    mapped_system_va: std::ptr::null_mut(),
                    start_va: (address as usize - offset) as *mut c_void,
                    byte_count: length,
                    byte_offset: offset as u32,
                });
            }
        }
        mdl.cast()
    }

    /// Frees an MDL.
    irql(0..=DISPATCH) fn IoFreeMdl(mdl: nt::PMDL) {
        let mdl: *mut Mdl = mdl.cast();
        // SAFETY: the driver passes an MDL; a bad pointer faults and is reported.
        if unsafe { (*mdl).flags } & PAGES_LOCKED != 0 {
            violation("G-30", "IoFreeMdl of an MDL whose pages are locked");
        }
        pool::free(mdl.cast(), Some(TAG));
    }

    /// Describes memory that is resident already.
    irql(0..=DISPATCH) fn MmBuildMdlForNonPagedPool(mdl: nt::PMDL) {
        let mdl: *mut Mdl = mdl.cast();
        // SAFETY: as above.
        let mdl = unsafe { &mut *mdl };
        if mdl.flags & (MAPPED_TO_SYSTEM_VA | PAGES_LOCKED | SOURCE_IS_NONPAGED_POOL | PARTIAL) != 0 {
            violation("G-30", "MmBuildMdlForNonPagedPool for an MDL that is built, locked or mapped");
        }
        if pool::lookup(mdl.address()).is_some_and(|block| block.kind == Kind::Paged) {
            violation("G-30", &format!("MmBuildMdlForNonPagedPool over {}", pool::describe(mdl.address())));
        }
        mdl.flags |= SOURCE_IS_NONPAGED_POOL;
        mdl.mapped_system_va = mdl.address() as *mut c_void;
    }

    /// Describes a part of what another MDL describes.
    irql(0..=DISPATCH) fn IoBuildPartialMdl(
        source: nt::PMDL, target: nt::PMDL, address: nt::PVOID, length: u32
    ) {
        let source: *mut Mdl = source.cast();
        let target: *mut Mdl = target.cast();
        let address: *mut c_void = address.cast();
        // SAFETY: as above.
        let (source, target) = unsafe { (&*source, &mut *target) };
        let offset = address as usize - source.address();
        let length = if length == 0 { source.byte_count.saturating_sub(offset as u32) } else { length };
        if offset + length as usize > source.byte_count as usize {
            violation("G-30", "IoBuildPartialMdl beyond the end of its source");
        }
        if target.size < source.size && usize::from(target.size as u16) < size_of::<Mdl>() + 8 {
            violation("G-30", "IoBuildPartialMdl into an MDL without room for the page numbers");
        }
        target.start_va = (address as usize & !(PAGE - 1)) as *mut c_void;
        target.byte_offset = (address as usize % PAGE) as u32;
        target.byte_count = length;
        target.flags = PARTIAL | source.flags & (SOURCE_IS_NONPAGED_POOL | MAPPED_TO_SYSTEM_VA);
        target.mapped_system_va = target.address() as *mut c_void;
    }

    /// Locks the pages that an MDL describes.
    irql(0..=APC) fn MmProbeAndLockPages(mdl: nt::PMDL, _mode: i8, _operation: i32) {
        let mdl: *mut Mdl = mdl.cast();
        // SAFETY: as above.
        let mdl = unsafe { &mut *mdl };
        if mdl.flags & (PAGES_LOCKED | SOURCE_IS_NONPAGED_POOL) != 0 {
            violation("G-30", "MmProbeAndLockPages for an MDL that is locked or built already");
        }
        mdl.flags |= PAGES_LOCKED;
    }

    /// Unlocks the pages that an MDL describes.
    irql(0..=DISPATCH) fn MmUnlockPages(mdl: nt::PMDL) {
        let mdl: *mut Mdl = mdl.cast();
        // SAFETY: as above.
        let mdl = unsafe { &mut *mdl };
        if mdl.flags & PAGES_LOCKED == 0 {
            violation("G-30", "MmUnlockPages for an MDL whose pages are not locked");
        }
        mdl.flags &= !(PAGES_LOCKED | MAPPED_TO_SYSTEM_VA);
    }

    /// Maps locked pages.
    irql(0..=DISPATCH) fn MmMapLockedPagesSpecifyCache(
        mdl: nt::PMDL, mode: i8, _cache: i32, _address: nt::PVOID, bug_check: u32, _priority: u32
    ) -> nt::PVOID {
        let mdl: *mut Mdl = mdl.cast();
        // SAFETY: as above.
        let mdl = unsafe { &mut *mdl };
        if mode != 0 {
            violation("G-30", "MmMapLockedPagesSpecifyCache into user space");
        }
        if mdl.flags & (PAGES_LOCKED | PARTIAL | SOURCE_IS_NONPAGED_POOL) == 0 {
            violation("G-30", "MmMapLockedPagesSpecifyCache for an MDL that is neither locked nor built");
        }
        if mdl.flags & MAPPED_TO_SYSTEM_VA != 0 {
            violation("G-30", "MmMapLockedPagesSpecifyCache for an MDL that is mapped already");
        }
        if pool::must_fail() {
            if bug_check != 0 {
                crate::bugcheck(0x3f, [0; 4]);
            }
            return std::ptr::null_mut();
        }
        mdl.flags |= MAPPED_TO_SYSTEM_VA;
        mdl.mapped_system_va = mdl.address() as *mut c_void;
        mdl.mapped_system_va
    }

    /// Removes a mapping.
    irql(0..=DISPATCH) fn MmUnmapLockedPages(address: nt::PVOID, mdl: nt::PMDL) {
        let address: *mut c_void = address.cast();
        let mdl: *mut Mdl = mdl.cast();
        // SAFETY: as above.
        let mdl = unsafe { &mut *mdl };
        if mdl.flags & MAPPED_TO_SYSTEM_VA == 0 || mdl.mapped_system_va != address {
            violation("G-30", "MmUnmapLockedPages of an address at which the MDL is not mapped");
        }
        mdl.flags &= !MAPPED_TO_SYSTEM_VA;
    }
}
