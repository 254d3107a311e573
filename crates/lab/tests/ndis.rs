//! A host-written filter driver under the simulated NDIS: good behaviour passes, every broken rule is named.

mod ndis_mock;

use std::sync::atomic::Ordering;

use ddk::ndis::*;
use lab::child::{self, Status};
use lab::ndis::exports::{NdisFIndicateReceiveNetBufferLists, NdisFSendNetBufferLists};
use lab::ndis::sync::{
    NdisAcquireRWLockRead, NdisAcquireRWLockWrite, NdisAllocateIoWorkItem, NdisAllocateRWLock,
    NdisAllocateTimerObject, NdisCancelTimerObject, NdisFreeIoWorkItem, NdisFreeRWLock, NdisFreeTimerObject,
    NdisInitializeEvent, NdisQueueIoWorkItem, NdisReleaseRWLock, NdisSetEvent, NdisSetTimerObject,
    NdisWaitEvent,
};
use lab::ndis::{
    Adapter, Attributes, Behaviour, Call, Completion, Giving, List, Piece, RESOURCES, Shape, Split, State,
};
use ndis_mock::{Fault, fault, handle, start, stop};

fn frame(length: usize, seed: u8) -> Vec<u8> {
    (0..length).map(|i| (i as u8).wrapping_mul(7).wrapping_add(seed)).collect()
}

fn list<'a>(frames: &[(&'a [u8], u64)], shape: &Shape) -> List<'a> {
    let pieces = frames.iter().map(|&(bytes, tag)| Piece { bytes, tag }).collect();
    List { pieces, vlan: None, shape: shape.clone() }
}

fn send_one(adapter: &Adapter, call: Call) {
    adapter.send(&[list(&[(&frame(80, 0), 1)], &Shape::default())], call);
}

fn receive_two(adapter: &Adapter, call: Call) {
    let (first, second) = (frame(80, 1), frame(90, 2));
    let shape = Shape::default();
    adapter.receive(&[list(&[(&first, 1)], &shape), list(&[(&second, 2)], &shape)], call);
}

const PASSIVE: Call = Call { dispatch: false, flags: 0 };
const WITH_RESOURCES: Call = Call { dispatch: true, flags: RESOURCES };

#[test]
fn everything_passes_untouched_and_in_order() {
    child::test("everything_passes_untouched_and_in_order", || {
        let (machine, adapter, driver) = start(Fault::None);
        assert_eq!(driver.modules()[0].state(), State::Running);
        let frames: Vec<Vec<u8>> = (0..40).map(|i| frame(60 + 37 * i, i as u8)).collect();
        let shapes = [
            Shape::default(),
            Shape { lead: 16, split: Split::Every(9), empty_mdls: true },
            Shape { lead: 3, split: Split::Random { seed: 1 }, empty_mdls: false },
        ];
        for (round, shape) in shapes.iter().enumerate() {
            for dispatch in [false, true] {
                let call = Call { dispatch, flags: 0 };
                let lists: Vec<List<'_>> = frames
                    .chunks(3)
                    .enumerate()
                    .map(|(i, chunk)| {
                        let pieces: Vec<_> =
                            chunk.iter().enumerate().map(|(j, f)| (&f[..], (i * 3 + j) as u64)).collect();
                        List { vlan: Some(5), ..list(&pieces, shape) }
                    })
                    .collect();
                adapter.send(&lists, call);
                let events = adapter.take_events();
                let sent: Vec<_> = events.wire.iter().map(|on| on.bytes.clone()).collect();
                assert_eq!(sent, frames, "round {round}");
                assert!(
                    events
                        .wire
                        .iter()
                        .enumerate()
                        .all(|(i, on)| on.tag == Some(i as u64) && on.vlan == Some(5))
                );
                let completed: Vec<_> =
                    (0..frames.len() as u64).map(|tag| (tag, NDIS_STATUS_SUCCESS)).collect();
                assert_eq!(events.completed, completed);
                for flags in [0, RESOURCES] {
                    let lists: Vec<List<'_>> =
                        frames.iter().enumerate().map(|(i, f)| list(&[(&f[..], i as u64)], shape)).collect();
                    adapter.receive(&lists, Call { dispatch, flags });
                    let events = adapter.take_events();
                    let got: Vec<_> = events.delivered.iter().map(|frame| frame.bytes.clone()).collect();
                    assert_eq!(got, frames);
                    assert_eq!(events.returned, (0..frames.len() as u64).collect::<Vec<_>>());
                }
            }
        }
        stop(machine);
    });
}

#[test]
fn poisoned_lists_pass_too() {
    child::test("poisoned_lists_pass_too", || {
        lab::ndis::set_poison(true);
        let (machine, adapter, _) = start(Fault::None);
        adapter.behave(Behaviour { sends: Giving::OnRequest, receives: Giving::OnRequest });
        for _ in 0..8 {
            send_one(&adapter, PASSIVE);
            receive_two(&adapter, PASSIVE);
            receive_two(&adapter, WITH_RESOURCES);
        }
        adapter.complete_sends(Call { dispatch: true, flags: 0 }, |order| order.reverse());
        adapter.return_receives(PASSIVE, |order| order.reverse());
        let events = adapter.take_events();
        assert_eq!((events.wire.len(), events.completed.len()), (8, 8));
        assert_eq!((events.delivered.len(), events.returned.len()), (32, 32));
        stop(machine);
    });
}

#[test]
fn pause_restart_and_detach_can_go_round() {
    child::test("pause_restart_and_detach_can_go_round", || {
        let (machine, adapter, driver) = start(Fault::None);
        for round in 0..10 {
            adapter.pause();
            assert_eq!(driver.modules()[0].state(), State::Paused);
            if round % 3 == 0 {
                // Straight from Paused, also without ever having run.
                adapter.detach();
                assert_eq!(adapter.module_count(), 0);
                adapter.attach(&driver).expect("attach");
            }
            adapter
                .restart(if round % 2 == 0 { Attributes::None } else { Attributes::General })
                .expect("restart");
            send_one(&adapter, PASSIVE);
        }
        assert_eq!(adapter.take_events().wire.len(), 10);
        adapter.pause();
        send_one(&adapter, PASSIVE);
        let events = adapter.take_events();
        assert_eq!((events.wire.len(), events.completed), (0, vec![(1, NDIS_STATUS_PAUSED)]));
        stop(machine);
    });
}

#[test]
fn own_lists_come_home_also_while_the_pause_waits() {
    child::test("own_lists_come_home_also_while_the_pause_waits", || {
        let (machine, adapter, _) = start(Fault::None);
        // SAFETY: the driver's own list and handle.
        unsafe { NdisFSendNetBufferLists(handle(), ndis_mock::own_list(60), 0, 0) };
        // SAFETY: as above.
        unsafe { NdisFIndicateReceiveNetBufferLists(handle(), ndis_mock::own_list(60), 0, 1, 0) };
        let events = adapter.take_events();
        assert_eq!((events.wire[0].tag, events.wire[0].bytes.len()), (None, 60));
        assert_eq!(events.delivered[0].tag, None);
        assert_eq!(ndis_mock::OWN_BACK.load(Ordering::Relaxed), 2);
        stop(machine);
    });
}

#[test]
fn oids_status_and_events_travel() {
    child::test("oids_status_and_events_travel", || {
        let (machine, adapter, _) = start(Fault::None);
        for completion in [Completion::Inline, Completion::BeforeReturn, Completion::AfterReturn] {
            adapter.complete_oids(completion, None);
            let mtu = adapter.query(OID_GEN_MAXIMUM_FRAME_SIZE, 4);
            assert_eq!((mtu.status, mtu.transferred, mtu.needed), (NDIS_STATUS_SUCCESS, 4, 4));
            assert_eq!(mtu.buffer, 1500u32.to_le_bytes());
            let short = adapter.query(OID_GEN_MAXIMUM_FRAME_SIZE, 2);
            assert_eq!((short.status, short.needed), (NDIS_STATUS_BUFFER_TOO_SHORT, 4));
            assert_eq!(adapter.query(0x1234, 4).status, NDIS_STATUS_NOT_SUPPORTED);
            assert_eq!(
                adapter.set(OID_GEN_CURRENT_PACKET_FILTER, &[0x2d, 0, 0, 0]).status,
                NDIS_STATUS_SUCCESS
            );
            assert_eq!(adapter.oid_value(OID_GEN_CURRENT_PACKET_FILTER), Some(vec![0x2d, 0, 0, 0]));
            adapter.complete_oids(completion, Some(NDIS_STATUS_FAILURE));
            assert_eq!(adapter.query(OID_GEN_MAXIMUM_FRAME_SIZE, 4).status, NDIS_STATUS_FAILURE);
        }
        adapter.pause();
        adapter.complete_oids(Completion::Inline, None);
        assert_eq!(adapter.query(OID_GEN_MAXIMUM_FRAME_SIZE, 4).status, NDIS_STATUS_SUCCESS);
        adapter.indicate_link(false);
        assert_eq!(adapter.net_event(15), NDIS_STATUS_SUCCESS);
        adapter.device_event(5);
        let events = adapter.take_events();
        assert_eq!(events.statuses, [NDIS_STATUS_LINK_STATE]);
        assert_eq!((events.net_events, events.device_events), (vec![15], vec![5]));
        stop(machine);
    });
}

#[test]
fn a_bad_registration_is_refused() {
    child::test("a_bad_registration_is_refused", || {
        let machine = lab::Machine::new(lab::Options::default());
        let refused = |change: &dyn Fn(&mut NDIS_FILTER_DRIVER_CHARACTERISTICS)| {
            let mut all = ndis_mock::characteristics();
            change(&mut all);
            ndis_mock::register_with(all)
        };
        let bad = NDIS_STATUS_BAD_CHARACTERISTICS;
        assert_eq!(refused(&|all| all.PauseHandler = None), bad, "R1");
        assert_eq!(refused(&|all| all.OidRequestCompleteHandler = None), bad, "R2");
        assert_eq!(refused(&|all| all.StatusHandler = None), bad, "R3");
        assert_eq!(refused(&|all| all.ServiceName.Length = 0), bad, "R6");
        assert_eq!(refused(&|all| all.MinorNdisVersion = 89), NDIS_STATUS_BAD_VERSION, "V1");
        assert_eq!(refused(&|all| all.MinorNdisVersion = 80), bad, "V2");
        assert_eq!(refused(&|all| all.Header.Size = 200), bad, "V3");
        stop_without_driver(machine);
    });
}

fn stop_without_driver(machine: lab::Machine) {
    assert!(machine.finish().is_clean());
}

/// Runs `scenario` under a fault and expects the rule that it breaks.
macro_rules! broken_rules {
    ($($name:ident: $fault:ident, $rule:literal, $scenario:expr;)*) => { $(
        #[test]
        fn $name() {
            child::expect(stringify!($name), Status::Verifier, $rule, || {
                let (machine, adapter, _) = start(Fault::$fault);
                let scenario: fn(&std::sync::Arc<Adapter>) = $scenario;
                scenario(&adapter);
                stop(machine);
            });
        }
    )* };
}

broken_rules! {
    completing_twice: CompleteTwice, "N-49", |a| send_one(a, PASSIVE);
    sending_after_completion: SendAfterCompletion, "N-45", |a| send_one(a, PASSIVE);
    keeping_a_resources_list: Queue, "N-45", |a| {
        receive_two(a, WITH_RESOURCES);
        let first = ndis_mock::QUEUE.lock().unwrap().remove(0);
        // SAFETY: the driver's own handle; the list is no longer the driver's, which is the point.
        unsafe { NdisFIndicateReceiveNetBufferLists(handle(), first as PNET_BUFFER_LIST, 0, 2, 0) }
    };
    returning_a_resources_list: ReturnResources, "N-46", |a| receive_two(a, WITH_RESOURCES);
    breaking_a_resources_chain: BreakResourcesChain, "N-46", |a| receive_two(a, WITH_RESOURCES);
    dropping_the_resources_flag: DropResourcesFlag, "N-52", |a| receive_two(a, WITH_RESOURCES);
    leaving_a_data_offset: LeaveOffset, "N-47", |a| send_one(a, PASSIVE);
    leaving_a_longer_mdl: LeaveMdl, "N-47", |a| send_one(a, PASSIVE);
    leaving_an_oob_slot: LeaveSlot, "N-47", |a| send_one(a, PASSIVE);
    inconsistent_offsets: BadOffset, "N-54", |a| send_one(a, PASSIVE);
    a_wrong_count: WrongCount, "N-49", |a| receive_two(a, PASSIVE);
    completing_a_receive: WrongSide, "N-49", |a| receive_two(a, PASSIVE);
    holding_a_receive_over_a_pause: HoldReceive, "N-49", |a| { receive_two(a, PASSIVE); a.pause() };
    a_false_dispatch_flag: FalseDispatchFlag, "N-52", |a| send_one(a, PASSIVE);
    forwarding_while_paused: ForwardWhilePaused, "N-50", |a| { a.pause(); send_one(a, PASSIVE) };
    originating_while_paused: OriginateWhilePaused, "N-51", |a| {
        a.pause();
        // SAFETY: the driver's own list and handle.
        unsafe { NdisFSendNetBufferLists(handle(), ndis_mock::own_list(60), 0, 0) }
    };
    originating_in_a_pause: OriginateInPause, "N-51", |a| a.pause();
    originating_once_a_pause_is_known: OriginateOncePausing, "N-51", |a| {
        let adapter = a.clone();
        std::thread::spawn(move || {
            lab::cpu::init();
            while ndis_mock::PAUSED.load(Ordering::Relaxed) == 0 {
                std::thread::yield_now();
            }
            // FilterPause returns meanwhile.
            std::thread::sleep(std::time::Duration::from_millis(50));
            receive_two(&adapter, PASSIVE);
        });
        a.pause();
    };
    completing_an_own_list: CompleteOwn, "N-48", |_| {
        // SAFETY: as above.
        unsafe { NdisFSendNetBufferLists(handle(), ndis_mock::own_list(60), 0, 0) }
    };
    returning_an_own_list: ReturnOwn, "N-48", |_| {
        // SAFETY: as above.
        unsafe { NdisFIndicateReceiveNetBufferLists(handle(), ndis_mock::own_list(60), 0, 1, 0) }
    };
    a_list_without_its_source: WrongSource, "N-48", |_| {
        // SAFETY: as above.
        unsafe { NdisFSendNetBufferLists(handle(), ndis_mock::own_list(60), 0, 0) }
    };
    a_pool_freed_too_early: LeakList, "N-72", |_| {
        // SAFETY: as above.
        unsafe { NdisFSendNetBufferLists(handle(), ndis_mock::own_list(60), 0, 0) }
    };
    a_pause_that_never_ends: PauseNever, "N-10", |a| a.pause();
    a_pause_completed_twice: PauseTwice, "N-43", |a| a.pause();
    a_pause_that_fails: PauseFails, "N-10", |a| a.pause();
    forwarding_the_original_oid: ForwardOriginalOid, "N-59", |a| { a.query(OID_GEN_MAXIMUM_FRAME_SIZE, 4); };
    keeping_a_clone: KeepClone, "N-59", |a| { a.query(OID_GEN_MAXIMUM_FRAME_SIZE, 4); };
    no_copy_back: NoCopyBack, "N-59", |a| {
        a.complete_oids(Completion::AfterReturn, None);
        a.query(OID_GEN_MAXIMUM_FRAME_SIZE, 4);
    };
    completing_an_oid_twice: CompleteOidTwice, "N-2", |a| {
        a.complete_oids(Completion::BeforeReturn, None);
        a.query(OID_GEN_MAXIMUM_FRAME_SIZE, 4);
    };
    failing_a_power_request: FailPower, "N-63", |a| a.sleep(true);
    keeping_a_power_request: KeepPower, "N-63", |a| a.sleep(true);
    delaying_a_power_request: SlowPower, "G-43", |a| a.sleep(true);
    returning_at_another_irql: RaiseIrql, "G-14", |a| send_one(a, PASSIVE);
    two_attributes: AttributesTwice, "N-41", |_| {};
    no_attributes: NoAttributes, "N-41", |_| {};
    an_attach_that_pends: AttachPends, "N-40", |_| {};
    changing_an_unknown_attribute: ChangeUnknownAttribute, "N-64", |_| {};
    a_send_held_over_a_pause: Queue, "N-11", |a| { send_one(a, PASSIVE); a.pause() };
}

#[test]
fn reading_a_list_after_sending_it_faults() {
    // The driver of this test is host code, whose faults the lab takes for its own; the rule is what counts.
    child::expect("reading_a_list_after_sending_it_faults", Status::Harness, "N-45", || {
        lab::ndis::set_poison(true);
        let (_machine, adapter, _) = start(Fault::ReadAfterSend);
        adapter.behave(Behaviour { sends: Giving::OnRequest, receives: Giving::AtOnce });
        send_one(&adapter, PASSIVE);
        assert!(fault(Fault::ReadAfterSend));
    });
}

static FIRED: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

unsafe extern "win64" fn timer_fired(
    _: ddk::nt::PVOID,
    context: ddk::nt::PVOID,
    _: ddk::nt::PVOID,
    _: ddk::nt::PVOID,
) {
    assert_eq!((lab::cpu::irql(), context as usize), (lab::cpu::DISPATCH, 7));
    FIRED.fetch_add(1, Ordering::Relaxed);
}

unsafe extern "win64" fn worked(event: ddk::nt::PVOID, item: NDIS_HANDLE) {
    // SAFETY: the test queued the item with its event.
    unsafe {
        NdisFreeIoWorkItem(item);
        NdisSetEvent(event.cast());
    }
}

#[test]
fn timers_work_items_events_and_locks_serve() {
    child::test("timers_work_items_events_and_locks_serve", || {
        let machine = lab::Machine::new(lab::Options::default());
        // SAFETY: valid objects on this stack, which outlive their use.
        unsafe {
            let mut event: NDIS_EVENT = std::mem::zeroed();
            NdisInitializeEvent(&raw mut event);
            assert_eq!(NdisWaitEvent(&raw mut event, 5), 0);
            let item = NdisAllocateIoWorkItem(std::ptr::null_mut());
            NdisQueueIoWorkItem(item, Some(worked), (&raw mut event).cast());
            assert_eq!(NdisWaitEvent(&raw mut event, 5000), 1);
            let mut given: NDIS_TIMER_CHARACTERISTICS = std::mem::zeroed();
            given.Header =
                NDIS_OBJECT_HEADER { Type: NDIS_OBJECT_TYPE_TIMER_CHARACTERISTICS, Revision: 1, Size: 24 };
            given.TimerFunction = Some(timer_fired);
            given.FunctionContext = 7 as _;
            let mut timer = std::ptr::null_mut();
            assert_eq!(NdisAllocateTimerObject(std::ptr::null_mut(), &raw mut given, &raw mut timer), 0);
            let due = ddk::nt::LARGE_INTEGER { QuadPart: -10_000 };
            assert_eq!(NdisSetTimerObject(timer, due, 1, std::ptr::null_mut()), 0);
            while FIRED.load(Ordering::Relaxed) < 3 {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            NdisCancelTimerObject(timer);
            let fired = FIRED.load(Ordering::Relaxed);
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert_eq!(FIRED.load(Ordering::Relaxed), fired, "it was cancelled");
            NdisFreeTimerObject(timer);
            let lock = NdisAllocateRWLock(std::ptr::null_mut());
            let mut state: LOCK_STATE_EX = std::mem::zeroed();
            NdisAcquireRWLockRead(lock, &raw mut state, 0);
            assert_eq!(lab::cpu::irql(), lab::cpu::DISPATCH);
            NdisReleaseRWLock(lock, &raw mut state);
            NdisAcquireRWLockWrite(lock, &raw mut state, 0);
            NdisReleaseRWLock(lock, &raw mut state);
            assert_eq!(lab::cpu::irql(), lab::cpu::PASSIVE);
            NdisFreeRWLock(lock);
        }
        assert!(machine.finish().is_clean());
    });
}

#[test]
fn an_adapter_sleeps_and_wakes() {
    lab::child::test("an_adapter_sleeps_and_wakes", || {
        let (machine, adapter, _driver) = start(Fault::None);
        for pausing in [true, false] {
            adapter.sleep(pausing);
            assert_eq!(adapter.is_running(), !pausing);
            if !pausing {
                send_one(&adapter, PASSIVE);
                assert!(adapter.take_events().wire.is_empty(), "a miniport that sleeps does not send");
            }
            adapter.wake().expect("the filter restarts");
            send_one(&adapter, PASSIVE);
            assert_eq!(adapter.take_events().wire.len(), 1);
        }
        stop(machine);
    });
}
