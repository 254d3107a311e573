//! Frames on their way to the stack.
//!
//! What is marked or has to wait is copied, and the original dropped as far as the miniport is concerned: it has its
//! buffer back at once, whether it lent it or not.

use kernel::ndis::{Chain, Incoming, Loan, PortNumber, ReceiveFlags};
use weir_core::Direction;

use super::Module;
use super::actions::Answers;
use super::counts::Tally;
use crate::shared::processor;

impl Module {
    /// Indicates what may pass and returns the rest; a chain without a blocked frame goes on untouched.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "FilterReceiveNetBufferLists")]
    pub(super) fn filter_receive(
        &self,
        chain: Chain<Incoming>,
        port: PortNumber,
        count: u32,
        flags: ReceiveFlags,
    ) {
        let Some(_inside) = self.gate.enter() else {
            return chain.return_down(self.handle, flags.returning());
        };
        self.indicate_due();
        let processor = processor();
        let mut tally = Tally::default();
        let mut answers = Answers::new(&self.own);
        let split = self.judge(Direction::Receive, chain, &mut tally, &mut answers, port == 0);
        self.counts.add(processor, Direction::Receive, tally);
        if let Some(chain) = split.kept {
            // The count that came with the chain is authoritative as long as nothing was taken out.
            let count = if split.rest.is_some() { split.kept_count } else { count };
            chain.indicate(self.handle, port, count, flags);
        }
        answers.copies.indicate(port, flags.indicating());
        if let Some(chain) = split.rest {
            chain.return_down(self.handle, flags.returning());
        }
        // Whoever was rejected is out on the wire.
        answers.frames.send_down(port, flags.returning().sending());
    }

    /// Indicates what may pass of a chain that goes back to the miniport when this returns.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "FilterReceiveNetBufferLists")]
    #[inline(never)]
    pub(super) fn filter_receive_loan(&self, loan: Loan<'_>, port: PortNumber, flags: ReceiveFlags) {
        // While paused the frames are dropped by leaving them to their owner.
        let Some(_inside) = self.gate.enter() else { return };
        self.indicate_due();
        let processor = processor();
        let mut tally = Tally::default();
        let mut answers = Answers::new(&self.own);
        loan.indicate_runs(self.handle, port, flags, |list| {
            // A batch for each: runs are indicated in between, and the stack above may take its time.
            self.judge_one(Direction::Receive, list, &mut tally, &mut answers, port == 0)
        });
        self.counts.add(processor, Direction::Receive, tally);
        answers.copies.indicate(port, flags.indicating());
        answers.frames.send_down(port, flags.returning().sending());
    }
}
