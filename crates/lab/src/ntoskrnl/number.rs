//! Numbers: random ones, and bits of others.

use crate::cpu::{APC, HIGH};

crate::exports! {
    /// Functions on numbers.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// The next of a row of random numbers below 2^31 - 1; the same seed begins the same row.
    irql(0..=APC) fn RtlRandomEx(seed: ddk::nt::PULONG) -> u32 {
        const MODULUS: u64 = 0x7fff_ffff;
        const FACTOR: u64 = 48271;
        // SAFETY: the driver passes its seed.
        unsafe {
            let next = (u64::from(seed.read()) % MODULUS).max(1) * FACTOR % MODULUS;
            seed.write(next as u32);
            next as u32 - 1
        }
    }

    /// How many bits of a number are set.
    irql(0..=HIGH) fn RtlNumberOfSetBitsUlongPtr(number: u64) -> u32 { number.count_ones() }
}
