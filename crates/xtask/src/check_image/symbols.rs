//! Function names from the PDB: what is in the image, also what was inlined.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::Cursor;

use anyhow::Context as _;
use anyhow::Result;
use pdb_addr2line::pdb::FallibleIterator as _;
use pdb_addr2line::pdb::IdData;
use pdb_addr2line::pdb::IdIndex;
use pdb_addr2line::pdb::IdInformation;
use pdb_addr2line::pdb::PDB;
use pdb_addr2line::pdb::SymbolData;

use super::Outcome;
use super::Subject;

/// A function with code of its own.
#[derive(Clone, Debug)]
pub struct Symbol {
    /// Its name, as readable as the PDB has it.
    pub name: String,
    /// Its size in bytes; 0 when the PDB does not say.
    pub size: u32,
}

/// The names in a PDB.
pub struct Symbols {
    /// Signature of the image that the PDB belongs to.
    guid: [u8; 16],
    /// Functions by address.
    pub functions: BTreeMap<u32, Symbol>,
    /// Every name that code has: functions, their linker names, functions inlined into others, imports' stubs.
    pub names: BTreeSet<String>,
}

impl Symbols {
    /// Reads a PDB.
    pub fn read(pdb: &[u8]) -> Result<Symbols> {
        read(pdb).context("the PDB cannot be read")
    }

    /// The function that an address lies in, with the offset into it.
    pub fn place(&self, rva: u32) -> String {
        match self.functions.range(..=rva).next_back() {
            Some((start, symbol)) if *start == rva => symbol.name.clone(),
            Some((start, symbol)) => format!("{}+{:#x}", symbol.name, rva - start),
            None => format!("{rva:#x}"),
        }
    }
}

/// The PDB is the one that was linked together with the image.
pub(super) fn belong(subject: &Subject<'_>) -> Outcome {
    use object::Object as _;
    match subject.image.pe.pdb_info() {
        Ok(Some(info)) if info.guid() == subject.symbols.guid => {
            Ok(format!("{} functions", subject.symbols.functions.len()))
        }
        Ok(Some(_)) => Err(vec!["the PDB belongs to another image".to_owned()]),
        _ => Err(vec!["the image does not name its PDB".to_owned()]),
    }
}

fn read(pdb: &[u8]) -> pdb_addr2line::pdb::Result<Symbols> {
    let mut pdb = PDB::open(Cursor::new(pdb))?;
    let guid = pdb.pdb_information()?.guid.to_bytes_le();
    let mut symbols = Symbols { guid, functions: BTreeMap::new(), names: BTreeSet::new() };
    let addresses = pdb.address_map()?;
    let globals = pdb.global_symbols()?;
    let mut iterator = globals.iter();
    while let Some(symbol) = iterator.next()? {
        let Ok(SymbolData::Public(public)) = symbol.parse() else { continue };
        if !(public.function || public.code) {
            continue;
        }
        let name = public.name.to_string().into_owned();
        if let Some(rva) = public.offset.to_rva(&addresses) {
            symbols.functions.entry(rva.0).or_insert_with(|| Symbol { name: name.clone(), size: 0 });
        }
        symbols.names.insert(name);
    }

    let ids = pdb.id_information()?;
    let ids = Ids::read(&ids)?;
    let modules = pdb.debug_information()?;
    let mut modules = modules.modules()?;
    while let Some(module) = modules.next()? {
        let Some(info) = pdb.module_info(&module)? else { continue };
        let mut iterator = info.symbols()?;
        while let Some(symbol) = iterator.next()? {
            match symbol.parse() {
                Ok(SymbolData::Procedure(procedure)) => {
                    let name = procedure.name.to_string().into_owned();
                    if let Some(rva) = procedure.offset.to_rva(&addresses) {
                        // Readable names win over linker names.
                        symbols.functions.insert(rva.0, Symbol { name: name.clone(), size: procedure.len });
                    }
                    symbols.names.insert(name);
                }
                Ok(SymbolData::InlineSite(site)) => symbols.names.extend(ids.0.get(&site.inlinee).cloned()),
                _ => {}
            }
        }
    }
    Ok(symbols)
}

/// Names of functions that may be inlined, by the index that inline sites use.
struct Ids(BTreeMap<IdIndex, String>);

impl Ids {
    fn read(information: &IdInformation<'_>) -> pdb_addr2line::pdb::Result<Ids> {
        // Scopes stand before what they contain.
        let mut names: BTreeMap<IdIndex, String> = BTreeMap::new();
        let mut iterator = information.iter();
        while let Some(item) = iterator.next()? {
            let name = match item.parse() {
                Ok(IdData::Function(function)) => match function.scope.and_then(|scope| names.get(&scope)) {
                    Some(scope) => format!("{scope}::{}", function.name),
                    None => function.name.to_string().into_owned(),
                },
                Ok(IdData::MemberFunction(function)) => function.name.to_string().into_owned(),
                Ok(IdData::String(string)) => string.name.to_string().into_owned(),
                _ => continue,
            };
            names.insert(item.index(), name);
        }
        Ok(Ids(names))
    }
}
