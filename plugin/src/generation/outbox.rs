//! [`Outbox`]: sounds on their way to the engine.

use std::sync::Arc;

use crate::engine::{EngineHandle, Place, Sound};
use crate::state::{NUM_PLACES, index_of, place_at};

/// The newest sound of each place, where the inner `None` takes the sound away.
pub(super) struct Outbox {
    handle: EngineHandle,
    waiting: [Option<Option<Arc<Sound>>>; NUM_PLACES],
}

impl Outbox {
    /// Nothing is on its way.
    pub(super) fn new(handle: EngineHandle) -> Self {
        Self { handle, waiting: [const { None }; NUM_PLACES] }
    }

    /// Gives the engine a sound, or takes it away; at once or when there is room.
    pub(super) fn put(&mut self, place: Place, sound: Option<Arc<Sound>>) {
        self.waiting[index_of(place)] = Some(sound);
        self.flush();
    }

    /// Gives the engine a sound that some later note takes. One that finds no room is dropped.
    pub(super) fn put_ahead(&mut self, place: Place, sound: Arc<Sound>) {
        let _ = self.handle.give_ahead(place, sound);
    }

    /// Whether a sound for later notes of `place` would find room now: one that still waits must not overtake it and
    /// throw it away.
    pub(super) fn has_room(&self, place: Place) -> bool {
        self.waiting[index_of(place)].is_none() && self.handle.has_room()
    }

    /// How many sounds lie ready for later notes of `place`.
    pub(super) fn num_ahead(&self, place: Place) -> usize {
        self.handle.num_ahead(place)
    }

    /// Whether `place` has been played since the instance was made.
    pub(super) fn was_played(&self, place: Place) -> bool {
        self.handle.was_played(place)
    }

    /// Sends what the ring has room for; the rest waits for the engine to play a block.
    pub(super) fn flush(&mut self) {
        self.handle.collect();
        for (index, waiting) in self.waiting.iter_mut().enumerate() {
            *waiting = match waiting.take() {
                Some(Some(sound)) => self.handle.give(place_at(index), sound).err().map(Some),
                Some(None) => (!self.handle.remove(place_at(index))).then_some(None),
                None => None,
            };
        }
    }
}
