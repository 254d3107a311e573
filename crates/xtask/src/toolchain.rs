//! Finding, and on Debian installing, the compilers and linkers of a driver build.

use std::env;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::arch::Arch;
use crate::process;

/// The oldest compiler that builds the workspace: `rust-version` in Cargo.toml.
const OLDEST_RUSTC: (u32, u32) = (1, 95);

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_CLIPPY: &str = "/usr/bin/cargo-clippy";
const DEBIAN_LIBRARY: &str = "/usr/lib/rustlib/src/rust/library/core/src/lib.rs";

/// A compiler and linker for the driver.
pub enum CrossTools {
    /// Debian's compiler. It has no Windows target, so core and alloc are built from its source package.
    Debian {
        /// Where the source of the standard library really is, for `--remap-path-prefix`.
        library_source: PathBuf,
    },
    /// A toolchain with the target installed by rustup.
    Rustup {
        /// `None` leaves the choice to rustc, which finds link.exe.
        linker: Option<&'static str>,
    },
}

impl CrossTools {
    /// Finds the tools for one architecture, installing what is missing where that is possible.
    pub fn find(arch: Arch) -> Result<CrossTools> {
        if is_debian() { find_debian() } else { find_rustup(arch) }
    }

    /// A cargo subcommand of these tools, ready to work for Windows.
    pub fn cargo(&self, arch: Arch, subcommand: &str) -> Command {
        match self {
            CrossTools::Debian { .. } => {
                // Cargo looks for clippy in ~/.cargo/bin first, where another toolchain's may stand.
                let program = if subcommand == "clippy" { DEBIAN_CLIPPY } else { DEBIAN_CARGO };
                let mut cargo = process::command(program);
                cargo.arg(subcommand).env("CARGO", DEBIAN_CARGO).env("RUSTC", DEBIAN_RUSTC);
                // build-std is a nightly option; the two compilers are otherwise the same.
                cargo.env("RUSTC_BOOTSTRAP", "1");
                cargo.env(linker_variable(arch), "lld-link");
                cargo
            }
            CrossTools::Rustup { linker } => {
                let mut cargo = process::host_cargo();
                cargo.arg(subcommand);
                if let Some(linker) = linker {
                    cargo.env(linker_variable(arch), linker);
                }
                cargo
            }
        }
    }

    /// Installs the clippy that belongs to Debian's compiler.
    pub fn install_clippy(&self) -> Result<()> {
        if !Path::new(DEBIAN_CLIPPY).exists() {
            apt_install(&["rust-web-clippy"])?;
        }
        Ok(())
    }

    /// What cargo must be told beyond the target.
    pub fn arguments(&self) -> &'static [&'static str] {
        match self {
            CrossTools::Debian { .. } => &["-Zbuild-std=core,alloc"],
            CrossTools::Rustup { .. } => &[],
        }
    }
}

fn linker_variable(arch: Arch) -> String {
    format!("CARGO_TARGET_{}_LINKER", arch.target().to_uppercase().replace('-', "_"))
}

/// Whether packages can be had from apt.
pub fn is_debian() -> bool {
    Path::new("/etc/debian_version").exists() && process::on_path("apt-get")
}

fn find_debian() -> Result<CrossTools> {
    let missing = || {
        let mut packages = Vec::new();
        if version(DEBIAN_RUSTC).is_none_or(|found| found < OLDEST_RUSTC) {
            packages.push("rustc-web");
        }
        if version(DEBIAN_CARGO).is_none_or(|found| found < OLDEST_RUSTC) {
            packages.push("cargo-web");
        }
        if !Path::new(DEBIAN_LIBRARY).exists() {
            packages.push("rust-web-src");
        }
        if !process::on_path("lld-link") {
            packages.push("lld");
        }
        packages
    };
    apt_install(&missing())?;
    let missing = missing();
    if !missing.is_empty() {
        let (major, minor) = OLDEST_RUSTC;
        bail!(
            "this Debian offers no {} with Rust {major}.{minor} or newer: use a newer release",
            missing.join(", ")
        );
    }
    let library_source = Path::new("/usr/lib/rustlib/src/rust")
        .canonicalize()
        .context("the package rust-web-src is broken: reinstall it")?;
    Ok(CrossTools::Debian { library_source })
}

fn find_rustup(arch: Arch) -> Result<CrossTools> {
    let target = arch.target();
    let Some(installed) =
        process::output(process::host_tool("rustup").args(["target", "list", "--installed"]))
    else {
        bail!("building for {target} needs rustup: install it from https://rustup.rs");
    };
    if !installed.lines().any(|line| line.trim() == target) {
        bail!("the Rust target is missing: rustup target add {target}");
    }
    if cfg!(windows) {
        // rustc finds the link.exe of Visual Studio by itself, also when it is not on PATH.
        return Ok(CrossTools::Rustup { linker: None });
    }
    if !process::on_path("lld-link") {
        bail!("lld-link is not on PATH: install LLVM's lld");
    }
    Ok(CrossTools::Rustup { linker: Some("lld-link") })
}

/// The version that `program --version` names, as (major, minor).
fn version(program: &str) -> Option<(u32, u32)> {
    let text = process::output(process::command(program).arg("--version"))?;
    let mut numbers = text.split_whitespace().nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Installs Debian packages without asking. Nothing happens when the list is empty.
pub fn apt_install(packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    process::step(format!("apt-get install {list}"));
    for arguments in
        [vec!["update"], [vec!["install", "--no-install-recommends"], packages.to_vec()].concat()]
    {
        let mut command = privileged("apt-get").with_context(|| {
            format!("missing packages, and neither root nor sudo: apt-get install {list}")
        })?;
        command.args(["-y", "-qq", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0"]).args(arguments);
        process::run(&mut command).with_context(|| format!("cannot install {list}"))?;
    }
    Ok(())
}

/// The program as root, through sudo when we are not.
fn privileged(program: &str) -> Result<Command> {
    let root = process::output(process::command("id").arg("-u")).is_some_and(|uid| uid.trim() == "0");
    if !root && !process::on_path("sudo") {
        bail!("no sudo");
    }
    let mut command = process::command(if root { "env" } else { "sudo" });
    command.args(["DEBIAN_FRONTEND=noninteractive", program]);
    Ok(command)
}

/// Whether this Windows host has a driver kit, as wdk-build would find it.
pub fn has_wdk() -> bool {
    cfg!(windows)
        && (env::var_os("WDKContentRoot").is_some()
            || Path::new(r"C:\Program Files (x86)\Windows Kits\10\Include").read_dir().is_ok_and(
                |mut versions| {
                    versions.any(|version| version.is_ok_and(|version| version.path().join("km").is_dir()))
                },
            ))
}
