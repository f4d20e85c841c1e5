//! [`Session`]: a model with its own threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use super::cancel::Cancel;
use super::check_edit::check_model;
use super::field::inverted_files;
use super::long::Long;
use super::pipeline::Job;
use super::recipe::Recipe;
use super::request::{Basis, Request};
use super::sounds::{Sounds, Workshop};
use super::threads::Threads;
use super::watch::Watch;
use super::width::widen;
use crate::audio::Clip;
use crate::error::{GenerateError, Result};
use crate::model::Model;

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

/// A model with its own threads; any number of threads may share one session. They have ended when it is dropped.
pub struct Session {
    model: Arc<Model>,
    /// All threads work on one clip.
    wide: Threads,
    /// One thread each: several clips at once, none waiting for another.
    narrow: Vec<Threads>,
    sounds: Sounds,
}

impl Session {
    /// `threads` 0 takes the machine's.
    ///
    /// # Errors
    /// The thread pool cannot be made.
    pub fn new(model: Arc<Model>, threads: usize) -> Result<Self> {
        let threads = if threads == 0 { thread::available_parallelism().map_or(1, Into::into) } else { threads };
        let wide = pool(threads, threads)?;
        let narrow = (0..threads).map(|_| pool(1, threads)).collect::<Result<_>>()?;
        let sounds = Sounds::new(model.card.config.sample_rate);
        Ok(Self { model, wide, narrow, sounds })
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Check a request against the model and fill in its defaults: cheap, renders nothing. Reads the files that an edit
    /// starts from.
    ///
    /// # Errors
    /// Unknown class or attribute (the valid ones, the nearest), a number out of range, a file that cannot be read or
    /// holds another sound than the recipe was made from.
    pub fn resolve(&self, request: &Request) -> Result<Recipe> {
        let num_samples = self.model.representation.num_samples();
        request.resolve(Basis { card: &self.model.card, num_samples, sounds: &self.sounds })
    }

    /// Check that a recipe is of this very model and within its ranges, so that rendering its
    /// [`request`](Recipe::request) makes the same clip.
    ///
    /// # Errors
    /// Another model or hash, or as [`Session::resolve`].
    pub fn check_recipe(&self, recipe: &Recipe) -> Result<()> {
        let resolved = self.resolve(&recipe.request());
        check_model(recipe, &self.model.card)?;
        resolved.map(drop)
    }

    /// Make one clip with all threads. `on_step(done, total)` after every denoiser call of all stages, from one of the
    /// session's threads.
    ///
    /// # Errors
    /// As [`Session::resolve`]; cancelled (within one step); the model gave no finite sound.
    pub fn render(
        &self,
        request: &Request,
        cancel: &Cancel,
        on_step: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Rendered> {
        self.wide.install(|| self.make(request, cancel, on_step))
    }

    /// Make several, each the same bytes as alone, one thread a clip. `on_clip` is called as each finishes (any order),
    /// from any thread.
    ///
    /// # Errors
    /// One result for each request, in their order, as [`Session::render`].
    pub fn render_many(
        &self,
        requests: &[Request],
        cancel: &Cancel,
        on_clip: &(dyn Fn(usize, &Result<Rendered>) + Sync),
    ) -> Vec<Result<Rendered>> {
        if let [request] = requests {
            let result = self.render(request, cancel, &|_, _| ());
            on_clip(0, &result);
            return vec![result];
        }
        self.wide.install(|| self.invert_ahead(requests, cancel));
        let queue = AtomicUsize::new(0);
        let finished = Mutex::new(Vec::with_capacity(requests.len()));
        let work = || {
            while let Some((idx, request)) = next(&queue, requests) {
                let result = self.make(request, cancel, &|_, _| ());
                on_clip(idx, &result);
                finished.lock().unwrap_or_else(PoisonError::into_inner).push((idx, result));
            }
        };
        thread::scope(|scope| {
            for pool in self.narrow.iter().take(requests.len()) {
                scope.spawn(|| pool.install(work));
            }
        });
        let mut finished = finished.into_inner().unwrap_or_else(PoisonError::into_inner);
        finished.sort_by_key(|(idx, _)| *idx);
        finished.into_iter().map(|(_, result)| result).collect()
    }

    /// Make one sound with all threads and hand it to `sink` in pieces, in order: of a sound longer than the model's clips
    /// only a block is ever in memory, and any length takes as little. Its samples are those of [`Session::render`].
    ///
    /// # Errors
    /// As [`Session::render`]; as `sink`, which ends the render.
    pub fn stream(
        &self,
        request: &Request,
        cancel: &Cancel,
        on_step: &(dyn Fn(usize, usize) + Sync),
        sink: &mut (dyn FnMut(&[f32]) -> Result<()> + Send),
    ) -> Result<Recipe> {
        self.stream_until(usize::MAX, request, cancel, on_step, sink)
    }

    /// As [`Session::stream`], of which only the first `num_samples` need be made.
    pub(super) fn stream_until(
        &self,
        num_samples: usize,
        request: &Request,
        cancel: &Cancel,
        on_step: &(dyn Fn(usize, usize) + Sync),
        sink: &mut (dyn FnMut(&[f32]) -> Result<()> + Send),
    ) -> Result<Recipe> {
        self.wide.install(|| {
            let recipe = self.resolve(request)?;
            check_one_channel(&recipe)?;
            let Some(long) = Long::of(self.workshop(&self.model), &recipe)? else {
                let made = self.make(request, cancel, on_step)?;
                return sink(&made.clip.channels()[0]).map(|()| made.recipe);
            };
            let long = long.heard_until(num_samples);
            let watch = Watch::new(cancel, on_step, long.num_evaluations()?);
            watch.check()?;
            long.make(&watch, sink)?;
            drop(long);
            Ok(recipe)
        })
    }

    /// The model, or the same on a circle, with the files that are known.
    pub(super) fn workshop<'a>(&'a self, model: &'a Model) -> Workshop<'a> {
        Workshop { model, sounds: &self.sounds, turn: 0.0, take: 0 }
    }

    /// Find the noise of the requests' files before threads part, so that none is found twice.
    fn invert_ahead(&self, requests: &[Request], cancel: &Cancel) {
        for request in requests.iter().filter(|request| request.edit.morph.is_some()) {
            // Whatever is wrong, the clip itself will tell.
            let Ok(recipe) = self.resolve(request) else { continue };
            // The noise of a loop may be too long to be kept.
            if recipe.looped.is_none() && !inverted_files(&recipe).is_empty() {
                let watch = Watch::new(cancel, &|_, _| (), 0);
                let _ = Job::new(self.workshop(&self.model), &recipe).and_then(|job| job.invert_ahead(&watch));
            }
        }
    }

    /// Always a batch of one clip, so that its bytes cannot depend on its neighbours.
    fn make(&self, request: &Request, cancel: &Cancel, on_step: &(dyn Fn(usize, usize) + Sync)) -> Result<Rendered> {
        let start = Instant::now();
        let recipe = self.resolve(request)?;
        let on_circle = recipe.looped.map(|looped| looped.model(&self.model, &recipe)).transpose()?;
        let model = on_circle.as_ref().unwrap_or(&self.model);
        let clip = clip(self.workshop(model), &recipe, cancel, on_step)?;
        Ok(Rendered { clip, recipe, render_s: start.elapsed().as_secs_f64() })
    }
}

/// The sound; with a width its two channels.
fn clip(shop: Workshop<'_>, recipe: &Recipe, cancel: &Cancel, on_step: &(dyn Fn(usize, usize) + Sync)) -> Result<Clip> {
    let sample_rate = shop.model.card.config.sample_rate;
    let shops = recipe.edit.turns().into_iter().map(|turn| Workshop { turn, ..shop });
    let made: Vec<Vec<f32>> = if let Some(long) = Long::of(shop, recipe)? {
        let watch = Watch::new(cancel, on_step, long.num_evaluations()?);
        shops.map(|shop| collect(&long.on(shop), &watch)).collect::<Result<_>>()?
    } else {
        let job = Job::new(shop, recipe)?;
        let watch = Watch::new(cancel, on_step, job.num_evaluations(shops.len()));
        watch.check()?;
        let mut take = None;
        let make = |shop| {
            // A sound's side is the side of the take that was kept.
            let made = job.on(shop).make(take, &watch)?;
            take = Some(made.0);
            Ok(made.1)
        };
        shops.map(make).collect::<Result<_>>()?
    };
    match (made.as_slice(), recipe.edit.width) {
        ([middle, side], Some(width)) => {
            Clip::new(widen(middle, side, width, sample_rate, recipe.looped.is_some()).into(), sample_rate)
        }
        _ => Clip::new(made, sample_rate),
    }
}

/// A long sound, in memory.
fn collect(long: &Long<'_>, watch: &Watch) -> Result<Vec<f32>> {
    let mut samples = Vec::with_capacity(long.num_samples());
    long.make(watch, &mut |piece| {
        samples.extend_from_slice(piece);
        Ok(())
    })?;
    Ok(samples)
}

/// What comes in pieces has one channel.
fn check_one_channel(recipe: &Recipe) -> Result<(), GenerateError> {
    let Some(width) = recipe.edit.width else { return Ok(()) };
    let (field, need) = ("the width of a sound that comes in pieces".into(), "none: render it whole".into());
    Err(GenerateError::OutOfRange { field, found: width.to_string(), need })
}

fn next<'a>(queue: &AtomicUsize, requests: &'a [Request]) -> Option<(usize, &'a Request)> {
    let idx = queue.fetch_add(1, Ordering::Relaxed);
    requests.get(idx).map(|request| (idx, request))
}

/// `asked` appears in the error.
fn pool(threads: usize, asked: usize) -> Result<Threads> {
    Ok(Threads::new(threads).map_err(|source| GenerateError::Threads { threads: asked, source })?)
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
