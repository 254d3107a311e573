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

/// Describes the call that returns to `address`.
pub fn describe_call(address: usize) -> Option<String> {
    describe(address.checked_sub(1)?)
}
