//! What the host can automate and stores in its project. An id never changes once released.

mod choices;
mod class_names;
mod generation;
mod pads;
mod ranges;

use nice_plug::prelude::*;

pub use choices::{FilterChoice, LoopChoice, ModeChoice, PlayChoice};
#[cfg(feature = "editor")]
pub use generation::FREE_KEY;
pub use generation::GenerationParams;
pub use pads::PadParams;
use ranges::{OCTAVES, cutoff, cutoff_hz, milliseconds, octaves, percent, plain, signed_percent};

use crate::audition::Audition;
use crate::engine::{
    EnvelopeParameters, FilterParameters, MAX_NOTES, ModulationTarget, NUM_PADS, Pads, Parameters, RegionParameters,
    VelocityParameters,
};
use crate::generation::{Kind, Order};
use crate::state::{PatchField, WindowField};

/// Semitones that the instrument can be tuned up or down.
const MAX_TUNE: f32 = 48.0;

/// The level's range in dB.
const GAIN_DB: (f32, f32) = (-60.0, 12.0);

/// The instrument's parameters. The host's thread writes, the audio thread reads.
#[derive(Params)]
#[allow(missing_docs, reason = "the names below say it, and `Parameters` says it in full")]
pub struct BrownianParams {
    #[id = "mode"]
    pub mode: EnumParam<ModeChoice>,
    /// Output level in dB, -60 to +12.
    #[id = "gain"]
    pub gain_db: FloatParam,
    #[id = "pan"]
    pub pan: FloatParam,
    #[id = "tune"]
    pub tune: FloatParam,
    #[id = "bend"]
    pub bend: IntParam,
    #[id = "play"]
    pub play_mode: EnumParam<PlayChoice>,
    #[id = "notes"]
    pub num_notes: IntParam,
    #[id = "glide"]
    pub glide_ms: FloatParam,
    #[id = "oneshot"]
    pub is_one_shot: BoolParam,
    #[id = "velamt"]
    pub velocity_amount: FloatParam,
    #[id = "velcrv"]
    pub velocity_curve: FloatParam,
    #[id = "attack"]
    pub attack_ms: FloatParam,
    #[id = "decay"]
    pub decay_ms: FloatParam,
    #[id = "sustain"]
    pub sustain: FloatParam,
    /// Time from note-off to silence in milliseconds, 1 to 10000.
    #[id = "release"]
    pub release_ms: FloatParam,
    #[id = "ftype"]
    pub filter_mode: EnumParam<FilterChoice>,
    /// Octaves above the lowest cutoff: the host's modulation is then in octaves.
    #[id = "cutoff"]
    pub cutoff: FloatParam,
    #[id = "reso"]
    pub resonance: FloatParam,
    #[id = "fkey"]
    pub filter_key: FloatParam,
    #[id = "fenv"]
    pub filter_envelope: FloatParam,
    #[id = "fvel"]
    pub filter_velocity: FloatParam,
    #[id = "fpress"]
    pub filter_pressure: FloatParam,
    #[id = "fatk"]
    pub filter_attack_ms: FloatParam,
    #[id = "fdec"]
    pub filter_decay_ms: FloatParam,
    #[id = "fsus"]
    pub filter_sustain: FloatParam,
    #[id = "frel"]
    pub filter_release_ms: FloatParam,
    #[id = "start"]
    pub start: FloatParam,
    #[id = "end"]
    pub end: FloatParam,
    #[id = "reverse"]
    pub is_reversed: BoolParam,
    #[id = "loop"]
    pub loop_mode: EnumParam<LoopChoice>,
    #[id = "lstart"]
    pub loop_start: FloatParam,
    #[id = "lend"]
    pub loop_end: FloatParam,
    #[id = "lfade"]
    pub loop_fade_ms: FloatParam,
    /// What is generated, where and when.
    #[nested(group = "Generate")]
    pub generation: GenerationParams,
    /// The sounds themselves.
    #[persist = "patch"]
    pub patch: PatchField,
    /// How large the window was.
    #[persist = "window"]
    pub window: WindowField,
    /// Keys that the window holds down; no part of a project.
    pub audition: Audition,
    /// The pads of a kit, from the bass drum's key up.
    #[nested(array, group = "Pad")]
    pub pads: [PadParams; NUM_PADS],
}

impl Default for BrownianParams {
    fn default() -> Self {
        let engine = Parameters::default();
        Self {
            mode: EnumParam::new("Mode", ModeChoice::Keys),
            gain_db: plain("Gain", engine.gain_db, GAIN_DB, " dB")
                .with_poly_modulation_id(ModulationTarget::Gain as u32),
            pan: signed_percent("Pan", 0.0).with_poly_modulation_id(ModulationTarget::Pan as u32),
            tune: plain("Tune", 0.0, (-MAX_TUNE, MAX_TUNE), " st")
                .with_poly_modulation_id(ModulationTarget::Tune as u32),
            bend: IntParam::new("Pitch bend", 2, IntRange::Linear { min: 0, max: 48 }).with_unit(" st"),
            play_mode: EnumParam::new("Play", PlayChoice::Poly),
            num_notes: IntParam::new("Voices", MAX_NOTES as i32, IntRange::Linear { min: 1, max: MAX_NOTES as i32 }),
            glide_ms: milliseconds("Glide", 0.0, (0.0, 5000.0)),
            is_one_shot: BoolParam::new("One-shot", false),
            velocity_amount: percent("Velocity", 100.0),
            velocity_curve: signed_percent("Velocity curve", 0.0),
            attack_ms: milliseconds("Attack", 0.0, (0.0, 10_000.0)),
            decay_ms: milliseconds("Decay", 500.0, (1.0, 10_000.0)),
            sustain: percent("Sustain", 100.0),
            release_ms: milliseconds("Release", 400.0, (1.0, 10_000.0)),
            filter_mode: EnumParam::new("Filter", FilterChoice::Off),
            cutoff: cutoff("Cutoff").with_poly_modulation_id(ModulationTarget::Cutoff as u32),
            resonance: percent("Resonance", 0.0).with_poly_modulation_id(ModulationTarget::Resonance as u32),
            filter_key: percent("Filter key tracking", 0.0),
            filter_envelope: octaves("Filter envelope", 0.0)
                .with_poly_modulation_id(ModulationTarget::FilterEnvelope as u32),
            filter_velocity: octaves("Filter velocity", 0.0),
            filter_pressure: octaves("Filter pressure", engine.filter.pressure_octaves),
            filter_attack_ms: milliseconds("Filter attack", 0.0, (0.0, 10_000.0)),
            filter_decay_ms: milliseconds("Filter decay", 500.0, (1.0, 10_000.0)),
            filter_sustain: percent("Filter sustain", 0.0),
            filter_release_ms: milliseconds("Filter release", 400.0, (1.0, 10_000.0)),
            start: percent("Start", 0.0),
            end: percent("End", 100.0),
            is_reversed: BoolParam::new("Reverse", false),
            loop_mode: EnumParam::new("Loop", LoopChoice::Sustain),
            loop_start: percent("Loop start", 0.0),
            loop_end: percent("Loop end", 100.0),
            loop_fade_ms: milliseconds("Loop fade", 50.0, (1.0, 2000.0)),
            generation: GenerationParams::default(),
            patch: PatchField::default(),
            window: WindowField::default(),
            audition: Audition::default(),
            pads: std::array::from_fn(PadParams::new),
        }
    }
}

impl BrownianParams {
    /// The values as the engine reads them. Reads some hundred atomics; for the audio thread.
    pub fn to_engine(&self) -> Parameters {
        Parameters {
            mode: self.mode.value().into(),
            gain_db: self.gain_db.value(),
            pan: 0.01 * self.pan.value(),
            tune_semitones: self.tune.value(),
            bend_semitones: self.bend.value() as f32,
            num_notes: self.num_notes.value().max(1) as usize,
            play_mode: self.play_mode.value().into(),
            glide_ms: self.glide_ms.value(),
            is_one_shot: self.is_one_shot.value(),
            velocity: VelocityParameters {
                amount: 0.01 * self.velocity_amount.value(),
                curve: 0.01 * self.velocity_curve.value(),
            },
            amplitude: EnvelopeParameters {
                attack_ms: self.attack_ms.value(),
                decay_ms: self.decay_ms.value(),
                sustain: 0.01 * self.sustain.value(),
                release_ms: self.release_ms.value(),
            },
            filter: self.filter(),
            region: self.region(),
            pads: Pads(std::array::from_fn(|pad| self.pads[pad].to_engine())),
        }
    }

    /// What a press of `Generate` asks for now. For the audio thread.
    pub fn order(&self) -> Order {
        self.order_of(self.generation.kind())
    }

    /// An order of this kind by the knobs as they stand. Wait-free.
    pub fn order_of(&self, kind: Kind) -> Order {
        let lock = |(pad, params): (usize, &PadParams)| u16::from(params.is_locked.value()) << pad;
        let locked = self.pads.iter().enumerate().map(lock).sum();
        Order { target: self.generation.target(locked), kind, settings: self.generation.settings() }
    }

    fn filter(&self) -> FilterParameters {
        FilterParameters {
            mode: self.filter_mode.value().into(),
            cutoff_hz: cutoff_hz(self.cutoff.value()),
            resonance: 0.01 * self.resonance.value(),
            key_tracking: 0.01 * self.filter_key.value(),
            envelope_octaves: self.filter_envelope.value(),
            velocity_octaves: self.filter_velocity.value(),
            pressure_octaves: self.filter_pressure.value(),
            envelope: EnvelopeParameters {
                attack_ms: self.filter_attack_ms.value(),
                decay_ms: self.filter_decay_ms.value(),
                sustain: 0.01 * self.filter_sustain.value(),
                release_ms: self.filter_release_ms.value(),
            },
        }
    }

    fn region(&self) -> RegionParameters {
        RegionParameters {
            start: 0.01 * self.start.value(),
            end: 0.01 * self.end.value(),
            is_reversed: self.is_reversed.value(),
            loop_mode: self.loop_mode.value().into(),
            loop_start: 0.01 * self.loop_start.value(),
            loop_end: 0.01 * self.loop_end.value(),
            loop_fade_ms: self.loop_fade_ms.value(),
        }
    }
}

/// The target with this polyphonic modulation id, and its unit per unit of the host's offset, which
/// is a part of the parameter's whole range.
pub fn modulation(id: u32) -> Option<(ModulationTarget, f32)> {
    let spans = [
        (ModulationTarget::Tune, 2.0 * MAX_TUNE),
        (ModulationTarget::Gain, GAIN_DB.1 - GAIN_DB.0),
        (ModulationTarget::Pan, 2.0),
        (ModulationTarget::Cutoff, ranges::CUTOFF_OCTAVES),
        (ModulationTarget::Resonance, 1.0),
        (ModulationTarget::FilterEnvelope, 2.0 * OCTAVES),
    ];
    spans.into_iter().find(|(target, _)| *target as u32 == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_default_the_sound_passes_untouched() {
        let parameters = BrownianParams::default().to_engine();
        assert_eq!(parameters, Parameters::default());
    }

    #[test]
    fn every_id_is_there_once_and_short() {
        let params = BrownianParams::default();
        let mut ids: Vec<String> = params.param_map().into_iter().map(|(id, _, _)| id).collect();
        let num_ids = ids.len();
        assert!(ids.iter().all(|id| id.len() <= 9), "{ids:?}");
        ids.sort();
        ids.dedup();
        assert_eq!((ids.len(), num_ids), (50 + 6 * NUM_PADS, 50 + 6 * NUM_PADS));
    }

    #[test]
    fn every_value_survives_its_own_text() {
        let params = BrownianParams::default();
        for (id, param, _) in params.param_map() {
            for step in 0..=20 {
                let text = |value| text_of(param, value);
                let once = text(step as f32 / 20.0);
                let again = text(value_of(param, &once).unwrap_or_else(|| panic!("{id}: {once} is not understood")));
                assert_eq!(once, again, "{id}");
            }
        }
    }

    fn text_of(param: ParamPtr, value: f32) -> String {
        // SAFETY: `params` of the caller outlives the pointer.
        unsafe { param.normalized_value_to_string(value, true) }
    }

    fn value_of(param: ParamPtr, text: &str) -> Option<f32> {
        // SAFETY: as above.
        unsafe { param.string_to_normalized_value(text) }
    }
}
