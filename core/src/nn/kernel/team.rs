//! [`Team`]: several threads walk through the same list of phases together.
//!
//! Every phase is cut into units. Whoever is free takes the next unit; a phase begins when all units of the one before
//! are done. Nobody waits for a thread that has not come yet: on a machine where the others get no time, the first one
//! does everything, and waits at most for a unit that somebody has begun.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// How often a waiting thread looks again before it lets others run.
const SPINS: u32 = 2_000;

/// Where a team stands in its list of phases.
pub(in crate::nn) struct Team {
    /// Of every phase: the round in the upper half, the next unit in the lower.
    tickets: Vec<AtomicU64>,
    /// Of every phase: units done in this round.
    done: Vec<AtomicU32>,
    units: Vec<u32>,
    round: AtomicU32,
    is_over: AtomicBool,
}

impl Team {
    /// A team for phases of so many units.
    pub fn new(units: Vec<u32>) -> Self {
        Self {
            tickets: units.iter().map(|_| AtomicU64::new(0)).collect(),
            done: units.iter().map(|_| AtomicU32::new(0)).collect(),
            units,
            round: AtomicU32::new(0),
            is_over: AtomicBool::new(false),
        }
    }

    /// Lead the team once through all phases: `run(phase, unit)` for every unit that falls to this thread. When it
    /// returns, all units are done. One thread leads at a time.
    pub fn lead(&self, run: impl FnMut(usize, usize)) {
        let round = self.round.load(Ordering::Relaxed).wrapping_add(1);
        for (ticket, done) in self.tickets.iter().zip(&self.done) {
            done.store(0, Ordering::Relaxed);
            ticket.store(u64::from(round) << 32, Ordering::Release);
        }
        self.round.store(round, Ordering::Release);
        self.walk(round, run);
    }

    /// Help in every round until [`Team::dismiss`].
    pub fn help(&self, mut run: impl FnMut(usize, usize)) {
        let mut last = 0;
        let mut wait = Wait::default();
        while !self.is_over.load(Ordering::Acquire) {
            let round = self.round.load(Ordering::Acquire);
            if round == last {
                wait.a_moment();
                continue;
            }
            (last, wait) = (round, Wait::default());
            self.walk(round, &mut run);
        }
    }

    /// Let the helpers go.
    pub fn dismiss(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    fn walk(&self, round: u32, mut run: impl FnMut(usize, usize)) {
        for (phase, &units) in self.units.iter().enumerate() {
            while let Some(unit) = self.take(phase, round, units) {
                run(phase, unit as usize);
                self.done[phase].fetch_add(1, Ordering::Release);
            }
            let mut wait = Wait::default();
            while self.done[phase].load(Ordering::Acquire) < units {
                // A helper that comes too late finds another round.
                if self.round.load(Ordering::Acquire) != round || self.is_over.load(Ordering::Acquire) {
                    return;
                }
                wait.a_moment();
            }
        }
    }

    /// The next unit of a phase of this round, if one is left.
    fn take(&self, phase: usize, round: u32, units: u32) -> Option<u32> {
        let next = |ticket: u64| (ticket >> 32 == u64::from(round) && (ticket as u32) < units).then_some(ticket + 1);
        let taken = self.tickets[phase].fetch_update(Ordering::Acquire, Ordering::Acquire, next);
        taken.ok().map(|ticket| ticket as u32)
    }
}

/// Waiting that costs little when it is short, and lets others run when it is not.
#[derive(Default)]
struct Wait {
    looks: u32,
}

impl Wait {
    fn a_moment(&mut self) {
        self.looks += 1;
        if self.looks < SPINS { std::hint::spin_loop() } else { std::thread::yield_now() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn every_unit_runs_once_in_the_order_of_phases_whoever_helps() {
        for helpers in [0, 1, 3] {
            let units = [3usize, 1, 8, 0, 5];
            let team = Team::new(units.iter().map(|&n| n as u32).collect());
            let counts: Vec<AtomicUsize> = units.iter().map(|_| AtomicUsize::new(0)).collect();
            let run = |phase: usize, _: usize| {
                // Everything before this phase is done as often as there were rounds.
                let before = counts[..phase].iter().zip(units);
                let round = counts[phase].load(Ordering::SeqCst) / units[phase];
                for (count, units) in before {
                    assert!(count.load(Ordering::SeqCst) >= (round + 1) * units);
                }
                counts[phase].fetch_add(1, Ordering::SeqCst);
            };
            std::thread::scope(|scope| {
                for _ in 0..helpers {
                    scope.spawn(|| team.help(run));
                }
                for _ in 0..200 {
                    team.lead(run);
                }
                team.dismiss();
            });
            for (count, units) in counts.iter().zip(units) {
                assert_eq!(count.load(Ordering::SeqCst), 200 * units);
            }
        }
    }
}
