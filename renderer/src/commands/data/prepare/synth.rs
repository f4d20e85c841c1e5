//! Building blocks of synthesized drums: decays, filters, clusters of squares, damped modes, noise.

use super::hit::SAMPLE_RATE;
use brownian_core::noise::NoiseStream;
use std::f32::consts::TAU;

const RATE: f32 = SAMPLE_RATE as f32;

/// `length_s` seconds of `f(time in seconds)`.
pub fn over(length_s: f32, mut f: impl FnMut(f32) -> f32) -> Vec<f32> {
    (0..(length_s * RATE) as usize).map(|n| f(n as f32 / RATE)).collect()
}

/// Exponential decay, 60 dB down after `t60_s`.
pub fn decay(time_s: f32, t60_s: f32) -> f32 {
    (-6.908 * time_s / t60_s).exp()
}

/// White noise of unit variance.
pub fn white(noise: &mut NoiseStream, length_s: f32) -> Vec<f32> {
    over(length_s, |_| noise.normal())
}

/// A sine that falls from `start_hz` to `end_hz`: the difference is 60 dB down after `sweep_s`.
pub fn swept_sine(length_s: f32, start_hz: f32, end_hz: f32, sweep_s: f32) -> Vec<f32> {
    let mut phase = 0.0f32;
    over(length_s, |t| {
        phase = (phase + (end_hz + (start_hz - end_hz) * decay(t, sweep_s)) / RATE).fract();
        (TAU * phase).sin()
    })
}

/// Square waves at `base_hz` times `ratios`, each at level 1 over their number.
pub fn squares(length_s: f32, base_hz: f32, ratios: &[f32]) -> Vec<f32> {
    over(length_s, |t| {
        let sum: f32 = ratios.iter().map(|ratio| if (t * base_hz * ratio).fract() < 0.5 { 1.0 } else { -1.0 }).sum();
        sum / ratios.len() as f32
    })
}

/// A damped sine: frequency in Hz, time to -60 dB in seconds, level.
#[derive(Clone, Copy, Debug)]
pub struct Mode(pub f32, pub f32, pub f32);

/// The sum of `modes`, with random phases.
pub fn ring(noise: &mut NoiseStream, length_s: f32, modes: &[Mode]) -> Vec<f32> {
    let mut out = vec![0.0; (length_s * RATE) as usize];
    for &Mode(hz, t60_s, level) in modes.iter().filter(|mode| mode.0 < 0.48 * RATE) {
        let (sin, cos) = (TAU * hz / RATE).sin_cos();
        let damping = decay(1.0 / RATE, t60_s);
        let (mut im, mut re) = (TAU * noise.uniform()).sin_cos();
        for x in &mut out {
            *x += level * im;
            (re, im) = (damping * (re * cos - im * sin), damping * (re * sin + im * cos));
        }
    }
    out
}

/// `count` modes spread evenly over the logarithm of `low_hz..high_hz`: the plate of a cymbal. High ones die sooner:
/// the decay falls from `t60_s` at `low_hz` with the power `-steepness` of the frequency.
pub fn plate(
    noise: &mut NoiseStream,
    count: usize,
    low_hz: f32,
    high_hz: f32,
    t60_s: f32,
    steepness: f32,
) -> Vec<Mode> {
    let mode = |_| {
        let hz = low_hz * (high_hz / low_hz).powf(noise.uniform());
        Mode(hz, t60_s * (hz / low_hz).powf(-steepness) * noise.uniform_in(0.6, 1.4), noise.normal())
    };
    (0..count).map(mode).collect()
}

/// Multiply by `envelope(time in seconds)`.
pub fn shaped(mut samples: Vec<f32>, envelope: impl Fn(f32) -> f32) -> Vec<f32> {
    samples.iter_mut().enumerate().for_each(|(n, x)| *x *= envelope(n as f32 / RATE));
    samples
}

/// The sum of layers, each brought to peak 1 and then to its level; as long as the longest.
pub fn mix(layers: &[(f32, Vec<f32>)]) -> Vec<f32> {
    let mut out = vec![0.0; layers.iter().map(|(_, layer)| layer.len()).max().unwrap_or(0)];
    for (level, layer) in layers {
        let peak = layer.iter().fold(1e-9f32, |peak, x| peak.max(x.abs()));
        out.iter_mut().zip(layer).for_each(|(sum, x)| *sum += level / peak * x);
    }
    out
}

/// Saturate: `tanh(drive * x)`.
pub fn driven(mut samples: Vec<f32>, drive: f32) -> Vec<f32> {
    samples.iter_mut().for_each(|x| *x = (drive * *x).tanh());
    samples
}

/// The second-order filters of the "Audio EQ Cookbook" (R. Bristow-Johnson).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Above the corner.
    HighPass,
    /// Around the corner, 0 dB there.
    BandPass,
    /// Below the corner.
    LowPass,
}

impl Filter {
    /// Filter with the corner at `hz` (kept below 0.45 of the sample rate) and quality `q`.
    pub fn apply(self, samples: &[f32], hz: f32, q: f32) -> Vec<f32> {
        let (sin, cos) = (TAU * hz.min(0.45 * RATE) / RATE).sin_cos();
        let alpha = sin / (2.0 * q);
        let b = match self {
            Self::HighPass => [0.5 * (1.0 + cos), -(1.0 + cos), 0.5 * (1.0 + cos)],
            Self::BandPass => [alpha, 0.0, -alpha],
            Self::LowPass => [0.5 * (1.0 - cos), 1.0 - cos, 0.5 * (1.0 - cos)],
        };
        let (mut s1, mut s2) = (0.0, 0.0);
        let step = |&x: &f32| {
            let y = (b[0] * x + s1) / (1.0 + alpha);
            s1 = b[1] * x + 2.0 * cos * y + s2;
            s2 = b[2] * x - (1.0 - alpha) * y;
            y
        };
        samples.iter().map(step).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use brownian_core::noise::Seed;

    fn rms(samples: &[f32]) -> f32 {
        (samples.iter().map(|x| x * x).sum::<f32>() / samples.len() as f32).sqrt()
    }

    #[test]
    fn a_mode_is_sixty_decibels_down_after_its_decay() {
        let tone = ring(&mut NoiseStream::new(Seed(1), "test", 0), 1.0, &[Mode(1000.0, 0.5, 1.0)]);
        let at = |start_s: f32| rms(&tone[(start_s * RATE) as usize..][..441]);
        // 60 dB in 0.5 s: 48 dB in 0.4 s.
        assert!((20.0 * (at(0.4) / at(0.0)).log10() + 48.0).abs() < 0.1);
    }

    #[test]
    fn filters_pass_their_band_and_hold_back_the_rest() {
        let tone = |hz: f32| over(0.5, |t| (TAU * hz * t).sin());
        let gain =
            |filter: Filter, hz: f32| rms(&filter.apply(&tone(hz), 1000.0, 0.707)[4410..]) / rms(&tone(hz)[4410..]);
        assert!((gain(Filter::LowPass, 50.0) - 1.0).abs() < 0.01 && gain(Filter::LowPass, 10_000.0) < 0.01);
        assert!((gain(Filter::HighPass, 15_000.0) - 1.0).abs() < 0.01 && gain(Filter::HighPass, 100.0) < 0.011);
        assert!((gain(Filter::BandPass, 1000.0) - 1.0).abs() < 0.01);
    }
}
