//! Evolving: variations that are ready before their notes.

use super::generator::{Generator, RenderError, Source, Spec};
use super::order::{Kind, Settings};
use super::worker::{Wishes, Worker, lock};
use crate::engine::{AHEAD, Place};
use crate::state::{NUM_PLACES, place_at};

/// Where variations are made at the moment, and where they cannot be.
#[derive(Debug, Default)]
pub(super) struct Evolution {
    is_on: bool,
    /// The places whose sound has no recipe; told once, tried again when the sound changes.
    refused: [bool; NUM_PLACES],
}

impl Evolution {
    /// The sound of the place of this index has changed.
    pub(super) fn forget(&mut self, index: usize) {
        self.refused[index] = false;
    }
}

impl<G: Generator, W: Wishes<Generator = G>> Worker<G, W> {
    /// Makes one variation, if any is wanted; whether it did anything.
    pub(super) fn evolve(&mut self) -> bool {
        let Some(settings) = self.wishes.evolve() else { return self.end_evolution() };
        self.evolution.is_on = true;
        let Some(index) = (0..NUM_PLACES).find(|&index| self.is_hungry(index)) else { return false };
        match self.vary_ahead(place_at(index), settings) {
            Ok(()) | Err(RenderError::Cancelled) => {}
            Err(RenderError::Failed(message)) => {
                self.evolution.refused[index] = true;
                self.tell(&message);
            }
        }
        true
    }

    /// A place that is played and whose notes will soon have nothing new.
    fn is_hungry(&self, index: usize) -> bool {
        let place = place_at(index);
        let is_able = !self.evolution.refused[index] && self.patch.get(place).is_some();
        is_able && self.outbox.was_played(place) && self.outbox.num_ahead(place) < AHEAD && self.outbox.has_room(place)
    }

    fn vary_ahead(&mut self, place: Place, settings: Settings) -> Result<(), RenderError> {
        let Some(root) = self.patch.get(place).cloned() else { return Ok(()) };
        let (id, mut generator) = self.generator_for(Kind::Vary, place)?;
        let spec = Spec { place, source: Source::Near(root), seed: generator.fresh_seed(), settings };
        let (mailbox, inbox) = (&self.mailbox, &self.inbox);
        let take = generator.render(&spec, &|_, _| mailbox.is_wanted() || lock(inbox).drain().len() > 0);
        self.generator = Some((id, generator));
        self.outbox.put_ahead(place, take?.sound());
        Ok(())
    }

    /// The notes go back to the sounds themselves.
    fn end_evolution(&mut self) -> bool {
        if std::mem::take(&mut self.evolution.is_on) {
            self.evolution = Evolution::default();
            (0..NUM_PLACES).for_each(|index| self.show(place_at(index)));
        }
        false
    }
}
