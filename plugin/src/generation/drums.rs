//! [`Drums`]: the embedded drums model as a [`Generator`].

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use brownian_core::Error;
use brownian_core::conditioning::Attribute;
use brownian_core::error::GenerateError;
use brownian_core::generate::{Cancel, Request, Session, device, models_folder};
use brownian_core::model::Registry;
use brownian_core::noise::{NoiseStream, Seed};

use super::generator::{Generator, RenderError, Spec};
use crate::engine::Place;
use crate::state::Take;

/// The id of the model.
const MODEL: &str = "drums";

/// A host has work of its own: no more threads than this.
const NUM_THREADS: usize = 2;

/// The classes of the model, in the order of its card.
pub const CLASSES: [&str; 11] =
    ["clap", "closed-hat", "cowbell", "crash", "kick", "open-hat", "perc", "ride", "rim", "snare", "tom"];

/// What General MIDI has on the keys of the pads, in the model's classes.
const PAD_CLASSES: [&str; 16] = [
    "kick",
    "rim",
    "snare",
    "clap",
    "snare",
    "tom",
    "closed-hat",
    "tom",
    "closed-hat",
    "tom",
    "open-hat",
    "tom",
    "tom",
    "crash",
    "tom",
    "ride",
];

/// The drums model with threads of its own.
pub struct Drums {
    session: Session,
    seeds: NoiseStream,
}

impl Drums {
    /// Loads the model; takes some tens of milliseconds.
    ///
    /// # Errors
    /// A model of the same id in the user's folder is damaged, or the system gives no threads.
    pub fn open() -> Result<Self, String> {
        let model = device("cpu").map_err(Error::from).and_then(|cpu| Registry::new(models_folder()).open(MODEL, &cpu));
        let session = model.and_then(|model| Session::new(Arc::new(model), NUM_THREADS));
        // The standard library's hasher is keyed by the system's randomness: each instance rolls other seeds.
        let seeds = NoiseStream::new(Seed(RandomState::new().hash_one(MODEL)), "roll", 0);
        Ok(Self { session: session.map_err(|error| error.to_string())?, seeds })
    }
}

impl Generator for Drums {
    fn render(&mut self, spec: &Spec, should_stop: &(dyn Fn() -> bool + Sync)) -> Result<Take, RenderError> {
        let cancel = Cancel::default();
        let on_step = |_, _| {
            if should_stop() {
                cancel.cancel();
            }
        };
        let rendered = self.session.render(&request(spec), &cancel, &on_step).map_err(|error| match error {
            Error::Generate(GenerateError::Cancelled) => RenderError::Cancelled,
            other => RenderError::Failed(other.to_string()),
        })?;
        Take::from_rendered(&rendered).map_err(RenderError::Failed)
    }

    fn fresh_seed(&mut self) -> u64 {
        self.seeds.bits().into()
    }
}

fn request(spec: &Spec) -> Request {
    let settings = &spec.settings;
    let given = Attribute::ALL.into_iter().zip(settings.attributes);
    Request {
        seed: spec.seed,
        class: settings.class.or_else(|| class_of(spec.place)).map(Into::into),
        attributes: given.filter_map(|(attribute, value)| Some((attribute, value?))).collect::<BTreeMap<_, _>>(),
        steps: Some(settings.steps),
        guidance: Some(settings.guidance.into()),
        ..Request::default()
    }
}

/// The drum that a pad's key stands for.
fn class_of(place: Place) -> Option<&'static str> {
    match place {
        Place::Keys => None,
        Place::Pad(pad) => PAD_CLASSES.get(pad).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::order::Settings;
    use super::*;

    fn spec(place: Place, class: Option<&'static str>) -> Spec {
        let attributes = [Some(0.25), None, None, None, Some(1.0)];
        Spec { place, seed: 7, settings: Settings { class, attributes, steps: 1, guidance: 1.0, keeps_seed: false } }
    }

    #[test]
    fn classes_and_defaults_are_those_of_the_model() {
        let drums = Drums::open().unwrap();
        let config = &drums.session.model().card.config;
        assert_eq!(config.classes, CLASSES);
        assert_eq!(config.attributes, Attribute::ALL);
        assert!(PAD_CLASSES.iter().all(|class| CLASSES.contains(class)));
        let defaults = crate::params::GenerationParams::default().settings();
        assert_eq!((defaults.steps, f64::from(defaults.guidance)), (config.sampling.steps, config.sampling.guidance));
    }

    #[test]
    fn a_pad_is_the_drum_of_its_key_unless_told_otherwise() {
        let class = |place, class| request(&spec(place, class)).class;
        assert_eq!(class(Place::Keys, None), None);
        assert_eq!(class(Place::Pad(2), None).as_deref(), Some("snare"));
        assert_eq!(class(Place::Pad(2), Some("ride")).as_deref(), Some("ride"));
    }

    #[test]
    fn free_attributes_are_left_out() {
        let attributes = request(&spec(Place::Keys, None)).attributes;
        assert_eq!(attributes, BTreeMap::from([(Attribute::Brightness, 0.25), (Attribute::Loudness, 1.0)]));
    }

    #[test]
    fn a_render_is_audible_and_stops_when_told() {
        let mut drums = Drums::open().unwrap();
        let spec = spec(Place::Keys, Some("kick"));
        let take = drums.render(&spec, &|| false).unwrap();
        let peak = take.sound().samples(0).iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        // The peak is set to -1 dBFS, 0.891.
        assert!((peak - 0.891).abs() < 0.001, "{peak}");
        assert_eq!(take.seed(), Some(7));
        let mut longer = spec;
        longer.settings.steps = 1000;
        assert_eq!(drums.render(&longer, &|| true).unwrap_err(), RenderError::Cancelled);
    }

    #[test]
    fn fresh_seeds_differ() {
        let mut drums = Drums::open().unwrap();
        let seeds = [drums.fresh_seed(), drums.fresh_seed(), Drums::open().unwrap().fresh_seed()];
        assert!(seeds[0] != seeds[1] && seeds[0] != seeds[2]);
    }
}
