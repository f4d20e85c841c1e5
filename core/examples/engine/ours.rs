//! [`Ours`]: the network of this crate, rendering one clip and training on a batch.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Mutex;

use brownian_core::Result;
use brownian_core::model::Stage;
use brownian_core::nn::Weights;
use brownian_core::noise::Seed;
use candle_core::{Device, Tensor, Var};
use rayon::prelude::*;

use crate::case::Case;

/// The network twice: over stored parameters, and over trainable ones.
pub struct Ours {
    stored: Stage,
    trained: Stage,
    vars: BTreeMap<String, Var>,
    optimizer: Mutex<AdamW>,
    threads: usize,
}

impl Ours {
    pub fn new(case: &Case, threads: usize) -> Result<Self> {
        let fresh = Weights::fresh(Seed(1), &Device::Cpu);
        let trained = build(case, &fresh)?;
        let vars = fresh.vars();
        for (name, var) in &vars {
            var.set(case.tensors.get(name).ok_or_else(|| candle_core::Error::Msg(format!("no parameter {name}")))?)?;
        }
        let stored = build(case, &Weights::stored(case.tensors.clone(), &Device::Cpu))?;
        Ok(Self { stored, trained, vars, optimizer: Mutex::default(), threads })
    }

    /// The velocity of the first clip.
    pub fn forward(&self, case: &Case) -> Result<Tensor> {
        let context = case.context.as_ref().map(|context| context.narrow(0, 0, 1)).transpose()?;
        self.stored.velocity(&case.x.narrow(0, 0, 1)?, context.as_ref(), &case.sigmas[..1], &case.conditions[..1])
    }

    /// One step: forward, backward, optimizer. One part of the batch for each thread, as in training.
    pub fn step(&self, case: &Case) -> Result<()> {
        let (_, grads) = self.gradients(case)?;
        // Only a panic of another holder could poison it, and there is no other.
        let mut optimizer = self.optimizer.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        optimizer.step(&self.vars, &grads)
    }

    /// Loss and gradients of the whole batch, written as a safetensors file.
    pub fn write_gradients(&self, case: &Case, path: &Path) -> Result<()> {
        let (loss, grads) = self.gradients(case)?;
        let mut tensors: HashMap<String, Tensor> = grads.into_iter().collect();
        tensors.insert("loss".into(), Tensor::new(&[loss], &Device::Cpu)?);
        Ok(candle_core::safetensors::save(&tensors, path)?)
    }

    fn gradients(&self, case: &Case) -> Result<(f32, BTreeMap<String, Tensor>)> {
        let batch = case.sigmas.len();
        let each = batch.div_ceil(self.threads);
        let starts: Vec<usize> = (0..batch).step_by(each).collect();
        let part = |&start: &usize| self.part(case, start, each.min(batch - start));
        let mut parts: Vec<_> = starts.par_iter().map(part).collect::<Result<_>>()?;
        let (mut loss, mut sum) = parts.remove(0);
        for (part_loss, grads) in parts {
            loss += part_loss;
            for (name, grad) in grads {
                let total = (&sum[&name] + grad)?;
                sum.insert(name, total);
            }
        }
        Ok((loss, sum))
    }

    /// Loss and gradients of `count` clips, as their share of the batch's.
    fn part(&self, case: &Case, start: usize, count: usize) -> Result<(f32, BTreeMap<String, Tensor>)> {
        let cut = |tensor: &Tensor| tensor.narrow(0, start, count);
        let context = case.context.as_ref().map(cut).transpose()?;
        let range = start..start + count;
        let (sigmas, conditions) = (&case.sigmas[range.clone()], &case.conditions[range]);
        let v = self.trained.velocity(&cut(&case.x)?, context.as_ref(), sigmas, conditions)?;
        let share = count as f64 / case.sigmas.len() as f64;
        let loss = ((v - cut(&case.target)?)?.sqr()?.mean_all()? * share)?;
        let grads = loss.backward()?;
        let found = self.vars.iter().filter_map(|(name, var)| Some((name.clone(), grads.get(var)?.detach())));
        Ok((loss.to_scalar()?, found.collect()))
    }
}

fn build(case: &Case, weights: &Weights) -> Result<Stage> {
    if case.stage == "fine" {
        return case.card.config.fine_stage(&*case.card.config.representation.build()?, weights);
    }
    let stage = case.card.config.envelope_stage(weights)?;
    Ok(stage.ok_or_else(|| candle_core::Error::Msg("no envelope stage".into()))?)
}

/// AdamW (Loshchilov and Hutter 2019) in one pass over memory, with the numbers that the other engine gets.
#[derive(Default)]
struct AdamW {
    slots: BTreeMap<String, [Vec<f32>; 2]>,
    step: i32,
}

impl AdamW {
    fn step(&mut self, vars: &BTreeMap<String, Var>, grads: &BTreeMap<String, Tensor>) -> Result<()> {
        self.step += 1;
        let step = self.step;
        for (name, grad) in grads {
            let zeros = || vec![0.0; grad.elem_count()];
            self.slots.entry(name.clone()).or_insert_with(|| [zeros(), zeros()]);
        }
        self.slots.par_iter_mut().try_for_each(|(name, [first, second])| -> Result<()> {
            let grad: Vec<f32> = grads[name].flatten_all()?.to_vec1()?;
            let var = &vars[name];
            let mut weights: Vec<f32> = var.flatten_all()?.to_vec1()?;
            for (((w, m), v), g) in weights.iter_mut().zip(first).zip(second).zip(grad) {
                update(w, m, v, g, step);
            }
            Ok(var.set(&Tensor::from_vec(weights, var.shape(), &Device::Cpu)?)?)
        })
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
