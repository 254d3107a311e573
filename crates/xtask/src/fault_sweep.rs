//! `cargo xtask fault-sweep`: everything that weir.sys asks for, refused once.

use anyhow::Result;

use crate::arch::ArchSet;
use crate::build;
use crate::build::Profile;
use crate::lab_test;

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
        lab_test::run("sweep", &[])
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
        lab_test::run("modes", &variables)
    }
}
