//! [`Generator`]: what the worker needs of a model.

use super::order::Settings;
use crate::engine::Place;
use crate::state::Take;

/// Everything that decides how one sound comes out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spec {
    /// For which place; a pad's key says which drum it is.
    pub place: Place,
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

/// Makes sounds. Lives on the worker's thread.
pub trait Generator {
    /// Makes one sound. Asks `should_stop` after every step, from any thread, and gives up when told so.
    ///
    /// # Errors
    /// [`RenderError::Cancelled`] if it gave up, else why there is no sound.
    fn render(&mut self, spec: &Spec, should_stop: &(dyn Fn() -> bool + Sync)) -> Result<Take, RenderError>;

    /// A seed that was not used before.
    fn fresh_seed(&mut self) -> u64;
}
