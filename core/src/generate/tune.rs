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
