//! [`Engine`]: losses and gradients on the CPU, by plans of the stages; every shard of a batch has its own memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::config::Loss;
use super::networks::{Losses, Networks, Part};
use super::prepare::Item;
use super::teacher::{Lesson, Noised, Teacher};
use crate::conditioning::Condition;
use crate::diffusion::precondition::{c_in, c_out};
use crate::error::Result;
use crate::model::Stage;
use crate::nn::{Plan, Workspace};
use crate::noise::NoiseStream;
use crate::representation::Frames;

/// Gradients that are added up together by one thread.
const PIECE: usize = 64 * 1024;

/// The plans of a training's stages and the memory that its shards compute in.
pub(super) struct Engine {
    /// Of the stages that learn, in their order.
    stages: Vec<Planned>,
    shards: Vec<Mutex<Vec<Memory>>>,
}

/// A stage's plan.
pub(super) struct Planned {
    pub(super) plan: Plan,
    /// Of the parameters, in the plan's order.
    pub(super) names: Vec<String>,
}

impl Planned {
    /// Of the stages of `networks` that learn, whose parameters are on the CPU.
    pub(super) fn all(networks: &Networks) -> Result<Vec<Self>> {
        let vars = networks.weights.vars();
        let stages = networks.stages().map(|(_, stage)| {
            let plan = stage.plan(true)?;
            let name = |id| vars.iter().find(|(_, var)| var.as_tensor().id() == id).map(|(name, _)| name.clone());
            let names = plan.parameters().iter().map(|p| name(p.id()).unwrap_or_default()).collect();
            Ok(Self { plan, names })
        });
        stages.collect()
    }
}

/// What one shard needs for one stage; made when it is first used.
#[derive(Default)]
struct Memory {
    workspace: Option<Workspace>,
    lesson: Lesson,
    gradients: Vec<f32>,
    x_t: Vec<f32>,
    target: Vec<f32>,
}

/// One stage's part of a batch: what it is asked, clip after clip.
struct Batch<'a> {
    data: Vec<&'a Frames>,
    context: Option<Vec<&'a Frames>>,
    sigmas: &'a [f64],
    conditions: Vec<Condition>,
}

impl Engine {
    /// Plans for `networks`, whose parameters are on the CPU, and memory for `shards` shards.
    pub(super) fn new(networks: &Networks, shards: usize) -> Result<Self> {
        let stages = Planned::all(networks)?;
        let shards = (0..shards).map(|_| Mutex::new(stages.iter().map(|_| Memory::default()).collect())).collect();
        Ok(Self { stages, shards })
    }

    /// Take over the parameters, which the optimizer has changed. Runs on the current rayon pool.
    pub(super) fn reload(&mut self) -> Result<()> {
        for stage in &mut self.stages {
            stage.plan.reload()?;
        }
        Ok(())
    }

    /// Losses of these items (means over them) and, in the shard's memory, gradients of `share` times their sum. One sigma
    /// an item, and as many again for each further draw of the envelope stage; noise from `noise`, the fine stage's before
    /// the envelope's.
    #[allow(clippy::too_many_arguments)] // One call's data, each used once.
    pub(super) fn shard(
        &self,
        shard: usize,
        networks: &Networks,
        loss: Loss,
        teacher: Option<&Teacher>,
        items: &[Item],
        sigmas: &[f64],
        noise: &mut [NoiseStream],
        share: f64,
    ) -> Result<Losses> {
        let mut memories = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = Losses::default();
        let stages = self.stages.iter().zip(networks.stages()).zip(memories.iter_mut()).enumerate();
        for (i, ((planned, (part, stage)), memory)) in stages {
            let batch = match part {
                Part::Fine => Batch::fine(items, sigmas),
                Part::Envelope => Batch::envelope(items, sigmas),
            };
            memory.draw(networks, stage, &batch, noise);
            if let Some(teacher) = teacher {
                memory.aim(teacher, i, (&planned.plan, stage), &batch)?;
            }
            let rows = stage.rows(batch.sigmas, &batch.conditions);
            found.set(part, memory.step(&planned.plan, &rows, loss, &batch, share));
        }
        Ok(found)
    }

    /// Add up the shards' gradients, always in their order. Runs on the current rayon pool.
    pub(super) fn sum(&mut self) {
        let mut shards: Vec<_> =
            self.shards.iter_mut().map(|shard| shard.get_mut().unwrap_or_else(PoisonError::into_inner)).collect();
        let Some((first, others)) = shards.split_first_mut() else { return };
        for (stage, sum) in first.iter_mut().enumerate() {
            for other in others.iter() {
                let pairs = sum.gradients.par_chunks_mut(PIECE).zip(other[stage].gradients.par_chunks(PIECE));
                pairs.for_each(|(sum, other)| sum.iter_mut().zip(other).for_each(|(sum, other)| *sum += other));
            }
        }
    }

    /// Call `f` with the sums, by parameter name.
    pub(super) fn with_gradients<T>(&self, f: impl FnOnce(&BTreeMap<&str, &[f32]>) -> T) -> T {
        let memories = self.shards[0].lock().unwrap_or_else(PoisonError::into_inner);
        let mut gradients = BTreeMap::new();
        for (stage, memory) in self.stages.iter().zip(memories.iter()) {
            for (idx, name) in stage.names.iter().enumerate() {
                gradients.insert(name.as_str(), &memory.gradients[stage.plan.gradient_range(idx)]);
            }
        }
        f(&gradients)
    }
}

impl<'a> Batch<'a> {
    fn fine(items: &'a [Item], sigmas: &'a [f64]) -> Self {
        let context = items.iter().map(|item| item.context.as_ref()).collect();
        let data = items.iter().map(|item| &item.fine).collect();
        Self { data, context, sigmas: &sigmas[..items.len()], conditions: conditions(items) }
    }

    fn envelope(items: &'a [Item], sigmas: &'a [f64]) -> Self {
        let draws = sigmas.len() / items.len();
        // A training with an envelope stage prepares an envelope for every item.
        let data: Vec<&Frames> = items.iter().filter_map(|item| item.envelope.as_ref()).collect();
        Self { data: data.repeat(draws), context: None, sigmas, conditions: vec![conditions(items); draws].concat() }
    }

    fn stacked_context(&self) -> Option<Vec<f32>> {
        self.context.as_ref().map(|frames| stack(frames))
    }
}

impl Memory {
    /// The loss of one stage on the batch that was drawn, and the gradients of `share` times it.
    fn step(&mut self, plan: &Plan, rows: &(Vec<f32>, Vec<f32>), loss: Loss, batch: &Batch, share: f64) -> f64 {
        let count = batch.data.len();
        let workspace = self.workspace.get_or_insert_with(|| plan.workspace(count, count));
        plan.prepare(workspace, 0..count, &[&rows.0, &rows.1]);
        let context = batch.stacked_context();
        let inputs: Vec<&[f32]> =
            [Some(&self.x_t), context.as_ref()].into_iter().flatten().map(Vec::as_slice).collect();
        let target = &mut self.target;
        // The target becomes the gradient of the output.
        let value = plan.run(workspace, 1, |runner| loss_gradient(loss, runner.forward(0, &inputs), target, share));
        self.gradients.clear();
        self.gradients.resize(plan.num_parameters(), 0.0);
        workspace.backward(plan, target, &mut self.gradients);
        value
    }

    /// Replace the target by what the teacher aims at.
    fn aim(&mut self, teacher: &Teacher, stage: usize, student: (&Plan, &Stage), batch: &Batch) -> Result<()> {
        let context = batch.stacked_context();
        let (sigmas, conditions) = (batch.sigmas, &batch.conditions[..]);
        let noised = Noised { x_t: &self.x_t, context: context.as_deref(), sigmas, conditions };
        teacher.aim_planned(stage, student, &noised, &mut self.lesson, &mut self.target)
    }

    /// Noised data and its velocity, clip after clip from the streams in turn.
    fn draw(&mut self, networks: &Networks, stage: &Stage, batch: &Batch, noise: &mut [NoiseStream]) {
        let clip = stage.shape().frames * stage.shape().channels;
        self.x_t.resize(batch.data.len() * clip, 0.0);
        self.target.resize(batch.data.len() * clip, 0.0);
        let clips = self.x_t.chunks_exact_mut(clip).zip(self.target.chunks_exact_mut(clip));
        for (i, (((x_t, target), x0), &sigma)) in clips.zip(&batch.data).zip(batch.sigmas).enumerate() {
            let count = noise.len();
            networks.fill_noise(stage, &batch.conditions[i], &mut noise[i % count], target);
            noised(&x0.data, sigma, x_t, target);
        }
    }
}

/// `x_t = cos t x0 + sin t z`, with `sigma = tan t`; `target`, which is the noise `z`, becomes the velocity `cos t z - sin t x0`.
pub(super) fn noised(x0: &[f32], sigma: f64, x_t: &mut [f32], target: &mut [f32]) {
    let (cos, sin) = (c_in(sigma) as f32, -c_out(sigma) as f32);
    for ((x_t, target), &x0) in x_t.iter_mut().zip(target).zip(x0) {
        let z = *target;
        *x_t = cos * x0 + sin * z;
        *target = cos * z - sin * x0;
    }
}

/// The mean loss of `v` against `target`; `target` becomes the gradient of `share` times the loss.
fn loss_gradient(loss: Loss, v: &[f32], target: &mut [f32], share: f64) -> f64 {
    let scale = (share / target.len() as f64) as f32;
    let mut sum = 0.0;
    for (v, target) in v.chunks(4096).zip(target.chunks_mut(4096)) {
        let mut block = 0.0f32;
        for (v, target) in v.iter().zip(target) {
            let d = v - *target;
            let (value, slope) = match loss {
                Loss::Mse => (d * d, 2.0 * d),
                Loss::Huber { c } => {
                    let root = (d * d + (c * c) as f32).sqrt();
                    (root - c as f32, d / root)
                }
            };
            block += value;
            *target = scale * slope;
        }
        sum += f64::from(block);
    }
    sum / target.len() as f64
}

fn conditions(items: &[Item]) -> Vec<Condition> {
    items.iter().map(|item| item.condition.clone()).collect()
}

fn stack(frames: &[&Frames]) -> Vec<f32> {
    frames.iter().flat_map(|frames| frames.data.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Raise, tiny};
    use crate::nn::Weights;
    use crate::noise::Seed;
    use crate::representation::Maps;
    use crate::train::{TrainConfig, prepare::Prepared, start_noise::StartNoise};
    use candle_core::Device;

    fn item(noise: &mut NoiseStream, fine: [usize; 2], envelope: [usize; 2], class: usize) -> Item {
        let mut frames = |[num_frames, num_channels]: [usize; 2]| {
            let mut frames = Frames::zeros(num_frames, num_channels);
            noise.fill_normal(&mut frames.data);
            frames
        };
        let (fine, context, envelope) = (frames(fine), frames(fine), frames(envelope));
        let condition = Condition { class: Some(class), ..Condition::default() };
        Item { envelope: Some(envelope), context: Some(context), fine, condition }
    }

    #[test]
    fn plans_and_the_tape_agree_on_every_draw_of_the_envelope_stage() -> Result<()> {
        let card = tiny::two_stage_card().config;
        let (representation, envelope) = (card.representation.clone(), card.envelope.clone());
        let config = TrainConfig { representation, envelope, unet: card.unet.clone(), ..TrainConfig::default() };
        let maps = Maps { mean: Vec::new(), std: Vec::new() };
        let prepared = Prepared {
            representation: config.representation.build()?,
            raised: Vec::new(),
            raise: Raise::default(),
            envelope: None,
            maps,
            context: config.context(),
            learns: config.learns,
            noise: StartNoise::default(),
        };
        let weights = Weights::fresh(Seed(1), &Device::Cpu);
        let networks = Networks::new(&config, &prepared, card.classes.len(), weights)?;
        // A fresh network's last layers are zero, and so would be what all others are to learn.
        let mut noise = NoiseStream::new(Seed(1), "weights", 0);
        for var in networks.weights.vars().values() {
            let mut values = vec![0.0; var.elem_count()];
            noise.fill_normal(&mut values);
            values.iter_mut().for_each(|x| *x *= 0.1);
            var.set(&candle_core::Tensor::from_vec(values, var.shape(), &Device::Cpu)?)?;
        }
        let shapes: Vec<_> =
            networks.stages().map(|(_, stage)| [stage.shape().frames, stage.shape().channels]).collect();
        let items: Vec<Item> = (0..2).map(|class| item(&mut noise, shapes[0], shapes[1], class)).collect();
        // Of both items for the fine stage and the envelope stage's first draw, and two draws more.
        let sigmas = [0.3, 2.0, 0.1, 1.0, 8.0, 0.5];
        let streams = || (0..2).map(|i| NoiseStream::new(Seed(2), "draws", i)).collect::<Vec<_>>();
        let engine = Engine::new(&networks, 1)?;
        let found = engine.shard(0, &networks, Loss::Mse, None, &items, &sigmas, &mut streams(), 1.0)?;
        let (loss, expected) = networks.loss(Loss::Mse, None, &items, &sigmas, &mut streams())?;
        assert!((found.fine - expected.fine).abs() < 1e-4 && (found.envelope - expected.envelope).abs() < 1e-4);
        let gradients = networks.gradients(&loss, 1.0)?;
        engine.with_gradients(|found| {
            for (name, found) in found {
                let expected: Vec<f32> = gradients[*name].flatten_all()?.to_vec1()?;
                let largest = expected.iter().fold(1e-3f32, |most, g| most.max(g.abs()));
                let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(worst < 1e-3 * largest, "{name}: {worst} of {largest}");
            }
            assert_eq!(found.len(), gradients.len());
            Ok(())
        })
    }
}
