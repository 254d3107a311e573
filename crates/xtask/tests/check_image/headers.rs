//! Defects of headers, directories and resources.

use object::pe;

use crate::built::BOTH;
use crate::built::Built;

#[test]
fn subsystem_must_be_native() {
    for arch in BOTH {
        let mut built = Built::load(arch);
        let at = built.optional_header() + 68;
        built.patch(at, &pe::IMAGE_SUBSYSTEM_WINDOWS_CUI.to_le_bytes());
        built.assert_fails(&["subsystem"], "not 1 (native)");
    }
}

#[test]
fn checksum_must_not_be_zero() {
    for arch in BOTH {
        let mut built = Built::load(arch);
        let at = built.optional_header() + 64;
        built.patch(at, &[0; 4]);
        built.assert_fails_as_is(&["checksum"], "zero");
    }
}

#[test]
fn checksum_must_be_right() {
    for arch in BOTH {
        let mut built = Built::load(arch);
        // A byte of the DOS stub, which nothing else looks at.
        built.image[0x50] ^= 0xff;
        built.assert_fails_as_is(&["checksum"], "sums up to");
    }
}

#[test]
fn security_flags_must_be_set() {
    let flags = [
        (pe::IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY, "integrity", "FORCE_INTEGRITY"),
        (pe::IMAGE_DLLCHARACTERISTICS_NX_COMPAT, "nx", "NX_COMPAT"),
        (pe::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE, "dynamic-base", "DYNAMIC_BASE"),
    ];
    for arch in BOTH {
        for (bit, check, text) in flags {
            let mut built = Built::load(arch);
            built.clear_dll_characteristic(bit);
            built.assert_fails(&[check], text);
        }
    }
}

#[test]
fn relocations_must_be_present() {
    for arch in BOTH {
        let mut built = Built::load(arch);
        let at = built.directory(pe::IMAGE_DIRECTORY_ENTRY_BASERELOC);
        built.patch(at, &[0; 8]);
        built.assert_fails(&["relocations"], "no base relocation directory");
    }
}

#[test]
fn relocations_must_not_be_stripped() {
    for arch in BOTH {
        let mut built = Built::load(arch);
        let at = built.file_header() + 18;
        let value = built.u16(at) | pe::IMAGE_FILE_RELOCS_STRIPPED;
        built.patch(at, &value.to_le_bytes());
        built.assert_fails(&["relocations"], "RELOCS_STRIPPED");
    }
}

#[test]
fn exception_directory_must_be_present() {
    for arch in BOTH {
        let mut built = Built::load(arch);
        let at = built.directory(pe::IMAGE_DIRECTORY_ENTRY_EXCEPTION);
        built.patch(at, &[0; 8]);
        // Without it, instructions and frames are not to be found either.
        built.assert_fails(&["pdata", "instructions", "stack"], "no exception directory");
    }
}

#[test]
fn sections_must_not_be_writable_and_executable() {
    for arch in BOTH {
        let mut built = Built::load(arch);
        let header = built.optional_header() + usize::from(built.u16(built.file_header() + 16));
        assert_eq!(&built.image[header..header + 5], b".text");
        // IMAGE_SCN_MEM_WRITE is the top bit of the characteristics.
        built.image[header + 39] |= 0x80;
        built.assert_fails(&["sections"], ".text at 0x1000 is writable and executable");
    }
}

#[test]
fn version_resource_must_be_present() {
    for arch in BOTH {
        let mut built = Built::load(arch);
        let at = built.directory(pe::IMAGE_DIRECTORY_ENTRY_RESOURCE);
        built.patch(at, &[0; 8]);
        built.assert_fails(&["version"], "no version resource");
    }
}

#[test]
fn version_resource_must_be_of_its_type() {
    for arch in BOTH {
        let mut built = Built::load(arch);
        let at = built.directory(pe::IMAGE_DIRECTORY_ENTRY_RESOURCE);
        let rva = u32::from_le_bytes(built.image[at..at + 4].try_into().expect("four bytes"));
        // The first entry of the root directory stands behind its 16-byte header.
        let entry = built.offset(rva) + 16;
        assert_eq!(built.u16(entry), pe::RT_VERSION);
        built.patch(entry, &pe::RT_RCDATA.to_le_bytes());
        built.assert_fails(&["version"], "no version resource");
    }
}
