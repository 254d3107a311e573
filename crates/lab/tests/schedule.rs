//! The schedule: virtual time, turns that a seed fixes, and the end of a machine in which everybody waits.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ddk::ndis::NDIS_EVENT;
use lab::child::{self, Status};
use lab::ndis::sync::{NdisInitializeEvent, NdisMSleep, NdisSetEvent, NdisWaitEvent};
use lab::ntoskrnl::work;
use lab::schedule::{self, Mode};
use lab::{clock, cpu};

/// An event that lives as long as the process.
fn event() -> usize {
    // SAFETY: a structure of integers and pointers, for which zero is valid.
    let event: &'static mut NDIS_EVENT = Box::leak(Box::new(unsafe { std::mem::zeroed() }));
    // SAFETY: room for an event.
    unsafe { NdisInitializeEvent(event) };
    std::ptr::from_mut(event) as usize
}

fn wait(event: usize, milliseconds: u32) -> bool {
    // SAFETY: an event of `event`.
    unsafe { NdisWaitEvent(event as *mut NDIS_EVENT, milliseconds) != 0 }
}

#[test]
fn an_hour_of_virtual_time_takes_no_time() {
    child::test("an_hour_of_virtual_time_takes_no_time", || {
        schedule::start(Mode::Deterministic, 1);
        let (host, start, interrupt, day) =
            (Instant::now(), clock::now(), clock::interrupt_time(), clock::system_time());
        let done = event();
        work::at(clock::now() + Duration::from_secs(3600), move || {
            assert_eq!(cpu::irql(), cpu::DISPATCH);
            // SAFETY: an event of `event`.
            unsafe { NdisSetEvent(done as *mut NDIS_EVENT) };
        });
        assert!(!wait(done, 1000), "the timer came too early");
        assert!(wait(done, 0));
        assert!(host.elapsed() < Duration::from_secs(60));
        let passed = clock::now() - start;
        assert!(passed >= Duration::from_secs(3600) && passed < Duration::from_secs(3602), "{passed:?}");
        // All clocks go alike.
        let ticks = (passed.as_nanos() / 100) as u64;
        assert_eq!(clock::interrupt_time() - interrupt, ticks);
        assert_eq!(clock::system_time() - day, ticks);
    });
}

/// The order in which three threads run that sleep now and then.
fn order(seed: u64) -> String {
    schedule::start(Mode::Deterministic, seed);
    let order: Arc<Mutex<String>> = Arc::default();
    let tasks = ['a', 'b', 'c'].map(|name| {
        let order = order.clone();
        schedule::spawn("task", move || {
            cpu::init();
            for _ in 0..20 {
                order.lock().unwrap().push(name);
                // SAFETY: may be called at PASSIVE_LEVEL.
                unsafe { NdisMSleep(100) };
            }
        })
    });
    for task in tasks {
        assert!(task.join());
    }
    Arc::try_unwrap(order).unwrap().into_inner().unwrap()
}

#[test]
fn a_seed_fixes_who_runs_when() {
    let name = "a_seed_fixes_who_runs_when";
    let run = |number: u32, seed: u64| {
        let exit = child::run(&format!("{name}#{number}"), || println!("order {}", order(seed)));
        let line =
            exit.log.lines().find_map(|line| line.split_once("order ")).map(|(_, order)| order.to_owned());
        if !child::is_child() {
            exit.assert_clean();
        }
        line.unwrap_or_default()
    };
    let [first, second, other] = [run(1, 5), run(2, 5), run(3, 6)];
    if child::is_child() {
        return;
    }
    assert_eq!(first.len(), 60);
    assert_eq!(first, second);
    assert_ne!(first, other);
}

#[test]
fn a_machine_in_which_everybody_waits_is_stopped() {
    child::expect("a_machine_in_which_everybody_waits_is_stopped", Status::Verifier, "L-5", || {
        schedule::start(Mode::Deterministic, 1);
        let never = event();
        let task = schedule::spawn("waits", move || {
            cpu::init();
            wait(never, 0);
        });
        task.join();
    });
}

#[test]
fn a_thread_that_panics_does_not_stop_the_others() {
    child::test("a_thread_that_panics_does_not_stop_the_others", || {
        schedule::start(Mode::Deterministic, 1);
        let bad = schedule::spawn("panics", || panic!("on purpose"));
        let good = schedule::spawn("works", cpu::init);
        assert!(!bad.join());
        assert!(good.join());
    });
}

#[test]
fn interrupts_that_find_no_driver_code_wait() {
    child::test("interrupts_that_find_no_driver_code_wait", || {
        schedule::start(Mode::Preemptive, 1);
        let done = Arc::new(Mutex::new(0));
        let count = done.clone();
        schedule::interrupt(move || {
            assert_eq!(cpu::irql(), cpu::DISPATCH);
            *count.lock().unwrap() += 1;
        });
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(50) {
            std::hint::spin_loop();
        }
        assert_eq!((*done.lock().unwrap(), schedule::injected()), (0, 0), "host code was interrupted");
        schedule::pending_interrupts();
        assert_eq!((*done.lock().unwrap(), cpu::irql()), (1, cpu::PASSIVE));
    });
}
