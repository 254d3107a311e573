//! Promise: a mistake in the driver is reported with everything that is needed to find it: the bug check, the rule, the
//! function and the line at which it happens, and who allocated and freed the block, or owns the NBL.
//!
//! The tests make two mistakes in a copy of the driver's source, build that copy and run it.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use lab::bugcheck::BugCheck;
use lab::child::{self, Exit, Status};
use lab::ndis::Call;
use support::packet::{self, Ports, Way, lists};
use support::{boot_with_adapter, list, open, set_policy};
use weir_ioctl::{AdapterEntry, Control};

/// What the build needs of the work tree.
const SOURCES: [&str; 7] = [".cargo", "Cargo.lock", "Cargo.toml", "benches", "build.rs", "crates", "src"];
/// The mistakes: file, what stands there, and what the copy has instead.
const MISTAKES: [(&str, &str, &str); 2] = [
    // A module takes itself out of the list of adapters before it is freed, but in the copy only without a LUID.
    (
        "src/filter/attach.rs",
        "        self.shared.adapters.lock().remove(self);\n",
        "        if self.facts.luid == 0 {\n            self.shared.adapters.lock().remove(self);\n        }\n",
    ),
    // Sends that are not let through are completed once. In the copy that follows two other completions: the shipped one
    // is a jump, which leaves no frame to report.
    (
        "crates/kernel/src/ndis/chain.rs",
        "flags: SendCompleteFlags) {\n        self.for_each(|mut list| list.set_status(status));\n",
        "flags: SendCompleteFlags) {\n        self.for_each(|mut list| list.set_status(status));\n        \
         unsafe { NdisFSendNetBufferListsComplete(filter.raw(), self.head.as_ptr(), flags.0) };\n        \
         unsafe { NdisFSendNetBufferListsComplete(filter.raw(), self.head.as_ptr(), flags.0) };\n",
    ),
];

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

/// Builds the faulty driver, once, and returns its image.
fn faulty_driver() -> PathBuf {
    static IMAGE: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let place = root.join("target/faulty-driver");
        let _ = fs::remove_dir_all(&place);
        let (tree, built) = (place.join("tree"), place.join("build"));
        fs::create_dir_all(&tree).expect("a directory in target");
        for name in SOURCES {
            copy(&root.join(name), &tree.join(name));
        }
        for (file, right, wrong) in MISTAKES {
            let path = tree.join(file);
            let source = fs::read_to_string(&path).expect("the driver has this file");
            assert_eq!(source.matches(right).count(), 1, "the line to change in {file}");
            fs::write(&path, source.replace(right, wrong)).expect("the copy can be written");
        }
        let image = xtask::build::build_copy(&tree, &built).expect("the copy builds");
        for file in ["weir.sys", "weir.pdb"] {
            fs::rename(image.with_file_name(file), place.join(file))
                .expect("the build left image and symbols");
        }
        // Hundreds of megabytes that nobody needs again.
        for directory in [tree, built] {
            fs::remove_dir_all(directory).expect("the directory is ours");
        }
        place.join("weir.sys")
    };
    IMAGE.get_or_init(build).clone()
}

/// Runs `life` with the shipped driver, which it must not harm, and with the faulty one.
fn lives(name: &str, life: impl Fn()) -> Option<Exit> {
    let exit = child::run(name, &life);
    if child::is_child() {
        return None;
    }
    assert_eq!((exit.status, exit.report.findings.len()), (Status::Ok, 0), "{}", exit.log);
    let image = faulty_driver();
    Some(child::run_with(name, &[("WEIR_SYS", image.to_str().expect("a path in UTF-8"))], life))
}

#[test]
fn a_use_after_free_is_reported_with_function_and_line() {
    let exit = lives("a_use_after_free_is_reported_with_function_and_line", || {
        let (machine, _driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        assert_eq!(list::<AdapterEntry>(&file, Control::ADAPTERS, 8).len(), 1);
        adapter.pause();
        adapter.detach();
        assert_eq!(list::<AdapterEntry>(&file, Control::ADAPTERS, 8).len(), 0);
    });
    let Some(exit) = exit else { return };
    exit.assert_stopped(Status::BugCheck, "G-4");
    let (finding, whole) = (&exit.report.findings[0], &exit.log);
    assert_eq!(finding.bug_check, Some(BugCheck::new(0xcc)));
    assert!(finding.text.contains("PAGE_FAULT_IN_FREED_SPECIAL_POOL): read of "), "{whole}");
    // The list of adapters is walked under its lock, for a request.
    assert_eq!((finding.irql, finding.routine.as_deref()), (2, Some("EvtIoDeviceControl")), "{whole}");
    // The block is a module's, which FilterAttach allocated and FilterDetach freed.
    let (allocated, freed) = finding.text.split_once(", freed ").expect("who freed the block");
    assert!(allocated.contains("'WeiM'") && allocated.contains("src/filter/attach.rs:"), "{whole}");
    assert!(freed.contains("FilterDetach"), "{whole}");
    // The line is where the walk reads a module.
    let caller = finding.caller.as_deref().expect("where the driver is");
    assert!(caller.contains("weir.sys!weir::filter::adapters::"), "{whole}");
    let (_, line) = caller.split_once("src/filter/adapters.rs:").expect("file and line");
    let line: usize = line.split(')').next().and_then(|line| line.parse().ok()).expect("a line's number");
    let source = include_str!("../src/filter/adapters.rs");
    assert!(source.lines().nth(line - 1).is_some_and(|line| line.contains("module.link.")), "{whole}");
    assert!(finding.stack.iter().any(|frame| frame.contains("src/control/pages.rs:")), "{whole}");
}

#[test]
fn a_list_completed_twice_is_reported_with_its_owner() {
    let exit = lives("a_list_completed_twice_is_reported_with_its_owner", || {
        let (machine, _driver, adapter) = boot_with_adapter();
        set_policy(&open(&machine), "[[rule]]\nname = \"odd\"\naction = \"block\"\nremote-port = 7\n");
        let frames = [packet::udp(Way::Out, Ports { local: 999, remote: 7 }, 10)];
        adapter.send(&lists(&frames, 0), Call { dispatch: true, flags: 0 });
        assert_eq!(adapter.take_events().completed.len(), 1);
    });
    let Some(exit) = exit else { return };
    exit.assert_stopped(Status::Verifier, "N-49");
    let (finding, whole) = (&exit.report.findings[0], &exit.log);
    assert_eq!((finding.irql, finding.routine.as_deref()), (2, Some("FilterSendNetBufferLists")), "{whole}");
    assert_eq!(finding.export.as_deref(), Some("NDIS.SYS!NdisFSendNetBufferListsComplete"), "{whole}");
    let source = include_str!("../crates/kernel/src/ndis/chain.rs");
    let (before, _) = source.split_once(MISTAKES[1].1).expect("the line");
    let changed = before.lines().count() + MISTAKES[1].1.lines().count() - 1;
    assert!(finding.stack[0].contains(&format!("ndis/chain.rs:{}", changed + 2)), "{whole}");
    assert!(finding.stack.iter().any(|frame| frame.contains("src/filter/send.rs:")), "{whole}");
    // The NBL went back to the protocol with the first completion, and the protocol freed it.
    let [owner] = finding.nbls.as_slice() else { panic!("one NBL is concerned:\n{whole}") };
    assert!(
        owner.contains("made by the protocol, as a send, now with nobody: it was freed")
            && owner.contains(&format!("ndis/chain.rs:{}", changed + 1)),
        "{whole}"
    );
    let last: Vec<&str> = finding.calls.iter().rev().take(2).map(|call| call.export.as_str()).collect();
    assert_eq!(last, ["NDIS.SYS!NdisFSendNetBufferListsComplete"; 2], "{whole}");
    for part in ["  on:     processor ", "  owner:  NBL 0x", "  stack:  weir.sys!", "  the last 50 calls:"] {
        assert!(whole.contains(part), "{part} is missing:\n{whole}");
    }
}
