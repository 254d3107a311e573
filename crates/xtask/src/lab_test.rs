//! Tests of the linked driver that have something to say, run for what they say.

use std::io::BufRead as _;
use std::io::BufReader;
use std::process::Stdio;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::process;

/// Runs a test of the linked driver and prints what it says, without what the test harness says.
pub(crate) fn run(name: &str, variables: &[(&str, String)]) -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!("the lab runs on Linux x86-64 only");
    }
    process::step(format!("cargo test --test {name}"));
    let mut cargo = process::host_cargo();
    cargo.args(["test", "--quiet", "--locked", "--package", "weir", "--test", name, "--", "--nocapture"]);
    cargo.envs(variables.iter().map(|(name, value)| (name, value)));
    let mut child = cargo.stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
    let stdout = child.stdout.take().context("cargo has no output")?;
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.context("cannot read what cargo prints")?;
        // A quiet harness puts a dot for each test that ends before whatever comes next.
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_start_matches('.');
        if !is_harness(line) {
            println!("{line}");
        }
    }
    let status = child.wait().context("cannot wait for cargo")?;
    if !status.success() {
        bail!("the test failed ({status})");
    }
    Ok(())
}

/// Whether libtest prints this line of its own accord.
fn is_harness(line: &str) -> bool {
    let starts = ["running ", "test result: "].iter().any(|start| line.starts_with(start));
    line.is_empty() || starts || line.starts_with("test ") && line.contains(" has been running for over ")
}

#[cfg(test)]
mod tests {
    use super::is_harness;

    #[test]
    fn the_harness_is_told_from_the_test() {
        for line in [
            "",
            "running 1 test",
            "test result: ok. 1 passed; 0 failed",
            "test seeds has been running for over 60 seconds",
        ] {
            assert!(is_harness(line), "{line:?}");
        }
        for line in ["  1 clean  NDIS.SYS!NdisFSetAttributes", "83 places"] {
            assert!(!is_harness(line), "{line:?}");
        }
    }
}
