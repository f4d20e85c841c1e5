//! [`Take`]: one finished sound, with what made it.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use brownian_core::audio::{Clip, WavFormat, WavInfo, decode, decode_bytes, flac_bytes, read_info, wav_bytes};
use brownian_core::generate::{FileFormat, FileRecipe, Finish, Rendered, Shaping, Sustain};
use serde_json::Value;

use crate::engine::Sound;

/// The key that plays a sound without a pitch as it is: middle C.
const ROOT_KEY: f32 = 60.0;

/// The longest sound that is taken from a file: a project keeps every one of them.
const MAX_FILE_S: f64 = 30.0;

/// A finished sound: the FLAC file that a project keeps, and what the engine plays, which is that file decoded.
#[derive(Debug, Clone)]
pub struct Take {
    sound: Arc<Sound>,
    flac: Arc<[u8]>,
    recipe: Option<Value>,
}

impl Take {
    /// A clip of a model at a peak of -1 dBFS, with its recipe. Costs some milliseconds for each second of sound.
    ///
    /// # Errors
    /// The clip is none that a FLAC file or the engine can hold.
    pub fn from_rendered(rendered: &Rendered) -> Result<Self, String> {
        let clip = &rendered.clip;
        // A note that lasts is held as long as its key.
        let sustain = rendered.recipe.pitch.filter(|_| rendered.recipe.looped.is_none()).map(|_| Sustain::Find);
        let finish = Finish {
            format: FileFormat::Flac,
            channels: clip.num_channels().min(2) as u16,
            shaping: Shaping { sustain, ..Shaping::default() },
            ..Finish::plain(clip.sample_rate())
        };
        let mut recipe = FileRecipe { recipe: rendered.recipe.clone(), finish };
        let flac = recipe.finish(clip).and_then(|clip| recipe.file(&clip)).map_err(|error| error.to_string())?;
        Self::from_flac(flac.into(), serde_json::from_str(&recipe.to_json()).ok())
    }

    /// What a FLAC file plays; `recipe` is kept as it is. The key of its pitch plays the sound as it is, else middle C.
    ///
    /// # Errors
    /// The bytes are no whole FLAC file, or one of more than two channels.
    pub fn from_flac(flac: Arc<[u8]>, recipe: Option<Value>) -> Result<Self, String> {
        let clip = decode_bytes("the sound", flac.to_vec()).map_err(|error| error.to_string())?;
        let pitch = recipe.as_ref().and_then(|recipe| recipe.get("pitch")?.as_f64());
        // What a model makes; a project may hold anything.
        let pitch = pitch.filter(|pitch| (0.0..=127.0).contains(pitch));
        let root_key = pitch.map_or(ROOT_KEY, |pitch| pitch as f32);
        let held = |recipe| sustain_loop(recipe).or_else(|| whole_loop(recipe, clip.num_frames()));
        let loop_frames = recipe.as_ref().and_then(held).filter(|frames| frames.end <= clip.num_frames());
        let sound = Sound::new(clip.channels(), clip.sample_rate() as f32, root_key, loop_frames);
        Ok(Self { sound: Arc::new(sound.map_err(|error| error.to_string())?), flac, recipe })
    }

    /// A sound rounded to 24 bits, with the recipe that made it if there is one.
    ///
    /// # Errors
    /// As [`Take::from_rendered`].
    pub fn from_clip(clip: &Clip, recipe: Option<Value>) -> Result<Self, String> {
        let flac = flac_bytes(clip, &WavInfo::default()).map_err(|error| error.to_string())?;
        Self::from_flac(flac.into(), recipe)
    }

    /// The sound of a file, with its recipe if it holds one of ours. Reads any format that the program decodes.
    ///
    /// # Errors
    /// The file cannot be read, is longer than 30 s or has more than two channels.
    pub fn open(path: &Path) -> Result<Self, String> {
        let clip = decode(path).map_err(|error| error.to_string())?;
        if clip.duration_s() > MAX_FILE_S {
            let (path, found) = (path.display(), clip.duration_s());
            return Err(format!("{path} is {found:.1} s long; need at most {MAX_FILE_S} s: cut it first"));
        }
        let comment = read_info(path).ok().and_then(|info| info.comment);
        let recipe = comment.filter(|json| FileRecipe::from_json(json).is_ok());
        Self::from_clip(&clip, recipe.and_then(|json| serde_json::from_str(&json).ok()))
            .map_err(|reason| format!("{}: {reason}", path.display()))
    }

    /// A WAV file of the sound: the one that its recipe makes, in 24 bits where that says FLAC, else one without a
    /// recipe.
    ///
    /// # Errors
    /// The sound is longer than a WAV file can be.
    pub fn wav(&self) -> Result<Vec<u8>, String> {
        let channels = (0..self.sound.num_channels()).map(|channel| self.sound.samples(channel).to_vec()).collect();
        let clip = Clip::new(channels, self.sound.sample_rate() as u32).map_err(|error| error.to_string())?;
        let recipe = self.recipe.as_ref().and_then(|recipe| FileRecipe::from_json(&recipe.to_string()).ok());
        let bytes = match recipe {
            Some(mut file) => {
                if file.finish.format == FileFormat::Flac {
                    file.finish.format = FileFormat::Wav24;
                }
                file.file(&clip)
            }
            None => wav_bytes(&clip, WavFormat::Wav24, &WavInfo { one_shot: true, ..WavInfo::default() }),
        };
        bytes.map_err(|error| error.to_string())
    }

    /// What the engine plays.
    pub fn sound(&self) -> Arc<Sound> {
        self.sound.clone()
    }

    /// The file.
    pub fn flac(&self) -> &[u8] {
        &self.flac
    }

    /// The recipe as the project keeps it, if it has one.
    pub fn recipe(&self) -> Option<&Value> {
        self.recipe.as_ref()
    }

    /// The seed in the recipe.
    pub fn seed(&self) -> Option<u64> {
        self.recipe.as_ref()?.get("seed")?.as_u64()
    }

    /// The id of the model in the recipe.
    pub fn model(&self) -> Option<&str> {
        self.recipe.as_ref()?.get("model")?.as_str()
    }
}

/// The loop that holds a sound, as its recipe has it.
fn sustain_loop(recipe: &Value) -> Option<Range<usize>> {
    let sustain = recipe.pointer("/output/shaping/sustain")?;
    let frames = serde_json::from_value::<Sustain>(sustain.clone()).ok()?.frames()?;
    (frames.start < frames.end).then_some(frames)
}

/// Of a sound that is a loop as a whole, all of its frames.
fn whole_loop(recipe: &Value, num_frames: usize) -> Option<Range<usize>> {
    recipe.get("loop").filter(|looped| looped.is_object()).map(|_| 0..num_frames)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Place;
    use crate::state::Patch;

    #[test]
    fn a_saved_file_opens_as_the_same_sound_with_its_recipe() {
        let take = Patch::built_in().get(Place::Keys).unwrap().clone();
        let path = std::env::temp_dir().join(format!("brownian-take-{}.wav", std::process::id()));
        std::fs::write(&path, take.wav().unwrap()).unwrap();
        let opened = Take::open(&path);
        std::fs::remove_file(&path).unwrap();
        let opened = opened.unwrap();
        assert_eq!((opened.sound(), opened.recipe()), (take.sound(), take.recipe()));
        assert_eq!(opened.model(), Some("drums"));
    }

    #[test]
    fn the_key_of_its_pitch_plays_a_sound_as_it_is() {
        let kick = Patch::built_in().get(Place::Keys).unwrap().clone();
        let root_key = |recipe: Option<Value>| Take::from_flac(kick.flac().into(), recipe).unwrap().sound().root_key();
        assert_eq!((root_key(kick.recipe().cloned()), root_key(None)), (60.0, 60.0));
        for (pitch, key) in [(36.0, 36.0), (64.5, 64.5), (1e9, 60.0)] {
            let mut recipe = kick.recipe().cloned().unwrap();
            recipe["pitch"] = pitch.into();
            assert_eq!(root_key(Some(recipe)), key);
        }
    }

    #[test]
    fn the_loop_in_its_recipe_holds_a_sound_if_it_lies_in_it() {
        let kick = Patch::built_in().get(Place::Keys).unwrap().clone();
        let loop_of = |sustain: Value| {
            let mut recipe = kick.recipe().cloned().unwrap();
            recipe["output"]["shaping"] = serde_json::json!({ "sustain": sustain });
            Take::from_flac(kick.flac().into(), Some(recipe)).unwrap().sound().loop_frames()
        };
        assert_eq!(loop_of(serde_json::json!({ "loop": [1000, 9000] })), Some(1000..9000));
        // A project may hold anything.
        for none in ["\"find\"", "{\"loop\":[9000,1000]}", "{\"loop\":[5,99999999]}", "{\"loop\":[-1,5]}", "7"] {
            assert_eq!(loop_of(serde_json::from_str(none).unwrap()), None, "{none}");
        }
    }

    #[test]
    fn files_that_are_none_or_too_long_are_refused_by_name() {
        let path = std::env::temp_dir().join(format!("brownian-long-{}.wav", std::process::id()));
        let missing = Take::open(&path).unwrap_err();
        assert!(missing.contains("brownian-long"), "{missing}");
        let long = Clip::mono(vec![0.0; 8000 * 31], 8000).unwrap();
        std::fs::write(&path, wav_bytes(&long, WavFormat::Wav16, &WavInfo::default()).unwrap()).unwrap();
        let said = Take::open(&path).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        assert!(said.contains("31.0 s long; need at most 30 s"), "{said}");
    }
}
