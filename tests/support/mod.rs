//! What the tests of the linked driver share.
#![allow(dead_code, unreachable_pub, reason = "each test binary is a crate of its own and uses a part of it")]

pub mod agent;
pub mod captures;
pub mod life;
pub mod observer;
pub mod packet;
pub mod replay;
pub mod tap;
pub mod tshark;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lab::ndis::{Adapter, Attributes, Config};
use lab::wdf::{File, Who};
use lab::{Driver, Machine, Options};
use weir_core::policy::{CompileOptions, compile};
use weir_ioctl::zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};
use weir_ioctl::{Control, ListRequest, PageHeader, SetPolicyReply, StatusReply, WIN32_DEVICE_PATH};

/// The driver image under test: `$WEIR_SYS`, else what `cargo xtask build` made.
pub fn driver_image() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/weir/x64/weir.sys");
    let image = std::env::var_os("WEIR_SYS").map_or(built, PathBuf::from);
    assert!(image.is_file(), "{} is missing: run `cargo xtask build` first", image.display());
    image
}

/// Loads the driver, which will see frames only while somebody needs them.
pub fn load_as_installed(machine: &Machine) -> Driver {
    machine.load_driver(driver_image()).expect("the image loads")
}

/// Loads the driver, which will see every frame whether anybody needs it or not.
pub fn load(machine: &Machine) -> Driver {
    let driver = load_as_installed(machine);
    driver.set_parameter("Observe", 1);
    driver
}

/// Starts the driver, which then sees every frame.
pub fn start(machine: &Machine) -> Driver {
    let mut driver = load(machine);
    driver.start().expect("the driver starts");
    driver
}

/// A machine with the driver started in it.
pub fn boot() -> (Machine, Driver) {
    let machine = Machine::new(Options::default());
    let driver = start(&machine);
    (machine, driver)
}

/// A machine with one adapter and the driver running on it.
pub fn boot_with_adapter() -> (Machine, Driver, Arc<Adapter>) {
    let machine = Machine::new(Options::default());
    let adapter = Adapter::new(Config::default());
    let driver = start(&machine);
    adapter.restart(Attributes::General).expect("the filter restarts");
    (machine, driver, adapter)
}

/// Opens the control device as an administrator.
pub fn open(machine: &Machine) -> File {
    machine.open(WIN32_DEVICE_PATH, Who::Administrator).expect("the control device opens")
}

/// Compiles a policy.
pub fn policy(text: &str) -> Vec<u8> {
    compile(text, &CompileOptions::default()).unwrap_or_else(|errors| panic!("{errors:#?}")).image
}

/// Puts a policy in force.
#[track_caller]
pub fn set_policy(file: &File, text: &str) -> SetPolicyReply {
    let output = ask(file, Control::SET_POLICY, &policy(text), size_of::<SetPolicyReply>());
    SetPolicyReply::read_from_bytes(&output).expect("a whole reply")
}

/// A request that must succeed.
#[track_caller]
pub fn ask(file: &File, control: Control, input: &[u8], room: usize) -> Vec<u8> {
    let (status, output) = file.ioctl(control.0, input, room);
    assert_eq!(status, 0, "control code {:#x} failed with {status:#x}", control.0);
    output
}

/// The driver's status.
pub fn status(file: &File) -> StatusReply {
    let output = ask(file, Control::STATUS, &[], size_of::<StatusReply>());
    StatusReply::read_from_bytes(&output).expect("a whole status")
}

/// Reads a list page by page, with pages of `per_page` entries.
pub fn list<T: FromBytes + KnownLayout + Immutable>(
    file: &File,
    control: Control,
    per_page: usize,
) -> Vec<T> {
    let room = size_of::<PageHeader>() + per_page * size_of::<T>();
    let (mut all, mut cursor) = (Vec::new(), 0);
    loop {
        let output = ask(file, control, ListRequest { cursor }.as_bytes(), room);
        let (header, body) = PageHeader::read_from_prefix(&output).expect("a page header");
        assert_eq!(header.entry_size as usize, size_of::<T>());
        assert_eq!(body.len(), header.count as usize * size_of::<T>());
        all.extend(
            body.chunks_exact(size_of::<T>()).map(|entry| T::read_from_bytes(entry).expect("an entry")),
        );
        cursor = header.next;
        if cursor == 0 {
            return all;
        }
        assert_ne!(header.count, 0, "a page that is not the last one moves on");
    }
}
