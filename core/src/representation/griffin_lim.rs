//! Fast Griffin-Lim: phases that agree with each other, by alternating projections with momentum.
//!
//! Perraudin, Balazs, Sondergaard, "A fast Griffin-Lim algorithm", 2013
//! (<https://doi.org/10.1109/WASPAA.2013.6701851>).

use multiversion::multiversion;

use crate::dsp::{Column, Complex32, OverlapAdd, Stft};

/// How far each round goes on in the direction of the last one.
const MOMENTUM: f32 = 0.9;

/// `rounds` rounds on the signal in `overlap_add`, towards `magnitudes`: columns of all bins but Nyquist, which is to
/// be 0.
///
/// A round takes each column from the signal and back while it is in the cache; what it keeps is the spectrum.
pub(crate) fn refine(stft: &Stft, magnitudes: &[f32], overlap_add: &mut OverlapAdd, rounds: usize) {
    for round in 0..rounds {
        overlap_add.resynthesize(stft, |column| {
            let Column { index, bins, kept } = column;
            if round == 0 {
                kept.copy_from_slice(bins);
            }
            let (nyquist, audible) = bins.split_last_mut().expect("every spectrum has a Nyquist bin");
            *nyquist = Complex32::ZERO;
            project(audible, kept, &magnitudes[index * audible.len()..]);
        });
    }
}

/// `spectrum` plus momentum, brought to `magnitudes`; `previous` becomes what `spectrum` was.
#[multiversion(targets("x86_64+avx2+fma", "aarch64+neon"))]
fn project(spectrum: &mut [Complex32], previous: &mut [Complex32], magnitudes: &[f32]) {
    for ((z, last), &magnitude) in spectrum.iter_mut().zip(previous).zip(magnitudes) {
        let (re, im) = (z.re + (z.re - last.re) * MOMENTUM, z.im + (z.im - last.im) * MOMENTUM);
        *last = *z;
        // The floor keeps a cell of exactly 0 at 0 instead of at NaN.
        let scale = magnitude / (re * re + im * im).sqrt().max(f32::MIN_POSITIVE);
        *z = Complex32::new(re * scale, im * scale);
    }
}
