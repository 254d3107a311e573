//! `weirctl lab coverage`: which lines of a driver were executed.

mod html;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use lab::coverage::Error;
use lab::coverage::SourceFile;
use serde::Serialize;

use crate::cli::LabCoverage;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::failure::reason;
use crate::output;
use crate::output::Style;
use crate::report::SCHEMA;
use crate::table::Align;
use crate::table::Table;
use crate::text;

/// The whole document.
#[derive(Debug, Serialize)]
struct Document {
    schema: u32,
    command: &'static str,
    image: String,
    /// Machine instructions of the whole image.
    instructions: Count,
    /// Lines of all files below.
    lines: Count,
    files: Vec<FileSummary>,
    /// Files outside the source tree whose code is in the image too: how many.
    other_files: usize,
}

/// How many were executed, of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Count {
    executed: usize,
    all: usize,
}

impl Count {
    /// Hundredths, rounded down, so that only everything is all of it.
    fn percent(self) -> f64 {
        let tenths = (1000 * self.executed).checked_div(self.all).unwrap_or(0);
        f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0
    }
}

#[derive(Debug, Serialize)]
struct FileSummary {
    file: String,
    lines: Count,
    /// Lines that were not executed.
    missed: Vec<u32>,
    /// Functions of which nothing was executed: name and first line.
    missed_functions: Vec<(String, u32)>,
}

/// A file of the source tree.
struct Source {
    name: String,
    text: String,
    measured: SourceFile,
}

impl Source {
    fn count(&self) -> Count {
        let (executed, all) = self.measured.count();
        Count { executed, all }
    }

    fn missed_functions(&self) -> Vec<(String, u32)> {
        let missed = self.measured.functions.iter().filter(|(_, function)| !function.executed);
        let mut missed: Vec<_> = missed.map(|(name, function)| (name.clone(), function.line)).collect();
        missed.sort_by_key(|(_, line)| *line);
        missed
    }
}

/// `weirctl lab coverage`.
pub(crate) fn run(args: &LabCoverage) -> Result<Exit, Failure> {
    let report = lab::coverage::report(&args.measured, &args.driver).map_err(|error| failure(&error))?;
    let sources =
        fs::canonicalize(&args.sources).map_err(|error| Failure::file("read", &args.sources, &error))?;
    let all = report.files.len();
    let files: Vec<Source> =
        report.files.into_iter().filter_map(|(name, measured)| find(&sources, &name, measured)).collect();
    if files.is_empty() {
        let message = format!("no source file of {} lies in {}", args.driver.display(), sources.display());
        return Err(Failure::input(message).hint("name the driver's source tree with --sources"));
    }
    let lines = files.iter().map(Source::count).fold(Count::default(), |sum, count| Count {
        executed: sum.executed + count.executed,
        all: sum.all + count.all,
    });
    if let Some(directory) = &args.html {
        html::write(directory, &args.driver.display().to_string(), &files, lines)?;
    }
    if let Some(file) = &args.lcov {
        write(file, &lcov(&sources, &files))?;
    }
    let document = Document {
        schema: SCHEMA,
        command: "lab coverage",
        image: args.driver.display().to_string(),
        instructions: Count { executed: report.executed, all: report.instructions },
        lines,
        files: files.iter().map(summary).collect(),
        other_files: all - files.len(),
    };
    if args.json {
        output::print_json(&document)?;
    } else {
        let (style, width) = output::terminal();
        output::print(&render(&document, style, width))?;
    }
    Ok(Exit::Success)
}

fn failure(error: &Error) -> Failure {
    let failure = Failure::input(match error {
        Error::Read(path, error) => format!("cannot read `{}`: {}", path.display(), reason(error)),
        other => other.to_string(),
    });
    match error {
        Error::NothingMeasured(_) => {
            failure.hint("set LAB_COVERAGE to the directory and run the driver, then give the same image")
        }
        Error::NoLines(_) => {
            failure.hint("build the driver with debug information and keep its PDB beside it")
        }
        Error::Read(..) => failure,
    }
}

/// The file of the source tree that the PDB calls `name`.
fn find(sources: &Path, name: &str, measured: SourceFile) -> Option<Source> {
    let path = fs::canonicalize(sources.join(name)).ok()?;
    let name = path.strip_prefix(sources).ok()?.to_str()?.to_owned();
    let text = fs::read_to_string(&path).ok()?;
    // A file that is shorter than its lines is another one by now.
    let last = measured.lines.keys().next_back().copied().unwrap_or_default() as usize;
    (last <= text.lines().count()).then_some(Source { name, text, measured })
}

fn summary(source: &Source) -> FileSummary {
    let missed = source.measured.lines.iter().filter(|(_, executed)| !**executed);
    FileSummary {
        file: source.name.clone(),
        lines: source.count(),
        missed: missed.map(|(line, _)| *line).collect(),
        missed_functions: source.missed_functions(),
    }
}

/// Writes a file; directories above it are made.
fn write(path: &PathBuf, text: &str) -> Result<(), Failure> {
    let directory = path.parent().map_or(Ok(()), fs::create_dir_all);
    directory.and_then(|()| fs::write(path, text)).map_err(|error| Failure::file("write", path, &error))
}

/// The tracefile of LCOV: what was executed counts as once.
fn lcov(sources: &Path, files: &[Source]) -> String {
    let mut out = String::new();
    for source in files {
        let count = source.count();
        let _ = writeln!(out, "TN:\nSF:{}", sources.join(&source.name).display());
        for (line, executed) in &source.measured.lines {
            let _ = writeln!(out, "DA:{line},{}", u8::from(*executed));
        }
        let _ = writeln!(out, "LF:{}\nLH:{}\nend_of_record", count.all, count.executed);
    }
    out
}

/// The table for people.
fn render(document: &Document, style: Style, width: usize) -> String {
    let mut table = Table::new(&[
        ("lines", Align::Right),
        ("executed", Align::Right),
        ("%", Align::Right),
        ("file", Align::Left),
    ]);
    let row = |count: Count, name: &str| {
        vec![
            count.all.to_string(),
            count.executed.to_string(),
            format!("{:.1}", count.percent()),
            name.to_owned(),
        ]
    };
    for file in &document.files {
        table.row(row(file.lines, &file.file));
    }
    table.row(row(document.lines, &style.strong("all files")));
    let mut out = table.render(0, width, style);
    let missed: usize = document.files.iter().map(|file| file.missed_functions.len()).sum();
    let _ = writeln!(
        out,
        "\n{:.1} % of {} executed; {} never entered; {:.1} % of {} in the image",
        document.lines.percent(),
        text::count(document.lines.all as u64, "line"),
        text::count(missed as u64, "function"),
        document.instructions.percent(),
        text::count(document.instructions.all as u64, "instruction"),
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_everything_is_all_of_it() {
        let percent = |executed, all| Count { executed, all }.percent();
        assert_eq!(
            (percent(9_999, 10_000), percent(2, 2), percent(0, 0), percent(1, 3)),
            (99.9, 100.0, 0.0, 33.3)
        );
    }

    #[test]
    fn a_tracefile_says_each_line() {
        let measured = SourceFile { lines: [(3, true), (5, false)].into(), ..SourceFile::default() };
        let source = Source { name: "a.rs".into(), text: String::new(), measured };
        assert_eq!(
            lcov(Path::new("/s"), &[source]),
            "TN:\nSF:/s/a.rs\nDA:3,1\nDA:5,0\nLF:2\nLH:1\nend_of_record\n"
        );
    }
}
