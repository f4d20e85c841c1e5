//! [`evaluate`] and its [`Report`].

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;

use super::between::{Between, check_teacher};
use super::controls::{ASKED, Control};
use super::health::Health;
use super::memory::{Baseline, Memorisation};
use super::options::{Options, Settings};
use super::reference::{Reference, Split};
use super::rise::Rise;
use super::set::Set;
use super::studio::Studio;
use super::table::Table;
use crate::conditioning::Attribute;
use crate::diffusion::Sampler;
use crate::error::{GenerateError, Result};
use crate::generate::{Cancel, Session};

/// What was measured, and of how many sounds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// How the recordings were split.
    pub split: Split,
    /// Clips for each held-out recording.
    pub per_sound: usize,
    /// Seeds of each control; 0 where they were left out.
    pub control_seeds: usize,
    /// Of everything that was rendered: clips take it and those that follow.
    pub first_seed: u64,
    /// Held-out recordings.
    pub recorded: Table,
    /// Faults of all recordings, for comparison.
    pub recorded_health: Health,
    /// How often other recordings would rise as the held-out ones do; absent for textures, and where the model heard none of the
    /// recordings.
    pub rise: Option<Rise>,
    /// What a model that copies nothing may reach; absent where it heard none of the recordings.
    pub baseline: Option<Baseline>,
    /// The model, and its teacher if one was given.
    pub models: Vec<ModelReport>,
    /// The two of them compared seed by seed.
    pub between: Option<Between>,
}

/// What a model measures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelReport {
    /// Its id.
    pub id: String,
    /// SHA-256 of its file's content, hex.
    pub hash: String,
    /// Steps.
    pub steps: usize,
    /// Sampler.
    pub sampler: Sampler,
    /// Guidance.
    pub guidance: f64,
    /// Renders of the held-out recordings' classes.
    pub generated: Table,
    /// How near they come to the sounds to train on; absent where the model heard none of the recordings.
    pub memorisation: Option<Memorisation>,
    /// One for each attribute that the model follows.
    pub controls: Vec<Control>,
    /// Faults of renders.
    pub health: Health,
}

/// Measure a model, and its teacher where there is one, against the recordings in the folder `root`.
///
/// The teacher renders with its own defaults. `on_clip(done, all)` is called after every render, from any thread.
///
/// # Errors
/// Options out of range; no usable or no held-out recording in the folder, or other classes than the model's; a teacher
/// of other sounds; a folder that cannot be written; cancelled; a sound that is compared is not finite.
pub fn evaluate(
    model: &Session,
    teacher: Option<&Session>,
    root: &Path,
    options: &Options,
    cancel: &Cancel,
    on_clip: &(dyn Fn(usize, usize) + Sync),
) -> Result<Report> {
    options.validate()?;
    if let Some(teacher) = teacher {
        check_teacher(model, teacher)?;
    }
    let threads = options.threads;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|source| GenerateError::Threads { threads, source })?;
    pool.install(|| measure(model, teacher, root, options, cancel, on_clip))
}

fn measure(
    model: &Session,
    teacher: Option<&Session>,
    root: &Path,
    options: &Options,
    cancel: &Cancel,
    on_clip: &(dyn Fn(usize, usize) + Sync),
) -> Result<Report> {
    let reference = Reference::read(root, model.model(), options)?;
    let folder = options.write.as_deref();
    write(&reference.held_out, folder, "held-out", &reference)?;
    write(&reference.trained, folder, "trained", &reference)?;
    let baseline = (!reference.trained.is_empty()).then(|| Baseline::of(&reference.held_out, &reference.trained));
    let rises = !reference.trained.is_empty() && !model.model().card.config.is_texture();
    let rise = rises.then(|| Rise::of(&reference.held_out, &reference.trained, &reference.classes));
    let sessions = || std::iter::once((model, options.settings)).chain(teacher.map(|t| (t, Settings::default())));
    let all = sessions().map(|(session, _)| num_clips(session, &reference, options)).sum();
    let done = AtomicUsize::new(0);
    let on_clip = || on_clip(done.fetch_add(1, Ordering::Relaxed) + 1, all);
    let (mut models, mut sets) = (Vec::new(), Vec::new());
    for ((session, settings), name) in sessions().zip(["generated", "teacher"]) {
        let studio = Studio { session, settings, first_seed: options.first_seed, cancel, on_clip: &on_clip };
        let generated = studio.like(&reference, options.per_sound)?;
        write(&generated, folder, name, &reference)?;
        models.push(ModelReport::of(&studio, &generated, &reference, baseline.as_ref(), options)?);
        sets.push(generated);
    }
    let between = if let [student, teacher] = &sets[..] { Some((student, teacher)) } else { None };
    Ok(Report {
        per_sound: options.per_sound,
        control_seeds: options.control_seeds,
        first_seed: options.first_seed,
        recorded: Table::of(&reference.held_out, reference.bank(), &reference.classes),
        recorded_health: Health::of_recordings(&reference)?,
        rise,
        baseline,
        models,
        between: between.map(|(student, teacher)| Between::of(student, teacher, &reference.classes)),
        split: reference.split,
    })
}

impl ModelReport {
    fn of(
        studio: &Studio,
        generated: &Set,
        reference: &Reference,
        baseline: Option<&Baseline>,
        options: &Options,
    ) -> Result<Self> {
        let recipe = studio.session.resolve(&studio.request(None, studio.first_seed))?;
        let control = |&attribute: &Attribute| Control::of(studio, reference, attribute, options.control_seeds);
        Ok(Self {
            id: recipe.model,
            hash: recipe.model_hash,
            steps: recipe.steps,
            sampler: recipe.sampler,
            guidance: recipe.guidance,
            generated: Table::of(generated, reference.bank(), &reference.classes),
            memorisation: baseline.map(|b| Memorisation::of(generated, &reference.trained, b.thresholds)),
            controls: attributes(studio.session, options).iter().map(control).collect::<Result<_>>()?,
            health: Health::of_renders(studio, reference, options.renders)?,
        })
    }
}

/// Those whose controls are measured.
fn attributes<'a>(session: &'a Session, options: &Options) -> &'a [Attribute] {
    let known = &session.model().card.config.attributes;
    if options.control_seeds > 0 { known } else { &[] }
}

/// Renders of one model.
fn num_clips(session: &Session, reference: &Reference, options: &Options) -> usize {
    let compared = reference.held_out.len() * options.per_sound;
    let asked = attributes(session, options).len() * reference.classes.len() * options.control_seeds * ASKED.len();
    compared + asked + options.renders
}

fn write(set: &Set, folder: Option<&Path>, name: &str, reference: &Reference) -> Result<()> {
    match folder {
        Some(folder) if !set.is_empty() => set.write(&folder.join(name), &reference.classes),
        _ => Ok(()),
    }
}
