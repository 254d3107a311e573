//! Which lines of a driver were executed: measured on the linked image as it is, changed in memory only.
//!
//! If the environment names a directory ([`DIRECTORY`]), the first byte of every instruction of an image becomes a
//! breakpoint when the image is loaded. The first processor that comes by puts the byte back, notes the place, and goes
//! on; from then on the instruction costs nothing. What was noted lies in a file that all processes of a measurement map,
//! so it survives however a driver stops the machine, and a place that one process came by is no breakpoint in the
//! next. Nothing of this exists without the variable.
//!
//! [`report`] makes lines of it, with the PDB that lies beside the image. An image without one is not measured: where
//! code ends and data begins in it is not known well enough.

mod code;
mod map;
mod report;

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::{env, io};

use map::Map;
pub use report::{Error, Function, Report, SourceFile, report};

/// Environment variable with the directory that keeps what is measured. It is made if it is missing.
pub const DIRECTORY: &str = "LAB_COVERAGE";

const BREAKPOINT: u8 = 0xcc;

/// The breakpoints of one image in memory.
#[derive(Debug)]
pub(crate) struct Breakpoints {
    base: usize,
    map: Map,
    /// For each place of the map the byte that belongs there.
    bytes: Vec<u8>,
}

/// An image that is being loaded: relocated and bound, and still writable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loading<'a> {
    /// The file.
    pub(crate) path: &'a Path,
    /// What is in it.
    pub(crate) data: &'a [u8],
    /// Its PDB.
    pub(crate) pdb: &'a Path,
    /// Where it is loaded.
    pub(crate) base: usize,
    /// Sections with code: RVA and size.
    pub(crate) code: &'a [(u32, u32)],
    /// The exception directory: RVA and size.
    pub(crate) pdata: (u32, u32),
}

/// Sets the breakpoints of an image, if the environment asks for it and the image has a PDB.
///
/// # Panics
/// If the directory cannot be used: a measurement that silently measures nothing would be worse.
pub(crate) fn instrument(image: Loading<'_>) -> Option<Breakpoints> {
    let directory = PathBuf::from(env::var_os(DIRECTORY)?);
    if !image.pdb.is_file() {
        return None;
    }
    let file = map::file(&directory, image.path, image.data);
    let open = || {
        if !file.is_file() {
            std::fs::create_dir_all(&directory)?;
            map::create(&file, &code::instructions(&image))?;
        }
        own_memory()?;
        Map::open(&file)
    };
    let map = open().unwrap_or_else(|error| {
        panic!(
            "{DIRECTORY}: {} cannot be used: {error}; name a directory that can be written",
            file.display()
        )
    });
    let mut bytes = Vec::with_capacity(map.places().len());
    for (place, hit) in map.places().iter().zip(map.hits()) {
        let at = (image.base + *place as usize) as *mut u8;
        // SAFETY: the map belongs to this image, whose code lies inside it and is writable now.
        unsafe {
            bytes.push(at.read());
            if hit.load(Ordering::Relaxed) == 0 {
                at.write(BREAKPOINT);
            }
        }
    }
    Some(Breakpoints { base: image.base, map, bytes })
}

impl Breakpoints {
    /// The processor has met a breakpoint instruction at `rva`; tells whether it was one of these. Then the place is
    /// noted and has its own byte again. Called by a signal handler, on several threads at once.
    pub(crate) fn hit(&self, rva: u32) -> bool {
        let Ok(index) = self.map.places().binary_search(&rva) else { return false };
        let (Some(byte), Some(hit)) = (self.bytes.get(index), self.map.hits().get(index)) else {
            return false;
        };
        hit.store(1, Ordering::Relaxed);
        // Also by a thread that comes second: the first may not have got to it. Other processors see the one byte or the
        // other, and the rest of the instruction has been there all along.
        let written =
            own_memory().and_then(|memory| memory.write_at(&[*byte], (self.base + rva as usize) as u64));
        written.is_ok()
    }

    /// Puts into `bytes`, which were read at `rva`, what belongs there.
    pub(crate) fn restore(&self, rva: u32, bytes: &mut [u8]) {
        let first = self.map.places().partition_point(|place| *place < rva);
        for (place, original) in self.map.places().iter().zip(&self.bytes).skip(first) {
            let Some(byte) = bytes.get_mut((*place - rva) as usize) else { break };
            *byte = *original;
        }
    }
}

/// The memory of this process as a file, which can be written also where the process itself may only execute.
fn own_memory() -> io::Result<&'static File> {
    static MEMORY: OnceLock<File> = OnceLock::new();
    if let Some(memory) = MEMORY.get() {
        return Ok(memory);
    }
    let memory = OpenOptions::new().write(true).open("/proc/self/mem")?;
    Ok(MEMORY.get_or_init(|| memory))
}
