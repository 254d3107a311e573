//! The command line of Weir: `weirctl policy` checks and compiles policies, `weirctl lab` runs the driver on captures.
#![forbid(unsafe_code)]

mod cli;
mod device;
mod failure;
mod lab;
mod output;
mod policy;
mod report;
mod table;
mod text;
mod view;

use std::process::ExitCode;

use clap::Parser;

use cli::Cli;
use cli::Command;
use cli::LabCommand;
use cli::PolicyCommand;
use failure::Exit;

fn main() -> ExitCode {
    ::lab::child::run_if_child(&[lab::SCENARIO]);
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
        Command::Policy(PolicyCommand::Check(args)) => policy::check(&args),
        Command::Policy(PolicyCommand::Compile(args)) => policy::compile(&args),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.print();
            failure.exit.into()
        }
    }
}
