//! The policy language: every example of its reference compiles, and every mistake is named where it stands.

use weir_core::policy::{self, CompileOptions, Compiled, Decider, Decision, Image, Query, Severity};
use weir_core::{Action, Direction};

fn compile(text: &str) -> Compiled {
    policy::compile(text, &CompileOptions::default()).unwrap_or_else(|errors| panic!("{text}\n{errors:#?}"))
}

#[test]
fn the_examples_of_the_reference_compile() {
    let reference = include_str!("../../../docs/policy.md");
    let mut examples = 0;
    for block in reference.split("```toml\n").skip(1) {
        let (example, _) = block.split_once("```").expect("the block ends");
        let compiled = compile(example);
        let image = Image::verify(&compiled.image).unwrap();
        assert_eq!(image.rule_count() as usize, example.matches("[[rule]]").count());
        let foreign = compiled.warnings.iter().all(|warning| warning.message.contains("drive"));
        assert!(foreign, "{:#?}", compiled.warnings);
        examples += 1;
    }
    assert_eq!(examples, 5);
}

/// The key table of the reference and the compiler know the same keys.
#[test]
fn the_reference_names_every_key() {
    let reference = include_str!("../../../docs/policy.md");
    let hint = policy::compile("[[rule]]\nqqqqqqqq = 1", &CompileOptions::default()).unwrap_err();
    let known = hint.iter().find_map(|found| found.hint.as_ref()?.strip_prefix("known: ")).unwrap();
    for key in known.split(", ") {
        assert!(reference.contains(&format!("`{key}`")), "{key} is not in docs/policy.md");
    }
}

/// The one diagnostic of a text: severity is told by whether it compiles.
fn only(text: &str) -> (usize, usize, String, String) {
    let found = match policy::compile(text, &CompileOptions::default()) {
        Ok(compiled) => compiled.warnings,
        Err(errors) => errors,
    };
    let [one] = &found[..] else { panic!("{text}\n{found:#?}") };
    (one.line, one.column, one.message.clone(), one.hint.clone().unwrap_or_default())
}

/// The one diagnostic of a rule with these further lines.
fn in_rule(lines: &str) -> (usize, usize, String, String) {
    only(&format!("[[rule]]\nname = \"r\"\naction = \"block\"\n{lines}\n"))
}

fn assert_says(found: (usize, usize, String, String), place: (usize, usize), message: &str, hint: &str) {
    let (line, column, said, hinted) = found;
    assert_eq!((line, column), place, "{said}");
    assert!(said.contains(message), "{said}");
    assert!(hinted.contains(hint), "{hinted}");
}

#[test]
fn unknown_words_get_the_nearest_known_one() {
    assert_says(in_rule("remote_port = 80"), (4, 1), "unknown key in a rule `remote_port`", "`remote-port`");
    assert_says(in_rule("protocoll = 'tcp'"), (4, 1), "unknown key", "`protocol`");
    assert_says(in_rule("protocol = 'tpc'"), (4, 12), "unknown protocol `tpc`", "`tcp`");
    assert_says(in_rule("ethertype = 'lldb'"), (4, 13), "unknown ethertype", "`lldp`");
    assert_says(in_rule("direction = 'outbound'"), (4, 13), "unknown direction", "`out`");
    assert_says(only("[default]\ninbound = 'block'"), (1, 2), "unknown section", "`defaults`");
    assert_says(only("[defaults]\nfailure = 'close'"), (2, 11), "unknown failure mode", "`closed`");
    assert_says(
        only("[[rule]]\nname = 'r'\naction = 'deny'"),
        (3, 10),
        "unknown action `deny`",
        "permit, block",
    );
}

#[test]
fn values_are_checked_where_they_stand() {
    assert_says(in_rule("remote = '10.0.0.0/33'"), (4, 10), "not a prefix length", "0 to 32");
    assert_says(in_rule("remote = ['10.0.0.0/8', '10.0.0.1/8']"), (4, 25), "bits set", "10.0.0.0/8");
    assert_says(in_rule("remote = 'example.com'"), (4, 10), "not an address", "names are not resolved");
    assert_says(in_rule("remote-port = '9-8'"), (4, 15), "empty", "8-9");
    assert_says(in_rule("remote-port = 70000"), (4, 15), "70000 is not a port", "65535");
    assert_says(in_rule("protocol = 256"), (4, 12), "256", "255");
    assert_says(in_rule("ethertype = 0x0500"), (4, 13), "0x500", "0x0600");
    assert_says(in_rule("interface = 0"), (4, 13), "interface index", "ifIndex");
    assert_says(in_rule("interface = 'luid:x'"), (4, 13), "LUID", "NetLuid");
    assert_says(in_rule("user = 'SYSTEM'"), (4, 8), "not a SID", "S-1-5-18");
    assert_says(in_rule("application = 'bin/curl'"), (4, 15), "not a path", "single quotes");
    assert_says(in_rule("local-port = []"), (4, 14), "empty list", "leave the key out");
    assert_says(in_rule("local-port = 1.5"), (4, 14), "found float", "");
    assert_says(in_rule("protocol = 'icmp'\nlocal-port = 1"), (5, 1), "icmp has no ports", "tcp");
    assert_says(
        in_rule("ethertype = 'arp'\nremote = '10.0.0.0/8'"),
        (4, 1),
        "0x0806",
        "direction and interface",
    );
    assert_says(
        in_rule("local = '10.0.0.1'\nremote = '2001:db8::/32'"),
        (5, 1),
        "no IP version in common",
        "",
    );
}

#[test]
fn syntax_and_structure() {
    assert_says(only("[[rule]\nname = 'r'"), (1, 8), "not valid TOML", "[[rule]]");
    assert_says(only("[rule]\nname = 'r'"), (1, 2), "list of tables", "double brackets");
    assert_says(in_rule("action = 'block'"), (4, 1), "not valid TOML", "once per rule");
    assert_says(in_rule("application = \"C:\\x.exe\""), (4, 20), "not valid TOML", "single quotes");
    assert_says(only("[[rule]]\naction = 'block'"), (1, 1), "no `name`", "status output");
    assert_says(only("[[rule]]\nname = 'x'"), (1, 1), "no `action`", "permit");
    assert_says(
        only("[[rule]]\nname='x'\naction='block'\n[[rule]]\nname='x'\naction='permit'"),
        (4, 1),
        "line 1",
        "differ",
    );
}

#[test]
fn all_mistakes_are_reported_at_once_in_order() {
    let text = "[defaults]\ninbound = 'no'\n[[rule]]\nname = 'a'\naction = 'drop'\nremote = '1.2.3'\n";
    let found = policy::compile(text, &CompileOptions::default()).unwrap_err();
    assert_eq!(found.iter().map(|found| found.line).collect::<Vec<_>>(), [2, 5, 6]);
    assert!(found[0].to_string().starts_with("2:11: error: unknown action `no`\n  hint: "));
}

#[test]
fn rules_that_never_decide_are_named() {
    let rules = |first: &str, second: &str| {
        format!(
            "[[rule]]\nname='a'\naction='permit'\n{first}\n[[rule]]\nname='b'\naction='block'\n{second}\n"
        )
    };
    let shadowed = [
        ("", "remote-port = 443"),
        ("remote = '10.0.0.0/8'", "remote = ['10.1.0.0/16', '10.2.3.4']"),
        ("remote-port = '1-1000'", "remote-port = [80, 443]\nprotocol = 'tcp'"),
        ("protocol = ['tcp', 'udp']", "protocol = 'udp'\ndirection = 'in'"),
        ("application = 'a.exe'", "application = 'A.EXE'\nuser = 'S-1-5-18'"),
    ];
    for (first, second) in shadowed {
        let text = rules(first, second);
        let compiled = compile(&text);
        let [warning] = &compiled.warnings[..] else { panic!("{text}\n{:#?}", compiled.warnings) };
        assert_eq!((warning.severity, warning.line), (Severity::Warning, 4 + 1));
        assert!(warning.message.contains("`b` never decides: `a` in line 1"), "{}", warning.message);
    }
    let reached = [
        ("remote = '10.1.0.0/16'", "remote = '10.0.0.0/8'"),
        ("remote-port = 80", ""),
        ("direction = 'in'", "remote-port = 1"),
        ("application = 'a.exe'", "application = 'b.exe'"),
    ];
    for (first, second) in reached {
        assert!(compile(&rules(first, second)).warnings.is_empty(), "{first} / {second}");
    }
}

#[test]
fn an_empty_policy_has_the_default_defaults() {
    let compiled = compile("");
    let image = Image::verify(&compiled.image).unwrap();
    let query = |direction| Query {
        direction,
        ethertype: None,
        protocol: None,
        local: None,
        remote: None,
        local_port: None,
        remote_port: None,
        interface_luid: 0,
        interface_index: 0,
        interface_name: &[],
        identity: None,
    };
    for direction in [Direction::Send, Direction::Receive] {
        assert_eq!(image.evaluate(&query(direction)), Decision::Decided(Action::Permit, Decider::Default));
    }
    assert!(!image.uses_interface());
}

#[test]
fn a_known_drive_needs_no_warning() {
    let text = "[[rule]]\nname='c'\naction='block'\napplication='C:\\x.exe'\n";
    assert_eq!(compile(text).warnings.len(), 1);
    let mut options = CompileOptions::default();
    options.volumes.insert('C', r"\Device\HarddiskVolume3".to_owned());
    assert!(policy::compile(text, &options).unwrap().warnings.is_empty());
}
