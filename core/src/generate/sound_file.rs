//! [`SoundFile`]: a sound that an edit starts from, named by path and content.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::audio::{self, Clip, edit};
use crate::error::{AudioError, GenerateError, Result};

/// A sound begins where it first reaches this level relative to its peak, as in training.
const ONSET_DB: f64 = -36.0;
/// Samples before the onset that are kept, as in training.
const PRE_ROLL: usize = 64;
/// A cut sound fades over this share of the model's length, as in training.
const CUT_FADE_SHARE: usize = 16;

/// A file of any format that [`audio::decode`] reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoundFile {
    /// Where it is, as given: relative paths count from where the program runs.
    pub path: PathBuf,
    /// SHA-256 of its bytes, hex: always in a recipe. A request without one takes what the file holds.
    #[serde(default)]
    pub sha256: Option<String>,
}

impl SoundFile {
    /// Whatever the file at `path` holds.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), sha256: None }
    }

    /// With the hash of what the file holds.
    ///
    /// # Errors
    /// It cannot be read, or holds something else than it did; a path that a recipe cannot keep.
    pub(super) fn pinned(&self) -> Result<Self> {
        self.bytes().map(|(pinned, _)| pinned)
    }

    /// The hash of what the file holds, and that.
    ///
    /// # Errors
    /// As [`SoundFile::pinned`].
    pub(super) fn read(&self) -> Result<(String, Vec<u8>)> {
        self.bytes().map(|(pinned, bytes)| (pinned.sha256.unwrap_or_default(), bytes))
    }

    /// What the file holds, as the mean of its channels at this rate; the file's own samples where it is mono and of this
    /// rate.
    ///
    /// # Errors
    /// No sound that can be read.
    pub(super) fn decoded(&self, bytes: Vec<u8>, sample_rate: u32) -> Result<Vec<f32>> {
        let clip = audio::decode_bytes(&self.path.display().to_string(), bytes)?;
        Ok(audio::resample(&clip.to_mono(), sample_rate)?.into_channels().remove(0))
    }

    /// The file's `samples` as a training example: their onset after 64 samples, cut with a fade or continued in silence
    /// to `num_samples`, peak 1.
    ///
    /// # Errors
    /// A silent file.
    pub(super) fn example(&self, samples: &[f32], sample_rate: u32, num_samples: usize) -> Result<Vec<f32>> {
        let start = onset(samples, sample_rate)?;
        let mut placed = Clip::mono(window(samples, start, num_samples), sample_rate)?;
        let ms = |num_samples: usize| 1e3 * num_samples as f64 / f64::from(sample_rate);
        edit::fade_in(&mut placed, ms(PRE_ROLL));
        if samples.len() as isize - start > num_samples as isize {
            edit::fade_out(&mut placed, ms(num_samples / CUT_FADE_SHARE));
        }
        self.at_full_level(placed)
    }

    /// The file's `samples` as a loop of `num_samples`, peak 1, from their first on. What is longer is cut, and what would
    /// have gone on after the cut fades into the start, so that the end leads there; what is shorter fades in and out, and
    /// silence follows; a file of this very length is taken for a loop.
    ///
    /// # Errors
    /// A silent file.
    pub(super) fn ring(&self, samples: &[f32], sample_rate: u32, num_samples: usize) -> Result<Vec<f32>> {
        let mut placed = window(samples, 0, num_samples);
        let fade = samples.len().saturating_sub(num_samples).min(num_samples / CUT_FADE_SHARE);
        for (i, (sample, after)) in placed.iter_mut().zip(samples.iter().skip(num_samples)).take(fade).enumerate() {
            let rise = edit::raised_cosine(i, fade);
            *sample = rise * *sample + (1.0 - rise) * after;
        }
        let mut placed = Clip::mono(placed, sample_rate)?;
        if samples.len() < num_samples {
            let mut sounding = edit::slice(&placed, 0..samples.len());
            let ms = 1e3 * PRE_ROLL as f64 / f64::from(sample_rate);
            edit::fade_in(&mut sounding, ms);
            edit::fade_out(&mut sounding, ms);
            placed = edit::fit_length(&sounding, num_samples);
        }
        self.at_full_level(placed)
    }

    fn at_full_level(&self, mut clip: Clip) -> Result<Vec<f32>> {
        match edit::normalize_peak(&mut clip, 0.0) {
            Some(_) => Ok(clip.into_channels().remove(0)),
            None => Err(GenerateError::SilentFile { path: self.path.clone() }.into()),
        }
    }

    fn bytes(&self) -> Result<(Self, Vec<u8>)> {
        if self.path.to_str().is_none() {
            return Err(GenerateError::PathNotText { path: self.path.clone() }.into());
        }
        let unread = |source| AudioError::Io { path: self.path.clone(), action: "read", source };
        let bytes = std::fs::read(&self.path).map_err(unread)?;
        let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        match &self.sha256 {
            Some(need) if *need != found => {
                let short = |hash: &str| hash.get(..12).unwrap_or(hash).to_owned();
                let (found, need) = (short(&found), short(need));
                Err(GenerateError::OtherSound { path: self.path.clone(), found, need }.into())
            }
            _ => Ok((Self { sha256: Some(found), ..self.clone() }, bytes)),
        }
    }
}

/// Where a window on these samples begins that holds them as training examples are held: [`PRE_ROLL`] before the onset.
///
/// # Errors
/// Samples that are not finite.
pub(super) fn onset(samples: &[f32], sample_rate: u32) -> Result<isize> {
    let clip = Clip::mono(samples.to_vec(), sample_rate)?;
    Ok(edit::onset_frame(&clip, ONSET_DB).unwrap_or(0) as isize - PRE_ROLL as isize)
}

/// `len` samples from `start` on; silence where there are none.
pub(super) fn window(samples: &[f32], start: isize, len: usize) -> Vec<f32> {
    let at = |i: isize| usize::try_from(i).ok().and_then(|i| samples.get(i)).copied().unwrap_or(0.0);
    (start..start + len as isize).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{WavFormat, WavInfo, wav_bytes};
    use crate::generate::sounds::Sounds;

    fn example(file: &SoundFile, num_samples: usize) -> Result<Vec<f32>> {
        file.example(&Sounds::new(16_000).samples(file)?, 16_000, num_samples)
    }

    fn file(folder: &tempfile::TempDir, samples: Vec<f32>, sample_rate: u32) -> SoundFile {
        let clip = Clip::mono(samples, sample_rate).unwrap();
        let path = folder.path().join("a.wav");
        std::fs::write(&path, wav_bytes(&clip, WavFormat::Wav32f, &WavInfo::default()).unwrap()).unwrap();
        SoundFile::new(path)
    }

    /// Silence, then a spike of this size that rings down.
    fn hit(silence: usize, size: f32) -> Vec<f32> {
        let ring = (0..2000).map(|i| size * (-0.01 * i as f32).exp() * (0.3 * i as f32).cos());
        std::iter::repeat_n(0.0, silence).chain(ring).collect()
    }

    #[test]
    fn an_example_begins_64_samples_before_its_onset_at_peak_1_whatever_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let late = example(&file(&folder, hit(500, 0.25), 16_000), 4096).unwrap();
        assert_eq!((late.len(), late[63], late[64]), (4096, 0.0, 1.0));
        let early = example(&file(&folder, hit(3, 0.5), 16_000), 1024).unwrap();
        assert_eq!((early.len(), early[63], early[64]), (1024, 0.0, 1.0));
    }

    #[test]
    fn a_file_is_pinned_by_its_content_and_another_content_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let pinned = file(&folder, hit(0, 0.5), 16_000).pinned().unwrap();
        assert_eq!(pinned.sha256.as_ref().unwrap().len(), 64);
        assert_eq!(pinned.pinned().unwrap(), pinned);
        file(&folder, hit(1, 0.5), 16_000);
        let message = pinned.pinned().unwrap_err().to_string();
        assert!(message.contains("a.wav") && message.contains("need the file"), "{message}");
        std::fs::remove_file(&pinned.path).unwrap();
        assert!(Sounds::new(16_000).samples(&pinned).unwrap_err().to_string().contains("a.wav: cannot read"));
    }

    #[test]
    fn a_ring_of_a_longer_sound_leads_from_its_end_to_its_start() {
        let file = SoundFile::new("a.wav");
        // A slow sine over 1,600 samples, of which a ring keeps 1,000: cut as it is, it would step by 1.3.
        let sine: Vec<f32> = (0..1600).map(|i| (i as f32 * 0.0045).sin()).collect();
        let ring = file.ring(&sine, 16_000, 1000).unwrap();
        let steps: Vec<f32> = (0..1000).map(|i| (ring[i] - ring[(i + 999) % 1000]).abs()).collect();
        // Within the fade of 62 samples it must come down from -1; the wrap itself is as smooth as the sine.
        assert!(steps[0] < 0.01 && steps.iter().all(|&step| step < 0.06), "{:?}", &steps[..3]);
        let exact = file.ring(&sine[..1000], 16_000, 1000).unwrap();
        assert!(exact.iter().zip(&sine).all(|(a, b)| (a - b).abs() < 1e-4), "a loop stays as it is");
        let short = file.ring(&hit(0, 0.5)[..500], 16_000, 1000).unwrap();
        assert_eq!((short[0], short[499], short[500], short[999]), (0.0, 0.0, 0.0, 0.0));
    }

    #[test]
    fn a_silent_file_is_no_example() {
        let folder = tempfile::tempdir().unwrap();
        let message = example(&file(&folder, vec![0.0; 500], 16_000), 1024).unwrap_err().to_string();
        assert!(message.contains("a.wav") && message.contains("silent"), "{message}");
    }
}
