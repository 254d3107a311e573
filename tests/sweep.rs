//! Promise: whatever the driver asks for and does not get, it fails cleanly: no rule broken, nothing left behind.
//!
//! `cargo xtask fault-sweep` prints what came of each refusal.

mod support;

use lab::fault::{self, Plan};
use lab::ndis::{Adapter, AttachTime, Attributes, Call, Completion, Config, RESOURCES};
use lab::schedule::{self, Mode};
use lab::wdf::Who;
use lab::{Machine, child};
use support::packet::{self, LOCAL, Ports, Way, lists};
use support::{driver_image, list, policy};
use weir_ioctl::zerocopy::IntoBytes;
use weir_ioctl::{
    AdapterEntry, Control, FlowEntry, GetPolicyRequest, IdentityEntry, RuleHits, SetPolicyReply, StatusReply,
    WIN32_DEVICE_PATH,
};

const POLICY: &str = "[[rule]]\nname = \"odd\"\naction = \"block\"\nremote-port = [1, 3]\n";
/// The OIDs, the PnP event and the frames of the scenario.
const MAXIMUM_FRAME_SIZE: u32 = 0x0001_0106;
const PACKET_FILTER: u32 = 0x0001_010e;
const NET_EVENT: i32 = 4;

/// A whole life of the driver that asks for everything it ever asks for. It ends well whatever is refused, and says
/// what the refusal led to.
fn life() {
    // In turns and with virtual time, so that every run comes by the same places.
    schedule::start(Mode::Deterministic, 0);
    let machine = Machine::new(lab::Options::default());
    let adapter = Adapter::new(Config::default());
    let later = Adapter::new(Config { attach: AttachTime::OnRequest, ..Config::default() });
    let mut driver = machine.load_driver(driver_image()).expect("the image loads");
    fault::cover(driver.image());
    fault::cover(driver.image());
    fault::start();
    let mut felt: Vec<String> = Vec::new();
    match driver.start() {
        Err(status) => {
            assert!(fault::has_refused(), "DriverEntry failed with {status:#x} without a reason");
            assert!(lab::ndis::driver::all().is_empty());
            felt.push(format!("DriverEntry fails with {status:#x}"));
        }
        Ok(()) => {
            serve(&machine, &[adapter, later], &mut felt);
            driver.unload();
        }
    }
    assert_eq!(lab::fwp::object_counts(), [0; 4]);
    felt.dedup();
    fault::outcome(if felt.is_empty() { "not felt from outside".into() } else { felt.join(", ") });
    let report = machine.finish();
    assert!(report.leaks.is_empty());
}

/// Everything between DriverEntry and unload.
fn serve(machine: &Machine, adapters: &[std::sync::Arc<Adapter>], felt: &mut Vec<String>) {
    for adapter in adapters {
        let is_new = adapter.config().attach == AttachTime::OnRequest;
        if adapter.module_count() == 0 && !is_new {
            felt.push("FilterAttach fails, the adapter goes without at first".into());
        }
        if adapter.module_count() == 0
            && let Some(filter) = lab::ndis::driver::all().pop()
            && let Err(status) = adapter.attach(&filter)
        {
            felt.push(format!("FilterAttach fails with {status:#x}"));
        }
        if let Err(status) = adapter.restart(Attributes::General) {
            felt.push(format!("FilterRestart fails with {status:#x}"));
        }
    }
    let file = match machine.open(WIN32_DEVICE_PATH, Who::Administrator) {
        Ok(file) => file,
        Err(status) => return felt.push(format!("the open fails with {status:#x}")),
    };
    for text in [POLICY, ""] {
        let (status, _) = file.ioctl(Control::SET_POLICY.0, &policy(text), size_of::<SetPolicyReply>());
        if status != 0 {
            felt.push(format!("SET_POLICY fails with {status:#x}"));
        }
        for adapter in adapters {
            traffic(adapter, felt);
            oids(adapter, felt);
        }
    }
    let (status, _) = file.ioctl(Control::STATUS.0, &[], size_of::<StatusReply>());
    if status != 0 {
        felt.push(format!("STATUS fails with {status:#x}"));
    } else if fault::has_refused() && felt.is_empty() {
        let now = support::status(&file);
        if now.wfp_active == 0 {
            felt.push("the filter engine is not joined".into());
        }
    }
    let _flows = list::<FlowEntry>(&file, Control::LIST_FLOWS, 8);
    let _images = list::<IdentityEntry>(&file, Control::LIST_IDENTITIES, 8);
    let _hits = list::<RuleHits>(&file, Control::RULE_HITS, 8);
    assert_eq!(
        list::<AdapterEntry>(&file, Control::ADAPTERS, 8).len(),
        adapters.iter().filter(|a| a.module_count() != 0).count()
    );
    let request = GetPolicyRequest { offset: 0, generation: 0 };
    file.ioctl(Control::GET_POLICY.0, request.as_bytes(), 4096);
    let (refused, _) = file.ioctl(Control::SET_POLICY.0, b"no policy", size_of::<SetPolicyReply>());
    assert!(refused < 0, "nonsense was taken for a policy");
    // The driver's timer.
    lab::clock::jump(std::time::Duration::from_secs(3));
    lab::schedule::let_others_run();
    // The filter engine's service goes and comes back.
    for state in [ddk::fwp::FWPM_SERVICE_STOPPED, ddk::fwp::FWPM_SERVICE_RUNNING] {
        lab::fwp::set_service_state(state);
        lab::ntoskrnl::work::flush();
    }
    if support::status(&file).wfp_active == 0 && felt.is_empty() {
        felt.push("the filter engine is not joined again".into());
    }
}

/// Frames both ways, each of which comes home.
fn traffic(adapter: &Adapter, felt: &mut Vec<String>) {
    let interface = lab::edge::Interface::from(adapter);
    let mut edge = lab::edge::Edge::new([LOCAL.into()], lab::edge::ProcessMap::default());
    let frames =
        |way| -> Vec<_> { (1..5).map(|remote| packet::udp(way, Ports { local: 999, remote }, 10)).collect() };
    // What ALE refuses is sent all the same, as by somebody who needs no socket.
    let out = frames(Way::Out);
    for frame in &out {
        edge.outbound(&interface, frame, 0);
    }
    for dispatch in [false, true] {
        lab::ndis::set_unmapped(dispatch);
        adapter.send(&lists(&out, 0), Call { dispatch, flags: 0 });
        adapter.receive(&lists(&frames(Way::In), 0), Call { dispatch, flags: 0 });
        adapter.receive(&lists(&frames(Way::In), 0), Call { dispatch, flags: RESOURCES });
    }
    let events = adapter.take_events();
    assert_eq!((events.completed.len(), events.returned.len()), (2 * out.len(), 16));
    const ABORTED: i32 = ddk::ndis::NDIS_STATUS_SEND_ABORTED;
    if events.completed.iter().any(|(_, status)| *status == ABORTED) {
        felt.push("a send fails".into());
    }
    for delivered in &events.delivered {
        edge.inbound(&interface, &delivered.bytes, 0);
    }
    edge.finish();
}

fn oids(adapter: &Adapter, felt: &mut Vec<String>) {
    for completion in [Completion::Inline, Completion::BeforeReturn, Completion::AfterReturn] {
        adapter.complete_oids(completion, None);
        requests(adapter, felt);
    }
}

fn requests(adapter: &Adapter, felt: &mut Vec<String>) {
    let results = [
        adapter.query(MAXIMUM_FRAME_SIZE, 4),
        adapter.set(PACKET_FILTER, &[1, 0, 0, 0]),
        adapter.query_direct(MAXIMUM_FRAME_SIZE, 4),
    ];
    for result in results.iter().filter(|result| result.status != 0) {
        felt.push(format!("an OID fails with {:#x}", result.status));
    }
    if adapter.net_event(NET_EVENT) != 0 {
        felt.push("a PnP event fails".into());
    }
    adapter.device_event(5);
    adapter.indicate_link(true);
}

#[test]
fn every_refusal_fails_cleanly() {
    let name = "every_refusal_fails_cleanly";
    let run =
        |plan: Plan| child::run_with(&format!("{name}#life"), &[(fault::PLAN, &plan.to_variable())], life);
    if child::is_child() {
        run(Plan::Watch);
        return;
    }
    let sweep = fault::sweep(run);
    println!("{sweep}");
    assert!(sweep.is_clean(), "{sweep}");
    assert!(sweep.outcomes.len() > 30, "only {} places", sweep.outcomes.len());
}
