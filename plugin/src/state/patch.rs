//! [`Patch`]: the sounds of the keyboard and of the pads, and their form in a project.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use brownian_core::audio::decode_bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::place::{NUM_PLACES, index_named, index_of, name_of, place_at};
use super::take::Take;
use crate::engine::Place;

/// The version that this build writes. It reads this one.
pub const STATE_VERSION: u64 = 1;

/// The sound of a new instance, rendered by the shipped drum model.
///
/// `plugin/assets/README.md` holds the command that made it.
const BUILT_IN: &[u8] = include_bytes!("../../assets/kick.wav");

/// Why a state gives no sounds. The built-in ones take their place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The state is none of Brownian's, or older than its sounds.
    #[error("the project holds no sounds of Brownian; the built-in ones play instead")]
    Missing,
    /// A later build wrote it, or none.
    #[error(
        "the project's sounds have version {found}; this build reads version {STATE_VERSION}: open the project with a \
         newer Brownian; the built-in sounds play instead"
    )]
    Version {
        /// As it stands in the state.
        found: String,
    },
    /// A field is missing, unknown or of another type.
    #[error("the project's sounds cannot be read: {0}; the built-in ones play instead")]
    Fields(#[from] serde_json::Error),
    /// There is no such place, or two sounds are for the same one.
    #[error(
        "the project has a sound for \"{0}\"; need each of keys and pad-1 to pad-16 at most once; the built-in sounds play instead"
    )]
    Place(String),
    /// The audio is damaged.
    #[error("the project's sound of {place} cannot be read: {reason}; the built-in sounds play instead")]
    Sound {
        /// Whose sound.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// At most one sound for each place. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Patch([Option<Arc<Take>>; NUM_PLACES]);

/// The form of version 1.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u64,
    sounds: Vec<StoredSound>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredSound {
    place: String,
    recipe: Option<Value>,
    /// A FLAC file in base64.
    flac: String,
}

impl Patch {
    /// What a new instance plays: one kick, on the keyboard and on the bass drum's pad.
    pub fn built_in() -> Self {
        // The file is part of the program, and a test loads it: the patch is never empty.
        let take = decode_bytes("kick.wav", BUILT_IN.to_vec()).ok().and_then(|clip| Take::from_clip(&clip).ok());
        let take = take.map(Arc::new);
        let mut patch = Self::default();
        patch.put(Place::Keys, take.clone());
        patch.put(Place::Pad(0), take);
        patch
    }

    /// The sound at `place`.
    pub fn get(&self, place: Place) -> Option<&Arc<Take>> {
        self.0[index_of(place)].as_ref()
    }

    /// Puts a sound at `place`, or takes it away.
    pub fn put(&mut self, place: Place, take: Option<Arc<Take>>) {
        self.0[index_of(place)] = take;
    }

    /// The form in which a project keeps it.
    pub fn to_json(&self) -> Value {
        let sounds = self.0.iter().enumerate().filter_map(|(index, take)| Some(stored(index, take.as_ref()?)));
        // Strings and JSON values alone: they always serialise.
        serde_json::to_value(Stored { version: STATE_VERSION, sounds: sounds.collect() }).unwrap_or_default()
    }

    /// Reads what [`Patch::to_json`] wrote. Decodes every sound; renders none.
    ///
    /// # Errors
    /// [`StateError`] says what is wrong; nothing of such a state is used.
    pub fn from_json(state: &Value) -> Result<Self, StateError> {
        if !state.is_object() {
            return Err(StateError::Missing);
        }
        // Looked at first: another version may well have other fields.
        let version = state.get("version").unwrap_or(&Value::Null);
        if *version != STATE_VERSION {
            return Err(StateError::Version { found: version.to_string() });
        }
        let mut patch = Self::default();
        for sound in Stored::deserialize(state)?.sounds {
            let index = index_named(&sound.place).filter(|&index| patch.0[index].is_none());
            let index = index.ok_or_else(|| StateError::Place(sound.place.clone()))?;
            patch.put(place_at(index), Some(Arc::new(restored(sound)?)));
        }
        Ok(patch)
    }
}

fn stored(index: usize, take: &Take) -> StoredSound {
    StoredSound { place: name_of(index), recipe: take.recipe().cloned(), flac: STANDARD.encode(take.flac()) }
}

fn restored(sound: StoredSound) -> Result<Take, StateError> {
    let StoredSound { place, recipe, flac } = sound;
    let flac = STANDARD.decode(flac).map_err(|error| error.to_string());
    let take = flac.and_then(|flac| Take::from_flac(flac.into(), recipe));
    take.map_err(|reason| StateError::Sound { place, reason })
}

#[cfg(test)]
mod tests;
