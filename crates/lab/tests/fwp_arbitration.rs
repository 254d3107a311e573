//! Who wins when several sublayers, filters and callouts speak: every row of `data/arbitration.tsv`, whose outcomes
//! are written from the documentation, is built in the engine with the functions that drivers call, and classified.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::ffi::c_void;
use std::sync::Mutex;

use ddk::fwp::*;
use ddk::nt::*;
use lab::child;
use lab::fwp::exports::{
    FwpmCalloutAdd0, FwpmCalloutDeleteByKey0, FwpmEngineClose0, FwpmEngineOpen0, FwpmFilterAdd0,
    FwpmFilterDeleteById0, FwpmSubLayerAdd0, FwpmSubLayerDeleteByKey0, FwpsCalloutRegister2,
    FwpsCalloutUnregisterById0,
};
use lab::fwp::read::{
    FwpmFilterCreateEnumHandle0, FwpmFilterDestroyEnumHandle0, FwpmFilterEnum0, FwpmFreeMemory0,
};
use lab::fwp::{Indication, Value};

// SAFETY of every `unsafe` block below: the lab calls the callbacks with valid arguments, and the functions called are
// the lab's exports, whose contracts the test keeps.

/// What a callout answers.
#[derive(Clone, Copy, Debug)]
struct Answer {
    action: u32,
    hard: bool,
    absorb: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Dynamic,
    Static,
    Persistent,
    Boot,
}

#[derive(Clone, Debug)]
struct Filter {
    weight: u64,
    action: u32,
    /// What the callout answers; none for one that is not registered.
    answer: Option<Answer>,
    conditional: bool,
    clear: bool,
    permit_if_unregistered: bool,
    matches: bool,
    life: Life,
}

#[derive(Clone, Debug)]
struct SubLayer {
    weight: u16,
    filters: Vec<Filter>,
}

fn answer(text: &str) -> Answer {
    let (hard, word) = text.strip_prefix("hard ").map_or((false, text), |rest| (true, rest));
    let action = match word {
        "permit" => FWP_ACTION_PERMIT,
        "block" | "absorb" => FWP_ACTION_BLOCK,
        "continue" => FWP_ACTION_CONTINUE,
        "none" => FWP_ACTION_NONE,
        other => panic!("{other} is no answer"),
    };
    Answer { action, hard: hard || word == "absorb", absorb: word == "absorb" }
}

fn filter(text: &str) -> Filter {
    let (weight, rest) = text.split_once('=').unwrap_or_else(|| panic!("no weight in {text}"));
    let (kind, mut rest) = rest.split_at(1);
    let action = match kind {
        "P" => FWP_ACTION_PERMIT,
        "B" => FWP_ACTION_BLOCK,
        "T" => FWP_ACTION_CALLOUT_TERMINATING,
        "I" => FWP_ACTION_CALLOUT_INSPECTION,
        "U" => FWP_ACTION_CALLOUT_UNKNOWN,
        other => panic!("{other} is no action"),
    };
    let mut filter = Filter {
        weight: weight.trim().parse().unwrap(),
        action,
        answer: None,
        conditional: false,
        clear: false,
        permit_if_unregistered: false,
        matches: true,
        life: Life::Dynamic,
    };
    if let Some((given, flags)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        (filter.answer, rest) = (Some(answer(given)), flags);
    }
    for flag in rest.chars() {
        match flag {
            '!' => filter.clear = true,
            'p' => filter.permit_if_unregistered = true,
            'n' => filter.matches = false,
            'b' => filter.life = Life::Boot,
            's' => filter.life = Life::Static,
            'P' => filter.life = Life::Persistent,
            '~' => (filter.conditional, filter.answer) = (true, Some(answer("block"))),
            '-' => {}
            other => panic!("{other} is no flag"),
        }
    }
    filter
}

fn sublayers(text: &str) -> Vec<SubLayer> {
    let given = text.split(" / ").filter(|part| *part != "-");
    given
        .map(|part| {
            let (weight, filters) = part.split_once(": ").unwrap_or_else(|| panic!("no weight in {part}"));
            let filters = filters.split(", ").map(filter).collect();
            SubLayer { weight: weight.parse().unwrap(), filters }
        })
        .collect()
}

/// What each callout answers, by filter number, and who was asked with the right or without.
static ANSWERS: Mutex<Vec<(u64, Answer)>> = Mutex::new(Vec::new());
static ASKED: Mutex<Vec<String>> = Mutex::new(Vec::new());

unsafe extern "win64" fn classify(
    _: *const FWPS_INCOMING_VALUES0,
    _: *const FWPS_INCOMING_METADATA_VALUES0,
    _: *mut c_void,
    _: *const c_void,
    filter: *const FWPS_FILTER2,
    _: u64,
    out: *mut FWPS_CLASSIFY_OUT0,
) {
    // SAFETY: see above. The raw context of a filter is its number.
    let (number, out) = unsafe { ((*filter).context, &mut *out) };
    let right = out.rights & FWPS_RIGHT_ACTION_WRITE != 0;
    ASKED.lock().unwrap().push(format!("{number}{}", if right { '+' } else { '-' }));
    let answers = ANSWERS.lock().unwrap();
    let (_, answer) = answers.iter().find(|(other, _)| *other == number).expect("a callout with an answer");
    out.actionType = answer.action;
    if answer.hard {
        out.rights &= !FWPS_RIGHT_ACTION_WRITE;
    }
    if answer.absorb {
        out.flags |= FWPS_CLASSIFY_OUT_FLAG_ABSORB;
    }
}

unsafe extern "win64" fn notify(_: i32, _: *const GUID, _: *mut FWPS_FILTER2) -> i32 {
    STATUS_SUCCESS
}

unsafe extern "win64" fn flow_deleted(_: u16, _: u32, _: u64) {}

const NAME: [u16; 2] = [b't' as u16, 0];
const LAYER: GUID = FWPM_LAYER_ALE_AUTH_CONNECT_V4;

fn display() -> FWPM_DISPLAY_DATA0 {
    FWPM_DISPLAY_DATA0 { name: NAME.as_ptr().cast_mut(), description: std::ptr::null_mut() }
}

fn ok(status: NTSTATUS) {
    assert_eq!(status, STATUS_SUCCESS, "{status:#x}");
}

fn open(dynamic: bool) -> HANDLE {
    let mut engine = std::ptr::null_mut();
    // SAFETY: see above.
    unsafe {
        let mut session: FWPM_SESSION0 = std::mem::zeroed();
        session.flags = if dynamic { FWPM_SESSION_FLAG_DYNAMIC } else { 0 };
        ok(FwpmEngineOpen0(std::ptr::null(), 10, std::ptr::null_mut(), &raw const session, &raw mut engine));
    }
    engine
}

/// What is built for a row, and how it is taken down again.
struct Built {
    dynamic: HANDLE,
    lasting: HANDLE,
    callouts: Vec<u32>,
}

fn build(sublayers: &[SubLayer]) -> Built {
    let mut built = Built { dynamic: open(true), lasting: open(false), callouts: Vec::new() };
    let null = std::ptr::null_mut();
    let mut number = 0_u64;
    // SAFETY: see above.
    unsafe {
        for (place, sublayer) in sublayers.iter().enumerate() {
            let key = ddk::guid(0x5000 + place as u128);
            let mut object: FWPM_SUBLAYER0 = std::mem::zeroed();
            object.subLayerKey = key;
            object.displayData = display();
            object.weight = sublayer.weight;
            // Whatever a filter's life, it may refer to a persistent object.
            object.flags = FWPM_SUBLAYER_FLAG_PERSISTENT;
            ok(FwpmSubLayerAdd0(built.lasting, &raw const object, null));
            for filter in &sublayer.filters {
                number += 1;
                let callout = ddk::guid(0x6000 + u128::from(number));
                let is_callout = !matches!(filter.action, FWP_ACTION_PERMIT | FWP_ACTION_BLOCK);
                if is_callout {
                    let mut object: FWPM_CALLOUT0 = std::mem::zeroed();
                    object.calloutKey = callout;
                    object.displayData = display();
                    object.applicableLayer = LAYER;
                    object.flags = FWPM_CALLOUT_FLAG_PERSISTENT;
                    ok(FwpmCalloutAdd0(built.lasting, &raw const object, null, std::ptr::null_mut()));
                }
                if let Some(answer) = filter.answer {
                    ANSWERS.lock().unwrap().push((number, answer));
                    let registration = FWPS_CALLOUT2 {
                        calloutKey: callout,
                        flags: if filter.conditional { FWP_CALLOUT_FLAG_CONDITIONAL_ON_FLOW } else { 0 },
                        classifyFn: Some(classify),
                        notifyFn: Some(notify),
                        flowDeleteFn: Some(flow_deleted),
                    };
                    let mut id = 0;
                    ok(FwpsCalloutRegister2((&raw mut id).cast(), &raw const registration, &raw mut id));
                    built.callouts.push(id);
                }
                let mut condition = FWPM_FILTER_CONDITION0 {
                    fieldKey: FWPM_CONDITION_IP_REMOTE_PORT,
                    matchType: FWP_MATCH_EQUAL,
                    conditionValue: FWP_CONDITION_VALUE0 {
                        r#type: FWP_UINT16,
                        u: FWP_CONDITION_VALUE0_u { uint16: if filter.matches { 80 } else { 81 } },
                    },
                };
                let mut weight = filter.weight;
                let mut object: FWPM_FILTER0 = std::mem::zeroed();
                object.displayData = display();
                object.layerKey = LAYER;
                object.subLayerKey = key;
                object.weight =
                    FWP_VALUE0 { r#type: FWP_UINT64, u: FWP_VALUE0_u { uint64: &raw mut weight } };
                object.action.r#type = filter.action;
                if is_callout {
                    object.action.u.calloutKey = callout;
                }
                object.u.rawContext = number;
                object.numFilterConditions = 1;
                object.filterCondition = &raw mut condition;
                let flag = |on, flag| if on { flag } else { 0 };
                object.flags = flag(filter.clear, FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT)
                    | flag(filter.permit_if_unregistered, FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED)
                    | flag(filter.life == Life::Boot, FWPM_FILTER_FLAG_BOOTTIME)
                    | flag(filter.life == Life::Persistent, FWPM_FILTER_FLAG_PERSISTENT);
                let engine = if filter.life == Life::Dynamic { built.dynamic } else { built.lasting };
                ok(FwpmFilterAdd0(engine, &raw const object, null, std::ptr::null_mut()));
            }
        }
    }
    built
}

impl Built {
    /// Ends the sessions and registrations, as when the machine goes down.
    fn end(self) {
        // SAFETY: see above.
        unsafe {
            ok(FwpmEngineClose0(self.dynamic));
            ok(FwpmEngineClose0(self.lasting));
            for id in self.callouts {
                ok(FwpsCalloutUnregisterById0(id));
            }
        }
    }
}

/// Outcome and who was asked, in the words of the table; filters are named by their number.
fn outcome(numbers: &[(u64, u64)]) -> (String, String) {
    ASKED.lock().unwrap().clear();
    let layer = FWPS_LAYER_ALE_AUTH_CONNECT_V4 as u16;
    let mut values = vec![Value::Empty; lab::fwp::field_count(layer)];
    values[7] = Value::U16(80);
    // SAFETY: integers and nullable pointers.
    let metadata = unsafe { std::mem::zeroed() };
    let data = std::ptr::null_mut();
    let indication = Indication { layer, values: &values, metadata: &metadata, data, flow: 0 };
    let decision = lab::fwp::classify(&indication);
    let number =
        decision.filter.map(|id| numbers.iter().find(|(other, _)| *other == id).expect("its filter").1);
    let mut words = vec![if decision.permit { "permit" } else { "block" }.to_owned()];
    words.push(if decision.hard { "hard" } else { "soft" }.to_owned());
    words.push(number.map_or("-".to_owned(), |number| number.to_string()));
    words.extend(
        [(decision.veto, "veto"), (decision.absorbed, "absorbed")]
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, word)| (*word).to_owned()),
    );
    let asked = ASKED.lock().unwrap().join(" ");
    (words.join(" "), if asked.is_empty() { "-".to_owned() } else { asked })
}

/// The filters of the engine: id and number.
fn numbers() -> Vec<(u64, u64)> {
    let engine = open(false);
    let (mut all, mut enumeration) = (Vec::new(), std::ptr::null_mut());
    // SAFETY: see above.
    unsafe {
        ok(FwpmFilterCreateEnumHandle0(engine, std::ptr::null(), &raw mut enumeration));
        let (mut entries, mut count) = (std::ptr::null_mut(), 0);
        ok(FwpmFilterEnum0(engine, enumeration, 100, &raw mut entries, &raw mut count));
        for at in 0..count as usize {
            let filter = *entries.add(at);
            all.push(((*filter).filterId, (*filter).u.rawContext));
        }
        FwpmFreeMemory0((&raw mut entries).cast());
        ok(FwpmFilterDestroyEnumHandle0(engine, enumeration));
        ok(FwpmEngineClose0(engine));
    }
    all
}

/// Removes what a row left, which is persistent.
fn clean(sublayers: &[SubLayer]) {
    lab::fwp::set_service_state(FWPM_SERVICE_RUNNING);
    let engine = open(false);
    // SAFETY: see above.
    unsafe {
        for (id, _) in numbers() {
            ok(FwpmFilterDeleteById0(engine, id));
        }
        let mut number = 0;
        for (place, sublayer) in sublayers.iter().enumerate() {
            let key = ddk::guid(0x5000 + place as u128);
            ok(FwpmSubLayerDeleteByKey0(engine, &raw const key));
            for _ in &sublayer.filters {
                number += 1;
                let key = ddk::guid(0x6000 + number);
                let status = FwpmCalloutDeleteByKey0(engine, &raw const key);
                assert!(matches!(status, STATUS_SUCCESS | STATUS_FWP_CALLOUT_NOT_FOUND), "{status:#x}");
            }
        }
        ok(FwpmEngineClose0(engine));
    }
    assert_eq!(lab::fwp::object_counts(), [0; 4]);
    ANSWERS.lock().unwrap().clear();
}

fn run(phase: &str, text: &str) -> (String, String) {
    let sublayers = sublayers(text);
    let built = build(&sublayers);
    let numbers = numbers();
    let found = match phase {
        "run" => {
            let found = outcome(&numbers);
            built.end();
            found
        }
        "stopped" => {
            lab::fwp::set_service_state(FWPM_SERVICE_STOPPED);
            let found = outcome(&numbers);
            built.end();
            found
        }
        "boot" => {
            built.end();
            lab::fwp::reboot();
            outcome(&numbers)
        }
        other => panic!("{other} is no phase"),
    };
    clean(&sublayers);
    found
}

#[test]
fn every_combination_comes_out_as_documented() {
    child::test("every_combination_comes_out_as_documented", || {
        let machine = lab::Machine::new(lab::Options::default());
        let (mut rows, mut wrong) = (0, Vec::new());
        for line in include_str!("data/arbitration.tsv").lines().filter(|line| !line.starts_with('#')) {
            let columns: Vec<&str> = line.split('\t').collect();
            let [rule, phase, sublayers, outcome, asked] = columns[..] else { panic!("not a row: {line}") };
            let found = run(phase, sublayers);
            rows += 1;
            if (found.0.as_str(), found.1.as_str()) != (outcome, asked) {
                wrong.push(format!(
                    "{rule} {phase} {sublayers}: {outcome} ({asked}), but {} ({})",
                    found.0, found.1
                ));
            }
        }
        assert!(wrong.is_empty(), "{} of {rows}:\n{}", wrong.len(), wrong.join("\n"));
        assert!(rows >= 60, "{rows} rows");
        println!("{rows} combinations");
        let report = machine.finish();
        assert!(report.is_clean(), "{report:?}");
    });
}
