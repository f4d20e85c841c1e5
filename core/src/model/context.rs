//! [`Context`]: what the fine stage sees beside the noisy frames.

use super::card::ModelConfig;
use crate::conditioning::Blend;
use crate::representation::{Frames, Partials};

/// A sound's envelope as the fine stage sees it, and on it, where a model asks for that, the partials of the pitch: an outline
/// of the spectrum that is to come.
///
/// A fixed map, so that training and rendering cannot disagree about it.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    partials: Option<Partials>,
}

impl Context {
    /// With partials at these places, or without.
    pub fn new(partials: Option<Partials>) -> Self {
        Self { partials }
    }

    /// As this model was trained with.
    pub(super) fn of_model(config: &ModelConfig) -> Self {
        let partials = Partials::new(&config.representation, config.sample_rate);
        Self::new(partials.filter(|_| config.partials))
    }

    /// `(dB + 60) / 30` of the envelope at every frame, about zero mean and unit variance for any sound, less up to 1 between
    /// the partials. Of several pitches each has its weight; without any there are no partials. The sound is seen so many
    /// octaves higher.
    pub fn of(&self, expanded: &Frames, condition: &Blend, octaves: u32) -> Frames {
        let lowered = self.levels_db(condition, octaves, expanded.num_channels);
        let level = |(place, db): (usize, &f32)| (db + lowered[place % expanded.num_channels] + 60.0) / 30.0;
        Frames { data: expanded.data.iter().enumerate().map(level).collect(), ..*expanded }
    }

    /// For each bin, 0 or less.
    fn levels_db(&self, condition: &Blend, octaves: u32, num_bins: usize) -> Vec<f32> {
        let mut sum = vec![0.0; num_bins];
        let Some(partials) = self.partials else { return sum };
        for (weight, condition) in condition.parts() {
            let Some(pitch) = condition.pitch else { continue };
            let seen = pitch + 12.0 * octaves as f32;
            sum.iter_mut().zip(partials.levels_db(seen)).for_each(|(sum, db)| *sum += weight * db);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conditioning::Condition;
    use crate::representation::RepresentationConfig;

    fn envelope() -> Frames {
        Frames { data: vec![-60.0; 2 * 256], num_frames: 2, num_channels: 256 }
    }

    fn partials() -> Option<Partials> {
        let representation = RepresentationConfig::LogMagnitude {
            num_samples: 2048,
            n_fft: 512,
            hop_length: 128,
            floor_db: -100.0,
            refinements: 0,
            onset: 0,
        };
        Partials::new(&representation, 44_100)
    }

    fn at(pitch: Option<f32>) -> Blend {
        Condition { pitch, ..Condition::default() }.into()
    }

    #[test]
    fn without_partials_it_is_a_fixed_affine_map_of_decibels() {
        let expanded = Frames { data: vec![-60.0, -30.0, -100.0, 0.0], num_frames: 2, num_channels: 2 };
        let context = Context::new(None).of(&expanded, &at(Some(60.0)), 0);
        assert_eq!(context, Frames { data: vec![0.0, 1.0, -40.0 / 30.0, 2.0], ..expanded });
    }

    #[test]
    fn every_frame_shows_the_partials_of_the_pitch_and_none_where_there_is_no_pitch() {
        let context = Context::new(partials());
        assert_eq!(context.of(&envelope(), &at(None), 0).data, [0.0; 512]);
        // C8, 4186 Hz, every 48.6 bins.
        let c8 = context.of(&envelope(), &at(Some(108.0)), 0);
        assert!(c8.data[49] > -0.1 && c8.data[20] == -1.0, "{:?}", &c8.data[..60]);
        assert_eq!(c8.data[..256], c8.data[256..]);
    }

    #[test]
    fn a_raised_note_shows_the_partials_of_the_note_that_is_seen() {
        let context = Context::new(partials());
        let of = |pitch, octaves| context.of(&envelope(), &at(Some(pitch)), octaves);
        assert_eq!(of(84.0, 2), of(108.0, 0));
    }

    #[test]
    fn a_blend_of_pitches_shows_each_by_its_weight() {
        let context = Context::new(partials());
        let [low, high] = [100.0, 108.0].map(|pitch| context.of(&envelope(), &at(Some(pitch)), 0));
        let parts = [100.0, 108.0].map(|pitch| (1.0, Condition { pitch: Some(pitch), ..Condition::default() }));
        let both = context.of(&envelope(), &Blend::new(parts), 0);
        let mean = low.data.iter().zip(&high.data).map(|(a, b)| 0.5 * (a + b));
        assert!(both.data.iter().zip(mean).all(|(both, mean)| (both - mean).abs() < 1e-6));
    }
}
