//! [`Networks`]: the stages of a training and their loss on a batch.

use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Device, Tensor};

use super::config::{Learns, Loss, TrainConfig};
use super::prepare::{Item, Prepared};
use super::start_noise::StartNoise;
use super::teacher::Teacher;
use crate::conditioning::Condition;
use crate::diffusion::{mean_squared_error, noised, pseudo_huber, velocity_target};
use crate::error::{Result, TrainError};
use crate::model::Stage;
use crate::nn::Weights;
use crate::noise::NoiseStream;
use crate::representation::Frames;
use crate::unet::{FrameShape, UnetConfig};

/// The networks of one set of parameters.
pub(super) struct Networks {
    pub(super) weights: Weights,
    fine: Stage,
    envelope: Option<Stage>,
    learns: Learns,
    /// What clips are hidden in.
    noise: StartNoise,
}

/// Which of the networks a stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The fine or only one.
    Fine,
    Envelope,
}

/// A loss for each stage; 0 where there is no such stage, or where it does not learn.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Losses {
    pub(super) fine: f64,
    pub(super) envelope: f64,
}

impl Losses {
    pub(super) fn set(&mut self, part: Part, loss: f64) {
        match part {
            Part::Fine => self.fine = loss,
            Part::Envelope => self.envelope = loss,
        }
    }
}

impl Networks {
    pub(super) fn new(config: &TrainConfig, prepared: &Prepared, num_classes: usize, weights: Weights) -> Result<Self> {
        let stage = |unet: &UnetConfig, shape: FrameShape, name: &str| -> Result<Stage> {
            unet.validate(shape).map_err(TrainError::Network)?;
            Stage::new(unet, shape, num_classes, &weights.sub(name))
        };
        let shape = FrameShape {
            frames: prepared.representation.num_frames(),
            channels: prepared.representation.num_channels(),
            has_context: config.envelope.is_some(),
            circle: None,
        };
        let envelope = config.envelope.as_ref().map(|envelope| stage(&envelope.unet, envelope.shape(), "envelope"));
        let (fine, envelope) = (stage(&config.unet, shape, "fine")?, envelope.transpose()?);
        Ok(Self { fine, envelope, learns: config.learns, noise: prepared.noise.clone(), weights })
    }

    /// Noise of a clip of `stage`, time-major.
    pub(super) fn fill_noise(&self, stage: &Stage, condition: &Condition, noise: &mut NoiseStream, z: &mut [f32]) {
        self.noise.fill(stage.shape(), condition, noise, z);
    }

    /// The stages that learn: the fine or only one, then the envelope stage where there is one.
    pub(super) fn stages(&self) -> impl Iterator<Item = (Part, &Stage)> {
        let fine = (self.learns != Learns::Envelope).then_some((Part::Fine, &self.fine));
        let envelope = self.envelope.as_ref().filter(|_| self.learns != Learns::Fine);
        fine.into_iter().chain(envelope.map(|stage| (Part::Envelope, stage)))
    }

    /// The same networks over stored parameters.
    pub(super) fn stored(
        config: &TrainConfig,
        prepared: &Prepared,
        num_classes: usize,
        tensors: HashMap<String, Tensor>,
        device: &Device,
    ) -> Result<Self> {
        Self::new(config, prepared, num_classes, Weights::stored(tensors, device))
    }

    /// Sum of the stages' mean losses on these items, and each alone: of the velocity, or of what the teacher aims at. One
    /// sigma an item, and as many again for each further draw of the envelope stage; noise from `noise`, in turn.
    pub(super) fn loss(
        &self,
        loss: Loss,
        teacher: Option<&Teacher>,
        items: &[Item],
        sigmas: &[f64],
        noise: &mut [NoiseStream],
    ) -> Result<(Tensor, Losses)> {
        let conditions: Vec<Condition> = items.iter().map(|item| item.condition.clone()).collect();
        let draws = sigmas.len() / items.len();
        let mut losses = Losses::default();
        let mut sum = Tensor::zeros((), DType::F32, self.weights.device())?;
        for (idx, (part, stage)) in self.stages().enumerate() {
            let mut ask = |data: &[&Frames], context: Option<&Tensor>, sigmas: &[f64], conditions: &[Condition]| {
                self.stage_loss((idx, stage), loss, teacher, data, context, sigmas, conditions, &mut *noise)
            };
            let own = match part {
                Part::Fine => {
                    let fine: Vec<&Frames> = items.iter().map(|item| &item.fine).collect();
                    let context = items.iter().map(|item| item.context.as_ref()).collect::<Option<Vec<_>>>();
                    let context = context.map(|frames| self.stack(&frames)).transpose()?;
                    ask(&fine, context.as_ref(), &sigmas[..items.len()], &conditions)?
                }
                Part::Envelope => {
                    let envelopes: Vec<&Frames> = items.iter().filter_map(|item| item.envelope.as_ref()).collect();
                    ask(&envelopes.repeat(draws), None, sigmas, &vec![conditions.clone(); draws].concat())?
                }
            };
            losses.set(part, scalar(&own)?);
            sum = (sum + own)?;
        }
        Ok((sum, losses))
    }

    #[allow(clippy::too_many_arguments)] // One call's data, each used once.
    fn stage_loss(
        &self,
        (idx, stage): (usize, &Stage),
        loss: Loss,
        teacher: Option<&Teacher>,
        data: &[&Frames],
        context: Option<&Tensor>,
        sigmas: &[f64],
        conditions: &[Condition],
        noise: &mut [NoiseStream],
    ) -> Result<Tensor> {
        let x0 = self.stack(data)?;
        let mut z = vec![0.0; x0.elem_count()];
        let clip = z.len() / data.len();
        let count = noise.len();
        let clips = z.chunks_exact_mut(clip).zip(conditions).enumerate();
        clips.for_each(|(i, (z, condition))| self.fill_noise(stage, condition, &mut noise[i % count], z));
        let z = Tensor::from_vec(z, x0.shape(), self.weights.device())?;
        let x_t = noised(&x0, &z, sigmas)?;
        let v = stage.velocity(&x_t, context, sigmas, conditions)?;
        let target = match teacher {
            None => velocity_target(&x0, &z, sigmas)?,
            Some(teacher) => teacher.target(idx, stage, &x_t, context, sigmas, conditions)?,
        };
        match loss {
            Loss::Mse => mean_squared_error(&v, &target),
            Loss::Huber { c } => pseudo_huber(&v, &target, c),
        }
    }

    /// `[batch, frames, channels]`.
    fn stack(&self, frames: &[&Frames]) -> Result<Tensor> {
        let data: Vec<f32> = frames.iter().flat_map(|frames| frames.data.iter().copied()).collect();
        let shape = (frames.len(), frames[0].num_frames, frames[0].num_channels);
        Ok(Tensor::from_vec(data, shape, self.weights.device())?)
    }

    /// Gradients of a loss by parameter name, each times `share`.
    pub(super) fn gradients(&self, loss: &Tensor, share: f64) -> Result<BTreeMap<String, Tensor>> {
        let grads = loss.backward()?;
        let vars = self.weights.vars();
        let found = vars.iter().filter_map(|(name, var)| grads.get(var.as_tensor()).map(|grad| (name, grad)));
        found.map(|(name, grad)| Ok((name.clone(), (grad * share)?.detach()))).collect()
    }
}

fn scalar(tensor: &Tensor) -> Result<f64> {
    Ok(f64::from(tensor.to_scalar::<f32>()?))
}
