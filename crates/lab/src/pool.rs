//! Special pool: every block ends at a guard page, and a freed block faults for ever.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::verifier::{self, Leak};
use crate::{cpu, pe, slab, verifier::violation};

/// Address space from which blocks come; a freed block's addresses are never used again.
const SPACE: usize = 1 << 38;
const PAGE: usize = 4096;
/// Alignment of a pool block on 64-bit Windows.
const ALIGN: usize = 16;
/// Content of fresh memory that was not asked to be zero, and of the slack behind a block.
const FRESH: u8 = 0xcd;
const SLACK: u8 = 0x5a;

/// The pool that memory comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Resident, not executable.
    NonPaged,
    /// Resident and executable; the lab does not give it out as executable.
    NonPagedExecute,
    /// Pageable: usable below DISPATCH_LEVEL only.
    Paged,
}

/// Content of a fresh block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// Zeroes.
    Zero,
    /// A pattern that makes the use of uninitialised memory visible.
    Pattern,
}

/// What the pool knows about a block.
#[derive(Clone, Debug)]
pub struct Block {
    /// First byte.
    pub address: usize,
    /// Size that the driver asked for.
    pub size: usize,
    /// Pool tag.
    pub tag: u32,
    /// Pool.
    pub kind: Kind,
    /// Address of the driver's call that allocated it.
    pub allocated_at: usize,
    /// Address of the driver's call that freed it.
    pub freed_at: Option<usize>,
    /// The driver's routine in which it was freed: all that is known of a call in tail position.
    freed_in: String,
    /// Running number of the allocation.
    pub sequence: u64,
    /// Whether the lab allocated it on the driver's behalf; then it is no leak of the driver's own.
    pub lab: bool,
    /// First and one past the last page, guard page included.
    span: (usize, usize),
}

struct Pool {
    base: usize,
    next: AtomicUsize,
    blocks: Mutex<BTreeMap<usize, Block>>,
    sequence: AtomicU64,
    live: AtomicUsize,
}

fn pool() -> &'static Pool {
    static POOL: OnceLock<Pool> = OnceLock::new();
    POOL.get_or_init(|| {
        // SAFETY: a fresh reservation; pages become accessible one block at a time.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                SPACE,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        assert_ne!(base, libc::MAP_FAILED, "no address space for the pool");
        verifier::on_leak_check(|leaks| leaks.extend(self::leaks()));
        Pool {
            base: base as usize,
            next: AtomicUsize::new(base as usize + PAGE),
            blocks: Mutex::new(BTreeMap::new()),
            sequence: AtomicU64::new(0),
            live: AtomicUsize::new(0),
        }
    })
}

/// Allocations that still succeed before the one that fails; negative when no failure is planned.
static FAIL_AFTER: AtomicI64 = AtomicI64::new(-1);

/// Makes the allocation after `n` more successful ones fail, once. Every allocating export asks
/// [`must_fail`] so that one count covers all of them.
pub fn fail_after(n: u32) {
    FAIL_AFTER.store(i64::from(n), Ordering::Relaxed);
}

/// Makes every allocation fail, until told otherwise.
pub fn fail_all(on: bool) {
    FAIL_ALL.store(on, Ordering::Relaxed);
}

static FAIL_ALL: AtomicBool = AtomicBool::new(false);

/// Whether the allocation that asks now is the one to fail.
pub fn must_fail() -> bool {
    let refused = crate::fault::refuses() || FAIL_ALL.load(Ordering::Relaxed);
    refused || FAIL_AFTER.load(Ordering::Relaxed) >= 0 && FAIL_AFTER.fetch_sub(1, Ordering::Relaxed) == 0
}

static EXECUTABLE: AtomicBool = AtomicBool::new(false);

/// Accepts drivers that ask for executable pool, as old ones do; it still is not executable here.
pub(crate) fn set_executable_allowed(allowed: bool) {
    EXECUTABLE.store(allowed, Ordering::Relaxed);
}

/// Allocates a block for a driver; null when memory runs out or a failure is injected.
pub fn allocate(kind: Kind, size: usize, tag: u32, fill: Fill) -> *mut u8 {
    if size == 0 {
        violation("G-1", "allocation of no bytes");
    }
    if kind == Kind::Paged && cpu::irql() > cpu::APC {
        violation("G-2", &format!("paged pool allocated at IRQL {}", cpu::irql()));
    }
    if cpu::irql() > cpu::DISPATCH {
        violation("G-2", &format!("pool allocated at IRQL {}", cpu::irql()));
    }
    if kind == Kind::NonPagedExecute && !EXECUTABLE.load(Ordering::Relaxed) {
        violation("G-7", "executable nonpaged pool");
    }
    if !valid_tag(tag) {
        violation("G-8", &format!("pool tag {tag:#010x} is not four printable characters"));
    }
    if must_fail() {
        return std::ptr::null_mut();
    }
    place(kind, size, tag, fill, false)
}

/// Allocates a block that the lab hands to a driver and frees itself, such as an I/O buffer or an object's
/// context.
pub fn lend(size: usize, tag: u32, fill: Fill) -> *mut u8 {
    place(Kind::NonPaged, size.max(1), tag, fill, true)
}

/// Frees a block of [`lend`].
pub fn take_back(address: *mut u8) {
    if !verifier::enabled() {
        // SAFETY: the lab gives back what it lent, once.
        return unsafe { slab::free(address as usize) };
    }
    release(address, None);
}

fn place(kind: Kind, size: usize, tag: u32, fill: Fill, lab: bool) -> *mut u8 {
    if !verifier::enabled() {
        return slab::allocate(size, fill == Fill::Zero);
    }
    if size > SPACE / 4 {
        return std::ptr::null_mut();
    }
    // A block of a page or more begins at a page, as in the kernel, so that only smaller ones end at the
    // guard.
    let body = size.next_multiple_of(ALIGN);
    let pages = body.next_multiple_of(PAGE);
    let pool = pool();
    let start = pool.next.fetch_add(pages + PAGE, Ordering::Relaxed);
    if start + pages + PAGE > pool.base + SPACE {
        return std::ptr::null_mut();
    }
    // SAFETY: the pages are inside the reservation and belong to this block alone.
    unsafe {
        if libc::mprotect(start as *mut _, pages, libc::PROT_READ | libc::PROT_WRITE) != 0 {
            return std::ptr::null_mut();
        }
    }
    let address = if size >= PAGE { start } else { start + pages - body };
    let end = start + pages;
    // SAFETY: the whole span was just made accessible.
    unsafe {
        std::ptr::write_bytes(start as *mut u8, SLACK, address - start);
        std::ptr::write_bytes(address as *mut u8, if fill == Fill::Zero { 0 } else { FRESH }, size);
        std::ptr::write_bytes((address + size) as *mut u8, SLACK, end - address - size);
    }
    let block = Block {
        address,
        size,
        tag,
        kind,
        allocated_at: cpu::current_call().map_or(0, |call| call.caller),
        freed_at: None,
        freed_in: String::new(),
        lab,
        sequence: pool.sequence.fetch_add(1, Ordering::Relaxed),
        span: (start, end + PAGE),
    };
    pool.live.fetch_add(1, Ordering::Relaxed);
    pool.blocks.lock().unwrap_or_else(PoisonError::into_inner).insert(start, block);
    address as *mut u8
}

/// Frees a driver's block; `tag` is checked if given. Afterwards every access to it faults.
pub fn free(address: *mut u8, tag: Option<u32>) {
    if !verifier::enabled() {
        // SAFETY: without checks, the driver's word is taken for it.
        return unsafe { slab::free(address as usize) };
    }
    let found = lookup(address as usize);
    let Some(block) = found.filter(|block| block.address == address as usize) else {
        violation("G-3", &format!("free of {address:p}, which is {}", describe(address as usize)));
    };
    if block.freed_at.is_some() {
        violation("G-3", &format!("double free: {}", describe(address as usize)));
    }
    if block.lab {
        violation("G-3", &format!("free of memory that is not the driver's: {}", describe(address as usize)));
    }
    if let Some(tag) = tag.filter(|tag| *tag != block.tag) {
        violation("G-3", &format!("free with tag '{}': {}", tag_text(tag), describe(address as usize)));
    }
    let limit = if block.kind == Kind::Paged { cpu::APC } else { cpu::DISPATCH };
    if cpu::irql() > limit {
        violation("G-2", &format!("free at IRQL {}: {}", cpu::irql(), describe(address as usize)));
    }
    crate::ntoskrnl::check_free(block.address, block.size);
    release(address, Some(block));
}

fn release(address: *mut u8, block: Option<Block>) {
    let pool = pool();
    let Some(block) = block.or_else(|| lookup(address as usize)) else { return };
    let (start, end) = (block.span.0, block.span.1 - PAGE);
    // SAFETY: the block is live, so its span is accessible until the mprotect below.
    unsafe {
        let slack = |from: usize, to: usize| {
            std::slice::from_raw_parts(from as *const u8, to - from).iter().position(|byte| *byte != SLACK)
        };
        if let Some(at) = slack(block.address + block.size, end) {
            let offset = block.size + at;
            violation("G-4", &format!("byte {offset} was written: {}", describe(address as usize)));
        }
        if let Some(at) = slack(start, block.address) {
            let before = block.address - start - at;
            violation(
                "G-4",
                &format!("{before} bytes before it were written: {}", describe(address as usize)),
            );
        }
        // Gives the memory back and keeps the addresses, inaccessible.
        libc::madvise(start as *mut _, end - start, libc::MADV_DONTNEED);
        libc::mprotect(start as *mut _, end - start, libc::PROT_NONE);
    }
    pool.live.fetch_sub(1, Ordering::Relaxed);
    let mut blocks = pool.blocks.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(block) = blocks.get_mut(&start) {
        block.freed_at = Some(cpu::current_call().map_or(0, |call| call.caller));
        block.freed_in = verifier::innermost_callback();
    }
}

/// The block, live or freed, in whose span (guard page included) `address` lies.
pub fn lookup(address: usize) -> Option<Block> {
    let blocks = pool().blocks.try_lock().ok();
    // A fault handler may ask while its own thread holds the lock; waiting would never end.
    let blocks = match blocks {
        Some(blocks) => blocks,
        None if cpu::in_fault() => return None,
        None => pool().blocks.lock().unwrap_or_else(PoisonError::into_inner),
    };
    let (_, block) = blocks.range(..=address).next_back()?;
    (address < block.span.1).then(|| block.clone())
}

/// What lies at `address`, in words.
pub fn describe(address: usize) -> String {
    let Some(block) = lookup(address) else { return "not pool memory".into() };
    let place = match address.wrapping_sub(block.address) as isize {
        0 => "the start of".into(),
        offset if offset < 0 => format!("{} bytes before", offset.unsigned_abs()),
        offset if (offset as usize) < block.size => format!("byte {offset} of"),
        offset => format!("{} bytes behind the end of", offset as usize - block.size + 1),
    };
    let freed = match block.freed_at {
        Some(at) if pe::find(at).is_none() && !block.freed_in.is_empty() => {
            format!(", freed at the end of {}", block.freed_in)
        }
        Some(at) => format!(", freed by {}", verifier::locate(at)),
        None => String::new(),
    };
    let origin = match block.lab {
        true => "lent to the driver".into(),
        false => format!("allocated by {}", verifier::locate(block.allocated_at)),
    };
    let (size, tag, kind) = (block.size, tag_text(block.tag), block.kind);
    format!("{place} a block of {size} bytes '{tag}' ({kind:?}), {origin}{freed}")
}

/// Blocks that drivers have allocated and not freed, in the order of their allocation.
pub fn live() -> Vec<Block> {
    let blocks = pool().blocks.lock().unwrap_or_else(PoisonError::into_inner);
    let mut live: Vec<Block> =
        blocks.values().filter(|block| block.freed_at.is_none() && !block.lab).cloned().collect();
    live.sort_by_key(|block| block.sequence);
    live
}

fn leaks() -> Vec<Leak> {
    let leak = |block: Block| Leak {
        rule: "G-6".into(),
        what: format!("{} bytes of pool '{}'", block.size, tag_text(block.tag)),
        creator: verifier::locate(block.allocated_at),
    };
    live().into_iter().map(leak).collect()
}

fn valid_tag(tag: u32) -> bool {
    tag != 0 && tag.to_le_bytes().iter().all(|byte| (b' '..=b'~').contains(byte))
}

/// A tag as the four characters that a debugger shows.
pub fn tag_text(tag: u32) -> String {
    tag.to_le_bytes().iter().map(|byte| if byte.is_ascii_graphic() { *byte as char } else { '.' }).collect()
}
