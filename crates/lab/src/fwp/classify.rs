//! Indicating traffic to a layer: the matching filters, their callouts, and the checks of what callouts
//! answer.

use std::cell::Cell;
use std::collections::HashMap;
use std::ffi::c_void;

use ddk::fwp::*;

use super::arbitrate::{self, Action, Answer, CalloutState, Decision, FilterAction, Standing};
use super::callout::{self, Callout, Functions, Running};
use super::engine::{self, Filter};
use super::pend;
use super::value::{Fixed, Value};
use crate::verifier;

thread_local! {
    /// The layer that runs on this thread, and the protocol if it is a transport layer.
    static LAYER: Cell<(u16, u8)> = const { Cell::new((u16::MAX, 0)) };
    /// The callout asked and learned that it injected the packet itself.
    static OWN_PACKET: Cell<bool> = const { Cell::new(false) };
}

const TCP: u8 = 6;

/// FwpsQueryPacketInjectionState0 told the callout that the packet is its own.
pub(crate) fn own_packet_seen() {
    OWN_PACKET.set(true);
}

/// Whether this thread is inside a classify of a transport layer for TCP.
pub(crate) fn is_tcp_transport() -> bool {
    LAYER.get().1 == TCP
}

fn transport_protocol(indication: &Indication<'_>) -> u8 {
    let transport = [
        FWPS_LAYER_INBOUND_TRANSPORT_V4,
        FWPS_LAYER_INBOUND_TRANSPORT_V6,
        FWPS_LAYER_OUTBOUND_TRANSPORT_V4,
        FWPS_LAYER_OUTBOUND_TRANSPORT_V6,
    ];
    match indication.values.first() {
        Some(Value::U8(protocol)) if transport.contains(&i32::from(indication.layer)) => *protocol,
        _ => 0,
    }
}

/// What is indicated.
pub struct Indication<'a> {
    /// Run-time id of the layer.
    pub layer: u16,
    /// The fixed values, one for each field of the layer.
    pub values: &'a [Value],
    /// The metadata.
    pub metadata: &'a FWPS_INCOMING_METADATA_VALUES0,
    /// What the layer shows, such as a NET_BUFFER_LIST, or null.
    pub data: *mut c_void,
    /// The flow, or 0.
    pub flow: u64,
}

impl std::fmt::Debug for Indication<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Indication")
            .field("layer", &self.layer)
            .field("values", &self.values)
            .finish_non_exhaustive()
    }
}

/// Whether any filter is at the layer; without one nothing is indicated.
pub fn has_filters(layer: u16) -> bool {
    let store = engine::live();
    store.filters.values().any(|filter| filter.layer == layer && store.in_force(filter))
}

/// The number of the last change of the filters of a layer: when it moves, the layer's flows are authorised anew.
pub fn generation(layer: u16) -> u64 {
    engine::generation(layer)
}

/// Classifies: asks the callouts of the matching filters and arbitrates.
pub fn classify(indication: &Indication<'_>) -> Decision {
    let store = engine::live();
    let fields = super::layer::by_id(indication.layer).map_or(0, |layer| layer.fields);
    assert_eq!(fields, indication.values.len(), "an indication has one value for each field of its layer");
    let matching = store.filters.values().filter(|filter| {
        filter.layer == indication.layer
            && store.in_force(filter)
            && filter.conditions.iter().all(|c| indication.values.get(c.field).is_some_and(|v| c.matches(v)))
    });
    let mut sublayers: HashMap<u128, arbitrate::SubLayer> = HashMap::new();
    let mut by_id: HashMap<u64, (&Filter, Option<std::sync::Arc<Callout>>)> = HashMap::new();
    for filter in matching {
        let callout = filter.callout.and_then(callout::by_key);
        let weight = store.sublayers.get(&filter.sublayer).map_or(0, |sublayer| sublayer.weight);
        sublayers
            .entry(filter.sublayer)
            .or_insert_with(|| arbitrate::SubLayer { weight, filters: Vec::new() })
            .filters
            .push(view(filter, callout.as_deref(), indication));
        by_id.insert(filter.id, (filter, callout));
    }
    arbitrate::arbitrate(sublayers.into_values().collect(), |filter, standing| match by_id.get(&filter.id) {
        Some((found, Some(callout))) => match callout.enter() {
            Some(running) => ask(indication, found, &running, standing),
            // Unregistered since this classify began.
            None => filter.without_callout(),
        },
        _ => Answer { action: Action::Continue, write_right: true, absorb: false },
    })
}

fn view(filter: &Filter, callout: Option<&Callout>, indication: &Indication<'_>) -> arbitrate::Filter {
    let action = match filter.action {
        FWP_ACTION_BLOCK => FilterAction::Block,
        FWP_ACTION_PERMIT => FilterAction::Permit,
        FWP_ACTION_CALLOUT_INSPECTION => FilterAction::CalloutInspection,
        FWP_ACTION_CALLOUT_TERMINATING => FilterAction::CalloutTerminating,
        _ => FilterAction::CalloutUnknown,
    };
    let conditional = |callout: &Callout| {
        callout.flags & FWP_CALLOUT_FLAG_CONDITIONAL_ON_FLOW != 0
            && callout::context_of(indication.flow, indication.layer, callout.id) == 0
    };
    let state = match callout {
        _ if !action.is_callout() => CalloutState::Registered,
        None => CalloutState::Unregistered,
        Some(callout) if conditional(callout) => CalloutState::NotForThisFlow,
        Some(_) => CalloutState::Registered,
    };
    arbitrate::Filter {
        id: filter.id,
        weight: filter.weight,
        action,
        clear_right: filter.flags & FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT != 0,
        permit_if_unregistered: filter.flags & FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED != 0,
        callout: state,
    }
}

fn ask(indication: &Indication<'_>, filter: &Filter, callout: &Running, standing: Standing) -> Answer {
    let mut fixed = Fixed::new(indication.values);
    let incoming = fixed.incoming(indication.layer);
    let view = callout::filter_view(filter, callout.id);
    let mut out = FWPS_CLASSIFY_OUT0 {
        // Unverified on Windows: what a callout finds in actionType before it decides.
        actionType: FWP_ACTION_CONTINUE,
        outContext: 0,
        filterId: filter.id,
        rights: if standing.write_right { FWPS_RIGHT_ACTION_WRITE } else { 0 },
        flags: 0,
        reserved: 0,
    };
    let context = callout::context_of(indication.flow, indication.layer, callout.id);
    // The classify context is opaque: its address names this classify.
    let token: *const c_void = (&raw const out).cast();
    let data = indication.data;
    let (incoming, metadata, view) = (&raw const incoming, &raw const *indication.metadata, &raw const view);
    let outer = LAYER.replace((indication.layer, transport_protocol(indication)));
    OWN_PACKET.set(false);
    let pended_before = pend::is_pended();
    let outer_classify = pend::enter(indication, token);
    callout.run("classifyFn", || {
        let out = &raw mut out;
        // SAFETY: the driver registered these functions; FWPS_FILTER0 to 3 share one layout, and everything
        // lives through the call.
        unsafe {
            match callout.functions {
                Functions::V0(f, _) => f.map(|f| f(incoming, metadata, data, view.cast(), context, out)),
                Functions::V1(f, _) => {
                    f.map(|f| f(incoming, metadata, data, token, view.cast(), context, out))
                }
                Functions::V2(f, _) => f.map(|f| f(incoming, metadata, data, token, view, context, out)),
                Functions::V3(f, _) => {
                    f.map(|f| f(incoming, metadata, data, token, view.cast(), context, out))
                }
            }
        }
    });
    drop(outer_classify);
    let absorbed = out.actionType == FWP_ACTION_BLOCK && out.flags & FWPS_CLASSIFY_OUT_FLAG_ABSORB != 0;
    if !pended_before && pend::is_pended() && !absorbed {
        verifier::violation("F-7", "§5: a pended authorisation is not answered with BLOCK and ABSORB");
    }
    LAYER.set(outer);
    if OWN_PACKET.replace(false) && out.actionType == FWP_ACTION_BLOCK {
        verifier::violation("F-3", "I3: a callout blocked a packet that it knew to have injected itself");
    }
    check(indication.layer, filter, standing, &out)
}

/// The duties A1 to A6 of a callout (F-2).
fn check(layer: u16, filter: &Filter, standing: Standing, out: &FWPS_CLASSIFY_OUT0) -> Answer {
    let broken = |text: String| verifier::violation("F-2", &text);
    let action = match out.actionType {
        FWP_ACTION_PERMIT => Action::Permit,
        FWP_ACTION_BLOCK => Action::Block,
        FWP_ACTION_CONTINUE | FWP_ACTION_NONE | FWP_ACTION_NONE_NO_MATCH => Action::Continue,
        other => broken(format!("a callout set the action {other:#x}, which is none")),
    };
    let write_right = out.rights & FWPS_RIGHT_ACTION_WRITE != 0;
    let absorb = out.flags & FWPS_CLASSIFY_OUT_FLAG_ABSORB != 0;
    if filter.action == FWP_ACTION_CALLOUT_INSPECTION && action != Action::Continue {
        broken(format!("A5: an inspection callout answered {action:?}"));
    }
    if !standing.write_right && action == Action::Permit {
        broken("A1: a callout permitted without the right to write the action".into());
    }
    if !standing.write_right && write_right {
        broken("A1: a callout gave itself the right to write the action".into());
    }
    if absorb && action != Action::Block {
        broken("A3: ABSORB without BLOCK".into());
    }
    let established = [FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4 as u16, FWPS_LAYER_ALE_FLOW_ESTABLISHED_V6 as u16]
        .contains(&layer);
    if established && action == Action::Block {
        // A6 allows it for security-critical errors only; the report shows that it happened.
        verifier::count("connections blocked at flow established (A6)", 1);
    }
    Answer { action, write_right, absorb }
}
