//! [`Stage`]: one denoising network with its embedding of noise level and condition.

use std::cell::RefCell;
use std::sync::{Mutex, OnceLock, PoisonError};

use candle_core::Tensor;

use crate::conditioning::{Condition, ConditionEmbedding};
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
    /// context (`[batch, frames, channels]`). Of candle's operations; see [`Stage::sample`].
    pub fn denoiser<'a>(&'a self, conditions: &'a [Condition], context: Option<&'a Tensor>) -> StageDenoiser<'a> {
        StageDenoiser { stage: self, conditions, context }
    }

    /// Solve for one clip from `noise` (`[1, frames, channels]`, standard deviation `sigmas[0]`) down `sigmas`; `watch`
    /// wraps the guided denoiser, to count its calls or to stop it.
    ///
    /// On the CPU the stage computes as a plan, which is made at the first call and kept, with the memory it needs: in
    /// later calls the network allocates nothing. It takes the threads of the current rayon pool. The bytes do not depend on them.
    ///
    /// # Errors
    /// As `watch`; a tensor operation failed.
    pub fn sample(
        &self,
        request: &Sampling,
        noise: Tensor,
        context: Option<&Tensor>,
        watch: &dyn Fn(&dyn Denoiser, Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        if noise.device().is_cpu() {
            return self.sample_planned(request, noise, context, watch);
        }
        let (conditions, nulls) = ([request.condition.clone()], [Condition::default()]);
        let conditional = self.denoiser(&conditions, context);
        let unconditional = self.denoiser(&nulls, context);
        watch(&Guided { conditional: &conditional, unconditional: &unconditional, scale: request.guidance }, noise)
    }

    fn sample_planned(
        &self,
        request: &Sampling,
        noise: Tensor,
        context: Option<&Tensor>,
        watch: &dyn Fn(&dyn Denoiser, Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let plan = self.kept_plan()?;
        let context: Option<Vec<f32>> = context.map(|context| context.flatten_all()?.to_vec1()).transpose()?;
        // One row for each noise level, under the condition and then under none. The last level is 0: nothing to do.
        let levels: Vec<f64> = request.sigmas.iter().copied().filter(|&sigma| sigma > 0.0).collect();
        let conditions = [request.condition.clone(), Condition::default()];
        let conditions: Vec<Condition> = conditions.iter().flat_map(|c| vec![c.clone(); levels.len()]).collect();
        let (level_rows, condition_rows) = self.rows(&[&levels[..], &levels].concat(), &conditions);
        let mut workspace = self.take_spare(plan, conditions.len());
        plan.prepare(&mut workspace, 0..conditions.len(), &[&level_rows, &condition_rows]);
        let result = plan.run(&mut workspace, rayon::current_num_threads(), |runner| {
            let runner = RefCell::new(runner);
            let planned = |first_row: usize| Planned { runner: &runner, levels: &levels, first_row, context: &context };
            let (conditional, unconditional) = (planned(0), planned(levels.len()));
            let guided = Guided { conditional: &conditional, unconditional: &unconditional, scale: request.guidance };
            watch(&guided, noise)
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

/// What [`Stage::sample`] shall make.
#[derive(Clone, Debug)]
pub struct Sampling<'a> {
    /// Noise levels, descending to 0.
    pub sigmas: &'a [f64],
    /// What to make.
    pub condition: Condition,
    /// See [`Guided::scale`].
    pub guidance: f64,
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
