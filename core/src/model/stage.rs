//! [`Stage`]: one denoising network with its embedding of noise level and condition.

use std::cell::RefCell;
use std::sync::{Mutex, OnceLock, PoisonError};

use candle_core::Tensor;

use crate::conditioning::{Blend, Condition, ConditionEmbedding};
use crate::diffusion::{self, Denoiser, Guided};
use crate::error::Result;
use crate::nn::{Plan, Recording, Runner, Value, Weights, Workspace};
use crate::unet::{FrameShape, Unet, UnetConfig};

/// One denoising network with its embedding of noise level and condition.
pub struct Stage {
    unet: Unet,
    embedding: ConditionEmbedding,
    shape: FrameShape,
    plan: OnceLock<Plan>,
    /// Memory that calls leave for the next ones.
    spare: Mutex<Vec<Workspace>>,
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
            plan: OnceLock::new(),
            spare: Mutex::default(),
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
        self.velocity_of_rows(x_t, context, self.rows(sigmas, conditions))
    }

    fn velocity_of_rows(&self, x_t: &Tensor, context: Option<&Tensor>, rows: (Vec<f32>, Vec<f32>)) -> Result<Tensor> {
        let embedding = self.embedding.forward_rows(rows, x_t.device())?;
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

    /// Solve for one clip. On the CPU the stage computes as a plan, which is made at the first call and kept, with the
    /// memory it needs: in later calls the network allocates nothing. It takes the threads of the current rayon pool. The
    /// bytes do not depend on them.
    ///
    /// # Errors
    /// As [`Sampling::solve`]; a tensor operation failed.
    pub fn sample(&self, sampling: Sampling<'_>) -> Result<Tensor> {
        if sampling.start.device().is_cpu() {
            return self.sample_planned(sampling);
        }
        let taped = |blend| Taped { stage: self, blend, context: sampling.context };
        let (conditional, unconditional) = (taped(sampling.condition), taped(sampling.away_from));
        let guided = Guided { conditional: &conditional, unconditional: &unconditional, scale: sampling.guidance };
        (sampling.solve)(&guided, sampling.start)
    }

    fn sample_planned(&self, sampling: Sampling<'_>) -> Result<Tensor> {
        let plan = self.kept_plan()?;
        let context: Option<Vec<f32>> = sampling.context.map(|context| context.flatten_all()?.to_vec1()).transpose()?;
        // One row for each noise level, under the condition and then under what guidance leads away from. At level 0
        // there is nothing to do.
        let levels: Vec<f64> = sampling.sigmas.iter().copied().filter(|&sigma| sigma > 0.0).collect();
        let blends = [vec![sampling.condition; levels.len()], vec![sampling.away_from; levels.len()]].concat();
        let (level_rows, condition_rows) = self.embedding.blended_rows(&[&levels[..], &levels].concat(), &blends);
        let mut workspace = self.take_spare(plan, blends.len());
        plan.prepare(&mut workspace, 0..blends.len(), &[&level_rows, &condition_rows]);
        let result = plan.run(&mut workspace, rayon::current_num_threads(), |runner| {
            let runner = RefCell::new(runner);
            let planned = |first_row: usize| Planned { runner: &runner, levels: &levels, first_row, context: &context };
            let (conditional, unconditional) = (planned(0), planned(levels.len()));
            let guided = Guided { conditional: &conditional, unconditional: &unconditional, scale: sampling.guidance };
            (sampling.solve)(&guided, sampling.start)
        });
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
        result
    }

    /// The plan of this stage, made when it is first asked for.
    fn kept_plan(&self) -> Result<&Plan> {
        if let Some(plan) = self.plan.get() {
            return Ok(plan);
        }
        let plan = self.plan(false)?;
        Ok(self.plan.get_or_init(|| plan))
    }

    /// Memory that an earlier call has left, or new memory.
    fn take_spare(&self, plan: &Plan, rows: usize) -> Workspace {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = spare.iter().position(|workspace| workspace.rows() == rows);
        match fitting {
            Some(idx) => spare.swap_remove(idx),
            None => {
                // Memory for another number of steps: whoever asked for that is gone.
                spare.clear();
                plan.workspace(1, rows)
            }
        }
    }
}

/// What [`Stage::sample`] shall solve, for one clip.
#[derive(Clone)]
pub struct Sampling<'a> {
    /// Every noise level that `solve` asks the denoiser for; 0 may be among them.
    pub sigmas: &'a [f64],
    /// What to make.
    pub condition: &'a Blend,
    /// What guidance leads away from: the null condition, or what it shall not be.
    pub away_from: &'a Blend,
    /// See [`Guided::scale`].
    pub guidance: f64,
    /// What the network sees beside the noisy frames, where it takes a context: `[1, frames, channels]`.
    pub context: Option<&'a Tensor>,
    /// What `solve` starts from, `[1, frames, channels]`: noise, for a sampler.
    pub start: Tensor,
    /// Given the guided denoiser and `start`, finds the result: a sampler, in a wrapper that counts its calls or stops
    /// them.
    pub solve: &'a dyn Fn(&dyn Denoiser, Tensor) -> Result<Tensor>,
}

/// A stage's plan under one condition.
struct Planned<'a, 'b> {
    runner: &'a RefCell<&'a mut Runner<'b>>,
    levels: &'a [f64],
    first_row: usize,
    context: &'a Option<Vec<f32>>,
}

impl Denoiser for Planned<'_, '_> {
    fn denoise(&self, x: &Tensor, sigma: f64) -> Result<Tensor> {
        let level = self.levels.iter().position(|&level| level == sigma);
        let level = level.ok_or_else(|| candle_core::Error::Msg(format!("sigma {sigma} is not in the schedule")))?;
        let network = |x_t: &Tensor| {
            let x_t: Vec<f32> = x_t.flatten_all()?.to_vec1()?;
            let frames: Vec<&[f32]> =
                [Some(&x_t), self.context.as_ref()].into_iter().flatten().map(Vec::as_slice).collect();
            let mut runner = self.runner.borrow_mut();
            let v = runner.forward(self.first_row + level, &frames);
            Ok(Tensor::from_slice(v, x.shape(), x.device())?)
        };
        diffusion::precondition::denoise_by_velocity(network, x, sigma)
    }
}

/// A [`Stage`] under one blend of conditions, by candle's operations.
struct Taped<'a> {
    stage: &'a Stage,
    blend: &'a Blend,
    context: Option<&'a Tensor>,
}

impl Denoiser for Taped<'_> {
    fn denoise(&self, x: &Tensor, sigma: f64) -> Result<Tensor> {
        let rows = || self.stage.embedding.blended_rows(&[sigma], &[self.blend]);
        let network = |x_t: &Tensor| self.stage.velocity_of_rows(x_t, self.context, rows());
        diffusion::precondition::denoise_by_velocity(network, x, sigma)
    }
}
