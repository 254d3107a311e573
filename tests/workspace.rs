//! Promise: the driver is built from the packages it says it is built from, and rooms depend only downwards.

use std::collections::BTreeSet;
use std::process::Command;

fn tree(arguments: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--prefix", "none", "--format", "{p}"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "cargo tree failed; `cargo fetch --locked` brings what it needs:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("cargo prints UTF-8");
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn on_windows_the_driver_takes_the_wdk_crates() {
    let packages = tree(&["-p", "weir", "--target", "x86_64-pc-windows-msvc", "-e", "normal"]);
    for package in ["wdk", "wdk-sys", "wdk-alloc", "wdk-panic", "crossbeam-utils"] {
        assert!(packages.contains(package), "{package} is not among {packages:?}");
    }
}

#[test]
fn without_the_wdk_feature_no_wdk_crate_is_left() {
    let packages =
        tree(&["-p", "weir", "--target", "x86_64-pc-windows-msvc", "-e", "normal", "--no-default-features"]);
    assert!(packages.contains("crossbeam-utils"));
    assert!(!packages.iter().any(|package| package.starts_with("wdk")), "{packages:?}");
}

#[test]
fn the_lab_knows_neither_the_driver_nor_its_kernel_layer() {
    let packages = tree(&["-p", "lab", "-e", "normal"]);
    assert!(packages.contains("ddk"));
    for forbidden in ["kernel", "weir", "weir-core", "weir-ioctl"] {
        assert!(!packages.contains(forbidden), "the lab depends on {forbidden}: a shared mistake would hide");
    }
}

#[test]
fn the_layers_below_the_driver_do_not_look_up() {
    let core = tree(&["-p", "weir-core", "-e", "normal"]);
    assert!(core.is_disjoint(&["ddk", "kernel", "lab", "weir-ioctl"].map(str::to_owned).into()), "{core:?}");
    let kernel = tree(&["-p", "kernel", "-e", "normal"]);
    assert!(kernel.is_disjoint(&["weir-core", "weir-ioctl", "lab"].map(str::to_owned).into()), "{kernel:?}");
}

#[test]
fn every_test_file_has_its_promise() {
    let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let readme = std::fs::read_to_string(tests.join("README.md")).expect("tests/README.md");
    let name = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    let rows: Vec<String> = readme.lines().filter_map(name).filter(|name| name.ends_with(".rs")).collect();
    let told: BTreeSet<String> = rows.iter().cloned().collect();
    assert_eq!(told.len(), rows.len(), "a test has two rows");
    let files = std::fs::read_dir(&tests)
        .expect("tests/")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    assert_eq!(told, files.filter(|name| name.ends_with(".rs")).collect(), "tests/README.md and tests/");
}
