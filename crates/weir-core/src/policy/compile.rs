//! Compiles the TOML policy language to an image, with diagnostics that name line, column and a way out.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::action::{self, ACTIONS, Settings};
use super::amount;
use super::diagnostic::{Diagnostic, Problem, Sink};
use super::encode;
use super::image::{Defaults, Failure, MAX_ITEMS, MAX_NAME};
use super::treatment::Treatment;
use super::value::{self, Application, Domain, Interface, Ports, Prefix};
use crate::wire::{ethertype, protocol};
use crate::{Action, Direction};

/// What the compiler must be told about the machine that will run the policy.
#[derive(Clone, Debug, Default)]
pub struct CompileOptions {
    /// Drive letter (upper case) to NT device, such as `'C'` to `\Device\HarddiskVolume3`. A path on a drive
    /// that is not listed matches below any volume.
    pub volumes: BTreeMap<char, String>,
}

/// A compiled policy.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The image, ready for the driver.
    pub image: Vec<u8>,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
}

/// A rule as written. An empty list asks for nothing.
#[derive(Debug, Default)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) block: bool,
    pub(super) treatment: Treatment,
    pub(super) direction: Option<Direction>,
    pub(super) protocol: Vec<u8>,
    pub(super) ethertype: Vec<u16>,
    pub(super) local: Vec<Prefix>,
    pub(super) remote: Vec<Prefix>,
    pub(super) local_port: Vec<Ports>,
    pub(super) remote_port: Vec<Ports>,
    pub(super) interface: Vec<Interface>,
    pub(super) application: Vec<Application>,
    pub(super) user: Vec<Vec<u8>>,
    pub(super) vlan: Vec<(u16, u16)>,
    pub(super) domain: Vec<Domain>,
}

const SECTIONS: &[&str] = &["defaults", "rule"];
const DEFAULTS: &[&str] = &["outbound", "inbound", "failure"];
const KEYS: &[&str] = &[
    "name",
    "action",
    "direction",
    "protocol",
    "ethertype",
    "local",
    "remote",
    "local-port",
    "remote-port",
    "interface",
    "application",
    "user",
    "vlan",
    "domain",
    "rate",
    "burst",
    "per",
    "over",
    "max-delay",
    "dscp",
    "priority",
    "fallback",
    "timeout",
];
const DEFAULT_ACTIONS: &[(&str, bool)] = &[("permit", false), ("block", true)];
const DIRECTIONS: &[(&str, Option<Direction>)] =
    &[("out", Some(Direction::Send)), ("in", Some(Direction::Receive)), ("both", None)];
const FAILURES: &[(&str, Failure)] = &[("open", Failure::Open), ("closed", Failure::Closed)];
/// Rules beyond this number are not searched for ones that can never match: it takes quadratic time.
const SHADOW_LIMIT: usize = 4_000;

/// Compiles `text`; on errors returns every diagnostic, warnings included, in the order of the text.
pub fn compile(text: &str, options: &CompileOptions) -> Result<Compiled, Vec<Diagnostic>> {
    let mut compiler = Compiler { sink: Sink::new(text), options };
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(text.len()..text.len());
        compiler
            .sink
            .error(span, Problem::new(format!("not valid TOML: {}", error.message()), toml_hint(error)));
    }
    if !errors.is_empty() {
        return Err(compiler.sink.finish());
    }
    let (defaults, rules) = compiler.document(document.get_ref());
    if compiler.sink.has_errors() {
        return Err(compiler.sink.finish());
    }
    let rules: Vec<Rule> = rules.into_iter().map(|(rule, _)| rule).collect();
    match encode::image(&defaults, &rules) {
        Some(image) => Ok(Compiled { image, warnings: compiler.sink.finish() }),
        None => {
            compiler.sink.error(
                text.len()..text.len(),
                Problem::new("the policy is too large", "an image is limited to 4 GiB"),
            );
            Err(compiler.sink.finish())
        }
    }
}

fn toml_hint(error: &toml::de::Error) -> &'static str {
    let message = error.message();
    if message.contains("escape") || message.contains("unicode") {
        r"in double quotes a backslash begins an escape: write Windows paths in single quotes"
    } else if message.contains("duplicate") {
        "each key stands once per rule; several values go into a list: [\"a\", \"b\"]"
    } else {
        "text needs quotes, lists need brackets and commas, each rule begins with [[rule]]"
    }
}

struct Compiler<'t, 'o> {
    sink: Sink<'t>,
    options: &'o CompileOptions,
}

type Value<'i> = Spanned<DeValue<'i>>;

impl Compiler<'_, '_> {
    fn document(&mut self, document: &DeTable<'_>) -> (Defaults, Vec<(Rule, Range<usize>)>) {
        let mut defaults =
            Defaults { outbound: Action::Permit, inbound: Action::Permit, failure: Failure::Open };
        let mut rules = Vec::new();
        for (key, value) in document {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("defaults", DeValue::Table(table)) => self.defaults(table, &mut defaults),
                ("defaults", _) => self.sink.error(
                    key.span(),
                    Problem::new("`defaults` is a table", "write [defaults] on a line of its own"),
                ),
                ("rule", DeValue::Array(array)) => {
                    for entry in array.iter() {
                        match entry.get_ref() {
                            DeValue::Table(table) => {
                                let rule = self.rule(table, &entry.span());
                                rules.push((rule, entry.span()));
                            }
                            _ => self.sink.error(
                                entry.span(),
                                Problem::new("a rule is a table", "begin each rule with [[rule]]"),
                            ),
                        }
                    }
                }
                ("rule", _) => self.sink.error(
                    key.span(),
                    Problem::new("rules stand in a list of tables", "write [[rule]] with double brackets"),
                ),
                (other, _) => self.sink.error(key.span(), Problem::unknown("section", other, SECTIONS)),
            }
        }
        self.check_names(&rules);
        self.check_shadows(&rules);
        (defaults, rules)
    }

    fn defaults(&mut self, table: &DeTable<'_>, defaults: &mut Defaults) {
        let action = |block| if block { Action::Block } else { Action::Permit };
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "outbound" => {
                    if let Some(block) = self.word("action", value, DEFAULT_ACTIONS) {
                        defaults.outbound = action(block);
                    }
                }
                "inbound" => {
                    if let Some(block) = self.word("action", value, DEFAULT_ACTIONS) {
                        defaults.inbound = action(block);
                    }
                }
                "failure" => {
                    if let Some(failure) = self.word("failure mode", value, FAILURES) {
                        defaults.failure = failure;
                    }
                }
                other => {
                    self.sink.error(key.span(), Problem::unknown("key in [defaults]", other, DEFAULTS));
                }
            }
        }
    }

    fn rule(&mut self, table: &DeTable<'_>, span: &Range<usize>) -> Rule {
        let mut rule = Rule::default();
        let mut settings = Settings::default();
        let options = self.options;
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "name" => rule.name = self.name(value),
                "action" => {
                    let words =
                        self.list(value, |item| text(item, |word| value::named("action", word, ACTIONS)));
                    let written = value.get_ref().as_array().map_or(1, |list| list.iter().count());
                    // With a word missing, nothing more can be said about the others.
                    if words.len() == written {
                        settings.action(&words, value.span());
                    }
                }
                "rate" => settings.rate = self.one(value, |item| text(item, amount::rate)),
                "burst" => settings.burst = self.one(value, |item| text(item, amount::burst)),
                "per" => settings.per = self.word("scope", value, action::SCOPES),
                "over" => settings.over = self.word("way", value, action::EXCESSES),
                "max-delay" => settings.max_delay = self.one(value, |item| text(item, amount::delay)),
                "fallback" => settings.fallback = self.word("fallback", value, action::FALLBACKS),
                "timeout" => settings.timeout = self.one(value, |item| text(item, amount::timeout)),
                "priority" => settings.priority = self.one(value, |item| number(item, amount::priority)),
                "dscp" => {
                    settings.dscp =
                        self.one(value, |item| either(item, amount::dscp_name, amount::dscp_number));
                }
                "vlan" => {
                    rule.vlan = self.list(value, |item| either(item, value::vlans, value::vlan_number));
                }
                "direction" => rule.direction = self.word("direction", value, DIRECTIONS).unwrap_or_default(),
                "protocol" => {
                    rule.protocol =
                        self.list(value, |item| either(item, value::protocol_name, value::protocol_number));
                }
                "ethertype" => {
                    rule.ethertype =
                        self.list(value, |item| either(item, value::ethertype_name, value::ethertype_number));
                }
                "local" => rule.local = self.list(value, |item| text(item, value::prefix)),
                "remote" => rule.remote = self.list(value, |item| text(item, value::prefix)),
                "local-port" => {
                    rule.local_port = self.list(value, |item| either(item, value::ports, value::port_number));
                }
                "remote-port" => {
                    rule.remote_port =
                        self.list(value, |item| either(item, value::ports, value::port_number));
                }
                "interface" => {
                    rule.interface =
                        self.list(value, |item| either(item, value::interface, value::interface_index));
                }
                "application" => {
                    rule.application =
                        self.list(value, |item| text(item, |path| value::application(path, options)));
                    if rule.application.iter().any(|item| matches!(item, Application::BelowVolume(_))) {
                        self.sink.warning(
                            value.span(),
                            Problem::new(
                                "the drive of this path is not known here, so the path matches on any volume",
                                "compile where the drive exists, or write the NT path",
                            ),
                        );
                    }
                }
                "domain" => rule.domain = self.list(value, |item| text(item, value::domain)),
                "user" => rule.user = self.list(value, |item| text(item, value::user)),
                other => self.sink.error(key.span(), Problem::unknown("key in a rule", other, KEYS)),
            }
        }
        for required in ["name", "action"] {
            if !table.contains_key(required) {
                let hint = match required {
                    "name" => "add name = \"...\": status output shows it beside what the rule did",
                    _ => {
                        "add action = \"permit\", \"block\", \"reject\", \"rate-limit\", \"mark\", \"tap\" or \"ask\""
                    }
                };
                self.sink.error(span.clone(), Problem::new(format!("this rule has no `{required}`"), hint));
            }
        }
        let at = |key: &str| table.get_key_value(key).map_or(span.clone(), |(key, _)| key.span());
        let present = |key: &str| table.contains_key(key);
        match settings.resolve(&present) {
            Ok((block, treatment)) => (rule.block, rule.treatment) = (block, treatment),
            Err(wrong) => {
                for (place, problem) in wrong {
                    self.sink.error(place.span(&at), problem);
                }
            }
        }
        self.check_sense(&rule, table, span);
        rule
    }

    /// One value.
    fn one<T>(
        &mut self,
        value: &Value<'_>,
        read: impl FnOnce(&DeValue<'_>) -> Result<T, Problem>,
    ) -> Option<T> {
        read(value.get_ref()).map_err(|problem| self.sink.error(value.span(), problem)).ok()
    }

    fn name(&mut self, value: &Value<'_>) -> String {
        match value.get_ref() {
            DeValue::String(name)
                if !name.is_empty()
                    && name.len() <= MAX_NAME as usize
                    && !name.contains(char::is_control) =>
            {
                name.to_string()
            }
            DeValue::String(_) => {
                let problem = Problem::new(
                    "a rule's name has 1 to 256 bytes and no control characters",
                    "a few words with hyphens serve well",
                );
                self.sink.error(value.span(), problem);
                String::new()
            }
            other => {
                self.sink.error(value.span(), wrong_type("text in quotes", other));
                String::new()
            }
        }
    }

    fn word<T: Copy>(&mut self, what: &str, value: &Value<'_>, known: &[(&str, T)]) -> Option<T> {
        let DeValue::String(word) = value.get_ref() else {
            self.sink.error(value.span(), wrong_type("text in quotes", value.get_ref()));
            return None;
        };
        let found = known.iter().find(|(name, _)| *name == word.as_ref());
        if found.is_none() {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            self.sink.error(value.span(), Problem::unknown(what, word, &names));
        }
        found.map(|(_, value)| *value)
    }

    /// One value, or a list of them.
    fn list<T>(&mut self, value: &Value<'_>, read: impl Fn(&DeValue<'_>) -> Result<T, Problem>) -> Vec<T> {
        let items: Vec<&Value<'_>> = match value.get_ref() {
            DeValue::Array(array) => array.iter().collect(),
            _ => vec![value],
        };
        if items.is_empty() {
            self.sink.error(
                value.span(),
                Problem::new("an empty list would match nothing", "leave the key out to match everything"),
            );
        }
        if items.len() > MAX_ITEMS as usize {
            self.sink.error(
                value.span(),
                Problem::new(
                    format!("this list has {} entries, more than {MAX_ITEMS}", items.len()),
                    "split the rule",
                ),
            );
        }
        let mut values = Vec::new();
        for item in items {
            match read(item.get_ref()) {
                Ok(value) => values.push(value),
                Err(problem) => self.sink.error(item.span(), problem),
            }
        }
        values
    }

    /// Finds combinations that no frame can have.
    fn check_sense(&mut self, rule: &Rule, table: &DeTable<'_>, span: &Range<usize>) {
        let at = |key: &str| table.get_key_value(key).map_or(span.clone(), |(key, _)| key.span());
        let ports = if rule.remote_port.is_empty() { "local-port" } else { "remote-port" };
        let wants_ports = !rule.remote_port.is_empty() || !rule.local_port.is_empty();
        let without = rule.protocol.iter().find(|number| !protocol::has_ports(**number));
        if let (true, Some(number)) = (wants_ports, without) {
            let name = value::PROTOCOLS.iter().find(|(_, value)| value == number);
            let name = name.map_or(number.to_string(), |(name, _)| (*name).to_owned());
            self.sink.error(
                at(ports),
                Problem::new(
                    format!("protocol {name} has no ports"),
                    "tcp, udp, udp-lite, sctp and dccp have",
                ),
            );
        }
        let ip = !rule.protocol.is_empty()
            || !rule.local.is_empty()
            || !rule.remote.is_empty()
            || !rule.application.is_empty()
            || !rule.user.is_empty()
            || !rule.domain.is_empty()
            || wants_ports;
        let foreign =
            rule.ethertype.iter().find(|number| !matches!(**number, ethertype::IPV4 | ethertype::IPV6));
        if let (true, Some(number)) = (ip, foreign) {
            self.sink.error(
                at("ethertype"),
                Problem::new(
                    format!(
                        "frames of ethertype {number:#06x} have no address, port, protocol, owner or name"
                    ),
                    "such a rule may name direction and interface only",
                ),
            );
        }
        let not_ip = !rule.ethertype.is_empty()
            && rule.ethertype.iter().all(|number| !matches!(*number, ethertype::IPV4 | ethertype::IPV6));
        if not_ip && rule.treatment.mark.dscp.is_some() {
            self.sink.error(
                at("dscp"),
                Problem::new(
                    "frames of these ethertypes have no DSCP",
                    "only IPv4 and IPv6 headers have one",
                ),
            );
        }
        if rule.treatment.ask.is_some() && (not_ip || !rule.vlan.is_empty()) {
            let key = if not_ip { "ethertype" } else { "vlan" };
            self.sink.error(
                at(key),
                Problem::new(
                    format!("a rule with `{key}` is not known yet when the agent is asked"),
                    "a question is about an IP flow, before its first frame: use `ask` without this key",
                ),
            );
        }
        let one_family = |prefixes: &[Prefix], v4: bool| {
            !prefixes.is_empty() && prefixes.iter().all(|prefix| prefix.length >= 1 && prefix.is_v4() == v4)
        };
        for v4 in [true, false] {
            if one_family(&rule.local, v4) && one_family(&rule.remote, !v4) {
                self.sink.error(
                    at("remote"),
                    Problem::new(
                        "`local` and `remote` have no IP version in common",
                        "no flow has an IPv4 address at one end and an IPv6 address at the other",
                    ),
                );
            }
        }
    }

    fn check_names(&mut self, rules: &[(Rule, Range<usize>)]) {
        let mut seen: BTreeMap<&str, &Range<usize>> = BTreeMap::new();
        for (rule, span) in rules {
            if rule.name.is_empty() {
                continue;
            }
            if let Some(first) = seen.insert(&rule.name, span) {
                let (line, _) = self.sink.position(first.start);
                self.sink.error(
                    span.clone(),
                    Problem::new(
                        format!("a rule named `{}` stands already in line {line}", rule.name),
                        "names must differ: status output shows rules by name",
                    ),
                );
            }
        }
    }

    fn check_shadows(&mut self, rules: &[(Rule, Range<usize>)]) {
        if self.sink.has_errors() {
            return;
        }
        for (index, (rule, span)) in rules.iter().enumerate().take(SHADOW_LIMIT) {
            let earlier = rules.iter().take(index).find(|(earlier, _)| earlier.covers(rule));
            if let Some((earlier, earlier_span)) = earlier {
                let (line, _) = self.sink.position(earlier_span.start);
                self.sink.warning(
                    span.clone(),
                    Problem::new(
                        format!(
                            "rule `{}` never decides: `{}` in line {line} matches everything that it matches",
                            rule.name, earlier.name
                        ),
                        "the first rule that matches decides: move the narrower rule up, or remove it",
                    ),
                );
            }
        }
    }
}

impl Rule {
    /// True when this rule matches whatever `other` matches.
    fn covers(&self, other: &Rule) -> bool {
        self.direction.is_none_or(|direction| other.direction == Some(direction))
            && subset(&self.protocol, &other.protocol, |mine, theirs| mine == theirs)
            && subset(&self.ethertype, &other.ethertype, |mine, theirs| mine == theirs)
            && subset(&self.local, &other.local, |mine, theirs| mine.covers(*theirs))
            && subset(&self.remote, &other.remote, |mine, theirs| mine.covers(*theirs))
            && subset(&self.local_port, &other.local_port, contains)
            && subset(&self.remote_port, &other.remote_port, contains)
            && subset(&self.interface, &other.interface, |mine, theirs| mine == theirs)
            && subset(&self.application, &other.application, |mine, theirs| mine == theirs)
            && subset(&self.user, &other.user, |mine, theirs| mine == theirs)
            && subset(&self.vlan, &other.vlan, contains)
            && subset(&self.domain, &other.domain, Domain::covers)
    }
}

fn subset<T>(mine: &[T], theirs: &[T], covers: impl Fn(&T, &T) -> bool) -> bool {
    mine.is_empty()
        || (!theirs.is_empty() && theirs.iter().all(|item| mine.iter().any(|wider| covers(wider, item))))
}

fn contains(mine: &Ports, theirs: &Ports) -> bool {
    mine.0 <= theirs.0 && theirs.1 <= mine.1
}

fn wrong_type(wanted: &str, found: &DeValue<'_>) -> Problem {
    Problem::from(format!("expected {wanted}, found {}", found.type_str()))
}

fn text<T>(value: &DeValue<'_>, read: impl FnOnce(&str) -> Result<T, Problem>) -> Result<T, Problem> {
    match value {
        DeValue::String(text) => read(text),
        other => Err(wrong_type("text in quotes", other)),
    }
}

fn either<T>(
    value: &DeValue<'_>,
    read_text: impl FnOnce(&str) -> Result<T, Problem>,
    read_number: impl FnOnce(i64) -> Result<T, Problem>,
) -> Result<T, Problem> {
    match value {
        DeValue::String(text) => read_text(text),
        DeValue::Integer(_) => number(value, read_number),
        other => Err(wrong_type("text in quotes or a number", other)),
    }
}

fn number<T>(value: &DeValue<'_>, read: impl FnOnce(i64) -> Result<T, Problem>) -> Result<T, Problem> {
    match value {
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => read(number),
            Err(_) => Err(Problem::from(format!("{} is too large", number.as_str()))),
        },
        other => Err(wrong_type("a number", other)),
    }
}
