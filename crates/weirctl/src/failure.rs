//! What ends a command early, and the exit codes.

use std::fmt;
use std::io;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use crate::output;

/// The exit codes, as documented in `docs/weirctl.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Success = 0,
    /// The command line or an input file is at fault.
    Input = 1,
    /// The driver is at fault: bug check, or a rule of Driver Verifier broken.
    Driver = 2,
    /// Neither: the run could not be made or not be finished.
    Internal = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error for the user: what, about which file, and a way out.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How the program ends.
    pub(crate) exit: Exit,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// An error in what the user gave.
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self { exit: Exit::Input, message: message.into(), hint: None }
    }

    /// An error that is nobody's input.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self { exit: Exit::Internal, message: message.into(), hint: None }
    }

    /// The system refused to do something (`verb`, such as "read") with a file.
    pub(crate) fn file(verb: &str, path: &Path, error: &io::Error) -> Self {
        Self::input(format!("cannot {verb} `{}`: {}", path.display(), reason(error)))
    }

    /// Adds a way out.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Tells the user.
    pub(crate) fn print(&self) {
        let style = output::Style::new(io::stderr().is_terminal());
        output::complain(&format!("{} {}\n", style.bad("error:"), self.message));
        if let Some(hint) = &self.hint {
            output::complain(&format!("{} {hint}\n", style.strong(" hint:")));
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// A system error in words, without its number.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::IsADirectory => "it is a directory".into(),
        io::ErrorKind::InvalidData => "it is not UTF-8 text".into(),
        _ => {
            let text = error.to_string();
            text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words).to_lowercase()
        }
    }
}
