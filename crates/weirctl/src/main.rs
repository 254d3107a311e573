//! The command line of Weir: `weirctl policy` checks and compiles policies, `weirctl lab` runs the driver on captures.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(all(target_os = "linux", target_arch = "x86_64")),
    allow(dead_code, reason = "much of this serves the lab, which is not there")
)]

mod cli;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod device;
mod failure;
#[cfg_attr(not(all(target_os = "linux", target_arch = "x86_64")), path = "no_lab.rs")]
mod lab;
mod output;
mod policy;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod report;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod table;
mod text;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod view;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod volume;

use std::process::ExitCode;

use clap::Parser;

use cli::Cli;
use cli::Command;
use cli::LabCommand;
use cli::PolicyCommand;
use failure::Exit;

fn main() -> ExitCode {
    lab::run_if_child();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too. A closed pipe is no reason to complain.
            let _ = error.print();
            return if error.use_stderr() { Exit::Input } else { Exit::Success }.into();
        }
    };
    let result = match cli.command {
        Command::Lab(LabCommand::Run(args)) => lab::run(&args),
        Command::Lab(LabCommand::Load(args)) => lab::load(&args),
        Command::Lab(LabCommand::Rules(args)) => lab::rules(&args),
        Command::Lab(LabCommand::Coverage(args)) => lab::coverage(&args),
        Command::Policy(PolicyCommand::Check(args)) => policy::check(&args),
        Command::Policy(PolicyCommand::Compile(args)) => policy::compile(&args),
        Command::Policy(PolicyCommand::Show(args)) => policy::show(&args),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.print();
            failure.exit.into()
        }
    }
}
