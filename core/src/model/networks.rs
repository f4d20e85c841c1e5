//! What a config's networks work on, and how they are built: the same for training and for loading.

use super::card::{EnvelopeStageConfig, ModelConfig};
use super::stage::Stage;
use crate::error::Result;
use crate::nn::Weights;
use crate::representation::Representation;
use crate::unet::FrameShape;

impl ModelConfig {
    /// Whether its sounds have neither beginning nor end: one network, which knows no place in time.
    pub fn is_texture(&self) -> bool {
        self.unet.circular && self.envelope.is_none()
    }

    /// What the fine (or only) network works on; with an envelope stage it sees the envelope as its context.
    pub fn fine_shape(&self, representation: &dyn Representation) -> FrameShape {
        FrameShape {
            frames: representation.num_frames(),
            channels: representation.num_channels(),
            has_context: self.envelope.is_some(),
            circle: None,
        }
    }

    /// The fine (or only) network, from the parameters under `fine`.
    ///
    /// # Errors
    /// Stored parameters do not fit.
    pub fn fine_stage(&self, representation: &dyn Representation, weights: &Weights) -> Result<Stage> {
        self.fine_stage_of(self.fine_shape(representation), weights)
    }

    /// The fine (or only) network on frames of another shape than it was trained on.
    ///
    /// # Errors
    /// Stored parameters do not fit.
    pub(super) fn fine_stage_of(&self, shape: FrameShape, weights: &Weights) -> Result<Stage> {
        Stage::new(&self.unet, shape, self.classes.len(), &weights.sub("fine"))
    }

    /// The envelope network, from the parameters under `envelope`; `None` where the model has a single stage.
    ///
    /// # Errors
    /// Stored parameters do not fit.
    pub fn envelope_stage(&self, weights: &Weights) -> Result<Option<Stage>> {
        let build = |envelope: &EnvelopeStageConfig| {
            Stage::new(&envelope.unet, envelope.shape(), self.classes.len(), &weights.sub("envelope"))
        };
        self.envelope.as_ref().map(build).transpose()
    }
}

impl EnvelopeStageConfig {
    /// What the envelope network works on: the grid, columns as frames and bands as channels.
    pub fn shape(&self) -> FrameShape {
        FrameShape { frames: self.grid.columns, channels: self.grid.bands, has_context: false, circle: None }
    }
}
