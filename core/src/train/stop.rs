//! When a training ends: pure objects that say so.

use serde::{Deserialize, Serialize};

/// How long a training goes on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Limit {
    /// This many steps in all.
    Steps(u64),
    /// This many seconds of training in all, over all sessions.
    Seconds(f64),
}

impl Limit {
    /// The share done, 0..=1, after `steps` steps and `seconds` seconds.
    pub fn progress(self, steps: u64, seconds: f64) -> f64 {
        match self {
            Self::Steps(limit) => (steps as f64 / limit.max(1) as f64).min(1.0),
            Self::Seconds(limit) => (seconds / limit.max(1e-9)).min(1.0),
        }
    }
}

/// Watches the held-out loss: says stop after `patience` measurements without a new best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Patience {
    best: Option<f64>,
    since_best: u32,
}

impl Patience {
    /// Take a measurement; `true`: stop. A `patience` of 0 never stops.
    pub(super) fn observe(&mut self, loss: f64, patience: u32) -> bool {
        if self.best.is_none_or(|best| loss < best) {
            *self = Self { best: Some(loss), since_best: 0 };
        } else {
            self.since_best += 1;
        }
        patience > 0 && self.since_best >= patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends_after_so_many_measurements_without_a_new_best() {
        let mut patience = Patience::default();
        let stops: Vec<bool> = [3.0, 2.0, 2.5, 1.9, 2.0, 2.0].map(|loss| patience.observe(loss, 2)).to_vec();
        assert_eq!(stops, [false, false, false, false, false, true]);
        assert!(!(0..100).any(|_| patience.observe(9.0, 0)));
    }

    #[test]
    fn progress_counts_steps_or_seconds() {
        assert_eq!(Limit::Steps(10).progress(5, 1e9), 0.5);
        assert_eq!(Limit::Seconds(60.0).progress(99, 90.0), 1.0);
    }
}
