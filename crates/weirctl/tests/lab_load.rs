//! `weirctl lab load`: the life of the real driver, and files that are no drivers.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod common;

use std::path::{Path, PathBuf};

use common::{scratch, weirctl};
use serde_json::Value;

fn image() -> PathBuf {
    let built = || {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/weir/x64/weir.sys");
        path.canonicalize().unwrap_or_else(|error| {
            panic!("{}: {error}; the driver comes from `cargo xtask build`", path.display())
        })
    };
    std::env::var_os("WEIR_SYS").map_or_else(built, PathBuf::from)
}

/// The driver's image with `change` applied to its bytes.
fn changed(name: &str, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let mut bytes = std::fs::read(image()).unwrap();
    change(&mut bytes);
    let path = scratch(name).join("changed.sys");
    std::fs::write(&path, bytes).unwrap();
    path
}

fn load(name: &str, path: &Path) -> (i32, Value) {
    let run = weirctl(&scratch(name), &["lab", "load", path.to_str().expect("UTF-8"), "--json"]);
    (
        run.code,
        serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}{}", run.out, run.err)),
    )
}

#[test]
fn the_driver_lives_and_leaves() {
    let (code, document) = load("load", &image());
    assert_eq!((code, &document["command"]), (0, &Value::from("lab load")));
    let steps = document["steps"].as_array().unwrap();
    let names: Vec<_> = steps.iter().map(|step| step["name"].as_str().unwrap()).collect();
    let expected = ["load the image", "DriverEntry", "FilterRestart", r"open and close \\.\weir", "unload"];
    assert_eq!(names, expected);
    assert!(steps.iter().all(|step| step["result"] == "done"), "{steps:?}");
    let registered = &document["registered"];
    assert_eq!(registered["filter_modules"], 1);
    assert!(registered["callouts"].as_u64().unwrap() > 0);
    assert_eq!(registered["devices"][0][0], r"\\.\weir");
    let imports = document["imports"].as_array().unwrap();
    assert!(imports.len() > 20 && imports.iter().all(|import| import["resolved"] == true));
    assert_eq!(document["verifier"]["verdict"], "no finding");
}

#[test]
fn an_import_that_is_not_there_stops_the_driver_when_it_is_called() {
    let path = changed("load-missing-image", |bytes| {
        let name = b"WdfVersionBind\0";
        let at = bytes.windows(name.len()).position(|window| window == name).unwrap();
        bytes[at..at + 3].copy_from_slice(b"Xyz");
    });
    let (code, document) = load("load-missing", &path);
    assert_eq!(code, 3);
    let missing: Vec<_> =
        document["imports"].as_array().unwrap().iter().filter(|import| import["resolved"] == false).collect();
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert_eq!(missing[0]["name"], "XyzVersionBind");
    let finding = &document["verifier"]["findings"][0];
    assert!(finding["text"].as_str().unwrap().contains("WDFLDR.SYS!XyzVersionBind"), "{finding}");
    let last = document["steps"].as_array().unwrap().last().unwrap();
    assert_eq!((last["name"].as_str(), last["result"].is_null()), (Some("DriverEntry"), true));
}

#[test]
fn a_finding_says_where_the_driver_was_and_what_it_had_called() {
    let path = changed("load-finding-image", |bytes| {
        let name = b"NdisFDeregisterFilterDriver\0";
        let at = bytes.windows(name.len()).position(|window| window == name).unwrap();
        bytes[at..at + 4].copy_from_slice(b"Xyz_");
    });
    std::fs::copy(image().with_extension("pdb"), path.with_file_name("weir.pdb")).unwrap();
    let (code, document) = load("load-finding", &path);
    assert_eq!(code, 3);
    let finding = &document["verifier"]["findings"][0];
    assert_eq!((&finding["irql"], &finding["routine"]), (&0.into(), &"EvtDriverUnload".into()), "{finding}");
    assert!(finding["processor"].as_u64().unwrap() < 64);
    let has_lines =
        |place: &Value| place.as_str().unwrap().contains("crates/kernel/src/ndis/registration.rs:");
    assert!(has_lines(&finding["caller"]) && has_lines(&finding["stack"][0]), "{finding}");
    let calls = finding["calls"].as_array().unwrap();
    assert_eq!(calls.len(), 50);
    assert!(calls.iter().any(|call| call.as_str().unwrap().contains("NDIS.SYS!NdisSetOptionalHandlers(")));
}

#[test]
fn files_that_are_no_drivers_are_refused() {
    let dir = scratch("load-bad");
    std::fs::write(dir.join("text.sys"), "no image").unwrap();
    let run = weirctl(&dir, &["lab", "load", "text.sys"]);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(run.err.contains("`text.sys`: not a PE image"), "{}", run.err);
    let run = weirctl(&dir, &["lab", "load", "absent.sys"]);
    assert_eq!(run.code, 1);
    assert!(run.err.contains("absent.sys"), "{}", run.err);
}
