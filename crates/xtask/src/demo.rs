//! `cargo xtask demo`: the driver at work on a bundled capture.

use anyhow::Result;
use anyhow::bail;

use crate::arch::ArchSet;
use crate::build;
use crate::build::Profile;
use crate::process;
use crate::workspace;

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
        process::run(process::host_cargo().args(["build", "--quiet", "--locked", "--package", "weirctl"]))?;

        let arguments = ["lab", "run", &capture, "--policy", &policy, "--processes", &processes];
        process::step(format!("weirctl {}", arguments.join(" ")));
        let run = ["run", "--quiet", "--locked", "--package", "weirctl", "--"];
        process::run(process::host_cargo().args(run).args(arguments))?;
        Ok(())
    }
}
