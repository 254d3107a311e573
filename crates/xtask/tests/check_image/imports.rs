//! Imports that Windows could not resolve.

use object::LittleEndian as LE;
use xtask::check_image::AllowList;
use xtask::check_image::Image;

use crate::built::BOTH;
use crate::built::Built;

/// File offsets of the first import's image name and function name, and of its thunk.
fn first_import(built: &Built) -> (usize, usize, usize) {
    let image = Image::parse(&built.image).expect("a PE file");
    let table = image.pe.import_table().expect("readable").expect("the driver imports");
    let descriptor =
        table.descriptors().expect("readable").next().expect("readable").expect("the driver imports");
    let thunk = built.offset(descriptor.original_first_thunk.get(LE));
    let name = u32::from_le_bytes(built.image[thunk..thunk + 4].try_into().expect("four bytes"));
    // A function name stands behind a two-byte hint.
    (built.offset(descriptor.name.get(LE)), built.offset(name) + 2, thunk)
}

#[test]
fn imports_must_be_known_exports() {
    for arch in BOTH {
        let mut built = Built::load(arch);
        let (_, function, _) = first_import(&built);
        built.image[function + 1] = b'#';
        built.assert_fails(&["imports"], "is not a known export");
    }
}

#[test]
fn imports_must_come_from_the_image_that_exports_them() {
    for arch in BOTH {
        let mut built = Built::load(arch);
        let (dll, _, _) = first_import(&built);
        built.image[dll] = b'#';
        built.assert_fails(&["imports"], "is not a known export");
    }
}

#[test]
fn imports_must_have_names() {
    for arch in BOTH {
        let mut built = Built::load(arch);
        let (_, _, thunk) = first_import(&built);
        built.patch(thunk, &[7, 0, 0, 0, 0, 0, 0, 0x80]);
        built.assert_fails(&["imports"], "#7 is imported by ordinal");
    }
}

#[test]
fn the_export_list_has_one_form() {
    assert!(AllowList::parse("# images\nNDIS.SYS!NdisFSetAttributes # filter\n\n").is_ok());
    let error = AllowList::parse("\nNdisFSetAttributes\n").err().expect("no image named");
    assert!(error.to_string().contains("line 2"), "{error}");
}
