//! The command line: every command with its options, as `--help` shows them.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;

const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  the command line or an input file is at fault
  2  lab run: the driver caused a bug check or broke a rule of Driver Verifier
  3  the run could not be made or not be finished";

/// Weir: a network filter for Windows, and a lab that runs it on Linux.
#[derive(Debug, Parser)]
#[command(name = "weirctl", version, propagate_version = true, max_term_width = 110, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the driver on a capture, in a simulated Windows kernel.
    #[command(subcommand)]
    Lab(LabCommand),
    /// Check and compile policies.
    #[command(subcommand)]
    Policy(PolicyCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum LabCommand {
    /// Feed a capture through weir.sys and show what it did.
    ///
    /// The linked driver image is loaded into a simulated Windows kernel, attached to an adapter whose wire is the
    /// capture file, and watched by the rules of Driver Verifier. Frames that our side sends go down through the
    /// driver to the wire, the others come up from the wire.
    #[command(after_help = EXIT_CODES)]
    Run(LabRun),
    /// Load any driver, run its life cycle, and show what it imports, what it registers and what it breaks.
    ///
    /// The driver starts, is attached to an adapter if it is a filter, has its devices opened and closed, and is
    /// unloaded. An import that the lab does not have stops it only when it is called. Images that memory integrity
    /// would refuse are told, and run all the same.
    #[command(after_help = EXIT_CODES)]
    Load(LabLoad),
    /// List the rules that the lab knows, and whether it checks them.
    ///
    /// Rules come from the documentation of Windows and its Driver Verifier. With the numbers of some, shows of those
    /// also the documentation and the tests: drivers that break the rule, and twins that keep it.
    #[command(after_help = EXIT_CODES)]
    Rules(LabRules),
    /// Show which lines of a driver were executed.
    ///
    /// While LAB_COVERAGE names a directory, everything that runs a driver in the lab notes there which instructions were
    /// executed: `weirctl lab run`, `weirctl lab load`, tests. This makes lines of it, for the files of the source tree. The
    /// image is measured as it is, so lines that the compiler merged or left out are not there.
    #[command(after_help = EXIT_CODES)]
    Coverage(LabCoverage),
}

#[derive(Debug, Args)]
pub(crate) struct LabCoverage {
    /// The image that was run; its PDB lies beside it.
    pub(crate) driver: PathBuf,
    /// The directory that LAB_COVERAGE named.
    #[arg(long, value_name = "DIR", env = "LAB_COVERAGE")]
    pub(crate) measured: PathBuf,
    /// The source tree: only files in it are shown.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) sources: PathBuf,
    /// Write pages with the sources into this directory, `index.html` first.
    #[arg(long, value_name = "DIR")]
    pub(crate) html: Option<PathBuf>,
    /// Write a tracefile for editors and other tools (LCOV).
    #[arg(long, value_name = "FILE")]
    pub(crate) lcov: Option<PathBuf>,
    /// Print one JSON document instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LabRules {
    /// Only these rules, with all that is known about them (`N-45`).
    #[arg(value_name = "RULE")]
    pub(crate) rules: Vec<String>,
    /// Print one JSON document instead of a list.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LabLoad {
    /// A driver image for x64; its PDB lies beside it, if there is one.
    pub(crate) driver: PathBuf,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LabRun {
    /// A pcap or pcapng file (Ethernet or raw IP).
    pub(crate) capture: PathBuf,
    /// Addresses of our side. Without them they are guessed from the capture.
    #[arg(long, value_name = "ADDR", value_delimiter = ',')]
    pub(crate) local: Vec<IpAddr>,
    /// Policy to put in force. Without it everything passes and is counted.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Which process owns which connection (TOML).
    #[arg(long, value_name = "FILE")]
    pub(crate) processes: Option<PathBuf>,
    /// Store the frames that got through.
    #[arg(long, value_name = "OUT.pcapng")]
    pub(crate) write: Option<PathBuf>,
    /// Print one JSON document instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
    /// The driver image [default: what `cargo xtask build` made].
    #[arg(long, value_name = "PATH", env = "WEIR_SYS")]
    pub(crate) driver: Option<PathBuf>,
    /// Frames handed to the driver in one chain.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) batch: u32,
    /// How the bytes of a frame lie in memory: `whole`, lengths of the pieces with the rest in the last one (`14,20,1`),
    /// `every:N` bytes a piece, or `random:SEED`.
    #[arg(long, value_name = "PATTERN", default_value = "whole", value_parser = split)]
    pub(crate) split: Split,
    /// Show no progress.
    #[arg(long)]
    pub(crate) no_progress: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Tell whether a policy is valid; show errors with line, column and a hint.
    Check(PolicyCheck),
    /// Compile a policy to the image that the driver takes.
    Compile(PolicyCompile),
    /// Tell what a compiled image does: its defaults and its rules, in order.
    Show(PolicyShow),
}

#[derive(Debug, Args)]
pub(crate) struct PolicyShow {
    /// The image that `policy compile` made.
    pub(crate) image: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyCheck {
    /// The policy (TOML).
    pub(crate) policy: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyCompile {
    /// The policy (TOML).
    pub(crate) policy: PathBuf,
    /// Where to put the image.
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Device behind a drive letter of the machine that will run the policy.
    #[arg(long, value_name = "C:=DEVICE", value_parser = volume)]
    pub(crate) volume: Vec<(char, String)>,
}

/// How the bytes of a frame are spread over pieces of memory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(all(target_os = "linux", target_arch = "x86_64"), derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Split {
    /// In one piece.
    Whole,
    /// In pieces of these lengths; one more has the rest.
    Pieces(Vec<u32>),
    /// In pieces of this length.
    Every(u32),
    /// In pieces of any length, empty ones among them.
    Random(u64),
}

/// Parses `whole`, `14,20,1`, `every:N` or `random:SEED`.
fn split(text: &str) -> Result<Split, String> {
    let length = |text: &str| match text.parse() {
        Ok(length @ 1..=65_535) => Ok(length),
        _ => Err(format!("`{text}` is not a length from 1 to 65535")),
    };
    match text.split_once(':') {
        None if text == "whole" => Ok(Split::Whole),
        None => text.split(',').map(length).collect::<Result<_, _>>().map(Split::Pieces),
        Some(("every", every)) => length(every).map(Split::Every),
        Some(("random", seed)) => {
            seed.parse().map(Split::Random).map_err(|_| format!("`{seed}` is not a number"))
        }
        Some((word, _)) => Err(format!("`{word}` is neither `every` nor `random`")),
    }
}

/// Parses `C:=\Device\HarddiskVolume3`.
fn volume(text: &str) -> Result<(char, String), String> {
    let (letter, device) =
        text.split_once('=').ok_or(r"expected a form like `C:=\Device\HarddiskVolume3`")?;
    let mut letters = letter.strip_suffix(':').unwrap_or(letter).chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) if letter.is_ascii_alphabetic() && device.starts_with('\\') => {
            Ok((letter.to_ascii_uppercase(), device.trim_end_matches('\\').to_owned()))
        }
        (_, None) if !device.starts_with('\\') => {
            Err(r"a device starts with `\`, like `\Device\HarddiskVolume3`".into())
        }
        _ => Err(format!("`{letter}` is not a drive letter")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn splits() {
        assert_eq!(split("whole"), Ok(Split::Whole));
        assert_eq!(split("14,20,1"), Ok(Split::Pieces(vec![14, 20, 1])));
        assert_eq!(split("every:1"), Ok(Split::Every(1)));
        assert_eq!(split("random:7"), Ok(Split::Random(7)));
        for bad in ["", "0", "14,", "every:0", "every:", "random:x", "each:3", "70000"] {
            assert!(split(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn volumes() {
        let device = r"\Device\HarddiskVolume3";
        assert_eq!(volume(&format!("c:={device}")), Ok(('C', device.to_owned())));
        assert_eq!(volume(&format!("D={device}\\")), Ok(('D', device.to_owned())));
        for bad in ["", "C:", "CC:=\\x", "C:=x", "=\\x", "1=\\x"] {
            assert!(volume(bad).is_err(), "{bad}");
        }
    }
}
