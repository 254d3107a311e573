//! Filter arbitration (WFP contract §3): which action wins when several sublayers and callouts speak, as
//! pure logic.

/// What a filter or callout decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `FWP_ACTION_PERMIT`.
    Permit,
    /// `FWP_ACTION_BLOCK`.
    Block,
    /// `FWP_ACTION_CONTINUE` and `FWP_ACTION_NONE`: the next filter of the sublayer decides.
    Continue,
}

/// The action type of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterAction {
    /// `FWP_ACTION_PERMIT`.
    Permit,
    /// `FWP_ACTION_BLOCK`.
    Block,
    /// `FWP_ACTION_CALLOUT_TERMINATING`.
    CalloutTerminating,
    /// `FWP_ACTION_CALLOUT_INSPECTION`.
    CalloutInspection,
    /// `FWP_ACTION_CALLOUT_UNKNOWN`.
    CalloutUnknown,
}

impl FilterAction {
    /// Whether a callout decides.
    pub fn is_callout(self) -> bool {
        !matches!(self, Self::Permit | Self::Block)
    }
}

/// A matching filter as arbitration sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    /// `FWPS_FILTER.filterId`.
    pub id: u64,
    /// Weight in the sublayer; higher goes first.
    pub weight: u64,
    /// The filter's action.
    pub action: FilterAction,
    /// `FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT`.
    pub clear_right: bool,
    /// `FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED`.
    pub permit_if_unregistered: bool,
    /// Whether the filter's callout is registered and applies to this flow.
    pub callout: CalloutState,
}

/// Whether the callout of a filter can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalloutState {
    /// It is registered, or the filter names none.
    Registered,
    /// No driver registered it (or the driver unregistered it).
    Unregistered,
    /// It is conditional on a flow context that this flow does not have.
    NotForThisFlow,
}

/// The matching filters of one sublayer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubLayer {
    /// Weight of the sublayer; higher goes first.
    pub weight: u16,
    /// Its matching filters in any order.
    pub filters: Vec<Filter>,
}

/// What a callout finds on entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The action that higher sublayers left, if any.
    pub action: Option<Action>,
    /// `FWPS_RIGHT_ACTION_WRITE`.
    pub write_right: bool,
}

/// What a callout answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its action.
    pub action: Action,
    /// Whether `FWPS_RIGHT_ACTION_WRITE` is still set.
    pub write_right: bool,
    /// `FWPS_CLASSIFY_OUT_FLAG_ABSORB`.
    pub absorb: bool,
}

/// The outcome of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Permit or block; a layer in which nobody decides permits.
    pub permit: bool,
    /// Whether nothing could have changed it any more.
    pub hard: bool,
    /// The packet was absorbed: nobody audits it and it is not indicated at the discard layer.
    pub absorbed: bool,
    /// The filter whose result stands.
    pub filter: Option<u64>,
    /// A block that came without the write right and overrode a permit.
    pub veto: bool,
}

/// Runs the algorithm over the matching filters; `classify` asks a filter's callout.
pub fn arbitrate(
    mut sublayers: Vec<SubLayer>,
    mut classify: impl FnMut(&Filter, Standing) -> Answer,
) -> Decision {
    sublayers.sort_by_key(|sublayer| std::cmp::Reverse(sublayer.weight));
    let mut standing = Standing { action: None, write_right: true };
    let mut decision = Decision { permit: true, hard: false, absorbed: false, filter: None, veto: false };
    // Step 1: every sublayer is visited, also after a block.
    for sublayer in &mut sublayers {
        sublayer.filters.sort_by_key(|filter| (std::cmp::Reverse(filter.weight), filter.id));
        // Step 2: within a sublayer the first terminating result ends the visit.
        let Some((filter, answer)) = sublayer
            .filters
            .iter()
            .map(|filter| (filter, evaluate(filter, standing, &mut classify)))
            .find(|(_, answer)| answer.action != Action::Continue)
        else {
            continue;
        };
        // Step 3: with the right, a lower sublayer replaces; without it, only the block of a callout may still
        // veto a permit.
        let replaces = standing.write_right;
        let asked = filter.action.is_callout() && filter.callout == CalloutState::Registered;
        let vetoes =
            !replaces && asked && answer.action == Action::Block && standing.action == Some(Action::Permit);
        if replaces || vetoes {
            standing = Standing { action: Some(answer.action), write_right: answer.write_right && !vetoes };
            decision = Decision {
                permit: answer.action == Action::Permit,
                hard: !standing.write_right,
                absorbed: answer.absorb,
                filter: Some(filter.id),
                veto: vetoes,
            };
        }
    }
    decision
}

// Step 4: a filter's permit is soft and its block hard; CLEAR_ACTION_RIGHT hardens either.
const HARD_BLOCK: Answer = Answer { action: Action::Block, write_right: false, absorb: false };

impl Filter {
    fn soft(&self, action: Action) -> Answer {
        Answer { action, write_right: !self.clear_right, absorb: false }
    }

    /// §1: without its callout a terminating filter blocks, an inspection filter is ignored, a flagged one
    /// permits.
    pub(super) fn without_callout(&self) -> Answer {
        match self.action {
            FilterAction::CalloutInspection => self.soft(Action::Continue),
            _ if self.permit_if_unregistered => self.soft(Action::Permit),
            _ => HARD_BLOCK,
        }
    }
}

fn evaluate(
    filter: &Filter,
    standing: Standing,
    classify: &mut impl FnMut(&Filter, Standing) -> Answer,
) -> Answer {
    match (filter.action, filter.callout) {
        (FilterAction::Permit, _) => filter.soft(Action::Permit),
        (FilterAction::Block, _) => HARD_BLOCK,
        (_, CalloutState::NotForThisFlow) => filter.soft(Action::Continue),
        (_, CalloutState::Unregistered) => filter.without_callout(),
        (_, CalloutState::Registered) => {
            let mut answer = classify(filter, standing);
            if filter.clear_right && answer.action != Action::Continue {
                answer.write_right = false;
            }
            answer
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(id: u64, weight: u64, action: FilterAction) -> Filter {
        Filter {
            id,
            weight,
            action,
            clear_right: false,
            permit_if_unregistered: false,
            callout: CalloutState::Registered,
        }
    }

    fn sublayer(weight: u16, filters: &[Filter]) -> SubLayer {
        SubLayer { weight, filters: filters.to_vec() }
    }

    const PERMIT: Answer = Answer { action: Action::Permit, write_right: true, absorb: false };
    const BLOCK: Answer = Answer { action: Action::Block, write_right: true, absorb: false };
    const HARD_BLOCK: Answer = Answer { write_right: false, ..BLOCK };
    const HARD_PERMIT: Answer = Answer { write_right: false, ..PERMIT };
    const CONTINUE: Answer = Answer { action: Action::Continue, write_right: true, absorb: false };

    /// (what the callout of the upper sublayer answers, what that of the lower one answers) -> permit,
    /// hard, veto.
    #[test]
    fn the_table_of_two_callouts_in_two_sublayers() {
        let table = [
            (PERMIT, PERMIT, (true, false, false)),
            (PERMIT, BLOCK, (false, false, false)),
            (PERMIT, HARD_BLOCK, (false, true, false)),
            (BLOCK, PERMIT, (true, false, false)),
            (BLOCK, CONTINUE, (false, false, false)),
            (HARD_BLOCK, PERMIT, (false, true, false)),
            (HARD_BLOCK, BLOCK, (false, true, false)),
            (HARD_PERMIT, PERMIT, (true, true, false)),
            (HARD_PERMIT, BLOCK, (false, true, true)),
            (CONTINUE, HARD_BLOCK, (false, true, false)),
            (CONTINUE, CONTINUE, (true, false, false)),
        ];
        for (upper, lower, (permit, hard, veto)) in table {
            let layer = vec![
                sublayer(1, &[filter(2, 1, FilterAction::CalloutTerminating)]),
                sublayer(9, &[filter(1, 1, FilterAction::CalloutTerminating)]),
            ];
            let mut seen = Vec::new();
            let decision = arbitrate(layer, |filter, standing| {
                seen.push((filter.id, standing.write_right));
                if filter.id == 1 { upper } else { lower }
            });
            assert_eq!(
                (decision.permit, decision.hard, decision.veto),
                (permit, hard, veto),
                "{upper:?} {lower:?}"
            );
            assert_eq!(seen, [(1, true), (2, upper.write_right || upper.action == Action::Continue)]);
        }
    }

    #[test]
    fn within_a_sublayer_the_heaviest_terminating_filter_decides() {
        let layer = vec![sublayer(
            5,
            &[
                filter(1, 10, FilterAction::Permit),
                filter(2, 30, FilterAction::CalloutInspection),
                filter(3, 20, FilterAction::Block),
            ],
        )];
        let mut asked = 0;
        let decision = arbitrate(layer, |_, _| {
            asked += 1;
            CONTINUE
        });
        assert_eq!((decision.filter, decision.permit, decision.hard, asked), (Some(3), false, true, 1));
    }

    #[test]
    fn a_missing_callout_blocks_unless_the_filter_says_otherwise() {
        let missing = |action, permit| Filter {
            callout: CalloutState::Unregistered,
            permit_if_unregistered: permit,
            ..filter(1, 1, action)
        };
        let run =
            |filter| arbitrate(vec![sublayer(1, &[filter])], |_, _| unreachable!("nobody to ask")).permit;
        assert!(!run(missing(FilterAction::CalloutTerminating, false)));
        assert!(!run(missing(FilterAction::CalloutUnknown, false)));
        assert!(run(missing(FilterAction::CalloutInspection, false)));
        assert!(run(missing(FilterAction::CalloutTerminating, true)));
    }

    #[test]
    fn clear_action_right_makes_a_soft_permit_hard() {
        let upper = Filter { clear_right: true, ..filter(1, 1, FilterAction::Permit) };
        let layer = vec![sublayer(9, &[upper]), sublayer(1, &[filter(2, 1, FilterAction::Permit)])];
        let decision = arbitrate(layer, |_, _| CONTINUE);
        assert_eq!((decision.filter, decision.hard), (Some(1), true));
    }

    #[test]
    fn a_callout_conditional_on_a_flow_is_skipped_without_its_context() {
        let filter = Filter {
            callout: CalloutState::NotForThisFlow,
            ..filter(1, 1, FilterAction::CalloutTerminating)
        };
        let decision = arbitrate(vec![sublayer(1, &[filter])], |_, _| unreachable!("skipped"));
        assert_eq!((decision.permit, decision.filter), (true, None));
    }
}
