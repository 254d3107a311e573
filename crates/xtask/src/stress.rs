//! `cargo xtask stress`: everything at once, at random, for as long as wanted.

use anyhow::Result;
use anyhow::bail;

use crate::arch::ArchSet;
use crate::build;
use crate::build::Profile;
use crate::lab_test;

/// Drive weir.sys on 64 adapters and two processors with everything at random, for some minutes.
///
/// Frames of all shapes both ways, while filters are attached, detached, paused and restarted, OIDs and indications pass,
/// policies change, and the driver is unloaded and starts again. Any broken rule, lost frame or wrong counter fails. The
/// seed is printed; given again it drives the same plan. The last line has the totals. Linux x86-64 only.
#[derive(clap::Args)]
pub struct Args {
    /// For how long; what is running then still ends.
    #[arg(long, default_value_t = 5.0, value_name = "N")]
    minutes: f64,
    /// What decides about everything.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
}

impl Args {
    /// Runs the subcommand.
    pub fn run(self) -> Result<()> {
        if !(0.0..1e6).contains(&self.minutes) {
            bail!("--minutes {} is no time to run for: give a number from 0 on", self.minutes);
        }
        build::build(ArchSet::X64, Profile::Release)?;
        let mut variables = vec![("LAB_MINUTES", self.minutes.to_string())];
        variables.extend(self.seed.map(|seed| ("LAB_SEED", seed.to_string())));
        lab_test::run("random_lives", &variables)
    }
}
