//! Whether a model has learnt its sounds by heart: does it come nearer to them than sounds it never heard?

use rayon::prelude::*;
use serde::Serialize;

use super::set::Set;
use super::statistics::{median, share};
use crate::metrics::peak_correlation;

/// Share of unseen recordings that may lie above each of the two thresholds.
const ALLOWED: f64 = 0.025;
/// Training sounds whose waveforms are compared with a sound's: those with the most alike pictures.
const CANDIDATES: usize = 8;
/// Pairs that are listed.
const LISTED: usize = 10;
/// Training sounds that are compared with the others: enough, and the cost stays bounded.
const MOST_TRAINED: usize = 500;

/// How alike recordings are to the sounds to train on: what a model that copies nothing may reach.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Baseline {
    /// What counts as a copy.
    pub thresholds: Thresholds,
    /// Held-out recordings.
    pub held_out: Nearness,
    /// Sounds to train on, each against those of other sources.
    pub trained: Nearness,
}

/// A sound that exceeds one of them is nearer to a training sound than nearly all unseen recordings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Thresholds {
    /// Of the [likeness](crate::metrics::Picture::likeness) of pictures, which finds copies with new phases; at most 2.5 %
    /// of the held-out recordings exceed it.
    pub likeness: f64,
    /// Of the [correlation](crate::metrics::peak_correlation) of waveforms, which finds copies in any noise; at most 2.5 %
    /// of the held-out recordings exceed it.
    pub correlation: f64,
}

/// How near the nearest training sounds of a set are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Nearness {
    /// How many sounds.
    pub sounds: usize,
    /// Likeness to the most alike training sound, the median.
    pub likeness: f64,
    /// Correlation with the most alike training sound, the median.
    pub correlation: f64,
    /// Share of sounds above a threshold: 0..=1.
    pub above: f64,
}

/// How near renders come to the sounds that a model was trained on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Memorisation {
    /// Over all renders.
    pub nearness: Nearness,
    /// The pairs furthest above a threshold, or nearest to one, to be listened to.
    pub nearest: Vec<Pair>,
}

/// A render and a training sound that it is like.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// Class and seed of the render.
    pub render: String,
    /// Path of the training sound.
    pub recording: String,
    /// Correlation of their log-mel pictures: 1 for copies.
    pub likeness: f64,
    /// Correlation of their waveforms: 1 for copies with their phases.
    pub correlation: f64,
}

/// What a sound shares with one of a bank.
#[derive(Clone, Copy)]
struct Likeness {
    index: usize,
    likeness: f64,
    correlation: f64,
}

/// The bank's sound with the most alike picture, and that with the most alike waveform.
type Nearest = [Likeness; 2];

impl Baseline {
    /// Of the recordings.
    pub(super) fn of(held_out: &Set, trained: &Set) -> Self {
        let unseen = nearest_of(held_out, trained, held_out.len());
        let heard = nearest_of(trained, trained, MOST_TRAINED);
        let thresholds = Thresholds {
            likeness: threshold(unseen.iter().map(|nearest| nearest[0].likeness).collect()),
            correlation: threshold(unseen.iter().map(|nearest| nearest[1].correlation).collect()),
        };
        let [held_out, trained] = [unseen, heard].map(|nearest| Nearness::of(&nearest, thresholds));
        Self { thresholds, held_out, trained }
    }
}

impl Thresholds {
    /// How far above the nearer of the two this lies; negative below both.
    fn excess(&self, likeness: &Likeness) -> f64 {
        (likeness.likeness - self.likeness).max(likeness.correlation - self.correlation)
    }
}

impl Nearness {
    fn of(nearest: &[Nearest], thresholds: Thresholds) -> Self {
        let is_above = |nearest: &Nearest| nearest.iter().any(|likeness| thresholds.excess(likeness) > 0.0);
        Self {
            sounds: nearest.len(),
            likeness: median(nearest.iter().map(|nearest| nearest[0].likeness)),
            correlation: median(nearest.iter().map(|nearest| nearest[1].correlation)),
            above: share(nearest.iter().map(is_above)),
        }
    }
}

impl Memorisation {
    /// Of renders.
    pub(super) fn of(generated: &Set, trained: &Set, thresholds: Thresholds) -> Self {
        let nearest = nearest_of(generated, trained, generated.len());
        let excess = |likeness: &Likeness| thresholds.excess(likeness);
        let worse = |[a, b]: &Nearest| if excess(b) > excess(a) { *b } else { *a };
        let mut pairs: Vec<(usize, Likeness)> = nearest.iter().map(worse).enumerate().collect();
        // Stable: equal ones stay in the order of their seeds.
        pairs.sort_by(|a, b| excess(&b.1).total_cmp(&excess(&a.1)));
        let pair = |&(n, Likeness { index, likeness, correlation }): &(usize, Likeness)| {
            let (render, recording) = (generated.sounds[n].name.clone(), trained.sounds[index].name.clone());
            Pair { render, recording, likeness, correlation }
        };
        let listed = pairs.iter().take(LISTED).map(pair).collect();
        Self { nearness: Nearness::of(&nearest, thresholds), nearest: listed }
    }
}

/// The most alike sounds of `bank` that are no siblings, for up to `most` sounds spread evenly over `set`; sounds without
/// any are left out.
fn nearest_of(set: &Set, bank: &Set, most: usize) -> Vec<Nearest> {
    let count = set.len().min(most);
    let chosen = (0..count).into_par_iter().map(|i| i * set.len() / count);
    chosen.filter_map(|n| nearest(set, n, bank)).collect()
}

fn nearest(set: &Set, n: usize, bank: &Set) -> Option<Nearest> {
    let sound = &set.sounds[n];
    let strangers = (0..bank.len()).filter(|&m| !sound.is_sibling_of(&bank.sounds[m]));
    let mut likened: Vec<(f64, usize)> = strangers.map(|m| (set.pictures[n].likeness(&bank.pictures[m]), m)).collect();
    likened.sort_by(|a, b| b.0.total_cmp(&a.0));
    let compared = likened.iter().take(CANDIDATES).map(|&(likeness, index)| {
        let correlation = peak_correlation(&sound.samples, &bank.sounds[index].samples);
        Likeness { index, likeness, correlation }
    });
    let compared: Vec<Likeness> = compared.collect();
    let by_waveform = compared.iter().copied().reduce(|a, b| if b.correlation > a.correlation { b } else { a });
    Some([*compared.first()?, by_waveform?])
}

/// The lowest value that at most [`ALLOWED`] of the values exceed; the greatest of fewer than forty.
fn threshold(mut values: Vec<f64>) -> f64 {
    values.sort_by(|a, b| b.total_cmp(a));
    values.get((ALLOWED * values.len() as f64) as usize).copied().unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::super::set::Sound;
    use super::*;
    use crate::noise::{NoiseStream, Seed};

    const RATE: u32 = 8000;

    /// Four decaying partials anywhere between 100 and 3,200 Hz; a source of its own.
    fn hit(index: u64) -> Sound {
        let mut noise = NoiseStream::new(Seed(1), "memory", index);
        let mut draw = |low: f32, high: f32| noise.uniform_in(low, high);
        let partials: Vec<[f32; 3]> =
            (0..4).map(|_| [100.0 * draw(0.0, 5.0).exp2(), draw(5.0, 40.0), draw(0.2, 1.0)]).collect();
        let at = |i: usize| {
            let t = i as f32 / RATE as f32;
            partials
                .iter()
                .map(|[hz, decay, gain]| gain * (std::f32::consts::TAU * hz * t).sin() * (-decay * t).exp())
                .sum()
        };
        let samples = (0..4000).map(at).collect();
        Sound { name: format!("hit {index}"), class: 0, pitch: None, group: Some(index.to_string()), samples }
    }

    fn hits(range: std::ops::Range<u64>) -> Set {
        Set::new(range.map(hit).collect(), RATE)
    }

    /// As a model might give it back: later, quieter, with a little noise.
    fn copy_of(index: u64) -> Sound {
        let mut noise = NoiseStream::new(Seed(2), "memory copy", index);
        let samples = std::iter::repeat_n(0.0, 100).chain(hit(index).samples).map(|x| 0.3 * x + 0.001 * noise.normal());
        Sound { name: format!("copy of {index}"), class: 0, pitch: None, group: None, samples: samples.collect() }
    }

    #[test]
    fn a_planted_copy_is_found_and_an_unseen_sound_is_not() {
        let trained = hits(0..40);
        let baseline = Baseline::of(&hits(40..60), &trained);
        assert_eq!((baseline.held_out.above, baseline.held_out.sounds, baseline.trained.sounds), (0.0, 20, 40));
        let mut unseen = hit(100);
        unseen.group = None;
        let generated = Set::new(vec![unseen, copy_of(7)], RATE);
        let memorised = Memorisation::of(&generated, &trained, baseline.thresholds);
        assert_eq!(memorised.nearness.above, 0.5, "{memorised:?} {baseline:?}");
        let first = &memorised.nearest[0];
        assert_eq!((first.render.as_str(), first.recording.as_str()), ("copy of 7", "hit 7"));
        assert!(first.correlation > 0.99, "{first:?}");
    }

    #[test]
    fn a_model_that_gives_back_its_training_sounds_has_memorised_all_of_them() {
        let trained = hits(0..30);
        let baseline = Baseline::of(&hits(30..50), &trained);
        let copies = Set::new((0..30).map(copy_of).collect(), RATE);
        let share = Memorisation::of(&copies, &trained, baseline.thresholds).nearness.above;
        assert!(share > 0.9, "{share} {baseline:?}");
    }

    #[test]
    fn at_most_a_fortieth_lies_above_the_threshold() {
        let values: Vec<f64> = (0..80).map(f64::from).collect();
        assert_eq!((threshold(values.clone()), threshold(values[..39].to_vec())), (77.0, 38.0));
    }
}
