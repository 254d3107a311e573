//! `weirctl lab coverage`: what a life of the real driver executed, and measurements that are none.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{command, scratch, weirctl};
use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn image() -> PathBuf {
    let built = || Path::new(ROOT).join("target/weir/x64/weir.sys");
    let path = std::env::var_os("WEIR_SYS").map_or_else(built, PathBuf::from);
    path.canonicalize().unwrap_or_else(|error| {
        panic!("{}: {error}; the driver comes from `cargo xtask build`", path.display())
    })
}

#[test]
fn a_life_is_measured_and_shown() {
    let dir = scratch("coverage");
    let image = image();
    let image = image.to_str().expect("UTF-8");
    let load =
        command(&dir, &["lab", "load", image]).env("LAB_COVERAGE", dir.join("measured")).output().unwrap();
    assert!(load.status.success(), "{}", String::from_utf8_lossy(&load.stderr));

    let measured = ["lab", "coverage", image, "--measured", "measured", "--sources", ROOT];
    let run = weirctl(&dir, &[&measured[..], &["--json", "--html", "pages", "--lcov", "lcov.info"]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let document: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(document["command"], "lab coverage");
    let number = |count: &Value, name: &str| count[name].as_u64().unwrap();
    let files = document["files"].as_array().unwrap();
    let file = |name: &str| files.iter().find(|file| file["file"] == name).unwrap();
    assert!(number(&file("src/driver.rs")["lines"], "executed") > 0);
    assert_eq!(number(&file("src/callout/ale.rs")["lines"], "executed"), 0);
    let never = file("src/callout/ale.rs")["missed_functions"].as_array().unwrap();
    assert!(never.iter().any(|function| function[0] == "weir::callout::ale::authorize"), "{never:?}");
    for part in ["executed", "all"] {
        let sum: u64 = files.iter().map(|file| number(&file["lines"], part)).sum();
        assert_eq!(number(&document["lines"], part), sum);
    }

    let index = fs::read_to_string(dir.join("pages/index.html")).unwrap();
    assert!(index.contains("href=\"src~driver.rs.html\""));
    let page = fs::read_to_string(dir.join("pages/src~driver.rs.html")).unwrap();
    assert!(page.contains("class=\"hit\"") && page.contains("class=\"miss\""));
    let tracefile = fs::read_to_string(dir.join("lcov.info")).unwrap();
    assert_eq!(tracefile.lines().filter(|line| line.starts_with("SF:/")).count(), files.len());

    let table = weirctl(&dir, &measured);
    assert_eq!(table.code, 0);
    let lines = &document["lines"];
    let last = table.out.lines().last().unwrap();
    assert!(last.contains(&format!(" % of {} lines executed", number(lines, "all"))), "{last}");
}

#[test]
fn a_measurement_of_nothing_is_an_error() {
    let dir = scratch("coverage-nothing");
    let image = image();
    let run = weirctl(&dir, &["lab", "coverage", image.to_str().expect("UTF-8"), "--measured", "."]);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(run.err.contains("nothing was measured") && run.err.contains("LAB_COVERAGE"), "{}", run.err);
    let run = weirctl(&dir, &["lab", "coverage", "missing.sys", "--measured", "."]);
    assert_eq!(run.code, 1);
    assert!(run.err.contains("cannot read `missing.sys`: no such file"), "{}", run.err);
}
