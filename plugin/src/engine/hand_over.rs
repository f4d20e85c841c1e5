//! How sounds reach the audio thread and leave it: wait-free both ways, never freed there.

use std::sync::Arc;

use rtrb::{Consumer, Producer, RingBuffer};

use super::kit::NUM_PADS;
use super::sound::Sound;
use super::voices::NUM_SLOTS;

/// Deliveries that may be under way at once.
const RING: usize = 64;

/// The keyboard and the pads.
const NUM_PLACES: usize = 1 + NUM_PADS;

/// Sounds that the audio thread can hold: one for every place, one for every voice that still plays
/// an older one, and some that wait to be taken back.
const SHELF: usize = NUM_PLACES + NUM_SLOTS + 15;

/// Where a sound is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Over the keyboard.
    Keys,
    /// On the pad of this number, from 0; beyond the last pad lies nothing.
    Pad(usize),
}

impl Place {
    fn index(self) -> usize {
        match self {
            Self::Keys => 0,
            Self::Pad(pad) => pad.saturating_add(1),
        }
    }
}

#[derive(Debug)]
struct Delivery {
    place: Place,
    sound: Option<Arc<Sound>>,
}

/// The half that belongs to any thread but the audio thread: gives sounds and frees old ones.
#[derive(Debug)]
pub struct EngineHandle {
    fresh: Producer<Delivery>,
    spent: Consumer<Arc<Sound>>,
}

impl EngineHandle {
    /// Puts `sound` at `place` from the next block on. Notes that already sound keep the old one.
    ///
    /// # Errors
    /// The sound comes back when too many deliveries wait for a block to be played; try again later.
    pub fn give(&mut self, place: Place, sound: Arc<Sound>) -> Result<(), Arc<Sound>> {
        self.collect();
        let delivery = Delivery { place, sound: Some(sound) };
        match self.fresh.push(delivery) {
            Err(rtrb::PushError::Full(Delivery { sound: Some(sound), .. })) => Err(sound),
            _ => Ok(()),
        }
    }

    /// Leaves `place` without a sound from the next block on; false if too many deliveries wait.
    pub fn remove(&mut self, place: Place) -> bool {
        self.collect();
        self.fresh.push(Delivery { place, sound: None }).is_ok()
    }

    /// Drops what the audio thread has done with; returns how many. Call it now and then: until then
    /// old sounds stay in memory, and after some tens of them new ones wait.
    pub fn collect(&mut self) -> usize {
        std::iter::from_fn(|| self.spent.pop().ok()).count()
    }
}

/// Which sound of the [`Library`] is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SoundId(usize);

#[derive(Debug)]
struct Entry {
    sound: Arc<Sound>,
    num_users: usize,
}

/// The audio thread's half: every sound that a place or a note still needs. Wait-free, and no method
/// drops a sound: one without users goes back through the ring, or waits on the shelf for room in it.
#[derive(Debug)]
pub(super) struct Library {
    fresh: Consumer<Delivery>,
    spent: Producer<Arc<Sound>>,
    shelf: [Option<Entry>; SHELF],
    places: [Option<SoundId>; NUM_PLACES],
    num_unused: usize,
}

/// Both halves.
pub(super) fn hand_over() -> (Library, EngineHandle) {
    let (give, fresh) = RingBuffer::new(RING);
    let (spent, take_back) = RingBuffer::new(RING);
    let library = Library { fresh, spent, shelf: [const { None }; SHELF], places: [None; NUM_PLACES], num_unused: 0 };
    (library, EngineHandle { fresh: give, spent: take_back })
}

impl Library {
    /// Takes what has arrived, and sends back what nothing plays any more.
    pub(super) fn exchange(&mut self) {
        self.send_back();
        while let Some(free) = self.shelf.iter().position(Option::is_none) {
            let Ok(delivery) = self.fresh.pop() else { break };
            let id = delivery.sound.map(|sound| self.shelve(free, sound));
            self.put(delivery.place, id);
        }
        self.send_back();
    }

    /// The sound at `place`, with one more user; each use ends with [`Library::release`].
    pub(super) fn acquire(&mut self, place: Place) -> Option<SoundId> {
        let id = (*self.places.get(place.index())?)?;
        self.shelf[id.0].as_mut()?.num_users += 1;
        Some(id)
    }

    /// One user less.
    pub(super) fn release(&mut self, id: SoundId) {
        if let Some(entry) = &mut self.shelf[id.0] {
            entry.num_users = entry.num_users.saturating_sub(1);
            self.num_unused += usize::from(entry.num_users == 0);
        }
    }

    /// The sound itself, as long as it has a user.
    pub(super) fn sound(&self, id: SoundId) -> Option<&Sound> {
        self.shelf[id.0].as_ref().map(|entry| &*entry.sound)
    }

    /// A sound without users yet.
    fn shelve(&mut self, free: usize, sound: Arc<Sound>) -> SoundId {
        self.shelf[free] = Some(Entry { sound, num_users: 0 });
        self.num_unused += 1;
        SoundId(free)
    }

    fn put(&mut self, place: Place, id: Option<SoundId>) {
        let Some(slot) = self.places.get_mut(place.index()) else { return };
        let old = std::mem::replace(slot, id);
        if let Some(entry) = id.and_then(|id| self.shelf[id.0].as_mut()) {
            entry.num_users += 1;
            self.num_unused -= 1;
        }
        if let Some(old) = old {
            self.release(old);
        }
    }

    fn send_back(&mut self) {
        if self.num_unused == 0 {
            return;
        }
        for slot in &mut self.shelf {
            if self.spent.is_full() {
                return;
            }
            if let Some(entry) = slot.take_if(|entry| entry.num_users == 0) {
                // Cannot fail: fullness was checked above and there is no other producer.
                let _ = self.spent.push(entry.sound);
                self.num_unused -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Arc<Sound> {
        Arc::new(Sound::new(&[vec![0.5; 4]], 48_000.0, 60.0, None).unwrap())
    }

    #[test]
    fn a_replaced_sound_comes_back_to_be_dropped() {
        let (mut library, mut handle) = hand_over();
        let (first, second) = (sound(), sound());
        handle.give(Place::Keys, first.clone()).unwrap();
        library.exchange();
        assert_eq!(Arc::strong_count(&first), 2);
        handle.give(Place::Keys, second.clone()).unwrap();
        library.exchange();
        assert_eq!(handle.collect(), 1);
        assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (1, 2));
    }

    #[test]
    fn a_sound_in_use_stays_until_its_user_is_done() {
        let (mut library, mut handle) = hand_over();
        let first = sound();
        handle.give(Place::Pad(3), first.clone()).unwrap();
        library.exchange();
        let id = library.acquire(Place::Pad(3)).unwrap();
        assert!(handle.remove(Place::Pad(3)));
        library.exchange();
        assert_eq!(library.acquire(Place::Pad(3)), None);
        assert!(library.sound(id).is_some());
        assert_eq!(handle.collect(), 0);
        library.release(id);
        library.exchange();
        assert_eq!(handle.collect(), 1);
        assert_eq!(Arc::strong_count(&first), 1);
    }

    #[test]
    fn while_nobody_collects_old_sounds_wait_and_then_new_ones() {
        let (mut library, mut handle) = hand_over();
        let all: Vec<_> = (0..400).map(|_| sound()).collect();
        let mut num_taken = 0;
        for sound in &all {
            // Past the handle's own housekeeping, as if it never ran.
            let delivery = Delivery { place: Place::Keys, sound: Some(sound.clone()) };
            num_taken += usize::from(handle.fresh.push(delivery).is_ok());
            library.exchange();
        }
        // The ring back, the shelf, and the ring here.
        assert_eq!(num_taken, RING + SHELF + RING);
        while handle.collect() > 0 {
            library.exchange();
        }
        let alive = all.iter().filter(|sound| Arc::strong_count(sound) > 1).count();
        assert_eq!(alive, 1);
    }

    #[test]
    fn what_is_given_to_a_pad_that_does_not_exist_comes_back() {
        let (mut library, mut handle) = hand_over();
        handle.give(Place::Pad(usize::MAX), sound()).unwrap();
        library.exchange();
        assert_eq!(handle.collect(), 1);
        assert_eq!(library.acquire(Place::Pad(NUM_PADS)), None);
    }
}
