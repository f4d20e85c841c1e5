//! Sharing notes out to voices, and taking a voice back when there are too many.

use std::ops::Range;

use super::{Address, Event, Voice};
use crate::clip::Clip;

/// How many notes sound at once; the next one takes the place of the one that is missed least.
pub const MAX_NOTES: usize = 16;

/// The MIDI key that plays the clip at its own pitch: middle C.
pub const ROOT_KEY: u8 = 60;

/// Slots beyond [`MAX_NOTES`] in which notes that lost their place fade out.
const NUM_SLOTS: usize = 2 * MAX_NOTES;

/// How fast a choked note or one that lost its place falls silent: too fast to hear as a tail,
/// too slow to hear as a click.
const CUT_MS: f32 = 5.0;

/// Every voice of the instrument and the clip that they play.
///
/// Belongs to the audio thread: after [`Voices::new`] no method allocates, frees or blocks.
#[derive(Debug)]
pub struct Voices {
    clip: Clip,
    slots: [Voice; NUM_SLOTS],
    sample_rate: f32,
    cut_samples: u32,
    release_samples: u32,
    num_started: u64,
}

impl Voices {
    /// Voices that play `clip` into output at `sample_rate` Hz. Allocates; off the audio thread.
    pub fn new(clip: Clip, sample_rate: f32) -> Self {
        let cut_samples = samples_of(CUT_MS, sample_rate);
        Self {
            clip,
            slots: std::array::from_fn(|_| Voice::free()),
            sample_rate,
            cut_samples,
            release_samples: cut_samples,
            num_started: 0,
        }
    }

    /// Sets how long the notes that end from now on take to fall silent, in milliseconds.
    pub fn set_release_ms(&mut self, release_ms: f32) {
        self.release_samples = samples_of(release_ms, self.sample_rate);
    }

    /// Takes an event into account from the next frame on.
    pub fn handle(&mut self, event: Event) {
        match event {
            Event::NoteOn { address, velocity } => self.start(address, velocity),
            Event::NoteOff(address) => self.let_go(address, self.release_samples),
            Event::Choke(address) => self.cut(address),
        }
    }

    /// Adds every voice to frames `frames` of `output` (channels of equal length).
    pub fn add_to(&mut self, output: &mut [&mut [f32]], frames: Range<usize>) {
        for voice in &mut self.slots {
            voice.add_to(&self.clip, output, frames.clone());
        }
    }

    /// Silence at once, as after loading.
    pub fn reset(&mut self) {
        self.slots.iter_mut().for_each(Voice::stop);
    }

    /// Whether no voice makes sound.
    pub fn is_silent(&self) -> bool {
        !self.slots.iter().any(Voice::is_playing)
    }

    /// Notes that sound, not counting those that lost their place and are fading out.
    pub fn num_notes(&self) -> usize {
        self.slots.iter().filter(|voice| self.is_note(voice)).count()
    }

    fn start(&mut self, address: Address, velocity: f32) {
        if self.num_notes() >= MAX_NOTES {
            self.steal();
        }
        let step = self.step(address.key.unwrap_or(ROOT_KEY));
        self.num_started += 1;
        let order = self.num_started;
        let slot = self.free_slot();
        self.slots[slot].start(address, step, velocity, order);
    }

    /// Frames of the clip per frame of output: twelve keys double it.
    fn step(&self, key: u8) -> f64 {
        let octaves = (f64::from(key) - f64::from(ROOT_KEY)) / 12.0;
        octaves.exp2() * f64::from(self.clip.sample_rate()) / f64::from(self.sample_rate)
    }

    /// Fades out the oldest note whose key is up, or else the oldest of all.
    fn steal(&mut self) {
        let notes = (0..NUM_SLOTS).filter(|&slot| self.is_note(&self.slots[slot]));
        let victim = notes.min_by_key(|&slot| (self.slots[slot].is_held(), self.slots[slot].order()));
        if let Some(slot) = victim {
            self.slots[slot].release(self.cut_samples);
        }
    }

    /// A slot at rest. If more notes than fit were started within [`CUT_MS`], the one nearest silence.
    fn free_slot(&self) -> usize {
        let remaining = |voice: &Voice| match voice.is_playing() {
            true => voice.fade_remaining().unwrap_or(u32::MAX),
            false => 0,
        };
        // The range is not empty, so there is always a least one.
        (0..NUM_SLOTS).min_by_key(|&slot| remaining(&self.slots[slot])).unwrap_or(0)
    }

    /// Whether a voice holds a place: it plays and is not in its last few milliseconds.
    fn is_note(&self, voice: &Voice) -> bool {
        voice.is_playing() && voice.fade_remaining().is_none_or(|left| left > self.cut_samples)
    }

    /// Releases the held notes at `address`; notes already let go keep their fade.
    fn let_go(&mut self, address: Address, num_samples: u32) {
        let held = self.slots.iter_mut().filter(|voice| voice.is_held());
        held.filter(|voice| address.matches(voice.address())).for_each(|voice| voice.release(num_samples));
    }

    /// Silences every note at `address`, whether held or fading.
    fn cut(&mut self, address: Address) {
        let playing = self.slots.iter_mut().filter(|voice| voice.is_playing());
        playing.filter(|voice| address.matches(voice.address())).for_each(|voice| voice.release(self.cut_samples));
    }
}

/// A time in samples, at least one.
fn samples_of(time_ms: f32, sample_rate: f32) -> u32 {
    // A float-to-integer cast saturates, so that no time or rate can wrap.
    (time_ms * 0.001 * sample_rate).round().max(1.0) as u32
}
