//! The only door for inference: a [`Request`] in, a [`Clip`] out.
// H7 owns this module. Signatures the front ends rely on:

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::audio::Clip;
use crate::conditioning::Attribute;
use crate::diffusion::Sampler;
use crate::error::Result;
use crate::model::Model;

/// What to make. `None` takes the model's default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// Which sound.
    pub seed: u64,
    /// Class name; absent: drawn from the seed.
    pub class: Option<String>,
    /// Attributes in 0..=1.
    pub attributes: BTreeMap<Attribute, f32>,
    /// MIDI note.
    pub pitch: Option<f32>,
    /// Steps, 1..=1000.
    pub steps: Option<usize>,
    /// Sampler.
    pub sampler: Option<Sampler>,
    /// Guidance, 0..=20.
    pub guidance: Option<f64>,
    /// Seconds, at most the model's length.
    pub duration_s: Option<f64>,
}

/// Everything that made a clip, resolved: what a file keeps, what `verify` renders again. No `None` that a default fills.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Version of this structure (1).
    pub version: u32,
    /// Model id.
    pub model: String,
    /// Model hash.
    pub model_hash: String,
    /// Seed.
    pub seed: u64,
    /// Class, where the model has classes.
    pub class: Option<String>,
    /// Attributes given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<Attribute, f32>,
    /// Pitch given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pitch: Option<f32>,
    /// Steps.
    pub steps: usize,
    /// Sampler.
    pub sampler: Sampler,
    /// Guidance.
    pub guidance: f64,
    /// Seconds.
    pub duration_s: f64,
}

/// Asks a render to stop; clones share the wish.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Ask.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether someone asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A finished clip with its recipe.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The sound, as the model gave it: mono, at the model's rate, not normalised.
    pub clip: Clip,
    /// What made it.
    pub recipe: Recipe,
    /// Seconds spent on it.
    pub render_s: f64,
}

/// A model on a device with its own threads.
pub struct Session {
    // H7: Arc<Model>, a rayon pool of `threads`
}

impl Session {
    /// `threads` 0 takes the machine's.
    ///
    /// # Errors
    /// The thread pool cannot be made.
    pub fn new(model: Arc<Model>, threads: usize) -> Result<Self> {
        let _ = (model, threads);
        unimplemented!("H7")
    }

    /// The model.
    pub fn model(&self) -> &Model {
        unimplemented!("H7")
    }

    /// Check a request against the model and fill in its defaults: cheap, renders nothing.
    ///
    /// # Errors
    /// Unknown class or attribute (the valid ones, the nearest), a number out of range.
    pub fn resolve(&self, request: &Request) -> Result<Recipe> {
        let _ = request;
        unimplemented!("H7")
    }

    /// Make one clip. `on_step(done, total)` after every denoiser call of both stages; runs on the calling thread's pool.
    ///
    /// # Errors
    /// As [`Session::resolve`]; cancelled.
    pub fn render(
        &self,
        request: &Request,
        cancel: &Cancel,
        on_step: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Rendered> {
        let _ = (request, cancel, on_step);
        unimplemented!("H7")
    }

    /// Make several, each the same bytes as alone. `on_clip` is called as each finishes (any order), from any thread.
    ///
    /// # Errors
    /// One result for each request, in their order.
    pub fn render_many(
        &self,
        requests: &[Request],
        cancel: &Cancel,
        on_clip: &(dyn Fn(usize, &Result<Rendered>) + Sync),
    ) -> Vec<Result<Rendered>> {
        let _ = (requests, cancel, on_clip);
        unimplemented!("H7")
    }
}
