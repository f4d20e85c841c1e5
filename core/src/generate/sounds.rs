//! [`Sounds`]: the files that edits start from, each decoded once, and the noise that was found of them.

use std::sync::{Arc, Mutex, PoisonError};

use super::condition::{away_from, own_condition};
use super::looping::Loop;
use super::recipe::Recipe;
use super::sound_file::SoundFile;
use crate::conditioning::Blend;
use crate::error::Result;
use crate::model::{Card, Model};

/// Files that are kept, the latest.
const MAX_FILES: usize = 4;
/// Longer files are decoded each time, in samples: 47 s at 44.1 kHz, 8 MB.
const MAX_SAMPLES: usize = 1 << 21;
/// Longer noises are found each time, in values: those of a loop of eight clips are kept, 2 MB.
const MAX_NOISE: usize = 1 << 19;
/// Noises that are kept: two files in two stages for each of sixteen classes, some 16 MB.
const MAX_NOISES: usize = 64;

/// A model, and the sounds that its recipes name: what a clip is made with.
#[derive(Clone, Copy)]
pub(super) struct Workshop<'a> {
    pub model: &'a Model,
    pub sounds: &'a Sounds,
    /// How far the noise is turned from the recipe's, as a share of a right angle: 0 but for a sound's side.
    pub turn: f64,
    /// Which take: each has noise of its own in the fine stage. 0 but for a note that was out of tune.
    pub take: u64,
}

/// What a session remembers of the files that edits start from, since one file often serves many clips.
///
/// By content, not by name: a file that has changed is another one. Nothing waits for another thread's work; two that
/// want the same at the same time both make it, and make the same.
pub(super) struct Sounds {
    sample_rate: u32,
    decoded: Kept<String>,
    noises: Kept<Inversion>,
}

/// All that the noise of a file depends on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Inversion {
    /// The stage's.
    purpose: String,
    sha256: Option<String>,
    condition: Blend,
    away_from: Blend,
    guidance: f64,
    /// The loop that the file was laid into, and its seconds.
    looped: Option<(Loop, f64)>,
}

impl Inversion {
    /// Of `file` under what `inner` says of class and attributes, for a clip of the recipe `outer`.
    pub fn new(purpose: String, file: &SoundFile, inner: &Recipe, outer: &Recipe, card: &Card) -> Self {
        Self {
            purpose,
            sha256: file.sha256.clone(),
            condition: own_condition(inner, card),
            away_from: away_from(outer, card),
            guidance: outer.guidance,
            looped: outer.looped.map(|looped| (looped, outer.duration_s)),
        }
    }
}

impl Sounds {
    /// None yet; they will come at this rate.
    pub fn new(sample_rate: u32) -> Self {
        Self { sample_rate, decoded: Kept::new(MAX_FILES), noises: Kept::new(MAX_NOISES) }
    }

    /// The mean of the file's channels at the model's rate; its own samples where it is mono and of that rate.
    ///
    /// # Errors
    /// It cannot be read, holds no sound, or another than the recipe was made from.
    pub fn samples(&self, file: &SoundFile) -> Result<Arc<Vec<f32>>> {
        let (hash, bytes) = file.read()?;
        if let Some(known) = self.decoded.find(&hash) {
            return Ok(known);
        }
        let samples = Arc::new(file.decoded(bytes, self.sample_rate)?);
        if samples.len() <= MAX_SAMPLES {
            self.decoded.keep(hash, samples.clone());
        }
        Ok(samples)
    }

    /// What was found before.
    pub fn noise(&self, inversion: &Inversion) -> Option<Arc<Vec<f32>>> {
        self.noises.find(inversion)
    }

    /// Remember what was found, unless it is long.
    pub fn keep_noise(&self, inversion: Inversion, noise: Vec<f32>) {
        if noise.len() <= MAX_NOISE {
            self.noises.keep(inversion, Arc::new(noise));
        }
    }
}

/// The latest values by their keys.
struct Kept<K> {
    most: usize,
    values: Mutex<Vec<(K, Arc<Vec<f32>>)>>,
}

impl<K: PartialEq> Kept<K> {
    fn new(most: usize) -> Self {
        Self { most, values: Mutex::default() }
    }

    fn find(&self, key: &K) -> Option<Arc<Vec<f32>>> {
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone())
    }

    fn keep(&self, key: K, value: Arc<Vec<f32>>) {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        if values.iter().any(|(known, _)| *known == key) {
            return;
        }
        if values.len() == self.most {
            values.remove(0);
        }
        values.push((key, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{Clip, WavFormat, WavInfo, wav_bytes};

    #[test]
    fn a_file_is_decoded_once_and_again_when_it_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let write = |value: f32| {
            let clip = Clip::mono(vec![value; 10], 16_000).unwrap();
            std::fs::write(&path, wav_bytes(&clip, WavFormat::Wav32f, &WavInfo::default()).unwrap()).unwrap();
        };
        let (sounds, file) = (Sounds::new(16_000), SoundFile::new(&path));
        write(0.5);
        let first = sounds.samples(&file).unwrap();
        assert!(Arc::ptr_eq(&first, &sounds.samples(&file).unwrap()));
        write(0.25);
        assert_eq!(sounds.samples(&file).unwrap()[0], 0.25);
        std::fs::remove_file(&path).unwrap();
        assert!(sounds.samples(&file).is_err(), "a file that is gone is not remembered");
    }

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let kept = Kept::new(2);
        (0..3).for_each(|key| kept.keep(key, Arc::new(vec![key as f32])));
        assert_eq!((kept.find(&0).is_some(), kept.find(&1).is_some(), kept.find(&2).is_some()), (false, true, true));
    }
}
