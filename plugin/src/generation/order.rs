//! [`Order`]: what the audio thread or the window asks of the worker.

use crate::engine::{NUM_PADS, Place};

/// How many attributes an order can set: brightness, decay, attack, noisiness and loudness, in this order; of a model of
/// textures density and movement in the place of decay and attack.
pub const NUM_ATTRIBUTES: usize = 5;

/// Where new sounds are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// At one place.
    One(Place),
    /// On every pad that is not locked; bit n of the mask locks pad n.
    Kit {
        /// The locked pads.
        locked: u16,
    },
}

impl Target {
    /// The places, in the order in which they are made.
    pub(super) fn places(self) -> impl Iterator<Item = Place> {
        let is_meant = move |place: &Place| match (self, *place) {
            (Self::One(one), place) => one == place,
            (Self::Kit { locked }, Place::Pad(pad)) => locked & (1 << pad) == 0,
            (Self::Kit { .. }, Place::Keys) => false,
        };
        std::iter::once(Place::Keys).chain((0..NUM_PADS).map(Place::Pad)).filter(is_meant)
    }
}

/// What the new sound has to do with the ones that are there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// Nothing: class and attributes are those of the settings.
    #[default]
    Roll,
    /// It lies near the sound of its place: that one's class and attributes, and noise mixed with a new seed's.
    Vary,
    /// It lies between the sounds of the two slots.
    Morph,
}

/// What kind of sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// The number of a class of the model. `None` on the keyboard lets the seed choose, on a pad it is the drum of the
    /// pad's key.
    pub class: Option<usize>,
    /// 0 to 1 each, or free.
    pub attributes: [Option<f32>; NUM_ATTRIBUTES],
    /// The MIDI key of the sound, if the model follows one; else middle C where it needs one.
    pub pitch: Option<u8>,
    /// Denoising steps; 0: as many as the model is meant for, or as the sound has that it starts from.
    pub steps: usize,
    /// Strength of classifier-free guidance; 1 is none, below 0 it is the model's own.
    pub guidance: f32,
    /// How far apart the two channels of the sound lie, 0 (one channel) to 1.
    pub width: f32,
    /// Whether the seed of the sound that lies there stays.
    pub keeps_seed: bool,
    /// The seed itself, if the user gave one.
    pub seed: Option<u64>,
    /// How far [`Kind::Vary`] goes, 0 to 1.
    pub amount: f32,
    /// Where between slot A (0) and slot B (1) [`Kind::Morph`] lies.
    pub blend: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            class: None,
            attributes: [None; NUM_ATTRIBUTES],
            pitch: None,
            steps: 16,
            guidance: 1.0,
            width: 0.0,
            keeps_seed: false,
            seed: None,
            amount: 0.25,
            blend: 0.5,
        }
    }
}

/// One press of the button. A plain value: sending it allocates nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Order {
    /// Where.
    pub target: Target,
    /// From what.
    pub kind: Kind,
    /// What.
    pub settings: Settings,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kit_is_every_pad_that_is_not_locked() {
        let places: Vec<_> = Target::Kit { locked: 0xFFFA }.places().collect();
        assert_eq!(places, [Place::Pad(0), Place::Pad(2)]);
        assert_eq!(Target::Kit { locked: 0 }.places().count(), NUM_PADS);
    }

    #[test]
    fn one_place_is_that_place() {
        for place in [Place::Keys, Place::Pad(15)] {
            assert_eq!(Target::One(place).places().collect::<Vec<_>>(), [place]);
        }
    }
}
