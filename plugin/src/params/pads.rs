//! The parameters of one pad.

use nice_plug::prelude::*;

use super::ranges::{plain, signed_percent};
use crate::engine::{Pad, Pads};

/// How one pad plays its sound.
#[derive(Params)]
pub struct PadParams {
    /// Level in dB.
    #[id = "plvl"]
    pub level_db: FloatParam,
    /// -100 (left) to +100 (right).
    #[id = "ppan"]
    pub pan: FloatParam,
    /// Semitones.
    #[id = "ptune"]
    pub tune: FloatParam,
    /// Pads of one group silence each other; 0 belongs to none.
    #[id = "pchoke"]
    pub choke_group: IntParam,
    /// Whether letting go of the key ends the sound.
    #[id = "pgate"]
    pub is_gated: BoolParam,
    /// Whether generating for the whole kit leaves the pad's sound alone.
    #[id = "plock"]
    pub is_locked: BoolParam,
}

impl PadParams {
    /// Pad `index` of General MIDI's kit.
    pub fn new(index: usize) -> Self {
        let pad = Pads::default().0.get(index).copied().unwrap_or_default();
        let name = |what: &str| format!("Pad {} {what}", index + 1);
        Self {
            level_db: plain(name("level"), pad.level_db, (-60.0, 12.0), " dB"),
            pan: signed_percent(name("pan"), 100.0 * pad.pan),
            tune: plain(name("tune"), pad.tune_semitones, (-24.0, 24.0), " st"),
            choke_group: IntParam::new(name("choke"), pad.choke_group.into(), IntRange::Linear { min: 0, max: 8 }),
            is_gated: BoolParam::new(name("gate"), pad.is_gated),
            is_locked: BoolParam::new(name("lock"), false),
        }
    }

    /// The values as the engine reads them.
    pub fn to_engine(&self) -> Pad {
        Pad {
            level_db: self.level_db.value(),
            pan: 0.01 * self.pan.value(),
            tune_semitones: self.tune.value(),
            choke_group: self.choke_group.value().clamp(0, 8) as u8,
            is_gated: self.is_gated.value(),
        }
    }
}
