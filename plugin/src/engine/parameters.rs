//! Everything that the player can set, in plain units; one copy is read with every block.

use super::kit::{NUM_PADS, Pad, general_midi_pads};
use super::voices::MAX_NOTES;

/// What the keys mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// One sound over the whole keyboard.
    #[default]
    Keys,
    /// Sixteen sounds on the keys of the General MIDI drum map.
    Kit,
}

/// How notes in [`Mode::Keys`] follow each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PlayMode {
    /// Every note gets a voice.
    #[default]
    Poly,
    /// One note at a time; each one starts the sound again.
    Mono,
    /// One note at a time; a note that overlaps the last only changes its pitch.
    Legato,
}

/// What happens where the sound ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LoopMode {
    /// The note ends with the sound.
    Off,
    /// Back to the start of the sound's own loop, where it has one.
    #[default]
    Own,
    /// Back to the loop's start; for sounds whose ends fit.
    Forward,
    /// The end of the loop fades into its start.
    CrossFaded,
}

/// Which part of the spectrum the filter lets through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FilterMode {
    /// No filter: the sound passes bit by bit.
    #[default]
    Off,
    /// Below the cutoff, 12 dB per octave.
    LowPass12,
    /// Below the cutoff, 24 dB per octave.
    LowPass24,
    /// Above the cutoff, 12 dB per octave.
    HighPass,
    /// Around the cutoff, 6 dB per octave on each side.
    BandPass,
    /// All but the cutoff.
    Notch,
}

/// An envelope of four stages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EnvelopeParameters {
    /// From silence to the top, in milliseconds.
    pub attack_ms: f32,
    /// From the top to the sustain level, in milliseconds.
    pub decay_ms: f32,
    /// The level while the key is held, 0 to 1.
    pub sustain: f32,
    /// From key up to exact silence, in milliseconds.
    pub release_ms: f32,
}

impl Default for EnvelopeParameters {
    fn default() -> Self {
        Self { attack_ms: 0.0, decay_ms: 500.0, sustain: 1.0, release_ms: 400.0 }
    }
}

/// The filter and what moves its cutoff.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FilterParameters {
    /// Which part passes.
    pub mode: FilterMode,
    /// The corner in Hz; the engine keeps it between 10 Hz and 0.49 of the sample rate.
    pub cutoff_hz: f32,
    /// 0 (no peak) to 1 (a peak of 29 dB).
    pub resonance: f32,
    /// How far the cutoff follows the key, 0 to 1; 1 is octave for octave.
    pub key_tracking: f32,
    /// Octaves that the filter's envelope adds at its top; may be negative.
    pub envelope_octaves: f32,
    /// Octaves that the hardest velocity adds.
    pub velocity_octaves: f32,
    /// Octaves that the fullest pressure adds.
    pub pressure_octaves: f32,
    /// The filter's own envelope.
    pub envelope: EnvelopeParameters,
}

impl Default for FilterParameters {
    fn default() -> Self {
        Self {
            mode: FilterMode::Off,
            cutoff_hz: 20_480.0,
            resonance: 0.0,
            key_tracking: 0.0,
            envelope_octaves: 0.0,
            velocity_octaves: 0.0,
            pressure_octaves: 2.0,
            envelope: EnvelopeParameters { sustain: 0.0, ..EnvelopeParameters::default() },
        }
    }
}

/// Which part of the sound a note plays. Fractions are of the whole sound, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegionParameters {
    /// Where a note begins.
    pub start: f32,
    /// Where it ends.
    pub end: f32,
    /// Whether it runs from `end` to `start`.
    pub is_reversed: bool,
    /// What happens at the end.
    pub loop_mode: LoopMode,
    /// Where the loop begins. With `loop_end` at 1 and this at 0, the sound's own loop counts.
    pub loop_start: f32,
    /// Where the loop ends.
    pub loop_end: f32,
    /// How long the ends overlap in [`LoopMode::CrossFaded`], in milliseconds of the sound.
    pub loop_fade_ms: f32,
}

impl Default for RegionParameters {
    fn default() -> Self {
        Self {
            start: 0.0,
            end: 1.0,
            is_reversed: false,
            loop_mode: LoopMode::Own,
            loop_start: 0.0,
            loop_end: 1.0,
            loop_fade_ms: 50.0,
        }
    }
}

/// How velocity becomes level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VelocityParameters {
    /// 0 plays every note at full level, 1 takes the softest down to silence.
    pub amount: f32,
    /// -1 (soft notes softer) to +1 (soft notes louder); 0 counts velocity squared.
    pub curve: f32,
}

impl VelocityParameters {
    /// The level of a note struck at `velocity` (0 to 1).
    pub fn level(&self, velocity: f32) -> f32 {
        let (amount, velocity) = (self.amount.clamp(0.0, 1.0), velocity.clamp(0.0, 1.0));
        let curved = match self.curve {
            0.0 => velocity * velocity,
            curve => velocity.powf(2.0 * (-2.0 * curve.clamp(-1.0, 1.0)).exp2()),
        };
        1.0 - amount + amount * curved
    }
}

impl Default for VelocityParameters {
    fn default() -> Self {
        Self { amount: 1.0, curve: 0.0 }
    }
}

/// The whole instrument. Values beyond their ranges are brought back into them where they are used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// What the keys mean.
    pub mode: Mode,
    /// Output level in dB.
    pub gain_db: f32,
    /// -1 (left) to +1 (right), at constant power.
    pub pan: f32,
    /// Semitones added to every note.
    pub tune_semitones: f32,
    /// Semitones of the pitch wheel's full travel.
    pub bend_semitones: f32,
    /// How many notes may sound at once, 1 to [`MAX_NOTES`].
    pub num_notes: usize,
    /// How notes follow each other in [`Mode::Keys`].
    pub play_mode: PlayMode,
    /// Time to slide from the last note's pitch to the next, in milliseconds; 0 jumps.
    pub glide_ms: f32,
    /// Whether notes of [`Mode::Keys`] ignore the key's release and play to their end.
    pub is_one_shot: bool,
    /// How velocity becomes level.
    pub velocity: VelocityParameters,
    /// The level of a note over time.
    pub amplitude: EnvelopeParameters,
    /// The filter.
    pub filter: FilterParameters,
    /// The part of the sound that is played.
    pub region: RegionParameters,
    /// The pads of [`Mode::Kit`].
    pub pads: Pads,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            mode: Mode::Keys,
            gain_db: 0.0,
            pan: 0.0,
            tune_semitones: 0.0,
            bend_semitones: 2.0,
            num_notes: MAX_NOTES,
            play_mode: PlayMode::Poly,
            glide_ms: 0.0,
            is_one_shot: false,
            velocity: VelocityParameters::default(),
            amplitude: EnvelopeParameters::default(),
            filter: FilterParameters::default(),
            region: RegionParameters::default(),
            pads: Pads::default(),
        }
    }
}

/// The sixteen pads; by default on General MIDI's keys with its hi-hats choking each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pads(pub [Pad; NUM_PADS]);

impl Default for Pads {
    fn default() -> Self {
        Self(general_midi_pads())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn velocity_counts_squared_unless_told_otherwise() {
        let velocity = VelocityParameters::default();
        assert_eq!(velocity.level(1.0), 1.0);
        assert_eq!(velocity.level(0.5), 0.25);
        assert_eq!(velocity.level(0.0), 0.0);
    }

    #[test]
    fn without_amount_every_note_is_at_full_level() {
        let velocity = VelocityParameters { amount: 0.0, curve: 0.5 };
        assert_eq!(velocity.level(0.1), 1.0);
    }

    #[test]
    fn a_higher_curve_makes_soft_notes_louder() {
        let level = |curve| VelocityParameters { amount: 1.0, curve }.level(0.5);
        assert!(level(-1.0) < level(0.0) && level(0.0) < level(1.0));
    }
}
