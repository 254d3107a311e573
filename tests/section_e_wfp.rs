//! Promise: what has gone wrong in other callout drivers does not in this one. The tests are named by the numbers of the
//! checklist in README.md.

mod support;

use std::time::{Duration, Instant};

use ddk::fwp::*;
use ddk::nt::{GUID, HANDLE};
use lab::edge::{Edge, Interface, ProcessMap, Verdict};
use lab::fwp;
use lab::fwp::exports as engine;
use lab::ndis::{Adapter, Call};
use lab::wdf::File;
use lab::{Machine, Options};
use support::packet::{self, LOCAL, Ports, Way, lists};
use support::{boot_with_adapter, open, policy, set_policy, status};
use weir_ioctl::{Control, CounterId, SetPolicyReply};

// SAFETY of every `unsafe` block below: the functions called are the lab's exports, whose contracts the tests keep.

const BLOCK_DNS: &str = "[[rule]]\nname = \"dns\"\naction = \"block\"\nremote-port = 53\n";
const CLOSED: &str =
    "[defaults]\nfailure = \"closed\"\n[[rule]]\nname = \"dns\"\naction = \"block\"\nremote-port = 53\n";

/// TCP/IP above an adapter with the filter.
struct Site<'a> {
    edge: Edge,
    adapter: &'a Adapter,
    port: u16,
}

impl<'a> Site<'a> {
    fn new(adapter: &'a Adapter) -> Self {
        Self { edge: Edge::new([LOCAL.into()], ProcessMap::default()), adapter, port: 20_000 }
    }

    /// What the filtering platform says of a new flow.
    fn connects(&mut self, remote: u16) -> bool {
        self.port += 1;
        let frame = packet::udp(Way::Out, Ports { local: self.port, remote }, 10);
        self.edge.outbound(&Interface::from(self.adapter), &frame, 1) == Verdict::Pass
    }
}

/// Runs `body` beside the driver, with nothing left in the end.
fn beside(test: &str, body: impl FnOnce(&mut Site<'_>, &File)) {
    lab::child::test(test, || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        let mut site = Site::new(&adapter);
        body(&mut site, &file);
        site.edge.finish();
        drop(file);
        driver.unload();
        let report = machine.finish();
        assert!(report.is_clean(), "{report:?}");
    });
}

const NAME: [u16; 2] = [b't' as u16, 0];

/// Somebody else's session with the engine, and what is in it.
struct Other(HANDLE);

impl Other {
    fn new() -> Self {
        let mut handle = std::ptr::null_mut();
        // SAFETY: see above.
        unsafe {
            let mut session: FWPM_SESSION0 = std::mem::zeroed();
            session.flags = FWPM_SESSION_FLAG_DYNAMIC;
            let (server, identity) = (std::ptr::null(), std::ptr::null_mut());
            let opened = engine::FwpmEngineOpen0(server, 10, identity, &raw const session, &raw mut handle);
            assert_eq!(opened, 0);
        }
        Self(handle)
    }

    /// A filter at AUTH_CONNECT for every connection, in a sublayer of this weight.
    fn filter(&self, weight: u16, action: u32, flags: u32) {
        let display =
            FWPM_DISPLAY_DATA0 { name: NAME.as_ptr().cast_mut(), description: std::ptr::null_mut() };
        // SAFETY: see above.
        unsafe {
            let mut sublayer: FWPM_SUBLAYER0 = std::mem::zeroed();
            sublayer.subLayerKey = ddk::guid(0x7700 + u128::from(weight));
            sublayer.displayData = display;
            sublayer.weight = weight;
            let null = std::ptr::null_mut();
            assert_eq!(engine::FwpmSubLayerAdd0(self.0, &raw const sublayer, null), 0);
            let mut filter: FWPM_FILTER0 = std::mem::zeroed();
            filter.displayData = display;
            filter.layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4;
            filter.subLayerKey = sublayer.subLayerKey;
            filter.action.r#type = action;
            filter.flags = flags;
            assert_eq!(engine::FwpmFilterAdd0(self.0, &raw const filter, null, std::ptr::null_mut()), 0);
        }
    }

    /// Flags, layer and weight of the sublayer of every filter.
    fn filters(&self) -> Vec<(u32, GUID, u16)> {
        let (mut all, mut enumeration) = (Vec::new(), std::ptr::null_mut());
        // SAFETY: see above.
        unsafe {
            assert_eq!(
                fwp::read::FwpmFilterCreateEnumHandle0(self.0, std::ptr::null(), &raw mut enumeration),
                0
            );
            let (mut entries, mut count) = (std::ptr::null_mut(), 0);
            let told =
                fwp::read::FwpmFilterEnum0(self.0, enumeration, 1000, &raw mut entries, &raw mut count);
            assert_eq!(told, 0);
            for at in 0..count as usize {
                let filter = &**entries.add(at);
                let mut sublayer: *mut FWPM_SUBLAYER0 = std::ptr::null_mut();
                let key = &raw const filter.subLayerKey;
                assert_eq!(fwp::read::FwpmSubLayerGetByKey0(self.0, key, &raw mut sublayer), 0);
                all.push((filter.flags, filter.layerKey, (*sublayer).weight));
                fwp::read::FwpmFreeMemory0((&raw mut sublayer).cast());
            }
            fwp::read::FwpmFreeMemory0((&raw mut entries).cast());
            assert_eq!(fwp::read::FwpmFilterDestroyEnumHandle0(self.0, enumeration), 0);
        }
        all
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // SAFETY: see above.
        assert_eq!(unsafe { engine::FwpmEngineClose0(self.0) }, 0);
    }
}

const ABOVE: u16 = 0xf000;
const BELOW: u16 = 0x0010;

#[test]
fn e51_offloads_stay_on_and_batches_are_not_asked_for() {
    lab::child::test("e51_offloads_stay_on_and_batches_are_not_asked_for", || {
        let machine = Machine::new(Options::default());
        let mut wanted = FWP_CALLOUT_FLAG_ALLOW_OFFLOAD | FWP_CALLOUT_FLAG_ALLOW_RSC;
        // What the platform knows came with the version of NDIS: 6.83 and 6.84.
        let versions =
            [(50, 0), (80, 0), (83, FWP_CALLOUT_FLAG_ALLOW_USO), (84, FWP_CALLOUT_FLAG_ALLOW_URO), (89, 0)];
        for (minor, new) in versions {
            wanted |= new;
            lab::ndis::driver::set_version(6, minor);
            let mut driver = support::start(&machine);
            let flags = fwp::registered_flags();
            assert!(flags.len() >= 10, "{flags:x?}");
            let all = FWP_CALLOUT_FLAG_ALLOW_OFFLOAD
                | FWP_CALLOUT_FLAG_ALLOW_RSC
                | FWP_CALLOUT_FLAG_ALLOW_USO
                | FWP_CALLOUT_FLAG_ALLOW_URO
                | FWP_CALLOUT_FLAG_ALLOW_L2_BATCH_CLASSIFY;
            assert!(flags.iter().all(|flags| flags & all == wanted), "6.{minor}: {flags:x?}");
            driver.unload();
        }
        machine.finish();
    });
}

#[test]
fn e52_the_right_to_decide_is_honoured_and_a_veto_is_not_forgotten() {
    // What others decide above or below, and whether connections that the policy permits and blocks may be then.
    let clear = FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT;
    let table = [
        (ABOVE, FWP_ACTION_BLOCK, 0, (false, false)),
        (ABOVE, FWP_ACTION_PERMIT, 0, (true, false)),
        // A hard permit: what Weir blocks is a veto.
        (ABOVE, FWP_ACTION_PERMIT, clear, (true, false)),
        // Weir's permit is soft, its block is hard.
        (BELOW, FWP_ACTION_BLOCK, 0, (false, false)),
        (BELOW, FWP_ACTION_PERMIT, 0, (true, false)),
        (BELOW, FWP_ACTION_PERMIT, clear, (true, false)),
    ];
    beside("e52_the_right_to_decide_is_honoured_and_a_veto_is_not_forgotten", |site, file| {
        for text in [BLOCK_DNS, CLOSED] {
            set_policy(file, text);
            for (weight, action, flags, expected) in table {
                let other = Other::new();
                other.filter(weight, action, flags);
                let found = (site.connects(80), site.connects(53));
                assert_eq!(found, expected, "{action:#x} {flags:#x} at {weight:#x}, {text}");
            }
            assert_eq!((site.connects(80), site.connects(53)), (true, false), "alone again");
        }
        set_policy(file, BLOCK_DNS);
    });
}

#[test]
fn e53_sublayers_stand_below_the_universal_one() {
    beside("e53_sublayers_stand_below_the_universal_one", |_, file| {
        // The engine's own, on which IPsec and others rely.
        const UNIVERSAL: u16 = 0x8000;
        for text in [BLOCK_DNS, CLOSED, BLOCK_DNS] {
            set_policy(file, text);
            let filters = Other::new().filters();
            assert!(filters.len() >= 10);
            assert!(filters.iter().all(|(_, _, weight)| (1..UNIVERSAL).contains(weight)), "{text}");
        }
    });
}

#[test]
fn e54_own_answers_are_not_answered() {
    beside("e54_own_answers_are_not_answered", |site, file| {
        set_policy(file, "[[rule]]\nname = \"all\"\naction = \"reject\"\n");
        let frame = [packet::udp(Way::In, Ports { local: 9, remote: 9 }, 10)];
        for number in 1..=3 {
            site.adapter.receive(&lists(&frame, number), Call { dispatch: true, flags: 0 });
            let events = site.adapter.take_events();
            assert_eq!((events.wire.len(), events.delivered.len()), (1, 0), "one answer and no more");
            assert_eq!(status(file).counter(CounterId::FRAMES_SENT), 0, "the answer is nobody's frame");
        }
    });
}

#[test]
fn e72_the_fail_mode_says_what_an_absent_callout_means() {
    beside("e72_the_fail_mode_says_what_an_absent_callout_means", |_, file| {
        let authorising = [
            FWPM_LAYER_ALE_AUTH_CONNECT_V4,
            FWPM_LAYER_ALE_AUTH_CONNECT_V6,
            FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4,
            FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V6,
        ];
        for (text, filters, permit) in [(BLOCK_DNS, 4, true), (CLOSED, 12, false), (BLOCK_DNS, 4, true)] {
            set_policy(file, text);
            let found: Vec<bool> = Other::new()
                .filters()
                .into_iter()
                .filter(|(_, layer, _)| authorising.iter().any(|key| key.Data1 == layer.Data1))
                .map(|(flags, ..)| flags & FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED != 0)
                .collect();
            assert_eq!(found, vec![permit; filters], "{text}");
        }
    });
}

/// Waits for what the driver tries each second.
fn joins(file: &File) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    while status(file).wfp_active == 0 {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
        lab::ntoskrnl::work::flush();
    }
    true
}

#[test]
fn e73_filters_that_cannot_be_deleted_hold_up_nothing() {
    beside("e73_filters_that_cannot_be_deleted_hold_up_nothing", |site, file| {
        set_policy(file, CLOSED);
        let generation = status(file).policy_generation;
        // Another program has the engine's one transaction, and keeps it.
        fwp::hold_transaction(Duration::from_secs(3600));
        let image = policy(BLOCK_DNS);
        let (set, _) = file.ioctl(Control::SET_POLICY.0, &image, size_of::<SetPolicyReply>());
        assert!(set < 0, "the guard is not removed");
        assert_eq!(status(file).policy_generation, generation);
        assert_eq!((site.connects(80), site.connects(53)), (true, false), "and the old policy decides");
        fwp::release_transaction();
        set_policy(file, BLOCK_DNS);
        // The end of the driver does not wait for that program: a session that is closed takes its objects along.
        fwp::hold_transaction(Duration::from_secs(3600));
    });
}

#[test]
fn e74_a_service_that_is_slow_is_waited_for() {
    lab::child::test("e74_a_service_that_is_slow_is_waited_for", || {
        fwp::set_service_state(FWPM_SERVICE_START_PENDING);
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        let mut site = Site::new(&adapter);
        set_policy(&file, BLOCK_DNS);
        assert_eq!(status(&file).wfp_active, 0);
        assert!(site.connects(53), "nobody is asked yet");
        // It says that it runs, and refuses its first caller.
        lab::pool::fail_after(0);
        fwp::set_service_state(FWPM_SERVICE_RUNNING);
        lab::ntoskrnl::work::flush();
        assert!(joins(&file), "the driver did not try again");
        assert!(!site.connects(53));
        // It goes away and comes back before the driver hears of the first.
        fwp::set_service_state_untold(FWPM_SERVICE_STOPPED);
        fwp::set_service_state_untold(FWPM_SERVICE_RUNNING);
        assert!(site.connects(53), "the objects are gone");
        fwp::tell_service_state();
        lab::ntoskrnl::work::flush();
        assert!(joins(&file) && !site.connects(53));
        site.edge.finish();
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn e75_another_writer_is_waited_for_and_then_done_without() {
    lab::child::test("e75_another_writer_is_waited_for_and_then_done_without", || {
        // For a while: the start waits and is whole.
        fwp::hold_transaction(Duration::from_secs(5));
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        assert_eq!(status(&file).wfp_active, 1);
        drop(file);
        driver.unload();
        drop(driver);
        // For ever: the driver starts without the platform and joins when it can.
        fwp::hold_transaction(Duration::from_secs(3600));
        let mut driver = support::load(&machine);
        driver.start().expect("it starts");
        let file = open(&machine);
        assert_eq!((status(&file).wfp_active, fwp::object_counts()), (0, [0; 4]));
        fwp::release_transaction();
        assert!(joins(&file));
        let mut site = Site::new(&adapter);
        set_policy(&file, BLOCK_DNS);
        assert_eq!((site.connects(80), site.connects(53)), (true, false));
        site.edge.finish();
        drop(file);
        driver.unload();
        machine.finish();
    });
}
