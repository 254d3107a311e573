//! Questions to the agent and its answers.

use kernel::irql::Passive;
use kernel::status::Status;
use kernel::wdf::Request;
use weir_core::ask::{Event, Id, Question};
use weir_core::{Action, Direction, Time};
use weir_ioctl::zerocopy::FromBytes;
use weir_ioctl::{
    AnswerEntry, AnswerReply, AskCounterId, AskStatusReply, Origin, PageHeader, QuestionEntry, Verdict,
};

use super::ioctl::{no_input, reply};
use super::pages::Page;
use crate::shared::Shared;

/// `Control::QUESTIONS`: the request waits, or is completed with an error.
pub(super) fn listen(shared: &Shared, mut request: Request, at: Passive<'_>) {
    // Checked before it waits, so that whoever asks wrongly learns it at once.
    let room = size_of::<PageHeader>() + size_of::<QuestionEntry>();
    match no_input(&request).and_then(|()| request.output(room).map(|_| ())) {
        Ok(()) => shared.asks.listen(shared, request, at),
        Err(status) => request.complete(Err(status)),
    }
}

/// Completes a request that waited with the questions that `show` has. IRQL: <= DISPATCH_LEVEL.
pub(crate) fn questions(mut request: Request, show: impl FnOnce(&mut dyn FnMut(Id, &Question, u64) -> bool)) {
    let result = Page::begin::<QuestionEntry>(&mut request).map(|mut page| {
        show(&mut |id, question, left| match page.next::<QuestionEntry>() {
            Some(entry) => {
                describe(id, question, left, entry);
                true
            }
            None => false,
        });
        page.end(0)
    });
    request.complete(result);
}

fn describe(id: Id, question: &Question, left: u64, entry: &mut QuestionEntry) {
    let (local, remote) =
        (question.key.endpoint(question.local), question.key.endpoint(question.local.other()));
    entry.id = id.0;
    entry.flow = question.flow;
    entry.process_id = question.owner.process_id;
    entry.interface_luid = question.interface_luid;
    entry.local_address = local.address;
    entry.remote_address = remote.address;
    entry.compartment = question.key.compartment();
    entry.rule = question.rule;
    entry.policy_generation = question.generation;
    entry.image = question.owner.image;
    entry.user = question.owner.user;
    entry.time_left = left.checked_div(Time::SECOND.wrapping_div(1_000)).unwrap_or(0) as u32;
    entry.local_port = local.port;
    entry.remote_port = remote.port;
    entry.protocol = question.key.protocol();
    entry.ip_version = if question.key.is_v4() { 4 } else { 6 };
    entry.origin = match question.origin {
        Direction::Send => Origin::OUTBOUND,
        Direction::Receive => Origin::INBOUND,
    };
    entry.fallback = match question.fallback {
        Action::Permit => Verdict::PERMIT,
        Action::Block => Verdict::BLOCK,
    };
}

/// `Control::ANSWER`. All answers are checked before the first one counts.
pub(super) fn answer(shared: &Shared, request: &mut Request) -> Result<usize, Status> {
    let file = request.file();
    if !shared.asks.is_agent(file) {
        return Err(Status::INVALID_DEVICE_STATE);
    }
    if request.output_length() < size_of::<AnswerReply>() {
        return Err(Status::BUFFER_TOO_SMALL);
    }
    let input = <[AnswerEntry]>::ref_from_bytes(request.input()?).map_err(|_| Status::INVALID_BUFFER_SIZE)?;
    if input.is_empty() {
        return Err(Status::INVALID_BUFFER_SIZE);
    }
    if input.iter().any(|answer| action(answer.verdict).is_none() || answer.reserved != [0; 7]) {
        return Err(Status::INVALID_PARAMETER);
    }
    let mut outcome = AnswerReply { accepted: 0, late: 0 };
    for answer in input {
        let Some(action) = action(answer.verdict) else { continue };
        let count = match shared.asks.answer(shared, file, Id(answer.id), action)? {
            true => &mut outcome.accepted,
            false => &mut outcome.late,
        };
        *count = count.saturating_add(1);
    }
    reply(request, &outcome)
}

fn action(verdict: Verdict) -> Option<Action> {
    match verdict {
        Verdict::PERMIT => Some(Action::Permit),
        Verdict::BLOCK => Some(Action::Block),
        _ => None,
    }
}

/// `Control::ASK_STATUS`.
pub(super) fn status(shared: &Shared, request: &mut Request) -> Result<usize, Status> {
    no_input(request)?;
    let summary = shared.asks.summary();
    let mut status = AskStatusReply {
        agent: u32::from(summary.agent),
        open: summary.open,
        capacity: summary.capacity as u32,
        reserved: 0,
        counters: [0; 16],
    };
    for (value, count) in status.counters.iter_mut().zip(summary.counts) {
        *value = count;
    }
    reply(request, &status)
}

/// Proves that the control contract numbers the events as the table does.
macro_rules! same_numbers {
    ($($event:ident = $id:ident,)*) => {
        const _: () = {
            $(assert!(Event::$event as u32 == AskCounterId::$id.0, stringify!($event));)*
            assert!(Event::ALL.len() == [$(AskCounterId::$id),*].len());
        };
    };
}

same_numbers! {
    Asked = ASKED,
    Permitted = PERMITTED,
    Blocked = BLOCKED,
    TimedOut = TIMED_OUT,
    AgentGone = AGENT_GONE,
    Withdrawn = WITHDRAWN,
    NoAgent = NO_AGENT,
    Full = FULL,
    Unaskable = UNASKABLE,
    Late = LATE,
    Held = HELD,
    Resent = RESENT,
    HeldDropped = HELD_DROPPED,
}
