//! Five numbers measured from a sound itself, so that any folder has them.

use super::spectrum::Spectrum;
use super::texture::TextureMeter;
use crate::audio::Envelope;
use std::ops::Range;

/// Attributes of a sound, and their fixed order: brightness, decay, attack, noisiness, loudness; of a texture density and
/// movement in the place of decay and attack.
pub const NUM_ATTRIBUTES: usize = 5;

/// Measures attributes in natural units; an [`AttributeScale`](super::AttributeScale) makes percentiles of them.
///
/// | index | attribute | unit |
/// |---|---|---|
/// | 0 | brightness | log2 of Hz: energy-weighted mean of the log spectral centroid |
/// | 1 | decay | seconds within 40 dB of the smoothed peak |
/// | 1, of textures | density | 0 (single events) to 1 (steady): temporal flatness of octave bands within 0.19 s |
/// | 2 | attack | seconds from 20 dB to 3 dB below the smoothed peak |
/// | 2, of textures | movement | dB: standard deviation of octave bands' levels over spans of 0.19 s |
/// | 3 | noisiness | 0 (pure tone) to about 0.56 (noise): spectral flatness within narrow bands, energy-weighted |
/// | 4 | loudness | LUFS of the sounding part: K-weighted, gated 10 dB below its mean as in ITU-R BS.1770 |
pub struct AttributeMeter {
    spectrum: Spectrum,
    sample_rate: u32,
    k_weights: Vec<f32>,
    bands: Vec<Range<usize>>,
    texture: Option<TextureMeter>,
}

/// What one frame adds to the sums.
#[derive(Clone, Copy, Default)]
struct Frame {
    energy: f32,
    log_centroid: f32,
    flatness: f32,
    k_power: f32,
}

impl AttributeMeter {
    /// Plan for sounds of `sample_rate` Hz that begin and end.
    pub fn new(sample_rate: u32) -> Self {
        let spectrum = Spectrum::new(sample_rate);
        let k_weights = (0..spectrum.num_bins()).map(|b| k_weight(b as f32 * spectrum.bin_hz())).collect();
        let bands = flatness_bands(spectrum.num_bins());
        Self { spectrum, sample_rate, k_weights, bands, texture: None }
    }

    /// Plan for textures of `sample_rate` Hz.
    pub fn of_textures(sample_rate: u32) -> Self {
        Self { texture: Some(TextureMeter::new(sample_rate)), ..Self::new(sample_rate) }
    }

    /// The attributes of `samples`, in natural units, always finite. About 0.5 ms for 0.74 s at 44.1 kHz.
    pub fn measure(&self, samples: &[f32]) -> [f32; NUM_ATTRIBUTES] {
        let mut frames = Vec::new();
        self.spectrum.for_each_frame(samples, |power| frames.push(self.measure_frame(power)));
        let [second, third] = match &self.texture {
            Some(texture) => texture.measure(samples),
            None => {
                let envelope = Envelope::new(samples, self.sample_rate);
                [envelope.decay_s(), envelope.attack_s()].map(|seconds| seconds as f32)
            }
        };
        let raw = [
            weighted_mean(&frames, |f| f.log_centroid),
            second,
            third,
            weighted_mean(&frames, |f| f.flatness),
            gated_loudness(&frames),
        ];
        raw.map(|value| if value.is_finite() { value } else { 0.0 })
    }

    fn measure_frame(&self, power: &[f32]) -> Frame {
        // Without DC, which is no sound.
        let energy: f32 = power[1..].iter().sum();
        if energy <= 1e-12 {
            return Frame::default();
        }
        let moment: f32 = power.iter().enumerate().map(|(b, p)| b as f32 * p).sum();
        Frame {
            energy,
            log_centroid: (self.spectrum.bin_hz() * moment / energy).max(1.0).log2(),
            flatness: self.bands.iter().map(|band| energy_times_flatness(&power[band.clone()])).sum::<f32>() / energy,
            k_power: power.iter().zip(&self.k_weights).map(|(p, k)| p * k).sum(),
        }
    }
}

/// Bands of twelve bins, and of half an octave where that is more: narrow enough that a coloured noise
/// is flat within each, wide enough that a tone is not.
fn flatness_bands(num_bins: usize) -> Vec<Range<usize>> {
    let mut bands = Vec::new();
    let mut start = 1;
    while start < num_bins {
        let end = (start + 12).max((start as f32 * std::f32::consts::SQRT_2) as usize);
        // A last band with few bins would look flat by itself: the one before takes them.
        let end = if end + 12 > num_bins { num_bins } else { end };
        bands.push(start..end);
        start = end;
    }
    bands
}

/// The geometric mean over the arithmetic mean, times the band's energy: the geometric mean times the count.
fn energy_times_flatness(power: &[f32]) -> f32 {
    let mean_log = power.iter().map(|p| p.max(1e-20).ln()).sum::<f32>() / power.len() as f32;
    mean_log.exp() * power.len() as f32
}

fn weighted_mean(frames: &[Frame], value: impl Fn(&Frame) -> f32) -> f32 {
    let energy: f32 = frames.iter().map(|f| f.energy).sum();
    frames.iter().map(|f| f.energy * value(f)).sum::<f32>() / energy
}

/// Two-pass gate of BS.1770: the mean of what lies within 10 dB of the mean of what is audible (-70 LUFS).
fn gated_loudness(frames: &[Frame]) -> f32 {
    let mean_above = |gate: f32| {
        let above = frames.iter().map(|f| f.k_power).filter(|&p| p > gate);
        let (sum, count) = above.fold((0.0, 0), |(sum, count), p| (sum + p, count + 1));
        sum / count.max(1) as f32
    };
    let ungated = mean_above(1.17e-7);
    (10.0 * mean_above(0.1 * ungated).max(1e-7).log10() - 0.691).max(-70.0)
}

/// Power gain of the K-weighting at `hz`: the two biquads of ITU-R BS.1770-5, given there for 48 kHz.
fn k_weight(hz: f32) -> f32 {
    let shelf = biquad_gain(hz, [1.535_124_9, -2.691_696_2, 1.198_392_8], [-1.690_659_3, 0.732_480_8]);
    let high_pass = biquad_gain(hz, [1.0, -2.0, 1.0], [-1.990_047_5, 0.990_072_25]);
    (shelf * high_pass) as f32
}

fn biquad_gain(hz: f32, b: [f64; 3], a: [f64; 2]) -> f64 {
    // Above 24 kHz the 48-kHz filters have no say: the value at 24 kHz stays.
    let w = (std::f64::consts::TAU * f64::from(hz) / 48_000.0).min(std::f64::consts::PI);
    let power = |c0: f64, c1: f64, c2: f64| {
        let re = c0 + c1 * w.cos() + c2 * (2.0 * w).cos();
        let im = c1 * w.sin() + c2 * (2.0 * w).sin();
        re * re + im * im
    };
    power(b[0], b[1], b[2]) / power(1.0, a[0], a[1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::{NoiseStream, Seed};

    const RATE: u32 = 44_100;

    fn sine(hz: f32, decay_s: f32) -> Vec<f32> {
        let t = |i| i as f32 / RATE as f32;
        (0..32_768).map(|i| (-4.6 * t(i) / decay_s).exp() * (std::f32::consts::TAU * hz * t(i)).sin()).collect()
    }

    fn noise(decay_s: f32) -> Vec<f32> {
        let mut stream = NoiseStream::new(Seed(1), "noise", 0);
        (0..32_768).map(|i| (-4.6 * i as f32 / RATE as f32 / decay_s).exp() * stream.normal() * 0.2).collect()
    }

    fn measure(samples: &[f32]) -> [f32; NUM_ATTRIBUTES] {
        AttributeMeter::new(RATE).measure(samples)
    }

    #[test]
    fn brightness_is_the_log_of_a_tones_frequency() {
        for hz in [200.0, 1000.0, 8000.0] {
            let octaves = measure(&sine(hz, 0.3))[0] - hz.log2();
            // The sudden start smears the first frame, low tones the most: a semitone.
            assert!(octaves.abs() < 0.08, "{octaves} octaves off at {hz} Hz");
        }
        assert!(measure(&noise(0.3))[0] > measure(&sine(1000.0, 0.3))[0]);
    }

    #[test]
    fn a_long_sound_has_the_greater_decay_and_noise_the_greater_noisiness() {
        assert!(measure(&sine(500.0, 0.6))[1] > 3.0 * measure(&sine(500.0, 0.1))[1]);
        let (tone, hiss) = (measure(&sine(100.0, 0.3))[3], measure(&noise(0.3))[3]);
        // Flatness of white noise is exp(-0.577) = 0.56; the tone's is its sudden start, a click.
        assert!(tone < 0.1 && (0.5..0.7).contains(&hiss), "tone {tone}, noise {hiss}");
    }

    #[test]
    fn noisiness_does_not_depend_on_the_colour_of_a_noise() {
        let mut brown = 0.0;
        let coloured: Vec<f32> = noise(1e9)
            .iter()
            .map(|x| {
                brown = 0.95 * brown + x;
                brown
            })
            .collect();
        let (white, brown) = (measure(&noise(1e9))[3], measure(&coloured)[3]);
        assert!((white - brown).abs() < 0.12, "white {white}, brown {brown}");
    }

    #[test]
    fn loudness_of_a_full_scale_sine_is_minus_3_lufs() {
        // BS.1770: a 997-Hz sine at 0 dBFS in one channel reads -3.01; the half-empty edge frames cost some tenths.
        let loudness = measure(&sine(997.0, 1e9))[4];
        assert!((loudness + 3.01).abs() < 0.3, "{loudness}");
        let quiet: Vec<f32> = sine(997.0, 1e9).iter().map(|x| 0.1 * x).collect();
        assert!((measure(&quiet)[4] - loudness + 20.0).abs() < 0.01);
    }

    #[test]
    fn any_samples_measure_finite() {
        for samples in [vec![], vec![0.0; 10], vec![0.0; 32_768], vec![1.0; 700], vec![f32::MAX; 5000]] {
            assert!(measure(&samples).iter().all(|v| v.is_finite()), "{} samples", samples.len());
            let of_texture = AttributeMeter::of_textures(RATE).measure(&samples);
            assert!(of_texture.iter().all(|v| v.is_finite()), "{} samples", samples.len());
        }
    }
}
