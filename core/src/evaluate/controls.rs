//! Whether a model does as its attributes are asked.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;

use super::reference::Reference;
use super::set::at_peak_one;
use super::statistics::{mean, median};
use super::studio::Studio;
use crate::conditioning::Attribute;
use crate::error::Result;
use crate::generate::Request;
use crate::metrics::rank_correlation;

/// What is asked for, percentiles of the class's variations.
pub const ASKED: [f32; 5] = [0.1, 0.3, 0.5, 0.7, 0.9];

/// How one attribute is followed: rank correlations (Spearman) of asked and measured, -1..=1.
///
/// Measured as the training measured it. An attribute that changes nothing has correlation 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Control {
    /// Which.
    pub attribute: Attribute,
    /// How many clips: classes by seeds by [`ASKED`].
    pub clips: usize,
    /// Over all clips together. Classes differ by themselves (a hat is brighter than a kick), which lowers it.
    pub all: f64,
    /// Over the clips of each class.
    pub classes: BTreeMap<String, f64>,
    /// Mean of the classes'.
    pub within_class: f64,
    /// Over the five clips of each class and seed, the mean: what somebody hears who turns the knob.
    pub same_seed: f64,
    /// Median of what was measured for each of [`ASKED`], as percentiles of the class's variations.
    pub measured: [f64; ASKED.len()],
}

/// A clip's place in the grid, and what it measured.
struct Answer {
    class: usize,
    seed: u64,
    asked: f64,
    /// In the attribute's own unit: percentiles would tie beyond the training set.
    natural: f64,
    percentile: f64,
}

impl Control {
    /// Ask `attribute` of every class at `num_seeds` seeds.
    pub(super) fn of(studio: &Studio, reference: &Reference, attribute: Attribute, num_seeds: usize) -> Result<Self> {
        let grid = grid(reference.classes.len(), studio.seeds(num_seeds));
        let request = |&(class, seed, asked): &(usize, u64, f32)| Request {
            attributes: BTreeMap::from([(attribute, asked)]),
            ..studio.request(Some(&reference.classes[class]), seed)
        };
        let requests: Vec<Request> = grid.iter().map(request).collect();
        let place = attribute.place();
        let answers = studio.render(&requests, |n, rendered| {
            let rendered = rendered?;
            let samples = at_peak_one(&rendered.clip.channels()[0]);
            let (class, seed, asked) = grid[n];
            let natural = reference.meter.measure_natural(&samples);
            let percentile =
                reference.meter.class_scales[class].percentiles(natural, rendered.recipe.pitch)[place].into();
            Ok(Answer { class, seed, asked: asked.into(), natural: natural[place].into(), percentile })
        })?;
        Ok(Self::summarise(attribute, &answers, &reference.classes))
    }

    fn summarise(attribute: Attribute, answers: &[Answer], names: &[String]) -> Self {
        let by_class = |class: usize| answers.iter().filter(move |answer| answer.class == class);
        let classes: BTreeMap<String, f64> =
            names.iter().enumerate().map(|(class, name)| (name.clone(), correlation(by_class(class)))).collect();
        let knobs = answers.chunk_by(|a, b| (a.class, a.seed) == (b.class, b.seed));
        let at = |asked: f32| answers.iter().filter(move |a| a.asked == f64::from(asked)).map(|a| a.percentile);
        Self {
            attribute,
            clips: answers.len(),
            all: correlation(answers),
            within_class: mean(classes.values().copied()),
            same_seed: mean(knobs.map(correlation)),
            classes,
            measured: ASKED.map(|asked| median(at(asked))),
        }
    }
}

/// Every class, seed and asked value, in that order.
fn grid(num_classes: usize, seeds: Range<u64>) -> Vec<(usize, u64, f32)> {
    let pairs = (0..num_classes).flat_map(|class| seeds.clone().map(move |seed| (class, seed)));
    pairs.flat_map(|(class, seed)| ASKED.map(|asked| (class, seed, asked))).collect()
}

fn correlation<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> f64 {
    let (asked, natural): (Vec<f64>, Vec<f64>) = answers.into_iter().map(|a| (a.asked, a.natural)).unzip();
    rank_correlation(&asked, &natural).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers of a knob: two classes, three seeds; `natural` of (class, seed, asked).
    fn answers(natural: impl Fn(usize, u64, f64) -> f64) -> Vec<Answer> {
        let answer = |(class, seed, asked): (usize, u64, f32)| {
            let asked = f64::from(asked);
            Answer { class, seed, asked, natural: natural(class, seed, asked), percentile: asked / 2.0 }
        };
        grid(2, 1..4).into_iter().map(answer).collect()
    }

    fn control(answers: &[Answer]) -> Control {
        Control::summarise(Attribute::Decay, answers, &["a".to_owned(), "b".to_owned()])
    }

    #[test]
    fn a_knob_that_works_is_followed_in_every_sense() {
        let control = control(&answers(|_, _, asked| asked.exp()));
        assert_eq!(control.clips, 30);
        for correlation in [control.all, control.within_class, control.same_seed, control.classes["b"]] {
            assert!((correlation - 1.0).abs() < 1e-12, "{control:?}");
        }
        // Half of what was asked, which is an f32.
        assert!((control.measured[4] - 0.45).abs() < 1e-6, "{control:?}");
    }

    #[test]
    fn classes_that_lie_apart_lower_only_what_is_taken_together() {
        let control = control(&answers(|class, _, asked| 10.0 * class as f64 + asked));
        assert!((control.within_class - 1.0).abs() < 1e-12 && control.all < 0.7, "{control:?}");
    }

    #[test]
    fn a_knob_that_does_nothing_or_turns_backwards_is_told() {
        assert_eq!(control(&answers(|_, _, _| 3.0)).same_seed, 0.0);
        let backwards = control(&answers(|class, _, asked| if class == 0 { asked } else { -asked }));
        assert!((backwards.classes["b"] + 1.0).abs() < 1e-12 && backwards.within_class.abs() < 1e-12, "{backwards:?}");
    }
}
