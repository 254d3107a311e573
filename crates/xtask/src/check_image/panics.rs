//! No panic path, and no trace of the build machine.

use super::Outcome;
use super::Subject;
use super::outcome;
use crate::workspace;

/// Parts of names that only panics have: of the functions that panic, and of the handler they end in. Names are as in
/// the PDB, so some are readable paths and some are mangled.
const MARKS: &[&str] = &[
    "panicking",
    "panic_fmt",
    "panic_bounds_check",
    "panic_const",
    "panic_nounwind",
    "panic_display",
    "panic_explicit",
    "panic_cannot_unwind",
    "rust_begin_unwind",
    "rust_panic",
    "slice_index_fail",
    "slice_start_index",
    "slice_end_index",
    "slice_index_order",
    "slice_error_fail",
    "str_index_overflow",
    "len_mismatch_fail",
    "unwrap_failed",
    "expect_failed",
    "already_borrowed",
    "already_mutably_borrowed",
    "handle_alloc_error",
    "alloc_error_handler",
    "alloc_error_default",
    "capacity_overflow",
    "raw_vec12handle_error",
    "raw_vec::handle_error",
    "assert_failed",
];

pub(super) fn none(subject: &Subject<'_>) -> Outcome {
    let names = &subject.symbols.names;
    if names.is_empty() {
        return Err(vec!["the PDB names no function, so nothing is proven".to_owned()]);
    }
    let panics = |name: &&String| MARKS.iter().any(|mark| name.contains(mark));
    let problems = names.iter().filter(panics).map(|name| format!("{name} is linked")).collect();
    outcome(problems, format!("{} names, none of a panic", names.len()))
}

/// Paths of the machine that built the image must not be in it: they differ from build to build and tell tales.
pub(super) fn no_paths(subject: &Subject<'_>) -> Outcome {
    let root = workspace::root().to_string_lossy().into_owned();
    let marks = [root.as_str(), ".cargo/registry", "/usr/src/", "/home/", "\\Users\\"];
    let data = subject.image.data;
    let found = |mark: &&str| data.windows(mark.len()).any(|window| window == mark.as_bytes());
    let problems =
        marks.iter().filter(|mark| found(mark)).map(|mark| format!("{mark:?} stands in the image")).collect();
    outcome(problems, "none of the build machine".to_owned())
}
