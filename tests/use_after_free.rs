//! Promise: a use after free in the driver is reported with the function and the line at which it happens, and with those
//! that allocated and freed the block.
//!
//! The test changes one line in a copy of the driver's source, builds that copy and runs it.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use lab::child::{self, Status};
use support::{boot_with_adapter, list, open};
use weir_ioctl::{AdapterEntry, Control};

/// What the build needs of the work tree.
const SOURCES: [&str; 6] = [".cargo", "Cargo.lock", "Cargo.toml", "build.rs", "crates", "src"];
/// A module takes itself out of the list of adapters before it is freed...
const FILE: &str = "src/filter/attach.rs";
const LINE: &str = "        self.shared.adapters.lock().remove(self);\n";
/// ...and does so in the copy only if its interface has no LUID.
const FAULTY: &str =
    "        if self.facts.luid == 0 {\n            self.shared.adapters.lock().remove(self);\n        }\n";

fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::copy(from, to).unwrap_or_else(|error| panic!("cannot copy {}: {error}", from.display()));
        return;
    }
    fs::create_dir_all(to).expect("a directory in target");
    for entry in fs::read_dir(from).expect("a directory of the work tree") {
        let entry = entry.expect("an entry of the directory");
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}

/// Builds the faulty driver; returns where everything is, and the image.
fn faulty_driver() -> (PathBuf, PathBuf) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = root.join("target/use-after-free");
    let _ = fs::remove_dir_all(&place);
    let tree = place.join("tree");
    fs::create_dir_all(&tree).expect("a directory in target");
    for name in SOURCES {
        copy(&root.join(name), &tree.join(name));
    }
    let path = tree.join(FILE);
    let source = fs::read_to_string(&path).expect("the driver has this file");
    assert_eq!(source.matches(LINE).count(), 1, "the line to change in {FILE}");
    fs::write(&path, source.replace(LINE, FAULTY)).expect("the copy can be written");
    let image = xtask::build::build_copy(&tree, &place.join("build")).expect("the copy builds");
    (place, image)
}

#[test]
fn a_use_after_free_is_reported_with_function_and_line() {
    let name = "a_use_after_free_is_reported_with_function_and_line";
    let life = || {
        let (machine, _driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        assert_eq!(list::<AdapterEntry>(&file, Control::ADAPTERS, 8).len(), 1);
        adapter.pause();
        adapter.detach();
        assert_eq!(list::<AdapterEntry>(&file, Control::ADAPTERS, 8).len(), 0);
    };
    // The shipped driver does the same without harm.
    let exit = child::run(name, life);
    if child::is_child() {
        return;
    }
    assert_eq!((exit.status, exit.report.findings.len()), (Status::Ok, 0), "{}", exit.log);

    let (place, image) = faulty_driver();
    let exit = child::run_with(name, &[("WEIR_SYS", image.to_str().expect("a path in UTF-8"))], life);
    exit.assert_stopped(Status::BugCheck, "G-4");
    let finding = &exit.report.findings[0];
    let whole = &exit.log;
    assert!(finding.text.contains("bug check 0xcc (PAGE_FAULT_IN_FREED_SPECIAL_POOL): read of "), "{whole}");
    // The block is a module's, which FilterAttach allocated and FilterDetach freed.
    let (allocated, freed) = finding.text.split_once(", freed ").expect("who freed the block");
    assert!(allocated.contains("'WeiM'") && allocated.contains(FILE), "{whole}");
    assert!(freed.contains("FilterDetach"), "{whole}");
    // The list was walked for a request, and the report's line is where the walk reads a module.
    let caller = finding.caller.as_deref().expect("where the driver is");
    assert!(caller.contains("weir.sys!weir::filter::adapters::"), "{whole}");
    let (_, line) = caller.split_once("src/filter/adapters.rs:").expect("file and line");
    let line: usize = line.split(')').next().and_then(|line| line.parse().ok()).expect("a line's number");
    let source = fs::read_to_string(place.join("tree/src/filter/adapters.rs")).expect("the copy's source");
    assert!(source.lines().nth(line - 1).is_some_and(|line| line.contains("module.link.")), "{whole}");
    assert!(finding.stack.iter().any(|frame| frame.contains("src/control/pages.rs:")), "{whole}");
    // Hundreds of megabytes that nobody needs again.
    fs::remove_dir_all(place).expect("the directory is ours");
}
