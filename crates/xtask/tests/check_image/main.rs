//! Every defect that check-image names is found in an otherwise clean image, for both architectures.
//!
//! Each test takes the driver that `cargo xtask build --arch all` linked, spoils one thing in memory, and expects
//! exactly the checks that look at that thing to fail.

mod built;
mod code;
mod headers;
mod imports;
mod stack;

use object::pe;
use xtask::arch::Arch;
use xtask::check_image;
use xtask::check_image::AllowList;

use built::BOTH;
use built::Built;

#[test]
fn clean_images_pass() {
    for arch in BOTH {
        let problems = Built::load(arch).before;
        assert!(problems.is_empty(), "{arch}: {problems:?}");
    }
}

#[test]
fn other_files_are_refused() {
    let allowed = AllowList::default();
    assert!(check_image::check(b"MZ", &[], &allowed).is_err());
    let mut built = Built::load(Arch::X64);
    let at = built.file_header();
    built.patch(at, &pe::IMAGE_FILE_MACHINE_I386.to_le_bytes());
    assert!(check_image::check(&built.image, &built.pdb, &allowed).is_err());
}
