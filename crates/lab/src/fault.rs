//! Systematic fault injection: every place at which a driver asks for something that it may not get is refused once.
//!
//! A place is known by its call stack: the export and the driver's return addresses. A first run finds the places, then
//! each is refused in a run of its own, which may come by new places on its error path, until no new one appears.

mod call_sites;
mod sweep;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::{cpu, pe, verifier};

pub(crate) use call_sites::reach;
pub use sweep::{Coverage, Outcome, Sweep, sweep};

/// Environment variable with the plan of a run.
pub const PLAN: &str = "LAB_FAULT";
/// Frames of a stack that a report shows.
const FRAMES: usize = 12;

/// What a run refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Nothing.
    Watch,
    /// The place with this number, the first time that it is reached.
    Refuse(u64),
}

impl Plan {
    /// The plan as the value of [`PLAN`].
    pub fn to_variable(self) -> String {
        match self {
            Self::Watch => "watch".into(),
            Self::Refuse(place) => format!("{place:x}"),
        }
    }

    fn from_variable(text: &str) -> Option<Self> {
        match text {
            "watch" => Some(Self::Watch),
            place => u64::from_str_radix(place, 16).ok().map(Self::Refuse),
        }
    }
}

/// A place at which a driver may be refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Number, the same in every run.
    pub place: u64,
    /// The function that was called: `DLL!Function`.
    pub export: String,
    /// The driver's stack, innermost first.
    pub stack: Vec<String>,
}

/// What a run under a plan has to say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The places that it came by, in the order in which it first did.
    pub sites: Vec<Site>,
    /// Whether the planned refusal happened.
    pub refused: bool,
    /// What came of it, in the scenario's words.
    pub outcome: String,
    /// Offsets in the image of the calls that the driver made.
    pub calls: Vec<u32>,
    /// Offset and description of every call of an import in the driver's code, if the scenario named the image.
    pub code: Vec<(u32, String)>,
}

#[derive(Default)]
struct State {
    plan: Option<Plan>,
    known: BTreeMap<u64, usize>,
    sites: Vec<(u64, String, Vec<usize>)>,
    refused: bool,
    outcome: String,
    code: Vec<(u32, String)>,
}

static ACTIVE: AtomicBool = AtomicBool::new(false);
static STATE: Mutex<State> = Mutex::new(State {
    plan: None,
    known: BTreeMap::new(),
    sites: Vec::new(),
    refused: false,
    outcome: String::new(),
    code: Vec::new(),
});

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts to watch, and to refuse what the environment says. Call it before the driver is loaded; returns the plan.
///
/// # Panics
/// If the environment has no plan.
pub fn start() -> Plan {
    let plan = std::env::var(PLAN).ok().and_then(|text| Plan::from_variable(&text));
    let plan = plan.expect("LAB_FAULT says \"watch\" or names a place");
    state().plan = Some(plan);
    ACTIVE.store(true, Ordering::SeqCst);
    plan
}

/// Names the image whose calls of imports a report tells of, so that it can tell which of them were never made. Call it
/// before the image runs, while all of its code is there.
pub fn cover(image: &pe::Image) {
    let describe = |offset: u32| (offset, verifier::locate(image.base + offset as usize));
    state().code = call_sites::of_image(image).into_iter().map(describe).collect();
}

/// Whether a plan is carried out.
pub(crate) fn is_active() -> bool {
    ACTIVE.load(Ordering::Relaxed)
}

/// Whether the planned refusal happened.
pub fn has_refused() -> bool {
    state().refused
}

/// Tells, for the report, what came of the run.
pub fn outcome(text: impl Into<String>) {
    state().outcome = text.into();
}

/// A place at which the driver may be refused; true if this call is to be.
pub(crate) fn refuses() -> bool {
    is_active() && visit()
}

fn visit() -> bool {
    // What the lab does for itself is no place.
    let Some(call) = cpu::current_call() else { return false };
    if pe::find(call.caller).is_none() {
        return false;
    }
    let name = call.meta.map_or_else(String::new, |meta| format!("{}!{}", meta.dll, meta.name));
    let stack = verifier::trace(call);
    let place = number(&name, &stack);
    let mut state = state();
    if !state.known.contains_key(&place) {
        let index = state.sites.len();
        state.known.insert(place, index);
        state.sites.push((place, name, stack));
    }
    let hit = !state.refused && state.plan == Some(Plan::Refuse(place));
    state.refused |= hit;
    hit
}

/// FNV-1a over the function's name and the offsets of the return addresses.
fn number(name: &str, stack: &[usize]) -> u64 {
    let offset = |address: &usize| pe::find(*address).map_or(0, |image| address - image.base);
    let words = stack.iter().map(offset).flat_map(usize::to_le_bytes);
    name.bytes()
        .chain(words)
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// What the run has to say; none if it had no plan.
pub(crate) fn take_record() -> Option<Record> {
    if !ACTIVE.load(Ordering::SeqCst) {
        return None;
    }
    // A thread that stops inside `visit` must not wait for itself.
    let state = STATE.try_lock().ok()?;
    let sites = state.sites.iter().map(|(place, export, stack)| Site {
        place: *place,
        export: export.clone(),
        stack: stack.iter().take(FRAMES).map(|address| verifier::locate(*address)).collect(),
    });
    Some(Record {
        sites: sites.collect(),
        refused: state.refused,
        outcome: state.outcome.clone(),
        calls: call_sites::reached(),
        code: state.code.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_survive_the_environment() {
        for plan in [Plan::Watch, Plan::Refuse(0), Plan::Refuse(u64::MAX)] {
            assert_eq!(Plan::from_variable(&plan.to_variable()), Some(plan));
        }
        assert_eq!(Plan::from_variable("nonsense"), None);
    }

    #[test]
    fn a_place_is_its_function_and_its_stack() {
        assert_ne!(number("A", &[]), number("B", &[]));
        assert_eq!(number("A", &[0x10]), number("A", &[0x10]));
    }
}
