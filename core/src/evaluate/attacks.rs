//! [`attacks`]: what an asked attack is in seconds, and how far off the networks are where none is asked.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::options::Settings;
use super::reference::{dataset_config, scan};
use super::set::at_peak_one;
use super::statistics::median;
use super::studio::Studio;
use crate::conditioning::Attribute;
use crate::dataset::{Dataset, Example};
use crate::error::{EvaluateError, Result};
use crate::generate::{Cancel, Request, Session};
use crate::model::AttackScale;

/// Recordings of a class that are compared with as many renders.
const SOUNDS: usize = 48;
/// Attacks below this many seconds are as short.
const SHORTEST_S: f64 = 0.001;
/// The smallest factor.
const LEAST: f64 = 0.1;

/// The scale of each class, in the order of the model's classes, over the sounds in a folder that its training would hear. Of
/// each class up to 48 recordings are compared with renders at their pitches, seeds 1, 2, …, for
/// [`AttackScale::unasked`]; these recordings tell [`AttackScale::peak_s`].
///
/// # Errors
/// A model that is not asked for an attack, or whose card tells of attacks already; other classes than the model's, and as a
/// training on the folder; cancelled.
pub fn attacks(
    session: &Session,
    root: &Path,
    cancel: &Cancel,
    on_clip: &(dyn Fn(usize, usize) + Sync),
) -> Result<Vec<AttackScale>> {
    let card = &session.model().card;
    if !card.config.attributes.contains(&Attribute::Attack) || !card.config.attacks.is_empty() {
        return Err(EvaluateError::NoAttack { model: card.id.clone() }.into());
    }
    let dataset = scan(root, card, &dataset_config(card))?;
    let classes: Vec<Class> = card.config.classes.iter().map(|name| Class::of(name, &dataset)).collect();
    let (done, all) = (AtomicUsize::new(0), classes.iter().map(|class| class.recorded.len()).sum());
    let on_clip = || on_clip(done.fetch_add(1, Ordering::Relaxed) + 1, all);
    let studio = Studio { session, settings: Settings::default(), first_seed: 1, cancel, on_clip: &on_clip };
    classes.iter().map(|class| class.scale(&studio, &dataset)).collect()
}

/// A class of the model, and those of its recordings that are compared with.
struct Class<'a> {
    name: &'a str,
    /// In the folder.
    index: usize,
    recorded: Vec<&'a Example>,
}

impl<'a> Class<'a> {
    fn of(name: &'a str, dataset: &'a Dataset) -> Self {
        // The folder has the model's classes.
        let index = dataset.classes.iter().position(|known| known == name).unwrap_or_default();
        let recorded: Vec<&Example> = dataset.train.iter().filter(|example| example.class == index).collect();
        let every = recorded.len().div_ceil(SOUNDS).max(1);
        Self { name, index, recorded: recorded.into_iter().step_by(every).collect() }
    }

    fn scale(&self, studio: &Studio, dataset: &Dataset) -> Result<AttackScale> {
        let place = Attribute::Attack.place();
        let log_attack =
            |samples: &[f32]| libm::log(f64::from(dataset.measure_natural(samples)[place]).max(SHORTEST_S));
        let follows_pitch = studio.session.model().card.config.pitch;
        let request = |(example, seed): (&&Example, u64)| Request {
            pitch: example.pitch.filter(|_| follows_pitch),
            ..studio.request(Some(self.name), seed)
        };
        let requests: Vec<Request> = self.recorded.iter().zip(studio.first_seed..).map(request).collect();
        let made =
            studio.render(&requests, |_, rendered| Ok(log_attack(&at_peak_one(&rendered?.clip.channels()[0]))))?;
        let recorded = self.recorded.iter().map(|example| log_attack(&dataset.plain(example).samples));
        let factor = if made.is_empty() { 1.0 } else { libm::exp(median(recorded) - median(made)) };
        let unasked = (1e3 * factor.clamp(LEAST, 1.0)).round() / 1e3;
        let scale = AttackScale::new(dataset.class_scales[self.index].quantiles(place, AttackScale::POINTS));
        let peak_s = median(self.recorded.iter().map(|example| dataset.peak_s(example)));
        let peak_s = (!self.recorded.is_empty()).then_some((1e6 * peak_s).round() as f32 / 1e6);
        Ok(AttackScale { unasked: unasked as f32, peak_s, ..scale })
    }
}
