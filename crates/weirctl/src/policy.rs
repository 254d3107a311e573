//! `weirctl policy`: checks and compiles policies, and shows what the compiler has to say about them.

use std::fmt::Write;
use std::fs;
use std::io;
use std::io::IsTerminal;
use std::path::Path;

use weir_core::Action;
use weir_core::policy;
use weir_core::policy::CompileOptions;
use weir_core::policy::Compiled;
use weir_core::policy::Diagnostic;
use weir_core::policy::Failure as OnFailure;
use weir_core::policy::PolicyError;
use weir_core::policy::Severity;

use crate::cli::PolicyCheck;
use crate::cli::PolicyCompile;
use crate::cli::PolicyShow;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::output;
use crate::output::Style;
use crate::table::Align::Left;
use crate::table::Table;
use crate::text;
use crate::text::count;

/// `weirctl policy check`.
pub(crate) fn check(args: &PolicyCheck) -> Result<Exit, Failure> {
    // Only the machine that will run the policy knows its volumes; a check accepts every drive letter.
    let volumes = ('A'..='Z').map(|letter| (letter, format!(r"\Device\HarddiskVolume{letter}"))).collect();
    let Some(compiled) = load(&args.policy, &CompileOptions { volumes })? else { return Ok(Exit::Input) };
    let rules = policy::Image::verify(&compiled.image).map_err(refused)?.rule_count();
    let style = output::terminal().0;
    let warnings = match compiled.warnings.len() {
        0 => String::new(),
        warnings => format!(", {}", count(warnings as u64, "warning")),
    };
    output::print(&format!(
        "{}: {}, {}{warnings}\n",
        args.policy.display(),
        style.good("ok"),
        count(rules.into(), "rule")
    ))?;
    Ok(Exit::Success)
}

/// `weirctl policy compile`.
pub(crate) fn compile(args: &PolicyCompile) -> Result<Exit, Failure> {
    let options = CompileOptions { volumes: args.volume.iter().cloned().collect() };
    let Some(compiled) = load(&args.policy, &options)? else { return Ok(Exit::Input) };
    let rules = policy::Image::verify(&compiled.image).map_err(refused)?.rule_count();
    fs::write(&args.output, &compiled.image).map_err(|error| Failure::file("write", &args.output, &error))?;
    output::print(&format!(
        "{}: {}, {}\n",
        args.output.display(),
        count(rules.into(), "rule"),
        count(compiled.image.len() as u64, "byte")
    ))?;
    Ok(Exit::Success)
}

/// `weirctl policy show`.
pub(crate) fn show(args: &PolicyShow) -> Result<Exit, Failure> {
    let bytes = fs::read(&args.image).map_err(|error| Failure::file("read", &args.image, &error))?;
    let image = policy::Image::verify(&bytes).map_err(|error| {
        let hint = match error {
            PolicyError::Version => "it was compiled by another version: compile the policy again",
            PolicyError::Magic => "this is no image; `weirctl policy compile` makes one from a policy",
            _ => "it is damaged: compile the policy again",
        };
        Failure::input(format!("`{}` is not a valid image: {error:?}", args.image.display())).hint(hint)
    })?;
    let style = output::terminal().0;
    let mut table = Table::new(&[("Rule", Left), ("Name", Left), ("Action", Left), ("And", Left)]);
    let rules = (0..image.rule_count()).filter_map(|index| Some((index, image.rule(index)?)));
    for (index, rule) in rules {
        table.row(vec![index.to_string(), text::printable(rule.name), rule.verdict().into(), rule.extras()]);
    }
    let defaults = image.defaults();
    let word = |action| if action == Action::Block { "block" } else { "permit" };
    let failure = if defaults.failure == OnFailure::Closed { "closed" } else { "open" };
    let (outbound, inbound) = (word(defaults.outbound), word(defaults.inbound));
    let rest = format!("Else: {outbound} outbound, {inbound} inbound; failure {failure}\n");
    let rules = if image.rule_count() == 0 { String::new() } else { table.render(0, usize::MAX, style) };
    output::print(&format!("{rules}{rest}"))?;
    Ok(Exit::Success)
}

/// Compiles a policy file and prints every diagnostic to standard error; `None` if there were errors.
pub(crate) fn load(path: &Path, options: &CompileOptions) -> Result<Option<Compiled>, Failure> {
    let bytes = fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    let text = match std::str::from_utf8(&bytes) {
        // Editors on Windows like to begin with a byte order mark.
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => {
            let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
            return Err(Failure::input(format!("`{}` is not UTF-8 text (line {line})", path.display()))
                .hint("a policy is a TOML file; save it as UTF-8"));
        }
    };
    let (compiled, diagnostics) = match policy::compile(text, options) {
        Ok(compiled) => {
            let warnings = compiled.warnings.clone();
            (Some(compiled), warnings)
        }
        Err(diagnostics) => (None, diagnostics),
    };
    let style = Style::new(io::stderr().is_terminal());
    for diagnostic in &diagnostics {
        output::complain(&render(path, text, diagnostic, style));
    }
    if compiled.is_none() {
        let of =
            |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count() as u64;
        let warnings = match of(Severity::Warning) {
            0 => String::new(),
            warnings => format!(", {}", count(warnings, "warning")),
        };
        output::complain(&format!("{}: {}{warnings}\n", path.display(), count(of(Severity::Error), "error")));
    }
    Ok(compiled)
}

/// The compiler's own image did not verify.
fn refused(error: policy::PolicyError) -> Failure {
    Failure::internal(format!("the compiled image does not verify: {error:?}"))
        .hint("this is a defect of the policy compiler, not of the policy")
}

/// One diagnostic with its source line and a mark below the place.
fn render(path: &Path, source: &str, diagnostic: &Diagnostic, style: Style) -> String {
    let Diagnostic { severity, line, column, message, hint } = diagnostic;
    let (word, mark): (_, fn(Style, &str) -> String) = match severity {
        Severity::Error => ("error:", Style::bad),
        Severity::Warning => ("warning:", Style::warn),
    };
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let bar = style.weak("|");
    let mut out = format!("{} {}\n", mark(style, word), style.strong(message));
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{margin}{} {}:{line}:{column}", style.weak("-->"), path.display());
    if let Some(source) = source.lines().nth(line.saturating_sub(1)) {
        let before = source.chars().take(column.saturating_sub(1)).collect::<String>();
        let rest = source.chars().skip(column.saturating_sub(1)).collect::<String>();
        let carets = mark(style, &"^".repeat(token_width(&rest)));
        let indent = " ".repeat(console::measure_text_width(&untab(&before)));
        let _ = writeln!(out, "{margin} {bar}");
        let _ = writeln!(out, "{} {bar} {}", style.weak(&number), untab(source));
        let _ = writeln!(out, "{margin} {bar} {indent}{carets}");
    }
    if let Some(hint) = hint {
        let _ = writeln!(out, "{margin} {} {hint}", style.strong("= hint:"));
    }
    out.push('\n');
    out
}

/// Tabs as four spaces, other control characters as a mark: the line must not steer the terminal.
fn untab(text: &str) -> String {
    let show = |c: char| match c {
        '\t' => "    ".to_owned(),
        c if c.is_control() => '\u{fffd}'.to_string(),
        c => c.to_string(),
    };
    text.chars().map(show).collect()
}

/// How wide the word at the start of `rest` is: a quoted text, or a run of what keys and numbers are made of.
fn token_width(rest: &str) -> usize {
    let mut chars = rest.chars();
    let word = match chars.next() {
        Some(quote @ ('"' | '\'')) => match chars.clone().position(|c| c == quote) {
            Some(end) => end + 2,
            None => 1,
        },
        Some('[') => rest.chars().take_while(|c| *c != ']').count() + usize::from(rest.contains(']')),
        _ => rest.chars().take_while(|c| c.is_alphanumeric() || "_-.:/".contains(*c)).count(),
    };
    console::measure_text_width(&untab(&rest.chars().take(word.max(1)).collect::<String>())).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str, line: usize, column: usize, hint: Option<&str>) -> String {
        let diagnostic = Diagnostic {
            severity: Severity::Error,
            line,
            column,
            message: "no good".into(),
            hint: hint.map(str::to_owned),
        };
        render(Path::new("p.toml"), source, &diagnostic, Style::plain())
    }

    #[test]
    fn a_diagnostic_points_at_its_word() {
        let expected = "error: no good\n --> p.toml:2:10\n  |\n2 | action = \"blok\"\n  |          ^^^^^^\n  = hint: `block`\n\n";
        assert_eq!(shown("[[rule]]\naction = \"blok\"\n", 2, 10, Some("`block`")), expected);
    }

    #[test]
    fn tabs_wide_characters_and_controls_keep_the_mark_in_place() {
        let text = shown("\tname = \"日本\" x\u{1b}[31m\n", 1, 14, None);
        assert!(text.contains("1 |     name = \"日本\" x\u{fffd}[31m\n  |                   ^\n"), "{text}");
    }

    #[test]
    fn places_outside_the_text_do_no_harm() {
        assert!(shown("a\n", 9, 9, None).ends_with("p.toml:9:9\n\n"));
        assert!(shown("a", 1, 9, None).contains("^\n"));
        assert!(shown("", 1, 1, None).starts_with("error: no good"));
        assert!(shown("a", 0, 0, None).contains("^\n"));
    }

    #[test]
    fn words() {
        for (rest, width) in
            [("abc = 1", 3), ("\"a b\" x", 5), ("\"open", 1), ("", 1), ("= 1", 1), ("[x] y", 3)]
        {
            assert_eq!(token_width(rest), width, "{rest}");
        }
    }
}
