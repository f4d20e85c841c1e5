//! [`resample_periodic`]: a loop of another length, and still a loop.

use realfft::RealFftPlanner;
use realfft::num_complex::Complex64;

use super::clip::{Clip, MAX_SAMPLES};
use crate::error::{AudioError, Result};

/// Most frames on either side: a minute at 384 kHz, whose transforms take 0.6 GB.
const MAX_FRAMES: usize = 60 * 384_000;

/// The clip as one period of an endless sound, in `num_frames` frames of `sample_rate`: exactly one period of the same
/// sound, so that it repeats as seamlessly as before.
///
/// By the discrete Fourier transform of the whole period, which is the ideal band-limited interpolation of a periodic
/// sound: harmonics of the loop stay, those above the new Nyquist frequency go. The pitch changes where `num_frames` is
/// not the clip's duration at the new rate. Computed in `f64`; the clip's own length is an exact copy. Cost:
/// `n log n` of the longer of both.
///
/// # Errors
/// A rate out of range, or more than 60 s at 384 kHz on either side.
pub fn resample_periodic(clip: &Clip, num_frames: usize, sample_rate: u32) -> Result<Clip> {
    let longest = clip.num_frames().max(num_frames);
    if longest > MAX_FRAMES || longest.saturating_mul(clip.num_channels()) > MAX_SAMPLES {
        let object = format!("a loop of {longest} frames");
        return Err(AudioError::TooLong { object, max: MAX_FRAMES }.into());
    }
    if clip.num_frames() == num_frames || clip.num_frames() == 0 || num_frames == 0 {
        let channel = |channel: &Vec<f32>| channel[..num_frames.min(channel.len())].to_vec();
        return Clip::new(clip.channels().iter().map(channel).collect(), sample_rate);
    }
    let (from_hz, to_hz) = (clip.sample_rate(), sample_rate);
    let failed = |e: realfft::FftError| AudioError::Resample { from_hz, to_hz, detail: e.to_string() };
    let channels = clip.channels().iter().map(|channel| period(channel, num_frames).map_err(failed));
    Clip::new(channels.collect::<Result<_, _>>()?, sample_rate)
}

fn period(samples: &[f32], num_frames: usize) -> Result<Vec<f32>, realfft::FftError> {
    let mut planner = RealFftPlanner::<f64>::new();
    let (forward, inverse) = (planner.plan_fft_forward(samples.len()), planner.plan_fft_inverse(num_frames));
    let mut signal: Vec<f64> = samples.iter().map(|&x| f64::from(x)).collect();
    let mut spectrum = forward.make_output_vec();
    forward.process(&mut signal, &mut spectrum)?;
    let shorter = samples.len().min(num_frames);
    // Half of the shorter one's rate: a cosine there stands for both of its mirror images, and which of them it was is
    // not known. It goes, so that the interpolation is linear and real.
    spectrum.truncate(shorter.div_ceil(2));
    spectrum.resize(num_frames / 2 + 1, Complex64::ZERO);
    let mut out = inverse.make_output_vec();
    inverse.process(&mut spectrum, &mut out)?;
    let scale = 1.0 / samples.len() as f64;
    Ok(out.into_iter().map(|x| (x * scale) as f32).collect())
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    /// This many periods of a sine in `frames` frames.
    fn wave(periods: f64, frames: usize) -> Vec<f32> {
        (0..frames).map(|i| (TAU * periods * (i as f64 + 0.25) / frames as f64).sin() as f32).collect()
    }

    fn resampled(samples: Vec<f32>, num_frames: usize) -> Vec<f32> {
        let clip = Clip::mono(samples, 44_100).unwrap();
        resample_periodic(&clip, num_frames, 48_000).unwrap().into_channels().remove(0)
    }

    #[test]
    fn a_harmonic_of_the_loop_is_the_same_harmonic_at_any_length_up_to_the_last_sample() {
        for (from, to) in [(1000, 1088), (1088, 1000), (1000, 999), (4410, 4800), (7, 9), (997, 1009)] {
            for periods in [0.0, 1.0, 3.0] {
                // A quarter of a sample of each length, so that both lengths mean the same instants.
                let phase = |frames: usize| {
                    let at = |i: usize| (TAU * periods * i as f64 / frames as f64 + 0.3).sin() as f32;
                    (0..frames).map(at).collect::<Vec<f32>>()
                };
                let found = resampled(phase(from), to);
                let error = found.iter().zip(phase(to)).fold(0.0f32, |e, (a, b)| e.max((a - b).abs()));
                // One rounding to f32 on the way in and one on the way out.
                assert!(found.len() == to && error < 2e-7, "{periods} periods, {from} -> {to}: {error:e}");
            }
        }
    }

    #[test]
    fn it_does_not_matter_where_the_period_begins() {
        let mut turned = wave(5.0, 600);
        turned.iter_mut().enumerate().for_each(|(i, x)| *x += 0.3 * (i % 7) as f32);
        let plain = resampled(turned.clone(), 500);
        turned.rotate_left(120);
        let mut found = resampled(turned, 500);
        found.rotate_right(100);
        assert!(found.iter().zip(&plain).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn what_the_new_rate_cannot_hold_is_removed() {
        let found = resampled(wave(450.0, 1000), 800);
        assert!(found.iter().all(|x| x.abs() < 1e-6));
    }

    #[test]
    fn its_own_length_is_a_copy_and_nothing_stays_nothing() {
        assert_eq!(resampled(wave(3.0, 50), 50), wave(3.0, 50));
        assert!(resampled(Vec::new(), 0).is_empty());
        let clip = Clip::mono(vec![0.0; 10], 44_100).unwrap();
        assert!(resample_periodic(&clip, 30_000_000, 44_100).is_err());
    }
}
