//! What goes on in a sound that neither begins nor ends: how dense it is, and how far its levels wander.
//!
//! Both are told of octave bands in spans of 0.19 s: density by what happens within a span, movement by how spans differ.

use super::spectrum::Spectrum;
use std::ops::Range;

/// Length of a frame: short against a drop of rain.
const FRAME_S: f32 = 0.0116;
/// Frames of a span, half a frame apart: 0.19 s.
const SPAN: usize = 32;
/// The lowest band's lower edge, in Hz: a frame holds two periods of it.
const LOWEST_HZ: f32 = 172.0;
/// Octave bands above it.
const NUM_BANDS: usize = 7;
/// A band counts by how loud it is heard, about its power to this exponent (Stevens).
const LOUDNESS_EXPONENT: f64 = 0.3;

/// Measures density and movement.
pub(super) struct TextureMeter {
    spectrum: Spectrum,
    bands: Vec<Range<usize>>,
}

impl TextureMeter {
    /// Plan for sounds of `sample_rate` Hz.
    pub(super) fn new(sample_rate: u32) -> Self {
        let spectrum = Spectrum::of_frames(sample_rate, FRAME_S);
        let edges = (0..NUM_BANDS).map(|band| LOWEST_HZ * (band as f32).exp2());
        let audible = edges.filter(|low| 2.0 * low < sample_rate as f32);
        let bands = audible.map(|low| spectrum.bins(low, 2.0 * low)).collect();
        Self { spectrum, bands }
    }

    /// Density, from 0 (single events) to 1 (steady), and movement in dB; zeros of silence.
    pub(super) fn measure(&self, samples: &[f32]) -> [f32; 2] {
        let mut powers = vec![Vec::new(); self.bands.len()];
        self.spectrum.for_each_frame(samples, |bins| {
            for (powers, band) in powers.iter_mut().zip(&self.bands) {
                powers.push(f64::from(bins[band.clone()].iter().sum::<f32>()));
            }
        });
        let (mut weights, mut sums) = (0.0, [0.0; 2]);
        for powers in &powers {
            let mean = mean(powers);
            if mean > 1e-12 {
                let weight = mean.powf(LOUDNESS_EXPONENT);
                weights += weight;
                sums[0] += weight * density(powers, mean);
                sums[1] += weight * movement(powers, mean);
            }
        }
        sums.map(|sum| if weights > 0.0 { (sum / weights) as f32 } else { 0.0 })
    }
}

/// The temporal flatness within the spans (geometric over arithmetic mean of the power), its mean by their power.
fn density(powers: &[f64], mean: f64) -> f64 {
    let floor = 1e-6 * mean;
    let flat = |span: &[f64]| (span.iter().map(|p| (p + floor).ln()).sum::<f64>() / span.len() as f64).exp();
    let (geometric, arithmetic): (f64, f64) = spans(powers)
        .map(|span| (flat(span), self::mean(span) + floor))
        .fold((0.0, 0.0), |sum, x| (sum.0 + x.0, sum.1 + x.1));
    geometric / arithmetic.max(f64::MIN_POSITIVE)
}

/// The standard deviation of the spans' levels, in dB, none of them more than 40 dB below the mean.
fn movement(powers: &[f64], mean: f64) -> f64 {
    let levels: Vec<f64> = spans(powers).map(|span| 10.0 * (self::mean(span) + 1e-4 * mean).log10()).collect();
    let middle = self::mean(&levels);
    self::mean(&levels.iter().map(|level| (level - middle).powi(2)).collect::<Vec<_>>()).sqrt()
}

/// Whole spans; a sound that is shorter than one is one itself.
fn spans(powers: &[f64]) -> impl Iterator<Item = &[f64]> {
    powers.chunks_exact(SPAN.min(powers.len().max(1)))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::{NoiseStream, Seed};

    const RATE: u32 = 44_100;

    /// White noise whose amplitude is `shape(seconds)`.
    fn noise(shape: impl Fn(f32) -> f32) -> Vec<f32> {
        let mut stream = NoiseStream::new(Seed(1), "noise", 0);
        (0..65_536).map(|i| 0.2 * shape(i as f32 / RATE as f32) * stream.normal()).collect()
    }

    fn measure(samples: &[f32]) -> [f32; 2] {
        TextureMeter::new(RATE).measure(samples)
    }

    #[test]
    fn a_steady_noise_is_dense_and_hardly_moves() {
        let [density, movement] = measure(&noise(|_| 1.0));
        assert!(density > 0.8 && movement < 1.0, "{density} {movement}");
    }

    #[test]
    fn single_drops_are_not_dense_and_the_more_of_them_the_denser() {
        let drops =
            |a_second: f32| measure(&noise(|t| if (t * a_second).fract() < 0.01 * a_second { 1.0 } else { 0.0 }))[0];
        let densities = [8.0, 20.0, 45.0].map(drops);
        assert!(densities[0] < 0.2 && densities.windows(2).all(|pair| pair[0] < pair[1]), "{densities:?}");
    }

    #[test]
    fn what_swells_moves_by_how_far_it_swells_and_is_as_dense_as_before() {
        // A swell of 2 x 6 dB in 1.5 s: levels spread by 6 / sqrt(2) dB.
        let swell = |db: f32| measure(&noise(|t| 10f32.powf(db / 20.0 * (4.2 * t).sin())));
        let ([density, still], [swelling, movement]) = (swell(0.0), swell(6.0));
        assert!((movement - 4.2).abs() < 0.7 && still < 1.0, "{movement} {still}");
        assert!((density - swelling).abs() < 0.1, "{density} {swelling}");
    }

    #[test]
    fn level_changes_neither_and_anything_measures_finite() {
        let loud = noise(|t| (9.0 * t).sin());
        let soft: Vec<f32> = loud.iter().map(|x| 0.01 * x).collect();
        let (loud, soft) = (measure(&loud), measure(&soft));
        assert!((0..2).all(|i| (loud[i] - soft[i]).abs() < 0.01), "{loud:?} {soft:?}");
        for samples in [vec![], vec![0.0; 10], vec![1.0; 700]] {
            assert!(measure(&samples).iter().all(|v| v.is_finite()), "{} samples", samples.len());
        }
    }
}
