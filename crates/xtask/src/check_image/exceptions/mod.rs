//! The exception directory (.pdata): where functions are, and how deep their stack frames.

mod arm64;
mod x64;

use object::pe;

use crate::arch::Arch;

use super::Image;
use super::Outcome;
use super::Subject;
use super::outcome;

/// The deepest frame that driver code may have. A kernel stack is 12 to 24 KiB, shared with everybody below and above.
const LARGEST_FRAME: u32 = 1024;

/// A function, as its entry in the exception directory describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Address of the first byte.
    pub begin: u32,
    /// Size of the code in bytes.
    pub size: u32,
    /// Bytes by which the function moves the stack pointer.
    pub frame: u32,
    /// Address of the unwind information; `None` when it is packed into the directory entry.
    pub unwind: Option<u32>,
}

impl Image<'_> {
    /// Every function of the exception directory, or what is wrong with it.
    pub fn functions(&self) -> Result<Vec<Function>, String> {
        let Some((rva, size)) = self.directory(pe::IMAGE_DIRECTORY_ENTRY_EXCEPTION) else {
            return Err("there is no exception directory (.pdata)".to_owned());
        };
        let Some(table) = self.bytes(rva, size) else {
            return Err(format!("the exception directory at {rva:#x} lies outside the file"));
        };
        let functions = match self.arch {
            Arch::X64 => x64::functions(self, table),
            Arch::Arm64 => arm64::functions(self, table),
        };
        functions.map_err(|rva| format!("the unwind information of the function at {rva:#x} is malformed"))
    }
}

pub(super) fn present(subject: &Subject<'_>) -> Outcome {
    match subject.image.functions() {
        Ok(functions) if functions.is_empty() => {
            Err(vec!["the exception directory (.pdata) is empty".to_owned()])
        }
        Ok(functions) => Ok(format!("{} functions", functions.len())),
        Err(problem) => Err(vec![problem]),
    }
}

pub(super) fn frames(subject: &Subject<'_>) -> Outcome {
    let functions = subject.image.functions().map_err(|problem| vec![problem])?;
    let place = |function: &Function| subject.symbols.place(function.begin);
    let mut problems: Vec<String> = functions
        .iter()
        .filter(|function| function.frame > LARGEST_FRAME)
        .map(|function| {
            format!("{} takes {} bytes of stack, above {LARGEST_FRAME}", place(function), function.frame)
        })
        .collect();
    // The probe runs only for frames of a page or more, which unwind information can understate.
    let probes =
        subject.symbols.names.iter().filter(|name| name.contains("chkstk") || name.contains("probestack"));
    problems.extend(probes.map(|name| format!("a stack probe is linked: {name}")));
    let fact = match functions.iter().max_by_key(|function| function.frame) {
        Some(deepest) => format!("deepest frame {} bytes: {}", deepest.frame, place(deepest)),
        None => "no frame".to_owned(),
    };
    outcome(problems, fact)
}

/// A little-endian word of a directory or of unwind information.
fn word(bytes: &[u8], index: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(index.checked_mul(4)?..)?.first_chunk()?))
}
