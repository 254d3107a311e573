//! What a newcomer should take from the demo, in words. The numbers come from `weirctl lab run --json`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use serde::Deserialize;

/// The parts of weirctl's report that the summary tells. `docs/weirctl.md` describes the whole.
#[derive(Deserialize)]
pub(super) struct Report {
    driver: Option<Driver>,
    frames: Option<Frames>,
    verifier: Verifier,
}

#[derive(Deserialize)]
struct Driver {
    version: String,
    flows: Vec<Flow>,
}

#[derive(Deserialize)]
struct Frames {
    total: u64,
    to_wire: u64,
    to_stack: u64,
    blocked_by_filter: u64,
    blocked_by_ale: u64,
}

#[derive(Deserialize)]
struct Verifier {
    verdict: String,
}

#[derive(Deserialize)]
struct Flow {
    process: Option<Process>,
    protocol_name: String,
    local_port: Option<u16>,
    remote_address: String,
    remote_port: Option<u16>,
    origin: String,
    verdict: String,
    decided_by: DecidedBy,
    sent: Traffic,
    received: Traffic,
}

#[derive(Deserialize)]
struct Process {
    name: String,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum DecidedBy {
    Rule { name: Option<String> },
    Default,
    Nothing,
}

#[derive(Deserialize)]
struct Traffic {
    frames: u64,
}

impl Report {
    /// The summary; an error when the demo did not show what it is for.
    pub(super) fn summary(&self) -> Result<String> {
        let driver = self.driver.as_ref().context("the driver did not answer")?;
        let frames = self.frames.as_ref().context("the run did not end")?;
        let blocked: Vec<&Flow> = driver.flows.iter().filter(|flow| flow.verdict == "block").collect();
        if !blocked.iter().any(|flow| matches!(flow.decided_by, DecidedBy::Rule { .. })) {
            bail!("no rule of the demo's policy blocked anything");
        }
        if self.verifier.verdict != "no finding" {
            bail!("the lab's checks of the driver ended with: {}", self.verifier.verdict);
        }

        let names = driver.flows.iter().filter_map(|flow| flow.process.as_ref());
        let names: BTreeSet<&str> = names.map(|process| process.name.as_str()).collect();
        let through = frames.to_wire + frames.to_stack;
        let mut text = String::new();
        writeln!(text, "\nIn short")?;
        writeln!(
            text,
            "  weir.sys {}, the file that Windows would load, ran in a simulated kernel and filtered",
            driver.version
        )?;
        writeln!(
            text,
            "  {} frames of a real recording: {} flows of {} programs.",
            frames.total,
            driver.flows.len(),
            names.len()
        )?;
        writeln!(
            text,
            "  {through} frames got through. {} were dropped on the adapter, {} never left or reached a socket.",
            frames.blocked_by_filter, frames.blocked_by_ale
        )?;
        writeln!(text, "\nBlocked, and why")?;
        for flow in blocked {
            writeln!(text, "  {}", flow.sentence())?;
        }
        writeln!(
            text,
            "\nNo leak, no broken kernel rule. The policy is tests/data/demo/policy.toml: change it and run again."
        )?;
        Ok(text)
    }
}

impl Flow {
    /// `"no telemetry": telemetry.exe to 203.0.113.99:4433 (UDP), 0 of its frames got through`
    fn sentence(&self) -> String {
        let rule = match &self.decided_by {
            DecidedBy::Rule { name } => format!("rule \"{}\"", name.as_deref().unwrap_or("?")),
            DecidedBy::Default => "the default".to_owned(),
            DecidedBy::Nothing => "nobody".to_owned(),
        };
        let program = self.process.as_ref().map_or("an unknown program", |process| &process.name);
        let remote = match self.remote_port {
            Some(port) if self.remote_address.contains(':') => format!("[{}]:{port}", self.remote_address),
            Some(port) => format!("{}:{port}", self.remote_address),
            None => self.remote_address.clone(),
        };
        let what = match (self.origin.as_str(), self.local_port) {
            ("in", Some(port)) => format!("{remote} to {program}, port {port}"),
            ("in", None) => format!("{remote} to {program}"),
            _ => format!("{program} to {remote}"),
        };
        let through = self.sent.frames + self.received.frames;
        format!("{rule}: {what} ({}), {through} frames got through", self.protocol_name)
    }
}

#[cfg(test)]
mod tests {
    use super::Report;

    const REPORT: &str = r#"{
        "driver": {"version": "0.1.0", "flows": [
            {"process": {"id": 7, "name": "telemetry.exe", "image": null}, "protocol_name": "UDP", "local_port": 5000,
             "remote_address": "2001:db8::99", "remote_port": 4433, "origin": "out", "verdict": "block",
             "decided_by": {"kind": "rule", "index": 0, "name": "no telemetry"},
             "sent": {"frames": 0, "bytes": 0}, "received": {"frames": 0, "bytes": 0}},
            {"process": null, "protocol_name": "TCP", "local_port": 22,
             "remote_address": "192.0.2.1", "remote_port": 999, "origin": "in", "verdict": "block",
             "decided_by": {"kind": "default"},
             "sent": {"frames": 0, "bytes": 0}, "received": {"frames": 2, "bytes": 0}}
        ]},
        "frames": {"total": 12, "to_wire": 3, "to_stack": 4, "blocked_by_filter": 2, "blocked_by_ale": 3},
        "verifier": {"verdict": "no finding"}
    }"#;

    fn summary(json: &str) -> anyhow::Result<String> {
        serde_json::from_str::<Report>(json)?.summary()
    }

    #[test]
    fn names_every_blocked_flow() {
        let text = summary(REPORT).expect("a good report");
        for part in [
            "12 frames of a real recording: 2 flows of 1 programs",
            "7 frames got through. 2 were dropped on the adapter, 3 never left",
            "rule \"no telemetry\": telemetry.exe to [2001:db8::99]:4433 (UDP), 0 frames got through",
            "the default: 192.0.2.1:999 to an unknown program, port 22 (TCP), 2 frames got through",
        ] {
            assert!(text.contains(part), "{part:?} is not in:\n{text}");
        }
    }

    #[test]
    fn fails_when_there_is_nothing_to_show() {
        for (good, bad, error) in [
            ("\"no finding\"", "\"leak\"", "ended with: leak"),
            ("\"verdict\": \"block\"", "\"verdict\": \"permit\"", "blocked anything"),
            ("\"driver\": {", "\"driver\": null, \"other\": {", "did not answer"),
            ("\"frames\": {\"total\"", "\"other\": {\"total\"", "did not end"),
        ] {
            let found = summary(&REPORT.replace(good, bad)).expect_err(error);
            assert!(found.to_string().contains(error), "{found}");
        }
    }
}
