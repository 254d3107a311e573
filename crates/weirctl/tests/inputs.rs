//! Bad command lines and bad files: one clear line, the right exit code, never a panic.

mod common;

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
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
        &["lab", "run"],
        &["lab", "run", "x.pcap", "--local", "10.0.0.300"],
        &["lab", "run", "x.pcap", "--batch", "0"],
        &["lab", "run", "x.pcap", "--split", "14,x"],
        &["policy", "check"],
        &["policy", "compile", "p.toml", "-o", "x", "--volume", "nonsense"],
    ] {
        refuses(&dir, args, &["error:"]);
    }
    for args in [&["--help"][..], &["--version"], &["lab", "run", "--help"], &["policy", "check", "--help"]] {
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
fn captures_that_cannot_be_read() {
    let dir = scratch("captures");
    let run =
        |file: &str, words: &[&str]| refuses(&dir, &["lab", "run", file, "--driver", "none.sys"], words);
    run("missing.pcap", &["cannot read `missing.pcap`: no such file"]);
    run(".", &["cannot read `.`: it is a directory"]);
    fs::write(dir.join("empty.pcap"), b"").unwrap();
    run("empty.pcap", &["`empty.pcap`", "empty"]);
    fs::write(dir.join("text.pcap"), b"hello, world\n").unwrap();
    run("text.pcap", &["not a capture file (it is text)", "hint:"]);
    fs::write(dir.join("noise.pcap"), [0x55; 999]).unwrap();
    run("noise.pcap", &["not a capture file"]);
    fs::write(dir.join("packed.pcap"), [0x1f, 0x8b, 8, 0, 0, 0]).unwrap();
    run("packed.pcap", &["gzip", "unpack"]);
    fs::write(dir.join("header.pcap"), &PCAP[..20]).unwrap();
    run("header.pcap", &["truncated in block 1 at byte 0 (4 bytes missing)"]);
    let mut cooked = PCAP.to_vec();
    cooked[20] = 113;
    fs::write(dir.join("cooked.pcap"), &cooked).unwrap();
    run("cooked.pcap", &["Linux cooked capture", "tcpdump -i eth0"]);
    fs::write(dir.join("secret.pcap"), PCAP).unwrap();
    fs::set_permissions(dir.join("secret.pcap"), fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser reads everything.
    if fs::read(dir.join("secret.pcap")).is_err() {
        run("secret.pcap", &["permission denied"]);
    }
}

#[test]
fn outputs_and_drivers_are_checked_before_the_run() {
    let dir = scratch("before");
    fs::write(dir.join("one.pcap"), PCAP).unwrap();
    refuses(
        &dir,
        &["lab", "run", "one.pcap", "--driver", "none.sys"],
        &["cannot read the driver image `none.sys`: no such file", "cargo xtask build"],
    );
    fs::write(dir.join("not.sys"), b"MZ, but no image").unwrap();
    refuses(&dir, &["lab", "run", "one.pcap", "--driver", "not.sys"], &["`not.sys` is not a driver image"]);
    let write = |out: &str, words: &[&str]| {
        refuses(&dir, &["lab", "run", "one.pcap", "--driver", "not.sys", "--write", out], words);
    };
    write("nowhere/out.pcapng", &["cannot write `nowhere/out.pcapng`"]);
    write(".", &["cannot write `.`"]);
    write("one.pcap", &["`one.pcap` is the capture itself"]);
    assert_eq!(fs::read(dir.join("one.pcap")).unwrap(), PCAP);
    // A run that does not begin leaves no file behind, and spoils none.
    write("new.pcapng", &["`not.sys` is not a driver image"]);
    assert!(!dir.join("new.pcapng").exists());
    fs::write(dir.join("old.pcapng"), b"precious").unwrap();
    write("old.pcapng", &["`not.sys` is not a driver image"]);
    assert_eq!(fs::read(dir.join("old.pcapng")).unwrap(), b"precious");
    refuses(&dir, &["lab", "run", "one.pcap", "--policy", "none.toml"], &["cannot read `none.toml`"]);
    refuses(&dir, &["lab", "run", "one.pcap", "--processes", "none.toml"], &["cannot read `none.toml`"]);
    fs::write(dir.join("bad.toml"), "[[process]]\npath = 3\n").unwrap();
    refuses(&dir, &["lab", "run", "one.pcap", "--processes", "bad.toml"], &["bad.toml", "2"]);
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

/// A pcap file, Ethernet, with one frame of an unassigned ethertype.
#[rustfmt::skip]
const PCAP: &[u8] = &[
    0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0,
    1, 0, 0, 0, 2, 0, 0, 0, 16, 0, 0, 0, 16, 0, 0, 0,
    2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5, 0xaa, 0xbb,
];
