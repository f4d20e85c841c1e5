//! [`seam`]: whether an ear could tell where a loop, or a join, is.

use crate::dsp::Framing;
use crate::dsp::Stft;
use crate::dsp::StftConfig;
use crate::dsp::Window;

/// Length of the transforms that compare the sound before and after a point, in samples.
const N_FFT: usize = 512;

/// How a point of a sound compares with all others: for each measure the share of other points, 0..=1, at which it is
/// smaller. 0.5 is middling, 1 says that no other point is as rough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seam {
    /// Rank of the step from the sample before the point to the one at it, against every other step.
    pub step: f64,
    /// Rank of the change of slope around the point, against every other change of slope.
    pub slope: f64,
    /// Rank of the spectral flux across the point (how far log magnitudes move from the 512 samples before it to those
    /// around it, and on to those after it), against that across points all along the sound.
    pub flux: f64,
}

impl Seam {
    /// The highest of the three: above 0.999 of a long sound a seam can be told from the inside.
    pub fn worst(&self) -> f64 {
        self.step.max(self.slope).max(self.flux)
    }
}

/// How the point before sample `at` compares with the other points of a sound that repeats: 0 is the seam of a loop.
///
/// A join that clicks has a step or a kink that no other point has; one that cuts a texture or a tone short has a flux
/// like nothing else in the sound. A sound of clicks hides a click: ranks are relative to the sound itself.
/// Everything ranks 0.5 in silence and in sounds shorter than 1,024 samples.
pub fn seam(samples: &[f32], at: usize) -> Seam {
    if samples.len() < 2 * N_FFT || samples.iter().all(|&x| x == 0.0) {
        return Seam { step: 0.5, slope: 0.5, flux: 0.5 };
    }
    let len = samples.len();
    let sample = |i: usize| f64::from(samples[(i + len) % len]);
    let step = |i: usize| (sample(i) - sample(i + len - 1)).abs();
    let bend = |i: usize| (sample(i + 1) - sample(i) - sample(i + len - 1) + sample(i + len - 2)).abs();
    let others = || (0..len).filter(|&i| i != at % len);
    Seam {
        step: rank(step(at), others().map(step)),
        slope: rank(bend(at), others().map(bend)),
        flux: flux_rank(samples, at % len),
    }
}

/// Points half a transform apart, counted from `at`: one of them is the point itself.
fn flux_rank(samples: &[f32], at: usize) -> f64 {
    let hop = N_FFT / 2;
    let stft =
        Stft::new(StftConfig { n_fft: N_FFT, hop_length: hop, window: Window::Hann, framing: Framing::Centered });
    // Twice round, so that every window is full; from half a window before the point.
    let start = at + samples.len() - N_FFT;
    let length = samples.len() / hop * hop + 2 * N_FFT;
    let around: Vec<f32> = (0..length).map(|i| samples[(start + i) % samples.len()]).collect();
    let spectrum = stft.forward(&around);
    // Down to 80 dB below the loudest bin: what is softer is rounding, or will not be heard.
    let floor = 1e-8 * spectrum.iter().fold(0.0f32, |peak, z| peak.max(z.norm_sqr()));
    let level: Vec<f64> = spectrum.iter().map(|z| f64::from(z.norm_sqr() + floor).ln()).collect();
    let column = |n: usize| &level[n * stft.num_bins()..][..stft.num_bins()];
    // Column n is centred on sample n * hop: column 2 on the point.
    let moved = |n: usize| -> f64 { column(n).iter().zip(column(n + 1)).map(|(a, b)| (b - a).abs()).sum() };
    let flux = |n: usize| moved(n - 1) + moved(n);
    let points = samples.len() / hop;
    rank(flux(2), (3..2 + points).map(flux))
}

/// Share of `others` below `value`; those equal count half.
fn rank(value: f64, others: impl Iterator<Item = f64>) -> f64 {
    let (mut below, mut count) = (0.0, 0.0);
    for other in others {
        count += 1.0;
        below += if other < value {
            1.0
        } else if other == value {
            0.5
        } else {
            0.0
        };
    }
    if count > 0.0 { below / count } else { 0.5 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::{NoiseStream, Seed};

    fn noise(len: usize) -> Vec<f32> {
        let mut samples = vec![0.0; len];
        NoiseStream::new(Seed(4), "seam", 0).fill_normal(&mut samples);
        samples
    }

    /// This many periods in 8,192 samples.
    fn tone(periods: f64) -> Vec<f32> {
        (0..8192).map(|i| (std::f64::consts::TAU * periods * f64::from(i) / 8192.0).sin() as f32).collect()
    }

    /// Noise below a tenth of the rate: neighbouring samples belong together.
    fn hum(len: usize) -> Vec<f32> {
        let white = noise(len + 16);
        (0..len).map(|i| white[i..i + 16].iter().sum::<f32>() / 16.0).collect()
    }

    #[test]
    fn a_tone_that_repeats_exactly_has_no_seam_and_one_that_does_not_has() {
        assert!(seam(&tone(100.0), 0).worst() < 0.99, "{:?}", seam(&tone(100.0), 0));
        let broken = seam(&tone(100.5), 0);
        // The wave turns over at the wrap: a kink like no other, and a spectrum like no other.
        assert!(broken.slope > 0.999 && broken.flux == 1.0, "{broken:?}");
    }

    #[test]
    fn a_cut_of_a_hum_is_found_wherever_it_is() {
        let mut samples = hum(16_384);
        samples[8000..].iter_mut().for_each(|x| *x += 2.0);
        assert!(seam(&samples, 8000).step > 0.999);
        assert!(seam(&samples, 0).step > 0.999);
        assert!(seam(&samples, 5000).step < 0.999);
    }

    #[test]
    fn noise_has_no_seam_anywhere() {
        let samples = noise(16_384);
        for at in [0, 1, 777, 16_383] {
            assert!(seam(&samples, at).worst() < 0.999, "{at}: {:?}", seam(&samples, at));
        }
    }

    #[test]
    fn a_change_of_colour_is_found_by_the_flux() {
        let mut samples = hum(8192);
        let quiet = |x: &mut f32| *x *= 1e-3;
        samples[..4096].iter_mut().for_each(quiet);
        assert!(seam(&samples, 4096).flux > 0.9, "{:?}", seam(&samples, 4096));
        assert!(seam(&samples, 2048).flux < 0.9);
    }

    #[test]
    fn silence_and_short_sounds_are_middling() {
        let middling = Seam { step: 0.5, slope: 0.5, flux: 0.5 };
        assert_eq!(seam(&[0.0; 5000], 0), middling);
        assert_eq!(seam(&[], 0), middling);
        assert_eq!(seam(&[1.0, -1.0], 1), middling);
    }
}
