//! Checks everything the user gave, before the driver is loaded.

use std::fs;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;

use lab::edge::process::ProcessMap;
use lab::edge::process::sid_bytes;
use weir_core::policy::CompileOptions;

use super::job::Job;
use super::scan;
use crate::cli::LabRun;
use crate::failure::Failure;
use crate::policy;
use crate::report::Capture;
use crate::report::Local;

const BUILD: &str = "run `cargo xtask build`, or give the image with --driver PATH or $WEIR_SYS";

/// Inputs that were found good.
#[derive(Debug)]
pub(crate) struct Inputs {
    /// The capture in numbers.
    pub(crate) capture: Capture,
    /// Our side.
    pub(crate) local: Local,
    /// What the child has to do.
    pub(crate) job: Job,
    /// The file of `--write`.
    pub(crate) output: Option<Output>,
}

/// A file that the run will fill. If it was not there before and nothing is written, it goes again.
#[derive(Debug)]
pub(crate) struct Output {
    path: PathBuf,
    fresh: bool,
}

impl Output {
    /// The run has written it.
    pub(crate) fn keep(&mut self) {
        self.fresh = false;
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if self.fresh {
            // An empty file that stays does no harm.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Inputs {
    /// Reads and checks all inputs; `None` if the policy has errors, which were printed.
    pub(crate) fn check(args: &LabRun) -> Result<Option<Self>, Failure> {
        let processes = match &args.processes {
            Some(path) => process_map(path)?,
            None => ProcessMap::default(),
        };
        let policy = match &args.policy {
            Some(path) => {
                let options = CompileOptions { volumes: processes.volumes.0.clone() };
                match policy::load(path, &options)? {
                    Some(compiled) => Some(compiled.image),
                    None => return Ok(None),
                }
            }
            None => None,
        };
        let scan = scan::scan(&args.capture, !args.no_progress)?;
        let output = args.write.as_deref().map(|out| writable(out, &args.capture)).transpose()?;
        let driver = driver(args.driver.as_deref())?;
        let local = if args.local.is_empty() {
            scan.guess
        } else {
            Local { addresses: args.local.clone(), assumed: false, because: "given with --local".into() }
        };
        let job = Job {
            capture: args.capture.clone(),
            driver,
            local: local.addresses.clone(),
            policy,
            processes,
            write: args.write.clone(),
            batch: args.batch,
            split: args.split.clone(),
            progress: None,
        };
        Ok(Some(Self { capture: scan.capture, local, job, output }))
    }
}

fn process_map(path: &Path) -> Result<ProcessMap, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
    let map = ProcessMap::from_toml(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Failure::input(format!("{}:{line}:{column}: {}", path.display(), error.message()))
            .hint("a process map has [[process]] tables with path, pid, and what their connections look like")
    })?;
    let users = map.rules.iter().filter_map(|rule| rule.user.as_deref()).chain([map.default.user.as_str()]);
    let bad = users.filter(|user| sid_bytes(user).is_none()).map(str::to_owned).next();
    match bad {
        Some(user) => Err(Failure::input(format!("{}: `{user}` is not a user's SID", path.display()))
            .hint("a SID looks like S-1-5-18 or S-1-5-21-1-2-3-1001")),
        None => Ok(map),
    }
}

/// Makes sure that `out` can be written, without harm to what is there, and is not the capture itself.
fn writable(out: &Path, capture: &Path) -> Result<Output, Failure> {
    if let (Ok(out_file), Ok(capture_file)) = (fs::canonicalize(out), fs::canonicalize(capture))
        && out_file == capture_file
    {
        return Err(Failure::input(format!("`{}` is the capture itself", out.display()))
            .hint("--write needs a file of its own"));
    }
    if out.is_dir() {
        return Err(Failure::file("write", out, &ErrorKind::IsADirectory.into()));
    }
    let fresh = !out.exists();
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(out)
        .map(|_| Output { path: out.to_owned(), fresh })
        .map_err(|error| Failure::file("write", out, &error))
}

/// The driver image: the one named, or the one that the build left.
fn driver(named: Option<&Path>) -> Result<PathBuf, Failure> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => built().ok_or_else(|| Failure::input("there is no driver image yet").hint(BUILD))?,
    };
    let image = fs::read(&path).map_err(|error| {
        let failure = Failure::file("read the driver image", &path, &error);
        if error.kind() == ErrorKind::NotFound { failure.hint(BUILD) } else { failure }
    })?;
    match machine(&image) {
        Some(0x8664) => Ok(path),
        Some(0xaa64) => Err(Failure::input(format!("`{}` is a driver image for ARM64", path.display()))
            .hint("the lab runs x64 images: cargo xtask build --arch x64")),
        Some(other) => {
            Err(Failure::input(format!("`{}` is an image for machine {other:#06x}", path.display()))
                .hint("the lab runs x64 images"))
        }
        None => Err(Failure::input(format!("`{}` is not a driver image", path.display())).hint(BUILD)),
    }
}

/// The machine that a PE image is for; the lab's loader checks everything else.
fn machine(image: &[u8]) -> Option<u16> {
    let word = |at: usize| image.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let header = usize::try_from(word(0x3c)?).ok()?;
    let is_pe = image.starts_with(b"MZ") && word(header)? == u32::from_le_bytes(*b"PE\0\0");
    is_pe.then_some(word(header.checked_add(4)?)? as u16)
}

/// Where `cargo xtask build` puts the image: beside this program, or under `target` of the workspace around it or around
/// the current directory.
fn built() -> Option<PathBuf> {
    let program = std::env::current_exe().ok();
    let here = std::env::current_dir().ok();
    let beside = program.as_deref().and_then(Path::parent).map(|dir| dir.join("weir.sys"));
    let around = [program.as_deref(), here.as_deref()].into_iter().flatten();
    let around = around.flat_map(Path::ancestors).map(|dir| dir.join("target/weir/x64/weir.sys"));
    beside.into_iter().chain(around).find(|path| path.is_file())
}
