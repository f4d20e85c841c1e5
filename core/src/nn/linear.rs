//! [`Linear`]: the same matrix for every frame.

use candle_core::{Result, Tensor};

use super::conv1d::{Conv1d, Conv1dConfig};
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
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut shape = x.dims().to_vec();
        let inputs = shape.pop().unwrap_or(0);
        let rows: usize = shape.iter().product();
        let y = self.0.forward(&x.reshape((1, rows, inputs))?)?;
        shape.push(y.dim(2)?);
        y.reshape(shape)
    }
}
