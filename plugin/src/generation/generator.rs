//! [`Generator`]: what the worker needs of a model.

use std::sync::Arc;

use super::order::Settings;
use crate::engine::Place;
use crate::state::Take;

/// What a sound is made from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Class, attributes and seed of the settings.
    Fresh,
    /// The recipe of this sound, mixed with the spec's seed by the settings' `amount`; its audio, under that much noise,
    /// if it has no recipe.
    Near(Arc<Take>),
    /// The recipes of these two sounds, by the settings' `blend`.
    Between(Arc<Take>, Arc<Take>),
}

/// Everything that decides how one sound comes out.
#[derive(Debug, Clone)]
pub struct Spec {
    /// For which place; a pad's key says which drum it is.
    pub place: Place,
    /// From what.
    pub source: Source,
    /// Which sound of all that fit.
    pub seed: u64,
    /// What kind of sound; its `steps` are those of this very render.
    pub settings: Settings,
}

/// Why there is no sound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// It was told to stop.
    #[error("cancelled")]
    Cancelled,
    /// It could not.
    #[error("{0}")]
    Failed(String),
}

/// What happens between two steps: takes the steps done and all of them, and says whether to stop. Called from any
/// thread.
pub type OnStep<'a> = &'a (dyn Fn(usize, usize) -> bool + Sync);

/// Makes sounds. Lives on the worker's thread.
pub trait Generator {
    /// Makes one sound. Asks `on_step` after every step, and gives up when told so.
    ///
    /// # Errors
    /// [`RenderError::Cancelled`] if it gave up, else why there is no sound.
    fn render(&mut self, spec: &Spec, on_step: OnStep) -> Result<Take, RenderError>;

    /// How many steps a sound of these settings takes.
    fn num_steps(&self, settings: &Settings) -> usize {
        settings.steps
    }

    /// A seed that was not used before.
    fn fresh_seed(&mut self) -> u64;
}
