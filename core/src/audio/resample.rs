//! [`resample`]: a clip at another sample rate.

use rubato::audioadapter::Adapter;
use rubato::audioadapter_buffers::direct::SequentialSliceOfVecs;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};

use super::clip::{Clip, MAX_SAMPLE_RATE, MAX_SAMPLES};
use crate::error::{AudioError, Result};

/// Frames of one FFT block, at the lower rate: the passband then reaches to within 1 % of the lower Nyquist frequency.
const BLOCK_FRAMES: usize = 2048;

/// Frames of one FFT block at the higher rate, at most (unless the two rates have hardly a common divisor).
const MAX_BLOCK_FRAMES: usize = 1 << 20;

/// The clip at `to_hz`: linear phase, band-limited, delay compensated (a spike stays where it was in time).
///
/// The result has `round(num_frames * to_hz / sample_rate)` frames. At the clip's own rate it is an exact copy. The
/// filter works in `f64`, so that processors with other vector units agree in almost every `f32`. Energy above the
/// lower of the two Nyquist frequencies is removed; an isolated peak may overshoot (ring) by a few percent.
///
/// # Errors
/// `to_hz` outside `1..=`[`MAX_SAMPLE_RATE`], or a result of more than [`MAX_SAMPLES`] samples.
pub fn resample(clip: &Clip, to_hz: u32) -> Result<Clip> {
    if to_hz == 0 || to_hz > MAX_SAMPLE_RATE {
        return Err(AudioError::SampleRate(to_hz).into());
    }
    let from_hz = clip.sample_rate();
    let out_frames = resampled_len(clip.num_frames(), from_hz, to_hz);
    if out_frames.saturating_mul(clip.num_channels()) > MAX_SAMPLES {
        let object = format!("{:.1} s at {to_hz} Hz", clip.duration_s());
        return Err(AudioError::TooLong { object, max: MAX_SAMPLES }.into());
    }
    if from_hz == to_hz || clip.num_frames() == 0 {
        return Clip::new(clip.channels().to_vec(), to_hz);
    }
    // One channel at a time: the f64 copies of a many-channel clip never lie in memory together.
    let convert = |channel: &Vec<f32>| resample_channel(channel, from_hz, to_hz, out_frames);
    let channels = clip.channels().iter().map(convert).collect::<Result<_, _>>();
    Clip::new(channels.map_err(|detail| AudioError::Resample { from_hz, to_hz, detail })?, to_hz)
}

/// `round(frames * to_hz / from_hz)`, exactly.
pub fn resampled_len(frames: usize, from_hz: u32, to_hz: u32) -> usize {
    let (from, to) = (u128::from(from_hz), u128::from(to_hz));
    let rounded = (frames as u128 * to + from / 2) / from;
    usize::try_from(rounded).unwrap_or(usize::MAX)
}

/// Frames of one FFT block at the rate `from`: a thousandfold change of rate must not take gigabytes.
fn block_frames(from: usize, to: usize) -> usize {
    let ratio = from.max(to).div_ceil(from.min(to));
    let at_lower = BLOCK_FRAMES.min(MAX_BLOCK_FRAMES / ratio).max(1);
    if from < to { at_lower } else { at_lower * from / to }
}

fn resample_channel(samples: &[f32], from_hz: u32, to_hz: u32, out_frames: usize) -> Result<Vec<f32>, String> {
    let (from, to) = (from_hz as usize, to_hz as usize);
    let window = WindowFunction::BlackmanHarris2;
    let mut resampler = Fft::<f64>::new_custom(from, to, block_frames(from, to), 1, 1, window, FixedSync::Both)
        .map_err(|e| e.to_string())?;
    let input = [samples.iter().map(|&sample| f64::from(sample)).collect::<Vec<f64>>()];
    let input = SequentialSliceOfVecs::new(&input, 1, samples.len()).map_err(|e| e.to_string())?;
    let output = resampler.process_all(&input, samples.len(), None).map_err(|e| e.to_string())?;
    // The resampler rounds the length up; a frame beyond its end (never, in practice) would be silence.
    Ok((0..out_frames).map(|frame| output.read_sample(0, frame).unwrap_or(0.0) as f32).collect())
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn sine(hz: f64, sample_rate: u32, frames: usize) -> Clip {
        let step = TAU * hz / f64::from(sample_rate);
        Clip::mono((0..frames).map(|i| (i as f64 * step).sin() as f32).collect(), sample_rate).unwrap()
    }

    fn rms(samples: &[f32]) -> f64 {
        (samples.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / samples.len() as f64).sqrt()
    }

    #[test]
    fn a_spike_stays_where_it_was_in_time() {
        for (from, to) in [(44_100, 48_000), (48_000, 44_100), (44_100, 11_025), (8_000, 44_100), (192_000, 44_100)] {
            for at in [0, 1, 1000, 19_999] {
                let mut samples = vec![0.0; 20_000];
                samples[at] = 1.0;
                let out = resample(&Clip::mono(samples, from).unwrap(), to).unwrap();
                let loudest = |a: &(usize, &f32), b: &(usize, &f32)| a.1.total_cmp(b.1);
                let (found, _) = out.channels()[0].iter().enumerate().max_by(loudest).unwrap();
                let expected = at as f64 * f64::from(to) / f64::from(from);
                assert!((found as f64 - expected).abs() <= 1.0, "{from} -> {to}: {expected} became {found}");
            }
        }
    }

    #[test]
    fn the_length_is_rounded_to_the_nearest_frame() {
        for (frames, from, to, expected) in
            [(1000, 44_100, 48_000, 1088), (3, 48_000, 44_100, 3), (1, 44_100, 8_000, 0)]
        {
            let out = resample(&Clip::mono(vec![0.5; frames], from).unwrap(), to).unwrap();
            assert_eq!((out.num_frames(), out.sample_rate()), (expected, to));
        }
    }

    #[test]
    fn a_sine_keeps_its_level_and_its_phase() {
        for (from, to) in [(44_100, 48_000), (48_000, 44_100), (96_000, 22_050)] {
            for hz in [100.0, 1000.0, 9900.0] {
                let out = resample(&sine(hz, from, from as usize), to).unwrap();
                let ideal = sine(hz, to, to as usize);
                let middle = to as usize / 4..to as usize * 3 / 4;
                let error: Vec<f32> = middle.map(|i| out.channels()[0][i] - ideal.channels()[0][i]).collect();
                // 24-bit accuracy: the error of rounding to f32 is -150 dB, the filter's ripple lies below -100 dB.
                assert!(rms(&error) < 1e-5, "{from} -> {to} at {hz} Hz: {:e}", rms(&error));
            }
        }
    }

    #[test]
    fn what_the_new_rate_cannot_hold_is_removed_not_folded() {
        for hz in [12_000.0, 15_000.0, 21_000.0] {
            let out = resample(&sine(hz, 44_100, 44_100), 22_050).unwrap();
            let level = rms(&out.channels()[0][4000..18_000]);
            assert!(level < 1e-5, "{hz} Hz leaves {level:e}");
        }
    }

    #[test]
    fn its_own_rate_is_an_exact_copy() {
        let clip = sine(997.0, 44_100, 1234);
        assert_eq!(resample(&clip, 44_100).unwrap(), clip);
    }

    #[test]
    fn channels_are_resampled_apart() {
        let clip =
            Clip::new(vec![sine(440.0, 44_100, 5000).into_channels().remove(0), vec![0.0; 5000]], 44_100).unwrap();
        let out = resample(&clip, 32_000).unwrap();
        assert!(out.channels()[1].iter().all(|&sample| sample == 0.0));
        assert!(rms(&out.channels()[0]) > 0.7);
    }

    #[test]
    fn absurd_rates_are_refused_or_done_without_gigabytes() {
        assert!(resample(&sine(1.0, 44_100, 10), 0).is_err());
        assert!(resample(&sine(1.0, 44_100, 10), 768_001).is_err());
        assert!(resample(&Clip::mono(vec![0.0; 1000], 1).unwrap(), 768_000).is_err());
        assert_eq!(resample(&Clip::mono(vec![0.5; 10], 1).unwrap(), 48_000).unwrap().num_frames(), 480_000);
        assert_eq!(resample(&Clip::mono(vec![0.5; 44_101], 44_101).unwrap(), 44_100).unwrap().num_frames(), 44_100);
    }
}
