//! [`ClassScale`]: natural units <-> percentiles within one class.

use super::attributes::NUM_ATTRIBUTES;
use super::{AttributeScale, AugmentConfig, Dataset};
use crate::error::Result;
use crate::noise::{NoiseStream, Seed};
use rayon::prelude::*;

/// Variations measured of each class.
const DRAWS: usize = 200;
/// The MIDI note whose percentiles need no correction.
const REFERENCE_PITCH: f32 = 60.0;

/// What was measured of one sound, and its MIDI note where it has one.
type Measured = ([f32; NUM_ATTRIBUTES], Option<f32>);

/// The quantiles of every attribute over the variations of a class's sounds, which is what a model hears in training:
/// recordings alone may lie so close together that their percentiles tell noise.
///
/// Where every sound has a pitch, what the pitch by itself does to an attribute is taken out (a straight line through the
/// variations): the brightest notes of a piano are then among its low ones too.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassScale {
    scale: AttributeScale,
    /// Natural units that a semitone adds; 0 of a class without pitches.
    per_semitone: [f32; NUM_ATTRIBUTES],
}

impl ClassScale {
    /// # Errors
    /// No measurement, or one that is not finite.
    fn of(measured: &[Measured]) -> Result<Self> {
        let per_semitone = slopes(measured);
        let level = |(natural, pitch): &Measured| without_pitch(*natural, *pitch, per_semitone, -1.0);
        let scale = AttributeScale::of(&measured.iter().map(level).collect::<Vec<_>>())?;
        Ok(Self { scale, per_semitone })
    }

    /// Natural units to percentiles in 0..=1, of a sound at this MIDI note; values beyond the class's clamp.
    pub fn percentiles(&self, natural: [f32; NUM_ATTRIBUTES], pitch: Option<f32>) -> [f32; NUM_ATTRIBUTES] {
        self.scale.percentiles(without_pitch(natural, pitch, self.per_semitone, -1.0))
    }

    /// So many evenly spaced quantiles of an attribute, by its index, of sounds at middle C, and what a semitone up
    /// adds to each; in natural units.
    pub fn quantiles(&self, attribute: usize, count: usize) -> (Vec<f32>, f32) {
        let share = |place: usize| place as f32 / (count - 1) as f32;
        let quantile = |place: usize| self.scale.natural([share(place); NUM_ATTRIBUTES])[attribute];
        ((0..count).map(quantile).collect(), self.per_semitone[attribute])
    }

    /// Percentiles (clamped to 0..=1) to natural units, of a sound at this MIDI note.
    pub fn natural(&self, percentiles: [f32; NUM_ATTRIBUTES], pitch: Option<f32>) -> [f32; NUM_ATTRIBUTES] {
        without_pitch(self.scale.natural(percentiles), pitch, self.per_semitone, 1.0)
    }
}

impl Dataset {
    /// The scale of every class, over variations of its training sounds; where it has none, over all classes'.
    pub(super) fn measure_classes(&self) -> Result<Vec<ClassScale>> {
        let measured: Vec<Vec<Measured>> =
            (0..self.classes.len()).into_par_iter().map(|class| self.measure_variations(class)).collect();
        let all = || ClassScale::of(&measured.concat());
        measured.iter().map(|of_class| if of_class.is_empty() { all() } else { ClassScale::of(of_class) }).collect()
    }

    fn measure_variations(&self, class: usize) -> Vec<Measured> {
        let config = AugmentConfig::default();
        let measure = |draw: usize| {
            let mut noise = NoiseStream::new(Seed(class as u64), "class scale", draw as u64);
            let index = self.balance.pick_of(class, &mut noise)?;
            let (samples, pitch) = self.vary(index, &config, &mut noise)?;
            Some((self.tools.meter.measure(&samples), pitch))
        };
        (0..DRAWS).into_par_iter().filter_map(measure).collect()
    }
}

/// `natural` at [`REFERENCE_PITCH`], if `sign` is -1; with 1 the way back.
fn without_pitch(
    mut natural: [f32; NUM_ATTRIBUTES],
    pitch: Option<f32>,
    per_semitone: [f32; NUM_ATTRIBUTES],
    sign: f32,
) -> [f32; NUM_ATTRIBUTES] {
    let semitones = pitch.map_or(0.0, |pitch| sign * (pitch - REFERENCE_PITCH));
    natural.iter_mut().zip(per_semitone).for_each(|(value, slope)| *value += slope * semitones);
    natural
}

/// Least squares of each attribute against the pitch; 0 where a sound has none, or all have the same.
fn slopes(measured: &[Measured]) -> [f32; NUM_ATTRIBUTES] {
    let pitches: Option<Vec<f64>> = measured.iter().map(|(_, pitch)| pitch.map(f64::from)).collect();
    let Some(pitches) = pitches else { return [0.0; NUM_ATTRIBUTES] };
    let count = measured.len() as f64;
    let middle = pitches.iter().sum::<f64>() / count;
    let spread: f64 = pitches.iter().map(|pitch| (pitch - middle).powi(2)).sum();
    // A standard deviation below a semitone tells nothing.
    if spread < count {
        return [0.0; NUM_ATTRIBUTES];
    }
    std::array::from_fn(|a| {
        let moments =
            measured.iter().zip(&pitches).map(|((natural, _), pitch)| f64::from(natural[a]) * (pitch - middle));
        (moments.sum::<f64>() / spread) as f32
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Brightness that rises by an octave in two, and by up to 0.4 from note to note.
    fn keyboard() -> Vec<Measured> {
        let mut noise = NoiseStream::new(Seed(1), "keyboard", 0);
        let mut sound = |n: usize| {
            let pitch = 24.0 + (n % 61) as f32;
            ([pitch / 24.0 + noise.uniform_in(0.0, 0.4), 0.3, 0.0, 0.0, 0.0], Some(pitch))
        };
        (0..610).map(&mut sound).collect()
    }

    #[test]
    fn percentiles_of_a_pitched_class_are_those_of_its_notes() {
        let scale = ClassScale::of(&keyboard()).unwrap();
        assert!((scale.per_semitone[0] - 1.0 / 24.0).abs() < 1e-3, "{scale:?}");
        for pitch in [24.0, 60.0, 84.0] {
            let percentile = |level: f32| scale.percentiles([pitch / 24.0 + level, 0.3, 0.0, 0.0, 0.0], Some(pitch))[0];
            assert!(percentile(-0.05) < 0.01 && percentile(0.45) > 0.99, "{pitch}");
            assert!((percentile(0.2) - 0.5).abs() < 0.1, "{} at {pitch}", percentile(0.2));
        }
    }

    #[test]
    fn natural_units_come_back_at_every_pitch() {
        let scale = ClassScale::of(&keyboard()).unwrap();
        for pitch in [Some(30.0), Some(80.0), None] {
            let natural = scale.natural([0.31; NUM_ATTRIBUTES], pitch);
            assert!((scale.percentiles(natural, pitch)[0] - 0.31).abs() < 1e-3);
        }
    }

    #[test]
    fn one_sound_without_a_pitch_or_one_pitch_for_all_leaves_the_pitch_out() {
        let mut measured = keyboard();
        measured[7].1 = None;
        assert_eq!(slopes(&measured), [0.0; NUM_ATTRIBUTES]);
        measured.iter_mut().for_each(|(_, pitch)| *pitch = Some(48.0));
        assert_eq!(slopes(&measured), [0.0; NUM_ATTRIBUTES]);
    }
}
