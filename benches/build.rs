//! Compiles the shim around DPDK where Debian's libdpdk-dev is installed; without it the bench leaves DPDK out.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=peers/dpdk.c");
    println!("cargo::rustc-check-cfg=cfg(dpdk)");
    let Some(flags) = pkg_config("--cflags") else { return };
    // Only what the shim needs: DPDK's own list holds every driver.
    if pkg_config("--libs").is_none() {
        return;
    }
    let mut build = cc::Build::new();
    build.file("peers/dpdk.c").opt_level(3).warnings(false);
    for flag in flags.split_whitespace() {
        build.flag(flag);
    }
    if build.try_compile("weir_dpdk").is_err() {
        println!(
            "cargo::warning=libdpdk-dev is there, but the shim does not compile with it: no DPDK in the bench"
        );
        return;
    }
    for library in ["rte_hash", "rte_acl", "rte_eal", "rte_ring", "rte_rcu"] {
        println!("cargo::rustc-link-lib=dylib={library}");
    }
    println!("cargo::rustc-cfg=dpdk");
}

fn pkg_config(what: &str) -> Option<String> {
    let output = Command::new("pkg-config").args([what, "libdpdk"]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
