//! The register of rules: every rule says whether it is checked, every check has a driver that breaks it and a
//! clean twin, and without its check the first of them is not noticed.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::SystemTime;
use std::{env, fs, thread};

use lab::verifier::rules::{self, ALL, Check};

/// Set, the test of the table in `docs/lab.md` writes it.
const BLESS: &str = "LAB_BLESS";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `directory` with the extension `rs`, and when one of them changed last.
fn sources(directory: &Path) -> (Vec<PathBuf>, SystemTime) {
    let (mut files, mut newest) = (Vec::new(), SystemTime::UNIX_EPOCH);
    let mut todo = vec![directory.to_owned()];
    while let Some(directory) = todo.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else {
                newest = newest.max(path.metadata().unwrap().modified().unwrap());
                if path.extension().is_some_and(|extension| extension == "rs") {
                    files.push(path);
                }
            }
        }
    }
    (files, newest)
}

/// The rules that the lab's code names outside comments and its own unit tests, with a file for each.
fn rules_in_code() -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    for file in sources(&root().join("src")).0 {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for literal in line.split('"').skip(1).step_by(2) {
                let parts = literal.split_once('-');
                let is_rule = parts.is_some_and(|(group, number)| {
                    ["G", "N", "F", "WV", "MV", "HV", "K", "KV", "L"].contains(&group)
                        && !number.is_empty()
                        && number.bytes().all(|byte| byte.is_ascii_digit())
                });
                if is_rule {
                    found.entry(literal.to_owned()).or_insert_with(|| file.clone());
                }
            }
        }
    }
    found
}

#[test]
fn every_rule_says_whether_it_is_checked() {
    let code = rules_in_code();
    assert!(code.len() > 80, "the search finds only {} rules", code.len());
    let mut wrong = Vec::new();
    for rule in ALL.iter() {
        let named = code.get(rule.id);
        match rule.check {
            Check::Unknown => wrong.push(format!("{}: cases.tsv does not mention it", rule.id)),
            Check::Unchecked(reason) if reason.len() < 10 => {
                wrong.push(format!("{}: not checked, without a reason", rule.id));
            }
            Check::Unchecked(_) => {
                if let Some(file) = named {
                    wrong.push(format!("{}: {} checks it, cases.tsv says no", rule.id, file.display()));
                }
            }
            Check::Enforced { faulty: "", .. } => wrong.push(format!("{}: no faulty driver", rule.id)),
            Check::Enforced { clean: "", .. } => wrong.push(format!("{}: no clean twin", rule.id)),
            Check::Enforced { .. } => {
                if named.is_none() {
                    wrong.push(format!("{}: no code checks it, cases.tsv says so", rule.id));
                }
            }
        }
    }
    let known: BTreeSet<&str> = ALL.iter().map(|rule| rule.id).collect();
    wrong.extend(
        code.keys().filter(|id| !known.contains(id.as_str())).map(|id| format!("{id}: no such rule")),
    );
    let cases = fs::read_to_string(root().join("src/verifier/cases.tsv")).unwrap();
    let mut seen = BTreeSet::new();
    for id in cases.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split('\t').next()) {
        if !known.contains(id) || !seen.insert(id) {
            wrong.push(format!("{id}: cases.tsv has it twice, or there is no such rule"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The test binaries of this crate by name.
static BINARIES: LazyLock<BTreeMap<String, PathBuf>> = LazyLock::new(|| built().unwrap_or_else(build));

/// The newest test binaries beside this one, if none is older than the sources.
fn built() -> Option<BTreeMap<String, PathBuf>> {
    let me = env::current_exe().unwrap();
    let sources = ["src", "tests", "../ddk/src"].map(|directory| sources(&root().join(directory)).1);
    let newest_source = sources.into_iter().max()?;
    let mut found: BTreeMap<String, (SystemTime, PathBuf)> = BTreeMap::new();
    for entry in fs::read_dir(me.parent()?).ok()? {
        let path = entry.ok()?.path();
        let Some((name, _)) = path.file_name()?.to_str()?.rsplit_once('-') else { continue };
        let time = path.metadata().ok()?.modified().ok()?;
        let best = found.get(name).is_none_or(|(other, _)| time > *other);
        if path.extension().is_none() && best {
            found.insert(name.to_owned(), (time, path.clone()));
        }
    }
    let needed: BTreeSet<&str> =
        cases().into_iter().filter_map(|case| case.test.split("::").next()).collect();
    let fresh = |name: &&str| found.get(*name).is_some_and(|(time, _)| *time >= newest_source);
    needed.iter().all(fresh).then(|| found.into_iter().map(|(name, (_, path))| (name, path)).collect())
}

/// Lets cargo build the test binaries, with the profile and into the directory of this one.
fn build() -> BTreeMap<String, PathBuf> {
    let me = env::current_exe().unwrap();
    let target = me.ancestors().nth(3).expect("a test binary lies in <target>/<profile>/deps");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root()).args([
        "test",
        "--no-run",
        "--message-format=json",
        "--offline",
        "--target-dir",
    ]);
    cargo.arg(target).stderr(Stdio::inherit());
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.output().expect("cannot run cargo");
    assert!(output.status.success(), "cargo cannot build the tests of this crate");
    let mut found = BTreeMap::new();
    for line in output.stdout.split(|byte| *byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<serde_json::Value>(line) else { continue };
        if let (Some(name), Some(path)) = (message["target"]["name"].as_str(), message["executable"].as_str())
        {
            found.insert(name.to_owned(), PathBuf::from(path));
        }
    }
    found
}

/// A test that the register names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Case {
    rule: &'static str,
    /// `binary::path::of::test`.
    test: &'static str,
    faulty: bool,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for rule in ALL.iter() {
        let Check::Enforced { faulty, clean } = rule.check else { continue };
        cases.extend(faulty.split(' ').map(|test| Case { rule: rule.id, test, faulty: true }));
        cases.extend(clean.split(' ').map(|test| Case { rule: rule.id, test, faulty: false }));
    }
    cases
}

/// Tests that build the linked drivers which others use too; they run before all others.
const DRIVERS: [&str; 2] = ["probe::clean_mode_is_clean", "wdf::a_good_driver_is_clean"];

/// Runs one test, and tells whether it passed and what it printed. A name that no test has does not pass.
fn run(test: &str, disabled: Option<&str>) -> (bool, String) {
    let (binary, name) = test.split_once("::").expect("binary::test");
    let Some(binary) = BINARIES.get(binary) else { return (false, format!("no test binary {binary}")) };
    let mut command = Command::new(binary);
    command.args(["--exact", name, "--test-threads=1"]).current_dir(root()).stdin(Stdio::null());
    match disabled {
        Some(rule) => command.env(lab::verifier::DISABLED_RULE, rule),
        None => command.env_remove(lab::verifier::DISABLED_RULE),
    };
    if !DRIVERS.contains(&test) {
        command.env("LAB_DRIVERS_ARE_BUILT", "1");
    }
    let output = command.output().expect("cannot run a test binary");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success() && text.contains("test result: ok. 1 passed"), text)
}

/// Does `work` on every item, several at a time, and collects what it complains about.
fn in_parallel<T: Sync>(items: &[T], work: impl Fn(&T) -> Option<String> + Sync) -> Vec<String> {
    let (next, complaints) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    // Some cases wait for a time limit, so there is more to run than processors.
    let threads = thread::available_parallelism().map_or(4, |count| count.get() * 4);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(complaint) = work(item) {
                        complaints.lock().unwrap().push(complaint);
                    }
                }
            });
        }
    });
    complaints.into_inner().unwrap()
}

/// Every case passes as it stands, and no faulty case passes when its rule alone is not reported: each rule's
/// check is needed, and each case is about the rule that names it.
#[test]
fn without_its_check_no_faulty_driver_is_noticed() {
    let mut plain: Vec<&str> = cases().iter().map(|case| case.test).collect();
    plain.sort_unstable();
    plain.dedup();
    plain.retain(|test| !DRIVERS.contains(test));
    let passes = |test: &&str| {
        let (passed, log) = run(test, None);
        (!passed).then(|| format!("{test} does not pass:\n{log}"))
    };
    let mut failed: Vec<String> = DRIVERS.iter().filter_map(passes).collect();
    failed.extend(in_parallel(&plain, passes));
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    let faulty: Vec<Case> = cases().into_iter().filter(|case| case.faulty).collect();
    let survived = in_parallel(&faulty, |case| {
        let (passed, _) = run(case.test, Some(case.rule));
        passed.then(|| format!("{} passes without the check of {}", case.test, case.rule))
    });
    assert!(survived.is_empty(), "{survived:#?}");
    println!("{} rules, {} faulty cases, each noticed by its own check", distinct(&faulty), faulty.len());
}

fn distinct(cases: &[Case]) -> usize {
    cases.iter().map(|case| case.rule).collect::<BTreeSet<_>>().len()
}

/// A name that is misspelt shows here, with the rule that has it.
#[test]
fn the_names_of_cases_are_tests() {
    let mut listed: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for case in cases() {
        let (binary, name) = case.test.split_once("::").expect("binary::test");
        let known = listed.entry(binary).or_insert_with(|| {
            let path = BINARIES.get(binary).unwrap_or_else(|| panic!("no test binary {binary}"));
            let output = Command::new(path).arg("--list").output().expect("cannot list tests");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect()
        });
        assert!(known.contains(name), "{}: there is no test {}", case.rule, case.test);
    }
}

/// The table of `docs/lab.md` is the register. `LAB_BLESS=1 cargo test -p lab --test faulty` writes it.
#[test]
fn the_documented_table_is_the_register() {
    const BEGIN: &str = "<!-- rules: written by the test the_documented_table_is_the_register -->\n";
    const END: &str = "<!-- end of rules -->\n";
    let path = root().join("../../docs/lab.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("docs/lab.md has a place for the table");
    let (table, after) = rest.split_once(END).expect("docs/lab.md ends the table");
    let current = rules::markdown() + "\n";
    if env::var_os(BLESS).is_some() {
        fs::write(&path, [before, BEGIN, &current, END, after].concat()).unwrap();
    } else {
        assert!(table == current, "docs/lab.md has an old table: run this test with {BLESS}=1");
    }
}
