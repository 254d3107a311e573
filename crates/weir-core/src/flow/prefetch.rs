//! A hint to the processor that a cache line will be read soon.
// UNSAFETY: the intrinsic takes a raw pointer; a prefetch cannot fault, and this one points to a live value.
#![expect(unsafe_code, reason = "prefetching is only to be had as an intrinsic or an instruction")]

/// Asks for the cache line in which `value` begins.
#[inline(always)]
pub(crate) fn prefetch<T>(value: &T) {
    let pointer = core::ptr::from_ref(value);
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of every x86-64 processor, and the pointer comes from a reference.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(pointer.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: PRFM reads nothing that the program could see, and does not fault.
    unsafe {
        core::arch::asm!("prfm pldl1keep, [{}]", in(reg) pointer, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = pointer;
}
