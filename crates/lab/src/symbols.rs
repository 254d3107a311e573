//! Names for addresses in a driver, from the PDB that lies beside its image.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use pdb_addr2line::{Context, ContextPdbData, pdb};

use crate::pe;

thread_local! {
    // A context cannot be shared between threads; it lives as long as the process, as images do.
    static CONTEXTS: RefCell<HashMap<PathBuf, Option<&'static Context<'static, 'static>>>> =
        RefCell::new(HashMap::new());
}

fn context(path: &Path) -> Option<&'static Context<'static, 'static>> {
    let open = || -> Option<&'static Context<'static, 'static>> {
        let pdb = pdb::PDB::open(File::open(path).ok()?).ok()?;
        let data: &'static ContextPdbData<'static, 'static, File> =
            Box::leak(Box::new(ContextPdbData::try_from_pdb(pdb).ok()?));
        Some(Box::leak(Box::new(data.make_context().ok()?)))
    };
    CONTEXTS.try_with(|known| *known.borrow_mut().entry(path.to_owned()).or_insert_with(open)).ok().flatten()
}

/// Describes the instruction at `address`: `image!function (file:line)`, with inlined functions innermost
/// first.
pub fn describe(address: usize) -> Option<String> {
    let image = pe::find(address)?;
    let rva = (address - image.base) as u32;
    let plain = || format!("{}+{rva:#x}", image.name);
    let Some(frames) = context(&image.pdb).and_then(|context| context.find_frames(rva).ok().flatten()) else {
        return Some(plain());
    };
    let mut text = String::new();
    for frame in &frames.frames {
        if !text.is_empty() {
            text.push_str(" in ");
        }
        text.push_str(&format!("{}!{}", image.name, frame.function.as_deref().unwrap_or("?")));
        if let (Some(file), Some(line)) = (&frame.file, frame.line) {
            text.push_str(&format!(" ({}:{line})", file.replace('\\', "/")));
        }
    }
    Some(if text.is_empty() { plain() } else { text })
}

/// A line of a function, in which an instruction was made.
pub(crate) struct Line {
    pub(crate) function: String,
    /// With slashes.
    pub(crate) file: String,
    pub(crate) line: u32,
}

/// The lines from which the instruction at `rva` was made, innermost first: more than one if functions were inlined.
pub(crate) fn frames(pdb: &Path, rva: u32) -> Vec<Line> {
    let found = context(pdb).and_then(|context| context.find_frames(rva).ok().flatten());
    let line = |frame: &pdb_addr2line::Frame<'_>| {
        // Line 0 and a mark of Microsoft's compiler stand for code without a line.
        let line = frame.line.filter(|line| !matches!(line, 0 | 0x00f0_0f00 | 0x00fe_efee))?;
        let function = without_parameters(frame.function.as_deref().unwrap_or("?")).to_owned();
        Some(Line { function, file: frame.file.as_ref()?.replace('\\', "/"), line })
    };
    found.iter().flat_map(|found| &found.frames).filter_map(line).collect()
}

/// A function's name as the PDB has it, up to its parameters: a parenthesis inside of type arguments does not begin them.
fn without_parameters(name: &str) -> &str {
    let mut depth = 0_i32;
    for (at, byte) in name.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' => depth -= 1,
            b'(' if depth == 0 && at > 0 => return &name[..at],
            _ => {}
        }
    }
    name
}

/// RVAs of the first byte of each function that the PDB knows, and of the one behind it.
pub(crate) fn functions(pdb: &Path) -> Vec<(u32, u32)> {
    let functions = context(pdb).into_iter().flat_map(|context| context.functions());
    functions.filter_map(|function| Some((function.start_rva, function.end_rva?))).collect()
}

/// Describes the call that returns to `address`.
pub fn describe_call(address: usize) -> Option<String> {
    describe(address.checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_no_part_of_a_name() {
        for (name, bare) in [
            ("a::b", "a::b"),
            ("a::b(ref$<str$>)", "a::b"),
            ("a::impl$0<tuple$<u8,u8> (*)(u8)>::b<u8>(u8)", "a::impl$0<tuple$<u8,u8> (*)(u8)>::b<u8>"),
            ("(x)", "(x)"),
        ] {
            assert_eq!(without_parameters(name), bare);
        }
    }
}
