//! What the next sound is to be, and the button that asks for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nice_plug::prelude::*;

use super::class_names::ClassNames;
use super::ranges::plain;
use crate::engine::{NUM_PADS, Place};
use crate::generation::{Kind, NUM_ATTRIBUTES, Settings, Target};
use crate::state::loading;

/// In the lowest stretch of its knob an attribute is free. A host's 0 % may come back a little lower, and is still 0 %.
const FREE_BELOW: f32 = -0.5;
const LOWEST: f32 = -5.0;

/// In the lowest stretch of its knob the guidance is the model's.
const MODELS_BELOW: f32 = -0.125;
/// How a host names what is left to the model.
const MODELS: &str = "model's";

/// The value of the pitch that leaves it to the model: the key below the piano's lowest.
pub const FREE_KEY: i32 = 20;

/// Classes that can be chosen: a model of the user's may have more than the embedded one.
const NUM_CLASSES: i32 = 32;

/// Choices of `target`: the keyboard, each pad, the whole kit.
const KIT: i32 = NUM_PADS as i32 + 1;

/// What is generated, where and when. None of it changes a sound that is there.
#[derive(Params)]
pub struct GenerationParams {
    /// Going on asks for a new sound; but not as part of a project: opening one renders nothing.
    #[id = "generate"]
    pub generate: BoolParam,
    /// Whether a project has set it since this was last asked.
    was_loaded: Arc<AtomicBool>,
    /// What it asks for.
    #[id = "gkind"]
    pub kind: IntParam,
    /// How far a variation goes, in percent.
    #[id = "vary"]
    pub vary: FloatParam,
    /// Where between its slots a morph lies, in percent.
    #[id = "morph"]
    pub morph: FloatParam,
    /// Whether every note plays a new variation of its sound.
    #[id = "evolve"]
    pub is_evolving: BoolParam,
    /// 0 is the keyboard, then come the pads, then all of them.
    #[id = "target"]
    pub target: IntParam,
    /// 0 is any, then come the model's classes.
    #[id = "class"]
    pub class: IntParam,
    /// What those are called.
    pub class_names: ClassNames,
    /// In percent; below 0 free.
    #[id = "bright"]
    pub brightness: FloatParam,
    /// In percent; below 0 free.
    #[id = "gdecay"]
    pub decay: FloatParam,
    /// In percent; below 0 free.
    #[id = "gattack"]
    pub attack: FloatParam,
    /// In percent; below 0 free.
    #[id = "noisy"]
    pub noisiness: FloatParam,
    /// In percent; below 0 free.
    #[id = "loudness"]
    pub loudness: FloatParam,
    /// The key that the model is asked for; [`FREE_KEY`] leaves it to the model.
    #[id = "gpitch"]
    pub pitch: IntParam,
    /// Denoising steps; 0 leaves them to the model.
    #[id = "steps"]
    pub steps: IntParam,
    /// Strength of classifier-free guidance; 1 is none, below 0 it is left to the model.
    #[id = "guidance"]
    pub guidance: FloatParam,
    /// How far apart the two channels of a sound lie, in percent; 0 is one channel.
    #[id = "gwidth"]
    pub width: FloatParam,
    /// Whether the model makes textures, which have density and movement where others have decay and attack.
    pub is_texture: Arc<AtomicBool>,
    /// Whether a new sound keeps the seed of the one it replaces.
    #[id = "seedlock"]
    pub is_seed_locked: BoolParam,
}

impl Default for GenerationParams {
    fn default() -> Self {
        let class_names = ClassNames::default();
        let was_loaded = Arc::new(AtomicBool::new(false));
        let mark = was_loaded.clone();
        let mark_loaded = move |_| {
            if loading::is_loading() {
                mark.store(true, Ordering::Release);
            }
        };
        Self {
            generate: BoolParam::new("Generate", false).with_callback(Arc::new(mark_loaded)),
            was_loaded,
            kind: choice("Generate does", ["roll", "vary", "morph"].map(Into::into).into()),
            vary: plain("Vary", 25.0, (0.0, 100.0), " %"),
            morph: plain("Morph", 50.0, (0.0, 100.0), " %"),
            is_evolving: BoolParam::new("Evolve", false),
            target: choice("Generate for", target_names()),
            class: class("Class", class_names.clone()),
            class_names,
            brightness: attribute("Brightness"),
            decay: attribute("Sound decay"),
            attack: attribute("Sound attack"),
            noisiness: attribute("Noisiness"),
            loudness: attribute("Loudness"),
            pitch: key("Sound pitch"),
            steps: steps(),
            guidance: guidance(),
            width: plain("Sound width", 0.0, (0.0, 100.0), " %"),
            is_texture: Arc::default(),
            is_seed_locked: BoolParam::new("Seed lock", false),
        }
    }
}

impl GenerationParams {
    /// What kind of sound is wanted. For the audio thread.
    pub fn settings(&self) -> Settings {
        Settings {
            class: usize::try_from(self.class.value() - 1).ok(),
            attributes: self.attributes(),
            pitch: u8::try_from(self.pitch.value()).ok().filter(|&key| i32::from(key) > FREE_KEY),
            steps: self.steps.value().max(0) as usize,
            guidance: if self.guidance.value() < MODELS_BELOW { -1.0 } else { self.guidance.value().max(0.0) },
            width: 0.01 * self.width.value(),
            keeps_seed: self.is_seed_locked.value(),
            seed: None,
            amount: 0.01 * self.vary.value(),
            blend: 0.01 * self.morph.value(),
        }
    }

    /// Whether a project has set `generate` since the last call. For the audio thread.
    pub fn take_was_loaded(&self) -> bool {
        self.was_loaded.swap(false, Ordering::AcqRel)
    }

    /// What the button asks for. For the audio thread.
    pub fn kind(&self) -> Kind {
        match self.kind.value() {
            1 => Kind::Vary,
            2 => Kind::Morph,
            _ => Kind::Roll,
        }
    }

    /// Where it is wanted, given the locked pads as bits. For the audio thread.
    pub fn target(&self, locked: u16) -> Target {
        match self.target.value() {
            KIT => Target::Kit { locked },
            pad @ 1..KIT => Target::One(Place::Pad(pad as usize - 1)),
            _ => Target::One(Place::Keys),
        }
    }

    fn attributes(&self) -> [Option<f32>; NUM_ATTRIBUTES] {
        let params = [&self.brightness, &self.decay, &self.attack, &self.noisiness, &self.loudness];
        params.map(|param| Some(param.value()).filter(|&percent| percent >= FREE_BELOW).map(|p| 0.01 * p.max(0.0)))
    }
}

fn class(name: &str, names: ClassNames) -> IntParam {
    let by_text = names.clone();
    IntParam::new(name, 0, IntRange::Linear { min: 0, max: NUM_CLASSES })
        .with_value_to_string(Arc::new(move |value| names.text(value)))
        .with_string_to_value(Arc::new(move |text| by_text.value(text, NUM_CLASSES)))
}

fn target_names() -> Vec<String> {
    let pads = (1..=NUM_PADS).map(|pad| format!("pad {pad}"));
    ["keys".to_owned()].into_iter().chain(pads).chain(["kit".to_owned()]).collect()
}

/// One of `names`, the first by default.
fn choice(name: &str, names: Vec<String>) -> IntParam {
    let names = Arc::new(names);
    let by_text = names.clone();
    IntParam::new(name, 0, IntRange::Linear { min: 0, max: names.len() as i32 - 1 })
        .with_value_to_string(Arc::new(move |value| {
            names.get(value.max(0) as usize).cloned().unwrap_or_else(|| value.to_string())
        }))
        .with_string_to_value(Arc::new(move |text| {
            by_text.iter().position(|name| name == text.trim()).map(|index| index as i32)
        }))
}

/// A key of the piano, and free below.
fn key(name: &str) -> IntParam {
    let (to_name, from_name) = (formatters::v2s_i32_key_formatter(), formatters::s2v_i32_key_formatter());
    IntParam::new(name, FREE_KEY, IntRange::Linear { min: FREE_KEY, max: 108 })
        .with_value_to_string(Arc::new(move |key| if key == FREE_KEY { "free".to_owned() } else { to_name(key) }))
        .with_string_to_value(Arc::new(move |text| match text.trim() {
            "free" => Some(FREE_KEY),
            name => from_name(name),
        }))
}

/// 1 to 64, and as many as the model is meant for below.
fn steps() -> IntParam {
    IntParam::new("Steps", 0, IntRange::Linear { min: 0, max: 64 })
        .with_value_to_string(Arc::new(|steps| if steps < 1 { MODELS.to_owned() } else { steps.to_string() }))
        .with_string_to_value(Arc::new(|text| match text.trim() {
            MODELS => Some(0),
            number => number.parse().ok(),
        }))
}

/// 0 to 10, and the model's own below.
fn guidance() -> FloatParam {
    FloatParam::new("Guidance", 2.0 * MODELS_BELOW, FloatRange::Linear { min: 2.0 * MODELS_BELOW, max: 10.0 })
        .with_value_to_string(Arc::new(|guidance| {
            if guidance < MODELS_BELOW { MODELS.to_owned() } else { format!("{:.2}", guidance.max(0.0)) }
        }))
        .with_string_to_value(Arc::new(|text| match text.trim() {
            MODELS => Some(2.0 * MODELS_BELOW),
            number => number.parse().ok(),
        }))
}

/// 0 to 100 %, and free below.
fn attribute(name: &str) -> FloatParam {
    FloatParam::new(name, LOWEST, FloatRange::Linear { min: LOWEST, max: 100.0 })
        .with_value_to_string(Arc::new(|percent| {
            if percent < FREE_BELOW { "free".to_owned() } else { format!("{:.2} %", percent.max(0.0)) }
        }))
        .with_string_to_value(Arc::new(|text| match text.trim() {
            "free" => Some(LOWEST),
            number => number.trim_end_matches('%').trim().parse().ok(),
        }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_default_everything_is_free_and_for_the_keyboard() {
        let params = GenerationParams::default();
        let settings = params.settings();
        assert_eq!(
            (settings.class, settings.attributes, settings.pitch, settings.keeps_seed),
            (None, [None; 5], None, false)
        );
        assert_eq!((params.target(0), params.kind()), (Target::One(Place::Keys), Kind::Roll));
    }

    #[test]
    fn texts_are_understood() {
        let params = GenerationParams::default();
        let normalized = |text| params.class.string_to_normalized_value(text).unwrap();
        assert_eq!(params.class.preview_plain(normalized("kick")), 5);
        assert!(params.class.string_to_normalized_value("kazoo").is_none());
        let percent = |text| params.decay.preview_plain(params.decay.string_to_normalized_value(text).unwrap());
        assert_eq!(percent("free"), LOWEST);
        // Hosts speak in 0 to 1: a rounding of that is what may be off.
        assert!((percent("50 %") - 50.0).abs() < 1e-4);
        assert!(percent("0 %") >= FREE_BELOW && percent("0").abs() < 1e-4);
        let key = |text| params.pitch.preview_plain(params.pitch.string_to_normalized_value(text).unwrap());
        assert_eq!((key("free"), key("C4"), key("A0")), (FREE_KEY, 60, 21));
        assert_eq!(params.pitch.normalized_value_to_string(params.pitch.preview_normalized(61), false), "C#4");
    }
}
