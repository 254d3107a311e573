//! Which name a flow has: from the answers of DNS servers when it begins, and from its own first data.

use super::inspect::Path;
use super::{Engine, Force};
use crate::counters::Counter;
use crate::epoch::Guard;
use crate::flow::{Endpoint, Record, Side};
use crate::names::{First, Handle, Held, Segment};
use crate::policy::Naming;
use crate::wire::{Source, TcpFlags, Transport, protocol};
use crate::{Direction, Time};

/// Port of DNS servers.
const DNS: u16 = 53;

impl Engine {
    /// Whether names are looked for: because a rule asks for them, or somebody watches.
    pub(super) fn wants_names(&self, guard: &Guard<'_>) -> bool {
        self.watched() || Force::get(&self.force, guard).is_some_and(|policy| policy.image.uses_domain())
    }

    /// A flow that this machine opens: gives it the name under which it was told the address.
    pub(super) fn name_by_address(&self, now: Time, record: &Record, compartment: u32, remote: Endpoint) {
        let name = self.names.find(now, compartment, remote.address);
        if name.is_some() {
            let _changed = self.set_name(record, name);
        }
    }

    /// Gives a flow a name that the caller counts on; true when it had another one.
    pub(super) fn set_name(&self, record: &Record, name: Handle) -> bool {
        let old = record.replace_name(name);
        self.names.release(old);
        old != name
    }

    /// The name of a flow, for as long as the result lives.
    pub(super) fn hold_name(&self, record: &Record) -> Option<Held<'_>> {
        self.names.hold(record.name())
    }
}

/// What a policy is to know of the name of a flow, `held` being the one it has.
pub(super) fn naming<'h>(record: &Record, held: Option<&'h Held<'h>>) -> Naming<'h> {
    match held {
        Some(name) => Naming::Known(name),
        None if record.is_name_settled() || record.key().protocol() != protocol::TCP => Naming::None,
        None => Naming::Pending,
    }
}

impl<S: Source + ?Sized> Path<'_, '_, S> {
    /// Looks for names in a frame of a flow, which `from` sent. When the flow's own name becomes another one, what was
    /// decided before is void.
    ///
    /// Not inlined: most frames do not come here.
    #[inline(never)]
    pub(super) fn look_for_names(&mut self, record: &Record, from: Side) {
        if self.frame.ip.is_none_or(|ip| ip.fragment.is_some()) {
            return;
        }
        let (start, end) = (self.frame.payload as usize, self.frame.end as usize);
        let (local, origin) = (record.local(), record.origin());
        let remote = local.other();
        // Answers count only when this machine asked.
        let asks_dns = origin == Direction::Send && record.key().endpoint(remote).port == DNS;
        match self.frame.transport {
            Transport::Udp { .. } if asks_dns => {
                if from == remote {
                    let noted = self.engine.names.learn(
                        self.now,
                        self.interface.compartment,
                        self.source,
                        start,
                        end,
                    );
                    self.tally.add(Counter::AddressesNamed, u64::from(noted));
                }
            }
            Transport::Tcp { flags, sequence, .. } => {
                let opener = if origin == Direction::Send { local } else { remote };
                let speaker = if asks_dns { remote } else { opener };
                if from != speaker {
                } else if flags.has(TcpFlags::SYN) {
                    record.set_stream_base(sequence.wrapping_add(1));
                } else if start < end {
                    let segment = Segment { sequence, start, end };
                    if asks_dns {
                        self.look_at_answer(record, &segment);
                    } else {
                        self.look_at_first_data(record, &segment);
                    }
                }
            }
            _ => record.settle_name(),
        }
    }

    fn look_at_answer(&mut self, record: &Record, segment: &Segment) {
        let (names, compartment) = (&self.engine.names, self.interface.compartment);
        let noted = names.first_answer(
            self.now,
            compartment,
            record.id(),
            record.stream_base(),
            segment,
            self.source,
        );
        if let Some(noted) = noted {
            self.tally.add(Counter::AddressesNamed, u64::from(noted));
            record.settle_name();
        }
    }

    fn look_at_first_data(&mut self, record: &Record, segment: &Segment) {
        let first = self.engine.names.first_data(
            self.now,
            record.id(),
            record.stream_base(),
            segment,
            self.source,
            record.is_name_begun(),
        );
        match first {
            First::Name(name) => {
                self.tally.count(Counter::ServersNamed);
                if self.engine.set_name(record, name) {
                    record.forget_verdict(&self.engine.flows);
                }
                record.settle_name();
            }
            First::None => record.settle_name(),
            First::More => record.begin_name(),
        }
    }
}
