//! `weirctl lab run` with the real driver image: what it prints, writes and returns.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod common;

use std::path::{Path, PathBuf};

use common::{command, scratch};
use lab::capture::{Capture, Frame};
use serde_json::Value;

fn workspace(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path).canonicalize().unwrap_or_else(|error| {
        panic!(
            "{path}: {error}; the driver comes from `cargo xtask build`, the captures are part of the project"
        )
    })
}

/// Runs `weirctl lab run --json` on a capture and expects exit code 0.
fn run(dir: &Path, capture: &Path, more: &[&str]) -> Value {
    let capture = capture.to_str().expect("UTF-8");
    let arguments = [&["lab", "run", capture, "--json"][..], more].concat();
    let image =
        std::env::var_os("WEIR_SYS").map_or_else(|| workspace("target/weir/x64/weir.sys"), PathBuf::from);
    let output = command(dir, &arguments).env("WEIR_SYS", image).output().expect("weirctl starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {errors}"))
}

/// Where a frame was captured, when, and what it was.
fn essence(capture: &Capture, frame: &Frame) -> (Option<String>, u16, u64, u32, Vec<u8>) {
    let interface = capture.interfaces[frame.interface as usize].name.clone();
    (interface, frame.link_type.0, frame.timestamp, frame.original_len, frame.data.clone())
}

#[test]
fn what_passes_an_all_permit_policy_is_the_input_frame_for_frame() {
    let dir = scratch("all-permit");
    std::fs::write(dir.join("permit.toml"), "[[rule]]\nname = \"all\"\naction = \"permit\"\n").unwrap();
    let mut seen = 0;
    for entry in std::fs::read_dir(workspace("tests/data")).unwrap() {
        let path = entry.unwrap().path();
        if !path.extension().is_some_and(|extension| extension == "pcap" || extension == "pcapng") {
            continue;
        }
        let report = run(&dir, &path, &["--policy", "permit.toml", "--write", "out.pcapng"]);
        assert_eq!(report["verifier"]["verdict"], "no finding", "{path:?}");
        let (input, output) =
            (Capture::load(&path).unwrap(), Capture::load(&dir.join("out.pcapng")).unwrap());
        let named = input.interfaces.iter().all(|interface| interface.name.is_some());
        assert_eq!(output.frames.len(), input.frames.len(), "{path:?}");
        for (number, (before, after)) in input.frames.iter().zip(&output.frames).enumerate() {
            let (mut before, after) = (essence(&input, before), essence(&output, after));
            if !named {
                // A nameless interface is written under the name that its adapter got.
                before.0.clone_from(&after.0);
            }
            assert_eq!(before, after, "{path:?}: frame {number}");
        }
        seen += 1;
    }
    assert!(seen > 15, "only {seen} captures");
}

#[test]
fn the_demo_names_processes_and_what_was_blocked() {
    let dir = scratch("demo");
    let file = |name: &str| workspace(&format!("tests/data/demo/{name}")).to_str().expect("UTF-8").to_owned();
    let capture = workspace("tests/data/demo/demo.pcapng");
    let (policy, processes) = (file("policy.toml"), file("processes.toml"));
    let report =
        run(&dir, &capture, &["--policy", &policy, "--processes", &processes, "--write", "out.pcapng"]);
    let flows = report["driver"]["flows"].as_array().expect("flows");
    let flow = |name: &str| {
        flows
            .iter()
            .find(|flow| flow["process"]["name"] == name)
            .unwrap_or_else(|| panic!("no flow of {name} in {flows:#?}"))
    };
    assert_eq!(flow("browser.exe")["verdict"], "permit");
    assert_eq!(flow("browser.exe")["user"], "S-1-5-21-1004336348-1177238915-682003330-1001");
    let updater = flow("updater.exe");
    assert_eq!(updater["verdict"], "block");
    assert_eq!(updater["decided_by"]["name"], "updater stays home");
    assert_eq!(updater["sent"]["frames"], 0);
    assert_eq!(flow("database.exe")["decided_by"]["name"], "database for colleagues");
    let frames = &report["frames"];
    let number = |value: &Value| value.as_u64().expect("a number");
    let through = number(&frames["to_wire"]) + number(&frames["to_stack"]);
    let blocked = number(&frames["blocked_by_filter"]) + number(&frames["blocked_by_ale"]);
    assert!(blocked > 0);
    assert_eq!(through + blocked + number(&frames["to_stack_malformed"]), number(&frames["total"]));
    assert_eq!(Capture::load(&dir.join("out.pcapng")).unwrap().frames.len() as u64, through);
}

#[test]
fn the_tables_say_the_same_to_people() {
    let dir = scratch("people");
    let image =
        std::env::var_os("WEIR_SYS").map_or_else(|| workspace("target/weir/x64/weir.sys"), PathBuf::from);
    let capture = workspace("tests/data/tcp-states.pcap");
    let policy = "[[rule]]\nname = \"no web\"\naction = \"block\"\nprotocol = \"tcp\"\n";
    std::fs::write(dir.join("policy.toml"), policy).unwrap();
    let arguments = ["lab", "run", capture.to_str().expect("UTF-8"), "--policy", "policy.toml"];
    let output = command(&dir, &arguments).env("WEIR_SYS", image).output().expect("weirctl starts");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    for words in
        ["Adapters", "Flows", "BLOCKED", "rule 'no web'", "Drops", "Driver Verifier rules: no finding."]
    {
        assert!(text.contains(words), "no `{words}` in {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
}
