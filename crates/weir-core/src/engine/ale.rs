//! What the ALE callouts say and ask: who owns a flow, and whether it may exist.

use super::names::naming;
use super::{AleFlow, Authorization, Connection, Engine, Established, asks, failure};
use crate::ask::Question;
use crate::counters::{Counter, Tally};
use crate::epoch::Guard;
use crate::flow::{FlowKey, Opening, Owner, Record, Side, Stamp};
use crate::identity::{Sid, Units};
use crate::names::Handle;
use crate::policy::{Decider, Decision, Identity, Naming, Query};
use crate::wire::{ethertype, protocol};
use crate::{Action, Direction, Time};

impl Engine {
    /// ALE asks whether a flow may exist (AUTH_CONNECT, AUTH_RECV_ACCEPT). The answer is also what
    /// [`super::Batch::inspect`] will do to its frames, in both directions.
    pub fn authorize(&self, processor: u32, now: Time, flow: &AleFlow<'_>) -> Authorization {
        let mut tally = Tally::new();
        let guard = self.domain.enter(processor);
        let (key, local) = key(flow);
        let owner = self.intern(flow, &mut tally);

        let opening = Opening { now, origin: flow.direction, local };
        let record = match self.flows.get_or_insert(&guard, &key, &opening) {
            Ok((record, created)) => {
                tally.add(Counter::FlowsCreated, u64::from(created));
                Some(record)
            }
            Err(_) => {
                tally.count(Counter::TableFull);
                None
            }
        };
        let mut resolve = false;
        if let Some(record) = record {
            if record.is_over() && !flow.reauthorize {
                record.restart(&self.flows, flow.direction, local);
                let _changed = self.set_name(record, Handle::NONE);
            }
            // Both ends of a loopback connection are asked about; the flow is that of the one who opened it.
            let other_end = flow.loopback && flow.direction == Direction::Receive && record.flags().ale;
            if !other_end {
                resolve = self.attribute(record, now, flow, owner, local);
            }
            record.touch(now);
            if record.interface_luid() == 0 {
                record.set_interface_luid(flow.interface.luid);
            }
            if flow.direction == Direction::Send && self.wants_names(&guard) {
                self.name_by_address(now, record, flow.compartment, flow.remote);
            }
        }

        let (action, decider, question) = self.decide(processor, &guard, flow, record, &mut tally);
        tally.count(Counter::Authorizations);
        if action == Action::Block && question.is_none() {
            tally.count(Counter::AuthorizationsBlocked);
        }
        self.counters.flush(processor, &tally);
        Authorization { action, decider, flow: record.map(Record::id), question, resolve }
    }

    /// The end of a question that [`Engine::authorize`] wanted asked: its frames follow, and ALE is told the same when
    /// it asks again. Tells whether the policy that asked is still in force.
    pub fn answer(&self, processor: u32, question: &Question, action: Action) -> bool {
        let guard = self.domain.enter(processor);
        if action == Action::Block {
            self.counters.add(processor, Counter::AuthorizationsBlocked, 1);
        }
        let record = self.flows.find(&guard, &question.key).filter(|record| record.id() == question.flow);
        if let Some(record) = record {
            record.set_answer(action);
            let (decider, generation) = (Decider::Rule(question.rule), question.generation);
            record.set_stamp(&self.flows, Stamp { verdict: action.into(), decider, generation });
        }
        self.force.get(&guard).is_some_and(|policy| policy.generation == question.generation)
    }

    /// Notes who owns a flow; true when that is the first one whose owner is to be looked up.
    fn attribute(&self, record: &Record, now: Time, flow: &AleFlow<'_>, owner: Owner, local: Side) -> bool {
        let known = record.owner();
        // ALE asks again about a connection: whoever owned it then owns it now.
        let same = flow.reauthorize && known.process_id == owner.process_id;
        let process_created = match flow.process_created {
            None | Some(0) if same => known.process_created,
            created => created.unwrap_or(0),
        };
        record.attribute(&self.flows, Owner { process_created, ..owner }, flow.direction, local);
        if flow.loopback {
            record.set_loopback();
        }
        if process_created != 0 || owner.process_id == 0 || flow.process_created.is_some() {
            return false;
        }
        record.leave_unresolved(now);
        self.flows.list_unresolved(record)
    }

    /// Looks up when the processes of flows were created, where their callouts could not. `created` gives the creation
    /// time of the process that has an id now, 0 when there is none. IRQL: PASSIVE_LEVEL; call it from one place.
    pub fn resolve(&self, created: impl Fn(u64) -> u64) {
        self.flows.take_unresolved(|record| record.resolve(&created));
    }

    /// ALE_FLOW_ESTABLISHED: the handshake is done. Only key, direction and owner of `flow` count. True when
    /// [`Engine::resolve`] is to be called, as in [`Authorization::resolve`].
    pub fn established(&self, processor: u32, now: Time, flow: &AleFlow<'_>) -> Established {
        let (mut resolve, mut connection) = (false, None);
        let mut tally = Tally::new();
        let guard = self.domain.enter(processor);
        let (key, local) = key(flow);
        let opening = Opening { now, origin: flow.direction, local };
        match self.flows.get_or_insert(&guard, &key, &opening) {
            Ok((record, created)) => {
                tally.add(Counter::FlowsCreated, u64::from(created));
                if !record.flags().ale {
                    let owner = self.intern(flow, &mut tally);
                    resolve = self.attribute(record, now, flow, owner, local);
                }
                record.set_established();
                record.touch(now);
                connection = Some(Connection { key, flow: record.id(), number: record.connection() });
            }
            Err(_) => tally.count(Counter::TableFull),
        }
        self.counters.flush(processor, &tally);
        Established { resolve, connection }
    }

    /// The platform has deleted the flow of a connection. Another one that came under the same key is not meant.
    pub fn deleted(&self, processor: u32, connection: &Connection) {
        let guard = self.domain.enter(processor);
        if let Some(record) = self.flows.find(&guard, &connection.key)
            && record.id() == connection.flow
            && record.connection() == connection.number
        {
            record.set_closed();
        }
    }

    /// ALE resource release, endpoint closure or flow deletion: only the key of `flow` counts.
    pub fn closed(&self, processor: u32, _now: Time, flow: &AleFlow<'_>) {
        let guard = self.domain.enter(processor);
        let (key, _) = key(flow);
        if let Some(record) = self.flows.find(&guard, &key) {
            record.set_closed();
        }
    }

    #[inline(never)]
    fn decide(
        &self,
        processor: u32,
        guard: &Guard<'_>,
        flow: &AleFlow<'_>,
        record: Option<&Record>,
        tally: &mut Tally,
    ) -> (Action, Decider, Option<Question>) {
        let Some(policy) = self.force.get(guard) else { return (Action::Permit, Decider::Nothing, None) };
        let held = record.and_then(|record| self.hold_name(record));
        let ports = protocol::has_ports(flow.protocol);
        let (local, remote) = (flow.local, flow.remote);
        let query = Query {
            direction: flow.direction,
            ethertype: Some(ip_ethertype(&key(flow).0)),
            protocol: Some(flow.protocol),
            local: Some(local.address),
            remote: Some(remote.address),
            local_port: ports.then_some(local.port),
            remote_port: ports.then_some(remote.port),
            interface_luid: flow.interface.luid,
            interface_index: flow.interface.index,
            interface_name: flow.interface.name,
            vlan: None,
            identity: Some(Identity {
                image: (!flow.image.is_empty()).then_some(Units::Plain(flow.image)),
                user: Sid::new(flow.user),
            }),
            name: record.map_or(Naming::None, |record| naming(record, held.as_ref())),
        };
        tally.count(Counter::Evaluations);
        let (action, decider) = match policy.image.evaluate(&query) {
            Decision::Decided(action, decider) => (action, decider),
            Decision::NeedsIdentity => (failure(&policy.image), Decider::Failure),
            // The packet path knows interface and VLAN, sees the name when it comes, and decides.
            Decision::NeedsInterface | Decision::NeedsName => {
                return (Action::Permit, Decider::Nothing, None);
            }
        };
        if let Decider::Rule(rule) = decider {
            policy.count_flow(processor, rule);
        }
        let Some(record) = record else { return (action, decider, None) };
        let mut action = action;
        if let Some((rule, ask)) = asks(&policy, decider) {
            match record.answer() {
                _ if !flow.reauthorize => {
                    record.set_asked(&self.flows);
                    let question = Question {
                        flow: record.id(),
                        key: record.key(),
                        local: record.local(),
                        origin: record.origin(),
                        owner: record.owner(),
                        interface_luid: record.interface_luid(),
                        rule,
                        generation: policy.generation,
                        fallback: action,
                        timeout: u64::from(ask.timeout_ms).saturating_mul(Time::SECOND / 1_000),
                    };
                    return (action, decider, Some(question));
                }
                Some(answer) => action = answer,
                // Nothing is decided before the answer, and nothing may pass.
                None if record.is_asked() => return (Action::Block, decider, None),
                None => {}
            }
        }
        record
            .set_stamp(&self.flows, Stamp { verdict: action.into(), decider, generation: policy.generation });
        (action, decider, None)
    }

    fn intern(&self, flow: &AleFlow<'_>, tally: &mut Tally) -> Owner {
        let image = self.identities.intern_image(flow.image);
        let sid = Sid::new(flow.user);
        let user = sid.map_or(0, |sid| self.identities.intern_user(&sid));
        // What runs outside of any package has the null SID.
        let package = Sid::new(flow.package).filter(|sid| !sid.is_null());
        let package_number = package.map_or(0, |sid| self.identities.intern_user(&sid));
        if (image == 0 && !flow.image.is_empty())
            || (user == 0 && sid.is_some())
            || (package_number == 0 && package.is_some())
        {
            tally.count(Counter::IdentitiesFull);
        }
        Owner { image, user, package: package_number, process_id: flow.process_id, process_created: 0 }
    }
}

fn key(flow: &AleFlow<'_>) -> (FlowKey, Side) {
    let (mut local, mut remote) = (flow.local, flow.remote);
    if matches!(flow.protocol, protocol::ICMP | protocol::ICMPV6) {
        (local.port, remote.port) = (0, 0);
    }
    let (key, side) = FlowKey::new(flow.protocol, flow.compartment, local, remote);
    // A flow of an endpoint with itself: let the direction tell the sides apart, as the packet path does.
    let same = local == remote && flow.direction == Direction::Receive;
    (key, if same { side.other() } else { side })
}

pub(super) fn ip_ethertype(key: &FlowKey) -> u16 {
    if key.is_v4() { ethertype::IPV4 } else { ethertype::IPV6 }
}
