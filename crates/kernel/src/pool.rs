//! Fallible, tagged allocation from the non-paged pool.

use core::alloc::Layout;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

use ddk::nt::ntddk::{ExAllocatePool2, ExFreePoolWithTag};
use ddk::nt::{POOL_FLAG_NON_PAGED, SIZE_T};

/// Alignment that ExAllocatePool2 gives on 64-bit Windows.
const POOL_ALIGNMENT: usize = 16;

/// Four printable characters that name the owner of an allocation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tag(u32);

impl Tag {
    /// The tag that debuggers print as `name`.
    #[must_use]
    pub const fn new(name: &[u8; 4]) -> Self {
        Self(u32::from_le_bytes(*name))
    }

    /// The tag as the kernel takes it.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// Zeroed memory from the non-paged pool. IRQL: <= DISPATCH_LEVEL.
#[doc(alias = "ExAllocatePool2")]
fn allocate(size: usize, tag: Tag) -> Option<NonNull<u8>> {
    // SAFETY: the flag is a valid pool type, the size is not zero, and callers run at DISPATCH_LEVEL or below.
    let block = unsafe { ExAllocatePool2(POOL_FLAG_NON_PAGED, size.max(1) as SIZE_T, tag.get()) };
    NonNull::new(block.cast())
}

/// A value in the non-paged pool.
///
/// # Invariants
/// `value` points to a live allocation with the tag `tag` that holds a valid `T` and that nobody else frees.
#[derive(Debug)]
pub struct PoolBox<T> {
    value: NonNull<T>,
    tag: Tag,
}

// SAFETY: the box owns its value, so it moves between threads as the value itself does.
unsafe impl<T: Send> Send for PoolBox<T> {}
// SAFETY: a shared box gives only shared access to the value.
unsafe impl<T: Sync> Sync for PoolBox<T> {}

impl<T> PoolBox<T> {
    /// Moves `value` to the pool, or drops it when there is no memory.
    #[inline]
    pub fn new(tag: Tag, value: T) -> Option<Self> {
        Self::try_new(tag, value).ok()
    }

    /// Moves `value` to the pool, or gives it back when there is no memory.
    #[inline]
    pub fn try_new(tag: Tag, value: T) -> Result<Self, T> {
        const { assert!(align_of::<T>() <= POOL_ALIGNMENT, "use Block for larger alignments") };
        let Some(place) = allocate(size_of::<T>(), tag) else { return Err(value) };
        let place = place.cast::<T>();
        // SAFETY: the block is fresh, large enough, and aligned by the assertion above.
        unsafe { place.write(value) };
        // INVARIANT: just allocated and initialised.
        Ok(Self { value: place, tag })
    }

    /// The value itself, out of the pool again.
    #[inline]
    #[must_use]
    pub fn into_inner(self) -> T {
        let this = ManuallyDrop::new(self);
        // SAFETY: by the type's invariant the value is valid; it is moved out once.
        let value = unsafe { this.value.read() };
        // SAFETY: by the type's invariant the block is ours and has this tag; its value is gone.
        unsafe { ExFreePoolWithTag(this.value.as_ptr().cast(), this.tag.get()) };
        value
    }

    /// Gives up ownership; the value lives until it is passed to [`PoolBox::from_raw`].
    #[must_use]
    pub fn into_raw(self) -> NonNull<T> {
        ManuallyDrop::new(self).value
    }

    /// Takes ownership back.
    ///
    /// # Safety
    /// `value` must come from [`PoolBox::into_raw`] of a box with the same tag, once, and no reference to it may be used after.
    #[must_use]
    pub unsafe fn from_raw(value: NonNull<T>, tag: Tag) -> Self {
        // INVARIANT: by the contract of this function.
        Self { value, tag }
    }

    /// Address of the value.
    #[must_use]
    pub fn as_ptr(&self) -> NonNull<T> {
        self.value
    }
}

impl<T> Deref for PoolBox<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: by the type's invariant.
        unsafe { self.value.as_ref() }
    }
}

impl<T> DerefMut for PoolBox<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: by the type's invariant; the box is borrowed mutably.
        unsafe { self.value.as_mut() }
    }
}

impl<T> Drop for PoolBox<T> {
    #[doc(alias = "ExFreePoolWithTag")]
    fn drop(&mut self) {
        // SAFETY: by the type's invariant the value is valid and dropped only here.
        unsafe { self.value.drop_in_place() };
        // SAFETY: by the type's invariant the block is ours and has this tag.
        unsafe { ExFreePoolWithTag(self.value.as_ptr().cast(), self.tag.get()) };
    }
}

/// Zeroed bytes in the non-paged pool, with any alignment.
///
/// # Invariants
/// `base` is a live allocation with the tag `tag`; `start .. start + len` lies inside it and is initialised.
#[derive(Debug)]
pub struct Block {
    base: NonNull<u8>,
    start: NonNull<u8>,
    len: usize,
    tag: Tag,
}

// SAFETY: the block owns plain bytes.
unsafe impl Send for Block {}
// SAFETY: shared access to a block only reads.
unsafe impl Sync for Block {}

impl Block {
    /// Allocates zeroed memory of this layout.
    #[must_use]
    pub fn zeroed(tag: Tag, layout: Layout) -> Option<Self> {
        // Alignment beyond the pool's own is made by hand: the pool promises no more for sizes under a page.
        let slack = if layout.align() <= POOL_ALIGNMENT { 0 } else { layout.align() - POOL_ALIGNMENT };
        let base = allocate(layout.size().checked_add(slack)?, tag)?;
        let shift = base.addr().get().wrapping_neg() & (layout.align() - 1);
        // SAFETY: `base` is a multiple of the pool alignment, so `shift` is at most `slack`.
        let start = unsafe { base.add(shift) };
        // INVARIANT: `shift + size` is within `slack + size`, and the pool returned zeroed memory.
        Some(Self { base, start, len: layout.size(), tag })
    }

    /// Allocates a copy of `bytes`.
    #[must_use]
    pub fn copy(tag: Tag, bytes: &[u8]) -> Option<Self> {
        let block = Self::zeroed(tag, Layout::from_size_align(bytes.len(), POOL_ALIGNMENT).ok()?)?;
        // SAFETY: the block is as long as the source, fresh, and so does not overlap it.
        unsafe { block.start.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) };
        Some(block)
    }

    /// First byte.
    #[must_use]
    pub fn as_ptr(&self) -> NonNull<u8> {
        self.start
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: by the type's invariant.
        unsafe { core::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// The bytes, to be written.
    #[must_use]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: by the type's invariant; the block is borrowed mutably.
        unsafe { core::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }

    /// Gives up ownership and returns the bytes, which live until [`Block::free_bytes`].
    ///
    /// Works only for blocks whose alignment is the pool's own, such as those of [`Block::copy`].
    #[must_use]
    pub fn leak(self) -> &'static [u8] {
        let this = ManuallyDrop::new(self);
        // SAFETY: the block is not freed before `free_bytes`, whose contract ends all use.
        unsafe { core::slice::from_raw_parts(this.start.as_ptr(), this.len) }
    }

    /// Frees what [`Block::leak`] returned.
    ///
    /// # Safety
    /// `bytes` must come from [`Block::leak`] of a [`Block::copy`] with this tag, and must not be used afterwards.
    pub unsafe fn free_bytes(bytes: NonNull<[u8]>, tag: Tag) {
        // SAFETY: a copied block starts at its allocation's base; the rest by the contract of this function.
        unsafe { ExFreePoolWithTag(bytes.as_ptr().cast(), tag.get()) };
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: by the type's invariant the allocation is ours and has this tag.
        unsafe { ExFreePoolWithTag(self.base.as_ptr().cast(), self.tag.get()) };
    }
}

/// Types for which zero bytes are a valid value.
///
/// # Safety
/// The all-zero bit pattern must be a valid value, and the type must not need dropping.
pub unsafe trait Zeroable: Sync + 'static {}

/// Values in the non-paged pool that began as zero bytes, with the alignment their type asks for.
///
/// # Invariants
/// `block` holds `count` values of `T`, aligned.
#[derive(Debug)]
pub struct PoolArray<T> {
    block: Block,
    count: usize,
    values: core::marker::PhantomData<T>,
}

impl<T: Zeroable> PoolArray<T> {
    /// Allocates `count` values.
    #[must_use]
    pub fn zeroed(tag: Tag, count: usize) -> Option<Self> {
        let block = Block::zeroed(tag, Layout::array::<T>(count).ok()?)?;
        // INVARIANT: the block has the layout of the array.
        Some(Self { block, count, values: core::marker::PhantomData })
    }

    /// The values.
    #[inline]
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        // SAFETY: by the type's invariant; zero bytes are valid for `T`, and shared access only follows.
        unsafe { core::slice::from_raw_parts(self.block.start.cast::<T>().as_ptr(), self.count) }
    }
}

/// Values in the non-paged pool, made one by one.
///
/// # Invariants
/// `first` points to `count` valid values in a live allocation with the tag `tag`; dangling when `count` is 0.
#[derive(Debug)]
pub struct PoolSlice<T> {
    first: NonNull<T>,
    count: usize,
    tag: Tag,
}

// SAFETY: the slice owns its values, so it moves between threads as they do.
unsafe impl<T: Send> Send for PoolSlice<T> {}
// SAFETY: a shared slice gives only shared access to the values.
unsafe impl<T: Sync> Sync for PoolSlice<T> {}

impl<T> PoolSlice<T> {
    /// No value, and no memory.
    #[must_use]
    pub const fn empty(tag: Tag) -> Self {
        // INVARIANT: no value.
        Self { first: NonNull::dangling(), count: 0, tag }
    }

    /// `count` values; `None` when there is no memory. IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn new(tag: Tag, count: usize, mut make: impl FnMut() -> T) -> Option<Self> {
        const { assert!(align_of::<T>() <= POOL_ALIGNMENT && size_of::<T>() != 0) };
        if count == 0 {
            return Some(Self::empty(tag));
        }
        let first = allocate(Layout::array::<T>(count).ok()?.size(), tag)?.cast::<T>();
        for number in 0..count {
            // SAFETY: the block has room for `count` values, aligned by the assertion above.
            unsafe { first.add(number).write(make()) };
        }
        // INVARIANT: just allocated and initialised.
        Some(Self { first, count, tag })
    }
}

impl<T> Deref for PoolSlice<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: by the type's invariant.
        unsafe { core::slice::from_raw_parts(self.first.as_ptr(), self.count) }
    }
}

impl<T> DerefMut for PoolSlice<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: by the type's invariant; the slice is borrowed mutably.
        unsafe { core::slice::from_raw_parts_mut(self.first.as_ptr(), self.count) }
    }
}

impl<T> Drop for PoolSlice<T> {
    fn drop(&mut self) {
        if self.count == 0 {
            return;
        }
        for number in 0..self.count {
            // SAFETY: by the type's invariant the values are valid, and dropped only here.
            unsafe { self.first.add(number).drop_in_place() };
        }
        // SAFETY: by the type's invariant the block is ours and has this tag.
        unsafe { ExFreePoolWithTag(self.first.as_ptr().cast(), self.tag.get()) };
    }
}
