//! Header fields, section attributes and relocations.

use object::LittleEndian as LE;
use object::pe;
use object::read::pe::ImageNtHeaders as _;
use object::read::pe::ImageOptionalHeader as _;

use super::Outcome;
use super::Subject;
use super::outcome;

pub(super) fn subsystem(subject: &Subject<'_>) -> Outcome {
    let header = subject.image.pe.nt_headers().optional_header();
    let version = format!("{}.{}", header.major_subsystem_version(), header.minor_subsystem_version());
    match header.subsystem() {
        pe::IMAGE_SUBSYSTEM_NATIVE => Ok(format!("native {version}, {}", subject.image.arch)),
        other => Err(vec![format!("the subsystem is {other}, not {} (native)", pe::IMAGE_SUBSYSTEM_NATIVE)]),
    }
}

pub(super) fn checksum(subject: &Subject<'_>) -> Outcome {
    match super::checksum::stated_and_computed(subject.image.data) {
        Ok((0, _)) => Err(vec!["the checksum is zero".to_owned()]),
        Ok((stated, computed)) if stated != computed => {
            Err(vec![format!("the header states {stated:#010x}, the file sums up to {computed:#010x}")])
        }
        Ok((stated, _)) => Ok(format!("{stated:#010x}")),
        Err(error) => Err(vec![error.to_string()]),
    }
}

pub(super) fn integrity_check(subject: &Subject<'_>) -> Outcome {
    flag(subject, pe::IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY, "FORCE_INTEGRITY")
}

pub(super) fn nx(subject: &Subject<'_>) -> Outcome {
    flag(subject, pe::IMAGE_DLLCHARACTERISTICS_NX_COMPAT, "NX_COMPAT")
}

pub(super) fn dynamic_base(subject: &Subject<'_>) -> Outcome {
    flag(subject, pe::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE, "DYNAMIC_BASE")
}

fn flag(subject: &Subject<'_>, bit: u16, name: &str) -> Outcome {
    let all = subject.image.dll_characteristics();
    if all & bit != 0 {
        Ok(name.to_owned())
    } else {
        Err(vec![format!("{name} is not among the DLL characteristics {all:#06x}")])
    }
}

pub(super) fn relocations(subject: &Subject<'_>) -> Outcome {
    let image = subject.image;
    if image.pe.nt_headers().file_header().characteristics.get(LE) & pe::IMAGE_FILE_RELOCS_STRIPPED != 0 {
        return Err(vec!["the file header says RELOCS_STRIPPED".to_owned()]);
    }
    let blocks = match image.pe.data_directories().relocation_blocks(image.data, &image.pe.section_table()) {
        Ok(Some(blocks)) => blocks,
        Ok(None) => return Err(vec!["there is no base relocation directory".to_owned()]),
        Err(error) => return Err(vec![format!("the base relocation directory cannot be read: {error}")]),
    };
    let mut count = 0;
    let mut blocks = blocks;
    loop {
        match blocks.next() {
            Ok(Some(block)) => count += block.count(),
            Ok(None) => break,
            Err(error) => return Err(vec![format!("a base relocation block cannot be read: {error}")]),
        }
    }
    if count == 0 {
        Err(vec!["the base relocation directory is empty".to_owned()])
    } else {
        Ok(format!("{count}"))
    }
}

pub(super) fn sections(subject: &Subject<'_>) -> Outcome {
    const WRITE_EXECUTE: u32 = pe::IMAGE_SCN_MEM_WRITE | pe::IMAGE_SCN_MEM_EXECUTE;
    let mut names = Vec::new();
    let mut problems = Vec::new();
    for section in subject.image.sections() {
        let name = section.name;
        if section.characteristics & WRITE_EXECUTE == WRITE_EXECUTE {
            problems.push(format!("{name} at {:#x} is writable and executable", section.rva));
        }
        names.push(name);
    }
    outcome(problems, format!("{}, none writable and executable", names.join(" ")))
}
