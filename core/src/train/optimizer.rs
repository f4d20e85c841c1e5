//! The optimizers, AdamW and SGD, with the moving average of the weights, in one pass over memory.

use std::cell::RefCell;
use std::collections::BTreeMap;

use candle_core::{CpuStorage, InplaceOp1, Layout, Tensor, Var};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Result, TrainError};

/// Which optimizer, and its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerConfig {
    /// The rule.
    pub rule: Rule,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Steps over which the learning rate rises from 0.
    pub warm_up: u64,
    /// Last share of the training over which it falls to a twentieth, in 0..=1.
    pub cool_down: f64,
    /// Decay of the weights (matrices only) by the learning rate, per step.
    pub weight_decay: f64,
    /// Largest norm of all gradients together; longer ones are shortened to it.
    pub clip_norm: f64,
}

/// The rule by which gradients change weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum Rule {
    /// AdamW (Loshchilov and Hutter 2019).
    AdamW {
        /// Decay of the mean of the gradients.
        beta1: f64,
        /// Decay of the mean of their squares.
        beta2: f64,
    },
    /// Stochastic gradient descent.
    Sgd {
        /// Decay of the sum of the gradients.
        momentum: f64,
    },
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            rule: Rule::AdamW { beta1: 0.9, beta2: 0.99 },
            learning_rate: 1e-3,
            warm_up: 200,
            cool_down: 0.3,
            weight_decay: 0.01,
            clip_norm: 1.0,
        }
    }
}

impl OptimizerConfig {
    pub(super) fn validate(&self) -> Result<()> {
        let need = |ok: bool, field: &'static str, found: f64, needed: &'static str| {
            if ok { Ok(()) } else { Err(TrainError::Config { field, found: found.to_string(), needed }) }
        };
        let rate = self.learning_rate;
        need(rate > 0.0 && rate.is_finite(), "optimizer.learning_rate", rate, "a positive number")?;
        need((0.0..=1.0).contains(&self.cool_down), "optimizer.cool_down", self.cool_down, "0..=1")?;
        need((0.0..=1.0).contains(&self.weight_decay), "optimizer.weight_decay", self.weight_decay, "0..=1")?;
        need(self.clip_norm > 0.0, "optimizer.clip_norm", self.clip_norm, "a positive number")?;
        let betas = match self.rule {
            Rule::AdamW { beta1, beta2 } => [beta1, beta2],
            Rule::Sgd { momentum } => [momentum, 0.0],
        };
        for beta in betas {
            need((0.0..1.0).contains(&beta), "optimizer.rule", beta, "decays in 0..1")?;
        }
        Ok(())
    }

    /// The learning rate of step `step` (from 0) when `progress` (0..=1) of the training is done.
    pub(super) fn learning_rate(&self, step: u64, progress: f64) -> f64 {
        let rise = ((step + 1) as f64 / self.warm_up.max(1) as f64).min(1.0);
        let left = if self.cool_down > 0.0 { ((1.0 - progress) / self.cool_down).clamp(0.0, 1.0) } else { 1.0 };
        self.learning_rate * rise * (0.05 + 0.95 * left)
    }
}

/// What the optimizer remembers of one parameter, and the parameter's moving average; all of its shape.
#[derive(Clone)]
pub(super) struct Slot {
    pub(super) first: Tensor,
    pub(super) second: Tensor,
    pub(super) ema: Tensor,
}

/// The optimizer's memory, by parameter name.
pub(super) struct Optimizer {
    config: OptimizerConfig,
    pub(super) slots: BTreeMap<String, Slot>,
}

/// The numbers of one step.
#[derive(Clone, Copy)]
struct Step {
    rule: Rule,
    learning_rate: f64,
    weight_decay: f64,
    /// Factor that brings the gradients under the clipping norm.
    shorten: f64,
    /// Corrections of Adam's start from zero.
    correction: (f64, f64),
    ema_decay: f64,
}

impl Optimizer {
    /// Nothing remembered; the moving averages start at the parameters.
    pub(super) fn new(config: OptimizerConfig, vars: &BTreeMap<String, Var>) -> Result<Self> {
        let slot = |var: &Var| -> Result<Slot> {
            // Each its own memory: all are changed in place.
            let zeros = || var.as_tensor().zeros_like();
            Ok(Slot { first: zeros()?, second: zeros()?, ema: var.as_tensor().copy()? })
        };
        let slots = vars.iter().map(|(name, var)| Ok((name.clone(), slot(var)?))).collect::<Result<_>>()?;
        Ok(Self { config, slots })
    }

    /// One step (numbered from 0): change `vars` by `grads` (zero where absent). Returns the norm of the gradients. Runs on
    /// the current rayon pool.
    pub(super) fn step(
        &mut self,
        vars: &BTreeMap<String, Var>,
        grads: &BTreeMap<String, Tensor>,
        step: u64,
        progress: f64,
        ema_decay: f64,
    ) -> Result<f64> {
        let norm = norm(grads)?;
        let numbers = self.numbers(norm, step, progress, ema_decay);
        self.slots.par_iter_mut().try_for_each(|(name, slot)| -> Result<()> {
            let (Some(var), Some(grad)) = (vars.get(name), grads.get(name)) else { return Ok(()) };
            update_composed(slot, var, grad, numbers.of(var))
        })?;
        Ok(norm)
    }

    /// As [`Optimizer::step`], for parameters on the CPU: everything in place, in one pass over memory.
    pub(super) fn step_values(
        &mut self,
        vars: &BTreeMap<String, Var>,
        grads: &BTreeMap<&str, &[f32]>,
        step: u64,
        progress: f64,
        ema_decay: f64,
    ) -> Result<f64> {
        let squares: f64 = grads
            .values()
            .collect::<Vec<_>>()
            .par_iter()
            .map(|grad| sum_of_squares(grad))
            .collect::<Vec<_>>()
            .iter()
            .sum();
        let norm = squares.sqrt();
        let numbers = self.numbers(norm, step, progress, ema_decay);
        self.slots.par_iter_mut().try_for_each(|(name, slot)| -> Result<()> {
            let (Some(var), Some(grad)) = (vars.get(name), grads.get(name.as_str())) else { return Ok(()) };
            update(slot, var, grad, numbers.of(var))
        })?;
        Ok(norm)
    }

    /// The numbers of a step for a card, which finds the norm of the gradients itself.
    #[cfg(feature = "cuda")]
    pub(super) fn card_numbers(&self, step: u64, progress: f64, ema_decay: f64) -> crate::nn::StepNumbers {
        let numbers = self.numbers(0.0, step, progress, ema_decay);
        let (beta1, beta2) = match numbers.rule {
            Rule::AdamW { beta1, beta2 } => (beta1, Some(beta2)),
            Rule::Sgd { momentum } => (momentum, None),
        };
        crate::nn::StepNumbers {
            clip_norm: self.config.clip_norm,
            learning_rate: numbers.learning_rate,
            weight_decay: numbers.weight_decay,
            beta1,
            beta2,
            correction: numbers.correction,
            ema_decay: numbers.ema_decay,
        }
    }

    fn numbers(&self, norm: f64, step: u64, progress: f64, ema_decay: f64) -> Step {
        let n = (step + 1) as i32;
        let correction = match self.config.rule {
            Rule::AdamW { beta1, beta2 } => (1.0 - beta1.powi(n), 1.0 - beta2.powi(n)),
            Rule::Sgd { .. } => (1.0, 1.0),
        };
        Step {
            rule: self.config.rule,
            learning_rate: self.config.learning_rate(step, progress),
            weight_decay: self.config.weight_decay,
            shorten: (self.config.clip_norm / norm.max(1e-12)).min(1.0),
            correction,
            // A young average must not hold on to the random start.
            ema_decay: ema_decay.min((1.0 + step as f64) / (10.0 + step as f64)),
        }
    }
}

impl Step {
    /// Only matrices decay.
    fn of(self, var: &Var) -> Self {
        Self { weight_decay: if var.rank() > 1 { self.weight_decay } else { 0.0 }, ..self }
    }
}

/// In `f32` over short runs, in `f64` over them.
fn sum_of_squares(values: &[f32]) -> f64 {
    let run = |run: &[f32]| f64::from(run.iter().map(|x| x * x).sum::<f32>());
    values.chunks(1024).map(run).sum()
}

/// Euclidean norm over all gradients.
fn norm(grads: &BTreeMap<String, Tensor>) -> Result<f64> {
    let mut sum = 0.0;
    for grad in grads.values() {
        sum += f64::from(grad.sqr()?.sum_all()?.to_scalar::<f32>()?);
    }
    Ok(sum.sqrt())
}

fn update(slot: &Slot, var: &Var, grad: &[f32], step: Step) -> Result<()> {
    let Slot { first, second, ema } = slot;
    change(var.as_tensor(), |p| {
        change(first, |m| change(second, |v| change(ema, |e| update_values(p, grad, m, v, e, step))))
    })????;
    Ok(())
}

/// Call `f` with the values of a CPU tensor, to change them in place.
fn change<T>(tensor: &Tensor, f: impl FnOnce(&mut [f32]) -> T) -> Result<T> {
    let change = Change { f: RefCell::new(Some(f)), result: RefCell::new(None) };
    tensor.inplace_op1(&change)?;
    let result = change.result.into_inner();
    Ok(result.ok_or_else(|| candle_core::Error::Msg("an operation in place did not run".into()))?)
}

/// An operation in place that runs once.
struct Change<F, T> {
    f: RefCell<Option<F>>,
    result: RefCell<Option<T>>,
}

impl<T, F: FnOnce(&mut [f32]) -> T> InplaceOp1 for Change<F, T> {
    fn name(&self) -> &'static str {
        "change"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let (CpuStorage::F32(values), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
            candle_core::bail!("need contiguous f32 values");
        };
        *self.result.borrow_mut() = self.f.take().map(|f| f(&mut values[start..end]));
        Ok(())
    }
}

fn update_values(p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32], e: &mut [f32], step: Step) {
    let (rate, shorten) = (step.learning_rate as f32, step.shorten as f32);
    let keep = 1.0 - (step.learning_rate * step.weight_decay) as f32;
    let average = 1.0 - step.ema_decay as f32;
    let rows = p.iter_mut().zip(g).zip(m).zip(v).zip(e);
    match step.rule {
        Rule::AdamW { beta1, beta2 } => {
            let (b1, b2) = (beta1 as f32, beta2 as f32);
            let (c1, c2) = (1.0 / step.correction.0 as f32, 1.0 / step.correction.1 as f32);
            for ((((p, &g), m), v), e) in rows {
                let g = g * shorten;
                *m = b1 * *m + (1.0 - b1) * g;
                *v = b2 * *v + (1.0 - b2) * g * g;
                *p = *p * keep - rate * (*m * c1) / ((*v * c2).sqrt() + 1e-8);
                *e += average * (*p - *e);
            }
        }
        Rule::Sgd { momentum } => {
            for ((((p, &g), m), _), e) in rows {
                *m = momentum as f32 * *m + g * shorten;
                *p = *p * keep - rate * *m;
                *e += average * (*p - *e);
            }
        }
    }
}

/// The same of candle's operations, which run on every device.
fn update_composed(slot: &mut Slot, var: &Var, grad: &Tensor, step: Step) -> Result<()> {
    let g = (grad * step.shorten)?;
    let p = (var.as_tensor().detach() * (1.0 - step.learning_rate * step.weight_decay))?;
    let p = match step.rule {
        Rule::AdamW { beta1, beta2 } => {
            slot.first = ((&slot.first * beta1)? + (&g * (1.0 - beta1))?)?;
            slot.second = ((&slot.second * beta2)? + (g.sqr()? * (1.0 - beta2))?)?;
            let root = ((&slot.second / step.correction.1)?.sqrt()? + 1e-8)?;
            (p - ((&slot.first * (step.learning_rate / step.correction.0))? / root)?)?
        }
        Rule::Sgd { momentum } => {
            slot.first = ((&slot.first * momentum)? + g)?;
            (p - (&slot.first * step.learning_rate)?)?
        }
    };
    slot.ema = ((&slot.ema * step.ema_decay)? + (&p * (1.0 - step.ema_decay))?)?;
    Ok(var.set(&p)?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn run(rule: Rule, update: fn(&mut Slot, &Var, &Tensor, Step) -> Result<()>) -> Result<Vec<f32>> {
        let var = Var::new(&[[1.0f32, -2.0, 3.0]], &Device::Cpu)?;
        let zeros = || var.as_tensor().zeros_like();
        let mut slot = Slot { first: zeros()?, second: zeros()?, ema: var.as_tensor().copy()? };
        for n in 1..=3 {
            let grad = (var.as_tensor().detach() * 2.0)?;
            let correction = (1.0 - 0.9f64.powi(n), 1.0 - 0.99f64.powi(n));
            let step = Step { rule, learning_rate: 0.1, weight_decay: 0.1, shorten: 0.5, correction, ema_decay: 0.5 };
            update(&mut slot, &var, &grad, step)?;
        }
        Ok([flat(var.as_tensor())?, flat(&slot.ema)?].concat())
    }

    fn flat(tensor: &Tensor) -> Result<Vec<f32>> {
        Ok(tensor.flatten_all()?.to_vec1()?)
    }

    fn in_place(slot: &mut Slot, var: &Var, grad: &Tensor, step: Step) -> Result<()> {
        update(slot, var, &flat(grad)?, step)
    }

    #[test]
    fn both_forms_of_both_rules_agree() -> Result<()> {
        for rule in [Rule::AdamW { beta1: 0.9, beta2: 0.99 }, Rule::Sgd { momentum: 0.9 }] {
            let (fused, composed) = (run(rule, in_place)?, run(rule, update_composed)?);
            for (a, b) in fused.iter().zip(&composed) {
                assert!((a - b).abs() < 1e-5, "{rule:?}: {fused:?} {composed:?}");
            }
        }
        Ok(())
    }

    #[test]
    fn three_steps_of_adamw_equal_its_definition() -> Result<()> {
        // Algorithm 2 of Loshchilov and Hutter 2019 in f64, with the weights themselves as gradients.
        let expected = |start: f64| {
            let (mut p, mut m, mut v) = (start, 0.0, 0.0);
            for n in 1..=3 {
                let g = p;
                p *= 1.0 - 0.1 * 0.1;
                m = 0.9 * m + 0.1 * g;
                v = 0.99 * v + 0.01 * g * g;
                p -= 0.1 * (m / (1.0 - 0.9f64.powi(n))) / ((v / (1.0 - 0.99f64.powi(n))).sqrt() + 1e-8);
            }
            p
        };
        let got = run(Rule::AdamW { beta1: 0.9, beta2: 0.99 }, in_place)?;
        for (got, start) in got.iter().zip([1.0, -2.0, 3.0]) {
            assert!((f64::from(*got) - expected(start)).abs() < 1e-5, "{got} {}", expected(start));
        }
        Ok(())
    }

    #[test]
    fn the_learning_rate_rises_stays_and_falls() {
        let config = OptimizerConfig { learning_rate: 1.0, warm_up: 10, cool_down: 0.5, ..OptimizerConfig::default() };
        assert_eq!(config.learning_rate(0, 0.0), 0.1);
        assert_eq!(config.learning_rate(100, 0.5), 1.0);
        assert!((config.learning_rate(100, 1.0) - 0.05).abs() < 1e-12);
    }
}
