//! Frames on their way to the wire.

use kernel::ndis::{Chain, Outgoing, PortNumber, SendFlags};
use kernel::status::Status;
use weir_core::Direction;

use super::actions::{Answers, Note};
use super::counts::Tally;
use super::{BLOCKED, Module};
use crate::shared::processor;

impl Module {
    /// Passes on what may pass and completes the rest; a chain of which everything passes as it is goes on untouched.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "FilterSendNetBufferLists")]
    pub(super) fn filter_send(&self, chain: Chain<Outgoing>, port: PortNumber, flags: SendFlags) {
        let Some(_inside) = self.gate.enter() else {
            return chain.complete(self.handle, Status::PAUSED, flags.completion());
        };
        self.send_due();
        let processor = processor();
        let mut tally = Tally::default();
        let mut answers = Answers::new(&self.own);
        let split = self.judge(Direction::Send, chain, &mut tally, &mut answers, port == 0);
        self.counts.add(processor, Direction::Send, tally);
        if let Some(chain) = split.kept {
            chain.send_down(self.handle, port, flags);
        }
        if let Some(chain) = split.rest {
            self.finish_sends(chain, port, flags);
        }
        // Whoever was rejected sits above.
        answers.frames.indicate(port, flags.completion().receiving());
    }

    /// Does to sends what their notes say.
    #[inline(never)]
    fn finish_sends(&self, chain: Chain<Outgoing>, port: PortNumber, flags: SendFlags) {
        let split = chain.split(|list| Note::read(list) != Note::Drop);
        if let Some(chain) = split.kept {
            self.send_later_or_marked(chain, port, flags);
        }
        if let Some(chain) = split.rest {
            chain.complete(self.handle, BLOCKED, flags.completion());
        }
    }
}
