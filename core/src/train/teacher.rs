//! [`Teacher`]: the trained networks whose paths a student learns to foresee.

use std::collections::HashMap;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use super::config::TrainConfig;
use super::networks::Networks;
use super::objective::Consistency;
use super::prepare::Prepared;
use crate::conditioning::Condition;
use crate::diffusion::denoised_from_velocity;
use crate::error::Result;
use crate::model::Stage;
use crate::nn::{Plan, Workspace};

/// The trained networks whose paths a student learns to foresee.
pub(super) struct Teacher {
    networks: Networks,
    /// One for each stage, where the CPU computes.
    plans: Vec<Arc<Plan>>,
    consistency: Consistency,
    /// Lowest and highest noise level.
    range: [f64; 2],
}

/// A batch of one stage at its noise levels: what the teacher is asked about.
pub(super) struct Noised<'a> {
    /// `cos t x0 + sin t z`, clip after clip.
    pub(super) x_t: &'a [f32],
    /// The fine stage's context, clip after clip.
    pub(super) context: Option<&'a [f32]>,
    pub(super) sigmas: &'a [f64],
    pub(super) conditions: &'a [Condition],
}

/// Noise levels and conditions as plans take them.
type Rows = (Vec<f32>, Vec<f32>);

/// Memory that a shard's questions to the teacher are computed in.
#[derive(Default)]
pub(super) struct Lesson {
    teacher: Option<Workspace>,
    student: Option<Workspace>,
}

impl Teacher {
    /// From a model's tensors, on the device where the student is.
    pub(super) fn new(
        config: &TrainConfig,
        consistency: Consistency,
        prepared: &Prepared,
        num_classes: usize,
        tensors: HashMap<String, Tensor>,
        device: &Device,
    ) -> Result<Self> {
        let networks = Networks::stored(config, prepared, num_classes, tensors, device)?;
        let plans = if device.is_cpu() {
            networks.stages().map(|(_, stage)| stage.plan(false).map(Arc::new)).collect()
        } else {
            Ok(vec![])
        };
        let range = [config.sampling.sigma_min, config.sampling.sigma_max];
        Ok(Self { networks, plans: plans?, consistency, range })
    }

    /// Turn `target` into the velocity that leads the student from each clip's noise level to where it sees the end itself
    /// one step nearer, on the teacher's path. `teacher` gives the teacher's velocity of the batch for the rows of its
    /// noise levels and conditions, `student` the student's of other frames. Runs on the current rayon pool.
    pub(super) fn aim(
        &self,
        network: &Stage,
        batch: &Noised,
        target: &mut [f32],
        mut teacher: impl FnMut(&Rows) -> Result<Vec<f32>>,
        mut student: impl FnMut(&[f32], &Rows) -> Result<Vec<f32>>,
    ) -> Result<()> {
        let count = batch.sigmas.len();
        let (clip, nearer, guidance) =
            (target.len() / count, self.nearer(batch.sigmas), self.consistency.guidance as f32);
        let mut v = teacher(&network.rows(batch.sigmas, batch.conditions))?;
        if guidance != 1.0 {
            let null = teacher(&network.rows(batch.sigmas, &vec![Condition::default(); count]))?;
            v.par_iter_mut().zip(&null).for_each(|(v, null)| *v = null + guidance * (*v - null));
        }
        let mut x_r = v;
        x_r.par_chunks_exact_mut(clip).zip(batch.x_t.par_chunks_exact(clip)).enumerate().for_each(|(i, (x_r, x_t))| {
            let (cos, sin) = turn(batch.sigmas[i], nearer[i]);
            x_r.iter_mut().zip(x_t).for_each(|(v, x_t)| *v = cos * x_t - sin * *v);
        });
        let v_r = student(&x_r, &network.rows(&nearer, batch.conditions))?;
        let clips = target.par_chunks_exact_mut(clip).zip(batch.x_t.par_chunks_exact(clip));
        let seen = x_r.par_chunks_exact(clip).zip(v_r.par_chunks_exact(clip));
        clips.zip(seen).enumerate().for_each(|(i, ((target, x_t), (x_r, v_r)))| {
            let ((cos_t, sin_t), (cos_r, sin_r)) = (cos_sin(batch.sigmas[i]), cos_sin(nearer[i]));
            for ((target, x_t), (x_r, v_r)) in target.iter_mut().zip(x_t).zip(x_r.iter().zip(v_r)) {
                let end = cos_r * x_r - sin_r * v_r;
                *target = (cos_t * x_t - end) / sin_t;
            }
        });
        Ok(())
    }

    /// [`Teacher::aim`] by plans on the CPU.
    pub(super) fn aim_planned(
        &self,
        stage: usize,
        (plan, network): (&Plan, &Stage),
        batch: &Noised,
        lesson: &mut Lesson,
        target: &mut [f32],
    ) -> Result<()> {
        let Lesson { teacher, student } = lesson;
        let ask = |plan: &Plan, memory: &mut Option<Workspace>, x: &[f32], rows: &Rows| {
            let count = batch.sigmas.len();
            let workspace = memory.get_or_insert_with(|| plan.workspace(count, count));
            plan.prepare(workspace, 0..count, &[&rows.0, &rows.1]);
            Ok(plan.run(workspace, 1, |runner| runner.forward(0, &inputs(x, batch.context)).to_vec()))
        };
        self.aim(
            network,
            batch,
            target,
            |rows| ask(&self.plans[stage], teacher, batch.x_t, rows),
            |x, rows| ask(plan, student, x, rows),
        )
    }

    /// One for each stage, where the CPU computes or lays out.
    #[cfg(feature = "cuda")]
    pub(super) fn plans(&self) -> &[Arc<Plan>] {
        &self.plans
    }

    /// As [`Teacher::aim`], of candle's operations on any device: the target for `x_t`, which gradients do not enter.
    pub(super) fn target(
        &self,
        stage: usize,
        student: &Stage,
        x_t: &Tensor,
        context: Option<&Tensor>,
        sigmas: &[f64],
        conditions: &[Condition],
    ) -> Result<Tensor> {
        let Some((_, teacher)) = self.networks.stages().nth(stage) else { return Ok(x_t.clone()) };
        let nearer = self.nearer(sigmas);
        let column = |values: Vec<f32>| Tensor::from_vec(values, (sigmas.len(), 1, 1), x_t.device());
        let mut v = teacher.velocity(x_t, context, sigmas, conditions)?.detach();
        if self.consistency.guidance != 1.0 {
            let nulls = vec![Condition::default(); conditions.len()];
            let null = teacher.velocity(x_t, context, sigmas, &nulls)?.detach();
            v = (&null + ((v - &null)? * self.consistency.guidance)?)?;
        }
        let turns: Vec<_> = sigmas.iter().zip(&nearer).map(|(&from, &to)| turn(from, to)).collect();
        let (cos, sin) = (column(turns.iter().map(|t| t.0).collect())?, column(turns.iter().map(|t| t.1).collect())?);
        let x_r = (x_t.broadcast_mul(&cos)? - v.broadcast_mul(&sin)?)?;
        let v_r = student.velocity(&x_r, context, &nearer, conditions)?.detach();
        let end = denoised_from_velocity(&x_r, &v_r, &nearer)?;
        let (cos_t, sin_t): (Vec<_>, Vec<_>) = sigmas.iter().map(|&sigma| cos_sin(sigma)).unzip();
        Ok((x_t.broadcast_mul(&column(cos_t)?)? - end)?.broadcast_div(&column(sin_t)?)?.detach())
    }

    fn nearer(&self, sigmas: &[f64]) -> Vec<f64> {
        sigmas.iter().map(|&sigma| self.consistency.nearer(sigma, self.range)).collect()
    }
}

/// Cosine and sine of `t` for `sigma = tan t`.
fn cos_sin(sigma: f64) -> (f32, f32) {
    let cos = 1.0 / (1.0 + sigma * sigma).sqrt();
    (cos as f32, (sigma * cos) as f32)
}

/// Cosine and sine of the angle between two noise levels: `x_r = cos x_t - sin v` is a step of DDIM on this path.
fn turn(from: f64, to: f64) -> (f32, f32) {
    let angle = libm::atan(from) - libm::atan(to);
    (libm::cos(angle) as f32, libm::sin(angle) as f32)
}

fn inputs<'a>(x: &'a [f32], context: Option<&'a [f32]>) -> Vec<&'a [f32]> {
    std::iter::once(x).chain(context).collect()
}

#[cfg(test)]
mod tests {
    use super::super::start_noise::StartNoise;
    use super::*;
    use crate::model::{EnvelopeStageConfig, Raise, tiny};
    use crate::nn::Weights;
    use crate::noise::{NoiseStream, Seed};

    #[test]
    fn plans_and_candle_s_operations_aim_at_the_same() -> Result<()> {
        let card = tiny::two_stage_card().config;
        let envelope: Option<EnvelopeStageConfig> = card.envelope.clone();
        let config = TrainConfig {
            representation: card.representation.clone(),
            envelope,
            unet: card.unet.clone(),
            ..TrainConfig::default()
        };
        let tensors: HashMap<_, _> = tiny::tensors(&card)?.into_iter().collect();
        let weights = Weights::stored(tensors.clone(), &Device::Cpu);
        let student = card.fine_stage(&*card.representation.build()?, &weights)?;
        let shape = student.shape();
        let prepared = tiny_prepared(&config)?;
        let consistency = Consistency { guidance: 1.5, ..Consistency::default() };
        let teacher = Teacher::new(&config, consistency, &prepared, card.classes.len(), tensors, &Device::Cpu)?;
        let mut noise = NoiseStream::new(Seed(1), "teacher", 0);
        let mut draw = || {
            let mut values = vec![0.0; 2 * shape.frames * shape.channels];
            noise.fill_normal(&mut values);
            values
        };
        let (x_t, context) = (draw(), draw());
        let (sigmas, conditions) =
            ([0.3, 5.0], [Condition::default(), Condition { class: Some(1), ..Condition::default() }]);
        let noised = Noised { x_t: &x_t, context: Some(&context), sigmas: &sigmas, conditions: &conditions };
        let mut target = vec![0.0; x_t.len()];
        teacher.aim_planned(0, (&student.plan(true)?, &student), &noised, &mut Lesson::default(), &mut target)?;
        let tensor = |values: &[f32]| Tensor::from_slice(values, (2, shape.frames, shape.channels), &Device::Cpu);
        let expected = teacher.target(0, &student, &tensor(&x_t)?, Some(&tensor(&context)?), &sigmas, &conditions)?;
        let worst = (tensor(&target)? - expected)?.abs()?.max_all()?.to_scalar::<f32>()?;
        // Sums of a few hundred products in another order, divided by a sine of 0.29.
        assert!(worst < 1e-4, "{worst}");
        Ok(())
    }

    fn tiny_prepared(config: &TrainConfig) -> Result<Prepared> {
        let representation = config.representation.build()?;
        let maps = crate::representation::Maps { mean: Vec::new(), std: Vec::new() };
        let (raised, raise) = (Vec::new(), Raise::default());
        Ok(Prepared {
            representation,
            raised,
            raise,
            envelope: None,
            maps,
            context: config.context(),
            learns: config.learns,
            noise: StartNoise::default(),
        })
    }
}
