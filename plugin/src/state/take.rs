//! [`Take`]: one finished sound, with what made it.

use std::sync::Arc;

use brownian_core::audio::{Clip, decode_bytes};
use brownian_core::generate::{FileFormat, FileRecipe, Finish, Level, Rendered};
use serde_json::Value;

use crate::engine::Sound;

/// The key that plays a sound as it is: middle C.
const ROOT_KEY: f32 = 60.0;

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
        let finish = Finish {
            format: FileFormat::Flac,
            sample_rate: clip.sample_rate(),
            channels: clip.num_channels().min(2) as u16,
            level: Level::default(),
        };
        let recipe = FileRecipe { recipe: rendered.recipe.clone(), finish };
        let flac = finish.apply(clip).and_then(|clip| recipe.file(&clip)).map_err(|error| error.to_string())?;
        Self::from_flac(flac.into(), serde_json::from_str(&recipe.to_json()).ok())
    }

    /// What a FLAC file plays; `recipe` is kept as it is.
    ///
    /// # Errors
    /// The bytes are no whole FLAC file, or one of more than two channels.
    pub fn from_flac(flac: Arc<[u8]>, recipe: Option<Value>) -> Result<Self, String> {
        let clip = decode_bytes("the sound", flac.to_vec()).map_err(|error| error.to_string())?;
        let sound = Sound::new(clip.channels(), clip.sample_rate() as f32, ROOT_KEY, None);
        Ok(Self { sound: Arc::new(sound.map_err(|error| error.to_string())?), flac, recipe })
    }

    /// A sound without a recipe, rounded to 24 bits.
    ///
    /// # Errors
    /// As [`Take::from_rendered`].
    pub fn from_clip(clip: &Clip) -> Result<Self, String> {
        let flac = brownian_core::audio::flac_bytes(clip, &Default::default()).map_err(|error| error.to_string())?;
        Self::from_flac(flac.into(), None)
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
}
