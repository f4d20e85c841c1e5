//! How sounds reach the audio thread and leave it: wait-free both ways, never freed there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rtrb::{Consumer, Producer, RingBuffer};

use super::kit::NUM_PADS;
use super::sound::Sound;
use super::voices::NUM_SLOTS;

/// Deliveries that may be under way at once.
const RING: usize = 64;

/// The keyboard and the pads.
const NUM_PLACES: usize = 1 + NUM_PADS;

/// Sounds that can lie ready for the notes to come of one place.
pub const AHEAD: usize = 3;

/// Sounds that the audio thread can hold: for every place the one that plays, the one before it and those for later
/// notes, one for every voice that still plays an older one, and some that wait to be taken back.
const SHELF: usize = (2 + AHEAD) * NUM_PLACES + NUM_SLOTS + 15;

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
    /// Whether a later note takes it, and not the next one.
    is_ahead: bool,
}

/// What the audio thread tells of each place. Only it writes.
#[derive(Debug, Default)]
struct Counters {
    /// Notes begun.
    num_notes: [AtomicU32; NUM_PLACES],
    /// Sounds for later notes that have been taken or thrown away.
    num_taken: [AtomicU32; NUM_PLACES],
}

impl Counters {
    /// One more; a plain load and store, for there is one writer.
    fn count(counter: &AtomicU32) {
        counter.store(counter.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }
}

/// The half that belongs to any thread but the audio thread: gives sounds and frees old ones.
#[derive(Debug)]
pub struct EngineHandle {
    fresh: Producer<Delivery>,
    spent: Consumer<Arc<Sound>>,
    counters: Arc<Counters>,
    num_given_ahead: [u32; NUM_PLACES],
}

impl EngineHandle {
    /// Puts `sound` at `place` from the next block on. Notes that already sound keep the old one.
    ///
    /// # Errors
    /// The sound comes back when too many deliveries wait for a block to be played; try again later.
    pub fn give(&mut self, place: Place, sound: Arc<Sound>) -> Result<(), Arc<Sound>> {
        self.collect();
        self.deliver(Delivery { place, sound: Some(sound), is_ahead: false })
    }

    /// Puts `sound` behind those that lie ready for later notes of `place`: every note takes the next one. When none
    /// is left, notes go back and forth between the last two. [`EngineHandle::give`] and [`EngineHandle::remove`] throw
    /// away what lies ready, and so does the engine with more than [`AHEAD`].
    ///
    /// # Errors
    /// As [`EngineHandle::give`].
    pub fn give_ahead(&mut self, place: Place, sound: Arc<Sound>) -> Result<(), Arc<Sound>> {
        self.collect();
        self.deliver(Delivery { place, sound: Some(sound), is_ahead: true })?;
        if let Some(given) = self.num_given_ahead.get_mut(place.index()) {
            *given = given.wrapping_add(1);
        }
        Ok(())
    }

    /// How many sounds lie ready for later notes of `place`, with those on their way.
    pub fn num_ahead(&self, place: Place) -> usize {
        let given = self.num_given_ahead.get(place.index()).copied().unwrap_or(0);
        let taken = self.counters.num_taken.get(place.index()).map_or(0, |taken| taken.load(Ordering::Relaxed));
        given.wrapping_sub(taken) as usize
    }

    /// Whether any note of `place` has begun.
    pub fn was_played(&self, place: Place) -> bool {
        self.counters.num_notes.get(place.index()).is_some_and(|notes| notes.load(Ordering::Relaxed) > 0)
    }

    /// Whether a delivery would find room now.
    pub fn has_room(&self) -> bool {
        !self.fresh.is_full()
    }

    fn deliver(&mut self, delivery: Delivery) -> Result<(), Arc<Sound>> {
        match self.fresh.push(delivery) {
            Err(rtrb::PushError::Full(Delivery { sound: Some(sound), .. })) => Err(sound),
            _ => Ok(()),
        }
    }

    /// Leaves `place` without a sound from the next block on; false if too many deliveries wait.
    pub fn remove(&mut self, place: Place) -> bool {
        self.collect();
        self.fresh.push(Delivery { place, sound: None, is_ahead: false }).is_ok()
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
    places: [Stock; NUM_PLACES],
    counters: Arc<Counters>,
    num_unused: usize,
}

/// The sounds of one place.
#[derive(Debug, Clone, Copy, Default)]
struct Stock {
    current: Option<SoundId>,
    /// The one before, while sounds follow each other from note to note.
    previous: Option<SoundId>,
    ahead: [Option<SoundId>; AHEAD],
}

/// Both halves.
pub(super) fn hand_over() -> (Library, EngineHandle) {
    let (give, fresh) = RingBuffer::new(RING);
    let (spent, take_back) = RingBuffer::new(RING);
    let counters = Arc::new(Counters::default());
    let handle =
        EngineHandle { fresh: give, spent: take_back, counters: counters.clone(), num_given_ahead: [0; NUM_PLACES] };
    let places = [Stock::default(); NUM_PLACES];
    (Library { fresh, spent, shelf: [const { None }; SHELF], places, counters, num_unused: 0 }, handle)
}

impl Library {
    /// Takes what has arrived, and sends back what nothing plays any more.
    pub(super) fn exchange(&mut self) {
        self.send_back();
        while let Some(free) = self.shelf.iter().position(Option::is_none) {
            let Ok(delivery) = self.fresh.pop() else { break };
            let id = delivery.sound.map(|sound| self.shelve(free, sound));
            match id.filter(|_| delivery.is_ahead) {
                Some(id) => self.put_ahead(delivery.place, id),
                None => self.put(delivery.place, id),
            }
        }
        self.send_back();
    }

    /// The sound for a note of `place` that begins now, with one more user; each use ends with [`Library::release`].
    pub(super) fn acquire(&mut self, place: Place) -> Option<SoundId> {
        let index = place.index();
        Counters::count(self.counters.num_notes.get(index)?);
        self.step(index);
        let id = self.places[index].current?;
        self.hold(id);
        Some(id)
    }

    /// The next sound of a place whose sounds follow each other, or back to the one before: never twice the same.
    fn step(&mut self, index: usize) {
        let stock = &mut self.places[index];
        if let Some(next) = stock.ahead[0].take() {
            stock.ahead.rotate_left(1);
            let oldest = stock.previous.replace(next);
            std::mem::swap(&mut stock.previous, &mut stock.current);
            Counters::count(&self.counters.num_taken[index]);
            oldest.into_iter().for_each(|id| self.release(id));
        } else if stock.previous.is_some() {
            std::mem::swap(&mut stock.previous, &mut stock.current);
        }
    }

    /// One user more.
    fn hold(&mut self, id: SoundId) {
        if let Some(entry) = &mut self.shelf[id.0] {
            self.num_unused -= usize::from(entry.num_users == 0);
            entry.num_users += 1;
        }
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

    /// Makes `id` what `place` plays; all else that lay there goes.
    fn put(&mut self, place: Place, id: Option<SoundId>) {
        let Some(stock) = self.places.get_mut(place.index()) else { return };
        let old = std::mem::replace(stock, Stock { current: id, ..Stock::default() });
        id.into_iter().for_each(|id| self.hold(id));
        for _ in old.ahead.iter().flatten() {
            Counters::count(&self.counters.num_taken[place.index()]);
        }
        old.ahead.into_iter().chain([old.current, old.previous]).flatten().for_each(|id| self.release(id));
    }

    /// Puts `id` behind the sounds for later notes; one too many, or one for an empty place, goes again.
    fn put_ahead(&mut self, place: Place, id: SoundId) {
        let Some(stock) = self.places.get_mut(place.index()) else { return };
        let room = stock.ahead.iter_mut().find(|slot| slot.is_none()).filter(|_| stock.current.is_some());
        match room {
            Some(room) => {
                *room = Some(id);
                self.hold(id);
            }
            None => Counters::count(&self.counters.num_taken[place.index()]),
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
            let delivery = Delivery { place: Place::Keys, sound: Some(sound.clone()), is_ahead: false };
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

    /// The sounds that notes on the keyboard take, one after the other.
    fn notes<const N: usize>(library: &mut Library) -> [*const Sound; N] {
        std::array::from_fn(|_| {
            let id = library.acquire(Place::Keys).unwrap();
            let sound = std::ptr::from_ref(library.sound(id).unwrap());
            library.release(id);
            sound
        })
    }

    #[test]
    fn every_note_takes_the_next_sound_and_never_the_same_twice() {
        let (mut library, mut handle) = hand_over();
        let all: [_; 4] = std::array::from_fn(|_| sound());
        let [root, a, b, c] = all.each_ref().map(Arc::as_ptr);
        handle.give(Place::Keys, all[0].clone()).unwrap();
        library.exchange();
        assert!(!handle.was_played(Place::Keys));
        assert_eq!(notes(&mut library), [root, root]);
        assert!(handle.was_played(Place::Keys) && !handle.was_played(Place::Pad(0)));
        for sound in &all[1..] {
            handle.give_ahead(Place::Keys, sound.clone()).unwrap();
        }
        assert_eq!(handle.num_ahead(Place::Keys), 3);
        library.exchange();
        // Two are taken, the third, and then back and forth.
        assert_eq!(notes(&mut library), [a, b]);
        assert_eq!(handle.num_ahead(Place::Keys), 1);
        assert_eq!(notes(&mut library), [c, b, c, b]);
        // The first two are nobody's any more.
        library.exchange();
        handle.collect();
        assert_eq!(all.each_ref().map(Arc::strong_count), [1, 1, 2, 2]);
    }

    #[test]
    fn a_new_sound_throws_away_what_lay_ready() {
        let (mut library, mut handle) = hand_over();
        let all: [_; 6] = std::array::from_fn(|_| sound());
        handle.give(Place::Keys, all[0].clone()).unwrap();
        // One more than there is room for.
        for sound in &all[1..5] {
            handle.give_ahead(Place::Keys, sound.clone()).unwrap();
        }
        library.exchange();
        assert_eq!(handle.num_ahead(Place::Keys), AHEAD);
        let [_] = notes(&mut library);
        handle.give(Place::Keys, all[5].clone()).unwrap();
        library.exchange();
        assert_eq!((handle.num_ahead(Place::Keys), notes(&mut library)), (0, [Arc::as_ptr(&all[5]); 2]));
        handle.collect();
        assert_eq!(all.each_ref().map(Arc::strong_count), [1, 1, 1, 1, 1, 2]);
    }

    #[test]
    fn an_empty_place_takes_nothing_ahead() {
        let (mut library, mut handle) = hand_over();
        let lonely = sound();
        handle.give_ahead(Place::Pad(1), lonely.clone()).unwrap();
        library.exchange();
        handle.collect();
        assert_eq!((handle.num_ahead(Place::Pad(1)), Arc::strong_count(&lonely)), (0, 1));
        assert_eq!(library.acquire(Place::Pad(1)), None);
    }
}
