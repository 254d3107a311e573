//! Running other programs.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::workspace;

/// Prefixes of variables that describe the cargo run which started us, or compiler choices of the caller's shell.
/// Both would leak into builds by another toolchain.
const INHERITED: &[&str] = &[
    "CARGO_BIN_",
    "CARGO_BUILD_",
    "CARGO_CFG_",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_FEATURE_",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_PRIMARY_",
    "CARGO_PROFILE_",
    "CARGO_TARGET_AARCH64_",
    "CARGO_TARGET_X86_64_",
    "LD_LIBRARY_PATH",
    "RUSTC",
    "RUSTDOC",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
    "RUST_RECURSION_COUNT",
];

/// A command that runs in the workspace root, without standard input and without what `cargo xtask` inherited.
pub fn command(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    command.current_dir(workspace::root()).stdin(Stdio::null());
    for name in inherited() {
        command.env_remove(name);
    }
    command
}

/// The cargo that runs us, with the toolchain that the user chose for it.
pub fn host_cargo() -> Command {
    host_tool(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// A program of rustup, told which toolchain is meant.
pub fn host_tool(program: impl AsRef<Path>) -> Command {
    let mut command = command(program);
    if let Some(toolchain) = env::var_os("RUSTUP_TOOLCHAIN") {
        command.env("RUSTUP_TOOLCHAIN", toolchain);
    }
    command
}

fn inherited() -> impl Iterator<Item = OsString> {
    env::vars_os().map(|(name, _)| name).filter(|name| is_inherited(&name.to_string_lossy()))
}

fn is_inherited(name: &str) -> bool {
    name == "CARGO" || INHERITED.iter().any(|prefix| name.starts_with(prefix))
}

/// Runs to the end and turns a failure into one line.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", shown(command)))?;
    if !status.success() {
        bail!("{} failed ({status})", shown(command));
    }
    Ok(())
}

/// What the command prints on standard output, or `None` when it cannot be run or fails.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program of this name is on PATH.
pub fn on_path(name: &str) -> bool {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|dir| dir.join(&file).is_file()))
}

/// Announces a step; steps go to standard error so that standard output keeps results only.
pub fn step(text: impl AsRef<str>) {
    eprintln!("==> {}", text.as_ref());
}

/// Program and first two arguments: enough to know which step failed.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = [program].into_iter().chain(command.get_args().take(2));
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::is_inherited;

    #[test]
    fn keeps_what_the_user_set_for_cargo() {
        for name in
            ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_NET_OFFLINE", "CARGO_HTTP_PROXY", "RUSTUP_HOME", "PATH"]
        {
            assert!(!is_inherited(name), "{name}");
        }
    }

    #[test]
    fn drops_what_cargo_run_left() {
        for name in [
            "CARGO",
            "CARGO_PKG_NAME",
            "CARGO_MANIFEST_DIR",
            "RUSTC_WRAPPER",
            "RUSTFLAGS",
            "RUSTUP_TOOLCHAIN",
        ] {
            assert!(is_inherited(name), "{name}");
        }
    }
}
