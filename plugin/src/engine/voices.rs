//! Sharing notes out to voices, and taking a voice back when there are too many.

use super::events::Address;
use super::hand_over::Library;
use super::voice::{Context, Start, Voice};

/// How many notes sound at once; the next one takes the place of the one that is missed least.
pub const MAX_NOTES: usize = 32;

/// Slots beyond [`MAX_NOTES`] in which notes that lost their place fade out.
pub(super) const NUM_SLOTS: usize = 2 * MAX_NOTES;

/// How many ended notes one block can tell of.
const MAX_ENDED: usize = 256;

/// A note that has fallen silent, or that lost its place.
pub type EndedNote = Address;

/// Every voice. Belongs to the audio thread: after [`Voices::new`] no method allocates or frees.
#[derive(Debug)]
pub(super) struct Voices {
    slots: Vec<Option<Voice>>,
    ended: Vec<EndedNote>,
    num_started: u64,
}

impl Voices {
    /// No note sounds. Allocates all that is ever needed.
    pub(super) fn new() -> Self {
        let slots = std::iter::repeat_with(|| None).take(NUM_SLOTS).collect();
        Self { slots, ended: Vec::with_capacity(MAX_ENDED), num_started: 0 }
    }

    /// Starts a note, at the cost of another one if `num_notes` of the parameters sound already.
    ///
    /// `start.order` is set here. A sound that is gone from the library starts nothing.
    pub(super) fn start(&mut self, start: Start, library: &mut Library, context: &Context) {
        let limit = context.parameters.num_notes.clamp(1, MAX_NOTES);
        for _ in limit..=self.num_notes() {
            self.steal(context);
        }
        self.num_started += 1;
        let slot = self.free_slot();
        self.end(slot, library);
        let start = Start { order: self.num_started, ..start };
        self.slots[slot] = library.sound(start.sound).map(|sound| Voice::new(start, sound, context));
    }

    /// Adds every voice to the frames of `left` and `right`.
    pub(super) fn add_to(&mut self, library: &mut Library, context: &Context, left: &mut [f32], right: &mut [f32]) {
        for slot in 0..NUM_SLOTS {
            let Some(voice) = &mut self.slots[slot] else { continue };
            if let Some(sound) = library.sound(voice.start().sound) {
                voice.add_to(sound, context, left, right);
            }
            if voice.is_finished() {
                self.end(slot, library);
            }
        }
    }

    /// Silence at once.
    pub(super) fn stop(&mut self, library: &mut Library) {
        (0..NUM_SLOTS).for_each(|slot| self.end(slot, library));
    }

    /// The notes at `address` that have not been cut.
    pub(super) fn at(&mut self, address: Address) -> impl Iterator<Item = &mut Voice> {
        self.notes_mut().filter(move |voice| address.matches(&voice.start().address))
    }

    /// All notes that have not been cut.
    pub(super) fn notes_mut(&mut self) -> impl Iterator<Item = &mut Voice> {
        self.slots.iter_mut().flatten().filter(|voice| !voice.is_cut())
    }

    /// Every voice that still sounds.
    pub(super) fn sounding(&self) -> impl Iterator<Item = &Voice> {
        self.slots.iter().flatten()
    }

    /// The note that began last.
    pub(super) fn newest(&self) -> Option<&Voice> {
        self.sounding().filter(|voice| !voice.is_cut()).max_by_key(|voice| voice.start().order)
    }

    /// Notes that sound, not counting those that lost their place and are fading out.
    pub(super) fn num_notes(&self) -> usize {
        self.sounding().filter(|voice| !voice.is_cut()).count()
    }

    /// Whether no voice makes sound.
    pub(super) fn is_silent(&self) -> bool {
        self.sounding().next().is_none()
    }

    /// Notes that ended since [`Voices::forget_ended`].
    pub(super) fn ended(&self) -> &[EndedNote] {
        &self.ended
    }

    /// Begins a new list of ended notes.
    pub(super) fn forget_ended(&mut self) {
        self.ended.clear();
    }

    /// Tells of a note that no voice plays any more. A list that is full tells no more of them.
    pub(super) fn tell_ended(&mut self, address: Address) {
        if self.ended.len() < self.ended.capacity() {
            self.ended.push(address);
        }
    }

    /// Cuts the oldest note that nothing holds, or else the oldest of all.
    fn steal(&mut self, context: &Context) {
        let victim = self.notes_mut().min_by_key(|voice| (voice.is_held(), voice.start().order));
        if let Some(voice) = victim {
            voice.cut(context.sample_rate);
        }
    }

    /// A slot at rest, or the quietest of the notes that have been cut: there are always as many
    /// slots for them as notes.
    fn free_slot(&self) -> usize {
        if let Some(at_rest) = self.slots.iter().position(Option::is_none) {
            return at_rest;
        }
        let cut = self.slots.iter().enumerate().filter_map(|(slot, voice)| Some((slot, voice.as_ref()?)));
        let cut = cut.filter(|(_, voice)| voice.is_cut()).map(|(slot, voice)| (slot, voice.level()));
        // No slot is at rest and at most half of them are notes, so there is one.
        cut.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(slot, _)| slot)
    }

    /// Leaves `slot` free; the library may take back what it played.
    fn end(&mut self, slot: usize, library: &mut Library) {
        if let Some(Start { address, sound, .. }) = self.slots[slot].as_ref().map(|voice| *voice.start()) {
            self.slots[slot] = None;
            self.tell_ended(address);
            library.release(sound);
        }
    }
}
