//! Unique identifiers.

use std::sync::atomic::{AtomicU64, Ordering};

use ddk::nt;

use crate::clock;
use crate::cpu::PASSIVE;
use crate::pool;

crate::exports! {
    /// The kernel's source of unique identifiers.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Makes an identifier of the kind that time and place make unique (version 1).
    irql(PASSIVE..=PASSIVE) fn ExUuidCreate(out: *mut nt::UUID) -> i32 {
        const STATUS_RETRY: i32 = 0xc000_022d_u32 as i32;
        /// 100 ns intervals from the start of the Gregorian calendar to that of Windows' time.
        const GREGORIAN: u64 = 0x0146_bf33_e42c_0000;
        static SEQUENCE: AtomicU64 = AtomicU64::new(0);

        if pool::must_fail() {
            return STATUS_RETRY;
        }
        // The sequence number keeps identifiers apart that are made at one time.
        let sequence = SEQUENCE.fetch_add(1, Ordering::Relaxed) & 0x3fff;
        let time = clock::system_time().wrapping_add(GREGORIAN);
        let clock = 0x8000 | sequence as u16;
        let mut node = [0, 0, 0x02, b'l', b'a', b'b', 0, 1];
        node[..2].copy_from_slice(&clock.to_be_bytes());
        let uuid = nt::UUID {
            Data1: time as u32,
            Data2: (time >> 32) as u16,
            Data3: (time >> 48) as u16 & 0x0fff | 0x1000,
            Data4: node,
        };
        // SAFETY: the driver passes room for the identifier.
        unsafe { out.write(uuid) };
        nt::STATUS_SUCCESS
    }
}
