//! The fast machine: bare exports, pool without records, and the data path that benchmarks use.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod ndis_mock;

use ddk::ndis::{NDIS_HANDLE, PNET_BUFFER_LIST};
use ddk::nt::ntddk::sig;
use lab::bench::{Job, Subject, measure, packet};
use lab::child;
use lab::{Machine, Options};

fn options() -> Options {
    Options { verify: false, ..Options::default() }
}

/// An export of the kernel as a driver of this machine is bound to it.
macro_rules! call {
    ($machine:expr, $name:ident($($argument:expr),*)) => {{
        let address = $machine.export("ntoskrnl.exe", stringify!($name)).expect("the lab has the export");
        // SAFETY: the export has this type, and the tests keep its contract where no rule is broken on purpose.
        unsafe { std::mem::transmute::<usize, sig::$name>(address)($($argument),*) }
    }};
}

#[test]
fn drivers_are_bound_to_the_bare_exports() {
    child::test("drivers_are_bound_to_the_bare_exports", || {
        let machine = Machine::new(options());
        let exports: Vec<_> =
            lab::ntoskrnl::exports().into_iter().chain(lab::ndis::exports()).flatten().collect();
        let mut different = 0;
        for export in &exports {
            let Some(bound) = machine.export(export.dll, export.name) else { continue };
            // Some functions are exported twice, under the names of two DLLs.
            let mut same = exports.iter().filter(|other| other.name == export.name);
            assert!(same.any(|other| bound == other.bare.get()), "{}", export.name);
            different += u32::from(export.bare.get() != export.checked.get());
        }
        assert!(different > 100, "only {different} exports have a bare entry of their own");
        machine.finish();
    });
}

#[test]
fn nobody_looks_at_rules() {
    child::test("nobody_looks_at_rules", || {
        let machine = Machine::new(options());
        // A lock below DISPATCH_LEVEL, and a block that stays: each ends a machine that checks, or is listed.
        let mut lock = 0;
        call!(machine, KeAcquireSpinLockAtDpcLevel(&mut lock));
        call!(machine, KeReleaseSpinLockFromDpcLevel(&mut lock));
        let block = call!(machine, ExAllocatePool2(0x40, 100, u32::from_le_bytes(*b"Fast")));
        // SAFETY: inside the block.
        assert!(unsafe { (0..100).all(|at| block.cast::<u8>().add(at).read() == 0) });
        assert!(lab::pool::live().is_empty());
        assert!(machine.finish().is_clean());
    });
}

#[test]
fn blocks_are_used_again() {
    child::test("blocks_are_used_again", || {
        let machine = Machine::new(options());
        let tag = u32::from_le_bytes(*b"Fast");
        let first = call!(machine, ExAllocatePool2(0x40, 100, tag));
        call!(machine, ExFreePoolWithTag(first, tag));
        assert_eq!(call!(machine, ExAllocatePool2(0x40, 90, tag)), first);
        machine.finish();
    });
}

/// Everything that goes in comes out at the other side and back, whatever the batch.
#[test]
fn the_null_filter_passes_every_packet() {
    for (number, batch, receive) in [(0, 1, false), (1, 32, false), (2, 256, true), (3, 100, true)] {
        let name = format!("the_null_filter_passes_every_packet#{number}");
        child::test(&name, || {
            let frames = (0..16).map(|n| packet(n, 64)).collect();
            let cost = measure(&Job {
                driver: Subject::Forwarder,
                frames,
                batch,
                receive,
                chunks: 3,
                packets: 1000,
            });
            assert_eq!(cost.passed.0, cost.passed.1);
            // Four rounds of the slab in each of three chunks and one before them.
            assert_eq!(cost.passed.1, 4 * 4 * (256 / batch as u64));
            assert!(cost.least > 0.0 && cost.least <= cost.median);
        });
    }
}

#[test]
fn a_lane_needs_a_machine_without_rules() {
    let exit = child::run("a_lane_needs_a_machine_without_rules", || {
        let _machine = Machine::new(Options::default());
        let adapter = lab::ndis::Adapter::new(lab::ndis::Config::default());
        lab::ndis::Lane::new(&adapter, &[vec![0; 60]], 1);
    });
    if !child::is_child() {
        assert!(exit.log.contains("a lane needs a machine with `verify: false`"), "{}", exit.log);
    }
}

/// Sends the first list of every chain alone, and the rest after it.
unsafe extern "win64" fn splits(module: NDIS_HANDLE, lists: PNET_BUFFER_LIST, port: u32, flags: u32) {
    // SAFETY: the lab hands over a chain that is the driver's now.
    unsafe {
        let rest = std::mem::replace(&mut (*lists).Next, std::ptr::null_mut());
        lab::ndis::exports::NdisFSendNetBufferLists(module, lists, port, flags);
        if !rest.is_null() {
            lab::ndis::exports::NdisFSendNetBufferLists(module, rest, port, flags);
        }
    }
}

#[test]
fn a_lane_counts_chains_that_come_back_in_pieces() {
    child::test("a_lane_counts_chains_that_come_back_in_pieces", || {
        let machine = Machine::new(options());
        let config =
            lab::ndis::Config { attach: lab::ndis::AttachTime::DuringRegistration, ..Default::default() };
        let adapter = lab::ndis::Adapter::new(config);
        let mut all = ndis_mock::characteristics();
        all.SendNetBufferListsHandler = Some(splits);
        ndis_mock::register_with(all);
        adapter.restart(lab::ndis::Attributes::General).expect("restart");
        let mut lane = lab::ndis::Lane::new(&adapter, &[packet(0, 64), packet(1, 700)], 64);
        for _ in 0..3 {
            assert_eq!(lane.run(lab::ndis::Way::Send, 8), 64);
        }
        assert_eq!(lane.passed(), 3 * 8 * 2, "each chain arrives in two pieces");
        assert_eq!(lane.run(lab::ndis::Way::Receive, 5), 60);
        assert_eq!(lane.passed(), 3 * 8 * 2 + 12);
        ndis_mock::deregister();
        machine.finish();
    });
}
