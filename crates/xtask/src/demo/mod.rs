//! `cargo xtask demo`: the driver at work on a bundled capture.

mod summary;

use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::arch::ArchSet;
use crate::build;
use crate::build::Profile;
use crate::process;
use crate::workspace;

use summary::Report;

/// Build everything and let weir.sys filter a bundled capture in the lab.
///
/// The capture under tests/data/demo is real traffic; its policy blocks some of it. The lab is a Windows kernel
/// simulator: it loads the linked driver image, so what decides here is the code that ships. Linux x86-64 only.
#[derive(clap::Args)]
pub struct Args {}

impl Args {
    /// Runs the subcommand.
    pub fn run(self) -> Result<()> {
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            bail!("the lab runs on Linux x86-64 only");
        }
        let [capture, policy, processes] =
            ["demo.pcapng", "policy.toml", "processes.toml"].map(|name| format!("tests/data/demo/{name}"));
        for file in [&capture, &policy, &processes] {
            if !workspace::root().join(file).exists() {
                bail!("{file} is missing from this work tree");
            }
        }
        build::build(ArchSet::X64, Profile::Release)?;
        process::step("weirctl");
        process::run(process::host_cargo().args(["build", "--locked", "--package", "weirctl"]))?;

        let arguments = ["lab", "run", &capture, "--policy", &policy, "--processes", &processes];
        process::step(format!("weirctl {}", arguments.join(" ")));
        process::run(weirctl().args(arguments))?;

        // Once more for the numbers: the tables above are for people.
        let json = process::output(weirctl().args(arguments).args(["--json", "--no-progress"]))
            .context("weirctl ran, but not with --json")?;
        let report: Report =
            serde_json::from_str(&json).context("weirctl printed JSON of an unknown form")?;
        print!("{}", report.summary()?);
        Ok(())
    }
}

/// weirctl as just built.
fn weirctl() -> Command {
    let mut cargo = process::host_cargo();
    cargo.args(["run", "--quiet", "--locked", "--package", "weirctl", "--"]);
    cargo
}
