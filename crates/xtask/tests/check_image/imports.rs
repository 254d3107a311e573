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
fn only_proven_exports_are_known() {
    let mut list = AllowList::default();
    list.add(
        r#"{"functions": {
            "NdisFSetAttributes": {"dll": "NDIS.SYS", "exported": true},
            "NdisInlined": {"dll": null, "exported": false},
            "NdisGuessed": {"dll": "NDIS.SYS", "exported": "unknown"}
        }, "globals": {
            "PsProcessType": {"type": "POBJECT_TYPE *", "dll": "ntoskrnl.exe", "exported": true},
            "WdfDriverGlobals": {"type": "PWDF_DRIVER_GLOBALS"}
        }}"#,
    )
    .expect("a file of the oracle");
    assert!(list.contains("ndis.sys", "NdisFSetAttributes"));
    assert!(list.contains("ntoskrnl.exe", "PsProcessType"));
    assert!(!list.contains("fwpkclnt.sys", "NdisFSetAttributes"));
    assert!(!list.contains("NDIS.SYS", "ndisFSetAttributes"));
    assert!(!list.contains("NDIS.SYS", "NdisInlined"));
    assert!(!list.contains("NDIS.SYS", "NdisGuessed"));
    assert!(list.add("17").is_err());
}
