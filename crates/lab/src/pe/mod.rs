//! Loads linked x64 driver images as the kernel does, and finds the image behind an address.

mod checks;
mod load;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

pub(crate) use load::pdb_of;
pub use load::{Import, Inspection, LoadError, LoadOptions, Resolver, inspect, load};

use crate::coverage::Breakpoints;
use crate::{cpu, symbols, unwind, verifier};

/// An image in memory. Images live as long as the process, so that an address in an unloaded one still has a
/// name.
#[derive(Debug)]
pub struct Image {
    /// File name, for example `weir.sys`.
    pub name: String,
    /// Where the PDB is expected.
    pub pdb: PathBuf,
    /// Load address.
    pub base: usize,
    /// Size in memory.
    pub size: usize,
    /// Address of the entry point.
    pub entry: usize,
    /// RVA and size of the exception directory.
    pdata: (u32, u32),
    /// Sections: name, RVA, size in memory, characteristics.
    sections: Vec<(String, u32, u32, u32)>,
    /// The imports of whose calls the lab is told, by the RVA of their slots: `DLL!Function`.
    imports: BTreeMap<u32, String>,
    /// Not zero once the image is unloaded.
    unloaded: AtomicUsize,
    /// Places that a measurement waits for.
    breakpoints: Option<Breakpoints>,
}

/// One entry of an image's exception directory.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// RVA of its first byte.
    pub begin: u32,
    /// RVA behind its last byte.
    pub end: u32,
    /// RVA of its unwind data.
    pub unwind: u32,
}

impl Image {
    /// Copies `N` bytes at `rva`, if they lie in the image and it is still loaded.
    pub fn bytes<const N: usize>(&self, rva: u32) -> Option<[u8; N]> {
        let end = (rva as usize).checked_add(N)?;
        if end > self.size || self.is_unloaded() {
            return None;
        }
        // SAFETY: inside the loaded image; headers, unwind data and code are readable.
        let mut bytes = unsafe { ((self.base + rva as usize) as *const [u8; N]).read_unaligned() };
        if let Some(breakpoints) = &self.breakpoints {
            breakpoints.restore(rva, &mut bytes);
        }
        Some(bytes)
    }

    /// A breakpoint instruction was executed at `address`; tells whether a measurement had put it there. Then the
    /// instruction that belongs there can run.
    pub(crate) fn is_measured(&self, address: usize) -> bool {
        self.breakpoints.as_ref().is_some_and(|breakpoints| breakpoints.hit((address - self.base) as u32))
    }

    /// The export in the slot of the import address table at `rva`, as `DLL!Function`, if the lab is told of its calls.
    pub(crate) fn import(&self, rva: u32) -> Option<&str> {
        self.imports.get(&rva).map(String::as_str)
    }

    /// RVA and bytes of every section with code. Call it before the image runs: later some are gone.
    pub(crate) fn code(&self) -> impl Iterator<Item = (u32, &[u8])> {
        const EXECUTE: u32 = 0x2000_0000;
        let code = self.sections.iter().filter(|section| section.3 & EXECUTE != 0 && !self.is_unloaded());
        code.map(|(_, rva, size, _)| {
            let start = (self.base + *rva as usize) as *const u8;
            // SAFETY: a section of the loaded image; sections with code can be read and do not change.
            (*rva, unsafe { std::slice::from_raw_parts(start, *size as usize) })
        })
    }

    /// The function that contains the instruction at `address`; none for leaf functions.
    pub fn function(&self, address: usize) -> Option<Function> {
        self.function_entry(address).map(|(_, function)| function)
    }

    /// Like [`Image::function`], with the address of the entry in the exception directory.
    pub(crate) fn function_entry(&self, address: usize) -> Option<(usize, Function)> {
        let rva = u32::try_from(address.checked_sub(self.base)?).ok()?;
        let (mut low, mut high) = (0, self.pdata.1 / 12);
        while low < high {
            let middle = low + (high - low) / 2;
            let at = self.pdata.0 + middle * 12;
            let field = |offset: u32| self.bytes::<4>(at + offset).map(u32::from_le_bytes);
            let function = Function { begin: field(0)?, end: field(4)?, unwind: field(8)? };
            if rva < function.begin {
                high = middle;
            } else if rva >= function.end {
                low = middle + 1;
            } else {
                return Some((self.base + at as usize, function));
            }
        }
        None
    }

    /// Whether `address` lies in the image.
    pub fn contains(&self, address: usize) -> bool {
        (self.base..self.base + self.size).contains(&address)
    }

    /// The section in which `address` lies.
    pub fn section(&self, address: usize) -> Option<&str> {
        let rva = u32::try_from(address.checked_sub(self.base)?).ok()?;
        let section =
            self.sections.iter().find(|section| (section.1..section.1 + section.2).contains(&rva))?;
        Some(&section.0)
    }

    /// Whether the image was unloaded.
    pub fn is_unloaded(&self) -> bool {
        self.unloaded.load(Ordering::Relaxed) != 0
    }

    /// Makes the discardable sections inaccessible, as the kernel does after DriverEntry.
    pub fn discard_init(&self) {
        const DISCARDABLE: u32 = 0x0200_0000;
        for (name, rva, size, characteristics) in &self.sections {
            // The relocations are discardable too, and were used already.
            if characteristics & DISCARDABLE != 0 && name != ".reloc" {
                protect(self.base + *rva as usize, *size as usize, libc::PROT_NONE);
            }
        }
    }

    /// Makes the whole image inaccessible. The caller has stopped every source of calls into it.
    pub fn unload(&self) {
        self.unloaded.store(1, Ordering::Relaxed);
        protect(self.base, self.size, libc::PROT_NONE);
    }
}

fn protect(address: usize, size: usize, protection: libc::c_int) {
    // SAFETY: the range belongs to an image; the new protection is the one that the caller wants.
    let result = unsafe { libc::mprotect(address as *mut _, size.next_multiple_of(4096), protection) };
    assert_eq!(result, 0, "mprotect of an image failed");
}

const MAX_IMAGES: usize = 256;
static IMAGES: [AtomicPtr<Image>; MAX_IMAGES] = [const { AtomicPtr::new(std::ptr::null_mut()) }; MAX_IMAGES];
static COUNT: AtomicUsize = AtomicUsize::new(0);

fn register(image: Image) -> &'static Image {
    let image = Box::leak(Box::new(image));
    let index = COUNT.fetch_add(1, Ordering::Relaxed);
    assert!(index < MAX_IMAGES, "too many images were loaded");
    IMAGES[index].store(image, Ordering::Release);
    verifier::set_locator(symbols::describe_call, trace_call);
    image
}

/// The image, loaded or unloaded, that contains `address`. Takes no lock: fault handlers ask.
pub fn find(address: usize) -> Option<&'static Image> {
    let count = COUNT.load(Ordering::Relaxed).min(MAX_IMAGES);
    // The newest first: a later image may lie where an unloaded one was.
    IMAGES[..count].iter().rev().find_map(|slot| {
        // SAFETY: a registered image is leaked, so the pointer stays valid.
        unsafe { slot.load(Ordering::Acquire).as_ref() }.filter(|image| image.contains(address))
    })
}

/// Whether the eight bytes at `address` are on the current thread's stack.
pub(crate) fn on_stack(address: usize) -> bool {
    cpu::ready() && {
        let (low, high) = cpu::thread().stack;
        address >= low && address.saturating_add(8) <= high
    }
}

fn trace_call(call: cpu::Frame) -> Vec<usize> {
    unwind::trace(unwind::Context::new(call.caller, call.stack + 8, call.frame), on_stack)
}
