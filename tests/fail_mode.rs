//! Promise: what becomes of connections while the driver is not there is the policy's `failure`, from the moment the
//! policy is in force until another one is, through stops, restarts of the machine and failures on the way.

mod support;

use ddk::fwp::{FWPM_SERVICE_RUNNING, FWPM_SERVICE_START_PENDING, FWPM_SERVICE_STOPPED};
use lab::edge::{Edge, Interface, Medium, ProcessMap, Verdict};
use lab::registry::Registry;
use lab::wdf::File;
use lab::{Driver, Machine, Options};
use support::packet::{self, LOCAL, Ports, Way};
use support::{load_as_installed, open, policy, set_policy, status};
use weir_ioctl::{Control, SetPolicyReply};

const OPEN: &str =
    "[defaults]\nfailure = \"open\"\n[[rule]]\nname = \"dns\"\naction = \"block\"\nremote-port = 53\n";
const CLOSED: &str =
    "[defaults]\nfailure = \"closed\"\n[[rule]]\nname = \"dns\"\naction = \"block\"\nremote-port = 53\n";
/// Objects in the engine: providers, sublayers, callouts, filters. The guard has a provider, a sublayer, and a
/// persistent and a boot-time filter at each of four layers.
const NONE: [usize; 4] = [0; 4];
const GUARD: [usize; 4] = [1, 1, 0, 8];
const WEIR: [usize; 4] = [1, 1, 10, 10];
const BOTH: [usize; 4] = [2, 2, 10, 18];
const SERVICE: &str = r"\Registry\Machine\System\CurrentControlSet\Services\weir";

/// TCP/IP above an adapter that nobody filters; its flows go from port to port.
struct Site {
    edge: Edge,
    interface: Interface,
    port: u16,
}

impl Site {
    fn new() -> Self {
        let interface =
            Interface { luid: 0x6_0000_0000_0000, index: 7, kind: 6, medium: Medium::Ethernet, mtu: 1500 };
        let local = [LOCAL.into(), [127, 0, 0, 1].into()];
        Self { edge: Edge::new(local, ProcessMap::default()), interface, port: 20_000 }
    }

    /// Whether a new flow may be.
    fn connects(&mut self, remote: u16) -> bool {
        self.port += 1;
        self.sends(self.port, remote)
    }

    /// Whether a flow that may exist may go on.
    fn sends(&mut self, local: u16, remote: u16) -> bool {
        let frame = packet::udp(Way::Out, Ports { local, remote }, 10);
        self.edge.outbound(&self.interface, &frame, 1) == Verdict::Pass
    }

    /// Whether somebody else may open one.
    fn accepts(&mut self) -> bool {
        self.port += 1;
        let frame = packet::udp(Way::In, Ports { local: self.port, remote: 9 }, 10);
        self.edge.inbound(&self.interface, &frame, 1) == Verdict::Pass
    }

    /// Whether the machine may talk to itself.
    fn loops(&mut self) -> bool {
        self.port += 1;
        // The packet of a frame, between two addresses of this machine.
        let mut bytes = packet::udp(Way::Out, Ports { local: self.port, remote: 9 }, 10).split_off(14);
        bytes[12..20].copy_from_slice(&[127, 0, 0, 1, 127, 0, 0, 1]);
        self.edge.loopback(&Interface::loopback(), &bytes, 1) == Verdict::Pass
    }

    /// The machine as it is without the driver.
    fn assert_closed(&mut self, closed: bool) {
        assert_eq!((self.connects(80), self.accepts()), (!closed, !closed));
        assert!(self.loops(), "loopback is left alone");
    }
}

fn start(machine: &Machine) -> (Driver, File) {
    let mut driver = load_as_installed(machine);
    driver.start().expect("the driver starts");
    let file = open(machine);
    (driver, file)
}

fn stop((mut driver, file): (Driver, File)) {
    drop(file);
    driver.unload();
}

fn in_a_machine(test: &str, body: impl FnOnce(&Machine, &mut Site)) {
    lab::child::test(test, || {
        let machine = Machine::new(Options::default());
        let mut site = Site::new();
        body(&machine, &mut site);
        site.edge.finish();
        let report = machine.finish();
        assert!(report.is_clean(), "{report:?}");
    });
}

#[test]
fn without_the_driver_an_open_machine_is_open_and_a_closed_one_closed() {
    in_a_machine("without_the_driver_an_open_machine_is_open_and_a_closed_one_closed", |machine, site| {
        for (text, objects, closed) in [(OPEN, NONE, false), (CLOSED, GUARD, true)] {
            let running = start(machine);
            set_policy(&running.1, text);
            assert_eq!((site.connects(80), site.connects(53), site.accepts()), (true, false, true), "{text}");
            assert!(site.sends(9000, 80));
            stop(running);
            assert_eq!(site.sends(9000, 80), !closed, "a connection is authorised anew");
            assert_eq!(lab::fwp::object_counts(), objects);
            site.assert_closed(closed);
        }
        // Until a policy says so, a driver that comes back does not open what is closed.
        let running = start(machine);
        assert_eq!(status(&running.1).wfp_active, 0);
        site.assert_closed(true);
        set_policy(&running.1, CLOSED);
        assert_eq!(status(&running.1).wfp_active, 1);
        assert_eq!((site.connects(80), site.connects(53)), (true, false));
        // What an uninstallation begins with: a policy that fails open, and nothing is left.
        set_policy(&running.1, OPEN);
        assert_eq!(lab::fwp::object_counts(), WEIR);
        stop(running);
        assert_eq!(lab::fwp::object_counts(), NONE);
        site.assert_closed(false);
    });
}

#[test]
fn running_flows_do_not_notice_the_change() {
    in_a_machine("running_flows_do_not_notice_the_change", |machine, site| {
        let running = start(machine);
        set_policy(&running.1, OPEN);
        assert!(site.sends(9000, 80));
        let flow = site.edge.stats().established;
        for text in [CLOSED, CLOSED, OPEN, CLOSED, OPEN, OPEN] {
            set_policy(&running.1, text);
            assert_eq!(lab::fwp::object_counts(), if text == CLOSED { BOTH } else { WEIR });
            assert!(site.sends(9000, 80), "{text}");
        }
        assert_eq!(site.edge.stats().established, flow, "it was one flow all the time");
        stop(running);
    });
}

#[test]
fn a_closed_machine_starts_closed() {
    in_a_machine("a_closed_machine_starts_closed", |machine, site| {
        let running = start(machine);
        set_policy(&running.1, CLOSED);
        stop(running);
        lab::fwp::reboot();
        site.assert_closed(true);
        lab::fwp::set_service_state(FWPM_SERVICE_START_PENDING);
        site.assert_closed(true);
        // The driver may be there before the service.
        let running = start(machine);
        set_policy(&running.1, CLOSED);
        site.assert_closed(true);
        lab::fwp::set_service_state(FWPM_SERVICE_RUNNING);
        assert!(!site.connects(53), "the guard decides, or the driver already");
        lab::ntoskrnl::work::flush();
        assert_eq!((site.connects(80), site.connects(53)), (true, false));
        assert_eq!(lab::fwp::object_counts(), BOTH);
        // The service goes and comes: closed in between, decided again afterwards.
        lab::fwp::set_service_state(FWPM_SERVICE_STOPPED);
        site.assert_closed(true);
        lab::ntoskrnl::work::flush();
        site.assert_closed(true);
        lab::fwp::set_service_state(FWPM_SERVICE_RUNNING);
        assert!(!site.connects(53), "the guard decides, or the driver already");
        lab::ntoskrnl::work::flush();
        assert_eq!((site.connects(80), site.connects(53)), (true, false));
        set_policy(&running.1, OPEN);
        stop(running);
        assert_eq!(lab::fwp::object_counts(), NONE);
    });
}

#[test]
fn a_guard_whose_service_was_removed_is_not_restored() {
    in_a_machine("a_guard_whose_service_was_removed_is_not_restored", |machine, site| {
        let running = start(machine);
        set_policy(&running.1, CLOSED);
        stop(running);
        site.assert_closed(true);
        for name in Registry::get().children(SERVICE) {
            assert!(Registry::get().remove(&format!(r"{SERVICE}\{name}")));
        }
        assert!(Registry::get().remove(SERVICE));
        lab::fwp::set_service_state(FWPM_SERVICE_STOPPED);
        lab::fwp::set_service_state(FWPM_SERVICE_RUNNING);
        site.assert_closed(false);
    });
}

/// A change of the fail mode that fails at its first, second, ... request leaves the old policy and its mode in force.
#[test]
fn a_change_that_fails_changes_nothing() {
    in_a_machine("a_change_that_fails_changes_nothing", |machine, site| {
        let running = start(machine);
        let (driver, file) = &running;
        let _ = driver;
        for (old, new, objects, after) in [(OPEN, CLOSED, WEIR, BOTH), (CLOSED, OPEN, BOTH, WEIR)] {
            let image = policy(new);
            let mut points = 0;
            loop {
                set_policy(file, old);
                assert_eq!(lab::fwp::object_counts(), objects, "{old}");
                let before = status(file).policy_generation;
                lab::pool::fail_after(points);
                let (set, _) = file.ioctl(Control::SET_POLICY.0, &image, size_of::<SetPolicyReply>());
                let unused = (0..=points).any(|_| lab::pool::must_fail());
                assert_eq!((site.connects(80), site.connects(53)), (true, false), "failure {points}");
                if unused {
                    assert_eq!((set, lab::fwp::object_counts()), (0, after));
                    break;
                }
                assert!(set < 0, "failure {points}");
                assert_eq!(status(file).policy_generation, before, "failure {points}");
                points += 1;
            }
            assert!(points > 15, "the change has only {points} ways to fail");
        }
        set_policy(file, OPEN);
        stop(running);
        assert_eq!(lab::fwp::object_counts(), NONE);
    });
}
