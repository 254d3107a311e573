//! Checks of an image's form that need no run.

use object::LittleEndian as LE;
use object::pe;
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader, PeFile64};

use super::LoadError;

/// Refuses what the kernel loader would refuse.
pub(super) fn loadable(file: &PeFile64<'_>) -> Result<(), LoadError> {
    let headers = file.nt_headers();
    let machine = headers.file_header().machine.get(LE);
    if machine != pe::IMAGE_FILE_MACHINE_AMD64 {
        return Err(LoadError::Form(format!("machine {machine:#x} is not x64")));
    }
    if headers.optional_header().subsystem() != pe::IMAGE_SUBSYSTEM_NATIVE {
        return Err(LoadError::Form("the subsystem is not native".into()));
    }
    if headers.optional_header().address_of_entry_point() == 0 {
        return Err(LoadError::Form("no entry point".into()));
    }
    if headers.file_header().characteristics.get(LE) & pe::IMAGE_FILE_RELOCS_STRIPPED != 0 {
        return Err(LoadError::Form("the relocations are stripped".into()));
    }
    Ok(())
}

/// What memory integrity and good form ask for: (rule, text) of everything that is wrong.
pub(super) fn integrity(file: &PeFile64<'_>) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    let headers = file.nt_headers();
    let alignment = headers.optional_header().section_alignment();
    if alignment < 4096 {
        wrong.push(("G-90", format!("section alignment {alignment:#x} is below a page")));
    }
    for section in file.section_table().iter() {
        let bits = section.characteristics.get(LE);
        let name = String::from_utf8_lossy(section.raw_name());
        if bits & pe::IMAGE_SCN_MEM_WRITE != 0 && bits & pe::IMAGE_SCN_MEM_EXECUTE != 0 {
            wrong.push(("G-90", format!("section {name} is writable and executable")));
        }
    }
    let has = |index| file.data_directory(index).is_some_and(|entry| entry.size.get(LE) != 0);
    if has(pe::IMAGE_DIRECTORY_ENTRY_TLS) {
        wrong.push(("L-4", "the image has a TLS directory".into()));
    }
    if !has(pe::IMAGE_DIRECTORY_ENTRY_EXCEPTION) {
        wrong.push(("L-4", "the image has no unwind data".into()));
    }
    wrong
}
