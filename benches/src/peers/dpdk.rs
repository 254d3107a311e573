//! DPDK, through `peers/dpdk.c`, where it is installed.
#![cfg_attr(dpdk, expect(unsafe_code, reason = "a C library"))]

use anyhow::Result;

#[cfg(not(dpdk))]
pub(crate) use absent::Hash;
#[cfg(dpdk)]
pub(crate) use present::Hash;

#[cfg(not(dpdk))]
mod absent {
    use super::Result;

    /// There is none.
    pub(crate) struct Hash;

    impl Hash {
        /// Says so, once.
        pub(crate) fn new(_: impl Iterator<Item = [u64; 2]>, _: u32) -> Result<Option<Self>> {
            static SAID: std::sync::Once = std::sync::Once::new();
            SAID.call_once(|| eprintln!("skipped: DPDK (apt install libdpdk-dev)"));
            Ok(None)
        }

        /// Never called.
        pub(crate) fn sum(&self, _: &[[u64; 2]]) -> u64 {
            0
        }
    }
}

#[cfg(dpdk)]
mod present {
    use std::ffi::{CString, c_char, c_int, c_void};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use anyhow::{Context as _, bail};

    use super::Result;
    use crate::{memory, rounds};

    unsafe extern "C" {
        fn weir_dpdk_init(megabytes: u32) -> c_int;
        fn weir_dpdk_hash(name: *const c_char, entries: u32) -> *mut c_void;
        fn weir_dpdk_hash_add(table: *mut c_void, key: *const c_void, value: u64) -> c_int;
        fn weir_dpdk_hash_bulk(table: *const c_void, keys: *const u8, count: u64, sum: *mut u64) -> u64;
        fn weir_dpdk_hash_free(table: *mut c_void);
    }

    /// Memory for DPDK, in MiB: enough for eight million entries.
    const MEMORY: u32 = 2_048;

    fn init() -> Result<()> {
        static DONE: OnceLock<c_int> = OnceLock::new();
        let outcome = *DONE.get_or_init(|| {
            // SAFETY: called once, from the only thread.
            let outcome = unsafe { weir_dpdk_init(MEMORY) };
            memory::advise_foreign();
            rounds::pin();
            outcome
        });
        if outcome != 0 {
            bail!("DPDK's environment does not start: error {outcome}");
        }
        Ok(())
    }

    /// An rte_hash with lock-free readers.
    pub(crate) struct Hash(*mut c_void);

    impl Hash {
        /// A table that is half full with these keys, numbered from 0.
        pub(crate) fn new(keys: impl Iterator<Item = [u64; 2]>, count: u32) -> Result<Option<Self>> {
            static NUMBER: AtomicU32 = AtomicU32::new(0);
            init()?;
            let name = CString::new(format!("weir{}", NUMBER.fetch_add(1, Ordering::Relaxed)))?;
            // SAFETY: the name ends with a zero and is copied.
            let table = Self(unsafe { weir_dpdk_hash(name.as_ptr(), count.max(8) * 2) });
            if table.0.is_null() {
                bail!("rte_hash_create fails for {count} flows");
            }
            for (number, key) in keys.enumerate() {
                // SAFETY: a live table, and a key of 16 bytes.
                let outcome = unsafe { weir_dpdk_hash_add(table.0, key.as_ptr().cast(), number as u64) };
                (outcome == 0).then_some(()).with_context(|| format!("rte_hash has no room: {outcome}"))?;
            }
            Ok(Some(table))
        }

        /// Looks all keys up, in bulks of 32, and adds up their numbers plus one.
        pub(crate) fn sum(&self, keys: &[[u64; 2]]) -> u64 {
            let mut sum = 0;
            // SAFETY: a live table; the keys are a multiple of 32, one after the other.
            let hits =
                unsafe { weir_dpdk_hash_bulk(self.0, keys.as_ptr().cast(), keys.len() as u64, &mut sum) };
            sum + hits
        }
    }

    impl Drop for Hash {
        fn drop(&mut self) {
            // SAFETY: a live table, not used any more.
            unsafe { weir_dpdk_hash_free(self.0) };
        }
    }
}
