//! [`Linear`]: the same matrix for every frame.

use candle_core::{Result, Tensor};

use super::conv1d::{Conv1d, Conv1dConfig};
use super::value::Value;
use super::weights::{Init, Weights};

/// `y = x W + b` on the last axis of `[.., inputs]`.
#[derive(Clone, Debug)]
pub struct Linear(Conv1d);

impl Linear {
    /// A layer from `inputs` to `outputs`; the weight starts by `init`, the bias at 0.
    ///
    /// # Errors
    /// The stored weights do not fit.
    pub fn new(inputs: usize, outputs: usize, init: Init, weights: &Weights) -> Result<Self> {
        Conv1d::new(inputs, outputs, Conv1dConfig { kernel: 1, init: Some(init), ..Conv1dConfig::default() }, weights)
            .map(Self)
    }

    /// Weight (`[inputs, outputs]`) and bias.
    pub(super) fn parameters(&self) -> (&Tensor, &Tensor) {
        self.0.parameters()
    }

    /// `[.., inputs]` to `[.., outputs]`.
    ///
    /// # Errors
    /// A tensor operation failed.
    pub fn forward(&self, x: &Value) -> Result<Value> {
        self.rows(x, |rows| self.0.forward(rows))
    }

    /// `forward(x) + base`, whatever the shape of `base`: only its number of values counts.
    ///
    /// # Errors
    /// As [`Linear::forward`].
    pub fn forward_onto(&self, x: &Value, base: &Value) -> Result<Value> {
        self.rows(x, |rows| {
            let outputs = self.0.parameters().1.dim(0)?;
            self.0.forward_onto(rows, &base.reshape(&[rows.extent(0)?, outputs])?)
        })
    }

    /// On a tensor of any rank.
    pub(super) fn tensor(&self, x: &Tensor) -> Result<Tensor> {
        self.forward(&Value::Tensor(x.clone()))?.tensor().cloned()
    }

    fn rows(&self, x: &Value, f: impl FnOnce(&Value) -> Result<Value>) -> Result<Value> {
        let mut shape = x.shape_without_batch();
        let inputs = shape.pop().unwrap_or(0);
        let y = f(&x.reshape(&[shape.iter().product(), inputs])?)?;
        shape.push(y.extent(1)?);
        y.reshape(&shape)
    }
}
