//! A filter made with this crate, in the lab: NBLs of its own, copies that stand for others, and NBLs held back.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![expect(unsafe_code, reason = "registers a filter driver")]

use core::ptr::{NonNull, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use ddk::ndis::{NDIS_STATUS_INDICATION, NET_DEVICE_PNP_EVENT, NET_PNP_EVENT_NOTIFICATION};
use ddk::nt::{DRIVER_OBJECT, UNICODE_STRING};
use kernel::irql::Passive;
use kernel::ndis::{
    AttachParameters, CancelId, Chain, Completed, DataHandlers, DelayQueue, Direct, FilterDriver,
    FilterHandle, FilterModule, Incoming, Loan, ModuleOptions, Names, OidClone, OidRequest, Originator,
    Outgoing, PortNumber, ReceiveFlags, Registration, Regular, RestartParameters, ReturnFlags, Returned,
    SendCompleteFlags, SendFlags, cancel_oids,
};
use kernel::pool::{PoolBox, Tag};
use kernel::rundown::Rundown;
use kernel::status::Status;
use kernel::unicode::UnicodeStr;
use kernel::wide;
use lab::Machine;
use lab::ndis::{
    Adapter, AttachTime, Attributes, Behaviour, Call, Config, Giving, List, Piece, RESOURCES, Shape,
};

/// Binds the imports of this crate to the lab, as a loader does.
macro_rules! import_table {
    ($($dll:literal: $($name:literal)*;)*) => {
        $($( core::arch::global_asm!(
            ".pushsection .data.imports, \"aw\"",
            concat!("slot_", $name, ": .quad 0"),
            ".popsection",
            concat!(".globl slot_", $name),
            concat!(".globl ", $name),
            concat!($name, ": jmp qword ptr [rip + slot_", $name, "]"),
        ); )*)*
        fn bind(machine: &Machine) {
            $($({
                unsafe extern "C" {
                    #[link_name = concat!("slot_", $name)]
                    static mut SLOT: usize;
                }
                let address = machine.export($dll, $name).expect($name);
                // SAFETY: written before anything of the driver runs.
                unsafe { SLOT = address };
            })*)*
        }
    };
}

import_table! {
    "NDIS.SYS":
        "NdisAllocateCloneOidRequest" "NdisAllocateMdl" "NdisAllocateNetBufferAndNetBufferList"
        "NdisAllocateNetBufferListPool" "NdisCopyReceiveNetBufferListInfo" "NdisCopySendNetBufferListInfo"
        "NdisFCancelDirectOidRequest" "NdisFCancelOidRequest" "NdisFCancelSendNetBufferLists"
        "NdisFDeregisterFilterDriver" "NdisFDevicePnPEventNotify" "NdisFDirectOidRequest"
        "NdisFDirectOidRequestComplete" "NdisFIndicateReceiveNetBufferLists" "NdisFIndicateStatus"
        "NdisFNetPnPEvent" "NdisFOidRequest" "NdisFOidRequestComplete" "NdisFRegisterFilterDriver"
        "NdisFReturnNetBufferLists" "NdisFSendNetBufferLists" "NdisFSendNetBufferListsComplete"
        "NdisFSetAttributes" "NdisFreeCloneOidRequest" "NdisFreeMdl" "NdisFreeNetBufferList"
        "NdisFreeNetBufferListPool" "NdisSetOptionalHandlers";
    "ntoskrnl.exe":
        "ExAcquireRundownProtectionCacheAware" "ExAllocateCacheAwareRundownProtection" "ExAllocatePool2"
        "ExFreeCacheAwareRundownProtection" "ExFreePoolWithTag" "ExReInitializeRundownProtectionCacheAware"
        "ExReleaseRundownProtectionCacheAware" "ExRundownCompletedCacheAware"
        "ExWaitForRundownProtectionReleaseCacheAware" "KeAcquireSpinLockRaiseToDpc" "KeReleaseSpinLock"
        "MmMapLockedPagesSpecifyCache";
}

const TAG: Tag = Tag::new(b"KTst");
/// What the filter does with sends: pass, replace, hold until [`NOW`] has come.
const PASS: u32 = 0;
const REPLACE: u32 = 1;
const HOLD: u32 = 2;
static SENDS: AtomicU32 = AtomicU32::new(PASS);
/// What the filter does with receives: pass; replace; answer with a frame, indicate one of its own, and pass.
static RECEIVES: AtomicU32 = AtomicU32::new(PASS);
const ANSWER: u32 = 3;
static NOW: AtomicU64 = AtomicU64::new(0);
/// Frames that could not be made.
static SHORT: AtomicU32 = AtomicU32::new(0);
/// Most NBLs that a module has out, or holds.
const MOST: u32 = 8;

struct Mirror;

struct Module {
    handle: FilterHandle,
    gate: Rundown,
    own: Originator,
    held: DelayQueue<Outgoing>,
}

/// The module that is attached.
static MODULE: AtomicU64 = AtomicU64::new(0);

impl FilterDriver for Mirror {
    type Module = Module;

    fn attach(
        &'static self,
        filter: FilterHandle,
        _parameters: &AttachParameters<'_>,
        at: Passive<'_>,
    ) -> Result<PoolBox<Module>, Status> {
        let own = Originator::new(filter, TAG, MOST, at)?;
        let gate = Rundown::new(TAG, at).ok_or(Status::INSUFFICIENT_RESOURCES)?;
        gate.close(at);
        let module = Module { handle: filter, gate, own, held: DelayQueue::new(MOST) };
        let module = PoolBox::new(TAG, module).ok_or(Status::INSUFFICIENT_RESOURCES)?;
        MODULE.store(module.as_ptr().as_ptr() as u64, Ordering::SeqCst);
        Ok(module)
    }
}

impl Module {
    /// Sends what has come due.
    fn release(&self) {
        let Some(_inside) = self.gate.enter() else { return };
        if let Some(chain) = self.held.take_due(NOW.load(Ordering::SeqCst)) {
            chain.send_down(self.handle, 0, SendFlags(0));
        }
    }
}

/// The 13th byte of every frame tells who made it.
const MARK: usize = 12;
const FRAME: usize = 60;

fn frame(mark: u8) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..FRAME as u8).collect();
    bytes[MARK] = mark;
    bytes
}

impl FilterModule for Module {
    const TAG: Tag = TAG;

    fn set_options(&self, options: ModuleOptions<Self>) -> Result<(), Status> {
        options.install(self.handle, DataHandlers { send: true, receive: true })
    }

    fn restart(&self, _parameters: &RestartParameters<'_>, at: Passive<'_>) -> Result<(), Status> {
        self.own.open(at);
        self.held.open();
        self.gate.reopen(at);
        Ok(())
    }

    fn pause(&self, at: Passive<'_>) {
        self.gate.close(at);
        if let Some(chain) = self.held.close() {
            chain.complete(self.handle, Status::PAUSED, SendCompleteFlags(0));
        }
        self.own.close(at);
    }

    fn send(&self, chain: Chain<Outgoing>, port: PortNumber, flags: SendFlags) {
        let Some(_inside) = self.gate.enter() else {
            return chain.complete(self.handle, Status::PAUSED, flags.completion());
        };
        match SENDS.load(Ordering::SeqCst) {
            REPLACE => {
                let edit = |bytes: &mut [u8], tag: &mut Option<u16>| {
                    bytes[MARK] = 0x77;
                    *tag = tag.map(|tag| tag | 0xE000);
                };
                match self.own.replace(chain, |_| true, edit) {
                    Ok(chain) => chain.send_down(self.handle, port, flags),
                    Err(chain) => {
                        SHORT.fetch_add(1, Ordering::SeqCst);
                        chain.send_down(self.handle, port, flags);
                    }
                }
            }
            HOLD => {
                let due = 100 - self.held.count() as u64;
                if let Err(chain) = self.held.push(chain, due) {
                    chain.complete(self.handle, Status::INSUFFICIENT_RESOURCES, flags.completion());
                }
            }
            _ => chain.send_down(self.handle, port, flags),
        }
    }

    fn send_complete(&self, chain: Chain<Completed>, flags: SendCompleteFlags) {
        if let Some(chain) = self.own.take_back(chain) {
            chain.complete(self.handle, flags);
        }
    }

    fn cancel_send(&self, id: CancelId) {
        if let Some(chain) = self.held.take_cancelled(id) {
            chain.complete(self.handle, Status::SEND_ABORTED, SendCompleteFlags(0));
        }
        self.handle.cancel_sends(id);
    }

    fn receive(&self, chain: Chain<Incoming>, port: PortNumber, count: u32, flags: ReceiveFlags) {
        let Some(_inside) = self.gate.enter() else {
            return chain.return_down(self.handle, flags.returning());
        };
        match RECEIVES.load(Ordering::SeqCst) {
            REPLACE => match self.own.replace(chain, |_| true, |bytes, _| bytes[MARK] = 0x78) {
                Ok(chain) => chain.indicate(self.handle, port, count, flags),
                Err(chain) => chain.indicate(self.handle, port, count, flags),
            },
            ANSWER => {
                let bytes = frame(0x79);
                let (first, second) = bytes.split_at(20);
                match (self.own.frame(&[first, second]), self.own.frame(&[&bytes])) {
                    (Some(mut down), Some(up)) => {
                        down.set_vlan_tci(Some(0x2005));
                        down.send_down(port, SendFlags(flags.0 & 1));
                        up.indicate(port, ReceiveFlags(flags.0 & 1));
                    }
                    _ => {
                        SHORT.fetch_add(1, Ordering::SeqCst);
                    }
                }
                chain.indicate(self.handle, port, count, flags);
            }
            _ => chain.indicate(self.handle, port, count, flags),
        }
    }

    fn receive_loan(&self, loan: Loan<'_>, port: PortNumber, flags: ReceiveFlags) {
        loan.indicate_runs(self.handle, port, flags, |_| true);
    }

    fn receive_return(&self, chain: Chain<Returned>, flags: ReturnFlags) {
        if let Some(chain) = self.own.take_back(chain) {
            chain.return_down(self.handle, flags);
        }
    }

    fn oid_request(&self, request: OidRequest<Regular>) -> Status {
        request.forward(self.handle, TAG, |_, _| {})
    }

    fn oid_complete(&self, clone: OidClone<Regular>, status: Status) {
        clone.complete(self.handle, status);
    }

    fn oid_cancel(&self, id: CancelId) {
        cancel_oids::<Regular>(self.handle, id);
    }

    fn direct_oid_request(&self, request: OidRequest<Direct>) -> Status {
        request.forward(self.handle, TAG, |_, _| {})
    }

    fn direct_oid_complete(&self, clone: OidClone<Direct>, status: Status) {
        clone.complete(self.handle, status);
    }

    fn direct_oid_cancel(&self, id: CancelId) {
        cancel_oids::<Direct>(self.handle, id);
    }

    fn status(&self, status: &mut NDIS_STATUS_INDICATION) {
        self.handle.indicate_status(status);
    }

    fn device_event(&self, event: &mut NET_DEVICE_PNP_EVENT, at: Passive<'_>) {
        self.handle.notify_device_event(event, at);
    }

    fn net_event(&self, event: &mut NET_PNP_EVENT_NOTIFICATION, at: Passive<'_>) -> Status {
        self.handle.pass_net_event(event, at)
    }
}

/// Runs `body` on an adapter with the filter, then takes everything down.
fn on_adapter(body: impl FnOnce(&Arc<Adapter>)) {
    let machine = Machine::new(lab::Options::default());
    bind(&machine);
    let adapter = Adapter::new(Config { attach: AttachTime::DuringRegistration, ..Config::default() });
    static DRIVER: Mirror = Mirror;
    let names = Names {
        friendly: UnicodeStr::from_wide(wide!("Mirror")),
        unique: UnicodeStr::from_wide(wide!("{8C3B2F6E-5D0A-4B7E-9B8B-0C8D4A8B3F12}")),
        service: UnicodeStr::from_wide(wide!("mirror")),
    };
    // SAFETY: zeroes are a valid driver object, which nobody looks into.
    let object: &'static mut DRIVER_OBJECT = Box::leak(Box::new(unsafe { std::mem::zeroed() }));
    object.DriverName = UNICODE_STRING { Length: 0, MaximumLength: 0, Buffer: null_mut() };
    // SAFETY: the test thread is at PASSIVE_LEVEL.
    let at = unsafe { Passive::assume() };
    // SAFETY: the driver is a static.
    let registration = unsafe { Registration::new(object, NonNull::from(&DRIVER), &names, 0x0006_001E, at) };
    let registration = registration.expect("the filter registers");
    adapter.restart(Attributes::General).expect("the filter restarts");
    body(&adapter);
    drop(registration);
    machine.finish();
}

fn module() -> &'static Module {
    // SAFETY: the module is attached while the test's body runs.
    unsafe { &*(MODULE.load(Ordering::SeqCst) as *const Module) }
}

fn list(frames: &[Vec<u8>], vlan: Option<u16>, split: bool) -> List<'_> {
    let mut shape = Shape::default();
    if split {
        shape.split = lab::ndis::Split::Every(7);
    }
    let pieces = (10..).zip(frames).map(|(tag, bytes)| Piece { bytes, tag }).collect();
    List { pieces, vlan, shape }
}

#[test]
fn originals_wait_for_their_copies_and_take_their_status() {
    lab::child::test("originals_wait_for_their_copies_and_take_their_status", || {
        on_adapter(|adapter| {
            SENDS.store(REPLACE, Ordering::SeqCst);
            let frames = [frame(1), frame(2), frame(3)];
            for split in [false, true] {
                for dispatch in [false, true] {
                    adapter.send(&[list(&frames, Some(0x0005), split)], Call { dispatch, flags: 0 });
                    let events = adapter.take_events();
                    assert_eq!(events.wire.len(), 3);
                    for (sent, original) in events.wire.iter().zip(&frames) {
                        assert_eq!((sent.tag, sent.vlan), (None, Some(0xE005)));
                        let mut expected = original.clone();
                        expected[MARK] = 0x77;
                        assert_eq!(sent.bytes, expected);
                    }
                    // The original comes back unchanged, which the lab checks, when the last copy is home.
                    assert_eq!(events.completed, [(10, 0), (11, 0), (12, 0)]);
                    assert_eq!(module().own.outstanding(), 0);
                }
            }
            adapter.behave(Behaviour { sends: Giving::OnRequest, receives: Giving::OnRequest });
            adapter.send(&[list(&frames, None, false)], Call::default());
            assert_eq!(module().own.outstanding(), 3);
            adapter.complete_some_sends(Call::default(), 2, |order| order.reverse());
            assert!(adapter.take_events().completed.is_empty(), "a copy is still out");
            adapter.complete_some_sends(Call::default(), 1, |_| {});
            assert_eq!(adapter.take_events().completed.len(), 3);
            // Receives too.
            RECEIVES.store(REPLACE, Ordering::SeqCst);
            adapter.receive(&[list(&frames[..1], Some(7), true)], Call::default());
            adapter.receive(&[list(&frames[1..2], None, false)], Call { dispatch: true, flags: 0 });
            let delivered = adapter.take_events().delivered;
            assert_eq!((delivered[0].vlan, delivered[0].bytes[MARK]), (Some(7), 0x78));
            adapter.return_receives(Call::default(), |order| order.reverse());
            assert_eq!(adapter.take_events().returned, [10, 10]);
            assert_eq!(SHORT.load(Ordering::SeqCst), 0);
        });
    });
}

#[test]
fn own_frames_go_both_ways_and_come_home_through_mixed_chains() {
    lab::child::test("own_frames_go_both_ways_and_come_home_through_mixed_chains", || {
        on_adapter(|adapter| {
            RECEIVES.store(ANSWER, Ordering::SeqCst);
            adapter.behave(Behaviour { sends: Giving::OnRequest, receives: Giving::OnRequest });
            let frames = [frame(1)];
            for dispatch in [false, true] {
                adapter.receive(&[list(&frames, None, false)], Call { dispatch, flags: 0 });
                adapter.send(&[list(&frames, None, false)], Call { dispatch, flags: 0 });
            }
            let events = adapter.take_events();
            let marks: Vec<_> = events.wire.iter().map(|frame| (frame.bytes[MARK], frame.vlan)).collect();
            assert_eq!(marks, [(0x79, Some(0x2005)), (1, None), (0x79, Some(0x2005)), (1, None)]);
            assert_eq!(events.delivered.len(), 4);
            assert_eq!(module().own.outstanding(), 4);
            // One chain with NBLs of both kinds, in reverse.
            adapter.complete_sends(Call { dispatch: true, flags: 0 }, |order| order.reverse());
            adapter.return_receives(Call::default(), |order| order.reverse());
            let events = adapter.take_events();
            assert_eq!((events.completed.len(), events.returned.len()), (2, 2));
            assert_eq!(module().own.outstanding(), 0);
            // RESOURCES: nothing is answered, and the chain stays the miniport's.
            adapter.receive(&[list(&frames, None, false)], Call { dispatch: true, flags: RESOURCES });
            assert_eq!(adapter.take_events().returned, [10]);
        });
    });
}

#[test]
fn no_more_are_out_than_allowed_and_none_is_lost_when_memory_is_short() {
    lab::child::test("no_more_are_out_than_allowed_and_none_is_lost_when_memory_is_short", || {
        on_adapter(|adapter| {
            SENDS.store(REPLACE, Ordering::SeqCst);
            adapter.behave(Behaviour { sends: Giving::OnRequest, ..Behaviour::default() });
            let frames = [frame(1), frame(2), frame(3)];
            for _ in 0..3 {
                adapter.send(&[list(&frames, None, false)], Call::default());
            }
            // Six copies are out; the third original went as it is.
            assert_eq!((module().own.outstanding(), SHORT.load(Ordering::SeqCst)), (6, 1));
            assert_eq!(
                adapter.take_events().wire.iter().filter(|frame| frame.bytes[MARK] == 0x77).count(),
                6
            );
            adapter.complete_sends(Call::default(), |_| {});
            assert_eq!(adapter.take_events().completed.len(), 9);
            for failure in 0..12 {
                lab::pool::fail_after(failure);
                adapter.send(&[list(&frames, None, false)], Call::default());
                lab::pool::fail_after(u32::MAX);
                let wire = adapter.take_events().wire;
                assert_eq!(wire.len(), 3, "failure {failure}");
                assert!(
                    wire.windows(2).all(|two| (two[0].bytes[MARK] == 0x77) == (two[1].bytes[MARK] == 0x77))
                );
                adapter.complete_sends(Call::default(), |_| {});
                assert_eq!((adapter.take_events().completed.len(), module().own.outstanding()), (3, 0));
            }
        });
    });
}

#[test]
fn held_sends_go_in_order_of_their_time_or_are_cancelled() {
    lab::child::test("held_sends_go_in_order_of_their_time_or_are_cancelled", || {
        on_adapter(|adapter| {
            SENDS.store(HOLD, Ordering::SeqCst);
            let frames: Vec<Vec<u8>> = (0..10).map(frame).collect();
            let send = |count: usize| {
                for (tag, bytes) in (0..).zip(&frames[..count]) {
                    let pieces = vec![Piece { bytes, tag }];
                    adapter.send(&[List { pieces, vlan: None, shape: Shape::default() }], Call::default());
                }
            };
            send(10);
            // Two too many.
            let full = adapter.take_events().completed;
            assert_eq!(full.iter().map(|done| done.0).collect::<Vec<_>>(), [8, 9]);
            assert_eq!((module().held.count(), module().held.next_due()), (8, Some(93)));
            NOW.store(95, Ordering::SeqCst);
            module().release();
            // The later they came, the earlier they were due.
            let sent: Vec<u8> = adapter.take_events().wire.iter().map(|frame| frame.bytes[MARK]).collect();
            assert_eq!(sent, [7, 6, 5]);
            // Those of this test have no id, so that the id NULL names them all.
            adapter.cancel_sends(null_mut());
            let cancelled = adapter.take_events().completed;
            assert_eq!(cancelled.len(), 5);
            assert!(cancelled.iter().all(|done| done.1 == ddk::ndis::NDIS_STATUS_SEND_ABORTED));
            NOW.store(0, Ordering::SeqCst);
            send(4);
            // NDIS pauses protocols first and waits for their sends, so that they must come due while it does.
            let other = thread::spawn(|| {
                thread::sleep(Duration::from_millis(50));
                lab::cpu::init();
                NOW.store(u64::MAX, Ordering::SeqCst);
                module().release();
            });
            adapter.pause();
            assert!(other.join().is_ok());
            assert_eq!(adapter.take_events().completed.len(), 4);
            adapter.restart(Attributes::None).expect("the filter restarts");
        });
    });
}

#[test]
fn a_pause_waits_for_own_frames_at_both_sides() {
    lab::child::test("a_pause_waits_for_own_frames_at_both_sides", || {
        on_adapter(|adapter| {
            RECEIVES.store(ANSWER, Ordering::SeqCst);
            for _ in 0..10 {
                adapter.behave(Behaviour { sends: Giving::OnRequest, receives: Giving::OnRequest });
                adapter.receive(&[list(&[frame(1)], None, false)], Call::default());
                assert_eq!(module().own.outstanding(), 2);
                adapter.pause();
                assert_eq!(module().own.outstanding(), 0);
                assert!(module().own.frame(&[&[0; 60]]).is_none(), "a paused module makes no frame");
                adapter.restart(Attributes::None).expect("the filter restarts");
            }
        });
    });
}
