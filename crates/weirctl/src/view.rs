//! A report as tables: the driver's own data, and one closing sentence that needs no prior knowledge.

use std::fmt::Write;
use std::net::IpAddr;

use crate::output::Style;
use crate::report::Capture;
use crate::report::Counter;
use crate::report::Driver;
use crate::report::Flow;
use crate::report::Report;
use crate::report::Traffic;
use crate::report::Verifier;
use crate::table::Align::Left;
use crate::table::Align::Right;
use crate::table::Table;
use crate::text;
use crate::text::count;

/// Flows shown; the JSON document has all.
const MOST_FLOWS: usize = 50;
/// Longer names of programs and users are cut.
const PROCESS_WIDTH: usize = 18;
/// Likewise for names of hosts.
const NAME_WIDTH: usize = 32;
/// Where the name stands in the wide table, when there is any.
const NAME_COLUMN: usize = 5;

/// The report for people.
pub(crate) fn render(report: &Report, style: Style, width: usize) -> String {
    let mut out = String::new();
    let view = View { style, width };
    out.push_str(&view.head(report));
    if let Some(driver) = &report.driver {
        out.push_str(&view.adapters(driver));
        out.push_str(&view.flows(driver));
        out.push_str(&view.drops(report));
        out.push_str(&view.counters(driver));
    }
    out.push_str(&view.findings(report));
    out.push('\n');
    for line in text::wrap(&report.summary, width) {
        let _ = writeln!(out, "{}", style.strong(&line));
    }
    out
}

struct View {
    style: Style,
    width: usize,
}

impl View {
    fn section(&self, title: &str) -> String {
        section(title, self.style)
    }

    fn head(&self, report: &Report) -> String {
        let title = match &report.driver {
            Some(driver) => format!("weir.sys {} on {}", driver.version, report.capture.file),
            None => format!("weir.sys on {}", report.capture.file),
        };
        let mut out = format!("{}\n\n", self.style.strong(&title));
        let mut line = |name: &str, value: &str, apply: fn(Style, &str) -> String| {
            let lines = text::wrap(value, self.width.saturating_sub(12));
            for (name, line) in std::iter::once(name).chain(std::iter::repeat("")).zip(lines) {
                let name = self.style.weak(&format!("{name:<8}"));
                let _ = writeln!(out, "  {name}  {}", apply(self.style, &line));
            }
        };
        let plain: fn(Style, &str) -> String = |_, text| text.to_owned();
        line("Capture", &capture(&report.capture), plain);
        if let Some(damage) = &report.capture.damage {
            line("", &format!("{damage}; the frames before are used"), Style::warn);
        }
        if report.capture.cut > 0 {
            let cut = count(report.capture.cut, "frame");
            line("", &format!("{cut} cut by the capture's snapshot length"), Style::warn);
        }
        let addresses = report.local.addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>();
        let addresses = if addresses.is_empty() { "no address".into() } else { text::list(&addresses) };
        line("Our side", &addresses, plain);
        if report.local.assumed {
            let note = format!("assumed: {}; --local ADDR,... sets it", report.local.because);
            line("", &note, Style::weak);
        }
        let Some(driver) = &report.driver else {
            line("Driver", &report.image, plain);
            return out;
        };
        let ale = if driver.wfp_active { "ALE callouts in place" } else { "ALE callouts not in place" };
        line("Driver", &format!("{} (NDIS {}, {ale})", report.image, driver.ndis), plain);
        line("Policy", &policy(report.policy_file.as_deref(), driver), plain);
        out
    }

    fn adapters(&self, driver: &Driver) -> String {
        let mut table = Table::new(&[
            ("Name", Left),
            ("Address", Left),
            ("State", Left),
            ("Sent", Right),
            ("Received", Right),
            ("Blocked", Right),
        ]);
        for adapter in &driver.adapters {
            let address = if adapter.mac.is_empty() { adapter.medium.clone() } else { adapter.mac.clone() };
            table.row(vec![
                text::printable(&adapter.name),
                address,
                adapter.state.clone(),
                adapter.frames_sent.to_string(),
                adapter.frames_received.to_string(),
                adapter.frames_blocked.to_string(),
            ]);
        }
        self.section("Adapters") + &table.render(2, self.width, self.style)
    }

    fn flows(&self, driver: &Driver) -> String {
        let mut flows = driver.flows.iter().filter(|flow| !is_icmp_permission(flow)).collect::<Vec<_>>();
        flows.sort_by_key(|flow| (std::cmp::Reverse(all(flow).bytes), flow.id));
        let title = match flows.len() {
            0 => return self.section("Flows") + "  none\n",
            1 => "Flows".to_owned(),
            number => format!("Flows ({number}, largest first)"),
        };
        let hidden = flows.len().saturating_sub(MOST_FLOWS);
        flows.truncate(MOST_FLOWS);
        let wide = self.wide_flows(&flows);
        let mut out = self.section(&title);
        if wide.width(2) <= self.width {
            out.push_str(&wide.render(2, self.width, self.style));
        } else {
            out.push_str(&self.tall_flows(&flows).render(2, self.width, self.style));
        }
        if hidden > 0 {
            let _ = writeln!(out, "  … and {}; --json lists them all", count(hidden as u64, "smaller flow"));
        }
        out
    }

    /// One line for each flow.
    fn wide_flows(&self, flows: &[&Flow]) -> Table {
        let mut columns = vec![
            ("Process", Left),
            ("Proto", Left),
            ("Local", Left),
            ("", Left),
            ("Remote", Left),
            ("Frames", Right),
            ("Bytes", Right),
            ("State", Left),
            ("Verdict", Left),
        ];
        let named = flows.iter().any(|flow| flow.name.is_some());
        if named {
            columns.insert(NAME_COLUMN, ("Name", Left));
        }
        let mut table = Table::new(&columns);
        for flow in flows {
            let (local, remote) = ends(flow);
            let mut cells = vec![
                process(flow),
                flow.protocol_name.clone(),
                local,
                arrow(flow).into(),
                remote,
                all(flow).frames.to_string(),
                text::bytes(all(flow).bytes),
                flow.state.clone(),
                format!("{} by {}", self.verdict(flow), flow.decided_by.words())
                    .trim_end_matches(" by ")
                    .to_owned(),
            ];
            if named {
                cells.insert(NAME_COLUMN, host(flow).unwrap_or_default());
            }
            table.row(cells);
        }
        table
    }

    /// Two lines for each flow, for long addresses and narrow terminals.
    fn tall_flows(&self, flows: &[&Flow]) -> Table {
        let mut table = Table::new(&[
            ("Process\n  user", Left),
            ("Proto\nstate", Left),
            ("Local\n  remote", Left),
            ("Frames\nbytes", Right),
            ("Verdict\n  by", Left),
        ]);
        for flow in flows {
            let (local, remote) = ends(flow);
            let user = flow
                .user
                .as_deref()
                .map(|sid| short(&text::user(sid), PROCESS_WIDTH - 2))
                .unwrap_or_default();
            table.row(vec![
                format!("{}\n  {}", process(flow), self.style.weak(&user)),
                format!("{}\n{}", flow.protocol_name, self.style.weak(&flow.state)),
                match host(flow) {
                    Some(host) => format!("{local}\n{} {remote}\n  {}", arrow(flow), self.style.weak(&host)),
                    None => format!("{local}\n{} {remote}", arrow(flow)),
                },
                format!("{}\n{}", all(flow).frames, text::bytes(all(flow).bytes)),
                format!("{}\n  {}", self.verdict(flow), flow.decided_by.words()),
            ]);
        }
        table
    }

    fn verdict(&self, flow: &Flow) -> String {
        match flow.verdict.as_str() {
            "block" => self.style.bad("BLOCKED"),
            "permit" => self.style.good("permitted"),
            other => self.style.weak(other),
        }
    }

    fn drops(&self, report: &Report) -> String {
        if report.driver.as_ref().is_none_or(|driver| driver.policy.is_none()) {
            return String::new();
        }
        let drops = report.drops();
        if drops.is_empty() {
            return self.section("Drops") + "  none: the policy has no rule that blocks\n";
        }
        let mut table =
            Table::new(&[("Decided by", Left), ("Dropped by the filter", Right), ("Stopped at ALE", Right)]);
        for drop in drops {
            table.row(vec![drop.by, self.loud(drop.filter), self.loud(drop.ale)]);
        }
        self.section("Drops") + &table.render(2, self.width, self.style)
    }

    /// A number in red, unless it is zero.
    fn loud(&self, number: u64) -> String {
        if number == 0 { "0".into() } else { self.style.bad(&number.to_string()) }
    }

    fn counters(&self, driver: &Driver) -> String {
        let mut table = Table::bare(&[Right, Left, Right, Left, Right, Left]);
        let malformed = driver
            .malformed
            .iter()
            .map(|counter| Counter { name: format!("malformed: {}", counter.name), value: counter.value });
        let shown = driver.counters.iter().filter(|counter| counter.value != 0).cloned().chain(malformed);
        let cells = shown.flat_map(|counter| [counter.value.to_string(), counter.name]).collect::<Vec<_>>();
        if cells.is_empty() {
            return String::new();
        }
        // Down the columns, then across, so that what belongs together stands together.
        let lines = (cells.len() / 2).div_ceil(3);
        for line in 0..lines {
            let row = (0..3).flat_map(|column| {
                let at = (column * lines + line) * 2;
                [at, at + 1].map(|at| cells.get(at).cloned().unwrap_or_default())
            });
            table.row(row.collect());
        }
        self.section("Counters (those that are not zero)") + &table.render(2, self.width, self.style)
    }

    fn findings(&self, report: &Report) -> String {
        findings(&report.verifier, self.style)
    }
}

fn section(title: &str, style: Style) -> String {
    format!("\n{}\n", style.strong(title))
}

/// Broken rules, bug checks and what was left behind.
pub(crate) fn findings(verifier: &Verifier, style: Style) -> String {
    if verifier.findings.is_empty() && verifier.leaks.is_empty() {
        return String::new();
    }
    let mut out = section("Findings", style);
    for finding in &verifier.findings {
        let _ = writeln!(out, "  {} {}", style.bad(&finding.rule), finding.text);
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(out, "    {}  {value}", style.weak(&format!("{name:<6}")));
        };
        if !finding.rule_text.is_empty() {
            line("rule", &format!("{} [{}]", finding.rule_text, finding.source));
        }
        if let Some(check) = &finding.bug_check {
            line("stop", &format!("{:#X} {}", check.code, check.name));
        }
        line("on", &format!("processor {} at IRQL {}", finding.processor, finding.irql));
        if let Some(routine) = &finding.routine {
            line("during", routine);
        }
        if let Some(export) = &finding.export {
            line("in", export);
        }
        if let Some(caller) = &finding.caller {
            line("caller", caller);
        }
        for frame in &finding.stack {
            line("stack", frame);
        }
        for nbl in &finding.nbls {
            line("owner", nbl);
        }
    }
    for leak in &verifier.leaks {
        let _ = writeln!(out, "  {} left behind: {}", style.bad(&leak.rule), leak.what);
        let _ = writeln!(out, "    {}  {}", style.weak("made at"), leak.creator);
    }
    out
}

fn capture(capture: &Capture) -> String {
    let interfaces = match capture.interfaces.as_slice() {
        [only] => only.link_type_name.clone(),
        several => count(several.len() as u64, "interface"),
    };
    format!(
        "{}, {}, {} ({}, {interfaces})",
        count(capture.frames, "frame"),
        text::bytes(capture.bytes),
        text::span(capture.duration_ns),
        capture.format
    )
}

fn policy(file: Option<&str>, driver: &Driver) -> String {
    let Some(policy) = &driver.policy else { return "none: everything passes and is counted".into() };
    let rules = count(policy.rules.len() as u64, "rule");
    format!("{}: {rules}; else {} outbound, {} inbound", file.unwrap_or("-"), policy.outbound, policy.inbound)
}

/// Everything that belongs to a flow, let through or not.
fn all(flow: &Flow) -> Traffic {
    let parts = [flow.sent, flow.received, flow.sent_blocked, flow.received_blocked];
    parts.into_iter().fold(Traffic::default(), |sum, part| Traffic {
        frames: sum.frames + part.frames,
        bytes: sum.bytes + part.bytes,
    })
}

/// ALE permits ICMP per pair of addresses; the frames belong to the echo dialogues of the pair, which have the same owner.
fn is_icmp_permission(flow: &Flow) -> bool {
    matches!(flow.protocol, 1 | 58) && flow.verdict == "permit" && all(flow).frames == 0
}

fn ends(flow: &Flow) -> (String, String) {
    let end = |address: IpAddr, port: Option<u16>| match (address, port) {
        (IpAddr::V4(v4), Some(port)) => format!("{v4}:{port}"),
        (IpAddr::V6(v6), Some(port)) => format!("[{v6}]:{port}"),
        (address, None) => address.to_string(),
    };
    (end(flow.local_address, flow.local_port), end(flow.remote_address, flow.remote_port))
}

/// The name of the other end.
fn host(flow: &Flow) -> Option<String> {
    flow.name.as_deref().map(|name| short(&text::printable(name), NAME_WIDTH))
}

/// Points from who opened the flow to the other.
fn arrow(flow: &Flow) -> &'static str {
    match flow.origin.as_str() {
        "out" => "→",
        "in" => "←",
        _ => "↔",
    }
}

fn process(flow: &Flow) -> String {
    match &flow.process {
        Some(process) if !process.name.is_empty() => short(&text::printable(&process.name), PROCESS_WIDTH),
        Some(process) => format!("pid {}", process.id),
        None => "-".into(),
    }
}

/// At most `width` columns, the end kept: it tells users of one machine apart.
fn short(value: &str, width: usize) -> String {
    let length = value.chars().count();
    if length <= width {
        return value.to_owned();
    }
    format!("…{}", value.chars().skip(length - width + 1).collect::<String>())
}

#[cfg(test)]
mod tests;
