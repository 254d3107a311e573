//! Promise: whatever the driver asks for and does not get, it fails cleanly: no rule broken, nothing left behind.
//!
//! `cargo xtask fault-sweep` prints what came of each refusal.

mod support;

use std::time::Duration;

use lab::fault::{self, Plan};
use lab::ndis::{
    Adapter, AttachTime, Attributes, Call, Completion, Config, DataHandlers, RESOURCES, Shape, Split,
};
use lab::registry::{Registry, Value};
use lab::schedule::{self, Mode};
use lab::wdf::{File, Who};
use lab::{Machine, child};
use support::packet::{self, LOCAL, Ports, Way, shaped};
use support::policy;
use weir_ioctl::zerocopy::{FromBytes, IntoBytes};
use weir_ioctl::{
    AdapterEntry, AnswerEntry, AnswerReply, AskStatusReply, Control, CounterId, FlowEntry, GetPolicyRequest,
    IdentityEntry, ListRequest, PageHeader, QuestionEntry, RuleHits, SetPolicyReply, StatusReply, TapHead,
    TapOpen, TapRecord, Verdict, WIN32_DEVICE_PATH,
};

/// What a run says whose refusal made no difference.
const UNFELT: &str = "nobody feels it";
/// Where a refusal need not be felt: what lies on what is asked for again later, and means nothing for these adapters; no
/// packet goes over the loopback here; and what the short way of a known flow cannot map, the long one maps.
const ASKED_AGAIN: [&str; 3] = ["review_topology", "show_loopback", "MmMapLockedPagesSpecifyCache"];
/// Everything that a rule can do to a frame, by remote port.
const ACTIONS: &str = "[[rule]]\nname = 'rejected'\naction = 'reject'\nremote-port = 1\n\
                       [[rule]]\nname = 'marked'\naction = 'mark'\ndscp = 'ef'\nremote-port = 2\n\
                       [[rule]]\nname = 'waits'\naction = ['rate-limit', 'mark']\npriority = 3\nrate = '50 packets/s'\n\
                       burst = '1 packets'\nover = 'delay'\nmax-delay = '500 ms'\nremote-port = 3\n\
                       [[rule]]\nname = 'tapped'\naction = 'tap'\nremote-port = 4\n";
const POLICY: &str = "[[rule]]\nname = \"odd\"\naction = \"block\"\nremote-port = [1, 3]\n";
/// The service's parameters.
const PARAMETERS: &str = r"\Registry\Machine\System\CurrentControlSet\Services\weir\Parameters";
const FLOWS: u32 = 2048;
const QUESTIONS: u32 = 32;
/// Asks about what the rest of the scenario does not send.
const ASK: &str = "[[rule]]\nname = \"q\"\naction = \"ask\"\nremote-port = 2000\n";
/// Functions that the driver calls and the sweep does not refuse: they return no status, or undo something, or fail only
/// because of what the driver itself has done.
const CANNOT_FAIL: [&str; 70] = [
    "NdisCopyReceiveNetBufferListInfo",
    "NdisCopySendNetBufferListInfo",
    "NdisFCancelOidRequest",
    "NdisFCancelSendNetBufferLists",
    "NdisFDeregisterFilterDriver",
    "NdisFDevicePnPEventNotify",
    "NdisFDirectOidRequestComplete",
    "NdisFIndicateReceiveNetBufferLists",
    "NdisFIndicateStatus",
    "NdisFOidRequestComplete",
    "NdisFReturnNetBufferLists",
    "NdisFSendNetBufferListsComplete",
    "NdisFreeCloneOidRequest",
    "NdisFreeMdl",
    "NdisFreeNetBufferList",
    "NdisFreeNetBufferListPool",
    "NdisGetVersion",
    "FreeMibTable",
    "WdfControlFinishInitializing",
    "WdfDeviceInitFree",
    "WdfDeviceInitSetCharacteristics",
    "WdfDeviceInitSetDeviceType",
    "WdfDeviceInitSetFileObjectConfig",
    "WdfDeviceWdmGetDeviceObject",
    "WdfIoQueueRetrieveRequestByFileObject",
    "WdfRegistryClose",
    "WdfRequestCompleteWithInformation",
    "WdfRequestForwardToIoQueue",
    "WdfRequestGetFileObject",
    "WdfRequestGetParameters",
    "WdfTimerStart",
    "WdfTimerStop",
    "WdfWorkItemEnqueue",
    "WdfWorkItemFlush",
    "WdfVersionUnbind",
    "FwpmBfeStateGet0",
    "FwpmBfeStateUnsubscribeChanges0",
    "FwpmEngineClose0",
    "FwpmTransactionAbort0",
    "FwpsCalloutUnregisterById0",
    "FwpsCompleteOperation0",
    "FwpsFreeNetBufferList0",
    "FwpsInjectionHandleDestroy0",
    "FwpsQueryPacketInjectionState0",
    "ExAcquireRundownProtectionCacheAware",
    "ExFreeCacheAwareRundownProtection",
    "ExFreePoolWithTag",
    "ExReInitializeRundownProtectionCacheAware",
    "ExReleaseRundownProtectionCacheAware",
    "ExRundownCompletedCacheAware",
    "ExWaitForRundownProtectionReleaseCacheAware",
    "IoFreeMdl",
    "KeAcquireSpinLockRaiseToDpc",
    "KeCancelTimer",
    "KeFlushQueuedDpcs",
    "KeGetCurrentIrql",
    "KeGetCurrentProcessorNumberEx",
    "KeInitializeDpc",
    "KeInitializeTimer",
    "KeLowerIrql",
    "KeQueryActiveProcessorCountEx",
    "KeQueryInterruptTimePrecise",
    "KeQuerySystemTimePrecise",
    "KeReleaseSpinLock",
    "KeSetTimer",
    "KfRaiseIrql",
    "MmBuildMdlForNonPagedPool",
    "ObfDereferenceObject",
    "PsGetProcessCreateTimeQuadPart",
    "PsLookupProcessByProcessId",
];
/// The lists and the size of their entries.
const LISTS: [(Control, usize); 4] = [
    (Control::LIST_FLOWS, size_of::<FlowEntry>()),
    (Control::LIST_IDENTITIES, size_of::<IdentityEntry>()),
    (Control::RULE_HITS, size_of::<RuleHits>()),
    (Control::ADAPTERS, size_of::<AdapterEntry>()),
];
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
    Registry::get().set(PARAMETERS, "FlowTableSize", Value::Dword(FLOWS));
    Registry::get().set(PARAMETERS, "QuestionTableSize", Value::Dword(QUESTIONS));
    let adapter = Adapter::new(Config::default());
    let later = Adapter::new(Config { attach: AttachTime::OnRequest, ..Config::default() });
    let mut driver = support::load(&machine);
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
    let quiet = if fault::has_refused() { UNFELT } else { "nothing was refused" };
    fault::outcome(if felt.is_empty() { quiet.into() } else { felt.join(", ") });
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
        passed_by(adapter, felt);
    }
    let file = match machine.open(WIN32_DEVICE_PATH, Who::Administrator) {
        Ok(file) => file,
        Err(status) => return felt.push(format!("the open fails with {status:#x}")),
    };
    let taps = ask(&file, Control::TAP_OPEN, TapOpen { snap: 100, ring: 0 }.as_bytes(), 0, felt).is_some();
    // Of eight frames sent POLICY drops four; ACTIONS drops two, and answers four of those that are received.
    for (text, wire) in [(POLICY, 4), (ACTIONS, 10), ("", 8)] {
        ask(&file, Control::SET_POLICY, &policy(text), size_of::<SetPolicyReply>(), felt);
        for adapter in adapters {
            if let Err(status) = adapter.do_requested_restarts() {
                felt.push(format!("FilterRestart fails with {status:#x}"));
            }
            passed_by(adapter, felt);
            traffic(adapter, wire, felt);
            oids(adapter, felt);
        }
    }
    if taps {
        tapped(&file, felt);
    }
    questions(machine, &file, &adapters[0], felt);
    look(&file, felt);
    for (control, entry) in LISTS {
        let room = size_of::<PageHeader>() + 8 * entry;
        let page = ask(&file, control, ListRequest { cursor: 0 }.as_bytes(), room, felt);
        let Some((header, entries)) =
            page.as_deref().and_then(|page| PageHeader::read_from_prefix(page).ok())
        else {
            continue;
        };
        if control.0 == Control::ADAPTERS.0 {
            let attached = adapters.iter().filter(|adapter| adapter.module_count() != 0).count();
            assert_eq!(header.count as usize, attached);
            let nameless = entries.chunks_exact(entry).any(|entry| {
                let entry = AdapterEntry::read_from_bytes(entry).expect("an adapter");
                let name: Vec<u16> = entry.name.into_iter().take_while(|unit| *unit != 0).collect();
                adapters.iter().all(|adapter| adapter.config().name != String::from_utf16_lossy(&name))
            });
            feels(nameless, "an adapter goes without its alias", felt);
        }
    }
    let request = GetPolicyRequest { offset: 0, generation: 0 };
    ask(&file, Control::GET_POLICY, request.as_bytes(), 4096, felt);
    let (refused, _) = file.ioctl(Control::SET_POLICY.0, b"no policy", size_of::<SetPolicyReply>());
    assert!(refused < 0, "nonsense was taken for a policy");
    // The driver's timer.
    lab::clock::jump(Duration::from_secs(3));
    lab::schedule::let_others_run();
    // The filter engine's service goes and comes back.
    for state in [ddk::fwp::FWPM_SERVICE_STOPPED, ddk::fwp::FWPM_SERVICE_RUNNING] {
        lab::fwp::set_service_state(state);
        lab::ntoskrnl::work::flush();
    }
    if felt.is_empty() {
        look(&file, felt);
    }
}

/// Flows that wait for an agent: a connect, a datagram sent, a datagram received.
fn questions(machine: &Machine, file: &File, adapter: &Adapter, felt: &mut Vec<String>) {
    let room = size_of::<PageHeader>() + 8 * size_of::<QuestionEntry>();
    if ask(file, Control::SET_POLICY, &policy(ASK), size_of::<SetPolicyReply>(), felt).is_none() {
        return;
    }
    let agent = match machine.open(WIN32_DEVICE_PATH, Who::Administrator) {
        Ok(agent) => agent,
        Err(status) => return felt.push(format!("the agent's open fails with {status:#x}")),
    };
    let waiting = agent.ioctl_pending(Control::QUESTIONS.0, &[], room).expect("a request");
    if let Some((status, _)) = waiting.wait(std::time::Duration::ZERO) {
        assert!(fault::has_refused(), "a request for questions ends with {status:#x} without a reason");
        return felt.push(format!("nobody becomes the agent: {status:#x}"));
    }
    waiting.cancel();
    let interface = lab::edge::Interface::from(adapter);
    let mut edge = lab::edge::Edge::new([LOCAL.into()], lab::edge::ProcessMap::default());
    let ports = |local| Ports { local, remote: 2000 };
    edge.outbound(&interface, &packet::tcp(Way::Out, ports(1000), packet::flag::SYN, 0), 0);
    edge.outbound(&interface, &packet::udp(Way::Out, ports(1001), 10), 0);
    edge.inbound(&interface, &packet::udp(Way::In, ports(1002), 10), 0);
    if let Some(status) = ask(file, Control::ASK_STATUS, &[], size_of::<AskStatusReply>(), felt) {
        let status = AskStatusReply::read_from_bytes(&status).expect("a whole status");
        feels(status.capacity != QUESTIONS, "there is the usual room for questions", felt);
        feels(status.open != 3, "a flow is not asked about", felt);
        if status.open != 0
            && let Some(page) = ask(&agent, Control::QUESTIONS, &[], room, felt)
        {
            let (_, entries) = PageHeader::read_from_prefix(&page).expect("a page");
            for entry in entries.chunks_exact(size_of::<QuestionEntry>()) {
                let id = QuestionEntry::read_from_bytes(entry).expect("a question").id;
                let answer = AnswerEntry { id, verdict: Verdict::PERMIT, reserved: [0; 7] };
                ask(&agent, Control::ANSWER, answer.as_bytes(), size_of::<AnswerReply>(), felt);
            }
        }
    }
    for _ in 0..2 {
        lab::ntoskrnl::work::flush();
        edge.pump();
    }
    feels(edge.take_emitted().len() != 3, "a packet that waited does not go on", felt);
    edge.finish();
    ask(file, Control::SET_POLICY, &policy(""), size_of::<SetPolicyReply>(), felt);
}

/// A request that may fail only because something was refused.
fn ask(file: &File, control: Control, input: &[u8], room: usize, felt: &mut Vec<String>) -> Option<Vec<u8>> {
    let (status, output) = file.ioctl(control.0, input, room);
    if status == 0 {
        return Some(output);
    }
    assert!(fault::has_refused(), "control code {:#x} failed with {status:#x} without a reason", control.0);
    felt.push(format!("control code {:#x} fails with {status:#x}", control.0));
    None
}

/// What the driver tells of itself.
fn look(file: &File, felt: &mut Vec<String>) {
    let Some(status) = ask(file, Control::STATUS, &[], size_of::<StatusReply>(), felt) else { return };
    let now = StatusReply::read_from_bytes(&status).expect("a whole status");
    feels(now.wfp_active == 0, "the filter engine is not joined", felt);
    feels(now.flow_capacity != FLOWS, "the flow table has its usual size", felt);
    feels(now.contexts_refused != 0, "a flow goes without a context", felt);
    feels(now.counter(CounterId::MALFORMED) != 0, "a frame cannot be read", felt);
    feels(now.counter(CounterId::REJECTS_SUPPRESSED) != 0, "a rejected frame is not answered", felt);
    feels(now.counter(CounterId::MARKS_FAILED) != 0, "a frame goes without its mark", felt);
    feels(now.counter(CounterId::TAP_LOST) != 0, "a frame is not copied", felt);
}

/// What the reader of the tap finds.
fn tapped(file: &File, felt: &mut Vec<String>) {
    let Some(reply) = ask(file, Control::TAP_READ, &[], 0x1_0000, felt) else { return };
    let (head, mut records) = TapHead::read_from_prefix(&reply).expect("a head");
    // Two sends and four receives on each of two adapters.
    feels(head.count != 12, "a copy is missing", felt);
    while let Ok((record, _)) = TapRecord::read_from_prefix(records) {
        feels(record.captured != record.length, "a copy is cut", felt);
        records = &records[record.size as usize..];
    }
}

/// Notes what happens only because something was refused.
fn feels(happened: bool, text: &str, felt: &mut Vec<String>) {
    assert!(!happened || fault::has_refused(), "{text} without a reason");
    if happened {
        felt.push(text.into());
    }
}

fn passed_by(adapter: &Adapter, felt: &mut Vec<String>) {
    if adapter.modules().iter().any(|module| module.data_handlers() == DataHandlers::NONE) {
        felt.push("frames pass by the filter".into());
    }
}

/// Frames both ways, each of which comes home; so many shall reach the wire.
fn traffic(adapter: &Adapter, wire: usize, felt: &mut Vec<String>) {
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
        let shape =
            Shape { split: if dispatch { Split::Every(20) } else { Split::Whole }, ..Shape::default() };
        adapter.send(&shaped(&out, 0, &shape), Call { dispatch, flags: 0 });
        adapter.receive(&shaped(&frames(Way::In), 0, &shape), Call { dispatch, flags: 0 });
        adapter.receive(&shaped(&frames(Way::In), 0, &shape), Call { dispatch, flags: RESOURCES });
    }
    // Some wait for a rate limit, and nobody cancels them.
    adapter.cancel_sends(std::ptr::without_provenance_mut(1));
    let mut events = adapter.take_events();
    for _ in 0..30 {
        schedule::sleep(Duration::from_millis(20));
        let more = adapter.take_events();
        events.completed.extend(more.completed);
        events.returned.extend(more.returned);
        events.delivered.extend(more.delivered);
        events.wire.extend(more.wire);
    }
    assert_eq!((events.completed.len(), events.returned.len()), (2 * out.len(), 16));
    feels(events.wire.len() != wire, "a frame is missing on the wire, or passes", felt);
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
    adapter.cancel_oid(std::ptr::without_provenance_mut(1));
    adapter.indicate_link(true);
}

#[test]
fn every_refusal_fails_cleanly() {
    let name = "every_refusal_fails_cleanly";
    let run = |plan: Plan| {
        child::run_with(&format!("{name}#life"), &[(fault::PLAN, plan.to_variable().as_str())], life)
    };
    if child::is_child() {
        run(Plan::Watch);
        return;
    }
    let sweep = fault::sweep(run);
    println!("{sweep}");
    assert!(sweep.is_clean(), "{sweep}");
    for outcome in &sweep.outcomes {
        let record = outcome.exit.report.faults.clone().unwrap_or_default();
        let unfelt = record.outcome == UNFELT;
        let (export, stack) = (&outcome.site.export, outcome.site.stack.join(" "));
        let may_be = ASKED_AGAIN.iter().any(|name| export.contains(name) || stack.contains(name));
        assert!(!unfelt || may_be, "nobody felt that {export} was refused\n{sweep}");
    }
    assert!(sweep.outcomes.len() > 100, "only {} places", sweep.outcomes.len());
    let never = sweep.never_refused();
    let never: Vec<&str> = never.iter().filter_map(|export| Some(export.split_once('!')?.1)).collect();
    assert_eq!(
        never, CANNOT_FAIL,
        "an entry is new or gone: make the lab refuse it, or say that it cannot fail"
    );
}
