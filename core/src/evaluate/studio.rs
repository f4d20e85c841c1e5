//! [`Studio`]: a model that renders what is measured.

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;

use super::options::Settings;
use super::reference::Reference;
use super::set::{Set, Sound, at_peak_one};
use crate::error::{GenerateError, Result};
use crate::generate::{Cancel, Rendered, Request, Session};

/// Clips that are in memory together while they are measured.
const BATCH: usize = 64;

/// A model that renders what is measured.
pub(super) struct Studio<'a> {
    pub(super) session: &'a Session,
    pub(super) settings: Settings,
    /// Of everything that is rendered.
    pub(super) first_seed: u64,
    pub(super) cancel: &'a Cancel,
    /// Called after every clip.
    pub(super) on_clip: &'a (dyn Fn() + Sync),
}

impl Studio<'_> {
    /// A sound of this class (absent: drawn from the seed) as the settings say.
    pub(super) fn request(&self, class: Option<&str>, seed: u64) -> Request {
        let Settings { steps, sampler, guidance } = self.settings;
        let class = class.map(str::to_owned);
        Request { class, seed, steps, sampler, guidance, attributes: BTreeMap::new(), ..Request::default() }
    }

    /// So many seeds.
    pub(super) fn seeds(&self, count: usize) -> Range<u64> {
        self.first_seed..self.first_seed + count as u64
    }

    /// What `measure` says of every clip, in the order of the requests; the clips themselves are not kept.
    ///
    /// # Errors
    /// Cancelled, or the first error of `measure`.
    pub(super) fn render<T: Send>(
        &self,
        requests: &[Request],
        measure: impl Fn(usize, Result<Rendered>) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let mut measured = Vec::with_capacity(requests.len());
        for (batch, requests) in requests.chunks(BATCH).enumerate() {
            let rendered = self.session.render_many(requests, self.cancel, &|_, _| (self.on_clip)());
            if self.cancel.is_cancelled() {
                return Err(GenerateError::Cancelled.into());
            }
            let numbered = rendered.into_par_iter().enumerate();
            let values = numbered.map(|(n, rendered)| measure(batch * BATCH + n, rendered)).collect::<Result<Vec<T>>>();
            measured.extend(values?);
        }
        Ok(measured)
    }

    /// `per_sound` clips of the class of every held-out recording, and of its pitch where the model follows one: a seed each.
    pub(super) fn like(&self, reference: &Reference, per_sound: usize) -> Result<Set> {
        let follows_pitch = self.session.model().card.config.pitch;
        let originals: Vec<&Sound> =
            reference.held_out.sounds.iter().flat_map(|sound| vec![sound; per_sound]).collect();
        let request = |(sound, seed): (&&Sound, u64)| Request {
            pitch: sound.pitch.filter(|_| follows_pitch),
            ..self.request(Some(&reference.classes[sound.class]), seed)
        };
        let requests: Vec<Request> = originals.iter().zip(self.first_seed..).map(request).collect();
        let sounds = self.render(&requests, |n, rendered| {
            let class = originals[n].class;
            let note = requests[n].pitch.map(|pitch| format!(" pitch {pitch}")).unwrap_or_default();
            let name = format!("{}{note} seed {}", reference.classes[class], requests[n].seed);
            Ok(Sound {
                name,
                class,
                pitch: requests[n].pitch,
                group: None,
                samples: at_peak_one(&rendered?.clip.channels()[0]),
            })
        })?;
        Ok(Set::new(sounds, reference.held_out.sample_rate))
    }
}
