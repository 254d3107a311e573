//! Systematic fault injection: every place at which a driver asks for something that it may not get is refused once.
//!
//! A place is known by its call stack: the export and the driver's return addresses. A first run finds the places, then
//! each is refused in a run of its own, which may come by new places on its error path, until no new one appears.

mod call_sites;
mod sweep;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::{cpu, pe, verifier};

pub use call_sites::{CodeSite, Made};
pub(crate) use call_sites::{framework_table, reach};
pub use sweep::{Coverage, Outcome, Sweep, sweep};

/// Environment variable with the plan of a run.
pub const PLAN: &str = "LAB_FAULT";
/// Frames of a stack that a report shows.
const FRAMES: usize = 12;

/// What a run refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Nothing.
    Watch,
    /// The places with these numbers, each the first time that it is reached: the last one, and those before it because
    /// only an error path comes by it.
    Refuse(Vec<u64>),
}

impl Plan {
    /// The plan as the value of [`PLAN`].
    pub fn to_variable(&self) -> String {
        match self {
            Self::Watch => "watch".into(),
            Self::Refuse(places) => {
                places.iter().map(|place| format!("{place:x}")).collect::<Vec<_>>().join(",")
            }
        }
    }

    fn from_variable(text: &str) -> Option<Self> {
        match text {
            "watch" => Some(Self::Watch),
            places => {
                let places = places.split(',').map(|place| u64::from_str_radix(place, 16));
                places.collect::<Result<_, _>>().ok().map(Self::Refuse)
            }
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
    /// Whether all planned refusals happened.
    pub refused: bool,
    /// What came of it, in the scenario's words.
    pub outcome: String,
    /// The calls that the driver made.
    pub calls: Vec<Made>,
    /// Every call of an import or of the framework in the driver's code, if the scenario named the image.
    pub code: Vec<CodeSite>,
}

#[derive(Default)]
struct State {
    plan: Option<Plan>,
    /// Places of the plan that were refused.
    refused: BTreeSet<u64>,
    known: BTreeMap<u64, usize>,
    sites: Vec<(u64, String, Vec<usize>, String)>,
    outcome: String,
    code: Option<(&'static pe::Image, Vec<call_sites::Candidate>)>,
}

static ACTIVE: AtomicBool = AtomicBool::new(false);
static STATE: Mutex<State> = Mutex::new(State {
    plan: None,
    refused: BTreeSet::new(),
    known: BTreeMap::new(),
    sites: Vec::new(),
    outcome: String::new(),
    code: None,
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
    state().plan = Some(plan.clone());
    ACTIVE.store(true, Ordering::SeqCst);
    plan
}

/// Names the image whose calls of imports a report tells of, so that it can tell which of them were never made. Call it
/// before the image runs, while all of its code is there.
pub fn cover(image: &'static pe::Image) {
    state().code = Some((image, call_sites::of_image(image)));
}

/// Whether a plan is carried out.
pub(crate) fn is_active() -> bool {
    ACTIVE.load(Ordering::Relaxed)
}

/// Whether a planned refusal happened.
pub fn has_refused() -> bool {
    !state().refused.is_empty()
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
    let name = call.meta.map_or_else(String::new, |meta| format!("{}!{}", meta.dll, meta.name));
    let stack = verifier::trace(call);
    // A call in the tail position of a routine that the lab called is a jump, and has no stack but the routine's name.
    let routine = if stack.is_empty() { verifier::innermost_callback() } else { String::new() };
    let place = number(&format!("{name} {routine}"), &stack);
    let mut state = state();
    if !state.known.contains_key(&place) {
        let index = state.sites.len();
        state.known.insert(place, index);
        state.sites.push((place, name, stack, routine));
    }
    let planned = matches!(&state.plan, Some(Plan::Refuse(places)) if places.contains(&place));
    planned && state.refused.insert(place)
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
    let sites = state.sites.iter().map(|(place, export, stack, routine)| Site {
        place: *place,
        export: export.clone(),
        stack: match stack.as_slice() {
            [] => vec![format!("the end of {routine}")],
            stack => stack.iter().take(FRAMES).map(|address| verifier::locate(*address)).collect(),
        },
    });
    Some(Record {
        sites: sites.collect(),
        refused: match &state.plan {
            Some(Plan::Refuse(places)) => places.iter().all(|place| state.refused.contains(place)),
            _ => false,
        },
        outcome: state.outcome.clone(),
        calls: call_sites::reached(),
        code: state.code.as_ref().map(|(image, code)| call_sites::resolve(image, code)).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_survive_the_environment() {
        for plan in [Plan::Watch, Plan::Refuse(vec![0]), Plan::Refuse(vec![u64::MAX, 7])] {
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
