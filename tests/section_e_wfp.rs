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
use support::agent::{self, Agent};
use support::packet::{self, LOCAL, Ports, Way, flag, lists};
use support::{boot_with_adapter, open, policy, set_policy, status};
use weir_ioctl::{AskCounterId, Control, CounterId, SetPolicyReply};

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

const ASK: &str = "[[rule]]\nname = \"q\"\naction = \"ask\"\nprotocol = [\"tcp\", \"udp\"]\n";
const CONNECTION: Ports = Ports { local: 50_000, remote: 443 };

/// Opens a connection from here; the filtering platform and the filter let it.
fn connected(site: &mut agent::Site) {
    assert!(site.syn(Way::Out, CONNECTION) && site.tcp(Way::In, CONNECTION, flag::SYN | flag::ACK));
    assert!(site.tcp(Way::Out, CONNECTION, flag::ACK));
}

/// Makes TCP/IP ask again about every flow with its next packet: filters at the layers are new.
fn ask_again() {
    for state in [FWPM_SERVICE_STOPPED, FWPM_SERVICE_RUNNING] {
        fwp::set_service_state(state);
        lab::ntoskrnl::work::flush();
    }
}

/// 55: only the first authorisation waits, never a repeated one, and never an established flow.
#[test]
fn e55_only_the_first_authorisation_is_put_off() {
    lab::child::test("e55_only_the_first_authorisation_is_put_off", || {
        let mut site = agent::Site::new(&[], "");
        let agent = Agent::start(&site.machine);
        connected(&mut site);
        set_policy(&site.file, ASK);
        ask_again();
        let data = packet::tcp(Way::Out, CONNECTION, flag::ACK, 10);
        let refused = Verdict::Blocked("ALE_AUTH_CONNECT");
        assert_eq!(site.edge.outbound(&site.interface, &data, 10), refused, "the fallback");
        // Neither asked about nor tried to be: the reauthorisation was told apart before.
        assert_eq!((site.count(AskCounterId::ASKED), site.count(AskCounterId::UNASKABLE)), (0, 0));
        let other = Ports { local: 50_001, ..CONNECTION };
        assert!(!site.syn(Way::Out, other));
        agent.settle(weir_ioctl::Verdict::PERMIT);
        assert_eq!(site.went_on().0.len(), 1);
        assert!(site.tcp(Way::In, other, flag::SYN | flag::ACK), "established");
        ask_again();
        assert!(site.tcp(Way::Out, other, flag::ACK), "the answer holds");
        assert_eq!(site.count(AskCounterId::ASKED), 1);
        drop(agent);
        site.end();
    });
}

/// 56: a connect is classified again and finds the answer; an accept is not, its packet is injected or dropped.
#[test]
fn e56_a_connect_finds_its_answer_and_an_accept_is_injected() {
    lab::child::test("e56_a_connect_finds_its_answer_and_an_accept_is_injected", || {
        let mut site = agent::Site::new(&[], ASK);
        let agent = Agent::start(&site.machine);
        for (number, verdict) in
            [weir_ioctl::Verdict::PERMIT, weir_ioctl::Verdict::BLOCK].into_iter().enumerate()
        {
            let permits = verdict == weir_ioctl::Verdict::PERMIT;
            let ports = Ports { local: 50_000 + number as u16, remote: 443 };
            let before = site.edge.stats();
            assert!(!site.syn(Way::Out, ports));
            agent.settle(verdict);
            assert_eq!(site.went_on().0.len(), usize::from(permits));
            let after = site.edge.stats();
            assert_eq!(after.connects - before.connects, 2, "asked again, and the agent was not");
            assert_eq!(after.connects_blocked - before.connects_blocked, u64::from(!permits));
            assert!(!site.udp(Way::In, ports, 10));
            agent.settle(verdict);
            assert_eq!(site.went_on().1.len(), usize::from(permits));
            let accepts = site.edge.stats().accepts - after.accepts;
            assert_eq!(accepts, 1 + u64::from(permits), "asked again only for the injected packet");
        }
        assert_eq!(site.count(AskCounterId::ASKED), 4);
        drop(agent);
        site.end();
    });
}

/// 57: datagrams that come while their flow waits are kept and go on in order; no more than there is room for.
#[test]
fn e57_datagrams_wait_and_go_on_in_order() {
    lab::child::test("e57_datagrams_wait_and_go_on_in_order", || {
        let mut site = agent::Site::new(&[], ASK);
        let agent = Agent::start(&site.machine);
        let frames: Vec<_> = (0..10).map(|length| packet::udp(Way::In, CONNECTION, 20 + length)).collect();
        assert!(!site.udp(Way::In, CONNECTION, 20));
        // TCP/IP as the lab has it does not ask about later datagrams; others, which know nothing of the first, do.
        for (number, frame) in (1..).zip(&frames[1..]) {
            let mut other = Edge::new([LOCAL.into()], ProcessMap::default()).with_flows_from(number << 32);
            let verdict = other.inbound(&site.interface, frame, 1);
            assert_eq!(verdict, Verdict::Blocked("ALE_AUTH_RECV_ACCEPT"));
            other.finish();
        }
        assert_eq!(site.status().open, 1, "one question");
        agent.settle(weir_ioctl::Verdict::PERMIT);
        let (_, delivered) = site.went_on();
        assert_eq!(delivered.len(), 8);
        for (packet, frame) in delivered.iter().zip(&frames) {
            assert_eq!(packet[20..], frame[34..], "in order, and whole");
        }
        assert_eq!((site.count(AskCounterId::HELD), site.count(AskCounterId::RESENT)), (8, 8));
        assert_eq!(site.count(AskCounterId::HELD_DROPPED), 2);
        assert!(site.udp(Way::In, CONNECTION, 99));
        drop(agent);
        site.end();
    });
}

/// 58: the packet of a reauthorisation may go against its connection, whose direction is that of the layer.
#[test]
fn e58_a_reauthorisation_by_a_packet_from_the_other_side() {
    for (direction, blocks) in [("out", true), ("in", false)] {
        let name = format!("e58_a_reauthorisation_by_a_packet_from_the_other_side#{direction}");
        lab::child::test(&name, || {
            let mut site = agent::Site::new(&[], "");
            connected(&mut site);
            let text = format!("[[rule]]\nname = \"d\"\naction = \"block\"\ndirection = \"{direction}\"\n");
            set_policy(&site.file, &text);
            ask_again();
            let data = packet::tcp(Way::In, CONNECTION, flag::ACK, 10);
            let expected = if blocks { Verdict::Blocked("ALE_AUTH_CONNECT") } else { Verdict::Pass };
            assert_eq!(site.edge.inbound(&site.interface, &data, 10), expected);
            let flows = support::list::<weir_ioctl::FlowEntry>(&site.file, Control::LIST_FLOWS, 4);
            assert_eq!((flows.len(), flows[0].origin), (1, weir_ioctl::Origin::OUTBOUND));
            assert_eq!(flows[0].local_port, CONNECTION.local);
            site.end();
        });
    }
}

/// 59: nobody is refused when a flow is established, whatever the policy has come to say.
#[test]
fn e59_an_established_flow_is_not_refused() {
    lab::child::test("e59_an_established_flow_is_not_refused", || {
        let mut site = agent::Site::new(&[], "");
        for local in 50_000..50_010 {
            let ports = Ports { local, remote: 443 };
            set_policy(&site.file, "");
            assert!(site.syn(Way::Out, ports));
            set_policy(
                &site.file,
                "[defaults]\noutbound = \"block\"\ninbound = \"block\"\nfailure = \"closed\"\n",
            );
            let answer = packet::tcp(Way::In, ports, flag::SYN | flag::ACK, 0);
            let verdict = site.edge.inbound(&site.interface, &answer, 10);
            // Refused before it is established, by the authorisation that the new policy has repeated, or not at all.
            assert!(matches!(verdict, Verdict::Pass | Verdict::Blocked("ALE_AUTH_CONNECT")), "{verdict:?}");
            if verdict == Verdict::Pass {
                assert_eq!(site.edge.stats().established, u64::from(local - 50_000) + 1);
            }
        }
        assert_eq!(site.edge.stats().closures, 0, "no flow was ended");
        site.end();
    });
}

/// 68: a context belongs to the platform once it is attached, and comes back once, however the flow ends.
#[test]
fn e68_contexts_come_back_once() {
    lab::child::test("e68_contexts_come_back_once", || {
        let mut site = agent::Site::new(&[], "");
        for local in 0..32 {
            assert!(site.udp(Way::Out, Ports { local: 1_000 + local, remote: 53 }, 10));
        }
        let now = support::status(&site.file);
        assert_eq!((now.contexts_attached, now.contexts, fwp::contexts()), (32, 32, 32));
        // A flow and its endpoint take a number each: a quarter ends now, the rest with the edge and with the unload.
        for flow in (0x10_0001..0x10_0041).step_by(8) {
            fwp::end_flow(flow);
            fwp::end_flow(flow);
        }
        assert_eq!((support::status(&site.file).contexts, fwp::contexts()), (24, 24));
        site.end();
    });
}

/// 69: a context that cannot be attached changes nothing but what is told of the end.
#[test]
fn e69_a_flow_without_a_context_is_a_flow() {
    lab::child::test("e69_a_flow_without_a_context_is_a_flow", || {
        let mut site = agent::Site::new(&[], BLOCK_DNS);
        assert!(site.syn(Way::Out, CONNECTION));
        // Gone for the platform before it is established.
        fwp::end_flow(0x10_0001);
        assert!(site.tcp(Way::In, CONNECTION, flag::SYN | flag::ACK));
        let now = support::status(&site.file);
        assert_eq!((now.contexts_attached, now.contexts_refused, now.contexts), (0, 1, 0));
        assert!(site.tcp(Way::Out, CONNECTION, flag::ACK));
        set_policy(&site.file, "[[rule]]\nname = \"all\"\naction = \"block\"\n");
        assert!(!site.tcp(Way::Out, CONNECTION, flag::ACK), "policy does not depend on it");
        site.end();
    });
}

/// 71: callouts are busy while flows have contexts; the unload takes them off, waits for the last, and then goes.
#[test]
fn e71_an_unload_waits_for_the_last_context() {
    lab::child::test("e71_an_unload_waits_for_the_last_context", || {
        let site = agent::Site::new(&[], "");
        let agent::Site { machine, mut driver, interface, mut edge, file, adapter, .. } = site;
        for local in 0..200 {
            edge.outbound(
                &interface,
                &packet::udp(Way::Out, Ports { local: 1_000 + local, remote: 53 }, 1),
                1,
            );
        }
        assert_eq!((fwp::contexts(), fwp::registered() > 0), (200, true));
        drop(file);
        driver.unload();
        assert_eq!((fwp::contexts(), fwp::registered()), (0, 0));
        // The flows live on, and end without the driver.
        edge.finish();
        drop((edge, adapter));
        let report = machine.finish();
        assert!(report.is_clean(), "{report:?}");
    });
}
