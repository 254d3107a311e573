//! Imports: only what the kernel images are known to export.

use std::collections::BTreeSet;
use std::fs;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use object::LittleEndian as LE;
use object::pe;
use object::read::pe::Import;

use super::Image;
use super::Outcome;
use super::Subject;
use super::outcome;
use crate::workspace;

/// The list, below the workspace root.
const FILE: &str = "crates/ddk/tests/data/exports.txt";

/// Functions that kernel images export, by image.
///
/// A raw-dylib import links whatever its name is, so a misspelt one would only show when Windows loads the driver.
pub struct AllowList(BTreeSet<(String, String)>);

impl AllowList {
    /// Reads the list of this work tree.
    pub fn load() -> Result<AllowList> {
        let file = workspace::root().join(FILE);
        let text =
            fs::read_to_string(file).with_context(|| format!("cannot read {FILE}, the list of exports"))?;
        AllowList::parse(&text).with_context(|| format!("{FILE} is malformed"))
    }

    /// Reads lines of the form `image!function`; `#` starts a comment.
    pub fn parse(text: &str) -> Result<AllowList> {
        let mut entries = BTreeSet::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or("").trim();
            if line.is_empty() {
                continue;
            }
            let Some((image, function)) = line.split_once('!') else {
                bail!("line {}: {line:?} is not image!function", number + 1);
            };
            entries.insert((image.to_ascii_lowercase(), function.to_owned()));
        }
        Ok(AllowList(entries))
    }

    fn contains(&self, image: &str, function: &str) -> bool {
        self.0.contains(&(image.to_ascii_lowercase(), function.to_owned()))
    }
}

pub(super) fn allowed(subject: &Subject<'_>) -> Outcome {
    let imports = match imports(subject.image) {
        Ok(imports) => imports,
        Err(error) => return Err(vec![format!("the import directory cannot be read: {error}")]),
    };
    let mut problems = Vec::new();
    let mut images = BTreeSet::new();
    for (image, function) in &imports {
        images.insert(image.as_str());
        match function {
            Ok(name) if subject.allowed.contains(image, name) => {}
            Ok(name) => problems.push(format!("{image}!{name} is not a known export")),
            Err(ordinal) => problems.push(format!("{image}!#{ordinal} is imported by ordinal")),
        }
    }
    let images: Vec<&str> = images.into_iter().collect();
    outcome(problems, format!("{} from {}", imports.len(), images.join(" ")))
}

/// Image, and name or ordinal.
type Imported = (String, std::result::Result<String, u16>);

fn imports(image: &Image<'_>) -> object::Result<Vec<Imported>> {
    let mut imports = Vec::new();
    let Some(table) = image.pe.import_table()? else { return Ok(imports) };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut descriptors = table.descriptors()?;
    while let Some(descriptor) = descriptors.next()? {
        let dll = text(table.name(descriptor.name.get(LE))?);
        let mut thunks = table.thunks(descriptor.original_first_thunk.get(LE))?;
        while let Some(thunk) = thunks.next::<pe::ImageNtHeaders64>()? {
            let function = match table.import::<pe::ImageNtHeaders64>(thunk)? {
                Import::Name(_, name) => Ok(text(name)),
                Import::Ordinal(ordinal) => Err(ordinal),
            };
            imports.push((dll.clone(), function));
        }
    }
    Ok(imports)
}
