//! `cargo xtask lint`: formatting and lints, also of the code that only Windows targets compile.

use anyhow::Result;
use anyhow::bail;

use crate::arch::Arch;
use crate::build;
use crate::build::Profile;
use crate::process;
use crate::toolchain;
use crate::toolchain::CrossTools;

/// Check formatting and lints: rustfmt, clippy on this host, and clippy on the driver for Windows.
///
/// On Debian the driver is linted with Debian's own clippy (package rust-web-clippy), because the driver needs the
/// standard library's source.
#[derive(clap::Args)]
pub struct Args {}

impl Args {
    /// Runs the subcommand.
    pub fn run(self) -> Result<()> {
        let results = [format(), clippy_host(), clippy_driver()];
        let failures: Vec<String> =
            results.into_iter().filter_map(|result| Some(format!("{:#}", result.err()?))).collect();
        if !failures.is_empty() {
            bail!("{}", failures.join("; "));
        }
        Ok(())
    }
}

/// Checks the formatting of every package.
pub fn format() -> Result<()> {
    component("rustfmt", "fmt", "rustfmt-web")?;
    process::step("cargo fmt --check");
    process::run(process::host_cargo().args(["fmt", "--all", "--check"]))
}

/// Lints everything that compiles on the host, tests included.
pub fn clippy_host() -> Result<()> {
    component("clippy", "clippy", "rust-web-clippy")?;
    process::step("cargo clippy");
    let arguments = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-Dwarnings"];
    process::run(process::host_cargo().args(arguments))
}

/// Lints the driver as compiled for Windows.
pub fn clippy_driver() -> Result<()> {
    let arch = Arch::X64;
    let tools = CrossTools::find(arch)?;
    match tools {
        CrossTools::Debian { .. } => tools.install_clippy()?,
        CrossTools::Rustup { .. } => component("clippy", "clippy", "rust-web-clippy")?,
    }
    process::step("cargo clippy, weir.sys x64");
    process::run(build::cargo(&tools, arch, Profile::Release, "clippy").args(["--", "-Dwarnings"]))
}

/// Makes sure that the host's toolchain has a component, here recognised by its cargo subcommand.
fn component(name: &str, subcommand: &str, debian_package: &str) -> Result<()> {
    let present = || process::output(process::host_cargo().args([subcommand, "--version"])).is_some();
    if present() {
        return Ok(());
    }
    if process::on_path("rustup") {
        process::step(format!("rustup component add {name}"));
        // A failure shows below, with the advice that fits it.
        let _ = process::run(process::host_tool("rustup").args(["component", "add", name]));
    } else if toolchain::is_debian() {
        toolchain::apt_install(&[debian_package])?;
    }
    if !present() {
        bail!("{name} is missing: rustup component add {name}");
    }
    Ok(())
}
