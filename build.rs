//! Link arguments and version resource of weir.sys.
//!
//! Nothing here runs a tool: the resource is written byte by byte, because a cross build has no resource compiler.

use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Arguments that link.exe and lld-link understand alike, whoever emits the rest.
const COMMON: &[&str] = &[
    "/OSVERSION:10.0",
    "/SUBSYSTEM:NATIVE,10.00",
    "/HIGHENTROPYVA",
    "/INCREMENTAL:NO",
    "/PDBALTPATH:weir.pdb",
    // Start-up code is dropped after DriverEntry; the section must not stay writable.
    "/SECTION:INIT,ERD",
];

/// What `wdk_build::configure_wdk_binary_build` emits on a Windows host, for builds without a WDK.
const DRIVER: &[&str] = &[
    "/DRIVER",
    "/NODEFAULTLIB",
    "/ENTRY:FxDriverEntry",
    "/INTEGRITYCHECK",
    "/NXCOMPAT",
    "/DYNAMICBASE",
    "/MANIFEST:NO",
    "/OPT:REF,ICF",
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let windows = env::var_os("CARGO_CFG_WINDOWS").is_some();
    if !windows || env::var("CARGO_CFG_TARGET_ENV").as_deref() != Ok("msvc") {
        return;
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));

    if !configure_with_wdk() {
        for argument in DRIVER {
            link_argument(argument);
        }
        // Without a name the map goes beside the image.
        link_argument("/MAP");
    }
    for argument in COMMON {
        link_argument(argument);
    }
    // /RELEASE fills in the checksum. Linkers of Linux distributions can be too old for it: there xtask fills it in.
    // lld makes source paths absolute; symbols are of more use with paths relative to the work tree.
    link_argument(if cfg!(windows) { "/RELEASE" } else { "/PDBSOURCEPATH:." });
    let [major, minor, ..] = package_version();
    link_argument(&format!("/VERSION:{major}.{minor}"));

    let resource = out.join("version.res");
    write_version_resource(&resource);
    link_argument(&resource.display().to_string());
}

fn link_argument(argument: &str) {
    println!("cargo:rustc-cdylib-link-arg={argument}");
}

#[cfg(all(windows, feature = "wdk"))]
fn configure_with_wdk() -> bool {
    wdk_build::configure_wdk_binary_build()
        .expect("the Windows Driver Kit is needed by the default feature `wdk`");
    true
}

#[cfg(not(all(windows, feature = "wdk")))]
fn configure_with_wdk() -> bool {
    false
}

/// The package version as the four numbers of a Windows file version.
fn package_version() -> [u16; 4] {
    let number = |name: &str| {
        let text = env::var(name).unwrap_or_default();
        text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}, not a number below 65536"))
    };
    [
        number("CARGO_PKG_VERSION_MAJOR"),
        number("CARGO_PKG_VERSION_MINOR"),
        number("CARGO_PKG_VERSION_PATCH"),
        0,
    ]
}

/// Writes a `.res` file with one VS_VERSIONINFO, laid out as
/// <https://learn.microsoft.com/windows/win32/menurc/resource-file-formats> says.
fn write_version_resource(path: &Path) {
    const RT_VERSION: u16 = 16;
    const LANGUAGE_EN_US: u16 = 0x0409;

    let data = version_info();
    let mut file = Vec::new();
    // An empty entry of type 0 tells a 32-bit .res from a 16-bit one.
    resource_header(&mut file, 0, 0, 0, 0);
    resource_header(&mut file, data.len(), RT_VERSION, 1, LANGUAGE_EN_US);
    file.extend_from_slice(&data);
    align(&mut file);
    fs::write(path, file).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}

fn resource_header(file: &mut Vec<u8>, data_size: usize, kind: u16, name: u16, language: u16) {
    const HEADER_SIZE: u32 = 32;
    const BY_ORDINAL: u16 = 0xffff;
    let data_size = u32::try_from(data_size).expect("a version resource is small");
    for value in [data_size, HEADER_SIZE] {
        file.extend_from_slice(&value.to_le_bytes());
    }
    // Type, name, then DataVersion (u32), MemoryFlags, LanguageId, Version (u32), Characteristics (u32).
    for value in [BY_ORDINAL, kind, BY_ORDINAL, name, 0, 0, 0, language, 0, 0, 0, 0] {
        file.extend_from_slice(&value.to_le_bytes());
    }
}

fn version_info() -> Vec<u8> {
    const CODE_PAGE_UTF16: u16 = 1200;
    const LANGUAGE_EN_US: u16 = 0x0409;

    let version = package_version();
    let [major, minor, patch, build] = version;
    let text = format!("{major}.{minor}.{patch}.{build}");
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let strings = [
        ("CompanyName", variable("CARGO_PKG_AUTHORS")),
        ("FileDescription", variable("CARGO_PKG_DESCRIPTION")),
        ("FileVersion", text.clone()),
        ("InternalName", "weir.sys".to_owned()),
        ("LegalCopyright", format!("{} ({})", variable("CARGO_PKG_AUTHORS"), variable("CARGO_PKG_LICENSE"))),
        ("OriginalFilename", "weir.sys".to_owned()),
        ("ProductName", "Weir".to_owned()),
        ("ProductVersion", text),
    ];

    node("VS_VERSION_INFO", Value::Binary(&fixed_file_info(version)), |children| {
        let table = format!("{LANGUAGE_EN_US:04x}{CODE_PAGE_UTF16:04x}");
        children.push(node("StringFileInfo", Value::None, |tables| {
            tables.push(node(&table, Value::None, |entries| {
                entries.extend(strings.iter().map(|(key, value)| node(key, Value::Text(value), |_| ())));
            }));
        }));
        let translation: Vec<u8> =
            [LANGUAGE_EN_US, CODE_PAGE_UTF16].iter().flat_map(|half| half.to_le_bytes()).collect();
        children.push(node("VarFileInfo", Value::None, |vars| {
            vars.push(node("Translation", Value::Binary(&translation), |_| ()));
        }));
    })
}

/// VS_FIXEDFILEINFO: <https://learn.microsoft.com/windows/win32/api/verrsrc/ns-verrsrc-vs_fixedfileinfo>.
fn fixed_file_info([major, minor, patch, build]: [u16; 4]) -> Vec<u8> {
    const SIGNATURE: u32 = 0xfeef_04bd;
    const STRUCTURE_VERSION: u32 = 0x0001_0000;
    const VS_FFI_FILEFLAGSMASK: u32 = 0x3f;
    const VOS_NT_WINDOWS32: u32 = 0x0004_0004;
    const VFT_DRV: u32 = 3;
    const VFT2_DRV_NETWORK: u32 = 6;
    let high = u32::from(major) << 16 | u32::from(minor);
    let low = u32::from(patch) << 16 | u32::from(build);
    [
        SIGNATURE,
        STRUCTURE_VERSION,
        high,
        low,
        high,
        low,
        VS_FFI_FILEFLAGSMASK,
        0,
        VOS_NT_WINDOWS32,
        VFT_DRV,
        VFT2_DRV_NETWORK,
        0,
        0,
    ]
    .iter()
    .flat_map(|value| value.to_le_bytes())
    .collect()
}

enum Value<'a> {
    None,
    Binary(&'a [u8]),
    Text(&'a str),
}

/// One node of the version tree: lengths, type, key, value and children, each part on a 4-byte border.
fn node(key: &str, value: Value<'_>, fill: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    let mut children = Vec::new();
    fill(&mut children);
    // wValueLength counts characters for text and bytes otherwise.
    let (value_length, is_text, value) = match value {
        Value::None => (0, 1, Vec::new()),
        Value::Binary(bytes) => (bytes.len(), 0, bytes.to_vec()),
        Value::Text(text) => {
            let text = utf16(text);
            (text.len() / 2, 1, text)
        }
    };
    let mut bytes = vec![0; 2];
    bytes.extend_from_slice(&u16::try_from(value_length).expect("a version string is short").to_le_bytes());
    bytes.extend_from_slice(&u16::to_le_bytes(is_text));
    bytes.extend_from_slice(&utf16(key));
    align(&mut bytes);
    bytes.extend_from_slice(&value);
    for child in children {
        align(&mut bytes);
        bytes.extend_from_slice(&child);
    }
    let length = u16::try_from(bytes.len()).expect("a version resource is below 64 KiB");
    bytes[..2].copy_from_slice(&length.to_le_bytes());
    bytes
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

fn align(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}
