//! [`ModelGenerator`]: a model as a [`Generator`], the embedded drums or one of the user's folder.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use brownian_core::Error;
use brownian_core::error::GenerateError;
use brownian_core::generate::{
    Cancel, Edit, FileRecipe, Init, Loop, Morph, MorphEnd, Recipe, Rendered, Request, Session, SoundFile, Vary, device,
    models_folder,
};
use brownian_core::model::Registry;
use brownian_core::noise::{NoiseStream, Seed};

use super::generator::{Generator, OnStep, RenderError, Source, Spec};
use super::order::Settings;
use super::temporary::TemporaryFile;
use crate::engine::Place;
use crate::state::Take;

/// A host has work of its own: no more threads than this.
const NUM_THREADS: usize = 2;

/// Seconds of a texture, which goes round as long as its key is held.
const TEXTURE_S: f64 = 6.0;

/// The classes of the embedded model, in the order of its card.
pub const CLASSES: [&str; 11] =
    ["clap", "closed-hat", "cowbell", "crash", "kick", "open-hat", "perc", "ride", "rim", "snare", "tom"];

/// What General MIDI has on the keys of the pads, in the drum model's classes.
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

/// What a session calls after every step.
type Step<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// A model with threads of its own.
pub struct ModelGenerator {
    session: Session,
    seeds: NoiseStream,
}

/// The ids of the models that there are: the embedded ones and those of the user's folder. Reads that folder.
pub fn model_ids() -> Vec<String> {
    Registry::new(models_folder()).ids()
}

/// What the model of this id calls its classes, in their order, and whether it makes textures; nothing if it cannot be read.
/// Reads its file.
pub fn what_it_makes(id: &str) -> (Vec<String>, bool) {
    let config = Registry::new(models_folder()).card(id).map(|card| card.config);
    config.map_or_else(|_| Default::default(), |config| (config.classes.clone(), config.is_texture()))
}

impl ModelGenerator {
    /// Loads the model of this id; takes some tens of milliseconds.
    ///
    /// # Errors
    /// There is no such model, it is damaged, or the system gives no threads.
    pub fn open(id: &str) -> Result<Self, String> {
        let model = device("cpu").map_err(Error::from).and_then(|cpu| Registry::new(models_folder()).open(id, &cpu));
        let session = model.and_then(|model| Session::new(Arc::new(model), NUM_THREADS));
        // The standard library's hasher is keyed by the system's randomness: each instance rolls other seeds.
        let seeds = NoiseStream::new(Seed(RandomState::new().hash_one(id)), "roll", 0);
        Ok(Self { session: session.map_err(|error| error.to_string())?, seeds })
    }

    fn request(&self, spec: &Spec) -> Result<Request, RenderError> {
        match &spec.source {
            Source::Fresh => Ok(self.fresh(spec)),
            Source::Near(take) => Ok(near(recipe_of(take)?, spec)),
            Source::Between(from, to) => Ok(between(recipe_of(from)?, recipe_of(to)?, spec)),
        }
    }

    /// A variation of a sound that no recipe makes: the model starts from the sound itself, under noise. It has no
    /// recipe either, for nobody else has that sound.
    fn vary_audio(&self, take: &Take, spec: &Spec, cancel: &Cancel, on_step: Step) -> Result<Take, RenderError> {
        let file = take.wav().and_then(|wav| TemporaryFile::new(&wav)).map_err(RenderError::Failed)?;
        let noise_level = f64::from(spec.settings.amount.clamp(0.0, 1.0));
        let init = Init { file: SoundFile::new(file.path()), noise_level };
        let fresh = self.fresh(spec);
        let request = Request { edit: Edit { init: Some(init), ..fresh.edit }, ..fresh };
        let rendered = self.rendered(&request, cancel, on_step)?;
        let finished = Take::from_rendered(&rendered).map_err(RenderError::Failed)?;
        Take::from_flac(finished.flac().into(), None).map_err(RenderError::Failed)
    }

    fn rendered(&self, request: &Request, cancel: &Cancel, on_step: Step) -> Result<Rendered, RenderError> {
        self.session.render(request, cancel, on_step).map_err(|error| match error {
            Error::Generate(GenerateError::Cancelled) => RenderError::Cancelled,
            other => RenderError::Failed(other.to_string()),
        })
    }

    fn fresh(&self, spec: &Spec) -> Request {
        let settings = &spec.settings;
        let config = &self.session.model().card.config;
        let classes = &config.classes;
        let of_pad = || class_of(spec.place).filter(|class| classes.iter().any(|known| known == class));
        let chosen = settings.class.map(|class| classes.get(class).cloned().unwrap_or_else(|| class.to_string()));
        let given = config.attributes.iter().map(|attribute| (*attribute, settings.attributes[attribute.place()]));
        Request {
            seed: spec.seed,
            class: chosen.or_else(|| of_pad().map(Into::into)),
            attributes: given.filter_map(|(attribute, value)| Some((attribute, value?))).collect::<BTreeMap<_, _>>(),
            pitch: settings.pitch.filter(|_| config.pitch).map(f32::from),
            steps: steps(settings),
            guidance: Some(settings.guidance.into()).filter(|guidance| *guidance >= 0.0),
            duration_s: config.is_texture().then_some(TEXTURE_S),
            looped: config.is_texture().then(Loop::default),
            edit: Edit { width: width(settings), ..Edit::default() },
            ..Request::default()
        }
    }
}

impl Generator for ModelGenerator {
    fn render(&mut self, spec: &Spec, on_step: OnStep) -> Result<Take, RenderError> {
        let cancel = Cancel::default();
        let on_step = |done, total| {
            if on_step(done, total) {
                cancel.cancel();
            }
        };
        if let Source::Near(take) = &spec.source
            && take.recipe().is_none()
        {
            return self.vary_audio(take, spec, &cancel, &on_step);
        }
        let rendered = self.rendered(&self.request(spec)?, &cancel, &on_step)?;
        Take::from_rendered(&rendered).map_err(RenderError::Failed)
    }

    fn num_steps(&self, settings: &Settings) -> usize {
        steps(settings).unwrap_or(self.session.model().card.config.sampling.steps)
    }

    fn fresh_seed(&mut self) -> u64 {
        self.seeds.bits().into()
    }
}

/// Those that are asked for, unless that is left to the model.
fn steps(settings: &Settings) -> Option<usize> {
    Some(settings.steps).filter(|steps| *steps > 0)
}

fn width(settings: &Settings) -> Option<f64> {
    Some(f64::from(settings.width.clamp(0.0, 1.0))).filter(|width| *width > 0.0)
}

/// A variation of a variation departs from the sound that both come from: a walk of many steps would lead anywhere.
fn near(recipe: Recipe, spec: &Spec) -> Request {
    let vary = Vary { seed: spec.seed, amount: f64::from(spec.settings.amount.clamp(0.0, 1.0)) };
    let request = recipe.request();
    let edit = Edit { vary: Some(vary), width: width(&spec.settings), ..request.edit };
    Request { steps: steps(&spec.settings).or(request.steps), edit, ..request }
}

fn between(from: Recipe, to: Recipe, spec: &Spec) -> Request {
    let amount = f64::from(spec.settings.blend.clamp(0.0, 1.0));
    let morph = Morph { to: MorphEnd::Recipe(Box::new(to)), amount, from: None };
    let request = from.request();
    let edit = Edit { morph: Some(morph), width: width(&spec.settings), ..request.edit };
    Request { steps: steps(&spec.settings).or(request.steps), edit, ..request }
}

fn recipe_of(take: &Take) -> Result<Recipe, RenderError> {
    let missing = || RenderError::Failed("a sound without a recipe cannot be morphed; roll one first".into());
    let json = take.recipe().ok_or_else(missing)?.to_string();
    FileRecipe::from_json(&json).map(|file| file.recipe).map_err(|error| RenderError::Failed(error.to_string()))
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
    use super::*;
    use crate::state::Patch;
    use brownian_core::conditioning::Attribute;

    fn drums() -> ModelGenerator {
        ModelGenerator::open("drums").unwrap()
    }

    fn spec(place: Place, class: Option<usize>) -> Spec {
        let attributes = [Some(0.25), None, None, None, Some(1.0)];
        let settings = Settings { class, attributes, steps: 1, ..Settings::default() };
        Spec { place, source: Source::Fresh, seed: 7, settings }
    }

    fn samples(take: &Take) -> Vec<f32> {
        take.sound().samples(0).to_vec()
    }

    #[test]
    fn classes_and_defaults_are_those_of_the_model() {
        let drums = drums();
        let config = &drums.session.model().card.config;
        assert_eq!(config.classes, CLASSES);
        assert_eq!(config.attributes, Attribute::ONE_SHOT);
        assert!(PAD_CLASSES.iter().all(|class| CLASSES.contains(class)));
        let settings = crate::params::GenerationParams::default().settings();
        let request = drums.request(&Spec { settings, ..spec(Place::Keys, None) }).unwrap();
        assert_eq!((request.steps, request.guidance, request.edit.width), (None, None, None));
        assert_eq!(drums.num_steps(&settings), config.sampling.steps);
        assert!(model_ids().iter().any(|id| id == "drums"));
    }

    #[test]
    fn a_student_takes_its_few_steps_and_a_wide_sound_two_channels() {
        let mut student = ModelGenerator::open("drums-instant").unwrap();
        let settings = Settings { steps: 0, guidance: -1.0, width: 0.3, ..Settings::default() };
        assert_eq!(student.num_steps(&settings), 2);
        let take = student.render(&Spec { settings, ..spec(Place::Pad(0), None) }, &|_, _| false).unwrap();
        assert_eq!(take.sound().num_channels(), 2);
        assert_ne!(take.sound().samples(0), take.sound().samples(1));
    }

    #[test]
    fn a_texture_is_a_loop_that_goes_round_whole() {
        let mut ambient = ModelGenerator::open("ambient").unwrap();
        let settings = Settings { steps: 1, guidance: 1.0, class: Some(6), ..Settings::default() };
        let take = ambient.render(&Spec { settings, ..spec(Place::Keys, None) }, &|_, _| false).unwrap();
        let num_frames = take.sound().num_frames();
        assert_eq!(num_frames, 264_600);
        assert_eq!(take.sound().loop_frames(), Some(0..num_frames));
    }

    #[test]
    fn a_pad_is_the_drum_of_its_key_unless_told_otherwise() {
        let drums = drums();
        let class = |place, class| drums.request(&spec(place, class)).unwrap().class;
        assert_eq!(class(Place::Keys, None), None);
        assert_eq!(class(Place::Pad(2), None).as_deref(), Some("snare"));
        assert_eq!(class(Place::Pad(2), Some(7)).as_deref(), Some("ride"));
    }

    #[test]
    fn free_attributes_are_left_out() {
        let attributes = drums().request(&spec(Place::Keys, None)).unwrap().attributes;
        assert_eq!(attributes, BTreeMap::from([(Attribute::Brightness, 0.25), (Attribute::Loudness, 1.0)]));
    }

    #[test]
    fn a_render_is_audible_and_stops_when_told() {
        let mut drums = drums();
        let spec = spec(Place::Keys, Some(4));
        let take = drums.render(&spec, &|_, _| false).unwrap();
        let peak = samples(&take).iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        // The peak is set to -1 dBFS, 0.891.
        assert!((peak - 0.891).abs() < 0.001, "{peak}");
        assert_eq!((take.seed(), take.model()), (Some(7), Some("drums")));
        let mut longer = spec;
        longer.settings.steps = 1000;
        assert_eq!(drums.render(&longer, &|_, _| true).unwrap_err(), RenderError::Cancelled);
    }

    #[test]
    fn a_class_that_the_model_lacks_is_a_message() {
        let error = drums().render(&spec(Place::Keys, Some(31)), &|_, _| false).unwrap_err();
        assert!(matches!(&error, RenderError::Failed(said) if said.contains("31") && said.contains("kick")), "{error}");
        assert!(ModelGenerator::open("no-such").is_err_and(|said| said.contains("no-such")));
    }

    #[test]
    fn a_variation_lies_between_its_root_and_another_sound() {
        let mut drums = drums();
        let root = Arc::new(drums.render(&spec(Place::Keys, Some(4)), &|_, _| false).unwrap());
        let mut vary = |amount, seed| {
            let settings = Settings { amount, steps: 1, ..Settings::default() };
            let spec = Spec { place: Place::Keys, source: Source::Near(root.clone()), seed, settings };
            drums.render(&spec, &|_, _| false).unwrap()
        };
        let near = vary(0.2, 3);
        assert_eq!(samples(&vary(0.0, 3)), samples(&root));
        assert_eq!(samples(&vary(0.2, 3)), samples(&near));
        assert!(samples(&near) != samples(&root) && samples(&near) != samples(&vary(0.2, 4)));
        assert_eq!(near.seed(), root.seed());
    }

    #[test]
    fn a_morph_leads_from_one_slot_to_the_other() {
        let mut drums = drums();
        let mut roll = |seed, class| {
            let spec = Spec { seed, ..spec(Place::Keys, Some(class)) };
            Arc::new(drums.render(&spec, &|_, _| false).unwrap())
        };
        let (from, to) = (roll(1, 4), roll(2, 9));
        let mut morph = |blend| {
            let settings = Settings { blend, steps: 1, ..Settings::default() };
            let source = Source::Between(from.clone(), to.clone());
            drums.render(&Spec { place: Place::Keys, source, seed: 0, settings }, &|_, _| false).unwrap()
        };
        assert_eq!((samples(&morph(0.0)), samples(&morph(1.0))), (samples(&from), samples(&to)));
        let middle = samples(&morph(0.5));
        assert!(middle != samples(&from) && middle != samples(&to));
    }

    #[test]
    fn a_sound_without_a_recipe_is_varied_from_its_audio_and_cannot_be_morphed() {
        let mut drums = drums();
        let built_in = Patch::built_in().get(Place::Keys).unwrap().clone();
        let bare = Arc::new(Take::from_flac(built_in.flac().into(), None).unwrap());
        let mut make = |source, amount| {
            let settings = Settings { steps: 2, amount, ..Settings::default() };
            drums.render(&Spec { place: Place::Keys, source, seed: 1, settings }, &|_, _| false)
        };
        let [a_little, far] = [0.1, 1.0].map(|amount| make(Source::Near(bare.clone()), amount).unwrap());
        assert!(a_little.recipe().is_none() && samples(&a_little) != samples(&far));
        assert!(make(Source::Near(built_in.clone()), 0.1).unwrap().recipe().is_some());
        let morphed = make(Source::Between(built_in, bare.clone()), 0.1);
        assert!(matches!(morphed, Err(RenderError::Failed(said)) if said.contains("cannot be morphed")));
    }

    #[test]
    fn fresh_seeds_differ() {
        let mut generator = drums();
        let seeds = [generator.fresh_seed(), generator.fresh_seed(), drums().fresh_seed()];
        assert!(seeds[0] != seeds[1] && seeds[0] != seeds[2]);
    }
}
