//! The two processor architectures that Weir is built for.

use std::fmt;

use clap::ValueEnum;

/// A processor architecture, named as Windows driver packages name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arch {
    /// AMD64.
    X64,
    /// AArch64.
    Arm64,
}

impl Arch {
    /// The Rust target of the driver.
    pub fn target(self) -> &'static str {
        match self {
            Arch::X64 => "x86_64-pc-windows-msvc",
            Arch::Arm64 => "aarch64-pc-windows-msvc",
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Arch::X64 => "x64",
            Arch::Arm64 => "arm64",
        })
    }
}

/// The value of `--arch`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ArchSet {
    /// AMD64.
    X64,
    /// AArch64.
    Arm64,
    /// Both.
    All,
}

impl ArchSet {
    /// The architectures that the value stands for.
    pub fn members(self) -> &'static [Arch] {
        match self {
            ArchSet::X64 => &[Arch::X64],
            ArchSet::Arm64 => &[Arch::Arm64],
            ArchSet::All => &[Arch::X64, Arch::Arm64],
        }
    }
}
