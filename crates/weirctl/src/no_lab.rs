//! `weirctl lab` on systems that the lab does not run on.

use crate::cli::LabCoverage;
use crate::cli::LabLoad;
use crate::cli::LabRules;
use crate::cli::LabRun;
use crate::failure::Exit;
use crate::failure::Failure;

/// There are no child processes here.
pub(crate) fn run_if_child() {}

/// `weirctl lab run`.
pub(crate) fn run(_args: &LabRun) -> Result<Exit, Failure> {
    Err(elsewhere())
}

/// `weirctl lab load`.
pub(crate) fn load(_args: &LabLoad) -> Result<Exit, Failure> {
    Err(elsewhere())
}

/// `weirctl lab rules`.
pub(crate) fn rules(_args: &LabRules) -> Result<Exit, Failure> {
    Err(elsewhere())
}

/// `weirctl lab coverage`.
pub(crate) fn coverage(_args: &LabCoverage) -> Result<Exit, Failure> {
    Err(elsewhere())
}

fn elsewhere() -> Failure {
    Failure::input("the lab runs on Linux on x86-64").hint("on Windows, load the driver itself")
}
