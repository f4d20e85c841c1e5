//! [`Track`]: the sounds that have lain at one place, and which of them lies there now.

use std::sync::Arc;

use super::take::Take;

/// Sounds that a place remembers; a project keeps them all.
pub(super) const DEPTH: usize = 8;

/// A line of sounds, oldest first. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Track {
    takes: Vec<Arc<Take>>,
    /// `None` where nothing plays.
    current: Option<usize>,
}

impl Track {
    /// A line in which the sound `current` plays; `None` if there is no such sound, or too many.
    pub(super) fn new(takes: Vec<Arc<Take>>, current: Option<usize>) -> Option<Self> {
        let is_sound = takes.len() <= DEPTH && current.is_none_or(|current| current < takes.len());
        is_sound.then_some(Self { takes, current })
    }

    /// What plays.
    pub(super) fn get(&self) -> Option<&Arc<Take>> {
        self.takes.get(self.current?)
    }

    /// All of them, and which one plays.
    pub(super) fn takes(&self) -> (&[Arc<Take>], Option<usize>) {
        (&self.takes, self.current)
    }

    /// A new sound, after the one that plays; what came after that one is forgotten, and so is the oldest if there are
    /// too many.
    pub(super) fn put(&mut self, take: Arc<Take>) {
        self.takes.truncate(self.current.map_or(self.takes.len(), |current| current + 1));
        self.takes.push(take);
        if self.takes.len() > DEPTH {
            self.takes.remove(0);
        }
        self.current = Some(self.takes.len() - 1);
    }

    /// One back; false at the first.
    pub(super) fn undo(&mut self) -> bool {
        self.turn_to(self.current.and_then(|current| current.checked_sub(1)))
    }

    /// One forward; false at the last.
    pub(super) fn redo(&mut self) -> bool {
        self.turn_to(self.current.map(|current| current + 1))
    }

    /// Plays a sound of the line again, or one from elsewhere as a new one; false if it plays already.
    pub(super) fn recall(&mut self, take: &Arc<Take>) -> bool {
        match self.takes.iter().position(|known| Arc::ptr_eq(known, take)) {
            Some(known) if self.current == Some(known) => false,
            Some(known) => self.turn_to(Some(known)),
            None => {
                self.put(take.clone());
                true
            }
        }
    }

    fn turn_to(&mut self, index: Option<usize>) -> bool {
        let index = index.filter(|&index| index < self.takes.len());
        self.current = index.or(self.current);
        index.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use brownian_core::audio::Clip;

    fn take() -> Arc<Take> {
        Arc::new(Take::from_clip(&Clip::mono(vec![0.5; 16], 44_100).unwrap(), None).unwrap())
    }

    fn playing(track: &Track) -> Option<usize> {
        track.takes().1
    }

    #[test]
    fn undo_and_redo_walk_the_line_and_stop_at_its_ends() {
        let mut track = Track::default();
        assert!(!track.undo() && !track.redo());
        (0..3).for_each(|_| track.put(take()));
        assert!(track.undo() && track.undo() && !track.undo());
        assert_eq!(playing(&track), Some(0));
        assert!(track.redo() && track.redo() && !track.redo());
        assert_eq!(playing(&track), Some(2));
    }

    #[test]
    fn a_new_sound_forgets_what_was_undone_and_the_oldest() {
        let mut track = Track::default();
        let sounds: Vec<_> = (0..DEPTH + 2).map(|_| take()).collect();
        sounds.iter().for_each(|sound| track.put(sound.clone()));
        assert_eq!(track.takes().0.len(), DEPTH);
        assert!(Arc::ptr_eq(&track.takes().0[0], &sounds[2]));
        (0..3).for_each(|_| assert!(track.undo()));
        track.put(take());
        assert_eq!((track.takes().0.len(), playing(&track)), (DEPTH - 2, Some(DEPTH - 3)));
        assert!(!track.redo());
    }

    #[test]
    fn a_recalled_sound_plays_where_it_lies_or_as_a_new_one() {
        let mut track = Track::default();
        let (first, second) = (take(), take());
        track.put(first.clone());
        track.put(second.clone());
        assert!(track.recall(&first) && !track.recall(&first));
        assert_eq!(playing(&track), Some(0));
        assert!(track.recall(&take()));
        // The line went on from the first.
        assert_eq!((track.takes().0.len(), playing(&track)), (2, Some(1)));
    }

    #[test]
    fn lines_that_cannot_be_are_refused() {
        assert!(Track::new(vec![take()], Some(1)).is_none());
        assert!(Track::new(vec![], Some(0)).is_none());
        assert!(Track::new(vec![take(); DEPTH + 1], None).is_none());
        assert!(Track::new(vec![take()], None).is_some_and(|track| track.get().is_none()));
    }
}
