//! From a file to memory: map, relocate, bind, patch, protect.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::{fmt, fs};

use object::LittleEndian as LE;
use object::Object;
use object::pe;
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader, Import as Thunk, PeFile64};

use super::{Image, checks, protect, register};
use crate::export::Export;
use crate::{coverage, shared_data, stub};

const PAGE: usize = 4096;
const GUARD: usize = 0x1_0000;

/// Why an image was not loaded.
#[derive(Debug)]
pub enum LoadError {
    /// The file cannot be read.
    Read(PathBuf, std::io::Error),
    /// It is not a PE image.
    Parse(object::read::Error),
    /// The kernel would refuse it.
    Form(String),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::Parse(error) => write!(f, "not a PE image: {error}"),
            Self::Form(text) => write!(f, "not a loadable driver: {text}"),
        }
    }
}

impl std::error::Error for LoadError {}

impl From<object::read::Error> for LoadError {
    fn from(error: object::read::Error) -> Self {
        Self::Parse(error)
    }
}

/// How an image is loaded.
#[derive(Clone, Copy, Debug)]
pub struct LoadOptions {
    /// Bind the checked entries of exports; otherwise the bare ones.
    pub checked: bool,
    /// Report images that memory integrity would refuse; old third-party drivers need this off.
    pub integrity: bool,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { checked: true, integrity: true }
    }
}

/// What an image says about itself, without being run.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// What it imports, in the order of its import table.
    pub imports: Vec<Import>,
    /// What memory integrity and good form would object to: rule and text.
    pub objections: Vec<(&'static str, String)>,
}

/// A function or variable that an image imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The DLL.
    pub dll: String,
    /// The name, or `#` and an ordinal.
    pub name: String,
    /// Whether the lab has it; if not, the image still loads, and a call ends the machine.
    pub resolved: bool,
}

/// Looks at the driver at `path`.
///
/// # Errors
/// If the file is missing or not a driver for x64.
pub fn inspect(path: &Path, resolver: &Resolver) -> Result<Inspection, LoadError> {
    let data = fs::read(path).map_err(|error| LoadError::Read(path.to_owned(), error))?;
    let file = PeFile64::parse(&*data)?;
    checks::loadable(&file)?;
    let mut imports = Vec::new();
    for_each_import(&file, |dll, name, _| {
        let resolved = resolver.find(dll, name).is_some();
        imports.push(Import { dll: dll.to_owned(), name: name.to_owned(), resolved });
    })?;
    Ok(Inspection { imports, objections: checks::integrity(&file) })
}

/// Finds exports by DLL and name.
#[derive(Debug, Default)]
pub struct Resolver {
    dlls: HashMap<String, HashMap<&'static str, Export>>,
}

impl Resolver {
    /// A resolver over the given export tables.
    pub fn new<'a>(tables: impl IntoIterator<Item = &'a [Export]>) -> Self {
        let mut dlls: HashMap<String, HashMap<&'static str, Export>> = HashMap::new();
        for export in tables.into_iter().flatten() {
            dlls.entry(export.dll.to_lowercase()).or_default().insert(export.name, *export);
        }
        Self { dlls }
    }

    /// The export `name` of `dll`. What the HAL exported it forwards to the kernel.
    pub fn find(&self, dll: &str, name: &str) -> Option<&Export> {
        let dll = dll.to_lowercase();
        let dll = if dll == "hal.dll" { "ntoskrnl.exe" } else { &dll };
        self.dlls.get(dll)?.get(name)
    }
}

/// Loads the driver at `path`.
///
/// # Errors
/// If the file is missing or not a driver for x64.
pub fn load(path: &Path, resolver: &Resolver, options: LoadOptions) -> Result<&'static Image, LoadError> {
    let data = fs::read(path).map_err(|error| LoadError::Read(path.to_owned(), error))?;
    let file = PeFile64::parse(&*data)?;
    checks::loadable(&file)?;
    if options.integrity
        && let Some((rule, text)) = checks::integrity(&file).into_iter().next()
    {
        crate::verifier::violation(rule, &format!("{}: {text}", path.display()));
    }
    let optional = file.nt_headers().optional_header();
    let size = (optional.size_of_image() as usize).next_multiple_of(PAGE);
    let base = reserve(size);

    copy(&file, &data, base, size)?;
    relocate(&file, &data, base, optional.image_base() as usize)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let imports = bind(&file, base, &name, resolver, options)?;
    let sections: Vec<_> = file
        .section_table()
        .iter()
        .map(|section| {
            let name = String::from_utf8_lossy(section.raw_name()).into_owned();
            let bits = section.characteristics.get(LE);
            (name, section.virtual_address.get(LE), section.virtual_size.get(LE), bits)
        })
        .collect();
    configure(&file, base);
    for (_, rva, size, bits) in &sections {
        if bits & pe::IMAGE_SCN_MEM_EXECUTE != 0 {
            shared_data::redirect(base + *rva as usize, *size as usize);
        }
    }
    let pdata = file
        .data_directory(pe::IMAGE_DIRECTORY_ENTRY_EXCEPTION)
        .map_or((0, 0), |entry| (entry.virtual_address.get(LE), entry.size.get(LE)));
    let pdb = pdb_beside(path, &file);
    let code: Vec<_> = sections
        .iter()
        .filter(|(.., bits)| bits & pe::IMAGE_SCN_MEM_EXECUTE != 0)
        .map(|(_, rva, size, _)| (*rva, *size))
        .collect();
    let breakpoints =
        coverage::instrument(coverage::Loading { path, data: &data, pdb: &pdb, base, code: &code, pdata });
    protect(base, size, libc::PROT_NONE);
    protect(base, optional.size_of_headers() as usize, libc::PROT_READ);
    for (_, rva, size, bits) in &sections {
        let mut protection = libc::PROT_NONE;
        for (bit, flag) in [
            (pe::IMAGE_SCN_MEM_READ, libc::PROT_READ),
            (pe::IMAGE_SCN_MEM_WRITE, libc::PROT_WRITE),
            (pe::IMAGE_SCN_MEM_EXECUTE, libc::PROT_EXEC),
        ] {
            if bits & bit != 0 {
                protection |= flag;
            }
        }
        protect(base + *rva as usize, *size as usize, protection);
    }
    Ok(register(Image {
        name,
        pdb,
        base,
        size,
        entry: base + optional.address_of_entry_point() as usize,
        pdata,
        sections,
        imports,
        unloaded: AtomicUsize::new(0),
        breakpoints,
    }))
}

/// The PDB of the image at `path` with these contents.
pub(crate) fn pdb_of(path: &Path, data: &[u8]) -> PathBuf {
    PeFile64::parse(data).map_or_else(|_| path.with_extension("pdb"), |file| pdb_beside(path, &file))
}

/// The PDB in the image's directory: the one that the image names, or else the one of its own name.
fn pdb_beside(path: &Path, file: &PeFile64<'_>) -> PathBuf {
    let named = file.pdb_info().ok().flatten().and_then(|info| {
        let name = String::from_utf8_lossy(info.path()).into_owned();
        let base = name.rsplit(['\\', '/']).next().map(str::to_owned)?;
        Some(path.with_file_name(base))
    });
    named.filter(|pdb| pdb.exists()).unwrap_or_else(|| path.with_extension("pdb"))
}

/// Reserves address space with a guard on both sides and makes the inner part writable.
fn reserve(size: usize) -> usize {
    // SAFETY: a fresh reservation; the image owns it from here on.
    let whole = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            size + 3 * GUARD,
            libc::PROT_NONE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    assert_ne!(whole, libc::MAP_FAILED, "no address space for an image");
    let base = (whole as usize + GUARD).next_multiple_of(GUARD);
    protect(base, size, libc::PROT_READ | libc::PROT_WRITE);
    base
}

fn copy(file: &PeFile64<'_>, data: &[u8], base: usize, size: usize) -> Result<(), LoadError> {
    let put = |rva: usize, bytes: &[u8]| {
        if rva.checked_add(bytes.len()).is_none_or(|end| end > size) {
            return Err(LoadError::Form("a section lies outside the image".into()));
        }
        // SAFETY: the range was just checked against the writable image.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), (base + rva) as *mut u8, bytes.len()) };
        Ok(())
    };
    let headers = file.nt_headers().optional_header().size_of_headers() as usize;
    put(0, data.get(..headers).ok_or_else(|| LoadError::Form("truncated headers".into()))?)?;
    for section in file.section_table().iter() {
        let mut bytes = section.pe_data(data)?;
        let virtual_size = section.virtual_size.get(LE) as usize;
        bytes = &bytes[..bytes.len().min(virtual_size)];
        put(section.virtual_address.get(LE) as usize, bytes)?;
        if section.virtual_address.get(LE) as usize + virtual_size > size {
            return Err(LoadError::Form("a section lies outside the image".into()));
        }
    }
    Ok(())
}

fn relocate(file: &PeFile64<'_>, data: &[u8], base: usize, preferred: usize) -> Result<(), LoadError> {
    let delta = base.wrapping_sub(preferred);
    let sections = file.section_table();
    let Some(mut blocks) = file.data_directories().relocation_blocks(data, &sections)? else {
        return Ok(());
    };
    while let Some(block) = blocks.next()? {
        for relocation in block {
            match relocation.typ {
                pe::IMAGE_REL_BASED_ABSOLUTE => {}
                pe::IMAGE_REL_BASED_DIR64 => {
                    let place = (base + relocation.virtual_address as usize) as *mut usize;
                    // SAFETY: relocations of a linked image lie inside it, and it is writable now.
                    unsafe { place.write_unaligned(place.read_unaligned().wrapping_add(delta)) };
                }
                other => return Err(LoadError::Form(format!("relocation type {other}"))),
            }
        }
    }
    Ok(())
}

/// Fills the import address table; returns the exports in it that tell the lab of their calls, by slot.
fn bind(
    file: &PeFile64<'_>,
    base: usize,
    image: &str,
    resolver: &Resolver,
    options: LoadOptions,
) -> Result<BTreeMap<u32, String>, LoadError> {
    let mut telling = BTreeMap::new();
    for_each_import(file, |dll, name, slot| {
        let export = resolver.find(dll, name);
        if let Some(export) = export.filter(|export| export.tells()) {
            telling.insert(slot as u32, format!("{}!{}", export.dll, export.name));
        }
        let address = match export {
            Some(export) if options.checked => export.checked.get(),
            Some(export) => export.bare.get(),
            None => stub::unresolved(dll, name, image),
        };
        // SAFETY: the import address table of a linked image lies inside it, and it is writable now.
        unsafe { ((base + slot) as *mut usize).write_unaligned(address) };
    })?;
    Ok(telling)
}

/// Calls `visit` with the DLL, the name and the RVA of the slot of every import.
fn for_each_import(file: &PeFile64<'_>, mut visit: impl FnMut(&str, &str, usize)) -> Result<(), LoadError> {
    let Some(table) = file.import_table()? else { return Ok(()) };
    let mut descriptors = table.descriptors()?;
    while let Some(descriptor) = descriptors.next()? {
        let dll = String::from_utf8_lossy(table.name(descriptor.name.get(LE))?).into_owned();
        let names = match descriptor.original_first_thunk.get(LE) {
            0 => descriptor.first_thunk.get(LE),
            names => names,
        };
        let mut thunks = table.thunks(names)?;
        let mut slot = descriptor.first_thunk.get(LE) as usize;
        while let Some(thunk) = thunks.next::<pe::ImageNtHeaders64>()? {
            let name = match table.import::<pe::ImageNtHeaders64>(thunk)? {
                Thunk::Name(_, name) => String::from_utf8_lossy(name).into_owned(),
                Thunk::Ordinal(ordinal) => format!("#{ordinal}"),
            };
            visit(&dll, &name, slot);
            slot += size_of::<usize>();
        }
    }
    Ok(())
}

/// Fills what the kernel loader fills through the load configuration: the stack cookie and the CFG pointers.
fn configure(file: &PeFile64<'_>, base: usize) {
    const COOKIE: usize = 0x58;
    const CFG_CHECK: usize = 0x70;
    const CFG_DISPATCH: usize = 0x78;
    const DEFAULT_COOKIE: usize = 0x2b99_2ddf_a232;

    let Some(directory) = file.data_directory(pe::IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG) else { return };
    let config = base + directory.virtual_address.get(LE) as usize;
    if directory.virtual_address.get(LE) == 0 {
        return;
    }
    // SAFETY: the load configuration starts with its own size and lies in the writable image; its pointers
    // were relocated and point into the image.
    unsafe {
        let length = (config as *const u32).read_unaligned() as usize;
        let pointer = |offset: usize| {
            let pointer =
                if length >= offset + 8 { ((config + offset) as *const usize).read_unaligned() } else { 0 };
            (pointer != 0).then_some(pointer as *mut usize)
        };
        if let Some(cookie) = pointer(COOKIE)
            && cookie.read_unaligned() == DEFAULT_COOKIE
        {
            // Any value differs from the default as long as its upper 16 bits are zero.
            cookie.write_unaligned((base >> 4 ^ 0x5bd1_e995_7a3c) & 0xffff_ffff_ffff);
        }
        if let Some(check) = pointer(CFG_CHECK) {
            check.write_unaligned(stub::cfg_check as *const () as usize);
        }
        if let Some(dispatch) = pointer(CFG_DISPATCH) {
            dispatch.write_unaligned(stub::cfg_dispatch as *const () as usize);
        }
    }
}
