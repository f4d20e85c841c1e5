//! [`Patch`]: the sounds of the keyboard and of the pads with what came before them, favourites and the morph's slots.

use std::sync::Arc;

use brownian_core::audio::decode_bytes;
use serde_json::Value;

use super::place::{NUM_PLACES, index_of};
use super::stored;
use super::take::Take;
use super::track::Track;
use crate::engine::Place;

pub use super::stored::{STATE_VERSION, StateError};

/// The id of the model that new sounds come from at first: the embedded one.
pub const FIRST_MODEL: &str = "drums";

/// Favourites that are kept; the oldest goes.
pub(super) const NUM_FAVOURITES: usize = 32;

/// The sound of a new instance, rendered by the shipped drum model.
///
/// `plugin/assets/README.md` holds the command that made it.
const BUILT_IN: &[u8] = include_bytes!("../../assets/kick.wav");

/// The recipe in that file.
const BUILT_IN_RECIPE: &str = include_str!("../../assets/kick.json");

/// At most one sound that plays for each place, and what surrounds them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Patch {
    pub(super) tracks: [Track; NUM_PLACES],
    pub(super) favourites: Vec<Arc<Take>>,
    pub(super) slots: [Option<Arc<Take>>; 2],
    pub(super) model: String,
}

impl Default for Patch {
    fn default() -> Self {
        let tracks = std::array::from_fn(|_| Track::default());
        Self { tracks, favourites: Vec::new(), slots: [None, None], model: FIRST_MODEL.into() }
    }
}

impl Patch {
    /// What a new instance plays: one kick, on the keyboard and on the bass drum's pad.
    pub fn built_in() -> Self {
        let recipe = serde_json::from_str(BUILT_IN_RECIPE).ok();
        // The file is part of the program, and a test loads it: the patch is never empty.
        let clip = decode_bytes("kick.wav", BUILT_IN.to_vec()).ok();
        let mut patch = Self::default();
        if let Some(take) = clip.and_then(|clip| Take::from_clip(&clip, recipe).ok()).map(Arc::new) {
            patch.put(Place::Keys, Some(take.clone()));
            patch.put(Place::Pad(0), Some(take));
        }
        patch
    }

    /// The sound that plays at `place`.
    pub fn get(&self, place: Place) -> Option<&Arc<Take>> {
        self.tracks[index_of(place)].get()
    }

    /// Puts a sound at `place`, after the one that lies there; or empties it.
    pub fn put(&mut self, place: Place, take: Option<Arc<Take>>) {
        let track = &mut self.tracks[index_of(place)];
        match take {
            Some(take) => track.put(take),
            None => *track = Track::default(),
        }
    }

    /// The sounds that `place` remembers, oldest first, and which of them plays.
    pub fn history(&self, place: Place) -> (&[Arc<Take>], Option<usize>) {
        self.tracks[index_of(place)].takes()
    }

    /// Plays the sound before; false if there is none.
    pub fn undo(&mut self, place: Place) -> bool {
        self.tracks[index_of(place)].undo()
    }

    /// Plays the sound after; false if there is none.
    pub fn redo(&mut self, place: Place) -> bool {
        self.tracks[index_of(place)].redo()
    }

    /// Plays a sound of the history again, or any other one as a new sound; false if it plays already.
    pub fn recall(&mut self, place: Place, take: &Arc<Take>) -> bool {
        self.tracks[index_of(place)].recall(take)
    }

    /// The kept sounds, oldest first.
    pub fn favourites(&self) -> &[Arc<Take>] {
        &self.favourites
    }

    /// Keeps a sound; one that is kept already stays where it is.
    pub fn favour(&mut self, take: Arc<Take>) {
        if self.favourites.iter().any(|known| Arc::ptr_eq(known, &take)) {
            return;
        }
        self.favourites.push(take);
        let num_over = self.favourites.len().saturating_sub(NUM_FAVOURITES);
        self.favourites.drain(..num_over);
    }

    /// Lets go of the favourite of this number, if there is one.
    pub fn unfavour(&mut self, index: usize) {
        if index < self.favourites.len() {
            self.favourites.remove(index);
        }
    }

    /// The two ends of a morph, A and B.
    pub fn slots(&self) -> &[Option<Arc<Take>>; 2] {
        &self.slots
    }

    /// Puts the sound of `place` into slot 0 or 1.
    pub fn set_slot(&mut self, slot: usize, place: Place) {
        let take = self.get(place).cloned();
        if let Some(slot) = self.slots.get_mut(slot) {
            *slot = take;
        }
    }

    /// The id of the model that new sounds come from.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// New sounds come from the model of this id.
    pub fn set_model(&mut self, id: String) {
        self.model = id;
    }

    /// The form in which a project keeps it.
    pub fn to_json(&self) -> Value {
        stored::to_json(self)
    }

    /// Reads what [`Patch::to_json`] wrote, in this version or an earlier one. Decodes every sound; renders none.
    ///
    /// # Errors
    /// [`StateError`] says what is wrong; nothing of such a state is used.
    pub fn from_json(state: &Value) -> Result<Self, StateError> {
        stored::from_json(state)
    }
}

#[cfg(test)]
mod tests;
