//! Instances that go away in the middle of their work.

use crate::clap_host::{At, Host, Input};

/// How often; `BROWNIAN_ROUNDS` sets another number.
fn num_rounds() -> usize {
    std::env::var("BROWNIAN_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(25)
}

#[test]
fn instances_are_destroyed_while_they_are_busy_and_leave_no_thread() {
    let before = num_threads();
    for round in 0..num_rounds() {
        let mut host = Host::new(48_000.0);
        let kit = host.value("Generate for", "kit");
        let score = [
            At(0, host.set("Generate for", kit)),
            At(0, host.set("Generate", 1.0)),
            At(9, Input::On { key: 36, velocity: 1.0 }),
        ];
        host.play(256, 64, &score);
        // From "not yet begun" to "in the middle of it".
        std::thread::sleep(std::time::Duration::from_millis(7 * (round as u64 % 16)));
        if round % 3 == 0 {
            let saved = host.save();
            assert!(host.load(&saved));
        }
        host.play(64, 64, &[]);
    }
    let after = num_threads();
    // One thread of the wrapper's own, shared by all instances, may outlive them.
    assert!(after <= before + 1, "{before} threads before, {after} after");
}

/// Threads of this process; 0 where the system does not say.
fn num_threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}
