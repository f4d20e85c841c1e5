//! [`Set`]: sounds that are compared with others.

use std::path::Path;

use rayon::prelude::*;

use crate::audio::{Clip, WavFormat, WavInfo, wav_bytes, write_atomically};
use crate::error::{EvaluateError, Result};
use crate::metrics::{Picture, log_mel_features};

/// One sound.
#[derive(Clone, Debug)]
pub(super) struct Sound {
    /// The path of a recording; class and seed of a render.
    pub(super) name: String,
    /// Index into the classes of the recordings.
    pub(super) class: usize,
    /// MIDI note of a recording, where it is known, or the one that was asked for.
    pub(super) pitch: Option<f32>,
    /// What a recording stems from; a render stems from nothing.
    pub(super) group: Option<String>,
    /// Peak 1.
    pub(super) samples: Vec<f32>,
}

impl Sound {
    /// Whether both are recordings of one source, or the same one.
    pub(super) fn is_sibling_of(&self, other: &Self) -> bool {
        self.group.is_some() && self.group == other.group
    }
}

/// The same at peak 1; of silence nothing but silence. A window of a texture lies at any level in its recording.
pub(super) fn at_peak_one(samples: &[f32]) -> Vec<f32> {
    let gain = samples.iter().fold(1e-9f32, |peak, x| peak.max(x.abs())).recip();
    samples.iter().map(|sample| sample * gain).collect()
}

/// Sounds with what they are compared by.
pub(super) struct Set {
    pub(super) sounds: Vec<Sound>,
    /// One for each sound: see [`log_mel_features`].
    pub(super) features: Vec<Vec<f32>>,
    /// One for each sound.
    pub(super) pictures: Vec<Picture>,
    pub(super) sample_rate: u32,
}

impl Set {
    /// Draw and measure every sound, in parallel.
    pub(super) fn new(sounds: Vec<Sound>, sample_rate: u32) -> Self {
        let features = sounds.par_iter().map(|sound| log_mel_features(&sound.samples, sample_rate)).collect();
        let pictures = sounds.par_iter().map(|sound| Picture::new(&sound.samples, sample_rate)).collect();
        Self { sounds, features, pictures, sample_rate }
    }

    pub(super) fn len(&self) -> usize {
        self.sounds.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sounds.is_empty()
    }

    /// Write every sound as `NNN-CLASS.wav` (16 bits) into `folder`, which is made; a sound of a key (a whole MIDI note) as
    /// `NNN-CLASS_pNOTE.wav`, by which judges of pitch know it.
    pub(super) fn write(&self, folder: &Path, classes: &[String]) -> Result<()> {
        let failed = |source| EvaluateError::Folder { path: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        // A class is named by a folder or a manifest, and must not lead out of this one.
        let safe = |c: char| if c.is_alphanumeric() || c == '-' { c } else { '-' };
        for (index, sound) in self.sounds.iter().enumerate() {
            let class: String = classes[sound.class].chars().map(safe).collect();
            let clip = Clip::mono(sound.samples.clone(), self.sample_rate)?;
            let bytes = wav_bytes(&clip, WavFormat::Wav16, &WavInfo::default())?;
            let key = sound.pitch.filter(|pitch| pitch.fract() == 0.0).map(|pitch| format!("_p{pitch}"));
            let name = format!("{index:03}-{class}{}.wav", key.unwrap_or_default());
            write_atomically(&folder.join(name), &bytes)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_class_and_by_key_and_never_lead_out_of_their_folder() {
        let root = tempfile::tempdir().unwrap();
        let sound = |class, pitch| Sound { name: String::new(), class, pitch, group: None, samples: vec![0.5; 4096] };
        let set = Set::new(vec![sound(0, Some(60.0)), sound(1, Some(60.5)), sound(0, None)], 16_000);
        let folder = root.path().join("sounds");
        set.write(&folder, &["piano".into(), "../bass".into()]).unwrap();
        let files = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = files.collect();
        names.sort();
        assert_eq!(names, ["000-piano_p60.wav", "001----bass.wav", "002-piano.wav"]);
    }
}
