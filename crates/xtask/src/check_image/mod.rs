//! `cargo xtask check-image`: what must be true of every weir.sys that leaves the build.
//!
//! Each check looks at the linked image and its PDB only, never at the sources, so it also holds for an image that was
//! built elsewhere.

mod code;
mod exceptions;
mod headers;
mod image;
mod imports;
mod panics;
mod symbols;
mod version;

pub mod checksum;

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;

use crate::arch::ArchSet;
use crate::workspace;

pub use exceptions::Function;
pub use image::Image;
pub use imports::AllowList;
pub use symbols::Symbol;
pub use symbols::Symbols;

/// Check the linked driver: headers, imports, instructions, panic paths, stack frames.
///
/// Prints one line per check. Fails when the image is not of the NATIVE subsystem; when its checksum is zero or wrong;
/// when integrity check, NX, dynamic base, relocations or .pdata are missing; when a section is writable and
/// executable; when an import is not on the list of real kernel exports; when x64 code uses an instruction beyond SSE3
/// or the x87/MMX registers, which the kernel does not save, or ARM64 code an atomic beyond ARMv8.0; when a panic path or a path of the build machine is left;
/// when there is no version resource; and when a stack frame is above 1 KiB.
#[derive(clap::Args)]
pub struct Args {
    /// Images to check, each with its .pdb beside it. Without one: those that `cargo xtask build` made.
    files: Vec<PathBuf>,
    /// Which of the built images to check when no file is named.
    #[arg(long, value_enum, default_value = "all", conflicts_with = "files")]
    arch: ArchSet,
}

impl Args {
    /// Runs the subcommand.
    pub fn run(self) -> Result<()> {
        if self.files.is_empty() { check_built(self.arch) } else { check_files(&self.files) }
    }
}

/// Checks what `cargo xtask build` made.
pub fn check_built(set: ArchSet) -> Result<()> {
    let files: Vec<PathBuf> = set.members().iter().map(|&arch| workspace::image(arch)).collect();
    check_files(&files)
}

fn check_files(files: &[PathBuf]) -> Result<()> {
    let allowed = AllowList::load()?;
    let mut failed = Vec::new();
    for file in files {
        println!("{}", workspace::shown(file));
        let verdicts = check_file(file, &allowed)?;
        for verdict in &verdicts {
            print!("{verdict}");
        }
        if verdicts.iter().any(|verdict| verdict.outcome.is_err()) {
            failed.push(workspace::shown(file).to_string());
        }
    }
    if !failed.is_empty() {
        bail!("unfit to load: {}", failed.join(", "));
    }
    Ok(())
}

fn check_file(file: &Path, allowed: &AllowList) -> Result<Vec<Verdict>> {
    let data = fs::read(file)
        .with_context(|| format!("cannot read {} (cargo xtask build makes it)", file.display()))?;
    let pdb = file.with_extension("pdb");
    let pdb = fs::read(&pdb)
        .with_context(|| format!("cannot read {}, which names the functions", pdb.display()))?;
    check(&data, &pdb, allowed).with_context(|| format!("cannot check {}", file.display()))
}

/// Applies every check to an image.
pub fn check(image: &[u8], pdb: &[u8], allowed: &AllowList) -> Result<Vec<Verdict>> {
    let image = Image::parse(image)?;
    let symbols = Symbols::read(pdb)?;
    let subject = Subject { image: &image, symbols: &symbols, allowed };
    let verdict = |&(name, check): &(&'static str, Check)| Verdict { name, outcome: check(&subject) };
    Ok(CHECKS.iter().map(verdict).collect())
}

/// What a check may look at.
struct Subject<'a> {
    image: &'a Image<'a>,
    symbols: &'a Symbols,
    allowed: &'a AllowList,
}

/// A fact worth printing, or every place where the image is wrong.
pub type Outcome = std::result::Result<String, Vec<String>>;

type Check = fn(&Subject<'_>) -> Outcome;

/// Every check, in the order of the report.
const CHECKS: &[(&str, Check)] = &[
    ("subsystem", headers::subsystem),
    ("checksum", headers::checksum),
    ("integrity", headers::integrity_check),
    ("nx", headers::nx),
    ("dynamic-base", headers::dynamic_base),
    ("relocations", headers::relocations),
    ("sections", headers::sections),
    ("pdata", exceptions::present),
    ("version", version::present),
    ("imports", imports::allowed),
    ("symbols", symbols::belong),
    ("instructions", code::instructions),
    ("panics", panics::none),
    ("paths", panics::no_paths),
    ("stack", exceptions::frames),
];

/// The result of one check.
#[derive(Debug)]
pub struct Verdict {
    /// The check's name.
    pub name: &'static str,
    /// What it found.
    pub outcome: Outcome,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 20;
        match &self.outcome {
            Ok(fact) => writeln!(f, "  ok    {:13} {fact}", self.name),
            Err(problems) => {
                for problem in problems.iter().take(SHOWN) {
                    writeln!(f, "  FAIL  {:13} {problem}", self.name)?;
                }
                match problems.len().saturating_sub(SHOWN) {
                    0 => Ok(()),
                    more => writeln!(f, "  FAIL  {:13} and {more} more", self.name),
                }
            }
        }
    }
}

/// `Ok(fact)` when nothing is wrong.
fn outcome(problems: Vec<String>, fact: String) -> Outcome {
    if problems.is_empty() { Ok(fact) } else { Err(problems) }
}
