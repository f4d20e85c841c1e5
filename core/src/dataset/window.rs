//! Windows of a recording: what a model of textures learns from.
//!
//! Rain has no onset and no end. A recording of it gives [`stretches`], and each example is a loop drawn from one of them:
//! a window at a random place whose end passes into its beginning ([`circle`]). So the frames lie on a circle in training
//! as they do in a loop, and no frame sees an edge.

use std::borrow::Cow;

use super::DatasetConfig;
use super::prepare::{Unusable, normalise, peak};

/// The share of a loop in which its end passes into its beginning.
const FADE_SHARE: usize = 8;
/// A stretch this far below the recording's loudest one (-50 dB) is a pause.
const PAUSE: f32 = 0.003;
/// Largest transposition, in semitones, after which a stretch still holds a loop: 4/3 of its length.
pub(super) const MAX_SEMITONES: f32 = 4.0;

/// Samples of a stretch: a loop and its fade, a third more for transposition.
fn stretch_length(num_samples: usize) -> usize {
    num_samples + num_samples / 2
}

/// The recording cut into stretches that begin a loop's length apart, pauses left out; its peak is 1.
///
/// # Errors
/// A recording that is shorter than one stretch, or silent.
pub(super) fn stretches(mut recording: Vec<f32>, config: &DatasetConfig) -> Result<Vec<Vec<f32>>, Unusable> {
    let length = stretch_length(config.num_samples);
    if recording.len() < length {
        let seconds = |samples: usize| samples as f64 / f64::from(config.sample_rate);
        return Err(Unusable::TooShortForWindows(seconds(recording.len()), seconds(length)));
    }
    if !normalise(&mut recording) {
        return Err(Unusable::Silent(20.0 * peak(&recording).max(1e-30).log10()));
    }
    let starts = (0..=recording.len() - length).step_by(config.num_samples);
    let stretches: Vec<_> = starts.map(|start| recording[start..start + length].to_vec()).collect();
    let loudest = stretches.iter().map(|stretch| rms(stretch)).fold(0.0, f32::max);
    Ok(stretches.into_iter().filter(|stretch| rms(stretch) > PAUSE * loudest).collect())
}

/// A loop of `num_samples` out of a stretch; `place` in 0..1 says where it begins, among the places that a stretch
/// transposed by up to `semitones` has sound for.
///
/// Its first eighth passes from what follows the loop's end to what the loop begins with, at equal power: the two are
/// strangers.
pub(super) fn circle(stretch: &[f32], num_samples: usize, semitones: f32, place: f32) -> Vec<f32> {
    let fade = num_samples / FADE_SHARE;
    let sounding = (stretch.len() as f32 / (semitones / 12.0).exp2()) as usize;
    // A lowered stretch fades at its end, a raised one lacks the reach of the interpolation.
    let sounding = sounding.min(stretch.len() - stretch.len() / 16) - FADE_SHARE;
    let start = (place * sounding.saturating_sub(num_samples + fade) as f32) as usize;
    let mut circle = stretch[start..start + num_samples].to_vec();
    for (i, (own, next)) in circle.iter_mut().zip(&stretch[start + num_samples..]).take(fade).enumerate() {
        let angle = std::f32::consts::FRAC_PI_2 * (i as f32 + 0.5) / fade as f32;
        *own = *own * angle.sin() + next * angle.cos();
    }
    circle
}

impl DatasetConfig {
    /// Samples that a training example is kept as: more than it is made of, for textures.
    pub(super) fn stored_samples(&self) -> usize {
        if self.windows { stretch_length(self.num_samples) } else { self.num_samples }
    }

    /// What of an unvaried example's samples is heard: all of them, or the first loop of a stretch.
    pub(super) fn as_heard<'a>(&self, samples: &'a [f32]) -> Cow<'a, [f32]> {
        if self.windows { circle(samples, self.num_samples, 0.0, 0.0).into() } else { samples.into() }
    }
}

fn rms(samples: &[f32]) -> f32 {
    (samples.iter().map(|x| x * x).sum::<f32>() / samples.len().max(1) as f32).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::{NoiseStream, Seed};

    const CONFIG: DatasetConfig =
        DatasetConfig { sample_rate: 44_100, num_samples: 4096, held_out: 0.1, split_seed: 1, windows: true };

    fn noise(length: usize) -> Vec<f32> {
        let mut stream = NoiseStream::new(Seed(1), "noise", 0);
        (0..length).map(|_| 0.1 * stream.normal()).collect()
    }

    #[test]
    fn a_recording_gives_a_stretch_for_every_loop_that_fits_and_none_in_a_pause() {
        let mut recording = noise(20 * 4096);
        assert_eq!(stretches(recording.clone(), &CONFIG).unwrap().len(), 19);
        recording[8 * 4096..12 * 4096].fill(0.0);
        // The pause holds two stretches whole; those that reach out of it stay.
        let kept = stretches(recording, &CONFIG).unwrap();
        assert_eq!(kept.len(), 16);
        assert!(kept.iter().all(|stretch| stretch.len() == 6144));
    }

    #[test]
    fn what_is_too_short_or_silent_is_refused_with_its_measure() {
        let refuse = |samples: Vec<f32>| stretches(samples, &CONFIG).unwrap_err().to_string();
        assert_eq!(refuse(noise(4410)), "lasts 0.10 s; need 0.14 s or more for a loop, its fade and its variations");
        assert!(refuse(vec![0.0; 9000]).starts_with("is silent"));
    }

    #[test]
    fn the_end_of_a_loop_leads_to_its_beginning_wherever_it_is_taken() {
        // A ramp: neighbours differ by 1, a seam by thousands.
        let ramp: Vec<f32> = (0..6144).map(|i| i as f32).collect();
        for place in [0.0, 0.5, 0.99] {
            let circle = circle(&ramp, 4096, 0.0, place);
            assert_eq!(circle.len(), 4096);
            // At equal power two equals add up to up to 3 dB more: the first sample is the next one, a little off.
            let step = circle[0] - circle[4095];
            assert!(step.abs() < 10.0, "{step} at {place}");
        }
    }

    #[test]
    fn a_loop_is_as_loud_in_its_fade_as_elsewhere_and_holds_no_silence_of_a_raised_stretch() {
        let mut stretch = noise(6144);
        // What a transposition by four semitones leaves at the end.
        stretch[4876..].fill(0.0);
        let circle = circle(&stretch, 4096, 4.0, 0.999);
        let level = rms(&circle[512..]);
        assert!((rms(&circle[..512]) / level - 1.0).abs() < 0.1, "{} {level}", rms(&circle[..512]));
    }
}
