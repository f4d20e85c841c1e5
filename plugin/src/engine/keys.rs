//! `Keys` mode: one sound over the keyboard, many notes or one at a time.

use super::envelope::samples;
use super::events::Address;
use super::hand_over::{Library, Place};
use super::held_keys::{HeldKey, HeldKeys};
use super::parameters::PlayMode;
use super::voice::{Context, Start, Voice};
use super::voices::Voices;

/// The key of a note that names none: middle C.
const MIDDLE_C: u8 = 60;

/// What the keyboard remembers from note to note. Wait-free.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys {
    held: HeldKeys,
    last_pitch: Option<f32>,
}

impl Keys {
    /// No key has been struck.
    pub(super) fn new() -> Self {
        Self { held: HeldKeys::new(), last_pitch: None }
    }

    /// A key goes down.
    pub(super) fn note_on(&mut self, key: HeldKey, voices: &mut Voices, library: &mut Library, context: &Context) {
        let play_mode = context.parameters.play_mode;
        if play_mode != PlayMode::Poly {
            self.held.push(key);
        }
        if play_mode != PlayMode::Legato || !self.slide(&key, voices, context) {
            self.start(&key, voices, library, context);
        }
        self.last_pitch = Some(pitch(&key.address));
    }

    /// Keys come up: when one note plays at a time, the key that was struck before sounds again.
    pub(super) fn note_off(&mut self, address: Address, voices: &mut Voices, library: &mut Library, context: &Context) {
        let sounding = self.held.last().map(|key| key.address);
        self.held.remove(&address);
        let back = self.held.last().copied().filter(|back| sounding != Some(back.address));
        match (context.parameters.play_mode, back) {
            (PlayMode::Legato, Some(back)) if self.slide(&back, voices, context) => {}
            (PlayMode::Mono, Some(back)) => self.start(&back, voices, library, context),
            _ => voices.at(address).filter(|voice| is_key(voice)).for_each(|voice| voice.note_off(context)),
        }
        if let (Some(back), true) = (back, context.parameters.play_mode != PlayMode::Poly) {
            self.last_pitch = Some(pitch(&back.address));
        }
    }

    /// Forgets the keys at `address`.
    pub(super) fn forget(&mut self, address: Address) {
        self.held.remove(&address);
    }

    /// A new note; when one plays at a time, the others make room.
    fn start(&mut self, key: &HeldKey, voices: &mut Voices, library: &mut Library, context: &Context) {
        let parameters = context.parameters;
        if parameters.play_mode != PlayMode::Poly {
            voices.notes_mut().filter(|voice| is_key(voice)).for_each(|voice| voice.cut(context.sample_rate));
        }
        let Some(sound) = library.acquire(Place::Keys) else { return };
        // In legato only notes that overlap slide.
        let is_sliding = parameters.glide_ms > 0.0 && parameters.play_mode != PlayMode::Legato;
        let start = Start {
            address: key.address,
            sound,
            pad: None,
            pitch: pitch(&key.address),
            glide_from: self.last_pitch.filter(|_| is_sliding),
            velocity: key.velocity,
            is_one_shot: parameters.is_one_shot,
            order: 0,
        };
        voices.start(start, library, context);
    }

    /// Takes the held note over to `key`; false if there is none.
    fn slide(&self, key: &HeldKey, voices: &mut Voices, context: &Context) -> bool {
        let glide_frames = samples(context.parameters.glide_ms, context.sample_rate);
        let Some(voice) = voices.notes_mut().find(|voice| is_key(voice) && voice.is_held()) else { return false };
        let old = voice.start().address;
        voice.retarget(key.address, pitch(&key.address), glide_frames);
        if !self.held.contains(&old) {
            voices.tell_ended(old);
        }
        true
    }
}

fn is_key(voice: &Voice) -> bool {
    voice.start().pad.is_none()
}

fn pitch(address: &Address) -> f32 {
    f32::from(address.key.unwrap_or(MIDDLE_C))
}
