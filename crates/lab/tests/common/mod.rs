//! Builds the test drivers.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

const TARGET: &str = "x86_64-pc-windows-msvc";

/// The image of the test driver `name`, built when the first test asks for it.
pub(crate) fn driver(name: &str) -> PathBuf {
    static IMAGE: OnceLock<PathBuf> = OnceLock::new();
    IMAGE.get_or_init(|| build(name)).clone()
}

/// Builds `tests/drivers/<name>` with a toolchain that has the source of the core library: the one that
/// `LAB_CROSS_CARGO` and `LAB_CROSS_RUSTC` name, or the system's.
fn build(name: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/drivers").join(name);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("drivers");
    let directory = target.join(TARGET).join("debug");
    let image = directory.join(format!("{name}.sys"));
    // Children find the image that their parent built, and so does who runs many tests one by one.
    if lab::child::is_child() || env::var_os("LAB_DRIVERS_ARE_BUILT").is_some() {
        return image;
    }
    let tool = |variable: &str, default: &str| env::var(variable).unwrap_or_else(|_| default.into());
    let mut command = Command::new(tool("LAB_CROSS_CARGO", "/usr/bin/cargo"));
    for (variable, _) in env::vars() {
        if variable.starts_with("CARGO") || variable.starts_with("RUST") {
            command.env_remove(variable);
        }
    }
    if let Ok(home) = env::var("CARGO_HOME") {
        command.env("CARGO_HOME", home);
    }
    let output = command
        .current_dir(&source)
        .env("RUSTC", tool("LAB_CROSS_RUSTC", "/usr/bin/rustc"))
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_LINKER", "lld-link")
        .args(["build", "--offline", "-Zbuild-std=core", "--target", TARGET, "--target-dir"])
        .arg(&target)
        .output()
        .expect("cannot run cargo for the test driver");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // In one step: the tests of another process may be reading the image.
    let staged = image.with_extension(format!("{}.new", std::process::id()));
    fs::copy(directory.join(format!("{}.dll", name.replace('-', "_"))), &staged).expect("no image was built");
    fs::rename(&staged, &image).expect("cannot replace the image");
    image
}
