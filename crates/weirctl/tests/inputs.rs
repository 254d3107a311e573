//! Bad command lines and bad files: one clear line, the right exit code, never a panic.

mod common;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use common::command;
use common::scratch;
use common::weirctl;

/// Runs and expects exit code 1 and these words on standard error.
fn refuses(dir: &Path, args: &[&str], words: &[&str]) {
    let run = weirctl(dir, args);
    assert_eq!(run.code, 1, "{args:?}: {}{}", run.out, run.err);
    for word in words {
        assert!(run.err.contains(word), "{args:?}: no `{word}` in {}", run.err);
    }
    assert!(run.out.is_empty(), "{args:?}: {}", run.out);
}

#[test]
fn wrong_command_lines_are_input_errors() {
    let dir = scratch("usage");
    for args in [
        &["nonsense"][..],
        &["policy", "check"],
        &["policy", "compile", "p.toml", "-o", "x", "--volume", "nonsense"],
    ] {
        refuses(&dir, args, &["error:"]);
    }
    for args in [&["--help"][..], &["--version"], &["policy", "check", "--help"]] {
        let run = weirctl(&dir, args);
        assert_eq!(run.code, 0, "{args:?}");
        assert!(!run.out.is_empty() && run.err.is_empty());
    }
}

#[test]
fn policy_files_that_cannot_be_read() {
    let dir = scratch("policy-files");
    refuses(&dir, &["policy", "check", "missing.toml"], &["cannot read `missing.toml`: no such file"]);
    refuses(&dir, &["policy", "check", "."], &["cannot read `.`: it is a directory"]);
    fs::write(dir.join("latin1.toml"), b"a = 1\n# caf\xe9\n").unwrap();
    refuses(
        &dir,
        &["policy", "check", "latin1.toml"],
        &["`latin1.toml` is not UTF-8 text (line 2)", "hint:"],
    );
}

#[test]
fn a_closed_pipe_ends_the_output_quietly() {
    let dir = scratch("pipe");
    let mut child = command(&dir, &["--help"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut complaint = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
    assert_eq!(complaint, "");
}
