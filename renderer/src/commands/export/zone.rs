//! [`Zone`]: the keys that play a sound.

use super::Sound;

/// A sound on a range of keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    /// What is played.
    pub sound: Sound,
    /// The lowest key, MIDI.
    pub low_key: u8,
    /// The highest key, MIDI.
    pub high_key: u8,
    /// The pitch at which it sounds as it is, MIDI; `None` on drums, which have one key and no pitch.
    pub root: Option<f32>,
    /// Which of the sounds that take turns on these keys, from 1, and how many they are.
    pub turn: (usize, usize),
    /// Sounds of a group end each other.
    pub group: Option<u8>,
}
