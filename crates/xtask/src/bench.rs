//! `cargo xtask bench`: the fast path beside its peers, and nanoseconds per packet of the driver.

use anyhow::Result;
use anyhow::bail;

use crate::arch::Arch;
use crate::arch::ArchSet;
use crate::build;
use crate::build::Profile;
use crate::process;
use crate::workspace;

/// Measure what a packet costs, in weir-core beside its peers and in weir.sys.
///
/// First the core: parsing, lookups and the whole path of a frame beside other crates and, where libdpdk-dev is
/// installed, DPDK. Then the driver: builds the release image and runs it in the lab without rules, once measuring flows and once as nobody needs it, beside
/// a filter that only forwards and one that NDIS passes by: what these cost is the lab's own share of every number. Nothing here passes or fails; the numbers belong to this machine and
/// say what the driver's code costs, not what NDIS or a network card does. Linux x86-64 only.
#[derive(clap::Args)]
pub struct Args {
    /// Bytes of UDP payload in each packet.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(0..=1472))]
    payload: u32,
    /// Measurements of each number; the median and the minimum are shown.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    chunks: u32,
    /// Leave the core out.
    #[arg(long, conflicts_with = "record")]
    driver_only: bool,
    /// Write the core's results into docs/performance.md, .json and .svg.
    #[arg(long)]
    record: bool,
}

impl Args {
    /// Runs the subcommand.
    pub fn run(self) -> Result<()> {
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            bail!("the lab runs on Linux x86-64 only");
        }
        if !self.driver_only {
            process::step("cargo run -p benches");
            let mut cargo = process::host_cargo();
            cargo.args(["run", "--release", "--locked", "--package", "benches", "--"]);
            if self.record {
                cargo.args(["--json", "docs/performance.json", "--svg", "docs/performance.svg"]);
                cargo.args(["--document", "docs/performance.md"]);
            }
            process::run(&mut cargo)?;
        }
        build::build(ArchSet::X64, Profile::Release)?;
        process::step("cargo bench -p lab");
        let mut cargo = process::host_cargo();
        cargo.args(["bench", "--locked", "--package", "lab", "--bench", "packet_path", "--"]);
        cargo.arg("--driver").arg(workspace::image(Arch::X64)).args(["--parameter", "Observe=1"]);
        cargo.args(["--payload", &self.payload.to_string(), "--chunks", &self.chunks.to_string()]);
        process::run(&mut cargo)
    }
}
