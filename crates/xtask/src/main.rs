//! `cargo xtask`: see `cargo xtask --help`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use clap::Subcommand;

/// Build, check, test and show Weir: the contributor's front door.
///
/// On Debian every subcommand installs the packages it misses (through sudo when you are not root). On other hosts a
/// missing tool ends the run with one line that says what to install.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Build(xtask::build::Args),
    CheckImage(xtask::check_image::Args),
    Lint(xtask::lint::Args),
    Test(xtask::test::Args),
    Demo(xtask::demo::Args),
    FaultSweep(xtask::fault_sweep::Args),
    Seeds(xtask::fault_sweep::SeedArgs),
    Stress(xtask::stress::Args),
    Models(xtask::models::Args),
    Bench(xtask::bench::Args),
    Coverage(xtask::coverage::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Build(args) => args.run(),
        Command::CheckImage(args) => args.run(),
        Command::Lint(args) => args.run(),
        // The last line is the runner's summary, also when something failed.
        Command::Test(args) => return args.run(),
        Command::Demo(args) => args.run(),
        Command::FaultSweep(args) => args.run(),
        Command::Seeds(args) => args.run(),
        Command::Stress(args) => args.run(),
        Command::Models(args) => args.run(),
        Command::Bench(args) => args.run(),
        Command::Coverage(args) => args.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
