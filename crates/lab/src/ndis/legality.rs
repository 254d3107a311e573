//! The state table of a filter module (NDIS filter contract §1): transitions T1 to T9, and what is legal in
//! each state.

/// State of a filter module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Not on a stack, or in FilterDetach.
    Detached,
    /// In FilterAttach.
    Attaching,
    /// Attached, no data path.
    Paused,
    /// From the call of FilterRestart to its completion.
    Restarting,
    /// The data path is open.
    Running,
    /// From the call of FilterPause to its completion.
    Pausing,
}

/// What moves a module from one state to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// NDIS calls FilterAttach (T1).
    Attach,
    /// FilterAttach ends (T2, T3).
    Attached(bool),
    /// NDIS calls FilterRestart (T4).
    Restart,
    /// The restart completes (T5, T6).
    Restarted(bool),
    /// NDIS calls FilterPause (T7).
    Pause,
    /// The pause completes (T8); it cannot fail.
    Paused,
    /// NDIS calls FilterDetach (T9).
    Detach,
}

impl State {
    /// The next state, or `None` for a transition that §1.1 does not list.
    pub fn after(self, event: Event) -> Option<Self> {
        Some(match (self, event) {
            (Self::Detached, Event::Attach) => Self::Attaching,
            (Self::Attaching, Event::Attached(true)) => Self::Paused,
            (Self::Attaching, Event::Attached(false)) => Self::Detached,
            (Self::Paused, Event::Restart) => Self::Restarting,
            (Self::Restarting, Event::Restarted(true)) => Self::Running,
            (Self::Restarting, Event::Restarted(false)) => Self::Paused,
            (Self::Running, Event::Pause) => Self::Pausing,
            (Self::Pausing, Event::Paused) => Self::Paused,
            (Self::Paused, Event::Detach) => Self::Detached,
            _ => return None,
        })
    }
}

/// What a driver does with a module's handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// NdisFSendNetBufferLists with its own NBL.
    OriginateSend,
    /// NdisFSendNetBufferLists with an NBL from above.
    ForwardSend,
    /// NdisFSendNetBufferListsComplete.
    CompleteSend,
    /// NdisFIndicateReceiveNetBufferLists with its own NBL.
    OriginateReceive,
    /// NdisFIndicateReceiveNetBufferLists with an NBL from below.
    ForwardReceive,
    /// NdisFReturnNetBufferLists.
    ReturnReceive,
    /// NdisFOidRequest and NdisFDirectOidRequest.
    SendOid,
    /// NdisFOidRequestComplete and NdisFDirectOidRequestComplete.
    CompleteOid,
    /// NdisFIndicateStatus.
    IndicateStatus,
    /// NdisFNetPnPEvent, NdisFDevicePnPEventNotify.
    ForwardPnp,
    /// NdisFRestartFilter.
    RestartFilter,
}

/// Whether an operation is legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Legality {
    /// Allowed.
    Legal,
    /// The documents contradict each other; reported, not fatal (§1.2 notes 1 and 2).
    Doubtful,
    /// Breaks the rule with this id.
    Illegal(&'static str),
}

/// Looks `operation` up in the table of §1.2.
pub fn legality(state: State, operation: Operation) -> Legality {
    use Legality::{Doubtful, Illegal, Legal};
    use Operation as O;
    use State as S;
    match (operation, state) {
        (_, S::Detached) if operation == O::IndicateStatus => Legal,
        (_, S::Detached) => Illegal("N-40"),
        (O::IndicateStatus, S::Attaching) => Doubtful,
        (_, S::Attaching) => Illegal("N-40"),
        (O::OriginateSend, S::Running) => Legal,
        (O::OriginateSend, _) => Illegal("N-51"),
        (O::ForwardSend, S::Running) => Legal,
        // A send that reaches a module which does not run is completed with NDIS_STATUS_PAUSED.
        (O::ForwardSend, _) => Illegal("N-50"),
        (O::OriginateReceive, S::Running) => Legal,
        (O::OriginateReceive, S::Restarting) => Doubtful,
        (O::OriginateReceive, _) => Illegal("N-51"),
        (O::ForwardReceive | O::CompleteSend | O::ReturnReceive, _) => Legal,
        (O::SendOid | O::CompleteOid | O::IndicateStatus | O::ForwardPnp | O::RestartFilter, _) => Legal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 6] =
        [State::Detached, State::Attaching, State::Paused, State::Restarting, State::Running, State::Pausing];

    #[test]
    fn exactly_the_nine_transitions_exist() {
        let events = [
            Event::Attach,
            Event::Attached(true),
            Event::Attached(false),
            Event::Restart,
            Event::Restarted(true),
            Event::Restarted(false),
            Event::Pause,
            Event::Paused,
            Event::Detach,
        ];
        let legal =
            STATES.iter().flat_map(|state| events.iter().filter(|&&event| state.after(event).is_some()));
        assert_eq!(legal.count(), 9);
        let cycle = [
            Event::Attach,
            Event::Attached(true),
            Event::Restart,
            Event::Restarted(true),
            Event::Pause,
            Event::Paused,
            Event::Detach,
        ];
        assert_eq!(cycle.into_iter().try_fold(State::Detached, State::after), Some(State::Detached));
    }

    #[test]
    fn only_a_running_module_sends() {
        for state in STATES {
            let legal = legality(state, Operation::OriginateSend) == Legality::Legal;
            assert_eq!(legal, state == State::Running, "{state:?}");
            assert_eq!(legality(state, Operation::ForwardSend) == Legality::Legal, legal);
        }
    }

    #[test]
    fn a_module_that_drains_may_complete_and_return() {
        for state in [State::Paused, State::Restarting, State::Running, State::Pausing] {
            assert_eq!(legality(state, Operation::CompleteSend), Legality::Legal);
            assert_eq!(legality(state, Operation::ReturnReceive), Legality::Legal);
        }
        assert_eq!(legality(State::Detached, Operation::ReturnReceive), Legality::Illegal("N-40"));
    }
}
