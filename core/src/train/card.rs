//! [`CardEngine`]: losses, gradients and optimizer on a graphics card, by plans of the stages.
//!
//! While the card computes one step, the CPU prepares the next one's batch and brings it over. Parameters live on the card;
//! those on the CPU are brought up to date when somebody wants to save them.

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_core::{Device, Tensor};

use super::batch::{Batch, StageBatch};
use super::config::Loss;
use super::engine::Planned;
use super::networks::{Losses, Networks, Part};
use super::optimizer::{Optimizer, Slot};
use super::teacher::{Noised, Teacher};
use crate::error::Result;
use crate::nn::{Card, CardPlan, CardWeights, Plan, Question, StepNumbers, Sums};

/// The plans of a training's stages on a card.
pub(super) struct CardEngine {
    card: Arc<Card>,
    /// Of the stages that learn, in their order.
    stages: Vec<OnCard>,
    /// The teacher's, where there is one.
    teachers: Vec<Frozen>,
    /// The losses of the stages, then the squared norm of the gradients.
    sums: Sums,
    /// A batch made ahead, and whether the card has it already.
    ahead: Option<(Batch, bool)>,
}

struct OnCard {
    part: Part,
    plan: CardPlan,
    weights: CardWeights,
    /// As it is laid out, and the names of its parameters.
    laid: Arc<Plan>,
    names: Vec<String>,
}

/// A network that is not trained.
struct Frozen {
    plan: CardPlan,
    weights: CardWeights,
}

impl CardEngine {
    /// On `device`, with room for batches of `batch_size` items and so many draws of the envelope stage.
    pub(super) fn new(
        device: &Device,
        networks: &Networks,
        optimizer: &Optimizer,
        teacher: Option<&Teacher>,
        batch_size: usize,
        draws: usize,
    ) -> Result<Self> {
        let card = Arc::new(Card::new(device, true)?);
        let clips = |part: Part| if part == Part::Fine { batch_size } else { batch_size * draws };
        let mut stages = Vec::new();
        for (Planned { plan: laid, names }, (part, _)) in Planned::all(networks)?.into_iter().zip(networks.stages()) {
            let laid = Arc::new(laid);
            let plan = CardPlan::new(&card, &laid, clips(part), true)?;
            let weights = CardWeights::new(&card, &laid)?;
            let stage = OnCard { part, plan, weights, laid, names };
            stage.upload(&card, networks, optimizer)?;
            stages.push(stage);
        }
        let mut teachers = Vec::new();
        for (plan, (part, _)) in teacher.map(Teacher::plans).unwrap_or_default().iter().zip(networks.stages()) {
            let values = flat(plan.parameters())?;
            let weights = CardWeights::new(&card, plan)?;
            weights.write(&card, [&values; 4])?;
            teachers.push(Frozen { plan: CardPlan::new(&card, plan, clips(part), false)?, weights });
        }
        let sums = Sums::new(&card, stages.len() + 1)?;
        Ok(Self { card, stages, teachers, sums, ahead: None })
    }

    /// One step on the batch of step `step`, which `make` makes, as it does the next one's. Losses, and the norm of the
    /// gradients.
    pub(super) fn step(
        &mut self,
        step: u64,
        networks: &Networks,
        teacher: Option<&Teacher>,
        loss: Loss,
        numbers: StepNumbers,
        make: impl Fn(u64) -> Result<Batch>,
    ) -> Result<(Losses, f64)> {
        let (mut batch, is_there) = match self.ahead.take().filter(|(batch, _)| batch.step == step) {
            Some(ahead) => ahead,
            None => (make(step)?, false),
        };
        if let Some(teacher) = teacher {
            self.aim(teacher, networks, &mut batch)?;
        }
        if !is_there {
            self.put(&batch)?;
        }
        self.launch(&batch, loss, numbers)?;
        let next = make(step + 1)?;
        // What the teacher aims at depends on this step's result.
        let is_there = teacher.is_none();
        if is_there {
            self.put(&next)?;
        }
        self.ahead = Some((next, is_there));
        let sums = self.sums.read(&self.card)?;
        Ok((self.losses(&batch, &sums), sums[self.stages.len()].sqrt()))
    }

    /// Losses of the averaged weights on a batch.
    pub(super) fn measure(&mut self, batch: &Batch) -> Result<Losses> {
        if let Some((_, is_there)) = &mut self.ahead {
            *is_there = false;
        }
        self.put(batch)?;
        self.sums.clear(&self.card)?;
        for (i, (stage, batch)) in self.stages.iter().zip(&batch.stages).enumerate() {
            stage.plan.forward(&stage.weights, true, batch.clips())?;
            stage.plan.add_loss(&self.sums, i, batch.clips(), 0.0, 1.0)?;
        }
        let sums = self.sums.read(&self.card)?;
        Ok(self.losses(batch, &sums))
    }

    /// Bring parameters, averages and moments on the CPU up to date.
    pub(super) fn download(&self, networks: &Networks, optimizer: &mut Optimizer) -> Result<()> {
        for stage in &self.stages {
            stage.download(&self.card, networks, optimizer)?;
        }
        Ok(())
    }

    fn losses(&self, batch: &Batch, sums: &[f64]) -> Losses {
        let mut losses = Losses::default();
        for ((stage, batch), sum) in self.stages.iter().zip(&batch.stages).zip(sums) {
            losses.set(stage.part, sum / batch.target.len() as f64);
        }
        losses
    }

    fn put(&self, batch: &Batch) -> Result<()> {
        for (stage, batch) in self.stages.iter().zip(&batch.stages) {
            batch.put(&stage.plan, &batch.x_t, &batch.rows)?;
        }
        Ok(())
    }

    /// Losses, gradients and the optimizer's step, of what was put.
    fn launch(&self, batch: &Batch, loss: Loss, numbers: StepNumbers) -> Result<()> {
        let huber = match loss {
            Loss::Mse => 0.0,
            Loss::Huber { c } => c,
        };
        let (card, sums, norm) = (&self.card, &self.sums, self.stages.len());
        sums.clear(card)?;
        for (i, (stage, batch)) in self.stages.iter().zip(&batch.stages).enumerate() {
            stage.weights.clear(card)?;
            stage.plan.forward(&stage.weights, false, batch.clips())?;
            stage.plan.add_loss(sums, i, batch.clips(), huber, 1.0)?;
            stage.plan.backward(&stage.weights, batch.clips())?;
            stage.weights.add_squares(card, sums, norm)?;
        }
        for stage in &self.stages {
            stage.weights.step(card, sums, norm, numbers)?;
        }
        Ok(())
    }

    /// Replace the targets by what the teacher aims at.
    fn aim(&self, teacher: &Teacher, networks: &Networks, batch: &mut Batch) -> Result<()> {
        for (i, ((_, network), batch)) in networks.stages().zip(&mut batch.stages).enumerate() {
            let mut target = std::mem::take(&mut batch.target);
            let asked = &*batch;
            let (frozen, student) = (&self.teachers[i], &self.stages[i]);
            let noised = Noised {
                x_t: &asked.x_t,
                context: asked.context.as_deref(),
                sigmas: &asked.sigmas,
                conditions: &asked.conditions,
            };
            let ask = |plan: &CardPlan, weights: &CardWeights, x: &[f32], rows: &(Vec<f32>, Vec<f32>)| {
                let frames: Vec<&[f32]> = std::iter::once(x).chain(asked.context.as_deref()).collect();
                plan.put(asked.clips(), &Question { rows: &[&rows.0, &rows.1], frames: &frames }, None)?;
                plan.forward(weights, false, asked.clips())?;
                Ok(plan.output(asked.clips())?)
            };
            teacher.aim(
                network,
                &noised,
                &mut target,
                |rows| ask(&frozen.plan, &frozen.weights, &asked.x_t, rows),
                |x, rows| ask(&student.plan, &student.weights, x, rows),
            )?;
            batch.target = target;
        }
        Ok(())
    }
}

impl StageBatch {
    fn put(&self, plan: &CardPlan, x: &[f32], rows: &(Vec<f32>, Vec<f32>)) -> Result<()> {
        let frames: Vec<&[f32]> = std::iter::once(x).chain(self.context.as_deref()).collect();
        let question = Question { rows: &[&rows.0, &rows.1], frames: &frames };
        Ok(plan.put(self.clips(), &question, Some(&self.target))?)
    }
}

impl OnCard {
    fn upload(&self, card: &Card, networks: &Networks, optimizer: &Optimizer) -> Result<()> {
        let vars = networks.weights.vars();
        let mut all: [Vec<f32>; 4] = Default::default();
        for name in &self.names {
            let slot = &optimizer.slots[name];
            let tensors = [vars[name].as_tensor(), &slot.first, &slot.second, &slot.ema];
            for (all, tensor) in all.iter_mut().zip(tensors) {
                all.extend(tensor.flatten_all()?.to_vec1::<f32>()?);
            }
        }
        Ok(self.weights.write(card, all.each_ref().map(Vec::as_slice))?)
    }

    fn download(&self, card: &Card, networks: &Networks, optimizer: &mut Optimizer) -> Result<()> {
        let vars: BTreeMap<String, _> = networks.weights.vars();
        let all = self.weights.read(card)?;
        for (id, name) in self.names.iter().enumerate() {
            let (var, range) = (&vars[name], self.laid.gradient_range(id));
            let tensor = |values: &[f32]| Tensor::from_slice(&values[range.clone()], var.shape(), &Device::Cpu);
            let [value, first, second, ema] = all.each_ref().map(|values| tensor(values));
            var.set(&value?)?;
            optimizer.slots.insert(name.clone(), Slot { first: first?, second: second?, ema: ema? });
        }
        Ok(())
    }
}

fn flat(tensors: &[Tensor]) -> Result<Vec<f32>> {
    let mut all = Vec::new();
    for tensor in tensors {
        all.extend(tensor.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok(all)
}
