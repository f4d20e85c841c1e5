//! How a project keeps a [`Patch`]: the JSON of each version, and what becomes of the earlier ones.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::patch::{NUM_FAVOURITES, Patch};
use super::place::{NUM_PLACES, index_named, name_of, place_at};
use super::take::Take;
use super::track::Track;

/// The version that this build writes. It reads this one and every earlier one.
pub const STATE_VERSION: u64 = 2;

/// Why a state gives no sounds. The built-in ones take their place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The state is none of Brownian's, or older than its sounds.
    #[error("the project holds no sounds of Brownian; the built-in ones play instead")]
    Missing,
    /// A later build wrote it, or none.
    #[error(
        "the project's sounds have version {found}; this build reads versions 1 to {STATE_VERSION}: open the project with \
         a newer Brownian; the built-in sounds play instead"
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
    /// A number leads to no sound.
    #[error("the project's {what} means sound {found}, of {num_takes}; the built-in sounds play instead")]
    Number {
        /// What has the number.
        what: String,
        /// The number.
        found: usize,
        /// How many sounds the project holds.
        num_takes: usize,
    },
    /// The audio is damaged.
    #[error("the project's sound of {place} cannot be read: {reason}; the built-in sounds play instead")]
    Sound {
        /// Whose sound.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The form of version 1: what plays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Version1 {
    #[serde(rename = "version")]
    _version: u64,
    sounds: Vec<Sound1>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sound1 {
    place: String,
    recipe: Option<Value>,
    flac: String,
}

/// The form of version 2: every sound once, and lists of their numbers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Version2 {
    version: u64,
    model: String,
    takes: Vec<StoredTake>,
    places: Vec<StoredPlace>,
    favourites: Vec<usize>,
    slots: [Option<usize>; 2],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredTake {
    recipe: Option<Value>,
    /// A FLAC file in base64.
    flac: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredPlace {
    place: String,
    /// Numbers of sounds, oldest first.
    takes: Vec<usize>,
    /// Which of them plays.
    current: Option<usize>,
}

/// The newest form.
pub(super) fn to_json(patch: &Patch) -> Value {
    let mut known: Vec<&Arc<Take>> = Vec::new();
    let mut number = |take| number_of(&mut known, take);
    let places = patch.tracks.iter().enumerate().filter(|(_, track)| !track.takes().0.is_empty());
    let places = places.map(|(index, track)| {
        let (takes, current) = track.takes();
        StoredPlace { place: name_of(index), takes: takes.iter().map(&mut number).collect(), current }
    });
    let places = places.collect();
    let favourites = patch.favourites.iter().map(&mut number).collect();
    let slots = [0, 1].map(|slot: usize| patch.slots[slot].as_ref().map(&mut number));
    let takes =
        known.iter().map(|take| StoredTake { recipe: take.recipe().cloned(), flac: STANDARD.encode(take.flac()) });
    let takes = takes.collect();
    let stored = Version2 { version: STATE_VERSION, model: patch.model.clone(), takes, places, favourites, slots };
    // Strings, numbers and JSON values alone: they always serialise.
    serde_json::to_value(stored).unwrap_or_default()
}

/// Reads any version.
pub(super) fn from_json(state: &Value) -> Result<Patch, StateError> {
    if !state.is_object() {
        return Err(StateError::Missing);
    }
    // Looked at first: another version may well have other fields.
    let version = state.get("version").unwrap_or(&Value::Null);
    match version.as_u64() {
        Some(1) => from_version_1(Version1::deserialize(state)?),
        Some(STATE_VERSION) => from_version_2(Version2::deserialize(state)?),
        _ => Err(StateError::Version { found: version.to_string() }),
    }
}

fn from_version_1(stored: Version1) -> Result<Patch, StateError> {
    let mut patch = Patch::default();
    for Sound1 { place, recipe, flac } in stored.sounds {
        let index = free_place(&patch, &place)?;
        patch.put(place_at(index), Some(restored(&place, recipe, &flac)?));
    }
    Ok(patch)
}

fn from_version_2(stored: Version2) -> Result<Patch, StateError> {
    let takes = stored.takes.into_iter().enumerate();
    let takes = takes.map(|(index, take)| restored(&format!("number {index}"), take.recipe, &take.flac));
    let takes = takes.collect::<Result<Vec<_>, _>>()?;
    let at = |what: &str, number: usize| {
        let wrong = || StateError::Number { what: what.into(), found: number, num_takes: takes.len() };
        takes.get(number).cloned().ok_or_else(wrong)
    };
    let mut patch = Patch { model: stored.model, ..Patch::default() };
    for StoredPlace { place, takes: numbers, current } in stored.places {
        let index = free_place(&patch, &place)?;
        let line = numbers.into_iter().map(|number| at(&place, number)).collect::<Result<_, _>>()?;
        let wrong = || StateError::Number { what: place.clone(), found: current.unwrap_or(0), num_takes: takes.len() };
        patch.tracks[index] = Track::new(line, current).ok_or_else(wrong)?;
    }
    let favourites = stored.favourites.into_iter().take(NUM_FAVOURITES);
    patch.favourites = favourites.map(|number| at("favourite", number)).collect::<Result<_, _>>()?;
    for (slot, number) in patch.slots.iter_mut().zip(stored.slots) {
        *slot = number.map(|number| at("slot", number)).transpose()?;
    }
    Ok(patch)
}

/// The number of `take` among those that are written; a new one is added.
fn number_of<'a>(known: &mut Vec<&'a Arc<Take>>, take: &'a Arc<Take>) -> usize {
    known.iter().position(|other| Arc::ptr_eq(other, take)).unwrap_or_else(|| {
        known.push(take);
        known.len() - 1
    })
}

fn free_place(patch: &Patch, name: &str) -> Result<usize, StateError> {
    let index =
        index_named(name).filter(|&index: &usize| index < NUM_PLACES && patch.tracks[index].takes().0.is_empty());
    index.ok_or_else(|| StateError::Place(name.to_owned()))
}

fn restored(name: &str, recipe: Option<Value>, flac: &str) -> Result<Arc<Take>, StateError> {
    let flac = STANDARD.decode(flac).map_err(|error| error.to_string());
    let take = flac.and_then(|flac| Take::from_flac(flac.into(), recipe));
    take.map(Arc::new).map_err(|reason| StateError::Sound { place: name.into(), reason })
}
