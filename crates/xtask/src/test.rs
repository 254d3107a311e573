//! `cargo xtask test`: everything that must hold, from nothing to one closing line.

use std::io::BufRead as _;
use std::io::BufReader;
use std::ops::AddAssign;
use std::process::ExitCode;
use std::process::Stdio;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::anyhow;
use anyhow::bail;

use crate::arch::ArchSet;
use crate::build;
use crate::build::Profile;
use crate::check_image;
use crate::lint;
use crate::models;
use crate::process;
use crate::toolchain;

/// Packages that tests compare with, and the program by which each is recognised.
const PEERS: &[(&str, &str)] = &[("tshark", "tshark")];

/// Build, check and test everything, from a fresh machine.
///
/// Installs what is missing, builds weir.sys for both architectures, runs check-image and lint, then every test of the
/// workspace. The last line of standard output is `N passed, N failed, N skipped` over all test binaries; a gate
/// before the tests that fails counts as one failure. The exit code is 0 only when nothing failed.
#[derive(clap::Args)]
pub struct Args {
    /// Run only the tests whose name contains this, and no lints.
    filter: Option<String>,
}

impl Args {
    /// Runs the subcommand.
    pub fn run(self) -> ExitCode {
        let mut tally = Tally::default();
        if gate(&mut tally, "packages", install_peers())
            && gate(&mut tally, "build", build::build(ArchSet::All, Profile::Release))
        {
            gate(&mut tally, "check-image", check_image::check_built(ArchSet::All));
            if self.filter.is_none() {
                gate(&mut tally, "format", lint::format());
                gate(&mut tally, "clippy", lint::clippy_host());
                gate(&mut tally, "clippy for Windows", lint::clippy_driver());
                gate(&mut tally, "models", models::run());
            }
            let mut tests = Tally::default();
            let result = run_tests(self.filter.as_deref(), &mut tests);
            // Failed tests are counted already; a run that broke otherwise is a failure of its own.
            if tests.failed == 0 {
                gate(&mut tests, "tests", result);
            }
            if tests == Tally::default() {
                gate(&mut tests, "tests", Err(anyhow!("no test of that name")));
            }
            tally += tests;
        }
        println!("{} passed, {} failed, {} skipped", tally.passed, tally.failed, tally.skipped);
        if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Sums over libtest's result lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl Tally {
    /// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; ...`.
    fn parse(line: &str) -> Option<Tally> {
        let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let count = |word: &str| {
            let text = counts.split("; ").find_map(|part| part.strip_suffix(word))?;
            text.trim().parse().ok()
        };
        Some(Tally { passed: count(" passed")?, failed: count(" failed")?, skipped: count(" ignored")? })
    }
}

/// Reports a failed step, counts it, and tells whether to go on.
fn gate(tally: &mut Tally, name: &str, result: Result<()>) -> bool {
    if let Err(error) = &result {
        eprintln!("error: {name}: {error:#}");
        tally.failed += 1;
    }
    result.is_ok()
}

fn install_peers() -> Result<()> {
    // Comparisons need the lab.
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let missing: Vec<&str> =
        PEERS.iter().filter(|(_, program)| !process::on_path(program)).map(|&(package, _)| package).collect();
    if missing.is_empty() || toolchain::is_debian() {
        return toolchain::apt_install(&missing);
    }
    bail!("{} not found: install it", missing.join(", "));
}

/// Runs every test, passing its output on line by line.
fn run_tests(filter: Option<&str>, tally: &mut Tally) -> Result<()> {
    process::step("cargo test --workspace");
    let mut cargo = process::host_cargo();
    cargo.args(["test", "--workspace", "--locked", "--no-fail-fast"]).args(filter);
    let mut child = cargo.stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
    let stdout = child.stdout.take().context("cargo has no output")?;
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.context("cannot read what cargo prints")?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        if let Some(result) = Tally::parse(&line) {
            *tally += result;
        }
    }
    let status = child.wait().context("cannot wait for cargo")?;
    if !status.success() {
        bail!("cargo test failed ({status})");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn reads_a_result_line() {
        let line = "test result: FAILED. 12 passed; 3 failed; 4 ignored; 0 measured; 7 filtered out; finished in 0.00s";
        assert_eq!(Tally::parse(line), Some(Tally { passed: 12, failed: 3, skipped: 4 }));
    }

    #[test]
    fn ignores_other_lines() {
        for line in
            ["", "running 3 tests", "test result: unheard of", "a test result: ok. 1 passed; 0 failed"]
        {
            assert_eq!(Tally::parse(line), None, "{line:?}");
        }
    }
}
