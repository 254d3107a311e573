//! Where things are in the work tree.

use std::env;
use std::path::Path;
use std::path::PathBuf;

use crate::arch::Arch;

/// The root of the workspace.
pub fn root() -> &'static Path {
    const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");
    Path::new(PACKAGE).ancestors().nth(2).unwrap_or(Path::new(PACKAGE))
}

/// The directory of the finished driver of one architecture: `target/weir/<arch>`, where tests and tools expect it.
pub fn image_dir(arch: Arch) -> PathBuf {
    root().join("target/weir").join(arch.to_string())
}

/// The finished driver of one architecture.
pub fn image(arch: Arch) -> PathBuf {
    image_dir(arch).join("weir.sys")
}

/// The target directory of cross builds, apart from the host's because the two use different compilers.
///
/// wdk-build wants it below the workspace; `CARGO_TARGET_DIR` moves it elsewhere on request.
pub fn cross_target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |dir| root().join(dir))
        .join("cross")
}

/// `path` as the user would type it.
pub fn shown(path: &Path) -> std::path::Display<'_> {
    path.strip_prefix(root()).unwrap_or(path).display()
}
