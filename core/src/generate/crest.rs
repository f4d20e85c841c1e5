//! [`Crest`]: when a sound is loudest.
//!
//! A recorded string or key is loudest a few milliseconds after it was struck, and a network's note goes on to swell by a decibel
//! or two. What is louder later than the loudest moments of its class are is brought down to what it was until then.

use super::classes::mean_of_classes;
use super::level::{Place, between, gain, loudest, mean_around};
use super::recipe::Recipe;
use crate::audio::Envelope;
use crate::model::Card;

/// An attack is over this many dB below the peak.
const RISEN_DB: f64 = 3.0;
/// What is later is softer by this many dB: not as loud, for a flat top has its peak anywhere.
const SOFTER_DB: f64 = 0.15;

/// The time from the end of an attack to the loudest moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Crest {
    seconds: f64,
}

impl Crest {
    /// That of a recipe's class, or the mean of several, where the model knows of all classes.
    pub(super) fn of(recipe: &Recipe, card: &Card) -> Option<Self> {
        let config = &card.config;
        let known: Option<Vec<f32>> = config.attacks.iter().map(|scale| scale.peak_s).collect();
        let known = known.filter(|known| !known.is_empty())?;
        Some(Self { seconds: mean_of_classes(recipe, config, |class| f64::from(known[class])) })
    }

    /// Let the sound be no louder after its crest than until then. Costs two passes over its blocks, and one over its samples.
    pub(super) fn set(self, samples: &mut [f32], place: Place) {
        let envelope = Envelope::new(samples, place.sample_rate);
        let level = place.level_db(&envelope);
        let Some(peak) = level.get(loudest(&level)) else { return };
        let risen = level.iter().position(|db| *db >= peak - RISEN_DB).unwrap_or(0);
        let half = (0.5 * place.window_s() / envelope.block_s()) as usize;
        // A level is that of a span: sooner than half of it nothing is known.
        let crest = risen + ((self.seconds / envelope.block_s()).round() as usize).max(half);
        let until = level.iter().take(crest + 1).skip(risen).copied().fold(f64::NEG_INFINITY, f64::max);
        let lower = |(n, db): (usize, &f64)| if n > crest { (until - SOFTER_DB - db).min(0.0) } else { 0.0 };
        let lower: Vec<f64> = level.iter().enumerate().map(lower).collect();
        if lower.iter().all(|&db| db == 0.0) {
            return;
        }
        amplify(samples, &mean_around(&lower, half), envelope.block_s() * f64::from(place.sample_rate));
    }
}

/// By so many dB for each block.
fn amplify(samples: &mut [f32], db: &[f64], block: f64) {
    for (i, sample) in samples.iter_mut().enumerate() {
        let db = between(db, i as f64 / block);
        if db != 0.0 {
            *sample *= gain(db) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { onset: 0, sample_rate: 44_100, note: Some(69.0) };

    fn tone(level_db: impl Fn(f64) -> f64) -> Vec<f32> {
        let sample = |i: usize| {
            let t = i as f64 / 44_100.0;
            (0.5 * gain(level_db(t)) * libm::sin(std::f64::consts::TAU * 440.0 * t)) as f32
        };
        (0..44_100).map(sample).collect()
    }

    /// The level from `start` to `end` (seconds), in dB.
    fn level(samples: &[f32], start: f64, end: f64) -> f32 {
        let part = &samples[(start * 44_100.0) as usize..(end * 44_100.0) as usize];
        10.0 * (part.iter().map(|x| x * x).sum::<f32>() / part.len() as f32).log10()
    }

    #[test]
    fn a_note_that_swells_after_it_was_struck_comes_to_the_level_that_it_was_struck_with() {
        // Rises within 5 ms, then by 2 dB until 0.3 s, and falls.
        let swelling = |t: f64| {
            let rise = (40.0 * (t / 0.005 - 1.0)).min(0.0);
            rise - 2.0 + if t < 0.3 { 2.0 * t / 0.3 } else { 2.0 - 20.0 * (t - 0.3) }
        };
        let mut sound = tone(swelling);
        let before = sound.clone();
        Crest { seconds: 0.01 }.set(&mut sound, PLACE);
        let swells_by = |sound: &[f32]| level(sound, 0.29, 0.31) - level(sound, 0.008, 0.028);
        assert!(swells_by(&before) > 1.5, "{}", swells_by(&before));
        assert!((-0.3..0.1).contains(&swells_by(&sound)), "{}", swells_by(&sound));
        // What was there in time stays, and what has fallen below it.
        assert_eq!((&sound[..300], &sound[40_000..]), (&before[..300], &before[40_000..]));
    }

    #[test]
    fn what_is_loudest_in_time_stays_and_so_does_silence() {
        let falling = tone(|t| -30.0 * t);
        for sound in [falling, vec![0.0; 4410], vec![], vec![1.0]] {
            let mut after = sound.clone();
            Crest { seconds: 0.02 }.set(&mut after, PLACE);
            assert_eq!(after, sound);
        }
    }
}
