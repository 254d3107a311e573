//! `weirctl lab` on systems that the lab does not run on.

use crate::cli::LabRun;
use crate::failure::Exit;
use crate::failure::Failure;

/// There are no child processes here.
pub(crate) fn run_if_child() {}

/// `weirctl lab run`.
pub(crate) fn run(_args: &LabRun) -> Result<Exit, Failure> {
    Err(Failure::input("the lab runs on Linux on x86-64").hint("on Windows, load the driver itself"))
}
