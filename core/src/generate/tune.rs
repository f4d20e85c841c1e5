//! [`in_tune`]: a note at the pitch that was asked for, to the cent.

use crate::audio::{Clip, resample};
use crate::error::Result;
use crate::metrics::pitch;

/// Farthest that a note is moved, in semitones: what is farther away is another note, or has no pitch.
const FARTHEST: f64 = 1.0;
/// What nobody hears, in semitones.
const NEAREST: f64 = 0.01;
/// The rate that stands for the sound's own: steps of a fifth of a cent.
const RATE: f64 = 8000.0;

/// The sound played a little faster or slower, so that the pitch that YIN tells is the asked MIDI note; as it is where it
/// tells none, or another note's. As long as before: what is played faster ends in silence.
pub(super) fn in_tune(samples: Vec<f32>, sample_rate: u32, asked: f32) -> Result<Vec<f32>> {
    let Some(found) = pitch(&samples, sample_rate) else { return Ok(samples) };
    let sharp = found - f64::from(asked);
    if !(NEAREST..FARTHEST).contains(&sharp.abs()) {
        return Ok(samples);
    }
    let length = samples.len();
    let slower = (RATE * libm::exp2(sharp / 12.0)).round() as u32;
    let mut tuned = resample(&Clip::mono(samples, RATE as u32)?, slower)?.into_channels().remove(0);
    tuned.resize(length, 0.0);
    Ok(tuned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE_RATE: u32 = 44_100;

    /// Six partials of this MIDI note.
    fn note(midi: f64) -> Vec<f32> {
        let hz = 440.0 * libm::exp2((midi - 69.0) / 12.0);
        let turn = |i: usize| std::f64::consts::TAU * hz * i as f64 / f64::from(SAMPLE_RATE);
        (0..32_768)
            .map(|i| (1..=6).map(|k| (f64::from(k) * turn(i)).sin() / f64::from(4 * k)).sum::<f64>() as f32)
            .collect()
    }

    #[test]
    fn a_note_that_is_a_little_off_is_played_where_it_was_asked_for() {
        for off in [-0.6, -0.25, 0.3, 0.8] {
            let tuned = in_tune(note(57.0 + off), SAMPLE_RATE, 57.0).unwrap();
            let found = pitch(&tuned, SAMPLE_RATE).unwrap();
            assert!(tuned.len() == 32_768 && (found - 57.0).abs() < 0.02, "{off} off became {found}");
        }
    }

    #[test]
    fn another_note_and_a_note_in_tune_stay_as_they_are() {
        for midi in [57.002, 62.0] {
            assert_eq!(in_tune(note(midi), SAMPLE_RATE, 57.0).unwrap(), note(midi));
        }
        assert_eq!(in_tune(vec![0.0; 8192], SAMPLE_RATE, 57.0).unwrap(), vec![0.0; 8192]);
    }
}
