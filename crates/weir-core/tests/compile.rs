//! The policy language: every example of its reference compiles, and every mistake is named where it stands.

use weir_core::limit::Excess;
use weir_core::policy::{
    self, Ask, CompileOptions, Compiled, Decider, Decision, Image, Mark, Naming, Query, Severity,
};
use weir_core::{Action, Direction, Time};

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
    assert_eq!(examples, 11);
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
    assert_says(in_rule("domain = 'www.*.example'"), (4, 10), "star", "`*.` at the beginning");
    assert_says(in_rule("domain = 'bücher.example'"), (4, 10), "not ASCII", "xn--");
    assert_says(in_rule("domain = '192.0.2.1'"), (4, 10), "not the name of a host", "`remote`");
    assert_says(in_rule("domain = ['a.example', '*']"), (4, 24), "star", "`*.` at the beginning");
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

/// The one diagnostic of a rule with this action and these further lines.
fn acting(action: &str, lines: &str) -> (usize, usize, String, String) {
    only(&format!("[[rule]]\nname = \"r\"\naction = {action}\n{lines}\n"))
}

#[test]
fn actions_have_what_belongs_to_them() {
    assert_says(acting("'rate-limit'", ""), (3, 1), "which rate", "rate = \"10 Mbit/s\"");
    assert_says(acting("'rate-limit'", "rate = '10 Mb/s'"), (4, 8), "not a rate", "Mbit/s");
    assert_says(acting("'rate-limit'", "rate = 10"), (4, 8), "expected text", "");
    assert_says(acting("'rate-limit'", "rate = '1 kbit/s'"), (4, 8), "out of bounds", "8 kbit/s");
    let with = |lines: &str| acting("'rate-limit'", &format!("rate = '1 MB/s'\n{lines}"));
    assert_says(with("burst = '5 packets'"), (5, 1), "different things", "both");
    assert_says(with("burst = '61 MB'"), (5, 1), "longer than 60 seconds", "milliseconds");
    assert_says(with("burst = 'much'"), (5, 9), "not an amount", "64 KiB");
    assert_says(with("per = 'host'"), (5, 7), "unknown scope", "rule, flow");
    assert_says(with("over = 'dealy'"), (5, 8), "unknown way", "`delay`");
    assert_says(with("max-delay = '0.9 s'"), (5, 1), "means nothing", "over = \"delay\"");
    assert_says(with("over = 'delay'\nmax-delay = '1 min'"), (6, 13), "not a delay", "100 ms");
    assert_says(with("dscp = 1"), (5, 1), "`dscp` means nothing", "action = \"mark\"");
    assert_says(acting("'permit'", "rate = '1 MB/s'"), (4, 1), "`rate` means nothing", "rate-limit");
    assert_says(acting("'mark'", ""), (3, 1), "which mark", "dscp");
    assert_says(acting("'mark'", "dscp = 64"), (4, 8), "64 is not a DSCP", "0 to 63");
    assert_says(acting("'mark'", "dscp = 'af14'"), (4, 8), "unknown DSCP", "`af1");
    assert_says(acting("'mark'", "priority = 8"), (4, 12), "8 is not an 802.1p priority", "7");
    assert_says(acting("'mark'", "priority = 'high'"), (4, 12), "expected a number", "");
    assert_says(acting("'mark'", "dscp = 'ef'\nethertype = 'arp'"), (4, 1), "no DSCP", "IPv4 and IPv6");
}

#[test]
fn actions_go_together_or_do_not() {
    assert_says(acting("['block', 'mark']", "dscp = 1"), (3, 10), "`block` and `mark`", "tap goes with both");
    assert_says(acting("['permit', 'reject']", ""), (3, 10), "`reject` and `permit`", "tap goes with both");
    assert_says(acting("['block', 'reject']", ""), (3, 10), "`block` and `reject`", "");
    assert_says(acting("['tap', 'tap']", ""), (3, 10), "`tap` stands twice", "once");
    assert_says(acting("[]", ""), (3, 10), "empty list", "");
    assert_says(acting("['tap', 'marc']", "dscp = 1"), (3, 18), "unknown action `marc`", "`mark`");
    let all = "[[rule]]\nname = 'r'\naction = ['permit', 'rate-limit', 'mark', 'tap']\n\
               rate = '9 packets/s'\nburst = '4 packets'\nover = 'delay'\npriority = 0\ndscp = 'default'\n";
    let compiled = compile(all);
    let rule = Image::verify(&compiled.image).unwrap().rule(0).unwrap();
    let limit = rule.treatment.limit.unwrap();
    assert_eq!((limit.rate, limit.burst, limit.excess), (9, 4, Excess::Delay(Time::SECOND / 10)));
    assert_eq!(rule.treatment.mark, Mark { priority: Some(0), dscp: Some(0) });
    assert!(rule.treatment.tap && !rule.treatment.reject);
}

#[test]
fn questions() {
    assert_says(acting("['ask', 'block']", ""), (3, 10), "`ask` and `block`", "fallback");
    assert_says(acting("['ask', 'mark']", "dscp = 1"), (3, 10), "`ask` and `mark`", "fallback");
    assert_says(acting("'ask'", "fallback = 'deny'"), (4, 12), "unknown fallback `deny`", "permit, block");
    assert_says(acting("'ask'", "timeout = '11 min'"), (4, 11), "not a time for an answer", "1 s to 10 min");
    assert_says(acting("'ask'", "timeout = 30"), (4, 11), "expected text", "");
    assert_says(
        acting("'permit'", "timeout = '30 s'"),
        (4, 1),
        "`timeout` means nothing",
        "action = \"ask\"",
    );
    assert_says(acting("'ask'", "vlan = 5"), (4, 1), "`vlan` is not known yet", "before its first frame");
    assert_says(acting("'ask'", "ethertype = 'arp'"), (4, 1), "`ethertype` is not known yet", "IP flow");
    for (keys, action, timeout_ms) in
        [("", Action::Block, 30_000), ("fallback = 'permit'\ntimeout = '2 min'", Action::Permit, 120_000)]
    {
        let compiled = compile(&format!("[[rule]]\nname = 'q'\naction = 'ask'\n{keys}\n"));
        let image = Image::verify(&compiled.image).unwrap();
        let rule = image.rule(0).unwrap();
        assert!(image.uses_ask());
        assert_eq!((rule.action, rule.treatment.ask), (action, Some(Ask { timeout_ms })));
    }
}

#[test]
fn vlans() {
    assert_says(in_rule("vlan = 4095"), (4, 8), "4095 is not a VLAN", "1 to 4094");
    assert_says(in_rule("vlan = ['1-9', 'none']"), (4, 16), "not a VLAN identifier or a range", "untagged");
    let compiled = compile("[[rule]]\nname = 'v'\naction = 'block'\nvlan = [5, '10-19', 'untagged']\n");
    assert!(Image::verify(&compiled.image).unwrap().uses_vlan());
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
        vlan: None,
        identity: None,
        name: Naming::None,
    };
    for direction in [Direction::Send, Direction::Receive] {
        assert_eq!(image.evaluate(&query(direction)), Decision::Decided(Action::Permit, Decider::Default));
    }
    assert!(!image.uses_interface());
}

#[test]
fn a_domain_covers_what_is_below_it() {
    let shadowed = |first: &str, second: &str| {
        let rule =
            |name: &str, domain: &str| format!("[[rule]]\nname='{name}'\naction='block'\ndomain={domain}\n");
        let text = rule("a", first) + &rule("b", second);
        !compile(&text).warnings.is_empty()
    };
    assert!(shadowed("'*.example'", "['www.example', '*.a.EXAMPLE.']"));
    assert!(shadowed("'*.example'", "'*.example'"));
    assert!(!shadowed("'*.example'", "'example'"));
    assert!(!shadowed("'*.example'", "'anexample'"));
    assert!(!shadowed("'a.example'", "'*.a.example'"));
    assert!(
        Image::verify(&compile("[[rule]]\nname='a'\naction='tap'\ndomain='x.example'").image)
            .unwrap()
            .uses_domain()
    );
}

#[test]
fn a_known_drive_needs_no_warning() {
    let text = "[[rule]]\nname='c'\naction='block'\napplication='C:\\x.exe'\n";
    assert_eq!(compile(text).warnings.len(), 1);
    let mut options = CompileOptions::default();
    options.volumes.insert('C', r"\Device\HarddiskVolume3".to_owned());
    assert!(policy::compile(text, &options).unwrap().warnings.is_empty());
}
