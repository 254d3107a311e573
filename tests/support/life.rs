//! A life of the driver under [`lab::drive`]: what an administrator does meanwhile, and what must add up in the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lab::drive::Report;
use lab::schedule::Random;
use lab::wdf::File;
use weir_ioctl::{Control, CounterId, FlowEntry, RuleHits, SetPolicyReply, StatusReply};

use super::{ask, list, policy, status};

/// Policies that block nothing, some of the traffic, and what has no known owner.
pub const POLICIES: [&str; 3] = [
    "",
    "[[rule]]\nname = \"some\"\naction = \"block\"\nprotocol = \"udp\"\nremote-port = [\"1-9\", \"20-29\"]\n\
     [[rule]]\nname = \"rest\"\naction = \"permit\"\n",
    "[defaults]\ninbound = \"block\"\n[[rule]]\nname = \"owner\"\naction = \"block\"\napplication = \"System\"\n",
];

/// Policies that do everything else to frames that a rule can do, to some of them.
pub const ACTIONS: [&str; 3] = [
    "[[rule]]\nname = \"a\"\naction = [\"reject\", \"tap\"]\nremote-port = \"1-12\"\n\
     [[rule]]\nname = \"b\"\naction = [\"mark\", \"tap\"]\ndscp = \"af41\"\npriority = 3\nremote-port = \"13-30\"\n",
    "[[rule]]\nname = \"a\"\naction = [\"rate-limit\", \"mark\", \"tap\"]\ndscp = \"ef\"\nrate = \"20000 packets/s\"\n\
     burst = \"4 packets\"\nover = \"delay\"\nmax-delay = \"3 ms\"\nremote-port = \"1-20\"\n\
     [[rule]]\nname = \"b\"\naction = \"rate-limit\"\nrate = \"80 Mbit/s\"\nper = \"flow\"\nremote-port = \"21-40\"\n",
    "[[rule]]\nname = \"a\"\naction = [\"block\", \"tap\"]\nprotocol = \"tcp\"\nremote-port = \"1-15\"\n\
     [[rule]]\nname = \"all\"\naction = \"tap\"\n",
];

/// What an administrator may do at any moment; counts the policies in `swaps`.
pub fn administer(file: &File, random: &mut Random, swaps: &Arc<AtomicU64>) {
    administer_with(&POLICIES, file, random, swaps);
}

/// As [`administer`], with these policies.
pub fn administer_with(policies: &[&str], file: &File, random: &mut Random, swaps: &Arc<AtomicU64>) {
    match random.below(3) {
        0 => {
            let image = policy(random.pick::<&str>(policies));
            ask(file, Control::SET_POLICY, &image, size_of::<SetPolicyReply>());
            swaps.fetch_add(1, Ordering::Relaxed);
        }
        1 => {
            let mut ids: Vec<u64> =
                list::<FlowEntry>(file, Control::LIST_FLOWS, 20).iter().map(|flow| flow.id).collect();
            ids.sort_unstable();
            let all = ids.len();
            ids.dedup();
            assert_eq!(ids.len(), all, "a flow was listed twice");
        }
        _ => drop(list::<RuleHits>(file, Control::RULE_HITS, 4)),
    }
}

/// Every frame came home, and the driver counted none twice.
pub fn assert_comes_home(file: &File, report: &Report) -> StatusReply {
    assert_eq!(report.missing(), 0, "frames were lost: {report:?}");
    let now = status(file);
    let (sent, received) = (now.counter(CounterId::FRAMES_SENT), now.counter(CounterId::FRAMES_RECEIVED));
    assert!(sent <= report.sent, "{sent} of {}", report.sent);
    let all = report.received + report.plugged;
    assert!(received <= all, "{received} of {all}");
    assert_eq!(now.permitted() + now.blocked(), sent + received);
    now
}

/// Every frame came home, and a driver that observes all counted what the adapters saw.
pub fn assert_adds_up(file: &File, report: &Report) -> StatusReply {
    // Every frame is counted once, but for receives that a paused module hands back.
    let now = assert_comes_home(file, report);
    assert_eq!(now.counter(CounterId::FRAMES_SENT), report.sent);
    assert!(now.counter(CounterId::FRAMES_RECEIVED) > 0, "nothing was received");
    // What did not pass was blocked, as NBLs are: whole. An adapter that came and went saw one frame of its own.
    let passed = report.wire + report.delivered;
    let may_pass = now.permitted() + now.counter(CounterId::REJECTS_SENT);
    assert!(may_pass >= passed, "{may_pass} permitted or made, {passed} passed");
    now
}
