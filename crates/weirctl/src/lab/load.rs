//! `weirctl lab load`: loads any driver, runs its life cycle, and tells what it imports, registers and breaks.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use lab::child;
use lab::child::Status;
use lab::fwp;
use lab::machine;
use lab::machine::Machine;
use lab::ndis;
use lab::ndis::Adapter;
use lab::ndis::Attributes;
use lab::wdf;
use lab::wdf::Who;
use serde::Deserialize;
use serde::Serialize;

use crate::cli::LabLoad;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::failure::reason;
use crate::output;
use crate::output::Style;
use crate::report::SCHEMA;
use crate::report::Verifier;
use crate::text;
use crate::view;

/// A life that takes longer hangs.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// What the child process runs.
pub(super) const SCENARIO: child::Scenario = child::Scenario { name: "weirctl-lab-load", run: live };

/// What the parent process orders.
#[derive(Debug, Serialize, Deserialize)]
struct Job {
    driver: PathBuf,
    /// Where to keep what is known so far: a driver that stops the machine ends the process.
    diary: PathBuf,
}

/// What is known about a life so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Life {
    steps: Vec<Step>,
    registered: Registered,
}

/// One step of a life.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Step {
    name: String,
    /// `done`, or what came instead; nothing if the step did not end.
    result: Option<String>,
}

/// What the driver has registered once it has started.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Registered {
    /// NDIS filter drivers: unique name and version.
    filter_drivers: Vec<String>,
    /// Modules of filters on the adapter.
    filter_modules: u64,
    /// Callouts with the filter engine.
    callouts: u64,
    /// Objects in the filter engine.
    wfp_providers: u64,
    wfp_sublayers: u64,
    wfp_callouts: u64,
    wfp_filters: u64,
    /// Devices that user mode can open: path and name.
    devices: Vec<(String, String)>,
}

/// The whole document.
#[derive(Serialize)]
struct Document {
    schema: u32,
    command: &'static str,
    image: String,
    imports: Vec<Import>,
    /// What memory integrity would object to.
    integrity: Vec<Objection>,
    #[serde(flatten)]
    life: Life,
    verifier: Verifier,
    summary: String,
}

#[derive(Serialize)]
struct Import {
    dll: String,
    name: String,
    resolved: bool,
}

#[derive(Serialize)]
struct Objection {
    rule: &'static str,
    text: String,
}

/// `weirctl lab load`.
pub(super) fn run(args: &LabLoad) -> Result<Exit, Failure> {
    let shown = args.driver.display().to_string();
    let inspection =
        machine::inspect(&args.driver).map_err(|error| Failure::input(format!("`{shown}`: {error}")))?;
    let diary = std::env::temp_dir().join(format!("weirctl-load-{}.json", std::process::id()));
    let job = Job { driver: args.driver.clone(), diary: diary.clone() };
    let input = serde_json::to_vec(&job).map_err(|error| Failure::internal(error.to_string()))?;
    let end = child::spawn(SCENARIO.name, &input, TIME_LIMIT);
    let life = fs::read(&diary).ok().and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
    // It is not there if the child did not get that far.
    let _ = fs::remove_file(&diary);
    let end = end.map_err(|error| Failure::internal(format!("cannot start the lab's process: {error}")))?;
    let (exit, verifier) = super::verdict(&end);
    let summary = summary(&life, &verifier, end.status);
    let imports = inspection.imports.into_iter();
    let imports = imports.map(|it| Import { dll: it.dll, name: it.name, resolved: it.resolved }).collect();
    let objections = inspection.objections.into_iter();
    let integrity = objections.map(|(rule, text)| Objection { rule, text }).collect();
    let document = Document {
        schema: SCHEMA,
        command: "lab load",
        image: shown,
        imports,
        integrity,
        life,
        verifier,
        summary,
    };
    if args.json {
        output::print_json(&document)?;
    } else {
        let (style, width) = output::terminal();
        output::print(&render(&document, style, width))?;
    }
    if exit == Exit::Internal && document.verifier.findings.is_empty() {
        output::complain(&end.log);
    }
    Ok(exit)
}

/// The child: runs a driver's life.
fn live(input: &[u8]) -> Vec<u8> {
    let Ok(job) = serde_json::from_slice::<Job>(input) else { return Vec::new() };
    let mut diary = Diary { path: &job.diary, life: Life::default() };
    let machine = Machine::new(machine::Options { integrity: false, ..machine::Options::default() });
    let adapter = Adapter::new(ndis::Config::default());
    let mut driver = match diary.step("load the image", || machine.load_driver(&job.driver)) {
        Ok(driver) => driver,
        Err(_) => return Vec::new(),
    };
    if diary.step("DriverEntry", || driver.start().map_err(Refusal)).is_ok() {
        diary.registered(&adapter);
        if adapter.module_count() != 0 && !adapter.is_running() {
            let _ = diary.step("FilterRestart", || adapter.restart(Attributes::General).map_err(Refusal));
        }
        for (path, _) in wdf::reachable() {
            let name = format!("open and close {path}");
            let _ = diary.step(&name, || machine.open(&path, Who::Administrator).map(drop).map_err(Refusal));
        }
        if driver.has_unload() {
            let _ = diary.step::<_, Refusal>("unload", || {
                driver.unload();
                Ok(())
            });
            machine.finish();
        } else {
            let _ = diary.step("unload", || Err::<(), _>("the driver has no unload routine"));
        }
    }
    Vec::new()
}

/// A status with which a driver refuses.
struct Refusal(i32);

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "refused with {:#010x}", self.0)
    }
}

/// Keeps what is known where the parent process finds it.
struct Diary<'a> {
    path: &'a Path,
    life: Life,
}

impl Diary<'_> {
    fn step<T, E: std::fmt::Display>(
        &mut self,
        name: &str,
        body: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        self.life.steps.push(Step { name: name.to_owned(), result: None });
        self.write();
        let outcome = body();
        let result = outcome.as_ref().err().map_or_else(|| "done".to_owned(), E::to_string);
        if let Some(step) = self.life.steps.last_mut() {
            step.result = Some(result);
        }
        self.write();
        outcome
    }

    fn registered(&mut self, adapter: &Adapter) {
        let [providers, sublayers, callouts, filters] = fwp::object_counts().map(|count| count as u64);
        let drivers = ndis::filter_drivers().into_iter().map(|driver| {
            let (major, minor) = driver.ndis_version();
            format!("{} (NDIS {major}.{minor})", driver.unique_name())
        });
        self.life.registered = Registered {
            filter_drivers: drivers.collect(),
            filter_modules: adapter.module_count() as u64,
            callouts: fwp::registered() as u64,
            wfp_providers: providers,
            wfp_sublayers: sublayers,
            wfp_callouts: callouts,
            wfp_filters: filters,
            devices: wdf::reachable(),
        };
        self.write();
    }

    fn write(&self) {
        let written = serde_json::to_vec(&self.life).map_err(std::io::Error::other);
        if let Err(error) = written.and_then(|json| fs::write(self.path, json)) {
            eprintln!("cannot keep the diary: {}", reason(&error));
        }
    }
}

fn summary(life: &Life, verifier: &Verifier, status: Status) -> String {
    let last = life.steps.last();
    let place =
        last.map_or_else(|| "before anything ran".to_owned(), |step| format!("in step `{}`", step.name));
    match (status, verifier.verdict) {
        (Status::Ok, "no finding") => match life
            .steps
            .iter()
            .find(|step| step.result.as_deref() != Some("done"))
        {
            Some(step) => {
                let result = step.result.as_deref().unwrap_or("did not end");
                format!("The driver broke no rule, but did not live to the end: `{}` {result}.", step.name)
            }
            None => "The driver lived and left without breaking a rule.".into(),
        },
        (Status::Ok, "leak") => {
            format!("The driver left {} behind.", text::count(verifier.leaks.len() as u64, "object"))
        }
        (Status::Ok | Status::Verifier, _) => format!("The driver broke a rule {place}."),
        (Status::BugCheck, _) => format!("The driver stopped the machine with a bug check {place}."),
        (Status::Unresolved, _) => {
            format!("The driver called a function that the lab does not have {place}.")
        }
        (Status::Timeout, _) => format!("The driver took too long {place}, and was ended."),
        _ => format!("The lab itself failed {place}."),
    }
}

fn render(document: &Document, style: Style, width: usize) -> String {
    let mut out = format!("{} {}\n", style.strong("Image"), text::printable(&document.image));
    let missing: Vec<_> = document.imports.iter().filter(|import| !import.resolved).collect();
    let _ = writeln!(
        out,
        "{} {}, {} of them unresolved",
        style.strong("Imports"),
        text::count(document.imports.len() as u64, "function"),
        missing.len()
    );
    for import in missing {
        let name = format!("{}!{}", text::printable(&import.dll), text::printable(&import.name));
        let _ = writeln!(out, "  {} {name}", style.warn("not there"));
    }
    if !document.integrity.is_empty() {
        let _ = writeln!(out, "{}", style.strong("Memory integrity would object"));
        for objection in &document.integrity {
            let _ = writeln!(out, "  {} {}", style.warn(objection.rule), text::printable(&objection.text));
        }
    }
    let _ = writeln!(out, "{}", style.strong("Life"));
    for step in &document.life.steps {
        let result = match step.result.as_deref() {
            Some("done") => style.good("done"),
            Some(other) => style.warn(other),
            None => style.bad("did not end"),
        };
        let _ = writeln!(out, "  {}: {result}", text::printable(&step.name));
    }
    let registered = registered(&document.life.registered);
    if !registered.is_empty() {
        let _ = writeln!(out, "{}", style.strong("Registered"));
        for line in registered {
            let _ = writeln!(out, "  {}", text::printable(&line));
        }
    }
    out += &view::findings(&document.verifier, style);
    for line in text::wrap(&document.summary, width) {
        let _ = writeln!(out, "{line}");
    }
    out
}

/// What was registered, a line for each kind.
fn registered(all: &Registered) -> Vec<String> {
    let mut lines: Vec<String> =
        all.filter_drivers.iter().map(|driver| format!("NDIS filter driver {driver}")).collect();
    let counts = [
        (all.filter_modules, "filter module"),
        (all.callouts, "callout"),
        (all.wfp_providers, "WFP provider"),
        (all.wfp_sublayers, "WFP sublayer"),
        (all.wfp_callouts, "WFP callout object"),
        (all.wfp_filters, "WFP filter"),
    ];
    lines.extend(
        counts.iter().filter(|(count, _)| *count != 0).map(|(count, noun)| text::count(*count, noun)),
    );
    lines.extend(all.devices.iter().map(|(path, device)| format!("device {device}, opened as {path}")));
    lines
}
