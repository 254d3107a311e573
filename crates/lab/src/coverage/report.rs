//! From instructions to lines.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::{fmt, fs, io};

use super::map::{self, Map};
use crate::{pe, symbols};

/// Why there is no report.
#[derive(Debug)]
pub enum Error {
    /// The image or the file of the measurement cannot be read.
    Read(PathBuf, io::Error),
    /// No process ran this image under the measurement.
    NothingMeasured(PathBuf),
    /// The image has no PDB, or none that fits.
    NoLines(PathBuf),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            Self::NothingMeasured(path) => {
                write!(f, "nothing was measured of {}: no process ran this very file", path.display())
            }
            Self::NoLines(path) => write!(f, "{} does not tell lines", path.display()),
        }
    }
}

impl std::error::Error for Error {}

/// What was executed of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Instructions that were executed.
    pub executed: usize,
    /// Instructions that the image has.
    pub instructions: usize,
    /// Source files by name as the PDB has it, with slashes.
    pub files: BTreeMap<String, SourceFile>,
}

/// What was executed of a source file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceFile {
    /// Lines for which the image has instructions, and whether any of those was executed.
    pub lines: BTreeMap<u32, bool>,
    /// Functions of which the image has instructions, inlined ones and instances of generic ones included.
    pub functions: BTreeMap<String, Function>,
}

/// What was executed of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// The first of its lines that the image has an instruction for.
    pub line: u32,
    /// Whether any instruction was executed.
    pub executed: bool,
}

impl SourceFile {
    /// How many lines were executed, of how many.
    pub fn count(&self) -> (usize, usize) {
        (self.lines.values().filter(|executed| **executed).count(), self.lines.len())
    }
}

/// Reports what was executed of the driver at `path` by all processes that ran it with this directory.
///
/// An instruction belongs to the line that it was made from and, if that line's function was inlined, to the lines of the
/// calls around it.
///
/// # Errors
/// If nothing was measured, or a file is missing or damaged.
pub fn report(directory: &Path, path: &Path) -> Result<Report, Error> {
    let data = fs::read(path).map_err(|error| Error::Read(path.to_owned(), error))?;
    let file = map::file(directory, path, &data);
    let map = match Map::open(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::NothingMeasured(path.to_owned()));
        }
        map => map.map_err(|error| Error::Read(file, error))?,
    };
    let pdb = pe::pdb_of(path, &data);
    let mut report = Report { instructions: map.places().len(), ..Report::default() };
    for (place, hit) in map.places().iter().zip(map.hits()) {
        let executed = hit.load(Ordering::Relaxed) != 0;
        report.executed += usize::from(executed);
        for (depth, frame) in symbols::frames(&pdb, *place).into_iter().enumerate() {
            let file = report.files.entry(frame.file).or_default();
            *file.lines.entry(frame.line).or_default() |= executed;
            if depth == 0 {
                let function = file
                    .functions
                    .entry(frame.function)
                    .or_insert(Function { line: frame.line, executed: false });
                function.line = function.line.min(frame.line);
                function.executed |= executed;
            }
        }
    }
    match report {
        Report { executed: 0, .. } => Err(Error::NothingMeasured(path.to_owned())),
        Report { ref files, .. } if files.is_empty() => Err(Error::NoLines(pdb)),
        report => Ok(report),
    }
}
