//! Runs the built `weirctl` and keeps what it says.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

/// What a run of `weirctl` left.
pub(crate) struct Run {
    /// The exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

/// `weirctl` with these arguments, in a directory.
pub(crate) fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weirctl"));
    command.args(args).current_dir(dir).stdin(Stdio::null()).env_remove("WEIR_SYS").env_remove("NO_COLOR");
    command
}

/// Runs `weirctl` to its end. A panic or a signal fails the test.
pub(crate) fn weirctl(dir: &Path, args: &[&str]) -> Run {
    let output = command(dir, args).output().expect("weirctl starts");
    let run = Run {
        code: output.status.code().unwrap_or_else(|| panic!("{args:?} ended by {}", output.status)),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    };
    assert!(!run.err.contains("panicked"), "{args:?}: {}", run.err);
    assert!(!run.out.contains('\u{1b}') && !run.err.contains('\u{1b}'), "colours without a terminal");
    run
}

/// A directory of a test's own, emptied.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // It need not be there.
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("a scratch directory");
    dir
}
