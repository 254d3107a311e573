//! Standard output and error: colours only for a terminal, and a closed pipe ends the output quietly.

use std::io;
use std::io::IsTerminal;
use std::io::Write;

use crate::failure::Failure;
use crate::failure::reason;

/// Width of the output where there is no terminal to ask.
const DEFAULT_WIDTH: usize = 110;
/// Narrower terminals have to wrap.
const LEAST_WIDTH: usize = 80;

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    colours: bool,
}

impl Style {
    /// Colours if the stream is a terminal that has them and the user did not turn them off (`NO_COLOR`).
    pub(crate) fn new(is_terminal: bool) -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self { colours: is_terminal && !set("NO_COLOR") && (cfg!(windows) || !dumb) }
    }

    /// No colours.
    #[cfg(test)]
    pub(crate) const fn plain() -> Self {
        Self { colours: false }
    }

    fn apply(self, style: console::Style, text: &str) -> String {
        style.force_styling(self.colours).apply_to(text).to_string()
    }

    /// Headings and what matters.
    pub(crate) fn strong(self, text: &str) -> String {
        self.apply(console::Style::new().bold(), text)
    }

    /// What stands in the background.
    pub(crate) fn weak(self, text: &str) -> String {
        self.apply(console::Style::new().dim(), text)
    }

    /// What went well or through.
    pub(crate) fn good(self, text: &str) -> String {
        self.apply(console::Style::new().green(), text)
    }

    /// What is wrong or blocked.
    pub(crate) fn bad(self, text: &str) -> String {
        self.apply(console::Style::new().red().bold(), text)
    }

    /// What deserves a look.
    pub(crate) fn warn(self, text: &str) -> String {
        self.apply(console::Style::new().yellow().bold(), text)
    }
}

/// The style and the width of standard output.
pub(crate) fn terminal() -> (Style, usize) {
    let is_terminal = io::stdout().is_terminal();
    let width = if is_terminal {
        console::Term::stdout().size_checked().map_or(DEFAULT_WIDTH, |(_, columns)| usize::from(columns))
    } else {
        DEFAULT_WIDTH
    };
    (Style::new(is_terminal), width.max(LEAST_WIDTH))
}

/// Writes `text` to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // The reader has seen enough (`| head`).
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::internal(format!("cannot write to standard output: {}", reason(&error)))),
        Ok(()) => Ok(()),
    }
}

/// Writes `document` to standard output, as JSON.
pub(crate) fn print_json(document: &impl serde::Serialize) -> Result<(), Failure> {
    let json =
        serde_json::to_string_pretty(document).map_err(|error| Failure::internal(error.to_string()))?;
    print(&(json + "\n"))
}

/// Writes `text` to standard error. If that fails, there is nobody left to tell.
pub(crate) fn complain(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
