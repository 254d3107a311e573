//! Carves the tables of the engine out of one block of memory that the caller reserved at start.
// UNSAFETY: turns raw zeroed memory into slices of all-atomic tables; every table above this file is safe
// code.
#![expect(unsafe_code, reason = "the one place that turns raw memory into typed tables")]

use core::alloc::Layout;
use core::ptr::NonNull;

/// Types for which all bytes zero is a valid value and that change only through atomics.
///
/// # Safety
/// The all-zero bit pattern must be a valid value, and the type must not need dropping.
pub unsafe trait Zeroed: Sync + Sized + 'static {
    /// The value of zero bits: the model checker's atomics must be made one by one.
    #[cfg(loom)]
    fn zero() -> Self;
}

macro_rules! zeroed_atomics {
    ($($atomic:path),+) => {$(
        // SAFETY: an atomic integer of zero bits is a valid atomic integer.
        unsafe impl Zeroed for $atomic {
            #[cfg(loom)]
            fn zero() -> Self {
                <$atomic>::new(0)
            }
        }
    )+};
}

zeroed_atomics!(core::sync::atomic::AtomicU64, core::sync::atomic::AtomicU32, core::sync::atomic::AtomicU16);
zeroed_atomics!(core::sync::atomic::AtomicU8);
#[cfg(loom)]
zeroed_atomics!(loom::sync::atomic::AtomicU64, loom::sync::atomic::AtomicU32);

/// Declares all-atomic structs as [`Zeroed`]: compiles only when every field is.
#[macro_export]
#[doc(hidden)]
macro_rules! zeroed_struct {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$fm:meta])* $fv:vis $field:ident : $ty:ty),+ $(,)? }) => {
        $(#[$meta])* $vis struct $name { $($(#[$fm])* $fv $field: $ty),+ }
        const _: () = {
            const fn zeroed<T: $crate::memory::Zeroed>() {}
            $(zeroed::<$ty>();)+
        };
        #[expect(unsafe_code, reason = "all fields are checked to be Zeroed by the line above")]
        // SAFETY: every field is `Zeroed`, so the struct of zero bits is valid and needs no drop.
        unsafe impl $crate::memory::Zeroed for $name {
            #[cfg(loom)]
            fn zero() -> Self {
                Self { $($field: <$ty as $crate::memory::Zeroed>::zero()),+ }
            }
        }
    };
}

// SAFETY: an array of values for which zero bits are valid.
unsafe impl<T: Zeroed, const N: usize> Zeroed for [T; N] {
    #[cfg(loom)]
    fn zero() -> Self {
        core::array::from_fn(|_| T::zero())
    }
}

/// A bump allocator over the caller's block; in measuring mode it only adds up sizes.
///
/// # Invariants
/// `base`, when present, points to a block of at least `Layout` bytes as measured by the same sequence of
/// calls.
#[derive(Debug)]
pub struct Carver {
    base: Option<NonNull<u8>>,
    used: usize,
    align: usize,
}

impl Carver {
    /// Measures: [`Carver::slice`] returns empty slices and [`Carver::layout`] tells what is needed.
    #[must_use]
    pub fn measuring() -> Self {
        Self { base: None, used: 0, align: 64 }
    }

    /// Carves from `base`.
    ///
    /// # Safety
    /// `base` must point to a block that is as large and as aligned as a measuring carver found for the same
    /// sequence of calls, is all zero bytes, is used by nobody else, and lives as long as anything carved
    /// from it is used.
    #[must_use]
    pub unsafe fn carving(base: NonNull<u8>) -> Self {
        Self { base: Some(base), used: 0, align: 64 }
    }

    /// `count` zeroed values; a model's atomics live as long as the process.
    #[cfg(loom)]
    #[must_use]
    pub fn slice<T: Zeroed>(&mut self, count: usize) -> Option<&'static [T]> {
        Some(std::boxed::Box::leak((0..count).map(|_| T::zero()).collect()))
    }

    /// `count` zeroed values, aligned to a cache line; `None` when the sizes overflow.
    #[cfg(not(loom))]
    #[must_use]
    pub fn slice<T: Zeroed>(&mut self, count: usize) -> Option<&'static [T]> {
        let align = align_of::<T>().max(64);
        let start = self.used.checked_next_multiple_of(align)?;
        self.align = self.align.max(align);
        self.used = start.checked_add(size_of::<T>().checked_mul(count)?)?;
        let Some(base) = self.base else { return Some(&[]) };
        // SAFETY: `start` lies inside the block, by the contract of `carving`.
        let first = unsafe { base.add(start) };
        // SAFETY: the range is inside the block, zeroed (valid for `T: Zeroed`), aligned, handed out once,
        // and outlives its users, all by the contract of `carving`.
        Some(unsafe { core::slice::from_raw_parts(first.cast::<T>().as_ptr(), count) })
    }

    /// Room for one `T` that is not built yet; `Some(None)` when measuring.
    #[must_use]
    pub fn room<T>(&mut self) -> Option<Option<NonNull<T>>> {
        let align = align_of::<T>().max(64);
        let start = self.used.checked_next_multiple_of(align)?;
        self.align = self.align.max(align);
        self.used = start.checked_add(size_of::<T>())?;
        let Some(base) = self.base else { return Some(None) };
        // SAFETY: `start` lies inside the block, by the contract of `carving`.
        Some(Some(unsafe { base.add(start) }.cast()))
    }

    /// The layout that holds everything asked for so far.
    #[must_use]
    pub fn layout(&self) -> Option<Layout> {
        Layout::from_size_align(self.used, self.align).ok()
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! Memory for tables under test.

    use std::alloc::{Layout, alloc_zeroed, dealloc};

    use super::{Carver, NonNull};

    /// A value and the block it was carved from.
    pub(crate) struct Block<T> {
        value: Option<T>,
        memory: NonNull<u8>,
        layout: Layout,
    }

    // SAFETY: the block is only reached through `value`.
    unsafe impl<T: Sync> Sync for Block<T> {}

    impl<T> Block<T> {
        pub(crate) fn carve(make: impl Fn(&mut Carver) -> Option<T>) -> Self {
            let mut measure = Carver::measuring();
            make(&mut measure).unwrap();
            let layout = measure.layout().unwrap();
            let layout = Layout::from_size_align(layout.size().max(1), layout.align()).unwrap();
            // SAFETY: the size is not zero.
            let memory = NonNull::new(unsafe { alloc_zeroed(layout) }).unwrap();
            // SAFETY: fresh zeroed memory of the measured layout, freed after `value` is dropped.
            let mut carver = unsafe { Carver::carving(memory) };
            Self { value: make(&mut carver), memory, layout }
        }

        pub(crate) fn value(&self) -> &T {
            self.value.as_ref().unwrap()
        }
    }

    impl<T> Drop for Block<T> {
        fn drop(&mut self) {
            self.value = None;
            // SAFETY: allocated in `carve` with this layout, and the value that used it is gone.
            unsafe { dealloc(self.memory.as_ptr(), self.layout) };
        }
    }
}
