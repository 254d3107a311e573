//! Lists shared between processors, and lookaside lists.

use std::sync::{Mutex, PoisonError};

use ddk::nt;

use super::{live, lock};
use crate::cpu::{self, APC, DISPATCH, HIGH};
use crate::pool;
use crate::verifier::violation;

/// One lock serves all sequenced lists: the kernel's own algorithm is lock-free, its effect is the same.
static SEQUENCED: Mutex<()> = Mutex::new(());

/// Depth in the low 16 bits, sequence number above.
const DEPTH: u64 = 0xffff;
const SEQUENCE: u64 = 1 << 16;
/// The low bits of a list's second word belong to the processor's own format.
const FLAGS: u64 = 0xf;

/// Changes the list at `head`: `body` gets its first entry and yields the new first entry and depth change.
fn change(
    head: nt::PSLIST_HEADER,
    body: impl FnOnce(*mut nt::SLIST_ENTRY) -> (*mut nt::SLIST_ENTRY, Option<i64>),
) -> *mut nt::SLIST_ENTRY {
    if !(head as usize).is_multiple_of(16) {
        violation("L-2", &format!("the list head {head:p} is not aligned to 16 bytes"));
    }
    let _guard = SEQUENCED.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: a driver passes a list head that stays valid during the call; a bad pointer faults and is
    // reported.
    let words = unsafe { &mut (*head).__bindgen_anon_1 };
    let first = (words.Region & !FLAGS) as *mut nt::SLIST_ENTRY;
    let (new, depth) = body(first);
    let count = match depth {
        Some(change) => (words.Alignment & DEPTH).wrapping_add_signed(change) & DEPTH,
        None => 0,
    };
    words.Alignment = (words.Alignment & !DEPTH).wrapping_add(SEQUENCE) | count;
    words.Region = new as u64;
    first
}

fn push(head: nt::PSLIST_HEADER, entry: nt::PSLIST_ENTRY) -> nt::PSLIST_ENTRY {
    if !(entry as usize).is_multiple_of(16) {
        violation("L-2", &format!("the list entry {entry:p} is not aligned to 16 bytes"));
    }
    change(head, |first| {
        // SAFETY: the driver passes an entry that it gives to the list.
        unsafe { (*entry).Next = first };
        (entry, Some(1))
    })
}

fn pop(head: nt::PSLIST_HEADER) -> nt::PSLIST_ENTRY {
    change(head, |first| {
        if first.is_null() {
            return (first, Some(0));
        }
        // SAFETY: an entry in the list belongs to the list.
        (unsafe { (*first).Next }, Some(-1))
    })
}

/// Runs `body` with a driver's spin lock held, as the interlocked list functions do at any IRQL.
fn locked<R>(spin: nt::PKSPIN_LOCK, body: impl FnOnce() -> R) -> R {
    let old = cpu::raise(DISPATCH.max(cpu::irql()));
    lock::acquire(spin, "ExInterlocked", None);
    let result = body();
    lock::release(spin, "ExInterlocked", None);
    cpu::lower(old);
    result
}

fn is_empty(head: nt::PLIST_ENTRY) -> bool {
    // SAFETY: a driver passes a list head.
    std::ptr::eq(unsafe { (*head).Flink }, head)
}

/// # Safety
/// `before` and `after` are neighbours in a list.
unsafe fn insert(entry: nt::PLIST_ENTRY, before: nt::PLIST_ENTRY, after: nt::PLIST_ENTRY) {
    // SAFETY: the caller's promise.
    unsafe {
        if !std::ptr::eq((*before).Flink, after) || !std::ptr::eq((*after).Blink, before) {
            crate::bugcheck(0x139, [3, before as u64, 0, 0]);
        }
        (*entry).Flink = after;
        (*entry).Blink = before;
        (*before).Flink = entry;
        (*after).Blink = entry;
    }
}

type Lookaside = nt::GENERAL_LOOKASIDE_POOL;

const PAGED: i32 = 1;
const NON_PAGED_NX: i32 = 512;
/// Flags of older lists: raise an exception on failure, executable memory, non-executable memory.
const RAISE: u32 = 0x1;
const NX: u32 = 0x200;

ddk::abi_fn! {
    /// What a list calls when it is empty and its driver gave no routine.
    unsafe fn allocate_default(pool_type: i32, size: u64, tag: u32) -> nt::PVOID {
        pool::allocate(kind(pool_type), size as usize, tag, pool::Fill::Pattern).cast()
    }

    /// What a list calls when it is full and its driver gave no routine.
    unsafe fn free_default(block: nt::PVOID) {
        pool::free(block.cast(), None);
    }

    /// As above, in the newer form.
    unsafe fn allocate_default_ex(
        pool_type: i32, size: u64, tag: u32, _list: nt::PLOOKASIDE_LIST_EX
    ) -> nt::PVOID {
        pool::allocate(kind(pool_type), size as usize, tag, pool::Fill::Pattern).cast()
    }

    /// As above, in the newer form.
    unsafe fn free_default_ex(block: nt::PVOID, _list: nt::PLOOKASIDE_LIST_EX) {
        pool::free(block.cast(), None);
    }
}

fn kind(pool_type: i32) -> pool::Kind {
    match pool_type & (PAGED | NON_PAGED_NX) {
        PAGED => pool::Kind::Paged,
        _ => pool::Kind::NonPaged,
    }
}

/// Fills a list's structure. Its depth is 0, so that every block comes from special pool and goes back there.
fn initialize(list: *mut Lookaside, pool_type: i32, size: u64, tag: u32, fill: impl FnOnce(&mut Lookaside)) {
    if live::contains(list as usize) {
        violation("G-5", "a lookaside list is initialised that is initialised already");
    }
    if pool::lookup(list as usize).is_some_and(|block| block.kind == pool::Kind::Paged) {
        violation("G-17", &format!("lookaside list in paged pool: {}", pool::describe(list as usize)));
    }
    if !(list as usize).is_multiple_of(16) {
        violation("L-2", &format!("the lookaside list {list:p} is not aligned to 16 bytes"));
    }
    // SAFETY: the driver passes room for a list, all of whose fields accept zeroes.
    let list = unsafe {
        list.write(std::mem::zeroed());
        &mut *list
    };
    list.Type = pool_type;
    list.Tag = tag;
    list.Size = size.max(16) as u32;
    list.MaximumDepth = 256;
    fill(list);
    live::enter(&raw const *list as usize, size_of::<Lookaside>(), "lookaside list", "G-5", 0);
}

fn delete(list: *mut Lookaside) {
    if !live::leave(list as usize) {
        violation("G-5", &format!("a lookaside list at {list:p} is deleted that was not initialised"));
    }
    flush(list);
}

/// Gives what the list keeps back to its free routine.
fn flush(list: *mut Lookaside) {
    // SAFETY: the list was initialised; the driver's inline functions put entries into it.
    let head = unsafe { &raw mut (*list).__bindgen_anon_1.ListHead };
    loop {
        let entry = pop(head);
        if entry.is_null() {
            return;
        }
        // SAFETY: the routine that belongs to the list.
        unsafe {
            if let Some(free) = (*list).__bindgen_anon_5.Free {
                free(entry.cast());
            }
        }
    }
}

fn old_form(
    list: *mut Lookaside,
    pool_type: i32,
    routines: (nt::PALLOCATE_FUNCTION, nt::PFREE_FUNCTION),
    size: u64,
    tag: u32,
) {
    initialize(list, pool_type, size, tag, |list| {
        list.__bindgen_anon_4.Allocate = routines.0.or(Some(allocate_default));
        list.__bindgen_anon_5.Free = routines.1.or(Some(free_default));
    });
}

crate::exports! {
    /// List functions of the kernel.
    pub static EXPORTS: "ntoskrnl.exe", sig ddk::nt::ntddk::sig;

    /// Makes a sequenced list empty.
    irql(0..=HIGH) fn InitializeSListHead(head: nt::PSLIST_HEADER) {
        if !(head as usize).is_multiple_of(16) {
            violation("L-2", &format!("the list head {head:p} is not aligned to 16 bytes"));
        }
        // SAFETY: the driver passes room for a list head, whose fields accept zeroes.
        unsafe { head.write(std::mem::zeroed()) };
    }

    /// Puts an entry in front; the old first entry.
    irql(0..=DISPATCH) fn ExpInterlockedPushEntrySList(
        head: nt::PSLIST_HEADER, entry: nt::PSLIST_ENTRY
    ) -> nt::PSLIST_ENTRY {
        push(head, entry)
    }

    /// Takes the first entry; null if there is none.
    irql(0..=DISPATCH) fn ExpInterlockedPopEntrySList(head: nt::PSLIST_HEADER) -> nt::PSLIST_ENTRY {
        pop(head)
    }

    /// Takes all entries.
    irql(0..=DISPATCH) fn ExpInterlockedFlushSList(head: nt::PSLIST_HEADER) -> nt::PSLIST_ENTRY {
        change(head, |_| (std::ptr::null_mut(), None))
    }

    /// How many entries a list has.
    irql(0..=HIGH) fn ExQueryDepthSList(head: nt::PSLIST_HEADER) -> u16 {
        // SAFETY: the driver passes a list head.
        unsafe { ((*head).__bindgen_anon_1.Alignment & DEPTH) as u16 }
    }

    /// Puts an entry at the end of a list under its lock; the old last entry, null if there was none.
    irql(0..=HIGH) fn ExInterlockedInsertTailList(
        head: nt::PLIST_ENTRY, entry: nt::PLIST_ENTRY, spin: nt::PKSPIN_LOCK
    ) -> nt::PLIST_ENTRY {
        locked(spin, || {
            // SAFETY: the driver passes a list and an entry that it gives to the list.
            let last = unsafe { (*head).Blink };
            let old = if is_empty(head) { std::ptr::null_mut() } else { last };
            // SAFETY: the last entry and the head are neighbours.
            unsafe { insert(entry, last, head) };
            old
        })
    }

    /// Puts an entry in front of a list under its lock; the old first entry, null if there was none.
    irql(0..=HIGH) fn ExInterlockedInsertHeadList(
        head: nt::PLIST_ENTRY, entry: nt::PLIST_ENTRY, spin: nt::PKSPIN_LOCK
    ) -> nt::PLIST_ENTRY {
        locked(spin, || {
            // SAFETY: as above.
            let first = unsafe { (*head).Flink };
            let old = if is_empty(head) { std::ptr::null_mut() } else { first };
            // SAFETY: the head and the first entry are neighbours.
            unsafe { insert(entry, head, first) };
            old
        })
    }

    /// Takes the first entry of a list under its lock; null if there is none.
    irql(0..=HIGH) fn ExInterlockedRemoveHeadList(
        head: nt::PLIST_ENTRY, spin: nt::PKSPIN_LOCK
    ) -> nt::PLIST_ENTRY {
        locked(spin, || {
            if is_empty(head) {
                return std::ptr::null_mut();
            }
            // SAFETY: the driver passes a list; the entry comes out from between its neighbours.
            unsafe {
                let first = (*head).Flink;
                if !std::ptr::eq((*first).Blink, head) {
                    crate::bugcheck(0x139, [3, first as u64, 0, 0]);
                }
                let second = (*first).Flink;
                (*head).Flink = second;
                (*second).Blink = head;
                first
            }
        })
    }

    /// Puts an entry in front of a singly linked list under its lock; the old first entry.
    irql(0..=HIGH) fn ExInterlockedPushEntryList(
        head: nt::PSINGLE_LIST_ENTRY, entry: nt::PSINGLE_LIST_ENTRY, spin: nt::PKSPIN_LOCK
    ) -> nt::PSINGLE_LIST_ENTRY {
        // SAFETY: as above.
        locked(spin, || unsafe {
            let first = (*head).Next;
            (*entry).Next = first;
            (*head).Next = entry;
            first
        })
    }

    /// Takes the first entry of a singly linked list under its lock; null if there is none.
    irql(0..=HIGH) fn ExInterlockedPopEntryList(
        head: nt::PSINGLE_LIST_ENTRY, spin: nt::PKSPIN_LOCK
    ) -> nt::PSINGLE_LIST_ENTRY {
        // SAFETY: as above.
        locked(spin, || unsafe {
            let first = (*head).Next;
            if !first.is_null() {
                (*head).Next = (*first).Next;
            }
            first
        })
    }

    /// Adds to a number under a lock; the old value.
    irql(0..=HIGH) fn ExInterlockedAddUlong(number: nt::PULONG, add: u32, spin: nt::PKSPIN_LOCK) -> u32 {
        // SAFETY: the driver passes a number that the lock guards.
        locked(spin, || unsafe {
            let old = *number;
            *number = old.wrapping_add(add);
            old
        })
    }

    /// Adds to a number under a lock; the old value.
    irql(0..=HIGH) fn ExInterlockedAddLargeInteger(
        number: nt::PLARGE_INTEGER, add: nt::LARGE_INTEGER, spin: nt::PKSPIN_LOCK
    ) -> nt::LARGE_INTEGER {
        // SAFETY: the driver passes a number that the lock guards; all members are the same bytes.
        locked(spin, || unsafe {
            let old = *number;
            (*number).QuadPart = old.QuadPart.wrapping_add(add.QuadPart);
            old
        })
    }

    /// Makes a lookaside list.
    irql(0..=DISPATCH) fn ExInitializeLookasideListEx(
        list: nt::PLOOKASIDE_LIST_EX, allocate: nt::PALLOCATE_FUNCTION_EX, free: nt::PFREE_FUNCTION_EX,
        pool_type: nt::POOL_TYPE, flags: u32, size: u64, tag: u32, depth: u16
    ) -> i32 {
        if depth != 0 || flags > 2 || (pool_type & !(PAGED | NON_PAGED_NX)) != 0 {
            return nt::STATUS_INVALID_PARAMETER;
        }
        initialize(list.cast(), pool_type, size, tag, |list| {
            list.__bindgen_anon_4.AllocateEx = allocate.or(Some(allocate_default_ex));
            list.__bindgen_anon_5.FreeEx = free.or(Some(free_default_ex));
        });
        nt::STATUS_SUCCESS
    }

    /// Deletes a lookaside list.
    irql(0..=DISPATCH) fn ExDeleteLookasideListEx(list: nt::PLOOKASIDE_LIST_EX) {
        let general: *mut Lookaside = list.cast();
        if !live::leave(list as usize) {
            violation("G-5", &format!("a lookaside list at {list:p} is deleted that was not initialised"));
        }
        flush_ex(general);
    }

    /// Empties a lookaside list.
    irql(0..=DISPATCH) fn ExFlushLookasideListEx(list: nt::PLOOKASIDE_LIST_EX) {
        flush_ex(list.cast());
    }

    /// Makes a lookaside list of nonpaged memory.
    irql(0..=DISPATCH) fn ExInitializeNPagedLookasideList(
        list: nt::PNPAGED_LOOKASIDE_LIST, allocate: nt::PALLOCATE_FUNCTION, free: nt::PFREE_FUNCTION, flags: u32,
        size: u64, tag: u32, depth: u16
    ) {
        if depth != 0 || flags & !(RAISE | NX) != 0 {
            violation("L-2", &format!("ExInitializeNPagedLookasideList with flags {flags:#x} and depth {depth}"));
        }
        if flags & NX == 0 && allocate.is_none() {
            violation("G-7", "a lookaside list of executable nonpaged pool");
        }
        old_form(list.cast(), NON_PAGED_NX, (allocate, free), size, tag);
    }

    /// Deletes a lookaside list of nonpaged memory.
    irql(0..=DISPATCH) fn ExDeleteNPagedLookasideList(list: nt::PNPAGED_LOOKASIDE_LIST) {
        delete(list.cast());
    }

    /// Makes a lookaside list of paged memory.
    irql(0..=APC) fn ExInitializePagedLookasideList(
        list: nt::PPAGED_LOOKASIDE_LIST, allocate: nt::PALLOCATE_FUNCTION, free: nt::PFREE_FUNCTION, flags: u32,
        size: u64, tag: u32, depth: u16
    ) {
        if depth != 0 || flags & !RAISE != 0 {
            violation("L-2", &format!("ExInitializePagedLookasideList with flags {flags:#x} and depth {depth}"));
        }
        old_form(list.cast(), PAGED, (allocate, free), size, tag);
    }

    /// Deletes a lookaside list of paged memory.
    irql(0..=APC) fn ExDeletePagedLookasideList(list: nt::PPAGED_LOOKASIDE_LIST) {
        delete(list.cast());
    }
}

/// Gives what the list keeps back to its free routine.
fn flush_ex(list: *mut Lookaside) {
    // SAFETY: the list was initialised; the driver's inline functions put entries into it.
    let head = unsafe { &raw mut (*list).__bindgen_anon_1.ListHead };
    loop {
        let entry = pop(head);
        if entry.is_null() {
            return;
        }
        // SAFETY: the routine that belongs to the list.
        unsafe {
            if let Some(free) = (*list).__bindgen_anon_5.FreeEx {
                free(entry.cast(), list.cast());
            }
        }
    }
}
