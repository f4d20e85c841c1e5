//! The pitch of a note, by its period.

use realfft::RealFftPlanner;

/// Lowest frequency that is looked for, in Hz: below the piano's lowest key, 27.5 Hz.
const LOWEST_HZ: f64 = 25.0;
/// A dip of the normalised difference below this is a period (step 4 of the paper).
const THRESHOLD: f64 = 0.15;
/// No period at all where the least difference is above this.
const APERIODIC: f64 = 0.4;
/// Frames this far below the loudest tell nothing, dB.
const QUIET_DB: f64 = 30.0;
/// Frames within this of the median keep to its pitch, in semitones.
const HELD_SEMITONES: f64 = 0.25;

/// The MIDI note (fractional) of a sound, or `None` where it has no period: the energy-weighted median of its frames.
///
/// YIN (de Cheveigné & Kawahara 2002): the first lag at which a frame differs little from itself, between samples by a
/// parabola. Frames of two of the longest periods, every half. What sounds an octave away is told as that octave. About 20
/// ms for a second of sound.
pub fn pitch(samples: &[f32], sample_rate: u32) -> Option<f64> {
    Some(held_pitch(samples, sample_rate)?.note)
}

/// What a sound's frames say of its pitch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeldPitch {
    /// As [`pitch`] tells it.
    pub note: f64,
    /// The share (0 to 1) of the audible frames' energy that lies within a quarter of a semitone of it.
    pub held: f64,
}

/// As [`pitch`], and how much of the sound keeps to it.
pub fn held_pitch(samples: &[f32], sample_rate: u32) -> Option<HeldPitch> {
    let most_lag = (f64::from(sample_rate) / LOWEST_HZ) as usize;
    let frames = samples.windows(2 * most_lag).step_by(most_lag / 2);
    let power = |frame: &[f32]| frame.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
    let loudest = frames.clone().map(power).fold(0.0, f64::max);
    let audible = frames.filter(|frame| power(frame) > 10f64.powf(-QUIET_DB / 10.0) * loudest);
    let mut yin = Yin::new(most_lag);
    let told: Vec<(Option<f64>, f64)> = audible.map(|frame| (yin.period(frame), power(frame))).collect();
    let period = weighted_median(told.iter().filter_map(|(period, power)| Some(((*period)?, *power))).collect())?;
    let is_held = |other: f64| 12.0 * (other / period).log2().abs() <= HELD_SEMITONES;
    let held: f64 = told.iter().filter(|(other, _)| other.is_some_and(is_held)).map(|(_, power)| power).sum();
    let all: f64 = told.iter().map(|(_, power)| power).sum();
    let note = 69.0 + 12.0 * (f64::from(sample_rate) / period / 440.0).log2();
    Some(HeldPitch { note, held: held / all })
}

/// Differences of a frame from itself, by FFT.
struct Yin {
    most_lag: usize,
    size: usize,
    planner: RealFftPlanner<f64>,
}

impl Yin {
    fn new(most_lag: usize) -> Self {
        Self { most_lag, size: (3 * most_lag).next_power_of_two(), planner: RealFftPlanner::new() }
    }

    /// The period in samples.
    fn period(&mut self, frame: &[f32]) -> Option<f64> {
        let normalised = normalised(&self.differences(frame));
        let dip = (2..normalised.len() - 1).find(|&lag| {
            let [before, here, after] = [lag - 1, lag, lag + 1].map(|lag| normalised[lag]);
            here < THRESHOLD && here <= before && here < after
        });
        let least = || (2..normalised.len() - 1).min_by(|&a, &b| normalised[a].total_cmp(&normalised[b]));
        let lag = dip.or_else(|| least().filter(|&lag| normalised[lag] < APERIODIC))?;
        let [before, here, after] = [lag - 1, lag, lag + 1].map(|lag| normalised[lag]);
        let curvature = before - 2.0 * here + after;
        let shift = if curvature > 0.0 { 0.5 * (before - after) / curvature } else { 0.0 };
        Some(lag as f64 + shift.clamp(-1.0, 1.0))
    }

    /// For every lag the sum over the frame's first half of the squared differences (equation 6).
    fn differences(&mut self, frame: &[f32]) -> Vec<f64> {
        let half = self.most_lag;
        let x: Vec<f64> = frame.iter().map(|&x| f64::from(x)).collect();
        let products = self.products(&x[..half], &x);
        let mut energy: f64 = x[..half].iter().map(|x| x * x).sum();
        let own = energy;
        let difference = |lag: usize| {
            if lag > 0 {
                energy += x[lag + half - 1].powi(2) - x[lag - 1].powi(2);
            }
            (own + energy - 2.0 * products[lag]).max(0.0)
        };
        (0..half).map(difference).collect()
    }

    /// For every lag the sum of `a[i] * b[i + lag]`.
    fn products(&mut self, a: &[f64], b: &[f64]) -> Vec<f64> {
        let (forward, inverse) = (self.planner.plan_fft_forward(self.size), self.planner.plan_fft_inverse(self.size));
        let spectrum = |x: &[f64]| {
            let (mut input, mut output) = (forward.make_input_vec(), forward.make_output_vec());
            input[..x.len()].copy_from_slice(x);
            forward.process(&mut input, &mut output).expect("the buffers come from the plan");
            output
        };
        let (a, b) = (spectrum(a), spectrum(b));
        let mut product: Vec<_> = a.iter().zip(&b).map(|(a, b)| a.conj() * b).collect();
        let mut output = inverse.make_output_vec();
        inverse.process(&mut product, &mut output).expect("the buffers come from the plan");
        output.iter().map(|sum| sum / self.size as f64).collect()
    }
}

/// By the mean of the differences at all smaller lags (equation 8); 1 at lag 0.
fn normalised(differences: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    let relative = |(lag, &difference): (usize, &f64)| {
        sum += difference;
        if lag == 0 || sum <= 0.0 { 1.0 } else { difference * lag as f64 / sum }
    };
    differences.iter().enumerate().map(relative).collect()
}

/// Of (value, weight) pairs.
fn weighted_median(mut pairs: Vec<(f64, f64)>) -> Option<f64> {
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = 0.5 * pairs.iter().map(|pair| pair.1).sum::<f64>();
    let mut sum = 0.0;
    let middle = pairs.iter().find(|pair| {
        sum += pair.1;
        sum >= half
    });
    middle.map(|pair| pair.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::{NoiseStream, Seed};

    const RATE: u32 = 44_100;

    /// A decaying note of twelve partials, each weaker than the last.
    fn note(midi: f64) -> Vec<f32> {
        let hz = 440.0 * ((midi - 69.0) / 12.0).exp2();
        let at = |i: usize| {
            let t = i as f64 / f64::from(RATE);
            let partials = (1..=12).map(f64::from).filter(|k| k * hz < 20_000.0);
            let sum: f64 = partials.map(|k| (std::f64::consts::TAU * k * hz * t + k).sin() / k).sum();
            (sum * (-1.5 * t).exp()) as f32
        };
        (0..44_100).map(at).collect()
    }

    #[test]
    fn notes_of_the_whole_keyboard_are_told_within_cents() {
        for midi in [21.0, 28.3, 40.0, 52.7, 60.0, 69.0, 80.5, 96.0, 108.0] {
            let found = pitch(&note(midi), RATE).unwrap();
            let cents = 100.0 * (found - midi);
            assert!(cents.abs() < if midi < 97.0 { 5.0 } else { 15.0 }, "{midi}: {cents} cents off");
        }
    }

    #[test]
    fn a_note_that_breaks_off_is_held_in_part() {
        let held = |samples: &[f32]| held_pitch(samples, RATE).unwrap();
        assert!(held(&note(57.0)).held > 0.99);
        // The first half holds three quarters of the energy: exp(-3 t).
        let mut broken = note(57.0);
        broken[22_050..].copy_from_slice(&note(61.0)[22_050..]);
        let told = held(&broken);
        assert!((told.note - 57.0).abs() < 0.05 && (0.7..0.95).contains(&told.held), "{told:?}");
    }

    #[test]
    fn noise_silence_and_what_is_too_short_have_no_pitch() {
        let mut noise = NoiseStream::new(Seed(1), "pitch", 0);
        let hiss: Vec<f32> = (0..44_100).map(|_| noise.normal()).collect();
        for samples in [hiss, vec![0.0; 44_100], note(60.0)[..1000].to_vec(), vec![]] {
            assert_eq!(pitch(&samples, RATE), None, "{} samples", samples.len());
        }
    }

    #[test]
    fn noise_after_a_note_does_not_change_its_pitch() {
        let mut noise = NoiseStream::new(Seed(1), "pitch", 0);
        let mut samples = note(57.0);
        samples.extend((0..20_000).map(|_| 0.01 * noise.normal()));
        assert!((pitch(&samples, RATE).unwrap() - 57.0).abs() < 0.05);
    }
}
