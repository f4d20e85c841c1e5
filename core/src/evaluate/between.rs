//! [`Between`]: how far a student has strayed from its teacher.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

use super::set::Set;
use super::statistics::median;
use crate::error::{EvaluateError, Result};
use crate::generate::Session;
use crate::metrics::log_spectral_distance_db;

/// How far the clips of two models lie apart, seed by seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Between {
    /// How many pairs.
    pub clips: usize,
    /// Log-spectral distance of clips of one class and seed, median, dB: 0 for the same sound.
    pub distance_db: f64,
    /// The same for each class.
    pub classes: BTreeMap<String, f64>,
    /// Log-spectral distance of the teacher's clips of one class and neighbouring seeds, median, dB: what two different
    /// sounds have.
    pub other_seed_db: f64,
}

impl Between {
    /// Of two models' clips of the same classes and seeds, in the same order.
    pub(super) fn of(student: &Set, teacher: &Set, classes: &[String]) -> Self {
        let same = |n: usize| distance(student, n, teacher, n);
        let distances: Vec<f64> = (0..student.len()).into_par_iter().map(same).collect();
        let of_class = |class: usize| {
            let own = distances.iter().zip(&student.sounds).filter(move |(_, sound)| sound.class == class);
            median(own.map(|(distance, _)| *distance))
        };
        let rows = classes.iter().enumerate().map(|(class, name)| (name.clone(), of_class(class)));
        let is_pair = |n: &usize| teacher.sounds[*n].class == teacher.sounds[n + 1].class;
        let other = |n: usize| distance(teacher, n, teacher, n + 1);
        let others: Vec<f64> =
            (0..teacher.len().saturating_sub(1)).into_par_iter().filter(is_pair).map(other).collect();
        Self {
            clips: distances.len(),
            classes: rows.filter(|(_, distance)| !distance.is_nan()).collect(),
            distance_db: median(distances.iter().copied()),
            other_seed_db: median(others),
        }
    }
}

fn distance(a: &Set, n: usize, b: &Set, m: usize) -> f64 {
    log_spectral_distance_db(&a.sounds[n].samples, &b.sounds[m].samples, a.sample_rate)
}

/// Check that the sounds of two models can be compared one by one.
pub(super) fn check_teacher(student: &Session, teacher: &Session) -> Result<()> {
    let (a, b) = (student.model(), teacher.model());
    let differences = [
        ("classes", a.card.config.classes != b.card.config.classes),
        ("sample rate", a.card.config.sample_rate != b.card.config.sample_rate),
        ("length", a.representation.num_samples() != b.representation.num_samples()),
    ];
    match differences.into_iter().find(|(_, differs)| *differs) {
        Some((what, _)) => {
            let (model, teacher) = (a.card.id.clone(), b.card.id.clone());
            Err(EvaluateError::OtherTeacher { model, teacher, what }.into())
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::set::Sound;
    use super::*;

    /// Tones of these frequencies, the first two of class 0, the others of class 1.
    fn tones(frequencies_hz: &[f32]) -> Set {
        let tone = |(n, hz): (usize, &f32)| {
            let samples = (0..4000).map(|i| (std::f32::consts::TAU * hz * i as f32 / 8000.0).sin()).collect();
            Sound { name: n.to_string(), class: n / 2, pitch: None, group: None, samples }
        };
        Set::new(frequencies_hz.iter().enumerate().map(tone).collect(), 8000)
    }

    #[test]
    fn a_copy_is_at_no_distance_and_other_seeds_and_classes_are_told_apart() {
        let teacher = tones(&[200.0, 900.0, 400.0, 1800.0]);
        let names = ["a".to_owned(), "b".to_owned(), "none".to_owned()];
        let copy = Between::of(&tones(&[200.0, 900.0, 400.0, 1800.0]), &teacher, &names);
        assert_eq!((copy.clips, copy.distance_db, copy.classes.len()), (4, 0.0, 2));
        assert!(copy.other_seed_db > 5.0, "{copy:?}");
        let strayed = Between::of(&tones(&[200.0, 900.0, 900.0, 400.0]), &teacher, &names);
        assert!(strayed.classes["a"] == 0.0 && strayed.classes["b"] > 5.0, "{strayed:?}");
    }
}
