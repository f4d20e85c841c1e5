//! `Kit` mode: sixteen pads on the keys of the General MIDI drum map.

use super::hand_over::{Library, Place};
use super::held_keys::HeldKey;
use super::voice::{Context, Start};
use super::voices::Voices;

/// How many pads a kit has.
pub const NUM_PADS: usize = 16;

/// The key of the first pad: General MIDI's bass drum.
pub const FIRST_PAD_KEY: u8 = 36;

/// General MIDI's hi-hats (closed, pedal, open), of which only one sounds at a time.
const HI_HAT_KEYS: [u8; 3] = [42, 44, 46];

/// How one pad plays its sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pad {
    /// Level in dB.
    pub level_db: f32,
    /// -1 (left) to +1 (right).
    pub pan: f32,
    /// Semitones.
    pub tune_semitones: f32,
    /// Pads of one group silence each other; 0 belongs to none.
    pub choke_group: u8,
    /// Whether letting go of the key ends the sound. A drum rings on.
    pub is_gated: bool,
}

impl Default for Pad {
    fn default() -> Self {
        Self { level_db: 0.0, pan: 0.0, tune_semitones: 0.0, choke_group: 0, is_gated: false }
    }
}

/// Sixteen neutral pads whose hi-hats choke each other.
pub(super) fn general_midi_pads() -> [Pad; NUM_PADS] {
    std::array::from_fn(|pad| {
        let is_hi_hat = HI_HAT_KEYS.contains(&(FIRST_PAD_KEY + pad as u8));
        Pad { choke_group: u8::from(is_hi_hat), ..Pad::default() }
    })
}

/// A key goes down: its pad sounds, and the rest of its choke group falls silent.
pub(super) fn strike(key: HeldKey, voices: &mut Voices, library: &mut Library, context: &Context) {
    let Some(pad) = key.address.key.and_then(pad_at) else { return };
    let pads = &context.parameters.pads.0;
    choke(pads, pads[pad].choke_group, voices, context.sample_rate);
    let Some(sound) = library.acquire(Place::Pad(pad)) else { return };
    let start = Start {
        address: key.address,
        sound,
        pad: Some(pad),
        // A pad plays its sound as it is, whatever key it lies on.
        pitch: library.sound(sound).map_or(0.0, |sound| sound.root_key()),
        glide_from: None,
        velocity: key.velocity,
        is_one_shot: !pads[pad].is_gated,
        order: 0,
    };
    voices.start(start, library, context);
}

fn choke(pads: &[Pad; NUM_PADS], group: u8, voices: &mut Voices, sample_rate: f32) {
    let group_of = |pad: Option<usize>| pad.map_or(0, |pad| pads[pad].choke_group);
    if group != 0 {
        let others = voices.notes_mut().filter(|voice| group_of(voice.start().pad) == group);
        others.for_each(|voice| voice.cut(sample_rate));
    }
}

/// The pad that `key` strikes, if any.
pub(super) fn pad_at(key: u8) -> Option<usize> {
    let pad = usize::from(key.checked_sub(FIRST_PAD_KEY)?);
    (pad < NUM_PADS).then_some(pad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kit_spans_bass_drum_to_ride() {
        assert_eq!(pad_at(35), None);
        assert_eq!(pad_at(36), Some(0));
        assert_eq!(pad_at(51), Some(15));
        assert_eq!(pad_at(52), None);
    }

    #[test]
    fn the_three_hi_hats_share_the_only_choke_group() {
        let pads = general_midi_pads();
        let choked: Vec<_> = (0..NUM_PADS).filter(|&pad| pads[pad].choke_group == 1).collect();
        assert_eq!(choked, [6, 8, 10]);
    }
}
