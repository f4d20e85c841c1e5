//! [`Rise`]: whether sounds reach their peak as soon as recordings that were held out, and how often other recordings would.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::Serialize;

use super::set::Set;
use super::statistics::{median, share};
use crate::metrics::peak_time_ms;
use crate::noise::{NoiseStream, Seed};

/// What counts as alike: the median time from 10 % of the peak to the peak, over that of the held-out recordings.
pub const ALIKE: RangeInclusive<f64> = 0.6..=1.6;
/// Sets of recordings that are drawn of each class.
const DRAWS: usize = 1000;

/// What other recordings would get. Of a class with a handful of held-out recordings their median is largely chance, and so is
/// whether anything is like it: no model can be asked for more than as many recordings to train on would get.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rise {
    /// Of each class that has recordings of both kinds: as many recordings to train on as are held out, drawn 1000 times (any of
    /// them as often as it comes), and the share of the draws that are [`ALIKE`].
    pub others: BTreeMap<String, f64>,
}

impl Rise {
    pub(super) fn of(held_out: &Set, trained: &Set, classes: &[String]) -> Self {
        let of_class = |(class, name): (usize, &String)| {
            let [recorded, others] = [held_out, trained].map(|set| times(set, class));
            if recorded.is_empty() || others.is_empty() {
                return None;
            }
            let mut noise = NoiseStream::new(Seed(1), "evaluate rise", class as u64);
            let own = median(recorded.iter().copied());
            let mut draw = || median((0..recorded.len()).map(|_| others[noise.below(others.len())]));
            Some((name.clone(), share((0..DRAWS).map(|_| is_alike(draw(), own)))))
        };
        Self { others: classes.iter().enumerate().filter_map(of_class).collect() }
    }

    /// Of the classes' held-out recordings, with how many other recordings would be alike: the mean over the draws.
    pub fn num_alike(&self) -> f64 {
        self.others.values().sum()
    }
}

/// Whether a median time, ms, is like that of recordings.
pub fn is_alike(time_ms: f64, recorded_ms: f64) -> bool {
    // Two that begin at their peak are alike.
    time_ms == recorded_ms || ALIKE.contains(&(time_ms / recorded_ms))
}

/// From 10 % of the peak to the peak, ms, of every sound of a class.
fn times(set: &Set, class: usize) -> Vec<f64> {
    let own = set.sounds.iter().filter(|sound| sound.class == class);
    own.map(|sound| peak_time_ms(&sound.samples, set.sample_rate)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::set::Sound;
    use super::*;

    const RATE: u32 = 8000;

    /// Sounds of class 0 that rise evenly for so many ms.
    fn set(rises_ms: &[usize]) -> Set {
        let sound = |&ms: &usize| {
            let rise = ms * RATE as usize / 1000;
            let samples = (0..RATE as usize / 2).map(|i| if i < rise { i as f32 / rise as f32 } else { 0.5 }).collect();
            Sound { name: ms.to_string(), class: 0, pitch: None, group: None, samples }
        };
        Set::new(rises_ms.iter().map(sound).collect(), RATE)
    }

    fn others(held_out: &[usize], trained: &[usize]) -> f64 {
        let names = ["low".to_owned(), "high".to_owned()];
        let rise = Rise::of(&set(held_out), &set(trained), &names);
        assert_eq!(rise.others.len(), 1, "no sound of the other class");
        rise.num_alike()
    }

    #[test]
    fn recordings_of_one_kind_are_alike_and_of_another_never() {
        assert_eq!(others(&[100, 110, 120], &[90, 100, 130, 140]), 1.0);
        assert_eq!(others(&[100, 110, 120], &[10, 20, 300, 400]), 0.0);
    }

    #[test]
    fn of_two_kinds_it_is_as_often_as_a_draw_is_of_the_right_one() {
        // One recording: half of the draws are as slow.
        assert!((others(&[100], &[10, 100]) - 0.5).abs() < 0.05);
        // Of three, two or three of them must be: half again; of nine in ten, 0.9^3 + 3 * 0.9^2 * 0.1.
        let found = others(&[100; 3], &[10, 100, 100, 100, 100, 100, 100, 100, 100, 100]);
        assert!((found - 0.972).abs() < 0.02, "{found}");
    }

    #[test]
    fn bounds_are_alike_and_so_are_two_that_begin_at_their_peak() {
        assert!(is_alike(6.0, 10.0) && is_alike(16.0, 10.0) && is_alike(0.0, 0.0));
        assert!(!is_alike(5.9, 10.0) && !is_alike(16.1, 10.0) && !is_alike(1.0, 0.0));
    }
}
