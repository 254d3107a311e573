//! `cargo xtask coverage`: which lines of weir.sys its tests execute.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::arch::Arch;
use crate::arch::ArchSet;
use crate::build;
use crate::build::Profile;
use crate::process;
use crate::workspace;

/// Run the driver's tests in the lab and show which lines of the image they executed, per file and in all.
///
/// Measured is the release image as it ships, changed in memory only; all processes of all tests count, also those that
/// a broken rule stops. Pages with the sources and a tracefile for editors (LCOV) are written beside. Fails when a test
/// fails or nothing was measured. Linux x86-64 only.
#[derive(clap::Args)]
pub struct Args {
    /// Only these test files (`tests/NAME.rs`) instead of all.
    #[arg(value_name = "NAME")]
    tests: Vec<String>,
    /// Where to put the pages and the tracefile.
    #[arg(long, value_name = "DIR", default_value = "target/coverage")]
    output: PathBuf,
}

impl Args {
    /// Runs the subcommand.
    pub fn run(self) -> Result<()> {
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            bail!("the lab runs on Linux x86-64 only");
        }
        build::build(ArchSet::X64, Profile::Release)?;
        let image = workspace::image(Arch::X64);
        let output = workspace::root().join(&self.output);
        let measured = output.join("measured");
        // What another image or another selection of tests did is no part of this measurement.
        if measured.exists() {
            fs::remove_dir_all(&measured).with_context(|| format!("cannot empty {}", measured.display()))?;
        }

        let mut cargo = process::host_cargo();
        cargo.args(["test", "--quiet", "--locked", "--no-fail-fast", "--package", "weir"]);
        match self.tests.as_slice() {
            [] => _ = cargo.arg("--tests"),
            tests => tests.iter().for_each(|test| _ = cargo.args(["--test", test])),
        }
        process::step("cargo test --package weir");
        let tests = process::run(cargo.env("LAB_COVERAGE", &measured).env("WEIR_SYS", &image));

        // Also when a test failed: what ran did run.
        process::step("weirctl lab coverage");
        let mut weirctl = process::host_cargo();
        weirctl.args(["run", "--quiet", "--locked", "--package", "weirctl", "--", "lab", "coverage"]);
        weirctl.arg(&image).arg("--measured").arg(&measured).arg("--sources").arg(workspace::root());
        weirctl.arg("--html").arg(output.join("html")).arg("--lcov").arg(output.join("lcov.info"));
        process::run(&mut weirctl)?;
        println!("{}", workspace::shown(&output.join("html/index.html")));
        tests
    }
}
