//! `weirctl policy check`: every error with its place, its line and a way out.

mod common;

use std::fs;

use common::Run;
use common::scratch;
use common::weirctl;

fn check(name: &str, policy: &str) -> Run {
    let dir = scratch(&format!("check-{name}"));
    fs::write(dir.join("policy.toml"), policy).unwrap();
    weirctl(&dir, &["policy", "check", "policy.toml"])
}

const GOOD: &str = "\
[defaults]
outbound = \"permit\"
inbound = \"block\"

[[rule]]
name = \"no-telemetry\"
action = \"block\"
direction = \"out\"
protocol = \"tcp\"
remote-port = 443
";

#[test]
fn a_good_policy_is_told_in_one_line() {
    let run = check("good", GOOD);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert_eq!(run.out, "policy.toml: ok, 1 rule\n");
}

#[test]
fn an_unknown_value_is_shown_in_its_line() {
    let run = check("value", &GOOD.replace("action = \"block\"", "action = \"blok\""));
    assert_eq!(run.code, 1);
    assert!(run.err.contains("--> policy.toml:7:10\n"), "{}", run.err);
    assert!(run.err.contains("\n7 | action = \"blok\"\n  |          ^^^^^^\n"), "{}", run.err);
    assert!(run.err.contains("= hint: "), "{}", run.err);
    assert!(run.err.ends_with("policy.toml: 1 error\n"), "{}", run.err);
    assert_eq!(run.out, "");
}

#[test]
fn a_syntax_error_has_a_place() {
    let run = check("syntax", "[defaults]\noutbound = \n");
    assert_eq!(run.code, 1);
    assert!(run.err.contains("policy.toml:2:"), "{}", run.err);
}

#[test]
fn several_errors_are_told_at_once() {
    let run = check("several", &GOOD.replace("tcp", "tpc").replace("443", "70000"));
    assert_eq!(run.code, 1);
    assert!(run.err.contains("policy.toml:9:"), "{}", run.err);
    assert!(run.err.contains("policy.toml:10:"), "{}", run.err);
    assert!(run.err.ends_with("policy.toml: 2 errors\n"), "{}", run.err);
}

#[test]
fn compile_writes_an_image_only_for_a_good_policy() {
    let dir = scratch("compile");
    fs::write(dir.join("good.toml"), GOOD).unwrap();
    fs::write(dir.join("bad.toml"), "rubbish").unwrap();
    let run = weirctl(&dir, &["policy", "compile", "good.toml", "-o", "good.bin"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let image = fs::read(dir.join("good.bin")).unwrap();
    assert!(run.out.contains(&format!("good.bin: 1 rule, {} bytes", image.len())), "{}", run.out);
    assert_eq!(weirctl(&dir, &["policy", "compile", "bad.toml", "-o", "bad.bin"]).code, 1);
    assert!(!dir.join("bad.bin").exists());
}

#[test]
fn an_image_is_told_in_words() {
    let dir = scratch("show");
    let limited = "[[rule]]\nname = \"slow\"\naction = [\"rate-limit\", \"tap\"]\nrate = \"1 MB/s\"\n";
    fs::write(dir.join("policy.toml"), format!("{GOOD}{limited}")).unwrap();
    let run = weirctl(&dir, &["policy", "compile", "policy.toml", "-o", "policy.bin"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let run = weirctl(&dir, &["policy", "show", "policy.bin"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let lines = run.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    assert_eq!(
        lines.collect::<Vec<_>>()[1..],
        [
            "0 no-telemetry block",
            "1 slow permit rate-limit 8 Mbit/s per rule (burst 200 kbit, over: drop), tap",
            "Else: permit outbound, block inbound; failure open",
        ]
    );
    let run = weirctl(&dir, &["policy", "show", "policy.toml"]);
    assert_eq!(run.code, 1);
    assert!(run.err.contains("not a valid image") && run.err.contains("policy compile"), "{}", run.err);
}
