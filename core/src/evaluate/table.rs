//! [`Table`]: what sounds measure, class by class, for recordings and renders alike.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

use super::set::Set;
use super::statistics::{median, share};
use crate::dataset::AttributeMeter;
use crate::metrics::{attack_time_ms, knn_label, peak_time_ms, pitch, tail_level_db, tonality};

/// Neighbours that vote for a class.
const NEIGHBOURS: usize = 5;

/// What a set of sounds measures, and each class of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// Of all sounds.
    pub all: Measures,
    /// Of each class that has sounds.
    pub classes: BTreeMap<String, Measures>,
}

/// What some sounds measure: medians but for the first two. Every sound is at peak 1 first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measures {
    /// How many sounds.
    pub sounds: usize,
    /// Share of them whose class the five nearest training sounds (log-mel) tell: 0..=1.
    pub class_told: f64,
    /// From 10 % to 90 % of the peak, ms.
    pub attack_ms: f64,
    /// From 10 % of the peak to the peak, ms.
    pub peak_ms: f64,
    /// Share of the energy at 40 to 800 Hz within 15 Hz of its strongest frequency: 0..=1.
    pub tonality: f64,
    /// Level of the last 46 ms, dBFS, -120 for silence.
    pub tail_dbfs: f64,
    /// Loudness of the sounding part, LUFS.
    pub loudness_lufs: f64,
    /// Distance to the nearest training sound (log-mel), dB over all cells.
    pub nearest: f64,
    /// Of sounds that have a note.
    pub tuning: Option<Tuning>,
}

/// How far sounds are from the notes that they should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tuning {
    /// How many sounds should be a note.
    pub sounds: usize,
    /// Share of them within 25 cents of it, by YIN: 0..=1. Another octave, and a sound without a pitch, are not.
    pub in_tune: f64,
    /// Median distance from it in cents, whatever the octave, of those that have a pitch.
    pub off_cents: f64,
}

/// What is in tune, in cents.
const IN_TUNE_CENTS: f64 = 25.0;

impl Tuning {
    fn of(each: &[&One]) -> Option<Self> {
        let notes: Vec<_> = each.iter().filter_map(|one| one.tuning).collect();
        if notes.is_empty() {
            return None;
        }
        let of_octave = |cents: f64| (cents - 1200.0 * (cents / 1200.0).round()).abs();
        Some(Self {
            sounds: notes.len(),
            in_tune: share(notes.iter().map(|off| off.is_some_and(|cents| cents.abs() <= IN_TUNE_CENTS))),
            off_cents: median(notes.iter().flatten().map(|&cents| of_octave(cents))),
        })
    }
}

impl Table {
    /// Measure `set`; neighbours are sought in `bank`, never among a recording's own siblings.
    pub(super) fn of(set: &Set, bank: &Set, classes: &[String]) -> Self {
        let meter = AttributeMeter::new(set.sample_rate);
        let measure = |n: usize| One::measure(set, n, bank, &meter);
        let each: Vec<One> = (0..set.len()).into_par_iter().map(measure).collect();
        let of_class = |class: usize| {
            let own = each.iter().zip(&set.sounds).filter(|(_, sound)| sound.class == class);
            Measures::of(&own.map(|(one, _)| one).collect::<Vec<_>>())
        };
        let rows = classes.iter().enumerate().map(|(class, name)| (name.clone(), of_class(class)));
        let classes = rows.filter(|(_, measures)| measures.sounds > 0).collect();
        Self { all: Measures::of(&each.iter().collect::<Vec<_>>()), classes }
    }
}

/// What one sound measures.
struct One {
    is_told: bool,
    attack_ms: f64,
    peak_ms: f64,
    tonality: f64,
    tail_dbfs: f64,
    loudness_lufs: f64,
    nearest: f64,
    /// Of a sound that should be a note: how many cents it is above, if it has a pitch.
    tuning: Option<Option<f64>>,
}

impl One {
    fn measure(set: &Set, n: usize, bank: &Set, meter: &AttributeMeter) -> Self {
        let (sound, rate) = (&set.sounds[n], set.sample_rate);
        let strangers = bank.sounds.iter().zip(&bank.features).filter(|(other, _)| !sound.is_sibling_of(other));
        let labelled = strangers.map(|(other, feature)| (feature.as_slice(), other.class));
        let distances = labelled.clone().map(|(feature, _)| distance(&set.features[n], feature));
        let [.., loudness] = meter.measure(&sound.samples);
        Self {
            nearest: distances.fold(f64::INFINITY, f64::min),
            is_told: knn_label(&set.features[n], labelled, NEIGHBOURS) == Some(sound.class),
            attack_ms: attack_time_ms(&sound.samples, rate),
            peak_ms: peak_time_ms(&sound.samples, rate),
            tonality: tonality(&sound.samples, rate),
            tail_dbfs: tail_level_db(&sound.samples, rate),
            loudness_lufs: loudness.into(),
            tuning: sound.pitch.map(|note| Some(100.0 * (pitch(&sound.samples, rate)? - f64::from(note)))),
        }
    }
}

impl Measures {
    fn of(each: &[&One]) -> Self {
        let middle = |value: fn(&One) -> f64| median(each.iter().map(|one| value(one)));
        Self {
            sounds: each.len(),
            class_told: share(each.iter().map(|one| one.is_told)),
            attack_ms: middle(|one| one.attack_ms),
            peak_ms: middle(|one| one.peak_ms),
            tonality: middle(|one| one.tonality),
            tail_dbfs: middle(|one| one.tail_dbfs),
            loudness_lufs: middle(|one| one.loudness_lufs),
            nearest: middle(|one| one.nearest),
            tuning: Tuning::of(each),
        }
    }
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::super::set::Sound;
    use super::*;

    const RATE: u32 = 8000;

    /// A decaying sine of class 0 (low) or 1 (high), detuned by `n`.
    fn tone(class: usize, n: usize, group: Option<&str>) -> Sound {
        let hz = [200.0, 2000.0][class] * (1.0 + 0.02 * n as f32);
        let at = |i: usize| {
            let t = i as f32 / RATE as f32;
            (std::f32::consts::TAU * hz * t).cos() * (-20.0 * t).exp()
        };
        Sound {
            name: n.to_string(),
            class,
            pitch: None,
            group: group.map(str::to_owned),
            samples: (0..4000).map(at).collect(),
        }
    }

    fn bank() -> Set {
        let tones = (0..6).flat_map(|n| (0..2).map(move |class| tone(class, n, Some("bank"))));
        Set::new(tones.collect(), RATE)
    }

    fn names() -> [String; 2] {
        ["low".to_owned(), "high".to_owned()]
    }

    #[test]
    fn classes_that_lie_apart_are_told_and_a_wrong_label_is_not() {
        let mut sounds = vec![tone(0, 2, None), tone(1, 3, None)];
        sounds[1].class = 0;
        let table = Table::of(&Set::new(sounds, RATE), &bank(), &names());
        assert_eq!((table.all.sounds, table.all.class_told), (2, 0.5));
        assert!(!table.classes.contains_key("high"), "no sound of it");
    }

    #[test]
    fn a_copy_is_at_no_distance_but_a_sibling_does_not_count() {
        let of = |group| Table::of(&Set::new(vec![tone(0, 2, group)], RATE), &bank(), &names()).all;
        assert_eq!(of(None).nearest, 0.0);
        // All of the bank is one source: nothing is left to be near to.
        assert_eq!((of(Some("bank")).nearest, of(Some("bank")).class_told), (f64::INFINITY, 0.0));
    }

    #[test]
    fn tuning_is_of_notes_alone_and_another_octave_is_not_in_tune() {
        let of = |pitches: [Option<f32>; 3]| {
            let sounds = pitches.map(|pitch| Sound { pitch, ..tone(0, 0, None) });
            Table::of(&Set::new(sounds.into(), RATE), &bank(), &names()).all.tuning
        };
        assert_eq!(of([None; 3]), None);
        // 200 Hz is MIDI note 55.35.
        let tuning = of([Some(55.35), Some(43.35), None]).unwrap();
        assert_eq!((tuning.sounds, tuning.in_tune), (2, 0.5));
        assert!(tuning.off_cents < 5.0, "{tuning:?}");
    }

    #[test]
    fn a_plain_tone_has_the_measures_of_one() {
        let all = Table::of(&Set::new(vec![tone(0, 0, None)], RATE), &bank(), &names()).all;
        // It begins at its peak, rings at one frequency and falls by 87 dB in half a second.
        assert_eq!((all.attack_ms, all.peak_ms), (0.0, 0.0));
        assert!(all.tonality > 0.7, "{all:?}");
        assert!((-95.0..-75.0).contains(&all.tail_dbfs), "{all:?}");
    }
}
