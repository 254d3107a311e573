//! Scenarios of an ordinary binary: what goes in comes out, and every kind of end has its status.

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn main() {}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn main() {
    use std::time::Duration;

    use lab::child::{Scenario, Status, run_if_child, spawn};

    fn reverse(input: &[u8]) -> Vec<u8> {
        input.iter().rev().copied().collect()
    }
    fn sleep(_: &[u8]) -> Vec<u8> {
        std::thread::sleep(Duration::from_secs(60));
        Vec::new()
    }
    fn exit(input: &[u8]) -> Vec<u8> {
        std::process::exit(i32::from(input[0]));
    }
    fn crash(_: &[u8]) -> Vec<u8> {
        lab::cpu::init();
        // SAFETY: a fault in the lab's own code, on purpose.
        vec![unsafe { std::ptr::without_provenance::<u8>(0x10).read_volatile() }]
    }
    fn bug_check(_: &[u8]) -> Vec<u8> {
        lab::cpu::init();
        lab::bugcheck(0x7e, [1, 2, 3, 4])
    }
    fn abort(_: &[u8]) -> Vec<u8> {
        std::process::abort();
    }
    run_if_child(&[
        Scenario { name: "reverse", run: reverse },
        Scenario { name: "sleep", run: sleep },
        Scenario { name: "exit", run: exit },
        Scenario { name: "crash", run: crash },
        Scenario { name: "bug check", run: bug_check },
        Scenario { name: "abort", run: abort },
    ]);

    let limit = Duration::from_secs(20);
    let exit = spawn("reverse", b"abc", limit).unwrap();
    assert_eq!((exit.status, exit.output.as_slice()), (Status::Ok, b"cba".as_slice()), "{}", exit.log);
    assert_eq!(spawn("sleep", &[], Duration::from_millis(100)).unwrap().status, Status::Timeout);
    assert_eq!(spawn("exit", &[3], limit).unwrap().status, Status::Other(3));
    // Ending with 0 before the scenario has ended is no success.
    assert_eq!(spawn("exit", &[0], limit).unwrap().status, Status::Other(0));
    assert_eq!(spawn("crash", &[], limit).unwrap().status, Status::Harness);
    let exit = spawn("bug check", &[], limit).unwrap();
    exit.assert_stopped(Status::BugCheck, "BUGCHECK-0x7E");
    assert_eq!(spawn("abort", &[], limit).unwrap().status, Status::Signal(6));
    assert_eq!(spawn("no such scenario", &[], limit).unwrap().status, Status::Harness);
    println!("all scenarios ended as they should");
}
