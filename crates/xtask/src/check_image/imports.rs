//! Imports: only what the kernel images are known to export.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use object::LittleEndian as LE;
use object::pe;
use object::read::pe::Import;
use serde::Deserialize;

use super::Image;
use super::Outcome;
use super::Subject;
use super::outcome;
use crate::workspace;

/// The ABI oracle, below the workspace root. It tells for every function of the bindings which image exports it.
const ORACLE: &str = "crates/ddk/tests/data";

/// Functions and variables that kernel images export, by image.
///
/// A raw-dylib import links whatever its name is, so a misspelt one would only show when Windows loads the driver.
#[derive(Default)]
pub struct AllowList(BTreeSet<(String, String)>);

/// The part of an oracle file that matters here.
#[derive(Deserialize)]
struct Oracle {
    #[serde(default)]
    functions: BTreeMap<String, Export>,
    #[serde(default)]
    globals: BTreeMap<String, Export>,
}

#[derive(Deserialize)]
struct Export {
    #[serde(default)]
    dll: Option<String>,
    /// True, false, or "unknown" when only a prototype was seen: no proof of an export.
    #[serde(default)]
    exported: serde_json::Value,
}

impl AllowList {
    /// Reads the oracle of this work tree.
    pub fn load() -> Result<AllowList> {
        let mut list = AllowList::default();
        let files =
            fs::read_dir(workspace::root().join(ORACLE)).with_context(|| format!("cannot read {ORACLE}"))?;
        for file in files {
            let path = file.with_context(|| format!("cannot read {ORACLE}"))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let shown = workspace::shown(&path);
                let text = fs::read_to_string(&path).with_context(|| format!("cannot read {shown}"))?;
                list.add(&text).with_context(|| format!("{shown} is not a file of the ABI oracle"))?;
            }
        }
        if list.0.is_empty() {
            bail!("{ORACLE} names no export");
        }
        Ok(list)
    }

    /// Adds the exports of one oracle file.
    pub fn add(&mut self, json: &str) -> Result<()> {
        let oracle: Oracle = serde_json::from_str(json)?;
        let entries = oracle.functions.into_iter().chain(oracle.globals);
        let exported = entries.filter(|(_, export)| export.exported == true);
        self.0.extend(exported.filter_map(|(name, export)| Some((export.dll?.to_ascii_lowercase(), name))));
        Ok(())
    }

    /// Whether an image is known to export a function. Windows ignores the case of image names.
    pub fn contains(&self, image: &str, function: &str) -> bool {
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
