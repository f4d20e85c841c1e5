//! One file -> one example's samples: mono, onset at [`ONSET`], a fixed length, peak 1.

use super::DatasetConfig;
use super::window::stretches;
use crate::audio::{self, Clip};
use std::path::Path;

/// The sample at which every example's sound begins; what comes before is a faded pre-roll.
pub const ONSET: usize = 64;

/// A sound begins where it first reaches this share of its peak (-36 dB).
const ONSET_SHARE: f32 = 0.016;
/// Below this peak (-80 dBFS) a file counts as silent.
const SILENCE: f32 = 1e-4;
/// Seconds; less than that is no sound.
const SHORTEST_S: f64 = 0.010;

/// Why a file cannot become an example.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error("{0}")]
    Audio(#[from] crate::Error),
    #[error("holds no samples")]
    Empty,
    #[error("holds samples that are not finite numbers")]
    NotFinite,
    #[error("is silent: its peak is {0:.1} dBFS; need -80 dBFS or more")]
    Silent(f32),
    #[error("sounds for {0:.1} ms; need 10 ms or more")]
    TooShort(f64),
    #[error("lasts {0:.2} s; need {1:.2} s or more for a loop, its fade and its variations")]
    TooShortForWindows(f64, f64),
}

/// How an example's length came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Padded,
    Cut,
    /// One of many out of a recording.
    Window,
}

/// Decode a file and make it the samples of an example; of many examples where they are windows.
pub(super) fn prepare(path: &Path, config: &DatasetConfig) -> Result<Vec<(Vec<f32>, Fit)>, Unusable> {
    if config.windows {
        let stretches = stretches(recording(path, config)?, config)?;
        return Ok(stretches.into_iter().map(|samples| (samples, Fit::Window)).collect());
    }
    Ok(vec![hit(path, config)?])
}

/// All of a file, mono at the dataset's rate.
fn recording(path: &Path, config: &DatasetConfig) -> Result<Vec<f32>, Unusable> {
    let clip = audio::decode(path)?;
    let samples = to_mono(&clip)?;
    if clip.sample_rate() == config.sample_rate {
        return Ok(samples);
    }
    let clip = audio::resample(&Clip::mono(samples, clip.sample_rate())?, config.sample_rate)?;
    Ok(clip.into_channels().remove(0))
}

/// One sound that begins with its onset.
fn hit(path: &Path, config: &DatasetConfig) -> Result<(Vec<f32>, Fit), Unusable> {
    let clip = audio::decode(path)?;
    let rate = clip.sample_rate();
    let samples = to_mono(&clip)?;
    let sound = rough_cut(&samples, rate, config)?;
    let sound = if rate == config.sample_rate {
        sound.to_vec()
    } else {
        let clip = audio::resample(&Clip::mono(sound.to_vec(), rate)?, config.sample_rate)?;
        clip.channels()[0].clone()
    };
    place(&sound, config)
}

/// The mean of the channels; the loudest channel where they cancel.
fn to_mono(clip: &Clip) -> Result<Vec<f32>, Unusable> {
    let channels = clip.channels();
    if clip.num_frames() == 0 {
        return Err(Unusable::Empty);
    }
    let share = 1.0 / channels.len() as f32;
    let mut mean = vec![0.0; clip.num_frames()];
    for channel in channels {
        mean.iter_mut().zip(channel).for_each(|(m, x)| *m += share * x);
    }
    if !mean.iter().all(|x| x.is_finite()) {
        return Err(Unusable::NotFinite);
    }
    let energies: Vec<f64> = channels.iter().map(|c| energy(c)).collect();
    let kept = energy(&mean) * channels.len() as f64 / energies.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    // Unrelated channels keep 1/n of their energy, 1/8 for the widest files in use: below 1 % they cancel.
    let loudest = (0..channels.len()).rev().max_by(|&a, &b| energies[a].total_cmp(&energies[b]));
    Ok(if kept < 0.01 { channels[loudest.unwrap_or(0)].clone() } else { mean })
}

fn energy(samples: &[f32]) -> f64 {
    samples.iter().map(|&x| f64::from(x) * f64::from(x)).sum()
}

/// The largest magnitude; 0 of nothing.
pub(super) fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |peak, x| x.abs().max(peak))
}

fn onset(samples: &[f32]) -> usize {
    let threshold = ONSET_SHARE * peak(samples);
    samples.iter().position(|x| x.abs() >= threshold).unwrap_or(0)
}

/// The part that an example can use and a margin about it, at the file's own rate: an hour of sound is not resampled
/// for the sake of its first second.
fn rough_cut<'a>(samples: &'a [f32], rate: u32, config: &DatasetConfig) -> Result<&'a [f32], Unusable> {
    let peak = peak(samples);
    if peak < SILENCE {
        return Err(Unusable::Silent(20.0 * peak.max(1e-30).log10()));
    }
    let onset = onset(samples);
    let sounding_s = (samples.len() - onset) as f64 / f64::from(rate);
    if sounding_s < SHORTEST_S {
        return Err(Unusable::TooShort(1000.0 * sounding_s));
    }
    let scale = f64::from(rate) / f64::from(config.sample_rate);
    // Twice the pre-roll before and a quarter more behind: enough for the resampler's reach at any rate.
    let before = (2.0 * ONSET as f64 * scale) as usize + 256;
    let behind = (1.25 * config.num_samples as f64 * scale) as usize + 256;
    Ok(&samples[onset.saturating_sub(before)..samples.len().min(onset + behind)])
}

/// Onset to [`ONSET`], length to `num_samples`, soft edges, peak 1.
fn place(sound: &[f32], config: &DatasetConfig) -> Result<(Vec<f32>, Fit), Unusable> {
    let onset = onset(sound);
    let lead = onset.min(ONSET);
    let start = ONSET - lead;
    let sound = &sound[onset - lead..];
    let length = sound.len().min(config.num_samples - start);
    let mut samples = vec![0.0; config.num_samples];
    samples[start..start + length].copy_from_slice(&sound[..length]);
    fade(samples[..ONSET].iter_mut());
    let fit = if sound.len() > length { Fit::Cut } else { Fit::Padded };
    // A cut sound fades for a sixteenth (46 ms of 0.74 s); a whole one just enough not to click at its own end.
    let tail = if fit == Fit::Cut { config.num_samples / 16 } else { ONSET.min(length / 4) };
    fade(samples[start + length - tail..start + length].iter_mut().rev());
    if !normalise(&mut samples) {
        return Err(Unusable::Silent(20.0 * peak(&samples).max(1e-30).log10()));
    }
    Ok((samples, fit))
}

/// Multiply by half a raised cosine, from 0 up.
fn fade<'a>(samples: impl ExactSizeIterator<Item = &'a mut f32>) {
    let step = std::f32::consts::PI / samples.len().max(1) as f32;
    samples.enumerate().for_each(|(i, x)| *x *= 0.5 - 0.5 * (step * i as f32).cos());
}

/// Scale to peak 1; `false`, and nothing done, where there is no finite sound to scale.
pub(super) fn normalise(samples: &mut [f32]) -> bool {
    // Not by `peak`: its `max` would step over a NaN.
    if !samples.iter().all(|x| x.is_finite()) {
        return false;
    }
    let peak = peak(samples);
    if peak < 1e-6 {
        return false;
    }
    samples.iter_mut().for_each(|x| *x /= peak);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(num_samples: usize) -> DatasetConfig {
        DatasetConfig { num_samples, ..DatasetConfig::default() }
    }

    #[test]
    fn channels_that_cancel_give_the_left_one_and_others_their_mean() {
        let left = vec![0.5, -0.25, 0.125];
        let right: Vec<f32> = left.iter().map(|x| -x).collect();
        let mono = |channels| to_mono(&Clip::new(channels, 44_100).unwrap()).unwrap();
        assert_eq!(mono(vec![left.clone(), right]), left);
        assert_eq!(mono(vec![left.clone(), vec![0.0; 3]]), [0.25, -0.125, 0.0625]);
    }

    #[test]
    fn a_spike_lands_on_the_onset_whatever_silence_precedes_it() {
        for silence in [0, 10, 64, 5000] {
            let mut sound = vec![0.0; silence + 1000];
            sound[silence] = -0.3;
            let (samples, fit) = place(&sound, &config(2048)).unwrap();
            assert_eq!((samples[ONSET], samples.len(), fit), (-1.0, 2048, Fit::Padded));
            assert_eq!(samples.iter().filter(|x| **x != 0.0).count(), 1);
        }
    }

    #[test]
    fn a_long_sound_is_cut_with_a_fade_and_a_short_one_padded() {
        let (cut, fit) = place(&[0.5; 5000], &config(2048)).unwrap();
        assert_eq!((fit, cut.len()), (Fit::Cut, 2048));
        assert!(cut[2047] < 1e-3 && cut[2048 - 128] > 0.99 && cut[1000] == 1.0);
        assert!(cut.windows(2).skip(ONSET).all(|w| w[1] <= w[0]));
        let (padded, fit) = place(&[0.5; 500], &config(2048)).unwrap();
        assert_eq!(fit, Fit::Padded);
        assert!(padded[ONSET + 500..].iter().all(|x| *x == 0.0) && padded[300] == 1.0);
    }

    #[test]
    fn silence_and_snippets_are_refused_with_their_measure() {
        let refuse = |samples: &[f32]| rough_cut(samples, 44_100, &config(2048)).unwrap_err().to_string();
        assert_eq!(refuse(&[0.00005; 4410]), "is silent: its peak is -86.0 dBFS; need -80 dBFS or more");
        assert_eq!(refuse(&[0.5; 220]), "sounds for 5.0 ms; need 10 ms or more");
        let mut late = vec![0.0; 44_100];
        late[44_000] = 1.0;
        assert!(refuse(&late).starts_with("sounds for 2.3 ms"));
    }
}
