//! Promise: the filtering platform may come and go; while it is there, connections have owners, and policy follows them.

mod support;

use ddk::fwp::{
    FWPM_SERVICE_RUNNING, FWPM_SERVICE_START_PENDING, FWPM_SERVICE_STOP_PENDING, FWPM_SERVICE_STOPPED,
};
use lab::edge::process::sid_bytes;
use lab::edge::{Edge, Interface, ProcessMap, Verdict};
use lab::ndis::{Adapter, Call};
use lab::wdf::File;
use support::packet::{self, LOCAL, Ports, Way, flag, lists};
use support::{boot_with_adapter, list, open, set_policy, status};
use weir_ioctl::{
    Control, CounterId, FlowEntry, FlowFlags, FlowState, IdentityEntry, IdentityKind, Origin, RuleHits,
};

/// Who owns which socket in these tests.
const PROCESSES: &str = r#"
[[process]]
path = 'C:\Program Files\Updater\updater.exe'
pid = 1111
user = "S-1-5-21-1-2-3-1001"
remote-port = 443

[[process]]
path = 'C:\Windows\System32\svchost.exe'
pid = 2222
user = "S-1-5-20"
remote-port = 53

[[process]]
path = 'D:\Data\Database.exe'
pid = 3333
local-port = 5432
"#;

/// The machine's edge: TCP/IP above, an adapter with the filter below.
struct Site<'a> {
    adapter: &'a Adapter,
    interface: Interface,
    edge: Edge,
    now: u64,
}

impl<'a> Site<'a> {
    fn new(adapter: &'a Adapter) -> Self {
        let processes = ProcessMap::from_toml(PROCESSES).expect("a sound map");
        let edge = Edge::new([LOCAL.into()], processes);
        Self { adapter, interface: Interface::from(adapter), edge, now: 0 }
    }

    /// Sends a frame, or receives it; tells whether ALE and the filter let it through.
    fn passes(&mut self, way: Way, frame: Vec<u8>) -> bool {
        self.now += 1_000_000;
        let frame = [frame];
        match way {
            Way::Out => {
                if self.edge.outbound(&self.interface, &frame[0], self.now) != Verdict::Pass {
                    return false;
                }
                self.adapter.send(&lists(&frame, self.now), Call::default());
                self.adapter.take_events().wire.len() == 1
            }
            Way::In => {
                self.adapter.receive(&lists(&frame, self.now), Call { dispatch: true, flags: 0 });
                let delivered = self.adapter.take_events().delivered.len() == 1;
                delivered && self.edge.inbound(&self.interface, &frame[0], self.now) == Verdict::Pass
            }
        }
    }

    fn udp(&mut self, way: Way, local: u16, remote: u16) -> bool {
        self.passes(way, packet::udp(way, Ports { local, remote }, 20))
    }

    fn tcp(&mut self, way: Way, ports: Ports, flags: u8, length: usize) -> bool {
        self.passes(way, packet::tcp(way, ports, flags, length))
    }

    /// Opens a TCP connection from here.
    fn connect(&mut self, ports: Ports) -> bool {
        self.tcp(Way::Out, ports, flag::SYN, 0)
            && self.tcp(Way::In, ports, flag::SYN | flag::ACK, 0)
            && self.tcp(Way::Out, ports, flag::ACK, 0)
    }

    /// Data in both directions; tells for each whether they passed.
    fn data(&mut self, ports: Ports) -> (bool, bool) {
        (self.tcp(Way::Out, ports, flag::ACK, 100), self.tcp(Way::In, ports, flag::ACK, 200))
    }
}

/// Runs `body` at a site whose driver has started.
fn at_site(test: &str, body: impl FnOnce(&mut Site<'_>, &File)) {
    lab::child::test(test, || {
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        let mut site = Site::new(&adapter);
        body(&mut site, &file);
        site.edge.finish();
        drop(file);
        driver.unload();
        machine.finish();
    });
}

fn flow(file: &File, local: u16, remote: u16) -> FlowEntry {
    let flows = list::<FlowEntry>(file, Control::LIST_FLOWS, 3);
    let mut found = flows.into_iter().filter(|flow| (flow.local_port, flow.remote_port) == (local, remote));
    let flow = found.next().expect("the flow is listed");
    assert!(found.next().is_none(), "a flow is listed once");
    flow
}

#[test]
fn the_engine_may_stop_and_start_at_any_time() {
    lab::child::test("the_engine_may_stop_and_start_at_any_time", || {
        lab::fwp::set_service_state(FWPM_SERVICE_STOPPED);
        let (machine, mut driver, adapter) = boot_with_adapter();
        let file = open(&machine);
        set_policy(
            &file,
            "[[rule]]\nname = \"port\"\naction = \"block\"\nprotocol = \"udp\"\nremote-port = 99\n\
             [[rule]]\nname = \"updater\"\naction = \"block\"\napplication = \"updater.exe\"\n",
        );
        let mut site = Site::new(&adapter);
        let mut port = 40_000;
        let mut look = |active: bool| {
            lab::ntoskrnl::work::flush();
            let objects = if active { [1, 1, 10, 10] } else { [0; 4] };
            assert_eq!(lab::fwp::object_counts(), objects);
            assert_eq!(status(&file).wfp_active, u32::from(active));
            port += 1;
            // What needs no owner is decided either way; what needs one, only while somebody tells.
            assert!(!site.udp(Way::Out, port, 99));
            assert_eq!(site.udp(Way::Out, port, 443), !active);
            assert!(site.udp(Way::Out, port, 53));
        };
        look(false);
        for _ in 0..5 {
            lab::fwp::set_service_state(FWPM_SERVICE_START_PENDING);
            look(false);
            lab::fwp::set_service_state(FWPM_SERVICE_RUNNING);
            look(true);
            // Told twice, done once.
            lab::fwp::set_service_state(FWPM_SERVICE_RUNNING);
            look(true);
            lab::fwp::set_service_state(FWPM_SERVICE_STOP_PENDING);
            look(false);
            lab::fwp::set_service_state(FWPM_SERVICE_STOPPED);
            look(false);
        }
        // It ends while the engine is down; in the other tests it ends while the engine runs.
        site.edge.finish();
        drop(file);
        driver.unload();
        machine.finish();
    });
}

#[test]
fn applications_and_users_are_told_apart() {
    at_site("applications_and_users_are_told_apart", |site, file| {
        set_policy(
            file,
            r#"
            [[rule]]
            name = "updater"
            action = "block"
            application = 'C:\Program Files\Updater\updater.exe'

            [[rule]]
            name = "network service"
            action = "block"
            user = "S-1-5-20"

            [[rule]]
            name = "database"
            action = "block"
            direction = "in"
            application = "database.exe"
            "#,
        );
        assert!(!site.connect(Ports { local: 50_001, remote: 443 }), "the updater");
        assert!(!site.udp(Way::Out, 50_002, 53), "the user");
        assert!(!site.tcp(Way::In, Ports { local: 5432, remote: 50_003 }, flag::SYN, 0), "the database");
        assert!(site.connect(Ports { local: 50_004, remote: 80 }), "somebody else");

        let now = status(file);
        assert_eq!(now.counter(CounterId::AUTHORIZATIONS), 4);
        assert_eq!(now.counter(CounterId::AUTHORIZATIONS_BLOCKED), 3);
        let flows: Vec<u64> =
            list::<RuleHits>(file, Control::RULE_HITS, 2).iter().map(|hits| hits.flows).collect();
        assert_eq!(flows, [1, 1, 1]);

        let identities = list::<IdentityEntry>(file, Control::LIST_IDENTITIES, 2);
        let identity = |kind, id| {
            let found = identities.iter().find(|identity| identity.kind == kind && identity.id == id);
            found.map(|identity| identity.data[..identity.length as usize].to_vec()).unwrap_or_default()
        };
        let path = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
        let expected = [
            (
                50_001,
                443,
                0,
                1111,
                Origin::OUTBOUND,
                r"\device\harddiskvolume3\program files\updater\updater.exe",
                "S-1-5-21-1-2-3-1001",
            ),
            (
                50_002,
                53,
                1,
                2222,
                Origin::OUTBOUND,
                r"\device\harddiskvolume3\windows\system32\svchost.exe",
                "S-1-5-20",
            ),
            (
                5432,
                50_003,
                2,
                3333,
                Origin::INBOUND,
                r"\device\harddiskvolume4\data\database.exe",
                "S-1-5-18",
            ),
        ];
        for (local, remote, rule, pid, origin, image, user) in expected {
            let flow = flow(file, local, remote);
            assert_eq!((flow.verdict, flow.rule), (weir_ioctl::Verdict::BLOCK, rule));
            assert_eq!((flow.process_id, flow.origin), (pid, origin));
            assert_eq!(identity(IdentityKind::IMAGE, flow.image), path(image));
            assert_eq!(identity(IdentityKind::USER, flow.user), sid_bytes(user).expect("a SID"));
            assert_ne!(flow.flags & FlowFlags::ALE, 0);
        }
        let other = flow(file, 50_004, 80);
        assert_eq!((other.verdict, other.process_id), (weir_ioctl::Verdict::PERMIT, 4));
        assert_ne!(other.flags & FlowFlags::ESTABLISHED, 0);
    });
}

#[test]
fn hits_are_counted_where_rules_decide() {
    at_site("hits_are_counted_where_rules_decide", |site, file| {
        set_policy(
            file,
            "[[rule]]\nname = \"first\"\naction = \"block\"\nremote-port = 53\n\
             [[rule]]\nname = \"second\"\naction = \"permit\"\nprotocol = \"udp\"\n\
             [[rule]]\nname = \"never\"\naction = \"block\"\nremote = \"203.0.113.1\"\n",
        );
        // Three tries of a blocked flow: ALE asks each time and nothing reaches the filter.
        assert!((0..3).all(|_| !site.udp(Way::Out, 50_000, 53)));
        // A flow that ALE permits once and the filter sees four times.
        assert!((0..4).all(|_| site.udp(Way::Out, 50_000, 99)));
        // An answer to what was blocked, dropped by the filter.
        assert!(!site.udp(Way::In, 50_000, 53));
        let hits = list::<RuleHits>(file, Control::RULE_HITS, 1);
        let expected = [(1, 3), (4, 1), (0, 0)].map(|(frames, flows)| RuleHits { frames, flows });
        assert_eq!(hits, expected);
    });
}

#[test]
fn a_closed_connection_is_a_closed_flow() {
    at_site("a_closed_connection_is_a_closed_flow", |site, file| {
        set_policy(file, "");
        let ports = Ports { local: 50_010, remote: 80 };
        assert!(site.connect(ports));
        assert_eq!(site.data(ports), (true, true));
        assert_eq!(flow(file, 50_010, 80).state, FlowState::ACTIVE);
        assert!(site.tcp(Way::Out, ports, flag::FIN | flag::ACK, 0));
        assert_eq!(flow(file, 50_010, 80).state, FlowState::CLOSING);
        assert!(site.tcp(Way::In, ports, flag::FIN | flag::ACK, 0));
        assert!(site.tcp(Way::Out, ports, flag::ACK, 0));
        assert_eq!(flow(file, 50_010, 80).state, FlowState::CLOSED);
        // Datagrams have no end of their own: ALE tells when the socket closes.
        assert!(site.udp(Way::Out, 50_011, 53));
        assert_eq!(flow(file, 50_011, 53).state, FlowState::ACTIVE);
        site.edge.finish();
        assert_eq!(flow(file, 50_011, 53).state, FlowState::CLOSED);
        // The port is used again: a new life of the flow.
        assert!(site.udp(Way::Out, 50_011, 53));
        assert_eq!(flow(file, 50_011, 53).state, FlowState::ACTIVE);
        assert_eq!(site.edge.stats().closures, 2);
    });
}

#[test]
fn a_new_policy_holds_for_running_flows() {
    at_site("a_new_policy_holds_for_running_flows", |site, file| {
        const BY_PORT: &str = "[[rule]]\nname = \"https\"\naction = \"block\"\nremote-port = 443\n";
        const BY_OWNER: &str =
            "[[rule]]\nname = \"owner\"\naction = \"block\"\napplication = \"updater.exe\"\n";
        let (updater, other) = (Ports { local: 50_020, remote: 443 }, Ports { local: 50_021, remote: 80 });
        set_policy(file, "");
        assert!(site.connect(updater) && site.connect(other));
        assert_eq!((site.data(updater), site.data(other)), ((true, true), (true, true)));
        for text in [BY_PORT, BY_OWNER, BY_PORT] {
            let before = flow(file, 50_020, 443);
            let generation = set_policy(file, text).generation;
            assert_eq!(site.data(updater), (false, false), "blocked in mid-stream by {text}");
            assert_eq!(site.data(other), (true, true));
            let blocked = flow(file, 50_020, 443);
            assert_eq!((blocked.verdict, blocked.rule), (weir_ioctl::Verdict::BLOCK, 0));
            assert_eq!(blocked.policy_generation, generation);
            assert_eq!((blocked.id, blocked.process_id), (before.id, 1111));
            assert_eq!(blocked.frames_sent_blocked, before.frames_sent_blocked + 1);
            assert_eq!(blocked.bytes_sent_blocked, before.bytes_sent_blocked + 14 + 20 + 20 + 100);
            assert_eq!(blocked.frames_received_blocked, before.frames_received_blocked + 1);
            assert_eq!(blocked.bytes_received_blocked, before.bytes_received_blocked + 14 + 20 + 20 + 200);
            assert_eq!(blocked.frames_sent, before.frames_sent, "{text}");
            let hits = list::<RuleHits>(file, Control::RULE_HITS, 1);
            assert_eq!(hits, [RuleHits { frames: 2, flows: 0 }]);

            set_policy(file, "");
            assert_eq!(site.data(updater), (true, true), "and open again");
            assert_eq!(flow(file, 50_020, 443).verdict, weir_ioctl::Verdict::PERMIT);
        }
    });
}
