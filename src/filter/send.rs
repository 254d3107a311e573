//! Frames on their way to the wire.

use kernel::ndis::{Chain, Outgoing, PortNumber, SendFlags};
use kernel::status::Status;
use weir_core::Direction;

use super::counts::Tally;
use super::{BLOCKED, Module};
use crate::shared::{now, processor};

impl Module {
    /// Passes on what may pass and completes the rest; a chain without a blocked frame goes on untouched.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "FilterSendNetBufferLists")]
    pub(super) fn filter_send(&self, chain: Chain<Outgoing>, port: PortNumber, flags: SendFlags) {
        let Some(_inside) = self.gate.enter() else {
            return chain.complete(self.handle, Status::PAUSED, flags.completion());
        };
        let processor = processor();
        let mut tally = Tally::default();
        let split = {
            let mut batch = self.shared.engine.batch(processor, now());
            chain.split(|list| self.passes(&mut batch, Direction::Send, list, &mut tally))
        };
        self.counts.add(processor, Direction::Send, tally);
        if let Some(chain) = split.kept {
            chain.send_down(self.handle, port, flags);
        }
        if let Some(chain) = split.rest {
            chain.complete(self.handle, BLOCKED, flags.completion());
        }
    }
}
