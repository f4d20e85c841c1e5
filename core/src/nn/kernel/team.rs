//! [`Team`]: several threads walk through the same list of phases together.
//!
//! Every phase is cut into units; every thread begins with a share of them that is its own, the same from phase to phase,
//! so that what it wrote is in its cache when it reads it again. Whoever is done takes from the shares of the others. A
//! phase begins when all units of the one before are done. Nobody waits for a thread that has not come yet: on a machine
//! where the others get no time, the first one does everything, and waits at most for a unit that somebody has begun. When
//! it had to wait long, which is when the machine has other work, the helpers sit out a few rounds.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often a waiting thread looks again before it lets others run.
const SPINS: u32 = 2_000;
/// A unit takes tenths of a millisecond: whoever takes longer has lost its processor.
const LATE: Duration = Duration::from_millis(1);
/// Most rounds that helpers sit out.
const LONGEST_REST: u32 = 16;
/// How long a resting helper sleeps before it looks again.
const NAP: Duration = Duration::from_micros(200);

/// Where a team stands in its list of phases.
pub(in crate::nn) struct Team {
    /// Of every share of every phase: the round in the upper half, the next unit in the lower.
    tickets: Vec<AtomicU64>,
    /// Of every phase: units done in this round.
    done: Vec<AtomicU32>,
    units: Vec<u32>,
    /// Shares of a phase.
    threads: usize,
    round: AtomicU32,
    /// The round in which helpers may work again.
    rested: AtomicU32,
    /// How many rounds they sit out when they are late again.
    rest: AtomicU32,
    is_over: AtomicBool,
}

impl Team {
    /// A team of so many threads for phases of so many units.
    pub fn new(units: Vec<u32>, threads: usize) -> Self {
        Self {
            tickets: (0..units.len() * threads).map(|_| AtomicU64::new(0)).collect(),
            done: units.iter().map(|_| AtomicU32::new(0)).collect(),
            units,
            threads,
            round: AtomicU32::new(0),
            rested: AtomicU32::new(0),
            rest: AtomicU32::new(1),
            is_over: AtomicBool::new(false),
        }
    }

    /// Lead the team once through all phases: `run(phase, unit)` for every unit that falls to this thread. When it
    /// returns, all units are done. One thread leads at a time.
    pub fn lead(&self, run: impl FnMut(usize, usize)) {
        let round = self.round.load(Ordering::Relaxed).wrapping_add(1);
        for (phase, done) in self.done.iter().enumerate() {
            done.store(0, Ordering::Relaxed);
            for share in 0..self.threads {
                let next = u64::from(round) << 32 | u64::from(self.share(phase, share)[0]);
                self.tickets[phase * self.threads + share].store(next, Ordering::Release);
            }
        }
        self.round.store(round, Ordering::Release);
        let waited = self.walk(0, round, run);
        self.plan_rest(round, waited);
    }

    /// A helper that lost its processor in the middle of a unit costs more than it brings, and will again: longer each time,
    /// until a round goes well.
    fn plan_rest(&self, round: u32, waited: bool) {
        let rest = self.rest.load(Ordering::Relaxed);
        if waited {
            self.rested.store(round.wrapping_add(1 + rest), Ordering::Release);
            self.rest.store((2 * rest).min(LONGEST_REST), Ordering::Relaxed);
        } else if !self.is_resting(round) {
            self.rest.store((rest / 2).max(1), Ordering::Relaxed);
        }
    }

    fn is_resting(&self, round: u32) -> bool {
        let left = self.rested.load(Ordering::Acquire).wrapping_sub(round) as i32;
        (1..=LONGEST_REST as i32 + 1).contains(&left)
    }

    /// Help in every round until [`Team::dismiss`], as thread `thread`: 1 and above, the leader is 0.
    pub fn help(&self, thread: usize, mut run: impl FnMut(usize, usize)) {
        let mut last = 0;
        let mut wait = Wait::default();
        while !self.is_over.load(Ordering::Acquire) {
            let round = self.round.load(Ordering::Acquire);
            if round == last {
                wait.a_moment();
                continue;
            }
            (last, wait) = (round, Wait::default());
            if self.is_resting(round) {
                std::thread::sleep(NAP);
                continue;
            }
            self.walk(thread, round, &mut run);
        }
    }

    /// Let the helpers go.
    pub fn dismiss(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    /// All phases of a round; whether this thread had to wait long for another.
    fn walk(&self, thread: usize, round: u32, mut run: impl FnMut(usize, usize)) -> bool {
        let _guard = DismissOnPanic(self);
        let mut waited = false;
        for (phase, &units) in self.units.iter().enumerate() {
            for offset in 0..self.threads {
                let share = (thread + offset) % self.threads;
                while let Some(unit) = self.take(phase, share, round) {
                    run(phase, unit as usize);
                    self.done[phase].fetch_add(1, Ordering::Release);
                }
            }
            let mut wait = Wait::default();
            while self.done[phase].load(Ordering::Acquire) < units {
                // A helper that comes too late finds another round.
                if self.round.load(Ordering::Acquire) != round || self.is_over.load(Ordering::Acquire) {
                    return waited;
                }
                wait.a_moment();
            }
            waited |= wait.was_long();
        }
        waited
    }

    /// First unit and end of a share.
    fn share(&self, phase: usize, share: usize) -> [u32; 2] {
        [share, share + 1].map(|i| (self.units[phase] as usize * i / self.threads) as u32)
    }

    /// The next unit of a share in this round, if one is left.
    fn take(&self, phase: usize, share: usize, round: u32) -> Option<u32> {
        let [_, end] = self.share(phase, share);
        let next = |ticket: u64| (ticket >> 32 == u64::from(round) && (ticket as u32) < end).then_some(ticket + 1);
        let ticket = &self.tickets[phase * self.threads + share];
        let taken = ticket.fetch_update(Ordering::Acquire, Ordering::Acquire, next);
        taken.ok().map(|ticket| ticket as u32)
    }
}

/// A unit that panics will never be done: nobody shall wait for it.
struct DismissOnPanic<'a>(&'a Team);

impl Drop for DismissOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.dismiss();
        }
    }
}

/// Waiting that costs little when it is short, and lets others run when it is not.
#[derive(Default)]
struct Wait {
    looks: u32,
    /// When it began to let others run.
    since: Option<Instant>,
}

impl Wait {
    fn was_long(&self) -> bool {
        self.since.is_some_and(|since| since.elapsed() > LATE)
    }

    fn a_moment(&mut self) {
        self.looks += 1;
        if self.looks < SPINS {
            std::hint::spin_loop();
        } else {
            self.since.get_or_insert_with(Instant::now);
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn a_helper_that_panics_does_not_leave_the_leader_waiting() {
        let team = Team::new(vec![2], 2);
        let entered = AtomicBool::new(false);
        let run = || {
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    team.help(1, |_, _| {
                        entered.store(true, Ordering::Release);
                        panic!("a broken unit");
                    });
                });
                // The leader stays in its own unit until the helper is in the other.
                team.lead(|_, _| {
                    while !entered.load(Ordering::Acquire) {
                        std::thread::yield_now();
                    }
                });
            });
        };
        // It comes back, and with the helper's panic.
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
    }

    #[test]
    fn late_helpers_rest_longer_each_time_until_a_round_goes_well() {
        let team = Team::new(vec![2], 2);
        team.plan_rest(5, true);
        assert!(team.is_resting(6) && !team.is_resting(7));
        team.plan_rest(7, true);
        assert!(team.is_resting(9) && !team.is_resting(10));
        (10..20).for_each(|round| team.plan_rest(round, true));
        assert!(team.is_resting(19 + LONGEST_REST) && !team.is_resting(20 + LONGEST_REST));
        // Rounds without helpers say nothing about them.
        team.plan_rest(20, false);
        assert_eq!(team.rest.load(Ordering::Relaxed), LONGEST_REST);
        (40..50).for_each(|round| team.plan_rest(round, false));
        assert_eq!(team.rest.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn every_unit_runs_once_in_the_order_of_phases_whoever_helps() {
        for helpers in [0, 1, 3] {
            let units = [3usize, 1, 8, 0, 5];
            let team = Team::new(units.iter().map(|&n| n as u32).collect(), helpers + 1);
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
                for helper in 1..=helpers {
                    let team = &team;
                    scope.spawn(move || team.help(helper, run));
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
