//! [`Stage`]: one denoising network with its embedding of noise level and condition.

use candle_core::Tensor;

use crate::conditioning::{Condition, ConditionEmbedding};
use crate::diffusion::{self, Denoiser};
use crate::error::Result;
use crate::nn::{Plan, Recording, Value, Weights};
use crate::unet::{FrameShape, Unet, UnetConfig};

/// One denoising network with its embedding of noise level and condition.
pub struct Stage {
    unet: Unet,
    embedding: ConditionEmbedding,
    shape: FrameShape,
}

impl Stage {
    /// Build over frames of this shape; `config` has been validated against it.
    ///
    /// # Errors
    /// The stored weights do not fit.
    pub fn new(config: &UnetConfig, shape: FrameShape, num_classes: usize, weights: &Weights) -> Result<Self> {
        Ok(Self {
            unet: Unet::new(config, shape, &weights.sub("unet"))?,
            embedding: ConditionEmbedding::new(num_classes, config.embedding, &weights.sub("embedding"))?,
            shape,
        })
    }

    /// What it works on.
    pub fn shape(&self) -> FrameShape {
        self.shape
    }

    /// The velocity `v = cos t z - sin t x0` that the network sees in `x_t = cos t x0 + sin t z`, with `sigma = tan t`.
    ///
    /// `x_t` and `context` are `[batch, frames, channels]`; one sigma and one condition for each clip.
    ///
    /// # Errors
    /// A tensor operation failed.
    pub fn velocity(
        &self,
        x_t: &Tensor,
        context: Option<&Tensor>,
        sigmas: &[f64],
        conditions: &[Condition],
    ) -> Result<Tensor> {
        let embedding = self.embedding.forward(sigmas, conditions, x_t.device())?;
        let context = context.map(|context| Value::from(context.clone()));
        let v = self.unet.forward(&x_t.clone().into(), context.as_ref(), &embedding.into())?;
        Ok(v.tensor()?.clone())
    }

    /// The stage laid out for the CPU; `trains` keeps what gradients need. Inputs known beforehand are the rows of
    /// [`Stage::rows`]; frames are `x_t`, then the context where the network takes one.
    ///
    /// # Errors
    /// Parameters that are not on the CPU.
    pub fn plan(&self, trains: bool) -> Result<Plan> {
        let recording = Recording::new();
        let [level_width, feature_width] = self.embedding.widths();
        let levels = Value::Node(recording.input(&[level_width], false));
        let features = Value::Node(recording.input(&[feature_width], false));
        let embedding = self.embedding.embed(&levels, &features)?;
        let frames = [self.shape.frames, self.shape.channels];
        let x_t = Value::Node(recording.input(&frames, true));
        let context = self.shape.has_context.then(|| Value::Node(recording.input(&frames, true)));
        let v = self.unet.forward(&x_t, context.as_ref(), &embedding)?;
        Ok(Plan::new(&recording, &v, trains)?)
    }

    /// What a plan is told of noise levels and conditions: one row each, equally many.
    pub fn rows(&self, sigmas: &[f64], conditions: &[Condition]) -> (Vec<f32>, Vec<f32>) {
        self.embedding.rows(sigmas, conditions)
    }

    /// The stage as a [`Denoiser`] for one batch: one condition for each clip, and where the network takes one the
    /// context (`[batch, frames, channels]`).
    pub fn denoiser<'a>(&'a self, conditions: &'a [Condition], context: Option<&'a Tensor>) -> StageDenoiser<'a> {
        StageDenoiser { stage: self, conditions, context }
    }
}

/// A [`Stage`] bound to conditions and context.
pub struct StageDenoiser<'a> {
    stage: &'a Stage,
    conditions: &'a [Condition],
    context: Option<&'a Tensor>,
}

impl Denoiser for StageDenoiser<'_> {
    fn denoise(&self, x: &Tensor, sigma: f64) -> Result<Tensor> {
        let sigmas = vec![sigma; self.conditions.len()];
        let network = |x_t: &Tensor| self.stage.velocity(x_t, self.context, &sigmas, self.conditions);
        diffusion::precondition::denoise_by_velocity(network, x, sigma)
    }
}
