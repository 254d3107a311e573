//! `cargo xtask models`: the lock-free structures under a model checker.

use anyhow::Result;

use crate::process;
use crate::workspace;

/// Run the models of the lock-free structures through loom.
///
/// Each model is run in every order of its processors' steps that makes a difference (with at most two unforced changes
/// of processor); those that stand on a fence once more without it, which they must notice. It takes seconds; compiling
/// the checker takes longer.
#[derive(clap::Args)]
pub struct Args {}

impl Args {
    /// Runs the subcommand.
    pub fn run(self) -> Result<()> {
        run()
    }
}

/// Runs all models.
pub fn run() -> Result<()> {
    process::step("models");
    let mut cargo = process::host_cargo();
    cargo.args(["test", "--locked", "--package", "models", "--test", "flow", "--target-dir"]);
    cargo.arg(workspace::root().join("target/loom"));
    // Everything is compiled apart: the flag changes what an atomic is.
    cargo.env("RUSTFLAGS", "--cfg loom").env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
    process::run(cargo.args(["--", "--test-threads", "1"]))
}
