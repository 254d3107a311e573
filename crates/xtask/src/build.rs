//! `cargo xtask build`: makes weir.sys.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;

use crate::arch::Arch;
use crate::arch::ArchSet;
use crate::check_image::checksum;
use crate::process;
use crate::toolchain;
use crate::toolchain::CrossTools;
use crate::workspace;

/// Build weir.sys, weir.pdb and weir.map into target/weir/<ARCH>.
///
/// On Debian the build uses Debian's own compiler, which brings the source of the standard library (packages rustc-web,
/// cargo-web, rust-web-src, lld). Elsewhere it uses the rustup target x86_64-pc-windows-msvc or
/// aarch64-pc-windows-msvc. On a Windows host with a WDK the driver uses Microsoft's crates (feature `wdk`).
#[derive(clap::Args)]
pub struct Args {
    /// Which processor architecture to build for.
    #[arg(long, value_enum, default_value = "x64")]
    arch: ArchSet,
    /// Optimise, without debug assertions (the default).
    #[arg(long, conflicts_with = "debug")]
    release: bool,
    /// Build with debug assertions. Such an image keeps panic paths: check-image refuses it.
    #[arg(long)]
    debug: bool,
}

impl Args {
    /// Runs the subcommand.
    pub fn run(self) -> Result<()> {
        let profile = if self.debug { Profile::Debug } else { Profile::Release };
        build(self.arch, profile)
    }
}

/// A cargo profile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Cargo's `dev`.
    Debug,
    /// Cargo's `release`.
    Release,
}

/// Builds the driver for each architecture of the set.
pub fn build(set: ArchSet, profile: Profile) -> Result<()> {
    for &arch in set.members() {
        let tools = CrossTools::find(arch)?;
        process::step(format!("weir.sys {arch}"));
        process::run(&mut cargo(&tools, arch, profile, "build"))?;
        collect(&workspace::cross_target_dir(), &workspace::image_dir(arch), arch, profile)?;
        println!("{}", workspace::shown(&workspace::image(arch)));
    }
    Ok(())
}

/// Builds the optimised driver for x64 from `tree`, a copy of the work tree below the work tree, and returns its image.
/// `target` becomes a target directory; what was compiled for the work tree and did not change is not compiled again.
pub fn build_copy(tree: &Path, target: &Path) -> Result<PathBuf> {
    let (arch, profile) = (Arch::X64, Profile::Release);
    let tools = CrossTools::find(arch)?;
    // Not shared: an image has the same name for every package of that name, and cargo would take one for the other.
    let built = workspace::cross_target_dir();
    for part in ["release", arch.target()] {
        copy_tree(&built.join(part), &target.join(part))?;
    }
    let mut cargo = cargo_into(target, &tools, arch, profile, "build");
    process::run(cargo.current_dir(tree).arg("--quiet"))?;
    let destination = target.join("weir");
    collect(target, &destination, arch, profile)?;
    Ok(destination.join("weir.sys"))
}

/// Copies a directory with all times, by which cargo knows what is fresh.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_tree(&from, &to)?;
        } else {
            fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
            let times = entry.metadata()?.modified()?;
            fs::File::options().write(true).open(&to)?.set_modified(times)?;
        }
    }
    Ok(())
}

/// Cargo with everything that a command on the driver package needs.
pub fn cargo(tools: &CrossTools, arch: Arch, profile: Profile, subcommand: &str) -> Command {
    cargo_into(&workspace::cross_target_dir(), tools, arch, profile, subcommand)
}

fn cargo_into(target: &Path, tools: &CrossTools, arch: Arch, profile: Profile, subcommand: &str) -> Command {
    let mut cargo = tools.cargo(arch, subcommand);
    cargo.args(["--locked", "--package", "weir", "--target", arch.target()]);
    cargo.args(tools.arguments());
    cargo.arg("--target-dir").arg(target);
    match profile {
        Profile::Release => cargo.arg("--release"),
        // Unoptimised, this crate keeps references to C's fma, which the kernel does not have.
        Profile::Debug => cargo.args(["--config", "profile.dev.package.compiler_builtins.opt-level=1"]),
    };
    if !toolchain::has_wdk() {
        cargo.arg("--no-default-features");
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", rust_flags(tools));
    cargo
}

/// Compiler flags, in the form of CARGO_ENCODED_RUSTFLAGS. They replace those of .cargo/config.toml.
fn rust_flags(tools: &CrossTools) -> OsString {
    let mut flags = OsString::from("-Ctarget-feature=+crt-static");
    // No path of this machine may get into the image; those of the workspace become relative to it.
    let mut remap = |from: &Path, to: &str| {
        flags.push("\u{1f}--remap-path-prefix=");
        flags.push(from);
        flags.push("=");
        flags.push(to);
    };
    remap(workspace::root(), ".");
    if let Some(home) = cargo_home() {
        remap(&home.join("registry/src"), "/cargo");
    }
    if let CrossTools::Debian { library_source } = tools {
        remap(library_source, "/rustc");
        remap(Path::new("/usr/lib/rustlib/src/rust"), "/rustc");
    }
    flags
}

fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")))
}

/// Moves the linker's output to where tests and packaging look for it.
fn collect(target: &Path, destination: &Path, arch: Arch, profile: Profile) -> Result<()> {
    let profile_dir = if profile == Profile::Release { "release" } else { "debug" };
    let linked = target.join(arch.target()).join(profile_dir);
    fs::create_dir_all(destination).with_context(|| format!("cannot create {}", destination.display()))?;

    let mut image = read(&linked.join("weir.dll"))?;
    checksum::write(&mut image).context("the linked image is not a PE file")?;
    replace(&destination.join("weir.sys"), &image)?;
    replace(&destination.join("weir.pdb"), &read(&linked.join("weir.pdb"))?)?;
    // The linker names the map after its own output, which cargo keeps in deps.
    replace(&destination.join("weir.map"), &read(&linked.join("deps/weir.map"))?)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("the build left no {}", path.display()))
}

/// Replaces a file in one step: a test that runs meanwhile sees the old or the new image, never half of one.
fn replace(path: &Path, contents: &[u8]) -> Result<()> {
    let staged = path.with_extension(format!("{}.new", std::process::id()));
    fs::write(&staged, contents).with_context(|| format!("cannot write {}", staged.display()))?;
    fs::rename(&staged, path).with_context(|| format!("cannot replace {}", path.display()))
}
