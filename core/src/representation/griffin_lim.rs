//! Fast Griffin-Lim: phases that agree with each other, by alternating projections with momentum.
//!
//! Perraudin, Balazs, Sondergaard, "A fast Griffin-Lim algorithm", 2013
//! (<https://doi.org/10.1109/WASPAA.2013.6701851>).

use crate::dsp::Complex32;
use crate::dsp::Stft;

/// How far each round goes on in the direction of the last one.
const MOMENTUM: f32 = 0.9;

/// The signal after `rounds` rounds from `spectrum`, which holds the wanted `magnitudes` (same layout) with first
/// phases. No round: the plain inverse.
pub(crate) fn refine(
    stft: &Stft,
    magnitudes: &[f32],
    mut spectrum: Vec<Complex32>,
    num_samples: usize,
    rounds: usize,
) -> Vec<f32> {
    let mut scratch = stft.scratch(num_samples);
    let mut samples = vec![0.0; num_samples];
    let mut previous = Vec::new();
    for round in 0..rounds {
        stft.inverse_into(&spectrum, &mut samples, &mut scratch);
        stft.forward_into(&samples, &mut spectrum, &mut scratch);
        if round == 0 {
            previous.clone_from(&spectrum);
        }
        project(&mut spectrum, &mut previous, magnitudes);
    }
    stft.inverse_into(&spectrum, &mut samples, &mut scratch);
    samples
}

/// `spectrum` plus momentum, brought to `magnitudes`; `previous` becomes what `spectrum` was.
fn project(spectrum: &mut [Complex32], previous: &mut [Complex32], magnitudes: &[f32]) {
    for ((z, last), &magnitude) in spectrum.iter_mut().zip(previous).zip(magnitudes) {
        let ahead = *z + (*z - *last) * MOMENTUM;
        *last = *z;
        // The floor keeps a cell of exactly 0 at 0 instead of at NaN.
        *z = ahead * (magnitude / ahead.norm_sqr().sqrt().max(f32::MIN_POSITIVE));
    }
}
