//! `cargo xtask fault-sweep`: everything that weir.sys asks for, refused once.

use std::io::BufRead as _;
use std::io::BufReader;
use std::process::Stdio;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::arch::ArchSet;
use crate::build;
use crate::build::Profile;
use crate::process;

/// Refuse weir.sys everything it asks for, one place at a time, and print what came of it.
///
/// A place is a call stack: an allocation, a registration or a call to what lies below. Each is refused once in a life of
/// the driver from DriverEntry to unload, in a process of its own, until no new place appears. Linux x86-64 only.
#[derive(clap::Args)]
pub struct Args {}

impl Args {
    /// Runs the subcommand.
    pub fn run(self) -> Result<()> {
        build::build(ArchSet::X64, Profile::Release)?;
        lab_test("sweep", &[])
    }
}

/// Drive weir.sys with many seeds in each mode of the lab: free, one processor at a time, interrupts inside the driver.
#[derive(clap::Args)]
pub struct SeedArgs {
    /// Seeds of each mode.
    #[arg(long, default_value_t = 200)]
    seeds: u32,
    /// Only this seed, to repeat what it did.
    #[arg(long)]
    seed: Option<u64>,
}

impl SeedArgs {
    /// Runs the subcommand.
    pub fn run(self) -> Result<()> {
        build::build(ArchSet::X64, Profile::Release)?;
        let mut variables = vec![("LAB_SEEDS", self.seeds.to_string())];
        variables.extend(self.seed.map(|seed| ("LAB_SEED", seed.to_string())));
        lab_test("modes", &variables)
    }
}

/// Runs a test of the linked driver and prints what it says, without what the test harness says.
fn lab_test(name: &str, variables: &[(&str, String)]) -> Result<()> {
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
