//! [`Ours`]: the network of this crate, rendering one clip and training on a batch.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use brownian_core::Result;
use brownian_core::model::Stage;
use brownian_core::nn::{Plan, Weights, Workspace};
use brownian_core::noise::Seed;
use candle_core::{CpuStorage, Device, InplaceOp1, Layout, Tensor, Var};
use rayon::prelude::*;

use crate::case::Case;

/// The network as a plan twice: over stored parameters, and over trainable ones.
pub struct Ours {
    stage: Stage,
    stored: Plan,
    forward: Mutex<Workspace>,
    training: Mutex<Training>,
    vars: BTreeMap<String, Var>,
    threads: usize,
}

/// What a training step changes.
struct Training {
    plan: Plan,
    parts: Vec<Part>,
    /// AdamW's two means, as long as all parameters.
    slots: [Vec<f32>; 2],
    step: i32,
}

/// One thread's share of the batch.
struct Part {
    start: usize,
    count: usize,
    workspace: Workspace,
    gradients: Vec<f32>,
    loss: f64,
}

impl Ours {
    pub fn new(case: &Case, threads: usize) -> Result<Self> {
        let fresh = Weights::fresh(Seed(1), &Device::Cpu);
        let trained = build(case, &fresh)?;
        let vars = fresh.vars();
        for (name, var) in &vars {
            var.set(case.tensors.get(name).ok_or_else(|| candle_core::Error::Msg(format!("no parameter {name}")))?)?;
        }
        let stage = build(case, &Weights::stored(case.tensors.clone(), &Device::Cpu))?;
        let (stored, plan) = (stage.plan(false)?, trained.plan(true)?);
        let batch = case.sigmas.len();
        let each = batch.div_ceil(threads);
        let part = |start: usize| {
            let count = each.min(batch - start);
            let gradients = vec![0.0; plan.num_parameters()];
            Part { start, count, workspace: plan.workspace(count, count), gradients, loss: 0.0 }
        };
        let parts = (0..batch).step_by(each).map(part).collect();
        let slots = [vec![0.0; plan.num_parameters()], vec![0.0; plan.num_parameters()]];
        let training = Mutex::new(Training { plan, parts, slots, step: 0 });
        let forward = Mutex::new(stored.workspace(1, 1));
        Ok(Self { stage, stored, forward, training, vars, threads })
    }

    /// The velocity of the first clip, the embedding included.
    pub fn forward(&self, case: &Case) -> Result<Tensor> {
        let mut workspace = locked(&self.forward);
        let (levels, features) = self.stage.rows(&case.sigmas[..1], &case.conditions[..1]);
        self.stored.prepare(&mut workspace, 0..1, &[&levels, &features]);
        let frames = clips(case, 0, 1)?;
        let frames: Vec<&[f32]> = frames.iter().map(Vec::as_slice).collect();
        let v = self.stored.run(&mut workspace, self.threads, |runner| runner.forward(0, &frames).to_vec());
        Ok(Tensor::from_vec(v, case.x.narrow(0, 0, 1)?.shape(), &Device::Cpu)?)
    }

    /// One step: forward, backward, optimizer. One part of the batch for each thread, as in training.
    pub fn step(&self, case: &Case) -> Result<()> {
        let training = &mut *locked(&self.training);
        self.gradients(case, training)?;
        training.step += 1;
        let (plan, step, [first, second]) = (&training.plan, training.step, &mut training.slots);
        let mut slots = (&mut first[..], &mut second[..]);
        let mut jobs = Vec::new();
        for (idx, tensor) in plan.parameters().iter().enumerate() {
            let range = plan.gradient_range(idx);
            let (m, rest_m) = slots.0.split_at_mut(range.len());
            let (v, rest_v) = slots.1.split_at_mut(range.len());
            slots = (rest_m, rest_v);
            jobs.push((tensor, &training.parts[0].gradients[range], m, v));
        }
        jobs.into_par_iter().try_for_each(|(tensor, gradients, m, v)| {
            tensor.inplace_op1(&AdamW { gradients, slots: RefCell::new((m, v)), step })
        })?;
        Ok(training.plan.reload()?)
    }

    /// Loss and gradients of the whole batch, written as a safetensors file.
    pub fn write_gradients(&self, case: &Case, path: &Path) -> Result<()> {
        let training = &mut *locked(&self.training);
        let loss = self.gradients(case, training)?;
        let mut tensors = HashMap::from([("loss".to_string(), Tensor::new(&[loss as f32], &Device::Cpu)?)]);
        for (name, var) in &self.vars {
            let found = training.plan.parameters().iter().position(|tensor| tensor.id() == var.as_tensor().id());
            let idx = found.ok_or_else(|| candle_core::Error::Msg(format!("{name} is not in the plan")))?;
            let gradients = training.parts[0].gradients[training.plan.gradient_range(idx)].to_vec();
            tensors.insert(name.clone(), Tensor::from_vec(gradients, var.shape(), &Device::Cpu)?);
        }
        Ok(candle_core::safetensors::save(&tensors, path)?)
    }

    /// The loss; the gradients of the whole batch end in the first part.
    fn gradients(&self, case: &Case, training: &mut Training) -> Result<f64> {
        let plan = &training.plan;
        training.parts.par_iter_mut().try_for_each(|part| part.run(&self.stage, plan, case))?;
        let (first, others) = training.parts.split_at_mut(1);
        for other in others {
            let pairs = first[0].gradients.par_chunks_mut(1 << 16).zip(other.gradients.par_chunks(1 << 16));
            pairs.for_each(|(sum, other)| sum.iter_mut().zip(other).for_each(|(sum, other)| *sum += other));
            first[0].loss += other.loss;
        }
        Ok(first[0].loss)
    }
}

impl Part {
    /// Loss and gradients of this part, as their share of the batch's.
    fn run(&mut self, stage: &Stage, plan: &Plan, case: &Case) -> Result<()> {
        let range = self.start..self.start + self.count;
        let (levels, features) = stage.rows(&case.sigmas[range.clone()], &case.conditions[range]);
        plan.prepare(&mut self.workspace, 0..self.count, &[&levels, &features]);
        let frames = clips(case, self.start, self.count)?;
        let frames: Vec<&[f32]> = frames.iter().map(Vec::as_slice).collect();
        let mut gradient: Vec<f32> = case.target.narrow(0, self.start, self.count)?.flatten_all()?.to_vec1()?;
        let scale = 1.0 / case.target.elem_count() as f32;
        self.loss = plan.run(&mut self.workspace, 1, |runner| {
            let pairs = runner.forward(0, &frames).iter().zip(&mut gradient);
            pairs.fold(0.0, |loss, (v, target)| {
                let difference = v - *target;
                *target = 2.0 * scale * difference;
                loss + f64::from(difference * difference * scale)
            })
        });
        self.gradients.fill(0.0);
        self.workspace.backward(plan, &gradient, &mut self.gradients);
        Ok(())
    }
}

/// Frames, and the context where there is one, of `count` clips.
fn clips(case: &Case, start: usize, count: usize) -> Result<Vec<Vec<f32>>> {
    let cut = |tensor: &Tensor| Ok(tensor.narrow(0, start, count)?.flatten_all()?.to_vec1()?);
    std::iter::once(&case.x).chain(&case.context).map(cut).collect()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Only a panic of another holder could poison it, and there is no other.
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn build(case: &Case, weights: &Weights) -> Result<Stage> {
    if case.stage == "fine" {
        return case.card.config.fine_stage(&*case.card.config.representation.build()?, weights);
    }
    let stage = case.card.config.envelope_stage(weights)?;
    Ok(stage.ok_or_else(|| candle_core::Error::Msg("no envelope stage".into()))?)
}

/// AdamW (Loshchilov and Hutter 2019) in one pass over memory, with the numbers that the other engine gets.
struct AdamW<'a> {
    gradients: &'a [f32],
    slots: RefCell<(&'a mut [f32], &'a mut [f32])>,
    step: i32,
}

impl InplaceOp1 for AdamW<'_> {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let (CpuStorage::F32(weights), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
            candle_core::bail!("need contiguous f32 values");
        };
        let (first, second) = &mut *self.slots.borrow_mut();
        let slots = first.iter_mut().zip(second.iter_mut());
        for ((w, (m, v)), &g) in weights[start..end].iter_mut().zip(slots).zip(self.gradients) {
            update(w, m, v, g, self.step);
        }
        Ok(())
    }
}

fn update(w: &mut f32, m: &mut f32, v: &mut f32, g: f32, step: i32) {
    const RATE: f32 = 1e-3;
    let (beta1, beta2) = (0.9f32, 0.99f32);
    *m += (1.0 - beta1) * (g - *m);
    *v += (1.0 - beta2) * (g * g - *v);
    let (mean, square) = (*m / (1.0 - beta1.powi(step)), *v / (1.0 - beta2.powi(step)));
    *w -= RATE * (mean / (square.sqrt() + 1e-8) + 0.01 * *w);
}
