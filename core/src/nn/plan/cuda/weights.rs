//! [`CardWeights`]: the parameters of a plan on the card, with their gradients and what an optimizer keeps of them.

use candle_core::Result;

use super::card::{Address, Block, Card, Sums};
use crate::nn::plan::Plan;

/// The parameters of a plan on the card, with their gradients and what an optimizer keeps of them.
pub struct CardWeights {
    values: Block<f32>,
    gradients: Block<f32>,
    first: Block<f32>,
    second: Block<f32>,
    average: Block<f32>,
    /// 1 where weights decay, 0 elsewhere.
    decays: Block<f32>,
    len: usize,
}

/// The numbers of one step of an optimizer.
#[derive(Clone, Copy, Debug)]
pub struct StepNumbers {
    /// Longest norm of all gradients together.
    pub clip_norm: f64,
    /// Learning rate.
    pub learning_rate: f64,
    /// Share of the learning rate by which weights decay.
    pub weight_decay: f64,
    /// Decay of the gradients' mean, or momentum.
    pub beta1: f64,
    /// Decay of the squares' mean; absent without one (stochastic gradient descent).
    pub beta2: Option<f64>,
    /// Corrections of the means' start from zero.
    pub correction: (f64, f64),
    /// Decay of the average of the weights.
    pub ema_decay: f64,
}

impl CardWeights {
    /// Room for the parameters of `plan`.
    ///
    /// # Errors
    /// No memory on the card.
    pub fn new(card: &Card, plan: &Plan) -> Result<Self> {
        let len = plan.num_parameters();
        let room = || card.zeros(len);
        let weights = Self {
            values: room()?,
            gradients: room()?,
            first: room()?,
            second: room()?,
            average: room()?,
            decays: room()?,
            len,
        };
        // Only matrices decay.
        let decays = plan
            .parameters()
            .iter()
            .flat_map(|tensor| std::iter::repeat_n(if tensor.rank() > 1 { 1.0 } else { 0.0 }, tensor.elem_count()));
        card.write(weights.decays.address, &decays.collect::<Vec<f32>>())?;
        Ok(weights)
    }

    /// Set values, means of gradients and of squares, and averages, each of [`Plan::num_parameters`].
    ///
    /// # Errors
    /// The card failed.
    ///
    /// # Panics
    /// If a slice has another length.
    pub fn write(&self, card: &Card, all: [&[f32]; 4]) -> Result<()> {
        for (values, block) in all.into_iter().zip(self.kept()) {
            assert_eq!(values.len(), self.len, "one number for every parameter");
            card.write(block.address, values)?;
        }
        Ok(())
    }

    /// What [`CardWeights::write`] sets, as it is now.
    ///
    /// # Errors
    /// The card failed.
    pub fn read(&self, card: &Card) -> Result<[Vec<f32>; 4]> {
        let [values, first, second, average] = self.kept();
        Ok([card.read(values)?, card.read(first)?, card.read(second)?, card.read(average)?])
    }

    fn kept(&self) -> [&Block<f32>; 4] {
        [&self.values, &self.first, &self.second, &self.average]
    }

    /// The gradients that were added up since [`CardWeights::clear`].
    ///
    /// # Errors
    /// The card failed.
    pub fn gradients(&self, card: &Card) -> Result<Vec<f32>> {
        card.read(&self.gradients)
    }

    /// Set the gradients to zero.
    ///
    /// # Errors
    /// The card failed.
    pub fn clear(&self, card: &Card) -> Result<()> {
        card.clear(self.gradients.address, self.len * size_of::<f32>())
    }

    /// Add the squares of the gradients to sum `idx`.
    ///
    /// # Errors
    /// The card failed.
    pub fn add_squares(&self, card: &Card, sums: &Sums, idx: usize) -> Result<()> {
        let arguments = [sums.address(idx).into(), self.gradients.address.into(), self.len.into()];
        card.launch("squares", [self.len.div_ceil(256 * 16), 1, 1], [256, 1], &arguments)
    }

    /// Change the parameters by the gradients, whose squared norm, together with others', is sum `idx`.
    ///
    /// # Errors
    /// The card failed.
    pub fn step(&self, card: &Card, sums: &Sums, idx: usize, numbers: StepNumbers) -> Result<()> {
        let number = |value: f64| (value as f32).into();
        let arguments = [
            self.values.address.into(),
            self.first.address.into(),
            self.second.address.into(),
            self.average.address.into(),
            self.gradients.address.into(),
            self.decays.address.into(),
            sums.address(idx).into(),
            self.len.into(),
            number(numbers.clip_norm),
            number(numbers.learning_rate),
            number(numbers.weight_decay),
            number(numbers.beta1),
            number(numbers.beta2.unwrap_or(0.0)),
            number(numbers.correction.0.recip()),
            number(numbers.correction.1.recip()),
            number(1.0 - numbers.ema_decay),
            numbers.beta2.is_some().into(),
        ];
        card.each("optimize", self.len, &arguments)
    }

    pub(super) fn address(&self, averaged: bool) -> Address {
        if averaged { self.average.address } else { self.values.address }
    }

    pub(super) fn gradients_address(&self) -> Address {
        self.gradients.address
    }
}
